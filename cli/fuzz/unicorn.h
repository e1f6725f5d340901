/* unicorn.h: Unicorn 2 (a QEMU core, GPL) as one more way of running a program.
 *
 * It knows I, M, A, F, D, C and Zicsr.  Where it is known to differ from the manual, a program falls into a labelled
 * class, which is counted:
 *
 *      trap          our side ended in a trap (a reserved rounding mode was written): Unicorn goes on behind traps
 *      lone sc       an SC before any LR: Unicorn may hold a reservation of an earlier program
 *      box           computed singles have zero upper halves in Unicorn: the low 32 bits are compared
 *      signalling    fmin, fmax of one signalling NaN
 *      inf * 0 + nan fused multiply-add, NV only
 *      word min/max  on RV64 it compares all 64 bits of memory, zero-extended, with all of rs2: those rows are left out
 *
 * As Unicorn does not check NaN boxes either, programs are of singles (all registers boxed) or of doubles; what
 * converts between them, and the rows of the last two classes, run alone.
 */
#ifndef CLI_FUZZ_UNICORN_H
#define CLI_FUZZ_UNICORN_H

#include "program.h"

enum unicorn_class {
    UNICORN_TRAP,
    UNICORN_LONE_SC,
    UNICORN_BOX,
    UNICORN_SIGNALLING,
    UNICORN_INF_ZERO,
    UNICORN_WORD_MIN,
    UNICORN_CLASSES
};
extern const char *const unicorn_class_names[UNICORN_CLASSES];

struct unicorn;
/* NULL with a line in err: Unicorn cannot be set up. xlen is 32 or 64. */
struct unicorn *unicorn_open(unsigned xlen, char *err, size_t n);
void unicorn_close(struct unicorn *u);
/* Runs p; false with a line in err where Unicorn stops with an error. */
bool unicorn_run(struct unicorn *u, const struct program *p, struct program_state *end, char *err, size_t n);

/* Whether a row is fit for programs of singles, or of doubles; whether it may be in programs of several rows. */
bool unicorn_has_row(const struct row_pattern *row, bool singles);
bool unicorn_mixes_row(const struct row_pattern *row);
bool unicorn_word_min(const struct row_pattern *row);
/* Makes the start fit: boxes what has to be boxed. focus: the row that p is about or NULL. */
void unicorn_prepare(struct program *p, bool singles, const struct row_pattern *focus);
/* -1: p and our end can be compared; else the class it falls into. */
int unicorn_skip_class(const struct program *p, const struct program_state *ours);
/* Sets right in theirs what is known to differ; adds to counts. */
void unicorn_settle(const struct program *p, const struct program_state *ours, struct program_state *theirs,
                    uint32_t counts[UNICORN_CLASSES]);

#endif
