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
    bool user;                /* privilege U is wanted; the others do not occur in user mode */
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

/* Locks, fork handlers, and engine's observer. False: no memory. */
bool tracer_init(struct tracer *tr, struct engine_config *engine);
/* Opens the file and begins the document. False: one line in err. */
bool tracer_open(struct tracer *tr, bool append, char *err, size_t n);
/* With the lock held: ends the document. */
void tracer_close(struct tracer *tr);
/* linux_user_config.leaving */
void tracer_leaving(void *ctx, bool for_good);

#endif
