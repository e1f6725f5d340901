/* signals.c: dispositions, masks and delivery.
 *
 *      host handler:    queue <- siginfo; signal_waiting = 1; all host signals blocked; engine_kick; out of
 * safe_syscall signals_deliver: queue -> frame on the guest's stack; host mask = guest mask again
 *
 * So at most one asynchronous signal waits in the queue, and the kernel keeps the others.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "signals.h"
#include "vma.h"

#define SA_RESTORER_HOST 0x04000000ul
#define GUEST_SA_FLAGS                                                                                                 \
    ((uint64_t)(SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER) |                     \
     (uint64_t)SA_RESETHAND)
/* What faults raise: never blocked on the host. */
#define FAULT_SIGNALS                                                                                                  \
    (SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGTRAP))
#define LIBC_SIGNALS 32 /* first of those that C libraries keep for cancellation and setuid */
#define UNBLOCKABLE (SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP))
#define IGNORED_BY_DEFAULT (SIGNAL_BIT(SIGCHLD) | SIGNAL_BIT(SIGURG) | SIGNAL_BIT(SIGWINCH) | SIGNAL_BIT(SIGCONT))
#define STOPS_BY_DEFAULT (SIGNAL_BIT(SIGTSTP) | SIGNAL_BIT(SIGTTIN) | SIGNAL_BIT(SIGTTOU))

/* The host kernel's struct sigaction. */
struct host_action {
    uintptr_t handler;
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

extern void signal_restorer(void);

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

void signals_lock(void) { pthread_mutex_lock(&mutex); }
void signals_unlock(void) { pthread_mutex_unlock(&mutex); }

static void host_set_mask(uint64_t mask) { syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, 8); }
static uint64_t host_mask(uint64_t guest) { return guest & ~FAULT_SIGNALS; }
static bool is_fault_signal(int sig) { return FAULT_SIGNALS & SIGNAL_BIT(sig); }

void signals_block_all(void) { host_set_mask(~FAULT_SIGNALS); }
void signals_restore(struct task *t) { host_set_mask(host_mask(t->mask)); }

/* Not the guest's doing: riv itself is broken. */
static _Noreturn void die_of_own_fault(int sig, const siginfo_t *info, const ucontext_t *uc) {
    char text[200];
    const struct task *t = task_current;
    int n = snprintf(text, sizeof text, "riv: internal error: signal %d at host pc %#llx, address %p, guest pc %#llx\n",
                     sig, (unsigned long long)uc->uc_mcontext.gregs[REG_RIP], info->si_addr,
                     t ? (unsigned long long)t->hart.pc : 0ull);
    ssize_t ignored = write(STDERR_FILENO, text, (size_t)n);
    (void)ignored;
    struct host_action dfl = {0};
    syscall(SYS_rt_sigaction, sig, &dfl, NULL, 8);
    host_set_mask(0);
    syscall(SYS_tgkill, getpid(), (pid_t)syscall(SYS_gettid), sig);
    _exit(128 + sig);
}

static void host_fault(int sig, siginfo_t *info, void *context) {
    if (sig == SIGSEGV && info->si_code == SEGV_ACCERR && watch_write_fault((uint64_t)info->si_addr))
        return;
    if (guest_copy_fault(context) || (task_current && engine_host_fault(&task_current->hart, sig, info, context)))
        return;
    die_of_own_fault(sig, info, context);
}

static bool is_queued(const struct task *t, int sig) {
    for (unsigned i = 0; i < t->queued; i++)
        if (t->queue[i].si_signo == sig)
            return true;
    return false;
}

static void host_handler(int sig, siginfo_t *info, void *context) {
    struct task *t = task_current;
    ucontext_t *uc = context;
    int saved_errno = errno;
    if (is_fault_signal(sig) && info->si_code > 0) {
        host_fault(sig, info, context);
    } else if (t && is_fault_signal(sig) && (t->mask & SIGNAL_BIT(sig)) && !t->suspended) {
        if (!is_queued(t, sig) && t->queued < SIGNAL_QUEUE) /* pending, as the host keeps it for others */
            t->queue[t->queued++] = *info;
    } else if (t && t->queued < SIGNAL_QUEUE) {
        t->queue[t->queued++] = *info;
        __atomic_store_n(&t->signal_waiting, 1, __ATOMIC_RELEASE);
        uint64_t blocked = ~FAULT_SIGNALS;
        memcpy(&uc->uc_sigmask, &blocked, sizeof blocked);
        engine_kick(&t->hart);
        safe_syscall_interrupt(uc);
    }
    errno = saved_errno;
}

static void host_install(int sig, const struct guest_action *action) {
    struct host_action host = {.flags = SA_RESTORER_HOST | (action->flags & (SA_NOCLDSTOP | SA_NOCLDWAIT)),
                               .restorer = signal_restorer};
    if (is_fault_signal(sig)) {
        host.handler = (uintptr_t)host_handler;
        host.flags |= SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    } else if (action->handler == GUEST_SIG_IGN) {
        host.handler = (uintptr_t)SIG_IGN;
    } else if (action->handler != GUEST_SIG_DFL) {
        host.handler = (uintptr_t)host_handler;
        host.flags |= SA_SIGINFO | SA_ONSTACK | SA_RESTART;
        host.mask = ~FAULT_SIGNALS;
    }
    syscall(SYS_rt_sigaction, sig, &host, NULL, 8);
}

void signals_init(struct task *t) {
    for (int sig = 1; sig <= SIGNALS; sig++) {
        struct host_action host;
        if (syscall(SYS_rt_sigaction, sig, NULL, &host, 8) == 0 && host.handler == (uintptr_t)SIG_IGN)
            t->group->action[sig].handler = GUEST_SIG_IGN;
        if (is_fault_signal(sig))
            host_install(sig, &t->group->action[sig]);
    }
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &t->mask, 8);
    signals_restore(t);
}

void signals_thread_init(struct task *t, void *stack, size_t size) {
    stack_t ss = {.ss_sp = stack, .ss_size = size};
    sigaltstack(&ss, NULL);
    t->host_altstack = stack;
}

void signals_thread_exit(void) {
    stack_t ss = {.ss_flags = SS_DISABLE};
    sigaltstack(&ss, NULL);
}

void signals_die(int sig) {
    process_finish();
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none); /* a core of riv would say nothing about the guest */
    struct host_action dfl = {.flags = SA_RESTORER_HOST, .restorer = signal_restorer};
    signals_block_all();
    syscall(SYS_rt_sigaction, sig, &dfl, NULL, 8);
    syscall(SYS_tgkill, getpid(), (pid_t)syscall(SYS_gettid), sig);
    host_set_mask(~SIGNAL_BIT(sig));
    _exit(128 + sig);
}

/* Enters the handler of info's signal; false: the frame could not be written. */
static bool enter_handler(struct task *t, const siginfo_t *info, const struct guest_action *action, uint64_t current) {
    int sig = info->si_signo;
    if (!frame_push(t, info, action, t->mask))
        return false;
    current |= action->mask;
    if (!(action->flags & SA_NODEFER))
        current |= SIGNAL_BIT(sig);
    t->mask = current & ~UNBLOCKABLE;
    t->suspended = false;
    return true;
}

static struct guest_action take_action(struct task *t, int sig) {
    signals_lock();
    struct guest_action action = t->group->action[sig];
    if (action.handler > GUEST_SIG_IGN && (action.flags & (uint64_t)SA_RESETHAND)) {
        t->group->action[sig].handler = GUEST_SIG_DFL;
        host_install(sig, &t->group->action[sig]);
    }
    signals_unlock();
    return action;
}

static void force(struct task *t, const siginfo_t *info) {
    int sig = info->si_signo;
    struct guest_action action = take_action(t, sig);
    if (action.handler <= GUEST_SIG_IGN || (t->mask & SIGNAL_BIT(sig)) || process.rv32)
        signals_die(sig);
    if (!enter_handler(t, info, &action, t->mask)) {
        if (sig == SIGSEGV)
            signals_die(SIGSEGV);
        signals_force(t, SIGSEGV, SI_KERNEL, 0);
    }
    signals_restore(t);
}

void signals_force(struct task *t, int sig, int code, uint64_t addr) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    info.si_signo = sig;
    info.si_code = code;
    info.si_addr = (void *)addr;
    force(t, &info);
}

void signals_trap(struct task *t) {
    const struct trap *trap = &t->hart.trap;
    uint64_t pc = t->hart.pc;
    switch (trap->cause) {
    case TRAP_ILLEGAL:
        signals_force(t, SIGILL, ILL_ILLOPC, pc);
        break;
    case TRAP_BREAKPOINT:
        signals_force(t, SIGTRAP, TRAP_BRKPT, pc);
        break;
    case TRAP_FETCH_MISALIGNED:
    case TRAP_LOAD_MISALIGNED:
    case TRAP_STORE_MISALIGNED:
        signals_force(t, SIGBUS, BUS_ADRALN, trap->tval);
        break;
    default:
        if (trap->host_signal == SIGBUS) {
            signals_force(t, SIGBUS, trap->host_code, trap->tval);
        } else {
            vma_lock();
            bool mapped = vma_find(trap->tval) != NULL;
            vma_unlock();
            signals_force(t, SIGSEGV, mapped ? SEGV_ACCERR : SEGV_MAPERR, trap->tval);
        }
    }
}

/* Removes the first queued signal that is not blocked. */
static bool dequeue(struct task *t, uint64_t blocked, siginfo_t *info) {
    for (unsigned i = 0; i < t->queued; i++) {
        if (blocked & SIGNAL_BIT(t->queue[i].si_signo))
            continue;
        *info = t->queue[i];
        memmove(&t->queue[i], &t->queue[i + 1], (--t->queued - i) * sizeof *info);
        return true;
    }
    return false;
}

void signals_deliver(struct task *t, bool interrupted) {
    uint64_t everything = ~UINT64_C(0);
    siginfo_t info;
    host_set_mask(
        everything); /* nothing guest-visible is touched below except through guest_copy, one frame at a time */
    t->signal_waiting = 0;
    for (;;) {
        uint64_t current = t->suspended ? t->suspend_mask : t->mask;
        if (!dequeue(t, current, &info))
            break;
        struct guest_action action = take_action(t, info.si_signo);
        uint64_t bit = SIGNAL_BIT(info.si_signo);
        if (action.handler == GUEST_SIG_IGN || (action.handler == GUEST_SIG_DFL && (IGNORED_BY_DEFAULT & bit)))
            continue;
        if (action.handler == GUEST_SIG_DFL) {
            if (!(STOPS_BY_DEFAULT & bit))
                signals_die(info.si_signo);
            kill(getpid(), SIGSTOP);
            continue;
        }
        if (interrupted && !(action.flags & SA_RESTART)) {
            t->hart.x[10] = (uint64_t)-EINTR;
            t->hart.pc += 4;
        }
        interrupted = false;
        signals_block_all(); /* the frame may lie on a watched page */
        if (!enter_handler(t, &info, &action, current))
            signals_force(t, SIGSEGV, SI_KERNEL, 0);
        host_set_mask(everything);
    }
    t->suspended = false;
    signals_restore(t);
}

int64_t sys_rt_sigaction(struct task *t, const uint64_t *a) {
    int sig = (int)a[0];
    struct guest_action action = {0}, old;
    if (sig < 1 || sig > SIGNALS || a[3] != 8)
        return -EINVAL;
    if (a[1] && copy_in(&action, a[1], sizeof action) != 0)
        return -EFAULT;
    if (a[1] && (UNBLOCKABLE & SIGNAL_BIT(sig)))
        return -EINVAL;
    signals_lock();
    old = t->group->action[sig];
    if (a[1]) {
        action.flags &= GUEST_SA_FLAGS;
        action.mask &= ~UNBLOCKABLE;
        t->group->action[sig] = action;
        host_install(sig, &action);
    }
    signals_unlock();
    return a[2] ? copy_out(a[2], &old, sizeof old) : 0;
}

static bool any_queued(const struct task *t, uint64_t blocked) {
    for (unsigned i = 0; i < t->queued; i++)
        if (!(blocked & SIGNAL_BIT(t->queue[i].si_signo)))
            return true;
    return false;
}

/* Sets the mask without losing a signal that has just been taken. */
static int64_t set_mask(struct task *t, uint64_t mask) {
    uint64_t host = host_mask(mask);
    long r = safe_syscall(&t->signal_waiting, SYS_rt_sigprocmask, SIG_SETMASK, (uint64_t)&host, 0, 8, 0, 0);
    if (r == RESTART_INTERRUPTED)
        r = RESTART_NOT_STARTED;
    if (r != 0)
        return r;
    t->mask = mask;
    if (any_queued(t, mask)) /* a fault signal that was sent while blocked */
        t->signal_waiting = 1;
    return 0;
}

int64_t sys_rt_sigprocmask(struct task *t, const uint64_t *a) {
    uint64_t set = 0, old = t->mask, mask = old;
    if (a[3] != 8)
        return -EINVAL;
    if (a[1]) {
        if (copy_in(&set, a[1], sizeof set) != 0)
            return -EFAULT;
        switch (a[0]) {
        case SIG_BLOCK:
            mask |= set;
            break;
        case SIG_UNBLOCK:
            mask &= ~set;
            break;
        case SIG_SETMASK:
            mask = set;
            break;
        default:
            return -EINVAL;
        }
        int64_t r = set_mask(t, mask & ~UNBLOCKABLE);
        if (r != 0)
            return r;
    }
    return a[2] ? copy_out(a[2], &old, sizeof old) : 0;
}

/* The host's answer, and signals of faults that riv itself keeps. */
int64_t sys_rt_sigpending(struct task *t, const uint64_t *a) {
    uint64_t set = 0;
    if (a[1] > sizeof set)
        return -EINVAL;
    int64_t r = host_syscall(SYS_rt_sigpending, (uint64_t)&set, sizeof set, 0, 0, 0, 0);
    for (unsigned i = 0; i < t->queued; i++)
        set |= SIGNAL_BIT(t->queue[i].si_signo) & t->mask;
    return r ? r : copy_out(a[0], &set, a[1]);
}

int64_t sys_rt_sigtimedwait(struct task *t, const uint64_t *a) {
    uint64_t set;
    siginfo_t info;
    if (a[3] == sizeof set && copy_in(&set, a[0], sizeof set) == 0 && t->queued) {
        signals_block_all(); /* the queue is the handler's, too */
        bool taken = dequeue(t, ~(set & FAULT_SIGNALS), &info);
        signals_restore(t);
        if (taken)
            return a[1] && copy_out(a[1], &info, sizeof info) != 0 ? -EFAULT : info.si_signo;
    }
    return host_syscall_blocking(SYS_rt_sigtimedwait, a[0], a[1], a[2], a[3], 0, 0);
}

int64_t signals_masked_call(struct task *t, uint64_t mask, long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                            uint64_t e, uint64_t f) {
    if (mask) {
        uint64_t set;
        if (copy_in(&set, mask, sizeof set) != 0)
            return -EFAULT;
        t->suspend_mask = set & ~UNBLOCKABLE;
        t->suspended = true;
        if (any_queued(t, t->suspend_mask))
            t->signal_waiting = 1;
    }
    int64_t r = host_syscall_blocking(number, a, b, c, d, e, f);
    if (r != -EINTR && r != RESTART_INTERRUPTED)
        t->suspended = false;
    return r;
}

int64_t sys_rt_sigsuspend(struct task *t, const uint64_t *a) {
    if (a[1] != 8)
        return -EINVAL;
    int64_t r = signals_masked_call(t, a[0], SYS_rt_sigsuspend, a[0], 8, 0, 0, 0, 0);
    return r == RESTART_INTERRUPTED ? -EINTR : r;
}

int64_t sys_rt_sigreturn(struct task *t, const uint64_t *a) {
    uint64_t mask;
    if (!frame_pop(t, &mask)) {
        signals_force(t, SIGSEGV, SI_KERNEL, 0);
        return NO_RESULT;
    }
    t->mask = mask & ~UNBLOCKABLE;
    if (any_queued(t, t->mask))
        t->signal_waiting = 1;
    else
        signals_restore(t); /* else signals_deliver does, after what waits */
    return NO_RESULT;
}

int64_t sys_sigaltstack(struct task *t, const uint64_t *a) {
    struct {
        uint64_t sp;
        int32_t flags, pad;
        uint64_t size;
    } set, old = {.sp = t->altstack.sp, .size = t->altstack.size};
    bool on = frame_on_altstack(t, t->hart.x[2]);
    old.flags = (t->altstack.size == 0 ? SS_DISABLE : on ? SS_ONSTACK : 0) | t->altstack.flags;
    if (a[0]) {
        if (copy_in(&set, a[0], sizeof set) != 0)
            return -EFAULT;
        int32_t mode = set.flags & ~GUEST_SS_AUTODISARM;
        if (on)
            return -EPERM;
        if (mode != 0 && mode != SS_DISABLE && mode != SS_ONSTACK)
            return -EINVAL;
        if (mode == SS_DISABLE)
            t->altstack = (struct alt_stack){.flags = set.flags & GUEST_SS_AUTODISARM};
        else if (set.size < 2048)
            return -ENOMEM;
        else
            t->altstack = (struct alt_stack){set.sp, set.flags & GUEST_SS_AUTODISARM, set.size};
    }
    return a[1] ? copy_out(a[1], &old, sizeof old) : 0;
}

void signals_take_back(struct task *t) {
    static _Atomic bool done;
    if (atomic_exchange(&done, true))
        return;
    signals_lock();
    for (int sig = LIBC_SIGNALS; sig < SIGRTMIN; sig++)
        host_install(sig, &t->group->action[sig]);
    signals_unlock();
}

void signals_clear_handlers(struct task *t) {
    signals_lock();
    for (int sig = 1; sig <= SIGNALS; sig++) {
        struct guest_action *action = &t->group->action[sig];
        if (action->handler == GUEST_SIG_DFL || action->handler == GUEST_SIG_IGN)
            continue;
        *action = (struct guest_action){0};
        host_install(sig, action);
    }
    signals_unlock();
}

void signals_before_exec(struct task *t) {
    signals_lock();
    for (int sig = 1; sig <= SIGNALS; sig++) {
        struct host_action ign = {.handler = (uintptr_t)SIG_IGN};
        if (is_fault_signal(sig) && t->group->action[sig].handler == GUEST_SIG_IGN)
            syscall(SYS_rt_sigaction, sig, &ign, NULL, 8);
    }
    signals_unlock(); /* not held across execve: after vfork, the parent needs it */
    host_set_mask(t->mask);
}

void signals_after_failed_exec(struct task *t) {
    signals_lock();
    for (int sig = 1; sig <= SIGNALS; sig++)
        if (is_fault_signal(sig))
            host_install(sig, &t->group->action[sig]);
    signals_unlock();
    signals_restore(t);
}
