/* main.c: the program riv-trace, which `riv trace` starts: options, then the guest program under an observed engine. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../cli.h"
#include "tracer.h"

extern char **environ;

enum { ARGUMENTS_MAX = 64 };

static int print_help(void) {
    printf("usage: riv trace --format NAME [OPTION]... PROGRAM [ARGUMENT]...\n"
           "       riv trace --format NAME [OPTION]... rom:NAME\n"
           "       riv trace --format NAME [OPTION]... boot BOOT-OPTION...\n"
           "Runs a RISC-V Linux program, or a machine as riv boot does, and writes what it executes.\n\n");
    trace_print_options();
    printf("\nA FILE that ends in .gz or .zst is compressed. riv's own options may be given as well (riv --help).\n");
    return output_finish();
}

/* Whether riv has the option and takes a value for it from the next word. */
static bool takes_next(const char *word) {
    const char *name = word + 1 + (word[1] == '-');
    for (size_t i = 0; i < option_row_count; i++)
        if (strcmp(option_rows[i].name, name) == 0)
            return option_rows[i].arg && option_rows[i].arg[0] != '[';
    return false;
}

/* The file under a name that is good in every directory. */
static char *absolute(const char *file) {
    char directory[SELF_PATH_MAX], *name = NULL;
    if (file[0] == '/' || strcmp(file, "-") == 0 || !getcwd(directory, sizeof directory))
        return strdup(file);
    return asprintf(&name, "%s/%s", directory, file) < 0 ? NULL : name;
}

/* What a program that the guest executes runs under: this program again, which adds to the file.  Where the file is one
 * process's, that number is passed on, so that its children are not traced; where nothing can be added, 0. */
static bool prepare_exec(struct trace_options *o, struct cli_options *riv) {
    static char *list[ARGUMENTS_MAX + OPTION_MAX];
    struct tracer *tr = o->tracer;
    size_t count = 0;
    char *file = absolute(tr->file);
    long process = tr->format->end_before_exec ? 0 : o->process >= 0 ? o->process : getpid();
    if (!file || asprintf(&list[count++], "-o=+%s", file) < 0)
        return false;
    free(file);
    if ((tr->format->end_before_exec || !strstr(tr->file, "%p")) &&
        asprintf(&list[count++], "--process=%ld", process) < 0)
        return false;
    for (size_t i = 0; i < o->again_count; i++)
        list[count++] = o->again[i];
    for (char **option = riv->user.self_options; option && *option; option++)
        list[count++] = *option;
    riv->user.self_options = list;
    return true;
}

static int usage_error(const char *message) {
    fprintf(stderr, "riv: %s; try 'riv trace --help'\n", message);
    return EXIT_USAGE;
}

/* Where argv names a machine instead of a program (rom:NAME, or the word boot and what riv boot takes): starts
 * riv-boot, which gets these options in front: riv-boot --traced -o=FILE --format=NAME ... -- [BOOT OPTION]...  False:
 * it is a program. */
static bool trace_machine(const struct trace_options *o, int argc, char **argv, char *err, size_t n) {
    char self[SELF_PATH_MAX], path[SELF_PATH_MAX + 16], *file = NULL;
    int at = 1;
    while (at < argc && argv[at][0] == '-' && strcmp(argv[at], "--") != 0)
        at += 1 + (takes_next(argv[at]) && at + 1 < argc);
    bool boot = at < argc && strcmp(argv[at], "boot") == 0;
    if (at >= argc || !(boot || strncmp(argv[at], "rom:", 4) == 0))
        return false;
    char **list = calloc((size_t)argc + ARGUMENTS_MAX + 8, sizeof *list);
    if (!list || !self_path(argv[0], self, sizeof self) ||
        asprintf(&file, "-o=%s%s", o->append ? "+" : "", o->tracer->file) < 0) {
        snprintf(err, n, "out of memory");
        return true;
    }
    *(strrchr(self, '/') + 1) = 0;
    snprintf(path, sizeof path, "%sriv-boot", self);
    size_t count = 0;
    list[count++] = path;
    list[count++] = "--traced";
    list[count++] = file;
    for (size_t i = 0; i < o->again_count; i++)
        list[count++] = o->again[i];
    list[count++] = "--";
    for (int i = 1; i < argc; i++)
        if (!(boot && i == at))
            list[count++] = argv[i];
    execv(path, list);
    snprintf(err, n, "cannot run riv-boot: %s", strerror(errno));
    free(file);
    free(list);
    return true;
}

int main(int argc, char **argv) {
    static struct cli_options riv;
    static struct tracer tracer = {
        .file = "/dev/stderr", .filter = {.from = 1, .to = UINT64_MAX, .count = UINT64_MAX, .privileges = UINT_MAX}};
    struct trace_options options = {.tracer = &tracer, .process = -1};
    char err[MESSAGE_MAX] = "";
    if (!self_path(argc > 0 ? argv[0] : NULL, riv.self, sizeof riv.self)) {
        fprintf(stderr, "riv: cannot find my own path: /proc is not mounted\n");
        return 1;
    }
    if (!trace_take_options(&options, &argc, argv, takes_next, err, sizeof err))
        return usage_error(err);
    if (options.help)
        return print_help();
    if (tracer.format && trace_machine(&options, argc, argv, err, sizeof err)) {
        fprintf(stderr, "riv: %s\n", err);
        return 1;
    }
    if (!options_parse(&riv, argc, argv, environ, err, sizeof err))
        return usage_error(err);
    if (riv.action != ACTION_RUN)
        return usage_error("that option is riv's, not riv trace's");
    if (!tracer.format)
        return usage_error("no trace format given (--format)");
    bool traced = options.process < 0 || options.process == getpid();
    if (!options_finish(&riv, err, sizeof err) || !prepare_exec(&options, &riv) ||
        (traced &&
         (!tracer_init(&tracer, &riv.user.engine) || !tracer_open(&tracer, options.append, err, sizeof err)))) {
        fprintf(stderr, "riv: %s\n", err[0] ? err : "out of memory");
        return 1;
    }
    if (traced) {
        riv.user.leaving = tracer_leaving;
        riv.user.leaving_ctx = &tracer;
    }
    int status = linux_user_main(&riv.user);
    options_free(&riv);
    return status;
}
