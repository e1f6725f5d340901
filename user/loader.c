/* loader.c: checks and maps ELF programs (System V ABI, chapters 4 and 5; RISC-V ELF psABI).
 *
 * All of the headers are checked before anything is mapped, with offsets and sizes held against the file's real size.
 */
#include <elf.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader.h"
#include "mmap.h"
#include "paths.h"
#include "user.h"

#define PHDRS_MAX 128
#define PIE_BASE_64 UINT64_C(0x2aaaaaa000) /* two thirds of an Sv39 address space, as the kernel's ELF_ET_DYN_BASE */
#define PIE_BASE_32 UINT64_C(0x20000000)
#define LIMIT_64 (UINT64_C(1) << 46)
#define LIMIT_32 UINT64_C(0xc0000000)

/* Headers of either class in one form. */
struct elf {
    int fd;
    uint64_t file_size;
    bool rv32;
    uint16_t type, phnum;
    uint64_t entry, phoff;
    uint32_t flags;
    Elf64_Phdr ph[PHDRS_MAX];
    uint64_t low, high; /* page-aligned span of the PT_LOADs */
    uint64_t bias;
};

__attribute__((format(printf, 4, 5))) static bool fail(struct load_error *e, int error, int status, const char *format,
                                                       ...) {
    va_list ap;
    va_start(ap, format);
    e->error = error;
    e->status = status;
    vsnprintf(e->text, sizeof e->text, format, ap);
    va_end(ap);
    return false;
}

static bool bad(struct load_error *e, const char *reason) { return fail(e, ENOEXEC, 126, "%s", reason); }

static bool read_at(int fd, void *to, size_t n, uint64_t offset) {
    for (size_t done = 0; done < n;) {
        ssize_t r = pread(fd, (char *)to + done, n - done, (off_t)(offset + done));
        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            return false;
        done += (size_t)r;
    }
    return true;
}

static bool read_headers(struct elf *elf, struct load_error *e) {
    union {
        unsigned char ident[EI_NIDENT];
        Elf32_Ehdr h32;
        Elf64_Ehdr h64;
    } h;
    memset(&h, 0, sizeof h);
    if (elf->file_size < EI_NIDENT || !read_at(elf->fd, h.ident, EI_NIDENT, 0))
        return bad(e, "truncated ELF header");
    int class = h.ident[EI_CLASS];
    if (class != ELFCLASS64 && class != ELFCLASS32)
        return bad(e, "unknown ELF class");
    elf->rv32 = class == ELFCLASS32;
    if (h.ident[EI_DATA] != ELFDATA2LSB)
        return bad(e, h.ident[EI_DATA] == ELFDATA2MSB ? "big-endian ELF file" : "unknown ELF byte order");
    size_t size = elf->rv32 ? sizeof h.h32 : sizeof h.h64;
    if (elf->file_size < size || !read_at(elf->fd, &h, size, 0))
        return bad(e, "truncated ELF header");
    uint32_t version = elf->rv32 ? h.h32.e_version : h.h64.e_version;
    uint16_t machine = elf->rv32 ? h.h32.e_machine : h.h64.e_machine;
    if (h.ident[EI_VERSION] != EV_CURRENT || version != EV_CURRENT)
        return bad(e, "unknown ELF version");
    if (machine != EM_RISCV)
        return fail(e, ENOEXEC, 126, "not a RISC-V program (ELF machine %u)", machine);
    elf->type = elf->rv32 ? h.h32.e_type : h.h64.e_type;
    if (elf->type != ET_EXEC && elf->type != ET_DYN)
        return bad(e, elf->type == ET_REL ? "object file, not a linked program" : "not an executable ELF file");
    elf->entry = elf->rv32 ? h.h32.e_entry : h.h64.e_entry;
    elf->phoff = elf->rv32 ? h.h32.e_phoff : h.h64.e_phoff;
    elf->phnum = elf->rv32 ? h.h32.e_phnum : h.h64.e_phnum;
    elf->flags = elf->rv32 ? h.h32.e_flags : h.h64.e_flags;
    if (elf->flags & EF_RISCV_RVE)
        return bad(e, "program for RV32E or RV64E, which have 16 registers");
    uint16_t phentsize = elf->rv32 ? h.h32.e_phentsize : h.h64.e_phentsize;
    size_t want = elf->rv32 ? sizeof(Elf32_Phdr) : sizeof(Elf64_Phdr);
    if (elf->phnum == 0)
        return bad(e, "no program headers");
    if (elf->phnum > PHDRS_MAX)
        return bad(e, "too many program headers");
    if (phentsize != want)
        return bad(e, "program headers of unknown size");
    if (elf->phoff > elf->file_size || elf->phnum * want > elf->file_size - elf->phoff)
        return bad(e, "truncated program headers");
    for (unsigned i = 0; i < elf->phnum; i++) {
        Elf64_Phdr *p = &elf->ph[i];
        Elf32_Phdr q;
        if (!read_at(elf->fd, elf->rv32 ? (void *)&q : (void *)p, want, elf->phoff + i * want))
            return bad(e, "truncated program headers");
        if (elf->rv32)
            *p = (Elf64_Phdr){q.p_type, q.p_flags, q.p_offset, q.p_vaddr, q.p_paddr, q.p_filesz, q.p_memsz, q.p_align};
    }
    return true;
}

static bool check_segments(struct elf *elf, struct load_error *e) {
    uint64_t limit = elf->rv32 ? LIMIT_32 : LIMIT_64;
    elf->low = UINT64_MAX;
    elf->high = 0;
    for (unsigned i = 0; i < elf->phnum; i++) {
        const Elf64_Phdr *p = &elf->ph[i];
        if (p->p_type == PT_INTERP && (p->p_filesz < 2 || p->p_filesz > PATH_MAX))
            return bad(e, "bad interpreter name");
        if (p->p_type != PT_LOAD && p->p_type != PT_INTERP)
            continue;
        if (p->p_offset > elf->file_size || p->p_filesz > elf->file_size - p->p_offset)
            return bad(e, "truncated: a segment lies beyond the end of the file");
        if (p->p_type != PT_LOAD || p->p_memsz == 0)
            continue;
        if (p->p_filesz > p->p_memsz)
            return bad(e, "a segment's file size exceeds its memory size");
        if (p->p_vaddr >= limit || p->p_memsz > limit - p->p_vaddr)
            return bad(e, "a segment lies outside of the address space");
        if (p->p_vaddr % GUEST_PAGE != p->p_offset % GUEST_PAGE)
            return bad(e, "a segment's address and file offset differ within a page");
        for (unsigned j = 0; j < i; j++) {
            const Elf64_Phdr *q = &elf->ph[j];
            if (q->p_type == PT_LOAD && q->p_vaddr < p->p_vaddr + p->p_memsz && p->p_vaddr < q->p_vaddr + q->p_memsz)
                return bad(e, "segments overlap");
        }
        if (PAGE_DOWN(p->p_vaddr) < elf->low)
            elf->low = PAGE_DOWN(p->p_vaddr);
        if (PAGE_UP(p->p_vaddr + p->p_memsz) > elf->high)
            elf->high = PAGE_UP(p->p_vaddr + p->p_memsz);
    }
    if (elf->high == 0)
        return bad(e, "no segment to load");
    bool inside = false;
    for (unsigned i = 0; i < elf->phnum; i++)
        inside |= elf->ph[i].p_type == PT_LOAD && elf->entry - elf->ph[i].p_vaddr < elf->ph[i].p_memsz;
    if (!inside || elf->entry % 2)
        return bad(e, "the entry point lies in no segment");
    return true;
}

static bool elf_read(struct elf *elf, int fd, struct load_error *e) {
    struct stat st;
    if (fstat(fd, &st) != 0)
        return fail(e, errno, 126, "%s", strerror(errno));
    memset(elf, 0, offsetof(struct elf, ph));
    elf->fd = fd;
    elf->file_size = (uint64_t)st.st_size;
    return read_headers(elf, e) && check_segments(elf, e);
}

/* Linux: fs/binfmt_script.c */
static bool parse_script(char *line, struct script *s, struct load_error *e) {
    char *end = strchr(line, '\n');
    if (!end && strlen(line) == SCRIPT_LINE - 1 && !strpbrk(line + 2 + strspn(line + 2, " \t"), " \t"))
        return bad(e, "the script's first line is too long");
    if (end)
        *end = 0;
    char *p = line + 2 + strspn(line + 2, " \t");
    for (char *last = p + strlen(p); last > p && (last[-1] == ' ' || last[-1] == '\t');)
        *--last = 0;
    if (*p == 0)
        return bad(e, "script that names no interpreter");
    s->interpreter = p;
    p += strcspn(p, " \t");
    s->argument = NULL;
    if (*p) {
        *p++ = 0;
        s->argument = p + strspn(p, " \t");
    }
    return true;
}

enum file_kind loader_examine(int fd, struct script *script, struct load_error *e) {
    struct stat st;
    if (fstat(fd, &st) != 0) {
        fail(e, errno, 126, "%s", strerror(errno));
        return FILE_BAD;
    }
    if (!S_ISREG(st.st_mode)) {
        fail(e, EACCES, 126, S_ISDIR(st.st_mode) ? "is a directory" : "not a regular file");
        return FILE_BAD;
    }
    char *line = script->line;
    ssize_t n = pread(fd, line, SCRIPT_LINE - 1, 0);
    if (n < 0) {
        fail(e, errno, 126, "%s", strerror(errno));
        return FILE_BAD;
    }
    line[n] = 0;
    if (n == 0) {
        bad(e, "empty file");
    } else if (n >= 2 && line[0] == '#' && line[1] == '!') {
        if (parse_script(line, script, e))
            return FILE_SCRIPT;
    } else if (memcmp(line, ELFMAG, n < SELFMAG ? (size_t)n : SELFMAG) != 0) {
        bad(e, "not an ELF program");
    } else {
        struct elf elf;
        if (elf_read(&elf, fd, e))
            return FILE_PROGRAM;
    }
    return FILE_BAD;
}

static bool map_failed(struct load_error *e, int64_t error) {
    if (error == -EEXIST || error == -EPERM)
        return fail(e, ENOMEM, 1, "its addresses are not free in this process");
    return fail(e, (int)-error, 1, "cannot map it: %s", strerror((int)-error));
}

static bool map_segment(const struct elf *elf, const Elf64_Phdr *p, struct load_error *e) {
    int prot = (p->p_flags & PF_R ? PROT_READ : 0) | (p->p_flags & PF_W ? PROT_WRITE : 0) |
               (p->p_flags & PF_X ? PROT_EXEC : 0);
    uint64_t start = PAGE_DOWN(elf->bias + p->p_vaddr), file_end = elf->bias + p->p_vaddr + p->p_filesz,
             end = PAGE_UP(elf->bias + p->p_vaddr + p->p_memsz), anon = p->p_filesz ? PAGE_UP(file_end) : start;
    if (p->p_filesz) {
        int64_t r = guest_mmap(start, anon - start, prot, MAP_PRIVATE | MAP_FIXED, elf->fd, PAGE_DOWN(p->p_offset), 0);
        if (r < 0)
            return map_failed(e, r);
        /* The rest of the last page belongs to bss; the kernel clears it only where that is allowed. */
        if ((prot & PROT_WRITE) && p->p_memsz > p->p_filesz && anon > file_end &&
            guest_copy((void *)file_end, (const char[GUEST_PAGE]){0}, anon - file_end) != 0)
            return bad(e, "cannot clear the end of its data");
    }
    if (end > anon) {
        int64_t r = guest_mmap(anon, end - anon, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0, 0);
        if (r < 0)
            return map_failed(e, r);
    }
    return true;
}

/* Takes the whole span first, so that segments cannot fall on anything else. */
static bool map_elf(struct elf *elf, uint64_t pie_base, struct load_error *e) {
    uint64_t size = elf->high - elf->low;
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    int64_t base = elf->type == ET_EXEC ? guest_mmap(elf->low, size, PROT_NONE, flags | MAP_FIXED_NOREPLACE, -1, 0, 0)
                                        : guest_mmap(pie_base, size, PROT_NONE, flags, -1, 0, 0);
    if (base < 0)
        return map_failed(e, base);
    elf->bias = (uint64_t)base - elf->low;
    for (unsigned i = 0; i < elf->phnum; i++)
        if (elf->ph[i].p_type == PT_LOAD && elf->ph[i].p_memsz && !map_segment(elf, &elf->ph[i], e))
            return false;
    /* Holes between segments are nobody's. */
    for (uint64_t at = elf->low; at < elf->high; at += GUEST_PAGE) {
        uint64_t next = elf->high;
        bool used = false;
        for (unsigned i = 0; i < elf->phnum; i++) {
            const Elf64_Phdr *p = &elf->ph[i];
            if (p->p_type != PT_LOAD || !p->p_memsz)
                continue;
            if (PAGE_DOWN(p->p_vaddr) <= at && at < PAGE_UP(p->p_vaddr + p->p_memsz)) {
                at = PAGE_UP(p->p_vaddr + p->p_memsz) - GUEST_PAGE;
                used = true;
                break;
            }
            if (p->p_vaddr > at && PAGE_DOWN(p->p_vaddr) < next)
                next = PAGE_DOWN(p->p_vaddr);
        }
        if (!used) {
            guest_munmap(elf->bias + at, next - at);
            at = next - GUEST_PAGE;
        }
    }
    return true;
}

static uint64_t phdr_address(const struct elf *elf) {
    for (unsigned i = 0; i < elf->phnum; i++)
        if (elf->ph[i].p_type == PT_PHDR)
            return elf->bias + elf->ph[i].p_vaddr;
    for (unsigned i = 0; i < elf->phnum; i++) {
        const Elf64_Phdr *p = &elf->ph[i];
        if (p->p_type == PT_LOAD && p->p_offset <= elf->phoff && elf->phoff - p->p_offset < p->p_filesz)
            return elf->bias + p->p_vaddr + (elf->phoff - p->p_offset);
    }
    return 0;
}

/* The program named by PT_INTERP, mapped and entered first. */
static bool map_interpreter(const struct elf *program, const Elf64_Phdr *p, struct image *image, struct load_error *e) {
    char name[PATH_MAX + 1], host[PATH_MAX];
    if (!read_at(program->fd, name, p->p_filesz, p->p_offset) || name[p->p_filesz - 1] != 0)
        return bad(e, "bad interpreter name");
    const char *path = path_resolve(name, host, true);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail(e, errno, 127, "its interpreter %.160s: %s (give its root directory with -L)", name,
                    strerror(errno));
    struct elf elf;
    struct load_error inner;
    bool ok = elf_read(&elf, fd, &inner);
    if (ok && elf.rv32 != program->rv32) {
        ok = bad(&inner, "wrong ELF class");
    }
    ok = ok && map_elf(&elf, elf.rv32 ? PIE_BASE_32 * 2 : 0, &inner);
    close(fd);
    if (!ok)
        return fail(e, ELIBBAD, inner.status, "its interpreter %.100s: %.120s", name, inner.text);
    image->interp_base = elf.bias;
    image->entry = elf.bias + elf.entry;
    return true;
}

bool loader_map(int fd, struct image *image, struct load_error *e) {
    struct elf elf;
    if (!elf_read(&elf, fd, e) || !map_elf(&elf, elf.rv32 ? PIE_BASE_32 : PIE_BASE_64, e))
        return false;
    *image = (struct image){
        .entry = elf.bias + elf.entry,
        .program_entry = elf.bias + elf.entry,
        .phdr = phdr_address(&elf),
        .phnum = elf.phnum,
        .phent = elf.rv32 ? sizeof(Elf32_Phdr) : sizeof(Elf64_Phdr),
        .end = elf.bias + elf.high,
        .rv32 = elf.rv32,
        .elf_flags = elf.flags,
    };
    for (unsigned i = 0; i < elf.phnum; i++)
        if (elf.ph[i].p_type == PT_INTERP)
            return map_interpreter(&elf, &elf.ph[i], image, e);
    return true;
}
