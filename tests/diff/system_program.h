/* system_program.h: random privileged programs for a small board, RV32 and RV64.
 *
 *      M handler: logs cause, epc, tval, mstatus ...; goes on with the next segment, in the privilege that a table says
 *      segment:   a dozen random instructions, then ecall; S handler: logs nothing, ecall
 *
 * In a counted run there are interrupts as well: the M handler quiets them through a register, and returns to where they hit.
 */
#ifndef TESTS_DIFF_SYSTEM_PROGRAM_H
#define TESTS_DIFF_SYSTEM_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#define RAM UINT64_C(0x80000000)
/* Registers: a store of FINISH to the first ends the run, which no program has by chance; a store to the second lowers all wires; a load from it gives the count. */
#define FINISHER UINT64_C(0x100000)
#define FINISH UINT64_C(0x5a5a6000)
#define QUIET UINT64_C(0x100008)
enum { SEGMENTS = 40, SEGMENT_BYTES = 256, LOG_WORDS = 8 };
/* offsets in RAM; the first page, the handlers', is read-only */
enum {
    HANDLER = 0,
    S_HANDLER = 0x800,
    CODE = 0x1000,
    DATA = 0x10000,
    VARIABLES = 0x20000,
    LOG = 0x21000,
    TABLES = 0x40000,
    RAM_BYTES = 0x80000
};
enum { DATA_PAGES = 8, WINDOW_PAGES = 16 };

struct system_program {
    unsigned xlen, levels; /* of the page table */
    bool counted;
    uint8_t image[RAM_BYTES];
    bool may_change[DATA / 4]; /* code that it changes, with a fence.i behind; by word of the image */
};

/* The next random number; all numbers come from the one seed. */
extern uint64_t program_seed;
uint64_t program_random(void);
unsigned program_below(unsigned n);

/* Fills in levels and image. */
void program_make(struct system_program *p, unsigned xlen, bool counted);
/* What satp is to be for its tables, translation on. */
uint64_t program_satp(const struct system_program *p);

#endif
