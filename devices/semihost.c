/* semihost.c: RISC-V semihosting, the calls a test needs: to print, to read the clock, to end.
 *
 * The hart has met slli x0,x0,0x1f; ebreak; srai x0,x0,7 with the operation in a0 and its argument in a1. Addresses are
 * the guest's virtual ones.
 */
#include <stdlib.h>
#include <string.h>

#include "../cpu/hart.h"
#include "devices.h"

enum {
    SYS_OPEN = 0x01,
    SYS_CLOSE = 0x02,
    SYS_WRITEC = 0x03,
    SYS_WRITE0 = 0x04,
    SYS_WRITE = 0x05,
    SYS_ISTTY = 0x09,
    SYS_CLOCK = 0x10,
    SYS_TIME = 0x11,
    SYS_ERRNO = 0x13,
    SYS_EXIT = 0x18,
    SYS_EXIT_EXTENDED = 0x20,
};
enum { STOPPED_APPLICATION_EXIT = 0x20026, TEXT_MAX = 1 << 20, STDOUT = 1 };
#define FAILED UINT64_MAX

struct semihost {
    struct board *board;
    struct chardev *chardev;
};

/* One call. hart NULL: addresses are physical. */
struct call {
    struct board *board;
    struct chardev *chardev;
    struct hart *hart;
    unsigned word; /* bytes */
};

/* Host memory at a guest address and how much of size lies behind it in one piece; NULL: none. */
static const uint8_t *piece(const struct call *k, uint64_t address, uint64_t *size) {
    uint64_t to_page_end = 4096 - address % 4096, pa = address;
    if (*size > to_page_end)
        *size = to_page_end;
    if (k->hart && !hart_physical(k->hart, address, &pa))
        return NULL;
    return bus_dma(k->board, pa, *size, false);
}

static bool copy_in(const struct call *k, uint64_t address, void *to, uint64_t size) {
    for (uint64_t done = 0; done < size;) {
        uint64_t n = size - done;
        const uint8_t *from = piece(k, address + done, &n);
        if (!from)
            return false;
        memcpy((uint8_t *)to + done, from, n);
        done += n;
    }
    return true;
}

/* Words of an argument block. */
static bool words(const struct call *k, uint64_t address, uint64_t *value, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        value[i] = 0;
        if (!copy_in(k, address + (uint64_t)i * k->word, &value[i], k->word))
            return false;
    }
    return true;
}

static uint64_t print_string(const struct call *k, uint64_t address) {
    for (unsigned done = 0; done < TEXT_MAX;) {
        uint64_t n = 4096;
        const uint8_t *text = piece(k, address + done, &n);
        size_t length = text ? strnlen((const char *)text, n) : 0;
        chardev_write_all(k->chardev, text, length);
        if (!text || length < n)
            break;
        done += (unsigned)n;
    }
    return 0;
}

/* SYS_WRITE: handle, address, length; the result is how many bytes were not written.  A call writes so much at most, as
 * a guest can map any length. */
static uint64_t write_bytes(const struct call *k, uint64_t address) {
    uint64_t block[3];
    if (!words(k, address, block, 3))
        return FAILED;
    for (uint64_t done = 0; block[2] > 0 && done < TEXT_MAX;) {
        uint64_t n = block[2];
        const uint8_t *text = piece(k, block[1], &n);
        if (!text)
            break;
        chardev_write_all(k->chardev, text, n);
        block[1] += n;
        block[2] -= n;
        done += n;
    }
    return block[2];
}

static uint64_t end(struct board *b, uint64_t reason, uint64_t code) {
    board_stop(b, BOARD_EXIT, reason != STOPPED_APPLICATION_EXIT ? 1 : code && !(code & 0xff) ? 1 : (int)(code & 0xff));
    return 0;
}

static uint64_t serve(const struct call *k, uint64_t operation, uint64_t argument) {
    uint64_t block[2] = {0, 0};
    uint8_t byte;
    char name[4];
    switch (operation & UINT32_MAX) {
    case SYS_WRITEC:
        if (copy_in(k, argument, &byte, 1))
            chardev_write_all(k->chardev, &byte, 1);
        return 0;
    case SYS_WRITE0:
        return print_string(k, argument);
    case SYS_WRITE:
        return write_bytes(k, argument);
    case SYS_OPEN: /* only the console, which goes by this name */
        return words(k, argument, block, 1) && copy_in(k, block[0], name, 4) && memcmp(name, ":tt", 4) == 0 ? STDOUT
                                                                                                            : FAILED;
    case SYS_CLOSE:
    case SYS_ERRNO:
        return 0;
    case SYS_ISTTY:
        return 1;
    case SYS_CLOCK:
        return board_now(k->board) / (BOARD_TIMEBASE / 100);
    case SYS_TIME:
        return board_clock_ns(k->board) / 1000000000;
    case SYS_EXIT: /* 64-bit harts pass a block, 32-bit ones the reason itself */
        if (k->word == 8 && words(k, argument, block, 2))
            return end(k->board, block[0], block[1]);
        return end(k->board, argument, 0);
    case SYS_EXIT_EXTENDED:
        return words(k, argument, block, 2) ? end(k->board, block[0], block[1]) : end(k->board, 0, 1);
    }
    return FAILED;
}

uint64_t semihost_call(struct board *b, struct chardev *c, unsigned word, uint64_t operation, uint64_t argument) {
    const struct call k = {.board = b, .chardev = c, .word = word};
    board_lock(b);
    uint64_t result = serve(&k, operation, argument);
    board_unlock(b);
    return result;
}

static uint64_t from_hart(void *ctx, struct hart *h, uint64_t operation, uint64_t argument) {
    const struct semihost *s = ctx;
    const struct call k = {.board = s->board, .chardev = s->chardev, .hart = h, .word = h->xlen / 8};
    board_lock(s->board);
    uint64_t result = serve(&k, operation, h->xlen == 32 ? (uint32_t)argument : argument);
    board_unlock(s->board);
    return result;
}

bool semihost_create(struct board *b, struct chardev *c) {
    struct semihost *s = calloc(1, sizeof *s);
    if (!s)
        return false;
    *s = (struct semihost){.board = b, .chardev = c};
    board_set_semihost(b, from_hart, s, free);
    return true;
}
