/* rmm.c: a guest program that adds in the rounding mode that x86-64 lacks. */
#include <stdio.h>

int main(void) {
    double sum = 0, x = 0x1.0000000000001p-1;
    for (int i = 0; i < 20000; i++)
        __asm__("fadd.d %0, %0, %1, rmm" : "+f"(sum) : "f"(x));
    printf("%a\n", sum);
    return 0;
}
