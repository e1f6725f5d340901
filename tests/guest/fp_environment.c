// cflags: -ffp-contract=off -frounding-math -fno-builtin -O1
/* Every basic operation in the four rounding modes that hosts have too: results and flags, compared with the native
 * run. Which NaN comes out differs between machines, so NaNs are only named. */
#include <fenv.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const uint64_t corners[] = {
    0,
    0x8000000000000000,
    0x3ff0000000000000,
    0xbff0000000000000,
    0x7ff0000000000000,
    0xfff0000000000000,
    0x7ff8000000000000,
    0x7ff0000000000001,
    0x0000000000000001,
    0x000fffffffffffff,
    0x0010000000000000,
    0x7fefffffffffffff,
    0x3ff0000000000001,
    0x3fefffffffffffff,
    0x4340000000000001,
    0x41dfffffffe00000,
    0x41e0000000000000,
    0xc1e0000000200000,
    0x43e0000000000000,
    0x3fe0000000000000,
    0x3fd5555555555555,
    0x47efffffe0000000,
    0x47effffff0000000,
    0x36a0000000000000,
    0x3690000000000000,
    0x3810000000000000,
    0x380fffffffffffff,
    0x3ca0000000000000,
    0x400921fb54442d18,
    0x0008000000000001,
};
enum { N = sizeof corners / sizeof corners[0] };
static uint64_t hash;
static unsigned long count;

static void mix(uint64_t value) {
    hash = (hash ^ value) * 0x100000001b3;
    hash ^= hash >> 29;
    count++;
}
static void note_d(double v) {
    uint64_t bits;
    memcpy(&bits, &v, 8);
    mix(v != v ? 0x7ff8 : bits);
}
static void note_f(float v) {
    uint32_t bits;
    memcpy(&bits, &v, 4);
    mix(v != v ? 0x7fc0 : bits);
}
static void note_flags(void) {
    mix((uint64_t) !!fetestexcept(FE_INVALID) << 4 | (uint64_t) !!fetestexcept(FE_DIVBYZERO) << 3 |
        (uint64_t) !!fetestexcept(FE_OVERFLOW) << 2 | (uint64_t) !!fetestexcept(FE_UNDERFLOW) << 1 |
        (uint64_t) !!fetestexcept(FE_INEXACT));
}

#define DO(type, note, expression)                                                                                     \
    do {                                                                                                               \
        feclearexcept(FE_ALL_EXCEPT);                                                                                  \
        volatile type result = expression;                                                                             \
        note_flags();                                                                                                  \
        note(result);                                                                                                  \
    } while (0)

int main(void) {
    static const int modes[] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};
    static const char *const names[] = {"nearest", "zero", "down", "up"};
    volatile double a, b, c;
    volatile float x, y, z;
    for (int mode = 0; mode < 4; mode++) {
        fesetround(modes[mode]);
        for (int i = 0; i < N; i++)
            for (int k = 0; k < N; k++) {
                double da, db;
                memcpy(&da, &corners[i], 8);
                memcpy(&db, &corners[k], 8);
                a = da, b = db, c = corners[(i * 7 + k) % N] & 1 ? da : -1.0;
                x = (float)da, y = (float)db, z = (float)c;
                DO(double, note_d, a + b);
                DO(double, note_d, a - b);
                DO(double, note_d, a *b);
                DO(double, note_d, a / b);
                DO(double, note_d, sqrt(a));
                DO(double, note_d, fma(a, b, c));
                DO(double, note_d, fma(-a, b, -c));
                DO(float, note_f, (float)a);
                DO(double, note_d, (double)x);
                DO(float, note_f, x + y);
                DO(float, note_f, x - y);
                DO(float, note_f, x *y);
                DO(float, note_f, x / y);
                DO(float, note_f, sqrtf(x));
                DO(float, note_f, fmaf(x, y, z));
                DO(int, mix, a == b);
                DO(int, mix, a < b);
                DO(int, mix, a <= b);
                DO(int, mix, x > y);
                DO(double, note_d, (double)(int32_t)corners[k]);
                DO(double, note_d, (double)(int64_t)corners[k]);
                DO(float, note_f, (float)(int64_t)corners[k]);
                DO(float, note_f, (float)(uint64_t)corners[k]);
                DO(float, note_f, (float)(uint32_t)(corners[k] >> 20));
                if (fabs(a) < 9e18) { /* beyond, machines differ */
                    DO(int64_t, mix, (uint64_t)(int64_t)a);
                    DO(int64_t, mix, (uint64_t)llrint(a));
                }
                if (fabs(a) < 2e9)
                    DO(int32_t, mix, (uint32_t)(int32_t)a);
            }
        printf("%s %lu %016llx\n", names[mode], count, (unsigned long long)hash);
    }
    /* Flags stay until they are cleared, through calls and loops. */
    fesetround(FE_TONEAREST);
    feclearexcept(FE_ALL_EXCEPT);
    a = 1, b = 3;
    c = a / b;
    for (int i = 0; i < 1000; i++)
        a = a + 1;
    printf("kept %d\n", !!fetestexcept(FE_INEXACT));
    fenv_t saved;
    feholdexcept(&saved);
    c = a / 0.0;
    printf("held %d %d\n", !!fetestexcept(FE_INEXACT), !!fetestexcept(FE_DIVBYZERO));
    feupdateenv(&saved);
    printf("merged %d %d\n", !!fetestexcept(FE_INEXACT), !!fetestexcept(FE_DIVBYZERO));
}
