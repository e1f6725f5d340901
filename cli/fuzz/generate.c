/* generate.c: makes random programs: rows drawn by weight, with what makes them meet each other: loops, computed jumps,
 * functions whose returns match or do not, code that changes itself, stores beside code, changing rounding modes.
 */
#include <string.h>

#include "encode.h"
#include "operands.h"
#include "program.h"

enum { TEMP_A = 28, TEMP_B = 29, LINK = 1, LINK2 = 5, MAX_FUNCTIONS = 3, MOST_TRIES = 400 };

struct maker {
    struct program *p;
    const struct program_options *options;
    uint64_t r;
    const struct row_pattern *rows;
    uint8_t groups;   /* handed out */
    bool keeps_links; /* functions: ra and t0 are left alone */
    unsigned functions;
    unsigned section_end[PROGRAM_ITEMS]; /* item up to which jumps may go */
};

static unsigned below(uint64_t *r, unsigned n) { return (unsigned)(program_random(r) >> 32) % n; }
static bool percent(uint64_t *r, unsigned n) { return below(r, 100) < n; }

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

static struct program_item *put(struct maker *m, uint32_t bits, unsigned len, unsigned row, unsigned fix) {
    static struct program_item lost;
    struct program *p = m->p;
    struct program_item *it = p->count < PROGRAM_ITEMS ? &p->items[p->count++] : &lost;
    *it = (struct program_item){.bits = bits, .row = (uint16_t)row, .len = (uint8_t)len, .fix = (uint8_t)fix};
    return it;
}
static unsigned row_of(enum insn_id id) { return (unsigned)id - 1; }
static struct program_item *put_insn(struct maker *m, struct insn in, unsigned fix) {
    return put(m, encode_insn(&in), 4, row_of(in.id), fix);
}
static void put_in_group(struct maker *m, uint8_t group, struct insn in, unsigned fix) {
    put_insn(m, in, fix)->group = group;
}

static bool has_ext(const struct maker *m, unsigned ext) { return m->p->isa->exts >> ext & 1; }

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
    unsigned format = insn_rows[row->id].format, kind = row_operands(format);
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
        unsigned rm = percent(r, 40) ? 7 : percent(r, 40) ? 0 : below(r, 5);
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
    unsigned kind = row_operands(insn_rows[in->id].format);
    bool moves_pointer = in->id == INSN_addi && in->rd == in->rs1 && in->imm >= -512 && in->imm <= 512;
    if (kind & WRITES_X && is_kept(in->rd) && !moves_pointer)
        return false;
    if (in->rd == LOOP_REG && kind & WRITES_X)
        return false;
    if (m->keeps_links && kind & WRITES_X && (in->rd == LINK || in->rd == LINK2))
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
        if (++tries > (index == (unsigned)m->options->focus ? 10 * MOST_TRIES : MOST_TRIES))
            return;
    } while (!acceptable(m, row, bits, &in));
    unsigned format = insn_rows[row->id].format, fix = FIX_NONE;
    uint8_t group = 0;
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
        group = ++m->groups;
        put_in_group(m, group, (struct insn){.id = INSN_auipc, .rd = JUMP_REG}, FIX_NONE);
        put_in_group(m, group, (struct insn){.id = INSN_addi, .rd = JUMP_REG, .rs1 = JUMP_REG}, FIX_ADDI);
        if (row->len == 4) {
            bits = set(bits, 0, 15, 5, JUMP_REG);
            bits = set(bits, 0, 20, 12, 0);
        } else
            bits = (bits & ~0xf80u) | JUMP_REG << 7;
    }
    put(m, bits, row->len, index, fix)->group = group;
}

static void put_random_row(struct maker *m) {
    for (;;) {
        unsigned row = row_set_pick(m->options->rows, (uint32_t)(program_random(&m->r) >> 32));
        uint16_t id = m->rows[row].id;
        if ((id == INSN_ecall || id == INSN_ebreak) && percent(&m->r, 95))
            continue;
        put_row(m, row);
        return;
    }
}

/* An instruction that the program changes between sub and add, or srl and sra, each time it gets here; the changed one
 * stands before or behind the store and its fence.i. */
static void put_self_change(struct maker *m) {
    uint8_t group = ++m->groups;
    bool before = percent(&m->r, 50);
    struct insn changed = {.id = percent(&m->r, 50) ? INSN_add : INSN_srl,
                           .rd = (uint8_t)(10 + below(&m->r, 6)),
                           .rs1 = (uint8_t)(10 + below(&m->r, 6)),
                           .rs2 = (uint8_t)(10 + below(&m->r, 6))};
    unsigned target = m->p->count;
    if (before)
        put_in_group(m, group, changed, FIX_NONE);
    put_in_group(m, group, (struct insn){.id = INSN_auipc, .rd = JUMP_REG}, FIX_NONE);
    unsigned addi = m->p->count;
    put_in_group(m, group, (struct insn){.id = INSN_addi, .rd = JUMP_REG, .rs1 = JUMP_REG}, FIX_ADDI);
    put_in_group(m, group, (struct insn){.id = INSN_lw, .rd = TEMP_A, .rs1 = JUMP_REG}, FIX_NONE);
    put_in_group(m, group, (struct insn){.id = INSN_lui, .rd = TEMP_B, .imm = 0x40000000}, FIX_NONE);
    put_in_group(m, group, (struct insn){.id = INSN_xor, .rd = TEMP_A, .rs1 = TEMP_A, .rs2 = TEMP_B}, FIX_NONE);
    put_in_group(m, group, (struct insn){.id = INSN_sw, .rs1 = JUMP_REG, .rs2 = TEMP_A}, FIX_NONE);
    put_in_group(m, group, (struct insn){.id = INSN_fence_i}, FIX_NONE);
    if (!before) {
        target = m->p->count;
        put_in_group(m, group, changed, FIX_NONE);
    }
    if (addi < m->p->count) {
        m->p->items[addi].target = (uint8_t)target;
        m->p->items[addi].aimed = true;
    }
    m->p->modifies = true;
}

/* Sequences that compilers make and that the translator makes one operation of, as TEMP_A and TEMP_B are written again.
 */
static void put_idiom(struct maker *m) {
    uint8_t pointer = (uint8_t)(percent(&m->r, 50) ? POINTER_S0 : POINTER_S1), to = (uint8_t)(10 + below(&m->r, 6)),
            from = (uint8_t)(10 + below(&m->r, 6)), scale = (uint8_t)below(&m->r, 4), small = 7;
    uint8_t a = (uint8_t)below(&m->r, 32), b = (uint8_t)below(&m->r, 32);
    bool floats = has_ext(m, EXT_D) && has_ext(m, EXT_Zicsr), choice = percent(&m->r, 50);
    switch (below(&m->r, floats ? 5 : 2)) {
    case 0: /* an address that is a sum */
        if (scale)
            put_insn(m, (struct insn){.id = INSN_slli, .rd = TEMP_B, .rs1 = small, .imm = scale}, FIX_NONE);
        put_insn(m,
                 (struct insn){.id = INSN_add,
                               .rd = TEMP_A,
                               .rs1 = choice  ? pointer
                                      : scale ? TEMP_B
                                              : small,
                               .rs2 = choice ? scale ? TEMP_B : small : pointer},
                 FIX_NONE);
        if (percent(&m->r, 50))
            put_insn(m, (struct insn){.id = INSN_lw, .rd = to, .rs1 = TEMP_A, .imm = (int)below(&m->r, 16)}, FIX_NONE);
        else
            put_insn(m, (struct insn){.id = INSN_sw, .rs1 = TEMP_A, .rs2 = from, .imm = (int)below(&m->r, 16)},
                     FIX_NONE);
        break;
    case 1: /* a constant, scaled or added to something scaled */
        put_insn(m, (struct insn){.id = INSN_slli, .rd = TEMP_B, .rs1 = from, .imm = scale}, FIX_NONE);
        put_insn(m, (struct insn){.id = INSN_addi, .rd = choice ? TEMP_A : to, .imm = (int)below(&m->r, 4096) - 2048},
                 FIX_NONE);
        put_insn(m, (struct insn){.id = INSN_add, .rd = to, .rs1 = choice ? TEMP_A : to, .rs2 = TEMP_B}, FIX_NONE);
        break;
    case 2: /* a comparison that decides at once */
    case 3: {
        static const uint16_t compares[] = {INSN_flt_d, INSN_fle_d, INSN_flt_s, INSN_fle_s, INSN_feq_d};
        put_insn(m, (struct insn){.id = compares[below(&m->r, 5)], .rd = TEMP_A, .rs1 = a, .rs2 = b}, FIX_NONE);
        if (percent(&m->r, 40))
            put_insn(m, (struct insn){.id = INSN_csrrs, .rd = TEMP_B, .imm = 1}, FIX_NONE);
        if (has_ext(m, EXT_Zicond))
            put_insn(
                m, (struct insn){.id = choice ? INSN_czero_eqz : INSN_czero_nez, .rd = to, .rs1 = from, .rs2 = TEMP_A},
                FIX_NONE);
        else
            put_insn(m, (struct insn){.id = INSN_bne, .rs1 = TEMP_A}, FIX_B);
        break;
    }
    default: { /* a comparison whose flags are put back */
        static const uint16_t compares[] = {INSN_flt_d, INSN_fle_d, INSN_flt_s, INSN_fle_s};
        put_insn(m, (struct insn){.id = INSN_csrrs, .rd = TEMP_B, .imm = 1}, FIX_NONE);
        put_insn(m, (struct insn){.id = compares[below(&m->r, 4)], .rd = to, .rs1 = a, .rs2 = b}, FIX_NONE);
        put_insn(m, (struct insn){.id = INSN_csrrw, .rs1 = TEMP_B, .imm = 1}, FIX_NONE);
        return;
    }
    }
    if (percent(&m->r, 75)) {
        put_insn(m, (struct insn){.id = INSN_addi, .rd = TEMP_A, .imm = 1}, FIX_NONE);
        if (percent(&m->r, 75))
            put_insn(m, (struct insn){.id = INSN_addi, .rd = TEMP_B, .imm = 2}, FIX_NONE);
    }
}

/* A store, and a load of what is beside it, in the page that the code is in. */
static void put_near_access(struct maker *m) {
    static const uint16_t stores[] = {INSN_sb, INSN_sh, INSN_sw, INSN_sw};
    uint8_t group = ++m->groups;
    put_in_group(m, group, (struct insn){.id = INSN_auipc, .rd = JUMP_REG}, FIX_NONE);
    put_in_group(m, group, (struct insn){.id = INSN_addi, .rd = JUMP_REG, .rs1 = JUMP_REG}, FIX_NEAR);
    put_in_group(m, group,
                 (struct insn){.id = stores[below(&m->r, 4)],
                               .rs1 = JUMP_REG,
                               .rs2 = (uint8_t)any_x(&m->r),
                               .imm = (int)below(&m->r, 64) - 32},
                 FIX_NONE);
    if (percent(&m->r, 50))
        put_in_group(m, group,
                     (struct insn){.id = INSN_lw, .rd = TEMP_A, .rs1 = JUMP_REG, .imm = (int)below(&m->r, 64) - 32},
                     FIX_NONE);
    m->p->modifies = true;
}

/* One of the many things that a program does next. */
static void put_something(struct maker *m) {
    bool shaped = !m->options->tame && !m->options->straight;
    unsigned n = below(&m->r, 100);
    if (shaped && n < 3 && has_ext(m, EXT_Zifencei))
        put_self_change(m);
    else if (shaped && n < 5)
        put_near_access(m);
    else if (shaped && n < 11)
        put_idiom(m);
    else if (n < 14 && has_ext(m, EXT_F) && has_ext(m, EXT_Zicsr) && !m->options->straight)
        put_insn(m, (struct insn){.id = INSN_csrrwi, .rs1 = (uint8_t)below(&m->r, 5), .imm = 2}, FIX_NONE);
    else
        put_random_row(m);
}

/* A call, directly or through a register; which function is said in the target for the time being. */
static void put_call(struct maker *m, unsigned function, unsigned link, bool computed) {
    uint8_t group = ++m->groups;
    struct program_item *it;
    if (computed) {
        put_in_group(m, group, (struct insn){.id = INSN_auipc, .rd = JUMP_REG}, FIX_NONE);
        it = put_insn(m, (struct insn){.id = INSN_addi, .rd = JUMP_REG, .rs1 = JUMP_REG}, FIX_ADDI);
        put_in_group(m, group, (struct insn){.id = INSN_jalr, .rd = (uint8_t)link, .rs1 = JUMP_REG}, FIX_NONE);
    } else {
        it = put_insn(m, (struct insn){.id = INSN_jal, .rd = (uint8_t)link}, FIX_J);
    }
    it->group = group;
    it->target = (uint8_t)(PROGRAM_ITEMS + function);
    it->aimed = true;
    put_in_group(m, group, (struct insn){.id = INSN_addi}, FIX_NONE); /* a return may skip it */
}

/* Functions: they return, return one instruction further on, call another one that returns for them, or return through
 * the other link register. */
static void put_functions(struct maker *m) {
    struct program *p = m->p;
    uint8_t first[MAX_FUNCTIONS];
    p->main = p->count;
    put_insn(m, (struct insn){.id = INSN_ebreak}, FIX_NONE)->group = GROUP_KEPT;
    for (unsigned f = 0; f < m->functions; f++) {
        unsigned start = p->count, kind = below(&m->r, 6);
        uint8_t group = ++m->groups;
        first[f] = (uint8_t)start;
        if (kind == 4 && f + 1 == m->functions)
            kind = 0;
        if (kind >= 3)
            put_in_group(m, group, (struct insn){.id = INSN_addi, .rd = LINK2, .rs1 = LINK}, FIX_NONE);
        for (unsigned n = below(&m->r, 4); n--;)
            put_random_row(m);
        unsigned end = p->count;
        if (kind == 4)
            put_call(m, f + 1, LINK, percent(&m->r, 50));
        if (kind == 1)
            put_in_group(m, group, (struct insn){.id = INSN_addi, .rd = LINK, .rs1 = LINK, .imm = 4}, FIX_NONE);
        put_insn(m, (struct insn){.id = INSN_jalr, .rs1 = kind >= 3 ? LINK2 : LINK}, FIX_NONE);
        for (unsigned i = start; i < p->count && i < PROGRAM_ITEMS; i++)
            m->section_end[i] = end;
    }
    for (unsigned i = 0; i < p->count; i++)
        if (p->items[i].aimed && p->items[i].target >= PROGRAM_ITEMS)
            p->items[i].target = first[p->items[i].target - PROGRAM_ITEMS];
}

static void aim_jumps(struct maker *m, unsigned loop_branch) {
    struct program *p = m->p;
    for (unsigned i = 0; i < p->count; i++) {
        struct program_item *it = &p->items[i];
        if (!it->fix || it->aimed || it->fix == FIX_NEAR)
            continue;
        unsigned last = i > p->main                      ? m->section_end[i]
                        : loop_branch && i < loop_branch ? loop_branch - 1
                                                         : p->main,
                 first = it->fix == FIX_ADDI ? i + 2 : i + 1;
        unsigned target = first + below(&m->r, 1 + (last > first ? last - first : 0));
        while (target < p->count && target && p->items[target].group &&
               p->items[target].group == p->items[target - 1].group)
            target++; /* not into a group, whose registers may hold what is left from an earlier one */
        it->target = (uint8_t)target;
    }
}

static void make_start(struct maker *m) {
    struct program_state *s = &m->p->start;
    uint64_t *r = &m->r;
    memset(s, 0, sizeof *s);
    for (int i = 1; i < 32; i++)
        s->x[i] = operand_x(r);
    s->x[7] = below(r, 5) | below(r, 8) << 5; /* fit for frm and fcsr */
    s->x[POINTER_SP] = PROGRAM_SCRATCH + 0x1800;
    s->x[POINTER_S0] = PROGRAM_SCRATCH + 0x1000;
    s->x[POINTER_S1] = PROGRAM_SCRATCH + 0x1800 + below(r, 16);
    s->x[POINTER_S2] = PROGRAM_SCRATCH + 0x2000 - below(r, 16);
    if (!m->options->tame && percent(r, 6)) /* at the edge of what is mapped */
        s->x[POINTER_S2] = PROGRAM_SCRATCH + SCRATCH_BYTES - below(r, 24);
    if (!m->options->tame && percent(r, 3))
        s->x[POINTER_S1] = PROGRAM_SCRATCH + below(r, 16);
    s->x[LOOP_REG] = percent(r, 75) ? 1 + below(r, 4) : 6 + below(r, 40);
    for (int i = 0; i < 32; i++) {
        if (m->p->isa->xlen == 32)
            s->x[i] = (uint64_t)(int64_t)(int32_t)s->x[i];
        s->f[i] = operand_f(r);
    }
    if (percent(r, 20))
        operands_alike(r, s->f);
    unsigned frm = percent(r, 50) ? 0 : below(r, 5);
    if (!m->options->tame && percent(r, 3))
        frm = 5 + below(r, 3);
    s->fcsr = frm << 5 | (percent(r, 70) ? 0 : below(r, 32));
    s->pc = PROGRAM_CODE;
    /* what pointers reach; the rest stays zero */
    for (unsigned i = 0x700 / 8; i < SCRATCH_BYTES / 8; i++) {
        uint64_t v = i & 1 ? operand_x(r) : operand_f(r);
        if (i > 0x900 / 8 && i < 0xf00 / 8)
            v = i * 0x9e3779b97f4a7c15u;
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
    p->modifies = false;
    make_start(&m);
    unsigned wanted = 1 + below(&m.r, options->max_rows), focus_at = below(&m.r, wanted);
    bool loop = percent(&m.r, 30) && !options->straight;
    unsigned loop_at = loop && percent(&m.r, 40) ? below(&m.r, wanted) : 0, loop_start = 0;
    if (!options->straight && options->max_rows > 4 && percent(&m.r, 25)) {
        m.functions = 1 + below(&m.r, MAX_FUNCTIONS);
        m.keeps_links = percent(&m.r, 97);
    }
    for (unsigned i = 0; i < wanted && p->count < PROGRAM_ITEMS / 2; i++) {
        if (i == loop_at)
            loop_start = p->count;
        if (options->focus >= 0 && i == focus_at)
            put_row(&m, (unsigned)options->focus);
        else if (m.functions && percent(&m.r, 25))
            put_call(&m, below(&m.r, m.functions), percent(&m.r, 98) ? LINK : LINK2, percent(&m.r, 30));
        else
            put_something(&m);
    }
    unsigned branch = 0;
    if (loop && p->count > loop_start) {
        uint8_t group = ++m.groups;
        put_in_group(&m, group, (struct insn){.id = INSN_addi, .rd = LOOP_REG, .rs1 = LOOP_REG, .imm = -1}, FIX_NONE);
        branch = p->count;
        struct program_item *it = put_insn(&m, (struct insn){.id = INSN_bne, .rs1 = LOOP_REG}, FIX_B);
        it->group = group;
        it->target = (uint8_t)loop_start;
        it->aimed = true;
    }
    p->main = p->count;
    if (m.functions)
        put_functions(&m);
    aim_jumps(&m, branch);
    program_resolve(p);
}
