/* check.h: what guest programs share: checks, caught signals, and small encoders for programs that make code. */
#ifndef TESTS_GUEST_CHECK_H
#define TESTS_GUEST_CHECK_H

#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

/* Ends the program with a line that names the place; the values are shown in hexadecimal. */
#define CHECK_EQ(got, want) check_eq(__FILE__, __LINE__, #got, (uint64_t)(got), (uint64_t)(want))
#define CHECK(condition) CHECK_EQ(!!(condition), 1)

static inline void check_eq(const char *file, int line, const char *what, uint64_t got, uint64_t want) {
    if (got == want)
        return;
    printf("%s:%d: %s is %#llx, expected %#llx\n", file, line, what, (unsigned long long)got, (unsigned long long)want);
    fflush(stdout);
    _exit(99);
}

/* A small generator with a fixed start, so that every run does the same. */
static inline uint64_t check_random(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* Catching one fault: what the handler saw, and where it goes on. */
struct caught {
    volatile int signal, code;
    void *volatile address;
    volatile uint64_t pc, ra, sp;
    sigjmp_buf back;
};
static struct caught caught __attribute__((unused));

static inline void caught_handler(int signal, siginfo_t *info, void *context) {
    caught.signal = signal;
    caught.code = info->si_code;
    caught.address = info->si_addr;
#ifdef __riscv
    ucontext_t *uc = context;
    caught.pc = uc->uc_mcontext.__gregs[0];
    caught.ra = uc->uc_mcontext.__gregs[1];
    caught.sp = uc->uc_mcontext.__gregs[2];
#endif
    siglongjmp(caught.back, 1);
}
static inline void caught_install(void) {
    static char stack[65536];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_sigaction = caught_handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    CHECK_EQ(sigaltstack(&alternate, NULL), 0);
    const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE};
    for (unsigned i = 0; i < sizeof signals / sizeof signals[0]; i++)
        CHECK_EQ(sigaction(signals[i], &action, NULL), 0);
}
/* Runs a statement and leaves what it was stopped by in caught; caught.signal is 0 if nothing did. */
#define CATCH(statement) (caught.signal = 0, sigsetjmp(caught.back, 1) == 0 ? (void)({ statement; }) : (void)0)

/* RISC-V encodings for programs that generate code. */
enum { X_ZERO = 0, X_RA = 1, X_SP = 2, X_T0 = 5, X_A0 = 10, X_A1 = 11, X_A2 = 12 };
static inline uint32_t rv_addi(unsigned rd, unsigned rs1, int imm) {
    return (uint32_t)imm << 20 | rs1 << 15 | rd << 7 | 0x13;
}
static inline uint32_t rv_lui(unsigned rd, uint32_t high) { return (high & 0xfffff000u) | rd << 7 | 0x37; }
static inline uint32_t rv_r(unsigned funct7, unsigned funct3, unsigned rd, unsigned rs1, unsigned rs2) {
    return funct7 << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | 0x33;
}
static inline uint32_t rv_jal(unsigned rd, int offset) {
    uint32_t o = (uint32_t)offset;
    return (o >> 20 & 1) << 31 | (o >> 1 & 0x3ff) << 21 | (o >> 11 & 1) << 20 | (o >> 12 & 0xff) << 12 | rd << 7 | 0x6f;
}
#define RV_RET 0x00008067u
#define RV_FENCE_I 0x0000100fu

static inline void *check_map(size_t size, int protection) {
    void *p = mmap(NULL, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(p != MAP_FAILED);
    return p;
}
/* Makes freshly written instructions visible to this and every other thread. */
static inline void check_flush(void *start, size_t size) {
    __builtin___clear_cache((char *)start, (char *)start + size);
}

typedef long code_fn(long, long);

#endif
