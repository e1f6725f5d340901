/* qemu_hart.h: registers and memory of the qemu that runs beside riv, for riv diff --against=qemu. */
#ifndef CLI_DIFF_QEMU_HART_H
#define CLI_DIFF_QEMU_HART_H

#include "diff.h"
#include "gdb_client.h"
#include "qemu_process.h"

enum { QEMU_RUN_MS = 10000 }; /* what it may take from one stop to the next */

struct qemu_hart {
    const char *program;
    struct qemu_process process;
    struct gdb gdb;
    struct state now; /* its registers, apart from stale */
    uint64_t stale;   /* f registers (bits 32 to 63) that may have changed since they were read; bit 0: fcsr */
    bool parked;      /* pc is at the end of its own program */
    bool alive;       /* it can be asked */
};
extern struct qemu_hart qemu_hart;

/* Starts it with these registers and listens to the mirror. False: one line in err. */
bool qemu_hart_open(const struct state *start, char *err, size_t n);
/* It cannot be asked any more: says so and ends. */
_Noreturn void qemu_gone(void);
/* x registers and pc; the others as far as they are stale. */
void qemu_read_core(void);
void qemu_read_stale(void);
void qemu_set_registers(const struct state *s);
/* It has executed an instruction. */
void qemu_make_stale(const struct insn *in);
/* riv's process ends or is replaced by another program, with which the connection ends; then qemu goes on by itself, to its end. */
void qemu_hart_leave(void);

#endif
