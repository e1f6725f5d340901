/* test_mmu.c: page walks in every mode, A and D, permissions, large pages, Svnapot, Svpbmt, misaligned accesses, TLB
 * flushes, PMP on the way.
 */
#include "board_fixture.c"

enum { V = 1, R = 2, W = 4, X = 8, U = 16, A = 64, D = 128, RW = V | R | W | A | D };
#define N (UINT64_C(1) << 63)
#define TABLES (RAM + 0x100000)
#define DATA (RAM + 0x200000)

struct paged {
    struct board b;
    struct hart *h;
    struct system *s;
    unsigned levels, bits, bytes;
    uint64_t next; /* where the next table goes */
};

static const struct mode {
    const char *name, *isa;
    unsigned levels, bits, bytes, satp;
} modes[] = {{"Sv32", "rv32gc", 2, 10, 4, 1},
             {"Sv39", "rv64gc", 3, 9, 8, 8},
             {"Sv48", "rv64gc", 4, 9, 8, 9},
             {"Sv57", "rv64gc", 5, 9, 8, 10}};
enum { MODES = sizeof modes / sizeof *modes };

static void start(struct paged *p, const struct mode *m) {
    board_start(&p->b, m->isa, 1);
    p->h = &p->b.harts[0];
    p->s = p->h->sys;
    p->levels = m->levels, p->bits = m->bits, p->bytes = m->bytes;
    p->next = TABLES + 4096;
    p->s->satp = (uint64_t)m->satp << (m->bytes == 4 ? 31 : 60) | TABLES >> 12;
    p->s->pmpcfg[0] = 0x1f; /* all of memory, NAPOT */
    p->s->pmpaddr[0] = UINT64_MAX >> 10;
    pmp_update(p->s);
    p->s->priv = PRIV_S;
    system_select(p->h);
}
static void stop(struct paged *p) { board_stop(&p->b); }

/* Where va's entry of a level is, with the tables above it made. */
static uint64_t entry(struct paged *p, uint64_t va, unsigned level) {
    uint64_t table = TABLES;
    for (unsigned l = p->levels - 1;; l--) {
        uint64_t at = table + (va >> (12 + l * p->bits) & ((1u << p->bits) - 1)) * p->bytes;
        if (l == level)
            return at;
        uint64_t pte = board_get(&p->b, at, p->bytes);
        if (!(pte & V)) {
            pte = p->next >> 12 << 10 | V;
            board_put(&p->b, at, pte, p->bytes);
            p->next += 4096;
        }
        table = (pte >> 10) << 12;
    }
}
static uint64_t map(struct paged *p, uint64_t va, uint64_t pa, uint64_t flags, unsigned level) {
    uint64_t at = entry(p, va, level);
    board_put(&p->b, at, pa >> 12 << 10 | flags, p->bytes);
    mmu_flush(p->s);
    return at;
}

static void expect_load(struct paged *p, uint64_t va, uint64_t value) {
    uint64_t v = 0;
    assert_true(mmu_load(p->h, va, 4, &v));
    assert_int_equal(v, value);
}
static void expect_fault(struct paged *p, bool ok, uint32_t cause, uint64_t va) {
    assert_false(ok);
    assert_int_equal(p->h->trap.cause, cause);
    assert_int_equal(p->h->trap.tval, va);
}
static void load_faults(struct paged *p, uint64_t va, uint32_t cause) {
    uint64_t v;
    expect_fault(p, mmu_load(p->h, va, 4, &v), cause, va);
}
static void store_faults(struct paged *p, uint64_t va, uint32_t cause) {
    expect_fault(p, mmu_store(p->h, va, 4, 0), cause, va);
}
static void fetch_faults(struct paged *p, uint64_t va, uint32_t cause) {
    expect_fault(p, mmu_fetch(p->h, va) != NULL, cause, va);
}

static void each_mode_maps_pages_of_every_size(void **state) {
    for (unsigned m = 0; m < MODES; m++) {
        for (unsigned level = 0; level < modes[m].levels; level++) {
            struct paged p;
            start(&p, &modes[m]);
            uint64_t span = UINT64_C(4096) << level * p.bits, va = 3 * span + 0x40000000;
            va -= va % span;
            if (p.bytes == 4)
                va = (uint32_t)va;
            /* the largest page that RAM begins on; DATA is at some place in it */
            uint64_t page = DATA - DATA % span, at = map(&p, va, page, RW | X, level);
            board_put(&p.b, DATA + 8, 0x12345678, 4);
            if (page >= RAM || span > RAM_SIZE) {
                expect_load(&p, va + (DATA + 8 - page), 0x12345678);
                assert_true(mmu_store(p.h, va + (DATA + 12 - page), 4, 77));
                assert_int_equal(board_get(&p.b, DATA + 12, 4), 77);
                const struct fetch_entry *e = mmu_fetch(p.h, va + (DATA - page));
                assert_non_null(e);
                assert_ptr_equal(e->host, board_memory(&p.b, DATA));
            }
            board_put(&p.b, at, 0, p.bytes);
            mmu_flush(p.s);
            load_faults(&p, va + (DATA - page), TRAP_LOAD_PAGE);
            store_faults(&p, va + (DATA - page), TRAP_STORE_PAGE);
            fetch_faults(&p, va + (DATA - page), TRAP_FETCH_PAGE);
            if (level > 0) { /* a superpage must be aligned */
                board_put(&p.b, at, (DATA + 4096) >> 12 << 10 | RW, p.bytes);
                load_faults(&p, va, TRAP_LOAD_PAGE);
            }
            stop(&p);
        }
    }
}

static void pages_are_protected(void **state) {
    static const struct {
        unsigned flags, priv;
        uint64_t mstatus;
        bool load, store, fetch;
    } cases[] = {
        {V | A | D | R, PRIV_S, 0, true, false, false},
        {V | A | D | R | W, PRIV_S, 0, true, true, false},
        {V | A | D | X, PRIV_S, 0, false, false, true},
        {V | A | D | R | X, PRIV_S, 0, true, false, true},
        {V | A | D | X, PRIV_S, MSTATUS_MXR, true, false, true},
        {V | A | D | R | W | X, PRIV_U, 0, false, false, false},
        {V | A | D | R | W | X | U, PRIV_U, 0, true, true, true},
        {V | A | D | R | W | X | U, PRIV_S, 0, false, false, false},
        {V | A | D | R | W | X | U, PRIV_S, MSTATUS_SUM, true, true, false},
        {V | A | D | X | U, PRIV_U, 0, false, false, true},
        {V | A | D | X | U, PRIV_U, MSTATUS_MXR, true, false, true},
        {V | A | D | W, PRIV_S, 0, false, false, false},     /* reserved */
        {V | A | D | W | X, PRIV_S, 0, false, false, false}, /* reserved */
        {A | D | R | W | X, PRIV_S, 0, false, false, false}, /* not valid */
        {V | A | D, PRIV_S, 0, false, false, false},         /* a pointer with A and D, which are reserved */
    };
    for (unsigned m = 0; m < MODES; m++) {
        for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
            struct paged p;
            start(&p, &modes[m]);
            map(&p, 0x5000, DATA, cases[i].flags, 0);
            p.s->priv = (uint8_t)cases[i].priv;
            p.s->mstatus |= cases[i].mstatus;
            system_select(p.h);
            uint64_t v;
            for (unsigned again = 0; again < 2; again++) { /* the second time from the TLB */
                bool load = mmu_load(p.h, 0x5000, 4, &v), store = mmu_store(p.h, 0x5000, 4, 1);
                bool fetch = mmu_fetch(p.h, 0x5000) != NULL;
                if (load != cases[i].load || store != cases[i].store || fetch != cases[i].fetch)
                    fail_msg("%s, case %u: load %d store %d fetch %d", modes[m].name, i, load, store, fetch);
            }
            stop(&p);
        }
    }
}

static void a_and_d_are_set_or_asked_for(void **state) {
    for (unsigned m = 0; m < MODES; m++) {
        struct paged p;
        start(&p, &modes[m]);
        uint64_t at = map(&p, 0x5000, DATA, V | R | W | X, 0), pte = board_get(&p.b, at, p.bytes);
        p.s->menvcfg |= ENVCFG_ADUE;
        expect_load(&p, 0x5000, 0);
        assert_int_equal(board_get(&p.b, at, p.bytes), pte | A);
        assert_true(mmu_store(p.h, 0x5000, 4, 1));
        assert_int_equal(board_get(&p.b, at, p.bytes), pte | A | D);
        /* Svade */
        p.s->menvcfg &= ~ENVCFG_ADUE;
        board_put(&p.b, at, pte, p.bytes);
        mmu_flush(p.s);
        load_faults(&p, 0x5000, TRAP_LOAD_PAGE);
        fetch_faults(&p, 0x5000, TRAP_FETCH_PAGE);
        board_put(&p.b, at, pte | A, p.bytes);
        expect_load(&p, 0x5000, 1);
        store_faults(&p, 0x5000, TRAP_STORE_PAGE);
        assert_int_equal(board_get(&p.b, at, p.bytes), pte | A);
        stop(&p);
    }
}

static void addresses_are_canonical(void **state) {
    for (unsigned m = 1; m < MODES; m++) {
        struct paged p;
        start(&p, &modes[m]);
        unsigned bits = 12 + p.levels * p.bits;
        uint64_t high = UINT64_MAX << (bits - 1);
        map(&p, high, DATA, RW | X, 0);
        expect_load(&p, high, 0);
        load_faults(&p, UINT64_C(1) << (bits - 1), TRAP_LOAD_PAGE);
        load_faults(&p, high ^ UINT64_C(1) << 63, TRAP_LOAD_PAGE);
        fetch_faults(&p, UINT64_C(1) << (bits - 1), TRAP_FETCH_PAGE);
        stop(&p);
    }
}

static void reserved_bits_fault(void **state) {
    struct paged p;
    start(&p, &modes[1]);
    for (unsigned bit = 54; bit <= 60; bit++) {
        map(&p, 0x5000, DATA, RW | UINT64_C(1) << bit, 0);
        load_faults(&p, 0x5000, TRAP_LOAD_PAGE);
    }
    for (unsigned bit = 4; bit <= 7; bit++) { /* of a pointer: U, A and D; G is allowed */
        uint64_t at = map(&p, 0x5000, DATA, RW, 0);
        (void)at;
        uint64_t pointer = entry(&p, 0x5000, 1), was = board_get(&p.b, pointer, 8);
        board_put(&p.b, pointer, was | 1u << bit, 8);
        uint64_t v;
        assert_int_equal(mmu_load(p.h, 0x5000, 4, &v), bit == 5);
        board_put(&p.b, pointer, was, 8);
    }
    /* Svpbmt: 1 and 2 where menvcfg.PBMTE is set, 3 never */
    for (uint64_t type = 1; type < 4; type++) {
        for (unsigned on = 0; on < 2; on++) {
            p.s->menvcfg = on ? p.s->menvcfg | ENVCFG_PBMTE : p.s->menvcfg & ~ENVCFG_PBMTE;
            map(&p, 0x5000, DATA, RW | type << 61, 0);
            uint64_t v;
            assert_int_equal(mmu_load(p.h, 0x5000, 4, &v), on && type != 3);
        }
    }
    stop(&p);
}

static void napot_pages_are_64_kib(void **state) {
    struct paged p;
    start(&p, &modes[1]);
    for (unsigned i = 0; i < 16; i++) {
        map(&p, 0x30000 + i * 0x1000, DATA + 0x8000, RW | N, 0);
        board_put(&p.b, DATA + i * 0x1000, 100 + i, 4);
    }
    for (unsigned i = 0; i < 16; i++)
        expect_load(&p, 0x30000 + i * 0x1000, 100 + i);
    map(&p, 0x30000, DATA + 0x4000, RW | N, 0); /* a size that is not there */
    load_faults(&p, 0x30000, TRAP_LOAD_PAGE);
    map(&p, 0x40000000, RAM + 0x200000 + 0x8000, RW | N, 1);
    load_faults(&p, 0x40000000, TRAP_LOAD_PAGE);
    stop(&p);
}

static void accesses_cross_pages(void **state) {
    for (unsigned m = 0; m < MODES; m++) {
        struct paged p;
        start(&p, &modes[m]);
        map(&p, 0x5000, DATA + 0x3000, RW, 0);
        map(&p, 0x6000, DATA, RW, 0);
        unsigned most = p.bytes;
        for (unsigned size = 2; size <= most; size *= 2) {
            for (unsigned before = 1; before < size; before++) {
                uint64_t va = 0x6000 - before, v,
                         value = UINT64_C(0x8877665544332211) & (UINT64_MAX >> (64 - size * 8));
                assert_true(mmu_store(p.h, va, size, value));
                assert_true(mmu_load(p.h, va, size, &v));
                assert_int_equal(v, value);
                assert_int_equal(board_get(&p.b, DATA + 0x4000 - before, before),
                                 value & (UINT64_MAX >> (64 - before * 8)));
                assert_int_equal(board_get(&p.b, DATA, size - before), value >> before * 8);
            }
        }
        /* a fault on the second page: its address, and nothing is stored */
        map(&p, 0x6000, DATA, V | R | A, 0);
        board_put(&p.b, DATA + 0x3ffe, 0, 2);
        expect_fault(&p, mmu_store(p.h, 0x5ffe, 4, UINT32_MAX), TRAP_STORE_PAGE, 0x6000);
        assert_int_equal(board_get(&p.b, DATA + 0x3ffe, 2), 0);
        map(&p, 0x6000, DATA, 0, 0);
        uint64_t v;
        expect_fault(&p, mmu_load(p.h, 0x5ffe, 4, &v), TRAP_LOAD_PAGE, 0x6000);
        /* a device's registers are not accessed in pieces */
        map(&p, 0x6000, FINISHER, RW, 0);
        expect_fault(&p, mmu_load(p.h, 0x5ffe, 4, &v), TRAP_LOAD_ACCESS, 0x6000);
        expect_fault(&p, mmu_load(p.h, 0x6009, 4, &v), TRAP_LOAD_ACCESS, 0x6009);
        stop(&p);
    }
}

static void mprv_loads_as_the_previous_privilege(void **state) {
    struct paged p;
    start(&p, &modes[1]);
    map(&p, 0x5000, DATA, RW | U, 0);
    p.s->priv = PRIV_M;
    system_select(p.h);
    board_put(&p.b, DATA, 4711, 4);
    load_faults(&p, 0x5000, TRAP_LOAD_ACCESS); /* bare: nothing is there */
    p.s->mstatus |= MSTATUS_MPRV;              /* MPP is U */
    system_select(p.h);
    expect_load(&p, 0x5000, 4711);
    assert_non_null(mmu_fetch(p.h, RAM)); /* fetches stay bare */
    p.s->mstatus |= (uint64_t)PRIV_S << 11;
    system_select(p.h);
    load_faults(&p, 0x5000, TRAP_LOAD_PAGE);
    p.s->mstatus |= MSTATUS_SUM;
    system_select(p.h);
    expect_load(&p, 0x5000, 4711);
    p.s->mstatus |= MSTATUS_MPP;
    system_select(p.h);
    load_faults(&p, 0x5000, TRAP_LOAD_ACCESS);
    stop(&p);
}

/* A changed entry is seen after the fence for its address, also where the address is elsewhere on its large page. */
static void fences_drop_translations(void **state) {
    struct paged p;
    start(&p, &modes[1]);
    board_put(&p.b, DATA, 1, 4);
    board_put(&p.b, DATA + 0x1000, 2, 4);
    uint64_t at = map(&p, 0x5000, DATA, RW, 0);
    map(&p, 0x7000, DATA, RW, 0);
    expect_load(&p, 0x5000, 1);
    expect_load(&p, 0x7000, 1);
    board_put(&p.b, at, (DATA + 0x1000) >> 12 << 10 | RW, 8);
    assert_true(system_sfence(p.h, true, 0x5004));
    expect_load(&p, 0x5000, 2);
    board_put(&p.b, at, 0, 8);
    assert_true(system_sfence(p.h, false, 0));
    load_faults(&p, 0x5000, TRAP_LOAD_PAGE);
    at = map(&p, 0x40000000, DATA, RW, 1);
    expect_load(&p, 0x40001000, 2);
    board_put(&p.b, at, 0, 8);
    assert_true(system_sfence(p.h, true, 0x40100000));
    load_faults(&p, 0x40001000, TRAP_LOAD_PAGE);
    stop(&p);
}

static void physical_protection_applies_to_walks_and_pages(void **state) {
    struct paged p;
    start(&p, &modes[1]);
    map(&p, 0x5000, DATA, RW, 0);
    uint64_t at = map(&p, 0x6000, DATA + 0x1000, V | R | W, 0);
    /* entry 0: eight bytes of DATA cannot be touched; entry 1: all of memory */
    p.s->pmpcfg[1] = p.s->pmpcfg[0], p.s->pmpaddr[1] = p.s->pmpaddr[0];
    p.s->pmpcfg[0] = 0x18, p.s->pmpaddr[0] = (DATA + 8) >> 2;
    pmp_update(p.s);
    mmu_flush(p.s);
    expect_load(&p, 0x5000, 0);
    load_faults(&p, 0x5008, TRAP_LOAD_ACCESS);
    load_faults(&p, 0x500c, TRAP_LOAD_ACCESS);
    store_faults(&p, 0x5008, TRAP_STORE_ACCESS);
    uint64_t v;
    expect_fault(&p, mmu_load(p.h, 0x5004, 8, &v), TRAP_LOAD_ACCESS, 0x5004); /* half of it matches */
    expect_load(&p, 0x5010, 0);
    /* the last level of the page table cannot be written: A cannot be set */
    p.s->pmpcfg[0] = 0x19, p.s->pmpaddr[0] = at >> 2;
    pmp_update(p.s);
    mmu_flush(p.s);
    load_faults(&p, 0x6000, TRAP_LOAD_ACCESS);
    /* nor read */
    p.s->pmpcfg[0] = 0x18;
    mmu_flush(p.s);
    store_faults(&p, 0x6000, TRAP_STORE_ACCESS);
    fetch_faults(&p, 0x6000, TRAP_FETCH_ACCESS);
    /* nor are tables outside of RAM */
    p.s->pmpcfg[0] = 0;
    p.s->satp = UINT64_C(8) << 60 | 0x10000;
    pmp_update(p.s);
    mmu_flush(p.s);
    load_faults(&p, 0x6000, TRAP_LOAD_ACCESS);
    stop(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_mode_maps_pages_of_every_size),
        cmocka_unit_test(pages_are_protected),
        cmocka_unit_test(a_and_d_are_set_or_asked_for),
        cmocka_unit_test(addresses_are_canonical),
        cmocka_unit_test(reserved_bits_fault),
        cmocka_unit_test(napot_pages_are_64_kib),
        cmocka_unit_test(accesses_cross_pages),
        cmocka_unit_test(mprv_loads_as_the_previous_privilege),
        cmocka_unit_test(fences_drop_translations),
        cmocka_unit_test(physical_protection_applies_to_walks_and_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
