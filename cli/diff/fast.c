/* fast.c: the comparison with Unicorn where nothing is out of the ordinary, at little more than Unicorn's own cost.
 *
 * A Unicorn of its own runs on the same mirror, with a hook at its blocks (--step: instructions) and none at stores.
 * The hook follows the stretches that riv has recorded:
 *
 *      stretch    state | values ...   | values ...   state | values ...
 *      Unicorn    [ block            ] [ block      ] [ block
 *                 hook                 hook           hook
 *                 x, f, fcsr the same  stores made    stores made; x, f, fcsr the same
 *
 * What riv has stored is looked for in the mirror behind the block that has to store it; what was there is kept.  With
 * --step the register that an instruction writes is compared behind it, the others where riv tells them.  Whatever is
 * not the same, not foreseen (plan.h) or goes beyond what is recorded ends it: all goes back to where everything was
 * compared last, and the slow comparison (unicorn.c), which knows what may differ and names what must not, goes on from
 * there.
 */
#include "fast.h"

#include <stdlib.h>
#include <string.h>

#include "../../translate/engine.h"
#include "plan.h"
#include "unicorn_state.h"

#define INLINE static inline __attribute__((always_inline))

enum outcome { RUNNING, DONE, STOPPED };
enum { FULL_EVERY = 16 }; /* states after which f registers are compared although nobody has written them */
enum { PENDING = 4096, KNOWN_REGIONS = 64 };

struct made {
    uint8_t *at;
    uint64_t old, value;
    uint32_t size;
};

static struct {
    uc_engine *uc;
    uc_hook hooks[3];
    struct unicorn_registers regs;
    enum outcome outcome;
    const struct record_stretch *s;
    size_t n, k, base;       /* stretches, the one that is next, the one that begins with *at */
    const struct plan *plan; /* of the one under way */
    const uint64_t *words;
    uint32_t left;                /* bytes of code that Unicorn is to do before the next state (block ends) */
    uint32_t insn, insns_here;    /* next of the plan; how many there are */
    const struct plan_insn *done; /* the one just executed (--step) */
    const uint64_t *done_words;
    uint32_t store;     /* next of the plan */
    const uint64_t *fp; /* the last state with floating point, or NULL: at's */
    struct state *at;
    struct fast_stretches *all;
    unsigned since_full;
    size_t full; /* where all was compared last */
    const uint64_t *full_fp;
    struct made *made; /* stores since then */
    size_t made_count, made_room, checked;
    uint64_t states, insns, stores, full_states, full_insns, full_stores;
    uint64_t code_low, code_high; /* code that has been written */
    struct region known[KNOWN_REGIONS];
} f;

static const struct plan_insn nothing;

static void stop(enum outcome o) {
    if (f.outcome != RUNNING)
        return;
    f.outcome = o;
    uc_emu_stop(f.uc);
}

/* ---- stores ---- */

INLINE uint8_t *mirrored(uint64_t address, unsigned size) {
    struct region *r = &f.known[(address >> 12) % KNOWN_REGIONS];
    if (address < r->start || address >= r->end || r->end - address < size) {
        if (!mirror_region(address, r) || r->end - address < size)
            return NULL;
    }
    if (r->prot & UC_PROT_EXEC) {
        f.code_low = address < f.code_low ? address : f.code_low;
        f.code_high = address + size > f.code_high ? address + size : f.code_high;
    }
    return r->bytes + (address - r->start);
}

static inline uint64_t get(const uint8_t *at, unsigned size) {
    uint64_t v8;
    uint32_t v4;
    uint16_t v2;
    switch (size) {
    case 1:
        return *at;
    case 2:
        memcpy(&v2, at, 2);
        return v2;
    case 4:
        memcpy(&v4, at, 4);
        return v4;
    default:
        memcpy(&v8, at, 8);
        return v8;
    }
}

/* The next n stores of the plan are about to be made. */
INLINE bool expect_stores(uint32_t n) {
    static const uint64_t masks[9] = {[1] = 0xff, [2] = 0xffff, [4] = 0xffffffff, [8] = ~UINT64_C(0)};
    if (f.made_count + n > f.made_room) {
        size_t room = (f.made_room + n) * 2;
        struct made *more = realloc(f.made, room * sizeof *more);
        if (!more)
            return false;
        f.made = more;
        f.made_room = room;
    }
    for (const struct plan_store *p = &f.plan->stores[f.store], *last = p + n; p < last; p++) {
        if (p->condition != NO_WORD && !f.words[p->condition])
            continue;
        uint64_t address = p->address + (p->address_word != NO_WORD ? f.words[p->address_word] : 0),
                 value = p->value + (p->value_word != NO_WORD ? f.words[p->value_word] : 0);
        uint8_t *at = mirrored(address, p->size);
        if (!at)
            return false;
        f.made[f.made_count++] = (struct made){at, get(at, p->size), value & masks[p->size], p->size};
        f.stores++;
    }
    f.store += n;
    return true;
}

/* Whether those that had to be made have been; one that others lie upon is taken for that. */
INLINE bool stores_made(void) {
    for (; f.checked < f.made_count; f.checked++) {
        const struct made *m = &f.made[f.checked];
        if (get(m->at, m->size) == m->value)
            continue;
        bool covered = false;
        for (size_t i = f.checked + 1; i < f.made_count && !covered; i++)
            covered = f.made[i].at < m->at + m->size && m->at < f.made[i].at + f.made[i].size;
        if (!covered)
            return false;
    }
    return true;
}

/* ---- registers ---- */

typedef uint64_t quad __attribute__((vector_size(32), aligned(8), may_alias));

INLINE bool same_x(const uint64_t *x) {
    const uint64_t *theirs = (const uint64_t *)(const void *)f.regs.env;
    quad differing = (*(const quad *)x ^ *(const quad *)theirs) & (quad){0, ~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0)};
#pragma GCC unroll 8
    for (unsigned i = 4; i < 32; i += 4)
        differing |= *(const quad *)&x[i] ^ *(const quad *)&theirs[i];
    return !(differing[0] | differing[1] | differing[2] | differing[3]);
}

/* Singles that the reference has not boxed are boxed there: KNOWN_BOX. */
static bool same_f(const uint64_t *ours, uint32_t fcsr, uint64_t pc) {
    uint64_t *theirs = (uint64_t *)(void *)(f.regs.env + f.regs.f);
    if (unicorn_registers_fcsr(&f.regs) != fcsr)
        return false;
    if (memcmp(theirs, ours, 32 * sizeof *ours) == 0)
        return true;
    for (unsigned i = 0; i < 32; i++)
        if (theirs[i] != ours[i] && !(ours[i] >> 32 == 0xffffffff && (uint32_t)ours[i] == (uint32_t)theirs[i]))
            return false;
    memcpy(theirs, ours, 32 * sizeof *ours);
    lockstep_count_known(KNOWN_BOX, pc);
    return true;
}

static bool same_fp(uint64_t pc) {
    return f.fp ? same_f(&f.fp[STATE_F], record_state_fcsr(f.fp), pc) : same_f(f.at->f, f.at->fcsr, pc);
}

static void all_compared(void) {
    f.since_full = 0;
    f.full = f.k;
    f.full_fp = f.fp;
    f.made_count = f.checked = 0;
    f.full_states = f.states;
    f.full_insns = f.insns;
    f.full_stores = f.stores;
}

static uint64_t pc_of(const struct record_stretch *s) { return s->part ? s->part->block->pc : s->words[0]; }

/* The plan of the next stretch. */
INLINE const struct plan *plan_next(const struct record_stretch *s) {
    return s->part ? plan_of(s) : plan_of_records(s->records, s->record_count);
}

/* It is for this comparison: nothing in it needs care, and it is complete, or was left for an instruction that was
 * interpreted. */
INLINE bool suits(const struct record_stretch *s, const struct plan *p) {
    if (!p || p->slow)
        return false;
    return !s->part || s->insns == p->insn_count ||
           (s + 1 < f.s + f.n && s[1].has_state && !s[1].part && s[1].record_count);
}
static bool is_plain(const struct record_stretch *s) { return suits(s, plan_next(s)); }

/* The next stretch becomes the one under way. False: it is not for this comparison. */
INLINE bool enter(void) {
    static const uint64_t no_words[1];
    const struct record_stretch *s = &f.s[f.k];
    const struct plan *p = plan_next(s);
    if (!suits(s, p))
        return false;
    f.plan = p;
    f.words = s->part ? s->words : no_words;
    uint32_t insns = s->part ? s->insns : p->insn_count;
    f.insn = f.store = 0;
    f.insns_here = insns;
    return true;
}

/* Unicorn is behind all stretches: more of them are wanted.  False: there are none, or it differs. */
static __attribute__((noinline)) bool go_on(uint64_t pc) {
    struct fast_stretches *all = f.all;
    if (pc != all->end.pc || !same_x(all->end.x) || !same_f(all->end.f, all->end.fcsr, pc))
        return false;
    all_compared();
    size_t n = engine_stretch_on(lockstep.hart, &all->s);
    if (!n) {
        stop(DONE);
        return false;
    }
    stretches_remember(f.s, f.n);
    *f.at = all->end;
    state_of_hart(&all->end, lockstep.hart);
    all->end.position = 0;
    f.s = all->s;
    f.n = all->n = n;
    f.k = f.base = 0;
    f.fp = NULL;
    all_compared();
    return true;
}

/* Unicorn is where the next stretch begins; the state, where it has one. False: not the same. */
INLINE bool compare_next(uint64_t pc) {
    if (f.k == f.n && !go_on(pc))
        return false;
    const struct record_stretch *s = &f.s[f.k];
    if (!s->has_state)
        return true;
    bool fp = s->words[STATE_X] || ++f.since_full == FULL_EVERY || !is_plain(s);
    if (s->words[STATE_X])
        f.fp = s->words;
    if (pc_of(s) != pc || !same_x(&s->words[STATE_X]) || (fp && !same_fp(pc)))
        return false;
    f.states += !lockstep.step;
    if (fp)
        all_compared();
    return true;
}

INLINE bool arrive(uint64_t pc) {
    if (!compare_next(pc) || !enter()) {
        stop(STOPPED);
        return false;
    }
    f.insns += f.insns_here;
    f.k++;
    return true;
}

/* The same for all that begins with no instruction in between. */
INLINE bool arrive_all(uint64_t pc) {
    do
        if (!arrive(pc))
            return false;
    while (f.insn == f.insns_here);
    return true;
}

/* The next stretches, up to one that has a state, are what Unicorn does next. */
INLINE bool take_on(void) {
    do {
        if (!enter())
            return false;
        uint32_t bytes = f.plan->bytes, stores = f.plan->store_count;
        if (f.insns_here != f.plan->insn_count) {
            bytes = stores = 0;
            for (uint32_t i = 0; i < f.insns_here; i++) {
                bytes += f.plan->insns[i].length;
                stores += f.plan->insns[i].stores;
            }
        }
        if (stores && !expect_stores(stores))
            return false;
        f.left += bytes;
        f.insns += f.insns_here;
        f.k++;
    } while (f.k < f.n && !f.s[f.k].has_state);
    return true;
}

/* One of Unicorn's blocks that is not within what has been taken on. */
INLINE void at_other_block(uint64_t pc, uint32_t size) {
    if (f.outcome != RUNNING)
        return;
    if (!f.left && (!stores_made() || !compare_next(pc) || !take_on())) {
        stop(STOPPED);
        return;
    }
    while (size > f.left) {
        /* Unicorn's block goes on where riv's has ended: what riv knows there cannot be compared */
        if (f.k == f.n) {
            stop(STOPPED);
            return;
        }
        if (f.s[f.k].words[STATE_X])
            f.fp = f.s[f.k].words;
        if (!take_on()) {
            stop(STOPPED);
            return;
        }
    }
    f.left -= size;
}

/* Within a block of riv's Unicorn's blocks are only counted: where it ends shows whether they were the right ones. */
INLINE bool at_inner_block(uint32_t size) {
    if (size > f.left)
        return false;
    f.left -= size;
    return true;
}

INLINE bool wrote(const struct plan_insn *done) {
    uint64_t ours = done->value + (f.done_words[done->word] & done->mask);
    return *(const uint64_t *)(const void *)(f.regs.env + done->place) == ours;
}

/* A single that the reference has not boxed is boxed there: KNOWN_BOX. */
static bool box_written(const struct plan_insn *done, uint64_t pc) {
    uint64_t *theirs = (uint64_t *)(void *)(f.regs.env + done->place),
             ours = done->value + (f.done_words[done->word] & done->mask);
    if (done->place < f.regs.f || ours >> 32 != 0xffffffff || (uint32_t)ours != (uint32_t)*theirs)
        return false;
    *theirs = ours;
    lockstep_count_known(KNOWN_BOX, pc);
    return true;
}

INLINE void at_insn(uint64_t pc) {
    if (f.outcome != RUNNING)
        return;
    if ((!wrote(f.done) && !box_written(f.done, pc)) || (f.checked != f.made_count && !stores_made())) {
        stop(STOPPED);
        return;
    }
    if (f.insn == f.insns_here && !arrive_all(pc))
        return;
    f.done_words = f.words;
    f.done = &f.plan->insns[f.insn++];
    if (f.done->pc != pc) {
        stop(STOPPED);
        return;
    }
    if (f.done->stores && !expect_stores(f.done->stores))
        stop(STOPPED);
}

/* The usual: inside a segment, and no stores about. */
INLINE bool at_plain_insn(uint64_t pc) {
    if (f.insn == f.insns_here)
        return false;
    const struct plan_insn *next = &f.plan->insns[f.insn];
    if (f.outcome != RUNNING || next->pc != pc || next->stores || f.checked != f.made_count || !wrote(f.done))
        return false;
    f.done_words = f.words;
    f.done = next;
    f.insn++;
    return true;
}

static __attribute__((noinline)) void other_block(uint64_t pc, uint32_t size) { at_other_block(pc, size); }
static void on_block(uc_engine *uc, uint64_t pc, uint32_t size, void *ctx) {
    if (!at_inner_block(size))
        other_block(pc, size);
}
static __attribute__((noinline)) void other_insn(uint64_t pc) { at_insn(pc); }
static void on_insn(uc_engine *uc, uint64_t pc, uint32_t size, void *ctx) {
    if (!at_plain_insn(pc))
        other_insn(pc);
}
#ifdef FAST_TARGET /* of the host's, with wider vectors */
__attribute__((target(FAST_TARGET), noinline)) static void other_block_wide(uint64_t pc, uint32_t size) {
    at_other_block(pc, size);
}
static void on_block_wide(uc_engine *uc, uint64_t pc, uint32_t size, void *ctx) {
    if (!at_inner_block(size))
        other_block_wide(pc, size);
}
__attribute__((target(FAST_TARGET), noinline)) static void other_insn_wide(uint64_t pc) { at_insn(pc); }
static void on_insn_wide(uc_engine *uc, uint64_t pc, uint32_t size, void *ctx) {
    if (!at_plain_insn(pc))
        other_insn_wide(pc);
}
static bool wide(void) { return __builtin_cpu_supports(FAST_TARGET); }
#else
#define on_block_wide on_block
#define on_insn_wide on_insn
static bool wide(void) { return false; }
#endif

static void on_interrupt(uc_engine *uc, uint32_t number, void *ctx) {
    if (f.outcome == RUNNING)
        stop(STOPPED);
}
static bool on_bad_access(uc_engine *uc, uc_mem_type type, uint64_t address, int size, int64_t value, void *ctx) {
    return false;
}

/* ---- the interface ---- */

void fast_state(struct state *to, const struct record_stretch *s, const struct state *fp) {
    const uint64_t *w = s->words;
    memcpy(to->x, &w[STATE_X], sizeof to->x);
    to->x[0] = 0;
    to->pc = pc_of(s);
    to->fcsr_unknown = false;
    if (w[STATE_X]) {
        memcpy(to->f, &w[STATE_F], sizeof to->f);
        to->fcsr = record_state_fcsr(w);
    } else if (to != fp) {
        memcpy(to->f, fp->f, sizeof to->f);
        to->fcsr = fp->fcsr;
    }
}

size_t fast_run(struct fast_stretches *all, size_t from, struct state *at) {
    static const uint64_t no_words[1];
    f.all = all;
    f.s = all->s;
    f.n = all->n;
    f.k = f.base = from;
    f.states = f.insns = f.stores = 0;
    f.fp = NULL;
    f.at = at;
    f.insn = f.insns_here = f.left = 0;
    f.done = &nothing;
    f.done_words = no_words;
    f.code_low = UINT64_MAX;
    f.code_high = 0;
    all_compared();
    unicorn_registers_set(&f.regs, at);
    f.outcome = RUNNING;
    uc_emu_start(f.uc, at->pc, UINT64_MAX - 15, 0, 0);
    while (f.made_count) { /* back to where everything was the same */
        const struct made *m = &f.made[--f.made_count];
        memcpy(m->at, &m->old, m->size);
    }
    if (f.code_high) {
        uc_ctl_remove_cache(f.uc, f.code_low, f.code_high);
        unicorn_code_written(f.code_low, f.code_high);
    }
    lockstep.states += lockstep.step ? f.full_insns : f.full_states;
    lockstep.insns += f.full_insns;
    lockstep.stores += f.full_stores;
    if (f.full == f.n) {
        *at = all->end;
    } else if (f.full != f.base) {
        struct state fp = *at;
        if (f.full_fp)
            fast_state(&fp, &(struct record_stretch){.words = f.full_fp}, &fp);
        fast_state(at, &f.s[f.full], &fp);
    }
    at->position = 0;
    return f.full;
}

bool fast_region_added(const struct region *r) {
    uint32_t prot = r->prot & 7;
    if (prot & UC_PROT_WRITE)
        prot |= UC_PROT_READ;
    memset(f.known, 0, sizeof f.known);
    return uc_mem_map_ptr(f.uc, r->start, r->end - r->start, prot, r->bytes) == UC_ERR_OK;
}
void fast_region_removed(const struct region *r) {
    if (r->prot & UC_PROT_EXEC)
        uc_ctl_remove_cache(f.uc, r->start, r->end);
    uc_mem_unmap(f.uc, r->start, r->end - r->start);
    memset(f.known, 0, sizeof f.known);
}
void fast_code_changed(uint64_t start, uint64_t end) { uc_ctl_remove_cache(f.uc, start, end); }

bool fast_open(char *err, size_t n) {
    uint64_t status = 0;
    uc_err e = uc_open(UC_ARCH_RISCV, UC_MODE_RISCV64, &f.uc);
    if (!e)
        e = uc_reg_read(f.uc, UC_RISCV_REG_MSTATUS, &status);
    status |= 0x6000;
    if (!e)
        e = uc_reg_write(f.uc, UC_RISCV_REG_MSTATUS, &status);
    if (!e && !unicorn_registers_find(&f.regs, f.uc, 64)) {
        snprintf(err, n, "this build of Unicorn keeps its registers where they are not found");
        return false;
    }
    plan_place_of_f = (uint32_t)f.regs.f;
    if (!e && lockstep.step)
        e = uc_hook_add(f.uc, &f.hooks[0], UC_HOOK_CODE, wide() ? on_insn_wide : on_insn, NULL, 1, 0);
    else if (!e)
        e = uc_hook_add(f.uc, &f.hooks[0], UC_HOOK_BLOCK, wide() ? on_block_wide : on_block, NULL, 1, 0);
    if (!e)
        e = uc_hook_add(f.uc, &f.hooks[1], UC_HOOK_INTR, on_interrupt, NULL, 1, 0);
    if (!e)
        e = uc_hook_add(f.uc, &f.hooks[2], UC_HOOK_MEM_UNMAPPED | UC_HOOK_MEM_PROT, on_bad_access, NULL, 1, 0);
    if (e)
        snprintf(err, n, "Unicorn: %s", uc_strerror(e));
    return !e;
}
