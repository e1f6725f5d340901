/* queue.h: one virtqueue of a virtio-mmio device, driven by waiting. */
#ifndef TESTS_BOOT_QUEUE_H
#define TESTS_BOOT_QUEUE_H

#include "../../roms/rom.h"

struct part {
    const volatile void *at;
    uint32_t size;
    bool written; /* by the device */
};

/* Finds a device of this type and starts it with these of its features (0 to 31); ends the program where there is none. */
void queue_open(uint32_t type, uint32_t features);
/* One request, of 4 parts at most; returns when the device has used it. */
void queue_request(const struct part *parts, unsigned count);

#endif
