/* paths.c: looks guest paths up in the sysroot.
 *
 * RESOLVE_IN_ROOT makes the kernel treat the sysroot as / for absolute symbolic links and "..", so that a library found
 * in the sysroot never leads to the host's.  A path that starts at a directory of the sysroot is looked up by its whole
 * name, as it may be on the host only.
 *
 *      /usr/lib/libx.so      SYSROOT/usr/lib/libx.so, if that exists          /srv/x      as it is
 *      open("/") = 3, openat(3, "srv")                                       /srv
 */
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "paths.h"
#include "user.h"

static struct {
    int fd;
    char path[PATH_MAX]; /* absolute, no slash at the end */
    size_t length;
} root = {.fd = -1};

#define LINKS_MAX 8
#define OWN_FD_MIN 900 /* out of the way of what shells and programs number themselves */

bool paths_init(const char *sysroot) {
    char absolute[PATH_MAX];
    int fd = open(sysroot, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    if (!realpath(sysroot, absolute)) {
        close(fd);
        return false;
    }
    if (strcmp(absolute, "/") == 0) { /* the host's own root: nothing to look up */
        close(fd);
        return true;
    }
    int high = fcntl(fd, F_DUPFD_CLOEXEC, OWN_FD_MIN);
    if (high >= 0) {
        close(fd);
        fd = high;
    }
    root.fd = fd;
    root.length = strlen(absolute);
    memcpy(root.path, absolute, root.length + 1);
    return true;
}

int paths_own_fd(void) { return root.fd; }

static bool starts_with_dir(const char *path, const char *dir) {
    size_t n = strlen(dir);
    return strncmp(path, dir, n) == 0 && (path[n] == '/' || path[n] == 0);
}

bool path_in_sysroot(const char *host) { return root.fd >= 0 && starts_with_dir(host, root.path); }

const char *path_guest_view(const char *host) {
    if (!path_in_sysroot(host))
        return host;
    return host[root.length] ? host + root.length : "/";
}

static bool fd_name(int fd, char *buf) {
    char link[40];
    snprintf(link, sizeof link, fd == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, buf, PATH_MAX - 2);
    if (n <= 0)
        return false;
    buf[n] = 0;
    return true;
}

void paths_cwd_changed(void) {
    char now[PATH_MAX];
    if (root.fd >= 0)
        task_current->group->cwd_in_sysroot = fd_name(AT_FDCWD, now) && path_in_sysroot(now);
}

/* Without openat2 (Linux before 5.6, or a sandbox): absolute links inside the sysroot lead to the host. */
static bool find_by_name(const char *path, char *buf) {
    if (root.length + strlen(path) >= PATH_MAX)
        return false;
    memcpy(buf, root.path, root.length);
    strcpy(buf + root.length, path);
    return faccessat(AT_FDCWD, buf, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The host's name of a guest path that exists in the sysroot. */
static bool find_in_root(const char *path, char *buf, bool follow) {
    struct open_how how = {.flags = (uint64_t)(O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW)),
                           .resolve = RESOLVE_IN_ROOT};
    long fd = syscall(SYS_openat2, root.fd, path, &how, sizeof how);
    if (fd < 0)
        return (errno == ENOSYS || errno == EPERM) && find_by_name(path, buf);
    bool ok = fd_name((int)fd, buf);
    close((int)fd);
    if (!ok)
        return find_by_name(path, buf);
    size_t n = strlen(buf);
    if (path[strlen(path) - 1] == '/' && buf[n - 1] != '/') /* "must be a directory" */
        strcpy(buf + n, "/");
    return true;
}

/* The name that a new file gets in the sysroot, where its directory exists. */
static bool place_in_root(const char *path, char *buf) {
    char parent[PATH_MAX];
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && path[start - 1] != '/')
        start--;
    memcpy(parent, path, start);
    parent[start] = 0;
    if (start == 0 || !find_in_root(parent, buf, true))
        return false;
    size_t n = strlen(buf);
    if (n + strlen(path + start) + 2 >= PATH_MAX)
        return false;
    if (buf[n - 1] != '/')
        buf[n++] = '/';
    strcpy(buf + n, path + start);
    return true;
}

/* Whether the host has the directory in which the path's last part would lie. */
static bool host_has_parent(const char *path) {
    char parent[PATH_MAX];
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/')
        end--;
    while (end > 1 && path[end - 1] != '/')
        end--;
    memcpy(parent, path, end);
    parent[end] = 0;
    return access(parent, F_OK) == 0;
}

static bool is_the_kernels(const char *path) {
    return starts_with_dir(path, "/proc") || starts_with_dir(path, "/sys") || starts_with_dir(path, "/dev");
}

static bool is_the_hosts(const char *path) {
    return is_the_kernels(path) || starts_with_dir(path, "/tmp") || path_in_sysroot(path);
}

/* Where path is a symbolic link in the sysroot to a name that is not there: replaces path by that name. */
static bool follow_out_of_root(char *path) {
    char link[PATH_MAX], target[PATH_MAX];
    if (!find_in_root(path, link, false))
        return false;
    ssize_t n = readlink(link, target, sizeof target - 1);
    if (n <= 0)
        return false;
    target[n] = 0;
    size_t directory = 0;
    const char *view = path_guest_view(link);
    if (target[0] != '/')
        directory = (size_t)(strrchr(view, '/') + 1 - view);
    if (directory + (size_t)n >= PATH_MAX)
        return false;
    memmove(path, view, directory);
    strcpy(path + directory, target);
    return true;
}

/* path is absolute and of PATH_MAX bytes; it may change.  True: buf has the name in the sysroot; else path is the
 * host's. */
static bool lookup(char *path, char *buf, unsigned how) {
    for (int links = 0; links < LINKS_MAX; links++) {
        if (is_the_hosts(path))
            return false;
        if (find_in_root(path, buf, how & PATH_FOLLOW))
            return true;
        if (!(how & PATH_FOLLOW) || !follow_out_of_root(path))
            break;
    }
    if (how & PATH_SYSROOT)
        return place_in_root(path, buf);
    return (how & PATH_CREATE) && !host_has_parent(path) && place_in_root(path, buf);
}

/* Joins the name of a directory, as the guest sees it, and a relative path. */
static bool join(const char *directory, const char *path, char *buf) {
    const char *view = path_guest_view(directory);
    int n = snprintf(buf, PATH_MAX, "%s%s%s", view, view[1] ? "/" : "", path);
    return n < PATH_MAX;
}

const char *path_absolute(int dirfd, const char *path, char *buf) {
    char directory[PATH_MAX];
    if (path[0] == '/')
        return path;
    return fd_name(dirfd, directory) && join(directory, path, buf) ? buf : NULL;
}

/* A symbolic link on the host whose target is in the sysroot, as when the guest has made it.  True: buf has the target.
 */
static bool follow_into_root(int dirfd, const char *path, char *buf) {
    char name[PATH_MAX], target[PATH_MAX];
    if (snprintf(name, sizeof name, "%s", path) >= (int)sizeof name)
        return false;
    for (int links = 0; links < LINKS_MAX && !is_the_kernels(name); links++) {
        ssize_t n = readlinkat(dirfd, name, target, sizeof target - 1);
        if (n <= 0)
            break;
        target[n] = 0;
        const char *slash = target[0] == '/' ? NULL : strrchr(name, '/');
        size_t directory = slash ? (size_t)(slash + 1 - name) : 0;
        if (directory + (size_t)n >= sizeof name)
            break;
        strcpy(name + directory, target);
        if (target[0] == '/' && !is_the_hosts(name) && find_in_root(name, buf, true))
            return true;
    }
    return false;
}

/* The name on the host as it is, but for links that lead back. */
static const char *on_host(int dirfd, const char *path, char *buf, unsigned how) {
    char target[PATH_MAX];
    if (root.fd < 0 || !(how & PATH_FOLLOW) || path_in_sysroot(path) || !follow_into_root(dirfd, path, target))
        return path;
    return strcpy(buf, target);
}

const char *path_resolve_at(int dirfd, const char *path, char *buf, unsigned how) {
    char guest[PATH_MAX];
    if (path[0] == '/') {
        if ((how & PATH_FOLLOW) && procfs_is_exe(path))
            return process.exe;
        if (root.fd < 0 || is_the_kernels(path))
            return path;
        snprintf(guest, sizeof guest, "%s", path);
        if (lookup(guest, buf, how))
            return buf;
        return on_host(dirfd, strcmp(guest, path) == 0 ? path : strcpy(buf, guest), buf, how);
    }
    if (root.fd < 0 || path[0] == 0)
        return path;
    if ((dirfd == AT_FDCWD && !(task_current && task_current->group->cwd_in_sysroot)) || !fd_name(dirfd, buf) ||
        !path_in_sysroot(buf) || !join(buf, path, guest))
        return on_host(dirfd, path, buf, how);
    /* What is made in a directory of the sysroot goes there. */
    if (how & PATH_CREATE)
        how |= PATH_SYSROOT;
    return lookup(guest, buf, how) ? buf : on_host(dirfd, strcpy(buf, guest), buf, how);
}

const char *path_resolve(const char *path, char *buf, bool follow) {
    return path_resolve_at(AT_FDCWD, path, buf, follow ? PATH_FOLLOW : 0);
}
