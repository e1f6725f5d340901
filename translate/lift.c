/* lift.c: from guest code to IR.
 *
 * A block runs on over conditional branches that go forward (they become side exits) and over forward jumps, and ends
 * at calls, returns, computed jumps, backward branches and whatever the engine must do.  The meaning of each
 * instruction is its effect in cpu/riscv.def, expanded here to builder calls.
 */
#include "engine.h"
#include "lift.h"
#include "../cpu/crypto.h"
#include "lift_internal.h"

/* ---- leaving the block ---- */

void lift_leave_to_engine(struct lifter *l, enum ir_leave why, uint64_t pc) {
    if (why == LEAVE_FENCE_I)
        lift_close_records(l);
    ir_ref r = lift_node(l, IR_exit_engine, IR_NONE, IR_NONE, IR_NONE, (int64_t)pc);
    l->b->nodes[r].aux = (uint16_t)why;
    l->done = true;
}
void lift_interpret_this(struct lifter *l) { lift_leave_to_engine(l, LEAVE_INTERPRET, l->pc); }
/* The block ends with what the engine does in system mode. */
static void leave_by(struct lifter *l, enum ir_system what, ir_ref address) {
    if (!l->config->privileged) {
        lift_interpret_this(l);
        return;
    }
    ir_ref r =
        lift_node(l, IR_exit_system, address == IR_NONE ? konst(l, 0) : address, IR_NONE, IR_NONE, (int64_t)l->next);
    l->b->nodes[r].aux = (uint16_t)what;
    l->done = true;
}
static void trap(struct lifter *l, unsigned cause, uint64_t tval) {
    ir_ref r = lift_node(l, IR_exit_trap, IR_NONE, IR_NONE, IR_NONE, 0);
    l->b->nodes[r].aux = (uint16_t)cause;
    l->b->nodes[r].imm2 = (int64_t)tval;
    l->done = true;
}
static uint64_t mask_pc(const struct lifter *l, uint64_t pc) { return rv32(l) ? (uint32_t)pc : pc; }
static bool misaligned_target(const struct lifter *l, uint64_t target) {
    return (target & 2) && !(l->config->isa->exts >> EXT_C & 1);
}

static void branch(struct lifter *l, ir_ref cond, uint64_t target) {
    target = mask_pc(l, target);
    if (misaligned_target(l, target)) {
        lift_interpret_this(l);
        return;
    }
    if (ir_is_const(l->b, cond) && l->b->nodes[cond].imm == 0)
        return;
    lift_close_records(l);
    lift_node(l, IR_exit_if, cond, IR_NONE, IR_NONE, (int64_t)target);
    if (target <= l->pc && !l->lr_size) { /* between LR and SC the way on matters more */
        lift_node(l, IR_exit, IR_NONE, IR_NONE, IR_NONE, (int64_t)l->next);
        l->done = true;
    } else if (l->record) {
        record_lift_open(l->record, l->b, node_pc(l));
    }
}

static void jump(struct lifter *l, ir_ref to) {
    uint64_t target = mask_pc(l, (uint64_t)l->b->nodes[to].imm);
    if (misaligned_target(l, target)) {
        lift_interpret_this(l);
        return;
    }
    unsigned rd = l->insn.rd;
    lift_set_x(l, rd, konst(l, l->next));
    if (rd == 1 || rd == 5) {
        lift_close_records(l);
        ir_ref r = lift_node(l, IR_exit_call, IR_NONE, IR_NONE, IR_NONE, (int64_t)target);
        l->b->nodes[r].imm2 = (int64_t)l->next;
        l->done = true;
    } else if (target > l->pc && target - l->b->pc < 4096 && !(l->config->board && (target ^ l->b->pc) >= 4096)) {
        l->follow = target;
    } else {
        lift_close_records(l);
        lift_node(l, IR_exit, IR_NONE, IR_NONE, IR_NONE, (int64_t)target);
        l->done = true;
    }
}

static void jump_reg(struct lifter *l, ir_ref to) {
    unsigned rd = l->insn.rd, rs1 = l->insn.rs1;
    if (ir_is_const(l->b, to)) { /* auipc or lui before it */
        jump(l, to);
        return;
    }
    if (!(l->config->isa->exts >> EXT_C & 1)) {
        lift_interpret_this(l); /* the alignment check is the interpreter's */
        return;
    }
    if (rv32(l))
        to = un(l, IR_zext32, to);
    lift_set_x(l, rd, konst(l, l->next));
    lift_close_records(l);
    bool links = rd == 1 || rd == 5, returns = rs1 == 1 || rs1 == 5;
    uint64_t likely = 0;
    if (l->config->likely_target && !(returns && rd == 0))
        likely = l->config->likely_target(l->config->likely_ctx, l->b->pc, l->pc);
    if (links) {
        ir_ref r = lift_node(l, likely ? IR_exit_call_likely : IR_exit_call_reg, to, IR_NONE, IR_NONE, (int64_t)likely);
        l->b->nodes[r].imm2 = (int64_t)l->next;
    } else {
        lift_node(l,
                  returns && rd == 0 ? IR_exit_ret
                  : likely           ? IR_exit_likely
                                     : IR_exit_reg,
                  to, IR_NONE, IR_NONE, (int64_t)likely);
    }
    l->done = true;
}

bool lift_is_recorded(const struct lift_config *c, uint64_t pc) {
    const struct observer *o = c->observer;
    return o && __atomic_load_n(&o->kinds, __ATOMIC_RELAXED) && (!o->filter || o->filter(o->ctx, pc));
}

/* aes64ks1i and aes64ks2: words of an AES key schedule, both halves the same but for what is added. */
static ir_ref lift_aes_key_step(struct lifter *l, ir_ref v) {
    unsigned round = (unsigned)l->insn.imm;
    ir_ref shift = konst(l, 32), word = un(l, IR_aes_sub, bin(l, IR_shr, v, shift));
    if (round < 10)
        word = un(l, IR_zext32, bin(l, IR_rorw, word, konst(l, 8)));
    word = bin(l, IR_xor, word, konst(l, crypto_aes_round_constants[round]));
    return bin(l, IR_or, word, bin(l, IR_shl, word, shift));
}
static ir_ref lift_aes_key_mix(struct lifter *l, ir_ref a, ir_ref b) {
    ir_ref shift = konst(l, 32), t = bin(l, IR_xor, b, bin(l, IR_shr, a, shift));
    return bin(l, IR_xor, t, bin(l, IR_shl, t, shift));
}

/* ---- the vocabulary ---- */

#define RS1 lift_get_x(l, in->rs1)
#define RS2 lift_get_x(l, in->rs2)
#define IMM konst(l, (uint64_t)(int64_t)in->imm)
#define PC konst(l, l->pc)
#define NEXT konst(l, l->next)
#define K(n) konst(l, (uint64_t)(n))
#define WR(v) lift_set_x(l, in->rd, v)
#define ADD(a, b) bin(l, IR_add, a, b)
#define SUB(a, b) bin(l, IR_sub, a, b)
#define AND(a, b) bin(l, IR_and, a, b)
#define OR(a, b) bin(l, IR_or, a, b)
#define XOR(a, b) bin(l, IR_xor, a, b)
#define NOT(a) bin(l, IR_xor, a, konst(l, ~0ull))
#define EQ(a, b) bin(l, IR_eq, a, b)
#define NE(a, b) bin(l, IR_ne, a, b)
#define LT(a, b) bin(l, IR_lt, a, b)
#define LTU(a, b) bin(l, IR_ltu, a, b)
#define GE(a, b) bin(l, IR_ge, a, b)
#define GEU(a, b) bin(l, IR_geu, a, b)
#define BYXLEN(wide, narrow) (rv32(l) ? narrow : wide)
#define SHL(a, b) bin(l, BYXLEN(IR_shl, IR_shlw), a, b)
#define SHR(a, b) bin(l, BYXLEN(IR_shr, IR_shrw), a, b)
#define SAR(a, b) bin(l, BYXLEN(IR_sar, IR_sarw), a, b)
#define ROL(a, b) bin(l, BYXLEN(IR_rol, IR_rolw), a, b)
#define ROR(a, b) bin(l, BYXLEN(IR_ror, IR_rorw), a, b)
#define SHR64(a, n) bin(l, IR_shr, a, konst(l, n))
#define SHL64(a, n) bin(l, IR_shl, a, konst(l, n))
#define SHLW(a, b) bin(l, IR_shlw, a, b)
#define SHRW(a, b) bin(l, IR_shrw, a, b)
#define SARW(a, b) bin(l, IR_sarw, a, b)
#define ROLW(a, b) bin(l, IR_rolw, a, b)
#define RORW(a, b) bin(l, IR_rorw, a, b)
#define MUL(a, b) bin(l, IR_mul, a, b)
#define HIGH32(x) bin(l, IR_sar, x, konst(l, 32))
#define ZX(a) un(l, IR_zext32, a)
#define MULH(a, b) (rv32(l) ? HIGH32(bin(l, IR_mul, a, b)) : bin(l, IR_mulh, a, b))
#define MULHU(a, b) (rv32(l) ? HIGH32(bin(l, IR_mul, ZX(a), ZX(b))) : bin(l, IR_mulhu, a, b))
#define MULHSU(a, b) (rv32(l) ? HIGH32(bin(l, IR_mul, a, ZX(b))) : bin(l, IR_mulhsu, a, b))
#define DIV(a, b) bin(l, BYXLEN(IR_div, IR_divw), a, b)
#define DIVU(a, b) bin(l, BYXLEN(IR_divu, IR_divuw), a, b)
#define REM(a, b) bin(l, BYXLEN(IR_rem, IR_remw), a, b)
#define REMU(a, b) bin(l, BYXLEN(IR_remu, IR_remuw), a, b)
#define DIVW(a, b) bin(l, IR_divw, a, b)
#define DIVUW(a, b) bin(l, IR_divuw, a, b)
#define REMW(a, b) bin(l, IR_remw, a, b)
#define REMUW(a, b) bin(l, IR_remuw, a, b)
#define CLZ(a) un(l, BYXLEN(IR_clz, IR_clzw), a)
#define CTZ(a) un(l, BYXLEN(IR_ctz, IR_ctzw), a)
#define CPOP(a) un(l, BYXLEN(IR_cpop, IR_cpopw), a)
#define CLZW(a) un(l, IR_clzw, a)
#define CTZW(a) un(l, IR_ctzw, a)
#define CPOPW(a) un(l, IR_cpopw, a)
#define REV8(a) (rv32(l) ? HIGH32(un(l, IR_rev8, a)) : un(l, IR_rev8, a))
#define ORCB(a) un(l, IR_orcb, a)
#define BREV8(a) un(l, IR_brev8, a)
#define XPERM8(a, b) bin(l, IR_xperm8, a, b)
#define XPERM4(a, b) bin(l, IR_xperm4, a, b)
#define AES64ES(a, b) bin(l, IR_aes64es, a, b)
#define AES64ESM(a, b) bin(l, IR_aes64esm, a, b)
#define AES64DS(a, b) bin(l, IR_aes64ds, a, b)
#define AES64DSM(a, b) bin(l, IR_aes64dsm, a, b)
#define AES64IM(a) un(l, IR_aes64im, a)
#define AES64KS1I(a) lift_aes_key_step(l, a)
#define AES64KS2(a, b) lift_aes_key_mix(l, a, b)
/* On RV32 a carry-less product of zero-extended values has all its bits in 64. */
#define CLMUL(a, b) bin(l, IR_clmul, a, b)
#define CLMULH(a, b) (rv32(l) ? HIGH32(bin(l, IR_clmul, ZX(a), ZX(b))) : bin(l, IR_clmulh, a, b))
#define CLMULR(a, b)                                                                                                   \
    (rv32(l) ? bin(l, IR_shr, bin(l, IR_clmul, ZX(a), ZX(b)), konst(l, 31))                                            \
             : bin(l, IR_or, bin(l, IR_shl, bin(l, IR_clmulh, a, b), konst(l, 1)),                                     \
                   bin(l, IR_shr, bin(l, IR_clmul, a, b), konst(l, 63))))
#define MIN(a, b) bin(l, IR_min, a, b)
#define MAX(a, b) bin(l, IR_max, a, b)
#define MINU(a, b) bin(l, IR_minu, a, b)
#define MAXU(a, b) bin(l, IR_maxu, a, b)
#define SELECT(cond, v, w) ir_add(l->b, IR_select, cond, v, w, 0)
#define SEXT8(a) un(l, IR_sext8, a)
#define SEXT16(a) un(l, IR_sext16, a)
#define SEXT32(a) un(l, IR_sext32, a)
#define ZEXT8(a) un(l, IR_zext8, a)
#define ZEXT16(a) un(l, IR_zext16, a)
#define ZEXT32(a) un(l, IR_zext32, a)
#define LOAD_S8(a) lift_load(l, IR_load_s8, a)
#define LOAD_U8(a) lift_load(l, IR_load_u8, a)
#define LOAD_S16(a) lift_load(l, IR_load_s16, a)
#define LOAD_U16(a) lift_load(l, IR_load_u16, a)
#define LOAD_S32(a) lift_load(l, IR_load_s32, a)
#define LOAD_U32(a) lift_load(l, IR_load_u32, a)
#define LOAD_64(a) lift_load(l, IR_load_64, a)
#define STORE_8(a, v) lift_store(l, IR_store_8, a, v)
#define STORE_16(a, v) lift_store(l, IR_store_16, a, v)
#define STORE_32(a, v) lift_store(l, IR_store_32, a, v)
#define STORE_64(a, v) lift_store(l, IR_store_64, a, v)
#define BRANCH(c) branch(l, c, l->pc + (uint64_t)(int64_t)in->imm)
#define JUMP(t) jump(l, t)
#define JUMP_REG(t) jump_reg(l, t)
#define FMTOF_H FMT_H
#define FMTOF_S FMT_SINGLE
#define FMTOF_D FMT_D
#define FRS1(f) lift_get_f(l, FMTOF_##f, in->rs1)
#define FRS2(f) lift_get_f(l, FMTOF_##f, in->rs2)
#define FRS3(f) lift_get_f(l, FMTOF_##f, in->rs3)
#define FRAW1 un(l, IR_f_bits, lift_get_f_raw(l, in->rs1))
#define FWR(f, v) lift_put_f(l, FMTOF_##f, v)
#define FWR_RAW(v) lift_set_f_raw(l, in->rd, v)
#define FLOAD(f, a) lift_fload(l, FMTOF_##f, a)
#define FSTORE(f, a) lift_fstore(l, FMTOF_##f, a)
/* the helper of an operation in format f */
#define HELPER_H(op) op##_h
#define HELPER_S(op) op##_s
#define HELPER_D(op) op##_d
#define HELPER(f, op) HELPER_##f(op)
/* format, IR operations for D and S, helper (H has no IR operation of its own) */
#define OPS(f, name) FMTOF_##f, IR_f_##name##_d, IR_f_##name##_s, HELPER(f, fp_##name)
#define F_ADD(f, a, b) lift_f_op(l, OPS(f, add), a, b, IR_NONE)
#define F_SUB(f, a, b) lift_f_op(l, OPS(f, sub), a, b, IR_NONE)
#define F_MUL(f, a, b) lift_f_op(l, OPS(f, mul), a, b, IR_NONE)
#define F_DIV(f, a, b) lift_f_op(l, OPS(f, div), a, b, IR_NONE)
#define F_SQRT(f, a) lift_f_op(l, OPS(f, sqrt), a, IR_NONE, IR_NONE)
#define F_MADD(f, a, b, c) lift_f_op(l, OPS(f, madd), a, b, c)
#define F_NEG(f, a) lift_f_neg(l, FMTOF_##f, a)
#define F_MIN(f, a, b) lift_f_plain(l, OPS(f, min), a, b)
#define F_MAX(f, a, b) lift_f_plain(l, OPS(f, max), a, b)
#define F_EQ(f, a, b) lift_f_plain(l, OPS(f, eq), a, b)
#define F_LT(f, a, b) lift_f_plain(l, OPS(f, lt), a, b)
#define F_LE(f, a, b) lift_f_plain(l, OPS(f, le), a, b)
#define F_LTQ(f, a, b) lift_f_plain(l, OPS(f, ltq), a, b)
#define F_LEQ(f, a, b) lift_f_plain(l, OPS(f, leq), a, b)
#define F_SGNJ(f, a, b) lift_f_sgnj(l, FMTOF_##f, SIGN_COPY, a, b)
#define F_SGNJN(f, a, b) lift_f_sgnj(l, FMTOF_##f, SIGN_NOT, a, b)
#define F_SGNJX(f, a, b) lift_f_sgnj(l, FMTOF_##f, SIGN_XOR, a, b)
#define F_HELPER(f, name, a, b)                                                                                        \
    lift_from_bits(l, FMTOF_##f, lift_f_helper(l, FMTOF_##f, HELPER(f, fp_##name), a, b, IR_NONE))
#define F_MINM(f, a, b) F_HELPER(f, minm, a, b)
#define F_MAXM(f, a, b) F_HELPER(f, maxm, a, b)
#define F_ROUND(f, a) F_HELPER(f, round, a, IR_NONE)
#define F_ROUNDNX(f, a) F_HELPER(f, roundnx, a, IR_NONE)
#define F_CLASS(f, a) lift_f_helper(l, FMTOF_##f, HELPER(f, fp_class), a, IR_NONE, IR_NONE)
#define F_MODW(a) lift_call(l, fp_modw, lift_to_bits(l, FMT_D, a), IR_NONE, IR_NONE, 0)
#define F_LI(f) lift_from_bits(l, FMTOF_##f, lift_call(l, HELPER(f, fp_li), konst(l, in->rs1), IR_NONE, IR_NONE, 0))
#define F_TO_W(f, a) lift_f_to(l, OPS(f, to_w), a)
#define F_TO_WU(f, a) lift_f_to(l, OPS(f, to_wu), a)
#define F_TO_L(f, a) lift_f_to(l, OPS(f, to_l), a)
#define F_TO_LU(f, a) lift_f_to(l, OPS(f, to_lu), a)
#define F_TO(f, i, a) F_TO_##i(f, a)
#define IS_D_H false
#define IS_D_S false
#define IS_D_D true
#define F_FROM_W(f, a) lift_f_from(l, OPS(f, from_w), IS_D_##f, a)
#define F_FROM_WU(f, a) lift_f_from(l, OPS(f, from_wu), IS_D_##f, a)
#define F_FROM_L(f, a) lift_f_from(l, OPS(f, from_l), false, a)
#define F_FROM_LU(f, a) lift_f_from(l, OPS(f, from_lu), false, a)
#define F_FROM(f, i, a) F_FROM_##i(f, a)
#define CVT_H_S fp_cvt_h_s
#define CVT_H_D fp_cvt_h_d
#define CVT_S_H fp_cvt_s_h
#define CVT_S_D fp_cvt_s_d
#define CVT_D_H fp_cvt_d_h
#define CVT_D_S fp_cvt_d_s
#define F_CVT(to, from, a) lift_f_cvt(l, FMTOF_##to, FMTOF_##from, CVT_##to##_##from, a)
#define LR(w) lift_load_reserved(l, w)
#define SC(w) lift_store_conditional(l, w)
#define AMO(op, w) lift_amo(l, AMO_##op, w)
#define AMOCAS(w) AMOCAS_##w
#define AMOCAS_32 lift_amocas(l, 32)
#define AMOCAS_64 lift_amocas(l, 64)
#define AMOCAS_64P lift_amocas(l, 128)
#define AMOCAS_128 lift_amocas(l, 128)
#define CSR(op) lift_csr(l, CSR_##op)
#define ECALL (l->config->privileged ? leave_by(l, DO_ECALL, IR_NONE) : trap(l, TRAP_ECALL_U, 0))
#define EBREAK trap(l, TRAP_BREAKPOINT, l->pc)
#define FENCE lift_node(l, IR_fence, IR_NONE, IR_NONE, IR_NONE, 0)
#define FENCE_I                                                                                                        \
    (l->config->privileged ? leave_by(l, DO_FENCE_I, IR_NONE) : lift_leave_to_engine(l, LEAVE_FENCE_I, l->next))
#define PAUSE lift_call(l, hart_pause, IR_NONE, IR_NONE, IR_NONE, 0)
#define CBO_ZERO lift_cbo_zero(l)
#define CBO(what) lift_cbo(l)
#define MRET leave_by(l, DO_MRET, IR_NONE)
#define SRET leave_by(l, DO_SRET, IR_NONE)
#define WFI leave_by(l, DO_WFI, IR_NONE)
#define SFENCE(a, b) leave_by(l, in->rs1 ? DO_SFENCE_PAGE : DO_SFENCE, a)
#define SFENCE_ORDER leave_by(l, DO_SFENCE_ORDER, IR_NONE)
#define NOP ((void)0)
#define SEQ(a, b) (a, b)

static void lift_insn(struct lifter *l) {
    const struct insn *in = &l->insn;
    switch (in->id) {
    case INSN_ILLEGAL:
        trap(l, TRAP_ILLEGAL, in->bits);
        break;
#define INSN(id, pattern, format, ext, effect)                                                                         \
    case INSN_##id:                                                                                                    \
        effect;                                                                                                        \
        break;
#include "../cpu/riscv.def"
    default:
        lift_interpret_this(l);
    }
}

size_t lift_fetch_insn(const struct lift_config *c, uint64_t pc, struct insn *out) {
    const uint8_t *host;
    uint32_t cause;
    for (unsigned i = 0; i < c->interpret_count; i++)
        if (pc - c->interpret[i].start < c->interpret[i].end - c->interpret[i].start)
            return 0;
    size_t room = c->mem->fetch(c->mem->ctx, pc, &host, &cause);
    if (room < 2)
        return 0;
    uint16_t low, high = 0;
    memcpy(&low, host, 2);
    if (insn_length(low) == 4) {
        if (room >= 4)
            memcpy(&high, host + 2, 2);
        else if (c->mem->fetch(c->mem->ctx, pc + 2, &host, &cause) >= 2)
            memcpy(&high, host, 2);
        else
            return 0;
    }
    insn_decode(c->isa, (uint32_t)high << 16 | low, out);
    return out->len;
}

void lift_note_read(struct lift_config *c, uint64_t offset, const struct insn *in) {
    if (c->read_count < LIFT_READ_MAX)
        c->read[c->read_count++] = (struct lift_read){(uint32_t)offset, in->bits, in->len};
}

static bool uses_rounding(uint8_t format) {
    return format == FMT_F4R || format == FMT_F3R || format == FMT_F2R || format == FMT_FX1R || format == FMT_XF1R;
}

static bool writes_csr(const struct insn *in) {
    unsigned format = insn_rows[in->id].format;
    return (format == FMT_CSR || format == FMT_CSRI) && (in->id == INSN_csrrw || in->id == INSN_csrrwi || in->rs1 != 0);
}

/* Code of the page is going to be kept: asks once a page. */
static void watch(struct lifter *l, uint64_t pc, uint64_t *watched_page) {
    uint64_t page = pc & ~0xfffull;
    if (page == *watched_page)
        return;
    *watched_page = page;
    if (!l->config->mem->watch_code(l->config->mem->ctx, page))
        l->config->watched = false;
}

/* In system mode only an instruction's first half is on a page that is watched. */
static bool check_second_half(struct lifter *l) {
    const uint8_t *host;
    uint32_t cause;
    if (l->config->mem->fetch(l->config->mem->ctx, l->pc + 2, &host, &cause) < 2)
        return false;
    ir_ref r = lift_node(l, IR_check_code, IR_NONE, IR_NONE, IR_NONE, (int64_t)(uintptr_t)host);
    l->b->nodes[r].imm2 = l->insn.bits >> 16;
    return true;
}

bool lift_block(struct ir_block *b, struct lift_config *config, uint64_t pc) {
    struct lifter l = {.b = b, .config = config, .pc = pc};
    uint64_t page = 1;
    ir_init(b, pc, config->isa->xlen);
    config->watched = true;
    config->read_count = 0;
    b->no_loop = config->no_loop;
    if (lift_is_recorded(config, pc)) {
        l.record = config->record;
        record_lift_begin(l.record, b, __atomic_load_n(&config->observer->kinds, __ATOMIC_RELAXED),
                          config->observer->stretches != NULL);
    }
    while (!l.done) {
        if (b->insns && lift_is_recorded(config, l.pc) != b->recorded)
            break; /* a block is recorded as a whole or not at all */
        /* watched before it is read: a write in between is then noticed */
        if (config->board && (l.pc ^ pc) >= 4096)
            break;
        watch(&l, l.pc, &page);
        if (!lift_fetch_insn(config, l.pc, &l.insn))
            break;
        if (config->board && ((l.pc + l.insn.len - 1) ^ pc) >= 4096) { /* it ends on another page: a block of its own */
            if (!config->privileged || b->insns || !check_second_half(&l))
                break;
            config->max_insns = 1;
        } else if (((l.pc + l.insn.len - 1) ^ l.pc) >= 4096) {
            watch(&l, l.pc + l.insn.len - 1, &page);
            if (!lift_fetch_insn(config, l.pc, &l.insn)) /* its second half was read before its page was watched */
                break;
        }
        if (b->states && b->insns && writes_csr(&l.insn))
            break; /* so that the flags before are seen */
        lift_note_read(config, l.pc - pc, &l.insn);
        if (l.pc + l.insn.len > b->end)
            b->end = l.pc + l.insn.len;
        l.next = mask_pc(&l, l.pc + l.insn.len);
        l.follow = l.next;
        if (l.record)
            record_lift_insn(l.record, &l.insn, l.pc);
        if (config->board && insn_rows[l.insn.id].format >= FMT_FIL && config->mode.fs != FS_STATE_DIRTY)
            /* illegal, or the first to touch the state, which is dirty even if it is illegal then */
            leave_by(&l, DO_FS_DIRTY, IR_NONE);
        else if (uses_rounding(insn_rows[l.insn.id].format) && l.insn.id != INSN_ILLEGAL && l.insn.rm == RM_DYN &&
                 config->mode.frm > RM_RMM)
            trap(&l, TRAP_ILLEGAL, l.insn.bits);
        else
            lift_insn(&l);
        if (l.record && !l.done)
            record_lift_done(l.record, b, node_pc(&l));
        b->insns++;
        l.pc = l.follow;
        if (!l.done && (b->insns >= config->max_insns || b->count > IR_MAX_NODES - 160 ||
                        (l.record && !record_lift_room(l.record)))) {
            lift_close_records(&l);
            lift_node(&l, IR_exit, IR_NONE, IR_NONE, IR_NONE, (int64_t)l.pc);
            if (l.record)
                record_lift_split(l.record, l.pc);
            l.done = true;
        }
    }
    if (b->insns == 0)
        return false;
    if (!l.done) { /* what follows cannot be fetched, or is recorded otherwise */
        lift_close_records(&l);
        lift_node(&l, IR_exit, IR_NONE, IR_NONE, IR_NONE, (int64_t)l.pc);
        if (l.record)
            record_lift_split(l.record, l.pc);
    }
    return !b->overflow;
}
