/* syscalls_process.c: identity, time and limits of the process. */
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <time.h>

#include "syscalls.h"

int64_t sys_uname(struct task *t, const uint64_t *a) {
    struct utsname u;
    if (uname(&u) != 0)
        return -errno;
    memset(u.machine, 0, sizeof u.machine);
    strcpy(u.machine, process.rv32 ? "riscv32" : "riscv64");
    return copy_out(a[0], &u, sizeof u);
}

/* Through the host's vDSO: much faster than a system call. */
int64_t sys_clock_gettime(struct task *t, const uint64_t *a) {
    struct timespec now;
    if (clock_gettime((clockid_t)a[0], &now) != 0)
        return -errno;
    return copy_out(a[1], &now, sizeof now);
}

int64_t sys_gettimeofday(struct task *t, const uint64_t *a) {
    struct timeval now;
    if (a[1])
        return host_syscall(SYS_gettimeofday, a[0], a[1], 0, 0, 0, 0);
    gettimeofday(&now, NULL);
    return a[0] ? copy_out(a[0], &now, sizeof now) : 0;
}

/* Only what a handler-less interruption would lead to; ours end with EINTR or start anew. */
int64_t sys_restart_syscall(struct task *t, const uint64_t *a) { return -EINTR; }

int64_t sys_prctl(struct task *t, const uint64_t *a) {
    switch ((int)a[0]) {
    case PR_SET_PDEATHSIG:
    case PR_GET_PDEATHSIG:
    case PR_GET_DUMPABLE:
    case PR_SET_DUMPABLE:
    case PR_GET_KEEPCAPS:
    case PR_SET_KEEPCAPS:
    case PR_SET_NAME:
    case PR_GET_NAME:
    case PR_GET_TIMING:
    case PR_CAPBSET_READ:
    case PR_CAPBSET_DROP:
    case PR_GET_SECUREBITS:
    case PR_SET_SECUREBITS:
    case PR_SET_TIMERSLACK:
    case PR_GET_TIMERSLACK:
    case PR_SET_PTRACER:
    case PR_SET_CHILD_SUBREAPER:
    case PR_GET_CHILD_SUBREAPER:
    case PR_SET_NO_NEW_PRIVS:
    case PR_GET_NO_NEW_PRIVS:
    case PR_GET_TID_ADDRESS:
    case PR_SET_THP_DISABLE:
    case PR_GET_THP_DISABLE:
    case PR_CAP_AMBIENT:
    case PR_SET_VMA:
        return host_syscall(SYS_prctl, a[0], a[1], a[2], a[3], a[4], 0);
    default: /* seccomp filters and the like would act on riv's own calls */
        return -EINVAL;
    }
}
