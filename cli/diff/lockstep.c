/* lockstep.c: fills batches from what the engine tells, has the reference run them, and ends with a report. */
#include <string.h>
#include <unistd.h>

#include "../../translate/engine.h"
#include "../../user/user.h"
#include "diff.h"

struct lockstep lockstep;

void state_of_hart(struct state *s, const struct hart *h) {
    memcpy(s->x, h->x, sizeof s->x);
    s->x[0] = 0;
    memcpy(s->f, h->f, sizeof s->f);
    s->pc = h->pc;
    s->fcsr = hart_get_fcsr(h);
    s->fcsr_unknown = false;
}

void lockstep_count_known(enum known class, uint64_t pc) {
    if (!lockstep.known[class]++)
        lockstep.known_pc[class] = pc;
}

static _Noreturn void leave(int status) {
    fflush(NULL);
    if (lockstep.reference->leave)
        lockstep.reference->leave();
    _exit(status);
}

_Noreturn void lockstep_give_up(const char *why) {
    fprintf(stderr, "riv: diff: %s\n", why);
    leave(DIFF_FAILED);
}

/* What follows the state both sides agreed on stays in the batch. */
static void keep_tail(struct batch *b, uint32_t agreed) {
    uint32_t insn = b->states[agreed].position, store = b->insns[insn].store;
    if (insn == b->insn_count)
        store = b->store_count;
    for (uint32_t i = insn > HISTORY ? insn - HISTORY : 0; i < insn; i++) {
        if (lockstep.history_count == HISTORY)
            memmove(lockstep.history, lockstep.history + 1, --lockstep.history_count * sizeof *lockstep.history);
        lockstep.history[lockstep.history_count++] = b->insns[i];
    }
    lockstep.insns += insn;
    lockstep.stores += store;
    b->state_count -= agreed;
    memmove(b->states, &b->states[agreed], b->state_count * sizeof *b->states);
    for (uint32_t i = 0; i < b->state_count; i++)
        b->states[i].position -= insn;
    b->insn_count -= insn;
    memmove(b->insns, &b->insns[insn], b->insn_count * sizeof *b->insns);
    for (uint32_t i = 0; i < b->insn_count; i++)
        b->insns[i].store -= store;
    b->store_count -= store;
    memmove(b->stores, &b->stores[store], b->store_count * sizeof *b->stores);
    for (uint32_t i = 0; i < b->store_count; i++)
        b->stores[i].insn -= insn;
    b->trapped = false;
}

void lockstep_flush(void) {
    struct batch *b = &lockstep.batch;
    static struct divergence d;
    uint32_t agreed = 0;
    if (b->state_count < 2 && !b->trapped)
        return;
    b->insns[b->insn_count].store = b->store_count;
    if (!lockstep.reference->run(b, &agreed, &d)) {
        lockstep.finished = true;
        locate(b, &d);
        lockstep.insns += d.located ? d.insn : d.from;
        report_divergence(b, &d);
        leave(DIFF_DIVERGED);
    }
    keep_tail(b, agreed);
    if (b->state_count == BATCH_STATES || b->insn_count > BATCH_INSNS - INSNS_AT_ONCE)
        lockstep_give_up("the reference does not keep up: it found no place to compare at");
}

static void on_records(void *ctx, struct hart *h, const struct record *r, size_t n) {
    struct batch *b = &lockstep.batch;
    if (h != lockstep.hart || lockstep.detached)
        return;
    for (size_t i = 0; i < n; i++) {
        switch (r[i].kind) {
        case RECORD_INSN:
            if (b->insn_count < BATCH_INSNS)
                b->insns[b->insn_count++] = (struct executed){r[i].address, r[i].bits, b->store_count};
            break;
        case RECORD_STORE:
            if (b->store_count < BATCH_STORES)
                b->stores[b->store_count++] = (struct store){r[i].address, r[i].value, r[i].size, b->insn_count - 1};
            break;
        default: /* RECORD_TRAP */
            b->trapped = true;
            b->trap_cause = r[i].reg;
        }
    }
}

static void on_block(void *ctx, struct hart *h) {
    struct batch *b = &lockstep.batch;
    if (h != lockstep.hart || lockstep.detached)
        return;
    struct state *s = &b->states[b->state_count++];
    state_of_hart(s, h);
    s->position = b->insn_count;
    if (b->trapped) {
        bool is_call = b->trap_cause == TRAP_ECALL_U;
        lockstep_flush();
        if (is_call) {
            lockstep.calls++;
            effects_before(h);
        }
    } else if (b->state_count == BATCH_STATES || b->insn_count > BATCH_INSNS - INSNS_AT_ONCE) {
        lockstep_flush();
    }
}

static bool same(const struct state *a, const struct state *b) {
    return a->pc == b->pc && a->fcsr == b->fcsr && memcmp(a->x, b->x, sizeof a->x) == 0 &&
           memcmp(a->f, b->f, sizeof a->f) == 0;
}

static void start(struct hart *h) {
    struct batch *b = &lockstep.batch;
    char err[256];
    if (lockstep.temporary)
        unlink(lockstep.temporary);
    lockstep.hart = h;
    lockstep.isa = h->isa;
    state_of_hart(&b->states[0], h);
    b->state_count = 1;
    if (!lockstep.reference->open(&b->states[0], err, sizeof err))
        lockstep_give_up(err);
    if (!mirror_update(false))
        lockstep_give_up("the reference cannot have the guest's memory: out of memory");
}

/* The engine is entered: after a system call, a signal, or for no reason that the guest knows. */
static void on_resume(void *ctx, struct hart *h) {
    struct batch *b = &lockstep.batch;
    if (lockstep.detached)
        return;
    if (!lockstep.hart)
        start(h);
    else if (h == lockstep.hart && effects_forked(h) && getpid() != lockstep.pid) {
        lockstep.detached = true; /* the child goes on by itself */
        return;
    }
    if (h != lockstep.hart) {
        lockstep.threads_seen = true;
        return;
    }
    struct state now, *last = &b->states[b->state_count - 1];
    state_of_hart(&now, h);
    now.position = last->position;
    if (!same(&now, last)) {
        lockstep_flush();
        if (b->state_count != 1) { /* a signal came where the reference cannot be stopped: it is sent on */
            for (uint32_t i = 0; i < b->store_count; i++)
                mirror_copy(b->stores[i].address, b->stores[i].address + b->stores[i].size);
            lockstep.skipped_states += b->state_count - 1;
            keep_tail(b, b->state_count - 1);
        }
        if (now.x[2] != b->states[0].x[2])
            effects_signal_frame(h);
        now.position = 0;
        b->states[0] = now;
        lockstep.reference->set(&now);
    }
    effects_after(h);
}

void lockstep_observer(struct observer *o, bool fast) {
    lockstep.reference->fast &= fast;
    if (lockstep.reference->fast) {
        *o = (struct observer){.kinds = RECORD_BIT(RECORD_INSN) | RECORD_BIT(RECORD_STORE) | RECORD_BIT(RECORD_TRAP),
                               .stretches = on_stretches,
                               .resume = on_resume};
        if (lockstep.step)
            o->kinds |= RECORD_BIT(RECORD_X) | RECORD_BIT(RECORD_F);
        return;
    }
    *o = (struct observer){.kinds = RECORD_BIT(RECORD_INSN) | RECORD_BIT(RECORD_STORE) | RECORD_BIT(RECORD_TRAP),
                           .records = on_records,
                           .block = on_block,
                           .resume = on_resume};
}

void lockstep_leaving(void *ctx, bool for_good) {
    if (lockstep.finished || !lockstep.hart || lockstep.detached || getpid() != lockstep.pid)
        return;
    if (!for_good) { /* another program takes its place, which is not compared */
        report_end(true);
        if (lockstep.reference->leave)
            lockstep.reference->leave();
        return;
    }
    lockstep.finished = true;
    static struct divergence end = {.what = "end"};
    if (lockstep.reference->finish && !lockstep.reference->finish(end.detail, sizeof end.detail)) {
        end.ours = end.theirs = end.start = lockstep.batch.states[0];
        report_divergence(&lockstep.batch, &end);
        leave(DIFF_DIVERGED);
    }
    uint64_t at = mirror_difference(0);
    uint64_t others = 0;
    for (uint64_t a = at; a != UINT64_MAX && lockstep.threads_seen && others < 1000; a = mirror_difference(a + 1))
        others++;
    if (others)
        lockstep.known[KNOWN_OUTSIDE] += others;
    else if (at != UINT64_MAX) {
        static struct divergence d = {.what = "memory"};
        d.ours = d.theirs = d.start = lockstep.batch.states[0];
        snprintf(d.detail, sizeof d.detail, "at the end memory at %#llx is %02x, the reference's %02x",
                 (unsigned long long)at, *(uint8_t *)at, *mirror_at(at, 1));
        report_divergence(&lockstep.batch, &d);
        leave(DIFF_DIVERGED);
    }
    report_end(true);
    leave(DIFF_SAME);
}
