/* expect.h: calling and checking the functions of cpu/fp.h, for the unit tests of floating point. */
#ifndef TESTS_FP_EXPECT_H
#define TESTS_FP_EXPECT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "../../cpu/fp.h"
#include "operands.h"

enum { CASES = 8000, NX = FFLAG_NX, UF = FFLAG_UF, OF = FFLAG_OF, DZ = FFLAG_DZ, NV = FFLAG_NV };

struct outcome {
    uint64_t bits;
    unsigned flags;
};

/* Calls one of our functions with a static rounding mode, and another in frm, which must not matter. */
static inline struct outcome call(hart_helper *f, uint64_t a, uint64_t b, uint64_t c, int rm) {
    static struct hart hart;
    hart.fflags = 0;
    hart.frm = (uint8_t)((rm + 1) % 5);
    uint64_t bits = f(&hart, a, b, c, (uint64_t)rm);
    return (struct outcome){bits, hart.fflags};
}

static inline void expect(const char *what, hart_helper *f, uint64_t a, uint64_t b, uint64_t c, int rm, uint64_t bits,
                          unsigned flags) {
    struct outcome r = call(f, a, b, c, rm);
    if (r.bits != bits || r.flags != flags)
        fail_msg("%s(%#" PRIx64 ", %#" PRIx64 ", %#" PRIx64 ") rm=%d: %#" PRIx64 " flags %#x, expected %#" PRIx64
                 " flags %#x",
                 what, a, b, c, rm, r.bits, r.flags, bits, flags);
}
#define EXPECT1(f, a, rm, bits, flags) expect(#f, f, a, 0, 0, rm, bits, flags)
#define EXPECT2(f, a, b, rm, bits, flags) expect(#f, f, a, b, 0, rm, bits, flags)
#define EXPECT3(f, a, b, c, rm, bits, flags) expect(#f, f, a, b, c, rm, bits, flags)

static inline bool is_nan_s(uint64_t a) { return (a & 0x7fffffff) > 0x7f800000; }
static inline bool is_nan_d(uint64_t a) { return (a & INT64_MAX) > 0x7ff0000000000000; }
static inline uint64_t random_s(struct operands *o) { return operands_float(o, 8, 23); }
static inline uint64_t random_d(struct operands *o) { return operands_float(o, 11, 52); }

static inline float as_s(uint64_t a) {
    uint32_t bits = (uint32_t)a;
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}
static inline double as_d(uint64_t a) {
    double v;
    memcpy(&v, &a, sizeof v);
    return v;
}
static inline uint64_t bits_s(float v) {
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}
static inline uint64_t bits_d(double v) {
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

#endif
