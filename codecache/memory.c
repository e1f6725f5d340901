/* memory.c: executable memory: the same pages mapped twice, once to write and once to execute, never both at one
 * address.
 *
 *      rw ──┐
 *           ├── memfd (or shared anonymous memory), its descriptor closed again
 *      rx ──┘
 *
 * The right to execute is asked for by mmap(PROT_READ | PROT_EXEC) of pages that nothing was written to yet; where that
 * is refused, no way round is tried.  Nothing is touched here: a page costs memory once code is written to it.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "internal.h"

/* Newer than the headers of the distributions we build on: Linux 6.3 uapi, memfd.h and prctl.h. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif
#ifndef PR_GET_MDWE
#define PR_GET_MDWE 66
#endif
#ifndef PR_MDWE_REFUSE_EXEC_GAIN
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif

/* The line of what was tried, grown piece by piece; text may be NULL. */
struct report {
    char *text;
    size_t size, length;
};

__attribute__((format(printf, 2, 3))) static void report_add(struct report *r, const char *format, ...) {
    if (!r->text || r->length + 1 >= r->size)
        return;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(r->text + r->length, r->size - r->length, format, args);
    va_end(args);
    if (n > 0)
        r->length = r->length + (size_t)n < r->size ? r->length + (size_t)n : r->size - 1;
}

static void report_failure(struct report *r, const char *what) {
    int error = errno;
    report_add(r, "%s%s: %s", r->length ? "; " : "no executable memory: ", what, strerror(error));
}

/* memfd_create(2): since Linux 6.3 sysctl vm.memfd_noexec decides what a memfd without either flag is, and at level 2
 * refuses MFD_EXEC with EACCES.  The seal it then demands forbids execve of the file, which is not wanted here, and
 * leaves mmap to the checks of mmap. */
static int open_memfd(struct report *r) {
    int fd = memfd_create("riv-code", MFD_CLOEXEC | MFD_EXEC);
    if (fd < 0 && errno == EINVAL)
        fd = memfd_create("riv-code", MFD_CLOEXEC);
    else if (fd < 0 && errno == EACCES)
        fd = memfd_create("riv-code", MFD_CLOEXEC | MFD_NOEXEC_SEAL);
    if (fd < 0)
        report_failure(r, "memfd_create");
    return fd;
}

/* Both views of fd; where m has addresses, there. */
static bool map_memfd(struct memory *m, struct report *r) {
    int fixed = m->rx ? MAP_FIXED : 0;
    int fd = open_memfd(r);
    if (fd < 0)
        return false;
    uint8_t *rx = MAP_FAILED, *rw = MAP_FAILED;
    if (ftruncate(fd, (off_t)m->size)) {
        report_failure(r, "ftruncate of a memfd");
    } else {
        rx = mmap(m->rx, m->size, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_NORESERVE | fixed, fd, 0);
        if (rx == MAP_FAILED)
            report_failure(r, "mmap of a memfd, PROT_READ | PROT_EXEC");
    }
    if (rx != MAP_FAILED) {
        rw = mmap(m->rw, m->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE | fixed, fd, 0);
        if (rw == MAP_FAILED) {
            report_failure(r, "mmap of a memfd, PROT_READ | PROT_WRITE");
            if (!fixed)
                munmap(rx, m->size);
        }
    }
    close(fd);
    if (rw == MAP_FAILED)
        return false;
    m->rx = rx;
    m->rw = rw;
    return true;
}

/* Without a memfd (forbidden by a filter, or no descriptor free): shared anonymous memory; mremap(2) of 0 bytes of a
 * shared mapping makes a second mapping of the same pages.  That one gives its right to execute up for the right to
 * write before anything is in it. */
static bool map_anonymous(struct memory *m, struct report *r) {
    int fixed = m->rx ? MAP_FIXED : 0;
    uint8_t *rx =
        mmap(m->rx, m->size, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE | fixed, -1, 0);
    if (rx == MAP_FAILED) {
        report_failure(r, "mmap of shared memory, PROT_READ | PROT_EXEC");
        return false;
    }
    uint8_t *rw = mremap(rx, 0, m->size, MREMAP_MAYMOVE | (fixed ? MREMAP_FIXED : 0), m->rw);
    if (rw == MAP_FAILED) {
        report_failure(r, "mremap of shared memory");
    } else if (mprotect(rw, m->size, PROT_READ | PROT_WRITE)) {
        report_failure(r, "mprotect of shared memory, PROT_READ | PROT_WRITE");
        if (!fixed)
            munmap(rw, m->size);
        rw = MAP_FAILED;
    }
    if (rw == MAP_FAILED) {
        if (!fixed)
            munmap(rx, m->size);
        return false;
    }
    m->rx = rx;
    m->rw = rw;
    return true;
}

bool memory_create(struct memory *m, size_t size, char *err, size_t n) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct report r = {.text = n ? err : NULL, .size = n};
    *m = (struct memory){.size = (size + page - 1) & ~(page - 1)};
    if (r.text)
        r.text[0] = 0;
    /* The kernel would let two views pass, but whoever set this asked that what was written is not executed. */
    int mdwe = prctl(PR_GET_MDWE, 0, 0, 0, 0);
    if (mdwe > 0 && mdwe & PR_MDWE_REFUSE_EXEC_GAIN) {
        errno = EACCES;
        report_failure(&r, "PR_SET_MDWE (memory-deny-write-execute) is in force");
        return false;
    }
    if (!map_memfd(m, &r) && !map_anonymous(m, &r))
        return false;
    if (r.text)
        r.text[0] = 0;
    return true;
}

bool memory_renew(struct memory *m) {
    struct report silent = {0};
    if (map_memfd(m, &silent) || map_anonymous(m, &silent))
        return true;
    /* Nothing written here may reach the process that the pages are shared with. */
    uint8_t *view[] = {m->rx, m->rw};
    for (size_t i = 0; i < 2; i++)
        if (mmap(view[i], m->size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) ==
            MAP_FAILED)
            munmap(view[i], m->size);
    return false;
}

void memory_destroy(struct memory *m) {
    if (m->rx)
        munmap(m->rx, m->size);
    if (m->rw)
        munmap(m->rw, m->size);
    *m = (struct memory){0};
}
