/* bisect.c: riv diff --bisect: which translated code makes the difference, found by letting riv interpret all other.
 *
 *      what is translated     [first ........................... last)   wrong
 *                             [first ....... k)                          wrong: the smallest such k
 *                                     [j ... k)                          wrong: the largest such j
 *
 * So the instruction before k cannot be left out, nor the one at j; only one wrong place is found if there are several.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../user/user.h"
#include "bisect.h"
#include "diff.h"

enum { SLOWER = 20, LEAST_MS = 10000, LISTED = 64 };

static struct {
    const struct bisect_options *options;
    struct cli_options *riv;
    struct outcome right; /* the interpreter's */
    int64_t limit;        /* milliseconds a run may take */
    char directory[32], log[64];
    uint64_t *pcs; /* of all instructions that were translated, ascending */
    size_t count, room;
    unsigned runs;
    struct engine_range ranges[2]; /* what is interpreted where the found range is translated alone */
    uint64_t low, last, high;      /* the found range: its first instruction, its last one, what is behind that */
    size_t found;                  /* instructions in it */
    bool others;
} b = {.directory = "/tmp/riv-bisect-XXXXXX"};

static void clean(void) {
    unlink(b.log);
    rmdir(b.directory);
    if (lockstep.temporary)
        unlink(lockstep.temporary);
}

static _Noreturn void end(int status) {
    clean();
    fflush(NULL);
    _exit(status);
}

static _Noreturn void impossible(const char *why) {
    fprintf(stderr, "riv: diff: %s\n", why);
    end(DIFF_FAILED);
}

/* Whether a run is right. */
static bool judge(const struct outcome *o) {
    char err[MESSAGE_MAX];
    int verdict = b.options->expect  ? bisect_is_file(o, b.options->expect, err, sizeof err)
                  : b.options->check ? bisect_is_checked(o, b.options->check, err, sizeof err)
                                     : bisect_same(o, &b.right);
    if (verdict < 0)
        impossible(err);
    return verdict;
}

static void once(char *const *options, bool loud, struct outcome *o) {
    b.runs++;
    if (!bisect_run(options, loud, b.limit, o))
        impossible("the program cannot be run: no memory or no process");
    if (o->ended && WIFEXITED(o->status) && WEXITSTATUS(o->status) == 127 && loud)
        end(DIFF_FAILED); /* it has said why */
}

/* Translates but for what is in text. True: the program goes wrong. */
static bool goes_wrong(const char *interpreted, bool logged) {
    char interpret[128], log[80];
    snprintf(interpret, sizeof interpret, "--interpret=%s", interpreted);
    snprintf(log, sizeof log, "-D=+%s", b.log);
    char *options[] = {"--engine=jit", interpret, logged ? "-d=in_asm" : NULL, log, NULL};
    bool wrong = false;
    for (unsigned i = 0; i < b.options->tries && !wrong; i++) {
        struct outcome o;
        once(options, false, &o);
        wrong = !judge(&o);
        close(o.output);
    }
    return wrong;
}

/* Only instructions first to behind, by index, are translated. */
static bool part_goes_wrong(size_t first, size_t behind) {
    char text[96];
    uint64_t low = b.pcs[first], high = behind < b.count ? b.pcs[behind] : UINT64_MAX;
    snprintf(text, sizeof text, "0-%#llx,%#llx-%#llx", (unsigned long long)low, (unsigned long long)high,
             (unsigned long long)UINT64_MAX);
    b.ranges[0] = (struct engine_range){0, low};
    b.ranges[1] = (struct engine_range){high, UINT64_MAX};
    bool wrong = goes_wrong(text, false);
    if (!lockstep.quiet && isatty(2))
        fprintf(stderr, "\r%u runs, %zu instructions left %s  ", b.runs, behind - first, wrong ? "(wrong)" : "(right)");
    return wrong;
}

static int ascending(const void *x, const void *y) {
    uint64_t a = *(const uint64_t *)x, c = *(const uint64_t *)y;
    return a < c ? -1 : a > c;
}

/* The address in a line of the log that shows an instruction. */
static bool line_pc(const char *line, uint64_t *pc) {
    unsigned long long v;
    if (sscanf(line, "0x%llx:", &v) != 1)
        return false;
    *pc = v;
    return true;
}

/* Which instructions have been translated, from the log. */
static void read_log(void) {
    char line[256];
    uint64_t pc;
    FILE *log = fopen(b.log, "re");
    while (log && fgets(line, sizeof line, log)) {
        if (!line_pc(line, &pc))
            continue;
        if (b.count == b.room) {
            b.room = b.room ? b.room * 2 : 1024;
            b.pcs = realloc(b.pcs, b.room * sizeof *b.pcs);
            if (!b.pcs)
                impossible("out of memory");
        }
        b.pcs[b.count++] = pc;
    }
    if (log)
        fclose(log);
    if (b.count)
        qsort(b.pcs, b.count, sizeof *b.pcs, ascending);
    size_t kept = 0;
    for (size_t i = 0; i < b.count; i++)
        if (!kept || b.pcs[i] != b.pcs[kept - 1])
            b.pcs[kept++] = b.pcs[i];
    b.count = kept;
}

static void search(void) {
    size_t good = 0, behind = b.count;
    while (behind - good > 1) {
        size_t middle = good + (behind - good) / 2;
        if (part_goes_wrong(0, middle))
            behind = middle;
        else
            good = middle;
    }
    size_t first = 0, right = behind;
    while (right - first > 1) {
        size_t middle = first + (right - first) / 2;
        if (part_goes_wrong(middle, behind))
            first = middle;
        else
            right = middle;
    }
    if (!part_goes_wrong(first, behind))
        impossible("what goes wrong does not go wrong every time (--tries N runs it more often)");
    char text[64];
    uint64_t high = behind < b.count ? b.pcs[behind] : UINT64_MAX;
    b.low = b.pcs[first];
    b.last = b.pcs[behind - 1];
    b.found = behind - first;
    snprintf(text, sizeof text, "%#llx-%#llx", (unsigned long long)b.low, (unsigned long long)high);
    b.others = goes_wrong(text, false);
}

/* ---- the report ---- */

/* Behind the instruction in a line of the log, whose encoding is four or eight digits. */
static uint64_t line_end(const char *line, uint64_t pc) {
    const char *bits = strchr(line, ':') + 1;
    return pc + strspn(bits + strspn(bits, " "), "0123456789abcdef") / 2;
}

/* The lines of the log that show instructions of the range, each once, as text to be freed. */
static char *listing(void) {
    char line[256], *text = NULL;
    uint64_t pc, seen[LISTED];
    size_t size, count = 0;
    FILE *to = open_memstream(&text, &size), *log = fopen(b.log, "re");
    while (to && log && fgets(line, sizeof line, log)) {
        bool shown = line_pc(line, &pc);
        if (shown && pc == b.last)
            b.high = line_end(line, pc);
        bool known = !shown || pc < b.low || pc > b.last || count == LISTED;
        for (size_t i = 0; i < count && !known; i++)
            known = seen[i] == pc;
        if (known)
            continue;
        seen[count++] = pc;
        for (char *tab = line; (tab = strchr(tab, '\t'));)
            *tab = ' ';
        fputs(line, to);
    }
    if (log)
        fclose(log);
    if (to)
        fclose(to);
    return text;
}

/* live: the program is here. */
static void report(bool live) {
    FILE *to = lockstep.to;
    char where[256], *lines = listing(), *code = live ? locate_code(b.low) : NULL;
    const char *symbol = live ? report_place(b.last, where, sizeof where) : NULL,
               *source = live ? source_line(b.last) : NULL;
    if (lockstep.json) {
        fprintf(to,
                "{\"result\":\"diverged\",\"bisect\":true,\"runs\":%u,\"translated\":%zu,\"low\":\"%#llx\","
                "\"high\":\"%#llx\",\"pc\":\"%#llx\",\"instructions\":%zu,\"others\":%s,\"symbol\":",
                b.runs, b.count, (unsigned long long)b.low, (unsigned long long)b.high, (unsigned long long)b.last,
                b.found, b.others ? "true" : "false");
        report_json_string(to, symbol);
        fprintf(to, ",\"source\":");
        report_json_string(to, source);
        fprintf(to, ",\"listing\":");
        report_json_string(to, lines);
        fprintf(to, ",\"code\":");
        report_json_string(to, code);
        fprintf(to, "}\n");
    } else {
        if (!lockstep.quiet && isatty(2))
            fprintf(stderr, "\n");
        fprintf(to, "riv diff: %s goes wrong when these instructions are translated and no others (%u runs):\n\n",
                lockstep.program, b.runs);
        fprintf(to, "%s\nThe range cannot do without its last one, %#llx", lines ? lines : "",
                (unsigned long long)b.last);
        if (symbol || source)
            fprintf(to, "\n  in %s%s%s", symbol ? symbol : "?", source ? ", " : "", source ? source : "");
        fprintf(to,
                b.others ? "\nWith --interpret=%#llx-%#llx it goes wrong as well: this is not the only place.\n"
                         : "\nWith --interpret=%#llx-%#llx it is right.\n",
                (unsigned long long)b.low, (unsigned long long)b.high);
        if (code && *code)
            fprintf(to, "\nThe block at %#llx, IR and host code:\n%s", (unsigned long long)b.low, code);
    }
    fflush(to);
    free(lines);
    free(code);
}

/* The interpreted program is about to end; its code is still mapped. */
static void on_leaving(void *ctx, bool for_good) {
    if (!for_good || getpid() != lockstep.pid)
        return; /* it starts another program, or is a child */
    lockstep.isa = task_current ? task_current->hart.isa : b.riv->user.engine.isa;
    report(true);
    _exit(0);
}

/* Interprets the program once more, here, where it then has symbols, source lines and code. */
static _Noreturn void show(void) {
    struct linux_user_config *user = &b.riv->user;
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC), to = dup(fileno(lockstep.to)), input = bisect_input();
    setpgid(0, 0);
    lockstep.to = fdopen(to, "w");
    if (!lockstep.to || dup2(input < 0 ? nothing : input, 0) < 0 || dup2(nothing, 1) < 0 || dup2(nothing, 2) < 0)
        _exit(1);
    lockstep.interpret = b.ranges;
    lockstep.interpret_count = 2;
    lockstep.pid = getpid();
    user->engine.kind = ENGINE_INTERP;
    user->leaving = on_leaving;
    linux_user_main(user);
    _exit(1);
}

static void explain(void) {
    int status;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        show();
    bool shown = pid > 0 && bisect_wait(pid, b.limit, &status) && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!shown)
        report(false);
}

static int agree(void) {
    if (lockstep.json)
        fprintf(lockstep.to, "{\"result\":\"same\",\"bisect\":true,\"runs\":%u}\n", b.runs);
    else if (!lockstep.quiet)
        fprintf(lockstep.to, "riv diff: %s: the same interpreted and translated\n", lockstep.program);
    return DIFF_SAME;
}

int bisect(const struct bisect_options *options, struct cli_options *riv, char **argv) {
    char *interpreted[] = {"--engine=interp", NULL};
    struct outcome again;
    int program = (int)(riv->user.args - argv) - 1;
    b.options = options;
    b.riv = riv;
    bool dashes = program > 1 && strcmp(argv[program - 1], "--") == 0;
    if (!mkdtemp(b.directory))
        impossible(strerror(errno));
    snprintf(b.log, sizeof b.log, "%s/log", b.directory);
    bisect_run_prepare(riv->user.self, argv + 1, program - 1 - dashes, riv->user.program, riv->user.args);
    once(interpreted, true, &b.right);
    if (options->limit)
        b.limit = (int64_t)options->limit * 1000;
    else
        b.limit = b.right.milliseconds * SLOWER > LEAST_MS ? b.right.milliseconds * SLOWER : LEAST_MS;
    once(interpreted, false, &again);
    if (options->expect || options->check) {
        if (!judge(&b.right) || !judge(&again))
            impossible("interpreted it goes wrong as well");
    } else if (!bisect_same(&b.right, &again)) {
        impossible("interpreted twice, it does not do the same (--expect FILE or --check COMMAND say what is right)");
    }
    close(again.output);
    if (!goes_wrong("0-0", true))
        end(agree());
    read_log();
    if (!b.count || goes_wrong("0-0xffffffffffffffff", false))
        impossible("it goes wrong where nothing is translated, too");
    search();
    explain();
    end(DIFF_DIVERGED);
}
