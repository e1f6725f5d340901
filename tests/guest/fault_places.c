// native: no
// expect: page-crossing loads: ok
// expect: page-crossing stores: ok
// expect: jumps to nowhere: ok
// expect: data as code: ok
// expect: straddling instruction: ok
// expect: misaligned atomics: ok
// expect: stack: ok
/* Where faults are reported: accesses over a page's end, jumps to memory that cannot be executed, instructions of which
 * only the first half is there. */
#include "check.h"

static char *two_pages; /* the second one is not accessible */

#define LOAD(text, p, before)                                                                                          \
    ({                                                                                                                 \
        volatile uint64_t r_ = before;                                                                                 \
        uint64_t v_ = before;                                                                                          \
        CATCH(__asm__ volatile(text " %0, 0(%1)" : "+r"(v_) : "r"(p)); r_ = v_);                                       \
        r_;                                                                                                            \
    })

static __attribute__((noinline)) uint64_t recurse(uint64_t depth) {
    volatile char room[4096];
    room[0] = (char)depth;
    return depth == UINT64_MAX ? 0 : recurse(depth + 1) + (uint64_t)room[0];
}

int main(void) {
    caught_install();
    two_pages = check_map(12288, PROT_READ | PROT_WRITE | PROT_EXEC);
    CHECK_EQ(mprotect(two_pages + 4096, 4096, PROT_NONE), 0);
    char *edge = two_pages + 4096;

    for (volatile int round = 0; round < 100; round++)
        for (volatile int back = 1; back < 8; back++) {
            memset(edge - 8, 0x5a, 8);
            CHECK_EQ(LOAD("ld", edge - back, 77), 77);
            CHECK_EQ(caught.signal, SIGSEGV);
            CHECK_EQ(caught.code, SEGV_ACCERR);
            CHECK((char *)caught.address >= edge - back && (char *)caught.address <= edge);
            if (back < 4) {
                CHECK_EQ(LOAD("lwu", edge - back, 77), 77);
                CHECK_EQ(caught.signal, SIGSEGV);
            } else {
                CHECK_EQ(LOAD("lwu", edge - back, 77), 0x5a5a5a5a);
                CHECK_EQ(caught.signal, 0);
            }
        }
    puts("page-crossing loads: ok");

    for (volatile int round = 0; round < 100; round++)
        for (volatile int back = 1; back < 8; back++) {
            char *p = edge - back;
            CATCH(__asm__ volatile("sd %0, 0(%1)" ::"r"(-1L), "r"(p) : "memory"));
            CHECK_EQ(caught.signal, SIGSEGV);
            CHECK((char *)caught.address >= p && (char *)caught.address <= edge);
        }
    puts("page-crossing stores: ok");

    char *no_exec = check_map(4096, PROT_READ | PROT_WRITE);
    char *unmapped = check_map(4096, PROT_READ);
    CHECK_EQ(munmap(unmapped, 4096), 0);
    char *const targets[] = {no_exec,         no_exec + 2, no_exec + 4092, unmapped,
                             unmapped + 1234, edge,        NULL,           (char *)0x1000};
    for (volatile int round = 0; round < 50; round++)
        for (volatile unsigned i = 0; i < sizeof targets / sizeof targets[0]; i++) {
            CATCH(((code_fn *)targets[i])(1, 2));
            CHECK_EQ(caught.signal, SIGSEGV);
            CHECK_EQ(caught.address, targets[i]);
            CHECK_EQ(caught.pc, targets[i]);
            CHECK_EQ(caught.code, i < 3 || i == 5 ? SEGV_ACCERR : SEGV_MAPERR);
            CHECK(caught.ra > (uint64_t)main && caught.ra < (uint64_t)main + 0x4000);
        }
    puts("jumps to nowhere: ok");

    uint32_t *code = (uint32_t *)two_pages;
    static const uint32_t bad[] = {0,         0xffffffff, 0x0000006b, 0x00000073 | 7 << 20, 0x10000000 | 1 << 20 | 0x73,
                                   0x0000000b};
    for (volatile int round = 0; round < 50; round++)
        for (volatile unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
            code[0] = rv_addi(X_A0, X_A0, 1);
            code[1] = bad[i];
            check_flush(code, 8);
            CATCH(((code_fn *)code)(1, 2));
            CHECK_EQ(caught.signal, SIGILL);
            CHECK_EQ(caught.pc, code + 1);
            CHECK_EQ(caught.address, code + 1);
        }
    puts("data as code: ok");

    /* Four bytes over the page's end: the fault names the second page, the pc is the instruction. */
    uint32_t word = rv_addi(X_A0, X_A0, 5), ret = RV_RET;
    memcpy(edge - 6, &word, 4);
    memcpy(edge - 2, &ret, 2);
    for (volatile int round = 0; round < 50; round++) {
        check_flush(edge - 6, 6);
        CATCH(((code_fn *)(edge - 6))(1, 2));
        CHECK_EQ(caught.signal, SIGSEGV);
        CHECK_EQ(caught.pc, edge - 2);
        CHECK_EQ(caught.address, edge);
    }
    CHECK_EQ(mprotect(edge, 4096, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
    for (int i = 0; i < 200; i++) { /* then the second half comes, and changes */
        uint16_t half = (uint16_t)(i << 4 | word >> 16);
        memcpy(edge - 2, &word, 2);
        memcpy(edge, &half, 2);
        memcpy(edge + 2, &ret, 4);
        uint32_t full;
        memcpy(&full, edge - 2, 4);
        full = (full & 0x000fffff) | (uint32_t)i << 20;
        memcpy(edge - 2, &full, 4);
        check_flush(edge - 8, 16);
        CHECK_EQ(((code_fn *)(edge - 2))(1, 2), 1 + i);
        CHECK_EQ(((code_fn *)(edge - 6))(1, 2), 6 + i);
        full = (full & 0x000fffff) | (uint32_t)(i + 1) << 20;
        memcpy(edge, (char *)&full + 2, 2); /* only the second page is written */
        check_flush(edge, 2);
        CHECK_EQ(((code_fn *)(edge - 6))(1, 2), 7 + i);
    }
    puts("straddling instruction: ok");

    static _Alignas(64) char bytes[64];
    for (volatile int round = 0; round < 50; round++)
        for (volatile int offset = 1; offset < 8; offset++) {
            char *p = bytes + offset;
            CATCH(__asm__ volatile("amoadd.d zero, %0, (%1)" ::"r"(1L), "r"(p) : "memory"));
            CHECK_EQ(caught.signal, SIGBUS);
            CHECK_EQ(caught.code, BUS_ADRALN);
            CHECK_EQ(caught.address, p);
            CATCH(__asm__ volatile("lr.d t0, (%0)" ::"r"(p) : "t0", "memory"));
            CHECK_EQ(caught.signal, SIGBUS);
            CHECK_EQ(caught.address, p);
            CATCH(__asm__ volatile("amoswap.w zero, %0, (%1)" ::"r"(1L), "r"(p) : "memory"));
            CHECK_EQ(caught.signal, offset == 4 ? 0 : SIGBUS);
            if (offset == 4)
                bytes[4] = 0;
        }
    for (int i = 0; i < 64; i++)
        CHECK_EQ(bytes[i], 0);
    puts("misaligned atomics: ok");

    CATCH(recurse(0));
    CHECK_EQ(caught.signal, SIGSEGV);
    CATCH(recurse(0));
    CHECK_EQ(caught.signal, SIGSEGV);
    puts("stack: ok");
}
