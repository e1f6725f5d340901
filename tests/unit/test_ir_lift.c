/* test_ir_lift.c: random instructions of every row of the table, lifted: the blocks keep the IR's rules, survive being
 * printed, and, run by the reference evaluator, do what the interpreter does.
 */
#include "ir_fixture.h"

#include "../../cpu/interp.h"
#include "../../translate/lift.h"

enum { CODE_WORDS = 64 };
static const uint64_t code_pc = 0x10000;
static uint32_t code[CODE_WORDS];

static size_t fetch(void *ctx, uint64_t pc, const uint8_t **host, uint32_t *cause) {
    if (pc < code_pc || pc >= code_pc + sizeof code) {
        *cause = TRAP_FETCH_PAGE;
        return 0;
    }
    *host = (const uint8_t *)code + (pc - code_pc);
    return (size_t)(code_pc + sizeof code - pc);
}
static bool watch_code(void *ctx, uint64_t addr) { return true; }
static const struct guest_memory mem = {.fetch = fetch, .watch_code = watch_code};

/* Instructions that change registers and the pc, and nothing else. */
static bool registers_only(const struct isa *isa, uint32_t bits) {
    struct insn in;
    insn_decode(isa, bits, &in);
    switch (insn_rows[in.id].format) {
    case FMT_IL:
    case FMT_S:
    case FMT_AMO:
    case FMT_LR:
    case FMT_CBO:
    case FMT_PF:
    case FMT_FIL:
    case FMT_FST:
    case FMT_CSR:
    case FMT_CSRI:
    case FMT_NONE:
    case FMT_VMA:
    case FMT_FENCE:
        return false;
    default:
        return in.id != INSN_ILLEGAL;
    }
}

static uint32_t random_insn(const struct isa *isa, uint64_t *random) {
    for (;;) {
        unsigned id = 1 + random_below(random, INSN_COUNT - 1);
        if (isa->rows[id / 64] >> id % 64 & 1)
            return insn_rows[id].match | ((uint32_t)random_next(random) & ~insn_rows[id].mask);
    }
}

static void fill_code(const struct isa *isa, bool registers, uint64_t *random) {
    for (unsigned i = 0; i < CODE_WORDS; i++)
        do
            code[i] = random_insn(isa, random);
        while (registers && !registers_only(isa, code[i]));
}

static void check_block(const struct ir_block *b, const char *when) {
    static struct ir_block again;
    char err[200];
    char *text = block_text(b);
    if (!ir_verify(b, err, sizeof err))
        fail_msg("%s: %s\n%s", when, err, text);
    if (!ir_parse(&again, text, err, sizeof err))
        fail_msg("%s: %s\n%s", when, err, text);
    char *second = block_text(&again);
    assert_string_equal(text, second);
    free(text);
    free(second);
}

static struct isa isa_named(const char *name) {
    struct isa isa;
    char err[200];
    if (!isa_parse(&isa, name, err, sizeof err))
        fail_msg("%s", err);
    return isa;
}

static void lifted_blocks_keep_the_rules(void **state) {
    static struct ir_block b;
    static const char *const names[] = {"max", "rv32max", "rv64gc", "rv64i", "rv32i"};
    uint64_t random = 0xabcdef;
    for (unsigned round = 0; round < 5000; round++) {
        const struct isa isa = isa_named(names[round % 5]);
        struct lift_config config = {.mem = &mem, .isa = &isa, .max_insns = 1 + random_below(&random, 32)};
        config.mode.frm = (uint8_t)random_below(&random, 6);
        fill_code(&isa, false, &random);
        if (!lift_block(&b, &config, code_pc))
            fail_msg("round %u: not lifted", round);
        check_block(&b, "lifted");
        ir_optimise(&b);
        check_block(&b, "optimised");
    }
}

/* The interpreter meets the state that the block leaves after some number of the block's instructions. */
static void compare(const struct ir_block *b, const struct isa *isa, const struct hart *start, const char *when) {
    static struct hart by_ir, by_interp;
    by_ir = by_interp = *start;
    ir_ref left = ir_run(b, &by_ir);
    bool trapped = b->nodes[left].op == IR_exit_trap;
    if (!interp_create(&by_interp, &(struct interp_config){.mem = &mem}))
        fail_msg("no interpreter");
    unsigned done = 0, most = b->nodes[left].insn + (b->nodes[left].op == IR_exit_engine ? 0u : 1u);
    bool same = false;
    static struct hart near; /* the interpreter when it last was where the block left */
    for (;; done++) {
        if (by_interp.pc == by_ir.pc) {
            near = by_interp;
            same = memcmp(near.x, by_ir.x, 32 * 8) == 0 && memcmp(near.f, by_ir.f, sizeof near.f) == 0 &&
                   near.fflags == by_ir.fflags;
        }
        if (same || done == most || interp_step(&by_interp, 1) == INTERP_TRAP)
            break;
    }
    if (!same) {
        char *text = block_text(b);
        print_error("%s", text);
        free(text);
        for (unsigned i = 0; i < 32; i++) {
            if (by_ir.x[i] != near.x[i])
                print_error("x%u: %#" PRIx64 ", interpreter %#" PRIx64 "\n", i, by_ir.x[i], near.x[i]);
            if (by_ir.f[i] != near.f[i])
                print_error("f%u: %#" PRIx64 ", interpreter %#" PRIx64 "\n", i, by_ir.f[i], near.f[i]);
        }
        print_error("fflags: %#x, interpreter %#x\n", by_ir.fflags, near.fflags);
        for (unsigned i = 0; i < b->insns; i++) {
            struct insn in;
            char line[80];
            insn_decode(isa, code[i], &in);
            insn_disassemble(&in, code_pc + 4 * i, line, sizeof line);
            print_error("%s\n", line);
        }
        fail_msg("%s, after %u instructions: pc %#" PRIx64 ", interpreter %#" PRIx64 "%s", when, done, by_ir.pc,
                 by_interp.pc, trapped ? " (trap)" : "");
    }
    interp_destroy(&by_interp);
}

static void compare_blocks(const char *name, unsigned rounds) {
    static struct ir_block b;
    const struct isa isa = isa_named(name);
    uint64_t random = 0x13579bdf;
    for (unsigned round = 0; round < rounds; round++) {
        struct lift_config config = {.mem = &mem, .isa = &isa, .max_insns = 1 + random_below(&random, 24)};
        struct hart start = {.xlen = isa.xlen, .isa = &isa, .pc = code_pc};
        fill_code(&isa, true, &random);
        for (unsigned i = 1; i < 32; i++)
            start.x[i] = isa.xlen == 64 ? random_value(&random) : (uint64_t)(int32_t)random_value(&random);
        start.frm = config.mode.frm = (uint8_t)random_below(&random, 5);
        for (unsigned i = 0; i < 32; i++)
            start.f[i] = random_below(&random, 2) ? random_next(&random) : fp_box_s(random_next(&random));
        assert_true(lift_block(&b, &config, code_pc));
        compare(&b, &isa, &start, "as lifted");
        ir_optimise(&b);
        compare(&b, &isa, &start, "optimised");
    }
}

static void lifted_blocks_do_what_the_interpreter_does_on_rv64(void **state) { compare_blocks("max", 2500); }
static void lifted_blocks_do_what_the_interpreter_does_on_rv32(void **state) { compare_blocks("rv32max", 1500); }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lifted_blocks_keep_the_rules),
        cmocka_unit_test(lifted_blocks_do_what_the_interpreter_does_on_rv64),
        cmocka_unit_test(lifted_blocks_do_what_the_interpreter_does_on_rv32),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
