/* interp_body.h: the interpreter's loop, included once for each XLEN by interp64.c and interp32.c,
 * and once more by interp64s.c and interp32s.c for harts with a board.
 *
 * One computed goto ends every operation.  The compiler must leave those apart (-fno-gcse -fno-crossjumping): the
 * processor predicts each one by itself.
 */
#include "interp_words.h"

#define FORM_ARG_REG1 rs1
#define FORM_ARG_REG2 rs2
#define FORM_ARG_ZERO 0
#define FORM_ARG_SELF h->x[op->rd]
#define FORM(name, base, a, b, shape)                                                                                  \
    static ALWAYS_INLINE uint64_t do_##name(struct hart *h, struct op *op, uint64_t rs1, uint64_t rs2, unsigned rm) {  \
        return do_##base(h, op, FORM_ARG_##a, FORM_ARG_##b, rm);                                                       \
    }
#include "interp_fuse.def"

/* How an operation ends, by its row's format.  X: rd is written; N: it is not; XR, NR: the same, rounding; WIDE: X with
 * a record behind it; the others are named. */
enum shape {
    SHAPE_X,
    SHAPE_N,
    SHAPE_XR,
    SHAPE_NR,
    SHAPE_WIDE,
    SHAPE_BRANCH,
    SHAPE_BACK,
    SHAPE_JAL,
    SHAPE_J,
    SHAPE_JALR,
    SHAPE_JR,
    SHAPE_SYSTEM,
    SHAPE_COUNT,
    SHAPE_OF_FMT_R = SHAPE_X,
    SHAPE_OF_FMT_R1 = SHAPE_X,
    SHAPE_OF_FMT_I = SHAPE_X,
    SHAPE_OF_FMT_IL = SHAPE_X,
    SHAPE_OF_FMT_SH = SHAPE_X,
    SHAPE_OF_FMT_RNUM = SHAPE_X,
    SHAPE_OF_FMT_FX2 = SHAPE_X,
    SHAPE_OF_FMT_FX1 = SHAPE_X,
    SHAPE_OF_FMT_U = SHAPE_WIDE,
    SHAPE_OF_FMT_FX1R = SHAPE_XR,
    SHAPE_OF_FMT_S = SHAPE_N,
    SHAPE_OF_FMT_FST = SHAPE_N,
    SHAPE_OF_FMT_FIL = SHAPE_N,
    SHAPE_OF_FMT_PF = SHAPE_N,
    SHAPE_OF_FMT_F3 = SHAPE_N,
    SHAPE_OF_FMT_XF1 = SHAPE_N,
    SHAPE_OF_FMT_XF2 = SHAPE_N,
    SHAPE_OF_FMT_FLI = SHAPE_N,
    SHAPE_OF_FMT_F4R = SHAPE_NR,
    SHAPE_OF_FMT_F3R = SHAPE_NR,
    SHAPE_OF_FMT_F2R = SHAPE_NR,
    SHAPE_OF_FMT_XF1R = SHAPE_NR,
    SHAPE_OF_FMT_B = SHAPE_BRANCH,
    SHAPE_OF_FMT_J = SHAPE_JAL,
    SHAPE_OF_FMT_JR = SHAPE_JALR,
    SHAPE_OF_FMT_AMO = SHAPE_SYSTEM,
    SHAPE_OF_FMT_LR = SHAPE_SYSTEM,
    SHAPE_OF_FMT_CSR = SHAPE_SYSTEM,
    SHAPE_OF_FMT_CSRI = SHAPE_SYSTEM,
    SHAPE_OF_FMT_FENCE = SHAPE_SYSTEM,
    SHAPE_OF_FMT_NONE = SHAPE_SYSTEM,
    SHAPE_OF_FMT_VMA = SHAPE_SYSTEM,
    SHAPE_OF_FMT_CBO = SHAPE_SYSTEM,
#define INSN(id, pattern, format, ext, effect) SHAPE_OF_##id = SHAPE_OF_FMT_##format,
#include "riscv.def"
#define FORM(name, base, a, b, shape) SHAPE_OF_##name = SHAPE_##shape,
#include "interp_fuse.def"
};

#define DISPATCH() goto * op->go
#define PENDING() UNLIKELY(__atomic_load_n(&h->pending, __ATOMIC_RELAXED) != 0)

/* Goes to the linked block; the slow ways out leave op at the branch. */
#define FOLLOW_LINK()                                                                                                  \
    do {                                                                                                               \
        struct op *to_ = op[1].link;                                                                                   \
        if (UNLIKELY(++block_of(to_)->count >= 0))                                                                     \
            goto slow_link;                                                                                            \
        op = to_;                                                                                                      \
        DISPATCH();                                                                                                    \
    } while (0)

#define JUMP_TO(target, is_call)                                                                                       \
    do {                                                                                                               \
        uint64_t t_ = (target);                                                                                        \
        struct interp *in_ = h->interp;                                                                                \
        const struct jump_entry *e_ = &in_->jump[t_ / 2 % JUMP_CACHE_SIZE];                                            \
        if (UNLIKELY(op[1].seen != t_))                                                                                \
            op[1].seen = op[1].seen == SEEN_NONE ? t_ : SEEN_SEVERAL;                                                  \
        if (UNLIKELY(e_->pc != t_) || PENDING() || UNLIKELY(block_of(e_->first)->count >= -1)) {                       \
            in_->jump_target = t_;                                                                                     \
            goto slow_jump;                                                                                            \
        }                                                                                                              \
        struct op *to_ = e_->first;                                                                                    \
        block_of(to_)->count++;                                                                                        \
        if (is_call)                                                                                                   \
            x[op->rd] = op[1].value;                                                                                   \
        op = to_;                                                                                                      \
        DISPATCH();                                                                                                    \
    } while (0)

/* Ends the operation `name`, whose function gave `result`.  All but one arm is removed by the compiler. */
#define FINISH(name, result)                                                                                           \
    do {                                                                                                               \
        uint64_t v_ = (result);                                                                                        \
        switch (SHAPE_OF_##name) {                                                                                     \
        case SHAPE_X:                                                                                                  \
        case SHAPE_XR:                                                                                                 \
            x[op->rd] = v_;                                                                                            \
            op += 1;                                                                                                   \
            DISPATCH();                                                                                                \
        case SHAPE_WIDE:                                                                                               \
            x[op->rd] = v_;                                                                                            \
            op += 2;                                                                                                   \
            DISPATCH();                                                                                                \
        case SHAPE_N:                                                                                                  \
        case SHAPE_NR:                                                                                                 \
            op += 1;                                                                                                   \
            DISPATCH();                                                                                                \
        case SHAPE_BRANCH:                                                                                             \
            if (v_) {                                                                                                  \
                op[1].exits++;                                                                                         \
                FOLLOW_LINK();                                                                                         \
            }                                                                                                          \
            op += 2;                                                                                                   \
            DISPATCH();                                                                                                \
        case SHAPE_BACK:                                                                                               \
            if (v_) {                                                                                                  \
                if (PENDING())                                                                                         \
                    goto pending_link;                                                                                 \
                FOLLOW_LINK();                                                                                         \
            }                                                                                                          \
            op += 2;                                                                                                   \
            DISPATCH();                                                                                                \
        case SHAPE_JAL:                                                                                                \
            x[op->rd] = op[1].value;                                                                                   \
            if (PENDING())                                                                                             \
                goto pending_link;                                                                                     \
            FOLLOW_LINK();                                                                                             \
        case SHAPE_J:                                                                                                  \
            if (PENDING())                                                                                             \
                goto pending_link;                                                                                     \
            FOLLOW_LINK();                                                                                             \
        case SHAPE_JALR:                                                                                               \
            JUMP_TO(v_, true);                                                                                         \
        case SHAPE_JR:                                                                                                 \
            JUMP_TO(v_, false);                                                                                        \
        case SHAPE_SYSTEM:                                                                                             \
            if (UNLIKELY(v_ != SYSTEM_NEXT)) {                                                                         \
                result_ = v_;                                                                                          \
                goto system;                                                                                           \
            }                                                                                                          \
            op += 1;                                                                                                   \
            DISPATCH();                                                                                                \
        }                                                                                                              \
        __builtin_unreachable();                                                                                       \
    } while (0)

/* Reserved rounding modes are illegal when the instruction is executed. */
#define ROUNDS(name) (SHAPE_OF_##name == SHAPE_NR || SHAPE_OF_##name == SHAPE_XR)
#define ONE(name)                                                                                                      \
    L_##name : {                                                                                                       \
        unsigned rm_ = 0;                                                                                              \
        if (ROUNDS(name)) {                                                                                            \
            rm_ = op->aux == RM_DYN ? h->frm : op->aux;                                                                \
            if (UNLIKELY(rm_ > RM_RMM))                                                                                \
                goto illegal;                                                                                          \
        }                                                                                                              \
        FINISH(name, do_##name(h, op, x[(uint8_t)op->regs], x[(uint8_t)(op->regs >> 8)], rm_));                        \
    }

/* Fused operations: where an operand comes from, and which results are written. */
#define FROM_A(n) va_
#define FROM_B(n) vb_
#define FROM_R(n) x[FROM_R##n]
#define FROM_R1 ((uint8_t)op->regs)
#define FROM_R2 ((uint8_t)(op->regs >> 8))
#define WRITES(name) (SHAPE_OF_##name == SHAPE_X)
#define DEAD__(who) 0
#define DEAD_A(who) ((who) == 1)
#define DEAD_B(who) ((who) == 2)
#define DEAD_AB(who) 1

enum interp_stop LOOP(struct hart *h, struct op *op, const void *const **labels_out) {
    static const void *const labels[OP_ALL] = {
        [INSN_ILLEGAL] = &&L_ILLEGAL,     [OP_GOTO] = &&L_GOTO,           [OP_STEPPED] = &&L_STEPPED,
        [OP_MISALIGNED] = &&L_MISALIGNED, [OP_SLOW_JALR] = &&L_SLOW_JALR,
        [OP_FS_DIRTY] = &&L_FS_DIRTY,
#define INSN(id, pattern, format, ext, effect) [INSN_##id] = &&L_##id,
#include "riscv.def"
#define FORM(name, base, a, b, shape) [OP_##name] = &&L_##name,
#define FUSE2(a, b, b1, b2, dead) [OP_##a##_##b##_##b1##b2##dead] = &&L_##a##_##b##_##b1##b2##dead,
#define FUSE3(a, b, c, b1, b2, c1, c2, dead)                                                                           \
    [OP_##a##_##b##_##c##_##b1##b2##c1##c2##dead] = &&L_##a##_##b##_##c##_##b1##b2##c1##c2##dead,
#include "interp_fuse.def"
    };
    if (op == NULL) {
        *labels_out = labels;
        return INTERP_DONE;
    }
    uint64_t *const x = h->x;
    uint64_t result_;
    DISPATCH();

#define INSN(id, pattern, format, ext, effect) ONE(id)
#include "riscv.def"
#define FORM(name, base, a, b, shape) ONE(name)
#define FUSE2(a, b, b1, b2, dead)                                                                                      \
    L_##a##_##b##_##b1##b2##dead : {                                                                                   \
        uint64_t va_ = do_##a(h, op, x[(uint8_t)op->regs], x[(uint8_t)(op->regs >> 8)], 0);                            \
        if (WRITES(a) && !DEAD_##dead(1))                                                                              \
            x[op->rd] = va_;                                                                                           \
        op += 1;                                                                                                       \
        FINISH(b, do_##b(h, op, FROM_##b1(1), FROM_##b2(2), 0));                                                       \
    }
#define FUSE3(a, b, c, b1, b2, c1, c2, dead)                                                                           \
    L_##a##_##b##_##c##_##b1##b2##c1##c2##dead : {                                                                     \
        uint64_t va_ = do_##a(h, op, x[(uint8_t)op->regs], x[(uint8_t)(op->regs >> 8)], 0);                            \
        if (WRITES(a) && !DEAD_##dead(1))                                                                              \
            x[op->rd] = va_;                                                                                           \
        op += 1;                                                                                                       \
        uint64_t vb_ = do_##b(h, op, FROM_##b1(1), FROM_##b2(2), 0);                                                   \
        if (WRITES(b) && !DEAD_##dead(2))                                                                              \
            x[op->rd] = vb_;                                                                                           \
        op += 1;                                                                                                       \
        FINISH(c, do_##c(h, op, FROM_##c1(1), FROM_##c2(2), 0));                                                       \
    }
#include "interp_fuse.def"

L_GOTO:
    FOLLOW_LINK();
L_STEPPED:
    h->pc = interp_op_pc(op);
    return INTERP_DONE;
L_MISALIGNED:
    interp_trap(h, op, TRAP_FETCH_MISALIGNED, (ux)(interp_op_pc(op) + IMM));
    return INTERP_TRAP;
L_ILLEGAL:
    interp_trap(h, op, TRAP_ILLEGAL, (uint32_t)op->imm);
    return INTERP_TRAP;
L_SLOW_JALR:
    h->interp->jump_target = do_jalr(h, op, x[op->rs1], 0, 0);
    goto slow_jump;

L_FS_DIRTY:
    result_ = interp_fs_dirty(h, op);
    goto system;

pending_link: /* as if it had been gone to */
    block_of(op[1].link)->count++;
slow_link:
    op = interp_follow(h, op);
    goto slow;
slow_jump:
    op = interp_jump(h, op, h->interp->jump_target);
slow:
    if (op == NULL)
        return h->interp->stop;
    DISPATCH();
illegal:
    interp_illegal(h, op);
    return INTERP_TRAP;
system:
    switch ((enum system_result)result_) {
    case SYSTEM_FENCE_I:
        return INTERP_FENCE_I;
    case SYSTEM_PENDING:
        return INTERP_PENDING;
    case SYSTEM_EXCLUSIVE:
        return INTERP_EXCLUSIVE;
    case SYSTEM_RESUME:
        return INTERP_DONE;
    case SYSTEM_WFI:
        return INTERP_WFI;
    case SYSTEM_TRAP:
    case SYSTEM_NEXT:
        break;
    }
    return INTERP_TRAP;
}
