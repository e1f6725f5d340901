/* Processes in their parent's memory: vfork, posix_spawn, clone with CLONE_VM, clone3. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

extern char **environ;
static volatile int shared, stop;
static char directory[4096];

static int finish(pid_t pid) {
    int status = -1;
    while (waitpid(pid, &status, 0) < 0)
        CHECK_EQ(errno, EINTR);
    return status;
}

static void on_usr1(int sig) { shared += 100; }

static void test_vfork(void) {
    signal(SIGUSR1, on_usr1);
    pid_t parent = getpid();
    pid_t pid = vfork();
    if (pid == 0) {
        shared = getpid() != parent ? 7 : -1;
        signal(SIGUSR1, SIG_IGN); /* the child's own */
        chdir("/");
        char *argv[] = {"x", NULL};
        execve("/nonexistent/program", argv, environ);
        shared += errno == ENOENT;
        _exit(3);
    }
    CHECK_EQ(WEXITSTATUS(finish(pid)), 3);
    CHECK_EQ(shared, 8);
    raise(SIGUSR1);
    CHECK_EQ(shared, 108);
    char now[4096];
    CHECK(getcwd(now, sizeof now) && strcmp(now, directory) == 0);
    pid = vfork();
    if (pid == 0) {
        shared = 1;
        raise(SIGKILL);
    }
    CHECK_EQ(finish(pid), SIGKILL);
    CHECK_EQ(shared, 1);
    printf("vfork\n");
    fflush(stdout);
}

static void test_spawn(char *self) {
    char *argv[] = {self, "child", NULL};
    pid_t pid = 0;
    CHECK_EQ(posix_spawn(&pid, "/nonexistent/program", NULL, NULL, argv, environ), ENOENT);
    CHECK_EQ(posix_spawn(&pid, "/", NULL, NULL, argv, environ), EACCES);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigdefault(&attributes, &set);
    posix_spawnattr_setsigmask(&attributes, &set);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 5, "/dev/null", O_RDONLY, 0);
    CHECK_EQ(posix_spawn(&pid, self, &actions, &attributes, argv, environ), 0);
    CHECK_EQ(WEXITSTATUS(finish(pid)), 21);
    posix_spawn_file_actions_addopen(&actions, 6, "/nonexistent", O_RDONLY, 0);
    CHECK_EQ(posix_spawn(&pid, self, &actions, &attributes, argv, environ), ENOENT);
    posix_spawn_file_actions_destroy(&actions);
    shared = 0;
    raise(SIGUSR1); /* the parent's handler stands */
    CHECK_EQ(shared, 100);
    printf("spawn\n");
    fflush(stdout);
}

static int child_main(void) {
    sigset_t set;
    sigprocmask(SIG_BLOCK, NULL, &set);
    return sigismember(&set, SIGUSR1) == 1 && fcntl(5, F_GETFD) == 0 ? 21 : 22;
}

static int in_clone(void *arg) {
    *(volatile int *)arg = getpid();
    while (!stop)
        sched_yield();
    shared++;
    return 4;
}

static void test_clone(void) {
    static char stack[65536] __attribute__((aligned(16)));
    static volatile int seen, tid;
    stop = shared = 0;
    int parent_tid = 0;
    pid_t pid = clone(in_clone, stack + sizeof stack, CLONE_VM | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD,
                      (void *)&seen, &parent_tid, NULL, &tid);
    CHECK(pid > 0);
    CHECK_EQ(parent_tid, pid);
    while (seen != pid)
        sched_yield();
    tid = pid; /* wakes and clears when the child ends */
    stop = 1;
    while (tid)
        syscall(SYS_futex, &tid, FUTEX_WAIT, pid, NULL, NULL, 0);
    CHECK_EQ(WEXITSTATUS(finish(pid)), 4);
    CHECK_EQ(shared, 1);

    struct clone_args args = {.flags = CLONE_PIDFD, .exit_signal = SIGCHLD};
    int pidfd = -1;
    args.pidfd = (uint64_t)(uintptr_t)&pidfd;
    pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0)
        _exit(shared++ + 10);
    CHECK(pid > 0 && pidfd >= 0);
    CHECK_EQ(fcntl(pidfd, F_GETFD), FD_CLOEXEC);
    siginfo_t info;
    CHECK_EQ(waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED), 0);
    CHECK_EQ(info.si_status, 11);
    CHECK_EQ(shared, 1); /* a copy counted */
    close(pidfd);

    args = (struct clone_args){.flags = CLONE_THREAD};
    CHECK(syscall(SYS_clone3, &args, sizeof args) == -1 && errno == EINVAL);
    args = (struct clone_args){.flags = SIGCHLD};
    CHECK(syscall(SYS_clone3, &args, sizeof args) == -1 && errno == EINVAL);
    args = (struct clone_args){.stack = 4096};
    CHECK(syscall(SYS_clone3, &args, sizeof args) == -1 && errno == EINVAL);
    printf("clone\n");
    fflush(stdout);
}

static void *spawner(void *arg) {
    long sum = 0;
    for (int i = 0; i < 25; i++) {
        volatile int mine = 0;
        pid_t pid = vfork();
        if (pid == 0) {
            for (int j = 0; j <= i; j++)
                mine += j;
            _exit(i);
        }
        CHECK_EQ(WEXITSTATUS(finish(pid)), i);
        sum += mine;
    }
    return (void *)sum;
}

static void *busy(void *arg) {
    while (!stop)
        free(malloc(1000));
    return NULL;
}

static void test_threads(void) {
    pthread_t spawners[3], worker;
    stop = 0;
    pthread_create(&worker, NULL, busy, NULL);
    for (int i = 0; i < 3; i++)
        pthread_create(&spawners[i], NULL, spawner, NULL);
    for (int i = 0; i < 3; i++) {
        void *sum;
        pthread_join(spawners[i], &sum);
        CHECK_EQ((long)sum, 2600);
    }
    stop = 1;
    pthread_join(worker, NULL);
    printf("threads\n");
}

int main(int argc, char **argv) {
    if (argc > 1)
        return child_main();
    CHECK(getcwd(directory, sizeof directory));
    test_vfork();
    test_spawn(argv[0]);
    test_clone();
    test_threads();
    return 0;
}
