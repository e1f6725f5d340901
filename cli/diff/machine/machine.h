/* machine.h: riv diff on machines: what a hart executes, in lockstep with Unicorn in M, S and U mode.
 *
 *      engine ──records of a block──▶ lockstep.c ──stretch of plain instructions──▶ unicorn.c runs the same, comparing each
 *                                          └── traps, interrupts, CSRs, xret, wfi, devices: taken over (skip and sync) ──▶
 *
 * Unicorn has RAM of its own, a copy made before the first instruction.  Its pages are walked by itself, from the satp that is
 * taken over.
 */
#ifndef CLI_DIFF_MACHINE_MACHINE_H
#define CLI_DIFF_MACHINE_MACHINE_H

#include "../../../cpu/system.h"
#include "../../../translate/engine.h"
#include "../diff.h"

/* What is taken over from riv, and differences that Unicorn is known for: counted, and listed in the report. */
enum taken {
    TAKEN_TRAP,      /* exceptions; Unicorn 2.0 never enters a handler */
    TAKEN_INTERRUPT,
    TAKEN_CSR,       /* CSR instructions: WARL fields and counters are riv's */
    TAKEN_RETURN,    /* mret, sret, wfi */
    TAKEN_DEVICE,    /* loads and stores outside of RAM */
    TAKEN_MISSING,   /* instructions that Unicorn lacks */
    TAKEN_BOX,       /* singles are not NaN-boxed */
    TAKEN_MINMAX,    /* fmin, fmax of a signalling NaN; invalid flag of inf * 0 + NaN */
    TAKEN_SC,        /* an SC that succeeds or fails where riv's does not */
    TAKEN_VIRTUAL,   /* accesses at virtual addresses where there is no physical memory */
    TAKEN_TWO_PAGES, /* translated instructions that lie on two pages: Unicorn finds no physical memory at the second */
    TAKEN_WORD,      /* amomin.w and the like compare 64 bits */
    TAKEN_COUNT
};
extern const char *const taken_labels[TAKEN_COUNT];

/* An instruction that riv has executed: its records. */
struct step {
    const struct record *r;
    size_t count;
    struct insn insn;
};

struct machine_lockstep {
    struct hart *hart;
    struct state expected; /* registers as riv's records have them */
    uint64_t insns, stores, blocks, taken[TAKEN_COUNT], first[TAKEN_COUNT]; /* first: pc where it was met */
    uint64_t history[HISTORY], history_count;
    bool started;
    uint64_t plant_address; /* testing: Unicorn sees other bits there */
    uint32_t plant_bits;
    bool plant;
};
extern struct machine_lockstep machine_lockstep;

/* ---- lockstep.c ---- */
void machine_observer(struct observer *o);
void machine_take(enum taken class, uint64_t pc);
/* Puts a step's effects into expected. */
void machine_expect(const struct step *s);
/* One line about what differs, and how it came there; ends the process with DIFF_DIVERGED. */
_Noreturn void machine_diverged(const struct step *s, const char *what, const struct state *theirs);
/* At the end: compares memory and prints the report. Returns the exit status. */
int machine_finish(void);

/* ---- unicorn.c ---- */
/* A copy of the board's RAM and a hart as riv's is. False: one line in err. */
bool unicorn_machine_open(struct hart *h, char *err, size_t n);
/* Runs the steps, all of them plain, from the state before them, comparing after each. Returns how many were done: fewer where
 * the next one turned out to access a device. */
size_t unicorn_machine_run(const struct step *steps, size_t count);
/* Registers, privilege, mstatus and satp become riv's; it goes on at pc. */
void unicorn_machine_set(const struct state *s, unsigned priv, uint64_t mstatus, uint64_t satp);
/* A store that Unicorn did not make. */
void unicorn_machine_store(uint64_t pa, const void *bytes, size_t size);
/* The first physical address at which RAM differs, or UINT64_MAX. */
uint64_t unicorn_machine_difference(void);

#endif
