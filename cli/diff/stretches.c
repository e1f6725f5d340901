/* stretches.c: has the fast comparison run what riv has recorded, and puts what it leaves into the batch, a few blocks
 * at a time, for the slow one.
 */
#include <string.h>

#include "../../translate/engine.h"
#include "fast.h"
#include "plan.h"

enum { BLOCKS_AT_ONCE = 4, BLOCKS_ALONE = 256, BLOCK_INSNS = 80 };

/* An instruction has ended in the batch: with --step there is a state behind it. */
static void end_insn(struct batch *b, struct state *now, uint64_t pc) {
    if (!lockstep.step || b->insn_count == now->position || b->state_count >= BATCH_STATES - 2)
        return;
    now->position = b->insn_count;
    now->pc = pc;
    now->fcsr_unknown = true;
    b->states[b->state_count++] = *now;
}

static void take(struct batch *b, struct state *now, const struct record *r) {
    switch (r->kind) {
    case RECORD_INSN:
        end_insn(b, now, r->address);
        b->insns[b->insn_count++] = (struct executed){r->address, r->bits, b->store_count};
        break;
    case RECORD_STORE:
        b->stores[b->store_count++] = (struct store){r->address, r->value, r->size, b->insn_count - 1};
        break;
    case RECORD_X:
        now->x[r->reg] = r->value;
        break;
    case RECORD_F:
        now->f[r->reg] = r->value;
        break;
    case RECORD_TRAP:
        b->trapped = true;
        b->trap_cause = r->reg;
        break;
    default:
        break;
    }
}

static void take_block(struct batch *b, struct state *now, const struct record_stretch *s) {
    const struct record_segment *segment = &s->part->segment;
    const struct record_slot *slot = &s->part->block->slots[segment->first], *end = slot + segment->count;
    unsigned insns = 0;
    for (; slot < end; slot++) {
        struct record r = slot->r;
        if (r.kind == RECORD_INSN && insns++ == s->insns)
            return;
        if (slot->condition != NO_WORD && !s->words[slot->condition])
            continue;
        if (slot->address != NO_WORD)
            r.address += s->words[slot->address];
        if (slot->value != NO_WORD)
            r.value += s->words[slot->value];
        if (r.kind == RECORD_STORE && r.size < 8)
            r.value &= (UINT64_C(1) << r.size * 8) - 1;
        take(b, now, &r);
    }
}

/* A state that riv tells: what follows from records gives way to it. */
static void put_state(struct batch *b, const struct state *s) {
    uint32_t i = b->state_count;
    if (b->states[i - 1].position == b->insn_count) {
        if (i == 1)
            return; /* both sides have agreed on that */
        i--;
    }
    b->states[i] = *s;
    b->states[i].position = b->insn_count;
    b->state_count = i + 1;
}

/* Puts stretches from i on into the batch. Returns the first that is not. */
static size_t expand(const struct record_stretch *s, size_t i, size_t n, const struct state *end) {
    struct batch *b = &lockstep.batch;
    struct state now = b->states[b->state_count - 1];
    for (unsigned blocks = 0; i < n; i++) {
        if (s[i].has_state) {
            struct state told = now;
            fast_state(&told, &s[i], &now);
            put_state(b, &told);
            if (blocks++ >= (lockstep.reference->fast ? BLOCKS_AT_ONCE : BLOCKS_ALONE) ||
                (blocks > 1 && b->state_count > BATCH_STATES - 2 * BLOCK_INSNS))
                return i;
            now = b->states[b->state_count - 1];
        }
        if (s[i].part)
            take_block(b, &now, &s[i]);
        else
            for (uint32_t k = 0; k < s[i].record_count; k++)
                take(b, &now, &s[i].records[k]);
    }
    put_state(b, end);
    return n;
}

/* The last instructions of the stretches before `to`, for the report. */
void stretches_remember(const struct record_stretch *s, size_t to) {
    struct executed last[HISTORY];
    unsigned count = 0;
    for (size_t i = to; i-- > 0 && count < HISTORY;) {
        if (!s[i].part)
            continue;
        const struct record_segment *segment = &s[i].part->segment;
        for (unsigned k = segment->count; k-- > 0 && count < HISTORY;) {
            const struct record *r = &s[i].part->block->slots[segment->first + k].r;
            if (r->kind == RECORD_INSN)
                last[count++] = (struct executed){r->address, r->bits, 0};
        }
    }
    if (!count)
        return;
    lockstep.history_count = count;
    for (unsigned i = 0; i < count; i++)
        lockstep.history[i] = last[count - 1 - i];
}

void on_stretches(void *ctx, struct hart *h, const struct record_stretch *s, size_t n) {
    struct batch *b = &lockstep.batch;
    struct fast_stretches all = {.s = s, .n = n};
    if (h != lockstep.hart || lockstep.detached)
        return;
    state_of_hart(&all.end, h);
    for (size_t i = 0; i < all.n;) {
        if (lockstep.reference->fast && b->state_count == 1 && b->insn_count == 0) { /* both sides are at states[0] */
            i = fast_run(&all, i, &b->states[0]);
            stretches_remember(all.s, i);
            if (i == all.n)
                break;
            lockstep.reference->set(&b->states[0]);
        }
        i = expand(all.s, i, all.n, &all.end);
        bool is_call = b->trapped && b->trap_cause == TRAP_ECALL_U;
        lockstep_flush();
        if (is_call) {
            lockstep.calls++;
            effects_before(h);
        }
    }
}
