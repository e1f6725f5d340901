/* user.h: what the files of user mode share: the guest process, its threads, and access to guest memory.
 *
 * There is one guest process per riv process, so its state is one global; a thread finds its own state through
 * task_current, which signal handlers read.  A guest address is a host address.
 *
 * Locks, in the order in which they nest: the engine's, then vma_lock, then signal_lock.  None is held while guest
 * memory is touched, as the fault handler takes vma_lock.
 */
#ifndef USER_USER_H
#define USER_USER_H

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "linux_user.h"

#define GUEST_PAGE 4096u
#define PAGE_DOWN(a) ((uint64_t)(a) & ~(uint64_t)(GUEST_PAGE - 1))
#define PAGE_UP(a) PAGE_DOWN((uint64_t)(a) + GUEST_PAGE - 1)

/* What system calls return beside values and -errno (include/linux/errno.h of the kernel uses the same idea). */
#define RESTART_INTERRUPTED (-512) /* interrupted: EINTR or done again, as the handler's SA_RESTART says */
#define RESTART_NOT_STARTED (-513) /* a signal came first: done again after it */
#define NO_RESULT (-514)           /* registers are as they should be (rt_sigreturn) */

struct auxv_entry {
    uint64_t type, value;
};

struct process {
    const struct linux_user_config *config;
    struct engine *engine;
    char exe[PATH_MAX];       /* host path of the program, absolute */
    char exe_guest[PATH_MAX]; /* the same as the guest sees it */
    char **argv;              /* the guest's, NULL-terminated: /proc/self/cmdline */
    struct auxv_entry auxv[32];
    unsigned auxv_count;
    uint64_t sigreturn; /* address of the code a signal handler returns to */
    uint64_t brk_start, brk;
    uint64_t address_limit; /* guest addresses are below this power of two, what riv has for itself is above it */
    bool rv32;
};

extern struct process process;

#define HOST_ADDRESS_LIMIT (UINT64_C(1) << 47) /* the host's kernel refuses what is above */

/* Memory there is, if any, is riv's: no system call may look at it. */
static inline bool is_foreign(uint64_t addr) { return addr >= process.address_limit && addr < HOST_ADDRESS_LIMIT; }

#define SIGNALS 64

/* As the guest's rt_sigaction has it (RISC-V has no restorer). */
struct guest_action {
    uint64_t handler, flags, mask;
};

/* What a process has for itself even where it shares memory, and so struct process, with its parent. */
struct group {
    _Atomic unsigned threads;
    bool shares_memory; /* made with CLONE_VM: what it allocates is its parent's too, and is there after its end */
    bool cwd_in_sysroot;
    struct guest_action action[SIGNALS + 1]; /* under signals_lock */
};

struct alt_stack {
    uint64_t sp;
    int32_t flags;
    uint64_t size;
};

#define SIGNAL_QUEUE 8

/* A guest thread. */
struct task {
    struct hart hart;
    struct group *group;
    pid_t tid;
    uint64_t clear_tid; /* guest address, 0: none */
    bool main;
    bool exiting; /* leave task_run */
    int exit_status;

    uint64_t mask;         /* signals the guest blocks, bit per signal number - 1 */
    uint64_t suspend_mask; /* the mask in force during rt_sigsuspend and its like */
    bool suspended;
    struct alt_stack altstack;
    siginfo_t queue[SIGNAL_QUEUE]; /* taken by the host handler, not yet delivered */
    unsigned queued;
    char **exec_argv, **exec_env;  /* of an execve under way; after vfork, the parent frees them */
    uint32_t signal_waiting; /* set by the host handler; read by safe_syscall */
    void *host_altstack;
};

extern __thread struct task *task_current;

/* safe_syscall.S.  safe_syscall returns RESTART_NOT_STARTED when *waiting is not zero on entry, without a gap between
 * the test and the system call; guest_copy returns 0, or -EFAULT when one side is not accessible. */
long safe_syscall(const uint32_t *waiting, long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
                  uint64_t f);
long guest_copy(void *to, const void *from, size_t n);
/* For the signal handler: moves a context out of the two functions above. */
bool safe_syscall_interrupt(ucontext_t *uc);
bool guest_copy_fault(ucontext_t *uc);

static inline long copy_in(void *to, uint64_t from, size_t n) {
    return is_foreign(from) ? -EFAULT : guest_copy(to, (const void *)from, n);
}
static inline long copy_out(uint64_t to, const void *from, size_t n) {
    return is_foreign(to) ? -EFAULT : guest_copy((void *)to, from, n);
}
/* Copies a string of at most n bytes with its zero: 0, -EFAULT or -ENAMETOOLONG. */
long copy_string(char *to, uint64_t from, size_t n);

/* A system call made for the guest: direct for those that never wait, interruptible for those that may.  Both deal with
 * watched pages that the kernel may not write. */
long host_syscall(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f);
long host_syscall_blocking(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f);

/* main.c: runs the calling thread's task until it exits. */
void task_run(struct task *t);
/* Prints statistics where asked for; called before the process exits. */
void process_finish(void);
/* main.c: tells config->leaving, once for good. */
void process_leaving(bool for_good);

#endif
