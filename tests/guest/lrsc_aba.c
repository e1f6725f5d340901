// native: no
// expect: plain stores: ok
// expect: atomic operations: ok
// expect: byte stores: ok
// expect: other mapping: ok
// expect: system call: ok
// expect: own sc: ok
// expect: elsewhere: ok
/* A reservation must not survive a write by another thread, even one that puts the same value back ("ABA"). */
#define _GNU_SOURCE
#include "check.h"
#include <pthread.h>
#include <stdatomic.h>

static uint64_t *word, *other_view;
static atomic_int step;
static int pipe_ends[2];
static void (*disturb)(void);

static void *other_thread(void *unused) {
    (void)unused;
    for (int round = 1;; round += 2) {
        int now;
        while ((now = atomic_load(&step)) != round)
            if (now < 0)
                return NULL;
        disturb();
        atomic_store(&step, round + 1);
    }
}

/* LR, waits with loads and branches until the other thread is done, SC: returns what SC gives. */
static long attempt_d(int round) {
    long failed, value, now;
    __asm__ volatile("lr.d %1, (%3)\n sw %5, 0(%4)\n"
                     "1: lw %2, 0(%4)\n beq %2, %5, 1b\n"
                     "fence rw, rw\n sc.d %0, %6, (%3)\n"
                     : "=&r"(failed), "=&r"(value), "=&r"(now)
                     : "r"(word), "r"(&step), "r"((long)round), "r"(0x5555L)
                     : "memory");
    return failed;
}
static long attempt_w(int round) {
    long failed, value, now;
    __asm__ volatile("lr.w.aq %1, (%3)\n sw %5, 0(%4)\n"
                     "1: lw %2, 0(%4)\n beq %2, %5, 1b\n"
                     "fence rw, rw\n sc.w.rl %0, %6, (%3)\n"
                     : "=&r"(failed), "=&r"(value), "=&r"(now)
                     : "r"(word), "r"(&step), "r"((long)round), "r"(0x5555L)
                     : "memory");
    return failed;
}

static void with_stores(void) {
    uint64_t old = *(volatile uint64_t *)word;
    *(volatile uint64_t *)word = 99;
    atomic_thread_fence(memory_order_seq_cst);
    *(volatile uint64_t *)word = old;
}
static void with_atomics(void) {
    uint64_t old = __atomic_exchange_n(word, 7, __ATOMIC_SEQ_CST);
    __atomic_exchange_n(word, old, __ATOMIC_SEQ_CST);
}
static void with_bytes(void) {
    volatile uint8_t *bytes = (volatile uint8_t *)word;
    bytes[1] ^= 0xff;
    bytes[1] ^= 0xff;
}
static void with_other_view(void) {
    volatile uint64_t *view = other_view;
    *view += 1;
    *view -= 1;
}
static void with_system_call(void) {
    uint64_t old = *word, changed = ~old;
    CHECK_EQ(write(pipe_ends[1], &changed, 8) + write(pipe_ends[1], &old, 8), 16);
    CHECK_EQ(read(pipe_ends[0], word, 8) + read(pipe_ends[0], word, 8), 16);
}

int main(void) {
    int fd = memfd_create("word", 0);
    CHECK_EQ(ftruncate(fd, 4096), 0);
    word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    other_view = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(word != MAP_FAILED && other_view != MAP_FAILED);
    CHECK_EQ(pipe(pipe_ends), 0);
    *word = 0x123456789abcdef0;

    static const struct {
        void (*disturb)(void);
        const char *name;
    } cases[] = {{with_stores, "plain stores"},
                 {with_atomics, "atomic operations"},
                 {with_bytes, "byte stores"},
                 {with_other_view, "other mapping"},
                 {with_system_call, "system call"}};
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        atomic_store(&step, 0);
        disturb = cases[i].disturb;
        pthread_t thread;
        CHECK_EQ(pthread_create(&thread, NULL, other_thread, NULL), 0);
        for (int round = 1; round < 200; round += 2) {
            CHECK(round & 2 ? attempt_w(round) : attempt_d(round));
            CHECK_EQ(*word, 0x123456789abcdef0);
        }
        atomic_store(&step, -1);
        CHECK_EQ(pthread_join(thread, NULL), 0);
        printf("%s: ok\n", cases[i].name);
    }

    /* An SC ends the reservation whether it stores or not. */
    long first, second, third, value;
    for (int i = 0; i < 100; i++) {
        do
            __asm__ volatile("lr.d %0, (%3)\n sc.d %1, %0, (%3)\n sc.d %2, zero, (%3)"
                             : "=&r"(value), "=&r"(first), "=&r"(second)
                             : "r"(word)
                             : "memory");
        while (first);
        CHECK(second != 0);
        CHECK_EQ(*word, 0x123456789abcdef0);
    }
    puts("own sc: ok");

    /* A reservation is for one place: an SC to another page fails and ends it. */
    uint64_t elsewhere = 4;
    for (int i = 0; i < 100; i++) {
        __asm__ volatile("lr.d %0, (%3)\n sc.d %1, zero, (%4)\n sc.d %2, zero, (%3)"
                         : "=&r"(value), "=&r"(first), "=&r"(third)
                         : "r"(word), "r"(&elsewhere)
                         : "memory");
        CHECK(first != 0);
        CHECK(third != 0);
        CHECK_EQ(elsewhere, 4);
    }
    puts("elsewhere: ok");
}
