/* rom.h: what the ROMs share: no library, machine mode, the board of devices/virt.h.
 *
 *      start.S: stacks, bss, trap vector --> rom_main(hart, device tree) --> finish(code)
 *
 * Other harts wait until hart 0 calls start_harts, then enter rom_hart.
 */
#ifndef ROMS_ROM_H
#define ROMS_ROM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if __riscv_xlen == 64
#define LOAD "ld"
#define STORE "sd"
#else
#define LOAD "lw"
#define STORE "sw"
#endif

typedef unsigned long word; /* a register */

enum { HARTS_MAX = 8, PRIV_U = 0, PRIV_S = 1, PRIV_M = 3 };
#define UART ((volatile uint8_t *)0x10000000)
#define FINISHER ((volatile uint32_t *)0x100000)
#define CLINT_MSIP ((volatile uint32_t *)0x2000000)
#define CLINT_MTIMECMP ((volatile uint32_t *)0x2004000)
#define CLINT_MTIME ((volatile uint32_t *)0x200bff8)

#define csr_read(csr_)                                                                                                 \
    ({                                                                                                                 \
        word value_;                                                                                                   \
        __asm__ volatile("csrr %0, " #csr_ : "=r"(value_)::"memory");                                                  \
        value_;                                                                                                        \
    })
#define csr_write(csr_, value_) __asm__ volatile("csrw " #csr_ ", %0" ::"r"((word)(value_)) : "memory")
#define csr_set(csr_, value_) __asm__ volatile("csrs " #csr_ ", %0" ::"r"((word)(value_)) : "memory")
#define csr_clear(csr_, value_) __asm__ volatile("csrc " #csr_ ", %0" ::"r"((word)(value_)) : "memory")
#define INTERRUPT ((word)1 << (__riscv_xlen - 1))

/* Registers as a trap finds them; the handler may change them and mepc. */
struct frame {
    word x[32];
};

/* The ROM's own. */
void rom_main(word hart, const void *device_tree);
void rom_hart(word hart);             /* may be left out */
void rom_trap(struct frame *f);       /* may be left out: any trap then ends the ROM */

_Noreturn void finish(unsigned code); /* 0: passed */
void print(const char *text);
void print_number(word value);
void print_hex(word value);
/* Ends with a line about what, unless a equals b. */
void expect(const char *what, word a, word b);
uint64_t mtime(void);
void set_mtimecmp(word hart, uint64_t at);
/* Waits for all harts of the device tree (HARTS_MAX at most) and lets them go; returns how many there are. */
unsigned start_harts(const void *tree);
/* Runs fn(argument) with privilege priv; returns what it returns. Traps that are not the return go to rom_trap. */
word call_at(unsigned priv, word (*fn)(word), word argument);

/* The device tree: a property of the first node whose name begins with node; NULL: none. */
const void *tree_property(const void *tree, const char *node, const char *property, uint32_t *size);
uint32_t big_endian(const void *at);

static inline word hart_id(void) { return csr_read(mhartid); }
int compare(const char *a, const char *b, size_t n);

#endif
