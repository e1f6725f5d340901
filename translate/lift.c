/* lift.c: from guest code to IR.
 *
 * A block runs on over conditional branches that go forward (they become side exits) and over forward jumps, and ends
 * at calls, returns, computed jumps, backward branches and whatever the engine must do.  The meaning of each
 * instruction is its effect in cpu/riscv.def, expanded here to builder calls.
 */
#include "lift.h"

#include <string.h>

#include "../cpu/interp.h"
#include "../cpu/system.h"

struct lifter {
    struct ir_block *b;
    struct lift_config *config;
    struct insn insn;
    uint64_t pc, next; /* of this instruction and the one behind it */
    bool done;
    uint64_t follow; /* where lifting goes on; next unless a jump is followed */
    /* an LR whose SC is ahead in the same straight line */
    ir_ref lr_addr, lr_value;
    unsigned lr_size;
    struct record_draft *record; /* NULL: the block is not recorded */
};

/* ---- nodes ---- */

static uint16_t node_pc(const struct lifter *l) { return (uint16_t)(l->pc - l->b->pc); }
static ir_ref unrecorded(struct lifter *l, enum ir_op op, ir_ref a, ir_ref b, ir_ref c, int64_t imm) {
    ir_ref r = ir_add(l->b, op, a, b, c, imm);
    l->b->nodes[r].pc = node_pc(l);
    l->b->nodes[r].insn = (uint8_t)l->b->insns;
    return r;
}
static ir_ref recorded(struct lifter *l, enum ir_op op, ir_ref a, ir_ref b, ir_ref c, int64_t imm);
static ir_ref node(struct lifter *l, enum ir_op op, ir_ref a, ir_ref b, ir_ref c, int64_t imm) {
    return l->record ? recorded(l, op, a, b, c, imm) : unrecorded(l, op, a, b, c, imm);
}
static ir_ref konst(struct lifter *l, uint64_t v) { return ir_const(l->b, (int64_t)v); }
static ir_ref un(struct lifter *l, enum ir_op op, ir_ref a) { return ir_add(l->b, op, a, IR_NONE, IR_NONE, 0); }
static ir_ref bin(struct lifter *l, enum ir_op op, ir_ref a, ir_ref b) { return ir_add(l->b, op, a, b, IR_NONE, 0); }
static bool rv32(const struct lifter *l) { return l->b->xlen == 32; }

/* ---- records: see lift_record.h ---- */

static void record_effect(struct lifter *l, enum record_kind kind, unsigned which, ir_ref value, bool single) {
    struct record r = {.kind = (uint8_t)kind, .reg = kind == RECORD_CSR ? 0 : (uint8_t)which};
    r.bits = kind == RECORD_CSR ? which : 0;
    if (l->record)
        record_lift_effect(l->record, r, IR_NONE, value, IR_NONE, single);
}
static void record_store(struct lifter *l, unsigned bits, ir_ref address, ir_ref value, ir_ref condition) {
    struct record r = {.kind = RECORD_STORE, .size = (uint8_t)(bits / 8)};
    if (l->record)
        record_lift_effect(l->record, r, address, value, condition, false);
}
static void record_load(struct lifter *l, unsigned bits, ir_ref address, ir_ref value) {
    struct record r = {.kind = RECORD_LOAD, .size = (uint8_t)(bits / 8)};
    if (l->record)
        record_lift_effect(l->record, r, address, value, IR_NONE, false);
}
/* Before an exit that the instruction under way is completed with. */
static void close_records(struct lifter *l) {
    if (l->record)
        record_lift_close(l->record, l->b, node_pc(l));
}

static unsigned access_size(enum ir_op op) {
    switch (op) {
    case IR_load_s8:
    case IR_load_u8:
    case IR_store_8:
        return 1;
    case IR_load_s16:
    case IR_load_u16:
    case IR_store_16:
        return 2;
    case IR_load_64:
    case IR_store_64:
    case IR_fload_d:
    case IR_fstore_d:
        return 8;
    default:
        return 4;
    }
}

/* A node with its effects.  What an operation raises is seen by lowering the flags before it. */
static ir_ref recorded(struct lifter *l, enum ir_op op, ir_ref a, ir_ref b, ir_ref c, int64_t imm) {
    unsigned kind = ir_ops[op].kind;
    if (kind == IRK_FP && op != IR_fflags && op != IR_set_fflags && (l->record->kinds & RECORD_BIT(RECORD_CSR))) {
        ir_ref before = unrecorded(l, IR_fflags, IR_NONE, IR_NONE, IR_NONE, 0);
        unrecorded(l, IR_set_fflags, konst(l, 0), IR_NONE, IR_NONE, 0);
        ir_ref r = unrecorded(l, op, a, b, c, imm), raised = unrecorded(l, IR_fflags, IR_NONE, IR_NONE, IR_NONE, 0);
        ir_ref now = bin(l, IR_or, before, raised);
        unrecorded(l, IR_set_fflags, now, IR_NONE, IR_NONE, 0);
        record_lift_effect(l->record, (struct record){.kind = RECORD_CSR, .bits = 1}, IR_NONE, now, raised, false);
        return r;
    }
    ir_ref r = unrecorded(l, op, a, b, c, imm);
    if (kind != IRK_LOAD && kind != IRK_STORE)
        return r;
    const struct ir_node *n = &l->b->nodes[r];
    if (l->config->board) /* the guest's address, not what the TLB has made of it */
        n = &l->b->nodes[n->a];
    struct record record = {.kind = kind == IRK_LOAD ? RECORD_LOAD : RECORD_STORE,
                            .size = (uint8_t)access_size(op),
                            .address = (uint64_t)n->imm};
    unsigned stored = l->insn.rs2;
    bool single = op == IR_fload_s || (op == IR_fstore_s && l->b->f_single[stored] && l->b->f[stored] == b);
    record_lift_effect(l->record, record, n->a, kind == IRK_LOAD ? r : b, IR_NONE, single);
    return r;
}

/* ---- integer registers ---- */

static ir_ref get_x(struct lifter *l, unsigned r) {
    if (r == 0)
        return konst(l, 0);
    if (l->b->x[r] == IR_NONE)
        l->b->x[r] = ir_add(l->b, IR_get, IR_NONE, IR_NONE, IR_NONE, r);
    return l->b->x[r];
}
static void set_x(struct lifter *l, unsigned r, ir_ref v) {
    if (r == 0)
        return;
    if (rv32(l) && !MUTANT(rv32_not_extended))
        v = un(l, IR_sext32, v);
    l->b->x[r] = v;
    node(l, IR_set, v, IR_NONE, IR_NONE, r);
    record_effect(l, RECORD_X, r, v, false);
}

/* ---- floating-point registers ---- */

static ir_ref get_f_raw(struct lifter *l, unsigned r) {
    struct ir_block *b = l->b;
    if (b->f[r] == IR_NONE) {
        b->f[r] = ir_add(b, IR_fget, IR_NONE, IR_NONE, IR_NONE, r);
        b->f_single[r] = false;
    }
    return b->f_single[r] ? un(l, IR_f_box_s, b->f[r]) : b->f[r];
}
static bool unboxes_any(const struct lifter *l) {
    return l->config->often_unboxed && l->config->often_unboxed(l->config->unboxed_ctx, l->pc);
}
static ir_ref get_f_s(struct lifter *l, unsigned r) {
    struct ir_block *b = l->b;
    if (b->f[r] != IR_NONE && b->f_single[r])
        return b->f[r];
    if (b->unboxed[r] == IR_NONE)
        b->unboxed[r] = node(l, unboxes_any(l) ? IR_f_unbox_any_s : IR_f_unbox_s, get_f_raw(l, r), IR_NONE, IR_NONE, 0);
    return b->unboxed[r];
}
static ir_ref get_f_h(struct lifter *l, unsigned r) {
    ir_ref raw = un(l, IR_f_bits, get_f_raw(l, r));
    ir_ref boxed = bin(l, IR_eq, bin(l, IR_sar, raw, konst(l, 16)), konst(l, ~0ull));
    return ir_add(l->b, IR_select, boxed, un(l, IR_zext16, raw), konst(l, FP_CANONICAL_H), 0);
}
static void set_f(struct lifter *l, unsigned r, ir_ref v, bool single) {
    l->b->f[r] = v;
    l->b->f_single[r] = single;
    l->b->unboxed[r] = IR_NONE;
    node(l, single ? IR_fset_s : IR_fset, v, IR_NONE, IR_NONE, r);
    record_effect(l, RECORD_F, r, v, single);
}
static void set_f_h(struct lifter *l, unsigned r, ir_ref bits) {
    set_f(l, r, un(l, IR_f_from_bits, bin(l, IR_or, bits, konst(l, 0xffffffffffff0000))), false);
}
/* fmv.w.x and the like: a value whose upper half is all ones is a boxed single. */
static void set_f_raw(struct lifter *l, unsigned r, ir_ref bits) {
    const struct ir_node *n = &l->b->nodes[bits];
    if (n->op == IR_or && ir_is_const(l->b, n->b) && l->b->nodes[n->b].imm == (int64_t)0xffffffff00000000)
        set_f(l, r, un(l, IR_f_from_bits, n->a), true);
    else
        set_f(l, r, un(l, IR_f_from_bits, bits), false);
}

enum fmt { FMT_H, FMT_SINGLE, FMT_D };

static ir_ref get_f(struct lifter *l, enum fmt fmt, unsigned r) {
    return fmt == FMT_H ? get_f_h(l, r) : fmt == FMT_SINGLE ? get_f_s(l, r) : get_f_raw(l, r);
}
static void put_f(struct lifter *l, enum fmt fmt, ir_ref v) {
    if (fmt == FMT_H)
        set_f_h(l, l->insn.rd, v);
    else
        set_f(l, l->insn.rd, v, fmt == FMT_SINGLE);
}

/* ---- leaving the block ---- */

static void leave_to_engine(struct lifter *l, enum ir_leave why, uint64_t pc) {
    if (why == LEAVE_FENCE_I)
        close_records(l);
    ir_ref r = node(l, IR_exit_engine, IR_NONE, IR_NONE, IR_NONE, (int64_t)pc);
    l->b->nodes[r].aux = (uint16_t)why;
    l->done = true;
}
static void interpret_this(struct lifter *l) { leave_to_engine(l, LEAVE_INTERPRET, l->pc); }
static void trap(struct lifter *l, unsigned cause, uint64_t tval) {
    ir_ref r = node(l, IR_exit_trap, IR_NONE, IR_NONE, IR_NONE, 0);
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
        interpret_this(l);
        return;
    }
    if (ir_is_const(l->b, cond) && l->b->nodes[cond].imm == 0)
        return;
    close_records(l);
    node(l, IR_exit_if, cond, IR_NONE, IR_NONE, (int64_t)target);
    if (target <= l->pc && !l->lr_size) { /* between LR and SC the way on matters more */
        node(l, IR_exit, IR_NONE, IR_NONE, IR_NONE, (int64_t)l->next);
        l->done = true;
    } else if (l->record) {
        record_lift_open(l->record, l->b, node_pc(l));
    }
}

static void jump(struct lifter *l, ir_ref to) {
    uint64_t target = mask_pc(l, (uint64_t)l->b->nodes[to].imm);
    if (misaligned_target(l, target)) {
        interpret_this(l);
        return;
    }
    unsigned rd = l->insn.rd;
    set_x(l, rd, konst(l, l->next));
    if (rd == 1 || rd == 5) {
        close_records(l);
        ir_ref r = node(l, IR_exit_call, IR_NONE, IR_NONE, IR_NONE, (int64_t)target);
        l->b->nodes[r].imm2 = (int64_t)l->next;
        l->done = true;
    } else if (target > l->pc && target - l->b->pc < 4096 && !(l->config->board && (target ^ l->b->pc) >= 4096)) {
        l->follow = target;
    } else {
        close_records(l);
        node(l, IR_exit, IR_NONE, IR_NONE, IR_NONE, (int64_t)target);
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
        interpret_this(l); /* the alignment check is the interpreter's */
        return;
    }
    if (rv32(l))
        to = un(l, IR_zext32, to);
    set_x(l, rd, konst(l, l->next));
    close_records(l);
    bool links = rd == 1 || rd == 5, returns = rs1 == 1 || rs1 == 5;
    uint64_t likely = 0;
    if (l->config->likely_target && !(returns && rd == 0))
        likely = l->config->likely_target(l->config->likely_ctx, l->b->pc, l->pc);
    if (links) {
        ir_ref r = node(l, likely ? IR_exit_call_likely : IR_exit_call_reg, to, IR_NONE, IR_NONE, (int64_t)likely);
        l->b->nodes[r].imm2 = (int64_t)l->next;
    } else {
        node(l,
             returns && rd == 0 ? IR_exit_ret
             : likely           ? IR_exit_likely
                                : IR_exit_reg,
             to, IR_NONE, IR_NONE, (int64_t)likely);
    }
    l->done = true;
}

/* ---- memory ---- */

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
    return unrecorded(l, (enum ir_op)tlb[op], addr, v, IR_NONE, 0);
}
static ir_ref load(struct lifter *l, enum ir_op op, ir_ref addr) {
    addr = rv32(l) ? un(l, IR_zext32, addr) : addr;
    return node(l, op, translated(l, op, addr, IR_NONE), IR_NONE, IR_NONE, 0);
}
static void store(struct lifter *l, enum ir_op op, ir_ref addr, ir_ref v) {
    addr = rv32(l) ? un(l, IR_zext32, addr) : addr;
    node(l, op, translated(l, op, addr, v), v, IR_NONE, 0);
}
/* The same for an atomic access, which is aligned. */
static ir_ref translated_atomic(struct lifter *l, ir_ref addr, unsigned bits, bool is_lr) {
    if (!l->config->board)
        return addr;
    enum ir_op op = is_lr ? bits == 32 ? IR_tlb_l32 : IR_tlb_l64 : bits == 32 ? IR_tlb_a32 : IR_tlb_a64;
    return unrecorded(l, op, addr, IR_NONE, IR_NONE, 0);
}
static ir_ref fload(struct lifter *l, enum fmt fmt, ir_ref addr) {
    return load(l, fmt == FMT_H ? IR_load_u16 : fmt == FMT_SINGLE ? IR_fload_s : IR_fload_d, addr);
}
static void fstore(struct lifter *l, enum fmt fmt, ir_ref addr) {
    unsigned r = l->insn.rs2;
    if (fmt == FMT_H)
        store(l, IR_store_16, addr, un(l, IR_f_bits, get_f_raw(l, r)));
    else if (fmt == FMT_SINGLE && l->b->f[r] != IR_NONE && l->b->f_single[r])
        store(l, IR_fstore_s, addr, l->b->f[r]);
    else
        store(l, fmt == FMT_SINGLE ? IR_fstore_s : IR_fstore_d, addr, get_f_raw(l, r));
}

static ir_ref atomic_address(struct lifter *l, unsigned bits, unsigned cause) {
    ir_ref addr = get_x(l, l->insn.rs1);
    if (rv32(l))
        addr = un(l, IR_zext32, addr);
    ir_ref r = node(l, IR_check_align, addr, IR_NONE, IR_NONE, bits / 8);
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
static void amo(struct lifter *l, enum ir_amo op, unsigned bits) {
    ir_ref addr = atomic_address(l, bits, TRAP_STORE_MISALIGNED), operand = get_x(l, l->insn.rs2);
    ir_ref at = translated_atomic(l, addr, bits, false);
    ir_ref r = node(l, IR_amo, at, operand, IR_NONE, bits);
    l->b->nodes[r].aux = (uint16_t)op;
    if (l->record) {
        record_load(l, bits, addr, r);
        record_store(l, bits, addr, amo_result(l, op, bits, r, operand), IR_NONE);
    }
    set_x(l, l->insn.rd, r);
}

static void amocas(struct lifter *l, unsigned bits) {
    if (bits > 64) {
        interpret_this(l);
        return;
    }
    ir_ref addr = atomic_address(l, bits, TRAP_STORE_MISALIGNED), at = translated_atomic(l, addr, bits, false);
    ir_ref expected = get_x(l, l->insn.rd), value = get_x(l, l->insn.rs2);
    ir_ref r = node(l, IR_cas, at, expected, value, bits);
    if (l->record) {
        record_load(l, bits, addr, r);
        ir_ref same = bin(l, IR_eq, r, bits == 32 ? un(l, IR_sext32, expected) : expected);
        record_store(l, bits, addr, value, same);
    }
    set_x(l, l->insn.rd, r);
}

static size_t fetch_insn(const struct lift_config *c, uint64_t pc, struct insn *out);
static void note_read(struct lift_config *c, uint64_t offset, const struct insn *in);

static bool is_recorded(const struct lift_config *c, uint64_t pc) {
    const struct observer *o = c->observer;
    return o && __atomic_load_n(&o->kinds, __ATOMIC_RELAXED) && (!o->filter || o->filter(o->ctx, pc));
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
        if (!fetch_insn(l->config, pc, &in) || is_recorded(l->config, pc) != l->b->recorded)
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

static void load_reserved(struct lifter *l, unsigned bits) {
    if (!sc_ahead(l, bits)) {
        leave_to_engine(l, LEAVE_EXCLUSIVE, l->pc);
        return;
    }
    ir_ref addr = translated_atomic(l, atomic_address(l, bits, TRAP_LOAD_MISALIGNED), bits, true);
    l->lr_addr = get_x(l, l->insn.rs1);
    l->lr_value = node(l, bits == 32 ? IR_load_s32 : IR_load_64, addr, IR_NONE, IR_NONE, 0);
    l->lr_size = bits;
    set_x(l, l->insn.rd, l->lr_value);
}

static void store_conditional(struct lifter *l, unsigned bits) {
    ir_ref addr = get_x(l, l->insn.rs1);
    if (l->lr_size != bits || l->lr_addr != addr) {
        interpret_this(l);
        return;
    }
    if (rv32(l))
        addr = un(l, IR_zext32, addr);
    ir_ref at = translated_atomic(l, addr, bits, false);
    ir_ref value = get_x(l, l->insn.rs2), r = node(l, IR_cas_sc, at, l->lr_value, value, bits);
    if (l->record)
        record_store(l, bits, addr, value, bin(l, IR_eq, r, konst(l, 0)));
    l->lr_size = 0;
    set_x(l, l->insn.rd, r);
}

static void cbo_zero(struct lifter *l) {
    if (l->config->board) { /* it may be denied */
        interpret_this(l);
        return;
    }
    ir_ref addr = bin(l, IR_and, get_x(l, l->insn.rs1), konst(l, ~63ull));
    if (rv32(l))
        addr = un(l, IR_zext32, addr);
    ir_ref zero = konst(l, 0);
    for (int i = 0; i < 64; i += 8)
        node(l, IR_store_64, addr, zero, IR_NONE, i);
}

static void cbo(struct lifter *l) {
    if (l->config->board)
        interpret_this(l);
}

/* ---- CSRs ---- */

enum csr_op { CSR_RW, CSR_RS, CSR_RC, CSR_RWI, CSR_RSI, CSR_RCI };

/* Compilers write a quiet comparison as frflags, flt or fle, fsflags of what was read: then the comparison raises
 * nothing. True: this frflags is the first of the three, they have been lifted, and l->follow is behind them. */
static bool quiet_compare(struct lifter *l) {
    struct insn in[2];
    if (l->record)
        return false;
    unsigned keep = l->insn.rd;
    uint64_t pc = l->next;
    for (int i = 0; i < 2; i++) {
        if (!fetch_insn(l->config, pc, &in[i]))
            return false;
        pc += in[i].len;
    }
    bool less = in[0].id == INSN_flt_d || in[0].id == INSN_flt_s,
         is_double = in[0].id == INSN_flt_d || in[0].id == INSN_fle_d;
    if (!less && in[0].id != INSN_fle_d && in[0].id != INSN_fle_s)
        return false;
    /* of the page that is watched already; flags are put back, not cleared from x0 */
    if ((pc - 1) >> 12 != l->pc >> 12 || keep == 0)
        return false;
    if (in[0].rd == keep || in[1].id != INSN_csrrw || in[1].rd != 0 || in[1].rs1 != keep || in[1].imm != 1 ||
        l->b->insns + 3u > l->config->max_insns)
        return false;
    note_read(l->config, l->next - l->b->pc, &in[0]);
    note_read(l->config, l->next + in[0].len - l->b->pc, &in[1]);
    set_x(l, keep, node(l, IR_fflags, IR_NONE, IR_NONE, IR_NONE, 0));
    l->pc = l->next; /* the comparison's own address, for a single that is not boxed */
    l->b->insns++;
    ir_ref a = is_double ? get_f_raw(l, in[0].rs1) : get_f_s(l, in[0].rs1),
           b = is_double ? get_f_raw(l, in[0].rs2) : get_f_s(l, in[0].rs2);
    enum ir_op op = less ? is_double ? IR_f_ltn_d : IR_f_ltn_s : is_double ? IR_f_len_d : IR_f_len_s;
    set_x(l, in[0].rd, ir_add(l->b, op, a, b, IR_NONE, 0));
    l->b->insns++;
    l->follow = pc;
    if (pc > l->b->end)
        l->b->end = pc;
    return true;
}

/* A changed rounding mode changes what code means: the engine goes on with other translations.  written: what frm
 * (number 2) or fcsr (3) was written with, where that is known: often it is the mode in force. */
static void mode_written(struct lifter *l, unsigned number, ir_ref written) {
    unsigned frm = l->config->mode.frm;
    if (written != IR_NONE && frm <= RM_RMM) {
        ir_ref mode = bin(l, IR_and, number == 2 ? written : bin(l, IR_shr, written, konst(l, 5)), konst(l, 7));
        ir_ref same = bin(l, IR_eq, mode, konst(l, frm));
        if (ir_is_const(l->b, same) && l->b->nodes[same].imm)
            return;
        if (!ir_is_const(l->b, same))
            node(l, IR_exit_if, same, IR_NONE, IR_NONE, (int64_t)l->next);
    }
    leave_to_engine(l, LEAVE_MODE, l->next);
}

static void csr(struct lifter *l, enum csr_op op) {
    unsigned number = (uint16_t)l->insn.imm & 0xfff, kind = op % 3;
    bool immediate = op >= CSR_RWI, writes = kind == 0 || l->insn.rs1 != 0, reads = kind != 0 || l->insn.rd != 0;
    bool known = number >= 1 && number <= 3 && (l->config->isa->exts >> EXT_F & 1);
    if (l->config->board)
        known =
            number >= 1 && number <= 3 && l->config->mode.fs == FS_STATE_DIRTY && (l->config->isa->exts >> EXT_F & 1);
    else
        known |= number >= 0xc00 && number <= 0xc02 && (l->config->isa->exts >> EXT_Zicntr & 1);
    bool sets_mode = writes && (number == 2 || number == 3);
    if (!known || (writes && number > 3) || (sets_mode && (l->record || l->config->board))) {
        leave_to_engine(l, LEAVE_INTERPRET, l->pc);
        return;
    }
    if (number == 1 && !writes) {
        if (!quiet_compare(l))
            set_x(l, l->insn.rd, node(l, IR_fflags, IR_NONE, IR_NONE, IR_NONE, 0));
        return;
    }
    if (number == 1 && !reads) {
        ir_ref flags = immediate ? konst(l, l->insn.rs1) : get_x(l, l->insn.rs1);
        node(l, IR_set_fflags, flags, IR_NONE, IR_NONE, 0);
        if (l->record)
            record_effect(l, RECORD_CSR, 1, bin(l, IR_and, flags, konst(l, 31)), false);
        return;
    }
    ir_ref v = immediate ? konst(l, l->insn.rs1) : get_x(l, l->insn.rs1);
    int64_t imm = (int64_t)(number | kind << 12 | (unsigned)!writes << 14 | (unsigned)!reads << 15);
    ir_ref r = node(l, IR_csr, v, IR_NONE, IR_NONE, imm);
    if (l->record && writes)
        record_effect(l, RECORD_CSR, 1, node(l, IR_fflags, IR_NONE, IR_NONE, IR_NONE, 0), false);
    set_x(l, l->insn.rd, r);
    if (sets_mode)
        mode_written(l, number, kind == 0 ? v : IR_NONE);
}

/* ---- floating point ---- */

static ir_ref call(struct lifter *l, hart_helper *fn, ir_ref a, ir_ref b, ir_ref c, unsigned imm) {
    ir_ref r = node(l, IR_call, a, b, c, imm);
    l->b->nodes[r].aux = (uint16_t)ir_helper_index(fn);
    return r;
}

/* A helper on values of a format: H values are integers already, others travel as bits. */
static ir_ref to_bits(struct lifter *l, enum fmt fmt, ir_ref v) {
    if (v == IR_NONE || fmt == FMT_H)
        return v;
    ir_ref bits = un(l, IR_f_bits, v);
    return fmt == FMT_SINGLE ? un(l, IR_zext32, bits) : bits;
}
static ir_ref from_bits(struct lifter *l, enum fmt fmt, ir_ref v) {
    return fmt == FMT_H ? v : un(l, IR_f_from_bits, v);
}

/* The instruction's rounding mode as nodes have it: 7 for the mode in force where the host has it, else a static one.
 */
static unsigned node_rm(const struct lifter *l) {
    unsigned rm = l->insn.rm, frm = l->config->mode.frm;
    if (rm == RM_DYN)
        return frm == RM_RMM ? RM_RMM : RM_DYN;
    return rm == frm && rm != RM_RMM ? RM_DYN : rm;
}

static ir_ref f_helper(struct lifter *l, enum fmt fmt, hart_helper *fn, ir_ref a, ir_ref b, ir_ref c) {
    return call(l, fn, to_bits(l, fmt, a), to_bits(l, fmt, b), to_bits(l, fmt, c), l->insn.rm);
}
static ir_ref f_op(struct lifter *l, enum fmt fmt, enum ir_op d, enum ir_op s, hart_helper *fn, ir_ref a, ir_ref b,
                   ir_ref c) {
    if (fmt == FMT_H || node_rm(l) != RM_DYN)
        return from_bits(l, fmt, f_helper(l, fmt, fn, a, b, c));
    ir_ref r = node(l, fmt == FMT_D ? d : s, a, b, c, 0);
    l->b->nodes[r].rm = RM_DYN;
    return r;
}
/* Operations that have no rounding mode. */
static ir_ref f_plain(struct lifter *l, enum fmt fmt, enum ir_op d, enum ir_op s, hart_helper *fn, ir_ref a, ir_ref b) {
    if (fmt == FMT_H)
        return call(l, fn, a, b, IR_NONE, 0);
    ir_ref r = node(l, fmt == FMT_D ? d : s, a, b, IR_NONE, 0);
    l->b->nodes[r].rm = RM_DYN;
    return r;
}
static ir_ref f_to(struct lifter *l, enum fmt fmt, enum ir_op d, enum ir_op s, hart_helper *fn, ir_ref a) {
    unsigned rm = node_rm(l);
    if (fmt == FMT_H || rm == RM_RMM)
        return f_helper(l, fmt, fn, a, IR_NONE, IR_NONE);
    ir_ref r = node(l, fmt == FMT_D ? d : s, a, IR_NONE, IR_NONE, 0);
    l->b->nodes[r].rm = (uint8_t)rm;
    return r;
}
static ir_ref f_from(struct lifter *l, enum fmt fmt, enum ir_op d, enum ir_op s, hart_helper *fn, bool exact,
                     ir_ref a) {
    unsigned rm = node_rm(l);
    if (fmt == FMT_H || (rm != RM_DYN && !exact))
        return from_bits(l, fmt, call(l, fn, a, IR_NONE, IR_NONE, l->insn.rm));
    ir_ref r = node(l, fmt == FMT_D ? d : s, a, IR_NONE, IR_NONE, 0);
    l->b->nodes[r].rm = RM_DYN;
    return r;
}
static ir_ref f_cvt(struct lifter *l, enum fmt to, enum fmt from, hart_helper *fn, ir_ref a) {
    bool widen = to == FMT_D && from == FMT_SINGLE;
    if (to == FMT_H || from == FMT_H || (!widen && node_rm(l) != RM_DYN))
        return from_bits(l, to, call(l, fn, to_bits(l, from, a), IR_NONE, IR_NONE, l->insn.rm));
    ir_ref r = node(l, widen ? IR_f_cvt_d_s : IR_f_cvt_s_d, a, IR_NONE, IR_NONE, 0);
    l->b->nodes[r].rm = RM_DYN;
    return r;
}
static ir_ref f_neg(struct lifter *l, enum fmt fmt, ir_ref a) {
    if (fmt == FMT_H)
        return bin(l, IR_xor, a, konst(l, 0x8000));
    return un(l, fmt == FMT_D ? IR_f_neg_d : IR_f_neg_s, a);
}
enum sign_op { SIGN_COPY, SIGN_NOT, SIGN_XOR };
static ir_ref f_sgnj(struct lifter *l, enum fmt fmt, enum sign_op op, ir_ref a, ir_ref b) {
    static const enum ir_op ops[2][3] = {{IR_f_sgnj_s, IR_f_sgnjn_s, IR_f_sgnjx_s},
                                         {IR_f_sgnj_d, IR_f_sgnjn_d, IR_f_sgnjx_d}};
    if (fmt != FMT_H) {
        if (a == b && op == SIGN_COPY)
            return a;
        if (a == b && op == SIGN_NOT)
            return f_neg(l, fmt, a);
        return ir_add(l->b, ops[fmt == FMT_D][op], a, b, IR_NONE, 0);
    }
    ir_ref sign = bin(l, IR_and, b, konst(l, 0x8000));
    if (op == SIGN_XOR)
        return bin(l, IR_xor, a, sign);
    if (op == SIGN_NOT)
        sign = bin(l, IR_xor, sign, konst(l, 0x8000));
    return bin(l, IR_or, bin(l, IR_and, a, konst(l, 0x7fff)), sign);
}

/* ---- the vocabulary ---- */

#define RS1 get_x(l, in->rs1)
#define RS2 get_x(l, in->rs2)
#define IMM konst(l, (uint64_t)(int64_t)in->imm)
#define PC konst(l, l->pc)
#define NEXT konst(l, l->next)
#define K(n) konst(l, (uint64_t)(n))
#define WR(v) set_x(l, in->rd, v)
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
#define LOAD_S8(a) load(l, IR_load_s8, a)
#define LOAD_U8(a) load(l, IR_load_u8, a)
#define LOAD_S16(a) load(l, IR_load_s16, a)
#define LOAD_U16(a) load(l, IR_load_u16, a)
#define LOAD_S32(a) load(l, IR_load_s32, a)
#define LOAD_U32(a) load(l, IR_load_u32, a)
#define LOAD_64(a) load(l, IR_load_64, a)
#define STORE_8(a, v) store(l, IR_store_8, a, v)
#define STORE_16(a, v) store(l, IR_store_16, a, v)
#define STORE_32(a, v) store(l, IR_store_32, a, v)
#define STORE_64(a, v) store(l, IR_store_64, a, v)
#define BRANCH(c) branch(l, c, l->pc + (uint64_t)(int64_t)in->imm)
#define JUMP(t) jump(l, t)
#define JUMP_REG(t) jump_reg(l, t)
#define FMTOF_H FMT_H
#define FMTOF_S FMT_SINGLE
#define FMTOF_D FMT_D
#define FRS1(f) get_f(l, FMTOF_##f, in->rs1)
#define FRS2(f) get_f(l, FMTOF_##f, in->rs2)
#define FRS3(f) get_f(l, FMTOF_##f, in->rs3)
#define FRAW1 un(l, IR_f_bits, get_f_raw(l, in->rs1))
#define FWR(f, v) put_f(l, FMTOF_##f, v)
#define FWR_RAW(v) set_f_raw(l, in->rd, v)
#define FLOAD(f, a) fload(l, FMTOF_##f, a)
#define FSTORE(f, a) fstore(l, FMTOF_##f, a)
/* the helper of an operation in format f */
#define HELPER_H(op) op##_h
#define HELPER_S(op) op##_s
#define HELPER_D(op) op##_d
#define HELPER(f, op) HELPER_##f(op)
/* format, IR operations for D and S, helper (H has no IR operation of its own) */
#define OPS(f, name) FMTOF_##f, IR_f_##name##_d, IR_f_##name##_s, HELPER(f, fp_##name)
#define F_ADD(f, a, b) f_op(l, OPS(f, add), a, b, IR_NONE)
#define F_SUB(f, a, b) f_op(l, OPS(f, sub), a, b, IR_NONE)
#define F_MUL(f, a, b) f_op(l, OPS(f, mul), a, b, IR_NONE)
#define F_DIV(f, a, b) f_op(l, OPS(f, div), a, b, IR_NONE)
#define F_SQRT(f, a) f_op(l, OPS(f, sqrt), a, IR_NONE, IR_NONE)
#define F_MADD(f, a, b, c) f_op(l, OPS(f, madd), a, b, c)
#define F_NEG(f, a) f_neg(l, FMTOF_##f, a)
#define F_MIN(f, a, b) f_plain(l, OPS(f, min), a, b)
#define F_MAX(f, a, b) f_plain(l, OPS(f, max), a, b)
#define F_EQ(f, a, b) f_plain(l, OPS(f, eq), a, b)
#define F_LT(f, a, b) f_plain(l, OPS(f, lt), a, b)
#define F_LE(f, a, b) f_plain(l, OPS(f, le), a, b)
#define F_LTQ(f, a, b) f_plain(l, OPS(f, ltq), a, b)
#define F_LEQ(f, a, b) f_plain(l, OPS(f, leq), a, b)
#define F_SGNJ(f, a, b) f_sgnj(l, FMTOF_##f, SIGN_COPY, a, b)
#define F_SGNJN(f, a, b) f_sgnj(l, FMTOF_##f, SIGN_NOT, a, b)
#define F_SGNJX(f, a, b) f_sgnj(l, FMTOF_##f, SIGN_XOR, a, b)
#define F_HELPER(f, name, a, b) from_bits(l, FMTOF_##f, f_helper(l, FMTOF_##f, HELPER(f, fp_##name), a, b, IR_NONE))
#define F_MINM(f, a, b) F_HELPER(f, minm, a, b)
#define F_MAXM(f, a, b) F_HELPER(f, maxm, a, b)
#define F_ROUND(f, a) F_HELPER(f, round, a, IR_NONE)
#define F_ROUNDNX(f, a) F_HELPER(f, roundnx, a, IR_NONE)
#define F_CLASS(f, a) f_helper(l, FMTOF_##f, HELPER(f, fp_class), a, IR_NONE, IR_NONE)
#define F_MODW(a) call(l, fp_modw, to_bits(l, FMT_D, a), IR_NONE, IR_NONE, 0)
#define F_LI(f) from_bits(l, FMTOF_##f, call(l, HELPER(f, fp_li), konst(l, in->rs1), IR_NONE, IR_NONE, 0))
#define F_TO_W(f, a) f_to(l, OPS(f, to_w), a)
#define F_TO_WU(f, a) f_to(l, OPS(f, to_wu), a)
#define F_TO_L(f, a) f_to(l, OPS(f, to_l), a)
#define F_TO_LU(f, a) f_to(l, OPS(f, to_lu), a)
#define F_TO(f, i, a) F_TO_##i(f, a)
#define IS_D_H false
#define IS_D_S false
#define IS_D_D true
#define F_FROM_W(f, a) f_from(l, OPS(f, from_w), IS_D_##f, a)
#define F_FROM_WU(f, a) f_from(l, OPS(f, from_wu), IS_D_##f, a)
#define F_FROM_L(f, a) f_from(l, OPS(f, from_l), false, a)
#define F_FROM_LU(f, a) f_from(l, OPS(f, from_lu), false, a)
#define F_FROM(f, i, a) F_FROM_##i(f, a)
#define CVT_H_S fp_cvt_h_s
#define CVT_H_D fp_cvt_h_d
#define CVT_S_H fp_cvt_s_h
#define CVT_S_D fp_cvt_s_d
#define CVT_D_H fp_cvt_d_h
#define CVT_D_S fp_cvt_d_s
#define F_CVT(to, from, a) f_cvt(l, FMTOF_##to, FMTOF_##from, CVT_##to##_##from, a)
#define LR(w) load_reserved(l, w)
#define SC(w) store_conditional(l, w)
#define AMO(op, w) amo(l, AMO_##op, w)
#define AMOCAS(w) AMOCAS_##w
#define AMOCAS_32 amocas(l, 32)
#define AMOCAS_64 amocas(l, 64)
#define AMOCAS_64P amocas(l, 128)
#define AMOCAS_128 amocas(l, 128)
#define CSR(op) csr(l, CSR_##op)
#define ECALL trap(l, TRAP_ECALL_U, 0)
#define EBREAK trap(l, TRAP_BREAKPOINT, l->pc)
#define FENCE node(l, IR_fence, IR_NONE, IR_NONE, IR_NONE, 0)
#define FENCE_I leave_to_engine(l, LEAVE_FENCE_I, l->next)
#define PAUSE ((void)0)
#define CBO_ZERO cbo_zero(l)
#define CBO(what) cbo(l)
#define MRET interpret_this(l)
#define SRET interpret_this(l)
#define WFI interpret_this(l)
#define SFENCE(a, b) interpret_this(l)
#define SFENCE_ORDER interpret_this(l)
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
        interpret_this(l);
    }
}

/* Decodes the instruction at pc; 0 where it cannot be fetched. */
static size_t fetch_insn(const struct lift_config *c, uint64_t pc, struct insn *out) {
    const uint8_t *host;
    uint32_t cause;
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

static void note_read(struct lift_config *c, uint64_t offset, const struct insn *in) {
    if (c->read_count < LIFT_READ_MAX)
        c->read[c->read_count++] = (struct lift_read){(uint32_t)offset, in->bits, in->len};
}

static bool uses_rounding(uint8_t format) {
    return format == FMT_F4R || format == FMT_F3R || format == FMT_F2R || format == FMT_FX1R || format == FMT_XF1R;
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

bool lift_block(struct ir_block *b, struct lift_config *config, uint64_t pc) {
    struct lifter l = {.b = b, .config = config, .pc = pc};
    uint64_t page = 1;
    ir_init(b, pc, config->isa->xlen);
    config->watched = true;
    config->read_count = 0;
    b->no_loop = config->no_loop;
    if (is_recorded(config, pc)) {
        l.record = config->record;
        record_lift_begin(l.record, b, __atomic_load_n(&config->observer->kinds, __ATOMIC_RELAXED));
    }
    while (!l.done) {
        if (b->insns && is_recorded(config, l.pc) != b->recorded)
            break; /* a block is recorded as a whole or not at all */
        /* watched before it is read: a write in between is then noticed */
        if (config->board && (l.pc ^ pc) >= 4096)
            break;
        watch(&l, l.pc, &page);
        if (!fetch_insn(config, l.pc, &l.insn))
            break;
        if (config->board && ((l.pc + l.insn.len - 1) ^ pc) >= 4096) /* it ends on another page: the interpreter's */
            break;
        if (((l.pc + l.insn.len - 1) ^ l.pc) >= 4096) {
            watch(&l, l.pc + l.insn.len - 1, &page);
            if (!fetch_insn(config, l.pc, &l.insn)) /* its second half was read before its page was watched */
                break;
        }
        note_read(config, l.pc - pc, &l.insn);
        if (l.pc + l.insn.len > b->end)
            b->end = l.pc + l.insn.len;
        l.next = mask_pc(&l, l.pc + l.insn.len);
        l.follow = l.next;
        if (l.record)
            record_lift_insn(l.record, &l.insn, l.pc);
        if (config->board && insn_rows[l.insn.id].format >= FMT_FIL && config->mode.fs != FS_STATE_DIRTY)
            interpret_this(
                &l); /* illegal, or the first to touch the state, which is dirty even if it is illegal then */
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
            close_records(&l);
            node(&l, IR_exit, IR_NONE, IR_NONE, IR_NONE, (int64_t)l.pc);
            l.done = true;
        }
    }
    if (b->insns == 0)
        return false;
    if (!l.done) { /* what follows cannot be fetched, or is recorded otherwise */
        close_records(&l);
        node(&l, IR_exit, IR_NONE, IR_NONE, IR_NONE, (int64_t)l.pc);
    }
    return !b->overflow;
}
