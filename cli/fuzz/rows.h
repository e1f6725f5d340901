/* rows.h: the rows of cpu/riscv.def as patterns that random instructions are made from, and sets of rows with weights. */
#ifndef CLI_FUZZ_ROWS_H
#define CLI_FUZZ_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "../../cpu/insn.h"

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

/* Operands of a row's format. */
enum operand_kind {
    WRITES_X = 1,
    READS_X1 = 2,
    READS_X2 = 4,
    ADDRESS = 8,
    HAS_RM = 16,
    ATOMIC = 32,
    HAS_RD = 64,
    HAS_R1 = 128,
    HAS_R2 = 256
};
/* Set of enum operand_kind for an enum insn_format. */
unsigned row_operands(unsigned format);

enum { ROW_MAX = 640 };
struct row_set {
    unsigned count, total;
    uint16_t row[ROW_MAX];
    uint32_t upto[ROW_MAX]; /* sums of weights: row[i] is drawn for numbers from upto[i - 1] to below upto[i] */
};
/* All rows of isa that allowed (NULL: any) accepts.  weights is NULL or "EXT=N,..." with an extension's name as the
 * table has it, N from 0 to 1000; what is not named has weight 10.  False: weights is malformed, or nothing is left. */
bool row_set_make(struct row_set *set, const struct isa *isa, bool (*allowed)(const struct row_pattern *row),
                  const char *weights);
/* The row for a random number. */
unsigned row_set_pick(const struct row_set *set, uint32_t random);

#endif
