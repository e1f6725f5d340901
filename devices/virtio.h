/* virtio.h: the virtio transport over MMIO, modern layout (virtio 1.2, section 4.2), and split virtqueues (section 2.7).
 *
 *      virtio_create: registers at an address, an interrupt, a class of device behind them
 *      notify(q) --> virtio_pop: a chain of buffers, checked, as host addresses --> work --> virtio_push: used ring, interrupt
 *
 * Whatever the guest writes into its rings, a chain's segments lie in guest RAM (bus_dma). Anything malformed sets
 * DEVICE_NEEDS_RESET, and the device stands still until the guest resets it.
 */
#ifndef DEVICES_VIRTIO_H
#define DEVICES_VIRTIO_H

#include "board.h"

enum { VIRTIO_QUEUES_MAX = 4, VIRTIO_QUEUE_SIZE = 256, VIRTIO_SEGMENTS_MAX = 256 };
enum { VIRTIO_NET = 1, VIRTIO_BLOCK = 2, VIRTIO_CONSOLE = 3, VIRTIO_ENTROPY = 4, VIRTIO_GPU = 16, VIRTIO_INPUT = 18 };
#define VIRTIO_BASE UINT64_C(0x10001000)
enum { VIRTIO_SLOTS = 8, VIRTIO_STRIDE = 0x1000, VIRTIO_IRQ = 1 };

struct virtio;

struct virtio_segment {
    uint8_t *host;
    uint64_t address;
    uint32_t size;
};

/* Buffers the device reads come first, then those it writes. */
struct virtio_chain {
    uint16_t head, queue;
    uint32_t generation; /* of the reset count: a chain from before a reset is not pushed */
    unsigned readable, writable; /* segments */
    uint64_t readable_bytes, writable_bytes;
    struct virtio_segment segments[VIRTIO_SEGMENTS_MAX];
};

/* What a device is beyond the transport. All calls are made under the board's lock. */
struct virtio_class {
    uint32_t id; /* VIRTIO_BLOCK ... */
    unsigned queues;
    uint64_t features; /* offered beside VERSION_1 and INDIRECT_DESC */
    void (*notify)(void *device, unsigned queue);
    void (*reset)(void *device);                                                    /* may be NULL */
    bool (*config_write)(void *device, uint64_t offset, unsigned size, uint64_t v); /* may be NULL */
    void (*config_read)(void *device); /* brings the configuration space up to date; may be NULL */
    void (*stop)(void *device); /* ends its threads, without the lock; may be NULL */
    void (*destroy)(void *device);
};

/* slot 0 to 7. config is the device's own memory of config_size bytes. NULL: no memory or the slot is taken; the device
 * stays the caller's then. */
struct virtio *virtio_create(struct board *b, unsigned slot, const struct virtio_class *class, void *device,
                             void *config, size_t config_size);
/* A slot that says it has no device, as drivers that try all slots expect. */
bool virtio_create_empty(struct board *b, unsigned slot);
struct board *virtio_board(const struct virtio *v);
/* Features the guest has accepted. */
uint64_t virtio_features(const struct virtio *v);
/* Under the lock: the next chain of a queue. False: none, or the device is not running. */
bool virtio_pop(struct virtio *v, unsigned queue, struct virtio_chain *chain);
/* Under the lock: gives a chain back with written bytes in it (from its first writable byte on). */
void virtio_push(struct virtio *v, const struct virtio_chain *chain, uint32_t written);
/* Under the lock: the device met something malformed. */
void virtio_break(struct virtio *v);
bool virtio_broken(const struct virtio *v);
/* Under the lock: tells the guest that the configuration space has changed. */
void virtio_config_changed(struct virtio *v);

/* Copies n bytes from the readable or to the writable part at offset; returns how many there were. */
size_t virtio_read(const struct virtio_chain *chain, uint64_t offset, void *to, size_t n);
size_t virtio_write(const struct virtio_chain *chain, uint64_t offset, const void *from, size_t n);

#endif
