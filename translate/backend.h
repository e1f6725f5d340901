/* backend.h: what a host's code generator offers the engine. */
#ifndef TRANSLATE_BACKEND_H
#define TRANSLATE_BACKEND_H

#include "../codecache/codecache.h"
#include "ir.h"

/* Why generated code returned to the engine; hart.pc is where the guest goes on. */
enum leave_reason {
    BACK_DIRECT,      /* a direct exit that is not linked yet */
    BACK_INDIRECT,    /* a computed target that the jump cache does not hold */
    BACK_POLL,        /* hart.pending */
    BACK_TRAP,        /* hart.trap is set */
    BACK_FENCE_I,     /* fence.i: pc is behind it */
    BACK_EXCLUSIVE,   /* an LR at pc whose SC is elsewhere */
    BACK_INTERPRET,   /* the instruction at pc is the interpreter's */
    BACK_UNBOXED,     /* the instruction at pc reads a single that is not NaN-boxed: interpret it */
    BACK_FAULT,       /* a host fault: set by the fault handler, hart.trap and hart.pc are set */
    BACK_MODE,        /* the rounding mode has changed, pc is behind the instruction that did it */
    BACK_WFI,         /* nothing to do until an interrupt comes; pc is behind the wfi */
    BACK_RECORD,      /* the buffer of records is full; pc is a block's start */
    BACK_COUNT_END,   /* hart.count_left does not suffice for what follows */
    BACK_COUNT
};

/* Guest addresses of instructions that may fault, by offset of the host instruction that does. */
struct fault_entry {
    uint32_t host; /* offset in the block of the faulting host instruction */
    uint16_t pc;   /* guest instruction: offset from the block's pc */
    uint16_t fix;  /* index of a fault_fix, or 0xffff */
    uint16_t log;  /* entries of the log that are true of it */
    uint16_t insn; /* instructions of the block in front of it */
};
/* Where an x register is while the block runs. */
enum place_kind { PLACE_STAYS, PLACE_REG, PLACE_HART, PLACE_SPILL, PLACE_CONST, PLACE_SCRATCH };
struct reg_place {
    uint8_t r;      /* the guest register */
    uint8_t kind;   /* STAYS: where it is between blocks */
    uint8_t index;  /* host register; register whose slot in the hart; spill slot; constant */
    uint8_t change; /* 0: the value itself is there; CHANGE_EXTEND; else an index in changes, from CHANGE_FIRST on */
};
enum { CHANGE_EXTEND = 1, CHANGE_FIRST = 2 }; /* the low half, to be sign-extended */
/* The register's value is this operation (enum ir_op) on what is there. */
struct reg_change {
    uint8_t op, operand;
};
/* f registers whose home holds a value that is not finished: a NaN to be made canonical, a single to be boxed. */
struct fault_fix {
    uint32_t canon_d, canon_s, box; /* bit per f register */
    uint32_t saved;                 /* 1: hart.cas_saved has what belongs in two host registers */
};
/* A block's meta: what cc_block.meta points at. */
struct block_info {
    uint64_t pc;
    uint32_t fault_count, fix_count, const_count, change_count;
    uint32_t loop_start, landing; /* faults at loop_start and behind go on at landing (0: there is no loop section) */
    uint16_t log_count, loop_log; /* the loop section's log begins anew */
    bool watched;     /* writes to its source are noticed */
    uint16_t insns;
    uint8_t *source;  /* copy of the guest code [src_start, src_end), for blocks that are not watched; within this allocation */
    struct fault_entry *faults; /* ascending */
    struct fault_fix *fixes;
    struct reg_place *log;
    struct reg_change *changes;
    int64_t consts[];
};
/* Sets the pointers into the allocation for the counts that it has; the result is its size without source. */
size_t block_info_lay_out(struct block_info *info);

struct backend; /* host features, register map, shared stubs */

struct emitted {
    uint32_t size, entry;
    uint32_t exit_count;
    struct cc_exit *exits;    /* valid until the next backend_emit */
    struct block_info *info;  /* from malloc; source not set */
};

/* Offset in a page of an instruction whose second half may be on the next. */
enum { PAGE_LAST_HALF = 4094 };
/* A key's mode that no block has. */
#define MODE_NONE UINT64_MAX
/* What generated code calls where the TLB does not answer; imm: see engine_tlb_slow. */
hart_helper engine_tlb_slow;
/* csr_access in system mode; hart.trap.cause is TRAP_NONE where it was allowed. */
hart_helper engine_csr;
/* A cache block operation, imm = enum ir_cache_block; as engine_csr. */
hart_helper engine_cache_block;
/* Does imm (enum ir_system) with a value, the pc behind it in the second argument: a leave_reason, or BACK_COUNT to go on
 * at hart.pc, by look-up and without kept return addresses. */
hart_helper engine_do_system;
/* Makes the shared stubs.  board: for system mode.  counted: code keeps to hart.count_left instead of polling.  disable: enum host_feature bits that are not to be used.  NULL: no executable memory (err). */
struct backend *backend_create(unsigned disable, bool stats, bool board, bool counted, char *err, size_t n);
void backend_destroy(struct backend *be);
/* After fork in the child: the stubs are made anew at the same addresses. */
bool backend_fork_child(struct backend *be);
/* Sets up the fields of h that generated code needs; return_stack is [low, high). */
void backend_hart_init(struct backend *be, struct hart *h, void *return_stack, size_t bytes);
/* Drops all return addresses kept for h. */
void backend_reset_returns(struct hart *h);
/* Bytes that are always enough for the block's code. */
size_t backend_room(const struct ir_block *b);
/* Emits a block at writable (executed at executable).  False: it does not fit or something has no translation. */
bool backend_emit(struct backend *be, struct ir_block *b, uint64_t mode, uint8_t *writable, const uint8_t *executable,
                  size_t room, struct emitted *out);
/* Runs code (a committed block's entry) on h until it leaves. */
enum leave_reason backend_enter(struct backend *be, struct hart *h, const uint8_t *code);
/* The host's FP flags (the low bits of its status word) as fflags. */
uint8_t backend_flags(uint32_t host);
/* Folds the host's FP flags into h->fflags; and loads h->frm for the next backend_enter. */
void backend_fold_flags(struct hart *h);
void backend_load_rounding(struct hart *h);

/* For signal handlers: program counter of a context; whether its memory fault was a write; make it continue in the stub that
 * leaves generated code with BACK_FAULT. */
uintptr_t backend_context_pc(const void *ucontext);
bool backend_context_is_write(const void *ucontext);
/* The FP control and status word of a context. */
uint32_t backend_context_fpcr(const void *ucontext);
void backend_context_leave(struct backend *be, void *ucontext);
/* Brings h's x registers from where they are at a fault to where they are between blocks. */
void backend_context_recover(struct backend *be, struct hart *h, const struct block_info *info,
                             const struct fault_entry *fault, void *ucontext);
/* The same by way of a block's landing. */
void backend_context_go(void *ucontext, const uint8_t *code);
/* If the fault at address is the end of the return stack: drops its contents so that the instruction can be run again. */
bool backend_return_stack_fault(struct hart *h, uintptr_t address, void *ucontext);

/* One line of host features in use, for `riv info`. */
const char *backend_features(char *buf, size_t n);
/* Disassembles host code for -d out_asm; false where no disassembler library can be loaded. */
bool backend_disassemble(const uint8_t *code, size_t size, FILE *to);

#endif
