/* mini_run.c: runs a static riscv64 Linux program on the interpreter alone: for measuring it, nothing more.
 *
 *      mini_run [-t THRESHOLD] PROGRAM [ARGUMENT ...]
 *
 * A dozen system calls are passed to the host; the rest fail with ENOSYS.  The program is loaded where it asks to be, as
 * guest addresses are host addresses.  With -t, hot blocks are reported, set cold and counted.
 */
#include "../../cpu/interp.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { STACK = 8 << 20, PAGE = 4096 };
static uint64_t brk_start, brk_now;

static size_t fetch(void *ctx, uint64_t pc, const uint8_t **host, uint32_t *cause) {
    *host = (const uint8_t *)(uintptr_t)pc;
    *cause = TRAP_FETCH_PAGE;
    return pc < PAGE ? 0 : PAGE - pc % PAGE;
}
static bool watch_code(void *ctx, uint64_t addr) { return true; }

static void fail(const char *what) {
    perror(what);
    exit(2);
}

static uint64_t load(const char *path, Elf64_Ehdr *eh, uint64_t *phdr) {
    int fd = open(path, O_RDONLY);
    if (fd < 0 || pread(fd, eh, sizeof *eh, 0) != sizeof *eh || eh->e_machine != EM_RISCV || eh->e_type != ET_EXEC)
        fail(path);
    for (int i = 0; i < eh->e_phnum; i++) {
        Elf64_Phdr ph;
        if (pread(fd, &ph, sizeof ph, (off_t)(eh->e_phoff + (uint64_t)i * sizeof ph)) != sizeof ph)
            fail("phdr");
        if (ph.p_type != PT_LOAD)
            continue;
        uint64_t start = ph.p_vaddr & ~(uint64_t)(PAGE - 1), end = (ph.p_vaddr + ph.p_memsz + PAGE - 1) & ~(uint64_t)(PAGE - 1);
        if (mmap((void *)start, end - start, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) !=
            (void *)start)
            fail("mmap");
        if (pread(fd, (void *)ph.p_vaddr, ph.p_filesz, (off_t)ph.p_offset) != (ssize_t)ph.p_filesz)
            fail("read");
        if (ph.p_offset == 0)
            *phdr = ph.p_vaddr + eh->e_phoff;
        if (end > brk_start)
            brk_start = brk_now = end;
    }
    close(fd);
    return eh->e_entry;
}

static uint64_t make_stack(int argc, char **argv, const Elf64_Ehdr *eh, uint64_t phdr) {
    char *base = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    char *top = base + STACK - 64;
    uint64_t *random = (uint64_t *)(void *)top;
    random[0] = 0x1234567, random[1] = 0x89abcdef;
    uint64_t auxv[] = {AT_PHDR, phdr, AT_PHENT, sizeof(Elf64_Phdr), AT_PHNUM, eh->e_phnum, AT_PAGESZ, PAGE,
                       AT_ENTRY, eh->e_entry, AT_RANDOM, (uint64_t)random, AT_HWCAP, 0x112d, AT_CLKTCK, 100, AT_NULL, 0};
    size_t words = 1 + (size_t)argc + 1 + 1 + sizeof auxv / 8;
    uint64_t *sp = (uint64_t *)(((uintptr_t)top - words * 8) & ~(uintptr_t)15), *p = sp;
    *p++ = (uint64_t)argc;
    for (int i = 0; i < argc; i++)
        *p++ = (uint64_t)argv[i];
    *p++ = 0;
    *p++ = 0;
    memcpy(p, auxv, sizeof auxv);
    return (uint64_t)sp;
}

static int64_t result(int64_t r) { return r < 0 ? -errno : r; }

static int64_t system_call(struct hart *h) {
    uint64_t a = h->x[10], b = h->x[11], c = h->x[12], d = h->x[13];
    switch (h->x[17]) {
    case 64:
        return result(write((int)a, (void *)b, c));
    case 66:
        return result(writev((int)a, (void *)b, (int)c));
    case 63:
        return result(read((int)a, (void *)b, c));
    case 93:
    case 94:
        fflush(stdout);
        if (getenv("MINI_RUN_COUNT"))
            fprintf(stderr, "%llu instructions\n", (unsigned long long)interp_count(h));
        _exit((int)a);
    case 80: { /* fstat: only the type and block size matter */
        struct stat st;
        if (fstat((int)a, &st) < 0)
            return -errno;
        memset((void *)b, 0, 128);
        ((uint32_t *)b)[4] = st.st_mode;
        ((uint32_t *)b)[14] = 4096;
        return 0;
    }
    case 214:
        if (a >= brk_start) {
            uint64_t from = (brk_now + PAGE - 1) & ~(uint64_t)(PAGE - 1), to = (a + PAGE - 1) & ~(uint64_t)(PAGE - 1);
            if (to > from && mmap((void *)from, to - from, PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != (void *)from)
                return (int64_t)brk_now;
            brk_now = a;
        }
        return (int64_t)brk_now;
    case 222:
        return result((int64_t)mmap((void *)a, b, (int)c, (int)d, (int)h->x[14], (off_t)h->x[15]));
    case 215:
        return result(munmap((void *)a, b));
    case 226:
        return 0;
    case 278:
        return result(getrandom((void *)a, b, 0));
    case 113:
        return result(clock_gettime((int)a, (void *)b));
    case 96: case 99: case 178: case 172:
        return getpid();
    case 173:
        return result(getppid());
    default:
        return -ENOSYS;
    }
}

int main(int argc, char **argv) {
    static struct hart h;
    static struct isa isa;
    static struct guest_memory mem = {.fetch = fetch, .watch_code = watch_code};
    char err[200];
    unsigned threshold = 0, hot = 0;
    const char *cpu = getenv("MINI_RUN_CPU");
    int at = 1;
    if (argc > 2 && strcmp(argv[at], "-t") == 0)
        threshold = (unsigned)atoi(argv[2]), at = 3;
    if (at >= argc || !isa_parse(&isa, cpu ? cpu : "rv64gc", err, sizeof err))
        return 2;
    Elf64_Ehdr eh;
    uint64_t phdr = 0;
    h.pc = load(argv[at], &eh, &phdr);
    h.x[2] = make_stack(argc - at, argv + at, &eh, phdr);
    h.isa = &isa;
    h.xlen = 64;
    if (!interp_create(&h, &(struct interp_config){&mem, threshold}))
        return 2;
    bool steps = getenv("MINI_RUN_STEP") != NULL;
    for (;;) {
        enum interp_stop stop = steps ? interp_step(&h, 1000) : interp_run(&h);
        if (stop == INTERP_TRAP && h.trap.cause == TRAP_ECALL_U) {
            h.x[10] = (uint64_t)system_call(&h);
            h.pc += 4;
        } else if (stop == INTERP_HOT) {
            hot++;
            interp_set_cold(&h, h.pc);
        } else if (stop == INTERP_TRAP) {
            fprintf(stderr, "trap %u at %llx, tval %llx\n", h.trap.cause, (unsigned long long)h.pc,
                    (unsigned long long)h.trap.tval);
            return 1;
        }
    }
}
