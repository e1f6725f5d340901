/* image.c: ELF files and raw binaries into guest RAM. Every size and offset in a file is checked before it is used. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot.h"

struct file {
    const char *path;
    uint8_t *bytes; /* NULL: an empty file */
    uint64_t size;
};

static bool file_open(struct file *f, const char *path, char *err, size_t n) {
    struct stat st;
    *f = (struct file){.path = path};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        snprintf(err, n, "cannot open %s: %s", path, strerror(errno));
    else if (!S_ISREG(st.st_mode))
        snprintf(err, n, "%s is not a file", path);
    else if (st.st_size == 0)
        snprintf(err, n, "%s is empty", path);
    else
        f->bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (f->bytes == MAP_FAILED) {
        snprintf(err, n, "cannot read %s: %s", path, strerror(errno));
        f->bytes = NULL;
    }
    if (fd >= 0)
        close(fd);
    if (f->bytes)
        f->size = (uint64_t)st.st_size;
    return f->bytes != NULL;
}

static void file_close(struct file *f) {
    if (f->bytes)
        munmap(f->bytes, f->size);
}

static const void *part(const struct file *f, uint64_t offset, uint64_t size) {
    return offset <= f->size && size <= f->size - offset ? f->bytes + offset : NULL;
}

bool image_reserve(struct image_set *set, uint64_t first, uint64_t size, const char *what, char *err, size_t n) {
    uint64_t last = first + (size - 1);
    for (unsigned i = 0; i < set->count; i++)
        if (first <= set->ranges[i].last && set->ranges[i].first <= last) {
            snprintf(err, n, "%s overlaps %s at 0x%" PRIx64, what, set->ranges[i].path,
                     first > set->ranges[i].first ? first : set->ranges[i].first);
            return false;
        }
    if (set->count == IMAGE_RANGES_MAX) {
        snprintf(err, n, "%s has too many parts", what);
        return false;
    }
    set->ranges[set->count].first = first;
    set->ranges[set->count].last = last;
    set->ranges[set->count++].path = what;
    return true;
}

/* Puts filled bytes and zeros up to size at address. */
static bool place(struct board *b, struct image_set *set, const struct file *f, uint64_t address, uint64_t size,
                  const void *bytes, uint64_t filled, struct image_info *info, char *err, size_t n) {
    uint8_t *host = bus_dma(b, address, size, true);
    if (!host) {
        snprintf(err, n, "%s does not fit: 0x%" PRIx64 " bytes at 0x%" PRIx64 " are not within RAM", f->path, size,
                 address);
        return false;
    }
    if (!image_reserve(set, address, size, f->path, err, n))
        return false;
    memcpy(host, bytes, filled);
    if (address < info->first)
        info->first = address;
    if (address + (size - 1) > info->last)
        info->last = address + (size - 1);
    return true;
}

static bool truncated(const struct file *f, char *err, size_t n) {
    snprintf(err, n, "%s is truncated or damaged", f->path);
    return false;
}

/* Header fields and tables of both classes, widened. */
static void read_ehdr(const struct file *f, Elf64_Ehdr *e) {
    memcpy(e, f->bytes, sizeof *e);
    if (f->bytes[EI_CLASS] == ELFCLASS64)
        return;
    Elf32_Ehdr narrow;
    memcpy(&narrow, f->bytes, sizeof narrow);
    e->e_type = narrow.e_type;
    e->e_machine = narrow.e_machine;
    e->e_entry = narrow.e_entry;
    e->e_phoff = narrow.e_phoff;
    e->e_shoff = narrow.e_shoff;
    e->e_phentsize = narrow.e_phentsize;
    e->e_phnum = narrow.e_phnum;
    e->e_shentsize = narrow.e_shentsize;
    e->e_shnum = narrow.e_shnum;
}

static bool read_phdr(const struct file *f, const Elf64_Ehdr *e, unsigned i, Elf64_Phdr *p) {
    if (f->bytes[EI_CLASS] == ELFCLASS64) {
        const void *at = e->e_phentsize == sizeof *p ? part(f, e->e_phoff + i * sizeof *p, sizeof *p) : NULL;
        if (at)
            memcpy(p, at, sizeof *p);
        return at != NULL;
    }
    Elf32_Phdr narrow;
    const void *at = e->e_phentsize == sizeof narrow ? part(f, e->e_phoff + i * sizeof narrow, sizeof narrow) : NULL;
    if (!at)
        return false;
    memcpy(&narrow, at, sizeof narrow);
    p->p_type = narrow.p_type;
    p->p_offset = narrow.p_offset;
    p->p_paddr = narrow.p_paddr;
    p->p_filesz = narrow.p_filesz;
    p->p_memsz = narrow.p_memsz;
    return true;
}

static bool read_shdr(const struct file *f, const Elf64_Ehdr *e, unsigned i, Elf64_Shdr *s) {
    if (f->bytes[EI_CLASS] == ELFCLASS64) {
        const void *at = e->e_shentsize == sizeof *s ? part(f, e->e_shoff + i * sizeof *s, sizeof *s) : NULL;
        if (at)
            memcpy(s, at, sizeof *s);
        return at != NULL;
    }
    Elf32_Shdr narrow;
    const void *at = e->e_shentsize == sizeof narrow ? part(f, e->e_shoff + i * sizeof narrow, sizeof narrow) : NULL;
    if (!at)
        return false;
    memcpy(&narrow, at, sizeof narrow);
    s->sh_type = narrow.sh_type;
    s->sh_offset = narrow.sh_offset;
    s->sh_size = narrow.sh_size;
    s->sh_link = narrow.sh_link;
    return true;
}

static void note_symbol(struct image_info *info, const char *name, uint64_t value) {
    struct {
        const char *name;
        uint64_t *to;
    } const wanted[] = {
        {"tohost", &info->tohost},
        {"fromhost", &info->fromhost},
        {"begin_signature", &info->signature_start},
        {"end_signature", &info->signature_end},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (strcmp(name, wanted[i].name) == 0)
            *wanted[i].to = value;
}

/* Symbols are a convenience: a damaged table has none. */
static void read_symbols(const struct file *f, const Elf64_Ehdr *e, struct image_info *info) {
    bool wide = f->bytes[EI_CLASS] == ELFCLASS64;
    uint64_t entry = wide ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
    Elf64_Shdr table, strings;
    for (unsigned i = 0; i < e->e_shnum; i++) {
        if (!read_shdr(f, e, i, &table) || table.sh_type != SHT_SYMTAB || !read_shdr(f, e, table.sh_link, &strings))
            continue;
        const uint8_t *symbols = part(f, table.sh_offset, table.sh_size);
        const char *names = part(f, strings.sh_offset, strings.sh_size);
        if (!symbols || !names || strings.sh_size == 0 || names[strings.sh_size - 1] != 0)
            continue;
        for (uint64_t at = 0; at + entry <= table.sh_size; at += entry) {
            Elf64_Sym wide_symbol;
            Elf32_Sym narrow;
            memcpy(&wide_symbol, symbols + at, wide ? sizeof wide_symbol : 0);
            memcpy(&narrow, symbols + at, wide ? 0 : sizeof narrow);
            uint64_t name = wide ? wide_symbol.st_name : narrow.st_name;
            if (name < strings.sh_size)
                note_symbol(info, names + name, wide ? wide_symbol.st_value : narrow.st_value);
        }
    }
}

static bool is_elf(const struct file *f) { return f->size >= SELFMAG && memcmp(f->bytes, ELFMAG, SELFMAG) == 0; }

static bool load_elf(struct board *b, struct image_set *set, const struct file *f, struct image_info *info, char *err,
                     size_t n) {
    Elf64_Ehdr e;
    if (f->size < sizeof e)
        return truncated(f, err, n);
    read_ehdr(f, &e);
    if (f->bytes[EI_DATA] != ELFDATA2LSB || e.e_machine != EM_RISCV || (e.e_type != ET_EXEC && e.e_type != ET_DYN)) {
        snprintf(err, n, "%s is not a RISC-V program", f->path);
        return false;
    }
    info->xlen = f->bytes[EI_CLASS] == ELFCLASS64 ? 64 : 32;
    info->entry = e.e_entry;
    unsigned loaded = 0;
    for (unsigned i = 0; i < e.e_phnum; i++) {
        Elf64_Phdr p;
        if (!read_phdr(f, &e, i, &p))
            return truncated(f, err, n);
        if (p.p_type != PT_LOAD || p.p_memsz == 0)
            continue;
        const void *bytes = part(f, p.p_offset, p.p_filesz);
        if (!bytes || p.p_filesz > p.p_memsz)
            return truncated(f, err, n);
        if (!place(b, set, f, p.p_paddr, p.p_memsz, bytes, p.p_filesz, info, err, n))
            return false;
        loaded++;
    }
    if (loaded == 0) {
        snprintf(err, n, "%s has nothing to load", f->path);
        return false;
    }
    read_symbols(f, &e, info);
    return true;
}

unsigned image_xlen(const char *path) {
    struct file f;
    char err[BOOT_ERROR_MAX];
    if (!file_open(&f, path, err, sizeof err))
        return 0;
    unsigned xlen = is_elf(&f) && f.size > EI_CLASS ? (f.bytes[EI_CLASS] == ELFCLASS32 ? 32 : 64) : 0;
    file_close(&f);
    return xlen;
}

bool image_load(struct board *b, struct image_set *set, const char *path, uint64_t address, struct image_info *info,
                char *err, size_t n) {
    struct file f;
    *info = (struct image_info){.entry = address, .first = UINT64_MAX};
    if (!file_open(&f, path, err, n))
        return false;
    bool gzip = f.size > 2 && f.bytes[0] == 0x1f && f.bytes[1] == 0x8b;
    bool done = false;
    if (gzip)
        snprintf(err, n, "%s is compressed; unpack it first (gunzip)", path);
    else if (is_elf(&f))
        done = load_elf(b, set, &f, info, err, n);
    else
        done = place(b, set, &f, address, f.size, f.bytes, f.size, info, err, n);
    /* A Linux Image says how much memory it takes beyond the file (Documentation/arch/riscv/boot-image-header.rst). */
    uint64_t whole;
    if (done && !is_elf(&f) && f.size > 0x40 && memcmp(f.bytes + 0x38, "RSC\x05", 4) == 0) {
        memcpy(&whole, f.bytes + 0x10, 8);
        if (whole > f.size && (!bus_dma(b, address, whole, true))) {
            snprintf(err, n, "%s does not fit: it takes 0x%" PRIx64 " bytes at 0x%" PRIx64, path, whole, address);
            done = false;
        } else if (whole > f.size) {
            done = image_reserve(set, address + f.size, whole - f.size, path, err, n);
            info->last = address + (whole - 1);
        }
    }
    file_close(&f);
    return done;
}

bool image_load_below(struct board *b, struct image_set *set, const char *path, uint64_t end, uint64_t *start,
                      uint64_t *size, char *err, size_t n) {
    struct file f;
    struct image_info info = {.first = UINT64_MAX};
    if (!file_open(&f, path, err, n))
        return false;
    *size = f.size;
    *start = f.size <= end ? (end - f.size) & ~UINT64_C(4095) : 0;
    bool done = place(b, set, &f, *start, f.size, f.bytes, f.size, &info, err, n);
    file_close(&f);
    return done;
}

bool signature_write(const struct board *b, const char *path, uint64_t start, uint64_t end, char *err, size_t n) {
    const uint8_t *host = end > start ? bus_dma(b, start, end - start, false) : NULL;
    if (!host) {
        snprintf(err, n, "the program has no begin_signature and end_signature in RAM");
        return false;
    }
    FILE *f = fopen(path, "w");
    bool done = f != NULL;
    for (uint64_t at = 0; done && at + 4 <= end - start; at += 4) {
        uint32_t word;
        memcpy(&word, host + at, 4);
        done = fprintf(f, "%08" PRIx32 "\n", word) > 0;
    }
    if (f && fclose(f) != 0)
        done = false;
    if (!done)
        snprintf(err, n, "cannot write %s: %s", path, strerror(errno));
    return done;
}
