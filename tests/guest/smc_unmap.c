// native: no
// expect: munmap: ok
// expect: mapped over: ok
// expect: moved: ok
// expect: dropped: ok
// expect: unmapped: ok
/* Other code at an address whose earlier code was taken away by munmap, MAP_FIXED, mremap or madvise. */
#define _GNU_SOURCE
#include "check.h"

static void put(uint32_t *code, int value) {
    code[0] = rv_addi(X_A0, X_ZERO, value);
    code[1] = RV_RET;
    check_flush(code, 8);
}

int main(void) {
    const int all = PROT_READ | PROT_WRITE | PROT_EXEC;
    caught_install();
    uint32_t *code = check_map(4096, all);
    code_fn *run = (code_fn *)code;
    for (int i = 0; i < 500; i++) {
        put(code, i);
        CHECK_EQ(run(0, 0), i);
        CHECK_EQ(munmap(code, 4096), 0);
        CHECK_EQ(mmap(code, 4096, all, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), code);
    }
    puts("munmap: ok");

    FILE *file = tmpfile();
    for (int i = 0; i < 64; i++) {
        uint32_t page[1024] = {rv_addi(X_A0, X_ZERO, 100 + i), RV_RET};
        CHECK_EQ(fwrite(page, sizeof page, 1, file), 1);
    }
    fflush(file);
    for (int round = 0; round < 10; round++)
        for (int i = 0; i < 64; i++) {
            CHECK_EQ(mmap(code, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fileno(file), i * 4096L), code);
            CHECK_EQ(run(0, 0), 100 + i);
        }
    puts("mapped over: ok");

    for (int i = 0; i < 200; i++) {
        uint32_t *other = check_map(4096, all);
        put(other, 500 + i);
        CHECK_EQ(((code_fn *)other)(0, 0), 500 + i);
        CHECK_EQ(mremap(other, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, code), code);
        CHECK_EQ(run(0, 0), 500 + i);
        CATCH(((code_fn *)other)(0, 0));
        CHECK_EQ(caught.signal, SIGSEGV);
        CHECK_EQ(caught.pc, other);
    }
    puts("moved: ok");

    CHECK_EQ(mmap(code, 4096, all, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), code);
    for (volatile int i = 0; i < 50; i++) {
        put(code, i);
        CHECK_EQ(run(0, 0), i);
        CHECK_EQ(madvise(code, 4096, MADV_DONTNEED), 0);
        check_flush(code, 4096);
        CATCH(run(0, 0)); /* all zeros: a defined illegal instruction */
        CHECK_EQ(caught.signal, SIGILL);
        CHECK_EQ(caught.pc, code);
    }
    puts("dropped: ok");

    put(code, 9);
    CHECK_EQ(run(0, 0), 9);
    CHECK_EQ(munmap(code, 4096), 0);
    CATCH(run(0, 0));
    CHECK_EQ(caught.signal, SIGSEGV);
    CHECK_EQ(caught.code, SEGV_MAPERR);
    CHECK_EQ(caught.address, code);
    puts("unmapped: ok");
}
