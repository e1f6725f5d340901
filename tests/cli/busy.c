/* busy.c: a guest program with a hot loop of integer, floating-point and memory work, calls and a computed jump. */
#include <stdint.h>
#include <stdio.h>

static uint64_t mix(uint64_t x) { return (x ^ x >> 29) * 0xbf58476d1ce4e5b9u; }
static uint64_t turn(uint64_t x) { return x << 13 | x >> 51; }
static uint64_t (*const volatile steps[2])(uint64_t) = {mix, turn};

int main(void) {
    static uint64_t table[256];
    uint64_t x = 1;
    double sum = 0;
    for (int i = 0; i < 200000; i++) {
        x = steps[i & 1](x + table[i & 255]);
        table[x & 255] += x;
        sum += 1.0 / (double)(1 + (x & 1023));
    }
    printf("%016lx %.9f\n", x, sum);
    return 0;
}
