/* interp_privileged.c: the interpreter of a hart with a board: its outer loop, privileged instructions, slow memory.
 *
 *      run: pending? interrupt? ─▶ block at pc ─▶ loop ... a trap, xret, sfence, CSR write that matters ─┐
 *           ▲                                                                                            │
 *           └────────────────── traps and interrupts are taken here, without leaving ────────────────────┘
 *
 * A block is found by its virtual pc and the page of RAM that the pc is mapped to, so it outlives changes of address
 * space and privilege.  Branches within a page are linked; between pages they go through the jump cache, one for each
 * privilege and state of mstatus.FS, emptied when a fetch translation is dropped.
 */
#include "interp_internal.h"

#include <stdlib.h>
#include <string.h>

#include "code_pages.h"
#include "system.h"

/* struct guest_memory's calls, with the hart as their context. */
static size_t fetch(void *ctx, uint64_t pc, const uint8_t **host, uint32_t *cause) {
    struct hart *h = ctx;
    const struct fetch_entry *e = mmu_fetch(h, pc);
    if (e == NULL) {
        *cause = h->trap.cause;
        return 0;
    }
    *host = e->host + (pc & ~PAGE_MASK);
    return e->partial ? 2 : 4096 - (pc & ~PAGE_MASK); /* PMP is asked for each parcel */
}
static bool watch_code(void *ctx, uint64_t pc) {
    struct hart *h = ctx;
    const struct fetch_entry *e = mmu_fetch(h, pc);
    if (e != NULL)
        code_page_decode(h, e->ram_page, e->host);
    return true;
}

static bool is_watched(void *ctx, uint64_t pc) {
    struct hart *h = ctx;
    const struct fetch_entry *e = mmu_fetch(h, pc);
    return e != NULL && __atomic_load_n(&h->sys->machine->page_state[e->ram_page], __ATOMIC_SEQ_CST) == PAGE_CODE;
}

const struct guest_memory *interp_lift_memory(struct hart *h, uint64_t pc) {
    watch_code(h, pc);
    return &h->interp->lift_mem;
}

void interp_system_init(struct hart *h) {
    struct interp *in = h->interp;
    in->mem.ctx = h;
    in->mem.fetch = fetch;
    in->mem.watch_code = watch_code;
    in->mem.fence_i = NULL;
    in->lift_mem = (struct guest_memory){.ctx = h, .fetch = fetch, .watch_code = is_watched};
    in->context = (h->sys->priv == PRIV_M ? 2u : h->sys->priv) * FS_STATES + system_fs(h->sys);
    in->jumps[in->context] = in->jump;
}

bool interp_stop_others(struct hart *h) {
    struct interp *in = h->interp;
    return !in->in_exclusive && in->mem.exclusive_begin != NULL && in->mem.exclusive_begin(in->mem.ctx, h);
}
void interp_resume_others(struct hart *h) {
    struct interp *in = h->interp;
    in->mem.exclusive_end(in->mem.ctx, h);
}

/* The jump cache of the mode in force. */
static void select_jumps(struct hart *h) {
    struct interp *in = h->interp;
    struct system *s = h->sys;
    unsigned context = (s->priv == PRIV_M ? 2u : s->priv) * FS_STATES + system_fs(s);
    if (UNLIKELY(s->fetch_stale)) {
        for (unsigned i = 0; i < JUMP_CONTEXTS; i++)
            if (in->jumps[i] != NULL)
                interp_clear_jumps(in->jumps[i]);
        s->fetch_stale = false;
    }
    if (context == in->context)
        return;
    if (in->jumps[context] == NULL) {
        struct jump_entry *jump = interp_make_jumps();
        if (jump == NULL) { /* one for all, then: empty at each change */
            interp_clear_jumps(in->jump);
            in->jumps[in->context] = NULL;
            jump = in->jump;
        }
        in->jumps[context] = jump;
    }
    in->jump = in->jumps[context];
    in->context = context;
}

bool interp_place(struct hart *h, uint64_t pc) {
    struct interp *in = h->interp;
    const struct fetch_entry *e = mmu_fetch(h, pc);
    if (e != NULL) {
        in->where = e->ram_page * FS_STATES + system_fs(h->sys);
        in->stop = INTERP_UNKEPT;
    } else {
        in->stop = INTERP_TRAP;
    }
    h->pc = pc;
    return e != NULL && !e->partial;
}

bool interp_where(struct hart *h, uint64_t pc, uint64_t *where) {
    const struct fetch_entry *e = mmu_fetch(h, pc);
    if (e == NULL || e->partial)
        return false;
    *where = e->ram_page * FS_STATES + system_fs(h->sys);
    return true;
}

/* What others have asked for, and interrupts.  False: the embedder or the engine is wanted. */
bool interp_look_around(struct hart *h) {
    if (UNLIKELY(__atomic_load_n(&h->pending, __ATOMIC_RELAXED) != 0)) {
        uint32_t was = __atomic_fetch_and(&h->pending, ~(uint32_t)(PENDING_INTERRUPT | PENDING_CODE), __ATOMIC_SEQ_CST);
        if (was & PENDING_CODE)
            code_page_drain(h);
        if (was & ~(uint32_t)(PENDING_INTERRUPT | PENDING_CODE))
            return false;
    }
    system_take_interrupt(h);
    select_jumps(h);
    return true;
}

static enum interp_stop run_block(struct hart *h) {
    struct interp *in = h->interp;
    struct op *op = interp_enter(h, h->pc);
    enum interp_stop stop = op == NULL ? in->stop : in->loop(h, op, NULL);
    if (stop == INTERP_EXCLUSIVE)
        return interp_run_sequence_alone(h);
    return stop == INTERP_UNKEPT ? interp_step_one(h) : stop;
}

enum interp_stop interp_run_system(struct hart *h) {
    enum interp_stop stop;
    interp_come_in(h);
    if (sigsetjmp(h->fault_jmp, 0) != 0) { /* a load or store: h->trap and h->pc are set */
        if (h->sys->counted)
            interp_counted_fault(h);
        if (h->trap.cause == TRAP_NONE)
            h->interp->alone = true;
        else
            system_take_trap(h);
    }
    h->interp->stepping = false;
    for (;;) {
        if (!interp_look_around(h)) {
            stop = INTERP_PENDING;
            break;
        }
        stop = h->sys->counted ? interp_run_counted(h) : run_block(h);
        if (stop == INTERP_TRAP)
            system_take_trap(h);
        else if (stop == INTERP_FENCE_I)
            code_page_drain(h);
        else if (stop != INTERP_DONE && stop != INTERP_PENDING)
            break;
    }
    interp_go_out(h);
    return stop;
}

/* One instruction, after an interrupt where one is due. */
static enum interp_stop step(struct hart *h) {
    enum interp_stop (*one)(struct hart * h) = h->sys->counted ? interp_step_counted : interp_step_one;
    if (sigsetjmp(h->fault_jmp, 0) != 0)
        return INTERP_TRAP;
    if (h->sys->counted)
        interp_counted_reached(h);
    interp_look_around(h);
    uint64_t pc = h->pc;
    unsigned fs = system_fs(h->sys);
    enum interp_stop stop = one(h);
    if (stop == INTERP_DONE && fs == FS_STATE_CLEAN && system_fs(h->sys) == FS_STATE_DIRTY && h->pc == pc)
        stop = one(h); /* only the state of FS has changed yet */
    return stop;
}

enum interp_stop interp_step_system(struct hart *h, uint64_t n) {
    enum interp_stop stop = INTERP_DONE;
    interp_come_in(h);
    for (; n > 0 && stop != INTERP_WFI; n--) {
        stop = step(h);
        if (stop == INTERP_TRAP)
            system_take_trap(h);
        else if (stop == INTERP_FENCE_I)
            code_page_drain(h);
    }
    h->interp->stepping = false;
    interp_go_out(h);
    return stop == INTERP_WFI ? stop : INTERP_DONE;
}

static enum interp_stop try_exclusive(struct hart *h) {
    if (sigsetjmp(h->fault_jmp, 0) == 0)
        return interp_exclusive(h);
    interp_go_out(h);
    return INTERP_TRAP;
}

enum interp_stop interp_exclusive_system(struct hart *h) {
    enum interp_stop stop = try_exclusive(h);
    if (stop == INTERP_TRAP)
        system_take_trap(h);
    h->interp->stepping = false;
    return stop;
}

static void leave_with_fault(struct hart *h, struct op *op) {
    h->pc = interp_op_pc(op);
    siglongjmp(h->fault_jmp, 1);
}

uint64_t interp_load(struct hart *h, struct op *op, uint64_t va, unsigned size) {
    uint64_t v;
    if (!mmu_load(h, va, size, &v))
        leave_with_fault(h, op);
    return v;
}
void interp_store(struct hart *h, struct op *op, uint64_t va, unsigned size, uint64_t value) {
    if (!mmu_store(h, va, size, value))
        leave_with_fault(h, op);
}
void *interp_memory(struct hart *h, struct op *op, uint64_t va, unsigned size, bool write) {
    void *p = mmu_memory(h, va, size, write ? ACCESS_WRITE : ACCESS_READ);
    if (p == NULL)
        leave_with_fault(h, op);
    return p;
}

void *interp_cache_block(struct hart *h, struct op *op, uint64_t block, uint64_t address) {
    void *p = mmu_memory(h, block, 64, ACCESS_WRITE);
    if (p == NULL) {
        h->trap.tval = h->xlen == 32 ? (uint32_t)address : address;
        leave_with_fault(h, op);
    }
    return p;
}

static uint64_t illegal(struct hart *h, struct op *op) {
    interp_illegal(h, op);
    return SYSTEM_TRAP;
}
static void go_behind(struct hart *h, struct op *op) {
    h->pc = interp_op_pc(op) + 4;
    if (h->xlen == 32)
        h->pc = (uint32_t)h->pc;
}

uint64_t interp_mret(struct hart *h, struct op *op) { return system_mret(h) ? SYSTEM_RESUME : illegal(h, op); }
uint64_t interp_sret(struct hart *h, struct op *op) { return system_sret(h) ? SYSTEM_RESUME : illegal(h, op); }

uint64_t interp_wfi(struct hart *h, struct op *op) {
    if (!system_wfi(h))
        return illegal(h, op);
    go_behind(h, op);
    if (!(system_mip(h) & h->sys->mie))
        return SYSTEM_WFI;
    hart_pause(h, 0, 0, 0, 0); /* firmware that waits for another hart comes back at once */
    return SYSTEM_RESUME;
}

uint64_t interp_sfence(struct hart *h, struct op *op, uint64_t address) {
    if (!system_sfence(h, op->rs1 != 0, address))
        return illegal(h, op);
    go_behind(h, op);
    return SYSTEM_RESUME;
}

uint64_t interp_sfence_order(struct hart *h, struct op *op) {
    return system_sfence_order(h) ? SYSTEM_NEXT : illegal(h, op);
}

uint64_t interp_cbo(struct hart *h, struct op *op, uint64_t address, enum cbo what) {
    if (!system_cbo_allowed(h, what == CBO_INVAL ? ENVCFG_CBIE : ENVCFG_CBCFE))
        return illegal(h, op);
    if (!mmu_cache_block(h, address))
        leave_with_fault(h, op);
    return SYSTEM_NEXT;
}

uint64_t interp_fs_dirty(struct hart *h, struct op *op) {
    system_fs_dirty(h->sys);
    h->pc = interp_op_pc(op);
    return SYSTEM_RESUME;
}
