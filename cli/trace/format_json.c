/* format_json.c: one object a line for each instruction.
 *
 *      {"hart":0,"pc":"0x10150","insn":"0x6190","asm":"ld a2,0(a1)","x":{"a2":"0x3ff0000000000000"},
 *       "load":[{"address":"0x11170","size":8,"value":"0x3ff0000000000000"}]}
 *
 * (in one line).  Numbers that may not fit a double are strings.  A trap:
 * {"hart":0,"pc":"0x10168","trap":8,"tval":"0x0"}.  On a board "priv" tells the privilege ("u", "s", "m"), and an
 * interrupt is
 * {"hart":0,"priv":"m","pc":"0x80000168","interrupt":7}.
 */
#include <stdlib.h>

#include "trace.h"

enum { LINE_MAX = 4096 };

static char *put_hex(char *p, uint64_t v) {
    p = hex_least(put_text(p, "\"0x"), v);
    *p++ = '"';
    return p;
}

static char *put_registers(char *p, const struct record *r, size_t n, unsigned kind, const char *key, uint64_t mask) {
    const char *before = key;
    for (size_t i = 1; i < n; i++) {
        if (r[i].kind != kind)
            continue;
        p = put_text(p, before);
        before = ",";
        char buf[24];
        const char *csr = kind == RECORD_CSR ? insn_csr_name(r[i].bits, buf, sizeof buf) : "";
        *p++ = '"';
        p = put_text(p, kind == RECORD_X   ? insn_xreg_names[r[i].reg]
                        : kind == RECORD_F ? insn_freg_names[r[i].reg]
                                           : csr);
        p = put_hex(put_text(p, "\":"), r[i].value & mask);
    }
    if (before != key)
        *p++ = '}';
    return p;
}

static char *put_accesses(char *p, const struct record *r, size_t n, unsigned kind, const char *key) {
    const char *before = key;
    for (size_t i = 1; i < n; i++) {
        if (r[i].kind != kind)
            continue;
        p = put_hex(put_text(put_text(p, before), "{\"address\":"), r[i].address);
        p = put_decimal(put_text(p, ",\"size\":"), r[i].size);
        p = put_hex(put_text(p, ",\"value\":"), r[i].value);
        *p++ = '}';
        before = ",";
    }
    if (before != key)
        *p++ = ']';
    return p;
}

/* Disassembly is what takes longest: kept by address. */
struct text_slot {
    uint64_t pc;
    uint32_t bits, length;
    char text[112];
};
enum { TEXT_SLOTS = 1024 };
static struct text_slot *texts;

static char *put_disassembly(struct trace *t, char *p, const struct record *r) {
    struct text_slot own, *s = texts ? &texts[r->address / 2 % TEXT_SLOTS] : &own;
    if (s == &own || s->pc != r->address || s->bits != r->bits || !s->length) {
        struct insn in;
        char *q = s->text;
        insn_decode(t->isa, r->bits, &in);
        insn_disassemble(&in, r->address, s->text, sizeof s->text);
        for (; *q; q++)
            if (*q == '\t')
                *q = ' ';
        s->pc = r->address;
        s->bits = r->bits;
        s->length = (uint32_t)(q - s->text);
    }
    return put_text(p, s->text);
}

static void insn(struct trace *t, struct trace_hart *h, const struct record *r, size_t n) {
    char *p = put_decimal(put_text(output_room(t->out, LINE_MAX), "{\"hart\":"), h->id);
    if (h->hart->sys) {
        p = put_text(p, ",\"priv\":\"");
        *p++ = "us?m"[r->flags & RECORD_PRIVILEGE];
        *p++ = '"';
    }
    p = put_hex(put_text(p, ",\"pc\":"), r->address);
    if (r->size) {
        p = put_hex(put_text(p, ",\"insn\":"), r->bits);
        p = put_disassembly(t, put_text(p, ",\"asm\":\""), r);
        *p++ = '"';
    }
    uint64_t mask = t->xlen == 32 ? UINT32_MAX : UINT64_MAX;
    if (r->kind == RECORD_TRAP && r->flags & RECORD_INTERRUPT) {
        p = put_decimal(put_text(p, ",\"interrupt\":"), r->reg);
    } else if (r->kind == RECORD_TRAP) {
        p = put_decimal(put_text(p, ",\"trap\":"), r->reg);
        p = put_hex(put_text(p, ",\"tval\":"), r->value & mask);
    }
    p = put_registers(p, r, n, RECORD_X, ",\"x\":{", mask);
    p = put_registers(p, r, n, RECORD_F, ",\"f\":{", UINT64_MAX);
    p = put_registers(p, r, n, RECORD_CSR, ",\"csr\":{", mask);
    p = put_accesses(p, r, n, RECORD_LOAD, ",\"load\":[");
    p = put_accesses(p, r, n, RECORD_STORE, ",\"store\":[");
    *p++ = '}';
    *p++ = '\n';
    output_took(t->out, p);
}

static void begin(struct trace *t) { texts = calloc(TEXT_SLOTS, sizeof *texts); }
static void end(struct trace *t) {
    free(texts);
    texts = NULL;
}

const struct trace_format format_json = {
    .name = "json",
    .help = "one JSON object a line for each instruction",
    .kinds = RECORD_ALL,
    .begin = begin,
    .insn = insn,
    .end = end,
};
