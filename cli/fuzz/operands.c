/* operands.c: see operands.h. */
#include "operands.h"

#include "../../cpu/fp.h"
#include "program.h"

static unsigned below(uint64_t *r, unsigned n) { return (unsigned)(program_random(r) >> 32) % n; }
static bool percent(uint64_t *r, unsigned n) { return below(r, 100) < n; }

uint64_t operand_x(uint64_t *r) {
    static const uint64_t corners[] = {0,
                                       1,
                                       2,
                                       ~0ull,
                                       ~1ull,
                                       0x7fffffff,
                                       0x80000000,
                                       0xffffffff,
                                       0xffffffff80000000,
                                       0xffffffff7fffffff,
                                       0x7fffffffffffffff,
                                       0x8000000000000000,
                                       0x100000000,
                                       0xff,
                                       0x80,
                                       0x8000,
                                       0x7fff,
                                       0xffff,
                                       31,
                                       32,
                                       63,
                                       64,
                                       0x0123456789abcdef};
    switch (below(r, 4)) {
    case 0:
        return corners[below(r, sizeof corners / sizeof corners[0])];
    case 1:
        return (1ull << below(r, 64)) - below(r, 2);
    case 2:
        return (uint64_t)((int64_t)program_random(r) >> below(r, 64));
    default:
        return program_random(r);
    }
}

uint64_t operand_f(uint64_t *r) {
    static const uint64_t doubles[] = {0,
                                       0x3ff0000000000000,
                                       0x7ff0000000000000,
                                       0x7ff8000000000000,
                                       0x7ff0000000000001,
                                       0x7ff8000000001234,
                                       1,
                                       0x000fffffffffffff,
                                       0x0010000000000000,
                                       0x7fefffffffffffff,
                                       0x41dfffffffc00000,
                                       0x41e0000000000000,
                                       0x43e0000000000000,
                                       0x43f0000000000000,
                                       0x3fe0000000000000,
                                       0x3ff0000000000001,
                                       0x4330000000000001,
                                       0x4004000000000000,
                                       0x47efffffe0000000,
                                       0x36a0000000000000};
    static const uint32_t singles[] = {0,          0x3f800000, 0x7f800000, 0x7fc00000, 0x7f800001,
                                       0x7fc01234, 1,          0x007fffff, 0x00800000, 0x7f7fffff,
                                       0x4f000000, 0x5f000000, 0x4f800000, 0x3f000000, 0x3f800001,
                                       0x40200000, 0x4b000001, 0x477fe000, 0x33800000};
    static const uint16_t halves[] = {0,     0x3c00, 0x7c00, 0x7e00, 0x7c01, 1,     0x3ff,
                                      0x400, 0x7bff, 0x3800, 0x3c01, 0x4100, 0x6401};
    uint64_t sign = program_random(r), v;
    switch (below(r, 8)) {
    case 0:
    case 1:
        return doubles[below(r, sizeof doubles / 8)] | (sign & 1ull << 63);
    case 2:
    case 3:
        v = singles[below(r, sizeof singles / 4)] | (sign & 1u << 31);
        return percent(r, 92) ? fp_box_s(v) : v | (sign & 0xffffffff00000000);
    case 4:
        v = halves[below(r, sizeof halves / 2)] | (sign & 1u << 15);
        return percent(r, 92) ? fp_box_h(v) : v | (sign & 0xffffffffffff0000);
    case 5: /* of ordinary size, so that sums neither vanish nor overflow */
        return (sign & 0x800fffffffffffff) | (uint64_t)(1000 + below(r, 46)) << 52;
    case 6:
        return fp_box_s((sign & 0x807fffff) | (120 + below(r, 16)) << 23);
    default:
        return sign;
    }
}

void operands_alike(uint64_t *r, uint64_t f[32]) {
    static const uint64_t doubles[] = {0x3ff0000000000000, 1, 0x7fefffffffffffff, 0x7ff0000000000000,
                                       0x7ff8000000000000};
    static const uint32_t singles[] = {0x3f800000, 1, 0x7f7fffff, 0x7f800000, 0x7fc00000};
    static const uint16_t halves[] = {0x3c00, 1, 0x7bff, 0x7c00, 0x7e00};
    unsigned format = below(r, 5) / 2, other = below(r, 5);
    for (int i = 0; i < 32; i++) {
        uint64_t random = program_random(r);
        bool sign = random >> 63, zero = random >> 62 & 1;
        if (percent(r, 25))
            continue;
        if (format == 0)
            f[i] = (zero ? 0 : doubles[other]) | (uint64_t)sign << 63;
        else if (format == 1)
            f[i] = fp_box_s((zero ? 0 : singles[other]) | (uint32_t)sign << 31);
        else
            f[i] = fp_box_h((uint16_t)((zero ? 0 : halves[other]) | sign << 15));
    }
}

const char *const operand_class_names[OPERAND_CLASSES] = {
    "0",    "1",    "-1",      "-2^31",  "2^31-1", "-2^63", "2^63-1", "small",     "32 bits",
    "wide", "zero", "subnorm", "normal", "inf",    "qNaN",  "sNaN",   "not boxed",
};

enum operand_class operand_class_x(uint64_t v) {
    int64_t s = (int64_t)v;
    switch (s) {
    case 0:
        return CLASS_ZERO;
    case 1:
        return CLASS_ONE;
    case -1:
        return CLASS_MINUS_ONE;
    case INT32_MIN:
        return CLASS_MIN_32;
    case INT32_MAX:
        return CLASS_MAX_32;
    case INT64_MIN:
        return CLASS_MIN_64;
    case INT64_MAX:
        return CLASS_MAX_64;
    default:
        return s > -256 && s < 256 ? CLASS_SMALL : s == (int32_t)s ? CLASS_WORD : CLASS_WIDE;
    }
}

enum operand_class operand_class_f(uint64_t v, unsigned bits) {
    unsigned man = bits == 64 ? 52 : bits == 32 ? 23 : 10, exponent = bits - 1 - man;
    if (bits < 64 && v >> bits != UINT64_MAX >> bits)
        return CLASS_F_UNBOXED;
    uint64_t m = v & ((1ull << man) - 1), e = v >> man & ((1ull << exponent) - 1);
    if (e == 0)
        return m ? CLASS_F_SUBNORMAL : CLASS_F_ZERO;
    if (e != (1ull << exponent) - 1)
        return CLASS_F_NORMAL;
    return m == 0 ? CLASS_F_INFINITE : m >> (man - 1) ? CLASS_F_QUIET : CLASS_F_SIGNALLING;
}
