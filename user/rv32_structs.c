/* rv32_structs.c: structures of 32-bit programs, to and from the host's. */
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/uio.h>
#include <time.h>

#include "rv32.h"
#include "signals.h"
#include "vma.h"

#define IOV_COUNT_MAX 1024
#define CONTROL_MAX 4096

struct iovec32 {
    uint32_t base, size;
};

static int64_t iovec_in(struct iovec *iov, uint64_t from, uint64_t count, bool written) {
    struct iovec32 in;
    if (count > IOV_COUNT_MAX)
        return -EINVAL;
    for (uint64_t i = 0; i < count; i++) {
        if (copy_in(&in, from + i * sizeof in, sizeof in) != 0)
            return -EFAULT;
        iov[i] = (struct iovec){(void *)(uint64_t)in.base, in.size};
        if (written)
            watch_prepare_write(in.base, in.size);
    }
    return 0;
}

int64_t rv32_iovec(long number, const uint64_t *a) {
    struct iovec iov[IOV_COUNT_MAX];
    bool reads = number == SYS_readv || number == SYS_preadv || number == SYS_preadv2;
    int64_t r = iovec_in(iov, a[1], a[2], reads);
    if (r != 0)
        return r;
    return host_syscall_blocking(number, a[0], (uint64_t)iov, a[2], a[3] | a[4] << 32, 0, a[5]);
}

struct msghdr32 {
    uint32_t name, namelen, iov, iovlen, control, controllen, flags;
};
struct cmsghdr32 {
    uint32_t len;
    int32_t level, type;
};
#define ALIGN4(n) (((n) + 3) & ~(uint64_t)3)

/* Control messages have their data 12 bytes in and are aligned to 4; the host's 16 and 8. */
static int64_t control_in(struct msghdr *m, const struct msghdr32 *g) {
    uint64_t at = 0, used = 0;
    char *to = m->msg_control;
    struct cmsghdr32 head;
    while (g->controllen - at >= sizeof head) {
        if (copy_in(&head, g->control + at, sizeof head) != 0)
            return -EFAULT;
        if (head.len < sizeof head || head.len > g->controllen - at)
            return -EINVAL;
        uint64_t size = head.len - sizeof head;
        if (used + CMSG_SPACE(size) > CONTROL_MAX)
            return -ENOBUFS;
        *(struct cmsghdr *)(to + used) = (struct cmsghdr){CMSG_LEN(size), head.level, head.type};
        if (copy_in(CMSG_DATA((struct cmsghdr *)(to + used)), g->control + at + sizeof head, size) != 0)
            return -EFAULT;
        used += CMSG_SPACE(size);
        at += ALIGN4(head.len);
        if (at > g->controllen)
            break;
    }
    m->msg_controllen = used;
    return 0;
}

static int64_t control_out(struct msghdr *m, struct msghdr32 *g) {
    uint64_t used = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        uint64_t size = c->cmsg_len - CMSG_LEN(0);
        struct cmsghdr32 head = {(uint32_t)(sizeof head + size), c->cmsg_level, c->cmsg_type};
        if (used + head.len > g->controllen) {
            m->msg_flags |= MSG_CTRUNC;
            break;
        }
        if (copy_out(g->control + used, &head, sizeof head) != 0 ||
            copy_out(g->control + used + sizeof head, CMSG_DATA(c), size) != 0)
            return -EFAULT;
        used += ALIGN4(head.len);
    }
    g->controllen = (uint32_t)(used < g->controllen ? used : g->controllen);
    return 0;
}

int64_t rv32_message(long number, const uint64_t *a) {
    struct msghdr32 g;
    struct iovec iov[IOV_COUNT_MAX];
    char control[CONTROL_MAX] __attribute__((aligned(8)));
    if (copy_in(&g, a[1], sizeof g) != 0)
        return -EFAULT;
    bool receive = number == SYS_recvmsg;
    int64_t r = iovec_in(iov, g.iov, g.iovlen, receive);
    if (r != 0)
        return r;
    struct msghdr m = {.msg_name = (void *)(uint64_t)g.name,
                       .msg_namelen = g.namelen,
                       .msg_iov = iov,
                       .msg_iovlen = g.iovlen,
                       .msg_control = control,
                       .msg_controllen = g.control ? sizeof control : 0};
    if (!receive && (r = control_in(&m, &g)) != 0)
        return r;
    r = host_syscall_blocking(number, a[0], (uint64_t)&m, a[2], 0, 0, 0);
    if (r < 0 || !receive)
        return r;
    int64_t error = control_out(&m, &g);
    g.namelen = m.msg_namelen;
    g.flags = (uint32_t)m.msg_flags & ~(uint32_t)MSG_CMSG_CLOEXEC;
    if (error == 0)
        error = copy_out(a[1], &g, sizeof g);
    return error ? error : r;
}

/* struct statfs64 of include/uapi/asm-generic/statfs.h */
struct statfs32 {
    uint32_t type, bsize;
    uint64_t blocks, bfree, bavail, files, ffree;
    int32_t fsid[2];
    uint32_t namelen, frsize, flags, spare[4];
};

int64_t rv32_statfs(const char *path, uint64_t fd, uint64_t size, uint64_t to) {
    struct statfs s;
    if (size != sizeof(struct statfs32))
        return -EINVAL;
    int64_t r = path ? host_syscall(SYS_statfs, (uint64_t)path, (uint64_t)&s, 0, 0, 0, 0)
                     : host_syscall(SYS_fstatfs, fd, (uint64_t)&s, 0, 0, 0, 0);
    if (r != 0)
        return r;
    struct statfs32 g = {.type = (uint32_t)s.f_type,
                         .bsize = (uint32_t)s.f_bsize,
                         .blocks = s.f_blocks,
                         .bfree = s.f_bfree,
                         .bavail = s.f_bavail,
                         .files = s.f_files,
                         .ffree = s.f_ffree,
                         .namelen = (uint32_t)s.f_namelen,
                         .frsize = (uint32_t)s.f_frsize,
                         .flags = (uint32_t)s.f_flags};
    memcpy(g.fsid, &s.f_fsid, sizeof g.fsid);
    return copy_out(to, &g, sizeof g);
}

int64_t rv32_sysinfo(uint64_t to) {
    struct sysinfo s;
    if (sysinfo(&s) != 0)
        return -errno;
    unsigned shift = 0; /* the kernel scales the unit, too, until the largest fits */
    while ((s.totalram >> shift | s.totalswap >> shift) > UINT32_MAX)
        shift++;
    struct {
        int32_t uptime;
        uint32_t loads[3], totalram, freeram, sharedram, bufferram, totalswap, freeswap;
        uint16_t procs, pad;
        uint32_t totalhigh, freehigh, mem_unit, rest[2];
    } g = {.uptime = (int32_t)s.uptime,
           .loads = {(uint32_t)s.loads[0], (uint32_t)s.loads[1], (uint32_t)s.loads[2]},
           .totalram = (uint32_t)(s.totalram >> shift),
           .freeram = (uint32_t)(s.freeram >> shift),
           .sharedram = (uint32_t)(s.sharedram >> shift),
           .bufferram = (uint32_t)(s.bufferram >> shift),
           .totalswap = (uint32_t)(s.totalswap >> shift),
           .freeswap = (uint32_t)(s.freeswap >> shift),
           .procs = s.procs,
           .mem_unit = s.mem_unit << shift};
    return copy_out(to, &g, sizeof g);
}

static int64_t rusage_out(uint64_t to, const struct rusage *u) {
    const long *from = &u->ru_maxrss;
    uint32_t g[18] = {(uint32_t)u->ru_utime.tv_sec, (uint32_t)u->ru_utime.tv_usec, (uint32_t)u->ru_stime.tv_sec,
                      (uint32_t)u->ru_stime.tv_usec};
    for (unsigned i = 0; i < 14; i++)
        g[4 + i] = (uint32_t)from[i];
    return copy_out(to, g, sizeof g);
}

int64_t rv32_getrusage(uint64_t who, uint64_t to) {
    struct rusage u;
    int64_t r = host_syscall(SYS_getrusage, (uint64_t)(int64_t)(int32_t)who, (uint64_t)&u, 0, 0, 0, 0);
    return r ? r : rusage_out(to, &u);
}

int64_t rv32_times(uint64_t to) {
    struct tms t;
    clock_t r = times(&t);
    uint32_t g[4] = {(uint32_t)t.tms_utime, (uint32_t)t.tms_stime, (uint32_t)t.tms_cutime, (uint32_t)t.tms_cstime};
    if (to && copy_out(to, g, sizeof g) != 0)
        return -EFAULT;
    return (int64_t)r;
}

static int64_t itimer_out(uint64_t to, const struct itimerval *it) {
    int32_t g[4] = {(int32_t)it->it_interval.tv_sec, (int32_t)it->it_interval.tv_usec, (int32_t)it->it_value.tv_sec,
                    (int32_t)it->it_value.tv_usec};
    return copy_out(to, g, sizeof g);
}

int64_t rv32_itimer(const uint64_t *a, bool set) {
    struct itimerval old, new = {0};
    int32_t g[4];
    if (!set) {
        int64_t r = host_syscall(SYS_getitimer, a[0], (uint64_t)&old, 0, 0, 0, 0);
        return r ? r : itimer_out(a[1], &old);
    }
    if (a[1] && copy_in(g, a[1], sizeof g) != 0)
        return -EFAULT;
    if (a[1])
        new = (struct itimerval){{g[0], g[1]}, {g[2], g[3]}};
    int64_t r = host_syscall(SYS_setitimer, a[0], (uint64_t) & new, (uint64_t)&old, 0, 0, 0);
    return r == 0 && a[2] ? itimer_out(a[2], &old) : r;
}

int64_t rv32_timer_create(const uint64_t *a) {
    struct {
        uint32_t value;
        int32_t signo, notify, tid;
    } g;
    struct {
        uint64_t value;
        int32_t signo, notify, tid, rest[11];
    } host = {0};
    if (a[1] == 0)
        return host_syscall(SYS_timer_create, a[0], 0, a[2], 0, 0, 0);
    if (copy_in(&g, a[1], sizeof g) != 0)
        return -EFAULT;
    host.value = g.value;
    host.signo = g.signo;
    host.notify = g.notify;
    host.tid = g.tid;
    return host_syscall(SYS_timer_create, a[0], (uint64_t)&host, a[2], 0, 0, 0);
}

int64_t rv32_waitid(const uint64_t *a) {
    siginfo_t info;
    struct rusage usage;
    uint32_t g[32];
    memset(&info, 0, sizeof info);
    int64_t r = host_syscall_blocking(SYS_waitid, a[0], (uint64_t)(int64_t)(int32_t)a[1], (uint64_t)&info, a[3],
                                      (uint64_t)&usage, 0);
    if (r < 0)
        return r;
    rv32_siginfo(g, &info);
    if (a[2] && copy_out(a[2], g, sizeof g) != 0)
        return -EFAULT;
    return a[4] && info.si_signo ? rusage_out(a[4], &usage) : r;
}

int64_t rv32_pselect(struct task *t, const uint64_t *a) {
    uint32_t g[2] = {0, 0};
    if (a[5] && copy_in(g, a[5], sizeof g) != 0)
        return -EFAULT;
    uint64_t mask[2] = {g[0], g[1]};
    return signals_masked_call(t, g[0], SYS_pselect6, a[0], a[1], a[2], a[3], a[4], a[5] ? (uint64_t)mask : 0);
}
