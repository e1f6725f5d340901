/* ir_opt.c: passes over a finished block: dead register writes, dead values. */
#include "ir.h"

#include <string.h>

static void use(struct ir_block *b, ir_ref r) {
    if (r != IR_NONE)
        b->nodes[r].uses++;
}

void ir_count_uses(struct ir_block *b) {
    for (unsigned i = 0; i < b->count; i++)
        b->nodes[i].uses = 0;
    for (unsigned i = 0; i < b->count; i++) {
        const struct ir_node *n = &b->nodes[i];
        if (n->dead)
            continue;
        use(b, n->a);
        use(b, n->b);
        use(b, n->c);
    }
}

bool ir_observes(const struct ir_node *n) {
    if (n->op == IR_f_unbox_s) /* leaves the block when the value is not boxed */
        return true;
    if (n->op >= IR_record_open && n->op <= IR_record_end)
        return false;
    switch (ir_ops[n->op].kind) {
    case IRK_EXIT:
        return !(MUTANT(exit_state_stale) && n->op == IR_exit_if);
    case IRK_LOAD:
    case IRK_STORE:
        return !MUTANT(fault_state_stale);
    case IRK_EFFECT:
        return true;
    default:
        return false;
    }
}

void ir_drop_dead_sets(struct ir_block *b) {
    uint32_t x = 0, f = 0; /* registers written again before anything observes them */
    for (unsigned i = b->count; i-- > 0;) {
        struct ir_node *n = &b->nodes[i];
        if (n->dead)
            continue;
        if (ir_observes(n))
            x = f = 0;
        if (ir_ops[n->op].kind != IRK_SET)
            continue;
        uint32_t *written = n->op == IR_set ? &x : &f, bit = 1u << n->imm;
        if (*written & bit)
            n->dead = 1;
        *written |= bit;
    }
    /* writing back what the register already holds */
    ir_ref holds[2][32];
    memset(holds, 0xff, sizeof holds);
    for (unsigned i = 0; i < b->count; i++) {
        struct ir_node *n = &b->nodes[i];
        if (n->dead)
            continue;
        if (n->op == IR_get || n->op == IR_fget) {
            ir_ref *h = &holds[n->op == IR_fget][n->imm];
            if (*h == IR_NONE)
                *h = (ir_ref)i;
        } else if (ir_ops[n->op].kind == IRK_SET) {
            ir_ref *h = &holds[n->op != IR_set][n->imm];
            if (*h == n->a && n->op != IR_fset_s)
                n->dead = 1;
            *h = n->op == IR_fset_s ? IR_NONE - 1 : n->a;
        }
    }
}

void ir_drop_dead_values(struct ir_block *b) {
    ir_count_uses(b);
    for (unsigned i = b->count; i-- > 0;) {
        struct ir_node *n = &b->nodes[i];
        unsigned kind = ir_ops[n->op].kind;
        if (n->dead || n->uses || (kind != IRK_PURE && kind != IRK_READ))
            continue;
        n->dead = 1;
        if (n->a != IR_NONE)
            b->nodes[n->a].uses--;
        if (n->b != IR_NONE)
            b->nodes[n->b].uses--;
        if (n->c != IR_NONE)
            b->nodes[n->c].uses--;
    }
}

void ir_optimise(struct ir_block *b) {
    ir_drop_dead_sets(b);
    ir_drop_dead_values(b);
}
