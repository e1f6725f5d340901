/* qemu.c: qemu-riscv64 as the reference, driven through its gdb stub.
 *
 *      riv's block   i0 i1 beq i3 i4 ret        breakpoints where the branch would leave the block, and at its end,
 *      qemu          c ─────────────▶ s         which a computed jump reaches with a single step
 *
 * Its stores are in the mirror at once (qemu_hart.c); one is compared as what memory holds at its address.
 */
#include <signal.h>
#include <string.h>

#include "qemu_hart.h"

enum { FEW_INSNS = 3, BREAKPOINTS = 256, UNDO_MAX = 1 << 16 };
enum arrival { ARRIVED, ELSEWHERE, TRAPPED, HUNG };

struct undo {
    uint64_t address;
    uint8_t old;
};

static struct {
    struct batch *b;
    struct divergence *d;
    uint32_t at; /* instructions of the batch done */
    uint64_t breakpoints[BREAKPOINTS];
    unsigned breakpoint_count;
    struct undo undo[UNDO_MAX]; /* what was in the mirror at the last agreement */
    uint32_t undo_count;
} q;

/* ---- memory ---- */

static void remember(uint64_t address, uint32_t size) {
    for (uint32_t i = 0; i < size && q.undo_count < UNDO_MAX; i++) {
        const uint8_t *at = mirror_at(address + i, 1);
        if (at)
            q.undo[q.undo_count++] = (struct undo){address + i, *at};
    }
}

static void undo_all(void) {
    while (q.undo_count) {
        const struct undo *un = &q.undo[--q.undo_count];
        uint8_t *at = mirror_at(un->address, 1);
        if (at)
            *at = un->old;
    }
}

/* ---- running ---- */

static const struct store *stores_of(uint32_t insn) { return &q.b->stores[q.b->insns[insn].store]; }

static bool is_inserted(uint64_t address) {
    for (unsigned i = 0; i < q.breakpoint_count; i++)
        if (q.breakpoints[i] == address)
            return true;
    return false;
}

static void take_out(unsigned i) {
    if (!gdb_breakpoint(&qemu_hart.gdb, false, q.breakpoints[i]))
        qemu_gone();
    q.breakpoints[i] = q.breakpoints[--q.breakpoint_count];
}

static bool insert(uint64_t address) {
    if (is_inserted(address))
        return true;
    if (q.breakpoint_count == BREAKPOINTS)
        return false;
    if (!gdb_breakpoint(&qemu_hart.gdb, true, address))
        qemu_gone();
    q.breakpoints[q.breakpoint_count++] = address;
    return true;
}

static bool passes(uint32_t from, uint32_t to, uint64_t pc) {
    for (uint32_t i = from; i < to; i++)
        if (q.b->insns[i].pc == pc)
            return true;
    return false;
}

/* Where instruction i of the batch would have gone had its branch gone the other way; false: it is no branch. */
static bool other_way(uint32_t i, uint64_t next, uint64_t *pc) {
    struct insn in;
    insn_decode(lockstep.isa, q.b->insns[i].bits, &in);
    if (insn_rows[in.id].format != FMT_B)
        return false;
    uint64_t taken = q.b->insns[i].pc + (uint64_t)(int64_t)in.imm, not_taken = q.b->insns[i].pc + in.len;
    *pc = next == taken ? not_taken : taken;
    return taken != not_taken;
}

/* Breakpoints for instructions from .. to, the last of which leads to goal. False: single steps have to do. */
static bool place_breakpoints(uint32_t from, uint32_t to, uint64_t goal) {
    if (passes(from + 1, to, goal))
        return false;
    for (unsigned i = q.breakpoint_count; i-- > 0;)
        if (passes(from + 1, to, q.breakpoints[i]) ||
            (q.breakpoint_count > BREAKPOINTS - 64 && q.breakpoints[i] != goal))
            take_out(i);
    for (uint32_t i = from; i < to; i++) {
        uint64_t pc, next = i + 1 < to ? q.b->insns[i + 1].pc : goal;
        if (other_way(i, next, &pc) && !passes(from, to, pc) && pc != goal && !insert(pc))
            return false;
    }
    return insert(goal);
}

static bool is_computed_jump(uint32_t i) {
    struct insn in;
    insn_decode(lockstep.isa, q.b->insns[i].bits, &in);
    return insn_rows[in.id].format == FMT_JR;
}

/* The instructions from .. to of the batch have been executed. */
static void done(uint32_t from, uint32_t to) {
    for (uint32_t i = from; i < to; i++) {
        struct insn in;
        insn_decode(lockstep.isa, q.b->insns[i].bits, &in);
        qemu_make_stale(&in);
    }
    q.at = to;
}

/* Some qemu may lack it. */
static bool is_extension(const struct insn *in) {
    static const char *const common[] = {"I", "I_64", "M", "M_64", "A",     "A_64",
                                         "F", "F_64", "D", "D_64", "Zicsr", "Zifencei"};
    if (in->id == INSN_ILLEGAL)
        return false;
    if (in->len == 2)
        return known_missing(in); /* Zcb */
    for (size_t k = 0; k < sizeof common / sizeof *common; k++)
        if (strcmp(common[k], insn_rows[in->id].extension) == 0)
            return false;
    return true;
}

/* qemu has stopped with a signal at an instruction that it does not know: riv executes it. False: it is another one. */
static bool execute_missing(uint32_t to) {
    struct insn in;
    uint32_t i = q.at;
    while (i < to && q.b->insns[i].pc != qemu_hart.now.pc)
        i++;
    if (i == to)
        return false;
    insn_decode(lockstep.isa, q.b->insns[i].bits, &in);
    if (!is_extension(&in))
        return false;
    done(q.at, i);
    qemu_read_stale();
    struct state s = qemu_hart.now;
    if (!execute_insn(&in, &s))
        return false;
    qemu_set_registers(&s);
    lockstep_count_known(KNOWN_MISSING, s.pc - in.len);
    q.at = i + 1;
    return true;
}

static enum arrival run_on(uint32_t to, uint64_t end) {
    while (q.at < to) {
        uint32_t last = is_computed_jump(to - 1) ? to - 1 : to, from = q.at;
        uint64_t goal = last < to ? q.b->insns[last].pc : end;
        bool step = last - q.at <= FEW_INSNS || !place_breakpoints(q.at, last, goal);
        if (!step && is_inserted(q.b->insns[q.at].pc)) /* it would not leave from there */
            step = true;
        int signal = gdb_resume(&qemu_hart.gdb, step, QEMU_RUN_MS);
        if (signal == GDB_RUNNING) {
            qemu_hart.alive = false;
            kill(qemu_hart.process.pid, SIGKILL);
            return HUNG;
        }
        if (signal == GDB_GONE)
            qemu_gone();
        if (signal == GDB_SIGTRAP && step) {
            done(from, from + 1);
            continue;
        }
        qemu_read_core();
        if (signal == GDB_SIGTRAP) {
            done(from, last);
            if (qemu_hart.now.pc != goal)
                return ELSEWHERE;
        } else if (signal != GDB_SIGILL || !execute_missing(to)) {
            qemu_hart.stale = ~UINT64_C(0);
            return TRAPPED;
        }
    }
    qemu_read_core();
    return ARRIVED;
}

/* ---- comparing ---- */

/* The first of riv's stores among instructions from .. to that memory does not show, or NULL. */
static const struct store *differing_store(uint32_t from, uint32_t to) {
    const struct store *first = stores_of(from), *end = stores_of(to);
    for (const struct store *s = first; s < end; s++)
        for (uint32_t byte = 0; byte < s->size && byte < 8; byte++) {
            uint64_t address = s->address + byte;
            const uint8_t *at = mirror_at(address, 1);
            bool later = !at;
            for (const struct store *o = s + 1; o < end && !later; o++)
                later = address - o->address < o->size;
            if (!later && *at != (uint8_t)(s->value >> byte * 8)) {
                uint64_t theirs = 0;
                for (uint32_t k = 0; k < s->size && k < 8 && mirror_at(s->address + k, 1); k++)
                    theirs |= (uint64_t)*mirror_at(s->address + k, 1) << k * 8;
                snprintf(q.d->detail, sizeof q.d->detail,
                         "riv stores %#llx (%u bytes) at %#llx, the reference has %#llx there",
                         (unsigned long long)s->value, s->size, (unsigned long long)s->address,
                         (unsigned long long)theirs);
                return s;
            }
        }
    return NULL;
}

static bool same_registers(const struct state *s) {
    return memcmp(s->x, qemu_hart.now.x, sizeof s->x) == 0 && memcmp(s->f, qemu_hart.now.f, sizeof s->f) == 0 &&
           s->fcsr == qemu_hart.now.fcsr;
}

/* The reference gets riv's registers and stores. */
static void take_over(uint32_t from, uint32_t to, const struct state *ours) {
    for (const struct store *s = stores_of(from); s < stores_of(to); s++)
        for (uint32_t byte = 0; byte < s->size && byte < 8; byte++) {
            uint8_t *at = mirror_at(s->address + byte, 1);
            if (at)
                *at = (uint8_t)(s->value >> byte * 8);
        }
    qemu_set_registers(ours);
}

/* What differs in the segment that leads to a state; NULL: nothing. */
static const char *compare(enum arrival how, const struct state *before, const struct state *ours,
                           const struct store **store) {
    *store = NULL;
    q.d->detail[0] = 0;
    if (how == HUNG) {
        snprintf(q.d->detail, sizeof q.d->detail, "the reference has not left the block within %d seconds",
                 QEMU_RUN_MS / 1000);
        return "pc";
    }
    qemu_read_stale();
    if (how == TRAPPED) {
        snprintf(q.d->detail, sizeof q.d->detail, "the reference traps at %#llx, riv does not",
                 (unsigned long long)qemu_hart.now.pc);
        return "trap";
    }
    if (qemu_hart.now.pc != ours->pc)
        return "pc";
    *store = differing_store(before->position, ours->position);
    if (*store)
        return "store";
    return same_registers(ours) ? NULL : "registers";
}

/* One state to the next. False: they part. */
static bool segment(uint32_t state) {
    const struct state *before = &q.b->states[state - 1], *ours = &q.b->states[state];
    for (bool healed = false;; healed = true) {
        const struct store *store;
        q.at = before->position;
        q.undo_count = 0;
        for (const struct store *s = stores_of(before->position); s < stores_of(ours->position); s++)
            remember(s->address, s->size);
        enum arrival how = run_on(ours->position, ours->pc);
        const char *what = compare(how, before, ours, &store);
        if (!what)
            return true;
        if (how != HUNG && known_explains(q.b, before->position, ours->position, ours, &qemu_hart.now, store)) {
            take_over(before->position, ours->position, ours);
            return true;
        }
        struct divergence *d = q.d;
        d->what = what;
        d->from = before->position;
        d->start = *before;
        d->ours = *ours;
        d->to = ours->position;
        d->theirs = qemu_hart.now;
        d->theirs.position = d->to;
        for (uint32_t i = q.at; how == TRAPPED && i < d->to && !d->located; i++)
            if (q.b->insns[i].pc == qemu_hart.now.pc) {
                d->located = true;
                d->insn = i;
            }
        d->store_insn = store ? store->insn : UINT32_MAX;
        uint32_t first = q.b->insns[before->position].store;
        if (how == HUNG || healed)
            return false;
        undo_all();
        if (!mirror_adopt(&q.b->stores[first], q.b->store_count - first))
            return false;
        lockstep_count_known(KNOWN_OUTSIDE, before->pc);
        qemu_set_registers(before);
    }
}

/* riv's batch ends in a trap that is no system call: the reference has to trap as well. */
static bool compare_trap(uint32_t state) {
    const struct state *ours = &q.b->states[state];
    int signal = gdb_resume(&qemu_hart.gdb, true, QEMU_RUN_MS);
    if (signal < 0)
        qemu_gone();
    qemu_read_core();
    if (qemu_hart.now.pc == ours->pc && same_registers(ours))
        return true;
    bool misaligned = q.b->trap_cause == TRAP_LOAD_MISALIGNED || q.b->trap_cause == TRAP_STORE_MISALIGNED;
    if (misaligned || lockstep.hart->trap.host_signal == SIGBUS) { /* behind the end of a file the copy has memory */
        lockstep_count_known(KNOWN_TRAP, ours->pc);
        qemu_hart.stale = ~UINT64_C(0);
        qemu_set_registers(ours);
        return true;
    }
    *q.d = (struct divergence){
        .what = "trap", .from = ours->position, .to = ours->position, .start = *ours, .ours = *ours};
    snprintf(q.d->detail, sizeof q.d->detail, "riv traps (cause %u), the reference does not", q.b->trap_cause);
    q.d->theirs = qemu_hart.now;
    q.d->store_insn = UINT32_MAX;
    return false;
}

static bool qemu_run(struct batch *b, uint32_t *agreed, struct divergence *d) {
    q.b = b;
    q.d = d;
    *agreed = 0;
    if (qemu_hart.parked)
        qemu_set_registers(&b->states[0]);
    for (uint32_t state = 1; state < b->state_count; state++) {
        if (!segment(state))
            return false;
        lockstep.states += b->states[state].position > b->states[state - 1].position;
        *agreed = state;
    }
    return !b->trapped || b->trap_cause == TRAP_ECALL_U || compare_trap(b->state_count - 1);
}

static uint32_t qemu_trace(const struct batch *b, const struct divergence *d, struct state *out, uint32_t max) {
    uint32_t n = 0;
    if (!qemu_hart.alive)
        return 0;
    undo_all();
    qemu_hart.stale = ~UINT64_C(0);
    qemu_set_registers(&d->start);
    for (; n < max; n++) {
        const uint8_t *code = mirror_at(qemu_hart.now.pc, 2);
        out[n] = qemu_hart.now; /* where it can go no further */
        out[n].position = n + 1;
        uint32_t bits = 0;
        struct insn in;
        uint64_t address;
        if (code)
            memcpy(&bits, code, 2);
        if (code && insn_length(bits) == 4 && (code = mirror_at(qemu_hart.now.pc, 4)))
            memcpy(&bits, code, 4);
        if (code)
            insn_decode(lockstep.isa, bits, &in);
        if (!code || in.id == INSN_ecall) {
            n++;
            break;
        }
        if (execute_address(&in, &qemu_hart.now, &address))
            remember(address, insn_rows[in.id].format == FMT_CBO ? 64 : 16);
        int signal = gdb_resume(&qemu_hart.gdb, true, QEMU_RUN_MS);
        if (signal < 0)
            break;
        if (signal == GDB_SIGTRAP) {
            qemu_make_stale(&in);
            qemu_read_core();
        } else {
            struct state s = qemu_hart.now;
            if (signal != GDB_SIGILL || !is_extension(&in) || !execute_insn(&in, &s)) {
                n++;
                break;
            }
            qemu_set_registers(&s);
        }
        qemu_read_stale();
        out[n] = qemu_hart.now;
        out[n].position = n + 1;
    }
    undo_all();
    return n;
}

struct reference reference_qemu = {.name = "qemu",
                                   .known =
                                       1u << KNOWN_COUNTER | 1u << KNOWN_SC | 1u << KNOWN_OUTSIDE | 1u << KNOWN_CTZW,
                                   .open = qemu_hart_open,
                                   .run = qemu_run,
                                   .set = qemu_set_registers,
                                   .trace = qemu_trace,
                                   .leave = qemu_hart_leave};
