// Shows a picture with virtio-gpu: 64 by 48 pixels, red by column and green by row; and asks for what cannot be had.
#include "queue.h"

enum { GPU = 16, CREATE = 0x101, UNREF, SCANOUT, FLUSH, TRANSFER, ATTACH, DETACH, WIDTH = 64, HEIGHT = 48 };
enum { OK = 0x1100, ERR = 0x1200, FORMAT_BGRX = 2, BLUE_LATER = 0x80 };
static uint32_t pixels[WIDTH * HEIGHT];
static uint32_t command[32], answer[128];

/* Fields behind the header, and what kind of answer is to come: OK, or ERR for any error. */
static void ask(const char *what, uint32_t type, const uint32_t *fields, unsigned count, uint32_t wanted) {
    const struct part parts[] = {{command, (6 + count) * 4, false}, {answer, sizeof answer, true}};
    for (unsigned i = 0; i < 32; i++)
        command[i] = i == 0 ? type : i >= 6 && i < 6 + count ? fields[i - 6] : 0;
    answer[0] = 0;
    queue_request(parts, 2);
    expect(what, wanted == OK ? answer[0] : answer[0] & ~0xffu, wanted);
}
#define ASK(what, wanted, type, ...)                                                                                   \
    ask(what, type, (const uint32_t[]){__VA_ARGS__}, sizeof((uint32_t[]){__VA_ARGS__}) / 4, wanted)

void rom_main(word hart, const void *device_tree) {
    uint32_t at = (uint32_t)(word)pixels;
    queue_open(GPU, 0);
    ASK("flush of nothing", ERR, FLUSH, 0, 0, WIDTH, HEIGHT, 7, 0);
    ASK("number 0", ERR, CREATE, 0, FORMAT_BGRX, WIDTH, HEIGHT);
    ASK("no such format", ERR, CREATE, 1, 9999, WIDTH, HEIGHT);
    ASK("far too large", ERR, CREATE, 1, FORMAT_BGRX, 0xffffffff, 0xffffffff);
    ASK("create", OK, CREATE, 1, FORMAT_BGRX, WIDTH, HEIGHT);
    ASK("twice", ERR, CREATE, 1, FORMAT_BGRX, WIDTH, HEIGHT);
    ASK("memory that is none", ERR, ATTACH, 1, 1, 0x1000000, 0, sizeof pixels, 0);
    ASK("more entries than there are", ERR, ATTACH, 1, 1000, at, 0, sizeof pixels, 0);
    ASK("attach", OK, ATTACH, 1, 1, at, 0, sizeof pixels, 0);
    ASK("no such output", ERR, SCANOUT, 0, 0, WIDTH, HEIGHT, 99, 1);
    ASK("larger than the resource", ERR, SCANOUT, 0, 0, WIDTH + 1, HEIGHT, 0, 1);
    ASK("a sum that wraps", ERR, SCANOUT, 0xfffffff0, 0, WIDTH, HEIGHT, 0, 1);
    ASK("scanout", OK, SCANOUT, 0, 0, WIDTH, HEIGHT, 0, 1);
    for (unsigned i = 0; i < WIDTH * HEIGHT; i++)
        pixels[i] = (i % WIDTH * 4) << 16 | (i / WIDTH * 5) << 8;
    ASK("outside", ERR, TRANSFER, 1, 0, WIDTH, HEIGHT, 0, 0, 1, 0);
    ASK("wraps", ERR, TRANSFER, 0xffffffff, 0, 2, 1, 0, 0, 1, 0);
    ASK("transfer", OK, TRANSFER, 0, 0, WIDTH, HEIGHT, 0, 0, 1, 0);
    for (unsigned i = 0; i < WIDTH * HEIGHT; i++)
        pixels[i] |= BLUE_LATER;
    ASK("a part again", OK, TRANSFER, 10, 20, 5, 6, (20 * WIDTH + 10) * 4, 0, 1, 0);
    ASK("flush outside", ERR, FLUSH, 0, 0, WIDTH, HEIGHT + 1, 1, 0);
    ASK("flush", OK, FLUSH, 0, 0, WIDTH, HEIGHT, 1, 0);
    finish(0);
}
