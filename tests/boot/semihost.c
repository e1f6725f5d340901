// Semihosting calls in M mode, and in S mode with addresses that are not physical; an ebreak alone still traps. Ends
// with 7.
#include "../../roms/rom.h"

enum { OPEN = 1, WRITEC = 3, WRITE0 = 4, WRITE = 5, EXIT_EXTENDED = 0x20, LONG = 70000 };
static unsigned breakpoints;
static char text[LONG];
static word table[4096 / sizeof(word)] __attribute__((aligned(4096)));

void rom_trap(struct frame *f) {
    expect("cause", csr_read(mcause), 3);
    breakpoints++;
    csr_write(mepc, csr_read(mepc) + 4);
}

__attribute__((noinline, aligned(64))) static word call(word operation, const void *argument) {
    register word a0 __asm__("a0") = operation;
    register const void *a1 __asm__("a1") = argument;
    __asm__ volatile(".option push\n.option norvc\n.option norelax\n"
                     "slli x0, x0, 0x1f\nebreak\nsrai x0, x0, 7\n.option pop"
                     : "+r"(a0)
                     : "r"(a1)
                     : "memory");
    return a0;
}

/* RAM is at 0x80000000 as it is, and at 0x40000000 as well. */
static void map(void) {
#if __riscv_xlen == 64
    table[2] = 0x80000000 >> 2 | 0xcf;
    table[1] = 0x80000000 >> 2 | 0xc7;
    csr_write(satp, 8ul << 60 | (word)table >> 12);
#else
    table[0x80000000 >> 22] = 0x80000000 >> 2 | 0xcf;
    table[0x40000000 >> 22] = 0x80000000 >> 2 | 0xc7;
    csr_write(satp, 1ul << 31 | (word)table >> 12);
#endif
    __asm__ volatile("sfence.vma" ::: "memory");
}

static word from_supervisor(word address) { return call(WRITE0, (const void *)address); }

void rom_main(word hart, const void *device_tree) {
    static const char lines[] = "virtual\n";
    static const word console[] = {(word) ":tt", 4, 3};
    __asm__ volatile(".option push\n.option norvc\nebreak\n.option pop");
    expect("ebreak alone traps", breakpoints, 1);
    call(WRITE0, "text\n");
    call(WRITEC, "c");
    for (unsigned i = 0; i < LONG; i++)
        text[i] = i % 100 == 99 ? '\n' : 'x';
    word block[] = {call(OPEN, console), (word)text, LONG};
    expect("left over", call(WRITE, block), 0);
    block[1] = 0x1000000;
    expect("outside of RAM", call(WRITE, block), LONG);
    expect("no such call", call(0x77, NULL), (word)-1);
    map();
    call_at(PRIV_S, from_supervisor, (word)lines - 0x40000000);
    csr_write(satp, 0);
    expect("breakpoints", breakpoints, 1);
    static const word end[] = {0x20026, 7};
    call(EXIT_EXTENDED, end);
    for (;;)
        ;
}
