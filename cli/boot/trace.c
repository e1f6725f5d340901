/* trace.c: riv boot under riv trace:  riv-boot --traced -o=FILE [TRACE OPTION]... -- [BOOT OPTION]... */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "boot.h"

#ifdef RIV_HAVE_TRACE
#include "../trace/tracer.h"

static struct tracer tracer = {.file = "/dev/stderr",
                               .filter = {.from = 1, .to = UINT64_MAX, .count = UINT64_MAX, .privileges = UINT_MAX}};
static bool traced;

static void add_symbols(void *ctx, const char *path) {
    char err[BOOT_ERROR_MAX];
    symbols_add(tracer.trace.symbols, path, 0, err, sizeof err); /* a file without names is no mistake */
}

static bool no_option(const char *word) { return false; }

bool boot_trace_options(struct boot_config *c, int *argc, char **argv, char *err, size_t n) {
    struct trace_options options = {.tracer = &tracer, .process = -1};
    struct engine_config engine = {0};
    if (*argc < 2 || strcmp(argv[1], "--traced") != 0)
        return true;
    memmove(argv + 1, argv + 2, (size_t)(*argc - 1) * sizeof *argv);
    (*argc)--;
    if (!trace_take_options(&options, argc, argv, no_option, err, n))
        return false;
    if (*argc > 1 && strcmp(argv[1], "--") == 0) {
        memmove(argv + 1, argv + 2, (size_t)(*argc - 1) * sizeof *argv);
        (*argc)--;
    }
    if (!tracer.format) {
        snprintf(err, n, "no trace format given (--format)");
        return false;
    }
    if (!tracer_init(&tracer, &engine)) {
        snprintf(err, n, "out of memory");
        return false;
    }
    if (!tracer_open(&tracer, options.append, err, n))
        return false;
    c->observer = engine.observer;
    c->image_loaded = add_symbols;
    return traced = true;
}

void boot_trace_end(bool reset, char **argv) {
    static char file[PATH_MAX + 8];
    if (!traced)
        return;
    tracer_leaving(&tracer, !reset);
    if (!reset)
        return;
    if (!tracer.format->end_before_exec) { /* the next machine adds to the file */
        snprintf(file, sizeof file, "-o=+%s", tracer.file);
        argv[2] = file;
        return;
    }
    unsigned at = 1;
    while (argv[at] && strcmp(argv[at], "--") != 0)
        at++;
    unsigned to = 1;
    while (argv[at] && argv[++at])
        argv[to++] = argv[at];
    argv[to] = NULL;
}

#else

bool boot_trace_options(struct boot_config *c, int *argc, char **argv, char *err, size_t n) {
    if (*argc < 2 || strcmp(argv[1], "--traced") != 0)
        return true;
    snprintf(err, n, "this build cannot trace");
    return false;
}
void boot_trace_end(bool reset, char **argv) {}

#endif
