/* lift_record.c: the nodes that write an instruction's effects to the hart's buffer of records. */
#include "lift_record.h"

#include <string.h>

static ir_ref add(struct ir_block *b, enum ir_op op, ir_ref a, int64_t imm, uint16_t node_pc) {
    ir_ref r = ir_add(b, op, a, IR_NONE, IR_NONE, imm);
    b->nodes[r].pc = node_pc;
    b->nodes[r].insn = (uint8_t)b->insns;
    return r;
}

static struct record_segment *current(struct record_draft *d) { return &d->segments[d->segment_count - 1]; }

static void open_segment(struct record_draft *d) {
    d->segments[d->segment_count++] = (struct record_segment){.first = (uint16_t)d->slot_count, .words = 1};
    memset(d->word_of, 0xff, sizeof d->word_of);
}

static uint64_t *follows(struct record_draft *d, uint64_t pc) { return &d->follows[pc / 128 % 64]; }
void record_lift_split(struct record_draft *d, uint64_t pc) { *follows(d, pc) |= UINT64_C(1) << pc / 2 % 64; }

void record_lift_begin(struct record_draft *d, struct ir_block *b, unsigned kinds, bool states) {
    d->kinds = kinds;
    d->states = states;
    d->segment_count = d->slot_count = d->assigned = 0;
    b->recorded = true;
    b->states = states;
    b->follows = *follows(d, b->pc) >> b->pc / 2 % 64 & 1;
    open_segment(d);
    if (states)
        current(d)->words += STATE_WORDS;
    add(b, IR_record_begin, IR_NONE, 0, 0);
}

bool record_lift_room(const struct record_draft *d) {
    return d->slot_count < RECORD_SLOTS - 16 && d->segment_count < RECORD_SEGMENTS - 2 &&
           d->segments[d->segment_count - 1].words < RECORD_BLOCK_WORDS / 2;
}

static void push(struct record_draft *d, const struct record *r, ir_ref address, ir_ref value, ir_ref condition,
                 bool single) {
    unsigned i = d->slot_count++;
    /* effects in the order of their kinds, whatever order the lifter meets them in */
    for (; i > d->assigned && d->slots[i - 1].r.kind > r->kind; i--) {
        d->slots[i] = d->slots[i - 1];
        d->nodes[i] = d->nodes[i - 1];
        d->single[i] = d->single[i - 1];
    }
    d->slots[i] = (struct record_slot){.r = *r, .address = NO_WORD, .value = NO_WORD, .condition = NO_WORD};
    d->nodes[i].address = address;
    d->nodes[i].value = value;
    d->nodes[i].condition = condition;
    d->single[i] = single;
    current(d)->count++;
}

void record_lift_insn(struct record_draft *d, const struct insn *in, uint64_t pc) {
    struct record r = {.kind = RECORD_INSN, .size = in->len, .bits = in->bits, .address = pc};
    push(d, &r, IR_NONE, IR_NONE, IR_NONE, false);
    d->assigned = d->slot_count;
    current(d)->insns++;
}

void record_lift_effect(struct record_draft *d, struct record r, ir_ref address, ir_ref value, ir_ref condition,
                        bool single) {
    if (d->kinds & RECORD_BIT(r.kind))
        push(d, &r, address, value, condition, single);
}

/* The word that holds the node's value; a constant is added to *k instead. */
static uint16_t word(struct record_draft *d, struct ir_block *b, ir_ref r, bool single, uint64_t *k, uint16_t node_pc) {
    if (r == IR_NONE)
        return NO_WORD;
    if (k && ir_is_const(b, r)) {
        *k += (uint64_t)b->nodes[r].imm;
        return NO_WORD;
    }
    if (d->word_of[r] == NO_WORD) {
        enum ir_op op = ir_ops[b->nodes[r].op].result == 'F' ? single ? IR_record_fs : IR_record_f : IR_record;
        d->word_of[r] = current(d)->words++;
        add(b, op, r, d->word_of[r], node_pc);
    }
    return d->word_of[r];
}

void record_lift_done(struct record_draft *d, struct ir_block *b, uint16_t node_pc) {
    for (; d->assigned < d->slot_count; d->assigned++) {
        struct record_slot *s = &d->slots[d->assigned];
        ir_ref condition = d->nodes[d->assigned].condition;
        s->address = word(d, b, d->nodes[d->assigned].address, false, &s->r.address, node_pc);
        s->value = word(d, b, d->nodes[d->assigned].value, d->single[d->assigned], &s->r.value, node_pc);
        s->condition = word(d, b, condition, false, NULL, node_pc);
    }
}

void record_lift_close(struct record_draft *d, struct ir_block *b, uint16_t node_pc) {
    record_lift_done(d, b, node_pc);
    add(b, IR_record_end, IR_NONE, current(d)->words, node_pc);
}

void record_lift_open(struct record_draft *d, struct ir_block *b, uint16_t node_pc) {
    open_segment(d);
    add(b, IR_record_open, IR_NONE, d->segment_count - 1, node_pc);
}
