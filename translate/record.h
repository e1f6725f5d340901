/* record.h: what the engine tells about the instructions it executes, whichever engine executes them.
 *
 *      0x10074  sd a0,8(sp)         RECORD_INSN  address 0x10074, bits 0x00a13423
 *                                   RECORD_STORE address 0x3ffff8, size 8, value of a0
 *      0x10078  amoadd.w a0,a1,(a2) RECORD_INSN, RECORD_LOAD (old value), RECORD_STORE (new value), RECORD_X reg 10
 *
 * An instruction that has been completed gives RECORD_INSN and then its effects, in the order of enum record_kind.  One that
 * traps gives no effect, only RECORD_TRAP (an ecall too); so does an interrupt, in front of the instruction that it keeps from
 * being executed.  Addresses are the guest's virtual ones.  The stream of a hart is the same for the interpreter and the
 * translator; what is not recorded: registers changed from outside (system calls, signals), told by observer.resume.
 */
#ifndef TRANSLATE_RECORD_H
#define TRANSLATE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hart;

enum record_kind {
    RECORD_INSN,  /* address: pc; bits: the encoding, 16 bits for compressed ones; size: its length */
    RECORD_LOAD,  /* address; size in bytes; value: the bytes read, zero-extended */
    RECORD_STORE, /* the same for bytes written; not given for an SC that failed or an amocas that did not exchange */
    RECORD_CSR,   /* bits: the CSR's number; value: what it holds after the write.  Also for fflags after an instruction that
                     raised a flag, whether or not it was raised before; in system mode for mstatus after mret, sret and the
                     first change of floating-point state, and beside sstatus, sie and sip for mstatus, mie and mip */
    RECORD_X,     /* reg: 1 to 31; value, on RV32 sign-extended to 64 bits */
    RECORD_F,     /* reg: 0 to 31; value: all 64 bits of the register */
    RECORD_TRAP,  /* address: pc; reg: enum trap_cause; bits, size: the encoding, 0 where it cannot be fetched; value: tval.
                     With RECORD_INTERRUPT reg is the interrupt's number, the rest is 0 */
    RECORD_KINDS
};
enum { RECORD_PRIVILEGE = 3, RECORD_INTERRUPT = 4 };
#define RECORD_BIT(kind) (1u << (kind))
#define RECORD_ALL (RECORD_BIT(RECORD_KINDS) - 1)

struct record {
    uint8_t kind; /* enum record_kind */
    uint8_t size, reg, flags; /* flags: the privilege it was executed with (PRIV_*, 0 in user mode), RECORD_INTERRUPT */
    uint32_t bits;
    uint64_t address, value;
};

/* What a block did up to one of its exits, or instructions that were interpreted: for observers with `stretches`, which read the
 * words of generated code themselves (record_words.h). */
struct record_part;
struct record_stretch {
    struct record_part *part; /* NULL: records has all there is */
    const uint64_t *words;    /* of the block's segment; if has_state, the state before it is in front of the others */
    union {
        void *data; /* the part's, as it was when the stretch was told */
        const struct record *records;
    };
    uint32_t record_count;
    uint16_t insns; /* completed ones: all of the segment's but where a trap or an interpreted instruction is next */
    bool has_state;
};

/* Who is told, in engine_config.  Everything is called on the thread that runs the hart, outside of the engine's locks; harts
 * run in parallel. */
struct observer {
    void *ctx;
    unsigned kinds; /* RECORD_BITs of what is given to records; 0: nothing is recorded */
    /* Of these instructions there are records, others run at full speed.  NULL: of all.  Must give the same answer always. */
    bool (*filter)(void *ctx, uint64_t pc);
    /* Records in order of execution, in batches; on return they are gone. */
    void (*records)(void *ctx, struct hart *h, const struct record *r, size_t n);
    /* h's registers and pc are exact and may differ from what the records so far say: at each entry to engine_run, and when
     * code is entered that the filter lets through.  May be NULL. */
    void (*resume)(void *ctx, struct hart *h);
    /* Blocks are not linked, and after each (or part of one that ends in a trap, in system mode with the handler being next) this
     * is called, h being exact at pc; all
     * records have been given before.  With engine_config.max_insns = 1: after each instruction.  NULL: blocks are linked. */
    void (*block)(void *ctx, struct hart *h);
    /* Instead of records and block: everything since the last call, in order, h being exact behind it. Each block tells the
     * registers with which it was entered, and each interpreted instruction as well.  Blocks are linked.  User mode only.
     * See engine_stretch_on. */
    void (*stretches)(void *ctx, struct hart *h, const struct record_stretch *s, size_t n);
};

#endif
