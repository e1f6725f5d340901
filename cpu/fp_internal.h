/* fp_internal.h: what fp.c and fp_convert.c share: numbers taken apart, and rounding.
 *
 * A finite non-zero number is held with its leading one in bit 63, whatever its format and whether or not it was
 * subnormal:  (-1)^sign * sig * 2^(exp - 63),  that is 1.fraction * 2^exp.  Results have more bits than the format
 * keeps: bit 0 is sticky, set when anything non-zero was lost below it.  The widest format keeps 53 bits, so the ten
 * bits between decide every rounding correctly.
 */
#ifndef CPU_FP_INTERNAL_H
#define CPU_FP_INTERNAL_H

#include "fp.h"

typedef unsigned __int128 fp_u128;

/* A binary interchange format; sign, exponent and mantissa fields from the top down. */
struct fp_format {
    int exp_bits;
    int man_bits; /* without the implicit leading one */
};

#define FP_FORMAT_H ((struct fp_format){5, 10})
#define FP_FORMAT_S ((struct fp_format){8, 23})
#define FP_FORMAT_D ((struct fp_format){11, 52})

/* Ordered so that "is a NaN" is one comparison. */
enum fp_kind { FP_ZERO, FP_FINITE, FP_INF, FP_QNAN, FP_SNAN };

struct fp_number {
    uint8_t kind; /* enum fp_kind */
    bool sign;
    int32_t exp;  /* exp and sig count for FP_FINITE only */
    uint64_t sig; /* leading one in bit 63 */
};

static inline int fp_bias(struct fp_format f) { return (1 << (f.exp_bits - 1)) - 1; }
static inline int fp_width(struct fp_format f) { return 1 + f.exp_bits + f.man_bits; }
static inline uint64_t fp_mask(struct fp_format f) { return UINT64_MAX >> (64 - fp_width(f)); }
static inline uint64_t fp_sign_bit(struct fp_format f) { return 1ull << (fp_width(f) - 1); }
static inline uint64_t fp_inf_bits(struct fp_format f) { return ((1ull << f.exp_bits) - 1) << f.man_bits; }
static inline uint64_t fp_nan_bits(struct fp_format f) { return fp_inf_bits(f) | 1ull << (f.man_bits - 1); }
static inline uint64_t fp_signed(struct fp_format f, bool sign, uint64_t bits) {
    return sign ? bits | fp_sign_bit(f) : bits;
}
static inline bool fp_is_nan(struct fp_number n) { return n.kind >= FP_QNAN; }
static inline int fp_rounding(const struct hart *h, uint64_t rm) { return rm == RM_DYN ? h->frm : (int)rm; }

/* Takes the format's bits apart; bits above the format's width are ignored. */
struct fp_number fp_unpack(struct fp_format f, uint64_t bits);

/* sig / 2^drop rounded to an integer under rm (0 to 4), drop >= 0; *inexact tells whether anything was rounded away.
 * With drop 0 the result is sig; otherwise it is at most 2^63, so it cannot overflow. */
uint64_t fp_round_shift(uint64_t sig, int drop, bool sign, int rm, bool *inexact);

/* Rounds (-1)^sign * sig * 2^(exp - 63), sig's bit 63 set, to the format and returns its bits; or-s NX, UF and OF into
 * *flags.  Tininess is detected after rounding (manual, chapter "F", "Subnormal Arithmetic"). */
uint64_t fp_pack(struct fp_format f, bool sign, int exp, uint64_t sig, int rm, uint8_t *flags);

/* The canonical NaN, with NV raised when invalid or when any of the operands is a signalling NaN. */
uint64_t fp_invalid(struct hart *h, struct fp_format f, bool invalid);

#endif
