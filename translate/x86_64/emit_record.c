/* emit_record.c: the nodes that write records (lift_record.h) to the hart's buffer. */
#include "emitter.h"

static struct mem word_at(int base, int64_t word) { return mem_at(base, (int32_t)word * 8); }

static int load_end(struct emitter *e) {
    int t = alloc_temp(e, 0);
    asm_rm(&e->a, 0x8b, true, t, HART(record_at));
    return t;
}

static void store_header(struct emitter *e, int end, const struct ir_node *n) {
    asm_rm(&e->a, 0xc7, false, 0, mem_at(end, 0));
    asm_u32(&e->a, (uint32_t)n->imm);
    asm_rm(&e->a, 0xc7, false, 0, mem_at(end, 4));
    asm_u32(&e->a, (uint32_t)n->imm2);
}

/* Whether the block may leave another floating-point state than it has found. */
static bool changes_fp(const struct ir_block *b) {
    for (unsigned i = 0; i < b->count; i++) {
        const struct ir_node *n = &b->nodes[i];
        if (!n->dead && (ir_ops[n->op].kind == IRK_FP || n->op == IR_fset || n->op == IR_fset_s || n->op == IR_csr ||
                         n->op == IR_set_fflags || n->op == IR_call))
            return true;
    }
    return false;
}

/* Also the block's poll: there is none at its exits, where the last instruction has been recorded already. */
static void emit_begin(struct emitter *e, const struct ir_node *n) {
    asm_alu_mi(&e->a, ALU_CMP, false, HART(pending), 0);
    struct cold *c = add_cold(e, COLD_POLL);
    c->from[0] = asm_jcc32(&e->a, CC_NE);
    c->imm = (int64_t)e->b->pc;
    int end = RAX; /* where state_stub expects it */
    free_temp(e, end);
    asm_rm(&e->a, 0x8b, true, end, HART(record_at));
    asm_rm(&e->a, 0x3b, true, end, e->b->follows ? HART(record_end) : HART(record_limit));
    c = add_cold(e, COLD_LEAVE);
    c->from[0] = asm_jcc32(&e->a, CC_A);
    c->aux = BACK_RECORD;
    c->imm = (int64_t)e->b->pc;
    store_header(e, end, n);
    if (e->b->states) {
        asm_call_mem(&e->a, HART(state_stub));
        asm_rm(&e->a, 0xc7, true, 0, HART(record_fp));
        asm_u32(&e->a, changes_fp(e->b));
    }
}

void emit_record_node(struct emitter *e, ir_ref r) {
    const struct ir_node *n = node_of(e, r);
    switch (n->op) {
    case IR_record_begin:
        emit_begin(e, n);
        break;
    case IR_record_open:
        store_header(e, load_end(e), n);
        break;
    case IR_record_end:
        asm_alu_mi(&e->a, ALU_ADD, true, HART(record_at), (int32_t)n->imm * 8);
        break;
    case IR_record: {
        const struct ir_node *value = node_of(e, n->a);
        if (value->op == IR_const && value->imm == (int32_t)value->imm) {
            asm_rm(&e->a, 0xc7, true, 0, word_at(load_end(e), n->imm));
            asm_u32(&e->a, (uint32_t)value->imm);
        } else {
            int v = use_reg(e, n->a), end = load_end(e);
            asm_rm(&e->a, 0x89, true, v, word_at(end, n->imm));
        }
        break;
    }
    default: { /* record_f, record_fs */
        bool single = n->op == IR_record_fs;
        make_canonical(e, n->a, !single);
        int v = use_xmm(e, n->a), end = load_end(e);
        struct mem m = word_at(end, n->imm);
        fp_store(e, !single, m, v);
        if (single) {
            m.disp += 4;
            asm_rm(&e->a, 0xc7, false, 0, m);
            asm_u32(&e->a, 0xffffffffu);
        }
    }
    }
}
