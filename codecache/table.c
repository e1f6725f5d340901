/* table.c: from a key to its live block, without a lock for those who look.
 *
 *      hash(key) ─▶ [ A | B | erased | C | empty ]     linear probing up to the first empty slot
 *
 * Why a reader never misses a block that is there: a block stays in its slot while it lives, and no slot between its
 * hash and it becomes empty meanwhile (an erased one is marked).  A new, larger array has all live blocks before it is
 * published.  Who still reads the old one sees the blocks as they were when it was replaced, so one that has died since
 * died while he was looking: as if it had died just after he found it.
 */
#include <stdlib.h>

#include "internal.h"

enum { SMALLEST = 1024 };

static struct cc_block erased;

static struct cc_block *load(struct table *t, size_t i) {
    return atomic_load_explicit(&t->slot[i & t->mask], memory_order_acquire);
}

static void store(struct table *t, size_t i, struct cc_block *b) {
    atomic_store_explicit(&t->slot[i & t->mask], b, memory_order_release);
}

struct cc_block *cc_find(struct codecache *cc, struct cc_key key) {
    struct table *t = atomic_load_explicit(&cc->table, memory_order_acquire);
    for (size_t i = (size_t)hash_key(key);; i++) {
        struct cc_block *b = load(t, i);
        if (!b || (b != &erased && key_equal(b->key, key)))
            return b;
    }
}

bool table_prepare(struct codecache *cc) {
    struct table *old = atomic_load_explicit(&cc->table, memory_order_relaxed);
    if (old && (old->used + 1) * 2 <= old->mask + 1)
        return true;
    size_t size = SMALLEST;
    while (size < 4 * (cc->stats.blocks + 1))
        size *= 2;
    struct table *t = cache_alloc(cc, sizeof *t + size * sizeof t->slot[0]);
    if (!t) /* a fuller one will do for a while, but a probe must find an empty slot */
        return old && (old->used + 1) * 8 <= (old->mask + 1) * 7;
    t->mask = size - 1;
    t->older = old;
    for (size_t j = 0; old && j <= old->mask; j++) {
        struct cc_block *b = load(old, j);
        if (!b || b == &erased)
            continue;
        size_t i = (size_t)hash_key(b->key);
        while (load(t, i))
            i++;
        store(t, i, b);
        t->used++;
    }
    atomic_store_explicit(&cc->table, t, memory_order_release);
    return true;
}

struct cc_block *table_put(struct codecache *cc, struct cc_block *b) {
    struct table *t = atomic_load_explicit(&cc->table, memory_order_relaxed);
    size_t i = (size_t)hash_key(b->key), free_slot = 0;
    bool reuse = false;
    struct cc_block *other;
    for (; (other = load(t, i)); i++) {
        if (other != &erased && key_equal(other->key, b->key)) {
            store(t, i, b);
            return other;
        }
        if (other == &erased && !reuse) {
            reuse = true;
            free_slot = i;
        }
    }
    store(t, reuse ? free_slot : i, b);
    t->used += !reuse;
    return NULL;
}

void table_remove(struct codecache *cc, struct cc_block *b) {
    struct table *t = atomic_load_explicit(&cc->table, memory_order_relaxed);
    size_t i = (size_t)hash_key(b->key);
    while (load(t, i) != b)
        i++;
    if (load(t, i + 1)) {
        store(t, i, &erased);
        return;
    }
    /* Nothing lies beyond, so neither this slot nor erased ones before it lead anywhere. */
    do {
        store(t, i--, NULL);
        t->used--;
    } while (load(t, i) == &erased);
}

void table_free_older(struct codecache *cc) {
    struct table *t = atomic_load_explicit(&cc->table, memory_order_relaxed);
    while (t && t->older) {
        struct table *older = t->older;
        t->older = older->older;
        free(older);
    }
}

void table_clear(struct codecache *cc) {
    struct table *t = atomic_load_explicit(&cc->table, memory_order_relaxed);
    table_free_older(cc);
    for (size_t i = 0; t->used && i <= t->mask; i++)
        store(t, i, NULL);
    t->used = 0;
}
