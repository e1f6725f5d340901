/* check.h: one case: which program a number stands for, running it all ways, and what was found.
 *
 *      seed, number ──▶ program ──▶ step ─── interpret, translate ..., unicorn ──▶ finding: shrunk program, instruction
 */
#ifndef CLI_FUZZ_CHECK_H
#define CLI_FUZZ_CHECK_H

#include "program.h"
#include "unicorn.h"
#include "ways.h"

enum { MAX_ISAS = 8, MAX_FOCUS = 32 };

/* What is counted; shared between processes. */
struct tally {
    uint64_t cases, endless, compared_with_unicorn;
    uint64_t now; /* the case that is being run */
    uint32_t known[UNICORN_CLASSES];
    uint32_t executed[2][ROW_MAX]; /* by xlen 64, 32 */
    uint32_t classes[2][ROW_MAX][32];
};

struct lab {
    unsigned count;
    char isa_names[MAX_ISAS][128];
    struct machine machines[MAX_ISAS];
    struct row_set rows[MAX_ISAS];
    struct row_set mixed[MAX_ISAS][2]; /* rows for programs that Unicorn runs: of doubles, of singles */
    struct row_set alone[MAX_ISAS][2];
    struct unicorn *unicorns[MAX_ISAS];
    int focus[MAX_FOCUS]; /* rows of which one is in each program */
    unsigned focus_count;
    struct tally *tally;
};

enum finding_kind { FINDING_DIFFERS, FINDING_CRASHES, FINDING_HANGS };
struct finding {
    enum finding_kind kind;
    enum way way; /* that parts from WAY_STEP; WAY_STEP for what crashes there */
    struct machine *machine;
    const char *isa;
    struct program program; /* shrunk */
    int blamed;             /* item or -1 */
    char instruction[32];   /* its mnemonic */
    char writer[32];        /* of the earliest instruction whose register is wrong at the end, or "" */
    struct program_state expected, actual; /* of WAY_STEP, and of way (differs only) */
    char agree[2][96];      /* ways that end as expected, and as actual */
};

/* isas: names separated by commas, with a list in the table's order; weights and focus ("row,row") may be NULL.  False:
 * err has one line. */
bool lab_open(struct lab *lab, const char *isas, const char *weights, const char *focus, bool with_unicorn,
              struct tally *tally, char *err, size_t n);
void lab_close(struct lab *lab);

/* The seed of a run's case. */
uint64_t case_seed(uint64_t seed, uint64_t number);
/* Runs the case; true: *f is what was found.  A finding that is not FINDING_DIFFERS leaves this process unreliable. */
bool case_check(struct lab *lab, uint64_t seed, struct finding *f);
/* The same for a program, under the machine whose instruction set it was made for; way is the one to compare, or WAYS for
 * all.  shrink: make it smaller first. */
bool program_check(struct lab *lab, unsigned isa, const struct program *p, enum way way, bool shrink,
                   struct finding *f);
/* Prints f as a report of some lines. */
void finding_print(const struct finding *f, FILE *to);

#endif
