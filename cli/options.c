/* options.c: riv's options and their twins in the environment: one table, option_rows, that everything else is made
 * from.
 *
 * The names are those people know from qemu-riscv64 where it has them.  What the command line says wins over the
 * environment; of an option given twice the last counts, except for -E and -U, which add up in order.
 */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

const char *const cpu_names[] = {"max", "rv64gc", "rv64gcb", "rv32gc", "rv32max"};
const size_t cpu_name_count = sizeof cpu_names / sizeof *cpu_names;

const struct log_item log_items[] = {
    {"in_asm", DUMP_IN_ASM, "guest instructions of each block that is translated"},
    {"ir", DUMP_IR, "intermediate code of each block"},
    {"out_asm", DUMP_OUT_ASM, "host code made from each block"},
    {"exec", DUMP_EXEC, "guest address of each block that is entered"},
};
const size_t log_item_count = sizeof log_items / sizeof *log_items;

static bool fail(char *err, size_t n, const char *format, ...) __attribute__((format(printf, 3, 4)));
static bool fail(char *err, size_t n, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(err, n, format, args);
    va_end(args);
    return false;
}

bool options_parse_size(const char *text, uint64_t *bytes) {
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 0);
    unsigned shift = 0;
    if (*end == 'k' || *end == 'K')
        shift = 10, end++;
    else if (*end == 'm' || *end == 'M')
        shift = 20, end++;
    else if (*end == 'g' || *end == 'G')
        shift = 30, end++;
    if (errno || *end || value == 0 || value > (ULLONG_MAX >> shift))
        return false;
    *bytes = value << shift;
    return true;
}

/* The rows' functions: value is never NULL for rows that take one, err is filled where they return false. */

static bool apply_engine(struct cli_options *o, const char *value, char *err, size_t n) {
    static const struct {
        const char *name;
        enum engine_kind kind;
    } kinds[] = {{"auto", ENGINE_AUTO}, {"interp", ENGINE_INTERP}, {"jit", ENGINE_JIT}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(value, kinds[i].name) == 0) {
            o->user.engine.kind = kinds[i].kind;
            return true;
        }
    return fail(err, n, "no engine '%s' (auto, interp, jit)", value);
}

static bool apply_cpu(struct cli_options *o, const char *value, char *err, size_t n) {
    if (strcmp(value, "help") == 0) {
        o->action = ACTION_CPU_HELP;
        return true;
    }
    return isa_parse(&o->isa, value, err, n);
}

static bool apply_sysroot(struct cli_options *o, const char *value, char *err, size_t n) {
    /* Absolute, so that it still holds after the guest has changed its directory. */
    char *path = realpath(value, NULL);
    if (!path)
        return fail(err, n, "sysroot %s: %s", value, strerror(errno));
    free(o->sysroot);
    free(o->log_again);
    o->sysroot = path;
    o->user.sysroot = path;
    return true;
}

static bool apply_set(struct cli_options *o, const char *value, char *err, size_t n) {
    if (value[0] == '=' || !strchr(value, '='))
        return fail(err, n, "-E takes NAME=VALUE, not '%s'", value);
    return environment_set(&o->env, (char *)value) || fail(err, n, "out of memory");
}

static bool apply_unset(struct cli_options *o, const char *value, char *err, size_t n) {
    if (!*value || strchr(value, '='))
        return fail(err, n, "-U takes a variable's name, not '%s'", value);
    environment_unset(&o->env, value);
    return true;
}

static bool apply_argv0(struct cli_options *o, const char *value, char *err, size_t n) {
    o->user.argv0 = value;
    return true;
}

static bool apply_stack(struct cli_options *o, const char *value, char *err, size_t n) {
    return options_parse_size(value, &o->user.stack_bytes) ||
           fail(err, n, "-s takes a number of bytes (suffix k, M or G), not '%s'", value);
}

static bool apply_strace(struct cli_options *o, const char *value, char *err, size_t n) {
    o->user.strace = true;
    return true;
}

static bool apply_stats(struct cli_options *o, const char *value, char *err, size_t n) {
    if (value && strcmp(value, "json") != 0 && strcmp(value, "text") != 0)
        return fail(err, n, "--stats takes text or json, not '%s'", value);
    o->user.stats = true;
    o->user.stats_json = value && strcmp(value, "json") == 0;
    o->user.engine.stats = true;
    return true;
}

static bool apply_log(struct cli_options *o, const char *value, char *err, size_t n) {
    if (strcmp(value, "help") == 0) {
        o->action = ACTION_LOG_HELP;
        return true;
    }
    unsigned bits = 0;
    for (const char *item = value;;) {
        size_t length = strcspn(item, ","), i = 0;
        while (i < log_item_count &&
               !(strlen(log_items[i].name) == length && memcmp(log_items[i].name, item, length) == 0))
            i++;
        if (i == log_item_count)
            return fail(err, n, "no log item '%.*s' (riv -d help lists them)", (int)length, item);
        bits |= log_items[i].bit;
        if (!item[length])
            break;
        item += length + 1;
    }
    o->user.engine.dump = bits;
    return true;
}

static bool apply_log_file(struct cli_options *o, const char *value, char *err, size_t n) {
    if (!*value)
        return fail(err, n, "-D takes a file's name");
    o->log_file = value;
    return true;
}

static bool parse_address(const char *text, const char **end, uint64_t *address) {
    char *behind;
    errno = 0;
    *address = strtoull(text, &behind, 0);
    *end = behind;
    return *text >= '0' && *text <= '9' && !errno;
}

static bool apply_interpret(struct cli_options *o, const char *value, char *err, size_t n) {
    unsigned count = 0;
    for (const char *at = value;; at++) {
        struct engine_range r;
        if (!parse_address(at, &at, &r.start) || *at != '-' || !parse_address(at + 1, &at, &r.end) || r.end < r.start ||
            (*at && *at != ','))
            return fail(err, n, "--interpret takes LOW-HIGH,..., pairs of addresses, not '%s'", value);
        if (count == INTERPRET_MAX)
            return fail(err, n, "--interpret takes %d ranges at most", INTERPRET_MAX);
        o->interpret[count++] = r;
        if (!*at)
            break;
    }
    o->user.engine.interpret = o->interpret;
    o->user.engine.interpret_count = count;
    return true;
}

static bool apply_help(struct cli_options *o, const char *value, char *err, size_t n) {
    o->action = ACTION_HELP;
    return true;
}

static bool apply_version(struct cli_options *o, const char *value, char *err, size_t n) {
    o->action = ACTION_VERSION;
    return true;
}

#define SYSROOT_ENV "RIV_LD_PREFIX QEMU_LD_PREFIX"

const struct option_row option_rows[] = {
    {"engine", NULL, "NAME", "RIV_ENGINE", true, apply_engine, "auto (default), jit or interp"},
    {"cpu", NULL, "NAME", "RIV_CPU", true, apply_cpu, "the guest's instruction set; 'help' lists them"},
    {"interpret", NULL, "LOW-HIGH,...", "RIV_INTERPRET", true, apply_interpret,
     "never translates code at these addresses (HIGH excluded)"},
    {"L", NULL, "DIR", SYSROOT_ENV, true, apply_sysroot, "sysroot: absolute paths are looked up in DIR first"},
    {"E", NULL, "NAME=VALUE", NULL, false, apply_set, "sets a variable in the guest's environment"},
    {"U", NULL, "NAME", NULL, false, apply_unset, "removes a variable from the guest's environment"},
    {"0", NULL, "ARGV0", NULL, false, apply_argv0, "the guest's argv[0]"},
    {"s", NULL, "BYTES", "RIV_STACK_SIZE", true, apply_stack, "size of the guest's stack (k, M, G)"},
    {"strace", NULL, NULL, "RIV_STRACE", true, apply_strace, "prints system calls to stderr"},
    {"stats", NULL, "[=json]", NULL, true, apply_stats, "prints the engine's statistics to stderr at exit"},
    {"d", NULL, "ITEM,...", "RIV_LOG", true, apply_log, "logs how code is translated; 'help' lists the items"},
    {"D", NULL, "FILE", "RIV_LOG_FILENAME", true, apply_log_file, "log to FILE (+FILE: append) instead of stderr"},
    {"help", "h", NULL, NULL, false, apply_help, "prints this text"},
    {"version", NULL, NULL, NULL, false, apply_version, "prints the version"},
};
const size_t option_row_count = sizeof option_rows / sizeof *option_rows;
_Static_assert(sizeof option_rows / sizeof *option_rows <= OPTION_MAX, "cli_options.values has room for every row");

static bool takes_value(const struct option_row *row) { return row->arg && row->arg[0] != '['; }

static size_t option_find(const char *name, size_t length) {
    for (size_t i = 0; i < option_row_count; i++)
        for (const char *known = option_rows[i].name; known;
             known = known == option_rows[i].name ? option_rows[i].alias : NULL)
            if (strlen(known) == length && memcmp(known, name, length) == 0)
                return i;
    return option_row_count;
}

static bool option_apply(struct cli_options *o, size_t row, const char *value, char *err, size_t n) {
    if (!option_rows[row].apply(o, value, err, n))
        return false;
    o->values[row] = value ? value : "";
    return true;
}

/* The value of the first of names (separated by spaces) that is set and not empty, its name in name; or NULL. */
static const char *environment_twin(const char *names, char *name, size_t n) {
    while (names && *names) {
        size_t length = strcspn(names, " ");
        snprintf(name, n, "%.*s", (int)length, names);
        names += length + (names[length] == ' ');
        const char *value = getenv(name);
        if (value && *value)
            return value;
    }
    return NULL;
}

static bool parse_environment(struct cli_options *o, char *err, size_t n) {
    for (size_t i = 0; i < option_row_count; i++) {
        const struct option_row *row = &option_rows[i];
        char name[32], why[MESSAGE_MAX];
        const char *value = o->values[i] ? NULL : environment_twin(row->env, name, sizeof name);
        if (!value || (!row->arg && strcmp(value, "0") == 0))
            continue;
        if (!option_apply(o, i, row->arg ? value : NULL, why, sizeof why))
            return fail(err, n, "%s: %.400s", name, why);
    }
    /* For the test suite, no option: bits as engine_config.hostile has them. */
    const char *hostile = getenv("RIV_HOSTILE");
    if (hostile && *hostile) {
        char *end;
        unsigned long bits = strtoul(hostile, &end, 0);
        if (*end || bits > 7)
            return fail(err, n, "RIV_HOSTILE: a number from 0 to 7, not '%s'", hostile);
        o->user.engine.hostile = (unsigned)bits;
    }
    return true;
}

bool options_parse(struct cli_options *o, int argc, char **argv, char **host_env, char *err, size_t n) {
    if (!environment_init(&o->env, host_env))
        return fail(err, n, "out of memory");
    if (!isa_parse(&o->isa, cpu_names[0], err, n))
        return false;
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        const char *name = argv[i] + 1 + (argv[i][1] == '-');
        if (strcmp(argv[i], "--") == 0) {
            i++;
            break;
        }
        size_t length = strcspn(name, "="), row = option_find(name, length);
        if (row == option_row_count)
            return fail(err, n, "unknown option '%s'", argv[i]);
        const char *value = name[length] == '=' ? name + length + 1 : NULL;
        if (value && !option_rows[row].arg)
            return fail(err, n, "option '%.*s' takes no value", (int)(name + length - argv[i]), argv[i]);
        if (!value && takes_value(&option_rows[row])) {
            if (i + 1 == argc)
                return fail(err, n, "option '%s' needs a value (%s)", argv[i], option_rows[row].arg);
            value = argv[++i];
        }
        if (!option_apply(o, row, value, err, n))
            return false;
        if (o->action != ACTION_RUN)
            return true;
    }
    if (!parse_environment(o, err, n))
        return false;
    if (o->action != ACTION_RUN)
        return true;
    if (i >= argc)
        return fail(err, n, "no program given");
    o->user.program = argv[i];
    o->user.args = &argv[i + 1];
    return true;
}

/* The value under which a later riv, started by the guest in whatever directory, means the same; NULL: none. */
static const char *inherited_value(const struct cli_options *o, size_t i) {
    const struct option_row *row = &option_rows[i];
    if (!row->inherit || !o->values[i])
        return NULL;
    return row->apply == apply_sysroot ? o->sysroot : row->apply == apply_log_file ? o->log_again : o->values[i];
}

static bool build_self_options(struct cli_options *o) {
    size_t count = 0;
    o->self_options = calloc(option_row_count + 1, sizeof *o->self_options);
    if (!o->self_options)
        return false;
    for (size_t i = 0; i < option_row_count; i++) {
        const char *value = inherited_value(o, i);
        if (!value)
            continue;
        const char *equals = *value ? "=" : "";
        if (asprintf(&o->self_options[count], "--%s%s%s", option_rows[i].name, equals, value) < 0)
            return false;
        count++;
    }
    o->self_options[count] = NULL;
    return true;
}

/* Opens -D.  The file is begun anew, except with '+', which is how the riv of a program that the guest starts adds to
 * it. */
static bool open_log(struct cli_options *o, char *err, size_t n) {
    if (!o->log_file)
        return true;
    bool append = o->log_file[0] == '+';
    const char *path = o->log_file + append;
    FILE *file = fopen(path, append ? "ae" : "we");
    if (!file)
        return fail(err, n, "log file %s: %s", path, strerror(errno));
    setvbuf(file, NULL, _IOLBF, 0);
    o->user.engine.dump_to = file;
    char *real = realpath(path, NULL); /* fails for pipes behind /dev/stderr, whose name is good anywhere */
    int length = asprintf(&o->log_again, "+%s", real ? real : path);
    free(real);
    return length >= 0 || fail(err, n, "out of memory");
}

bool options_finish(struct cli_options *o, char *err, size_t n) {
    if (!open_log(o, err, n))
        return false;
    if (!build_self_options(o))
        return fail(err, n, "out of memory");
    o->user.engine.isa = &o->isa;
    o->user.env = o->env.vars;
    o->user.self = o->self;
    o->user.self_options = o->self_options;
    return true;
}

void options_free(struct cli_options *o) {
    for (char **option = o->self_options; option && *option; option++)
        free(*option);
    free(o->self_options);
    free(o->sysroot);
    free(o->log_again);
    environment_free(&o->env);
    if (o->user.engine.dump_to)
        fclose(o->user.engine.dump_to);
}
