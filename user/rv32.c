/* rv32.c: the system calls that RV32 programs need most, with their 32-bit pointers and structures.
 *
 * riscv32 has 64-bit time everywhere.  A 64-bit argument takes a pair of registers, low half first.  What is not in the
 * switch gives ENOSYS; there are no signal handlers, threads or processes.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "mmap.h"
#include "paths.h"
#include "syscalls.h"

#define IOV_COUNT_MAX 1024

/* struct iovec of a 32-bit program */
struct iovec32 {
    uint32_t base, size;
};

static int64_t call_iovec(long number, const uint64_t *a) {
    struct iovec32 in;
    struct iovec iov[IOV_COUNT_MAX];
    if (a[2] > IOV_COUNT_MAX)
        return -EINVAL;
    for (uint64_t i = 0; i < a[2]; i++) {
        if (copy_in(&in, a[1] + i * sizeof in, sizeof in) != 0)
            return -EFAULT;
        iov[i] = (struct iovec){(void *)(uint64_t)in.base, in.size};
    }
    return host_syscall_blocking(number, a[0], (uint64_t)iov, a[2], 0, 0, 0);
}

static int64_t call_prlimit(const uint64_t *a) {
    uint64_t old[2];
    if (a[2]) /* struct rlimit64 has the same layout */
        return host_syscall(SYS_prlimit64, a[0], a[1], a[2], a[3], 0, 0);
    int64_t r = host_syscall(SYS_prlimit64, a[0], a[1], 0, (uint64_t)old, 0, 0);
    return r == 0 && a[3] ? copy_out(a[3], old, sizeof old) : r;
}

static int64_t call_llseek(const uint64_t *a) {
    int64_t offset = (int64_t)(a[1] << 32 | a[2]);
    int64_t r = lseek((int)a[0], offset, (int)a[4]);
    return r < 0 ? -errno : copy_out(a[3], &r, sizeof r);
}

int64_t rv32_syscall(struct task *t, uint64_t number, const uint64_t *args) {
    uint64_t a[6];
    for (int i = 0; i < 6; i++)
        a[i] = (uint32_t)args[i];
    /* Calls that take the host's structures: plain values, or layouts without long and pointers. */
    switch (number) {
    case 17:    /* getcwd */
    case 23:    /* dup */
    case 34:    /* mkdirat */
    case 35:    /* unlinkat */
    case 48:    /* faccessat */
    case 49:    /* chdir */
    case 59:    /* pipe2 */
    case 61:    /* getdents64 */
    case 63:    /* read */
    case 64:    /* write */
    case 82:    /* fsync */
    case 83:    /* fdatasync */
    case 124:   /* sched_yield */
    case 166:   /* umask */
    case 172:   /* getpid */
    case 173:   /* getppid */
    case 174:   /* getuid */
    case 175:   /* geteuid */
    case 176:   /* getgid */
    case 177:   /* getegid */
    case 178:   /* gettid */
    case 278:   /* getrandom */
    case 291:   /* statx */
    case 439: { /* faccessat2 */
        const struct syscall_row *row = syscall_row(number);
        char guest[PATH_MAX], found[PATH_MAX];
        for (unsigned i = 0; row->args[i]; i++) {
            if (row->args[i] == 'A' || row->args[i] == 'f') {
                a[i] = (uint64_t)(int64_t)(int32_t)a[i];
            } else if (strchr("PLN", row->args[i]) && a[i]) {
                int64_t r = copy_string(guest, a[i], sizeof guest);
                if (r)
                    return r;
                a[i] = (uint64_t)path_resolve(guest, found, row->args[i] != 'L');
            }
        }
        return row->wait ? host_syscall_blocking(row->host, a[0], a[1], a[2], a[3], a[4], a[5])
                         : host_syscall(row->host, a[0], a[1], a[2], a[3], a[4], a[5]);
    }
    case 56:
        a[0] = (uint64_t)(int64_t)(int32_t)a[0];
        return sys_openat(t, a);
    case 57:
        return sys_close(t, a);
    case 24:
        return sys_dup3(t, a);
    case 25: /* fcntl64 without locks, whose structure differs */
        if (a[1] == F_GETLK || a[1] == F_SETLK || a[1] == F_SETLKW)
            return -EINVAL;
        return host_syscall(SYS_fcntl, a[0], a[1], a[2], 0, 0, 0);
    case 29: /* ioctl: terminals only, whose structures are alike */
        if (a[1] >> 8 != 'T')
            return -ENOTTY;
        return host_syscall_blocking(SYS_ioctl, a[0], a[1], a[2], 0, 0, 0);
    case 62:
        return call_llseek(a);
    case 65:
        return call_iovec(SYS_readv, a);
    case 66:
        return call_iovec(SYS_writev, a);
    case 78:
        a[0] = (uint64_t)(int64_t)(int32_t)a[0];
        return sys_readlinkat(t, a);
    case 93:
        return sys_exit(t, a);
    case 94:
        return sys_exit_group(t, a);
    case 96:
        return sys_set_tid_address(t, a);
    case 160:
        return sys_uname(t, a);
    case 214:
        return guest_brk(a[0]);
    case 215:
        return guest_munmap(a[0], a[1]);
    case 216:
        return guest_mremap(a[0], a[1], a[2], (int)a[3], a[4]);
    case 222: /* mmap2: offset in pages */
        return guest_mmap(a[0], a[1], (int)a[2], (int)a[3], (int)a[4], a[5] * GUEST_PAGE, 0);
    case 226:
        return guest_mprotect(a[0], a[1], (int)a[2]);
    case 233:
        return guest_madvise(a[0], a[1], (int)a[2]);
    case 258:
        return sys_riscv_hwprobe(t, a);
    case 259:
        return sys_riscv_flush_icache(t, a);
    case 261:
        return call_prlimit(a);
    case 403: /* clock_gettime64: struct timespec is the host's */
        a[0] = (uint64_t)(int64_t)(int32_t)a[0];
        return sys_clock_gettime(t, a);
    case 406:
        return host_syscall(SYS_clock_getres, (uint64_t)(int64_t)(int32_t)a[0], a[1], 0, 0, 0, 0);
    case 407:
        return host_syscall_blocking(SYS_clock_nanosleep, a[0], a[1], a[2], a[3], 0, 0);
    case 422:
        return host_syscall_blocking(SYS_futex, a[0], a[1], a[2], a[3], a[4], a[5]);
    default:
        return -ENOSYS;
    }
}
