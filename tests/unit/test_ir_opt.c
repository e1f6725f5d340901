/* test_ir_opt.c: what the builder and the passes make of a block: text in, text out; and that dropping register writes
 * cannot be seen.
 */
#include "ir_fixture.h"

#include <sys/mman.h>

/* ---- text in, text out ---- */

/* The block built again through the builder (fold), or just copied; without the dead nodes. */
static struct ir_block *rebuild(const struct ir_block *from, bool fold) {
    struct ir_block *b = malloc(sizeof *b);
    ir_ref map[IR_MAX_NODES];
    ir_init(b, from->pc, from->xlen);
    for (unsigned i = 0; i < from->count; i++) {
        const struct ir_node *n = &from->nodes[i];
        if (n->dead)
            continue;
        ir_ref x = n->a == IR_NONE ? IR_NONE : map[n->a], y = n->b == IR_NONE ? IR_NONE : map[n->b],
               z = n->c == IR_NONE ? IR_NONE : map[n->c];
        if (fold && n->op == IR_const)
            map[i] = ir_const(b, n->imm);
        else
            map[i] =
                fold ? ir_add(b, (enum ir_op)n->op, x, y, z, n->imm) : node_raw(b, (enum ir_op)n->op, x, y, z, n->imm);
        if (ir_ops[n->op].kind == IRK_PURE)
            continue;
        struct ir_node *to = &b->nodes[map[i]];
        to->rm = n->rm;
        to->aux = n->aux;
        to->pc = n->pc;
        to->insn = n->insn;
        to->imm2 = n->imm2;
    }
    return b;
}

static char *optimised_text(const char *body, unsigned xlen, bool fold) {
    char text[2000], err[200];
    snprintf(text, sizeof text, "block 0x1000 rv%u\n%sexit 0x1004\n", xlen, body);
    struct ir_block *in = block_from(text), *b = rebuild(in, fold);
    ir_optimise(b);
    if (!ir_verify(b, err, sizeof err))
        fail_msg("%s\n%s", err, text);
    struct ir_block *out = rebuild(b, false);
    char *printed = block_text(out);
    free(in);
    free(b);
    free(out);
    return printed;
}

#define A "%0 = get a0\n"
#define AB "%0 = get a0\n%1 = get a1\n"
#define B "%1 = get a1\n"
#define OUT(r) "set a2, %" #r "\n"
#define K(n, v) "%" #n " = const " #v "\n"

static const struct rule {
    const char *name, *in, *out;
    unsigned xlen;
} rules[] = {
    /* nothing to do */
    {"add_stays", AB "%2 = add %0, %1\n" OUT(2), AB "%2 = add %0, %1\n" OUT(2), 64},
    {"div_by_0_stays_until_both_are_known", A K(1, 0) "%2 = div %0, %1\n" OUT(2), A K(1, 0) "%2 = div %0, %1\n" OUT(2),
     64},
    /* constants */
    {"constants_add_up", K(0, 40) K(1, 2) "%2 = add %0, %1\n" OUT(2), K(0, 42) OUT(0), 64},
    {"constant_goes_right", A K(1, 9) "%2 = mulhu %1, %0\n" OUT(2), A K(1, 9) "%2 = mulhu %0, %1\n" OUT(2), 64},
    {"constant_of_a_difference_stays_left", A K(1, 9) "%2 = sub %1, %0\n" OUT(2), A K(1, 9) "%2 = sub %1, %0\n" OUT(2),
     64},
    {"equal_constants_are_one", A K(1, 9) K(2, 9) "%3 = and %0, %1\n%4 = mul %3, %2\n" OUT(4),
     A K(1, 9) "%3 = and %0, %1\n%4 = mul %3, %1\n" OUT(4), 64},
    {"add_0", A K(1, 0) "%2 = add %0, %1\n" OUT(2), A OUT(0), 64},
    {"add_twice", A K(1, 5) K(2, -7) "%3 = add %0, %1\n%4 = add %3, %2\n" OUT(4), A K(1, -2) "%2 = add %0, %1\n" OUT(2),
     64},
    {"add_and_back", A K(1, 5) K(2, -5) "%3 = add %0, %1\n%4 = add %3, %2\n" OUT(4), A OUT(0), 64},
    {"sub_of_constant_is_add", A K(1, 5) "%2 = sub %0, %1\n" OUT(2), A K(1, -5) "%2 = add %0, %1\n" OUT(2), 64},
    {"addw_0_extends", A K(1, 0) "%2 = addw %0, %1\n" OUT(2), A "%1 = sext32 %0\n" OUT(1), 64},
    {"addw_of_a_wide_constant", A K(1, 0x100000005) "%2 = addw %0, %1\n" OUT(2), A K(1, 5) "%2 = addw %0, %1\n" OUT(2),
     64},
    {"addw_twice_wraps", A K(1, 0x7fffffff) "%2 = addw %0, %1\n%3 = addw %2, %1\n" OUT(3),
     A K(1, -2) "%2 = addw %0, %1\n" OUT(2), 64},
    {"subw_of_constant_is_addw", A K(1, 5) "%2 = subw %0, %1\n" OUT(2), A K(1, -5) "%2 = addw %0, %1\n" OUT(2), 64},
    {"and_0", A K(1, 0) "%2 = and %0, %1\n" OUT(2), K(0, 0) OUT(0), 64},
    {"and_all_ones", A K(1, -1) "%2 = and %0, %1\n" OUT(2), A OUT(0), 64},
    {"and_0xff", A K(1, 0xff) "%2 = and %0, %1\n" OUT(2), A "%1 = zext8 %0\n" OUT(1), 64},
    {"and_0xffff", A K(1, 0xffff) "%2 = and %0, %1\n" OUT(2), A "%1 = zext16 %0\n" OUT(1), 64},
    {"and_0xffffffff", A K(1, 0xffffffff) "%2 = and %0, %1\n" OUT(2), A "%1 = zext32 %0\n" OUT(1), 64},
    {"and_twice", A K(1, 12) K(2, 10) "%3 = and %0, %1\n%4 = and %3, %2\n" OUT(4), A K(1, 8) "%2 = and %0, %1\n" OUT(2),
     64},
    {"and_not", AB K(2, -1) "%3 = xor %1, %2\n%4 = and %0, %3\n" OUT(4), AB "%2 = andn %0, %1\n" OUT(2), 64},
    {"or_0", A K(1, 0) "%2 = or %0, %1\n" OUT(2), A OUT(0), 64},
    {"or_all_ones", A K(1, -1) "%2 = or %0, %1\n" OUT(2), K(0, -1) OUT(0), 64},
    {"xor_0", A K(1, 0) "%2 = xor %0, %1\n" OUT(2), A OUT(0), 64},
    {"mul_by_8", A K(1, 8) "%2 = mul %0, %1\n" OUT(2), A K(1, 3) "%2 = shl %0, %1\n" OUT(2), 64},
    {"mul_by_1", A K(1, 1) "%2 = mul %0, %1\n" OUT(2), A OUT(0), 64},
    {"mul_by_0_is_left", A K(1, 0) "%2 = mul %0, %1\n" OUT(2), A K(1, 0) "%2 = mul %0, %1\n" OUT(2), 64},
    /* an operand with itself */
    {"sub_itself", A "%1 = sub %0, %0\n" OUT(1), K(0, 0) OUT(0), 64},
    {"xor_itself", A "%1 = xor %0, %0\n" OUT(1), K(0, 0) OUT(0), 64},
    {"and_itself", A "%1 = and %0, %0\n" OUT(1), A OUT(0), 64},
    {"eq_itself", A "%1 = eq %0, %0\n" OUT(1), K(0, 1) OUT(0), 64},
    {"ltu_itself", A "%1 = ltu %0, %0\n" OUT(1), K(0, 0) OUT(0), 64},
    {"geu_itself", A "%1 = geu %0, %0\n" OUT(1), K(0, 1) OUT(0), 64},
    {"select_of_known", AB K(2, 3) "%3 = select %2, %0, %1\n" OUT(3), A OUT(0), 64},
    {"select_of_0", AB K(2, 0) "%3 = select %2, %0, %1\n" OUT(3), B OUT(1), 64},
    {"select_of_equals", AB "%2 = select %0, %1, %1\n" OUT(2), B OUT(1), 64},
    /* shifts */
    {"shl_64", A K(1, 64) "%2 = shl %0, %1\n" OUT(2), A OUT(0), 64},
    {"shl_twice", A K(1, 3) K(2, 4) "%3 = shl %0, %1\n%4 = shl %3, %2\n" OUT(4), A K(1, 7) "%2 = shl %0, %1\n" OUT(2),
     64},
    {"zext32_of_shifts", A K(1, 32) "%2 = shl %0, %1\n%3 = shr %2, %1\n" OUT(3), A "%1 = zext32 %0\n" OUT(1), 64},
    {"sext32_of_shifts", A K(1, 32) "%2 = shl %0, %1\n%3 = sar %2, %1\n" OUT(3), A "%1 = sext32 %0\n" OUT(1), 64},
    {"zext16_of_shifts", A K(1, 48) "%2 = shl %0, %1\n%3 = shr %2, %1\n" OUT(3), A "%1 = zext16 %0\n" OUT(1), 64},
    {"sext16_of_shifts", A K(1, 48) "%2 = shl %0, %1\n%3 = sar %2, %1\n" OUT(3), A "%1 = sext16 %0\n" OUT(1), 64},
    {"zext8_of_shifts", A K(1, 56) "%2 = shl %0, %1\n%3 = shr %2, %1\n" OUT(3), A "%1 = zext8 %0\n" OUT(1), 64},
    {"sext8_of_shifts", A K(1, 56) "%2 = shl %0, %1\n%3 = sar %2, %1\n" OUT(3), A "%1 = sext8 %0\n" OUT(1), 64},
    {"unsigned_index_scaled", A K(1, 32) K(2, 29) "%3 = shl %0, %1\n%4 = shr %3, %2\n" OUT(4),
     A "%1 = zext32 %0\n" K(2, 3) "%3 = shl %1, %2\n" OUT(3), 64},
    {"field_of_a_word", A K(1, 32) K(2, 40) "%3 = shl %0, %1\n%4 = shr %3, %2\n" OUT(4),
     A "%1 = zext32 %0\n" K(2, 8) "%3 = shr %1, %2\n" OUT(3), 64},
    {"sext16_of_word_shifts", A K(1, 16) "%2 = shlw %0, %1\n%3 = sarw %2, %1\n" OUT(3), A "%1 = sext16 %0\n" OUT(1),
     64},
    {"sext8_of_word_shifts", A K(1, 24) "%2 = shlw %0, %1\n%3 = sarw %2, %1\n" OUT(3), A "%1 = sext8 %0\n" OUT(1), 64},
    {"zext16_of_word_shifts", A K(1, 16) "%2 = shlw %0, %1\n%3 = shrw %2, %1\n" OUT(3), A "%1 = zext16 %0\n" OUT(1),
     64},
    {"zext8_of_word_shifts", A K(1, 24) "%2 = shlw %0, %1\n%3 = shrw %2, %1\n" OUT(3), A "%1 = zext8 %0\n" OUT(1), 64},
    {"shrw_0_extends", A K(1, 32) "%2 = shrw %0, %1\n" OUT(2), A "%1 = sext32 %0\n" OUT(1), 64},
    {"ror_is_rol", A K(1, 8) "%2 = ror %0, %1\n" OUT(2), A K(1, 56) "%2 = rol %0, %1\n" OUT(2), 64},
    {"rorw_is_rolw", A K(1, 8) "%2 = rorw %0, %1\n" OUT(2), A K(1, 24) "%2 = rolw %0, %1\n" OUT(2), 64},
    {"rotate_of_shifts", A K(1, 13) K(2, 51) "%3 = shl %0, %1\n%4 = shr %0, %2\n%5 = or %3, %4\n" OUT(5),
     A K(1, 13) "%2 = rol %0, %1\n" OUT(2), 64},
    {"rotate_of_shifts_the_other_way", A K(1, 13) K(2, 51) "%3 = shr %0, %2\n%4 = shl %0, %1\n%5 = add %3, %4\n" OUT(5),
     A K(1, 13) "%2 = rol %0, %1\n" OUT(2), 64},
    {"rotate_of_word_shifts", A K(1, 7) K(2, 25) "%3 = shlw %0, %1\n%4 = shrw %0, %2\n%5 = xor %3, %4\n" OUT(5),
     A K(1, 7) "%2 = rolw %0, %1\n" OUT(2), 64},
    {"no_rotate_of_two_values", AB K(2, 32) "%3 = shl %0, %2\n%4 = shr %1, %2\n%5 = or %3, %4\n" OUT(5),
     AB K(2, 32) "%3 = shl %0, %2\n%4 = shr %1, %2\n%5 = or %3, %4\n" OUT(5), 64},
    {"no_rotate_of_63_bits", A K(1, 31) K(2, 32) "%3 = shl %0, %1\n%4 = shr %0, %2\n%5 = or %3, %4\n" OUT(5),
     A K(1, 31) K(2, 32) "%3 = shl %0, %1\n%4 = shr %0, %2\n%5 = or %3, %4\n" OUT(5), 64},
    /* extensions */
    {"sext32_of_addw", AB "%2 = addw %0, %1\n%3 = sext32 %2\n" OUT(3), AB "%2 = addw %0, %1\n" OUT(2), 64},
    {"sext32_of_add", AB "%2 = add %0, %1\n%3 = sext32 %2\n" OUT(3), AB "%2 = addw %0, %1\n" OUT(2), 64},
    {"sext32_of_sub", AB "%2 = sub %0, %1\n%3 = sext32 %2\n" OUT(3), AB "%2 = subw %0, %1\n" OUT(2), 64},
    {"sext32_of_mul", AB "%2 = mul %0, %1\n%3 = sext32 %2\n" OUT(3), AB "%2 = mulw %0, %1\n" OUT(2), 64},
    {"sext32_twice", A "%1 = sext32 %0\n%2 = sext32 %1\nset a1, %1\n" OUT(2), A "%1 = sext32 %0\nset a1, %1\n" OUT(1),
     64},
    {"zext32_twice", A "%1 = zext32 %0\n%2 = zext32 %1\nset a1, %1\n" OUT(2), A "%1 = zext32 %0\nset a1, %1\n" OUT(1),
     64},
    {"sext32_of_zext32", A "%1 = zext32 %0\n%2 = sext32 %1\n" OUT(2), A "%1 = sext32 %0\n" OUT(1), 64},
    {"addw_of_extended", AB "%2 = sext32 %0\n%3 = zext32 %1\n%4 = addw %2, %3\n" OUT(4), AB "%2 = addw %0, %1\n" OUT(2),
     64},
    {"sext32_of_load", A "%1 = load_s32 %0, 0\n%2 = sext32 %1\n" OUT(2), A "%1 = load_s32 %0, 0\n" OUT(1), 64},
    {"sext32_of_unsigned_load_stays", A "%1 = load_u32 %0, 0\n%2 = sext32 %1\n" OUT(2),
     A "%1 = load_u32 %0, 0\n%2 = sext32 %1\n" OUT(2), 64},
    {"zext32_of_load", A "%1 = load_u32 %0, 0\n%2 = zext32 %1\n" OUT(2), A "%1 = load_u32 %0, 0\n" OUT(1), 64},
    {"zext8_of_load", A "%1 = load_u8 %0, 0\n%2 = zext8 %1\n" OUT(2), A "%1 = load_u8 %0, 0\n" OUT(1), 64},
    {"zext16_of_load", A "%1 = load_u16 %0, 0\n%2 = zext16 %1\n" OUT(2), A "%1 = load_u16 %0, 0\n" OUT(1), 64},
    {"sext32_of_a_register_stays", A "%1 = sext32 %0\n" OUT(1), A "%1 = sext32 %0\n" OUT(1), 64},
    {"sext32_of_a_register_of_rv32", A "%1 = sext32 %0\n" OUT(1), A OUT(0), 32},
    {"sext32_of_small_mask", A K(1, 0x7fffffff) "%2 = and %0, %1\n%3 = sext32 %2\n" OUT(3),
     A K(1, 0x7fffffff) "%2 = and %0, %1\n" OUT(2), 64},
    /* comparisons */
    {"seqz", A K(1, 1) "%2 = ltu %0, %1\n" OUT(2), A K(1, 0) "%2 = eq %0, %1\n" OUT(2), 64},
    {"eq_0_of_lt", AB "%2 = lt %0, %1\n" K(3, 0) "%4 = eq %2, %3\n" OUT(4), AB "%2 = ge %0, %1\n" OUT(2), 64},
    {"eq_0_of_geu", AB "%2 = geu %0, %1\n" K(3, 0) "%4 = eq %2, %3\n" OUT(4), AB "%2 = ltu %0, %1\n" OUT(2), 64},
    {"eq_0_of_ne", AB "%2 = ne %0, %1\n" K(3, 0) "%4 = eq %2, %3\n" OUT(4), AB "%2 = eq %0, %1\n" OUT(2), 64},
    {"ne_0_of_lt", AB "%2 = lt %0, %1\n" K(3, 0) "%4 = ne %2, %3\n" OUT(4), AB "%2 = lt %0, %1\n" OUT(2), 64},
    {"seqz_of_lt", AB "%2 = lt %0, %1\n" K(3, 1) "%4 = ltu %2, %3\n" OUT(4), AB "%2 = ge %0, %1\n" OUT(2), 64},
    {"zext8_of_comparison", AB "%2 = lt %0, %1\n%3 = zext8 %2\n" OUT(3), AB "%2 = lt %0, %1\n" OUT(2), 64},
    /* displacements */
    {"load_displacement", A K(1, -8) "%2 = add %0, %1\n%3 = load_64 %2, 16\n" OUT(3), A "%1 = load_64 %0, 8\n" OUT(1),
     64},
    {"store_displacement", AB K(2, 2047) "%3 = add %0, %2\nstore_8 %3, %1, 0\n", AB "store_8 %0, %1, 2047\n", 64},
    {"largest_displacement", A K(1, 0x7fffffff) "%2 = add %0, %1\n%3 = load_64 %2, 0\n" OUT(3),
     A "%1 = load_64 %0, 2147483647\n" OUT(1), 64},
    {"too_large_a_displacement", A K(1, 0x7fffffff) "%2 = add %0, %1\n%3 = load_64 %2, 1\n" OUT(3),
     A K(1, 0x7fffffff) "%2 = add %0, %1\n%3 = load_64 %2, 1\n" OUT(3), 64},
    {"rv32_addresses_wrap", A K(1, 8) "%2 = add %0, %1\n%3 = zext32 %2\n%4 = load_s32 %3, 0\n" OUT(4),
     A K(1, 8) "%2 = add %0, %1\n%3 = zext32 %2\n%4 = load_s32 %3, 0\n" OUT(4), 32},
    {"atomic_has_no_displacement", A K(1, 8) "%2 = add %0, %1\n%3 = amo add.64 %2, %0\n" OUT(3),
     A K(1, 8) "%2 = add %0, %1\n%3 = amo add.64 %2, %0\n" OUT(3), 64},
    /* dead values */
    {"unused_value", AB "%2 = add %0, %1\n%3 = mul %2, %2\n" OUT(0), A OUT(0), 64},
    {"unused_load_stays", AB "%2 = load_u8 %0, 0\n" OUT(0), A "%2 = load_u8 %0, 0\n" OUT(0), 64},
    {"unused_fp_operation_stays", "%0 = fget fa0\n%1 = f_sqrt_d %0\n", "%0 = fget fa0\n%1 = f_sqrt_d %0\n", 64},
    {"unused_sign_operation", "%0 = fget fa0\n%1 = f_neg_d %0\n", "", 64},
    {"unused_call_stays", A "%1 = call fp_class_d(%0), 0\n", A "%1 = call fp_class_d(%0), 0\n", 64},
    {"unused_amo_stays", A "%1 = amo add.32 %0, %0\n", A "%1 = amo add.32 %0, %0\n", 64},
    /* dead sets */
    {"set_twice", AB "set a2, %0\nset a2, %1\n", B "set a2, %1\n", 64},
    {"set_twice_across_fp", AB "%2 = fget fa0\nset a2, %0\n%3 = f_add_d %2, %2\nset a2, %1\n",
     B "%2 = fget fa0\n%3 = f_add_d %2, %2\nset a2, %1\n", 64},
    {"set_seen_by_load", AB "set a2, %0\n%3 = load_u8 %0, 0\nset a2, %1\n",
     AB "set a2, %0\n%3 = load_u8 %0, 0\nset a2, %1\n", 64},
    {"set_seen_by_store", AB "set a2, %0\nstore_8 %0, %1, 0\nset a2, %1\n",
     AB "set a2, %0\nstore_8 %0, %1, 0\nset a2, %1\n", 64},
    {"set_seen_by_exit", AB "set a2, %0\nexit_if %1, 0x1000\nset a2, %1\n",
     AB "set a2, %0\nexit_if %1, 0x1000\nset a2, %1\n", 64},
    {"set_seen_by_alignment_check", AB "set a2, %0\ncheck_align %1, 4, load_misaligned\nset a2, %1\n",
     AB "set a2, %0\ncheck_align %1, 4, load_misaligned\nset a2, %1\n", 64},
    {"set_not_seen_by_record", AB "set a2, %0\nrecord %1, 1\nset a2, %1\n", B "record %1, 1\nset a2, %1\n", 64},
    {"set_seen_by_amo", AB "set a2, %0\n%3 = amo or.32 %0, %1\n" OUT(3),
     AB "set a2, %0\n%3 = amo or.32 %0, %1\n" OUT(3), 64},
    {"other_sets_stay", AB "set a2, %0\nset a3, %0\nset a2, %1\n", AB "set a3, %0\nset a2, %1\n", 64},
    {"set_of_what_it_holds", AB "set a0, %0\n" OUT(1), B OUT(1), 64},
    {"set_of_what_it_holds_again", AB "set a1, %0\nexit_if %0, 0x1000\nset a1, %0\n" OUT(1),
     AB "set a1, %0\nexit_if %0, 0x1000\n" OUT(1), 64},
    {"set_away_and_back", AB "set a0, %1\nset a0, %0\n" OUT(1), B OUT(1), 64},
    {"set_away_seen_and_back", AB "set a0, %1\nfence\nset a0, %0\n", AB "set a0, %1\nfence\nset a0, %0\n", 64},
    {"x_and_f_are_apart", A "%1 = fget fa0\nset a2, %0\nfset fa2, %1\n", A "%1 = fget fa0\nset a2, %0\nfset fa2, %1\n",
     64},
    {"fset_twice", "%0 = fget fa0\n%1 = fget fa1\nfset fa2, %0\nfset_s fa2, %1\n", "%1 = fget fa1\nfset_s fa2, %1\n",
     64},
    {"fset_of_what_it_holds", "%0 = fget fa0\nfset fa0, %0\n", "", 64},
    {"fset_s_boxes_what_it_holds", "%0 = fget fa0\nfset_s fa0, %0\n", "%0 = fget fa0\nfset_s fa0, %0\n", 64},
    {"fset_behind_fset_s", "%0 = fget fa0\nfset_s fa1, %0\nfence\nfset fa1, %0\n",
     "%0 = fget fa0\nfset_s fa1, %0\nfence\nfset fa1, %0\n", 64},
};
enum { RULES = sizeof rules / sizeof *rules };

static void optimised_is_as_written(void **state) {
    const struct rule *r = *state;
    char text[2000];
    char *got = optimised_text(r->in, r->xlen, true);
    snprintf(text, sizeof text, "block 0x1000 rv%u\n%sexit 0x1004\n", r->xlen, r->out);
    struct ir_block *given = block_from(text), *want = rebuild(given, false);
    char *wanted = block_text(want);
    assert_string_equal(got, wanted);
    free(given);
    free(want);
    free(wanted);
    free(got);
}

/* ---- what the builder knows of each operation, held against the operation's results on corner values ---- */

static bool always(enum ir_op op, bool (*holds)(enum ir_op op, uint64_t a, uint64_t b)) {
    for (unsigned i = 0; i < CORNERS; i++)
        for (unsigned j = 0; j < CORNERS; j++)
            if (!holds(op, corner_values[i], corner_values[j]))
                return false;
    return true;
}
static bool gives_sext32(enum ir_op op, uint64_t a, uint64_t b) {
    uint64_t v = ir_eval_pure(op, a, b, a + b);
    return v == (uint64_t)(int32_t)v;
}
static bool gives_zext32(enum ir_op op, uint64_t a, uint64_t b) {
    return ir_eval_pure(op, a, b, a + b) == (uint32_t)ir_eval_pure(op, a, b, a + b);
}
static bool swaps(enum ir_op op, uint64_t a, uint64_t b) {
    return ir_eval_pure(op, a, b, 0) == ir_eval_pure(op, b, a, 0);
}

static void extensions_are_known_of_every_operation(void **state) {
    struct ir_block *b = malloc(sizeof *b);
    for (unsigned i = 0; i < IR_OP_COUNT; i++) {
        const enum ir_op op = (enum ir_op)i;
        if (!is_integer_op(op))
            continue;
        size_t arity = strlen(ir_ops[op].args);
        ir_init(b, 0x1000, 64);
        ir_ref x = ir_add(b, IR_get, IR_NONE, IR_NONE, IR_NONE, 10),
               y = ir_add(b, IR_get, IR_NONE, IR_NONE, IR_NONE, 11);
        ir_ref v = ir_add(b, op, x, arity > 1 ? y : IR_NONE, arity > 2 ? x : IR_NONE, 0);
        if (ir_is_sext32(b, v) != always(op, gives_sext32))
            fail_msg("sign extension of %s", ir_ops[op].name);
        if (ir_is_zext32(b, v) != always(op, gives_zext32))
            fail_msg("zero extension of %s", ir_ops[op].name);
    }
    free(b);
}

static void constants_go_right_where_operands_can_be_swapped(void **state) {
    struct ir_block *b = malloc(sizeof *b);
    for (unsigned i = 0; i < IR_OP_COUNT; i++) {
        const enum ir_op op = (enum ir_op)i;
        if (!is_integer_op(op) || strlen(ir_ops[op].args) != 2)
            continue;
        ir_init(b, 0x1000, 64);
        ir_ref x = ir_add(b, IR_get, IR_NONE, IR_NONE, IR_NONE, 10), k = ir_const(b, 13);
        const struct ir_node *n = &b->nodes[ir_add(b, op, k, x, IR_NONE, 0)];
        assert_int_equal(n->op, op);
        bool swapped = n->a == x && n->b == k;
        if (swapped != always(op, swaps))
            fail_msg("%s is %s", ir_ops[op].name, swapped ? "swapped" : "not swapped");
    }
    free(b);
}

/* ---- random blocks of sets and of what observes them ---- */

static uint8_t *memory;
enum { MEMORY = 256 };

static void random_block(struct ir_block *b, uint64_t *random) {
    ir_ref x[64], f[64];
    unsigned nx = 0, nf = 0;
    ir_init(b, 0x1000, 64);
    for (int64_t i = 0; i < 4; i++) {
        x[nx++] = node_raw(b, IR_get, IR_NONE, IR_NONE, IR_NONE, 10 + i);
        f[nf++] = node_raw(b, IR_fget, IR_NONE, IR_NONE, IR_NONE, 10 + i);
    }
    ir_ref base = x[0];
    for (unsigned i = 10 + random_below(random, 40); i > 0; i--) {
        ir_ref v = x[random_below(random, nx)], w = x[random_below(random, nx)], g = f[random_below(random, nf)];
        unsigned rd = 10 + random_below(random, 5), fd = 10 + random_below(random, 5);
        int64_t at = 8 * random_below(random, 16);
        switch (random_below(random, 20)) {
        case 0:
        case 1:
        case 2:
        case 3:
        case 4:
        case 5:
            node_raw(b, IR_set, v, IR_NONE, IR_NONE, rd);
            break;
        case 6:
        case 7:
            node_raw(b, IR_fset, g, IR_NONE, IR_NONE, fd);
            break;
        case 8:
        case 9:
            node_raw(b, IR_fset_s, g, IR_NONE, IR_NONE, fd);
            break;
        case 10:
            x[nx++] = node_raw(b, IR_load_64, base, IR_NONE, IR_NONE, at);
            break;
        case 11:
            node_raw(b, IR_store_64, base, v, IR_NONE, at);
            break;
        case 12:
            node_raw(b, IR_exit_if, v, IR_NONE, IR_NONE, 0x2000 + i);
            break;
        case 13:
            x[nx++] = node_raw(b, IR_add, v, w, IR_NONE, 0);
            break;
        case 14:
            x[nx++] = node_raw(b, IR_xor, v, w, IR_NONE, 0);
            break;
        case 15:
            f[nf++] = node_raw(b, IR_f_neg_d, g, IR_NONE, IR_NONE, 0);
            break;
        case 16:
            f[nf++] = node_raw(b, IR_f_add_d, g, f[0], IR_NONE, 0);
            b->nodes[b->count - 1].rm = RM_DYN;
            break;
        case 17:
            x[nx++] = node_raw(b, IR_ltu, v, w, IR_NONE, 0);
            break;
        case 18:
            x[nx++] = node_raw(b, IR_amo, base, v, IR_NONE, 64);
            b->nodes[b->count - 1].aux = AMO_ADD;
            break;
        default:
            node_raw(b, IR_check_align, v, IR_NONE, IR_NONE, 2);
            b->nodes[b->count - 1].aux = TRAP_LOAD_MISALIGNED;
        }
    }
    node_raw(b, IR_exit, IR_NONE, IR_NONE, IR_NONE, 0x3000);
}

/* Runs b as far as node stop, an observer (or as far as it goes), and leaves the guest's state in h and memory. */
static ir_ref run_until(const struct ir_block *b, unsigned stop, const struct hart *start, struct hart *h) {
    static struct ir_block cut;
    cut = *b;
    cut.nodes[stop] = (struct ir_node){.op = IR_exit, .a = IR_NONE, .b = IR_NONE, .c = IR_NONE, .imm = 0x4000};
    *h = *start;
    for (unsigned i = 0; i < MEMORY; i++)
        memory[i] = (uint8_t)(i * 37);
    return ir_run(&cut, h);
}

static void dropped_sets_cannot_be_seen(void **state) {
    static struct ir_block plain, optimised;
    uint64_t random = 0x2545f4914f6cdd1d;
    unsigned dropped = 0;
    char err[200];
    for (unsigned round = 0; round < 3000; round++) {
        random_block(&plain, &random);
        if (!ir_verify(&plain, err, sizeof err))
            fail_msg("round %u: %s", round, err);
        optimised = plain;
        ir_optimise(&optimised);
        if (!ir_verify(&optimised, err, sizeof err))
            fail_msg("round %u, optimised: %s", round, err);
        struct hart start = {.xlen = 64}, a, b;
        for (unsigned i = 1; i < 32; i++)
            start.x[i] = random_below(&random, 2) ? 0 : random_value(&random);
        for (unsigned i = 0; i < 32; i++)
            start.f[i] = random_next(&random);
        start.x[10] = (uintptr_t)memory;
        for (unsigned i = 0; i < plain.count; i++) {
            unsigned kind = ir_ops[plain.nodes[i].op].kind;
            dropped += optimised.nodes[i].dead && kind == IRK_SET;
            if (kind != IRK_LOAD && kind != IRK_STORE && kind != IRK_EFFECT && kind != IRK_EXIT)
                continue;
            uint8_t after[MEMORY];
            assert_false(optimised.nodes[i].dead);
            ir_ref left = run_until(&plain, i, &start, &a);
            memcpy(after, memory, MEMORY);
            assert_int_equal(run_until(&optimised, i, &start, &b), left);
            if (memcmp(&a, &b, sizeof a) != 0 || memcmp(after, memory, MEMORY) != 0) {
                char *before = block_text(&plain), *behind = block_text(&optimised);
                print_error("before:\n%sbehind:\n%s", before, behind);
                free(before);
                free(behind);
                fail_msg("round %u: another state at node %u", round, i);
            }
            if (left != i)
                break; /* an earlier exit is taken */
        }
    }
    assert_true(dropped > 1000); /* else nothing was tried */
}

static void optimising_again_changes_nothing(void **state) {
    static struct ir_block b;
    uint64_t random = 0x9e3779b97f4a7c15;
    for (unsigned round = 0; round < 300; round++) {
        random_block(&b, &random);
        ir_optimise(&b);
        char *once = block_text(&b);
        ir_optimise(&b);
        char *twice = block_text(&b);
        assert_string_equal(once, twice);
        free(once);
        free(twice);
    }
}

static void uses_are_counted_from_live_nodes(void **state) {
    struct ir_block *b = block_from("block 0x1000 rv64\n%0 = get a0\n%1 = add %0, %0\n%2 = select %1, %0, %1\n"
                                    "set a1, %2\nset a1, %1\nexit_reg %0\n");
    b->nodes[3].dead = 1;
    ir_count_uses(b);
    static const unsigned uses[] = {4, 3, 0, 0, 0, 0};
    for (unsigned i = 0; i < b->count; i++)
        assert_int_equal(b->nodes[i].uses, uses[i]);
    free(b);
}

static int map_memory(void **state) {
    memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? -1 : 0;
}
static int unmap_memory(void **state) { return munmap(memory, 4096); }

int main(void) {
    static const struct CMUnitTest plain[] = {
        cmocka_unit_test(extensions_are_known_of_every_operation),
        cmocka_unit_test(constants_go_right_where_operands_can_be_swapped),
        cmocka_unit_test(dropped_sets_cannot_be_seen),
        cmocka_unit_test(optimising_again_changes_nothing),
        cmocka_unit_test(uses_are_counted_from_live_nodes),
    };
    enum { PLAIN = sizeof plain / sizeof *plain };
    struct CMUnitTest tests[PLAIN + RULES];
    memcpy(tests, plain, sizeof plain);
    for (size_t i = 0; i < RULES; i++)
        tests[PLAIN + i] = (struct CMUnitTest){rules[i].name, optimised_is_as_written, NULL, NULL, (void *)&rules[i]};
    return cmocka_run_group_tests(tests, map_memory, unmap_memory);
}
