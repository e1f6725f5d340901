/* codecache.h: executable memory, look-up, links between blocks, invalidation, instruction-cache flush.
 *
 * It sees bytes and opaque keys: no guest, no IR.  One memfd is mapped twice, read-write and read-execute, so that no
 * page is ever both.  A client reserves room, writes code through the writable view, and commits it under a key; exits
 * of the block are linked to the blocks that have their target's key, now or as soon as one is committed:
 *
 *      cc_reserve ── write ──▶ cc_commit ──▶ cc_find (no lock) ──▶ run ──▶ cc_invalidate ──▶ unlinked
 *
 * Memory of invalidated blocks is used again only by cc_evict, which the client calls when no thread runs or will
 * return into old code.
 */
#ifndef CODECACHE_CODECACHE_H
#define CODECACHE_CODECACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct codecache;

struct cc_key {
    uint64_t address; /* guest pc */
    uint64_t mode;    /* whatever else distinguishes translations */
};

/* A direct exit: a 32-bit pc-relative displacement in the block's code which never crosses an 8-byte boundary, so that
 * one atomic store redirects it.  Unlinked it leads to the block's own code at stub. */
struct cc_exit {
    uint32_t patch; /* offset in the block of the 4-byte displacement (relative to its own end, as x86 jumps have it) */
    uint32_t stub;  /* offset in the block of the code for the unlinked case */
    struct cc_key target;
};

/* A committed block.  All fields are read-only to the client. */
struct cc_block {
    struct cc_key key;
    uint64_t src_start, src_end; /* guest addresses it was made from: what cc_invalidate compares */
    const uint8_t *code;         /* executable view; the block is entered at code + entry */
    uint32_t size;
    uint32_t entry;
    uint32_t exit_count;
    struct cc_exit *exits;
    void *meta;             /* the client's, freed with the block by free() */
    bool dead;              /* invalidated; read it atomically */
    struct cc_links *links; /* private */
    struct cc_block *next;  /* private */
};

/* What cc_commit is told. */
struct cc_commit {
    struct cc_key key;
    uint64_t src_start, src_end;
    uint32_t size; /* bytes written */
    uint32_t entry;
    uint32_t exit_count;
    const struct cc_exit *exits; /* copied */
    void *meta;                  /* from malloc, owned by the cache from here on */
};

/* size: bytes of code memory, less than 2 GiB, rounded up to whole chunks of chunk_bytes each (0: 64 MiB, 2 MiB).
 * Address space only: memory is taken as code is written.  NULL where executable memory is refused, with one line in
 * err (n bytes) that says what was tried and the system's reason. */
struct codecache *cc_create(size_t size, size_t chunk_bytes, char *err, size_t n);
void cc_destroy(struct codecache *cc);

/* Room for up to max bytes (at most chunk_bytes) in the writable view, and where it will be seen executable, both
 * 16-byte aligned; takes the writer's lock until cc_commit or cc_abort, in between which only cc_find, cc_find_code and
 * cc_contains may be called and no guest memory be touched.  False, with no lock held: no room, cc_evict first (in vain
 * where max is more than a chunk, or after cc_fork_child has failed). */
bool cc_reserve(struct codecache *cc, size_t max, uint8_t **writable, const uint8_t **executable);
/* Publishes what was written, of which room not used is given back; writes the displacements of its exits and links
 * them and those that wait for its key; an older block of the same key dies, and what led to it leads to the new one.
 * NULL: no memory (the reservation is given back, meta is freed). */
struct cc_block *cc_commit(struct codecache *cc, const struct cc_commit *commit);
void cc_abort(struct codecache *cc);

/* The live block of that key or NULL.  No lock; callable while others commit and invalidate. */
struct cc_block *cc_find(struct codecache *cc, struct cc_key key);
/* The block, live or dead, whose code holds the executable address; NULL: none.  No lock, async-signal-safe (as are
 * cc_find and cc_contains). */
struct cc_block *cc_find_code(struct codecache *cc, const void *executable);
bool cc_contains(const struct codecache *cc, const void *executable);

/* Unlinks and kills every block made from any byte of [start, end); calls dead (may be NULL) for each, with the lock
 * held. Returns how many.  Takes the lock but no memory: callable from a handler of SIGSEGV, as the code of a thread
 * that holds the lock does not touch guest memory.  end 0 with
 * start above it: up to the end of the address space. */
size_t cc_invalidate(struct codecache *cc, uint64_t start, uint64_t end, void (*dead)(void *ctx, struct cc_block *),
                     void *ctx);
/* Calls visit for each live block, with the lock held; those for which it returns true are invalidated. */
size_t cc_invalidate_if(struct codecache *cc, bool (*visit)(void *ctx, struct cc_block *), void *ctx);
/* Makes the oldest chunk empty: its live blocks are invalidated, all its blocks freed.  The caller guarantees that no
 * thread runs in, or holds the address of, any code of the cache, or is inside cc_find or cc_find_code. */
void cc_evict(struct codecache *cc, void (*dead)(void *ctx, struct cc_block *), void *ctx);

/* Around fork: prepare takes the lock, parent gives it back.  The child gets memory of its own, at the same addresses,
 * and begins empty (all blocks freed).  False in the child: no executable memory could be had again, and cc_reserve
 * will say so too. */
void cc_fork_prepare(struct codecache *cc);
void cc_fork_parent(struct codecache *cc);
bool cc_fork_child(struct codecache *cc);

struct cc_stats {
    size_t blocks, dead_blocks;     /* now */
    size_t bytes_used, bytes_total; /* used: of blocks, live or dead, with their padding */
    size_t links, waiting;          /* exits of live blocks: linked, leading to their stub */
    size_t invalidated;             /* blocks that have died, for whatever reason, since the start */
    size_t evictions;
};
/* Takes the lock. */
void cc_stats(struct codecache *cc, struct cc_stats *out);

#endif
