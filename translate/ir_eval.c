/* ir_eval.c: the reference evaluator: runs a block node by node, as plainly as can be, to say what generated code must
 * do.
 *
 * Memory is the process's own; a guest address is a host address.  Floating point is cpu/fp.h's exact arithmetic.
 */
#include "ir.h"

#include <string.h>

#include "../cpu/interp.h"

/* FP nodes are named after their helpers: f_add_d is fp_add_d. */
static hart_helper *fp_helper(enum ir_op op) {
    for (unsigned i = 0; i < ir_helper_count; i++)
        if (strcmp(ir_helpers[i].name + 2, ir_ops[op].name + 1) == 0)
            return ir_helpers[i].fn;
    return NULL;
}

/* The pure operations with a floating-point side.  A single is in the low half, and what is above it means nothing. */
static uint64_t fp_pure(enum ir_op op, uint64_t a, uint64_t b) {
    const uint64_t sign_d = 1ull << 63, sign_s = 1ull << 31;
    switch (op) {
    case IR_f_bits:
    case IR_f_from_bits:
        return a;
    case IR_f_unbox_s:
    case IR_f_unbox_any_s:
        return fp_unbox_s(a);
    case IR_f_box_s:
        return fp_box_s(a);
    case IR_f_neg_d:
        return a ^ sign_d;
    case IR_f_neg_s:
        return (uint32_t)(a ^ sign_s);
    case IR_f_sgnj_d:
        return (a & ~sign_d) | (b & sign_d);
    case IR_f_sgnj_s:
        return (uint32_t)((a & ~sign_s) | (b & sign_s));
    case IR_f_sgnjn_d:
        return (a & ~sign_d) | (~b & sign_d);
    case IR_f_sgnjn_s:
        return (uint32_t)((a & ~sign_s) | (~b & sign_s));
    case IR_f_sgnjx_d:
        return a ^ (b & sign_d);
    case IR_f_sgnjx_s:
        return (uint32_t)(a ^ (b & sign_s));
    default:
        return ir_eval_pure(op, a, b, 0);
    }
}

/* Comparisons that raise nothing: the quiet ones, flags put back. */
static uint64_t compare_silently(struct hart *h, enum ir_op op, uint64_t a, uint64_t b) {
    hart_helper *const helpers[] = {fp_ltq_d, fp_ltq_s, fp_leq_d, fp_leq_s};
    uint8_t flags = h->fflags;
    uint64_t result = helpers[op - IR_f_ltn_d](h, a, b, 0, 0);
    h->fflags = flags;
    return result;
}

#define LOAD(type)                                                                                                     \
    do {                                                                                                               \
        type t;                                                                                                        \
        memcpy(&t, (const void *)address, sizeof t);                                                                   \
        return (uint64_t)t;                                                                                            \
    } while (0)

/* Sign extension is in the conversion from the signed types. */
static uint64_t load(enum ir_op op, uintptr_t address) {
    switch (op) {
    case IR_load_s8:
        LOAD(int8_t);
    case IR_load_u8:
        LOAD(uint8_t);
    case IR_load_s16:
        LOAD(int16_t);
    case IR_load_u16:
        LOAD(uint16_t);
    case IR_load_s32:
        LOAD(int32_t);
    case IR_load_u32:
    case IR_fload_s:
        LOAD(uint32_t);
    default:
        LOAD(uint64_t);
    }
}

static void store(enum ir_op op, uintptr_t address, uint64_t value) {
    size_t size = op == IR_store_8 ? 1 : op == IR_store_16 ? 2 : op == IR_store_32 || op == IR_fstore_s ? 4 : 8;
    memcpy((void *)address, &value, size); /* little-endian */
}

static uint64_t sext(uint64_t v, int64_t width) { return width == 32 ? (uint64_t)(int32_t)v : v; }

/* What an amo stores where it found old; both sign-extended from the width.  Extension keeps unsigned order too. */
static uint64_t amo_result(enum ir_amo op, uint64_t old, uint64_t operand) {
    switch (op) {
    case AMO_SWAP:
        return operand;
    case AMO_ADD:
        return old + operand;
    case AMO_XOR:
        return old ^ operand;
    case AMO_AND:
        return old & operand;
    case AMO_OR:
        return old | operand;
    case AMO_MIN:
        return (int64_t)old < (int64_t)operand ? old : operand;
    case AMO_MAX:
        return (int64_t)old > (int64_t)operand ? old : operand;
    case AMO_MINU:
        return old < operand ? old : operand;
    case AMO_MAXU:
        return old > operand ? old : operand;
    }
    return old;
}

/* Compare and exchange; gives the value found, sign-extended. */
static uint64_t exchange(uintptr_t address, uint64_t expected, uint64_t value, int64_t width) {
    if (width == 32) {
        uint32_t e = (uint32_t)expected;
        __atomic_compare_exchange_n((uint32_t *)address, &e, (uint32_t)value, false, __ATOMIC_SEQ_CST,
                                    __ATOMIC_SEQ_CST);
        return sext(e, 32);
    }
    __atomic_compare_exchange_n((uint64_t *)address, &expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    return expected;
}

static uint64_t amo(enum ir_amo op, uintptr_t address, uint64_t operand, int64_t width) {
    operand = sext(operand, width);
    uint64_t old = width == 32 ? sext(__atomic_load_n((uint32_t *)address, __ATOMIC_SEQ_CST), 32)
                               : __atomic_load_n((uint64_t *)address, __ATOMIC_SEQ_CST);
    for (;;) {
        uint64_t found = exchange(address, old, amo_result(op, old, operand), width);
        if (found == old)
            return old;
        old = found;
    }
}

/* The block leaves with a trap at its node n. */
static bool trap(const struct ir_block *b, const struct ir_node *n, struct hart *h, unsigned cause, uint64_t tval) {
    uint64_t pc = b->pc + n->pc;
    h->pc = b->xlen == 32 ? (uint32_t)pc : pc;
    h->trap = (struct trap){.cause = cause, .tval = tval};
    return true;
}

/* Nodes that are ordered; true where the block leaves. */
static bool run_effect(const struct ir_block *b, const struct ir_node *n, struct hart *h, const uint64_t arg[3],
                       uint64_t *result) {
    switch (n->op) {
    case IR_csr:
    case IR_sys_csr:
        *result = csr_access(h, arg[0], 0, 0, (uint64_t)n->imm);
        return h->trap.cause != TRAP_NONE && trap(b, n, h, h->trap.cause, 0);
    case IR_fence:
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        return false;
    case IR_amo:
        *result = amo((enum ir_amo)n->aux, arg[0], arg[1], n->imm);
        return false;
    case IR_cas:
        *result = exchange(arg[0], arg[1], arg[2], n->imm);
        return false;
    case IR_cas_sc:
        *result = exchange(arg[0], arg[1], arg[2], n->imm) != sext(arg[1], n->imm);
        return false;
    case IR_cas_arg:
        h->cas_arg[n->imm] = arg[0];
        return false;
    case IR_cas_16: {
        unsigned __int128 old = h->cas_arg[0] | (unsigned __int128)h->cas_arg[1] << 64;
        interp_cas128((void *)(uintptr_t)arg[0], &old, h->cas_arg[2] | (unsigned __int128)h->cas_arg[3] << 64);
        *result = (uint64_t)old;
        h->cas_arg[1] = (uint64_t)(old >> 64);
        return false;
    }
    case IR_cas_high:
        *result = h->cas_arg[1];
        return false;
    case IR_check_align:
        return arg[0] % (uint64_t)n->imm != 0 && trap(b, n, h, n->aux, arg[0]);
    default:
        return false;
    }
}

static bool run_exit(const struct ir_block *b, const struct ir_node *n, struct hart *h, uint64_t a) {
    switch (n->op) {
    case IR_exit_if:
        if (a == 0)
            return false;
        h->pc = (uint64_t)n->imm;
        return true;
    case IR_exit_reg:
    case IR_exit_call_reg:
    case IR_exit_likely:
    case IR_exit_call_likely:
    case IR_exit_ret:
        h->pc = a;
        return true;
    case IR_exit_trap:
        return trap(b, n, h, n->aux, (uint64_t)n->imm2);
    default:
        h->pc = (uint64_t)n->imm;
        return true;
    }
}

ir_ref ir_run(const struct ir_block *b, struct hart *h) {
    uint64_t values[IR_MAX_NODES], x[32], f[32];
    memcpy(x, h->x, sizeof x);
    memcpy(f, h->f, sizeof f);
    h->trap.cause = TRAP_NONE;
    for (unsigned i = 0; i < b->count; i++) {
        const struct ir_node *n = &b->nodes[i];
        if (n->dead)
            continue;
        const enum ir_op op = (enum ir_op)n->op;
        const ir_ref refs[3] = {n->a, n->b, n->c};
        uint64_t arg[3], *result = &values[i];
        for (unsigned k = 0; k < 3; k++)
            arg[k] = refs[k] == IR_NONE ? 0 : values[refs[k]];
        *result = 0;
        switch (ir_ops[op].kind) {
        case IRK_PURE:
            if (op == IR_const)
                *result = (uint64_t)n->imm;
            else if (op >= IR_f_ltn_d && op <= IR_f_len_s)
                *result = compare_silently(h, op, arg[0], arg[1]);
            else if (strchr(ir_ops[op].args, 'F') || ir_ops[op].result == 'F')
                *result = fp_pure(op, arg[0], arg[1]);
            else
                *result = ir_eval_pure(op, arg[0], arg[1], arg[2]);
            break;
        case IRK_READ:
            *result = op == IR_get ? x[n->imm] : f[n->imm];
            break;
        case IRK_SET:
            if (op == IR_set)
                h->x[n->imm] = arg[0];
            else
                h->f[n->imm] = op == IR_fset_s ? fp_box_s(arg[0]) : arg[0];
            break;
        case IRK_FP:
            if (op == IR_fflags)
                *result = h->fflags;
            else if (op == IR_set_fflags)
                h->fflags = arg[0] & 31;
            else if (op == IR_call)
                *result = ir_helpers[n->aux].fn(h, arg[0], arg[1], arg[2], (uint64_t)n->imm);
            else
                *result = fp_helper(op)(h, arg[0], arg[1], arg[2], n->rm);
            break;
        case IRK_LOAD:
            if (ir_is_tlb(op)) /* guest addresses are host addresses here */
                *result = arg[0] + (uint64_t)n->imm;
            else
                *result = load(op, arg[0] + (uint64_t)n->imm);
            break;
        case IRK_STORE:
            if (ir_is_tlb(op))
                *result = arg[0] + (uint64_t)n->imm;
            else
                store(op, arg[0] + (uint64_t)n->imm, arg[1]);
            break;
        case IRK_EFFECT:
            if (run_effect(b, n, h, arg, result))
                return (ir_ref)i;
            break;
        default:
            if (run_exit(b, n, h, arg[0]))
                return (ir_ref)i;
        }
    }
    return IR_NONE;
}
