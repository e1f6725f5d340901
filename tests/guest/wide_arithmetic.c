// cflags: -ffp-contract=off
/* Arithmetic wider than a register: 128-bit integers, quad-precision floating point, big numbers, carries and overflow.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdbool.h>
#include <string.h>

typedef unsigned __int128 u128;
typedef __int128 s128;
#ifdef __riscv
typedef long double quad; /* already 128 bits there */
#else
typedef __float128 quad;
#endif
_Static_assert(sizeof(quad) == 16, "quad precision");

static void show(const char *name, u128 v) {
    printf("%s %016llx%016llx\n", name, (unsigned long long)(v >> 64), (unsigned long long)v);
}
static void show_quad(const char *name, quad v) {
    u128 bits;
    memcpy(&bits, &v, 16);
    if (v != v)
        bits = 0;
    show(name, bits);
}

int main(void) {
    u128 a = 1, b = ((u128)0x0123456789abcdef << 64) | 0xfedcba9876543210, hash = 0;
    for (volatile int i = 0; i < 2000; i++) {
        a = a * 0x10001 + b;
        b = (b << (i % 127 + 1)) | (b >> (127 - i % 127));
        hash ^= a / (b | 1) + a % (b >> (i % 100) | 3);
        s128 sa = (s128)a, sb = (s128)b;
        hash = hash * 5 + (u128)(sa / (sb | 1)) + (u128)(sa >> (i % 128)) + (a > b) + (u128)(sa < sb) * 2;
    }
    show("integers", hash);

    uint64_t limbs[64] = {1}, low;
    for (uint64_t n = 2; n <= 300; n++) {
        uint64_t carry = 0;
        for (int i = 0; i < 64; i++) {
            u128 t = (u128)limbs[i] * n + carry;
            limbs[i] = (uint64_t)t;
            carry = (uint64_t)(t >> 64);
        }
    }
    u128 sum = 0;
    for (int i = 0; i < 64; i++)
        sum = sum * 31 + limbs[i];
    show("factorial", sum);
    int overflows = 0;
    for (volatile int i = 0; i < 1000; i++) {
        int64_t r;
        int32_t w;
        overflows += __builtin_mul_overflow((int64_t)limbs[i % 30], i + 1, &r) +
                     __builtin_add_overflow((int64_t)limbs[i % 29], INT64_MAX / 2, &r) +
                     __builtin_sub_overflow((int32_t)limbs[i % 28], 1 << 30, &w) +
                     __builtin_add_overflow(limbs[i % 27], limbs[i % 26], &low);
    }
    printf("overflows %d\n", overflows);

    quad x = 1, y = 3, z = 0;
    for (volatile int i = 1; i < 300; i++) {
        z += x / y;
        x = x * (quad)1.5 - (quad)i;
        y = y + (quad)(i * 0.1);
        if (i % 50 == 0)
            show_quad("quad", z);
    }
    show_quad("quad", x);
    printf("%d %d %lld %g %llu\n", z < x, z == z, (long long)(z * 1e10), (double)z, (unsigned long long)(quad)1e18);
    show_quad("from int", (quad)(s128)-12345);
    show_quad("from float", (quad)0.1f);
}
