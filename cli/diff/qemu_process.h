/* qemu_process.h: starting qemu-riscv64 (or -riscv32) as a hart without a program, for riv diff --against=qemu. */
#ifndef CLI_DIFF_QEMU_PROCESS_H
#define CLI_DIFF_QEMU_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct isa;

/* What runs in it at first: one page with an ecall, which makes the calls that riv diff wants, and behind it the end of the
 * process, where it waits when riv goes. */
struct qemu_process {
    int socket;      /* the gdb stub's; closed on exec */
    pid_t pid;
    uint64_t call;   /* address of the ecall */
    uint64_t ending; /* address of code that ends the process */
    uint64_t page;   /* both are there */
};

enum { QEMU_MEMORY_FD = 100 }; /* in it, the descriptor of the file given to qemu_start */

/* Starts program (looked up in PATH) for a hart of this instruction set. memory: the file that is to be its memory. It ends
 * with the calling thread, and cannot change anything outside of itself. False: one line in err. */
bool qemu_start(struct qemu_process *q, const char *program, const struct isa *isa, int memory, char *err, size_t n);
/* Why it has ended, as far as that is known: what it has written to stderr, on one line, or "". */
void qemu_last_words(char *text, size_t n);

#endif
