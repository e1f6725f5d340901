/* places.c: where the guest's x registers are while a block runs.
 *
 * A set emits nothing: it says whose value the register has from there on (arch[]).  The value itself is wherever the
 * allocation keeps it, and what the guest would see is put together only where somebody looks: moves on the way out of
 * the block, and for faults a log that tells the handler, from change to change, where each register is:
 *
 *      set t0, %7        arch[t0] = %7, which is in rcx          load    fault: t0 is in rcx
 *      set t0, %9        arch[t0] = %9, %7 is forgotten          exit    mov [rbp+..], register of %9
 *
 * A register that is written again before anybody can look is released behind the last node that could (release[]).
 */
#include "emitter.h"

#include <string.h>
#include <ucontext.h>

enum { IR_RELEASED = IR_NONE - 1 };

static void unpin(struct emitter *e, unsigned r) {
    ir_ref v = e->arch[r];
    if (v >= IR_RELEASED || --e->pins[v] || e->left[v] || !e->lazy[v])
        return;
    e->pins[node_of(e, v)->a]--;
    e->lazy[v] = 0;
}

void places_init(struct emitter *e) {
    memset(e->arch, 0xff, sizeof e->arch);
    memset(e->last_place, 0, sizeof e->last_place);
    e->sign_extend = 0;
    e->at_head = false;
    e->free_gprs = TEMP_GPRS;
    for (unsigned r = 1; r < 32; r++) {
        if (!(e->tracked >> r & 1))
            continue;
        ir_ref v = e->entry[r];
        if (e->in_loop && e->derived[r]) {
            v = e->derived_from[r];
            e->pins[node_of(e, v)->a]++;
        }
        e->arch[r] = v;
        e->pins[v]++;
        if (e->be->home_x[r] != NO_REG)
            e->free_gprs |= 1u << e->be->home_x[r];
        if (e->lazy[v])
            continue;
        if (e->home_x[r] != NO_REG)
            bind(e, v, e->home_x[r]);
        else
            e->mem_x[r] = v;
        if (e->in_loop)
            e->dirty[v] = e->head_dirty >> r & 1;
    }
    places_release(e, e->release_start);
}

void places_release(struct emitter *e, uint32_t registers) {
    for (unsigned r = 1; r < 32 && registers >> r; r++)
        if (registers >> r & 1) {
            unpin(e, r);
            e->arch[r] = IR_RELEASED;
        }
}

void emit_set(struct emitter *e, const struct ir_node *n) {
    unsigned r = (unsigned)n->imm;
    unpin(e, r);
    e->arch[r] = n->a;
    e->pins[n->a]++;
    e->sign_extend &= ~(1u << r);
    e->sign_extend |= (uint32_t)(n->aux & 1) << r;
}

static uint8_t constant(struct emitter *e, int64_t value) {
    for (unsigned i = e->const_count; i-- > 0;)
        if (e->consts[i] == value)
            return (uint8_t)i;
    if (e->const_count == MAX_CONSTS) {
        e->failed = true;
        return 0;
    }
    e->consts[e->const_count] = value;
    return (uint8_t)e->const_count++;
}

static uint8_t change_of(struct emitter *e, const struct ir_node *n) {
    struct reg_change c = {n->op, (uint8_t)node_of(e, n->b)->imm};
    for (unsigned i = e->change_count; i-- > 0;)
        if (e->changes[i].op == c.op && e->changes[i].operand == c.operand)
            return (uint8_t)(CHANGE_FIRST + i);
    if (CHANGE_FIRST + e->change_count == MAX_CONSTS) {
        e->failed = true;
        return 0;
    }
    e->changes[e->change_count] = c;
    return (uint8_t)(CHANGE_FIRST + e->change_count++);
}

/* Where a value is. */
static struct reg_place place_of(struct emitter *e, ir_ref v) {
    if (node_of(e, v)->op == IR_const)
        return (struct reg_place){.kind = PLACE_CONST, .index = constant(e, node_of(e, v)->imm)};
    if (e->reg[v] != NO_REG)
        return (struct reg_place){.kind = PLACE_REG, .index = (uint8_t)e->reg[v]};
    for (unsigned i = 1; i < 32; i++)
        if (e->mem_x[i] == v)
            return (struct reg_place){.kind = PLACE_HART, .index = (uint8_t)i};
    if (e->slot[v] < 0)
        e->failed = true;
    return (struct reg_place){.kind = PLACE_SPILL, .index = (uint8_t)e->slot[v]};
}

/* The same for the one of register r at the loop's head. */
static struct reg_place head_place(struct emitter *e, unsigned r) {
    unsigned at = e->at_head && e->derived[r] ? e->derived[r] : r;
    int here = e->home_x[at];
    return (struct reg_place){.kind = here == NO_REG ? PLACE_HART : PLACE_REG,
                              .index = (uint8_t)(here == NO_REG ? (int)at : here),
                              .change = at != r ? change_of(e, node_of(e, e->derived_from[r]))
                                        : e->at_head && (e->head_dirty >> r & 1) ? CHANGE_EXTEND
                                                                                 : 0};
}

/* Where register r is, as seen from where the homes of `to` have it; those in `narrow` may be without their upper half.
 */
static struct reg_place find_place(struct emitter *e, unsigned r, const int8_t *to, uint32_t narrow) {
    int home = to[r];
    ir_ref v = e->arch[r];
    struct reg_place p = {.kind = PLACE_STAYS};
    if (v == IR_NONE || e->at_head) {
        p = head_place(e, r);
    } else if (v != IR_RELEASED) {
        if (e->lazy[v])
            p = place_of(e, node_of(e, v)->a);
        else if (home != NO_REG && e->gpr[home] == v)
            p = (struct reg_place){.kind = PLACE_REG, .index = (uint8_t)home};
        else if (home == NO_REG && e->mem_x[r] == v)
            p = (struct reg_place){.kind = PLACE_HART, .index = (uint8_t)r};
        else
            p = place_of(e, v);
        p.change = e->lazy[v]                                 ? change_of(e, node_of(e, v))
                   : e->dirty[v] || (e->sign_extend >> r & 1) ? CHANGE_EXTEND
                                                              : 0;
    }
    if (p.change == CHANGE_EXTEND && (narrow >> r & 1))
        p.change = 0;
    if (!p.change &&
        ((p.kind == PLACE_REG && p.index == home) || (p.kind == PLACE_HART && home == NO_REG && p.index == r)))
        p = (struct reg_place){.kind = PLACE_STAYS};
    p.r = (uint8_t)r;
    return p;
}

unsigned places_collect(struct emitter *e, const int8_t *to, uint32_t narrow, struct reg_place *list) {
    unsigned n = 0;
    /* in the first pass the others stay in their usual homes */
    uint32_t moved = e->in_loop || e->at_head || to != e->be->home_x ? ~1u : e->tracked & ~1u;
    for (; moved; moved &= moved - 1) {
        unsigned r = (unsigned)__builtin_ctz(moved);
        if (e->in_loop && to == e->loop_home_x && e->derived[r])
            continue;
        struct reg_place p = find_place(e, r, to, narrow);
        if (p.kind != PLACE_STAYS)
            list[n++] = p;
    }
    return n;
}

struct move_list places_keep(struct emitter *e, const int8_t *to, uint32_t narrow) {
    if (e->move_count + 32 > MAX_MOVES) {
        e->failed = true;
        return (struct move_list){0};
    }
    struct move_list l = {e->move_count, (uint16_t)places_collect(e, to, narrow, &e->moves[e->move_count])};
    e->move_count = (uint16_t)(e->move_count + l.count);
    return l;
}

/* ---- moving registers to where they belong: all at once, as far as the values are concerned ---- */

struct mover {
    struct emitter *e;
    const int8_t *to;
    uint32_t keep; /* registers that are not to be used on the way */
    struct reg_place m[33];
    unsigned count;
    unsigned scratch; /* words of the hart in use */
};

static int destination(const struct mover *v, const struct reg_place *p) {
    return p->r == MOVE_TARGET ? RAX : v->to[p->r];
}
static struct mem scratch_word(unsigned i) {
    static const uint16_t words[] = {offsetof(struct hart, call_arg[0]), offsetof(struct hart, call_arg[1]),
                                     offsetof(struct hart, call_imm), offsetof(struct hart, call_fn),
                                     offsetof(struct hart, call_result)};
    return mem_at(RBP, (int32_t)words[i] - (int32_t)HART_BASE_OFFSET);
}
static struct mem place_memory(const struct reg_place *p) {
    return p->kind == PLACE_HART    ? hart_x(p->index)
           : p->kind == PLACE_SPILL ? hart_spill(p->index)
                                    : scratch_word(p->index);
}
static bool is_read(const struct mover *v, unsigned kind, unsigned index, unsigned except) {
    for (unsigned i = 0; i < v->count; i++)
        if (i != except && v->m[i].kind == kind && v->m[i].index == index)
            return true;
    return false;
}
/* A temporary that holds nothing, or NO_REG. */
static int idle_register(const struct mover *v, unsigned except) {
    for (int i = RAX; i <= RDX; i++)
        if (!(v->keep >> i & 1) && !is_read(v, PLACE_REG, (unsigned)i, except))
            return i;
    return NO_REG;
}

static void load_place(struct mover *v, int reg, const struct reg_place *p) {
    struct assembler *a = &v->e->a;
    bool extend = p->change == CHANGE_EXTEND;
    if (p->kind == PLACE_CONST)
        asm_mov_imm(a, reg, (uint64_t)v->e->consts[p->index]);
    else if (p->kind == PLACE_REG && extend)
        asm_rr(a, 0x63, true, reg, p->index);
    else if (p->kind == PLACE_REG)
        asm_mov(a, true, reg, p->index);
    else
        asm_rm(a, extend ? 0x63 : 0x8b, true, reg, place_memory(p));
    if (p->change >= CHANGE_FIRST) {
        struct reg_change c = v->e->changes[p->change - CHANGE_FIRST];
        emit_lazy_shift(v->e, c.op, c.operand, reg);
    }
}

static void do_move(struct mover *v, unsigned i) {
    struct emitter *e = v->e;
    const struct reg_place *p = &v->m[i];
    int home = destination(v, p);
    if (home != NO_REG) {
        load_place(v, home, p);
        return;
    }
    struct mem m = hart_x(p->r);
    if (p->kind == PLACE_REG && !p->change) {
        asm_rm(&e->a, 0x89, true, p->index, m);
    } else if (p->kind == PLACE_CONST && e->consts[p->index] == (int32_t)e->consts[p->index]) {
        asm_rm(&e->a, 0xc7, true, 0, m);
        asm_u32(&e->a, (uint32_t)e->consts[p->index]);
    } else {
        int t = idle_register(v, i);
        bool borrowed = t == NO_REG;
        if (borrowed) {
            t = p->kind == PLACE_REG && p->index == RCX ? RDX : RCX;
            asm_rm(&e->a, 0x89, true, t, HART(call_arg[2]));
        }
        load_place(v, t, p);
        asm_rm(&e->a, 0x89, true, t, m);
        if (borrowed)
            asm_rm(&e->a, 0x8b, true, t, HART(call_arg[2]));
    }
}

/* All destinations are still read by others: puts one's content aside. */
static void break_cycle(struct mover *v) {
    struct emitter *e = v->e;
    int home = destination(v, &v->m[0]);
    unsigned kind = home == NO_REG ? PLACE_HART : PLACE_REG, index = home == NO_REG ? v->m[0].r : (unsigned)home;
    struct reg_place from = {.kind = (uint8_t)kind, .index = (uint8_t)index}, aside;
    int t = idle_register(v, v->count);
    if (t != NO_REG) {
        aside = (struct reg_place){.kind = PLACE_REG, .index = (uint8_t)t};
        load_place(v, t, &from);
    } else {
        if (v->scratch == 5) {
            e->failed = true;
            return;
        }
        aside = (struct reg_place){.kind = PLACE_SCRATCH, .index = (uint8_t)v->scratch++};
        t = home;
        if (home == NO_REG) {
            t = RCX;
            asm_rm(&e->a, 0x89, true, t, HART(call_arg[2]));
            load_place(v, t, &from);
        }
        asm_rm(&e->a, 0x89, true, t, place_memory(&aside));
        if (home == NO_REG)
            asm_rm(&e->a, 0x8b, true, t, HART(call_arg[2]));
    }
    for (unsigned i = 0; i < v->count; i++)
        if (v->m[i].kind == kind && v->m[i].index == index) {
            v->m[i].kind = aside.kind;
            v->m[i].index = aside.index;
        }
}

/* A move to memory by way of a register. */
static bool needs_register(const struct mover *v, const struct reg_place *p) {
    return destination(v, p) == NO_REG &&
           (p->kind == PLACE_REG     ? p->change
            : p->kind == PLACE_CONST ? v->e->consts[p->index] != (int32_t)v->e->consts[p->index]
                                     : true);
}

void emit_moves(struct emitter *e, const struct reg_place *list, unsigned count, const int8_t *to, uint32_t keep) {
    struct mover v = {.e = e, .to = to, .keep = keep, .count = count};
    memcpy(v.m, list, count * sizeof *list);
    for (bool any = false;
         v.count && !e->failed;) { /* those that need a register only when there is nothing else to do */
        bool progress = false;
        for (unsigned i = 0; i < v.count; i++) {
            int home = destination(&v, &v.m[i]);
            if (home == NO_REG ? is_read(&v, PLACE_HART, v.m[i].r, i) : is_read(&v, PLACE_REG, (unsigned)home, i))
                continue;
            if (!any && needs_register(&v, &v.m[i]))
                continue;
            do_move(&v, i);
            if (v.m[i].r == MOVE_TARGET)
                v.keep |= 1u << RAX;
            v.m[i] = v.m[--v.count];
            i--;
            progress = true;
            if (any)
                break;
        }
        if (!progress && any)
            break_cycle(&v);
        any = !progress && !any;
    }
}

/* Moves every register to its usual home, at the block's end.  target: a value that is needed behind that (or IR_NONE);
 * the result is its register. */
int places_leave(struct emitter *e, ir_ref target) {
    struct reg_place list[33];
    unsigned n = places_collect(e, e->be->home_x, 0, list);
    int reg = NO_REG;
    if (target != IR_NONE) {
        struct reg_place p = place_of(e, target);
        reg = p.kind == PLACE_REG ? p.index : NO_REG;
        for (unsigned i = 0; i < n && reg != NO_REG; i++)
            if (e->be->home_x[list[i].r] == reg)
                reg = NO_REG;
        if (reg == NO_REG) {
            p.r = MOVE_TARGET;
            list[n++] = p;
            reg = RAX;
        }
    }
    emit_moves(e, list, n, e->be->home_x, reg == NO_REG || (n && list[n - 1].r == MOVE_TARGET) ? 0 : 1u << reg);
    memset(e->arch, 0xff, sizeof e->arch); /* from here on all is as between blocks */
    memcpy(e->home_x, e->be->home_x, sizeof e->home_x);
    e->at_head = false;
    return reg;
}

void places_compute(struct emitter *e) {
    for (unsigned r = 1; r < 32; r++) {
        ir_ref v = e->arch[r];
        if (v >= IR_RELEASED || !e->lazy[v] || e->derived[r])
            continue;
        const struct ir_node *n = node_of(e, v);
        int d = alloc_temp(e, 0);
        load_into(e, d, n->a);
        emit_lazy_shift(e, n->op, (unsigned)node_of(e, n->b)->imm, d);
        e->lazy[v] = 0;
        e->pins[n->a]--;
        bind(e, v, d);
        e->locked &= ~(1u << d);
    }
}

/* Before a branch out: what is its register's value to the end of the block anyway is brought home now, if its home has
 * nothing else to keep; so the way out has less to do, and the way on no more. */
void places_settle(struct emitter *e) {
    for (bool progress = true; progress;) {
        progress = false;
        for (unsigned r = 1; r < 32; r++) {
            ir_ref v = e->arch[r];
            if (!(e->tracked >> r & 1) || e->last_set[r] >= e->current || v >= IR_RELEASED || e->lazy[v] ||
                (e->sign_extend >> r & 1))
                continue;
            struct reg_place p = find_place(e, r, e->be->home_x, 0);
            if (p.kind != PLACE_STAYS && settle_value(e, r, v)) /* regs.c */
                progress = true;
        }
    }
}

/* ---- faults ---- */

void places_note(struct emitter *e) {
    for (unsigned r = 1; r < 32; r++) {
        if (!(e->tracked >> r & 1))
            continue;
        struct reg_place p = find_place(e, r, e->be->home_x, 0), *last = &e->last_place[r];
        if (p.kind == last->kind && p.index == last->index && p.change == last->change)
            continue;
        if (e->log_count == MAX_LOG) {
            e->failed = true;
            return;
        }
        e->log[e->log_count++] = *last = p;
    }
}

static const uint8_t greg_of[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                    REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

void backend_context_recover(struct backend *be, struct hart *h, const struct block_info *info,
                             const struct fault_entry *fault, void *ucontext) {
    greg_t *gregs = ((ucontext_t *)ucontext)->uc_mcontext.gregs;
    struct reg_place places[32] = {{0}};
    uint64_t value[32];
    if (fault->fix != 0xffff && info->fixes[fault->fix].saved) { /* emit_cas_16 */
        gregs[REG_RBX] = (greg_t)h->cas_saved[0];
        gregs[REG_RSI] = (greg_t)h->cas_saved[1];
    }
    unsigned start = info->landing && fault->host >= info->loop_start ? info->loop_log : 0;
    for (unsigned i = start; i < fault->log; i++)
        places[info->log[i].r] = info->log[i];
    for (unsigned r = 1; r < 32; r++) {
        const struct reg_place *p = &places[r];
        value[r] = p->kind == PLACE_REG     ? (uint64_t)gregs[greg_of[p->index]]
                   : p->kind == PLACE_HART  ? h->x[p->index]
                   : p->kind == PLACE_SPILL ? h->spill[p->index]
                   : p->kind == PLACE_CONST ? (uint64_t)info->consts[p->index]
                                            : 0;
        if (p->change == CHANGE_EXTEND)
            value[r] = (uint64_t)(int64_t)(int32_t)value[r];
        else if (p->change)
            value[r] = ir_eval_pure(info->changes[p->change - CHANGE_FIRST].op, value[r],
                                    info->changes[p->change - CHANGE_FIRST].operand, 0);
    }
    for (unsigned r = 1; r < 32; r++) {
        if (places[r].kind == PLACE_STAYS)
            continue;
        if (be->home_x[r] != NO_REG)
            gregs[greg_of[be->home_x[r]]] = (greg_t)value[r];
        else
            h->x[r] = value[r];
    }
}
