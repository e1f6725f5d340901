/* lift_memory.c: loads, stores, atomic accesses, LR and SC, cache blocks. */
#include "lift_internal.h"

/* The access's address for the host: in system mode what the TLB makes of it. */
static ir_ref translated(struct lifter *l, enum ir_op op, ir_ref addr, ir_ref v) {
    if (!l->config->board)
        return addr;
    static const uint16_t tlb[IR_OP_COUNT] = {
        [IR_load_s8] = IR_tlb_r8,   [IR_load_u8] = IR_tlb_r8,    [IR_load_s16] = IR_tlb_r16,
        [IR_load_u16] = IR_tlb_r16, [IR_load_s32] = IR_tlb_r32,  [IR_load_u32] = IR_tlb_r32,
        [IR_load_64] = IR_tlb_r64,  [IR_fload_s] = IR_tlb_r32,   [IR_fload_d] = IR_tlb_r64,
        [IR_store_8] = IR_tlb_w8,   [IR_store_16] = IR_tlb_w16,  [IR_store_32] = IR_tlb_w32,
        [IR_store_64] = IR_tlb_w64, [IR_fstore_s] = IR_tlb_fw32, [IR_fstore_d] = IR_tlb_fw64,
    };
    return lift_node_unrecorded(l, (enum ir_op)tlb[op], addr, v, IR_NONE, 0);
}
ir_ref lift_load(struct lifter *l, enum ir_op op, ir_ref addr) {
    addr = rv32(l) ? un(l, IR_zext32, addr) : addr;
    return lift_node(l, op, translated(l, op, addr, IR_NONE), IR_NONE, IR_NONE, 0);
}
void lift_store(struct lifter *l, enum ir_op op, ir_ref addr, ir_ref v) {
    addr = rv32(l) ? un(l, IR_zext32, addr) : addr;
    lift_node(l, op, translated(l, op, addr, v), v, IR_NONE, 0);
}
/* The same for an atomic access, which is aligned. */
static ir_ref translated_atomic(struct lifter *l, ir_ref addr, unsigned bits, bool is_lr) {
    if (!l->config->board)
        return addr;
    enum ir_op op = is_lr ? bits == 32 ? IR_tlb_l32 : IR_tlb_l64 : bits == 32 ? IR_tlb_a32 : IR_tlb_a64;
    return lift_node_unrecorded(l, op, addr, IR_NONE, IR_NONE, 0);
}
ir_ref lift_fload(struct lifter *l, enum fmt fmt, ir_ref addr) {
    return lift_load(l, fmt == FMT_H ? IR_load_u16 : fmt == FMT_SINGLE ? IR_fload_s : IR_fload_d, addr);
}
void lift_fstore(struct lifter *l, enum fmt fmt, ir_ref addr) {
    unsigned r = l->insn.rs2;
    if (fmt == FMT_H)
        lift_store(l, IR_store_16, addr, un(l, IR_f_bits, lift_get_f_raw(l, r)));
    else if (fmt == FMT_SINGLE && l->b->f[r] != IR_NONE && l->b->f_single[r])
        lift_store(l, IR_fstore_s, addr, l->b->f[r]);
    else
        lift_store(l, fmt == FMT_SINGLE ? IR_fstore_s : IR_fstore_d, addr, lift_get_f_raw(l, r));
}

static ir_ref atomic_address(struct lifter *l, unsigned bits, unsigned cause) {
    ir_ref addr = lift_get_x(l, l->insn.rs1);
    if (rv32(l))
        addr = un(l, IR_zext32, addr);
    ir_ref r = lift_node(l, IR_check_align, addr, IR_NONE, IR_NONE, bits / 8);
    l->b->nodes[r].aux = (uint16_t)cause;
    return addr;
}

/* What an AMO has stored: old is sign-extended from its width, which keeps unsigned order too. */
static ir_ref amo_result(struct lifter *l, enum ir_amo op, unsigned bits, ir_ref old, ir_ref operand) {
    static const enum ir_op ops[] = {
        [AMO_ADD] = IR_add, [AMO_XOR] = IR_xor, [AMO_AND] = IR_and,   [AMO_OR] = IR_or,
        [AMO_MIN] = IR_min, [AMO_MAX] = IR_max, [AMO_MINU] = IR_minu, [AMO_MAXU] = IR_maxu};
    if (bits == 32)
        operand = un(l, IR_sext32, operand);
    return op == AMO_SWAP ? operand : bin(l, ops[op], old, operand);
}
void lift_amo(struct lifter *l, enum ir_amo op, unsigned bits) {
    ir_ref addr = atomic_address(l, bits, TRAP_STORE_MISALIGNED), operand = lift_get_x(l, l->insn.rs2);
    ir_ref at = translated_atomic(l, addr, bits, false);
    ir_ref r = lift_node(l, IR_amo, at, operand, IR_NONE, bits);
    l->b->nodes[r].aux = (uint16_t)op;
    if (l->record) {
        lift_note_load(l, bits, addr, r);
        lift_note_store(l, bits, addr, amo_result(l, op, bits, r, operand), IR_NONE);
    }
    lift_set_x(l, l->insn.rd, r);
}

static ir_ref pair(struct lifter *l, unsigned reg, unsigned which) {
    return reg == 0 ? konst(l, 0) : lift_get_x(l, reg + which); /* with x0 both read as zero */
}

/* amocas.d of RV32 and amocas.q, whose registers are pairs. */
static void amocas_pair(struct lifter *l) {
    if (l->record) {
        lift_interpret_this(l);
        return;
    }
    unsigned rd = l->insn.rd, rs2 = l->insn.rs2, bytes = rv32(l) ? 8 : 16;
    ir_ref addr = atomic_address(l, bytes * 8, TRAP_STORE_MISALIGNED), at = translated_atomic(l, addr, 64, false);
    ir_ref word[4] = {pair(l, rd, 0), pair(l, rd, 1), pair(l, rs2, 0), pair(l, rs2, 1)}, low, high;
    if (rv32(l)) {
        ir_ref shift = konst(l, 32), value[2];
        for (int i = 0; i < 2; i++)
            value[i] = bin(l, IR_or, un(l, IR_zext32, word[2 * i]), bin(l, IR_shl, word[2 * i + 1], shift));
        ir_ref old = lift_node(l, IR_cas, at, value[0], value[1], 64);
        low = un(l, IR_sext32, old), high = bin(l, IR_sar, old, shift);
    } else {
        for (int i = 0; i < 4; i++)
            lift_node(l, IR_cas_arg, word[i], IR_NONE, IR_NONE, i);
        low = lift_node(l, IR_cas_16, at, IR_NONE, IR_NONE, 0);
        high = lift_node(l, IR_cas_high, IR_NONE, IR_NONE, IR_NONE, 0);
    }
    if (rd) {
        lift_set_x(l, rd, low);
        lift_set_x(l, rd + 1, high);
    }
}

void lift_amocas(struct lifter *l, unsigned bits) {
    if (bits > 64) {
        amocas_pair(l);
        return;
    }
    ir_ref addr = atomic_address(l, bits, TRAP_STORE_MISALIGNED), at = translated_atomic(l, addr, bits, false);
    ir_ref expected = lift_get_x(l, l->insn.rd), value = lift_get_x(l, l->insn.rs2);
    ir_ref r = lift_node(l, IR_cas, at, expected, value, bits);
    if (l->record) {
        lift_note_load(l, bits, addr, r);
        ir_ref same = bin(l, IR_eq, r, bits == 32 ? un(l, IR_sext32, expected) : expected);
        lift_note_store(l, bits, addr, value, same);
    }
    lift_set_x(l, l->insn.rd, r);
}

/* Whether the LR at l->pc is followed, with nothing but register arithmetic and branches out in between, by an SC of
 * the same size through the same register.  Then LR is a load and SC a compare-and-exchange: as no other access of this
 * hart lies in between, the LR may be thought to have happened right before the exchange found the same value. */
static bool sc_ahead(struct lifter *l, unsigned bits) {
    unsigned address = l->insn.rs1;
    uint64_t pc = l->next;
    if (l->insn.rd == address || l->b->count > IR_MAX_NODES / 2 ||
        (l->record && l->record->slot_count > RECORD_SLOTS / 2))
        return false;
    for (int i = 0; i < 16; i++) {
        struct insn in;
        if (!lift_fetch_insn(l->config, pc, &in) || lift_is_recorded(l->config, pc) != l->b->recorded)
            return false;
        if (in.id == (bits == 32 ? INSN_sc_w : INSN_sc_d))
            return in.rs1 == address && l->b->insns + (unsigned)i + 2 <= l->config->max_insns;
        uint8_t f = insn_rows[in.id].format;
        if (f == FMT_B) {
            /* a way out */
        } else if (f == FMT_R || f == FMT_R1 || f == FMT_I || f == FMT_SH || f == FMT_U) {
            if (in.rd == address)
                return false;
        } else {
            return false;
        }
        pc += in.len;
    }
    return false;
}

/* Whether the LR at l->pc has a WRS behind it: it waits for a change, and unless it is known to be followed by an SC as
 * well (hart.wait_lr), it is a load. */
static bool waits(const struct lifter *l) {
    uint64_t pc = l->next;
    if (!l->config->hart || hart_lr_is_strict(l->config->hart, l->pc))
        return false;
    for (int i = 0; i < 16; i++) {
        struct insn in;
        if (!lift_fetch_insn(l->config, pc, &in))
            return false;
        if (in.id == INSN_wrs_nto || in.id == INSN_wrs_sto)
            return true;
        uint8_t f = insn_rows[in.id].format;
        if (f != FMT_B && f != FMT_R && f != FMT_R1 && f != FMT_I && f != FMT_SH && f != FMT_U)
            return false;
        pc += in.len;
    }
    return false;
}

void lift_load_reserved(struct lifter *l, unsigned bits) {
    bool exchanges = sc_ahead(l, bits);
    if (!exchanges && !waits(l)) {
        lift_leave_to_engine(l, LEAVE_EXCLUSIVE, l->pc);
        return;
    }
    ir_ref addr = translated_atomic(l, atomic_address(l, bits, TRAP_LOAD_MISALIGNED), bits, true);
    l->lr_addr = lift_get_x(l, l->insn.rs1);
    l->lr_value = lift_node(l, bits == 32 ? IR_load_s32 : IR_load_64, addr, IR_NONE, IR_NONE, 0);
    if (exchanges)
        l->lr_size = bits;
    else
        lift_call(l, hart_note_wait, konst(l, l->pc), IR_NONE, IR_NONE, 0);
    lift_set_x(l, l->insn.rd, l->lr_value);
}

void lift_store_conditional(struct lifter *l, unsigned bits) {
    ir_ref addr = lift_get_x(l, l->insn.rs1);
    if (l->lr_size != bits || l->lr_addr != addr) {
        lift_interpret_this(l);
        return;
    }
    if (rv32(l))
        addr = un(l, IR_zext32, addr);
    ir_ref at = translated_atomic(l, addr, bits, false);
    ir_ref value = lift_get_x(l, l->insn.rs2), r = lift_node(l, IR_cas_sc, at, l->lr_value, value, bits);
    if (l->record)
        lift_note_store(l, bits, addr, value, bin(l, IR_eq, r, konst(l, 0)));
    l->lr_size = 0;
    lift_set_x(l, l->insn.rd, r);
}

static void cbo_system(struct lifter *l, enum ir_cache_block what) {
    if (l->config->privileged)
        lift_node(l, IR_sys_cbo, lift_get_x(l, l->insn.rs1), IR_NONE, IR_NONE, what);
    else
        lift_interpret_this(l);
}

void lift_cbo_zero(struct lifter *l) {
    if (l->config->board) { /* it may be denied */
        cbo_system(l, CACHE_BLOCK_ZERO);
        return;
    }
    ir_ref addr = bin(l, IR_and, lift_get_x(l, l->insn.rs1), konst(l, ~63ull));
    if (rv32(l))
        addr = un(l, IR_zext32, addr);
    ir_ref zero = konst(l, 0);
    for (int i = 0; i < 64; i += 8)
        lift_node(l, IR_store_64, addr, zero, IR_NONE, i);
}

void lift_cbo(struct lifter *l) {
    if (l->config->board)
        cbo_system(l, l->insn.id == INSN_cbo_inval ? CACHE_BLOCK_INVAL : CACHE_BLOCK_CLEAN);
}
