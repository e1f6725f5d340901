/* stack.c: the initial stack (System V ABI, "Process Initialization"; Linux: fs/binfmt_elf.c, create_elf_tables).
 *
 *      top     execfn, environment strings, argument strings, 16 random bytes
 *              auxv, 0; envp, 0; argv, 0
 *      sp      argc                                                                  16-byte aligned
 */
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "mmap.h"
#include "stack.h"
#include "user.h"
#include "vma.h"

#define STACK_MIN (UINT64_C(128) << 10)
#define STACK_MAX_64 (UINT64_C(4) << 30)
#define STACK_MAX_32 (UINT64_C(64) << 20)
#define STACK_GUARD (UINT64_C(64) << 10)
#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif
#define SIGNAL_STACK_MIN 2048 /* the frame is 1088 bytes; the kernel's value for a hart without V */

static uint64_t stack_size(uint64_t asked, bool rv32) {
    uint64_t size = asked, max = rv32 ? STACK_MAX_32 : STACK_MAX_64;
    struct rlimit limit;
    if (size == 0)
        size = getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY ? limit.rlim_cur : max;
    if (size < STACK_MIN)
        size = STACK_MIN;
    return PAGE_UP(size > max ? max : size);
}

static void auxv_add(uint64_t type, uint64_t value) {
    process.auxv[process.auxv_count++] = (struct auxv_entry){type, value};
}

static void auxv_build(const struct image *image, uint64_t random, uint64_t execfn) {
    uint64_t hwcap = 0;
    static const struct {
        enum isa_ext ext;
        char letter;
    } letters[] = {{EXT_I, 'I'}, {EXT_M, 'M'}, {EXT_A, 'A'}, {EXT_F, 'F'}, {EXT_D, 'D'}, {EXT_C, 'C'}};
    for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++)
        if (process.config->engine.isa->exts >> letters[i].ext & 1)
            hwcap |= UINT64_C(1) << (letters[i].letter - 'A');
    process.auxv_count = 0;
    auxv_add(AT_HWCAP, hwcap);
    auxv_add(AT_PAGESZ, GUEST_PAGE);
    auxv_add(AT_CLKTCK, (uint64_t)sysconf(_SC_CLK_TCK));
    auxv_add(AT_PHDR, image->phdr);
    auxv_add(AT_PHENT, image->phent);
    auxv_add(AT_PHNUM, image->phnum);
    auxv_add(AT_BASE, image->interp_base);
    auxv_add(AT_FLAGS, 0);
    auxv_add(AT_ENTRY, image->program_entry);
    auxv_add(AT_UID, getuid());
    auxv_add(AT_EUID, geteuid());
    auxv_add(AT_GID, getgid());
    auxv_add(AT_EGID, getegid());
    auxv_add(AT_SECURE, getauxval(AT_SECURE));
    auxv_add(AT_RANDOM, random);
    auxv_add(AT_MINSIGSTKSZ, SIGNAL_STACK_MIN);
    auxv_add(AT_EXECFN, execfn);
    auxv_add(AT_NULL, 0);
}

/* Builds the stack downwards; bottom is as far as it may go. */
struct builder {
    uint64_t sp, bottom;
    unsigned word; /* bytes */
};

static uint64_t push_bytes(struct builder *b, const void *data, size_t n) {
    if (b->sp - b->bottom < n)
        return 0;
    b->sp -= n;
    return copy_out(b->sp, data, n) == 0 ? b->sp : 0;
}

static void put_word(struct builder *b, uint64_t *at, uint64_t value) {
    copy_out(*at, &value, b->word);
    *at += b->word;
}

static bool push_strings(struct builder *b, char **list, size_t n, uint64_t *where) {
    for (size_t i = n; i-- > 0;)
        if (!(where[i] = push_bytes(b, list[i], strlen(list[i]) + 1)))
            return false;
    return true;
}

static size_t count_strings(char **list) {
    size_t n = 0;
    while (list[n])
        n++;
    return n;
}

static bool fill(struct builder *b, const struct image *image, const char *execfn, char **argv, char **env) {
    size_t argc = count_strings(argv), envc = count_strings(env);
    uint64_t *where = malloc((argc + envc + 1) * sizeof *where);
    if (!where)
        return false;
    unsigned char random[16];
    if (getrandom(random, sizeof random, 0) != sizeof random)
        memset(random, 0x5a, sizeof random); /* early boot only; not a secret of riv's */
    const uint64_t zero = 0;
    push_bytes(b, &zero, 8);
    uint64_t execfn_at = push_bytes(b, execfn, strlen(execfn) + 1);
    bool ok = execfn_at && push_strings(b, env, envc, where + argc) && push_strings(b, argv, argc, where);
    b->sp &= ~UINT64_C(15);
    uint64_t random_at = ok ? push_bytes(b, random, sizeof random) : 0;
    auxv_build(image, random_at, execfn_at);
    uint64_t size = b->word * (1 + argc + 1 + envc + 1 + 2 * (uint64_t)process.auxv_count);
    ok = ok && random_at && b->sp - b->bottom > size + 4096;
    if (ok) {
        b->sp = (b->sp - size) & ~UINT64_C(15);
        uint64_t at = b->sp;
        put_word(b, &at, argc);
        for (size_t i = 0; i < argc; i++)
            put_word(b, &at, where[i]);
        put_word(b, &at, 0);
        for (size_t i = 0; i < envc; i++)
            put_word(b, &at, where[argc + i]);
        put_word(b, &at, 0);
        for (unsigned i = 0; i < process.auxv_count; i++) {
            put_word(b, &at, process.auxv[i].type);
            put_word(b, &at, process.auxv[i].value);
        }
    }
    free(where);
    return ok;
}

int64_t stack_create(const struct image *image, uint64_t stack_bytes, const char *execfn, char **argv, char **env) {
    uint64_t size = stack_size(stack_bytes, image->rv32);
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    int64_t guard = guest_mmap(0, size + STACK_GUARD, PROT_NONE, flags, -1, 0, 0);
    if (guard < 0)
        return guard;
    int64_t base =
        guest_mmap((uint64_t)guard + STACK_GUARD, size, PROT_READ | PROT_WRITE, flags | MAP_FIXED, -1, 0, VMA_STACK);
    if (base < 0)
        return base;
    struct builder b = {(uint64_t)base + size, (uint64_t)base, image->rv32 ? 4 : 8};
    return fill(&b, image, execfn, argv, env) ? (int64_t)b.sp : -E2BIG;
}
