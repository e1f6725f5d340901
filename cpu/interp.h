/* interp.h: the interpreter: threaded dispatch over decoded blocks, private to each hart.
 *
 * It stands on its own (it is what runs where the system forbids executable memory) and it is where every block begins:
 * a block entered hot_threshold times makes interp_run return INTERP_HOT.
 */
#ifndef CPU_INTERP_H
#define CPU_INTERP_H

#include "guest_memory.h"
#include "hart.h"
#include "insn.h"

enum interp_stop {
    INTERP_TRAP,    /* hart.trap says why; pc is the instruction that trapped (ecall and ebreak: not yet advanced) */
    INTERP_PENDING, /* hart.pending is not zero */
    INTERP_HOT,     /* the block at pc was entered hot_threshold times (and every time it is entered from then on) */
    INTERP_FENCE_I, /* a fence.i was executed, pc is behind it; decoded blocks that are not watched were dropped */
    INTERP_DONE,    /* interp_step has executed what was asked */
    INTERP_WFI,     /* system mode: the hart waits for an interrupt, pc is behind the wfi */
    INTERP_REACHED, /* interp_run_round is done */
};

struct interp_config {
    const struct guest_memory *mem;
    unsigned hot_threshold; /* 0: never INTERP_HOT */
};

/* Gives h (whose isa and xlen are set) an interpreter.  False: no memory. */
bool interp_create(struct hart *h, const struct interp_config *config);
void interp_destroy(struct hart *h);

/* Runs from h->pc.  Host faults at guest loads and stores resume at h->fault_jmp, which the caller (engine_run) has set,
 * with h->interp_ip naming the instruction; h->x is exact at that point. */
enum interp_stop interp_run(struct hart *h);
/* The same for exactly n instructions (less when something stops it); never INTERP_HOT, ignores pending. */
enum interp_stop interp_step(struct hart *h, uint64_t n);
/* Counted runs: from h->pc to the deadline (bus.h), the board's call included, whether code is hot or not.
 * INTERP_REACHED, or what stopped it before. */
enum interp_stop interp_run_round(struct hart *h);
/* The guest pc of the instruction that h->interp_ip points at: for host faults in the interpreter. */
uint64_t interp_fault_pc(struct hart *h);
/* From an LR at h->pc: executes it and up to 64 instructions with other harts stopped, until an SC has been executed,
 * or a store, a backward branch, a system instruction or the limit ends the reservation. */
enum interp_stop interp_exclusive(struct hart *h);

/* Around each instruction that interp_step and interp_exclusive execute: before it, at h->pc; and once it is complete, with host
 * flags in h->fflags, or has trapped (neither, where it faults).  NULL: none. */
struct interp_hooks {
    void (*before)(struct hart *h);
    void (*after)(struct hart *h);
    void (*trapped)(struct hart *h);
};
void interp_set_hooks(struct hart *h, const struct interp_hooks *hooks);

/* The block at pc could not be translated: it never reports INTERP_HOT again. */
void interp_set_cold(struct hart *h, uint64_t pc);
/* Where the jalr at pc in the block that begins at block_pc has led each time so far; 0: to several places, or it has not
 * been executed there. */
uint64_t interp_seen_target(struct hart *h, uint64_t block_pc, uint64_t pc);
/* User mode: drops what was decoded from pages that have bytes in [start, end). */
void interp_drop_range(struct hart *h, uint64_t start, uint64_t end);
/* Drops all decoded blocks. */
void interp_flush(struct hart *h);
/* Drops what was decoded from a page: of RAM in system mode, else of guest addresses. */
void interp_drop_page(struct hart *h, uint64_t page);
/* Stops the other harts, which were running guest code, as an exclusive sequence does.  False: there was none to stop. */
bool interp_stop_others(struct hart *h);
void interp_resume_others(struct hart *h);
/* Drops those of pages without a watch, as fence.i does; the others keep their count of executions. */
void interp_drop_unwatched(struct hart *h);
/* Instructions executed so far (counted a block at a time). */
uint64_t interp_count(const struct hart *h);

/* System mode, for the engine: serves PENDING_INTERRUPT and PENDING_CODE and takes an interrupt that is due.  False: other
 * bits of hart.pending are set. */
bool interp_look_around(struct hart *h);
/* Where pc is mapped now: RAM page * FS_STATES + the state of mstatus.FS.  False: a fault, or the page's code may not be
 * kept: interp_run deals with either. */
bool interp_where(struct hart *h, uint64_t pc, uint64_t *where);
/* How the translator reads code at pc: writes to its page are noticed from here on, or its watch_code says no. */
const struct guest_memory *interp_lift_memory(struct hart *h, uint64_t pc);
/* Whether pc's block was executed often enough to be translated is asked of interp_run; this one takes the traps of
 * interp_exclusive itself. */
enum interp_stop interp_exclusive_system(struct hart *h);

/* Helpers of generated code.  The LR at pc only waits: see hart.wait_lr. */
uint64_t hart_note_wait(struct hart *h, uint64_t pc, uint64_t unused_b, uint64_t unused_c, uint64_t imm);
/* pause, wrs.nto, wrs.sto: gives way to other threads of the host now and then. */
uint64_t hart_pause(struct hart *h, uint64_t unused_a, uint64_t unused_b, uint64_t unused_c, uint64_t imm);

/* CSR access shared with the translator: op is 0 RW, 1 RS, 2 RC as a helper; imm = csr | op << 12 | (no write) << 14 |
 * (no read) << 15.  Sets h->trap.cause = TRAP_ILLEGAL (else leaves it) where the CSR does not exist or is read-only;
 * the caller sets it to TRAP_NONE before.  Host flags must have been folded into h->fflags. */
uint64_t csr_access(struct hart *h, uint64_t value, uint64_t unused_b, uint64_t unused_c, uint64_t imm);

/* Compares the 16 aligned bytes at p with *expected; writes desired where they are equal, else what was there
 * to *expected. */
bool interp_cas128(void *p, unsigned __int128 *expected, unsigned __int128 desired);

#endif
