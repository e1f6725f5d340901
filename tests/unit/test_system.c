/* test_system.c: small bare-metal programs on a board of RAM and a finisher: traps, privilege, interrupts, self-modifying
 * code, devices.
 */
#include "board_fixture.c"

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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends),
        cmocka_unit_test(traps_to_machine_mode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
