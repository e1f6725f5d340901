/* fp.c: add, subtract, multiply, divide, square root and fused multiply-add, and the rounding under all of them.
 *
 * Each operation is written once, for any format: unpack to sign, exponent and 64-bit significand, compute exactly or
 * with a sticky bit, round and pack.  The named functions at the end only choose the format.
 */
#include "fp_internal.h"

struct fp_number fp_unpack(struct fp_format f, uint64_t bits) {
    uint64_t man = bits & ((1ull << f.man_bits) - 1);
    int exp_max = (1 << f.exp_bits) - 1;
    int exp = (int)(bits >> f.man_bits) & exp_max;
    struct fp_number n = {.sign = bits >> (fp_width(f) - 1) & 1};

    if (exp == exp_max) {
        n.kind = man == 0 ? FP_INF : man >> (f.man_bits - 1) ? FP_QNAN : FP_SNAN;
    } else if (exp != 0) {
        n.kind = FP_FINITE;
        n.exp = exp - fp_bias(f);
        n.sig = 1ull << 63 | man << (63 - f.man_bits);
    } else if (man != 0) {
        int zeros = __builtin_clzll(man);
        n.kind = FP_FINITE;
        n.exp = 1 - fp_bias(f) - (zeros - (63 - f.man_bits));
        n.sig = man << zeros;
    } else {
        n.kind = FP_ZERO;
    }
    return n;
}

uint64_t fp_round_shift(uint64_t sig, int drop, bool sign, int rm, bool *inexact) {
    const uint64_t half = 1ull << 63;
    uint64_t kept, lost; /* lost: the fraction rounded away, in units of 2^-64 */

    if (drop == 0) {
        kept = sig;
        lost = 0;
    } else if (drop < 64) {
        kept = sig >> drop;
        lost = sig << (64 - drop);
    } else {
        kept = 0;
        lost = drop == 64 ? sig : sig != 0; /* beyond 64 it is below a half, and only its being there counts */
    }
    *inexact = lost != 0;
    switch (rm) {
    case RM_RNE:
        return kept + (lost > half || (lost == half && (kept & 1)));
    case RM_RDN:
        return kept + (sign != MUTANT(rounds_down_up) && lost);
    case RM_RUP:
        return kept + (!sign && lost);
    case RM_RMM:
        return kept + (lost >= half);
    default: /* RM_RTZ */
        return kept;
    }
}

/* What a result too large for the format becomes: infinity, or the largest finite number when rm rounds towards it. */
static uint64_t overflow(struct fp_format f, bool sign, int rm, uint8_t *flags) {
    bool finite = rm == RM_RTZ || (rm == RM_RDN && !sign) || (rm == RM_RUP && sign);
    *flags |= FFLAG_OF | FFLAG_NX;
    return fp_signed(f, sign, fp_inf_bits(f) - finite);
}

uint64_t fp_pack(struct fp_format f, bool sign, int exp, uint64_t sig, int rm, uint8_t *flags) {
    const int exp_min = 1 - fp_bias(f), drop = 63 - f.man_bits;
    bool inexact;

    if (exp > fp_bias(f))
        return overflow(f, sign, rm, flags);
    if (exp >= exp_min) {
        uint64_t rounded = fp_round_shift(sig, drop, sign, rm, &inexact);
        /* The leading one adds 1 to the exponent field, and so does a carry out of the mantissa. */
        uint64_t bits = ((uint64_t)(exp - exp_min) << f.man_bits) + rounded;
        if (bits >= fp_inf_bits(f))
            return overflow(f, sign, rm, flags);
        *flags |= inexact ? FFLAG_NX : 0;
        return fp_signed(f, sign, bits);
    }

    /* Below the normal range.  Not tiny if rounding with an unbounded exponent would carry up to the range's edge. */
    bool tiny = true;
    if (exp == exp_min - 1)
        tiny = fp_round_shift(sig, drop, sign, rm, &inexact) >> (f.man_bits + 1) == 0;
    uint64_t bits = fp_round_shift(sig, drop + (exp_min - exp), sign, rm, &inexact);
    if (inexact)
        *flags |= tiny ? FFLAG_UF | FFLAG_NX : FFLAG_NX;
    return fp_signed(f, sign, bits);
}

uint64_t fp_invalid(struct hart *h, struct fp_format f, bool invalid) {
    h->fflags |= invalid ? FFLAG_NV : 0;
    return fp_nan_bits(f);
}

/* A term of a sum, its leading one in bit 126 so that two can be added: sig * 2^(exp - 126).  sig is 0 for a zero. */
struct term {
    bool sign;
    int exp;
    fp_u128 sig;
};

/* Assigns each member: an initialiser may become a call to memset, which uses vector registers. */
static struct term make_term(bool sign, int exp, fp_u128 sig) {
    struct term t;
    t.sign = sign;
    t.exp = exp;
    t.sig = sig;
    return t;
}

static struct term term_of(struct fp_number n) {
    return n.kind == FP_ZERO ? make_term(n.sign, 0, 0) : make_term(n.sign, n.exp, (fp_u128)n.sig << 63);
}

static fp_u128 shift_right_sticky(fp_u128 v, int by) {
    if (by == 0)
        return v;
    if (by > 127)
        return v != 0;
    return v >> by | (v << (128 - by) != 0);
}

static struct fp_number normalise(bool sign, int exp, fp_u128 sig) {
    uint64_t high = (uint64_t)(sig >> 64);
    int zeros = high ? __builtin_clzll(high) : 64 + __builtin_clzll((uint64_t)sig);
    sig <<= zeros;
    return (struct fp_number){FP_FINITE, sign, exp + 1 - zeros, (uint64_t)(sig >> 64) | ((uint64_t)sig != 0)};
}

/* The rounded sum of two finite terms.  The sticky bit stays far below the rounding position: when the lower term is
 * shifted by two or more, at most one leading bit cancels, and when by less, nothing is lost. */
static uint64_t add_terms(struct hart *h, struct fp_format f, struct term a, struct term b, int rm) {
    if (a.sig == 0 && b.sig == 0)
        return fp_signed(f, a.sign == b.sign ? a.sign : rm == RM_RDN, 0);
    if (a.sig == 0 || (b.sig != 0 && a.exp < b.exp)) {
        struct term t = a;
        a = b;
        b = t;
    }
    if (b.sig != 0)
        b.sig = shift_right_sticky(b.sig, a.exp - b.exp);

    if (a.sign == b.sign) {
        a.sig += b.sig;
    } else if (a.sig >= b.sig) {
        a.sig -= b.sig;
    } else {
        a.sig = b.sig - a.sig;
        a.sign = b.sign;
    }
    if (a.sig == 0)
        return fp_signed(f, rm == RM_RDN, 0);
    struct fp_number r = normalise(a.sign, a.exp, a.sig);
    return fp_pack(f, r.sign, r.exp, r.sig, rm, &h->fflags);
}

static uint64_t add(struct hart *h, struct fp_format f, uint64_t a_bits, uint64_t b_bits, uint64_t rm) {
    struct fp_number a = fp_unpack(f, a_bits), b = fp_unpack(f, b_bits);

    if (fp_is_nan(a) || fp_is_nan(b))
        return fp_invalid(h, f, a.kind == FP_SNAN || b.kind == FP_SNAN);
    if (a.kind == FP_INF && b.kind == FP_INF && a.sign != b.sign)
        return fp_invalid(h, f, true);
    if (a.kind == FP_INF || b.kind == FP_INF)
        return fp_signed(f, a.kind == FP_INF ? a.sign : b.sign, fp_inf_bits(f));
    return add_terms(h, f, term_of(a), term_of(b), fp_rounding(h, rm));
}

/* The product of two finite numbers, exact: at most 106 bits. */
static struct term multiply_finite(struct fp_number a, struct fp_number b) {
    bool sign = a.sign != b.sign;
    if (a.kind == FP_ZERO || b.kind == FP_ZERO)
        return make_term(sign, 0, 0);
    /* The leading one is in bit 127 or 126, and the low 22 bits are zero in every format. */
    fp_u128 sig = (fp_u128)a.sig * b.sig;
    bool carry = sig >> 127;
    return make_term(sign, a.exp + b.exp + carry, sig >> carry);
}

/* a * b + c.  A product alone is not "plus zero": its zero keeps its sign, so multiply has its own function. */
static uint64_t madd(struct hart *h, struct fp_format f, uint64_t a_bits, uint64_t b_bits, uint64_t c_bits,
                     uint64_t rm) {
    struct fp_number a = fp_unpack(f, a_bits), b = fp_unpack(f, b_bits), c = fp_unpack(f, c_bits);
    bool inf_times_zero = (a.kind == FP_INF && b.kind == FP_ZERO) || (a.kind == FP_ZERO && b.kind == FP_INF);
    bool sign = a.sign != b.sign;

    if (inf_times_zero || fp_is_nan(a) || fp_is_nan(b) || fp_is_nan(c))
        return fp_invalid(h, f, inf_times_zero || a.kind == FP_SNAN || b.kind == FP_SNAN || c.kind == FP_SNAN);
    if (a.kind == FP_INF || b.kind == FP_INF) {
        if (c.kind == FP_INF && c.sign != sign)
            return fp_invalid(h, f, true);
        return fp_signed(f, sign, fp_inf_bits(f));
    }
    if (c.kind == FP_INF)
        return fp_signed(f, c.sign, fp_inf_bits(f));
    return add_terms(h, f, multiply_finite(a, b), term_of(c), fp_rounding(h, rm));
}

static uint64_t multiply(struct hart *h, struct fp_format f, uint64_t a_bits, uint64_t b_bits, uint64_t rm) {
    struct fp_number a = fp_unpack(f, a_bits), b = fp_unpack(f, b_bits);
    bool sign = a.sign != b.sign;

    if (fp_is_nan(a) || fp_is_nan(b))
        return fp_invalid(h, f, a.kind == FP_SNAN || b.kind == FP_SNAN);
    if (a.kind == FP_INF || b.kind == FP_INF) {
        if (a.kind == FP_ZERO || b.kind == FP_ZERO)
            return fp_invalid(h, f, true);
        return fp_signed(f, sign, fp_inf_bits(f));
    }
    struct term p = multiply_finite(a, b);
    if (p.sig == 0)
        return fp_signed(f, sign, 0);
    struct fp_number r = normalise(sign, p.exp, p.sig);
    return fp_pack(f, sign, r.exp, r.sig, fp_rounding(h, rm), &h->fflags);
}

/* a / b, both with the leading one in bit 63 and the low 11 bits zero: the leading one of the quotient in bit 63 too
 * (so the caller has made a >= b), bit 0 sticky.  Long division by digits of 11 bits: a 53-bit remainder and a digit
 * fill 64 bits. */
static uint64_t divide_significands(uint64_t a, uint64_t b, bool half) {
    uint64_t quotient = 1, divisor = b >> 11, remainder = ((a >> 11) << half) - divisor;
    for (int i = 0; i < 5; i++) {
        remainder <<= 11;
        quotient = quotient << 11 | remainder / divisor;
        remainder %= divisor;
    }
    return quotient << 8 | (remainder != 0); /* 1 + 5 * 11 bits */
}

static uint64_t divide(struct hart *h, struct fp_format f, uint64_t a_bits, uint64_t b_bits, uint64_t rm) {
    struct fp_number a = fp_unpack(f, a_bits), b = fp_unpack(f, b_bits);
    bool sign = a.sign != b.sign;

    if (fp_is_nan(a) || fp_is_nan(b))
        return fp_invalid(h, f, a.kind == FP_SNAN || b.kind == FP_SNAN);
    if (a.kind == b.kind && a.kind != FP_FINITE) /* inf / inf, 0 / 0 */
        return fp_invalid(h, f, true);
    if (a.kind == FP_INF)
        return fp_signed(f, sign, fp_inf_bits(f));
    if (a.kind == FP_ZERO || b.kind == FP_INF)
        return fp_signed(f, sign, 0);
    if (b.kind == FP_ZERO) {
        h->fflags |= FFLAG_DZ;
        return fp_signed(f, sign, fp_inf_bits(f));
    }
    bool half = a.sig < b.sig;
    uint64_t sig = divide_significands(a.sig, b.sig, half);
    return fp_pack(f, sign, a.exp - b.exp - half, sig, fp_rounding(h, rm), &h->fflags);
}

/* The square root of sig * 2^-63, doubled first if odd: a number from 1 to below 4.  Result: leading one in bit 63,
 * bit 0 sticky.  Bit by bit, two bits of the operand for one of the root; both root and remainder stay below 2^58. */
static uint64_t root_significand(uint64_t sig, bool odd) {
    const int bits = 55; /* one more than 53 for rounding, and one to spare */
    fp_u128 operand = (fp_u128)sig << (odd ? 64 : 63);
    uint64_t root = 0, remainder = 0;
    for (int i = 0; i < bits; i++) {
        remainder = remainder << 2 | (uint64_t)(operand >> 126);
        operand <<= 2;
        uint64_t trial = root << 2 | 1;
        root <<= 1;
        if (remainder >= trial) {
            remainder -= trial;
            root |= 1;
        }
    }
    return root << (64 - bits) | (remainder != 0);
}

static uint64_t square_root(struct hart *h, struct fp_format f, uint64_t bits, uint64_t rm) {
    struct fp_number a = fp_unpack(f, bits);

    if (fp_is_nan(a))
        return fp_invalid(h, f, a.kind == FP_SNAN);
    if (a.kind == FP_ZERO)
        return fp_signed(f, a.sign, 0);
    if (a.sign)
        return fp_invalid(h, f, true);
    if (a.kind == FP_INF)
        return fp_inf_bits(f);
    bool odd = a.exp & 1;
    return fp_pack(f, false, (a.exp - odd) / 2, root_significand(a.sig, odd), fp_rounding(h, rm), &h->fflags);
}

#define HELPER(name) uint64_t name(struct hart *h, uint64_t a, uint64_t b, uint64_t c, uint64_t imm)
#define ARITHMETIC(suffix, F)                                                                                          \
    HELPER(fp_add_##suffix) { return add(h, F, a, b, imm); }                                                           \
    HELPER(fp_sub_##suffix) { return add(h, F, a, b ^ fp_sign_bit(F), imm); }                                          \
    HELPER(fp_mul_##suffix) { return multiply(h, F, a, b, imm); }                                                      \
    HELPER(fp_div_##suffix) { return divide(h, F, a, b, imm); }                                                        \
    HELPER(fp_sqrt_##suffix) { return square_root(h, F, a, imm); }                                                     \
    HELPER(fp_madd_##suffix) { return madd(h, F, a, b, c, imm); }

ARITHMETIC(h, FP_FORMAT_H)
ARITHMETIC(s, FP_FORMAT_S)
ARITHMETIC(d, FP_FORMAT_D)
