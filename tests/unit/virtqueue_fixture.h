/* virtqueue_fixture.h: the driver's side of a virtqueue, sound or not, in the RAM of devices_fixture.h's board. */
#ifndef TESTS_VIRTQUEUE_FIXTURE_H
#define TESTS_VIRTQUEUE_FIXTURE_H

#include "devices_fixture.h"

/* Where the driver keeps things, as offsets in RAM. */
enum { DESC = 0x1000, AVAIL = 0x3000, USED = 0x4000, TABLE = 0x6000, BUFFERS = 0x8000, QUEUE = 8 };
enum { NEXT = 1, WRITE = 2, INDIRECT = 4, NEEDS_RESET = 64, DRIVER_OK = 15 };
enum { R_STATUS = 0x70, R_QUEUE_SEL = 0x30, R_QUEUE_NUM = 0x38, R_QUEUE_READY = 0x44, R_NOTIFY = 0x50 };

static inline uint64_t vreg(struct board *b, unsigned slot, uint64_t offset) {
    return reg(b, VIRTIO_BASE + slot * (uint64_t)VIRTIO_STRIDE + offset, 4);
}
static inline void set_vreg(struct board *b, unsigned slot, uint64_t offset, uint64_t value) {
    set_reg(b, VIRTIO_BASE + slot * (uint64_t)VIRTIO_STRIDE + offset, 4, value);
}

struct test_desc {
    uint64_t address;
    uint32_t length;
    uint16_t flags, next;
};

static inline void put_desc(struct board *b, uint64_t table, unsigned i, struct test_desc d) {
    memcpy(ram(b, table + i * 16), &d, sizeof d);
}
static inline void set16(struct board *b, uint64_t offset, uint16_t value) { memcpy(ram(b, offset), &value, 2); }
static inline uint16_t get16(struct board *b, uint64_t offset) {
    uint16_t value;
    memcpy(&value, ram(b, offset), 2);
    return value;
}

/* Up to FEATURES_OK; then queues. */
static inline void negotiate(struct board *b, unsigned slot, uint64_t features) {
    set_vreg(b, slot, R_STATUS, 0);
    set_vreg(b, slot, R_STATUS, 3);
    for (unsigned half = 0; half < 2; half++) {
        set_vreg(b, slot, 0x24, half);
        set_vreg(b, slot, 0x20, (uint32_t)(features >> half * 32));
    }
    set_vreg(b, slot, R_STATUS, 11);
}
static inline void start_queue(struct board *b, unsigned slot, unsigned queue, uint64_t size, uint64_t desc, uint64_t avail,
                               uint64_t used) {
    set_vreg(b, slot, R_QUEUE_SEL, queue);
    set_vreg(b, slot, R_QUEUE_NUM, size);
    const uint64_t at[3] = {desc, avail, used};
    for (unsigned i = 0; i < 3; i++) {
        set_vreg(b, slot, 0x80 + i * 16, (uint32_t)at[i]);
        set_vreg(b, slot, 0x84 + i * 16, (uint32_t)(at[i] >> 32));
    }
    set_vreg(b, slot, R_QUEUE_READY, 1);
}
/* A driver with one sound queue. */
static inline void start_driver(struct board *b, unsigned slot, unsigned queue) {
    memset(ram(b, 0), 0, 0x8000);
    negotiate(b, slot, UINT64_C(1) << 32 | UINT64_C(1) << 28);
    start_queue(b, slot, queue, QUEUE, VIRT_RAM + DESC, VIRT_RAM + AVAIL, VIRT_RAM + USED);
    set_vreg(b, slot, R_STATUS, DRIVER_OK);
}
/* Makes chain head available and notifies. */
static inline void offer(struct board *b, unsigned slot, unsigned queue, uint16_t head) {
    uint16_t index = get16(b, AVAIL + 2);
    set16(b, AVAIL + 4 + 2 * (index % QUEUE), head);
    set16(b, AVAIL + 2, index + 1);
    set_vreg(b, slot, R_NOTIFY, queue);
}
static inline bool broken(struct board *b, unsigned slot) { return vreg(b, slot, R_STATUS) & NEEDS_RESET; }

#endif
