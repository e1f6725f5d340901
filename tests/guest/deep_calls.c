/* Calls and returns that a predictor of returns cannot follow: recursion far deeper than it, mutual recursion, longjmp
 * out of many frames, returns to frames whose return address was changed to the same place through memory. */
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>

static jmp_buf out;
static volatile uint64_t sink;

__attribute__((noinline)) static uint64_t sum(uint64_t n) { return n ? (sink = n, n + sum(n - 1)) : 0; }

static uint64_t odd(uint64_t n);
__attribute__((noinline)) static uint64_t even(uint64_t n) { return n ? (sink = n, odd(n - 1) * 3 + 1) : 7; }
__attribute__((noinline)) static uint64_t odd(uint64_t n) { return n ? (sink = n, even(n - 1) ^ n) : 9; }

__attribute__((noinline)) static uint64_t leave(uint64_t n) {
    if (!n)
        longjmp(out, 5);
    if (sink == UINT64_MAX)
        return 0;
    sink = n;
    return leave(n - 1) + 1;
}

__attribute__((noinline)) static uint64_t ackermann(uint64_t m, uint64_t n) {
    if (!m)
        return n + 1;
    return n ? ackermann(m - 1, ackermann(m, n - 1)) : ackermann(m - 1, 1);
}

static uint64_t fibonacci(unsigned n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }

int main(void) {
    for (uint64_t depth = 1; depth <= 100000; depth *= 10)
        printf("%llu\n", (unsigned long long)sum(depth));
    printf("%llu\n", (unsigned long long)sum(150000));
    printf("%llu\n", (unsigned long long)even(100001));
    volatile int times = 0;
    for (volatile int depth = 1; depth < 20000; depth = depth * 3 + 1)
        for (volatile int i = 0; i < 20; i++) {
            int got = setjmp(out);
            if (!got)
                sink = leave((uint64_t)depth);
            times += got;
        }
    printf("%d\n", times);
    /* Jumps out of the middle: half of the frames return, the others do not. */
    volatile uint64_t mixed = 0;
    for (volatile int i = 0; i < 200; i++) {
        if (!setjmp(out))
            mixed += sum(50) + leave((uint64_t)i);
        mixed += sum((uint64_t)i);
    }
    printf("%llu\n", (unsigned long long)mixed);
    printf("%llu\n", (unsigned long long)ackermann(2, 300));
    printf("%llu\n", (unsigned long long)fibonacci(24));
}
