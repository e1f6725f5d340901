/* strace.c: -strace: "PID name(arguments) = result" on stderr, as people know it from qemu-user. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "syscalls.h"

#define STRING_SHOWN 32

struct line {
    char text[1024];
    size_t n;
};

__attribute__((format(printf, 2, 3))) static void add(struct line *l, const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(l->text + l->n, sizeof l->text - l->n, format, ap);
    va_end(ap);
    l->n += n > 0 ? (size_t)n : 0;
    if (l->n >= sizeof l->text)
        l->n = sizeof l->text - 1;
}

static void add_bytes(struct line *l, const char *s, size_t n, bool more) {
    add(l, "\"");
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c == '\n')
            add(l, "\\n");
        else if (c == '"' || c == '\\')
            add(l, "\\%c", c);
        else if (c >= ' ' && c < 127)
            add(l, "%c", c);
        else
            add(l, "\\%o", c);
    }
    add(l, more ? "\"..." : "\"");
}

static void add_string(struct line *l, uint64_t at) {
    char s[256];
    if (at == 0) {
        add(l, "NULL");
    } else if (copy_string(s, at, sizeof s) == -EFAULT) {
        add(l, "0x%lx", at);
    } else {
        s[sizeof s - 1] = 0;
        add_bytes(l, s, strlen(s), false);
    }
}

static void add_buffer(struct line *l, uint64_t at, uint64_t size) {
    char s[STRING_SHOWN];
    size_t n = size < sizeof s ? size : sizeof s;
    if (copy_in(s, at, n) != 0)
        add(l, "0x%lx", at);
    else
        add_bytes(l, s, n, size > n);
}

static void add_open_flags(struct line *l, unsigned flags) {
    static const struct {
        unsigned bit;
        const char *name;
    } names[] = {{O_CREAT, "O_CREAT"},       {O_EXCL, "O_EXCL"},         {O_TRUNC, "O_TRUNC"},
                 {O_APPEND, "O_APPEND"},     {O_NONBLOCK, "O_NONBLOCK"}, {O_DIRECTORY, "O_DIRECTORY"},
                 {O_NOFOLLOW, "O_NOFOLLOW"}, {O_CLOEXEC, "O_CLOEXEC"},   {O_LARGEFILE, "O_LARGEFILE"}};
    static const char *const modes[] = {"O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"};
    add(l, "%s", modes[flags & 3]);
    flags &= ~3u;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].bit && (flags & names[i].bit) == names[i].bit) {
            add(l, "|%s", names[i].name);
            flags &= ~names[i].bit;
        }
    }
    if (flags)
        add(l, "|0x%x", flags);
}

static void add_argument(struct line *l, char letter, const uint64_t *a, unsigned i) {
    switch (letter) {
    case 'A':
        if ((int)a[i] == AT_FDCWD)
            add(l, "AT_FDCWD");
        else
            add(l, "%d", (int)a[i]);
        break;
    case 'f':
        add(l, "%d", (int)a[i]);
        break;
    case 'd':
        add(l, "%ld", (long)a[i]);
        break;
    case 'u':
    case 'z':
        add(l, "%lu", a[i]);
        break;
    case 'm':
        add(l, "0%o", (unsigned)a[i]);
        break;
    case 'o':
        add_open_flags(l, (unsigned)a[i]);
        break;
    case 'g': {
        const char *name = sigabbrev_np((int)a[i]);
        if (name)
            add(l, "SIG%s", name);
        else
            add(l, "%d", (int)a[i]);
        break;
    }
    case 's':
    case 'P':
    case 'L':
    case 'N':
    case 'C':
        add_string(l, a[i]);
        break;
    case 'r':
        add_buffer(l, a[i], a[i + 1]);
        break;
    default:
        if (a[i] == 0 && letter != 'x' && letter != 'n')
            add(l, "NULL");
        else
            add(l, "0x%lx", a[i]);
    }
}

static void format_call(struct line *l, const struct task *t, uint64_t number, const struct syscall_row *row,
                        const uint64_t *a) {
    add(l, "%d ", t->tid);
    if (!row) {
        add(l, "syscall_%lu(0x%lx,0x%lx,0x%lx,0x%lx,0x%lx,0x%lx)", number, a[0], a[1], a[2], a[3], a[4], a[5]);
        return;
    }
    add(l, "%s(", row->name);
    for (unsigned i = 0; row->args[i]; i++) {
        if (i)
            add(l, ",");
        add_argument(l, row->args[i], a, i);
    }
    add(l, ")");
}

static void print(const struct line *l) {
    ssize_t ignored = write(STDERR_FILENO, l->text, l->n);
    (void)ignored;
}

/* The call does not return when it succeeds, or not here alone. */
static bool is_final(const struct syscall_row *row) {
    return row && (row->call == sys_exit || row->call == sys_exit_group || row->call == sys_execve ||
                   row->call == sys_execveat || row->call == sys_rt_sigreturn);
}

void strace_before(const struct task *t, uint64_t number, const struct syscall_row *row, const uint64_t *a) {
    if (!is_final(row))
        return;
    struct line l = {.n = 0};
    format_call(&l, t, number, row, a);
    add(&l, "\n");
    print(&l);
}

/* Whether an unknown call's number has not been seen before; what there is no room for counts as seen. */
static bool first_seen(uint64_t number) {
    static _Atomic uint64_t seen[64];
    for (size_t i = 0; i < sizeof seen / sizeof seen[0]; i++) {
        uint64_t is = 0;
        if (atomic_compare_exchange_strong(&seen[i], &is, number + 1))
            return true;
        if (is == number + 1)
            return false;
    }
    return false;
}

void strace_after(const struct task *t, uint64_t number, const struct syscall_row *row, const uint64_t *a,
                  int64_t result) {
    struct line l = {.n = 0};
    if (result == NO_RESULT)
        return;
    if (!row && first_seen(number))
        add(&l, "%d riv: unknown system call %lu\n", t->tid, number);
    format_call(&l, t, number, row, a);
    if (result == RESTART_INTERRUPTED)
        add(&l, " = ? (interrupted)");
    else if (result < 0 && result > -4096)
        add(&l, " = -1 errno=%ld (%s)", (long)-result,
            strerrorname_np((int)-result) ? strerrorname_np((int)-result) : "?");
    else if (result > INT32_MAX)
        add(&l, " = 0x%lx", result);
    else
        add(&l, " = %ld", result);
    add(&l, "\n");
    print(&l);
}
