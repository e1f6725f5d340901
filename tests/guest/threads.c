/* Threads: mutexes, condition variables, thread-local storage, atomics, signals to one thread, detached threads. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 8, ROUNDS = 5000 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static long guarded;
static atomic_long counter;
static _Atomic unsigned char narrow;
static __thread int own = 7;
static int turn;
static atomic_int detached;
static sem_t sem;
static pthread_t signalled;
static atomic_int got_signal;

static void *add(void *arg) {
    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&mutex);
        guarded++;
        pthread_mutex_unlock(&mutex);
        atomic_fetch_add(&counter, 1);
        atomic_fetch_add(&narrow, 1);
        own++;
    }
    return (void *)(long)own;
}

static void *ping(void *arg) {
    int me = (int)(long)arg;
    for (int i = 0; i < 200; i++) {
        pthread_mutex_lock(&mutex);
        while (turn != me)
            pthread_cond_wait(&cond, &mutex);
        turn = !me;
        pthread_cond_broadcast(&cond);
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static void *leave(void *arg) {
    atomic_fetch_add(&detached, 1);
    sem_post(&sem);
    return NULL;
}

static void on_signal(int sig) { atomic_store(&got_signal, pthread_equal(pthread_self(), signalled)); }

static void *spin(void *arg) {
    while (!atomic_load(&got_signal)) {
    }
    return NULL;
}

static void *sleeper(void *arg) {
    pause();
    return NULL;
}

int main(void) {
    pthread_t t[THREADS];
    long sum = 0;
    for (int i = 0; i < THREADS; i++)
        pthread_create(&t[i], NULL, add, NULL);
    for (int i = 0; i < THREADS; i++) {
        void *r;
        pthread_join(t[i], &r);
        sum += (long)r;
    }
    printf("mutex %ld, atomic %ld, byte %d, own %ld, main's %d\n", guarded, counter, narrow, sum, own);
    pthread_create(&t[0], NULL, ping, (void *)0);
    pthread_create(&t[1], NULL, ping, (void *)1);
    pthread_join(t[0], NULL);
    pthread_join(t[1], NULL);
    printf("turns done: %d\n", turn);

    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    ts.tv_nsec += 20000000;
    if (ts.tv_nsec >= 1000000000) {
        ts.tv_nsec -= 1000000000;
        ts.tv_sec++;
    }
    pthread_mutex_lock(&mutex);
    int r = pthread_cond_timedwait(&cond, &mutex, &ts);
    pthread_mutex_unlock(&mutex);
    printf("timed out: %d\n", r == ETIMEDOUT);

    sem_init(&sem, 0, 0);
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    for (int i = 0; i < 200; i++) {
        pthread_t d;
        if (pthread_create(&d, &attr, leave, NULL) != 0)
            return 1;
        sem_wait(&sem);
    }
    printf("detached: %d\n", detached);

    signal(SIGUSR1, on_signal);
    pthread_create(&signalled, NULL, spin, NULL);
    pthread_kill(signalled, SIGUSR1);
    pthread_join(signalled, NULL);
    printf("signal reached its thread: %d\n", got_signal);

    pthread_mutexattr_t ma;
    pthread_mutex_t pi;
    pthread_mutexattr_init(&ma);
    pthread_mutexattr_setprotocol(&ma, PTHREAD_PRIO_INHERIT);
    pthread_mutex_init(&pi, &ma);
    r = pthread_mutex_lock(&pi);
    printf("priority inheritance: %d %d\n", r, pthread_mutex_unlock(&pi));

    pthread_create(&t[0], NULL, sleeper, NULL);
    pthread_cancel(t[0]);
    void *result;
    pthread_join(t[0], &result);
    printf("cancelled: %d\n", result == PTHREAD_CANCELED);
    pthread_create(&t[0], NULL, sleeper, NULL); /* exit ends it as well */
    fflush(stdout);
    _exit(0);
}
