/* fork.c: new processes.
 *
 * All locks are held across the fork, so that none is left locked in the child by a thread that is not there.
 */
#include <linux/sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fork.h"
#include "signals.h"
#include "vma.h"

/* What the C library's fork does as well; anything beyond goes to the kernel directly. */
#define PLAIN_FLAGS                                                                                                    \
    ((uint64_t)(CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | CLONE_PARENT_SETTID | CLONE_SETTLS | CLONE_PIDFD |         \
                CLONE_CLEAR_SIGHAND))

static pid_t fork_host(const struct clone_request *c) {
    if ((c->flags & ~PLAIN_FLAGS) == 0 && c->exit_signal == SIGCHLD)
        return fork();
    uint64_t flags = (c->flags & ~(PLAIN_FLAGS | CLONE_IO)) | (c->flags & CLONE_VFORK) | c->exit_signal;
    return (pid_t)syscall(SYS_clone, flags, 0, 0, 0, 0);
}

/* The guest does not know the child yet, so nobody waits for it and its number still means it. */
static void put_pidfd(const struct clone_request *c, pid_t pid) {
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    copy_out(c->pidfd, &fd, sizeof fd);
}

static int64_t in_child(struct task *t, const struct clone_request *c) {
    t->tid = (pid_t)syscall(SYS_gettid);
    t->main = true;
    t->queued = 0;
    t->signal_waiting = 0;
    t->clear_tid = c->flags & CLONE_CHILD_CLEARTID ? c->child_tid : 0;
    atomic_store(&t->group->threads, 1);
    t->group->shares_memory = false;
    if (c->flags & CLONE_CLEAR_SIGHAND)
        signals_clear_handlers(t);
    if (c->flags & CLONE_CHILD_SETTID)
        copy_out(c->child_tid, &t->tid, sizeof t->tid);
    if (c->stack)
        t->hart.x[2] = c->stack;
    if (c->flags & CLONE_SETTLS)
        t->hart.x[4] = c->tls;
    signals_restore(t);
    return 0;
}

int64_t fork_process(struct task *t, const struct clone_request *c) {
    signals_block_all();
    if (t->signal_waiting) /* or the child would lose it */
        return RESTART_NOT_STARTED;
    engine_fork_prepare(process.engine);
    vma_lock();
    signals_lock();
    pid_t pid = fork_host(c);
    int error = errno;
    signals_unlock();
    vma_unlock();
    if (pid == 0) {
        engine_fork_child(process.engine, &t->hart);
        return in_child(t, c);
    }
    engine_fork_parent(process.engine);
    if (pid > 0 && (c->flags & CLONE_PARENT_SETTID))
        copy_out(c->parent_tid, &pid, sizeof pid);
    if (pid > 0 && (c->flags & CLONE_PIDFD))
        put_pidfd(c, pid);
    signals_restore(t);
    return pid > 0 ? pid : -error;
}
