/* fp.h: IEEE 754 arithmetic exactly as RISC-V defines it, in integer code: all five rounding modes, flags, canonical NaNs.
 *
 * These are the reference and the cold path; the interpreter and generated code use the host's FPU where it agrees.
 * Values are raw bits in the low bits of a uint64_t, not NaN-boxed.  rm is the instruction's field: 0 to 4, or 7 for
 * hart.frm (the caller has checked that the mode in force is valid).  Flags are or-ed into hart.fflags.  Every function
 * has the shape of a translator helper, fn(hart, a, b, c, imm); what it does not need is ignored.
 * fp.c and fp_convert.c are compiled for general registers only: they never touch the host's vector registers.
 *
 * Source: unprivileged manual, chapters "F", "D", "Zfh" and "Zfa"; IEEE 754-2019.
 */
#ifndef CPU_FP_H
#define CPU_FP_H

#include "hart.h"

typedef uint64_t hart_helper(struct hart *h, uint64_t a, uint64_t b, uint64_t c, uint64_t imm);

/* NAME_h, NAME_s, NAME_d for each format. */
#define FP_FORMATS(name) hart_helper name##_h, name##_s, name##_d

FP_FORMATS(fp_add);   /* imm = rm */
FP_FORMATS(fp_sub);
FP_FORMATS(fp_mul);
FP_FORMATS(fp_div);
FP_FORMATS(fp_sqrt);
FP_FORMATS(fp_madd);  /* a * b + c, rounded once; inf * 0 raises NV even when c is a quiet NaN */
FP_FORMATS(fp_min);   /* minimumNumber; -0 < +0 */
FP_FORMATS(fp_max);
FP_FORMATS(fp_minm);  /* Zfa: minimum: any NaN gives the canonical NaN */
FP_FORMATS(fp_maxm);
FP_FORMATS(fp_eq);    /* quiet */
FP_FORMATS(fp_lt);    /* signalling */
FP_FORMATS(fp_le);
FP_FORMATS(fp_ltq);   /* quiet */
FP_FORMATS(fp_leq);
FP_FORMATS(fp_class); /* the ten-bit class mask */
FP_FORMATS(fp_round);   /* to integral value, no NX */
FP_FORMATS(fp_roundnx); /* the same, raises NX when the value changes */
FP_FORMATS(fp_to_w);  /* saturating; the 32-bit result is sign-extended, for wu too */
FP_FORMATS(fp_to_wu);
FP_FORMATS(fp_to_l);
FP_FORMATS(fp_to_lu);
FP_FORMATS(fp_from_w); /* a is the x register's value; for w and wu the low 32 bits count */
FP_FORMATS(fp_from_wu);
FP_FORMATS(fp_from_l);
FP_FORMATS(fp_from_lu);
FP_FORMATS(fp_li);    /* a = 0 to 31: Zfa's constants */
hart_helper fp_cvt_h_s, fp_cvt_h_d, fp_cvt_s_h, fp_cvt_s_d, fp_cvt_d_h, fp_cvt_d_s; /* fp_cvt_TO_FROM */
hart_helper fp_modw;  /* fcvtmod.w.d */

#define FP_CANONICAL_H 0x7e00u
#define FP_CANONICAL_S 0x7fc00000u
#define FP_CANONICAL_D 0x7ff8000000000000u

/* NaN boxing: what an instruction of the narrower format reads from, and writes to, an f register. */
static inline uint64_t fp_unbox_s(uint64_t raw) { return raw >> 32 == 0xffffffffu ? (uint32_t)raw : FP_CANONICAL_S; }
static inline uint64_t fp_unbox_h(uint64_t raw) { return raw >> 16 == 0xffffffffffffu ? (uint16_t)raw : FP_CANONICAL_H; }
static inline uint64_t fp_unbox_d(uint64_t raw) { return raw; }
static inline uint64_t fp_box_s(uint64_t v) { return v | 0xffffffff00000000u; }
static inline uint64_t fp_box_h(uint64_t v) { return v | 0xffffffffffff0000u; }
static inline uint64_t fp_box_d(uint64_t v) { return v; }

#endif
