/* paths.c: looks guest paths up in the sysroot.
 *
 * RESOLVE_IN_ROOT makes the kernel treat the sysroot as / for absolute symbolic links and "..", so that a library found
 * in the sysroot never leads to the host's.  /proc, /sys and /dev are always the host's.
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

const char *path_guest_view(const char *host) {
    if (root.fd >= 0 && strncmp(host, root.path, root.length) == 0 && host[root.length] == '/')
        return host + root.length;
    return host;
}

/* Without openat2 (Linux before 5.6, or a sandbox): absolute links inside the sysroot lead to the host. */
static const char *resolve_by_name(const char *path, char *buf) {
    if (root.length + strlen(path) >= PATH_MAX)
        return path;
    memcpy(buf, root.path, root.length);
    strcpy(buf + root.length, path);
    return faccessat(AT_FDCWD, buf, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ? buf : path;
}

const char *path_resolve(const char *path, char *buf, bool follow) {
    if (path[0] != '/')
        return path;
    if (strncmp(path, "/proc/", 6) == 0 && follow && procfs_is_exe(path))
        return process.exe;
    if (root.fd < 0 || starts_with_dir(path, "/proc") || starts_with_dir(path, "/sys") ||
        starts_with_dir(path, "/dev") || strncmp(path, root.path, root.length) == 0)
        return path;
    struct open_how how = {.flags = (uint64_t)(O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW)),
                           .resolve = RESOLVE_IN_ROOT};
    long fd = syscall(SYS_openat2, root.fd, path, &how, sizeof how);
    if (fd < 0)
        return errno == ENOSYS || errno == EPERM ? resolve_by_name(path, buf) : path;
    char link[40];
    snprintf(link, sizeof link, "/proc/self/fd/%ld", fd);
    ssize_t n = readlink(link, buf, PATH_MAX - 2);
    close((int)fd);
    if (n <= 0)
        return resolve_by_name(path, buf);
    buf[n] = 0;
    if (path[strlen(path) - 1] == '/' && buf[n - 1] != '/') /* "must be a directory" */
        strcpy(buf + n, "/");
    return buf;
}
