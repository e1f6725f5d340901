/* linux_user.h: Linux user mode: what cli/ needs to run a guest program. */
#ifndef USER_LINUX_USER_H
#define USER_LINUX_USER_H

#include "../translate/engine.h"

struct linux_user_config {
    struct engine_config engine; /* mem is filled in by linux_user_main; isa, kind, stats, dump ... are the caller's */
    const char *sysroot;         /* -L, or NULL */
    const char *program;         /* path as the guest sees it (looked up in the sysroot first when absolute) */
    const char *argv0;           /* -0, or NULL for program */
    char **args;                 /* NULL-terminated, without argv[0] */
    char **env;                  /* NULL-terminated, complete */
    uint64_t stack_bytes;        /* -s; 0: RLIMIT_STACK */
    bool strace;
    bool stats, stats_json; /* print engine statistics to stderr at exit */
    const char *self;       /* path of this riv executable, for execve of guest programs */
    /* The process is about to end, or (for_good false) to execute another program, which may fail: what was written behind
     * buffers is to be written out.  No hart runs guest code meanwhile. NULL: nobody asks. */
    void (*leaving)(void *ctx, bool for_good);
    void *leaving_ctx;
    char **self_options; /* options to pass on to riv in execve (NULL-terminated): --engine, --cpu, -L, -strace ... */
};

/* Loads the program and runs it; does not return unless loading fails, in which case one line has been written to
 * stderr and the value is the exit status (127 not found, 126 not executable, 1 otherwise). The guest's exit ends the
 * process with the guest's status; death by a signal ends it by the same signal. */
int linux_user_main(const struct linux_user_config *config);

#endif
