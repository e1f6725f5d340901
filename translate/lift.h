/* lift.h: from guest code to IR. */
#ifndef TRANSLATE_LIFT_H
#define TRANSLATE_LIFT_H

#include "../cpu/guest_memory.h"
#include "ir.h"
#include "lift_record.h"

/* What a translation depends on beside the code: part of its key. */
struct lift_mode {
    uint8_t frm; /* hart.frm; every invalid mode is 5 */
    uint8_t fs;  /* with a board: FS_STATE_* of mstatus.FS */
};

/* Instructions as they were read: code that is not watched may change at any time. */
enum { LIFT_READ_MAX = 72 };
struct lift_read {
    uint32_t offset, bits; /* from the block's pc */
    uint8_t len;
};

struct lift_config {
    const struct guest_memory *mem;
    const struct isa *isa;
    struct lift_mode mode;
    unsigned max_insns; /* instructions a block may have, at least 1 */
    bool board;         /* system mode: addresses go through the TLB, a block does not leave its page */
    bool privileged;    /* system mode: privileged instructions are done by helpers, not left to the interpreter */
    bool watched;       /* out: false if some page of the block is not watched */
    struct lift_read read[LIFT_READ_MAX]; /* out: what the block was made from */
    unsigned read_count;
    bool no_loop;       /* see ir_block */
    /* Where the computed jump at pc in the block at block_pc has led each time so far; 0: to several places, or nothing
     * is known.  May be NULL. */
    uint64_t (*likely_target)(void *ctx, uint64_t block_pc, uint64_t pc);
    void *likely_ctx;
    /* Whether the instruction at pc often reads singles that are not NaN-boxed.  May be NULL. */
    bool (*often_unboxed)(void *ctx, uint64_t pc);
    void *unboxed_ctx;
    const struct hart *hart; /* the one that translates, for what its LRs are like.  May be NULL. */
    const struct engine_range *interpret; /* code that is no part of any block */
    unsigned interpret_count;
    const struct observer *observer;
    struct record_draft *record; /* out, if the block is recorded, that is b->recorded */
};

/* Lifts the block at pc.  False: the first instruction cannot be fetched (the interpreter will raise the fault). */
bool lift_block(struct ir_block *b, struct lift_config *config, uint64_t pc);

#endif
