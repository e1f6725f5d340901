/* asm.c: see asm.h. */
#include "asm.h"

#include <string.h>

void asm_byte(struct assembler *a, unsigned v) {
    if (a->p < a->end)
        *a->p++ = (uint8_t)v;
    else
        a->overflow = true;
}
void asm_u32(struct assembler *a, uint32_t v) {
    if (a->end - a->p < 4) {
        a->overflow = true;
        return;
    }
    memcpy(a->p, &v, 4);
    a->p += 4;
}
void asm_u64(struct assembler *a, uint64_t v) {
    asm_u32(a, (uint32_t)v);
    asm_u32(a, (uint32_t)(v >> 32));
}

static void prefix_byte(struct assembler *a, unsigned op) {
    static const uint8_t bytes[] = {0, 0x66, 0xf3, 0xf2};
    if (op >> 12 & 3)
        asm_byte(a, bytes[op >> 12 & 3]);
}
static void opcode_bytes(struct assembler *a, unsigned op) {
    switch (op & 0x300) {
    case MAP_0F:
        asm_byte(a, 0x0f);
        break;
    case MAP_0F38:
        asm_byte(a, 0x0f);
        asm_byte(a, 0x38);
        break;
    case MAP_0F3A:
        asm_byte(a, 0x0f);
        asm_byte(a, 0x3a);
        break;
    default:
        break;
    }
    asm_byte(a, op & 0xff);
}
static void rex(struct assembler *a, bool wide, int reg, int index, int base, bool force) {
    unsigned r = 0x40 | (unsigned)wide << 3 | (unsigned)(reg >> 3 & 1) << 2 | (unsigned)(index >> 3 & 1) << 1 |
                 (unsigned)(base >> 3 & 1);
    if (r != 0x40 || force)
        asm_byte(a, r);
}
static void modrm_mem(struct assembler *a, int reg, struct mem m, bool disp8) {
    unsigned r = (unsigned)(reg & 7) << 3, base = (unsigned)m.base & 7;
    bool none = m.disp == 0 && base != 5, small = disp8 && m.disp == (int8_t)m.disp;
    unsigned mod = none ? 0 : small ? 0x40 : 0x80;
    if (m.index != NO_REG || base == 4) {
        unsigned index = m.index == NO_REG ? 4 : (unsigned)m.index & 7;
        asm_byte(a, mod | r | 4);
        asm_byte(a, (unsigned)m.scale << 6 | index << 3 | base);
    } else {
        asm_byte(a, mod | r | base);
    }
    if (mod == 0x40)
        asm_byte(a, (unsigned)m.disp & 0xff);
    else if (mod == 0x80)
        asm_u32(a, (uint32_t)m.disp);
}

void asm_rr(struct assembler *a, unsigned op, bool wide, int reg, int rm) {
    prefix_byte(a, op);
    rex(a, wide, reg, 0, rm, (op & OP_BYTE) && (reg >= 4 || rm >= 4));
    opcode_bytes(a, op);
    asm_byte(a, 0xc0 | (unsigned)(reg & 7) << 3 | (unsigned)(rm & 7));
}
void asm_rm(struct assembler *a, unsigned op, bool wide, int reg, struct mem m) {
    prefix_byte(a, op);
    rex(a, wide, reg, m.index == NO_REG ? 0 : m.index, m.base, (op & OP_BYTE) && reg >= 4);
    opcode_bytes(a, op);
    modrm_mem(a, reg, m, true);
}
void asm_mov_imm(struct assembler *a, int reg, uint64_t value) {
    if (value == (uint32_t)value) {
        rex(a, false, 0, 0, reg, false);
        asm_byte(a, 0xb8 | (unsigned)(reg & 7));
        asm_u32(a, (uint32_t)value);
    } else if ((int64_t)value == (int32_t)value) {
        asm_rr(a, 0xc7, true, 0, reg);
        asm_u32(a, (uint32_t)value);
    } else {
        rex(a, true, 0, 0, reg, false);
        asm_byte(a, 0xb8 | (unsigned)(reg & 7));
        asm_u64(a, value);
    }
}
void asm_mov(struct assembler *a, bool wide, int to, int from) {
    if (to != from || !wide)
        asm_rr(a, 0x8b, wide, to, from);
}
void asm_alu_rr(struct assembler *a, enum alu op, bool wide, int to, int from) {
    asm_rr(a, 0x03 + 8 * op, wide, to, from);
}
void asm_alu_rm(struct assembler *a, enum alu op, bool wide, int to, struct mem m) {
    asm_rm(a, 0x03 + 8 * op, wide, to, m);
}
void asm_alu_ri(struct assembler *a, enum alu op, bool wide, int to, int32_t imm) {
    bool small = imm == (int8_t)imm;
    asm_rr(a, small ? 0x83 : 0x81, wide, (int)op, to);
    if (small)
        asm_byte(a, (unsigned)imm & 0xff);
    else
        asm_u32(a, (uint32_t)imm);
}
void asm_alu_mi(struct assembler *a, enum alu op, bool wide, struct mem m, int32_t imm) {
    bool small = imm == (int8_t)imm;
    asm_rm(a, small ? 0x83 : 0x81, wide, (int)op, m);
    if (small)
        asm_byte(a, (unsigned)imm & 0xff);
    else
        asm_u32(a, (uint32_t)imm);
}
void asm_shift_ri(struct assembler *a, enum shift op, bool wide, int reg, unsigned amount) {
    asm_rr(a, amount == 1 ? 0xd1 : 0xc1, wide, (int)op, reg);
    if (amount != 1)
        asm_byte(a, amount);
}
void asm_jmp_mem(struct assembler *a, struct mem m) { asm_rm(a, 0xff, false, 4, m); }
void asm_call_mem(struct assembler *a, struct mem m) { asm_rm(a, 0xff, false, 2, m); }
void asm_push(struct assembler *a, int reg) {
    rex(a, false, 0, 0, reg, false);
    asm_byte(a, 0x50 | (unsigned)(reg & 7));
}
void asm_pop(struct assembler *a, int reg) {
    rex(a, false, 0, 0, reg, false);
    asm_byte(a, 0x58 | (unsigned)(reg & 7));
}

static void vex(struct assembler *a, unsigned op, bool wide, int reg, int vvvv, int index, int base) {
    unsigned map = op >> 8 & 3, pp = op >> 12 & 3;
    unsigned v = (~(unsigned)vvvv & 15) << 3;
    if (map == 1 && !wide && index < 8 && base < 8) {
        asm_byte(a, 0xc5);
        asm_byte(a, (reg < 8 ? 0x80u : 0) | v | pp);
    } else {
        asm_byte(a, 0xc4);
        asm_byte(a, (reg < 8 ? 0x80u : 0) | (index < 8 ? 0x40u : 0) | (base < 8 ? 0x20u : 0) | map);
        asm_byte(a, (unsigned)wide << 7 | v | pp);
    }
    asm_byte(a, op & 0xff);
}
void asm_vex_gpr(struct assembler *a, unsigned op, bool wide, int reg, int vvvv, int rm) {
    vex(a, op, wide, reg, vvvv, 0, rm);
    asm_byte(a, 0xc0 | (unsigned)(reg & 7) << 3 | (unsigned)(rm & 7));
}

/* EVEX: scalar, no masking, no broadcast; in a register operand bit 4 of rm travels in X. */
static void evex(struct assembler *a, unsigned op, bool wide, int reg, int vvvv, int x, int base, bool sae) {
    unsigned map = op >> 8 & 3, pp = op >> 12 & 3;
    asm_byte(a, 0x62);
    asm_byte(a, (reg & 8 ? 0 : 0x80u) | (x ? 0 : 0x40u) | (base & 8 ? 0 : 0x20u) | (reg & 16 ? 0 : 0x10u) | map);
    asm_byte(a, (unsigned)wide << 7 | (~(unsigned)vvvv & 15) << 3 | 4 | pp);
    asm_byte(a, (vvvv & 16 ? 0 : 8u) | (sae ? 0x10u : 0));
    asm_byte(a, op & 0xff);
}

/* Whether the EVEX form of a scalar double or packed double instruction wants W: those with prefix 66 or F2 in map 0F.
 */
static bool evex_w(unsigned op, bool wide) {
    if ((op & 0x300) != MAP_0F)
        return wide;
    switch (op & 0xff) {
    case 0x2a:
    case 0x2c:
    case 0x2d:
    case 0x78:
    case 0x79:
    case 0x7b:
    case 0x6e:
    case 0x7e:
    case 0xd6:
        return wide || op == (OP_F3 | MAP_0F | 0x7e) || op == (OP_66 | MAP_0F | 0xd6);
    default:
        return (op & 0x3000) == OP_F2 || (op & 0x3000) == OP_66;
    }
}

void asm_fp_rr(struct assembler *a, bool avx, unsigned op, bool wide, int reg, int vvvv, int rm) {
    if (!avx) {
        asm_rr(a, op, wide, reg, rm);
        return;
    }
    if (reg >= 16 || rm >= 16 || vvvv >= 16 || (op & 0xfe) == 0x78 || (op & 0xff) == 0x7b)
        evex(a, op, evex_w(op, wide), reg, vvvv, rm & 16, rm, false);
    else
        vex(a, op, wide, reg, vvvv, 0, rm);
    asm_byte(a, 0xc0 | (unsigned)(reg & 7) << 3 | (unsigned)(rm & 7));
}
void asm_evex_sae_rr(struct assembler *a, unsigned op, bool wide, int reg, int rm) {
    evex(a, op, wide, reg, 0, rm & 16, rm, true);
    asm_byte(a, 0xc0 | (unsigned)(reg & 7) << 3 | (unsigned)(rm & 7));
}
void asm_fp_rm(struct assembler *a, bool avx, unsigned op, bool wide, int reg, int vvvv, struct mem m) {
    if (!avx) {
        asm_rm(a, op, wide, reg, m);
        return;
    }
    int index = m.index == NO_REG ? 0 : m.index;
    if (reg >= 16 || vvvv >= 16) {
        evex(a, op, evex_w(op, wide), reg, vvvv, index & 8, m.base, false);
        modrm_mem(a, reg, m, false); /* an 8-bit displacement would be scaled */
    } else {
        vex(a, op, wide, reg, vvvv, index, m.base);
        modrm_mem(a, reg, m, true);
    }
}

static uint32_t displacement(struct assembler *a) {
    uint32_t at = asm_offset(a);
    asm_u32(a, 0);
    return at;
}
/* Nops so that the 4 bytes that start `ahead` bytes from here lie within 8 aligned bytes. */
static void align_displacement(struct assembler *a, unsigned ahead) {
    static const uint8_t nops[4][3] = {{0}, {0x90}, {0x66, 0x90}, {0x0f, 0x1f, 0x00}};
    unsigned at = ((unsigned)(uintptr_t)a->p + ahead) & 7;
    unsigned pad = at > 4 ? 8 - at : 0;
    for (unsigned i = 0; i < pad; i++)
        asm_byte(a, nops[pad][i]);
}
uint32_t asm_jcc32(struct assembler *a, enum cond cc) {
    asm_byte(a, 0x0f);
    asm_byte(a, 0x80 | (unsigned)cc);
    return displacement(a);
}
uint32_t asm_jmp32(struct assembler *a) {
    asm_byte(a, 0xe9);
    return displacement(a);
}
uint32_t asm_call32(struct assembler *a) {
    asm_byte(a, 0xe8);
    return displacement(a);
}
uint32_t asm_jcc32_patchable(struct assembler *a, enum cond cc) {
    align_displacement(a, 2);
    return asm_jcc32(a, cc);
}
uint32_t asm_jmp32_patchable(struct assembler *a) {
    align_displacement(a, 1);
    return asm_jmp32(a);
}
uint32_t asm_call32_patchable(struct assembler *a) {
    align_displacement(a, 1);
    return asm_call32(a);
}
void asm_patch32(struct assembler *a, uint32_t offset, uint32_t target) {
    if (a->overflow)
        return;
    uint32_t v = target - (offset + 4);
    memcpy(a->start + offset, &v, 4);
}
