/* A SIGSEGV handler reads the faulting address and registers from its context, changes them and goes on. */
// native: no
// status: 0
// expect: fault at the address: yes
// expect: code: 2
// expect: a5 as before: 1234
// expect: resumed with t3 = 777, f10 = 2.5
// expect: unmapped code: 1
// expect: illegal: code 1 at its pc: yes
// expect: breakpoint: code 1
// expect: jump to data: code 2 at the target: yes
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

static volatile uint64_t fault_address, fault_code, seen_a5, fault_pc;
static int skip = 4;

static void handler(int sig, siginfo_t *info, void *context) {
    ucontext_t *uc = context;
    fault_address = (uint64_t)info->si_addr;
    fault_code = (uint64_t)info->si_code;
    fault_pc = uc->uc_mcontext.__gregs[0];
    seen_a5 = uc->uc_mcontext.__gregs[15];
    uc->uc_mcontext.__gregs[28] = 777; /* t3 */
    double d = 2.5;
    memcpy(&uc->uc_mcontext.__fpregs.__d.__f[10], &d, 8);
    if (skip)
        uc->uc_mcontext.__gregs[0] += (uint64_t)skip;
    else
        uc->uc_mcontext.__gregs[0] = uc->uc_mcontext.__gregs[1]; /* return from the bad jump */
}

int main(void) {
    struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &sa, NULL);
    sigaction(SIGILL, &sa, NULL);
    sigaction(SIGTRAP, &sa, NULL);
    char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint64_t t3;
    double fa0;
    __asm__ volatile("li a5, 1234\n\tli t3, 1\n\tfmv.d.x fa0, zero\n\t"
                     ".option push\n\t.option norvc\n\tsd a5, 16(%2)\n\t.option pop\n\t"
                     "mv %0, t3\n\tfmv.d %1, fa0"
                     : "=r"(t3), "=f"(fa0)
                     : "r"(page)
                     : "a5", "t3", "fa0", "memory");
    printf("fault at the address: %s\n", fault_address == (uint64_t)page + 16 ? "yes" : "no");
    printf("code: %d\n", (int)fault_code);
    printf("a5 as before: %d\n", (int)seen_a5);
    printf("resumed with t3 = %d, f10 = %.1f\n", (int)t3, fa0);
    munmap(page, 4096);
    __asm__ volatile(".option push\n\t.option norvc\n\tlw t3, 0(%0)\n\t.option pop"
                     :
                     : "r"(page)
                     : "t3", "fa0", "memory");
    printf("unmapped code: %d\n", (int)fault_code);
    uint64_t here;
    __asm__ volatile("lla %0, 1f\n1:\t.4byte 0xffffffff" : "=&r"(here) : : "t3", "fa0", "memory");
    printf("illegal: code %d at its pc: %s\n", (int)fault_code,
           fault_address == here && fault_pc == here ? "yes" : "no");
    __asm__ volatile(".option push\n\t.option norvc\n\tebreak\n\t.option pop" : : : "t3", "fa0", "memory");
    printf("breakpoint: code %d\n", (int)fault_code);
    static uint32_t data[4] = {0x00008067};
    skip = 0;
    __asm__ volatile("jalr ra, %0" : : "r"(data) : "ra", "t3", "fa0", "memory");
    printf("jump to data: code %d at the target: %s\n", (int)fault_code,
           fault_address == (uint64_t)data ? "yes" : "no");
    return 0;
}
