/* planted.h: a loop with one instruction that is easy to find, for tests that plant another one in its place. */
#ifndef TESTS_CLI_PLANTED_H
#define TESTS_CLI_PLANTED_H

__attribute__((noinline)) static long sum_of(long n) {
    long sum = 0;
    for (; n; n--)
        __asm__ volatile(".globl planted\nplanted: .option push\n.option norvc\nadd %0, %0, %1\n.option pop"
                         : "+r"(sum)
                         : "r"(n));
    return sum;
}

#endif
