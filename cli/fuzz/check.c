/* check.c: see check.h. */
#include "check.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static bool in_doubles(const struct row_pattern *r) { return unicorn_has_row(r, false) && !unicorn_word_min(r); }
static bool in_singles(const struct row_pattern *r) { return unicorn_has_row(r, true) && !unicorn_word_min(r); }
static bool mixed_doubles(const struct row_pattern *r) { return in_doubles(r) && unicorn_mixes_row(r); }
static bool mixed_singles(const struct row_pattern *r) { return in_singles(r) && unicorn_mixes_row(r); }

/* Row names as "fadd_s" or, as assembly has them, "fadd.s". */
static bool find_focus(struct lab *lab, const char *names, char *err, size_t n) {
    unsigned rows;
    const struct row_pattern *patterns = row_patterns(&rows);
    while (names && *names) {
        char name[32];
        size_t length = strcspn(names, ",");
        snprintf(name, sizeof name, "%.*s", (int)length, names);
        for (char *c = name; *c; c++)
            if (*c == '.')
                *c = '_';
        unsigned row = 0;
        while (row < rows && strcmp(patterns[row].name, name))
            row++;
        if (row == rows || lab->focus_count == MAX_FOCUS) {
            snprintf(err, n, row == rows ? "no instruction is called '%s'" : "too many instructions in focus: '%s'",
                     name);
            return false;
        }
        lab->focus[lab->focus_count++] = (int)row;
        names += length + (names[length] == ',');
    }
    return true;
}

bool lab_open(struct lab *lab, const char *isas, const char *weights, const char *focus, bool with_unicorn,
              struct tally *tally, char *err, size_t n) {
    memset(lab, 0, sizeof *lab);
    lab->tally = tally;
    if (!find_focus(lab, focus, err, n))
        return false;
    if (!program_map()) {
        snprintf(err, n, "the addresses 0x%x and 0x%x are taken", PROGRAM_CODE, PROGRAM_SCRATCH);
        return false;
    }
    while (*isas && lab->count < MAX_ISAS) {
        unsigned i = lab->count;
        size_t length = strcspn(isas, ",");
        struct machine *m = &lab->machines[i];
        snprintf(lab->isa_names[i], sizeof lab->isa_names[i], "%.*s", (int)length, isas);
        if (!machine_open(m, lab->isa_names[i], err, n))
            return false;
        lab->count++;
        isas += length + (isas[length] == ',');
        if (!row_set_make(&lab->rows[i], &m->isa, NULL, weights)) {
            snprintf(err, n, "bad weights '%s'", weights);
            return false;
        }
        m->executed = tally->executed[m->isa.xlen == 32];
        m->classes = tally->classes[m->isa.xlen == 32];
        row_set_make(&lab->alone[i][0], &m->isa, in_doubles, NULL);
        row_set_make(&lab->alone[i][1], &m->isa, in_singles, NULL);
        row_set_make(&lab->mixed[i][0], &m->isa, mixed_doubles, weights);
        row_set_make(&lab->mixed[i][1], &m->isa, mixed_singles, weights);
        if (with_unicorn && !(lab->unicorns[i] = unicorn_open(m->isa.xlen, err, n)))
            return false;
    }
    return true;
}

void lab_close(struct lab *lab) {
    for (unsigned i = 0; i < lab->count; i++) {
        machine_close(&lab->machines[i]);
        unicorn_close(lab->unicorns[i]);
    }
}

uint64_t case_seed(uint64_t seed, uint64_t number) {
    uint64_t state = seed * 0xd1342543de82ef95u + number;
    return program_random(&state);
}

/* ---- comparing ---- */

struct trial {
    struct lab *lab;
    unsigned isa;
    enum way way;
    enum finding_kind kind;
};

static enum run_end run_unicorn(struct lab *lab, unsigned isa, const struct program *p,
                                const struct program_state *ours, struct program_state *theirs) {
    char err[96];
    int skip = unicorn_skip_class(p, ours);
    if (skip >= 0) {
        lab->tally->known[skip]++;
        return RUN_ENDLESS;
    }
    lab->tally->compared_with_unicorn++;
    if (!unicorn_run(lab->unicorns[isa], p, theirs, err, sizeof err))
        theirs->cause = TRAP_NONE; /* a difference by itself */
    unicorn_settle(p, ours, theirs, lab->tally->known);
    return RUN_ENDED;
}

/* RUN_ENDED and *differs, or how it did not end. */
static enum run_end compare(struct lab *lab, unsigned isa, const struct program *p, enum way way, bool *differs) {
    static struct program_state a, b;
    struct machine *m = &lab->machines[isa];
    *differs = false;
    enum run_end end = way_run(m, WAY_STEP, p, &a);
    if (end != RUN_ENDED || way == WAY_STEP)
        return end;
    end = way == WAY_UNICORN ? run_unicorn(lab, isa, p, &a, &b) : way_run(m, way, p, &b);
    if (end == RUN_ENDED)
        *differs = program_compare(&a, "", &b, "", NULL);
    return end;
}

static bool still_differs(const struct program *p, void *ctx) {
    struct trial *t = ctx;
    bool differs;
    return compare(t->lab, t->isa, p, t->way, &differs) == RUN_ENDED && differs;
}

/* In a process of its own, as a crash may leave anything behind. */
static bool still_breaks(const struct program *p, void *ctx) {
    struct trial *t = ctx;
    fflush(NULL);
    pid_t child = fork();
    if (!child) {
        bool differs;
        ways_watch_time(150);
        alarm(20);
        enum run_end end = compare(t->lab, t->isa, p, t->way, &differs);
        _exit(end == RUN_CRASHED ? 1 : end == RUN_HANGS ? 2 : 0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    bool crashed = WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) == 1);
    return t->kind == FINDING_CRASHES ? crashed : WIFEXITED(status) && WEXITSTATUS(status) == 2;
}

/* What to call an item: code that was changed and runs as it was before is fence.i's fault. */
static const char *name_item(const struct program *p, unsigned item) {
    struct insn in;
    program_decode(p, item, &in);
    uint8_t group = p->items[item].group;
    bool changed = group && insn_rows[in.id].format == FMT_R && in.rd >= 10 && in.rd <= 15;
    for (unsigned i = 0; changed && i < p->count; i++) {
        struct insn other;
        program_decode(p, i, &other);
        if (p->items[i].group == group && other.id == INSN_fence_i)
            in = other;
    }
    return insn_rows[in.id].mnemonic;
}

/* What is wrong may be seen only later than it was computed (the translator looks ahead). */
static void name_writer(struct finding *f) {
    const struct program *p = &f->program;
    for (unsigned i = 0; i < p->count; i++) {
        struct insn in;
        program_decode(p, i, &in);
        unsigned format = insn_rows[in.id].format, kind = row_operands(format);
        bool wrong = kind & WRITES_X ? in.rd && f->expected.x[in.rd] != f->actual.x[in.rd]
                     : kind & HAS_RD ? f->expected.f[in.rd] != f->actual.f[in.rd]
                                     : false;
        if (wrong) {
            snprintf(f->writer, sizeof f->writer, "%s", name_item(p, i));
            return;
        }
    }
}

/* Which other ways end like WAY_STEP, and which like the one that parts from it. */
static void find_agreement(struct lab *lab, unsigned isa, struct finding *f) {
    static struct program_state end;
    for (int way = WAY_INTERPRET; way < WAYS; way++) {
        if (way == (int)f->way || (way == WAY_UNICORN ? !lab->unicorns[isa] : !lab->machines[isa].engines[way]))
            continue;
        enum run_end how = way == WAY_UNICORN ? run_unicorn(lab, isa, &f->program, &f->expected, &end)
                                              : way_run(&lab->machines[isa], (enum way)way, &f->program, &end);
        if (how != RUN_ENDED)
            continue;
        int which = !program_compare(&f->expected, "", &end, "", NULL) ? 0
                    : !program_compare(&f->actual, "", &end, "", NULL) ? 1
                                                                       : -1;
        if (which >= 0) {
            size_t used = strlen(f->agree[which]);
            snprintf(f->agree[which] + used, sizeof f->agree[which] - used, " %s", way_names[way]);
        }
    }
}

static void investigate(struct lab *lab, unsigned isa, const struct program *p, enum way way, enum finding_kind kind,
                        bool shrink, struct finding *f) {
    struct trial t = {lab, isa, way, kind};
    program_fails *fails = kind == FINDING_DIFFERS ? still_differs : still_breaks;
    memset(f, 0, sizeof *f);
    f->kind = kind;
    f->way = way;
    f->machine = &lab->machines[isa];
    f->isa = lab->isa_names[isa];
    f->program = *p;
    uint32_t *executed = f->machine->executed;
    f->machine->executed = NULL; /* trials are not counted */
    if (shrink)
        program_shrink(&f->program, fails, &t, kind != FINDING_DIFFERS);
    f->blamed = program_blame(&f->program, fails, &t);
    snprintf(f->instruction, sizeof f->instruction, "%s",
             f->blamed < 0 ? "?" : name_item(&f->program, (unsigned)f->blamed));
    if (kind == FINDING_DIFFERS) {
        way_run(f->machine, WAY_STEP, &f->program, &f->expected);
        if (way == WAY_UNICORN)
            run_unicorn(lab, isa, &f->program, &f->expected, &f->actual);
        else
            way_run(f->machine, way, &f->program, &f->actual);
        name_writer(f);
        find_agreement(lab, isa, f);
    }
    f->machine->executed = executed;
}

bool program_check(struct lab *lab, unsigned isa, const struct program *p, enum way only, bool shrink,
                   struct finding *f) {
    static struct program_state reference, end;
    struct machine *m = &lab->machines[isa];
    enum run_end how = way_run(m, WAY_STEP, p, &reference);
    if (how == RUN_CRASHED || how == RUN_HANGS) {
        investigate(lab, isa, p, WAY_STEP, how == RUN_CRASHED ? FINDING_CRASHES : FINDING_HANGS, shrink, f);
        return true;
    }
    if (how == RUN_ENDLESS) {
        lab->tally->endless++;
        return false;
    }
    for (int way = WAY_INTERPRET; way < WAYS; way++) {
        if (only != WAYS ? way != (int)only : way == WAY_UNICORN)
            continue;
        if (way == WAY_UNICORN ? !lab->unicorns[isa] : !m->engines[way])
            continue;
        /* the second time it is translated code that runs, entered by way of what the first run has left */
        for (int round = 0; round < (way == WAY_WARM ? 2 : 1); round++) {
            how = way == WAY_UNICORN ? run_unicorn(lab, isa, p, &reference, &end) : way_run(m, (enum way)way, p, &end);
            if (how == RUN_CRASHED || how == RUN_HANGS) {
                investigate(lab, isa, p, (enum way)way, how == RUN_CRASHED ? FINDING_CRASHES : FINDING_HANGS, shrink,
                            f);
                return true;
            }
            if (how == RUN_ENDED && program_compare(&reference, "", &end, "", NULL)) {
                investigate(lab, isa, p, (enum way)way, FINDING_DIFFERS, shrink, f);
                return true;
            }
        }
    }
    return false;
}

/* ---- cases ---- */

static int pick_focus(struct lab *lab, unsigned isa, const struct row_set *rows, uint64_t *r) {
    if (!lab->focus_count)
        return -1;
    unsigned all, start = (unsigned)(program_random(r) >> 32);
    const struct row_pattern *patterns = row_patterns(&all);
    for (unsigned i = 0; i < lab->focus_count; i++) {
        int row = lab->focus[(start + i) % lab->focus_count];
        bool inside = false;
        for (unsigned k = 0; k < rows->count; k++)
            inside |= rows->row[k] == row;
        if (inside && row_pattern_in(&patterns[row], &lab->machines[isa].isa))
            return row;
    }
    return -1;
}

bool case_check(struct lab *lab, uint64_t seed, struct finding *f) {
    static struct program p;
    uint64_t r = seed;
    unsigned all, isa = (unsigned)(program_random(&r) >> 32) % lab->count;
    unsigned kind = (unsigned)(program_random(&r) >> 32) % 100;
    const struct row_pattern *patterns = row_patterns(&all);
    struct program_options options = {.rows = &lab->rows[isa], .max_rows = kind < 30 ? 3 : 20};
    enum way way = WAYS;
    bool singles = kind & 1;
    lab->tally->now = seed;
    lab->tally->cases++;
    if (kind >= 80 && lab->unicorns[isa] && lab->mixed[isa][singles].count && lab->alone[isa][singles].count) {
        way = WAY_UNICORN;
        options.tame = true;
        options.straight = kind >= 92; /* rows that run alone, too */
        options.rows = options.straight ? &lab->alone[isa][singles] : &lab->mixed[isa][singles];
        options.max_rows = options.straight ? 1 : 15;
    }
    options.focus = pick_focus(lab, isa, options.rows, &r);
    if (way == WAY_UNICORN && lab->focus_count && options.focus < 0)
        return false;
    program_make(&p, &lab->machines[isa].isa, program_random(&r), &options);
    p.seed = seed;
    if (way == WAY_UNICORN)
        unicorn_prepare(&p, singles, p.count ? &patterns[p.items[0].row] : NULL);
    return program_check(lab, isa, &p, way, true, f);
}

void finding_print(const struct finding *f, FILE *to) {
    static const char *const kinds[] = {"differs from step", "crashes", "hangs"};
    fprintf(to, "%s: %s %s (%s, case 0x%llx)\n", f->instruction, way_names[f->way], kinds[f->kind], f->isa,
            (unsigned long long)f->program.seed);
    program_print(&f->program, to);
    if (f->kind != FINDING_DIFFERS)
        return;
    program_compare(&f->expected, way_names[WAY_STEP], &f->actual, way_names[f->way], to);
    if (f->writer[0])
        fprintf(to, "  first wrong register: written by %s\n", f->writer);
    if (f->agree[0][0])
        fprintf(to, "  as step:%s\n", f->agree[0]);
    if (f->agree[1][0])
        fprintf(to, "  as %s:%s\n", way_names[f->way], f->agree[1]);
}
