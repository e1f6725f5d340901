/* emit_muldiv.c: multiplications and divisions of integers. */
#include "emitter.h"

void emit_mul(struct emitter *e, ir_ref r, bool wide) {
    const struct ir_node *n = node_of(e, r);
    ir_ref x = n->a, y = n->b;
    int d;
    if (const32(e, y)) {
        COVER(mul_constant);
        struct operand o = use_any(e, x);
        d = alloc_dest(e, r, 0);
        op_any(e, 0x69, wide, d, o);
        asm_u32(&e->a, (uint32_t)const_of(e, y));
    } else {
        peek(e, x);
        peek(e, y);
        if (is_const(e, y))
            use_reg(e, y);
        d = alloc_dest(e, r, 0);
        if (reg_of(e, y) == d && reg_of(e, x) != d) {
            ir_ref t = x;
            x = y;
            y = t;
        }
        struct operand o = use_any(e, y);
        load_into(e, d, x);
        op_any(e, MAP_0F | 0xaf, wide, d, o);
    }
    bind(e, r, d);
    if (!wide)
        finish_w(e, r, d);
}

/* rdx:rax = rax * operand; the high half is wanted */
void emit_mulh(struct emitter *e, ir_ref r) {
    const struct ir_node *n = node_of(e, r);
    peek(e, n->a);
    struct operand y = park(e, n->b, HART(call_arg[0]));
    move_to(e, RAX, n->a);
    free_temp(e, RDX);
    COVER(mulh);
    if (n->op == IR_mulhsu) { /* mulhu - (a < 0 ? b : 0) */
        asm_rm(&e->a, 0x89, true, RAX, HART(call_arg[1]));
        op_any(e, 0xf7, true, 4, y);
        asm_rm(&e->a, 0x8b, true, RAX, HART(call_arg[1]));
        asm_shift_ri(&e->a, SHIFT_SAR, true, RAX, 63);
        op_any(e, 0x23, true, RAX, y);
        if (!MUTANT(mulhsu_uncorrected))
            asm_alu_rr(&e->a, ALU_SUB, true, RDX, RAX);
    } else {
        op_any(e, 0xf7, true, n->op == IR_mulh && !MUTANT(mulh_unsigned) ? 5 : 4, y);
    }
    bind(e, r, RDX);
}

void emit_div(struct emitter *e, ir_ref r) {
    const struct ir_node *n = node_of(e, r);
    bool wide = n->op == IR_div || n->op == IR_divu || n->op == IR_rem || n->op == IR_remu;
    bool is_signed = n->op == IR_div || n->op == IR_rem || n->op == IR_divw || n->op == IR_remw;
    bool remainder = n->op == IR_rem || n->op == IR_remu || n->op == IR_remw || n->op == IR_remuw;
    peek(e, n->a);
    struct operand divisor = park(e, n->b, HART(call_arg[0]));
    move_to(e, RAX, n->a);
    int y = divisor.reg;
    if (divisor.in_memory) {
        free_temp(e, RCX);
        load_operand(e, RCX, divisor);
        y = RCX;
    }
    free_temp(e, RDX);
    struct cold *c = NULL;
    int64_t k = is_const(e, n->b) ? wide ? const_of(e, n->b) : (int32_t)const_of(e, n->b) : 0;
    if (k == 0 || (is_signed && k == -1)) {
        COVER(div_checked);
        c = add_cold(e, COLD_DIV);
        c->wide = wide;
        c->aux = (uint16_t)n->op;
        c->reg = (int8_t)y;
        if (is_signed) { /* -1 and 0 go to the cold path: y + 1 <= 1 unsigned */
            asm_rm(&e->a, 0x8d, wide, RDX, mem_at(y, 1));
            asm_alu_ri(&e->a, ALU_CMP, wide, RDX, 1);
            c->from[0] = asm_jcc32(&e->a, CC_BE);
        } else {
            asm_rr(&e->a, 0x85, wide, y, y);
            c->from[0] = asm_jcc32(&e->a, CC_E);
        }
    }
    if (is_signed) {
        if (wide)
            asm_byte(&e->a, 0x48);
        asm_byte(&e->a, 0x99); /* cqo, cdq */
    } else {
        asm_alu_rr(&e->a, ALU_XOR, false, RDX, RDX);
    }
    asm_rr(&e->a, 0xf7, wide, is_signed ? 7 : 6, y);
    if (c)
        c->back = asm_offset(&e->a);
    int d = remainder ? RDX : RAX;
    bind(e, r, d);
    if (!wide)
        finish_w(e, r, d);
}
