/* mini_run.c: runs a riscv64 Linux program on the interpreter alone: for measuring it, nothing more.
 *
 *      mini_run [-L ROOT] [-p FILE] PROGRAM [ARGUMENT ...]
 *
 * A few system calls are passed to the host; the rest fail with ENOSYS.  Guest addresses are host addresses.  ROOT is
 * where absolute paths are looked for first.  -p writes what was executed: a line for each operation of each block,
 * "count kind rd rs1 rs2", blocks separated by empty lines; tests/tools/pick_fused.py makes cpu/interp_fuse.def's list
 * of it.
 */
#include "../../cpu/interp_internal.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { STACK = 8 << 20, PAGE = 4096 };
static uint64_t brk_start, brk_now;
static const char *root, *profile;

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

static const char *in_root(const char *path, char *buf, size_t n) {
    if (root == NULL || path[0] != '/')
        return path;
    snprintf(buf, n, "%s%s", root, path);
    return access(buf, F_OK) == 0 ? buf : path;
}

struct image {
    uint64_t base, entry, phdr, phnum, end;
    char interpreter[256];
};

static bool load(const char *path, struct image *im) {
    Elf64_Ehdr eh;
    int fd = open(path, O_RDONLY);
    if (fd < 0 || pread(fd, &eh, sizeof eh, 0) != sizeof eh || eh.e_machine != EM_RISCV)
        return false;
    if (eh.e_type == ET_DYN) /* room for the largest; what is not used costs nothing */
        im->base = (uint64_t)mmap(NULL, 256u << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    for (int i = 0; i < eh.e_phnum; i++) {
        Elf64_Phdr ph;
        if (pread(fd, &ph, sizeof ph, (off_t)(eh.e_phoff + (uint64_t)i * sizeof ph)) != sizeof ph)
            return false;
        if (ph.p_type == PT_INTERP && pread(fd, im->interpreter, sizeof im->interpreter - 1, (off_t)ph.p_offset) < 0)
            return false;
        if (ph.p_type != PT_LOAD)
            continue;
        uint64_t at = im->base + ph.p_vaddr, start = at & ~(uint64_t)(PAGE - 1);
        uint64_t end = (at + ph.p_memsz + PAGE - 1) & ~(uint64_t)(PAGE - 1);
        if (mmap((void *)start, end - start, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | (im->base ? MAP_FIXED : MAP_FIXED_NOREPLACE), -1, 0) != (void *)start ||
            pread(fd, (void *)at, ph.p_filesz, (off_t)ph.p_offset) != (ssize_t)ph.p_filesz)
            return false;
        if (ph.p_offset == 0)
            im->phdr = at + eh.e_phoff;
        if (end > im->end)
            im->end = end;
    }
    close(fd);
    im->entry = im->base + eh.e_entry;
    im->phnum = eh.e_phnum;
    return true;
}

static uint64_t make_stack(int argc, char **argv, const struct image *im, uint64_t interpreter) {
    char *base = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    char *top = base + STACK - 64;
    uint64_t *random = (uint64_t *)(void *)top;
    random[0] = 0x1234567, random[1] = 0x89abcdef;
    uint64_t auxv[] = {
        AT_PHDR, im->phdr, AT_PHENT,  sizeof(Elf64_Phdr), AT_PHNUM,         im->phnum, AT_BASE, interpreter, AT_PAGESZ,
        PAGE,    AT_ENTRY, im->entry, AT_RANDOM,          (uint64_t)random, AT_HWCAP,  0x112d,  AT_CLKTCK,   100,
        AT_NULL, 0};
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

static const char *const kind_names[OP_COUNT] = {
#define INSN(id, pattern, format, ext, effect) [INSN_##id] = #id,
#include "../../cpu/riscv.def"
#define FORM(name, base, a, b, shape) [OP_##name] = #name,
#include "../../cpu/interp_fuse.def"
};

static void write_profile(struct hart *h) {
    FILE *f = fopen(profile, "w");
    if (f == NULL)
        fail(profile);
    struct draft *d = h->interp->draft;
    for (struct block *b = h->interp->blocks; b != NULL; b = b->list_next) {
        int64_t n = b->entered + b->count;
        if (n == 0 || !interp_decode(h, b->pc, BLOCK_MAX_INSNS, false))
            continue;
        for (unsigned i = 0; i < b->ops; i++) {
            if (b->offsets[i] == OFFSET_LINK)
                n -= block_ops(b)[i].exits;
            else if (b->offsets[i] != OFFSET_RECORD && kind_names[d->kinds[i]] != NULL)
                fprintf(f, "%lld %s %d %d %d\n", (long long)n, kind_names[d->kinds[i]], d->ops[i].rd, d->ops[i].rs1,
                        d->ops[i].rs2);
        }
        fprintf(f, "\n");
    }
    fclose(f);
}

static void stat_for_guest(const struct stat *st, uint64_t to) {
    uint64_t *q = (uint64_t *)to;
    uint32_t *w = (uint32_t *)to;
    memset(q, 0, 128);
    q[0] = st->st_dev, q[1] = st->st_ino, w[4] = st->st_mode, w[5] = (uint32_t)st->st_nlink, w[6] = st->st_uid;
    w[7] = st->st_gid, q[4] = st->st_rdev, q[6] = (uint64_t)st->st_size, w[14] = PAGE, q[8] = (uint64_t)st->st_blocks;
    q[9] = (uint64_t)st->st_atime, q[11] = (uint64_t)st->st_mtime, q[13] = (uint64_t)st->st_ctime;
}

static int64_t system_call(struct hart *h) {
    char path[4096];
    struct stat st;
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
        if (profile)
            write_profile(h);
        _exit((int)a);
    case 80:
        if (fstat((int)a, &st) < 0)
            return -errno;
        stat_for_guest(&st, b);
        return 0;
    case 79:
        if (fstatat((int)a, in_root((char *)b, path, sizeof path), &st, (int)d) < 0)
            return -errno;
        stat_for_guest(&st, c);
        return 0;
    case 56:
        return result(openat((int)a, in_root((char *)b, path, sizeof path), (int)c, (mode_t)d));
    case 57:
        return result(a > 2 ? close((int)a) : 0);
    case 62:
        return result(lseek((int)a, (off_t)b, (int)c));
    case 67:
        return result(pread((int)a, (void *)b, c, (off_t)d));
    case 174:
    case 175:
    case 176:
    case 177: /* getuid and friends */
        return 0;
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
        return result((int64_t)mmap((void *)a, b, (int)c & ~PROT_EXEC, (int)d, (int)h->x[14], (off_t)h->x[15]));
    case 215:
        return result(munmap((void *)a, b));
    case 226:
        return 0;
    case 278:
        return result(getrandom((void *)a, b, 0));
    case 113:
        return result(clock_gettime((int)a, (void *)b));
    case 98:
        return result(syscall(SYS_futex, a, b, c, d, h->x[14], h->x[15]));
    case 29:
        return -ENOTTY;
    case 17:
        return result(syscall(SYS_getcwd, a, b));
    case 48:
        return result(faccessat((int)a, in_root((char *)b, path, sizeof path), (int)c, 0));
    case 25:
        return result(fcntl((int)a, (int)b, c));
    case 61:
        return result(syscall(SYS_getdents64, a, b, c));
    case 134:
    case 135:
    case 233:
    case 132: /* signals, madvise */
        return 0;
    case 96:
    case 99:
    case 178:
    case 172:
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
    const char *cpu = getenv("MINI_RUN_CPU");
    int opt;
    while ((opt = getopt(argc, argv, "+L:p:")) != -1) {
        if (opt == 'L')
            root = optarg;
        else if (opt == 'p')
            profile = optarg;
        else
            return 2;
    }
    if (optind >= argc || !isa_parse(&isa, cpu ? cpu : "rv64gc", err, sizeof err))
        return 2;
    struct image program = {0}, interpreter = {0};
    char path[4096];
    if (!load(in_root(argv[optind], path, sizeof path), &program) ||
        (program.interpreter[0] && !load(in_root(program.interpreter, path, sizeof path), &interpreter)))
        fail(argv[optind]);
    brk_start = brk_now = program.end;
    h.pc = program.interpreter[0] ? interpreter.entry : program.entry;
    h.x[2] = make_stack(argc - optind, argv + optind, &program, interpreter.base);
    h.isa = &isa;
    h.xlen = 64;
    if (!interp_create(&h, &(struct interp_config){&mem, 0}))
        return 2;
    bool steps = getenv("MINI_RUN_STEP") != NULL;
    for (;;) {
        enum interp_stop stop = steps ? interp_step(&h, 1000) : interp_run(&h);
        if (stop == INTERP_TRAP && h.trap.cause == TRAP_ECALL_U) {
            h.x[10] = (uint64_t)system_call(&h);
            h.pc += 4;
        } else if (stop == INTERP_TRAP) {
            fprintf(stderr, "trap %u at %llx, tval %llx\n", h.trap.cause, (unsigned long long)h.pc,
                    (unsigned long long)h.trap.tval);
            return 1;
        }
    }
}
