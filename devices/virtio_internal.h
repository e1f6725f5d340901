/* virtio_internal.h: the transport's state, for virtio.c and virtio_queue.c alone. */
#ifndef DEVICES_VIRTIO_INTERNAL_H
#define DEVICES_VIRTIO_INTERNAL_H

#include "virtio.h"

#define FEATURE_INDIRECT (UINT64_C(1) << 28)
#define FEATURE_VERSION_1 (UINT64_C(1) << 32)
enum { STATUS_DRIVER_OK = 4, STATUS_FEATURES_OK = 8, STATUS_NEEDS_RESET = 64 };
enum { INTERRUPT_USED = 1, INTERRUPT_CONFIG = 2 };

struct virtio_queue {
    bool ready;
    uint32_t size; /* a power of two up to VIRTIO_QUEUE_SIZE once ready */
    uint64_t desc, avail, used;
    uint16_t next_avail, next_used;
};

struct virtio {
    struct board *board;
    unsigned slot;
    const struct virtio_class *class;
    void *device;
    uint8_t *config;
    size_t config_size;
    uint32_t status, interrupt_status, config_generation, generation;
    uint32_t device_features_sel, driver_features_sel, queue_sel;
    uint64_t driver_features;
    struct virtio_queue queues[VIRTIO_QUEUES_MAX];
};

void virtio_update_interrupt(struct virtio *v);

#endif
