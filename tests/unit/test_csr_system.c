/* test_csr_system.c: every CSR of a hart with a board: what of it can be written, from which privilege it can be
 * reached, what mode bits deny it; PMP's ranges and locks.
 */
#include "board_fixture.c"

enum { RW = 0, RS = 1, RC = 2, NO_WRITE = 1 << 14 };

static bool access_csr(struct board *b, unsigned csr, unsigned op, uint64_t value, uint64_t *old) {
    struct hart *h = &b->harts[0];
    h->trap.cause = TRAP_NONE;
    uint64_t v = system_csr_access(h, value, csr | (uint64_t)(op & 3) << 12 | (op & NO_WRITE));
    if (old)
        *old = v;
    return h->trap.cause == TRAP_NONE;
}
static uint64_t get(struct board *b, unsigned csr) {
    uint64_t v;
    if (!access_csr(b, csr, RS | NO_WRITE, 0, &v))
        fail_msg("csr 0x%x cannot be read", csr);
    return v;
}
static void set(struct board *b, unsigned csr, uint64_t v) {
    if (!access_csr(b, csr, RW, v, NULL))
        fail_msg("csr 0x%x cannot be written", csr);
}
static bool exists(struct board *b, unsigned csr) { return access_csr(b, csr, RS | NO_WRITE, 0, NULL); }

static void in_mode(struct board *b, unsigned priv) {
    b->harts[0].sys->priv = (uint8_t)priv;
    system_select(&b->harts[0]);
}

/* What reads back after all ones and after zeros are written, on RV64 and RV32. */
static const struct warl {
    uint16_t csr;
    uint64_t ones64, zeros64;
    uint32_t ones32, zeros32;
} warl[] = {
    /* MPP cannot be cleared to a reserved value here: 3 and 0 are modes */
    {0x300, 0x8000000a007e79aa, 0xa00000000, 0x807e79aa, 0},
    {0x100, 0x80000002000c6122, 0x200000000, 0x800c6122, 0},
    {0x301, 0x800000000014112d, 0x800000000014112d, 0x4014112d, 0x4014112d},
    {0x302, 0xb3ff, 0, 0xb3ff, 0},
    {0x303, 0x222, 0, 0x222, 0},
    {0x304, 0xaaa, 0, 0xaaa, 0},
    {0x305, ~UINT64_C(2), 0, ~2u, 0},
    {0x306, 7, 0, 7, 0},
    {0x30a, 0xe0000000000000f1, 0, 0xf1, 0},
    {0x30c, 0xc000000000000000, 0, 0, 0},
    {0x30d, 0x8000000000000000, 0, 0, 0},
    {0x320, 0, 0, 0, 0},
    {0x323, 0, 0, 0, 0},
    {0x33f, 0, 0, 0, 0},
    {0x340, UINT64_MAX, 0, UINT32_MAX, 0},
    {0x341, UINT64_MAX - 1, 0, UINT32_MAX - 1, 0},
    {0x342, UINT64_MAX, 0, UINT32_MAX, 0},
    {0x343, UINT64_MAX, 0, UINT32_MAX, 0},
    {0x344, 0x222, 0, 0x222, 0},
    {0x106, 7, 0, 7, 0},
    {0x10a, 0xf1, 0, 0xf1, 0},
    {0x10c, 0, 0, 0, 0},
    {0x140, UINT64_MAX, 0, UINT32_MAX, 0},
    {0x141, UINT64_MAX - 1, 0, UINT32_MAX - 1, 0},
    {0x142, UINT64_MAX, 0, UINT32_MAX, 0},
    {0x143, UINT64_MAX, 0, UINT32_MAX, 0},
    {0x105, ~UINT64_C(2), 0, ~2u, 0},
    {0x14d, UINT64_MAX, 0, UINT32_MAX, 0},
    {0x180, 0, 0, 0x803fffff, 0}, /* on RV64 mode 15 does not exist: nothing is written */
    {0x3b0, (UINT64_C(1) << 54) - 1, 0, UINT32_MAX, 0},
    {0x3bf, (UINT64_C(1) << 54) - 1, 0, UINT32_MAX, 0},
    {0xb03, 0, 0, 0, 0},
    {0xb1f, 0, 0, 0, 0},
    {0x001, 0x1f, 0, 0x1f, 0},
    {0x002, 7, 0, 7, 0},
    {0x003, 0xff, 0, 0xff, 0},
};

static void fields_are_written_as_far_as_they_exist(void **state) {
    for (unsigned xlen = 32; xlen <= 64; xlen += 32) {
        for (unsigned i = 0; i < sizeof warl / sizeof *warl; i++) {
            struct board b;
            board_start(&b, xlen == 64 ? "rv64gc" : "rv32gc", 1);
            set(&b, 0x300, MSTATUS_FS);
            set(&b, 0x303, 0x222);
            const struct warl *w = &warl[i];
            set(&b, w->csr, UINT64_MAX);
            uint64_t ones = get(&b, w->csr);
            set(&b, w->csr, 0);
            uint64_t zeros = get(&b, w->csr);
            uint64_t want_ones = xlen == 64 ? w->ones64 : (uint64_t)(int64_t)(int32_t)w->ones32;
            uint64_t want_zeros = xlen == 64 ? w->zeros64 : (uint64_t)(int64_t)(int32_t)w->zeros32;
            if (ones != want_ones || zeros != want_zeros)
                fail_msg("rv%u csr 0x%x: %016lx and %016lx instead of %016lx and %016lx", xlen, w->csr,
                         (unsigned long)ones, (unsigned long)zeros, (unsigned long)want_ones,
                         (unsigned long)want_zeros);
            board_stop(&b);
        }
    }
}

static void halves_of_rv32_are_apart(void **state) {
    static const uint16_t pairs[][2] = {{0x14d, 0x15d}, {0x30c, 0x31c}, {0xb00, 0xb80}, {0xb02, 0xb82}};
    struct board b;
    board_start(&b, "rv32gc", 1);
    assert_int_equal(get(&b, 0x310), 0);
    set(&b, 0x31a, UINT64_MAX);
    assert_int_equal((uint32_t)get(&b, 0x31a), 0xa0000000); /* no Svpbmt on RV32 */
    for (unsigned i = 0; i < 2; i++) {
        set(&b, pairs[i][0], 0);
        set(&b, pairs[i][1], UINT64_MAX);
        assert_int_equal(get(&b, pairs[i][0]), 0);
        assert_int_equal((uint32_t)get(&b, pairs[i][1]) >> 31, 1);
    }
    for (unsigned i = 2; i < 4; i++) { /* counters: they go on */
        set(&b, pairs[i][1], 0x1234);
        assert_int_equal(get(&b, pairs[i][1]), 0x1234);
        set(&b, pairs[i][0], 0);
        assert_int_equal(get(&b, pairs[i][1]), 0x1234);
    }
    board_stop(&b);
    board_start(&b, "rv64gc", 1);
    for (unsigned i = 0; i < 4; i++)
        assert_false(exists(&b, pairs[i][1]));
    assert_false(exists(&b, 0x3a1)); /* pmpcfg1 */
    board_stop(&b);
}

static void mpp_and_cbie_keep_their_value_where_a_reserved_one_is_written(void **state) {
    struct board b;
    board_start(&b, "rv64gc", 1);
    set(&b, 0x300, UINT64_C(1) << 11);
    set(&b, 0x300, UINT64_C(2) << 11 | MSTATUS_SUM);
    assert_int_equal(get(&b, 0x300) & (MSTATUS_MPP | MSTATUS_SUM), UINT64_C(1) << 11 | MSTATUS_SUM);
    set(&b, 0x30a, 3 << 4);
    set(&b, 0x30a, 2 << 4 | 1);
    assert_int_equal(get(&b, 0x30a), 3 << 4 | 1);
    for (uint64_t mode = 0; mode < 16; mode++) {
        set(&b, 0x180, UINT64_C(8) << 60 | 5);
        set(&b, 0x180, mode << 60 | UINT64_C(0xffff) << 44 | 7);
        bool known = mode == 0 || (mode >= 8 && mode <= 10);
        assert_int_equal(get(&b, 0x180), known ? mode << 60 | 7 : UINT64_C(8) << 60 | 5);
    }
    board_stop(&b);
}

static void numbers_say_who_may_do_what(void **state) {
    for (unsigned xlen = 32; xlen <= 64; xlen += 32) {
        struct board b;
        board_start(&b, xlen == 64 ? "rv64gc" : "rv32gc", 1);
        set(&b, 0x306, 7);
        set(&b, 0x106, 7);
        struct system *s = b.harts[0].sys;
        s->mstatus |= MSTATUS_FS;
        s->mstateen[0] = s->mstateen[1] = s->mstateen[2] = s->mstateen[3] = UINT64_C(3) << 62;
        s->menvcfg |= ENVCFG_STCE;
        unsigned count = 0;
        for (unsigned csr = 0; csr < 4096; csr++) {
            in_mode(&b, PRIV_M);
            bool machine = exists(&b, csr);
            count += machine;
            if (csr >> 10 == 3 && access_csr(&b, csr, RW, 0, NULL))
                fail_msg("read-only csr 0x%x is written", csr);
            for (unsigned priv = 0; priv < 2; priv++) {
                in_mode(&b, priv);
                bool wanted = machine && (csr >> 8 & 3) <= priv && !(csr >> 8 == 0xc && (csr & 0x1f) > 2);
                if (exists(&b, csr) != wanted)
                    fail_msg("rv%u csr 0x%x in mode %u", xlen, csr, priv);
            }
        }
        /* counters: 29 + 29 hpm and 29 events (and 58 halves); 16 + 2 (or 4) of PMP */
        assert_in_range(count, 140, 260);
        board_stop(&b);
    }
}

static void mode_bits_deny(void **state) {
    struct board b;
    board_start(&b, "rv64gc", 1);
    struct system *s = b.harts[0].sys;
    assert_false(exists(&b, 1)); /* FS is off */
    set(&b, 0x300, UINT64_C(1) << 13);
    assert_true(exists(&b, 3));
    assert_int_equal(s->mstatus & MSTATUS_FS, UINT64_C(1) << 13);
    set(&b, 3, 0);
    assert_int_equal(s->mstatus & MSTATUS_FS, MSTATUS_FS); /* dirty now */
    for (unsigned bit = 0; bit < 3; bit++) {
        s->mcounteren = 0, s->scounteren = 7;
        in_mode(&b, PRIV_S);
        assert_false(exists(&b, 0xc00 + bit));
        s->mcounteren = 1u << bit;
        assert_true(exists(&b, 0xc00 + bit));
        in_mode(&b, PRIV_U);
        assert_true(exists(&b, 0xc00 + bit));
        s->scounteren = 7 & ~(1u << bit);
        assert_false(exists(&b, 0xc00 + bit));
    }
    in_mode(&b, PRIV_S);
    assert_true(exists(&b, 0x180));
    s->mstatus |= MSTATUS_TVM;
    assert_false(exists(&b, 0x180));
    s->mcounteren = 2;
    assert_false(exists(&b, 0x14d)); /* menvcfg.STCE */
    s->menvcfg |= ENVCFG_STCE;
    assert_true(exists(&b, 0x14d));
    s->mcounteren = 0;
    assert_false(exists(&b, 0x14d));
    assert_false(exists(&b, 0x10a)); /* mstateen0.ENVCFG */
    assert_false(exists(&b, 0x10d)); /* mstateen1.SE */
    s->mstateen[0] = UINT64_C(1) << 62, s->mstateen[1] = UINT64_C(1) << 63;
    assert_true(exists(&b, 0x10a));
    assert_true(exists(&b, 0x10d));
    board_stop(&b);
}

static void supervisor_views_are_windows(void **state) {
    struct board b;
    board_start(&b, "rv64gc", 1);
    struct hart *h = &b.harts[0];
    set(&b, 0x303, 0x202);
    set(&b, 0x304, 0xaaa);
    assert_int_equal(get(&b, 0x104), 0x202);
    set(&b, 0x104, 0);
    assert_int_equal(get(&b, 0x304), 0x8a8);
    set(&b, 0x344, 0x222);
    assert_int_equal(get(&b, 0x144), 0x202);
    set(&b, 0x144, 0); /* only SSIP */
    assert_int_equal(get(&b, 0x344), 0x220);
    /* SEIP is the wire or what software wrote; set and clear do not copy the wire */
    set(&b, 0x344, 0);
    hart_interrupt(h, IRQ_SEI, true);
    assert_true(access_csr(&b, 0x344, RS, 2, NULL));
    assert_int_equal(get(&b, 0x344), 0x202);
    hart_interrupt(h, IRQ_SEI, false);
    assert_int_equal(get(&b, 0x344), 2);
    /* STIP is stimecmp's with STCE, software's without */
    set(&b, 0x344, 0x20);
    assert_int_equal(get(&b, 0x344), 0x20);
    set(&b, 0x30a, ENVCFG_STCE);
    assert_int_equal(get(&b, 0x344), 0);
    b.now = 100;
    set(&b, 0x14d, 50);
    assert_int_equal(get(&b, 0x344), 0x20);
    set(&b, 0x14d, 5000);
    assert_int_equal(get(&b, 0x344), 0);
    board_stop(&b);
}

static void protection_ranges(void **state) {
    struct board b;
    board_start(&b, "rv64gc", 1);
    struct system *s = b.harts[0].sys;
    bool whole;
    assert_true(pmp_allows(s, RAM, 8, ACCESS_WRITE, PRIV_M, &whole));
    assert_true(whole);
    assert_false(pmp_allows(s, RAM, 8, ACCESS_WRITE, PRIV_S, NULL)); /* nothing matches */
    static const struct {
        uint8_t cfg;
        uint64_t below, address, first, last;
    } ranges[] = {
        {0x08, RAM, RAM + 0x100, RAM, RAM + 0xff},            /* TOR */
        {0x10, 0, RAM + 0x40, RAM + 0x40, RAM + 0x43},        /* NA4 */
        {0x18, 0, RAM + 0x40, RAM + 0x40, RAM + 0x47},        /* NAPOT of 8 bytes */
        {0x18, 0, RAM + 0x40 + 0x1c, RAM + 0x40, RAM + 0x7f}, /* of 64 */
        {0x18, 0, RAM + 0x7fc, RAM, RAM + 0xfff},             /* of a page */
    };
    for (unsigned i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        for (unsigned rights = 0; rights < 8; rights++) {
            set(&b, 0x3b0, ranges[i].below >> 2);
            set(&b, 0x3b1, ranges[i].address >> 2);
            set(&b, 0x3a0, (uint64_t)(ranges[i].cfg | rights) << 8);
            bool r = rights & 1, w = (rights & 3) == 3, x = rights & 4; /* W without R is reserved: none */
            uint64_t first = ranges[i].first, last = ranges[i].last;
            assert_int_equal(pmp_allows(s, first, 4, ACCESS_READ, PRIV_U, &whole), r);
            assert_int_equal(whole, (first & 0xfff) == 0 && (last & 0xfff) == 0xfff);
            assert_int_equal(pmp_allows(s, last & ~UINT64_C(3), 4, ACCESS_WRITE, PRIV_S, NULL), w);
            assert_int_equal(pmp_allows(s, first, 2, ACCESS_FETCH, PRIV_S, NULL), x);
            assert_false(pmp_allows(s, first - 4, 4, ACCESS_READ, PRIV_U, NULL));
            assert_false(pmp_allows(s, last + 1, 4, ACCESS_READ, PRIV_U, NULL));
            assert_false(pmp_allows(s, first - 4, 8, ACCESS_READ, PRIV_M, NULL)); /* half in, half out */
            assert_true(pmp_allows(s, first, 4, ACCESS_WRITE, PRIV_M, NULL));     /* not locked */
        }
    }
    /* locked: machine mode too, and it stays */
    set(&b, 0x3b3, RAM >> 2);
    set(&b, 0x3b4, (RAM + 0x1000) >> 2);
    set(&b, 0x3a0, UINT64_C(0x89) << 32);
    assert_true(pmp_allows(s, RAM, 4, ACCESS_READ, PRIV_M, NULL));
    assert_false(pmp_allows(s, RAM, 4, ACCESS_WRITE, PRIV_M, NULL));
    set(&b, 0x3a0, 0);
    set(&b, 0x3b4, 0);
    set(&b, 0x3b3, 0); /* the bottom of a locked TOR range is locked as well */
    assert_int_equal(get(&b, 0x3a0), UINT64_C(0x89) << 32);
    assert_int_equal(get(&b, 0x3b4), (RAM + 0x1000) >> 2);
    assert_int_equal(get(&b, 0x3b3), RAM >> 2);
    /* the lowest-numbered match decides */
    set(&b, 0x3b0, (RAM + 0x7fc) >> 2);
    set(&b, 0x3a0, 0x1b);
    assert_true(pmp_allows(s, RAM, 4, ACCESS_WRITE, PRIV_M, NULL));
    assert_true(pmp_allows(s, RAM, 4, ACCESS_WRITE, PRIV_U, NULL));
    board_stop(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_written_as_far_as_they_exist),
        cmocka_unit_test(halves_of_rv32_are_apart),
        cmocka_unit_test(mpp_and_cbie_keep_their_value_where_a_reserved_one_is_written),
        cmocka_unit_test(numbers_say_who_may_do_what),
        cmocka_unit_test(mode_bits_deny),
        cmocka_unit_test(supervisor_views_are_windows),
        cmocka_unit_test(protection_ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
