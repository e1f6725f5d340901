/* countdown.c: a guest for riv diff's tests: adds up, with one instruction that is easy to find. */
#include <stdio.h>

#include "planted.h"

int main(void) {
    double root = 1;
    for (int i = 0; i < 1000; i++)
        root = root / 2 + 1 / root;
    printf("%ld %.9f\n", sum_of(1000), root);
    return 0;
}
