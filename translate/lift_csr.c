/* lift_csr.c: CSRs that generated code reads and writes. */
#include "lift_internal.h"

/* Compilers write a quiet comparison as frflags, flt or fle, fsflags of what was read: then the comparison raises
 * nothing. True: this frflags is the first of the three, they have been lifted, and l->follow is behind them. */
static bool quiet_compare(struct lifter *l) {
    struct insn in[2];
    if (l->record)
        return false;
    unsigned keep = l->insn.rd;
    uint64_t pc = l->next;
    for (int i = 0; i < 2; i++) {
        if (!lift_fetch_insn(l->config, pc, &in[i]))
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
    lift_note_read(l->config, l->next - l->b->pc, &in[0]);
    lift_note_read(l->config, l->next + in[0].len - l->b->pc, &in[1]);
    lift_set_x(l, keep, lift_node(l, IR_fflags, IR_NONE, IR_NONE, IR_NONE, 0));
    l->pc = l->next; /* the comparison's own address, for a single that is not boxed */
    l->b->insns++;
    ir_ref a = is_double ? lift_get_f_raw(l, in[0].rs1) : lift_get_f_s(l, in[0].rs1),
           b = is_double ? lift_get_f_raw(l, in[0].rs2) : lift_get_f_s(l, in[0].rs2);
    enum ir_op op = less ? is_double ? IR_f_ltn_d : IR_f_ltn_s : is_double ? IR_f_len_d : IR_f_len_s;
    lift_set_x(l, in[0].rd, ir_add(l->b, op, a, b, IR_NONE, 0));
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
            lift_node(l, IR_exit_if, same, IR_NONE, IR_NONE, (int64_t)l->next);
    }
    lift_leave_to_engine(l, LEAVE_MODE, l->next);
}

void lift_csr(struct lifter *l, enum csr_op op) {
    unsigned number = (uint16_t)l->insn.imm & 0xfff, kind = op % 3;
    bool immediate = op >= CSR_RWI, writes = kind == 0 || l->insn.rs1 != 0, reads = kind != 0 || l->insn.rd != 0;
    bool known = number >= 1 && number <= 3 && (l->config->isa->exts >> EXT_F & 1);
    if (l->config->board)
        known =
            number >= 1 && number <= 3 && l->config->mode.fs == FS_STATE_DIRTY && (l->config->isa->exts >> EXT_F & 1);
    else
        known |= number >= 0xc00 && number <= 0xc02 && (l->config->isa->exts >> EXT_Zicntr & 1);
    bool sets_mode = writes && (number == 2 || number == 3);
    if (l->config->privileged && (!known || sets_mode)) {
        ir_ref v = immediate ? konst(l, l->insn.rs1) : lift_get_x(l, l->insn.rs1);
        int64_t imm = (int64_t)(number | kind << 12 | (unsigned)!writes << 14 | (unsigned)!reads << 15);
        lift_set_x(l, l->insn.rd, lift_node(l, IR_sys_csr, v, IR_NONE, IR_NONE, imm));
        if (sets_mode)
            mode_written(l, number, kind == 0 ? v : IR_NONE);
        else if (writes) /* an interrupt may be enabled, another address space in force */
            lift_node(l, IR_poll, IR_NONE, IR_NONE, IR_NONE, (int64_t)l->next);
        return;
    }
    if (!known || (writes && number > 3) || (sets_mode && (l->record || l->config->board))) {
        lift_leave_to_engine(l, LEAVE_INTERPRET, l->pc);
        return;
    }
    if (number == 1 && !writes) {
        if (!quiet_compare(l))
            lift_set_x(l, l->insn.rd, lift_node(l, IR_fflags, IR_NONE, IR_NONE, IR_NONE, 0));
        return;
    }
    if (number == 1 && !reads) {
        ir_ref flags = immediate ? konst(l, l->insn.rs1) : lift_get_x(l, l->insn.rs1);
        lift_node(l, IR_set_fflags, flags, IR_NONE, IR_NONE, 0);
        if (l->record)
            lift_note_effect(l, RECORD_CSR, 1, bin(l, IR_and, flags, konst(l, 31)), false);
        return;
    }
    ir_ref v = immediate ? konst(l, l->insn.rs1) : lift_get_x(l, l->insn.rs1);
    int64_t imm = (int64_t)(number | kind << 12 | (unsigned)!writes << 14 | (unsigned)!reads << 15);
    ir_ref r = lift_node(l, IR_csr, v, IR_NONE, IR_NONE, imm);
    if (l->record && writes)
        lift_note_effect(l, RECORD_CSR, 1, lift_node(l, IR_fflags, IR_NONE, IR_NONE, IR_NONE, 0), false);
    lift_set_x(l, l->insn.rd, r);
    if (sets_mode)
        mode_written(l, number, kind == 0 ? v : IR_NONE);
}
