/* lift_internal.h: the lifter's state, shared by its files: blocks and control flow (lift.c), nodes and registers
 * (lift_registers.c), memory (lift_memory.c), CSRs (lift_csr.c), floating point (lift_float.c).
 */
#ifndef TRANSLATE_LIFT_INTERNAL_H
#define TRANSLATE_LIFT_INTERNAL_H

#include <string.h>

#include "../cpu/interp.h"
#include "../cpu/system.h"
#include "lift.h"

struct lifter {
    struct ir_block *b;
    struct lift_config *config;
    struct insn insn;
    uint64_t pc, next; /* of this instruction and the one behind it */
    bool done;
    uint64_t follow; /* where lifting goes on; next unless a jump is followed */
    /* an LR whose SC is ahead in the same straight line */
    ir_ref lr_addr, lr_value;
    unsigned lr_size;
    struct record_draft *record; /* NULL: the block is not recorded */
};

enum fmt { FMT_H, FMT_SINGLE, FMT_D };
enum csr_op { CSR_RW, CSR_RS, CSR_RC, CSR_RWI, CSR_RSI, CSR_RCI };
enum sign_op { SIGN_COPY, SIGN_NOT, SIGN_XOR };

static inline uint16_t node_pc(const struct lifter *l) { return (uint16_t)(l->pc - l->b->pc); }
static inline ir_ref konst(struct lifter *l, uint64_t v) { return ir_const(l->b, (int64_t)v); }
static inline ir_ref un(struct lifter *l, enum ir_op op, ir_ref a) { return ir_add(l->b, op, a, IR_NONE, IR_NONE, 0); }
static inline ir_ref bin(struct lifter *l, enum ir_op op, ir_ref a, ir_ref b) { return ir_add(l->b, op, a, b, IR_NONE, 0); }
static inline bool rv32(const struct lifter *l) { return l->b->xlen == 32; }

/* lift_registers.c: nodes, with what records of them there are to be, and registers */
/* Appends a node of this instruction, with records of its effects where the block is recorded. */
ir_ref lift_node(struct lifter *l, enum ir_op op, ir_ref a, ir_ref b, ir_ref c, int64_t imm);
ir_ref lift_node_unrecorded(struct lifter *l, enum ir_op op, ir_ref a, ir_ref b, ir_ref c, int64_t imm);
/* Effects for the record, if the block is recorded; kind says what which is: an x or f register or a CSR. */
void lift_note_effect(struct lifter *l, enum record_kind kind, unsigned which, ir_ref value, bool single);
void lift_note_store(struct lifter *l, unsigned bits, ir_ref address, ir_ref value, ir_ref condition);
void lift_note_load(struct lifter *l, unsigned bits, ir_ref address, ir_ref value);
/* Before an exit that the instruction under way is completed with. */
void lift_close_records(struct lifter *l);
/* Registers' values now; raw: all 64 bits; s: read as a single, checked for its box. */
ir_ref lift_get_x(struct lifter *l, unsigned r);
void lift_set_x(struct lifter *l, unsigned r, ir_ref v);
ir_ref lift_get_f_raw(struct lifter *l, unsigned r);
ir_ref lift_get_f_s(struct lifter *l, unsigned r);
void lift_set_f(struct lifter *l, unsigned r, ir_ref v, bool single);
void lift_set_f_raw(struct lifter *l, unsigned r, ir_ref bits);
ir_ref lift_get_f(struct lifter *l, enum fmt fmt, unsigned r);
void lift_put_f(struct lifter *l, enum fmt fmt, ir_ref v);

/* lift_memory.c: addresses are the guest's */
ir_ref lift_load(struct lifter *l, enum ir_op op, ir_ref addr);
void lift_store(struct lifter *l, enum ir_op op, ir_ref addr, ir_ref v);
ir_ref lift_fload(struct lifter *l, enum fmt fmt, ir_ref addr);
void lift_fstore(struct lifter *l, enum fmt fmt, ir_ref addr);
void lift_amo(struct lifter *l, enum ir_amo op, unsigned bits);
void lift_amocas(struct lifter *l, unsigned bits);
/* LR is a load and SC a compare-and-exchange where the one is in sight of the other; else the engine's. */
void lift_load_reserved(struct lifter *l, unsigned bits);
void lift_store_conditional(struct lifter *l, unsigned bits);
void lift_cbo_zero(struct lifter *l);
void lift_cbo(struct lifter *l);

/* lift_csr.c */
void lift_csr(struct lifter *l, enum csr_op op);

/* lift_float.c: operations in a format, by the host or by a helper */
ir_ref lift_call(struct lifter *l, hart_helper *fn, ir_ref a, ir_ref b, ir_ref c, unsigned imm);
ir_ref lift_to_bits(struct lifter *l, enum fmt fmt, ir_ref v);
ir_ref lift_from_bits(struct lifter *l, enum fmt fmt, ir_ref v);
ir_ref lift_f_helper(struct lifter *l, enum fmt fmt, hart_helper *fn, ir_ref a, ir_ref b, ir_ref c);
ir_ref lift_f_op(struct lifter *l, enum fmt fmt, enum ir_op d, enum ir_op s, hart_helper *fn, ir_ref a, ir_ref b,
                 ir_ref c);
ir_ref lift_f_plain(struct lifter *l, enum fmt fmt, enum ir_op d, enum ir_op s, hart_helper *fn, ir_ref a, ir_ref b);
ir_ref lift_f_to(struct lifter *l, enum fmt fmt, enum ir_op d, enum ir_op s, hart_helper *fn, ir_ref a);
ir_ref lift_f_from(struct lifter *l, enum fmt fmt, enum ir_op d, enum ir_op s, hart_helper *fn, bool exact,
                   ir_ref a);
ir_ref lift_f_cvt(struct lifter *l, enum fmt to, enum fmt from, hart_helper *fn, ir_ref a);
ir_ref lift_f_neg(struct lifter *l, enum fmt fmt, ir_ref a);
ir_ref lift_f_sgnj(struct lifter *l, enum fmt fmt, enum sign_op op, ir_ref a, ir_ref b);

/* lift.c */
/* Ends the block: the engine does what is to be done and goes on at pc. */
void lift_leave_to_engine(struct lifter *l, enum ir_leave why, uint64_t pc);
void lift_interpret_this(struct lifter *l);
/* Whether what is executed at pc is to be recorded. */
bool lift_is_recorded(const struct lift_config *c, uint64_t pc);
/* Decodes the instruction at pc; its length, 0 where it cannot be fetched or is to be interpreted.  What a block is made from is noted. */
size_t lift_fetch_insn(const struct lift_config *c, uint64_t pc, struct insn *out);
void lift_note_read(struct lift_config *c, uint64_t offset, const struct insn *in);

#endif
