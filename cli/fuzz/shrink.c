/* shrink.c: making a failing program smaller, and naming the instruction that fails.
 *
 * An item is taken out, with the others of its group, and the distances of jumps are filled in again; it stays out if
 * the program still fails.  Runs of items are tried first, so that most of a long program goes in a few trials.
 */
#include <string.h>

#include "program.h"

/* p without items [from, to) and what belongs to them. */
static bool without(struct program *out, const struct program *p, unsigned from, unsigned to) {
    bool gone[PROGRAM_ITEMS] = {false};
    uint8_t moved[PROGRAM_ITEMS + 1];
    unsigned removed = 0, n = 0;
    for (unsigned i = from; i < to; i++)
        for (unsigned k = 0; k < p->count; k++)
            if (p->items[k].group != GROUP_KEPT &&
                (k == i || (p->items[i].group && p->items[k].group == p->items[i].group)))
                gone[k] = true;
    *out = *p;
    for (unsigned k = 0; k < p->count; k++) {
        moved[k] = (uint8_t)n;
        removed += gone[k];
        if (!gone[k])
            out->items[n++] = p->items[k];
    }
    moved[p->count] = (uint8_t)n;
    out->count = n;
    out->main = moved[p->main];
    for (unsigned k = 0; k < n; k++)
        out->items[k].target = moved[out->items[k].target];
    program_resolve(out);
    return removed != 0;
}

static void shrink_items(struct program *p, program_fails *fails, void *ctx) {
    struct program trial;
    for (unsigned run = p->count / 2 ? p->count / 2 : 1;; run /= 2) {
        for (unsigned end = p->count; end > 0;) {
            unsigned from = end > run ? end - run : 0;
            if (without(&trial, p, from, end) && fails(&trial, ctx)) {
                *p = trial;
                if (from > p->count)
                    from = p->count;
            }
            end = from;
        }
        if (run <= 1)
            return;
    }
}

static void try_value(struct program *p, uint64_t *at, uint64_t value, program_fails *fails, void *ctx) {
    uint64_t kept = *at;
    if (kept == value)
        return;
    *at = value;
    if (!fails(p, ctx))
        *at = kept;
}

void program_shrink(struct program *p, program_fails *fails, void *ctx, bool quick) {
    unsigned before;
    do {
        before = p->count;
        shrink_items(p, fails, ctx);
    } while (p->count < before && p->count > 1);
    if (quick)
        return;
    for (uint64_t rounds = 1; rounds < 4 && rounds < p->start.x[LOOP_REG]; rounds++)
        try_value(p, &p->start.x[LOOP_REG], rounds, fails, ctx);
    for (int i = 1; i < 32; i++)
        if (i != POINTER_SP && i != POINTER_S0 && i != POINTER_S1 && i != POINTER_S2 && i != LOOP_REG)
            try_value(p, &p->start.x[i], 0, fails, ctx);
    for (int i = 0; i < 32; i++)
        try_value(p, &p->start.f[i], 0, fails, ctx);
    uint32_t fcsr = p->start.fcsr;
    p->start.fcsr = 0;
    if (!fails(p, ctx))
        p->start.fcsr = fcsr;
    static struct program_state full;
    full = p->start;
    memset(p->start.scratch, 0, SCRATCH_BYTES);
    memset(p->start.near, 0, NEAR_BYTES);
    if (!fails(p, ctx))
        p->start = full;
}

int program_blame(const struct program *p, program_fails *fails, void *ctx) {
    static struct program cut;
    for (unsigned k = 0; k < p->count; k++) {
        cut = *p;
        for (unsigned i = k + 1; i < p->count; i++) {
            cut.items[i].bits = cut.items[i].len == 4 ? 0x00100073 : 0x9002; /* ebreak, c.ebreak */
            cut.items[i].fix = FIX_NONE;
        }
        if (fails(&cut, ctx))
            return (int)k;
    }
    return -1;
}
