/* format_chrome.c: a timeline of functions, for Perfetto and chrome://tracing: one track a thread, one instruction a
 * nanosecond.
 *
 *      {"traceEvents":[
 *      {"ph":"B","pid":7,"tid":1,"ts":0.012,"name":"main"},
 *      {"ph":"E","pid":7,"tid":1,"ts":0.093}
 *      ],"displayTimeUnit":"ns"}
 *
 * Calls and returns are what the unprivileged manual's hints say (jal and jalr with ra or t0); each call remembers
 * where it returns to and the stack pointer.  A return to another frame than the last, as longjmp makes, ends all
 * frames between; one to none of them ends those whose stack is gone.  A jump to another function's start takes the
 * frame over (tail calls, PLT).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trace.h"

enum { DEPTH_MAX = 4096, EVENT_MAX = 1024, MRET = 0x30200073, SRET = 0x10200073 };

struct frame {
    uint64_t back, sp; /* return address, stack pointer at the call */
    uint64_t function; /* where it begins */
    bool shown;        /* its B is written */
};
struct state {
    uint64_t sp, time;
    uint64_t next; /* pc behind the last instruction */
    /* what the last instruction was */
    enum { SEQUENTIAL, CALL, RETURN, JUMP, OUTSIDE } last;
    unsigned depth, lost; /* lost: calls beyond DEPTH_MAX */
    struct frame frames[DEPTH_MAX];
};

static bool any;

static char *begin_event(struct trace *t, const struct trace_hart *h, char phase) {
    const struct state *s = h->format;
    char *p = put_text(output_room(t->out, EVENT_MAX), any ? ",\n{\"ph\":\"" : "\n{\"ph\":\"");
    any = true;
    *p++ = phase;
    p = put_decimal(put_text(p, "\",\"pid\":"), (uint64_t)t->pid);
    p = put_decimal(put_text(p, ",\"tid\":"), h->id + 1);
    p = put_decimal(put_text(p, ",\"ts\":"), s->time / 1000);
    unsigned rest = (unsigned)(s->time % 1000);
    *p++ = '.';
    *p++ = (char)('0' + rest / 100);
    *p++ = (char)('0' + rest / 10 % 10);
    *p++ = (char)('0' + rest % 10);
    return p;
}

static void show(struct trace *t, struct trace_hart *h, struct frame *f) {
    const struct symbol *symbol = symbols_find(t->symbols, f->function);
    char *p = put_text(begin_event(t, h, 'B'), ",\"name\":\"");
    if (symbol) {
        for (const char *c = symbol->name; *c && c < symbol->name + 400; c++) {
            if (*c == '"' || *c == '\\')
                *p++ = '\\';
            *p++ = (unsigned char)*c < ' ' ? '?' : *c;
        }
    } else {
        p = hex_least(put_text(p, "0x"), f->function);
    }
    p = put_text(p, "\"}");
    output_took(t->out, p);
    f->shown = true;
}

static void pop(struct trace *t, struct trace_hart *h) {
    struct state *s = h->format;
    struct frame *f = &s->frames[--s->depth];
    if (f->shown)
        output_took(t->out, put_text(begin_event(t, h, 'E'), "}"));
}

static uint64_t function_at(struct trace *t, uint64_t pc) {
    const struct symbol *symbol = symbols_find(t->symbols, pc);
    return symbol ? symbol->start : pc;
}

static void push(struct trace *t, struct trace_hart *h, uint64_t back, uint64_t pc) {
    struct state *s = h->format;
    if (s->depth == DEPTH_MAX) {
        s->lost++;
        return;
    }
    s->frames[s->depth++] = (struct frame){.back = back, .sp = s->sp, .function = function_at(t, pc)};
}

/* Control has come back to pc: whose frames are over? */
static void unwind(struct trace *t, struct trace_hart *h, uint64_t pc) {
    struct state *s = h->format;
    if (s->lost && s->frames[s->depth - 1].back != pc) {
        s->lost--;
        return;
    }
    unsigned to = s->depth;
    while (to > 1 && s->frames[to - 1].back != pc)
        to--;
    if (to > 1) {
        s->lost = 0;
        while (s->depth >= to)
            pop(t, h);
        return;
    }
    while (s->depth > 1 && s->frames[s->depth - 1].sp < s->sp)
        pop(t, h);
}

/* The frame goes on as another function. */
static void take_over(struct trace *t, struct trace_hart *h, uint64_t pc) {
    struct state *s = h->format;
    struct frame f = s->frames[s->depth - 1];
    if (s->lost || f.function == pc)
        return;
    const struct symbol *symbol = symbols_find(t->symbols, pc);
    if (symbol ? symbol->start != pc || symbol->start == f.function : symbols_find(t->symbols, f.function) != NULL)
        return;
    pop(t, h);
    push(t, h, f.back, pc);
    s->frames[s->depth - 1].sp = f.sp;
}

/* Where control is now, before the instruction at pc. */
static void arrive(struct trace *t, struct trace_hart *h, uint64_t pc) {
    struct state *s = h->format;
    if (s->depth == 0) {
        push(t, h, 0, pc);
    } else if (s->last == CALL) {
        push(t, h, s->next, pc);
    } else if (s->last == RETURN) {
        unwind(t, h, pc);
    } else if (s->last == JUMP) {
        take_over(t, h, pc);
    } else if (s->last == OUTSIDE && pc != s->next) { /* a signal or trap, or the return from one */
        unsigned i = s->depth;
        while (i > 1 && s->frames[i - 1].back != pc)
            i--;
        if (i > 1)
            unwind(t, h, pc);
        else
            push(t, h, s->next, pc);
    }
    s->last = SEQUENTIAL;
}

static void depart(struct trace *t, struct state *s, const struct record *r) {
    struct insn in;
    s->time++;
    s->next = r->address + r->size;
    if (r->kind == RECORD_TRAP) {
        s->last = OUTSIDE;
        bool ecall = r->reg == TRAP_ECALL_U || r->reg == TRAP_ECALL_S || r->reg == TRAP_ECALL_M;
        if (!ecall || r->flags & RECORD_INTERRUPT)
            s->next = r->address;
        return;
    }
    if (r->bits == MRET || r->bits == SRET) {
        s->last = OUTSIDE;
        return;
    }
    unsigned opcode = r->bits & 0x7f;
    if (r->size == 2 ? (r->bits & 3) == 0 || (r->bits & 0xe000) < 0x8000 : opcode != 0x6f && opcode != 0x67) {
        if (!(r->size == 2 && (r->bits & 0xe003) == 0x2001)) /* c.jal, on RV32 */
            return;
    }
    insn_decode(t->isa, r->bits, &in);
    if (in.id != INSN_jal && in.id != INSN_jalr)
        return;
    bool links = in.rd == 1 || in.rd == 5, returns = in.id == INSN_jalr && (in.rs1 == 1 || in.rs1 == 5);
    s->last = links ? CALL : returns && in.rd == 0 ? RETURN : JUMP;
}

static void follow(struct trace *t, struct trace_hart *h, const struct record *r, size_t n) {
    struct state *s = h->format;
    if (s->last != SEQUENTIAL || s->depth == 0)
        arrive(t, h, r->address);
    depart(t, s, r);
    for (size_t i = 1; i < n; i++)
        if (r[i].kind == RECORD_X && r[i].reg == 2)
            s->sp = r[i].value;
}

static void insn(struct trace *t, struct trace_hart *h, const struct record *r, size_t n) {
    struct state *s = h->format;
    if (s->last != SEQUENTIAL || s->depth == 0)
        arrive(t, h, r->address);
    unsigned first = s->depth;
    while (first > 0 && !s->frames[first - 1].shown)
        first--;
    for (; first < s->depth; first++)
        show(t, h, &s->frames[first]);
    follow(t, h, r, n);
}

static void resume(struct trace *t, struct trace_hart *h) {
    struct state *s = h->format;
    s->sp = h->hart->x[2];
    if (s->depth)
        s->last = OUTSIDE;
}

static void leave(struct trace *t, struct trace_hart *h) {
    struct state *s = h->format;
    while (s->depth)
        pop(t, h);
}

static void begin(struct trace *t) {
    any = false;
    output_text(t->out, "{\"traceEvents\":[");
}
static void end(struct trace *t) { output_text(t->out, "\n],\"displayTimeUnit\":\"ns\"}\n"); }

const struct trace_format format_chrome = {
    .name = "chrome",
    .help = "timeline of functions for Perfetto and chrome://tracing",
    .kinds = RECORD_BIT(RECORD_INSN) | RECORD_BIT(RECORD_X) | RECORD_BIT(RECORD_TRAP),
    .hart_bytes = sizeof(struct state),
    .end_before_exec = true,
    .whole = true,
    .begin = begin,
    .resume = resume,
    .insn = insn,
    .skipped = follow,
    .leave = leave,
    .end = end,
};
