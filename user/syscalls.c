/* syscalls.c: the table of system calls and its dispatch.
 *
 * Guest pointers are host pointers and most structures are laid out alike, so most calls go to the host as they are.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "paths.h"
#include "signals.h"
#include "syscalls.h"
#include "vma.h"

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

static const struct syscall_row rows[] = {
#define PASS(number, id, letters) [number] = {.name = #id, .args = letters, .host = SYS_##id},
#define WAIT(number, id, letters) [number] = {.name = #id, .args = letters, .host = SYS_##id, .wait = true},
#define NONE(number, id) [number] = {.name = #id, .args = "xxxxxx", .host = -1},
#define CALL(number, id, letters, function) [number] = {.name = #id, .args = letters, .call = function},
#include "syscalls.def"
#undef PASS
#undef WAIT
#undef NONE
#undef CALL
};

const struct syscall_row *syscall_row(uint64_t number) {
    return number < sizeof rows / sizeof rows[0] && rows[number].name ? &rows[number] : NULL;
}

#define IOV_PREPARE_MAX 1024

/* False: one of the buffers is not the guest's. */
static bool prepare_iovec(uint64_t at, uint64_t count, bool written) {
    struct iovec iov;
    for (uint64_t i = 0; i < count && i < IOV_PREPARE_MAX && copy_in(&iov, at + i * sizeof iov, sizeof iov) == 0; i++) {
        if (is_foreign((uint64_t)iov.iov_base))
            return false;
        if (written)
            watch_prepare_write((uint64_t)iov.iov_base, iov.iov_len);
    }
    return true;
}

static bool prepare_message(uint64_t at, bool written) {
    struct msghdr m;
    return copy_in(&m, at, sizeof m) != 0 ||
           (!is_foreign((uint64_t)m.msg_name) && !is_foreign((uint64_t)m.msg_control) &&
            !is_foreign((uint64_t)m.msg_iov) && prepare_iovec((uint64_t)m.msg_iov, m.msg_iovlen, written));
}

/* What the kernel says of addresses at which nothing is mapped, for those where riv's own memory may be. */
static int64_t refuse_foreign(const struct syscall_row *row, const uint64_t *a) {
    if ((a[0] | a[1] | a[2] | a[3] | a[4] | a[5]) < process.address_limit)
        return 0;
    for (unsigned i = 0; row->args[i]; i++)
        if (is_foreign(a[i]) && strchr("prwvhVHsPLNCR", row->args[i]))
            return row->args[i] == 'R' ? -ENOMEM : -EFAULT;
    return 0;
}

/* Does what the row's letters ask for before the host is called.  path holds what was looked up. */
static int64_t prepare(const struct syscall_row *row, uint64_t *a, char path[2][PATH_MAX]) {
    unsigned paths = 0;
    for (unsigned i = 0; row->args[i]; i++) {
        char letter = row->args[i];
        switch (letter) {
        case 'w':
            watch_prepare_write(a[i], a[i + 1]);
            break;
        case 'v':
        case 'V':
            if (!prepare_iovec(a[i], a[i + 1], letter == 'v'))
                return -EFAULT;
            break;
        case 'h':
        case 'H':
            if (!prepare_message(a[i], letter == 'h'))
                return -EFAULT;
            break;
        case 'P':
        case 'L':
        case 'N':
        case 'C': {
            char guest[PATH_MAX];
            if (a[i] == 0)
                break; /* some calls take none; the others say EFAULT */
            int64_t r = copy_string(guest, a[i], sizeof guest);
            if (r != 0)
                return r;
            const char *flags = letter == 'N' ? strchr(row->args, 'n') : NULL;
            bool follow = letter == 'P' || (flags && !(a[flags - row->args] & AT_SYMLINK_NOFOLLOW));
            int dirfd = i > 0 && row->args[i - 1] == 'A' ? (int)a[i - 1] : AT_FDCWD;
            unsigned how = (follow ? PATH_FOLLOW : 0) | (letter == 'C' ? PATH_CREATE : 0);
            const char *found = path_resolve_at(dirfd, guest, path[paths], how);
            if (found == process.exe)
                found = strcpy(path[paths], process.exe);
            if (found != guest)
                a[i] = (uint64_t)path[paths++];
            break;
        }
        default:
            break;
        }
    }
    return 0;
}

int64_t syscall_pass(const struct syscall_row *row, const uint64_t *args) {
    uint64_t a[6];
    char path[2][PATH_MAX];
    memcpy(a, args, sizeof a);
    int64_t r = prepare(row, a, path);
    if (r != 0)
        return r;
    return row->wait ? host_syscall_blocking(row->host, a[0], a[1], a[2], a[3], a[4], a[5])
                     : host_syscall(row->host, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static int64_t call_row(struct task *t, const struct syscall_row *row, uint64_t *a) {
    if (!row)
        return -ENOSYS;
    int64_t r = refuse_foreign(row, a);
    if (r != 0)
        return r;
    if (row->call)
        return row->call(t, a);
    return row->host >= 0 ? syscall_pass(row, a) : -ENOSYS;
}

void syscall_dispatch(struct task *t) {
    struct hart *h = &t->hart;
    uint64_t number = h->x[17];
    const struct syscall_row *row = syscall_row(number);
    uint64_t a[6];
    memcpy(a, &h->x[10], sizeof a);
    for (unsigned i = 0; process.rv32 && i < 6; i++)
        a[i] = (uint32_t)a[i];
    bool strace = process.config->strace;
    if (strace)
        strace_before(t, number, row, a);
    int64_t r = process.rv32 ? rv32_syscall(t, number, a) : call_row(t, row, a);
    if (strace && r != RESTART_NOT_STARTED)
        strace_after(t, number, row, a, r);
    switch (r) {
    case NO_RESULT:
    case RESTART_NOT_STARTED:
        break;
    case RESTART_INTERRUPTED:
        signals_deliver(t, true);
        break;
    default:
        h->x[10] = process.rv32 ? (uint64_t)(int64_t)(int32_t)r : (uint64_t)r;
        h->pc += 4;
    }
}
