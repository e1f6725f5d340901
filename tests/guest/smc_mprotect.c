// native: no
// expect: toggled: ok
// expect: not executable: ok
// expect: not writable: ok
/* The manner of a W^X JIT: pages are writable or executable, never both, and change often. */
#include "check.h"

int main(void) {
    caught_install();
    uint32_t *code = check_map(8192, PROT_READ | PROT_WRITE);
    for (int i = 0; i < 1000; i++) {
        CHECK_EQ(mprotect(code, 8192, PROT_READ | PROT_WRITE), 0);
        code[0] = rv_addi(X_A0, X_A0, i);
        code[1] = RV_RET;
        code[1024] = rv_addi(X_A0, X_A0, 2 * (i & 511));
        code[1025] = RV_RET;
        CHECK_EQ(mprotect(code, 8192, PROT_READ | PROT_EXEC), 0);
        check_flush(code, 8192);
        CHECK_EQ(((code_fn *)code)(1, 0), 1 + i);
        CHECK_EQ(((code_fn *)(code + 1024))(1, 0), 1 + 2 * (i & 511));
    }
    puts("toggled: ok");

    for (int i = 0; i < 20; i++) {
        CHECK_EQ(((code_fn *)code)(1, 0), 1000);
        CHECK_EQ(mprotect(code, 4096, PROT_READ | PROT_WRITE), 0);
        CATCH(((code_fn *)code)(1, 0));
        CHECK_EQ(caught.signal, SIGSEGV);
        CHECK_EQ(caught.code, SEGV_ACCERR);
        CHECK_EQ(caught.address, code);
        CHECK_EQ(caught.pc, code);
        CHECK_EQ(((code_fn *)(code + 1024))(1, 0), 1 + 2 * (999 & 511));
        CHECK_EQ(mprotect(code, 4096, PROT_READ | PROT_EXEC), 0);
    }
    puts("not executable: ok");

    CATCH(*(volatile uint32_t *)&code[3] = 5);
    CHECK_EQ(caught.signal, SIGSEGV);
    CHECK_EQ(caught.code, SEGV_ACCERR);
    CHECK_EQ(caught.address, &code[3]);
    CHECK_EQ(code[3], 0);
    puts("not writable: ok");
}
