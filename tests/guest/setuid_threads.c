/* setgroups, setuid and pthread_cancel in a program with threads: the C library signals every thread with numbers that
 * the host's C library uses, too. */
#define _GNU_SOURCE
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/syscall.h>

#include "check.h"

enum { THREADS = 4 };
static sem_t ready, go;
static volatile int stop;
static int seen[THREADS];

static void *look(void *arg) {
    sem_post(&ready);
    for (unsigned long n = 0; !stop; n++)
        __asm__ volatile("");
    sem_wait(&go);
    seen[(long)arg] = (int)syscall(SYS_getegid);
    return NULL;
}

static void *wait_forever(void *arg) {
    sem_post(&ready);
    for (;;)
        pause();
    return NULL;
}

static void *spin_forever(void *arg) {
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    sem_post(&ready);
    for (;;)
        __asm__ volatile("");
    return NULL;
}

int main(void) {
    pthread_t threads[THREADS];
    sem_init(&ready, 0, 0);
    sem_init(&go, 0, 0);
    for (long i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, look, (void *)i);
    for (int i = 0; i < THREADS; i++)
        sem_wait(&ready);
    /* Changes nothing where it may not; the signal goes round all the same. */
    int changed = setegid(getegid()) == 0;
    if (getuid() == 0)
        changed += setegid(1) == 0;
    else
        changed++;
    int gid = (int)syscall(SYS_getegid);
    stop = 1;
    for (int i = 0; i < THREADS; i++)
        sem_post(&go);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(seen[i], gid);
    printf("group: %d\n", changed);
    void *(*const routines[])(void *) = {wait_forever, spin_forever};
    for (int i = 0; i < 2; i++) {
        void *result = NULL;
        pthread_create(&threads[i], NULL, routines[i], NULL);
        sem_wait(&ready);
        CHECK_EQ(pthread_cancel(threads[i]), 0);
        CHECK_EQ(pthread_join(threads[i], &result), 0);
        printf("cancelled: %d\n", result == PTHREAD_CANCELED);
    }
    return 0;
}
