/* csr_system.c: control and status registers of a hart in system mode; the registers themselves are rows of csr.def.
 *
 * Values of RV32 registers are kept sign-extended where they are of XLEN bits.
 */
#include <time.h>

#include "interp.h"
#include "system.h"

#define RV32 (h->xlen == 32)
#define HAS(ext) (h->isa->exts >> EXT_##ext & 1)
#define LOW_MASK UINT64_C(0xffffffff)
#define LOW(v) (v)
#define HIGH(v) ((v) >> 32)
#define SET(field, mask) s->field = (s->field & ~(uint64_t)(mask)) | (v & (mask))
#define SET_LOW(field, mask) set_part(&s->field, v, (mask) & (RV32 ? LOW_MASK : UINT64_MAX))
#define SET_HIGH(field, mask) set_part(&s->field, v << 32, (mask) & ~LOW_MASK)
#define IGNORED ((void)0)

#define S_INTERRUPTS ((1u << IRQ_SSI) | (1u << IRQ_STI) | (1u << IRQ_SEI))
#define INTERRUPTS (S_INTERRUPTS | (1u << IRQ_MSI) | (1u << IRQ_MTI) | (1u << IRQ_MEI))
#define MEDELEG_WRITABLE UINT64_C(0xb3ff) /* not ecall from M */
#define SSTATUS_WRITABLE (MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP | MSTATUS_FS | MSTATUS_SUM | MSTATUS_MXR)
#define MSTATUS_WRITABLE                                                                                               \
    (SSTATUS_WRITABLE | MSTATUS_MIE | MSTATUS_MPIE | MSTATUS_MPP | MSTATUS_MPRV | MSTATUS_TVM | MSTATUS_TW |           \
     MSTATUS_TSR)
#define SSTATUS_SEEN (SSTATUS_WRITABLE | MSTATUS_UXL_64)
#define SENVCFG_WRITABLE (ENVCFG_FIOM | ENVCFG_CBIE | ENVCFG_CBCFE | ENVCFG_CBZE)
#define MENVCFG_WRITABLE (SENVCFG_WRITABLE | ENVCFG_ADUE | ENVCFG_STCE)
#define STATEEN_ENVCFG (UINT64_C(1) << 62)
#define STATEEN_SE (UINT64_C(1) << 63)

static void set_part(uint64_t *field, uint64_t v, uint64_t mask) { *field = (*field & ~mask) | (v & mask); }

static uint64_t epc_mask(const struct hart *h) { return HAS(C) ? ~UINT64_C(1) : ~UINT64_C(3); }

static uint64_t stateen_mask(unsigned number) { return STATEEN_SE | ((number & 3) == 0 ? STATEEN_ENVCFG : 0); }

/* CBIE's value 2 is reserved: the field keeps what it has. */
static uint64_t envcfg(uint64_t old, uint64_t v, uint64_t writable) {
    if ((v & ENVCFG_CBIE) == (UINT64_C(2) << 4))
        writable &= ~ENVCFG_CBIE;
    return (old & ~writable) | (v & writable);
}

static uint64_t with_sd(const struct hart *h, uint64_t v) {
    return (v & MSTATUS_FS) == MSTATUS_FS ? v | UINT64_C(1) << (h->xlen - 1) : v;
}
static uint64_t read_mstatus(const struct hart *h) { return with_sd(h, h->sys->mstatus); }
static uint64_t read_sstatus(const struct hart *h) { return with_sd(h, h->sys->mstatus & SSTATUS_SEEN); }

static void write_mstatus(struct hart *h, uint64_t v, uint64_t writable) {
    struct system *s = h->sys;
    uint64_t old = s->mstatus;
    unsigned fs = system_fs(s);
    if ((v & MSTATUS_MPP) == UINT64_C(2) << 11) /* not a privilege mode: MPP stays */
        writable &= ~MSTATUS_MPP;
    if (!HAS(F))
        writable &= ~MSTATUS_FS;
    s->mstatus = (old & ~writable) | (v & writable);
    if ((old ^ s->mstatus) & MSTATUS_MXR)
        mmu_flush_data(s);
    if (fs != system_fs(s))
        s->resume = true;
    system_select(h);
}

static uint64_t read_misa(const struct hart *h) {
    uint64_t v = UINT64_C(1) << ('S' - 'A') | UINT64_C(1) << ('U' - 'A');
    static const struct {
        char letter;
        uint8_t ext;
    } letters[] = {{'I', EXT_I}, {'M', EXT_M}, {'A', EXT_A}, {'F', EXT_F}, {'D', EXT_D}, {'C', EXT_C}};
    for (unsigned i = 0; i < sizeof letters / sizeof *letters; i++)
        if (h->isa->exts >> letters[i].ext & 1)
            v |= UINT64_C(1) << (letters[i].letter - 'A');
    if (HAS(Zba) && HAS(Zbb) && HAS(Zbs))
        v |= UINT64_C(1) << ('B' - 'A');
    return v | (h->xlen == 32 ? UINT64_C(1) << 30 : UINT64_C(2) << 62);
}

static void write_menvcfg(struct hart *h, uint64_t v) {
    struct system *s = h->sys;
    uint64_t old = s->menvcfg;
    s->menvcfg = envcfg(old, v, MENVCFG_WRITABLE | (RV32 ? 0 : ENVCFG_PBMTE));
    if ((old ^ s->menvcfg) & (ENVCFG_PBMTE | ENVCFG_ADUE)) {
        mmu_flush(s);
        s->resume = true;
    }
}

static void write_satp(struct hart *h, uint64_t v) {
    struct system *s = h->sys;
    if (RV32) {
        v &= UINT64_C(0x803fffff); /* no ASIDs */
    } else {
        uint64_t mode = v >> 60;
        if (mode != 0 && (mode < 8 || mode > 10)) /* a mode that is not there: nothing is written */
            return;
        v &= UINT64_C(0xf) << 60 | ((UINT64_C(1) << 44) - 1);
    }
    if (v == (RV32 ? s->satp & LOW_MASK : s->satp))
        return;
    s->satp = RV32 ? (uint64_t)(int64_t)(int32_t)v : v;
    mmu_flush(s);
    s->resume = true;
}

static void write_stimecmp(struct hart *h) {
    const struct bus *bus = h->sys->machine->bus;
    bus->set_stimecmp(bus->ctx, h, h->sys->stimecmp);
}

/* On RV64 pmpcfg0 and pmpcfg2 hold eight entries each, on RV32 every register holds four. */
static uint64_t read_pmpcfg(const struct hart *h, unsigned n) {
    uint64_t v = 0;
    for (unsigned i = 0; i < h->xlen / 8u; i++)
        v |= (uint64_t)h->sys->pmpcfg[(n - 0x3a0) * 4 + i] << i * 8;
    return v;
}

static void pmp_changed(struct system *s) {
    pmp_update(s);
    mmu_flush(s);
    s->resume = true;
}

enum { PMP_W_ONLY = 2, PMP_RW = 3, PMP_LOCK = 0x80, PMP_WRITABLE = 0x9f, PMP_A = 0x18, PMP_TOR = 0x08 };

static void write_pmpcfg(struct hart *h, unsigned n, uint64_t v) {
    struct system *s = h->sys;
    for (unsigned i = 0; i < h->xlen / 8u; i++) {
        uint8_t *cfg = &s->pmpcfg[(n - 0x3a0) * 4 + i], now = v >> i * 8 & PMP_WRITABLE;
        if (*cfg & PMP_LOCK)
            continue;
        if ((now & PMP_RW) == PMP_W_ONLY) /* reserved */
            now &= (uint8_t)~PMP_W_ONLY;
        *cfg = now;
    }
    pmp_changed(s);
}

static void write_pmpaddr(struct hart *h, unsigned i, uint64_t v) {
    struct system *s = h->sys;
    bool locked = s->pmpcfg[i] & PMP_LOCK;
    if (i + 1 < PMP_ENTRIES && s->pmpcfg[i + 1] & PMP_LOCK && (s->pmpcfg[i + 1] & PMP_A) == PMP_TOR)
        locked = true; /* it is the bottom of a locked range */
    if (locked)
        return;
    s->pmpaddr[i] = RV32 ? (uint32_t)v : v & ((UINT64_C(1) << 54) - 1);
    pmp_changed(s);
}

static uint64_t host_ns(void) {
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}
/* In a counted run an instruction is a cycle, and sleeping in wfi takes cycles too. */
static uint64_t cycles(const struct hart *h) { return h->sys->counted ? h->sys->icount : host_ns(); }
static uint64_t retired(const struct hart *h) {
    return h->sys->counted ? h->sys->icount - h->sys->idle : interp_count(h);
}
/* What is written is what the next instruction reads: the writing one does not count behind it. */
static uint64_t itself(const struct hart *h) { return h->sys->counted ? 1 : 0; }
static uint64_t read_cycle(const struct hart *h) { return cycles(h) + h->sys->cycle_offset; }
static void write_cycle(struct hart *h, uint64_t v) { h->sys->cycle_offset = v - cycles(h) - itself(h); }
static uint64_t read_instret(const struct hart *h) { return retired(h) + h->sys->instret_offset; }
static void write_instret(struct hart *h, uint64_t v) { h->sys->instret_offset = v - retired(h) - itself(h); }
static uint64_t read_time(struct hart *h) {
    const struct bus *bus = h->sys->machine->bus;
    return bus->time(bus->ctx);
}

#define CSR(number, name, when, read, write) CSR_RANGE(number, number, name, when, read, write)
#define CSR_RANGE(first, last, name, when, read, write)                                                                \
    static bool has_##name(const struct hart *h, unsigned n) { return when; }                                          \
    static uint64_t get_##name(struct hart *h, unsigned n) {                                                           \
        struct system *s = h->sys;                                                                                     \
        (void)s;                                                                                                       \
        return read;                                                                                                   \
    }                                                                                                                  \
    static void set_##name(struct hart *h, unsigned n, uint64_t v) {                                                   \
        struct system *s = h->sys;                                                                                     \
        (void)s;                                                                                                       \
        write;                                                                                                         \
    }
#include "csr.def"

enum {
    ROW_NONE,
#define CSR(number, name, when, read, write) CSR_RANGE(number, number, name, when, read, write)
#define CSR_RANGE(first, last, name, when, read, write) ROW_##name,
#include "csr.def"
};

static const struct csr_row {
    bool (*has)(const struct hart *h, unsigned n);
    uint64_t (*get)(struct hart *h, unsigned n);
    void (*set)(struct hart *h, unsigned n, uint64_t v);
} rows[] = {
    {NULL, NULL, NULL},
#define CSR(number, name, when, read, write) CSR_RANGE(number, number, name, when, read, write)
#define CSR_RANGE(first, last, name, when, read, write) {has_##name, get_##name, set_##name},
#include "csr.def"
};

static const uint8_t row_of[4096] = {
#define CSR(number, name, when, read, write) CSR_RANGE(number, number, name, when, read, write)
#define CSR_RANGE(first, last, name, when, read, write) [first... last] = ROW_##name,
#include "csr.def"
};

enum { CSR_FFLAGS = 1, CSR_FCSR = 3, CSR_SENVCFG = 0x10a, CSR_SSTATEEN0 = 0x10c, CSR_STIMECMP = 0x14d };
enum { CSR_STIMECMPH = 0x15d, CSR_SATP = 0x180, CSR_MIP = 0x344, CSR_SIP = 0x144 };

/* What a mode may not touch although its number says so. */
static bool denied(const struct hart *h, unsigned n) {
    const struct system *s = h->sys;
    if (n <= CSR_FCSR)
        return system_fs(s) == FS_STATE_OFF;
    if (n >> 8 == 0xc) { /* counters: cycle, time, instret, hpmcounter3 ... */
        unsigned bit = n & 0x1f;
        return (s->priv != PRIV_M && !(s->mcounteren >> bit & 1)) || (s->priv == PRIV_U && !(s->scounteren >> bit & 1));
    }
    if (s->priv == PRIV_M)
        return false;
    switch (n) {
    case CSR_SATP:
        return s->mstatus & MSTATUS_TVM;
    case CSR_STIMECMP:
    case CSR_STIMECMPH:
        return !(s->menvcfg & ENVCFG_STCE) || !(s->mcounteren & 2);
    case CSR_SENVCFG:
        return !(s->mstateen[0] & STATEEN_ENVCFG);
    case CSR_SSTATEEN0:
    case CSR_SSTATEEN0 + 1:
    case CSR_SSTATEEN0 + 2:
    case CSR_SSTATEEN0 + 3:
        return !(s->mstateen[n & 3] & STATEEN_SE);
    default:
        return false;
    }
}

bool system_csr_read(struct hart *h, unsigned n, uint64_t *value) {
    const struct csr_row *row = &rows[row_of[n & 0xfff]];
    if (!row->has || !row->has(h, n))
        return false;
    *value = row->get(h, n);
    if (h->xlen == 32)
        *value = (uint64_t)(int64_t)(int32_t)*value;
    return true;
}

uint64_t system_csr_access(struct hart *h, uint64_t value, uint64_t imm) {
    unsigned n = imm & 0xfff, op = imm >> 12 & 3;
    bool write = !(imm >> 14 & 1), read = !(imm >> 15 & 1);
    struct system *s = h->sys;
    const struct csr_row *row = &rows[row_of[n]];
    if (!row->has || (n >> 8 & 3) > s->priv || (write && n >> 10 == 3) || !row->has(h, n) || denied(h, n)) {
        h->trap.cause = TRAP_ILLEGAL;
        return 0;
    }
    uint64_t old = read || op != 0 ? row->get(h, n) : 0;
    if (h->xlen == 32)
        old = (uint64_t)(int64_t)(int32_t)old;
    if (write) {
        /* set and clear see of mip what software wrote, not the wires */
        uint64_t base = n == CSR_MIP || n == CSR_SIP ? s->mip_soft : old;
        uint64_t v = op == 0 ? value : op == 1 ? base | value : base & ~value;
        row->set(h, n, h->xlen == 32 ? (uint64_t)(int64_t)(int32_t)v : v);
        if (system_interrupt(h) != 0)
            s->resume = true;
    }
    return old;
}
