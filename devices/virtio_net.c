/* virtio_net.c: virtio's network card (virtio 1.2, section 5.1) on a network that libslirp makes up: queue 0 to the
 * guest, queue 1 from it.
 *
 * Everything of libslirp happens on the I/O thread; a guest's notification only wakes it.
 */
#include <libslirp.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "virtio_devices.h"

enum { HEADER = 12, PACKET_MAX = 65536, TIMERS_MAX = 8 };
enum { F_MAC = 1 << 5 };

struct net_timer {
    SlirpTimerCb fn;
    void *opaque;
    int64_t expires; /* ms; -1: off */
    bool used;
};

struct net {
    struct virtio *virtio;
    struct virtio_class class;
    uint8_t config[8]; /* MAC address */
    Slirp *slirp;
    struct net_timer timers[TIMERS_MAX];
    struct pollset *set; /* while the descriptors are collected */
    const struct pollset *ready;
    struct virtio_chain chain;
    uint8_t packet[PACKET_MAX];
};

static int64_t clock_ns(void *opaque) { return (int64_t)monotonic_ns(); }

/* A packet for the guest; dropped where it has no buffer. */
static ssize_t to_guest(const void *buf, size_t size, void *opaque) {
    struct net *net = opaque;
    uint8_t header[HEADER] = {0};
    header[10] = 1; /* num_buffers */
    if (!virtio_pop(net->virtio, 0, &net->chain))
        return (ssize_t)size;
    if (net->chain.writable_bytes < HEADER + size) {
        virtio_push(net->virtio, &net->chain, 0);
        return (ssize_t)size;
    }
    virtio_write(&net->chain, 0, header, HEADER);
    virtio_write(&net->chain, HEADER, buf, size);
    virtio_push(net->virtio, &net->chain, (uint32_t)(HEADER + size));
    return (ssize_t)size;
}

static void from_guest(struct net *net) {
    while (virtio_pop(net->virtio, 1, &net->chain)) {
        size_t n = virtio_read(&net->chain, HEADER, net->packet, PACKET_MAX);
        virtio_push(net->virtio, &net->chain, 0);
        if (n > 0)
            slirp_input(net->slirp, net->packet, (int)n);
    }
}

static void guest_error(const char *message, void *opaque) {}
static void *timer_new(SlirpTimerCb fn, void *fn_opaque, void *opaque) {
    struct net *net = opaque;
    for (unsigned i = 0; i < TIMERS_MAX; i++)
        if (!net->timers[i].used) {
            net->timers[i] = (struct net_timer){.fn = fn, .opaque = fn_opaque, .expires = -1, .used = true};
            return &net->timers[i];
        }
    abort(); /* libslirp has one timer */
}
static void timer_free(void *timer, void *opaque) { ((struct net_timer *)timer)->used = false; }
static void timer_mod(void *timer, int64_t expires, void *opaque) { ((struct net_timer *)timer)->expires = expires; }
static void register_fd(int fd, void *opaque) {}
static void wake(void *opaque) {
    struct net *net = opaque;
    board_wake_io(virtio_board(net->virtio));
}

static const SlirpCb callbacks = {
    .send_packet = to_guest,
    .guest_error = guest_error,
    .clock_get_ns = clock_ns,
    .timer_new = timer_new,
    .timer_free = timer_free,
    .timer_mod = timer_mod,
    .register_poll_fd = register_fd,
    .unregister_poll_fd = register_fd,
    .notify = wake,
};

static int add_poll(int fd, int events, void *opaque) {
    struct net *net = opaque;
    short wanted = 0;
    wanted |= events & SLIRP_POLL_IN ? POLLIN : 0;
    wanted |= events & SLIRP_POLL_OUT ? POLLOUT : 0;
    wanted |= events & SLIRP_POLL_PRI ? POLLPRI : 0;
    return pollset_add(net->set, fd, wanted);
}

static int get_revents(int index, void *opaque) {
    const struct net *net = opaque;
    if (index < 0 || (unsigned)index >= net->ready->count)
        return 0;
    short got = net->ready->fds[index].revents;
    return (got & POLLIN ? SLIRP_POLL_IN : 0) | (got & POLLOUT ? SLIRP_POLL_OUT : 0) |
           (got & POLLPRI ? SLIRP_POLL_PRI : 0) | (got & POLLERR ? SLIRP_POLL_ERR : 0) |
           (got & POLLHUP ? SLIRP_POLL_HUP : 0);
}

static void fill(void *ctx, struct pollset *set) {
    struct net *net = ctx;
    uint32_t timeout = UINT32_MAX;
    from_guest(net);
    net->set = set;
    slirp_pollfds_fill(net->slirp, &timeout, add_poll, net);
    if (timeout != UINT32_MAX)
        pollset_deadline(set, monotonic_ns() + (uint64_t)timeout * 1000000);
    for (unsigned i = 0; i < TIMERS_MAX; i++)
        if (net->timers[i].used && net->timers[i].expires >= 0)
            pollset_deadline(set, (uint64_t)net->timers[i].expires * 1000000);
}

static void polled(void *ctx, const struct pollset *set) {
    struct net *net = ctx;
    net->ready = set;
    slirp_pollfds_poll(net->slirp, 0, get_revents, net);
    int64_t now = (int64_t)(monotonic_ns() / 1000000);
    for (unsigned i = 0; i < TIMERS_MAX; i++) {
        struct net_timer *t = &net->timers[i];
        if (t->used && t->expires >= 0 && t->expires <= now) {
            t->expires = -1;
            t->fn(t->opaque);
        }
    }
}

static void notify(void *device, unsigned queue) {
    if (queue == 1)
        wake(device);
}

static void destroy(void *device) {
    struct net *net = device;
    if (net->slirp)
        slirp_cleanup(net->slirp);
    free(net);
}

static bool forward(struct net *net, const struct net_forward *f, char *err, size_t n) {
    struct in_addr host = {.s_addr = f->host_address}, guest = {.s_addr = f->guest_address};
    if (slirp_add_hostfwd(net->slirp, f->udp, host, f->host_port, guest, f->guest_port) == 0)
        return true;
    snprintf(err, n, "cannot forward host port %u: it is in use or not allowed", f->host_port);
    return false;
}

bool virtio_net_create(struct board *b, unsigned slot, const struct net_config *c, char *err, size_t n) {
    struct net *net = calloc(1, sizeof *net);
    if (!net) {
        snprintf(err, n, "no memory");
        return false;
    }
    static const uint8_t mac[6] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
    memcpy(net->config, mac, sizeof mac);
    net->class =
        (struct virtio_class){.id = VIRTIO_NET, .queues = 2, .features = F_MAC, .notify = notify, .destroy = destroy};
    net->virtio = virtio_create(b, slot, &net->class, net, net->config, sizeof net->config);
    if (!net->virtio) {
        free(net);
        snprintf(err, n, "no place for a network card: there are %d slots", VIRTIO_SLOTS);
        return false;
    }
    SlirpConfig config = {.version = 1, .restricted = c->restricted, .in_enabled = true, .vhostname = "riv"};
    config.vnetwork.s_addr = htonl(0x0a000200);
    config.vnetmask.s_addr = htonl(0xffffff00);
    config.vhost.s_addr = htonl(0x0a000202);
    config.vnameserver.s_addr = htonl(0x0a000203);
    config.vdhcp_start.s_addr = htonl(0x0a00020f);
    net->slirp = slirp_new(&config, &callbacks, net);
    const struct board_source source = {.ctx = net, .fill = fill, .polled = polled};
    if (!net->slirp || !board_add_source(b, &source)) {
        snprintf(err, n, "cannot set up the network");
        return false;
    }
    for (unsigned i = 0; i < c->forward_count; i++)
        if (!forward(net, &c->forwards[i], err, n))
            return false;
    return true;
}
