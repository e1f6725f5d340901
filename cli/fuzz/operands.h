/* operands.h: what registers and memory hold when a program starts: corner cases are common. */
#ifndef CLI_FUZZ_OPERANDS_H
#define CLI_FUZZ_OPERANDS_H

#include <stdint.h>

/* r is the state of program_random. */
uint64_t operand_x(uint64_t *r);
/* 64 raw bits: doubles, boxed and unboxed singles and halves: every class of number, signalling and quiet NaNs. */
uint64_t operand_f(uint64_t *r);

/* Most of f becomes zero or one other number of a format, with either sign: some things happen only to operands that are equal or
 * opposite. */
void operands_alike(uint64_t *r, uint64_t f[32]);

/* What a value is, for coverage. */
enum operand_class {
    CLASS_ZERO,
    CLASS_ONE,
    CLASS_MINUS_ONE,
    CLASS_MIN_32,
    CLASS_MAX_32,
    CLASS_MIN_64,
    CLASS_MAX_64,
    CLASS_SMALL,
    CLASS_WORD,
    CLASS_WIDE,
    CLASS_F_ZERO,
    CLASS_F_SUBNORMAL,
    CLASS_F_NORMAL,
    CLASS_F_INFINITE,
    CLASS_F_QUIET,
    CLASS_F_SIGNALLING,
    CLASS_F_UNBOXED,
    OPERAND_CLASSES
};
extern const char *const operand_class_names[OPERAND_CLASSES];
enum operand_class operand_class_x(uint64_t v);
/* bits: 16, 32 or 64, the format that the instruction reads. */
enum operand_class operand_class_f(uint64_t v, unsigned bits);

#endif
