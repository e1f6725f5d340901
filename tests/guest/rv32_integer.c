// native: no
// cflags: -march=rv32gc -mabi=ilp32d -nostdlib -nostartfiles -ffreestanding -static -Wl,-melf32lriscv
// expect: mix 00000000ac45ca0a
// expect: wide cc8f054c2061a293
/* Integer arithmetic of rv32gc: 32-bit registers, 64-bit values in pairs, shifts by the low five bits, M and A. */
#include "rv32.h"

static word random_state = 1;
static word next(void) { return random_state = random_state * 1664525 + 1013904223; }

static word sort_and_sum(void) {
    static word a[500];
    for (int i = 0; i < 500; i++)
        a[i] = next();
    for (int i = 1; i < 500; i++) {
        word v = a[i];
        int k = i;
        for (; k && a[k - 1] > v; k--)
            a[k] = a[k - 1];
        a[k] = v;
    }
    word sum = 0;
    for (int i = 0; i < 500; i++)
        sum = sum * 31 + a[i];
    return sum;
}

__attribute__((noinline)) static uint64_t wide(uint64_t a, uint64_t b) {
    uint64_t r = a * b + (a >> 7 ^ b << 9) - (uint64_t)((int64_t)a >> 40);
    return r + (a < b) + ((int64_t)a < (int64_t)b);
}
__attribute__((noinline)) static word fibonacci(word n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }

#define OP(name, a, b)                                                                                                 \
    ({                                                                                                                 \
        word r_;                                                                                                       \
        __asm__ volatile(#name " %0, %1, %2" : "=r"(r_) : "r"((word)(a)), "r"((word)(b)));                             \
        r_;                                                                                                            \
    })
static int failures;
#define CHECK_EQ(got, want)                                                                                            \
    do {                                                                                                               \
        word got_ = (got), want_ = (word)(want);                                                                       \
        if (got_ != want_) {                                                                                           \
            put_hex(#got, got_);                                                                                       \
            put_hex("  expected", want_);                                                                              \
            failures++;                                                                                                \
        }                                                                                                              \
    } while (0)

int main(void) {
    for (int i = 0; i < 300; i++) {
        static const word corners[] = {0, 1, ~0u, 1u << 31, ~0u >> 1, 31, 32, 33};
        word a = i < 64 ? corners[i / 8] : next(), b = i < 64 ? corners[i % 8] : next();
        int sa = (int)a, sb = (int)b;
        int over = a == 1u << 31 && b == ~0u;
        CHECK_EQ(OP(sll, a, b), a << (b & 31));
        CHECK_EQ(OP(srl, a, b), a >> (b & 31));
        CHECK_EQ(OP(sra, a, b), sa >> (b & 31));
        CHECK_EQ(OP(slt, a, b), sa < sb);
        CHECK_EQ(OP(sltu, a, b), a < b);
        CHECK_EQ(OP(mulh, a, b), (uint64_t)((int64_t)sa * sb) >> 32);
        CHECK_EQ(OP(mulhu, a, b), (uint64_t)a * b >> 32);
        CHECK_EQ(OP(mulhsu, a, b), (uint64_t)((int64_t)sa * (int64_t)(uint64_t)b) >> 32);
        CHECK_EQ(OP(div, a, b), !b ? ~0u : over ? a : (word)(sa / sb));
        CHECK_EQ(OP(rem, a, b), !b ? a : over ? 0 : (word)(sa % sb));
        CHECK_EQ(OP(divu, a, b), !b ? ~0u : a / b);
        CHECK_EQ(OP(remu, a, b), !b ? a : a % b);
        volatile word memory = a;
        word old;
        __asm__ volatile("amomaxu.w %0, %1, (%2)" : "=r"(old) : "r"(b), "r"(&memory) : "memory");
        CHECK_EQ(old, a);
        CHECK_EQ(memory, a > b ? a : b);
        __asm__ volatile("1: lr.w %0, (%2)\n add %0, %0, %1\n sc.w t0, %0, (%2)\n bnez t0, 1b"
                         : "=&r"(old)
                         : "r"(b), "r"(&memory)
                         : "t0", "memory");
        CHECK_EQ(memory, (a > b ? a : b) + b);
    }
    random_state = 1;
    put_hex("mix", sort_and_sum());
    uint64_t w = 0, v = 1;
    for (int i = 0; i < 1000; i++) {
        v = v * 6364136223846793005u + 1442695040888963407u;
        w = w * 3 + wide(v, v >> 11 | v << 53);
    }
    put_hex("wide", w + fibonacci(18));
    return failures;
}
