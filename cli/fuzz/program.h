/* program.h: random short programs made from the rows of cpu/riscv.def: what one is, placing it in memory, comparing
 * where two executions ended, making it smaller.
 *
 *      0x2345000  auipc  t5,0x0        one item per instruction
 *                 addi   t5,t5,12      the distance of a jump is filled in from the item it goes to
 *                 jalr   ra,0(t5)
 *                 ld     a4,-8(s2)     s0, s1, s2 and sp point into the scratch area, other registers hold corner values
 *                 ebreak               items[main]; functions, if any, are behind it
 *                 jalr   zero,0(ra)
 *
 * A program is a function of its seed, of the rows it may use and of the options: the same on every host.
 */
#ifndef CLI_FUZZ_PROGRAM_H
#define CLI_FUZZ_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../../cpu/insn.h"
#include "rows.h"

#define PROGRAM_CODE 0x2345000u
#define PROGRAM_SCRATCH 0x10000000u
/* Data in the page that holds the code: [PROGRAM_CODE + NEAR_AT, + NEAR_BYTES). */
enum { PROGRAM_ITEMS = 96, SCRATCH_BYTES = 3 * 4096, NEAR_AT = 1024, NEAR_BYTES = 1024 };

/* How an item's operand follows from the item it names as target. */
enum program_fix { FIX_NONE, FIX_B, FIX_J, FIX_CB, FIX_CJ, FIX_ADDI, FIX_NEAR };
enum { GROUP_KEPT = 255 };

struct program_item {
    uint32_t bits;
    uint16_t row;   /* index in row_patterns */
    uint8_t len;    /* 2 or 4 */
    uint8_t fix;    /* enum program_fix; FIX_ADDI and FIX_NEAR are relative to the auipc before */
    uint8_t target; /* item it goes to; count is the end */
    uint8_t group;  /* not 0: removed together with others of the group; GROUP_KEPT: never */
    bool aimed;     /* target is chosen already */
};
struct program_state {
    uint64_t x[32], f[32], pc;
    uint32_t fcsr;
    uint32_t cause; /* enum trap_cause */
    uint64_t tval;
    uint8_t scratch[SCRATCH_BYTES], near[NEAR_BYTES];
};
struct program {
    uint64_t seed;
    const struct isa *isa;
    unsigned count, main; /* main: the item at which it ends, an ebreak if there are functions behind, else count */
    bool modifies;        /* it writes to its own code */
    struct program_item items[PROGRAM_ITEMS];
    struct program_state start;
};
struct program_options {
    const struct row_set *rows;
    int focus;         /* a row that is certainly in it, or -1 */
    unsigned max_rows; /* 1 to 30 */
    bool straight;     /* no loop, no function, no change of code */
    bool tame; /* no wild addresses, no misaligned atomics, no reserved rounding modes, no faults, no change of code */
};

enum { POINTER_SP = 2, POINTER_S0 = 8, POINTER_S1 = 9, POINTER_S2 = 18, JUMP_REG = 30, LOOP_REG = 31 };

/* Maps the scratch area and the code at their fixed addresses, with nothing accessible around; false if they are taken.
 */
bool program_map(void);
void program_make(struct program *p, const struct isa *isa, uint64_t seed, const struct program_options *options);
/* Fills in the distances of jumps. */
void program_resolve(struct program *p);
/* Writes the code to PROGRAM_CODE and the start's memory to its places. */
void program_place(const struct program *p);
/* Address of item i (count: the ebreak behind all). */
uint64_t program_address(const struct program *p, unsigned i);
/* Item at pc, or -1. */
int program_item_at(const struct program *p, uint64_t pc);
void program_decode(const struct program *p, unsigned i, struct insn *in);
/* Code and the start's registers that it names. */
void program_print(const struct program *p, FILE *to);

/* What differs between two ends, one line each; returns the number of differences.  to may be NULL. */
unsigned program_compare(const struct program_state *a, const char *a_name, const struct program_state *b,
                         const char *b_name, FILE *to);

typedef bool program_fails(const struct program *p, void *ctx);
/* Removes as many items as possible, then loop rounds and start values, while fails says so.  quick: only the items. */
void program_shrink(struct program *p, program_fails *fails, void *ctx, bool quick);
/* The item whose execution is the first to make a difference: the last one that must not be an ebreak for fails to say
 * so.  -1 where no such item can be told. */
int program_blame(const struct program *p, program_fails *fails, void *ctx);

/* splitmix64: the next of a sequence that is a function of the state's first value. */
uint64_t program_random(uint64_t *state);

#endif
