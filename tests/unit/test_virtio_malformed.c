/* Every virtio device against drivers that are wrong: malformed chains and queues on each of its queues, requests that
 * make no sense, configuration spaces accessed as they should not be.  test_virtio.c has the transport's own cases.
 */
#include <stdlib.h>
#include <unistd.h>

#include "../../devices/display.h"
#include "virtqueue_fixture.h"

enum { BLOCK, CONSOLE, ENTROPY, NET, KEYBOARD, TABLET, GPU, DEVICES };
enum { DISK_BYTES = 64 * 512 };
static const char *const names[] = {"block", "console", "entropy", "net", "keyboard", "tablet", "gpu"};
static const unsigned queues[] = {1, 2, 1, 2, 2, 2, 2};

static struct virtio_input *keyboard;
static struct chardev *console;
static struct display *display;
static char disk[] = "/tmp/riv-malformed-XXXXXX";

static struct board *all_devices(void) {
    char err[200];
    struct board *b = fixture_board();
    const struct drive_config drive = {.path = disk};
    const struct net_config net = {.restricted = true};
    display = display_create(DISPLAY_NONE, 64, 48, err, sizeof err);
    console = chardev_create(b, "null", err, sizeof err);
    assert_true(plic_create(b, VIRT_PLIC) && virt_add_framebuffer(b, 64, 48) && virt_add_rom(b, 64, VIRT_RAM, 0, 0));
    assert_true(virtio_block_create(b, BLOCK, &drive, err, sizeof err) &&
                virtio_console_create(b, CONSOLE, console, err, sizeof err) &&
                virtio_entropy_create(b, ENTROPY, err, sizeof err) && virtio_net_create(b, NET, &net, err, sizeof err));
    keyboard = virtio_input_create(b, KEYBOARD, INPUT_KEYBOARD, err, sizeof err);
    assert_true(keyboard && virtio_input_create(b, TABLET, INPUT_TABLET, err, sizeof err) &&
                virtio_gpu_create(b, GPU, display, err, sizeof err) && board_start(b, err, sizeof err));
    return b;
}
static void drop(struct board *b) {
    board_end_io(b);
    chardev_destroy(console);
    board_destroy(b);
    display_destroy(display);
}

/* Whether the device takes chains of this queue when it is notified. */
static bool served(unsigned device, unsigned queue) {
    return device == NET || device == CONSOLE ? queue == 1 : device != TABLET || queue == 1;
}

static bool becomes_broken(struct board *b, unsigned slot) {
    uint64_t until = monotonic_ns() + UINT64_C(10000000000);
    while (!broken(b, slot) && monotonic_ns() < until)
        usleep(100); /* block and net have threads */
    return broken(b, slot);
}

static void waiting_key(unsigned device) {
    if (device == KEYBOARD) { /* there must be something to deliver */
        virtio_input_event(keyboard, 1, 30, 1);
        virtio_input_sync(keyboard);
    }
}

/* The same chains on all queues of all devices: each is refused, and nothing is written. */
static void chains(void **state) {
    const uint64_t good = VIRT_RAM + BUFFERS, end = VIRT_RAM + FIXTURE_RAM;
    const struct test_desc cases[][2] = {
        {{0x1000, 16, WRITE, 0}},
        {{VIRTIO_BASE, 16, 0, 0}},
        {{end - 8, 16, WRITE, 0}},
        {{end - 8, 16, 0, 0}},
        {{end, 1, 0, 0}},
        {{VIRT_RAM - 8, 16, 0, 0}},
        {{UINT64_MAX - 7, 16, WRITE, 0}},
        {{good, UINT32_MAX, 0, 0}},
        {{good, 0, 0, 0}},
        {{good, 16, NEXT, 0}},
        {{good, 16, NEXT, 1}, {good, 16, NEXT, 0}},
        {{good, 16, NEXT, QUEUE}},
        {{good, 16, WRITE | NEXT, 1}, {good, 16, 0, 0}},
        {{VIRT_RAM + TABLE, 17, INDIRECT, 0}},
        {{end - 16, 32, INDIRECT, 0}},
        {{VIRT_ROM, 16, WRITE, 0}},
        {{VIRT_FRAMEBUFFER + 3 * 4096 - 8, 16, 0, 0}},
    };
    struct board *b = all_devices();
    for (unsigned device = 0; device < DEVICES; device++)
        for (unsigned queue = 0; queue < queues[device]; queue++)
            for (unsigned i = 0; served(device, queue) && i < sizeof cases / sizeof *cases; i++) {
                start_driver(b, device, queue);
                waiting_key(device);
                memset(ram(b, BUFFERS), 0x5a, 4096);
                uint64_t before = fixture_dma_bytes;
                put_desc(b, DESC, 0, cases[i][0]);
                put_desc(b, DESC, 1, cases[i][1]);
                offer(b, device, queue, 0);
                if (!becomes_broken(b, device))
                    fail_msg("%s, queue %u, case %u: accepted", names[device], queue, i);
                assert_int_equal(get16(b, USED + 2), 0);
                assert_int_equal(fixture_dma_bytes, before);
                for (unsigned k = 0; k < 4096; k++)
                    assert_int_equal(*ram(b, BUFFERS + k), 0x5a);
                set_vreg(b, device, R_STATUS, 0);
            }
    drop(b);
}

/* Rings at places that do not exist, are not aligned or end too late. */
static void rings(void **state) {
    const uint64_t d = VIRT_RAM + DESC, a = VIRT_RAM + AVAIL, u = VIRT_RAM + USED, end = VIRT_RAM + FIXTURE_RAM;
    const uint64_t cases[][4] = {{0, d, a, u},
                                 {3, d, a, u},
                                 {512, d, a, u},
                                 {8, d + 8, a, u},
                                 {8, d, a + 1, u},
                                 {8, d, a, u + 2},
                                 {8, end - 64, a, u},
                                 {8, d, end - 8, u},
                                 {8, d, a, end - 4},
                                 {8, d, a, VIRT_ROM},
                                 {8, 0, a, u},
                                 {8, d, 0, u},
                                 {8, d, a, 0},
                                 {8, UINT64_MAX - 15, a, u},
                                 {8, d, UINT64_MAX - 1, u},
                                 {8, d, a, UINT64_MAX - 3}};
    struct board *b = all_devices();
    for (unsigned device = 0; device < DEVICES; device++)
        for (unsigned queue = 0; queue < queues[device]; queue++)
            for (unsigned i = 0; served(device, queue) && i < sizeof cases / sizeof *cases; i++) {
                memset(ram(b, 0), 0, 0x8000);
                uint32_t request[16] = {0x100};
                memcpy(ram(b, BUFFERS), request, sizeof request);
                put_desc(b, DESC, 0, (struct test_desc){VIRT_RAM + BUFFERS, 64, NEXT, 1});
                put_desc(b, DESC, 1, (struct test_desc){VIRT_RAM + BUFFERS + 1024, 513, WRITE, 0});
                negotiate(b, device, UINT64_C(1) << 32);
                waiting_key(device);
                start_queue(b, device, queue, cases[i][0], cases[i][1], cases[i][2], cases[i][3]);
                set_vreg(b, device, R_STATUS, DRIVER_OK);
                offer(b, device, queue, 0);
                if (!becomes_broken(b, device))
                    fail_msg("%s, queue %u, case %u: accepted", names[device], queue, i);
                set_vreg(b, device, R_STATUS, 0);
            }
    drop(b);
}

/* Features that the device has not offered are refused, and so is a driver for the old layout. */
static void features(void **state) {
    struct board *b = all_devices();
    for (unsigned device = 0; device < DEVICES; device++) {
        uint64_t offered = 0;
        for (unsigned half = 0; half < 2; half++) {
            set_vreg(b, device, 0x14, half);
            offered |= vreg(b, device, 0x10) << half * 32;
        }
        for (unsigned bit = 0; bit < 64; bit++) {
            negotiate(b, device, UINT64_C(1) << 32 | UINT64_C(1) << bit);
            bool accepted = vreg(b, device, R_STATUS) & 8;
            if (accepted != (offered >> bit & 1))
                fail_msg("%s: feature %u", names[device], bit);
            negotiate(b, device, UINT64_C(1) << bit);
            assert_int_equal(vreg(b, device, R_STATUS) & 8, bit == 32 ? 8 : 0);
            set_vreg(b, device, R_QUEUE_SEL, 0); /* a queue before the features are agreed on */
            set_vreg(b, device, R_QUEUE_NUM, 8);
            set_vreg(b, device, R_QUEUE_READY, 1);
            assert_int_equal(vreg(b, device, R_QUEUE_READY), bit == 32);
        }
        set_vreg(b, device, R_STATUS, 0);
    }
    drop(b);
}

/* All of the configuration space and what lies behind it, in all widths. */
static void configuration(void **state) {
    static const unsigned bytes[DEVICES] = {60, 0, 0, 8, 136, 136, 16}; /* block: padded to 8 */
    struct board *b = all_devices();
    for (unsigned device = 0; device < DEVICES; device++) {
        const uint64_t base = VIRTIO_BASE + device * (uint64_t)VIRTIO_STRIDE + 0x100;
        for (unsigned size = 1; size <= 8; size *= 2)
            for (uint64_t at = 0; at + size <= 0xf00; at += size) {
                uint64_t value = reg(b, base + at, size);
                if (at >= bytes[device] + 4 && value != 0)
                    fail_msg("%s: 0x%llx at 0x%x of the configuration", names[device], (unsigned long long)value,
                             (unsigned)at);
                set_reg(b, base + at, size, UINT64_MAX);
            }
        if (device == KEYBOARD || device == TABLET)
            for (unsigned select = 0; select < 256; select++)
                for (unsigned sub = 0; sub < 256; sub++) { /* all questions have answers within the space */
                    set_reg(b, base, 1, select);
                    set_reg(b, base + 1, 1, sub);
                    uint64_t size = reg(b, base + 2, 1);
                    assert_true(size <= 128);
                    assert_true(size == 128 || reg(b, base + 8 + size, 1) == 0);
                }
        assert_false(broken(b, device));
        assert_int_equal(vreg(b, device, 8) != 0, true);
    }
    drop(b);
}

/* A request of n bytes in one readable descriptor, with room for an answer; how much of it was written. */
static uint32_t ask(struct board *b, unsigned device, unsigned queue, const void *request, uint32_t n, uint32_t room) {
    uint16_t index = get16(b, USED + 2);
    memset(ram(b, BUFFERS + 0x4000), 0, 0x1000);
    memcpy(ram(b, BUFFERS), request, n);
    put_desc(b, DESC, 0, (struct test_desc){VIRT_RAM + BUFFERS, n, room ? NEXT : 0, 1});
    put_desc(b, DESC, 1, (struct test_desc){VIRT_RAM + BUFFERS + 0x4000, room, WRITE, 0});
    offer(b, device, queue, 0);
    uint64_t until = monotonic_ns() + UINT64_C(10000000000);
    while (get16(b, USED + 2) == index && !broken(b, device) && monotonic_ns() < until)
        usleep(50);
    uint32_t written = 0;
    if (get16(b, USED + 2) != index)
        memcpy(&written, ram(b, USED + 4 + index % QUEUE * 8u + 4), 4);
    return written;
}

/* The GPU's answer to words behind a header of this type. */
static uint32_t gpu(struct board *b, uint32_t type, const uint32_t *words, unsigned count) {
    uint32_t request[64] = {type}, answer;
    memcpy(request + 6, words, count * 4);
    assert_true(ask(b, GPU, 0, request, 24 + count * 4, 24) >= 24);
    memcpy(&answer, ram(b, BUFFERS + 0x4000), 4);
    return answer;
}
#define GPU_ASK(b, type, ...) gpu(b, type, (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / 4)

static void gpu_requests(void **state) {
    enum { CREATE = 0x101, UNREF, SCANOUT, FLUSH, TRANSFER, ATTACH, DETACH };
    enum { OK = 0x1100, UNSPEC = 0x1200, MEMORY, BAD_SCANOUT, RESOURCE, CONTEXT, PARAMETER };
    struct board *b = all_devices();
    const uint32_t page = (uint32_t)VIRT_RAM + 0x20000, end = (uint32_t)VIRT_RAM + FIXTURE_RAM;
    start_driver(b, GPU, 0);
    /* resources: id, format, width, height */
    assert_int_equal(GPU_ASK(b, CREATE, 0, 1, 16, 16), RESOURCE);
    assert_int_equal(GPU_ASK(b, CREATE, 1, 99, 16, 16), PARAMETER);
    assert_int_equal(GPU_ASK(b, CREATE, 1, 1, 0, 16), PARAMETER);
    assert_int_equal(GPU_ASK(b, CREATE, 1, 1, 16, 0), PARAMETER);
    assert_int_equal(GPU_ASK(b, CREATE, 1, 1, UINT32_MAX, UINT32_MAX), PARAMETER);
    assert_int_equal(GPU_ASK(b, CREATE, 1, 1, 0x40000000, 1), PARAMETER); /* four times that wraps */
    assert_int_equal(GPU_ASK(b, CREATE, 1, 1, 8193, 1), PARAMETER);
    assert_int_equal(GPU_ASK(b, CREATE, 1, 1, 16), PARAMETER);  /* a field is missing */
    assert_int_equal(GPU_ASK(b, CREATE, 1, 1, 8192, 8192), OK); /* all there may be */
    assert_int_equal(GPU_ASK(b, CREATE, 2, 1, 16, 16), MEMORY);
    assert_int_equal(GPU_ASK(b, UNREF, 1), OK);
    assert_int_equal(GPU_ASK(b, UNREF, 1), RESOURCE);
    assert_int_equal(GPU_ASK(b, UNREF, 0), RESOURCE);
    for (uint32_t id = 1; id <= 64; id++)
        assert_int_equal(GPU_ASK(b, CREATE, id, 1, 16, 16), OK);
    assert_int_equal(GPU_ASK(b, CREATE, 65, 1, 16, 16), MEMORY);
    assert_int_equal(GPU_ASK(b, CREATE, 1, 1, 16, 16), RESOURCE); /* taken */
    /* backing: id, count, (address, address high, length, padding) ... */
    assert_int_equal(GPU_ASK(b, ATTACH, 99, 1, page, 0, 1024, 0), RESOURCE);
    assert_int_equal(GPU_ASK(b, ATTACH, 1, 0), PARAMETER);
    assert_int_equal(GPU_ASK(b, ATTACH, 1, 16385, page, 0, 1024, 0), PARAMETER);
    assert_int_equal(GPU_ASK(b, ATTACH, 1, UINT32_MAX, page, 0, 1024, 0), PARAMETER);
    assert_int_equal(GPU_ASK(b, ATTACH, 1, 2, page, 0, 1024, 0), PARAMETER); /* one is missing */
    assert_int_equal(GPU_ASK(b, ATTACH, 1, 1, page, 0, 0, 0), PARAMETER);
    assert_int_equal(GPU_ASK(b, ATTACH, 1, 1, 0x1000, 0, 1 << 20, 0), PARAMETER);
    assert_int_equal(GPU_ASK(b, ATTACH, 1, 1, end - 512, 0, 1024, 0), PARAMETER);
    assert_int_equal(GPU_ASK(b, ATTACH, 1, 1, UINT32_MAX - 511, UINT32_MAX, 1024, 0), PARAMETER);
    assert_int_equal(GPU_ASK(b, ATTACH, 1, 1, page, 0, UINT32_MAX, 0), PARAMETER);
    assert_int_equal(GPU_ASK(b, ATTACH, 1, 1, end - 512, 0, 512, 0), OK); /* half of what the resource needs */
    assert_int_equal(GPU_ASK(b, ATTACH, 1, 1, page, 0, 1024, 0), RESOURCE);
    /* transfer: x, y, width, height, offset, offset high, id, padding */
    assert_int_equal(GPU_ASK(b, TRANSFER, 0, 0, 16, 16, 0, 0, 1, 0), PARAMETER); /* the backing ends */
    assert_int_equal(GPU_ASK(b, TRANSFER, 0, 0, 16, 8, 0, 0, 1, 0), OK);
    assert_int_equal(GPU_ASK(b, TRANSFER, 0, 8, 16, 8, 512, 0, 1, 0), PARAMETER);
    assert_int_equal(GPU_ASK(b, TRANSFER, 0, 0, 16, 1, UINT32_MAX, UINT32_MAX, 1, 0), PARAMETER);
    assert_int_equal(GPU_ASK(b, TRANSFER, 0, 0, 16, 1, UINT32_MAX - 63, 0, 1, 0), PARAMETER);
    assert_int_equal(GPU_ASK(b, TRANSFER, 1, 0, 16, 8, 0, 0, 1, 0), PARAMETER);
    assert_int_equal(GPU_ASK(b, TRANSFER, UINT32_MAX, 0, 2, 8, 0, 0, 1, 0), PARAMETER);
    assert_int_equal(GPU_ASK(b, TRANSFER, 0, 16, 1, 1, 0, 0, 1, 0), PARAMETER);
    assert_int_equal(GPU_ASK(b, TRANSFER, 0, 0, 0, 0, 0, 0, 1, 0), PARAMETER);
    assert_int_equal(GPU_ASK(b, TRANSFER, 0, 0, 16, UINT32_MAX, 0, 0, 1, 0), PARAMETER);
    assert_int_equal(GPU_ASK(b, TRANSFER, 0, 0, 16, 16, 0, 0, 2, 0), PARAMETER); /* no backing */
    assert_int_equal(GPU_ASK(b, TRANSFER, 0, 0, 16, 16, 0, 0, 0, 0), RESOURCE);
    /* scan-out: x, y, width, height, scan-out, id */
    assert_int_equal(GPU_ASK(b, SCANOUT, 0, 0, 16, 16, 1, 1), BAD_SCANOUT);
    assert_int_equal(GPU_ASK(b, SCANOUT, 0, 0, 16, 16, UINT32_MAX, 1), BAD_SCANOUT);
    assert_int_equal(GPU_ASK(b, SCANOUT, 0, 0, 17, 16, 0, 1), PARAMETER);
    assert_int_equal(GPU_ASK(b, SCANOUT, 8, 8, UINT32_MAX - 7, 16, 0, 1), PARAMETER);
    assert_int_equal(GPU_ASK(b, SCANOUT, 0, 0, 0, 0, 0, 1), PARAMETER);
    assert_int_equal(GPU_ASK(b, SCANOUT, 0, 0, 16, 16, 0, 99), RESOURCE);
    assert_int_equal(GPU_ASK(b, SCANOUT, 4, 4, 12, 12, 0, 1), OK);
    /* flush: x, y, width, height, id, padding */
    assert_int_equal(GPU_ASK(b, FLUSH, 0, 0, 17, 1, 1, 0), PARAMETER);
    assert_int_equal(GPU_ASK(b, FLUSH, UINT32_MAX, UINT32_MAX, 2, 2, 1, 0), PARAMETER);
    assert_int_equal(GPU_ASK(b, FLUSH, 0, 0, 16, 16, 77, 0), RESOURCE);
    assert_int_equal(GPU_ASK(b, FLUSH, 0, 0, 16, 16, 1, 0), OK);
    /* a smaller resource takes the id of the one that is shown */
    assert_int_equal(GPU_ASK(b, UNREF, 1), OK);
    assert_int_equal(GPU_ASK(b, CREATE, 1, 1, 2, 2), OK);
    assert_int_equal(GPU_ASK(b, FLUSH, 0, 0, 2, 2, 1, 0), OK);
    assert_int_equal(GPU_ASK(b, DETACH, 1), OK);
    assert_int_equal(GPU_ASK(b, DETACH, 99), RESOURCE);
    assert_int_equal(GPU_ASK(b, 0x1ff, 0), UNSPEC);
    assert_int_equal(GPU_ASK(b, UINT32_MAX, 0), UNSPEC);
    /* answers that there is no room for, and headers that are not whole */
    const uint32_t info[6] = {0x100};
    assert_int_equal(ask(b, GPU, 0, info, 24, 8), 8);
    assert_int_equal(ask(b, GPU, 0, info, 24, 0), 0);
    assert_false(broken(b, GPU));
    ask(b, GPU, 0, info, 23, 24);
    assert_true(broken(b, GPU));
    start_driver(b, GPU, 0); /* a reset forgets the resources */
    assert_int_equal(GPU_ASK(b, UNREF, 2), RESOURCE);
    display_poll(display, 0);
    drop(b);
}

/* Block requests: sectors beyond the end, sizes that are none, kinds that do not exist; then one that works. */
static void block_requests(void **state) {
    static const struct {
        uint32_t type;
        uint64_t sector;
        uint32_t data; /* bytes behind the header that the device reads */
        uint32_t room;
        uint8_t status;
    } cases[] = {
        {0, 0, 0, 513, 0},
        {0, 63, 0, 513, 0},
        {0, 63, 0, 1025, 1},
        {0, 64, 0, 513, 1},
        {0, UINT64_MAX, 0, 513, 1},
        {0, UINT64_MAX / 512, 0, 513, 1},
        {0, UINT64_MAX / 512 + 1, 0, 513, 1},
        {0, 0, 0, 512, 1},
        {0, 0, 0, 1, 0},
        {1, 0, 511, 1, 1},
        {1, 63, 1024, 1, 1},
        {1, UINT64_MAX, 512, 1, 1},
        {1, 63, 512, 1, 0},
        {4, UINT64_MAX, 0, 1, 0},
        {8, 0, 0, 20, 2},
        {8, 0, 0, 21, 0},
        {11, 0, 0, 513, 2},
        {UINT32_MAX, 0, 0, 1, 2},
    };
    struct board *b = all_devices();
    start_driver(b, BLOCK, 0);
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t request[2048] = {0};
        memcpy(request, &cases[i].type, 4);
        memcpy(request + 8, &cases[i].sector, 8);
        ask(b, BLOCK, 0, request, 16 + cases[i].data, cases[i].room);
        if (broken(b, BLOCK) || *ram(b, BUFFERS + 0x4000 + cases[i].room - 1) != cases[i].status)
            fail_msg("case %u: status %u", i, *ram(b, BUFFERS + 0x4000 + cases[i].room - 1));
    }
    const uint8_t request[16] = {0};
    ask(b, BLOCK, 0, request, 15, 513);
    assert_true(broken(b, BLOCK));
    start_driver(b, BLOCK, 0);
    ask(b, BLOCK, 0, request, 16, 0);
    assert_true(broken(b, BLOCK));
    drop(b);
}

/* What the others are given: nothing to read, nothing to write, packets too short and too long, a key with no room for
 * it. */
static void other_requests(void **state) {
    static uint8_t bytes[0x4000];
    struct board *b = all_devices();
    start_driver(b, ENTROPY, 0);
    assert_int_equal(ask(b, ENTROPY, 0, bytes, 16, 0), 0);
    assert_int_equal(ask(b, ENTROPY, 0, bytes, 16, 100), 100);
    start_driver(b, CONSOLE, 1);
    put_desc(b, DESC, 0, (struct test_desc){VIRT_RAM + BUFFERS, 16, WRITE, 0}); /* only room, on the way out */
    offer(b, CONSOLE, 1, 0);
    assert_int_equal(get16(b, USED + 2), 1);
    ask(b, CONSOLE, 1, bytes, sizeof bytes, 0);
    assert_int_equal(get16(b, USED + 2), 2);
    start_driver(b, NET, 1);
    for (unsigned i = 0; i < 40; i++) /* header only, parts of it, frames of all lengths, one that is too long */
        ask(b, NET, 1, bytes, i < 30 ? i + 1 : i == 39 ? sizeof bytes : 1u << (i - 28), 0);
    assert_false(broken(b, NET));
    start_driver(b, KEYBOARD, 0);
    waiting_key(KEYBOARD);
    put_desc(b, DESC, 0, (struct test_desc){VIRT_RAM + BUFFERS, 7, WRITE, 0});
    offer(b, KEYBOARD, 0, 0);
    assert_true(broken(b, KEYBOARD));
    start_driver(b, KEYBOARD, 0);
    for (unsigned i = 0; i < 1000; i++) /* more than are kept, with nobody to take them */
        waiting_key(KEYBOARD);
    put_desc(b, DESC, 0, (struct test_desc){VIRT_RAM + BUFFERS, 8, WRITE, 0});
    offer(b, KEYBOARD, 0, 0);
    assert_false(broken(b, KEYBOARD));
    assert_int_equal(get16(b, USED + 2), 1);
    drop(b);
}

int main(void) {
    int fd = mkstemp(disk);
    if (fd < 0 || ftruncate(fd, DISK_BYTES) != 0)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chains),         cmocka_unit_test(rings),        cmocka_unit_test(features),
        cmocka_unit_test(configuration),  cmocka_unit_test(gpu_requests), cmocka_unit_test(block_requests),
        cmocka_unit_test(other_requests),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    close(fd);
    unlink(disk);
    return failed;
}
