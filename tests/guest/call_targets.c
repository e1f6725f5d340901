/* Computed jumps and calls that lead to one place long enough to be translated for it, then to others, to addresses
 * with bit 0 set, and to a function that is replaced. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef long function(long);
static __attribute__((noinline)) long triple(long x) { return x * 3 + 1; }
static __attribute__((noinline)) long halve(long x) { return x / 2 - 7; }
static __attribute__((noinline)) long negate(long x) { return 5 - x; }

static __attribute__((noinline)) long apply(function *volatile *f, long n, long x) {
    for (long i = 0; i < n; i++)
        x = (*f)(x);
    return x;
}

/* Tail calls: jumps that are not calls. */
static __attribute__((noinline, optimize("optimize-sibling-calls"))) long tail(function *f, long x) { return f(x + 1); }

/* A computed jump back into the loop, to one label at first and to the other later. */
static __attribute__((noinline)) long labels(long n, long turn) {
    static void *const to[] = {&&add, &&sub};
    long sum = 0, i = 0;
add:
    sum += i;
    goto next;
sub:
    sum -= 2 * i;
next:
    if (++i == n)
        return sum;
    goto *to[i > turn && i % 3 == 0];
}

int main(void) {
    function *volatile f = triple;
    long x = apply(&f, 1000, 1);
    f = halve;
    x ^= apply(&f, 10, x);
    f = triple;
    x += apply(&f, 5, x);
    for (int i = 0; i < 300; i++) {
        f = i % 5 ? triple : negate;
        x ^= apply(&f, 3, x);
    }
    printf("calls %ld\n", x);

    for (int i = 0; i < 500; i++)
        x += tail(i < 200 ? triple : i & 1 ? halve : negate, x);
    printf("tails %ld\n", x);
    printf("labels %ld %ld\n", labels(1000, 2000), labels(1000, 500));

    for (int i = 0; i < 200; i++) { /* jalr clears bit 0; a native call is given the plain address */
#ifdef __riscv
        f = (function *)((uintptr_t)triple | (i > 100));
#endif
        x = apply(&f, 2, x);
        f = triple;
    }
    printf("bit 0 %ld\n", x);
    return 0;
}
