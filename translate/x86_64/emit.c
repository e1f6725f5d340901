/* emit.c: the walk over a block's nodes. */
#include <stdlib.h>
#include <string.h>

#include "emitter.h"

static bool is_condition(const struct ir_node *n) { return n->op >= IR_eq && n->op <= IR_geu; }
/* No CSR is read between the nodes: a floating-point comparison may move down to its user. */
static bool no_csr_between(const struct ir_block *b, unsigned from, unsigned to) {
    for (unsigned i = from + 1; i < to && !MUTANT(compare_moves_over_flags); i++)
        if ((b->nodes[i].op == IR_csr || b->nodes[i].op == IR_fflags || b->nodes[i].op == IR_set_fflags) &&
            !b->nodes[i].dead)
            return false;
    return true;
}

static void fold_condition(struct emitter *e, unsigned user, ir_ref r) {
    const struct ir_node *n = node_of(e, r);
    if (n->uses != 1)
        return;
    if (is_fp_order(n)) {
        COVER(fold_float_comparison);
        e->fold[r] = no_csr_between(e->b, r, user);
        return;
    }
    if (!is_condition(n))
        return;
    COVER(fold_comparison);
    e->fold[r] = 1;
    if ((n->op == IR_eq || n->op == IR_ne) && ir_is_const(e->b, n->b) && node_of(e, n->b)->imm == 0) {
        const struct ir_node *inner = node_of(e, n->a);
        if (inner->uses == 1 && is_fp_order(inner) && no_csr_between(e->b, n->a, user)) {
            COVER(fold_inverted_float_comparison);
            e->fold[n->a] = 1;
        }
    }
}

static bool scalable(struct emitter *e, ir_ref r) {
    const struct ir_node *n = node_of(e, r);
    return n->op == IR_shl && n->uses == 1 && ir_is_const(e->b, n->b) && node_of(e, n->b)->imm >= 1 &&
           node_of(e, n->b)->imm <= 3;
}

static void fold_operands(struct emitter *e, unsigned i) {
    const struct ir_node *n = &e->b->nodes[i];
    switch (ir_ops[n->op].kind) {
    case IRK_LOAD:
    case IRK_STORE: {
        const struct ir_node *a = node_of(e, n->a);
        if (a->op == IR_add && a->uses == 1 && !ir_is_const(e->b, a->b) && !ir_is_const(e->b, a->a)) {
            COVER(fold_address);
            e->fold[n->a] = 1;
        }
        return;
    }
    default:
        break;
    }
    switch (n->op) {
    case IR_exit_if:
    case IR_select:
        fold_condition(e, i, n->a);
        break;
    case IR_add:
        if (scalable(e, n->b)) {
            COVER(fold_scale_second);
            e->fold[n->b] = 1;
        } else if (scalable(e, n->a)) {
            COVER(fold_scale_first);
            e->fold[n->a] = 1;
        }
        break;
    case IR_f_madd_d:
    case IR_f_madd_s:
        if (node_of(e, n->a)->uses == 1 && (node_of(e, n->a)->op == IR_f_neg_d || node_of(e, n->a)->op == IR_f_neg_s))
            e->fold[n->a] = 1;
        if (node_of(e, n->c)->uses == 1 && (node_of(e, n->c)->op == IR_f_neg_d || node_of(e, n->c)->op == IR_f_neg_s))
            e->fold[n->c] = 1;
        break;
    case IR_exit_ret: {
        const struct ir_node *a = node_of(e, n->a);
        if (e->b->xlen == 64 && a->op == IR_and && a->uses == 1 && ir_is_const(e->b, a->b) &&
            node_of(e, a->b)->imm == -2) {
            COVER(fold_return_mask);
            e->fold[n->a] = 1;
        }
        break;
    }
    default:
        break;
    }
}

/* Whether the user looks at the low 32 bits of its operand only. */
static bool uses_low32(const struct ir_node *n, ir_ref operand) {
    switch (n->op) {
    case IR_addw:
    case IR_subw:
    case IR_mulw:
    case IR_shlw:
    case IR_shrw:
    case IR_sarw:
    case IR_rolw:
    case IR_rorw:
    case IR_divw:
    case IR_divuw:
    case IR_remw:
    case IR_remuw:
    case IR_sext8:
    case IR_sext16:
    case IR_sext32:
    case IR_zext8:
    case IR_zext16:
    case IR_zext32:
        return true;
    case IR_add:
        return MUTANT(narrow_too_far);
    case IR_clzw:
    case IR_ctzw:
    case IR_cpopw:
        return true;
    case IR_store_8:
    case IR_store_16:
    case IR_store_32:
        return n->a != operand;
    default:
        return false;
    }
}

/* Operations whose low 32 bits depend on the low 32 bits of their operands only. */
static bool keeps_low32(const struct ir_node *n, ir_ref operand) {
    switch (n->op) {
    case IR_add:
    case IR_sub:
    case IR_and:
    case IR_or:
    case IR_xor:
    case IR_andn:
    case IR_mul:
        return true;
    case IR_shl:
        return n->a == operand && n->b != operand;
    default:
        return false;
    }
}

static void find_narrow(struct emitter *e) {
    const struct ir_block *b = e->b;
    memset(e->narrow, 1, b->count);
    for (unsigned i = b->count; i-- > 0;) { /* users come before what they use */
        const struct ir_node *n = &b->nodes[i];
        if (n->dead)
            continue;
        const ir_ref ops[3] = {n->a, n->b, n->c};
        for (int k = 0; k < 3; k++)
            if (ops[k] != IR_NONE && !uses_low32(n, ops[k]) && !(e->narrow[i] && n->uses && keeps_low32(n, ops[k])))
                e->narrow[ops[k]] = 0;
    }
}

static void find_hints(struct emitter *e) {
    const struct ir_block *b = e->b;
    for (unsigned i = 0; i < b->count; i++)
        e->hint[i] = -1;
    for (unsigned i = 0; i < b->count; i++) {
        const struct ir_node *n = &b->nodes[i];
        if (n->dead || ir_ops[n->op].kind != IRK_SET)
            continue;
        unsigned j = i;
        while (j > 0 && (b->nodes[j - 1].dead || b->nodes[j - 1].op == IR_const))
            j--;
        const int8_t *homes = n->op == IR_set ? e->home_x : e->home_f;
        if (j > 0 && j - 1 == n->a && homes[n->imm] != NO_REG)
            e->hint[n->a] = (int16_t)n->imm;
    }
}

/* Operands keep their registers while the node is emitted, also those that are used for the last time. */
static void lock_operands(struct emitter *e, const struct ir_node *n) {
    const ir_ref ops[3] = {n->a, n->b, n->c};
    for (int i = 0; i < 3; i++) {
        if (ops[i] == IR_NONE)
            continue;
        if (e->fold[ops[i]])
            lock_operands(e, node_of(e, ops[i]));
        else if (e->reg[ops[i]] != NO_REG)
            *(ir_ops[node_of(e, ops[i])->op].result == 'F' ? &e->locked_xmm : &e->locked) |= 1u << e->reg[ops[i]];
    }
}

/* Whether every use of an f register's entry value reads it as a single. */
static bool only_unboxed(struct emitter *e, ir_ref r) {
    for (unsigned i = r + 1u; i < e->b->count; i++) {
        const struct ir_node *n = &e->b->nodes[i];
        if (!n->dead && n->op != IR_f_unbox_s && (n->a == r || n->b == r || n->c == r))
            return false;
    }
    return true;
}

/* At a loop's head homes may hold values that are not finished. */
static void inherit_state(struct emitter *e, ir_ref r) {
    unsigned f = (unsigned)node_of(e, r)->imm;
    uint32_t bit = 1u << f;
    if ((e->fix.box & bit) && !only_unboxed(e, r)) {
        COVER(loop_head_boxes);
        struct fault_fix now = {e->fix.canon_d & bit, e->fix.canon_s & bit, bit};
        emit_fix(e, now);
        e->fix.canon_d &= ~bit;
        e->fix.canon_s &= ~bit;
        e->fix.box &= ~bit;
    }
    e->is_single[r] = (e->fix.box & bit) != 0;
    e->maybe_nan[r] = e->fix.canon_d & bit ? 1 : e->fix.canon_s & bit ? 2 : 0;
}

static void emit_node(struct emitter *e, ir_ref r) {
    const struct ir_node *n = node_of(e, r);
    COVER_OP(n->op, e->in_loop);
    switch (n->op) {
    case IR_const:
        return;
    case IR_get: {
        int home = e->home_x[n->imm];
        if (home == NO_REG)
            e->mem_x[n->imm] = r;
        else
            bind(e, r, home);
        return;
    }
    case IR_fget: {
        int home = e->home_f[n->imm];
        if (home == NO_REG)
            e->mem_f[n->imm] = r;
        else
            bind_xmm(e, r, home);
        if (e->in_loop)
            inherit_state(e, r);
        return;
    }
    default:
        break;
    }
    e->current = r;
    e->locked = e->locked_xmm = 0;
    lock_operands(e, n);
    consume(e, n);
    switch (n->op) {
    case IR_set:
        emit_set(e, n);
        return;
    case IR_fset:
    case IR_fset_s:
        emit_fset(e, n);
        return;
    case IR_call:
    case IR_csr:
        emit_call_node(e, r);
        return;
    default:
        break;
    }
    if (ir_ops[n->op].kind == IRK_EXIT)
        emit_exit_node(e, r);
    else if ((n->op >= IR_fload_s && n->op < IR_call) || n->op == IR_fflags || n->op == IR_set_fflags)
        emit_fp_node(e, r);
    else
        emit_int_node(e, r);
}

static struct block_info *make_info(const struct emitter *e) {
    struct block_info *info =
        malloc(sizeof *info + e->fault_count * sizeof(struct fault_entry) + e->fix_count * sizeof(struct fault_fix));
    if (!info)
        return NULL;
    info->pc = e->b->pc;
    info->fault_count = e->fault_count;
    info->fix_count = e->fix_count;
    info->watched = true;
    info->insns = e->b->insns;
    info->source = NULL;
    memcpy(info->faults, e->faults, e->fault_count * sizeof(struct fault_entry));
    info->fixes = (struct fault_fix *)&info->faults[e->fault_count];
    memcpy(info->fixes, e->fixes, e->fix_count * sizeof(struct fault_fix));
    return info;
}

/* Whether the block ends with a jump to its own start. */
static bool ends_in_loop(const struct ir_block *b) {
    for (unsigned i = b->count; i-- > 0;) {
        const struct ir_node *n = &b->nodes[i];
        if (n->dead || ir_ops[n->op].kind != IRK_EXIT)
            continue;
        if (n->op == IR_exit && (uint64_t)n->imm == b->pc)
            return true;
        if (n->op == IR_exit_if)
            return (uint64_t)n->imm == b->pc;
        if (n->op != IR_exit)
            return false;
    }
    return false;
}

/* Homes of guest registers that the loop does not touch go to those that it does touch and that have none. */
static void choose_homes(struct emitter *e, int8_t homes[32], enum ir_op get, enum ir_op set, enum ir_op set2) {
    unsigned uses[32] = {0};
    for (unsigned i = 0; i < e->b->count; i++) {
        const struct ir_node *n = &e->b->nodes[i];
        if (!n->dead && (n->op == get || n->op == set || n->op == set2))
            uses[n->imm] += n->op == get ? n->uses + 1u : 2u;
    }
    for (;;) {
        int best = -1, unused = -1;
        for (int r = 0; r < 32; r++) {
            if (homes[r] == NO_REG && uses[r] && (best < 0 || uses[r] > uses[best]))
                best = r;
            if (homes[r] != NO_REG && !uses[r])
                unused = r;
        }
        if (best < 0 || unused < 0)
            return;
        homes[best] = homes[unused];
        homes[unused] = NO_REG;
    }
}

static void choose_loop_homes(struct emitter *e) {
    choose_homes(e, e->home_x, IR_get, IR_set, IR_set);
    choose_homes(e, e->home_f, IR_fget, IR_fset, IR_fset_s);
}

static void emit_section(struct emitter *e) {
    find_hints(e);
    regs_init(e);
    for (unsigned i = 0; i < e->b->count && !e->failed; i++)
        if (!e->b->nodes[i].dead && !e->fold[i])
            emit_node(e, (ir_ref)i);
    emit_cold(e);
    e->cold_count = 0;
}

/* Twice, for a loop; a node's code with its cold part is below 64 bytes on the average, finishing registers at an exit
 * apart. */
size_t backend_room(const struct ir_block *b) {
    size_t room = 8192 + (size_t)b->count * 192;
    return room < 96 * 1024 ? room : 96 * 1024;
}

bool backend_emit(struct backend *be, struct ir_block *b, uint64_t mode, uint8_t *writable, const uint8_t *executable,
                  size_t room, struct emitted *out) {
    struct emitter *e = be->emitter;
    e->a = (struct assembler){writable, writable, writable + room, false};
    e->be = be;
    e->b = b;
    e->mode = mode;
    e->fix = (struct fault_fix){0};
    e->counted = 0;
    e->exit_count = e->cold_count = e->fault_count = e->fix_count = 0;
    e->failed = false;
    memset(e->fold, 0, b->count);
    for (unsigned i = 0; i < b->count; i++)
        if (!b->nodes[i].dead)
            fold_operands(e, i);
    find_narrow(e);
    e->is_loop = ends_in_loop(b);
    e->in_loop = false;
    memcpy(e->home_x, be->home_x, sizeof e->home_x);
    memcpy(e->home_f, be->home_f, sizeof e->home_f);
    emit_section(e);
    uint32_t loop_start = asm_offset(&e->a), landing = 0;
    if (e->is_loop && !e->failed) {
        COVER(loop_section);
        asm_patch_here(&e->a, e->loop_entry);
        e->in_loop = true;
        e->counted = 0;
        choose_loop_homes(e);
        change_homes(e, true);
        e->loop_head = asm_offset(&e->a);
        e->fix = e->loop_fix;
        emit_section(e);
        landing = asm_offset(&e->a);
        change_homes(e, false);
        asm_mov_imm(&e->a, RAX, BACK_FAULT);
        asm_jmp_mem(&e->a, HART(leave_stub));
    }
    if (e->failed || e->a.overflow)
        return false;
    *out = (struct emitted){
        .size = asm_offset(&e->a), .exit_count = e->exit_count, .exits = e->exits, .info = make_info(e)};
    if (out->info) {
        out->info->loop_start = loop_start;
        out->info->landing = landing;
    }
    return out->info != NULL;
}
