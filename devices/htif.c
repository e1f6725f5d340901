/* htif.c: the host-target interface of bare-metal tests: two doublewords in the guest's RAM.
 *
 *      tohost: device (63:56), command (55:48), payload. Device 0: odd payload ends with status payload >> 1, even is
 * the address of a system call block. Device 1: command 1 prints a byte, 0 asks for one.
 *
 * As tohost is plain memory, the I/O thread looks at it: often for a while after something has happened, else every
 * millisecond.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "devices.h"

enum { BUSY_NS = 20000, IDLE_NS = 1000000, BUSY_ROUNDS = 200, SYS_WRITE = 64, SYS_EXIT = 93, TEXT_MAX = 1 << 20 };

struct htif {
    struct board *board;
    struct chardev *chardev;
    uint64_t tohost, fromhost;
    bool rv32;
    uint64_t seen; /* RV32 stores halves: a value counts once it is the same twice */
    unsigned busy;
};

static uint64_t load(const struct htif *t, uint64_t address) {
    uint64_t *at = (uint64_t *)(void *)bus_dma(t->board, address, 8, false);
    return at ? __atomic_load_n(at, __ATOMIC_ACQUIRE) : 0;
}

static void store(struct htif *t, uint64_t address, uint64_t value) {
    uint64_t *at = (uint64_t *)(void *)bus_dma(t->board, address, 8, true);
    if (at) {
        __atomic_store_n(at, value, __ATOMIC_RELEASE);
        bus_dma_written(t->board, address, 8);
    }
}

static void end(struct htif *t, uint64_t code) {
    int status = (int)(code & 0xff);
    board_stop(t->board, BOARD_EXIT, code && !status ? 1 : status);
}

static void system_call(struct htif *t, uint64_t block) {
    uint64_t word[4];
    const uint8_t *host = bus_dma(t->board, block, sizeof word, false);
    if (!host)
        return;
    memcpy(word, host, sizeof word);
    uint64_t result = (uint64_t)-38; /* ENOSYS */
    if (word[0] == SYS_EXIT) {
        end(t, word[1]);
        result = 0;
    } else if (word[0] == SYS_WRITE) {
        const uint8_t *text = word[3] <= TEXT_MAX ? bus_dma(t->board, word[2], word[3], false) : NULL;
        result = text || word[3] == 0 ? word[3] : (uint64_t)-14; /* EFAULT */
        if (text)
            chardev_write_all(t->chardev, text, word[3]);
    }
    store(t, block, result);
}

static void serve(struct htif *t, uint64_t value) {
    unsigned device = (unsigned)(value >> 56), command = value >> 48 & 0xff;
    uint64_t payload = value & 0xffffffffffff;
    if (device == 0 && command == 0 && (payload & 1)) {
        end(t, payload >> 1);
        return;
    }
    if (device == 0 && command == 0)
        system_call(t, payload);
    uint8_t byte = (uint8_t)payload;
    if (device == 1 && command == 1)
        chardev_write_all(t->chardev, &byte, 1);
    store(t, t->tohost, 0);
    if (t->fromhost && !(device == 1 && command == 0)) /* input is never there: the guest asks again */
        store(t, t->fromhost, device == 0 ? 1 : (value & ~UINT64_C(0xffffffffffff)));
}

static void htif_fill(void *ctx, struct pollset *set) {
    struct htif *t = ctx;
    pollset_deadline(set, monotonic_ns() + (t->busy ? BUSY_NS : IDLE_NS));
}

static void htif_polled(void *ctx, const struct pollset *set) {
    struct htif *t = ctx;
    uint64_t value = load(t, t->tohost);
    bool settled = !t->rv32 || value == t->seen;
    t->seen = value;
    if (t->busy)
        t->busy--;
    if (!value)
        return;
    t->busy = BUSY_ROUNDS;
    if (settled) {
        t->seen = 0;
        serve(t, value);
    }
}

static bool unused_access(void *ctx, struct hart *h, uint64_t offset, unsigned size, uint64_t *value) { return false; }
static bool unused_write(void *ctx, struct hart *h, uint64_t offset, unsigned size, uint64_t value) { return false; }

bool htif_create(struct board *b, uint64_t tohost, uint64_t fromhost, bool rv32, struct chardev *c) {
    if (tohost & 7 || fromhost & 7 || !bus_dma(b, tohost, 8, true) || (fromhost && !bus_dma(b, fromhost, 8, true)))
        return false;
    struct htif *t = calloc(1, sizeof *t);
    if (!t)
        return false;
    *t = (struct htif){.board = b, .chardev = c, .tohost = tohost, .fromhost = fromhost, .rv32 = rv32};
    const struct board_source source = {.ctx = t, .fill = htif_fill, .polled = htif_polled};
    /* No registers: the range is one that no board uses, so that the board owns the memory. */
    const struct device d = {.name = "htif",
                             .base = 0xf00,
                             .size = 8,
                             .ctx = t,
                             .read = unused_access,
                             .write = unused_write,
                             .destroy = free};
    if (!board_add_device(b, &d) || !board_add_source(b, &source)) {
        free(t);
        return false;
    }
    return true;
}
