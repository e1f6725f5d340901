/* parallel: a piece of work that as many threads as are asked for share, each for itself until all are done. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { PARTS = 64, MOST = 8 };

static uint64_t sums[PARTS];
static long threads, rounds;

static uint64_t part(unsigned seed) {
    static const unsigned bits = 16;
    uint32_t *table = malloc(sizeof *table << bits);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < 1u << bits; i++)
        table[i] = i * 2654435761u ^ seed;
    for (long i = 0; i < rounds; i++) {
        uint32_t at = (uint32_t)(sum >> 7) & ((1u << bits) - 1);
        table[at] = table[at] * 1664525u + (uint32_t)i;
        sum += table[at] ^ (uint32_t)i;
    }
    free(table);
    return sum;
}

static void *work(void *first) {
    for (long i = (long)(intptr_t)first; i < PARTS; i += threads)
        sums[i] = part((unsigned)i);
    return NULL;
}

int main(int argc, char **argv) {
    pthread_t other[MOST];
    uint64_t sum = 0;
    threads = argc > 1 ? atol(argv[1]) : 2;
    rounds = argc > 2 ? atol(argv[2]) : 200000;
    if (threads < 1 || threads > MOST)
        return 1;
    for (long i = 1; i < threads; i++)
        if (pthread_create(&other[i], NULL, work, (void *)(intptr_t)i))
            return 1;
    work(0);
    for (long i = 1; i < threads; i++)
        pthread_join(other[i], NULL);
    for (int i = 0; i < PARTS; i++)
        sum = sum * 31 + sums[i];
    printf("%llu\n", (unsigned long long)sum);
}
