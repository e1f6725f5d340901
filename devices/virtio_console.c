/* virtio_console.c: virtio's console (virtio 1.2, section 5.3) with one port: queue 0 to the guest, queue 1 from it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "virtio_devices.h"

struct console {
    struct virtio *virtio;
    struct chardev *chardev;
    struct virtio_chain in, out;
    bool in_valid;  /* a chain has been taken from queue 0 and not been filled yet */
    bool out_valid; /* a chain of queue 1 is partly written */
    uint64_t out_done;
};

static size_t room(void *ctx) {
    struct console *c = ctx;
    if (!c->in_valid)
        c->in_valid = virtio_pop(c->virtio, 0, &c->in);
    return c->in_valid ? c->in.writable_bytes : 0;
}

static void receive(void *ctx, const uint8_t *bytes, size_t n) {
    struct console *c = ctx;
    while (n > 0 && room(c) > 0) {
        size_t done = virtio_write(&c->in, 0, bytes, n);
        virtio_push(c->virtio, &c->in, (uint32_t)done);
        c->in_valid = false;
        bytes += done;
        n -= done;
    }
}

static void send_out(struct console *c) {
    uint8_t bytes[1024];
    while (c->out_valid || virtio_pop(c->virtio, 1, &c->out)) {
        if (!c->out_valid)
            c->out_done = 0;
        c->out_valid = true;
        size_t n = virtio_read(&c->out, c->out_done, bytes, sizeof bytes);
        size_t done = chardev_write(c->chardev, bytes, n);
        c->out_done += done;
        if (done < n)
            return; /* the rest when the host has taken some */
        if (c->out_done == c->out.readable_bytes) {
            virtio_push(c->virtio, &c->out, 0);
            c->out_valid = false;
        }
    }
}

static void notify(void *device, unsigned queue) {
    struct console *c = device;
    if (queue == 1)
        send_out(c);
    else
        chardev_accept(c->chardev);
}

static void reset(void *device) {
    struct console *c = device;
    c->in_valid = c->out_valid = false;
}

static void fill(void *ctx, struct pollset *set) {
    struct console *c = ctx;
    if (c->out_valid)
        pollset_deadline(set, monotonic_ns() + 1000000);
}

static void polled(void *ctx, const struct pollset *set) { send_out(ctx); }

static const struct virtio_class console_class = {
    .id = VIRTIO_CONSOLE, .queues = 2, .notify = notify, .reset = reset, .destroy = free};

bool virtio_console_create(struct board *b, unsigned slot, struct chardev *c, char *err, size_t n) {
    struct console *d = calloc(1, sizeof *d);
    const struct board_source source = {.ctx = d, .fill = fill, .polled = polled};
    if (d)
        d->virtio = virtio_create(b, slot, &console_class, d, NULL, 0);
    if (!d || !d->virtio) {
        free(d);
        snprintf(err, n, "no place for a console");
        return false;
    }
    d->chardev = c;
    if (!board_add_source(b, &source)) { /* d now belongs to the board */
        snprintf(err, n, "too many devices");
        return false;
    }
    chardev_connect(c, room, receive, d);
    return true;
}
