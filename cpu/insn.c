/* insn.c: from encodings to decoded instructions.
 *
 * Which row an encoding belongs to is found in the tree that gen_decode made from riscv.def; where its operands are
 * follows from the row's format.  Compressed rows have formats of their own, but fill the operands of the base
 * instruction they stand for, so that nobody else needs to know about them.
 */
#include "isa_token.h"

#include "decode_table.inc"

const struct insn_row insn_rows[INSN_COUNT] = {
    [INSN_ILLEGAL] = {"illegal", "illegal", "", "", FMT_NONE, 0, 0},
#define INSN(id, pattern, format, ext, effect)                                                                         \
    [INSN_##id] = {#id, MNEMONIC_##id, pattern, #ext, FMT_##format, MASK_##id, MATCH_##id},
#include "riscv.def"
};

/* Formats of compressed rows, in the order of the manual's chapter "C"; the primes are registers 8 to 15. */
enum compressed_format {
    FMT_CIW = FMT_FLI + 1, /* rd', sp, imm */
    FMT_CLW,               /* rd', imm(rs1'), words */
    FMT_CLD,               /* the same for double words */
    FMT_CSW,               /* rs2', imm(rs1') */
    FMT_CSD,
    FMT_CI,     /* rd, rd, imm */
    FMT_CLI,    /* rd, zero, imm */
    FMT_CI16SP, /* sp, sp, imm */
    FMT_CLUI,   /* rd, imm */
    FMT_CSH,    /* rd', rd', shamt */
    FMT_CANDI,  /* rd', rd', imm */
    FMT_CA,     /* rd', rd', rs2' */
    FMT_CJ,     /* zero, target */
    FMT_CJAL,   /* ra, target */
    FMT_CB,     /* rs1', zero, target */
    FMT_CSLLI,  /* rd, rd, shamt */
    FMT_CLWSP,  /* rd, imm(sp) */
    FMT_CLDSP,
    FMT_CSWSP, /* rs2, imm(sp) */
    FMT_CSDSP,
    FMT_CJR,    /* zero, 0(rs1) */
    FMT_CJALR,  /* ra, 0(rs1) */
    FMT_CMV,    /* rd, zero, rs2 */
    FMT_CADD,   /* rd, rd, rs2 */
    FMT_CNONE,  /* no operands */
    FMT_CLBU,   /* rd', imm(rs1'), imm of 2 bits (Zcb) */
    FMT_CLH,    /* rd', imm(rs1'), imm 0 or 2 */
    FMT_CSB,    /* rs2', imm(rs1'), imm of 2 bits */
    FMT_CSHW,   /* rs2', imm(rs1'), imm 0 or 2 */
    FMT_CZEXTB, /* rd', rd', 255 */
    FMT_CU,     /* rd', rd', zero */
    FMT_CNOT,   /* rd', rd', -1 */
};

/* By row number of decode_table.inc: INSN, RVC and RESERVED rows, each kind in the table's order. */
static const struct {
    uint16_t id; /* INSN_ILLEGAL for RESERVED rows */
    uint8_t format, token;
} decode_rows[DECODE_ROWS] = {
    {INSN_ILLEGAL, FMT_NONE, 0},
#define INSN(id, pattern, format, ext, effect) {INSN_##id, FMT_##format, TOKEN_##ext},
#include "riscv.def"
#define RVC(id, pattern, format, ext, base) {INSN_##base, FMT_##format, TOKEN_##ext},
#include "riscv.def"
#define RESERVED(id, pattern, ext) {INSN_ILLEGAL, FMT_NONE, TOKEN_##ext},
#include "riscv.def"
};

/* ---- fields ---- */

/* n bits of x from bit lo on. */
static inline uint32_t field(uint32_t x, unsigned lo, unsigned n) { return x >> lo & ((1u << n) - 1); }

/* The same, moved to where they belong in an immediate. */
static inline uint32_t piece(uint32_t x, unsigned lo, unsigned n, unsigned to) { return field(x, lo, n) << to; }

static inline int32_t sign_extend(uint32_t v, unsigned bits) { return (int32_t)(v << (32 - bits)) >> (32 - bits); }

static inline uint8_t rd_of(uint32_t x) { return field(x, 7, 5); }
static inline uint8_t rs1_of(uint32_t x) { return field(x, 15, 5); }
static inline uint8_t rs2_of(uint32_t x) { return field(x, 20, 5); }
static inline int32_t imm_i(uint32_t x) { return (int32_t)x >> 20; }
static inline int32_t imm_s(uint32_t x) { return (int32_t)(x & 0xfe000000) >> 20 | (int32_t)rd_of(x); }

static inline int32_t imm_b(uint32_t x) {
    return sign_extend(piece(x, 31, 1, 12) | piece(x, 7, 1, 11) | piece(x, 25, 6, 5) | piece(x, 8, 4, 1), 13);
}

static inline int32_t imm_j(uint32_t x) {
    return sign_extend(piece(x, 31, 1, 20) | piece(x, 12, 8, 12) | piece(x, 20, 1, 11) | piece(x, 21, 10, 1), 21);
}

/* Compressed: rd or rs1, rs2, and the three-bit forms of both. */
static inline uint8_t c_rd(uint32_t x) { return field(x, 7, 5); }
static inline uint8_t c_rs2(uint32_t x) { return field(x, 2, 5); }
static inline uint8_t c_rs1_short(uint32_t x) { return 8 + field(x, 7, 3); }
static inline uint8_t c_rs2_short(uint32_t x) { return 8 + field(x, 2, 3); }
static inline uint32_t c_imm6(uint32_t x) { return piece(x, 12, 1, 5) | field(x, 2, 5); }
static inline uint32_t c_offset_w(uint32_t x) { return piece(x, 10, 3, 3) | piece(x, 6, 1, 2) | piece(x, 5, 1, 6); }
static inline uint32_t c_offset_d(uint32_t x) { return piece(x, 10, 3, 3) | piece(x, 5, 2, 6); }
static inline uint32_t c_offset_b(uint32_t x) { return piece(x, 6, 1, 0) | piece(x, 5, 1, 1); }
static inline uint32_t c_offset_h(uint32_t x) { return piece(x, 5, 1, 1); }

static inline int32_t c_imm_j(uint32_t x) {
    return sign_extend(piece(x, 12, 1, 11) | piece(x, 11, 1, 4) | piece(x, 9, 2, 8) | piece(x, 8, 1, 10) |
                           piece(x, 7, 1, 6) | piece(x, 6, 1, 7) | piece(x, 3, 3, 1) | piece(x, 2, 1, 5),
                       12);
}

static inline int32_t c_imm_b(uint32_t x) {
    return sign_extend(
        piece(x, 12, 1, 8) | piece(x, 10, 2, 3) | piece(x, 5, 2, 6) | piece(x, 3, 2, 1) | piece(x, 2, 1, 5), 9);
}

static inline int32_t c_imm_16sp(uint32_t x) {
    return sign_extend(
        piece(x, 12, 1, 9) | piece(x, 6, 1, 4) | piece(x, 5, 1, 6) | piece(x, 3, 2, 7) | piece(x, 2, 1, 5), 10);
}

/* ---- operands ---- */

static inline void set(struct insn *out, unsigned rd, unsigned rs1, unsigned rs2, int32_t imm) {
    out->rd = rd;
    out->rs1 = rs1;
    out->rs2 = rs2;
    out->imm = imm;
}

/* Fields the format does not have stay 0.  False: the rounding mode is one of the reserved ones. */
static bool extract_operands(unsigned format, uint32_t x, struct insn *out) {
    switch (format) {
    case FMT_R:
    case FMT_F3:
    case FMT_FX2:
    case FMT_XF2:
        set(out, rd_of(x), rs1_of(x), rs2_of(x), 0);
        break;
    case FMT_R1:
    case FMT_FX1:
    case FMT_XF1:
    case FMT_FLI:
        set(out, rd_of(x), rs1_of(x), 0, 0);
        break;
    case FMT_I:
    case FMT_IL:
    case FMT_JR:
    case FMT_FIL:
        set(out, rd_of(x), rs1_of(x), 0, imm_i(x));
        break;
    case FMT_S:
    case FMT_FST:
        set(out, 0, rs1_of(x), rs2_of(x), imm_s(x));
        break;
    case FMT_B:
        set(out, 0, rs1_of(x), rs2_of(x), imm_b(x));
        break;
    case FMT_U:
        set(out, rd_of(x), 0, 0, (int32_t)(x & 0xfffff000));
        break;
    case FMT_J:
        set(out, rd_of(x), 0, 0, imm_j(x));
        break;
    case FMT_SH:
        set(out, rd_of(x), rs1_of(x), 0, field(x, 20, 6));
        break;
    case FMT_RNUM:
        set(out, rd_of(x), rs1_of(x), 0, field(x, 20, 4));
        break;
    case FMT_AMO:
        set(out, rd_of(x), rs1_of(x), rs2_of(x), 0);
        out->rm = field(x, 25, 2);
        break;
    case FMT_LR:
        set(out, rd_of(x), rs1_of(x), 0, 0);
        out->rm = field(x, 25, 2);
        break;
    case FMT_CSR:
    case FMT_CSRI:
        set(out, rd_of(x), rs1_of(x), 0, field(x, 20, 12));
        break;
    case FMT_FENCE:
        set(out, 0, 0, 0, field(x, 20, 12));
        break;
    case FMT_VMA:
        set(out, 0, rs1_of(x), rs2_of(x), 0);
        break;
    case FMT_CBO:
        set(out, 0, rs1_of(x), 0, 0);
        break;
    case FMT_PF:
        set(out, 0, rs1_of(x), 0, imm_s(x));
        break;
    case FMT_F4R:
        out->rs3 = field(x, 27, 5);
        /* fallthrough */
    case FMT_F3R:
        set(out, rd_of(x), rs1_of(x), rs2_of(x), 0);
        out->rm = field(x, 12, 3);
        return out->rm != 5 && out->rm != 6;
    case FMT_F2R:
    case FMT_FX1R:
    case FMT_XF1R:
        set(out, rd_of(x), rs1_of(x), 0, 0);
        out->rm = field(x, 12, 3);
        return out->rm != 5 && out->rm != 6;

    case FMT_CIW:
        set(out, c_rs2_short(x), 2, 0, piece(x, 11, 2, 4) | piece(x, 7, 4, 6) | piece(x, 6, 1, 2) | piece(x, 5, 1, 3));
        break;
    case FMT_CLW:
        set(out, c_rs2_short(x), c_rs1_short(x), 0, c_offset_w(x));
        break;
    case FMT_CLD:
        set(out, c_rs2_short(x), c_rs1_short(x), 0, c_offset_d(x));
        break;
    case FMT_CSW:
        set(out, 0, c_rs1_short(x), c_rs2_short(x), c_offset_w(x));
        break;
    case FMT_CSD:
        set(out, 0, c_rs1_short(x), c_rs2_short(x), c_offset_d(x));
        break;
    case FMT_CI:
        set(out, c_rd(x), c_rd(x), 0, sign_extend(c_imm6(x), 6));
        break;
    case FMT_CLI:
        set(out, c_rd(x), 0, 0, sign_extend(c_imm6(x), 6));
        break;
    case FMT_CI16SP:
        set(out, 2, 2, 0, c_imm_16sp(x));
        break;
    case FMT_CLUI:
        set(out, c_rd(x), 0, 0, sign_extend(c_imm6(x) << 12, 18));
        break;
    case FMT_CSH:
        set(out, c_rs1_short(x), c_rs1_short(x), 0, c_imm6(x));
        break;
    case FMT_CANDI:
        set(out, c_rs1_short(x), c_rs1_short(x), 0, sign_extend(c_imm6(x), 6));
        break;
    case FMT_CA:
        set(out, c_rs1_short(x), c_rs1_short(x), c_rs2_short(x), 0);
        break;
    case FMT_CJ:
        set(out, 0, 0, 0, c_imm_j(x));
        break;
    case FMT_CJAL:
        set(out, 1, 0, 0, c_imm_j(x));
        break;
    case FMT_CB:
        set(out, 0, c_rs1_short(x), 0, c_imm_b(x));
        break;
    case FMT_CSLLI:
        set(out, c_rd(x), c_rd(x), 0, c_imm6(x));
        break;
    case FMT_CLWSP:
        set(out, c_rd(x), 2, 0, piece(x, 12, 1, 5) | piece(x, 4, 3, 2) | piece(x, 2, 2, 6));
        break;
    case FMT_CLDSP:
        set(out, c_rd(x), 2, 0, piece(x, 12, 1, 5) | piece(x, 5, 2, 3) | piece(x, 2, 3, 6));
        break;
    case FMT_CSWSP:
        set(out, 0, 2, c_rs2(x), piece(x, 9, 4, 2) | piece(x, 7, 2, 6));
        break;
    case FMT_CSDSP:
        set(out, 0, 2, c_rs2(x), piece(x, 10, 3, 3) | piece(x, 7, 3, 6));
        break;
    case FMT_CJR:
        set(out, 0, c_rd(x), 0, 0);
        break;
    case FMT_CJALR:
        set(out, 1, c_rd(x), 0, 0);
        break;
    case FMT_CMV:
        set(out, c_rd(x), 0, c_rs2(x), 0);
        break;
    case FMT_CADD:
        set(out, c_rd(x), c_rd(x), c_rs2(x), 0);
        break;
    case FMT_CLBU:
        set(out, c_rs2_short(x), c_rs1_short(x), 0, c_offset_b(x));
        break;
    case FMT_CLH:
        set(out, c_rs2_short(x), c_rs1_short(x), 0, c_offset_h(x));
        break;
    case FMT_CSB:
        set(out, 0, c_rs1_short(x), c_rs2_short(x), c_offset_b(x));
        break;
    case FMT_CSHW:
        set(out, 0, c_rs1_short(x), c_rs2_short(x), c_offset_h(x));
        break;
    case FMT_CZEXTB:
        set(out, c_rs1_short(x), c_rs1_short(x), 0, 255);
        break;
    case FMT_CU:
        set(out, c_rs1_short(x), c_rs1_short(x), 0, 0);
        break;
    case FMT_CNOT:
        set(out, c_rs1_short(x), c_rs1_short(x), 0, -1);
        break;
    default: /* FMT_NONE, FMT_CNONE */
        break;
    }
    return true;
}

/* ---- decoding ---- */

/* Is the row there?  For 32-bit instructions isa.rows says so; compressed and reserved rows have no bit in it. */
static inline bool has_row(const struct isa *isa, unsigned row) {
    return row < INSN_COUNT ? isa->rows[row / 64] >> row % 64 & 1 : isa_has_token(isa, decode_rows[row].token);
}

void insn_decode(const struct isa *isa, uint32_t bits, struct insn *out) {
    unsigned len = insn_length(bits);
    uint32_t x = len == 2 ? bits & 0xffff : bits;
    *out = (struct insn){.id = INSN_ILLEGAL, .len = len, .bits = x};

    unsigned slot = decode_roots[x & 3];
    while (!(slot & DECODE_LIST))
        slot = decode_slots[decode_nodes[slot].first + (x >> decode_nodes[slot].shift & decode_nodes[slot].mask)];

    for (const uint16_t *list = &decode_lists[slot & ~DECODE_LIST]; *list; list++) {
        unsigned row = *list;
        if ((x & decode_bits[row].mask) != decode_bits[row].match || !has_row(isa, row))
            continue;
        if (extract_operands(decode_rows[row].format, x, out))
            out->id = decode_rows[row].id;
        else
            *out = (struct insn){.id = INSN_ILLEGAL, .len = len, .bits = x};
        return;
    }
}
