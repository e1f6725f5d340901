/* interp_words.h: the vocabulary of cpu/riscv.def in C, for the XLEN that the including file has defined.
 *
 * Each row becomes a function do_ID(h, op, rs1, rs2, rm).  What it returns depends on the row's format: the value for
 * rd, a branch's condition, a computed jump's target, or an enum system_result.  Where rs1 and rs2 come from is the
 * caller's business: that is how operations are specialised and fused.
 */
#include "crypto.h"
#include "interp_float.h"
#include "interp_internal.h"
#include "mmu.h"

#include <string.h>

#if XLEN == 64
typedef uint64_t ux;
typedef int64_t sx;
#else
typedef uint32_t ux;
typedef int32_t sx;
#endif

#ifndef BOARD
#define BOARD 0
#endif

/* Guest memory.  Without a board a bad access is a host fault, so before each one everything is in place for an exact
 * trap; with one (BOARD) the TLB says where memory is, and what it does not know has a function of its own. */
#define BARRIER() __asm__ volatile("" ::: "memory")
#define AT_MEMORY(h, op) ((h)->interp_ip = (const struct insn *)(const void *)(op), BARRIER_EXPR())
static ALWAYS_INLINE void BARRIER_EXPR(void) { BARRIER(); }

struct __attribute__((packed, may_alias)) mem_8 {
    uint8_t v;
};
struct __attribute__((packed, may_alias)) mem_16 {
    uint16_t v;
};
struct __attribute__((packed, may_alias)) mem_32 {
    uint32_t v;
};
struct __attribute__((packed, may_alias)) mem_64 {
    uint64_t v;
};

#if BOARD
/* The tag is compared with the page of the last byte, so that an access that leaves its page misses. */
#define MEMORY_ACCESS(n)                                                                                               \
    static ALWAYS_INLINE uint##n##_t load_##n(struct hart *h, struct op *op, ux a) {                                   \
        const struct tlb_entry *e = &h->tlb->entries[tlb_index(a)];                                                    \
        if (LIKELY(e->read == ((ux)(a + (n / 8 - 1)) & PAGE_MASK)))                                                    \
            return ((const volatile struct mem_##n *)(uintptr_t)(a + e->addend))->v;                                   \
        return (uint##n##_t)interp_load(h, op, a, n / 8);                                                              \
    }                                                                                                                  \
    static ALWAYS_INLINE void store_##n(struct hart *h, struct op *op, ux a, uint64_t v) {                             \
        const struct tlb_entry *e = &h->tlb->entries[tlb_index(a)];                                                    \
        if (LIKELY(e->write == ((ux)(a + (n / 8 - 1)) & PAGE_MASK)))                                                   \
            ((volatile struct mem_##n *)(uintptr_t)(a + e->addend))->v = (uint##n##_t)v;                               \
        else                                                                                                           \
            interp_store(h, op, a, n / 8, v);                                                                          \
    }
#else
#define MEMORY_ACCESS(n)                                                                                               \
    static ALWAYS_INLINE uint##n##_t load_##n(struct hart *h, struct op *op, ux a) {                                   \
        AT_MEMORY(h, op);                                                                                              \
        return ((const volatile struct mem_##n *)(uintptr_t)a)->v;                                                     \
    }                                                                                                                  \
    static ALWAYS_INLINE void store_##n(struct hart *h, struct op *op, ux a, uint64_t v) {                             \
        AT_MEMORY(h, op);                                                                                              \
        ((volatile struct mem_##n *)(uintptr_t)a)->v = (uint##n##_t)v;                                                 \
    }
#endif
MEMORY_ACCESS(8)
MEMORY_ACCESS(16)
MEMORY_ACCESS(32)
MEMORY_ACCESS(64)

static ALWAYS_INLINE uint64_t sext8(uint64_t v) { return (uint64_t)(int64_t)(int8_t)v; }
static ALWAYS_INLINE uint64_t sext16(uint64_t v) { return (uint64_t)(int64_t)(int16_t)v; }
static ALWAYS_INLINE uint64_t sext32(uint64_t v) { return (uint64_t)(int64_t)(int32_t)v; }

/* M: chapter "M", table "Semantics for division by zero and division overflow" */
static ALWAYS_INLINE uint64_t div_signed(sx a, sx b) {
    if (UNLIKELY(b == 0))
        return UINT64_MAX;
    if (UNLIKELY(b == -1))
        return (uint64_t)0 - (uint64_t)a;
    return (uint64_t)(a / b);
}
static ALWAYS_INLINE uint64_t rem_signed(sx a, sx b) {
    if (UNLIKELY(b == 0))
        return (uint64_t)a;
    return UNLIKELY(b == -1) ? 0 : (uint64_t)(a % b);
}
static ALWAYS_INLINE uint64_t div_unsigned(ux a, ux b) { return UNLIKELY(b == 0) ? UINT64_MAX : a / b; }
static ALWAYS_INLINE uint64_t rem_unsigned(ux a, ux b) { return UNLIKELY(b == 0) ? a : a % b; }
static ALWAYS_INLINE uint64_t div_w(int32_t a, int32_t b) {
    if (UNLIKELY(b == 0))
        return UINT64_MAX;
    return UNLIKELY(b == -1) ? sext32(0u - (uint32_t)a) : (uint64_t)(int64_t)(a / b);
}
static ALWAYS_INLINE uint64_t rem_w(int32_t a, int32_t b) {
    if (UNLIKELY(b == 0))
        return (uint64_t)(int64_t)a;
    return UNLIKELY(b == -1) ? MUTANT(interp_remw_overflow) : (uint64_t)(int64_t)(a % b);
}
static ALWAYS_INLINE uint64_t divu_w(uint32_t a, uint32_t b) { return UNLIKELY(b == 0) ? UINT64_MAX : sext32(a / b); }
static ALWAYS_INLINE uint64_t remu_w(uint32_t a, uint32_t b) { return sext32(UNLIKELY(b == 0) ? a : a % b); }

#if XLEN == 64
static ALWAYS_INLINE uint64_t mulh_ss(uint64_t a, uint64_t b) {
    return (uint64_t)((__int128)(int64_t)a * (int64_t)b >> 64);
}
static ALWAYS_INLINE uint64_t mulh_uu(uint64_t a, uint64_t b) { return (uint64_t)((unsigned __int128)a * b >> 64); }
static ALWAYS_INLINE uint64_t mulh_su(uint64_t a, uint64_t b) { return mulh_uu(a, b) - ((int64_t)a < 0 ? b : 0); }
#else
static ALWAYS_INLINE uint64_t mulh_ss(uint64_t a, uint64_t b) {
    return (uint64_t)((int64_t)(int32_t)a * (int32_t)b >> 32);
}
static ALWAYS_INLINE uint64_t mulh_uu(uint64_t a, uint64_t b) { return (uint64_t)(uint32_t)a * (uint32_t)b >> 32; }
static ALWAYS_INLINE uint64_t mulh_su(uint64_t a, uint64_t b) {
    return (uint64_t)((int64_t)(int32_t)a * (MUTANT(interp_mulhsu32) ? (int64_t)(int32_t)b : (int64_t)(uint32_t)b) >> 32);
}
#endif

/* B: the bit-manipulation chapter */
static ALWAYS_INLINE uint64_t clz_x(ux v) { return v == 0 ? XLEN : (uint64_t)__builtin_clzll(v) - (64 - XLEN); }
static ALWAYS_INLINE uint64_t ctz_x(ux v) { return v == 0 ? XLEN : (uint64_t)__builtin_ctzll(v); }
static ALWAYS_INLINE uint64_t clz_w(uint32_t v) { return v == 0 ? 32 : (uint64_t)__builtin_clz(v); }
static ALWAYS_INLINE uint64_t ctz_w(uint32_t v) { return v == 0 ? 32 : (uint64_t)__builtin_ctz(v); }
static ALWAYS_INLINE ux rol_x(ux v, uint64_t n) { return v << (n % XLEN) | v >> (-n % XLEN); }
static ALWAYS_INLINE ux ror_x(ux v, uint64_t n) { return v >> (n % XLEN) | v << (-n % XLEN); }
static ALWAYS_INLINE uint64_t rol_w(uint32_t v, uint64_t n) { return sext32(v << (n % 32) | v >> (-n % 32)); }
static ALWAYS_INLINE uint64_t ror_w(uint32_t v, uint64_t n) { return sext32(v >> (n % 32) | v << (-n % 32)); }
static ALWAYS_INLINE uint64_t orc_b(uint64_t v) {
    /* a byte's top bit is set by adding 0x7f where its low seven bits are not zero */
    uint64_t low = 0x7f7f7f7f7f7f7f7f, set = (((v & low) + low) | v) & ~low;
    return (set >> 7) * 0xff;
}
static inline uint64_t clmul_low(ux a, ux b) {
    ux r = 0;
    for (; b != 0; b &= b - 1)
        r ^= a << __builtin_ctzll(b);
    return r;
}
static inline uint64_t clmul_high(ux a, ux b) {
    ux r = 0;
    for (b &= ~(ux)1; b != 0; b &= b - 1)
        r ^= a >> (XLEN - MUTANT(interp_clmulh) - __builtin_ctzll(b));
    return r;
}
static inline uint64_t clmul_reversed(ux a, ux b) {
    ux r = 0;
    for (; b != 0; b &= b - 1)
        r ^= a >> (XLEN - 1 - __builtin_ctzll(b));
    return r;
}

#define RS1 rs1
#define RS2 rs2
#define IMM ((uint64_t)(int64_t)op->imm)
#define PC (op[1].value)
#define K(n) ((uint64_t)(n))
#if XLEN == 64
#define WR(v) return (v)
#else
#define WR(v) return sext32(v)
#endif
#define ADD(a, b) ((a) + (b))
#define SUB(a, b) ((a) - (b))
#define AND(a, b) ((a) & (b))
#define OR(a, b) ((a) | (b))
#define XOR(a, b) ((a) ^ (b))
#define NOT(a) (~(a))
#define EQ(a, b) ((uint64_t)((a) == (b)))
#define NE(a, b) ((uint64_t)((a) != (b)))
#define LT(a, b) ((uint64_t)((int64_t)(a) < (int64_t)(b)))
#define LTU(a, b) ((uint64_t)((a) < (b)))
#define GE(a, b) ((uint64_t)((int64_t)(a) >= (int64_t)(b)))
#define GEU(a, b) ((uint64_t)((a) >= (b)))
#define SHL(a, n) ((uint64_t)((ux)(a) << ((n) % XLEN)))
#define SHR(a, n) ((uint64_t)((ux)(a) >> ((n) % XLEN)))
#define SAR(a, n) ((uint64_t)(int64_t)((sx)(a) >> ((n) % XLEN)))
#define SHLW(a, n) sext32((uint32_t)(a) << ((n) % 32))
#define SHRW(a, n) sext32((uint32_t)(a) >> ((n) % 32))
#define SARW(a, n) ((uint64_t)(int64_t)((int32_t)(a) >> ((n) % 32)))
#define SHL64(a, n) ((a) << (n))
#define SHR64(a, n) ((a) >> (n))
#define ROL(a, n) ((uint64_t)rol_x((ux)(a), n))
#define ROR(a, n) ((uint64_t)ror_x((ux)(a), n))
#define ROLW(a, n) rol_w((uint32_t)(a), n)
#define RORW(a, n) ror_w((uint32_t)(a), n)
#define MUL(a, b) ((a) * (b))
#define MULH(a, b) mulh_ss(a, b)
#define MULHU(a, b) mulh_uu(a, b)
#define MULHSU(a, b) mulh_su(a, b)
#define DIV(a, b) div_signed((sx)(a), (sx)(b))
#define DIVU(a, b) div_unsigned((ux)(a), (ux)(b))
#define REM(a, b) rem_signed((sx)(a), (sx)(b))
#define REMU(a, b) rem_unsigned((ux)(a), (ux)(b))
#define DIVW(a, b) div_w((int32_t)(a), (int32_t)(b))
#define DIVUW(a, b) divu_w((uint32_t)(a), (uint32_t)(b))
#define REMW(a, b) rem_w((int32_t)(a), (int32_t)(b))
#define REMUW(a, b) remu_w((uint32_t)(a), (uint32_t)(b))
#define CLZ(a) clz_x((ux)(a))
#define CTZ(a) ctz_x((ux)(a))
#define CPOP(a) ((uint64_t)__builtin_popcountll((ux)(a)))
#define CLZW(a) clz_w((uint32_t)(a))
#define CTZW(a) ctz_w((uint32_t)(a))
#define CPOPW(a) ((uint64_t)__builtin_popcount((uint32_t)(a)))
#define REV8(a) (__builtin_bswap64(a) >> (64 - XLEN))
#define ORCB(a) orc_b(a)
#define BREV8(a) crypto_reverse_bits_in_bytes(a)
#define XPERM8(a, b) crypto_permute_bytes(a, b)
#define XPERM4(a, b) crypto_permute_nibbles(a, b)
#define AES64ES(a, b) crypto_aes_encrypt(a, b, false)
#define AES64ESM(a, b) crypto_aes_encrypt(a, b, true)
#define AES64DS(a, b) crypto_aes_decrypt(a, b, false)
#define AES64DSM(a, b) crypto_aes_decrypt(a, b, true)
#define AES64IM(a) crypto_aes_mix_inverse(a)
#define AES64KS1I(a) crypto_aes_key_step(a, (unsigned)op->imm)
#define AES64KS2(a, b) (((b) ^ (a) >> 32) ^ ((b) ^ (a) >> 32) << 32)
#define CLMUL(a, b) clmul_low((ux)(a), (ux)(b))
#define CLMULH(a, b) clmul_high((ux)(a), (ux)(b))
#define CLMULR(a, b) clmul_reversed((ux)(a), (ux)(b))
#define MIN(a, b) ((int64_t)(a) < (int64_t)(b) ? (a) : (b))
#define MAX(a, b) ((int64_t)(a) < (int64_t)(b) ? (b) : (a))
#define MINU(a, b) ((a) < (b) ? (a) : (b))
#define MAXU(a, b) (((a) < (b)) != MUTANT(interp_maxu) ? (b) : (a))
#define SELECT(c, a, b) ((c) ? (a) : (b))
#define SEXT8(a) sext8(a)
#define SEXT16(a) sext16(a)
#define SEXT32(a) sext32(a)
#define ZEXT8(a) ((a)&0xff)
#define ZEXT16(a) ((a)&0xffff)
#define ZEXT32(a) ((uint64_t)(uint32_t)(a))
#define LOAD_S8(a) sext8(load_8(h, op, (ux)(a)))
#define LOAD_U8(a) ((uint64_t)load_8(h, op, (ux)(a)))
#define LOAD_S16(a) sext16(load_16(h, op, (ux)(a)))
#define LOAD_U16(a) ((uint64_t)load_16(h, op, (ux)(a)))
#define LOAD_S32(a) sext32(load_32(h, op, (ux)(a)))
#define LOAD_U32(a) ((uint64_t)load_32(h, op, (ux)(a)))
#define LOAD_64(a) load_64(h, op, (ux)(a))
#define STORE_8(a, v) store_8(h, op, (ux)(a), v)
#define STORE_16(a, v) store_16(h, op, (ux)(a), v)
#define STORE_32(a, v) store_32(h, op, (ux)(a), v)
#define STORE_64(a, v) store_64(h, op, (ux)(a), v)
#define BRANCH(c) return (c)
#define JUMP(t) return 0
#define JUMP_REG(t) return (ux)(t)

#define FRS1(fmt) unbox_##fmt(h->f[op->rs1])
#define FRS2(fmt) unbox_##fmt(h->f[op->rs2])
#define FRS3(fmt) unbox_##fmt(h->f[op->imm])
#define FRAW1 (h->f[op->rs1])
#define FRAW2 (h->f[op->rs2])
#define FWR(fmt, v) h->f[op->rd] = box_##fmt(v)
#define FWR_RAW(v) h->f[op->rd] = (v)
#define FLOAD(f, a) ((uint64_t)LOAD_FLOAT_##f(a))
#define LOAD_FLOAT_H(a) load_16(h, op, (ux)(a))
#define LOAD_FLOAT_S(a) load_32(h, op, (ux)(a))
#define LOAD_FLOAT_D(a) load_64(h, op, (ux)(a))
#define FSTORE(f, a) STORE_FLOAT_##f(a)
#define STORE_FLOAT_H(a) store_16(h, op, (ux)(a), h->f[op->rs2])
#define STORE_FLOAT_S(a) store_32(h, op, (ux)(a), h->f[op->rs2])
#define STORE_FLOAT_D(a) store_64(h, op, (ux)(a), h->f[op->rs2])
#define F_ADD(f, a, b) float_add_##f(h, rm, a, b)
#define F_SUB(f, a, b) float_sub_##f(h, rm, a, b)
#define F_MUL(f, a, b) float_mul_##f(h, rm, a, b)
#define F_DIV(f, a, b) float_div_##f(h, rm, a, b)
#define F_SQRT(f, a) float_sqrt_##f(h, rm, a)
#define F_MADD(f, a, b, c) float_madd_##f(h, rm, a, b, c)
#define F_NEG(f, a) ((a) ^ SIGN_##f)
#define F_MIN(f, a, b) HELP(fp_min, f)(h, a, b, 0, 0)
#define F_MAX(f, a, b) HELP(fp_max, f)(h, a, b, 0, 0)
#define F_MINM(f, a, b) HELP(fp_minm, f)(h, a, b, 0, 0)
#define F_MAXM(f, a, b) HELP(fp_maxm, f)(h, a, b, 0, 0)
#define F_SGNJ(f, a, b) (((a) & ~SIGN_##f) | ((b)&SIGN_##f))
#define F_SGNJN(f, a, b) (((a) & ~SIGN_##f) | (~(b)&SIGN_##f))
#define F_SGNJX(f, a, b) ((a) ^ ((b)&SIGN_##f))
#define F_EQ(f, a, b) float_eq_##f(h, a, b)
#define F_LT(f, a, b) float_lt_##f(h, a, b)
#define F_LE(f, a, b) float_le_##f(h, a, b)
#define F_LTQ(f, a, b) HELP(fp_ltq, f)(h, a, b, 0, 0)
#define F_LEQ(f, a, b) HELP(fp_leq, f)(h, a, b, 0, 0)
#define F_CLASS(f, a) HELP(fp_class, f)(h, a, 0, 0, 0)
#define F_TO(f, i, a) float_to_##i##_##f(h, rm, a)
#define F_FROM(f, i, v) float_from_##i##_##f(h, rm, v)
#define F_CVT(to, from, a) float_cvt_##to##_##from(h, rm, a)
#define F_ROUND(f, a) HELP(fp_round, f)(h, a, 0, 0, rm)
#define F_ROUNDNX(f, a) HELP(fp_roundnx, f)(h, a, 0, 0, rm)
#define F_MODW(a) fp_modw(h, a, 0, 0, RM_RTZ)
#define F_LI(f) HELP(fp_li, f)(h, op->rs1, 0, 0, 0)

#define LR(w) return interp_lr(h, op, (ux)rs1, w)
#define SC(w) return interp_sc(h, op, (ux)rs1, rs2, w)
#define AMO(what, w) return interp_amo(h, op, (ux)rs1, rs2, AMO_##what, w)
#define AMOCAS(w) return interp_amocas(h, op, (ux)rs1, AMOCAS_##w)
#define AMOCAS_32 32
#define AMOCAS_64 64
#define AMOCAS_64P 65 /* two 32-bit registers */
#define AMOCAS_128 128
#define CSR(o) return interp_csr(h, op, CSR_OPERAND_##o, CSR_OP_##o)
#define CSR_OPERAND_RW rs1
#define CSR_OPERAND_RS rs1
#define CSR_OPERAND_RC rs1
#define CSR_OPERAND_RWI op->rs1
#define CSR_OPERAND_RSI op->rs1
#define CSR_OPERAND_RCI op->rs1
#define CSR_OP_RW 0
#define CSR_OP_RS 1
#define CSR_OP_RC 2
#define CSR_OP_RWI 0
#define CSR_OP_RSI 1
#define CSR_OP_RCI 2
#define ECALL return interp_ecall(h, op)
#define EBREAK return interp_trap(h, op, TRAP_BREAKPOINT, interp_op_pc(op)), SYSTEM_TRAP
#define FENCE __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define FENCE_I return interp_fence_i(h, op)
#define PAUSE return interp_pause(h, op)
#define CBO_ZERO return interp_cbo_zero(h, op, (ux)rs1)
#if BOARD
#define CBO(what) return interp_cbo(h, op, (ux)rs1, CBO_##what)
#else
#define CBO(what) return SYSTEM_NEXT
#endif
#define MRET return interp_mret(h, op)
#define SRET return interp_sret(h, op)
#define WFI return interp_wfi(h, op)
#define SFENCE(a, b) return interp_sfence(h, op, a)
#define SFENCE_ORDER return interp_sfence_order(h, op)
#define NOP return 0

#define INSN(id, pattern, format, ext, effect)                                                                         \
    static ALWAYS_INLINE uint64_t do_##id(struct hart *h, struct op *op, uint64_t rs1, uint64_t rs2, unsigned rm) {    \
        effect;                                                                                                        \
        return 0;                                                                                                      \
    }
#include "riscv.def"
