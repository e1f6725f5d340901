/* test_system.c: small bare-metal programs on a board of RAM and a finisher: traps, privilege, interrupts,
 * self-modifying code, devices.
 */
#include "board_fixture.c"

#include <pthread.h>
#include <time.h>

enum { MSTATUS = 0x300, MTVEC = 0x305, MEPC = 0x341, MCAUSE = 0x342, MTVAL = 0x343, MIE = 0x304, MIP = 0x344 };
enum { HANDLER = 0x400 };

static void ends(void **state) {
    struct board b;
    const char *const isas[] = {"rv64gc", "rv32gc"};
    for (unsigned i = 0; i < 2; i++) {
        board_start(&b, isas[i], 1);
        board_li(&b, A0, 0);
        board_li(&b, A1, 1000);
        EMIT(&b, addi, A0, A0, 0, 3); /* loop */
        EMIT(&b, addi, A1, A1, 0, -1);
        EMIT(&b, bne, 0, A1, 0, -8);
        board_finish(&b, A0);
        assert_int_equal(board_run(&b), 3000);
        board_stop(&b);
    }
}

/* A handler that ends with mcause and logs mepc, mtval. */
static void emit_handler(struct board *b) {
    board_org(b, RAM + HANDLER);
    board_li(b, T6, LOG);
    CSRR(b, T0, MEPC);
    EMIT(b, sw, 0, T6, T0, 0);
    CSRR(b, T0, MTVAL);
    EMIT(b, sw, 0, T6, T0, 0);
    CSRR(b, T0, MCAUSE);
    board_finish(b, T0);
    board_org(b, RAM);
    board_la(b, T0, RAM + HANDLER);
    CSRW(b, MTVEC, T0);
}

static void trap_of(const char *isa, uint32_t bits, uint64_t address, uint32_t cause, uint32_t tval) {
    struct board b;
    board_start(&b, isa, 1);
    emit_handler(&b);
    b.harts[0].x[A0] = address;
    uint64_t pc = board_here(&b);
    board_emit(&b, bits);
    assert_int_equal(board_run(&b), cause);
    assert_int_equal(b.log[0], (uint32_t)pc);
    assert_int_equal(b.log[1], tval);
    board_stop(&b);
}

static void traps_to_machine_mode(void **state) {
    const char *const isas[] = {"rv64gc", "rv32gc"};
    for (unsigned i = 0; i < 2; i++) {
        const char *isa = isas[i];
        trap_of(isa, enc(INSN_ecall, 0, 0, 0, 0), 0, TRAP_ECALL_M, 0);
        trap_of(isa, 0xffffffff, 0, TRAP_ILLEGAL, 0xffffffff);
        trap_of(isa, enc(INSN_csrrs, T0, 0, 0, 0x7c0), 0, TRAP_ILLEGAL, enc(INSN_csrrs, T0, 0, 0, 0x7c0));
        trap_of(isa, enc(INSN_lw, T0, A0, 0, 4), 0x40000000, TRAP_LOAD_ACCESS, 0x40000004);
        trap_of(isa, enc(INSN_sw, 0, A0, T0, 4), 0x40000000, TRAP_STORE_ACCESS, 0x40000004);
        trap_of(isa, enc(INSN_amoadd_w, 0, A0, T0, 0), 0x80000002, TRAP_STORE_MISALIGNED, 0x80000002);
        trap_of(isa, enc(INSN_fadd_s, 0, 0, 0, 0), 0, TRAP_ILLEGAL, enc(INSN_fadd_s, 0, 0, 0, 0)); /* FS is off */
    }
    struct board b;
    board_start(&b, "rv64gc", 1);
    emit_handler(&b);
    board_li(&b, A0, 0x40000000);
    EMIT(&b, jalr, 0, A0, 0, 0);
    assert_int_equal(board_run(&b), TRAP_FETCH_ACCESS);
    assert_int_equal(b.log[0], 0x40000000);
    assert_int_equal(b.log[1], 0x40000000);
    board_stop(&b);
}

/* Where hart 0 goes next, and as what. */
static struct system *at(struct board *b, uint64_t pc, unsigned priv) {
    struct hart *h = &b->harts[0];
    h->pc = pc;
    h->sys->priv = (uint8_t)priv;
    h->sys->pmpcfg[0] = 0x1f, h->sys->pmpaddr[0] = UINT64_MAX >> 10;
    pmp_update(h->sys);
    mmu_flush(h->sys);
    system_select(h);
    return h->sys;
}

/* Handlers that end with their name and cause: a vectored one (if mode is 1) has 16 entries. */
enum { M_HANDLER = 0x1000, S_HANDLER = 0x2000, M_NAME = 0x1000, S_NAME = 0x2000 };
static void emit_handlers(struct board *b) {
    for (unsigned supervisor = 0; supervisor < 2; supervisor++) {
        uint64_t base = RAM + (supervisor ? S_HANDLER : M_HANDLER);
        for (unsigned i = 0; i < 16; i++) {
            board_org(b, base + 4 * i);
            EMIT(b, jal, 0, 0, 0, (int32_t)(0x100 + i * 0x40 - 4 * i));
            board_org(b, base + 0x100 + i * 0x40);
            CSRR(b, T0, supervisor ? 0x142 : MCAUSE);
            EMIT(b, andi, T0, T0, 0, 0x3f);
            board_li(b, T1, (supervisor ? S_NAME : M_NAME) + (int32_t)i * 0x100);
            EMIT(b, add, T0, T0, T1, 0);
            board_finish(b, T0);
        }
    }
    struct system *s = b->harts[0].sys;
    s->mtvec = RAM + M_HANDLER;
    s->stvec = RAM + S_HANDLER;
}

static void exceptions_go_where_they_are_delegated(void **state) {
    const char *const isas[] = {"rv64gc", "rv32gc"};
    for (unsigned i = 0; i < 2; i++) {
        for (unsigned delegated = 0; delegated < 2; delegated++) {
            for (unsigned priv = 0; priv < 4; priv = priv == 1 ? 3 : priv + 1) {
                struct board b;
                board_start(&b, isas[i], 1);
                emit_handlers(&b);
                board_org(&b, RAM);
                EMIT(&b, ecall, 0, 0, 0, 0);
                struct system *s = at(&b, RAM, priv);
                s->medeleg = delegated ? 0xb3ff : 0;
                s->mstatus |= MSTATUS_SIE | MSTATUS_MIE;
                bool to_s = delegated && priv != PRIV_M;
                uint64_t code = board_run(&b);
                assert_int_equal(code, (to_s ? S_NAME : M_NAME) + 8 + priv);
                assert_int_equal(s->priv, to_s ? PRIV_S : PRIV_M);
                assert_int_equal((uint32_t)(to_s ? s->sepc : s->mepc), RAM);
                if (to_s) {
                    assert_int_equal(s->mstatus & (MSTATUS_SPP | MSTATUS_SPIE | MSTATUS_SIE | MSTATUS_MIE),
                                     (priv == PRIV_S ? MSTATUS_SPP : 0) | MSTATUS_SPIE | MSTATUS_MIE);
                } else {
                    assert_int_equal(s->mstatus & (MSTATUS_MPP | MSTATUS_MPIE | MSTATUS_MIE),
                                     (uint64_t)priv << 11 | MSTATUS_MPIE);
                }
                board_stop(&b);
            }
        }
    }
}

/* Which of several pending interrupts is taken where, by mode, enables and delegation. */
static void interrupts_have_priorities(void **state) {
    static const struct {
        uint32_t pending, enabled, delegated;
        uint8_t priv;
        uint64_t mstatus;
        uint32_t code; /* with vectored handlers: name + number * 0x100 + number; 0: none */
    } cases[] = {
        {0xaaa, 0xaaa, 0, PRIV_U, 0, M_NAME + 0xb0b},
        {0x2aa, 0xaaa, 0, PRIV_U, 0, M_NAME + 0x303},
        {0x2a2, 0xaaa, 0, PRIV_U, 0, M_NAME + 0x707},
        {0x222, 0xaaa, 0, PRIV_U, 0, M_NAME + 0x909},
        {0x022, 0xaaa, 0, PRIV_U, 0, M_NAME + 0x101},
        {0x020, 0xaaa, 0, PRIV_U, 0, M_NAME + 0x505},
        {0x222, 0xaaa, 0x222, PRIV_U, 0, S_NAME + 0x909},
        {0x222, 0xaaa, 0x222, PRIV_S, MSTATUS_SIE, S_NAME + 0x909},
        {0x222, 0xaaa, 0x222, PRIV_S, 0, 0},
        {0x222, 0xaaa, 0x222, PRIV_M, MSTATUS_SIE | MSTATUS_MIE, 0},
        {0x222, 0xaaa, 0x020, PRIV_S, MSTATUS_SIE, M_NAME + 0x909}, /* machine's come first */
        {0x222, 0x020, 0x020, PRIV_S, MSTATUS_SIE, S_NAME + 0x505},
        {0xaaa, 0xaaa, 0, PRIV_M, 0, 0},
        {0xaaa, 0xaaa, 0, PRIV_M, MSTATUS_MIE, M_NAME + 0xb0b},
        {0xaaa, 0x000, 0, PRIV_U, MSTATUS_MIE, 0},
        {0x888, 0xaaa, 0x222, PRIV_S, MSTATUS_SIE, M_NAME + 0xb0b},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct board b;
        board_start(&b, i % 2 ? "rv64gc" : "rv32gc", 1);
        emit_handlers(&b);
        board_org(&b, RAM);
        board_finish_with(&b, 0);
        struct system *s = at(&b, RAM, cases[i].priv);
        s->mtvec |= 1, s->stvec |= 1;
        s->mie = cases[i].enabled, s->mideleg = cases[i].delegated, s->mstatus |= cases[i].mstatus;
        s->mip_soft = cases[i].pending & 0x222;
        for (unsigned bit = 0; bit < 12; bit++)
            if (cases[i].pending & 0x888 & 1u << bit)
                hart_interrupt(&b.harts[0], bit, true);
        uint64_t code = board_run(&b);
        if (code != cases[i].code)
            fail_msg("case %u: %lx instead of %x", i, (unsigned long)code, cases[i].code);
        board_stop(&b);
    }
}

/* An enable that is set by a CSR write lets the interrupt in before the next instruction. */
static void interrupts_come_right_behind_their_enabling(void **state) {
    struct board b;
    board_start(&b, "rv64gc", 1);
    emit_handlers(&b);
    board_org(&b, RAM);
    board_li(&b, A0, 0);
    EMIT(&b, csrrsi, 0, 8, 0, MSTATUS); /* MIE */
    uint64_t behind = board_here(&b);
    EMIT(&b, addi, A0, A0, 0, 1);
    board_finish_with(&b, 0);
    struct system *s = at(&b, RAM, PRIV_M);
    s->mie = 8;
    hart_interrupt(&b.harts[0], IRQ_MSI, true);
    assert_int_equal(board_run(&b), M_NAME + 3);
    assert_int_equal(s->mepc, behind);
    assert_int_equal(b.harts[0].x[A0], 0);
    board_stop(&b);
}

static void returns_go_back(void **state) {
    struct board b;
    for (unsigned i = 0; i < 4; i++) { /* mret to M, S, U; sret to U */
        static const uint8_t previous[] = {PRIV_M, PRIV_S, PRIV_U, PRIV_U};
        board_start(&b, i % 2 ? "rv64gc" : "rv32gc", 1);
        emit_handlers(&b);
        board_org(&b, RAM);
        board_emit(&b, enc(i == 3 ? INSN_sret : INSN_mret, 0, 0, 0, 0));
        board_org(&b, RAM + 0x800);
        EMIT(&b, ecall, 0, 0, 0, 0);
        struct system *s = at(&b, RAM, i == 3 ? PRIV_S : PRIV_M);
        s->mepc = s->sepc = RAM + 0x800;
        s->mstatus |= (uint64_t)previous[i] << 11 | MSTATUS_MPIE | MSTATUS_MPRV;
        if (i == 3)
            s->mstatus = (s->mstatus & ~MSTATUS_MPP & ~MSTATUS_MPRV) | MSTATUS_SPIE;
        assert_int_equal(board_run(&b), M_NAME + 8 + previous[i]);
        assert_int_equal(s->mstatus & MSTATUS_MPRV, i == 0 ? MSTATUS_MPRV : 0);
        board_stop(&b);
    }
}

/* Privileged instructions where they are not allowed. */
static void privileged_instructions_are_illegal_elsewhere(void **state) {
    static const struct {
        uint16_t id;
        uint8_t priv;
        uint64_t mstatus;
        bool legal;
    } cases[] = {
        {INSN_mret, PRIV_S, 0, false},
        {INSN_mret, PRIV_U, 0, false},
        {INSN_sret, PRIV_U, 0, false},
        {INSN_sret, PRIV_S, MSTATUS_TSR, false},
        {INSN_wfi, PRIV_U, 0, false},
        {INSN_wfi, PRIV_S, MSTATUS_TW, false},
        {INSN_wfi, PRIV_S, 0, true},
        {INSN_sfence_vma, PRIV_U, 0, false},
        {INSN_sfence_vma, PRIV_S, 0, true},
        {INSN_sfence_vma, PRIV_S, MSTATUS_TVM, false},
        {INSN_sfence_vma, PRIV_M, 0, true},
        {INSN_sinval_vma, PRIV_S, 0, true},
        {INSN_sinval_vma, PRIV_U, 0, false},
        {INSN_sinval_vma, PRIV_S, MSTATUS_TVM, false},
        {INSN_sfence_w_inval, PRIV_S, MSTATUS_TVM, true},
        {INSN_sfence_w_inval, PRIV_U, 0, false},
        {INSN_sfence_inval_ir, PRIV_S, 0, true},
        {INSN_sfence_inval_ir, PRIV_U, 0, false},
        {INSN_cbo_zero, PRIV_S, 0, false},
        {INSN_cbo_zero, PRIV_M, 0, true},
        {INSN_cbo_inval, PRIV_S, 0, false},
        {INSN_cbo_clean, PRIV_U, 0, false},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct board b;
        board_start(&b, "rv64gc_zicboz_zicbom", 1);
        emit_handlers(&b);
        board_org(&b, RAM);
        board_emit(&b,
                   enc(cases[i].id, 0, cases[i].id >= INSN_cbo_inval && cases[i].id <= INSN_cbo_zero ? A0 : 0, 0, 0));
        board_finish_with(&b, 1);
        struct system *s = at(&b, RAM, cases[i].priv);
        s->mstatus |= cases[i].mstatus;
        s->mie = 2, s->mip_soft = 2; /* so that wfi does not wait; SIE and MIE are off, S and M go on */
        s->mideleg = 2;
        if (cases[i].priv == PRIV_U)
            s->mie = 0;
        b.harts[0].x[A0] = RAM + 0x3000;
        uint64_t code = board_run(&b);
        if (code != (cases[i].legal ? 1 : M_NAME + TRAP_ILLEGAL))
            fail_msg("case %u: %lx", i, (unsigned long)code);
        board_stop(&b);
    }
}

static void *raise_later(void *hart) {
    struct timespec t = {0, 20000000};
    nanosleep(&t, NULL);
    hart_interrupt(hart, IRQ_MTI, true);
    return NULL;
}
static void wfi_sleeps_until_an_interrupt(void **state) {
    struct board b;
    board_start(&b, "rv64gc", 1);
    emit_handlers(&b);
    board_org(&b, RAM);
    EMIT(&b, wfi, 0, 0, 0, 0);
    board_finish_with(&b, 1); /* MIE is off: execution goes on behind it */
    at(&b, RAM, PRIV_M)->mie = 1 << IRQ_MTI;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, raise_later, &b.harts[0]), 0);
    struct timespec before, after;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
    assert_int_equal(board_run(&b), 1);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
    pthread_join(thread, NULL);
    /* it did not spin */
    assert_in_range((after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec, 0, 15000000);
    board_stop(&b);
}

/* A function that returns a constant is called, changed, and called again. */
static void changed_code_is_seen_after_fence_i(void **state) {
    const char *const isas[] = {"rv64gc", "rv32gc"};
    for (unsigned i = 0; i < 2; i++) {
        struct board b;
        board_start(&b, isas[i], 1);
        board_org(&b, RAM + 0x3000);
        EMIT(&b, addi, A0, A0, 0, 1);
        EMIT(&b, jalr, 0, RA, 0, 0);
        board_org(&b, RAM);
        board_la(&b, A1, RAM + 0x3000);
        board_la(&b, A2, enc(INSN_addi, A0, A0, 0, 100));
        board_li(&b, A0, 0);
        EMIT(&b, jalr, RA, A1, 0, 0);
        EMIT(&b, jalr, RA, A1, 0, 0);
        EMIT(&b, sw, 0, A1, A2, 0);
        EMIT(&b, fence_i, 0, 0, 0, 0);
        EMIT(&b, jalr, RA, A1, 0, 0);
        EMIT(&b, jalr, RA, A1, 0, 0);
        board_finish(&b, A0);
        assert_int_equal(board_run(&b), 202);
        board_stop(&b);
    }
}

/* The same changed by a device, and from another virtual address. */
static void code_changed_by_a_device_is_forgotten(void **state) {
    struct board b;
    board_start(&b, "rv64gc", 1);
    board_org(&b, RAM);
    board_finish_with(&b, 1);
    assert_int_equal(board_run(&b), 1);
    board_org(&b, RAM);
    board_finish_with(&b, 2);
    hart_dma(&b.harts[0], RAM, 64);
    b.harts[0].pc = RAM;
    assert_int_equal(board_run(&b), 2);
    board_stop(&b);
}

/* An instruction whose halves lie on two pages is executed, however the second page is mapped. */
static void instructions_may_cross_pages(void **state) {
    struct board b;
    board_start(&b, "rv64gc", 1);
    emit_handlers(&b);
    uint32_t insn = enc(INSN_addi, A0, A0, 0, 5), other = enc(INSN_addi, A0, A0, 0, 7);
    uint64_t table = RAM + 0x100000;
    /* Sv39: 0 and 0x1000 lead to RAM + 0x4000 and RAM + 0x5000 or 0x6000 */
    board_put(&b, table, (table + 0x1000) >> 12 << 10 | 1, 8);
    board_put(&b, table + 0x1000, (table + 0x2000) >> 12 << 10 | 1, 8);
    board_put(&b, table + 0x2000, (RAM + 0x4000) >> 12 << 10 | 0xcf, 8);
    board_put(&b, table + 0x2008, (RAM + 0x5000) >> 12 << 10 | 0xcf, 8);
    board_put(&b, RAM + 0x4ffe, insn, 2);
    board_put(&b, RAM + 0x5000, insn >> 16, 2);
    board_put(&b, RAM + 0x6000, other >> 16, 2);
    for (unsigned page = 5; page <= 6; page++) {
        board_put(&b, RAM + page * 0x1000 + 2, enc(INSN_ecall, 0, 0, 0, 0), 4);
        board_put(&b, table + 0x2008, (RAM + page * 0x1000) >> 12 << 10 | 0xcf, 8);
        struct system *s = at(&b, 0xffe, PRIV_S);
        s->satp = UINT64_C(8) << 60 | table >> 12;
        b.harts[0].x[A0] = 0;
        assert_int_equal(board_run(&b), M_NAME + TRAP_ECALL_S);
        assert_int_equal(b.harts[0].x[A0], page == 5 ? 5 : 7);
    }
    /* and where it is not there the fault's address is the second page's, the pc the instruction's */
    board_put(&b, table + 0x2008, 0, 8);
    struct system *s = at(&b, 0xffe, PRIV_S);
    s->satp = UINT64_C(8) << 60 | table >> 12;
    assert_int_equal(board_run(&b), M_NAME + TRAP_FETCH_PAGE);
    assert_int_equal(s->mepc, 0xffe);
    assert_int_equal(s->mtval, 0x1000);
    board_stop(&b);
}

/* The same virtual address leads to other code in another address space; both stay decoded. */
static void blocks_survive_changes_of_address_space(void **state) {
    struct board b;
    board_start(&b, "rv64gc", 1);
    uint64_t tables[2] = {RAM + 0x100000, RAM + 0x110000};
    for (unsigned i = 0; i < 2; i++) {
        board_put(&b, tables[i], (tables[i] + 0x1000) >> 12 << 10 | 1, 8);
        board_put(&b, tables[i] + 16, RAM >> 12 << 10 | 0xcf, 8); /* RAM as it is */
        board_put(&b, tables[i] + 0x1000, (tables[i] + 0x2000) >> 12 << 10 | 1, 8);
        board_put(&b, tables[i] + 0x2000, (RAM + 0x4000 + i * 0x1000) >> 12 << 10 | 0xcf, 8);
        board_org(&b, RAM + 0x4000 + i * 0x1000);
        EMIT(&b, addi, A0, A0, 0, i ? 100 : 1);
        EMIT(&b, jalr, 0, RA, 0, 0);
    }
    board_org(&b, RAM);
    board_li(&b, A0, 0);
    board_li(&b, A3, 50);
    uint64_t loop = board_here(&b);
    for (unsigned i = 0; i < 2; i++) {
        CSRW(&b, 0x180, i ? A5 : A4);
        EMIT(&b, sfence_vma, 0, 0, 0, 0);
        EMIT(&b, jalr, RA, 0, 0, 0);
    }
    EMIT(&b, addi, A3, A3, 0, -1);
    EMIT(&b, bne, 0, A3, 0, (int32_t)(loop - board_here(&b)));
    CSRW(&b, 0x180, 0);
    board_finish(&b, A0);
    at(&b, RAM, PRIV_S);
    for (unsigned i = 0; i < 2; i++)
        b.harts[0].x[A4 + i] = UINT64_C(8) << 60 | tables[i] >> 12;
    assert_int_equal(board_run(&b), 50 * 101);
    board_stop(&b);
}

static void floating_point_makes_fs_dirty(void **state) {
    struct board b;
    board_start(&b, "rv64gc", 1);
    emit_handlers(&b);
    board_org(&b, RAM);
    board_li(&b, A0, 3);
    EMIT(&b, fcvt_d_w, 1, A0, 0, 0);
    EMIT(&b, fcvt_w_d, A1, 1, 0, 0);
    board_finish(&b, A1);
    struct system *s = at(&b, RAM, PRIV_M);
    s->mstatus |= UINT64_C(1) << 13;
    assert_int_equal(board_run(&b), 3);
    assert_int_equal(s->mstatus & MSTATUS_FS, MSTATUS_FS);
    s = at(&b, RAM, PRIV_M); /* now off: what was decoded for dirty does not count */
    s->mstatus &= ~MSTATUS_FS;
    assert_int_equal(board_run(&b), M_NAME + TRAP_ILLEGAL);
    assert_int_equal(s->mtval, enc(INSN_fcvt_d_w, 1, A0, 0, 0));
    board_stop(&b);
}

struct counted {
    struct board *b;
    unsigned hart;
};
static void *run_hart(void *arg) {
    struct counted *c = arg;
    engine_run(&c->b->harts[c->hart]);
    return NULL;
}

/* Every hart adds with an AMO and with LR/SC; the last one to be done ends the run. */
static void harts_share_memory(void **state) {
    enum { EACH = 20000, HARTS = 3 };
    const char *const isas[] = {"rv64gc", "rv32gc"};
    for (unsigned i = 0; i < 2; i++) {
        struct board b;
        board_start(&b, isas[i], HARTS);
        board_la(&b, A0, RAM + 0x5000);
        board_li(&b, A1, EACH);
        board_li(&b, A2, 1);
        uint64_t loop = board_here(&b);
        EMIT(&b, amoadd_w, 0, A0, A2, 0);
        EMIT(&b, addi, A3, A0, 0, 64);
        uint64_t again = board_here(&b);
        EMIT(&b, lr_w, A4, A3, 0, 0);
        EMIT(&b, addi, A4, A4, 0, 1);
        EMIT(&b, sc_w, A5, A3, A4, 0);
        EMIT(&b, bne, 0, A5, 0, (int32_t)(again - board_here(&b)));
        /* the same with a load in between: other harts stop for it */
        EMIT(&b, addi, A3, A0, 0, 128);
        EMIT(&b, andi, A5, A1, 0, 63);
        EMIT(&b, bne, 0, A5, 0, 20);
        EMIT(&b, lr_w, A4, A3, 0, 0);
        EMIT(&b, lw, A6, A3, 0, 0);
        EMIT(&b, addi, A4, A6, 0, 1);
        EMIT(&b, sc_w, A5, A3, A4, 0);
        EMIT(&b, addi, A1, A1, 0, -1);
        EMIT(&b, bne, 0, A1, 0, (int32_t)(loop - board_here(&b)));
        EMIT(&b, amoadd_w, 0, A0, A2, 0);
        EMIT(&b, addi, A3, A0, 0, 192);
        EMIT(&b, amoadd_w, A4, A3, A2, 0);
        EMIT(&b, addi, A4, A4, 0, 1 - HARTS);
        EMIT(&b, beq, 0, A4, 0, 8);
        EMIT(&b, jal, 0, 0, 0, 0); /* not the last */
        board_finish_with(&b, 1);
        pthread_t threads[HARTS];
        struct counted c[HARTS];
        for (unsigned n = 0; n < HARTS; n++) {
            c[n] = (struct counted){&b, n};
            assert_int_equal(pthread_create(&threads[n], NULL, run_hart, &c[n]), 0);
        }
        for (unsigned n = 0; n < HARTS; n++)
            pthread_join(threads[n], NULL);
        assert_int_equal(b.code, 1);
        assert_int_equal(board_get(&b, RAM + 0x5000, 4), HARTS * EACH + HARTS);
        assert_int_equal(board_get(&b, RAM + 0x5040, 4), HARTS * EACH);
        assert_in_range(board_get(&b, RAM + 0x5080, 4), 1, HARTS * (EACH / 64 + 1));
        board_stop(&b);
    }
}

/* Counted runs: a timer at an exact count, whatever block it falls in, and after wfi. */
static void reach(void *ctx, struct hart *h) { hart_interrupt(h, IRQ_MTI, true); }
static void interrupts_come_at_exact_counts(void **state) {
    for (unsigned count = 0; count < 100; count++) {
        struct board b;
        board_start_counted(&b, "rv64gc");
        b.bus.icount_reached = reach;
        emit_handlers(&b);
        board_org(&b, RAM);
        uint64_t loop = board_here(&b);
        for (unsigned i = 0; i < 5; i++)
            EMIT(&b, addi, A0, A0, 0, 1);
        EMIT(&b, beq, 0, A0, ZERO, 8);
        EMIT(&b, addi, A0, A0, 0, 1);
        CSRR(&b, A1, 0xb02);
        EMIT(&b, jal, 0, 0, 0, (int32_t)(loop - board_here(&b)));
        struct system *s = at(&b, RAM, PRIV_M);
        s->mie = 1 << IRQ_MTI;
        s->mstatus |= MSTATUS_MIE;
        hart_icount_deadline(&b.harts[0], count);
        assert_int_equal(board_run(&b), M_NAME + IRQ_MTI);
        /* nine instructions a round, of which the first five and the seventh add one */
        static const uint8_t adds[] = {0, 1, 2, 3, 4, 5, 5, 6, 6};
        assert_int_equal(b.harts[0].x[A0], count / 9 * 6 + adds[count % 9]);
        assert_int_equal(s->mepc, RAM + 4 * (count % 9));
        if (count >= 8)
            assert_int_equal(b.harts[0].x[A1], (count - 8) / 9 * 9 + 7); /* minstret, as of its instruction */
        board_stop(&b);
    }
}

static void waiting_goes_on_to_the_deadline(void **state) {
    struct board b;
    board_start_counted(&b, "rv64gc");
    b.bus.icount_reached = reach;
    board_org(&b, RAM);
    EMIT(&b, addi, A0, A0, 0, 1);
    EMIT(&b, wfi, 0, 0, 0, 0);
    board_finish_with(&b, 1);
    at(&b, RAM, PRIV_M)->mie = 1 << IRQ_MTI;
    hart_icount_deadline(&b.harts[0], 1000000);
    assert_int_equal(board_run(&b), 1);
    assert_in_range(hart_icount(&b.harts[0]), 1000000, 1000010);
    board_stop(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends),
        cmocka_unit_test(traps_to_machine_mode),
        cmocka_unit_test(exceptions_go_where_they_are_delegated),
        cmocka_unit_test(interrupts_have_priorities),
        cmocka_unit_test(interrupts_come_right_behind_their_enabling),
        cmocka_unit_test(returns_go_back),
        cmocka_unit_test(privileged_instructions_are_illegal_elsewhere),
        cmocka_unit_test(wfi_sleeps_until_an_interrupt),
        cmocka_unit_test(changed_code_is_seen_after_fence_i),
        cmocka_unit_test(code_changed_by_a_device_is_forgotten),
        cmocka_unit_test(instructions_may_cross_pages),
        cmocka_unit_test(blocks_survive_changes_of_address_space),
        cmocka_unit_test(floating_point_makes_fs_dirty),
        cmocka_unit_test(harts_share_memory),
        cmocka_unit_test(interrupts_come_at_exact_counts),
        cmocka_unit_test(waiting_goes_on_to_the_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
