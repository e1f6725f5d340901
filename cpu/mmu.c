/* mmu.c: page walks and TLBs.  Privileged manual, sections "Sv32" to "Sv57", "Svnapot", "Svpbmt", "Svadu".
 *
 * A TLB entry is for 4 KiB, whatever the size of the page it comes from, and exists only where PMP says the same for
 * all of the 4 KiB.
 */
#include "mmu.h"

#include <string.h>

#include "code_pages.h"
#include "system.h"

enum { PTE_V = 1, PTE_R = 2, PTE_W = 4, PTE_X = 8, PTE_U = 16, PTE_A = 64, PTE_D = 128 };
#define PTE_PBMT (UINT64_C(3) << 61)
#define PTE_N (UINT64_C(1) << 63)
#define PTE_RESERVED (UINT64_C(0x7f) << 54)
#define PPN_MASK_64 ((UINT64_C(1) << 44) - 1)
#define PA_LIMIT (UINT64_C(1) << 56)
enum { PAGE_BYTES = 4096, NAPOT_PAGES = 16, CACHE_BLOCK_BYTES = 64 };

/* A translated access. */
struct place {
    uint64_t pa;
    uint8_t *host; /* NULL: not RAM */
    uint64_t ram_page;
    bool dirty; /* the page table lets stores through without being changed */
    bool large; /* from a page of more than 4 KiB: size and place */
    uint64_t large_first, large_last;
};

static const uint8_t page_faults[] = {TRAP_LOAD_PAGE, TRAP_STORE_PAGE, TRAP_FETCH_PAGE};
static const uint8_t access_faults[] = {TRAP_LOAD_ACCESS, TRAP_STORE_ACCESS, TRAP_FETCH_ACCESS};

uint8_t *mmu_ram(const struct system *s, uint64_t pa, uint64_t *ram_page, bool *writable) {
    const struct bus *bus = s->machine->bus;
    uint64_t first = 0;
    for (unsigned i = 0; i < bus->ram_count; i++) {
        const struct bus_ram *r = &bus->ram[i];
        if (pa - r->base < r->size) {
            *ram_page = first + ((pa - r->base) >> 12);
            *writable = !r->read_only;
            return r->host + (pa - r->base);
        }
        first += r->size >> 12;
    }
    return NULL;
}

/* The privilege that an access is judged by. */
static unsigned privilege_of(const struct system *s, enum access access) {
    if (access != ACCESS_FETCH && s->mstatus & MSTATUS_MPRV)
        return (unsigned)((s->mstatus & MSTATUS_MPP) >> 11);
    return s->priv;
}

struct scheme {
    unsigned levels, bits, pte_bytes;
};

static struct scheme scheme_of(const struct system *s) {
    if (s->hart->xlen == 32)
        return s->satp >> 31 & 1 ? (struct scheme){2, 10, 4} : (struct scheme){0};
    unsigned mode = (unsigned)(s->satp >> 60);
    return mode >= 8 ? (struct scheme){mode - 5, 9, 8} : (struct scheme){0};
}

/* Whether a leaf allows the access.  Section "Addressing and Memory Protection". */
static bool leaf_allows(const struct system *s, uint64_t pte, enum access access, unsigned priv) {
    if (pte & PTE_U) {
        if (priv == PRIV_S && (access == ACCESS_FETCH || !(s->mstatus & MSTATUS_SUM)))
            return false;
    } else if (priv == PRIV_U) {
        return false;
    }
    if (access == ACCESS_FETCH)
        return pte & PTE_X;
    if (access == ACCESS_WRITE)
        return pte & PTE_W;
    return pte & PTE_R || (pte & PTE_X && s->mstatus & MSTATUS_MXR);
}

static uint64_t read_pte(const uint8_t *at, unsigned bytes) {
    return bytes == 4 ? __atomic_load_n((const uint32_t *)(const void *)at, __ATOMIC_ACQUIRE)
                      : __atomic_load_n((const uint64_t *)(const void *)at, __ATOMIC_ACQUIRE);
}

static bool update_pte(uint8_t *at, unsigned bytes, uint64_t old, uint64_t new) {
    if (bytes == 8)
        return __atomic_compare_exchange_n((uint64_t *)(void *)at, &old, new, false, __ATOMIC_SEQ_CST,
                                           __ATOMIC_SEQ_CST);
    uint32_t old32 = (uint32_t)old;
    return __atomic_compare_exchange_n((uint32_t *)(void *)at, &old32, (uint32_t) new, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}

/* Bits that must be zero: of any entry, and of one that points to the next level. */
static bool pte_reserved(const struct system *s, uint64_t pte, bool leaf, unsigned bytes) {
    if (!leaf && pte & (PTE_A | PTE_D | PTE_U))
        return true;
    if (bytes == 4)
        return false;
    if (pte & PTE_RESERVED || (!leaf && pte & (PTE_N | PTE_PBMT)))
        return true;
    uint64_t pbmt = pte & PTE_PBMT;
    return pbmt != 0 && (!(s->menvcfg & ENVCFG_PBMTE) || pbmt == PTE_PBMT);
}

/* The page walk; look: for a debugger, changes nothing.  TRAP_NONE or the cause. */
static uint32_t walk(struct system *s, const struct scheme *scheme, uint64_t va, enum access access, unsigned priv,
                     bool look, struct place *p) {
    unsigned va_bits = 12 + scheme->levels * scheme->bits;
    if (s->hart->xlen == 64) {
        int64_t high = (int64_t)va >> (va_bits - 1);
        if (high != 0 && high != -1)
            return page_faults[access];
    }
    bool rv32 = scheme->pte_bytes == 4;
    uint64_t base = (s->satp & (rv32 ? 0x3fffff : PPN_MASK_64)) << 12;
    for (unsigned level = scheme->levels; level-- > 0;) {
        unsigned shift = 12 + level * scheme->bits;
        uint64_t index = va >> shift & ((UINT64_C(1) << scheme->bits) - 1);
        uint64_t at = base + index * scheme->pte_bytes, ram_page;
        bool writable;
        uint8_t *host = mmu_ram(s, at, &ram_page, &writable);
        if (!host || !pmp_allows(s, at, scheme->pte_bytes, ACCESS_READ, PRIV_S, NULL))
            return access_faults[access];
    again:;
        uint64_t pte = read_pte(host, scheme->pte_bytes);
        bool leaf = pte & (PTE_R | PTE_X);
        if (!(pte & PTE_V) || (pte & (PTE_R | PTE_W)) == PTE_W || pte_reserved(s, pte, leaf, scheme->pte_bytes))
            return page_faults[access];
        uint64_t ppn = rv32 ? pte >> 10 & 0x3fffff : pte >> 10 & PPN_MASK_64;
        if (!leaf) {
            base = ppn << 12;
            continue;
        }
        if (!look && !leaf_allows(s, pte, access, priv))
            return page_faults[access];
        uint64_t low = (UINT64_C(1) << (shift - 12)) - 1;
        if (ppn & low)
            return page_faults[access]; /* misaligned superpage */
        if (!rv32 && pte & PTE_N) {
            if (level != 0 || ppn % NAPOT_PAGES != NAPOT_PAGES / 2)
                return page_faults[access];
            low = NAPOT_PAGES - 1;
            ppn &= ~low;
        }
        uint64_t wanted = pte | PTE_A | (access == ACCESS_WRITE ? PTE_D : 0);
        if (wanted != pte && !look) {
            if (!(s->menvcfg & ENVCFG_ADUE))
                return page_faults[access];
            if (!writable || !pmp_allows(s, at, scheme->pte_bytes, ACCESS_WRITE, PRIV_S, NULL))
                return access_faults[access];
            if (__atomic_load_n(&s->machine->page_state[ram_page], __ATOMIC_RELAXED) == PAGE_CODE)
                code_page_write(s->hart, ram_page);
            if (!update_pte(host, scheme->pte_bytes, pte, wanted))
                goto again;
            pte = wanted;
        }
        p->pa = (ppn | (va >> 12 & low)) << 12 | (va & ~PAGE_MASK);
        p->dirty = pte & PTE_D;
        p->large = low != 0;
        p->large_first = va & ~(low << 12 | ~PAGE_MASK);
        p->large_last = p->large_first | low << 12 | ~PAGE_MASK;
        return TRAP_NONE;
    }
    return page_faults[access];
}

/* Translates an access that lies within a page; *whole: a TLB entry may stand for the page. */
static uint32_t translate(struct system *s, uint64_t va, unsigned size, enum access access, struct place *p,
                          bool *whole) {
    unsigned priv = privilege_of(s, access);
    struct scheme scheme = priv == PRIV_M ? (struct scheme){0} : scheme_of(s);
    if (scheme.levels) {
        uint32_t cause = walk(s, &scheme, va, access, priv, false, p);
        if (cause != TRAP_NONE)
            return cause;
    } else {
        *p = (struct place){.pa = va, .dirty = true};
        if (va >= PA_LIMIT)
            return access_faults[access];
    }
    if (!pmp_allows(s, p->pa, size, access, priv, whole))
        return access_faults[access];
    bool writable = false;
    p->host = mmu_ram(s, p->pa, &p->ram_page, &writable);
    if (p->host && access == ACCESS_WRITE && !writable)
        return access_faults[access];
    return TRAP_NONE;
}

static void note_large(struct system *s, const struct place *p) {
    if (!p->large)
        return;
    if (p->large_first < s->super_first)
        s->super_first = p->large_first;
    if (p->large_last > s->super_last)
        s->super_last = p->large_last;
}

/* The same for data, filling the TLB; cause and tval go to h->trap. */
static bool translate_data(struct hart *h, uint64_t va, unsigned size, enum access access, struct place *p) {
    struct system *s = h->sys;
    bool whole;
    uint32_t cause = translate(s, va, size, access, p, &whole);
    if (cause != TRAP_NONE) {
        h->trap = (struct trap){.cause = cause, .tval = va};
        return false;
    }
    if (!p->host)
        return true;
    if (access == ACCESS_WRITE)
        code_page_write(h, p->ram_page);
    if (!whole)
        return true;
    uint64_t page = va & PAGE_MASK;
    uint64_t addend = (uint64_t)(uintptr_t)p->host - va;
    struct tlb_entry *e = &h->tlb->entries[tlb_index(va)];
    uint64_t empty = tlb_empty(tlb_index(va));
    if (e->host == 0)
        h->tlb->used[h->tlb->used_count++] = (uint16_t)tlb_index(va);
    if (e->addend != addend || (e->read != page && e->write != page))
        *e = (struct tlb_entry){empty, empty, addend, page + addend};
    if (access == ACCESS_WRITE)
        e->write = page;
    else
        e->read = page;
    note_large(s, p);
    return true;
}

static bool fault(struct hart *h, uint32_t cause, uint64_t va) {
    h->trap = (struct trap){.cause = cause, .tval = va};
    return false;
}

static uint64_t mask_va(const struct hart *h, uint64_t va) { return h->xlen == 32 ? (uint32_t)va : va; }

/* In a counted run devices are accessed by instructions that are executed by themselves: not yet, then (TRAP_NONE). */
static bool device_may_wait(struct hart *h, uint64_t va) {
    const struct system *s = h->sys;
    if (!s->counted || (s->running == NULL && !h->in_code))
        return false;
    fault(h, TRAP_NONE, va);
    return true;
}

static bool load_within(struct hart *h, uint64_t va, unsigned size, uint64_t *value) {
    struct place p;
    if (!translate_data(h, va, size, ACCESS_READ, &p))
        return false;
    const struct bus *bus = h->sys->machine->bus;
    *value = 0;
    if (p.host)
        memcpy(value, p.host, size);
    else if (device_may_wait(h, va))
        return false;
    else if (p.pa % size != 0 || !bus->read(bus->ctx, h, p.pa, size, value))
        return fault(h, TRAP_LOAD_ACCESS, va);
    return true;
}

/* One page's part of an access to two: memory, as a device's registers are not accessed in pieces. */
static bool piece(struct hart *h, uint64_t va, unsigned size, enum access access, struct place *p) {
    return translate_data(h, va, size, access, p) && (p->host || fault(h, access_faults[access], va));
}

bool mmu_load(struct hart *h, uint64_t va, unsigned size, uint64_t *value) {
    unsigned room = PAGE_BYTES - (unsigned)(va & ~PAGE_MASK);
    if (size <= room)
        return load_within(h, va, size, value);
    /* two pages: both must be there; a device's registers are not read in pieces */
    struct place a, b;
    uint64_t next = mask_va(h, va + room);
    *value = 0;
    if (!piece(h, va, room, ACCESS_READ, &a) || !piece(h, next, size - room, ACCESS_READ, &b))
        return false;
    memcpy(value, a.host, room);
    memcpy((uint8_t *)value + room, b.host, size - room);
    return true;
}

/* As the guest's stores are seen by other harts: whole where it is aligned. */
static void put(uint8_t *host, unsigned size, uint64_t value) {
    if ((uintptr_t)host % size == 0 && size == 8)
        __atomic_store_n((uint64_t *)(void *)host, value, __ATOMIC_RELAXED);
    else if ((uintptr_t)host % size == 0 && size == 4)
        __atomic_store_n((uint32_t *)(void *)host, (uint32_t)value, __ATOMIC_RELAXED);
    else
        memcpy(host, &value, size);
}

bool mmu_store(struct hart *h, uint64_t va, unsigned size, uint64_t value) {
    unsigned room = PAGE_BYTES - (unsigned)(va & ~PAGE_MASK);
    struct place a, b;
    if (size <= room) {
        if (!translate_data(h, va, size, ACCESS_WRITE, &a))
            return false;
        const struct bus *bus = h->sys->machine->bus;
        if (a.host)
            put(a.host, size, value);
        else if (device_may_wait(h, va))
            return false;
        else if (a.pa % size != 0 ||
                 !bus->write(bus->ctx, h, a.pa, size, size < 8 ? value & ((UINT64_C(1) << size * 8) - 1) : value))
            return fault(h, TRAP_STORE_ACCESS, va);
        return true;
    }
    uint64_t next = mask_va(h, va + room);
    if (!piece(h, va, room, ACCESS_WRITE, &a) || !piece(h, next, size - room, ACCESS_WRITE, &b))
        return false;
    memcpy(a.host, &value, room);
    memcpy(b.host, (uint8_t *)&value + room, size - room);
    return true;
}

void *mmu_memory(struct hart *h, uint64_t va, unsigned size, enum access access) {
    struct tlb_entry *e = &h->tlb->entries[tlb_index(va)];
    struct place p;
    va = mask_va(h, va);
    if ((access == ACCESS_WRITE ? e->write : e->read) == (va & PAGE_MASK))
        return (void *)(uintptr_t)(va + e->addend);
    if (!translate_data(h, va, size, access, &p))
        return NULL;
    if (!p.host)
        fault(h, access_faults[access], va);
    return p.host;
}

bool mmu_cache_block(struct hart *h, uint64_t va) {
    struct place p;
    va = mask_va(h, va);
    if (translate_data(h, va, 1, ACCESS_READ, &p))
        return true;
    h->trap.cause = h->trap.cause == TRAP_LOAD_PAGE ? TRAP_STORE_PAGE : TRAP_STORE_ACCESS;
    return false;
}

static struct fetch_tlb *fetch_tlb_of(struct system *s) { return &s->fetch_tlb[s->priv == PRIV_M ? 2 : s->priv]; }

static unsigned filter_bit(uint64_t va) { return (unsigned)((va >> 12) * UINT64_C(0x9e3779b97f4a7c15) >> 52); }

const struct fetch_entry *mmu_fetch(struct hart *h, uint64_t pc) {
    struct system *s = h->sys;
    struct fetch_entry *e = &fetch_tlb_of(s)->entries[fetch_index(pc)];
    if (e->page == (pc & PAGE_MASK) && !e->partial)
        return e;
    struct place p;
    bool whole;
    uint32_t cause = translate(s, pc, 2, ACCESS_FETCH, &p, &whole);
    if (cause == TRAP_NONE && !p.host)
        cause = TRAP_FETCH_ACCESS;
    if (cause != TRAP_NONE) {
        fault(h, cause, pc);
        return NULL;
    }
    *e = (struct fetch_entry){pc & PAGE_MASK, p.host - (pc & ~PAGE_MASK), p.ram_page, !whole};
    unsigned bit = filter_bit(pc);
    s->fetch_filter[bit / 64] |= UINT64_C(1) << bit % 64;
    note_large(s, &p);
    return e;
}

bool mmu_probe(struct hart *h, uint64_t va, uint64_t *pa) {
    struct system *s = h->sys;
    unsigned priv = privilege_of(s, ACCESS_READ);
    struct scheme scheme = priv == PRIV_M ? (struct scheme){0} : scheme_of(s);
    struct place p = {.pa = va};
    if (scheme.levels && walk(s, &scheme, va, ACCESS_READ, priv, true, &p) != TRAP_NONE)
        return false;
    *pa = p.pa;
    return true;
}

static void make_empty(struct tlb *t, unsigned i) {
    t->entries[i] = (struct tlb_entry){.read = tlb_empty(i), .write = tlb_empty(i)};
}

void mmu_flush_data(struct system *s) {
    for (unsigned c = 0; c < TLB_CONTEXTS; c++) {
        struct tlb *t = &s->tlb[c];
        for (unsigned n = 0; n < t->used_count; n++)
            make_empty(t, t->used[n]);
        t->used_count = 0;
    }
}

void mmu_reset(struct system *s) {
    for (unsigned c = 0; c < TLB_CONTEXTS; c++) {
        s->tlb[c].used_count = 0;
        for (unsigned i = 0; i < TLB_SIZE; i++)
            make_empty(&s->tlb[c], i);
    }
    mmu_flush(s);
}

static void flush_fetch(struct system *s) {
    for (unsigned c = 0; c < 3; c++)
        for (unsigned i = 0; i < FETCH_TLB_SIZE; i++)
            s->fetch_tlb[c].entries[i].page = FETCH_EMPTY;
    memset(s->fetch_filter, 0, sizeof s->fetch_filter);
    s->fetch_stale = true;
    s->fetch_drops++;
}

void mmu_flush(struct system *s) {
    mmu_flush_data(s);
    flush_fetch(s);
    s->super_first = UINT64_MAX;
    s->super_last = 0;
}

void mmu_flush_page(struct system *s, uint64_t va) {
    va = mask_va(s->hart, va) & PAGE_MASK;
    if (va >= s->super_first && va <= s->super_last) {
        mmu_flush(s);
        return;
    }
    for (unsigned c = 0; c < TLB_CONTEXTS; c++) {
        struct tlb_entry *e = &s->tlb[c].entries[tlb_index(va)];
        if (e->read == va || e->write == va)
            e->read = e->write = tlb_empty(tlb_index(va));
    }
    for (unsigned c = 0; c < 3; c++) {
        struct fetch_entry *e = &s->fetch_tlb[c].entries[fetch_index(va)];
        if (e->page == va)
            e->page = FETCH_EMPTY;
    }
    unsigned bit = filter_bit(va);
    if (s->fetch_filter[bit / 64] >> bit % 64 & 1)
        s->fetch_stale = true,
        s->fetch_drops++; /* the filter's bits stay until all are cleared: they may be of other pages too */
}

void mmu_flush_writes(struct system *s, const uint8_t *host) {
    for (unsigned c = 0; c < TLB_CONTEXTS; c++) {
        struct tlb *t = &s->tlb[c];
        for (unsigned n = 0; n < t->used_count; n++) {
            struct tlb_entry *e = &t->entries[t->used[n]];
            if (e->host == (uint64_t)(uintptr_t)host)
                e->write = tlb_empty(t->used[n]);
        }
    }
}
