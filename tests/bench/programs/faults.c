/* system: memory that is mapped, touched page by page and given back. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { PAGES = 256, PAGE = 4096 };

int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : 200;
    unsigned long sum = 0;
    for (int i = 0; i < rounds; i++) {
        unsigned char *p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED)
            return 1;
        madvise(p, PAGES * PAGE, MADV_NOHUGEPAGE);
        for (int n = 0; n < PAGES; n++)
            p[n * PAGE + i % PAGE] = (unsigned char)(n + i);
        for (int n = 0; n < PAGES; n++)
            sum += p[n * PAGE + i % PAGE];
        munmap(p, PAGES * PAGE);
    }
    printf("%lu\n", sum);
}
