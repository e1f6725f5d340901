/* misbehave.c: the guest program of the tests of what Linux would answer with a signal or an error.
 *
 *      misbehave jump ADDRESS   jumps there            misbehave data      executes a page of data
 *      misbehave read ADDRESS   loads from there       misbehave stack     calls itself without end
 *      misbehave write ADDRESS  stores there           misbehave divide    prints what divisions without a result give
 *      misbehave illegal        an illegal instruction misbehave syscalls  unknown system calls, some of them twice
 *      misbehave breakpoint     an ebreak              misbehave memory    takes memory until there is no more
 *      misbehave code           writes to its own code
 *
 * Each is done often enough before (with harmless operands) for a translator to have translated it.
 */
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static uint32_t code[] __attribute__((aligned(4096))) = {0x00008067}; /* ret; on a page without the right to execute */
static void nothing(void) {}
static volatile uint64_t word;

static __attribute__((noinline)) void jump(uintptr_t to) { ((void (*)(void))to)(); }
static __attribute__((noinline)) uint64_t read_at(uintptr_t at) { return *(volatile uint64_t *)at; }
static __attribute__((noinline)) void write_at(uintptr_t at) { *(volatile uint64_t *)at = 1; }
static __attribute__((noinline)) int recurse(int n) {
    volatile char frame[512];
    frame[n & 511] = (char)n;
    return recurse(n + 1) + frame[1];
}

#define DIVISION(name, insn)                                                                                           \
    static __attribute__((noinline)) long name(long a, long b) {                                                       \
        long r;                                                                                                        \
        __asm__(insn " %0, %1, %2" : "=r"(r) : "r"(a), "r"(b));                                                        \
        return r;                                                                                                      \
    }
DIVISION(do_div, "div")
DIVISION(do_rem, "rem")
DIVISION(do_divu, "divu")
DIVISION(do_remu, "remu")
DIVISION(do_divw, "divw")
DIVISION(do_remw, "remw")
DIVISION(do_divuw, "divuw")
DIVISION(do_remuw, "remuw")

static void divide(long wide, long narrow, long by) {
    printf("%ld: %ld %ld %ld %ld %ld %ld %ld %ld\n", by, do_div(wide, by), do_rem(wide, by), do_divu(wide, by),
           do_remu(wide, by), do_divw(narrow, by), do_remw(narrow, by), do_divuw(narrow, by), do_remuw(narrow, by));
}

static void take_memory(void) {
    size_t total = 0;
    for (size_t size = (size_t)1 << 40; size >= 4096;) {
        void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (p == MAP_FAILED && errno != ENOMEM)
            perror("mmap");
        if (p == MAP_FAILED)
            size /= 2;
        else if ((total += size) > (size_t)1 << 43)
            break;
    }
    ssize_t written = write(1, "no more\n", 8);
    (void)written;
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    uintptr_t address = argc > 2 ? strtoull(argv[2], NULL, 0) : 0;
    volatile long never = 0;
    for (int i = 0; i < 2000; i++) {
        jump((uintptr_t)nothing);
        read_at((uintptr_t)&word);
        write_at((uintptr_t)&word);
        do_div(i, 3), do_rem(i, 3), do_divu(i, 3), do_remu(i, 3), do_divw(i, 3), do_remw(i, 3), do_divuw(i, 3),
            do_remuw(i, 3);
    }
    puts("ready");
    fflush(stdout);
    if (!strcmp(what, "jump"))
        jump(address);
    else if (!strcmp(what, "data"))
        jump((uintptr_t)code);
    else if (!strcmp(what, "read"))
        read_at(address);
    else if (!strcmp(what, "write"))
        write_at(address);
    else if (!strcmp(what, "code"))
        write_at((uintptr_t)nothing & ~7ul);
    else if (!strcmp(what, "stack"))
        recurse(0);
    else if (!strcmp(what, "illegal"))
        __asm__ volatile(".4byte 0xffffffff");
    else if (!strcmp(what, "breakpoint"))
        __asm__ volatile("ebreak");
    else if (!strcmp(what, "divide"))
        for (long by = -1; by <= 0; by++)
            divide(LONG_MIN + never, INT_MIN + never, by + never);
    else if (!strcmp(what, "syscalls"))
        for (int i = 0; i < 3; i++)
            for (long number = 4000; number < 4002; number++) {
                long r = syscall(number, 1, 2);
                printf("%ld %d\n", r, errno);
            }
    else if (!strcmp(what, "memory"))
        take_memory();
    else
        return 2;
    puts("done");
    return 0;
}
