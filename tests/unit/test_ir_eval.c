/* test_ir_eval.c: the reference evaluator: floating point, memory, atomics and the ways to leave.  Integer operations
 * are test_ir_pure.c's.
 */
#include "ir_fixture.h"

#include "../../cpu/interp.h"

static struct isa isa = {.xlen = 64, .exts = 1ull << EXT_I | 1ull << EXT_F | 1ull << EXT_D};

static struct hart *hart_new(void) {
    struct hart *h = calloc(1, sizeof *h);
    h->xlen = 64;
    h->isa = &isa;
    return h;
}

/* ---- floating point ---- */

static const struct fp_case {
    enum ir_op op;
    hart_helper *fn;
} fp_cases[] = {
#define BOTH(name)                                                                                                     \
    {IR_f_##name##_d, fp_##name##_d}, { IR_f_##name##_s, fp_##name##_s }
    BOTH(add),
    BOTH(sub),
    BOTH(mul),
    BOTH(div),
    BOTH(sqrt),
    BOTH(madd),
    BOTH(min),
    BOTH(max),
    BOTH(eq),
    BOTH(lt),
    BOTH(le),
    BOTH(ltq),
    BOTH(leq),
    BOTH(to_w),
    BOTH(to_wu),
    BOTH(to_l),
    BOTH(to_lu),
    BOTH(from_w),
    BOTH(from_wu),
    BOTH(from_l),
    BOTH(from_lu),
    {IR_f_cvt_s_d, fp_cvt_s_d},
    {IR_f_cvt_d_s, fp_cvt_d_s},
};
enum { FP_CASES = sizeof fp_cases / sizeof *fp_cases };

/* Quarters and thirds of both formats, ties, zeros, infinities, NaNs, values beyond the integers. */
static const uint64_t doubles[] = {
    0x3ff0000000000000, 0xbff8000000000000, 0x3fd5555555555555, 0x4008000000000000,
    0x8000000000000000, 0x7ff0000000000000, 0x7ff8000000000000, 0x7ff0000000000001,
    0x43f0000000000000, 0xc1e0000000200000, 0x0000000000000001, 0x7fefffffffffffff,
};
static const uint64_t singles[] = {0x3f800000, 0xbfc00000, 0x3eaaaaab, 0x40400000, 0x80000000, 0x7f800000,
                                   0x7fc00000, 0x7f800001, 0x5f800000, 0xcf000001, 0x00000001, 0x7f7fffff};
enum { FP_VALUES = sizeof doubles / sizeof *doubles };

static bool is_single(enum ir_op op) {
    size_t length = strlen(ir_ops[op].name);
    return op == IR_f_cvt_d_s || (op != IR_f_cvt_s_d && ir_ops[op].name[length - 1] == 's');
}

/* Each FP node is its helper, with the node's rounding mode, and both see the same flags.  Values come from and go to
 * f registers, so that the boxing of singles is part of it. */
static void fp_operations_are_their_helpers(void **state) {
    struct hart *h = hart_new(), *ref = hart_new();
    struct ir_block *b = malloc(sizeof *b);
    bool covered[IR_OP_COUNT] = {false};
    for (unsigned i = 0; i < FP_CASES; i++) {
        const enum ir_op op = fp_cases[i].op;
        const char *args = ir_ops[op].args;
        const bool single = is_single(op);
        covered[op] = true;
        for (unsigned rm = 0; rm < 8; rm += rm == RM_RMM ? 3 : 1) {
            ir_ref in[3] = {IR_NONE, IR_NONE, IR_NONE};
            ir_init(b, 0x1000, 64);
            for (unsigned k = 0; args[k]; k++) {
                in[k] = node_raw(b, args[k] == 'F' ? IR_fget : IR_get, IR_NONE, IR_NONE, IR_NONE, 10 + k);
                if (args[k] == 'F' && single)
                    in[k] = node_raw(b, IR_f_unbox_s, in[k], IR_NONE, IR_NONE, 0);
            }
            ir_ref r = node_raw(b, op, in[0], in[1], in[2], 0);
            b->nodes[r].rm = (uint8_t)rm;
            bool single_result = ir_ops[op].result == 'F' && (op == IR_f_cvt_s_d || (single && op != IR_f_cvt_d_s));
            node_raw(b,
                     ir_ops[op].result == 'I' ? IR_set
                     : single_result          ? IR_fset_s
                                              : IR_fset,
                     r, IR_NONE, IR_NONE, 20);
            node_raw(b, IR_exit, IR_NONE, IR_NONE, IR_NONE, 0x2000);
            for (unsigned v = 0; v < FP_VALUES * FP_VALUES; v++) {
                uint64_t value[3];
                for (unsigned k = 0; k < 3; k++) {
                    unsigned which = (k == 0 ? v : k == 1 ? v / FP_VALUES : v + 5) % FP_VALUES;
                    value[k] = *args == 'I' ? doubles[which] : single ? singles[which] : doubles[which];
                    h->x[10 + k] = value[k];
                    h->f[10 + k] = single ? fp_box_s(value[k]) : value[k];
                }
                h->frm = ref->frm = (uint8_t)(v % 4);
                h->fflags = ref->fflags = 0;
                uint64_t want = fp_cases[i].fn(ref, value[0], value[1], value[2], rm);
                ir_run(b, h);
                uint64_t got = ir_ops[op].result == 'I' ? h->x[20] : h->f[20];
                if (single_result)
                    want |= 0xffffffff00000000;
                if (got != want || h->fflags != ref->fflags)
                    fail_msg("%s rm %u, values %u: %#" PRIx64 " flags %#x, not %#" PRIx64 " flags %#x", ir_ops[op].name,
                             rm, v, got, h->fflags, want, ref->fflags);
            }
        }
    }
    for (unsigned op = 0; op < IR_OP_COUNT; op++)
        if (ir_ops[op].kind == IRK_FP && op != IR_call && op != IR_fflags && op != IR_set_fflags && !covered[op])
            fail_msg("%s has no case", ir_ops[op].name);
    free(b);
    free(ref);
    free(h);
}

static void silent_comparisons_raise_nothing(void **state) {
    struct hart *h = hart_new(), *ref = hart_new();
    struct ir_block *b = block_from("block 0x0 rv64\n%0 = fget f0\n%1 = fget f1\n%2 = f_unbox_s %0\n%3 = f_unbox_s %1\n"
                                    "%4 = f_ltn_d %0, %1\nset a0, %4\n%5 = f_len_d %0, %1\nset a1, %5\n"
                                    "%6 = f_ltn_s %2, %3\nset a2, %6\n%7 = f_len_s %2, %3\nset a3, %7\nexit 0x0\n");
    for (unsigned x = 0; x < FP_VALUES; x++)
        for (unsigned y = 0; y < FP_VALUES; y++)
            for (int single = 0; single < 2; single++) {
                h->f[0] = single ? fp_box_s(singles[x]) : doubles[x];
                h->f[1] = single ? fp_box_s(singles[y]) : doubles[y];
                h->fflags = FFLAG_UF;
                ir_run(b, h);
                assert_int_equal(h->fflags, FFLAG_UF);
                if (single) {
                    assert_int_equal(h->x[12], fp_lt_s(ref, singles[x], singles[y], 0, 0));
                    assert_int_equal(h->x[13], fp_le_s(ref, singles[x], singles[y], 0, 0));
                } else {
                    assert_int_equal(h->x[10], fp_lt_d(ref, doubles[x], doubles[y], 0, 0));
                    assert_int_equal(h->x[11], fp_le_d(ref, doubles[x], doubles[y], 0, 0));
                }
            }
    free(b);
    free(ref);
    free(h);
}

/* 1/3 in each mode: the result itself, so that not only agreement is checked. */
static void rounding_modes_reach_the_arithmetic(void **state) {
    static const uint64_t third[] = {0x3fd5555555555555, 0x3fd5555555555555, 0x3fd5555555555555, 0x3fd5555555555556,
                                     0x3fd5555555555555};
    static const char *const names[] = {".rne", ".rtz", ".rdn", ".rup", ".rmm"};
    struct hart *h = hart_new();
    for (unsigned rm = 0; rm < 5; rm++)
        for (int dynamic = 0; dynamic < 2; dynamic++) {
            char text[256];
            snprintf(text, sizeof text,
                     "block 0x0 rv64\n%%0 = fget f0\n%%1 = fget f1\n%%2 = f_div_d%s %%0, %%1\nfset f2, %%2\nexit 0x0\n",
                     dynamic ? "" : names[rm]);
            struct ir_block *b = block_from(text);
            h->f[0] = 0x3ff0000000000000;
            h->f[1] = 0x4008000000000000;
            h->frm = (uint8_t)(dynamic ? rm : (rm + 1) % 4);
            h->fflags = FFLAG_DZ;
            ir_run(b, h);
            assert_int_equal(h->f[2], third[rm]);
            assert_int_equal(h->fflags, FFLAG_NX | FFLAG_DZ);
            free(b);
        }
    free(h);
}

static void sign_and_boxing_operations(void **state) {
    struct hart *h = hart_new();
    struct ir_block *b = block_from("block 0x0 rv64\n"
                                    "%0 = fget f0\n%1 = fget f1\n%2 = get a0\n"
                                    "%3 = f_neg_d %0\nfset f2, %3\n"
                                    "%4 = f_sgnj_d %0, %1\nfset f3, %4\n"
                                    "%5 = f_sgnjn_d %0, %1\nfset f4, %5\n"
                                    "%6 = f_sgnjx_d %0, %1\nfset f5, %6\n"
                                    "%7 = f_unbox_s %0\n%8 = f_unbox_any_s %1\n"
                                    "fset_s f6, %7\nfset_s f7, %8\n"
                                    "%9 = f_neg_s %8\nfset_s f8, %9\n"
                                    "%10 = f_from_bits %2\n"
                                    "%11 = f_sgnj_s %10, %8\nfset_s f9, %11\n"
                                    "%12 = f_sgnjn_s %10, %8\nfset_s f10, %12\n"
                                    "%13 = f_sgnjx_s %10, %8\nfset_s f11, %13\n"
                                    "%14 = f_box_s %8\nfset f12, %14\n"
                                    "%15 = f_bits %0\nset a1, %15\n"
                                    "fset f13, %10\nfset_s f14, %10\n"
                                    "exit 0x0\n");
    h->f[0] = 0x4009999999999999; /* no boxed single */
    h->f[1] = 0xffffffffbf800000; /* -1 boxed */
    h->x[10] = 0xc0400000;        /* -3 */
    ir_run(b, h);
    assert_int_equal(h->f[2], 0xc009999999999999);
    assert_int_equal(h->f[3], 0xc009999999999999);
    assert_int_equal(h->f[4], 0x4009999999999999);
    assert_int_equal(h->f[5], 0xc009999999999999);
    assert_int_equal(h->f[6], 0xffffffff7fc00000);
    assert_int_equal(h->f[7], 0xffffffffbf800000);
    assert_int_equal(h->f[8], 0xffffffff3f800000);
    assert_int_equal(h->f[9], 0xffffffffc0400000);
    assert_int_equal(h->f[10], 0xffffffff40400000);
    assert_int_equal(h->f[11], 0xffffffff40400000);
    assert_int_equal(h->f[12], 0xffffffffbf800000);
    assert_int_equal(h->x[11], 0x4009999999999999);
    assert_int_equal(h->f[13], 0xc0400000);
    assert_int_equal(h->f[14], 0xffffffffc0400000);
    assert_int_equal(h->fflags, 0);
    free(b);
    free(h);
}

static void calls_pass_arguments_and_imm(void **state) {
    struct hart *h = hart_new();
    struct ir_block *b = block_from("block 0x0 rv64\n%0 = get a0\n%1 = get a1\n%2 = get a2\n"
                                    "%3 = call fp_madd_d(%0, %1, %2), 7\nset a3, %3\n"
                                    "%4 = call fp_add_d(%0, %1), 1\nset a4, %4\n"
                                    "%5 = call fp_class_s(%0), 0\nset a5, %5\nexit 0x0\n");
    h->x[10] = 0x4000000000000000; /* 2 */
    h->x[11] = 0x4008000000000000; /* 3 */
    h->x[12] = 0x3cb0000000000000; /* 2^-52 */
    h->frm = RM_RUP;
    ir_run(b, h);
    assert_int_equal(h->x[13], 0x4018000000000001); /* 6, rounded up */
    assert_int_equal(h->x[14], 0x4014000000000000);
    assert_int_equal(h->x[15], 1 << 4); /* a single +0 */
    assert_int_equal(h->fflags, FFLAG_NX);
    free(b);
    free(h);
}

/* ---- memory ---- */

static void loads_and_stores_of_each_width(void **state) {
    struct hart *h = hart_new();
    static uint8_t memory[64];
    struct ir_block *b = block_from("block 0x0 rv64\n%0 = get a0\n%1 = get a1\n%2 = fget f0\n"
                                    "store_8 %0, %1, 1\nstore_16 %0, %1, 3\nstore_32 %0, %1, 6\nstore_64 %0, %1, 11\n"
                                    "fstore_s %0, %2, 20\nfstore_d %0, %2, -8\n"
                                    "%9 = load_s8 %0, 11\nset t0, %9\n"
                                    "%10 = load_u8 %0, 11\nset t1, %10\n"
                                    "%11 = load_s16 %0, 11\nset t2, %11\n"
                                    "%12 = load_u16 %0, 11\nset s0, %12\n"
                                    "%13 = load_s32 %0, 11\nset s1, %13\n"
                                    "%14 = load_u32 %0, 11\nset s2, %14\n"
                                    "%15 = load_64 %0, 11\nset s3, %15\n"
                                    "%16 = fload_s %0, 11\nfset_s f1, %16\n"
                                    "%17 = fload_d %0, 11\nfset f2, %17\n"
                                    "exit 0x0\n");
    memset(memory, 0xaa, sizeof memory);
    h->x[10] = (uintptr_t)memory + 8;
    h->x[11] = 0x8899aabbccddeeff;
    h->f[0] = 0x0123456789abcdef;
    ir_run(b, h);
    static const uint8_t want[32] = {0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01, /* fstore_d, -8 */
                                     0xaa, 0xff, 0xaa, 0xff, 0xee, 0xaa, 0xff, 0xee, 0xdd, 0xcc, 0xaa, 0xff,
                                     0xee, 0xdd, 0xcc, 0xbb, 0xaa, 0x99, 0x88, 0xaa, 0xef, 0xcd, 0xab, 0x89};
    assert_memory_equal(memory, want, sizeof want);
    assert_int_equal(memory[32], 0xaa);
    assert_int_equal(h->x[5], 0xffffffffffffffff);
    assert_int_equal(h->x[6], 0xff);
    assert_int_equal(h->x[7], 0xffffffffffffeeff);
    assert_int_equal(h->x[8], 0xeeff);
    assert_int_equal(h->x[9], 0xffffffffccddeeff);
    assert_int_equal(h->x[18], 0xccddeeff);
    assert_int_equal(h->x[19], 0x8899aabbccddeeff);
    assert_int_equal(h->f[1], 0xffffffffccddeeff);
    assert_int_equal(h->f[2], 0x8899aabbccddeeff);
    free(b);
    free(h);
}

static uint64_t amo_expected(enum ir_amo op, uint64_t a, uint64_t b, unsigned bits) {
    int64_t sa = bits == 32 ? (int32_t)a : (int64_t)a, sb = bits == 32 ? (int32_t)b : (int64_t)b;
    uint64_t ua = bits == 32 ? (uint32_t)a : a, ub = bits == 32 ? (uint32_t)b : b;
    switch (op) {
    case AMO_SWAP:
        return b;
    case AMO_ADD:
        return a + b;
    case AMO_XOR:
        return a ^ b;
    case AMO_AND:
        return a & b;
    case AMO_OR:
        return a | b;
    case AMO_MIN:
        return sa < sb ? a : b;
    case AMO_MAX:
        return sa > sb ? a : b;
    case AMO_MINU:
        return ua < ub ? a : b;
    case AMO_MAXU:
        return ua > ub ? a : b;
    }
    return 0;
}

static void atomics_of_both_widths(void **state) {
    struct hart *h = hart_new();
    struct ir_block *b =
        block_from("block 0x0 rv64\n%0 = get a0\n%1 = get a1\n%2 = amo swap.32 %0, %1\nset a2, %2\nexit 0x0\n");
    for (unsigned op = AMO_SWAP; op <= AMO_MAXU; op++)
        for (unsigned bits = 32; bits <= 64; bits += 32) {
            b->nodes[2].aux = (uint16_t)op;
            b->nodes[2].imm = bits;
            for (unsigned x = 0; x < CORNERS; x++)
                for (unsigned y = 0; y < CORNERS; y++) {
                    uint64_t memory[2] = {corner_values[x], 0x5555555555555555}, keep = bits == 64 ? 0 : ~0ull << 32;
                    h->x[10] = (uintptr_t)memory;
                    h->x[11] = corner_values[y];
                    ir_run(b, h);
                    uint64_t want = amo_expected((enum ir_amo)op, corner_values[x], corner_values[y], bits);
                    if (memory[0] != ((corner_values[x] & keep) | (want & ~keep)))
                        fail_msg("amo %u.%u of %#" PRIx64 ", %#" PRIx64 " stores %#" PRIx64, op, bits, corner_values[x],
                                 corner_values[y], memory[0]);
                    assert_int_equal(h->x[12], bits == 32 ? (uint64_t)(int32_t)corner_values[x] : corner_values[x]);
                    assert_int_equal(memory[1], 0x5555555555555555);
                }
        }
    free(b);
    free(h);
}

static void compare_and_exchange(void **state) {
    static const struct {
        int64_t bits;
        uint64_t memory, expect, value, after, old;
        bool stored;
    } cases[] = {
        {64, 5, 5, 9, 9, 5, true},
        {64, 5, 6, 9, 5, 5, false},
        {64, 0x100000005, 5, 9, 0x100000005, 0x100000005, false},
        {32, 0x1234567880000000, 0xffffffff80000000, 0x77777777ffffffff, 0x12345678ffffffff, 0xffffffff80000000, true},
        {32, 0x1234567880000000, 0x80000000, 1, 0x1234567800000001, 0xffffffff80000000, true},
        {32, 0x12345678, 0x12345679, 1, 0x12345678, 0x12345678, false},
        {32, 0x89abcdef, 1, 1, 0x89abcdef, 0xffffffff89abcdef, false},
    };
    struct hart *h = hart_new();
    struct ir_block *b = block_from(
        "block 0x0 rv64\n%0 = get a0\n%1 = get a1\n%2 = get a2\n%3 = cas.64 %0, %1, %2\nset a3, %3\nexit 0x0\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int conditional = 0; conditional < 2; conditional++) {
            uint64_t memory = cases[i].memory;
            b->nodes[3].op = conditional ? IR_cas_sc : IR_cas;
            b->nodes[3].imm = cases[i].bits;
            h->x[10] = (uintptr_t)&memory;
            h->x[11] = cases[i].expect;
            h->x[12] = cases[i].value;
            ir_run(b, h);
            assert_int_equal(memory, cases[i].after);
            assert_int_equal(h->x[13], conditional ? !cases[i].stored : cases[i].old);
        }
    free(b);
    free(h);
}

static void cas_16_exchanges_pairs(void **state) {
    struct hart *h = hart_new();
    struct ir_block *b = block_from("block 0x0 rv64\n%0 = get a0\n%1 = get a1\n%2 = get a2\n%3 = get a3\n%4 = get a4\n"
                                    "cas_arg %1, 0\ncas_arg %2, 1\ncas_arg %3, 2\ncas_arg %4, 3\n%9 = cas_16 %0\n"
                                    "%10 = cas_high\nset a5, %9\nset a6, %10\nexit 0x0\n");
    for (unsigned differ = 0; differ < 3; differ++) { /* nowhere, in the low word, in the high one */
        _Alignas(16) uint64_t memory[2] = {5 + (differ == 1), 6 + (differ == 2)};
        uint64_t was[2] = {memory[0], memory[1]};
        h->x[10] = (uintptr_t)memory, h->x[11] = 5, h->x[12] = 6, h->x[13] = 7, h->x[14] = 8;
        ir_run(b, h);
        assert_int_equal(memory[0], differ ? was[0] : 7);
        assert_int_equal(memory[1], differ ? was[1] : 8);
        assert_int_equal(h->x[15], was[0]);
        assert_int_equal(h->x[16], was[1]);
    }
    free(b);
    free(h);
}

/* ---- leaving ---- */

static void each_exit_sets_the_pc(void **state) {
    static const struct {
        const char *nodes;
        unsigned left;
        uint64_t pc, tval;
        unsigned cause;
    } cases[] = {
        {"exit 0x1234\n", 2, 0x1234, 0, TRAP_NONE},
        {"exit_reg %0\n", 2, 0xabcdef0123456789, 0, TRAP_NONE},
        {"exit_ret %0\n", 2, 0xabcdef0123456789, 0, TRAP_NONE},
        {"exit_call 0x2000, ret 0x1004\n", 2, 0x2000, 0, TRAP_NONE},
        {"exit_call_reg %0, ret 0x1004\n", 2, 0xabcdef0123456789, 0, TRAP_NONE},
        {"exit_likely %0, 0x1000\n", 2, 0xabcdef0123456789, 0, TRAP_NONE},
        {"exit_call_likely %0, 0x1000, ret 0x1004\n", 2, 0xabcdef0123456789, 0, TRAP_NONE},
        {"exit_if %0, 0x3000\nexit 0x4000\n", 2, 0x3000, 0, TRAP_NONE},
        {"exit_if %1, 0x3000\nexit 0x4000\n", 3, 0x4000, 0, TRAP_NONE},
        {"exit_trap breakpoint, 0x55 @0x1008\n", 2, 0x1008, 0x55, TRAP_BREAKPOINT},
        {"exit_engine interpret, 0x5000 @0x1008\n", 2, 0x5000, 0, TRAP_NONE},
        {"check_align %0, 2, store_misaligned @0x1006\nexit 0x6000\n", 2, 0x1006, 0xabcdef0123456789,
         TRAP_STORE_MISALIGNED},
        {"check_align %1, 16, store_misaligned @0x1006\nexit 0x6000\n", 3, 0x6000, 0, TRAP_NONE},
        {"check_align %0, 1, store_misaligned @0x1006\nexit 0x6000\n", 3, 0x6000, 0, TRAP_NONE},
        {"%2 = csr %1, 0x0f14 @0x100a\nexit 0x6000\n", 2, 0x100a, 0, TRAP_ILLEGAL},
        {"fence\nexit 0x6000\n", 3, 0x6000, 0, TRAP_NONE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        snprintf(text, sizeof text, "block 0x1000 rv64\n%%0 = get a0\n%%1 = const 0\n%s", cases[i].nodes);
        struct ir_block *b = block_from(text);
        struct hart *h = hart_new(), before;
        h->x[10] = 0xabcdef0123456789;
        h->pc = 0x1000;
        h->trap.cause = TRAP_LOAD_PAGE;
        h->trap.tval = cases[i].tval; /* kept where there is no trap */
        before = *h;
        assert_int_equal(ir_run(b, h), cases[i].left);
        assert_int_equal(h->pc, cases[i].pc);
        assert_int_equal(h->trap.cause, cases[i].cause);
        assert_int_equal(h->trap.tval, cases[i].tval);
        assert_memory_equal(h->x, before.x, sizeof h->x);
        free(h);
        free(b);
    }
}

static void rv32_traps_at_a_pc_of_32_bits(void **state) {
    struct hart *h = hart_new();
    struct ir_block *b = block_from("block 0xfffffffe rv32\nexit_trap illegal, 0x0 @0x0\n");
    ir_run(b, h);
    assert_int_equal(h->pc, 0);
    free(b);
    free(h);
}

static void csr_and_flag_nodes_access_the_flags(void **state) {
    struct hart *h = hart_new();
    struct ir_block *b = block_from("block 0x0 rv64\n%0 = get a0\n%1 = csr %0, 0x1001\nset a1, %1\n" /* csrrs fflags */
                                    "%2 = csr %0, 0x0002\nset a2, %2\n"                              /* csrrw frm */
                                    "%3 = fflags\nset a3, %3\n%4 = const 0xffe8\nset_fflags %4\n"
                                    "%5 = fflags\nset a4, %5\nexit 0x0\n");
    h->fflags = FFLAG_NX;
    h->frm = RM_RUP;
    h->x[10] = FFLAG_UF;
    ir_run(b, h);
    assert_int_equal(h->x[11], FFLAG_NX);
    assert_int_equal(h->x[13], FFLAG_NX | FFLAG_UF);
    assert_int_equal(h->x[14], FFLAG_DZ);
    assert_int_equal(h->fflags, FFLAG_DZ);
    assert_int_equal(h->x[12], RM_RUP);
    assert_int_equal(h->frm, 2);
    free(b);
    free(h);
}

/* Sets stand where the guest wrote: those behind the node that leaves do not happen. */
static void sets_behind_a_taken_exit_do_not_happen(void **state) {
    struct ir_block *b = block_from("block 0x0 rv64\n%0 = get a0\n%1 = const 7\nset a1, %1\nexit_if %0, 0x8\n"
                                    "set a0, %1\nset a1, %0\nexit 0x10\n");
    struct hart *h = hart_new();
    h->x[10] = 1;
    ir_run(b, h);
    assert_int_equal(h->x[10], 1);
    assert_int_equal(h->x[11], 7);
    assert_int_equal(h->pc, 8);
    h->x[10] = 0;
    ir_run(b, h);
    assert_int_equal(h->x[10], 7);
    assert_int_equal(h->x[11], 0);
    assert_int_equal(h->pc, 0x10);
    free(b);
    free(h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fp_operations_are_their_helpers),
        cmocka_unit_test(silent_comparisons_raise_nothing),
        cmocka_unit_test(rounding_modes_reach_the_arithmetic),
        cmocka_unit_test(sign_and_boxing_operations),
        cmocka_unit_test(calls_pass_arguments_and_imm),
        cmocka_unit_test(loads_and_stores_of_each_width),
        cmocka_unit_test(atomics_of_both_widths),
        cmocka_unit_test(compare_and_exchange),
        cmocka_unit_test(cas_16_exchanges_pairs),
        cmocka_unit_test(each_exit_sets_the_pc),
        cmocka_unit_test(rv32_traps_at_a_pc_of_32_bits),
        cmocka_unit_test(csr_and_flag_nodes_access_the_flags),
        cmocka_unit_test(sets_behind_a_taken_exit_do_not_happen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
