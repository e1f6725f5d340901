/* extensions.h: executing instructions that the assembler may not know, on chosen operands, many times over. */
#ifndef TESTS_GUEST_EXTENSIONS_H
#define TESTS_GUEST_EXTENSIONS_H

#include "check.h"

/* R-type on x registers; opcode 0x33 (OP) or 0x3b (OP-32). */
#define X_OP(opcode, funct3, funct7, a, b)                                                                             \
    ({                                                                                                                 \
        uint64_t r_;                                                                                                   \
        __asm__ volatile(".insn r " #opcode ", " #funct3 ", " #funct7 ", %0, %1, %2"                                   \
                         : "=r"(r_)                                                                                    \
                         : "r"((uint64_t)(a)), "r"((uint64_t)(b)));                                                    \
        r_;                                                                                                            \
    })
/* I-type; the immediate names the operation or the amount. */
#define X_IMM(opcode, funct3, imm, a)                                                                                  \
    ({                                                                                                                 \
        uint64_t r_;                                                                                                   \
        __asm__ volatile(".insn i " #opcode ", " #funct3 ", %0, %1, " #imm : "=r"(r_) : "r"((uint64_t)(a)));           \
        r_;                                                                                                            \
    })
#define F_BITS(d)                                                                                                      \
    ({                                                                                                                 \
        uint64_t u_;                                                                                                   \
        __asm__("fmv.x.d %0, %1" : "=r"(u_) : "f"(d));                                                                 \
        u_;                                                                                                            \
    })
#define F_OF(bits)                                                                                                     \
    ({                                                                                                                 \
        double d_;                                                                                                     \
        __asm__("fmv.d.x %0, %1" : "=f"(d_) : "r"((uint64_t)(bits)));                                                  \
        d_;                                                                                                            \
    })
/* OP-FP (0x53): frd, frs1, frs2 with funct3 as rounding mode or operation. */
#define F_OP(funct3, funct7, a, b)                                                                                     \
    ({                                                                                                                 \
        double r_;                                                                                                     \
        __asm__ volatile(".insn r 0x53, " #funct3 ", " #funct7 ", %0, %1, %2"                                          \
                         : "=f"(r_)                                                                                    \
                         : "f"(F_OF(a)), "f"(F_OF(b)));                                                                \
        F_BITS(r_);                                                                                                    \
    })
/* The same with a constant in the place of rs2. */
#define F_OP1(funct3, funct7, rs2, a)                                                                                  \
    ({                                                                                                                 \
        double r_;                                                                                                     \
        __asm__ volatile(".insn r 0x53, " #funct3 ", " #funct7 ", %0, %1, " #rs2 : "=f"(r_) : "f"(F_OF(a)));           \
        F_BITS(r_);                                                                                                    \
    })
/* To an x register. */
#define FX_OP(funct3, funct7, a, b)                                                                                    \
    ({                                                                                                                 \
        uint64_t r_;                                                                                                   \
        __asm__ volatile(".insn r 0x53, " #funct3 ", " #funct7 ", %0, %1, %2"                                          \
                         : "=r"(r_)                                                                                    \
                         : "f"(F_OF(a)), "f"(F_OF(b)));                                                                \
        r_;                                                                                                            \
    })
#define FX_OP1(funct3, funct7, rs2, a)                                                                                 \
    ({                                                                                                                 \
        uint64_t r_;                                                                                                   \
        __asm__ volatile(".insn r 0x53, " #funct3 ", " #funct7 ", %0, %1, " #rs2 : "=r"(r_) : "f"(F_OF(a)));           \
        r_;                                                                                                            \
    })
static inline unsigned fp_flags(void) {
    unsigned long f;
    __asm__ volatile("fsflags %0, zero" : "=r"(f));
    return (unsigned)f;
}
#define EXPECT(value, want, raised)                                                                                    \
    do {                                                                                                               \
        fp_flags();                                                                                                    \
        CHECK_EQ(value, want);                                                                                         \
        CHECK_EQ(fp_flags(), raised);                                                                                  \
    } while (0)
enum { NX = 1, UF = 2, OF = 4, DZ = 8, NV = 16 };
#define BOX_S(bits) (0xffffffff00000000u | (bits))
#define BOX_H(bits) (0xffffffffffff0000u | (bits))

#endif
