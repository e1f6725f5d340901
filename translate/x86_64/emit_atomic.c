/* emit_atomic.c: read-modify-write operations, compare-and-exchange, fences. */
#include "emitter.h"

/* lock prefix: goes before the instruction's own prefixes */
static void lock(struct emitter *e) { asm_byte(&e->a, 0xf0); }

/* An LR or SC in generated code ends whatever reservation the interpreter has made. */
static void end_reservation(struct emitter *e) {
    asm_rm(&e->a, 0xc6, false, 0, HART(res_valid));
    asm_byte(&e->a, 0);
}

static void emit_amo(struct emitter *e, ir_ref r) {
    const struct ir_node *n = node_of(e, r);
    bool wide = n->imm == 64, unused = n->uses == 0;
    int addr = use_reg(e, n->a);
    struct mem m = mem_at(addr, 0);
    unsigned op = n->aux;
    if (unused && (op == AMO_ADD || op == AMO_AND || op == AMO_OR || op == AMO_XOR)) {
        static const uint8_t alu[] = {[AMO_ADD] = 0x01, [AMO_AND] = 0x21, [AMO_OR] = 0x09, [AMO_XOR] = 0x31};
        int v = use_reg(e, n->b);
        note_fault(e, n);
        lock(e);
        asm_rm(&e->a, alu[op], wide, v, m);
        return;
    }
    if (op == AMO_SWAP || op == AMO_ADD) {
        int d = alloc_temp(e, 1u << addr);
        load_into(e, d, n->b);
        note_fault(e, n);
        if (op == AMO_ADD) {
            lock(e);
            asm_rm(&e->a, MAP_0F | 0xc1, wide, d, m); /* xadd */
        } else {
            asm_rm(&e->a, 0x87, wide, d, m); /* xchg locks by itself */
        }
        bind(e, r, d);
        if (!wide)
            finish_w(e, r, d);
        return;
    }
    /* a compare-and-exchange loop: rax the old value, rdx the new one, rcx the address if it has no home */
    struct operand y = park(e, n->b, HART(call_arg[0]));
    if (TEMP_GPRS >> addr & 1) {
        move_to(e, RCX, n->a);
        m = mem_at(RCX, 0);
    }
    free_temp(e, RAX);
    free_temp(e, RDX);
    note_fault(e, n);
    asm_rm(&e->a, 0x8b, wide, RAX, m);
    uint32_t loop = asm_offset(&e->a);
    if (op == AMO_AND || op == AMO_OR || op == AMO_XOR) {
        asm_mov(&e->a, true, RDX, RAX);
        op_any(e, op == AMO_AND ? 0x23 : op == AMO_OR ? 0x0b : 0x33, wide, RDX, y);
    } else {
        enum cond cc = op == AMO_MIN ? CC_L : op == AMO_MAX ? CC_G : op == AMO_MINU ? CC_B : CC_A;
        load_operand(e, RDX, y);
        op_any(e, 0x3b, wide, RAX, y);
        asm_rr(&e->a, MAP_0F | (0x40 + (unsigned)cc), true, RDX, RAX); /* the old value if it is the extreme one */
    }
    note_fault(e, n);
    lock(e);
    asm_rm(&e->a, MAP_0F | 0xb1, wide, RDX, m);
    asm_patch32(&e->a, asm_jcc32(&e->a, CC_NE), loop);
    bind(e, r, RAX);
    if (!wide)
        finish_w(e, r, RAX);
}

static void emit_cas(struct emitter *e, ir_ref r) {
    const struct ir_node *n = node_of(e, r);
    bool wide = n->imm == 64;
    peek(e, n->a);
    peek(e, n->b);
    peek(e, n->c);
    /* all but the address through scratch slots, so that three temporaries always suffice: rax expected, rcx new, rdx
     * address */
    struct operand value = park(e, n->c, HART(call_arg[0])), expected = park(e, n->b, HART(call_arg[1]));
    int addr = reg_of(e, n->a);
    if (addr == NO_REG || (TEMP_GPRS >> addr & 1)) {
        move_to(e, RDX, n->a);
        addr = RDX;
    }
    free_temp(e, RCX);
    free_temp(e, RAX);
    int v = value.reg;
    if (value.in_memory) {
        load_operand(e, RCX, value);
        v = RCX;
    }
    load_operand(e, RAX, expected);
    note_fault(e, n);
    lock(e);
    asm_rm(&e->a, MAP_0F | 0xb1, wide, v, mem_at(addr, 0));
    if (n->op == IR_cas_sc) {
        end_reservation(e);
        asm_rr(&e->a, MAP_0F | OP_BYTE | (0x90 + CC_NE), false, 0, RAX);
        asm_rr(&e->a, MAP_0F | OP_BYTE | 0xb6, false, RAX, RAX);
    }
    bind(e, r, RAX);
    if (n->op == IR_cas && !wide)
        finish_w(e, r, RAX);
}

static void emit_cas_arg(struct emitter *e, ir_ref r) {
    const struct ir_node *n = node_of(e, r);
    int x = use_reg(e, n->a);
    asm_rm(&e->a, 0x89, true, x, HART(cas_arg[n->imm]));
}

/* cmpxchg16b wants rbx, and the address in one more register: both are put aside, which a fault undoes. */
static void emit_cas_16(struct emitter *e, ir_ref r) {
    const struct ir_node *n = node_of(e, r);
    struct operand address = park(e, n->a, HART(call_arg[0]));
    free_temp(e, RAX);
    free_temp(e, RCX);
    free_temp(e, RDX);
    asm_rm(&e->a, 0x89, true, RBX, HART(cas_saved[0]));
    asm_rm(&e->a, 0x89, true, RSI, HART(cas_saved[1]));
    load_operand(e, RSI, address);
    asm_rm(&e->a, 0x8b, true, RAX, HART(cas_arg[0]));
    asm_rm(&e->a, 0x8b, true, RDX, HART(cas_arg[1]));
    asm_rm(&e->a, 0x8b, true, RBX, HART(cas_arg[2]));
    asm_rm(&e->a, 0x8b, true, RCX, HART(cas_arg[3]));
    e->fix.saved = 1;
    note_fault(e, n);
    e->fix.saved = 0;
    lock(e);
    asm_rm(&e->a, MAP_0F | 0xc7, true, 1, mem_at(RSI, 0));
    asm_rm(&e->a, 0x8b, true, RBX, HART(cas_saved[0]));
    asm_rm(&e->a, 0x8b, true, RSI, HART(cas_saved[1]));
    asm_rm(&e->a, 0x89, true, RDX, HART(cas_arg[1]));
    bind(e, r, RAX);
}

static void emit_cas_high(struct emitter *e, ir_ref r) {
    int d = alloc_temp(e, 0);
    asm_rm(&e->a, 0x8b, true, d, HART(cas_arg[1]));
    bind(e, r, d);
}

static void emit_check_align(struct emitter *e, ir_ref r) {
    const struct ir_node *n = node_of(e, r);
    int x = use_reg(e, n->a);
    if (n->aux == TRAP_LOAD_MISALIGNED)
        end_reservation(e);
    asm_rr(&e->a, OP_BYTE | 0xf6, false, 0, x); /* test x8, imm8 */
    asm_byte(&e->a, (unsigned)n->imm - 1);
    struct cold *c = add_cold(e, COLD_TRAP);
    c->from[0] = asm_jcc32(&e->a, CC_NE);
    c->reg = (int8_t)x;
    c->aux = n->aux;
    c->imm = (int64_t)(e->b->pc + n->pc);
}

void emit_atomic_node(struct emitter *e, ir_ref r) {
    switch (node_of(e, r)->op) {
    case IR_amo:
        emit_amo(e, r);
        break;
    case IR_cas:
    case IR_cas_sc:
        emit_cas(e, r);
        break;
    case IR_cas_arg:
        emit_cas_arg(e, r);
        break;
    case IR_cas_16:
        emit_cas_16(e, r);
        break;
    case IR_cas_high:
        emit_cas_high(e, r);
        break;
    case IR_check_align:
        emit_check_align(e, r);
        break;
    default: /* fence: cheaper than mfence and as good */
        lock(e);
        asm_alu_mi(&e->a, ALU_OR, false, HART(call_result), 0);
    }
}
