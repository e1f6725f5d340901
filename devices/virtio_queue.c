/* virtio_queue.c: split virtqueues (virtio 1.2, section 2.7): chains out of the available ring, into the used ring.
 *
 *      desc   { address 8, length 4, flags 2, next 2 } × size      avail  { flags 2, idx 2, ring 2 × size }
 *      used   { flags 2, idx 2, { id 4, length 4 } × size }
 *
 * The guest may change all of this at any moment: every value is read once, into a local, and checked there.
 */
#include <string.h>

#include "virtio_internal.h"

enum { DESC_NEXT = 1, DESC_WRITE = 2, DESC_INDIRECT = 4, AVAIL_NO_INTERRUPT = 1, DESC_SIZE = 16 };

struct descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags, next;
};

static uint16_t load16(const uint8_t *at) {
    return __atomic_load_n((const uint16_t *)(const void *)at, __ATOMIC_ACQUIRE);
}

/* Adds a descriptor's memory to the chain; false: malformed. */
static bool add_segment(const struct virtio *v, struct virtio_chain *c, const struct descriptor *d) {
    bool write = d->flags & DESC_WRITE;
    unsigned count = c->readable + c->writable;
    uint8_t *host = bus_dma(v->board, d->address, d->length, write);
    if (!host || count == VIRTIO_SEGMENTS_MAX || (!write && c->writable > 0))
        return false;
    c->segments[count] = (struct virtio_segment){.host = host, .address = d->address, .size = d->length};
    if (write) {
        c->writable++;
        c->writable_bytes += d->length;
    } else {
        c->readable++;
        c->readable_bytes += d->length;
    }
    return c->readable_bytes + c->writable_bytes <= UINT32_MAX;
}

/* Follows a table of count descriptors from index on; more steps than entries is a loop. */
static bool walk(const struct virtio *v, struct virtio_chain *c, uint64_t table, uint32_t count, uint32_t index,
                 bool indirect) {
    const uint8_t *host = bus_dma(v->board, table, (uint64_t)count * DESC_SIZE, false);
    for (uint32_t steps = 0; host && steps < count && index < count; steps++) {
        struct descriptor d;
        memcpy(&d, host + (uint64_t)index * DESC_SIZE, sizeof d);
        if (d.flags & DESC_INDIRECT) {
            bool sound = !indirect && !(d.flags & DESC_NEXT) && v->driver_features & FEATURE_INDIRECT && d.length > 0 &&
                         d.length % DESC_SIZE == 0 && d.length / DESC_SIZE <= UINT16_MAX;
            return sound && walk(v, c, d.address, d.length / DESC_SIZE, 0, true);
        }
        if (!add_segment(v, c, &d))
            return false;
        if (!(d.flags & DESC_NEXT))
            return true;
        index = d.next;
    }
    return false;
}

bool virtio_pop(struct virtio *v, unsigned queue, struct virtio_chain *chain) {
    struct virtio_queue *q = &v->queues[queue];
    if (!q->ready || virtio_broken(v) || !(v->status & STATUS_DRIVER_OK))
        return false;
    const uint8_t *avail = bus_dma(v->board, q->avail, 4 + 2 * (uint64_t)q->size, false);
    if (!avail) {
        virtio_break(v);
        return false;
    }
    uint16_t waiting = (uint16_t)(load16(avail + 2) - q->next_avail);
    if (waiting == 0)
        return false;
    chain->head = load16(avail + 4 + 2 * (q->next_avail & (q->size - 1)));
    chain->queue = (uint16_t)queue;
    chain->generation = v->generation;
    chain->readable = chain->writable = 0;
    chain->readable_bytes = chain->writable_bytes = 0;
    if (waiting > q->size || !walk(v, chain, q->desc, q->size, chain->head, false)) {
        virtio_break(v);
        return false;
    }
    q->next_avail++;
    return true;
}

/* Reports what was written to the chain's memory, segment by segment. */
static void report_written(struct virtio *v, const struct virtio_chain *chain, uint64_t written) {
    for (unsigned i = chain->readable; i < chain->readable + chain->writable && written > 0; i++) {
        uint64_t n = written < chain->segments[i].size ? written : chain->segments[i].size;
        bus_dma_written(v->board, chain->segments[i].address, n);
        written -= n;
    }
}

void virtio_push(struct virtio *v, const struct virtio_chain *chain, uint32_t written) {
    struct virtio_queue *q = &v->queues[chain->queue];
    report_written(v, chain, written);
    if (chain->generation != v->generation || !q->ready || virtio_broken(v))
        return;
    uint64_t used_size = 4 + 8 * (uint64_t)q->size;
    uint8_t *used = bus_dma(v->board, q->used, used_size, true);
    const uint8_t *avail = bus_dma(v->board, q->avail, 4, false);
    if (!used || !avail) {
        virtio_break(v);
        return;
    }
    const uint32_t entry[2] = {chain->head, written};
    memcpy(used + 4 + 8 * (q->next_used & (q->size - 1)), entry, sizeof entry);
    q->next_used++;
    __atomic_store_n((uint16_t *)(void *)(used + 2), q->next_used, __ATOMIC_SEQ_CST);
    bus_dma_written(v->board, q->used, used_size);
    if (!(load16(avail) & AVAIL_NO_INTERRUPT)) {
        v->interrupt_status |= INTERRUPT_USED;
        virtio_update_interrupt(v);
    }
}

static size_t copy(const struct virtio_segment *segments, unsigned count, uint64_t offset, void *to, const void *from,
                   size_t n) {
    size_t done = 0;
    for (unsigned i = 0; i < count && done < n; i++) {
        uint64_t size = segments[i].size;
        if (offset >= size) {
            offset -= size;
            continue;
        }
        size_t part = n - done < size - offset ? n - done : (size_t)(size - offset);
        if (to)
            memcpy((uint8_t *)to + done, segments[i].host + offset, part);
        else
            memcpy(segments[i].host + offset, (const uint8_t *)from + done, part);
        done += part;
        offset = 0;
    }
    return done;
}

size_t virtio_read(const struct virtio_chain *chain, uint64_t offset, void *to, size_t n) {
    return copy(chain->segments, chain->readable, offset, to, NULL, n);
}

size_t virtio_write(const struct virtio_chain *chain, uint64_t offset, const void *from, size_t n) {
    return copy(chain->segments + chain->readable, chain->writable, offset, NULL, from, n);
}
