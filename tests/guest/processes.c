/* fork, vfork, exec of itself, posix_spawn, wait in its forms, death by signal as the parent sees it, fork with
 * threads. */
// args: start
// status: 42
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <unistd.h>

extern char **environ;
static volatile int stop;

static void *busy(void *arg) {
    while (!stop)
        free(malloc(100));
    return NULL;
}

static int finish(pid_t pid) {
    int status = 0;
    if (waitpid(pid, &status, 0) != pid)
        return -1;
    return status;
}

static int crash(int how) {
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        if (how == SIGSEGV)
            *(volatile int *)16 = 1;
        else if (how == SIGABRT)
            abort();
        else if (how == SIGTRAP)
            raise(SIGTRAP);
        else
            kill(getpid(), how);
        _exit(1);
    }
    int status = finish(pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : -1;
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 1 && strcmp(argv[1], "child") == 0) {
        printf("child: argc %d, argv0 %s, X=%s\n", argc, argv[0], getenv("X") ? getenv("X") : "-");
        return argc;
    }
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n < 0)
        return 1;
    self[n] = 0;
    pid_t pid = fork();
    if (pid == 0)
        _exit(7);
    printf("fork: %d\n", WEXITSTATUS(finish(pid)));
    pid = fork();
    if (pid == 0) {
        char *args[] = {"name", "child", "a b", "", NULL}, *env[] = {"X=1", NULL};
        execve(self, args, env);
        _exit(99);
    }
    printf("exec: %d\n", WEXITSTATUS(finish(pid)));
    pid = vfork();
    if (pid == 0) {
        execl(self, "vforked", "child", (char *)NULL);
        _exit(99);
    }
    printf("vfork: %d\n", WEXITSTATUS(finish(pid)));
    char *args[] = {"spawned", "child", NULL};
    int r = posix_spawn(&pid, self, NULL, NULL, args, environ);
    printf("posix_spawn: %d %d\n", r, WEXITSTATUS(finish(pid)));
    int fd = open(self, O_RDONLY | O_CLOEXEC);
    pid = fork();
    if (pid == 0) {
        char *fargs[] = {"by fd", "child", NULL};
        fexecve(fd, fargs, environ);
        _exit(99);
    }
    printf("fexecve: %d\n", WEXITSTATUS(finish(pid)));

    char *bad[] = {"x", NULL};
    r = execv("/nonexistent/file", bad);
    printf("exec of nothing: %d %d\n", r, errno == ENOENT);
    r = execv("/", bad);
    printf("exec of a directory: %d %d\n", r, errno == EACCES);
    char script[] = "/tmp/riv-test-script-XXXXXX";
    fd = mkstemp(script);
    dprintf(fd, "#!%s child\n", self);
    r = execv(script, bad);
    printf("exec without permission: %d %d\n", r, errno == EACCES);
    fchmod(fd, 0700);
    close(fd);
    pid = fork();
    if (pid == 0) {
        close(1); /* its argv has the name of a temporary file in it */
        open("/dev/null", O_WRONLY);
        char *sargs[] = {"ignored", "one", "two", NULL};
        execv(script, sargs);
        _exit(99);
    }
    printf("script: %d\n", WEXITSTATUS(finish(pid)));
    fd = open(script, O_WRONLY | O_TRUNC);
    close(fd);
    r = execv(script, bad);
    printf("exec of an empty file: %d %d\n", r, errno == ENOEXEC);
    unlink(script);

    printf("deaths: %d %d %d %d %d\n", crash(SIGSEGV) == SIGSEGV, crash(SIGABRT) == SIGABRT, crash(SIGTRAP) == SIGTRAP,
           crash(SIGTERM) == SIGTERM, crash(SIGKILL) == SIGKILL);
    pid = fork();
    if (pid == 0) {
        raise(SIGSTOP);
        _exit(3);
    }
    int status;
    waitpid(pid, &status, WUNTRACED);
    printf("stopped: %d\n", WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    kill(pid, SIGCONT);
    siginfo_t info;
    waitid(P_PID, (id_t)pid, &info, WEXITED);
    printf("continued: %d %d\n", info.si_code == CLD_EXITED, info.si_status);

    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, busy, NULL);
    int good = 0;
    for (int i = 0; i < 50; i++) {
        pid = fork();
        if (pid == 0) {
            free(malloc(1000));
            _exit(5);
        }
        good += WEXITSTATUS(finish(pid)) == 5;
    }
    stop = 1;
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    printf("forks beside threads: %d\n", good);
    return 42;
}
