/* ir.h: the intermediate representation of one block: SSA values in an array of small nodes, in execution order.
 *
 *      block 0x10074 rv64
 *        %0 = get a0
 *        %1 = const 8
 *        %2 = load_s32 %0, 4         @0x10074
 *        set a1, %2
 *        %3 = lt %2, %1
 *        exit_if %3, 0x10080         @0x10078
 *        exit 0x1007c
 *
 * A block is a straight line with side exits.  Guest registers are read once, at entry (get), and written with set nodes,
 * which stand where the guest instruction wrote; a set is dropped when another follows before anything can observe it.
 * So at every node that can fault or exit, the sets before it are the exact guest state.
 */
#ifndef TRANSLATE_IR_H
#define TRANSLATE_IR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../cpu/hart.h"
#include "../cpu/fp.h"
#include "../cpu/insn.h"

enum ir_op {
#define OP(name, args, result, kind) IR_##name,
#include "ir_ops.def"
    IR_OP_COUNT
};
enum ir_kind { IRK_PURE, IRK_READ, IRK_SET, IRK_FP, IRK_LOAD, IRK_STORE, IRK_EFFECT, IRK_EXIT };
enum ir_amo { AMO_SWAP, AMO_ADD, AMO_XOR, AMO_AND, AMO_OR, AMO_MIN, AMO_MAX, AMO_MINU, AMO_MAXU };
/* What the engine does in system mode without leaving generated code; control goes on where it leads. */
enum ir_system { DO_MRET, DO_SRET, DO_WFI, DO_SFENCE, DO_SFENCE_PAGE, DO_SFENCE_ORDER, DO_ECALL, DO_FENCE_I, DO_FS_DIRTY, DO_COUNT };
enum ir_cache_block { CACHE_BLOCK_ZERO, CACHE_BLOCK_INVAL, CACHE_BLOCK_CLEAN, CACHE_BLOCK_COUNT }; /* CLEAN: or flush */
enum ir_leave { LEAVE_FENCE_I, LEAVE_EXCLUSIVE, LEAVE_INTERPRET, LEAVE_MODE, LEAVE_COUNT };

typedef uint16_t ir_ref; /* index of a node */
#define IR_NONE 0xffffu
enum { IR_MAX_NODES = 1024 };

struct ir_node {
    uint8_t op;    /* enum ir_op */
    uint8_t rm;    /* rounding mode of FP nodes */
    uint8_t dead;  /* removed by a pass */
    uint8_t insn;  /* guest instruction: how many of the block come before it */
    uint16_t aux;
    uint16_t pc;   /* guest instruction: offset in bytes from the block's start */
    ir_ref a, b, c;
    uint16_t uses; /* by live nodes; maintained by ir_count_uses */
    int64_t imm, imm2;
};

struct ir_op_info {
    const char *name, *args;
    char result; /* 'I', 'F' or '-' */
    uint8_t kind;
};
extern const struct ir_op_info ir_ops[IR_OP_COUNT];

/* Helpers that a call node can name; the table is in ir_helpers.c. */
struct ir_helper {
    const char *name;
    hart_helper *fn;
};
extern const struct ir_helper ir_helpers[];
extern const unsigned ir_helper_count;
/* The helper's index in ir_helpers; fn is one of them. */
unsigned ir_helper_index(hart_helper *fn);

struct ir_block {
    uint64_t pc, end; /* guest code [pc, end); with jumps followed inside, the bounds of all of it */
    uint8_t xlen;
    uint16_t count;   /* nodes */
    uint16_t insns;   /* guest instructions */
    bool overflow;    /* too many nodes: the block is unusable */
    bool recorded;    /* it writes records (lift_record.h) */
    bool states;      /* and the registers with which it is entered */
    bool follows;     /* what lies before it has been cut off for its length */
    bool no_loop;     /* control leaves the block's code each time it gets to its end */
    uint32_t sext_at_entry; /* x registers known to begin with sign-extended 32-bit values */
    /* value of each guest register so far, or IR_NONE */
    ir_ref x[32], f[32];
    bool f_single[32];  /* f[] is a single, to be boxed */
    ir_ref unboxed[32]; /* what reading f[] as a single gives, where that is known */
    struct ir_node nodes[IR_MAX_NODES];
};

void ir_init(struct ir_block *b, uint64_t pc, unsigned xlen);
/* Appends a node; operands may be IR_NONE.  Pure integer nodes are folded and simplified on the way. */
ir_ref ir_add(struct ir_block *b, enum ir_op op, ir_ref a, ir_ref c, ir_ref d, int64_t imm);
ir_ref ir_const(struct ir_block *b, int64_t value);
static inline bool ir_is_const(const struct ir_block *b, ir_ref r) { return r != IR_NONE && b->nodes[r].op == IR_const; }
/* The value fits sign-extended (zero-extended) in its low 32 bits whatever the operands are. */
bool ir_is_sext32(const struct ir_block *b, ir_ref r);
bool ir_is_zext32(const struct ir_block *b, ir_ref r);

static inline bool ir_is_tlb(unsigned op) { return op >= IR_tlb_r8 && op <= IR_tlb_a64; }

/* Whether the guest's registers may be seen at this node (by a fault handler, the engine, the next block). */
bool ir_observes(const struct ir_node *n);

/* Passes (ir_opt.c); each leaves a block that ir_verify accepts. */
void ir_count_uses(struct ir_block *b);
void ir_drop_dead_sets(struct ir_block *b);
void ir_drop_dead_values(struct ir_block *b);
void ir_optimise(struct ir_block *b);

/* One pure integer operation on values, as the evaluator and constant folding compute it. */
uint64_t ir_eval_pure(enum ir_op op, uint64_t a, uint64_t b, uint64_t c);
/* The same as a helper: imm is the operation. */
hart_helper ir_pure_helper;

/* Text (ir_text.c): what ir_print writes, ir_parse reads back to an equal block. */
void ir_print(const struct ir_block *b, FILE *to);
bool ir_parse(struct ir_block *b, const char *text, char *err, size_t n);
/* False, with one line in err, where the block breaks a rule: operand order and types, one final exit ... */
bool ir_verify(const struct ir_block *b, char *err, size_t n);
/* Reference evaluator (ir_eval.c): runs the block on h from its registers; memory is accessed directly.  Returns the node
 * that left the block; h->pc is the next guest pc.  Used by tests. */
ir_ref ir_run(const struct ir_block *b, struct hart *h);

#endif
