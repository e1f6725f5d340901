/* test_loader.c: the ELF loader on files that are cut off, absurd or damaged at random: always a reason or a mapped
 * program, never a crash.
 *
 *      0       ELF header        64 (52) bytes
 *      table   program headers   PT_LOAD r-x at TEXT, PT_LOAD rw- at DATA with some bss, PT_NOTE
 *      0x1000  the segments' bytes
 *
 * RIV_SEED starts the random damage at another place; without it one half of the cases is new in every run, and the
 * seed of what fails is printed.
 */
#include <elf.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "../../user/loader.h"
#include "../../user/mmap.h"
#include "../../user/user.h"

enum { FILE_SIZE = 0x3000, PHDRS = 3, TEXT = 0x10000, DATA = 0x20000, CASES = 3000 };

/* One of the two, at the start of the file's bytes. */
struct image64 {
    Elf64_Ehdr h;
    Elf64_Phdr p[PHDRS];
};
struct image32 {
    Elf32_Ehdr h;
    Elf32_Phdr p[PHDRS];
};
static _Alignas(8) uint8_t file[FILE_SIZE];
#define FILE64 ((struct image64 *)file)
#define FILE32 ((struct image32 *)file)

#define FILL(image, class_, ehdr, phdr)                                                                                \
    (image)->h = (ehdr){.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, class_, ELFDATA2LSB, EV_CURRENT},              \
                        .e_type = ET_EXEC,                                                                             \
                        .e_machine = EM_RISCV,                                                                         \
                        .e_version = EV_CURRENT,                                                                       \
                        .e_entry = TEXT,                                                                               \
                        .e_phoff = sizeof(ehdr),                                                                       \
                        .e_ehsize = sizeof(ehdr),                                                                      \
                        .e_phentsize = sizeof(phdr),                                                                   \
                        .e_phnum = PHDRS};                                                                             \
    (image)->p[0] = (phdr){.p_type = PT_LOAD,                                                                          \
                           .p_flags = PF_R | PF_X,                                                                     \
                           .p_offset = 0x1000,                                                                         \
                           .p_vaddr = TEXT,                                                                            \
                           .p_filesz = 0x800,                                                                          \
                           .p_memsz = 0x800,                                                                           \
                           .p_align = 0x1000};                                                                         \
    (image)->p[1] = (phdr){.p_type = PT_LOAD,                                                                          \
                           .p_flags = PF_R | PF_W,                                                                     \
                           .p_offset = 0x2000,                                                                         \
                           .p_vaddr = DATA,                                                                            \
                           .p_filesz = 0x400,                                                                          \
                           .p_memsz = 0x5000,                                                                          \
                           .p_align = 0x1000};                                                                         \
    (image)->p[2] = (phdr) { .p_type = PT_NOTE, .p_offset = 0x2800, .p_filesz = 16, .p_memsz = 16, .p_align = 4 }

static void make_file(bool rv32) {
    memset(file, 0x13, sizeof file);
    if (rv32) {
        FILL(FILE32, ELFCLASS32, Elf32_Ehdr, Elf32_Phdr);
    } else {
        FILL(FILE64, ELFCLASS64, Elf64_Ehdr, Elf64_Phdr);
    }
}
static size_t headers_size(bool rv32) { return rv32 ? sizeof *FILE32 : sizeof *FILE64; }

/* The file's first size bytes, as an open file. */
static int open_file(size_t size) {
    int fd = memfd_create("program", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, file, size), size);
    return fd;
}

/* What loader_examine says; a reason is one line that is not empty. */
static enum file_kind examine(size_t size, struct load_error *e) {
    struct script script;
    int fd = open_file(size);
    memset(e, 0, sizeof *e);
    enum file_kind kind = loader_examine(fd, &script, e);
    close(fd);
    if (kind == FILE_BAD) {
        assert_true(e->text[0] && !strchr(e->text, '\n'));
        assert_true(e->error > 0 && (e->status == 126 || e->status == 127));
    }
    return kind;
}

/* In a child of its own: 0 mapped and sound, 1 refused with a reason, else broken. */
static int map_in_child(size_t size) {
    int fd = open_file(size);
    pid_t child = fork();
    if (child == 0) {
        struct image image;
        struct load_error e = {0};
        struct script script;
        alarm(20);
        for (int sig = SIGILL; sig <= SIGSEGV; sig++) /* not cmocka's: a fault ends the child */
            signal(sig, SIG_DFL);
        process.rv32 = file[EI_CLASS] == ELFCLASS32;
#ifdef __SANITIZE_ADDRESS__
        guest_mmap_area(TEXT, process.rv32 ? 0x7fff0000 : UINT64_C(1) << 38);
#else
        guest_mmap_area(TEXT, process.rv32 ? 0x9d000000 : UINT64_C(1) << 38);
#endif
        if (loader_examine(fd, &script, &e) != FILE_PROGRAM || !loader_map(fd, &image, &e))
            _exit(e.text[0] && !strchr(e.text, '\n') ? 1 : 2);
        _exit(image.end >= image.program_entry && image.rv32 == process.rv32 ? 0 : 3);
    }
    int status;
    assert_true(child > 0 && waitpid(child, &status, 0) == child);
    close(fd);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

static void sound_file_is_mapped(void **state) {
    struct load_error e;
    for (int rv32 = 0; rv32 < 2; rv32++) {
        make_file(rv32);
        assert_int_equal(examine(sizeof file, &e), FILE_PROGRAM);
        assert_int_equal(map_in_child(sizeof file), 0);
    }
}

static void cut_off_at_every_byte(void **state) {
    struct load_error e;
    for (int rv32 = 0; rv32 < 2; rv32++) {
        make_file(rv32);
        for (size_t size = 0; size < headers_size(rv32); size++)
            assert_int_equal(examine(size, &e), FILE_BAD);
        /* and where the segments lie: their last byte is needed */
        for (size_t size = headers_size(rv32); size < 0x2400; size += 37)
            assert_int_equal(examine(size, &e), FILE_BAD);
        assert_int_equal(examine(0x2400 - 1, &e), FILE_BAD);
        assert_int_equal(examine(0x2400, &e), FILE_PROGRAM);
    }
}

/* Every field of a program header and of the ELF header, at values that are absurd. */
static void absurd_values(void **state) {
    static const uint64_t values[] = {
        0,          1,          2,          0xfff,      0x1000,          0x1001,          0x7fff,          0xffff,
        0x7fffffff, 0x80000000, 0xfffff000, 0xffffffff, 0x7fff80000000u, 0x800000000000u, INT64_MAX,       1ull << 63,
        -0x1000ull, -1ull,      TEXT,       DATA,       DATA - 0x800,    0x100000000u,    0x2800000000ull, 0x9d000000};
    for (int rv32 = 0; rv32 < 2; rv32++) {
        size_t word = rv32 ? 4 : 8;
        for (size_t width = 2; width <= word; width *= 2)
            for (size_t at = EI_NIDENT; at + width <= headers_size(rv32); at += width)
                for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
                    if (width < 8 && values[i] >> (8 * width))
                        continue;
                    make_file(rv32);
                    memcpy(file + at, &values[i], width);
                    struct load_error e;
                    if (examine(sizeof file, &e) != FILE_PROGRAM)
                        continue;
                    int end = map_in_child(sizeof file);
                    if (end > 1)
                        fail_msg("rv%d: %zu bytes at %zu = %#llx: child ended with %d", rv32 ? 32 : 64, width, at,
                                 (unsigned long long)values[i], end);
                }
    }
}

static void expect_reason(const char *reason) {
    struct load_error e;
    assert_int_equal(examine(sizeof file, &e), FILE_BAD);
    if (!strstr(e.text, reason))
        fail_msg("'%s' does not say '%s'", e.text, reason);
}

static void absurd_segments_and_their_reasons(void **state) {
#define WITH(change, reason)                                                                                           \
    do {                                                                                                               \
        make_file(false);                                                                                              \
        struct image64 *f = FILE64;                                                                                    \
        change;                                                                                                        \
        expect_reason(reason);                                                                                         \
        make_file(true);                                                                                               \
        {                                                                                                              \
            struct image32 *f = FILE32;                                                                                \
            change;                                                                                                    \
        }                                                                                                              \
        expect_reason(reason);                                                                                         \
    } while (0)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
    WITH(f->p[1].p_vaddr = TEXT + 0x400, "");
    WITH(f->p[1].p_vaddr = TEXT, "overlap");
    WITH(f->p[0].p_memsz = 0x20000, "overlap");
    WITH(f->p[1].p_memsz = 0xf0000000u; f->p[1].p_vaddr = 0xe0000000u;
         f->p[1].p_memsz |= (typeof(f->p[1].p_memsz))-1, "outside of the address space");
    WITH(f->p[1].p_filesz = FILE_SIZE, "beyond the end");
    WITH(f->p[1].p_offset = FILE_SIZE + 1, "beyond the end");
    WITH(f->p[1].p_memsz = 0x3ff, "exceeds its memory size");
    WITH(f->p[0].p_vaddr = TEXT + 8, "within a page");
    WITH(f->h.e_phnum = 0xffff, "too many");
    WITH(f->h.e_phentsize = 0, "unknown size");
    WITH(f->h.e_phentsize = 0xffff, "unknown size");
    WITH(f->h.e_phoff = FILE_SIZE - 8, "truncated program headers");
    WITH(f->h.e_phoff = (typeof(f->h.e_phoff))-8, "truncated program headers");
    WITH(f->h.e_machine = EM_X86_64, "not a RISC-V");
    WITH(f->h.e_entry = DATA - 2, "entry point");
    WITH(f->h.e_entry = TEXT + 1, "entry point");
    WITH(f->p[0].p_type = f->p[1].p_type = PT_NULL, "no segment");
    WITH(f->p[2].p_type = PT_INTERP; f->p[2].p_filesz = 1, "interpreter");
    WITH(f->p[2].p_type = PT_INTERP; f->p[2].p_filesz = 0x10000, "interpreter");
#pragma GCC diagnostic pop
    make_file(false); /* an RV64 program in the other class's clothes, and the other way round */
    file[EI_CLASS] = ELFCLASS32;
    expect_reason("");
    make_file(true);
    file[EI_CLASS] = ELFCLASS64;
    expect_reason("");
}

/* Linux lets programs be linked at 0, but mmap_min_addr is above it; and what is riv's own is not the guest's. */
static void segments_where_nothing_can_be(void **state) {
    static const uint64_t places[] = {0, 0x1000, 0x7ffff0000000};
    for (int rv32 = 0; rv32 < 2; rv32++)
        for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
            if (rv32 && places[i] >> 32)
                continue;
            make_file(rv32);
            if (rv32) {
                FILE32->p[0].p_vaddr = FILE32->h.e_entry = (uint32_t)places[i];
            } else {
                FILE64->p[0].p_vaddr = FILE64->h.e_entry = places[i];
            }
            int end = map_in_child(sizeof file);
            if (end > 1 || (i == 0 && geteuid() != 0 && end != 1))
                fail_msg("segment at %#llx: child ended with %d", (unsigned long long)places[i], end);
        }
    make_file(false);
    uintptr_t own = (uintptr_t)file & ~(uintptr_t)0xfff; /* over this program's own data */
    FILE64->p[0].p_vaddr = FILE64->h.e_entry = own;
    assert_int_equal(map_in_child(sizeof file), 1);
}

static uint64_t random_next(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static void damage(uint64_t seed) {
    uint64_t r = seed;
    bool rv32 = random_next(&r) & 1;
    make_file(rv32);
    for (unsigned n = 1 + random_next(&r) % 4; n > 0; n--) {
        size_t width = 1u << random_next(&r) % 4, at = random_next(&r) % (headers_size(rv32) - width + 1);
        uint64_t value = random_next(&r) >> random_next(&r) % 64, old = 0;
        switch (random_next(&r) % 4) {
        case 0: /* a bit */
            memcpy(&old, file + at, width);
            value = old ^ 1ull << random_next(&r) % (8 * width);
            break;
        case 1: /* what lies elsewhere */
            memcpy(&value, file + random_next(&r) % (headers_size(rv32) - 8), 8);
            break;
        case 2: /* a little more or less */
            memcpy(&old, file + at, width);
            value = old + (random_next(&r) % 64 - 32) * (random_next(&r) & 1 ? 0x1000 : 1);
            break;
        default:
            break;
        }
        memcpy(file + at, &value, width);
    }
}

static void random_damage(void **state) {
    const char *given = getenv("RIV_SEED");
    uint64_t fixed = given ? strtoull(given, NULL, 0) : 1, fresh = given ? fixed : (uint64_t)time(NULL) << 20;
    unsigned mapped = 0, refused = 0;
    for (unsigned i = 0; i < CASES; i++) {
        uint64_t seed = (i % 2 ? fresh : fixed) + i;
        uint64_t r = seed ^ 0x5a5a;
        damage(seed);
        size_t size = random_next(&r) % 8 ? sizeof file : random_next(&r) % sizeof file;
        struct load_error e;
        if (examine(size, &e) != FILE_PROGRAM) {
            refused++;
            continue;
        }
        int end = map_in_child(size);
        if (end > 1)
            fail_msg("RIV_SEED=%llu: child ended with %d", (unsigned long long)(seed - i), end);
        mapped += end == 0;
    }
    print_message("%u mapped, %u refused at sight\n", mapped, refused);
    assert_true(mapped > CASES / 100 && refused > CASES / 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_file_is_mapped),
        cmocka_unit_test(cut_off_at_every_byte),
        cmocka_unit_test(absurd_segments_and_their_reasons),
        cmocka_unit_test(absurd_values),
        cmocka_unit_test(segments_where_nothing_can_be),
        cmocka_unit_test(random_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
