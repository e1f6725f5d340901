// The host-target interface: prints, writes by system call, leaves a signature, ends with CODE.
#include "../../roms/rom.h"

#ifndef CODE
#define CODE 0
#endif
volatile uint64_t tohost __attribute__((aligned(64))), fromhost __attribute__((aligned(64)));
__asm__(".data\n.balign 16\n.globl begin_signature, end_signature\nbegin_signature:\n"
        ".word 0xdeadbeef, 0x00000001, 0x89abcdef, 0xffffffff\nend_signature:\n.word 0x55555555\n.text");

static void send(uint64_t value) {
#if __riscv_xlen == 64
    tohost = value;
#else
    volatile uint32_t *half = (volatile uint32_t *)&tohost;
    half[1] = (uint32_t)(value >> 32);
    half[0] = (uint32_t)value;
#endif
}

static void wait(void) {
    while (tohost)
        ;
    fromhost = 0;
}

void rom_main(word hart, const void *device_tree) {
    static const char line[] = "by system call\n";
    for (const char *at = "by console\n"; *at; at++) {
        send(UINT64_C(1) << 56 | UINT64_C(1) << 48 | (uint8_t)*at);
        wait();
    }
    static volatile uint64_t block[8] __attribute__((aligned(64)));
    block[0] = 64;
    block[1] = 1;
    block[2] = (word)line;
    block[3] = sizeof line - 1;
    send((word)block);
    wait();
    expect("written", (word)block[0], sizeof line - 1);
    send(CODE << 1 | 1);
    for (;;)
        ;
}
