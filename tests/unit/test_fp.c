/* test_fp.c: cpu/fp.c and cpu/fp_convert.c on vectors worked out by hand, for what the host's FPU cannot tell: ties
 * away, half precision, NaN rules, saturation, Zfa.  test_fp_host.c compares with the host, tests/fp/cross.sh with
 * another RISC-V.
 */
#include "../fp/expect.h"

/* ---- rounding ---- */

/* Narrowing a normal double to a single under RMM is adding half a unit to the magnitude and truncating. */
static void ties_round_away_under_rmm(void **state) {
    struct operands o = {.state = 31415};
    for (int n = 0; n < CASES; n++) {
        uint64_t bits = operands_random(&o), sign = bits >> 63;
        uint64_t magnitude = (bits & 0x007fffffffffffff) | 0x3fc0000000000000; /* between 2^-3 and 2^5 */
        if (n & 1)
            magnitude = (magnitude & ~0x1fffffffull) | 0x10000000; /* a tie */
        uint64_t rebias = 1023ull - 127;
        uint64_t rounded = ((magnitude + 0x10000000) >> 29) - (rebias << 23);
        EXPECT1(fp_cvt_s_d, magnitude | sign << 63, RM_RMM, rounded | sign << 31,
                magnitude & 0x1fffffff ? FFLAG_NX : 0);
    }
    /* 1 + 2^-53: half a unit in the last place */
    EXPECT2(fp_add_d, 0x3ff0000000000000, 0x3ca0000000000000, RM_RNE, 0x3ff0000000000000, NX);
    EXPECT2(fp_add_d, 0x3ff0000000000000, 0x3ca0000000000000, RM_RMM, 0x3ff0000000000001, NX);
    EXPECT2(fp_add_d, 0xbff0000000000000, 0xbca0000000000000, RM_RMM, 0xbff0000000000001, NX);
    /* just below half a unit */
    EXPECT2(fp_add_d, 0x3ff0000000000000, 0x3c9fffffffffffff, RM_RMM, 0x3ff0000000000000, NX);
    /* the largest finite number and half a unit more overflows; 0.5, 2.5 and -2.5 to integers */
    EXPECT2(fp_add_s, 0x7f7fffff, 0x73000000, RM_RMM, 0x7f800000, OF | NX);
    EXPECT1(fp_to_w_s, 0x3f000000, RM_RMM, 1, NX);
    EXPECT1(fp_to_w_s, 0x40200000, RM_RMM, 3, NX);
    EXPECT1(fp_to_w_s, 0x40200000, RM_RNE, 2, NX);
    EXPECT1(fp_to_w_s, 0xc0200000, RM_RMM, (uint64_t)-3, NX);
    EXPECT1(fp_round_d, 0xc004000000000000, RM_RMM, 0xc008000000000000, 0);
    /* half of the least subnormal */
    EXPECT2(fp_mul_d, 1, 0x3fe0000000000000, RM_RMM, 1, UF | NX);
    EXPECT2(fp_mul_d, 1, 0x3fe0000000000000, RM_RNE, 0, UF | NX);
}

static void rounding_mode_comes_from_the_instruction_or_from_frm(void **state) {
    struct hart hart = {.frm = RM_RUP, .fflags = DZ};
    assert_int_equal(fp_div_s(&hart, 0x3f800000, 0x40400000, 0, RM_DYN), 0x3eaaaaab);
    assert_int_equal(hart.fflags, DZ | NX); /* flags accumulate */
    assert_int_equal(fp_div_s(&hart, 0x3f800000, 0x40400000, 0, RM_RDN), 0x3eaaaaaa);
    hart.frm = RM_RDN;
    assert_int_equal(fp_div_s(&hart, 0x3f800000, 0x40400000, 0, RM_DYN), 0x3eaaaaaa);
    assert_int_equal(hart.frm, RM_RDN);
}

static void tininess_is_detected_after_rounding(void **state) {
    /* (1 - 2^-24) * 2^-126 fits in 24 bits with an unbounded exponent: tiny, although it is rounded up to 2^-126.
     * (1 + 2^-23) * (1 - 2^-23) * 2^-126 does not fit and carries to 2^-126 with an unbounded exponent too: not tiny.
     * Rounded down it stays below, and is. */
    EXPECT2(fp_mul_s, 0x3f7fffff, 0x00800000, RM_RNE, 0x00800000, UF | NX);
    EXPECT2(fp_mul_s, 0x3f800001, 0x007fffff, RM_RNE, 0x00800000, NX);
    EXPECT2(fp_mul_s, 0x3f800001, 0x007fffff, RM_RMM, 0x00800000, NX);
    EXPECT2(fp_mul_s, 0xbf800001, 0x007fffff, RM_RDN, 0x80800000, NX);
    EXPECT2(fp_mul_s, 0x3f800001, 0x007fffff, RM_RDN, 0x007fffff, UF | NX);
    /* an exact subnormal raises nothing */
    EXPECT2(fp_mul_s, 0x3f000000, 0x00800000, RM_RNE, 0x00400000, 0);
}

static void overflow_gives_infinity_or_the_largest_number(void **state) {
    const uint64_t max = 0x7bff, inf = 0x7c00, sign = 0x8000;
    const uint64_t up[] = {[RM_RNE] = inf, [RM_RTZ] = max, [RM_RDN] = max, [RM_RUP] = inf, [RM_RMM] = inf};
    const uint64_t down[] = {[RM_RNE] = inf, [RM_RTZ] = max, [RM_RDN] = inf, [RM_RUP] = max, [RM_RMM] = inf};
    for (int rm = RM_RNE; rm <= RM_RMM; rm++) {
        EXPECT2(fp_add_h, max, max, rm, up[rm], OF | NX);
        EXPECT2(fp_add_h, max | sign, max | sign, rm, down[rm] | sign, OF | NX);
        EXPECT2(fp_div_h, 0x3c00, 0, rm, inf, DZ); /* an exact infinity */
    }
}

static void sums_of_zeros_have_the_sign_the_mode_asks_for(void **state) {
    const uint64_t minus = 0x8000000000000000, one = 0x3ff0000000000000;
    for (int rm = RM_RNE; rm <= RM_RMM; rm++) {
        uint64_t mixed = rm == RM_RDN ? minus : 0;
        EXPECT2(fp_add_d, 0, minus, rm, mixed, 0);
        EXPECT2(fp_add_d, minus, minus, rm, minus, 0);
        EXPECT2(fp_sub_d, one, one, rm, mixed, 0);
        EXPECT2(fp_mul_d, minus, one, rm, minus, 0);
        EXPECT3(fp_madd_d, minus, one, 0, rm, mixed, 0);
        EXPECT3(fp_madd_d, one, one, one | minus, rm, mixed, 0);
        EXPECT3(fp_madd_d, minus, one, minus, rm, minus, 0);
    }
    EXPECT1(fp_sqrt_d, minus, RM_RNE, minus, 0);
}

/* ---- NaNs ---- */

static void invalid_operations_give_the_canonical_nan(void **state) {
    const uint64_t inf = 0x7f800000, qnan = 0xffc12345, snan = 0x7f800001, one = 0x3f800000, nan = FP_CANONICAL_S;
    EXPECT2(fp_sub_s, inf, inf, RM_RNE, nan, NV);
    EXPECT2(fp_mul_s, inf, 0, RM_RNE, nan, NV);
    EXPECT2(fp_div_s, 0, 0, RM_RNE, nan, NV);
    EXPECT2(fp_div_s, inf, inf, RM_RNE, nan, NV);
    EXPECT1(fp_sqrt_s, 0xbf800000, RM_RNE, nan, NV);
    EXPECT2(fp_add_s, qnan, one, RM_RNE, nan, 0);
    EXPECT2(fp_add_s, one, snan, RM_RNE, nan, NV);
    EXPECT2(fp_div_s, qnan, 0, RM_RNE, nan, 0);
    EXPECT3(fp_madd_s, inf, 0, qnan, RM_RNE, nan, NV);
    EXPECT3(fp_madd_s, 0, inf, one, RM_RNE, nan, NV);
    EXPECT3(fp_madd_s, inf, one, inf | 0x80000000, RM_RNE, nan, NV);
    EXPECT3(fp_madd_s, qnan, one, snan, RM_RNE, nan, NV);
    EXPECT3(fp_madd_s, qnan, one, inf, RM_RNE, nan, 0);
    EXPECT1(fp_cvt_d_s, qnan, RM_RNE, FP_CANONICAL_D, 0);
    EXPECT1(fp_cvt_d_s, snan, RM_RNE, FP_CANONICAL_D, NV);
    EXPECT1(fp_cvt_h_s, qnan, RM_RNE, FP_CANONICAL_H, 0);
    EXPECT1(fp_round_s, qnan, RM_RNE, nan, 0);
    EXPECT1(fp_roundnx_s, snan, RM_RNE, nan, NV);
}

static void minimum_and_maximum_prefer_numbers_and_order_zeros(void **state) {
    const uint64_t minus = 0x80000000, one = 0x3f800000, two = 0x40000000, qnan = 0x7fc00001, snan = 0xff800001;
    const uint64_t nan = FP_CANONICAL_S;
    for (int swap = 0; swap < 2; swap++) {
#define BOTH(f, a, b, bits, flags) EXPECT2(f, swap ? b : a, swap ? a : b, 0, bits, flags)
        BOTH(fp_min_s, one, two, one, 0);
        BOTH(fp_max_s, one, two, two, 0);
        BOTH(fp_min_s, one | minus, two | minus, two | minus, 0);
        BOTH(fp_min_s, 0, minus, minus, 0);
        BOTH(fp_max_s, 0, minus, 0, 0);
        BOTH(fp_min_s, one, qnan, one, 0);
        BOTH(fp_max_s, one, snan, one, NV);
        BOTH(fp_min_s, qnan, qnan, nan, 0);
        BOTH(fp_max_s, qnan, snan, nan, NV);
        BOTH(fp_minm_s, one, two, one, 0);
        BOTH(fp_maxm_s, 0, minus, 0, 0);
        BOTH(fp_minm_s, one, qnan, nan, 0);
        BOTH(fp_maxm_s, one, snan, nan, NV);
        BOTH(fp_min_h, 0xbc00, 0x3c00, 0xbc00, 0);
        BOTH(fp_maxm_h, 0x7d00, 0x3c00, FP_CANONICAL_H, NV);
        BOTH(fp_max_d, 0xfff0000000000000, 0xffefffffffffffff, 0xffefffffffffffff, 0);
#undef BOTH
    }
}

static void comparison_with_a_nan_is_false_and_signals_as_named(void **state) {
    const uint64_t one = 0x3c00, qnan = 0x7e00, snan = 0x7c01;
    EXPECT2(fp_eq_h, one, qnan, 0, 0, 0);
    EXPECT2(fp_eq_h, one, snan, 0, 0, NV);
    EXPECT2(fp_lt_h, one, qnan, 0, 0, NV);
    EXPECT2(fp_le_h, qnan, qnan, 0, 0, NV);
    EXPECT2(fp_ltq_h, one, qnan, 0, 0, 0);
    EXPECT2(fp_leq_h, snan, one, 0, 0, NV);
    EXPECT2(fp_eq_h, 0, 0x8000, 0, 1, 0);
    EXPECT2(fp_lt_h, 0x8000, 0, 0, 0, 0);
    EXPECT2(fp_le_h, 0, 0x8000, 0, 1, 0);
    EXPECT2(fp_lt_h, 0xbc00, 0xb800, 0, 1, 0); /* -1 < -0.5 */
}

static void classes_are_one_hot(void **state) {
    const uint64_t h[] = {0xfc00, 0xbc00, 0x8001, 0x8000, 0, 0x03ff, 0x0400, 0x7c00, 0x7c01, 0x7e00};
    const uint64_t s[] = {0xff800000, 0x80800000, 0x807fffff, 0x80000000, 0,
                          1,          0x7f7fffff, 0x7f800000, 0xffbfffff, 0xffc00000};
    const uint64_t d[] = {0xfff0000000000000, 0x8010000000000000, 0x800fffffffffffff, 0x8000000000000000, 0, 1,
                          0x7fefffffffffffff, 0x7ff0000000000000, 0x7ff0000000000001, 0x7ff8000000000000};
    for (int i = 0; i < 10; i++) {
        EXPECT1(fp_class_h, h[i], 0, 1u << i, 0);
        EXPECT1(fp_class_s, s[i], 0, 1u << i, 0);
        EXPECT1(fp_class_d, d[i], 0, 1u << i, 0);
    }
}

/* ---- conversions ---- */

static void out_of_range_conversions_saturate_without_inexact(void **state) {
    const uint64_t inf = 0x7f800000, minus = 0x80000000, qnan = 0xffc00000, half = 0x3f000000;
    EXPECT1(fp_to_w_s, inf, 0, 0x7fffffff, NV);
    EXPECT1(fp_to_w_s, inf | minus, 0, 0xffffffff80000000, NV);
    EXPECT1(fp_to_w_s, qnan, 0, 0x7fffffff, NV);
    EXPECT1(fp_to_wu_s, inf, 0, UINT64_MAX, NV); /* 32-bit results are sign-extended */
    EXPECT1(fp_to_wu_s, qnan, 0, UINT64_MAX, NV);
    EXPECT1(fp_to_wu_s, 0x4f000000, 0, 0xffffffff80000000, 0); /* 2^31 */
    EXPECT1(fp_to_l_s, qnan, 0, INT64_MAX, NV);
    EXPECT1(fp_to_l_s, inf | minus, 0, (uint64_t)INT64_MIN, NV);
    EXPECT1(fp_to_lu_s, inf, 0, UINT64_MAX, NV);
    EXPECT1(fp_to_lu_s, inf | minus, 0, 0, NV);
    EXPECT1(fp_to_lu_s, qnan, 0, UINT64_MAX, NV);
    /* the edges: 2^64, the double below it, -2^63, 2^31 - 0.5 */
    EXPECT1(fp_to_lu_d, 0x43f0000000000000, 0, UINT64_MAX, NV);
    EXPECT1(fp_to_lu_d, 0x43efffffffffffff, 0, 0xfffffffffffff800, 0);
    EXPECT1(fp_to_l_d, 0xc3e0000000000000, 0, (uint64_t)INT64_MIN, 0);
    EXPECT1(fp_to_l_d, 0x43e0000000000000, 0, INT64_MAX, NV);
    EXPECT1(fp_to_w_d, 0x41dfffffffe00000, RM_RTZ, 0x7fffffff, NX);
    EXPECT1(fp_to_w_d, 0x41dfffffffe00000, RM_RNE, 0x7fffffff, NV);
    EXPECT1(fp_to_w_d, 0xc1e0000000100000, RM_RNE, 0xffffffff80000000, NX); /* -2^31 - 0.5 */
    EXPECT1(fp_to_w_d, 0xc1e0000000100000, RM_RDN, 0xffffffff80000000, NV);
    /* negative to unsigned: fine if it rounds to zero */
    EXPECT1(fp_to_wu_s, half | minus, RM_RNE, 0, NX);
    EXPECT1(fp_to_wu_s, half | minus, RM_RDN, 0, NV);
    EXPECT1(fp_to_lu_s, half | minus, RM_RMM, 0, NV);
    EXPECT1(fp_to_lu_d, 0xbfefffffffffffff, RM_RTZ, 0, NX);
    EXPECT1(fp_to_wu_d, 0x8000000000000000, RM_RNE, 0, 0);
    EXPECT1(fp_to_w_h, 0x7bff, RM_RNE, 65504, 0);
    EXPECT1(fp_to_l_h, 0x0001, RM_RUP, 1, NX);
    EXPECT1(fp_to_lu_d, 1, RM_RUP, 1, NX); /* far below one */
    EXPECT1(fp_to_lu_d, 1, RM_RMM, 0, NX);
}

static void integers_become_floats_with_one_rounding(void **state) {
    EXPECT1(fp_from_lu_d, UINT64_MAX, RM_RNE, 0x43f0000000000000, NX);
    EXPECT1(fp_from_lu_d, UINT64_MAX, RM_RTZ, 0x43efffffffffffff, NX);
    EXPECT1(fp_from_lu_s, 0x8000008000000000, RM_RNE, 0x5f000000, NX); /* a tie */
    EXPECT1(fp_from_lu_s, 0x8000008000000001, RM_RNE, 0x5f000001, NX);
    EXPECT1(fp_from_l_s, (uint64_t)INT64_MIN, RM_RNE, 0xdf000000, 0);
    EXPECT1(fp_from_w_d, 0xdeadbeef80000000, RM_RNE, 0xc1e0000000000000, 0); /* the upper half does not count */
    EXPECT1(fp_from_wu_d, 0xdeadbeef80000000, RM_RNE, 0x41e0000000000000, 0);
    EXPECT1(fp_from_w_s, 0, RM_RDN, 0, 0);
    EXPECT1(fp_from_w_h, 65504, RM_RNE, 0x7bff, 0);
    EXPECT1(fp_from_w_h, 65519, RM_RNE, 0x7bff, NX);
    EXPECT1(fp_from_w_h, 65520, RM_RNE, 0x7c00, OF | NX);
    EXPECT1(fp_from_wu_h, 65535, RM_RTZ, 0x7bff, NX); /* cut off before it overflows */
    EXPECT1(fp_from_wu_h, 65536, RM_RTZ, 0x7bff, OF | NX);
    EXPECT1(fp_from_l_h, (uint64_t)-2049, RM_RMM, 0xe801, NX);
    EXPECT1(fp_from_lu_h, 2049, RM_RNE, 0x6800, NX);
}

static void every_half_survives_the_way_through_single_and_double(void **state) {
    for (uint64_t a = 0; a < 0x10000; a++) {
        bool nan = (a & 0x7fff) > 0x7c00, snan = nan && !(a & 0x200);
        struct outcome s = call(fp_cvt_s_h, a, 0, 0, RM_RNE), d = call(fp_cvt_d_h, a, 0, 0, RM_RNE);
        assert_int_equal(s.flags, snan ? NV : 0);
        assert_int_equal(d.flags, snan ? NV : 0);
        EXPECT1(fp_cvt_d_s, s.bits, RM_RNE, d.bits, 0);
        EXPECT1(fp_cvt_h_s, s.bits, RM_RTZ, nan ? FP_CANONICAL_H : a, 0);
        EXPECT1(fp_cvt_h_d, d.bits, RM_RUP, nan ? FP_CANONICAL_H : a, 0);
    }
    EXPECT1(fp_cvt_s_h, 0x3c00, RM_RNE, 0x3f800000, 0);
    EXPECT1(fp_cvt_s_h, 0x8001, RM_RNE, 0xb3800000, 0);          /* -2^-24 */
    EXPECT1(fp_cvt_h_d, 0x3ff0020000000001, RM_RNE, 0x3c01, NX); /* rounded once, not through single */
    EXPECT1(fp_cvt_h_s, 0x33000000, RM_RNE, 0, UF | NX);         /* 2^-25 */
    EXPECT1(fp_cvt_h_s, 0x33000001, RM_RNE, 1, UF | NX);
    EXPECT1(fp_cvt_h_s, 0x477ff000, RM_RNE, 0x7c00, OF | NX); /* 65520 */
}

/* Single holds more than twice a half's bits and two, so rounding its nearest result again gives the right half. */
static void half_arithmetic_is_the_singles_rounded(void **state) {
    const struct {
        const char *name;
        hart_helper *half, *single;
    } ops[] = {{"add", fp_add_h, fp_add_s},
               {"sub", fp_sub_h, fp_sub_s},
               {"mul", fp_mul_h, fp_mul_s},
               {"div", fp_div_h, fp_div_s},
               {"sqrt", fp_sqrt_h, fp_sqrt_s}};
    struct operands o = {.state = 2718};
    for (int n = 0; n < CASES; n++) {
        uint64_t a = operands_float(&o, 5, 10), b = operands_float(&o, 5, 10);
        uint64_t wide_a = call(fp_cvt_s_h, a, 0, 0, 0).bits, wide_b = call(fp_cvt_s_h, b, 0, 0, 0).bits;
        for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
            uint64_t wide = call(ops[i].single, wide_a, wide_b, 0, RM_RNE).bits;
            assert_int_equal(call(ops[i].half, a, b, 0, RM_RNE).bits, call(fp_cvt_h_s, wide, 0, 0, RM_RNE).bits);
        }
    }
    EXPECT3(fp_madd_h, 0x3c01, 0x3c01, 0xbc02, RM_RNE, 0x0010, 0); /* (1 + 2^-10)^2 - (1 + 2^-9) = 2^-20 */
    EXPECT2(fp_div_h, 0x3c00, 0x4200, RM_RUP, 0x3556, NX);
    EXPECT1(fp_sqrt_h, 0x4000, RM_RDN, 0x3da8, NX);
}

static void every_half_becomes_the_integer_its_single_does(void **state) {
    for (uint64_t a = 0; a < 0x10000; a++) {
        uint64_t wide = call(fp_cvt_s_h, a, 0, 0, RM_RNE).bits;
        for (int rm = RM_RNE; rm <= RM_RMM; rm++) {
            bool snan = (a & 0x7fff) > 0x7c00 && !(a & 0x200); /* widening has made it quiet */
            struct outcome r = call(fp_roundnx_s, wide, 0, 0, rm);
            EXPECT1(fp_roundnx_h, a, rm, call(fp_cvt_h_s, r.bits, 0, 0, rm).bits, r.flags | (snan ? NV : 0));
            r = call(fp_to_w_s, wide, 0, 0, rm);
            EXPECT1(fp_to_w_h, a, rm, r.bits, r.flags);
            r = call(fp_to_lu_s, wide, 0, 0, rm);
            EXPECT1(fp_to_lu_h, a, rm, r.bits, r.flags);
        }
    }
}

/* ---- Zfa ---- */

static void rounding_to_integral_keeps_sign_and_reports_only_when_asked(void **state) {
    const uint64_t minus = 0x8000;
    EXPECT1(fp_round_h, 0x3800, RM_RNE, 0, 0); /* 0.5 */
    EXPECT1(fp_roundnx_h, 0x3800 | minus, RM_RNE, minus, NX);
    EXPECT1(fp_roundnx_h, 0x3800, RM_RUP, 0x3c00, NX);
    EXPECT1(fp_round_h, 0x3e00, RM_RNE, 0x4000, 0);    /* 1.5 */
    EXPECT1(fp_roundnx_h, 0x63ff, RM_RNE, 0x6400, NX); /* 1023.5 */
    EXPECT1(fp_roundnx_h, 0x7bff, RM_RNE, 0x7bff, 0);
    EXPECT1(fp_roundnx_h, 0x7c00 | minus, RM_RNE, 0x7c00 | minus, 0);
    EXPECT1(fp_roundnx_h, minus, RM_RUP, minus, 0);
    EXPECT1(fp_roundnx_d, 1, RM_RUP, 0x3ff0000000000000, NX);
}

static void modular_conversion_keeps_the_low_32_bits(void **state) {
    struct operands o = {.state = 161803};
    for (int n = 0; n < CASES; n++) {
        uint64_t a = random_d(&o);
        if (n & 1) /* where the low bits are interesting */
            a = (a & 0x800fffffffffffff) | (1023 + (uint64_t)n % 100) << 52;
        double v = as_d(a);
        uint64_t low = isfinite(v) ? (uint64_t)(int32_t)(int64_t)fmod(trunc(v), 4294967296.0) : 0;
        expect("fp_modw", fp_modw, a, 0, 0, RM_RTZ, low, call(fp_to_w_d, a, 0, 0, RM_RTZ).flags);
    }
    EXPECT1(fp_modw, 0x41f0000000000000, RM_RTZ, 0, NV);                  /* 2^32 */
    EXPECT1(fp_modw, 0x41f0000000180000, RM_RTZ, 1, NV);                  /* 2^32 + 1.5 */
    EXPECT1(fp_modw, 0x41e0000000000000, RM_RTZ, 0xffffffff80000000, NV); /* 2^31 */
    EXPECT1(fp_modw, 0xc1e0000000100000, RM_RTZ, 0xffffffff80000000, NX); /* -2^31 - 0.5 */
    EXPECT1(fp_modw, 0xbff8000000000000, RM_RTZ, UINT64_MAX, NX);         /* -1.5 */
    EXPECT1(fp_modw, 0x7ff0000000000000, RM_RTZ, 0, NV);
    EXPECT1(fp_modw, FP_CANONICAL_D, RM_RTZ, 0, NV);
    EXPECT1(fp_modw, 0x53f0000000000001, RM_RTZ, 0, NV);
}

static void constants_are_the_manuals(void **state) {
    const double values[32] = {-1,   0x1p-126, 0x1p-16, 0x1p-15, 0x1p-8, 0x1p-7, 0.0625,   0.125,
                               0.25, 0.3125,   0.375,   0.4375,  0.5,    0.625,  0.75,     0.875,
                               1,    1.25,     1.5,     1.75,    2,      2.5,    3,        4,
                               8,    16,       128,     256,     32768,  65536,  INFINITY, 0};
    const uint64_t halves[32] = {0xbc00, 0x0400, 0x0100, 0x0200, 0x1c00, 0x2000, 0x2c00, 0x3000, 0x3400, 0x3500, 0x3600,
                                 0x3700, 0x3800, 0x3900, 0x3a00, 0x3b00, 0x3c00, 0x3d00, 0x3e00, 0x3f00, 0x4000, 0x4100,
                                 0x4200, 0x4400, 0x4800, 0x4c00, 0x5800, 0x5c00, 0x7800, 0x7c00, 0x7c00, 0x7e00};
    for (uint64_t i = 0; i < 31; i++) {
        EXPECT1(fp_li_s, i, 0, bits_s((float)values[i]), 0);
        EXPECT1(fp_li_d, i, 0, i == 1 ? 0x0010000000000000 : bits_d(values[i]), 0);
    }
    EXPECT1(fp_li_s, 31, 0, FP_CANONICAL_S, 0);
    EXPECT1(fp_li_d, 31, 0, FP_CANONICAL_D, 0);
    for (uint64_t i = 0; i < 32; i++)
        EXPECT1(fp_li_h, i, 0, halves[i], 0);
}

static void bits_above_the_format_do_not_count(void **state) {
    const uint64_t above_h = 0xabcdabcdabcd0000, above_s = 0xabcdabcd00000000;
    EXPECT2(fp_min_h, above_h | 0x3c00, 0xbc00, 0, 0xbc00, 0);
    EXPECT2(fp_max_s, above_s | 0x3f800000, above_s, 0, 0x3f800000, 0);
    EXPECT2(fp_eq_s, above_s | 0x3f800000, 0x3f800000, 0, 1, 0);
    EXPECT2(fp_add_h, above_h | 0x3c00, above_h | 0x3c00, RM_RNE, 0x4000, 0);
    EXPECT1(fp_round_s, above_s | 0x4b000001, RM_RNE, 0x4b000001, 0);
    EXPECT1(fp_class_h, above_h, 0, 1u << 4, 0);
}

static void values_that_are_not_boxed_read_as_nan(void **state) {
    assert_int_equal(fp_unbox_s(0xffffffff3f800000), 0x3f800000);
    assert_int_equal(fp_unbox_s(0x7fffffff3f800000), FP_CANONICAL_S);
    assert_int_equal(fp_unbox_h(0xffffffffffff3c00), 0x3c00);
    assert_int_equal(fp_unbox_h(0xffffffff3f803c00), FP_CANONICAL_H);
    assert_int_equal(fp_unbox_s(fp_box_s(1)), 1);
    assert_int_equal(fp_unbox_h(fp_box_h(0x8000)), 0x8000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ties_round_away_under_rmm),
        cmocka_unit_test(rounding_mode_comes_from_the_instruction_or_from_frm),
        cmocka_unit_test(tininess_is_detected_after_rounding),
        cmocka_unit_test(overflow_gives_infinity_or_the_largest_number),
        cmocka_unit_test(sums_of_zeros_have_the_sign_the_mode_asks_for),
        cmocka_unit_test(invalid_operations_give_the_canonical_nan),
        cmocka_unit_test(minimum_and_maximum_prefer_numbers_and_order_zeros),
        cmocka_unit_test(comparison_with_a_nan_is_false_and_signals_as_named),
        cmocka_unit_test(classes_are_one_hot),
        cmocka_unit_test(out_of_range_conversions_saturate_without_inexact),
        cmocka_unit_test(integers_become_floats_with_one_rounding),
        cmocka_unit_test(every_half_survives_the_way_through_single_and_double),
        cmocka_unit_test(every_half_becomes_the_integer_its_single_does),
        cmocka_unit_test(half_arithmetic_is_the_singles_rounded),
        cmocka_unit_test(rounding_to_integral_keeps_sign_and_reports_only_when_asked),
        cmocka_unit_test(modular_conversion_keeps_the_low_32_bits),
        cmocka_unit_test(constants_are_the_manuals),
        cmocka_unit_test(bits_above_the_format_do_not_count),
        cmocka_unit_test(values_that_are_not_boxed_read_as_nan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
