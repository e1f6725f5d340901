/* thread.c: clone as a thread: each guest thread is a host thread with a hart of its own.
 *
 * clear_child_tid is done here and not by the kernel, as the C library needs the kernel's for its own bookkeeping of
 * detached threads.  Robust lists are registered with the kernel by the guest's set_robust_list.
 */
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "signals.h"
#include "syscalls.h"
#include "thread.h"
#include "fork.h"

#define THREAD_STACK (256u << 10)
#define THREAD_FLAGS (CLONE_VM | CLONE_THREAD | CLONE_SIGHAND)

struct start {
    struct task *task;
    const struct clone_request *args;
    pid_t tid;
    sem_t ready;
};

static void *thread_main(void *arg) {
    struct start *s = arg;
    struct task *t = s->task;
    uint8_t altstack[HOST_ALTSTACK];
    t->tid = (pid_t)syscall(SYS_gettid);
    task_current = t;
    signals_thread_init(t, altstack, sizeof altstack);
    if (s->args->flags & CLONE_PARENT_SETTID)
        copy_out(s->args->parent_tid, &t->tid, sizeof t->tid);
    if (s->args->flags & CLONE_CHILD_SETTID)
        copy_out(s->args->child_tid, &t->tid, sizeof t->tid);
    s->tid = t->tid;
    sem_post(&s->ready); /* s is gone from here on */
    signals_restore(t);
    task_run(t);
    thread_finish(t);
    return NULL;
}

struct task *task_copy(const struct task *t, const struct clone_request *c) {
    struct task *child = malloc(sizeof *child);
    if (!child)
        return NULL;
    memcpy(child, t, sizeof *child);
    struct hart *h = &child->hart;
    child->clear_tid = c->flags & CLONE_CHILD_CLEARTID ? c->child_tid : 0;
    child->main = child->suspended = false;
    child->altstack = (struct alt_stack){0};
    child->queued = 0;
    child->signal_waiting = 0;
    child->exec_argv = child->exec_env = NULL;
    h->pc += 4;
    h->x[10] = 0;
    h->pending = 0;
    h->res_valid = 0;
    if (c->stack)
        h->x[2] = c->stack;
    if (c->flags & CLONE_SETTLS)
        h->x[4] = c->tls;
    if (!engine_hart_init(process.engine, h)) {
        free(child);
        return NULL;
    }
    return child;
}

int thread_start(struct task *t, void *(*run)(void *), void *arg, size_t stack_size) {
    pthread_attr_t attr;
    pthread_t thread;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, stack_size);
    int error = pthread_create(&thread, &attr, run, arg);
    pthread_attr_destroy(&attr);
    signals_take_back(t);
    return error;
}

int64_t thread_create(struct task *t, const struct clone_request *c) {
    struct task *child = task_copy(t, c);
    if (!child)
        return -ENOMEM;
    struct start s = {.task = child, .args = c};
    sem_init(&s.ready, 0, 0);
    signals_block_all();
    atomic_fetch_add(&t->group->threads, 1);
    int error = thread_start(t, thread_main, &s, THREAD_STACK);
    int64_t r = -error;
    if (error == 0) {
        while (sem_wait(&s.ready) != 0) {
        }
        r = s.tid; /* child may have ended and be gone */
    } else {
        atomic_fetch_sub(&t->group->threads, 1);
        engine_hart_exit(&child->hart);
        free(child);
    }
    sem_destroy(&s.ready);
    signals_restore(t);
    return r;
}

static void clear_child_tid(struct task *t) {
    const uint32_t zero = 0;
    if (t->clear_tid && copy_out(t->clear_tid, &zero, sizeof zero) == 0)
        syscall(SYS_futex, t->clear_tid, FUTEX_WAKE, 1, NULL, NULL, 0);
}

void thread_finish(struct task *t) {
    signals_block_all();
    bool last = atomic_fetch_sub(&t->group->threads, 1) == 1;
    if (last)
        process_finish();
    bool leader = t->main;
    int status = t->exit_status;
    engine_hart_exit(&t->hart);
    if (!process.rv32)
        robust_list_exit(t);
    clear_child_tid(t);
    /* The last thread's status is the process's when it is the leader; else the leader has left its own. */
    if (leader || last)
        syscall(SYS_exit, status);
    task_current = NULL;
    signals_thread_exit();
    free(t);
}

int64_t sys_exit(struct task *t, const uint64_t *a) {
    t->exiting = true;
    t->exit_status = (int)a[0] & 0xff;
    return NO_RESULT;
}

int64_t sys_exit_group(struct task *t, const uint64_t *a) {
    process_finish();
    syscall(SYS_exit_group, (int)a[0]);
    return NO_RESULT;
}

int64_t sys_set_tid_address(struct task *t, const uint64_t *a) {
    t->clear_tid = a[0];
    return t->tid;
}

/* RISC-V's order of arguments: flags, stack, parent_tid, tls, child_tid. */
int64_t sys_clone(struct task *t, const uint64_t *a) {
    struct clone_request c = {
        .flags = a[0] & ~UINT64_C(0xff),
        .exit_signal = a[0] & 0xff,
        .stack = a[1],
        .parent_tid = a[2],
        .pidfd = a[2],
        .tls = a[3],
        .child_tid = a[4],
    };
    return clone_dispatch(t, &c);
}

/* struct clone_args of include/uapi/linux/sched.h */
int64_t sys_clone3(struct task *t, const uint64_t *a) {
    uint64_t raw[11] = {0}; /* flags pidfd child_tid parent_tid exit_signal stack stack_size tls set_tid n cgroup */
    if (a[1] < 64 || a[1] > sizeof raw)
        return a[1] < 64 ? -EINVAL : -E2BIG;
    if (copy_in(raw, a[0], a[1]) != 0)
        return -EFAULT;
    if (raw[9] || (raw[0] & (CLONE_INTO_CGROUP_FLAG | CLONE_DETACHED | CSIGNAL)) || raw[4] & ~(uint64_t)CSIGNAL ||
        (raw[5] == 0) != (raw[6] == 0))
        return raw[9] ? -EPERM : -EINVAL;
    struct clone_request c = {
        .flags = raw[0],
        .exit_signal = raw[4],
        .stack = raw[5] + raw[6],
        .parent_tid = raw[3],
        .pidfd = raw[1],
        .tls = raw[7],
        .child_tid = raw[2],
    };
    return clone_dispatch(t, &c);
}

int64_t clone_dispatch(struct task *t, const struct clone_request *c) {
    if ((c->flags & THREAD_FLAGS) == THREAD_FLAGS)
        return thread_create(t, c);
    if (c->flags & (CLONE_THREAD | CLONE_SIGHAND)) /* shared handlers without being threads: not supported */
        return -EINVAL;
    return c->flags & CLONE_VM ? fork_sharing_memory(t, c) : fork_process(t, c);
}
