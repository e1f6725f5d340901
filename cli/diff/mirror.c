/* mirror.c: the reference's copy of guest memory: a private mapping for each piece that the guest may write, the
 * guest's own memory for the others.
 *
 *      guest     [ text r-x ][ data rw- ]            [ heap rw- ]
 *      mirror      same bytes   copy                    copy
 *
 * A reference that is another process cannot see the guest's memory: for it (mirror_share) every piece is a copy, and
 * all of them are pieces of one file that both processes map.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../user/user.h"
#include "../../user/vma.h"
#include "diff.h"

static struct region *regions; /* by address */
static size_t region_count, region_room;
static struct mirror_listener listener;
static struct {
    uint64_t address;
    uint32_t bits, size;
} plant = {.address = UINT64_MAX};

static struct {
    int file;
    uint64_t end; /* of what is used of it */
} shared = {.file = -1};

void mirror_share(int file) { shared.file = file; }

void mirror_plant(uint64_t address, uint32_t bits) {
    plant.address = address;
    plant.bits = bits;
    plant.size = insn_length(bits);
}

bool mirror_planted(uint64_t address) { return plant.size && PAGE_DOWN(address) == PAGE_DOWN(plant.address); }

void mirror_listen(const struct mirror_listener *l) { listener = *l; }

static size_t region_index(uint64_t address) { /* the first that ends above address */
    size_t low = 0, high = region_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (regions[middle].end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint8_t *mirror_at(uint64_t address, uint64_t size) {
    size_t i = region_index(address);
    if (i == region_count || regions[i].start > address || regions[i].end - address < size)
        return NULL;
    return regions[i].bytes + (address - regions[i].start);
}

bool mirror_region(uint64_t address, struct region *r) {
    size_t i = region_index(address);
    if (i == region_count || regions[i].start > address)
        return false;
    *r = regions[i];
    return true;
}

bool mirror_executable(uint64_t address) {
    size_t i = region_index(address);
    return i < region_count && regions[i].start <= address && (regions[i].prot & PROT_EXEC);
}

bool mirror_page(uint64_t address, uint32_t *prot, uint64_t *offset) {
    size_t i = region_index(address);
    if (i == region_count || regions[i].start > address)
        return false;
    *prot = regions[i].prot;
    *offset = regions[i].offset + (address - regions[i].start);
    return true;
}

static bool insert(const struct region *r) {
    if (region_count == region_room) {
        size_t room = region_room ? region_room * 2 : 64;
        struct region *bigger = realloc(regions, room * sizeof *bigger);
        if (!bigger)
            return false;
        regions = bigger;
        region_room = room;
    }
    size_t i = region_index(r->start);
    memmove(&regions[i + 1], &regions[i], (region_count - i) * sizeof *regions);
    regions[i] = *r;
    region_count++;
    return !listener.add || listener.add(r);
}

static struct region take(size_t i) {
    struct region r = regions[i];
    memmove(&regions[i], &regions[i + 1], (--region_count - i) * sizeof *regions);
    if (listener.remove)
        listener.remove(&r);
    return r;
}

/* Keeps what of r lies in [start, end), with another protection. */
static bool put_piece(const struct region *r, uint64_t start, uint64_t end, uint32_t prot) {
    struct region piece = {start, end, prot, r->bytes + (start - r->start), r->owned, r->offset + (start - r->start)};
    return insert(&piece);
}

static void release(const struct region *r, uint64_t start, uint64_t end) {
    if (!r->owned || start >= end)
        return;
    munmap(r->bytes + (start - r->start), end - start);
    if (shared.file >= 0)
        fallocate(shared.file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)(r->offset + (start - r->start)),
                  (off_t)(end - start));
}

void mirror_drop(uint64_t start, uint64_t end) {
    start = PAGE_DOWN(start);
    end = PAGE_UP(end);
    for (size_t i = region_index(start); i < region_count && regions[i].start < end; i = region_index(start)) {
        struct region r = take(i);
        uint64_t low = r.start > start ? r.start : start, high = r.end < end ? r.end : end;
        release(&r, low, high);
        if (r.start < low)
            put_piece(&r, r.start, low, r.prot);
        if (high < r.end)
            put_piece(&r, high, r.end, r.prot);
    }
}

/* A page of the guest's, or what of it lies behind from: NULL where it cannot be read (behind the end of a mapped
 * file). */
static const uint8_t *guest_bytes(uint64_t from, uint64_t n) {
    static _Thread_local uint8_t page[GUEST_PAGE];
    return copy_in(page, from, n) == 0 ? page : NULL;
}

static uint64_t copy_pages(uint8_t *to, uint64_t from, uint64_t size) {
    uint64_t changed = 0;
    for (uint64_t at = 0; at < size;) {
        uint64_t n = GUEST_PAGE - ((from + at) & (GUEST_PAGE - 1));
        if (n > size - at)
            n = size - at;
        const uint8_t *ours = guest_bytes(from + at, n);
        if (ours && memcmp(to + at, ours, n) != 0) {
            for (uint64_t i = 0; i < n; i++)
                changed += to[at + i] != ours[i];
            memcpy(to + at, ours, n);
        }
        at += n;
    }
    return changed;
}

uint64_t mirror_copy(uint64_t start, uint64_t end) {
    if (lockstep.reference->no_memory)
        spike_log_outside(start, end);
    uint64_t changed = 0;
    for (size_t i = region_index(start); i < region_count && regions[i].start < end; i++) {
        struct region *r = &regions[i];
        uint64_t low = r->start > start ? r->start : start, high = r->end < end ? r->end : end;
        if (!r->owned)
            continue;
        uint64_t n = copy_pages(r->bytes + (low - r->start), low, high - low);
        if (n && (r->prot & PROT_EXEC) && listener.code_changed)
            listener.code_changed(low, high);
        changed += n;
    }
    return changed;
}

/* Memory of the mirror's own for r. */
static bool allocate(struct region *r) {
    uint64_t size = r->end - r->start;
    int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    if (shared.file >= 0) {
        r->offset = shared.end;
        shared.end += size;
        if (ftruncate(shared.file, (off_t)shared.end) != 0)
            return false;
        flags = MAP_SHARED;
    }
    void *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, flags | MAP_NORESERVE, shared.file, (off_t)r->offset);
    if (bytes == MAP_FAILED)
        return false;
    r->bytes = bytes;
    return r->owned = true;
}

static bool add_new(uint64_t start, uint64_t end, uint32_t prot, bool copy) {
    struct region r = {start, end, prot, (uint8_t *)start, false, 0};
    bool planted = plant.address >= start && plant.address < end;
    if ((prot & PROT_WRITE) || planted || shared.file >= 0) {
        if (!allocate(&r))
            return false;
        if (copy)
            copy_pages(r.bytes, start, end - start);
        if (planted)
            memcpy(r.bytes + (plant.address - start), &plant.bits, plant.size);
    }
    return insert(&r);
}

struct span {
    uint64_t start, end;
    uint32_t prot;
    bool zero;
};

/* The guest's map as spans, to be freed. */
static struct span *guest_map(size_t *count) {
    size_t n = 0, room = 64;
    struct span *spans = malloc(room * sizeof *spans);
    vma_lock();
    for (const struct vma *v = vma_first(0); v && spans; v = vma_next(v)) {
        if (!(v->prot & (PROT_READ | PROT_WRITE | PROT_EXEC)))
            continue;
        if (n == room) {
            struct span *bigger = realloc(spans, (room *= 2) * sizeof *spans);
            if (!bigger)
                free(spans);
            spans = bigger;
        }
        if (spans)
            spans[n++] = (struct span){v->start, v->end, v->prot & 7, (v->flags & VMA_ANON) && v->ino == 0};
    }
    vma_unlock();
    *count = n;
    return spans;
}

bool mirror_update(bool fresh) {
    if (lockstep.reference->no_memory)
        return true;
    size_t count, s = 0;
    struct span *spans = guest_map(&count);
    bool good = spans != NULL;
    /* what is gone, or has another protection */
    for (size_t i = 0; i < region_count && good;) {
        struct region *r = &regions[i];
        while (s < count && spans[s].end <= r->start)
            s++;
        if (s < count && spans[s].start <= r->start && spans[s].end >= r->end && spans[s].prot == r->prot) {
            i++;
            continue;
        }
        struct region old = take(i);
        uint64_t at = old.start;
        for (size_t k = s; k < count && spans[k].start < old.end && good; k++) {
            uint64_t low = spans[k].start > at ? spans[k].start : at,
                     high = spans[k].end < old.end ? spans[k].end : old.end;
            release(&old, at, low);
            if (old.owned || !(spans[k].prot & PROT_WRITE)) { /* else it gets a copy of its own below */
                good = put_piece(&old, low, high, spans[k].prot);
                i++;
            }
            at = high;
        }
        release(&old, at, old.end);
    }
    /* what is new */
    for (size_t k = 0; k < count && good; k++) {
        uint64_t at = spans[k].start;
        for (size_t i = region_index(at); at < spans[k].end && good; i = region_index(at)) {
            uint64_t end = i < region_count && regions[i].start < spans[k].end ? regions[i].start : spans[k].end;
            if (end > at)
                good = add_new(at, end, spans[k].prot, !(fresh && spans[k].zero));
            i = region_index(at);
            at = i < region_count && regions[i].end < spans[k].end ? regions[i].end : spans[k].end;
        }
    }
    free(spans);
    return good;
}

uint64_t mirror_difference(uint64_t from) {
    for (size_t i = region_index(from); i < region_count; i++) {
        const struct region *r = &regions[i];
        uint64_t at = r->start > from ? r->start : from;
        for (; r->owned && at < r->end; at = PAGE_DOWN(at) + GUEST_PAGE) {
            uint64_t n = PAGE_DOWN(at) + GUEST_PAGE - at;
            const uint8_t *theirs = r->bytes + (at - r->start), *ours = guest_bytes(at, n);
            if (!ours || memcmp(ours, theirs, n) == 0)
                continue;
            for (uint64_t k = 0; k < n; k++)
                if (ours[k] != theirs[k] && at + k - plant.address >= plant.size)
                    return at + k;
        }
    }
    return UINT64_MAX;
}

static int by_address(const void *a, const void *b) {
    const struct store *x = a, *y = b;
    return x->address < y->address ? -1 : x->address > y->address;
}

uint64_t mirror_adopt(const struct store *stores, uint32_t n) {
    struct store *sorted = malloc((n + 1) * sizeof *sorted);
    uint64_t adopted = 0;
    if (!sorted)
        return 0;
    memcpy(sorted, stores, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_address);
    for (uint64_t a = mirror_difference(0); a != UINT64_MAX; a = mirror_difference(a + 1)) {
        bool stored = false;
        uint32_t low = 0, high = n;
        while (low < high) { /* the first store that begins above a - 16 */
            uint32_t middle = (low + high) / 2;
            if (sorted[middle].address + 16 <= a)
                low = middle + 1;
            else
                high = middle;
        }
        for (; low < n && sorted[low].address <= a && !stored; low++)
            stored = a - sorted[low].address < sorted[low].size;
        if (stored)
            continue;
        *mirror_at(a, 1) = *(const uint8_t *)a;
        if (mirror_executable(a) && listener.code_changed)
            listener.code_changed(a, a + 1);
        adopted++;
    }
    free(sorted);
    return adopted;
}
