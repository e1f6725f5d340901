/* syscalls_memory.c: address space and System V IPC; the work is in mmap.c. */
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/syscall.h>

#include "mmap.h"
#include "syscalls.h"
#include "vma.h"

int64_t sys_brk(struct task *t, const uint64_t *a) { return guest_brk(a[0]); }

int64_t sys_mmap(struct task *t, const uint64_t *a) {
    return guest_mmap(a[0], a[1], (int)a[2], (int)a[3], (int)a[4], a[5], 0);
}

int64_t sys_munmap(struct task *t, const uint64_t *a) { return guest_munmap(a[0], a[1]); }
int64_t sys_mprotect(struct task *t, const uint64_t *a) { return guest_mprotect(a[0], a[1], (int)a[2]); }
int64_t sys_madvise(struct task *t, const uint64_t *a) { return guest_madvise(a[0], a[1], (int)a[2]); }
int64_t sys_shmat(struct task *t, const uint64_t *a) { return guest_shmat((int)a[0], a[1], (int)a[2]); }
int64_t sys_shmdt(struct task *t, const uint64_t *a) { return guest_shmdt(a[0]); }

int64_t sys_mremap(struct task *t, const uint64_t *a) { return guest_mremap(a[0], a[1], a[2], (int)a[3], a[4]); }

/* struct semid64_ds of include/uapi/asm-generic/sembuf.h: x86 has padding after each time. */
struct guest_semid {
    uint8_t perm[48];
    uint64_t otime, ctime, nsems, unused[2];
};
struct host_semid {
    uint8_t perm[48];
    uint64_t otime, unused1, ctime, unused2, nsems, unused[2];
};

#define IPC_64 0x100

int64_t sys_semctl(struct task *t, const uint64_t *a) {
    struct guest_semid g = {0};
    struct host_semid h = {0};
    int command = (int)a[2] & ~IPC_64;
    if (command != IPC_STAT && command != SEM_STAT && command != SEM_STAT_ANY && command != IPC_SET)
        return host_syscall(SYS_semctl, a[0], a[1], a[2], a[3], 0, 0);
    if (command == IPC_SET) {
        if (copy_in(&g, a[3], sizeof g) != 0)
            return -EFAULT;
        __builtin_memcpy(h.perm, g.perm, sizeof h.perm);
    }
    int64_t r = host_syscall(SYS_semctl, a[0], a[1], a[2], (uint64_t)&h, 0, 0);
    if (r < 0 || command == IPC_SET)
        return r;
    __builtin_memcpy(g.perm, h.perm, sizeof g.perm);
    g.otime = h.otime;
    g.ctime = h.ctime;
    g.nsems = h.nsems;
    return copy_out(a[3], &g, sizeof g) == 0 ? r : -EFAULT;
}

/* arch/riscv/kernel/sys_riscv.c: SYS_RISCV_FLUSH_ICACHE_LOCAL */
enum { FLUSH_LOCAL = 1 };

int64_t sys_riscv_flush_icache(struct task *t, const uint64_t *a) {
    if (a[2] & ~UINT64_C(1))
        return -EINVAL;
    /* When it returns no thread may execute the old code, not even the rest of a block that it is in. */
    bool stopped = !(a[2] & FLUSH_LOCAL) && engine_stop_others(&t->hart);
    if (a[0] < a[1] && a[1] - a[0] < UINT64_C(1) << 32)
        guest_code_changed(a[0], a[1]);
    else
        engine_fence_i(process.engine);
    if (stopped)
        engine_resume_others(&t->hart);
    return 0;
}
