/* internal.h: what the files of the code cache share.
 *
 *      cache.c       life of a block: reserve, commit, evict; which block holds an address
 *      memory.c      the two views of executable memory
 *      table.c       key → live block, read without a lock
 *      links.c       exit → block, waiting exits, patching
 *      invalidate.c  guest range → blocks, death of a block
 *      fork.c        a child's own cache
 *
 * Everything is written with codecache.lock held.  Read without it are only the table, the chunks' lists and the blocks
 * found through them, hence their atomics.  Functions below need the lock unless they say otherwise; those that say so
 * take no memory and so may run in a signal handler.
 */
#ifndef CODECACHE_INTERNAL_H
#define CODECACHE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "codecache.h"

enum { CODE_ALIGN = 16 };

struct memory {
    uint8_t *rx, *rw; /* the same bytes, executable and writable */
    size_t size;      /* whole pages */
};

/* One exit of a block: on the incoming list of the block it is linked to, or (to is NULL) on the waiting list. */
struct link {
    struct cc_block *from, *to;
    struct link *next, **pprev;
};

/* One page that a block was made from. */
struct page_node {
    struct page_node *next, **pprev;
    struct cc_block *block;
    uint64_t page;
};

/* The private part of a block; one piece of memory with it, its exits and its page nodes. */
struct cc_links {
    struct link *incoming;
    struct page_node *pages;
    size_t page_count;
    bool doomed; /* cc_invalidate has seen it */
    struct link exit[];
};

/* Open addressing.  An array that was outgrown stays readable (older) until cc_evict. */
struct table {
    size_t mask;
    size_t used; /* slots that are not empty, erased ones included */
    struct table *older;
    _Atomic uint64_t slot[]; /* table.c knows what is in one */
};

/* The blocks of a chunk in the order of their addresses. */
struct block_list {
    size_t capacity;
    struct block_list *older;
    _Atomic(struct cc_block *) block[];
};

struct chunk {
    size_t fill; /* bytes given out */
    _Atomic size_t count;
    _Atomic(struct block_list *) list; /* at least count long; NULL while count is 0 */
};

struct codecache {
    pthread_mutex_t lock;
    struct memory memory;
    size_t chunk_bytes, chunk_count;
    size_t oldest, current; /* chunks oldest … current, going round, are in use */
    size_t reserved;        /* bytes from current's fill on */
    bool closed;            /* no executable memory (in a forked child) */
    _Atomic(struct table *) table;
    struct {
        struct link **bucket;
        size_t mask;
    } waiting;
    struct {
        struct page_node **bucket;
        size_t mask, count;
        struct page_node *wide; /* of blocks with too many pages for a node each */
    } pages;
    struct cc_stats stats;
    void *(*alloc)(size_t); /* malloc; tests put one here that fails */
    struct chunk chunk[];
};

static inline bool key_equal(struct cc_key a, struct cc_key b) { return a.address == b.address && a.mode == b.mode; }

/* Spreads x over all bits, so that any of them can index a table (multiplier: 2^64 divided by the golden ratio). */
static inline uint64_t hash_word(uint64_t x) {
    x *= 0x9e3779b97f4a7c15u;
    x ^= x >> 32;
    x *= 0x9e3779b97f4a7c15u;
    return x ^ x >> 29;
}

static inline uint64_t hash_key(struct cc_key key) { return hash_word(key.address ^ hash_word(key.mode)); }

/* cache.c: bytes of zeroed memory, to be freed with free(). */
void *cache_alloc(struct codecache *cc, size_t bytes);
/* Frees all blocks and whatever was kept for readers; no thread may be reading.  Leaves table and lists unusable. */
void cache_free_blocks(struct codecache *cc);
/* An empty cache; needs the tables to be there. */
void cache_reset(struct codecache *cc);

/* memory.c, no lock: size bytes, twice.  False with one line in err. */
bool memory_create(struct memory *m, size_t size, char *err, size_t n);
/* New memory at the same two addresses, no longer shared with another process.  False: there is none, and the addresses
 * are inaccessible. */
bool memory_renew(struct memory *m);
void memory_destroy(struct memory *m);

/* table.c: makes sure that one more block can be put; false: no memory. */
bool table_prepare(struct codecache *cc);
/* Puts b in the place of the block that has its key (returned, now not to be found) or in a free one (NULL). */
struct cc_block *table_put(struct codecache *cc, struct cc_block *b);
/* Takes no memory. */
void table_remove(struct codecache *cc, struct cc_block *b);
/* Frees the arrays that were outgrown; no thread may be reading. */
void table_free_older(struct codecache *cc);
void table_clear(struct codecache *cc);

/* links.c: makes the lists of waiting exits longer or shorter as needed; false: no memory at all for them. */
bool links_prepare(struct codecache *cc, size_t more);
/* Gives each exit of b, not published yet, its first destination. */
void links_add(struct codecache *cc, struct cc_block *b);
/* Links the exits that wait for b's key. */
void links_wake(struct codecache *cc, struct cc_block *b);
/* Takes b's exits back to their stubs for good, and those that led to b to heir or, if NULL, to their stubs to wait.
 * Takes no memory. */
void links_remove(struct codecache *cc, struct cc_block *b, struct cc_block *heir);

/* invalidate.c: how many page nodes a block of that range needs. */
size_t pages_needed(uint64_t src_start, uint64_t src_end);
bool pages_prepare(struct codecache *cc, size_t more);
/* Enters b, whose links->pages and page_count are set. */
void pages_add(struct codecache *cc, struct cc_block *b);
/* b, already replaced in the table by heir (or NULL: still there), dies.  Takes no memory. */
void block_kill(struct codecache *cc, struct cc_block *b, struct cc_block *heir);

#endif
