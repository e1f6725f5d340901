/* Pipes, sockets, poll, ppoll with a mask, select, epoll, eventfd, timerfd, inotify, splice, descriptors over a socket.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

static volatile int signals;
static void count(int sig) { signals++; }

int main(void) {
    int p[2], s[2];
    char buf[64] = "";
    if (pipe2(p, O_CLOEXEC | O_NONBLOCK) != 0)
        return 1;
    ssize_t n = read(p[0], buf, 1);
    printf("empty pipe: %zd %d\n", n, errno == EAGAIN);
    struct iovec v[2] = {{"hello ", 6}, {"world", 5}};
    printf("writev: %zd\n", writev(p[1], v, 2));
    int waiting;
    ioctl(p[0], FIONREAD, &waiting);
    printf("waiting: %d\n", waiting);
    struct pollfd pf[2] = {{p[0], POLLIN, 0}, {p[1], POLLIN, 0}};
    int r = poll(pf, 2, 0);
    printf("poll: %d %d %d\n", r, pf[0].revents == POLLIN, pf[1].revents);
    fd_set set;
    FD_ZERO(&set);
    FD_SET(p[0], &set);
    struct timeval tv = {1, 0};
    printf("select: %d\n", select(p[0] + 1, &set, NULL, NULL, &tv));

    int ep = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event ev = {.events = EPOLLIN, .data.u64 = 0x1122334455667788}, got[4];
    printf("epoll_ctl: %d\n", epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev));
    int efd = eventfd(3, 0);
    ev = (struct epoll_event){.events = EPOLLIN, .data.u64 = 99};
    epoll_ctl(ep, EPOLL_CTL_ADD, efd, &ev);
    int m = epoll_wait(ep, got, 4, 1000);
    uint64_t sum = 0;
    for (int i = 0; i < m; i++)
        sum += got[i].data.u64;
    printf("epoll_wait: %d %d\n", m, sum == 0x1122334455667788 + 99);
    uint64_t value;
    n = read(efd, &value, 8);
    printf("eventfd: %zd %d\n", n, (int)value);
    n = read(p[0], buf, sizeof buf);
    printf("read: %.*s\n", (int)n, buf);
    printf("nothing left: %d\n", epoll_wait(ep, got, 4, 0));

    signal(SIGUSR1, count);
    sigset_t blocked, open_set;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    sigemptyset(&open_set);
    raise(SIGUSR1);
    struct timespec ts = {5, 0};
    r = ppoll(pf, 1, &ts, &open_set);
    printf("ppoll: %d %d %d\n", r, errno == EINTR, signals);
    raise(SIGUSR1);
    FD_ZERO(&set);
    r = pselect(0, NULL, NULL, NULL, &ts, &open_set);
    printf("pselect: %d %d %d\n", r, errno == EINTR, signals);
    raise(SIGUSR1);
    r = epoll_pwait(ep, got, 4, 5000, &open_set);
    printf("epoll_pwait: %d %d %d\n", r, errno == EINTR, signals);

    int t = timerfd_create(CLOCK_MONOTONIC, 0);
    struct itimerspec its = {.it_value = {.tv_nsec = 10000000}};
    timerfd_settime(t, 0, &its, NULL);
    n = read(t, &value, 8);
    printf("timerfd: %zd %d\n", n, (int)value);

    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    char control[CMSG_SPACE(sizeof(int))];
    struct msghdr msg = {.msg_iov = v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &p[1], sizeof(int));
    printf("sendmsg: %zd\n", sendmsg(s[0], &msg, 0));
    struct iovec in = {buf, sizeof buf};
    msg.msg_iov = &in;
    n = recvmsg(s[1], &msg, 0);
    int passed;
    memcpy(&passed, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof passed);
    printf("recvmsg: %zd, descriptor works: %zd\n", n, write(passed, "abc", 3));

    int l = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int one = 1, type = 0;
    setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    printf("bind: %d\n", bind(l, (struct sockaddr *)&a, sizeof a));
    listen(l, 5);
    getsockname(l, (struct sockaddr *)&a, &len);
    int k = socket(AF_INET, SOCK_STREAM, 0);
    printf("connect: %d\n", connect(k, (struct sockaddr *)&a, sizeof a));
    int d = accept4(l, NULL, NULL, SOCK_CLOEXEC);
    len = sizeof type;
    getsockopt(d, SOL_SOCKET, SO_TYPE, &type, &len);
    printf("type: %d\n", type == SOCK_STREAM);
    send(k, "over tcp", 8, 0);
    n = recv(d, buf, sizeof buf, 0);
    printf("recv: %.*s\n", (int)n, buf);
    shutdown(k, SHUT_WR);
    printf("end: %zd\n", recv(d, buf, sizeof buf, 0));

    int pp[2];
    pipe(pp);
    write(pp[1], "spliced", 7);
    printf("splice: %zd\n", splice(pp[0], NULL, s[0], NULL, 7, 0));
    n = read(s[1], buf, sizeof buf);
    printf("read: %.*s\n", (int)n, buf);
    char dir[] = "/tmp/riv-test-dir-XXXXXX", name[64];
    if (!mkdtemp(dir))
        return 1;
    int in_fd = inotify_init1(IN_NONBLOCK);
    inotify_add_watch(in_fd, dir, IN_CREATE);
    snprintf(name, sizeof name, "%s/new", dir);
    close(open(name, O_CREAT | O_WRONLY, 0600));
    char event[256];
    n = read(in_fd, event, sizeof event);
    struct inotify_event *ie = (void *)event;
    printf("inotify: %d %s\n", n > 0 && (ie->mask & IN_CREATE), ie->name);
    unlink(name);
    rmdir(dir);
    signal(SIGPIPE, SIG_IGN);
    close(p[0]);
    n = write(p[1], "x", 1);
    printf("broken pipe: %zd %d\n", n, errno == EPIPE);
    return 0;
}
