/* vma.c: the sorted list of guest mappings.
 *
 * Invariant: vmas do not overlap, are sorted by address, and neighbours that could be one are one.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "user.h"
#include "vma.h"

static struct {
    pthread_mutex_t mutex;
    struct vma *v;
    size_t count, capacity;
} list = {.mutex = PTHREAD_MUTEX_INITIALIZER};

void vma_lock(void) { pthread_mutex_lock(&list.mutex); }
void vma_unlock(void) { pthread_mutex_unlock(&list.mutex); }

int vma_host_prot(uint32_t prot) { return (int)(prot & (PROT_READ | PROT_WRITE)) | (prot & PROT_EXEC ? PROT_READ : 0); }

/* Index of the first vma that ends above addr. */
static size_t first_index(uint64_t addr) {
    size_t lo = 0, hi = list.count;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (list.v[mid].end <= addr)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

const struct vma *vma_first(uint64_t addr) {
    size_t i = first_index(addr);
    return i < list.count ? &list.v[i] : NULL;
}

const struct vma *vma_next(const struct vma *v) { return v + 1 < list.v + list.count ? v + 1 : NULL; }

const struct vma *vma_find(uint64_t addr) {
    const struct vma *v = vma_first(addr);
    return v && v->start <= addr ? v : NULL;
}

static bool reserve(size_t more) {
    if (list.count + more <= list.capacity)
        return true;
    size_t capacity = list.capacity ? 2 * list.capacity : 64;
    struct vma *v = realloc(list.v, capacity * sizeof *v);
    if (!v)
        return false;
    list.v = v;
    list.capacity = capacity;
    return true;
}

static void insert_at(size_t i, const struct vma *v) {
    memmove(&list.v[i + 1], &list.v[i], (list.count - i) * sizeof *v);
    list.v[i] = *v;
    list.count++;
}

static void move_start(struct vma *v, uint64_t start) {
    v->offset += start - v->start;
    v->start = start;
}

/* Splits the vma around addr, so that addr is a boundary; returns the index of the first vma at or above it.  The list
 * has room. */
static size_t split(uint64_t addr) {
    size_t i = first_index(addr);
    if (i == list.count || list.v[i].start >= addr)
        return i;
    struct vma upper = list.v[i];
    move_start(&upper, addr);
    list.v[i].end = addr;
    insert_at(i + 1, &upper);
    return i + 1;
}

static bool can_merge(const struct vma *a, const struct vma *b) {
    return a->end == b->start && a->prot == b->prot && a->flags == b->flags && a->dev == b->dev && a->ino == b->ino &&
           (a->ino == 0 || a->offset + (a->end - a->start) == b->offset);
}

static void merge_around(size_t first, size_t last) {
    if (first > 0)
        first--;
    for (size_t i = first; i + 1 < list.count && i <= last;) {
        if (can_merge(&list.v[i], &list.v[i + 1])) {
            list.v[i].end = list.v[i + 1].end;
            memmove(&list.v[i + 1], &list.v[i + 2], (list.count - i - 2) * sizeof list.v[0]);
            list.count--;
            if (last > 0)
                last--;
        } else {
            i++;
        }
    }
}

bool vma_remove(uint64_t start, uint64_t end) {
    if (!reserve(2))
        return false;
    size_t a = split(start), b = split(end);
    memmove(&list.v[a], &list.v[b], (list.count - b) * sizeof list.v[0]);
    list.count -= b - a;
    return true;
}

bool vma_insert(const struct vma *v) {
    if (!reserve(3) || !vma_remove(v->start, v->end))
        return false;
    size_t i = first_index(v->start);
    insert_at(i, v);
    merge_around(i, i);
    return true;
}

bool vma_set_prot(uint64_t start, uint64_t end, uint32_t prot) {
    if (!reserve(2))
        return false;
    size_t a = split(start), b = split(end);
    for (size_t i = a; i < b; i++)
        list.v[i].prot = prot;
    merge_around(a, b);
    return true;
}

bool vma_covered(uint64_t start, uint64_t end) {
    for (size_t i = first_index(start); start < end; i++) {
        if (i == list.count || list.v[i].start > start)
            return false;
        start = list.v[i].end;
    }
    return true;
}

uint64_t vma_find_gap(uint64_t size, uint64_t bottom, uint64_t top) {
    for (size_t i = first_index(top - 1) + 1; i-- > 0;) {
        if (i < list.count && list.v[i].start < top) {
            if (list.v[i].end < top && top - list.v[i].end >= size)
                return top - size >= bottom ? top - size : 0;
            top = list.v[i].start;
            if (top <= bottom)
                return 0;
        }
    }
    return top >= size && top - size >= bottom ? top - size : 0;
}
