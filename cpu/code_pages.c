/* code_pages.c: see code_pages.h. */
#include "code_pages.h"

#include "interp.h"
#include "system.h"

static void post(struct machine *m, uint64_t ram_page) {
    for (struct system *s = m->harts; s; s = s->next) {
        if (s->dirty_count < DIRTY_PAGES)
            s->dirty_pages[s->dirty_count] = ram_page;
        if (s->dirty_count <= DIRTY_PAGES)
            s->dirty_count++;
        __atomic_fetch_or(&s->hart->pending, PENDING_CODE, __ATOMIC_SEQ_CST);
        if (s->no_jumps)
            __atomic_store_n(&s->hart->jump_cache, s->no_jumps, __ATOMIC_SEQ_CST);
    }
}

/* Code of the page is out of date, everywhere. */
static void written(struct machine *m, uint64_t ram_page, enum page_state now) {
    uint8_t *state = &m->page_state[ram_page];
    pthread_mutex_lock(&m->lock);
    if (__atomic_load_n(state, __ATOMIC_SEQ_CST) == PAGE_CODE) {
        __atomic_store_n(state, PAGE_BUSY, __ATOMIC_SEQ_CST);
        post(m, ram_page);
        __atomic_store_n(state, now, __ATOMIC_SEQ_CST);
    }
    pthread_mutex_unlock(&m->lock);
}

void code_page_write(struct hart *h, uint64_t ram_page) {
    uint8_t *state = &h->sys->machine->page_state[ram_page];
    for (;;) {
        uint8_t was = PAGE_CLEAN;
        if (__atomic_load_n(state, __ATOMIC_RELAXED) == PAGE_WRITTEN)
            return;
        if (__atomic_compare_exchange_n(state, &was, PAGE_WRITTEN, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) ||
            was == PAGE_WRITTEN)
            return;
        written(h->sys->machine, ram_page, PAGE_WRITTEN);
    }
}

void code_page_decode(struct hart *h, uint64_t ram_page, const uint8_t *host) {
    struct machine *m = h->sys->machine;
    uint8_t *state = &m->page_state[ram_page], was = PAGE_CLEAN;
    if (__atomic_load_n(state, __ATOMIC_SEQ_CST) == PAGE_CODE)
        return;
    if (__atomic_compare_exchange_n(state, &was, PAGE_CODE, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) ||
        was == PAGE_CODE)
        return;
    /* some hart may have a write tag for it */
    bool stopped = interp_stop_others(h);
    pthread_mutex_lock(&m->lock);
    for (struct system *s = m->harts; s; s = s->next)
        mmu_flush_writes(s, host);
    __atomic_store_n(state, PAGE_CODE, __ATOMIC_SEQ_CST);
    pthread_mutex_unlock(&m->lock);
    if (stopped)
        interp_resume_others(h);
}

void code_page_drain(struct hart *h) {
    struct system *s = h->sys;
    uint64_t pages[DIRTY_PAGES];
    pthread_mutex_lock(&s->machine->lock);
    unsigned n = s->dirty_count;
    for (unsigned i = 0; i < n && i < DIRTY_PAGES; i++)
        pages[i] = s->dirty_pages[i];
    s->dirty_count = 0;
    pthread_mutex_unlock(&s->machine->lock);
    if (n > DIRTY_PAGES) {
        interp_flush(h);
        return;
    }
    for (unsigned i = 0; i < n; i++)
        interp_drop_page(h, pages[i]);
}

void hart_dma(struct hart *h, uint64_t address, uint64_t size) {
    struct system *s = h->sys;
    if (size == 0)
        return;
    for (uint64_t page = address & PAGE_MASK; page - (address & PAGE_MASK) < size + (address & ~PAGE_MASK);
         page += 4096) {
        uint64_t ram_page;
        bool writable;
        if (mmu_ram(s, page, &ram_page, &writable))
            written(s->machine, ram_page, PAGE_CLEAN);
    }
}
