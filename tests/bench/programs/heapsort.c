/* int: dependent loads and compare-and-branch: heap sort of pseudo-random words. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static void sink(uint32_t *a, size_t i, size_t n) {
    uint32_t value = a[i];
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && a[child + 1] > a[child])
            child++;
        if (a[child] <= value)
            break;
        a[i] = a[child];
    }
    a[i] = value;
}

int main(int argc, char **argv) {
    size_t n = argc > 1 ? strtoul(argv[1], NULL, 0) : 1000000;
    uint32_t *a = malloc(n * sizeof *a), state = 2463534242u;
    for (size_t i = 0; i < n; i++) {
        state ^= state << 13, state ^= state >> 17, state ^= state << 5;
        a[i] = state;
    }
    for (size_t i = n / 2; i-- > 0;)
        sink(a, i, n);
    for (size_t end = n - 1; end > 0; end--) {
        uint32_t top = a[0];
        a[0] = a[end], a[end] = top;
        sink(a, 0, end);
    }
    uint64_t hash = 0;
    for (size_t i = 0; i < n; i++)
        hash = hash * 31 + a[i];
    printf("%llu\n", (unsigned long long)hash);
}
