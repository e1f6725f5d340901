/* ways.h: the ways of running a program that must agree, and running one.
 *
 * The first way is the reference: interpreted one instruction after the other.  Signal handlers are the caller's to put
 * in place (ways_install_handlers); one thread at a time runs programs.
 */
#ifndef CLI_FUZZ_WAYS_H
#define CLI_FUZZ_WAYS_H

#include "../../cpu/hart.h"
#include "../../translate/engine.h"
#include "program.h"

enum way {
    WAY_STEP,       /* interpreted, one instruction at a time */
    WAY_INTERPRET,  /* interpreted in blocks */
    WAY_TRANSLATE,  /* translated at once */
    WAY_WARM,       /* interpreted first, translated when run again; code is not watched but compared at fence.i */
    WAY_ONE_BY_ONE, /* translated, one instruction a block; code is not watched either */
    WAY_PLAIN_HOST, /* translated without the host's optional instructions */
    WAY_UNICORN,    /* see unicorn.h */
    WAYS
};
extern const char *const way_names[WAYS];

/* Engines and harts of one instruction set. */
struct machine {
    struct isa isa;
    struct engine *engines[WAYS]; /* NULL: not to be had here */
    struct hart harts[WAYS];
    uint32_t *executed; /* by row: how often WAY_STEP has executed it; may be NULL */
    /* by row and enum operand_class: operands that WAY_STEP has met; may be NULL */
    uint32_t (*classes)[32];
};
/* isa is a name for isa_parse.  False: err has one line. */
bool machine_open(struct machine *m, const char *isa, char *err, size_t n);
void machine_close(struct machine *m);

enum run_end {
    RUN_ENDED,
    RUN_ENDLESS, /* more than RUN_MOST instructions, or code changed without a fence.i: WAY_STEP only */
    RUN_CRASHED, /* a fault in our own code, or an engine that broke its contract */
    RUN_HANGS,   /* ways_tick was called twice meanwhile */
};
enum { RUN_MOST = 3000 };
/* Runs p from its start. */
enum run_end way_run(struct machine *m, enum way way, const struct program *p, struct program_state *end);

/* SIGSEGV, SIGBUS, SIGILL, SIGFPE, and SIGVTALRM for ways_tick, on an alternate stack. */
bool ways_install_handlers(void);
/* Time for programs that hang: calls ways_tick after each of these milliseconds of processor time. */
void ways_watch_time(unsigned milliseconds);

#endif
