/* guest_memory.h: what the cpu and the translator ask of whoever owns guest memory (user mode, a board).
 *
 * In user mode a guest address is a host address; loads and stores are made directly and a bad one arrives as a host
 * signal (engine_host_fault).  Only fetching goes through these calls, as it is rare: decoded code is cached.
 */
#ifndef CPU_GUEST_MEMORY_H
#define CPU_GUEST_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hart;

struct guest_memory {
    void *ctx;
    /* Executable memory at pc: *host points at its bytes; returns how many there are up to the end of the page at most,
     * or 0 with *cause = TRAP_FETCH_ACCESS (mapped, not executable) or TRAP_FETCH_PAGE (nothing there). */
    size_t (*fetch)(void *ctx, uint64_t pc, const uint8_t **host, uint32_t *cause);
    /* What was fetched from the 4 KiB page at addr is going to be kept.  True: a later write to the page, through
     * whatever mapping, is reported with engine_code_changed before it takes effect.  False: it is not; what was kept is
     * compared with memory at fence.i instead. */
    bool (*watch_code)(void *ctx, uint64_t addr);
    /* The guest made [start, end) executable as new code (fence.i gives 0 and UINT64_MAX).  May be NULL. */
    void (*fence_i)(void *ctx, struct hart *h);
    /* LR found outside a sequence that is lowered to one locked operation.  begin stops all other harts and returns
     * true; where there is no other hart it returns false and nothing is stopped.  end lets them go on. */
    bool (*exclusive_begin)(void *ctx, struct hart *h);
    void (*exclusive_end)(void *ctx, struct hart *h);
};

#endif
