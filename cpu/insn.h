/* insn.h: instructions as the table knows them: identifiers, decoded form, decode and disassemble.
 *
 * cpu/riscv.def is the one list; the enumerations here are expanded from it.
 */
#ifndef CPU_INSN_H
#define CPU_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One per INSN row, in the table's order; compressed instructions decode to the id of their base instruction. */
enum insn_id {
    INSN_ILLEGAL, /* no row, or one outside the hart's instruction set */
#define INSN(id, pattern, format, ext, effect) INSN_##id,
#include "riscv.def"
    INSN_COUNT
};

/* Where operands are and how they are written (the comment shows the disassembly). */
enum insn_format {
    FMT_R,    /* rd, rs1, rs2 */
    FMT_R1,   /* rd, rs1 */
    FMT_I,    /* rd, rs1, imm */
    FMT_IL,   /* rd, imm(rs1) */
    FMT_JR,   /* rd, imm(rs1): jalr */
    FMT_S,    /* rs2, imm(rs1) */
    FMT_B,    /* rs1, rs2, target */
    FMT_U,    /* rd, imm >> 12 */
    FMT_J,    /* rd, target */
    FMT_SH,   /* rd, rs1, shamt */
    FMT_RNUM, /* rd, rs1, round number */
    FMT_AMO,  /* rd, rs2, (rs1) */
    FMT_LR,   /* rd, (rs1) */
    FMT_CSR,  /* rd, csr, rs1 */
    FMT_CSRI, /* rd, csr, uimm: the rs1 field is the operand */
    FMT_FENCE,
    FMT_NONE,
    FMT_VMA,  /* rs1, rs2 */
    FMT_CBO,  /* (rs1) */
    FMT_PF,   /* imm(rs1), imm of an S format with the low five bits zero */
    FMT_FIL,  /* frd, imm(rs1) */
    FMT_FST,  /* frs2, imm(rs1) */
    FMT_F4R,  /* frd, frs1, frs2, frs3, rm */
    FMT_F3R,  /* frd, frs1, frs2, rm */
    FMT_F3,   /* frd, frs1, frs2 */
    FMT_F2R,  /* frd, frs1, rm */
    FMT_FX2,  /* rd, frs1, frs2 */
    FMT_FX1,  /* rd, frs1 */
    FMT_FX1R, /* rd, frs1, rm */
    FMT_XF1,  /* frd, rs1 */
    FMT_XF1R, /* frd, rs1, rm */
    FMT_XF2,  /* frd, rs1, rs2 */
    FMT_FLI,  /* frd, constant */
};

/* A decoded instruction.  Registers are numbers 0 to 31 of whichever file the format says. */
struct insn {
    uint16_t id;   /* enum insn_id */
    uint8_t len;   /* 2 or 4 bytes */
    uint8_t rd, rs1, rs2;
    uint8_t rs3;
    uint8_t rm;    /* rounding mode field for formats that have one; aq << 1 | rl for AMO and LR */
    int32_t imm;   /* sign-extended; for U formats the value with its low 12 bits zero; for CSR the csr's number */
    uint32_t bits; /* the encoding, 16 bits for compressed ones */
};

/* Extensions a hart may have; riscv.def's tokens (with their _64, _D ... suffixes) map to sets of these in
 * isa_token.h. */
enum isa_ext {
    EXT_I, EXT_M, EXT_A, EXT_F, EXT_D, EXT_C, EXT_Zicsr, EXT_Zifencei, EXT_Zicntr, EXT_Zba, EXT_Zbb, EXT_Zbs, EXT_Zbc,
    EXT_Zicond, EXT_Zcb, EXT_Zfa, EXT_Zfh, EXT_Zfhmin, EXT_Zawrs, EXT_Zihintpause, EXT_Zihintntl, EXT_Zicbom,
    EXT_Zicboz, EXT_Zicbop, EXT_Zacas, EXT_Zbkb, EXT_Zbkc, EXT_Zbkx, EXT_Zknd, EXT_Zkne, EXT_Zknh, EXT_COUNT,
    EXT_System = EXT_COUNT, /* M, S and U mode: isa_add_system; no name */
    EXT_Zbb_Zbkb, EXT_Zbc_Zbkc, EXT_Zkne_Zknd, /* what either of two has: implied, no name */
};

/* An instruction set: what --cpu names. */
struct isa {
    uint8_t xlen;    /* 32 or 64 */
    uint64_t exts;   /* bit per enum isa_ext */
    uint64_t rows[(INSN_COUNT + 63) / 64]; /* bit per enum insn_id: the row exists in this set */
};

/* Parses a set's name: "rv64gc", "rv64gcb", "rv32gc", "max", "rv32max", or an ISA string such as
 * "rv64imafdc_zba_zbb".  Returns false where the name is unknown (err, of size n, gets one line). */
bool isa_parse(struct isa *isa, const char *name, char *err, size_t n);
/* Adds the privileged instructions: for harts that have a board. */
void isa_add_system(struct isa *isa);
/* Canonical ISA string ("rv64imafdc_zicsr_..."), as /proc/cpuinfo prints it. */
void isa_string(const struct isa *isa, char *buf, size_t n);

/* Length in bytes of the instruction whose first 16 bits these are: 2 or 4 (longer encodings are illegal and count 4). */
static inline unsigned insn_length(uint32_t first16) { return (first16 & 3) == 3 ? 4 : 2; }

/* Decodes bits (a 16-bit instruction in the low half).  An encoding that is reserved or outside isa gives INSN_ILLEGAL,
 * with len and bits set. */
void insn_decode(const struct isa *isa, uint32_t bits, struct insn *out);
/* Writes the disassembly ("addi\ta0,a0,1") of a decoded instruction at pc into buf, as binutils prints it without
 * aliases; returns the length. */
int insn_disassemble(const struct insn *insn, uint64_t pc, char *buf, size_t n);
/* The CSR's name, made in buf where it is one of a range or unknown (0x...). */
const char *insn_csr_name(unsigned number, char *buf, size_t n);

/* The table's columns, for tools and tests. */
struct insn_row {
    const char *id;       /* as in riscv.def */
    const char *mnemonic; /* with dots */
    const char *pattern;  /* as drawn */
    const char *extension;
    uint8_t format;       /* enum insn_format */
    uint32_t mask, match;
};
extern const struct insn_row insn_rows[INSN_COUNT]; /* by enum insn_id; [0] is the illegal instruction */
extern const char *const insn_xreg_names[32]; /* zero, ra, sp ... */
extern const char *const insn_freg_names[32]; /* ft0 ... */

#endif
