/* robust.c: the robust list of a thread that exits (Linux: kernel/futex/core.c, exit_robust_list).
 *
 * The kernel goes through it when the host thread ends.  That is after riv has cleared the guest's thread number, by
 * which others know that the thread is gone and its locks are marked; so riv marks them itself before.  What is left to
 * the kernel are locks with priority inheritance that somebody waits for, which it hands over.
 */
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "thread.h"
#include "vma.h"

#define ENTRIES_MAX 2048
#define PI_BIT UINT64_C(1)

static bool is_writable(uint64_t at) {
    vma_lock();
    const struct vma *v = vma_find(at);
    bool ok = v && (v->prot & PROT_WRITE);
    vma_unlock();
    return ok;
}

/* True: the kernel has to do it. */
static bool mark(const struct task *t, uint64_t at, bool pi) {
    uint32_t value, now;
    if (at % 4 || !is_writable(at) || copy_in(&value, at, sizeof value) != 0)
        return false;
    watch_prepare_write(at, sizeof value);
    do {
        if ((value & FUTEX_TID_MASK) != (uint32_t)t->tid)
            return false;
        if (pi && (value & FUTEX_WAITERS))
            return true;
        now = (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
    } while (!__atomic_compare_exchange_n((uint32_t *)at, &value, now, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
    if (value & FUTEX_WAITERS)
        syscall(SYS_futex, at, FUTEX_WAKE, 1, NULL, NULL, 0);
    return false;
}

void robust_list_exit(const struct task *t) {
    uint64_t head = 0, size = 0, list[3]; /* first entry, offset of the word in an entry, entry in the making */
    if (syscall(SYS_get_robust_list, 0, &head, &size) != 0 || head == 0 || copy_in(list, head, sizeof list) != 0)
        return;
    uint64_t entry = list[0];
    bool kept = false;
    for (int i = 0; i < ENTRIES_MAX && (entry & ~PI_BIT) != head && entry > PI_BIT; i++) {
        uint64_t at = entry & ~PI_BIT, next;
        if (copy_in(&next, at, sizeof next) != 0)
            return;
        if (at != (list[2] & ~PI_BIT))
            kept |= mark(t, at + list[1], entry & PI_BIT);
        entry = next;
    }
    if (list[2] & ~PI_BIT)
        kept |= mark(t, (list[2] & ~PI_BIT) + list[1], list[2] & PI_BIT);
    if (!kept) /* or the kernel would read what may be another thread's by then */
        syscall(SYS_set_robust_list, NULL, sizeof list);
}
