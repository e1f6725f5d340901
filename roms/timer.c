// what: the CLINT's timer: interrupts at their time, wfi, 100 ticks at 1 kHz
// variants: timer= timer32=rv32
#include "rom.h"

enum { PERIOD = 10000, TICKS = 100 };

static volatile unsigned ticks;
static uint64_t next;

void rom_trap(struct frame *f) {
    expect("cause", csr_read(mcause), INTERRUPT | 7);
    expect("not too early", mtime() >= next, 1);
    next += PERIOD;
    set_mtimecmp(hart_id(), next);
    ticks++;
}

void rom_main(word hart, const void *device_tree) {
    uint64_t start = mtime();
    next = start + PERIOD;
    set_mtimecmp(0, next);
    csr_write(mie, 0x80);
    csr_set(mstatus, 8);
    while (ticks < TICKS)
        __asm__ volatile("wfi");
    csr_clear(mstatus, 8);
    uint64_t passed = mtime() - start;
    expect("time passed", passed >= (uint64_t)PERIOD * TICKS, 1);
    csr_write(mie, 0);
    set_mtimecmp(0, mtime());
    expect("MTIP", csr_read(mip) >> 7 & 1, 1);
    set_mtimecmp(0, UINT64_MAX);
    expect("MTIP cleared", csr_read(mip) >> 7 & 1, 0);
    print("timer: passed\n");
    finish(0);
}
