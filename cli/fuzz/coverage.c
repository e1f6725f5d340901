/* coverage.c: see coverage.h. */
#include "coverage.h"

#include <errno.h>
#include <string.h>

#include "../../translate/cover.h"
#include "../../translate/ir.h"
#include "operands.h"

void coverage_collect(struct coverage *c) {
    unsigned i = 0;
    for (const struct cover_point *p = cover_first(); p != cover_end() && i < COVERAGE_POINTS; p++)
        c->points[i++] += p->count;
    for (i = 0; i < COVER_OPS * 2 && i < COVERAGE_OPS; i++)
        c->ops[i] += cover_ops[i / 2][i % 2];
}

void coverage_add(struct coverage *sum, const struct coverage *c) {
    for (int i = 0; i < COVERAGE_POINTS; i++)
        sum->points[i] += c->points[i];
    for (int i = 0; i < COVERAGE_OPS; i++)
        sum->ops[i] += c->ops[i];
}

static void write_rows(const struct tally *t, const char *isas, FILE *to) {
    unsigned rows, never = 0;
    const struct row_pattern *patterns = row_patterns(&rows);
    struct isa sets[MAX_ISAS];
    unsigned count = 0;
    for (char err[128]; *isas && count < MAX_ISAS;) {
        char name[128];
        size_t length = strcspn(isas, ",");
        snprintf(name, sizeof name, "%.*s", (int)length, isas);
        if (isa_parse(&sets[count], name, err, sizeof err))
            count++;
        isas += length + (isas[length] == ',');
    }
    fprintf(to, "rows: times executed, operands by class\n");
    for (int narrow = 0; narrow < 2; narrow++)
        for (unsigned row = 0; row < rows; row++) {
            bool in = false;
            for (unsigned i = 0; i < count; i++)
                in |= (sets[i].xlen == 32) == narrow && row_pattern_in(&patterns[row], &sets[i]);
            if (!in)
                continue;
            never += !t->executed[narrow][row];
            fprintf(to, "%s %-14s %9u%s", narrow ? "rv32" : "rv64", patterns[row].name, t->executed[narrow][row],
                    t->executed[narrow][row] ? "" : "  NEVER");
            for (int c = 0; c < OPERAND_CLASSES; c++)
                if (t->classes[narrow][row][c])
                    fprintf(to, "  %s:%u", operand_class_names[c], t->classes[narrow][row][c]);
            fputc('\n', to);
        }
    fprintf(to, "%u rows never executed\n\n", never);
}

static void write_paths(const struct coverage *c, FILE *to) {
    unsigned i = 0, never = 0;
    if (cover_first() == cover_end()) {
        fprintf(to, "paths of the translator: not counted by this build (see docs/coverage.md)\n");
        return;
    }
    fprintf(to, "operations of the IR: times emitted outside and inside loop sections\n");
    for (unsigned op = 0; op < IR_OP_COUNT; op++) {
        fprintf(to, "%-14s %9llu %9llu%s\n", ir_ops[op].name, (unsigned long long)c->ops[op * 2],
                (unsigned long long)c->ops[op * 2 + 1], c->ops[op * 2] + c->ops[op * 2 + 1] ? "" : "  NEVER");
        never += !(c->ops[op * 2] + c->ops[op * 2 + 1]);
    }
    fprintf(to, "\npaths of the translator\n");
    for (const struct cover_point *p = cover_first(); p != cover_end() && i < COVERAGE_POINTS; p++, i++) {
        fprintf(to, "%-32s %9llu%s\n", p->name, (unsigned long long)c->points[i], c->points[i] ? "" : "  NEVER");
        never += !c->points[i];
    }
    fprintf(to, "%u operations and paths never taken\n", never);
}

bool coverage_write(const struct tally *t, const struct coverage *c, const char *isas, const char *path) {
    FILE *to = path ? fopen(path, "w") : stdout;
    if (to) {
        write_rows(t, isas, to);
        write_paths(c, to);
    }
    bool good = to && !ferror(to) && (path ? fclose(to) : fflush(to)) == 0;
    if (!good)
        fprintf(stderr, "riv fuzz: cannot write %s: %s\n", path ? path : "the coverage", strerror(errno));
    return good;
}
