/* reference_machine.h: a second model of a hart's privileged architecture, for tests: written from the privileged manual alone,
 * without caches and without regard for speed.  It shares no code with cpu/.
 *
 * Where the manual leaves a choice the model takes the one that riv documents; each is marked "choice" in the source.  One
 * hart, RAM at one place, nothing else at any address.
 */
#ifndef TESTS_DIFF_REFERENCE_MACHINE_H
#define TESTS_DIFF_REFERENCE_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

enum { REF_LOAD, REF_STORE, REF_FETCH };
enum { REF_OK = -1 }; /* no exception; else its cause */

struct ref_machine {
    unsigned xlen;
    uint8_t *ram;
    uint64_t ram_base, ram_size;
    uint64_t time;
    uint64_t written_first, written_last; /* RAM offsets that the last step has written; first > last: none */

    uint64_t x[32], pc; /* on RV32 x and CSRs are zero-extended here */
    unsigned priv;
    uint64_t mstatus, misa, medeleg, mideleg, mie, mtvec, mcounteren, menvcfg, mscratch, mepc, mcause, mtval;
    uint64_t scounteren, senvcfg, stvec, sscratch, sepc, scause, stval, satp, stimecmp, mstateen[4];
    uint64_t wires, soft; /* mip: lines of devices, bits that software has written */
    uint64_t mcycle, minstret;
    bool cycle_written, instret_written; /* by the instruction under way */
    uint8_t pmpcfg[16];
    uint64_t pmpaddr[16];
    unsigned fflags, frm;
    bool counters_known; /* mcycle and minstret count exactly */
    bool unknown_read;   /* the instruction has read one that does not */
    struct {             /* what has happened so far, for tests to see that everything has */
        unsigned leaves[6][5], napot, memory_types, updates, denied[3]; /* leaves by levels of the mode and its own */
    } seen;
};

void ref_reset(struct ref_machine *m);

/* Section "Virtual Address Translation Process", with PMP and access faults: the physical address of a naturally aligned
 * piece of size bytes at va.  look: A and D stay.  REF_OK or the cause. */
int ref_translate(struct ref_machine *m, uint64_t va, unsigned size, int access, bool look, uint64_t *pa);

/* A CSR instruction: op 0 RW, 1 RS, 2 RC.  False: illegal.  *unknown: the value depends on the host. */
bool ref_csr(struct ref_machine *m, unsigned number, unsigned op, uint64_t operand, bool reads, bool writes, uint64_t *old,
             bool *unknown);
/* What the CSR holds, whatever the privilege. */
bool ref_csr_peek(struct ref_machine *m, unsigned number, uint64_t *value, bool *unknown);

/* Takes an interrupt where one is due. */
void ref_interrupt(struct ref_machine *m);
/* One instruction at pc, after that. */
void ref_step(struct ref_machine *m);
/* Whether wfi would go on at once. */
bool ref_interrupt_waits(const struct ref_machine *m);

#endif
