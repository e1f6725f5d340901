// Reads sector after sector over a function that it calls: what a device writes is executed, never what was there
// before.
#include "queue.h"

enum { BLOCK_DEVICE = 2, SECTORS = 64, CALLS = 60, SECTOR = 512 };
static struct {
    uint32_t type, reserved;
    uint64_t sector;
} header;
static volatile uint8_t status;
static uint32_t code[1024] __attribute__((aligned(4096)));

static void read_sector(unsigned n) {
    const struct part parts[] = {{&header, sizeof header, false}, {code, SECTOR, true}, {&status, 1, true}};
    header.type = 0;
    header.sector = n;
    status = 0xff;
    queue_request(parts, 3);
    expect("status", status, 0);
    __asm__ volatile("fence.i" ::: "memory");
}

void rom_main(word hart, const void *device_tree) {
    queue_open(BLOCK_DEVICE, 0);
    for (unsigned n = 0; n < SECTORS; n++) {
        read_sector(n);
        for (unsigned i = 0; i < CALLS; i++) /* interpreted, then translated */
            expect("function", ((word(*)(void))(word)code)(), n * 7);
    }
    print("passed\n");
    finish(0);
}
