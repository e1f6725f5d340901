/* syscalls_event.c: waiting for descriptors, with a signal mask for the time being. */
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

#include "signals.h"
#include "syscalls.h"

/* struct epoll_event is packed on x86-64 only. */
struct guest_epoll_event {
    uint32_t events, pad;
    uint64_t data;
};

#define EVENTS_MAX 256 /* at a time; the kernel may return fewer than asked for */

int64_t sys_epoll_ctl(struct task *t, const uint64_t *a) {
    struct guest_epoll_event g;
    struct epoll_event e;
    if (a[1] == EPOLL_CTL_DEL)
        return host_syscall(SYS_epoll_ctl, a[0], a[1], a[2], (uint64_t)&e, 0, 0);
    if (copy_in(&g, a[3], sizeof g) != 0)
        return -EFAULT;
    e.events = g.events;
    e.data.u64 = g.data;
    return host_syscall(SYS_epoll_ctl, a[0], a[1], a[2], (uint64_t)&e, 0, 0);
}

static int64_t wait_events(struct task *t, long number, const uint64_t *a) {
    struct epoll_event e[EVENTS_MAX];
    struct guest_epoll_event g[EVENTS_MAX];
    int32_t max = (int32_t)a[2];
    if (max <= 0)
        return -EINVAL;
    if (max > EVENTS_MAX)
        max = EVENTS_MAX;
    int64_t n = signals_masked_call(t, a[4], number, a[0], (uint64_t)e, (uint64_t)max, a[3], a[4], a[5]);
    for (int64_t i = 0; i < n; i++)
        g[i] = (struct guest_epoll_event){.events = e[i].events, .data = e[i].data.u64};
    return n > 0 && copy_out(a[1], g, (size_t)n * sizeof g[0]) != 0 ? -EFAULT : n;
}

int64_t sys_epoll_pwait(struct task *t, const uint64_t *a) { return wait_events(t, SYS_epoll_pwait, a); }
int64_t sys_epoll_pwait2(struct task *t, const uint64_t *a) { return wait_events(t, SYS_epoll_pwait2, a); }

int64_t sys_ppoll(struct task *t, const uint64_t *a) {
    return signals_masked_call(t, a[3], SYS_ppoll, a[0], a[1], a[2], a[3], a[4], 0);
}

int64_t sys_pselect6(struct task *t, const uint64_t *a) {
    uint64_t mask[2] = {0, 0};
    if (a[5] && copy_in(mask, a[5], sizeof mask) != 0)
        return -EFAULT;
    return signals_masked_call(t, mask[0], SYS_pselect6, a[0], a[1], a[2], a[3], a[4], a[5]);
}
