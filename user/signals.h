/* signals.h: the guest's signals.
 *
 * The guest's mask is mirrored in the host's, so that the host kernel keeps blocked signals pending; the exceptions are
 * those that faults raise, which stay unblocked.  The host handler takes a signal into the task's queue, blocks all
 * others and kicks the hart; signals_deliver turns it into a frame on the guest's stack.
 */
#ifndef USER_SIGNALS_H
#define USER_SIGNALS_H

#include "user.h"

#define SIGNAL_BIT(sig) (UINT64_C(1) << ((sig)-1))
#define GUEST_SS_AUTODISARM INT32_MIN /* 1 << 31 */
#define GUEST_SIG_DFL 0u
#define GUEST_SIG_IGN 1u

/* Takes over the host's dispositions and mask; t is the main thread's task. */
void signals_init(struct task *t);
/* Gives the calling thread its alternate stack for host signals. */
void signals_thread_init(struct task *t, void *stack, size_t size);
void signals_thread_exit(void);
/* Delivers what waits.  interrupted: a system call at hart.pc was interrupted and is to fail with EINTR unless the
 * handler has SA_RESTART. */
void signals_deliver(struct task *t, bool interrupted);
/* The guest's own fault: its handler is entered, or the process dies. */
void signals_trap(struct task *t);
void signals_force(struct task *t, int sig, int code, uint64_t addr);
_Noreturn void signals_die(int sig);
/* Blocks all host signals; signals_restore sets them by the task's mask again. */
void signals_block_all(void);
void signals_restore(struct task *t);
/* For execve: what the guest ignores is ignored by the host as well; undone where execve fails. */
void signals_before_exec(struct task *t);
void signals_after_failed_exec(struct task *t);
/* After the C library has made a thread: the first time, it handles signals itself that the guest's has use for. */
void signals_take_back(struct task *t);
/* For CLONE_CLEAR_SIGHAND: what has a handler gets the default. */
void signals_clear_handlers(struct task *t);
/* Around fork. */
void signals_lock(void);
void signals_unlock(void);

int64_t sys_rt_sigaction(struct task *t, const uint64_t *a);
int64_t sys_rt_sigprocmask(struct task *t, const uint64_t *a);
int64_t sys_rt_sigsuspend(struct task *t, const uint64_t *a);
int64_t sys_rt_sigreturn(struct task *t, const uint64_t *a);
int64_t sys_rt_sigpending(struct task *t, const uint64_t *a);
int64_t sys_rt_sigtimedwait(struct task *t, const uint64_t *a);
int64_t sys_sigaltstack(struct task *t, const uint64_t *a);
/* A system call that replaces the mask while it waits: mask is the guest's pointer or 0. */
int64_t signals_masked_call(struct task *t, uint64_t mask, long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                            uint64_t e, uint64_t f);

/* signal_frame.c: false where the stack cannot be written or the frame cannot be read. */
bool frame_push(struct task *t, const siginfo_t *info, const struct guest_action *action, uint64_t saved_mask);
bool frame_pop(struct task *t, uint64_t *mask);
bool frame_on_altstack(const struct task *t, uint64_t sp);

#endif
