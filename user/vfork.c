/* vfork.c: processes that share their parent's memory: vfork, posix_spawn, clone with CLONE_VM.
 *
 * The child is a host process in this address space, with a task, a hart and a host stack of its own.  It runs on the
 * thread-local storage of the host thread that made it, which waits meanwhile: the guest's own thread for vfork, else a
 * helper thread that does nothing but wait.
 *
 *      guest thread   clone(CLONE_VFORK) ........ waits ........ goes on
 *                          \                                   /
 *      child                 task_run ... execve or exit ------
 */
#include <linux/sched.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fork.h"
#include "signals.h"
#include "thread.h"

#define CHILD_STACK (256u << 10)
#define HELPER_STACK (64u << 10)
/* What the kernel does; the rest concerns the guest's registers. */
#define HOST_FLAGS(flags)                                                                                              \
    ((flags) & ~(uint64_t)(CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CLEAR_SIGHAND))

/* What the guest's thread waits for; on its stack. */
struct start {
    const struct clone_request *request;
    sem_t done; /* the child exists or could not be made: nothing of this is used any more */
    int64_t result;
};

struct launch {
    struct start *start;
    struct task *child;
    char *stack;
    uint64_t flags; /* for the host, with the exit signal */
    pid_t *pidfd, *child_tid;
};

static int child_main(void *arg) {
    struct launch *l = arg;
    struct task *t = l->child;
    const struct clone_request *c = l->start->request;
    uint8_t altstack[HOST_ALTSTACK];
    task_current = t;
    t->tid = (pid_t)syscall(SYS_gettid);
    signals_thread_init(t, altstack, sizeof altstack);
    if (c->flags & CLONE_PARENT_SETTID)
        copy_out(c->parent_tid, &t->tid, sizeof t->tid);
    if (c->flags & CLONE_CHILD_SETTID)
        copy_out(c->child_tid, &t->tid, sizeof t->tid);
    if (c->flags & CLONE_CLEAR_SIGHAND)
        signals_clear_handlers(t);
    l->start->result = t->tid;
    sem_post(&l->start->done);
    signals_restore(t);
    task_run(t);
    thread_finish(t);
    return 0; /* not reached */
}

static struct group *group_copy(const struct task *t) {
    struct group *g = malloc(sizeof *g);
    if (!g)
        return NULL;
    signals_lock();
    *g = (struct group){.threads = 1, .shares_memory = true, .cwd_in_sysroot = t->group->cwd_in_sysroot};
    memcpy(g->action, t->group->action, sizeof g->action);
    signals_unlock();
    return g;
}

/* Frees what the child has left; also of a child that was not made. */
static void launch_free(struct launch *l) {
    struct task *child = l->child;
    if (l->stack)
        munmap(l->stack, CHILD_STACK);
    if (child) {
        unsigned threads = child->hart.engine ? 1 : 0; /* it has not exited: killed, or another program now */
        if (child->hart.engine)
            engine_hart_exit(&child->hart);
        if (child->group && atomic_load(&child->group->threads) <= threads)
            free(child->group); /* else threads of the child's live on */
        free(child->exec_argv);
        free(child->exec_env);
        free(child);
    }
    free(l);
}

static struct launch *launch_create(struct task *t, struct start *s) {
    const struct clone_request *c = s->request;
    struct launch *l = malloc(sizeof *l);
    if (!l)
        return NULL;
    *l = (struct launch){.start = s,
                         .flags = HOST_FLAGS(c->flags) | CLONE_VFORK | c->exit_signal,
                         .pidfd = (pid_t *)c->pidfd,
                         .child_tid = (pid_t *)c->child_tid};
    void *stack = mmap(NULL, CHILD_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    l->stack = stack == MAP_FAILED ? NULL : stack;
    struct group *group = group_copy(t);
    if (!l->stack || !group || mprotect(l->stack, GUEST_PAGE, PROT_NONE) != 0 || !(l->child = task_copy(t, c))) {
        free(group);
        launch_free(l);
        return NULL;
    }
    l->child->group = group;
    l->child->main = true;
    l->child->clear_tid = 0; /* the kernel does that, also where the child executes a program */
    return l;
}

/* Makes the child, waits until it needs this memory no more, and frees l. */
static void launch_run(struct launch *l) {
    struct task *self = task_current;
    pid_t pid = clone(child_main, l->stack + CHILD_STACK, (int)l->flags, l, l->pidfd, NULL, l->child_tid);
    int error = errno;
    task_current = self;
    if (pid < 0) {
        l->start->result = -error;
        sem_post(&l->start->done);
    }
    launch_free(l);
}

static void *helper_main(void *arg) {
    launch_run(arg);
    return NULL;
}

int64_t fork_sharing_memory(struct task *t, const struct clone_request *c) {
    struct start s = {.request = c};
    signals_block_all();
    if (t->signal_waiting)
        return RESTART_NOT_STARTED;
    struct launch *l = launch_create(t, &s);
    if (!l) {
        signals_restore(t);
        return -ENOMEM;
    }
    sem_init(&s.done, 0, 0);
    int error = 0;
    if (c->flags & CLONE_VFORK)
        launch_run(l);
    else if ((error = thread_start(t, helper_main, l, HELPER_STACK)) != 0)
        launch_free(l);
    if (error == 0) {
        while (sem_wait(&s.done) != 0) {
        }
    }
    sem_destroy(&s.done);
    signals_restore(t);
    return error ? -error : s.result;
}
