/* virtio_block.c: virtio's block device (virtio 1.2, section 5.2). Requests are served by the drive's own thread.
 *
 *      { type 4, reserved 4, sector 8 } data ... { status 1 }
 *
 * In a counted run they are served where the guest notifies, so that they end at the same instruction in every run.
 *
 * A request's status is written after its data is where it belongs, and a flush's after fdatasync has returned. A guest
 * that has not accepted FLUSH gets every write synced.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drive.h"
#include "virtio_devices.h"

enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8, S_OK = 0, S_IOERR = 1, S_UNSUPP = 2, ID_SIZE = 20 };
enum { F_SEG_MAX = 1 << 2, F_RO = 1 << 5, F_BLK_SIZE = 1 << 6, F_FLUSH = 1 << 9, HEADER_SIZE = 16 };

struct config {
    uint64_t capacity;
    uint32_t size_max, seg_max;
    uint32_t geometry;
    uint32_t blk_size;
    uint8_t rest[36];
};

struct block {
    struct virtio *virtio;
    struct virtio_class class;
    struct config config;
    struct drive *drive;
    pthread_t thread;
    pthread_cond_t notified;
    bool running, pending, stopping; /* under the board's lock */
    struct virtio_chain chain;       /* the thread's */
};

/* The data part of a request: readable bytes behind the header, or writable ones before the status. */
static uint8_t transfer(struct block *k, uint32_t type, uint64_t sector, uint32_t *written) {
    const struct virtio_chain *c = &k->chain;
    bool write = type == T_OUT;
    unsigned first = write ? 0 : c->readable, count = write ? c->readable : c->writable;
    uint64_t skip = write ? HEADER_SIZE : 0;
    uint64_t bytes = write ? c->readable_bytes - HEADER_SIZE : c->writable_bytes - 1;
    uint64_t size = drive_size(k->drive);
    if (bytes % 512 || sector > size / 512 || bytes > size - sector * 512 || (write && drive_read_only(k->drive)))
        return S_IOERR;
    struct iovec io[VIRTIO_SEGMENTS_MAX];
    unsigned parts = 0;
    uint64_t left = bytes;
    for (unsigned i = first; i < first + count && left > 0; i++) {
        const struct virtio_segment *s = &c->segments[i];
        if (skip >= s->size) {
            skip -= s->size;
            continue;
        }
        uint64_t n = s->size - skip < left ? s->size - skip : left;
        io[parts++] = (struct iovec){.iov_base = s->host + skip, .iov_len = n};
        skip = 0;
        left -= n;
    }
    bool ok = write ? drive_write(k->drive, sector * 512, io, parts) : drive_read(k->drive, sector * 512, io, parts);
    if (!write)
        *written = (uint32_t)bytes;
    return ok ? S_OK : S_IOERR;
}

/* Serves k->chain; returns how many of its writable bytes were written; 0: malformed. */
static uint32_t serve(struct block *k, bool sync) {
    const struct virtio_chain *c = &k->chain;
    struct {
        uint32_t type, reserved;
        uint64_t sector;
    } header;
    uint8_t status = S_UNSUPP;
    uint32_t written = 0;
    if (virtio_read(c, 0, &header, sizeof header) != HEADER_SIZE || c->writable_bytes < 1)
        return 0;
    if (header.type == T_IN || header.type == T_OUT) {
        status = transfer(k, header.type, header.sector, &written);
        if (header.type == T_OUT && status == S_OK && sync && !drive_flush(k->drive))
            status = S_IOERR;
    } else if (header.type == T_FLUSH) {
        status = drive_flush(k->drive) ? S_OK : S_IOERR;
    } else if (header.type == T_GET_ID && c->writable_bytes > ID_SIZE) {
        static const char id[ID_SIZE] = "riv";
        virtio_write(c, 0, id, ID_SIZE);
        written = ID_SIZE;
        status = S_OK;
    }
    virtio_write(c, c->writable_bytes - 1, &status, 1);
    /* The used length covers what lies from the first byte on; the status is the last one. */
    return c->writable_bytes - 1 == written ? written + 1 : (uint32_t)c->writable_bytes;
}

static void finish(struct block *k, uint32_t written) {
    if (written)
        virtio_push(k->virtio, &k->chain, written);
    else
        virtio_break(k->virtio);
}

static bool write_through(const struct block *k) { return !(virtio_features(k->virtio) & F_FLUSH); }

static void *block_main(void *arg) {
    struct block *k = arg;
    struct board *b = virtio_board(k->virtio);
    board_lock(b);
    while (!k->stopping) {
        if (!virtio_pop(k->virtio, 0, &k->chain)) {
            k->pending = false;
            while (!k->pending && !k->stopping)
                board_wait_cond(b, &k->notified);
            continue;
        }
        bool sync = write_through(k);
        board_unlock(b);
        uint32_t written = serve(k, sync);
        board_lock(b);
        finish(k, written);
    }
    board_unlock(b);
    return NULL;
}

static void notify(void *device, unsigned queue) {
    struct block *k = device;
    if (!k->running) {
        while (virtio_pop(k->virtio, 0, &k->chain))
            finish(k, serve(k, write_through(k)));
        return;
    }
    k->pending = true;
    pthread_cond_signal(&k->notified);
}

/* The thread raises interrupts, so it ends while the controller is still there. */
static void stop(void *device) {
    struct block *k = device;
    if (!k->running)
        return;
    board_lock(virtio_board(k->virtio));
    k->stopping = true;
    pthread_cond_signal(&k->notified);
    board_unlock(virtio_board(k->virtio));
    pthread_join(k->thread, NULL);
    k->running = false;
}

static void destroy(void *device) {
    struct block *k = device;
    pthread_cond_destroy(&k->notified);
    drive_close(k->drive);
    free(k);
}

bool virtio_block_create(struct board *b, unsigned slot, const struct drive_config *d, char *err, size_t n) {
    struct drive *drive = drive_open(d, err, n);
    if (!drive)
        return false;
    struct block *k = calloc(1, sizeof *k);
    if (!k) {
        snprintf(err, n, "no memory");
        drive_close(drive);
        return false;
    }
    k->drive = drive;
    pthread_cond_init(&k->notified, NULL);
    k->config =
        (struct config){.capacity = drive_size(drive) / 512, .seg_max = VIRTIO_SEGMENTS_MAX - 2, .blk_size = 512};
    k->class = (struct virtio_class){.id = VIRTIO_BLOCK,
                                     .queues = 1,
                                     .features = F_SEG_MAX | F_BLK_SIZE | F_FLUSH | (drive_read_only(drive) ? F_RO : 0),
                                     .notify = notify,
                                     .stop = stop,
                                     .destroy = destroy};
    k->virtio = virtio_create(b, slot, &k->class, k, &k->config, sizeof k->config);
    if (!k->virtio) {
        snprintf(err, n, "no place for drive %s: there are %d slots", d->path, VIRTIO_SLOTS);
        destroy(k);
        return false;
    }
    if (board_counted(b))
        return true;
    int error = pthread_create(&k->thread, NULL, block_main, k);
    k->running = error == 0;
    if (error)
        snprintf(err, n, "cannot start a thread: %s", strerror(error));
    return error == 0;
}
