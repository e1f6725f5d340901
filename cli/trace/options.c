/* options.c: the options of riv trace, for the programs that trace: riv-trace and riv-boot. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../cpu/system.h"
#include "tracer.h"

static const struct trace_format *const formats[] = {&format_spike, &format_qemu, &format_json, &format_chrome};
enum { FORMATS = sizeof formats / sizeof *formats };

static bool set_format(struct trace_options *o, const char *value, char *err, size_t n) {
    for (int i = 0; i < FORMATS; i++)
        if (strcmp(formats[i]->name, value) == 0) {
            o->tracer->format = formats[i];
            return true;
        }
    snprintf(err, n, "no trace format '%s' (spike, qemu, json, chrome)", value);
    return false;
}

static bool set_file(struct trace_options *o, const char *value, char *err, size_t n) {
    o->append = value[0] == '+';
    o->tracer->file = value + o->append;
    if (!*o->tracer->file)
        snprintf(err, n, "-o takes a file's name");
    return *o->tracer->file;
}

static bool number(const char *text, char **end, uint64_t *out) {
    errno = 0;
    *out = strtoull(text, end, 0);
    return *text >= '0' && *text <= '9' && !errno;
}

static bool set_pc(struct trace_options *o, const char *value, char *err, size_t n) {
    struct trace_filter *f = &o->tracer->filter;
    char *end;
    uint64_t low, high;
    if (!number(value, &end, &low) || *end != '-' || !number(end + 1, &end, &high) || *end || high < low) {
        snprintf(err, n, "--pc takes LOW-HIGH, two addresses, not '%s'", value);
        return false;
    }
    if (f->range_count == TRACE_RANGES) {
        snprintf(err, n, "--pc can be given %d times at most", TRACE_RANGES);
        return false;
    }
    f->ranges[f->range_count].low = low;
    f->ranges[f->range_count++].high = high;
    return true;
}

static bool set_symbol(struct trace_options *o, const char *value, char *err, size_t n) {
    struct trace_filter *f = &o->tracer->filter;
    if (!*value || f->symbol_count == TRACE_RANGES) {
        snprintf(err, n, "--symbol takes a function's name and can be given %d times at most", TRACE_RANGES);
        return false;
    }
    f->symbols[f->symbol_count++] = value;
    return true;
}

static bool set_number(uint64_t *to, const char *name, const char *value, char *err, size_t n) {
    char *end;
    if (number(value, &end, to) && !*end && *to)
        return true;
    snprintf(err, n, "--%s takes a number from 1 on, not '%s'", name, value);
    return false;
}
static bool set_from(struct trace_options *o, const char *value, char *err, size_t n) {
    return set_number(&o->tracer->filter.from, "from", value, err, n);
}
static bool set_to(struct trace_options *o, const char *value, char *err, size_t n) {
    return set_number(&o->tracer->filter.to, "to", value, err, n);
}
static bool set_count(struct trace_options *o, const char *value, char *err, size_t n) {
    return set_number(&o->tracer->filter.count, "count", value, err, n);
}

static bool set_privilege(struct trace_options *o, const char *value, char *err, size_t n) {
    o->tracer->filter.privileges = (strpbrk(value, "uU0") ? 1u << PRIV_U : 0) |
                                   (strpbrk(value, "sS1") ? 1u << PRIV_S : 0) |
                                   (strpbrk(value, "mM3") ? 1u << PRIV_M : 0);
    if (*value && value[strspn(value, "umsUMS013,")] == 0)
        return true;
    snprintf(err, n, "--privilege takes letters out of u, s and m, not '%s'", value);
    return false;
}

static bool set_traps(struct trace_options *o, const char *value, char *err, size_t n) {
    o->tracer->trace.traps = true;
    return true;
}
static bool set_help(struct trace_options *o, const char *value, char *err, size_t n) {
    o->help = true;
    return true;
}

static bool set_process(struct trace_options *o, const char *value, char *err, size_t n) {
    o->process = atol(value);
    return true;
}

static const struct {
    const char *name, *arg, *help; /* help NULL: between this program and itself */
    bool (*apply)(struct trace_options *o, const char *value, char *err, size_t n);
} rows[] = {
    {"format", "NAME", "spike, qemu, json or chrome, see below", set_format},
    {"o", "FILE", "writes to FILE instead of stderr ('-': stdout; %p: process)", set_file},
    {"pc", "LOW-HIGH", "shows instructions at these addresses only (HIGH excluded)", set_pc},
    {"symbol", "NAME", "shows instructions of this function only", set_symbol},
    {"from", "N", "begins at the Nth instruction executed, the first being 1", set_from},
    {"to", "N", "ends behind the Nth instruction executed", set_to},
    {"count", "N", "ends when N instructions have been shown", set_count},
    {"privilege", "LIST", "shows these privileges only: letters out of u, s, m", set_privilege},
    {"traps", NULL, "spike: lines for exceptions, as Spike has with -l", set_traps},
    {"help", NULL, "prints this text", set_help},
    {"process", "N", NULL, set_process},
};
enum { ROWS = sizeof rows / sizeof *rows };

void trace_print_options(void) {
    for (int i = 0; i < ROWS && rows[i].help; i++) {
        char left[64];
        snprintf(left, sizeof left, "  %s%s%s%s", rows[i].name[1] ? "--" : "-", rows[i].name, rows[i].arg ? " " : "",
                 rows[i].arg ? rows[i].arg : "");
        printf("%-26s%s\n", left, rows[i].help);
    }
    printf("\nFormats:\n");
    for (int i = 0; i < FORMATS; i++)
        printf("  %-24s%s\n", formats[i]->name, formats[i]->help);
}

static int row_of(const char *name, size_t length) {
    for (int i = 0; i < ROWS; i++)
        if (strlen(rows[i].name) == length && memcmp(rows[i].name, name, length) == 0)
            return i;
    return -1;
}

bool trace_take_options(struct trace_options *o, int *argc, char **argv, bool (*takes_next)(const char *word),
                        char *err, size_t n) {
    int kept = 1, i = 1;
    for (; i < *argc && argv[i][0] == '-' && strcmp(argv[i], "--") != 0; i++) {
        const char *name = argv[i] + 1 + (argv[i][1] == '-');
        size_t length = strcspn(name, "=");
        int row = row_of(name, length);
        if (row < 0) {
            argv[kept++] = argv[i];
            if (takes_next(argv[i]) && i + 1 < *argc)
                argv[kept++] = argv[++i];
            continue;
        }
        const char *value = name[length] == '=' ? name + length + 1 : NULL;
        if (!rows[row].arg != !value && value) {
            snprintf(err, n, "option '--%s' takes no value", rows[row].name);
            return false;
        }
        if (rows[row].arg && !value) {
            if (i + 1 == *argc) {
                snprintf(err, n, "option '%s' needs a value (%s)", argv[i], rows[row].arg);
                return false;
            }
            value = argv[++i];
        }
        if (!rows[row].apply(o, value, err, n))
            return false;
        if (rows[row].apply != set_file && rows[row].help && o->again_count < sizeof o->again / sizeof *o->again - 2 &&
            asprintf(&o->again[o->again_count], value ? "--%s=%s" : "--%s", rows[row].name, value) > 0)
            o->again_count++;
    }
    while (i < *argc)
        argv[kept++] = argv[i++];
    argv[kept] = NULL;
    *argc = kept;
    return true;
}
