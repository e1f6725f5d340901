/* main.c: starts a guest program and runs its threads. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "linux_user.h"
#include "loader.h"
#include "mmap.h"
#include "paths.h"
#include "signals.h"
#include "stack.h"
#include "syscalls.h"
#include "thread.h"
#include "vma.h"

#define SCRIPT_DEPTH 5
#define CACHE_BYTES (UINT64_C(64) << 20) /* the engine's default */
#define CACHE_BYTES_LEAST (UINT64_C(1) << 20)
#define AREA_BOTTOM UINT64_C(0x10000)
#define AREA_TOP_64 (UINT64_C(1) << 38) /* half of Sv39's reach is the user's */
#ifdef __SANITIZE_ADDRESS__
#define AREA_TOP_32 UINT64_C(0x7fff0000) /* AddressSanitizer's shadow begins there */
#else
#define AREA_TOP_32 UINT64_C(0x9d000000)
#endif

struct process process = {.address_limit = HOST_ADDRESS_LIMIT};
__thread struct task *task_current;

/* A program to start, after scripts have been replaced by their interpreters. */
struct launch {
    int fd;
    char **argv;
    char path[PATH_MAX]; /* of the program or interpreter, as the guest names it */
    char host[PATH_MAX];
};

static int fail(const char *path, int status, const char *reason) {
    fprintf(stderr, "riv: %s: %s\n", path, reason);
    return status;
}

static size_t count(char **list) {
    size_t n = 0;
    while (list && list[n])
        n++;
    return n;
}

/* interpreter, argument, script's path, rest of the arguments (Linux: fs/binfmt_script.c) */
static bool script_argv(struct launch *l, const struct script *s) {
    size_t n = count(l->argv);
    char **argv = calloc(n + 4, sizeof *argv);
    if (!argv)
        return false;
    size_t at = 0;
    argv[at++] = strdup(s->interpreter);
    if (s->argument)
        argv[at++] = strdup(s->argument);
    argv[at++] = strdup(l->path);
    for (size_t i = 1; i < n; i++)
        argv[at++] = l->argv[i];
    for (size_t i = 0; i < 2; i++)
        if (!argv[i])
            return false;
    free(l->argv);
    l->argv = argv;
    return true;
}

/* Opens the program; 0 or an exit status. */
static int launch_open(struct launch *l, const struct linux_user_config *config) {
    if (snprintf(l->path, sizeof l->path, "%s", config->program) >= (int)sizeof l->path)
        return fail(config->program, 126, strerror(ENAMETOOLONG));
    size_t n = count(config->args);
    l->argv = calloc(n + 2, sizeof *l->argv);
    if (!l->argv)
        return fail(l->path, 1, "no memory");
    l->argv[0] = (char *)(config->argv0 ? config->argv0 : config->program);
    for (size_t i = 0; i < n; i++)
        l->argv[i + 1] = config->args[i];
    for (int depth = 0; depth < SCRIPT_DEPTH; depth++) {
        struct script script;
        struct load_error e;
        char found[PATH_MAX];
        snprintf(l->host, sizeof l->host, "%s", path_resolve(l->path, found, true));
        l->fd = open(l->host, O_RDONLY | O_CLOEXEC);
        if (l->fd < 0) {
            char reason[PATH_MAX + 64];
            int status = errno == ENOENT || errno == ENOTDIR ? 127 : 126;
            if (depth == 0)
                return fail(l->path, status, strerror(errno));
            snprintf(reason, sizeof reason, "its interpreter %s: %s", l->path, strerror(errno));
            return fail(config->program, status, reason);
        }
        switch (loader_examine(l->fd, &script, &e)) {
        case FILE_PROGRAM:
            return 0;
        case FILE_BAD:
            close(l->fd);
            return fail(l->path, e.status, e.text);
        case FILE_SCRIPT:
            close(l->fd);
            if (!script_argv(l, &script))
                return fail(l->path, 1, "no memory");
            snprintf(l->path, sizeof l->path, "%s", script.interpreter);
        }
    }
    return fail(config->program, 126, "scripts that interpret scripts go too deep");
}

/* Where riv's own memory begins, as a power of two that leaves a wide gap below it.  In the usual layout that is 2^46:
 * what the host maps is above two thirds of its 2^47.  With memory laid out upwards (setarch -L, no limit on stacks) it
 * is above one third, and Sv39's 2^38 are left.  Sanitizers have theirs anywhere. */
static uint64_t find_address_limit(void) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return HOST_ADDRESS_LIMIT;
#else
    static const uint64_t wide = UINT64_C(1) << 46;
    void *mapped = mmap(NULL, GUEST_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool above = (uint64_t)mapped >= wide && (uint64_t)&process >= wide && (uint64_t)__builtin_frame_address(0) >= wide;
    if (mapped != MAP_FAILED)
        munmap(mapped, GUEST_PAGE);
    return above ? wide : AREA_TOP_64;
#endif
}

/* The page signal handlers return to, which a kernel has in its vDSO. */
static bool map_sigreturn(void) {
    static const uint32_t code[] = {0x08b00893, 0x00000073}; /* li a7, 139; ecall */
    int64_t page = guest_mmap(0, GUEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0, VMA_SIGRETURN);
    if (page < 0)
        return false;
    memcpy((void *)page, code, sizeof code);
    process.sigreturn = (uint64_t)page;
    return guest_mprotect((uint64_t)page, GUEST_PAGE, PROT_READ | PROT_EXEC) == 0;
}

static void remember_exe(const struct launch *l) {
    if (!realpath(l->host, process.exe))
        snprintf(process.exe, sizeof process.exe, "%s", l->host);
    snprintf(process.exe_guest, sizeof process.exe_guest, "%s", path_guest_view(process.exe));
    const char *name = strrchr(l->path, '/');
    prctl(PR_SET_NAME, name ? name + 1 : l->path);
}

/* Where the address space is limited, the code cache takes an eighth, as it is mapped twice; below what is worth it,
 * the default, which cannot be had then. */
static size_t cache_bytes(void) {
    struct rlimit space;
    if (getrlimit(RLIMIT_AS, &space) != 0 || space.rlim_cur == RLIM_INFINITY || space.rlim_cur / 16 >= CACHE_BYTES)
        return 0;
    return space.rlim_cur / 16 < CACHE_BYTES_LEAST ? 0 : space.rlim_cur / 16;
}

/* The engine is made for the program's own class: an RV64 set runs RV32 programs with the RV32 set of the same reach.
 * err: why there is none, or why it only interprets, or empty.
 */
static bool create_engine(struct linux_user_config *config, bool rv32, struct isa *isa32, char *err, size_t n) {
    config->engine.mem = (struct guest_memory){.fetch = watch_fetch, .watch_code = watch_code};
    if (rv32 && config->engine.isa->xlen != 32) {
        if (!isa_parse(isa32, "rv32max", err, n))
            return false;
        config->engine.isa = isa32;
    } else if (!rv32 && config->engine.isa->xlen != 64) {
        snprintf(err, n, "64-bit program, but the chosen instruction set is 32-bit");
        return false;
    }
    config->engine.cache_bytes = cache_bytes();
    err[0] = 0;
    process.engine = engine_create(&config->engine, err, n);
    return process.engine != NULL;
}

void process_leaving(bool for_good) {
    const struct linux_user_config *c = process.config;
    struct task *t = task_current;
    if (!c->leaving)
        return;
    bool stopped = t && t->hart.engine && engine_stop_others(&t->hart);
    c->leaving(c->leaving_ctx, for_good);
    if (stopped)
        engine_resume_others(&t->hart);
}

void process_finish(void) {
    static _Atomic bool done;
    if (task_current && task_current->group->shares_memory) /* the statistics are the parent's */
        return;
    if (atomic_exchange(&done, true))
        return;
    process_leaving(true);
    const struct linux_user_config *c = process.config;
    if (c->stats)
        engine_print_stats(process.engine, stderr, c->stats_json);
    if (c->engine.dump_to)
        fflush(c->engine.dump_to);
}

void task_run(struct task *t) {
    while (!t->exiting) {
        if (t->signal_waiting)
            signals_deliver(t, false);
        if (engine_run(&t->hart) == STOP_PENDING)
            continue;
        if (t->hart.trap.cause != TRAP_ECALL_U)
            signals_trap(t);
        else if (!t->signal_waiting) /* else the signal came before the system call */
            syscall_dispatch(t);
    }
}

int linux_user_main(const struct linux_user_config *given) {
    static struct linux_user_config config; /* outlives this frame: threads and exec read it */
    static struct isa isa32;
    static struct task task;
    static struct group group = {.threads = 1};
    static uint8_t altstack[HOST_ALTSTACK];
    struct launch l;
    struct image image;
    struct load_error e;
    char err[256];
    config = *given;
    process.config = &config;
    if (config.sysroot && *config.sysroot && !paths_init(config.sysroot))
        return fail(config.sysroot, 1, strerror(errno));
    int status = launch_open(&l, &config);
    if (status)
        return status;
    unsigned char class = 0;
    if (pread(l.fd, &class, 1, 4) != 1)
        return fail(l.path, 126, "cannot read it");
    process.rv32 = class == 1;
    if (!process.rv32) /* 32 bits do not reach that far */
        process.address_limit = find_address_limit();
    guest_mmap_area(AREA_BOTTOM, process.rv32 ? AREA_TOP_32 : AREA_TOP_64);
    if (!create_engine(&config, process.rv32, &isa32, err, sizeof err))
        return fail(l.path, 1, err);
    remember_exe(&l);
    if (!loader_map(l.fd, &image, &e))
        return fail(l.path, e.status, e.text);
    close(l.fd);
    process.argv = l.argv;
    process.brk = process.brk_start = image.end;
    int64_t sp = stack_create(&image, config.stack_bytes, config.program, l.argv, config.env);
    if (sp < 0 || !map_sigreturn())
        return fail(l.path, 1, sp == -E2BIG ? "arguments and environment do not fit on the stack" : "no memory");
    task.main = true;
    task.group = &group;
    task.tid = (pid_t)syscall(SYS_gettid);
    struct hart *h = &task.hart;
    h->xlen = process.rv32 ? 32 : 64;
    h->isa = config.engine.isa;
    h->pc = image.entry;
    h->x[2] = process.rv32 ? (uint64_t)(int32_t)sp : (uint64_t)sp;
    h->user = &task;
    if (!engine_hart_init(process.engine, h))
        return fail(l.path, 1, "no memory");
    task_current = &task;
    paths_cwd_changed();
    signals_thread_init(&task, altstack, sizeof altstack);
    signals_init(&task);
    if (err[0]) /* why it interprets; said now that nothing else is in the way */
        fprintf(stderr, "riv: %s\n", err);
    task_run(&task);
    thread_finish(&task);
    return 1; /* not reached */
}
