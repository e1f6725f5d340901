/* plan.h: what a segment of a recorded block is to do, worked out once, so that the fast comparison has only values to look
 * up in the words that generated code has written.
 */
#ifndef CLI_DIFF_PLAN_H
#define CLI_DIFF_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "../../translate/record_words.h"

struct plan_store {
    uint64_t address, value; /* to which the words are added */
    uint16_t address_word, value_word, condition; /* NO_WORD: none */
    uint8_t size;
};

struct plan_insn {
    uint64_t pc;
    uint64_t value, mask; /* the register it writes has value + (word & mask) afterwards */
    uint32_t place;       /* of that register, in bytes from the reference's x0, which stands for none */
    uint16_t word;
    uint8_t length, stores;
};

struct plan {
    uint32_t insn_count, store_count;
    uint32_t bytes; /* of all instructions */
    bool slow;      /* something in it is not for the fast comparison */
    struct plan_store *stores;
    struct plan_insn insns[];
};

/* Where f0 is, from x0. */
extern uint32_t plan_place_of_f;
/* The plan of a segment, made at the first call and kept; NULL: no memory. */
const struct plan *plan_make(struct record_part *part);
static inline const struct plan *plan_of(const struct record_stretch *s) {
    return s->data ? s->data : s->part->data ? s->part->data : plan_make(s->part);
}
/* The same of interpreted instructions, valid until the fourth call from then. */
const struct plan *plan_of_records(const struct record *r, size_t n);

#endif
