/* emit_tlb.c: the probe of the TLB before loads and stores in system mode.
 *
 *      lea  d, [address]            t2 is the entry, t the page of the access's last byte: it differs from the tag also where
 *      t2 = hart.tlb + index(d)     the access leaves its page
 *      lea  t, [d + size - 1]
 *      and  t, -4096
 *      cmp  t, [t2 + tag]
 *      jne  cold                    cold: hart.tlb_stub calls engine_tlb_slow, which gives the host address
 *      add  d, [t2 + addend]
 *  back:
 */
#include "../../cpu/mmu.h"
#include "../tlb_slow.h"
#include "emitter.h"

_Static_assert(sizeof(struct tlb_entry) == 32 && TLB_SIZE == 256, "the index is bits 12 to 19, scaled by 32");

static const struct access_kind {
    uint8_t size, slow;
} kinds[] = {
    {1, TLB_SLOW_LOAD},    {2, TLB_SLOW_LOAD},    {4, TLB_SLOW_LOAD},    {8, TLB_SLOW_LOAD},   {1, TLB_SLOW_STORE},
    {2, TLB_SLOW_STORE},   {4, TLB_SLOW_STORE},   {8, TLB_SLOW_STORE},   {4, TLB_SLOW_STORE},  {8, TLB_SLOW_STORE},
    {4, TLB_SLOW_RESERVE}, {8, TLB_SLOW_RESERVE}, {4, TLB_SLOW_ATOMIC}, {8, TLB_SLOW_ATOMIC},
};

void emit_tlb(struct emitter *e, ir_ref r) {
    const struct ir_node *n = node_of(e, r);
    const struct access_kind *k = &kinds[n->op - IR_tlb_r8];
    bool write = k->slow == TLB_SLOW_STORE || k->slow == TLB_SLOW_ATOMIC;
    bool is_float = n->op == IR_tlb_fw32 || n->op == IR_tlb_fw64;
    int value = NO_REG;
    if (is_float) {
        make_canonical(e, n->b, n->op == IR_tlb_fw64);
        value = use_xmm(e, n->b);
    } else if (n->b != IR_NONE && (node_of(e, n->b)->op != IR_const || reg_of(e, n->b) != NO_REG)) {
        value = use_reg(e, n->b);
    }
    struct mem m = use_address(e, n);
    int t = alloc_temp(e, 0), t2 = alloc_temp(e, 0);
    int d = alloc_dest(e, r, value != NO_REG && !is_float ? 1u << value : 0);
    asm_rm(&e->a, 0x8d, true, d, m);
    asm_mov(&e->a, true, t2, d);
    asm_shift_ri(&e->a, SHIFT_SHR, true, t2, 12 - 5);
    asm_alu_ri(&e->a, ALU_AND, false, t2, (TLB_SIZE - 1) << 5);
    asm_rm(&e->a, 0x03, true, t2, HART(tlb));
    asm_rm(&e->a, 0x8d, true, t, mem_at(d, k->size - 1));
    asm_alu_ri(&e->a, ALU_AND, true, t, -4096);
    asm_rm(&e->a, 0x3b, true, t,
           mem_at(t2, write ? offsetof(struct tlb_entry, write) : offsetof(struct tlb_entry, read)));
    struct cold *c = add_cold(e, COLD_TLB);
    c->from[0] = asm_jcc32(&e->a, CC_NE);
    asm_rm(&e->a, 0x03, true, d, mem_at(t2, offsetof(struct tlb_entry, addend)));
    c->back = asm_offset(&e->a);
    c->reg = (int8_t)d;
    c->reg2 = (int8_t)(is_float ? NO_REG : value);
    c->reg3 = (int8_t)(is_float ? value : NO_REG);
    c->aux = (uint16_t)(k->slow | k->size);
    c->imm = n->b != IR_NONE && value == NO_REG ? node_of(e, n->b)->imm : 0;
    bind(e, r, d);
}

void emit_cold_tlb(struct emitter *e, const struct cold *c) {
    asm_rm(&e->a, 0x89, true, c->reg, HART(call_arg[0]));
    if (c->reg2 != NO_REG) {
        asm_rm(&e->a, 0x89, true, c->reg2, HART(call_arg[1]));
    } else if (c->reg3 != NO_REG) {
        fp_store(e, true, HART(call_arg[1]), c->reg3);
    } else {
        struct mem m = HART(call_arg[1]);
        asm_rm(&e->a, 0xc7, false, 0, m);
        asm_u32(&e->a, (uint32_t)c->imm);
        m.disp += 4;
        asm_rm(&e->a, 0xc7, false, 0, m);
        asm_u32(&e->a, (uint32_t)((uint64_t)c->imm >> 32));
    }
    set_call(e, (uintptr_t)engine_tlb_slow, c->aux);
    asm_call_mem(&e->a, HART(tlb_stub));
    asm_rm(&e->a, 0x8b, true, c->reg, HART(call_result));
    asm_patch32(&e->a, asm_jmp32(&e->a), c->back);
}
