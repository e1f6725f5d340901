// native: no
// riv: --cpu=max
// expect: ok
/* Zfa: constants, rounding to integers, minimum and maximum that pass NaNs on, quiet comparisons, modular conversion.
 */
#include "extensions.h"

#define FLI(funct7, index)                                                                                             \
    ({                                                                                                                 \
        double r_;                                                                                                     \
        __asm__ volatile(".insn r 0x53, 0, " #funct7 ", %0, x" #index ", x1" : "=f"(r_));                              \
        F_BITS(r_);                                                                                                    \
    })
static uint64_t d(double v) { return F_BITS(v); }
#define NAN_D 0x7ff8000000000000u
#define SNAN_D 0x7ff0000000000001u
#define INF_D 0x7ff0000000000000u

int main(void) {
    for (int round = 0; round < 200; round++) {
        /* table "Immediate values loaded by the FLI instructions" */
        EXPECT(FLI(0x79, 0), d(-1), 0);
        EXPECT(FLI(0x79, 1), 0x0010000000000000, 0);
        EXPECT(FLI(0x79, 2), d(0x1p-16), 0);
        EXPECT(FLI(0x79, 3), d(0x1p-15), 0);
        EXPECT(FLI(0x79, 4), d(0x1p-8), 0);
        EXPECT(FLI(0x79, 5), d(0x1p-7), 0);
        EXPECT(FLI(0x79, 6), d(0.0625), 0);
        EXPECT(FLI(0x79, 7), d(0.125), 0);
        EXPECT(FLI(0x79, 8), d(0.25), 0);
        EXPECT(FLI(0x79, 9), d(0.3125), 0);
        EXPECT(FLI(0x79, 10), d(0.375), 0);
        EXPECT(FLI(0x79, 11), d(0.4375), 0);
        EXPECT(FLI(0x79, 12), d(0.5), 0);
        EXPECT(FLI(0x79, 15), d(0.875), 0);
        EXPECT(FLI(0x79, 16), d(1), 0);
        EXPECT(FLI(0x79, 17), d(1.25), 0);
        EXPECT(FLI(0x79, 19), d(1.75), 0);
        EXPECT(FLI(0x79, 20), d(2), 0);
        EXPECT(FLI(0x79, 22), d(3), 0);
        EXPECT(FLI(0x79, 23), d(4), 0);
        EXPECT(FLI(0x79, 26), d(128), 0);
        EXPECT(FLI(0x79, 28), d(32768), 0);
        EXPECT(FLI(0x79, 29), d(65536), 0);
        EXPECT(FLI(0x79, 30), INF_D, 0);
        EXPECT(FLI(0x79, 31), NAN_D, 0);
        EXPECT(FLI(0x78, 0), BOX_S(0xbf800000), 0);
        EXPECT(FLI(0x78, 1), BOX_S(0x00800000), 0);
        EXPECT(FLI(0x78, 18), BOX_S(0x3fc00000), 0);
        EXPECT(FLI(0x78, 31), BOX_S(0x7fc00000), 0);
        EXPECT(FLI(0x7a, 1), BOX_H(0x0400), 0);
        EXPECT(FLI(0x7a, 2), BOX_H(0x0100), 0);
        EXPECT(FLI(0x7a, 16), BOX_H(0x3c00), 0);
        EXPECT(FLI(0x7a, 29), BOX_H(0x7c00), 0);

        /* fround.d (4) and froundnx.d (5) in each static mode */
        EXPECT(F_OP1(0, 0x21, x4, d(2.5)), d(2), 0);
        EXPECT(F_OP1(1, 0x21, x4, d(-2.75)), d(-2), 0);
        EXPECT(F_OP1(2, 0x21, x4, d(-2.25)), d(-3), 0);
        EXPECT(F_OP1(3, 0x21, x4, d(2.25)), d(3), 0);
        EXPECT(F_OP1(4, 0x21, x4, d(2.5)), d(3), 0);
        EXPECT(F_OP1(0, 0x21, x5, d(2.5)), d(2), NX);
        EXPECT(F_OP1(0, 0x21, x5, d(3)), d(3), 0);
        EXPECT(F_OP1(0, 0x21, x4, d(-0.25)), 1ull << 63, 0);
        EXPECT(F_OP1(0, 0x21, x5, 0x4340000000000001), 0x4340000000000001, 0);
        EXPECT(F_OP1(0, 0x21, x4, INF_D), INF_D, 0);
        EXPECT(F_OP1(0, 0x21, x4, SNAN_D), NAN_D, NV);
        EXPECT(F_OP1(0, 0x21, x4, NAN_D | 5), NAN_D, 0);
        EXPECT(F_OP1(3, 0x20, x5, BOX_S(0x00000001)), BOX_S(0x3f800000), NX);
        EXPECT(F_OP1(4, 0x20, x4, BOX_S(0x3f000000)), BOX_S(0x3f800000), 0);
        EXPECT(F_OP1(0, 0x20, x4, 0x3f000000), BOX_S(0x7fc00000), 0); /* not boxed */

        /* fminm, fmaxm */
        EXPECT(F_OP(2, 0x15, d(1), NAN_D), NAN_D, 0);
        EXPECT(F_OP(3, 0x15, NAN_D | 9, d(1)), NAN_D, 0);
        EXPECT(F_OP(2, 0x15, d(1), SNAN_D), NAN_D, NV);
        EXPECT(F_OP(2, 0x15, 0, 1ull << 63), 1ull << 63, 0);
        EXPECT(F_OP(3, 0x15, 1ull << 63, 0), 0, 0);
        EXPECT(F_OP(2, 0x15, d(-3), d(4)), d(-3), 0);
        EXPECT(F_OP(3, 0x14, BOX_S(0x40400000), BOX_S(0x40000000)), BOX_S(0x40400000), 0);

        /* fleq, fltq */
        EXPECT(FX_OP(4, 0x51, d(1), d(1)), 1, 0);
        EXPECT(FX_OP(5, 0x51, d(1), d(1)), 0, 0);
        EXPECT(FX_OP(4, 0x51, NAN_D, d(1)), 0, 0);
        EXPECT(FX_OP(5, 0x51, d(1), NAN_D), 0, 0);
        EXPECT(FX_OP(5, 0x51, SNAN_D, d(1)), 0, NV);
        EXPECT(FX_OP(5, 0x50, BOX_S(0xbf800000), BOX_S(0)), 1, 0);

        /* fcvtmod.w.d: rs2 = 8, rounding mode field 1 (rtz) */
        EXPECT(FX_OP1(1, 0x61, x8, d(5.75)), 5, NX);
        EXPECT(FX_OP1(1, 0x61, x8, d(-5.75)), (uint64_t)-5, NX);
        EXPECT(FX_OP1(1, 0x61, x8, d(2147483648.0)), 0xffffffff80000000, NV);
        EXPECT(FX_OP1(1, 0x61, x8, d(4294967297.0)), 1, NV);
        EXPECT(FX_OP1(1, 0x61, x8, d(-4294967299.0)), (uint64_t)-3, NV);
        EXPECT(FX_OP1(1, 0x61, x8, d(0x1p83)), 0, NV);
        EXPECT(FX_OP1(1, 0x61, x8, d(0x1.8p32)), 0xffffffff80000000, NV);
        EXPECT(FX_OP1(1, 0x61, x8, d(0x1.00000001p52)), 0x100000, NV);
        EXPECT(FX_OP1(1, 0x61, x8, INF_D), 0, NV);
        EXPECT(FX_OP1(1, 0x61, x8, NAN_D), 0, NV);
    }
    puts("ok");
}
