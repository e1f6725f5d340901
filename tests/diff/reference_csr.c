/* reference_csr.c: the control and status registers of the second model (reference_machine.h). */
#include <string.h>

#include "reference_machine.h"

enum { U_MODE = 0, S_MODE = 1, M_MODE = 3 };

static uint64_t bit(uint64_t v, unsigned n) { return v >> n & 1; }
static uint64_t field(uint64_t v, unsigned high, unsigned low) {
    return v >> low & ((UINT64_C(2) << (high - low)) - 1);
}
static uint64_t keep(uint64_t old, uint64_t v, uint64_t writable) { return (old & ~writable) | (v & writable); }

#define RANGE(n, first, last) ((n) >= (first) && (n) <= (last))
#define SIE_SPIE_SPP (UINT64_C(1) << 1 | UINT64_C(1) << 5 | UINT64_C(1) << 8)
#define FS (UINT64_C(3) << 13)
#define SUM_MXR (UINT64_C(3) << 18)
#define SSTATUS (SIE_SPIE_SPP | FS | SUM_MXR)
#define S_INTERRUPTS UINT64_C(0x222)

void ref_reset(struct ref_machine *m) {
    struct ref_machine fresh = {.xlen = m->xlen,
                                .ram = m->ram,
                                .ram_base = m->ram_base,
                                .ram_size = m->ram_size,
                                .time = m->time,
                                .wires = m->wires,
                                .mcycle = m->mcycle,
                                .minstret = m->minstret,
                                .counters_known = m->counters_known};
    memcpy(fresh.x, m->x, sizeof fresh.x);
    memcpy(&fresh.seen, &m->seen, sizeof fresh.seen);
    *m = fresh;
    m->priv = M_MODE;
    m->mstatus = m->xlen == 64 ? UINT64_C(2) << 32 | UINT64_C(2) << 34 : 0;
    const char letters[] = "ABCDFIMSU";
    for (const char *p = letters; *p; p++)
        m->misa |= UINT64_C(1) << (*p - 'A');
    m->misa |= m->xlen == 64 ? UINT64_C(2) << 62 : UINT64_C(1) << 30;
    m->stimecmp = UINT64_MAX;
    /* choice: A and D are updated, and memory types are known, unless firmware says otherwise */
    m->menvcfg = UINT64_C(1) << 61 | (m->xlen == 64 ? UINT64_C(1) << 62 : 0);
}

static uint64_t status(const struct ref_machine *m, uint64_t visible) {
    uint64_t v = m->mstatus & visible;
    return field(m->mstatus, 14, 13) == 3 ? v | UINT64_C(1) << (m->xlen - 1) : v;
}

static void write_status(struct ref_machine *m, uint64_t v, uint64_t writable) {
    if (field(v, 12, 11) == 2) /* choice: no such mode, MPP stays */
        writable &= ~(UINT64_C(3) << 11);
    m->mstatus = keep(m->mstatus, v, writable);
}

static uint64_t mip(const struct ref_machine *m) {
    uint64_t stip = UINT64_C(1) << 5;
    bool stce = bit(m->menvcfg, 63);
    return (m->wires & (stce ? ~UINT64_C(0) : ~stip)) | (m->soft & (stce ? ~stip : ~UINT64_C(0)));
}

static uint64_t envcfg(uint64_t old, uint64_t v, uint64_t writable) {
    if (field(v, 5, 4) == 2) /* choice: reserved, CBIE stays */
        writable &= ~(UINT64_C(3) << 4);
    return keep(old, v, writable);
}

static bool exists(const struct ref_machine *m, unsigned n) {
    bool rv32 = m->xlen == 32;
    static const uint16_t always[] = {1,     2,     3,     0x100, 0x104, 0x105, 0x106, 0x10a, 0x10c, 0x10d, 0x10e,
                                      0x10f, 0x140, 0x141, 0x142, 0x143, 0x144, 0x14d, 0x180, 0x300, 0x301, 0x302,
                                      0x303, 0x304, 0x305, 0x306, 0x30a, 0x30c, 0x30d, 0x30e, 0x30f, 0x320, 0x340,
                                      0x341, 0x342, 0x343, 0x344, 0xb00, 0xb02, 0xf11, 0xf12, 0xf13, 0xf14, 0xf15};
    static const uint16_t only_rv32[] = {0x15d, 0x310, 0x31a, 0x31c, 0x31d, 0x31e, 0x31f, 0xb80, 0xb82, 0x3a1, 0x3a3};
    for (unsigned i = 0; i < sizeof always / sizeof *always; i++)
        if (always[i] == n)
            return true;
    for (unsigned i = 0; i < sizeof only_rv32 / sizeof *only_rv32; i++)
        if (only_rv32[i] == n)
            return rv32;
    return n == 0x3a0 || n == 0x3a2 || RANGE(n, 0x3b0, 0x3bf) || RANGE(n, 0x323, 0x33f) || RANGE(n, 0xb03, 0xb1f) ||
           RANGE(n, 0xc00, 0xc1f) || (rv32 && (RANGE(n, 0xb83, 0xb9f) || RANGE(n, 0xc80, 0xc9f)));
}

/* The whole of a register that RV32 sees in two halves: v is what the half at n makes of it, or reads. */
static uint64_t half(const struct ref_machine *m, uint64_t whole, bool high) {
    return m->xlen == 64 ? whole : high ? whole >> 32 : whole & UINT32_MAX;
}
static uint64_t with_half(const struct ref_machine *m, uint64_t whole, uint64_t v, bool high) {
    if (m->xlen == 64)
        return v;
    return high ? (whole & UINT32_MAX) | v << 32 : (whole & ~(uint64_t)UINT32_MAX) | (v & UINT32_MAX);
}

static uint64_t get(const struct ref_machine *m, unsigned n, bool *unknown) {
    uint64_t v = 0;
    *unknown = false;
    if (RANGE(n, 0x3b0, 0x3bf))
        return m->pmpaddr[n - 0x3b0];
    if (RANGE(n, 0x3a0, 0x3a3)) {
        for (unsigned i = 0; i < m->xlen / 8; i++)
            v |= (uint64_t)m->pmpcfg[(n - 0x3a0) * 4 + i] << 8 * i;
        return v;
    }
    switch (n) {
    case 1:
        return m->fflags;
    case 2:
        return m->frm;
    case 3:
        return m->frm << 5 | m->fflags;
    case 0x100:
        return status(m, SSTATUS | UINT64_C(3) << 32);
    case 0x104:
        return m->mie & m->mideleg;
    case 0x105:
        return m->stvec;
    case 0x106:
        return m->scounteren;
    case 0x10a:
        return m->senvcfg;
    case 0x140:
        return m->sscratch;
    case 0x141:
        return m->sepc;
    case 0x142:
        return m->scause;
    case 0x143:
        return m->stval;
    case 0x144:
        return mip(m) & m->mideleg;
    case 0x14d:
    case 0x15d:
        return half(m, m->stimecmp, n == 0x15d);
    case 0x180:
        return m->satp;
    case 0x300:
        return status(m, ~UINT64_C(0));
    case 0x301:
        return m->misa;
    case 0x302:
        return m->medeleg;
    case 0x303:
        return m->mideleg;
    case 0x304:
        return m->mie;
    case 0x305:
        return m->mtvec;
    case 0x306:
        return m->mcounteren;
    case 0x30a:
    case 0x31a:
        return half(m, m->menvcfg, n == 0x31a);
    case 0x30c:
    case 0x30d:
    case 0x30e:
    case 0x30f:
    case 0x31c:
    case 0x31d:
    case 0x31e:
    case 0x31f:
        return half(m, m->mstateen[n & 3], n >= 0x31c);
    case 0x340:
        return m->mscratch;
    case 0x341:
        return m->mepc;
    case 0x342:
        return m->mcause;
    case 0x343:
        return m->mtval;
    case 0x344:
        return mip(m);
    case 0xb00:
    case 0xb80:
    case 0xc00:
    case 0xc80:
        *unknown = !m->counters_known;
        return half(m, m->mcycle, n & 0x80);
    case 0xb02:
    case 0xb82:
    case 0xc02:
    case 0xc82:
        *unknown = !m->counters_known;
        return half(m, m->minstret, n & 0x80);
    case 0xc01:
    case 0xc81:
        return half(m, m->time, n & 0x80);
    default:
        return 0; /* choice: other counters, and what says who made the hart, are 0 */
    }
}

static void set_pmp(struct ref_machine *m, unsigned n, uint64_t v) {
    if (n >= 0x3b0) {
        unsigned i = n - 0x3b0;
        bool locked_above = i < 15 && m->pmpcfg[i + 1] & 0x80 && (m->pmpcfg[i + 1] >> 3 & 3) == 1;
        if (!(m->pmpcfg[i] & 0x80) && !locked_above)
            m->pmpaddr[i] = m->xlen == 64 ? field(v, 53, 0) : v & UINT32_MAX;
        return;
    }
    for (unsigned i = 0; i < m->xlen / 8; i++) {
        uint8_t *cfg = &m->pmpcfg[(n - 0x3a0) * 4 + i];
        uint8_t now = (uint8_t)(v >> 8 * i) & 0x9f;
        if ((now & 3) == 2) /* choice: writable but not readable is reserved, it becomes neither */
            now &= (uint8_t)~2;
        if (!(*cfg & 0x80))
            *cfg = now;
    }
}

static void set_satp(struct ref_machine *m, uint64_t v) {
    if (m->xlen == 32) {
        m->satp = v & 0x803fffff; /* choice: no bits of ASID */
        return;
    }
    uint64_t mode = v >> 60;
    if (mode == 0 || RANGE(mode, 8, 10)) /* else the whole write has no effect */
        m->satp = mode << 60 | field(v, 43, 0);
}

static void set(struct ref_machine *m, unsigned n, uint64_t v) {
    if (RANGE(n, 0x3a0, 0x3bf)) {
        set_pmp(m, n, v);
        return;
    }
    switch (n) {
    case 1:
        m->fflags = v & 31;
        m->mstatus |= FS;
        break;
    case 2:
        m->frm = v & 7;
        m->mstatus |= FS;
        break;
    case 3:
        m->fflags = v & 31;
        m->frm = v >> 5 & 7;
        m->mstatus |= FS;
        break;
    case 0x100:
        m->mstatus = keep(m->mstatus, v, SSTATUS);
        break;
    case 0x104:
        m->mie = keep(m->mie, v, m->mideleg);
        break;
    case 0x105:
        m->stvec = v & ~UINT64_C(2); /* choice: modes 2 and 3 are 0 and 1 */
        break;
    case 0x106:
        m->scounteren = v & 7; /* choice: no further counters */
        break;
    case 0x10a:
        m->senvcfg = envcfg(m->senvcfg, v, 0xf1);
        break;
    case 0x140:
        m->sscratch = v;
        break;
    case 0x141:
        m->sepc = v & ~UINT64_C(1);
        break;
    case 0x142:
        m->scause = v;
        break;
    case 0x143:
        m->stval = v;
        break;
    case 0x144:
        m->soft = keep(m->soft, v, m->mideleg & 2);
        break;
    case 0x14d:
    case 0x15d:
        m->stimecmp = with_half(m, m->stimecmp, v, n == 0x15d);
        break;
    case 0x180:
        set_satp(m, v);
        break;
    case 0x300: /* MIE, MPIE, MPP, MPRV, TVM, TW, TSR beside what S mode sees */
        write_status(m, v,
                     SSTATUS | UINT64_C(1) << 3 | UINT64_C(1) << 7 | UINT64_C(3) << 11 | UINT64_C(1) << 17 |
                         UINT64_C(7) << 20);
        break;
    case 0x302:
        m->medeleg = v & 0xb3ff; /* all that can happen below M mode, and bit 10's neighbours but not itself */
        break;
    case 0x303:
        m->mideleg = v & S_INTERRUPTS;
        break;
    case 0x304:
        m->mie = v & 0xaaa;
        break;
    case 0x305:
        m->mtvec = v & ~UINT64_C(2);
        break;
    case 0x306:
        m->mcounteren = v & 7;
        break;
    case 0x30a:
    case 0x31a:
        m->menvcfg = envcfg(m->menvcfg, with_half(m, m->menvcfg, v, n == 0x31a),
                            UINT64_C(0xf1) | UINT64_C(5) << 61 | (m->xlen == 64 ? UINT64_C(1) << 62 : 0));
        break;
    case 0x30c:
    case 0x30d:
    case 0x30e:
    case 0x30f:
    case 0x31c:
    case 0x31d:
    case 0x31e:
    case 0x31f: {
        uint64_t *state = &m->mstateen[n & 3];
        *state = keep(*state, with_half(m, *state, v, n >= 0x31c),
                      UINT64_C(1) << 63 | ((n & 3) == 0 ? UINT64_C(1) << 62 : 0));
        break;
    }
    case 0x340:
        m->mscratch = v;
        break;
    case 0x341:
        m->mepc = v & ~UINT64_C(1);
        break;
    case 0x342:
        m->mcause = v;
        break;
    case 0x343:
        m->mtval = v;
        break;
    case 0x344: /* with Sstc STIP is the comparison's alone */
        m->soft = keep(m->soft, v, S_INTERRUPTS & ~(bit(m->menvcfg, 63) << 5));
        break;
    case 0xb00:
    case 0xb80:
        m->mcycle = with_half(m, m->mcycle, v, n == 0xb80);
        m->cycle_written = true;
        break;
    case 0xb02:
    case 0xb82:
        m->minstret = with_half(m, m->minstret, v, n == 0xb82);
        m->instret_written = true;
        break;
    default:
        break;
    }
}

/* What a mode may not touch although the number would let it. */
static bool denied(const struct ref_machine *m, unsigned n) {
    if (n <= 3)
        return field(m->mstatus, 14, 13) == 0;
    if (m->priv == M_MODE)
        return false;
    if (RANGE(n, 0xc00, 0xc9f)) {
        unsigned counter = n & 31;
        return !bit(m->mcounteren, counter) || (m->priv == U_MODE && !bit(m->scounteren, counter));
    }
    switch (n) {
    case 0x180:
        return bit(m->mstatus, 20);
    case 0x14d:
    case 0x15d:
        return !bit(m->menvcfg, 63) || !bit(m->mcounteren, 1);
    case 0x10a:
        return !bit(m->mstateen[0], 62);
    case 0x10c:
    case 0x10d:
    case 0x10e:
    case 0x10f:
        return !bit(m->mstateen[n & 3], 63);
    default:
        return false;
    }
}

bool ref_csr(struct ref_machine *m, unsigned n, unsigned op, uint64_t operand, bool reads, bool writes, uint64_t *old,
             bool *unknown) {
    if (!exists(m, n) || (n >> 8 & 3) > m->priv || (writes && n >> 10 == 3) || denied(m, n))
        return false;
    *old = get(m, n, unknown);
    if (!writes)
        return true;
    uint64_t base = n == 0x344 || n == 0x144 ? m->soft : *old; /* the lines are not written back */
    uint64_t v = op == 0 ? operand : op == 1 ? base | operand : base & ~operand;
    set(m, n, m->xlen == 32 ? v & UINT32_MAX : v);
    return true;
}

bool ref_csr_peek(struct ref_machine *m, unsigned n, uint64_t *value, bool *unknown) {
    *unknown = false;
    if (!exists(m, n))
        return false;
    *value = get(m, n, unknown);
    return true;
}
