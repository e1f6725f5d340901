/* codecache_blocks.h: real x86-64 code for the tests of the code cache.
 *
 * A block is a function of two 32-bit arguments: steps, how many exits to take before it returns, and turns, one bit
 * for each of them.  Where a path ends says which block and how:
 *
 *       0  test edi, edi
 *       2  jz 48 ─────────────────────────────▶  48  mov eax, id * 4 + STOPPED; ret
 *       8  dec edi; shr esi, 1; nop; nop
 *      14  jc  exit 0, unlinked ──────────────▶  32  mov eax, id * 4 + 0; ret
 *      20  nop; nop; nop
 *      23  jmp exit 1, unlinked ──────────────▶  40  mov eax, id * 4 + 1; ret
 */
#ifndef TESTS_CODECACHE_BLOCKS_H
#define TESTS_CODECACHE_BLOCKS_H

#include <string.h>

#include "../../codecache/codecache.h"

enum { STOPPED = 2, BLOCK_SIZE = 54 };

struct test_block {
    struct cc_key key, target[2];
    uint32_t id;
    uint64_t src_start, src_end;
    void *meta;
};

static inline void put_return(uint8_t *at, uint32_t value) {
    at[0] = 0xb8; /* mov eax, value */
    memcpy(at + 1, &value, 4);
    at[5] = 0xc3; /* ret */
}

static inline void put_block(uint8_t *at, uint32_t id) {
    static const uint8_t head[32] = {0x85, 0xff, 0x0f, 0x84, 40,   0, 0,    0,    0xff, 0xcf, 0xd1,
                                     0xee, 0x90, 0x90, 0x0f, 0x82, 0, 0,    0,    0,    0x90, 0x90,
                                     0x90, 0xe9, 0,    0,    0,    0, 0x90, 0x90, 0x90, 0x90};
    memcpy(at, head, sizeof head);
    memset(at + 32, 0x90, BLOCK_SIZE - 32);
    put_return(at + 32, id * 4 + 0);
    put_return(at + 40, id * 4 + 1);
    put_return(at + 48, id * 4 + STOPPED);
}

/* NULL: no room or no memory. */
static inline struct cc_block *commit_block(struct codecache *cc, const struct test_block *t, bool *no_room) {
    uint8_t *writable;
    const uint8_t *executable;
    bool room = cc_reserve(cc, 64, &writable, &executable);
    if (no_room)
        *no_room = !room;
    if (!room)
        return NULL;
    put_block(writable, t->id);
    struct cc_exit exits[2] = {{.patch = 16, .stub = 32, .target = t->target[0]},
                               {.patch = 24, .stub = 40, .target = t->target[1]}};
    return cc_commit(cc, &(struct cc_commit){.key = t->key,
                                             .src_start = t->src_start,
                                             .src_end = t->src_end,
                                             .size = BLOCK_SIZE,
                                             .exit_count = 2,
                                             .exits = exits,
                                             .meta = t->meta});
}

/* turns: bit i set: the i-th exit taken is exit 0, else exit 1. */
static inline uint32_t run_block(const struct cc_block *b, uint32_t steps, uint32_t turns) {
    uint32_t (*f)(uint32_t, uint32_t);
    const uint8_t *entry = b->code + b->entry;
    memcpy(&f, &entry, sizeof f);
    return f(steps, turns);
}

#endif
