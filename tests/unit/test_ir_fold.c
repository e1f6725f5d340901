/* test_ir_fold.c: the builder's folding: random expressions built through ir_add, and node by node without it, must
 * give equal values; what the builder claims about a value must hold for it.
 */
#include "ir_fixture.h"

#include <sys/mman.h>

enum { STEPS = 48, RESULTS_AT = 2048, MEMORY = 4096, LEAVES = 12 };

/* The same expressions twice: folded by the builder, and raw. */
struct pair {
    struct ir_block folded, raw;
    ir_ref f[STEPS + LEAVES + 16], r[STEPS + LEAVES + 16]; /* the values so far */
    unsigned count;
    uint64_t random;
};

/* Leaf i is memory less this, on RV64: around what fits a displacement, and around what fits a sum. */
static const int64_t distances[] = {0, 0x7ffffff8, 0x80000000, -0x80000000ll, -0x80000008ll, INT64_MAX - 7};
enum { BASES = sizeof distances / sizeof *distances };

static uint8_t *memory; /* below 2 GiB, so that its address is a value of RV32, too */

static unsigned keep(struct pair *p, ir_ref folded, ir_ref raw) {
    p->f[p->count] = folded;
    p->r[p->count] = raw;
    return p->count++;
}
static unsigned constant(struct pair *p, int64_t v) {
    ir_ref raw = node_raw(&p->raw, IR_const, IR_NONE, IR_NONE, IR_NONE, v);
    p->f[p->count] = ir_const(&p->folded, v);
    p->r[p->count] = raw;
    return p->count; /* not kept: the next one may overwrite it */
}

struct operand {
    ir_ref f, r;
};
static const struct operand none = {IR_NONE, IR_NONE};

static struct operand constant_operand(struct pair *p, int64_t v) {
    unsigned i = constant(p, v);
    return (struct operand){p->f[i], p->r[i]};
}
static struct operand earlier(struct pair *p) {
    unsigned back = random_below(&p->random, 2) ? p->count : p->count < 4 ? p->count : 4;
    unsigned i = p->count - 1 - random_below(&p->random, back);
    return (struct operand){p->f[i], p->r[i]};
}
static int64_t shift_amount(struct pair *p) {
    static const uint8_t amounts[] = {0, 1, 8, 15, 16, 24, 31, 32, 33, 40, 47, 48, 55, 56, 57, 63, 64, 80, 96, 128};
    return amounts[random_below(&p->random, sizeof amounts)];
}
static bool is_shift(enum ir_op op) { return (op >= IR_shl && op <= IR_ror) || (op >= IR_shlw && op <= IR_rorw); }
static struct operand operand_for(struct pair *p, enum ir_op op, bool right) {
    if (random_below(&p->random, right ? 2 : 8))
        return earlier(p);
    if (right && is_shift(op))
        return constant_operand(p, shift_amount(p));
    return constant_operand(p, (int64_t)random_value(&p->random));
}

static struct operand both(struct pair *p, enum ir_op op, struct operand a, struct operand b, struct operand c,
                           int64_t imm) {
    struct operand o = {.f = ir_add(&p->folded, op, a.f, b.f, c.f, imm),
                        .r = node_raw(&p->raw, op, a.r, b.r, c.r, imm)};
    return o;
}
static struct operand pick(struct pair *p, const enum ir_op *ops, unsigned n, struct operand a, struct operand b) {
    return both(p, ops[random_below(&p->random, n)], a, b, none, 0);
}

static struct operand any_operation(struct pair *p) {
    enum ir_op op;
    do
        op = (enum ir_op)random_below(&p->random, IR_OP_COUNT);
    while (!is_integer_op(op));
    struct operand args[3] = {none, none, none};
    for (unsigned i = 0; ir_ops[op].args[i]; i++)
        args[i] = operand_for(p, op, i > 0);
    if (args[1].r != IR_NONE && random_below(&p->random, 10) == 0)
        args[1] = args[0];
    return both(p, op, args[0], args[1], args[2], 0);
}

/* What compilers write and the builder has rules for, with amounts that fit the rule and amounts next to them. */
static struct operand shift_pair(struct pair *p) {
    static const enum ir_op wide[] = {IR_shl, IR_shr, IR_sar, IR_rol, IR_ror},
                            word[] = {IR_shlw, IR_shrw, IR_sarw, IR_rolw, IR_rorw};
    static const enum ir_op mix[] = {IR_shl, IR_shlw, IR_shr, IR_sarw};
    unsigned kind = random_below(&p->random, 4);
    const enum ir_op *ops = kind == 0 ? word : kind == 1 ? mix : wide;
    unsigned n = kind == 1 ? 4 : 5;
    struct operand x = earlier(p);
    int64_t amount = shift_amount(p);
    struct operand y = pick(p, ops, random_below(&p->random, 2) ? 1 : n, x, constant_operand(p, amount));
    return pick(p, ops, n, y, constant_operand(p, random_below(&p->random, 3) ? shift_amount(p) : amount));
}
static struct operand rotate_by_shifts(struct pair *p) {
    static const enum ir_op join[] = {IR_or, IR_xor, IR_add, IR_sub, IR_addw};
    bool word = random_below(&p->random, 2);
    struct operand x = earlier(p), y = random_below(&p->random, 8) ? x : earlier(p);
    int64_t n = shift_amount(p), m = (word ? 32 : 64) - n + (random_below(&p->random, 8) ? 0 : 1);
    struct operand l = both(p, word ? IR_shlw : IR_shl, x, constant_operand(p, n), none, 0);
    struct operand r = both(p, word ? IR_shrw : IR_shr, y, constant_operand(p, m), none, 0);
    if (random_below(&p->random, 2))
        return pick(p, join, 5, r, l);
    return pick(p, join, 5, l, r);
}
static struct operand comparison_compared(struct pair *p) {
    static const enum ir_op compare[] = {IR_eq, IR_ne, IR_lt, IR_ge, IR_ltu, IR_geu},
                            again[] = {IR_eq, IR_ne, IR_ltu, IR_xor, IR_zext8, IR_and};
    struct operand x = pick(p, compare, 6, earlier(p), operand_for(p, IR_eq, true));
    enum ir_op op = again[random_below(&p->random, 6)];
    return both(p, op, x, op == IR_zext8 ? none : constant_operand(p, random_below(&p->random, 2)), none, 0);
}
static struct operand constants_in_a_row(struct pair *p) {
    static const enum ir_op ops[] = {IR_add, IR_addw, IR_sub, IR_subw, IR_and, IR_xor, IR_or, IR_mul, IR_mulw};
    enum ir_op op = ops[random_below(&p->random, 9)],
               next = random_below(&p->random, 3) ? op : ops[random_below(&p->random, 9)];
    struct operand x = both(p, op, earlier(p), operand_for(p, op, true), none, 0);
    return both(p, next, x, constant_operand(p, (int64_t)random_value(&p->random)), none, 0);
}
static struct operand extended_again(struct pair *p) {
    static const enum ir_op ops[] = {IR_sext8, IR_sext16, IR_sext32, IR_zext8, IR_zext16, IR_zext32};
    struct operand x = pick(p, ops, 6, random_below(&p->random, 2) ? any_operation(p) : earlier(p), none);
    return pick(p, ops, 6, x, none);
}
static struct operand and_not(struct pair *p) {
    struct operand x = both(p, IR_xor, earlier(p), constant_operand(p, random_below(&p->random, 4) ? -1 : 1), none, 0);
    return random_below(&p->random, 2) ? both(p, IR_and, earlier(p), x, none, 0)
                                       : both(p, IR_and, x, earlier(p), none, 0);
}

/* Somewhere in the first KiB of memory: an address within it plus a constant, plus the node's own displacement. */
static struct operand address(struct pair *p, int64_t *imm) {
    unsigned from = p->folded.xlen == 32 ? 0 : random_below(&p->random, BASES);
    struct operand base = {p->f[from], p->r[from]};
    int64_t at = 8 * random_below(&p->random, 128);
    *imm = random_below(&p->random, 2) ? 0 : 8;
    if (random_below(&p->random, 2))
        at = 0;
    uint64_t far = random_below(&p->random, 2) ? random_value(&p->random) : 16,
             to = (uint64_t)distances[from] + (uint64_t)at;
    if (p->folded.xlen == 32 || random_below(&p->random, 2))
        return both(p, IR_add, base, constant_operand(p, (int64_t)to), none, 0);
    /* somewhere far off, then back to where it should be */
    struct operand x = both(p, IR_add, base, constant_operand(p, (int64_t)far), none, 0);
    return both(p, IR_add, x, constant_operand(p, (int64_t)(to - far)), none, 0);
}
static struct operand memory_access(struct pair *p) {
    static const enum ir_op loads[] = {IR_load_s8,  IR_load_u8,  IR_load_s16, IR_load_u16,
                                       IR_load_s32, IR_load_u32, IR_load_64};
    static const enum ir_op stores[] = {IR_store_8, IR_store_16, IR_store_32, IR_store_64};
    static const enum ir_op atomics[] = {IR_amo, IR_cas, IR_cas_sc};
    int64_t imm;
    struct operand at = address(p, &imm), o;
    switch (random_below(&p->random, 4)) {
    case 0:
        both(p, stores[random_below(&p->random, 4)], at, earlier(p), none, imm);
        /* fall through */
    case 1:
        return both(p, loads[random_below(&p->random, 7)], at, none, none, imm);
    case 2: {
        enum ir_op op = atomics[random_below(&p->random, 3)];
        o = both(p, op, at, earlier(p), op == IR_amo ? none : earlier(p), random_below(&p->random, 2) ? 32 : 64);
        if (op == IR_amo)
            p->folded.nodes[o.f].aux = p->raw.nodes[o.r].aux = (uint16_t)random_below(&p->random, 9);
        return o;
    }
    default: {
        static const enum ir_op to[] = {IR_f_to_w_d, IR_f_to_wu_d, IR_f_to_l_d, IR_f_to_lu_d, IR_f_eq_d,
                                        IR_f_lt_d,   IR_f_le_d,    IR_f_to_w_s, IR_f_to_wu_s, IR_f_eq_s,
                                        IR_f_lt_s,   IR_f_ltn_d,   IR_f_len_s,  IR_f_le_s,    IR_f_leq_d};
        enum ir_op op = to[random_below(&p->random, sizeof to / sizeof *to)];
        struct operand x = both(p, IR_f_from_bits, earlier(p), none, none, 0);
        o = both(p, op, x, ir_ops[op].args[1] ? x : none, none, 0);
        p->folded.nodes[o.f].rm = p->raw.nodes[o.r].rm = ir_ops[op].kind == IRK_FP ? RM_DYN : 0;
        return o;
    }
    }
}

static struct operand step(struct pair *p) {
    switch (random_below(&p->random, 12)) {
    case 0:
        return shift_pair(p);
    case 1:
        return rotate_by_shifts(p);
    case 2:
        return comparison_compared(p);
    case 3:
        return constants_in_a_row(p);
    case 4:
        return extended_again(p);
    case 5:
        return and_not(p);
    case 6:
        return memory_access(p);
    default:
        return any_operation(p);
    }
}

static void build(struct pair *p, unsigned xlen, uint64_t seed) {
    p->random = seed;
    p->count = 0;
    ir_init(&p->folded, 0x1000, xlen);
    ir_init(&p->raw, 0x1000, xlen);
    for (int64_t i = 0; i < LEAVES; i++) {
        ir_ref f = ir_add(&p->folded, IR_get, IR_NONE, IR_NONE, IR_NONE, 10 + i);
        keep(p, f, node_raw(&p->raw, IR_get, IR_NONE, IR_NONE, IR_NONE, 10 + i));
    }
    for (unsigned i = 0; i < STEPS; i++) {
        struct operand o = step(p);
        keep(p, o.f, o.r);
        p->folded.x[1 + random_below(&p->random, 31)] = o.f; /* what guest registers hold may steer the builder */
    }
    struct operand base = {p->f[0], p->r[0]};
    for (unsigned i = 0; i < p->count; i++)
        both(p, IR_store_64, base, (struct operand){p->f[i], p->r[i]}, none, RESULTS_AT + 8 * (int64_t)i);
    both(p, IR_exit, none, none, none, 0x2000);
}

static void run(const struct ir_block *b, const uint64_t *leaves, uint8_t *after) {
    struct hart h = {.xlen = b->xlen};
    for (unsigned i = 0; i < LEAVES; i++)
        h.x[10 + i] = leaves[i];
    for (unsigned i = 0; i < MEMORY; i++)
        memory[i] = (uint8_t)(i * i + (i >> 4));
    assert_int_equal(ir_run(b, &h), b->count - 1);
    memcpy(after, memory, MEMORY);
}

static void explain(const struct pair *p, unsigned i, uint64_t seed, const uint8_t *a, const uint8_t *b) {
    uint64_t x, y;
    memcpy(&x, a + RESULTS_AT + 8 * i, 8);
    memcpy(&y, b + RESULTS_AT + 8 * i, 8);
    char *folded = block_text(&p->folded), *raw = block_text(&p->raw);
    print_error("folded:\n%sraw:\n%s", folded, raw);
    free(folded);
    free(raw);
    fail_msg("seed %#" PRIx64 ": folded %%%u is %#" PRIx64 ", raw %%%u is %#" PRIx64, seed, p->f[i], x, p->r[i], y);
}

static void folding_keeps_values(unsigned xlen, unsigned rounds) {
    static uint8_t folded[MEMORY], raw[MEMORY];
    struct pair *p = malloc(sizeof *p);
    char err[200];
    for (unsigned round = 0; round < rounds; round++) {
        uint64_t seed = 0x9e3779b97f4a7c15 * (round + 1), state = seed ^ 0x5555;
        build(p, xlen, seed);
        if (!ir_verify(&p->raw, err, sizeof err) || !ir_verify(&p->folded, err, sizeof err))
            fail_msg("seed %#" PRIx64 ": %s", seed, err);
        for (unsigned set = 0; set < 4; set++) {
            uint64_t leaves[LEAVES];
            for (unsigned i = 0; i < LEAVES; i++)
                if (i == 0 || (xlen == 64 && i < BASES))
                    leaves[i] = (uintptr_t)memory - (uint64_t)distances[i];
                else
                    leaves[i] = xlen == 64 ? random_value(&state) : (uint64_t)(int32_t)random_value(&state);
            run(&p->folded, leaves, folded);
            run(&p->raw, leaves, raw);
            for (unsigned i = 0; i < p->count; i++) {
                uint64_t v;
                memcpy(&v, folded + RESULTS_AT + 8 * i, 8);
                if (memcmp(folded + RESULTS_AT + 8 * i, raw + RESULTS_AT + 8 * i, 8) != 0)
                    explain(p, i, seed, folded, raw);
                if (ir_is_sext32(&p->folded, p->f[i]) && v != (uint64_t)(int32_t)v)
                    fail_msg("seed %#" PRIx64 ": %%%u (%s) is not sign-extended: %#" PRIx64, seed, p->f[i],
                             ir_ops[p->folded.nodes[p->f[i]].op].name, v);
                if (ir_is_zext32(&p->folded, p->f[i]) && v != (uint32_t)v)
                    fail_msg("seed %#" PRIx64 ": %%%u (%s) is not zero-extended: %#" PRIx64, seed, p->f[i],
                             ir_ops[p->folded.nodes[p->f[i]].op].name, v);
            }
            assert_memory_equal(folded, raw, MEMORY);
        }
    }
    free(p);
}

static void random_expressions_fold_to_equal_values_on_rv64(void **state) { folding_keeps_values(64, 5000); }
static void random_expressions_fold_to_equal_values_on_rv32(void **state) { folding_keeps_values(32, 2500); }

/* One operation with every pair of corner constants on every side: folded, half folded, not folded. */
static void each_operation_with_each_corner_constant(void **state) {
    struct ir_block *b = malloc(sizeof *b);
    struct hart h = {.xlen = 64};
    for (unsigned i = 0; i < IR_OP_COUNT; i++) {
        const enum ir_op op = (enum ir_op)i;
        if (!is_integer_op(op) || strlen(ir_ops[op].args) != 2)
            continue;
        for (unsigned x = 0; x < CORNERS; x++)
            for (unsigned y = 0; y < CORNERS; y++) {
                uint64_t a = corner_values[x], c = corner_values[y], want = ir_eval_pure(op, a, c, 0);
                ir_init(b, 0x1000, 64);
                ir_ref va = ir_add(b, IR_get, IR_NONE, IR_NONE, IR_NONE, 10);
                ir_ref vc = ir_add(b, IR_get, IR_NONE, IR_NONE, IR_NONE, 11);
                ir_ref ka = ir_const(b, (int64_t)a), kc = ir_const(b, (int64_t)c);
                const ir_ref results[] = {ir_add(b, op, va, vc, IR_NONE, 0), ir_add(b, op, va, kc, IR_NONE, 0),
                                          ir_add(b, op, ka, vc, IR_NONE, 0), ir_add(b, op, ka, kc, IR_NONE, 0),
                                          a == c ? ir_add(b, op, va, va, IR_NONE, 0) : ka};
                assert_true(ir_is_const(b, results[3]));
                for (int64_t k = 0; k < 5; k++)
                    ir_add(b, IR_set, results[k], IR_NONE, IR_NONE, 12 + k);
                ir_add(b, IR_exit, IR_NONE, IR_NONE, IR_NONE, 0x2000);
                h.x[10] = a;
                h.x[11] = c;
                ir_run(b, &h);
                for (unsigned k = 0; k < 5; k++)
                    if (h.x[12 + k] != (k == 4 && a != c ? a : want))
                        fail_msg("%s %#" PRIx64 ", %#" PRIx64 " form %u: %#" PRIx64 ", not %#" PRIx64, ir_ops[op].name,
                                 a, c, k, h.x[12 + k], want);
            }
    }
    free(b);
}

static int map_memory(void **state) {
    memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    return memory == MAP_FAILED || (uintptr_t)memory > INT32_MAX ? -1 : 0;
}
static int unmap_memory(void **state) { return munmap(memory, MEMORY); }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_expressions_fold_to_equal_values_on_rv64),
        cmocka_unit_test(random_expressions_fold_to_equal_values_on_rv32),
        cmocka_unit_test(each_operation_with_each_corner_constant),
    };
    return cmocka_run_group_tests(tests, map_memory, unmap_memory);
}
