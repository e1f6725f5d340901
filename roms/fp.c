// what: floating point: results, flags, rounding modes, NaN, mstatus.FS
// variants: fp= fp32=rv32
#include "rom.h"

static volatile unsigned traps;
void rom_trap(struct frame *f) {
    expect("cause", csr_read(mcause), 2);
    traps++;
    csr_write(mepc, csr_read(mepc) + 4);
}

union d {
    double d;
    uint64_t u;
    uint32_t half[2];
};
union f {
    float f;
    uint32_t u;
};

static void expect_d(const char *what, volatile double a, uint64_t bits) {
    union d v = {.d = a};
    expect(what, v.half[1], (uint32_t)(bits >> 32));
    expect(what, v.half[0], (uint32_t)bits);
}
static void expect_f(const char *what, volatile float a, uint32_t bits) {
    union f v = {.f = a};
    expect(what, v.u, bits);
}
static void flags(const char *what, word expected) {
    expect(what, csr_read(fflags), expected);
    csr_write(fflags, 0);
}

static double round_sum(unsigned mode, double a, double b) {
    double r;
    csr_write(frm, mode);
    __asm__ volatile("fadd.d %0, %1, %2" : "=f"(r) : "f"(a), "f"(b));
    csr_write(frm, 0);
    return r;
}

void rom_main(word hart, const void *device_tree) {
    volatile double one = 1, three = 3, zero = 0, huge = 1.7976931348623157e308, tiny = 2.2250738585072014e-308;
    volatile float onef = 1, threef = 3;
    csr_write(fflags, 0);
    expect_d("1 / 3", one / three, 0x3fd5555555555555);
    flags("inexact", 1);
    expect_f("1f / 3f", onef / threef, 0x3eaaaaab);
    flags("inexact", 1);
    expect_d("1 / 0", one / zero, 0x7ff0000000000000);
    flags("division by zero", 8);
    expect_d("0 / 0", zero / zero, 0x7ff8000000000000);
    flags("invalid", 16);
    expect_d("overflow", huge * three, 0x7ff0000000000000);
    flags("overflow", 5);
    expect_d("underflow", tiny / three, 0x0005555555555555);
    flags("underflow", 3);
    union d half_ulp = {.u = 0x3ca0000000000000}; /* 2^-53 */
    static const uint64_t sums[5] = {0x3ff0000000000000, 0x3ff0000000000000, 0x3ff0000000000000, 0x3ff0000000000001,
                                     0x3ff0000000000001};
    for (unsigned mode = 0; mode < 5; mode++) /* RNE RTZ RDN RUP RMM */
        expect_d("rounding mode", round_sum(mode, 1, half_ulp.d), sums[mode]);
    csr_write(fflags, 0);

    word got;
    __asm__ volatile("fcvt.w.d %0, %1, rtz" : "=r"(got) : "f"(huge));
    expect("to int, too large", got, 0x7fffffff);
    flags("to int", 16);
    union d nan = {.u = 0x7ff8000000000123};
    __asm__ volatile("fcvt.w.d %0, %1, rtz" : "=r"(got) : "f"(nan.d));
    expect("NaN to int", got, 0x7fffffff);
    flags("NaN to int", 16);
    __asm__ volatile("feq.d %0, %1, %1" : "=r"(got) : "f"(nan.d));
    expect("NaN is not equal", got, 0);
    flags("quiet comparison", 0);
    double low;
    __asm__ volatile("fmin.d %0, %1, %2" : "=f"(low) : "f"(-0.0), "f"(0.0));
    expect_d("min of zeros", low, 0x8000000000000000);
    __asm__ volatile("fclass.d %0, %1" : "=r"(got) : "f"(tiny / 4));
    expect("class of a subnormal", got, 1 << 5);
    double fused;
    __asm__ volatile("fmadd.d %0, %1, %1, %2" : "=f"(fused) : "f"(1 + 0x1p-30), "f"(-(1 + 0x1p-29)));
    expect_d("fused", fused, 0x3c30000000000000); /* 2^-60, lost without fusing */

    csr_clear(mstatus, 0x6000); /* FS off: illegal */
    __asm__ volatile(".option push\n\t.option norvc\n\tfadd.d fa0, fa0, fa0\n\t.option pop" ::: "fa0");
    expect("FS off", traps, 1);
    csr_set(mstatus, 0x2000); /* initial, then dirty */
    __asm__ volatile("fadd.d fa0, fa0, fa0" ::: "fa0");
    expect("FS dirty", csr_read(mstatus) >> 13 & 3, 3);
    expect("SD", csr_read(mstatus) >> (__riscv_xlen - 1), 1);
    print("fp: passed\n");
    finish(0);
}
