/* threads: two threads that add under a mutex and with atomic operations. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static _Atomic unsigned long shared;
static unsigned long guarded, rounds;

static void *work(void *unused) {
    (void)unused;
    for (unsigned long i = 0; i < rounds; i++) {
        atomic_fetch_add(&shared, i & 3);
        if (i % 16 == 0) {
            pthread_mutex_lock(&mutex);
            guarded++;
            pthread_mutex_unlock(&mutex);
        }
    }
    return NULL;
}

int main(int argc, char **argv) {
    pthread_t other;
    rounds = argc > 1 ? strtoul(argv[1], NULL, 0) : 3000000;
    pthread_create(&other, NULL, work, NULL);
    work(NULL);
    pthread_join(other, NULL);
    printf("%lu %lu\n", (unsigned long)shared, guarded);
}
