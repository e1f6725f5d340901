/* rows.c: see rows.h. */
#include "rows.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name, *pattern, *extension;
    uint16_t id;
} drawn[] = {
#define INSN(id, pattern, format, ext, effect) {#id, pattern, #ext, INSN_##id},
#include "../../cpu/riscv.def"
#define RVC(id, pattern, format, ext, base) {#id, pattern, #ext, INSN_##base},
#include "../../cpu/riscv.def"
};
enum { ROWS = sizeof drawn / sizeof drawn[0] };
_Static_assert((int)ROWS <= (int)ROW_MAX, "row sets hold all rows");

const struct row_pattern *row_patterns(unsigned *count) {
    static struct row_pattern rows[ROWS];
    *count = ROWS;
    if (rows[0].name)
        return rows;
    for (unsigned i = ROWS; i-- > 0;) {
        struct row_pattern *r = &rows[i];
        unsigned bits = 0;
        for (const char *c = drawn[i].pattern; *c; c++) {
            if (*c == ' ')
                continue;
            r->mask = r->mask << 1 | (*c != '.');
            r->match = r->match << 1 | (*c == '1');
            bits++;
        }
        r->extension = drawn[i].extension;
        r->id = drawn[i].id;
        r->len = (uint8_t)(bits / 8);
        r->name = drawn[i].name;
    }
    return rows;
}

bool row_pattern_in(const struct row_pattern *row, const struct isa *isa) {
    uint64_t r = row->match;
    for (int i = 0; i < 500; i++) {
        struct insn in;
        r = r * 6364136223846793005u + 1442695040888963407u;
        insn_decode(isa, ((uint32_t)(r >> 32) & (row->len == 2 ? 0xffff : 0xffffffff) & ~row->mask) | row->match, &in);
        if (in.id == row->id && in.len == row->len)
            return true;
    }
    return false;
}

unsigned row_operands(unsigned format) {
    switch ((enum insn_format)format) {
    case FMT_R:
        return WRITES_X | READS_X1 | READS_X2 | HAS_RD | HAS_R1 | HAS_R2;
    case FMT_R1:
    case FMT_I:
    case FMT_SH:
    case FMT_RNUM:
        return WRITES_X | READS_X1 | HAS_RD | HAS_R1;
    case FMT_IL:
        return WRITES_X | READS_X1 | ADDRESS | HAS_RD | HAS_R1;
    case FMT_JR:
        return WRITES_X | READS_X1 | HAS_RD | HAS_R1;
    case FMT_S:
        return READS_X1 | READS_X2 | ADDRESS | HAS_R1 | HAS_R2;
    case FMT_B:
        return READS_X1 | READS_X2 | HAS_R1 | HAS_R2;
    case FMT_U:
    case FMT_J:
        return WRITES_X | HAS_RD;
    case FMT_AMO:
        return WRITES_X | READS_X1 | READS_X2 | ADDRESS | ATOMIC | HAS_RD | HAS_R1 | HAS_R2;
    case FMT_LR:
        return WRITES_X | READS_X1 | ADDRESS | ATOMIC | HAS_RD | HAS_R1;
    case FMT_CSR:
        return WRITES_X | READS_X1 | HAS_RD | HAS_R1;
    case FMT_CSRI:
        return WRITES_X | HAS_RD | HAS_R1;
    case FMT_FENCE:
    case FMT_NONE:
        return 0;
    case FMT_VMA:
        return HAS_R1 | HAS_R2;
    case FMT_CBO:
    case FMT_PF:
        return READS_X1 | ADDRESS | HAS_R1;
    case FMT_FIL:
        return READS_X1 | ADDRESS | HAS_RD | HAS_R1;
    case FMT_FST:
        return READS_X1 | ADDRESS | HAS_R1 | HAS_R2;
    case FMT_F4R:
    case FMT_F3R:
        return HAS_RM | HAS_RD | HAS_R1 | HAS_R2;
    case FMT_F3:
        return HAS_RD | HAS_R1 | HAS_R2;
    case FMT_F2R:
        return HAS_RM | HAS_RD | HAS_R1;
    case FMT_FX2:
        return WRITES_X | HAS_RD | HAS_R1 | HAS_R2;
    case FMT_FX1:
        return WRITES_X | HAS_RD | HAS_R1;
    case FMT_FX1R:
        return WRITES_X | HAS_RM | HAS_RD | HAS_R1;
    case FMT_XF1:
        return READS_X1 | HAS_RD | HAS_R1;
    case FMT_XF1R:
        return READS_X1 | HAS_RM | HAS_RD | HAS_R1;
    case FMT_XF2:
        return READS_X1 | READS_X2 | HAS_RD | HAS_R1 | HAS_R2;
    case FMT_FLI:
        return HAS_RD | HAS_R1;
    }
    return 0;
}

/* The weight that the list gives an extension token ("I_64" is I), or 10; -1: the list is malformed. */
static int weight_of(const char *list, const char *token) {
    int weight = 10;
    while (list && *list) {
        size_t name = strcspn(list, "=");
        char *end;
        if (list[name] != '=')
            return -1;
        unsigned long n = strtoul(list + name + 1, &end, 10);
        if (end == list + name + 1 || n > 1000 || (*end && *end != ','))
            return -1;
        if (strcspn(token, "_") == name && !strncasecmp(token, list, name))
            weight = (int)n;
        list = *end ? end + 1 : end;
    }
    return weight;
}

bool row_set_make(struct row_set *set, const struct isa *isa, bool (*allowed)(const struct row_pattern *row),
                  const char *weights) {
    unsigned rows;
    const struct row_pattern *patterns = row_patterns(&rows);
    memset(set, 0, sizeof *set);
    for (unsigned i = 0; i < rows; i++) {
        int weight = weight_of(weights, patterns[i].extension);
        if (weight < 0)
            return false;
        if (weight == 0 || (allowed && !allowed(&patterns[i])) || !row_pattern_in(&patterns[i], isa))
            continue;
        set->total += (unsigned)weight;
        set->row[set->count] = (uint16_t)i;
        set->upto[set->count++] = set->total;
    }
    return set->count != 0;
}

unsigned row_set_pick(const struct row_set *set, uint32_t random) {
    uint32_t n = random % set->total;
    unsigned low = 0, high = set->count - 1;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (n < set->upto[middle])
            high = middle;
        else
            low = middle + 1;
    }
    return set->row[low];
}
