/* test_virtio_fuzz.c: drivers that do anything: random rings, descriptors and register writes against every device of
 * the board, virtio and others. Nothing is expected but that the board survives; AddressSanitizer, the pages around
 * guest memory and bus_dma's report (devices_fixture.h) look on. Each run is another one and prints its seed; RIV_SEED
 * repeats it, RIV_CASES lengthens it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../devices/display.h"
#include "virtqueue_fixture.h"

static uint64_t seed;
static uint64_t rnd(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* Mostly sensible, sometimes not at all. */
static uint64_t any_address(void) {
    switch (rnd() % 16) {
    case 0:
        return rnd();
    case 1:
        return VIRT_RAM + FIXTURE_RAM - rnd() % 64;
    case 2:
        return VIRT_RAM - rnd() % 64;
    case 3:
        return VIRT_FRAMEBUFFER + rnd() % 8192;
    }
    return VIRT_RAM + 0x8000 + rnd() % 0x8000 / 16 * 16;
}
static uint32_t any_length(void) {
    static const uint32_t lengths[] = {0, 1, 8, 12, 16, 20, 24, 32, 40, 48, 56, 512, 513, 1024, 4096, 408};
    return rnd() % 32 == 0 ? (uint32_t)rnd() : lengths[rnd() % 16];
}

static void fill_tables(struct board *b) {
    for (unsigned i = 0; i < QUEUE; i++) {
        uint16_t flags = (uint16_t)(rnd() % 4 + (rnd() % 8 == 0 ? INDIRECT : 0));
        uint16_t next = (uint16_t)(rnd() % 16 == 0 ? rnd() : rnd() % QUEUE);
        put_desc(b, DESC, i, (struct test_desc){any_address(), any_length(), flags, next});
    }
    for (unsigned i = 0; i < 64; i++) { /* what requests begin with, for GPU and block */
        static const uint32_t words[] = {0, 1, 4, 8, 0x100, 0x101, 0x102, 0x103, 0x104, 0x105, 0x106, 0x107, 64, 2};
        uint32_t word = rnd() % 4 ? words[rnd() % 14] : (uint32_t)rnd();
        memcpy(ram(b, 0x8000 + rnd() % 0x7ffc / 4 * 4), &word, 4);
    }
    for (unsigned i = 0; i < 2 + QUEUE; i++)
        set16(b, AVAIL + 2 * i, (uint16_t)(rnd() % 8 == 0 ? rnd() : rnd() % QUEUE));
}

/* Devices that are not virtio: their registers, and what callers hand over to the host. */
static void other_step(struct board *b, struct chardev *c) {
    static const uint64_t bases[] = {VIRT_RTC,  VIRT_CLINT, VIRT_PLIC,
                                     VIRT_UART, VIRT_FLASH, VIRT_FLASH + VIRT_FLASH_SIZE};
    static const uint32_t ranges[] = {0x40, 0x1000, 0x3000, 0x10, 0x400, 0x400};
    unsigned which = rnd() % 6, size = 1u << rnd() % 4;
    uint64_t value, address = bases[which] + rnd() % ranges[which] / size * size;
    switch (rnd() % 16) {
    case 0:
        address = bases[which] + (rnd() & 0xffffff);
        break;
    case 1:
        address = which == 1 ? VIRT_CLINT + 0xbff8 : which == 2 ? VIRT_PLIC + 0x200000 + rnd() % 8 * 0x1000 : address;
        break;
    case 2: {
        static const uint64_t operations[] = {1, 3, 4, 5, 9, 0x10, 0x11, 0x13, 2};
        const uint64_t block[3] = {any_address(), any_address(), any_length()};
        memcpy(ram(b, 0x7000), block, sizeof block);
        semihost_call(b, c, rnd() % 2 ? 8 : 4, operations[rnd() % 9], rnd() % 2 ? VIRT_RAM + 0x7000 : any_address());
        return;
    }
    case 3: { /* HTIF: an address, or a byte; never an odd number, which ends the machine */
        uint64_t command =
            rnd() % 2 ? any_address() & ~UINT64_C(0xffff000000000001) : UINT64_C(0x0101) << 48 | rnd() % 256;
        memcpy(ram(b, 0x100), &command, 8);
        return;
    }
    }
    if (rnd() % 2)
        board_write(b, NULL, address, size, rnd() % 4 ? rnd() % 256 : rnd());
    else
        board_read(b, NULL, address, size, &value);
}

static void step(struct board *b, unsigned slot) {
    const uint64_t base = VIRTIO_BASE + slot * (uint64_t)VIRTIO_STRIDE;
    uint64_t value;
    switch (rnd() % 8) {
    case 0: /* any register, any size */
        board_write(b, NULL, base + rnd() % 0x140, 1u << rnd() % 4, rnd() % 4 ? rnd() % 16 : rnd());
        board_read(b, NULL, base + rnd() % 0x200, 1u << rnd() % 4, &value);
        break;
    case 1:
    case 2: { /* a driver that starts well, or nearly */
        unsigned queue = rnd() % 3;
        negotiate(b, slot, UINT64_C(1) << 32 | (rnd() % 2 ? UINT64_C(1) << 28 : 0));
        start_queue(b, slot, queue, rnd() % 8 ? QUEUE : rnd() % 300, rnd() % 16 ? VIRT_RAM + DESC : any_address(),
                    rnd() % 16 ? VIRT_RAM + AVAIL : any_address(), rnd() % 16 ? VIRT_RAM + USED : any_address());
        set_vreg(b, slot, R_STATUS, DRIVER_OK);
        break;
    }
    case 3:
        fill_tables(b);
        break;
    default:
        set16(b, AVAIL + 2, (uint16_t)(get16(b, AVAIL + 2) + rnd() % 4));
        set_vreg(b, slot, R_NOTIFY, rnd() % 3);
    }
}

static void survives(void **state) {
    const char *given = getenv("RIV_SEED"), *cases = getenv("RIV_CASES");
    unsigned long first = given ? strtoul(given, NULL, 0) : (unsigned long)monotonic_ns() % 1000000000;
    unsigned long count = cases ? strtoul(cases, NULL, 0) : 1200;
    char err[200], path[] = "/tmp/riv-fuzz-XXXXXX";
    int fd = mkstemp(path);
    assert_int_equal(ftruncate(fd, 1 << 20), 0);
    for (unsigned long n = first; n < first + count; n++) {
        static const char *const flash[2];
        seed = n * UINT64_C(0x9e3779b97f4a7c15) | 1;
        fprintf(stderr, "RIV_SEED=%lu RIV_CASES=1\n", n); /* the last one is the one to repeat */
        struct board *b = fixture_board();
        struct display *d = display_create(DISPLAY_NONE, 64, 48, err, sizeof err);
        struct chardev *c = chardev_create(b, "null", err, sizeof err);
        const struct drive_config drive = {.path = path};
        const struct net_config net = {.restricted = true};
        struct chardev *serial = chardev_create(b, "null", err, sizeof err);
        assert_true(virt_add_devices(b, serial, flash, err, sizeof err) && virt_add_framebuffer(b, 64, 48) &&
                    virt_add_rom(b, 64, VIRT_RAM, 0, 0) &&
                    htif_create(b, VIRT_RAM + 0x100, VIRT_RAM + 0x108, false, serial));
        assert_true(virtio_block_create(b, 0, &drive, err, sizeof err) &&
                    virtio_console_create(b, 1, c, err, sizeof err) && virtio_entropy_create(b, 2, err, sizeof err) &&
                    virtio_net_create(b, 3, &net, err, sizeof err) &&
                    virtio_input_create(b, 4, INPUT_KEYBOARD, err, sizeof err) &&
                    virtio_input_create(b, 5, INPUT_TABLET, err, sizeof err) &&
                    virtio_gpu_create(b, 6, d, err, sizeof err) && board_start(b, err, sizeof err));
        for (unsigned i = 0; i < 2000; i++) {
            unsigned slot = rnd() % 7;
            step(b, slot);
            other_step(b, serial);
        }
        display_poll(d, 0);
        board_end_io(b);
        chardev_destroy(c);
        chardev_destroy(serial);
        board_destroy(b);
        display_destroy(d);
    }
    close(fd);
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(survives)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
