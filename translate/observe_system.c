/* observe_system.c: the run loop of an observed engine for a hart with a board.
 *
 * As in observe.c what is recorded is translated the first time it is met, or interpreted one instruction at a time.
 * Traps are recorded where they are taken (system.on_trap); the words of generated code are read before the privilege
 * changes.
 */
#include "../cpu/interp.h"
#include "../cpu/system.h"
#include "record_internal.h"

/* Alone, an LR's reservation may last; with other harts its sequence is run while they are stopped. */
static void step(struct engine_hart *eh) {
    struct hart *h = eh->hart;
    eh->single_steps++;
    if (eh->engine->hart_count > 1 && observe_at_lr(eh))
        interp_exclusive_system(h);
    else if (interp_step(h, 1) == INTERP_WFI)
        engine_sleep(eh);
}

static enum engine_stop run(struct engine_hart *eh) {
    struct engine *e = eh->engine;
    struct hart *h = eh->hart;
    const struct observer *o = &e->config.observer;
    for (;;) {
        if (__atomic_load_n(&h->pending, __ATOMIC_RELAXED)) {
            if (eh->records)
                record_drain(eh);
            if (engine_serve_pending(eh))
                return STOP_PENDING;
        }
        if (!observer_kinds(e) && !o->block) /* stopped: at full speed from here on */
            return engine_run_system_unobserved(eh);
        if (!interp_look_around(h))
            continue;
        if (eh->records)
            record_privilege(eh);
        if (o->block && eh->records && eh->records->count) { /* an interrupt */
            record_drain(eh);
            o->block(o->ctx, h);
        }
        bool recorded = record_wants(e, h->pc);
        if (recorded && o->filter) {
            record_drain(eh);
            if (o->resume)
                o->resume(o->ctx, h);
        }
        struct cc_block *block = e->backend && engine_system_place(eh) ? observe_obtain(eh, recorded) : NULL;
        if (block)
            engine_run_system_block(eh, block);
        else
            step(eh);
        if (o->block) {
            if (eh->records)
                record_drain(eh);
            o->block(o->ctx, h);
        }
    }
}

enum engine_stop observe_run_system(struct engine_hart *eh) {
    const struct observer *o = &eh->engine->config.observer;
    if (o->resume)
        o->resume(o->ctx, eh->hart);
    enum engine_stop stop = run(eh);
    if (eh->records)
        record_drain(eh);
    return stop;
}
