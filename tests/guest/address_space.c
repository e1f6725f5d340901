/* The guest's address space and riv's own do not meet: huge reservations, fixed mappings all over, refused where riv
 * is. */
// native: no
// shadow: a sanitizer's lies where this maps memory
// expect: reservations: 8 of 128 GiB, one of 16 TiB
// expect: fixed: low 1, high 1, taken refused 1, above refused 1
// expect: swept: some refused or none, all mapped pages hold
// expect: whole address space refused
// expect: unmapping nothing is allowed
// expect: brk grows by 1 GiB and back
// expect: maps below 2^47 with no file of the host's
#define _GNU_SOURCE
#include <errno.h>
#include <sys/resource.h>

#include "check.h"

enum { GIB = 1 << 30 };
#define NONE (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)

static void *fixed(uint64_t at, uint64_t size, int flags) {
    return mmap((void *)at, size, PROT_READ | PROT_WRITE, NONE | flags, -1, 0);
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    void *reserved[8];
    int got = 0;
    for (int i = 0; i < 8; i++) {
        reserved[i] = mmap(NULL, 128ull * GIB, PROT_NONE, NONE, -1, 0);
        got += reserved[i] != MAP_FAILED;
    }
    char *large = mmap(NULL, 16384ull * GIB, PROT_NONE, NONE, -1, 0);
    printf("reservations: %d of 128 GiB, %s of 16 TiB\n", got, large == MAP_FAILED ? "none" : "one");
    CHECK_EQ(mprotect(large + 8192ull * GIB, 4096, PROT_READ | PROT_WRITE), 0);
    large[8192ull * GIB] = 1;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    CHECK(usage.ru_maxrss < 500000); /* KiB */
    CHECK_EQ(munmap(large, 16384ull * GIB), 0);
    for (int i = 0; i < 8; i++)
        CHECK_EQ(munmap(reserved[i], 128ull * GIB), 0);

    char *low = fixed(0x7ff0000000, 8192, MAP_FIXED_NOREPLACE), *high = fixed(0x3ffffffff000, 4096, MAP_FIXED);
    int refused = fixed(0x7ff0001000, 4096, MAP_FIXED_NOREPLACE) == MAP_FAILED && errno == EEXIST;
    int above = fixed(0x400000000000, 4096, MAP_FIXED) == MAP_FAILED && errno == ENOMEM;
    printf("fixed: low %d, high %d, taken refused %d, above refused %d\n", low == (char *)0x7ff0000000,
           high == (char *)0x3ffffffff000, refused, above);

    /* Every 16 GiB from 256 GiB on, and often where a host keeps programs and libraries; what is refused is riv's. */
    static uint64_t mapped[10000];
    unsigned n = 0;
    for (uint64_t at = UINT64_C(1) << 38; at < UINT64_C(1) << 47 && n < 10000; at += 16ull * GIB)
        if (fixed(at, 4096, MAP_FIXED) != MAP_FAILED)
            mapped[n++] = at;
    for (unsigned i = 0; i < n; i++)
        *(uint64_t *)mapped[i] = mapped[i];
    for (unsigned i = 0; i < n; i++) {
        CHECK_EQ(*(uint64_t *)mapped[i], mapped[i]);
        CHECK_EQ(munmap((void *)mapped[i], 4096), 0);
    }
    printf("swept: some refused or none, all mapped pages hold\n");
    void *whole = mmap((void *)0x10000000000, (UINT64_C(1) << 47) - 0x20000000000, PROT_NONE, NONE | MAP_FIXED, -1, 0);
    printf("whole address space %s\n", whole == MAP_FAILED && errno == ENOMEM ? "refused" : "mapped");
    printf("unmapping nothing is %s\n", munmap((void *)0x500000000000, 0x2f0000000000) == 0 ? "allowed" : "refused");
    char *before = sbrk(0);
    CHECK(sbrk(GIB) == before);
    before[GIB - 1] = 1;
    CHECK(sbrk(-GIB) != (void *)-1);
    printf("brk grows by 1 GiB and %s\n", sbrk(0) == before ? "back" : "not back");

    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    int foreign = 0;
    while (fgets(line, sizeof line, maps)) {
        uint64_t end = strtoull(strchr(line, '-') + 1, NULL, 16);
        foreign += end > UINT64_C(1) << 47 || strstr(line, ".so") || strstr(line, "/riv\n");
    }
    printf("maps below 2^47 with %s of the host's\n", foreign ? "files" : "no file");
    return 0;
}
