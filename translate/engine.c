/* engine.c: creating engines, running harts: interpreter, translator and code cache in turn. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../cpu/interp.h"
#include "../cpu/system.h"
#include "record_internal.h"

static bool exclusive_begin(void *ctx, struct hart *h) {
    struct engine_hart *eh = h->engine;
    return world_stop(eh->engine, h);
}
static void exclusive_end(void *ctx, struct hart *h) {
    struct engine_hart *eh = h->engine;
    world_resume(eh->engine);
}

struct engine *engine_create(const struct engine_config *config, char *err, size_t n) {
    struct engine *e = calloc(1, sizeof *e);
    if (n)
        err[0] = 0;
    if (!e) {
        snprintf(err, n, "no memory");
        return NULL;
    }
    e->config = *config;
    e->isa = *config->isa;
    e->config.isa = &e->isa;
    if (config->system) {
        isa_add_system(&e->isa);
        e->machine = machine_create(config->system);
        if (!e->machine) {
            snprintf(err, n, "no memory");
            free(e);
            return NULL;
        }
        e->machine->counted = config->icount;
    }
    if (!e->config.hot)
        e->config.hot = DEFAULT_HOT;
    if (e->config.hostile & 4)
        e->config.hot = 1;
    if (!e->config.mem.exclusive_begin) {
        e->config.mem.exclusive_begin = exclusive_begin;
        e->config.mem.exclusive_end = exclusive_end;
    }
    if (config->observer.kinds && !(e->recorder = recorder_create())) {
        free(e);
        snprintf(err, n, "no memory");
        return NULL;
    }
    pthread_mutex_init(&e->translate_lock, NULL);
    pthread_mutex_init(&e->harts_lock, NULL);
    pthread_cond_init(&e->harts_changed, NULL);
    engine_no_jumps[0].pc = jump_none(0);
    bool observed = e->recorder || config->observer.block;
    if (config->kind == ENGINE_INTERP || (config->icount && observed)) /* these are recorded by steps, which count */
        return e;
    size_t bytes = config->cache_bytes, chunk = 0;
    if (config->hostile & 2) {
        bytes = 4 * 128 * 1024;
        chunk = 128 * 1024;
    }
    e->block = malloc(sizeof *e->block);
    e->cache = e->block ? cc_create(bytes, chunk, err, n) : NULL;
    if (e->cache)
        e->backend = backend_create(config->host_mask, config->stats, config->system != NULL, config->icount, err, n);
    if (e->backend && (!e->machine || engine_system_init(e)))
        return e;
    if (e->cache)
        cc_destroy(e->cache);
    e->cache = NULL;
    if (config->kind == ENGINE_JIT) {
        engine_destroy(e);
        return NULL;
    }
    return e;
}

void engine_destroy(struct engine *e) {
    if (e->cache)
        cc_destroy(e->cache);
    backend_destroy(e->backend);
    free(e->block);
    machine_destroy(e->machine);
    recorder_destroy(e->recorder);
    free(e);
}

bool engine_has_jit(const struct engine *e) { return e->backend != NULL; }
const char *engine_host_features(char *buf, size_t n) { return backend_features(buf, n); }

bool engine_hart_init(struct engine *e, struct hart *h) {
    struct engine_hart *eh = calloc(1, sizeof *eh);
    if (!eh)
        return false;
    eh->engine = e;
    eh->hart = h;
    h->engine = eh;
    h->isa = &e->isa;
    h->xlen = e->isa.xlen;
    h->pending = 0;
    h->res_valid = 0;
    h->interp_fp = 0;
    h->host_fpcr = 0;
    h->in_interp = h->in_code = 0;
    memset(h->stat, 0, sizeof h->stat);
    h->sys = NULL;
    h->tlb = NULL;
    if (e->machine && !system_create(h, e->machine)) {
        free(eh);
        return false;
    }
    struct interp_config ic = {.mem = &e->config.mem, .hot_threshold = e->backend ? e->config.hot : 0};
    if (!interp_create(h, &ic)) {
        system_destroy(h);
        free(eh);
        return false;
    }
    if (e->recorder && !record_hart_init(eh)) {
        interp_destroy(h);
        free(eh);
        return false;
    }
    if (e->backend) {
        /* the lowest page is the guard in which an overflowing return stack is noticed */
        char *stack =
            mmap(NULL, RETURN_STACK_BYTES + 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (stack == MAP_FAILED || mprotect(stack + 4096, RETURN_STACK_BYTES, PROT_READ | PROT_WRITE)) {
            record_hart_exit(eh);
            interp_destroy(h);
            system_destroy(h);
            free(eh);
            return false;
        }
        eh->return_stack = stack;
        backend_hart_init(e->backend, h, stack + 4096, RETURN_STACK_BYTES);
        h->jump_cache = engine_no_jumps;
        if (h->sys && !engine_system_hart_init(eh)) {
            munmap(stack, RETURN_STACK_BYTES + 4096);
            interp_destroy(h);
            system_destroy(h);
            free(eh);
            return false;
        }
    }
    pthread_mutex_lock(&e->harts_lock);
    eh->next = e->harts;
    eh->prev = &e->harts;
    if (eh->next)
        eh->next->prev = &eh->next;
    e->harts = eh;
    e->hart_count++;
    pthread_mutex_unlock(&e->harts_lock);
    return true;
}

void engine_hart_exit(struct hart *h) {
    struct engine_hart *eh = h->engine;
    struct engine *e = eh->engine;
    pthread_mutex_lock(&e->harts_lock);
    *eh->prev = eh->next;
    if (eh->next)
        eh->next->prev = eh->prev;
    e->hart_count--;
    e->done_interpreted += interp_count(h);
    e->done_steps += eh->single_steps;
    for (int i = 0; i < 4; i++)
        e->done_stat[i] += h->stat[i];
    for (int i = 0; i < BACK_COUNT; i++)
        e->done_leaves[i] += eh->leaves[i];
    pthread_cond_broadcast(&e->harts_changed);
    pthread_mutex_unlock(&e->harts_lock);
    for (int i = 0; i < JUMP_TABLES; i++)
        if (eh->jumps[i])
            munmap(eh->jumps[i], JUMP_TABLE_BYTES);
    if (eh->return_stack)
        munmap(eh->return_stack, RETURN_STACK_BYTES + 4096);
    record_hart_exit(eh);
    interp_destroy(h);
    system_destroy(h);
    free(eh->signal_stack);
    h->engine = NULL;
    free(eh);
}

unsigned engine_mode(const struct hart *h) { return h->frm <= RM_RMM ? h->frm : 5; }

void engine_install_jumps(struct engine_hart *eh, unsigned mode) {
    struct hart *h = eh->hart;
    if (mode != eh->mode) {
        backend_reset_returns(h);
        eh->mode = mode;
        eh->key_mode = mode;
    }
    if (!eh->jumps[mode]) {
        struct jump_slot *table =
            mmap(NULL, JUMP_TABLE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (table == MAP_FAILED)
            return; /* computed jumps go through the engine */
        table[0].pc = jump_none(0);
        eh->jumps[mode] = table;
    }
    __atomic_store_n(&h->jump_cache, eh->jumps[mode], __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&h->pending, __ATOMIC_SEQ_CST)) /* set in between */
        __atomic_store_n(&h->jump_cache, (void *)engine_no_jumps, __ATOMIC_SEQ_CST);
}

bool engine_serve_pending(struct engine_hart *eh) {
    struct hart *h = eh->hart;
    const uint32_t ours = ~(uint32_t)(PENDING_INTERRUPT | PENDING_CODE); /* the rest is the interpreter's */
    uint32_t bits = __atomic_fetch_and(&h->pending, ~ours, __ATOMIC_SEQ_CST) & ours;
    if (bits & PENDING_SYNC)
        world_drop_changed(eh);
    if (bits & PENDING_FENCE)
        interp_drop_unwatched(h);
    if (bits & PENDING_PARK)
        world_enter(eh);
    return bits & PENDING_USER;
}

/* What the host does not tell of a fault is found from the instruction: an address that is not canonical, and that an
 * atomic operation faults as a store although the host may have met it at a load (privileged manual, "Store/AMO page
 * fault"). */
static void complete_fault(struct engine_hart *eh, bool address) {
    struct hart *h = eh->hart;
    const struct guest_memory *mem = &eh->engine->config.mem;
    const uint8_t *host;
    uint32_t cause, bits = 0;
    size_t room = mem->fetch(mem->ctx, h->pc, &host, &cause);
    if (room < 2)
        return;
    memcpy(&bits, host, 2);
    if (insn_length(bits) == 4) {
        uint16_t high = 0;
        if (room < 4 && mem->fetch(mem->ctx, h->pc + 2, &host, &cause) < 2)
            return;
        memcpy(&high, room < 4 ? host : host + 2, 2);
        bits |= (uint32_t)high << 16;
    }
    struct insn in;
    insn_decode(h->isa, bits, &in);
    uint8_t f = insn_rows[in.id].format;
    bool offset = f == FMT_IL || f == FMT_S || f == FMT_FIL || f == FMT_FST;
    if (address)
        h->trap.tval = h->x[in.rs1] + (offset ? (uint64_t)(int64_t)in.imm : 0);
    if (f == FMT_S || f == FMT_FST || (f == FMT_AMO && in.id != INSN_lr_w && in.id != INSN_lr_d))
        h->trap.cause = TRAP_STORE_PAGE;
}

enum { HOST_SI_KERNEL = 0x80 };

enum engine_stop engine_stop_on_fault(struct engine_hart *eh) {
    struct hart *h = eh->hart;
    bool unknown = h->trap.host_code == HOST_SI_KERNEL;
    if (unknown || (h->trap.cause == TRAP_LOAD_PAGE && h->trap.host_signal))
        complete_fault(eh, unknown);
    if (unknown)
        h->trap.host_code = SEGV_MAPERR;
    return STOP_TRAP;
}

/* f registers that a fault in generated code left unfinished. */
void engine_finish_registers(struct hart *h) {
    for (int i = 0; i < 32; i++) {
        uint32_t bit = 1u << i;
        uint64_t v = h->f[i];
        if ((h->fault_canon_d & bit) && (v & ~(1ull << 63)) > 0x7ff0000000000000u)
            h->f[i] = FP_CANONICAL_D;
        if ((h->fault_canon_s & bit) && ((uint32_t)v & 0x7fffffffu) > 0x7f800000u)
            h->f[i] = FP_CANONICAL_S;
        if (h->fault_box & bit)
            h->f[i] = fp_box_s((uint32_t)h->f[i]);
    }
    h->fault_canon_d = h->fault_canon_s = h->fault_box = 0;
}

static uint64_t *filled_bits(struct jump_slot *table) { return (uint64_t *)(void *)(table + JUMP_SLOTS); }

void engine_clear_jumps(struct jump_slot *table) {
    for (unsigned word = 0; table && word < JUMP_SLOTS / 64; word++) {
        uint64_t *filled = &filled_bits(table)[word];
        for (; *filled; *filled &= *filled - 1) {
            unsigned slot = word * 64 + (unsigned)__builtin_ctzll(*filled);
            table[slot].pc = jump_none(slot);
        }
    }
}

struct cc_block *engine_find_block(struct engine_hart *eh) {
    struct hart *h = eh->hart;
    struct cc_block *block = cc_find(eh->engine->cache, (struct cc_key){h->pc, eh->key_mode});
    if (block && eh->jumps[eh->mode]) {
        unsigned index = jump_index(h->pc);
        struct jump_slot *slot = &eh->jumps[eh->mode][index];
        filled_bits(eh->jumps[eh->mode])[index / 64] |= UINT64_C(1) << index % 64;
        slot->code = block->code + block->entry;
        slot->pc = h->pc; /* before dead is read, as whoever kills sets dead before it reads the slot */
        if (__atomic_load_n(&block->dead, __ATOMIC_SEQ_CST))
            slot->pc = jump_none(index);
    }
    return block;
}

enum leave_reason engine_enter_code(struct engine_hart *eh, struct cc_block *block) {
    struct engine *e = eh->engine;
    struct hart *h = eh->hart;
    if (e->config.dump & DUMP_EXEC)
        fprintf(e->config.dump_to ? e->config.dump_to : stderr, "Trace 0x%016llx\n", (unsigned long long)h->pc);
    backend_load_rounding(h);
    h->record_fp = 1;
    h->in_code = 1;
    enum leave_reason why = backend_enter(e->backend, h, block->code + block->entry);
    h->in_code = 0;
    backend_fold_flags(h);
    eh->leaves[why]++;
    return why;
}

/* One stretch of generated code. */
enum leave_reason engine_run_code(struct engine_hart *eh, struct cc_block *block) {
    struct hart_records *hr = eh->records;
    enum leave_reason why = engine_enter_code(eh, block);
    if (!hr)
        return why;
    record_left(eh, why);
    if (why != BACK_RECORD)
        return why;
    hr->why = why; /* the observer may have it run on */
    record_drain(eh);
    why = hr->why;
    hr->why = BACK_COUNT;
    return why;
}

bool engine_run_block(struct engine_hart *eh, struct cc_block *block) {
    struct engine *e = eh->engine;
    struct hart *h = eh->hart;
    enum leave_reason why = engine_run_code(eh, block);
    bool trapped;
    switch (why) {
    case BACK_TRAP:
        return true;
    case BACK_FAULT:
        engine_finish_registers(h);
        return true;
    case BACK_FENCE_I:
        if (e->config.mem.fence_i)
            e->config.mem.fence_i(e->config.mem.ctx, h);
        if (!MUTANT(fence_i_ignored))
            engine_fence_i(e);
        return false;
    case BACK_EXCLUSIVE:
        return interp_exclusive(h) == INTERP_TRAP;
    case BACK_INTERPRET:
    case BACK_UNBOXED:
        if (why == BACK_UNBOXED)
            engine_read_unboxed(eh);
        eh->single_steps++;
        trapped = interp_step(h, 1) == INTERP_TRAP;
        if (h->new_strict)
            engine_translate_strict(eh);
        return trapped;
    default:
        return false;
    }
}

enum engine_stop engine_run_unobserved(struct engine_hart *eh) {
    enum { NO_PC = 1 }; /* never an instruction's address */
    struct engine *e = eh->engine;
    struct hart *h = eh->hart;
    if (sigsetjmp(h->fault_jmp, 0)) { /* a fault in the interpreter: engine_host_fault has filled in the trap */
        h->in_interp = 0;
        return engine_stop_on_fault(eh);
    }
    for (uint64_t hot_pc = NO_PC;;) {
        if (__atomic_load_n(&h->pending, __ATOMIC_RELAXED) && engine_serve_pending(eh))
            return STOP_PENDING;
        if (e->backend) {
            unsigned mode = engine_mode(h);
            if (__atomic_load_n(&h->jump_cache, __ATOMIC_RELAXED) == engine_no_jumps || eh->mode != mode)
                engine_install_jumps(eh, mode);
            eh->key_mode = mode;
            struct cc_block *block = engine_find_block(eh);
            if (!block && h->pc == hot_pc) {
                if (engine_translate(e, h, hot_pc, mode))
                    block = engine_find_block(eh);
                else
                    interp_set_cold(h, hot_pc);
            }
            hot_pc = NO_PC;
            if (block) {
                if (engine_run_block(eh, block))
                    return engine_stop_on_fault(eh);
                continue;
            }
        }
        enum interp_stop stop = interp_run(h);
        if (h->new_strict)
            engine_translate_strict(eh);
        switch (stop) {
        case INTERP_TRAP:
            return STOP_TRAP;
        case INTERP_HOT: /* mostly translated long since */
            hot_pc = h->pc;
            break;
        case INTERP_FENCE_I:
            engine_fence_i(e);
            break;
        default:
            break;
        }
    }
}

static enum engine_stop observe(struct engine_hart *eh) {
    struct hart *h = eh->hart;
    const struct observer *o = &eh->engine->config.observer;
    if (o->resume)
        o->resume(o->ctx, h);
    enum engine_stop stop = observe_run(eh);
    if (eh->records) {
        if (stop == STOP_TRAP && record_wants(eh->engine, h->pc))
            record_trap(eh);
        record_drain(eh);
    }
    if (stop == STOP_TRAP && o->block)
        o->block(o->ctx, h);
    return stop;
}

enum engine_stop engine_run(struct hart *h) {
    struct engine_hart *eh = h->engine;
    h->trap.host_signal = 0;
    h->trap.host_code = 0;
    world_enter(eh);
    enum engine_stop stop = h->sys                           ? engine_run_system(eh)
                            : engine_is_observed(eh->engine) ? observe(eh)
                                                             : engine_run_unobserved(eh);
    if (stop == STOP_TRAP)
        h->res_valid = 0; /* as a kernel does on its way back */
    world_leave(eh);
    return stop;
}

bool engine_fault_is_write(void *ucontext) { return backend_context_is_write(ucontext); }

bool engine_host_fault(struct hart *h, int sig, siginfo_t *info, void *ucontext) {
    struct engine_hart *eh = h->engine;
    if (!eh)
        return false;
    struct engine *e = eh->engine;
    bool write = backend_context_is_write(ucontext);
    struct trap trap = {.cause = write ? TRAP_STORE_PAGE : TRAP_LOAD_PAGE,
                        .host_signal = (uint32_t)sig,
                        .host_code = info->si_code,
                        .tval = (uint64_t)(uintptr_t)info->si_addr};
    if (h->in_interp) {
        if (h->interp_fp) { /* the flags it has raised are in the context only: handlers start with a fresh FPU */
            h->interp_fp = 0;
            h->host_fpcr = backend_context_fpcr(ucontext);
            backend_fold_flags(h);
        }
        h->pc = interp_fault_pc(h);
        h->trap = trap;
        siglongjmp(h->fault_jmp, 1);
    }
    if (!e->backend)
        return false;
    const void *pc = (const void *)backend_context_pc(ucontext);
    if (!cc_contains(e->cache, pc))
        return false;
    if (backend_return_stack_fault(h, (uintptr_t)info->si_addr, ucontext))
        return true;
    const struct cc_block *block = cc_find_code(e->cache, pc);
    if (!block)
        return false;
    const struct block_info *bi = block->meta;
    uint32_t offset = (uint32_t)((const uint8_t *)pc - block->code);
    for (uint32_t low = 0, high = bi->fault_count; low < high;) {
        uint32_t middle = (low + high) / 2;
        const struct fault_entry *f = &bi->faults[middle];
        if (f->host < offset) {
            low = middle + 1;
        } else if (f->host > offset) {
            high = middle;
        } else {
            h->pc = bi->pc + f->pc;
            h->trap = trap;
            h->count_left += (uint64_t)bi->insns - f->insn;
            if (f->fix != 0xffff) {
                h->fault_canon_d = bi->fixes[f->fix].canon_d;
                h->fault_canon_s = bi->fixes[f->fix].canon_s;
                h->fault_box = bi->fixes[f->fix].box;
            }
            backend_context_recover(e->backend, h, bi, f, ucontext);
            if (bi->landing && offset >= bi->loop_start)
                backend_context_go(ucontext, block->code + bi->landing);
            else
                backend_context_leave(e->backend, ucontext);
            return true;
        }
    }
    return false;
}

uint32_t hart_get_fcsr(const struct hart *h) { return (uint32_t)h->frm << 5 | h->fflags; }
void hart_set_fcsr(struct hart *h, uint32_t fcsr) {
    h->fflags = fcsr & 31;
    h->frm = fcsr >> 5 & 7;
}
