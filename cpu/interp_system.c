/* interp_system.c: instructions that do more than compute: atomics, CSRs, fences, cache blocks. */
#include "interp_internal.h"
#include "system.h"

#include <sched.h>
#include <string.h>

enum { CACHE_BLOCK = 64, PAUSES_PER_YIELD = 16 };

uint64_t interp_csr(struct hart *h, struct op *op, uint64_t operand, unsigned csr_op) {
    bool no_write = csr_op != 0 && op->rs1 == 0, no_read = csr_op == 0 && op->rd == 32;
    uint64_t imm = ((uint64_t)op->imm & 0xfff) | csr_op << 12 | (uint64_t)no_write << 14 | (uint64_t)no_read << 15;
    interp_fp_collect(h);
    h->trap.cause = TRAP_NONE;
    uint64_t v = csr_access(h, operand, 0, 0, imm);
    if (h->trap.cause != TRAP_NONE) {
        interp_illegal(h, op);
        return SYSTEM_TRAP;
    }
    h->x[op->rd] = v;
    if (UNLIKELY(h->sys && h->sys->resume)) {
        h->sys->resume = false;
        h->pc = interp_op_pc(op) + 4;
        if (h->xlen == 32)
            h->pc = (uint32_t)h->pc;
        return SYSTEM_RESUME;
    }
    return SYSTEM_NEXT;
}

uint64_t interp_ecall(struct hart *h, struct op *op) {
    interp_trap(h, op, TRAP_ECALL_U + (h->sys ? h->sys->priv : 0), 0);
    return SYSTEM_TRAP;
}

/* Host memory behind a guest address; everything is in place for an exact trap should the host fault at the access that
 * follows. */
static void *memory_at(struct hart *h, struct op *op, uint64_t address, unsigned size, bool write) {
    if (h->sys)
        return interp_memory(h, op, address, size, write);
    h->interp_ip = (const struct insn *)(const void *)op;
    __asm__ volatile("" ::: "memory");
    return (void *)(uintptr_t)address;
}

static bool misaligned(struct hart *h, struct op *op, uint64_t address, unsigned bits, uint32_t cause) {
    if (address % (bits / 8) == 0)
        return false;
    interp_trap(h, op, cause, address);
    return true;
}

static uint64_t sext32(uint64_t v) { return (uint64_t)(int64_t)(int32_t)v; }

uint64_t hart_note_wait(struct hart *h, uint64_t pc, uint64_t unused_b, uint64_t unused_c, uint64_t imm) {
    h->res_valid = 0;
    h->wait_lr = pc;
    return 0;
}

uint64_t hart_pause(struct hart *h, uint64_t unused_a, uint64_t unused_b, uint64_t unused_c, uint64_t imm) {
    if (++h->interp->pauses % PAUSES_PER_YIELD == 0)
        sched_yield();
    return 0;
}

uint64_t interp_lr(struct hart *h, struct op *op, uint64_t address, unsigned bits) {
    struct interp *in = h->interp;
    if (misaligned(h, op, address, bits, TRAP_LOAD_MISALIGNED))
        return SYSTEM_TRAP;
    if (op->rs2 == SEQUENCE_WAITS && !hart_lr_is_strict(h, interp_op_pc(op))) {
        void *at = memory_at(h, op, address, bits / 8, false);
        h->x[op->rd] = bits == 32 ? sext32(__atomic_load_n((uint32_t *)at, __ATOMIC_SEQ_CST))
                                  : __atomic_load_n((uint64_t *)at, __ATOMIC_SEQ_CST);
        hart_note_wait(h, interp_op_pc(op), 0, 0, 0);
        return SYSTEM_NEXT;
    }
    /* nothing but register arithmetic up to the SC: see mark_sequences */
    bool simple = op->rs2 != 0 && op->rs2 != SEQUENCE_WAITS;
    if (!simple && in->mem.exclusive_begin != NULL && !in->in_exclusive && !in->stepping &&
        in->mem.exclusive_begin(in->mem.ctx, h)) {
        h->pc = interp_op_pc(op);
        return SYSTEM_EXCLUSIVE;
    }
    void *p = memory_at(h, op, address, bits / 8, false);
    uint64_t v = bits == 32 && !MUTANT(interp_lr_wide) ? sext32(__atomic_load_n((uint32_t *)p, __ATOMIC_SEQ_CST))
                                                       : __atomic_load_n((uint64_t *)p, __ATOMIC_SEQ_CST);
    h->res_valid = 1;
    h->wait_lr = 0;
    h->res_size = (uint8_t)(bits / 8);
    h->res_addr = (uint64_t)(uintptr_t)p;
    in->sequence_end = simple ? interp_op_pc(op) + 2u * op->rs2 : ANY_SC;
    h->res_value = v;
    h->x[op->rd] = v;
    return SYSTEM_NEXT;
}

uint64_t interp_sc(struct hart *h, struct op *op, uint64_t address, uint64_t value, unsigned bits) {
    if (misaligned(h, op, address, bits, TRAP_STORE_MISALIGNED))
        return SYSTEM_TRAP;
    bool done = MUTANT(sc_succeeds);
    if (!h->res_valid && h->wait_lr) {
        unsigned bit = hart_strict_bit(h->wait_lr);
        h->strict_lr[bit / 64] |= 1ull << bit % 64;
        h->new_strict = h->wait_lr;
        h->wait_lr = 0;
    }
    if (h->res_valid && (h->interp->sequence_end == ANY_SC || h->interp->sequence_end == interp_op_pc(op)) &&
        (h->sys || h->res_addr == address) && h->res_size == bits / 8) {
        void *p = memory_at(h, op, address, bits / 8, true);
        if (h->res_addr != (uint64_t)(uintptr_t)p) {
            done = false;
        } else if (bits == 32) {
            uint32_t expected = (uint32_t)h->res_value;
            done = __atomic_compare_exchange_n((uint32_t *)p, &expected, (uint32_t)value, false, __ATOMIC_SEQ_CST,
                                               __ATOMIC_SEQ_CST);
        } else {
            uint64_t expected = h->res_value;
            done =
                __atomic_compare_exchange_n((uint64_t *)p, &expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
        }
    }
    h->res_valid = 0;
    h->x[op->rd] = !done;
    return SYSTEM_NEXT;
}

#define AMO_FUNCTION(n)                                                                                                \
    static uint##n##_t amo_##n(uint##n##_t *p, uint##n##_t v, enum amo what) {                                         \
        switch (what) {                                                                                                \
        case AMO_SWAP:                                                                                                 \
            return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST);                                                        \
        case AMO_ADD:                                                                                                  \
            return __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST);                                                         \
        case AMO_XOR:                                                                                                  \
            return __atomic_fetch_xor(p, v, __ATOMIC_SEQ_CST);                                                         \
        case AMO_AND:                                                                                                  \
            return __atomic_fetch_and(p, v, __ATOMIC_SEQ_CST);                                                         \
        case AMO_OR:                                                                                                   \
            return __atomic_fetch_or(p, v, __ATOMIC_SEQ_CST);                                                          \
        default:                                                                                                       \
            break;                                                                                                     \
        }                                                                                                              \
        uint##n##_t old = __atomic_load_n(p, __ATOMIC_RELAXED), new;                                                   \
        do {                                                                                                           \
            bool less = what == AMO_MIN || what == AMO_MAX ? (int##n##_t)old < (int##n##_t)v : old < v;                \
            new = (less != MUTANT(interp_amo_turned)) == (what == AMO_MIN || what == AMO_MINU) ? old : v;              \
        } while (!__atomic_compare_exchange_n(p, &old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));               \
        return old;                                                                                                    \
    }
AMO_FUNCTION(32)
AMO_FUNCTION(64)

uint64_t interp_amo(struct hart *h, struct op *op, uint64_t address, uint64_t value, enum amo what, unsigned bits) {
    if (misaligned(h, op, address, bits, TRAP_STORE_MISALIGNED))
        return SYSTEM_TRAP;
    void *p = memory_at(h, op, address, bits / 8, true);
    h->x[op->rd] =
        bits == 32 ? sext32(amo_32((uint32_t *)p, (uint32_t)value, what)) : amo_64((uint64_t *)p, value, what);
    return SYSTEM_NEXT;
}

/* A register of a pair: with x0 both read as zero. */
static uint64_t pair(const struct hart *h, unsigned reg, unsigned which) {
    return reg == 0 || reg == 32 ? 0 : h->x[reg + which];
}

uint64_t interp_amocas(struct hart *h, struct op *op, uint64_t address, unsigned bits) {
    bool two_words = bits == 65;
    if (two_words)
        bits = 64;
    if (misaligned(h, op, address, bits, TRAP_STORE_MISALIGNED))
        return SYSTEM_TRAP;
    uint64_t rd = op->rd == 32 ? 0 : h->x[op->rd], rs2 = h->x[op->rs2];
    void *p = memory_at(h, op, address, bits / 8, true);
    if (bits == 32) {
        uint32_t expected = (uint32_t)rd;
        __atomic_compare_exchange_n((uint32_t *)p, &expected, (uint32_t)rs2, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
        h->x[op->rd] = sext32(expected);
    } else if (two_words) {
        uint64_t expected = (uint32_t)pair(h, op->rd, 0) | pair(h, op->rd, 1) << 32;
        uint64_t desired = (uint32_t)pair(h, op->rs2, 0) | pair(h, op->rs2, 1) << 32;
        __atomic_compare_exchange_n((uint64_t *)p, &expected, desired, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
        if (op->rd != 32)
            h->x[op->rd] = sext32(expected), h->x[op->rd + 1] = sext32(expected >> 32);
    } else if (bits == 64) {
        __atomic_compare_exchange_n((uint64_t *)p, &rd, rs2, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
        h->x[op->rd] = rd;
    } else {
        unsigned __int128 expected = pair(h, op->rd, 0) | (unsigned __int128)pair(h, op->rd, 1) << 64;
        unsigned __int128 desired = pair(h, op->rs2, 0) | (unsigned __int128)pair(h, op->rs2, 1) << 64;
        interp_cas128(p, &expected, desired);
        if (op->rd != 32)
            h->x[op->rd] = (uint64_t)expected, h->x[op->rd + 1] = (uint64_t)(expected >> 64);
    }
    return SYSTEM_NEXT;
}

uint64_t interp_fence_i(struct hart *h, struct op *op) {
    struct interp *in = h->interp;
    h->pc = interp_op_pc(op) + 4;
    if (h->xlen == 32)
        h->pc = (uint32_t)h->pc;
    if (in->mem.fence_i != NULL)
        in->mem.fence_i(in->mem.ctx, h);
    interp_drop_unwatched(h);
    return SYSTEM_FENCE_I;
}

uint64_t interp_pause(struct hart *h, struct op *op) {
    hart_pause(h, 0, 0, 0, 0);
    if (__atomic_load_n(&h->pending, __ATOMIC_RELAXED) == 0)
        return SYSTEM_NEXT;
    h->pc = interp_op_pc(op) + 4;
    if (h->xlen == 32)
        h->pc = (uint32_t)h->pc;
    return SYSTEM_PENDING;
}

uint64_t interp_cbo_zero(struct hart *h, struct op *op, uint64_t address) {
    if (h->sys && !system_cbo_allowed(h, ENVCFG_CBZE)) {
        interp_illegal(h, op);
        return SYSTEM_TRAP;
    }
    uint64_t block = address & ~(uint64_t)(CACHE_BLOCK - 1);
    void *p = h->sys ? interp_cache_block(h, op, block, address) : memory_at(h, op, block, CACHE_BLOCK, true);
    memset(p, 0, CACHE_BLOCK);
    return SYSTEM_NEXT;
}
