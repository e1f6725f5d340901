// native: no
// expect: the process has mappings that are not the guest's
// expect: none can be read, written, mapped over, unmapped or protected
// shadow: sanitizers' own memory lies among the guest's
/* What an emulator has mapped for itself is not the guest's: its parent's list of mappings shows a child where it lies,
 * and every system call has to treat these addresses as if nothing were there. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"

#define FAILS(call, error) (errno = 0, CHECK_EQ(call, -1), CHECK_EQ(errno, error))

enum { PAGE = 4096, RANGES_MAX = 512 };

struct range {
    uintptr_t start, end;
    char access[5];
};

/* Reads with read alone, as stdio would ask for memory in between. */
static unsigned read_maps(const char *path, struct range *r) {
    static char text[1 << 17];
    size_t size = 0;
    int fd = open(path, O_RDONLY);
    CHECK(fd >= 0);
    for (ssize_t n; (n = read(fd, text + size, sizeof text - 1 - size)) > 0;)
        size += (size_t)n;
    close(fd);
    text[size] = 0;
    unsigned count = 0;
    for (char *line = text; *line && count < RANGES_MAX; line = strchr(line, '\n') + 1) {
        CHECK_EQ(sscanf(line, "%lx-%lx %4s", &r[count].start, &r[count].end, r[count].access), 3);
        count++;
    }
    return count;
}

static struct range all[RANGES_MAX], own[RANGES_MAX];

static bool is_foreign(const struct range *r, unsigned own_count) {
    for (unsigned i = 0; i < own_count; i++)
        if (own[i].start < r->end && r->start < own[i].end)
            return false;
    return r->start >> 47 == 0;
}

static void check_range(const struct range *r, int fds[2]) {
    char *at = (char *)r->start, byte = 'x';
    size_t size = r->end - r->start;
    struct iovec iov[2] = {{&byte, 1}, {at, 16}}, inner = {&byte, 1};
    struct msghdr message = {.msg_iov = &iov[1], .msg_iovlen = 1},
                  control = {.msg_iov = &inner, .msg_iovlen = 1, .msg_control = at, .msg_controllen = 64};
    unsigned char resident[1];

    FAILS(write(fds[0], at, 1), EFAULT);
    FAILS(read(fds[1], at, 1), EFAULT);
    FAILS(writev(fds[0], iov, 2), EFAULT);
    FAILS(readv(fds[1], iov, 2), EFAULT);
    FAILS(writev(fds[0], (struct iovec *)at, 1), EFAULT);
    FAILS(sendmsg(fds[0], &message, 0), EFAULT);
    FAILS(recvmsg(fds[1], &message, MSG_DONTWAIT), EFAULT);
    FAILS(recvmsg(fds[1], &control, MSG_DONTWAIT), EFAULT);
    FAILS(open(at, O_RDONLY), EFAULT);
    FAILS(stat("/", (struct stat *)at), EFAULT);
    FAILS(syscall(SYS_getcwd, at, 64), EFAULT);
    FAILS(readlink("/proc/self/exe", at, 64), EFAULT);
    FAILS(syscall(SYS_clock_gettime, CLOCK_REALTIME, at), EFAULT);
    FAILS(syscall(SYS_clock_getres, CLOCK_REALTIME, at), EFAULT);
    FAILS(poll((struct pollfd *)at, 1, 0), EFAULT);
    FAILS(pipe((int *)at), EFAULT);
    FAILS(syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, at, 8), EFAULT);
    FAILS(syscall(SYS_futex, at, 1 /* FUTEX_WAKE */, 1), EFAULT);

    FAILS(mprotect(at, PAGE, PROT_NONE), ENOMEM);
    FAILS(madvise(at, PAGE, MADV_DONTNEED), ENOMEM);
    FAILS(mincore(at, PAGE, resident), ENOMEM);
    FAILS(msync(at, PAGE, MS_ASYNC), ENOMEM);
    FAILS(mlock(at, PAGE), ENOMEM);
    FAILS((long)mremap(at, PAGE, 2 * PAGE, MREMAP_MAYMOVE), EFAULT);
    CHECK(mmap(at, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED);
    CHECK(mmap(at, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED);
    void *elsewhere = mmap(at, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(elsewhere != MAP_FAILED && elsewhere != at);
    CHECK(mremap(elsewhere, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at) == MAP_FAILED);
    CHECK_EQ(munmap(elsewhere, PAGE), 0);
    munmap(at, size); /* may say that it did, but must not */
}

static void child(void) {
    char path[64];
    int fds[2];
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    CHECK_EQ(write(fds[0], "abc", 3), 3);
    snprintf(path, sizeof path, "/proc/%d/maps", (int)getppid());
    unsigned count = read_maps(path, all), own_count = read_maps("/proc/self/maps", own), foreign = 0;
    for (unsigned i = 0; i < count; i++) {
        if (!is_foreign(&all[i], own_count))
            continue;
        foreign++;
        check_range(&all[i], fds);
    }
    if (foreign > 0)
        puts("the process has mappings that are not the guest's");
    puts("none can be read, written, mapped over, unmapped or protected");
    fflush(stdout);
    _exit(0);
}

int main(void) {
    int status;
    pid_t pid = fork();
    if (pid == 0)
        child();
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
