/* regs.c: where values live while a block is emitted, in one forward pass.
 *
 * A value can be in a register, in the hart's copy of a guest register, in a spill slot, or be a constant.  left[]
 * counts the uses still to come, pins[] the guest registers whose value it is (places.c); what has neither is gone.
 */
#include "emitter.h"

#include <string.h>

/* The hart slot that holds the value now, or -1. */
static int slot_x(struct emitter *e, ir_ref r) {
    for (int i = 1; i < 32; i++)
        if (e->mem_x[i] == r)
            return i;
    return -1;
}
static int slot_f(struct emitter *e, ir_ref r) {
    for (int i = 0; i < 32; i++)
        if (e->mem_f[i] == r)
            return i;
    return -1;
}

void regs_init(struct emitter *e) {
    memset(e->gpr, 0xff, sizeof e->gpr);
    memset(e->xmm, 0xff, sizeof e->xmm);
    e->round_node = IR_NONE;
    memset(e->mem_x, 0xff, sizeof e->mem_x);
    memset(e->mem_f, 0xff, sizeof e->mem_f);
    memset(e->slot_owner, 0xff, sizeof e->slot_owner);
    memset(e->reg, NO_REG, sizeof(int8_t) * e->node_count);
    memset(e->slot, -1, sizeof(int8_t) * e->node_count);
    memset(e->maybe_nan, 0, e->node_count);
    memset(e->is_single, 0, e->node_count);
    memset(e->dirty, 0, e->node_count);
    memset(e->pins, 0, e->node_count);
    for (unsigned i = 0; i < e->node_count; i++)
        e->left[i] = e->b->nodes[i].uses;
}

/* Whether the node reads the value, itself or through folded nodes. */
static bool reads(struct emitter *e, const struct ir_node *n, ir_ref r) {
    const ir_ref ops[3] = {n->a, n->b, n->c};
    for (int i = 0; i < 3; i++)
        if (ops[i] != IR_NONE && (ops[i] == r || (e->fold[ops[i]] && reads(e, node_of(e, ops[i]), r))))
            return true;
    return false;
}

/* Whether the value is used after the current node, or a guest register's. */
static bool needed(const struct emitter *e, ir_ref r) { return e->left[r] > 0 || e->pins[r] > 0; }

/* The register holds nothing that would be lost: nothing, what nobody needs, or a copy. */
static bool is_free(const struct emitter *e, int reg) {
    ir_ref w = e->gpr[reg];
    return w == IR_NONE || e->reg[w] != reg || !needed(e, w);
}

static int spill_slot(struct emitter *e, ir_ref r) {
    if (e->slot[r] >= 0)
        return e->slot[r];
    for (int i = 0; i < SPILL_SLOTS; i++) {
        ir_ref owner = e->slot_owner[i];
        if (owner == IR_NONE || (!needed(e, owner) && !reads(e, node_of(e, (ir_ref)e->current), owner))) {
            if (owner != IR_NONE)
                e->slot[owner] = -1;
            e->slot_owner[i] = r;
            e->slot[r] = (int8_t)i;
            return i;
        }
    }
    e->failed = true;
    return 0;
}

/* The hart's slot of the register may be written: nobody needs what it holds there. */
static bool may_write_slot(struct emitter *e, int r) {
    ir_ref old = e->mem_x[r];
    return old == IR_NONE || ((!needed(e, old) || e->reg[old] != NO_REG || e->slot[old] >= 0 || is_const(e, old)) &&
                              !reads(e, node_of(e, (ir_ref)e->current), old));
}

/* A guest register without a home whose value this is and whose slot in the hart may be written now, or -1: the write
 * has to be done at the block's end anyway. */
static int due_slot(struct emitter *e, ir_ref w) {
    for (int r = 1; r < 32; r++) {
        if (e->arch[r] == w && e->home_x[r] == NO_REG && !(e->sign_extend >> r & 1) && may_write_slot(e, r))
            return r;
    }
    return -1;
}

/* The value is about to lose the register: finds it another place if it is still needed and has none.  Leaves the
 * flags. */
static void save_value(struct emitter *e, int reg) {
    ir_ref w = e->gpr[reg];
    if (w == IR_NONE || e->reg[w] != reg)
        return;
    e->reg[w] = NO_REG;
    if (!needed(e, w) || is_const(e, w) || e->slot[w] >= 0)
        return;
    for (int i = 0; i < 16; i++)
        if (i != reg && e->gpr[i] == w) {
            e->reg[w] = (int8_t)i;
            return;
        }
    if (slot_x(e, w) >= 0)
        return;
    for (int i = 0; i < 16; i++)
        if (i != reg && (e->free_gprs >> i & 1) && !(e->locked >> i & 1) && is_free(e, i)) {
            asm_mov(&e->a, true, i, reg);
            e->gpr[i] = w;
            e->reg[w] = (int8_t)i;
            return;
        }
    int due = due_slot(e, w);
    if (due >= 0) {
        if (e->dirty[w] && !(e->head_dirty >> due & 1)) { /* else it may go round like that */
            asm_rr(&e->a, 0x63, true, reg, reg);
            e->dirty[w] = 0;
        }
        asm_rm(&e->a, 0x89, true, reg, hart_x((unsigned)due));
        e->mem_x[due] = w;
        return;
    }
    asm_rm(&e->a, 0x89, true, reg, hart_spill((unsigned)spill_slot(e, w)));
}

void bind(struct emitter *e, ir_ref r, int reg) {
    ir_ref w = e->gpr[reg];
    if (w != IR_NONE && w != r && e->reg[w] == reg) {
        /* whoever chose the register has made sure that the old value is not needed, but another may still have it */
        e->reg[w] = NO_REG;
        for (int i = 0; i < 16; i++)
            if (i != reg && e->gpr[i] == w)
                e->reg[w] = (int8_t)i;
    }
    e->gpr[reg] = r;
    e->reg[r] = (int8_t)reg;
}

void load_into(struct emitter *e, int reg, ir_ref r) {
    if (e->reg[r] != NO_REG) {
        asm_mov(&e->a, true, reg, e->reg[r]);
        return;
    }
    if (is_const(e, r)) {
        uint64_t v = (uint64_t)node_of(e, r)->imm;
        if (v == 0)
            asm_alu_rr(&e->a, ALU_XOR, false, reg, reg);
        else
            asm_mov_imm(&e->a, reg, v);
        return;
    }
    int x = slot_x(e, r);
    if (x >= 0)
        asm_rm(&e->a, 0x8b, true, reg, hart_x((unsigned)x));
    else if (e->slot[r] >= 0)
        asm_rm(&e->a, 0x8b, true, reg, hart_spill((unsigned)e->slot[r]));
    else
        e->failed = true;
}

/* How many nodes away the value is used next. */
static unsigned next_use(struct emitter *e, ir_ref w) {
    if (e->left[w] == 0)
        return 200;
    for (unsigned i = e->current + 1, n = 1; i < e->b->count && n < 200; i++, n++)
        if (!e->b->nodes[i].dead && !e->fold[i] && reads(e, &e->b->nodes[i], w))
            return n;
    return 200;
}

/* The value of a guest register that has a home: it has to be in a register again at the end. */
static bool is_going_home(const struct emitter *e, ir_ref w) {
    for (int r = 1; r < 32; r++)
        if (e->arch[r] == w && e->home_x[r] != NO_REG)
            return true;
    return false;
}

/* What it costs to take the register now; less is better. */
static unsigned eviction_cost(struct emitter *e, int reg) {
    ir_ref w = e->gpr[reg];
    if (is_free(e, reg))
        return TEMP_GPRS >> reg & 1 ? 0 : 1;
    bool in_memory = e->slot[w] >= 0 || slot_x(e, w) >= 0;
    if (e->left[w] == 0 && (in_memory || is_const(e, w)))
        return 2;
    if (e->left[w] == 0 && !is_going_home(e, w) && due_slot(e, w) >= 0)
        return 3;
    return 1000 - next_use(e, w) - (is_const(e, w) ? 60 : in_memory ? 30 : 0);
}

int alloc_temp(struct emitter *e, uint32_t avoid) {
    int best = NO_REG;
    unsigned cost = ~0u;
    uint32_t candidates = e->free_gprs & ~(avoid | e->locked), idle = 0;
    for (int i = 0; i < 16; i++)
        idle |= (uint32_t)((candidates >> i & 1) && is_free(e, i)) << i;
    if (idle)
        candidates = idle;
    for (int i = 0; i < 16 && cost; i++) {
        if (!(candidates >> i & 1))
            continue;
        unsigned c = eviction_cost(e, i);
        if (c < cost)
            cost = c, best = i;
    }
    if (best == NO_REG) {
        e->failed = true;
        return RAX;
    }
    e->locked |= 1u << best;
    save_value(e, best);
    e->gpr[best] = IR_NONE;
    return best;
}

void free_temp(struct emitter *e, int reg) {
    e->locked |= 1u << reg;
    save_value(e, reg);
    e->gpr[reg] = IR_NONE;
}

int use_reg(struct emitter *e, ir_ref r) {
    int reg = e->reg[r];
    if (reg == NO_REG) {
        reg = alloc_temp(e, 0);
        load_into(e, reg, r);
        e->gpr[reg] = r;
        e->reg[r] = (int8_t)reg;
    }
    e->locked |= 1u << reg;
    return reg;
}

/* The value is whole in the register now: copies elsewhere may still lack their upper half. */
static void forget_dirty_copies(struct emitter *e, ir_ref v, int reg) {
    if (!e->dirty[v])
        return;
    for (int i = 0; i < 16; i++)
        if (i != reg && e->gpr[i] == v)
            e->gpr[i] = IR_NONE;
    if (e->slot[v] >= 0) {
        e->slot_owner[e->slot[v]] = IR_NONE;
        e->slot[v] = -1;
    }
    e->dirty[v] = 0;
}

bool settle_value(struct emitter *e, unsigned r, ir_ref v) {
    int home = e->be->home_x[r], from = e->reg[v];
    if (home != NO_REG) {
        if (from == home) {
            asm_rr(&e->a, 0x63, true, home, home); /* it was dirty */
            forget_dirty_copies(e, v, home);
        } else {
            if (!(e->free_gprs >> home & 1) || (e->locked >> home & 1) || !is_free(e, home))
                return false;
            if (from != NO_REG && e->dirty[v])
                asm_rr(&e->a, 0x63, true, home, from);
            else if (e->dirty[v])
                return false;
            else
                load_into(e, home, v);
            bind(e, v, home);
            forget_dirty_copies(e, v, home);
        }
    } else {
        if (from == NO_REG || !may_write_slot(e, (int)r))
            return false;
        if (e->dirty[v])
            asm_rr(&e->a, 0x63, true, from, from);
        forget_dirty_copies(e, v, from);
        asm_rm(&e->a, 0x89, true, from, hart_x(r));
        e->mem_x[r] = v;
    }
    e->dirty[v] = 0;
    return true;
}

/* Whether some register could be taken for nothing. */
static bool has_free_reg(struct emitter *e) {
    for (int i = 0; i < 16; i++)
        if ((e->free_gprs >> i & 1) && !(e->locked >> i & 1) && is_free(e, i))
            return true;
    return false;
}

struct operand use_any(struct emitter *e, ir_ref r) {
    if (e->reg[r] == NO_REG && !is_const(e, r) && (e->left[r] == 0 || !has_free_reg(e))) {
        int x = slot_x(e, r);
        if (x >= 0)
            return (struct operand){true, NO_REG, hart_x((unsigned)x)};
        if (e->slot[r] >= 0)
            return (struct operand){true, NO_REG, hart_spill((unsigned)e->slot[r])};
    }
    return (struct operand){false, use_reg(e, r), {0}};
}

struct operand peek_any(struct emitter *e, ir_ref r) {
    int reg = e->reg[r];
    if (reg != NO_REG) {
        e->locked |= 1u << reg;
    } else if (!is_const(e, r)) {
        int x = slot_x(e, r);
        return (struct operand){true, NO_REG, x >= 0 ? hart_x((unsigned)x) : hart_spill((unsigned)e->slot[r])};
    }
    return (struct operand){false, reg, {0}};
}

/* The register's value is not needed after this node, or not only here. */
static bool may_overwrite(struct emitter *e, int reg) {
    ir_ref w = e->gpr[reg];
    if (w == IR_NONE)
        return !(e->locked >> reg & 1); /* locked: a temporary of this node */
    unsigned pins = e->pins[w];
    if (e->is_load) /* the last that has to see some registers' values: it writes nothing if it faults */
        for (int r = 1; r < 32; r++)
            pins -= (e->release[e->current] >> r & 1) && e->arch[r] == w;
    if (e->left[w] == 0 && (pins == 0 || is_const(e, w)))
        return true;
    for (int i = 0; i < 16; i++)
        if (i != reg && e->gpr[i] == w)
            return true;
    return false;
}

int alloc_dest(struct emitter *e, ir_ref r, uint32_t avoid) {
    avoid |= ~e->free_gprs;
    if (e->hint[r] >= 0) {
        int home = e->home_x[e->hint[r]];
        if (!(avoid >> home & 1) && may_overwrite(e, home)) {
            e->locked |= 1u << home;
            return home;
        }
    }
    /* an operand's register that is not needed any more */
    for (int i = 0; i < 16; i++)
        if ((e->locked >> i & 1) && !(avoid >> i & 1) && e->gpr[i] != IR_NONE && !needed(e, e->gpr[i]))
            return i;
    if (e->is_load) /* or one whose value is seen by this node for the last time */
        for (int i = 0; i < 16; i++)
            if (!(avoid >> i & 1) && e->gpr[i] != IR_NONE && e->reg[e->gpr[i]] == i && may_overwrite(e, i)) {
                e->locked |= 1u << i;
                return i;
            }
    return alloc_temp(e, avoid);
}

void consume(struct emitter *e, const struct ir_node *n) {
    const ir_ref ops[3] = {n->a, n->b, n->c};
    for (int i = 0; i < 3; i++) {
        if (ops[i] == IR_NONE)
            continue;
        if (e->fold[ops[i]])
            consume(e, node_of(e, ops[i]));
        else
            e->left[ops[i]]--;
    }
}

/* ---- floating point ---- */

static void save_xmm(struct emitter *e, int reg) {
    ir_ref w = e->xmm[reg];
    if (w == IR_NONE || e->reg[w] != reg)
        return;
    e->reg[w] = NO_REG;
    if (e->left[w] == 0 || e->slot[w] >= 0)
        return;
    for (int i = 0; i < 32; i++)
        if (i != reg && e->xmm[i] == w) {
            e->reg[w] = (int8_t)i;
            return;
        }
    if (slot_f(e, w) >= 0)
        return;
    for (int i = 0; i < XMM_SCRATCH; i++) {
        ir_ref v = e->xmm[i];
        if (i != reg && !(e->locked_xmm >> i & 1) && (v == IR_NONE || e->left[v] == 0 || e->reg[v] != i)) {
            fp_mov(e, i, reg);
            if (v != IR_NONE && e->reg[v] == i)
                e->reg[v] = NO_REG;
            e->xmm[i] = w;
            e->reg[w] = (int8_t)i;
            return;
        }
    }
    fp_store(e, true, hart_spill((unsigned)spill_slot(e, w)), reg);
}

void bind_xmm(struct emitter *e, ir_ref r, int reg) {
    ir_ref w = e->xmm[reg];
    if (w != IR_NONE && w != r && e->reg[w] == reg) {
        e->reg[w] = NO_REG;
        for (int i = 0; i < 32; i++)
            if (i != reg && e->xmm[i] == w)
                e->reg[w] = (int8_t)i;
    }
    e->xmm[reg] = r;
    e->reg[r] = (int8_t)reg;
}

int alloc_temp_xmm(struct emitter *e, uint32_t avoid) {
    int best = NO_REG, cost = 100;
    for (int i = 0; i < XMM_SCRATCH; i++) {
        if ((avoid | e->locked_xmm) >> i & 1)
            continue;
        ir_ref w = e->xmm[i];
        int c = w == IR_NONE || e->left[w] == 0 || e->reg[w] != i ? 0 : e->slot[w] >= 0 || slot_f(e, w) >= 0 ? 1 : 2;
        if (c < cost)
            cost = c, best = i;
    }
    if (best == NO_REG) {
        e->failed = true;
        return 0;
    }
    e->locked_xmm |= 1u << best;
    save_xmm(e, best);
    e->xmm[best] = IR_NONE;
    return best;
}

int use_xmm(struct emitter *e, ir_ref r) {
    int reg = e->reg[r];
    if (reg == NO_REG) {
        reg = alloc_temp_xmm(e, 0);
        int f = slot_f(e, r);
        if (f >= 0)
            fp_load(e, true, reg, hart_f((unsigned)f));
        else if (e->slot[r] >= 0)
            fp_load(e, true, reg, hart_spill((unsigned)e->slot[r]));
        else
            e->failed = true;
        e->xmm[reg] = r;
        e->reg[r] = (int8_t)reg;
    }
    e->locked_xmm |= 1u << reg;
    return reg;
}

int alloc_dest_xmm(struct emitter *e, ir_ref r, uint32_t avoid) {
    if (e->hint[r] >= 0) {
        int home = e->home_f[e->hint[r]];
        ir_ref w = e->xmm[home];
        if (!(avoid >> home & 1) && (w == IR_NONE || e->left[w] == 0))
            return home;
    }
    for (int i = 0; i < XMM_SCRATCH; i++)
        if ((e->locked_xmm >> i & 1) && !(avoid >> i & 1) && e->xmm[i] != IR_NONE && e->left[e->xmm[i]] == 0)
            return i;
    return alloc_temp_xmm(e, avoid);
}

void emit_fset(struct emitter *e, const struct ir_node *n) {
    unsigned r = (unsigned)n->imm;
    bool single = n->op == IR_fset_s;
    int home = e->home_f[r];
    uint32_t bit = 1u << r;
    if (home != NO_REG) {
        int from = use_xmm(e, n->a);
        if (from != home) {
            save_xmm(e, home);
            fp_mov(e, home, from);
            e->xmm[home] = n->a;
            e->reg[n->a] = (int8_t)home;
            if (from < XMM_SCRATCH)
                e->xmm[from] = IR_NONE;
        }
        e->fix.canon_d &= ~bit;
        e->fix.canon_s &= ~bit;
        e->fix.box &= ~bit;
        if (single)
            e->fix.box |= bit;
        if (e->maybe_nan[n->a])
            *(single ? &e->fix.canon_s : &e->fix.canon_d) |= bit;
        return;
    }
    make_canonical(e, n->a, !single);
    ir_ref w = e->mem_f[r];
    if (w != IR_NONE && e->left[w] > 0 && e->reg[w] == NO_REG && e->slot[w] < 0)
        use_xmm(e, w);
    int from = use_xmm(e, n->a);
    fp_store(e, !single, hart_f(r), from);
    if (single) {
        struct mem high = hart_f(r);
        high.disp += 4;
        asm_rm(&e->a, 0xc7, false, 0, high);
        asm_u32(&e->a, 0xffffffffu);
    }
    e->mem_f[r] = n->a; /* the low half of a single's slot is the single */
}
