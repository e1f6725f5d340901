/* int: division, remainder and unpredictable branches: Euclid's algorithm over many pairs. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint32_t gcd(uint32_t a, uint32_t b) {
    while (b) {
        uint32_t r = a % b;
        a = b;
        b = r;
    }
    return a;
}

int main(int argc, char **argv) {
    uint32_t limit = argc > 1 ? (uint32_t)atoi(argv[1]) : 2000;
    uint64_t sum = 0;
    for (uint32_t a = 1; a <= limit; a++)
        for (uint32_t b = 1; b <= limit; b++)
            sum += gcd(a, b);
    printf("%llu\n", (unsigned long long)sum);
}
