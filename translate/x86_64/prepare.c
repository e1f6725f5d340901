/* prepare.c: what is found out about a block before it is emitted: nodes that are emitted as part of others, values of
 * which only the low half matters, homes for its loop.
 */
#include <string.h>

#include "emitter.h"

static bool is_condition(const struct ir_node *n) { return n->op >= IR_eq && n->op <= IR_geu; }
/* No CSR is read between the nodes: a floating-point comparison may move down to its user. */
static bool no_csr_between(const struct ir_block *b, unsigned from, unsigned to) {
    for (unsigned i = from + 1; i < to; i++)
        if ((b->nodes[i].op == IR_csr || b->nodes[i].op == IR_sys_csr || b->nodes[i].op == IR_fflags ||
             b->nodes[i].op == IR_set_fflags) &&
            !b->nodes[i].dead)
            return false;
    return true;
}

static void fold_condition(struct emitter *e, unsigned user, ir_ref r) {
    const struct ir_node *n = node_of(e, r);
    if (n->uses != 1)
        return;
    if (is_fp_order(n)) {
        e->fold[r] = no_csr_between(e->b, r, user);
        return;
    }
    if (!is_condition(n))
        return;
    e->fold[r] = 1;
    if ((n->op == IR_eq || n->op == IR_ne) && ir_is_const(e->b, n->b) && node_of(e, n->b)->imm == 0) {
        const struct ir_node *inner = node_of(e, n->a);
        if (inner->uses == 1 && is_fp_order(inner) && no_csr_between(e->b, n->a, user))
            e->fold[n->a] = 1;
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
        if (a->op == IR_add && a->uses == 1 && !ir_is_const(e->b, a->b) && !ir_is_const(e->b, a->a))
            e->fold[n->a] = 1;
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
        if (scalable(e, n->b))
            e->fold[n->b] = 1;
        else if (scalable(e, n->a))
            e->fold[n->a] = 1;
        break;
    case IR_f_madd_d:
    case IR_f_madd_s:
        if (node_of(e, n->a)->uses == 1 && (node_of(e, n->a)->op == IR_f_neg_d || node_of(e, n->a)->op == IR_f_neg_s))
            e->fold[n->a] = 1;
        if (node_of(e, n->c)->uses == 1 && (node_of(e, n->c)->op == IR_f_neg_d || node_of(e, n->c)->op == IR_f_neg_s))
            e->fold[n->c] = 1;
        break;
    case IR_exit_reg:
    case IR_exit_call_reg:
    case IR_exit_likely:
    case IR_exit_call_likely:
    case IR_exit_ret: {
        const struct ir_node *a = node_of(e, n->a);
        if (e->b->xlen == 64 && a->op == IR_and && a->uses == 1 && ir_is_const(e->b, a->b) &&
            node_of(e, a->b)->imm == -2)
            e->fold[n->a] = 1;
        break;
    }
    default:
        break;
    }
}

/* Whether the user looks at the low 32 bits of its operand only. */
static bool uses_low32(const struct ir_block *b, const struct ir_node *n, ir_ref operand) {
    switch (n->op) {
    case IR_eq:
    case IR_ne:
    case IR_lt:
    case IR_ge:
    case IR_ltu:
    case IR_geu: /* sign-extended values compare as their low halves do */
        return ir_is_sext32(b, n->a) && ir_is_sext32(b, n->b);
    case IR_set: /* the rest of the value follows */
        return n->aux || ir_is_sext32(b, operand);
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
    case IR_clzw:
    case IR_ctzw:
    case IR_cpopw:
        return true;
    case IR_store_8:
    case IR_store_16:
    case IR_store_32:
    case IR_tlb_w8:
    case IR_tlb_w16:
    case IR_tlb_w32:
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
    case IR_select:
        return n->a != operand;
    default:
        return false;
    }
}

static void find_narrow(struct emitter *e) {
    const struct ir_block *b = e->b;
    memset(e->narrow, 1, e->node_count);
    for (unsigned i = b->count; i-- > 0;) { /* users come before what they use */
        const struct ir_node *n = &b->nodes[i];
        if (n->dead)
            continue;
        const ir_ref ops[3] = {n->a, n->b, n->c};
        for (int k = 0; k < 3; k++)
            if (ops[k] != IR_NONE && !uses_low32(b, n, ops[k]) && !(e->narrow[i] && n->uses && keeps_low32(n, ops[k])))
                e->narrow[ops[k]] = 0;
    }
}

/* Sign extensions that only say what the upper half of a register is: their users take the operand, and guest registers
 * are extended where somebody looks. */
static void drop_extensions(struct emitter *e) {
    struct ir_block *b = e->b;
    for (unsigned i = 0; i < b->count; i++) {
        struct ir_node *n = &b->nodes[i];
        if (n->dead || n->op != IR_sext32 || ir_is_const(b, n->a))
            continue;
        bool same = ir_is_sext32(b, n->a), drop = true;
        for (unsigned j = i + 1; j < b->count && drop && !same; j++) {
            const struct ir_node *u = &b->nodes[j];
            if (!u->dead && (u->a == i || u->b == i || u->c == i))
                drop = uses_low32(b, u, (ir_ref)i) && !(u->op >= IR_eq && u->op <= IR_geu);
        }
        if (!drop)
            continue;
        for (unsigned j = i + 1; j < b->count; j++) {
            struct ir_node *u = &b->nodes[j];
            if (u->dead || (u->a != i && u->b != i && u->c != i))
                continue;
            if (u->op == IR_set && !same)
                u->aux = 1;
            ir_ref *ops[3] = {&u->a, &u->b, &u->c};
            for (int k = 0; k < 3; k++)
                if (*ops[k] == i)
                    *ops[k] = n->a;
        }
        n->dead = 1;
    }
    ir_count_uses(b);
}

/* The set that a register's value at the block's end comes from. */
static void find_last_sets(const struct ir_block *b, const struct ir_node *last[2][32]) {
    memset(last, 0, sizeof(struct ir_node *) * 64);
    for (unsigned i = 0; i < b->count; i++) {
        const struct ir_node *n = &b->nodes[i];
        if (!n->dead && ir_ops[n->op].kind == IRK_SET)
            last[n->op != IR_set][n->imm] = n;
    }
}

static void find_hints(struct emitter *e) {
    const struct ir_block *b = e->b;
    const struct ir_node *last[2][32];
    for (unsigned i = 0; i < b->count; i++)
        e->hint[i] = -1;
    find_last_sets(b, last);
    for (int r = 0; r < 32; r++)
        if (last[0][r] && e->home_x[r] != NO_REG)
            e->hint[last[0][r]->a] = (int16_t)r;
    for (unsigned i = 0; i < b->count; i++) {
        const struct ir_node *n = &b->nodes[i];
        if (n->dead || (n->op != IR_fset && n->op != IR_fset_s))
            continue;
        unsigned j = i;
        while (j > 0 && (b->nodes[j - 1].dead || b->nodes[j - 1].op == IR_const))
            j--;
        if (j > 0 && j - 1 == n->a && e->home_f[n->imm] != NO_REG)
            e->hint[n->a] = (int16_t)n->imm;
    }
}

static bool is_lazy_op(unsigned op) {
    return op == IR_shlw || op == IR_shrw || op == IR_sarw || op == IR_shl || op == IR_shr || op == IR_sar;
}

/* Shifts by constants that are nothing but registers' values (what is left of a rotate that was written as two shifts
 * and an or): computed where somebody looks. */
static void find_lazy(struct emitter *e) {
    struct ir_block *b = e->b;
    memset(e->lazy, 0, IR_MAX_NODES);
    for (unsigned i = 0; i < b->count; i++) {
        const struct ir_node *n = &b->nodes[i];
        if (!n->dead && !e->fold[i] && n->uses && is_lazy_op(n->op) && ir_is_const(b, n->b) && !ir_is_const(b, n->a) &&
            !e->lazy[n->a])
            e->lazy[i] = 1;
    }
    for (unsigned i = 0; i < b->count; i++) {
        const struct ir_node *n = &b->nodes[i];
        if (n->dead || (n->op == IR_set && !n->aux))
            continue;
        const ir_ref ops[3] = {n->a, n->b, n->c};
        for (int k = 0; k < 3; k++)
            if (ops[k] != IR_NONE)
                e->lazy[ops[k]] = 0;
    }
}

/* Registers that are such shifts of other registers when the loop goes round: they need not be anywhere at its head. */
static void find_derived(struct emitter *e) {
    struct ir_block *b = e->b;
    const struct ir_node *last[2][32];
    uint32_t read = 0;
    memset(e->derived, 0, sizeof e->derived);
    if (!e->is_loop)
        return;
    find_last_sets(b, last);
    for (unsigned i = 0; i < b->count; i++)
        if (!b->nodes[i].dead && b->nodes[i].op == IR_get)
            read |= 1u << b->nodes[i].imm;
    for (unsigned r = 1; r < 32; r++) {
        if (!last[0][r] || (read >> r & 1) || !e->lazy[last[0][r]->a] || last[0][r]->aux)
            continue;
        const struct ir_node *n = node_of(e, last[0][r]->a);
        if (n->op != IR_shlw && n->op != IR_shrw && n->op != IR_sarw)
            continue;
        for (unsigned from = 1; from < 32 && !e->derived[r]; from++)
            if (last[0][from] && from != r && last[0][from]->a == n->a && e->node_count < IR_MAX_NODES)
                e->derived[r] = (uint8_t)from;
    }
    for (unsigned r = 1; e->in_loop && r < 32; r++) {
        if (!e->derived[r])
            continue;
        struct ir_node *n = &b->nodes[e->node_count];
        *n = *node_of(e, last[0][r]->a);
        n->a = e->entry[e->derived[r]];
        n->uses = 0;
        e->fold[e->node_count] = 0;
        e->lazy[e->node_count] = 1;
        e->derived_from[r] = (ir_ref)e->node_count++;
    }
}

/* For each register written: the last node before that which may show the guest its old value. */
static void find_releases(struct emitter *e) {
    const struct ir_block *b = e->b;
    uint32_t open = 0; /* registers that will be written before anything observes them */
    memset(e->release, 0, sizeof *e->release * b->count);
    for (unsigned i = b->count; i-- > 0;) {
        const struct ir_node *n = &b->nodes[i];
        if (n->dead)
            continue;
        if (ir_observes(n)) {
            e->release[i] = open;
            open = 0;
        }
        if (n->op == IR_set)
            open |= 1u << n->imm;
    }
    e->release_start = open;
    memset(e->last_set, 0, sizeof e->last_set);
    for (unsigned i = 0; i < b->count; i++)
        if (!b->nodes[i].dead && b->nodes[i].op == IR_set)
            e->last_set[b->nodes[i].imm] = (ir_ref)i;
}

/* The registers that the block reads or writes. */
static uint32_t touched(const struct ir_block *b) {
    uint32_t t = 0;
    for (unsigned i = 0; i < b->count; i++)
        if (!b->nodes[i].dead && (b->nodes[i].op == IR_get || b->nodes[i].op == IR_set))
            t |= 1u << b->nodes[i].imm;
    return t;
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

/* Homes of f registers that the loop does not touch go to those that it does touch and that have none. */
static void choose_f_homes(struct emitter *e, int8_t homes[32]) {
    unsigned uses[32] = {0};
    for (unsigned i = 0; i < e->b->count; i++) {
        const struct ir_node *n = &e->b->nodes[i];
        if (!n->dead && (n->op == IR_fget || n->op == IR_fset || n->op == IR_fset_s))
            uses[n->imm] += n->op == IR_fget ? n->uses + 1u : 2u;
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

/* Marks where the operands of a node are used last, through folded nodes. */
static void mark_uses(struct emitter *e, const struct ir_node *n, uint16_t last[], unsigned at) {
    const ir_ref ops[3] = {n->a, n->b, n->c};
    for (int i = 0; i < 3; i++) {
        if (ops[i] == IR_NONE)
            continue;
        if (e->fold[ops[i]])
            mark_uses(e, node_of(e, ops[i]), last, at);
        else
            last[ops[i]] = (uint16_t)at;
    }
}

/* The most values that wait for a use at the same time, those that the block begins with apart. */
static unsigned pressure(struct emitter *e) {
    const struct ir_block *b = e->b;
    uint16_t last[IR_MAX_NODES];
    int16_t ends[IR_MAX_NODES + 1];
    memset(last, 0, sizeof *last * b->count);
    memset(ends, 0, sizeof *ends * (b->count + 1u));
    for (unsigned i = 0; i < b->count; i++)
        if (!b->nodes[i].dead && !e->fold[i] && ir_ops[b->nodes[i].op].kind != IRK_SET)
            mark_uses(e, &b->nodes[i], last, i);
    int now = 0, most = 0;
    for (unsigned i = 0; i < b->count; i++) {
        const struct ir_node *n = &b->nodes[i];
        now -= ends[i];
        if (n->dead || e->fold[i] || n->op == IR_const || n->op == IR_get || ir_ops[n->op].result != 'I' || !last[i])
            continue;
        ends[last[i]]++;
        if (++now > most)
            most = now;
    }
    return (unsigned)most;
}

/* Homes for the loop: the registers that it reads first, then those that it only writes, as far as enough host
 * registers stay free for its other values.  A register that has no home in the block takes the one of a register that
 * the loop does not touch only if it is read and written, or read more than once: entering and leaving the loop has to
 * pay for that. */
static void choose_loop_homes(struct emitter *e) {
    const struct ir_block *b = e->b;
    unsigned weight[32] = {0}, homes = 0, untouched = 0;
    uint32_t read = 0, written = 0, often = 0, chosen = 0, pool = 0;
    for (unsigned i = 0; i < b->count; i++) {
        const struct ir_node *n = &b->nodes[i];
        if (n->dead || (n->op != IR_get && n->op != IR_set))
            continue;
        uint32_t bit = 1u << n->imm;
        weight[n->imm] += n->op == IR_get ? n->uses + 2u : 1;
        *(n->op == IR_get ? &read : &written) |= bit;
        if (n->op == IR_get && n->uses > 1)
            often |= bit;
    }
    unsigned temporaries = pressure(e) + 1;
    temporaries = temporaries < 3 ? 3 : temporaries > 6 ? 6 : temporaries;
    memcpy(e->loop_home_x, e->be->home_x, sizeof e->loop_home_x);
    for (; homes < 14 - temporaries; homes++) {
        int best = -1;
        for (int r = 1; r < 32; r++) {
            bool worth = e->be->home_x[r] != NO_REG || ((read & written) >> r & 1) || (often >> r & 1);
            if (weight[r] && worth && !(chosen >> r & 1) && (best < 0 || weight[r] > weight[best]))
                best = r;
        }
        if (best < 0)
            break;
        chosen |= 1u << best;
    }
    for (int r = 1; r < 32; r++) {
        if (e->loop_home_x[r] == NO_REG || (chosen >> r & 1))
            continue;
        if (weight[r]) {
            pool |= 1u << e->loop_home_x[r];
            e->loop_home_x[r] = NO_REG;
        } else {
            untouched++;
        }
    }
    for (int r = 31; r > 0; r--) { /* the loop takes registers that it does not touch from others */
        if (weight[r] || e->loop_home_x[r] == NO_REG || untouched + homes + temporaries <= 14)
            continue;
        pool |= 1u << e->loop_home_x[r];
        e->loop_home_x[r] = NO_REG;
        untouched--;
    }
    for (int r = 1; r < 32 && pool; r++)
        if ((chosen >> r & 1) && e->loop_home_x[r] == NO_REG) {
            e->loop_home_x[r] = (int8_t)__builtin_ctz(pool);
            pool &= pool - 1;
        }
}

static void find_folds(struct emitter *e) {
    memset(e->fold, 0, e->node_count);
    for (unsigned i = 0; i < e->b->count; i++)
        if (!e->b->nodes[i].dead)
            fold_operands(e, i);
}

/* Once a block: whether it is a loop, its homes, and nodes for the values that registers have at its start. */
void prepare_block(struct emitter *e) {
    struct ir_block *b = e->b;
    b->sext_at_entry = 0;
    e->node_count = b->count;
    e->is_loop = !b->recorded && !b->no_loop && ends_in_loop(b);
    memcpy(e->home_x, e->be->home_x, sizeof e->home_x);
    memcpy(e->home_f, e->be->home_f, sizeof e->home_f);
    memcpy(e->loop_home_x, e->be->home_x, sizeof e->loop_home_x);
    memcpy(e->loop_home_f, e->be->home_f, sizeof e->loop_home_f);
    if (e->is_loop) {
        find_folds(e);
        choose_loop_homes(e);
        choose_f_homes(e, e->loop_home_f);
    }
    memset(e->entry, 0xff, sizeof e->entry);
    for (unsigned i = b->count; i-- > 0;)
        if (!b->nodes[i].dead && b->nodes[i].op == IR_get)
            e->entry[b->nodes[i].imm] = (ir_ref)i;
    uint32_t all = touched(b);
    for (unsigned r = 1; r < 32; r++) {
        if (e->loop_home_x[r] != e->be->home_x[r])
            all |= 1u << r;
        if (!(all >> r & 1) || e->entry[r] != IR_NONE)
            continue;
        b->nodes[e->node_count] =
            (struct ir_node){.op = IR_get, .a = IR_NONE, .b = IR_NONE, .c = IR_NONE, .imm = (int64_t)r};
        e->entry[r] = (ir_ref)e->node_count++;
    }
}

/* For each of the one or two times that the block's nodes are emitted. */
void prepare_section(struct emitter *e) {
    struct ir_block *b = e->b;
    e->tracked = touched(b);
    if (e->in_loop) { /* what the first pass has left in registers is known now */
        const struct ir_node *last[2][32];
        uint32_t sext = 0; /* what was true before the first pass is not known: decided for all before it is used */
        find_last_sets(b, last);
        for (unsigned r = 1; r < 32; r++) {
            if (e->loop_home_x[r] != e->be->home_x[r])
                e->tracked |= 1u << r;
            if (last[0][r] && (last[0][r]->aux || ir_is_sext32(b, last[0][r]->a)))
                sext |= 1u << r;
        }
        b->sext_at_entry = sext;
    }
    drop_extensions(e);
    find_folds(e);
    find_lazy(e);
    find_derived(e);
    find_narrow(e);
    find_hints(e);
    find_releases(e);
    e->head_dirty = 0;
    if (e->in_loop)
        for (unsigned r = 1; r < 32; r++)
            if ((b->sext_at_entry >> r & 1) && e->narrow[e->entry[r]])
                e->head_dirty |= 1u << r;
}
