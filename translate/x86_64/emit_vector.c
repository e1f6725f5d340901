/* emit_vector.c: integer operations on scalars that the host has for vectors only: AES rounds, carry-less products,
 * byte shuffles.  The operands are taken to vector registers and the result back; hosts without the instruction call
 * the operation's function. */
#include "emitter.h"

enum { V_0F = OP_66 | MAP_0F, V_0F38 = OP_66 | MAP_0F38, V_0F3A = OP_66 | MAP_0F3A };

static void vector(struct emitter *e, unsigned op, int d, int a, int b) { asm_fp_rr(&e->a, true, op, false, d, a, b); }
static void vector_imm(struct emitter *e, unsigned op, int d, int a, int b, unsigned imm) {
    vector(e, op, d, a, b);
    asm_byte(&e->a, imm);
}
static void to_vector(struct emitter *e, int xmm, int gpr) { asm_fp_rr(&e->a, true, V_0F | 0x6e, true, xmm, 0, gpr); }
static int operand(struct emitter *e, ir_ref r) {
    int xmm = alloc_temp_xmm(e, 0);
    to_vector(e, xmm, use_reg(e, r));
    return xmm;
}
static int zero(struct emitter *e) {
    int xmm = alloc_temp_xmm(e, 0);
    vector(e, V_0F | 0xef, xmm, xmm, xmm); /* pxor */
    return xmm;
}

/* Whether the last node that has emitted anything is this one with its operands swapped: then the other half of its
 * result, which is still in its register, is what this one gives. */
static bool is_other_half(const struct emitter *e, ir_ref r) {
    const struct ir_node *n = &e->b->nodes[r];
    for (ir_ref i = r; i-- > 0;) {
        const struct ir_node *m = &e->b->nodes[i];
        if (!m->dead && m->op != IR_set)
            return i == e->round_node && m->op == n->op && m->a == n->b && m->b == n->a;
    }
    return false;
}

static void emit_aes_round(struct emitter *e, ir_ref r, unsigned op) {
    const struct ir_node *n = node_of(e, r);
    bool other = is_other_half(e, r);
    int x = e->round_xmm;
    if (!other) {
        x = operand(e, n->a);
        asm_fp_rr(&e->a, true, V_0F3A | 0x22, true, x, x, use_reg(e, n->b)); /* pinsrq */
        asm_byte(&e->a, 1);
        vector(e, op, x, x, zero(e));
        e->locked = 0; /* the operands are done with */
        e->round_node = r;
        e->round_xmm = (int8_t)x;
    }
    int d = alloc_dest(e, r, 0);
    if (other) {
        asm_fp_rr(&e->a, true, V_0F3A | 0x16, true, x, 0, d); /* pextrq */
        asm_byte(&e->a, 1);
    } else {
        asm_fp_rr(&e->a, true, V_0F | 0x7e, true, x, 0, d);
    }
    bind(e, r, d);
}

static void emit_clmul(struct emitter *e, ir_ref r) {
    const struct ir_node *n = node_of(e, r);
    int x = operand(e, n->a), y = operand(e, n->b);
    vector_imm(e, V_0F3A | 0x44, x, x, y, 0);
    e->locked = 0;
    int d = alloc_dest(e, r, 0);
    if (n->op == IR_clmul || MUTANT(clmulh_low)) {
        asm_fp_rr(&e->a, true, V_0F | 0x7e, true, x, 0, d);
    } else {
        asm_fp_rr(&e->a, true, V_0F3A | 0x16, true, x, 0, d); /* pextrq */
        asm_byte(&e->a, 1);
    }
    bind(e, r, d);
}

/* x has the operand; the result is its low word or double word. */
static void result(struct emitter *e, ir_ref r, int x, bool wide, bool inverted) {
    e->locked = 0;
    int d = alloc_dest(e, r, 0);
    asm_fp_rr(&e->a, true, V_0F | 0x7e, wide, x, 0, d);
    if (inverted)
        asm_rr(&e->a, 0xf7, true, 2, d); /* not */
    bind(e, r, d);
}

static void emit_xperm8(struct emitter *e, ir_ref r) {
    const struct ir_node *n = node_of(e, r);
    int table = operand(e, n->a), index = operand(e, n->b), limit = alloc_temp_xmm(e, 0);
    e->locked = 0;
    int t = alloc_temp(e, 0);
    asm_mov_imm(&e->a, t, 0x7070707070707070); /* added, what is 16 or more gets its top bit set: pshufb's zero */
    to_vector(e, limit, t);
    vector(e, V_0F | 0xdc, index, index, limit); /* paddusb */
    vector(e, V_0F38 | 0x00, table, table, index);
    result(e, r, table, true, false);
}

void emit_vector_node(struct emitter *e, ir_ref r) {
    const struct ir_node *n = node_of(e, r);
    bool avx = has(e, HOST_AVX), aes = has(e, HOST_AES);
    int x;
    switch (aes || (avx && (n->op == IR_orcb || n->op == IR_xperm8)) ? n->op : IR_OP_COUNT) {
    case IR_aes64es:
        emit_aes_round(e, r, V_0F38 | 0xdd);
        break;
    case IR_aes64esm:
        emit_aes_round(e, r, V_0F38 | (MUTANT(aes_not_mixed) ? 0xdd : 0xdc));
        break;
    case IR_aes64ds:
        emit_aes_round(e, r, V_0F38 | 0xdf);
        break;
    case IR_aes64dsm:
        emit_aes_round(e, r, V_0F38 | 0xde);
        break;
    case IR_aes64im:
        x = operand(e, n->a);
        vector(e, V_0F38 | 0xdb, x, 0, x);
        result(e, r, x, true, false);
        break;
    case IR_aes_sub:
        x = operand(e, n->a);
        vector_imm(e, V_0F | 0x73, 7, x, x, 4);   /* pslldq: to the second word */
        vector_imm(e, V_0F3A | 0xdf, x, 0, x, 0); /* aeskeygenassist */
        result(e, r, x, false, false);
        break;
    case IR_clmul:
    case IR_clmulh:
        emit_clmul(e, r);
        break;
    case IR_orcb:
        x = operand(e, n->a);
        vector(e, V_0F | 0x74, x, x, zero(e)); /* pcmpeqb */
        result(e, r, x, true, true);
        break;
    case IR_xperm8:
        emit_xperm8(e, r);
        break;
    default:
        emit_call_node(e, r);
    }
}
