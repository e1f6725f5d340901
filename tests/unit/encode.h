/* encode.h: the 32-bit encoding of a decoded instruction, for tests: written from the manual's instruction formats, not
 * from the decoder, so that the two check each other.
 *
 * Fields that struct insn does not keep (rd and rs1 of a fence, the immediate of fence.i) are encoded as 0.
 */
#ifndef TESTS_UNIT_ENCODE_H
#define TESTS_UNIT_ENCODE_H

#include "../../cpu/insn.h"

/* Bit "from" of v at bit "to". */
static inline uint32_t encode_bit(uint32_t v, unsigned from, unsigned to) { return (v >> from & 1) << to; }

static inline uint32_t encode_insn(const struct insn *insn) {
    const struct insn_row *row = &insn_rows[insn->id];
    uint32_t rd = (uint32_t)insn->rd << 7, rs1 = (uint32_t)insn->rs1 << 15, rs2 = (uint32_t)insn->rs2 << 20;
    uint32_t imm = insn->imm, rm = (uint32_t)insn->rm << 12, x = row->match;

    switch ((enum insn_format)row->format) {
    case FMT_NONE:
        return x;
    case FMT_R:
    case FMT_F3:
    case FMT_FX2:
    case FMT_XF2:
        return x | rd | rs1 | rs2;
    case FMT_R1:
    case FMT_FX1:
    case FMT_XF1:
    case FMT_FLI:
        return x | rd | rs1;
    case FMT_I:
    case FMT_IL:
    case FMT_JR:
    case FMT_FIL:
    case FMT_CSR:
    case FMT_CSRI:
        return x | rd | rs1 | imm << 20;
    case FMT_S:
    case FMT_FST:
    case FMT_PF:
        for (unsigned i = 0; i < 5; i++)
            x |= encode_bit(imm, i, 7 + i);
        for (unsigned i = 5; i < 12; i++)
            x |= encode_bit(imm, i, 20 + i);
        return x | rs1 | rs2;
    case FMT_B:
        for (unsigned i = 1; i < 5; i++)
            x |= encode_bit(imm, i, 7 + i);
        for (unsigned i = 5; i < 11; i++)
            x |= encode_bit(imm, i, 20 + i);
        return x | rs1 | rs2 | encode_bit(imm, 11, 7) | encode_bit(imm, 12, 31);
    case FMT_U:
        return x | rd | (imm & 0xfffff000);
    case FMT_J:
        for (unsigned i = 1; i < 11; i++)
            x |= encode_bit(imm, i, 20 + i);
        for (unsigned i = 12; i < 20; i++)
            x |= encode_bit(imm, i, i);
        return x | rd | encode_bit(imm, 11, 20) | encode_bit(imm, 20, 31);
    case FMT_SH:
    case FMT_RNUM:
        return x | rd | rs1 | imm << 20;
    case FMT_AMO:
    case FMT_LR:
        return x | rd | rs1 | rs2 | (uint32_t)insn->rm << 25;
    case FMT_FENCE:
        return x | imm << 20;
    case FMT_VMA:
        return x | rs1 | rs2;
    case FMT_CBO:
        return x | rs1;
    case FMT_F4R:
        return x | rd | rs1 | rs2 | rm | (uint32_t)insn->rs3 << 27;
    case FMT_F3R:
        return x | rd | rs1 | rs2 | rm;
    case FMT_F2R:
    case FMT_FX1R:
    case FMT_XF1R:
        return x | rd | rs1 | rm;
    }
    return 0;
}

#endif
