/* Where signals come from and how they are waited for: queues of real-time signals, sigwaitinfo, signalfd, timers,
 * children, threads, interrupted calls; signals that faults raise, sent by kill and blocked. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"

static volatile int seen[64], values[64], codes[64], count;
static volatile pid_t senders[64];

static void note(int sig, siginfo_t *info, void *context) {
    if (count < 64) {
        seen[count] = sig;
        values[count] = info->si_value.sival_int;
        codes[count] = info->si_code;
        senders[count] = info->si_pid;
    }
    count++;
}

static void catch (int sig, int flags) {
    struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO | flags};
    CHECK_EQ(sigaction(sig, &action, NULL), 0);
}

static sigset_t set_of(int a, int b, int c) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, a);
    sigaddset(&set, b);
    sigaddset(&set, c);
    return set;
}

static void show(const char *title) {
    printf("%s:", title);
    for (int i = 0; i < count; i++)
        printf(" %d=%d(%d)", seen[i], values[i], codes[i]);
    printf("\n");
    fflush(stdout);
    count = 0;
}

static void test_queue(void) {
    int first = SIGRTMIN, second = SIGRTMIN + 1;
    sigset_t set = set_of(first, second, SIGUSR1), old, pending;
    catch (first, 0);
    catch (second, 0);
    sigprocmask(SIG_BLOCK, &set, &old);
    for (int i = 0; i < 12; i++)
        CHECK_EQ(sigqueue(getpid(), i % 3 ? first : second, (union sigval){.sival_int = i}), 0);
    sigpending(&pending);
    printf("pending: %d %d %d\n", sigismember(&pending, first), sigismember(&pending, second),
           sigismember(&pending, SIGUSR1));
    sigprocmask(SIG_SETMASK, &old, NULL);
    show("queue");
    sigprocmask(SIG_BLOCK, &set, &old);
    siginfo_t info;
    struct timespec zero = {0, 1000000};
    CHECK(sigtimedwait(&set, &info, &zero) == -1 && errno == EAGAIN);
    sigqueue(getpid(), second, (union sigval){.sival_int = 77});
    kill(getpid(), SIGUSR1);
    for (int i = 0; i < 2; i++) {
        int sig = sigwaitinfo(&set, &info);
        printf("waited for %d, code %d, value %d\n", sig, info.si_code,
               info.si_code == SI_QUEUE ? info.si_value.sival_int : 0);
    }
    int fd = signalfd(-1, &set, SFD_CLOEXEC);
    struct signalfd_siginfo from_fd;
    sigqueue(getpid(), first, (union sigval){.sival_int = 5});
    CHECK_EQ(read(fd, &from_fd, sizeof from_fd), sizeof from_fd);
    printf("signalfd: %u %d %d\n", from_fd.ssi_signo, from_fd.ssi_code, from_fd.ssi_int);
    close(fd);
    sigprocmask(SIG_SETMASK, &old, NULL);
}

/* These stay unblocked on the host whatever the guest says. */
static void test_fault_signals(void) {
    sigset_t set = set_of(SIGSEGV, SIGFPE, SIGTRAP), old, pending;
    catch (SIGSEGV, 0);
    catch (SIGFPE, 0);
    catch (SIGTRAP, 0);
    sigprocmask(SIG_BLOCK, &set, &old);
    for (int i = 0; i < 20; i++)
        raise(SIGSEGV); /* counts once */
    raise(SIGFPE);
    sigpending(&pending);
    printf("pending: %d %d %d\n", sigismember(&pending, SIGSEGV), sigismember(&pending, SIGFPE),
           sigismember(&pending, SIGTRAP));
    CHECK_EQ(ppoll(NULL, 0, &(struct timespec){.tv_nsec = 1000}, &set), 0); /* still blocked */
    siginfo_t info;
    struct timespec soon = {1, 0};
    sigset_t one = set_of(SIGFPE, SIGFPE, SIGTRAP);
    int sig = sigtimedwait(&one, &info, &soon);
    printf("waited for %d, code %d\n", sig, info.si_code);
    CHECK_EQ(count, 0);
    sigprocmask(SIG_SETMASK, &old, NULL);
    printf("segv: %d times\n", count);
    count = 0;
}

static void test_timers(void) {
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value = {.sival_int = 9}};
    struct itimerspec spec = {.it_value = {.tv_nsec = 2000000}}, left;
    timer_t timer;
    sigset_t set = set_of(SIGRTMIN, SIGRTMIN, SIGALRM), old;
    sigprocmask(SIG_BLOCK, &set, &old);
    CHECK_EQ(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    CHECK_EQ(timer_settime(timer, 0, &spec, NULL), 0);
    sigsuspend(&old);
    CHECK_EQ(timer_gettime(timer, &left), 0);
    printf("left %ld\n", (long)left.it_value.tv_nsec);
    CHECK_EQ(timer_delete(timer), 0);
    show("timer");
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    uint64_t expirations = 0;
    CHECK_EQ(timerfd_settime(fd, 0, &spec, NULL), 0);
    CHECK_EQ(read(fd, &expirations, 8), 8);
    printf("timerfd: %d\n", (int)expirations);
    close(fd);
    catch (SIGALRM, 0);
    alarm(0);
    struct itimerval it = {.it_value = {.tv_usec = 3000}};
    setitimer(ITIMER_REAL, &it, NULL);
    sigsuspend(&old);
    sigprocmask(SIG_SETMASK, &old, NULL);
    show("itimer");
}

static void test_children(void) {
    catch (SIGCHLD, 0);
    sigset_t set = set_of(SIGCHLD, SIGCHLD, SIGCHLD), old;
    sigprocmask(SIG_BLOCK, &set, &old);
    siginfo_t info;
    pid_t pid = fork();
    if (pid == 0) {
        raise(SIGSTOP);
        pause();
        _exit(1);
    }
    int status, last = SIGTERM;
    CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
    printf("stopped %d by %d\n", WIFSTOPPED(status), WSTOPSIG(status));
    CHECK_EQ(sigwaitinfo(&set, &info), SIGCHLD);
    printf("code %d status %d own %d\n", info.si_code, info.si_status, info.si_pid == pid);
    kill(pid, SIGCONT);
    CHECK_EQ(waitpid(pid, &status, WCONTINUED), pid);
    CHECK_EQ(sigwaitinfo(&set, &info), SIGCHLD);
    printf("continued %d code %d\n", WIFCONTINUED(status), info.si_code);
    kill(pid, last);
    CHECK_EQ(sigwaitinfo(&set, &info), SIGCHLD);
    printf("code %d status %d\n", info.si_code, info.si_status);
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    sigprocmask(SIG_SETMASK, &old, NULL);
    count = 0;
    signal(SIGCHLD, SIG_IGN); /* children vanish by themselves */
    pid = fork();
    if (pid == 0)
        _exit(0);
    CHECK(waitpid(pid, NULL, 0) == -1 && errno == ECHILD);
    signal(SIGCHLD, SIG_DFL);
}

static int pipe_fds[2];
static volatile pid_t main_tid;
static volatile bool restarts, returned;

/* Signals the main thread until its call has returned, as it may not be in it yet; a call that is done again by itself
 * gets what it waits for after a few signals. */
static void *pester(void *arg) {
    for (int i = 0; !returned && !(restarts && i == 3); i++) {
        usleep(10000);
        if (!returned)
            syscall(SYS_tgkill, getpid(), main_tid, SIGUSR2);
    }
    if (write(pipe_fds[1], "x", 1) != 1)
        abort();
    return NULL;
}

static void interrupted(const char *what, int flags, long (*call)(void)) {
    pthread_t thread;
    char byte;
    catch (SIGUSR2, flags);
    restarts = flags && strcmp(what, "read") == 0;
    returned = false;
    errno = 0;
    pthread_create(&thread, NULL, pester, NULL);
    long r = call();
    int error = errno;
    returned = true;
    pthread_join(thread, NULL);
    if (!restarts) /* the byte is still there */
        CHECK_EQ(read(pipe_fds[0], &byte, 1), 1);
    printf("%s: %ld %s, signals %d\n", what, r, r < 0 ? strerrorname_np(error) : "", count > 0);
    fflush(stdout);
    count = 0;
}

static long call_read(void) {
    char byte;
    return read(pipe_fds[0], &byte, 1);
}
static long call_poll(void) { return poll(&(struct pollfd){.fd = pipe_fds[0], .events = POLLIN}, 1, 60000); }
static long call_select(void) {
    fd_set fds;
    FD_ZERO(&fds);
    FD_SET(pipe_fds[0], &fds);
    return select(pipe_fds[0] + 1, &fds, NULL, NULL, &(struct timeval){.tv_sec = 60});
}
static long call_epoll(void) {
    int fd = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 0x123456789abcdef0};
    epoll_ctl(fd, EPOLL_CTL_ADD, pipe_fds[0], &event);
    long r = epoll_wait(fd, &event, 1, 60000);
    int error = errno;
    close(fd);
    errno = error;
    return r;
}
static long call_sleep(void) { return nanosleep(&(struct timespec){.tv_sec = 60}, NULL); }
static long call_pause(void) { return pause(); }
static long call_futex(void) {
    static int word;
    return syscall(SYS_futex, &word, 0 /* FUTEX_WAIT */, 0, &(struct timespec){.tv_sec = 60}, NULL, 0);
}
static long call_sigtimedwait(void) {
    sigset_t set = set_of(SIGUSR1, SIGUSR1, SIGUSR1);
    return sigtimedwait(&set, NULL, &(struct timespec){.tv_sec = 60});
}

static void test_interrupted(void) {
    CHECK_EQ(pipe(pipe_fds), 0);
    main_tid = (pid_t)syscall(SYS_gettid);
    for (int restart = 0; restart < 2; restart++) {
        int flags = restart ? SA_RESTART : 0;
        interrupted("read", flags, call_read);
        interrupted("poll", flags, call_poll);
        interrupted("select", flags, call_select);
        interrupted("epoll", flags, call_epoll);
        interrupted("nanosleep", flags, call_sleep);
        interrupted("pause", flags, call_pause);
        interrupted("futex", flags, call_futex);
        interrupted("sigtimedwait", flags, call_sigtimedwait);
    }
}

int main(void) {
    test_queue();
    test_fault_signals();
    test_timers();
    test_children();
    test_interrupted();
    catch (SIGUSR1, 0);
    kill(getpid(), SIGUSR1);
    printf("own: %d\n", senders[0] == getpid());
    count = 0;
    pthread_kill(pthread_self(), SIGUSR1);
    show("tgkill");
    return 0;
}
