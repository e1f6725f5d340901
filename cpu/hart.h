/* hart.h: the state of one guest hart, and why it stopped.
 *
 * One struct, no globals: several harts and several machines live in one process.  Hot fields come first; generated code
 * addresses the struct through a base register that points at x[16], so that every x register is within a signed byte:
 *
 *      base-128                base                base+127
 *        x0 ... x15             x16 ... x31          sink, f0 ...
 */
#ifndef CPU_HART_H
#define CPU_HART_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct isa;
struct insn;
struct system;
struct tlb;

/* Trap causes, as in mcause (privileged manual, table "Machine cause register values"). */
enum trap_cause {
    TRAP_FETCH_MISALIGNED = 0,
    TRAP_FETCH_ACCESS = 1,
    TRAP_ILLEGAL = 2,
    TRAP_BREAKPOINT = 3,
    TRAP_LOAD_MISALIGNED = 4,
    TRAP_LOAD_ACCESS = 5,
    TRAP_STORE_MISALIGNED = 6,
    TRAP_STORE_ACCESS = 7,
    TRAP_ECALL_U = 8,
    TRAP_ECALL_S = 9,
    TRAP_ECALL_M = 11,
    TRAP_FETCH_PAGE = 12,
    TRAP_LOAD_PAGE = 13,
    TRAP_STORE_PAGE = 15,
    TRAP_NONE = 64,
};

/* Bits of hart.pending, set by others with an atomic or; each makes the hart leave at its next poll. */
enum {
    PENDING_USER = 1,  /* the embedder wants control (a signal is waiting): engine_run returns STOP_PENDING */
    PENDING_PARK = 2,  /* the engine wants every hart outside of guest code (stop-the-world) */
    PENDING_SYNC = 4,  /* code was invalidated: drop decoded blocks */
    PENDING_FENCE = 8, /* a fence.i: drop decoded blocks of pages without a watch */
    PENDING_INTERRUPT = 16, /* system mode: mip has changed; served inside engine_run */
    PENDING_CODE = 32,      /* system mode: pages that code was decoded from were written; served inside engine_run */
};

/* fflags (unprivileged manual, "Floating-Point Control and Status Register") */
enum { FFLAG_NX = 1, FFLAG_UF = 2, FFLAG_OF = 4, FFLAG_DZ = 8, FFLAG_NV = 16 };
enum { RM_RNE = 0, RM_RTZ = 1, RM_RDN = 2, RM_RUP = 3, RM_RMM = 4, RM_DYN = 7 };

struct trap {
    uint32_t cause;       /* enum trap_cause */
    uint32_t host_signal; /* for memory faults met as a host signal: its number and si_code, else 0 */
    int32_t host_code;
    uint64_t tval;        /* the faulting address, or the illegal instruction's bits */
};

struct hart {
    uint64_t x[33]; /* x[32] swallows what the interpreter writes to x0; on RV32 values are sign-extended */
    uint64_t f[32]; /* raw bits; narrower formats are NaN-boxed */
    uint64_t pc;
    uint32_t pending;   /* PENDING_*; atomic */
    uint32_t host_fpcr; /* the host's FP control and status word while guest FP state is not in the host FPU */
    uint8_t fflags;     /* flags accumulated in software; complete only after the engine has folded the host's in */
    uint8_t frm;        /* 0 to 7 as written; 5 to 7 are invalid */
    uint8_t xlen;       /* 32 or 64 */
    uint8_t interp_fp;  /* the interpreter has used the host FPU since flags were last collected */

    /* LR/SC: valid while res_valid; see translate/atomics in docs/architecture.md */
    uint8_t res_valid;
    uint8_t res_size;
    uint64_t res_addr;
    uint64_t res_value;
    /* An LR with a WRS behind it only waits for a change: it is a load, and makes no reservation.  Where an SC is met after
     * all, the SC fails and the LR is strict from then on. */
    uint64_t wait_lr;      /* its pc, while no other LR has followed; else 0 */
    uint64_t new_strict;   /* one that became strict, for the engine to translate anew; else 0 */
    uint64_t strict_lr[4]; /* a bit for each address, which others share: hart_lr_is_strict */

    /* engine: set up by engine_hart_init, private to translate/ */
    void *jump_cache;    /* table probed by generated code for indirect jumps */
    uint64_t host_sp;    /* C stack pointer while generated code runs */
    uint64_t return_sp;  /* return stack pointer while it does not */
    uint64_t return_low; /* its lowest address; below it is a guard page */
    uint64_t return_top; /* where the empty return stack's sentinel is */
    uint64_t call_arg[3], call_imm, call_fn, call_result; /* a helper call's operands */
    uint64_t cas_arg[4], cas_saved[2]; /* a 16-byte compare-and-exchange: operands, host registers put aside */
    uint64_t leave_stub, call_stub, lookup_stub;          /* code that every block shares */
    uint64_t spill[24];  /* values generated code puts aside */
    uint64_t stat[4];    /* counters bumped by generated code when statistics are on */
    uint32_t host_fpcr_default;
    uint32_t fault_canon_d, fault_canon_s, fault_box; /* f registers that a fault left to be finished */
    uint8_t flag_table[64]; /* the host's FP flags as fflags has them */
    _Alignas(16) uint64_t pool[16]; /* constants for generated code, two words each */

    struct trap trap;    /* valid after STOP_TRAP */
    const struct isa *isa;
    struct engine_hart *engine;
    struct interp *interp;
    const struct insn *interp_ip; /* the instruction being interpreted; valid while in_interp */
    volatile uint8_t in_interp, in_code;
    sigjmp_buf fault_jmp; /* where a host fault inside the interpreter resumes */
    void *user;           /* the embedder's */
    uint64_t *record_at, *record_limit; /* end of the buffer of records; where it counts as full */
    uint64_t *record_end; /* where it is full even for a block that follows one that was cut off */
    uint64_t record_fp;   /* floating-point state may have changed since it was last recorded */
    uint64_t state_stub;  /* records the registers with which a block is entered */
    uint64_t count_left;  /* counted runs: instructions that generated code may still execute; blocks take theirs in advance */

    uint64_t id;          /* mhartid; set before engine_hart_init */
    struct system *sys;   /* the privileged architecture's state (cpu/system.h); NULL in user mode */
    uint64_t tlb_stub;    /* generated code's way to engine_tlb_slow */
    struct tlb *tlb;      /* what loads and stores probe in system mode: one of sys->tlb */
};

static inline unsigned hart_strict_bit(uint64_t pc) { return (unsigned)(pc >> 1 ^ pc >> 12) & 255; }
static inline bool hart_lr_is_strict(const struct hart *h, uint64_t pc) {
    unsigned bit = hart_strict_bit(pc);
    return h->strict_lr[bit / 64] >> bit % 64 & 1;
}

#define HART_BASE_OFFSET offsetof(struct hart, x[16])
_Static_assert(HART_BASE_OFFSET == 128, "x registers are addressed with signed bytes from x[16]");

#endif
