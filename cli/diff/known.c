/* known.c: what references, Unicorn 2.0 above all, are known to do differently, as classes that are counted and
 * reported.
 *
 * A difference is explained only where it can have come from an instruction of such a class: the class's instruction
 * makes its destination suspect, what is computed from that becomes suspect, and every register that differs has to be
 * suspect.
 */
#include <string.h>

#include "diff.h"

const char *const known_labels[KNOWN_COUNT] = {
    [KNOWN_BOX] = "box: singles are not NaN-boxed",
    [KNOWN_MINMAX] = "fmin, fmax of a signalling NaN",
    [KNOWN_FMADD_NV] = "invalid flag of inf * 0 + NaN",
    [KNOWN_COUNTER] = "cycle, time, instret",
    [KNOWN_SC] = "sc succeeds or fails differently",
    [KNOWN_WORD_MINMAX] = "amomin.w and the like compare 64 bits",
    [KNOWN_TRAP] = "traps are taken by riv",
    [KNOWN_MISSING] = "instructions the reference lacks, executed by riv",
    [KNOWN_CTZW] = "ctzw of a word that is zero",
    [KNOWN_OUTSIDE] = "memory changed from outside (threads, kernel, other processes)",
};

static bool starts(const char *name, const char *prefix) { return strncmp(name, prefix, strlen(prefix)) == 0; }

/* Registers an instruction reads and writes: bits 0 to 31 are x, 32 to 63 f. */
struct uses {
    uint64_t reads, writes;
};

static uint64_t x(unsigned r) { return r ? UINT64_C(1) << r : 0; }
static uint64_t f(unsigned r) { return UINT64_C(1) << (32 + r); }

static struct uses uses_of(const struct insn *in) {
    switch (insn_rows[in->id].format) {
    case FMT_R:
    case FMT_AMO:
        return (struct uses){x(in->rs1) | x(in->rs2), x(in->rd)};
    case FMT_R1:
    case FMT_I:
    case FMT_IL:
    case FMT_JR:
    case FMT_SH:
    case FMT_LR:
    case FMT_CSR:
        return (struct uses){x(in->rs1), x(in->rd)};
    case FMT_S:
        return (struct uses){x(in->rs1) | x(in->rs2), 0};
    case FMT_B:
        return (struct uses){x(in->rs1) | x(in->rs2), 0};
    case FMT_U:
    case FMT_J:
    case FMT_CSRI:
        return (struct uses){0, x(in->rd)};
    case FMT_FIL:
        return (struct uses){x(in->rs1), f(in->rd)};
    case FMT_FST:
        return (struct uses){x(in->rs1) | f(in->rs2), 0};
    case FMT_F4R:
        return (struct uses){f(in->rs1) | f(in->rs2) | f(in->rs3), f(in->rd)};
    case FMT_F3R:
    case FMT_F3:
        return (struct uses){f(in->rs1) | f(in->rs2), f(in->rd)};
    case FMT_F2R:
        return (struct uses){f(in->rs1), f(in->rd)};
    case FMT_FX2:
        return (struct uses){f(in->rs1) | f(in->rs2), x(in->rd)};
    case FMT_FX1:
    case FMT_FX1R:
        return (struct uses){f(in->rs1), x(in->rd)};
    case FMT_XF1:
    case FMT_XF1R:
        return (struct uses){x(in->rs1), f(in->rd)};
    case FMT_XF2:
        return (struct uses){x(in->rs1) | x(in->rs2), f(in->rd)};
    case FMT_FLI:
        return (struct uses){0, f(in->rd)};
    default:
        return (struct uses){0, 0};
    }
}

void known_uses(const struct insn *in, uint64_t *reads, uint64_t *writes) {
    struct uses u = uses_of(in);
    *reads = u.reads;
    *writes = u.writes;
}

/* The class that the reference is known for. */
static bool class_of(const struct insn *in, enum known *class) {
    const char *id = insn_rows[in->id].id;
    unsigned csr = (unsigned)in->imm & 0xfff;
    uint8_t format = insn_rows[in->id].format;
    if ((format == FMT_CSR || format == FMT_CSRI) && ((csr >= 0xc00 && csr <= 0xc02) || (csr >= 0xc80 && csr <= 0xc82)))
        *class = KNOWN_COUNTER;
    else if (in->id == INSN_sc_w || in->id == INSN_sc_d)
        *class = KNOWN_SC;
    else if (starts(id, "fmin_") || starts(id, "fmax_"))
        *class = KNOWN_MINMAX;
    else if (starts(id, "fmadd") || starts(id, "fmsub") || starts(id, "fnmadd") || starts(id, "fnmsub"))
        *class = KNOWN_FMADD_NV;
    else if (starts(id, "amom") && strstr(id, "_w"))
        *class = KNOWN_WORD_MINMAX;
    else if (in->id == INSN_ctzw && lockstep.reference->known >> KNOWN_CTZW & 1)
        *class = KNOWN_CTZW;
    else if (known_missing(in)) /* where it is taken for another instruction instead of trapping */
        *class = KNOWN_MISSING;
    else
        return false;
    return true;
}

/* Its result is a single that Unicorn does not box. */
static bool is_single(const struct insn *in) {
    const char *extension = insn_rows[in->id].extension;
    return strcmp(extension, "F") == 0 || strcmp(extension, "F_64") == 0 || starts(insn_rows[in->id].id, "fcvt_s_");
}

static bool may_be(enum known class) { return lockstep.reference->known >> class & 1; }

static bool only_box(uint64_t ours, uint64_t theirs) {
    return may_be(KNOWN_BOX) && ours >> 32 == 0xffffffff && (uint32_t)ours == (uint32_t)theirs;
}

bool known_store(const struct batch *b, uint32_t insn, const struct store *ours, uint64_t address, unsigned size,
                 uint64_t value) {
    struct insn in;
    insn_decode(lockstep.isa, b->insns[insn].bits, &in);
    if (insn_rows[in.id].format != FMT_FST || size != 8 || ours->size != 8 || ours->address != address ||
        !only_box(ours->value, value))
        return false;
    lockstep_count_known(KNOWN_BOX, b->insns[insn].pc);
    return true;
}

bool known_explains(const struct batch *b, uint32_t from, uint32_t to, const struct state *ours,
                    const struct state *theirs, const struct store *store) {
    uint64_t suspect = 0, pcs[KNOWN_COUNT];
    uint64_t unboxed = 0, bare = 0; /* f registers without a box: in Unicorn only; on both sides */
    for (uint32_t i = 0; i < b->state_count && b->states[i].position <= from; i++)
        if (b->states[i].position == from) {
            bare = 0;
            for (unsigned r = 0; r < 32; r++)
                if (b->states[i].f[r] >> 32 != 0xffffffff)
                    bare |= f(r);
        }
    unsigned classes = 0;
    bool memory = false, control = false, store_suspect = false;
    if (store && store->insn >= to)
        to = store->insn + 1;
    for (uint32_t i = from; i < to; i++) {
        struct insn in;
        enum known class;
        insn_decode(lockstep.isa, b->insns[i].bits, &in);
        struct uses u = uses_of(&in);
        uint8_t format = insn_rows[in.id].format;
        bool loads = format == FMT_IL || format == FMT_FIL || format == FMT_AMO || format == FMT_LR;
        bool stores = format == FMT_S || format == FMT_FST || format == FMT_AMO;
        bool bad = u.reads & suspect || (loads && memory), single = is_single(&in);
        bool has_class = class_of(&in, &class) && may_be(class);
        bool reads_single = strcmp(insn_rows[in.id].extension, "F") == 0 ||
                            strcmp(insn_rows[in.id].extension, "F_64") == 0 || in.id == INSN_fcvt_d_s;
        if (!has_class && may_be(KNOWN_BOX) &&
            ((!single && (u.reads & unboxed)) || (reads_single && (u.reads & bare)))) {
            has_class = true;
            class = KNOWN_BOX;
        } else if (!has_class && loads && lockstep.threads_seen) {
            has_class = true;
            class = KNOWN_OUTSIDE;
        }
        bare = single ? bare & ~u.writes : bare | (u.writes & ~UINT64_C(0xffffffff));
        unboxed = single ? unboxed | (u.writes & ~UINT64_C(0xffffffff)) : unboxed & ~u.writes;
        if (has_class) {
            if (!(classes >> class & 1))
                pcs[class] = b->insns[i].pc;
            classes |= 1u << class;
            if (class != KNOWN_FMADD_NV)
                bad = true;
        }
        suspect = bad ? suspect | u.writes : suspect & ~u.writes;
        if (stores && bad) {
            memory = true;
            store_suspect |= store && store->insn == i;
        }
        if ((format == FMT_B || format == FMT_JR) && bad)
            control = true;
    }
    if (store && store_suspect) { /* the reference's registers are not of this point */
        for (unsigned c = 0; c < KNOWN_COUNT; c++)
            if (classes >> c & 1 && c != KNOWN_FMADD_NV)
                lockstep_count_known((enum known)c, pcs[c]);
        return true;
    }
    bool box = false, other = store || ours->pc != theirs->pc;
    for (unsigned r = 0; r < 32; r++) {
        if (ours->x[r] != theirs->x[r]) {
            other = true;
            if (!(suspect & x(r)) && !control)
                return false;
        }
        if (ours->f[r] == theirs->f[r])
            continue;
        if (only_box(ours->f[r], theirs->f[r]))
            box = true;
        else if (suspect & f(r) || control)
            other = true;
        else
            return false;
    }
    uint32_t flags = ours->fcsr ^ theirs->fcsr;
    if (flags && !control && !(classes & 1u << KNOWN_BOX) &&
        !(flags == FFLAG_NV && classes & (1u << KNOWN_MINMAX | 1u << KNOWN_FMADD_NV)))
        return false;
    if (ours->pc != theirs->pc && !control)
        return false;
    if (store)
        return false;
    if (!box && !classes)
        return false;
    if (!other)
        classes &= flags ? 1u << KNOWN_MINMAX | 1u << KNOWN_FMADD_NV : 0;
    if (!flags)
        classes &= ~(1u << KNOWN_FMADD_NV);
    if (box)
        lockstep_count_known(KNOWN_BOX, ours->pc);
    for (unsigned c = 0; c < KNOWN_COUNT; c++)
        if (classes >> c & 1)
            lockstep_count_known((enum known)c, pcs[c]);
    return true;
}
