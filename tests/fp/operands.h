/* operands.h: reproducible operands for floating-point tests, chosen to meet the hard cases often: corner values,
 * subnormals, exponents close enough for the mantissas to interact, and mantissas that are runs of equal bits (which
 * give exact results, ties and carries).
 */
#ifndef TESTS_FP_OPERANDS_H
#define TESTS_FP_OPERANDS_H

#include <stdint.h>

struct operands {
    uint64_t state; /* of a xorshift generator; not 0 */
};

static inline uint64_t operands_random(struct operands *o) {
    o->state ^= o->state >> 12;
    o->state ^= o->state << 25;
    o->state ^= o->state >> 27;
    return o->state * 0x2545f4914f6cdd1du;
}

/* The bits of a number with the given field widths. */
static inline uint64_t operands_float(struct operands *o, int exp_bits, int man_bits) {
    uint64_t pick = operands_random(o), bits = operands_random(o);
    uint64_t exp_max = (1ull << exp_bits) - 1, man_mask = (1ull << man_bits) - 1, bias = exp_max >> 1;
    uint64_t sign = (bits >> 63) << (exp_bits + man_bits);
    uint64_t man = bits & man_mask, exp = (bits >> man_bits) & exp_max;

    if (pick & 1)
        man = (man_mask << (pick >> 8) % (uint64_t)(man_bits + 1)) & man_mask;
    if (pick & 2)
        man ^= 1ull << (pick >> 16) % (uint64_t)man_bits;
    switch ((pick >> 2) % 8) {
    case 0: { /* corners: zero, one, infinity and NaNs, and the edges of the subnormal and the normal range */
        const uint64_t exps[] = {0, 0, 1, bias, exp_max - 1, exp_max};
        const uint64_t mans[] = {0, 1, man_mask, man_mask >> 1, (man_mask >> 1) + 1};
        return sign | exps[(pick >> 24) % 6] << man_bits | mans[(pick >> 32) % 5];
    }
    case 1: /* near the bottom */
        exp = (pick >> 24) % 4;
        break;
    case 2: /* near the top */
        exp = exp_max - (pick >> 24) % 4;
        break;
    case 3: /* anything */
        break;
    default: /* near one, and near the edges of the integer types */
        exp = bias - (uint64_t)man_bits - 4 + (pick >> 24) % (2 * (uint64_t)man_bits + 20);
        exp = exp > exp_max ? bias : exp;
        break;
    }
    return sign | exp << man_bits | man;
}

/* An integer: any number of leading zeros, runs of ones, either sign. */
static inline uint64_t operands_integer(struct operands *o) {
    uint64_t pick = operands_random(o), v = operands_random(o) >> (pick & 63);
    if (pick >> 6 & 1)
        v = UINT64_MAX << (pick >> 8 & 63);
    if (pick >> 7 & 1)
        v ^= 1ull << (pick >> 16 & 63);
    if (pick >> 24 & 1)
        v &= UINT64_MAX >> (pick >> 32 & 63);
    return pick >> 25 & 1 ? -v : v;
}

#endif
