/* invalidate.c: from a range of guest addresses to the blocks made from it, and how a block dies.
 *
 *      page 0x10 ─▶ A, B      B: [0x10ff8, 0x11008) has a node on each of its pages
 *      page 0x11 ─▶ B, C
 *
 * cc_invalidate runs in a handler of SIGSEGV, so all the memory it needs was taken by cc_commit.  Ranges are kept as
 * first and last byte here, so that one may reach the end of the address space.
 */
#include <stdlib.h>

#include "internal.h"

enum {
    PAGE_SHIFT = 12,
    SMALLEST = 256,
    WIDE = 32, /* pages; more of them are worth less than the memory of the nodes */
};

static bool overlaps(const struct cc_block *b, uint64_t first, uint64_t last) {
    return b->src_start != b->src_end && b->src_start <= last && b->src_end - 1 >= first;
}

size_t pages_needed(uint64_t src_start, uint64_t src_end) {
    if (src_start == src_end)
        return 0;
    uint64_t pages = ((src_end - 1) >> PAGE_SHIFT) - (src_start >> PAGE_SHIFT) + 1;
    return pages > WIDE ? 1 : (size_t)pages;
}

static struct page_node **page_list(struct codecache *cc, uint64_t page) {
    return &cc->pages.bucket[(size_t)hash_word(page) & cc->pages.mask];
}

static void node_insert(struct page_node **head, struct page_node *p) {
    p->next = *head;
    p->pprev = head;
    if (p->next)
        p->next->pprev = &p->next;
    *head = p;
}

static void node_remove(struct page_node *p) {
    *p->pprev = p->next;
    if (p->next)
        p->next->pprev = p->pprev;
}

bool pages_prepare(struct codecache *cc, size_t more) {
    size_t have = cc->pages.bucket ? cc->pages.mask + 1 : 0, want = have ? have : SMALLEST;
    while (want < cc->pages.count + more)
        want *= 2;
    if (want == have)
        return true;
    struct page_node **bucket = cache_alloc(cc, want * sizeof *bucket);
    if (!bucket)
        return have != 0; /* longer lists will do */
    struct page_node **old = cc->pages.bucket;
    cc->pages.bucket = bucket;
    cc->pages.mask = want - 1;
    for (size_t i = 0; i < have; i++)
        for (struct page_node *p; (p = old[i]);) {
            node_remove(p);
            node_insert(page_list(cc, p->page), p);
        }
    free(old);
    return true;
}

void pages_add(struct codecache *cc, struct cc_block *b) {
    uint64_t page = b->src_start >> PAGE_SHIFT;
    bool wide = b->links->page_count && ((b->src_end - 1) >> PAGE_SHIFT) - page >= WIDE;
    for (size_t i = 0; i < b->links->page_count; i++) {
        struct page_node *p = &b->links->pages[i];
        p->block = b;
        p->page = page + i;
        node_insert(wide ? &cc->pages.wide : page_list(cc, p->page), p);
    }
    cc->pages.count += b->links->page_count;
}

void block_kill(struct codecache *cc, struct cc_block *b, struct cc_block *heir) {
    if (!heir)
        table_remove(cc, b);
    __atomic_store_n(&b->dead, true, __ATOMIC_SEQ_CST); /* before the client looks for what leads to it */
    links_remove(cc, b, heir);
    for (size_t i = 0; i < b->links->page_count; i++)
        node_remove(&b->links->pages[i]);
    cc->pages.count -= b->links->page_count;
    cc->stats.blocks--;
    cc->stats.dead_blocks++;
    cc->stats.invalidated++;
}

/* Adds the blocks of list that overlap to those that are to die: the lists are not changed while they are walked. */
static void doom(struct page_node *list, uint64_t first, uint64_t last, struct cc_block **doomed) {
    for (struct page_node *p = list; p; p = p->next) {
        struct cc_block *b = p->block;
        if (b->links->doomed || !overlaps(b, first, last))
            continue;
        b->links->doomed = true;
        b->next = *doomed;
        *doomed = b;
    }
}

size_t cc_invalidate(struct codecache *cc, uint64_t start, uint64_t end, void (*dead)(void *ctx, struct cc_block *),
                     void *ctx) {
    if (start == end || (end && start > end))
        return 0;
    uint64_t first = start, last = end - 1;
    struct cc_block *doomed = NULL;
    size_t count = 0;
    pthread_mutex_lock(&cc->lock);
    doom(cc->pages.wide, first, last, &doomed);
    if (cc->pages.count && (last >> PAGE_SHIFT) - (first >> PAGE_SHIFT) <= cc->pages.mask)
        for (uint64_t page = first >> PAGE_SHIFT; page <= last >> PAGE_SHIFT; page++)
            doom(*page_list(cc, page), first, last, &doomed);
    else if (cc->pages.count)
        for (size_t i = 0; i <= cc->pages.mask; i++)
            doom(cc->pages.bucket[i], first, last, &doomed);
    for (struct cc_block *b = doomed; b; b = b->next, count++) {
        block_kill(cc, b, NULL);
        if (dead)
            dead(ctx, b);
    }
    pthread_mutex_unlock(&cc->lock);
    return count;
}

size_t cc_invalidate_if(struct codecache *cc, bool (*visit)(void *ctx, struct cc_block *), void *ctx) {
    size_t count = 0;
    pthread_mutex_lock(&cc->lock);
    for (size_t c = 0; c < cc->chunk_count; c++) {
        struct block_list *list = atomic_load_explicit(&cc->chunk[c].list, memory_order_relaxed);
        size_t n = atomic_load_explicit(&cc->chunk[c].count, memory_order_relaxed);
        for (size_t i = 0; i < n; i++) {
            struct cc_block *b = atomic_load_explicit(&list->block[i], memory_order_relaxed);
            if (b->dead || !visit(ctx, b))
                continue;
            block_kill(cc, b, NULL);
            count++;
        }
    }
    pthread_mutex_unlock(&cc->lock);
    return count;
}
