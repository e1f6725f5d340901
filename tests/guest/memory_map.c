/* mmap in its forms, mprotect, mremap, munmap, madvise, brk, shared memory; bad arguments; faults afterwards. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096ul

static sigjmp_buf out;
static volatile int trying;
static volatile int last_code, last_signal;

static void handler(int sig, siginfo_t *info, void *context) {
    last_code = info->si_code;
    last_signal = sig;
    if (!trying)
        _exit(99);
    trying = 0;
    siglongjmp(out, 1);
}

/* 0: works; else the si_code */
static int try_read(const volatile char *p) {
    if (sigsetjmp(out, 1))
        return last_code;
    trying = 1;
    (void)*p;
    trying = 0;
    return 0;
}
static int try_write(volatile char *p) {
    if (sigsetjmp(out, 1))
        return last_code;
    trying = 1;
    *p = 1;
    trying = 0;
    return 0;
}

static char *map(size_t pages, int prot) { return mmap(NULL, pages * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &sa, NULL);
    sigaction(SIGBUS, &sa, NULL);
    const int rw = PROT_READ | PROT_WRITE;
    char *p = map(8, rw);
    memset(p, 5, 8 * PAGE);
    printf("protect: %d\n", mprotect(p + 2 * PAGE, PAGE, PROT_READ));
    printf("read-only: %d %d\n", try_read(p + 2 * PAGE), try_write(p + 2 * PAGE));
    mprotect(p + 2 * PAGE, PAGE, PROT_NONE);
    printf("none: %d %d\n", try_read(p + 2 * PAGE), try_write(p + 2 * PAGE));
    mprotect(p + 2 * PAGE, PAGE, rw);
    printf("again: %d %d\n", try_write(p + 2 * PAGE), p[2 * PAGE + 1]);
    munmap(p + 4 * PAGE, PAGE);
    printf("hole: %d, beside it %d %d\n", try_read(p + 4 * PAGE), try_read(p + 4 * PAGE - 1), try_read(p + 5 * PAGE));
    int r = mprotect(p, 8 * PAGE, PROT_READ);
    printf("protect over the hole: %d %d\n", r, errno == ENOMEM);
    mprotect(p, 4 * PAGE, rw);
    char *q = mmap(p + 4 * PAGE, PAGE, rw, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    printf("fixed: %d %d\n", q == p + 4 * PAGE, q[0]);
    q = mmap(p + 3 * PAGE, PAGE, rw, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    printf("noreplace: %d %d\n", q == MAP_FAILED, errno == EEXIST);
    munmap(p + 6 * PAGE, 2 * PAGE);
    q = mmap(p + 6 * PAGE, PAGE, rw, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    printf("hint honoured: %d\n", q == p + 6 * PAGE);
    q = mmap(p, PAGE, rw, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    printf("taken hint: %d %d\n", q != MAP_FAILED, q != p);

    p = map(4, rw);
    memset(p, 9, 4 * PAGE);
    q = mremap(p, 4 * PAGE, 2 * PAGE, 0);
    printf("shrink: %d %d %d\n", q == p, try_read(p + PAGE), try_read(p + 2 * PAGE));
    q = mremap(p, 2 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
    printf("grow: %d %d %d\n", q != MAP_FAILED, q[PAGE - 1], q[63 * PAGE]);
    char *target = map(64, PROT_NONE);
    char *s = mremap(q, 64 * PAGE, 64 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target);
    printf("move: %d %d %d\n", s == target, s[PAGE], try_read(q));
    q = mremap(s, 64 * PAGE, 65 * PAGE, MREMAP_FIXED, target);
    printf("bad flags: %d %d\n", q == MAP_FAILED, errno == EINVAL);
    madvise(s, PAGE, MADV_DONTNEED);
    printf("dropped: %d %d\n", s[0], s[PAGE]);

    int fd = memfd_create("x", 0);
    if (ftruncate(fd, 2 * PAGE) != 0)
        return 1;
    char *a = mmap(NULL, 2 * PAGE, rw, MAP_SHARED, fd, 0), *b = mmap(NULL, 2 * PAGE, rw, MAP_SHARED, fd, 0);
    char *c = mmap(NULL, 2 * PAGE, rw, MAP_PRIVATE, fd, 0);
    a[10] = 77;
    c[11] = 3;
    printf("shared: %d, private: %d %d\n", b[10], c[10], a[11]);
    b = mremap(a, 0, 2 * PAGE, MREMAP_MAYMOVE);
    b[20] = 4;
    printf("duplicated: %d\n", a[20]);
    ftruncate(fd, PAGE);
    r = try_read(a + PAGE) == BUS_ADRERR;
    printf("behind the end: %d %d\n", r, last_signal == SIGBUS);
    q = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 1);
    printf("odd offset: %d %d\n", q == MAP_FAILED, errno == EINVAL);
    q = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 999, 0);
    printf("bad fd: %d %d\n", q == MAP_FAILED, errno == EBADF);
    q = mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    printf("no length: %d %d\n", q == MAP_FAILED, errno == EINVAL);
    q = mmap(NULL, 1ul << 60, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    printf("too much: %d %d\n", q == MAP_FAILED, errno == ENOMEM);
    q = mmap(NULL, 64ul << 30, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    printf("reservation of 64 GiB: %d\n", q != MAP_FAILED);
    mprotect(q + (32ul << 30), PAGE, rw);
    q[32ul << 30] = 1;
    r = q[32ul << 30];
    printf("used: %d, released: %d\n", r, munmap(q, 64ul << 30));

    int *shared = mmap(NULL, PAGE, rw, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (fork() == 0) {
        *shared = 123;
        _exit(0);
    }
    wait(NULL);
    printf("shared with a child: %d\n", *shared);

    int id = shmget(IPC_PRIVATE, 3 * PAGE, IPC_CREAT | 0600);
    if (id >= 0) {
        char *m = shmat(id, NULL, 0), *n = shmat(id, NULL, SHM_RDONLY);
        m[5] = 55;
        r = n[5];
        printf("shm: %d %d\n", r, try_write(n) == SEGV_ACCERR);
        r = shmdt(n);
        printf("detached: %d %d\n", r, try_read(n) == SEGV_MAPERR);
        shmdt(m);
        shmctl(id, IPC_RMID, NULL);
    }
    char *old = sbrk(0);
    sbrk(1 << 20);
    old[1 << 19] = 1;
    r = (char *)sbrk(0) - old == 1 << 20;
    printf("brk: %d %d\n", r, sbrk(-(1 << 20)) != (void *)-1);
    unsigned char in_core[2];
    printf("mincore: %d\n", mincore(a, PAGE, in_core));
    printf("msync: %d, mlock: %d %d\n", msync(a, PAGE, MS_SYNC), mlock(c, PAGE), munlock(c, PAGE));

    /* system calls with bad pointers fail, they do not fault */
    const char *volatile nowhere = (const char *)16;
    int fds[2];
    r = pipe(fds);
    r = (int)write(fds[1], nowhere, 4);
    printf("write from nowhere: %d %d\n", r, errno == EFAULT);
    r = open(nowhere, O_RDONLY);
    printf("open of nowhere: %d %d\n", r, errno == EFAULT);
    return 0;
}
