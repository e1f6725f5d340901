/* asm.h: an x86-64 assembler: just the forms that the translator emits.
 *
 * Opcodes carry their prefix and map: OP_F2 | MAP_0F | 0x58 is addsd.  Registers are numbers 0 to 15 (xmm to 31 with EVEX).
 * Source: Intel 64 and IA-32 Software Developer's Manual, volume 2, chapter 2 "Instruction format".
 */
#ifndef TRANSLATE_X86_64_ASM_H
#define TRANSLATE_X86_64_ASM_H

#include <stdbool.h>
#include <stdint.h>

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };
enum { NO_REG = -1 };
enum {
    MAP_0F = 0x100, MAP_0F38 = 0x200, MAP_0F3A = 0x300,
    OP_66 = 0x1000, OP_F3 = 0x2000, OP_F2 = 0x3000,
    OP_BYTE = 0x10000, /* byte registers: sil, dil ... need a REX prefix */
};
enum cond { CC_O, CC_NO, CC_B, CC_AE, CC_E, CC_NE, CC_BE, CC_A, CC_S, CC_NS, CC_P, CC_NP, CC_L, CC_GE, CC_LE, CC_G };
/* the /digit of the group-1 instructions; add r, rm is 0x03 + 8 * digit */
enum alu { ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP };
enum shift { SHIFT_ROL, SHIFT_ROR, SHIFT_RCL, SHIFT_RCR, SHIFT_SHL, SHIFT_SHR, SHIFT_SAR = 7 };

struct mem {
    int base;  /* register */
    int index; /* register or NO_REG */
    int scale; /* log2: 0 to 3 */
    int32_t disp;
};

/* Writes past end are dropped and set overflow: the caller checks once. */
struct assembler {
    uint8_t *start, *p, *end;
    bool overflow;
};

static inline struct mem mem_at(int base, int32_t disp) { return (struct mem){base, NO_REG, 0, disp}; }

void asm_byte(struct assembler *a, unsigned v);
void asm_u32(struct assembler *a, uint32_t v);
void asm_u64(struct assembler *a, uint64_t v);
static inline uint32_t asm_offset(const struct assembler *a) { return (uint32_t)(a->p - a->start); }

/* wide: 64-bit operands. reg is ModRM.reg, or the /digit. */
void asm_rr(struct assembler *a, unsigned op, bool wide, int reg, int rm);
void asm_rm(struct assembler *a, unsigned op, bool wide, int reg, struct mem m);
void asm_mov_imm(struct assembler *a, int reg, uint64_t value); /* shortest form; flags untouched */
void asm_mov(struct assembler *a, bool wide, int to, int from); /* nothing if to == from and wide */
void asm_alu_rr(struct assembler *a, enum alu op, bool wide, int to, int from);
void asm_alu_rm(struct assembler *a, enum alu op, bool wide, int to, struct mem m);
void asm_alu_ri(struct assembler *a, enum alu op, bool wide, int to, int32_t imm);
void asm_alu_mi(struct assembler *a, enum alu op, bool wide, struct mem m, int32_t imm);
void asm_shift_ri(struct assembler *a, enum shift op, bool wide, int reg, unsigned amount);
void asm_jmp_mem(struct assembler *a, struct mem m);
void asm_call_mem(struct assembler *a, struct mem m);
void asm_push(struct assembler *a, int reg);
void asm_pop(struct assembler *a, int reg);
/* VEX-encoded integer instruction (BMI): reg, vvvv and rm are general registers. */
void asm_vex_gpr(struct assembler *a, unsigned op, bool wide, int reg, int vvvv, int rm);

/* SSE, VEX or EVEX: whatever the registers need and the machine has.  avx false: legacy encoding, vvvv ignored. */
void asm_fp_rr(struct assembler *a, bool avx, unsigned op, bool wide, int reg, int vvvv, int rm);
void asm_fp_rm(struct assembler *a, bool avx, unsigned op, bool wide, int reg, int vvvv, struct mem m);

/* EVEX register form with all exceptions suppressed ({sae}). */
void asm_evex_sae_rr(struct assembler *a, unsigned op, bool wide, int reg, int rm);

/* Forward jumps within the code: a 32-bit displacement to be set later. Returns the displacement's offset. */
uint32_t asm_jcc32(struct assembler *a, enum cond cc);
uint32_t asm_jmp32(struct assembler *a);
uint32_t asm_call32(struct assembler *a);
/* The same, with nops before so that the displacement does not cross an 8-byte boundary (patched while it runs). */
uint32_t asm_jcc32_patchable(struct assembler *a, enum cond cc);
uint32_t asm_jmp32_patchable(struct assembler *a);
uint32_t asm_call32_patchable(struct assembler *a);
/* Sets the displacement at offset so that it leads to target (an offset). */
void asm_patch32(struct assembler *a, uint32_t offset, uint32_t target);
static inline void asm_patch_here(struct assembler *a, uint32_t offset) { asm_patch32(a, offset, asm_offset(a)); }

#endif
