// native: no
// riv: --cpu=max
// expect: 22 faults: ok
/* A fault in the middle of a long block with all registers in use: the handler sees every x and f register exactly as
 * it is at the faulting instruction, changes some, and the program goes on behind it. */
#include "check.h"
#include <stdbool.h>

/* Values that the block computes before the fault are 0x1000 * n + n for xn; those after it must not be there yet. */
#define BEFORE                                                                                                         \
    "   mv t0, ra\n"                                                                                                   \
    "   la a7, fault_saved\n sd ra, 0(a7)\n sd sp, 8(a7)\n sd gp, 16(a7)\n sd tp, 24(a7)\n"                            \
    "   sd s0, 32(a7)\n sd s1, 40(a7)\n sd s2, 48(a7)\n sd s3, 56(a7)\n sd s4, 64(a7)\n sd s5, 72(a7)\n"               \
    "   sd s6, 80(a7)\n sd s7, 88(a7)\n sd s8, 96(a7)\n sd s9, 104(a7)\n sd s10, 112(a7)\n sd s11, 120(a7)\n"          \
    "   mv a6, a0\n mv a5, a1\n"                                                                                       \
    "   li x31, 9\n li x1, 7\n"                                                                                        \
    "   li t6, 0x1001\n"                                                                                               \
    "   mv x1, t6\n"                                                                                                   \
    "   slli x2, t6, 1\n add x5, x2, x2\n add x5, x5, x1\n add x6, x5, x1\n add x7, x6, x1\n add x8, x7, x1\n"         \
    "   add x9, x8, x1\n add x10, x9, x1\n add x11, x10, x1\n add x12, x11, x1\n add x13, x12, x1\n"                   \
    "   add x14, x13, x1\n li x18, 0x1234\n add x18, x14, x5\n sub x18, x18, x1\n add x18, x18, x0\n"                  \
    "   add x19, x18, x1\n add x20, x19, x1\n add x21, x20, x1\n add x22, x21, x1\n add x23, x22, x1\n"                \
    "   add x24, x23, x1\n add x25, x24, x1\n add x26, x25, x1\n add x27, x26, x1\n add x28, x27, x1\n"                \
    "   add x29, x28, x1\n add x30, x29, x1\n add x31, x30, x1\n"                                                      \
    "   fcvt.d.w f0, x1\n fcvt.d.w f1, x2\n fadd.d f2, f0, f1\n fcvt.s.w f3, x5\n fadd.d f31, f2, f2\n"                \
    "   fmv.d.x f4, x31\n fcvt.d.l f20, x31\n"
/* What follows rewrites most registers at once, so that only exact bookkeeping keeps the earlier values. */
#define AFTER                                                                                                          \
    "   addi x1, x1, 1\n li x2, 0\n li x5, 0\n li x6, 0\n li x7, 0\n li x8, 0\n li x9, 0\n fadd.d f0, f0, f0\n"        \
    "   fadd.d f31, f31, f31\n mv x11, x31\n mv x12, x30\n add x13, x10, x12\n la a7, fault_result\n sd x13, 0(a7)\n"  \
    "   sd x10, 8(a7)\n sd x1, 16(a7)\n fsd f31, 24(a7)\n sd x20, 32(a7)\n"                                            \
    "   la a7, fault_saved\n ld ra, 0(a7)\n ld sp, 8(a7)\n ld gp, 16(a7)\n ld tp, 24(a7)\n"                            \
    "   ld s0, 32(a7)\n ld s1, 40(a7)\n ld s2, 48(a7)\n ld s3, 56(a7)\n ld s4, 64(a7)\n ld s5, 72(a7)\n"               \
    "   ld s6, 80(a7)\n ld s7, 88(a7)\n ld s8, 96(a7)\n ld s9, 104(a7)\n ld s10, 112(a7)\n ld s11, 120(a7)\n ret\n"
#define BLOCK(name, instruction)                                                                                       \
    __asm__(".option push\n.option norvc\n.option norelax\n.globl fault_" #name "\n.globl fault_at_" #name "\n"        \
            "fault_" #name ":\n" BEFORE "fault_at_" #name ":\n   " instruction "\n" AFTER ".option pop\n");            \
    extern const char fault_at_##name[];                                                                               \
    void fault_##name(uint64_t bad, uint64_t other);

uint64_t fault_saved[16], fault_result[5];

/* x16 (a6) is the bad address, x15 (a5) whatever the caller gives. */
BLOCK(lw, "lw x10, 0(x16)")
BLOCK(ld, "ld x10, 8(x16)")
BLOCK(lbu, "lbu x20, 1(x16)")
BLOCK(lh, "lh x0, 0(x16)")
BLOCK(sd, "sd x10, 0(x16)")
BLOCK(sw, "sw x31, -4(x16)")
BLOCK(sb, "sb x0, 2047(x16)")
BLOCK(fld, "fld f31, 0(x16)")
BLOCK(flw, "flw f0, 4(x16)")
BLOCK(fsd, "fsd f31, 0(x16)")
BLOCK(amoadd, "amoadd.d x10, x11, (x16)")
BLOCK(amoswap, "amoswap.w x20, x11, (x16)")
BLOCK(amomax, "amomaxu.w.aqrl x10, x10, (x16)")
BLOCK(amocas, ".insn r 0x2f, 4, 0x14, x10, x16, x12") /* amocas.q */
BLOCK(lr, "lr.d x10, (x16)")
BLOCK(same, "ld x16, 0(x16)")
BLOCK(illegal, ".word 0xffffffff")
BLOCK(illegal2, "csrrw x10, 0x123, x11")
BLOCK(ebreak, "ebreak")
BLOCK(jump, "jalr x10, 0(x16)")
BLOCK(rounding, ".word 0x02005053 | 5 << 12 | 31 << 7") /* fadd.d with a reserved rounding mode */
BLOCK(readonly, "csrrwi x10, 0xc00, 1")

static volatile struct {
    uint64_t bad, other, at;
    int signal, faults;
    bool jump;
    void *address;
} expected;

static void handler(int signal, siginfo_t *info, void *context) {
    /* The block leaves gp and tp alone, so that functions can be called here; sp is the alternate stack. */
    ucontext_t *uc = context;
    uint64_t *x = (uint64_t *)uc->uc_mcontext.__gregs;
    CHECK_EQ(signal, expected.signal);
    CHECK_EQ(info->si_addr, expected.address);
    CHECK_EQ(x[0], expected.jump ? expected.bad : expected.at);
    for (unsigned n = 1; n < 32; n++) {
        if (n == 3 || n == 4 || n == 17)
            continue; /* gp, tp, and a7, which points at fault_saved */
        uint64_t want = n == 16 ? expected.bad : n == 15 ? expected.other : 0x1001u * n;
        if (n == 10 && expected.jump)
            want = expected.at + 4;
        if (x[n] != want)
            printf("x%u: ", n);
        CHECK_EQ(x[n], want);
    }
    CHECK_EQ(x[17], fault_saved);
    const uint64_t *f = (const uint64_t *)uc->uc_mcontext.__fpregs.__d.__f;
    double d = 0x1001;
    uint64_t bits;
    memcpy(&bits, &d, 8);
    CHECK_EQ(f[0], bits);
    d = 0x1001 * 6;
    memcpy(&bits, &d, 8);
    CHECK_EQ(f[31], bits);
    CHECK_EQ(f[4], 0x1001 * 31);
    float s = 0x1001 * 5;
    bits = 0;
    memcpy(&bits, &s, 4);
    CHECK_EQ(f[3], 0xffffffff00000000u | bits);
    d = 0x1001 * 31;
    memcpy(&bits, &d, 8);
    CHECK_EQ(f[20], bits);
    /* Goes on behind the instruction with other values. */
    x[0] = expected.at + 4;
    x[10] = 0xabcdef;
    x[1] = 41;
    d = 21;
    memcpy((void *)&f[31], &d, 8);
    expected.faults++;
}

int main(void) {
    static char stack[65536];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    CHECK_EQ(sigaltstack(&alternate, NULL), 0);
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    const int signals[] = {SIGSEGV, SIGILL, SIGTRAP, SIGBUS};
    for (int i = 0; i < 4; i++)
        CHECK_EQ(sigaction(signals[i], &action, NULL), 0);
    char *page = check_map(8192, PROT_NONE);
    static uint64_t word = 0x7777;

    uint64_t bad = (uint64_t)page + 4096;
    int kinds = 0;
#define RUN(name, signal_, offset)                                                                                     \
    kinds++;                                                                                                           \
    for (int i = 0; i < 60; i++) {                                                                                     \
        expected.bad = bad;                                                                                            \
        expected.other = (uint64_t)&word;                                                                              \
        expected.at = (uint64_t)fault_at_##name;                                                                       \
        expected.signal = signal_;                                                                                     \
        expected.address = signal_ == SIGSEGV ? (void *)(bad + (offset)) : (void *)expected.at;                        \
        expected.faults = 0;                                                                                           \
        fault_##name(bad, (uint64_t)&word);                                                                            \
        CHECK_EQ(expected.faults, 1);                                                                                  \
        CHECK_EQ(fault_result[0], 0xabcdef + 0x1001 * 30);                                                             \
        CHECK_EQ(fault_result[1], 0xabcdef);                                                                           \
        CHECK_EQ(fault_result[2], 42);                                                                                 \
        double d_ = 42;                                                                                                \
        CHECK_EQ(memcmp(&fault_result[3], &d_, 8), 0);                                                                 \
        CHECK_EQ(fault_result[4], 0x1001 * 20);                                                                        \
    }
    RUN(lw, SIGSEGV, 0)
    RUN(ld, SIGSEGV, 8)
    RUN(lbu, SIGSEGV, 1)
    RUN(lh, SIGSEGV, 0)
    RUN(sd, SIGSEGV, 0)
    RUN(sw, SIGSEGV, -4)
    RUN(sb, SIGSEGV, 2047)
    RUN(fld, SIGSEGV, 0)
    RUN(flw, SIGSEGV, 4)
    RUN(fsd, SIGSEGV, 0)
    RUN(amoadd, SIGSEGV, 0)
    RUN(amoswap, SIGSEGV, 0)
    RUN(amomax, SIGSEGV, 0)
    RUN(amocas, SIGSEGV, 0)
    RUN(lr, SIGSEGV, 0)
    RUN(same, SIGSEGV, 0)
    RUN(illegal, SIGILL, 0)
    RUN(illegal2, SIGILL, 0)
    RUN(ebreak, SIGTRAP, 0)
    RUN(rounding, SIGILL, 0)
    RUN(readonly, SIGILL, 0)
    expected.jump = true;
    RUN(jump, SIGSEGV, 0)
    expected.jump = false;
    printf("%d faults: ok\n", kinds);
}
