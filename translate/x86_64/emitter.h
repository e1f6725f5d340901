/* emitter.h: the code generator's state, shared by its files: allocation (regs.c), where guest registers are (places.c), integer
 * nodes (emit_int.c, emit_muldiv.c, emit_vector.c, emit_atomic.c), floating point (emit_fp.c), exits and cold code (emit_exit.c), preparations (prepare.c), the walk over
 * a block (emit.c), stubs (stubs.c).
 *
 * Registers.  rbp points into the hart (x[16]), rsp is the return stack, rax rcx rdx are temporaries and the other eleven are
 * homes of guest registers; xmm0-3 are temporaries, xmm4 is scratch, the others are homes.  Between blocks a home holds its
 * guest register, and registers without a home are in the hart.  Inside a block the homes of x registers that it touches
 * hold any values, and places.c keeps track; homes of f registers hold theirs at every instruction boundary.
 */
#ifndef TRANSLATE_X86_64_EMITTER_H
#define TRANSLATE_X86_64_EMITTER_H

#include "../backend.h"
#include "../cover.h"
#include "asm.h"

enum host_feature {
    HOST_BMI = 1,     /* BMI1, BMI2, LZCNT, POPCNT */
    HOST_AVX = 2,     /* AVX and SSE4.1 */
    HOST_FMA = 4,
    HOST_AVX512 = 8,  /* F, VL, DQ */
    HOST_AES = 16,    /* AES and PCLMULQDQ, with AVX */
};

enum { XMM_SCRATCH = 4, MAX_EXITS = 256, MAX_COLD = 1024, MAX_FAULTS = 512, SPILL_SLOTS = 24 };
enum { MAX_MOVES = 8192, MAX_LOG = 4096, MAX_CONSTS = 255, MOVE_TARGET = 32 };
enum { TEMP_GPRS = 1 << RAX | 1 << RCX | 1 << RDX };

/* hart.pool: entries of two words */
enum { POOL_SIGN_D, POOL_SIGN_S, POOL_ABS_D, POOL_ABS_S, POOL_BOX, POOL_CANON_D, POOL_CANON_S };

struct backend {
    unsigned features;
    bool stats, board, counted;
    int8_t home_x[32], home_f[32]; /* host register or NO_REG */
    struct codecache *stubs;
    struct emitter *emitter;
    const uint8_t *enter, *leave, *call, *lookup, *tlb, *state, *fault, *sentinel;
};

enum cold_kind {
    COLD_POLL,    /* fix f registers, leave with BACK_POLL at imm */
    COLD_LEAVE,   /* fix, leave with reason aux at imm */
    COLD_TRAP,    /* fix, set the trap (cause aux, tval in register reg), leave at imm */
    COLD_EXIT,    /* fix, go on to the guest pc imm through a linked jump */
    COLD_CANON,   /* make xmm register reg the canonical NaN of a double (single if aux), go back */
    COLD_RESTORE_FPCR, /* reload MXCSR from hart.host_fpcr, go back */
    COLD_DIV,     /* see emit_muldiv.c */
    COLD_CALL,    /* helper aux on xmm values, see emit_fp.c */
    COLD_RET,     /* a return that does not match: target in rax */
    COLD_TLB,     /* see emit_tlb.c */
    COLD_STUB,    /* the unlinked case of exit aux */
    COLD_LOOKUP,  /* target in rax: through the look-up stub */
    COLD_LOOKUP_CALL, /* the same as a host call, then go back */
};

/* Registers to be brought elsewhere on the way out: e->moves from start on. */
struct move_list {
    uint16_t start, count;
};

struct cold {
    uint8_t kind, wide;
    bool masked; /* the target is reg with bit 0 cleared */
    int8_t reg, reg2, reg3, result;
    uint16_t aux;
    uint16_t give_back; /* counted runs: instructions of the block that are not executed */
    uint32_t from[2]; /* displacements to be directed here (0: none) */
    uint32_t back;    /* offset to return to */
    int64_t imm;
    struct fault_fix fix;
    struct move_list moves;
};

struct emitter {
    struct assembler a;
    struct backend *be;
    struct ir_block *b;
    uint64_t mode;
    bool board;      /* system mode: exits to other pages go through the jump cache */
    unsigned current; /* node being emitted */
    int8_t home_x[32], home_f[32]; /* where guest registers are at this section's start: be's, or the loop's own */
    int8_t loop_home_x[32], loop_home_f[32];
    unsigned node_count; /* with the nodes made here (entry) behind the block's */

    /* A block whose backward branch leads to its own start is emitted twice: the second time as a loop that is entered with
     * what the first pass through it has established (fix), and with homes chosen for it. */
    bool is_loop, in_loop;
    struct fault_fix loop_fix;
    struct reg_place loop_entry_moves[33];
    unsigned loop_entry_count;
    uint32_t loop_entry; /* displacement of the jump into the loop, from the first section */
    uint32_t loop_head;

    /* allocation */
    ir_ref gpr[16], xmm[32];      /* node whose value a register holds, or IR_NONE */
    ir_ref mem_x[32], mem_f[32];  /* node whose value the hart's copy of a register holds */
    int8_t reg[IR_MAX_NODES];     /* a register that holds the node, or NO_REG */
    int8_t slot[IR_MAX_NODES];    /* its spill slot, or -1 */
    uint16_t left[IR_MAX_NODES];  /* uses still to come */
    uint8_t fold[IR_MAX_NODES];   /* emitted as part of its only user */
    uint8_t narrow[IR_MAX_NODES]; /* only the low 32 bits are ever looked at */
    uint8_t maybe_nan[IR_MAX_NODES]; /* F: may be a NaN that is not canonical */
    uint8_t is_single[IR_MAX_NODES]; /* F, read at the loop's head: known to be a single, not boxed yet */
    uint8_t dirty[IR_MAX_NODES];  /* narrow, and its register's upper half is not as the value has it */
    int16_t hint[IR_MAX_NODES];   /* guest register with a home that the node is assigned to in the end, or -1 */
    uint32_t free_gprs;           /* registers that may hold any value */
    bool is_load;                 /* emitting the destination of an integer load */
    ir_ref slot_owner[SPILL_SLOTS];
    uint32_t locked, locked_xmm;  /* registers in use by the current node */
    ir_ref round_node; /* the last AES round, whose whole result round_xmm has while nothing else is emitted */
    int8_t round_xmm;
    struct fault_fix fix;         /* homes that hold unfinished values now */

    /* guest x registers (places.c) */
    uint32_t tracked;             /* those that the section touches or has elsewhere */
    ir_ref last_set[32];          /* the last node that sets the register */
    ir_ref entry[32];             /* their values at its start */
    ir_ref arch[32];              /* and now; IR_NONE: not tracked */
    uint32_t sign_extend;         /* the low half of arch[], sign-extended */
    uint8_t lazy[IR_MAX_NODES];   /* computed only where somebody looks: a shift that is nothing but registers' value */
    uint8_t derived[32];          /* at the loop's head: the register whose shift this one's value is, or 0 */
    ir_ref derived_from[32];      /* a node with that shift */
    uint16_t pins[IR_MAX_NODES];  /* registers whose value it is */
    uint32_t release[IR_MAX_NODES], release_start; /* registers that nobody looks at any more behind the node */
    uint32_t head_dirty;          /* registers that have only their low half at the loop's head */
    bool at_head;                 /* all are as the loop's head has them: behind the jump back */
    struct reg_place last_place[32]; /* as logged */
    unsigned counted;             /* instructions already added to the statistics */

    /* output */
    struct cc_exit exits[MAX_EXITS];
    unsigned exit_count;
    struct cold cold[MAX_COLD];
    unsigned cold_count;
    struct fault_entry faults[MAX_FAULTS];
    unsigned fault_count;
    struct fault_fix fixes[MAX_FAULTS];
    unsigned fix_count;
    struct reg_place moves[MAX_MOVES], log[MAX_LOG];
    uint16_t move_count, log_count, loop_log;
    int64_t consts[MAX_CONSTS];
    struct reg_change changes[MAX_CONSTS];
    unsigned const_count, change_count;
    bool failed;
};

static inline bool has(const struct emitter *e, unsigned feature) { return e->be->features & feature; }
static inline struct ir_node *node_of(struct emitter *e, ir_ref r) { return &e->b->nodes[r]; }
static inline bool is_const(struct emitter *e, ir_ref r) { return node_of(e, r)->op == IR_const; }
static inline int64_t const_of(struct emitter *e, ir_ref r) { return node_of(e, r)->imm; }
static inline bool const32(struct emitter *e, ir_ref r) { return is_const(e, r) && const_of(e, r) == (int32_t)const_of(e, r); }

/* ---- addresses in the hart, from rbp ---- */
#define HART(field) mem_at(RBP, (int32_t)offsetof(struct hart, field) - (int32_t)HART_BASE_OFFSET)
static inline struct mem hart_x(unsigned r) { return mem_at(RBP, (int32_t)(r * 8) - (int32_t)HART_BASE_OFFSET); }
static inline struct mem hart_f(unsigned r) { return mem_at(RBP, (int32_t)(offsetof(struct hart, f) + r * 8 - HART_BASE_OFFSET)); }
static inline struct mem hart_pool(unsigned i) { return mem_at(RBP, (int32_t)(offsetof(struct hart, pool) + i * 16 - HART_BASE_OFFSET)); }
static inline struct mem hart_spill(unsigned i) { return mem_at(RBP, (int32_t)(offsetof(struct hart, spill) + i * 8 - HART_BASE_OFFSET)); }

/* ---- regs.c ---- */
struct operand {
    bool in_memory;
    int reg;
    struct mem mem;
};
void regs_init(struct emitter *e);
/* The value in a register, brought there if need be; locked until the node is done. */
int use_reg(struct emitter *e, ir_ref r);
/* The value wherever it is: register, hart slot, spill slot (constants are put in a register). */
struct operand use_any(struct emitter *e, ir_ref r);
/* The value where it is now, without taking a register: a constant that has none gives NO_REG. */
struct operand peek_any(struct emitter *e, ir_ref r);
/* Copies the value into a register without recording that. */
void load_into(struct emitter *e, int reg, ir_ref r);
/* The register of a value, or NO_REG. */
static inline int reg_of(struct emitter *e, ir_ref r) { return e->reg[r]; }
/* A register for the node's result: the home of the guest register that it is assigned to next if that can be overwritten
 * now, else a temporary; none of avoid. */
int alloc_dest(struct emitter *e, ir_ref r, uint32_t avoid);
/* A temporary that holds nothing; locked until the node is done. */
int alloc_temp(struct emitter *e, uint32_t avoid);
/* Makes a given temporary free, saving what it holds if that is still needed after this node; locks it. */
void free_temp(struct emitter *e, int reg);
/* Records that the register now holds the node. */
void bind(struct emitter *e, ir_ref r, int reg);
/* Before a node is emitted: its operands (through folded nodes) have one use less to come. */
void consume(struct emitter *e, const struct ir_node *n);
/* Brings guest register r's value v to the usual home if nothing else has to be moved for that. */
bool settle_value(struct emitter *e, unsigned r, ir_ref v);
/* the same for F values */
int use_xmm(struct emitter *e, ir_ref r);
int alloc_dest_xmm(struct emitter *e, ir_ref r, uint32_t avoid);
int alloc_temp_xmm(struct emitter *e, uint32_t avoid);
void bind_xmm(struct emitter *e, ir_ref r, int reg);
void emit_fset(struct emitter *e, const struct ir_node *n);

/* ---- places.c ---- */
void places_init(struct emitter *e);
/* Nobody looks at these registers until they are written again. */
void places_release(struct emitter *e, uint32_t registers);
void emit_set(struct emitter *e, const struct ir_node *n);
/* The registers that are not where `to` has their homes (33 entries at most); those in narrow may lack their upper half. */
unsigned places_collect(struct emitter *e, const int8_t *to, uint32_t narrow, struct reg_place *list);
/* The same, kept in e->moves. */
struct move_list places_keep(struct emitter *e, const int8_t *to, uint32_t narrow);
/* Brings them there; leaves the flags and the registers in keep. */
void emit_moves(struct emitter *e, const struct reg_place *list, unsigned count, const int8_t *to, uint32_t keep);
/* Brings all to their usual homes; the result is the register of target, a value needed behind that (IR_NONE: none). */
int places_leave(struct emitter *e, ir_ref target);
/* Before a loop's jump back: computes what was put off. */
void places_compute(struct emitter *e);
/* Before a conditional exit: brings final values home. */
void places_settle(struct emitter *e);
/* Logs what has changed since the last fault. */
void places_note(struct emitter *e);

/* ---- prepare.c ---- */
void prepare_block(struct emitter *e);
void prepare_section(struct emitter *e);

/* ---- emit_int.c, emit_fp.c ---- */
void emit_int_node(struct emitter *e, ir_ref r);
/* reg = reg shifted as the node, whose amount is constant, says. */
void emit_lazy_shift(struct emitter *e, enum ir_op op, unsigned amount, int reg);
/* emit_muldiv.c: mul and mulw; mulh, mulhu, mulhsu; divisions and remainders. */
void emit_mul(struct emitter *e, ir_ref r, bool wide);
void emit_mulh(struct emitter *e, ir_ref r);
void emit_div(struct emitter *e, ir_ref r);
/* Integer operations for which vector registers have an instruction, on hosts that have it. */
void emit_vector_node(struct emitter *e, ir_ref r);
void emit_atomic_node(struct emitter *e, ir_ref r);
struct mem use_address(struct emitter *e, const struct ir_node *n);
/* op reg, o */
void op_any(struct emitter *e, unsigned op, bool wide, int reg, struct operand o);
static inline void load_operand(struct emitter *e, int reg, struct operand o) { op_any(e, 0x8b, true, reg, o); }
/* Locks the register of an operand that has one. */
int peek(struct emitter *e, ir_ref r);
/* Sign-extends the 32-bit result in d unless nobody looks. */
void finish_w(struct emitter *e, ir_ref r, int d);
/* The value where it stays while all temporaries change: its register, its slot, or a scratch slot of the hart. */
struct operand park(struct emitter *e, ir_ref r, struct mem scratch);
/* The value in a given temporary, which is then free to be changed. */
void move_to(struct emitter *e, int temp, ir_ref r);
/* Emits the comparison that a folded or plain condition is; the result is its condition code when true. */
enum cond emit_condition(struct emitter *e, ir_ref r);
/* An ordered comparison of floats. */
static inline bool is_fp_order(const struct ir_node *n) { return n->op >= IR_f_lt_d && n->op <= IR_f_len_s; }
void emit_fp_node(struct emitter *e, ir_ref r);
void emit_cold_call(struct emitter *e, const struct cold *c);
void emit_call_node(struct emitter *e, ir_ref r);
enum cond emit_fp_condition(struct emitter *e, const struct ir_node *n, bool inverted);
/* op d, s1, s2 in whichever encoding there is. */
void fp_rrr(struct emitter *e, unsigned op, bool wide, int d, int s1, int s2);
void fp_rr(struct emitter *e, unsigned op, bool wide, int d, int s);
void fp_load(struct emitter *e, bool is_double, int d, struct mem m);
void fp_store(struct emitter *e, bool is_double, struct mem m, int s);
void fp_mov(struct emitter *e, int d, int s);
/* If the value may be a NaN that is not canonical, makes it canonical in its register. */
void make_canonical(struct emitter *e, ir_ref r, bool is_double);
void canon_register(struct emitter *e, int xmm, bool is_double);

/* ---- emit_tlb.c ---- */
void emit_tlb(struct emitter *e, ir_ref r);
void emit_cold_tlb(struct emitter *e, const struct cold *c);
/* Stores a helper and its immediate where the stubs take them. */
void set_call(struct emitter *e, uintptr_t fn, uint64_t imm);
/* ---- emit_system.c ---- */
void emit_system_node(struct emitter *e, ir_ref r);
/* The end of a block in system mode; the address it is about is in register t (NO_REG: constant). */
void emit_exit_system(struct emitter *e, const struct ir_node *n, int t);
/* ---- emit_record.c ---- */
void emit_record_node(struct emitter *e, ir_ref r);

/* csr_access with the host's flags folded in before (fpcr.c) */
hart_helper backend_csr;

/* ---- emit_exit.c ---- */
void emit_exit_node(struct emitter *e, ir_ref r);
struct cold *add_cold(struct emitter *e, enum cold_kind kind);
void emit_cold(struct emitter *e);
/* Moves f registers whose homes differ between the loop's section and the rest, out of the loop or into it. */
void change_f_homes(struct emitter *e, bool into_loop);
/* Emits the code that finishes all homes in fix, in line. */
void emit_fix(struct emitter *e, struct fault_fix fix);
/* The next host instruction may fault on behalf of node n. */
void note_fault(struct emitter *e, const struct ir_node *n);
/* Counted runs: at a block's start its instructions are taken from hart.count_left, or it leaves. */
void emit_count(struct emitter *e);
void count_insns(struct emitter *e, const struct ir_node *n, bool including);
/* A direct exit whose displacement is at patch. */
void add_exit(struct emitter *e, uint32_t patch, uint64_t target);
/* Leaves the block: reason, at guest pc. */
void emit_leave(struct emitter *e, enum leave_reason reason, uint64_t pc);
void store_pc(struct emitter *e, uint64_t pc);

#endif
