// native: no
// expect: values: ok
// expect: threads: ok
/* Every AMO: what it returns and leaves, for corner values; and that none is lost between threads. */
#include "check.h"
#include <pthread.h>
#include <stdbool.h>

#define AMO(name)                                                                                                      \
    static int64_t name##_w(volatile void *p, int64_t v) {                                                             \
        int64_t old;                                                                                                   \
        __asm__ volatile(#name ".w %0, %2, (%1)" : "=r"(old) : "r"(p), "r"(v) : "memory");                             \
        return old;                                                                                                    \
    }                                                                                                                  \
    static int64_t name##_d(volatile void *p, int64_t v) {                                                             \
        int64_t old;                                                                                                   \
        __asm__ volatile(#name ".d.aqrl %0, %2, (%1)" : "=r"(old) : "r"(p), "r"(v) : "memory");                        \
        return old;                                                                                                    \
    }
/* clang-format off */
AMO(amoswap) AMO(amoadd) AMO(amoxor) AMO(amoand) AMO(amoor)
AMO(amomin) AMO(amomax) AMO(amominu) AMO(amomaxu)
    /* clang-format on */

    static uint64_t model(int op, uint64_t a, uint64_t b, bool wide) {
    int64_t sa = wide ? (int64_t)a : (int32_t)a, sb = wide ? (int64_t)b : (int32_t)b;
    uint64_t ua = wide ? a : (uint32_t)a, ub = wide ? b : (uint32_t)b;
    const uint64_t results[] = {
        b, a + b, a ^ b, a & b, a | b, sa < sb ? a : b, sa > sb ? a : b, ua < ub ? a : b, ua > ub ? a : b};
    return results[op];
}

static int64_t (*const words[])(volatile void *, int64_t) = {amoswap_w, amoadd_w, amoxor_w,  amoand_w, amoor_w,
                                                             amomin_w,  amomax_w, amominu_w, amomaxu_w};
static int64_t (*const doubles[])(volatile void *, int64_t) = {amoswap_d, amoadd_d, amoxor_d,  amoand_d, amoor_d,
                                                               amomin_d,  amomax_d, amominu_d, amomaxu_d};

enum { THREADS = 2, ROUNDS = 30000 };
static struct {
    volatile uint64_t add, xor, or, and, token;
    volatile int64_t max;
    volatile uint32_t add_w, min;
} shared = {.and = ~0ull, .min = ~0u, .token = 1, .max = INT64_MIN};
static uint64_t tokens[THREADS];

static void *work(void *argument) {
    uintptr_t me = (uintptr_t)argument;
    for (int64_t i = 0; i < ROUNDS; i++) {
        amoadd_d(&shared.add, 5);
        amoadd_w(&shared.add_w, -1);
        amoxor_d(&shared.xor, (int64_t)(i * 2 + (int64_t)me));
        amoor_d(&shared.or, (int64_t)1 << (i % 32 * 2 + (int64_t)me));
        amoand_d(&shared.and, ~((int64_t)1 << (i % 31 * 2 + (int64_t)me)));
        amomax_d(&shared.max, i * 2 + (int64_t)me - ROUNDS);
        amominu_w(&shared.min, ROUNDS * 2 - i * 2 - (int64_t)me + 10);
        uint64_t had = (uint64_t)amoswap_d(&shared.token, 0); /* a token passed round: never two holders */
        if (had) {
            tokens[me] += had;
            amoswap_d(&shared.token, (int64_t)had);
        }
    }
    return NULL;
}

int main(void) {
    static const uint64_t corners[] = {0,
                                       1,
                                       ~0ull,
                                       INT32_MAX,
                                       0x80000000u,
                                       0xffffffff80000000u,
                                       INT64_MAX,
                                       1ull << 63,
                                       0x0123456789abcdef,
                                       0xfedcba9876543210};
    enum { CORNERS = sizeof corners / sizeof corners[0] };
    for (int op = 0; op < 9; op++)
        for (int i = 0; i < CORNERS; i++)
            for (int k = 0; k < CORNERS; k++) {
                uint64_t a = corners[i], b = corners[k], memory = a;
                CHECK_EQ(doubles[op](&memory, (int64_t)b), a);
                CHECK_EQ(memory, model(op, a, b, true));
                for (int half = 0; half < 2; half++) {
                    uint32_t pair[2] = {(uint32_t)a, (uint32_t)a}, kept = (uint32_t)a;
                    CHECK_EQ(words[op](&pair[half], (int64_t)b), (int64_t)(int32_t)a);
                    CHECK_EQ(pair[half], (uint32_t)model(op, a, b, false));
                    CHECK_EQ(pair[!half], kept);
                }
            }
    puts("values: ok");

    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, work, (void *)i), 0);
    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
    uint64_t xor = 0;
    for (uint64_t i = 0; i < ROUNDS * 2; i++)
        xor ^= i;
    CHECK_EQ(shared.add, 5ull * THREADS * ROUNDS);
    CHECK_EQ(shared.add_w, (uint32_t) - (THREADS * ROUNDS));
    CHECK_EQ(shared.xor, xor);
    CHECK_EQ(shared.or, ~0ull);
    CHECK_EQ(shared.and, 3ull << 62);
    CHECK_EQ(shared.max, ROUNDS - 1);
    CHECK_EQ(shared.min, 11);
    CHECK_EQ(shared.token, 1);
    CHECK(tokens[0] + tokens[1] <= THREADS * ROUNDS);
    puts("threads: ok");
}
