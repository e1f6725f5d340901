/* ir.c: building a block's IR: nodes are folded and simplified as they are appended, so that no later pass has to. */
#include "ir.h"

#include <string.h>

const struct ir_op_info ir_ops[IR_OP_COUNT] = {
#define OP(name, args, result, kind) [IR_##name] = {#name, args, RESULT(result), IRK_##kind},
#define RESULT(r) (#r)[0]
#include "ir_ops.def"
};

void ir_init(struct ir_block *b, uint64_t pc, unsigned xlen) {
    b->pc = b->end = pc;
    b->xlen = (uint8_t)xlen;
    b->count = b->insns = 0;
    b->overflow = b->recorded = b->states = b->follows = b->no_loop = false;
    b->sext_at_entry = 0;
    memset(b->x, 0xff, sizeof b->x);
    memset(b->f, 0xff, sizeof b->f);
    memset(b->unboxed, 0xff, sizeof b->unboxed);
    memset(b->f_single, 0, sizeof b->f_single);
}

static ir_ref append(struct ir_block *b, enum ir_op op, ir_ref a, ir_ref c, ir_ref d, int64_t imm) {
    if (b->count >= IR_MAX_NODES) {
        b->overflow = true;
        return 0;
    }
    b->nodes[b->count] = (struct ir_node){.op = (uint8_t)op, .a = a, .b = c, .c = d, .imm = imm};
    return b->count++;
}

ir_ref ir_const(struct ir_block *b, int64_t value) {
    /* a short look back keeps blocks of repeated constants small */
    for (unsigned i = b->count, n = 0; i-- > 0 && n < 24; n++)
        if (b->nodes[i].op == IR_const && b->nodes[i].imm == value)
            return (ir_ref)i;
    return append(b, IR_const, IR_NONE, IR_NONE, IR_NONE, value);
}

static bool fits32(int64_t v) { return v == (int32_t)v; }

bool ir_is_sext32(const struct ir_block *b, ir_ref r) {
    const struct ir_node *n = &b->nodes[r];
    switch (n->op) {
    case IR_const:
        return fits32(n->imm);
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
    case IR_eq:
    case IR_ne:
    case IR_lt:
    case IR_ge:
    case IR_ltu:
    case IR_geu:
    case IR_clz:
    case IR_ctz:
    case IR_cpop:
    case IR_clzw:
    case IR_ctzw:
    case IR_cpopw:
    case IR_sext8:
    case IR_sext16:
    case IR_sext32:
    case IR_zext8:
    case IR_zext16:
    case IR_load_s8:
    case IR_load_u8:
    case IR_load_s16:
    case IR_load_u16:
    case IR_load_s32:
    case IR_cas_sc:
        return true;
    case IR_f_to_w_d:
    case IR_f_to_w_s:
    case IR_f_to_wu_d:
    case IR_f_to_wu_s:
    case IR_f_eq_d:
    case IR_f_eq_s:
    case IR_f_lt_d:
    case IR_f_lt_s:
    case IR_f_le_d:
    case IR_f_le_s:
    case IR_f_ltq_d:
    case IR_f_ltq_s:
    case IR_f_leq_d:
    case IR_f_leq_s:
    case IR_f_ltn_d:
    case IR_f_ltn_s:
    case IR_f_len_d:
    case IR_f_len_s:
    case IR_fflags:
        return true;
    case IR_amo:
    case IR_cas:
        return n->imm == 32;
    case IR_get:
        return b->xlen == 32 || (b->sext_at_entry >> n->imm & 1);
    case IR_and:
        if (ir_is_const(b, n->b) && b->nodes[n->b].imm >= 0 && fits32(b->nodes[n->b].imm))
            return true;
        /* fall through */
    case IR_or:
    case IR_xor:
        return ir_is_sext32(b, n->a) && ir_is_sext32(b, n->b);
    case IR_min:
    case IR_max:
    case IR_minu:
    case IR_maxu:
        return ir_is_sext32(b, n->a) && ir_is_sext32(b, n->b);
    case IR_select:
        return ir_is_sext32(b, n->b) && ir_is_sext32(b, n->c);
    case IR_sar:
        return ir_is_sext32(b, n->a) || (ir_is_const(b, n->b) && (b->nodes[n->b].imm & 63) >= 32);
    case IR_shr:
        return ir_is_const(b, n->b) && (b->nodes[n->b].imm & 63) > 32;
    default:
        return false;
    }
}

bool ir_is_zext32(const struct ir_block *b, ir_ref r) {
    const struct ir_node *n = &b->nodes[r];
    switch (n->op) {
    case IR_const:
        return n->imm == (int64_t)(uint32_t)n->imm;
    case IR_zext8:
    case IR_zext16:
    case IR_zext32:
    case IR_aes_sub:
    case IR_load_u8:
    case IR_load_u16:
    case IR_load_u32:
    case IR_eq:
    case IR_ne:
    case IR_lt:
    case IR_ge:
    case IR_ltu:
    case IR_geu:
    case IR_clz:
    case IR_ctz:
    case IR_cpop:
    case IR_clzw:
    case IR_ctzw:
    case IR_cpopw:
        return true;
    case IR_and:
        return ir_is_zext32(b, n->a) || ir_is_zext32(b, n->b);
    case IR_or:
    case IR_xor:
        return ir_is_zext32(b, n->a) && ir_is_zext32(b, n->b);
    case IR_shr:
        return ir_is_const(b, n->b) && (b->nodes[n->b].imm & 63) >= 32;
    case IR_shrw:
        return ir_is_const(b, n->b) && (b->nodes[n->b].imm & 31) > 0;
    default:
        return false;
    }
}

/* The 32-bit operation that sext32 of this one is, or IR_OP_COUNT. */
static enum ir_op narrowed(enum ir_op op) {
    switch (op) {
    case IR_add:
        return IR_addw;
    case IR_sub:
        return IR_subw;
    case IR_mul:
        return IR_mulw;
    default:
        return IR_OP_COUNT;
    }
}

/* A value whose low 32 bits are those of r and that is cheaper: for operands of 32-bit operations. */
static ir_ref low32(const struct ir_block *b, ir_ref r) {
    while (b->nodes[r].op == IR_sext32 || b->nodes[r].op == IR_zext32)
        r = b->nodes[r].a;
    return r;
}

static bool commutes(enum ir_op op) {
    switch (op) {
    case IR_add:
    case IR_and:
    case IR_or:
    case IR_xor:
    case IR_mul:
    case IR_mulh:
    case IR_mulhu:
    case IR_addw:
    case IR_mulw:
    case IR_eq:
    case IR_ne:
    case IR_min:
    case IR_max:
    case IR_minu:
    case IR_maxu:
    case IR_clmul:
    case IR_clmulh:
        return true;
    default:
        return false;
    }
}

static bool wants_low32(enum ir_op op) {
    switch (op) {
    case IR_addw:
    case IR_subw:
    case IR_mulw:
    case IR_shlw:
    case IR_shrw:
    case IR_sarw:
    case IR_rolw:
    case IR_rorw:
    case IR_sext32:
    case IR_zext32:
    case IR_clzw:
    case IR_ctzw:
    case IR_cpopw:
        return true;
    default:
        return false;
    }
}

static bool is_current(const struct ir_block *b, ir_ref r) {
    for (int i = 1; i < 32; i++)
        if (b->x[i] == r)
            return true;
    return false;
}
/* Looking through the sum to its first operand pays unless only the sum is still in a guest register: then the operand
 * would have to be kept beside it. */
static bool may_look_through(const struct ir_block *b, ir_ref sum) {
    return !is_current(b, sum) || is_current(b, b->nodes[sum].a);
}

/* (x << n) op (x >> width - n) is a rotate, for op = or, xor, add. */
static ir_ref as_rotate(struct ir_block *b, ir_ref l, ir_ref r) {
    const struct ir_node *p = &b->nodes[l], *q = &b->nodes[r];
    if (p->op == IR_shr || p->op == IR_shrw) {
        const struct ir_node *t = p;
        p = q;
        q = t;
    }
    bool wide = p->op == IR_shl && q->op == IR_shr, word = p->op == IR_shlw && q->op == IR_shrw;
    if ((!wide && !word) || p->a != q->a || !ir_is_const(b, p->b) || !ir_is_const(b, q->b))
        return IR_NONE;
    int width = wide ? 64 : 32, n = (int)b->nodes[p->b].imm & (width - 1), m = (int)b->nodes[q->b].imm & (width - 1);
    if (n == 0 || n + m != width)
        return IR_NONE;
    return append(b, wide ? IR_rol : IR_rolw, p->a, p->b, IR_NONE, 0);
}

/* Simplifications of a node with constant right operand k. */
static ir_ref fold_right(struct ir_block *b, enum ir_op op, ir_ref x, ir_ref y, int64_t k) {
    const struct ir_node *n = &b->nodes[x];
    bool inner = n->b != IR_NONE && ir_is_const(b, n->b);
    int64_t j = inner ? b->nodes[n->b].imm : 0;
    switch (op) {
    case IR_add:
        if (k == 0)
            return x;
        if (n->op == IR_add && inner && may_look_through(b, x))
            return ir_add(b, IR_add, n->a, ir_const(b, (int64_t)((uint64_t)j + (uint64_t)k)), IR_NONE, 0);
        break;
    case IR_sub:
        if (k == 0)
            return x;
        if (k != INT64_MIN)
            return ir_add(b, IR_add, x, ir_const(b, -k), IR_NONE, 0);
        break;
    case IR_subw:
        return ir_add(b, IR_addw, x, ir_const(b, (int32_t)(0 - (uint32_t)k)), IR_NONE, 0);
    case IR_addw:
        if ((int32_t)k == 0)
            return ir_add(b, IR_sext32, x, IR_NONE, IR_NONE, 0);
        if (!fits32(k))
            return ir_add(b, IR_addw, x, ir_const(b, (int32_t)k), IR_NONE, 0);
        if (n->op == IR_addw && inner && may_look_through(b, x))
            return ir_add(b, IR_addw, n->a, ir_const(b, (int32_t)((uint32_t)j + (uint32_t)k)), IR_NONE, 0);
        break;
    case IR_and:
        if (k == 0)
            return y;
        if (k == -1)
            return x;
        if (k == 0xff)
            return ir_add(b, IR_zext8, x, IR_NONE, IR_NONE, 0);
        if (k == 0xffff)
            return ir_add(b, IR_zext16, x, IR_NONE, IR_NONE, 0);
        if (k == 0xffffffff)
            return ir_add(b, IR_zext32, x, IR_NONE, IR_NONE, 0);
        if (n->op == IR_and && inner)
            return ir_add(b, IR_and, n->a, ir_const(b, j & k), IR_NONE, 0);
        break;
    case IR_or:
        if (k == 0)
            return x;
        if (k == -1)
            return y;
        break;
    case IR_xor:
        if (k == 0)
            return x;
        break;
    case IR_shl:
    case IR_shr:
    case IR_sar:
    case IR_rol:
    case IR_ror:
        k &= 63;
        if (k == 0)
            return x;
        if (op == IR_ror)
            return append(b, IR_rol, x, ir_const(b, 64 - k), IR_NONE, 0);
        if (n->op == IR_shl && inner && op != IR_shl && op != IR_rol) {
            j &= 63;
            bool sar = op == IR_sar;
            if (j == 32 || j == 48 || j == 56) { /* extension of the low part, then shifted */
                enum ir_op ext = j == 32   ? (sar ? IR_sext32 : IR_zext32)
                                 : j == 48 ? (sar ? IR_sext16 : IR_zext16)
                                           : (sar ? IR_sext8 : IR_zext8);
                ir_ref v = ir_add(b, ext, n->a, IR_NONE, IR_NONE, 0);
                if (k == j)
                    return v;
                if (k > j)
                    return ir_add(b, op, v, ir_const(b, k - j), IR_NONE, 0);
                return ir_add(b, IR_shl, v, ir_const(b, j - k), IR_NONE, 0);
            }
        }
        if (op == IR_shl && n->op == IR_shl && inner && (j & 63) + k < 64)
            return ir_add(b, IR_shl, n->a, ir_const(b, (j & 63) + k), IR_NONE, 0);
        break;
    case IR_shlw:
    case IR_shrw:
    case IR_sarw:
    case IR_rolw:
    case IR_rorw:
        k &= 31;
        if (k == 0)
            return ir_add(b, IR_sext32, x, IR_NONE, IR_NONE, 0);
        if (op == IR_rorw)
            return append(b, IR_rolw, x, ir_const(b, 32 - k), IR_NONE, 0);
        if (op == IR_sarw && n->op == IR_shlw && inner && (j & 31) == k && (k == 16 || k == 24))
            return ir_add(b, k == 16 ? IR_sext16 : IR_sext8, n->a, IR_NONE, IR_NONE, 0);
        if (op == IR_shrw && n->op == IR_shlw && inner && (j & 31) == k && (k == 16 || k == 24))
            return ir_add(b, k == 16 ? IR_zext16 : IR_zext8, n->a, IR_NONE, IR_NONE, 0);
        break;
    case IR_mul:
        if (k > 0 && (k & (k - 1)) == 0)
            return ir_add(b, IR_shl, x, ir_const(b, __builtin_ctzll((uint64_t)k)), IR_NONE, 0);
        break;
    case IR_eq:
    case IR_ne:
        /* a comparison's result compared with 0 */
        if (k == 0 && n->op >= IR_eq && n->op <= IR_geu) {
            if (op == IR_ne)
                return x;
            static const enum ir_op inverse[] = {IR_ne, IR_eq, IR_ge, IR_lt, IR_geu, IR_ltu};
            return append(b, inverse[n->op - IR_eq], n->a, n->b, IR_NONE, 0);
        }
        break;
    case IR_ltu:
        if (k == 1)
            return ir_add(b, IR_eq, x, ir_const(b, 0), IR_NONE, 0);
        break;
    default:
        break;
    }
    return IR_NONE;
}

static ir_ref simplify(struct ir_block *b, enum ir_op op, ir_ref x, ir_ref y, ir_ref z) {
    const char *args = ir_ops[op].args;
    size_t arity = strlen(args);
    if (ir_is_const(b, x) && (arity < 2 || ir_is_const(b, y)) && (arity < 3 || ir_is_const(b, z)))
        return ir_const(b,
                        (int64_t)ir_eval_pure(op, (uint64_t)b->nodes[x].imm, arity > 1 ? (uint64_t)b->nodes[y].imm : 0,
                                              arity > 2 ? (uint64_t)b->nodes[z].imm : 0));
    if (arity == 1) {
        switch (op) {
        case IR_sext32: {
            if (ir_is_sext32(b, x))
                return x;
            enum ir_op narrow = narrowed(b->nodes[x].op);
            if (narrow != IR_OP_COUNT)
                return ir_add(b, narrow, b->nodes[x].a, b->nodes[x].b, IR_NONE, 0);
            break;
        }
        case IR_zext32:
            if (ir_is_zext32(b, x))
                return x;
            break;
        case IR_zext8:
            if (b->nodes[x].op == IR_zext8 || b->nodes[x].op == IR_load_u8 ||
                (b->nodes[x].op >= IR_eq && b->nodes[x].op <= IR_geu))
                return x;
            break;
        case IR_zext16:
            if (b->nodes[x].op == IR_zext16 || b->nodes[x].op == IR_zext8 || b->nodes[x].op == IR_load_u8 ||
                b->nodes[x].op == IR_load_u16)
                return x;
            break;
        default:
            break;
        }
        return IR_NONE;
    }
    if (op == IR_select) {
        if (ir_is_const(b, x))
            return b->nodes[x].imm ? y : z;
        return y == z ? y : IR_NONE;
    }
    if (ir_is_const(b, y)) {
        ir_ref r = fold_right(b, op, x, y, b->nodes[y].imm);
        if (r != IR_NONE)
            return r;
    }
    if (x == y) {
        switch (op) {
        case IR_sub:
        case IR_xor:
        case IR_subw:
        case IR_ne:
        case IR_lt:
        case IR_ltu:
            return ir_const(b, 0);
        case IR_eq:
        case IR_ge:
        case IR_geu:
            return ir_const(b, 1);
        case IR_and:
        case IR_or:
            return x;
        default:
            break;
        }
    }
    if (op == IR_or || op == IR_xor || op == IR_add) {
        ir_ref r = as_rotate(b, x, y);
        if (r != IR_NONE)
            return r;
    }
    if (op == IR_and && b->nodes[y].op == IR_xor && ir_is_const(b, b->nodes[y].b) && b->nodes[b->nodes[y].b].imm == -1)
        return append(b, IR_andn, x, b->nodes[y].a, IR_NONE, 0);
    return IR_NONE;
}

ir_ref ir_add(struct ir_block *b, enum ir_op op, ir_ref x, ir_ref y, ir_ref z, int64_t imm) {
    if (b->overflow)
        return 0;
    bool integer = ir_ops[op].kind == IRK_PURE && ir_ops[op].result == 'I' && ir_ops[op].args[0] == 'I';
    if (integer) {
        if (commutes(op) && ir_is_const(b, x) && !ir_is_const(b, y)) {
            ir_ref t = x;
            x = y;
            y = t;
        }
        bool done = (op == IR_sext32 && ir_is_sext32(b, x)) || (op == IR_zext32 && ir_is_zext32(b, x));
        if (wants_low32(op) && !done) { /* an extension that is there already is used again */
            x = low32(b, x);
            if (y != IR_NONE)
                y = low32(b, y);
        }
        ir_ref r = simplify(b, op, x, y, z);
        if (r != IR_NONE)
            return r;
    }
    /* loads and stores: a constant added to the address becomes the displacement */
    if ((ir_ops[op].kind == IRK_LOAD || ir_ops[op].kind == IRK_STORE) && b->xlen == 64) {
        const struct ir_node *n = &b->nodes[x];
        if (n->op == IR_add && ir_is_const(b, n->b) && may_look_through(b, x)) {
            int64_t sum = (int64_t)((uint64_t)imm + (uint64_t)b->nodes[n->b].imm);
            if (fits32(sum)) {
                imm = sum;
                x = n->a;
            }
        }
    }
    return append(b, op, x, y, z, imm);
}
