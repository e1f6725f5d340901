/* reference_machine.c: translation, PMP, traps and instructions of the second model; its CSRs are in reference_csr.c.
 */
#include "reference_machine.h"

#include <string.h>

enum { U_MODE = 0, S_MODE = 1, M_MODE = 3 };
enum { FETCH_ACCESS = 1, ILLEGAL = 2, BREAKPOINT = 3, LOAD_MISALIGNED = 4, STORE_MISALIGNED = 6 };

static uint64_t bits(uint64_t v, unsigned high, unsigned low) { return v >> low & ((UINT64_C(2) << (high - low)) - 1); }
static uint64_t bit(uint64_t v, unsigned n) { return v >> n & 1; }
static uint64_t with_bits(uint64_t v, unsigned high, unsigned low, uint64_t field) {
    uint64_t mask = ((UINT64_C(2) << (high - low)) - 1) << low;
    return (v & ~mask) | (field << low & mask);
}
static uint64_t xlen_mask(const struct ref_machine *m) { return m->xlen == 32 ? UINT32_MAX : UINT64_MAX; }
static uint64_t sext(uint64_t v, unsigned from) { return (uint64_t)((int64_t)(v << (64 - from)) >> (64 - from)); }

/* ---- physical memory ---- */

static uint8_t *ram_at(const struct ref_machine *m, uint64_t pa, unsigned size) {
    return pa >= m->ram_base && pa - m->ram_base <= m->ram_size - size ? m->ram + (pa - m->ram_base) : NULL;
}

static void note_write(struct ref_machine *m, uint64_t pa, unsigned size) {
    uint64_t first = pa - m->ram_base, last = first + size - 1;
    if (first < m->written_first)
        m->written_first = first;
    if (last > m->written_last)
        m->written_last = last;
}

/* Section "Physical Memory Protection": the lowest-numbered entry that matches any byte decides. */
static bool pmp_permits(const struct ref_machine *m, uint64_t pa, unsigned size, int access, unsigned priv) {
    for (unsigned i = 0; i < 16; i++) {
        unsigned cfg = m->pmpcfg[i], mode = cfg >> 3 & 3;
        if (mode == 0)
            continue;
        unsigned inside = 0;
        for (unsigned k = 0; k < size; k++) {
            uint64_t word = (pa + k) >> 2;
            bool in = false;
            if (mode == 1) {
                uint64_t bottom = i == 0 ? 0 : m->pmpaddr[i - 1];
                in = word >= bottom && word < m->pmpaddr[i];
            } else if (mode == 2) {
                in = word == m->pmpaddr[i];
            } else {
                unsigned ones = 0;
                while (ones < 54 && bit(m->pmpaddr[i], ones))
                    ones++;
                in = ones >= 53 || word >> (ones + 1) == m->pmpaddr[i] >> (ones + 1);
            }
            inside += in;
        }
        if (inside == 0)
            continue;
        if (inside != size)
            return false;
        if (priv == M_MODE && !(cfg & 0x80))
            return true;
        return access == REF_LOAD ? cfg & 1 : access == REF_STORE ? cfg & 2 : cfg & 4;
    }
    return priv == M_MODE;
}

/* ---- translation ---- */

static int access_fault(int access) { return access == REF_FETCH ? 1 : access == REF_LOAD ? 5 : 7; }
static int page_fault(int access) { return access == REF_FETCH ? 12 : access == REF_LOAD ? 13 : 15; }

static unsigned effective_priv(const struct ref_machine *m, int access) {
    return access != REF_FETCH && bit(m->mstatus, 17) ? (unsigned)bits(m->mstatus, 12, 11) : m->priv;
}

/* Steps 1 to 10 of the algorithm; pte_at: where the leaf was. */
static int walk(struct ref_machine *m, uint64_t va, int access, unsigned priv, bool look, uint64_t *pa) {
    bool sv32 = m->xlen == 32;
    unsigned levels = sv32 ? 2 : (unsigned)(m->satp >> 60) - 5, vpn_bits = sv32 ? 10 : 9, pte_size = sv32 ? 4 : 8;
    unsigned va_bits = 12 + levels * vpn_bits;
    if (!sv32 && sext(va, va_bits) != va)
        return page_fault(access);
    uint64_t a = bits(m->satp, sv32 ? 21 : 43, 0) * 4096;
    for (int i = (int)levels - 1; i >= 0; i--) {
        uint64_t at = a + bits(va, 12 + vpn_bits * ((unsigned)i + 1) - 1, 12 + vpn_bits * (unsigned)i) * pte_size,
                 pte = 0;
        uint8_t *host = ram_at(m, at, pte_size);
        if (host == NULL || !pmp_permits(m, at, pte_size, REF_LOAD, S_MODE))
            return access_fault(access);
        memcpy(&pte, host, pte_size);
        bool v = bit(pte, 0), r = bit(pte, 1), w = bit(pte, 2), x = bit(pte, 3), u = bit(pte, 4);
        bool accessed = bit(pte, 6), dirty = bit(pte, 7), napot = !sv32 && bit(pte, 63);
        unsigned pbmt = sv32 ? 0 : (unsigned)bits(pte, 62, 61);
        if (!v || (!r && w) || (!sv32 && bits(pte, 60, 54) != 0))
            return page_fault(access);
        uint64_t ppn = sv32 ? bits(pte, 31, 10) : bits(pte, 53, 10);
        if (!r && !x) {
            if (accessed || dirty || u || napot || pbmt)
                return page_fault(access);
            a = ppn * 4096;
            continue;
        }
        /* Svpbmt: reserved while menvcfg.PBMTE is 0; 3 is reserved at all times */
        if (pbmt == 3 || (pbmt != 0 && !bit(m->menvcfg, 62)))
            return page_fault(access);
        if (access == REF_FETCH ? !x : access == REF_STORE ? !w : !(r || (x && bit(m->mstatus, 19))))
            return page_fault(access);
        if (u ? priv == S_MODE && (access == REF_FETCH || !bit(m->mstatus, 18)) : priv == U_MODE)
            return page_fault(access);
        uint64_t page_bits = 12 + vpn_bits * (unsigned)i;
        if (ppn % (UINT64_C(1) << (page_bits - 12)) != 0)
            return page_fault(access);
        if (napot) { /* Svnapot: 64 KiB pages only */
            if (i != 0 || (ppn & 15) != 8)
                return page_fault(access);
            page_bits = 16;
        }
        uint64_t updated = pte | 0x40 | (access == REF_STORE ? 0x80 : 0);
        if (updated != pte) {
            if (!bit(m->menvcfg, 61)) /* Svade */
                return page_fault(access);
            if (!pmp_permits(m, at, pte_size, REF_STORE, S_MODE))
                return access_fault(access);
            if (!look) {
                memcpy(host, &updated, pte_size);
                note_write(m, at, pte_size);
            }
        }
        m->seen.leaves[levels][i]++;
        m->seen.napot += napot;
        m->seen.memory_types += pbmt != 0;
        m->seen.updates += updated != pte;
        *pa = (ppn * 4096) >> page_bits << page_bits | bits(va, (unsigned)page_bits - 1, 0);
        return REF_OK;
    }
    return page_fault(access);
}

/* The same whether there is RAM or not.  Physical addresses have 56 bits. */
static int permitted(struct ref_machine *m, uint64_t va, unsigned size, int access, bool look, uint64_t *pa) {
    unsigned priv = effective_priv(m, access);
    bool paged = priv != M_MODE && (m->xlen == 32 ? bit(m->satp, 31) : m->satp >> 60 != 0);
    *pa = va;
    if (paged) {
        int cause = walk(m, va, access, priv, look, pa);
        if (cause != REF_OK)
            return cause;
    }
    if (pmp_permits(m, *pa, size, access, priv) && *pa >> 56 == 0)
        return REF_OK;
    m->seen.denied[access]++;
    return access_fault(access);
}

int ref_translate(struct ref_machine *m, uint64_t va, unsigned size, int access, bool look, uint64_t *pa) {
    int cause = permitted(m, va, size, access, look, pa);
    return cause == REF_OK && ram_at(m, *pa, size) == NULL ? access_fault(access) : cause;
}

/* ---- traps ---- */

static void enter(struct ref_machine *m, unsigned cause, uint64_t tval, bool interrupt) {
    bool to_s = m->priv != M_MODE && bit(interrupt ? m->mideleg : m->medeleg, cause);
    uint64_t xcause = cause | (interrupt ? UINT64_C(1) << (m->xlen - 1) : 0);
    uint64_t tvec = to_s ? m->stvec : m->mtvec;
    if (to_s) {
        m->sepc = m->pc;
        m->scause = xcause;
        m->stval = tval;
        m->mstatus = with_bits(m->mstatus, 5, 5, bit(m->mstatus, 1));
        m->mstatus = with_bits(m->mstatus, 1, 1, 0);
        m->mstatus = with_bits(m->mstatus, 8, 8, m->priv);
        m->priv = S_MODE;
    } else {
        m->mepc = m->pc;
        m->mcause = xcause;
        m->mtval = tval;
        m->mstatus = with_bits(m->mstatus, 7, 7, bit(m->mstatus, 3));
        m->mstatus = with_bits(m->mstatus, 3, 3, 0);
        m->mstatus = with_bits(m->mstatus, 12, 11, m->priv);
        m->priv = M_MODE;
    }
    m->pc = ((tvec & ~UINT64_C(3)) + (interrupt && (tvec & 3) == 1 ? 4 * cause : 0)) & xlen_mask(m);
}

static uint64_t pending(const struct ref_machine *m) {
    uint64_t mip;
    bool unknown;
    ref_csr_peek((struct ref_machine *)m, 0x344, &mip, &unknown);
    return mip & m->mie;
}
bool ref_interrupt_waits(const struct ref_machine *m) { return pending(m) != 0; }

void ref_interrupt(struct ref_machine *m) {
    static const unsigned order[] = {11, 3, 7, 9, 1, 5};
    bool m_enabled = m->priv < M_MODE || bit(m->mstatus, 3);
    bool s_enabled = m->priv < S_MODE || (m->priv == S_MODE && bit(m->mstatus, 1));
    for (int level = 0; level < 2; level++) {
        uint64_t set = level == 0 ? pending(m) & ~m->mideleg : pending(m) & m->mideleg;
        for (unsigned i = 0; i < 6; i++)
            if (bit(set, order[i]) && (level == 0 ? m_enabled : s_enabled)) {
                enter(m, order[i], 0, true);
                return;
            }
    }
}

static void mret(struct ref_machine *m) {
    unsigned to = (unsigned)bits(m->mstatus, 12, 11);
    m->mstatus = with_bits(m->mstatus, 3, 3, bit(m->mstatus, 7));
    m->mstatus = with_bits(m->mstatus, 7, 7, 1);
    m->mstatus = with_bits(m->mstatus, 12, 11, U_MODE);
    if (to != M_MODE)
        m->mstatus = with_bits(m->mstatus, 17, 17, 0);
    m->priv = to;
    m->pc = m->mepc;
}

static void sret(struct ref_machine *m) {
    unsigned to = (unsigned)bit(m->mstatus, 8);
    m->mstatus = with_bits(m->mstatus, 1, 1, bit(m->mstatus, 5));
    m->mstatus = with_bits(m->mstatus, 5, 5, 1);
    m->mstatus = with_bits(m->mstatus, 8, 8, U_MODE);
    m->mstatus = with_bits(m->mstatus, 17, 17, 0);
    m->priv = to;
    m->pc = m->sepc;
}

/* ---- instructions: the few that the test uses ---- */

struct outcome {
    int cause;
    uint64_t tval;
};
static const struct outcome done = {REF_OK, 0};

/* Bytes at va.  Choice: an access that crosses a page is made of two pieces, and the first one's fault comes first; a
 * store that faults in its second piece has stored nothing. */
static struct outcome memory(struct ref_machine *m, uint64_t va, unsigned size, int access, uint64_t *value) {
    unsigned first = 4096 - (unsigned)(va & 4095), pieces = size > first ? 2 : 1;
    uint64_t pa[2], at[2] = {va, (va + first) & xlen_mask(m)};
    unsigned n[2] = {pieces == 2 ? first : size, size - first};
    for (unsigned i = 0; i < pieces; i++) {
        int cause = ref_translate(m, at[i], n[i], access, false, &pa[i]);
        if (cause != REF_OK)
            return (struct outcome){cause, at[i]};
    }
    unsigned moved = 0;
    for (unsigned i = 0; i < pieces; moved += n[i++]) {
        uint8_t *host = ram_at(m, pa[i], n[i]);
        if (access == REF_STORE) {
            memcpy(host, (uint8_t *)value + moved, n[i]);
            note_write(m, pa[i], n[i]);
        } else {
            memcpy((uint8_t *)value + moved, host, n[i]);
        }
    }
    return done;
}

static void write_x(struct ref_machine *m, unsigned rd, uint64_t v) {
    if (rd != 0)
        m->x[rd] = v & xlen_mask(m);
}

static struct outcome load(struct ref_machine *m, uint32_t insn) {
    unsigned width = insn >> 12 & 7, size = 1u << (width & 3);
    uint64_t va = (m->x[insn >> 15 & 31] + sext(insn >> 20, 12)) & xlen_mask(m), v = 0;
    struct outcome o = memory(m, va, size, REF_LOAD, &v);
    if (o.cause == REF_OK)
        write_x(m, insn >> 7 & 31, width < 4 && size < 8 ? sext(v, size * 8) : v);
    return o;
}

static struct outcome store(struct ref_machine *m, uint32_t insn) {
    uint64_t offset = sext((insn >> 25 << 5) | (insn >> 7 & 31), 12);
    uint64_t va = (m->x[insn >> 15 & 31] + offset) & xlen_mask(m), v = m->x[insn >> 20 & 31];
    return memory(m, va, 1u << (insn >> 12 & 3), REF_STORE, &v);
}

/* amoadd and amoswap; their faults are those of stores. */
static struct outcome amo(struct ref_machine *m, uint32_t insn) {
    unsigned size = 1u << (insn >> 12 & 3);
    uint64_t va = m->x[insn >> 15 & 31], old = 0, pa;
    if (va % size != 0)
        return (struct outcome){STORE_MISALIGNED, va};
    int cause = ref_translate(m, va, size, REF_STORE, false, &pa);
    if (cause != REF_OK)
        return (struct outcome){cause, va};
    memcpy(&old, ram_at(m, pa, size), size);
    uint64_t operand = m->x[insn >> 20 & 31], new = insn >> 27 == 1 ? operand : old + operand;
    memcpy(ram_at(m, pa, size), &new, size);
    note_write(m, pa, size);
    write_x(m, insn >> 7 & 31, sext(old, size * 8));
    return done;
}

/* Zicbom, Zicboz; a fault gives the address in rs1, not that of the block.  Choice: blocks of 64 bytes. */
static struct outcome cache_block(struct ref_machine *m, uint32_t insn) {
    unsigned what = insn >> 20;
    uint64_t va = m->x[insn >> 15 & 31], pa;
    unsigned low = what == 4 ? 7 : what == 0 ? 4 : 6, high = what == 0 ? 5 : low;
    if (m->priv != M_MODE && bits(m->menvcfg, high, low) == 0)
        return (struct outcome){ILLEGAL, insn};
    if (m->priv == U_MODE && bits(m->senvcfg, high, low) == 0)
        return (struct outcome){ILLEGAL, insn};
    if (what == 4) {
        int cause = ref_translate(m, va & ~UINT64_C(63), 64, REF_STORE, false, &pa);
        if (cause != REF_OK)
            return (struct outcome){cause, va};
        memset(ram_at(m, pa, 64), 0, 64);
        note_write(m, pa, 64);
        return done;
    }
    int cause = permitted(m, va, 1, REF_LOAD, false, &pa); /* choice: where there is no RAM nothing is cached */
    if (cause == REF_OK)
        return done;
    return (struct outcome){cause == 13 ? 15 : 7, va}; /* reported as a store's */
}

static struct outcome csr_instruction(struct ref_machine *m, uint32_t insn) {
    unsigned kind = insn >> 12 & 7, rd = insn >> 7 & 31, rs1 = insn >> 15 & 31, op = (kind & 3) - 1;
    uint64_t old = 0, operand = kind & 4 ? rs1 : m->x[rs1];
    bool unknown = false;
    if (!ref_csr(m, insn >> 20, op, operand, op != 0 || rd != 0, op == 0 || rs1 != 0, &old, &unknown))
        return (struct outcome){ILLEGAL, insn};
    m->unknown_read = unknown;
    if (op != 0 || rd != 0)
        write_x(m, rd, old);
    return done;
}

static struct outcome system(struct ref_machine *m, uint32_t insn) {
    const struct outcome illegal = {ILLEGAL, insn};
    unsigned function = insn >> 25;
    if (insn >> 12 & 7)
        return csr_instruction(m, insn);
    switch (insn) {
    case 0x00000073:
        return (struct outcome){8 + (int)m->priv, 0};
    case 0x00100073:
        return (struct outcome){BREAKPOINT, m->pc}; /* choice: tval is the address */
    case 0x30200073:
        if (m->priv != M_MODE)
            return illegal;
        mret(m);
        return done;
    case 0x10200073:
        if (m->priv == U_MODE || (m->priv == S_MODE && bit(m->mstatus, 22)))
            return illegal;
        sret(m);
        return done;
    case 0x10500073: /* wfi.  Choice: illegal in U mode, and in S mode with TW, at once */
        return m->priv == U_MODE || (m->priv == S_MODE && bit(m->mstatus, 21)) ? illegal : done;
    case 0x18000073:
    case 0x18100073:
        return m->priv == U_MODE ? illegal : done;
    default:
        if (function == 0x09 || function == 0x0b)
            return m->priv == U_MODE || (m->priv == S_MODE && bit(m->mstatus, 20)) ? illegal : done;
        return illegal;
    }
}

static struct outcome execute(struct ref_machine *m, uint32_t insn) {
    const struct outcome illegal = {ILLEGAL, insn}; /* choice: tval is the instruction */
    switch (insn & 0x7f) {
    case 0x03:
        return (insn >> 12 & 7) == 7 || (m->xlen == 32 && ((insn >> 12 & 7) == 3 || (insn >> 12 & 7) == 6))
                   ? illegal
                   : load(m, insn);
    case 0x23:
        return store(m, insn);
    case 0x2f:
        return amo(m, insn);
    case 0x0f:
        return cache_block(m, insn);
    case 0x13: /* addi */
        write_x(m, insn >> 7 & 31, m->x[insn >> 15 & 31] + sext(insn >> 20, 12));
        return done;
    case 0x53: /* fmv.w.x into a register nobody looks at */
        if (bits(m->mstatus, 14, 13) == 0)
            return illegal;
        m->mstatus |= 3 << 13;
        return done;
    case 0x73:
        return system(m, insn);
    default:
        return illegal;
    }
}

/* An instruction of four bytes, in two parcels. */
static struct outcome fetch(struct ref_machine *m, uint32_t *insn) {
    uint16_t parcel[2];
    for (unsigned i = 0; i < 2; i++) {
        uint64_t va = (m->pc + 2 * i) & xlen_mask(m), pa;
        int cause = ref_translate(m, va, 2, REF_FETCH, false, &pa);
        if (cause != REF_OK)
            return (struct outcome){cause, va};
        memcpy(&parcel[i], ram_at(m, pa, 2), 2);
        if (i == 0 && (parcel[0] & 3) != 3) /* the test puts none there, but for zeros */
            return (struct outcome){ILLEGAL, parcel[0]};
    }
    *insn = parcel[0] | (uint32_t)parcel[1] << 16;
    return done;
}

void ref_step(struct ref_machine *m) {
    uint32_t insn = 0;
    m->written_first = UINT64_MAX;
    m->written_last = 0;
    ref_interrupt(m);
    m->cycle_written = m->instret_written = m->unknown_read = false;
    uint64_t pc = m->pc;
    struct outcome o = fetch(m, &insn);
    if (o.cause == REF_OK)
        o = execute(m, insn);
    if (o.cause != REF_OK) {
        enter(m, (unsigned)o.cause, o.tval & xlen_mask(m), false);
        return;
    }
    if (insn != 0x30200073 && insn != 0x10200073)
        m->pc = (pc + 4) & xlen_mask(m);
    /* what an instruction writes to a counter is what the next one reads */
    m->minstret += !m->instret_written;
    m->mcycle += !m->cycle_written;
}
