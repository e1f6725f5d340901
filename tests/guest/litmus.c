/* Memory order: outcomes that RISC-V forbids must not be seen. Store buffering with fences, message passing, load
 * buffering, and that C's sequentially consistent atomics are. */
#include "check.h"
#include <pthread.h>
#include <stdatomic.h>

enum { ROUNDS = 4000 };
static struct {
    _Alignas(128) atomic_int x;
    _Alignas(128) atomic_int y;
    _Alignas(128) atomic_int gate[2];
} s;
static int seen[2];
static int test;

#ifdef __riscv
#define FENCE_FULL() __asm__ volatile("fence rw, rw" ::: "memory")
#define FENCE_WRITES() __asm__ volatile("fence w, w" ::: "memory")
#define FENCE_READS() __asm__ volatile("fence r, r" ::: "memory")
#define FENCE_TSO() __asm__ volatile("fence.tso" ::: "memory")
#else
#define FENCE_FULL() atomic_thread_fence(memory_order_seq_cst)
#define FENCE_WRITES() atomic_thread_fence(memory_order_release)
#define FENCE_READS() atomic_thread_fence(memory_order_acquire)
#define FENCE_TSO() atomic_thread_fence(memory_order_acq_rel)
#endif
#define PUT(p, v) atomic_store_explicit(p, v, memory_order_relaxed)
#define GET(p) atomic_load_explicit(p, memory_order_relaxed)

/* Both threads start a round at nearly the same time. */
static void meet(int me, int round) {
    atomic_store(&s.gate[me], round);
    for (int spins = 0; atomic_load(&s.gate[!me]) < round; spins++)
        if (spins > 2000)
            usleep(1);
}

static void side(int me, int round) {
    atomic_int *mine = me ? &s.y : &s.x, *other = me ? &s.x : &s.y;
    int value = 0;
    switch (test) {
    case 0: /* store buffering: not both 0 */
        PUT(mine, 1);
        FENCE_FULL();
        seen[me] = GET(other);
        break;
    case 1: /* the same with sequentially consistent operations */
        atomic_store(mine, 1);
        seen[me] = atomic_load(other);
        break;
    case 2: /* the same with atomic read-modify-write */
        atomic_exchange(mine, 1);
        FENCE_FULL();
        seen[me] = GET(other);
        break;
    case 3: /* message passing: a reader that sees y sees x */
        if (me) {
            value = GET(&s.y);
            FENCE_READS();
            seen[1] = value && !GET(&s.x);
        } else {
            PUT(&s.x, round);
            FENCE_WRITES();
            PUT(&s.y, 1);
        }
        break;
    case 4: /* load buffering: not both 1 */
        seen[me] = GET(other);
        FENCE_TSO();
        PUT(mine, 1);
        break;
    }
}

static void *second(void *unused) {
    (void)unused;
    for (int round = 1; round <= ROUNDS; round++) {
        meet(1, round * 2);
        side(1, round);
        meet(1, round * 2 + 1);
    }
    return NULL;
}

int main(void) {
    for (test = 0; test < 5; test++) {
        int bad = 0;
        atomic_store(&s.gate[0], 0);
        atomic_store(&s.gate[1], 0);
        pthread_t thread;
        CHECK_EQ(pthread_create(&thread, NULL, second, NULL), 0);
        for (int round = 1; round <= ROUNDS; round++) {
            PUT(&s.x, 0);
            PUT(&s.y, 0);
            meet(0, round * 2);
            side(0, round);
            meet(0, round * 2 + 1);
            bad += test < 3 ? !seen[0] && !seen[1] : test == 3 ? seen[1] : seen[0] && seen[1];
        }
        CHECK_EQ(pthread_join(thread, NULL), 0);
        printf("test %d: %d forbidden outcomes\n", test, bad);
    }
}
