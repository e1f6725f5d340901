/* virtio_devices.h: the devices behind virtio, each created in a slot of the board. False: one line in err. */
#ifndef DEVICES_VIRTIO_DEVICES_H
#define DEVICES_VIRTIO_DEVICES_H

#include "chardev.h"
#include "virtio.h"

struct drive_config {
    const char *path;
    bool read_only;
    bool snapshot; /* writes go to a temporary file */
};
/* virtio_block.c: a raw image. What the guest was told is flushed has been through fdatasync. */
bool virtio_block_create(struct board *b, unsigned slot, const struct drive_config *d, char *err, size_t n);
/* virtio_console.c: one port. */
bool virtio_console_create(struct board *b, unsigned slot, struct chardev *c, char *err, size_t n);
/* virtio_entropy.c: bytes from getrandom. */
bool virtio_entropy_create(struct board *b, unsigned slot, char *err, size_t n);

/* One forwarded port, as in hostfwd=tcp:127.0.0.1:2222-10.0.2.15:22. */
struct net_forward {
    bool udp;
    uint32_t host_address, guest_address; /* network order; 0: any, 10.0.2.15 */
    uint16_t host_port, guest_port;
};
enum { NET_FORWARDS_MAX = 16 };
struct net_config {
    struct net_forward forwards[NET_FORWARDS_MAX];
    unsigned forward_count;
    bool restricted; /* the guest reaches nothing outside */
};
/* virtio_net.c: user-mode networking by libslirp: 10.0.2.0/24, gateway .2, name server .3, guest .15. */
bool virtio_net_create(struct board *b, unsigned slot, const struct net_config *c, char *err, size_t n);

/* virtio_input.c: a keyboard, or a tablet with three buttons and a wheel. */
struct virtio_input;
enum input_kind { INPUT_KEYBOARD, INPUT_TABLET };
enum { INPUT_AXIS_MAX = 32767 };
struct virtio_input *virtio_input_create(struct board *b, unsigned slot, enum input_kind kind, char *err, size_t n);
/* Without the lock: one event with Linux's numbers (linux/input-event-codes.h), and the mark that ends a group. */
void virtio_input_event(struct virtio_input *i, uint16_t type, uint16_t code, uint32_t value);
void virtio_input_sync(struct virtio_input *i);

/* virtio_gpu.c: 2D scan-out. */
struct display;
bool virtio_gpu_create(struct board *b, unsigned slot, struct display *d, char *err, size_t n);

#endif
