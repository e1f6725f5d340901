/* world.c: harts coming and going, stopping all others, invalidation, fork. */
#include <stdlib.h>
#include <string.h>

#include "../cpu/interp.h"
#include "../cpu/system.h"
#include "engine_internal.h"

void world_enter(struct engine_hart *eh) {
    struct engine *e = eh->engine;
    atomic_store(&eh->inside, true);
    struct hart *stopper = atomic_load(&e->stopper);
    if (!stopper || stopper == eh->hart)
        return;
    pthread_mutex_lock(&e->harts_lock);
    while ((stopper = atomic_load(&e->stopper)) && stopper != eh->hart) {
        atomic_store(&eh->inside, false);
        pthread_cond_broadcast(&e->harts_changed);
        pthread_cond_wait(&e->harts_changed, &e->harts_lock);
        atomic_store(&eh->inside, true);
    }
    pthread_mutex_unlock(&e->harts_lock);
}

void world_leave(struct engine_hart *eh) {
    struct engine *e = eh->engine;
    atomic_store(&eh->inside, false);
    if (atomic_load(&e->stopper)) {
        pthread_mutex_lock(&e->harts_lock);
        pthread_cond_broadcast(&e->harts_changed);
        pthread_mutex_unlock(&e->harts_lock);
    }
}

/* Sets bits of another hart's pending word and makes it look: also at computed jumps. */
static void nudge(struct hart *h, uint32_t bits) {
    __atomic_fetch_or(&h->pending, bits, __ATOMIC_SEQ_CST);
    __atomic_store_n(&h->jump_cache, (void *)engine_no_jumps, __ATOMIC_SEQ_CST);
    system_wake(h);
}

bool world_stop(struct engine *e, struct hart *h) {
    struct engine_hart *self = h->engine;
    pthread_mutex_lock(&e->harts_lock);
    if (e->hart_count == 1 || MUTANT(lr_stops_nobody)) {
        pthread_mutex_unlock(&e->harts_lock);
        return false;
    }
    bool inside = atomic_load(&self->inside);
    while (atomic_load(&e->stopper)) { /* another one was first: be stopped by it */
        atomic_store(&self->inside, false);
        pthread_cond_broadcast(&e->harts_changed);
        pthread_cond_wait(&e->harts_changed, &e->harts_lock);
        atomic_store(&self->inside, inside);
    }
    atomic_store(&e->stopper, h);
    for (;;) {
        bool busy = false;
        for (struct engine_hart *eh = e->harts; eh; eh = eh->next)
            if (eh != self && atomic_load(&eh->inside)) {
                busy = true;
                nudge(eh->hart, PENDING_PARK);
            }
        if (!busy)
            break;
        pthread_cond_wait(&e->harts_changed, &e->harts_lock);
    }
    pthread_mutex_unlock(&e->harts_lock);
    return true;
}

void world_resume(struct engine *e) {
    pthread_mutex_lock(&e->harts_lock);
    atomic_store(&e->stopper, NULL);
    pthread_cond_broadcast(&e->harts_changed);
    pthread_mutex_unlock(&e->harts_lock);
}

void engine_kick(struct hart *h) { nudge(h, PENDING_USER); }

void engine_code_changed(struct engine *e, uint64_t start, uint64_t end) {
    atomic_fetch_add(&e->code_generation, 1);
    pthread_mutex_lock(&e->harts_lock);
    if (e->cache)
        cc_invalidate(e->cache, start, end, engine_dead_block, e);
    for (struct engine_hart *eh = e->harts; eh; eh = eh->next) {
        if (eh->changed_count < CHANGES_MAX)
            eh->changed[eh->changed_count] = (struct code_range){start, end};
        if (eh->changed_count <= CHANGES_MAX)
            eh->changed_count++;
        nudge(eh->hart, PENDING_SYNC);
    }
    pthread_mutex_unlock(&e->harts_lock);
}

void world_drop_changed(struct engine_hart *eh) {
    struct engine *e = eh->engine;
    struct code_range changed[CHANGES_MAX];
    pthread_mutex_lock(&e->harts_lock);
    unsigned n = eh->changed_count;
    memcpy(changed, eh->changed, sizeof changed);
    eh->changed_count = 0;
    pthread_mutex_unlock(&e->harts_lock);
    if (n > CHANGES_MAX || e->machine) {
        interp_flush(eh->hart);
        return;
    }
    for (unsigned i = 0; i < n; i++)
        interp_drop_range(eh->hart, changed[i].start, changed[i].end);
}

/* Whether an unwatched block differs from memory now. */
static bool is_stale(void *engine, struct cc_block *block) {
    struct engine *e = engine;
    const struct block_info *info = block->meta;
    if (info->watched)
        return false;
    for (uint64_t at = block->src_start; at < block->src_end;) {
        const uint8_t *host;
        uint32_t cause;
        size_t room = e->config.mem.fetch(e->config.mem.ctx, at, &host, &cause), rest = (size_t)(block->src_end - at);
        if (!room)
            return true;
        if (room > rest)
            room = rest;
        if (memcmp(host, info->source + (at - block->src_start), MUTANT(source_kept_short) ? 1 : room))
            return true;
        at += room;
    }
    return false;
}

static bool stale_and_forgotten(void *engine, struct cc_block *block) {
    if (!is_stale(engine, block))
        return false;
    engine_dead_block(engine, block);
    return true;
}

void engine_fence_i(struct engine *e) {
    atomic_fetch_add(&e->code_generation, 1);
    pthread_mutex_lock(&e->harts_lock);
    if (e->cache)
        cc_invalidate_if(e->cache, stale_and_forgotten, e);
    for (struct engine_hart *eh = e->harts; eh; eh = eh->next)
        nudge(eh->hart, PENDING_FENCE);
    pthread_mutex_unlock(&e->harts_lock);
}

void engine_fork_prepare(struct engine *e) {
    pthread_mutex_lock(&e->translate_lock);
    pthread_mutex_lock(&e->harts_lock);
    if (e->cache)
        cc_fork_prepare(e->cache);
}
void engine_fork_parent(struct engine *e) {
    if (e->cache)
        cc_fork_parent(e->cache);
    pthread_mutex_unlock(&e->harts_lock);
    pthread_mutex_unlock(&e->translate_lock);
}
void engine_fork_child(struct engine *e, struct hart *h) {
    struct engine_hart *self = h->engine;
    /* the other harts' threads are not here; their memory stays allocated, as a lock of malloc's may be theirs */
    e->harts = self;
    self->next = NULL;
    self->prev = &e->harts;
    e->hart_count = 1;
    atomic_store(&e->stopper, NULL);
    pthread_mutex_init(&e->harts_lock, NULL);
    pthread_cond_init(&e->harts_changed, NULL);
    pthread_mutex_init(&e->translate_lock, NULL);
    if (e->cache && !cc_fork_child(e->cache))
        e->backend = NULL; /* it interprets from here on */
    if (e->backend)
        backend_reset_returns(h);
    for (int m = 0; m < JUMP_TABLES; m++)
        engine_clear_jumps(self->jumps[m]);
}
