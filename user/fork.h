/* fork.h: clone in its two shapes, a thread and a process. */
#ifndef USER_FORK_H
#define USER_FORK_H

#include "user.h"

#define CLONE_INTO_CGROUP_FLAG UINT64_C(0x200000000)

struct clone_request {
    uint64_t flags; /* CLONE_ bits without the exit signal */
    uint64_t exit_signal, stack, parent_tid, child_tid, tls, pidfd;
};

int64_t clone_dispatch(struct task *t, const struct clone_request *c);
int64_t thread_create(struct task *t, const struct clone_request *c);
/* thread.c: a task with a hart of its own, as the clone call asks for it, at the instruction behind; NULL: no memory. */
struct task *task_copy(const struct task *t, const struct clone_request *c);
/* thread.c: starts a detached host thread for t; 0 or an error number. */
int thread_start(struct task *t, void *(*run)(void *), void *arg, size_t stack_size);
/* fork.c: a process with a copy of the memory. */
int64_t fork_process(struct task *t, const struct clone_request *c);
/* vfork.c: a process in the same memory. */
int64_t fork_sharing_memory(struct task *t, const struct clone_request *c);

#endif
