/* main.c: the program riv-diff, which `riv diff` starts: options, then the guest program, compared as it runs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../cli.h"
#include "bisect.h"
#include "diff.h"

extern char **environ;

static struct {
    bool help, against;
    const char *output;
    struct bisect_options bisect;
} given = {.bisect.tries = 1};

static bool set_against(const char *value, char *err, size_t n) {
    given.against = true;
    if (strcmp(value, "unicorn") == 0)
        lockstep.reference = &reference_unicorn;
    else if (strcmp(value, "interp") == 0)
        lockstep.reference = &reference_interp;
    else if (strcmp(value, "qemu") == 0 || (strncmp(value, "qemu:", 5) == 0 && value[5])) {
        lockstep.reference = &reference_qemu;
        qemu_name(value[4] ? value + 5 : NULL);
    } else if (strncmp(value, "spike-log:", 10) == 0 && value[10]) {
        lockstep.reference = &reference_spike_log;
        lockstep.step = true; /* a line is an instruction */
        spike_log_name(value + 10);
    } else {
        snprintf(err, n, "no reference '%s' (unicorn, interp, qemu, spike-log:FILE)", value);
        return false;
    }
    return true;
}
static bool set_step(const char *value, char *err, size_t n) { return lockstep.step = true; }
static bool set_json(const char *value, char *err, size_t n) { return lockstep.json = true; }
static bool set_quiet(const char *value, char *err, size_t n) { return lockstep.quiet = true; }
static bool set_help(const char *value, char *err, size_t n) { return given.help = true; }
static bool set_bisect(const char *value, char *err, size_t n) { return given.bisect.on = true; }
static bool set_expect(const char *value, char *err, size_t n) {
    given.bisect.expect = value;
    return true;
}
static bool set_check(const char *value, char *err, size_t n) {
    given.bisect.check = value;
    return true;
}
static bool set_number(const char *option, const char *value, unsigned most, unsigned *number, char *err, size_t n) {
    char *end;
    unsigned long v = strtoul(value, &end, 10);
    if (*value < '0' || *value > '9' || *end || v < 1 || v > most) {
        snprintf(err, n, "%s takes a number from 1 to %u, not '%s'", option, most, value);
        return false;
    }
    *number = (unsigned)v;
    return true;
}
static bool set_tries(const char *value, char *err, size_t n) {
    return set_number("--tries", value, 1000, &given.bisect.tries, err, n);
}
static bool set_limit(const char *value, char *err, size_t n) {
    return set_number("--limit", value, 1000000, &given.bisect.limit, err, n);
}
static bool set_output(const char *value, char *err, size_t n) {
    given.output = value;
    return true;
}
static bool set_reproducer(const char *value, char *err, size_t n) {
    lockstep.reproducer = value;
    return true;
}

static const struct {
    const char *name, *arg, *help;
    bool (*apply)(const char *value, char *err, size_t n);
} rows[] = {
    {"against", "NAME", "the reference: unicorn (default), interp (riv's own), qemu[:PROGRAM] or spike-log:FILE",
     set_against},
    {"step", NULL, "compares after every instruction, not at the ends of blocks", set_step},
    {"bisect", NULL, "finds the code whose translation makes the program's output wrong", set_bisect},
    {"expect", "FILE", "with --bisect: the right output, not what the interpreter gives", set_expect},
    {"check", "COMMAND", "with --bisect: reads the output and exits with 0 if it is right", set_check},
    {"tries", "N", "with --bisect: runs of which one that goes wrong is enough (1)", set_tries},
    {"limit", "SECONDS", "with --bisect: what takes longer is wrong (20 times the interpreter's time, or 10 s)",
     set_limit},
    {"json", NULL, "reports as one line of JSON", set_json},
    {"o", "FILE", "reports to FILE instead of stderr", set_output},
    {"quiet", NULL, "says nothing where there is no difference", set_quiet},
    {"reproducer", "FILE", "where to write the reproducer (default: riv-diff.s)", set_reproducer},
    {"help", NULL, "prints this text", set_help},
};
enum { ROWS = sizeof rows / sizeof *rows };

static int print_help(void) {
    printf("usage: riv diff [OPTION]... PROGRAM [ARGUMENT]...\n"
           "       riv diff [OPTION]... FILE.s\n"
           "       riv diff rom:NAME\n"
           "       riv diff boot BOOT-OPTION...\n"
           "Runs a RISC-V Linux program on riv and on a reference in lockstep, and stops at the first difference.\n"
           "A FILE.s, such as the reproducers it writes, is assembled first. ROMs and machines, as riv boot runs\n"
           "them, have Unicorn beside them and none of these options.\n\n");
    for (int i = 0; i < ROWS; i++) {
        char left[64];
        snprintf(left, sizeof left, "  %s%s%s%s", rows[i].name[1] ? "--" : "-", rows[i].name, rows[i].arg ? " " : "",
                 rows[i].arg ? rows[i].arg : "");
        printf("%-26s%s\n", left, rows[i].help);
    }
    printf(
        "\nriv's own options may be given as well (riv --help): --engine=jit (default) or interp is what is compared.\n"
        "Exit status: 0 the same, 1 they differ, 2 they could not be compared.\n");
    return output_finish();
}

static bool takes_next(const char *word) {
    const char *name = word + 1 + (word[1] == '-');
    for (size_t i = 0; i < option_row_count; i++)
        if (strcmp(option_rows[i].name, name) == 0)
            return option_rows[i].arg && option_rows[i].arg[0] != '[';
    return false;
}

/* Takes this program's options out of argv, up to the guest's program; what is left is riv's. */
static bool take_options(int *argc, char **argv, char *err, size_t n) {
    int kept = 1, i = 1;
    for (; i < *argc && argv[i][0] == '-' && strcmp(argv[i], "--") != 0; i++) {
        const char *name = argv[i] + 1 + (argv[i][1] == '-');
        size_t length = strcspn(name, "=");
        int row = 0;
        while (row < ROWS && !(strlen(rows[row].name) == length && memcmp(rows[row].name, name, length) == 0))
            row++;
        if (row == ROWS) {
            argv[kept++] = argv[i];
            if (takes_next(argv[i]) && i + 1 < *argc)
                argv[kept++] = argv[++i];
            continue;
        }
        const char *value = name[length] == '=' ? name + length + 1 : NULL;
        if (value && !rows[row].arg) {
            snprintf(err, n, "option '--%s' takes no value", rows[row].name);
            return false;
        }
        if (rows[row].arg && !value && !(value = argv[++i])) {
            snprintf(err, n, "option '--%s' needs a value (%s)", rows[row].name, rows[row].arg);
            return false;
        }
        if (!rows[row].apply(value, err, n))
            return false;
    }
    while (i < *argc)
        argv[kept++] = argv[i++];
    argv[kept] = NULL;
    *argc = kept;
    return true;
}

static int fail(int status, const char *message) {
    fprintf(stderr, "riv: %s%s\n", message, status == EXIT_USAGE ? "; try 'riv diff --help'" : "");
    return DIFF_FAILED;
}

/* Testing: RIV_DIFF_PLANT=ADDRESS=BITS makes the reference see another instruction at the address. */
static void take_plant(void) {
    const char *text = getenv("RIV_DIFF_PLANT");
    char *end;
    if (!text)
        return;
    uint64_t address = strtoull(text, &end, 0);
    if (*end == '=')
        mirror_plant(address, (uint32_t)strtoul(end + 1, NULL, 0));
    unsetenv("RIV_DIFF_PLANT");
}

/* riv itself, from beside this program or from where it is installed: what the guest executes is not compared. */
static const char *find_riv(const char *self) {
    static char path[SELF_PATH_MAX + 64];
    static const char *const places[] = {"riv", "../../bin/riv"};
    const char *slash = strrchr(self, '/');
    for (int i = 0; slash && i < 2; i++) {
        snprintf(path, sizeof path, "%.*s%s", (int)(slash + 1 - self), self, places[i]);
        if (access(path, X_OK) == 0)
            return path;
    }
    return self;
}

/* rom:NAME, or the word boot and what riv boot takes: a machine, compared by the program riv-diff-machine. */
static bool compare_machine(int argc, char **argv, char *err, size_t n) {
    char self[SELF_PATH_MAX], path[SELF_PATH_MAX + 32];
    bool boot = argc > 1 && strcmp(argv[1], "boot") == 0;
    if (argc < 2 || !(boot || strncmp(argv[argc - 1], "rom:", 4) == 0))
        return false;
    if (!self_path(argv[0], self, sizeof self)) {
        snprintf(err, n, "cannot find my own path: /proc is not mounted");
        return true;
    }
    *(strrchr(self, '/') + 1) = 0;
    snprintf(path, sizeof path, "%sriv-diff-machine", self);
    execv(path, argv + boot);
    snprintf(err, n, "cannot run riv-diff-machine: %s", strerror(errno));
    return true;
}

int main(int argc, char **argv) {
    static struct cli_options riv;
    char err[MESSAGE_MAX];
    lockstep.reference = &reference_unicorn;
    lockstep.to = stderr;
    lockstep.pid = getpid();
    lockstep.reproducer = "riv-diff.s";
    if (!self_path(argc > 0 ? argv[0] : NULL, riv.self, sizeof riv.self))
        return fail(1, "cannot find my own path: /proc is not mounted");
    if (compare_machine(argc, argv, err, sizeof err))
        return fail(1, err);
    if (!take_options(&argc, argv, err, sizeof err))
        return fail(EXIT_USAGE, err);
    if (given.help)
        return print_help();
    if (given.bisect.on && (given.against || lockstep.step))
        return fail(EXIT_USAGE, "--bisect has no reference and no steps");
    if (given.bisect.expect && given.bisect.check)
        return fail(EXIT_USAGE, "--expect and --check exclude each other");
    take_plant();
    if (!options_parse(&riv, argc, argv, environ, err, sizeof err))
        return fail(EXIT_USAGE, err);
    if (riv.action != ACTION_RUN)
        return fail(EXIT_USAGE, "that option is riv's, not riv diff's");
    if (!options_finish(&riv, err, sizeof err))
        return fail(1, err);
    lockstep.program = riv.user.program;
    static char assembled[64];
    size_t length = strlen(riv.user.program);
    if (length > 2 && strcmp(riv.user.program + length - 2, ".s") == 0) {
        if (!reproducer_assemble(riv.user.program, assembled, sizeof assembled, err, sizeof err))
            return fail(1, err);
        riv.user.program = assembled;
    }
    if (given.output && !(lockstep.to = fopen(given.output, "we"))) {
        snprintf(err, sizeof err, "%s: %s", given.output, strerror(errno));
        return fail(1, err);
    }
    riv.user.self = find_riv(riv.self);
    if (riv.user.engine.kind == ENGINE_AUTO)
        riv.user.engine.kind = ENGINE_JIT;
    if (given.bisect.on)
        return bisect(&given.bisect, &riv, argv);
    lockstep_observer(&riv.user.engine.observer, riv.user.engine.kind == ENGINE_JIT);
    riv.user.engine.max_insns = lockstep.step && !lockstep.reference->fast ? 1 : 0;
    riv.user.leaving = lockstep_leaving;
    linux_user_main(&riv.user);
    return DIFF_FAILED;
}
