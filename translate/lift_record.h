/* lift_record.h: records in the lifter: which values a block has to write to the hart's buffer, and what they mean.
 *
 * A recorded block is cut into segments, each ending before an exit.  In the buffer a segment is a header word (block and
 * segment) and the values that are only known when it runs; all else is in its slots.  The buffer's end moves on behind a segment
 * when that has been executed, so the header behind the end belongs to the segment under way.
 *
 *      record_begin 0          header [end] = block, segment 0; leaves if the buffer is full or something waits
 *      ... record 1, %4        [end + 8] = %4
 *      record_end 2            end += 16
 *      exit_if %5, 0x10100
 *      record_open 1           header [end] = block, segment 1
 */
#ifndef TRANSLATE_LIFT_RECORD_H
#define TRANSLATE_LIFT_RECORD_H

#include "ir.h"
#include "record_words.h"

/* A block's slots while it is lifted. */
struct record_draft {
    unsigned kinds;
    bool states;
    uint64_t follows[64]; /* a bit for each address behind a block that ended for its length; others share it */
    unsigned segment_count, slot_count;
    struct record_segment segments[RECORD_SEGMENTS];
    struct record_slot slots[RECORD_SLOTS];
    /* nodes of slots that have no word yet */
    struct {
        ir_ref address, value, condition;
    } nodes[RECORD_SLOTS];
    bool single[RECORD_SLOTS]; /* the value node is a single, to be boxed */
    unsigned assigned;         /* slots before it have their words */
    uint16_t word_of[IR_MAX_NODES];
};

/* A new block, b being empty: opens its first segment, which has the registers in front if states are wanted. */
void record_lift_begin(struct record_draft *d, struct ir_block *b, unsigned kinds, bool states);
/* A block ends before pc, for its length only: whoever follows the other code there finds no end of a block.  A block that begins
 * there does not end a buffer if it can be helped. */
void record_lift_split(struct record_draft *d, uint64_t pc);
/* The records that follow are this instruction's.  pc: where it is. */
void record_lift_insn(struct record_draft *d, const struct insn *in, uint64_t pc);
/* Room for one more instruction. */
bool record_lift_room(const struct record_draft *d);
/* An effect: nodes that are IR_NONE count as 0; condition IR_NONE: always. */
void record_lift_effect(struct record_draft *d, struct record r, ir_ref address, ir_ref value, ir_ref condition, bool single);
/* The instruction is complete: its values are written.  node_pc: its offset in the block. */
void record_lift_done(struct record_draft *d, struct ir_block *b, uint16_t node_pc);
/* Before an exit: ends the segment (the instruction under way belongs to it); and behind it: opens the next one. */
void record_lift_close(struct record_draft *d, struct ir_block *b, uint16_t node_pc);
void record_lift_open(struct record_draft *d, struct ir_block *b, uint16_t node_pc);

#endif
