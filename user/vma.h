/* vma.h: what the guest has mapped, and which of its pages are watched for writes to code.
 *
 * The host's mappings of guest memory are never executable, so PROT_EXEC lives only here.  Every page of guest memory
 * is in exactly one vma; what is in none is free or riv's own.
 *
 *      vma      [start ............ end)  prot as the guest sees it, backing (dev, ino, offset) for aliases
 *      watch    one entry per page that holds translated code; read-only on the host while the guest may write it
 */
#ifndef USER_VMA_H
#define USER_VMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VMA_SHARED = 1, VMA_ANON = 2, VMA_STACK = 4, VMA_BRK = 8, VMA_SHM = 16, VMA_SIGRETURN = 32 };

struct vma {
    uint64_t start, end; /* page-aligned */
    uint32_t prot;       /* PROT_ bits of the guest */
    uint32_t flags;      /* VMA_ bits */
    uint64_t dev, ino;   /* backing of file and shared mappings; ino 0: private memory */
    uint64_t offset;     /* of start in the backing */
};

void vma_lock(void);
void vma_unlock(void);

/* All below: under vma_lock. */

/* The vma that contains addr, or NULL. */
const struct vma *vma_find(uint64_t addr);
/* The first vma that ends above addr, or NULL; vma_next goes on from it. */
const struct vma *vma_first(uint64_t addr);
const struct vma *vma_next(const struct vma *v);
/* Replaces whatever is in v's range.  False: no memory for the list (nothing has changed). */
bool vma_insert(const struct vma *v);
/* Forgets [start, end).  False: no memory for the list. */
bool vma_remove(uint64_t start, uint64_t end);
bool vma_set_prot(uint64_t start, uint64_t end, uint32_t prot);
/* Every page of [start, end) is mapped. */
bool vma_covered(uint64_t start, uint64_t end);
/* The highest free range of size bytes below top and not below bottom, or 0. */
uint64_t vma_find_gap(uint64_t size, uint64_t bottom, uint64_t top);
/* Host protection for a guest's: readable where executable, never executable. */
int vma_host_prot(uint32_t prot);

/* watch.c: the struct guest_memory calls (ctx is not used). */
size_t watch_fetch(void *ctx, uint64_t pc, const uint8_t **host, uint32_t *cause);
bool watch_code(void *ctx, uint64_t addr);
/* A write to a watched page at addr: reports the change, lets the write pass.  False: the page is not watched. */
bool watch_write_fault(uint64_t addr);
/* The kernel is about to write [start, start + size). */
void watch_prepare_write(uint64_t start, uint64_t size);
/* Makes all watched pages writable again; false where there were none. */
bool watch_release_all(void);
bool watch_release_range(uint64_t start, uint64_t end);
/* Under vma_lock: drops the entries in [start, end); true where one held code: the caller then calls
 * engine_code_changed, after vma_unlock. */
bool watch_forget(uint64_t start, uint64_t end);
/* Under vma_lock, after the guest's protection of [start, end) has changed on the host: protects pages that hold code
 * again where the guest may write them now. */
void watch_reprotect(uint64_t start, uint64_t end);

#endif
