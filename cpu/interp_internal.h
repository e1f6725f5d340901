/* interp_internal.h: what the interpreter's parts share: operations, blocks and the cache that holds them.
 *
 * Guest code is decoded into blocks: one entry, then straight on past branches that are not taken, up to a jump that
 * must go elsewhere.  A block is a header and an array of 16-byte operations behind it:
 *
 *      header | slli add | bne | link | lw | bge | link | goto | link      then one pc offset per operation
 *
 * An operation starts with the address of the code that interprets it.  What does not fit (where a branch goes, the
 * address behind a call) is in the operation-sized record after it, which is never dispatched.  Operations that are
 * interpreted together (cpu/interp_fuse.def) keep their own records; only the first one's code address differs.
 */
#ifndef CPU_INTERP_INTERNAL_H
#define CPU_INTERP_INTERNAL_H

#include "interp.h"

#define LIKELY(c) __builtin_expect(!!(c), 1)
#define UNLIKELY(c) __builtin_expect(!!(c), 0)
#define ALWAYS_INLINE inline __attribute__((always_inline))

/* What an operation does: an instruction's id, or one of these. */
enum op_kind {
    OP_FIRST_FORM = INSN_COUNT - 1,
#define FORM(name, base, a, b, shape) OP_##name,
#include "interp_fuse.def"
    OP_GOTO,       /* the block ends: go on at the linked block */
    OP_STEPPED,    /* the end of what interp_step executes at once */
    OP_MISALIGNED, /* a jump to an address that is not a multiple of 4, without C */
    OP_SLOW_JALR,  /* one that does not look in the jump cache */
    OP_FS_DIRTY,   /* system mode: a floating-point instruction follows, and mstatus.FS is not dirty yet */
    OP_COUNT,
    OP_FIRST_FUSED = OP_COUNT - 1, /* so that the first fused one is OP_COUNT */
#define FUSE2(a, b, b1, b2, dead) OP_##a##_##b##_##b1##b2##dead,
#define FUSE3(a, b, c, b1, b2, c1, c2, dead) OP_##a##_##b##_##c##_##b1##b2##c1##c2##dead,
#include "interp_fuse.def"
    OP_ALL
};

struct op {
    union {
        const void *go;  /* where the loop interprets it */
        struct op *link; /* in a record that follows a branch or jump: the block it leads to */
        uint64_t seen;   /* after jalr: where it has led, SEEN_NONE or SEEN_SEVERAL */
    };
    union {
        struct {
            int32_t imm; /* for fused multiply-add: rs3; for illegal instructions the encoding */
            union {
                struct {
                    uint8_t rs1, rs2; /* 0 where not used */
                    uint8_t rd;       /* 0 is turned to 32 where an x register is written */
                    uint8_t aux;      /* rounding mode */
                };
                uint32_t regs; /* the same, so that one load gets them all */
            };
        };
        uint64_t value; /* after auipc: its pc; after jal and jalr: the next instruction's */
        struct {
            uint32_t exits, behind;
        }; /* after a branch: times taken, instructions of the block behind it */
    };
};
_Static_assert(sizeof(struct op) == 16, "operations are 16 bytes");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "op.regs and guest memory are little-endian");

enum { SEEN_NONE, SEEN_SEVERAL };

enum { BLOCK_UNWATCHED = 1, BLOCK_DEAD = 2, BLOCK_COLD = 4, BLOCK_UNKEPT = 8 /* a draft that must not be kept */ };

struct block {
    struct block *hash_next;
    struct block *list_next; /* all blocks of the interpreter */
    uint64_t pc;
    int64_t entered; /* entered + count is how often the block was entered */
    uint16_t ops, insns;
    uint32_t flags;    /* BLOCK_* */
    struct block *page_next; /* system mode: blocks of RAM pages with the same hash */
    uint64_t where;          /* system mode: RAM page * FS_STATES + the FS state it was decoded for */
    uint16_t *offsets; /* by operation: where its instruction is, in units of two bytes from pc; or OFFSET_* */
    const void *mark;  /* tells a header from operations: interp_op_pc looks backwards for it */
    int32_t count;     /* counts up; at zero the block is hot, dead, or the count must be folded into entered */
    uint32_t unused;
};
_Static_assert(sizeof(struct block) == 80 && offsetof(struct block, mark) == sizeof(struct block) - 16,
               "op_pc steps backwards in units of operations");

static inline struct block *block_of(struct op *first) { return (struct block *)(void *)first - 1; }
static inline struct op *block_ops(struct block *b) { return (struct op *)(void *)(b + 1); }

/* In block.offsets: a record that is not an operation, and one that counts how often a branch was taken. */
enum { OFFSET_RECORD = 0xffff, OFFSET_LINK = 0xfffe };

enum { BLOCK_MAX_INSNS = 64, BLOCK_MAX_OPS = 2 * BLOCK_MAX_INSNS + 4 };
enum { JUMP_CACHE_SIZE = 2048, PAGE_LISTS = 4096, JUMP_CONTEXTS = 9 /* 3 privileges * 3 FS states */ };

struct jump_entry {
    uint64_t pc; /* odd: empty */
    struct op *first;
};

enum { FUSE_SLOTS = 512 };

enum { SEQUENCE_WAITS = 255 }; /* an LR's rs2: a WRS follows before any SC */
#define ANY_SC UINT64_C(1) /* never an instruction's address */

/* A block before it has its place. */
struct draft {
    struct block head;
    struct op ops[BLOCK_MAX_OPS];
    uint16_t offsets[BLOCK_MAX_OPS]; /* in units of two bytes from the block's pc */
    uint16_t kinds[BLOCK_MAX_OPS];   /* enum op_kind */
};

struct interp {
    struct guest_memory mem;
    const void *const *labels; /* by enum op_kind */
    enum interp_stop (*loop)(struct hart *h, struct op *ip, const void *const **labels);
    struct jump_entry *jump; /* by pc: the first place where computed jumps look */
    struct {
        struct block head;
        struct op op;
    } unresolved; /* where branches lead that were not yet taken */

    struct block **hash;
    size_t hash_size, block_count;
    struct block *blocks;
    struct chunk *chunks;
    size_t chunk_used, chunk_total;
    bool any_unwatched;

    const struct interp_hooks *hooks; /* NULL: none */
    unsigned hot_threshold;
    bool stepping;         /* nothing is linked or kept */
    bool in_exclusive;     /* other harts are stopped by interp_exclusive */
    bool in_round;         /* interp_run_round: hot blocks are interpreted as well */
    bool alone;            /* counted runs: the instruction at hart.pc accesses a device, and is executed by itself */
    enum interp_stop stop; /* why interp_enter, interp_jump or interp_follow gave no operation */
    uint64_t decode_pc;    /* what is being decoded while hart.interp_ip is NULL */
    uint64_t retired;      /* instructions of blocks that are gone, and stepped ones */
    uint64_t sequence_end; /* where the SC is that belongs to the LR executed last, or ANY_SC */
    uint64_t jump_target;  /* from the loop to interp_jump */
    uint32_t generation;   /* counts flushes: operations from before one are gone */
    unsigned pauses;
    uint16_t fuse_first[FUSE_SLOTS]; /* heads and links of lists: the fused forms by their first two kinds, 0: none */
    uint16_t *fuse_next;
    struct draft *draft;

    /* system mode */
    struct guest_memory lift_mem; /* for the translator: watches nothing anew */
    uint64_t where;             /* block.where of what is looked up or decoded */
    unsigned context;           /* whose jump cache is in use */
    struct jump_entry *jumps[JUMP_CONTEXTS]; /* NULL until first used; jump is one of them */
    struct block **page_lists;  /* by page, modulo PAGE_LISTS */
};

extern const char interp_block_mark; /* its address is block.mark */

/* Not a result of interp_run: an LR that must be run with other harts stopped. */
#define INTERP_EXCLUSIVE ((enum interp_stop)(INTERP_REACHED + 1))
/* Nor this: the instruction at hart.pc must be decoded each time it is executed. */
#define INTERP_UNKEPT ((enum interp_stop)(INTERP_REACHED + 2))

/* interp64.c, interp32.c: interpret from ip on; with ip NULL only hands out the code addresses. */
enum interp_stop interp64_loop(struct hart *h, struct op *ip, const void *const **labels);
enum interp_stop interp32_loop(struct hart *h, struct op *ip, const void *const **labels);
/* interp64s.c, interp32s.c: the same for harts with a board. */
enum interp_stop interp64s_loop(struct hart *h, struct op *ip, const void *const **labels);
enum interp_stop interp32s_loop(struct hart *h, struct op *ip, const void *const **labels);

/* interp.c: each gives the operation to go on with, or NULL with interp.stop set and hart.pc exact. */
struct op *interp_enter(struct hart *h, uint64_t pc);      /* the block at pc */
struct op *interp_follow(struct hart *h, struct op *from); /* what a branch, jump or end of block links to;
                                                              the link's count was raised already */
struct op *interp_jump(struct hart *h, struct op *from, uint64_t target); /* jalr: writes rd as well */
uint64_t interp_op_pc(struct op *op);
void interp_come_in(struct hart *h); /* around anything that interprets */
void interp_go_out(struct hart *h);
enum interp_stop interp_step_one(struct hart *h);           /* from its own decoding */
enum interp_stop interp_run_sequence_alone(struct hart *h); /* after INTERP_EXCLUSIVE */
/* A jump cache, empty; NULL: no memory.  And to empty it, which costs what was filled only: address spaces change often. */
struct jump_entry *interp_make_jumps(void);
void interp_clear_jumps(struct jump_entry *jump);
enum interp_stop interp_run_system(struct hart *h); /* interp_privileged.c: interp_run with a board */
enum interp_stop interp_step_system(struct hart *h, uint64_t n);
void interp_system_init(struct hart *h);
/* interp_counted.c: one block, or one instruction, in a counted run; and what a fault in it has executed. */
enum interp_stop interp_run_counted(struct hart *h);
enum interp_stop interp_step_counted(struct hart *h);
/* Before an instruction: the board is asked where its count has been reached.  True: it was. */
bool interp_counted_reached(struct hart *h);
void interp_counted_fault(struct hart *h);
bool interp_place(struct hart *h, uint64_t pc); /* sets interp.where; false: interp.stop says why, hart.pc is pc */
/* Fills in hart.trap and hart.pc for the instruction at op; the illegal one finds the encoding itself. */
void interp_trap(struct hart *h, struct op *op, uint32_t cause, uint64_t tval);
void interp_illegal(struct hart *h, struct op *op);
/* Host flags: start with none; move those raised since into hart.fflags. */
void interp_fp_begin(struct hart *h);
void interp_fp_collect(struct hart *h);

/* interp_count.c: instructions executed in a block so far. */
uint64_t interp_block_retired(struct block *b);

/* interp_decode.c: the draft of a block at pc of at most max instructions; 0 with hart.trap set where nothing can be
 * fetched there.  plain: operations are neither fused nor specialised. */
bool interp_decode(struct hart *h, uint64_t pc, unsigned max, bool plain);
bool interp_decode_init(struct interp *in);
/* Reads the instruction at pc: its bits, or false with *cause and *at (where fetching failed). */
bool interp_fetch(struct interp *in, uint64_t pc, uint32_t *bits, uint32_t *cause, uint64_t *at);

/* interp_system.c: what is too large for the loop.  They return enum system_result. */
enum system_result {
    SYSTEM_NEXT,
    SYSTEM_TRAP,
    SYSTEM_FENCE_I,
    SYSTEM_PENDING,
    SYSTEM_EXCLUSIVE,
    SYSTEM_RESUME, /* go on at hart.pc, after a look at interrupts and the mode */
    SYSTEM_WFI,
};
uint64_t interp_csr(struct hart *h, struct op *op, uint64_t operand, unsigned csr_op);
uint64_t interp_lr(struct hart *h, struct op *op, uint64_t address, unsigned bits);
uint64_t interp_sc(struct hart *h, struct op *op, uint64_t address, uint64_t value, unsigned bits);
uint64_t interp_amocas(struct hart *h, struct op *op, uint64_t address, unsigned bits);
uint64_t interp_fence_i(struct hart *h, struct op *op);
uint64_t interp_pause(struct hart *h, struct op *op);
uint64_t interp_cbo_zero(struct hart *h, struct op *op, uint64_t address);
uint64_t interp_ecall(struct hart *h, struct op *op);
/* The privileged instructions: in user mode they are not decoded.  interp_privileged.c. */
enum cbo { CBO_INVAL, CBO_CLEAN, CBO_FLUSH };
uint64_t interp_cbo(struct hart *h, struct op *op, uint64_t address, enum cbo what);
uint64_t interp_mret(struct hart *h, struct op *op);
uint64_t interp_sret(struct hart *h, struct op *op);
uint64_t interp_wfi(struct hart *h, struct op *op);
uint64_t interp_sfence(struct hart *h, struct op *op, uint64_t address);
uint64_t interp_sfence_order(struct hart *h, struct op *op);
uint64_t interp_fs_dirty(struct hart *h, struct op *op);
/* Loads and stores that the TLB has no answer for; a fault leaves by hart.fault_jmp. */
uint64_t interp_load(struct hart *h, struct op *op, uint64_t va, unsigned size);
void interp_store(struct hart *h, struct op *op, uint64_t va, unsigned size, uint64_t value);
/* Host memory for an atomic access or cbo.zero. */
void *interp_memory(struct hart *h, struct op *op, uint64_t va, unsigned size, bool write);
/* Memory of a cache block that is to be written; faults name the address that the instruction has. */
void *interp_cache_block(struct hart *h, struct op *op, uint64_t block, uint64_t address);
enum amo { AMO_SWAP, AMO_ADD, AMO_XOR, AMO_AND, AMO_OR, AMO_MIN, AMO_MAX, AMO_MINU, AMO_MAXU };
uint64_t interp_amo(struct hart *h, struct op *op, uint64_t address, uint64_t value, enum amo what, unsigned bits);

#endif
