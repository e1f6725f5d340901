/* test_interp_float.c: CSRs and floating point in the interpreter: flags, rounding modes, NaN boxing, counters. */
#include "interp_fixture.c"

#include "../../cpu/fp.h"

static struct fixture f;
static int setup(void **state) {
    fixture_start(&f, "max", 0);
    return 0;
}
static int setup32(void **state) {
    fixture_start(&f, "rv32max", 0);
    return 0;
}
static int teardown(void **state) {
    fixture_stop(&f);
    return 0;
}

static void emit(uint32_t bits) { fixture_emit(&f, bits); }
static void op_r(enum insn_id id, unsigned rd, unsigned rs1, unsigned rs2) { emit(enc(id, rd, rs1, rs2, 0)); }
static void op_i(enum insn_id id, unsigned rd, unsigned rs1, int32_t imm) { emit(enc(id, rd, rs1, 0, imm)); }
static void ecall(void) { emit(enc(INSN_ecall, 0, 0, 0, 0)); }
static void expect_trap(enum interp_stop stop, uint32_t cause, uint64_t pc, uint64_t tval) {
    assert_int_equal(stop, INTERP_TRAP);
    assert_int_equal(f.h.trap.cause, cause);
    assert_int_equal(f.h.pc, pc);
    assert_int_equal(f.h.trap.tval, tval);
    assert_int_equal(f.h.in_interp, 0);
}

enum { FFLAGS = 1, FRM = 2, FCSR = 3 };
#define ONE_D 0x3ff0000000000000u
#define THREE_D 0x4008000000000000u

static void flags_of_the_host_reach_fflags(void **state) {
    emit(enc_rm(INSN_fdiv_d, 0, 1, 2, RM_DYN)); /* 1/3: inexact */
    op_i(INSN_csrrs, A0, 0, FFLAGS);
    emit(enc_rm(INSN_fdiv_d, 0, 1, 3, RM_RNE)); /* 1/0 */
    op_i(INSN_csrrs, A1, 0, FCSR);
    op_i(INSN_csrrwi, A2, 0, FFLAGS);
    op_i(INSN_csrrs, A3, 0, FFLAGS);
    emit(enc_rm(INSN_fsqrt_d, 4, 5, 0, RM_DYN)); /* sqrt(-1) */
    ecall();
    f.h.f[1] = ONE_D, f.h.f[2] = THREE_D, f.h.f[3] = 0, f.h.f[5] = ONE_D | 1ull << 63;
    fixture_run(&f);
    assert_int_equal(f.h.x[A0], FFLAG_NX);
    assert_int_equal(f.h.x[A1], FFLAG_NX | FFLAG_DZ);
    assert_int_equal(f.h.x[A2], FFLAG_NX | FFLAG_DZ);
    assert_int_equal(f.h.x[A3], 0);
    assert_int_equal(f.h.fflags, FFLAG_NV); /* collected on the way out */
    assert_int_equal(f.h.f[4], 0x7ff8000000000000u);
}

static void rounding_modes_are_obeyed(void **state) {
    static const uint64_t want[5] = {0x3fd5555555555555, 0x3fd5555555555555, 0x3fd5555555555555, 0x3fd5555555555556,
                                     0x3fd5555555555555};
    for (unsigned rm = 0; rm < 5; rm++) {
        for (int dynamic = 0; dynamic < 2; dynamic++) {
            f.at = (uint32_t *)(uintptr_t)CODE;
            op_i(INSN_csrrwi, 0, dynamic ? rm : 0, FRM);
            emit(enc_rm(INSN_fdiv_d, 0, 1, 2, dynamic ? RM_DYN : rm));
            ecall();
            interp_flush(&f.h);
            f.h.pc = CODE, f.h.f[1] = ONE_D, f.h.f[2] = THREE_D;
            fixture_run(&f);
            assert_int_equal(f.h.f[0], want[rm]);
            assert_int_equal(f.h.fflags, FFLAG_NX);
        }
    }
}

static void reserved_rounding_modes_are_illegal(void **state) {
    op_i(INSN_csrrwi, 0, 5, FRM);
    uint32_t bits = enc_rm(INSN_fadd_s, 0, 1, 2, RM_DYN);
    emit(bits);
    expect_trap(fixture_run(&f), TRAP_ILLEGAL, CODE + 4, bits);
    assert_int_equal(f.h.frm, 5);
    f.at = (uint32_t *)(uintptr_t)CODE;
    bits = enc_rm(INSN_fcvt_w_d, A0, 1, 0, 6);
    emit(bits);
    interp_flush(&f.h);
    f.h.pc = CODE, f.h.frm = 0;
    expect_trap(fixture_run(&f), TRAP_ILLEGAL, CODE, bits);
}

static void conversions_saturate_and_flag(void **state) {
    static const struct {
        enum insn_id id;
        uint64_t a, want;
        unsigned flags;
    } cases[] = {{INSN_fcvt_w_d, 0xbff8000000000000, (uint64_t)-1, FFLAG_NX},
                 {INSN_fcvt_w_d, 0x41e0000000000000, 0x7fffffff, FFLAG_NV},
                 {INSN_fcvt_w_d, 0xc1e0000000000000, 0xffffffff80000000, 0},
                 {INSN_fcvt_wu_d, 0x41efffffffe00000, (uint64_t)-1, 0},
                 {INSN_fcvt_wu_d, 0xbfe0000000000000, 0, FFLAG_NX},
                 {INSN_fcvt_wu_d, 0xbff0000000000000, 0, FFLAG_NV},
                 {INSN_fcvt_l_d, 0x43e0000000000000, 0x7fffffffffffffff, FFLAG_NV},
                 {INSN_fcvt_lu_d, 0x43e0000000000000, 1ull << 63, 0},
                 {INSN_fcvt_l_d, 0x7ff8000000000000, 0x7fffffffffffffff, FFLAG_NV},
                 {INSN_fcvt_lu_d, 0x3ff8000000000000, 1, FFLAG_NX},
                 {INSN_fcvt_w_s, 0xffffffffbfc00000, (uint64_t)-1, FFLAG_NX},
                 {INSN_fcvt_w_s, 0x3f800000, 0x7fffffff, FFLAG_NV} /* not boxed */};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        f.at = (uint32_t *)(uintptr_t)CODE;
        emit(enc_rm(cases[i].id, A0, 1, 0, RM_RTZ));
        ecall();
        interp_flush(&f.h);
        f.h.pc = CODE, f.h.f[1] = cases[i].a, f.h.fflags = 0;
        fixture_run(&f);
        assert_int_equal(f.h.x[A0], cases[i].want);
        assert_int_equal(f.h.fflags, cases[i].flags);
    }
}

static void comparisons_signal_as_they_should(void **state) {
    static const struct {
        enum insn_id id;
        uint64_t a;
        unsigned flags;
    } cases[] = {{INSN_feq_d, 0x7ff8000000000000, 0},        {INSN_flt_d, 0x7ff8000000000000, FFLAG_NV},
                 {INSN_fle_d, 0x7ff8000000000000, FFLAG_NV}, {INSN_feq_d, 0x7ff0000000000001, FFLAG_NV},
                 {INSN_fltq_d, 0x7ff8000000000000, 0},       {INSN_fleq_d, 0x7ff0000000000001, FFLAG_NV}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        f.at = (uint32_t *)(uintptr_t)CODE;
        emit(enc_rm(INSN_fadd_d, 3, 2, 2, RM_RNE)); /* the host is in use */
        op_r(cases[i].id, A0, 1, 2);
        ecall();
        interp_flush(&f.h);
        f.h.pc = CODE, f.h.f[1] = cases[i].a, f.h.f[2] = ONE_D, f.h.fflags = 0;
        fixture_run(&f);
        assert_int_equal(f.h.x[A0], 0);
        assert_int_equal(f.h.fflags, cases[i].flags);
    }
}

static void singles_are_boxed_and_checked(void **state) {
    op_i(INSN_flw, 1, A0, 0);
    emit(enc_rm(INSN_fadd_s, 2, 1, 1, RM_DYN));
    emit(enc_rm(INSN_fadd_s, 4, 3, 1, RM_DYN)); /* f3 is not boxed: a NaN */
    ecall();
    *(uint32_t *)(uintptr_t)DATA = 0x3f800000;
    f.h.x[A0] = DATA, f.h.f[3] = 0x3f800000;
    fixture_run(&f);
    assert_int_equal(f.h.f[1], 0xffffffff3f800000);
    assert_int_equal(f.h.f[2], 0xffffffff40000000);
    assert_int_equal(f.h.f[4], 0xffffffff7fc00000);
    assert_int_equal(f.h.fflags, 0);
}

static void csrs_that_do_not_exist_or_are_read_only_are_illegal(void **state) {
    uint32_t bits[] = {enc(INSN_csrrs, A0, 0, 0, 0x300), enc(INSN_csrrw, A0, 0, 0, 0xc00 - 0x1000),
                       enc(INSN_csrrsi, A0, 1, 0, 0xc02 - 0x1000), enc(INSN_csrrs, A0, 0, 0, 0xc80 - 0x1000)};
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++) {
        f.at = (uint32_t *)(uintptr_t)CODE;
        emit(bits[i]);
        interp_flush(&f.h);
        f.h.pc = CODE, f.h.x[A0] = 7;
        expect_trap(fixture_run(&f), TRAP_ILLEGAL, CODE, bits[i]);
        assert_int_equal(f.h.x[A0], 7);
    }
}

/* The host's arithmetic against the helpers', which are tested by themselves: results and flags. */

static uint64_t seed = 88172645463325252u;
static uint64_t rnd(void) {
    seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
    return seed;
}
static uint64_t any_double(void) {
    static const uint64_t corners[] = {0,
                                       1,
                                       0x000fffffffffffff,
                                       0x0010000000000000,
                                       0x7fefffffffffffff,
                                       0x7ff0000000000000,
                                       0x7ff0000000000001,
                                       0x7ff8000000000000,
                                       0x7fffffffffffffff,
                                       ONE_D,
                                       THREE_D,
                                       0x41dfffffffc00000,
                                       0x41e0000000000000,
                                       0x43e0000000000000,
                                       0x380fffffffffffff};
    uint64_t r = rnd(), v = rnd();
    if (r % 4 == 0)
        return corners[v % (sizeof corners / sizeof *corners)] | (r & 1ull << 63);
    if (r % 4 == 1) /* near one, few bits */
        return (r & 1ull << 63) | (1023 - 8 + v % 16) << 52 | (rnd() & 0xfull << (v % 48));
    return r % 4 == 2 ? (v & 0x800fffffffffffff) | (1023 - 200 + r / 8 % 400) << 52 : v;
}
static uint64_t any_single(void) {
    static const uint32_t corners[] = {0,          1,          0x007fffff, 0x00800000, 0x7f7fffff, 0x7f800000,
                                       0x7f800001, 0x7fc00000, 0x3f800000, 0x4f000000, 0x5f000000};
    uint64_t r = rnd(), v = rnd();
    if (r % 16 == 15)
        return v; /* most likely not boxed */
    uint32_t f32 = r % 4 == 0   ? corners[v % (sizeof corners / sizeof *corners)] | (uint32_t)(r & 0x80000000)
                   : r % 4 == 1 ? (uint32_t)((v & 0x807fffff) | (127 - 20 + r / 8 % 40) << 23)
                                : (uint32_t)v;
    return fp_box_s(f32);
}

enum { D_IN = 1, X_IN = 2, X_OUT = 4, D_OUT = 8, NEGATE_1 = 16, NEGATE_3 = 32 };
static const struct computed {
    enum insn_id id;
    hart_helper *helper;
    unsigned how;
} computed[] = {
    {INSN_fadd_d, fp_add_d, D_IN | D_OUT},
    {INSN_fsub_d, fp_sub_d, D_IN | D_OUT},
    {INSN_fmul_d, fp_mul_d, D_IN | D_OUT},
    {INSN_fdiv_d, fp_div_d, D_IN | D_OUT},
    {INSN_fsqrt_d, fp_sqrt_d, D_IN | D_OUT},
    {INSN_fadd_s, fp_add_s, 0},
    {INSN_fsub_s, fp_sub_s, 0},
    {INSN_fmul_s, fp_mul_s, 0},
    {INSN_fdiv_s, fp_div_s, 0},
    {INSN_fsqrt_s, fp_sqrt_s, 0},
    {INSN_fmadd_d, fp_madd_d, D_IN | D_OUT},
    {INSN_fmsub_d, fp_madd_d, D_IN | D_OUT | NEGATE_3},
    {INSN_fnmsub_d, fp_madd_d, D_IN | D_OUT | NEGATE_1},
    {INSN_fnmadd_d, fp_madd_d, D_IN | D_OUT | NEGATE_1 | NEGATE_3},
    {INSN_fmadd_s, fp_madd_s, 0},
    {INSN_fnmadd_s, fp_madd_s, NEGATE_1 | NEGATE_3},
    {INSN_feq_d, fp_eq_d, D_IN | X_OUT},
    {INSN_flt_d, fp_lt_d, D_IN | X_OUT},
    {INSN_fle_d, fp_le_d, D_IN | X_OUT},
    {INSN_feq_s, fp_eq_s, X_OUT},
    {INSN_flt_s, fp_lt_s, X_OUT},
    {INSN_fle_s, fp_le_s, X_OUT},
    {INSN_fmin_d, fp_min_d, D_IN | D_OUT},
    {INSN_fmax_s, fp_max_s, 0},
    {INSN_fcvt_s_d, fp_cvt_s_d, D_IN},
    {INSN_fcvt_d_s, fp_cvt_d_s, D_OUT},
    {INSN_fcvt_w_d, fp_to_w_d, D_IN | X_OUT},
    {INSN_fcvt_wu_d, fp_to_wu_d, D_IN | X_OUT},
    {INSN_fcvt_l_d, fp_to_l_d, D_IN | X_OUT},
    {INSN_fcvt_lu_d, fp_to_lu_d, D_IN | X_OUT},
    {INSN_fcvt_w_s, fp_to_w_s, X_OUT},
    {INSN_fcvt_wu_s, fp_to_wu_s, X_OUT},
    {INSN_fcvt_l_s, fp_to_l_s, X_OUT},
    {INSN_fcvt_lu_s, fp_to_lu_s, X_OUT},
    {INSN_fcvt_d_w, fp_from_w_d, X_IN | D_OUT},
    {INSN_fcvt_d_wu, fp_from_wu_d, X_IN | D_OUT},
    {INSN_fcvt_d_l, fp_from_l_d, X_IN | D_OUT},
    {INSN_fcvt_d_lu, fp_from_lu_d, X_IN | D_OUT},
    {INSN_fcvt_s_w, fp_from_w_s, X_IN},
    {INSN_fcvt_s_wu, fp_from_wu_s, X_IN},
    {INSN_fcvt_s_l, fp_from_l_s, X_IN},
    {INSN_fcvt_s_lu, fp_from_lu_s, X_IN},
};

static void results_and_flags_are_the_helpers(void **state) {
    for (size_t i = 0; i < sizeof computed / sizeof *computed; i++) {
        const struct computed *c = &computed[i];
        uint64_t sign = c->how & D_IN ? 1ull << 63 : 0x80000000;
        bool has_rm = insn_rows[c->id].format != FMT_FX2 && insn_rows[c->id].format != FMT_F3;
        bool two = insn_rows[c->id].format == FMT_F2R || insn_rows[c->id].format == FMT_FX1R ||
                   insn_rows[c->id].format == FMT_XF1R;
        for (unsigned rm = 0; rm < (has_rm ? 5 : 1); rm++) {
            f.at = (uint32_t *)(uintptr_t)CODE;
            struct insn insn = {.id = (uint16_t)c->id,
                                .rd = 4,
                                .rs1 = c->how & X_IN ? A1 : 1,
                                .rs2 = two ? 0 : 2,
                                .rs3 = 3,
                                .rm = (uint8_t)rm};
            if (c->how & X_OUT)
                insn.rd = A0;
            emit(encode_insn(&insn));
            ecall();
            interp_flush(&f.h);
            for (int again = 0; again < (rm == RM_RNE || rm == RM_RTZ ? 4000 : 100); again++) {
                uint64_t v[3], in[3], x = rnd() >> (rnd() % 64) << (rnd() % 16);
                for (int k = 0; k < 3; k++) {
                    v[k] = c->how & D_IN ? any_double() : any_single();
                    in[k] = c->how & D_IN ? v[k] : fp_unbox_s(v[k]);
                }
                if (c->how & X_IN)
                    in[0] = x;
                if (c->how & NEGATE_1)
                    in[0] ^= sign;
                if (c->how & NEGATE_3)
                    in[2] ^= sign;
                struct hart want = {.frm = 0};
                uint64_t r = c->helper(&want, in[0], in[1], in[2], rm);
                if (!(c->how & (X_OUT | D_OUT)))
                    r = fp_box_s(r);
                f.h.pc = CODE, f.h.fflags = 0, f.h.x[A1] = x;
                memcpy(&f.h.f[1], v, sizeof v);
                fixture_run(&f);
                uint64_t got = c->how & X_OUT ? f.h.x[A0] : f.h.f[4];
                if (got != r || f.h.fflags != want.fflags)
                    fail_msg("%s rm %u %#lx %#lx %#lx x %#lx: %#lx flags %#x, not %#lx %#x", insn_rows[c->id].mnemonic,
                             rm, v[0], v[1], v[2], x, got, f.h.fflags, r, want.fflags);
            }
        }
    }
}

static void counters_go_up(void **state) {
    op_i(INSN_csrrs, A0, 0, 0xc00 - 0x1000);
    op_i(INSN_csrrs, A1, 0, 0xc01 - 0x1000);
    op_i(INSN_csrrs, A2, 0, 0xc00 - 0x1000);
    op_i(INSN_csrrs, A3, 0, 0xc02 - 0x1000);
    ecall();
    fixture_run(&f);
    assert_true(f.h.x[A2] > f.h.x[A0]);
    assert_true(f.h.x[A1] != 0 && f.h.x[A3] != 0);
    uint64_t before = f.h.x[A3];
    f.h.pc = CODE;
    fixture_run(&f);
    assert_true(f.h.x[A3] > before);
}

static void rv32_reads_counters_in_halves(void **state) {
    op_i(INSN_csrrs, A0, 0, 0xc80 - 0x1000);
    op_i(INSN_csrrs, A1, 0, 0xc81 - 0x1000);
    op_i(INSN_csrrs, A2, 0, 0xc82 - 0x1000);
    ecall();
    f.h.x[A2] = 9;
    fixture_run(&f);
    assert_int_equal(f.h.trap.cause, TRAP_ECALL_U);
    assert_int_equal(f.h.x[A2], 0);
}

static void rv32_addresses_wrap_at_32_bits(void **state) {
    op_i(INSN_lw, A0, A1, 0);
    op_i(INSN_jalr, RA, A2, 4);
    *(uint32_t *)(uintptr_t)DATA = 0x80000001;
    f.h.x[A1] = DATA | 0xffffffff00000000; /* upper bits do not matter */
    f.h.x[A2] = (uint64_t)(int64_t)(int32_t)0xfffffffc;
    expect_trap(fixture_run(&f), TRAP_FETCH_PAGE, 0, 0);
    assert_int_equal(f.h.x[A0], 0xffffffff80000001);
    assert_int_equal(f.h.x[RA], CODE + 8);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define T32(name) cmocka_unit_test_setup_teardown(name, setup32, teardown)
int main(void) {
    const struct CMUnitTest tests[] = {
        T(flags_of_the_host_reach_fflags),
        T(rounding_modes_are_obeyed),
        T(reserved_rounding_modes_are_illegal),
        T(conversions_saturate_and_flag),
        T(comparisons_signal_as_they_should),
        T(singles_are_boxed_and_checked),
        T(csrs_that_do_not_exist_or_are_read_only_are_illegal),
        T(results_and_flags_are_the_helpers),
        T(counters_go_up),
        T32(rv32_reads_counters_in_halves),
        T32(rv32_addresses_wrap_at_32_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
