/* finisher.c: SiFive's test device: a write ends the machine.
 *
 *      0x5555: exit 0      (code << 16) | 0x3333: exit with code      0x7777: reset
 */
#include "devices.h"

enum { FINISH_PASS = 0x5555, FINISH_FAIL = 0x3333, FINISH_RESET = 0x7777 };

static bool finisher_read(void *ctx, struct hart *h, uint64_t offset, unsigned size, uint64_t *value) { return true; }

static bool finisher_write(void *ctx, struct hart *h, uint64_t offset, unsigned size, uint64_t value) {
    int code = (int)(value >> 16 & 0xff);
    if (offset != 0)
        return true;
    switch (value & 0xffff) {
    case FINISH_PASS:
        board_stop(ctx, BOARD_EXIT, 0);
        break;
    case FINISH_FAIL: /* a failure is never reported as success, whatever its code's low byte is */
        board_stop(ctx, BOARD_EXIT, code ? code : 1);
        break;
    case FINISH_RESET:
        board_stop(ctx, BOARD_RESET, 0);
        break;
    }
    return true;
}

bool finisher_create(struct board *b, uint64_t base) {
    const struct device d = {.name = "test",
                             .base = base,
                             .size = 0x1000,
                             .sizes = SIZE_2 | SIZE_4 | SIZE_8,
                             .ctx = b,
                             .read = finisher_read,
                             .write = finisher_write};
    return board_add_device(b, &d);
}
