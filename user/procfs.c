/* procfs.c: files under /proc whose content must be the guest's: maps, cmdline, auxv, exe, cpuinfo. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "paths.h"
#include "user.h"
#include "vma.h"

/* What follows /proc/self/, /proc/thread-self/ or /proc/OWN-PID/ (and task/TID/ below those), or NULL. */
static const char *own_file(const char *path) {
    if (strncmp(path, "/proc/", 6) != 0)
        return NULL;
    path += 6;
    if (strncmp(path, "self/", 5) == 0) {
        path += 5;
    } else if (strncmp(path, "thread-self/", 12) == 0) {
        path += 12;
    } else {
        char *end;
        unsigned long pid = strtoul(path, &end, 10);
        if (end == path || *end != '/' || pid != (unsigned long)getpid())
            return NULL;
        path = end + 1;
    }
    if (strncmp(path, "task/", 5) == 0) {
        char *end;
        strtoul(path + 5, &end, 10);
        if (end == path + 5 || *end != '/')
            return NULL;
        path = end + 1;
    }
    return path;
}

bool procfs_is_exe(const char *path) {
    const char *name = own_file(path);
    return name && strcmp(name, "exe") == 0;
}

const char *procfs_readlink(const char *path) { return procfs_is_exe(path) ? process.exe_guest : NULL; }

static const char *vma_name(const struct vma *v, const char *host_name) {
    if (v->flags & VMA_STACK)
        return "[stack]";
    if (v->flags & VMA_BRK)
        return "[heap]";
    if (v->flags & VMA_SIGRETURN)
        return "[vdso]";
    return v->flags & VMA_ANON && !(v->flags & VMA_SHARED) ? "" : path_guest_view(host_name);
}

static void print_mapping(FILE *to, const struct vma *v, uint64_t start, uint64_t end, const char *file,
                          const char *host_name) {
    const char *name = vma_name(v, host_name);
    int n = fprintf(to, "%08lx-%08lx %c%c%c%c %s", start, end, v->prot & PROT_READ ? 'r' : '-',
                    v->prot & PROT_WRITE ? 'w' : '-', v->prot & PROT_EXEC ? 'x' : '-',
                    v->flags & VMA_SHARED ? 's' : 'p', file);
    fprintf(to, "%*s%s\n", *name && n < 73 ? 73 - n : (*name ? 1 : 0), "", name);
}

/* The host's list, cut to what is the guest's, with the guest's protections. */
static void write_maps(FILE *to) {
    FILE *host = fopen("/proc/self/maps", "re");
    if (!host)
        return;
    char line[PATH_MAX + 128];
    uint64_t start, end, done_to = 0;
    int offset_at, file_end, name_at;
    while (fgets(line, sizeof line, host)) {
        char file[96] = "";
        if (sscanf(line, "%lx-%lx %*4s %n%*x %*s %*u%n %n", &start, &end, &offset_at, &file_end, &name_at) != 2)
            continue;
        line[strcspn(line, "\n")] = 0;
        uint64_t file_offset = strtoull(line + offset_at, NULL, 16);
        const char *device = strchr(line + offset_at, ' ');
        vma_lock();
        for (const struct vma *v = vma_first(start); v && v->start < end; v = vma_next(v)) {
            uint64_t from = v->start > start ? v->start : start, last = v->end < end ? v->end : end;
            if (from < done_to)
                from = done_to;
            if (from >= last)
                continue;
            /* Watched pages split host mappings: print a private mapping once. */
            if (v->flags & VMA_ANON && !(v->flags & VMA_SHARED)) {
                last = v->end;
                snprintf(file, sizeof file, "00000000 00:00 0 ");
            } else {
                if (v->ino)
                    last = v->end;
                snprintf(file, sizeof file, "%08lx%.*s ", file_offset + (from - start), (int)(line + file_end - device),
                         device);
            }
            print_mapping(to, v, from, last, file, line + name_at);
            done_to = last;
        }
        vma_unlock();
    }
    fclose(host);
}

static void write_cmdline(FILE *to) {
    for (char **a = process.argv; *a; a++)
        fwrite(*a, 1, strlen(*a) + 1, to);
}

static void write_auxv(FILE *to) {
    for (unsigned i = 0; i < process.auxv_count; i++) {
        if (process.rv32) {
            uint32_t pair[2] = {(uint32_t)process.auxv[i].type, (uint32_t)process.auxv[i].value};
            fwrite(pair, 1, sizeof pair, to);
        } else {
            fwrite(&process.auxv[i], 1, sizeof process.auxv[i], to);
        }
    }
}

/* Linux: arch/riscv/kernel/cpu.c, c_show */
static void write_cpuinfo(FILE *to) {
    char isa[512];
    isa_string(process.config->engine.isa, isa, sizeof isa);
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    for (long i = 0; i < cpus; i++)
        fprintf(to,
                "processor\t: %ld\nhart\t\t: %ld\nisa\t\t: %s\nmmu\t\t: %s\nmvendorid\t: 0x0\nmarchid\t\t: 0x0\n"
                "mimpid\t\t: 0x0\n\n",
                i, i, isa, process.rv32 ? "sv32" : "sv48");
}

static int generated(void (*write_to)(FILE *), const char *name, int flags) {
    if ((flags & O_ACCMODE) != O_RDONLY)
        return -EACCES;
    int fd = memfd_create(name, flags & O_CLOEXEC ? MFD_CLOEXEC : 0);
    if (fd < 0)
        return -errno;
    FILE *to = fdopen(dup(fd), "w");
    if (!to) {
        close(fd);
        return -ENOMEM;
    }
    write_to(to);
    fclose(to);
    lseek(fd, 0, SEEK_SET);
    return fd;
}

int procfs_open(const char *path, int flags) {
    if (strncmp(path, "/proc/", 6) != 0)
        return -ENOSYS;
    if (strcmp(path, "/proc/cpuinfo") == 0)
        return generated(write_cpuinfo, "cpuinfo", flags);
    const char *name = own_file(path);
    if (!name)
        return -ENOSYS;
    if (strcmp(name, "maps") == 0)
        return generated(write_maps, "maps", flags);
    if (strcmp(name, "cmdline") == 0)
        return generated(write_cmdline, "cmdline", flags);
    if (strcmp(name, "auxv") == 0)
        return generated(write_auxv, "auxv", flags);
    return -ENOSYS;
}
