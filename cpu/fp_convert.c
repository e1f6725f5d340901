/* fp_convert.c: conversions between formats and to and from integers, comparison, minimum and maximum, classification
 * and Zfa's constants.  As in fp.c, everything is written once for any format.
 */
#include "fp_internal.h"

/* ---- comparison ---- */

/* The number's place in the order of all non-NaN numbers, -0 directly below +0. */
static int64_t order(struct fp_format f, uint64_t bits) {
    int64_t magnitude = (int64_t)(bits & (fp_sign_bit(f) - 1));
    return bits & fp_sign_bit(f) ? -magnitude - 1 : magnitude;
}

enum comparison { LESS, EQUAL, GREATER, UNORDERED };

static enum comparison compare(struct hart *h, struct fp_format f, uint64_t a_bits, uint64_t b_bits, bool quiet) {
    struct fp_number a = fp_unpack(f, a_bits), b = fp_unpack(f, b_bits);
    if (fp_is_nan(a) || fp_is_nan(b)) {
        if (!quiet || a.kind == FP_SNAN || b.kind == FP_SNAN)
            h->fflags |= FFLAG_NV;
        return UNORDERED;
    }
    if (a.kind == FP_ZERO && b.kind == FP_ZERO)
        return EQUAL;
    int64_t place_a = order(f, a_bits), place_b = order(f, b_bits);
    return place_a < place_b ? LESS : place_a == place_b ? EQUAL : GREATER;
}

static bool less_or_equal(enum comparison c) { return c == LESS || c == EQUAL; }

/* fmin and fmax return the operand that is a number; fminm and fmaxm (propagate) a NaN if either is one. */
static uint64_t extreme(struct hart *h, struct fp_format f, uint64_t a_bits, uint64_t b_bits, bool max,
                        bool propagate) {
    struct fp_number a = fp_unpack(f, a_bits), b = fp_unpack(f, b_bits);
    bool first;
    if (a.kind == FP_SNAN || b.kind == FP_SNAN)
        h->fflags |= FFLAG_NV;
    if (fp_is_nan(a) || fp_is_nan(b)) {
        if (propagate || (fp_is_nan(a) && fp_is_nan(b)))
            return fp_nan_bits(f);
        first = fp_is_nan(b);
    } else {
        first = (order(f, a_bits) < order(f, b_bits)) != max;
    }
    return (first ? a_bits : b_bits) & fp_mask(f);
}

/* Manual, chapter "F", table "Format of result of FCLASS instruction". */
static uint64_t classify(struct fp_format f, uint64_t bits) {
    struct fp_number n = fp_unpack(f, bits);
    int bit = 0;
    switch ((enum fp_kind)n.kind) {
    case FP_QNAN:
        return 1u << 9;
    case FP_SNAN:
        return 1u << 8;
    case FP_INF:
        bit = 0;
        break;
    case FP_FINITE:
        bit = n.exp >= 1 - fp_bias(f) ? 1 : 2;
        break;
    case FP_ZERO:
        bit = 3;
        break;
    }
    return 1u << (n.sign ? bit : 7 - bit);
}

/* ---- integers ---- */

/* Sign-extends the low 32 bits, for the x register of a 32-bit result. */
static uint64_t extend_word(uint64_t v) { return (uint64_t)(int64_t)(int32_t)v; }

/* Rounds to a two's complement (or, if !is_signed, unsigned) integer of width 32 or 64 bits.  What does not fit becomes
 * the nearest integer that does, a NaN the largest, with NV and without NX (manual, chapter "F", table "Domains of
 * float-to-integer conversions and behavior for invalid inputs"). */
static uint64_t to_integer(struct hart *h, struct fp_format f, uint64_t bits, int width, bool is_signed, uint64_t rm) {
    struct fp_number n = fp_unpack(f, bits);
    bool inexact = false, fits = true;
    bool negative = n.sign && !fp_is_nan(n);
    uint64_t limit = UINT64_MAX >> (64 - width); /* the largest magnitude that fits */
    if (is_signed)
        limit = (limit >> 1) + negative;
    else if (negative)
        limit = 0;

    uint64_t magnitude = 0;
    if (n.kind == FP_FINITE) {
        if (n.exp <= 63)
            magnitude = fp_round_shift(n.sig, 63 - n.exp, n.sign, fp_rounding(h, rm), &inexact);
        fits = n.exp <= 63 && magnitude <= limit;
    } else if (n.kind != FP_ZERO) {
        fits = false;
    }
    if (!fits) {
        magnitude = limit;
        h->fflags |= FFLAG_NV;
    } else if (inexact) {
        h->fflags |= FFLAG_NX;
    }
    uint64_t result = negative ? -magnitude : magnitude;
    return width == 32 ? extend_word(result) : result;
}

static uint64_t from_magnitude(struct hart *h, struct fp_format f, bool sign, uint64_t magnitude, uint64_t rm) {
    if (magnitude == 0)
        return 0;
    int zeros = __builtin_clzll(magnitude);
    return fp_pack(f, sign, 63 - zeros, magnitude << zeros, fp_rounding(h, rm), &h->fflags);
}

static uint64_t from_signed(struct hart *h, struct fp_format f, uint64_t value, uint64_t rm) {
    bool negative = value >> 63;
    return from_magnitude(h, f, negative, negative ? -value : value, rm);
}

/* fround, and froundnx (report). */
static uint64_t to_integral(struct hart *h, struct fp_format f, uint64_t bits, uint64_t rm, bool report) {
    struct fp_number n = fp_unpack(f, bits);
    bool inexact;
    uint8_t none = 0;

    if (fp_is_nan(n))
        return fp_invalid(h, f, n.kind == FP_SNAN);
    if (n.kind != FP_FINITE || n.exp >= f.man_bits)
        return bits & fp_mask(f);
    uint64_t magnitude = fp_round_shift(n.sig, 63 - n.exp, n.sign, fp_rounding(h, rm), &inexact);
    if (inexact && report)
        h->fflags |= FFLAG_NX;
    if (magnitude == 0)
        return fp_signed(f, n.sign, 0);
    int zeros = __builtin_clzll(magnitude);
    return fp_pack(f, n.sign, 63 - zeros, magnitude << zeros, RM_RNE, &none); /* exact: at most 2^man_bits */
}

/* Zfa: truncation to an unbounded integer, of which the low 32 bits are the result; the flags of fcvt.w.d, rtz. */
uint64_t fp_modw(struct hart *h, uint64_t a, uint64_t b, uint64_t c, uint64_t imm) {
    struct fp_number n = fp_unpack(FP_FORMAT_D, a);
    uint64_t magnitude = 0;
    if (n.kind == FP_FINITE) {
        if (n.exp < 0)
            magnitude = 0;
        else if (n.exp <= 63)
            magnitude = n.sig >> (63 - n.exp);
        else if (n.exp < 64 + 32)
            magnitude = n.sig << (n.exp - 63) % 64;
    }
    to_integer(h, FP_FORMAT_D, a, 32, true, RM_RTZ);
    return extend_word(n.sign ? -magnitude : magnitude);
}

/* ---- formats ---- */

static uint64_t convert(struct hart *h, struct fp_format to, struct fp_format from, uint64_t bits, uint64_t rm) {
    struct fp_number n = fp_unpack(from, bits);
    switch ((enum fp_kind)n.kind) {
    case FP_ZERO:
        return fp_signed(to, n.sign, 0);
    case FP_INF:
        return fp_signed(to, n.sign, fp_inf_bits(to));
    case FP_FINITE:
        return fp_pack(to, n.sign, n.exp, n.sig, fp_rounding(h, rm), &h->fflags);
    default:
        return fp_invalid(h, to, n.kind == FP_SNAN);
    }
}

/* ---- Zfa's constants ---- */

/* Manual, chapter "Zfa", table "Immediate values loaded by the FLI.S instruction", as bits of a single; the other
 * formats load the same value, but for entry 1.  In a half 2^16 becomes infinity, as the manual has it, and 2^-16 and
 * 2^-15 are subnormal. */
enum { FLI_MIN_NORMAL = 1, FLI_NAN = 31 };
static const uint32_t fli_constants[32] = {
    0xbf800000, 0x00800000, 0x37800000, 0x38000000, /* -1, the least normal, 2^-16, 2^-15 */
    0x3b800000, 0x3c000000, 0x3d800000, 0x3e000000, /* 2^-8, 2^-7, 2^-4, 2^-3 */
    0x3e800000, 0x3ea00000, 0x3ec00000, 0x3ee00000, /* 0.25, 0.3125, 0.375, 0.4375 */
    0x3f000000, 0x3f200000, 0x3f400000, 0x3f600000, /* 0.5, 0.625, 0.75, 0.875 */
    0x3f800000, 0x3fa00000, 0x3fc00000, 0x3fe00000, /* 1, 1.25, 1.5, 1.75 */
    0x40000000, 0x40200000, 0x40400000, 0x40800000, /* 2, 2.5, 3, 4 */
    0x41000000, 0x41800000, 0x43000000, 0x43800000, /* 8, 16, 128, 256 */
    0x47000000, 0x47800000, 0x7f800000, 0x7fc00000, /* 2^15, 2^16, infinity, the canonical NaN */
};

static uint64_t constant(struct fp_format f, uint64_t index) {
    uint8_t none = 0; /* fli raises no flags */
    struct fp_number n = fp_unpack(FP_FORMAT_S, fli_constants[index & 31]);
    if ((index & 31) == FLI_MIN_NORMAL)
        return 1ull << f.man_bits;
    if ((index & 31) == FLI_NAN)
        return fp_nan_bits(f);
    if (n.kind == FP_INF)
        return fp_inf_bits(f);
    return fp_pack(f, n.sign, n.exp, n.sig, RM_RNE, &none);
}

/* ---- the named functions ---- */

#define HELPER(name) uint64_t name(struct hart *h, uint64_t a, uint64_t b, uint64_t c, uint64_t imm)
#define CONVERSIONS(suffix, F)                                                                                         \
    HELPER(fp_min_##suffix) { return extreme(h, F, a, b, false, false); }                                              \
    HELPER(fp_max_##suffix) { return extreme(h, F, a, b, true, false); }                                               \
    HELPER(fp_minm_##suffix) { return extreme(h, F, a, b, false, true); }                                              \
    HELPER(fp_maxm_##suffix) { return extreme(h, F, a, b, true, true); }                                               \
    HELPER(fp_eq_##suffix) { return compare(h, F, a, b, true) == EQUAL; }                                              \
    HELPER(fp_lt_##suffix) { return compare(h, F, a, b, false) == LESS; }                                              \
    HELPER(fp_le_##suffix) { return less_or_equal(compare(h, F, a, b, false)); }                                       \
    HELPER(fp_ltq_##suffix) { return compare(h, F, a, b, true) == LESS; }                                              \
    HELPER(fp_leq_##suffix) { return less_or_equal(compare(h, F, a, b, true)); }                                       \
    HELPER(fp_class_##suffix) { return classify(F, a); }                                                               \
    HELPER(fp_round_##suffix) { return to_integral(h, F, a, imm, false); }                                             \
    HELPER(fp_roundnx_##suffix) { return to_integral(h, F, a, imm, true); }                                            \
    HELPER(fp_to_w_##suffix) { return to_integer(h, F, a, 32, true, imm); }                                            \
    HELPER(fp_to_wu_##suffix) { return to_integer(h, F, a, 32, false, imm); }                                          \
    HELPER(fp_to_l_##suffix) { return to_integer(h, F, a, 64, true, imm); }                                            \
    HELPER(fp_to_lu_##suffix) { return to_integer(h, F, a, 64, false, imm); }                                          \
    HELPER(fp_from_w_##suffix) { return from_signed(h, F, extend_word(a), imm); }                                      \
    HELPER(fp_from_wu_##suffix) { return from_magnitude(h, F, false, (uint32_t)a, imm); }                              \
    HELPER(fp_from_l_##suffix) { return from_signed(h, F, a, imm); }                                                   \
    HELPER(fp_from_lu_##suffix) { return from_magnitude(h, F, false, a, imm); }                                        \
    HELPER(fp_li_##suffix) { return constant(F, a); }

CONVERSIONS(h, FP_FORMAT_H)
CONVERSIONS(s, FP_FORMAT_S)
CONVERSIONS(d, FP_FORMAT_D)

HELPER(fp_cvt_h_s) { return convert(h, FP_FORMAT_H, FP_FORMAT_S, a, imm); }
HELPER(fp_cvt_h_d) { return convert(h, FP_FORMAT_H, FP_FORMAT_D, a, imm); }
HELPER(fp_cvt_s_h) { return convert(h, FP_FORMAT_S, FP_FORMAT_H, a, imm); }
HELPER(fp_cvt_s_d) { return convert(h, FP_FORMAT_S, FP_FORMAT_D, a, imm); }
HELPER(fp_cvt_d_h) { return convert(h, FP_FORMAT_D, FP_FORMAT_H, a, imm); }
HELPER(fp_cvt_d_s) { return convert(h, FP_FORMAT_D, FP_FORMAT_S, a, imm); }
