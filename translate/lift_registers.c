/* lift_registers.c: the lifter's nodes and their records; reading and writing guest registers. */
#include "lift_internal.h"

ir_ref lift_node_unrecorded(struct lifter *l, enum ir_op op, ir_ref a, ir_ref b, ir_ref c, int64_t imm) {
    ir_ref r = ir_add(l->b, op, a, b, c, imm);
    l->b->nodes[r].pc = node_pc(l);
    l->b->nodes[r].insn = (uint8_t)l->b->insns;
    return r;
}
static ir_ref recorded(struct lifter *l, enum ir_op op, ir_ref a, ir_ref b, ir_ref c, int64_t imm);
ir_ref lift_node(struct lifter *l, enum ir_op op, ir_ref a, ir_ref b, ir_ref c, int64_t imm) {
    return l->record ? recorded(l, op, a, b, c, imm) : lift_node_unrecorded(l, op, a, b, c, imm);
}

/* ---- records: see lift_record.h ---- */

void lift_note_effect(struct lifter *l, enum record_kind kind, unsigned which, ir_ref value, bool single) {
    struct record r = {.kind = (uint8_t)kind, .reg = kind == RECORD_CSR ? 0 : (uint8_t)which};
    r.bits = kind == RECORD_CSR ? which : 0;
    if (l->record)
        record_lift_effect(l->record, r, IR_NONE, value, IR_NONE, single);
}
void lift_note_store(struct lifter *l, unsigned bits, ir_ref address, ir_ref value, ir_ref condition) {
    struct record r = {.kind = RECORD_STORE, .size = (uint8_t)(bits / 8)};
    if (l->record)
        record_lift_effect(l->record, r, address, value, condition, false);
}
void lift_note_load(struct lifter *l, unsigned bits, ir_ref address, ir_ref value) {
    struct record r = {.kind = RECORD_LOAD, .size = (uint8_t)(bits / 8)};
    if (l->record)
        record_lift_effect(l->record, r, address, value, IR_NONE, false);
}
/* Before an exit that the instruction under way is completed with. */
void lift_close_records(struct lifter *l) {
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
        ir_ref before = lift_node_unrecorded(l, IR_fflags, IR_NONE, IR_NONE, IR_NONE, 0);
        lift_node_unrecorded(l, IR_set_fflags, konst(l, 0), IR_NONE, IR_NONE, 0);
        ir_ref r = lift_node_unrecorded(l, op, a, b, c, imm),
               raised = lift_node_unrecorded(l, IR_fflags, IR_NONE, IR_NONE, IR_NONE, 0);
        ir_ref now = bin(l, IR_or, before, raised);
        lift_node_unrecorded(l, IR_set_fflags, now, IR_NONE, IR_NONE, 0);
        record_lift_effect(l->record, (struct record){.kind = RECORD_CSR, .bits = 1}, IR_NONE, now, raised, false);
        return r;
    }
    ir_ref r = lift_node_unrecorded(l, op, a, b, c, imm);
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

ir_ref lift_get_x(struct lifter *l, unsigned r) {
    if (r == 0)
        return konst(l, 0);
    if (l->b->x[r] == IR_NONE)
        l->b->x[r] = ir_add(l->b, IR_get, IR_NONE, IR_NONE, IR_NONE, r);
    return l->b->x[r];
}
void lift_set_x(struct lifter *l, unsigned r, ir_ref v) {
    if (r == 0)
        return;
    if (rv32(l) && !MUTANT(rv32_not_extended))
        v = un(l, IR_sext32, v);
    l->b->x[r] = v;
    lift_node(l, IR_set, v, IR_NONE, IR_NONE, r);
    lift_note_effect(l, RECORD_X, r, v, false);
}

/* ---- floating-point registers ---- */

ir_ref lift_get_f_raw(struct lifter *l, unsigned r) {
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
ir_ref lift_get_f_s(struct lifter *l, unsigned r) {
    struct ir_block *b = l->b;
    if (b->f[r] != IR_NONE && b->f_single[r])
        return b->f[r];
    if (b->unboxed[r] == IR_NONE)
        b->unboxed[r] =
            lift_node(l, unboxes_any(l) ? IR_f_unbox_any_s : IR_f_unbox_s, lift_get_f_raw(l, r), IR_NONE, IR_NONE, 0);
    return b->unboxed[r];
}
static ir_ref get_f_h(struct lifter *l, unsigned r) {
    ir_ref raw = un(l, IR_f_bits, lift_get_f_raw(l, r));
    ir_ref boxed = bin(l, IR_eq, bin(l, IR_sar, raw, konst(l, 16)), konst(l, ~0ull));
    return ir_add(l->b, IR_select, boxed, un(l, IR_zext16, raw), konst(l, FP_CANONICAL_H), 0);
}
void lift_set_f(struct lifter *l, unsigned r, ir_ref v, bool single) {
    l->b->f[r] = v;
    l->b->f_single[r] = single;
    l->b->unboxed[r] = IR_NONE;
    lift_node(l, single ? IR_fset_s : IR_fset, v, IR_NONE, IR_NONE, r);
    lift_note_effect(l, RECORD_F, r, v, single);
}
static void set_f_h(struct lifter *l, unsigned r, ir_ref bits) {
    lift_set_f(l, r, un(l, IR_f_from_bits, bin(l, IR_or, bits, konst(l, 0xffffffffffff0000))), false);
}
/* fmv.w.x and the like: a value whose upper half is all ones is a boxed single. */
void lift_set_f_raw(struct lifter *l, unsigned r, ir_ref bits) {
    const struct ir_node *n = &l->b->nodes[bits];
    if (n->op == IR_or && ir_is_const(l->b, n->b) && l->b->nodes[n->b].imm == (int64_t)0xffffffff00000000)
        lift_set_f(l, r, un(l, IR_f_from_bits, n->a), true);
    else
        lift_set_f(l, r, un(l, IR_f_from_bits, bits), false);
}

ir_ref lift_get_f(struct lifter *l, enum fmt fmt, unsigned r) {
    return fmt == FMT_H ? get_f_h(l, r) : fmt == FMT_SINGLE ? lift_get_f_s(l, r) : lift_get_f_raw(l, r);
}
void lift_put_f(struct lifter *l, enum fmt fmt, ir_ref v) {
    if (fmt == FMT_H)
        set_f_h(l, l->insn.rd, v);
    else
        lift_set_f(l, l->insn.rd, v, fmt == FMT_SINGLE);
}
