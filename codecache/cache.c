/* cache.c: the life of a block, from the room for its code to its eviction, and which block holds an address.
 *
 *      chunk 0       chunk 1       chunk 2       chunk 3
 *      [A|B|C|D  ]   [E|F|   ]    [empty   ]   [empty   ]
 *       ▲ oldest      ▲ current: fill, then what is reserved
 *
 * Chunks are filled one after the other and emptied in the same order, going round.  Blocks of a chunk are listed in
 * the order of their addresses, as they are only ever appended.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define DEFAULT_SIZE ((size_t)64 << 20)
#define DEFAULT_CHUNK ((size_t)2 << 20)
#define LARGEST_SIZE (((size_t)2 << 30) - (64 << 10)) /* any displacement fits 32 bits */

enum { SHORTEST_LIST = 64 };

/* The client broke its contract: stop with what identifies the block. */
static _Noreturn void broken(struct cc_key key, const char *what) {
    fprintf(stderr, "riv: code cache: block 0x%llx (mode 0x%llx): %s\n", (unsigned long long)key.address,
            (unsigned long long)key.mode, what);
    abort();
}

void *cache_alloc(struct codecache *cc, size_t bytes) {
    void *p = cc->alloc(bytes);
    return p ? memset(p, 0, bytes) : NULL;
}

static void list_free(struct block_list *list) {
    while (list) {
        struct block_list *older = list->older;
        free(list);
        list = older;
    }
}

static void block_free(struct cc_block *b) {
    free(b->meta);
    free(b);
}

/* Frees the blocks of a chunk, all of which are dead or die with the whole cache. */
static void chunk_empty(struct chunk *c) {
    struct block_list *list = atomic_load_explicit(&c->list, memory_order_relaxed);
    size_t count = atomic_load_explicit(&c->count, memory_order_relaxed);
    atomic_store_explicit(&c->count, 0, memory_order_release);
    atomic_store_explicit(&c->list, NULL, memory_order_release);
    for (size_t i = 0; i < count; i++)
        block_free(atomic_load_explicit(&list->block[i], memory_order_relaxed));
    list_free(list);
    c->fill = 0;
}

void cache_free_blocks(struct codecache *cc) {
    for (size_t i = 0; i < cc->chunk_count; i++)
        chunk_empty(&cc->chunk[i]);
}

void cache_reset(struct codecache *cc) {
    table_clear(cc);
    memset(cc->waiting.bucket, 0, (cc->waiting.mask + 1) * sizeof cc->waiting.bucket[0]);
    memset(cc->pages.bucket, 0, (cc->pages.mask + 1) * sizeof cc->pages.bucket[0]);
    cc->pages.count = 0;
    cc->pages.wide = NULL;
    cc->oldest = cc->current = 0;
    cc->reserved = 0;
    cc->stats = (struct cc_stats){.bytes_total = cc->stats.bytes_total};
}

struct codecache *cc_create(size_t size, size_t chunk_bytes, char *err, size_t n) {
    size = size ? size : DEFAULT_SIZE;
    chunk_bytes = chunk_bytes ? chunk_bytes : DEFAULT_CHUNK;
    if (size > LARGEST_SIZE || chunk_bytes > LARGEST_SIZE) {
        snprintf(err, n, "a code cache of %zu MiB is too large: %zu MiB are the most", (size | chunk_bytes) >> 20,
                 LARGEST_SIZE >> 20);
        return NULL;
    }
    chunk_bytes = (chunk_bytes + CODE_ALIGN - 1) & ~(size_t)(CODE_ALIGN - 1);
    size_t chunks = (size + chunk_bytes - 1) / chunk_bytes;
    if (chunks > 1 && chunks * chunk_bytes > LARGEST_SIZE)
        chunks--;
    struct codecache *cc = calloc(1, sizeof *cc + chunks * sizeof cc->chunk[0]);
    if (!cc) {
        snprintf(err, n, "no memory for a code cache of %zu chunks", chunks);
        return NULL;
    }
    cc->alloc = malloc;
    cc->chunk_bytes = chunk_bytes;
    cc->chunk_count = chunks;
    cc->stats.bytes_total = chunks * chunk_bytes;
    pthread_mutex_init(&cc->lock, NULL);
    if (!memory_create(&cc->memory, cc->stats.bytes_total, err, n)) {
        cc_destroy(cc);
        return NULL;
    }
    if (!table_prepare(cc) || !links_prepare(cc, 0) || !pages_prepare(cc, 0)) {
        snprintf(err, n, "no memory for the tables of a code cache");
        cc_destroy(cc);
        return NULL;
    }
    return cc;
}

void cc_destroy(struct codecache *cc) {
    if (!cc)
        return;
    cache_free_blocks(cc);
    table_free_older(cc);
    free(atomic_load_explicit(&cc->table, memory_order_relaxed));
    free(cc->waiting.bucket);
    free(cc->pages.bucket);
    memory_destroy(&cc->memory);
    pthread_mutex_destroy(&cc->lock);
    free(cc);
}

static size_t chunk_after(const struct codecache *cc, size_t c) { return c + 1 == cc->chunk_count ? 0 : c + 1; }

bool cc_reserve(struct codecache *cc, size_t max, uint8_t **writable, const uint8_t **executable) {
    pthread_mutex_lock(&cc->lock);
    struct chunk *c = &cc->chunk[cc->current];
    bool room = !cc->closed && max <= cc->chunk_bytes;
    max = max ? max : 1; /* every block has an address of its own */
    if (room && max > cc->chunk_bytes - c->fill) {
        size_t next = chunk_after(cc, cc->current);
        room = next != cc->oldest;
        if (room) {
            cc->current = next;
            c = &cc->chunk[next];
        }
    }
    if (!room) {
        pthread_mutex_unlock(&cc->lock);
        return false;
    }
    size_t offset = cc->current * cc->chunk_bytes + c->fill;
    cc->reserved = max;
    *writable = cc->memory.rw + offset;
    *executable = cc->memory.rx + offset;
    return true;
}

void cc_abort(struct codecache *cc) {
    cc->reserved = 0;
    pthread_mutex_unlock(&cc->lock);
}

static void check(const struct cc_commit *commit, size_t reserved) {
    if (commit->size > reserved)
        broken(commit->key, "larger than what was reserved");
    if (commit->entry > commit->size)
        broken(commit->key, "entry outside of the code");
    for (uint32_t i = 0; i < commit->exit_count; i++) {
        const struct cc_exit *e = &commit->exits[i];
        if (e->patch > commit->size || commit->size - e->patch < 4 || e->stub >= commit->size)
            broken(commit->key, "exit outside of the code");
        if ((e->patch & 7) > 4)
            broken(commit->key, "exit crosses an 8-byte boundary");
    }
}

/* Room in the list of the chunk for one more block; readers may still be in the old list. */
static bool list_prepare(struct codecache *cc, struct chunk *c) {
    struct block_list *old = atomic_load_explicit(&c->list, memory_order_relaxed);
    size_t count = atomic_load_explicit(&c->count, memory_order_relaxed);
    if (old && count < old->capacity)
        return true;
    size_t capacity = old ? old->capacity * 2 : SHORTEST_LIST;
    struct block_list *list = cache_alloc(cc, sizeof *list + capacity * sizeof list->block[0]);
    if (!list)
        return false;
    list->capacity = capacity;
    list->older = old;
    for (size_t i = 0; i < count; i++)
        atomic_store_explicit(&list->block[i], atomic_load_explicit(&old->block[i], memory_order_relaxed),
                              memory_order_relaxed);
    atomic_store_explicit(&c->list, list, memory_order_release);
    return true;
}

/* The block's memory, filled in but for its links; NULL: no memory. */
static struct cc_block *block_make(struct codecache *cc, const struct cc_commit *commit, const uint8_t *code) {
    size_t pages = pages_needed(commit->src_start, commit->src_end), exits = commit->exit_count;
    size_t links_bytes = sizeof(struct cc_links) + exits * sizeof(struct link);
    size_t pages_bytes = pages * sizeof(struct page_node), exits_bytes = exits * sizeof(struct cc_exit);
    _Static_assert(sizeof(struct cc_block) % 8 == 0 && sizeof(struct cc_links) % 8 == 0 &&
                       sizeof(struct link) % 8 == 0 && sizeof(struct page_node) % 8 == 0,
                   "the parts of a block's memory follow each other without padding");
    uint8_t *memory = cache_alloc(cc, sizeof(struct cc_block) + links_bytes + pages_bytes + exits_bytes);
    if (!memory)
        return NULL;
    struct cc_block *b = (void *)memory;
    *b = (struct cc_block){.key = commit->key,
                           .src_start = commit->src_start,
                           .src_end = commit->src_end,
                           .code = code,
                           .size = commit->size,
                           .entry = commit->entry,
                           .exit_count = commit->exit_count,
                           .meta = commit->meta,
                           .links = (void *)(memory + sizeof *b)};
    b->links->pages = (void *)(memory + sizeof *b + links_bytes);
    b->links->page_count = pages;
    b->exits = (void *)(memory + sizeof *b + links_bytes + pages_bytes);
    if (exits)
        memcpy(b->exits, commit->exits, exits_bytes);
    return b;
}

struct cc_block *cc_commit(struct codecache *cc, const struct cc_commit *commit) {
    struct chunk *c = &cc->chunk[cc->current];
    const uint8_t *code = cc->memory.rx + cc->current * cc->chunk_bytes + c->fill;
    size_t pages = pages_needed(commit->src_start, commit->src_end);
    struct cc_block *b = NULL;
    check(commit, cc->reserved);
    if (table_prepare(cc) && links_prepare(cc, commit->exit_count) && pages_prepare(cc, pages) && list_prepare(cc, c))
        b = block_make(cc, commit, code);
    if (!b) {
        free(commit->meta);
        cc_abort(cc);
        return NULL;
    }
    /* Whole before it is seen: exits and code first, then what a fault in it looks for, then what leads to it. */
    links_add(cc, b);
    __builtin___clear_cache((char *)(uintptr_t)code, (char *)(uintptr_t)(code + commit->size));
    size_t count = atomic_load_explicit(&c->count, memory_order_relaxed);
    struct block_list *list = atomic_load_explicit(&c->list, memory_order_relaxed);
    atomic_store_explicit(&list->block[count], b, memory_order_relaxed);
    atomic_store_explicit(&c->count, count + 1, memory_order_release);
    pages_add(cc, b);
    cc->stats.blocks++;
    struct cc_block *old = table_put(cc, b);
    if (old)
        block_kill(cc, old, b);
    else
        links_wake(cc, b);

    size_t bytes = commit->size ? (commit->size + CODE_ALIGN - 1) & ~(size_t)(CODE_ALIGN - 1) : CODE_ALIGN;
    c->fill += bytes;
    cc->stats.bytes_used += bytes;
    cc_abort(cc);
    return b;
}

bool cc_contains(const struct codecache *cc, const void *executable) {
    return (uintptr_t)executable - (uintptr_t)cc->memory.rx < cc->stats.bytes_total;
}

struct cc_block *cc_find_code(struct codecache *cc, const void *executable) {
    if (!cc_contains(cc, executable))
        return NULL;
    const uint8_t *address = executable;
    struct chunk *c = &cc->chunk[(size_t)(address - cc->memory.rx) / cc->chunk_bytes];
    /* In this order: the list is then at least as new as the count. */
    size_t low = 0, high = atomic_load_explicit(&c->count, memory_order_acquire);
    struct block_list *list = atomic_load_explicit(&c->list, memory_order_acquire);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct cc_block *b = atomic_load_explicit(&list->block[middle], memory_order_relaxed);
        if (address < b->code)
            high = middle;
        else if (address >= b->code + b->size)
            low = middle + 1;
        else
            return b;
    }
    return NULL;
}

void cc_evict(struct codecache *cc, void (*dead)(void *ctx, struct cc_block *), void *ctx) {
    pthread_mutex_lock(&cc->lock);
    struct chunk *c = &cc->chunk[cc->oldest];
    struct block_list *list = atomic_load_explicit(&c->list, memory_order_relaxed);
    size_t count = atomic_load_explicit(&c->count, memory_order_relaxed);
    for (size_t i = 0; i < count; i++) {
        struct cc_block *b = atomic_load_explicit(&list->block[i], memory_order_relaxed);
        if (b->dead)
            continue;
        block_kill(cc, b, NULL);
        if (dead)
            dead(ctx, b);
    }
    cc->stats.dead_blocks -= count;
    cc->stats.bytes_used -= c->fill;
    cc->stats.evictions++;
    chunk_empty(c);
    table_free_older(cc);
    if (cc->oldest != cc->current)
        cc->oldest = chunk_after(cc, cc->oldest);
    pthread_mutex_unlock(&cc->lock);
}

void cc_stats(struct codecache *cc, struct cc_stats *out) {
    pthread_mutex_lock(&cc->lock);
    *out = cc->stats;
    pthread_mutex_unlock(&cc->lock);
}
