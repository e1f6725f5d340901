/* csr.c: control and status registers that user mode has: floating-point state and counters.
 * With a board all of them are in csr_system.c.
 *
 * Shared by the interpreter and generated code, which calls it without saving vector registers: compiled for general
 * registers only, and time is read with a plain system call.
 * Source: unprivileged manual, chapters "Zicsr", "F" and "Zicntr".
 */
#include "interp.h"
#include "system.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { CSR_FFLAGS = 1, CSR_FRM = 2, CSR_FCSR = 3, CSR_CYCLE = 0xc00, CSR_TIME = 0xc01, CSR_INSTRET = 0xc02 };
enum { CSR_HIGH = 0x80 };        /* cycleh, timeh, instreth are that much further on RV32 */
enum { NS_PER_TIME_TICK = 100 }; /* time runs at 10 MHz, as on the virt board; cycle counts nanoseconds */

static uint64_t host_ns(void) {
    struct timespec ts;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static bool has(const struct hart *h, enum isa_ext ext) { return h->isa->exts >> ext & 1; }

static bool is_counter(const struct hart *h, unsigned csr) {
    if (!has(h, EXT_Zicntr))
        return false;
    if (h->xlen == 32 && csr >= CSR_CYCLE + CSR_HIGH)
        csr -= CSR_HIGH;
    return csr >= CSR_CYCLE && csr <= CSR_INSTRET;
}

static uint64_t read_counter(const struct hart *h, unsigned csr) {
    unsigned which = csr & ~(unsigned)CSR_HIGH;
    uint64_t v = which == CSR_INSTRET ? interp_count(h) : host_ns();
    if (which == CSR_TIME)
        v /= NS_PER_TIME_TICK;
    if (h->xlen == 32)
        v = (uint64_t)(int64_t)(int32_t)(csr & CSR_HIGH ? v >> 32 : v);
    return v;
}

uint64_t csr_access(struct hart *h, uint64_t value, uint64_t unused_b, uint64_t unused_c, uint64_t imm) {
    if (h->sys)
        return system_csr_access(h, value, imm);
    unsigned csr = imm & 0xfff, op = imm >> 12 & 3;
    bool write = !(imm >> 14 & 1), read = !(imm >> 15 & 1);
    uint64_t old = 0;
    if (csr >= CSR_FFLAGS && csr <= CSR_FCSR && has(h, EXT_F)) {
        if (csr == CSR_FFLAGS)
            old = h->fflags;
        else if (csr == CSR_FRM)
            old = h->frm;
        else
            old = (uint64_t)h->frm << 5 | h->fflags;
        if (write) {
            uint64_t now = op == 0 ? value : op == 1 ? old | value : old & ~value;
            if (csr == CSR_FFLAGS)
                h->fflags = now & 0x1f;
            else if (csr == CSR_FRM)
                h->frm = now & 7;
            else
                h->fflags = now & 0x1f, h->frm = now >> 5 & 7;
        }
        return old;
    }
    if (is_counter(h, csr) && !write)
        return read ? read_counter(h, csr) : 0;
    h->trap.cause = TRAP_ILLEGAL;
    return 0;
}
