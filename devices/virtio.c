/* virtio.c: registers of a virtio-mmio device. The queues are in virtio_queue.c. */
#include <stdlib.h>
#include <string.h>

#include "virtio_internal.h"

enum {
    MAGIC = 0x000,
    VERSION = 0x004,
    DEVICE_ID = 0x008,
    VENDOR_ID = 0x00c,
    DEVICE_FEATURES = 0x010,
    DEVICE_FEATURES_SEL = 0x014,
    DRIVER_FEATURES = 0x020,
    DRIVER_FEATURES_SEL = 0x024,
    QUEUE_SEL = 0x030,
    QUEUE_NUM_MAX = 0x034,
    QUEUE_NUM = 0x038,
    QUEUE_READY = 0x044,
    QUEUE_NOTIFY = 0x050,
    INTERRUPT_STATUS = 0x060,
    INTERRUPT_ACK = 0x064,
    STATUS = 0x070,
    QUEUE_DESC = 0x080,
    QUEUE_AVAIL = 0x090,
    QUEUE_USED = 0x0a0,
    SHM_LEN_LOW = 0x0b0,
    SHM_BASE_HIGH = 0x0bc,
    CONFIG_GENERATION = 0x0fc,
    CONFIG = 0x100,
};

void virtio_update_interrupt(struct virtio *v) {
    board_interrupt(v->board, VIRTIO_IRQ + v->slot, v->interrupt_status != 0);
}

static void reset(struct virtio *v) {
    v->generation++;
    v->status = 0;
    v->interrupt_status = 0;
    v->device_features_sel = v->driver_features_sel = v->queue_sel = 0;
    v->driver_features = 0;
    memset(v->queues, 0, sizeof v->queues);
    if (v->class->reset)
        v->class->reset(v->device);
    virtio_update_interrupt(v);
}

void virtio_break(struct virtio *v) {
    if (v->status & STATUS_NEEDS_RESET)
        return;
    v->status |= STATUS_NEEDS_RESET;
    if (v->status & STATUS_DRIVER_OK) {
        v->interrupt_status |= INTERRUPT_CONFIG;
        virtio_update_interrupt(v);
    }
}

bool virtio_broken(const struct virtio *v) { return v->status & STATUS_NEEDS_RESET; }

void virtio_config_changed(struct virtio *v) {
    v->config_generation++;
    if (v->status & STATUS_DRIVER_OK) {
        v->interrupt_status |= INTERRUPT_CONFIG;
        virtio_update_interrupt(v);
    }
}

static uint64_t features(const struct virtio *v) { return v->class->features | FEATURE_VERSION_1 | FEATURE_INDIRECT; }

static void set_status(struct virtio *v, uint32_t status) {
    if (status == 0) {
        reset(v);
        return;
    }
    uint32_t added = status & ~v->status;
    v->status |= status & 0xff & ~(uint32_t)STATUS_NEEDS_RESET;
    if (added & STATUS_FEATURES_OK && (v->driver_features & ~features(v) || !(v->driver_features & FEATURE_VERSION_1)))
        v->status &= ~(uint32_t)STATUS_FEATURES_OK;
}

static bool config_access(const struct virtio *v, uint64_t offset, unsigned size) {
    return offset < v->config_size && size <= v->config_size - offset;
}

static uint32_t register_read(struct virtio *v, uint64_t offset) {
    const struct virtio_queue *q = v->queue_sel < v->class->queues ? &v->queues[v->queue_sel] : NULL;
    switch (offset) {
    case MAGIC:
        return 0x74726976;
    case VERSION:
        return 2;
    case DEVICE_ID:
        return v->class->id;
    case VENDOR_ID:
        return 0x76697552; /* "Ruiv" */
    case DEVICE_FEATURES:
        return v->device_features_sel < 2 ? (uint32_t)(features(v) >> v->device_features_sel * 32) : 0;
    case QUEUE_NUM_MAX:
        return q ? VIRTIO_QUEUE_SIZE : 0;
    case QUEUE_READY:
        return q && q->ready;
    case INTERRUPT_STATUS:
        return v->interrupt_status;
    case STATUS:
        return v->status;
    case CONFIG_GENERATION:
        return v->config_generation;
    }
    return offset >= SHM_LEN_LOW && offset <= SHM_BASE_HIGH ? UINT32_MAX : 0;
}

static bool transport_read(void *ctx, struct hart *h, uint64_t offset, unsigned size, uint64_t *value) {
    struct virtio *v = ctx;
    if (offset < CONFIG) {
        if (size != 4)
            return false;
        *value = register_read(v, offset);
        return true;
    }
    if (v->class->config_read)
        v->class->config_read(v->device);
    if (config_access(v, offset - CONFIG, size))
        memcpy(value, v->config + (offset - CONFIG), size);
    return true;
}

static void set_half(uint64_t *whole, uint64_t offset, uint32_t value) {
    *whole = offset & 4 ? (*whole & UINT32_MAX) | (uint64_t)value << 32 : (*whole & ~(uint64_t)UINT32_MAX) | value;
}

static void set_ready(struct virtio *v, struct virtio_queue *q, bool ready) {
    if (!ready) {
        q->ready = false;
    } else if (!q->ready) {
        bool aligned = !(q->desc & 15) && !(q->avail & 1) && !(q->used & 3);
        bool sized = q->size > 0 && q->size <= VIRTIO_QUEUE_SIZE && (q->size & (q->size - 1)) == 0;
        q->next_avail = q->next_used = 0;
        if (aligned && sized && v->status & STATUS_FEATURES_OK)
            q->ready = true;
        else
            virtio_break(v);
    }
}

static void queue_write(struct virtio *v, struct virtio_queue *q, uint64_t offset, uint32_t value) {
    if (offset == QUEUE_READY)
        set_ready(v, q, value & 1);
    else if (q->ready)
        return; /* a running queue is left as it is */
    else if (offset == QUEUE_NUM)
        q->size = value;
    else if ((offset & ~UINT64_C(4)) == QUEUE_DESC)
        set_half(&q->desc, offset, value);
    else if ((offset & ~UINT64_C(4)) == QUEUE_AVAIL)
        set_half(&q->avail, offset, value);
    else if ((offset & ~UINT64_C(4)) == QUEUE_USED)
        set_half(&q->used, offset, value);
}

static void register_write(struct virtio *v, uint64_t offset, uint32_t value) {
    switch (offset) {
    case DEVICE_FEATURES_SEL:
        v->device_features_sel = value;
        break;
    case DRIVER_FEATURES:
        if (v->driver_features_sel < 2 && !(v->status & STATUS_FEATURES_OK))
            set_half(&v->driver_features, v->driver_features_sel * 4, value);
        break;
    case DRIVER_FEATURES_SEL:
        v->driver_features_sel = value;
        break;
    case QUEUE_SEL:
        v->queue_sel = value;
        break;
    case QUEUE_NOTIFY:
        if (value < v->class->queues && v->queues[value].ready && v->status & STATUS_DRIVER_OK && !virtio_broken(v))
            v->class->notify(v->device, value);
        break;
    case INTERRUPT_ACK:
        v->interrupt_status &= ~value;
        virtio_update_interrupt(v);
        break;
    case STATUS:
        set_status(v, value);
        break;
    default:
        if (v->queue_sel < v->class->queues)
            queue_write(v, &v->queues[v->queue_sel], offset, value);
    }
}

static bool transport_write(void *ctx, struct hart *h, uint64_t offset, unsigned size, uint64_t value) {
    struct virtio *v = ctx;
    if (offset < CONFIG) {
        if (size != 4)
            return false;
        register_write(v, offset, (uint32_t)value);
    } else if (v->class->config_write && config_access(v, offset - CONFIG, size)) {
        return v->class->config_write(v->device, offset - CONFIG, size, value);
    }
    return true;
}

static void transport_stop(void *ctx) {
    struct virtio *v = ctx;
    if (v->class->stop)
        v->class->stop(v->device);
}

static void transport_destroy(void *ctx) {
    struct virtio *v = ctx;
    v->class->destroy(v->device);
    free(v);
}

struct virtio *virtio_create(struct board *b, unsigned slot, const struct virtio_class *class, void *device,
                             void *config, size_t config_size) {
    struct virtio *v = calloc(1, sizeof *v);
    if (!v)
        return NULL;
    *v = (struct virtio){
        .board = b, .slot = slot, .class = class, .device = device, .config = config, .config_size = config_size};
    const struct device d = {.name = "virtio",
                             .base = VIRTIO_BASE + (uint64_t)slot * VIRTIO_STRIDE,
                             .size = VIRTIO_STRIDE,
                             .sizes = SIZE_ALL,
                             .ctx = v,
                             .read = transport_read,
                             .write = transport_write,
                             .stop = transport_stop,
                             .destroy = transport_destroy};
    if (slot >= VIRTIO_SLOTS || !board_add_device(b, &d)) {
        free(v);
        return NULL;
    }
    return v;
}

/* A slot without a device: the identification registers, device 0. */
static bool empty_read(void *ctx, struct hart *h, uint64_t offset, unsigned size, uint64_t *value) {
    *value = offset == MAGIC ? 0x74726976 : offset == VERSION ? 2 : 0;
    return true;
}
static bool empty_write(void *ctx, struct hart *h, uint64_t offset, unsigned size, uint64_t value) { return true; }

bool virtio_create_empty(struct board *b, unsigned slot) {
    const struct device d = {.name = "virtio",
                             .base = VIRTIO_BASE + (uint64_t)slot * VIRTIO_STRIDE,
                             .size = VIRTIO_STRIDE,
                             .sizes = SIZE_4,
                             .read = empty_read,
                             .write = empty_write};
    return board_add_device(b, &d);
}

struct board *virtio_board(const struct virtio *v) {
    return v->board;
}
uint64_t virtio_features(const struct virtio *v) { return v->driver_features; }
