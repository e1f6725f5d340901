/* tracer.h: what main.c sets up and trace.c runs. */
#ifndef CLI_TRACE_TRACER_H
#define CLI_TRACE_TRACER_H

#include <pthread.h>
#include <stdatomic.h>

#include "trace.h"

enum { TRACE_RANGES = 16, TRACE_ANSWERS = 1 << 13 };

/* What is shown: instructions in any of the ranges or functions (none given: everywhere), of number from to to, count of them. */
struct trace_filter {
    struct {
        uint64_t low, high;
    } ranges[TRACE_RANGES];
    size_t range_count;
    const char *symbols[TRACE_RANGES];
    size_t symbol_count;
    uint64_t from, to, count; /* instructions are numbered from 1, those of all harts as they are written */
    unsigned privileges;      /* bits by PRIV_* of those that are wanted */
};

struct tracer {
    const struct trace_format *format;
    const char *file; /* as given; %p stands for the process's number */
    char *path;       /* owned: what was opened last */
    struct trace_filter filter;
    struct trace trace;
    pthread_mutex_t lock; /* for all that follows, and the format */
    bool closed;
    bool filter_here; /* the filter by place is applied to records, not by the engine */
    unsigned hart_ids;
    uint64_t executed, shown;
    struct member *members;
    pthread_key_t key;
    atomic_bool stopped;
    _Atomic uint64_t answers[TRACE_ANSWERS];
};

/* Options of a trace, as riv trace has them; what else is on its command line belongs to what is traced. */
struct trace_options {
    struct tracer *tracer;
    bool append, help;
    long process;               /* only this one is traced; -1: any */
    char *again[64];            /* what the next riv-trace gets when the guest executes another program */
    size_t again_count;
};
/* Takes them out of argv, up to the first word that is none, or "--"; takes_next says of an option of somebody else's whether
 * its value is the next word. False: one line in err. */
bool trace_take_options(struct trace_options *o, int *argc, char **argv, bool (*takes_next)(const char *word), char *err, size_t n);
void trace_print_options(void); /* for --help: options and formats */

/* Locks, fork handlers, and engine's observer. False: no memory. */
bool tracer_init(struct tracer *tr, struct engine_config *engine);
/* Opens the file and begins the document. False: one line in err. */
bool tracer_open(struct tracer *tr, bool append, char *err, size_t n);
/* With the lock held: ends the document. */
void tracer_close(struct tracer *tr);
/* linux_user_config.leaving */
void tracer_leaving(void *ctx, bool for_good);

#endif
