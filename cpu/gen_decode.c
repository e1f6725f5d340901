/* gen_decode.c: host program run by the build: riscv.def in, decode_table.inc out.
 *
 *     gen_decode OUTPUT
 *
 * It turns the drawn patterns into mask and match, refuses a table in which an encoding could mean two things, and
 * writes the decoder's tree.  Rows are numbered as the decoder numbers them: 0 is no row, then INSN, RVC and RESERVED
 * rows, each kind in the table's order, so an INSN row's number is its enum insn_id.
 *
 * The tree, for an instruction x:
 *
 *     slot = decode_roots[x & 3]
 *     while slot is a node:   slot = decode_slots[node.first + (x >> node.shift & node.mask)]
 *     slot is a list:         decode_lists[slot & 0x7fff ...], rows with most fixed bits first, ended by 0
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "isa_token.h"

enum row_kind { ROW_INSN, ROW_RVC, ROW_RESERVED };

struct row {
    enum row_kind kind;
    const char *id, *pattern;
    uint8_t xlen;  /* 0: both */
    uint8_t fixed; /* number of fixed bits */
    bool is16;
    uint32_t mask, match;
};

/* The XLEN each token limits its rows to, or 0. */
enum {
#define TOKEN(name, xlen, exts) XLEN_##name = xlen,
    ISA_TOKENS(TOKEN)
#undef TOKEN
};

static struct row rows[] = {
    {.id = "illegal"},
#define INSN(id_, pattern_, format_, ext_, effect_)                                                                    \
    {.kind = ROW_INSN, .id = #id_, .pattern = pattern_, .xlen = XLEN_##ext_},
#include "riscv.def"
#define RVC(id_, pattern_, format_, ext_, base_)                                                                       \
    {.kind = ROW_RVC, .id = #id_, .pattern = pattern_, .xlen = XLEN_##ext_},
#include "riscv.def"
#define RESERVED(id_, pattern_, ext_) {.kind = ROW_RESERVED, .id = #id_, .pattern = pattern_, .xlen = XLEN_##ext_},
#include "riscv.def"
};
enum { ROW_COUNT = sizeof rows / sizeof *rows };

enum {
    LEAF_ROWS = 2, /* a list this short is not worth a further look-up */
    MAX_WIDTH = 7, /* bits looked at by one node: funct7 */
    SLOT_LIST = 0x8000,
    MAX_SLOTS = 0x8000,
};

struct node {
    uint8_t shift, width;
    uint16_t first;
};
static struct node nodes[MAX_SLOTS];
static uint16_t slots[MAX_SLOTS], lists[MAX_SLOTS];
static unsigned node_count, slot_count, list_count;

/* ---- reading patterns ---- */

static bool complain(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fputs("riscv.def: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return false;
}

static bool parse_pattern(struct row *row) {
    unsigned n = 0;
    uint64_t mask = 0, match = 0;
    for (const char *p = row->pattern; *p; p++) {
        if (*p == ' ')
            continue;
        if (*p != '0' && *p != '1' && *p != '.')
            return complain("row %s: '%c' in the pattern is not one of 0, 1, '.' and blank", row->id, *p);
        mask = mask << 1 | (*p != '.');
        match = match << 1 | (*p == '1');
        row->fixed += *p != '.';
        n++;
    }
    row->is16 = row->kind == ROW_RVC || (row->kind == ROW_RESERVED && n == 16);
    if (n != (row->is16 ? 16 : 32))
        return complain("row %s: the pattern has %u bits instead of %u", row->id, n, row->is16 ? 16 : 32);
    if ((mask & 3) != 3 || ((match & 3) == 3) == row->is16)
        return complain("row %s: the two low bits do not fit a %u-bit instruction", row->id, n);
    row->mask = mask;
    row->match = match;
    return true;
}

static bool overlap(const struct row *a, const struct row *b) {
    if (a->is16 != b->is16 || (a->xlen && b->xlen && a->xlen != b->xlen))
        return false;
    return ((a->match ^ b->match) & a->mask & b->mask) == 0;
}

/* The row with more fixed bits wins; where two have as many, no rule says which is meant. */
static bool check_ambiguity(void) {
    bool good = true;
    for (unsigned i = 1; i < ROW_COUNT; i++)
        for (unsigned j = i + 1; j < ROW_COUNT; j++) {
            const struct row *a = &rows[i], *b = &rows[j];
            if (a->kind != ROW_RESERVED && a->kind == b->kind && !strcmp(a->id, b->id))
                good = complain("row %s is there twice", a->id);
            else if (a->fixed == b->fixed && overlap(a, b))
                good = complain("rows %s and %s %s", a->id, b->id,
                                a->mask == b->mask ? "have the same encoding"
                                                   : "overlap and neither is more specific than the other");
        }
    return good;
}

/* ---- building the tree ---- */

static uint32_t field_bits(unsigned shift, unsigned width) { return ((1u << width) - 1) << shift; }

static bool can_have(const struct row *row, unsigned shift, unsigned width, unsigned value) {
    return ((value << shift ^ row->match) & row->mask & field_bits(shift, width)) == 0;
}

/* How bad a split by this field is: rows left on average and at worst, and a little for the space. */
static double split_cost(const uint16_t *set, unsigned n, unsigned shift, unsigned width) {
    unsigned sum = 0, worst = 0;
    for (unsigned value = 0; value < 1u << width; value++) {
        unsigned left = 0;
        for (unsigned i = 0; i < n; i++)
            left += can_have(&rows[set[i]], shift, width, value);
        sum += left;
        worst = left > worst ? left : worst;
    }
    return (double)sum / (1u << width) + worst + 0.05 * (1u << width);
}

static unsigned build_list(const uint16_t *set, unsigned n) {
    uint16_t sorted[ROW_COUNT + 1];
    memcpy(sorted, set, n * sizeof *set);
    for (unsigned i = 1; i < n; i++) /* insertion: stable, and lists are short */
        for (unsigned j = i; j && rows[sorted[j]].fixed > rows[sorted[j - 1]].fixed; j--) {
            uint16_t t = sorted[j];
            sorted[j] = sorted[j - 1];
            sorted[j - 1] = t;
        }
    sorted[n] = 0;
    for (unsigned at = 0; at + n + 1 <= list_count; at++) /* share equal lists, the empty one above all */
        if (!memcmp(&lists[at], sorted, (n + 1) * sizeof *sorted))
            return SLOT_LIST | at;
    unsigned at = list_count;
    memcpy(&lists[at], sorted, (n + 1) * sizeof *sorted);
    list_count += n + 1;
    return SLOT_LIST | at;
}

/* Returns the slot that stands for these rows of so many bits, of which those in known have been looked at. */
static unsigned build(const uint16_t *set, unsigned n, unsigned bits, uint32_t known) {
    unsigned best_shift = 0, best_width = 0;
    double best = 1.3 * n; /* a list costs 2 * n by the same measure; a node must do clearly better */
    for (unsigned width = 1; n > LEAF_ROWS && width <= MAX_WIDTH; width++)
        for (unsigned shift = 2; shift + width <= bits; shift++) {
            if (field_bits(shift, width) & known)
                continue;
            double cost = split_cost(set, n, shift, width);
            if (cost < best)
                best = cost, best_shift = shift, best_width = width;
        }
    if (!best_width)
        return build_list(set, n);

    unsigned node = node_count++;
    unsigned first = slot_count;
    slot_count += 1u << best_width;
    if (slot_count > MAX_SLOTS) {
        complain("the decode tree is too large");
        exit(1);
    }
    nodes[node] = (struct node){best_shift, best_width, first};
    for (unsigned value = 0; value < 1u << best_width; value++) {
        uint16_t left[ROW_COUNT];
        unsigned k = 0;
        for (unsigned i = 0; i < n; i++)
            if (can_have(&rows[set[i]], best_shift, best_width, value))
                left[k++] = set[i];
        slots[first + value] = build(left, k, bits, known | field_bits(best_shift, best_width));
    }
    return node;
}

/* ---- writing ---- */

/* The id with '_' turned to '.', without a trailing _rv32. */
static void write_mnemonic(FILE *out, const char *id) {
    size_t n = strlen(id);
    if (n > 5 && !strcmp(id + n - 5, "_rv32"))
        n -= 5;
    for (size_t i = 0; i < n; i++)
        fputc(id[i] == '_' ? '.' : id[i], out);
}

static void write_numbers(FILE *out, const char *name, const uint16_t *v, unsigned n) {
    fprintf(out, "static const uint16_t %s[%u] = {", name, n);
    for (unsigned i = 0; i < n; i++)
        fprintf(out, "%s%u,", i % 16 ? " " : "\n    ", v[i]);
    fputs("\n};\n\n", out);
}

static bool write_table(const char *path, const unsigned roots[4]) {
    FILE *out = fopen(path, "w");
    if (!out) {
        perror(path);
        return false;
    }
    fputs("/* Made by gen_decode from cpu/riscv.def; see there for the tree's form. */\n\n", out);
    for (unsigned i = 1; i < ROW_COUNT; i++) {
        if (rows[i].kind != ROW_INSN)
            continue;
        fprintf(out, "#define MASK_%s 0x%08xu\n#define MATCH_%s 0x%08xu\n#define MNEMONIC_%s \"", rows[i].id,
                rows[i].mask, rows[i].id, rows[i].match, rows[i].id);
        write_mnemonic(out, rows[i].id);
        fputs("\"\n", out);
    }
    fprintf(out, "\nenum { DECODE_ROWS = %u, DECODE_LIST = 0x%x };\n\n", (unsigned)ROW_COUNT, (unsigned)SLOT_LIST);
    fputs("static const struct {\n    uint32_t mask, match;\n} decode_bits[DECODE_ROWS] = {\n", out);
    for (unsigned i = 0; i < ROW_COUNT; i++)
        fprintf(out, "    {0x%08x, 0x%08x}, /* %u %s */\n", rows[i].mask, rows[i].match, i, rows[i].id);
    fputs("};\n\n", out);
    fprintf(out, "static const uint16_t decode_roots[4] = {%u, %u, %u, %u};\n\n", roots[0], roots[1], roots[2],
            roots[3]);
    fprintf(out, "static const struct {\n    uint8_t shift, mask;\n    uint16_t first;\n} decode_nodes[%u] = {\n",
            node_count);
    for (unsigned i = 0; i < node_count; i++)
        fprintf(out, "    {%u, 0x%x, %u},\n", nodes[i].shift, (1u << nodes[i].width) - 1, nodes[i].first);
    fputs("};\n\n", out);
    write_numbers(out, "decode_slots", slots, slot_count);
    write_numbers(out, "decode_lists", lists, list_count);
    bool good = !ferror(out);
    if (fclose(out) || !good) {
        perror(path);
        remove(path);
        return false;
    }
    return true;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fputs("usage: gen_decode OUTPUT\n", stderr);
        return 2;
    }
    bool good = true;
    for (unsigned i = 1; i < ROW_COUNT; i++)
        good &= parse_pattern(&rows[i]);
    if (!good || !check_ambiguity())
        return 1;

    unsigned roots[4];
    for (unsigned low = 0; low < 4; low++) {
        uint16_t set[ROW_COUNT];
        unsigned n = 0;
        for (unsigned i = 1; i < ROW_COUNT; i++)
            if ((rows[i].match & 3) == low)
                set[n++] = i;
        roots[low] = build(set, n, low == 3 ? 32 : 16, 3);
    }
    return write_table(argv[1], roots) ? 0 : 1;
}
