/* rv32.h: what freestanding rv32gc programs need in place of a C library: start, write, exit, numbers as text. */
#ifndef TESTS_GUEST_RV32_H
#define TESTS_GUEST_RV32_H

#include <stdint.h>

typedef unsigned int word;
_Static_assert(sizeof(long) == 4, "for rv32 only");

static inline long rv32_call(long number, long a, long b, long c) {
    register long a0 __asm__("a0") = a, a1 __asm__("a1") = b, a2 __asm__("a2") = c, a7 __asm__("a7") = number;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a7) : "memory");
    return a0;
}
static inline void put(const char *s) {
    long n = 0;
    while (s[n])
        n++;
    rv32_call(64, 1, (long)s, n);
}
static inline void put_hex(const char *name, uint64_t v) {
    char text[20];
    int n = 19;
    text[n] = 0;
    text[--n] = '\n';
    for (int i = 0; i < 16; i++, v >>= 4)
        text[--n] = "0123456789abcdef"[v & 15];
    put(name);
    put(" ");
    put(text + n);
}

void *memset(void *p, int c, unsigned long n) {
    for (volatile char *q = p; n--;)
        *q++ = (char)c;
    return p;
}
void *memcpy(void *to, const void *from, unsigned long n) {
    volatile char *t = to;
    for (const char *f = from; n--;)
        *t++ = *f++;
    return to;
}

int main(void);
void start_here(long *stack);
void start_here(long *stack) {
    if ((long)stack & 15 || stack[0] < 1) /* aligned, argc */
        rv32_call(93, 99, 0, 0);
    rv32_call(93, main(), 0, 0);
}
__asm__(".globl _start\n_start:\n .option push\n .option norelax\n la gp, __global_pointer$\n .option pop\n mv a0, "
        "sp\n call start_here\n");

#endif
