/* emit_fp.c: floating-point nodes.
 *
 * The host's instructions do the work; MXCSR holds the rounding mode and collects flags.  What x86 does differently
 * goes to cold code that calls the exact helpers of cpu/fp.c.  NaN results: x86 and RISC-V agree on when a result is a
 * NaN and on the flags, not on which NaN, and arithmetic on NaNs only gives NaNs; so a NaN is made canonical where it
 * becomes visible (a store, a move to an integer register, a sign injection, a block's exit), not at every operation.
 */
#include "emitter.h"

enum { PS = MAP_0F, PD = OP_66 | MAP_0F, SS = OP_F3 | MAP_0F, SD = OP_F2 | MAP_0F };
enum { OP_ADD = 0x58, OP_MUL = 0x59, OP_SUB = 0x5c, OP_MIN = 0x5d, OP_DIV = 0x5e, OP_MAX = 0x5f, OP_SQRT = 0x51 };
enum { OP_AND = 0x54, OP_ANDN = 0x55, OP_ORP = 0x56, OP_XOR = 0x57, OP_UCOMI = 0x2e, OP_COMI = 0x2f };

static bool avx(const struct emitter *e) { return has(e, HOST_AVX); }

void fp_mov(struct emitter *e, int d, int s) {
    if (d != s)
        asm_fp_rr(&e->a, avx(e), PS | 0x28, false, d, 0, s);
}
void fp_rrr(struct emitter *e, unsigned op, bool wide, int d, int s1, int s2) {
    if (avx(e)) {
        asm_fp_rr(&e->a, true, op, wide, d, s1, s2);
        return;
    }
    if (d == s2 && d != s1) { /* only operations that commute come here like that */
        s2 = s1;
        s1 = d;
    }
    fp_mov(e, d, s1);
    asm_fp_rr(&e->a, false, op, wide, d, 0, s2);
}
void fp_rr(struct emitter *e, unsigned op, bool wide, int d, int s) { asm_fp_rr(&e->a, avx(e), op, wide, d, 0, s); }
/* d = s1 op memory */
static void fp_rrm(struct emitter *e, unsigned op, int d, int s1, struct mem m) {
    if (!avx(e))
        fp_mov(e, d, s1);
    asm_fp_rm(&e->a, avx(e), op, false, d, s1, m);
}
void fp_load(struct emitter *e, bool is_double, int d, struct mem m) {
    asm_fp_rm(&e->a, avx(e), (is_double ? SD : SS) | 0x10, false, d, 0, m);
}
void fp_store(struct emitter *e, bool is_double, struct mem m, int s) {
    asm_fp_rm(&e->a, avx(e), (is_double ? SD : SS) | 0x11, false, s, 0, m);
}
static void fp_to_gpr(struct emitter *e, int gpr, int xmm) {
    asm_fp_rr(&e->a, avx(e), OP_66 | MAP_0F | 0x7e, true, xmm, 0, gpr);
}
static void fp_from_gpr(struct emitter *e, int xmm, int gpr) {
    asm_fp_rr(&e->a, avx(e), OP_66 | MAP_0F | 0x6e, true, xmm, 0, gpr);
}
static unsigned scalar(bool is_double) { return is_double ? SD : SS; }
static unsigned compare_prefix(bool is_double) { return is_double ? PD : PS; }

/* Operations come in pairs, D first. */
static bool is_double_op(unsigned op) { return (op - IR_f_neg_d) % 2 == 0; }

void canon_register(struct emitter *e, int xmm, bool is_double) {
    if (MUTANT(nan_not_canonical))
        return;
    fp_rr(e, compare_prefix(is_double) | OP_UCOMI, false, xmm, xmm);
    struct cold *c = add_cold(e, COLD_CANON);
    c->from[0] = asm_jcc32(&e->a, CC_P);
    c->back = asm_offset(&e->a);
    c->reg = (int8_t)xmm;
    c->aux = !is_double;
}

/* maybe_nan: 1 for doubles, 2 for singles */
void make_canonical(struct emitter *e, ir_ref r, bool is_double) {
    if (!e->maybe_nan[r])
        return;
    int x = use_xmm(e, r);
    canon_register(e, x, e->maybe_nan[r] == 1);
    e->maybe_nan[r] = 0;
    for (int i = 0; i < 32; i++)
        if (e->home_f[i] == x) {
            e->fix.canon_d &= ~(1u << i);
            e->fix.canon_s &= ~(1u << i);
        }
}

/* A destination; legacy SSE operations that do not commute must not have it in their second operand. */
static int dest(struct emitter *e, ir_ref r, int second) {
    return alloc_dest_xmm(e, r, avx(e) || second < 0 ? 0 : 1u << second);
}

static void cold_call(struct emitter *e, uint32_t from, hart_helper *fn, bool is_double, int a, int b, int c,
                      int result, bool result_gpr, unsigned rm) {
    struct cold *k = add_cold(e, COLD_CALL);
    k->from[0] = from;
    k->wide = (uint8_t)(is_double | result_gpr << 1);
    k->reg = (int8_t)a;
    k->reg2 = (int8_t)b;
    k->reg3 = (int8_t)c;
    k->result = (int8_t)result;
    k->aux = (uint16_t)rm;
    k->imm = (int64_t)(uintptr_t)fn;
    k->back = asm_offset(&e->a);
}

static void emit_arith(struct emitter *e, ir_ref r, unsigned op, bool commutes) {
    const struct ir_node *n = node_of(e, r);
    bool is_double = is_double_op(n->op);
    int x = use_xmm(e, n->a), y = n->b == IR_NONE ? x : use_xmm(e, n->b);
    int d = dest(e, r, commutes || x == y ? NO_REG : y);
    fp_rrr(e, scalar(is_double) | op, false, d, MUTANT(fsub_swapped) ? y : x, MUTANT(fsub_swapped) ? x : y);
    bind_xmm(e, r, d);
    e->maybe_nan[r] = is_double ? 1 : 2;
}

/* a * b + c with the signs of folded negations */
static void emit_madd(struct emitter *e, ir_ref r) {
    const struct ir_node *n = node_of(e, r);
    bool is_double = is_double_op(n->op);
    bool neg_a = e->fold[n->a], neg_c = e->fold[n->c] && !MUTANT(fmsub_adds);
    ir_ref ra = neg_a ? node_of(e, n->a)->a : n->a, rc = e->fold[n->c] ? node_of(e, n->c)->a : n->c;
    int a = use_xmm(e, ra), b = use_xmm(e, n->b), c = use_xmm(e, rc), d, saved_a = a, saved_b = b, saved_c = c;
    unsigned signs = (unsigned)(neg_a << 4 | neg_c << 5);
    hart_helper *fn = is_double ? fp_madd_d : fp_madd_s;
    if (!has(e, HOST_FMA)) {
        COVER(madd_without_fma);
        d = alloc_dest_xmm(e, r, 0);
        uint32_t from = asm_jmp32(&e->a);
        cold_call(e, from, fn, is_double, a, b, c, d, false, RM_DYN | signs);
        bind_xmm(e, r, d);
        return;
    }
    unsigned base = OP_66 | MAP_0F38 | (neg_a ? neg_c ? 0x9f : 0x9d : neg_c ? 0x9b : 0x99); /* the 132 form */
    d = alloc_dest_xmm(e, r, 0);
    if (d == c) { /* 231: d += a * b */
        COVER(madd_231);
        fp_mov(e, XMM_SCRATCH, c);
        saved_c = XMM_SCRATCH;
        if (a == c)
            saved_a = XMM_SCRATCH;
        if (b == c)
            saved_b = XMM_SCRATCH;
        asm_fp_rr(&e->a, true, base + 0x20, is_double, d, a, b);
    } else if (d == a || d == b) { /* 213: d = other * d + c */
        COVER(madd_213);
        fp_mov(e, XMM_SCRATCH, d);
        int other = d == a ? b : a;
        if (a == d)
            saved_a = XMM_SCRATCH;
        if (b == d)
            saved_b = XMM_SCRATCH;
        asm_fp_rr(&e->a, true, base + 0x10, is_double, d, other, c);
    } else {
        COVER(madd_213_moved);
        fp_mov(e, d, a);
        asm_fp_rr(&e->a, true, base + 0x10, is_double, d, b, c);
    }
    /* inf * 0 + quiet NaN raises NV on RISC-V only: NaN results are computed again */
    fp_rr(e, compare_prefix(is_double) | OP_UCOMI, false, d, d);
    uint32_t from = asm_jcc32(&e->a, CC_P);
    cold_call(e, from, fn, is_double, saved_a, saved_b, saved_c, d, false, RM_DYN | signs);
    bind_xmm(e, r, d);
}

static void emit_fminmax(struct emitter *e, ir_ref r) {
    const struct ir_node *n = node_of(e, r);
    bool is_double = is_double_op(n->op), is_min = n->op == IR_f_min_d || n->op == IR_f_min_s;
    int x = use_xmm(e, n->a), y = use_xmm(e, n->b);
    int d = alloc_dest_xmm(e, r, 1u << x | 1u << y);
    hart_helper *fn = is_min ? is_double ? fp_min_d : fp_min_s : is_double ? fp_max_d : fp_max_s;
    fp_rr(e, compare_prefix(is_double) | OP_UCOMI, false, x, y);
    uint32_t from = asm_jcc32(&e->a, CC_P);
    /* of two zeros the host gives its second operand: both orders, and the bits joined */
    unsigned op = scalar(is_double) | (is_min ? OP_MIN : OP_MAX);
    fp_rrr(e, op, false, XMM_SCRATCH, x, y);
    fp_rrr(e, op, false, d, y, x);
    fp_rrr(e, PS | (is_min != MUTANT(fmin_of_zeros) ? OP_ORP : OP_AND), false, d, d, XMM_SCRATCH);
    cold_call(e, MUTANT(fmin_of_nans) ? 0 : from, fn, is_double, x, y, NO_REG, d, false, 0);
    bind_xmm(e, r, d);
}

static bool quiet(unsigned op) {
    return MUTANT(flt_quiet) || op == IR_f_ltq_d || op == IR_f_ltq_s || op == IR_f_leq_d || op == IR_f_leq_s;
}
static bool less(unsigned op) {
    return op == IR_f_lt_d || op == IR_f_lt_s || op == IR_f_ltq_d || op == IR_f_ltq_s || op == IR_f_ltn_d ||
           op == IR_f_ltn_s;
}

/* ucomis without raising a flag: AVX-512 can suppress exceptions; else what a NaN has raised is taken back. */
static void compare_silently(struct emitter *e, bool is_double, int x, int y) {
    if (has(e, HOST_AVX512)) {
        COVER(compare_silently_evex);
        asm_evex_sae_rr(&e->a, compare_prefix(is_double) | OP_UCOMI, is_double, x, y);
        return;
    }
    COVER(compare_silently_restored);
    asm_rm(&e->a, MAP_0F | 0xae, false, 3, HART(host_fpcr)); /* stmxcsr */
    fp_rr(e, compare_prefix(is_double) | OP_UCOMI, false, x, y);
    struct cold *c = add_cold(e, COLD_RESTORE_FPCR);
    c->from[0] = asm_jcc32(&e->a, CC_P);
    c->back = asm_offset(&e->a);
}

/* MXCSR's flags and those that helpers have raised, as fflags has them. */
static void emit_fflags(struct emitter *e, ir_ref r) {
    int d = alloc_dest(e, r, 0);
    asm_rm(&e->a, MAP_0F | 0xae, false, 3, HART(host_fpcr));
    asm_rm(&e->a, 0x8b, false, d, HART(host_fpcr));
    asm_alu_ri(&e->a, ALU_AND, false, d, 0x3f);
    struct mem table = HART(flag_table);
    table.index = d;
    asm_rm(&e->a, MAP_0F | 0xb6, false, d, table);
    asm_rm(&e->a, OP_BYTE | 0x0a, false, d, HART(fflags));
    bind(e, r, d);
}
static void emit_set_fflags(struct emitter *e, ir_ref r) {
    int x = use_reg(e, node_of(e, r)->a), t = alloc_temp(e, 0);
    asm_mov(&e->a, false, t, x);
    asm_alu_ri(&e->a, ALU_AND, false, t, 0x1f);
    asm_rm(&e->a, OP_BYTE | 0x88, false, t, HART(fflags));
    asm_rm(&e->a, MAP_0F | 0xae, false, 3, HART(host_fpcr));
    if (!MUTANT(flags_not_cleared))
        asm_alu_mi(&e->a, ALU_AND, false, HART(host_fpcr), ~0x3f);
    asm_rm(&e->a, MAP_0F | 0xae, false, 2, HART(host_fpcr)); /* ldmxcsr */
}

/* Ordered comparisons: b is compared with a, so that unordered operands give neither CC_A nor CC_AE. */
enum cond emit_fp_condition(struct emitter *e, const struct ir_node *n, bool inverted) {
    bool is_double = is_double_op(n->op);
    int x = use_xmm(e, n->a), y = use_xmm(e, n->b);
    if (n->op >= IR_f_ltn_d) {
        compare_silently(e, is_double, y, x);
    } else {
        fp_rr(e, compare_prefix(is_double) | (quiet(n->op) ? OP_UCOMI : OP_COMI), false, y, x);
    }
    return less(n->op) != MUTANT(flt_is_fle) ? inverted ? CC_BE : CC_A : inverted ? CC_B : CC_AE;
}

static void emit_fcompare(struct emitter *e, ir_ref r) {
    const struct ir_node *n = node_of(e, r);
    bool is_double = is_double_op(n->op);
    int d;
    if (n->op == IR_f_eq_d || n->op == IR_f_eq_s) {
        int x = use_xmm(e, n->a), y = use_xmm(e, n->b), t = alloc_temp(e, 0);
        fp_rr(e, compare_prefix(is_double) | OP_UCOMI, false, x, y);
        d = alloc_dest(e, r, 0);
        asm_rr(&e->a, MAP_0F | OP_BYTE | (0x90 + CC_NP), false, 0, t);
        asm_rr(&e->a, MAP_0F | OP_BYTE | (0x90 + CC_E), false, 0, d);
        asm_alu_rr(&e->a, ALU_AND, false, d, t);
        asm_rr(&e->a, MAP_0F | OP_BYTE | 0xb6, false, d, d);
    } else {
        enum cond cc = emit_fp_condition(e, n, false);
        d = alloc_dest(e, r, 0);
        asm_rr(&e->a, MAP_0F | OP_BYTE | (0x90 + (unsigned)cc), false, 0, d);
        asm_rr(&e->a, MAP_0F | OP_BYTE | 0xb6, false, d, d);
    }
    bind(e, r, d);
}

/* To an integer: the host's "integer indefinite" result sends us to the helper, which gives result and flags; the host
 * has raised nothing but IE then. */
static void emit_to_int(struct emitter *e, ir_ref r) {
    static hart_helper *const helpers[] = {fp_to_w_d, fp_to_w_s, fp_to_wu_d, fp_to_wu_s,
                                           fp_to_l_d, fp_to_l_s, fp_to_lu_d, fp_to_lu_s};
    const struct ir_node *n = node_of(e, r);
    bool is_double = is_double_op(n->op),
         is_signed = n->op == IR_f_to_w_d || n->op == IR_f_to_w_s || n->op == IR_f_to_l_d || n->op == IR_f_to_l_s;
    bool wide = n->op >= IR_f_to_l_d;
    hart_helper *fn = helpers[n->op - IR_f_to_w_d];
    int x = use_xmm(e, n->a), d = alloc_dest(e, r, 0);
    e->failed |= n->rm == RM_RMM; /* the host has no such mode: the lifter calls the helper itself */
    bool direct = n->rm == RM_RTZ || n->rm == RM_DYN;
    unsigned convert = n->rm == RM_RTZ || MUTANT(convert_truncates) ? 0x2c : 0x2d;
    uint32_t from;
    if (is_signed && (direct || (wide && avx(e)))) {
        int s = x;
        COVER(to_int_direct);
        if (!direct) { /* to an integral value first: every double that is not in range is one already */
            asm_fp_rr(&e->a, true, OP_66 | MAP_0F3A | (is_double ? 0x0b : 0x0a), is_double, XMM_SCRATCH, x, x);
            asm_byte(&e->a, n->rm == RM_RNE ? 0 : n->rm == RM_RDN ? 1 : 2);
            s = XMM_SCRATCH;
            convert = 0x2c;
        }
        fp_rr(e, scalar(is_double) | convert, wide, d, s);
        asm_alu_ri(&e->a, ALU_CMP, wide, d, 1);
        from =
            MUTANT(convert_unsaturated) ? 0 : asm_jcc32(&e->a, CC_O); /* only the smallest integer minus 1 overflows */
    } else if (!is_signed && direct && has(e, HOST_AVX512)) {
        fp_rr(e, scalar(is_double) | (n->rm == RM_RTZ ? 0x78 : 0x79), wide, d, x);
        asm_alu_ri(&e->a, ALU_CMP, wide, d, -1);
        COVER(to_int_unsigned_direct);
        from = asm_jcc32(&e->a, CC_E);
    } else {
        COVER(to_int_called);
        from = asm_jmp32(&e->a);
    }
    cold_call(e, from, fn, is_double, x, NO_REG, NO_REG, d, true, n->rm);
    if (!wide)
        asm_rr(&e->a, 0x63, true, d, d);
    bind(e, r, d);
}

static void emit_from_int(struct emitter *e, ir_ref r) {
    const struct ir_node *n = node_of(e, r);
    bool is_double = is_double_op(n->op);
    unsigned kind = (n->op - IR_f_from_w_d) / 2; /* w wu l lu */
    int x = use_reg(e, n->a), d;
    unsigned op = 0x2a;
    bool wide = kind != 0;
    if (kind == 1) {
        COVER(from_int_wu);
        int t = alloc_temp(e, 0);
        asm_mov(&e->a, MUTANT(from_unsigned_wide), t, x);
        x = t;
    } else if (kind == 3) {
        if (!has(e, HOST_AVX512)) {
            COVER(from_int_lu_called);
            d = alloc_dest_xmm(e, r, 0);
            asm_rm(&e->a, 0x89, true, x, HART(call_arg[0]));
            uint32_t from = asm_jmp32(&e->a);
            cold_call(e, from, is_double ? fp_from_lu_d : fp_from_lu_s, is_double, NO_REG, NO_REG, NO_REG, d, false,
                      RM_DYN);
            bind_xmm(e, r, d);
            return;
        }
        COVER(from_int_lu);
        op = 0x7b;
    }
    d = alloc_dest_xmm(e, r, 0);
    fp_rrr(e, PS | OP_XOR, false, d, d, d); /* the conversion writes only part of it */
    asm_fp_rr(&e->a, avx(e), scalar(is_double) | op, wide, d, d, x);
    bind_xmm(e, r, d);
}

static void emit_sign(struct emitter *e, ir_ref r) {
    const struct ir_node *n = node_of(e, r);
    bool is_double = is_double_op(n->op);
    struct mem sign = hart_pool(is_double ? POOL_SIGN_D : POOL_SIGN_S),
               magnitude = hart_pool(is_double ? POOL_ABS_D : POOL_ABS_S);
    make_canonical(e, n->a, is_double);
    int x = use_xmm(e, n->a), d;
    if (n->op == IR_f_neg_d || n->op == IR_f_neg_s) {
        d = alloc_dest_xmm(e, r, 0);
        fp_rrm(e, PS | OP_XOR, d, x, sign);
        bind_xmm(e, r, d);
        return;
    }
    bool exclusive = n->op == IR_f_sgnjx_d || n->op == IR_f_sgnjx_s;
    if (exclusive && n->a == n->b) { /* fabs */
        COVER(sign_absolute);
        d = alloc_dest_xmm(e, r, 0);
        fp_rrm(e, PS | OP_AND, d, x, magnitude);
        bind_xmm(e, r, d);
        return;
    }
    make_canonical(e, n->b, is_double);
    int y = use_xmm(e, n->b);
    fp_rrm(e, PS | OP_AND, XMM_SCRATCH, y, sign);
    d = alloc_dest_xmm(e, r, 0);
    if (exclusive) {
        fp_rrr(e, PS | OP_XOR, false, d, x, XMM_SCRATCH);
    } else {
        if (n->op == IR_f_sgnjn_d || n->op == IR_f_sgnjn_s)
            fp_rrm(e, PS | OP_XOR, XMM_SCRATCH, XMM_SCRATCH, sign);
        fp_rrm(e, PS | OP_AND, d, x, magnitude);
        fp_rrr(e, PS | OP_ORP, false, d, d, XMM_SCRATCH);
    }
    bind_xmm(e, r, d);
}

static void emit_unbox(struct emitter *e, ir_ref r) {
    const struct ir_node *n = node_of(e, r);
    if (e->maybe_nan[n->a] == 1) /* a NaN's payload could look like boxing */
        make_canonical(e, n->a, true);
    int x = use_xmm(e, n->a);
    COVER(unbox);
    if (!e->is_single[n->a] && n->op == IR_f_unbox_any_s) {
        COVER(unbox_any);
        int d = alloc_temp_xmm(e, 0), t = alloc_temp(e, 0);
        fp_mov(e, d, x);
        fp_to_gpr(e, t, x);
        asm_shift_ri(&e->a, SHIFT_SAR, true, t, 32);
        asm_alu_ri(&e->a, ALU_CMP, false, t, -1);
        struct cold *c = add_cold(e, COLD_CANON);
        c->from[0] = asm_jcc32(&e->a, MUTANT(box_unchecked) ? CC_O : CC_NE);
        c->back = asm_offset(&e->a);
        c->reg = (int8_t)d;
        c->aux = true;
        e->maybe_nan[r] = e->maybe_nan[n->a];
        bind_xmm(e, r, d);
        return;
    }
    if (!e->is_single[n->a] && !MUTANT(box_unchecked)) {
        int t = alloc_temp(e, 0);
        fp_to_gpr(e, t, x);
        asm_shift_ri(&e->a, SHIFT_SAR, true, t, 32);
        asm_alu_ri(&e->a, ALU_CMP, false, t, -1);
        struct cold *c = add_cold(e, COLD_LEAVE);
        c->from[0] = asm_jcc32(&e->a, CC_NE);
        c->aux = BACK_UNBOXED;
        c->imm = (int64_t)(e->b->pc + n->pc);
    }
    e->maybe_nan[r] = e->maybe_nan[n->a];
    if (e->left[n->a] == 0) {
        COVER(unbox_in_place);
        bind_xmm(e, r, x); /* the single is the low half of the same register */
        return;
    }
    int d = alloc_temp_xmm(e, 0);
    fp_mov(e, d, x);
    bind_xmm(e, r, d);
}

static void emit_fmemory(struct emitter *e, ir_ref r) {
    const struct ir_node *n = node_of(e, r);
    bool is_double = n->op == IR_fload_d || n->op == IR_fstore_d;
    if (n->op == IR_fload_d || n->op == IR_fload_s) {
        struct mem m = use_address(e, n);
        int d = alloc_dest_xmm(e, r, 0);
        note_fault(e, n);
        fp_load(e, is_double, d, m);
        bind_xmm(e, r, d);
        return;
    }
    make_canonical(e, n->b, is_double);
    int v = use_xmm(e, n->b);
    struct mem m = use_address(e, n);
    note_fault(e, n);
    fp_store(e, is_double, m, v);
}

/* Stores the operands of a call where the call stub takes them. */
void set_call(struct emitter *e, uintptr_t fn, uint64_t imm) {
    struct mem m = HART(call_fn);
    asm_rm(&e->a, 0xc7, false, 0, m);
    asm_u32(&e->a, (uint32_t)fn);
    m.disp += 4;
    asm_rm(&e->a, 0xc7, false, 0, m);
    asm_u32(&e->a, (uint32_t)(fn >> 32));
    asm_rm(&e->a, 0xc7, true, 0, HART(call_imm));
    asm_u32(&e->a, (uint32_t)imm);
}

void emit_call_node(struct emitter *e, ir_ref r) {
    const struct ir_node *n = node_of(e, r);
    const ir_ref args[3] = {n->a, n->b, n->c};
    for (int i = 0; i < 3; i++)
        if (args[i] != IR_NONE) {
            struct mem m = HART(call_arg[0]);
            m.disp += i * 8;
            asm_rm(&e->a, 0x89, true, use_reg(e, args[i]), m);
        }
    if (n->op == IR_csr) {
        asm_rm(&e->a, MAP_0F | 0xae, false, 3, HART(host_fpcr)); /* stmxcsr */
        set_call(e, (uintptr_t)backend_csr, (uint64_t)n->imm);
    } else if (n->op == IR_call) {
        set_call(e, (uintptr_t)ir_helpers[n->aux].fn, (uint64_t)n->imm);
    } else {
        set_call(e, (uintptr_t)ir_pure_helper, n->op);
    }
    asm_call_mem(&e->a, HART(call_stub));
    if (n->op == IR_csr)
        asm_rm(&e->a, MAP_0F | 0xae, false, 2, HART(host_fpcr)); /* ldmxcsr */
    e->locked = 0;                                               /* the arguments are done with */
    int d = alloc_dest(e, r, 0);
    asm_rm(&e->a, 0x8b, true, d, HART(call_result));
    bind(e, r, d);
}

/* The cold half of cold_call. */
void emit_cold_call(struct emitter *e, const struct cold *c) {
    bool is_double = c->wide & 1, result_gpr = c->wide & 2;
    const int8_t regs[3] = {c->reg, c->reg2, c->reg3};
    for (int i = 0; i < 3; i++) {
        if (regs[i] == NO_REG)
            continue;
        struct mem m = HART(call_arg[0]);
        m.disp += i * 8;
        if (!is_double) {
            asm_rm(&e->a, 0xc7, true, 0, m);
            asm_u32(&e->a, 0);
        }
        fp_store(e, is_double, m, regs[i]);
        if ((i == 0 && c->aux & 0x10) || (i == 2 && c->aux & 0x20)) { /* the operand's negation: flip its sign bit */
            m.disp += is_double ? 7 : 3;
            asm_rm(&e->a, 0x80, false, 6, m);
            asm_byte(&e->a, 0x80);
        }
    }
    set_call(e, (uintptr_t)c->imm, c->aux & 7);
    asm_call_mem(&e->a, HART(call_stub));
    if (result_gpr)
        asm_rm(&e->a, 0x8b, true, c->result, HART(call_result));
    else
        fp_load(e, is_double, c->result, HART(call_result));
    asm_patch32(&e->a, asm_jmp32(&e->a), c->back);
}

void emit_fp_node(struct emitter *e, ir_ref r) {
    const struct ir_node *n = node_of(e, r);
    switch (n->op) {
    case IR_f_add_d:
    case IR_f_add_s:
        emit_arith(e, r, OP_ADD, true);
        break;
    case IR_f_sub_d:
    case IR_f_sub_s:
        emit_arith(e, r, OP_SUB, false);
        break;
    case IR_f_mul_d:
    case IR_f_mul_s:
        emit_arith(e, r, OP_MUL, true);
        break;
    case IR_f_div_d:
    case IR_f_div_s:
        emit_arith(e, r, OP_DIV, false);
        break;
    case IR_f_sqrt_d:
    case IR_f_sqrt_s:
        emit_arith(e, r, OP_SQRT, true);
        break;
    case IR_f_madd_d:
    case IR_f_madd_s:
        emit_madd(e, r);
        break;
    case IR_f_min_d:
    case IR_f_min_s:
    case IR_f_max_d:
    case IR_f_max_s:
        emit_fminmax(e, r);
        break;
    case IR_f_eq_d:
    case IR_f_eq_s:
    case IR_f_lt_d:
    case IR_f_lt_s:
    case IR_f_le_d:
    case IR_f_le_s:
    case IR_f_ltq_d:
    case IR_f_ltq_s:
    case IR_f_leq_d:
    case IR_f_leq_s:
    case IR_f_ltn_d:
    case IR_f_ltn_s:
    case IR_f_len_d:
    case IR_f_len_s:
        emit_fcompare(e, r);
        break;
    case IR_f_to_w_d:
    case IR_f_to_w_s:
    case IR_f_to_wu_d:
    case IR_f_to_wu_s:
    case IR_f_to_l_d:
    case IR_f_to_l_s:
    case IR_f_to_lu_d:
    case IR_f_to_lu_s:
        emit_to_int(e, r);
        break;
    case IR_f_from_w_d:
    case IR_f_from_w_s:
    case IR_f_from_wu_d:
    case IR_f_from_wu_s:
    case IR_f_from_l_d:
    case IR_f_from_l_s:
    case IR_f_from_lu_d:
    case IR_f_from_lu_s:
        emit_from_int(e, r);
        break;
    case IR_f_cvt_s_d:
    case IR_f_cvt_d_s: {
        int x = use_xmm(e, n->a), d = alloc_dest_xmm(e, r, 0);
        fp_rrr(e, (n->op == IR_f_cvt_s_d ? SD : SS) | 0x5a, false, d, x, x);
        bind_xmm(e, r, d);
        e->maybe_nan[r] = n->op == IR_f_cvt_s_d ? 2 : 1;
        break;
    }
    case IR_f_neg_d:
    case IR_f_neg_s:
    case IR_f_sgnj_d:
    case IR_f_sgnj_s:
    case IR_f_sgnjn_d:
    case IR_f_sgnjn_s:
    case IR_f_sgnjx_d:
    case IR_f_sgnjx_s:
        emit_sign(e, r);
        break;
    case IR_f_bits: {
        make_canonical(e, n->a, true);
        int x = use_xmm(e, n->a), d = alloc_dest(e, r, 0);
        fp_to_gpr(e, d, x);
        bind(e, r, d);
        break;
    }
    case IR_f_from_bits: {
        int x = use_reg(e, n->a), d = alloc_dest_xmm(e, r, 0);
        fp_from_gpr(e, d, x);
        bind_xmm(e, r, d);
        break;
    }
    case IR_f_box_s: {
        make_canonical(e, n->a, false);
        int x = use_xmm(e, n->a), d = alloc_dest_xmm(e, r, 0);
        fp_rrm(e, PS | OP_ORP, d, x, hart_pool(POOL_BOX));
        bind_xmm(e, r, d);
        break;
    }
    case IR_f_unbox_s:
    case IR_f_unbox_any_s:
        emit_unbox(e, r);
        break;
    case IR_fload_s:
    case IR_fload_d:
    case IR_fstore_s:
    case IR_fstore_d:
        emit_fmemory(e, r);
        break;
    case IR_fflags:
        emit_fflags(e, r);
        break;
    case IR_set_fflags:
        emit_set_fflags(e, r);
        break;
    default:
        e->failed = true;
    }
}
