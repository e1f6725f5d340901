// native: no
// riv: --cpu=max
// expect: ok
/* Zba, Zbb, Zbs, Zbc and Zicond against models in C, and fused with neighbours as compilers write them. */
#include "extensions.h"

static uint64_t sext(uint32_t v) { return (uint64_t)(int64_t)(int32_t)v; }
static uint64_t rotate_left(uint64_t v, unsigned n) { return n & 63 ? v << (n & 63) | v >> (64 - (n & 63)) : v; }
static uint32_t rotate_left32(uint32_t v, unsigned n) { return n & 31 ? v << (n & 31) | v >> (32 - (n & 31)) : v; }
static unsigned leading(uint64_t v, unsigned width) {
    unsigned n = 0;
    while (n < width && !(v >> (width - 1 - n) & 1))
        n++;
    return n;
}
static unsigned trailing(uint64_t v, unsigned width) {
    unsigned n = 0;
    while (n < width && !(v >> n & 1))
        n++;
    return n;
}
static unsigned ones(uint64_t v) {
    unsigned n = 0;
    for (; v; v &= v - 1)
        n++;
    return n;
}
static uint64_t carryless(uint64_t a, uint64_t b, unsigned from) { /* bits from..from+63 of the 128-bit product */
    unsigned __int128 product = 0;
    for (unsigned i = 0; i < 64; i++)
        if (b >> i & 1)
            product ^= (unsigned __int128)a << i;
    return (uint64_t)(product >> from);
}
static uint64_t or_combine(uint64_t v) {
    uint64_t r = 0;
    for (unsigned i = 0; i < 64; i += 8)
        if (v >> i & 0xff)
            r |= 0xffull << i;
    return r;
}

int main(void) {
    static const uint64_t corners[] = {0,          1,          ~0ull,      1ull << 63, INT64_MAX,
                                       0x80000000, 0xffffffff, 0x7fffffff, 0x8080,     0xff00ff00ff00ff00,
                                       63,         64,         31,         32};
    uint64_t random = 11;
    for (int i = 0; i < 2000; i++) {
        uint64_t a = check_random(&random), b = check_random(&random);
        if (i < 196)
            a = corners[i / 14], b = corners[i % 14];
        unsigned n = (unsigned)b & 63;
        CHECK_EQ(X_OP(0x33, 2, 0x10, a, b), (a << 1) + b);
        CHECK_EQ(X_OP(0x33, 4, 0x10, a, b), (a << 2) + b);
        CHECK_EQ(X_OP(0x33, 6, 0x10, a, b), (a << 3) + b);
        CHECK_EQ(X_OP(0x3b, 0, 0x04, a, b), (uint32_t)a + b);
        CHECK_EQ(X_OP(0x3b, 2, 0x10, a, b), ((uint64_t)(uint32_t)a << 1) + b);
        CHECK_EQ(X_OP(0x3b, 4, 0x10, a, b), ((uint64_t)(uint32_t)a << 2) + b);
        CHECK_EQ(X_OP(0x3b, 6, 0x10, a, b), ((uint64_t)(uint32_t)a << 3) + b);
        CHECK_EQ(X_IMM(0x1b, 1, 0x08f, a), (uint64_t)(uint32_t)a << 15); /* slli.uw */
        CHECK_EQ(X_OP(0x33, 7, 0x20, a, b), a & ~b);
        CHECK_EQ(X_OP(0x33, 6, 0x20, a, b), a | ~b);
        CHECK_EQ(X_OP(0x33, 4, 0x20, a, b), ~(a ^ b));
        CHECK_EQ(X_IMM(0x13, 1, 0x600, a), leading(a, 64));
        CHECK_EQ(X_IMM(0x13, 1, 0x601, a), trailing(a, 64));
        CHECK_EQ(X_IMM(0x13, 1, 0x602, a), ones(a));
        CHECK_EQ(X_IMM(0x1b, 1, 0x600, a), leading((uint32_t)a, 32));
        CHECK_EQ(X_IMM(0x1b, 1, 0x601, a), trailing((uint32_t)a, 32));
        CHECK_EQ(X_IMM(0x1b, 1, 0x602, a), ones((uint32_t)a));
        CHECK_EQ(X_OP(0x33, 6, 0x05, a, b), (int64_t)a > (int64_t)b ? a : b);
        CHECK_EQ(X_OP(0x33, 7, 0x05, a, b), a > b ? a : b);
        CHECK_EQ(X_OP(0x33, 4, 0x05, a, b), (int64_t)a < (int64_t)b ? a : b);
        CHECK_EQ(X_OP(0x33, 5, 0x05, a, b), a < b ? a : b);
        CHECK_EQ(X_IMM(0x13, 1, 0x604, a), (uint64_t)(int64_t)(int8_t)a);
        CHECK_EQ(X_IMM(0x13, 1, 0x605, a), (uint64_t)(int64_t)(int16_t)a);
        CHECK_EQ(X_OP(0x33, 1, 0x30, a, b), rotate_left(a, n));
        CHECK_EQ(X_OP(0x33, 5, 0x30, a, b), rotate_left(a, 64 - n));
        CHECK_EQ(X_OP(0x3b, 1, 0x30, a, b), sext(rotate_left32((uint32_t)a, n)));
        CHECK_EQ(X_OP(0x3b, 5, 0x30, a, b), sext(rotate_left32((uint32_t)a, 32 - (n & 31))));
        CHECK_EQ(X_IMM(0x13, 5, 0x615, a), rotate_left(a, 64 - 0x15)); /* rori */
        CHECK_EQ(X_IMM(0x1b, 5, 0x60b, a), sext(rotate_left32((uint32_t)a, 32 - 11)));
        CHECK_EQ(X_IMM(0x13, 5, 0x287, a), or_combine(a));
        CHECK_EQ(X_IMM(0x13, 5, 0x6b8, a), __builtin_bswap64(a));
        CHECK_EQ(X_OP(0x33, 1, 0x24, a, b), a & ~(1ull << n));
        CHECK_EQ(X_OP(0x33, 5, 0x24, a, b), a >> n & 1);
        CHECK_EQ(X_OP(0x33, 1, 0x34, a, b), a ^ 1ull << n);
        CHECK_EQ(X_OP(0x33, 1, 0x14, a, b), a | 1ull << n);
        CHECK_EQ(X_IMM(0x13, 1, 0x4a9, a), a & ~(1ull << 41));
        CHECK_EQ(X_IMM(0x13, 5, 0x4bf, a), a >> 63);
        CHECK_EQ(X_IMM(0x13, 1, 0x69f, a), a ^ 1ull << 31);
        CHECK_EQ(X_IMM(0x13, 1, 0x2a0, a), a | 1ull << 32);
        CHECK_EQ(X_OP(0x33, 1, 0x05, a, b), carryless(a, b, 0));
        CHECK_EQ(X_OP(0x33, 3, 0x05, a, b), carryless(a, b, 64));
        CHECK_EQ(X_OP(0x33, 2, 0x05, a, b), carryless(a, b, 63));
        uint64_t c = i & 1 ? b : 0;
        CHECK_EQ(X_OP(0x33, 5, 0x07, a, c), c ? a : 0);
        CHECK_EQ(X_OP(0x33, 7, 0x07, a, c), c ? 0 : a);
        /* Destination and both operands one register. */
        uint64_t same = a;
        __asm__ volatile(".insn r 0x33, 1, 0x30, %0, %0, %0\n .insn r 0x33, 2, 0x10, %0, %0, %0" : "+r"(same));
        uint64_t rotated = rotate_left(a, (unsigned)a & 63);
        CHECK_EQ(same, (rotated << 1) + rotated);
        uint64_t amount = b; /* the amount is overwritten */
        __asm__ volatile(".insn r 0x33, 5, 0x30, %0, %1, %0" : "+r"(amount) : "r"(a));
        CHECK_EQ(amount, rotate_left(a, 64 - n));
        /* A select: czero.eqz, czero.nez, or. */
        uint64_t picked;
        __asm__ volatile(".insn r 0x33, 5, 0x07, t0, %1, %3\n .insn r 0x33, 7, 0x07, t1, %2, %3\n or %0, t0, t1"
                         : "=r"(picked)
                         : "r"(a), "r"(b), "r"(c)
                         : "t0", "t1");
        CHECK_EQ(picked, c ? a : b);
    }
    puts("ok");
}
