/* table.c: from a key to its live block, without a lock for those who look.
 *
 *      hash(key) ─▶ [ A | B | erased | C | empty ]     linear probing up to the first empty slot
 *      slot:        upper 16 bits of the hash, lower 48 of the block's address
 *
 * Other blocks on the way are told by these bits of the hash, without a look at their memory; no user-space address is
 * longer than 47 bits unless it was asked for.
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

#define TAG_MASK ~(~UINT64_C(0) >> 16)

static uint64_t load(struct table *t, size_t i) {
    return atomic_load_explicit(&t->slot[i & t->mask], memory_order_acquire);
}

static void store(struct table *t, size_t i, uint64_t slot) {
    atomic_store_explicit(&t->slot[i & t->mask], slot, memory_order_release);
}

static struct cc_block *block_in(uint64_t slot) { return (struct cc_block *)(uintptr_t)(slot & ~TAG_MASK); }

static uint64_t slot_of(struct cc_block *b, uint64_t hash) { return (uintptr_t)b | (hash & TAG_MASK); }

static bool holds(uint64_t slot, struct cc_key key, uint64_t hash) {
    return ((slot ^ hash) & TAG_MASK) == 0 && block_in(slot) != &erased && key_equal(block_in(slot)->key, key);
}

struct cc_block *cc_find(struct codecache *cc, struct cc_key key) {
    struct table *t = atomic_load_explicit(&cc->table, memory_order_acquire);
    uint64_t hash = hash_key(key), slot;
    for (size_t i = (size_t)hash; (slot = load(t, i)) != 0; i++)
        if (holds(slot, key, hash))
            return block_in(slot);
    return NULL;
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
        uint64_t slot = load(old, j);
        if (!slot || block_in(slot) == &erased)
            continue;
        size_t i = (size_t)hash_key(block_in(slot)->key);
        while (load(t, i))
            i++;
        store(t, i, slot);
        t->used++;
    }
    atomic_store_explicit(&cc->table, t, memory_order_release);
    return true;
}

struct cc_block *table_put(struct codecache *cc, struct cc_block *b) {
    struct table *t = atomic_load_explicit(&cc->table, memory_order_relaxed);
    uint64_t hash = hash_key(b->key), other;
    size_t i = (size_t)hash, free_slot = 0;
    bool reuse = false;
    for (; (other = load(t, i)); i++) {
        if (holds(other, b->key, hash)) {
            store(t, i, slot_of(b, hash));
            return block_in(other);
        }
        if (block_in(other) == &erased && !reuse) {
            reuse = true;
            free_slot = i;
        }
    }
    store(t, reuse ? free_slot : i, slot_of(b, hash));
    t->used += !reuse;
    return NULL;
}

void table_remove(struct codecache *cc, struct cc_block *b) {
    struct table *t = atomic_load_explicit(&cc->table, memory_order_relaxed);
    size_t i = (size_t)hash_key(b->key);
    while (block_in(load(t, i)) != b)
        i++;
    if (load(t, i + 1)) {
        store(t, i, slot_of(&erased, 0));
        return;
    }
    /* Nothing lies beyond, so neither this slot nor erased ones before it lead anywhere. */
    do {
        store(t, i--, 0);
        t->used--;
    } while (block_in(load(t, i)) == &erased);
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
        store(t, i, 0);
    t->used = 0;
}
