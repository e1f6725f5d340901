/* ir_verify.c: the rules that every block keeps, from the lifter to the host's code generator.
 *
 *  - An operand is an earlier, live node of the type that ir_ops.def says; only a call may lack its last arguments.
 *  - x0 is neither read nor written; a register is read before the block writes it, as reads give entry values.
 *  - The last live node, and no other, is an unconditional exit.
 *  - imm, aux and rm are in range.
 */
#include "lift_record.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

struct verifier {
    const struct ir_block *b;
    unsigned index; /* of the node under test */
    char *err;
    size_t n;
};

__attribute__((format(printf, 2, 3))) static bool bad(struct verifier *v, const char *format, ...) {
    unsigned op = v->index < v->b->count ? v->b->nodes[v->index].op : IR_OP_COUNT;
    int used = snprintf(v->err, v->n, "node %u (%s): ", v->index, op < IR_OP_COUNT ? ir_ops[op].name : "?");
    if (used >= 0 && (size_t)used < v->n) {
        va_list args;
        va_start(args, format);
        vsnprintf(v->err + used, v->n - (size_t)used, format, args);
        va_end(args);
    }
    return false;
}

static bool check_operands(struct verifier *v, const struct ir_node *n) {
    const ir_ref refs[3] = {n->a, n->b, n->c};
    const char *args = ir_ops[n->op].args;
    size_t arity = strlen(args);
    bool missing = false;
    for (unsigned i = 0; i < 3; i++) {
        if (refs[i] == IR_NONE) {
            if (i < arity && n->op != IR_call)
                return bad(v, "operand %u is missing", i + 1);
            missing = true;
            continue;
        }
        if (i >= arity)
            return bad(v, "has an operand %u", i + 1);
        if (missing)
            return bad(v, "operand %u comes after a missing one", i + 1);
        if (refs[i] >= v->index)
            return bad(v, "operand %%%u is not an earlier node", refs[i]);
        const struct ir_node *from = &v->b->nodes[refs[i]];
        if (from->dead)
            return bad(v, "operand %%%u is dead", refs[i]);
        if (ir_ops[from->op].result != args[i])
            return bad(v, "operand %%%u is of type %c", refs[i], ir_ops[from->op].result);
    }
    return true;
}

static bool check_rounding(struct verifier *v, const struct ir_node *n) {
    if (ir_ops[n->op].kind != IRK_FP || n->op == IR_call || n->op == IR_fflags || n->op == IR_set_fflags)
        return n->rm == 0 || bad(v, "has a rounding mode");
    return n->rm <= RM_RMM || n->rm == RM_DYN || bad(v, "rounding mode %u", n->rm);
}

static bool check_target(struct verifier *v, int64_t pc) {
    return v->b->xlen == 64 || (uint64_t)pc <= UINT32_MAX || bad(v, "pc 0x%" PRIx64 " on RV32", (uint64_t)pc);
}

static bool check_width(struct verifier *v, const struct ir_node *n) {
    return n->imm == 32 || n->imm == 64 || bad(v, "width %" PRId64, n->imm);
}

/* imm, imm2 and aux by themselves. */
static bool check_fields(struct verifier *v, const struct ir_node *n) {
    switch (n->op) {
    case IR_get:
    case IR_set:
        return (n->imm >= 1 && n->imm <= 31) || bad(v, "x register %" PRId64, n->imm);
    case IR_fget:
    case IR_fset:
    case IR_fset_s:
        return (n->imm >= 0 && n->imm <= 31) || bad(v, "f register %" PRId64, n->imm);
    case IR_call:
        return n->aux < ir_helper_count || bad(v, "helper %u", n->aux);
    case IR_csr:
    case IR_sys_csr: /* csr | op << 12 | no write << 14 | no read << 15; op 3 does not exist */
        return (n->imm >= 0 && n->imm <= 0xffff && (n->imm >> 12 & 3) != 3) ||
               bad(v, "imm 0x%" PRIx64, (uint64_t)n->imm);
    case IR_sys_cbo:
        return (n->imm >= 0 && n->imm < CACHE_BLOCK_COUNT) || bad(v, "operation %" PRId64, n->imm);
    case IR_check_code:
        return (n->imm2 >= 0 && n->imm2 <= UINT16_MAX) || bad(v, "halfword 0x%" PRIx64, (uint64_t)n->imm2);
    case IR_amo:
        return (n->aux <= AMO_MAXU || bad(v, "operation %u", n->aux)) && check_width(v, n);
    case IR_cas:
    case IR_cas_sc:
        return check_width(v, n);
    case IR_cas_arg:
        return (n->imm >= 0 && n->imm <= 3) || bad(v, "word %" PRId64, n->imm);
    case IR_check_align:
        if (n->imm < 1 || n->imm > 16 || (n->imm & (n->imm - 1)))
            return bad(v, "alignment %" PRId64, n->imm);
        return n->aux < TRAP_NONE || bad(v, "cause %u", n->aux);
    case IR_record:
    case IR_record_f:
    case IR_record_fs:
    case IR_record_end:
        return (n->imm >= 1 && n->imm <= RECORD_BLOCK_WORDS) || bad(v, "word %" PRId64, n->imm);
    case IR_poll:
    case IR_exit_if:
    case IR_exit:
        return check_target(v, n->imm);
    case IR_exit_likely:
        return check_target(v, n->imm);
    case IR_exit_call:
    case IR_exit_call_likely:
        return check_target(v, n->imm) && check_target(v, n->imm2);
    case IR_exit_call_reg:
        return check_target(v, n->imm2);
    case IR_exit_trap:
        return n->aux < TRAP_NONE || bad(v, "cause %u", n->aux);
    case IR_exit_engine:
        return (n->aux < LEAVE_COUNT || bad(v, "reason %u", n->aux)) && check_target(v, n->imm);
    case IR_exit_system:
        return (n->aux < DO_COUNT || bad(v, "action %u", n->aux)) && check_target(v, n->imm);
    default:
        break;
    }
    unsigned kind = ir_ops[n->op].kind;
    if ((kind == IRK_LOAD || kind == IRK_STORE) && n->imm != (int32_t)n->imm)
        return bad(v, "displacement %" PRId64, n->imm);
    return true;
}

bool ir_verify(const struct ir_block *b, char *err, size_t n) {
    struct verifier v = {.b = b, .err = err, .n = n};
    uint32_t written[2] = {0, 0}; /* x, f */
    bool left = false;
    if (b->overflow || b->count > IR_MAX_NODES)
        return bad(&v, "the block has too many nodes");
    if (b->xlen != 32 && b->xlen != 64)
        return bad(&v, "xlen %u", b->xlen);
    for (; v.index < b->count; v.index++) {
        const struct ir_node *node = &b->nodes[v.index];
        if (node->dead)
            continue;
        if (node->op >= IR_OP_COUNT)
            return bad(&v, "operation %u", node->op);
        if (left)
            return bad(&v, "comes after the exit");
        if (!check_fields(&v, node) || !check_rounding(&v, node) || !check_operands(&v, node))
            return false;
        unsigned kind = ir_ops[node->op].kind;
        if (kind == IRK_SET)
            written[node->op != IR_set] |= 1u << node->imm;
        if (kind == IRK_READ && (written[node->op == IR_fget] >> node->imm & 1))
            return bad(&v, "reads a register that the block has written");
        left = kind == IRK_EXIT && node->op != IR_exit_if;
    }
    return left || bad(&v, "the block does not end with an exit");
}
