/* row_program.c: see row_program.h.  Operands are drawn so that corner cases are common: see corner_x and corner_f. */
#include "row_program.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../../cli/fuzz/encode.h"

enum { FIX_NONE, FIX_B, FIX_J, FIX_CB, FIX_CJ, FIX_ADDI };
enum { POINTER_SP = 2, POINTER_S0 = 8, POINTER_S1 = 9, POINTER_S2 = 18, JUMP_REG = 30, LOOP_REG = 31 };

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

const struct row_pattern *row_patterns(unsigned *count) {
    static struct row_pattern rows[ROWS];
    *count = ROWS;
    if (rows[0].name)
        return rows;
    for (unsigned i = 0; i < ROWS; i++) {
        struct row_pattern *r = &rows[i];
        unsigned bits = 0;
        for (const char *c = drawn[i].pattern; *c; c++) {
            if (*c == ' ')
                continue;
            r->mask = r->mask << 1 | (*c != '.');
            r->match = r->match << 1 | (*c == '1');
            bits++;
        }
        r->name = drawn[i].name;
        r->extension = drawn[i].extension;
        r->id = drawn[i].id;
        r->len = (uint8_t)(bits / 8);
    }
    return rows;
}

uint64_t program_random(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}
static unsigned below(uint64_t *r, unsigned n) { return (unsigned)(program_random(r) >> 32) % n; }
static bool percent(uint64_t *r, unsigned n) { return below(r, 100) < n; }

uint64_t program_seed(void) {
    const char *text = getenv("RIV_SEED");
    return text ? strtoull(text, NULL, 0) : 1;
}

bool row_pattern_in(const struct row_pattern *row, const struct isa *isa) {
    uint64_t r = 1;
    for (int i = 0; i < 500; i++) {
        struct insn in;
        insn_decode(isa, ((uint32_t)program_random(&r) & ~row->mask) | row->match, &in);
        if (in.id == row->id && in.len == row->len)
            return true;
    }
    return false;
}

bool program_map(void) {
    struct {
        uint64_t at, size;
    } areas[] = {{PROGRAM_SCRATCH, SCRATCH_BYTES}, {PROGRAM_CODE, 4096}};
    for (int i = 0; i < 2; i++) {
        char *p = mmap((void *)(uintptr_t)(areas[i].at - 65536), areas[i].size + 131072, PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
        if (p != (char *)(uintptr_t)(areas[i].at - 65536) || mprotect(p + 65536, areas[i].size, PROT_READ | PROT_WRITE))
            return false;
    }
    return true;
}

static uint64_t corner_x(uint64_t *r) {
    static const uint64_t corners[] = {0,
                                       1,
                                       2,
                                       ~0ull,
                                       ~1ull,
                                       0x7fffffff,
                                       0x80000000,
                                       0xffffffff,
                                       0xffffffff80000000,
                                       0xffffffff7fffffff,
                                       0x7fffffffffffffff,
                                       0x8000000000000000,
                                       0x100000000,
                                       0xff,
                                       0x80,
                                       0x8000,
                                       0x7fff,
                                       0xffff,
                                       31,
                                       32,
                                       63,
                                       64,
                                       0x0123456789abcdef};
    switch (below(r, 4)) {
    case 0:
        return corners[below(r, sizeof corners / sizeof corners[0])];
    case 1:
        return (1ull << below(r, 64)) - below(r, 2);
    case 2:
        return (uint64_t)((int64_t)program_random(r) >> below(r, 64));
    default:
        return program_random(r);
    }
}

static uint64_t corner_f(uint64_t *r) {
    static const uint64_t doubles[] = {0,
                                       0x3ff0000000000000,
                                       0x7ff0000000000000,
                                       0x7ff8000000000000,
                                       0x7ff0000000000001,
                                       0x7ff8000000001234,
                                       1,
                                       0x000fffffffffffff,
                                       0x0010000000000000,
                                       0x7fefffffffffffff,
                                       0x41dfffffffc00000,
                                       0x41e0000000000000,
                                       0x43e0000000000000,
                                       0x43f0000000000000,
                                       0x3fe0000000000000,
                                       0x3ff0000000000001,
                                       0x4330000000000001,
                                       0x4004000000000000,
                                       0x47efffffe0000000,
                                       0x36a0000000000000};
    static const uint32_t singles[] = {0,          0x3f800000, 0x7f800000, 0x7fc00000, 0x7f800001,
                                       0x7fc01234, 1,          0x007fffff, 0x00800000, 0x7f7fffff,
                                       0x4f000000, 0x5f000000, 0x4f800000, 0x3f000000, 0x3f800001,
                                       0x40200000, 0x4b000001, 0x477fe000, 0x33800000};
    static const uint16_t halves[] = {0,     0x3c00, 0x7c00, 0x7e00, 0x7c01, 1,     0x3ff,
                                      0x400, 0x7bff, 0x3800, 0x3c01, 0x4100, 0x6401};
    uint64_t sign = program_random(r), v;
    switch (below(r, 8)) {
    case 0:
    case 1:
        return doubles[below(r, sizeof doubles / 8)] | (sign & 1ull << 63);
    case 2:
    case 3:
        v = singles[below(r, sizeof singles / 4)] | (sign & 1u << 31);
        return percent(r, 92) ? fp_box_s(v) : v | (sign & 0xffffffff00000000);
    case 4:
        v = halves[below(r, sizeof halves / 2)] | (sign & 1u << 15);
        return percent(r, 92) ? fp_box_h(v) : v | (sign & 0xffffffffffff0000);
    case 5: /* of ordinary size, so that sums neither vanish nor overflow */
        return (sign & 0x800fffffffffffff) | (uint64_t)(1000 + below(r, 46)) << 52;
    case 6:
        return fp_box_s((sign & 0x807fffff) | (120 + below(r, 16)) << 23);
    default:
        return sign;
    }
}

static unsigned any_x(uint64_t *r) {
    static const uint8_t fixed[] = {POINTER_SP, POINTER_S0, POINTER_S1, POINTER_S2, JUMP_REG, LOOP_REG};
    for (;;) {
        unsigned n = below(r, 32);
        if (!memchr(fixed, (int)n, sizeof fixed) && n != 7)
            return n;
    }
}
static bool is_pointer(unsigned n) { return n == POINTER_SP || n == POINTER_S0 || n == POINTER_S1 || n == POINTER_S2; }
static bool is_kept(unsigned n) { return is_pointer(n) || n == JUMP_REG || n == LOOP_REG; }

enum operand_kind {
    WRITES_X = 1,
    READS_X1 = 2,
    READS_X2 = 4,
    ADDRESS = 8,
    HAS_RM = 16,
    ATOMIC = 32,
    HAS_RD = 64,
    HAS_R1 = 128,
    HAS_R2 = 256
};

static unsigned operands(unsigned format) {
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

struct maker {
    struct program *p;
    const struct program_options *options;
    uint64_t r;
    const struct row_pattern *rows;
};

static void put(struct maker *m, uint32_t bits, unsigned len, unsigned row, unsigned fix) {
    struct program *p = m->p;
    if (p->count < PROGRAM_ITEMS)
        p->items[p->count++] = (struct program_item){bits, (uint16_t)row, (uint8_t)len, (uint8_t)fix, 0};
}
static unsigned row_of(enum insn_id id) { return (unsigned)id - 1; }
static void put_insn(struct maker *m, struct insn in, unsigned fix) { put(m, encode_insn(&in), 4, row_of(in.id), fix); }

static uint32_t set(uint32_t bits, uint32_t mask, unsigned at, unsigned width, uint32_t value) {
    uint32_t field = ((1u << width) - 1) << at & ~mask;
    return (bits & ~field) | (value << at & field);
}

static unsigned pick_pointer(struct maker *m, unsigned kind) {
    static const uint8_t pointers[] = {POINTER_SP, POINTER_S0, POINTER_S1, POINTER_S2};
    if (!m->options->tame && percent(&m->r, 3))
        return any_x(&m->r);
    return pointers[kind & ATOMIC && (m->options->tame || percent(&m->r, 85)) ? below(&m->r, 2) : below(&m->r, 4)];
}

static uint32_t pick_csr(struct maker *m) {
    if (m->options->tame || percent(&m->r, 85))
        return 1 + below(&m->r, 3);
    return percent(&m->r, 50) ? 0xc00 + below(&m->r, 3) : below(&m->r, 4096);
}

/* A random instance of a 32-bit row. */
static uint32_t random_word(struct maker *m, const struct row_pattern *row) {
    uint64_t *r = &m->r;
    unsigned format = insn_rows[row->id].format, kind = operands(format);
    uint32_t bits = ((uint32_t)program_random(r) & ~row->mask) | row->match;
    unsigned rd = kind & WRITES_X ? any_x(r) : below(r, 32), rs1 = kind & READS_X1 ? any_x(r) : below(r, 32),
             rs2 = kind & READS_X2 ? any_x(r) : below(r, 32);
    if (kind & WRITES_X && percent(r, 6))
        rd = 0;
    if (percent(r, 15))
        rs1 = rd;
    if (percent(r, 15))
        rs2 = percent(r, 50) ? rs1 : rd;
    if (kind & ADDRESS)
        rs1 = pick_pointer(m, kind);
    if (kind & HAS_RD)
        bits = set(bits, row->mask, 7, 5, rd);
    if (kind & HAS_R1)
        bits = set(bits, row->mask, 15, 5, rs1);
    if (kind & HAS_R2)
        bits = set(bits, row->mask, 20, 5, rs2);
    if (kind & HAS_RM) {
        unsigned rm = percent(r, 40) ? RM_DYN : percent(r, 40) ? RM_RNE : below(r, 5);
        if (!m->options->tame && percent(r, 2))
            rm = 5 + below(r, 2);
        bits = set(bits, row->mask, 12, 3, rm);
    }
    if (format == FMT_CSR || format == FMT_CSRI) {
        uint32_t csr = pick_csr(m);
        bits = set(bits, 0, 20, 12, csr);
        if (csr >= 0xc00) { /* counters differ between any two runs */
            bits = set(bits, 0, 7, 5, 0);
            if (percent(r, 80))
                bits = set(bits, 0, 15, 5, 0);
        }
        if (format == FMT_CSR && percent(r, 50)) /* small values: valid rounding modes */
            bits = set(bits, 0, 15, 5, percent(r, 50) ? 0 : 7);
    }
    if (kind & ADDRESS && (format == FMT_IL || format == FMT_FIL) && percent(r, 50))
        bits = set(bits, 0, 20, 12, (below(r, 32) - 16) & 0xfff);
    return bits;
}

static bool acceptable(struct maker *m, const struct row_pattern *row, uint32_t bits, struct insn *in) {
    insn_decode(m->p->isa, bits, in);
    if (in->id != row->id)
        return false;
    unsigned kind = operands(insn_rows[in->id].format);
    bool moves_pointer = in->id == INSN_addi && in->rd == in->rs1 && in->imm >= -512 && in->imm <= 512;
    if (kind & WRITES_X && is_kept(in->rd) && !moves_pointer)
        return false;
    if (in->rd == LOOP_REG && kind & WRITES_X)
        return false;
    if (kind & ADDRESS && !is_pointer(in->rs1) && (m->options->tame || !percent(&m->r, 3)))
        return false;
    return true;
}

/* Compares and swaps would nearly never succeed without loading what is there first. */
static void put_loads_for_cas(struct maker *m, const struct insn *in) {
    unsigned wide = m->p->isa->xlen == 64 ? INSN_ld : INSN_lw;
    if (in->rd == in->rs1 || !percent(&m->r, 60))
        return;
    if (in->id == INSN_amocas_w) {
        put_insn(m, (struct insn){.id = INSN_lw, .rd = in->rd, .rs1 = in->rs1}, FIX_NONE);
    } else if (in->id == INSN_amocas_d) {
        put_insn(m, (struct insn){.id = INSN_ld, .rd = in->rd, .rs1 = in->rs1}, FIX_NONE);
    } else if (in->id == INSN_amocas_q || in->id == INSN_amocas_d_rv32) {
        int step = wide == INSN_ld ? 8 : 4;
        if (!in->rd || is_kept(in->rd + 1u))
            return;
        put_insn(m, (struct insn){.id = (uint16_t)wide, .rd = in->rd, .rs1 = in->rs1}, FIX_NONE);
        put_insn(m, (struct insn){.id = (uint16_t)wide, .rd = (uint8_t)(in->rd + 1), .rs1 = in->rs1, .imm = step},
                 FIX_NONE);
    }
}

/* LR, up to three instructions without memory, SC to the same place. */
static void put_lr_sc(struct maker *m, const struct insn *in) {
    bool wide = in->id == INSN_lr_d || in->id == INSN_sc_d;
    struct insn lr = *in, sc = *in;
    lr.id = wide ? INSN_lr_d : INSN_lr_w;
    sc.id = wide ? INSN_sc_d : INSN_sc_w;
    lr.rs2 = 0;
    if (in->id == INSN_lr_d || in->id == INSN_lr_w)
        sc.rs2 = (uint8_t)any_x(&m->r);
    put_insn(m, lr, FIX_NONE);
    for (unsigned n = below(&m->r, 4); n--;) {
        static const uint16_t between[] = {INSN_addi, INSN_add, INSN_xor, INSN_sub, INSN_and};
        const struct row_pattern *row = &m->rows[row_of(between[below(&m->r, 5)])];
        put(m, random_word(m, row), 4, row_of(row->id), FIX_NONE);
    }
    put_insn(m, sc, FIX_NONE);
}

static void put_row(struct maker *m, unsigned index) {
    const struct row_pattern *row = &m->rows[index];
    struct insn in;
    uint32_t bits = 0;
    int tries = 0;
    do {
        bits =
            row->len == 4 ? random_word(m, row) : ((uint32_t)program_random(&m->r) & ~row->mask & 0xffff) | row->match;
        if (++tries > 3000)
            return;
    } while (!acceptable(m, row, bits, &in));
    unsigned format = insn_rows[row->id].format, fix = FIX_NONE;
    if (row->id == INSN_lr_w || row->id == INSN_lr_d ||
        ((row->id == INSN_sc_w || row->id == INSN_sc_d) && percent(&m->r, 70))) {
        put_lr_sc(m, &in);
        return;
    }
    if (format == FMT_AMO)
        put_loads_for_cas(m, &in);
    if (format == FMT_B)
        fix = row->len == 4 ? FIX_B : FIX_CB;
    else if (format == FMT_J)
        fix = row->len == 4 ? FIX_J : FIX_CJ;
    else if (format == FMT_JR && (m->options->tame || percent(&m->r, 95))) {
        /* through t5, which is made to hold the target */
        put_insn(m, (struct insn){.id = INSN_auipc, .rd = JUMP_REG}, FIX_NONE);
        put_insn(m, (struct insn){.id = INSN_addi, .rd = JUMP_REG, .rs1 = JUMP_REG}, FIX_ADDI);
        if (row->len == 4) {
            bits = set(bits, 0, 15, 5, JUMP_REG);
            bits = set(bits, 0, 20, 12, 0);
        } else
            bits = (bits & ~0xf80u) | JUMP_REG << 7;
    }
    put(m, bits, row->len, index, fix);
}

static uint32_t compressed_distance(unsigned fix, uint32_t bits, uint32_t d) {
    if (fix == FIX_CJ)
        return (bits & 0xe003) | encode_bit(d, 11, 12) | encode_bit(d, 4, 11) | encode_bit(d, 9, 10) |
               encode_bit(d, 8, 9) | encode_bit(d, 10, 8) | encode_bit(d, 6, 7) | encode_bit(d, 7, 6) |
               encode_bit(d, 3, 5) | encode_bit(d, 2, 4) | encode_bit(d, 1, 3) | encode_bit(d, 5, 2);
    return (bits & 0xe383) | encode_bit(d, 8, 12) | encode_bit(d, 4, 11) | encode_bit(d, 3, 10) | encode_bit(d, 7, 6) |
           encode_bit(d, 6, 5) | encode_bit(d, 2, 4) | encode_bit(d, 1, 3) | encode_bit(d, 5, 2);
}

static void fix_jumps(struct maker *m, unsigned loop_start, unsigned loop_branch) {
    struct program *p = m->p;
    for (unsigned i = 0; i < p->count; i++) {
        struct program_item *it = &p->items[i];
        if (!it->fix)
            continue;
        unsigned last = loop_branch && i < loop_branch ? loop_branch - 1 : p->count,
                 first = it->fix == FIX_ADDI ? i + 2 : i + 1;
        it->target =
            (uint8_t)(i == loop_branch && loop_branch ? loop_start
                                                      : first + below(&m->r, 1 + (last > first ? last - first : 0)));
        while (it->target < p->count && it->target &&
               (p->items[it->target].fix == FIX_ADDI || p->items[it->target - 1].fix == FIX_ADDI))
            it->target++; /* not between an auipc and its jump, whose register may hold an earlier, lower target */
        uint32_t d = (uint32_t)(program_address(p, it->target) - program_address(p, i));
        struct insn in;
        switch (it->fix) {
        case FIX_B:
        case FIX_J:
            insn_decode(p->isa, it->bits, &in);
            in.imm = (int32_t)d;
            it->bits = encode_insn(&in);
            break;
        case FIX_ADDI: /* relative to the auipc before it */
            it->bits = set(it->bits, 0, 20, 12, d + 4);
            break;
        default:
            it->bits = compressed_distance(it->fix, it->bits, d);
        }
    }
}

static void make_start(struct maker *m) {
    struct program_state *s = &m->p->start;
    uint64_t *r = &m->r;
    memset(s, 0, sizeof *s);
    for (int i = 1; i < 32; i++)
        s->x[i] = corner_x(r);
    s->x[7] = below(r, 5) | below(r, 8) << 5; /* fit for frm and fcsr */
    s->x[POINTER_SP] = PROGRAM_SCRATCH + 0x1800;
    s->x[POINTER_S0] = PROGRAM_SCRATCH + 0x1000;
    s->x[POINTER_S1] = PROGRAM_SCRATCH + 0x1800 + below(r, 16);
    s->x[POINTER_S2] = PROGRAM_SCRATCH + 0x2000 - below(r, 16);
    s->x[LOOP_REG] = 1 + below(r, 4);
    for (int i = 0; i < 32; i++) {
        if (m->p->isa->xlen == 32)
            s->x[i] = (uint64_t)(int64_t)(int32_t)s->x[i];
        s->f[i] = corner_f(r);
    }
    unsigned frm = percent(r, 50) ? 0 : below(r, 5);
    if (!m->options->tame && percent(r, 3))
        frm = 5 + below(r, 3);
    s->fcsr = frm << 5 | (percent(r, 70) ? 0 : below(r, 32));
    s->pc = PROGRAM_CODE;
    for (unsigned i = 0; i < SCRATCH_BYTES / 8; i++) {
        uint64_t v = i & 1 ? corner_x(r) : corner_f(r);
        memcpy(s->scratch + i * 8, &v, 8);
    }
}

void program_make(struct program *p, const struct isa *isa, uint64_t seed, const struct program_options *options) {
    struct maker m = {.p = p, .options = options, .r = seed};
    unsigned rows;
    m.rows = row_patterns(&rows);
    p->seed = seed;
    p->isa = isa;
    p->count = 0;
    make_start(&m);
    unsigned wanted = 1 + below(&m.r, options->max_rows), focus_at = below(&m.r, wanted);
    bool loop = percent(&m.r, 30) && !options->straight;
    for (unsigned i = 0; i < wanted && p->count < PROGRAM_ITEMS - 8; i++) {
        unsigned row = (unsigned)options->focus;
        for (int tries = 0; options->focus < 0 || i != focus_at; tries++) {
            row = below(&m.r, rows);
            uint16_t id = m.rows[row].id;
            bool ends = id == INSN_ecall || id == INSN_ebreak;
            if (!(ends && percent(&m.r, 95)) && (!options->allowed || options->allowed(&m.rows[row])) &&
                (m.rows[row].len == 2 || isa->rows[id / 64] >> id % 64 & 1))
                break;
        }
        put_row(&m, row);
    }
    unsigned branch = 0;
    if (loop && p->count) {
        put_insn(&m, (struct insn){.id = INSN_addi, .rd = LOOP_REG, .rs1 = LOOP_REG, .imm = -1}, FIX_NONE);
        branch = p->count;
        put_insn(&m, (struct insn){.id = INSN_bne, .rs1 = LOOP_REG}, FIX_B);
    }
    fix_jumps(&m, 0, branch);
}

uint64_t program_address(const struct program *p, unsigned i) {
    uint64_t at = PROGRAM_CODE;
    for (unsigned k = 0; k < i; k++)
        at += p->items[k].len;
    return at;
}

int program_item_at(const struct program *p, uint64_t pc) {
    uint64_t at = PROGRAM_CODE;
    for (unsigned i = 0; i < p->count; at += p->items[i++].len)
        if (at == pc)
            return (int)i;
    return -1;
}

void program_place(const struct program *p) {
    uint8_t *at = (uint8_t *)(uintptr_t)PROGRAM_CODE;
    for (unsigned i = 0; i < p->count; at += p->items[i++].len)
        memcpy(at, &p->items[i].bits, p->items[i].len);
    static const uint32_t ebreak[2] = {0x00100073, 0x00100073};
    memcpy(at, ebreak, sizeof ebreak);
    memcpy((void *)(uintptr_t)PROGRAM_SCRATCH, p->start.scratch, SCRATCH_BYTES);
}

/* Bit per x register that a program names, 32 bits above them for f registers; a little more than the truth. */
static uint64_t used_registers(const struct program *p) {
    uint64_t used = 0;
    for (unsigned i = 0; i < p->count; i++) {
        struct insn in;
        insn_decode(p->isa, p->items[i].bits, &in);
        uint64_t bits = 1ull << in.rd | 1ull << in.rs1 | 1ull << in.rs2 | 1ull << in.rs3;
        if (p->items[i].bits != 0x13 && p->items[i].bits != 1)
            used |= insn_rows[in.id].format >= FMT_FIL ? bits << 32 | bits : bits;
    }
    return used;
}

void program_print(const struct program *p, FILE *to) {
    unsigned rows;
    const struct row_pattern *patterns = row_patterns(&rows);
    fprintf(to, "seed 0x%llx rv%u\n", (unsigned long long)p->seed, p->isa->xlen);
    for (unsigned i = 0; i < p->count; i++) {
        struct insn in;
        char text[128];
        insn_decode(p->isa, p->items[i].bits, &in);
        insn_disassemble(&in, program_address(p, i), text, sizeof text);
        fprintf(to, "  %llx: %0*x  %-36s %s\n", (unsigned long long)program_address(p, i), p->items[i].len * 2,
                p->items[i].bits, text, patterns[p->items[i].row].name);
    }
    fprintf(to, "  %llx: ebreak\n ", (unsigned long long)program_address(p, p->count));
    uint64_t used = used_registers(p);
    for (int i = 1; i < 32; i++)
        if (used >> i & 1)
            fprintf(to, " %s=%llx", insn_xreg_names[i], (unsigned long long)p->start.x[i]);
    for (int i = 0; i < 32; i++)
        if (used >> (i + 32) & 1)
            fprintf(to, " %s=%016llx", insn_freg_names[i], (unsigned long long)p->start.f[i]);
    fprintf(to, " fcsr=%x\n", p->start.fcsr);
}

static unsigned differ(FILE *to, const char *what, const char *a_name, uint64_t a, const char *b_name, uint64_t b) {
    if (a == b)
        return 0;
    if (to)
        fprintf(to, "  %-8s %s %016llx  %s %016llx\n", what, a_name, (unsigned long long)a, b_name,
                (unsigned long long)b);
    return 1;
}

unsigned program_compare(const struct program_state *a, const char *a_name, const struct program_state *b,
                         const char *b_name, FILE *to) {
    unsigned n = differ(to, "pc", a_name, a->pc, b_name, b->pc) + differ(to, "fcsr", a_name, a->fcsr, b_name, b->fcsr) +
                 differ(to, "cause", a_name, a->cause, b_name, b->cause) +
                 differ(to, "tval", a_name, a->tval, b_name, b->tval);
    for (int i = 0; i < 32; i++)
        n += differ(to, insn_xreg_names[i], a_name, a->x[i], b_name, b->x[i]) +
             differ(to, insn_freg_names[i], a_name, a->f[i], b_name, b->f[i]);
    if (memcmp(a->scratch, b->scratch, SCRATCH_BYTES))
        for (unsigned i = 0; i < SCRATCH_BYTES; i += 8) {
            uint64_t va, vb;
            char where[16];
            memcpy(&va, a->scratch + i, 8);
            memcpy(&vb, b->scratch + i, 8);
            snprintf(where, sizeof where, "%x", PROGRAM_SCRATCH + i);
            n += differ(to, where, a_name, va, b_name, vb);
        }
    return n;
}

void program_shrink(struct program *p, bool (*still_fails)(const struct program *p, void *ctx), void *ctx) {
    for (unsigned i = 0; i < p->count; i++) {
        struct program_item kept = p->items[i];
        p->items[i].bits = kept.len == 4 ? 0x13 : 1; /* addi zero,zero,0 and c.nop */
        if (!still_fails(p, ctx))
            p->items[i] = kept;
    }
}
