/* plan.c: makes plans from the slots of recorded blocks. */
#include "plan.h"

#include <stdlib.h>
#include <string.h>

#include "diff.h"

uint32_t plan_place_of_f;

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

/* Differences are to be expected, or flags are changed behind which there is no state. */
static bool needs_care(const struct insn *in, bool first) {
    uint8_t format = insn_rows[in->id].format;
    unsigned csr = (unsigned)in->imm & 0xfff;
    if (known_missing(in) || in->id == INSN_ILLEGAL)
        return true;
    if (format != FMT_CSR && format != FMT_CSRI)
        return false;
    return csr > 3 || (!first && (in->id == INSN_csrrw || in->id == INSN_csrrwi || in->rs1 != 0));
}

static bool same_code(uint64_t pc, uint32_t bits) {
    unsigned length = insn_length(bits);
    const uint8_t *theirs = mirror_at(pc, length);
    return theirs && memcmp(theirs, &bits, length) == 0;
}

/* Room for a plan of so many instructions and stores. */
static struct plan *reserve(size_t insns, size_t stores) {
    size_t bytes = sizeof(struct plan) + insns * sizeof(struct plan_insn);
    struct plan *p = calloc(1, bytes + stores * sizeof(struct plan_store));
    if (p)
        p->stores = (struct plan_store *)(void *)((char *)p + bytes);
    return p;
}

/* Adds what a slot says; owes: the last instruction's store has not come yet. */
static void add(struct plan *p, const struct record_slot *slot, bool *owes) {
    const struct record *r = &slot->r;
    struct plan_insn *insn = p->insn_count ? &p->insns[p->insn_count - 1] : NULL;
    switch (r->kind) {
    case RECORD_INSN: {
        struct insn in;
        insn_decode(lockstep.isa, r->bits, &in);
        p->slow |= *owes || !same_code(r->address, r->bits) || needs_care(&in, !insn);
        *owes = is_store(&in);
        p->insns[p->insn_count++] = (struct plan_insn){.pc = r->address, .length = r->size};
        break;
    }
    case RECORD_STORE:
        *owes = false;
        insn->stores++;
        p->slow |= r->size > 8;
        p->stores[p->store_count++] = (struct plan_store){.address = r->address,
                                                          .value = r->value,
                                                          .address_word = slot->address,
                                                          .value_word = slot->value,
                                                          .condition = slot->condition,
                                                          .size = r->size};
        break;
    case RECORD_X:
    case RECORD_F:
        p->slow |= insn->place || slot->condition != NO_WORD;
        insn->place = r->reg * 8u + (r->kind == RECORD_F ? plan_place_of_f : 0);
        insn->value = r->value;
        insn->word = slot->value == NO_WORD ? 0 : slot->value;
        insn->mask = slot->value == NO_WORD ? 0 : ~UINT64_C(0);
        break;
    default:
        p->slow = true;
    }
}

static void finish(struct plan *p, bool owes) {
    p->slow |= owes;
    for (uint32_t i = 0; i < p->insn_count; i++)
        p->bytes += p->insns[i].length;
}

const struct plan *plan_make(struct record_part *part) {
    const struct record_segment *s = &part->segment;
    struct plan *p = reserve(s->insns, s->count);
    bool owes = false;
    if (!p)
        return NULL;
    for (unsigned i = 0; i < s->count; i++)
        add(p, &part->block->slots[s->first + i], &owes);
    finish(p, owes);
    return part->data = p;
}

const struct plan *plan_of_records(const struct record *r, size_t n) {
    enum { KEPT = 4, ROOM = 64 };
    static struct plan *kept[KEPT];
    static unsigned next;
    struct plan **p = &kept[next++ % KEPT];
    bool owes = false;
    if (n > ROOM || (!*p && !(*p = reserve(ROOM, ROOM))))
        return NULL;
    (*p)->insn_count = (*p)->store_count = (*p)->bytes = 0;
    (*p)->slow = n == 0 || r[0].kind != RECORD_INSN;
    for (size_t i = 0; i < n && !(*p)->slow; i++)
        add(*p, &(struct record_slot){r[i], NO_WORD, NO_WORD, NO_WORD}, &owes);
    finish(*p, owes);
    return *p;
}
