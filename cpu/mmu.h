/* mmu.h: address translation of a hart in system mode, and the TLBs that loads, stores and fetches probe.
 *
 *      va ──index──▶ tlb_entry: read == page of va's last byte? ──yes──▶ host address = va + addend
 *                                    └──no──▶ mmu_load, mmu_store: page walk, PMP, RAM or device
 *
 * An entry's write tag is empty for pages that hold decoded code: stores to them take the slow path, which drops the
 * code.  One TLB for each way that permissions are judged; a change of privilege only changes the pointer.
 */
#ifndef CPU_MMU_H
#define CPU_MMU_H

#include <stdbool.h>
#include <stdint.h>

struct hart;
struct system;

enum access { ACCESS_READ, ACCESS_WRITE, ACCESS_FETCH };

enum { TLB_SIZE = 4096, FETCH_TLB_SIZE = 128 };
enum { TLB_U, TLB_S, TLB_S_SUM, TLB_M, TLB_CONTEXTS };
#define FETCH_EMPTY UINT64_C(1) /* never equal to a page's address */
#define PAGE_MASK (~UINT64_C(4095))

struct tlb_entry {
    uint64_t read, write; /* virtual address of the page, or tlb_empty() */
    uint64_t addend;      /* host address - virtual address */
    uint64_t host;        /* host address of the page; 0: nothing was here since the last flush */
};
/* A flush empties what was used since the one before: mostly a small part. */
struct tlb {
    struct tlb_entry entries[TLB_SIZE];
    uint16_t used[TLB_SIZE]; /* indices of entries whose host is not 0, each once */
    unsigned used_count;
};

struct fetch_entry {
    uint64_t page; /* virtual address, or FETCH_EMPTY */
    const uint8_t *host;
    uint64_t ram_page; /* index among all RAM pages */
    bool partial;      /* PMP allows only parts of the page: nothing of it may be kept */
};
struct fetch_tlb {
    struct fetch_entry entries[FETCH_TLB_SIZE];
};

/* Loads or stores size bytes (1 to 8) at va, whatever its alignment.  False: h->trap.cause and tval say why. */
bool mmu_load(struct hart *h, uint64_t va, unsigned size, uint64_t *value);
bool mmu_store(struct hart *h, uint64_t va, unsigned size, uint64_t value);
/* Host memory behind [va, va + size), within one page, readable (and writable: for an AMO or SC, whose faults are store
 * faults).  NULL: as above; devices give an access fault. */
void *mmu_memory(struct hart *h, uint64_t va, unsigned size, enum access access);
/* Whether a cache-block instruction may touch the block; its faults are store faults. */
bool mmu_cache_block(struct hart *h, uint64_t va);
/* The page that pc is fetched from; NULL as above.  Valid until the next call. */
const struct fetch_entry *mmu_fetch(struct hart *h, uint64_t pc);
/* Physical address of va for a debugger or tracer: no fault, no A or D, privilege and mode as loads have them. */
bool mmu_probe(struct hart *h, uint64_t va, uint64_t *pa);

void mmu_reset(struct system *s); /* before anything else */
void mmu_flush(struct system *s);
void mmu_flush_page(struct system *s, uint64_t va);
void mmu_flush_data(struct system *s); /* keeps fetch translations */
/* Empties write tags that lead to the page of RAM at host. */
void mmu_flush_writes(struct system *s, const uint8_t *host);

/* RAM at a physical address: host memory, or NULL; *ram_page its index, *writable. */
uint8_t *mmu_ram(const struct system *s, uint64_t pa, uint64_t *ram_page, bool *writable);

static inline unsigned tlb_index(uint64_t va) { return (unsigned)(va >> 12) & (TLB_SIZE - 1); }
/* The tag of nothing: no page's address, and far away from every address that has this index. */
static inline uint64_t tlb_empty(unsigned index) { return (uint64_t)(index ^ TLB_SIZE / 2) << 12 | 1; }
static inline unsigned fetch_index(uint64_t va) { return (unsigned)(va >> 12) & (FETCH_TLB_SIZE - 1); }

#endif
