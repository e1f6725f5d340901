/* format_spike.c: Spike's commit log.
 *
 *      core   0: 0 0x0000000000010078 (0x0005b603) x12 0x3ff0000000000000 mem 0x0000000000011170
 *      core   0: 0 0x0000000000010154 (0x02a575d3) c1_fflags 0x0000000000000001 f11 0x4000000000000000
 *
 * The digit is the privilege, always 0 for a Linux program.  Registers and CSRs come in the order of their numbers, an
 * x register before an f register before a CSR of the same number.  Writing fcsr is shown as writing fflags and frm,
 * writing sstatus as writing mstatus, and sie and sip likewise.  A trap has no line unless asked for, as Spike shows
 * them with -l only.
 */
#include "trace.h"

enum { LINE_MAX = 1024 };

static char *put_value(char *p, unsigned bits, uint64_t v) {
    *p++ = '0';
    *p++ = 'x';
    return bits == 64   ? hex_16(p, v)
           : bits == 32 ? hex_8(p, (uint32_t)v)
           : bits == 16 ? hex_4(p, (uint32_t)v)
                        : hex_2(p, (uint32_t)v);
}

static char *put_core(char *p, unsigned id) {
    p = put_text(p, "core");
    for (unsigned width = id < 10 ? 3 : id < 100 ? 2 : id < 1000; width; width--)
        *p++ = ' ';
    p = put_decimal(p, id);
    *p++ = ':';
    *p++ = ' ';
    return p;
}

static char *put_register(char *p, char file, unsigned reg, unsigned bits, uint64_t v) {
    *p++ = ' ';
    *p++ = file;
    if (reg >= 10)
        *p++ = (char)('0' + reg / 10);
    *p++ = (char)('0' + reg % 10);
    if (reg < 10)
        *p++ = ' ';
    *p++ = ' ';
    return put_value(p, bits, v);
}

static char *put_csr(char *p, unsigned number, unsigned bits, uint64_t v) {
    char name[24];
    p = put_decimal(put_text(p, " c"), number);
    *p++ = '_';
    p = put_text(p, insn_csr_name(number, name, sizeof name));
    *p++ = ' ';
    return put_value(p, bits, v);
}

/* Spike's order of what an instruction writes. */
static unsigned rank(const struct record *r) {
    return r->kind == RECORD_X ? r->reg * 16u : r->kind == RECORD_F ? r->reg * 16u + 1 : r->bits * 16u + 4;
}
static bool is_view(unsigned csr) { return csr == 3 || csr == 0x100 || csr == 0x104 || csr == 0x144; }
static bool is_write(const struct record *r) {
    return r->kind == RECORD_X || r->kind == RECORD_F || (r->kind == RECORD_CSR && !is_view(r->bits));
}

static char *put_writes(char *p, const struct record *r, size_t n, unsigned xlen) {
    for (unsigned after = 0;;) {
        const struct record *next = NULL;
        for (size_t i = 1; i < n; i++)
            if (is_write(&r[i]) && rank(&r[i]) >= after && (!next || rank(&r[i]) < rank(next)))
                next = &r[i];
        if (!next)
            return p;
        after = rank(next) + 1;
        if (next->kind == RECORD_CSR)
            p = put_csr(p, next->bits, xlen, next->value);
        else
            p = put_register(p, next->kind == RECORD_X ? 'x' : 'f', next->reg, next->kind == RECORD_X ? xlen : 64,
                             next->value);
    }
}

static const char *trap_name(unsigned cause) {
    static const char *const names[] = {[TRAP_FETCH_MISALIGNED] = "trap_instruction_address_misaligned",
                                        [TRAP_FETCH_ACCESS] = "trap_instruction_access_fault",
                                        [TRAP_ILLEGAL] = "trap_illegal_instruction",
                                        [TRAP_BREAKPOINT] = "trap_breakpoint",
                                        [TRAP_LOAD_MISALIGNED] = "trap_load_address_misaligned",
                                        [TRAP_LOAD_ACCESS] = "trap_load_access_fault",
                                        [TRAP_STORE_MISALIGNED] = "trap_store_address_misaligned",
                                        [TRAP_STORE_ACCESS] = "trap_store_access_fault",
                                        [TRAP_ECALL_U] = "trap_user_ecall",
                                        [TRAP_ECALL_S] = "trap_supervisor_ecall",
                                        [TRAP_ECALL_M] = "trap_machine_ecall",
                                        [TRAP_FETCH_PAGE] = "trap_instruction_page_fault",
                                        [TRAP_LOAD_PAGE] = "trap_load_page_fault",
                                        [TRAP_STORE_PAGE] = "trap_store_page_fault"};
    const char *name = cause < sizeof names / sizeof *names ? names[cause] : NULL;
    return name ? name : "trap_unknown";
}

static void put_trap(struct trace *t, const struct trace_hart *h, const struct record *r) {
    char *p = output_room(t->out, LINE_MAX);
    p = put_text(put_core(p, h->id), "exception ");
    if (r->flags & RECORD_INTERRUPT)
        p = put_decimal(put_text(p, "interrupt #"), r->reg);
    else
        p = put_text(p, trap_name(r->reg));
    p = put_value(put_text(p, ", epc "), t->xlen, r->address);
    *p++ = '\n';
    bool has_tval = r->reg != TRAP_ECALL_U && r->reg != TRAP_ECALL_S && r->reg != TRAP_ECALL_M;
    if (has_tval && !(r->flags & RECORD_INTERRUPT)) {
        p = put_value(put_text(put_core(p, h->id), "          tval "), t->xlen, r->value);
        *p++ = '\n';
    }
    output_took(t->out, p);
}

static void insn(struct trace *t, struct trace_hart *h, const struct record *r, size_t n) {
    if (r->kind == RECORD_TRAP) {
        if (t->traps)
            put_trap(t, h, r);
        return;
    }
    unsigned xlen = t->xlen;
    char *p = put_core(output_room(t->out, LINE_MAX), h->id);
    *p++ = (char)('0' + (r->flags & RECORD_PRIVILEGE));
    *p++ = ' ';
    p = put_value(p, xlen, r->address);
    *p++ = ' ';
    *p++ = '(';
    p = put_value(p, r->size * 8, r->bits);
    *p++ = ')';
    if (n == 2 && r[1].kind == RECORD_X)
        p = put_register(p, 'x', r[1].reg, xlen, r[1].value);
    else if (n > 1)
        p = put_writes(p, r, n, xlen);
    for (size_t i = 1; i < n; i++)
        if (r[i].kind == RECORD_LOAD)
            p = put_value(put_text(p, " mem "), xlen, r[i].address);
    for (size_t i = 1; i < n; i++)
        if (r[i].kind == RECORD_STORE) {
            p = put_value(put_text(p, " mem "), xlen, r[i].address);
            *p++ = ' ';
            p = put_value(p, r[i].size * 8, r[i].value);
        }
    *p++ = '\n';
    output_took(t->out, p);
}

const struct trace_format format_spike = {
    .name = "spike",
    .help = "commit log of Spike (--log-commits)",
    .kinds = RECORD_ALL,
    .insn = insn,
};
