/* rows.c: the guest program that runs single instructions, made from cpu/riscv.def by tests/tools/rows_guest.c, on
 * corner values and random operands.
 *
 *     rows SEED CASES          one line for each instance and rounding mode: name, mode, hash of all results
 *     rows SEED CASES INDEX    every case of that line: operands and results
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct operands {
    uint64_t x[3], f[4]; /* old value of the result's register, then the operands */
    uint64_t fcsr;
};
enum { USES_FRM = 1, USES_MEMORY = 2, MODES = 5, BYTES = 64 };
struct row {
    void (*run)(struct operands *o);
    const char *name;
    uint64_t flags;
};
extern const struct row row_table[];
extern const uint64_t row_count;

static uint64_t random_state;
static uint64_t random_next(void) {
    uint64_t z = random_state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}
#define PICK(list) (list)[random_next() % (sizeof(list) / sizeof *(list))]

static uint64_t pick_x(void) {
    static const uint64_t corners[] = {0,
                                       1,
                                       2,
                                       ~UINT64_C(0),
                                       0x7fffffff,
                                       0x80000000,
                                       0xffffffff,
                                       0xffffffff80000000,
                                       0x7fffffffffffffff,
                                       0x8000000000000000,
                                       0x100000000,
                                       0x80,
                                       0x8000,
                                       63,
                                       0x0123456789abcdef,
                                       0x00ff00ff00ff0080};
    switch (random_next() % 4) {
    case 0:
        return PICK(corners);
    case 1:
        return (UINT64_C(1) << random_next() % 64) - random_next() % 2;
    case 2:
        return (uint64_t)((int64_t)random_next() >> random_next() % 64);
    default:
        return random_next();
    }
}

static uint64_t pick_f(void) {
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
                                       0x47efffffe0000000,
                                       0x36a0000000000000,
                                       0x40effc0000000000};
    static const uint32_t singles[] = {0,          0x3f800000, 0x7f800000, 0x7fc00000, 0x7f800001, 0x7fc01234,
                                       1,          0x007fffff, 0x00800000, 0x7f7fffff, 0x4f000000, 0x5f000000,
                                       0x4f800000, 0x3f000000, 0x477fe000, 0x33800000, 0x477ff000, 0x38800000};
    static const uint16_t halves[] = {0,     0x3c00, 0x7c00, 0x7e00, 0x7c01, 1,     0x3ff,
                                      0x400, 0x7bff, 0x3800, 0x3c01, 0x4100, 0x6401};
    uint64_t bits = random_next(), sign = bits >> 63;
    switch (random_next() % 8) {
    case 0:
        return PICK(doubles) | sign << 63;
    case 1:
        return 0xffffffff00000000 | PICK(singles) | sign << 31;
    case 2:
        return 0xffffffffffff0000 | PICK(halves) | sign << 15;
    case 3: /* of ordinary size */
        return (bits & 0x800fffffffffffff) | (1000 + random_next() % 46) << 52;
    case 4:
        return 0xffffffff00000000 | (bits & 0x807fffff) | (110 + random_next() % 36) << 23;
    case 5:
        return 0xffffffffffff0000 | (bits & 0xffff);
    case 6: /* all of them, subnormal and not boxed as well */
        return bits >> random_next() % 64;
    default:
        return bits;
    }
}

static uint64_t mix(uint64_t hash, uint64_t v) { return (hash ^ v) * 0x100000001b3 ^ hash >> 29; }

static void run(const struct row *row, uint64_t seed, unsigned frm, unsigned long cases, int show) {
    static _Alignas(16) uint8_t memory[BYTES];
    uint64_t hash = 0xcbf29ce484222325;
    random_state = seed;
    for (unsigned long i = 0; i < cases; i++) {
        struct operands o;
        for (int k = 0; k < 3; k++)
            o.x[k] = pick_x();
        for (int k = 0; k < 4; k++)
            o.f[k] = pick_f();
        o.fcsr = frm << 5 | (random_next() % 4 ? 0 : random_next() % 32);
        /* qemu 7.2 counts on in the upper half where the lower is zero; test_reference_rows has those */
        if (!strncmp(row->name, "ctzw ", 5) && (uint32_t)o.x[1] == 0)
            o.x[1] |= UINT64_C(1) << random_next() % 32;
        if (row->flags & USES_MEMORY) {
            for (int k = 0; k < BYTES; k += 8) {
                uint64_t v = k & 8 ? pick_x() : pick_f();
                memcpy(memory + k, &v, 8);
            }
            o.x[1] = (uint64_t)(memory + BYTES / 2);
        }
        if (show)
            printf("x %016" PRIx64 " %016" PRIx64 " %016" PRIx64 " f %016" PRIx64 " %016" PRIx64 " %016" PRIx64
                   " %016" PRIx64 " fcsr %02" PRIx64 ":",
                   o.x[0], row->flags & USES_MEMORY ? 0 : o.x[1], o.x[2], o.f[0], o.f[1], o.f[2], o.f[3], o.fcsr);
        row->run(&o);
        if (row->flags & USES_MEMORY) /* an address is another one elsewhere */
            o.x[1] = 0;
        if (show)
            printf(" x %016" PRIx64 " %016" PRIx64 " f %016" PRIx64 " fcsr %02" PRIx64 "\n", o.x[0], o.x[1], o.f[0],
                   o.fcsr);
        hash = mix(mix(mix(mix(hash, o.x[0]), o.x[1]), o.f[0]), o.fcsr);
        for (int k = 0; row->flags & USES_MEMORY && k < BYTES; k += 8) {
            uint64_t v;
            memcpy(&v, memory + k, 8);
            hash = mix(hash, v);
        }
    }
    if (!show)
        printf("%s, frm %u: %016" PRIx64 "\n", row->name, frm, hash);
}

int main(int argc, char **argv) {
    if (argc < 3)
        return 2;
    uint64_t seed = strtoull(argv[1], NULL, 0), only = argc > 3 ? strtoull(argv[3], NULL, 0) : UINT64_MAX, line = 0;
    unsigned long cases = strtoul(argv[2], NULL, 0);
    for (uint64_t i = 0; i < row_count; i++)
        for (unsigned frm = 0; frm < (row_table[i].flags & USES_FRM ? MODES : 1); frm++, line++)
            if (only == UINT64_MAX || only == line)
                run(&row_table[i], seed * 1000003 + line, frm, cases, only == line);
    return 0;
}
