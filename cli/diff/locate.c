/* locate.c: names the instruction at which a block goes wrong.
 *
 * The reference is sent back and does the block one instruction at a time.  Then riv's side runs the block's first
 * instruction, its first two, its first three ... each as a translation of its own, always from the same registers and
 * memory: the shortest one whose result differs ends with the wrong instruction.  Where the reference's block is longer
 * than any of riv's, they are run one by one.
 */
#include <stdlib.h>
#include <string.h>

#include "../../translate/engine.h"
#include "../../user/user.h"
#include "../../user/vma.h"
#include "diff.h"

enum { STEPS_MAX = 512, PREFIX_MAX = 64, STORES_MAX = 4096 };

/* A run of riv's side apart from the guest's own. */
struct probe {
    struct task task;
    uint32_t wanted, insns;
    bool done;
    struct state *each; /* what is to be kept after each instruction, one a block; or NULL */
    struct store stores[STORES_MAX];
    uint32_t store_count;
};

static void on_records(void *ctx, struct hart *h, const struct record *r, size_t n) {
    struct probe *p = ctx;
    for (size_t i = 0; i < n; i++) {
        if (r[i].kind == RECORD_INSN)
            p->insns++;
        else if (p->store_count < STORES_MAX)
            p->stores[p->store_count++] = (struct store){r[i].address, r[i].value, r[i].size, p->insns};
    }
}

static void on_block(void *ctx, struct hart *h) {
    struct probe *p = ctx;
    if (p->each && p->insns > 0 && p->insns <= p->wanted) {
        state_of_hart(&p->each[p->insns - 1], h);
        p->each[p->insns - 1].position = p->insns;
    }
    if (p->insns >= p->wanted) {
        p->done = true;
        engine_kick(h);
    }
}

/* The guest's memory where riv has stored becomes the reference's again. */
static void restore(const struct store *stores, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *from = mirror_at(stores[i].address, stores[i].size);
        if (from)
            copy_out(stores[i].address, from, stores[i].size);
    }
}

/* n instructions from start on, as one translation; each: as n translations. */
static bool run_prefix(struct probe *p, const struct state *start, uint32_t n, struct state *end, struct state *each) {
    char err[256];
    struct task *self = task_current;
    struct engine_config config = process.config->engine;
    memset(p, 0, sizeof *p);
    p->wanted = n;
    p->each = each;
    config.mem = (struct guest_memory){.fetch = watch_fetch, .watch_code = watch_code};
    config.isa = lockstep.isa;
    config.max_insns = each ? 1 : n;
    config.dump = 0;
    config.stats = false;
    config.observer = (struct observer){.ctx = p,
                                        .kinds = RECORD_BIT(RECORD_INSN) | RECORD_BIT(RECORD_STORE),
                                        .records = on_records,
                                        .block = on_block};
    struct engine *engine = engine_create(&config, err, sizeof err);
    if (!engine)
        return false;
    struct hart *h = &p->task.hart;
    memcpy(h->x, start->x, sizeof start->x);
    memcpy(h->f, start->f, sizeof start->f);
    h->pc = start->pc;
    hart_set_fcsr(h, start->fcsr);
    h->xlen = (uint8_t)lockstep.isa->xlen;
    h->isa = lockstep.isa;
    h->user = &p->task;
    p->task.tid = self->tid;
    bool good = engine_hart_init(engine, h);
    if (good) {
        task_current = &p->task;
        engine_run(h);
        task_current = self;
        state_of_hart(end, h);
        end->position = p->insns;
        restore(p->stores, p->store_count);
        engine_hart_exit(h);
    }
    engine_destroy(engine);
    return good && p->done;
}

static bool differs(const struct state *a, const struct state *b) {
    if (a->pc != b->pc || a->fcsr != b->fcsr || memcmp(a->x, b->x, sizeof a->x) != 0)
        return true;
    for (int i = 0; i < 32; i++)
        if (a->f[i] != b->f[i] && !(a->f[i] >> 32 == 0xffffffff && (uint32_t)a->f[i] == (uint32_t)b->f[i]))
            return true;
    return false;
}

/* What the instructions up to the wrong one read, from where the reference's registers say. */
static void list_loads(const struct batch *b, struct divergence *d, const struct state *steps, uint32_t n) {
    for (uint32_t i = 0; i < n && i <= d->insn - d->from; i++) {
        struct insn in;
        const struct state *before = i ? &steps[i - 1] : &d->start;
        insn_decode(lockstep.isa, b->insns[d->from + i].bits, &in);
        uint8_t format = insn_rows[in.id].format;
        bool offset = format == FMT_IL || format == FMT_FIL || format == FMT_S || format == FMT_FST;
        if ((!offset && format != FMT_AMO && format != FMT_LR && format != FMT_CBO) || d->load_count == DIFF_LOADS)
            continue;
        uint64_t address = before->x[in.rs1] + (offset ? (uint64_t)(int64_t)in.imm : 0);
        if (format == FMT_CBO)
            address &= ~UINT64_C(63);
        const uint8_t *from = mirror_at(address, 8);
        d->loads[d->load_count].address = address;
        d->loads[d->load_count].size = 8;
        d->loads[d->load_count].known = from != NULL;
        if (from)
            memcpy(&d->loads[d->load_count].value, from, 8);
        d->load_count++;
    }
}

/* The first instruction after which a run one by one differs. */
static void locate_by_steps(struct probe *p, struct divergence *d, const struct state *steps, uint32_t n) {
    static struct state each[STEPS_MAX];
    struct state end;
    memset(each, 0, sizeof each);
    run_prefix(p, &d->start, n, &end, each);
    for (uint32_t i = 0; i < n && each[i].position; i++) {
        if (!differs(&each[i], &steps[i]))
            continue;
        d->located = true;
        d->insn = d->from + i;
        d->ours = each[i];
        d->theirs = steps[i];
        return;
    }
}

void locate(const struct batch *b, struct divergence *d) {
    static struct state steps[STEPS_MAX];
    struct probe *p = malloc(sizeof *p);
    uint32_t n = d->to > d->from ? d->to - d->from : 1;
    if (!lockstep.reference->trace || !p)
        return;
    if (n > STEPS_MAX)
        n = STEPS_MAX;
    n = lockstep.reference->trace(b, d, steps, n);
    uint32_t first = b->insns[d->from].store;
    restore(&b->stores[first], b->store_count - first);
    for (uint32_t i = 1; i <= n && i <= PREFIX_MAX; i++) {
        struct state end;
        if (!run_prefix(p, &d->start, i, &end, NULL))
            break;
        if (end.position != i || end.position > n || !differs(&end, &steps[i - 1]))
            continue;
        d->located = true;
        d->insn = d->from + i - 1;
        d->ours = end;
        d->theirs = steps[i - 1];
        break;
    }
    if (!d->located && n > PREFIX_MAX) /* no translation is that long */
        locate_by_steps(p, d, steps, n);
    if (!d->located && strcmp(d->what, "store") == 0 && d->store_insn != UINT32_MAX) {
        d->located = true;
        d->insn = d->store_insn;
    }
    if (!d->located)
        d->insn = d->to ? d->to - 1 : 0;
    for (int i = 0; i < 32; i++) /* missing boxes are no news */
        if (d->ours.f[i] >> 32 == 0xffffffff && (uint32_t)d->ours.f[i] == (uint32_t)d->theirs.f[i])
            d->theirs.f[i] = d->ours.f[i];
    list_loads(b, d, steps, n);
    free(p);
}

char *locate_code(uint64_t pc) {
    char *text = NULL, err[256];
    size_t size;
    struct engine_config config = process.config->engine;
    FILE *to = open_memstream(&text, &size);
    if (!to)
        return NULL;
    config.mem = (struct guest_memory){.fetch = watch_fetch, .watch_code = watch_code};
    config.isa = lockstep.isa;
    config.kind = ENGINE_JIT;
    config.hot = 1;
    config.max_insns = lockstep.step && !lockstep.reference->fast ? 1 : 0;
    config.dump = DUMP_IR | DUMP_OUT_ASM;
    config.dump_to = to;
    config.interpret = lockstep.interpret;
    config.interpret_count = lockstep.interpret_count;
    config.observer = (struct observer){0};
    struct engine *engine = engine_create(&config, err, sizeof err);
    if (engine)
        engine_show_block(engine, pc, lockstep.batch.states[0].fcsr >> 5 & 7);
    fclose(to);
    if (engine)
        engine_destroy(engine);
    return text;
}
