/* interp.c: riv's own interpreter as the reference: for RV32, and for instructions that Unicorn lacks.
 *
 * It runs in the guest's own memory, on a hart and an engine of its own.  Before it does, memory where riv has stored
 * since the batch began becomes what it was, which the mirror knows; it makes the same stores again, or they differ:
 *
 *      guest    old ──riv's stores──▶ new ──from the mirror──▶ old ──the reference's stores──▶ new
 *      mirror   old ─────────────────────────────────────────────────at each agreement──────▶ new
 *
 * Meanwhile no signal is taken and no other thread of the guest runs.
 */
#include <signal.h>
#include <string.h>

#include "../../translate/engine.h"
#include "../../user/user.h"
#include "../../user/vma.h"
#include "diff.h"

static struct {
    struct task task; /* with its hart */
    struct engine *engine;
    struct batch *b;
    struct divergence *d;
    uint32_t at;            /* instructions of the batch done */
    uint32_t next_store;    /* of the batch */
    uint32_t agreed, state; /* the last state both agreed on, the next to compare */
    const char *what;       /* differs; NULL: nothing yet */
    const struct store *differing_store;
    struct store stores[BATCH_STORES]; /* its own since the last agreement */
    uint32_t store_count;
    uint64_t present[BATCH_STORES]; /* what is where riv has stored, other threads' stores since then included */
    /* single steps for trace */
    struct state *steps;
    uint32_t step_count, step_max;
} ref;

static uint32_t first_store(uint32_t insn) { return ref.b->insns[insn].store; }

static void differ(const char *what) {
    if (!ref.what)
        ref.what = what;
}

/* The guest's memory, size bytes at address, becomes from's. */
static void put(uint64_t address, const void *from, uint32_t size) {
    copy_out(address, from, size);
    if (mirror_executable(address))
        engine_code_changed(ref.engine, address, address + size);
}

/* The guest's memory where there were stores becomes the mirror's. */
static void roll_back(const struct store *stores, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t byte = 0; byte < stores[i].size;) { /* in one piece, but for stores across mappings */
            const uint8_t *all = byte ? NULL : mirror_at(stores[i].address, stores[i].size);
            uint32_t n = all ? stores[i].size : 1;
            const uint8_t *from = all ? all : mirror_at(stores[i].address + byte, 1);
            if (from)
                put(stores[i].address + byte, from, n);
            byte += n;
        }
}

/* The mirror has riv's stores up to instruction `to` of the batch; with them the guest's memory where wanted. */
static void roll_on(uint32_t from, uint32_t to, bool guest) {
    for (uint32_t k = first_store(from); k < first_store(to); k++) {
        const struct store *s = &ref.b->stores[k];
        for (uint32_t byte = 0; byte < s->size; byte++) {
            uint8_t *at = mirror_at(s->address + byte, 1);
            if (at)
                *at = (uint8_t)(s->value >> byte * 8);
        }
        if (guest)
            put(s->address, &s->value, s->size);
    }
}

static void agree(uint32_t state) {
    roll_on(ref.b->states[ref.agreed].position, ref.b->states[state].position, false);
    ref.agreed = state;
    ref.state = state + 1;
    ref.store_count = 0;
}

static bool same(const struct state *a, const struct state *b) {
    return a->pc == b->pc && a->fcsr == b->fcsr && memcmp(a->x, b->x, sizeof a->x) == 0 &&
           memcmp(a->f, b->f, sizeof a->f) == 0;
}

static void keep_present(void) {
    for (uint32_t k = 0; k < ref.b->store_count; k++)
        copy_in(&ref.present[k], ref.b->stores[k].address, ref.b->stores[k].size);
}

static void restore_present(void) {
    for (uint32_t k = 0; k < ref.b->store_count; k++) {
        const struct store *s = &ref.b->stores[k];
        uint64_t now = 0, then = 0;
        memcpy(&then, &ref.present[k], s->size);
        if (copy_in(&now, s->address, s->size) != 0 || now == then)
            continue;
        put(s->address, &then, s->size);
        mirror_copy(s->address, s->address + s->size);
    }
}

/* Between two instructions: compares where riv has a state. */
static void compare(void) {
    const struct batch *b = ref.b;
    struct state now;
    if (ref.what)
        return;
    if (ref.next_store < first_store(ref.at)) {
        const struct store *s = &b->stores[ref.next_store];
        snprintf(ref.d->detail, sizeof ref.d->detail,
                 "riv's store of %u bytes at %#llx, which the reference does not make", s->size,
                 (unsigned long long)s->address);
        ref.differing_store = s;
        differ("store");
        return;
    }
    if (ref.state >= b->state_count || b->states[ref.state].position != ref.at)
        return;
    /* a block without instructions (a trap at its start) has the state before it */
    while (ref.state + 1 < b->state_count && b->states[ref.state + 1].position == ref.at)
        ref.state++;
    state_of_hart(&now, &ref.task.hart);
    if (!same(&now, &b->states[ref.state])) {
        differ(now.pc != b->states[ref.state].pc ? "pc" : "registers");
        return;
    }
    lockstep.states++;
    agree(ref.state);
}

static void on_store(const struct record *r) {
    const struct batch *b = ref.b;
    if (ref.store_count < BATCH_STORES)
        ref.stores[ref.store_count++] = (struct store){r->address, r->value, r->size, ref.at - 1};
    if (mirror_executable(r->address))
        engine_code_changed(ref.engine, r->address, r->address + r->size);
    if (ref.steps || ref.what)
        return;
    const struct store *s = ref.next_store < b->store_count ? &b->stores[ref.next_store] : NULL;
    if (s && s->insn != ref.at - 1)
        s = NULL;
    if (s && s->address == r->address && s->size == r->size && s->value == r->value) {
        ref.next_store++;
        return;
    }
    int n = s ? snprintf(ref.d->detail, sizeof ref.d->detail, "riv stores %#llx (%u bytes) at %#llx, ",
                         (unsigned long long)s->value, s->size, (unsigned long long)s->address)
              : 0;
    snprintf(ref.d->detail + n, sizeof ref.d->detail - (size_t)n, "the reference %s%#llx (%u bytes) at %#llx%s",
             s ? "" : "stores ", (unsigned long long)r->value, r->size, (unsigned long long)r->address,
             s ? "" : ", riv nothing");
    ref.differing_store = s;
    differ("store");
}

static void on_records(void *ctx, struct hart *h, const struct record *r, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (r[i].kind == RECORD_STORE) {
            on_store(&r[i]);
        } else if (r[i].kind == RECORD_INSN) {
            bool expected = ref.at < ref.b->insn_count && ref.b->insns[ref.at].pc == r[i].address;
            if (!ref.steps && !expected)
                differ("pc");
            ref.at++;
        }
    }
}

static void on_block(void *ctx, struct hart *h) {
    if (ref.steps) {
        state_of_hart(&ref.steps[ref.step_count], h);
        ref.steps[ref.step_count].position = ref.step_count + 1;
        if (++ref.step_count == ref.step_max)
            engine_kick(h);
        return;
    }
    compare();
    if (ref.what || (ref.at >= ref.b->insn_count && !ref.b->trapped))
        engine_kick(h);
}

static size_t fetch(void *ctx, uint64_t pc, const uint8_t **host, uint32_t *cause) {
    size_t n = watch_fetch(ctx, pc, host, cause);
    const uint8_t *planted = n && mirror_planted(pc) ? mirror_at(pc, n) : NULL;
    if (planted)
        *host = planted;
    return n;
}
/* Its decoded code is dropped by put and on_store. */
static bool watch_nothing(void *ctx, uint64_t address) { return false; }

static bool region_added(const struct region *r) {
    engine_code_changed(ref.engine, r->start, r->end);
    return true;
}
static void region_removed(const struct region *r) { engine_code_changed(ref.engine, r->start, r->end); }
static void code_changed(uint64_t start, uint64_t end) { engine_code_changed(ref.engine, start, end); }

static void interp_set(const struct state *s) {
    struct hart *h = &ref.task.hart;
    memcpy(h->x, s->x, sizeof s->x);
    memcpy(h->f, s->f, sizeof s->f);
    h->pc = s->pc;
    hart_set_fcsr(h, s->fcsr);
}

static bool interp_open(const struct state *start, char *err, size_t n) {
    static const struct mirror_listener listener = {region_added, region_removed, code_changed};
    struct engine_config config = {
        .kind = ENGINE_INTERP, .isa = lockstep.isa, .mem = {.fetch = fetch, .watch_code = watch_nothing}};
    config.observer = (struct observer){
        .kinds = RECORD_BIT(RECORD_INSN) | RECORD_BIT(RECORD_STORE), .records = on_records, .block = on_block};
    ref.engine = engine_create(&config, err, n);
    if (!ref.engine)
        return false;
    struct hart *h = &ref.task.hart;
    h->xlen = (uint8_t)lockstep.isa->xlen;
    h->isa = lockstep.isa;
    h->user = &ref.task;
    ref.task.tid = task_current->tid;
    interp_set(start);
    if (!engine_hart_init(ref.engine, h)) {
        snprintf(err, n, "out of memory");
        return false;
    }
    mirror_listen(&listener);
    return true;
}

/* Runs the reference's hart as the current task: its faults are looked up there. */
static enum engine_stop run_hart(void) {
    struct task *self = task_current;
    task_current = &ref.task;
    enum engine_stop stop = engine_run(&ref.task.hart);
    task_current = self;
    return stop;
}

/* Signals wait, but for those that the reference's own accesses raise. */
static void block_signals(sigset_t *old) {
    static const int own[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
    sigset_t all;
    sigfillset(&all);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        sigdelset(&all, own[i]);
    sigprocmask(SIG_BLOCK, &all, old);
}

/* The state behind the instruction that differs. */
static uint32_t state_behind(void) {
    uint32_t s = ref.agreed + 1;
    while (s + 1 < ref.b->state_count && ref.b->states[s].position < ref.at)
        s++;
    return s < ref.b->state_count ? s : ref.b->state_count - 1;
}

/* Something differs. True: it is known, and riv's side is taken over. */
static bool judge(void) {
    struct batch *b = ref.b;
    struct divergence *d = ref.d;
    struct state theirs;
    uint32_t state = state_behind(), from = b->states[ref.agreed].position;
    const struct state *ours = &b->states[state];
    state_of_hart(&theirs, &ref.task.hart);
    theirs.position = ours->position;
    bool known = known_explains(b, from, ours->position, ours, &theirs, ref.differing_store);
    roll_back(ref.stores, ref.store_count);
    ref.store_count = 0;
    if (known) {
        roll_on(from, ours->position, true);
        interp_set(ours);
        ref.at = ours->position;
        ref.next_store = first_store(ref.at);
        ref.agreed = state;
        ref.state = state + 1;
        ref.what = NULL;
        ref.differing_store = NULL;
        lockstep.states++;
        return true;
    }
    d->what = ref.what;
    d->from = from;
    d->start = b->states[ref.agreed];
    d->ours = *ours;
    d->to = ours->position;
    d->theirs = theirs;
    d->store_insn = ref.differing_store ? ref.differing_store->insn : UINT32_MAX;
    return false;
}

static bool interp_reference_run(struct batch *b, uint32_t *agreed, struct divergence *d) {
    sigset_t old;
    bool stopped = engine_stop_others(lockstep.hart), good = true;
    block_signals(&old);
    ref.b = b;
    ref.d = d;
    ref.at = ref.next_store = ref.agreed = ref.store_count = 0;
    ref.state = 1;
    ref.what = NULL;
    ref.differing_store = NULL;
    keep_present();
    roll_back(b->stores, b->store_count);
    for (compare(); good && (ref.at < b->insn_count || b->trapped || ref.what);) {
        bool trap = !ref.what && run_hart() == STOP_TRAP;
        if (trap && b->trapped && ref.at == b->insn_count) {
            if (ref.task.hart.trap.cause == b->trap_cause)
                break;
            trap = true;
            snprintf(d->detail, sizeof d->detail, "riv's trap has the cause %u, the reference's %u", b->trap_cause,
                     ref.task.hart.trap.cause);
            differ("trap");
        } else if (trap) {
            snprintf(d->detail, sizeof d->detail, "the reference traps, riv does not");
            differ("trap");
        }
        if (ref.what)
            good = judge();
    }
    *agreed = ref.agreed;
    if (good)
        restore_present();
    if (stopped && good)
        engine_resume_others(lockstep.hart);
    if (good)
        sigprocmask(SIG_SETMASK, &old, NULL);
    return good;
}

static uint32_t interp_trace(const struct batch *b, const struct divergence *d, struct state *out, uint32_t max) {
    interp_set(&d->start);
    ref.steps = out;
    ref.step_count = ref.store_count = 0;
    ref.step_max = max;
    ref.at = d->from;
    run_hart();
    roll_back(ref.stores, ref.store_count);
    ref.steps = NULL;
    return ref.step_count;
}

struct reference reference_interp = {.name = "interp",
                                     .known = 1u << KNOWN_COUNTER | 1u << KNOWN_SC | 1u << KNOWN_OUTSIDE,
                                     .open = interp_open,
                                     .run = interp_reference_run,
                                     .set = interp_set,
                                     .trace = interp_trace};
