/* int: recursion with bit tricks: the number of ways to place N queens. */
#include <stdio.h>
#include <stdlib.h>

__attribute__((noinline)) static unsigned long place(unsigned all, unsigned columns, unsigned left, unsigned right) {
    unsigned long ways = 0;
    if (columns == all)
        return 1;
    for (unsigned open = all & ~(columns | left | right); open;) {
        unsigned bit = open & -open;
        open ^= bit;
        ways += place(all, columns | bit, (left | bit) << 1, (right | bit) >> 1);
    }
    return ways;
}

int main(int argc, char **argv) {
    int n = argc > 1 ? atoi(argv[1]) : 12;
    printf("%lu\n", place((1u << n) - 1, 0, 0, 0));
}
