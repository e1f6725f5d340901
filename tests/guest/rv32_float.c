// native: no
// cflags: -march=rv32gc -mabi=ilp32d -nostdlib -nostartfiles -ffreestanding -ffp-contract=off -fno-math-errno -static
// -Wl,-melf32lriscv expect: double aa49ab03b8550eee
/* Floating point of rv32gc: doubles that pass through memory, conversions to 32 bits, compressed loads and stores of
 * singles, which rv64 does not have. */
#include "rv32.h"

static uint64_t bits_of(double d) {
    union {
        double d;
        uint64_t u;
    } u = {d};
    return u.u;
}
__attribute__((noinline)) static double horner(const double *c, int n, double x) {
    double r = 0;
    while (n--)
        r = r * x + c[n];
    return r;
}
__attribute__((noinline)) static float dot(const float *a, const float *b, int n) {
    float r = 0;
    for (int i = 0; i < n; i++)
        r += a[i] * b[i];
    return r;
}

int main(void) {
    static double c[16];
    static float a[64], b[64];
    uint64_t hash = 0;
    for (int round = 0; round < 200; round++) {
        for (int i = 0; i < 16; i++)
            c[i] = (double)(i * 7 - round) / (i + 1);
        for (int i = 0; i < 64; i++)
            a[i] = (float)(i - 32) / 3, b[i] = (float)(round * i) * 0.01f;
        double h = horner(c, 16, 1.0 / (round + 1));
        float d = dot(a, b, 64);
        hash = hash * 31 + bits_of(h) + bits_of(d) + (word)(int)(h * 1000) + (word)(d < h ? -d : d);
        hash ^= (word)__builtin_sqrt(h * h + 1);
    }
    put_hex("double", hash);
    word saturated;
    __asm__ volatile("fcvt.w.d %0, %1, rtz" : "=r"(saturated) : "f"(1e30));
    word unsigned_too;
    __asm__ volatile("fcvt.wu.d %0, %1, rtz" : "=r"(unsigned_too) : "f"(3e9));
    return saturated != 0x7fffffff || unsigned_too != 3000000000u;
}
