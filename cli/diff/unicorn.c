/* unicorn.c: Unicorn as the reference.
 *
 * It runs freely; its hook at each of its blocks (each instruction with --step) finds its place in the batch:
 *
 *      batch   i0 i1 i2 | i3 i4 i5 i6 | i7        | riv's block ends: a state to compare with
 *      Unicorn [ block  ] [ block ] [ block
 *               hook       hook      hook         compares where both end, goes on while the batch covers its next
 * block
 *
 * Its stores since the last agreement are logged with what was there before, so that it can be sent back.
 */
#include <stdlib.h>
#include <string.h>

#include "../../translate/engine.h"
#include "../../user/vma.h"
#include "fast.h"
#include "unicorn_state.h"

enum { NOWHERE_BITS = 0xfffffff0u };

struct undo {
    uint8_t *at;
    uint64_t old;
    uint32_t size;
};
enum verdict { RUNNING, WAITING, RESTART, DIFFERS, DIVERGED };
enum { PATCHES = 64 };

static struct {
    uc_engine *uc;
    uc_hook hooks[4];
    struct unicorn_registers regs;
    struct batch *b;
    struct divergence *d;
    enum verdict verdict;
    uint64_t pc;            /* where it goes on */
    uint32_t at;            /* instructions of the batch done before the block under way */
    uint32_t end;           /* and with it */
    uint32_t next_store;    /* in the batch */
    uint32_t agreed, state; /* the last state both agreed on, the next to compare */
    bool healed;            /* memory changed from outside has been looked for since the last agreement */
    struct undo *undo;
    size_t undo_count, undo_room;
    struct undo patches[PATCHES]; /* what is to be in memory once the block under way has ended */
    unsigned patch_count;
    /* what differs, dealt with when Unicorn has stopped */
    const char *what;
    uint32_t differing_state;
    const struct store *differing_store;
    /* single steps for trace */
    struct state *steps;
    uint32_t step_count, step_max;
} u;

static void stop(enum verdict v, uint64_t pc) {
    u.verdict = v;
    u.pc = pc;
    uc_emu_stop(u.uc);
}

static uint64_t first_store(uint32_t insn) { return u.b->insns[insn].store; }

/* What riv does not know of a state within a block is the reference's. */
static void complete(uint32_t state) {
    struct state *s = &u.b->states[state];
    if (s->fcsr_unknown)
        s->fcsr = unicorn_registers_fcsr(&u.regs);
    s->fcsr_unknown = false;
}

static void agree(uint32_t state) {
    complete(state);
    u.agreed = state;
    u.undo_count = 0;
    u.healed = false;
}

static void undo_all(void) {
    while (u.undo_count) {
        struct undo *un = &u.undo[--u.undo_count];
        memcpy(un->at, &un->old, un->size);
    }
}

/* Back to the last agreement. */
static void go_back(void) {
    const struct state *s = &u.b->states[u.agreed];
    undo_all();
    unicorn_registers_set(&u.regs, s);
    u.at = u.end = s->position;
    u.next_store = (uint32_t)first_store(u.at);
    u.state = u.agreed + 1;
}

/* Takes over what other threads have written since the last agreement. */
static uint64_t adopt_outside_changes(void) {
    uint32_t first = (uint32_t)first_store(u.b->states[u.agreed].position);
    return mirror_adopt(&u.b->stores[first], u.b->store_count - first);
}

/* ---- comparing ---- */

static void part(const char *what, uint32_t state, uint64_t pc) {
    struct divergence *d = u.d;
    d->what = what;
    d->from = u.b->states[u.agreed].position;
    d->start = u.b->states[u.agreed];
    d->ours = u.b->states[state];
    d->to = d->ours.position;
    unicorn_registers_get(&u.regs, &d->theirs);
    d->theirs.pc = pc;
    d->theirs.position = d->to;
    d->store_insn = u.differing_store ? u.differing_store->insn : UINT32_MAX;
}

static void differ(const char *what, uint32_t state, uint64_t pc) {
    u.what = what;
    u.differing_state = state;
    stop(DIFFERS, pc);
}

/* The reference gets riv's registers and stores up to a state. */
static void send_on(uint32_t state) {
    const struct state *s = &u.b->states[state];
    complete(state);
    for (uint32_t k = (uint32_t)first_store(u.at); k < first_store(s->position); k++)
        mirror_copy(u.b->stores[k].address, u.b->stores[k].address + u.b->stores[k].size);
    unicorn_registers_set(&u.regs, s);
    u.at = u.end = s->position;
    u.next_store = (uint32_t)first_store(u.at);
    stop(RESTART, s->pc);
}

/* What is known is taken over, else memory from outside is looked for, once. */
static void judge(void) {
    struct state theirs;
    uint32_t state = u.differing_state;
    const struct state *ours = &u.b->states[state];
    complete(state);
    unicorn_registers_get(&u.regs, &theirs);
    theirs.pc = u.pc;
    if (known_explains(u.b, u.b->states[u.agreed].position, ours->position, ours, &theirs, u.differing_store)) {
        unicorn_registers_set(&u.regs, ours);
        for (uint32_t i = (uint32_t)first_store(u.b->states[u.agreed].position); i < first_store(ours->position); i++) {
            uint8_t *to = mirror_at(u.b->stores[i].address, u.b->stores[i].size);
            if (to && u.b->stores[i].size <= 8)
                memcpy(to, &u.b->stores[i].value, u.b->stores[i].size);
        }
        agree(state);
        lockstep.states++;
        u.state = state + 1;
        u.at = u.end = ours->position;
        u.next_store = (uint32_t)first_store(u.at);
        u.verdict = RESTART;
        u.pc = ours->pc;
        return;
    }
    if (u.b->trapped && u.b->trap_cause != TRAP_ECALL_U && lockstep.hart->trap.host_signal == SIGBUS) {
        /* behind the end of a mapped file: the reference's copy has memory there */
        undo_all();
        u.at = u.b->states[u.agreed].position;
        lockstep_count_known(KNOWN_TRAP, ours->pc);
        send_on(u.b->state_count - 1);
        agree(u.b->state_count - 1);
        u.state = u.b->state_count;
        u.verdict = WAITING;
        return;
    }
    part(u.what, state, u.pc);
    if (!u.healed) {
        u.healed = true;
        undo_all();
        uint64_t bytes = adopt_outside_changes();
        if (bytes) {
            lockstep_count_known(KNOWN_OUTSIDE, u.b->states[u.agreed].pc);
            go_back();
            u.healed = true;
            u.verdict = RESTART;
            u.pc = u.b->states[u.agreed].pc;
            return;
        }
    }
    u.verdict = DIVERGED;
}

/* The state that the block under way leads to. */
static uint32_t state_behind(void) {
    uint32_t s = u.state;
    while (s < u.b->state_count - 1 && u.b->states[s].position < u.end)
        s++;
    return s < u.b->state_count ? s : u.b->state_count - 1;
}

/* Unicorn has done u.at instructions and stands at pc. False: that is not what riv has done. */
static bool compare(uint64_t pc) {
    struct batch *b = u.b;
    if (u.next_store < first_store(u.at)) {
        const struct store *s = &b->stores[u.next_store];
        snprintf(u.d->detail, sizeof u.d->detail, "riv's store of %u bytes at %#llx, which the reference does not make",
                 s->size, (unsigned long long)s->address);
        u.differing_store = s;
        differ("store", state_behind(), pc);
        return false;
    }
    while (u.state < b->state_count && b->states[u.state].position < u.at) {
        u.state++;
        lockstep.skipped_states++;
    }
    uint64_t expected = u.at < b->insn_count ? b->insns[u.at].pc : b->states[b->state_count - 1].pc;
    bool is_state = u.state < b->state_count && b->states[u.state].position == u.at;
    if (pc != expected) {
        differ("pc", state_behind(), pc);
        return false;
    }
    if (!is_state)
        return true;
    /* a block without instructions (a trap at its start) has the state before it */
    while (u.state + 1 < b->state_count && b->states[u.state + 1].position == u.at)
        u.state++;
    if (!unicorn_registers_same(&u.regs, &b->states[u.state])) {
        differ("registers", u.state, pc);
        return false;
    }
    lockstep.states++;
    if (!b->states[u.state].fcsr_unknown) /* else what differs has to be looked for from further back */
        agree(u.state);
    u.state++;
    return true;
}

/* How many instructions of the batch, from u.at on, a block of Unicorn's of size bytes at pc is; false: more than the
 * batch has. */
static bool cover(uint64_t pc, uint32_t size) {
    const struct batch *b = u.b;
    uint32_t i = u.at;
    for (uint64_t expected = pc; i < b->insn_count && b->insns[i].pc == expected && expected - pc < size; i++)
        expected += insn_length(b->insns[i].bits);
    u.end = i;
    if (i < b->insn_count || b->trapped)
        return true;
    uint64_t after = b->insns[i - 1].pc + insn_length(b->insns[i - 1].bits);
    return after - pc >= size || b->states[b->state_count - 1].pc != after;
}

static void apply_patches(void) {
    while (u.patch_count) {
        struct undo *p = &u.patches[--u.patch_count];
        memcpy(p->at, &p->old, p->size);
    }
}

static void trace_step(uint64_t pc) {
    if (u.step_count) {
        struct state *s = &u.steps[u.step_count - 1];
        unicorn_registers_get(&u.regs, s);
        s->pc = pc;
    }
    if (u.step_count++ == u.step_max)
        stop(WAITING, pc);
}

static void on_block(uc_engine *uc, uint64_t pc, uint32_t size, void *ctx) {
    if (u.verdict != RUNNING)
        return;
    if (lockstep.isa->xlen == 32)
        pc = (uint64_t)(int64_t)(int32_t)pc & 0xffffffff;
    if (u.steps) {
        if (lockstep.step)
            trace_step(pc);
        return;
    }
    u.at = u.end;
    apply_patches();
    if (!compare(pc))
        return;
    if (lockstep.step && u.at < u.b->insn_count)
        size = insn_length(u.b->insns[u.at].bits);
    if (u.at == u.b->insn_count && !u.b->trapped) {
        stop(WAITING, pc);
        return;
    }
    if (u.at < u.b->insn_count && !cover(pc, size)) {
        u.end = u.at;
        stop(WAITING, pc);
    }
}

static void on_trace_step(uc_engine *uc, uint64_t pc, uint32_t size, void *ctx) {
    if (u.steps && u.verdict == RUNNING)
        trace_step(lockstep.isa->xlen == 32 ? pc & 0xffffffff : pc);
}

static void log_undo(uint8_t *at, uint32_t size) {
    if (u.undo_count == u.undo_room) {
        u.undo_room = u.undo_room ? u.undo_room * 2 : 4096;
        u.undo = realloc(u.undo, u.undo_room * sizeof *u.undo);
        if (!u.undo)
            abort();
    }
    struct undo *un = &u.undo[u.undo_count++];
    un->at = at;
    un->size = size;
    memcpy(&un->old, at, size);
}

static uint64_t masked(uint64_t v, unsigned size) { return size >= 8 ? v : v & ((UINT64_C(1) << size * 8) - 1); }

/* Unicorn's block goes as far as instruction i of the batch; its size is wrong where it ends in an unknown instruction.
 */
static bool in_block(uint32_t i) {
    if (i < u.end)
        return true;
    for (uint32_t k = u.at; k < i; k++)
        if (u.b->insns[k + 1].pc != u.b->insns[k].pc + insn_length(u.b->insns[k].bits))
            return false;
    return i < u.b->insn_count;
}

static void on_store(uc_engine *uc, uc_mem_type type, uint64_t address, int size, int64_t value, void *ctx) {
    uint8_t *at = mirror_at(address, (uint64_t)size);
    if (at)
        log_undo(at, (uint32_t)size);
    if (reference_unicorn.fast && mirror_executable(address))
        fast_code_changed(address, address + (uint64_t)size);
    if (u.steps || u.verdict != RUNNING)
        return;
    const struct store *s = &u.b->stores[u.next_store];
    uint64_t theirs = masked((uint64_t)value, (unsigned)size);
    bool ours = u.next_store < u.b->store_count && in_block(s->insn);
    if (ours && s->address == address && s->size == (uint32_t)size && masked(s->value, s->size) == theirs) {
        u.next_store++;
        return;
    }
    uint64_t old = 0;
    if (at)
        memcpy(&old, at, (size_t)size);
    if (!(ours && s->address == address) && old == theirs)
        return; /* an sc that fails writes what was there */
    if (!ours && u.b->trapped && u.b->trap_cause != TRAP_ECALL_U && u.end == u.b->insn_count)
        return; /* the store that traps */
    if (ours && at && u.patch_count < PATCHES && known_store(u.b, s->insn, s, address, (unsigned)size, theirs)) {
        u.patches[u.patch_count++] = (struct undo){at, s->value, s->size};
        u.next_store++;
        return;
    }
    char *text = u.d->detail;
    size_t n = sizeof u.d->detail;
    if (ours)
        snprintf(text, n, "riv stores %#llx (%u bytes) at %#llx, the reference %#llx (%d bytes) at %#llx",
                 (unsigned long long)masked(s->value, s->size), s->size, (unsigned long long)s->address,
                 (unsigned long long)theirs, size, (unsigned long long)address);
    else
        snprintf(text, n, "the reference stores %#llx (%d bytes) at %#llx, riv nothing", (unsigned long long)theirs,
                 size, (unsigned long long)address);
    u.differing_store = ours ? s : NULL;
    differ("store", state_behind(), u.b->states[state_behind()].pc);
}

/* ---- what Unicorn lacks ---- */

/* Executes instruction i of the batch on the reference's registers and memory with riv's interpreter. */
static bool execute_missing(uint32_t i, const struct insn *in) {
    struct state s;
    unicorn_registers_get(&u.regs, &s);
    s.pc = u.b->insns[i].pc;
    for (uint32_t k = (uint32_t)first_store(i); k < first_store(i + 1); k++) {
        uint8_t *at = mirror_at(u.b->stores[k].address, u.b->stores[k].size);
        if (at)
            log_undo(at, u.b->stores[k].size);
    }
    if (!execute_insn(in, &s))
        return false;
    unicorn_registers_set(&u.regs, &s);
    u.next_store = (uint32_t)first_store(i + 1);
    return true;
}

/* Unicorn has met an exception in the block under way. */
static void on_exception(void) {
    uint64_t expected = u.at < u.b->insn_count ? u.b->insns[u.at].pc : 0;
    uint32_t i = u.at;
    /* the size of a block that ends in such an instruction is not told rightly */
    for (; i < u.b->insn_count && u.b->insns[i].pc == expected; i++) {
        struct insn in;
        expected += insn_length(u.b->insns[i].bits);
        insn_decode(lockstep.isa, u.b->insns[i].bits, &in);
        if (!known_missing(&in))
            continue;
        u.at = u.end = i;
        if (!execute_missing(i, &in)) {
            lockstep.skipped_states++;
            send_on(state_behind());
        } else {
            u.at = u.end = i + 1;
            stop(RESTART, i + 1 < u.b->insn_count ? u.b->insns[i + 1].pc : u.b->states[u.b->state_count - 1].pc);
        }
        lockstep_count_known(KNOWN_MISSING, u.b->insns[i].pc);
        return;
    }
    bool fetch = u.b->trap_cause == TRAP_FETCH_PAGE || u.b->trap_cause == TRAP_FETCH_ACCESS;
    if (u.b->trapped && fetch && i < u.b->insn_count) {
        /* riv does what lies before the page that cannot be fetched, Unicorn nothing of that block */
        lockstep.skipped_states++;
        send_on(u.b->state_count - 1);
        lockstep_count_known(KNOWN_TRAP, u.pc);
        return;
    }
    if (i == u.b->insn_count && !u.b->trapped) { /* its place is not in the batch yet */
        go_back();
        stop(WAITING, u.b->states[u.agreed].pc);
        return;
    }
    if (u.b->trapped && i == u.b->insn_count) {
        const struct state *last = &u.b->states[u.b->state_count - 1];
        u.at = u.end = i;
        lockstep_count_known(KNOWN_TRAP, last->pc);
        if (compare(last->pc))
            stop(WAITING, last->pc);
        return;
    }
    snprintf(u.d->detail, sizeof u.d->detail, "the reference traps, riv does not");
    differ("trap", state_behind(), u.b->states[state_behind()].pc);
}

static void on_interrupt(uc_engine *uc, uint32_t number, void *ctx) {
    if (u.steps)
        stop(WAITING, 0);
    else if (u.verdict == RUNNING)
        on_exception();
}

static bool on_bad_access(uc_engine *uc, uc_mem_type type, uint64_t address, int size, int64_t value, void *ctx) {
    return false;
}

/* ---- the interface ---- */

static bool region_added(const struct region *r) {
    uint32_t prot = r->prot & 7;
    if (prot & UC_PROT_WRITE)
        prot |= UC_PROT_READ;
    uc_err e = uc_mem_map_ptr(u.uc, r->start, r->end - r->start, prot, r->bytes);
    if (e == UC_ERR_OK && reference_unicorn.fast && !fast_region_added(r))
        e = UC_ERR_NOMEM;
    if (e != UC_ERR_OK)
        fprintf(stderr, "riv: diff: Unicorn cannot map %#llx: %s\n", (unsigned long long)r->start, uc_strerror(e));
    return e == UC_ERR_OK;
}
static void region_removed(const struct region *r) {
    if (reference_unicorn.fast)
        fast_region_removed(r);
    if (r->prot & UC_PROT_EXEC)
        uc_ctl_remove_cache(u.uc, r->start, r->end);
    uc_mem_unmap(u.uc, r->start, r->end - r->start);
}
static void code_changed(uint64_t start, uint64_t end) {
    uc_ctl_remove_cache(u.uc, start, end);
    if (reference_unicorn.fast)
        fast_code_changed(start, end);
}
void unicorn_code_written(uint64_t start, uint64_t end) { uc_ctl_remove_cache(u.uc, start, end); }

static bool unicorn_open(const struct state *start, char *err, size_t n) {
    static const struct mirror_listener listener = {region_added, region_removed, code_changed};
    unsigned xlen = lockstep.isa->xlen;
    uc_err e = uc_open(UC_ARCH_RISCV, xlen == 64 ? UC_MODE_RISCV64 : UC_MODE_RISCV32, &u.uc);
    if (e != UC_ERR_OK) {
        snprintf(err, n, "Unicorn: %s", uc_strerror(e));
        return false;
    }
    uint64_t status = 0;
    uc_reg_read(u.uc, UC_RISCV_REG_MSTATUS, &status);
    status |= 0x6000;
    uc_reg_write(u.uc, UC_RISCV_REG_MSTATUS, &status);
    if (!unicorn_registers_find(&u.regs, u.uc, xlen)) {
        snprintf(err, n, "this build of Unicorn keeps its registers where they are not found");
        return false;
    }
    unicorn_registers_set(&u.regs, start);
    reference_unicorn.fast &= xlen == 64;
    if (reference_unicorn.fast && !fast_open(err, n))
        return false;
    mirror_listen(&listener);
    u.pc = start->pc;
    u.state = 1;
    e = uc_hook_add(u.uc, &u.hooks[0], lockstep.step ? UC_HOOK_CODE : UC_HOOK_BLOCK, on_block, NULL, 1, 0);
    if (!e)
        e = uc_hook_add(u.uc, &u.hooks[1], UC_HOOK_MEM_WRITE, on_store, NULL, 1, 0);
    if (!e)
        e = uc_hook_add(u.uc, &u.hooks[2], UC_HOOK_INTR, on_interrupt, NULL, 1, 0);
    if (!e)
        e = uc_hook_add(u.uc, &u.hooks[3], UC_HOOK_MEM_UNMAPPED | UC_HOOK_MEM_PROT, on_bad_access, NULL, 1, 0);
    if (e)
        snprintf(err, n, "Unicorn: %s", uc_strerror(e));
    if (!execute_init()) {
        snprintf(err, n, "out of memory");
        return false;
    }
    return !e;
}

static uint64_t nowhere(void) { return lockstep.isa->xlen == 32 ? NOWHERE_BITS : UINT64_MAX - 15; }

static bool unicorn_run(struct batch *b, uint32_t *agreed, struct divergence *d) {
    u.b = b;
    u.d = d;
    u.agreed = 0;
    do {
        u.verdict = RUNNING;
        u.differing_store = NULL;
        uc_emu_start(u.uc, u.pc, nowhere(), 0, 0);
        if (u.verdict == RUNNING) /* it has stopped of its own accord: an access that fails, an instruction it lacks */
            on_exception();
        apply_patches();
        if (u.verdict == DIFFERS)
            judge();
    } while (u.verdict == RESTART);
    *agreed = u.agreed;
    /* what follows the agreement stays in the batch, which will begin there */
    uint32_t shift = b->states[u.agreed].position;
    if (u.verdict != DIVERGED) {
        u.next_store -= (uint32_t)first_store(shift);
        u.at -= shift;
        u.end = u.at;
        u.state -= u.agreed;
    }
    return u.verdict != DIVERGED;
}

static void unicorn_set(const struct state *s) {
    unicorn_registers_set(&u.regs, s);
    u.pc = s->pc;
    u.at = u.end = u.next_store = 0;
    u.state = 1;
    u.undo_count = 0;
    u.healed = false;
}

static uint32_t unicorn_trace(const struct batch *b, const struct divergence *d, struct state *out, uint32_t max) {
    uc_hook hook;
    undo_all();
    unicorn_registers_set(&u.regs, &d->start);
    u.steps = out;
    u.step_count = 0;
    u.step_max = max;
    u.verdict = RUNNING;
    if (!lockstep.step) {
        uc_hook_del(u.uc, u.hooks[0]);
        uc_hook_add(u.uc, &hook, UC_HOOK_CODE, on_trace_step, NULL, 1, 0);
        uc_ctl_flush_tlb(u.uc);
    }
    uc_emu_start(u.uc, d->start.pc, nowhere(), 0, 0);
    undo_all();
    u.steps = NULL;
    return u.step_count ? u.step_count - 1 : 0;
}

struct reference reference_unicorn = {.name = "unicorn",
                                      .fast = true,
                                      .known = ~(1u << KNOWN_CTZW),
                                      .open = unicorn_open,
                                      .run = unicorn_run,
                                      .set = unicorn_set,
                                      .trace = unicorn_trace};
