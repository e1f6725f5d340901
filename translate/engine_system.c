/* engine_system.c: running a hart that has a board: translated and interpreted code in turn, traps, waiting.
 *
 *      look around ─▶ where is pc mapped? ─▶ block of (pc, where, frm) ─▶ generated code ─▶ why it left ─┐
 *           ▲                  └── none ─▶ interp_run ─▶ hot: translate                                  │
 *           └────────────────────────────────────────────────────────────────────────────────────────────┘
 *
 * Blocks lie within a page and are keyed by the RAM page as well, so they outlive changes of address space; exits to
 * other pages go through the jump cache, of which there is one for each privilege, FS state and rounding mode.
 */
#include <stdlib.h>
#include <string.h>

#include "../cpu/code_pages.h"
#include "../cpu/interp.h"
#include "../cpu/system.h"
#include "record_internal.h"
#include "tlb_slow.h"

enum { COUNT_SLICE = 100000 };

/* ---- host faults: an access that failed in engine_tlb_slow is made at address 0 ---- */

static __thread struct hart *running;

static void on_fault(int sig, siginfo_t *info, void *ucontext) {
    if (running && engine_host_fault(running, sig, info, ucontext))
        return;
    struct sigaction sa = {.sa_handler = SIG_DFL}; /* ours: the instruction faults again */
    sigaction(sig, &sa, NULL);
}

static void code_written(void *engine, uint64_t ram_page) {
    struct engine *e = engine;
    atomic_fetch_add(&e->code_generation, 1);
    pthread_mutex_lock(&e->harts_lock);
    cc_invalidate(e->cache, ram_page << 12, (ram_page + 1) << 12, engine_dead_block, e);
    pthread_mutex_unlock(&e->harts_lock);
}

bool engine_system_init(struct engine *e) {
    struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    e->machine->code_written = code_written;
    e->machine->code_written_ctx = e;
    return sigaction(SIGSEGV, &sa, NULL) == 0;
}

bool engine_system_hart_init(struct engine_hart *eh) {
    eh->hart->sys->no_jumps = engine_no_jumps;
    eh->signal_stack = malloc(SIGNAL_STACK_BYTES);
    return eh->signal_stack != NULL;
}

uint64_t engine_tlb_slow(struct hart *h, uint64_t va, uint64_t value, uint64_t unused, uint64_t imm) {
    struct system *s = h->sys;
    unsigned size = imm & TLB_SLOW_SIZE;
    void *p = &s->bounce;
    bool done = true;
    switch (imm & ~(uint64_t)TLB_SLOW_SIZE) {
    case TLB_SLOW_LOAD:
        done = mmu_load(h, va, size, &s->bounce);
        break;
    case TLB_SLOW_STORE:
        done = mmu_store(h, va, size, value);
        break;
    case TLB_SLOW_RESERVE:
        p = mmu_memory(h, va, size, ACCESS_READ);
        break;
    default:
        p = mmu_memory(h, va, size, ACCESS_WRITE);
        break;
    }
    if (done && p)
        return (uint64_t)(uintptr_t)p;
    s->fault = h->trap;
    return 0;
}

/* The jump cache of the mode in force, emptied where a fetch translation was dropped since it was last in use. */
static void install(struct engine_hart *eh) {
    struct hart *h = eh->hart;
    struct system *s = h->sys;
    unsigned mode = ((s->priv == PRIV_M ? 2u : s->priv) * FS_STATES + system_fs(s)) * MODES + engine_mode(h);
    if (eh->fetch_drops != s->fetch_drops) {
        eh->fetch_drops = s->fetch_drops;
        backend_reset_returns(h);
    }
    if (eh->jump_drops[mode] != s->fetch_drops) { /* only the one that is going to be used */
        eh->jump_drops[mode] = s->fetch_drops;
        engine_clear_jumps(eh->jumps[mode]);
    }
    if (__atomic_load_n(&h->jump_cache, __ATOMIC_RELAXED) == engine_no_jumps || eh->mode != mode)
        engine_install_jumps(eh, mode);
}

uint64_t engine_csr(struct hart *h, uint64_t value, uint64_t unused_b, uint64_t unused_c, uint64_t imm) {
    enum { LAST_FLOAT_CSR = 3 };
    struct system *s = h->sys;
    if ((imm & 0xfff) <= LAST_FLOAT_CSR)
        backend_fold_flags(h);
    h->trap.cause = TRAP_NONE;
    uint64_t old = system_csr_access(h, value, imm);
    if (s->resume) { /* generated code polls behind it */
        s->resume = false;
        __atomic_fetch_or(&h->pending, PENDING_INTERRUPT, __ATOMIC_SEQ_CST);
    }
    return old;
}

uint64_t engine_cache_block(struct hart *h, uint64_t address, uint64_t unused_b, uint64_t unused_c, uint64_t imm) {
    enum { BYTES = 64 };
    static const uint64_t fields[] = {ENVCFG_CBZE, ENVCFG_CBIE, ENVCFG_CBCFE};
    h->trap.cause = TRAP_NONE;
    if (!system_cbo_allowed(h, fields[imm])) {
        h->trap.cause = TRAP_ILLEGAL;
    } else if (imm == CACHE_BLOCK_ZERO) {
        void *block = mmu_memory(h, address & ~(uint64_t)(BYTES - 1), BYTES, ACCESS_WRITE);
        if (block)
            memset(block, 0, BYTES);
    } else {
        mmu_cache_block(h, address);
    }
    return 0;
}

/* False: the interpreter knows why not. */
static bool do_system(struct hart *h, enum ir_system what, uint64_t address, uint64_t next) {
    struct system *s = h->sys;
    switch (what) {
    case DO_MRET:
        return system_mret(h);
    case DO_SRET:
        return system_sret(h);
    case DO_ECALL:
        h->trap = (struct trap){.cause = TRAP_ECALL_U + s->priv};
        system_take_trap(h);
        return true;
    case DO_FS_DIRTY:
        if (system_fs(s) == FS_STATE_OFF)
            return false;
        system_fs_dirty(s);
        return true;
    case DO_WFI:
        if (!system_wfi(h))
            return false;
        break;
    case DO_SFENCE:
    case DO_SFENCE_PAGE:
        if (!system_sfence(h, what == DO_SFENCE_PAGE, address))
            return false;
        break;
    case DO_SFENCE_ORDER:
        if (!system_sfence_order(h))
            return false;
        break;
    default: /* DO_FENCE_I */
        code_page_drain(h);
        break;
    }
    h->pc = next;
    return true;
}

uint64_t engine_do_system(struct hart *h, uint64_t address, uint64_t next, uint64_t unused_c, uint64_t imm) {
    struct engine_hart *eh = h->engine;
    struct system *s = h->sys;
    if (!do_system(h, (enum ir_system)imm, address, next))
        return BACK_INTERPRET;
    if (imm == DO_WFI) {
        if (!(system_mip(h) & s->mie))
            return BACK_WFI;
        hart_pause(h, 0, 0, 0, 0); /* as in the interpreter */
    }
    if (__atomic_load_n(&h->pending, __ATOMIC_RELAXED) || system_interrupt(h) != 0)
        return BACK_POLL;
    uint64_t sp = h->return_sp; /* generated code drops what is kept there by itself */
    install(eh);
    h->return_sp = sp;
    return BACK_COUNT;
}

void engine_sleep(struct engine_hart *eh) {
    world_leave(eh); /* whoever stops the others need not wait for a hart that sleeps */
    system_sleep(eh->hart);
    world_enter(eh);
}

static void step(struct engine_hart *eh) {
    eh->single_steps++;
    if (interp_step(eh->hart, 1) == INTERP_WFI)
        engine_sleep(eh);
}

/* A counted run's generated code, up to the next event, or for as long as others may have to wait. */
static enum leave_reason run_counted(struct engine_hart *eh, struct cc_block *block) {
    struct system *s = eh->hart->sys;
    uint64_t left = s->icount_deadline > s->icount ? s->icount_deadline - s->icount : 0;
    if (left > COUNT_SLICE)
        left = COUNT_SLICE;
    eh->hart->count_left = left;
    enum leave_reason why = engine_run_code(eh, block);
    s->icount += left - eh->hart->count_left;
    return why;
}

void engine_run_system_block(struct engine_hart *eh, struct cc_block *block) {
    struct hart *h = eh->hart;
    bool counted = h->sys->counted;
    enum leave_reason why = counted ? run_counted(eh, block) : engine_run_code(eh, block);
    switch (why) {
    case BACK_TRAP:
        if (h->trap.cause == TRAP_ECALL_U)
            h->trap.cause += h->sys->priv;
        system_take_trap(h);
        break;
    case BACK_FAULT:
        engine_finish_registers(h);
        h->trap = h->sys->fault;
        if (h->trap.cause == TRAP_NONE) /* a device, in a counted run */
            step(eh);
        else
            system_take_trap(h);
        break;
    case BACK_COUNT_END:
        if (h->sys->icount_deadline - h->sys->icount < COUNT_SLICE && interp_run_round(h) == INTERP_WFI)
            engine_sleep(eh);
        break;
    case BACK_FENCE_I:
        code_page_drain(h);
        break;
    case BACK_EXCLUSIVE:
        if (counted) /* there is no other hart */
            step(eh);
        else
            interp_exclusive_system(h);
        break;
    case BACK_WFI:
        engine_sleep(eh);
        break;
    case BACK_INTERPRET:
    case BACK_UNBOXED:
        if (why == BACK_UNBOXED)
            engine_read_unboxed(eh);
        else if ((h->pc & ~PAGE_MASK) == PAGE_LAST_HALF)
            engine_translate_again(eh, h->pc); /* its second half may have changed */
        step(eh);
        if (h->new_strict)
            engine_translate_strict(eh);
        break;
    default:
        break;
    }
}

/* Whether the instruction at pc lies on two pages; *page: the second page of RAM. */
static bool on_two_pages(struct hart *h, uint64_t *page) {
    const struct fetch_entry *e = mmu_fetch(h, h->pc);
    uint16_t half;
    if (!e)
        return false;
    memcpy(&half, e->host + PAGE_LAST_HALF, sizeof half);
    if (insn_length(half) != 4)
        return false;
    uint64_t next = h->pc + 2;
    e = mmu_fetch(h, h->xlen == 32 ? (uint32_t)next : next);
    if (!e || e->partial)
        return false;
    *page = e->ram_page;
    return true;
}

bool engine_system_place(struct engine_hart *eh) {
    struct hart *h = eh->hart;
    uint64_t where, page;
    install(eh);
    if (!interp_where(h, h->pc, &where))
        return false;
    eh->key_mode = where << 3 | engine_mode(h);
    if ((h->pc & ~PAGE_MASK) == PAGE_LAST_HALF && !engine_is_observed(eh->engine) && on_two_pages(h, &page)) {
        eh->key_mode |= (page + 1) << KEY_SECOND_PAGE;
        uint8_t *met = &eh->halves[(h->pc >> 12) % HALVES]; /* the interpreter does not count them */
        if (*met < eh->engine->config.hot)
            ++*met;
        else if (!cc_find(eh->engine->cache, (struct cc_key){h->pc, eh->key_mode}))
            engine_translate(eh->engine, h, h->pc, eh->key_mode);
    }
    return true;
}

enum engine_stop engine_run_system_unobserved(struct engine_hart *eh) {
    struct engine *e = eh->engine;
    struct hart *h = eh->hart;
    for (;;) {
        if (__atomic_load_n(&h->pending, __ATOMIC_RELAXED) && engine_serve_pending(eh))
            return STOP_PENDING;
        uint64_t where;
        if (e->backend && interp_look_around(h) && engine_system_place(eh)) {
            struct cc_block *block = engine_find_block(eh);
            if (block) {
                engine_run_system_block(eh, block);
                continue;
            }
        }
        enum interp_stop stop = interp_run(h);
        if (h->new_strict)
            engine_translate_strict(eh);
        switch (stop) {
        case INTERP_HOT:
            if (!interp_where(h, h->pc, &where) || !engine_translate(e, h, h->pc, where << 3 | engine_mode(h)))
                interp_set_cold(h, h->pc);
            break;
        case INTERP_WFI:
            engine_sleep(eh);
            break;
        default:
            break;
        }
    }
}

enum engine_stop engine_run_system(struct engine_hart *eh) {
    stack_t stack = {.ss_sp = eh->signal_stack, .ss_size = SIGNAL_STACK_BYTES}, before;
    if (eh->signal_stack)
        sigaltstack(&stack, &before);
    running = eh->hart;
    enum engine_stop stop = engine_is_observed(eh->engine) ? observe_run_system(eh) : engine_run_system_unobserved(eh);
    running = NULL;
    if (eh->signal_stack)
        sigaltstack(&before, NULL);
    return stop;
}
