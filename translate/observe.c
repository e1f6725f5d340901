/* observe.c: the run loop of an engine that is observed.
 *
 * What is recorded is translated the first time it is met, or interpreted one instruction at a time, so that the
 * records are complete.  With a filter, control comes back here on its way into recorded code, so that the observer can
 * be told of the registers: recorded blocks are in no jump cache, and no exit of other blocks is linked to them.
 */
#include <setjmp.h>

#include "../cpu/interp.h"
#include "record_internal.h"

bool observe_at_lr(struct engine_hart *eh) {
    uint32_t bits;
    struct insn in;
    if (!record_fetch(eh, eh->hart->pc, &bits))
        return false;
    insn_decode(&eh->engine->isa, bits, &in);
    return in.id == INSN_lr_w || in.id == INSN_lr_d;
}

/* Alone, an LR's reservation may last; with other harts its sequence is run while they are stopped. */
static enum interp_stop step(struct engine_hart *eh) {
    struct hart *h = eh->hart;
    eh->single_steps++;
    return eh->engine->hart_count > 1 && observe_at_lr(eh) ? interp_exclusive(h) : interp_step(h, 1);
}

struct cc_block *observe_obtain(struct engine_hart *eh, bool recorded) {
    struct engine *e = eh->engine;
    struct hart *h = eh->hart;
    const struct observer *o = &e->config.observer;
    if (o->block || (o->filter && recorded)) {
        if (o->block)
            __atomic_store_n(&h->jump_cache, (void *)engine_no_jumps, __ATOMIC_SEQ_CST);
        struct cc_block *block = cc_find(e->cache, (struct cc_key){h->pc, eh->key_mode});
        return block ? block : engine_translate(e, h, h->pc, eh->key_mode);
    }
    struct cc_block *block = engine_find_block(eh);
    if (!block && engine_translate(e, h, h->pc, eh->key_mode))
        block = engine_find_block(eh);
    return block;
}

static struct cc_block *obtain(struct engine_hart *eh, bool recorded) {
    struct hart *h = eh->hart;
    if (__atomic_load_n(&h->jump_cache, __ATOMIC_RELAXED) == engine_no_jumps || eh->mode != engine_mode(h))
        engine_install_jumps(eh, engine_mode(h));
    return observe_obtain(eh, recorded);
}

void engine_records_stop(struct hart *h) {
    struct engine *e = h->engine->engine;
    __atomic_store_n(&e->config.observer.kinds, 0, __ATOMIC_RELAXED);
    engine_code_changed(e, 0, UINT64_MAX); /* what is translated again does without */
}
bool engine_stop_others(struct hart *h) { return world_stop(h->engine->engine, h); }
void engine_resume_others(struct hart *h) { world_resume(h->engine->engine); }

enum engine_stop observe_run(struct engine_hart *eh) {
    struct engine *e = eh->engine;
    struct hart *h = eh->hart;
    const struct observer *o = &e->config.observer;
    if (sigsetjmp(h->fault_jmp, 0)) {
        h->in_interp = 0;
        return engine_stop_on_fault(eh);
    }
    for (;;) {
        if (__atomic_load_n(&h->pending, __ATOMIC_RELAXED)) {
            if (eh->records)
                record_drain(eh);
            if (engine_serve_pending(eh))
                return STOP_PENDING;
        }
        if (!observer_kinds(e) && !o->block) /* stopped: at full speed from here on */
            return engine_run_unobserved(eh);
        if (o->stretches && eh->records && !record_has_room(eh))
            record_drain(eh);
        bool recorded = record_wants(e, h->pc), trapped = false;
        if (recorded && o->filter) {
            record_drain(eh);
            if (o->resume)
                o->resume(o->ctx, h);
        }
        struct cc_block *block = e->backend ? obtain(eh, recorded) : NULL;
        if (block) {
            trapped = engine_run_block(eh, block);
        } else {
            enum interp_stop stop = step(eh);
            trapped = stop == INTERP_TRAP;
            if (stop == INTERP_FENCE_I)
                engine_fence_i(e);
        }
        if (trapped)
            return engine_stop_on_fault(eh);
        if (o->block) {
            if (eh->records)
                record_drain(eh);
            o->block(o->ctx, h);
        }
    }
}
