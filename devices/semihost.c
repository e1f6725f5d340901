/* semihost.c: RISC-V semihosting, the calls a test needs: to print, to read the clock, to end.
 *
 * The hart has met slli x0,x0,0x1f; ebreak; srai x0,x0,7 with the operation in a0 and its argument in a1.
 */
#include <string.h>
#include <time.h>

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

/* Words of an argument block. */
static bool words(struct board *b, uint64_t address, unsigned word, uint64_t *value, unsigned count) {
    const uint8_t *host = bus_dma(b, address, (uint64_t)word * count, false);
    for (unsigned i = 0; host && i < count; i++) {
        value[i] = 0;
        memcpy(&value[i], host + i * word, word);
    }
    return host != NULL;
}

static uint64_t print_string(struct board *b, struct chardev *c, uint64_t address) {
    for (unsigned i = 0; i < TEXT_MAX; i++) {
        const uint8_t *byte = bus_dma(b, address + i, 1, false);
        if (!byte || *byte == 0)
            break;
        chardev_write(c, byte, 1);
    }
    return 0;
}

/* SYS_WRITE: handle, address, length; the result is how many bytes were not written. */
static uint64_t write_bytes(struct board *b, struct chardev *c, uint64_t address, unsigned word) {
    uint64_t block[3];
    if (!words(b, address, word, block, 3))
        return FAILED;
    const uint8_t *text = block[2] <= TEXT_MAX ? bus_dma(b, block[1], block[2], false) : NULL;
    return text ? block[2] - chardev_write(c, text, block[2]) : block[2];
}

static uint64_t end(struct board *b, uint64_t reason, uint64_t code) {
    board_stop(b, BOARD_EXIT, reason != STOPPED_APPLICATION_EXIT ? 1 : code && !(code & 0xff) ? 1 : (int)(code & 0xff));
    return 0;
}

uint64_t semihost_call(struct board *b, struct chardev *c, unsigned word, uint64_t operation, uint64_t argument) {
    uint64_t block[2] = {0, 0}, result = FAILED;
    board_lock(b);
    switch (operation & UINT32_MAX) {
    case SYS_WRITEC: {
        const uint8_t *byte = bus_dma(b, argument, 1, false);
        result = byte ? chardev_write(c, byte, 1) : 0;
        break;
    }
    case SYS_WRITE0:
        result = print_string(b, c, argument);
        break;
    case SYS_WRITE:
        result = write_bytes(b, c, argument, word);
        break;
    case SYS_OPEN: /* only the console, which goes by this name */
        if (words(b, argument, word, block, 1)) {
            const uint8_t *name = bus_dma(b, block[0], 4, false);
            result = name && memcmp(name, ":tt", 4) == 0 ? STDOUT : FAILED;
        }
        break;
    case SYS_CLOSE:
    case SYS_ERRNO:
        result = 0;
        break;
    case SYS_ISTTY:
        result = 1;
        break;
    case SYS_CLOCK:
        result = board_now(b) / (BOARD_TIMEBASE / 100);
        break;
    case SYS_TIME:
        result = (uint64_t)time(NULL);
        break;
    case SYS_EXIT: /* 64-bit harts pass a block, 32-bit ones the reason itself */
        if (word == 4)
            result = end(b, argument, 0);
        else
            result = words(b, argument, word, block, 2) ? end(b, block[0], block[1]) : end(b, argument, 0);
        break;
    case SYS_EXIT_EXTENDED:
        result = words(b, argument, word, block, 2) ? end(b, block[0], block[1]) : end(b, 0, 1);
        break;
    }
    board_unlock(b);
    return result;
}
