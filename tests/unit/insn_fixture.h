/* insn_fixture.h: what the tests of decoding share.  Include it behind cmocka.h. */
#ifndef TESTS_UNIT_INSN_FIXTURE_H
#define TESTS_UNIT_INSN_FIXTURE_H

#include "../../cpu/insn.h"

/* Random, but the same in every run. */
static uint64_t random_state = 0x9e3779b97f4a7c15;

static inline uint32_t random_u32(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state >> 16;
}

static inline struct isa parse(const char *name) {
    struct isa isa;
    char err[200] = "";
    if (!isa_parse(&isa, name, err, sizeof err))
        fail_msg("%s: %s", name, err);
    return isa;
}

static inline struct insn decode(const struct isa *isa, uint32_t x) {
    struct insn insn;
    insn_decode(isa, x, &insn);
    return insn;
}

/* Also checks what holds for every decoded instruction, and that an illegal one has no operands. */
static inline bool is_illegal(const struct isa *isa, uint32_t x) {
    struct insn insn = decode(isa, x);
    assert_int_equal(insn.bits, insn_length(x) == 2 ? x & 0xffff : x);
    assert_int_equal(insn.len, insn_length(x));
    if (insn.id == INSN_ILLEGAL)
        assert_true(!insn.rd && !insn.rs1 && !insn.rs2 && !insn.rs3 && !insn.rm && !insn.imm);
    return insn.id == INSN_ILLEGAL;
}

#endif
