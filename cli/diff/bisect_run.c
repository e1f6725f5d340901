/* bisect_run.c: runs a program as a child process with its output in a file, and says whether that is right. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bisect.h"

enum { STATUS_TEXT = 16 };

static struct {
    const char *riv, *program;
    char **options, **args;
    int option_count;
    int input; /* a copy of stdin; -1: there is none */
} run;

/* stdin is read once; each run gets it from its beginning. A terminal gives nothing. */
static int copy_input(void) {
    char bytes[1 << 16];
    struct stat st;
    if (fstat(0, &st) != 0 || isatty(0) || S_ISCHR(st.st_mode))
        return -1;
    int copy = memfd_create("riv-diff", MFD_CLOEXEC);
    for (ssize_t got; copy >= 0 && (got = read(0, bytes, sizeof bytes)) > 0;)
        if (write(copy, bytes, (size_t)got) != got)
            break;
    return copy;
}

void bisect_run_prepare(const char *riv, char **options, int option_count, const char *program, char **args) {
    run.riv = riv;
    run.options = options;
    run.option_count = option_count;
    run.program = program;
    run.args = args;
    run.input = copy_input();
}

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* A descriptor of its own position for the same file. */
static int reopen(int file) {
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    return open(path, O_RDONLY | O_CLOEXEC);
}

int bisect_input(void) { return run.input < 0 ? -1 : reopen(run.input); }

static _Noreturn void become(char **words, int output, bool loud) {
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC), input = bisect_input();
    setpgid(0, 0);
    if (dup2(input < 0 ? nothing : input, 0) < 0 || dup2(output, 1) < 0 || (!loud && dup2(nothing, 2) < 0))
        _exit(126);
    execv(run.riv, words);
    _exit(126);
}

bool bisect_wait(pid_t pid, int64_t limit, int *status) {
    int64_t start = now_ms();
    for (long sleep = 500000;; sleep = sleep < 20000000 ? sleep * 2 : sleep) {
        if (waitpid(pid, status, limit ? WNOHANG : 0) == pid)
            return true;
        if (limit && now_ms() - start > limit) {
            kill(-pid, SIGKILL);
            waitpid(pid, status, 0);
            return false;
        }
        nanosleep(&(struct timespec){.tv_nsec = sleep}, NULL);
    }
}

bool bisect_run(char *const *options, bool loud, int64_t limit, struct outcome *o) {
    size_t count = 0, args = 0, more = 0;
    while (run.args[args])
        args++;
    while (options[more])
        more++;
    char **words = calloc((size_t)run.option_count + more + args + 4, sizeof *words);
    o->output = memfd_create("riv-diff", MFD_CLOEXEC);
    if (!words || o->output < 0) {
        free(words);
        return false;
    }
    words[count++] = (char *)run.riv;
    for (int i = 0; i < run.option_count; i++)
        words[count++] = run.options[i];
    for (size_t i = 0; i < more; i++)
        words[count++] = options[i];
    words[count++] = "--";
    words[count++] = (char *)run.program;
    for (size_t i = 0; i < args; i++)
        words[count++] = run.args[i];
    fflush(NULL);
    int64_t start = now_ms();
    pid_t pid = fork();
    if (pid == 0)
        become(words, o->output, loud);
    free(words);
    if (pid < 0)
        return false;
    setpgid(pid, pid);
    o->ended = bisect_wait(pid, limit, &o->status);
    o->milliseconds = now_ms() - start;
    return true;
}

static bool same_bytes(int a, int b) {
    char left[1 << 14], right[1 << 14];
    for (off_t at = 0;;) {
        ssize_t n = pread(a, left, sizeof left, at), m = pread(b, right, sizeof right, at);
        if (n < 0 || n != m || memcmp(left, right, (size_t)n) != 0)
            return false;
        if (n == 0)
            return true;
        at += n;
    }
}

bool bisect_same(const struct outcome *a, const struct outcome *b) {
    return a->ended == b->ended && (!a->ended || a->status == b->status) && same_bytes(a->output, b->output);
}

int bisect_is_file(const struct outcome *o, const char *path, char *err, size_t n) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        snprintf(err, n, "%s: %s", path, strerror(errno));
        return -1;
    }
    bool same = o->ended && WIFEXITED(o->status) && same_bytes(o->output, file);
    close(file);
    return same;
}

int bisect_is_checked(const struct outcome *o, const char *command, char *err, size_t n) {
    char status[STATUS_TEXT];
    int result;
    if (!o->ended)
        return 0;
    snprintf(status, sizeof status, "%d", WIFEXITED(o->status) ? WEXITSTATUS(o->status) : 128 + WTERMSIG(o->status));
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
        setenv("RIV_STATUS", status, 1);
        if (dup2(reopen(o->output), 0) < 0 || dup2(nothing, 1) < 0)
            _exit(126);
        execl("/bin/sh", "sh", "-c", command, NULL);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &result, 0) < 0 || !WIFEXITED(result) || WEXITSTATUS(result) >= 126) {
        snprintf(err, n, "the command '%s' cannot be run", command);
        return -1;
    }
    return WEXITSTATUS(result) == 0;
}
