/* qemu_process.c: starts qemu-riscv64 with its gdb stub on a UNIX socket.
 *
 *      riv-diff ──clone──▶ keeper ──fork, exec──▶ qemu, its guest one page: ecall; exit
 *
 * The guest program is riv-diff's own process, so what it might notice is kept from it: the keeper is a child whose end
 * raises no signal and that wait does not see; descriptors are high numbers.  qemu ends with the keeper, the keeper
 * with riv's first thread.  A program that parts from riv's may reach a system call before it is stopped: qemu runs
 * under a filter with which it can open files for reading only and reach no other process.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../cpu/insn.h"
#include "qemu_process.h"

extern char **environ;

enum { OUR_FDS = 900, PROGRAM_FD = 101, START_MS = 10000, NOT_RUN = 127 };
#define PAGE_64 UINT64_C(0x200000000000) /* riv's guests have nothing there */
#define PAGE_32 UINT64_C(0xe0000000)

static int stderr_file = -1;

/* ---- the guest: an ELF file of one page ---- */

enum { CODE_OFFSET = 256 };

static bool write_program(int fd, unsigned xlen, struct qemu_process *q) {
    static const uint32_t code[] = {0x00000073, 0x00100073, 0x05e00893,
                                    0x00000073}; /* ecall; ebreak; li a7, 94; ecall */
    uint8_t page[CODE_OFFSET + sizeof code] = {0};
    q->page = xlen == 64 ? PAGE_64 : PAGE_32;
    q->call = q->page + CODE_OFFSET;
    q->ending = q->call + 8;
    memcpy(page + CODE_OFFSET, code, sizeof code);
    if (xlen == 64) {
        Elf64_Ehdr h = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                        .e_type = ET_EXEC,
                        .e_machine = EM_RISCV,
                        .e_version = EV_CURRENT,
                        .e_entry = q->call,
                        .e_phoff = sizeof h,
                        .e_ehsize = sizeof h,
                        .e_phentsize = sizeof(Elf64_Phdr),
                        .e_phnum = 1};
        Elf64_Phdr p = {.p_type = PT_LOAD,
                        .p_flags = PF_R | PF_X,
                        .p_vaddr = q->page,
                        .p_paddr = q->page,
                        .p_filesz = sizeof page,
                        .p_memsz = sizeof page,
                        .p_align = 4096};
        memcpy(page, &h, sizeof h);
        memcpy(page + sizeof h, &p, sizeof p);
    } else {
        Elf32_Ehdr h = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT},
                        .e_type = ET_EXEC,
                        .e_machine = EM_RISCV,
                        .e_version = EV_CURRENT,
                        .e_entry = (uint32_t)q->call,
                        .e_phoff = sizeof h,
                        .e_ehsize = sizeof h,
                        .e_phentsize = sizeof(Elf32_Phdr),
                        .e_phnum = 1};
        Elf32_Phdr p = {.p_type = PT_LOAD,
                        .p_flags = PF_R | PF_X,
                        .p_vaddr = (uint32_t)q->page,
                        .p_paddr = (uint32_t)q->page,
                        .p_filesz = sizeof page,
                        .p_memsz = sizeof page,
                        .p_align = 4096};
        memcpy(page, &h, sizeof h);
        memcpy(page + sizeof h, &p, sizeof p);
    }
    return write(fd, page, sizeof page) == (ssize_t)sizeof page;
}

/* ---- what it must not do ---- */

static bool confine(void) {
    static const uint32_t refused[] = {SYS_unlinkat,
                                       SYS_renameat,
                                       SYS_renameat2,
                                       SYS_mkdirat,
                                       SYS_mknodat,
                                       SYS_symlinkat,
                                       SYS_linkat,
                                       SYS_truncate,
                                       SYS_ftruncate,
                                       SYS_fallocate,
                                       SYS_fchmod,
                                       SYS_fchmodat,
                                       SYS_fchown,
                                       SYS_fchownat,
                                       SYS_utimensat,
                                       SYS_setxattr,
                                       SYS_lsetxattr,
                                       SYS_fsetxattr,
                                       SYS_kill,
                                       SYS_tkill,
                                       SYS_tgkill,
                                       SYS_rt_sigqueueinfo,
                                       SYS_connect,
                                       SYS_sendmsg,
                                       SYS_sendmmsg,
                                       SYS_ptrace,
                                       SYS_process_vm_writev,
                                       SYS_mount,
                                       SYS_umount2,
                                       SYS_chroot,
                                       SYS_reboot,
                                       SYS_setpriority,
                                       SYS_shmget,
                                       SYS_msgget,
                                       SYS_semget,
                                       SYS_mq_open,
                                       SYS_mq_unlink,
                                       SYS_openat2,
                                       SYS_sethostname,
                                       SYS_settimeofday,
                                       SYS_clock_settime,
                                       SYS_adjtimex,
                                       SYS_acct,
                                       SYS_swapon,
                                       SYS_swapoff,
                                       SYS_quotactl};
    enum { COUNT = sizeof refused / sizeof *refused };
    struct sock_filter code[COUNT + 16];
    unsigned n = 0;
#define LOAD(field) code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)(field))
#define JUMP(test, value, yes, no) code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | (test) | BPF_K, value, yes, no)
#define ANSWER(value) code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, (unsigned)(value))
    LOAD(offsetof(struct seccomp_data, nr));
    JUMP(BPF_JEQ, SYS_openat, 0, 3); /* for reading only */
    LOAD(offsetof(struct seccomp_data, args[2]));
    JUMP(BPF_JSET, O_WRONLY | O_RDWR | O_CREAT | O_TRUNC, COUNT + 7, 0);
    ANSWER(SECCOMP_RET_ALLOW);
    JUMP(BPF_JEQ, SYS_clone3, 0, 1); /* glibc then uses clone */
    ANSWER(SECCOMP_RET_ERRNO | ENOSYS);
    JUMP(BPF_JEQ, SYS_clone, 0, 2); /* threads only */
    LOAD(offsetof(struct seccomp_data, args[0]));
    JUMP(BPF_JSET, CLONE_THREAD, COUNT, COUNT + 1);
    for (unsigned i = 0; i < COUNT; i++)
        JUMP(BPF_JEQ, refused[i], COUNT - i, 0);
    ANSWER(SECCOMP_RET_ALLOW);
    ANSWER(SECCOMP_RET_ERRNO | EPERM);
#undef LOAD
#undef JUMP
#undef ANSWER
    struct sock_fprog program = {(unsigned short)n, code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* ---- processes ---- */

struct start {
    const char *program, *cpu, *path;
    int memory, guest;
    char **env;
};

static _Noreturn void become_qemu(const struct start *s) {
    char guest[32];
    char *words[] = {(char *)s->program, "-cpu", (char *)s->cpu, "-g", (char *)s->path, guest, NULL};
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    snprintf(guest, sizeof guest, "/proc/self/fd/%d", PROGRAM_FD);
    if (dup2(nothing, 0) < 0 || dup2(nothing, 1) < 0 || dup2(stderr_file, 2) < 0 ||
        dup2(s->memory, QEMU_MEMORY_FD) < 0 || dup2(s->guest, PROGRAM_FD) < 0)
        _exit(NOT_RUN - 1);
    if (!confine()) {
        dprintf(2, "no seccomp filter can be set: %s\n", strerror(errno));
        _exit(NOT_RUN - 1);
    }
    execvpe(s->program, words, s->env);
    _exit(NOT_RUN);
}

static _Noreturn void keep(const struct start *s, pid_t parent) {
    int status;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    pid_t self = getpid(), pid = getppid() == parent ? fork() : -1;
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != self)
            _exit(NOT_RUN);
        become_qemu(s);
    }
    close_range(0, ~0u, 0);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    _exit(pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

/* A child without a signal at its end (clone(2)): wait does not see it. */
static pid_t start_keeper(const struct start *s) {
    pid_t parent = getpid(), pid;
    sigset_t all, old;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &old);
    pid = (pid_t)syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);
    if (pid == 0) {
        for (int i = 1; i < NSIG; i++)
            signal(i, SIG_DFL);
        sigprocmask(SIG_UNBLOCK, &all, NULL);
        keep(s, parent);
    }
    sigprocmask(SIG_SETMASK, &old, NULL);
    return pid;
}

static int high(int fd) {
    int moved = fd < 0 ? fd : fcntl(fd, F_DUPFD_CLOEXEC, OUR_FDS);
    if (moved < 0)
        return fd;
    close(fd);
    return moved;
}

/* The environment without what qemu takes for options. */
static char **environment(void) {
    size_t n = 0;
    for (char **e = environ; *e; e++)
        n++;
    char **list = calloc(n + 1, sizeof *list), **to = list;
    for (char **e = environ; list && *e; e++)
        if (strncmp(*e, "QEMU_", 5) != 0)
            *to++ = *e;
    return list;
}

static bool ended(pid_t keeper, int *status) {
    int s;
    if (waitpid(keeper, &s, __WCLONE | WNOHANG) != keeper)
        return false;
    *status = WIFEXITED(s) ? WEXITSTATUS(s) : 1;
    return true;
}

/* The connection, or -1: status is what the process ended with, -1 where it does not listen. */
static int connect_to(const char *path, pid_t keeper, int *status) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = high(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    *status = -1;
    for (int waited = 0; fd >= 0 && waited < START_MS; waited += 2) {
        if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
            return fd;
        if (ended(keeper, status))
            break;
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
    if (*status < 0) {
        kill(keeper, SIGKILL);
        waitpid(keeper, NULL, __WCLONE);
    }
    close(fd);
    return -1;
}

void qemu_last_words(char *text, size_t n) {
    ssize_t got = pread(stderr_file, text, n - 1, 0);
    text[got > 0 ? got : 0] = 0;
    text[strcspn(text, "\n")] = 0;
}

/* The properties that make the hart have no more than the guest is to have; base: what the processor is called. */
static void processor(const struct isa *isa, const char *base, bool upper, char *text, size_t room) {
    static const struct {
        unsigned ext;
        const char *name;
        bool upper; /* qemu 7 spells it with a capital */
    } rows[] = {{EXT_Zba, "ba", false}, {EXT_Zbb, "bb", false}, {EXT_Zbc, "bc", false},
                {EXT_Zbs, "bs", false}, {EXT_Zfh, "fh", true},  {EXT_Zfhmin, "fhmin", true}};
    int n = snprintf(text, room, "%s", base);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        n += snprintf(text + n, room - (size_t)n, ",%c%s=%s", upper && rows[i].upper ? 'Z' : 'z', rows[i].name,
                      isa->exts >> rows[i].ext & 1 ? "true" : "false");
}

bool qemu_start(struct qemu_process *q, const char *program, const struct isa *isa, int memory, char *err, size_t n) {
    static const struct {
        const char *base;
        bool upper;
    } tries[] = {{"max", false}, {"rv", false}, {"rv", true}};
    char directory[] = "/tmp/riv-diff-XXXXXX", path[64], cpu[128], base[8], words[200] = "";
    struct start s = {.program = program, .cpu = cpu, .path = path, .memory = memory, .env = environment()};
    int status = 0;
    s.guest = high(memfd_create("riv-diff", MFD_CLOEXEC));
    stderr_file = high(memfd_create("riv-diff", MFD_CLOEXEC));
    q->socket = -1;
    if (!s.env || s.guest < 0 || stderr_file < 0 || !write_program(s.guest, isa->xlen, q) || !mkdtemp(directory)) {
        snprintf(err, n, "%s cannot be started: %s", program, strerror(errno));
        return false;
    }
    snprintf(path, sizeof path, "%s/gdb", directory);
    for (size_t i = 0; i < sizeof tries / sizeof *tries && q->socket < 0; i++) {
        snprintf(base, sizeof base, tries[i].base[0] == 'm' ? "max" : "rv%u", isa->xlen);
        processor(isa, base, tries[i].upper, cpu, sizeof cpu);
        if (ftruncate(stderr_file, 0) != 0 || lseek(stderr_file, 0, SEEK_SET) != 0)
            break;
        pid_t keeper = start_keeper(&s);
        if (keeper < 0)
            break;
        q->socket = connect_to(path, keeper, &status);
        if (status == NOT_RUN || status < 0)
            break;
    }
    unlink(path);
    rmdir(directory);
    close(s.guest);
    free(s.env);
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (q->socket >= 0 && getsockopt(q->socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0) {
        q->pid = peer.pid;
        return true;
    }
    qemu_last_words(words, sizeof words);
    if (status == NOT_RUN)
        snprintf(err, n, "%s cannot be run: is it installed (Debian: qemu-user)?", program);
    else if (status < 0)
        snprintf(err, n, "%s does not open its gdb stub", program);
    else
        snprintf(err, n, "%s ends before it opens its gdb stub%s%s", program, words[0] ? ": " : "", words);
    return false;
}
