/* observe_system.c: the run loop of an observed engine for a hart with a board.
 *
 * As in observe.c what is recorded is translated the first time it is met, or interpreted one instruction at a time.
 * Traps are recorded where they are taken (system.on_trap); the words of generated code are read before the privilege
 * changes.
 */
#include "../cpu/interp.h"
#include "../cpu/system.h"
#include "record_internal.h"

static bool is_lr(struct engine_hart *eh) {
    uint32_t bits;
    struct insn in;
    if (!record_fetch(eh, eh->hart->pc, &bits))
        return false;
    insn_decode(&eh->engine->isa, bits, &in);
    return in.id == INSN_lr_w || in.id == INSN_lr_d;
}

/* Alone, an LR's reservation may last; with other harts its sequence is run while they are stopped. */
static void step(struct engine_hart *eh) {
    struct hart *h = eh->hart;
    eh->single_steps++;
    if (eh->engine->hart_count > 1 && is_lr(eh))
        interp_exclusive_system(h);
    else if (interp_step(h, 1) == INTERP_WFI)
        engine_sleep(eh);
}

static struct cc_block *obtain(struct engine_hart *eh, bool recorded) {
    struct engine *e = eh->engine;
    struct hart *h = eh->hart;
    const struct observer *o = &e->config.observer;
    if (!engine_system_place(eh))
        return NULL;
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
        struct cc_block *block = e->backend ? obtain(eh, recorded) : NULL;
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
