// native: no
// riv: --cpu=max
// expect: ok
/* Waiting with WRS: for a word to change, as kernels do; and in a lock whose SC is where a branch between the LR and
 * the WRS leads, so that what looks like mere waiting is not. */
#include "check.h"
#include <pthread.h>

enum { THREADS = 3, ROUNDS = 3000 };
#define WRS_NTO ".word 0x00d00073\n"
#define WRS_STO ".word 0x01d00073\n"

static volatile uint32_t lock_word, turn;
static uint64_t under_lock;

static void lock(void) {
    uint64_t value, failed;
    __asm__ volatile("1: lr.w.aq %0, (%2)\n beqz %0, 2f\n" WRS_STO "j 1b\n"
                     "2: sc.w.aq %1, %3, (%2)\n bnez %1, 1b"
                     : "=&r"(value), "=&r"(failed)
                     : "r"(&lock_word), "r"(1L)
                     : "memory");
}
static void unlock(void) { __atomic_store_n(&lock_word, 0, __ATOMIC_RELEASE); }

/* Comes back when *p may no longer be old. */
static void wait_for_change(volatile uint32_t *p, uint32_t old) {
    uint64_t value;
    __asm__ volatile("lr.w %0, (%1)\n xor %0, %0, %2\n bnez %0, 1f\n" WRS_NTO "1:"
                     : "=&r"(value)
                     : "r"(p), "r"((long)(int32_t)old)
                     : "memory");
}

static void *lockers(void *arg) {
    for (int i = 0; i < ROUNDS; i++) {
        lock();
        under_lock++;
        unlock();
    }
    return arg;
}
static void *players(void *arg) {
    uint32_t me = (uint32_t)(uintptr_t)arg, now;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        while ((now = __atomic_load_n(&turn, __ATOMIC_ACQUIRE)) != i * 2 + me)
            wait_for_change(&turn, now);
        __atomic_store_n(&turn, now + 1, __ATOMIC_RELEASE);
    }
    return arg;
}

int main(void) {
    pthread_t t[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&t[i], NULL, lockers, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    CHECK_EQ(under_lock, (uint64_t)THREADS * ROUNDS);
    for (uintptr_t i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, players, (void *)i);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    CHECK_EQ(turn, 2u * ROUNDS);
    puts("ok");
}
