/* signal_frame.c: signal frames laid out as the riscv64 kernel's (arch/riscv/kernel/signal.c, asm/ucontext.h,
 * asm/sigcontext.h, asm/ptrace.h):
 *
 *      sp      siginfo (128 bytes)
 *      +128    uc_flags, uc_link, uc_stack, uc_sigmask, padding to 1024 bits
 *      +304    pc, x1 ... x31
 *      +560    f0 ... f31, fcsr, padding of the union with the Q extension's state
 */
#include <string.h>

#include "signals.h"

struct guest_stack {
    uint64_t sp;
    int32_t flags, pad;
    uint64_t size;
};

struct guest_frame {
    uint8_t info[128];
    uint64_t uc_flags, uc_link;
    struct guest_stack uc_stack;
    uint64_t uc_sigmask;
    uint8_t uc_unused[120];
    uint64_t pad;
    uint64_t regs[32];
    uint64_t f[32];
    uint32_t fcsr;
    uint8_t fp_rest[528 - 260];
} __attribute__((aligned(16)));

_Static_assert(offsetof(struct guest_frame, regs) == 304, "mcontext");
_Static_assert(offsetof(struct guest_frame, f) == 560, "fp state");
_Static_assert(sizeof(struct guest_frame) == 1088, "frame");

bool frame_on_altstack(const struct task *t, uint64_t sp) {
    return t->altstack.size && sp > t->altstack.sp && sp - t->altstack.sp <= t->altstack.size;
}

bool frame_push(struct task *t, const siginfo_t *info, const struct guest_action *action, uint64_t saved_mask) {
    struct hart *h = &t->hart;
    uint64_t sp = h->x[2];
    bool on = frame_on_altstack(t, sp);
    if ((action->flags & SA_ONSTACK) && !on && t->altstack.size)
        sp = t->altstack.sp + t->altstack.size;
    sp = (sp - sizeof(struct guest_frame)) & ~UINT64_C(15);
    if (on && !frame_on_altstack(t, sp))
        return false;
    struct guest_frame frame;
    memset(&frame, 0, sizeof frame);
    memcpy(frame.info, info, sizeof frame.info);
    frame.uc_stack = (struct guest_stack){.sp = t->altstack.sp,
                                          .flags = (t->altstack.size == 0 ? SS_DISABLE
                                                    : on                  ? SS_ONSTACK
                                                                          : 0) |
                                                   (t->altstack.flags & GUEST_SS_AUTODISARM),
                                          .size = t->altstack.size};
    frame.uc_sigmask = saved_mask;
    frame.regs[0] = h->pc;
    memcpy(&frame.regs[1], &h->x[1], 31 * sizeof h->x[0]);
    memcpy(frame.f, h->f, sizeof frame.f);
    frame.fcsr = hart_get_fcsr(h);
    if (copy_out(sp, &frame, sizeof frame) != 0)
        return false;
    if (t->altstack.flags & GUEST_SS_AUTODISARM)
        t->altstack = (struct alt_stack){0};
    h->x[1] = process.sigreturn;
    h->x[2] = sp;
    h->x[10] = (uint64_t)info->si_signo;
    h->x[11] = sp + offsetof(struct guest_frame, info);
    h->x[12] = sp + offsetof(struct guest_frame, uc_flags);
    h->pc = action->handler;
    return true;
}

bool frame_pop(struct task *t, uint64_t *mask) {
    struct hart *h = &t->hart;
    struct guest_frame frame;
    if (copy_in(&frame, h->x[2], sizeof frame) != 0)
        return false;
    h->pc = frame.regs[0] & ~UINT64_C(1);
    memcpy(&h->x[1], &frame.regs[1], 31 * sizeof h->x[0]);
    memcpy(h->f, frame.f, sizeof frame.f);
    hart_set_fcsr(h, frame.fcsr & 0xff);
    h->res_valid = 0;
    *mask = frame.uc_sigmask;
    if (!frame_on_altstack(t, h->x[2])) {
        bool off = frame.uc_stack.flags & SS_DISABLE;
        t->altstack = (struct alt_stack){off ? 0 : frame.uc_stack.sp, frame.uc_stack.flags & GUEST_SS_AUTODISARM,
                                         off ? 0 : frame.uc_stack.size};
    }
    return true;
}
