/* row_program.h: random short programs made from the rows of cpu/riscv.def, and running them on two machines to
 * compare.
 *
 *      0x2345000  auipc  t5,0x0        one item per instruction; jumps go forward only, so every program ends:
 *                 jalr   ra,12(t5)     behind the last item is an ebreak
 *                 fadd.s ft3,ft0,ft0
 *                 ld     a4,-8(s2)     s0, s1, s2 and sp point into the scratch area, other registers hold corner
 * values ebreak
 *
 * A program is a function of its seed, of the instruction set and of what is allowed in it.
 */
#ifndef TESTS_DIFF_ROW_PROGRAM_H
#define TESTS_DIFF_ROW_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../../cpu/fp.h"
#include "../../cpu/insn.h"

#define PROGRAM_CODE 0x2345000u
#define PROGRAM_SCRATCH 0x10000000u
enum { PROGRAM_ITEMS = 40, SCRATCH_BYTES = 3 * 4096 };

/* INSN and RVC rows in the table's order, RVC rows behind. */
struct row_pattern {
    const char *name, *extension;
    uint32_t mask, match;
    uint16_t id; /* enum insn_id; of the base instruction for compressed rows */
    uint8_t len;
};
/* All rows; count gets their number. */
const struct row_pattern *row_patterns(unsigned *count);
/* Whether isa has the row. */
bool row_pattern_in(const struct row_pattern *row, const struct isa *isa);

struct program_item {
    uint32_t bits;
    uint16_t row; /* index in row_patterns */
    uint8_t len;
    uint8_t fix;    /* how a jump's distance is filled in */
    uint8_t target; /* item it goes to; count is the end */
};
struct program_state {
    uint64_t x[32], f[32], pc;
    uint32_t fcsr;
    uint32_t cause; /* enum trap_cause */
    uint64_t tval;
    uint8_t scratch[SCRATCH_BYTES];
};
struct program {
    uint64_t seed;
    const struct isa *isa;
    unsigned count;
    struct program_item items[PROGRAM_ITEMS];
    struct program_state start;
};
struct program_options {
    int focus;                                      /* a row that is certainly in it, or -1 */
    unsigned max_rows;                              /* 1 to 20 */
    bool (*allowed)(const struct row_pattern *row); /* NULL: all rows of the isa */
    bool straight;                                  /* no loop */
    bool tame; /* no wild addresses, no misaligned atomics, no reserved rounding modes */
};

/* Maps the scratch area and the code at their fixed addresses, with nothing accessible around; false if they are taken.
 */
bool program_map(void);
void program_make(struct program *p, const struct isa *isa, uint64_t seed, const struct program_options *options);
/* Writes the code to PROGRAM_CODE and the start's scratch bytes to PROGRAM_SCRATCH. */
void program_place(const struct program *p);
/* Address of item i (count: the final ebreak). */
uint64_t program_address(const struct program *p, unsigned i);
/* Item at pc, or -1. */
int program_item_at(const struct program *p, uint64_t pc);
void program_print(const struct program *p, FILE *to);

/* What differs between two ends, one line each; returns the number of differences.  to may be NULL. */
unsigned program_compare(const struct program_state *a, const char *a_name, const struct program_state *b,
                         const char *b_name, FILE *to);
/* Replaces as many items as possible by nops while still_fails says so. */
void program_shrink(struct program *p, bool (*still_fails)(const struct program *p, void *ctx), void *ctx);

/* splitmix64 */
uint64_t program_random(uint64_t *state);
/* RIV_SEED, or 1. */
uint64_t program_seed(void);

#endif
