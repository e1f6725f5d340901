/* interp_float.h: floating-point words on the host's FPU where it agrees with RISC-V, else through cpu/fp.h.
 *
 * The host is used while it rounds as the guest wants, which is always to nearest; its sticky flags are the guest's.
 * It disagrees about NaN results (RISC-V's are canonical), about conversions that do not fit, and about NV for
 * inf * 0 + quiet NaN: those are left to the helpers, which or their flags into hart.fflags.
 * NaNs are looked for with __builtin_isunordered: gcc makes == signalling for some options.
 * Compile with -frounding-math -ftrapping-math -fno-math-errno -ffp-contract=off.
 */
#ifndef CPU_INTERP_FLOAT_H
#define CPU_INTERP_FLOAT_H

#include "fp.h"
#include "interp_internal.h"

#include <math.h>
#include <string.h>

#define SIGN_H ((uint64_t)0x8000)
#define SIGN_S ((uint64_t)0x80000000)
#define SIGN_D ((uint64_t)0x8000000000000000)
#define unbox_H fp_unbox_h
#define unbox_S fp_unbox_s
#define unbox_D fp_unbox_d
#define box_H fp_box_h
#define box_S fp_box_s
#define box_D fp_box_d
#define HELP(name, f) HELP_##f(name)
#define HELP_H(name) name##_h
#define HELP_S(name) name##_s
#define HELP_D(name) name##_d

typedef float host_S;
typedef double host_D;
static ALWAYS_INLINE float value_S(uint64_t bits) {
    uint32_t b = (uint32_t)bits;
    float v;
    memcpy(&v, &b, sizeof v);
    return v;
}
static ALWAYS_INLINE double value_D(uint64_t bits) {
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}
static ALWAYS_INLINE uint64_t bits_S(float v) {
    uint32_t b;
    memcpy(&b, &v, sizeof b);
    return b;
}
static ALWAYS_INLINE uint64_t bits_D(double v) {
    uint64_t b;
    memcpy(&b, &v, sizeof b);
    return b;
}

/* The host's flags are clean before its first use in interp_run. */
static ALWAYS_INLINE void use_host(struct hart *h) {
    if (UNLIKELY(!h->interp_fp))
        interp_fp_begin(h);
}

/* NaN results are found with isunordered: for r == r gcc -O0 emits comiss, which raises NV on a quiet NaN. */
#define FLOAT_TWO(name, f, operator)                                                                                   \
    static ALWAYS_INLINE uint64_t float_##name##_##f(struct hart *h, unsigned rm, uint64_t a, uint64_t b) {            \
        if (UNLIKELY(rm != RM_RNE) && !MUTANT(interp_rounding_ignored))                                                \
            return HELP_##f(fp_##name)(h, a, b, 0, rm);                                                                \
        use_host(h);                                                                                                   \
        host_##f r = value_##f(a) operator value_##f(b);                                                               \
        return LIKELY(!__builtin_isunordered(r, r)) ? bits_##f(r) : FP_CANONICAL_##f;                                  \
    }
#define FLOAT_COMPARE(name, f, operator)                                                                               \
    static ALWAYS_INLINE uint64_t float_##name##_##f(struct hart *h, uint64_t a, uint64_t b) {                         \
        host_##f va = value_##f(a), vb = value_##f(b);                                                                 \
        if (UNLIKELY(__builtin_isunordered(va, vb)))                                                                   \
            return HELP_##f(fp_##name)(h, a, b, 0, 0);                                                                 \
        return va operator vb;                                                                                         \
    }
#define FLOAT_HELPED(name, f)                                                                                          \
    static ALWAYS_INLINE uint64_t float_##name##_##f(struct hart *h, unsigned rm, uint64_t a, uint64_t b) {            \
        return HELP_##f(fp_##name)(h, a, b, 0, rm);                                                                    \
    }

#define FLOAT_ARITHMETIC(f)                                                                                            \
    FLOAT_TWO(add, f, +)                                                                                               \
    FLOAT_TWO(sub, f, -)                                                                                               \
    FLOAT_TWO(mul, f, *)                                                                                               \
    FLOAT_TWO(div, f, /)                                                                                               \
    FLOAT_COMPARE(eq, f, ==)                                                                                           \
    FLOAT_COMPARE(lt, f, <)                                                                                            \
    FLOAT_COMPARE(le, f, <=)
FLOAT_ARITHMETIC(S)
FLOAT_ARITHMETIC(D)
FLOAT_HELPED(add, H)
FLOAT_HELPED(sub, H)
FLOAT_HELPED(mul, H)
FLOAT_HELPED(div, H)
#define float_eq_H(h, a, b) fp_eq_h(h, a, b, 0, 0)
#define float_lt_H(h, a, b) fp_lt_h(h, a, b, 0, 0)
#define float_le_H(h, a, b) fp_le_h(h, a, b, 0, 0)

#define FLOAT_SQRT(f, root)                                                                                            \
    static ALWAYS_INLINE uint64_t float_sqrt_##f(struct hart *h, unsigned rm, uint64_t a) {                            \
        if (UNLIKELY(rm != RM_RNE))                                                                                    \
            return HELP_##f(fp_sqrt)(h, a, 0, 0, rm);                                                                  \
        use_host(h);                                                                                                   \
        host_##f r = root(value_##f(a));                                                                               \
        return LIKELY(!__builtin_isunordered(r, r)) ? bits_##f(r) : FP_CANONICAL_##f;                                  \
    }
FLOAT_SQRT(S, sqrtf)
FLOAT_SQRT(D, sqrt)
#define float_sqrt_H(h, rm, a) fp_sqrt_h(h, a, 0, 0, rm)

#ifdef __FP_FAST_FMA
static ALWAYS_INLINE uint64_t float_madd_D(struct hart *h, unsigned rm, uint64_t a, uint64_t b, uint64_t c) {
    if (LIKELY(rm == RM_RNE)) {
        use_host(h);
        double r = fma(value_D(a), value_D(b), value_D(c));
        if (LIKELY(!__builtin_isunordered(r, r)))
            return bits_D(r);
    }
    return fp_madd_d(h, a, b, c, rm);
}
#else
/* The common case in integers: all operands and the result normal, rounding to nearest.  Product and addend are held
 * with their leading ones at bits 124 to 125 of 128; bits shifted out leave a sticky one. */
static inline unsigned __int128 float_shift_sticky(unsigned __int128 v, unsigned n) {
    if (n == 0)
        return v;
    if (n > 127)
        return 1;
    return v >> n | (v << (128 - n) != 0);
}
static inline uint64_t float_madd_D(struct hart *h, unsigned rm, uint64_t a, uint64_t b, uint64_t c) {
    uint64_t hidden = (uint64_t)1 << 52;
    unsigned ea = a >> 52 & 0x7ff, eb = b >> 52 & 0x7ff, ec = c >> 52 & 0x7ff;
    if (UNLIKELY(rm != RM_RNE || ea - 1 >= 0x7fe || eb - 1 >= 0x7fe || ec - 1 >= 0x7fe))
        return fp_madd_d(h, a, b, c, rm);
    unsigned __int128 p = (unsigned __int128)((a & (hidden - 1)) | hidden) * ((b & (hidden - 1)) | hidden) << 20;
    unsigned __int128 z = (unsigned __int128)((c & (hidden - 1)) | hidden) << 73;
    /* p counts 2^(ep - 1075), z 2^(ez - 1075) */
    int ep = (int)(ea + eb) - 1075 - 20, ez = (int)ec - 73, e = ep > ez ? ep : ez;
    if (ep > ez)
        z = float_shift_sticky(z, (unsigned)(ep - ez));
    else
        p = float_shift_sticky(p, (unsigned)(ez - ep));
    uint64_t sign = (a ^ b) & SIGN_D;
    unsigned __int128 s;
    if (sign == (c & SIGN_D)) {
        s = p + z;
    } else if (p >= z) {
        s = p - z;
    } else {
        s = z - p;
        sign ^= SIGN_D;
    }
    if (UNLIKELY(s == 0))
        return 0;
    int zeros = s >> 64 ? __builtin_clzll((uint64_t)(s >> 64)) : 64 + __builtin_clzll((uint64_t)s);
    s <<= zeros;
    int exponent = e - zeros + 75; /* the leading one's, biased */
    if (UNLIKELY(exponent < 2 || exponent > 0x7fc))
        return fp_madd_d(h, a, b, c, rm);
    uint64_t high = (uint64_t)(s >> 64), rest = (high & 0x7ff) | ((uint64_t)s != 0), mantissa = high >> 11;
    if (rest != 0)
        h->fflags |= FFLAG_NX;
    mantissa += rest > 0x400 || (rest == 0x400 && (mantissa & 1));
    return sign | (((uint64_t)(exponent - 1) << 52) + mantissa);
}
#endif
#define float_madd_H(h, rm, a, b, c) fp_madd_h(h, a, b, c, rm)

/* Single precision needs no fused instruction: the product is exact in double precision, and the sum there is rounded
 * to odd (the last bit is set where bits were lost), so that rounding it once more gives what one rounding would. */
static inline uint64_t float_madd_S(struct hart *h, unsigned rm, uint64_t a, uint64_t b, uint64_t c) {
    if (UNLIKELY(rm != RM_RNE))
        return fp_madd_s(h, a, b, c, rm);
    use_host(h);
    double p = (double)value_S(a) * (double)value_S(b), z = value_S(c), s = p + z;
    if (UNLIKELY((bits_D(s) >> 52 & 0x7ff) == 0x7ff)) /* infinite or NaN; tested without raising anything */
        return fp_madd_s(h, a, b, c, rm);
    double z_part = s - p, lost = (p - (s - z_part)) + (z - z_part);
    uint64_t bits = bits_D(s);
    if (lost != 0 && !(bits & 1))
        bits += (lost > 0) == (s > 0) ? 1 : (uint64_t)-1;
    return bits_S((float)value_D(bits));
}

/* To integers: truncation is what C does; whether that raises NX is up to the implementation, so it is done here. */
#define FLOAT_TO(i, f, type, helper, low, high)                                                                        \
    static ALWAYS_INLINE uint64_t float_to_##i##_##f(struct hart *h, unsigned rm, uint64_t a) {                        \
        host_##f v = value_##f(a);                                                                                     \
        if (UNLIKELY(rm != RM_RTZ || !(v > (low) && v < (high))))                                                      \
            return HELP_##f(helper)(h, a, 0, 0, rm);                                                                   \
        int64_t r = (int64_t)v;                                                                                        \
        if ((host_##f)r != v)                                                                                          \
            h->fflags |= FFLAG_NX;                                                                                     \
        return (uint64_t)(int64_t)(type)r;                                                                             \
    }
/* Bounds that float represents as well. */
FLOAT_TO(W, D, int32_t, fp_to_w, -2147483648.0, 2147483648.0)
FLOAT_TO(WU, D, int32_t, fp_to_wu, -1.0, 4294967296.0)
FLOAT_TO(L, D, int64_t, fp_to_l, -9223372036854775808.0, 9223372036854775808.0)
FLOAT_TO(LU, D, int64_t, fp_to_lu, -1.0, 9223372036854775808.0)
FLOAT_TO(W, S, int32_t, fp_to_w, -2147483648.0f, 2147483648.0f)
FLOAT_TO(WU, S, int32_t, fp_to_wu, -1.0f, 4294967296.0f)
FLOAT_TO(L, S, int64_t, fp_to_l, -9223372036854775808.0f, 9223372036854775808.0f)
FLOAT_TO(LU, S, int64_t, fp_to_lu, -1.0f, 9223372036854775808.0f)
#define float_to_W_H(h, rm, a) fp_to_w_h(h, a, 0, 0, rm)
#define float_to_WU_H(h, rm, a) fp_to_wu_h(h, a, 0, 0, rm)
#define float_to_L_H(h, rm, a) fp_to_l_h(h, a, 0, 0, rm)
#define float_to_LU_H(h, rm, a) fp_to_lu_h(h, a, 0, 0, rm)

/* From integers: exact to double from 32 bits, in every rounding mode. */
#define float_from_W_D(h, rm, v) bits_D((double)(int32_t)(v))
#define float_from_WU_D(h, rm, v) bits_D((double)(uint32_t)(v))
#define FLOAT_FROM(i, f, type, helper, fits)                                                                           \
    static ALWAYS_INLINE uint64_t float_from_##i##_##f(struct hart *h, unsigned rm, uint64_t v) {                      \
        if (UNLIKELY(rm != RM_RNE || !(fits)))                                                                         \
            return HELP_##f(helper)(h, v, 0, 0, rm);                                                                   \
        use_host(h);                                                                                                   \
        return bits_##f((host_##f)(int64_t)(type)v);                                                                   \
    }
FLOAT_FROM(L, D, int64_t, fp_from_l, true)
FLOAT_FROM(LU, D, int64_t, fp_from_lu, (int64_t)v >= 0)
FLOAT_FROM(W, S, int32_t, fp_from_w, true)
FLOAT_FROM(WU, S, uint32_t, fp_from_wu, true)
FLOAT_FROM(L, S, int64_t, fp_from_l, true)
FLOAT_FROM(LU, S, int64_t, fp_from_lu, (int64_t)v >= 0)
#define float_from_W_H(h, rm, v) fp_from_w_h(h, v, 0, 0, rm)
#define float_from_WU_H(h, rm, v) fp_from_wu_h(h, v, 0, 0, rm)
#define float_from_L_H(h, rm, v) fp_from_l_h(h, v, 0, 0, rm)
#define float_from_LU_H(h, rm, v) fp_from_lu_h(h, v, 0, 0, rm)

static ALWAYS_INLINE uint64_t float_cvt_S_D(struct hart *h, unsigned rm, uint64_t a) {
    double v = value_D(a);
    if (UNLIKELY(rm != RM_RNE || __builtin_isunordered(v, v)))
        return fp_cvt_s_d(h, a, 0, 0, rm);
    use_host(h);
    return bits_S((float)v);
}
static ALWAYS_INLINE uint64_t float_cvt_D_S(struct hart *h, unsigned rm, uint64_t a) {
    float v = value_S(a);
    if (UNLIKELY(__builtin_isunordered(v, v)))
        return fp_cvt_d_s(h, a, 0, 0, rm);
    return bits_D((double)v);
}
#define float_cvt_S_H(h, rm, a) fp_cvt_s_h(h, a, 0, 0, rm)
#define float_cvt_D_H(h, rm, a) fp_cvt_d_h(h, a, 0, 0, rm)
#define float_cvt_H_S(h, rm, a) fp_cvt_h_s(h, a, 0, 0, rm)
#define float_cvt_H_D(h, rm, a) fp_cvt_h_d(h, a, 0, 0, rm)

#endif
