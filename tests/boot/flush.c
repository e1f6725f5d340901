// Writes block n (4 KiB of the word n, at place n % 64 of the drive), flushes, prints n; for ever.
#include "queue.h"

enum { BLOCK_DEVICE = 2, FLUSH_FEATURE = 1 << 9, PLACES = 64, BLOCK = 4096, OUT = 1, FLUSH = 4 };
static struct {
    uint32_t type, reserved;
    uint64_t sector;
} header;
static volatile uint8_t status;
static uint32_t data[BLOCK / 4];

static void request(uint32_t type, uint64_t sector) {
    const struct part parts[] = {{&header, sizeof header, false}, {data, BLOCK, false}, {&status, 1, true}};
    const struct part flush[] = {{&header, sizeof header, false}, {&status, 1, true}};
    header.type = type;
    header.sector = sector;
    status = 0xff;
    queue_request(type == OUT ? parts : flush, type == OUT ? 3 : 2);
    expect("status", status, 0);
}

void rom_main(word hart, const void *device_tree) {
    queue_open(BLOCK_DEVICE, FLUSH_FEATURE);
    for (uint32_t n = 1;; n++) {
        for (unsigned i = 0; i < BLOCK / 4; i++)
            data[i] = n;
        request(OUT, (uint64_t)(n % PLACES) * (BLOCK / 512));
        request(FLUSH, 0);
        print_number(n);
        print("\n");
    }
}
