// native: no
// riv: --cpu=max
// expect: ok
/* Zacas: compare and swap of 32, 64 and 128 bits: values, failure, threads; Zcb's 16-bit instructions. */
#include "extensions.h"
#include <pthread.h>

#define CAS_W(p, expected, new)                                                                                        \
    ({                                                                                                                 \
        uint64_t r_ = (uint64_t)(expected);                                                                            \
        __asm__ volatile(".insn r 0x2f, 2, 0x14, %0, %1, %2" : "+r"(r_) : "r"(p), "r"((uint64_t)(new)) : "memory");    \
        r_;                                                                                                            \
    })
#define CAS_D(p, expected, new)                                                                                        \
    ({                                                                                                                 \
        uint64_t r_ = (uint64_t)(expected);                                                                            \
        __asm__ volatile(".insn r 0x2f, 3, 0x17, %0, %1, %2" : "+r"(r_) : "r"(p), "r"((uint64_t)(new)) : "memory");    \
        r_;                                                                                                            \
    })
struct wide {
    uint64_t low, high;
};
static struct wide cas_q(volatile void *p, struct wide expected, struct wide desired) {
    register uint64_t a __asm__("a2") = expected.low, b __asm__("a3") = expected.high;
    register uint64_t c __asm__("a4") = desired.low, e __asm__("a5") = desired.high;
    __asm__ volatile(".insn r 0x2f, 4, 0x17, %0, %2, %3" : "+r"(a), "+r"(b) : "r"(p), "r"(c), "r"(e) : "memory");
    return (struct wide){a, b};
}

enum { THREADS = 3, ROUNDS = 10000 };
static _Alignas(16) volatile struct wide pair;
static volatile uint32_t word;
static volatile uint64_t number;

static void *work(void *unused) {
    for (int i = 0; i < ROUNDS; i++) {
        struct wide old = {pair.low, pair.high}, seen;
        for (;; old = seen) {
            seen = cas_q(&pair, old, (struct wide){old.low + 1, old.high + 3});
            if (seen.low == old.low && seen.high == old.high)
                break;
        }
        uint32_t w = word;
        for (uint32_t now; (now = (uint32_t)CAS_W(&word, w, w + 1)) != w;)
            w = now;
        uint64_t n = number;
        for (uint64_t now; (now = CAS_D(&number, n, n + 0x100000001)) != n;)
            n = now;
    }
    return NULL;
}

int main(void) {
    for (int round = 0; round < 200; round++) {
        uint32_t w[2] = {0x80000001, 7};
        CHECK_EQ(CAS_W(&w[0], 0x80000001, 5), 0xffffffff80000001); /* compares 32 bits, returns them sign-extended */
        CHECK_EQ(w[0], 5);
        CHECK_EQ(CAS_W(&w[0], 6, 9), 5);
        CHECK_EQ(w[0], 5);
        CHECK_EQ(CAS_W(&w[1], 0xabcdef0000000007, 0x1234567800000008), 7);
        CHECK_EQ(w[1], 8);
        uint64_t d = 1ull << 63;
        CHECK_EQ(CAS_D(&d, 1ull << 63, 3), 1ull << 63);
        CHECK_EQ(d, 3);
        CHECK_EQ(CAS_D(&d, 4, 9), 3);
        CHECK_EQ(d, 3);
        _Alignas(16) struct wide q = {1, 2};
        struct wide r = cas_q(&q, (struct wide){1, 2}, (struct wide){3, 4});
        CHECK(r.low == 1 && r.high == 2 && q.low == 3 && q.high == 4);
        r = cas_q(&q, (struct wide){3, 5}, (struct wide){6, 7});
        CHECK(r.low == 3 && r.high == 4 && q.low == 3 && q.high == 4);
        r = cas_q(&q, (struct wide){2, 4}, (struct wide){6, 7});
        CHECK(r.low == 3 && r.high == 4 && q.low == 3 && q.high == 4);
        /* Zcb, encoded as 16 bits on a0 to a5 */
        register uint64_t a0 __asm__("a0") = 0x1234567887658291;
        register uint64_t a1 __asm__("a1") = 10;
        __asm__ volatile(".2byte 0x9d61" : "+r"(a0)); /* c.zext.b a0 */
        CHECK_EQ(a0, 0x91);
        __asm__ volatile(".2byte 0x9d65" : "+r"(a0)); /* c.sext.b a0 */
        CHECK_EQ(a0, 0xffffffffffffff91);
        __asm__ volatile(".2byte 0x9d75" : "+r"(a0)); /* c.not a0 */
        CHECK_EQ(a0, 0x6e);
        __asm__ volatile(".2byte 0x9d4d" : "+r"(a0) : "r"(a1)); /* c.mul a0, a1 */
        CHECK_EQ(a0, 0x6e * 10);
        a0 = 0xabcdef0187654321;
        __asm__ volatile(".2byte 0x9d71" : "+r"(a0)); /* c.zext.w a0 */
        CHECK_EQ(a0, 0x87654321);
        a0 = 0xabcdef0187659321;
        __asm__ volatile(".2byte 0x9d6d" : "+r"(a0)); /* c.sext.h a0 */
        CHECK_EQ(a0, 0xffffffffffff9321);
        __asm__ volatile(".2byte 0x9d69" : "+r"(a0)); /* c.zext.h a0 */
        CHECK_EQ(a0, 0x9321);
    }
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, work, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
    CHECK_EQ(word, THREADS * ROUNDS);
    CHECK_EQ(number, THREADS * ROUNDS * 0x100000001ull);
    CHECK_EQ(pair.low, THREADS * ROUNDS);
    CHECK_EQ(pair.high, THREADS * ROUNDS * 3);
    puts("ok");
}
