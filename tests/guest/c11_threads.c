/* C11 threads: mutexes, conditions, thread-local storage, once, atomics of every size. */
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <threads.h>

enum { THREADS = 4, ITEMS = 4000 };
static mtx_t lock;
static cnd_t not_empty, not_full;
static int queue[16], head, count, produced;
static atomic_ullong sum;
static atomic_uchar byte;
static atomic_ushort half;
static atomic_uint word;
static atomic_flag flag = ATOMIC_FLAG_INIT;
static thread_local int mine;
static uint64_t spun;
static once_flag once = ONCE_FLAG_INIT;
static atomic_int initialised;

static void initialise(void) { initialised++; }

static int consumer(void *unused) {
    call_once(&once, initialise);
    for (;;) {
        mtx_lock(&lock);
        while (!count && produced < ITEMS)
            cnd_wait(&not_empty, &lock);
        if (!count) {
            mtx_unlock(&lock);
            return mine != 0;
        }
        int item = queue[(head - count) & 15];
        count--;
        mine++;
        cnd_signal(&not_full);
        mtx_unlock(&lock);
        atomic_fetch_add(&sum, (unsigned long long)item * item);
        atomic_fetch_add(&byte, 1);
        atomic_fetch_xor(&half, (unsigned short)item);
        unsigned old = atomic_load(&word);
        while (!atomic_compare_exchange_weak(&word, &old, old * 2 + 1 - old))
            ;
        while (atomic_flag_test_and_set(&flag))
            thrd_yield();
        spun += (uint64_t)item;
        atomic_flag_clear(&flag);
    }
}

int main(void) {
    mtx_init(&lock, mtx_plain);
    cnd_init(&not_empty);
    cnd_init(&not_full);
    thrd_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        if (thrd_create(&threads[i], consumer, NULL) != thrd_success)
            return 1;
    for (int i = 1; i <= ITEMS; i++) {
        mtx_lock(&lock);
        while (count == 16)
            cnd_wait(&not_full, &lock);
        queue[head++ & 15] = i;
        count++;
        produced = i;
        cnd_signal(&not_empty);
        mtx_unlock(&lock);
    }
    mtx_lock(&lock);
    cnd_broadcast(&not_empty);
    mtx_unlock(&lock);
    for (int i = 0; i < THREADS; i++)
        thrd_join(threads[i], NULL);
    printf("%llu %u %u %u %llu %d %d\n", (unsigned long long)sum, (unsigned)byte, (unsigned)half, (unsigned)word,
           (unsigned long long)spun, (int)initialised, mine);
}
