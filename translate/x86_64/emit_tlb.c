/* emit_tlb.c: the probe of the TLB before loads and stores in system mode.
 *
 *      lea  d, [address]
 *      t = hart.tlb + index(d)      the entry
 *      xor  d, [t + tag]            where it is the address's: the offset in the page
 *      cmp  d, 4096 - size          also above where the access leaves its page
 *      ja   cold                    cold: hart.tlb_stub calls engine_tlb_slow, which gives the host address
 *      add  d, [t + host]
 *  back:
 *
 * Two registers suffice, as the three temporaries may be all there are and a store's value can take one.
 */
#include "../../cpu/mmu.h"
#include "../tlb_slow.h"
#include "emitter.h"

_Static_assert(sizeof(struct tlb_entry) == 32 && TLB_SIZE == 4096, "the index is bits 12 to 23, scaled by 32");

static const struct access_kind {
    uint8_t size, slow;
} kinds[] = {
    {1, TLB_SLOW_LOAD},    {2, TLB_SLOW_LOAD},    {4, TLB_SLOW_LOAD},   {8, TLB_SLOW_LOAD},   {1, TLB_SLOW_STORE},
    {2, TLB_SLOW_STORE},   {4, TLB_SLOW_STORE},   {8, TLB_SLOW_STORE},  {4, TLB_SLOW_STORE},  {8, TLB_SLOW_STORE},
    {4, TLB_SLOW_RESERVE}, {8, TLB_SLOW_RESERVE}, {4, TLB_SLOW_ATOMIC}, {8, TLB_SLOW_ATOMIC},
};

/* Where a store's value is for the cold half. */
enum value_place { VALUE_CONST, VALUE_GPR, VALUE_XMM, VALUE_MEMORY };

/* The guest address in a register that is the node's from here on; keep stays locked. */
static int emit_address(struct emitter *e, ir_ref r, uint32_t keep) {
    const struct ir_node *n = node_of(e, r);
    int32_t disp = (int32_t)n->imm;
    if (!e->fold[n->a]) {
        struct operand a = peek_any(e, n->a);
        int d = alloc_dest(e, r, 0);
        if (!a.in_memory && a.reg != NO_REG && disp != 0) {
            asm_rm(&e->a, 0x8d, true, d, mem_at(a.reg, disp));
        } else {
            load_into(e, d, n->a);
            if (disp != 0)
                asm_alu_ri(&e->a, ALU_ADD, true, d, disp);
        }
        e->locked |= 1u << d;
        return d;
    }
    struct mem m = use_address(e, n);
    int d = alloc_dest(e, r, 0);
    asm_rm(&e->a, 0x8d, true, d, m);
    e->locked |= 1u << d;
    uint32_t done = 1u << m.base | (m.index != NO_REG ? 1u << m.index : 0); /* not looked at any more */
    e->locked &= ~(done & ~(1u << d) & ~keep);
    return d;
}

void emit_tlb(struct emitter *e, ir_ref r) {
    const struct ir_node *n = node_of(e, r);
    const struct access_kind *k = &kinds[n->op - IR_tlb_r8];
    bool write = k->slow == TLB_SLOW_STORE || k->slow == TLB_SLOW_ATOMIC;
    bool is_float = n->op == IR_tlb_fw32 || n->op == IR_tlb_fw64;
    struct operand value = {false, NO_REG, {0}};
    if (is_float) {
        make_canonical(e, n->b, n->op == IR_tlb_fw64);
        value.reg = use_xmm(e, n->b);
    } else if (n->b != IR_NONE) {
        value = peek_any(e, n->b);
    }
    int d = emit_address(e, r, !is_float && value.reg != NO_REG ? 1u << value.reg : 0), t = alloc_temp(e, 1u << d);
    if (has(e, HOST_BMI)) {
        asm_vex_gpr(&e->a, OP_F2 | MAP_0F3A | 0xf0, true, t, 0, d); /* rorx: what it turns to the top is masked out */
        asm_byte(&e->a, 12 - 5);
    } else {
        asm_mov(&e->a, true, t, d);
        asm_shift_ri(&e->a, SHIFT_SHR, true, t, 12 - 5);
    }
    asm_alu_ri(&e->a, ALU_AND, false, t, (TLB_SIZE - 1) << 5);
    asm_rm(&e->a, 0x03, true, t, HART(tlb));
    struct mem tag = mem_at(t, write ? offsetof(struct tlb_entry, write) : offsetof(struct tlb_entry, read));
    asm_rm(&e->a, 0x33, true, d, tag);
    asm_alu_ri(&e->a, ALU_CMP, true, d, 4096 - k->size);
    struct cold *c = add_cold(e, COLD_TLB);
    c->from[0] = asm_jcc32(&e->a, CC_A);
    asm_rm(&e->a, 0x03, true, d, mem_at(t, offsetof(struct tlb_entry, host)));
    c->back = asm_offset(&e->a);
    c->reg = (int8_t)d;
    c->result = (int8_t)t;
    c->masked = write;
    c->aux = (uint16_t)(k->slow | k->size);
    c->wide = VALUE_CONST;
    if (is_float)
        c->wide = VALUE_XMM, c->reg2 = (int8_t)value.reg;
    else if (value.in_memory)
        c->wide = VALUE_MEMORY, c->imm = value.mem.disp; /* in the hart */
    else if (value.reg != NO_REG)
        c->wide = VALUE_GPR, c->reg2 = (int8_t)value.reg;
    else if (n->b != IR_NONE)
        c->imm = node_of(e, n->b)->imm;
    bind(e, r, d);
}

void emit_cold_tlb(struct emitter *e, const struct cold *c) {
    struct mem arg = HART(call_arg[1]);
    asm_rm(&e->a, 0x33, true, c->reg,
           mem_at(c->result, c->masked ? offsetof(struct tlb_entry, write) : offsetof(struct tlb_entry, read)));
    asm_rm(&e->a, 0x89, true, c->reg, HART(call_arg[0]));
    switch ((enum value_place)c->wide) {
    case VALUE_GPR:
        asm_rm(&e->a, 0x89, true, c->reg2, arg);
        break;
    case VALUE_XMM:
        fp_store(e, true, arg, c->reg2);
        break;
    case VALUE_MEMORY:
        asm_rm(&e->a, 0x8b, true, c->result, mem_at(RBP, (int32_t)c->imm));
        asm_rm(&e->a, 0x89, true, c->result, arg);
        break;
    case VALUE_CONST:
        asm_mov_imm(&e->a, c->result, (uint64_t)c->imm);
        asm_rm(&e->a, 0x89, true, c->result, arg);
        break;
    }
    set_call(e, (uintptr_t)engine_tlb_slow, c->aux);
    asm_call_mem(&e->a, HART(tlb_stub));
    asm_rm(&e->a, 0x8b, true, c->reg, HART(call_result));
    asm_patch32(&e->a, asm_jmp32(&e->a), c->back);
}
