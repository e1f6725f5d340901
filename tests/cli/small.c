/* small.c: a guest for riv diff --against=qemu, without a C library, as that reference is slow: sums with an
 * instruction that is easy to find, floating point, memory that comes and goes, code that is made. */
#include <stdint.h>

#include "planted.h"

static long call(long number, long a, long b, long c, long d, long e, long f) {
    register long a0 __asm__("a0") = a, a1 __asm__("a1") = b, a2 __asm__("a2") = c, a3 __asm__("a3") = d,
                     a4 __asm__("a4") = e, a5 __asm__("a5") = f, a7 __asm__("a7") = number;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(a7) : "memory");
    return a0;
}

static char text[32];
static unsigned length;

static void show(unsigned long v) {
    if (v >= 10)
        show(v / 10);
    text[length++] = (char)('0' + v % 10);
}

static double root_of(double x) {
    double root = x;
    for (int i = 0; i < 20; i++)
        root = root / 2 + x / (2 * root);
    return root;
}

enum { MMAP = 222, MUNMAP = 215, MPROTECT = 226, MREMAP = 216, BRK = 214, WRITE = 64, EXIT = 94 };

static long memory(void) {
    uint32_t *code = (uint32_t *)call(MMAP, 0, 8192, 3, 0x22, -1, 0);
    long sum = 0;
    for (int i = 0; i < 5; i++) {
        call(MPROTECT, (long)code, 8192, i & 1 ? 7 : 3, 0, 0, 0);
        code[0] = 0x00000513u | (uint32_t)i << 20; /* li a0, i */
        code[1] = 0x00008067;                      /* ret */
        __asm__ volatile("fence.i" ::: "memory");
        call(MPROTECT, (long)code, 8192, 5 | (i & 1) << 1, 0, 0, 0);
        sum += ((long (*)(void))code)();
    }
    call(MPROTECT, (long)code, 8192, 3, 0, 0, 0);
    code[2000] = 77;
    uint32_t *moved = (uint32_t *)call(MREMAP, (long)code, 8192, 16384, 1, 0, 0);
    sum += moved[2000] + moved[4000];
    call(MUNMAP, (long)moved, 4096, 0, 0, 0, 0);
    uint64_t *heap = (uint64_t *)call(BRK, 0, 0, 0, 0, 0, 0);
    call(BRK, (long)heap + 8192, 0, 0, 0, 0, 0);
    heap[512] = 3;
    return sum + (long)heap[512];
}

void _start(void) {
    __asm__ volatile(".option push\n.option norelax\nlla gp, __global_pointer$\n.option pop");
    show((unsigned long)sum_of(100));
    text[length++] = ' ';
    show((unsigned long)(root_of(2) * 1e9));
    text[length++] = ' ';
    show((unsigned long)memory());
    text[length++] = '\n';
    call(WRITE, 1, (long)text, length, 0, 0, 0);
    call(EXIT, 0, 0, 0, 0, 0, 0);
}
