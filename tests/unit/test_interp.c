/* test_interp.c: how the interpreter stops, traps, counts, and treats atomics and changed code. */
#include "interp_fixture.c"

static struct fixture f;
static int setup(void **state) {
    fixture_start(&f, "max", 0);
    return 0;
}
static int setup32(void **state) {
    fixture_start(&f, "rv32max", 0);
    return 0;
}
static int setup_hot(void **state) {
    fixture_start(&f, "max", 3);
    return 0;
}
static int setup_no_c(void **state) {
    fixture_start(&f, "rv64ima", 0);
    return 0;
}
static int teardown(void **state) {
    fixture_stop(&f);
    return 0;
}

static void emit(uint32_t bits) { fixture_emit(&f, bits); }
static void op_r(enum insn_id id, unsigned rd, unsigned rs1, unsigned rs2) { emit(enc(id, rd, rs1, rs2, 0)); }
static void op_i(enum insn_id id, unsigned rd, unsigned rs1, int32_t imm) { emit(enc(id, rd, rs1, 0, imm)); }
static void ecall(void) { emit(enc(INSN_ecall, 0, 0, 0, 0)); }
static void expect_trap(enum interp_stop stop, uint32_t cause, uint64_t pc, uint64_t tval) {
    assert_int_equal(stop, INTERP_TRAP);
    assert_int_equal(f.h.trap.cause, cause);
    assert_int_equal(f.h.pc, pc);
    assert_int_equal(f.h.trap.tval, tval);
    assert_int_equal(f.h.in_interp, 0);
}

/* traps */

static void illegal_instruction_gives_its_bits(void **state) {
    op_i(INSN_addi, A0, 0, 1);
    emit(0xffffffff);
    expect_trap(fixture_run(&f), TRAP_ILLEGAL, CODE + 4, 0xffffffff);
    assert_int_equal(f.h.x[A0], 1);
    ((uint16_t *)(uintptr_t)CODE)[2] = 0; /* compressed: 16 bits */
    interp_flush(&f.h);
    expect_trap(fixture_run(&f), TRAP_ILLEGAL, CODE + 4, 0);
}

static void ecall_and_ebreak_stay_at_their_pc(void **state) {
    op_i(INSN_addi, A0, 0, 1);
    ecall();
    emit(enc(INSN_ebreak, 0, 0, 0, 0));
    assert_int_equal(fixture_run(&f), INTERP_TRAP);
    assert_int_equal(f.h.trap.cause, TRAP_ECALL_U);
    assert_int_equal(f.h.pc, CODE + 4);
    f.h.pc += 4;
    assert_int_equal(fixture_run(&f), INTERP_TRAP);
    assert_int_equal(f.h.trap.cause, TRAP_BREAKPOINT);
    assert_int_equal(f.h.pc, CODE + 8);
}

static void misaligned_atomics_trap(void **state) {
    static const struct {
        enum insn_id id;
        uint64_t off;
        uint32_t cause;
    } cases[] = {{INSN_lr_w, 2, TRAP_LOAD_MISALIGNED},      {INSN_lr_d, 4, TRAP_LOAD_MISALIGNED},
                 {INSN_sc_w, 1, TRAP_STORE_MISALIGNED},     {INSN_sc_d, 4, TRAP_STORE_MISALIGNED},
                 {INSN_amoadd_w, 2, TRAP_STORE_MISALIGNED}, {INSN_amomaxu_d, 4, TRAP_STORE_MISALIGNED},
                 {INSN_amocas_w, 2, TRAP_STORE_MISALIGNED}, {INSN_amocas_q, 8, TRAP_STORE_MISALIGNED}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        f.at = (uint32_t *)(uintptr_t)CODE;
        op_i(INSN_addi, T0, 0, 1);
        op_r(cases[i].id, A0, A1, cases[i].id == INSN_lr_w || cases[i].id == INSN_lr_d ? 0 : A2);
        interp_flush(&f.h);
        f.h.pc = CODE, f.h.x[A1] = DATA + cases[i].off, f.h.x[A0] = 77;
        expect_trap(fixture_run(&f), cases[i].cause, CODE + 4, DATA + cases[i].off);
        assert_int_equal(f.h.x[A0], 77);
    }
}

static void fetching_from_nowhere_traps_at_the_target(void **state) {
    op_r(INSN_jalr, RA, A0, 0);
    f.h.x[A0] = HOLE;
    expect_trap(fixture_run(&f), TRAP_FETCH_PAGE, HOLE, HOLE);
    assert_int_equal(f.h.x[RA], CODE + 4);
}

static void instruction_on_two_pages_faults_on_the_second(void **state) {
    f.code_end = CODE + PAGE;
    uint32_t wide = enc(INSN_addi, A0, A0, 0, 1);
    memcpy((void *)(uintptr_t)(CODE + PAGE - 2), &wide, 4);
    f.h.pc = CODE + PAGE - 2;
    expect_trap(fixture_run(&f), TRAP_FETCH_PAGE, CODE + PAGE - 2, CODE + PAGE);
    f.code_end += PAGE;
    memcpy((void *)(uintptr_t)(CODE + PAGE + 2), &(uint32_t){0x00000073}, 4);
    assert_int_equal(fixture_run(&f), INTERP_TRAP);
    assert_int_equal(f.h.trap.cause, TRAP_ECALL_U);
    assert_int_equal(f.h.x[A0], 1);
}

static void running_off_the_end_of_code_traps_there(void **state) {
    f.code_end = CODE + 8;
    op_i(INSN_addi, A0, A0, 1);
    op_i(INSN_addi, A0, A0, 1);
    expect_trap(fixture_run(&f), TRAP_FETCH_PAGE, CODE + 8, CODE + 8);
    assert_int_equal(f.h.x[A0], 2);
}

static void without_c_jumps_to_odd_halfwords_trap_at_the_jump(void **state) {
    static const struct {
        enum insn_id id;
        int32_t imm;
    } cases[] = {{INSN_jal, 6}, {INSN_beq, 6}, {INSN_beq, -2}, {INSN_jalr, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        f.at = (uint32_t *)(uintptr_t)CODE;
        op_i(INSN_addi, T0, T0, 1);
        emit(enc(cases[i].id, RA, cases[i].id == INSN_jalr ? A0 : 0, 0, cases[i].imm));
        interp_flush(&f.h);
        f.h.pc = CODE, f.h.x[A0] = CODE + 0x102, f.h.x[RA] = 99;
        uint64_t target = cases[i].id == INSN_jalr ? CODE + 0x102 : CODE + 4 + (uint64_t)(int64_t)cases[i].imm;
        expect_trap(fixture_run(&f), TRAP_FETCH_MISALIGNED, CODE + 4, target);
        assert_int_equal(f.h.x[RA], 99);
        f.h.pc = CODE;
        expect_trap(fixture_step(&f, 2), TRAP_FETCH_MISALIGNED, CODE + 4, target);
    }
    f.h.pc = CODE + 2;
    expect_trap(fixture_run(&f), TRAP_FETCH_MISALIGNED, CODE + 2, CODE + 2);
}

static void host_fault_leaves_exact_state(void **state) {
    op_i(INSN_addi, A0, 0, 5);
    op_r(INSN_add, A1, A1, A0); /* the address register is overwritten by the load that faults */
    op_i(INSN_ld, A1, A1, 0);
    op_i(INSN_addi, A0, 0, 6);
    f.h.x[A1] = HOLE;
    assert_int_equal(fixture_run(&f), INTERP_TRAP);
    assert_int_equal(f.h.trap.cause, FIXTURE_HOST_FAULT);
    assert_int_equal(f.h.pc, CODE + 8);
    assert_int_equal(f.h.x[A0], 5);
    assert_int_equal(f.h.x[A1], HOLE + 5);
    assert_int_equal(f.h.in_interp, 0);
}

/* running */

static void loop(unsigned n) { /* a1 counts down from n, a0 up; 3 instructions a turn, one before and an ecall behind */
    op_i(INSN_addi, A1, 0, (int32_t)n);
    op_i(INSN_addi, A0, A0, 1);
    op_i(INSN_addi, A1, A1, -1);
    emit(enc(INSN_bne, 0, A1, 0, -8));
    ecall();
}

static void instructions_are_counted(void **state) {
    loop(10);
    fixture_run(&f);
    assert_int_equal(f.h.x[A0], 10);
    assert_int_equal(interp_count(&f.h), 1 + 3 * 10 + 1);
    interp_flush(&f.h);
    assert_int_equal(interp_count(&f.h), 1 + 3 * 10 + 1);
}

static void branches_out_of_a_block_are_not_counted_on(void **state) {
    emit(enc(INSN_beq, 0, 0, 0, 12)); /* always taken */
    op_i(INSN_addi, A0, A0, 1);
    op_i(INSN_addi, A0, A0, 1);
    ecall();
    fixture_run(&f);
    assert_int_equal(f.h.x[A0], 0);
    assert_int_equal(interp_count(&f.h), 2);
}

static void hot_block_is_reported_each_time(void **state) {
    loop(100);
    assert_int_equal(fixture_run(&f), INTERP_HOT);
    assert_int_equal(f.h.pc, CODE + 4);
    assert_int_equal(f.h.x[A0], 3); /* once from before it, twice from its branch: the third entry is the one */
    assert_int_equal(fixture_run(&f), INTERP_HOT);
    assert_int_equal(f.h.x[A0], 3);
    interp_set_cold(&f.h, f.h.pc);
    assert_int_equal(fixture_run(&f), INTERP_TRAP);
    assert_int_equal(f.h.x[A0], 100);
}

static void pending_stops_loops(void **state) {
    emit(enc(INSN_jal, 0, 0, 0, 0));
    __atomic_store_n(&f.h.pending, PENDING_USER, __ATOMIC_SEQ_CST);
    assert_int_equal(fixture_run(&f), INTERP_PENDING);
    assert_int_equal(f.h.pc, CODE);
}

static void pending_set_while_running_gives_exact_pc(void **state) {
    /* the guest sets it itself: hart.pending is memory like any other */
    uint32_t *p = &f.h.pending;
    op_i(INSN_addi, A0, 0, PENDING_USER);
    emit(enc(INSN_sw, 0, A1, A0, 0));
    op_i(INSN_addi, A2, 0, 1);
    op_r(INSN_jalr, RA, A3, 0);
    f.h.x[A1] = (uint64_t)(uintptr_t)p, f.h.x[A3] = CODE + 64;
    assert_int_equal(fixture_run(&f), INTERP_PENDING);
    assert_int_equal(f.h.pc, CODE + 64);
    assert_int_equal(f.h.x[RA], CODE + 16);
    f.h.pending = 0;
    f.at = (uint32_t *)(uintptr_t)(CODE + 64);
    emit(enc(INSN_sw, 0, A1, A0, 0));
    emit(enc(INSN_beq, 0, 0, 0, -64));
    interp_flush(&f.h);
    assert_int_equal(fixture_run(&f), INTERP_PENDING);
    assert_int_equal(f.h.pc, CODE + 4);
}

static void step_executes_exactly_n(void **state) {
    loop(10);
    for (unsigned n = 1; n <= 31; n++) {
        f.h.pc = CODE, f.h.x[A0] = 0;
        assert_int_equal(fixture_step(&f, n), INTERP_DONE);
        assert_int_equal(f.h.x[A0], (n + 1) / 3);
        assert_int_equal(f.h.pc, n == 31 ? CODE + 16 : CODE + 4 + 4 * ((n - 1) % 3));
    }
    assert_int_equal(fixture_step(&f, 5), INTERP_TRAP);
    assert_int_equal(f.h.trap.cause, TRAP_ECALL_U);
}

static void step_ignores_pending_and_heat(void **state) {
    loop(100);
    f.h.pending = PENDING_PARK;
    assert_int_equal(fixture_step(&f, 301), INTERP_DONE);
    assert_int_equal(f.h.pc, CODE + 16);
    assert_int_equal(f.h.x[A0], 100);
}

static void calls_and_returns_find_their_way(void **state) {
    emit(enc(INSN_jal, RA, 0, 0, 16));
    emit(enc(INSN_jal, RA, 0, 0, 12));
    ecall();
    ecall();
    op_i(INSN_addi, A0, A0, 1); /* the function */
    op_r(INSN_jalr, 0, RA, 0);
    for (int i = 1; i < 4; i++) {
        f.h.pc = CODE;
        fixture_run(&f);
        assert_int_equal(f.h.pc, CODE + 8);
        assert_int_equal(f.h.x[A0], 2 * i);
    }
}

static void jalr_with_one_register_for_both_uses_the_old_value(void **state) {
    op_r(INSN_jalr, A0, A0, 0);
    f.h.x[A0] = CODE + 33; /* bit 0 does not count */
    ((uint32_t *)(uintptr_t)CODE)[8] = enc(INSN_ecall, 0, 0, 0, 0);
    for (int i = 0; i < 2; i++) {
        f.h.pc = CODE, f.h.x[A0] = CODE + 33;
        expect_trap(fixture_run(&f), TRAP_ECALL_U, CODE + 32, 0);
        assert_int_equal(f.h.x[A0], CODE + 4);
    }
}

/* code that changes */

static void fence_i_drops_what_is_not_watched(void **state) {
    f.watched = false;
    op_i(INSN_addi, A0, 0, 1);
    emit(enc(INSN_fence_i, 0, 0, 0, 0));
    emit(enc(INSN_jal, 0, 0, 0, -8));
    assert_int_equal(fixture_run(&f), INTERP_FENCE_I);
    assert_int_equal(f.h.pc, CODE + 8);
    assert_int_equal(f.fence_is, 1);
    assert_int_equal(fixture_run(&f), INTERP_FENCE_I);
    uint32_t changed = enc(INSN_addi, A0, 0, 0, 2);
    memcpy((void *)(uintptr_t)CODE, &changed, 4);
    assert_int_equal(fixture_run(&f), INTERP_FENCE_I);
    assert_int_equal(f.h.x[A0], 2);
    assert_int_equal(interp_count(&f.h), 2 + 3 + 3);
}

static void links_to_dropped_blocks_find_the_new_ones(void **state) {
    /* a watched block calls an unwatched one: only the latter goes at fence.i */
    emit(enc(INSN_jal, RA, 0, 0, 256));
    emit(enc(INSN_beq, 0, A1, 0, -4)); /* once more, through the link */
    ecall();
    uint32_t *code = (uint32_t *)(uintptr_t)CODE;
    code[64] = enc(INSN_addi, A0, 0, 0, 1);
    code[65] = enc(INSN_jalr, 0, RA, 0, 0);
    code[128] = enc(INSN_fence_i, 0, 0, 0, 0);
    f.h.pc = CODE + 256;
    f.h.x[RA] = CODE + 8;
    f.watched = false;
    fixture_run(&f); /* decodes the function unwatched, ends at the ecall */
    f.watched = true;
    f.h.pc = CODE;
    f.h.x[A1] = 1;
    fixture_run(&f);
    code[64] = enc(INSN_addi, A0, 0, 0, 2);
    f.h.pc = CODE + 512;
    assert_int_equal(fixture_run(&f), INTERP_FENCE_I);
    f.h.pc = CODE;
    fixture_run(&f);
    assert_int_equal(f.h.x[A0], 2);
}

static void watched_code_is_kept_over_fence_i(void **state) {
    emit(enc(INSN_fence_i, 0, 0, 0, 0));
    emit(enc(INSN_jal, 0, 0, 0, -4));
    fixture_run(&f);
    fixture_run(&f);
    unsigned fetches = f.fetches;
    fixture_run(&f);
    assert_int_equal(f.fetches, fetches);
}

static void many_blocks_grow_the_cache_and_survive_a_flush(void **state) {
    uint16_t *code = (uint16_t *)(uintptr_t)CODE;
    for (unsigned i = 0; i < CODE_PAGES * PAGE / 2 - 2; i++)
        code[i] = 0x0505; /* c.addi a0, 1: a block from each */
    code[CODE_PAGES * PAGE / 2 - 2] = 0x0073, code[CODE_PAGES * PAGE / 2 - 1] = 0;
    for (int again = 0; again < 3; again++) {
        for (unsigned i = 0; i < CODE_PAGES * PAGE / 2 - 2; i += 3) {
            f.h.pc = CODE + 2 * i, f.h.x[A0] = 0;
            fixture_run(&f);
            assert_int_equal(f.h.x[A0], CODE_PAGES * PAGE / 2 - 2 - i);
        }
        if (again == 1)
            interp_flush(&f.h);
    }
}

/* atomics */

static void lr_sc_succeeds_once(void **state) {
    uint64_t *data = (uint64_t *)(uintptr_t)DATA;
    *data = 0xfffffffff0000000;
    op_r(INSN_lr_w, A0, A1, 0);
    op_r(INSN_sc_w, A2, A1, A3);
    op_r(INSN_sc_w, A4, A1, A5);
    ecall();
    f.h.x[A1] = DATA, f.h.x[A3] = 5, f.h.x[A5] = 6;
    fixture_run(&f);
    assert_int_equal(f.h.x[A0], (uint64_t)-0x10000000);
    assert_int_equal(f.h.x[A2], 0);
    assert_int_equal(f.h.x[A4], 1);
    assert_int_equal(*data, 0xffffffff00000005);
}

static void sc_fails_elsewhere_or_on_another_size_or_value(void **state) {
    uint64_t *data = (uint64_t *)(uintptr_t)DATA;
    static const struct {
        enum insn_id sc;
        unsigned reg;
        uint64_t store;
    } cases[] = {{INSN_sc_d, A2, 7}, {INSN_sc_w, A1, 7}, {INSN_sc_d, A1, 8}};
    for (size_t i = 0; i < 3; i++) {
        f.at = (uint32_t *)(uintptr_t)CODE;
        op_r(INSN_lr_d, A0, A1, 0);
        emit(enc(INSN_sd, 0, A1, A4, 0));
        op_r(cases[i].sc, A3, cases[i].reg, 0);
        op_r(INSN_sc_d, A5, A1, 0); /* and the first one has ended it */
        ecall();
        interp_flush(&f.h);
        data[0] = data[1] = 7;
        f.h.pc = CODE, f.h.x[A1] = DATA, f.h.x[A2] = DATA + 8, f.h.x[A4] = cases[i].store;
        fixture_run(&f);
        assert_int_equal(f.h.x[A3], 1);
        assert_int_equal(f.h.x[A5], 1);
        assert_int_equal(data[0], cases[i].store);
    }
}

static void amos_give_the_old_value(void **state) {
    static const struct {
        enum insn_id id;
        uint64_t old, v, new, got;
    } cases[] = {{INSN_amoswap_w, 0x80000000, 1, 1, 0xffffffff80000000},
                 {INSN_amoadd_w, 0xffffffff, 2, 1, (uint64_t)-1},
                 {INSN_amoxor_w, 6, 3, 5, 6},
                 {INSN_amoand_w, 6, 3, 2, 6},
                 {INSN_amoor_w, 6, 3, 7, 6},
                 {INSN_amomin_w, 1, 0xffffffff, 0xffffffff, 1},
                 {INSN_amomax_w, 1, 0xffffffff, 1, 1},
                 {INSN_amominu_w, 1, (uint64_t)-1, 1, 1},
                 {INSN_amomaxu_w, 1, (uint64_t)-1, 0xffffffff, 1},
                 {INSN_amoswap_d, 1, 2, 2, 1},
                 {INSN_amoadd_d, (uint64_t)-1, 2, 1, (uint64_t)-1},
                 {INSN_amoxor_d, 6, 3, 5, 6},
                 {INSN_amoand_d, 6, 3, 2, 6},
                 {INSN_amoor_d, 6, 3, 7, 6},
                 {INSN_amomin_d, 1, (uint64_t)-1, (uint64_t)-1, 1},
                 {INSN_amomax_d, 1, (uint64_t)-1, 1, 1},
                 {INSN_amominu_d, 1, (uint64_t)-1, 1, 1},
                 {INSN_amomaxu_d, 1, (uint64_t)-1, (uint64_t)-1, 1}};
    uint64_t *data = (uint64_t *)(uintptr_t)DATA;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        f.at = (uint32_t *)(uintptr_t)CODE;
        op_r(cases[i].id, A0, A1, A2);
        ecall();
        interp_flush(&f.h);
        *data = cases[i].old;
        f.h.pc = CODE, f.h.x[A1] = DATA, f.h.x[A2] = cases[i].v;
        fixture_run(&f);
        assert_int_equal(f.h.x[A0], cases[i].got);
        assert_int_equal(*data, cases[i].new);
    }
}

static void amocas_exchanges_when_equal(void **state) {
    uint64_t *data = (uint64_t *)(uintptr_t)DATA;
    op_r(INSN_amocas_w, A0, A1, A2);
    op_r(INSN_amocas_d, A3, A4, A5);
    op_r(INSN_amocas_q, S0, T0, A2); /* s0, s1 with a2, a3 */
    ecall();
    data[0] = 0x80000000, data[1] = 5, data[2] = 7, data[3] = 8;
    f.h.x[A1] = DATA, f.h.x[A0] = 0x80000000, f.h.x[A2] = 3;
    f.h.x[A4] = DATA + 8, f.h.x[A3] = 6, f.h.x[A5] = 9;
    f.h.x[T0] = DATA + 16, f.h.x[S0] = 7, f.h.x[S1] = 8;
    fixture_run(&f);
    assert_int_equal(f.h.x[A0], 0xffffffff80000000);
    assert_int_equal(data[0], 3);
    assert_int_equal(f.h.x[A3], 5); /* was not equal */
    assert_int_equal(data[1], 5);
    assert_int_equal(f.h.x[S0], 7);
    assert_int_equal(f.h.x[S1], 8);
    assert_int_equal(data[2], 3);
    assert_int_equal(data[3], 5);
    f.h.pc = CODE + 8;
    fixture_run(&f); /* now it differs: the pair gets what is there */
    assert_int_equal(f.h.x[S0], 3);
    assert_int_equal(f.h.x[S1], 5);
}

static void amocas_d_on_rv32_uses_pairs(void **state) {
    uint64_t *data = (uint64_t *)(uintptr_t)DATA;
    op_r(INSN_amocas_d_rv32, S0, A1, A2);
    ecall();
    *data = 0x80000000ffffffff;
    f.h.x[A1] = DATA, f.h.x[S0] = (uint64_t)-1, f.h.x[S1] = 0xffffffff80000000, f.h.x[A2] = (uint64_t)-2, f.h.x[A3] = 1;
    fixture_run(&f);
    assert_int_equal(*data, 0x1fffffffe);
    f.h.pc = CODE;
    fixture_run(&f);
    assert_int_equal(f.h.x[S0], (uint64_t)-2);
    assert_int_equal(f.h.x[S1], 1);
}

static void lr_sc_runs_with_others_stopped(void **state) {
    f.stop_others = true;
    op_r(INSN_lr_d, A0, A1, 0);
    op_i(INSN_addi, A0, A0, 1);
    op_r(INSN_sc_d, A2, A1, A0);
    emit(enc(INSN_bne, 0, A2, 0, -12));
    ecall();
    f.h.x[A1] = DATA;
    expect_trap(fixture_run(&f), TRAP_ECALL_U, CODE + 16, 0);
    assert_int_equal(*(uint64_t *)(uintptr_t)DATA, 1);
    assert_int_equal(f.begins, 1);
    assert_int_equal(f.ends, 1);
    f.h.pc = CODE;
    assert_int_equal(fixture_exclusive(&f), INTERP_DONE);
    assert_int_equal(f.h.pc, CODE + 12); /* behind the SC */
    assert_int_equal(f.ends, 2);
    assert_int_equal(*(uint64_t *)(uintptr_t)DATA, 2);
}

static void stores_and_loops_end_the_reservation(void **state) {
    f.stop_others = true;
    op_r(INSN_lr_d, A0, A1, 0);
    emit(enc(INSN_sd, 0, A1, A0, 8));
    op_r(INSN_sc_d, A2, A1, A0);
    ecall();
    f.h.x[A1] = DATA;
    fixture_run(&f);
    assert_int_equal(f.h.x[A2], 1);
    assert_int_equal(f.ends, 1);
}

static void fault_in_a_sequence_lets_others_go_on(void **state) {
    f.stop_others = true;
    op_r(INSN_lr_d, A0, A1, 0);
    f.h.x[A1] = HOLE;
    assert_int_equal(fixture_run(&f), INTERP_TRAP);
    assert_int_equal(f.h.trap.cause, FIXTURE_HOST_FAULT);
    assert_int_equal(f.h.pc, CODE);
    assert_int_equal(f.ends, 1);
    assert_int_equal(f.h.res_valid, 0);
}

static void cbo_zero_clears_its_block(void **state) {
    memset((void *)(uintptr_t)DATA, 0xff, 256);
    op_r(INSN_cbo_zero, 0, A1, 0);
    ecall();
    f.h.x[A1] = DATA + 64 + 17;
    fixture_run(&f);
    for (int i = 0; i < 256; i++)
        assert_int_equal(((uint8_t *)(uintptr_t)DATA)[i], i >= 64 && i < 128 ? 0 : 0xff);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define T32(name) cmocka_unit_test_setup_teardown(name, setup32, teardown)
int main(void) {
    const struct CMUnitTest tests[] = {
        T(illegal_instruction_gives_its_bits),
        T(ecall_and_ebreak_stay_at_their_pc),
        T(misaligned_atomics_trap),
        T(fetching_from_nowhere_traps_at_the_target),
        T(instruction_on_two_pages_faults_on_the_second),
        T(running_off_the_end_of_code_traps_there),
        cmocka_unit_test_setup_teardown(without_c_jumps_to_odd_halfwords_trap_at_the_jump, setup_no_c, teardown),
        T(host_fault_leaves_exact_state),
        T(instructions_are_counted),
        T(branches_out_of_a_block_are_not_counted_on),
        cmocka_unit_test_setup_teardown(hot_block_is_reported_each_time, setup_hot, teardown),
        T(pending_stops_loops),
        T(pending_set_while_running_gives_exact_pc),
        T(step_executes_exactly_n),
        cmocka_unit_test_setup_teardown(step_ignores_pending_and_heat, setup_hot, teardown),
        T(calls_and_returns_find_their_way),
        T(jalr_with_one_register_for_both_uses_the_old_value),
        T(fence_i_drops_what_is_not_watched),
        T(links_to_dropped_blocks_find_the_new_ones),
        T(watched_code_is_kept_over_fence_i),
        T(many_blocks_grow_the_cache_and_survive_a_flush),
        T(lr_sc_succeeds_once),
        T(sc_fails_elsewhere_or_on_another_size_or_value),
        T(amos_give_the_old_value),
        T(amocas_exchanges_when_equal),
        T32(amocas_d_on_rv32_uses_pairs),
        T(lr_sc_runs_with_others_stopped),
        T(stores_and_loops_end_the_reservation),
        T(fault_in_a_sequence_lets_others_go_on),
        T(cbo_zero_clears_its_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
