/* fork from a program whose other threads generate code, allocate, map and are hit by signals all the while: no lock of
 * anybody's may be held in the child. */
// timeout: 100
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"

enum { WORKERS = 3, CHILDREN = 30 };
static volatile int stop;
static _Atomic long hits;
static const int signals[] = {SIGALRM, SIGUSR1, 64};

static void on_signal(int sig) { hits++; }

/* Functions that return their number, made anew each time. */
static long made(volatile uint32_t *code, uint64_t *state) {
    long sum = 0;
    for (unsigned i = 0; i < 4; i++) {
        int value = (int)(check_random(state) % 1000);
#ifdef __riscv
        code[2 * i] = rv_addi(X_A0, X_ZERO, value);
        code[2 * i + 1] = RV_RET;
        check_flush((void *)&code[2 * i], 8);
        long got = ((code_fn *)(uintptr_t)&code[2 * i])(0, 0);
        CHECK_EQ(got, value);
        sum += got;
#else
        sum += value;
#endif
    }
    return sum;
}

static void *work(void *arg) {
    uint64_t state = (uint64_t)(uintptr_t)arg;
    volatile uint32_t *code = check_map(4096, PROT_READ | PROT_WRITE | PROT_EXEC);
    while (!stop) {
        made(code, &state);
        free(malloc(check_random(&state) % 5000));
        void *p = check_map(65536, PROT_READ | PROT_WRITE);
        *(volatile char *)p = 1;
        munmap(p, 65536);
        kill(getpid(), signals[check_random(&state) % 3]);
    }
    munmap((void *)code, 4096);
    return NULL;
}

static void *in_child(void *arg) {
    uint64_t state = 5;
    volatile uint32_t *code = check_map(4096, PROT_READ | PROT_WRITE | PROT_EXEC);
    for (int i = 0; i < 20; i++)
        made(code, &state);
    free(malloc(100000));
    return arg;
}

int main(void) {
    for (int i = 0; i < 3; i++) {
        struct sigaction action = {.sa_handler = on_signal, .sa_flags = i ? SA_RESTART : 0};
        CHECK_EQ(sigaction(signals[i], &action, NULL), 0);
    }
    struct itimerval it = {.it_value = {.tv_usec = 500}, .it_interval = {.tv_usec = 500}};
    setitimer(ITIMER_REAL, &it, NULL);
    pthread_t workers[WORKERS];
    for (long i = 0; i < WORKERS; i++)
        CHECK_EQ(pthread_create(&workers[i], NULL, work, (void *)(i + 1)), 0);
    int ok = 0;
    for (int i = 0; i < CHILDREN; i++) {
        pid_t pid = i % 3 == 2 ? vfork() : fork();
        if (pid == 0 && i % 3 == 2)
            _exit(i);
        if (pid == 0) {
            pthread_t thread;
            void *result;
            CHECK_EQ(pthread_create(&thread, NULL, in_child, (void *)(long)i), 0);
            in_child(NULL);
            CHECK_EQ(pthread_join(thread, &result), 0);
            _exit((int)(long)result);
        }
        int status;
        while (waitpid(pid, &status, 0) < 0)
            CHECK_EQ(errno, EINTR);
        ok += WIFEXITED(status) && WEXITSTATUS(status) == i;
    }
    stop = 1;
    for (int i = 0; i < WORKERS; i++)
        pthread_join(workers[i], NULL);
    printf("children: %d, signals: %d\n", ok, hits > 0);
    return 0;
}
