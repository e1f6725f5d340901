/* mmap.c: mapping guest memory.
 *
 * Mappings without a hint are placed top-down in an area that the host does not use for its own.  A fixed mapping first
 * claims the gaps in its range with MAP_FIXED_NOREPLACE: what is not the guest's and not free is riv's, and stays.
 */
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mmap.h"
#include "user.h"
#include "vma.h"

#define PLACE_TRIES 32
#define PLACE_STEP (UINT64_C(1) << 32)

static struct {
    uint64_t bottom, top;
    uint64_t anon_shared; /* numbers for shared memory without a file */
} area = {.bottom = 0x10000, .top = UINT64_C(1) << 38};

void guest_mmap_area(uint64_t bottom, uint64_t top) {
    area.bottom = bottom;
    area.top = top;
}

void guest_code_changed(uint64_t start, uint64_t end) {
    if (process.engine)
        engine_code_changed(process.engine, start, end);
}

static int64_t host_mmap(uint64_t addr, uint64_t length, int prot, int flags, int fd, uint64_t offset) {
    void *p = mmap((void *)addr, length, prot, flags, fd, (off_t)offset);
    return p == MAP_FAILED ? -errno : (int64_t)p;
}

/* Kernels before 4.17 take MAP_FIXED_NOREPLACE for a hint. */
static int64_t host_mmap_noreplace(uint64_t addr, uint64_t length, int prot, int flags, int fd, uint64_t offset) {
    int64_t r = host_mmap(addr, length, prot, (flags & ~MAP_FIXED) | MAP_FIXED_NOREPLACE, fd, offset);
    if (r >= 0 && (uint64_t)r != addr) {
        munmap((void *)r, length);
        return -EEXIST;
    }
    return r;
}

/* A mapping at hint, or where the area has room, or wherever the host likes. */
static int64_t place(uint64_t hint, uint64_t length, int prot, int flags, int fd, uint64_t offset) {
    if (hint >= area.bottom && hint + length <= process.address_limit && !(process.rv32 && hint + length > area.top)) {
        const struct vma *v = vma_first(hint);
        if (!v || v->start >= hint + length) {
            int64_t r = host_mmap_noreplace(hint, length, prot, flags, fd, offset);
            if (r != -EEXIST && r != -ENOMEM && r != -EPERM)
                return r;
        }
    }
    uint64_t top = area.top;
    for (int i = 0; i < PLACE_TRIES; i++) {
        uint64_t addr = vma_find_gap(length, area.bottom, top);
        if (addr == 0)
            break;
        int64_t r = host_mmap_noreplace(addr, length, prot, flags, fd, offset);
        if (r != -EEXIST)
            return r;
        top = addr; /* something of the host's is there: look below it */
    }
    if (process.rv32 || length > process.address_limit)
        return -ENOMEM;
    /* Above the area only what finds no room in it: from the bottom there, far from riv's own. */
    for (uint64_t addr = area.top; addr <= process.address_limit - length;) {
        const struct vma *v = vma_first(addr);
        if (v && v->start < addr + length) {
            addr = v->end;
            continue;
        }
        int64_t r = host_mmap_noreplace(addr, length, prot, flags, fd, offset);
        if (r != -EEXIST)
            return r;
        addr = (addr + length + PLACE_STEP) & ~(PLACE_STEP - 1);
    }
    return -ENOMEM;
}

/* Makes sure that the parts of [start, end) that are not the guest's are free, and takes them. */
static int64_t claim_gaps(uint64_t start, uint64_t end) {
    uint64_t at = start;
    int64_t error = 0;
    for (const struct vma *v = vma_first(start); at < end; v = v ? vma_next(v) : NULL) {
        uint64_t gap_end = v && v->start < end ? v->start : end;
        if (gap_end > at) {
            error =
                host_mmap_noreplace(at, gap_end - at, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
            if (error < 0)
                break;
        }
        if (!v || v->start >= end)
            return 0;
        at = v->end;
    }
    if (error >= 0)
        return 0;
    uint64_t undo = start;
    for (const struct vma *v = vma_first(start); undo < at; v = v ? vma_next(v) : NULL) {
        uint64_t gap_end = v && v->start < at ? v->start : at;
        if (gap_end > undo)
            munmap((void *)undo, gap_end - undo);
        if (!v)
            break;
        undo = v->end;
    }
    return -ENOMEM;
}

static void describe_backing(struct vma *v, int flags, int fd, uint64_t offset) {
    if ((flags & MAP_TYPE) != MAP_PRIVATE)
        v->flags |= VMA_SHARED;
    v->offset = offset;
    struct stat st;
    if (!(flags & MAP_ANONYMOUS) && fstat(fd, &st) == 0) {
        v->dev = st.st_dev;
        v->ino = st.st_ino;
    } else {
        v->flags |= VMA_ANON;
        v->offset = 0;
        if (v->flags & VMA_SHARED) {
            v->dev = UINT64_MAX;
            v->ino = ++area.anon_shared;
        }
    }
}

int64_t guest_mmap(uint64_t addr, uint64_t length, int prot, int flags, int fd, uint64_t offset, unsigned extra) {
    if (length == 0 || offset % GUEST_PAGE)
        return -EINVAL;
    uint64_t size = PAGE_UP(length);
    if (size < length || size > process.address_limit)
        return -ENOMEM;
    bool fixed = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);
    flags &= ~(MAP_GROWSDOWN | MAP_32BIT); /* the first is not supported by the vma list, the second is not RISC-V's */
    if (fixed && (addr % GUEST_PAGE || addr == 0))
        return addr ? -EINVAL : -EPERM;
    if (fixed && (addr + size > process.address_limit || addr + size < addr))
        return -ENOMEM;
    int host_prot = vma_host_prot((uint32_t)prot);
    bool code = false;
    vma_lock();
    int64_t r;
    if (flags & MAP_FIXED_NOREPLACE) {
        r = host_mmap_noreplace(addr, size, host_prot, flags, fd, offset);
    } else if (fixed) {
        r = claim_gaps(addr, addr + size);
        if (r >= 0)
            r = host_mmap(addr, size, host_prot, flags, fd, offset);
    } else {
        r = place(PAGE_UP(addr), size, host_prot, flags, fd, offset);
    }
    if (r >= 0) {
        struct vma v = {.start = (uint64_t)r, .end = (uint64_t)r + size, .prot = (uint32_t)prot, .flags = extra};
        describe_backing(&v, flags, fd, offset);
        code = watch_forget(v.start, v.end);
        if (!vma_insert(&v)) {
            munmap((void *)v.start, size);
            r = -ENOMEM;
        }
    }
    vma_unlock();
    if (code)
        guest_code_changed((uint64_t)r, (uint64_t)r + size);
    return r;
}

int64_t guest_munmap(uint64_t addr, uint64_t length) {
    uint64_t end = PAGE_UP(addr + length);
    if (addr % GUEST_PAGE || length == 0 || end <= addr || end > HOST_ADDRESS_LIMIT)
        return -EINVAL;
    vma_lock();
    int64_t r = 0;
    for (const struct vma *v = vma_first(addr); v && v->start < end && r == 0; v = vma_next(v)) {
        uint64_t from = v->start > addr ? v->start : addr, to = v->end < end ? v->end : end;
        if (munmap((void *)from, to - from) != 0)
            r = -errno;
    }
    bool code = watch_forget(addr, end);
    if (r == 0 && !vma_remove(addr, end))
        r = -ENOMEM;
    vma_unlock();
    if (code)
        guest_code_changed(addr, end);
    return r;
}

int64_t guest_mprotect(uint64_t addr, uint64_t length, int prot) {
    uint64_t end = PAGE_UP(addr + length);
    prot &= ~(PROT_GROWSDOWN | PROT_GROWSUP);
    if (addr % GUEST_PAGE || end < addr)
        return -EINVAL;
    if (end == addr)
        return 0;
    if (prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC))
        return -EINVAL;
    vma_lock();
    if (!vma_covered(addr, end)) {
        vma_unlock();
        return -ENOMEM;
    }
    bool code = false;
    int64_t r = mprotect((void *)addr, end - addr, vma_host_prot((uint32_t)prot)) == 0 ? 0 : -errno;
    if (r == 0 && !vma_set_prot(addr, end, (uint32_t)prot))
        r = -ENOMEM;
    if (r == 0) {
        if (prot & PROT_EXEC)
            watch_reprotect(addr, end);
        else
            code = watch_forget(addr, end); /* what is translated must not run any more */
    }
    vma_unlock();
    if (code)
        guest_code_changed(addr, end);
    return r;
}

/* Under vma_lock, with nothing watched in the old range. */
static int64_t mremap_locked(const struct vma *v, uint64_t old, uint64_t old_size, uint64_t new_size, int flags,
                             uint64_t new_addr) {
    struct vma moved = *v;
    moved.offset += old - v->start;
    int64_t r;
    if (!(flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) && old_size != 0) {
        if (new_size <= old_size) {
            if (new_size < old_size && munmap((void *)(old + new_size), old_size - new_size) != 0)
                return -errno;
            vma_remove(old + new_size, old + old_size);
            return (int64_t)old;
        }
        const struct vma *after = vma_first(old + old_size);
        if ((!after || after->start >= old + new_size) && !(process.rv32 && old + new_size > area.top)) {
            void *p = mremap((void *)old, old_size, new_size, 0);
            if (p != MAP_FAILED) {
                moved.start = old;
                moved.end = old + new_size;
                return vma_insert(&moved) ? (int64_t)old : -ENOMEM;
            }
        }
    }
    if (!(flags & MREMAP_MAYMOVE))
        return -ENOMEM;
    if (flags & MREMAP_FIXED) {
        if (new_addr % GUEST_PAGE || (new_addr < old + old_size && old < new_addr + new_size) ||
            new_addr + new_size > process.address_limit)
            return -EINVAL;
        r = claim_gaps(new_addr, new_addr + new_size);
    } else {
        r = place(0, new_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        new_addr = (uint64_t)r;
    }
    if (r < 0)
        return r;
    void *p = mremap((void *)old, old_size, new_size, flags | MREMAP_MAYMOVE | MREMAP_FIXED, (void *)new_addr);
    if (p == MAP_FAILED) {
        r = -errno;
        if (!(flags & MREMAP_FIXED))
            munmap((void *)new_addr, new_size);
        return r;
    }
    if (old_size != 0 && !(flags & MREMAP_DONTUNMAP))
        vma_remove(old, old + old_size);
    moved.start = new_addr;
    moved.end = new_addr + new_size;
    return vma_insert(&moved) ? (int64_t)new_addr : -ENOMEM;
}

int64_t guest_mremap(uint64_t old, uint64_t old_length, uint64_t new_length, int flags, uint64_t new_addr) {
    uint64_t old_size = PAGE_UP(old_length), new_size = PAGE_UP(new_length);
    if (old % GUEST_PAGE || new_size == 0 || new_size < new_length || old + old_size < old ||
        (flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP)) ||
        ((flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) && !(flags & MREMAP_MAYMOVE)))
        return -EINVAL;
    watch_release_range(old, old + (old_size ? old_size : new_size)); /* one protection again, so one mapping */
    bool code = false, code_new = false;
    vma_lock();
    const struct vma *v = vma_find(old);
    int64_t r = -EFAULT;
    if (v && v->end >= old + old_size) {
        code = watch_forget(old, old + old_size);
        if (flags & MREMAP_FIXED)
            code_new = watch_forget(new_addr, new_addr + new_size);
        struct vma copy = *v;
        r = mremap_locked(&copy, old, old_size, new_size, flags, new_addr);
    }
    vma_unlock();
    if (code)
        guest_code_changed(old, old + old_size);
    if (code_new)
        guest_code_changed(new_addr, new_addr + new_size);
    return r;
}

int64_t guest_madvise(uint64_t addr, uint64_t length, int advice) {
    uint64_t end = PAGE_UP(addr + length);
    if (addr % GUEST_PAGE || end < addr)
        return -EINVAL;
    if (end == addr)
        return 0;
    bool discards = advice == MADV_DONTNEED || advice == MADV_FREE || advice == MADV_REMOVE;
    if (discards)
        watch_release_range(addr, end);
    vma_lock();
    int64_t r = vma_covered(addr, end) ? 0 : -ENOMEM;
    for (const struct vma *v = vma_first(addr); v && v->start < end; v = vma_next(v)) {
        uint64_t from = v->start > addr ? v->start : addr, to = v->end < end ? v->end : end;
        if (madvise((void *)from, to - from, advice) != 0) {
            r = -errno;
            break;
        }
    }
    bool code = discards && watch_forget(addr, end);
    vma_unlock();
    if (code)
        guest_code_changed(addr, end);
    return r;
}

int64_t guest_brk(uint64_t addr) {
    static atomic_flag busy = ATOMIC_FLAG_INIT; /* two threads that move the break: C libraries lock, so rare */
    while (atomic_flag_test_and_set(&busy)) {
    }
    uint64_t end = PAGE_UP(process.brk), new_end = PAGE_UP(addr);
    if (addr >= process.brk_start && addr < process.address_limit) {
        int64_t r = 0;
        if (new_end > end)
            r = guest_mmap(end, new_end - end, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0, VMA_BRK);
        else if (new_end < end)
            r = guest_munmap(new_end, end - new_end);
        if (r >= 0)
            process.brk = addr;
    }
    int64_t result = (int64_t)process.brk;
    atomic_flag_clear(&busy);
    return result;
}

int64_t guest_shmat(int id, uint64_t addr, int flags) {
    struct shmid_ds ds;
    if (shmctl(id, IPC_STAT, &ds) != 0)
        return -errno;
    uint64_t size = PAGE_UP(ds.shm_segsz);
    if (flags & SHM_RND)
        addr = PAGE_DOWN(addr);
    int prot = PROT_READ | (flags & SHM_RDONLY ? 0 : PROT_WRITE) | (flags & SHM_EXEC ? PROT_EXEC : 0);
    int reserve = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    if (addr)
        reserve |= flags & SHM_REMAP ? MAP_FIXED : MAP_FIXED_NOREPLACE;
    int64_t r = guest_mmap(addr, size, PROT_NONE, reserve, -1, 0, 0);
    if (r < 0)
        return r == -EEXIST ? -EINVAL : r;
    if (shmat(id, (void *)r, (flags & SHM_RDONLY) | SHM_REMAP) == (void *)-1) {
        int error = errno;
        guest_munmap((uint64_t)r, size);
        return -error;
    }
    struct vma v = {.start = (uint64_t)r,
                    .end = (uint64_t)r + size,
                    .prot = (uint32_t)prot,
                    .flags = VMA_SHARED | VMA_SHM,
                    .dev = UINT64_MAX - 1,
                    .ino = (uint64_t)id + 1};
    vma_lock();
    bool ok = vma_insert(&v);
    vma_unlock();
    return ok ? r : -ENOMEM;
}

int64_t guest_shmdt(uint64_t addr) {
    vma_lock();
    const struct vma *v = vma_find(addr);
    int64_t r = -EINVAL;
    uint64_t end = 0;
    bool code = false;
    if (v && v->start == addr && (v->flags & VMA_SHM)) {
        end = v->end;
        r = shmdt((void *)addr) == 0 ? 0 : -errno;
        if (r == 0) {
            code = watch_forget(addr, end);
            vma_remove(addr, end);
        }
    }
    vma_unlock();
    if (code)
        guest_code_changed(addr, end);
    return r;
}
