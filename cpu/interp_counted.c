/* interp_counted.c: counted runs: every instruction is counted where it is executed, and interrupts come at exact
 * counts.
 *
 * Blocks are decoded so that they are executed from start to end (they end at branches and CSR accesses) and none leads
 * to the next by itself: each comes back here.  A block that is too long for the deadline is stepped through, and so is
 * an instruction that accesses a device (mmu.c): what the device is told of the time is exact, and what it raises is
 * taken before the next instruction.
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

bool interp_counted_reached(struct hart *h) {
    struct system *s = h->sys;
    const struct bus *bus = s->machine->bus;
    if (s->icount < s->icount_deadline)
        return false;
    s->icount_deadline = UINT64_MAX;
    if (bus->icount_reached != NULL)
        bus->icount_reached(bus->ctx, h);
    return true;
}

/* Behind a wfi: nothing happens until the deadline. */
static enum interp_stop wait(struct hart *h) {
    struct system *s = h->sys;
    if (s->icount_deadline == UINT64_MAX)
        return INTERP_WFI;
    if (s->icount < s->icount_deadline) {
        s->idle += s->icount_deadline - s->icount;
        s->icount = s->icount_deadline;
    }
    interp_counted_reached(h);
    return h->interp->in_round ? INTERP_REACHED : INTERP_DONE;
}

enum interp_stop interp_step_counted(struct hart *h) {
    struct system *s = h->sys;
    uint64_t pc = h->pc;
    unsigned fs = system_fs(s);
    s->running = NULL;
    enum interp_stop stop = interp_step_one(h);
    bool only_fs = h->pc == pc && fs != system_fs(s);
    if (stop != INTERP_TRAP && !only_fs)
        s->icount++;
    return stop == INTERP_WFI ? wait(h) : stop;
}

enum interp_stop interp_run_counted(struct hart *h) {
    struct interp *in = h->interp;
    struct system *s = h->sys;
    if (interp_counted_reached(h))
        return in->in_round ? INTERP_REACHED : INTERP_DONE;
    if (in->alone) {
        in->alone = false;
        return interp_step_counted(h);
    }
    struct op *op = interp_enter(h, h->pc);
    if (op == NULL)
        return in->stop == INTERP_UNKEPT ? interp_step_counted(h) : in->stop;
    struct block *b = block_of(op);
    if (b->insns > s->icount_deadline - s->icount)
        return interp_step_counted(h);
    in->stepping = true;
    s->running = b;
    enum interp_stop stop = in->loop(h, op, NULL);
    in->stepping = false;
    s->running = NULL;
    s->icount += stop == INTERP_TRAP ? executed(b, h->pc) : b->insns;
    return stop == INTERP_WFI ? wait(h) : stop;
}

enum interp_stop interp_run_round(struct hart *h) {
    h->interp->in_round = true;
    enum interp_stop stop = interp_run(h);
    h->interp->in_round = false;
    return stop;
}
