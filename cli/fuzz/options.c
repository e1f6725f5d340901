/* options.c: see options.h. */
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "program.h"

enum { STATUS_ERROR = 2, MAX_JOBS = 256 };

static const struct {
    const char *name, *arg, *help;
} rows[] = {
    {"seconds", "N", "stop after N seconds (default 10; 0: only at --cases)"},
    {"cases", "N", "stop after N programs"},
    {"seed", "N", "make the programs of this seed (default: one from the clock, printed)"},
    {"isa", "NAME,...", "instruction sets, as riv --cpu has them (default max,rv32max)"},
    {"weights", "EXT=N,...", "how often an extension's instructions are drawn (default 10 each)"},
    {"focus", "INSN,...", "have one of these instructions in every program"},
    {"jobs", "N", "processes (default: one for each processor)"},
    {"keep-going", NULL, "go on after a finding; each instruction is reported once"},
    {"no-unicorn", NULL, "compare riv's own ways only"},
    {"output", "DIR", "where reproducers are written (default: here; '' for none)"},
    {"replay", "FILE.s|SEED", "run one case again and report on it"},
    {"coverage", "[=FILE]", "print what was exercised, to FILE if given"},
    {"help", NULL, "print this"},
};
enum { ROW_COUNT = sizeof rows / sizeof *rows };

static void print_help(void) {
    printf(
        "Usage: riv fuzz [OPTION...]\n\n"
        "Makes random programs from the instruction table and runs each one interpreted, translated in several ways,\n"
        "and on Unicorn. Where two ends differ the program is made as small as it gets, reported, and written as a\n"
        "reproducer.\n\n");
    for (int i = 0; i < ROW_COUNT; i++) {
        char left[64];
        bool joined = rows[i].arg && rows[i].arg[0] == '[';
        snprintf(left, sizeof left, "--%s%s%s", rows[i].name, rows[i].arg && !joined ? "=" : "",
                 rows[i].arg ? rows[i].arg : "");
        printf("  %-24s %s\n", left, rows[i].help);
    }
    printf("\nExit status: 0 nothing found, 1 found something, 2 an error.\n");
}

static bool number(const char *text, uint64_t *out) {
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 0);
    return *text && *text != '-' && !*end && !errno;
}

static bool apply(struct fuzz_options *o, const char *name, const char *value) {
    uint64_t n = 0;
    if (!strcmp(name, "seconds")) {
        char *end;
        o->seconds = strtod(value, &end);
        return *value && !*end && o->seconds >= 0 && o->seconds < 1e9;
    }
    if (!strcmp(name, "cases"))
        return number(value, &o->cases);
    if (!strcmp(name, "seed"))
        return number(value, &o->seed);
    if (!strcmp(name, "jobs")) {
        bool good = number(value, &n) && n >= 1 && n <= MAX_JOBS;
        o->jobs = (unsigned)n;
        return good;
    }
    if (!strcmp(name, "isa"))
        o->isas = value;
    else if (!strcmp(name, "weights"))
        o->weights = value;
    else if (!strcmp(name, "focus"))
        o->focus = value;
    else if (!strcmp(name, "output"))
        o->output = value;
    else if (!strcmp(name, "replay"))
        o->replay = value;
    else if (!strcmp(name, "coverage"))
        o->want_coverage = true, o->coverage = value;
    else if (!strcmp(name, "keep-going"))
        o->keep_going = true;
    else
        o->unicorn = false;
    return true;
}

static uint64_t fresh_seed(void) {
    uint32_t seed = 0;
    if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
        seed = (uint32_t)time(NULL) ^ (uint32_t)getpid() << 16;
    return seed;
}

int fuzz_options_parse(struct fuzz_options *o, int argc, char **argv) {
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    *o = (struct fuzz_options){.isas = "max,rv32max",
                               .output = ".",
                               .seconds = 10,
                               .seed = fresh_seed(),
                               .jobs = processors < 1          ? 1
                                       : processors > MAX_JOBS ? MAX_JOBS
                                                               : (unsigned)processors,
                               .unicorn = true};
    bool timed = false, counted = false;
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i], *value = NULL;
        int row = 0;
        size_t length = 0;
        if (!strncmp(arg, "--", 2)) {
            arg += 2;
            length = strcspn(arg, "=");
            while (row < ROW_COUNT && (strlen(rows[row].name) != length || strncmp(rows[row].name, arg, length)))
                row++;
        }
        if (!length || row == ROW_COUNT) {
            fprintf(stderr, "riv fuzz: '%s' is not known; try 'riv fuzz --help'\n", argv[i]);
            return STATUS_ERROR;
        }
        if (arg[length])
            value = arg + length + 1;
        else if (rows[row].arg && rows[row].arg[0] != '[')
            value = ++i < argc ? argv[i] : NULL;
        if ((rows[row].arg && rows[row].arg[0] != '[' && !value) || (!rows[row].arg && value)) {
            fprintf(stderr, "riv fuzz: --%s %s\n", rows[row].name, value ? "takes no value" : "needs a value");
            return STATUS_ERROR;
        }
        if (!strcmp(rows[row].name, "help")) {
            print_help();
            return fflush(stdout) ? STATUS_ERROR : 0;
        }
        if (!apply(o, rows[row].name, value)) {
            fprintf(stderr, "riv fuzz: --%s cannot be '%s'\n", rows[row].name, value);
            return STATUS_ERROR;
        }
        timed |= !strcmp(rows[row].name, "seconds");
        counted |= !strcmp(rows[row].name, "cases");
    }
    if (counted && !timed)
        o->seconds = 0;
    return -1;
}
