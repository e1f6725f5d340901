/* rv32.c: the system calls of riscv32.
 *
 * Numbers are those of riscv64, but riscv32 has 64-bit time only: calls with a time_t have numbers of their own, and
 * the old ones mean nothing.  Most calls are the 64-bit ones with zero-extended pointers; what differs is in the
 * switch.  A 64-bit argument takes a pair of registers, low half first.  What is listed nowhere gives ENOSYS.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mmap.h"
#include "paths.h"
#include "rv32.h"
#include "signals.h"
#include "syscalls.h"

/* Calls whose structures, if any, are the same in both ABIs. */
static const uint16_t alike[] = {
    5,   6,   7,   8,   9,   10,  11,  12,  13,  14,  15,  16,  17,  19,  20,  21,  22,  23,  24,  26,  27,  28,  32,
    33,  34,  35,  36,  37,  48,  49,  50,  51,  52,  53,  54,  55,  56,  57,  58,  59,  61,  63,  64,  71,  74,  76,
    77,  78,  81,  82,  83,  85,  90,  91,  92,  93,  94,  96,  97,  98,  109, 111, 116, 118, 119, 120, 121, 122, 123,
    124, 125, 126, 128, 129, 130, 131, 133, 135, 136, 139, 140, 141, 143, 144, 145, 146, 147, 148, 149, 150, 151, 152,
    154, 155, 156, 157, 158, 159, 160, 161, 162, 166, 167, 168, 172, 173, 174, 175, 176, 177, 178, 198, 199, 200, 201,
    202, 203, 204, 205, 206, 207, 208, 209, 210, 214, 215, 216, 220, 221, 226, 227, 228, 229, 230, 231, 232, 233, 242,
    258, 259, 276, 278, 279, 281, 283, 284, 285, 291, 424, 434, 435, 436, 437, 438, 439, 452,
};

/* Numbers of calls with 64-bit time, and the 64-bit ABI's for the same. */
static const uint16_t time64[][2] = {
    {403, 113}, {404, 112}, {405, 266}, {406, 114}, {407, 115}, {408, 108}, {409, 110}, {410, 87},
    {411, 86},  {412, 88},  {414, 73},  {422, 98},  {423, 127}, {441, 441}, {449, 449},
};

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

/* fcntl64: locks have commands of their own, and struct flock64 is the host's struct flock. */
static int64_t call_fcntl(const uint64_t *a) {
    uint64_t command = a[1];
    if (command >= F_GETLK && command <= F_SETLKW)
        return -EINVAL;
    if (command >= 12 && command <= 14)
        command -= 12 - F_GETLK;
    bool pointer = command >= F_GETLK && command <= F_SETLKW;
    return host_syscall_blocking(SYS_fcntl, a[0], command, pointer ? a[2] : (uint64_t)(int64_t)(int32_t)a[2], 0, 0, 0);
}

static int64_t call_path(const uint64_t *a, int64_t (*call)(const char *path, const uint64_t *a)) {
    char guest[PATH_MAX], found[PATH_MAX];
    int64_t r = copy_string(guest, a[0], sizeof guest);
    return r ? r : call(path_resolve(guest, found, true), a);
}

static int64_t statfs_path(const char *path, const uint64_t *a) { return rv32_statfs(path, 0, a[1], a[2]); }
static int64_t truncate_path(const char *path, const uint64_t *a) {
    return host_syscall(SYS_truncate, (uint64_t)path, a[1] | a[2] << 32, 0, 0, 0, 0);
}

static int64_t call_row(struct task *t, uint64_t number, uint64_t *a) {
    const struct syscall_row *row = syscall_row(number);
    for (unsigned i = 0; row->args[i]; i++)
        if (strchr("fAd", row->args[i]))
            a[i] = (uint64_t)(int64_t)(int32_t)a[i];
    if (row->call)
        return row->call(t, a);
    return row->host >= 0 ? syscall_pass(row, a) : -ENOSYS;
}

static int64_t call_listed(struct task *t, uint64_t number, uint64_t *a) {
    for (size_t i = 0; i < sizeof alike / sizeof alike[0]; i++)
        if (alike[i] == number)
            return call_row(t, number, a);
    for (size_t i = 0; i < sizeof time64 / sizeof time64[0]; i++)
        if (time64[i][0] == number)
            return call_row(t, time64[i][1], a);
    return -ENOSYS;
}

int64_t rv32_syscall(struct task *t, uint64_t number, uint64_t *a) {
    switch (number) {
    case 25:
        return call_fcntl(a);
    case 29: /* ioctl: terminals and FIONREAD's kind, whose structures are alike */
        if (a[1] >> 8 != 'T')
            return -ENOTTY;
        return host_syscall_blocking(SYS_ioctl, a[0], a[1], a[2], 0, 0, 0);
    case 43:
        return call_path(a, statfs_path);
    case 44:
        return rv32_statfs(NULL, a[0], a[1], a[2]);
    case 45:
        return call_path(a, truncate_path);
    case 46:
        return host_syscall(SYS_ftruncate, a[0], a[1] | a[2] << 32, 0, 0, 0, 0);
    case 47:
        return host_syscall_blocking(SYS_fallocate, a[0], a[1], a[2] | a[3] << 32, a[4] | a[5] << 32, 0, 0);
    case 62:
        return call_llseek(a);
    case 65:
        return rv32_iovec(SYS_readv, (const uint64_t[]){a[0], a[1], a[2], 0, 0, 0});
    case 66:
        return rv32_iovec(SYS_writev, (const uint64_t[]){a[0], a[1], a[2], 0, 0, 0});
    case 67:
        return host_syscall_blocking(SYS_pread64, a[0], a[1], a[2], a[3] | a[4] << 32, 0, 0);
    case 68:
        return host_syscall_blocking(SYS_pwrite64, a[0], a[1], a[2], a[3] | a[4] << 32, 0, 0);
    case 69:
        return rv32_iovec(SYS_preadv, a);
    case 70:
        return rv32_iovec(SYS_pwritev, a);
    case 84:
        return host_syscall_blocking(SYS_sync_file_range, a[0], a[1] | a[2] << 32, a[3] | a[4] << 32, a[5], 0, 0);
    case 95:
        return rv32_waitid(a);
    case 102:
        return rv32_itimer(a, false);
    case 103:
        return rv32_itimer(a, true);
    case 107:
        return rv32_timer_create(a);
    case 132:
        return rv32_sigaltstack(t, a);
    case 134:
        return rv32_sigaction(t, a);
    case 138:
        return rv32_sigqueueinfo(SYS_rt_sigqueueinfo, a, 2);
    case 153:
        return rv32_times(a[0]);
    case 165:
        return rv32_getrusage(a[0], a[1]);
    case 179:
        return rv32_sysinfo(a[0]);
    case 211:
        return rv32_message(SYS_sendmsg, a);
    case 212:
        return rv32_message(SYS_recvmsg, a);
    case 213:
        return host_syscall_blocking(SYS_readahead, a[0], a[1] | a[2] << 32, a[3], 0, 0, 0);
    case 222: /* mmap2: offset in pages */
        return guest_mmap(a[0], a[1], (int)a[2], (int)a[3], (int)a[4], a[5] * GUEST_PAGE, 0);
    case 223:
        return host_syscall(SYS_fadvise64, a[0], a[1] | a[2] << 32, a[3] | a[4] << 32, a[5], 0, 0);
    case 240:
        return rv32_sigqueueinfo(SYS_rt_tgsigqueueinfo, a, 3);
    case 261:
        return call_prlimit(a);
    case 286:
        return rv32_iovec(SYS_preadv2, a);
    case 287:
        return rv32_iovec(SYS_pwritev2, a);
    case 413:
        return rv32_pselect(t, a);
    case 421:
        return rv32_sigtimedwait(t, a);
    default:
        return call_listed(t, number, a);
    }
}
