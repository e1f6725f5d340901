// native: no
// riv: --cpu=max
// expect: ok
/* Zfh: half precision, through single precision where that is exact, and by the manual's rules elsewhere. */
#include "extensions.h"
#include <stdbool.h>

#define NAN_H 0x7e00u
static uint64_t to_half(float f) {
    double r;
    __asm__ volatile(".insn r 0x53, 0, 0x22, %0, %1, x0" : "=f"(r) : "f"(f)); /* fcvt.h.s rne */
    return F_BITS(r);
}
static float from_half(uint64_t h) {
    float r;
    __asm__ volatile(".insn r 0x53, 0, 0x20, %0, %1, x2" : "=f"(r) : "f"(F_OF(h))); /* fcvt.s.h */
    return r;
}

int main(void) {
    /* Every half goes to single and back unchanged; NaNs come back canonical. */
    for (uint32_t h = 0; h < 0x10000; h++) {
        uint64_t back = to_half(from_half(BOX_H(h)));
        CHECK_EQ(back, (h & 0x7fff) > 0x7c00 ? BOX_H(NAN_H) : BOX_H(h));
    }
    uint64_t random = 5;
    for (int i = 0; i < 20000; i++) {
        uint64_t r = check_random(&random);
        uint64_t a = BOX_H(r & 0xffff), b = BOX_H(r >> 16 & 0xffff);
        float x = from_half(a), y = from_half(b);
        bool nan = x != x || y != y;
        /* Sums, products and quotients of halves are rounded once by way of single: 24 >= 2 * 11 + 2 bits. */
        uint64_t sum = to_half(x + y), product = to_half(x * y), quotient = to_half(x / y);
        CHECK_EQ(F_OP(0, 0x02, a, b), sum);
        CHECK_EQ(F_OP(0, 0x0a, a, b), product);
        CHECK_EQ(F_OP(0, 0x0e, a, b), quotient);
        CHECK_EQ(FX_OP(2, 0x52, a, b), x == y);
        CHECK_EQ(FX_OP(1, 0x52, a, b), !nan && x < y);
        CHECK_EQ(FX_OP(0, 0x52, a, b), !nan && x <= y);
        CHECK_EQ(F_OP(0, 0x12, a, b), (a & ~0x8000ull) | (b & 0x8000));
        CHECK_EQ(F_OP(1, 0x12, a, b), (a & ~0x8000ull) | (~b & 0x8000));
        CHECK_EQ(F_OP(2, 0x12, a, b), a ^ (b & 0x8000));
        if (!nan && x != y) {
            CHECK_EQ(F_OP(0, 0x16, a, b), x < y ? a : b);
            CHECK_EQ(F_OP(1, 0x16, a, b), x > y ? a : b);
        }
        if (!nan && x < 30000 && x > -30000)
            CHECK_EQ(FX_OP1(1, 0x62, x0, a), (uint64_t)(int64_t)(int32_t)x); /* fcvt.w.h rtz */
        int16_t small = (int16_t)(r >> 40) / 16;
        double h;
        __asm__ volatile(".insn r 0x53, 0, 0x6a, %0, %1, x0" : "=f"(h) : "r"((long)small)); /* fcvt.h.w */
        CHECK_EQ(F_BITS(h), to_half(small));
    }
    for (int round = 0; round < 100; round++) {
        EXPECT(F_OP(0, 0x02, 0x3c00, BOX_H(0x3c00)), BOX_H(NAN_H), 0); /* not boxed */
        EXPECT(F_OP(0, 0x02, BOX_H(0x3c00), BOX_S(0x3c00)), BOX_H(NAN_H), 0);
        EXPECT(F_OP(0, 0x0a, BOX_H(0x7bff), BOX_H(0x4000)), BOX_H(0x7c00), OF | NX);
        EXPECT(F_OP(1, 0x0a, BOX_H(0x7bff), BOX_H(0x4000)), BOX_H(0x7bff), OF | NX);
        EXPECT(F_OP(0, 0x0a, BOX_H(0x0001), BOX_H(0x3800)), BOX_H(0), UF | NX);
        EXPECT(F_OP(4, 0x0a, BOX_H(0x0001), BOX_H(0x3800)), BOX_H(1), UF | NX);
        EXPECT(F_OP(0, 0x0e, BOX_H(0x3c00), BOX_H(0)), BOX_H(0x7c00), DZ);
        EXPECT(F_OP1(0, 0x2e, x0, BOX_H(0xbc00)), BOX_H(NAN_H), NV); /* fsqrt.h */
        EXPECT(F_OP1(0, 0x2e, x0, BOX_H(0x4400)), BOX_H(0x4000), 0);
        EXPECT(FX_OP1(1, 0x72, x0, BOX_H(0x7c01)), 1 << 8, 0);             /* fclass.h */
        EXPECT(FX_OP1(0, 0x72, x0, 0x8001), 0xffffffffffff8001, 0);        /* fmv.x.h does not check boxing */
        EXPECT(F_OP1(0, 0x22, x1, 0x3ff0020000000000), BOX_H(0x3c00), NX); /* fcvt.h.d: a tie to even */
        EXPECT(F_OP1(0, 0x21, x2, BOX_H(0x3555)), 0x3fd5540000000000, 0);  /* fcvt.d.h */
        uint16_t memory[4] = {0x1234, 0xbc00, 0, 0x5555};
        double h;
        __asm__ volatile(".insn i 0x07, 1, %0, 2(%1)\n .insn s 0x27, 1, %0, 4(%1)"
                         : "=f"(h)
                         : "r"(memory)
                         : "memory"); /* flh, fsh */
        CHECK_EQ(F_BITS(h), BOX_H(0xbc00));
        CHECK_EQ(memory[2], 0xbc00);
        CHECK_EQ(memory[3], 0x5555);
    }
    puts("ok");
}
