/* system.c: privileged state, traps, interrupts, returns, waiting.
 *
 * Privileged manual, sections "Machine Trap Delegation Registers", "Machine Interrupt Registers", "Trap-Return
 * Instructions", "Wait for Interrupt", "Supervisor Memory-Management Fence Instruction".
 */
#include "system.h"

#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "insn.h"

struct machine *machine_create(const struct bus *bus) {
    struct machine *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->bus = bus;
    for (unsigned i = 0; i < bus->ram_count; i++)
        m->pages += bus->ram[i].size >> 12;
    m->page_state = calloc(m->pages + 1, 1);
    if (!m->page_state) {
        free(m);
        return NULL;
    }
    pthread_mutex_init(&m->lock, NULL);
    return m;
}

void machine_destroy(struct machine *m) {
    if (!m)
        return;
    pthread_mutex_destroy(&m->lock);
    free(m->page_state);
    free(m);
}

bool system_create(struct hart *h, struct machine *m) {
    struct system *s = calloc(1, sizeof *s);
    if (!s)
        return false;
    s->hart = h;
    s->machine = m;
    s->counted = m->counted;
    s->icount_deadline = UINT64_MAX;
    h->sys = s;
    system_reset(h);
    pthread_mutex_lock(&m->lock);
    s->next = m->harts;
    m->harts = s;
    pthread_mutex_unlock(&m->lock);
    return true;
}

void system_destroy(struct hart *h) {
    struct system *s = h->sys;
    if (!s)
        return;
    pthread_mutex_lock(&s->machine->lock);
    struct system **at = &s->machine->harts;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    pthread_mutex_unlock(&s->machine->lock);
    free(s);
    h->sys = NULL;
}

void system_reset(struct hart *h) {
    struct system *s = h->sys;
    s->priv = PRIV_M;
    s->mstatus = h->xlen == 64 ? MSTATUS_UXL_64 | MSTATUS_SXL_64 : 0;
    s->medeleg = s->mideleg = s->mie = s->mtvec = s->mcounteren = s->mscratch = s->mepc = s->mcause = s->mtval = 0;
    s->scounteren = s->senvcfg = s->stvec = s->sscratch = s->sepc = s->scause = s->stval = s->satp = 0;
    /* what firmware does not turn on: A and D by hardware, memory types */
    s->menvcfg = ENVCFG_ADUE | (h->xlen == 64 ? ENVCFG_PBMTE : 0);
    s->stimecmp = UINT64_MAX;
    s->mip_soft = 0;
    for (unsigned i = 0; i < 4; i++)
        s->mstateen[i] = 0;
    for (unsigned i = 0; i < PMP_ENTRIES; i++)
        s->pmpcfg[i] = 0, s->pmpaddr[i] = 0;
    s->cycle_offset = s->instret_offset = 0;
    s->resume = false;
    h->res_valid = 0;
    h->fflags = h->frm = 0;
    pmp_update(s);
    mmu_reset(s);
    system_select(h);
}

void system_select(struct hart *h) {
    struct system *s = h->sys;
    unsigned priv = s->mstatus & MSTATUS_MPRV ? (unsigned)((s->mstatus & MSTATUS_MPP) >> 11) : s->priv;
    unsigned context = priv == PRIV_M ? TLB_M : priv == PRIV_U ? TLB_U : s->mstatus & MSTATUS_SUM ? TLB_S_SUM : TLB_S;
    h->tlb = &s->tlb[context];
}

uint64_t system_mip(const struct hart *h) {
    const struct system *s = h->sys;
    uint64_t wires = __atomic_load_n(&s->wires, __ATOMIC_ACQUIRE), soft = s->mip_soft;
    if (s->menvcfg & ENVCFG_STCE)
        soft &= ~(UINT64_C(1) << IRQ_STI);
    else
        wires &= ~(UINT64_C(1) << IRQ_STI);
    return wires | soft;
}

unsigned system_interrupt(const struct hart *h) {
    const struct system *s = h->sys;
    uint64_t pending = system_mip(h) & s->mie;
    if (pending == 0)
        return 0;
    uint64_t machine = pending & ~s->mideleg, supervisor = pending & s->mideleg;
    if (s->priv == PRIV_M && !(s->mstatus & MSTATUS_MIE))
        machine = 0;
    if (s->priv == PRIV_M || (s->priv == PRIV_S && !(s->mstatus & MSTATUS_SIE)))
        supervisor = 0;
    uint64_t enabled = machine ? machine : supervisor;
    static const uint8_t order[] = {IRQ_MEI, IRQ_MSI, IRQ_MTI, IRQ_SEI, IRQ_SSI, IRQ_STI};
    for (unsigned i = 0; i < sizeof order; i++)
        if (enabled >> order[i] & 1)
            return order[i];
    return 0;
}

static uint64_t extend(const struct hart *h, uint64_t v) { return h->xlen == 32 ? (uint64_t)(int64_t)(int32_t)v : v; }

/* The first instruction of a handler. */
static uint64_t vector(const struct hart *h, uint64_t tvec, uint32_t cause, bool interrupt) {
    uint64_t pc = (tvec & ~UINT64_C(3)) + (interrupt && tvec & 1 ? 4 * (uint64_t)cause : 0);
    return h->xlen == 32 ? (uint32_t)pc : pc;
}

static void enter(struct hart *h, uint32_t cause, uint64_t tval, bool interrupt) {
    struct system *s = h->sys;
    uint64_t code = cause | (interrupt ? UINT64_C(1) << (h->xlen - 1) : 0), ms = s->mstatus;
    bool to_s = s->priv != PRIV_M && (interrupt ? s->mideleg : s->medeleg) >> cause & 1;
    h->res_valid = 0;
    if (s->on_trap)
        s->on_trap(h, cause, interrupt);
    if (to_s) {
        s->scause = extend(h, code);
        s->sepc = extend(h, h->pc);
        s->stval = extend(h, tval);
        ms &= ~(MSTATUS_SPIE | MSTATUS_SPP | MSTATUS_SIE);
        ms |= (s->mstatus & MSTATUS_SIE ? MSTATUS_SPIE : 0) | (s->priv == PRIV_S ? MSTATUS_SPP : 0);
        s->priv = PRIV_S;
        h->pc = vector(h, s->stvec, cause, interrupt);
    } else {
        s->mcause = extend(h, code);
        s->mepc = extend(h, h->pc);
        s->mtval = extend(h, tval);
        ms &= ~(MSTATUS_MPIE | MSTATUS_MPP | MSTATUS_MIE);
        ms |= (s->mstatus & MSTATUS_MIE ? MSTATUS_MPIE : 0) | (uint64_t)s->priv << 11;
        s->priv = PRIV_M;
        h->pc = vector(h, s->mtvec, cause, interrupt);
    }
    s->mstatus = ms;
    system_select(h);
}

/* Whether the instruction at pc is this one. */
static bool fetches(struct hart *h, uint64_t pc, uint32_t wanted) {
    struct trap trap = h->trap;
    uint32_t bits = 0;
    for (unsigned i = 0; i < 4; i += 2) {
        const struct fetch_entry *e = mmu_fetch(h, pc + i);
        if (e == NULL) {
            h->trap = trap;
            return false;
        }
        uint16_t half;
        memcpy(&half, e->host + ((pc + i) & ~PAGE_MASK), 2);
        bits |= (uint32_t)half << 8 * i;
    }
    return bits == wanted;
}

enum { SLLI_0_31 = 0x01f01013, EBREAK_4 = 0x00100073, SRAI_0_7 = 0x40705013 };

/* An ebreak between two instructions that do nothing is a call ("RISC-V Semihosting", section "Semihosting Trap
 * Instruction Sequence"). */
static bool semihosting(struct hart *h) {
    const struct bus *bus = h->sys->machine->bus;
    if (bus->semihost == NULL || !fetches(h, h->pc, EBREAK_4) || !fetches(h, h->pc - 4, SLLI_0_31) ||
        !fetches(h, h->pc + 4, SRAI_0_7))
        return false;
    uint64_t result = bus->semihost(bus->ctx, h, h->x[10], h->x[11]);
    h->x[10] = extend(h, result);
    h->pc += 4;
    return true;
}

bool hart_physical(struct hart *h, uint64_t va, uint64_t *pa) { return mmu_probe(h, va, pa); }

void system_take_trap(struct hart *h) {
    if (h->trap.cause != TRAP_BREAKPOINT || !semihosting(h))
        enter(h, h->trap.cause, h->trap.tval, false);
}

bool system_take_interrupt(struct hart *h) {
    unsigned irq = system_interrupt(h);
    if (irq != 0)
        enter(h, irq, 0, true);
    return irq != 0;
}

bool system_mret(struct hart *h) {
    struct system *s = h->sys;
    if (s->priv != PRIV_M)
        return false;
    uint64_t ms = s->mstatus;
    s->priv = (uint8_t)((ms & MSTATUS_MPP) >> 11);
    s->mstatus &= ~(MSTATUS_MIE | MSTATUS_MPP | (s->priv != PRIV_M ? MSTATUS_MPRV : 0));
    s->mstatus |= (ms & MSTATUS_MPIE ? MSTATUS_MIE : 0) | MSTATUS_MPIE;
    h->pc = h->xlen == 32 ? (uint32_t)s->mepc : s->mepc;
    system_select(h);
    return true;
}

bool system_sret(struct hart *h) {
    struct system *s = h->sys;
    if (s->priv == PRIV_U || (s->priv == PRIV_S && s->mstatus & MSTATUS_TSR))
        return false;
    uint64_t ms = s->mstatus;
    s->priv = ms & MSTATUS_SPP ? PRIV_S : PRIV_U;
    s->mstatus &= ~(MSTATUS_SIE | MSTATUS_SPP | MSTATUS_MPRV);
    s->mstatus |= (ms & MSTATUS_SPIE ? MSTATUS_SIE : 0) | MSTATUS_SPIE;
    h->pc = h->xlen == 32 ? (uint32_t)s->sepc : s->sepc;
    system_select(h);
    return true;
}

bool system_wfi(struct hart *h) {
    const struct system *s = h->sys;
    return s->priv == PRIV_M || (s->priv == PRIV_S && !(s->mstatus & MSTATUS_TW));
}

bool system_sfence(struct hart *h, bool by_address, uint64_t address) {
    struct system *s = h->sys;
    if (s->priv == PRIV_U || (s->priv == PRIV_S && s->mstatus & MSTATUS_TVM))
        return false;
    if (by_address)
        mmu_flush_page(s, address);
    else
        mmu_flush(s);
    return true;
}

bool system_sfence_order(struct hart *h) { return h->sys->priv != PRIV_U; }

bool system_cbo_allowed(const struct hart *h, uint64_t field) {
    const struct system *s = h->sys;
    return s->priv == PRIV_M || (s->menvcfg & field && (s->priv == PRIV_S || s->senvcfg & field));
}

static void futex(uint32_t *word, int what, uint32_t value) { syscall(SYS_futex, word, what, value, NULL, NULL, 0); }

void system_wake(struct hart *h) {
    if (h->sys && __atomic_load_n(&h->sys->asleep, __ATOMIC_SEQ_CST))
        futex(&h->pending, FUTEX_WAKE_PRIVATE, 1);
}

void system_sleep(struct hart *h) {
    struct system *s = h->sys;
    __atomic_store_n(&s->asleep, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&h->pending, __ATOMIC_SEQ_CST) == 0 && !(system_mip(h) & s->mie))
        futex(&h->pending, FUTEX_WAIT_PRIVATE, 0);
    __atomic_store_n(&s->asleep, 0, __ATOMIC_SEQ_CST);
}

uint64_t hart_icount(const struct hart *h) { return h->sys->icount; }
void hart_icount_deadline(struct hart *h, uint64_t count) { h->sys->icount_deadline = count; }

void hart_interrupt(struct hart *h, unsigned bit, bool level) {
    struct system *s = h->sys;
    uint64_t mask = UINT64_C(1) << bit;
    if (!level) {
        __atomic_fetch_and(&s->wires, ~mask, __ATOMIC_SEQ_CST);
        return;
    }
    if (__atomic_fetch_or(&s->wires, mask, __ATOMIC_SEQ_CST) & mask)
        return;
    __atomic_fetch_or(&h->pending, PENDING_INTERRUPT, __ATOMIC_SEQ_CST);
    if (s->no_jumps)
        __atomic_store_n(&h->jump_cache, s->no_jumps, __ATOMIC_SEQ_CST);
    system_wake(h);
}
