/* interp_fixture.h: a hart with an interpreter, a page of code and a page of data, for the interpreter's tests.
 *
 * Guest addresses are host addresses, so the pages are mapped low enough for RV32.  A host fault comes back from
 * fixture_run as INTERP_TRAP with the cause FIXTURE_HOST_FAULT, as the engine would do it.
 */
#ifndef TESTS_UNIT_INTERP_FIXTURE_H
#define TESTS_UNIT_INTERP_FIXTURE_H

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../../cpu/interp.h"
#include "../../cli/fuzz/encode.h"

#define CODE ((uint64_t)0x20000000)
#define DATA ((uint64_t)0x20004000)
#define HOLE ((uint64_t)0x20006000) /* nothing is mapped there */
enum { PAGE = 4096, CODE_PAGES = 2, FIXTURE_HOST_FAULT = 100 };

struct fixture {
    struct hart h;
    struct isa isa;
    struct guest_memory mem;
    uint64_t code_end; /* fetching fails from here on */
    uint32_t *at;      /* where fixture_emit puts the next instruction */
    bool watched;
    unsigned fetches, fence_is, begins, ends;
    bool stop_others; /* what exclusive_begin answers */
};

extern struct fixture *fixture_running;

void fixture_start(struct fixture *f, const char *isa, unsigned hot);
void fixture_stop(struct fixture *f);
/* Instructions, 4 bytes each, in a row from CODE on. */
void fixture_emit(struct fixture *f, uint32_t bits);
static inline uint32_t enc(enum insn_id id, unsigned rd, unsigned rs1, unsigned rs2, int32_t imm) {
    struct insn insn = {.id = (uint16_t)id, .rd = (uint8_t)rd, .rs1 = (uint8_t)rs1, .rs2 = (uint8_t)rs2, .imm = imm};
    return encode_insn(&insn);
}
/* The same with a rounding mode (or rs3's number in imm for fused multiply-add). */
static inline uint32_t enc_rm(enum insn_id id, unsigned rd, unsigned rs1, unsigned rs2, unsigned rm) {
    struct insn insn = {
        .id = (uint16_t)id, .rd = (uint8_t)rd, .rs1 = (uint8_t)rs1, .rs2 = (uint8_t)rs2, .rm = (uint8_t)rm};
    return encode_insn(&insn);
}
enum { ZERO, RA, SP, GP, TP, T0, T1, T2, S0, S1, A0, A1, A2, A3, A4, A5 };

enum interp_stop fixture_run(struct fixture *f); /* from hart.pc */
enum interp_stop fixture_step(struct fixture *f, uint64_t n);
enum interp_stop fixture_exclusive(struct fixture *f);

#endif
