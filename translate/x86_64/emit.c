/* emit.c: the walk over a block's nodes. */
#include <stdlib.h>
#include <string.h>

#include "emitter.h"

/* Operands keep their registers while the node is emitted, also those that are used for the last time. */
static void lock_operands(struct emitter *e, const struct ir_node *n) {
    const ir_ref ops[3] = {n->a, n->b, n->c};
    for (int i = 0; i < 3; i++) {
        if (ops[i] == IR_NONE)
            continue;
        if (e->fold[ops[i]])
            lock_operands(e, node_of(e, ops[i]));
        else if (e->reg[ops[i]] != NO_REG)
            *(ir_ops[node_of(e, ops[i])->op].result == 'F' ? &e->locked_xmm : &e->locked) |= 1u << e->reg[ops[i]];
    }
}

/* Whether every use of an f register's entry value reads it as a single. */
static bool only_unboxed(struct emitter *e, ir_ref r) {
    for (unsigned i = r + 1u; i < e->b->count; i++) {
        const struct ir_node *n = &e->b->nodes[i];
        if (!n->dead && n->op != IR_f_unbox_s && n->op != IR_f_unbox_any_s && (n->a == r || n->b == r || n->c == r))
            return false;
    }
    return true;
}

/* At a loop's head homes may hold values that are not finished. */
static void inherit_state(struct emitter *e, ir_ref r) {
    unsigned f = (unsigned)node_of(e, r)->imm;
    uint32_t bit = 1u << f;
    if ((e->fix.box & bit) && !only_unboxed(e, r)) {
        COVER(loop_head_boxes);
        struct fault_fix now = {e->fix.canon_d & bit, e->fix.canon_s & bit, bit, 0};
        emit_fix(e, now);
        e->fix.canon_d &= ~bit;
        e->fix.canon_s &= ~bit;
        e->fix.box &= ~bit;
    }
    e->is_single[r] = (e->fix.box & bit) != 0;
    e->maybe_nan[r] = e->fix.canon_d & bit ? 1 : e->fix.canon_s & bit ? 2 : 0;
}

static void emit_node(struct emitter *e, ir_ref r) {
    const struct ir_node *n = node_of(e, r);
    switch (n->op) {
    case IR_const:
        return;
    case IR_get: /* places_init */
        return;
    case IR_fget: {
        int home = e->home_f[n->imm];
        if (home == NO_REG)
            e->mem_f[n->imm] = r;
        else
            bind_xmm(e, r, home);
        if (e->in_loop)
            inherit_state(e, r);
        return;
    }
    default:
        break;
    }
    e->current = r;
    e->locked = e->locked_xmm = 0;
    lock_operands(e, n);
    consume(e, n);
    if (e->lazy[r]) {
        e->pins[n->a]++; /* until places.c lets go */
        return;
    }
    switch (n->op) {
    case IR_set:
        emit_set(e, n);
        return;
    case IR_fset:
    case IR_fset_s:
        emit_fset(e, n);
        return;
    case IR_call:
    case IR_csr:
        emit_call_node(e, r);
        return;
    case IR_sys_csr:
    case IR_sys_cbo:
    case IR_check_code:
    case IR_poll:
        emit_system_node(e, r);
        return;
    case IR_record_begin:
    case IR_record_open:
    case IR_record:
    case IR_record_f:
    case IR_record_fs:
    case IR_record_end:
        emit_record_node(e, r);
        return;
    default:
        break;
    }
    COVER_OP(n->op, e->in_loop);
    if (ir_ops[n->op].kind == IRK_EXIT)
        emit_exit_node(e, r);
    else if ((n->op >= IR_fload_s && n->op < IR_call) || n->op == IR_fflags || n->op == IR_set_fflags)
        emit_fp_node(e, r);
    else
        emit_int_node(e, r);
}

size_t block_info_lay_out(struct block_info *info) {
    char *p = (char *)info + offsetof(struct block_info, consts) + info->const_count * sizeof *info->consts;
    info->faults = (struct fault_entry *)p;
    p += info->fault_count * sizeof *info->faults;
    info->fixes = (struct fault_fix *)p;
    p += info->fix_count * sizeof *info->fixes;
    info->log = (struct reg_place *)p;
    p += info->log_count * sizeof *info->log;
    info->changes = (struct reg_change *)p;
    p += info->change_count * sizeof *info->changes;
    return (size_t)(p - (char *)info);
}

static struct block_info *make_info(const struct emitter *e) {
    struct block_info head = {.pc = e->b->pc,
                              .fault_count = e->fault_count,
                              .fix_count = e->fix_count,
                              .const_count = e->const_count,
                              .change_count = e->change_count,
                              .log_count = e->log_count,
                              .loop_log = e->loop_log,
                              .watched = true,
                              .insns = e->b->insns};
    struct block_info *info = malloc(block_info_lay_out(&head));
    if (!info)
        return NULL;
    *info = head;
    block_info_lay_out(info);
    memcpy(info->consts, e->consts, e->const_count * sizeof *e->consts);
    memcpy(info->faults, e->faults, e->fault_count * sizeof *e->faults);
    memcpy(info->fixes, e->fixes, e->fix_count * sizeof *e->fixes);
    memcpy(info->log, e->log, e->log_count * sizeof *e->log);
    memcpy(info->changes, e->changes, e->change_count * sizeof *e->changes);
    return info;
}

static void emit_section(struct emitter *e) {
    prepare_section(e);
    regs_init(e);
    places_init(e);
    if (e->be->counted && !e->in_loop)
        emit_count(e);
    for (unsigned i = 0; i < e->b->count && !e->failed; i++) {
        if (!e->b->nodes[i].dead && !e->fold[i])
            emit_node(e, (ir_ref)i);
        if (e->release[i])
            places_release(e, e->release[i]);
    }
    emit_cold(e);
    e->cold_count = 0;
    e->move_count = 0;
}

/* Twice, for a loop; a node's code with its cold part is below 64 bytes on the average, finishing registers at an exit
 * apart. */
size_t backend_room(const struct ir_block *b) {
    size_t room = 8192 + (size_t)b->count * 192;
    return room < 96 * 1024 ? room : 96 * 1024;
}

bool backend_emit(struct backend *be, struct ir_block *b, uint64_t mode, uint8_t *writable, const uint8_t *executable,
                  size_t room, struct emitted *out) {
    struct emitter *e = be->emitter;
    e->a = (struct assembler){writable, writable, writable + room, false};
    e->be = be;
    e->b = b;
    e->mode = mode;
    e->board = be->board;
    e->fix = (struct fault_fix){0};
    e->counted = 0;
    e->exit_count = e->cold_count = e->fault_count = e->fix_count = 0;
    e->failed = false;
    e->move_count = e->log_count = e->loop_log = 0;
    e->const_count = e->change_count = 0;
    if (b->count + 32 > IR_MAX_NODES)
        return false;
    e->in_loop = false;
    prepare_block(e);
    emit_section(e);
    uint32_t loop_start = asm_offset(&e->a), landing = 0;
    if (e->is_loop && !e->failed) {
        COVER(loop_section);
        asm_patch_here(&e->a, e->loop_entry);
        e->in_loop = true;
        e->counted = 0;
        e->loop_log = e->log_count;
        emit_moves(e, e->loop_entry_moves, e->loop_entry_count, e->loop_home_x, 0);
        memcpy(e->home_x, e->loop_home_x, sizeof e->home_x);
        memcpy(e->home_f, e->loop_home_f, sizeof e->home_f);
        change_f_homes(e, true);
        e->loop_head = asm_offset(&e->a);
        e->fix = e->loop_fix;
        emit_section(e);
        landing = asm_offset(&e->a);
        change_f_homes(e, false);
        asm_mov_imm(&e->a, RAX, BACK_FAULT);
        asm_jmp_mem(&e->a, HART(leave_stub));
    }
    if (e->failed || e->a.overflow)
        return false;
    *out = (struct emitted){
        .size = asm_offset(&e->a), .exit_count = e->exit_count, .exits = e->exits, .info = make_info(e)};
    if (out->info) {
        out->info->loop_start = loop_start;
        out->info->landing = landing;
    }
    return out->info != NULL;
}
