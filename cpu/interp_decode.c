/* interp_decode.c: turns guest code into the interpreter's operations, one block at a time.
 *
 * A block starts at its pc and goes straight on: past branches (a taken one leaves by its link) and over unconditional
 * jumps forward within the page, which cost nothing.  It ends at what always leaves, at branches backward, at the end
 * of the page, and after BLOCK_MAX_INSNS instructions.
 */
#include "interp_internal.h"
#include "system.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096, NO_REG = 32 /* hart.x[32], which swallows what is written to x0 */ };

bool interp_fetch(struct interp *in, uint64_t pc, uint32_t *bits, uint32_t *cause, uint64_t *at) {
    const uint8_t *host;
    *at = pc;
    size_t n = in->mem.fetch(in->mem.ctx, pc, &host, cause);
    if (n < 2)
        return false;
    uint16_t low, high;
    memcpy(&low, host, 2);
    *bits = low;
    if (insn_length(low) == 2)
        return true;
    if (n < 4) {
        *at = pc + 2;
        if (in->mem.fetch(in->mem.ctx, pc + 2, &host, cause) < 2)
            return false;
        memcpy(&high, host, 2);
    } else {
        memcpy(&high, host + 2, 2);
    }
    *bits |= (uint32_t)high << 16;
    return true;
}

/* What was fetched last: blocks are read from one page, which is asked for once. */
struct view {
    uint64_t pc;
    const uint8_t *host;
    size_t n; /* bytes at host, from pc on */
};

static bool fetch_viewed(struct interp *in, struct view *v, uint64_t pc, uint32_t *bits, uint32_t *cause,
                         uint64_t *at) {
    if (pc - v->pc >= v->n) {
        v->pc = pc;
        v->n = in->mem.fetch(in->mem.ctx, pc, &v->host, cause);
    }
    uint64_t skip = pc - v->pc;
    uint16_t low, high;
    if (v->n < skip + 4)
        return interp_fetch(in, pc, bits, cause, at);
    memcpy(&low, v->host + skip, 2);
    memcpy(&high, v->host + skip + 2, 2);
    *at = pc;
    *bits = insn_length(low) == 2 ? low : low | (uint32_t)high << 16;
    return true;
}

/* Adds a record; false where the draft is full cannot happen: BLOCK_MAX_OPS has room for two an instruction. */
static struct op *add(struct interp *in, unsigned kind, uint32_t offset) {
    struct draft *d = in->draft;
    unsigned i = d->head.ops++;
    d->kinds[i] = (uint16_t)kind;
    d->offsets[i] = (uint16_t)offset;
    memset(&d->ops[i], 0, sizeof d->ops[i]);
    if (offset < OFFSET_LINK)
        d->ops[i].go = in->labels[kind];
    return &d->ops[i];
}

static struct op *add_link(struct interp *in, uint32_t what, uint64_t value) {
    struct op *op = add(in, 0, what);
    op->link = &in->unresolved.op;
    op->value = value;
    return op;
}

static uint8_t dest(uint8_t rd) { return rd == 0 ? NO_REG : rd; }

/* Operands go where the words expect them; fields that are not used are 0. */
static void set_operands(struct op *op, const struct insn *insn) {
    op->imm = insn->imm;
    switch ((enum insn_format)insn_rows[insn->id].format) {
    case FMT_R:
        op->rd = dest(insn->rd), op->rs1 = insn->rs1, op->rs2 = insn->rs2;
        break;
    case FMT_R1:
    case FMT_I:
    case FMT_IL:
    case FMT_JR:
    case FMT_SH:
    case FMT_RNUM:
    case FMT_CSR:
    case FMT_CSRI:
    case FMT_LR:
        op->rd = dest(insn->rd), op->rs1 = insn->rs1;
        break;
    case FMT_AMO:
        op->rd = dest(insn->rd), op->rs1 = insn->rs1, op->rs2 = insn->rs2;
        break;
    case FMT_S:
    case FMT_B:
    case FMT_FST:
        op->rs1 = insn->rs1, op->rs2 = insn->rs2;
        break;
    case FMT_U:
    case FMT_J:
        op->rd = dest(insn->rd);
        break;
    case FMT_FENCE:
    case FMT_NONE:
        break;
    case FMT_VMA:
        op->rs1 = insn->rs1, op->rs2 = insn->rs2;
        break;
    case FMT_CBO:
    case FMT_PF:
        op->rs1 = insn->rs1;
        break;
    case FMT_FIL:
    case FMT_FLI:
    case FMT_F2R:
    case FMT_XF1:
    case FMT_XF1R:
        op->rd = insn->rd, op->rs1 = insn->rs1;
        break;
    case FMT_F4R:
        op->imm = insn->rs3;
        /* fall through */
    case FMT_F3R:
    case FMT_F3:
    case FMT_XF2:
        op->rd = insn->rd, op->rs1 = insn->rs1, op->rs2 = insn->rs2;
        break;
    case FMT_FX2:
        op->rd = dest(insn->rd), op->rs1 = insn->rs1, op->rs2 = insn->rs2;
        break;
    case FMT_FX1:
    case FMT_FX1R:
        op->rd = dest(insn->rd), op->rs1 = insn->rs1;
        break;
    }
    op->aux = insn->rm;
}

static bool is_zero(const struct op *op, int n) { return (n == 1 ? op->rs1 : op->rs2) == 0; }

/* The form with known operands that does the same, or kind itself. */
static unsigned specialise(unsigned kind, struct op *op) {
    switch (kind) {
    case INSN_lui:
        return OP_li;
    case INSN_addi:
        return is_zero(op, 1) ? OP_li : op->imm == 0 ? OP_mv : kind;
    case INSN_add:
    case INSN_or:
        if (is_zero(op, 1))
            op->rs1 = op->rs2, op->rs2 = 0;
        return is_zero(op, 2) ? OP_mv : kind;
    case INSN_sub:
        return is_zero(op, 1) ? OP_neg : kind;
    case INSN_jal:
        return op->rd == NO_REG ? OP_j : kind;
    case INSN_jalr:
        return op->rd == NO_REG ? OP_jr : kind;
    case INSN_beq:
        return is_zero(op, 2) ? OP_beqz : kind;
    case INSN_bne:
        return is_zero(op, 2) ? OP_bnez : kind;
    case INSN_blt:
        return is_zero(op, 2) ? OP_bltz : is_zero(op, 1) ? OP_bgtz : kind;
    case INSN_bge:
        return is_zero(op, 2) ? OP_bgez : is_zero(op, 1) ? OP_blez : kind;
    default:
        return kind;
    }
}

static unsigned backward(unsigned kind) {
    switch (kind) {
#define BACKWARD(name)                                                                                                 \
    case KIND_##name:                                                                                                  \
        return OP_##name##_back;
        enum {
            KIND_beq = INSN_beq,
            KIND_bne = INSN_bne,
            KIND_blt = INSN_blt,
            KIND_bge = INSN_bge,
            KIND_bltu = INSN_bltu,
            KIND_bgeu = INSN_bgeu,
            KIND_beqz = OP_beqz,
            KIND_bnez = OP_bnez,
            KIND_bltz = OP_bltz,
            KIND_bgez = OP_bgez,
            KIND_bgtz = OP_bgtz,
            KIND_blez = OP_blez
        };
        /* clang-format off */
        BACKWARD(beq) BACKWARD(bne) BACKWARD(blt) BACKWARD(bge) BACKWARD(bltu) BACKWARD(bgeu)
        BACKWARD(beqz) BACKWARD(bnez) BACKWARD(bltz) BACKWARD(bgez) BACKWARD(bgtz) BACKWARD(blez)
            /* clang-format on */
            default : return kind;
    }
}

/* Forms that read the register they write: only for operations that stay alone. */
static unsigned specialise_alone(unsigned kind, struct op *op) {
    if (op->rd != op->rs1) {
        bool commutes = kind == INSN_add || kind == INSN_xor || kind == INSN_or || kind == INSN_and;
        if (!commutes || op->rd != op->rs2)
            return kind;
        op->rs2 = op->rs1, op->rs1 = op->rd;
    }
    switch (kind) {
#define SELF(name)                                                                                                     \
    case INSN_##name:                                                                                                  \
        return OP_##name##_self;
        SELF(addi) SELF(add) SELF(xor) SELF(or) SELF(and) SELF(andi) SELF(slli) SELF(srli) default : return kind;
    }
}

/* Whether an instruction leaves the block for good; those that only may leave are not meant. */
static bool ends_block(unsigned id) {
    switch (id) {
    case INSN_ILLEGAL:
    case INSN_jal:
    case INSN_jalr:
    case INSN_ecall:
    case INSN_ebreak:
    case INSN_fence_i:
    case INSN_mret:
    case INSN_sret:
    case INSN_wfi:
    case INSN_sfence_vma:
    case INSN_sinval_vma:
        return true;
    default:
        return false;
    }
}

static uint64_t sign_extend(const struct hart *h, uint64_t address) {
    return h->xlen == 32 ? (uint64_t)(int64_t)(int32_t)address : address;
}

static bool is_float(unsigned id) { return insn_rows[id].format >= FMT_FIL; }

static bool is_csr(unsigned id) { return insn_rows[id].format == FMT_CSR || insn_rows[id].format == FMT_CSRI; }

/* An instruction that begins on one page and ends on the next. */
static bool crosses(uint64_t pc, uint32_t bits) { return (pc & (PAGE - 1)) == PAGE - 2 && insn_length(bits) == 4; }

static void watch(struct interp *in, uint64_t address) {
    if (in->mem.watch_code == NULL || !in->mem.watch_code(in->mem.ctx, address))
        in->draft->head.flags |= BLOCK_UNWATCHED;
}

static void fuse(struct interp *in);
static void mark_sequences(struct draft *d);

bool interp_decode(struct hart *h, uint64_t start, unsigned max, bool plain) {
    struct interp *in = h->interp;
    struct block *b = &in->draft->head;
    bool compressed = h->isa->exts >> EXT_C & 1;
    uint64_t limit = h->xlen == 32 ? UINT32_MAX : UINT64_MAX, pc = start;
    bool counted = h->sys && h->sys->counted; /* then a block is executed from its start to its end */
    unsigned fs = h->sys ? system_fs(h->sys) : FS_STATE_DIRTY;
    memset(b, 0, sizeof *b);
    b->pc = start;
    b->mark = &interp_block_mark;
    b->offsets = in->draft->offsets;
    b->where = in->where;
    struct view view = {0};
    in->decode_pc = start;
    h->interp_ip = NULL;
    if (!plain)
        watch(in, start);
    for (bool open = true; open;) {
        uint32_t offset = (uint32_t)(pc - start) / 2, bits, cause;
        uint64_t at;
        struct insn insn;
        struct op *op;
        bool fetched = (b->insns == 0 || (b->insns < max && (pc ^ start) < PAGE)) &&
                       fetch_viewed(in, &view, pc, &bits, &cause, &at);
        if (fetched && h->sys && !plain && crosses(pc, bits)) {
            if (b->insns == 0) { /* its second half is where the next page is mapped now */
                b->flags |= BLOCK_UNKEPT;
                return true;
            }
            fetched = false;
        }
        if (!fetched) {
            if (b->insns == 0) {
                h->trap = (struct trap){.cause = cause, .tval = at};
                return false;
            }
            add(in, plain ? OP_STEPPED : OP_GOTO, offset);
            if (!plain)
                add_link(in, OFFSET_RECORD, 0);
            break;
        }
        insn_decode(h->isa, bits, &insn);
        if (!plain && crosses(pc, bits)) {
            watch(in, pc + 2);
            if (!interp_fetch(in, pc, &bits, &cause, &at)) /* it may have changed before it was watched */
                continue;
            insn_decode(h->isa, bits, &insn);
        }
        if (counted && !plain && b->insns > 0 && is_csr(insn.id)) { /* what it reads is the count so far */
            add(in, OP_GOTO, offset);
            add_link(in, OFFSET_RECORD, 0);
            break;
        }
        uint64_t next = (pc + insn.len) & limit, target = (pc + (uint64_t)(int64_t)insn.imm) & limit;
        b->insns++;
        if (h->sys && is_float(insn.id) && fs != FS_STATE_DIRTY) {
            if (fs == FS_STATE_CLEAN) {
                b->insns--;
                add(in, OP_FS_DIRTY, offset);
                break;
            }
            insn.id = INSN_ILLEGAL;
        }
        if (insn.id == INSN_ILLEGAL) {
            op = add(in, INSN_ILLEGAL, offset);
            op->imm = (int32_t)bits;
            break;
        }
        if (insn.id == INSN_jal && insn.rd == 0 && insn.imm > 0 && !plain && !counted && ((target ^ start) < PAGE) &&
            (compressed || target % 4 == 0)) {
            pc = target;
            continue;
        }
        op = add(in, insn.id, offset);
        set_operands(op, &insn);
        unsigned kind = specialise(insn.id, op);
        switch ((enum insn_format)insn_rows[insn.id].format) {
        case FMT_U:
            if (insn.id == INSN_auipc)
                add_link(in, OFFSET_RECORD, pc);
            break;
        case FMT_J:
            if (!compressed && target % 4 != 0)
                kind = OP_MISALIGNED;
            add_link(in, OFFSET_RECORD, sign_extend(h, next));
            break;
        case FMT_JR:
            if (plain || counted)
                kind = OP_SLOW_JALR;
            add_link(in, OFFSET_RECORD, sign_extend(h, next))->seen = SEEN_NONE;
            break;
        case FMT_B:
            add_link(in, OFFSET_LINK, 0)->behind = b->insns; /* made the number that follow below */
            if (insn.imm <= 0)
                kind = backward(kind);
            if (insn.imm <= 0 || counted)
                max = b->insns;
            break;
        case FMT_CSR:
        case FMT_CSRI:
            if (counted) /* the hart may look around behind it */
                max = b->insns;
            break;
        default:
            break;
        }
        in->draft->kinds[op - in->draft->ops] = (uint16_t)kind;
        op->go = in->labels[kind];
        open = !ends_block(insn.id);
        pc = next;
    }
    for (unsigned i = 0; i < b->ops; i++)
        if (in->draft->offsets[i] == OFFSET_LINK)
            in->draft->ops[i].behind = b->insns - in->draft->ops[i].behind;
    if (h->sys)
        mark_sequences(in->draft);
    if (!plain)
        fuse(in);
    return true;
}

/* Fused operations: cpu/interp_fuse.def as a table. */

enum { FROM_R, FROM_A, FROM_B };
enum { DEAD__ = 0, DEAD_A = 1, DEAD_B = 2, DEAD_AB = 3 };
enum kind_by_name {
#define INSN(id, pattern, format, ext, effect) BY_NAME_##id = INSN_##id,
#include "riscv.def"
#define FORM(name, base, a, b, shape) BY_NAME_##name = OP_##name,
#include "interp_fuse.def"
};

static const struct fused {
    uint16_t count, kind[3];
    uint8_t from[3][2]; /* of each: rs1, rs2 */
    uint8_t dead;
} fused[] = {
    {0, {0, 0, 0}, {{0, 0}, {0, 0}, {0, 0}}, 0}, /* index 0 ends lists */
#define FUSE2(a, b, b1, b2, dead)                                                                                      \
    {2, {BY_NAME_##a, BY_NAME_##b, 0}, {{0, 0}, {FROM_##b1, FROM_##b2}, {0, 0}}, DEAD_##dead},
#define FUSE3(a, b, c, b1, b2, c1, c2, dead)                                                                           \
    {3, {BY_NAME_##a, BY_NAME_##b, BY_NAME_##c}, {{0, 0}, {FROM_##b1, FROM_##b2}, {FROM_##c1, FROM_##c2}}, DEAD_##dead},
#include "interp_fuse.def"
};
enum { FUSED_COUNT = sizeof fused / sizeof fused[0] };
_Static_assert(FUSED_COUNT == OP_ALL - OP_COUNT + 1, "one row for each fused kind");

static const uint16_t form_base[OP_COUNT] = {
#define FORM(name, base, a, b, shape) [OP_##name] = INSN_##base,
#include "interp_fuse.def"
};

static enum insn_format format_of(unsigned kind) {
    return (enum insn_format)insn_rows[kind < INSN_COUNT ? kind : form_base[kind]].format;
}

/* An LR whose SC follows with only register arithmetic and forward branches in between needs no other hart to stop: the
 * SC is a compare-and-exchange, and as this hart accesses nothing in between, the LR may be thought to have happened
 * right before it.  Such an LR's rs2 is the distance to its SC in units of two bytes.  An LR with a WRS
 * behind it is marked too.  Only with a board. */
static void mark_sequences(struct draft *d) {
    for (unsigned i = 0; i < d->head.ops; i++) {
        if (d->offsets[i] >= OFFSET_LINK || (d->kinds[i] != INSN_lr_w && d->kinds[i] != INSN_lr_d))
            continue;
        for (unsigned j = i + 1; j < d->head.ops; j++) {
            unsigned kind = d->kinds[j];
            if (d->offsets[j] >= OFFSET_LINK)
                continue;
            if (kind == INSN_sc_w || kind == INSN_sc_d) {
                if (d->offsets[j] > d->offsets[i] && d->offsets[j] - d->offsets[i] < SEQUENCE_WAITS)
                    d->ops[i].rs2 = (uint8_t)(d->offsets[j] - d->offsets[i]);
                break;
            }
            if (kind == INSN_wrs_nto || kind == INSN_wrs_sto) {
                d->ops[i].rs2 = SEQUENCE_WAITS;
                break;
            }
            enum insn_format f = kind >= OP_GOTO && kind < OP_COUNT ? FMT_NONE : format_of(kind);
            if (f != FMT_R && f != FMT_R1 && f != FMT_I && f != FMT_SH && f != FMT_U && f != FMT_B)
                break;
        }
    }
}

static bool may_fault(unsigned kind) {
    enum insn_format f = format_of(kind);
    return f == FMT_IL || f == FMT_S || f == FMT_FIL || f == FMT_FST;
}

static bool writes_x(unsigned kind) {
    enum insn_format f = format_of(kind);
    return f == FMT_R || f == FMT_R1 || f == FMT_I || f == FMT_IL || f == FMT_SH || f == FMT_RNUM || f == FMT_U ||
           f == FMT_FX2 || f == FMT_FX1;
}

/* Whether what ops[who] writes is never seen: a later one of the n overwrites it, no fault can come before that, and
 * whoever reads it in between takes the value itself. */
static bool is_dead(const struct op *ops, const uint16_t *kinds, const struct fused *f, unsigned who) {
    for (unsigned i = who + 1; i < f->count; i++) {
        if (may_fault(kinds[i]))
            return false;
        for (int n = 0; n < 2; n++)
            if ((n == 0 ? ops[i].rs1 : ops[i].rs2) == ops[who].rd && f->from[i][n] != who + 1)
                return false;
        if (writes_x(kinds[i]) && ops[i].rd == ops[who].rd)
            return true;
    }
    return false;
}

static bool fits(const struct op *ops, const uint16_t *kinds, const struct fused *f) {
    for (unsigned i = 1; i < f->count; i++) {
        for (int n = 0; n < 2; n++) {
            unsigned from = f->from[i][n];
            if (from == FROM_R)
                continue;
            unsigned reg = n == 0 ? ops[i].rs1 : ops[i].rs2, who = from - 1;
            if (!writes_x(kinds[who]) || ops[who].rd != reg)
                return false;
            if (i == 2 && from == FROM_A && writes_x(kinds[1]) && ops[1].rd == reg)
                return false;
        }
    }
    return (!(f->dead & DEAD_A) || is_dead(ops, kinds, f, 0)) && (!(f->dead & DEAD_B) || is_dead(ops, kinds, f, 1));
}

static bool commutes(unsigned kind) {
    switch (kind) {
    case INSN_add:
    case INSN_xor:
    case INSN_or:
    case INSN_and:
    case INSN_addw:
    case INSN_mul:
    case INSN_mulw:
    case INSN_beq:
    case INSN_bne:
    case OP_beq_back:
    case OP_bne_back:
        return true;
    default:
        return false;
    }
}

/* Where operands may be swapped, the value just computed comes first: half as many rows are needed. */
static void order_operands(struct draft *d) {
    for (unsigned i = 1; i < d->head.ops; i++) {
        struct op *op = &d->ops[i], *before = op - 1;
        if (d->offsets[i] < OFFSET_LINK && d->offsets[i - 1] < OFFSET_LINK && commutes(d->kinds[i]) &&
            writes_x(d->kinds[i - 1]) && before->rd == op->rs2) {
            op->rs2 = op->rs1;
            op->rs1 = before->rd;
        }
    }
}

static unsigned fuse_slot(unsigned first, unsigned second) { return (first * 29 + second) % FUSE_SLOTS; }

static void fuse(struct interp *in) {
    struct draft *d = in->draft;
    order_operands(d);
    for (unsigned i = 0; i < d->head.ops; i++) {
        if (d->offsets[i] >= OFFSET_LINK)
            continue;
        unsigned len = 1;
        for (; len < 3 && i + len < d->head.ops && d->offsets[i + len] < OFFSET_LINK; len++)
            ;
        unsigned row = len > 1 ? in->fuse_first[fuse_slot(d->kinds[i], d->kinds[i + 1])] : 0;
        for (; row != 0; row = in->fuse_next[row]) {
            const struct fused *f = &fused[row];
            if (f->count <= len && f->kind[0] == d->kinds[i] && f->kind[1] == d->kinds[i + 1] &&
                (f->count == 2 || f->kind[2] == d->kinds[i + 2]) && fits(&d->ops[i], &d->kinds[i], f))
                break;
        }
        if (row != 0) {
            d->ops[i].go = in->labels[OP_COUNT + row - 1];
            i += fused[row].count - 1u;
        } else {
            d->kinds[i] = (uint16_t)specialise_alone(d->kinds[i], &d->ops[i]);
            d->ops[i].go = in->labels[d->kinds[i]];
        }
    }
}

bool interp_decode_init(struct interp *in) {
    in->fuse_next = calloc(FUSED_COUNT, sizeof *in->fuse_next);
    if (in->fuse_next == NULL)
        return false;
    /* From the last to the first, two before three: so the lists come out with three first, in the table's order. */
    for (unsigned count = 2; count <= 3; count++) {
        for (unsigned i = FUSED_COUNT - 1; i > 0; i--) {
            if (fused[i].count != count)
                continue;
            uint16_t *first = &in->fuse_first[fuse_slot(fused[i].kind[0], fused[i].kind[1])];
            in->fuse_next[i] = *first;
            *first = (uint16_t)i;
        }
    }
    return true;
}
