// signal: SIGSEGV
/* Recursion without end and without a handler: the program dies of SIGSEGV. */
#include <stdio.h>

static volatile long depth;

__attribute__((noinline)) static long down(long n) {
    volatile long room[32];
    room[n & 31] = n;
    depth = n;
    return n < 0 ? 0 : down(n + 1) + room[0];
}

int main(void) {
    puts("down");
    fflush(stdout);
    return (int)down(0);
}
