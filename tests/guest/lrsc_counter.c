// native: no
// expect: ok
/* Constrained LR/SC loops must make progress and lose no update, in all spellings compilers and people use. */
#include "check.h"
#include <pthread.h>

enum { THREADS = 4, ROUNDS = 20000 };
static volatile uint64_t counter_d;
static volatile uint32_t counter_w, counter_max, shared_lock;
static uint64_t under_lock;

static void add_d(uint64_t n) {
    uint64_t value, failed;
    __asm__ volatile("1: lr.d %0, (%2)\n add %0, %0, %3\n sc.d %1, %0, (%2)\n bnez %1, 1b"
                     : "=&r"(value), "=&r"(failed)
                     : "r"(&counter_d), "r"(n)
                     : "memory");
}
static void add_w(uint32_t n) {
    uint64_t value, failed;
    __asm__ volatile("1: lr.w.aqrl %0, (%2)\n addw %0, %0, %3\n sc.w.rl %1, %0, (%2)\n bnez %1, 1b"
                     : "=&r"(value), "=&r"(failed)
                     : "r"(&counter_w), "r"(n)
                     : "memory");
}
/* A compare and a branch out of the loop, as in compare-and-swap. */
static void max_w(uint32_t n) {
    uint64_t value, failed;
    __asm__ volatile("1: lr.w %0, (%2)\n bgeu %0, %3, 2f\n sc.w %1, %3, (%2)\n bnez %1, 1b\n2:"
                     : "=&r"(value), "=&r"(failed)
                     : "r"(&counter_max), "r"((uint64_t)n)
                     : "memory");
}
static void lock(void) {
    uint64_t value, failed;
    __asm__ volatile("1: lr.w.aq %0, (%2)\n bnez %0, 1b\n sc.w %1, %3, (%2)\n bnez %1, 1b"
                     : "=&r"(value), "=&r"(failed)
                     : "r"(&shared_lock), "r"(1L)
                     : "memory");
}
static void unlock(void) { __asm__ volatile("amoswap.w.rl zero, zero, (%0)" ::"r"(&shared_lock) : "memory"); }

static void *work(void *argument) {
    uint32_t me = (uint32_t)(uintptr_t)argument;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        add_d(0x100000001);
        add_w(3);
        max_w(i * THREADS + me);
        if (i % 16 == 0) {
            lock();
            under_lock++;
            unlock();
        }
    }
    return NULL;
}

int main(void) {
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, work, (void *)i), 0);
    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
    CHECK_EQ(counter_d, (uint64_t)THREADS * ROUNDS * 0x100000001);
    CHECK_EQ(counter_w, THREADS * ROUNDS * 3);
    CHECK_EQ(counter_max, THREADS * ROUNDS - 1);
    CHECK_EQ(under_lock, THREADS * (ROUNDS / 16));
    puts("ok");
}
