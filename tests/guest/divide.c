// native: no
// expect: ok
/* Division by zero and overflow have results, not traps. */
#include "check.h"
#include <stdbool.h>

#define OP(name, a, b)                                                                                                 \
    ({                                                                                                                 \
        uint64_t r_;                                                                                                   \
        __asm__ volatile(#name " %0, %1, %2" : "=r"(r_) : "r"((uint64_t)(a)), "r"((uint64_t)(b)));                     \
        r_;                                                                                                            \
    })
/* The destination is one of the operands. */
#define OP_OVER(name, a, b)                                                                                            \
    ({                                                                                                                 \
        uint64_t r_ = (uint64_t)(a);                                                                                   \
        __asm__ volatile(#name " %0, %0, %1" : "+r"(r_) : "r"((uint64_t)(b)));                                         \
        r_;                                                                                                            \
    })
#define SEXT(v) ((uint64_t)(int64_t)(int32_t)(v))

int main(void) {
    static const uint64_t values[] = {0,
                                      1,
                                      2,
                                      3,
                                      7,
                                      ~0ull,
                                      ~1ull,
                                      0x7fffffff,
                                      0x80000000,
                                      0xffffffff,
                                      0xffffffff80000000,
                                      0x7fffffffffffffff,
                                      0x8000000000000000,
                                      0x8000000000000001,
                                      0x123456789abcdef};
    enum { N = sizeof values / sizeof values[0] };
    for (int round = 0; round < 30; round++)
        for (int i = 0; i < N; i++)
            for (int k = 0; k < N; k++) {
                uint64_t a = values[i], b = values[k];
                int64_t sa = (int64_t)a, sb = (int64_t)b;
                int32_t wa = (int32_t)a, wb = (int32_t)b;
                uint32_t ua = (uint32_t)a, ub = (uint32_t)b;
                bool over = sa == INT64_MIN && sb == -1, over_w = wa == INT32_MIN && wb == -1;
                CHECK_EQ(OP(div, a, b), !b ? ~0ull : over ? a : (uint64_t)(sa / sb));
                CHECK_EQ(OP(rem, a, b), !b ? a : over ? 0 : (uint64_t)(sa % sb));
                CHECK_EQ(OP(divu, a, b), !b ? ~0ull : a / b);
                CHECK_EQ(OP(remu, a, b), !b ? a : a % b);
                CHECK_EQ(OP(divw, a, b), !wb ? ~0ull : over_w ? SEXT(wa) : SEXT(wa / wb));
                CHECK_EQ(OP(remw, a, b), !wb ? SEXT(wa) : over_w ? 0 : SEXT(wa % wb));
                CHECK_EQ(OP(divuw, a, b), !ub ? ~0ull : SEXT(ua / ub));
                CHECK_EQ(OP(remuw, a, b), !ub ? SEXT(ua) : SEXT(ua % ub));
                CHECK_EQ(OP_OVER(div, a, b), !b ? ~0ull : over ? a : (uint64_t)(sa / sb));
                CHECK_EQ(OP_OVER(remw, a, b), !wb ? SEXT(wa) : over_w ? 0 : SEXT(wa % wb));
                CHECK_EQ(OP(mulh, a, b), (uint64_t)((__int128)sa * sb >> 64));
                CHECK_EQ(OP(mulhu, a, b), (uint64_t)((unsigned __int128)a * b >> 64));
                CHECK_EQ(OP(mulhsu, a, b), (uint64_t)((__int128)sa * (__int128)(unsigned __int128)b >> 64));
            }
    puts("ok");
}
