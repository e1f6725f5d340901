/* engine.h: runs harts: interpreter, translator and code cache behind one call.
 *
 * The embedder (user mode, a board) owns threads and memory.  A thread runs its hart with engine_run until something needs
 * the embedder, deals with it, and calls again.
 */
#ifndef TRANSLATE_ENGINE_H
#define TRANSLATE_ENGINE_H

#include <signal.h>
#include <stdio.h>

#include "../cpu/bus.h"
#include "../cpu/guest_memory.h"
#include "../cpu/hart.h"
#include "../cpu/insn.h"
#include "record.h"

enum engine_kind { ENGINE_AUTO, ENGINE_INTERP, ENGINE_JIT };
enum { DUMP_IN_ASM = 1, DUMP_IR = 2, DUMP_OUT_ASM = 4, DUMP_EXEC = 8 };

struct engine_range {
    uint64_t start, end; /* guest addresses, end excluded */
};

struct engine_config {
    struct guest_memory mem; /* copied; the exclusive_ calls may be NULL: the engine supplies them */
    const struct isa *isa;
    enum engine_kind kind;
    bool stats;          /* count instructions and exits: a little slower */
    unsigned dump;       /* DUMP_ bits */
    FILE *dump_to;       /* NULL: stderr */
    size_t cache_bytes;  /* code cache's size, 0: the default */
    unsigned hot;        /* executions before a block is translated, 0: the default */
    unsigned hostile;    /* testing: 1 one instruction a block, 2 tiny code cache, 4 translate at once */
    unsigned host_mask;  /* testing: host features (enum host_feature) not to be used */
    bool icount;         /* system mode, one hart: time is the instruction count (bus.h, hart_icount) */
    const struct bus *system; /* the board of harts in system mode: mem is not used.  NULL: user mode */
    unsigned max_insns;  /* instructions a translated block has at most, 0: the default */
    const struct engine_range *interpret; /* code that is not to be translated, whatever block it would be in */
    unsigned interpret_count;
    struct observer observer; /* who is told what is executed; all zero: nobody */
};

struct engine;

enum engine_stop {
    STOP_TRAP,    /* hart.trap; pc is the trapping instruction */
    STOP_PENDING, /* PENDING_USER was set; the engine has cleared it; state is exact at pc */
};

/* NULL with one line in err where it cannot be had: ENGINE_JIT on a system that refuses executable memory.  ENGINE_AUTO
 * there interprets, and err gets the line that says why (else it is empty). */
struct engine *engine_create(const struct engine_config *config, char *err, size_t n);
void engine_destroy(struct engine *e);
bool engine_has_jit(const struct engine *e);
/* One line: the host's architecture and what of its optional instructions the translator uses. Returns buf. */
const char *engine_host_features(char *buf, size_t n);

/* Gives h (zeroed, or copied from its parent hart) its place in the engine; x, f, pc, fflags and frm are kept.  In system
 * mode h->id is its mhartid and it starts as after reset, in machine mode at h->pc; all harts of a board must be there
 * before the first runs. */
bool engine_hart_init(struct engine *e, struct hart *h);
void engine_hart_exit(struct hart *h);

/* Runs h on the calling thread.  In system mode traps, interrupts and wfi are dealt with inside, on this thread: only
 * STOP_PENDING comes back. */
enum engine_stop engine_run(struct hart *h);
/* Makes h return STOP_PENDING soon; callable from any thread and from signal handlers. */
void engine_kick(struct hart *h);
/* Instructions h has executed so far, on its own thread outside of engine_run; what is translated counts with
 * engine_config.stats. */
uint64_t engine_instructions(const struct hart *h);
/* Nothing is recorded any more, by any hart. For callbacks of the observer: h is theirs. */
void engine_records_stop(struct hart *h);
/* For observer.stretches: all that was given has been dealt with, the hart is to run on. Returns how many stretches follow, h
 * being exact behind them; 0: the callback is to return first. */
size_t engine_stretch_on(struct hart *h, const struct record_stretch **s);
/* Stops all other harts outside of guest code, their records given, until they are resumed; h itself is not running.
 * False: there is no other. */
bool engine_stop_others(struct hart *h);
void engine_resume_others(struct hart *h);
/* [start, end) of guest memory has changed or is about to (write to a watched page, munmap, mprotect, icache flush):
 * translations of it are never entered again.  Callable from a SIGSEGV handler of a thread inside engine_run. */
void engine_code_changed(struct engine *e, uint64_t start, uint64_t end);
/* What fence.i means for code on pages that are not watched: compared with memory and dropped where it differs. */
void engine_fence_i(struct engine *e);

/* To be called from the embedder's handler of SIGSEGV and SIGBUS (SA_SIGINFO | SA_ONSTACK | SA_NODEFER) on the thread that
 * runs h.  True: the fault was in guest code; the context has been changed (or is left by a jump) so that engine_run
 * returns STOP_TRAP with exact state.  False: not ours. */
bool engine_host_fault(struct hart *h, int sig, siginfo_t *info, void *ucontext);
/* Whether the host instruction at which the signal hit was a guest store (for deciding about watched pages). */
bool engine_fault_is_write(void *ucontext);

/* Around fork: before it (takes the locks), then in the parent, then in the child, where only h goes on. */
void engine_fork_prepare(struct engine *e);
void engine_fork_parent(struct engine *e);
void engine_fork_child(struct engine *e, struct hart *h);

/* Brings h->fflags and h->frm together as fcsr, and back: for signal frames and debuggers; only outside engine_run. */
uint32_t hart_get_fcsr(const struct hart *h);
void hart_set_fcsr(struct hart *h, uint32_t fcsr);

/* Translates the block at pc under rounding mode frm, for config.dump; it is not run.  False: it cannot be
 * translated, or e has a board. */
bool engine_show_block(struct engine *e, uint64_t pc, unsigned frm);

void engine_print_stats(struct engine *e, FILE *to, bool json);

#endif
