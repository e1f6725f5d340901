/* watch.c: noticing writes to guest pages that hold translated code.
 *
 *      watch_code(page):  entry.code = 1; if the guest can write the page, here or through an alias, those mappings
 * become read-only on the host (entry.locked) a write faults:    entry.busy = 1, engine_code_changed, then writable
 * again
 *
 * While busy, watch_code says no: what another thread translates meanwhile is compared at fence.i instead.  A page that
 * faults more than WATCH_FAULTS_MAX times is left alone from then on.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "user.h"
#include "vma.h"

#define WATCH_FAULTS_MAX 8
#define ALIASES_MAX 16

struct watch {
    uint64_t page; /* address; 1: a free slot after a removal, 0: never used */
    uint8_t code, locked, busy, faults;
};

/* Open addressing, capacity a power of two, at most half full. */
static struct {
    struct watch *slot;
    size_t capacity, used; /* used counts free slots after removals, too */
    _Atomic size_t locked;
} table;

static size_t slot_hash(uint64_t page) { return (size_t)((page >> 12) * 0x9e3779b97f4a7c15u >> 20); }

static struct watch *watch_find(uint64_t page) {
    if (!table.capacity)
        return NULL;
    for (size_t i = slot_hash(page);; i++) {
        struct watch *w = &table.slot[i & (table.capacity - 1)];
        if (w->page == page)
            return w;
        if (w->page == 0)
            return NULL;
    }
}

static bool table_grow(void) {
    size_t live = 0;
    for (size_t i = 0; i < table.capacity; i++)
        live += table.slot[i].page > 1;
    size_t capacity = 64;
    while (capacity < 4 * live)
        capacity *= 2;
    struct watch *slot = calloc(capacity, sizeof *slot);
    if (!slot)
        return false;
    for (size_t i = 0; i < table.capacity; i++) {
        if (table.slot[i].page <= 1)
            continue;
        size_t j = slot_hash(table.slot[i].page);
        while (slot[j & (capacity - 1)].page)
            j++;
        slot[j & (capacity - 1)] = table.slot[i];
    }
    free(table.slot);
    table.slot = slot;
    table.capacity = capacity;
    table.used = live;
    return true;
}

static struct watch *watch_get(uint64_t page) {
    struct watch *w = watch_find(page);
    if (w)
        return w;
    if (2 * (table.used + 1) > table.capacity && !table_grow())
        return NULL;
    size_t i = slot_hash(page);
    while (table.slot[i & (table.capacity - 1)].page)
        i++;
    w = &table.slot[i & (table.capacity - 1)];
    *w = (struct watch){.page = page};
    table.used++;
    return w;
}

/* Pages where the memory behind page (in v) is mapped, page itself first; returns their number. */
static unsigned page_aliases(const struct vma *v, uint64_t page, uint64_t *pages) {
    unsigned n = 0;
    pages[n++] = page;
    if (v->ino == 0)
        return n;
    uint64_t offset = v->offset + (page - v->start);
    for (const struct vma *o = vma_first(0); o && n < ALIASES_MAX; o = vma_next(o)) {
        if (o->dev != v->dev || o->ino != v->ino || offset < o->offset || offset - o->offset >= o->end - o->start)
            continue;
        uint64_t p = o->start + (offset - o->offset);
        if (p != page)
            pages[n++] = p;
    }
    return n;
}

/* The guest can write the page and so change what others see there. */
static bool page_writable(const struct vma *v, bool self) {
    return (v->prot & PROT_WRITE) && (self || (v->flags & VMA_SHARED));
}

static bool page_lock(struct watch *w, const struct vma *v) {
    if (w->locked)
        return true;
    if (mprotect((void *)w->page, GUEST_PAGE, vma_host_prot(v->prot & ~(uint32_t)PROT_WRITE)) != 0)
        return false;
    w->locked = 1;
    atomic_fetch_add_explicit(&table.locked, 1, memory_order_relaxed);
    return true;
}

static void page_unlock(struct watch *w) {
    if (!w->locked)
        return;
    const struct vma *v = vma_find(w->page);
    if (v)
        mprotect((void *)w->page, GUEST_PAGE, vma_host_prot(v->prot));
    w->locked = 0;
    atomic_fetch_sub_explicit(&table.locked, 1, memory_order_relaxed);
}

size_t watch_fetch(void *ctx, uint64_t pc, const uint8_t **host, uint32_t *cause) {
    vma_lock();
    const struct vma *v = vma_find(pc);
    bool executable = v && (v->prot & PROT_EXEC);
    vma_unlock();
    if (!executable) {
        *cause = v ? TRAP_FETCH_ACCESS : TRAP_FETCH_PAGE;
        return 0;
    }
    *host = (const uint8_t *)pc;
    return GUEST_PAGE - pc % GUEST_PAGE;
}

bool watch_code(void *ctx, uint64_t addr) {
    uint64_t page = PAGE_DOWN(addr), pages[ALIASES_MAX];
    bool ok = false;
    vma_lock();
    const struct vma *v = vma_find(page);
    struct watch *self = v ? watch_get(page) : NULL;
    if (self && self->code && !self->busy) {
        vma_unlock();
        return true;
    }
    if (!self || self->busy || self->faults > WATCH_FAULTS_MAX)
        goto out;
    unsigned n = page_aliases(v, page, pages);
    if (n == ALIASES_MAX)
        goto out;
    for (unsigned i = 0; i < n; i++) {
        const struct vma *o = vma_find(pages[i]);
        if (!page_writable(o, i == 0))
            continue;
        struct watch *w = watch_get(pages[i]);
        if (!w || w->busy || w->faults > WATCH_FAULTS_MAX || !page_lock(w, o))
            goto out;
    }
    self = watch_find(page); /* the table may have grown */
    self->code = 1;
    ok = true;
out:
    vma_unlock();
    return ok;
}

/* Lets the guest write the page and its aliases; called and returns with vma_lock held, gives it up in between. */
static void page_release(uint64_t page) {
    uint64_t pages[ALIASES_MAX];
    const struct vma *v = vma_find(page);
    unsigned n = 1;
    pages[0] = page;
    if (v)
        n = page_aliases(v, page, pages);
    for (unsigned i = 0; i < n; i++) {
        struct watch *w = watch_find(pages[i]);
        if (w)
            w->busy = 1;
    }
    vma_unlock();
    for (unsigned i = 0; i < n; i++)
        engine_code_changed(process.engine, pages[i], pages[i] + GUEST_PAGE);
    vma_lock();
    for (unsigned i = 0; i < n; i++) {
        struct watch *w = watch_find(pages[i]);
        if (!w)
            continue;
        page_unlock(w);
        w->busy = w->code = 0;
        if (w->faults <= WATCH_FAULTS_MAX)
            w->faults++;
    }
}

bool watch_write_fault(uint64_t addr) {
    uint64_t page = PAGE_DOWN(addr);
    vma_lock();
    struct watch *w = watch_find(page);
    /* An entry that is not locked any more: another thread was faster, and the host's protection is the guest's. */
    bool ours = w && (w->locked || vma_find(page));
    if (ours && w->locked && !w->busy) {
        page_release(page);
    } else if (ours && !w->locked) {
        const struct vma *v = vma_find(page);
        ours = v && (v->prot & PROT_WRITE);
    }
    vma_unlock();
    return ours;
}

bool watch_release_range(uint64_t start, uint64_t end) {
    if (atomic_load_explicit(&table.locked, memory_order_relaxed) == 0)
        return false;
    bool any = false;
    vma_lock();
again:
    for (size_t i = 0; i < table.capacity; i++) {
        struct watch *w = &table.slot[i];
        if (w->locked && !w->busy && w->page < end && w->page + GUEST_PAGE > start) {
            page_release(w->page);
            any = true;
            goto again; /* the table may have changed */
        }
    }
    vma_unlock();
    return any;
}

bool watch_release_all(void) { return watch_release_range(0, UINT64_MAX); }

void watch_prepare_write(uint64_t start, uint64_t size) {
    if (atomic_load_explicit(&table.locked, memory_order_relaxed) != 0 && size > 0)
        watch_release_range(start, start + size < start ? UINT64_MAX : start + size);
}

/* Steps through the entries in [start, end): by page where there are few pages, else through the table. */
static struct watch *watch_step(uint64_t start, uint64_t end, size_t *cursor) {
    bool by_page = (end - start) / GUEST_PAGE < table.capacity;
    size_t limit = by_page ? (end - start) / GUEST_PAGE : table.capacity;
    while (*cursor < limit) {
        size_t i = (*cursor)++;
        struct watch *w = by_page ? watch_find(start + i * GUEST_PAGE) : &table.slot[i];
        if (w && w->page > 1 && w->page >= start && w->page < end)
            return w;
    }
    return NULL;
}

bool watch_forget(uint64_t start, uint64_t end) {
    bool any = false;
    size_t cursor = 0;
    for (struct watch *w; (w = watch_step(start, end, &cursor));) {
        /* Aliases that are locked because of this page stay so: one needless fault later. */
        any = true;
        if (w->locked)
            atomic_fetch_sub_explicit(&table.locked, 1, memory_order_relaxed);
        *w = (struct watch){.page = 1};
    }
    return any;
}

void watch_reprotect(uint64_t start, uint64_t end) {
    size_t cursor = 0;
    for (struct watch *w; (w = watch_step(start, end, &cursor));) {
        const struct vma *v = vma_find(w->page);
        bool lock = v && (v->prot & PROT_WRITE) && (w->locked || w->code);
        if (w->locked) { /* the new protection undid it */
            w->locked = 0;
            atomic_fetch_sub_explicit(&table.locked, 1, memory_order_relaxed);
        }
        if (lock)
            page_lock(w, v);
    }
}
