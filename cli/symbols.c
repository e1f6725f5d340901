/* symbols.c: reads symbol tables and finds functions by address and by name. */
#include "symbols.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MISS_SLOTS = 256, LOOK_BACK = 16 };

struct object {
    struct object *next;
    char *path;
    uint64_t bias;
    const uint8_t *image; /* the whole file, mapped for its strings */
    size_t bytes;
    struct symbol *list; /* ascending by start */
    size_t count;
};
struct range {
    uint64_t start, end;
    struct object *object;
};
struct symbols {
    pthread_mutex_t lock;
    struct object *objects;
    struct range *ranges; /* executable mappings of objects */
    size_t range_count, range_room;
    uint64_t misses[MISS_SLOTS]; /* page + 1 */
};

/* What both classes of ELF have in common, widened. */
struct header {
    bool wide;
    uint64_t phoff, shoff;
    unsigned phnum, shnum, phentsize, shentsize;
};
struct section {
    uint32_t type, link;
    uint64_t flags, offset, size, entsize;
};
struct segment {
    uint32_t type;
    uint64_t vaddr, offset, filesz;
};

struct symbols *symbols_create(void) {
    return calloc(1, sizeof(struct symbols));
}

void symbols_destroy(struct symbols *s) {
    if (!s)
        return;
    while (s->objects) {
        struct object *o = s->objects;
        s->objects = o->next;
        munmap((void *)o->image, o->bytes);
        free(o->list);
        free(o->path);
        free(o);
    }
    free(s->ranges);
    free(s);
}

void symbols_forget_misses(struct symbols *s) {
    pthread_mutex_lock(&s->lock);
    memset(s->misses, 0, sizeof s->misses);
    pthread_mutex_unlock(&s->lock);
}

void symbols_hold(struct symbols *s) { pthread_mutex_lock(&s->lock); }
void symbols_release(struct symbols *s) { pthread_mutex_unlock(&s->lock); }

static bool inside(const struct object *o, uint64_t offset, uint64_t size) {
    return offset <= o->bytes && size <= o->bytes - offset;
}

static bool read_header(const struct object *o, struct header *h) {
    if (o->bytes < sizeof(Elf32_Ehdr) || memcmp(o->image, ELFMAG, SELFMAG) != 0 || o->image[EI_DATA] != ELFDATA2LSB)
        return false;
    h->wide = o->image[EI_CLASS] == ELFCLASS64;
    if (h->wide) {
        Elf64_Ehdr e;
        if (o->bytes < sizeof e)
            return false;
        memcpy(&e, o->image, sizeof e);
        *h = (struct header){true, e.e_phoff, e.e_shoff, e.e_phnum, e.e_shnum, e.e_phentsize, e.e_shentsize};
        if (h->phentsize < sizeof(Elf64_Phdr) || (h->shnum && h->shentsize < sizeof(Elf64_Shdr)))
            return false;
    } else {
        Elf32_Ehdr e;
        memcpy(&e, o->image, sizeof e);
        *h = (struct header){false, e.e_phoff, e.e_shoff, e.e_phnum, e.e_shnum, e.e_phentsize, e.e_shentsize};
        if (h->phentsize < sizeof(Elf32_Phdr) || (h->shnum && h->shentsize < sizeof(Elf32_Shdr)))
            return false;
    }
    return inside(o, h->phoff, (uint64_t)h->phnum * h->phentsize) &&
           inside(o, h->shoff, (uint64_t)h->shnum * h->shentsize);
}

static struct section section_at(const struct object *o, const struct header *h, unsigned i) {
    const uint8_t *at = o->image + h->shoff + (uint64_t)i * h->shentsize;
    if (h->wide) {
        Elf64_Shdr s;
        memcpy(&s, at, sizeof s);
        return (struct section){s.sh_type, s.sh_link, s.sh_flags, s.sh_offset, s.sh_size, s.sh_entsize};
    }
    Elf32_Shdr s;
    memcpy(&s, at, sizeof s);
    return (struct section){s.sh_type, s.sh_link, s.sh_flags, s.sh_offset, s.sh_size, s.sh_entsize};
}

static struct segment segment_at(const struct object *o, const struct header *h, unsigned i) {
    const uint8_t *at = o->image + h->phoff + (uint64_t)i * h->phentsize;
    if (h->wide) {
        Elf64_Phdr p;
        memcpy(&p, at, sizeof p);
        return (struct segment){p.p_type, p.p_vaddr, p.p_offset, p.p_filesz};
    }
    Elf32_Phdr p;
    memcpy(&p, at, sizeof p);
    return (struct segment){p.p_type, p.p_vaddr, p.p_offset, p.p_filesz};
}

static int by_start(const void *a, const void *b) {
    const struct symbol *x = a, *y = b;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    if (x->function != y->function) /* the better name last, as looking up goes backwards */
        return x->function ? 1 : -1;
    if (x->size != y->size)
        return x->size < y->size ? 1 : -1;
    return -strcmp(x->name, y->name);
}

/* The symbols of one table that name code. */
static bool read_table(struct object *o, const struct header *h, const struct section *table) {
    if (table->link >= h->shnum || !table->entsize || !inside(o, table->offset, table->size))
        return true;
    struct section strings = section_at(o, h, table->link);
    if (!inside(o, strings.offset, strings.size) || !strings.size || o->image[strings.offset + strings.size - 1] != 0 ||
        table->entsize < (h->wide ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym)))
        return true;
    size_t n = table->size / table->entsize;
    o->list = calloc(n + 1, sizeof *o->list);
    if (!o->list)
        return false;
    for (size_t i = 0; i < n; i++) {
        Elf64_Sym s;
        const uint8_t *at = o->image + table->offset + i * table->entsize;
        if (h->wide) {
            memcpy(&s, at, sizeof s);
        } else {
            Elf32_Sym narrow;
            memcpy(&narrow, at, sizeof narrow);
            s = (Elf64_Sym){narrow.st_name,  narrow.st_info,  narrow.st_other,
                            narrow.st_shndx, narrow.st_value, narrow.st_size};
        }
        unsigned type = ELF64_ST_TYPE(s.st_info);
        if (s.st_shndx == SHN_UNDEF || s.st_shndx >= h->shnum || s.st_name >= strings.size ||
            (type != STT_FUNC && type != STT_NOTYPE && type != STT_GNU_IFUNC))
            continue;
        const char *name = (const char *)o->image + strings.offset + s.st_name;
        if (!*name || *name == '$' || (*name == '.' && name[1] == 'L') ||
            !(section_at(o, h, s.st_shndx).flags & SHF_EXECINSTR))
            continue;
        o->list[o->count++] = (struct symbol){.start = s.st_value + o->bias,
                                              .size = s.st_size,
                                              .name = name,
                                              .file = o->path,
                                              .function = type != STT_NOTYPE && s.st_size};
    }
    qsort(o->list, o->count, sizeof *o->list, by_start);
    return true;
}

static bool read_symbols(struct object *o, const struct header *h) {
    static const uint32_t types[] = {SHT_SYMTAB, SHT_DYNSYM};
    for (int k = 0; k < 2 && !o->count; k++)
        for (unsigned i = 0; i < h->shnum && !o->count; i++) {
            struct section s = section_at(o, h, i);
            free(s.type == types[k] ? o->list : NULL);
            if (s.type == types[k] && !read_table(o, h, &s))
                return false;
        }
    return true;
}

static void object_free(struct object *o) {
    if (o->image)
        munmap((void *)o->image, o->bytes);
    free(o->list);
    free(o->path);
    free(o);
}

/* Opens an ELF file; NULL with one line in err. */
static struct object *object_open(const char *path, struct header *h, char *err, size_t n) {
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct object *o = calloc(1, sizeof *o);
    if (fd < 0 || !o || fstat(fd, &st) != 0 || !(o->path = strdup(path))) {
        snprintf(err, n, "%s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        free(o);
        return NULL;
    }
    o->bytes = (size_t)st.st_size;
    void *image = S_ISREG(st.st_mode) && o->bytes ? mmap(NULL, o->bytes, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    close(fd);
    o->image = image == MAP_FAILED ? NULL : image;
    if (!o->image || !read_header(o, h)) {
        snprintf(err, n, "%s: not an ELF file", path);
        object_free(o);
        return NULL;
    }
    return o;
}

static bool add_range(struct symbols *s, uint64_t start, uint64_t end, struct object *o) {
    if (s->range_count == s->range_room) {
        size_t room = s->range_room ? s->range_room * 2 : 16;
        struct range *ranges = realloc(s->ranges, room * sizeof *ranges);
        if (!ranges)
            return false;
        s->ranges = ranges;
        s->range_room = room;
    }
    s->ranges[s->range_count++] = (struct range){start, end, o};
    return true;
}

static bool finish(struct symbols *s, struct object *o, const struct header *h) {
    if (!read_symbols(o, h))
        return false;
    o->next = s->objects;
    s->objects = o;
    return true;
}

static bool add(struct symbols *s, const char *path, uint64_t bias, char *err, size_t n) {
    struct header h;
    struct object *o = object_open(path, &h, err, n);
    if (!o)
        return false;
    o->bias = bias;
    if (!finish(s, o, &h)) {
        snprintf(err, n, "no memory for the symbols of %s", path);
        object_free(o);
        return false;
    }
    for (unsigned i = 0; i < h.phnum; i++) {
        struct segment p = segment_at(o, &h, i);
        if (p.type == PT_LOAD)
            add_range(s, bias + p.vaddr, bias + p.vaddr + p.filesz, o);
    }
    return true;
}

bool symbols_add(struct symbols *s, const char *path, uint64_t bias, char *err, size_t n) {
    pthread_mutex_lock(&s->lock);
    bool added = add(s, path, bias, err, n);
    pthread_mutex_unlock(&s->lock);
    return added;
}

/* The mapping start-end at offset of path is new: finds its object, or makes it. */
static struct object *object_for(struct symbols *s, const char *path, uint64_t start, uint64_t offset) {
    struct header h;
    char err[PATH_MAX + 64];
    struct object *o = object_open(path, &h, err, sizeof err);
    if (!o)
        return NULL;
    for (unsigned i = 0; i < h.phnum; i++) {
        struct segment p = segment_at(o, &h, i);
        uint64_t first = p.offset & ~0xfffull;
        if (p.type != PT_LOAD || offset < first || offset >= p.offset + p.filesz)
            continue;
        o->bias = start - ((p.vaddr & ~0xfffull) + (offset - first));
        for (struct object *known = s->objects; known; known = known->next)
            if (known->bias == o->bias && strcmp(known->path, path) == 0) {
                object_free(o);
                return known;
            }
        if (finish(s, o, &h))
            return o;
        break;
    }
    object_free(o);
    return NULL;
}

/* Looks the address up among this process's mappings. */
static struct object *find_mapping(struct symbols *s, uint64_t address) {
    char line[PATH_MAX + 128], path[PATH_MAX];
    FILE *maps = fopen("/proc/self/maps", "re");
    struct object *o = NULL;
    while (maps && fgets(line, sizeof line, maps)) {
        uint64_t start, end, offset;
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64 " %*s %*s %4095[^\n]", &start, &end, &offset, path) ==
                4 &&
            address >= start && address < end && path[0] == '/') {
            o = object_for(s, path, start, offset);
            if (o && !add_range(s, start, end, o))
                o = NULL;
            break;
        }
    }
    if (maps)
        fclose(maps);
    return o;
}

static struct object *find_object(struct symbols *s, uint64_t address) {
    for (size_t i = 0; i < s->range_count; i++)
        if (address >= s->ranges[i].start && address < s->ranges[i].end) {
            struct range hit = s->ranges[i];
            s->ranges[i] = s->ranges[0]; /* the next one is likely to be in it */
            s->ranges[0] = hit;
            return hit.object;
        }
    uint64_t page = (address >> 12) + 1, *miss = &s->misses[page % MISS_SLOTS];
    if (*miss == page)
        return NULL;
    struct object *o = find_mapping(s, address);
    if (!o)
        *miss = page;
    return o;
}

const struct symbol *symbols_find(struct symbols *s, uint64_t address) {
    pthread_mutex_lock(&s->lock);
    const struct object *o = find_object(s, address);
    pthread_mutex_unlock(&s->lock);
    if (!o)
        return NULL;
    size_t low = 0, high = o->count; /* list[low - 1].start <= address < list[high].start */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (o->list[middle].start <= address)
            low = middle + 1;
        else
            high = middle;
    }
    const struct symbol *label = NULL;
    for (unsigned i = 0; i < LOOK_BACK && low > 0; i++) {
        const struct symbol *y = &o->list[--low];
        if (y->size && address - y->start < y->size)
            return y;
        if (!y->size && !label)
            label = y;
    }
    return label;
}

const struct symbol *symbols_named(struct symbols *s, const char *name) {
    const struct symbol *found = NULL;
    pthread_mutex_lock(&s->lock);
    for (const struct object *o = s->objects; o && !found; o = o->next)
        for (size_t i = o->count; i-- > 0 && !found;)
            if (strcmp(o->list[i].name, name) == 0)
                found = &o->list[i];
    pthread_mutex_unlock(&s->lock);
    return found;
}
