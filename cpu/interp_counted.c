/* interp_counted.c: counted runs: every instruction is counted where it is executed, and interrupts come at exact
 * counts.
 *
 * Blocks are decoded so that they are executed from start to end (they end at branches and CSR accesses) and none leads
 * to the next by itself: each comes back here.  A block that is too long for the deadline is stepped through.
 */
#include "interp_internal.h"
#include "system.h"

/* Instructions of b in front of pc. */
static unsigned executed(const struct block *b, uint64_t pc) {
    unsigned n = 0;
    for (unsigned i = 0; i < b->ops; i++)
        n += b->offsets[i] < OFFSET_LINK && b->pc + 2u * (uint64_t)b->offsets[i] < pc;
    return n < b->insns ? n : b->insns;
}

void interp_counted_fault(struct hart *h) {
    struct system *s = h->sys;
    if (s->running != NULL)
        s->icount += executed(s->running, h->pc);
    s->running = NULL;
}

static enum interp_stop step(struct hart *h) {
    struct system *s = h->sys;
    uint64_t pc = h->pc;
    unsigned fs = system_fs(s);
    s->running = NULL;
    enum interp_stop stop = interp_step_one(h);
    bool only_fs = h->pc == pc && fs != system_fs(s);
    if (stop != INTERP_TRAP && !only_fs)
        s->icount++;
    return stop;
}

static void reached(struct hart *h) {
    struct system *s = h->sys;
    const struct bus *bus = s->machine->bus;
    s->icount_deadline = UINT64_MAX;
    if (bus->icount_reached != NULL)
        bus->icount_reached(bus->ctx, h);
}

enum interp_stop interp_run_counted(struct hart *h) {
    struct interp *in = h->interp;
    struct system *s = h->sys;
    if (s->icount >= s->icount_deadline) {
        reached(h);
        return INTERP_DONE;
    }
    struct op *op = interp_enter(h, h->pc);
    if (op == NULL)
        return in->stop == INTERP_UNKEPT ? step(h) : in->stop;
    struct block *b = block_of(op);
    if (b->insns > s->icount_deadline - s->icount)
        return step(h);
    in->stepping = true;
    s->running = b;
    enum interp_stop stop = in->loop(h, op, NULL);
    in->stepping = false;
    s->running = NULL;
    s->icount += stop == INTERP_TRAP ? executed(b, h->pc) : b->insns;
    if (stop == INTERP_WFI && s->icount_deadline != UINT64_MAX) { /* nothing happens until then */
        if (s->icount < s->icount_deadline)
            s->icount = s->icount_deadline;
        reached(h);
        return INTERP_DONE;
    }
    return stop;
}
