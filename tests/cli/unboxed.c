/* unboxed.c: a guest program that reads singles that are not NaN-boxed, over and over: each is the canonical NaN. */
#include <stdint.h>
#include <stdio.h>

int main(void) {
    uint64_t sum = 0;
    for (uint64_t i = 0; i < 100000; i++) {
        double raw = 1.5;
        uint64_t bits = i % 3 == 2 ? 0xffffffff3fc00000 : i % 3 ? 0xfffffffe3fc00000 : 0x3ff8000000000000;
        uint32_t s, t;
        __asm__("fmv.d.x %2, %3\n\tfadd.s ft1, %2, %2\n\tfmv.x.w %0, ft1\n\tfsgnj.s ft2, %2, %2\n\tfmv.x.w %1, ft2\n\t"
                : "=&r"(s), "=&r"(t), "=&f"(raw)
                : "r"(bits)
                : "ft1", "ft2");
        sum = sum * 3 + s + t;
        float f;
        __asm__("fmv.d.x %1, %2\n\tfcvt.s.d ft1, %1\n\tfmul.s ft2, %1, ft1\n\tfmv.s %0, ft2"
                : "=f"(f), "=&f"(raw)
                : "r"(bits)
                : "ft1", "ft2");
        sum += f != f;
    }
    printf("%016llx\n", (unsigned long long)sum);
    return 0;
}
