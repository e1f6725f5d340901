/* Alternate stacks, masks, nesting, SA_RESTART, SA_RESETHAND, SA_NODEFER, alarms in a tight loop, sigsuspend, queues.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static char stack[65536];
static volatile int on_stack, depth, deepest, count, order[8], ordered;
static sigjmp_buf out;

static void on_altstack(int sig) {
    char here;
    on_stack = &here > stack && &here < stack + sizeof stack;
}
static void nested(int sig) {
    if (++depth > deepest)
        deepest = depth;
    if (depth < 3)
        raise(sig);
    depth--;
}
static void counting(int sig) { count++; }
static void inner(int sig) { order[ordered++] = sig; }
static void outer(int sig) {
    order[ordered++] = sig;
    raise(SIGUSR2); /* blocked by sa_mask: comes after this handler */
    order[ordered++] = -sig;
}
static void jumps(int sig) { siglongjmp(out, sig); }
static void queued(int sig, siginfo_t *info, void *context) { order[ordered++] = info->si_value.sival_int; }

static void set(int sig, void (*handler)(int), int flags) {
    struct sigaction sa;
    memset(&sa, 0, sizeof sa);
    sa.sa_handler = handler;
    sa.sa_flags = flags;
    sigaction(sig, &sa, NULL);
}

static void after(int milliseconds) {
    struct itimerval it = {.it_value = {.tv_usec = milliseconds * 1000}};
    setitimer(ITIMER_REAL, &it, NULL);
}

/* Again and again, as what is to be interrupted may begin late; 0: no more. */
static void every(int milliseconds) {
    struct timeval t = {.tv_usec = milliseconds * 1000};
    setitimer(ITIMER_REAL, &(struct itimerval){t, t}, NULL);
}

static void *writer(void *arg) {
    usleep(120000);
    if (write(*(int *)arg, "x", 1) != 1)
        abort();
    return NULL;
}

int main(void) {
    stack_t ss = {.ss_sp = stack, .ss_size = sizeof stack}, old;
    printf("sigaltstack: %d\n", sigaltstack(&ss, NULL));
    set(SIGUSR1, on_altstack, SA_ONSTACK);
    raise(SIGUSR1);
    printf("on alternate stack: %d\n", on_stack);
    set(SIGUSR1, on_altstack, 0);
    raise(SIGUSR1);
    printf("without SA_ONSTACK: %d\n", on_stack);
    sigaltstack(NULL, &old);
    printf("size kept: %d\n", old.ss_size == sizeof stack && old.ss_flags == 0);

    set(SIGUSR1, nested, SA_NODEFER);
    raise(SIGUSR1);
    printf("nested with SA_NODEFER: %d\n", deepest);

    struct sigaction sa = {.sa_handler = outer};
    sigaddset(&sa.sa_mask, SIGUSR2);
    sigaction(SIGUSR1, &sa, NULL);
    set(SIGUSR2, inner, 0);
    raise(SIGUSR1);
    printf("order with sa_mask: %d %d %d\n", order[0] == SIGUSR1, order[1] == -SIGUSR1, order[2] == SIGUSR2);

    set(SIGUSR1, counting, SA_RESETHAND);
    raise(SIGUSR1);
    sigaction(SIGUSR1, NULL, &sa);
    printf("SA_RESETHAND: %d %d\n", count, sa.sa_handler == SIG_DFL);

    /* an alarm must get through to a loop without system calls */
    count = 0;
    set(SIGALRM, counting, 0);
    after(30);
    for (volatile unsigned long i = 0; count == 0; i++) {
    }
    printf("alarm in a loop: %d\n", count);
    set(SIGALRM, jumps, 0);
    int sig = sigsetjmp(out, 1);
    if (sig == 0) {
        after(30);
        for (;;) {
        }
    }
    printf("siglongjmp out of it: %d\n", sig == SIGALRM);

    int fds[2];
    char byte;
    if (pipe(fds) != 0)
        return 1;
    set(SIGALRM, counting, 0);
    every(30);
    ssize_t n = read(fds[0], &byte, 1);
    int error = errno;
    every(0);
    printf("read without SA_RESTART: %zd %s\n", n, strerror(error));
    set(SIGALRM, counting, SA_RESTART);
    pthread_t thread;
    pthread_create(&thread, NULL, writer, &fds[1]);
    count = 0;
    after(30);
    n = read(fds[0], &byte, 1);
    printf("read with SA_RESTART: %zd %d\n", n, count >= 0);
    pthread_join(thread, NULL);
    struct timespec ts = {.tv_sec = 60}, left;
    every(30);
    int r = nanosleep(&ts, &left);
    error = errno;
    every(0);
    printf("nanosleep: %d %d, some left: %d\n", r, error == EINTR, left.tv_sec > 0 && left.tv_sec < 60);

    sigset_t set1, old_set;
    sigemptyset(&set1);
    sigaddset(&set1, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set1, &old_set);
    set(SIGUSR2, counting, 0);
    count = 0;
    raise(SIGUSR2);
    sigset_t pending;
    sigpending(&pending);
    printf("blocked: %d, pending: %d\n", count, sigismember(&pending, SIGUSR2));
    sigset_t none;
    sigemptyset(&none);
    r = sigsuspend(&none);
    sigprocmask(SIG_BLOCK, NULL, &set1);
    printf("sigsuspend: %d %d, ran: %d, mask restored: %d\n", r, errno == EINTR, count, sigismember(&set1, SIGUSR2));
    raise(SIGUSR2);
    sigprocmask(SIG_UNBLOCK, &set1, NULL);
    printf("unblocked: %d\n", count);
    sigprocmask(SIG_BLOCK, &set1, NULL);
    raise(SIGUSR2);
    siginfo_t info;
    ts.tv_sec = 1;
    printf("sigtimedwait: %d\n", sigtimedwait(&set1, &info, &ts) == SIGUSR2);
    raise(SIGUSR2);
    int fd = signalfd(-1, &set1, 0);
    struct signalfd_siginfo si;
    printf("signalfd: %d\n", read(fd, &si, sizeof si) == sizeof si && si.ssi_signo == SIGUSR2);

    struct sigaction rt = {.sa_sigaction = queued, .sa_flags = SA_SIGINFO};
    sigaction(SIGRTMIN, &rt, NULL);
    sigemptyset(&set1);
    sigaddset(&set1, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set1, NULL);
    ordered = 0;
    for (int i = 1; i <= 5; i++)
        sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i});
    sigprocmask(SIG_UNBLOCK, &set1, NULL);
    printf("queued in order: %d%d%d%d%d\n", order[0], order[1], order[2], order[3], order[4]);

    timer_t timer;
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value = {.sival_int = 42}};
    struct itimerspec its = {.it_value = {.tv_nsec = 20000000}};
    ordered = 0;
    sigprocmask(SIG_BLOCK, &set1, NULL); /* it must not come between the look at ordered and the wait */
    timer_create(CLOCK_MONOTONIC, &ev, &timer);
    timer_settime(timer, 0, &its, NULL);
    while (!ordered)
        sigsuspend(&none);
    printf("timer: %d\n", order[0]);
    return 0;
}
