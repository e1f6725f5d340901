/* /proc/self shows the guest: exe, cmdline, maps with the guest's protections, auxv; uname, hwcap and hwprobe. */
// args: one "two words"
// native: no
// expect: machine: riscv64
// expect: exe names this program: 1
// expect: exe can be opened: 1
// expect: cmdline: 3 arguments, last two words
// expect: maps: main is r-x: 1
// expect: maps: data is rw-: 1
// expect: maps: stack is [stack]: 1
// expect: maps: heap is [heap]: 1
// expect: maps: only 47 bits, nothing of the host: 1
// expect: auxv agrees: 1
// expect: hwcap has IMAFDC: 1
// expect: page size: 4096
// expect: execfn is argv[0]: 1
// expect: cpuinfo: 1
// expect: hwprobe: 0 1 1 -1
// expect: highest address: 1 1
// expect: comm is set: 1
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <unistd.h>

static int data = 1;

/* The maps line that contains address, or "". */
static const char *maps_line(const void *address, int *foreign) {
    static char found[512];
    char line[512];
    FILE *f = fopen("/proc/self/maps", "r");
    found[0] = 0;
    while (f && fgets(line, sizeof line, f)) {
        unsigned long start, end;
        if (sscanf(line, "%lx-%lx", &start, &end) != 2)
            continue;
        if ((unsigned long)address >= start && (unsigned long)address < end)
            strcpy(found, line);
        if (strstr(line, "x86_64") || strstr(line, "[vvar]"))
            *foreign = 1;
    }
    if (f)
        fclose(f);
    return found;
}

int main(int argc, char **argv) {
    struct utsname u;
    uname(&u);
    printf("machine: %s\n", u.machine);
    char exe[PATH_MAX] = "", real[PATH_MAX] = "";
    readlink("/proc/self/exe", exe, sizeof exe - 1);
    realpath(argv[0], real);
    printf("exe names this program: %d\n", strcmp(exe, real) == 0);
    unsigned char ident[20] = {0};
    int fd = open("/proc/self/exe", O_RDONLY);
    read(fd, ident, sizeof ident);
    printf("exe can be opened: %d\n", memcmp(ident, ELFMAG, SELFMAG) == 0 && ident[18] == EM_RISCV);
    char cmdline[PATH_MAX];
    fd = open("/proc/self/cmdline", O_RDONLY);
    ssize_t n = read(fd, cmdline, sizeof cmdline);
    int count = 0;
    const char *last = "";
    for (char *p = cmdline; p < cmdline + n; p += strlen(p) + 1) {
        last = p;
        count++;
    }
    printf("cmdline: %d arguments, last %s\n", count, last);
    int foreign = 0;
    printf("maps: main is r-x: %d\n", strstr(maps_line((void *)main, &foreign), " r-xp ") != NULL);
    printf("maps: data is rw-: %d\n", strstr(maps_line(&data, &foreign), " rw-p ") != NULL);
    printf("maps: stack is [stack]: %d\n", strstr(maps_line(&argc, &foreign), "[stack]") != NULL);
    void *heap = malloc(1000);
    printf("maps: heap is [heap]: %d\n", strstr(maps_line(heap, &foreign), "[heap]") != NULL);
    printf("maps: only 47 bits, nothing of the host: %d\n", !foreign);
    Elf64_auxv_t entry;
    int agree = 0;
    fd = open("/proc/self/auxv", O_RDONLY);
    while (read(fd, &entry, sizeof entry) == sizeof entry && entry.a_type != AT_NULL)
        agree += entry.a_type == AT_ENTRY && entry.a_un.a_val == getauxval(AT_ENTRY);
    printf("auxv agrees: %d\n", agree);
    unsigned long want = 0;
    for (const char *p = "IMAFDC"; *p; p++)
        want |= 1ul << (*p - 'A');
    printf("hwcap has IMAFDC: %d\n", (getauxval(AT_HWCAP) & want) == want);
    printf("page size: %lu\n", getauxval(AT_PAGESZ));
    printf("execfn is argv[0]: %d\n", strcmp((char *)getauxval(AT_EXECFN), argv[0]) == 0);
    char info[256] = "";
    fd = open("/proc/cpuinfo", O_RDONLY);
    read(fd, info, sizeof info - 1);
    printf("cpuinfo: %d\n", strstr(info, "isa\t\t: rv64imafdc") != NULL);
    struct {
        int64_t key;
        uint64_t value;
    } pairs[4] = {{3, 0}, {4, 0}, {12345, 7}, {7, 0}};
    long r = syscall(258, pairs, 4, 0, NULL, 0);
    printf("hwprobe: %ld %d %d %d\n", r, (int)pairs[0].value, (int)(pairs[1].value & 1), (int)pairs[2].key);
    void *behind = (void *)(pairs[3].value + 1); /* the highest address */
    bool none = mmap(behind, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED;
    printf("highest address: %d %d\n", pairs[3].value >= 0x3fffffffff, none);
    char name[17] = "";
    prctl(PR_GET_NAME, name);
    printf("comm is set: %d\n", name[0] != 0 && strcmp(name, "riv") != 0);
    return 0;
}
