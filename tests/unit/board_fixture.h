/* board_fixture.h: a hart with a board of RAM, one register that ends the run and one that logs, for tests of system mode.
 *
 *      0x00100000  finisher: a store of v ends engine_run, fixture.code = v
 *      0x00100008  log: what is stored is noted
 *      0x80000000  RAM, 4 MiB; the program is put at its start
 */
#ifndef TESTS_UNIT_BOARD_FIXTURE_H
#define TESTS_UNIT_BOARD_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "../../cpu/system.h"
#include "../../translate/engine.h"
#include "../../cli/fuzz/encode.h"

#define FINISHER UINT64_C(0x00100000)
#define LOG UINT64_C(0x00100008)
#define RAM UINT64_C(0x80000000)
enum { RAM_SIZE = 4 << 20, MAX_HARTS = 4, MAX_LOG = 64 };

struct board {
    struct bus bus;
    struct bus_ram ram;
    struct isa isa;
    struct engine *engine;
    struct hart harts[MAX_HARTS];
    unsigned hart_count;
    uint64_t code, log[MAX_LOG], now, stimecmp;
    unsigned logged;
    uint32_t *at; /* where board_emit puts the next instruction */
};

void board_start(struct board *b, const char *isa, unsigned harts);
void board_start_counted(struct board *b, const char *isa); /* one hart, a counted run */
void board_stop(struct board *b);
/* Runs hart 0 until the finisher is written; gives its code. */
uint64_t board_run(struct board *b);

static inline uint8_t *board_memory(struct board *b, uint64_t pa) { return b->ram.host + (pa - RAM); }
static inline void board_put(struct board *b, uint64_t pa, uint64_t v, unsigned size) {
    memcpy(board_memory(b, pa), &v, size);
}
static inline uint64_t board_get(struct board *b, uint64_t pa, unsigned size) {
    uint64_t v = 0;
    memcpy(&v, board_memory(b, pa), size);
    return v;
}

/* Instructions, in a row from the place of the last board_org on. */
void board_org(struct board *b, uint64_t pa);
void board_emit(struct board *b, uint32_t bits);
uint64_t board_here(const struct board *b);
static inline uint32_t enc(enum insn_id id, unsigned rd, unsigned rs1, unsigned rs2, int32_t imm) {
    struct insn insn = {.id = (uint16_t)id, .rd = (uint8_t)rd, .rs1 = (uint8_t)rs1, .rs2 = (uint8_t)rs2, .imm = imm};
    return encode_insn(&insn);
}
/* lui and addi: a 32-bit constant, sign-extended on RV64. */
void board_li(struct board *b, unsigned rd, int32_t value);
/* The same for an address below 4 GiB, not sign-extended on RV64. */
void board_la(struct board *b, unsigned rd, uint64_t address);
/* Ends the run with the code in a register, or with a constant; t6 is used. */
void board_finish(struct board *b, unsigned reg);
void board_finish_with(struct board *b, int32_t code);
#define EMIT(b, id, rd, rs1, rs2, imm) board_emit(b, enc(INSN_##id, rd, rs1, rs2, imm))
#define CSRR(b, rd, csr) EMIT(b, csrrs, rd, 0, 0, csr)
#define CSRW(b, csr, rs) EMIT(b, csrrw, 0, rs, 0, csr)

enum { ZERO, RA, SP, GP, TP, T0, T1, T2, S0, S1, A0, A1, A2, A3, A4, A5, A6, A7, T3 = 28, T4, T5, T6 };

#endif
