/* lift_float.c: floating-point operations: the host's where it has them, else a helper's. */
#include "lift_internal.h"

ir_ref lift_call(struct lifter *l, hart_helper *fn, ir_ref a, ir_ref b, ir_ref c, unsigned imm) {
    ir_ref r = lift_node(l, IR_call, a, b, c, imm);
    l->b->nodes[r].aux = (uint16_t)ir_helper_index(fn);
    return r;
}

/* A helper on values of a format: H values are integers already, others travel as bits. */
ir_ref lift_to_bits(struct lifter *l, enum fmt fmt, ir_ref v) {
    if (v == IR_NONE || fmt == FMT_H)
        return v;
    ir_ref bits = un(l, IR_f_bits, v);
    return fmt == FMT_SINGLE ? un(l, IR_zext32, bits) : bits;
}
ir_ref lift_from_bits(struct lifter *l, enum fmt fmt, ir_ref v) { return fmt == FMT_H ? v : un(l, IR_f_from_bits, v); }

/* The instruction's rounding mode as nodes have it: 7 for the mode in force where the host has it, else a static one.
 */
static unsigned node_rm(const struct lifter *l) {
    unsigned rm = l->insn.rm, frm = l->config->mode.frm;
    if (rm == RM_DYN)
        return frm == RM_RMM ? RM_RMM : RM_DYN;
    return rm == frm && rm != RM_RMM ? RM_DYN : rm;
}

ir_ref lift_f_helper(struct lifter *l, enum fmt fmt, hart_helper *fn, ir_ref a, ir_ref b, ir_ref c) {
    return lift_call(l, fn, lift_to_bits(l, fmt, a), lift_to_bits(l, fmt, b), lift_to_bits(l, fmt, c), l->insn.rm);
}
ir_ref lift_f_op(struct lifter *l, enum fmt fmt, enum ir_op d, enum ir_op s, hart_helper *fn, ir_ref a, ir_ref b,
                 ir_ref c) {
    if (fmt == FMT_H || node_rm(l) != RM_DYN)
        return lift_from_bits(l, fmt, lift_f_helper(l, fmt, fn, a, b, c));
    ir_ref r = lift_node(l, fmt == FMT_D ? d : s, a, b, c, 0);
    l->b->nodes[r].rm = RM_DYN;
    return r;
}
/* Operations that have no rounding mode. */
ir_ref lift_f_plain(struct lifter *l, enum fmt fmt, enum ir_op d, enum ir_op s, hart_helper *fn, ir_ref a, ir_ref b) {
    if (fmt == FMT_H)
        return lift_call(l, fn, a, b, IR_NONE, 0);
    ir_ref r = lift_node(l, fmt == FMT_D ? d : s, a, b, IR_NONE, 0);
    l->b->nodes[r].rm = RM_DYN;
    return r;
}
ir_ref lift_f_to(struct lifter *l, enum fmt fmt, enum ir_op d, enum ir_op s, hart_helper *fn, ir_ref a) {
    unsigned rm = node_rm(l);
    if (fmt == FMT_H || rm == RM_RMM)
        return lift_f_helper(l, fmt, fn, a, IR_NONE, IR_NONE);
    ir_ref r = lift_node(l, fmt == FMT_D ? d : s, a, IR_NONE, IR_NONE, 0);
    l->b->nodes[r].rm = (uint8_t)rm;
    return r;
}
ir_ref lift_f_from(struct lifter *l, enum fmt fmt, enum ir_op d, enum ir_op s, hart_helper *fn, bool exact, ir_ref a) {
    unsigned rm = node_rm(l);
    if (fmt == FMT_H || (rm != RM_DYN && !exact))
        return lift_from_bits(l, fmt, lift_call(l, fn, a, IR_NONE, IR_NONE, l->insn.rm));
    ir_ref r = lift_node(l, fmt == FMT_D ? d : s, a, IR_NONE, IR_NONE, 0);
    l->b->nodes[r].rm = RM_DYN;
    return r;
}
ir_ref lift_f_cvt(struct lifter *l, enum fmt to, enum fmt from, hart_helper *fn, ir_ref a) {
    bool widen = to == FMT_D && from == FMT_SINGLE;
    if (to == FMT_H || from == FMT_H || (!widen && node_rm(l) != RM_DYN))
        return lift_from_bits(l, to, lift_call(l, fn, lift_to_bits(l, from, a), IR_NONE, IR_NONE, l->insn.rm));
    ir_ref r = lift_node(l, widen ? IR_f_cvt_d_s : IR_f_cvt_s_d, a, IR_NONE, IR_NONE, 0);
    l->b->nodes[r].rm = RM_DYN;
    return r;
}
ir_ref lift_f_neg(struct lifter *l, enum fmt fmt, ir_ref a) {
    if (fmt == FMT_H)
        return bin(l, IR_xor, a, konst(l, 0x8000));
    return un(l, fmt == FMT_D ? IR_f_neg_d : IR_f_neg_s, a);
}
ir_ref lift_f_sgnj(struct lifter *l, enum fmt fmt, enum sign_op op, ir_ref a, ir_ref b) {
    static const enum ir_op ops[2][3] = {{IR_f_sgnj_s, IR_f_sgnjn_s, IR_f_sgnjx_s},
                                         {IR_f_sgnj_d, IR_f_sgnjn_d, IR_f_sgnjx_d}};
    if (fmt != FMT_H) {
        if (a == b && op == SIGN_COPY)
            return a;
        if (a == b && op == SIGN_NOT)
            return lift_f_neg(l, fmt, a);
        return ir_add(l->b, ops[fmt == FMT_D][op], a, b, IR_NONE, 0);
    }
    ir_ref sign = bin(l, IR_and, b, konst(l, 0x8000));
    if (op == SIGN_XOR)
        return bin(l, IR_xor, a, sign);
    if (op == SIGN_NOT)
        sign = bin(l, IR_xor, sign, konst(l, 0x8000));
    return bin(l, IR_or, bin(l, IR_and, a, konst(l, 0x7fff)), sign);
}
