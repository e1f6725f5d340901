// native: no
// expect: ties away: ok
// expect: rounding modes: ok
// expect: nan: ok
// expect: boxing: ok
// expect: conversions: ok
// expect: fmin fmax: ok
// expect: fclass: ok
// expect: compare: ok
// expect: csr: ok
/* What RISC-V floating point does that other machines do not: ties away from zero, canonical NaNs, NaN boxing,
 * saturating conversions, fmin and fmax, fclass, the control register.  Expected values are from the manual. */
#include "check.h"

#define NAN_S 0x7fc00000u
#define NAN_D 0x7ff8000000000000u
#define INF_D 0x7ff0000000000000u
enum { NX = 1, UF = 2, OF = 4, DZ = 8, NV = 16 };

static inline unsigned flags(void) {
    unsigned long f;
    __asm__ volatile("fsflags %0, zero" : "=r"(f));
    return (unsigned)f;
}
#define F_D(v)                                                                                                         \
    ({                                                                                                                 \
        double d_;                                                                                                     \
        uint64_t u_ = (v);                                                                                             \
        __asm__("fmv.d.x %0, %1" : "=f"(d_) : "r"(u_));                                                                \
        d_;                                                                                                            \
    })
#define BITS(d)                                                                                                        \
    ({                                                                                                                 \
        uint64_t u_;                                                                                                   \
        __asm__("fmv.x.d %0, %1" : "=r"(u_) : "f"(d));                                                                 \
        u_;                                                                                                            \
    })
#define OP2(text, a, b)                                                                                                \
    ({                                                                                                                 \
        double r_;                                                                                                     \
        __asm__ volatile(text " %0, %1, %2" : "=f"(r_) : "f"(F_D(a)), "f"(F_D(b)));                                    \
        BITS(r_);                                                                                                      \
    })
#define OP2RM(text, a, b, rm)                                                                                          \
    ({                                                                                                                 \
        double r_;                                                                                                     \
        __asm__ volatile(text " %0, %1, %2, " rm : "=f"(r_) : "f"(F_D(a)), "f"(F_D(b)));                               \
        BITS(r_);                                                                                                      \
    })
#define OP1RM(text, a, rm)                                                                                             \
    ({                                                                                                                 \
        double r_;                                                                                                     \
        __asm__ volatile(text " %0, %1, " rm : "=f"(r_) : "f"(F_D(a)));                                                \
        BITS(r_);                                                                                                      \
    })
#define TO_X(text, a, rm)                                                                                              \
    ({                                                                                                                 \
        uint64_t r_;                                                                                                   \
        __asm__ volatile(text " %0, %1" rm : "=r"(r_) : "f"(F_D(a)));                                                  \
        r_;                                                                                                            \
    })
#define TO_X2(text, a, b)                                                                                              \
    ({                                                                                                                 \
        uint64_t r_;                                                                                                   \
        __asm__ volatile(text " %0, %1, %2" : "=r"(r_) : "f"(F_D(a)), "f"(F_D(b)));                                    \
        r_;                                                                                                            \
    })
#define S(bits) (0xffffffff00000000u | (bits))
#define EXPECT(value, want, raised)                                                                                    \
    do {                                                                                                               \
        flags();                                                                                                       \
        CHECK_EQ(value, want);                                                                                         \
        CHECK_EQ(flags(), raised);                                                                                     \
    } while (0)

static uint64_t bits_of(double d) { return BITS(d); }

int main(void) {
    for (int round = 0; round < 100; round++) { /* often enough to be translated */
        /* 1 + 2^-53 is a tie: even is 1, away is 1 + 2^-52. */
        EXPECT(OP2RM("fadd.d", bits_of(1), 0x3ca0000000000000, "rne"), 0x3ff0000000000000, NX);
        EXPECT(OP2RM("fadd.d", bits_of(1), 0x3ca0000000000000, "rmm"), 0x3ff0000000000001, NX);
        EXPECT(OP2RM("fadd.d", bits_of(-1), 0xbca0000000000000, "rmm"), 0xbff0000000000001, NX);
        EXPECT(OP2RM("fadd.s", S(0x3f800000), S(0x33800000), "rmm"), S(0x3f800001), NX);
        EXPECT(OP2RM("fmul.d", 1, bits_of(0.5), "rmm"), 1, NX | UF);
        EXPECT(OP2RM("fmul.d", 1, bits_of(0.5), "rne"), 0, NX | UF);
        EXPECT(TO_X("fcvt.w.d", bits_of(2.5), ", rmm"), 3, NX);
        EXPECT(TO_X("fcvt.w.d", bits_of(2.5), ", rne"), 2, NX);
        EXPECT(TO_X("fcvt.l.d", bits_of(-2.5), ", rmm"), (uint64_t)-3, NX);
        EXPECT(OP1RM("fcvt.s.d", 0x3ff0000010000000, "rmm"), S(0x3f800001), NX);
        __asm__ volatile("fsrmi 4");
        EXPECT(OP2("fadd.d", bits_of(1), 0x3ca0000000000000), 0x3ff0000000000001, NX);
        EXPECT(TO_X("fcvt.wu.d", bits_of(0.5), ", dyn"), 1, NX);
        __asm__ volatile("fsrmi 0");
    }
    puts("ties away: ok");

    static const struct {
        uint64_t rne, rtz, rdn, rup, rmm;
    } third = {0x3fd5555555555555, 0x3fd5555555555555, 0x3fd5555555555555, 0x3fd5555555555556, 0x3fd5555555555555};
    for (int round = 0; round < 100; round++) {
        const uint64_t *wanted = &third.rne;
        for (unsigned long mode = 0; mode < 5; mode++) {
            __asm__ volatile("fsrm zero, %0" ::"r"(mode));
            EXPECT(OP2("fdiv.d", bits_of(1), bits_of(3)), wanted[mode], NX);
            EXPECT(OP2RM("fdiv.d", bits_of(1), bits_of(3), "rup"), third.rup, NX); /* static beats dynamic */
            EXPECT(OP2RM("fdiv.d", bits_of(-1), bits_of(3), "rdn"), third.rup | 1ull << 63, NX);
            EXPECT(OP2("fsub.d", bits_of(1), bits_of(1)), mode == 2 ? 1ull << 63 : 0, 0);
            EXPECT(OP2("fmul.d", 0x7fefffffffffffff, bits_of(2)), mode == 1 || mode == 2 ? 0x7fefffffffffffff : INF_D,
                   OF | NX);
            EXPECT(OP2("fmul.d", 0xffefffffffffffff, bits_of(2)),
                   mode == 1 || mode == 3 ? 0xffefffffffffffff : INF_D | 1ull << 63, OF | NX);
        }
        __asm__ volatile("fsrmi 0");
    }
    puts("rounding modes: ok");

    for (int round = 0; round < 100; round++) {
        EXPECT(OP2("fadd.d", 0xfff8000000001234, bits_of(1)), NAN_D, 0); /* no payload, no sign */
        EXPECT(OP2("fadd.d", 0x7ff0000000000001, bits_of(1)), NAN_D, NV);
        EXPECT(OP2("fsub.d", INF_D, INF_D), NAN_D, NV);
        EXPECT(OP2("fmul.d", INF_D, 0), NAN_D, NV);
        EXPECT(OP2("fdiv.d", 0, 0), NAN_D, NV);
        EXPECT(OP2("fdiv.d", bits_of(1), 0), INF_D, DZ);
        EXPECT(OP1RM("fsqrt.d", bits_of(-1), "rne"), NAN_D, NV);
        EXPECT(OP1RM("fsqrt.d", 1ull << 63, "rne"), 1ull << 63, 0);
        EXPECT(OP1RM("fcvt.s.d", 0xfff8000000001234, "rne"), S(NAN_S), 0);
        EXPECT(OP1RM("fcvt.s.d", 0xfff0000000000001, "rne"), S(NAN_S), NV);
        uint64_t r;
        flags();
        double d;
        __asm__ volatile("fcvt.d.s %0, %1" : "=f"(d) : "f"(F_D(S(0xffc12345u))));
        CHECK_EQ(BITS(d), NAN_D);
        __asm__ volatile("fmadd.d %0, %1, %2, %3"
                         : "=f"(d)
                         : "f"(F_D(INF_D)), "f"(F_D(0)), "f"(F_D(0x7ff8000000000001)));
        CHECK_EQ(BITS(d), NAN_D);
        CHECK_EQ(flags(), NV); /* infinity times zero, even when the addend is a quiet NaN */
        __asm__ volatile("fsgnj.d %0, %1, %2" : "=f"(d) : "f"(F_D(0x7ff0000000000001)), "f"(F_D(1ull << 63)));
        CHECK_EQ(BITS(d), 0xfff0000000000001); /* bits only */
        CHECK_EQ(flags(), 0);
        (void)r;
    }
    puts("nan: ok");

    for (int round = 0; round < 100; round++) {
        uint64_t one_s = S(0x3f800000), loose = 0x000000003f800000;
        EXPECT(OP2("fadd.s", one_s, one_s), S(0x40000000), 0);
        EXPECT(OP2("fadd.s", loose, one_s), S(NAN_S), 0); /* not boxed: reads as the canonical NaN */
        EXPECT(OP2("fadd.s", one_s, 0xfffffffe3f800000), S(NAN_S), 0);
        EXPECT(OP2("fsgnj.s", loose, one_s), S(NAN_S), 0);
        EXPECT(OP2("fsgnjn.s", one_s, loose), S(0xbf800000), 0);
        EXPECT(OP2("fmin.s", loose, one_s), one_s, 0);
        EXPECT(TO_X("fclass.s", loose, ""), 1 << 9, 0);
        EXPECT(TO_X("fmv.x.w", loose | 1ull << 31, ""), 0xffffffffbf800000, 0); /* transfers do not check */
        EXPECT(TO_X("fcvt.w.s", loose, ", rne"), INT32_MAX, NV);
        EXPECT(TO_X2("feq.s", loose, loose), 0, 0);
        EXPECT(TO_X2("flt.s", loose, one_s), 0, NV);
        uint32_t memory[2] = {0x40490fdb, 0};
        double d;
        __asm__ volatile("flw %0, %1" : "=f"(d) : "m"(memory[0]));
        CHECK_EQ(BITS(d), S(0x40490fdb));
        __asm__ volatile("fsw %1, %0" : "=m"(memory[1]) : "f"(F_D(0x123456789abcdef0)));
        CHECK_EQ(memory[1], 0x9abcdef0);
        __asm__ volatile("fmv.w.x %0, %1" : "=f"(d) : "r"(0x1234567880000001));
        CHECK_EQ(BITS(d), S(0x80000001));
    }
    puts("boxing: ok");

    for (int round = 0; round < 100; round++) {
        static const struct {
            uint64_t in, w, wu, l, lu;
            unsigned fw, fwu, fl, flu;
        } rows[] = {
            {NAN_D, INT32_MAX, ~0ull, INT64_MAX, ~0ull, NV, NV, NV, NV},
            {0xfff8000000000000, INT32_MAX, ~0ull, INT64_MAX, ~0ull, NV, NV, NV, NV},
            {INF_D, INT32_MAX, ~0ull, INT64_MAX, ~0ull, NV, NV, NV, NV},
            {INF_D | 1ull << 63, (uint64_t)INT32_MIN, 0, 1ull << 63, 0, NV, NV, NV, NV},
            {0xbfe0000000000000, 0, 0, 0, 0, NX, NX, NX, NX},                                         /* -0.5 */
            {0xbff0000000000000, ~0ull, 0, ~0ull, 0, 0, NV, 0, NV},                                   /* -1 */
            {0x41dfffffffc00000, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, 0, 0, 0, 0},             /* 2^31 - 1 */
            {0x41e0000000000000, INT32_MAX, 0xffffffff80000000, 0x80000000, 0x80000000, NV, 0, 0, 0}, /* 2^31 */
            {0x41efffffffe00000, INT32_MAX, ~0ull, 0xffffffff, 0xffffffff, NV, 0, 0, 0},              /* 2^32 - 1 */
            {0x41effffffff00000, INT32_MAX, ~0ull, 0xffffffff, 0xffffffff, NV, NX, NX, NX},           /* 2^32 - 0.5 */
            {0x41f0000000000000, INT32_MAX, ~0ull, 1ull << 32, 1ull << 32, NV, NV, 0, 0},
            {0xc1e0000000000000, (uint64_t)INT32_MIN, 0, (uint64_t)INT32_MIN, 0, 0, NV, 0, NV},   /* -2^31 */
            {0xc1e0000000100000, (uint64_t)INT32_MIN, 0, (uint64_t)INT32_MIN, 0, NX, NV, NX, NV}, /* -2^31 - 0.5 */
            {0x43e0000000000000, INT32_MAX, ~0ull, INT64_MAX, 1ull << 63, NV, NV, NV, 0},         /* 2^63 */
            {0xc3e0000000000000, (uint64_t)INT32_MIN, 0, 1ull << 63, 0, NV, NV, 0, NV},
            {0x43effffffffffffe, INT32_MAX, ~0ull, INT64_MAX, 0xfffffffffffff000, NV, NV, NV, 0},
            {0x43f0000000000000, INT32_MAX, ~0ull, INT64_MAX, ~0ull, NV, NV, NV, NV}, /* 2^64 */
        };
        for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            EXPECT(TO_X("fcvt.w.d", rows[i].in, ", rtz"), rows[i].w, rows[i].fw);
            EXPECT(TO_X("fcvt.wu.d", rows[i].in, ", rtz"), rows[i].wu, rows[i].fwu);
            EXPECT(TO_X("fcvt.l.d", rows[i].in, ", rtz"), rows[i].l, rows[i].fl);
            EXPECT(TO_X("fcvt.lu.d", rows[i].in, ", rtz"), rows[i].lu, rows[i].flu);
        }
        EXPECT(TO_X("fcvt.wu.d", 0xbfe0000000000000, ", rdn"), 0, NV); /* -0.5 rounds to -1 */
        EXPECT(TO_X("fcvt.w.s", S(0x4f000000), ", rtz"), INT32_MAX, NV);
        EXPECT(TO_X("fcvt.l.s", S(0x5f000000), ", rtz"), INT64_MAX, NV);
        EXPECT(TO_X("fcvt.lu.s", S(0x5f000000), ", rtz"), 1ull << 63, 0);
        EXPECT(TO_X("fcvt.wu.s", S(0x4f7fffff), ", rtz"), 0xffffffffffffff00, 0);
    }
    puts("conversions: ok");

    for (int round = 0; round < 100; round++) {
        EXPECT(OP2("fmin.d", 0, 1ull << 63), 1ull << 63, 0);
        EXPECT(OP2("fmin.d", 1ull << 63, 0), 1ull << 63, 0);
        EXPECT(OP2("fmax.d", 0, 1ull << 63), 0, 0);
        EXPECT(OP2("fmax.d", 1ull << 63, 0), 0, 0);
        EXPECT(OP2("fmin.d", NAN_D, bits_of(2)), bits_of(2), 0);
        EXPECT(OP2("fmax.d", bits_of(2), 0xfff8000000000001), bits_of(2), 0);
        EXPECT(OP2("fmax.d", NAN_D | 1, 0xfff8000000000001), NAN_D, 0);
        EXPECT(OP2("fmin.d", 0x7ff0000000000001, bits_of(2)), bits_of(2), NV);
        EXPECT(OP2("fmax.s", S(0x7f800001), S(0x7f800001)), S(NAN_S), NV);
    }
    puts("fmin fmax: ok");

    for (int round = 0; round < 100; round++) {
        static const uint64_t classes[10] = {
            0xfff0000000000000, 0xc000000000000000, 0x800fffffffffffff, 1ull << 63, 0, 1, 0x4000000000000000, INF_D,
            0x7ff7ffffffffffff, 0xfff8000000000000};
        static const uint32_t singles[10] = {0xff800000, 0xc0000000, 0x80000001, 1u << 31,   0,
                                             0x7fffff,   0x40000000, 0x7f800000, 0xff800001, 0xffc00000};
        for (int i = 0; i < 10; i++) {
            EXPECT(TO_X("fclass.d", classes[i], ""), 1u << i, 0);
            EXPECT(TO_X("fclass.s", S(singles[i]), ""), 1u << i, 0);
        }
    }
    puts("fclass: ok");

    for (int round = 0; round < 100; round++) {
        EXPECT(TO_X2("feq.d", NAN_D, NAN_D), 0, 0);
        EXPECT(TO_X2("feq.d", 0x7ff0000000000001, 0), 0, NV);
        EXPECT(TO_X2("flt.d", NAN_D, 0), 0, NV);
        EXPECT(TO_X2("fle.d", 0, NAN_D), 0, NV);
        EXPECT(TO_X2("feq.d", 0, 1ull << 63), 1, 0);
        EXPECT(TO_X2("flt.d", 1ull << 63, 0), 0, 0);
        EXPECT(TO_X2("fle.d", 0, 1ull << 63), 1, 0);
        EXPECT(TO_X2("flt.d", INF_D | 1ull << 63, bits_of(-5)), 1, 0);
    }
    puts("compare: ok");

    caught_install();
    for (int round = 0; round < 100; round++) {
        uint64_t old;
        __asm__ volatile("csrw fcsr, %0" ::"r"(~0ull));
        __asm__ volatile("csrr %0, fcsr" : "=r"(old));
        CHECK_EQ(old, 0xff);
        __asm__ volatile("csrr %0, frm" : "=r"(old));
        CHECK_EQ(old, 7);
        CATCH(OP2("fadd.d", 0, 0)); /* the dynamic mode is reserved */
        CHECK_EQ(caught.signal, SIGILL);
        __asm__ volatile("csrrwi %0, frm, 5" : "=r"(old));
        CATCH(TO_X("fcvt.w.d", 0, ", dyn"));
        CHECK_EQ(caught.signal, SIGILL);
        CHECK_EQ(OP2RM("fadd.d", bits_of(1), bits_of(1), "rtz"), bits_of(2)); /* a static mode is not */
        __asm__ volatile("csrrci %0, fcsr, 3" : "=r"(old));
        CHECK_EQ(old, 5 << 5 | 0x1f);
        __asm__ volatile("csrrw %0, fflags, %1" : "=r"(old) : "r"(2L));
        CHECK_EQ(old, 0x1c);
        __asm__ volatile("fscsr %0, zero" : "=r"(old));
        CHECK_EQ(old, 5 << 5 | 2);
        /* A flag that is set by hand and one that is raised are kept together. */
        __asm__ volatile("fsflagsi 8");
        OP2("fdiv.d", bits_of(1), bits_of(3));
        CHECK_EQ(flags(), 8 | NX);
    }
    puts("csr: ok");
}
