/* record_internal.h: records in the engine: the buffers of harts (record.c), what the interpreter did (record_step.c), and the
 * run loop of an observed engine (observe.c).
 */
#ifndef TRANSLATE_RECORD_INTERNAL_H
#define TRANSLATE_RECORD_INTERNAL_H

#include "engine_internal.h"

enum { RECORD_CHUNK = 4096, RECORD_CHUNKS = 8192, RECORD_HASH = 4096 };

/* All segments by number, for readers without a lock: chunks never move, and what a header in a buffer names has been there
 * before the block could be entered. */
struct recorder {
    struct record_part *_Atomic chunks[RECORD_CHUNKS];
    uint32_t count;
    struct record_block *hash[RECORD_HASH];
    struct record_draft draft;
};

enum { RECORD_BUFFER_WORDS = 1 << 14, RECORD_BATCH = 2048 };
/* for observer.stretches; MARGIN: instructions that are interpreted before they are given */
enum { STATE_BUFFER_WORDS = 1 << 13, STATE_MORE_WORDS = 1 << 12, STATE_MARGIN = 64 };
enum { STRETCHES = (STATE_BUFFER_WORDS + STATE_MORE_WORDS) * 2 / 3 + 4096 };

/* A hart's. */
struct hart_records {
    uint64_t *words;
    struct record *batch;
    unsigned count; /* in batch */
    struct record_stretch *stretches; /* NULL: not wanted */
    unsigned stretch_count;
    const uint64_t *told; /* words before it are in stretches */
    enum leave_reason why; /* that ended generated code last */
    bool kept;             /* what is in stretches has not been given: engine_stretch_on */
    /* the instruction that the interpreter is at */
    struct insn insn;
    uint64_t pc, address, operand, expected[2], found[2];
    uint64_t mstatus;
    uint8_t fflags;
    uint8_t priv; /* of what generated code has recorded and of the instruction that the interpreter is at */
    bool recorded, lowered, dirtied;
};

struct recorder *recorder_create(void);
void recorder_destroy(struct recorder *r);
/* The draft's block gets its number, which b's nodes are told.  False: no memory. */
bool recorder_commit(struct recorder *r, struct ir_block *b);
bool record_hart_init(struct engine_hart *eh);
void record_hart_exit(struct engine_hart *eh);
/* Other harts may stop recording. */
static inline unsigned observer_kinds(const struct engine *e) {
    return __atomic_load_n(&e->config.observer.kinds, __ATOMIC_RELAXED);
}
static inline bool record_wants(const struct engine *e, uint64_t pc) {
    const struct observer *o = &e->config.observer;
    return observer_kinds(e) && (!o->filter || o->filter(o->ctx, pc));
}
/* The next n records, up to 32, come in one batch. */
void record_reserve(struct engine_hart *eh, unsigned n);
void record_add(struct engine_hart *eh, const struct record *r);
/* Gives everything recorded so far to the observer. */
void record_drain(struct engine_hart *eh);
/* For observer.stretches: h's state is exact, and so is what is recorded of the next interpreted instruction. */
void record_state(struct engine_hart *eh);
/* Whether the next instruction to be interpreted finds room. */
bool record_has_room(const struct engine_hart *eh);
/* Generated code was left; what it has not completed is at h->pc. */
void record_left(struct engine_hart *eh, enum leave_reason why);
void record_trap(struct engine_hart *eh);
/* System mode: the hart may have another privilege now than before. */
void record_privilege(struct engine_hart *eh);
/* The instruction at pc as it is encoded; false where it cannot be fetched. */
bool record_fetch(struct engine_hart *eh, uint64_t pc, uint32_t *bits);
extern const struct interp_hooks record_hooks;

/* observe.c: engine.c's run for engines that are observed */
enum engine_stop observe_run(struct engine_hart *eh);
/* Whether the instruction at pc is an LR. */
bool observe_at_lr(struct engine_hart *eh);
/* The block at pc and key_mode, translated if need be; NULL: to be interpreted.  Where the observer is told of each block, or
 * of this recorded one, it gets into no jump cache. */
struct cc_block *observe_obtain(struct engine_hart *eh, bool recorded);
/* observe_run for a hart with a board, within engine_run_system. */
enum engine_stop observe_run_system(struct engine_hart *eh);

#endif
