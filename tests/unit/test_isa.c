/* test_isa.c: names of instruction sets and ISA strings, and what exists under each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "insn_fixture.h"

static void xlen_decides_what_exists(void **state) {
    struct isa isa64 = parse("max"), isa32 = parse("rv32max");
    static const uint32_t only64[] = {
        0x00053503, /* ld */
        0x00056503, /* lwu */
        0x00b53023, /* sd */
        0x0005051b, /* addiw */
        0x02051513, /* slli 32 */
        0x02055513, /* srli 32 */
        0x42055513, /* srai 32 */
        0x62055513, /* rori 32 */
        0x4a051513, /* bclri 32 */
        0x4a055513, /* bexti 32 */
        0x6a051513, /* binvi 32 */
        0x2a051513, /* bseti 32 */
        0x00b535af, /* amoadd.d */
        0x02b5053b, /* mulw */
        0xe2050553, /* fmv.x.d */
        0xc0250553, /* fcvt.l.s */
        0x08b5053b, /* add.uw */
        0x6b855513, /* rev8, 64 bits */
        0x28a5462f, /* amocas.q */
    };
    static const uint32_t only32[] = {
        0x69855513, /* rev8, 32 bits */
        0xe2150553, /* fmvh.x.d */
        0xb2b50553, /* fmvp.d.x */
    };
    for (size_t i = 0; i < sizeof only64 / sizeof *only64; i++) {
        assert_false(is_illegal(&isa64, only64[i]));
        assert_true(is_illegal(&isa32, only64[i]));
    }
    for (size_t i = 0; i < sizeof only32 / sizeof *only32; i++) {
        assert_true(is_illegal(&isa64, only32[i]));
        assert_false(is_illegal(&isa32, only32[i]));
    }
    /* zext.h is another instruction on RV64 */
    assert_int_equal(decode(&isa32, 0x08054533).id, INSN_zext_h_rv32);
    assert_int_equal(decode(&isa64, 0x08054533).id, INSN_pack);
    /* amocas.d: register pairs on RV32, single registers on RV64 */
    assert_int_equal(decode(&isa64, 0x28b535af).id, INSN_amocas_d);
    assert_true(is_illegal(&isa32, 0x28b535af));
    assert_int_equal(decode(&isa32, 0x28a5362f).id, INSN_amocas_d_rv32);
    assert_true(is_illegal(&isa64, 0x28b5462f)); /* amocas.q with an odd rs2 */
}

static void extensions_decide_what_exists(void **state) {
    static const struct {
        const char *name;
        uint32_t x;
        bool exists;
    } cases[] = {
        {"rv64i", 0x02b50533, false},
        {"rv64im", 0x02b50533, true}, /* mul */
        {"rv64im", 0x0001, false},
        {"rv64ic", 0x0001, true}, /* c.nop */
        {"rv64ifc", 0x2108, false},
        {"rv64idc", 0x2108, true}, /* c.fld */
        {"rv32ic", 0x6108, false},
        {"rv32ifc", 0x6108, true}, /* c.flw */
        {"rv64ic_zcb", 0x9d4d, false},
        {"rv64imc_zcb", 0x9d4d, true}, /* c.mul */
        {"rv64ic_zcb", 0x9d65, false},
        {"rv64ic_zcb_zbb", 0x9d65, true}, /* c.sext.b */
        {"rv64ic_zcb_zbb", 0x9d71, false},
        {"rv64ic_zcb_zba", 0x9d71, true}, /* c.zext.w */
        {"rv64ic_zcb", 0x9d61, true},
        {"rv64ic_zbb", 0x9d61, false}, /* c.zext.b */
        {"rv64if_zfhmin", 0x42250553, false},
        {"rv64id_zfhmin", 0x42250553, true}, /* fcvt.d.h */
        {"rv64if_zfhmin", 0x04b50553, false},
        {"rv64if_zfh", 0x04b50553, true}, /* fadd.h */
        {"rv64i_zfh", 0x00051507, true},
        {"rv64if", 0x00051507, false}, /* flh */
        {"rv64if_zfa", 0xf2180553, false},
        {"rv64id_zfa", 0xf2180553, true}, /* fli.d */
        {"rv64id_zfa_zfhmin", 0xf4180553, false},
        {"rv64i_zfa_zfh", 0xf4180553, true}, /* fli.h */
        {"rv64i", 0x0100000f, true},         /* pause without Zihintpause is a fence */
        {"rv64i", 0x00156013, true},         /* prefetch.r without Zicbop is ori zero */
        {"rv64i", 0x0000100f, false},
        {"rv64i_zifencei", 0x0000100f, true},
        {"rv64i", 0x003025f3, false},
        {"rv64if", 0x003025f3, true}, /* F needs Zicsr */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct isa isa = parse(cases[i].name);
        if (is_illegal(&isa, cases[i].x) == cases[i].exists)
            fail_msg("%s: %08x is %s", cases[i].name, cases[i].x, cases[i].exists ? "illegal" : "legal");
    }
    struct isa i = parse("rv64i"), hint = parse("rv64i_zihintpause_zicbop");
    assert_int_equal(decode(&i, 0x0100000f).id, INSN_fence);
    assert_int_equal(decode(&hint, 0x0100000f).id, INSN_pause);
    assert_int_equal(decode(&i, 0x00156013).id, INSN_ori);
    assert_int_equal(decode(&hint, 0x00156013).id, INSN_prefetch_r);
}

static void assert_same_isa(const struct isa *a, const struct isa *b) {
    assert_int_equal(a->xlen, b->xlen);
    assert_int_equal(a->exts, b->exts);
    assert_memory_equal(a->rows, b->rows, sizeof a->rows);
}

static void isa_names_give_canonical_strings(void **state) {
    static const struct {
        const char *name, *string;
    } cases[] = {
        {"rv64gc", "rv64imafdc_zicntr_zicsr_zifencei"},
        {"RV64GC", "rv64imafdc_zicntr_zicsr_zifencei"},
        {"rv32gc", "rv32imafdc_zicntr_zicsr_zifencei"},
        {"rv64gcb", "rv64imafdc_zicntr_zicsr_zifencei_zba_zbb_zbs"},
        {"rv64g", "rv64imafd_zicsr_zifencei"},
        {"rv64i", "rv64i"},
        {"rv64imac", "rv64imac"},
        {"rv32imac", "rv32imac"},
        {"rv64cami", "?"},
        {"rv64icam", "rv64imac"},
        {"rv64i_m_a_c", "rv64imac"},
        {"rv64imafdc_zba_zbb", "rv64imafdc_zicsr_zba_zbb"},
        {"Rv64IMAFDC_Zbb_zBA", "rv64imafdc_zicsr_zba_zbb"},
        {"rv64imazicsr_zifencei", "rv64ima_zicsr_zifencei"},
        {"rv64gb", "rv64imafd_zicsr_zifencei_zba_zbb_zbs"},
        {"rv64id", "rv64ifd_zicsr"},
        {"rv64i_zfh", "rv64if_zicsr_zfh_zfhmin"},
        {"rv64i_zfhmin", "rv64if_zicsr_zfhmin"},
        {"rv64i_zcb", "rv64ic_zcb"},
        {"rv64i_zacas", "rv64ia_zacas"},
        {"rv64i_zicntr", "rv64i_zicntr_zicsr"},
        {"max", "rv64imafdc_zicbom_zicbop_zicboz_zicntr_zicond_zicsr_zifencei_zihintntl_zihintpause_zacas_zawrs_zfa_"
                "zfh_zfhmin_zcb_zba_zbb_zbc_zbkb_zbkc_zbkx_zbs_zknd_zkne_zknh"},
        {"rv32max", "rv32imafdc_zicbom_zicbop_zicboz_zicntr_zicond_zicsr_zifencei_zihintntl_zihintpause_zacas_zawrs_"
                    "zfa_zfh_zfhmin_zcb_zba_zbb_zbc_zbkc_zbs"},
        {"rv64i_zkn", "rv64i_zbkb_zbkc_zbkx_zknd_zkne_zknh"},
        {"rv64gc_zbkb_zknh", "rv64imafdc_zicsr_zifencei_zbkb_zknh"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct isa isa, again;
        char string[256], err[200];
        if (*cases[i].string == '?') {
            assert_false(isa_parse(&isa, cases[i].name, err, sizeof err));
            continue;
        }
        isa = parse(cases[i].name);
        isa_string(&isa, string, sizeof string);
        assert_string_equal(string, cases[i].string);
        assert_true(isa_parse(&again, string, err, sizeof err));
        assert_same_isa(&isa, &again);
    }
    struct isa max = parse("max"), rv64 = parse("rv64"), rv32 = parse("rv32"), rv32max = parse("rv32max");
    assert_same_isa(&max, &rv64);
    assert_same_isa(&rv32, &rv32max);
    char small[8];
    isa_string(&max, small, sizeof small);
    assert_string_equal(small, "rv64ima");
}

static void wrong_isa_names_are_refused_by_name(void **state) {
    static const struct {
        const char *name, *message; /* part of the message */
    } cases[] = {
        {"", "unknown instruction set \"\""},
        {"x86", "unknown instruction set \"x86\""},
        {"rv128i", "unknown instruction set \"rv128i\""},
        {"rv64m", "base I or G expected"},
        {"rv64e", "base I or G expected"},
        {"rv64_i", "base I or G expected"},
        {"rv64iq", "unknown extension \"q\""},
        {"rv64gcv", "unknown extension \"v\""},
        {"rv64gc_zfoo_zba", "unknown extension \"zfoo\" in instruction set \"rv64gc_zfoo_zba\""},
        {"rv64gc_xtheadba", "unknown extension \"xtheadba\""},
        {"rv64gc_sstc", "unknown extension \"sstc\""},
        {"rv64i2p1_m2p0", "unknown extension \"2\""},
        {"rv64gc_", "unknown extension"},
        {"rv64gc__zba", "unknown extension"},
        {"rv64*", "base I or G expected"},
        {"rv32gc_zbkb", "zbkb is there on RV64 only"},
        {"rv32i_zkn", "zkn is there on RV64 only"},
        {"rv64gc zba", "unknown extension \" \""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct isa isa;
        char err[200] = "";
        if (isa_parse(&isa, cases[i].name, err, sizeof err))
            fail_msg("%s is accepted", cases[i].name);
        if (!strstr(err, cases[i].message))
            fail_msg("%s: \"%s\"", cases[i].name, err);
        assert_null(strchr(err, '\n'));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xlen_decides_what_exists),
        cmocka_unit_test(extensions_decide_what_exists),
        cmocka_unit_test(isa_names_give_canonical_strings),
        cmocka_unit_test(wrong_isa_names_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
