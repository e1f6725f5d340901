/* syscalls.h: the system calls that are more than a pass to the host. */
#ifndef USER_SYSCALLS_H
#define USER_SYSCALLS_H

#include "user.h"

typedef int64_t syscall_function(struct task *t, const uint64_t *a);

struct syscall_row {
    const char *name;
    const char *args;
    syscall_function *call; /* NULL: the host's */
    int16_t host;           /* its number; -1: not supported */
    bool wait;
};

/* NULL where the number means nothing. */
const struct syscall_row *syscall_row(uint64_t number);
/* The host's call for a row that has one, with the arguments prepared as the row says. */
int64_t syscall_pass(const struct syscall_row *row, const uint64_t *args);
/* Runs the system call that t's registers ask for and sets them for what comes next. */
void syscall_dispatch(struct task *t);

#define PASS(number, name, args)
#define WAIT(number, name, args)
#define NONE(number, name)
#define CALL(number, name, args, function) syscall_function function;
#include "syscalls.def"
#undef PASS
#undef WAIT
#undef NONE
#undef CALL

/* rv32.c: the 32-bit ABI's calls; arguments are zero-extended. */
int64_t rv32_syscall(struct task *t, uint64_t number, uint64_t *a);

/* exec.c: status of a new program as execve sees it before it is too late to fail. */
int64_t exec_program(struct task *t, int dirfd, const char *path, uint64_t argv, uint64_t envp, int flags);

/* strace.c: the line is printed when the call returns; calls that may not return print it first. */
void strace_before(const struct task *t, uint64_t number, const struct syscall_row *row, const uint64_t *a);
void strace_after(const struct task *t, uint64_t number, const struct syscall_row *row, const uint64_t *a,
                  int64_t result);

#endif
