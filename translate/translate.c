/* translate.c: one block: lift, optimise, emit, commit. */
#include <stdlib.h>
#include <string.h>

#include "../cpu/interp.h"
#include "../cpu/system.h"
#include "record_internal.h"

struct jump_slot engine_no_jumps[JUMP_SLOTS];

/* A block is dead: no jump cache may lead to it. */
void engine_dead_block(void *engine, struct cc_block *block) {
    struct engine *e = engine;
    if (MUTANT(jump_cache_stale))
        return;
    unsigned slot = jump_index(block->key.address);
    for (struct engine_hart *eh = e->harts; eh; eh = eh->next)
        for (int m = 0; m < JUMP_TABLES; m++)
            if (eh->jumps[m] && eh->jumps[m][slot].pc == block->key.address)
                eh->jumps[m][slot].pc = jump_none(slot);
}

static void dump_guest(struct engine *e, const struct guest_memory *mem, const struct ir_block *b, FILE *to) {
    fprintf(to, "IN: 0x%016llx\n", (unsigned long long)b->pc);
    uint64_t pc = b->pc;
    for (unsigned i = 0; i < b->insns && pc < b->end; i++) {
        const uint8_t *host;
        uint32_t cause, bits = 0;
        size_t room = mem->fetch(mem->ctx, pc, &host, &cause);
        if (room < 2)
            break;
        memcpy(&bits, host, 2);
        if (insn_length(bits) == 4) {
            uint16_t high = 0;
            if (room >= 4 || mem->fetch(mem->ctx, pc + 2, &host, &cause) >= 2)
                memcpy(&high, room >= 4 ? host + 2 : host, 2);
            bits |= (uint32_t)high << 16;
        }
        struct insn in;
        char text[128];
        insn_decode(&e->isa, bits, &in);
        insn_disassemble(&in, pc, text, sizeof text);
        fprintf(to, in.len == 2 ? "0x%llx:      %04x  %s\n" : "0x%llx:  %08x  %s\n", (unsigned long long)pc, in.bits,
                text);
        pc = in.id == INSN_jal && in.rd == 0 ? pc + (uint64_t)(int64_t)in.imm : pc + in.len;
    }
    fputc('\n', to);
}

static void dump_host(struct engine *e, const uint8_t *code, size_t size, FILE *to) {
    fprintf(to, "OUT: %zu bytes\n", size);
    if (!backend_disassemble(code, size, to)) {
        static atomic_bool said;
        if (!atomic_exchange(&said, true))
            fprintf(stderr,
                    "riv: -d out_asm needs the disassembler library libZydis.so.4.0 (Debian package libzydis4.0)\n");
    }
    fputc('\n', to);
}

/* The copy that code on pages without a watch is compared with: what the block was made from, and what lies between. */
static bool keep_source(struct engine *e, struct block_info **info, const struct ir_block *b,
                        const struct lift_config *lift) {
    size_t n = (size_t)(b->end - b->pc), head = block_info_lay_out(*info);
    struct block_info *bigger = realloc(*info, head + n);
    if (!bigger)
        return false;
    *info = bigger;
    block_info_lay_out(bigger);
    bigger->source = (uint8_t *)bigger + head;
    for (size_t done = 0; done < n;) {
        const uint8_t *host;
        uint32_t cause;
        size_t room = e->config.mem.fetch(e->config.mem.ctx, b->pc + done, &host, &cause);
        if (!room)
            return false;
        if (room > n - done)
            room = n - done;
        memcpy(bigger->source + done, host, room);
        done += room;
    }
    for (unsigned i = 0; i < lift->read_count; i++) /* memory may have changed since */
        memcpy(bigger->source + lift->read[i].offset, &lift->read[i].bits, lift->read[i].len);
    bigger->watched = false;
    return true;
}

/* Exits that are to lead to the engine, as they do before they are linked, are none of the code cache's business. */
static void keep_exits(struct engine *e, const struct ir_block *b, struct emitted *out) {
    const struct observer *o = &e->config.observer;
    uint32_t kept = 0;
    if (!o->block && (!o->filter || b->recorded))
        return;
    for (uint32_t i = 0; i < out->exit_count && !o->block; i++)
        if (!record_wants(e, out->exits[i].target.address))
            out->exits[kept++] = out->exits[i];
    out->exit_count = kept;
}

static uint64_t seen_target(void *hart, uint64_t block_pc, uint64_t pc) {
    return interp_seen_target(hart, block_pc, pc);
}

static bool often_unboxed(void *engine, uint64_t pc) {
    struct engine *e = engine;
    return atomic_load_explicit(&e->unboxed[unboxed_index(pc)], memory_order_relaxed) >= UNBOXED_OFTEN;
}

void engine_translate_again(struct engine_hart *eh, uint64_t pc) {
    struct engine *e = eh->engine;
    uint64_t at = pc, where;
    if (e->machine) {
        if (!interp_where(eh->hart, pc, &where))
            return;
        at = (where / FS_STATES) << 12 | (pc & 4095);
    }
    pthread_mutex_lock(&e->harts_lock);
    cc_invalidate(e->cache, at, at + 1, engine_dead_block, e);
    pthread_mutex_unlock(&e->harts_lock);
}

void engine_read_unboxed(struct engine_hart *eh) {
    struct engine *e = eh->engine;
    uint64_t pc = eh->hart->pc;
    _Atomic uint8_t *times = &e->unboxed[unboxed_index(pc)];
    uint8_t n = atomic_load_explicit(times, memory_order_relaxed);
    if (n < UNBOXED_OFTEN)
        atomic_store_explicit(times, ++n, memory_order_relaxed);
    if (n >= UNBOXED_OFTEN)
        engine_translate_again(eh, pc);
}

void engine_translate_strict(struct engine_hart *eh) {
    uint64_t pc = eh->hart->new_strict;
    eh->hart->new_strict = 0;
    if (eh->engine->cache)
        engine_translate_again(eh, pc);
}

static struct cc_block *translate_some(struct engine *e, struct hart *h, const struct guest_memory *mem, uint64_t pc,
                                       uint64_t mode, unsigned max_insns, bool *full, bool *changed) {
    struct ir_block *b = e->block;
    bool board = e->machine != NULL;
    uint64_t where = (mode & KEY_FIRST_PAGE) >> 3; /* with a board: see interp_where */
    struct lift_config lift = {.mem = mem,
                               .isa = &e->isa,
                               .mode = {.frm = mode & 7, .fs = board ? (uint8_t)(where % FS_STATES) : 0},
                               .max_insns = max_insns,
                               .board = board,
                               .privileged = board && !engine_is_observed(e) &&
                                             !e->machine->counted, /* a counted run: exact there */
                               .no_loop = e->config.observer.block != NULL,
                               .likely_target = h && !board ? seen_target : NULL,
                               .likely_ctx = h,
                               .often_unboxed = often_unboxed,
                               .unboxed_ctx = e,
                               .hart = h,
                               .interpret = e->config.interpret,
                               .interpret_count = e->config.interpret_count,
                               .observer = e->recorder ? &e->config.observer : NULL,
                               .record = e->recorder ? &e->recorder->draft : NULL};
    /* with a board blocks are invalidated by where they are in RAM */
    uint64_t source = board ? (where / FS_STATES) << 12 | (pc & 4095) : pc;
    unsigned long generation = atomic_load(&e->code_generation);
    if (!lift_block(b, &lift, pc) || (board && !lift.watched) || (b->recorded && !recorder_commit(e->recorder, b)))
        return NULL;
    FILE *to = e->config.dump_to ? e->config.dump_to : stderr;
    if (e->config.dump & DUMP_IN_ASM)
        dump_guest(e, mem, b, to);
    ir_optimise(b);
    if (e->config.dump & DUMP_IR) {
        ir_print(b, to);
        fputc('\n', to);
    }
    uint8_t *writable;
    const uint8_t *executable;
    size_t room = backend_room(b);
    if (!cc_reserve(e->cache, room, &writable, &executable)) {
        *full = true;
        return NULL;
    }
    struct emitted out;
    if (!backend_emit(e->backend, b, board ? mode & KEY_FIRST_PAGE : mode, writable, executable, room, &out)) {
        cc_abort(e->cache);
        return NULL;
    }
    if (!lift.watched && !keep_source(e, &out.info, b, &lift)) {
        free(out.info);
        cc_abort(e->cache);
        return NULL;
    }
    if (e->config.dump & DUMP_OUT_ASM)
        dump_host(e, writable, out.size, to);
    keep_exits(e, b, &out);
    struct cc_commit commit = {.key = {pc, mode},
                               .src_start = source,
                               .src_end = source + (b->end - pc),
                               .size = out.size,
                               .entry = out.entry,
                               .exit_count = out.exit_count,
                               .exits = out.exits,
                               .meta = out.info};
    /* Whoever changes code counts that first and then, with the cache's lock, which is held here, drops what was made
     * of it: so nothing that is stale can be entered, not even for a moment. */
    if (atomic_load(&e->code_generation) != generation) {
        free(out.info);
        cc_abort(e->cache);
        *changed = true;
        return NULL;
    }
    e->translated_blocks++;
    e->translated_insns += b->insns;
    e->translated_bytes += out.size;
    return cc_commit(e->cache, &commit);
}

/* A block that is too much for the code generator's tables is tried again in smaller pieces. */
static struct cc_block *translate_locked(struct engine *e, struct hart *h, const struct guest_memory *mem, uint64_t pc,
                                         uint64_t mode, bool *full, bool *changed) {
    struct cc_block *block = NULL;
    unsigned most = e->config.max_insns && e->config.max_insns < 64 ? e->config.max_insns : 64;
    for (unsigned max = e->config.hostile & 1 ? 1 : most; max && !block && !*full && !*changed;
         max = e->block->insns / 2)
        block = translate_some(e, h, mem, pc, mode, max, full, changed);
    return block;
}

/* The code cache is full: its oldest part goes.  No hart may be in generated code or return into it. */
static void make_room(struct engine *e, struct hart *h) {
    bool stopped = world_stop(e, h);
    pthread_mutex_lock(&e->harts_lock); /* a stopped world does not keep new harts from being made */
    cc_evict(e->cache, engine_dead_block, e);
    for (struct engine_hart *eh = e->harts; eh; eh = eh->next) {
        backend_reset_returns(eh->hart);
        for (int m = 0; m < JUMP_TABLES; m++)
            engine_clear_jumps(eh->jumps[m]);
    }
    pthread_mutex_unlock(&e->harts_lock);
    if (stopped)
        world_resume(e);
}

enum { TRANSLATE_TRIES = 100 }; /* while other threads change code */

struct cc_block *engine_translate(struct engine *e, struct hart *h, uint64_t pc, uint64_t mode) {
    for (unsigned tries = 0;;) {
        bool full = false, changed = false;
        /* before the lock, as it may stop the world */
        const struct guest_memory *mem = e->machine ? interp_lift_memory(h, pc) : &e->config.mem;
        pthread_mutex_lock(&e->translate_lock);
        struct cc_block *block = cc_find(e->cache, (struct cc_key){pc, mode});
        if (!block)
            block = translate_locked(e, h, mem, pc, mode, &full, &changed);
        bool again = !block && changed && ++tries < TRANSLATE_TRIES;
        if (!block && !full && !again)
            e->failed_blocks++;
        pthread_mutex_unlock(&e->translate_lock);
        if (full)
            make_room(e, h);
        else if (!again)
            return block;
    }
}

bool engine_show_block(struct engine *e, uint64_t pc, unsigned frm) {
    bool full = false, changed = false;
    if (!e->backend || e->machine)
        return false;
    pthread_mutex_lock(&e->translate_lock);
    bool shown = translate_locked(e, NULL, &e->config.mem, pc, frm <= RM_RMM ? frm : 5, &full, &changed) != NULL;
    pthread_mutex_unlock(&e->translate_lock);
    return shown;
}
