/* mmap.h: the guest's address space as the loader and system calls change it.  Values are addresses or -errno. */
#ifndef USER_MMAP_H
#define USER_MMAP_H

#include <stdint.h>
#include <sys/types.h>

/* As mmap(2), with the guest's protection; never replaces memory of riv's own.  flags are the host's MAP_ bits, extra
 * are VMA_ bits. */
int64_t guest_mmap(uint64_t addr, uint64_t length, int prot, int flags, int fd, uint64_t offset, unsigned extra);
int64_t guest_munmap(uint64_t addr, uint64_t length);
int64_t guest_mprotect(uint64_t addr, uint64_t length, int prot);
int64_t guest_mremap(uint64_t old, uint64_t old_length, uint64_t new_length, int flags, uint64_t new_addr);
int64_t guest_madvise(uint64_t addr, uint64_t length, int advice);
/* Returns the new break, or the old one where it cannot be had. */
int64_t guest_brk(uint64_t addr);
int64_t guest_shmat(int id, uint64_t addr, int flags);
int64_t guest_shmdt(uint64_t addr);
/* Keeps guest mappings without a hint below top (and above bottom); called once, before the first mapping. */
void guest_mmap_area(uint64_t bottom, uint64_t top);
void guest_code_changed(uint64_t start, uint64_t end);

#endif
