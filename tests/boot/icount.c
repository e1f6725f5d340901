// Takes timer and serial interrupts and tells where: in a counted run each line is the same every time.
#include "../../roms/rom.h"

enum { LINES = 300 };
#define PLIC ((volatile uint32_t *)0xc000000)
static volatile unsigned lines;
static uint32_t seed = 1;

void rom_trap(struct frame *f) {
    word cause = csr_read(mcause), pc = csr_read(mepc), count = csr_read(minstret);
    if (lines++ >= LINES)
        finish(0);
    print_hex(cause);
    print(" at ");
    print_hex(pc);
    print(" after ");
    print_number(count);
    if (cause == (INTERRUPT | 11)) {
        uint32_t source = PLIC[0x200004 / 4];
        while (UART[5] & 1) {
            print(" ");
            print_hex(UART[0]);
        }
        PLIC[0x200004 / 4] = source;
    }
    print("\n");
    seed = seed * 1103515245 + 12345;
    set_mtimecmp(0, mtime() + 20 + (seed >> 24));
}

void rom_main(word hart, const void *device_tree) {
    UART[1] = 1;
    PLIC[10] = 1;
    PLIC[0x2000 / 4] = 1 << 10;
    PLIC[0x200000 / 4] = 0;
    set_mtimecmp(0, mtime() + 100);
    csr_write(mie, 0x880);
    csr_set(mstatus, 8);
    for (volatile unsigned i = 0;; i++)
        if (i % 5000 == 0)
            __asm__ volatile("wfi");
}
