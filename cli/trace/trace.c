/* trace.c: takes the engine's records, filters them and hands them to the format, one writer at a time. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "tracer.h"

/* Every guest thread is a host thread. */
struct member {
    struct trace_hart hart;
    struct tracer *tracer;
    struct member *next, **prev;
};
static __thread struct member *mine;

static void leave(struct tracer *tr, struct member *m) {
    if (tr->format->leave && !tr->closed)
        tr->format->leave(&tr->trace, &m->hart);
}

static bool is_owner(const struct tracer *tr) { return getpid() == tr->trace.pid; }

/* A thread has ended. */
static void thread_gone(void *arg) {
    struct member *m = arg;
    struct tracer *tr = m->tracer;
    if (!is_owner(tr))
        return;
    pthread_mutex_lock(&tr->lock);
    leave(tr, m);
    *m->prev = m->next;
    if (m->next)
        m->next->prev = m->prev;
    pthread_mutex_unlock(&tr->lock);
    free(m->hart.format);
    free(m);
}

static struct member *join(struct tracer *tr, struct hart *h) {
    struct member *m = calloc(1, sizeof *m);
    void *state = m && tr->format->hart_bytes ? calloc(1, tr->format->hart_bytes) : NULL;
    if (!m || (tr->format->hart_bytes && !state)) {
        free(m);
        return NULL;
    }
    m->tracer = tr;
    m->hart.hart = h;
    m->hart.format = state;
    m->hart.id = h->sys ? (unsigned)h->id : tr->hart_ids++;
    tr->trace.isa = h->isa; /* the program's, which an RV32 one chooses itself */
    tr->trace.xlen = h->xlen;
    m->next = tr->members;
    m->prev = &tr->members;
    if (m->next)
        m->next->prev = &m->next;
    tr->members = m;
    pthread_setspecific(tr->key, m);
    return m;
}

/* With the lock held; NULL where there is nothing to write. */
static struct trace_hart *enter(struct tracer *tr, struct hart *h) {
    if (tr->closed || !output_works(tr->trace.out))
        return NULL;
    if (!mine)
        mine = join(tr, h);
    return mine ? &mine->hart : NULL;
}

static bool wants(struct tracer *tr, uint64_t pc) {
    const struct trace_filter *f = &tr->filter;
    for (size_t i = 0; i < f->range_count; i++)
        if (pc >= f->ranges[i].low && pc < f->ranges[i].high)
            return true;
    if (f->symbol_count) {
        const struct symbol *s = symbols_find(tr->trace.symbols, pc);
        for (size_t i = 0; s && i < f->symbol_count; i++)
            if (strcmp(s->name, f->symbols[i]) == 0)
                return true;
    }
    return f->range_count + f->symbol_count == 0;
}

/* The engine's filter: answers are kept, as symbols take time. */
static bool filter_pc(void *ctx, uint64_t pc) {
    struct tracer *tr = ctx;
    _Atomic uint64_t *slot = &tr->answers[pc / 2 % TRACE_ANSWERS];
    uint64_t kept = atomic_load_explicit(slot, memory_order_relaxed);
    if (kept >> 1 == pc + 1)
        return kept & 1;
    bool answer = wants(tr, pc);
    atomic_store_explicit(slot, (pc + 1) << 1 | answer, memory_order_relaxed);
    return answer;
}

/* One instruction with its effects. False: no more of them are wanted. */
static bool take(struct tracer *tr, struct trace_hart *h, const struct record *r, size_t n) {
    const struct trace_filter *f = &tr->filter;
    uint64_t number = ++tr->executed;
    bool shown = number >= f->from && (f->privileges >> (r->flags & RECORD_PRIVILEGE) & 1) &&
                 (!tr->filter_here || filter_pc(tr, r->address));
    if (!shown) {
        if (tr->format->skipped)
            tr->format->skipped(&tr->trace, h, r, n);
        return number < f->to;
    }
    tr->format->insn(&tr->trace, h, r, n);
    return number < f->to && ++tr->shown < f->count;
}

static void records(void *ctx, struct hart *hart, const struct record *r, size_t n) {
    struct tracer *tr = ctx;
    if (!is_owner(tr))
        return;
    bool more = true;
    pthread_mutex_lock(&tr->lock);
    struct trace_hart *h = enter(tr, hart);
    for (size_t i = 0, end; h && more && i < n; i = end) {
        for (end = i + 1; end < n && r[end].kind != RECORD_INSN && r[end].kind != RECORD_TRAP; end++) {
        }
        more = take(tr, h, &r[i], end - i);
    }
    bool stop = !more || !h;
    if (!more)
        tracer_close(tr);
    pthread_mutex_unlock(&tr->lock);
    if (stop && !atomic_exchange(&tr->stopped, true))
        engine_records_stop(hart);
}

static void resume(void *ctx, struct hart *hart) {
    struct tracer *tr = ctx;
    if (!tr->format->resume || !is_owner(tr))
        return;
    pthread_mutex_lock(&tr->lock);
    struct trace_hart *h = enter(tr, hart);
    if (h)
        tr->format->resume(&tr->trace, h);
    pthread_mutex_unlock(&tr->lock);
}

void tracer_close(struct tracer *tr) {
    if (tr->closed)
        return;
    for (struct member *m = tr->members; m; m = m->next)
        leave(tr, m);
    if (tr->format->end)
        tr->format->end(&tr->trace);
    output_flush(tr->trace.out);
    tr->closed = true;
}

void tracer_leaving(void *ctx, bool for_good) {
    struct tracer *tr = ctx;
    if (!is_owner(tr))
        return;
    pthread_mutex_lock(&tr->lock);
    /* a document that has an end is ended also before another program takes over */
    if (for_good || tr->format->end_before_exec)
        tracer_close(tr);
    else if (!tr->closed)
        output_flush(tr->trace.out);
    pthread_mutex_unlock(&tr->lock);
}

bool tracer_open(struct tracer *tr, bool append, char *err, size_t n) {
    char path[4096];
    size_t used = 0;
    for (const char *c = tr->file; *c && used < sizeof path - 24; c++) {
        if (c[0] == '%' && c[1] == 'p') {
            used += (size_t)snprintf(path + used, sizeof path - used, "%d", (int)getpid());
            c++;
        } else {
            path[used++] = *c;
        }
    }
    path[used] = 0;
    tr->trace.pid = getpid();
    free(tr->path);
    tr->path = strdup(path);
    tr->trace.out = tr->path ? output_open(tr->path, append, err, n) : NULL;
    if (!tr->path)
        snprintf(err, n, "out of memory");
    if (tr->trace.out && tr->format->begin)
        tr->format->begin(&tr->trace);
    return tr->trace.out != NULL;
}

/* ---- fork: the child is traced where it has a file of its own ---- */

static struct tracer *forking;

static void before_fork(void) {
    pthread_mutex_lock(&forking->lock);
    symbols_hold(forking->trace.symbols);
}
static void after_fork(void) {
    symbols_release(forking->trace.symbols);
    pthread_mutex_unlock(&forking->lock);
}
static void in_child(void) {
    struct tracer *tr = forking;
    char err[512];
    after_fork();
    if (!strstr(tr->file, "%p"))
        return; /* pid still says that all is the parent's */
    output_abandon(tr->trace.out);
    tr->closed = false;
    tr->members = NULL;
    tr->executed = tr->shown = 0;
    if (mine) { /* only this thread is left */
        if (mine->hart.format)
            memset(mine->hart.format, 0, tr->format->hart_bytes);
        mine->hart.id = 0;
        mine->next = NULL;
        mine->prev = &tr->members;
        tr->members = mine;
        tr->hart_ids = 1;
    }
    if (!tracer_open(tr, false, err, sizeof err)) {
        fprintf(stderr, "riv: %s\n", err);
        tr->closed = true;
    }
}

bool tracer_init(struct tracer *tr, struct engine_config *engine) {
    pthread_mutex_init(&tr->lock, NULL);
    tr->trace.symbols = symbols_create();
    forking = tr;
    if (!tr->trace.symbols || pthread_key_create(&tr->key, thread_gone) ||
        pthread_atfork(before_fork, after_fork, in_child))
        return false;
    const struct trace_filter *f = &tr->filter;
    bool by_place = f->range_count + f->symbol_count > 0;
    tr->filter_here = by_place && (tr->format->whole || f->from > 1 || f->to != UINT64_MAX);
    engine->observer = (struct observer){.ctx = tr,
                                         .kinds = tr->format->kinds,
                                         .filter = by_place && !tr->filter_here ? filter_pc : NULL,
                                         .records = records,
                                         .resume = resume};
    return true;
}
