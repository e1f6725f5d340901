/* engine_internal.h: the engine's state, shared by its files: running harts (engine.c), translating (translate.c), what stops
 * and invalidates (world.c), reports (stats.c).
 */
#ifndef TRANSLATE_ENGINE_INTERNAL_H
#define TRANSLATE_ENGINE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "backend.h"
#include "engine.h"
#include "lift.h"

enum { JUMP_SLOTS = 4096, MODES = 6, RETURN_STACK_BYTES = 256 * 1024, DEFAULT_HOT = 24 };

/* Entry of a jump cache, probed by generated code: index is bits 1 to 12 of the guest address. */
struct jump_slot {
    _Atomic uint64_t pc; /* 1: empty */
    const uint8_t *code;
};

struct engine_hart {
    struct engine *engine;
    struct hart *hart;
    struct engine_hart *next, **prev;
    struct jump_slot *jumps[MODES]; /* one table for each mode, made when first needed */
    char *return_stack;
    atomic_bool inside;             /* between entering and leaving engine_run */
    unsigned mode;
    uint64_t leaves[BACK_COUNT], single_steps;
};

struct engine {
    struct engine_config config;
    struct isa isa;
    struct machine *machine; /* system mode: what its harts share */
    struct backend *backend; /* NULL: interpreter only */
    struct codecache *cache;
    pthread_mutex_t translate_lock; /* one translation at a time: b, and the backend's emitter */
    struct ir_block *block;
    atomic_ulong code_generation;   /* changes whenever code is invalidated */
    pthread_mutex_t harts_lock;
    pthread_cond_t harts_changed;
    struct engine_hart *harts;
    unsigned hart_count;
    struct hart *_Atomic stopper;   /* the hart that has stopped all others */
    /* statistics of harts that are gone, and of translation */
    uint64_t done_interpreted, done_stat[4], done_leaves[BACK_COUNT], done_steps;
    uint64_t translated_blocks, translated_insns, failed_blocks, translated_bytes;
};

extern struct jump_slot engine_no_jumps[JUMP_SLOTS]; /* all empty: installed to make computed jumps leave */

static inline unsigned jump_index(uint64_t pc) { return (unsigned)(pc >> 1) & (JUMP_SLOTS - 1); }

/* translate.c */
/* Translates the block at pc; NULL where it cannot be. */
struct cc_block *engine_translate(struct engine *e, struct hart *h, uint64_t pc, uint64_t mode);
void engine_dead_block(void *engine, struct cc_block *block);

/* world.c */
void world_enter(struct engine_hart *eh); /* waits while another hart has stopped the world */
void world_leave(struct engine_hart *eh);
bool world_stop(struct engine *e, struct hart *h); /* false: h is the only hart and nothing was stopped */
void world_resume(struct engine *e);

#endif
