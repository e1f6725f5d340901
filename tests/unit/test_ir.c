/* test_ir.c: the IR as text, both ways.  Blocks that the verifier refuses are test_ir_verify.c's. */
#include "ir_fixture.h"

/* As ir_print writes it: every operation, every name. */
static const char everything[] = "block 0x10074 rv64 end 0x10100 insns 35\n"
                                 "  %0 = get a0\n"
                                 "  %1 = get t6\n"
                                 "  %2 = fget fa0\n"
                                 "  %3 = const -4096\n"
                                 "  %4 = const 0xffffffff80000000\n"
                                 "  %5 = const 0x1001\n"
                                 "  %6 = add %0, %1\n"
                                 "  %7 = sub %0, %1\n"
                                 "  %8 = and %0, %1\n"
                                 "  %9 = or %0, %1\n"
                                 "  %10 = xor %0, %1\n"
                                 "  %11 = andn %0, %1\n"
                                 "  %12 = shl %0, %1\n"
                                 "  %13 = shr %0, %1\n"
                                 "  %14 = sar %0, %1\n"
                                 "  %15 = rol %0, %1\n"
                                 "  %16 = ror %0, %1\n"
                                 "  %17 = mul %0, %1\n"
                                 "  %18 = mulh %0, %1\n"
                                 "  %19 = mulhu %0, %1\n"
                                 "  %20 = mulhsu %0, %1\n"
                                 "  %21 = div %0, %1\n"
                                 "  %22 = divu %0, %1\n"
                                 "  %23 = rem %0, %1\n"
                                 "  %24 = remu %0, %1\n"
                                 "  %25 = addw %0, %1\n"
                                 "  %26 = subw %0, %1\n"
                                 "  %27 = mulw %0, %1\n"
                                 "  %28 = shlw %0, %1\n"
                                 "  %29 = shrw %0, %1\n"
                                 "  %30 = sarw %0, %1\n"
                                 "  %31 = rolw %0, %1\n"
                                 "  %32 = rorw %0, %1\n"
                                 "  %33 = divw %0, %1\n"
                                 "  %34 = divuw %0, %1\n"
                                 "  %35 = remw %0, %1\n"
                                 "  %36 = remuw %0, %1\n"
                                 "  %37 = eq %0, %1\n"
                                 "  %38 = ne %0, %1\n"
                                 "  %39 = lt %0, %1\n"
                                 "  %40 = ge %0, %1\n"
                                 "  %41 = ltu %0, %1\n"
                                 "  %42 = geu %0, %1\n"
                                 "  %43 = min %0, %1\n"
                                 "  %44 = max %0, %1\n"
                                 "  %45 = minu %0, %1\n"
                                 "  %46 = maxu %0, %1\n"
                                 "  %47 = select %37, %0, %1\n"
                                 "  %48 = clz %0\n"
                                 "  %49 = ctz %0\n"
                                 "  %50 = cpop %0\n"
                                 "  %51 = clzw %0\n"
                                 "  %52 = ctzw %0\n"
                                 "  %53 = cpopw %0\n"
                                 "  %54 = rev8 %0\n"
                                 "  %55 = orcb %0\n"
                                 "  %56 = clmul %0, %1\n"
                                 "  %57 = clmulh %0, %1\n"
                                 "  %58 = sext8 %0\n"
                                 "  %59 = sext16 %0\n"
                                 "  %60 = sext32 %0\n"
                                 "  %61 = zext8 %0\n"
                                 "  %62 = zext16 %0\n"
                                 "  %63 = zext32 %0\n"
                                 "  set a0, %3\n"
                                 "  fset fa0, %2\n"
                                 "  fset_s ft11, %2\n"
                                 "  %67 = load_s8 %0, 0 @0x10074\n"
                                 "  %68 = load_u8 %0, 1 @0x10074 #1\n"
                                 "  %69 = load_s16 %0, 2 @0x10078 #2\n"
                                 "  %70 = load_u16 %0, -2048 @0x1007c #3\n"
                                 "  %71 = load_s32 %0, 2147483647 @0x10080 #4\n"
                                 "  %72 = load_u32 %0, -2147483648 @0x10084 #5\n"
                                 "  %73 = load_64 %0, 8 @0x10088 #6\n"
                                 "  store_8 %0, %1, 0 @0x1008a #7\n"
                                 "  store_16 %0, %1, 2 @0x1008c #8\n"
                                 "  store_32 %0, %1, 4 @0x1008e #9\n"
                                 "  store_64 %0, %1, -8 @0x10090 #10\n"
                                 "  %78 = fload_s %0, 0 @0x10092 #11\n"
                                 "  %79 = fload_d %0, 8 @0x10094 #12\n"
                                 "  fstore_s %0, %78, 0 @0x10096 #13\n"
                                 "  fstore_d %0, %79, 8 @0x10098 #14\n"
                                 "  %82 = f_bits %2\n"
                                 "  %83 = f_from_bits %0\n"
                                 "  %84 = f_unbox_s %2\n"
                                 "  %85 = f_box_s %84\n"
                                 "  %86 = f_neg_d %2\n"
                                 "  %87 = f_neg_s %84\n"
                                 "  %88 = f_sgnj_d %2, %79\n"
                                 "  %89 = f_sgnj_s %84, %78\n"
                                 "  %90 = f_sgnjn_d %2, %79\n"
                                 "  %91 = f_sgnjn_s %84, %78\n"
                                 "  %92 = f_sgnjx_d %2, %79\n"
                                 "  %93 = f_sgnjx_s %84, %78\n"
                                 "  %94 = f_add_d %2, %79\n"
                                 "  %95 = f_add_s.rne %84, %78\n"
                                 "  %96 = f_sub_d.rtz %2, %79\n"
                                 "  %97 = f_sub_s.rdn %84, %78\n"
                                 "  %98 = f_mul_d.rup %2, %79\n"
                                 "  %99 = f_mul_s.rmm %84, %78\n"
                                 "  %100 = f_div_d %2, %79\n"
                                 "  %101 = f_div_s %84, %78\n"
                                 "  %102 = f_sqrt_d %2\n"
                                 "  %103 = f_sqrt_s %84\n"
                                 "  %104 = f_madd_d %2, %79, %2\n"
                                 "  %105 = f_madd_s.rtz %84, %78, %84\n"
                                 "  %106 = f_min_d %2, %79\n"
                                 "  %107 = f_min_s %84, %78\n"
                                 "  %108 = f_max_d %2, %79\n"
                                 "  %109 = f_max_s %84, %78\n"
                                 "  %110 = f_eq_d %2, %79\n"
                                 "  %111 = f_eq_s %84, %78\n"
                                 "  %112 = f_lt_d %2, %79\n"
                                 "  %113 = f_lt_s %84, %78\n"
                                 "  %114 = f_le_d %2, %79\n"
                                 "  %115 = f_le_s %84, %78\n"
                                 "  %116 = f_ltq_d %2, %79\n"
                                 "  %117 = f_ltq_s %84, %78\n"
                                 "  %118 = f_leq_d %2, %79\n"
                                 "  %119 = f_leq_s %84, %78\n"
                                 "  %120 = f_ltn_d %2, %79\n"
                                 "  %121 = f_ltn_s %84, %78\n"
                                 "  %122 = f_len_d %2, %79\n"
                                 "  %123 = f_len_s %84, %78\n"
                                 "  %124 = f_to_w_d.rtz %2\n"
                                 "  %125 = f_to_w_s %84\n"
                                 "  %126 = f_to_wu_d %2\n"
                                 "  %127 = f_to_wu_s %84\n"
                                 "  %128 = f_to_l_d %2\n"
                                 "  %129 = f_to_l_s %84\n"
                                 "  %130 = f_to_lu_d %2\n"
                                 "  %131 = f_to_lu_s %84\n"
                                 "  %132 = f_from_w_d %0\n"
                                 "  %133 = f_from_w_s %0\n"
                                 "  %134 = f_from_wu_d %0\n"
                                 "  %135 = f_from_wu_s %0\n"
                                 "  %136 = f_from_l_d %0\n"
                                 "  %137 = f_from_l_s %0\n"
                                 "  %138 = f_from_lu_d %0\n"
                                 "  %139 = f_from_lu_s %0\n"
                                 "  %140 = f_cvt_s_d %2\n"
                                 "  %141 = f_cvt_d_s %84\n"
                                 "  %142 = call fp_class_d(%82), 0\n"
                                 "  %143 = call fp_madd_h(%0, %1, %0), 7\n"
                                 "  %144 = call fp_li_s(), -1\n"
                                 "  %145 = csr %0, 0x1003 @0x1009a #15\n"
                                 "  %146 = fflags\n"
                                 "  set_fflags %0\n"
                                 "  fence @0x1009c #16\n"
                                 "  %149 = amo swap.32 %0, %1 @0x100a0 #17\n"
                                 "  %150 = amo add.64 %0, %1 @0x100a4 #18\n"
                                 "  %151 = amo xor.32 %0, %1 @0x100a8 #19\n"
                                 "  %152 = amo and.64 %0, %1 @0x100ac #20\n"
                                 "  %153 = amo or.32 %0, %1 @0x100b0 #21\n"
                                 "  %154 = amo min.64 %0, %1 @0x100b4 #22\n"
                                 "  %155 = amo max.32 %0, %1 @0x100b8 #23\n"
                                 "  %156 = amo minu.64 %0, %1 @0x100bc #24\n"
                                 "  %157 = amo maxu.32 %0, %1 @0x100c0 #25\n"
                                 "  %158 = cas.64 %0, %1, %3 @0x100c4 #26\n"
                                 "  %159 = cas_sc.32 %0, %1, %3 @0x100c8 #27\n"
                                 "  check_align %0, 4, load_misaligned @0x100cc #28\n"
                                 "  check_align %0, 8, store_misaligned @0x100d0 #29\n"
                                 "  record_begin 128 @0x100d0 #29\n"
                                 "  record %0, 1 @0x100d0 #29\n"
                                 "  record_f %2, 2 @0x100d0 #29\n"
                                 "  record_fs %2, 3 @0x100d0 #29\n"
                                 "  record_end 4 @0x100d0 #29\n"
                                 "  record_open 129 @0x100d0 #29\n"
                                 "  %168 = tlb_r8 %0, 8 @0x100d0 #29\n"
                                 "  %169 = tlb_r16 %0, 8 @0x100d0 #29\n"
                                 "  %170 = tlb_r32 %0, 8 @0x100d0 #29\n"
                                 "  %171 = tlb_r64 %0, 8 @0x100d0 #29\n"
                                 "  %172 = tlb_w8 %0, %1, 8 @0x100d0 #29\n"
                                 "  %173 = tlb_w16 %0, %1, 8 @0x100d0 #29\n"
                                 "  %174 = tlb_w32 %0, %1, 8 @0x100d0 #29\n"
                                 "  %175 = tlb_w64 %0, %1, 8 @0x100d0 #29\n"
                                 "  %176 = tlb_fw32 %0, %2, 8 @0x100d0 #29\n"
                                 "  %177 = tlb_fw64 %0, %2, 8 @0x100d0 #29\n"
                                 "  %178 = tlb_l32 %0, 0 @0x100d0 #29\n"
                                 "  %179 = tlb_l64 %0, 0 @0x100d0 #29\n"
                                 "  %180 = tlb_a32 %0, 0 @0x100d0 #29\n"
                                 "  %181 = tlb_a64 %0, 0 @0x100d0 #29\n"
                                 "  %182 = f_unbox_any_s %2\n"
                                 "  %183 = brev8 %0\n"
                                 "  %184 = xperm8 %0, %1\n"
                                 "  %185 = xperm4 %0, %1\n"
                                 "  %186 = aes64es %0, %1\n"
                                 "  %187 = aes64esm %0, %1\n"
                                 "  %188 = aes64ds %0, %1\n"
                                 "  %189 = aes64dsm %0, %1\n"
                                 "  %190 = aes64im %0\n"
                                 "  %191 = aes_sub %0\n"
                                 "  cas_arg %0, 3 @0x100d0 #29\n"
                                 "  %193 = cas_16 %0 @0x100d0 #29\n"
                                 "  %194 = cas_high @0x100d0 #29\n"
                                 "  %195 = sys_csr %0, 0x1100 @0x100d0 #29\n"
                                 "  sys_cbo %0, 2 @0x100d0 #29\n"
                                 "  check_code 0x7f0000001000, 0x15 @0x100d0 #29\n"
                                 "  poll 0x100d4 @0x100d0 #29\n"
                                 "  exit_if %37, 0x10080 @0x100d4 #30\n";

static const char *const last_nodes[] = {
    "  exit 0x1007c @0x100d8 #31\n",
    "  exit_reg %0 @0x100d8 #31\n",
    "  exit_call 0x20000, ret 0x100dc @0x100d8 #31\n",
    "  exit_call_reg %0, ret 0x100da @0x100d8 #255\n",
    "  exit_likely %0, 0x20000 @0x100d8 #255\n",
    "  exit_call_likely %0, 0x20000, ret 0x100da @0x100d8 #255\n",
    "  exit_ret %0 @0x100d8 #31\n",
    "  exit_trap fetch_misaligned, 0x2 @0x100d8 #31\n",
    "  exit_trap fetch_access, 0x0 @0x100d8 #31\n",
    "  exit_trap illegal, 0xffffffff @0x100d8 #31\n",
    "  exit_trap breakpoint, 0x100d8 @0x100d8 #31\n",
    "  exit_trap load_access, 0x1 @0x100d8 #31\n",
    "  exit_trap store_access, 0x1 @0x100d8 #31\n",
    "  exit_trap ecall_u, 0x0 @0x100d8 #31\n",
    "  exit_trap fetch_page, 0xfffffffffffff000 @0x100d8 #31\n",
    "  exit_trap load_page, 0x3 @0x100d8 #31\n",
    "  exit_trap store_page, 0x4 @0x100d8 #31\n",
    "  exit_trap 9, 0x4 @0x100d8 #31\n",
    "  exit_system mret, %0, 0x100dc @0x100d8 #31\n",
    "  exit_system sfence_page, %0, 0x100dc @0x100d8 #31\n",
    "  exit_system fs_dirty, %0, 0x100dc @0x100d8 #31\n",
    "  exit_engine fence_i, 0x100dc @0x100d8 #31\n",
    "  exit_engine exclusive, 0x100d8 @0x100d8 #31\n",
    "  exit_engine interpret, 0x100d8 @0x20073 #31\n",
};

static void same_nodes(const struct ir_block *a, const struct ir_block *b) {
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->pc, b->pc);
    assert_int_equal(a->end, b->end);
    assert_int_equal(a->xlen, b->xlen);
    assert_int_equal(a->insns, b->insns);
    for (unsigned i = 0; i < a->count; i++) {
        const struct ir_node *p = &a->nodes[i], *q = &b->nodes[i];
        assert_int_equal(p->dead, q->dead);
        if (p->dead)
            continue;
        assert_int_equal(p->op, q->op);
        assert_int_equal(p->rm, q->rm);
        assert_int_equal(p->insn, q->insn);
        assert_int_equal(p->aux, q->aux);
        assert_int_equal(p->pc, q->pc);
        assert_int_equal(p->a, q->a);
        assert_int_equal(p->b, q->b);
        assert_int_equal(p->c, q->c);
        assert_int_equal(p->imm, q->imm);
        assert_int_equal(p->imm2, q->imm2);
    }
}

static void every_operation_survives_the_text(void **state) {
    unsigned seen[IR_OP_COUNT] = {0};
    for (size_t i = 0; i < sizeof last_nodes / sizeof *last_nodes; i++) {
        char text[sizeof everything + 100];
        snprintf(text, sizeof text, "%s%s", everything, last_nodes[i]);
        struct ir_block *b = block_from(text);
        char *printed = block_text(b);
        assert_string_equal(printed, text);
        struct ir_block *again = block_read(printed);
        same_nodes(b, again);
        for (unsigned n = 0; n < b->count; n++)
            seen[b->nodes[n].op]++;
        free(printed);
        free(again);
        free(b);
    }
    for (unsigned op = 0; op < IR_OP_COUNT; op++)
        if (!seen[op])
            fail_msg("%s is not in the test", ir_ops[op].name);
}

static void nodes_are_read_into_the_right_fields(void **state) {
    struct ir_block *b = block_read("block 0x10074 rv32 end 0x10080 insns 3\n"
                                    "%0 = get a0\n"
                                    "%1 = amo max.32 %0, %0 @0x10078 #2\n"
                                    "store_16 %0, %1, -6\n"
                                    "%3 = fget fs11\n"
                                    "%4 = f_add_d.rdn %3, %3\n"
                                    "%5 = call fp_class_d(%1, %0), 3\n"
                                    "exit_call 0x10000, ret 0x10080\n");
    const struct ir_node *n = b->nodes;
    assert_int_equal(b->xlen, 32);
    assert_int_equal(n[0].imm, 10);
    assert_int_equal(n[1].aux, AMO_MAX);
    assert_int_equal(n[1].imm, 32);
    assert_int_equal(n[1].pc, 4);
    assert_int_equal(n[1].insn, 2);
    assert_int_equal(n[2].a, 0);
    assert_int_equal(n[2].b, 1);
    assert_int_equal(n[2].c, IR_NONE);
    assert_int_equal(n[2].imm, -6);
    assert_int_equal(n[3].imm, 27);
    assert_int_equal(n[4].rm, RM_RDN);
    assert_ptr_equal(ir_helpers[n[5].aux].fn, fp_class_d);
    assert_int_equal(n[5].c, IR_NONE);
    assert_int_equal(n[5].imm, 3);
    assert_int_equal(n[6].imm, 0x10000);
    assert_int_equal(n[6].imm2, 0x10080);
    free(b);
}

static void skipped_numbers_become_dead_nodes(void **state) {
    const char text[] = "block 0x10074 rv64\n"
                        "  %2 = get a0\n"
                        "  %7 = sext8 %2\n"
                        "  set a1, %7\n"
                        "  %11 = get a5\n"
                        "  exit_reg %11 @0x10074\n";
    struct ir_block *b = block_from(text);
    assert_int_equal(b->count, 13);
    assert_int_equal(b->nodes[7].op, IR_sext8);
    assert_int_equal(b->nodes[7].a, 2);
    for (unsigned i = 0; i < b->count; i++)
        assert_int_equal(b->nodes[i].dead, i != 2 && i != 7 && i != 8 && i != 11 && i != 12);
    char *printed = block_text(b);
    assert_string_equal(printed, text);
    free(printed);
    free(b);
}

static void text_by_hand_may_be_loose(void **state) {
    struct ir_block *b = block_from("\n block 65652 rv64\r\n"
                                    "%0=get x10\n\n"
                                    "\tset x11,%0\n"
                                    "%1 = fget f31 \n"
                                    "fset f0 , %1\n"
                                    "%2 = f_add_d.dyn %1,%1\n"
                                    "fset ft1, %2\n"
                                    "exit 0x10074");
    char *printed = block_text(b);
    assert_string_equal(printed, "block 0x10074 rv64\n"
                                 "  %0 = get a0\n"
                                 "  set a1, %0\n"
                                 "  %2 = fget ft11\n"
                                 "  fset ft0, %2\n"
                                 "  %4 = f_add_d %2, %2\n"
                                 "  fset ft1, %4\n"
                                 "  exit 0x10074 @0x10074\n");
    free(printed);
    free(b);
}

static void rv32_pcs_wrap(void **state) {
    const char text[] = "block 0xfffffffc rv32\n"
                        "  fence @0x0 #1\n"
                        "  exit 0x8 @0x4 #2\n";
    struct ir_block *b = block_from(text);
    assert_int_equal(b->nodes[0].pc, 4);
    assert_int_equal(b->nodes[1].pc, 8);
    char *printed = block_text(b);
    assert_string_equal(printed, text);
    free(printed);
    free(b);
}

static void a_block_with_too_many_nodes_cannot_be_read(void **state) {
    char *text = malloc(IR_MAX_NODES * 16 + 64), err[64], *end = text;
    struct ir_block *b = malloc(sizeof *b);
    end += sprintf(end, "block 0x0 rv64\n");
    for (int i = 0; i < IR_MAX_NODES; i++)
        end += sprintf(end, "fence\n");
    assert_true(ir_parse(b, text, err, sizeof err));
    assert_int_equal(b->count, IR_MAX_NODES);
    sprintf(end, "exit 0x0\n");
    assert_false(ir_parse(b, text, err, sizeof err));
    assert_string_equal(err, "line 1026: too many nodes");
    free(text);
    free(b);
}

/* ---- text that cannot be read: the body of a block whose first line is "block 0x1000 rv64" ---- */

static const struct bad_text {
    const char *name, *text, *err;
} bad_texts[] = {
    {"text_empty", "", "line 1: 'block' expected"},
    {"text_without_header", "exit 0x0\n", "line 1: 'block' expected"},
    {"text_of_another_xlen", "block 0x0 rv128\n", "line 1: rv32 or rv64 expected"},
    {"text_header_with_more", "block 0x0 rv64 beg 0x0\n", "line 1: 'end' or 'insns' expected"},
    {"text_unknown_operation", "block 0x0 rv64\n%0 = foo\n", "line 2: unknown operation 'foo'"},
    {"text_result_of_a_store", "block 0x0 rv64\n%0 = get a0\n\n%1 = store_8 %0, %0, 0\n",
     "line 4: store_8 has no result"},
    {"text_unnamed_result", "block 0x0 rv64\nget a0\n", "line 2: get has a result"},
    {"text_operand_not_defined", "block 0x0 rv64\n%0 = sext8 %1\n", "line 2: %1 is not defined yet"},
    {"text_operand_is_itself", "block 0x0 rv64\n%0 = sext8 %0\n", "line 2: %0 is not defined yet"},
    {"text_name_used_twice", "block 0x0 rv64\n%0 = get a0\n%0 = get a1\n", "line 3: %0 is already defined"},
    {"text_name_beyond_the_array", "block 0x0 rv64\n%1024 = get a0\n", "line 2: number out of range"},
    {"text_operand_missing", "block 0x0 rv64\n%0 = get a0\n%1 = add %0\n", "line 3: ',' expected before '"},
    {"text_operand_too_many", "block 0x0 rv64\n%0 = get a0\n%1 = sext8 %0, %0\n",
     "line 3: end of line expected before ', %0"},
    {"text_displacement_missing", "block 0x0 rv64\n%0 = get a0\n%1 = load_u8 %0\n", "line 3: ',' expected before '"},
    {"text_register_unknown", "block 0x0 rv64\n%0 = get x32\n", "line 2: unknown register 'x32'"},
    {"text_f_register_read_as_x", "block 0x0 rv64\n%0 = get fa0\n", "line 2: unknown register 'fa0'"},
    {"text_helper_unknown", "block 0x0 rv64\n%0 = call fp_foo(), 0\n", "line 2: unknown helper 'fp_foo'"},
    {"text_call_with_four", "block 0x0 rv64\n%0 = get a0\n%1 = call fp_add_d(%0, %0, %0, %0), 0\n",
     "line 3: too many arguments"},
    {"text_call_not_closed", "block 0x0 rv64\n%0 = get a0\n%1 = call fp_add_d(%0\n", "line 3: ',' expected before '"},
    {"text_rounding_mode_unknown", "block 0x0 rv64\n%0 = fget fa0\n%1 = f_sqrt_d.foo %0\n",
     "line 3: unknown name 'foo'"},
    {"text_rounding_mode_of_an_add", "block 0x0 rv64\n%0 = get a0\n%1 = add.rtz %0, %0\n",
     "line 3: '%' expected before '.rtz"},
    {"text_amo_unknown", "block 0x0 rv64\n%0 = get a0\n%1 = amo nand.32 %0, %0\n", "line 3: unknown name 'nand'"},
    {"text_amo_without_width", "block 0x0 rv64\n%0 = get a0\n%1 = amo add %0, %0\n", "line 3: '.' expected before"},
    {"text_cas_without_width", "block 0x0 rv64\n%0 = get a0\n%1 = cas %0, %0, %0\n", "line 3: '.' expected before"},
    {"text_cause_unknown", "block 0x0 rv64\nexit_trap foo, 0x0\n", "line 2: unknown name 'foo'"},
    {"text_call_without_return", "block 0x0 rv64\nexit_call 0x0, 0x4\n", "line 2: 'ret' expected"},
    {"text_number_missing", "block 0x0 rv64\n%0 = const\n", "line 2: number expected before '"},
    {"text_number_not_a_number", "block 0x0 rv64\n%0 = const 0xg\n", "line 2: number expected before '0xg"},
    {"text_number_signed_twice", "block 0x0 rv64\n%0 = const --1\n", "line 2: number expected before '--1"},
    {"text_number_too_big", "block 0x0 rv64\n%0 = const 0x10000000000000000\n", "line 2: number expected before"},
    {"text_number_too_big_decimal", "block 0x0 rv64\n%0 = const 9223372036854775808\n",
     "line 2: number expected before"},
    {"text_pc_too_far", "block 0x1000 rv64\nfence @0x11000\n", "line 2: pc is too far from the block's start"},
    {"text_pc_before_the_block", "block 0x1000 rv64\nfence @0xffc\n", "line 2: pc is too far from the block's start"},
    {"text_too_many_instructions", "block 0x1000 rv64\nfence #256\n", "line 2: number out of range"},
    {"text_something_after_a_node", "block 0x0 rv64\nfence fence\n", "line 2: end of line expected before 'fence"},
    {"text_register_missing", "block 0x0 rv64\n%0 = get\n", "line 2: word expected before '"},
    {"text_call_not_opened", "block 0x0 rv64\n%0 = call fp_add_d, 0\n", "line 2: '(' expected before ', 0"},
    {"text_operand_beyond_the_array", "block 0x0 rv64\n%0 = sext8 %1024\n", "line 2: number out of range"},
    {"text_rounding_mode_8", "block 0x0 rv64\n%0 = fget fa0\n%1 = f_sqrt_d.8 %0\n", "line 3: rounding mode 8"},
    {"text_header_without_pc", "block rv64\n", "line 1: number expected before 'rv64"},
    {"text_header_without_xlen", "block 0x0\n", "line 1: word expected before '"},
    {"text_header_with_a_bad_end", "block 0x0 rv64 end foo\n", "line 1: number expected before 'foo"},
    {"text_header_with_too_many_insns", "block 0x0 rv64 insns 65536\n", "line 1: number out of range"},
    {"text_word_too_long", "block 0x0 rv64\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
     "line 2: too long a word"},
};

static void bad_text_is_refused(void **state) {
    const struct bad_text *t = *state;
    char err[256] = "";
    struct ir_block *b = malloc(sizeof *b);
    assert_false(ir_parse(b, t->text, err, sizeof err));
    if (strncmp(err, t->err, strlen(t->err)) != 0)
        fail_msg("'%s', not '%s'", err, t->err);
    message_is_cut(ir_parse, b, t->text, strlen(err));
    free(b);
}

/* Text with a few bytes changed, removed or moved is refused, or is a block that survives being printed. */
static void damaged_text_is_read_or_refused(void **state) {
    struct ir_block *b = malloc(sizeof *b);
    uint64_t random = 0x123456789;
    unsigned read = 0;
    for (unsigned round = 0; round < 4000; round++) {
        char text[sizeof everything + 100], err[256] = "";
        size_t length = (size_t)snprintf(text, sizeof text, "%s%s", everything,
                                         last_nodes[round % (sizeof last_nodes / sizeof *last_nodes)]);
        for (unsigned changes = 1 + random_below(&random, 3); changes > 0; changes--) {
            size_t at = random_below(&random, (unsigned)length), from = random_below(&random, (unsigned)length);
            switch (random_below(&random, 4)) {
            case 0:
                text[at] = everything[random_below(&random, sizeof everything)];
                break;
            case 1:
                text[at] = (char)(1 + random_below(&random, 255));
                break;
            case 2:
                memmove(text + at, text + from, length - (at > from ? at : from));
                break;
            default:
                memmove(text + at, text + at + 1, length - at);
                length--;
            }
        }
        text[length] = 0;
        if (!ir_parse(b, text, err, sizeof err)) {
            assert_memory_equal(err, "line ", 5);
            continue;
        }
        read++;
        char *once = block_text(b);
        if (!ir_parse(b, once, err, sizeof err))
            fail_msg("%s\n%s", err, once);
        char *twice = block_text(b);
        assert_string_equal(once, twice);
        ir_verify(b, err, sizeof err); /* whatever it says, it says so without reading out of bounds */
        free(once);
        free(twice);
    }
    assert_true(read > 100);
    free(b);
}

enum { BAD_TEXTS = sizeof bad_texts / sizeof *bad_texts };

int main(void) {
    static const struct CMUnitTest plain[] = {
        cmocka_unit_test(every_operation_survives_the_text),
        cmocka_unit_test(nodes_are_read_into_the_right_fields),
        cmocka_unit_test(skipped_numbers_become_dead_nodes),
        cmocka_unit_test(text_by_hand_may_be_loose),
        cmocka_unit_test(rv32_pcs_wrap),
        cmocka_unit_test(a_block_with_too_many_nodes_cannot_be_read),
        cmocka_unit_test(damaged_text_is_read_or_refused),
    };
    enum { PLAIN = sizeof plain / sizeof *plain };
    struct CMUnitTest tests[PLAIN + BAD_TEXTS];
    memcpy(tests, plain, sizeof plain);
    for (size_t i = 0; i < BAD_TEXTS; i++)
        tests[PLAIN + i] =
            (struct CMUnitTest){bad_texts[i].name, bad_text_is_refused, NULL, NULL, (void *)&bad_texts[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
