/* format_qemu.c: what qemu-riscv64 -singlestep -d in_asm,cpu,nochain writes: each instruction once, where it is first
 * executed, and before each execution pc and x registers.
 *
 *      ----------------
 *      IN: f
 *      0x000000000001016c:  0285              addi                    t0,t0,1
 *
 *       pc       000000000001016c
 *       x0/zero  0000000000000000 x1/ra    0000000000010162 ...
 *
 * The register lines of each hart are kept as text in which only what has changed is written.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trace.h"

enum { TEXT_MAX = 34 * 27 + 16, SEEN_SLOTS = 1 << 12 };

struct state {
    uint64_t x[32];
    size_t length;
    uint16_t at[32]; /* of a register's digits */
    uint16_t pc_at;
    char text[TEXT_MAX];
};

/* Which addresses have been shown: a bit for each halfword of a page; pages in a hash table that grows. */
struct seen_page {
    uint64_t page; /* + 1; 0: free */
    uint64_t bits[32];
};
static struct seen_page *seen;
static size_t seen_slots, seen_used;

static struct seen_page *find_page(struct seen_page *table, size_t slots, uint64_t page) {
    size_t i = (page * 0x9e3779b97f4a7c15u) >> 32 & (slots - 1);
    while (table[i].page && table[i].page != page + 1)
        i = (i + 1) & (slots - 1);
    return &table[i];
}

static bool grow(void) {
    size_t slots = seen_slots ? seen_slots * 2 : SEEN_SLOTS;
    struct seen_page *table = calloc(slots, sizeof *table);
    if (!table)
        return false;
    for (size_t i = 0; i < seen_slots; i++)
        if (seen[i].page)
            *find_page(table, slots, seen[i].page - 1) = seen[i];
    free(seen);
    seen = table;
    seen_slots = slots;
    return true;
}

/* True the first time. */
static bool first_time(uint64_t pc) {
    static struct seen_page *last;
    uint64_t page = pc >> 12, bit = 1ull << (pc >> 1 & 63);
    if (!last || last->page != page + 1) {
        if (seen_used * 2 >= seen_slots && !grow() && seen_used + 1 >= seen_slots)
            return false;
        last = find_page(seen, seen_slots, page);
        if (!last->page) {
            last->page = page + 1;
            seen_used++;
        }
    }
    uint64_t *word = &last->bits[pc >> 7 & 31];
    if (*word & bit)
        return false;
    *word |= bit;
    return true;
}

static void put_number(const struct trace *t, char *to, uint64_t v) {
    if (t->xlen == 32)
        hex_8(to, (uint32_t)v);
    else
        hex_16(to, v);
}

static void make_text(const struct trace *t, struct state *s) {
    unsigned digits = t->xlen / 4;
    char *p = s->text + snprintf(s->text, 16, " %-8s ", "pc");
    s->pc_at = (uint16_t)(p - s->text);
    p += digits;
    *p++ = '\n';
    for (unsigned i = 0; i < 32; i++) {
        char name[16];
        snprintf(name, sizeof name, "x%u/%s", i, insn_xreg_names[i]);
        p += snprintf(p, 16, " %-8s ", name);
        s->at[i] = (uint16_t)(p - s->text);
        put_number(t, p, s->x[i]);
        p += digits;
        if (i % 4 == 3)
            *p++ = '\n';
    }
    s->length = (size_t)(p - s->text);
}

static void resume(struct trace *t, struct trace_hart *h) {
    struct state *s = h->format;
    if (!s->length)
        make_text(t, s);
    for (unsigned i = 1; i < 32; i++)
        if (s->x[i] != h->hart->x[i]) {
            s->x[i] = h->hart->x[i];
            put_number(t, s->text + s->at[i], s->x[i]);
        }
}

static void show(struct trace *t, const struct trace_hart *h, const struct record *r) {
    struct insn in;
    char *p = output_room(t->out, 1024);
    const struct symbol *symbol = symbols_find(t->symbols, r->address);
    p += snprintf(p, 512, "----------------\nIN: %.400s\n", symbol && symbol->function ? symbol->name : "");
    if (h->hart->sys)
        p += snprintf(p, 64, "Priv: %d; Virt: 0\n", r->flags & RECORD_PRIVILEGE);
    *p++ = '0';
    *p++ = 'x';
    put_number(t, p, r->address);
    p = put_text(p + t->xlen / 4, ":  ");
    char *column = p + 18;
    p = r->size == 2 ? hex_4(p, r->bits) : hex_8(p, r->bits);
    while (p < column)
        *p++ = ' ';
    insn_decode(t->isa, r->bits, &in);
    p += qemu_disassemble(&in, r->address, p, 256);
    p = put_text(p, "\n\n");
    output_took(t->out, p);
}

static void changed(struct trace *t, struct trace_hart *h, const struct record *r, size_t n) {
    struct state *s = h->format;
    for (size_t i = 0; i < n; i++)
        if (r[i].kind == RECORD_X) {
            s->x[r[i].reg] = r[i].value;
            put_number(t, s->text + s->at[r[i].reg], r[i].value);
        }
}

static void insn(struct trace *t, struct trace_hart *h, const struct record *r, size_t n) {
    struct state *s = h->format;
    if (r->size == 0) /* nothing was fetched, or an interrupt */
        return;
    if (first_time(r->address))
        show(t, h, r);
    put_number(t, s->text + s->pc_at, r->address);
    char *p = output_room(t->out, TEXT_MAX);
    memcpy(p, s->text, s->length);
    output_took(t->out, p + s->length);
    changed(t, h, r, n);
}

static void end(struct trace *t) {
    free(seen);
    seen = NULL;
    seen_slots = seen_used = 0;
}

const struct trace_format format_qemu = {
    .name = "qemu",
    .help = "what qemu-riscv64 -singlestep -d in_asm,cpu,nochain logs",
    .kinds = RECORD_BIT(RECORD_INSN) | RECORD_BIT(RECORD_X) | RECORD_BIT(RECORD_TRAP),
    .hart_bytes = sizeof(struct state),
    .resume = resume,
    .insn = insn,
    .skipped = changed,
    .end = end,
};
