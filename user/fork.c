/* fork.c: new processes.
 *
 * All locks are held across the fork, so that none is left locked in the child by a thread that is not there.
 */
#include <fcntl.h>
#include <linux/sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fork.h"
#include "signals.h"
#include "vma.h"

/* What the C library's fork does as well; anything beyond goes to the kernel directly. */
#define PLAIN_FLAGS                                                                                                    \
    ((uint64_t)(CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | CLONE_PARENT_SETTID | CLONE_SETTLS | CLONE_VFORK |         \
                CLONE_VM | CLONE_CLEAR_SIGHAND))
#define OWN_FD_MIN 900

static pid_t fork_host(const struct clone_request *c) {
    if ((c->flags & ~PLAIN_FLAGS) == 0 && c->exit_signal == SIGCHLD)
        return fork();
    uint64_t flags = (c->flags & ~(PLAIN_FLAGS | CLONE_IO)) | c->exit_signal;
    return (pid_t)syscall(SYS_clone, flags, 0, flags & CLONE_PIDFD ? c->pidfd : 0, 0, 0);
}

/* A pipe whose write end closes when the child executes a program or exits. */
static bool vfork_pipe(int fds[2]) {
    int low[2];
    if (pipe2(low, O_CLOEXEC) != 0)
        return false;
    for (int i = 0; i < 2; i++) {
        fds[i] = fcntl(low[i], F_DUPFD_CLOEXEC, OWN_FD_MIN);
        if (fds[i] < 0)
            fds[i] = low[i];
        else
            close(low[i]);
    }
    return true;
}

static int64_t in_child(struct task *t, const struct clone_request *c) {
    t->tid = (pid_t)syscall(SYS_gettid);
    t->main = true;
    t->queued = 0;
    t->signal_waiting = 0;
    t->clear_tid = c->flags & CLONE_CHILD_CLEARTID ? c->child_tid : 0;
    atomic_store(&process.threads, 1);
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
    int fds[2] = {-1, -1};
    bool vfork = c->flags & CLONE_VFORK;
    if (vfork && !vfork_pipe(fds))
        return -errno;
    signals_block_all();
    if (t->signal_waiting) { /* or the child would lose it */
        if (vfork) {
            close(fds[0]);
            close(fds[1]);
        }
        return RESTART_NOT_STARTED;
    }
    engine_fork_prepare(process.engine);
    vma_lock();
    signals_lock();
    pid_t pid = fork_host(c);
    int error = errno;
    signals_unlock();
    vma_unlock();
    if (pid == 0) {
        engine_fork_child(process.engine, &t->hart);
        if (vfork)
            close(fds[0]);
        return in_child(t, c);
    }
    engine_fork_parent(process.engine);
    if (pid > 0 && (c->flags & CLONE_PARENT_SETTID))
        copy_out(c->parent_tid, &pid, sizeof pid);
    if (vfork) {
        char byte;
        close(fds[1]);
        while (pid > 0 && read(fds[0], &byte, 1) < 0 && errno == EINTR) {
        }
        close(fds[0]);
    }
    signals_restore(t);
    return pid > 0 ? pid : -error;
}
