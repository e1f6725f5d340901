/* test_ir_verify.c: each way in which a block can break a rule is refused, with a message that says which. */
#include "ir_fixture.h"

static void kill_first(struct ir_block *b) { b->nodes[0].dead = 1; }
static void kill_last(struct ir_block *b) { b->nodes[b->count - 1].dead = 1; }
static void drop_operand(struct ir_block *b) { b->nodes[1].b = IR_NONE; }
static void drop_only_operand(struct ir_block *b) { b->nodes[1].a = IR_NONE; }
static void add_operand(struct ir_block *b) { b->nodes[1].b = 0; }
static void add_third_operand(struct ir_block *b) { b->nodes[1].c = 0; }
static void use_itself(struct ir_block *b) { b->nodes[1].a = 1; }
static void use_later(struct ir_block *b) { b->nodes[1].a = 2; }
static void use_beyond(struct ir_block *b) { b->nodes[1].a = 1023; }
static void number_32(struct ir_block *b) { b->nodes[0].imm = 32; }
static void number_minus(struct ir_block *b) { b->nodes[0].imm = -1; }
static void number_32_second(struct ir_block *b) { b->nodes[1].imm = 32; }
static void helper_beyond(struct ir_block *b) { b->nodes[0].aux = (uint16_t)ir_helper_count; }
static void amo_beyond(struct ir_block *b) { b->nodes[1].aux = AMO_MAXU + 1; }
static void leave_beyond(struct ir_block *b) { b->nodes[0].aux = LEAVE_COUNT; }
static void op_beyond(struct ir_block *b) { b->nodes[0].op = IR_OP_COUNT; }
static void rounding_8(struct ir_block *b) { b->nodes[1].rm = 8; }
static void rounding_of_get(struct ir_block *b) { b->nodes[0].rm = RM_DYN; }
static void rounding_of_call(struct ir_block *b) { b->nodes[0].rm = RM_DYN; }
static void use_store(struct ir_block *b) { b->nodes[2].a = 1; }
static void overflown(struct ir_block *b) { b->overflow = true; }
static void xlen_128(struct ir_block *b) { b->xlen = 128; }

#define X "block 0x1000 rv64\n%0 = get a0\n"
#define F "block 0x1000 rv64\n%0 = fget fa0\n"
#define E "exit 0x1000\n"
static const struct bad_block {
    const char *name, *text, *err;
    void (*change)(struct ir_block *b);
} bad_blocks[] = {
    {"verify_empty_block", "block 0x1000 rv64\n", "does not end with an exit", NULL},
    {"verify_no_exit", X, "does not end with an exit", NULL},
    {"verify_only_a_side_exit", X "exit_if %0, 0x1000\n", "does not end with an exit", NULL},
    {"verify_exit_is_dead", X E, "does not end with an exit", kill_last},
    {"verify_two_exits", X E E, "node 2 (exit): comes after the exit", NULL},
    {"verify_node_behind_the_exit", X E "%2 = const 1\n", "node 2 (const): comes after the exit", NULL},
    {"verify_side_exit_behind_the_exit", X E "exit_if %0, 0x1000\n", "comes after the exit", NULL},
    {"verify_node_behind_a_return", X "exit_ret %0\nfence\n", "comes after the exit", NULL},
    {"verify_node_behind_a_trap", X "exit_trap illegal, 0x0\nfence\n", "comes after the exit", NULL},
    {"verify_operand_dead", X "%1 = sext8 %0\n" E, "node 1 (sext8): operand %0 is dead", kill_first},
    {"verify_operand_missing", X "%1 = add %0, %0\n" E, "node 1 (add): operand 2 is missing", drop_operand},
    {"verify_operand_of_exit_missing", X "exit_reg %0\n", "node 1 (exit_reg): operand 1 is missing", drop_only_operand},
    {"verify_operand_of_fp_missing", F "%1 = f_add_d %0, %0\n" E, "operand 2 is missing", drop_operand},
    {"verify_operand_too_many", X "%1 = sext8 %0\n" E, "node 1 (sext8): has an operand 2", add_operand},
    {"verify_third_operand_too_many", X "%1 = add %0, %0\n" E, "has an operand 3", add_third_operand},
    {"verify_call_argument_behind_a_gap", X "%1 = call fp_add_d(%0, _, %0), 0\n" E,
     "operand 3 comes after a missing one", NULL},
    {"verify_operand_is_itself", X "%1 = sext8 %0\n" E, "operand %1 is not an earlier node", use_itself},
    {"verify_operand_is_later", X "%1 = sext8 %0\n%2 = get a1\n" E, "operand %2 is not an earlier node", use_later},
    {"verify_operand_does_not_exist", X "%1 = sext8 %0\n" E, "operand %1023 is not an earlier node", use_beyond},
    {"verify_integer_op_on_f", F "%1 = add %0, %0\n" E, "node 1 (add): operand %0 is of type F", NULL},
    {"verify_fp_op_on_integer", X "%1 = f_neg_d %0\n" E, "operand %0 is of type I", NULL},
    {"verify_set_of_f", F "set a0, %0\n" E, "operand %0 is of type F", NULL},
    {"verify_fset_of_integer", X "fset fa0, %0\n" E, "operand %0 is of type I", NULL},
    {"verify_store_of_f", X "%1 = fget fa0\nstore_64 %0, %1, 0\n" E, "operand %1 is of type F", NULL},
    {"verify_fstore_of_integer", X "fstore_d %0, %0, 0\n" E, "operand %0 is of type I", NULL},
    {"verify_address_in_f", F "%1 = load_64 %0, 0\n" E, "operand %0 is of type F", NULL},
    {"verify_comparison_result_as_f", F "%1 = f_eq_d %0, %0\n%2 = f_neg_d %1\n" E, "operand %1 is of type I", NULL},
    {"verify_call_argument_f", F "%1 = call fp_add_d(%0), 0\n" E, "operand %0 is of type F", NULL},
    {"verify_store_as_operand", X "store_8 %0, %0, 0\n%2 = sext8 %0\n" E, "is of type -", use_store},
    {"verify_get_x0", "block 0x1000 rv64\n%0 = get zero\n" E, "node 0 (get): x register 0", NULL},
    {"verify_set_x0", X "set zero, %0\n" E, "node 1 (set): x register 0", NULL},
    {"verify_get_x32", X E, "x register 32", number_32},
    {"verify_get_minus_1", X E, "x register -1", number_minus},
    {"verify_fget_f32", F E, "f register 32", number_32},
    {"verify_set_x32", X "set a0, %0\n" E, "x register 32", number_32_second},
    {"verify_fset_f32", F "fset fa0, %0\n" E, "f register 32", number_32_second},
    {"verify_fset_s_f32", F "fset_s fa0, %0\n" E, "f register 32", number_32_second},
    {"verify_get_behind_set", X "set a1, %0\n%2 = get a1\n" E,
     "node 2 (get): reads a register that the block has written", NULL},
    {"verify_fget_behind_fset", F "fset fa1, %0\n%2 = fget fa1\n" E, "reads a register that the block has written",
     NULL},
    {"verify_fget_behind_fset_s", F "fset_s fa1, %0\n%2 = fget fa1\n" E, "reads a register that the block has written",
     NULL},
    {"verify_load_displacement", X "%1 = load_u8 %0, 2147483648\n" E, "node 1 (load_u8): displacement 2147483648",
     NULL},
    {"verify_store_displacement", X "store_8 %0, %0, -2147483649\n" E, "displacement -2147483649", NULL},
    {"verify_fload_displacement", X "%1 = fload_d %0, 2147483648\n" E, "displacement 2147483648", NULL},
    {"verify_amo_width", X "%1 = amo add.16 %0, %0\n" E, "node 1 (amo): width 16", NULL},
    {"verify_amo_operation", X "%1 = amo add.32 %0, %0\n" E, "node 1 (amo): operation 9", amo_beyond},
    {"verify_cas_width", X "%1 = cas.128 %0, %0, %0\n" E, "node 1 (cas): width 128", NULL},
    {"verify_cas_arg_word", X "cas_arg %0, 4\n" E, "node 1 (cas_arg): word 4", NULL},
    {"verify_cas_sc_width", X "%1 = cas_sc.8 %0, %0, %0\n" E, "node 1 (cas_sc): width 8", NULL},
    {"verify_alignment_of_3", X "check_align %0, 3, load_misaligned\n" E, "alignment 3", NULL},
    {"verify_alignment_of_0", X "check_align %0, 0, load_misaligned\n" E, "alignment 0", NULL},
    {"verify_alignment_of_32", X "check_align %0, 32, load_misaligned\n" E, "alignment 32", NULL},
    {"verify_alignment_cause", X "check_align %0, 4, 64\n" E, "cause 64", NULL},
    {"verify_record_word_0", X "record %0, 0\n" E, "word 0", NULL},
    {"verify_record_words", X "record_end 1025\n" E, "word 1025", NULL},
    {"verify_csr_operation", X "%1 = csr %0, 0x3001\n" E, "imm 0x3001", NULL},
    {"verify_csr_number", X "%1 = csr %0, 0x10001\n" E, "imm 0x10001", NULL},
    {"verify_system_csr_operation", X "%1 = sys_csr %0, 0x3001\n" E, "imm 0x3001", NULL},
    {"verify_cache_block_operation", X "sys_cbo %0, 3\n" E, "operation 3", NULL},
    {"verify_halfword", X "check_code 0x1000, 0x10000\n" E, "halfword 0x10000", NULL},
    {"verify_system_action", "block 0x1000 rv64\n%0 = get a0\nexit_system 9, %0, 0x0\n", "action 9", NULL},
    {"verify_rv32_poll", "block 0x1000 rv32\npoll 0x100000000\n" E, "on RV32", NULL},
    {"verify_trap_cause", "block 0x1000 rv64\nexit_trap 64, 0x0\n", "cause 64", NULL},
    {"verify_leave_reason", "block 0x1000 rv64\nexit_engine fence_i, 0x0\n", "reason 4", leave_beyond},
    {"verify_helper", "block 0x1000 rv64\n%0 = call fp_add_d(), 0\n" E, "node 0 (call): helper", helper_beyond},
    {"verify_operation", X E, "node 0 (?): operation", op_beyond},
    {"verify_rounding_mode_5", F "%1 = f_sqrt_d.rm5 %0\n" E, "node 1 (f_sqrt_d): rounding mode 5", NULL},
    {"verify_rounding_mode_6", F "%1 = f_sqrt_d.rm6 %0\n" E, "rounding mode 6", NULL},
    {"verify_rounding_mode_8", F "%1 = f_sqrt_d %0\n" E, "rounding mode 8", rounding_8},
    {"verify_rounding_mode_of_get", X E, "has a rounding mode", rounding_of_get},
    {"verify_rounding_mode_of_call", "block 0x1000 rv64\n%0 = call fp_add_d(), 0\n" E, "has a rounding mode",
     rounding_of_call},
    {"verify_rv32_exit_pc", "block 0x1000 rv32\nexit 0x100000000\n", "pc 0x100000000 on RV32", NULL},
    {"verify_rv32_side_exit_pc", "block 0x1000 rv32\n%0 = const 1\nexit_if %0, 0xffffffff80000000\n" E, "on RV32",
     NULL},
    {"verify_rv32_return_pc", "block 0x1000 rv32\nexit_call 0x0, ret 0x100000000\n", "on RV32", NULL},
    {"verify_rv32_target_of_likely", "block 0x1000 rv32\n%0 = get a0\nexit_likely %0, 0x100000000\n", "on RV32", NULL},
    {"verify_rv32_return_pc_of_call_reg", "block 0x1000 rv32\n%0 = get a0\nexit_call_reg %0, ret 0x100000000\n",
     "on RV32", NULL},
    {"verify_csr_number_negative", X "%1 = csr %0, 0xffffffffffffffff\n" E, "imm 0x", NULL},
    {"verify_rounding_mode_of_fflags", "block 0x1000 rv64\n%0 = fflags\n" E, "has a rounding mode", rounding_of_get},
    {"verify_rv32_engine_pc", "block 0x1000 rv32\nexit_engine fence_i, 0x100000000\n", "on RV32", NULL},
    {"verify_overflow", X E, "the block has too many nodes", overflown},
    {"verify_xlen", X E, "xlen 128", xlen_128},
};

static bool verify_with_text(struct ir_block *b, const char *text, char *err, size_t n) { return ir_verify(b, err, n); }

static void bad_block_is_refused(void **state) {
    const struct bad_block *t = *state;
    char err[256] = "";
    struct ir_block *b = block_read(t->text);
    if (t->change)
        t->change(b);
    assert_false(ir_verify(b, err, sizeof err));
    if (!strstr(err, t->err))
        fail_msg("'%s', not '%s'", err, t->err);
    message_is_cut(verify_with_text, b, NULL, strlen(err));
    free(b);
}

static void the_edges_of_each_range_are_accepted(void **state) {
    free(block_from(X "%1 = csr %0, 0x0\n%2 = csr %0, 0xefff\n%3 = csr %0, 0x2fff\ncheck_align %0, 1, 0\n"
                      "check_align %0, 16, 63\n%6 = load_64 %0, 2147483647\n%7 = load_64 %0, -2147483648\n"
                      "set ra, %6\nset t6, %7\n%10 = fget f0\n%11 = fget f31\n%12 = f_add_d.rmm %10, %11\n"
                      "fset f0, %12\nfset_s f31, %10\nexit 0xffffffffffffffff\n"));
    free(block_from(
        "block 0x1000 rv32\n%0 = get ra\n%1 = get t6\nexit_if %0, 0xffffffff\nexit_call 0xffffffff, ret 0xffffffff\n"));
}

static void dead_nodes_are_not_verified(void **state) {
    char err[64];
    struct ir_block *b =
        block_read("block 0x1000 rv64\n%0 = get zero\n%1 = get a0\nset a0, %1\nexit 0x0\nexit 0x1000\n");
    assert_false(ir_verify(b, err, sizeof err));
    b->nodes[0].dead = b->nodes[3].dead = 1;
    assert_true(ir_verify(b, err, sizeof err));
    free(b);
}

/* The builder reports that it ran out of nodes. */
static void building_too_much_is_an_overflow(void **state) {
    char err[64];
    struct ir_block *b = malloc(sizeof *b);
    ir_init(b, 0x1000, 64);
    ir_ref x = ir_add(b, IR_get, IR_NONE, IR_NONE, IR_NONE, 10);
    for (int i = 0; i < IR_MAX_NODES - 2; i++)
        x = ir_add(b, IR_sext8, x, IR_NONE, IR_NONE, 0);
    ir_add(b, IR_exit, IR_NONE, IR_NONE, IR_NONE, 0x1000);
    assert_int_equal(b->count, IR_MAX_NODES);
    assert_false(b->overflow);
    assert_true(ir_verify(b, err, sizeof err));
    ir_add(b, IR_exit, IR_NONE, IR_NONE, IR_NONE, 0x1000);
    assert_true(b->overflow);
    assert_false(ir_verify(b, err, sizeof err));
    free(b);
}

enum { BAD_BLOCKS = sizeof bad_blocks / sizeof *bad_blocks };

int main(void) {
    static const struct CMUnitTest plain[] = {
        cmocka_unit_test(the_edges_of_each_range_are_accepted),
        cmocka_unit_test(dead_nodes_are_not_verified),
        cmocka_unit_test(building_too_much_is_an_overflow),
    };
    enum { PLAIN = sizeof plain / sizeof *plain };
    struct CMUnitTest tests[PLAIN + BAD_BLOCKS];
    memcpy(tests, plain, sizeof plain);
    for (size_t i = 0; i < BAD_BLOCKS; i++)
        tests[PLAIN + i] =
            (struct CMUnitTest){bad_blocks[i].name, bad_block_is_refused, NULL, NULL, (void *)&bad_blocks[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
