/* bus.h: what a hart in system mode asks of the board it sits on, and what the board tells the hart.
 *
 *      hart --physical address--> RAM region: host memory, accessed directly
 *                            \--> otherwise: read or write, a device's registers
 *      device --level--> hart_interrupt --> mip, at the hart's next poll
 */
#ifndef CPU_BUS_H
#define CPU_BUS_H

#include <stdbool.h>
#include <stdint.h>

struct hart;

/* Plain memory at physical addresses [base, base + size). Regions do not overlap and are page-aligned. */
struct bus_ram {
    uint64_t base, size;
    uint8_t *host;
    bool read_only; /* guest stores are access faults (ROM) */
};

struct bus {
    void *ctx;
    const struct bus_ram *ram;
    unsigned ram_count;
    /* Access to a physical address outside of RAM; size is 1, 2, 4 or 8 bytes, naturally aligned, called on the hart's
     * thread. False: nothing answers there or not at this size, the guest takes an access fault. */
    bool (*read)(void *ctx, struct hart *h, uint64_t address, unsigned size, uint64_t *value);
    bool (*write)(void *ctx, struct hart *h, uint64_t address, unsigned size, uint64_t value);
    /* mtime now, in ticks of the board's timebase (10 MHz). */
    uint64_t (*time)(void *ctx);
    /* Sstc: the hart's stimecmp has changed; the board raises STIP through hart_interrupt when it is reached. */
    void (*set_stimecmp)(void *ctx, struct hart *h, uint64_t ticks);
    /* Counted runs (engine_config.icount): the hart has reached the count that hart_icount_deadline gave, or waits in wfi
     * and nothing else will happen before it.  What it raises is taken before the next instruction. May be NULL. */
    void (*icount_reached)(void *ctx, struct hart *h);
    /* Semihosting: the hart has met slli x0, x0, 0x1f; ebreak; srai x0, x0, 7. The result is for a0; addresses are the
     * guest's virtual ones (hart_physical). NULL: there is none, and such an ebreak traps like any other. */
    uint64_t (*semihost)(void *ctx, struct hart *h, uint64_t operation, uint64_t argument);
};

/* Physical address of va as loads of h see it, without a fault; false: not mapped. On h's thread. */
bool hart_physical(struct hart *h, uint64_t va, uint64_t *pa);

/* Sets or clears a bit of the hart's mip as a wire would: bit is its number (3 MSIP, 5 STIP, 7 MTIP, 9 SEIP, 11 MEIP).
 * Callable from any thread; a hart that sleeps in wfi wakes up. */
void hart_interrupt(struct hart *h, unsigned bit, bool level);

/* Counted runs: time is what the instruction count says, so the same input gives the same run.  The count of h, which
 * advances a block of at most 64 instructions at a time and jumps to the deadline when h waits in wfi; and the count at
 * which the board wants to be asked (UINT64_MAX: never), to be called on the hart's thread or while it does not run. */
uint64_t hart_icount(const struct hart *h);
void hart_icount_deadline(struct hart *h, uint64_t count);

/* A device has written [address, address + size) of RAM itself: code decoded from there is forgotten.  To be called after
 * the bytes are written and before the guest is told; h is any hart of the board.  Callable from any thread. */
void hart_dma(struct hart *h, uint64_t address, uint64_t size);

#endif
