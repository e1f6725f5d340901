/* record.c: from the words that generated code has written to records. */
#include <stdlib.h>
#include <string.h>

#include "../cpu/interp.h"
#include "../cpu/system.h"
#include "record_internal.h"

struct recorder *recorder_create(void) {
    return calloc(1, sizeof(struct recorder));
}

void recorder_destroy(struct recorder *r) {
    if (!r)
        return;
    for (unsigned i = 0; i < RECORD_HASH; i++)
        for (struct record_block *b = r->hash[i], *next; b; b = next) {
            next = b->next;
            free(b);
        }
    for (unsigned i = 0; i < RECORD_CHUNKS && r->chunks[i]; i++)
        free(r->chunks[i]);
    free(r);
}

static struct record_block *find_same(struct recorder *r, uint64_t pc) {
    const struct record_draft *d = &r->draft;
    struct record_block *block = r->hash[pc / 2 % RECORD_HASH];
    for (; block; block = block->next)
        if (block->pc == pc && block->segment_count == d->segment_count && block->slot_count == d->slot_count &&
            memcmp(block->segments, d->segments, d->segment_count * sizeof *d->segments) == 0 &&
            memcmp(block->slots, d->slots, d->slot_count * sizeof *d->slots) == 0)
            return block;
    return NULL;
}

/* Room for n more parts. */
static bool parts_reserve(struct recorder *r, unsigned n) {
    for (uint32_t chunk = r->count / RECORD_CHUNK; chunk <= (r->count + n) / RECORD_CHUNK; chunk++) {
        if (chunk == RECORD_CHUNKS)
            return false;
        if (r->chunks[chunk])
            continue;
        struct record_part *parts = calloc(RECORD_CHUNK, sizeof *parts);
        if (!parts)
            return false;
        atomic_store(&r->chunks[chunk], parts);
    }
    return true;
}

/* A header has the part's number, and its words so that the next header can be read at once. */
static struct record_part *part_of(struct recorder *r, uint32_t header) {
    struct record_part *chunk = atomic_load_explicit(&r->chunks[header / RECORD_CHUNK], memory_order_relaxed);
    return &chunk[header % RECORD_CHUNK];
}

static struct record_block *make_block(struct recorder *r, uint64_t pc) {
    const struct record_draft *d = &r->draft;
    size_t slots = d->slot_count * sizeof *d->slots, segments = d->segment_count * sizeof *d->segments;
    struct record_block *block = parts_reserve(r, d->segment_count) ? malloc(sizeof *block + slots + segments) : NULL;
    if (!block)
        return NULL;
    *block = (struct record_block){.pc = pc,
                                   .first = r->count,
                                   .segment_count = (uint16_t)d->segment_count,
                                   .slot_count = (uint16_t)d->slot_count,
                                   .segments = (struct record_segment *)(void *)((char *)(block + 1) + slots)};
    memcpy(block->slots, d->slots, slots);
    memcpy(block->segments, d->segments, segments);
    struct record_block **head = &r->hash[pc / 2 % RECORD_HASH];
    block->next = *head;
    *head = block;
    for (unsigned i = 0; i < d->segment_count; i++)
        *part_of(r, r->count++) = (struct record_part){block, block->segments[i], NULL};
    return block;
}

bool recorder_commit(struct recorder *r, struct ir_block *b) {
    struct record_block *block = find_same(r, b->pc);
    if (!block)
        block = make_block(r, b->pc);
    if (!block)
        return false;
    for (unsigned i = 0; i < b->count; i++) {
        struct ir_node *n = &b->nodes[i];
        if (n->op != IR_record_begin && n->op != IR_record_open)
            continue;
        n->imm2 = block->segments[n->imm].words;
        n->imm += (int64_t)block->first;
    }
    return true;
}

/* System mode: a trap is about to be taken at h->pc, which is where its record belongs. */
static void trap_taken(struct hart *h, uint32_t cause, bool interrupt) {
    struct engine_hart *eh = h->engine;
    record_privilege(eh);
    eh->records->dirtied = false;
    if (!record_wants(eh->engine, h->pc))
        return;
    if (!interrupt)
        record_trap(eh);
    else
        record_add(eh, &(struct record){
                           .kind = RECORD_TRAP, .reg = (uint8_t)cause, .flags = RECORD_INTERRUPT, .address = h->pc});
}

bool record_hart_init(struct engine_hart *eh) {
    struct hart_records *hr = calloc(1, sizeof *hr);
    bool stretches = eh->engine->config.observer.stretches;
    size_t words = stretches ? STATE_BUFFER_WORDS : RECORD_BUFFER_WORDS;
    eh->records = hr;
    if (!hr)
        return false;
    hr->words = malloc((words + STATE_MORE_WORDS + RECORD_BLOCK_WORDS * 2 + STATE_MARGIN * (STATE_WORDS + 1)) *
                       sizeof *hr->words);
    hr->batch = malloc(RECORD_BATCH * sizeof *hr->batch);
    hr->stretches = stretches ? malloc(STRETCHES * sizeof *hr->stretches) : NULL;
    if (!hr->words || !hr->batch || (stretches && !hr->stretches)) {
        record_hart_exit(eh);
        return false;
    }
    eh->hart->record_at = hr->words;
    eh->hart->record_limit = hr->words + words;
    eh->hart->record_end = hr->words + words + (stretches ? STATE_MORE_WORDS : 0);
    hr->told = hr->words;
    if (eh->hart->sys) {
        eh->hart->sys->on_trap = trap_taken;
        hr->priv = eh->hart->sys->priv;
    }
    interp_set_hooks(eh->hart, &record_hooks);
    return true;
}

void record_hart_exit(struct engine_hart *eh) {
    if (!eh->records)
        return;
    free(eh->records->words);
    free(eh->records->batch);
    free(eh->records->stretches);
    free(eh->records);
    eh->records = NULL;
}

static void forget(struct hart_records *hr) {
    hr->count = hr->stretch_count = 0;
    hr->told = hr->words;
}

static void give(struct engine_hart *eh) {
    struct hart_records *hr = eh->records;
    const struct observer *o = &eh->engine->config.observer;
    if (hr->stretches) {
        hr->kept = false;
        if (hr->stretch_count)
            o->stretches(o->ctx, eh->hart, hr->stretches, hr->stretch_count);
        if (hr->kept)
            return;
        eh->hart->record_at = hr->words;
    } else if (hr->count && o->records) {
        o->records(o->ctx, eh->hart, hr->batch, hr->count);
    }
    forget(hr);
}

static uint64_t truncated(uint64_t v, unsigned size) { return size >= 8 ? v : v & ((1ull << size * 8) - 1); }

/* Records of the slots [from, to), words being those of their segment. */
static void expand(struct engine_hart *eh, const struct record_slot *from, const struct record_slot *to,
                   const uint64_t *words) {
    struct hart_records *hr = eh->records;
    unsigned kinds = observer_kinds(eh->engine);
    if (hr->count + (size_t)(to - from) > RECORD_BATCH)
        give(eh);
    struct record *out = &hr->batch[hr->count];
    for (const struct record_slot *s = from; s < to; s++) {
        if ((s->condition != NO_WORD && !words[s->condition]) || !(kinds >> s->r.kind & 1))
            continue;
        *out = s->r;
        out->flags = hr->priv;
        if (s->address != NO_WORD)
            out->address += words[s->address];
        if (s->value != NO_WORD)
            out->value += words[s->value];
        if (out->kind == RECORD_LOAD || out->kind == RECORD_STORE)
            out->value = truncated(out->value, out->size);
        out++;
    }
    hr->count = (unsigned)(out - hr->batch);
}

static struct record_stretch *add_stretch(struct hart_records *hr, const uint64_t *words, bool has_state) {
    struct record_stretch *s = &hr->stretches[hr->stretch_count++];
    *s = (struct record_stretch){.words = words, .records = &hr->batch[hr->count], .has_state = has_state};
    return s;
}

/* A segment that generated code has written, of which insns instructions are complete. */
static void add_segment(struct hart_records *hr, const uint64_t *w, struct record_part *part, unsigned insns) {
    hr->stretches[hr->stretch_count++] = (struct record_stretch){
        .part = part, .words = w, .data = part->data, .insns = (uint16_t)insns, .has_state = part->segment.first == 0};
}

static void tell_all(struct engine_hart *eh) {
    struct hart_records *hr = eh->records;
    struct recorder *r = eh->engine->recorder;
    const uint64_t *end = eh->hart->record_at, *w = hr->told;
    while (w < end) {
        struct record_part *part = part_of(r, (uint32_t)*w);
        add_segment(hr, w, part, part->segment.insns);
        w += *w >> 32;
    }
    hr->told = w;
}

/* A stretch of records alone: the last one, if nothing has come in between. */
static struct record_stretch *open_stretch(struct engine_hart *eh) {
    struct hart_records *hr = eh->records;
    tell_all(eh);
    struct record_stretch *s = hr->stretch_count ? &hr->stretches[hr->stretch_count - 1] : NULL;
    return s && !s->part ? s : add_stretch(hr, NULL, false);
}

bool record_has_room(const struct engine_hart *eh) {
    const struct hart_records *hr = eh->records;
    return hr->count < RECORD_BATCH / 2 && eh->hart->record_at <= eh->hart->record_limit;
}

void record_state(struct engine_hart *eh) {
    struct hart_records *hr = eh->records;
    struct hart *h = eh->hart;
    tell_all(eh);
    uint64_t *w = h->record_at;
    w[0] = h->pc;
    w[STATE_X] = 1;
    memcpy(&w[STATE_X + 1], &h->x[1], 31 * sizeof *w);
    memcpy(&w[STATE_F], h->f, sizeof h->f);
    w[STATE_FCSR] = (uint64_t)h->fflags << 32 | (uint64_t)h->frm << 40;
    h->record_at += STATE_WORDS + 1;
    hr->told = h->record_at;
    add_stretch(hr, w, true);
}

uint32_t record_state_fcsr(const uint64_t *words) {
    uint64_t w = words[STATE_FCSR];
    return backend_flags((uint32_t)w) | (w >> 32 & 31) | (uint32_t)(w >> 40 & 7) << 5;
}

static void expand_all(struct engine_hart *eh) {
    struct hart *h = eh->hart;
    if (eh->records->stretches) {
        tell_all(eh);
        return;
    }
    for (const uint64_t *w = eh->records->words; w < h->record_at;) {
        const struct record_part *part = part_of(eh->engine->recorder, (uint32_t)*w);
        const struct record_slot *from = &part->block->slots[part->segment.first];
        expand(eh, from, from + part->segment.count, w);
        w += *w >> 32;
    }
}

void record_reserve(struct engine_hart *eh, unsigned n) {
    if (eh->records->count + n > RECORD_BATCH && !eh->records->stretches)
        give(eh);
}

void record_add(struct engine_hart *eh, const struct record *r) {
    struct hart_records *hr = eh->records;
    if (!(observer_kinds(eh->engine) & RECORD_BIT(r->kind)))
        return;
    if (hr->stretches)
        open_stretch(eh)->record_count++;
    else if (eh->hart->record_at != hr->words) { /* what generated code did before */
        expand_all(eh);
        eh->hart->record_at = hr->words;
    }
    if (hr->count == RECORD_BATCH) {
        if (hr->stretches) { /* record_has_room has been asked: an LR's sequence is not that long */
            hr->stretches[hr->stretch_count - 1].record_count--;
            return;
        }
        give(eh);
    }
    hr->batch[hr->count] = *r;
    hr->batch[hr->count++].flags |= hr->priv;
}

void record_privilege(struct engine_hart *eh) {
    struct hart_records *hr = eh->records;
    const struct system *s = eh->hart->sys;
    if (!s || s->priv == hr->priv)
        return;
    expand_all(eh);
    eh->hart->record_at = hr->words;
    hr->priv = s->priv;
}

void record_drain(struct engine_hart *eh) {
    expand_all(eh);
    if (!eh->records->stretches)
        eh->hart->record_at = eh->records->words;
    give(eh);
}

static void partial(struct engine_hart *eh) {
    struct hart *h = eh->hart;
    struct record_part *part = part_of(eh->engine->recorder, (uint32_t)*h->record_at);
    const struct record_slot *from = &part->block->slots[part->segment.first], *to = from,
                             *end = from + part->segment.count;
    expand_all(eh);
    unsigned insns = 0;
    while (to < end && !(to->r.kind == RECORD_INSN && to->r.address == h->pc))
        insns += to++->r.kind == RECORD_INSN;
    if (eh->records->stretches) {
        add_segment(eh->records, h->record_at, part, insns);
        h->record_at += part->segment.words;
        eh->records->told = h->record_at;
        return;
    }
    expand(eh, from, to, h->record_at);
    h->record_at = eh->records->words;
}

void record_left(struct engine_hart *eh, enum leave_reason why) {
    switch (why) {
    case BACK_TRAP:
    case BACK_FAULT:
    case BACK_EXCLUSIVE:
    case BACK_INTERPRET:
    case BACK_UNBOXED:
        if (record_wants(eh->engine, eh->hart->pc))
            partial(eh);
        break;
    default:
        break;
    }
}

size_t engine_stretch_on(struct hart *h, const struct record_stretch **s) {
    struct engine_hart *eh = h->engine;
    struct hart_records *hr = eh->records;
    if (hr->why != BACK_RECORD)
        return 0;
    h->record_at = hr->words;
    forget(hr);
    hr->kept = true; /* unless all of it is given here */
    do {
        if (__atomic_load_n(&h->pending, __ATOMIC_RELAXED) || engine_mode(h) != eh->mode)
            return 0;
        struct cc_block *block = engine_find_block(eh);
        if (!block)
            return 0;
        hr->why = engine_enter_code(eh, block);
        record_left(eh, (enum leave_reason)hr->why);
    } while (hr->why == BACK_DIRECT || hr->why == BACK_INDIRECT);
    if (hr->why != BACK_RECORD)
        return 0;
    tell_all(eh);
    hr->kept = false;
    *s = hr->stretches;
    return hr->stretch_count;
}

static size_t code_at(struct engine_hart *eh, uint64_t pc, const uint8_t **host) {
    const struct guest_memory *mem = &eh->engine->config.mem;
    struct hart *h = eh->hart;
    uint32_t cause;
    if (!h->sys)
        return mem->fetch(mem->ctx, pc, host, &cause);
    struct trap trap = h->trap; /* that is what matters, not this look */
    const struct fetch_entry *page = mmu_fetch(h, pc);
    h->trap = trap;
    if (!page)
        return 0;
    *host = page->host + (pc & ~PAGE_MASK);
    return 4096 - (pc & ~PAGE_MASK);
}

bool record_fetch(struct engine_hart *eh, uint64_t pc, uint32_t *bits) {
    const uint8_t *host;
    uint16_t low, high = 0;
    size_t room = code_at(eh, pc, &host);
    if (room < 2)
        return false;
    memcpy(&low, host, 2);
    if (insn_length(low) == 4) {
        if (room >= 4)
            memcpy(&high, host + 2, 2);
        else if (code_at(eh, pc + 2, &host) >= 2)
            memcpy(&high, host, 2);
        else
            return false;
    }
    *bits = (uint32_t)high << 16 | low;
    return true;
}

void record_trap(struct engine_hart *eh) {
    struct hart *h = eh->hart;
    struct record r = {.kind = RECORD_TRAP, .reg = (uint8_t)h->trap.cause, .address = h->pc, .value = h->trap.tval};
    if (record_fetch(eh, h->pc, &r.bits)) {
        r.size = (uint8_t)insn_length(r.bits);
        if (r.size == 2)
            r.bits &= 0xffff;
    }
    record_add(eh, &r);
}
