/* report.c: what was found, for people and (--json) for machines. */
#include <stdlib.h>
#include <string.h>

#include "../../user/user.h"
#include "../symbols.h"
#include "diff.h"

enum { LAST_INSNS = HISTORY };

static void disassemble(const struct executed *e, char *buf, size_t n) {
    struct insn in;
    insn_decode(lockstep.isa, e->bits, &in);
    insn_disassemble(&in, e->pc, buf, n);
    for (char *tab = buf; (tab = strchr(tab, '\t'));)
        *tab = ' ';
}

/* The k-th last instruction up to index i of the batch, or NULL. */
static const struct executed *recent(const struct batch *b, uint32_t i, uint32_t k) {
    if (i >= k && i < b->insn_count)
        return &b->insns[i - k];
    uint32_t before = b->insn_count ? k - i - 1 : k;
    return before < lockstep.history_count ? &lockstep.history[lockstep.history_count - 1 - before] : NULL;
}

const char *report_place(uint64_t pc, char *buf, size_t n) {
    static struct symbols *symbols;
    if (!symbols)
        symbols = symbols_create();
    const struct symbol *s = symbols ? symbols_find(symbols, pc) : NULL;
    if (!s)
        return NULL;
    snprintf(buf, n, "%s+%#llx", s->name, (unsigned long long)(pc - s->start));
    return buf;
}

/* name, ours, theirs of each register that differs */
static unsigned differing(const struct divergence *d, char names[66][8], uint64_t values[66][2]) {
    unsigned n = 0;
    for (int pass = 0; pass < 2; pass++)
        for (unsigned i = 0; i < 32; i++) {
            uint64_t a = pass ? d->ours.f[i] : d->ours.x[i], b = pass ? d->theirs.f[i] : d->theirs.x[i];
            if (a == b)
                continue;
            snprintf(names[n], 8, "%s", pass ? insn_freg_names[i] : insn_xreg_names[i]);
            values[n][0] = a;
            values[n++][1] = b;
        }
    if (d->ours.fcsr != d->theirs.fcsr) {
        strcpy(names[n], "fcsr");
        values[n][0] = d->ours.fcsr;
        values[n++][1] = d->theirs.fcsr;
    }
    if (d->ours.pc != d->theirs.pc) {
        strcpy(names[n], "pc");
        values[n][0] = d->ours.pc;
        values[n++][1] = d->theirs.pc;
    }
    return n;
}

void report_json_string(FILE *to, const char *text) {
    fputc('"', to);
    for (; text && *text; text++) {
        if (*text == '"' || *text == '\\')
            fprintf(to, "\\%c", *text);
        else if (*text == '\n')
            fputs("\\n", to);
        else if ((unsigned char)*text < 32)
            fprintf(to, "\\u%04x", *text);
        else
            fputc(*text, to);
    }
    fputc('"', to);
}

static void json_counts(const char *result) {
    FILE *to = lockstep.to;
    fprintf(to, "{\"result\":\"%s\",\"reference\":\"%s\",\"step\":%s,\"instructions\":%llu,\"states\":%llu,", result,
            lockstep.reference->name, lockstep.step ? "true" : "false", (unsigned long long)lockstep.insns,
            (unsigned long long)lockstep.states);
    fprintf(to,
            "\"stores\":%llu,\"system_calls\":%llu,\"bytes_copied\":%llu,\"states_skipped\":%llu,\"threads\":%s,"
            "\"known\":{",
            (unsigned long long)lockstep.stores, (unsigned long long)lockstep.calls,
            (unsigned long long)lockstep.synced_bytes, (unsigned long long)lockstep.skipped_states,
            lockstep.threads_seen ? "true" : "false");
    for (int i = 0, first = 1; i < KNOWN_COUNT; i++)
        if (lockstep.known[i]) {
            fprintf(to, first ? "" : ",");
            report_json_string(to, known_labels[i]);
            fprintf(to, ":%llu", (unsigned long long)lockstep.known[i]);
            first = 0;
        }
    fprintf(to, "}");
}

static void text_counts(void) {
    FILE *to = lockstep.to;
    fprintf(to, "  %llu instructions, %llu states and %llu stores compared%s, %llu system calls, %llu bytes copied\n",
            (unsigned long long)lockstep.insns, (unsigned long long)lockstep.states,
            (unsigned long long)lockstep.stores, lockstep.step ? " (every instruction)" : "",
            (unsigned long long)lockstep.calls, (unsigned long long)lockstep.synced_bytes);
    if (lockstep.threads_seen)
        fprintf(to, "  the program has threads: its first one was compared, the others ran free\n");
    for (int i = 0; i < KNOWN_COUNT; i++)
        if (lockstep.known[i])
            fprintf(to, "  known: %8llu  %s (first at %#llx)\n", (unsigned long long)lockstep.known[i], known_labels[i],
                    (unsigned long long)lockstep.known_pc[i]);
}

static uint32_t culprit(const struct batch *b, const struct divergence *d) {
    uint32_t i = d->located ? d->insn : d->to ? d->to - 1 : 0;
    return i < b->insn_count ? i : b->insn_count ? b->insn_count - 1 : 0;
}

static void report_json(const struct batch *b, const struct divergence *d) {
    FILE *to = lockstep.to;
    char names[66][8], text[160], where[256];
    uint64_t values[66][2];
    unsigned n = differing(d, names, values);
    uint32_t i = culprit(b, d);
    json_counts("diverged");
    fprintf(to, ",\"what\":\"%s\",\"detail\":", d->what);
    report_json_string(to, d->detail);
    if (b->insn_count) {
        const struct executed *e = &b->insns[i];
        disassemble(e, text, sizeof text);
        fprintf(to, ",\"located\":%s,\"pc\":\"%#llx\",\"bits\":\"%#x\",\"instruction\":", d->located ? "true" : "false",
                (unsigned long long)e->pc, e->bits);
        report_json_string(to, text);
        fprintf(to, ",\"block\":\"%#llx\",\"symbol\":", (unsigned long long)d->start.pc);
        report_json_string(to, report_place(e->pc, where, sizeof where));
        fprintf(to, ",\"source\":");
        report_json_string(to, source_line(e->pc));
    }
    fprintf(to, ",\"registers\":[");
    for (unsigned r = 0; r < n; r++)
        fprintf(to, "%s{\"name\":\"%s\",\"riv\":\"%#llx\",\"reference\":\"%#llx\"}", r ? "," : "", names[r],
                (unsigned long long)values[r][0], (unsigned long long)values[r][1]);
    fprintf(to, "],\"last\":[");
    const char *comma = "";
    for (uint32_t k = LAST_INSNS; k-- > 0;) {
        const struct executed *e = recent(b, i, k);
        if (!e)
            continue;
        disassemble(e, text, sizeof text);
        fprintf(to, "%s{\"pc\":\"%#llx\",\"instruction\":", comma, (unsigned long long)e->pc);
        report_json_string(to, text);
        fprintf(to, "}");
        comma = ",";
    }
    char *code = locate_code(d->start.pc);
    fprintf(to, "],\"code\":");
    report_json_string(to, code);
    free(code);
    fprintf(to, "}\n");
}

static void report_text(const struct batch *b, const struct divergence *d) {
    FILE *to = lockstep.to;
    char names[66][8], text[160], where[256];
    uint64_t values[66][2];
    unsigned n = differing(d, names, values);
    uint32_t i = culprit(b, d);
    fprintf(to, "riv diff: %s: riv and %s part: %s\n", lockstep.program, lockstep.reference->name, d->what);
    if (d->detail[0])
        fprintf(to, "  %s\n", d->detail);
    if (b->insn_count) {
        const struct executed *e = &b->insns[i];
        disassemble(e, text, sizeof text);
        fprintf(to, d->located ? "\nAt %#llx  %s\n" : "\nIn the block that ends at %#llx  %s\n",
                (unsigned long long)e->pc, text);
        const char *symbol = report_place(e->pc, where, sizeof where), *line = source_line(e->pc);
        if (symbol || line)
            fprintf(to, "  in %s%s%s\n", symbol ? symbol : "?", line ? ", " : "", line ? line : "");
    }
    fprintf(to, "\n%-8s %18s %18s\n", "", "riv", lockstep.reference->name);
    for (unsigned r = 0; r < n; r++)
        fprintf(to, "%-8s %#18llx %#18llx\n", names[r], (unsigned long long)values[r][0],
                (unsigned long long)values[r][1]);
    if (!n)
        fprintf(to, "  (registers are the same)\n");
    fprintf(to, "\nThe last instructions:\n");
    for (uint32_t k = LAST_INSNS; k-- > 0;) {
        const struct executed *e = recent(b, i, k);
        if (!e)
            continue;
        disassemble(e, text, sizeof text);
        fprintf(to, "%c %#10llx  %-36s %s\n", d->located && k == 0 ? '>' : ' ', (unsigned long long)e->pc, text,
                report_place(e->pc, where, sizeof where) ? where : "");
    }
    char *code = locate_code(d->start.pc);
    if (code && *code)
        fprintf(to, "\nThe block at %#llx, IR and host code:\n%s", (unsigned long long)d->start.pc, code);
    free(code);
    fprintf(to, "\n");
    text_counts();
}

void report_divergence(const struct batch *b, const struct divergence *d) {
    fflush(stdout);
    if (lockstep.json)
        report_json(b, d);
    else
        report_text(b, d);
    if (lockstep.reproducer && (lockstep.reference->trace || d->reproducible)) {
        if (!reproducer_write(lockstep.reproducer, b, d))
            fprintf(stderr, "riv: diff: no reproducer for this one: it needs instructions that can be run again\n");
        else if (!lockstep.json)
            fprintf(lockstep.to, "  reproducer: %s\n", lockstep.reproducer);
    }
    fflush(lockstep.to);
}

void report_end(bool same) {
    if (lockstep.json) {
        json_counts("same");
        fprintf(lockstep.to, "}\n");
    } else if (!lockstep.quiet) {
        fprintf(lockstep.to, "riv diff: %s: the same as %s\n", lockstep.program, lockstep.reference->name);
        text_counts();
    }
    fflush(lockstep.to);
}
