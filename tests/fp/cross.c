/* cross.c: cpu/fp.c against another implementation of RISC-V.  One source, two programs: built for riscv64 it executes
 * each instruction, built for the host it calls the function of cpu/fp.h; both feed themselves the same operands and
 * write one line per instruction and rounding mode with a hash of all results and flags.  The outputs must be equal.
 *
 *      cross COUNT          COUNT cases for each instruction and rounding mode
 *      cross COUNT NAME     writes every case of that instruction, to find the one that differs
 *
 * tests/fp/cross.sh builds, runs and compares.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "operands.h"

struct outcome {
    uint64_t value, flags;
};

struct row {
    const char *name;
    const char *kind;
    const char *format;
    struct outcome (*run)(uint64_t a, uint64_t b, uint64_t c, uint64_t rm);
};

/* One row per instruction: format, kind (operand types, result type), our function, mnemonic.
 * Kinds: F is the format, X an integer register, and h, s, d name a format. */
#define FORMAT_ROWS(f)                                                                                                 \
    ROW(f, FF_F, fp_add_##f, "fadd." #f)                                                                               \
    ROW(f, FF_F, fp_sub_##f, "fsub." #f)                                                                               \
    ROW(f, FF_F, fp_mul_##f, "fmul." #f)                                                                               \
    ROW(f, FF_F, fp_div_##f, "fdiv." #f)                                                                               \
    ROW(f, F_F, fp_sqrt_##f, "fsqrt." #f)                                                                              \
    ROW(f, FFF_F, fp_madd_##f, "fmadd." #f)                                                                            \
    ROW(f, FF_F, fp_min_##f, "fmin." #f)                                                                               \
    ROW(f, FF_F, fp_max_##f, "fmax." #f)                                                                               \
    ROW(f, FF_X, fp_eq_##f, "feq." #f)                                                                                 \
    ROW(f, FF_X, fp_lt_##f, "flt." #f)                                                                                 \
    ROW(f, FF_X, fp_le_##f, "fle." #f)                                                                                 \
    ROW(f, F_X, fp_class_##f, "fclass." #f)                                                                            \
    ROW(f, F_X, fp_to_w_##f, "fcvt.w." #f)                                                                             \
    ROW(f, F_X, fp_to_wu_##f, "fcvt.wu." #f)                                                                           \
    ROW(f, F_X, fp_to_l_##f, "fcvt.l." #f)                                                                             \
    ROW(f, F_X, fp_to_lu_##f, "fcvt.lu." #f)                                                                           \
    ROW(f, X_F, fp_from_w_##f, "fcvt." #f ".w")                                                                        \
    ROW(f, X_F, fp_from_wu_##f, "fcvt." #f ".wu")                                                                      \
    ROW(f, X_F, fp_from_l_##f, "fcvt." #f ".l")                                                                        \
    ROW(f, X_F, fp_from_lu_##f, "fcvt." #f ".lu")
#define CONVERT_ROW(to, from) ROW(from, F_##to, fp_cvt_##to##_##from, "fcvt." #to "." #from)
#define ROWS                                                                                                           \
    FORMAT_ROWS(h)                                                                                                     \
    FORMAT_ROWS(s)                                                                                                     \
    FORMAT_ROWS(d)                                                                                                     \
    CONVERT_ROW(h, s)                                                                                                  \
    CONVERT_ROW(h, d)                                                                                                  \
    CONVERT_ROW(s, h)                                                                                                  \
    CONVERT_ROW(s, d)                                                                                                  \
    CONVERT_ROW(d, h)                                                                                                  \
    CONVERT_ROW(d, s)

#ifdef __riscv

#define WIDTH_h "h"
#define WIDTH_s "w"
#define WIDTH_d "d"
#define MASK_h 0xffffu
#define MASK_s 0xffffffffu
#define MASK_d UINT64_MAX
#define MASK_X UINT64_MAX

#define PUT(f, reg, n) "fmv." WIDTH_##f ".x " reg ", %" n "\n\t"
#define GET(f) "fmv.x." WIDTH_##f " %0, fa0\n\t"
#define RUN(before, insn, after, mask)                                                                                 \
    struct outcome r;                                                                                                  \
    __asm__ volatile("fsrm %5\n\t" before "fsflags x0\n\t" insn "frflags %1\n\t" after                                 \
                     : "=&r"(r.value), "=&r"(r.flags)                                                                  \
                     : "r"(a), "r"(b), "r"(c), "r"(rm)                                                                 \
                     : "fa0", "fa1", "fa2", "fa3");                                                                    \
    r.value &= mask;                                                                                                   \
    return r;

#define ASM_FFF_F(f, m)                                                                                                \
    RUN(PUT(f, "fa1", "2") PUT(f, "fa2", "3") PUT(f, "fa3", "4"), m " fa0, fa1, fa2, fa3\n\t", GET(f), MASK_##f)
#define ASM_FF_F(f, m) RUN(PUT(f, "fa1", "2") PUT(f, "fa2", "3"), m " fa0, fa1, fa2\n\t", GET(f), MASK_##f)
#define ASM_FF_X(f, m) RUN(PUT(f, "fa1", "2") PUT(f, "fa2", "3"), m " %0, fa1, fa2\n\t", "", MASK_X)
#define ASM_F_F(f, m) RUN(PUT(f, "fa1", "2"), m " fa0, fa1\n\t", GET(f), MASK_##f)
#define ASM_F_X(f, m) RUN(PUT(f, "fa1", "2"), m " %0, fa1\n\t", "", MASK_X)
#define ASM_X_F(f, m) RUN("", m " fa0, %2\n\t", GET(f), MASK_##f)
#define ASM_F_h(f, m) RUN(PUT(f, "fa1", "2"), m " fa0, fa1\n\t", GET(h), MASK_h)
#define ASM_F_s(f, m) RUN(PUT(f, "fa1", "2"), m " fa0, fa1\n\t", GET(s), MASK_s)
#define ASM_F_d(f, m) RUN(PUT(f, "fa1", "2"), m " fa0, fa1\n\t", GET(d), MASK_d)

#define ROW(f, kind, function, mnemonic)                                                                               \
    static struct outcome run_##function(uint64_t a, uint64_t b, uint64_t c, uint64_t rm) { ASM_##kind(f, mnemonic) }

#else

#include "cpu/fp.h"

#define ROW(f, kind, function, mnemonic)                                                                               \
    static struct outcome run_##function(uint64_t a, uint64_t b, uint64_t c, uint64_t rm) {                            \
        static struct hart hart;                                                                                       \
        hart.frm = (uint8_t)rm;                                                                                        \
        hart.fflags = 0;                                                                                               \
        uint64_t value = function(&hart, a, b, c, RM_DYN);                                                             \
        return (struct outcome){value, hart.fflags};                                                                   \
    }

#endif

/* clang-format off */
ROWS
#undef ROW

#define ROW(f, kind, function, mnemonic) {mnemonic, #kind, #f, run_##function},
static const struct row rows[] = {ROWS};
/* clang-format on */

static uint64_t operand(struct operands *o, const struct row *row) {
    if (row->kind[0] == 'X')
        return operands_integer(o);
    return *row->format == 'h'   ? operands_float(o, 5, 10)
           : *row->format == 's' ? operands_float(o, 8, 23)
                                 : operands_float(o, 11, 52);
}

int main(int argc, char **argv) {
    long count = argc > 1 ? atol(argv[1]) : 10000;
    const char *only = argc > 2 ? argv[2] : NULL;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        if (only && strcmp(only, row->name) != 0)
            continue;
        for (uint64_t rm = 0; rm <= 4; rm++) {
            struct operands o = {.state = 0x9e3779b97f4a7c15u + i};
            uint64_t hash = 0;
            for (long n = 0; n < count; n++) {
                uint64_t a = operand(&o, row), b = operand(&o, row), c = operand(&o, row);
                struct outcome r = row->run(a, b, c, rm);
                hash = (hash ^ r.value) * 0x100000001b3u;
                hash = (hash ^ r.flags ^ hash >> 32) * 0x100000001b3u;
                if (only)
                    printf("%s rm=%" PRIu64 " %#" PRIx64 " %#" PRIx64 " %#" PRIx64 " -> %#" PRIx64 " flags %#" PRIx64
                           "\n",
                           row->name, rm, a, b, c, r.value, r.flags);
            }
            printf("%s rm=%" PRIu64 " %016" PRIx64 "\n", row->name, rm, hash);
        }
    }
    return 0;
}
