/* emit_exit.c: exits of a block, and the cold code behind its end. */
#include "emitter.h"

#include <string.h>

void note_fault(struct emitter *e, const struct ir_node *n) {
    if (e->fault_count == MAX_FAULTS) {
        e->failed = true;
        return;
    }
    struct fault_entry *f = &e->faults[e->fault_count++];
    places_note(e);
    *f = (struct fault_entry){asm_offset(&e->a), n->pc, 0xffff, e->log_count, n->insn};
    if (!(e->fix.canon_d | e->fix.canon_s | e->fix.box | e->fix.saved) || MUTANT(fault_leaves_unfinished))
        return;
    const struct fault_fix *last = e->fix_count ? &e->fixes[e->fix_count - 1] : NULL;
    if (!last || last->canon_d != e->fix.canon_d || last->canon_s != e->fix.canon_s || last->box != e->fix.box ||
        last->saved != e->fix.saved)
        e->fixes[e->fix_count++] = e->fix;
    COVER(fault_with_unfinished_registers);
    f->fix = (uint16_t)(e->fix_count - 1);
}

/* Instructions of the block that are not executed where it is left at n. */
static unsigned not_executed(const struct emitter *e, const struct ir_node *n, bool including) {
    unsigned done = n->insn + (including ? 1u : 0u);
    return e->be->counted && done < e->b->insns ? e->b->insns - done : 0;
}

static void give_back(struct emitter *e, unsigned insns) {
    if (insns)
        asm_alu_mi(&e->a, ALU_ADD, true, HART(count_left), (int32_t)insns);
}

struct cold *add_cold(struct emitter *e, enum cold_kind kind) {
    if (e->cold_count == MAX_COLD) {
        e->failed = true;
        return &e->cold[0];
    }
    struct cold *c = &e->cold[e->cold_count++];
    *c = (struct cold){
        .kind = (uint8_t)kind, .reg = NO_REG, .reg2 = NO_REG, .reg3 = NO_REG, .result = NO_REG, .fix = e->fix};
    if (kind <= COLD_TRAP)
        c->give_back = (uint16_t)not_executed(e, node_of(e, e->current), false);
    if (kind <= COLD_EXIT)
        c->moves = places_keep(e, e->be->home_x, 0);
    return c;
}

void add_exit(struct emitter *e, uint32_t patch, uint64_t target) {
    if (e->exit_count == MAX_EXITS) {
        e->failed = true;
        return;
    }
    /* where another page is mapped may change, and an instruction may lie on this one and the next: such an exit is
     * never linked */
    bool away = e->board && ((target ^ e->b->pc) >= 4096 || (target & 4095) == PAGE_LAST_HALF);
    e->exits[e->exit_count] = (struct cc_exit){.patch = patch, .target = {target, away ? MODE_NONE : e->mode}};
    struct cold *c = add_cold(e, COLD_STUB);
    c->from[0] = patch;
    c->aux = (uint16_t)e->exit_count++;
    c->imm = (int64_t)target;
}

void change_f_homes(struct emitter *e, bool into_loop) {
    for (unsigned i = 0; i < 32; i++) { /* first what has to go to memory, then what comes from there */
        int usual = e->be->home_f[i], here = e->home_f[i], from = into_loop ? usual : here;
        if (usual != here && from != NO_REG)
            fp_store(e, true, hart_f(i), from);
    }
    for (unsigned i = 0; i < 32; i++) {
        int usual = e->be->home_f[i], here = e->home_f[i], to = into_loop ? here : usual;
        if (usual != here && to != NO_REG && !MUTANT(loop_float_homes))
            fp_load(e, true, to, hart_f(i));
    }
}

/* Whether leaving this section needs code. */
static bool leaving_is_work(struct emitter *e) {
    struct reg_place list[33];
    return e->fix.canon_d | e->fix.canon_s | e->fix.box || memcmp(e->be->home_f, e->home_f, sizeof e->home_f) ||
           places_collect(e, e->be->home_x, 0, list);
}

void emit_fix(struct emitter *e, struct fault_fix fix) {
    for (int i = 0; i < 32; i++) {
        int home = e->home_f[i];
        uint32_t bit = 1u << i;
        if (fix.canon_d & bit)
            canon_register(e, home, true);
        if (fix.canon_s & bit)
            canon_register(e, home, false);
        if (fix.box & bit && !MUTANT(box_lost))
            asm_fp_rm(&e->a, has(e, HOST_AVX), MAP_0F | 0x56, false, home, home, hart_pool(POOL_BOX));
    }
}

static void finish_homes(struct emitter *e) {
    emit_fix(e, e->fix);
    e->fix = (struct fault_fix){0};
}

void store_pc(struct emitter *e, uint64_t pc) {
    if ((int64_t)pc == (int32_t)pc) {
        asm_rm(&e->a, 0xc7, true, 0, HART(pc));
        asm_u32(&e->a, (uint32_t)pc);
    } else {
        asm_mov_imm(&e->a, RAX, pc);
        asm_rm(&e->a, 0x89, true, RAX, HART(pc));
    }
}

void emit_leave(struct emitter *e, enum leave_reason reason, uint64_t pc) {
    store_pc(e, pc);
    asm_mov_imm(&e->a, RAX, reason);
    asm_jmp_mem(&e->a, HART(leave_stub));
}

void count_insns(struct emitter *e, const struct ir_node *n, bool including) {
    unsigned done = n->insn + (including ? 1u : 0u);
    if (done > e->b->insns) /* the exit of a block that ends for its length is no instruction's */
        done = e->b->insns;
    if (!e->be->stats || done <= e->counted)
        return;
    asm_alu_mi(&e->a, ALU_ADD, true, HART(stat[0]), (int32_t)(done - e->counted));
    e->counted = done;
}

/* Takes instructions of the next round; where there are not as many it leaves at pc, with those and more given back. */
static void take_count(struct emitter *e, unsigned insns, uint64_t pc, unsigned more) {
    asm_alu_mi(&e->a, ALU_SUB, true, HART(count_left), (int32_t)insns);
    struct cold *c = add_cold(e, COLD_LEAVE);
    c->from[0] = asm_jcc32(&e->a, CC_B);
    c->aux = BACK_COUNT_END;
    c->imm = (int64_t)pc;
    c->give_back = (uint16_t)(insns + more);
}

void emit_count(struct emitter *e) {
    e->current = 0;
    take_count(e, e->b->insns, e->b->pc, 0);
}

/* Leaves at pc if something waits: at jumps that go backward, so that no loop is without it. */
static void poll(struct emitter *e, uint64_t pc) {
    if (MUTANT(poll_lost))
        return;
    if (e->b->recorded || e->be->counted) /* it polls where it begins, or leaves when the count ends */
        return;
    asm_alu_mi(&e->a, ALU_CMP, false, HART(pending), 0);
    struct cold *c = add_cold(e, COLD_POLL);
    c->from[0] = asm_jcc32(&e->a, CC_NE);
    c->imm = (int64_t)pc;
}

/* Whether the current node is the branch that makes the block a loop: the last conditional exit. */
static bool is_last_exit(const struct emitter *e) {
    for (unsigned i = e->current + 1; i < e->b->count; i++)
        if (!e->b->nodes[i].dead && e->b->nodes[i].op == IR_exit_if)
            return false;
    for (unsigned i = e->current + 1; i < e->b->count; i++) /* an unconditional jump to the start is the one then */
        if (!e->b->nodes[i].dead && e->b->nodes[i].op == IR_exit && (uint64_t)e->b->nodes[i].imm == e->b->pc)
            return false;
    return true;
}

/* The jump back to the block's own start: into the loop section, or inside it to its head. */
static void emit_back_edge(struct emitter *e, int cc) {
    if (e->in_loop) {
        struct reg_place list[33];
        unsigned n = places_collect(e, e->loop_home_x, e->head_dirty, list);
        emit_moves(e, list, n, e->loop_home_x, 0);
        e->at_head = true;
        struct fault_fix fix = {e->fix.canon_d & ~e->loop_fix.canon_d, e->fix.canon_s & ~e->loop_fix.canon_s,
                                e->fix.box & ~e->loop_fix.box, 0};
        uint32_t skip = 0;
        if (fix.canon_d | fix.canon_s | fix.box) {
            COVER(back_edge_finishes);
            if (cc >= 0)
                skip = asm_jcc32(&e->a, (enum cond)(cc ^ 1));
            emit_fix(e, fix);
            cc = -1;
        }
        asm_patch32(&e->a, cc >= 0 ? asm_jcc32(&e->a, (enum cond)cc) : asm_jmp32(&e->a), e->loop_head);
        if (skip)
            asm_patch_here(&e->a, skip);
        return;
    }
    COVER(enter_loop);
    e->loop_fix = e->fix;
    e->loop_entry_count = places_collect(e, e->loop_home_x, 0, e->loop_entry_moves);
    e->loop_entry = cc >= 0 ? asm_jcc32(&e->a, (enum cond)cc) : asm_jmp32(&e->a);
}

static void emit_exit_if(struct emitter *e, const struct ir_node *n) {
    uint64_t pc = e->b->pc + n->pc, target = (uint64_t)n->imm;
    bool back_edge = e->is_loop && target == e->b->pc && is_last_exit(e);
    if (!e->in_loop && !back_edge)
        places_settle(e);
    if (target <= pc) {
        if (!back_edge)
            finish_homes(e);
        poll(e, pc);
    }
    unsigned rest = not_executed(e, n, true);
    if (back_edge && e->be->counted)
        take_count(e, e->b->insns - rest, pc, 1); /* the branch itself is done again */
    if (back_edge && e->in_loop)
        places_compute(e);
    enum cond cc = emit_condition(e, n->a);
    if (back_edge) {
        emit_back_edge(e, (int)cc);
        if (e->be->counted) /* the round that does not take place, but what follows the branch */
            give_back(e, e->b->insns - rest);
        return;
    }
    if (rest || leaving_is_work(e)) {
        struct cold *c = add_cold(e, COLD_EXIT);
        c->from[0] = asm_jcc32(&e->a, cc);
        c->imm = (int64_t)target;
        c->give_back = (uint16_t)rest;
    } else {
        COVER(side_exit_direct);
        add_exit(e, asm_jcc32_patchable(&e->a, cc), MUTANT(side_exit_elsewhere) ? pc : target);
    }
}

static void push_return(struct emitter *e, uint64_t pc, int temp) {
    if ((int64_t)pc == (int32_t)pc) {
        asm_byte(&e->a, 0x68);
        asm_u32(&e->a, (uint32_t)pc);
    } else {
        asm_mov_imm(&e->a, temp, pc);
        asm_push(&e->a, temp);
    }
}

/* What the host's return comes back to: drop the guest's return address, go on behind the call. */
static void emit_return_point(struct emitter *e, uint64_t pc) {
    asm_rm(&e->a, 0x8d, true, RSP, mem_at(RSP, 8));
    add_exit(e, asm_jmp32_patchable(&e->a), pc);
}

/* rcx, rdx: where the jump cache's entry for the target in reg is; the flags tell whether it is that target's. */
static struct mem probe(struct emitter *e, int reg) {
    asm_mov(&e->a, false, RCX, reg);
    asm_alu_ri(&e->a, ALU_AND, false, RCX, 0x1ffe);
    asm_rm(&e->a, 0x8b, true, RDX, HART(jump_cache));
    asm_rm(&e->a, 0x3b, true, reg, (struct mem){RDX, RCX, 3, 0});
    return (struct mem){RDX, RCX, 3, 8};
}

/* An inline cache of one target, filled from what the interpreter saw: a computed jump to it is a direct one. */
static void emit_likely(struct emitter *e, const struct ir_node *n, int t) {
    uint64_t target = (uint64_t)n->imm;
    if ((int64_t)target == (int32_t)target) {
        asm_alu_ri(&e->a, ALU_CMP, true, t, (int32_t)target);
    } else {
        asm_mov_imm(&e->a, RCX, target);
        asm_alu_rr(&e->a, ALU_CMP, true, t, RCX);
    }
    uint32_t other = asm_jcc32(&e->a, MUTANT(likely_inverted) ? CC_E : CC_NE);
    COVER(likely_target);
    if (target <= e->b->pc + n->pc)
        poll(e, target);
    if (n->op == IR_exit_call_likely) {
        push_return(e, (uint64_t)n->imm2, RCX);
        add_exit(e, asm_call32_patchable(&e->a), target);
        emit_return_point(e, (uint64_t)n->imm2);
    } else {
        add_exit(e, asm_jmp32_patchable(&e->a), target);
    }
    asm_patch_here(&e->a, other);
}

/* masked: bit 0 is to be cleared; the jump cache has no address with bit 0 set. */
static void emit_indirect(struct emitter *e, const struct ir_node *n, bool masked, int t) {
    if (t == RCX || t == RDX) {
        asm_mov(&e->a, true, RAX, t);
        t = RAX;
    }
    bool is_call = n->op == IR_exit_call_reg || n->op == IR_exit_call_likely;
    if (n->op == IR_exit_likely || n->op == IR_exit_call_likely)
        emit_likely(e, n, t);
    if (is_call)
        push_return(e, (uint64_t)n->imm2, RCX);
    struct mem entry = probe(e, t);
    struct cold *c = add_cold(e, is_call ? COLD_LOOKUP_CALL : COLD_LOOKUP);
    c->from[0] = asm_jcc32(&e->a, CC_NE);
    c->reg = (int8_t)t;
    c->masked = masked;
    if (is_call) {
        asm_call_mem(&e->a, entry);
        c->back = asm_offset(&e->a);
        emit_return_point(e, (uint64_t)n->imm2);
    } else {
        asm_jmp_mem(&e->a, entry);
    }
}

/* masked: with bit 0 cleared; what was pushed has it clear */
static void emit_return(struct emitter *e, bool masked, int t) {
    asm_rm(&e->a, 0x3b, true, t, mem_at(RSP, 8));
    struct cold *c = add_cold(e, COLD_RET);
    c->from[0] = asm_jcc32(&e->a, CC_NE);
    c->reg = (int8_t)t;
    c->masked = masked;
    asm_byte(&e->a, 0xc3);
}

static void emit_trap(struct emitter *e, unsigned cause) {
    asm_rm(&e->a, 0xc7, false, 0, HART(trap.cause));
    asm_u32(&e->a, cause);
    asm_rm(&e->a, 0xc7, false, 0, HART(trap.host_signal));
    asm_u32(&e->a, 0);
}

void emit_exit_node(struct emitter *e, ir_ref r) {
    const struct ir_node *n = node_of(e, r);
    uint64_t pc = e->b->pc + n->pc, target = (uint64_t)n->imm;
    bool including = n->op == IR_exit_system
                         ? n->aux != DO_FS_DIRTY
                         : n->op != IR_exit_engine || n->aux == LEAVE_FENCE_I || n->aux == LEAVE_MODE;
    count_insns(e, n, including);
    if (n->op == IR_exit_if) {
        emit_exit_if(e, n);
        return;
    }
    if (n->op == IR_exit && e->is_loop && target == e->b->pc) {
        poll(e, target);
        if (e->be->counted)
            take_count(e, e->b->insns - not_executed(e, n, true), target, 0);
        if (e->in_loop)
            places_compute(e);
        emit_back_edge(e, -1);
        return;
    }
    finish_homes(e);
    give_back(e, not_executed(e, n, including && n->op != IR_exit_trap));
    bool masked = n->a != IR_NONE && e->fold[n->a]; /* the target's bit 0 is to be cleared */
    ir_ref needed = masked ? node_of(e, n->a)->a : n->a;
    if (n->op == IR_exit_system && ir_is_const(e->b, n->a))
        needed = IR_NONE;
    int t = places_leave(e, needed);
    if (e->in_loop)
        change_f_homes(e, false);
    switch (n->op) {
    case IR_exit:
        COVER(leave_exit);
        if (target <= pc)
            poll(e, target);
        add_exit(e, asm_jmp32_patchable(&e->a), target);
        break;
    case IR_exit_call:
        COVER(leave_exit_call);
        if (target <= pc)
            poll(e, target);
        push_return(e, (uint64_t)n->imm2, RAX);
        add_exit(e, asm_call32_patchable(&e->a), target);
        emit_return_point(e, (uint64_t)n->imm2);
        break;
    case IR_exit_reg:
    case IR_exit_call_reg:
    case IR_exit_likely:
    case IR_exit_call_likely:
        COVER(leave_exit_call_reg);
        emit_indirect(e, n, masked, t);
        break;
    case IR_exit_ret:
        COVER(leave_exit_ret);
        emit_return(e, masked, t);
        break;
    case IR_exit_trap:
        COVER(leave_exit_trap);
        emit_trap(e, n->aux);
        asm_mov_imm(&e->a, RAX, (uint64_t)n->imm2);
        asm_rm(&e->a, 0x89, true, RAX, HART(trap.tval));
        emit_leave(e, BACK_TRAP, pc);
        break;
    case IR_exit_system:
        COVER(leave_exit_system);
        emit_exit_system(e, n, t);
        break;
    case IR_exit_engine: {
        static const uint8_t reasons[] = {[LEAVE_FENCE_I] = BACK_FENCE_I,
                                          [LEAVE_EXCLUSIVE] = BACK_EXCLUSIVE,
                                          [LEAVE_INTERPRET] = BACK_INTERPRET,
                                          [LEAVE_MODE] = BACK_MODE};
        emit_leave(e, reasons[n->aux], target);
        break;
    }
    default:
        e->failed = true;
    }
}

/* Division by 0 and by -1: dividend in rax; quotient to rax or remainder to rdx. */
static void emit_cold_div(struct emitter *e, const struct cold *c) {
    bool remainder = c->aux == IR_rem || c->aux == IR_remu || c->aux == IR_remw || c->aux == IR_remuw;
    bool is_signed = c->aux == IR_div || c->aux == IR_rem || c->aux == IR_divw || c->aux == IR_remw;
    uint32_t zero = 0;
    if (is_signed) {
        COVER(cold_div_signed);
        asm_rr(&e->a, 0x85, c->wide, c->reg, c->reg);
        zero = asm_jcc32(&e->a, CC_E);
        if (remainder)
            asm_alu_rr(&e->a, ALU_XOR, false, RDX, RDX);
        else
            asm_rr(&e->a, 0xf7, c->wide, MUTANT(div_overflow) ? 2 : 3, RAX); /* neg */
        asm_patch32(&e->a, asm_jmp32(&e->a), c->back);
        asm_patch_here(&e->a, zero);
    }
    if (remainder)
        asm_mov(&e->a, !MUTANT(rem_by_zero), RDX, RAX);
    else
        asm_mov_imm(&e->a, RAX, MUTANT(div_by_zero) ? 0 : ~0ull);
    asm_patch32(&e->a, asm_jmp32(&e->a), c->back);
}

/* Finishes registers and brings them to their usual homes, before control leaves the section. */
static void leave_section(struct emitter *e, const struct cold *c) {
    give_back(e, c->give_back);
    emit_fix(e, c->fix);
    emit_moves(e, &e->moves[c->moves.start], c->moves.count, e->be->home_x, 0);
    if (e->in_loop)
        change_f_homes(e, false);
}

/* The target of a computed jump in rax. */
static void load_target(struct emitter *e, const struct cold *c) {
    asm_mov(&e->a, true, RAX, c->reg);
    if (c->masked)
        asm_alu_ri(&e->a, ALU_AND, true, RAX, -2);
}

static void emit_one_cold(struct emitter *e, struct cold *c) {
    switch (c->kind) {
    case COLD_POLL:
        COVER(cold_poll);
        leave_section(e, c);
        emit_leave(e, BACK_POLL, (uint64_t)c->imm);
        break;
    case COLD_LEAVE:
        COVER(cold_leave);
        leave_section(e, c);
        emit_leave(e, (enum leave_reason)c->aux, (uint64_t)c->imm);
        break;
    case COLD_TRAP:
        COVER(cold_trap);
        asm_rm(&e->a, 0x89, !MUTANT(trap_value_narrow), MUTANT(trap_value_narrow) ? RSP : c->reg, HART(trap.tval));
        leave_section(e, c);
        emit_trap(e, c->aux);
        emit_leave(e, BACK_TRAP, (uint64_t)c->imm);
        break;
    case COLD_EXIT:
        COVER(cold_exit);
        leave_section(e, c);
        add_exit(e, asm_jmp32_patchable(&e->a), (uint64_t)c->imm);
        break;
    case COLD_CANON:
        COVER(cold_canon);
        fp_load(e, !c->aux, c->reg, hart_pool(c->aux ? POOL_CANON_S : POOL_CANON_D));
        asm_patch32(&e->a, asm_jmp32(&e->a), c->back);
        break;
    case COLD_RESTORE_FPCR:
        COVER(cold_restore_fpcr);
        asm_rm(&e->a, MAP_0F | 0xae, false, 2, HART(host_fpcr));
        asm_patch32(&e->a, asm_jmp32(&e->a), c->back);
        break;
    case COLD_DIV:
        COVER(cold_div);
        emit_cold_div(e, c);
        break;
    case COLD_CALL:
        COVER(cold_call);
        emit_cold_call(e, c);
        break;
    case COLD_RET:
        COVER(cold_ret);
        load_target(e, c);
        asm_rm(&e->a, 0x8b, true, RSP, HART(return_top));
        asm_jmp_mem(&e->a, HART(lookup_stub));
        break;
    case COLD_TLB:
        COVER(cold_tlb);
        emit_cold_tlb(e, c);
        break;
    case COLD_STUB:
        COVER(cold_stub);
        e->exits[c->aux].stub = asm_offset(&e->a);
        if (e->exits[c->aux].target.mode == MODE_NONE) {
            asm_mov_imm(&e->a, RAX, (uint64_t)c->imm);
            asm_jmp_mem(&e->a, HART(lookup_stub));
            break;
        }
        emit_leave(e, BACK_DIRECT, (uint64_t)c->imm);
        break;
    case COLD_LOOKUP:
        COVER(cold_lookup);
        load_target(e, c);
        asm_jmp_mem(&e->a, HART(lookup_stub));
        break;
    case COLD_LOOKUP_CALL:
        COVER(cold_lookup_call);
        load_target(e, c);
        asm_call_mem(&e->a, HART(lookup_stub));
        asm_patch32(&e->a, asm_jmp32(&e->a), c->back);
        break;
    }
}

void emit_cold(struct emitter *e) {
    for (unsigned i = 0; i < e->cold_count && !e->failed; i++) { /* the list grows on the way */
        struct cold c = e->cold[i];
        for (int k = 0; k < 2; k++)
            if (c.from[k])
                asm_patch_here(&e->a, c.from[k]);
        emit_one_cold(e, &c);
    }
}
