// native: no
// expect: ok
/* A code generator in the manner of a simple JIT: thousands of short functions made and run in one page that stays
 * writable and executable, at changing offsets, over earlier ones. */
#include "check.h"
#include <stdbool.h>

static unsigned load_constant(uint32_t *at, unsigned rd, int32_t value) {
    uint32_t high = ((uint32_t)value + 0x800) & 0xfffff000u;
    at[0] = rv_lui(rd, high);
    at[1] = rv_addi(rd, rd, value - (int32_t)high) | (0x1b ^ 0x13); /* addiw */
    return 2;
}

int main(void) {
    enum { SIZE = 16384, ROUNDS = 6000 };
    uint32_t *area = check_map(SIZE, PROT_READ | PROT_WRITE | PROT_EXEC);
    uint64_t random = 1;
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t r = check_random(&random);
        int32_t factor = (int32_t)r, addend = (int32_t)(r >> 32);
        unsigned length = 1 + (unsigned)(check_random(&random) % 40);
        uint32_t *code = area + check_random(&random) % (SIZE / 4 - 64);
        unsigned n = load_constant(code, X_A1, factor);
        long want = 5 + round;
        code[n++] = rv_r(1, 0, X_A0, X_A0, X_A1); /* mul */
        want = (long)((uint64_t)want * (uint64_t)(int64_t)factor);
        n += load_constant(code + n, X_A1, addend);
        for (unsigned i = 0; i < length; i++) {
            bool subtract = check_random(&random) & 1;
            code[n++] = rv_r(subtract ? 0x20 : 0, 0, X_A0, X_A0, X_A1);
            want = (long)(subtract ? (uint64_t)want - (uint64_t)(int64_t)addend
                                   : (uint64_t)want + (uint64_t)(int64_t)addend);
        }
        code[n++] = RV_RET;
        check_flush(code, n * 4);
        CHECK_EQ(((code_fn *)code)(5 + round, 0), want);
    }
    /* Two functions that call each other's place: a call site whose target is replaced. */
    uint32_t *caller = area, *callee = area + 512;
    uint32_t *c = caller;
    *c++ = rv_addi(X_SP, X_SP, -16);
    *c++ = 0x00113423; /* sd ra, 8(sp) */
    *c = rv_jal(X_RA, (int)((char *)callee - (char *)c));
    c++;
    *c++ = rv_addi(X_A0, X_A0, 1000);
    *c++ = 0x00813083; /* ld ra, 8(sp) */
    *c++ = rv_addi(X_SP, X_SP, 16);
    *c++ = RV_RET;
    check_flush(caller, 64);
    for (int i = 0; i < 2000; i++) {
        callee[0] = rv_addi(X_A0, X_A0, i & 1023);
        callee[1] = RV_RET;
        check_flush(callee, 8);
        CHECK_EQ(((code_fn *)caller)(7, 0), 7 + 1000 + (i & 1023));
    }
    puts("ok");
}
