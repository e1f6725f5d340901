/* plan.c: makes plans from the slots of recorded blocks. */
#include "plan.h"

#include <stdlib.h>
#include <string.h>

#include "diff.h"

enum { NOWHERE = 1 }; /* no instruction's address */

static struct plan ***plans; /* by block and segment */
static size_t room;

/* Whether the reference stores there, by the instruction that it sees. */
static bool is_store(const struct insn *in) {
    switch (insn_rows[in->id].format) {
    case FMT_S:
    case FMT_FST:
    case FMT_CBO:
        return true;
    case FMT_AMO:
        return in->id != INSN_lr_w && in->id != INSN_lr_d;
    default:
        return false;
    }
}

/* Differences are to be expected, or flags are changed that only the ends of blocks show. */
static bool needs_care(const struct insn *in) {
    uint8_t format = insn_rows[in->id].format;
    unsigned csr = (unsigned)in->imm & 0xfff;
    if (known_missing(in) || in->id == INSN_ILLEGAL)
        return true;
    if (format != FMT_CSR && format != FMT_CSRI)
        return false;
    bool writes = in->id == INSN_csrrw || in->id == INSN_csrrwi || in->rs1 != 0;
    return csr > 3 || (writes && lockstep.step);
}

static bool same_code(uint64_t pc, uint32_t bits) {
    unsigned length = insn_length(bits);
    const uint8_t *theirs = mirror_at(pc, length);
    return theirs && memcmp(theirs, &bits, length) == 0;
}

static struct plan *make(const struct record_block *block, unsigned segment) {
    const struct record_segment *s = &block->segments[segment];
    const struct record_slot *slot = &block->slots[s->first], *end = slot + s->count;
    size_t bytes = sizeof(struct plan) + (s->insns + 1u) * sizeof(struct plan_insn);
    struct plan *p = calloc(1, bytes + s->count * sizeof(struct plan_store));
    if (!p)
        return NULL;
    p->stores = (struct plan_store *)(void *)((char *)p + bytes);
    struct plan_insn *insn = NULL;
    bool owes_store = false, whole = true;
    for (; slot < end; slot++) {
        const struct record *r = &slot->r;
        if (r->kind == RECORD_INSN) {
            struct insn in;
            p->slow |= owes_store || !same_code(r->address, r->bits);
            insn_decode(lockstep.isa, r->bits, &in);
            p->slow |= needs_care(&in);
            owes_store = is_store(&in);
            whole &= !insn || insn->pc + insn->length == r->address;
            insn = &p->insns[p->insn_count++];
            *insn = (struct plan_insn){.pc = r->address, .length = r->size};
        } else if (r->kind == RECORD_STORE) {
            owes_store = false;
            insn->stores++;
            p->slow |= r->size > 8;
            p->stores[p->store_count++] = (struct plan_store){.address = r->address,
                                                              .value = r->value,
                                                              .address_word = slot->address,
                                                              .value_word = slot->value,
                                                              .condition = slot->condition,
                                                              .size = r->size};
        } else if (r->kind == RECORD_X || r->kind == RECORD_F) {
            p->slow |= insn->reg || slot->condition != NO_WORD;
            insn->reg = r->reg + (r->kind == RECORD_F ? 32 : 0);
            insn->value = r->value;
            insn->word = slot->value == NO_WORD ? 0 : slot->value;
            insn->mask = slot->value == NO_WORD ? 0 : ~UINT64_C(0);
        }
    }
    p->slow |= owes_store;
    p->insns[p->insn_count].pc = NOWHERE;
    if (insn) {
        p->pc = p->insns[0].pc;
        p->bytes = whole ? (uint32_t)(insn->pc + insn->length - p->pc) : 0;
    }
    return p;
}

const struct plan *plan_of(const struct record_block *block, unsigned segment) {
    if (block->id >= room) {
        size_t bigger = (block->id + 1) * 2;
        struct plan ***more = realloc(plans, bigger * sizeof(struct plan **));
        if (!more)
            return NULL;
        memset(more + room, 0, (bigger - room) * sizeof(struct plan **));
        plans = more;
        room = bigger;
    }
    if (!plans[block->id]) {
        plans[block->id] = calloc(block->segment_count, sizeof(struct plan *));
        if (!plans[block->id])
            return NULL;
    }
    struct plan **p = &plans[block->id][segment];
    if (!*p)
        *p = make(block, segment);
    return *p;
}
