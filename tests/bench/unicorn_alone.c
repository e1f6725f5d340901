/* unicorn_alone.c: a statically linked RV64 program under Unicorn with a hook and nothing else: what `riv diff` is
 * timed against.
 *
 *      unicorn_alone code|block PROGRAM [ARGUMENT]...
 *
 * The hook at each instruction (code) or block does nothing.  Of the system calls there are those that a C library's
 * start, printf and malloc make; others fail with ENOSYS.
 */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <unicorn/unicorn.h>

enum { PAGE = 4096, STACK_SIZE = 8 << 20, HEAP_SIZE = 64 << 20, MMAP_SIZE = 512 << 20 };
#define STACK_TOP UINT64_C(0x4000000000)
#define MMAP_BASE UINT64_C(0x2000000000)

static uc_engine *uc;
static uint64_t heap, heap_end, mmap_next = MMAP_BASE;
static int status;

static void check(uc_err e, const char *what) {
    if (e != UC_ERR_OK) {
        fprintf(stderr, "unicorn_alone: %s: %s\n", what, uc_strerror(e));
        exit(2);
    }
}

static void hook(uc_engine *engine, uint64_t address, uint32_t size, void *ctx) {}

static uint64_t reg(int number) {
    uint64_t v = 0;
    uc_reg_read(uc, number, &v);
    return v;
}

static int64_t call_write(uint64_t fd, uint64_t at, uint64_t n) {
    char *bytes = malloc(n + 1);
    int64_t done = bytes && uc_mem_read(uc, at, bytes, n) == UC_ERR_OK ? write((int)fd, bytes, n) : -14;
    free(bytes);
    return done;
}

static int64_t system_call(uint64_t number, uint64_t a, uint64_t b, uint64_t c) {
    switch (number) {
    case 64: /* write */
        return call_write(a, b, c);
    case 66: { /* writev */
        int64_t done = 0;
        for (uint64_t i = 0; i < c; i++) {
            uint64_t iov[2] = {0, 0};
            uc_mem_read(uc, b + i * sizeof iov, iov, sizeof iov);
            done += call_write(a, iov[0], iov[1]);
        }
        return done;
    }
    case 80: { /* fstat: a pipe */
        uint8_t s[128] = {[16] = 0, [17] = 0x10};
        uc_mem_write(uc, b, s, sizeof s);
        return 0;
    }
    case 93:
    case 94: /* exit, exit_group */
        status = (int)a;
        uc_emu_stop(uc);
        return 0;
    case 214: /* brk */
        if (a >= heap && a < heap + HEAP_SIZE)
            heap_end = a;
        return (int64_t)heap_end;
    case 222: { /* mmap, anonymous */
        uint64_t at = mmap_next;
        mmap_next += (b + PAGE - 1) & ~(uint64_t)(PAGE - 1);
        return mmap_next > MMAP_BASE + MMAP_SIZE ? -12 : (int64_t)at;
    }
    case 96: /* set_tid_address */
        return 1;
    case 99:  /* set_robust_list */
    case 215: /* munmap */
    case 226: /* mprotect */
    case 278: /* getrandom */
        return 0;
    default:
        return -38;
    }
}

static void on_interrupt(uc_engine *engine, uint32_t number, void *ctx) {
    uint64_t result =
        (uint64_t)system_call(reg(UC_RISCV_REG_A7), reg(UC_RISCV_REG_A0), reg(UC_RISCV_REG_A1), reg(UC_RISCV_REG_A2));
    uc_reg_write(uc, UC_RISCV_REG_A0, &result);
}

/* Returns the entry. */
static uint64_t load(const char *path, Elf64_Ehdr *header, uint64_t *phdr) {
    FILE *f = fopen(path, "rb");
    if (!f || fread(header, sizeof *header, 1, f) != 1 || header->e_machine != EM_RISCV ||
        header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_type != ET_EXEC) {
        fprintf(stderr, "unicorn_alone: %s: not a static RV64 program\n", path);
        exit(2);
    }
    uint64_t mapped = 0;
    for (unsigned i = 0; i < header->e_phnum; i++) {
        Elf64_Phdr p;
        fseek(f, (long)(header->e_phoff + i * sizeof p), SEEK_SET);
        if (fread(&p, sizeof p, 1, f) != 1)
            exit(2);
        if (p.p_type != PT_LOAD)
            continue;
        uint64_t start = p.p_vaddr & ~(uint64_t)(PAGE - 1),
                 end = (p.p_vaddr + p.p_memsz + PAGE - 1) & ~(uint64_t)(PAGE - 1);
        if (start < mapped)
            start = mapped;
        if (end > start)
            check(uc_mem_map(uc, start, end - start, UC_PROT_ALL), "map");
        mapped = end;
        if (p.p_offset == 0)
            *phdr = p.p_vaddr + header->e_phoff;
        void *bytes = malloc(p.p_filesz + 1);
        fseek(f, (long)p.p_offset, SEEK_SET);
        if (!bytes || fread(bytes, 1, p.p_filesz, f) != p.p_filesz)
            exit(2);
        check(uc_mem_write(uc, p.p_vaddr, bytes, p.p_filesz), "load");
        free(bytes);
    }
    fclose(f);
    heap = heap_end = mapped + PAGE;
    return header->e_entry;
}

static uint64_t push(uint64_t *sp, const void *bytes, size_t n) {
    *sp -= (n + 15) & ~(size_t)15;
    check(uc_mem_write(uc, *sp, bytes, n), "stack");
    return *sp;
}

int main(int argc, char **argv) {
    bool code = argc > 2 && strcmp(argv[1], "code") == 0;
    if (argc < 3 || argc > 40 || (!code && strcmp(argv[1], "block") != 0)) {
        fprintf(stderr, "usage: unicorn_alone code|block PROGRAM [ARGUMENT]...\n");
        return 2;
    }
    Elf64_Ehdr header;
    uint64_t phdr = 0, words[64], sp = STACK_TOP - 64, fs = 0;
    unsigned n = 0;
    uc_hook hooks[2];
    check(uc_open(UC_ARCH_RISCV, UC_MODE_RISCV64, &uc), "open");
    uint64_t entry = load(argv[2], &header, &phdr);
    check(uc_mem_map(uc, heap, HEAP_SIZE, UC_PROT_ALL), "heap");
    check(uc_mem_map(uc, MMAP_BASE, MMAP_SIZE, UC_PROT_ALL), "mmap");
    check(uc_mem_map(uc, STACK_TOP - STACK_SIZE, STACK_SIZE, UC_PROT_ALL), "stack");
    uint64_t random = push(&sp, "riv unicorn alone", 16);
    words[n++] = (uint64_t)argc - 2;
    for (int i = 2; i < argc; i++)
        words[n++] = push(&sp, argv[i], strlen(argv[i]) + 1);
    words[n++] = 0;
    words[n++] = 0;
    const uint64_t aux[] = {AT_PHDR, phdr,     AT_PHENT, header.e_phentsize, AT_PHNUM, header.e_phnum, AT_PAGESZ,
                            PAGE,    AT_ENTRY, entry,    AT_RANDOM,          random,   AT_SECURE,      0,
                            AT_NULL, 0};
    memcpy(&words[n], aux, sizeof aux);
    n += sizeof aux / sizeof *aux;
    push(&sp, words, n * sizeof *words);
    uc_reg_write(uc, UC_RISCV_REG_SP, &sp);
    uc_reg_read(uc, UC_RISCV_REG_MSTATUS, &fs);
    fs |= 0x6000;
    uc_reg_write(uc, UC_RISCV_REG_MSTATUS, &fs);
    check(uc_hook_add(uc, &hooks[0], code ? UC_HOOK_CODE : UC_HOOK_BLOCK, hook, NULL, 1, 0), "hook");
    check(uc_hook_add(uc, &hooks[1], UC_HOOK_INTR, on_interrupt, NULL, 1, 0), "hook");
    check(uc_emu_start(uc, entry, UINT64_MAX - 15, 0, 0), "run");
    return status;
}
