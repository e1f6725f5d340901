/* test_insn.c: the decoder against a plain reading of the table, operands against a separate encoder and against
 * encodings made by hand, disassembly.  Instruction sets are test_isa.c's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../cli/fuzz/encode.h"
#include "insn_fixture.h"

/* ---- a decoder without tree, generator or token table: the table read the slow way ---- */

struct plain_row {
    const char *pattern, *token;
    uint16_t id;
};

static const struct plain_row plain_rows[] = {
#define INSN(id_, pattern_, format_, ext_, effect_) {pattern_, #ext_, INSN_##id_},
#define RVC(id_, pattern_, format_, ext_, base_) {pattern_, #ext_, INSN_##base_},
#define RESERVED(id_, pattern_, ext_) {pattern_, #ext_, INSN_ILLEGAL},
#include "../../cpu/riscv.def"
};
enum { PLAIN_ROWS = sizeof plain_rows / sizeof *plain_rows };

static bool has(const struct isa *isa, unsigned ext) { return isa->exts >> ext & 1; }

/* The meaning of a token, spelled out from its name. */
static bool plain_token(const struct isa *isa, const char *token) {
    static const struct {
        const char *name;
        uint8_t ext;
    } exts[] = {
        {"I", EXT_I},           {"M", EXT_M},           {"A", EXT_A},           {"F", EXT_F},
        {"D", EXT_D},           {"C", EXT_C},           {"Zicsr", EXT_Zicsr},   {"Zifencei", EXT_Zifencei},
        {"Zba", EXT_Zba},       {"Zbb", EXT_Zbb},       {"Zbs", EXT_Zbs},       {"Zbc", EXT_Zbc},
        {"Zbkb", EXT_Zbkb},     {"Zbkx", EXT_Zbkx},     {"Zknd", EXT_Zknd},     {"Zkne", EXT_Zkne},
        {"Zknh", EXT_Zknh},     {"Zicond", EXT_Zicond}, {"Zcb", EXT_Zcb},       {"Zfa", EXT_Zfa},
        {"Zfh", EXT_Zfh},       {"Zfhmin", EXT_Zfhmin}, {"Zawrs", EXT_Zawrs},   {"Zihintpause", EXT_Zihintpause},
        {"Zicbom", EXT_Zicbom}, {"Zicboz", EXT_Zicboz}, {"Zicbop", EXT_Zicbop}, {"Zacas", EXT_Zacas},
        {"System", EXT_System}};
    static const struct {
        const char *token;
        enum isa_ext one, other;
    } pairs[] = {{"Zbb_Zbkb", EXT_Zbb, EXT_Zbkb}, {"Zbc_Zbkc", EXT_Zbc, EXT_Zbkc}, {"Zkne_Zknd", EXT_Zkne, EXT_Zknd}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (!strncmp(token, pairs[i].token, strlen(pairs[i].token)))
            return (has(isa, pairs[i].one) || has(isa, pairs[i].other)) && (!strstr(token, "_64") || isa->xlen == 64);
    size_t length = strcspn(token, "_");
    bool known = false;
    for (size_t i = 0; i < sizeof exts / sizeof *exts; i++)
        if (strlen(exts[i].name) == length && !strncmp(exts[i].name, token, length)) {
            known = true;
            if (!has(isa, exts[i].ext))
                return false;
        }
    assert_true(known);
    const char *suffix = token + length;
    if (strstr(suffix, "64") && isa->xlen != 64)
        return false;
    if (strstr(suffix, "32") && isa->xlen != 32)
        return false;
    switch (*suffix ? suffix[1] : 0) {
    case 'A':
        return has(isa, EXT_Zba);
    case 'B':
        return has(isa, EXT_Zbb);
    case 'D':
        return has(isa, EXT_D);
    case 'F':
        return has(isa, EXT_F);
    case 'H':
        return has(isa, EXT_Zfh);
    case 'M':
        return has(isa, EXT_M);
    default:
        return true;
    }
}

struct plain_choice {
    uint32_t mask, match;
    int fixed;
    bool is16;
    uint16_t id;
};

/* The rows that apply under isa. */
static unsigned plain_select(const struct isa *isa, struct plain_choice *list) {
    unsigned n = 0;
    for (unsigned i = 0; i < PLAIN_ROWS; i++) {
        if (!plain_token(isa, plain_rows[i].token))
            continue;
        struct plain_choice *row = &list[n++];
        *row = (struct plain_choice){.id = plain_rows[i].id};
        int bit = 0;
        for (const char *p = plain_rows[i].pattern; *p; p++)
            bit += *p != ' ';
        row->is16 = bit == 16;
        for (const char *p = plain_rows[i].pattern; *p; p++) {
            if (*p == ' ' || (bit--, *p == '.'))
                continue;
            row->mask |= 1u << bit;
            row->match |= (uint32_t)(*p - '0') << bit;
            row->fixed++;
        }
    }
    return n;
}

static unsigned plain_decode(const struct plain_choice *list, unsigned n, uint32_t x) {
    int best = -1;
    unsigned id = INSN_ILLEGAL;
    for (unsigned i = 0; i < n; i++)
        if (list[i].is16 == ((x & 3) != 3) && (x & list[i].mask) == list[i].match && list[i].fixed > best)
            best = list[i].fixed, id = list[i].id;
    unsigned rm = x >> 12 & 7;
    switch (insn_rows[id].format) {
    case FMT_F4R:
    case FMT_F3R:
    case FMT_F2R:
    case FMT_FX1R:
    case FMT_XF1R:
        if ((x & 3) == 3 && (rm == 5 || rm == 6))
            return INSN_ILLEGAL;
    }
    return id;
}

/* ---- helpers ---- */

static const char *const set_names[] = {"max",
                                        "rv32max",
                                        "rv64gc",
                                        "rv64gcb",
                                        "rv32gc",
                                        "rv64imac",
                                        "rv32i",
                                        "rv64g",
                                        "rv32imfc",
                                        "rv64ic_zcb",
                                        "rv64imac_zcb_zba_zbb",
                                        "rv32ic_zcb_zbb",
                                        "rv64ifzfa",
                                        "rv32id_zfa_zfhmin",
                                        "rv64ic_zbkb_zknd",
                                        "rv64i_zbkc_zbkx",
                                        "rv32i_zbkc"};
enum { SETS = sizeof set_names / sizeof *set_names };

static void check_text(const struct isa *isa, uint32_t x, uint64_t pc, const char *expected) {
    struct insn insn = decode(isa, x);
    char text[80];
    int n = insn_disassemble(&insn, pc, text, sizeof text);
    if (strcmp(text, expected))
        fail_msg("%08x: \"%s\" instead of \"%s\"", x, text, expected);
    assert_int_equal(n, strlen(expected));
}

/* ---- tests ---- */

static void every_row_decodes_to_its_id(void **state) {
    struct plain_choice list[PLAIN_ROWS];
    for (unsigned id = 1; id < INSN_COUNT; id++) {
        const struct insn_row *row = &insn_rows[id];
        struct isa isa =
            parse(plain_token(&(struct isa){.xlen = 64, .exts = ~UINT64_C(0)}, row->extension) ? "max" : "rv32max");
        if (!strcmp(row->extension, "System"))
            isa_add_system(&isa);
        unsigned n = plain_select(&isa, list), hits = 0;
        assert_int_equal(row->mask & 3, 3);
        assert_int_equal(row->match & ~row->mask, 0);
        for (unsigned i = 0; i < 300; i++) {
            uint32_t x = (random_u32() & ~row->mask) | row->match;
            unsigned expected = plain_decode(list, n, x), got = decode(&isa, x).id;
            if (got != expected)
                fail_msg("%08x is %s instead of %s", x, insn_rows[got].id, insn_rows[expected].id);
            hits += got == id;
        }
        if (!hits)
            fail_msg("%s: no encoding decodes to it", row->id);
    }
}

static void decode_agrees_with_plain_reading_for_all_16_bit_encodings(void **state) {
    struct plain_choice list[PLAIN_ROWS];
    for (unsigned s = 0; s < SETS; s++) {
        struct isa isa = parse(set_names[s]);
        unsigned n = plain_select(&isa, list);
        for (uint32_t x = 0; x < 0x10000; x++) {
            if ((x & 3) == 3)
                continue;
            struct insn insn = decode(&isa, x | 0xabcd0000); /* what follows in memory does not matter */
            unsigned expected = plain_decode(list, n, x);
            if (insn.id != expected)
                fail_msg("%s: %04x is %s instead of %s", set_names[s], x, insn_rows[insn.id].id,
                         insn_rows[expected].id);
            assert_int_equal(insn.len, 2);
            assert_int_equal(insn.bits, x);
        }
    }
}

static void decode_agrees_with_plain_reading_for_random_words(void **state) {
    struct plain_choice list[PLAIN_ROWS];
    for (unsigned s = 0; s < SETS; s++) {
        struct isa isa = parse(set_names[s]);
        unsigned n = plain_select(&isa, list);
        for (unsigned i = 0; i < 40000; i++) {
            uint32_t x = random_u32() | 3;
            if (i & 1) { /* one or two bits away from a row */
                const struct insn_row *row = &insn_rows[1 + random_u32() % (INSN_COUNT - 1)];
                x = ((x & ~row->mask) | row->match) ^ 1u << (2 + random_u32() % 30);
                x = i & 2 ? x : x ^ 1u << (2 + random_u32() % 30);
            }
            unsigned expected = plain_decode(list, n, x), got = decode(&isa, x).id;
            if (got != expected)
                fail_msg("%s: %08x is %s instead of %s", set_names[s], x, insn_rows[got].id, insn_rows[expected].id);
        }
    }
}

static void operands_round_trip_through_the_encoder(void **state) {
    struct isa max64 = parse("max"), max32 = parse("rv32max");
    isa_add_system(&max64);
    uint64_t formats = 0;
    for (unsigned id = 1; id < INSN_COUNT; id++) {
        const struct insn_row *row = &insn_rows[id];
        uint32_t kept = ~0u; /* bits that operands and id keep */
        if (row->format == FMT_NONE)
            kept = row->mask;
        else if (row->format == FMT_FENCE)
            kept = ~0x000f8f80u;
        for (unsigned i = 0; i < 200; i++) {
            uint32_t x = (random_u32() & ~row->mask) | row->match;
            struct insn insn = decode(&max64, x);
            if (insn.id != id)
                insn = decode(&max32, x);
            if (insn.id != id) /* a narrower row, or a reserved rounding mode */
                continue;
            formats |= UINT64_C(1) << row->format;
            if (encode_insn(&insn) != (x & kept))
                fail_msg("%s: %08x becomes %08x", row->id, x, encode_insn(&insn));
        }
    }
    assert_int_equal(formats, (UINT64_C(2) << FMT_FLI) - 1);
}

static void compressed_operands_equal_their_base_instructions(void **state) {
    /* The base instruction, encoded in 32 bits and decoded again, has the same operands: they are in its range. */
    for (unsigned s = 0; s < 2; s++) {
        struct isa isa = parse(s ? "rv32max" : "max");
        for (uint32_t x = 0; x < 0x10000; x++) {
            struct insn a = decode(&isa, x);
            if ((x & 3) == 3 || a.id == INSN_ILLEGAL)
                continue;
            struct insn b = decode(&isa, encode_insn(&a));
            b.len = 2, b.bits = x;
            if (memcmp(&a, &b, sizeof a))
                fail_msg("%04x (%s) is not what %08x is", x, insn_rows[a.id].id, encode_insn(&a));
        }
    }
}

static void known_encodings_disassemble(void **state) {
    /* From the assembler, except for Zcb, Zacas, Zfa, Zicond and Zk*: by hand from the manual. */
    static const struct {
        uint32_t x;
        const char *text;
    } cases[] = {
        {0xfffff537, "lui\ta0,0xfffff"},
        {0x00001517, "auipc\ta0,0x1"},
        {0xff9ff0ef, "jal\tra,0x10008"},
        {0x0000006f, "jal\tzero,0x10010"},
        {0x000780e7, "jalr\tra,0(a5)"},
        {0xfeb51ee3, "bne\ta0,a1,0x1000c"},
        {0x00b56463, "bltu\ta0,a1,0x10018"},
        {0xff853583, "ld\ta1,-8(a0)"},
        {0xfeb53c23, "sd\ta1,-8(a0)"},
        {0x80050513, "addi\ta0,a0,-2048"},
        {0x7ff50513, "addi\ta0,a0,2047"},
        {0x03f51513, "slli\ta0,a0,0x3f"},
        {0x41f5551b, "sraiw\ta0,a0,0x1f"},
        {0x40b50533, "sub\ta0,a0,a1"},
        {0x0ff0000f, "fence\tiorw,iorw"},
        {0x0110000f, "fence\tw,w"},
        {0x8330000f, "fence.tso"},
        {0x0000100f, "fence.i"},
        {0x0100000f, "pause"},
        {0x00000073, "ecall"},
        {0x00100073, "ebreak"},
        {0x003025f3, "csrrs\ta1,fcsr,zero"},
        {0xc0002573, "csrrs\ta0,cycle,zero"},
        {0xc0302573, "csrrs\ta0,hpmcounter3,zero"},
        {0x7c051573, "csrrw\ta0,0x7c0,a0"},
        {0x002fd573, "csrrwi\ta0,frm,31"},
        {0x0045200f, "cbo.zero\t(a0)"},
        {0xfe156013, "prefetch.r\t-32(a0)"},
        {0x100525af, "lr.w\ta1,(a0)"},
        {0x140535af, "lr.d.aq\ta1,(a0)"},
        {0x1ab535af, "sc.d.rl\ta1,a1,(a0)"},
        {0x06b5262f, "amoadd.w.aqrl\ta2,a1,(a0)"},
        {0x28b535af, "amocas.d\ta1,a1,(a0)"},
        {0x2aa5462f, "amocas.q.rl\ta2,a0,(a0)"},
        {0x00852507, "flw\tfa0,8(a0)"},
        {0xfea53c27, "fsd\tfa0,-8(a0)"},
        {0x00b57553, "fadd.s\tfa0,fa0,fa1"},
        {0x00b51553, "fadd.s\tfa0,fa0,fa1,rtz"},
        {0x6ac5f543, "fmadd.d\tfa0,fa1,fa2,fa3"},
        {0x6ac5c543, "fmadd.d\tfa0,fa1,fa2,fa3,rmm"},
        {0x580575d3, "fsqrt.s\tfa1,fa0"},
        {0xa2b52553, "feq.d\ta0,fa0,fa1"},
        {0xe2051553, "fclass.d\ta0,fa0"},
        {0xc2051553, "fcvt.w.d\ta0,fa0,rtz"},
        {0x42050553, "fcvt.d.s\tfa0,fa0"},
        {0x42051553, "fcvt.d.s\tfa0,fa0,rtz"},
        {0xd2250553, "fcvt.d.l\tfa0,a0,rne"},
        {0xd2050553, "fcvt.d.w\tfa0,a0"},
        {0xf2050553, "fmv.d.x\tfa0,a0"},
        {0xf2180553, "fli.d\tfa0,0x1p+0"},
        {0xf01f8553, "fli.s\tfa0,nan"},
        {0xf0100553, "fli.s\tfa0,-0x1p+0"},
        {0xc2851553, "fcvtmod.w.d\ta0,fa0,rtz"},
        {0xa0b54553, "fleq.s\ta0,fa0,fa1"},
        {0x20b52533, "sh1add\ta0,a0,a1"},
        {0x60051513, "clz\ta0,a0"},
        {0x6b855513, "rev8\ta0,a0"},
        {0x28755513, "orc.b\ta0,a0"},
        {0x08054533, "pack\ta0,a0,zero"}, /* zext.h of RV32 */
        {0x0805453b, "zext.h\ta0,a0"},
        {0x08b57533, "packh\ta0,a0,a1"},
        {0x68755513, "brev8\ta0,a0"},
        {0x36b50533, "aes64esm\ta0,a0,a1"},
        {0x31a51513, "aes64ks1i\ta0,a0,0xa"},
        {0x31b51513, ".insn 0x31b51513"}, /* a round that does not exist */
        {0x10651513, "sha512sig0\ta0,a0"},
        {0x0eb55533, "czero.eqz\ta0,a0,a1"},
        {0x00d00073, "wrs.nto"},
        {0x00000000, ".insn 0x0000"},
        {0xffffffff, ".insn 0xffffffff"},
        /* compressed: the base instruction */
        {0x1fe4, "addi\ts1,sp,1020"},
        {0x2108, "fld\tfa0,0(a0)"},
        {0x4108, "lw\ta0,0(a0)"},
        {0x5d7c, "lw\ta5,124(a0)"},
        {0x7d7c, "ld\ta5,248(a0)"},
        {0xdd7c, "sw\ta5,124(a0)"},
        {0xfd7c, "sd\ta5,248(a0)"},
        {0x157d, "addi\ta0,a0,-1"},
        {0x0001, "addi\tzero,zero,0"},
        {0x357d, "addiw\ta0,a0,-1"},
        {0x5501, "addi\ta0,zero,-32"},
        {0x757d, "lui\ta0,0xfffff"},
        {0x6505, "lui\ta0,0x1"},
        {0x7101, "addi\tsp,sp,-512"},
        {0x617d, "addi\tsp,sp,496"},
        {0x917d, "srli\ta0,a0,0x3f"},
        {0x9541, "srai\ta0,a0,0x30"},
        {0x9901, "andi\ta0,a0,-32"},
        {0x8d0d, "sub\ta0,a0,a1"},
        {0x8d6d, "and\ta0,a0,a1"},
        {0x9d0d, "subw\ta0,a0,a1"},
        {0x9d2d, "addw\ta0,a0,a1"},
        {0xb001, "jal\tzero,0xf810"},
        {0xaffd, "jal\tzero,0x1080e"},
        {0xd101, "beq\ta0,zero,0xff10"},
        {0xed7d, "bne\ta0,zero,0x1010e"},
        {0x157e, "slli\ta0,a0,0x3f"},
        {0x50fe, "lw\tra,252(sp)"},
        {0x70fe, "ld\tra,504(sp)"},
        {0x30fe, "fld\tft1,504(sp)"},
        {0xdf86, "sw\tra,252(sp)"},
        {0xff86, "sd\tra,504(sp)"},
        {0x8082, "jalr\tzero,0(ra)"},
        {0x9782, "jalr\tra,0(a5)"},
        {0x852e, "add\ta0,zero,a1"},
        {0x952e, "add\ta0,a0,a1"},
        {0x9002, "ebreak"},
        {0x8148, "lbu\ta0,1(a0)"},
        {0x8128, "lbu\ta0,2(a0)"},
        {0x8528, "lhu\ta0,2(a0)"},
        {0x8568, "lh\ta0,2(a0)"},
        {0x8948, "sb\ta0,1(a0)"},
        {0x8d28, "sh\ta0,2(a0)"},
        {0x9d61, "andi\ta0,a0,255"},
        {0x9d65, "sext.b\ta0,a0"},
        {0x9d69, "zext.h\ta0,a0"},
        {0x9d6d, "sext.h\ta0,a0"},
        {0x9d71, "add.uw\ta0,a0,zero"},
        {0x9d75, "xori\ta0,a0,-1"},
        {0x9d4d, "mul\ta0,a0,a1"},
        {0x9d79, ".insn 0x9d79"},
    };
    struct isa isa = parse("max");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_text(&isa, cases[i].x, 0x10010, cases[i].text);

    struct isa isa32 = parse("rv32max");
    check_text(&isa32, 0x6108, 0, "flw\tfa0,0(a0)");
    check_text(&isa32, 0x60fe, 0, "flw\tft1,220(sp)");
    check_text(&isa32, 0x2001, 0x100, "jal\tra,0x100");
    check_text(&isa32, 0x08054533, 0, "zext.h\ta0,a0");
    check_text(&isa32, 0x9d69, 0, "zext.h\ta0,a0");
    check_text(&isa32, 0x69855513, 0, "rev8\ta0,a0");
    check_text(&isa32, 0xe2151553, 0, ".insn 0xe2151553");
    check_text(&isa32, 0xe2150553, 0, "fmvh.x.d\ta0,fa0");
    check_text(&isa32, 0xb2b50553, 0, "fmvp.d.x\tfa0,a0,a1");
    check_text(&isa32, 0x28a5362f, 0, "amocas.d\ta2,a0,(a0)");
}

static void every_bit_of_a_compressed_immediate_has_its_place(void **state) {
    enum { X = -1, NONE = 32 }; /* X: the bit is not the immediate's */
    static const struct {
        uint16_t x;        /* with 0 as its immediate */
        int8_t sign;       /* the sign's bit of the immediate, or NONE */
        int8_t places[11]; /* of the encoding's bits 12, 11 ... 2 in the immediate, as the manual lists them */
    } cases[] = {
        {0x0000, NONE, {5, 4, 9, 8, 7, 6, 2, 3, X, X, X}},     /* c.addi4spn */
        {0x4000, NONE, {5, 4, 3, X, X, X, 2, 6, X, X, X}},     /* c.lw */
        {0x6000, NONE, {5, 4, 3, X, X, X, 7, 6, X, X, X}},     /* c.ld */
        {0x2000, NONE, {5, 4, 3, X, X, X, 7, 6, X, X, X}},     /* c.fld */
        {0xc000, NONE, {5, 4, 3, X, X, X, 2, 6, X, X, X}},     /* c.sw */
        {0xe000, NONE, {5, 4, 3, X, X, X, 7, 6, X, X, X}},     /* c.sd */
        {0xa000, NONE, {5, 4, 3, X, X, X, 7, 6, X, X, X}},     /* c.fsd */
        {0x0081, 5, {5, X, X, X, X, X, 4, 3, 2, 1, 0}},        /* c.addi */
        {0x2081, 5, {5, X, X, X, X, X, 4, 3, 2, 1, 0}},        /* c.addiw */
        {0x4081, 5, {5, X, X, X, X, X, 4, 3, 2, 1, 0}},        /* c.li */
        {0x6081, 17, {17, X, X, X, X, X, 16, 15, 14, 13, 12}}, /* c.lui */
        {0x6101, 9, {9, X, X, X, X, X, 4, 6, 8, 7, 5}},        /* c.addi16sp */
        {0x8001, NONE, {5, X, X, X, X, X, 4, 3, 2, 1, 0}},     /* c.srli */
        {0x8401, NONE, {5, X, X, X, X, X, 4, 3, 2, 1, 0}},     /* c.srai */
        {0x8801, 5, {5, X, X, X, X, X, 4, 3, 2, 1, 0}},        /* c.andi */
        {0xa001, 11, {11, 4, 9, 8, 10, 6, 7, 3, 2, 1, 5}},     /* c.j */
        {0xc001, 8, {8, 4, 3, X, X, X, 7, 6, 2, 1, 5}},        /* c.beqz */
        {0xe001, 8, {8, 4, 3, X, X, X, 7, 6, 2, 1, 5}},        /* c.bnez */
        {0x0082, NONE, {5, X, X, X, X, X, 4, 3, 2, 1, 0}},     /* c.slli */
        {0x2082, NONE, {5, X, X, X, X, X, 4, 3, 8, 7, 6}},     /* c.fldsp */
        {0x4082, NONE, {5, X, X, X, X, X, 4, 3, 2, 7, 6}},     /* c.lwsp */
        {0x6082, NONE, {5, X, X, X, X, X, 4, 3, 8, 7, 6}},     /* c.ldsp */
        {0xa002, NONE, {5, 4, 3, 8, 7, 6, X, X, X, X, X}},     /* c.fsdsp */
        {0xc002, NONE, {5, 4, 3, 2, 7, 6, X, X, X, X, X}},     /* c.swsp */
        {0xe002, NONE, {5, 4, 3, 8, 7, 6, X, X, X, X, X}},     /* c.sdsp */
        {0x8000, NONE, {X, X, X, X, X, X, 0, 1, X, X, X}},     /* c.lbu */
        {0x8400, NONE, {X, X, X, X, X, X, X, 1, X, X, X}},     /* c.lhu */
        {0x8440, NONE, {X, X, X, X, X, X, X, 1, X, X, X}},     /* c.lh */
        {0x8800, NONE, {X, X, X, X, X, X, 0, 1, X, X, X}},     /* c.sb */
        {0x8c00, NONE, {X, X, X, X, X, X, X, 1, X, X, X}},     /* c.sh */
    };
    struct isa isa = parse("max");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int bit = 12; bit >= 2; bit--) {
            int place = cases[i].places[12 - bit];
            if (place == X)
                continue;
            struct insn insn = decode(&isa, cases[i].x | 1u << bit);
            int32_t expected = place == cases[i].sign ? -(1 << place) : 1 << place;
            if (insn.id == INSN_ILLEGAL || insn.imm != expected)
                fail_msg("%04x: %d instead of %d", cases[i].x | 1u << bit, insn.imm, expected);
        }
}

static void branch_targets_wrap_and_the_buffer_is_respected(void **state) {
    struct isa isa = parse("max");
    check_text(&isa, 0x80000063, 0, "beq\tzero,zero,0xfffffffffffff000");
    struct insn insn = decode(&isa, 0x00150513);
    char text[8];
    memset(text, '#', sizeof text);
    assert_int_equal(insn_disassemble(&insn, 0, text, 5), strlen("addi\ta0,a0,1"));
    assert_memory_equal(text, "addi\0###", 8);
}

static void reserved_compressed_encodings_are_illegal(void **state) {
    struct isa isa64 = parse("rv64gc"), isa32 = parse("rv32gc");
    static const uint16_t both[] = {
        0x0000, /* defined illegal */
        0x0004, /* c.addi4spn, imm 0 */
        0x6501, /* c.lui a0, 0 */
        0x6101, /* c.addi16sp 0 */
        0x6001, /* c.lui zero, 0 */
        0x4002, /* c.lwsp zero */
        0x8002, /* c.jr zero */
        0x8000, /* quadrant 0, funct3 100: Zcb only */
        0x9c41, /* funct6 100111, funct2 10: c.mul, Zcb only */
        0x9c61, /* c.zext.b */
    };
    for (size_t i = 0; i < sizeof both / sizeof *both; i++) {
        assert_true(is_illegal(&isa64, both[i]));
        assert_true(is_illegal(&isa32, both[i]));
    }
    assert_true(is_illegal(&isa64, 0x2001)); /* c.addiw zero on RV64, c.jal on RV32 */
    assert_false(is_illegal(&isa32, 0x2001));
    assert_true(is_illegal(&isa64, 0x6002)); /* c.ldsp zero on RV64, c.flwsp ft0 on RV32 */
    assert_false(is_illegal(&isa32, 0x6002));
    assert_false(is_illegal(&isa64, 0x9101)); /* shift amounts of 32 and more */
    assert_true(is_illegal(&isa32, 0x9101));
    assert_false(is_illegal(&isa64, 0x9501));
    assert_true(is_illegal(&isa32, 0x9501));
    assert_false(is_illegal(&isa64, 0x1502));
    assert_true(is_illegal(&isa32, 0x1502));
    assert_true(is_illegal(&isa32, 0x9d01)); /* c.subw */
    /* hints are instructions */
    assert_false(is_illegal(&isa64, 0x6005)); /* c.lui zero, 1 */
    assert_false(is_illegal(&isa64, 0x4001)); /* c.li zero, 0 */
    assert_false(is_illegal(&isa64, 0x0002)); /* c.slli zero, 0 */
    assert_false(is_illegal(&isa64, 0x8006)); /* c.mv zero, ra */
    assert_false(is_illegal(&isa64, 0x9006)); /* c.add zero, ra */
}

static void static_rounding_modes_5_and_6_are_illegal(void **state) {
    struct isa isa = parse("max");
    static const uint32_t words[] = {
        0x00b50553, /* fadd.s: F3R */
        0x6ac58543, /* fmadd.d: F4R */
        0x58050553, /* fsqrt.s: F2R */
        0xc2050553, /* fcvt.w.d: FX1R */
        0xd2250553, /* fcvt.d.l: XF1R */
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        for (uint32_t rm = 0; rm < 8; rm++) {
            assert_int_equal(is_illegal(&isa, words[i] | rm << 12), rm == 5 || rm == 6);
            if (rm != 5 && rm != 6)
                assert_int_equal(decode(&isa, words[i] | rm << 12).rm, rm);
        }
}

static void rows_follow_from_extensions(void **state) {
    for (unsigned s = 0; s < SETS; s++) {
        struct isa isa = parse(set_names[s]);
        for (unsigned id = 1; id < INSN_COUNT; id++)
            assert_int_equal(isa.rows[id / 64] >> id % 64 & 1, plain_token(&isa, insn_rows[id].extension));
        assert_int_equal(isa.rows[0] & 1, 0);
    }
    /* and a row taken out of the set is not decoded */
    struct isa isa = parse("max");
    isa.rows[INSN_mul / 64] &= ~(UINT64_C(1) << INSN_mul % 64);
    assert_true(is_illegal(&isa, 0x02b50533));
}

static void longer_encodings_are_illegal(void **state) {
    struct isa isa = parse("max");
    for (unsigned i = 0; i < 20000; i++)
        assert_true(is_illegal(&isa, random_u32() | 0x1f));
}

static void rows_carry_the_tables_columns(void **state) {
    assert_string_equal(insn_rows[INSN_sh1add_uw].mnemonic, "sh1add.uw");
    assert_string_equal(insn_rows[INSN_zext_h_rv32].id, "zext_h_rv32");
    assert_string_equal(insn_rows[INSN_zext_h_rv32].mnemonic, "zext.h");
    assert_string_equal(insn_rows[INSN_fcvtmod_w_d].extension, "Zfa_D");
    assert_string_equal(insn_rows[INSN_lui].pattern, ".................... ..... 0110111");
    assert_int_equal(insn_rows[INSN_sub].mask, 0xfe00707f);
    assert_int_equal(insn_rows[INSN_sub].match, 0x40000033);
    for (unsigned i = 0; i < 32; i++)
        for (unsigned j = 0; j < i; j++) {
            assert_string_not_equal(insn_xreg_names[i], insn_xreg_names[j]);
            assert_string_not_equal(insn_freg_names[i], insn_freg_names[j]);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_decodes_to_its_id),
        cmocka_unit_test(decode_agrees_with_plain_reading_for_all_16_bit_encodings),
        cmocka_unit_test(decode_agrees_with_plain_reading_for_random_words),
        cmocka_unit_test(operands_round_trip_through_the_encoder),
        cmocka_unit_test(compressed_operands_equal_their_base_instructions),
        cmocka_unit_test(known_encodings_disassemble),
        cmocka_unit_test(every_bit_of_a_compressed_immediate_has_its_place),
        cmocka_unit_test(branch_targets_wrap_and_the_buffer_is_respected),
        cmocka_unit_test(reserved_compressed_encodings_are_illegal),
        cmocka_unit_test(static_rounding_modes_5_and_6_are_illegal),
        cmocka_unit_test(rows_follow_from_extensions),
        cmocka_unit_test(longer_encodings_are_illegal),
        cmocka_unit_test(rows_carry_the_tables_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
