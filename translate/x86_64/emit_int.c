/* emit_int.c: integer nodes, loads and stores. */
#include "emitter.h"

void op_any(struct emitter *e, unsigned op, bool wide, int reg, struct operand o) {
    if (o.in_memory)
        asm_rm(&e->a, op, wide, reg, o.mem);
    else
        asm_rr(&e->a, op, wide, reg, o.reg);
}
static uint32_t bit_of(struct operand o) { return o.in_memory ? 0 : 1u << o.reg; }

/* Locks the register of an operand that has one. */
int peek(struct emitter *e, ir_ref r) {
    int reg = reg_of(e, r);
    if (reg != NO_REG)
        e->locked |= 1u << reg;
    return reg;
}

/* Sign-extends the 32-bit result unless nobody looks. */
void finish_w(struct emitter *e, ir_ref r, int d) {
    if (MUTANT(word_zero_extended))
        asm_mov(&e->a, false, d, d);
    else if (!e->narrow[r])
        asm_rr(&e->a, 0x63, true, d, d);
}

/* d = a op b for the group-1 operations and imul; 32-bit where !wide. */
static void emit_alu(struct emitter *e, ir_ref r, enum alu op, bool wide, bool commutes) {
    const struct ir_node *n = node_of(e, r);
    ir_ref x = n->a, y = n->b;
    int d;
    if (e->narrow[r] && (e->dirty[x] || e->dirty[y]))
        wide = false;
    peek(e, x);
    if (op == ALU_SUB && is_const(e, x) && const_of(e, x) == 0) {
        peek(e, y);
        COVER(alu_negate);
        d = alloc_dest(e, r, 0);
        load_into(e, d, y);
        asm_rr(&e->a, 0xf7, wide, 3, d); /* neg */
    } else if (const32(e, y)) {
        int32_t k = (int32_t)const_of(e, y);
        d = alloc_dest(e, r, 0);
        int rx = reg_of(e, x);
        if (op == ALU_ADD && rx != NO_REG && rx != d) {
            COVER(alu_lea_constant);
            asm_rm(&e->a, 0x8d, wide, d, mem_at(rx, k)); /* lea */
        } else {
            COVER(alu_constant);
            load_into(e, d, x);
            asm_alu_ri(&e->a, op, wide, d, k);
        }
    } else {
        peek(e, y);
        if (is_const(e, y))
            use_reg(e, y);
        int rx = reg_of(e, x), ry = reg_of(e, y);
        d = alloc_dest(e, r, ry != NO_REG && !commutes ? 1u << ry : 0);
        if (op == ALU_ADD && rx != NO_REG && ry != NO_REG && rx != d && ry != d) {
            COVER(alu_lea);
            asm_rm(&e->a, 0x8d, wide, d, (struct mem){rx, ry, 0, 0});
        } else {
            COVER(alu_two);
            if (ry == d && rx != d) {
                COVER(alu_two_turned);
                ir_ref t = x;
                x = y;
                y = t;
            }
            struct operand o = use_any(e, y);
            load_into(e, d, x);
            op_any(e, 0x03 + 8 * (unsigned)op, wide, d, o);
        }
    }
    bind(e, r, d);
    if (!wide)
        finish_w(e, r, d);
}

/* add of a folded shift by 1, 2 or 3: lea */
static bool emit_scaled_add(struct emitter *e, ir_ref r) {
    const struct ir_node *n = node_of(e, r);
    ir_ref base = n->a, scaled = n->b;
    if (e->fold[base] && node_of(e, base)->op == IR_shl) {
        base = n->b;
        scaled = n->a;
    }
    if (!e->fold[scaled] || node_of(e, scaled)->op != IR_shl)
        return false;
    const struct ir_node *s = node_of(e, scaled);
    int scale = (int)const_of(e, s->b);
    peek(e, base);
    int index = use_reg(e, s->a);
    if (const32(e, base)) {
        int d = alloc_dest(e, r, 0);
        COVER(scaled_add_constant);
        /* no base register: disp32 with index; lea through an add instead, as scale without base needs a long form */
        if (d != index)
            asm_mov(&e->a, true, d, index);
        asm_shift_ri(&e->a, SHIFT_SHL, true, d, (unsigned)scale);
        asm_alu_ri(&e->a, ALU_ADD, true, d, (int32_t)const_of(e, base));
        bind(e, r, d);
        return true;
    }
    COVER(scaled_add);
    int b = use_reg(e, base);
    int d = alloc_dest(e, r, 0);
    asm_rm(&e->a, 0x8d, true, d, (struct mem){b, index, scale ^ MUTANT(scale_wrong), 0});
    bind(e, r, d);
    return true;
}

/* The value where it stays while all temporaries change: its home, its slot, or a scratch slot of the hart. */
struct operand park(struct emitter *e, ir_ref r, struct mem scratch) {
    struct operand o = use_any(e, r);
    if (o.in_memory || !(TEMP_GPRS >> o.reg & 1))
        return o;
    COVER(park_in_scratch);
    asm_rm(&e->a, 0x89, true, o.reg, scratch);
    return (struct operand){true, NO_REG, scratch};
}
/* The value in a given temporary, which is then free to be changed. */
void move_to(struct emitter *e, int temp, ir_ref r) {
    int from = reg_of(e, r);
    free_temp(e, temp);
    if (from != NO_REG)
        asm_mov(&e->a, true, temp, from);
    else
        load_into(e, temp, r);
}

static void emit_shift(struct emitter *e, ir_ref r, enum shift op, bool wide) {
    const struct ir_node *n = node_of(e, r);
    bool rotate = op == SHIFT_ROL || op == SHIFT_ROR;
    if (op == SHIFT_SAR && MUTANT(sar_is_shr))
        op = SHIFT_SHR;
    int d;
    if (is_const(e, n->b)) {
        unsigned k = (unsigned)const_of(e, n->b) & (wide ? 63 : 31);
        int x = peek(e, n->a);
        d = alloc_dest(e, r, 0);
        if (rotate && has(e, HOST_BMI) && x != NO_REG && x != d) {
            COVER(shift_rorx);
            asm_vex_gpr(&e->a, OP_F2 | MAP_0F3A | 0xf0, wide, d, 0, x); /* rorx */
            asm_byte(&e->a, (op == SHIFT_ROR) != MUTANT(rotate_turned) ? k : (wide ? 64 : 32) - k);
        } else if (op == SHIFT_SHL && k <= 3 && k > 0 && x != NO_REG && x != d && k == 1) {
            COVER(shift_lea);
            asm_rm(&e->a, 0x8d, wide, d, (struct mem){x, x, 0, 0});
        } else {
            load_into(e, d, n->a);
            if (k)
                asm_shift_ri(&e->a, op, wide, d, k);
        }
    } else if (has(e, HOST_BMI) && !rotate) {
        COVER(shift_bmi);
        int y = use_reg(e, n->b);
        struct operand o = use_any(e, n->a);
        d = alloc_dest(e, r, 0);
        unsigned code = op == SHIFT_SHL ? OP_66 : op == SHIFT_SAR ? OP_F3 : OP_F2; /* shlx sarx shrx */
        if (o.in_memory) {
            int t = d != y ? d : use_reg(e, n->a);
            if (t == d)
                load_into(e, d, n->a);
            o.reg = t;
        }
        asm_vex_gpr(&e->a, code | MAP_0F38 | 0xf7, wide || MUTANT(shift_count_six_bits), d, y, o.reg);
    } else {
        COVER(shift_by_cl);
        struct operand amount = park(e, n->b, HART(call_arg[0]));
        d = alloc_dest(e, r, 1u << RCX | bit_of(amount));
        load_into(e, d, n->a);
        free_temp(e, RCX);
        load_operand(e, RCX, amount);
        asm_rr(&e->a, 0xd3, wide, (int)op, d);
    }
    bind(e, r, d);
    if (!wide)
        finish_w(e, r, d);
}

void emit_lazy_shift(struct emitter *e, enum ir_op op, unsigned amount, int reg) {
    bool wide = op == IR_shl || op == IR_shr || op == IR_sar;
    enum shift shift = op == IR_shl || op == IR_shlw   ? SHIFT_SHL
                       : op == IR_shr || op == IR_shrw ? SHIFT_SHR
                                                       : SHIFT_SAR;
    asm_shift_ri(&e->a, shift, wide, reg, amount);
    if (!wide)
        asm_rr(&e->a, 0x63, true, reg, reg);
}

enum cond emit_condition(struct emitter *e, ir_ref r) {
    static const enum cond codes[] = {CC_E, CC_NE, CC_L, CC_GE, CC_B, CC_AE};
    static const enum cond swapped[] = {CC_E, CC_NE, CC_G, CC_LE, CC_A, CC_BE};
    const struct ir_node *n = node_of(e, r);
    if (!e->fold[r]) {
        COVER(condition_value);
        struct operand o = use_any(e, r);
        if (o.in_memory)
            asm_alu_mi(&e->a, ALU_CMP, true, o.mem, 0);
        else
            asm_rr(&e->a, 0x85, true, o.reg, o.reg);
        return CC_NE;
    }
    if (is_fp_order(n))
        return emit_fp_condition(e, n, false);
    if ((n->op == IR_eq || n->op == IR_ne) && e->fold[n->a]) { /* a folded comparison of floats with 0 */
        enum cond c = emit_fp_condition(e, node_of(e, n->a), n->op == IR_eq);
        return c;
    }
    unsigned k = n->op - IR_eq;
    if ((k == 2 && MUTANT(less_unsigned)) || (k == 5 && MUTANT(above_wrong)))
        k = k == 2 ? 4 : 3;
    bool wide = !ir_is_sext32(e->b, n->a) || !ir_is_sext32(e->b, n->b);
    if (const32(e, n->b)) {
        COVER(condition_constant);
        struct operand o = use_any(e, n->a);
        int32_t imm = (int32_t)const_of(e, n->b);
        if (o.in_memory)
            asm_alu_mi(&e->a, ALU_CMP, wide, o.mem, imm);
        else if (imm == 0)
            asm_rr(&e->a, 0x85, wide, o.reg, o.reg);
        else
            asm_alu_ri(&e->a, ALU_CMP, wide, o.reg, imm);
        return codes[k];
    }
    if (const32(e, n->a)) {
        COVER(condition_constant_first);
        struct operand o = use_any(e, n->b);
        if (o.in_memory)
            asm_alu_mi(&e->a, ALU_CMP, wide, o.mem, (int32_t)const_of(e, n->a));
        else if (const_of(e, n->a) == 0)
            asm_rr(&e->a, 0x85, wide, o.reg, o.reg);
        else
            asm_alu_ri(&e->a, ALU_CMP, wide, o.reg, (int32_t)const_of(e, n->a));
        return MUTANT(compare_not_swapped) ? codes[k] : swapped[k];
    }
    peek(e, n->a);
    struct operand y = use_any(e, n->b);
    int x = use_reg(e, n->a);
    op_any(e, 0x3b, wide, x, y);
    return codes[k];
}

static void emit_compare(struct emitter *e, ir_ref r) {
    uint8_t folded = e->fold[r];
    e->fold[r] = 1; /* as if folded into the setcc below */
    enum cond cc = emit_condition(e, r);
    e->fold[r] = folded;
    e->locked = 0;
    int d = alloc_dest(e, r, 0); /* may spill: moves leave the flags alone */
    asm_rr(&e->a, MAP_0F | OP_BYTE | (0x90 + (unsigned)cc), false, 0, d);
    asm_rr(&e->a, MAP_0F | OP_BYTE | 0xb6, false, d, d);
    bind(e, r, d);
}

/* d = cc ? x : y; the flags are set */
static void emit_select(struct emitter *e, ir_ref r) {
    const struct ir_node *n = node_of(e, r);
    peek(e, n->b);
    peek(e, n->c);
    if (is_const(e, n->b))
        use_reg(e, n->b);
    enum cond cc = emit_condition(e, n->a) ^ (MUTANT(select_inverted) ? 1 : 0);
    struct operand x = use_any(e, n->b);
    e->locked = bit_of(x); /* the condition's operands are done with */
    peek(e, n->c);
    int d = alloc_dest(e, r, bit_of(x));
    if (is_const(e, n->c) && reg_of(e, n->c) == NO_REG) /* not load_into: xor would change the flags */
        asm_mov_imm(&e->a, d, (uint64_t)const_of(e, n->c));
    else
        load_into(e, d, n->c);
    op_any(e, MAP_0F | (0x40 + (unsigned)cc), true, d, x);
    bind(e, r, d);
}

static void emit_minmax(struct emitter *e, ir_ref r) {
    const struct ir_node *n = node_of(e, r);
    enum cond cc = n->op == IR_min                             ? CC_L
                   : n->op == IR_max                           ? CC_G
                   : n->op == IR_minu && !MUTANT(minu_is_maxu) ? CC_B
                                                               : CC_A;
    int x = use_reg(e, n->a), y = use_reg(e, n->b);
    int d = alloc_dest(e, r, 1u << x); /* d = y, then x if x cc y */
    asm_alu_rr(&e->a, ALU_CMP, true, x, y);
    asm_mov(&e->a, true, d, y);
    asm_rr(&e->a, MAP_0F | (0x40 + (unsigned)cc), true, d, x);
    bind(e, r, d);
}

static void emit_extend(struct emitter *e, ir_ref r) {
    const struct ir_node *n = node_of(e, r);
    struct operand o = use_any(e, n->a);
    int d = alloc_dest(e, r, 0);
    switch (n->op) {
    case IR_sext8:
        op_any(e, MAP_0F | OP_BYTE | 0xbe, true, d, o);
        break;
    case IR_sext16:
        op_any(e, MAP_0F | (MUTANT(sext_h_zero) ? 0xb7 : 0xbf), true, d, o);
        break;
    case IR_sext32:
        op_any(e, 0x63, true, d, o);
        break;
    case IR_zext8:
        op_any(e, MAP_0F | OP_BYTE | 0xb6, false, d, o);
        break;
    case IR_zext16:
        op_any(e, MAP_0F | 0xb7, false, d, o);
        break;
    default:
        op_any(e, 0x8b, false, d, o);
        break;
    }
    bind(e, r, d);
}

static void emit_bits(struct emitter *e, ir_ref r) {
    const struct ir_node *n = node_of(e, r);
    bool wide = n->op == IR_clz || n->op == IR_ctz || n->op == IR_cpop || MUTANT(count_wide);
    unsigned op = n->op == IR_clz || n->op == IR_clzw ? 0xbd : n->op == IR_ctz || n->op == IR_ctzw ? 0xbc : 0xb8;
    struct operand o = use_any(e, n->a);
    int d = alloc_dest(e, r, 0);
    if (o.in_memory || o.reg != d)
        asm_alu_rr(&e->a, ALU_XOR, false, d, d); /* these read their destination on many processors */
    op_any(e, OP_F3 | MAP_0F | op, wide, d, o);
    bind(e, r, d);
}

static void emit_unary_in_place(struct emitter *e, ir_ref r) {
    const struct ir_node *n = node_of(e, r);
    peek(e, n->a);
    int d = alloc_dest(e, r, 0);
    load_into(e, d, n->a);
    asm_byte(&e->a, 0x48 | (unsigned)(d >> 3 & 1)); /* bswap */
    asm_byte(&e->a, 0x0f);
    asm_byte(&e->a, 0xc8 | (unsigned)(d & 7));
    bind(e, r, d);
}

static void emit_andn(struct emitter *e, ir_ref r) {
    const struct ir_node *n = node_of(e, r);
    if (has(e, HOST_BMI)) {
        int x = use_reg(e, n->a), y = use_reg(e, n->b);
        int d = alloc_dest(e, r, 0);
        asm_vex_gpr(&e->a, MAP_0F38 | 0xf2, true, d, MUTANT(andn_swapped) ? x : y,
                    MUTANT(andn_swapped) ? y : x); /* andn d, ~y & x */
        bind(e, r, d);
        return;
    }
    peek(e, n->a);
    peek(e, n->b);
    struct operand x = use_any(e, n->a);
    int d = alloc_dest(e, r, bit_of(x));
    load_into(e, d, n->b);
    asm_rr(&e->a, 0xf7, true, 2, d); /* not */
    op_any(e, 0x23, true, d, x);
    bind(e, r, d);
}

struct mem use_address(struct emitter *e, const struct ir_node *n) {
    const struct ir_node *a = node_of(e, n->a);
    int32_t disp = (int32_t)n->imm;
    if (!e->fold[n->a])
        return mem_at(use_reg(e, n->a), disp);
    COVER(address_sum);
    /* a folded sum */
    ir_ref base = a->a, index = a->b;
    int scale = 0;
    if (e->fold[base])
        base = a->b, index = a->a;
    if (e->fold[index]) {
        COVER(address_scaled);
        scale = (int)const_of(e, node_of(e, index)->b);
        index = node_of(e, index)->a;
    }
    int b = use_reg(e, base), i = use_reg(e, index);
    return (struct mem){b, i, scale, disp};
}

static void emit_load(struct emitter *e, ir_ref r) {
    const struct ir_node *n = node_of(e, r);
    struct mem m = use_address(e, n);
    e->is_load = true;
    int d = alloc_dest(e, r, 0);
    e->is_load = false;
    note_fault(e, n);
    switch (n->op) {
    case IR_load_s8:
        asm_rm(&e->a, MAP_0F | 0xbe, true, d, m);
        break;
    case IR_load_u8:
        asm_rm(&e->a, MAP_0F | 0xb6, false, d, m);
        break;
    case IR_load_s16:
        asm_rm(&e->a, MAP_0F | (MUTANT(lh_zero_extended) ? 0xb7 : 0xbf), true, d, m);
        break;
    case IR_load_u16:
        asm_rm(&e->a, MAP_0F | 0xb7, false, d, m);
        break;
    case IR_load_s32:
        asm_rm(&e->a, e->narrow[r] ? 0x8b : 0x63, !e->narrow[r], d, m);
        break;
    case IR_load_u32:
        asm_rm(&e->a, MUTANT(lwu_sign_extended) ? 0x63 : 0x8b, MUTANT(lwu_sign_extended), d, m);
        break;
    default:
        asm_rm(&e->a, 0x8b, true, d, m);
        break;
    }
    bind(e, r, d);
}

static void emit_store(struct emitter *e, ir_ref r) {
    const struct ir_node *n = node_of(e, r);
    struct mem m = use_address(e, n);
    if (const32(e, n->b) && reg_of(e, n->b) == NO_REG) {
        COVER(store_constant);
        uint32_t v = (uint32_t)const_of(e, n->b);
        note_fault(e, n);
        switch (n->op) {
        case IR_store_8:
            asm_rm(&e->a, 0xc6, false, 0, m);
            asm_byte(&e->a, v & 0xff);
            break;
        case IR_store_16:
            asm_rm(&e->a, OP_66 | 0xc7, false, 0, m);
            asm_byte(&e->a, v & 0xff);
            asm_byte(&e->a, v >> 8 & 0xff);
            break;
        default:
            asm_rm(&e->a, 0xc7, n->op == IR_store_64, 0, m);
            asm_u32(&e->a, v);
        }
        return;
    }
    int v = use_reg(e, n->b);
    note_fault(e, n);
    switch (n->op) {
    case IR_store_8:
        asm_rm(&e->a, OP_BYTE | 0x88, false, v, m);
        break;
    case IR_store_16:
        asm_rm(&e->a, MUTANT(sh_stores_word) ? 0x89 : OP_66 | 0x89, false, v, m);
        break;
    default:
        asm_rm(&e->a, 0x89, n->op == IR_store_64, v, m);
        break;
    }
}

/* Whether the node's register may lack the upper half of its value, given that nobody looks at that. */
static bool leaves_dirty(struct emitter *e, const struct ir_node *n) {
    switch (n->op) {
    case IR_and:
    case IR_or:
    case IR_xor:
    case IR_andn:
        return e->dirty[n->a] || e->dirty[n->b];
    case IR_select:
        return e->dirty[n->b] || e->dirty[n->c];
    case IR_add:
    case IR_sub:
    case IR_mul:
    case IR_shl:
    case IR_addw:
    case IR_subw:
    case IR_mulw:
    case IR_shlw:
    case IR_shrw:
    case IR_sarw:
    case IR_rolw:
    case IR_rorw:
    case IR_divw:
    case IR_divuw:
    case IR_remw:
    case IR_remuw:
    case IR_load_s32:
    case IR_amo:
    case IR_cas:
        return true;
    default:
        return false;
    }
}

static void emit_operation(struct emitter *e, ir_ref r);

void emit_int_node(struct emitter *e, ir_ref r) {
    e->dirty[r] = e->narrow[r] && leaves_dirty(e, node_of(e, r));
    emit_operation(e, r);
}

static void emit_operation(struct emitter *e, ir_ref r) {
    switch (node_of(e, r)->op) {
    case IR_add:
        if (!emit_scaled_add(e, r))
            emit_alu(e, r, ALU_ADD, true, true);
        break;
    case IR_addw:
        emit_alu(e, r, ALU_ADD, false, true);
        break;
    case IR_sub:
        emit_alu(e, r, ALU_SUB, true, false);
        break;
    case IR_subw:
        emit_alu(e, r, ALU_SUB, false, false);
        break;
    case IR_and:
        emit_alu(e, r, ALU_AND, true, true);
        break;
    case IR_or:
        emit_alu(e, r, ALU_OR, true, true);
        break;
    case IR_xor:
        emit_alu(e, r, ALU_XOR, true, true);
        break;
    case IR_andn:
        emit_andn(e, r);
        break;
    case IR_shl:
        emit_shift(e, r, SHIFT_SHL, true);
        break;
    case IR_shr:
        emit_shift(e, r, SHIFT_SHR, true);
        break;
    case IR_sar:
        emit_shift(e, r, SHIFT_SAR, true);
        break;
    case IR_rol:
        emit_shift(e, r, SHIFT_ROL, true);
        break;
    case IR_ror:
        emit_shift(e, r, SHIFT_ROR, true);
        break;
    case IR_shlw:
        emit_shift(e, r, SHIFT_SHL, false);
        break;
    case IR_shrw:
        emit_shift(e, r, SHIFT_SHR, false);
        break;
    case IR_sarw:
        emit_shift(e, r, SHIFT_SAR, false);
        break;
    case IR_rolw:
        emit_shift(e, r, SHIFT_ROL, false);
        break;
    case IR_rorw:
        emit_shift(e, r, SHIFT_ROR, false);
        break;
    case IR_mul:
        emit_mul(e, r, true);
        break;
    case IR_mulw:
        emit_mul(e, r, false);
        break;
    case IR_mulh:
    case IR_mulhu:
    case IR_mulhsu:
        emit_mulh(e, r);
        break;
    case IR_div:
    case IR_divu:
    case IR_rem:
    case IR_remu:
    case IR_divw:
    case IR_divuw:
    case IR_remw:
    case IR_remuw:
        emit_div(e, r);
        break;
    case IR_eq:
    case IR_ne:
    case IR_lt:
    case IR_ge:
    case IR_ltu:
    case IR_geu:
        emit_compare(e, r);
        break;
    case IR_min:
    case IR_max:
    case IR_minu:
    case IR_maxu:
        emit_minmax(e, r);
        break;
    case IR_select:
        emit_select(e, r);
        break;
    case IR_clz:
    case IR_ctz:
    case IR_cpop:
    case IR_clzw:
    case IR_ctzw:
    case IR_cpopw:
        if (has(e, HOST_BMI))
            emit_bits(e, r);
        else
            emit_call_node(e, r);
        break;
    case IR_rev8:
        emit_unary_in_place(e, r);
        break;
    case IR_orcb:
    case IR_clmul:
    case IR_clmulh:
    case IR_brev8:
    case IR_xperm8:
    case IR_xperm4:
    case IR_aes64es:
    case IR_aes64esm:
    case IR_aes64ds:
    case IR_aes64dsm:
    case IR_aes64im:
    case IR_aes_sub:
        emit_vector_node(e, r);
        break;
    case IR_sext8:
    case IR_sext16:
    case IR_sext32:
    case IR_zext8:
    case IR_zext16:
    case IR_zext32:
        emit_extend(e, r);
        break;
    case IR_tlb_r8:
    case IR_tlb_r16:
    case IR_tlb_r32:
    case IR_tlb_r64:
    case IR_tlb_w8:
    case IR_tlb_w16:
    case IR_tlb_w32:
    case IR_tlb_w64:
    case IR_tlb_fw32:
    case IR_tlb_fw64:
    case IR_tlb_l32:
    case IR_tlb_l64:
    case IR_tlb_a32:
    case IR_tlb_a64:
        emit_tlb(e, r);
        break;
    case IR_load_s8:
    case IR_load_u8:
    case IR_load_s16:
    case IR_load_u16:
    case IR_load_s32:
    case IR_load_u32:
    case IR_load_64:
        emit_load(e, r);
        break;
    case IR_store_8:
    case IR_store_16:
    case IR_store_32:
    case IR_store_64:
        emit_store(e, r);
        break;
    case IR_amo:
    case IR_cas:
    case IR_cas_sc:
    case IR_cas_arg:
    case IR_cas_16:
    case IR_cas_high:
    case IR_check_align:
    case IR_fence:
        emit_atomic_node(e, r);
        break;
    default:
        e->failed = true;
    }
}
