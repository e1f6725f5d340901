/* guest_access.c: the C side of safe_syscall.S, and system calls made on the guest's behalf. */
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "user.h"
#include "vma.h"

extern const char safe_syscall_test[], safe_syscall_insn[], safe_syscall_end[];
extern const char guest_copy_insn[], guest_copy_failed[];

bool safe_syscall_interrupt(ucontext_t *uc) {
    uintptr_t pc = (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
    if (pc < (uintptr_t)safe_syscall_test || pc >= (uintptr_t)safe_syscall_end)
        return false;
    uc->uc_mcontext.gregs[REG_RAX] = pc < (uintptr_t)safe_syscall_insn ? RESTART_NOT_STARTED : RESTART_INTERRUPTED;
    uc->uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)safe_syscall_end;
    return true;
}

bool guest_copy_fault(ucontext_t *uc) {
    if ((uintptr_t)uc->uc_mcontext.gregs[REG_RIP] != (uintptr_t)guest_copy_insn)
        return false;
    uc->uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)guest_copy_failed;
    return true;
}

long copy_string(char *to, uint64_t from, size_t n) {
    for (size_t done = 0; done < n;) {
        size_t chunk = GUEST_PAGE - (from + done) % GUEST_PAGE;
        if (chunk > 64)
            chunk = 64;
        if (chunk > n - done)
            chunk = n - done;
        if (copy_in(to + done, from + done, chunk) != 0)
            return -EFAULT;
        if (memchr(to + done, 0, chunk))
            return 0;
        done += chunk;
    }
    return -ENAMETOOLONG;
}

static long raw_syscall(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f) {
    register uint64_t r10 __asm__("r10") = d;
    register uint64_t r8 __asm__("r8") = e;
    register uint64_t r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

long host_syscall(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f) {
    long r = raw_syscall(number, a, b, c, d, e, f);
    if (r == -EFAULT && watch_release_all())
        r = raw_syscall(number, a, b, c, d, e, f);
    return r;
}

long host_syscall_blocking(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f) {
    const uint32_t *waiting = &task_current->signal_waiting;
    long r = safe_syscall(waiting, number, a, b, c, d, e, f);
    if (r == -EFAULT && watch_release_all())
        r = safe_syscall(waiting, number, a, b, c, d, e, f);
    return r;
}
