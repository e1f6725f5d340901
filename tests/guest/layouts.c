/* Structures that system calls fill or read: each field that has a known value is shown. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/sendfile.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>

#include "check.h"

static char directory[] = "/tmp/riv-layouts-XXXXXX", path[64];
#define IN_DIRECTORY(name) (snprintf(path, sizeof path, "%s/" name, directory), path)

static void test_files(void) {
    struct stat st;
    struct statx stx;
    struct statfs sf;
    int fd = open(IN_DIRECTORY("file"), O_RDWR | O_CREAT | O_EXCL, 0640);
    fchmod(fd, 0640);
    CHECK_EQ(pwrite(fd, "0123456789", 10, 5000), 10);
    struct timespec times[2] = {{1000000000, 123456789}, {1500000000, 987654321}};
    CHECK_EQ(futimens(fd, times), 0);
    CHECK_EQ(fstat(fd, &st), 0);
    CHECK_EQ(statx(AT_FDCWD, path, 0, STATX_ALL, &stx), 0);
    printf("stat: %o %d %ld %d %ld.%09ld %ld.%09ld uid %d gid %d\n", st.st_mode, (int)st.st_nlink, (long)st.st_size,
           (int)st.st_blksize, (long)st.st_atim.tv_sec, st.st_atim.tv_nsec, (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
           st.st_uid == getuid(), st.st_gid == getgid());
    printf("statx: %o %u %llu %lld.%09u same %d %d\n", stx.stx_mode, stx.stx_nlink, (unsigned long long)stx.stx_size,
           (long long)stx.stx_mtime.tv_sec, stx.stx_mtime.tv_nsec, stx.stx_ino == st.st_ino,
           stx.stx_dev_major == major(st.st_dev));
    CHECK_EQ(stat("/dev/null", &st), 0);
    printf("null: %o %u %u\n", st.st_mode & S_IFMT, major(st.st_rdev), minor(st.st_rdev));
    CHECK_EQ(statfs("/proc", &sf), 0);
    printf("statfs: %#lx %ld %ld\n", (long)sf.f_type, (long)sf.f_bsize, (long)sf.f_namelen);
    printf("flags: %o\n", fcntl(fd, F_GETFL) & ~O_LARGEFILE);
    CHECK_EQ(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK), 0);
    printf("flags: %o\n", fcntl(fd, F_GETFL) & ~O_LARGEFILE);
    fcntl(fd, F_SETFL, 0);
    CHECK(open(path, O_RDONLY | O_DIRECTORY) == -1 && errno == ENOTDIR);
    symlink("file", IN_DIRECTORY("link"));
    CHECK(open(path, O_RDONLY | O_NOFOLLOW) == -1 && errno == ELOOP);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 1, .l_len = 5};
    CHECK_EQ(fcntl(fd, F_SETLK, &lock), 0);
    fflush(stdout);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        struct flock other = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
        CHECK_EQ(fcntl(fd, F_GETLK, &other), 0);
        CHECK_EQ(other.l_pid, parent);
        printf("lock: %d %ld %ld\n", other.l_type, (long)other.l_start, (long)other.l_len);
        fflush(stdout);
        CHECK(flock(fd, LOCK_EX | LOCK_NB) == 0);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    struct f_owner_ex owner = {.type = F_OWNER_PID, .pid = parent}, back;
    CHECK_EQ(fcntl(fd, F_SETOWN_EX, &owner), 0);
    CHECK_EQ(fcntl(fd, F_GETOWN_EX, &back), 0);
    printf("owner: %d %d\n", back.type, back.pid == parent);
    struct iovec iov[2] = {{(char[4]){0}, 3}, {(char[9]){0}, 8}};
    printf("preadv: %d %s %s\n", (int)preadv(fd, iov, 2, 5000), (char *)iov[0].iov_base, (char *)iov[1].iov_base);
    int out = open(IN_DIRECTORY("copy"), O_RDWR | O_CREAT, 0600);
    off_t from = 5002;
    loff_t from2 = 5000, to2 = 4;
    int sent = (int)sendfile(out, fd, &from, 4);
    printf("sendfile: %d %ld\n", sent, (long)from);
    int copied = (int)copy_file_range(fd, &from2, out, &to2, 3, 0);
    printf("copy_file_range: %d %ld %ld\n", copied, (long)from2, (long)to2);
    CHECK_EQ(fallocate(out, FALLOC_FL_KEEP_SIZE, 0, 100000), 0);
    CHECK_EQ(posix_fadvise(out, 0, 0, POSIX_FADV_RANDOM), 0);
    CHECK_EQ(ftruncate(out, 1ll << 33), 0);
    printf("size: %lld\n", (long long)lseek(out, 0, SEEK_END));
    int notify = inotify_init1(IN_NONBLOCK);
    CHECK(inotify_add_watch(notify, directory, IN_CREATE | IN_DELETE) > 0);
    close(open(IN_DIRECTORY("seen"), O_CREAT | O_WRONLY, 0600));
    char buffer[512] __attribute__((aligned(8)));
    ssize_t n = read(notify, buffer, sizeof buffer);
    struct inotify_event *event = (void *)buffer;
    printf("inotify: %d %#x %s\n", (int)n, event->mask, event->name);
    const char *names[] = {"seen", "copy", "link", "file"};
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        CHECK_EQ(unlink(path), 0);
    }
}

static void test_system(void) {
    struct sysinfo info;
    struct rusage usage;
    struct rlimit limit, set = {123, 456};
    struct tms tms;
    struct timex timex = {0};
    CHECK_EQ(sysinfo(&info), 0);
    printf("sysinfo: %d %d %d\n", info.mem_unit, info.totalram > 1 << 20, info.procs > 0);
    for (volatile int i = 0; i < 30000000; i++) {
    }
    CHECK_EQ(getrusage(RUSAGE_SELF, &usage), 0);
    printf("rusage: %d %d\n", usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec > 1000, usage.ru_maxrss > 100);
    CHECK(times(&tms) > 0);
    CHECK(tms.tms_utime >= 0 && tms.tms_utime < 10000);
    CHECK_EQ(setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}), 0);
    CHECK_EQ(getrlimit(RLIMIT_CORE, &limit), 0);
    printf("rlimit: %llu %llu\n", (unsigned long long)limit.rlim_cur, (unsigned long long)limit.rlim_max);
    CHECK_EQ(prlimit(0, RLIMIT_MSGQUEUE, &set, NULL), 0);
    CHECK_EQ(getrlimit(RLIMIT_MSGQUEUE, &limit), 0);
    printf("prlimit: %llu %llu\n", (unsigned long long)limit.rlim_cur, (unsigned long long)limit.rlim_max);
    CHECK(adjtimex(&timex) >= 0);
    printf("timex: tick %ld, now %d\n", timex.tick, timex.time.tv_sec > 1600000000);
    cpu_set_t cpus;
    CHECK_EQ(sched_getaffinity(0, sizeof cpus, &cpus), 0);
    printf("cpus: %d\n", CPU_COUNT(&cpus));
    struct itimerval it = {{5, 6000}, {100, 0}}, now;
    setitimer(ITIMER_VIRTUAL, &it, NULL);
    getitimer(ITIMER_VIRTUAL, &now);
    printf("itimer: %ld %ld\n", (long)now.it_interval.tv_sec, (long)now.it_interval.tv_usec);
    setitimer(ITIMER_VIRTUAL, &(struct itimerval){{0}}, NULL);
    pid_t pid = fork();
    if (pid == 0)
        _exit(44);
    siginfo_t si;
    CHECK_EQ(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT), 0);
    printf("waitid: %d %d %d %d\n", si.si_signo, si.si_code, si.si_status, si.si_pid == pid);
    int status;
    CHECK_EQ(wait4(pid, &status, 0, &usage), pid);
    printf("wait4: %d %d\n", WEXITSTATUS(status), usage.ru_maxrss > 0);
    char *page = check_map(8192, PROT_READ | PROT_WRITE);
    unsigned char resident[2];
    page[0] = 1;
    CHECK_EQ(mincore(page, 8192, resident), 0);
    printf("mincore: %d %d\n", resident[0] & 1, resident[1] & 1);
}

static void test_sockets(void) {
    int pair[2], pipes[2];
    CHECK_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
    CHECK_EQ(pipe2(pipes, O_NONBLOCK), 0);
    CHECK_EQ(setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &(int){1}, sizeof(int)), 0);
    char control[256] __attribute__((aligned(8))) = {0}, text[16] = {0};
    struct iovec iov = {"hello", 5}, in = {text, sizeof text};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(8)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    *c = (struct cmsghdr){.cmsg_len = CMSG_LEN(8), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(c), pipes, 8);
    CHECK_EQ(sendmsg(pair[0], &message, 0), 5);
    message =
        (struct msghdr){.msg_iov = &in, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    CHECK_EQ(recvmsg(pair[1], &message, MSG_CMSG_CLOEXEC), 5);
    for (c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_type == SCM_RIGHTS) {
            int fds[2];
            memcpy(fds, CMSG_DATA(c), 8);
            CHECK_EQ(write(fds[1], "via", 3), 3);
            printf("rights: %d bytes, %d\n", (int)read(pipes[0], text + 8, 3), fcntl(fds[0], F_GETFD));
        } else {
            struct ucred cred;
            memcpy(&cred, CMSG_DATA(c), sizeof cred);
            printf("credentials: %d %d\n", cred.pid == getpid(), cred.uid == getuid());
        }
    }
    struct iovec many[2] = {{"a", 1}, {"bc", 2}};
    struct mmsghdr m[2] = {{{.msg_iov = &many[0], .msg_iovlen = 1}, 0}, {{.msg_iov = &many[1], .msg_iovlen = 1}, 0}};
    CHECK_EQ(sendmmsg(pair[0], m, 2, 0), 2);
    char one[4] = {0}, two[4] = {0};
    many[0] = (struct iovec){one, 4};
    many[1] = (struct iovec){two, 4};
    int received = recvmmsg(pair[1], m, 2, 0, NULL);
    printf("mmsg: %d %s %u %s %u\n", received, one, m[0].msg_len, two, m[1].msg_len);
    struct timeval timeout = {3, 500000};
    socklen_t length = sizeof timeout;
    CHECK_EQ(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout), 0);
    CHECK_EQ(getsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &timeout, &length), 0);
    printf("timeout: %ld.%ld\n", (long)timeout.tv_sec, (long)timeout.tv_usec);
    struct linger linger = {1, 7};
    int tcp = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (tcp >= 0) {
        struct sockaddr_in6 address = {.sin6_family = AF_INET6};
        length = sizeof linger;
        setsockopt(tcp, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
        getsockopt(tcp, SOL_SOCKET, SO_LINGER, &linger, &length);
        printf("linger: %d %d\n", linger.l_onoff, linger.l_linger);
        address.sin6_addr = in6addr_loopback;
        if (bind(tcp, (void *)&address, sizeof address) == 0) {
            length = sizeof address;
            CHECK_EQ(getsockname(tcp, (void *)&address, &length), 0);
            printf("name: %d %d %d\n", length, address.sin6_family, address.sin6_port != 0);
        }
    }
    int epoll = epoll_create1(EPOLL_CLOEXEC), event_fd = eventfd(3, EFD_SEMAPHORE);
    struct epoll_event events[4], in_event = {.events = EPOLLIN, .data.u64 = 0x1122334455667788};
    CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, event_fd, &in_event), 0);
    in_event = (struct epoll_event){.events = EPOLLOUT, .data.u64 = 0x99aabbccddeeff00};
    CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, pair[0], &in_event), 0);
    int n = epoll_wait(epoll, events, 4, 0);
    uint64_t sum = 0;
    for (int i = 0; i < n; i++)
        sum ^= events[i].data.u64 + events[i].events;
    printf("epoll: %d %#llx\n", n, (unsigned long long)sum);
    uint64_t value;
    CHECK_EQ(read(event_fd, &value, 8), 8);
    printf("eventfd: %d\n", (int)value);
}

static void test_terminal(void) {
    int master, slave;
    struct winsize size = {.ws_row = 33, .ws_col = 99, .ws_xpixel = 5}, back;
    struct termios termios, again;
    if (openpty(&master, &slave, NULL, NULL, &size) != 0)
        return;
    CHECK_EQ(ioctl(slave, TIOCGWINSZ, &back), 0);
    printf("winsize: %d %d %d\n", back.ws_row, back.ws_col, back.ws_xpixel);
    CHECK_EQ(tcgetattr(slave, &termios), 0);
    printf("termios: %x %x %x %x %d %d\n", termios.c_iflag, termios.c_oflag, termios.c_cflag, termios.c_lflag,
           termios.c_cc[VINTR], termios.c_cc[VMIN]);
    cfmakeraw(&termios);
    cfsetspeed(&termios, B9600);
    CHECK_EQ(tcsetattr(slave, TCSANOW, &termios), 0);
    CHECK_EQ(tcgetattr(slave, &again), 0);
    printf("raw: %x %x %d\n", again.c_lflag, again.c_oflag, cfgetospeed(&again) == B9600);
    CHECK_EQ(write(master, "abc", 3), 3);
    int waiting = 0;
    poll(&(struct pollfd){.fd = slave, .events = POLLIN}, 1, 1000);
    CHECK_EQ(ioctl(slave, FIONREAD, &waiting), 0);
    printf("waiting: %d\n", waiting);
    close(master);
    close(slave);
}

static void test_ipc(void) {
    int sem = semget(IPC_PRIVATE, 3, 0600), msg = msgget(IPC_PRIVATE, 0600), shm = shmget(IPC_PRIVATE, 12345, 0600);
    if (sem < 0 || msg < 0 || shm < 0)
        return;
    struct semid_ds sd;
    struct sembuf op = {1, 4, 0};
    CHECK_EQ(semop(sem, &op, 1), 0);
    CHECK_EQ(semctl(sem, 0, IPC_STAT, &sd), 0);
    printf("sem: %d %d %d %o\n", (int)sd.sem_nsems, semctl(sem, 1, GETVAL), sd.sem_otime > 0, sd.sem_perm.mode);
    struct {
        long type;
        char text[20];
    } m = {3, "message"};
    struct msqid_ds md;
    CHECK_EQ(msgsnd(msg, &m, 8, 0), 0);
    CHECK_EQ(msgctl(msg, IPC_STAT, &md), 0);
    printf("msg: %d %d %d\n", (int)md.msg_qnum, (int)md.__msg_cbytes, md.msg_lspid == getpid());
    CHECK_EQ(msgrcv(msg, &m, 20, 3, 0), 8);
    struct shmid_ds hd;
    char *at = shmat(shm, NULL, 0);
    CHECK(at != (void *)-1);
    strcpy(at, "shared");
    CHECK_EQ(shmctl(shm, IPC_STAT, &hd), 0);
    printf("shm: %d %d %s\n", (int)hd.shm_segsz, (int)hd.shm_nattch, at);
    CHECK_EQ(shmdt(at), 0);
    semctl(sem, 0, IPC_RMID);
    msgctl(msg, IPC_RMID, NULL);
    shmctl(shm, IPC_RMID, NULL);
}

int main(void) {
    CHECK(mkdtemp(directory));
    test_files();
    test_system();
    test_sockets();
    test_terminal();
    test_ipc();
    CHECK_EQ(rmdir(directory), 0);
    return 0;
}
