/* test_interp_values.c: single instructions with corner values, against results worked out from the manual. */
#include "interp_fixture.c"

struct value {
    enum insn_id id;
    uint64_t a, b; /* rs1, rs2 */
    int32_t imm;
    uint64_t want;
};
#define V(id, a, b, imm, want)                                                                                         \
    { INSN_##id, (uint64_t)(a), (uint64_t)(b), imm, (uint64_t)(want) }
#define MIN64 ((uint64_t)1 << 63)
#define MIN32 ((uint64_t)0xffffffff80000000)

static const struct value rv64[] = {
    V(lui, 0, 0, (int32_t)0x80000000, MIN32),
    V(auipc, 0, 0, 0x1000, CODE + 0x1000),
    V(addi, 5, 0, -6, -1),
    V(slti, -1, 0, 0, 1),
    V(sltiu, 1, 0, -1, 1),
    V(sltiu, -1, 0, -1, 0),
    V(xori, 0xf0, 0, -1, ~0xf0ull),
    V(slli, 1, 0, 63, MIN64),
    V(srli, -1, 0, 63, 1),
    V(srai, MIN64, 0, 63, -1),
    V(sll, 1, 64 + 3, 0, 8),
    V(srl, MIN64, 63, 0, 1),
    V(sra, MIN64, 62, 0, -2),
    V(slt, MIN64, 0, 0, 1),
    V(sltu, MIN64, 0, 0, 0),
    V(add, -1, 1, 0, 0),
    V(sub, 0, 1, 0, -1),
    V(addiw, 0x7fffffff, 0, 1, MIN32),
    V(addw, 0xffffffff, 1, 0, 0),
    V(subw, 0, 0x80000000, 0, MIN32),
    V(slliw, 0x180000001, 0, 31, MIN32),
    V(srliw, 0xff80000000, 0, 31, 1),
    V(srliw, -1, 0, 0, -1),
    V(sraiw, 0x80000000, 0, 31, -1),
    V(sllw, 1, 33, 0, 2),
    V(srlw, 0x180000000, 31, 0, 1),
    V(sraw, 0x80000000, 63, 0, -1),
    V(mul, -1, -1, 0, 1),
    V(mulh, MIN64, MIN64, 0, MIN64 >> 1),
    V(mulh, -1, 1, 0, -1),
    V(mulhu, -1, -1, 0, -2),
    V(mulhsu, -1, -1, 0, -1),
    V(mulhsu, 1, -1, 0, 0),
    V(mulhsu, MIN64, -1, 0, MIN64),
    V(mulw, 0x80000000, 1, 0, MIN32),
    V(div, 7, 0, 0, -1),
    V(div, MIN64, -1, 0, MIN64),
    V(div, -7, 2, 0, -3),
    V(divu, 7, 0, 0, -1),
    V(divu, -1, 2, 0, ~0ull >> 1),
    V(rem, 7, 0, 0, 7),
    V(rem, MIN64, -1, 0, 0),
    V(rem, -7, 2, 0, -1),
    V(remu, -1, 0, 0, -1),
    V(remu, -1, 10, 0, 5),
    V(divw, 0x80000000, -1, 0, MIN32),
    V(divw, 1, 0x100000000, 0, -1),
    V(divuw, MIN32, 1, 0, MIN32),
    V(divuw, 1, 0, 0, -1),
    V(remw, 0x80000000, -1, 0, 0),
    V(remw, MIN32, 0, 0, MIN32),
    V(remuw, 0x80000000, 0, 0, MIN32),
    V(remuw, -1, 7, 0, 3),
    V(sh1add, 3, 1, 0, 7),
    V(sh2add, 3, 1, 0, 13),
    V(sh3add, 3, 1, 0, 25),
    V(add_uw, -1, 1, 0, 0x100000000),
    V(sh1add_uw, -1, 0, 0, 0x1fffffffe),
    V(slli_uw, -1, 0, 4, 0xffffffff0),
    V(andn, 0xff, 0x0f, 0, 0xf0),
    V(orn, 0, 0, 0, -1),
    V(xnor, 5, 5, 0, -1),
    V(clz, 0, 0, 0, 64),
    V(clz, 1, 0, 0, 63),
    V(ctz, 0, 0, 0, 64),
    V(ctz, MIN64, 0, 0, 63),
    V(cpop, -1, 0, 0, 64),
    V(clzw, 0xffffffff00000000, 0, 0, 32),
    V(clzw, 1, 0, 0, 31),
    V(ctzw, 0x100000000, 0, 0, 32),
    V(cpopw, -1, 0, 0, 32),
    V(max, -1, 1, 0, 1),
    V(maxu, -1, 1, 0, -1),
    V(min, -1, 1, 0, -1),
    V(minu, -1, 1, 0, 1),
    V(sext_b, 0x80, 0, 0, -128),
    V(sext_h, 0x8000, 0, 0, -32768),
    V(zext_h, -1, 0, 0, 0xffff),
    V(rol, MIN64, 1, 0, 1),
    V(rol, 5, 0, 0, 5),
    V(ror, 1, 1, 0, MIN64),
    V(rori, 1, 0, 63, 2),
    V(rolw, 0x80000000, 1, 0, 1),
    V(rorw, 1, 1, 0, MIN32),
    V(roriw, 1, 0, 1, MIN32),
    V(orc_b, 0x0100800000000010, 0, 0, 0xff00ff00000000ff),
    V(rev8, 0x0102030405060708, 0, 0, 0x0807060504030201),
    V(bclr, -1, 64, 0, -2),
    V(bclri, -1, 0, 63, ~MIN64),
    V(bext, 2, 65, 0, 1),
    V(bexti, MIN64, 0, 63, 1),
    V(binv, 0, 63, 0, MIN64),
    V(binvi, 1, 0, 0, 0),
    V(bset, 0, 63, 0, MIN64),
    V(bseti, 0, 0, 31, 0x80000000),
    V(clmul, 3, 3, 0, 5),
    V(clmulh, MIN64, 2, 0, 1),
    V(clmulh, -1, -1, 0, 0x5555555555555555),
    V(clmulr, MIN64, 1, 0, 1),
    V(clmulr, -1, -1, 0, 0xaaaaaaaaaaaaaaaa),
    V(pack, 0x1122334455667788, 0xaabbccdd99887766, 0, 0x9988776655667788),
    V(packh, 0x1180, 0x22ff, 0, 0xff80),
    V(packw, 0x11118000, 0x2222ffff, 0, 0xffffffffffff8000),
    V(brev8, 0x0180f00f12345678, 0, 0, 0x80010ff0482c6a1e),
    V(xperm8, 0x8877665544332211, 0x0708010010ff0602, 0, 0x8800221100007733),
    V(xperm4, 0xfedcba9876543210, 0x0123456789abcdef, 0, 0x0123456789abcdef),
    V(aes64ks2, 0x8877665500000000, 0x0000000f000000ff, 0, 0x887766a5887766aa),
    V(sha256sig0, 1, 0, 0, 0x02004000),
    V(sha256sig1, 1, 0, 0, 0xa000),
    V(sha256sum0, 1, 0, 0, 0x40080400),
    V(sha256sum1, 1, 0, 0, 0x04200080),
    V(sha512sig0, 1, 0, 0, 0x8100000000000000),
    V(sha512sig1, 1, 0, 0, 0x0000200000000008),
    V(sha512sum0, 1, 0, 0, 0x0000001042000000),
    V(sha512sum1, 1, 0, 0, 0x0004400000800000),
    V(czero_eqz, 5, 0, 0, 0),
    V(czero_eqz, 5, 1, 0, 5),
    V(czero_nez, 5, 0, 0, 5),
    V(czero_nez, 5, 1, 0, 0),
};

static const struct value rv32[] = {
    V(lui, 0, 0, (int32_t)0x80000000, MIN32),
    V(addi, 0x7fffffff, 0, 1, MIN32),
    V(slti, MIN32, 0, 0, 1),
    V(sltiu, MIN32, 0, 1, 0),
    V(slli, 1, 0, 31, MIN32),
    V(srli, -1, 0, 31, 1),
    V(srai, MIN32, 0, 31, -1),
    V(sll, 1, 33, 0, 2),
    V(srl, -1, 0, 0, -1),
    V(srl, MIN32, 63, 0, 1),
    V(sra, MIN32, 32, 0, MIN32),
    V(sub, MIN32, 1, 0, 0x7fffffff),
    V(sltu, 1, MIN32, 0, 1),
    V(mul, 0x10000, 0x10000, 0, 0),
    V(mulh, MIN32, MIN32, 0, 0x40000000),
    V(mulhu, -1, -1, 0, -2),
    V(mulhsu, -1, -1, 0, -1),
    V(div, MIN32, -1, 0, MIN32),
    V(div, 3, 0, 0, -1),
    V(divu, MIN32, 2, 0, 0x40000000),
    V(divu, 1, 0, 0, -1),
    V(rem, MIN32, -1, 0, 0),
    V(remu, -1, 0, 0, -1),
    V(remu, MIN32, 3, 0, 2),
    V(clz, 0, 0, 0, 32),
    V(clz, -1, 0, 0, 0),
    V(ctz, 0, 0, 0, 32),
    V(cpop, -1, 0, 0, 32),
    V(rol, MIN32, 1, 0, 1),
    V(ror, 1, 1, 0, MIN32),
    V(rori, 1, 0, 31, 2),
    V(orc_b, 0x01000010, 0, 0, 0xffffffffff0000ff),
    V(rev8_rv32, 0x01020384, 0, 0, 0xffffffff84030201),
    V(zext_h_rv32, -1, 0, 0, 0xffff),
    V(minu, MIN32, 1, 0, 1),
    V(max, MIN32, 1, 0, 1),
    V(bset, 0, 31, 0, MIN32),
    V(bext, MIN32, 63, 0, 1),
    V(clmul, -1, -1, 0, 0x55555555),
    V(clmulh, MIN32, 2, 0, 1),
    V(clmulr, MIN32, 1, 0, 1),
    V(sh3add, 0x20000000, 1, 0, 1),
    V(czero_eqz, MIN32, 0, 0, 0),
};

static void check_all(const char *isa, const struct value *values, size_t n) {
    struct fixture f;
    fixture_start(&f, isa, 0);
    for (size_t i = 0; i < n; i++) {
        const struct value *v = &values[i];
        f.at = (uint32_t *)(uintptr_t)CODE;
        fixture_emit(&f, enc(v->id, A0, A1, A2, v->imm));
        fixture_emit(&f, enc(v->id, A1, A1, A2, v->imm)); /* rd is rs1: a form of its own for some */
        fixture_emit(&f, enc(INSN_ecall, 0, 0, 0, 0));
        interp_flush(&f.h);
        f.h.pc = CODE;
        f.h.x[A1] = v->a, f.h.x[A2] = v->b;
        assert_int_equal(fixture_run(&f), INTERP_TRAP);
        assert_int_equal(f.h.trap.cause, TRAP_ECALL_U);
        uint64_t again = v->id == INSN_auipc ? v->want + 4 : v->want;
        if (f.h.x[A0] != v->want || f.h.x[A1] != again)
            fail_msg("%s %s %#lx %#lx %d: %#lx %#lx, not %#lx", isa, insn_rows[v->id].mnemonic, v->a, v->b, v->imm,
                     f.h.x[A0], f.h.x[A1], v->want);
        assert_int_equal(f.h.x[0], 0);
    }
    fixture_stop(&f);
}

static void rv64_results_at_corner_values(void **state) { check_all("max", rv64, sizeof rv64 / sizeof *rv64); }
static void rv32_results_at_corner_values(void **state) { check_all("rv32max", rv32, sizeof rv32 / sizeof *rv32); }

static void branches_compare_as_named(void **state) {
    static const struct {
        enum insn_id id;
        uint64_t a, b;
        bool taken;
    } cases[] = {
        {INSN_beq, 1, 1, true},       {INSN_beq, 1, 2, false},     {INSN_bne, 1, 2, true},
        {INSN_bne, 0, 0, false},      {INSN_blt, MIN64, 0, true},  {INSN_blt, 0, 0, false},
        {INSN_bge, 0, 0, true},       {INSN_bge, MIN64, 0, false}, {INSN_bltu, 0, MIN64, true},
        {INSN_bltu, MIN64, 0, false}, {INSN_bgeu, MIN64, 0, true}, {INSN_bgeu, 0, 1, false},
    };
    struct fixture f;
    fixture_start(&f, "max", 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int zero = 0; zero < 3; zero++) { /* neither, rs2 or rs1 is x0 */
            if ((zero == 1 && cases[i].b != 0) || (zero == 2 && cases[i].a != 0))
                continue;
            for (int backward = 0; backward < 2; backward++) {
                uint32_t branch = enc(cases[i].id, 0, zero == 2 ? 0 : A1, zero == 1 ? 0 : A2, backward ? -8 : 8);
                uint32_t *code = (uint32_t *)(uintptr_t)CODE;
                for (int k = 0; k < 8; k++)
                    code[k] = enc(INSN_ecall, 0, 0, 0, 0);
                code[2] = branch;
                interp_flush(&f.h);
                f.h.pc = CODE + 8;
                f.h.x[A1] = cases[i].a, f.h.x[A2] = cases[i].b;
                assert_int_equal(fixture_run(&f), INTERP_TRAP);
                assert_int_equal(f.h.pc, CODE + (cases[i].taken ? (backward ? 0 : 16) : 12));
            }
        }
    }
    fixture_stop(&f);
}

static void loads_extend_and_stores_truncate(void **state) {
    struct fixture f;
    fixture_start(&f, "rv64gc", 0);
    uint64_t *data = (uint64_t *)(uintptr_t)DATA;
    static const struct {
        enum insn_id id;
        uint64_t want;
    } loads[] = {
        {INSN_lb, (uint64_t)-0x78},       {INSN_lbu, 0x88},       {INSN_lh, (uint64_t)-0x6678}, {INSN_lhu, 0x9988},
        {INSN_lw, (uint64_t)-0x44556678}, {INSN_lwu, 0xbbaa9988}, {INSN_ld, 0xffeeddccbbaa9988}};
    static const struct {
        enum insn_id id;
        uint64_t want;
    } stores[] = {{INSN_sb, 0xffeeddccbbaa9911},
                  {INSN_sh, 0xffeeddccbbaa2211},
                  {INSN_sw, 0xffeeddcc44332211},
                  {INSN_sd, 0x8877665544332211}};
    for (size_t i = 0; i < sizeof loads / sizeof *loads; i++) {
        f.at = (uint32_t *)(uintptr_t)CODE;
        fixture_emit(&f, enc(loads[i].id, A0, A1, 0, -3)); /* misaligned as well */
        fixture_emit(&f, enc(INSN_ecall, 0, 0, 0, 0));
        memcpy((char *)data + 13, &(uint64_t){0xffeeddccbbaa9988}, 8);
        interp_flush(&f.h);
        f.h.pc = CODE, f.h.x[A1] = DATA + 16;
        fixture_run(&f);
        assert_int_equal(f.h.x[A0], loads[i].want);
    }
    for (size_t i = 0; i < sizeof stores / sizeof *stores; i++) {
        f.at = (uint32_t *)(uintptr_t)CODE;
        fixture_emit(&f, enc(stores[i].id, 0, A1, A2, 7));
        fixture_emit(&f, enc(INSN_ecall, 0, 0, 0, 0));
        memcpy((char *)data + 23, &(uint64_t){0xffeeddccbbaa9988}, 8);
        interp_flush(&f.h);
        f.h.pc = CODE, f.h.x[A1] = DATA + 16, f.h.x[A2] = 0x8877665544332211;
        fixture_run(&f);
        uint64_t got;
        memcpy(&got, (char *)data + 23, 8);
        assert_int_equal(got, stores[i].want);
    }
    fixture_stop(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rv64_results_at_corner_values),
        cmocka_unit_test(rv32_results_at_corner_values),
        cmocka_unit_test(branches_compare_as_named),
        cmocka_unit_test(loads_extend_and_stores_truncate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
