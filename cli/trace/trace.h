/* trace.h: what the files of riv-trace share: `riv trace` writes what a guest program executes, in formats that tools read.
 *
 *      engine ──struct record[]──▶ trace.c: filters, one writer at a time ──▶ format_NAME.c ──text──▶ output.c ──▶ FILE
 *
 * Records come in batches of one hart; batches of several harts follow one another whole, and every line or object names its
 * hart: 0 for the first thread, then in the order in which threads begin.
 */
#ifndef CLI_TRACE_TRACE_H
#define CLI_TRACE_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../translate/engine.h"
#include "../symbols.h"

/* ---- output.c: a file behind a large buffer, compressed as its name says (.gz, .zst) ---- */
struct output;
/* "-" is stdout; append adds to what is there. NULL: one line in err. */
struct output *output_open(const char *path, bool append, char *err, size_t n);
/* Room for at least bytes (up to OUTPUT_ROOM); what was written there is taken with output_took. */
enum { OUTPUT_ROOM = 1 << 16 };
char *output_room(struct output *o, size_t bytes);
void output_took(struct output *o, char *end);
void output_text(struct output *o, const char *text);
/* Everything so far is in the file and can be read: also ends a compressed frame, a new one begins after it.
 * False: one line was written to stderr, once. */
bool output_flush(struct output *o);
/* What another process does with the same file is its business: nothing is written any more. */
void output_abandon(struct output *o);
/* Whether the file can be written still (not a closed pipe or a full disk). */
bool output_works(const struct output *o);

/* ---- hex.c: digits, lower case; each returns the end of what it wrote ---- */
char *hex_16(char *to, uint64_t v); /* always 16 digits */
char *hex_8(char *to, uint32_t v);  /* always 8 */
char *hex_4(char *to, uint32_t v);
char *hex_2(char *to, uint32_t v);
char *hex_least(char *to, uint64_t v); /* as few as possible, at least one */
char *put_decimal(char *to, uint64_t v);
char *put_text(char *to, const char *text);

/* ---- formats ---- */
struct trace {
    struct output *out;
    struct symbols *symbols;
    const struct isa *isa;
    unsigned xlen;
    bool traps;      /* spike: lines for exceptions */
    int pid;
};
/* A hart as formats see it. */
struct trace_hart {
    unsigned id;
    const struct hart *hart;
    void *format; /* the format's own, from calloc; freed with the hart */
};
struct trace_format {
    const char *name, *help;
    unsigned kinds; /* RECORD_BITs */
    size_t hart_bytes;
    bool end_before_exec; /* the document has an end, nothing can be added to it */
    bool whole; /* it must see all instructions, also those that are filtered out */
    void (*begin)(struct trace *t);
    /* Registers are as t->hart has them. May be NULL. */
    void (*resume)(struct trace *t, struct trace_hart *h);
    /* The records of one instruction: its RECORD_INSN or RECORD_TRAP, and what follows it. */
    void (*insn)(struct trace *t, struct trace_hart *h, const struct record *r, size_t n);
    /* An instruction that is filtered out; for formats that keep state. May be NULL. */
    void (*skipped)(struct trace *t, struct trace_hart *h, const struct record *r, size_t n);
    void (*leave)(struct trace *t, struct trace_hart *h); /* the hart is gone, or all is over. May be NULL. */
    void (*end)(struct trace *t);
};
extern const struct trace_format format_spike, format_qemu, format_json, format_chrome;

/* qemu_disassemble.c: an instruction as qemu 7.2 disassembles it, with the padding it has; returns the length. */
int qemu_disassemble(const struct insn *in, uint64_t pc, char *buf, size_t n);

#endif
