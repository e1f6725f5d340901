/* ir_fixture.h: what the tests of the IR share: blocks from text and as text, values worth trying, random numbers. */
#ifndef TESTS_IR_FIXTURE_H
#define TESTS_IR_FIXTURE_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../translate/ir.h"

/* A block that must be readable; verified too unless that is what is tested. */
static inline struct ir_block *block_read(const char *text) {
    static char err[256];
    struct ir_block *b = malloc(sizeof *b);
    assert_non_null(b);
    if (!ir_parse(b, text, err, sizeof err)) {
        free(b);
        fail_msg("%s\n%s", err, text);
    }
    return b;
}
static inline struct ir_block *block_from(const char *text) {
    char err[256];
    struct ir_block *b = block_read(text);
    if (!ir_verify(b, err, sizeof err))
        fail_msg("%s\n%s", err, text);
    return b;
}
/* Its text, to be freed. */
static inline char *block_text(const struct ir_block *b) {
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    assert_non_null(f);
    ir_print(b, f);
    fclose(f);
    return text;
}

/* A message that does not fit is cut, and no byte behind the buffer is touched. */
static inline void message_is_cut(bool (*fails)(struct ir_block *b, const char *text, char *err, size_t n),
                                  struct ir_block *b, const char *text, size_t length) {
    for (size_t size = 1; size < length + 2; size++) {
        char err[256];
        memset(err, '#', sizeof err);
        assert_false(fails(b, text, err, size));
        assert_int_equal(strlen(err), size <= length ? size - 1 : length);
        for (size_t i = size; i < sizeof err; i++)
            assert_int_equal(err[i], '#');
    }
}
/* A node as it is told, past the builder's simplifications. */
static inline ir_ref node_raw(struct ir_block *b, enum ir_op op, ir_ref a, ir_ref c, ir_ref d, int64_t imm) {
    assert_true(b->count < IR_MAX_NODES);
    b->nodes[b->count] = (struct ir_node){.op = (uint8_t)op, .a = a, .b = c, .c = d, .imm = imm};
    return b->count++;
}

/* An integer operation that depends on nothing but integer operands. */
static inline bool is_integer_op(enum ir_op op) {
    return ir_ops[op].kind == IRK_PURE && ir_ops[op].result == 'I' && ir_ops[op].args[0] == 'I';
}

static const uint64_t corner_values[] = {
    0,
    1,
    2,
    3,
    5,
    7,
    8,
    16,
    24,
    31,
    32,
    33,
    48,
    56,
    63,
    64,
    65,
    0x7f,
    0x80,
    0xff,
    0x100,
    0x7fff,
    0x8000,
    0xffff,
    0x10000,
    0x12345678,
    0x7fffffff,
    0x80000000,
    0x80000001,
    0xffffffff,
    0x100000000,
    0x1ffffffff,
    0x0123456789abcdef,
    0x7fffffff00000000,
    0x7fffffffffffffff,
    0x8000000000000000,
    0x8000000000000001,
    0xfedcba9876543210,
    0xffffffff00000000,
    0xffffffff7fffffff,
    0xffffffff80000000,
    0xffffffff80000001,
    0xffffffffffff8000,
    0xffffffffffffff80,
    0xffffffffffffffe0,
    0xffffffffffffffc0,
    0xfffffffffffffffe,
    0xffffffffffffffff,
};
enum { CORNERS = sizeof corner_values / sizeof *corner_values };

/* xorshift64*: the same sequence on every machine. */
static inline uint64_t random_next(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1dull;
}
static inline unsigned random_below(uint64_t *state, unsigned n) { return (unsigned)((random_next(state) >> 33) % n); }
static inline uint64_t random_value(uint64_t *state) {
    return random_below(state, 4) ? corner_values[random_below(state, CORNERS)] : random_next(state);
}

#endif
