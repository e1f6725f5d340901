// what: several harts (--smp N): spinlocks, LR/SC, AMO, interrupts from hart to hart
// variants: smp= smp32=rv32
#include "rom.h"

enum { ROUNDS = 20000 };

static volatile uint32_t lock, barrier_count, barrier_round;
static volatile uint32_t locked_sum, lrsc_sum, amo_sum, list_sum;
static volatile unsigned harts;
static volatile uint32_t interrupted[HARTS_MAX];

static void barrier(void) {
    uint32_t round = barrier_round;
    if (__atomic_add_fetch(&barrier_count, 1, __ATOMIC_SEQ_CST) == harts) {
        barrier_count = 0;
        __atomic_store_n(&barrier_round, round + 1, __ATOMIC_SEQ_CST);
    } else {
        while (__atomic_load_n(&barrier_round, __ATOMIC_SEQ_CST) == round)
            ;
    }
}

static void take(void) {
    uint32_t was;
    do
        __asm__ volatile("amoswap.w.aq %0, %1, (%2)" : "=r"(was) : "r"(1), "r"(&lock) : "memory");
    while (was);
}
static void give(void) { __asm__ volatile("amoswap.w.rl zero, zero, (%0)" ::"r"(&lock) : "memory"); }

static void lrsc_add(volatile uint32_t *at, uint32_t value) {
    uint32_t old, failed;
    do
        __asm__ volatile("lr.w.aqrl %0, (%2)\n\tadd %0, %0, %3\n\tsc.w.aqrl %1, %0, (%2)"
                         : "=&r"(old), "=&r"(failed)
                         : "r"(at), "r"(value)
                         : "memory");
    while (failed);
}

/* Every pair of harts: a store and then a load of the other's, with a fence between. Both seeing 0 is not allowed. */
static volatile uint32_t flag[HARTS_MAX], saw[HARTS_MAX];
static void store_load(word hart) {
    for (unsigned i = 0; i < 200; i++) {
        flag[hart] = 0;
        barrier();
        flag[hart] = 1;
        __sync_synchronize();
        saw[hart] = flag[(hart + 1) % harts];
        barrier();
        if (hart == 0 && harts == 2)
            expect("store buffering", saw[0] | saw[1], 1);
    }
}

void rom_trap(struct frame *f) {
    word hart = hart_id();
    expect("cause", csr_read(mcause), INTERRUPT | 3);
    CLINT_MSIP[hart] = 0;
    interrupted[hart]++;
}

static void work(word hart) {
    barrier();
    for (unsigned i = 0; i < ROUNDS; i++) {
        take();
        locked_sum = locked_sum + 1;
        give();
        lrsc_add(&lrsc_sum, 3);
        __asm__ volatile("amoadd.w zero, %0, (%1)" ::"r"(5), "r"(&amo_sum) : "memory");
    }
    barrier();
    store_load(hart);
    csr_write(mie, 8);
    barrier();
    CLINT_MSIP[(hart + 1) % harts] = 1;
    while (!interrupted[hart]) { /* off in mstatus: else one that is taken just before the wfi wakes nobody */
        __asm__ volatile("wfi");
        csr_set(mstatus, 8);
        csr_clear(mstatus, 8);
    }
    barrier();
}

void rom_hart(word hart) {
    while (!harts)
        ;
    work(hart);
}

void rom_main(word hart, const void *device_tree) {
    harts = start_harts(device_tree);
    work(0);
    expect("spinlock", locked_sum, harts * ROUNDS);
    expect("LR/SC", lrsc_sum, harts * ROUNDS * 3);
    expect("AMO", amo_sum, harts * ROUNDS * 5);
    for (unsigned i = 0; i < harts; i++)
        expect("interrupts", interrupted[i], 1);
    print("smp: passed with ");
    print_number(harts);
    print(" harts\n");
    finish(0);
}
