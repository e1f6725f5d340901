/* paths.c: the guest program of the sysroot tests: one word does one thing with a path, in order, and prints what came.
 *
 *      cat P   first line       write P   makes it       mkdir P   rename P Q   link P Q   symlink TARGET P   rm P
 *      cd P    chdir            cwd       getcwd          link? P   readlink     open P     from now on, @x is
 * openat(P, x) stat P  file, directory  bind P    socket there    connect P               exec P     execveat from the
 * directory
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static int directory = AT_FDCWD;

/* The descriptor that a path starts from; takes the @ off. */
static int from(const char **path) {
    if (**path != '@')
        return AT_FDCWD;
    ++*path;
    return directory;
}

static void result(const char *word, int r) {
    printf("%s: %s\n", word, r < 0 ? strerrorname_np(errno) : "ok");
    fflush(stdout);
}

static void do_cat(const char *path) {
    char line[200];
    int fd = openat(from(&path), path, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof line);
    if (n < 0)
        return result("cat", -1);
    printf("cat: %.*s\n", (int)n, line);
    close(fd);
}

static void do_write(const char *path) {
    int fd = openat(from(&path), path, O_WRONLY | O_CREAT | O_EXCL, 0644);
    result("write", fd < 0 || write(fd, "new", 3) != 3 ? -1 : 0);
    close(fd);
}

static void do_stat(const char *path) {
    struct stat st;
    int dirfd = from(&path);
    int r = fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW);
    printf("stat: %s\n", r < 0                 ? strerrorname_np(errno)
                         : S_ISDIR(st.st_mode) ? "directory"
                         : S_ISLNK(st.st_mode) ? "link"
                                               : "file");
}

static void do_readlink(const char *path) {
    char target[PATH_MAX];
    int dirfd = from(&path);
    ssize_t n = readlinkat(dirfd, path, target, sizeof target - 1);
    if (n < 0)
        return result("link?", -1);
    printf("link?: %.*s\n", (int)n, target);
}

static void do_socket(const char *word, const char *path) {
    static int listener;
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    snprintf(un.sun_path, sizeof un.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), r;
    if (strcmp(word, "bind") == 0) {
        r = bind(fd, (struct sockaddr *)&un, sizeof un);
        listener = fd;
        listen(listener, 1);
    } else {
        r = connect(fd, (struct sockaddr *)&un, sizeof un);
    }
    result(word, r);
}

int main(int argc, char **argv) {
    char now[PATH_MAX];
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i], *a = i + 1 < argc ? argv[i + 1] : "", *b = i + 2 < argc ? argv[i + 2] : "";
        if (strcmp(word, "cwd") == 0) {
            printf("cwd: %s\n", getcwd(now, sizeof now) ? now : "?");
            continue;
        }
        i++;
        if (strcmp(word, "cat") == 0) {
            do_cat(a);
        } else if (strcmp(word, "write") == 0) {
            do_write(a);
        } else if (strcmp(word, "stat") == 0) {
            do_stat(a);
        } else if (strcmp(word, "link?") == 0) {
            do_readlink(a);
        } else if (strcmp(word, "bind") == 0 || strcmp(word, "connect") == 0) {
            do_socket(word, a);
        } else if (strcmp(word, "mkdir") == 0) {
            int dirfd = from(&a);
            result(word, mkdirat(dirfd, a, 0755));
        } else if (strcmp(word, "rm") == 0) {
            int dirfd = from(&a);
            result(word, unlinkat(dirfd, a, 0));
        } else if (strcmp(word, "cd") == 0) {
            result(word, chdir(a));
        } else if (strcmp(word, "open") == 0) {
            directory = open(a, O_PATH | O_DIRECTORY | O_CLOEXEC);
            result(word, directory);
        } else if (strcmp(word, "exec") == 0) {
            char *args[] = {"paths", "cwd", NULL};
            int dirfd = from(&a);
            syscall(SYS_execveat, dirfd, a, args, environ, 0);
            result(word, -1);
        } else {
            i++;
            int one = from(&a), two = from(&b);
            if (strcmp(word, "rename") == 0)
                result(word, renameat(one, a, two, b));
            else if (strcmp(word, "link") == 0)
                result(word, linkat(one, a, two, b, 0));
            else if (strcmp(word, "symlink") == 0)
                result(word, symlinkat(a, two, b));
        }
    }
    return 0;
}
