/* virtio_gpu.c: virtio's GPU without 3D (virtio 1.2, section 5.7): one scan-out, resources of 32-bit pixels.
 *
 *      create 2D, attach backing (guest pages) --> transfer: pages to the host's copy --> set scan-out, flush: shown
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "display.h"
#include "virtio_devices.h"

enum {
    GET_DISPLAY_INFO = 0x100,
    RESOURCE_CREATE_2D,
    RESOURCE_UNREF,
    SET_SCANOUT,
    RESOURCE_FLUSH,
    TRANSFER_TO_HOST_2D,
    ATTACH_BACKING,
    DETACH_BACKING,
    UPDATE_CURSOR = 0x300,
    MOVE_CURSOR,
    OK_NODATA = 0x1100,
    OK_DISPLAY_INFO,
    ERR_UNSPEC = 0x1200,
    ERR_OUT_OF_MEMORY,
    ERR_INVALID_SCANOUT,
    ERR_INVALID_RESOURCE,
    ERR_INVALID_CONTEXT,
    ERR_INVALID_PARAMETER,
};
enum { RESOURCES_MAX = 64, SIDE_MAX = 8192, BACKING_MAX = 16384, SCANOUTS = 16, FLAG_FENCE = 1 };
#define BYTES_MAX (UINT64_C(256) << 20) /* of all resources together */

struct header {
    uint32_t type, flags;
    uint64_t fence;
    uint32_t context;
    uint8_t ring, padding[3];
};
struct rect {
    uint32_t x, y, width, height;
};
struct backing {
    uint64_t address;
    uint32_t length, padding;
};
struct resource {
    uint32_t id, width, height; /* id 0: a free entry */
    uint8_t *pixels;
    struct backing *backing;
    uint32_t backing_count;
};

struct gpu {
    struct virtio *virtio;
    struct display *display;
    struct {
        uint32_t events_read, events_clear, scanouts, capsets;
    } config;
    struct resource resources[RESOURCES_MAX];
    uint64_t bytes;
    uint32_t shown; /* resource on the scan-out; 0: none */
    struct rect view;
    unsigned first_width, first_height; /* what the display prefers */
    struct virtio_chain chain;
};

static struct resource *find(struct gpu *g, uint32_t id) {
    for (unsigned i = 0; id && i < RESOURCES_MAX; i++)
        if (g->resources[i].id == id)
            return &g->resources[i];
    return NULL;
}

static void drop_backing(struct resource *r) {
    free(r->backing);
    r->backing = NULL;
    r->backing_count = 0;
}

static void drop(struct gpu *g, struct resource *r) {
    g->bytes -= (uint64_t)r->width * r->height * 4;
    if (g->shown == r->id)
        g->shown = 0;
    drop_backing(r);
    free(r->pixels);
    *r = (struct resource){0};
}

/* Whether a rectangle lies within width × height; empty ones do not. */
static bool within(const struct rect *r, uint32_t width, uint32_t height) {
    return r->width > 0 && r->height > 0 && r->x < width && r->y < height && r->width <= width - r->x &&
           r->height <= height - r->y;
}

/* A request's fields behind the header. */
static bool fields(const struct gpu *g, void *to, size_t size) {
    return virtio_read(&g->chain, sizeof(struct header), to, size) == size;
}

static uint32_t create(struct gpu *g) {
    struct {
        uint32_t id, format, width, height;
    } q;
    if (!fields(g, &q, sizeof q) || q.width == 0 || q.height == 0 || q.width > SIDE_MAX || q.height > SIDE_MAX)
        return ERR_INVALID_PARAMETER;
    if (q.format != 1 && q.format != 2) /* B8G8R8A8, B8G8R8X8 */
        return ERR_INVALID_PARAMETER;
    if (q.id == 0 || find(g, q.id))
        return ERR_INVALID_RESOURCE;
    unsigned i = 0;
    while (i < RESOURCES_MAX && g->resources[i].id)
        i++;
    uint64_t bytes = (uint64_t)q.width * q.height * 4;
    uint8_t *pixels = i < RESOURCES_MAX && g->bytes + bytes <= BYTES_MAX ? calloc(1, bytes) : NULL;
    if (!pixels)
        return ERR_OUT_OF_MEMORY;
    g->resources[i] = (struct resource){.id = q.id, .width = q.width, .height = q.height, .pixels = pixels};
    g->bytes += bytes;
    return OK_NODATA;
}

static uint32_t attach(struct gpu *g) {
    struct {
        uint32_t id, count;
    } q;
    if (!fields(g, &q, sizeof q) || q.count == 0 || q.count > BACKING_MAX)
        return ERR_INVALID_PARAMETER;
    struct resource *r = find(g, q.id);
    if (!r || r->backing)
        return ERR_INVALID_RESOURCE;
    size_t size = q.count * sizeof *r->backing;
    struct backing *list = malloc(size);
    if (!list)
        return ERR_OUT_OF_MEMORY;
    bool sound = virtio_read(&g->chain, sizeof(struct header) + sizeof q, list, size) == size;
    for (uint32_t i = 0; sound && i < q.count; i++)
        sound = bus_dma(virtio_board(g->virtio), list[i].address, list[i].length, false) != NULL;
    if (!sound) {
        free(list);
        return ERR_INVALID_PARAMETER;
    }
    r->backing = list;
    r->backing_count = q.count;
    return OK_NODATA;
}

/* Copies n bytes at offset of the resource's backing. */
static bool gather(const struct gpu *g, const struct resource *r, uint64_t offset, uint8_t *to, size_t n) {
    for (uint32_t i = 0; i < r->backing_count && n > 0; i++) {
        const struct backing *b = &r->backing[i];
        if (offset >= b->length) {
            offset -= b->length;
            continue;
        }
        size_t part = n < b->length - offset ? n : (size_t)(b->length - offset);
        const uint8_t *from = bus_dma(virtio_board(g->virtio), b->address + offset, part, false);
        if (!from)
            return false;
        memcpy(to, from, part);
        to += part;
        n -= part;
        offset = 0;
    }
    return n == 0;
}

static uint32_t transfer(struct gpu *g) {
    struct {
        struct rect rect;
        uint64_t offset;
        uint32_t id, padding;
    } q;
    if (!fields(g, &q, sizeof q))
        return ERR_INVALID_PARAMETER;
    struct resource *r = find(g, q.id);
    if (!r)
        return ERR_INVALID_RESOURCE;
    if (!within(&q.rect, r->width, r->height) || q.offset > UINT32_MAX)
        return ERR_INVALID_PARAMETER;
    uint64_t stride = (uint64_t)r->width * 4;
    for (uint32_t row = 0; row < q.rect.height; row++)
        if (!gather(g, r, q.offset + row * stride, r->pixels + (q.rect.y + row) * stride + q.rect.x * 4,
                    (size_t)q.rect.width * 4))
            return ERR_INVALID_PARAMETER;
    return OK_NODATA;
}

static uint32_t set_scanout(struct gpu *g) {
    struct {
        struct rect rect;
        uint32_t scanout, id;
    } q;
    if (!fields(g, &q, sizeof q))
        return ERR_INVALID_PARAMETER;
    if (q.scanout != 0)
        return ERR_INVALID_SCANOUT;
    if (q.id == 0) {
        g->shown = 0;
        return OK_NODATA;
    }
    const struct resource *r = find(g, q.id);
    if (!r)
        return ERR_INVALID_RESOURCE;
    if (!within(&q.rect, r->width, r->height))
        return ERR_INVALID_PARAMETER;
    unsigned width, height;
    display_size(g->display, &width, &height);
    if ((width != q.rect.width || height != q.rect.height) && !display_mode(g->display, q.rect.width, q.rect.height))
        return ERR_OUT_OF_MEMORY;
    g->shown = q.id;
    g->view = q.rect;
    return OK_NODATA;
}

static uint32_t flush(struct gpu *g) {
    struct {
        struct rect rect;
        uint32_t id, padding;
    } q;
    if (!fields(g, &q, sizeof q))
        return ERR_INVALID_PARAMETER;
    const struct resource *r = find(g, q.id);
    if (!r)
        return ERR_INVALID_RESOURCE;
    if (!within(&q.rect, r->width, r->height))
        return ERR_INVALID_PARAMETER;
    if (g->shown != q.id)
        return OK_NODATA;
    /* The part that the scan-out shows. The view was checked against the resource that was there then; ids can be used
     * again, so it is checked against this one. */
    const struct rect *v = &g->view;
    if (!within(v, r->width, r->height))
        return ERR_INVALID_PARAMETER;
    uint32_t left = q.rect.x > v->x ? q.rect.x : v->x, top = q.rect.y > v->y ? q.rect.y : v->y;
    uint32_t right = q.rect.x + q.rect.width < v->x + v->width ? q.rect.x + q.rect.width : v->x + v->width;
    uint32_t bottom = q.rect.y + q.rect.height < v->y + v->height ? q.rect.y + q.rect.height : v->y + v->height;
    size_t stride = (size_t)r->width * 4;
    if (left < right && top < bottom)
        display_update(g->display, left - v->x, top - v->y, right - left, bottom - top,
                       r->pixels + top * stride + (size_t)left * 4, stride);
    return OK_NODATA;
}

static uint32_t with_resource(struct gpu *g, void (*fn)(struct gpu *g, struct resource *r)) {
    uint32_t id;
    struct resource *r = fields(g, &id, sizeof id) ? find(g, id) : NULL;
    if (!r)
        return ERR_INVALID_RESOURCE;
    fn(g, r);
    return OK_NODATA;
}

static void detach(struct gpu *g, struct resource *r) { drop_backing(r); }

static uint32_t control(struct gpu *g, uint32_t type) {
    switch (type) {
    case RESOURCE_CREATE_2D:
        return create(g);
    case RESOURCE_UNREF:
        return with_resource(g, drop);
    case SET_SCANOUT:
        return set_scanout(g);
    case RESOURCE_FLUSH:
        return flush(g);
    case TRANSFER_TO_HOST_2D:
        return transfer(g);
    case ATTACH_BACKING:
        return attach(g);
    case DETACH_BACKING:
        return with_resource(g, detach);
    case UPDATE_CURSOR:
    case MOVE_CURSOR:
        return OK_NODATA; /* the host's pointer is the cursor */
    }
    return ERR_UNSPEC;
}

static uint32_t display_info(const struct gpu *g, const struct header *answer) {
    struct {
        struct header header;
        struct {
            struct rect rect;
            uint32_t enabled, flags;
        } modes[SCANOUTS];
    } reply = {.header = *answer};
    reply.header.type = OK_DISPLAY_INFO;
    reply.modes[0].rect = (struct rect){0, 0, g->first_width, g->first_height};
    reply.modes[0].enabled = 1;
    return (uint32_t)virtio_write(&g->chain, 0, &reply, sizeof reply);
}

static void notify(void *device, unsigned queue) {
    struct gpu *g = device;
    while (virtio_pop(g->virtio, queue, &g->chain)) {
        struct header h;
        if (virtio_read(&g->chain, 0, &h, sizeof h) != sizeof h) {
            virtio_break(g->virtio);
            return;
        }
        struct header answer = {.flags = h.flags & FLAG_FENCE};
        if (h.flags & FLAG_FENCE) {
            answer.fence = h.fence;
            answer.context = h.context;
        }
        uint32_t written;
        if (h.type == GET_DISPLAY_INFO) {
            written = display_info(g, &answer);
        } else {
            answer.type = control(g, h.type);
            written = (uint32_t)virtio_write(&g->chain, 0, &answer, sizeof answer);
        }
        virtio_push(g->virtio, &g->chain, written);
    }
}

static void reset(void *device) {
    struct gpu *g = device;
    for (unsigned i = 0; i < RESOURCES_MAX; i++)
        if (g->resources[i].id)
            drop(g, &g->resources[i]);
}

static void destroy(void *device) {
    reset(device);
    free(device);
}

static const struct virtio_class gpu_class = {
    .id = VIRTIO_GPU, .queues = 2, .notify = notify, .reset = reset, .destroy = destroy};

bool virtio_gpu_create(struct board *b, unsigned slot, struct display *d, char *err, size_t n) {
    struct gpu *g = calloc(1, sizeof *g);
    if (g) {
        g->display = d;
        g->config.scanouts = 1;
        display_size(d, &g->first_width, &g->first_height);
        g->virtio = virtio_create(b, slot, &gpu_class, g, &g->config, sizeof g->config);
    }
    if (g && g->virtio)
        return true;
    free(g);
    snprintf(err, n, "no place for a GPU: there are %d slots", VIRTIO_SLOTS);
    return false;
}
