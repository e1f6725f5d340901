// native: no
// expect: store through the other view: ok
// expect: pwrite: ok
// expect: read into the page: ok
// expect: shared after fork: ok
/* Code that changes although nobody stores to the address it is executed at: one memory mapped twice, system calls that
 * write, another process. */
#define _GNU_SOURCE
#include "check.h"
#include <sys/wait.h>

int main(void) {
    int fd = memfd_create("code", 0);
    CHECK(fd >= 0);
    CHECK_EQ(ftruncate(fd, 8192), 0);
    uint32_t *writable = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    uint32_t *code = mmap(NULL, 8192, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    CHECK(writable != MAP_FAILED && code != MAP_FAILED);
    code_fn *run = (code_fn *)(code + 1020); /* near the page's end: the function lies over two pages */
    for (int i = 0; i < 2000; i++) {
        for (unsigned k = 0; k < 8; k++)
            writable[1020 + k] = rv_addi(X_A0, X_A0, i & 1023);
        writable[1028] = RV_RET;
        check_flush(code, 8192);
        CHECK_EQ(run(3, 0), 3 + 8 * (i & 1023));
    }
    puts("store through the other view: ok");

    for (int i = 0; i < 500; i++) {
        uint32_t words[2] = {rv_addi(X_A0, X_ZERO, i), RV_RET};
        CHECK_EQ(pwrite(fd, words, sizeof words, 64), sizeof words);
        check_flush(code, 4096);
        CHECK_EQ(((code_fn *)(code + 16))(0, 0), i);
    }
    puts("pwrite: ok");

    uint32_t *both = check_map(4096, PROT_READ | PROT_WRITE | PROT_EXEC);
    int ends[2];
    CHECK_EQ(pipe(ends), 0);
    for (int i = 0; i < 500; i++) {
        uint32_t words[2] = {rv_addi(X_A0, X_ZERO, i), RV_RET};
        CHECK_EQ(write(ends[1], words, sizeof words), sizeof words);
        CHECK_EQ(read(ends[0], both + 8, sizeof words), sizeof words);
        check_flush(both, 4096);
        CHECK_EQ(((code_fn *)(both + 8))(0, 0), i);
    }
    puts("read into the page: ok");

    fflush(stdout);
    CHECK_EQ(((code_fn *)(code + 16))(0, 0), 499);
    pid_t child = fork();
    if (!child) {
        writable[16] = rv_addi(X_A0, X_ZERO, 77);
        _exit(0);
    }
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
    check_flush(code, 4096);
    CHECK_EQ(((code_fn *)(code + 16))(0, 0), 77);
    puts("shared after fork: ok");
}
