/* test_ir_pure.c: every integer operation of the IR against a formula of its own, on all pairs of corner values. */
#include "ir_fixture.h"

typedef __int128 wide;
typedef unsigned __int128 uwide;

static wide sx(uint64_t v, unsigned bits) { /* the low bits of v as a signed number */
    wide m = (wide)1 << bits, r = (wide)(v & (uint64_t)(m - 1));
    return r >= m / 2 ? r - m : r;
}
static wide zx(uint64_t v, unsigned bits) { return (wide)(v & (uint64_t)(((uwide)1 << bits) - 1)); }
static uint64_t low(wide v, unsigned bits) { return (uint64_t)sx((uint64_t)v, bits); } /* sign-extended to 64 */
/* v / 2^n towards minus infinity */
static wide floor_div2(wide v, unsigned n) {
    wide d = (wide)1 << n;
    return v / d - (v % d < 0);
}
static wide quotient(wide a, wide b) { return b == 0 ? -1 : a / b; }
static wide rest(wide a, wide b) { return b == 0 ? a : a - a / b * b; }
static unsigned count_bits(uint64_t v) {
    unsigned n = 0;
    for (; v; v -= v & -v)
        n++;
    return n;
}
static unsigned leading_zeros(uint64_t v, unsigned bits) {
    unsigned n = bits;
    for (v = (uint64_t)zx(v, bits); v; v /= 2)
        n--;
    return n;
}
static unsigned trailing_zeros(uint64_t v, unsigned bits) {
    unsigned n = 0;
    while (n < bits && v % 2 == 0)
        v /= 2, n++;
    return n;
}
/* A rotate moves bit i to bit (i + n) mod bits. */
static uint64_t rotate(uint64_t v, unsigned n, unsigned bits) {
    uint64_t r = 0;
    for (unsigned i = 0; i < bits; i++)
        if (v >> i & 1)
            r |= 1ull << (i + n) % bits;
    return low((wide)r, bits);
}
static uint64_t each_byte(uint64_t v, bool reverse) { /* else: all ones where not zero */
    uint64_t r = 0;
    for (unsigned i = 0; i < 8; i++) {
        uint64_t byte = v >> i * 8 & 0xff;
        r |= reverse ? byte << (7 - i) * 8 : (byte ? 0xffull : 0) << i * 8;
    }
    return r;
}
static uint64_t reversed(uint64_t v) {
    uint64_t r = 0;
    for (unsigned i = 0; i < 64; i++)
        r |= (v >> i & 1) << (63 - i);
    return r;
}
/* Bit k of a product without carries: the parity of the pairs that meet there. */
static uint64_t carryless(uint64_t a, uint64_t b, unsigned first) {
    uint64_t r = 0;
    for (unsigned k = 0; k < 64; k++) {
        unsigned bit = 0;
        for (unsigned i = 0; i < 64; i++)
            if (k + first >= i && k + first - i < 64)
                bit ^= (unsigned)(a >> i & 1) & (unsigned)(b >> (k + first - i) & 1);
        r |= (uint64_t)bit << k;
    }
    return r;
}

/* The byte that is moved to place i of the low half of an AES state, for ShiftRows (1) and its inverse (3): row i % 4
 * moves by its number times step columns. */
static uint64_t aes_byte(uint64_t low_half, uint64_t high_half, unsigned i, unsigned step) {
    unsigned from = (i / 4 + i % 4 * step) % 4 * 4 + i % 4;
    return (from < 8 ? low_half >> from * 8 : high_half >> (from - 8) * 8) & 0xff;
}
/* Products of polynomials modulo x^8 + x^4 + x^3 + x + 1, by long division. */
static unsigned aes_times(unsigned a, unsigned b) {
    unsigned product = 0;
    for (unsigned i = 0; i < 8; i++)
        product ^= b >> i & 1 ? a << i : 0;
    for (unsigned bit = 15; bit >= 8; bit--)
        if (product >> bit & 1)
            product ^= 0x11bu << (bit - 8);
    return product;
}
static uint8_t aes_boxes[256], aes_inverse_boxes[256];
static void make_aes_boxes(void) {
    for (unsigned v = 0; v < 256; v++) {
        unsigned inverse = 0, r = 0x63;
        while (v && aes_times(v, inverse) != 1)
            inverse++;
        for (unsigned k = 0; k < 5; k++)
            r ^= (inverse << k | inverse >> (8 - k)) & 0xff;
        aes_boxes[v] = (uint8_t)r;
        aes_inverse_boxes[r] = (uint8_t)v;
    }
}
static uint64_t aes_box(uint64_t v) { return aes_boxes[v & 0xff]; }
static uint64_t aes_mix(uint64_t v, unsigned a, unsigned b, unsigned c, unsigned d) {
    const unsigned by[] = {a, b, c, d};
    uint64_t r = 0;
    for (unsigned i = 0; i < 8; i++)
        for (unsigned k = 0; k < 4; k++)
            r ^= (uint64_t)aes_times(v >> (i / 4 * 4 + (i + k) % 4) * 8 & 0xff, by[k]) << i * 8;
    return r;
}
static uint64_t aes(uint64_t a, uint64_t b, bool encrypts) {
    uint64_t r = 0;
    for (unsigned i = 0; i < 8; i++) {
        unsigned v = (unsigned)aes_byte(a, b, i, encrypts ? 1 : 3);
        r |= (uint64_t)(encrypts ? aes_boxes[v] : aes_inverse_boxes[v]) << i * 8;
    }
    return r;
}
static uint64_t look_up(uint64_t table, uint64_t index, unsigned bits) {
    uint64_t r = 0;
    for (unsigned i = 0; i < 64; i += bits) {
        uint64_t n = index >> i & ((1u << bits) - 1);
        r |= (n * bits < 64 ? table >> n * bits & ((1u << bits) - 1) : 0) << i;
    }
    return r;
}

static uint64_t expected(enum ir_op op, uint64_t a, uint64_t b, uint64_t c) {
    const wide sa = sx(a, 64), sb = sx(b, 64), ua = zx(a, 64), ub = zx(b, 64);
    const wide wa = sx(a, 32), wb = sx(b, 32), va = zx(a, 32), vb = zx(b, 32);
    const unsigned n = b % 64, m = b % 32;
    switch (op) {
    case IR_add:
        return low(sa + sb, 64);
    case IR_sub:
        return low(sa - sb, 64);
    case IR_and:
        return ~(~a | ~b);
    case IR_or:
        return ~(~a & ~b);
    case IR_xor:
        return (a | b) - (a & b);
    case IR_andn:
        return a - (a & b);
    case IR_shl:
        return (uint64_t)((uwide)ua * ((uwide)1 << n));
    case IR_shr:
        return (uint64_t)(ua / ((wide)1 << n));
    case IR_sar:
        return (uint64_t)floor_div2(sa, n);
    case IR_rol:
        return rotate(a, n, 64);
    case IR_ror:
        return rotate(a, 64 - n, 64);
    case IR_mul:
        return (uint64_t)((uwide)ua * (uwide)ub);
    case IR_mulh:
        return (uint64_t)floor_div2(sa * sb, 64);
    case IR_mulhu:
        return (uint64_t)((uwide)ua * (uwide)ub >> 64);
    case IR_mulhsu:
        return (uint64_t)floor_div2(sa * ub, 64);
    case IR_div:
        return low(quotient(sa, sb), 64);
    case IR_divu:
        return low(quotient(ua, ub), 64);
    case IR_rem:
        return low(rest(sa, sb), 64);
    case IR_remu:
        return low(rest(ua, ub), 64);
    case IR_addw:
        return low(wa + wb, 32);
    case IR_subw:
        return low(wa - wb, 32);
    case IR_mulw:
        return low(wa * wb, 32);
    case IR_shlw:
        return low(va << m, 32);
    case IR_shrw:
        return low(va / ((wide)1 << m), 32);
    case IR_sarw:
        return low(floor_div2(wa, m), 32);
    case IR_rolw:
        return rotate((uint64_t)va, m, 32);
    case IR_rorw:
        return rotate((uint64_t)va, 32 - m, 32);
    case IR_divw:
        return low(quotient(wa, wb), 32);
    case IR_divuw:
        return low(quotient(va, vb), 32);
    case IR_remw:
        return low(rest(wa, wb), 32);
    case IR_remuw:
        return low(rest(va, vb), 32);
    case IR_eq:
        return sa - sb == 0;
    case IR_ne:
        return sa - sb != 0;
    case IR_lt:
        return sa - sb < 0;
    case IR_ge:
        return sa - sb >= 0;
    case IR_ltu:
        return ua - ub < 0;
    case IR_geu:
        return ua - ub >= 0;
    case IR_min:
        return (uint64_t)(sa - sb < 0 ? sa : sb);
    case IR_max:
        return (uint64_t)(sa - sb < 0 ? sb : sa);
    case IR_minu:
        return (uint64_t)(ua - ub < 0 ? ua : ub);
    case IR_maxu:
        return (uint64_t)(ua - ub < 0 ? ub : ua);
    case IR_select:
        return ua != 0 ? b : c;
    case IR_clz:
        return leading_zeros(a, 64);
    case IR_ctz:
        return trailing_zeros(a, 64);
    case IR_cpop:
        return count_bits(a);
    case IR_clzw:
        return leading_zeros(a, 32);
    case IR_ctzw:
        return trailing_zeros(a, 32);
    case IR_cpopw:
        return count_bits((uint64_t)va);
    case IR_rev8:
        return each_byte(a, true);
    case IR_orcb:
        return each_byte(a, false);
    case IR_clmul:
        return carryless(a, b, 0);
    case IR_clmulh:
        return carryless(a, b, 64);
    case IR_brev8:
        return each_byte(reversed(a), true);
    case IR_xperm8:
        return look_up(a, b, 8);
    case IR_xperm4:
        return look_up(a, b, 4);
    case IR_aes64es:
        return aes(a, b, true);
    case IR_aes64esm:
        return aes_mix(aes(a, b, true), 2, 3, 1, 1);
    case IR_aes64ds:
        return aes(a, b, false);
    case IR_aes64dsm:
        return aes_mix(aes(a, b, false), 14, 11, 13, 9);
    case IR_aes64im:
        return aes_mix(a, 14, 11, 13, 9);
    case IR_aes_sub:
        return aes_box(a) | aes_box(a >> 8) << 8 | aes_box(a >> 16) << 16 | aes_box(a >> 24) << 24;
    case IR_sext8:
        return low(sa, 8);
    case IR_sext16:
        return low(sa, 16);
    case IR_sext32:
        return low(sa, 32);
    case IR_zext8:
        return a % 0x100;
    case IR_zext16:
        return a % 0x10000;
    case IR_zext32:
        return a % 0x100000000;
    default:
        fail_msg("%s has no formula", ir_ops[op].name);
        return 0;
    }
}

static uint64_t run_integer(const struct ir_block *b, struct hart *h, uint64_t x, uint64_t y, uint64_t z) {
    h->x[10] = x;
    h->x[11] = y;
    h->x[12] = z;
    ir_run(b, h);
    return h->x[13];
}

static void integer_operations_on_corner_values(void **state) {
    make_aes_boxes();
    struct hart *h = calloc(1, sizeof *h);
    struct ir_block *b = malloc(sizeof *b);
    for (unsigned i = 0; i < IR_OP_COUNT; i++) {
        const enum ir_op op = (enum ir_op)i;
        if (!is_integer_op(op))
            continue;
        size_t arity = strlen(ir_ops[op].args);
        ir_ref args[3] = {IR_NONE, IR_NONE, IR_NONE};
        ir_init(b, 0x1000, 64);
        for (unsigned k = 0; k < arity; k++)
            args[k] = node_raw(b, IR_get, IR_NONE, IR_NONE, IR_NONE, 10 + k);
        ir_ref r = node_raw(b, op, args[0], args[1], args[2], 0);
        node_raw(b, IR_set, r, IR_NONE, IR_NONE, 13);
        node_raw(b, IR_exit, IR_NONE, IR_NONE, IR_NONE, 0x2000);
        for (unsigned x = 0; x < CORNERS; x++)
            for (unsigned y = 0; y < (arity > 1 ? CORNERS : 1); y++) {
                uint64_t p = corner_values[x], q = corner_values[y], s = corner_values[(x + y + 1) % CORNERS];
                uint64_t got = run_integer(b, h, p, q, s), want = expected(op, p, q, s);
                if (got != want)
                    fail_msg("%s %#" PRIx64 ", %#" PRIx64 ", %#" PRIx64 " = %#" PRIx64 ", not %#" PRIx64,
                             ir_ops[op].name, p, q, s, got, want);
                assert_int_equal(ir_pure_helper(h, p, q, s, op), want);
            }
    }
    free(b);
    free(h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integer_operations_on_corner_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
