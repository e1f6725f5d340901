/* qemu.c: qemu-riscv64 as the reference, driven through its gdb stub.
 *
 *      riv's block   i0 i1 beq i3 i4 ret        breakpoints where the branch would leave the block, and at its end,
 *      qemu          c ─────────────▶ s         which a computed jump reaches with a single step
 *
 * qemu runs no program: its guest is a page with an ecall, and each piece of the mirror is mapped into it with a call
 * of mmap made there.  So its stores are in the mirror at once.  A store is compared as what memory holds at its
 * address.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../user/user.h"
#include "diff.h"
#include "gdb_client.h"
#include "qemu_process.h"

enum { FEW_INSNS = 3, BREAKPOINTS = 32, RUN_MS = 10000, UNDO_MAX = 1 << 16, MAPPED_MAX = 256 };
#define GUESTS_ALONE (UINT64_C(1) << 39) /* below, qemu has nothing of its own */
enum arrival { ARRIVED, ELSEWHERE, TRAPPED, HUNG };

struct undo {
    uint64_t address;
    uint8_t old;
};

static struct {
    const char *program;
    struct qemu_process process;
    struct gdb gdb;
    struct state now; /* what qemu's registers are, apart from stale */
    uint64_t stale;   /* f registers (bits 32 to 63) that may have changed since they were read; bit 0: fcsr */
    bool parked;      /* pc is at the end of qemu's own program */
    struct batch *b;
    struct divergence *d;
    uint32_t at; /* instructions of the batch done */
    uint64_t breakpoints[BREAKPOINTS];
    unsigned breakpoint_count;
    struct undo undo[UNDO_MAX]; /* what was in the mirror at the last agreement */
    uint32_t undo_count;
    bool alive; /* it can be asked */
    struct extent {
        uint64_t start, end;
    } own[MAPPED_MAX]; /* qemu's own memory */
    unsigned own_count;
} q;

void qemu_name(const char *program) { q.program = program; }

static _Noreturn void gone(void) {
    char words[200], line[400];
    q.alive = false;
    qemu_last_words(words, sizeof words);
    snprintf(line, sizeof line, "%s has ended or does not answer%s%s", q.program, words[0] ? ": " : "", words);
    lockstep_give_up(line);
}

/* ---- registers ---- */

static void read_core(void) {
    if (!gdb_read_core(&q.gdb, q.now.x, &q.now.pc))
        gone();
}

static void read_fcsr(void) {
    uint64_t flags, frm;
    if (!gdb_read(&q.gdb, q.gdb.fflags, &flags) || !gdb_read(&q.gdb, q.gdb.frm, &frm))
        gone();
    q.now.fcsr = (uint32_t)((flags & 31) | (frm & 7) << 5);
}

static void read_stale(void) {
    for (unsigned i = 0; i < 32; i++)
        if (q.stale >> (32 + i) & 1 && !gdb_read(&q.gdb, q.gdb.f0 + i, &q.now.f[i]))
            gone();
    if (q.stale & 1)
        read_fcsr();
    q.stale = 0;
}

static void set_registers(const struct state *s) {
    bool good = true;
    unsigned differing = 0;
    for (unsigned i = 1; i < 32; i++)
        differing += s->x[i] != q.now.x[i];
    if (differing > 2) {
        good = gdb_write_core(&q.gdb, s->x, s->pc);
    } else {
        for (unsigned i = 1; i < 32 && good; i++)
            if (s->x[i] != q.now.x[i])
                good = gdb_write(&q.gdb, i, s->x[i], q.gdb.xlen / 8);
        if (good && s->pc != q.now.pc)
            good = gdb_write(&q.gdb, 32, s->pc, q.gdb.xlen / 8);
    }
    for (unsigned i = 0; i < 32 && good; i++)
        if (s->f[i] != q.now.f[i] || q.stale >> (32 + i) & 1)
            good = gdb_write(&q.gdb, q.gdb.f0 + i, s->f[i], 8);
    if (good && (s->fcsr != q.now.fcsr || q.stale & 1))
        good = gdb_write(&q.gdb, q.gdb.fflags, s->fcsr & 31, q.gdb.xlen / 8) &&
               gdb_write(&q.gdb, q.gdb.frm, s->fcsr >> 5 & 7, q.gdb.xlen / 8);
    if (!good)
        gone();
    q.now = *s;
    q.stale = 0;
    q.parked = false;
}

/* An instruction has been executed. */
static void make_stale(const struct insn *in) {
    uint64_t reads, writes;
    const char *extension = insn_rows[in->id].extension;
    uint8_t format = insn_rows[in->id].format;
    known_uses(in, &reads, &writes);
    q.stale |= writes & ~UINT64_C(0xffffffff);
    if (format == FMT_CSR || format == FMT_CSRI || format >= FMT_FIL || *extension == 'F' || *extension == 'D')
        q.stale |= 1;
}

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

/* A call made by qemu's own program; its registers are as before afterwards. */
static uint64_t call(uint64_t number, const uint64_t *a, unsigned count) {
    struct state before = q.now, s = q.now;
    uint64_t stale = q.stale;
    memcpy(&s.x[10], a, count * sizeof *a);
    s.x[17] = number;
    q.stale = 0; /* no concern of this call's */
    s.pc = q.process.call;
    set_registers(&s);
    if (gdb_resume(&q.gdb, true, RUN_MS) != GDB_SIGTRAP)
        gone();
    read_core();
    uint64_t result = q.gdb.xlen == 32 ? (uint32_t)q.now.x[10] : q.now.x[10];
    set_registers(&before);
    q.stale = stale;
    return result;
}

static bool is_own(uint64_t start, uint64_t end) {
    bool own = start < q.process.page + GUEST_PAGE && end > q.process.page;
    for (unsigned i = 0; i < q.own_count; i++)
        own |= start < q.own[i].end && end > q.own[i].start;
    return own;
}

static bool map(uint64_t start, uint64_t end, uint32_t prot, uint64_t offset) {
    if (is_own(start, end)) {
        char line[200];
        snprintf(line, sizeof line, "the guest has memory at %#llx, where %s has its own", (unsigned long long)start,
                 q.program);
        lockstep_give_up(line);
    }
    if (prot & PROT_WRITE)
        prot |= PROT_READ;
    if (q.gdb.xlen == 32)
        offset /= GUEST_PAGE;
    return call(222, (uint64_t[]){start, end - start, prot, MAP_SHARED | MAP_FIXED, QEMU_MEMORY_FD, offset}, 6) ==
           start;
}

static bool region_added(const struct region *r) { return map(r->start, r->end, r->prot, r->offset); }
static void region_removed(const struct region *r) { call(215, (uint64_t[]){r->start, r->end - r->start}, 2); }
/* It notices what it writes itself; of what is written from outside it must forget its translations. */
static void code_changed(uint64_t start, uint64_t end) {
    for (uint64_t page = PAGE_DOWN(start); page < end; page += GUEST_PAGE) {
        uint32_t prot;
        uint64_t offset;
        if (mirror_page(page, &prot, &offset))
            map(page, page + GUEST_PAGE, prot, offset);
    }
}

/* What is in qemu's address space, but for its guest's stack, which is not needed. */
static void find_own_memory(void) {
    char path[64], line[512];
    snprintf(path, sizeof path, "/proc/%d/maps", (int)q.process.pid);
    FILE *maps = fopen(path, "re");
    while (maps && fgets(line, sizeof line, maps)) {
        unsigned long long start, end;
        if (sscanf(line, "%llx-%llx", &start, &end) != 2 || start < GUESTS_ALONE)
            continue;
        if (q.own_count && (start == q.own[q.own_count - 1].end || q.own_count == MAPPED_MAX))
            q.own[q.own_count - 1].end = end;
        else
            q.own[q.own_count++] = (struct extent){start, end};
    }
    if (maps)
        fclose(maps);
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
    if (!gdb_breakpoint(&q.gdb, false, q.breakpoints[i]))
        gone();
    q.breakpoints[i] = q.breakpoints[--q.breakpoint_count];
}

static bool insert(uint64_t address) {
    if (is_inserted(address))
        return true;
    if (q.breakpoint_count == BREAKPOINTS)
        return false;
    if (!gdb_breakpoint(&q.gdb, true, address))
        gone();
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
            (q.breakpoint_count > BREAKPOINTS / 2 && q.breakpoints[i] != goal))
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
        make_stale(&in);
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
    while (i < to && q.b->insns[i].pc != q.now.pc)
        i++;
    if (i == to)
        return false;
    insn_decode(lockstep.isa, q.b->insns[i].bits, &in);
    if (!is_extension(&in))
        return false;
    done(q.at, i);
    read_stale();
    struct state s = q.now;
    if (!execute_insn(&in, &s))
        return false;
    set_registers(&s);
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
        int signal = gdb_resume(&q.gdb, step, RUN_MS);
        if (signal == GDB_RUNNING) {
            q.alive = false;
            kill(q.process.pid, SIGKILL);
            return HUNG;
        }
        if (signal == GDB_GONE)
            gone();
        if (signal == GDB_SIGTRAP && step) {
            done(from, from + 1);
            continue;
        }
        read_core();
        if (signal == GDB_SIGTRAP) {
            done(from, last);
            if (q.now.pc != goal)
                return ELSEWHERE;
        } else if (signal != GDB_SIGILL || !execute_missing(to)) {
            q.stale = ~UINT64_C(0);
            return TRAPPED;
        }
    }
    read_core();
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
    return memcmp(s->x, q.now.x, sizeof s->x) == 0 && memcmp(s->f, q.now.f, sizeof s->f) == 0 && s->fcsr == q.now.fcsr;
}

/* The reference gets riv's registers and stores. */
static void take_over(uint32_t from, uint32_t to, const struct state *ours) {
    for (const struct store *s = stores_of(from); s < stores_of(to); s++)
        for (uint32_t byte = 0; byte < s->size && byte < 8; byte++) {
            uint8_t *at = mirror_at(s->address + byte, 1);
            if (at)
                *at = (uint8_t)(s->value >> byte * 8);
        }
    set_registers(ours);
}

/* What differs in the segment that leads to a state; NULL: nothing. */
static const char *compare(enum arrival how, const struct state *before, const struct state *ours,
                           const struct store **store) {
    *store = NULL;
    q.d->detail[0] = 0;
    if (how == HUNG) {
        snprintf(q.d->detail, sizeof q.d->detail, "the reference has not left the block within %d seconds",
                 RUN_MS / 1000);
        return "pc";
    }
    read_stale();
    if (how == TRAPPED) {
        snprintf(q.d->detail, sizeof q.d->detail, "the reference traps at %#llx, riv does not",
                 (unsigned long long)q.now.pc);
        return "trap";
    }
    if (q.now.pc != ours->pc)
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
        if (how != HUNG && known_explains(q.b, before->position, ours->position, ours, &q.now, store)) {
            take_over(before->position, ours->position, ours);
            return true;
        }
        struct divergence *d = q.d;
        d->what = what;
        d->from = before->position;
        d->start = *before;
        d->ours = *ours;
        d->to = ours->position;
        d->theirs = q.now;
        d->theirs.position = d->to;
        for (uint32_t i = q.at; how == TRAPPED && i < d->to && !d->located; i++)
            if (q.b->insns[i].pc == q.now.pc) {
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
        set_registers(before);
    }
}

/* riv's batch ends in a trap that is no system call: the reference has to trap as well. */
static bool compare_trap(uint32_t state) {
    const struct state *ours = &q.b->states[state];
    int signal = gdb_resume(&q.gdb, true, RUN_MS);
    if (signal < 0)
        gone();
    read_core();
    if (q.now.pc == ours->pc && same_registers(ours))
        return true;
    bool misaligned = q.b->trap_cause == TRAP_LOAD_MISALIGNED || q.b->trap_cause == TRAP_STORE_MISALIGNED;
    if (misaligned || lockstep.hart->trap.host_signal == SIGBUS) { /* behind the end of a file the copy has memory */
        lockstep_count_known(KNOWN_TRAP, ours->pc);
        q.stale = ~UINT64_C(0);
        set_registers(ours);
        return true;
    }
    *q.d = (struct divergence){
        .what = "trap", .from = ours->position, .to = ours->position, .start = *ours, .ours = *ours};
    snprintf(q.d->detail, sizeof q.d->detail, "riv traps (cause %u), the reference does not", q.b->trap_cause);
    q.d->theirs = q.now;
    q.d->store_insn = UINT32_MAX;
    return false;
}

static bool qemu_run(struct batch *b, uint32_t *agreed, struct divergence *d) {
    q.b = b;
    q.d = d;
    *agreed = 0;
    if (q.parked)
        set_registers(&b->states[0]);
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
    if (!q.alive)
        return 0;
    undo_all();
    q.stale = ~UINT64_C(0);
    set_registers(&d->start);
    for (; n < max; n++) {
        const uint8_t *code = mirror_at(q.now.pc, 2);
        out[n] = q.now; /* where it can go no further */
        out[n].position = n + 1;
        uint32_t bits = 0;
        struct insn in;
        uint64_t address;
        if (code)
            memcpy(&bits, code, 2);
        if (code && insn_length(bits) == 4 && (code = mirror_at(q.now.pc, 4)))
            memcpy(&bits, code, 4);
        if (code)
            insn_decode(lockstep.isa, bits, &in);
        if (!code || in.id == INSN_ecall) {
            n++;
            break;
        }
        if (execute_address(&in, &q.now, &address))
            remember(address, insn_rows[in.id].format == FMT_CBO ? 64 : 16);
        int signal = gdb_resume(&q.gdb, true, RUN_MS);
        if (signal < 0)
            break;
        if (signal == GDB_SIGTRAP) {
            make_stale(&in);
            read_core();
        } else {
            struct state s = q.now;
            if (signal != GDB_SIGILL || !is_extension(&in) || !execute_insn(&in, &s)) {
                n++;
                break;
            }
            set_registers(&s);
        }
        read_stale();
        out[n] = q.now;
        out[n].position = n + 1;
    }
    undo_all();
    return n;
}

static bool qemu_open(const struct state *start, char *err, size_t n) {
    static const struct mirror_listener listener = {region_added, region_removed, code_changed};
    char why[200];
    int memory = memfd_create("riv-diff", MFD_CLOEXEC);
    int high = memory < 0 ? -1 : fcntl(memory, F_DUPFD_CLOEXEC, 900);
    close(memory);
    if (high < 0) {
        snprintf(err, n, "no file for the reference's memory: %s", strerror(errno));
        return false;
    }
    if (!q.program)
        q.program = lockstep.isa->xlen == 64 ? "qemu-riscv64" : "qemu-riscv32";
    if (!qemu_start(&q.process, q.program, lockstep.isa, high, err, n))
        return false;
    if (!gdb_open(&q.gdb, q.process.socket, lockstep.isa->xlen, why, sizeof why)) {
        snprintf(err, n, "%s: %s", q.program, why);
        return false;
    }
    if (!execute_init()) {
        snprintf(err, n, "out of memory");
        return false;
    }
    q.alive = true;
    find_own_memory();
    read_core();
    q.stale = ~UINT64_C(0);
    set_registers(start);
    mirror_share(high);
    mirror_listen(&listener);
    return true;
}

static void qemu_set(const struct state *s) { set_registers(s); }

/* riv's process may be replaced by another program, with which the connection ends; then qemu goes on by itself. */
static void qemu_leave(void) {
    struct state s = q.now;
    if (!q.alive || q.parked)
        return;
    s.pc = q.process.ending;
    s.x[10] = 0;
    set_registers(&s);
    q.parked = true;
}

struct reference reference_qemu = {.name = "qemu",
                                   .known =
                                       1u << KNOWN_COUNTER | 1u << KNOWN_SC | 1u << KNOWN_OUTSIDE | 1u << KNOWN_CTZW,
                                   .open = qemu_open,
                                   .run = qemu_run,
                                   .set = qemu_set,
                                   .trace = qemu_trace,
                                   .leave = qemu_leave};
