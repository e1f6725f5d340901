/* ir_pure.c: pure integer operations on values: for constant folding, the reference evaluator, and as a helper for
 * hosts that lack an instruction.  Compiled for general registers only: generated code calls it without saving vector
 * registers.
 */
#include "../cpu/crypto.h"
#include "ir.h"

static uint64_t mulhu(uint64_t a, uint64_t c) { return (uint64_t)((unsigned __int128)a * c >> 64); }
static uint64_t rol(uint64_t v, unsigned n) { return n & 63 ? v << (n & 63) | v >> (64 - (n & 63)) : v; }
static uint64_t rolw(uint32_t v, unsigned n) {
    return (uint64_t)(int32_t)(n & 31 ? v << (n & 31) | v >> (32 - (n & 31)) : v);
}

uint64_t ir_eval_pure(enum ir_op op, uint64_t a, uint64_t b, uint64_t c) {
    int64_t sa = (int64_t)a, sb = (int64_t)b;
    int32_t wa = (int32_t)a, wb = (int32_t)b;
    unsigned __int128 wide = 0;
    switch (op) {
    case IR_add:
        return a + b;
    case IR_sub:
        return a - b;
    case IR_and:
        return a & b;
    case IR_or:
        return a | b;
    case IR_xor:
        return a ^ b;
    case IR_andn:
        return a & ~b;
    case IR_shl:
        return a << (b & 63);
    case IR_shr:
        return a >> (b & 63);
    case IR_sar:
        return (uint64_t)(sa >> (b & 63));
    case IR_rol:
        return rol(a, (unsigned)b);
    case IR_ror:
        return rol(a, -(unsigned)b);
    case IR_mul:
        return a * b;
    case IR_mulh:
        return (uint64_t)((__int128)sa * sb >> 64);
    case IR_mulhu:
        return mulhu(a, b);
    case IR_mulhsu:
        return mulhu(a, b) - (sa < 0 ? b : 0);
    case IR_div:
        return b == 0 ? ~0ull : sa == INT64_MIN && sb == -1 ? a : (uint64_t)(sa / sb);
    case IR_divu:
        return b == 0 ? ~0ull : a / b;
    case IR_rem:
        return b == 0 ? a : sb == -1 ? 0 : (uint64_t)(sa % sb);
    case IR_remu:
        return b == 0 ? a : a % b;
    case IR_addw:
        return (uint64_t)(int32_t)(uint32_t)(a + b);
    case IR_subw:
        return (uint64_t)(int32_t)(uint32_t)(a - b);
    case IR_mulw:
        return (uint64_t)(int32_t)(uint32_t)(a * b);
    case IR_shlw:
        return (uint64_t)(int32_t)((uint32_t)a << (b & 31));
    case IR_shrw:
        return (uint64_t)(int32_t)((uint32_t)a >> (b & 31));
    case IR_sarw:
        return (uint64_t)(int64_t)(wa >> (b & 31));
    case IR_rolw:
        return rolw((uint32_t)a, (unsigned)b);
    case IR_rorw:
        return rolw((uint32_t)a, -(unsigned)b);
    case IR_divw:
        return wb == 0 ? ~0ull : (uint64_t)(int64_t)(wa == INT32_MIN && wb == -1 ? wa : wa / wb);
    case IR_divuw:
        return wb == 0 ? ~0ull : (uint64_t)(int32_t)((uint32_t)a / (uint32_t)b);
    case IR_remw:
        return (uint64_t)(int64_t)(wb == 0 ? wa : wb == -1 ? 0 : wa % wb);
    case IR_remuw:
        return (uint64_t)(int32_t)(wb == 0 ? (uint32_t)a : (uint32_t)a % (uint32_t)b);
    case IR_eq:
        return a == b;
    case IR_ne:
        return a != b;
    case IR_lt:
        return sa < sb;
    case IR_ge:
        return sa >= sb;
    case IR_ltu:
        return a < b;
    case IR_geu:
        return a >= b;
    case IR_min:
        return sa < sb ? a : b;
    case IR_max:
        return sa > sb ? a : b;
    case IR_minu:
        return a < b ? a : b;
    case IR_maxu:
        return a > b ? a : b;
    case IR_select:
        return a ? b : c;
    case IR_clz:
        return a ? (uint64_t)__builtin_clzll(a) : 64;
    case IR_ctz:
        return a ? (uint64_t)__builtin_ctzll(a) : 64;
    case IR_cpop:
        return (uint64_t)__builtin_popcountll(a);
    case IR_clzw:
        return (uint32_t)a ? (uint64_t)__builtin_clz((uint32_t)a) : 32;
    case IR_ctzw:
        return (uint32_t)a ? (uint64_t)__builtin_ctz((uint32_t)a) : 32;
    case IR_cpopw:
        return (uint64_t)__builtin_popcount((uint32_t)a);
    case IR_rev8:
        return __builtin_bswap64(a);
    case IR_orcb: {
        uint64_t t = (a & 0x7f7f7f7f7f7f7f7f) + 0x7f7f7f7f7f7f7f7f;
        t = ((t | a) >> 7) & 0x0101010101010101;
        return t * 0xff;
    }
    case IR_clmul:
    case IR_clmulh:
        for (unsigned i = 0; i < 64; i++)
            if (b >> i & 1)
                wide ^= (unsigned __int128)a << i;
        return op == IR_clmul ? (uint64_t)wide : (uint64_t)(wide >> 64);
    case IR_brev8:
        return crypto_reverse_bits_in_bytes(a);
    case IR_xperm8:
        return crypto_permute_bytes(a, b);
    case IR_xperm4:
        return crypto_permute_nibbles(a, b);
    case IR_aes64es:
    case IR_aes64esm:
        return crypto_aes_encrypt(a, b, op == IR_aes64esm);
    case IR_aes64ds:
    case IR_aes64dsm:
        return crypto_aes_decrypt(a, b, op == IR_aes64dsm);
    case IR_aes64im:
        return crypto_aes_mix_inverse(a);
    case IR_aes_sub:
        return crypto_aes_sub_word(a);
    case IR_sext8:
        return (uint64_t)(int64_t)(int8_t)a;
    case IR_sext16:
        return (uint64_t)(int64_t)(int16_t)a;
    case IR_sext32:
        return (uint64_t)(int64_t)wa;
    case IR_zext8:
        return (uint8_t)a;
    case IR_zext16:
        return (uint16_t)a;
    case IR_zext32:
        return (uint32_t)a;
    default:
        return 0;
    }
}

uint64_t ir_pure_helper(struct hart *h, uint64_t a, uint64_t b, uint64_t c, uint64_t imm) {
    return ir_eval_pure((enum ir_op)imm, a, b, c);
}
