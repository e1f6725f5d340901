/* Files and directories: stat in its forms, links, directories, locks, positions, times, big offsets. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* r is what the call returned; said apart, as C leaves open when an argument reads errno. */
static void failed(const char *what, long r, int want) { printf("%s: %ld %d\n", what, r, errno == want); }

int main(void) {
    char dir[] = "/tmp/riv-test-files-XXXXXX", buf[64], path[128];
    if (!mkdtemp(dir) || chdir(dir) != 0)
        return 1;
    umask(022);
    int fd = open("file", O_RDWR | O_CREAT | O_EXCL, 0666);
    printf("write: %zd\n", write(fd, "0123456789", 10));
    failed("exclusive", open("file", O_CREAT | O_EXCL, 0600), EEXIST);
    struct stat st, lst;
    fstat(fd, &st);
    printf("fstat: %o %ld %ld %d\n", st.st_mode, (long)st.st_size, (long)st.st_nlink, st.st_uid == getuid());
    printf("block size: %ld, blocks: %d\n", (long)st.st_blksize, st.st_blocks >= 0);
    symlink("file", "link");
    link("file", "hard");
    stat("link", &st);
    lstat("link", &lst);
    printf("link: %d %d %ld\n", S_ISREG(st.st_mode), S_ISLNK(lst.st_mode), (long)st.st_nlink);
    struct statx sx;
    int r = statx(AT_FDCWD, "file", 0, STATX_BASIC_STATS, &sx);
    printf("statx: %d %d\n", r, (int)sx.stx_size);
    ssize_t size = readlink("link", buf, sizeof buf);
    printf("readlink: %zd %.4s\n", size, buf);
    struct timespec times[2] = {{1000000000, 5}, {1234567890, 123456789}};
    utimensat(AT_FDCWD, "file", times, 0);
    stat("file", &st);
    printf("times: %ld.%09ld\n", (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    chmod("file", 0640);
    stat("file", &st);
    printf("mode: %o\n", st.st_mode & 07777);
    printf("access: %d %d\n", access("file", R_OK), access("nothing", F_OK));
    printf("rename: %d\n", rename("hard", "renamed"));
    mkdir("sub", 0755);
    failed("mkdir", mkdir("sub", 0755), EEXIST);
    for (int i = 0; i < 300; i++) {
        snprintf(path, sizeof path, "sub/f%03d", i);
        close(open(path, O_CREAT | O_WRONLY, 0600));
    }
    DIR *d = opendir("sub");
    char *names[400];
    int n = 0;
    for (struct dirent *e; (e = readdir(d));)
        names[n++] = strdup(e->d_name);
    closedir(d);
    qsort(names, (size_t)n, sizeof names[0], by_name);
    printf("entries: %d %s %s %s\n", n, names[0], names[2], names[301]);
    failed("rmdir", rmdir("sub"), ENOTEMPTY);
    int sub = open("sub", O_RDONLY | O_DIRECTORY);
    for (int i = 0; i < 300; i++)
        unlinkat(sub, names[i + 2], 0);
    printf("removed: %d\n", rmdir("sub"));
    failed("not a directory", open("file", O_RDONLY | O_DIRECTORY), ENOTDIR);
    failed("nofollow", open("link", O_RDONLY | O_NOFOLLOW), ELOOP);

    printf("seek: %ld\n", (long)lseek(fd, 5ll << 32, SEEK_SET));
    write(fd, "x", 1);
    fstat(fd, &st);
    printf("sparse: %lld\n", (long long)st.st_size);
    ftruncate(fd, 10);
    size = pread(fd, buf, 3, 4);
    printf("pread: %zd %.3s\n", size, buf);
    printf("pwrite: %zd\n", pwrite(fd, "AB", 2, 2));
    struct iovec v[2] = {{buf, 2}, {buf + 10, 3}};
    printf("preadv: %zd", preadv(fd, v, 2, 1));
    printf(" %.2s %.3s\n", buf, buf + 10);
    int dupfd = fcntl(fd, F_DUPFD_CLOEXEC, 100);
    printf("dup: %d %d\n", dupfd, fcntl(dupfd, F_GETFD));
    r = fcntl(fd, F_GETFL) & O_ACCMODE;
    printf("flags: %d %d\n", r, fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK));
    printf("append: %d\n", (fcntl(fd, F_GETFL) & O_APPEND) != 0);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 5};
    printf("lock: %d %d\n", fcntl(fd, F_SETLK, &lock), flock(fd, LOCK_EX | LOCK_NB));
    printf("fallocate: %d\n", posix_fallocate(fd, 0, 100) == 0);
    int copy = open("copy", O_RDWR | O_CREAT, 0600);
    off_t from = 0;
    size = sendfile(copy, fd, &from, 8);
    printf("sendfile: %zd %ld\n", size, (long)from);
    loff_t at = 0, to = 8;
    printf("copy_file_range: %zd\n", copy_file_range(fd, &at, copy, &to, 4, 0));
    size = pread(copy, buf, 12, 0);
    printf("content: %zd %.12s\n", size, buf);
    struct statvfs vfs;
    r = statvfs(".", &vfs);
    printf("statvfs: %d %d\n", r, vfs.f_namemax > 0);
    printf("cwd: %d\n", getcwd(path, sizeof path) && strcmp(path, dir) == 0);
    printf("sync: %d %d\n", fsync(copy), fdatasync(copy));
    int p = open(".", O_PATH);
    failed("read of O_PATH", read(p, buf, 1), EBADF);
    printf("stat below it: %d\n", fstatat(p, "file", &st, 0));
    printf("tmpfile: %d\n", openat(p, ".", O_TMPFILE | O_RDWR, 0600) >= 0 || errno == EOPNOTSUPP);
    FILE *f = fopen("/dev/null", "w");
    printf("stdio: %d\n", f && fprintf(f, "x") == 1 && fclose(f) == 0);
    unlink("file");
    unlink("link");
    unlink("renamed");
    unlink("copy");
    chdir("/");
    printf("gone: %d\n", rmdir(dir));
    return 0;
}
