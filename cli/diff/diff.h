/* diff.h: what the files of riv diff share: a program run on riv's engine and on a reference, compared as they go.
 *
 *      engine ──stretches──▶ fast.c, most of them
 *         │          └─the others, as
 *         ├────records, states──▶ batch ──lockstep_flush──▶ reference runs the same instructions, comparing at each state
 *         │                                                       │
 *         └── system call ──effects_apply──▶ mirror ◀─────────────┘ the reference's own copy of guest memory
 *
 * The engine runs ahead of the reference by one batch at most, never past a trap.  A system call is made once, by riv; what it
 * changed is copied to the reference's registers and memory.
 */
#ifndef CLI_DIFF_DIFF_H
#define CLI_DIFF_DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../../cpu/hart.h"
#include "../../cpu/insn.h"

enum { DIFF_SAME, DIFF_DIVERGED, DIFF_FAILED }; /* exit statuses */

/* Registers after `position` instructions of the batch. */
struct state {
    uint64_t x[32], f[32], pc;
    uint32_t fcsr, position;
    bool fcsr_unknown; /* not compared: within a block of riv's, with --step */
};

struct store {
    uint64_t address, value;
    uint32_t size, insn; /* insn: index in the batch */
};

struct executed {
    uint64_t pc;
    uint32_t bits, store; /* store: index of the first store that is not an earlier instruction's */
};

enum { DIFF_LOADS = 64, HISTORY = 16 };
enum { BATCH_STATES = 512, BATCH_INSNS = 1 << 14, BATCH_STORES = 1 << 15, INSNS_AT_ONCE = 1 << 12 };

/* states[0] is where both sides agreed before the batch. */
struct batch {
    struct state states[BATCH_STATES];
    struct executed insns[BATCH_INSNS + 1];
    struct store stores[BATCH_STORES];
    uint32_t state_count, insn_count, store_count;
    bool trapped;
    uint32_t trap_cause;
};

/* Differences that the reference is known for, each counted under its label and listed in the report. */
enum known {
    KNOWN_BOX,         /* singles are not NaN-boxed */
    KNOWN_MINMAX,      /* fmin, fmax of a signalling NaN */
    KNOWN_FMADD_NV,    /* invalid flag of inf * 0 + NaN */
    KNOWN_COUNTER,     /* cycle, time, instret */
    KNOWN_SC,          /* sc succeeds or fails where riv's does not */
    KNOWN_WORD_MINMAX, /* amomin.w and the like compare 64 bits */
    KNOWN_TRAP,        /* traps taken by riv, the reference put behind them */
    KNOWN_MISSING,     /* instructions that the reference lacks, executed by riv */
    KNOWN_CTZW,        /* qemu 7.2: ctzw of a word that is zero */
    KNOWN_OUTSIDE,     /* memory changed by other threads, the kernel or other processes */
    KNOWN_COUNT
};
extern const char *const known_labels[KNOWN_COUNT];

struct known_difference {
    enum known class;
    uint64_t pc;
};

/* What differs, in words for people and fields for machines. */
struct divergence {
    const char *what;      /* "registers", "store", "pc", "memory", "trap" */
    char detail[256];      /* what has no register: a store, an address */
    uint32_t from, to;     /* instructions of the batch among which it lies */
    bool located;          /* insn is known */
    uint32_t insn;         /* the first one that diverges, index in the batch */
    uint32_t store_insn;   /* of a store that differs, else UINT32_MAX */
    struct state start, ours, theirs; /* at start of from, and after insn (or to) */
    /* what the block reads, for the reproducer */
    struct {
        uint64_t address, value;
        unsigned size;
        bool known;
    } loads[DIFF_LOADS];
    unsigned load_count;
    bool reproducible; /* all that a reproducer needs is here, although the reference cannot be sent back */
};

struct lockstep {
    struct batch batch;
    struct reference *reference;
    const struct isa *isa;
    struct hart *hart; /* the compared thread's */
    bool step, json, quiet, threads_seen, finished;
    bool detached; /* a forked child: nothing is compared */
    const char *reproducer, *program;
    const char *temporary; /* the assembled program, to be removed */
    struct executed history[HISTORY]; /* before the batch */
    uint32_t history_count;
    int pid; /* a forked child goes on alone */
    FILE *to;
    int exit_status;
    const struct engine_range *interpret; /* what locate_code does not take into a block */
    unsigned interpret_count;
    /* of what was compared */
    uint64_t insns, states, stores, skipped_states, calls, synced_bytes, known[KNOWN_COUNT];
    uint64_t known_pc[KNOWN_COUNT]; /* where it was met first */
};
extern struct lockstep lockstep;

/* ---- lockstep.c ---- */
struct observer;
struct record_stretch;
/* fast: where the reference and the engine under test are such that fast.h serves. */
void lockstep_observer(struct observer *o, bool fast);
void lockstep_flush(void);

/* ---- stretches.c: what the fast comparison is given; what it leaves goes into the batch ---- */
/* The last instructions of the first n are kept for the report. */
void stretches_remember(const struct record_stretch *s, size_t n);
void on_stretches(void *ctx, struct hart *h, const struct record_stretch *s, size_t n);
void lockstep_leaving(void *ctx, bool for_good);
void lockstep_count_known(enum known class, uint64_t pc);
/* The reference can go no further: one line, and the end. */
_Noreturn void lockstep_give_up(const char *why);
void state_of_hart(struct state *s, const struct hart *h);

/* ---- mirror.c: the reference's copy of guest memory ---- */
struct region {
    uint64_t start, end;
    uint32_t prot;
    uint8_t *bytes; /* at start; the guest's own memory where it cannot be written */
    bool owned;
    uint64_t offset; /* of start in the shared file */
};
/* Told of regions that come and go; NULL before they are set. */
struct mirror_listener {
    bool (*add)(const struct region *r);
    void (*remove)(const struct region *r);
    void (*code_changed)(uint64_t start, uint64_t end);
};
void mirror_listen(const struct mirror_listener *l);
/* The whole copy is kept in this file, which another process can map. Before the first update. */
void mirror_share(int file);
/* Testing: the reference is to see another instruction at address. Before the first update. */
void mirror_plant(uint64_t address, uint32_t bits);
/* Whether that is in the page of address. */
bool mirror_planted(uint64_t address);
/* Whether the guest may execute what is at address. */
bool mirror_executable(uint64_t address);
/* Protection of the page at address, and where it is in the shared file. False: there is none. */
bool mirror_page(uint64_t address, uint32_t *prot, uint64_t *offset);
/* Follows the guest's map; fresh: what is new is zero. */
bool mirror_update(bool fresh);
/* Forgets [start, end): the next update takes it from the guest. */
void mirror_drop(uint64_t start, uint64_t end);
/* The copy of size bytes at address, or NULL. */
uint8_t *mirror_at(uint64_t address, uint64_t size);
/* What lies at address; false: nothing. */
bool mirror_region(uint64_t address, struct region *r);
/* Makes the copy of [start, end) the guest's. Returns how many bytes differed. */
uint64_t mirror_copy(uint64_t start, uint64_t end);
/* The first address from `from` on at which the copy differs, or UINT64_MAX. */
uint64_t mirror_difference(uint64_t from);
/* Takes over every byte that differs and that none of the n stores explains. Returns how many. */
uint64_t mirror_adopt(const struct store *stores, uint32_t n);

/* ---- effects.c: what a system call changed ---- */
void effects_before(const struct hart *h);
void effects_after(const struct hart *h);
/* The hart comes back from clone as a child. */
bool effects_forked(const struct hart *h);
void effects_signal_frame(const struct hart *h);

/* ---- references ---- */
struct reference {
    const char *name;
    uint32_t known; /* bits of enum known: what may differ */
    bool no_memory; /* it has none: no mirror is kept */
    bool fast;      /* fast.h does what it can of it */
    bool (*open)(const struct state *start, char *err, size_t n);
    /* Runs what of the batch it can and compares; *agreed: the last state at which both were the same. Of a batch that ends in a
     * trap it runs everything. False: *d says where they part. */
    bool (*run)(struct batch *b, uint32_t *agreed, struct divergence *d);
    /* The registers have been changed from outside. */
    void (*set)(const struct state *s);
    /* Back to states[d->from's], then one instruction at a time: out[i] is the state after i + 1 instructions. Returns how
     * many there are. Memory is as at the start afterwards. NULL: run names the instruction. */
    uint32_t (*trace)(const struct batch *b, const struct divergence *d, struct state *out, uint32_t max);
    /* The program has ended. False: the reference has not, detail says where it is. NULL: it cannot tell. */
    bool (*finish)(char *detail, size_t n);
    /* This process ends or executes another program, which may fail: run may be called again. May be NULL. */
    void (*leave)(void);
};
/* unicorn.c: code in the mirror was written by fast.c's Unicorn. */
void unicorn_code_written(uint64_t start, uint64_t end);
extern struct reference reference_unicorn, reference_interp, reference_spike_log, reference_qemu;
/* The program to start, "qemu-riscv64" or "qemu-riscv32" unless given. */
void qemu_name(const char *program);
void spike_log_name(const char *path);
/* Memory that the kernel wrote, which the log does not know. */
void spike_log_outside(uint64_t start, uint64_t end);

/* ---- known.c ---- */
/* Whether what differs is explained by what the reference is known for in instructions [from, to); it is counted then.  store:
 * riv's store that differs, or NULL. */
bool known_explains(const struct batch *b, uint32_t from, uint32_t to, const struct state *ours, const struct state *theirs,
                    const struct store *store);
bool known_store(const struct batch *b, uint32_t insn, const struct store *ours, uint64_t address, unsigned size,
                 uint64_t value);
/* Registers that it reads and writes: bits 0 to 31 are x, 32 to 63 f. */
void known_uses(const struct insn *in, uint64_t *reads, uint64_t *writes);
/* missing.c: Unicorn lacks it. */
bool known_missing(const struct insn *in);

/* ---- execute.c: instructions that a reference lacks ---- */
bool execute_init(void);
/* The address that it accesses, from the registers before it. False: it accesses no memory. */
bool execute_address(const struct insn *in, const struct state *before, uint64_t *address);
/* Executes it on s, pc included, and on the mirror, with riv's interpreter. False: it cannot be done; nothing has changed. */
bool execute_insn(const struct insn *in, struct state *s);

/* ---- locate.c ---- */
/* Names the instruction: shorter and shorter beginnings of the block are run on riv's side. */
void locate(const struct batch *b, struct divergence *d);
/* IR and host code of the block at pc, as text to be freed; NULL: none. */
char *locate_code(uint64_t pc);

/* ---- report.c ---- */
void report_divergence(const struct batch *b, const struct divergence *d);
void report_end(bool same);
/* "function+0x12", made in buf, or NULL */
const char *report_place(uint64_t pc, char *buf, size_t n);
/* text quoted; NULL as an empty one */
void report_json_string(FILE *to, const char *text);
bool reproducer_write(const char *path, const struct batch *b, const struct divergence *d);
/* Assembles path into a temporary file, whose name program gets. False: one line in err. */
bool reproducer_assemble(const char *path, char *program, size_t size, char *err, size_t n);
/* source.c: "file.c:12", or NULL */
const char *source_line(uint64_t pc);

#endif
