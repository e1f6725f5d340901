/* exec.c: execve: riv starts itself anew with the program and its own options.
 *
 * What the new riv would refuse is found out here, while execve can still fail.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "loader.h"
#include "paths.h"
#include "signals.h"
#include "syscalls.h"

#define SCRIPT_DEPTH 5
#define STRINGS_MAX (1u << 20)

/* 0 when the host path can be run, else -errno; follows scripts to their interpreters. */
static int64_t check_program(const char *host) {
    char name[PATH_MAX], found[PATH_MAX];
    for (int depth = 0; depth < SCRIPT_DEPTH; depth++) {
        struct script script;
        struct load_error e;
        if (faccessat(AT_FDCWD, host, X_OK, AT_EACCESS) != 0)
            return -errno;
        int fd = open(host, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return -errno;
        enum file_kind kind = loader_examine(fd, &script, &e);
        close(fd);
        if (kind == FILE_BAD)
            return -e.error;
        if (kind == FILE_PROGRAM)
            return 0;
        snprintf(name, sizeof name, "%s", script.interpreter);
        host = path_resolve(name, found, true);
    }
    return -ELOOP;
}

/* Copies the guest's array of strings behind the first `room` entries; the strings stay where they are. */
static int64_t copy_array(uint64_t from, size_t room, char ***out) {
    size_t n = 0, capacity = 64;
    char **list = malloc((room + capacity + 1) * sizeof *list);
    if (!list)
        return -ENOMEM;
    for (;; n++) {
        uint64_t s = 0;
        if (from && copy_in(&s, from + n * sizeof s, sizeof s) != 0) {
            free(list);
            return -EFAULT;
        }
        if (n == capacity) {
            char **more = n < STRINGS_MAX ? realloc(list, (room + 2 * capacity + 1) * sizeof *list) : NULL;
            if (!more) {
                free(list);
                return -E2BIG;
            }
            list = more;
            capacity *= 2;
        }
        list[room + n] = (char *)s;
        if (s == 0)
            break;
    }
    *out = list;
    return (int64_t)n;
}

/* argv of the new riv: self, options, -0 argv0 -- path, arguments */
static int64_t build_argv(const char *path, uint64_t guest_argv, char ***out) {
    char **options = process.config->self_options;
    size_t count = 0;
    while (options && options[count])
        count++;
    size_t room = count + 5;
    char **list;
    int64_t n = copy_array(guest_argv, room, &list);
    if (n < 0)
        return n;
    char *argv0 = n > 0 ? list[room] : "";
    size_t at = 0;
    list[at++] = (char *)process.config->self;
    for (size_t i = 0; i < count; i++)
        list[at++] = options[i];
    list[at++] = "-0";
    list[at++] = argv0;
    list[at++] = "--";
    list[at++] = (char *)path;
    /* The guest's argv[0] gives way to the path. */
    size_t first = room + (n > 0 ? 1 : 0);
    memmove(&list[at], &list[first], (room + (size_t)n - first + 1) * sizeof *list);
    *out = list;
    return 0;
}

int64_t exec_program(struct task *t, int dirfd, const char *path, uint64_t argv, uint64_t envp, int flags) {
    char combined[PATH_MAX + 32], found[PATH_MAX];
    const char *name = path, *host;
    int keep = -1;
    if (procfs_is_exe(path))
        name = process.exe_guest;
    if (path[0] == 0 && (flags & AT_EMPTY_PATH)) {
        /* The new riv opens it by number, which must survive until then. */
        keep = fcntl(dirfd, F_DUPFD, 3);
        if (keep < 0)
            return -errno;
        snprintf(combined, sizeof combined, "/proc/self/fd/%d", keep);
        name = combined;
    } else if (path[0] == 0) {
        return -ENOENT;
    } else if (path[0] != '/' && dirfd != AT_FDCWD) {
        name = path_absolute(dirfd, path, combined); /* the descriptor may close on exec */
        if (!name)
            return fcntl(dirfd, F_GETFD) < 0 ? -EBADF : -ENOENT;
    }
    host = path_resolve(name, found, true);
    struct stat st;
    int64_t r = check_program(host);
    if (r == 0 && (flags & AT_SYMLINK_NOFOLLOW) && lstat(host, &st) == 0 && S_ISLNK(st.st_mode))
        r = -ELOOP;
    if (r == 0)
        r = build_argv(name, argv, &t->exec_argv);
    if (r == 0)
        r = copy_array(envp, 0, &t->exec_env);
    if (r >= 0) {
        process_leaving(false);
        signals_before_exec(t);
        r = host_syscall(SYS_execve, (uint64_t)process.config->self, (uint64_t)t->exec_argv, (uint64_t)t->exec_env, 0,
                         0, 0);
        signals_after_failed_exec(t);
    }
    free(t->exec_argv);
    free(t->exec_env);
    t->exec_argv = t->exec_env = NULL;
    if (keep >= 0)
        close(keep);
    return r;
}

int64_t sys_execve(struct task *t, const uint64_t *a) {
    char path[PATH_MAX];
    int64_t r = copy_string(path, a[0], sizeof path);
    return r ? r : exec_program(t, AT_FDCWD, path, a[1], a[2], 0);
}

int64_t sys_execveat(struct task *t, const uint64_t *a) {
    char path[PATH_MAX];
    int64_t r = copy_string(path, a[1], sizeof path);
    return r ? r : exec_program(t, (int)a[0], path, a[2], a[3], (int)a[4]);
}
