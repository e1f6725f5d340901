// what: exceptions, interrupts, delegation and privilege, checked one by one
// variants: traps= traps32=rv32
#include "rom.h"

static struct {
    word cause, epc, value, status;
    unsigned count;
} last;

/* The instruction behind epc: 2 or 4 bytes on. */
static word after(word epc) { return epc + ((*(volatile uint16_t *)epc & 3) == 3 ? 4 : 2); }

void rom_trap(struct frame *f) {
    last.cause = csr_read(mcause);
    last.epc = csr_read(mepc);
    last.value = csr_read(mtval);
    last.status = csr_read(mstatus);
    last.count++;
    if (last.cause & INTERRUPT) {
        csr_clear(mie, (word)1 << (last.cause & 31));
        CLINT_MSIP[hart_id()] = 0;
    } else {
        csr_write(mepc, last.cause == 1 || last.cause == 12 ? f->x[1] : after(last.epc)); /* a failed fetch returns */
    }
}

static void expect_trap(const char *what, word cause, word value) {
    expect(what, last.count, 1);
    expect(what, last.cause, cause);
    expect(what, last.value, value);
    last.count = 0;
}

enum { NOWHERE = 0x18000000 }; /* no device is there */

static void exceptions(void) {
    word x;
    __asm__ volatile("ecall");
    expect_trap("ecall from M", 11, 0);
    __asm__ volatile("1: ebreak\n\tla %0, 1b" : "=r"(x));
    expect("ebreak's pc", last.epc, x);
    last.count = 0;
    __asm__ volatile(".word 0");
    expect("illegal", last.cause, 2);
    last.count = 0;
    __asm__ volatile(".option push\n\t.option norvc\n\tcsrw 0xc00, zero\n\t.option pop"); /* cycle is read-only */
    expect_trap("write to a read-only CSR", 2, 0xc0001073);
    __asm__ volatile("csrr %0, 0x123" : "=r"(x)); /* no such CSR */
    expect("CSR that does not exist", last.cause, 2);
    last.count = 0;
    __asm__ volatile("lw %0, 0(%1)" : "=r"(x) : "r"(NOWHERE));
    expect_trap("load from nowhere", 5, NOWHERE);
    __asm__ volatile("sw zero, 0(%0)" ::"r"(NOWHERE));
    expect_trap("store to nowhere", 7, NOWHERE);
    __asm__ volatile("jalr ra, 0(%0)" ::"r"(NOWHERE) : "ra");
    expect_trap("fetch from nowhere", 1, NOWHERE);
    uint32_t cell[4] __attribute__((aligned(16))) = {0, 7};
    __asm__ volatile("amoadd.w %0, zero, 0(%1)" : "=r"(x) : "r"((char *)cell + 2) : "memory");
    expect("misaligned AMO", last.cause == 6 || last.cause == 7, 1);
    last.count = 0;
}

static void interrupts(void) {
    csr_write(mie, 8);
    CLINT_MSIP[0] = 1;
    while (!(csr_read(mip) & 8))
        ;
    expect("interrupt while disabled", last.count, 0);
    csr_set(mstatus, 8);
    while (last.count == 0)
        ;
    csr_clear(mstatus, 8);
    expect("software interrupt", last.cause, INTERRUPT | 3);
    expect("MPIE", last.status >> 7 & 1, 1);
    last.count = 0;
    csr_write(mie, 0);
}

static word user_calls(word x) {
    __asm__ volatile("li a7, 0\n\tecall" ::: "a7");
    return x + 1;
}
static word reads_mstatus(word x) {
    __asm__ volatile("csrr %0, mstatus" : "+r"(x));
    return x;
}
static word runs_mret(word x) {
    __asm__ volatile("mret");
    return x;
}

static void privilege(void) {
    expect("result of U mode", call_at(PRIV_U, user_calls, 41), 42);
    expect_trap("ecall from U", 8, 0);
    expect("MPP after U", last.status >> 11 & 3, PRIV_U);
    expect("result of S mode", call_at(PRIV_S, user_calls, 1), 2);
    expect_trap("ecall from S", 9, 0);
    expect("MPP after S", last.status >> 11 & 3, PRIV_S);
    call_at(PRIV_U, reads_mstatus, 0);
    expect("mstatus from U", last.cause, 2);
    last.count = 0;
    call_at(PRIV_S, runs_mret, 0);
    expect("mret from S", last.cause, 2);
    last.count = 0;
}

/* Delegation: an ecall and a software interrupt of S mode, handled in S mode. */
static volatile word s_cause[2], s_count;
__attribute__((interrupt("supervisor"), aligned(4))) static void s_handler(void) {
    word cause = csr_read(scause);
    s_cause[s_count++ & 1] = cause;
    if (cause & INTERRUPT)
        csr_clear(sip, 2);
    else
        csr_write(sepc, csr_read(sepc) + 4);
}
/* A vectored table: interrupt 1 is at base + 4. */
__attribute__((naked, aligned(256))) static void s_vectors(void) {
    __asm__(".option push\n\t.option norvc\n\tj %0\n\tj %0\n\t.option pop" ::"i"(s_handler));
}
static word delegated(word vectored) {
    csr_write(stvec, (word)s_vectors | vectored);
    __asm__ volatile(".option push\n\t.option norvc\n\tebreak\n\t.option pop"); /* 4 bytes */
    csr_set(sie, 2);
    csr_set(sip, 2);
    csr_set(sstatus, 2);
    while (s_count < 2)
        ;
    csr_clear(sstatus, 2);
    return s_count;
}
static void delegation(void) {
    csr_write(medeleg, 8);
    csr_write(mideleg, 2);
    for (word vectored = 0; vectored < 2; vectored++) {
        s_count = 0;
        expect("traps in S mode", call_at(PRIV_S, delegated, vectored), 2);
        expect("delegated ebreak", s_cause[0], 3);
        expect("delegated interrupt", s_cause[1], INTERRUPT | 1);
        expect("none of them in M mode", last.count, 0);
    }
    csr_write(medeleg, 0);
    csr_write(mideleg, 0);
}

void rom_main(word hart, const void *device_tree) {
    exceptions();
    interrupts();
    privilege();
    delegation();
    print("traps: passed\n");
    finish(0);
}
