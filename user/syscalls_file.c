/* syscalls_file.c: files whose names or structures need more than a pass. */
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "paths.h"
#include "syscalls.h"
#include "vma.h"

#define RENAMEAT_NUMBER 38

/* struct stat of include/uapi/asm-generic/stat.h. */
struct guest_stat {
    uint64_t st_dev, st_ino;
    uint32_t st_mode, st_nlink, st_uid, st_gid;
    uint64_t st_rdev, pad1;
    int64_t st_size;
    int32_t st_blksize, pad2;
    int64_t st_blocks;
    int64_t atime_s;
    uint64_t atime_ns;
    int64_t mtime_s;
    uint64_t mtime_ns;
    int64_t ctime_s;
    uint64_t ctime_ns;
    uint32_t unused[2];
};
_Static_assert(sizeof(struct guest_stat) == 128, "stat");

static int64_t stat_out(uint64_t to, const struct stat *st) {
    struct guest_stat g = {
        .st_dev = st->st_dev,
        .st_ino = st->st_ino,
        .st_mode = st->st_mode,
        .st_nlink = (uint32_t)st->st_nlink,
        .st_uid = st->st_uid,
        .st_gid = st->st_gid,
        .st_rdev = st->st_rdev,
        .st_size = st->st_size,
        .st_blksize = (int32_t)st->st_blksize,
        .st_blocks = st->st_blocks,
        .atime_s = st->st_atim.tv_sec,
        .atime_ns = (uint64_t)st->st_atim.tv_nsec,
        .mtime_s = st->st_mtim.tv_sec,
        .mtime_ns = (uint64_t)st->st_mtim.tv_nsec,
        .ctime_s = st->st_ctim.tv_sec,
        .ctime_ns = (uint64_t)st->st_ctim.tv_nsec,
    };
    return copy_out(to, &g, sizeof g);
}

/* A guest path and what it became on the host. */
struct path_pair {
    char guest[PATH_MAX], found[PATH_MAX];
    const char *host;
};

static int64_t path_get(struct path_pair *p, uint64_t dirfd, uint64_t from, unsigned how) {
    int64_t r = copy_string(p->guest, from, sizeof p->guest);
    if (r == 0)
        p->host = path_resolve_at((int)dirfd, p->guest, p->found, how);
    return r;
}

static unsigned how_to_open(uint64_t flags) {
    return (flags & O_NOFOLLOW ? 0 : PATH_FOLLOW) | (flags & O_CREAT ? PATH_CREATE : 0);
}

static int64_t call_openat(int dirfd, const char *path, int flags, unsigned mode) {
    return host_syscall_blocking(SYS_openat, (uint64_t)(int64_t)dirfd, (uint64_t)path, (uint64_t)flags, mode, 0, 0);
}

int64_t sys_openat(struct task *t, const uint64_t *a) {
    struct path_pair p;
    int flags = (int)a[2];
    int64_t r = path_get(&p, a[0], a[1], how_to_open((unsigned)flags));
    if (r != 0)
        return r;
    int fd = procfs_open(p.guest, flags);
    return fd != -ENOSYS ? fd : call_openat((int)a[0], p.host, flags, (unsigned)a[3]);
}

int64_t sys_openat2(struct task *t, const uint64_t *a) {
    struct path_pair p;
    struct open_how how;
    if (a[3] < sizeof how)
        return -EINVAL;
    int64_t r = copy_in(&how, a[2], sizeof how);
    if (r == 0)
        r = path_get(&p, a[0], a[1], how_to_open(how.flags));
    if (r != 0)
        return r;
    int fd = how.resolve ? -ENOSYS : procfs_open(p.guest, (int)how.flags);
    if (fd != -ENOSYS)
        return fd;
    const char *path = how.resolve & (RESOLVE_IN_ROOT | RESOLVE_BENEATH) ? p.guest : p.host;
    return host_syscall_blocking(SYS_openat2, a[0], (uint64_t)path, a[2], a[3], 0, 0);
}

int64_t sys_close(struct task *t, const uint64_t *a) {
    if ((int)a[0] == paths_own_fd())
        return -EBADF;
    return host_syscall(SYS_close, a[0], 0, 0, 0, 0, 0);
}

int64_t sys_dup3(struct task *t, const uint64_t *a) {
    if ((int)a[1] == paths_own_fd())
        return -EBADF;
    return host_syscall(SYS_dup3, a[0], a[1], a[2], 0, 0, 0);
}

int64_t sys_close_range(struct task *t, const uint64_t *a) {
    uint64_t first = (uint32_t)a[0], last = (uint32_t)a[1];
    int own = paths_own_fd();
    if (own < 0 || (uint64_t)own < first || (uint64_t)own > last)
        return host_syscall(SYS_close_range, first, last, a[2], 0, 0, 0);
    int64_t r = 0;
    if (first < (uint64_t)own)
        r = host_syscall(SYS_close_range, first, (uint64_t)own - 1, a[2], 0, 0, 0);
    if (r == 0 && last > (uint64_t)own)
        r = host_syscall(SYS_close_range, (uint64_t)own + 1, last, a[2], 0, 0, 0);
    return r;
}

/* Two names in one file system: what comes from the sysroot stays there. */
static int64_t path_pair_get(struct path_pair *from, struct path_pair *to, const uint64_t *a, unsigned how) {
    int64_t r = path_get(from, a[0], a[1], how);
    return r ? r : path_get(to, a[2], a[3], PATH_CREATE | (path_in_sysroot(from->host) ? PATH_SYSROOT : 0));
}

int64_t sys_renameat2(struct task *t, const uint64_t *a) {
    struct path_pair from, to;
    int64_t r = path_pair_get(&from, &to, a, 0);
    unsigned flags = t->hart.x[17] == RENAMEAT_NUMBER ? 0 : (unsigned)a[4];
    return r ? r : host_syscall(SYS_renameat2, a[0], (uint64_t)from.host, a[2], (uint64_t)to.host, flags, 0);
}

int64_t sys_linkat(struct task *t, const uint64_t *a) {
    struct path_pair from, to;
    int64_t r = path_pair_get(&from, &to, a, a[4] & AT_SYMLINK_FOLLOW ? PATH_FOLLOW : 0);
    if (r != 0)
        return r;
    return host_syscall(SYS_linkat, a[0], (uint64_t)from.host, a[2], (uint64_t)to.host, a[4], 0);
}

int64_t sys_readlinkat(struct task *t, const uint64_t *a) {
    struct path_pair p;
    int64_t r = path_get(&p, a[0], a[1], 0);
    if (r != 0)
        return r;
    if ((int)a[3] <= 0)
        return -EINVAL;
    char buf[PATH_MAX];
    const char *target = procfs_readlink(p.guest);
    if (!target && strncmp(p.guest, "/proc/", 6) == 0 && p.host == p.guest) { /* may be a file in the sysroot */
        r = host_syscall(SYS_readlinkat, a[0], (uint64_t)p.host, (uint64_t)buf, sizeof buf - 1, 0, 0);
        if (r < 0)
            return r;
        buf[r] = 0;
        target = path_guest_view(buf);
    }
    if (!target)
        return host_syscall(SYS_readlinkat, a[0], (uint64_t)p.host, a[2], a[3], 0, 0);
    size_t n = strlen(target);
    if (n > a[3])
        n = a[3];
    r = copy_out(a[2], target, n);
    return r ? r : (int64_t)n;
}

int64_t sys_newfstatat(struct task *t, const uint64_t *a) {
    struct path_pair p = {.host = ""};
    struct stat st;
    int64_t r = 0;
    if (a[1] || !(a[3] & AT_EMPTY_PATH))
        r = path_get(&p, a[0], a[1], a[3] & AT_SYMLINK_NOFOLLOW ? 0 : PATH_FOLLOW);
    if (r == 0)
        r = host_syscall(SYS_newfstatat, a[0], (uint64_t)p.host, (uint64_t)&st, a[3], 0, 0);
    return r == 0 ? stat_out(a[2], &st) : r;
}

int64_t sys_fstat(struct task *t, const uint64_t *a) {
    struct stat st;
    int64_t r = host_syscall(SYS_fstat, a[0], (uint64_t)&st, 0, 0, 0, 0);
    return r == 0 ? stat_out(a[1], &st) : r;
}

int64_t sys_getcwd(struct task *t, const uint64_t *a) {
    char now[PATH_MAX];
    int64_t r = host_syscall(SYS_getcwd, (uint64_t)now, sizeof now, 0, 0, 0, 0);
    if (r < 0)
        return r;
    const char *view = path_guest_view(now);
    size_t n = strlen(view) + 1;
    if (n > a[1])
        return -ERANGE;
    r = copy_out(a[0], view, n);
    return r ? r : (int64_t)n;
}

int64_t sys_chdir(struct task *t, const uint64_t *a) {
    struct path_pair p;
    int64_t r = path_get(&p, (uint64_t)AT_FDCWD, a[0], PATH_FOLLOW);
    if (r == 0)
        r = host_syscall(SYS_chdir, (uint64_t)p.host, 0, 0, 0, 0, 0);
    if (r == 0)
        paths_cwd_changed();
    return r;
}

int64_t sys_fchdir(struct task *t, const uint64_t *a) {
    int64_t r = host_syscall(SYS_fchdir, a[0], 0, 0, 0, 0, 0);
    if (r == 0)
        paths_cwd_changed();
    return r;
}
