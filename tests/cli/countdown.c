/* countdown.c: a guest for riv diff's tests: adds up, with one instruction that is easy to find. */
#include <stdio.h>

__attribute__((noinline)) static long sum_of(long n) {
    long sum = 0;
    for (; n; n--)
        __asm__ volatile(".globl planted\nplanted: .option push\n.option norvc\nadd %0, %0, %1\n.option pop"
                         : "+r"(sum)
                         : "r"(n));
    return sum;
}

int main(void) {
    double root = 1;
    for (int i = 0; i < 1000; i++)
        root = root / 2 + 1 / root;
    printf("%ld %.9f\n", sum_of(1000), root);
    return 0;
}
