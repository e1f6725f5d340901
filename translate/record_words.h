/* record_words.h: what the words mean that generated code writes to a hart's buffer of records (lift_record.h).
 *
 * Of a segment these are a header, the registers if it is the block's first and the observer wants them, and values; the rest
 * of what is recorded is in the segment's slots.
 *
 * A state in front of an interpreted instruction has the pc for a header.
 *
 *      header | has_fp x1 ... x31 f0 ... f31 fcsr | value value ...
 */
#ifndef TRANSLATE_RECORD_WORDS_H
#define TRANSLATE_RECORD_WORDS_H

#include "record.h"

/* Word numbers of a state: x0's place says whether those of floating point have been written (else they are as they were),
 * STATE_FCSR has the host's control and status word in its low half, then fflags and frm as the hart has them, a byte each. */
enum { STATE_X = 1, STATE_F = 33, STATE_FCSR = 65, STATE_WORDS = 65 };

/* A record to be: constants are in r, word numbers (NO_WORD: none) name values in the segment to be added to them. */
struct record_slot {
    struct record r;
    uint16_t address, value;
    uint16_t condition; /* the record is left out where this word is 0 */
};
#define NO_WORD 0xffffu

struct record_segment {
    uint16_t first, count; /* slots */
    uint16_t words;        /* with the header */
    uint16_t insns;
};
enum { RECORD_SEGMENTS = 72, RECORD_SLOTS = 640, RECORD_BLOCK_WORDS = 1024 };


/* What the words of a translated block mean: its segments, then its slots.  Kept until the engine goes, as words may be read
 * after the block is gone; code that is translated again gets what it had. */
struct record_block {
    struct record_block *next; /* of the same hash */
    uint64_t pc;
    uint32_t first; /* its segments are the recorder's parts from here on */
    uint16_t segment_count, slot_count;
    struct record_segment *segments;
    struct record_slot slots[];
};
/* A segment of it, found by the number that is its header. */
struct record_part {
    const struct record_block *block;
    struct record_segment segment;
    void *data; /* the observer's */
};

/* fcsr in a state whose floating-point words have been written. */
uint32_t record_state_fcsr(const uint64_t *words);

#endif
