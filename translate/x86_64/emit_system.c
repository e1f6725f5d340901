/* emit_system.c: privileged instructions in generated code: CSRs, and what ends a block and goes on elsewhere.
 *
 * The helpers may be any C code: they are called as engine_tlb_slow is, by the stub that keeps all registers.
 */
#include "emitter.h"

static void call_helper(struct emitter *e, uintptr_t fn, uint64_t imm) {
    set_call(e, fn, imm);
    asm_call_mem(&e->a, HART(tlb_stub));
}

/* A CSR or a cache block. */
static void emit_call(struct emitter *e, ir_ref r, uintptr_t fn) {
    const struct ir_node *n = node_of(e, r);
    asm_rm(&e->a, 0x89, true, use_reg(e, n->a), HART(call_arg[0]));
    call_helper(e, fn, (uint64_t)n->imm);
    asm_alu_mi(&e->a, ALU_CMP, false, HART(trap.cause), TRAP_NONE);
    struct cold *c = add_cold(e, COLD_LEAVE);
    c->from[0] = asm_jcc32(&e->a, CC_NE);
    c->aux = BACK_INTERPRET;
    c->imm = (int64_t)(e->b->pc + n->pc);
    if (n->op == IR_sys_cbo)
        return;
    e->locked = 0; /* the argument is done with */
    int d = alloc_dest(e, r, 0);
    asm_rm(&e->a, 0x8b, true, d, HART(call_result));
    bind(e, r, d);
}

static void emit_poll(struct emitter *e, const struct ir_node *n) {
    count_insns(e, n, true);
    asm_alu_mi(&e->a, ALU_CMP, false, HART(pending), 0);
    struct cold *c = add_cold(e, COLD_POLL);
    c->from[0] = asm_jcc32(&e->a, CC_NE);
    c->imm = n->imm;
}

static void emit_check_code(struct emitter *e, const struct ir_node *n) {
    int t = alloc_temp(e, 0);
    asm_mov_imm(&e->a, t, (uint64_t)n->imm);
    asm_rm(&e->a, MAP_0F | 0xb7, false, t, mem_at(t, 0));
    asm_alu_ri(&e->a, ALU_CMP, false, t, (int32_t)n->imm2);
    struct cold *c = add_cold(e, COLD_LEAVE);
    c->from[0] = asm_jcc32(&e->a, CC_NE);
    c->aux = BACK_INTERPRET;
    c->imm = (int64_t)(e->b->pc + n->pc);
}

void emit_system_node(struct emitter *e, ir_ref r) {
    const struct ir_node *n = node_of(e, r);
    if (n->op == IR_sys_csr)
        emit_call(e, r, (uintptr_t)engine_csr);
    else if (n->op == IR_sys_cbo)
        emit_call(e, r, (uintptr_t)engine_cache_block);
    else if (n->op == IR_check_code)
        emit_check_code(e, n);
    else
        emit_poll(e, n);
}

void emit_exit_system(struct emitter *e, const struct ir_node *n, int t) {
    if (t == NO_REG) {
        asm_mov_imm(&e->a, RAX, (uint64_t)node_of(e, n->a)->imm);
        t = RAX;
    }
    asm_rm(&e->a, 0x89, true, t, HART(call_arg[0]));
    asm_mov_imm(&e->a, RAX, (uint64_t)n->imm);
    asm_rm(&e->a, 0x89, true, RAX, HART(call_arg[1]));
    store_pc(e, e->b->pc + n->pc);
    call_helper(e, (uintptr_t)engine_do_system, n->aux);
    asm_rm(&e->a, 0x8b, false, RAX, HART(call_result));
    asm_alu_ri(&e->a, ALU_CMP, false, RAX, BACK_COUNT);
    uint32_t on = asm_jcc32(&e->a, CC_E);
    asm_jmp_mem(&e->a, HART(leave_stub));
    asm_patch_here(&e->a, on);
    asm_rm(&e->a, 0x8b, true, RSP, HART(return_top));
    asm_rm(&e->a, 0x8b, true, RAX, HART(pc));
    asm_jmp_mem(&e->a, HART(lookup_stub));
}
