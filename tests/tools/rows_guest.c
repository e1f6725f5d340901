/* rows_guest.c: writes the assembly part of the guest program that compares single instructions with qemu-riscv64.
 *
 *     rows_guest > rows.s        to be linked with tests/qemu/rows.c
 *
 * From each 32-bit row of cpu/riscv.def that computes, loads or stores, and that qemu-riscv64 knows, a few instances:
 * with immediates at their corners, and with each rounding mode, static and from frm. Each is a function that takes its
 * operands from a struct and puts the results back (see rows.c).
 */
#include <stdio.h>
#include <string.h>

#include "../../cli/fuzz/encode.h"

enum { X_OLD = 10, X1 = 11, X2 = 12, F_OLD = 10, F1 = 11, F2 = 12, F3 = 13 };
enum { USES_FRM = 1, USES_MEMORY = 2 };

static const char *const known[] = {"I",   "M",      "F",    "D",    "Zba",  "Zbb",  "Zbc", "Zbs",
                                    "Zfh", "Zfhmin", "Zbkb", "Zbkx", "Zkne", "Zknd", "Zknh"};
static unsigned count;

static bool is_known(const char *token) {
    size_t length = strcspn(token, "_");
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strlen(known[i]) == length && !strncmp(known[i], token, length))
            return true;
    return false;
}

static void instance(const struct isa *isa, const struct insn *insn, unsigned flags) {
    uint32_t bits = encode_insn(insn);
    struct insn back;
    char text[128];
    insn_decode(isa, bits, &back);
    if (back.id != insn->id) /* an immediate that this row does not have */
        return;
    insn_disassemble(&back, 0, text, sizeof text);
    for (char *c = text; *c; c++)
        if (*c == '\t')
            *c = ' ';
    printf("1:\tENTER\n\t.4byte %#x\n\tLEAVE\n\t.section .rodata\n2:\t.asciz \"%s\"\n\t.section .table,\"aw\"\n", bits,
           text);
    printf("\t.dword 1b, 2b, %u\n\t.text\n", flags);
    count++;
}

static void row(const struct isa *isa, unsigned id) {
    static const int shamts[] = {0, 1, 5, 31, 32, 33, 63}, imms[] = {0, 1, -1, 2047, -2048, 0x555},
                     offsets[] = {0, 8, -16, 6};
    struct insn insn = {.id = (uint16_t)id, .rd = X_OLD, .rs1 = X1, .rs2 = X2, .rs3 = F3};
    switch ((enum insn_format)insn_rows[id].format) {
    case FMT_R:
    case FMT_R1:
        instance(isa, &insn, 0);
        insn.rd = X1; /* result over an operand */
        instance(isa, &insn, 0);
        break;
    case FMT_F3:
    case FMT_FX2:
    case FMT_FX1:
    case FMT_XF1:
        instance(isa, &insn, 0);
        break;
    case FMT_I:
        for (size_t i = 0; i < sizeof imms / sizeof imms[0]; i++)
            insn.imm = imms[i], instance(isa, &insn, 0);
        break;
    case FMT_SH:
        for (size_t i = 0; i < sizeof shamts / sizeof shamts[0]; i++)
            insn.imm = shamts[i], instance(isa, &insn, 0);
        break;
    case FMT_RNUM:
        for (insn.imm = 0; insn.imm <= 10; insn.imm++)
            instance(isa, &insn, 0);
        break;
    case FMT_IL:
    case FMT_S:
    case FMT_FIL:
    case FMT_FST:
        for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++)
            insn.imm = offsets[i], instance(isa, &insn, USES_MEMORY);
        break;
    case FMT_F4R:
    case FMT_F3R:
    case FMT_F2R:
    case FMT_FX1R:
    case FMT_XF1R:
        for (insn.rm = 0; insn.rm < 5; insn.rm++)
            instance(isa, &insn, 0);
        insn.rm = 7;
        instance(isa, &insn, USES_FRM);
        break;
    default: /* jumps, system instructions, atomics: whole programs test those */
        break;
    }
}

int main(void) {
    struct isa isa;
    char err[128];
    if (!isa_parse(&isa, "max", err, sizeof err))
        return 1;
    /* a0: struct operands */
    puts("\t.macro ENTER\n\tmv t0, a0\n\tld t1, 56(t0)\n\tfscsr t1\n\tld a0, 0(t0)\n\tld a1, 8(t0)\n\tld a2, 16(t0)\n"
         "\tfld fa0, 24(t0)\n\tfld fa1, 32(t0)\n\tfld fa2, 40(t0)\n\tfld fa3, 48(t0)\n\t.endm\n"
         "\t.macro LEAVE\n\tsd a0, 0(t0)\n\tsd a1, 8(t0)\n\tfsd fa0, 24(t0)\n\tfrcsr t1\n\tsd t1, "
         "56(t0)\n\tret\n\t.endm\n"
         "\t.option norvc\n\t.section .table,\"aw\"\n\t.balign 8\n\t.globl row_table\nrow_table:\n\t.text");
    for (unsigned id = 1; id < INSN_COUNT; id++)
        if (is_known(insn_rows[id].extension))
            row(&isa, id);
    printf("\t.section .rodata\n\t.balign 8\n\t.globl row_count\nrow_count:\n\t.dword %u\n", count);
    return ferror(stdout) != 0;
}
