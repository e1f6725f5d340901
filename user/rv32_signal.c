/* rv32_signal.c: signals of 32-bit programs.  Frames as the riscv32 kernel lays them out:
 *
 *      sp      siginfo (128 bytes)
 *      +128    uc_flags, uc_link, uc_stack, uc_sigmask, padding to 1024 bits
 *      +288    pc, x1 ... x31
 *      +416    f0 ... f31, fcsr, padding of the union with the Q extension's state
 */
#include <string.h>
#include <sys/syscall.h>

#include "rv32.h"
#include "signals.h"

struct action32 {
    uint32_t handler, flags;
    uint32_t mask[2];
};
struct stack32 {
    uint32_t sp;
    int32_t flags;
    uint32_t size;
};
struct frame32 {
    uint32_t info[32];
    uint32_t uc_flags, uc_link;
    struct stack32 uc_stack;
    uint32_t uc_sigmask[2];
    uint8_t uc_unused[120];
    uint32_t pad[3];
    uint32_t regs[32];
    uint64_t f[32];
    uint32_t fcsr;
    uint8_t fp_rest[528 - 260];
} __attribute__((aligned(16)));
_Static_assert(offsetof(struct frame32, regs) == 288, "mcontext");
_Static_assert(offsetof(struct frame32, f) == 416, "fp state");

static uint64_t pair(const uint32_t *v) { return v[0] | (uint64_t)v[1] << 32; }

void rv32_siginfo(uint32_t out[32], const siginfo_t *info) {
    memset(out, 0, 32 * sizeof *out);
    out[0] = (uint32_t)info->si_signo;
    out[1] = (uint32_t)info->si_errno;
    out[2] = (uint32_t)info->si_code;
    int sig = info->si_signo;
    bool from_kernel = info->si_code > 0 && info->si_code != SI_KERNEL;
    if (from_kernel && (sig == SIGSEGV || sig == SIGBUS || sig == SIGILL || sig == SIGFPE || sig == SIGTRAP)) {
        out[3] = (uint32_t)(uintptr_t)info->si_addr;
    } else if (from_kernel && sig == SIGCHLD) {
        out[3] = (uint32_t)info->si_pid;
        out[4] = info->si_uid;
        out[5] = (uint32_t)info->si_status;
        out[6] = (uint32_t)info->si_utime;
        out[7] = (uint32_t)info->si_stime;
    } else if (from_kernel && sig == SIGIO) {
        out[3] = (uint32_t)info->si_band;
        out[4] = (uint32_t)info->si_fd;
    } else { /* sender or timer, and a value */
        out[3] = (uint32_t)info->si_pid;
        out[4] = info->si_uid;
        out[5] = (uint32_t)(uintptr_t)info->si_value.sival_ptr;
    }
}

int64_t rv32_sigqueueinfo(long number, const uint64_t *a, unsigned info_at) {
    uint32_t g[32];
    siginfo_t info;
    uint64_t host[4];
    if (copy_in(g, a[info_at], sizeof g) != 0)
        return -EFAULT;
    memset(&info, 0, sizeof info);
    info.si_signo = (int)g[0];
    info.si_errno = (int)g[1];
    info.si_code = (int)g[2];
    info.si_pid = (pid_t)g[3];
    info.si_uid = g[4];
    info.si_value.sival_ptr = (void *)(uint64_t)g[5];
    memcpy(host, a, sizeof host);
    host[info_at] = (uint64_t)&info;
    return host_syscall(number, host[0], host[1], host[2], host[3], 0, 0);
}

/* The calls below give sys_ functions structures of their own in place of the guest's. */
int64_t rv32_sigaction(struct task *t, const uint64_t *a) {
    struct action32 g;
    struct guest_action new, old;
    if (a[1] && copy_in(&g, a[1], sizeof g) != 0)
        return -EFAULT;
    if (a[1])
        new = (struct guest_action){g.handler, g.flags, pair(g.mask)};
    int64_t r = sys_rt_sigaction(
        t, (const uint64_t[]){a[0], a[1] ? (uint64_t) & new : 0, a[2] ? (uint64_t)&old : 0, a[3], 0, 0});
    if (r != 0 || !a[2])
        return r;
    g = (struct action32){(uint32_t)old.handler, (uint32_t)old.flags, {(uint32_t)old.mask, (uint32_t)(old.mask >> 32)}};
    return copy_out(a[2], &g, sizeof g);
}

int64_t rv32_sigaltstack(struct task *t, const uint64_t *a) {
    struct stack32 g;
    struct {
        uint64_t sp;
        int32_t flags, pad;
        uint64_t size;
    } new = {0}, old;
    if (a[0]) {
        if (copy_in(&g, a[0], sizeof g) != 0)
            return -EFAULT;
        new.sp = g.sp;
        new.flags = g.flags;
        new.size = g.size;
    }
    int64_t r =
        sys_sigaltstack(t, (const uint64_t[]){a[0] ? (uint64_t) & new : 0, a[1] ? (uint64_t)&old : 0, 0, 0, 0, 0});
    if (r != 0 || !a[1])
        return r;
    g = (struct stack32){(uint32_t)old.sp, old.flags, (uint32_t)old.size};
    return copy_out(a[1], &g, sizeof g);
}

int64_t rv32_sigtimedwait(struct task *t, const uint64_t *a) {
    siginfo_t info;
    uint32_t g[32];
    int64_t r = sys_rt_sigtimedwait(t, (const uint64_t[]){a[0], (uint64_t)&info, a[2], a[3], 0, 0});
    if (r < 0 || !a[1])
        return r;
    rv32_siginfo(g, &info);
    return copy_out(a[1], g, sizeof g) ? -EFAULT : r;
}

bool rv32_frame_push(struct task *t, const siginfo_t *info, const struct guest_action *action, uint64_t saved_mask) {
    struct hart *h = &t->hart;
    uint64_t sp = (uint32_t)h->x[2];
    bool on = frame_on_altstack(t, sp);
    if ((action->flags & SA_ONSTACK) && !on && t->altstack.size)
        sp = t->altstack.sp + t->altstack.size;
    sp = (sp - sizeof(struct frame32)) & 0xfffffff0u;
    if (on && !frame_on_altstack(t, sp))
        return false;
    struct frame32 frame;
    memset(&frame, 0, sizeof frame);
    rv32_siginfo(frame.info, info);
    frame.uc_stack = (struct stack32){(uint32_t)t->altstack.sp,
                                      t->altstack.size == 0 ? SS_DISABLE
                                      : on                  ? SS_ONSTACK
                                                            : 0,
                                      (uint32_t)t->altstack.size};
    frame.uc_sigmask[0] = (uint32_t)saved_mask;
    frame.uc_sigmask[1] = (uint32_t)(saved_mask >> 32);
    frame.regs[0] = (uint32_t)h->pc;
    for (int i = 1; i < 32; i++)
        frame.regs[i] = (uint32_t)h->x[i];
    memcpy(frame.f, h->f, sizeof frame.f);
    frame.fcsr = hart_get_fcsr(h);
    if (copy_out(sp, &frame, sizeof frame) != 0)
        return false;
    h->x[1] = (uint64_t)(int32_t)process.sigreturn;
    h->x[2] = (uint64_t)(int32_t)sp;
    h->x[10] = (uint64_t)info->si_signo;
    h->x[11] = (uint64_t)(int32_t)(sp + offsetof(struct frame32, info));
    h->x[12] = (uint64_t)(int32_t)(sp + offsetof(struct frame32, uc_flags));
    h->pc = action->handler;
    return true;
}

bool rv32_frame_pop(struct task *t, uint64_t *mask) {
    struct hart *h = &t->hart;
    struct frame32 frame;
    if (copy_in(&frame, (uint32_t)h->x[2], sizeof frame) != 0)
        return false;
    h->pc = frame.regs[0] & ~1u;
    for (int i = 1; i < 32; i++)
        h->x[i] = (uint64_t)(int32_t)frame.regs[i];
    memcpy(h->f, frame.f, sizeof frame.f);
    hart_set_fcsr(h, frame.fcsr & 0xff);
    h->res_valid = 0;
    *mask = pair(frame.uc_sigmask);
    return true;
}
