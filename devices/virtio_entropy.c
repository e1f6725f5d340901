/* virtio_entropy.c: virtio's entropy device (virtio 1.2, section 5.4): random bytes from the board. */
#include <stdio.h>
#include <stdlib.h>

#include "virtio_devices.h"

enum { REQUEST_MAX = 65536 };

struct entropy {
    struct virtio *virtio;
    struct virtio_chain chain;
};

/* Fills the chain's writable part, at most REQUEST_MAX bytes. */
static uint32_t fill_chain(struct board *b, const struct virtio_chain *chain) {
    uint32_t done = 0;
    for (unsigned i = chain->readable; i < chain->readable + chain->writable && done < REQUEST_MAX; i++) {
        const struct virtio_segment *s = &chain->segments[i];
        uint32_t size = s->size < REQUEST_MAX - done ? s->size : REQUEST_MAX - done;
        board_random(b, s->host, size);
        done += size;
    }
    return done;
}

static void notify(void *device, unsigned queue) {
    struct entropy *e = device;
    while (virtio_pop(e->virtio, queue, &e->chain))
        virtio_push(e->virtio, &e->chain, fill_chain(virtio_board(e->virtio), &e->chain));
}

static const struct virtio_class entropy_class = {.id = VIRTIO_ENTROPY, .queues = 1, .notify = notify, .destroy = free};

bool virtio_entropy_create(struct board *b, unsigned slot, char *err, size_t n) {
    struct entropy *e = calloc(1, sizeof *e);
    if (e)
        e->virtio = virtio_create(b, slot, &entropy_class, e, NULL, 0);
    if (e && e->virtio)
        return true;
    free(e);
    snprintf(err, n, "no place for an entropy device");
    return false;
}
