/* system.h: the privileged architecture of a hart: its state beyond struct hart, traps, interrupts, privilege.
 *
 *      struct machine   what the harts of a board share: the bus, and which pages of RAM code was decoded from
 *        struct system  one a hart: CSRs, TLBs, wires
 *
 * Privileged manual, chapters "Machine-Level ISA" and "Supervisor-Level ISA".
 */
#ifndef CPU_SYSTEM_H
#define CPU_SYSTEM_H

#include <pthread.h>

#include "bus.h"
#include "hart.h"
#include "mmu.h"

enum { PRIV_U = 0, PRIV_S = 1, PRIV_M = 3 };

/* mstatus (section "Machine Status Registers") */
#define MSTATUS_SIE (UINT64_C(1) << 1)
#define MSTATUS_MIE (UINT64_C(1) << 3)
#define MSTATUS_SPIE (UINT64_C(1) << 5)
#define MSTATUS_MPIE (UINT64_C(1) << 7)
#define MSTATUS_SPP (UINT64_C(1) << 8)
#define MSTATUS_MPP (UINT64_C(3) << 11)
#define MSTATUS_FS (UINT64_C(3) << 13)
#define MSTATUS_MPRV (UINT64_C(1) << 17)
#define MSTATUS_SUM (UINT64_C(1) << 18)
#define MSTATUS_MXR (UINT64_C(1) << 19)
#define MSTATUS_TVM (UINT64_C(1) << 20)
#define MSTATUS_TW (UINT64_C(1) << 21)
#define MSTATUS_TSR (UINT64_C(1) << 22)
#define MSTATUS_UXL_64 (UINT64_C(2) << 32)
#define MSTATUS_SXL_64 (UINT64_C(2) << 34)

/* Interrupts, by bit in mip and mie */
enum { IRQ_SSI = 1, IRQ_MSI = 3, IRQ_STI = 5, IRQ_MTI = 7, IRQ_SEI = 9, IRQ_MEI = 11 };

/* menvcfg and senvcfg */
#define ENVCFG_FIOM (UINT64_C(1) << 0)
#define ENVCFG_CBIE (UINT64_C(3) << 4)
#define ENVCFG_CBCFE (UINT64_C(1) << 6)
#define ENVCFG_CBZE (UINT64_C(1) << 7)
#define ENVCFG_ADUE (UINT64_C(1) << 61)
#define ENVCFG_PBMTE (UINT64_C(1) << 62)
#define ENVCFG_STCE (UINT64_C(1) << 63)

enum { PMP_ENTRIES = 16, DIRTY_PAGES = 64 };
enum { FS_STATE_OFF, FS_STATE_CLEAN, FS_STATE_DIRTY, FS_STATES };

struct pmp_range {
    uint64_t first, last; /* physical addresses it matches, both ends included; first > last: none */
};

struct machine {
    const struct bus *bus;
    bool counted; /* harts count instructions exactly, and time is theirs */
    uint8_t *page_state; /* enum page_state (code_pages.h) by RAM page, all regions in a row */
    uint64_t pages;
    void (*code_written)(void *ctx, uint64_t ram_page); /* code of a page is out of date; called with lock held */
    void *code_written_ctx;
    pthread_mutex_t lock; /* the list of harts, and writes to pages that hold code */
    struct system *harts;
};

struct system {
    struct hart *hart;
    struct machine *machine;
    struct system *next;
    uint8_t priv;       /* PRIV_* */
    bool resume;        /* a CSR was written so that the hart must look around before its next instruction */
    uint32_t asleep;    /* in wfi: whoever sets hart.pending wakes it with a futex; atomic */

    uint64_t mstatus, medeleg, mideleg, mie, mtvec, mcounteren, menvcfg, mscratch, mepc, mcause, mtval;
    uint64_t scounteren, senvcfg, stvec, sscratch, sepc, scause, stval, satp, stimecmp;
    uint64_t mstateen[4];
    uint64_t wires;     /* mip as devices drive it; atomic */
    uint64_t mip_soft;  /* mip bits that software wrote: SSIP, STIP, SEIP */
    uint64_t cycle_offset, instret_offset;
    uint8_t pmpcfg[PMP_ENTRIES];
    uint64_t pmpaddr[PMP_ENTRIES];
    struct pmp_range pmp[PMP_ENTRIES];
    unsigned pmp_used; /* entries from this one on are off */

    struct tlb tlb[TLB_CONTEXTS];
    struct fetch_tlb fetch_tlb[3]; /* by fetch_context */
    bool fetch_stale;       /* a fetch translation was dropped: jump caches must be emptied */
    uint32_t fetch_drops;   /* counts that */
    uint64_t super_first, super_last; /* virtual addresses that large pages were cached for; first > last: none */
    uint64_t fetch_filter[64]; /* bit hash(page): the page may be in a jump cache */

    uint64_t dirty_pages[DIRTY_PAGES]; /* RAM pages with code that were written; under machine.lock */
    unsigned dirty_count;              /* more than DIRTY_PAGES: too many to list */
    bool counted;           /* a counted run: interp_counted.c */
    uint64_t icount, icount_deadline;
    uint64_t idle;          /* of icount: not executed but slept through, in wfi */
    struct block *running;  /* the block being interpreted, in a counted run */
    struct trap fault;      /* of an access that generated code has made */
    uint64_t bounce;        /* what such a load gets that is not plain memory */
    void (*on_trap)(struct hart *h, uint32_t cause, bool interrupt); /* about to be taken at h->pc; NULL: nobody asks */
    void *no_jumps;         /* what hart.jump_cache is set to so that generated code polls; NULL without the translator */
};

/* What the harts of a board share; NULL: no memory.  bus must stay as it is until the last hart is gone. */
struct machine *machine_create(const struct bus *bus);
void machine_destroy(struct machine *m);

/* Gives h (isa, xlen and id set) its privileged state, as after reset.  False: no memory. */
bool system_create(struct hart *h, struct machine *m);
void system_destroy(struct hart *h);
/* Machine mode, interrupts and translation off, PMP cleared; x, f and pc are the caller's business. */
void system_reset(struct hart *h);

/* Takes the exception in h->trap at h->pc: afterwards h->pc is in the handler. */
void system_take_trap(struct hart *h);
/* The highest enabled and pending interrupt's number, or 0. */
unsigned system_interrupt(const struct hart *h);
/* Takes that interrupt, where there is one. */
bool system_take_interrupt(struct hart *h);
/* mip as a read sees it. */
uint64_t system_mip(const struct hart *h);

/* mret, sret, wfi, sfence.vma and their like: false where the instruction is illegal now.  xret sets h->pc. */
bool system_mret(struct hart *h);
bool system_sret(struct hart *h);
bool system_wfi(struct hart *h);
bool system_sfence(struct hart *h, bool by_address, uint64_t address);
bool system_sfence_order(struct hart *h); /* sfence.w.inval, sfence.inval.ir */
/* Cache-block instructions by envcfg: field is ENVCFG_CBIE, ENVCFG_CBCFE or ENVCFG_CBZE. */
bool system_cbo_allowed(const struct hart *h, uint64_t field);

/* After mstatus or privilege has changed: which TLB is probed. */
void system_select(struct hart *h);
/* FS_STATE_* of mstatus.FS, and to make it dirty. */
static inline unsigned system_fs(const struct system *s) {
    unsigned fs = (unsigned)(s->mstatus >> 13 & 3);
    return fs == 0 ? FS_STATE_OFF : fs == 3 ? FS_STATE_DIRTY : FS_STATE_CLEAN;
}
static inline void system_fs_dirty(struct system *s) { s->mstatus |= MSTATUS_FS; }
/* Wakes h from wfi after hart.pending was set. */
void system_wake(struct hart *h);
/* Sleeps while nothing is pending; wakes with hart.pending set or an interrupt that mie names.  Called outside of guest
 * code. */
void system_sleep(struct hart *h);

/* csr_system.c: csr_access (cpu/interp.h) for harts with a board. */
uint64_t system_csr_access(struct hart *h, uint64_t value, uint64_t imm);
/* What CSR n holds, whatever the privilege; RV32 values are sign-extended.  False: there is no such. */
bool system_csr_read(struct hart *h, unsigned n, uint64_t *value);
/* pmp.c: after pmpcfg or pmpaddr has changed; whether an access of size bytes (a power of two) by privilege priv is
 * allowed.  *whole_page (may be NULL): the answer is the same for every byte of the page. */
void pmp_update(struct system *s);
bool pmp_allows(const struct system *s, uint64_t address, uint64_t size, enum access access, unsigned priv,
                bool *whole_page);

#endif
