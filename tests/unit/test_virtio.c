/* test_virtio.c: the virtio transport and its queues, with drivers that do it right and drivers that do not, and the
 * block device. What is wrong sets DEVICE_NEEDS_RESET; host memory outside of guest RAM is never touched (bus_dma says
 * no, and AddressSanitizer watches the rest).
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "virtqueue_fixture.h"

enum { SLOT = 2 };

/* The entropy device: every chain is filled. */
static struct board *entropy(void) {
    struct board *b = fixture_board();
    char err[100];
    assert_true(plic_create(b, VIRT_PLIC));
    assert_true(virtio_entropy_create(b, SLOT, err, sizeof err));
    start_driver(b, SLOT, 0);
    return b;
}

static bool all_zero(const uint8_t *at, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (at[i])
            return false;
    return true;
}

static void sound(void **state) {
    struct board *b = entropy();
    put_desc(b, DESC, 0, (struct test_desc){VIRT_RAM + BUFFERS, 64, WRITE | NEXT, 5});
    put_desc(b, DESC, 5, (struct test_desc){VIRT_RAM + BUFFERS + 4096, 32, WRITE, 0});
    offer(b, SLOT, 0, 0);
    assert_false(broken(b, SLOT));
    assert_int_equal(get16(b, USED + 2), 1);
    uint32_t entry[2];
    memcpy(entry, ram(b, USED + 4), sizeof entry);
    assert_int_equal(entry[0], 0);
    assert_int_equal(entry[1], 96);
    assert_false(all_zero(ram(b, BUFFERS), 64));
    assert_false(all_zero(ram(b, BUFFERS + 4096), 32));
    assert_true(all_zero(ram(b, BUFFERS + 64), 256));
    assert_true(all_zero(ram(b, BUFFERS + 4096 + 32), 256));
    assert_true(fixture_dma_bytes >= 96); /* decoded code there would have been dropped */
    assert_int_equal(vreg(b, SLOT, 0x60), 1);
    assert_int_equal(reg(b, VIRT_PLIC + 0x1000, 4), 1 << (1 + SLOT));
    set_vreg(b, SLOT, 0x64, 1);
    assert_int_equal(reg(b, VIRT_PLIC + 0x1000, 4), 0);
    /* No interrupt where the driver wants none; around the ring's end. */
    set16(b, AVAIL, 1);
    for (unsigned i = 0; i < 2 * QUEUE; i++)
        offer(b, SLOT, 0, 0);
    assert_int_equal(get16(b, USED + 2), 1 + 2 * QUEUE);
    assert_int_equal(vreg(b, SLOT, 0x60), 0);
    board_destroy(b);
}

static void indirect(void **state) {
    struct board *b = entropy();
    put_desc(b, DESC, 3, (struct test_desc){VIRT_RAM + TABLE, 2 * 16, INDIRECT, 0});
    put_desc(b, TABLE, 0, (struct test_desc){VIRT_RAM + BUFFERS, 16, WRITE | NEXT, 1});
    put_desc(b, TABLE, 1, (struct test_desc){VIRT_RAM + BUFFERS + 16, 16, WRITE, 0});
    offer(b, SLOT, 0, 3);
    assert_false(broken(b, SLOT));
    assert_false(all_zero(ram(b, BUFFERS + 16), 16));
    board_destroy(b);
}

/* Descriptor tables that are malformed: table 0 is the queue's, 1 an indirect one. */
static void malformed_chains(void **state) {
    const uint64_t good = VIRT_RAM + BUFFERS, end = VIRT_RAM + FIXTURE_RAM;
    const struct {
        const char *what;
        struct test_desc desc[2], indirect[2];
        uint16_t head;
    } cases[] = {
        {"outside RAM", {{0x1000, 16, WRITE, 0}}, {{0}}, 0},
        {"a device's registers", {{VIRT_UART, 16, WRITE, 0}}, {{0}}, 0},
        {"over RAM's end", {{end - 8, 16, WRITE, 0}}, {{0}}, 0},
        {"before RAM", {{VIRT_RAM - 8, 16, WRITE, 0}}, {{0}}, 0},
        {"address that wraps", {{UINT64_MAX - 7, 16, WRITE, 0}}, {{0}}, 0},
        {"length that wraps", {{good, UINT32_MAX, WRITE, 0}}, {{0}}, 0},
        {"empty", {{good, 0, WRITE, 0}}, {{0}}, 0},
        {"loop of one", {{good, 16, WRITE | NEXT, 0}}, {{0}}, 0},
        {"loop of two", {{good, 16, WRITE | NEXT, 1}, {good, 16, WRITE | NEXT, 0}}, {{0}}, 0},
        {"next outside the table", {{good, 16, WRITE | NEXT, QUEUE}}, {{0}}, 0},
        {"next far outside", {{good, 16, WRITE | NEXT, 65535}}, {{0}}, 0},
        {"head outside the table", {{good, 16, WRITE, 0}}, {{0}}, QUEUE},
        {"head far outside", {{good, 16, WRITE, 0}}, {{0}}, 65535},
        {"readable after writable", {{good, 16, WRITE | NEXT, 1}, {good, 16, 0, 0}}, {{0}}, 0},
        {"indirect and next",
         {{VIRT_RAM + TABLE, 16, INDIRECT | NEXT, 1}, {good, 16, WRITE, 0}},
         {{good, 16, WRITE, 0}},
         0},
        {"indirect in indirect", {{VIRT_RAM + TABLE, 32, INDIRECT, 0}}, {{VIRT_RAM + TABLE, 32, INDIRECT, 0}}, 0},
        {"indirect of odd size", {{VIRT_RAM + TABLE, 17, INDIRECT, 0}}, {{good, 16, WRITE, 0}}, 0},
        {"empty indirect", {{VIRT_RAM + TABLE, 0, INDIRECT, 0}}, {{good, 16, WRITE, 0}}, 0},
        {"indirect outside RAM", {{end - 16, 32, INDIRECT, 0}}, {{0}}, 0},
        {"huge indirect", {{VIRT_RAM, 0xfffffff0, INDIRECT, 0}}, {{0}}, 0},
        {"loop in indirect", {{VIRT_RAM + TABLE, 32, INDIRECT, 0}}, {{good, 16, WRITE | NEXT, 0}}, 0},
        {"next outside indirect", {{VIRT_RAM + TABLE, 32, INDIRECT, 0}}, {{good, 16, WRITE | NEXT, 2}}, 0},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct board *b = entropy();
        for (unsigned k = 0; k < 2; k++) {
            put_desc(b, DESC, k, cases[i].desc[k]);
            put_desc(b, TABLE, k, cases[i].indirect[k]);
        }
        offer(b, SLOT, 0, cases[i].head);
        if (!broken(b, SLOT))
            fail_msg("%s: accepted", cases[i].what);
        assert_int_equal(get16(b, USED + 2), 0);
        assert_int_equal(vreg(b, SLOT, 0x60) & 2, 2);                 /* the driver is told */
        put_desc(b, DESC, 0, (struct test_desc){good, 16, WRITE, 0}); /* it stands still ... */
        offer(b, SLOT, 0, 0);
        assert_int_equal(get16(b, USED + 2), 0);
        start_driver(b, SLOT, 0); /* ... until it is reset */
        put_desc(b, DESC, 0, (struct test_desc){good, 16, WRITE, 0});
        offer(b, SLOT, 0, 0);
        assert_int_equal(get16(b, USED + 2), 1);
        board_destroy(b);
    }
}

static void indirect_not_accepted(void **state) {
    struct board *b = entropy();
    negotiate(b, SLOT, UINT64_C(1) << 32);
    start_queue(b, SLOT, 0, QUEUE, VIRT_RAM + DESC, VIRT_RAM + AVAIL, VIRT_RAM + USED);
    set_vreg(b, SLOT, R_STATUS, DRIVER_OK);
    put_desc(b, DESC, 0, (struct test_desc){VIRT_RAM + TABLE, 16, INDIRECT, 0});
    put_desc(b, TABLE, 0, (struct test_desc){VIRT_RAM + BUFFERS, 16, WRITE, 0});
    offer(b, SLOT, 0, 0);
    assert_true(broken(b, SLOT));
    board_destroy(b);
}

static void more_available_than_fits(void **state) {
    struct board *b = entropy();
    put_desc(b, DESC, 0, (struct test_desc){VIRT_RAM + BUFFERS, 16, WRITE, 0});
    set16(b, AVAIL + 2, QUEUE + 1);
    set_vreg(b, SLOT, R_NOTIFY, 0);
    assert_true(broken(b, SLOT));
    assert_int_equal(get16(b, USED + 2), 0);
    board_destroy(b);
}

/* Queues that cannot be: sizes and places of the rings. */
static void malformed_queues(void **state) {
    const uint64_t d = VIRT_RAM + DESC, a = VIRT_RAM + AVAIL, u = VIRT_RAM + USED, end = VIRT_RAM + FIXTURE_RAM;
    const struct {
        uint64_t size, desc, avail, used;
    } cases[] = {
        {0, d, a, u},
        {3, d, a, u},
        {512, d, a, u},
        {UINT32_MAX, d, a, u},
        {8, d + 8, a, u},
        {8, d, a + 1, u},
        {8, d, a, u + 2},
        {8, end, a, u},
        {8, end - 64, a, u},
        {8, d, end, u},
        {8, d, end - 8, u},
        {8, d, a, end - 4},
        {8, d, a, 0},
        {8, 0, a, u},
        {8, d, 0, u},
        {8, d, a, VIRT_ROM},
        {8, d, UINT64_MAX - 1, u},
        {8, UINT64_MAX - 15, a, u},
        {8, d, a, UINT64_MAX - 3},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct board *b = entropy();
        assert_true(virt_add_rom(b, 64, VIRT_RAM, 0, 0));
        put_desc(b, DESC, 0, (struct test_desc){VIRT_RAM + BUFFERS, 16, WRITE, 0});
        negotiate(b, SLOT, UINT64_C(1) << 32);
        start_queue(b, SLOT, 0, cases[i].size, cases[i].desc, cases[i].avail, cases[i].used);
        set_vreg(b, SLOT, R_STATUS, DRIVER_OK);
        offer(b, SLOT, 0, 0);
        if (!broken(b, SLOT))
            fail_msg("queue %u: accepted", i);
        board_destroy(b);
    }
}

static void registers(void **state) {
    struct board *b = entropy();
    const uint64_t base = VIRTIO_BASE + SLOT * VIRTIO_STRIDE;
    uint64_t value;
    assert_int_equal(vreg(b, SLOT, 0), 0x74726976);
    assert_int_equal(vreg(b, SLOT, 4), 2);
    assert_int_equal(vreg(b, SLOT, 8), VIRTIO_ENTROPY);
    for (unsigned size = 1; size <= 8; size *= 2)
        if (size != 4) { /* registers are words */
            assert_false(board_read(b, NULL, base, size, &value));
            assert_false(board_write(b, NULL, base + R_STATUS, size, 0));
        }
    assert_int_equal(vreg(b, SLOT, R_STATUS), DRIVER_OK);
    /* Numbers that are out of range change nothing. */
    set_vreg(b, SLOT, R_QUEUE_SEL, 1);
    assert_int_equal(vreg(b, SLOT, 0x34), 0);
    set_vreg(b, SLOT, R_QUEUE_READY, 1);
    set_vreg(b, SLOT, R_QUEUE_SEL, UINT32_MAX);
    set_vreg(b, SLOT, R_QUEUE_NUM, 8);
    set_vreg(b, SLOT, R_NOTIFY, UINT32_MAX);
    set_vreg(b, SLOT, R_NOTIFY, 1);
    set_vreg(b, SLOT, 0x14, UINT32_MAX);
    assert_int_equal(vreg(b, SLOT, 0x10), 0);
    for (uint64_t at = 0x100; at + 8 <= 0x1000; at += 8) { /* no configuration space: reads give 0 */
        assert_int_equal(reg(b, base + at, 8), 0);
        set_reg(b, base + at, 8, UINT64_MAX);
    }
    assert_false(broken(b, SLOT));
    /* Features: VERSION_1 is required, unknown ones are refused. */
    negotiate(b, SLOT, 0);
    assert_int_equal(vreg(b, SLOT, R_STATUS) & 8, 0);
    negotiate(b, SLOT, UINT64_C(1) << 32 | UINT64_C(1) << 40);
    assert_int_equal(vreg(b, SLOT, R_STATUS) & 8, 0);
    negotiate(b, SLOT, UINT64_C(1) << 32);
    assert_int_equal(vreg(b, SLOT, R_STATUS) & 8, 8);
    board_destroy(b);
}

static void empty_slot(void **state) {
    struct board *b = fixture_board();
    assert_true(virtio_create_empty(b, SLOT));
    assert_int_equal(vreg(b, SLOT, 0), 0x74726976);
    assert_int_equal(vreg(b, SLOT, 4), 2);
    assert_int_equal(vreg(b, SLOT, 8), 0);
    board_destroy(b);
}

/* The block device: requests by type, sector and sizes, with a file of 8 sectors behind it. */
struct disk {
    struct board *board;
    char path[32];
    int fd;
};

static void disk_open(struct disk *d, bool read_only, bool snapshot) {
    char err[200];
    strcpy(d->path, "/tmp/riv-disk-XXXXXX");
    d->fd = mkstemp(d->path);
    for (unsigned i = 0; i < 8; i++) {
        char sector[512];
        memset(sector, 'a' + i, sizeof sector);
        assert_int_equal(write(d->fd, sector, 512), 512);
    }
    d->board = fixture_board();
    assert_true(plic_create(d->board, VIRT_PLIC));
    const struct drive_config config = {.path = d->path, .read_only = read_only, .snapshot = snapshot};
    assert_true(virtio_block_create(d->board, SLOT, &config, err, sizeof err));
    start_driver(d->board, SLOT, 0);
}
static void disk_close(struct disk *d) {
    board_destroy(d->board);
    close(d->fd);
    unlink(d->path);
}

/* One request; its status byte, or -1 where the device broke. */
static int request(struct disk *d, uint32_t type, uint64_t sector, uint32_t size) {
    struct board *b = d->board;
    const struct {
        uint32_t type, reserved;
        uint64_t sector;
    } header = {type, 0, sector};
    memcpy(ram(b, TABLE), &header, sizeof header);
    *ram(b, TABLE + 64) = 0xee;
    uint16_t before = get16(b, USED + 2);
    uint16_t way = type == 1 ? 0 : WRITE;
    put_desc(b, DESC, 0, (struct test_desc){VIRT_RAM + TABLE, 16, NEXT, size ? 1 : 2});
    put_desc(b, DESC, 1, (struct test_desc){VIRT_RAM + BUFFERS, size, way | NEXT, 2});
    put_desc(b, DESC, 2, (struct test_desc){VIRT_RAM + TABLE + 64, 1, WRITE, 0});
    offer(b, SLOT, 0, 0);
    uint64_t until = monotonic_ns() + UINT64_C(20000000000);
    while (__atomic_load_n((uint16_t *)(void *)ram(b, USED + 2), __ATOMIC_ACQUIRE) == before && !broken(b, SLOT))
        assert_true(monotonic_ns() < until);
    return broken(b, SLOT) ? -1 : *ram(b, TABLE + 64);
}
enum { IN = 0, OUT = 1, FLUSH = 4, ID = 8, OK = 0, IOERR = 1, UNSUPP = 2 };

static void block(void **state) {
    struct disk d;
    disk_open(&d, false, false);
    struct board *b = d.board;
    char byte;
    assert_int_equal(reg(b, VIRTIO_BASE + SLOT * VIRTIO_STRIDE + 0x100, 8), 8); /* capacity */
    assert_int_equal(request(&d, IN, 2, 1024), OK);
    assert_int_equal(*ram(b, BUFFERS), 'c');
    assert_int_equal(*ram(b, BUFFERS + 1023), 'd');
    memset(ram(b, BUFFERS), 'Z', 1024);
    assert_int_equal(request(&d, OUT, 7, 512), OK);
    assert_int_equal(request(&d, FLUSH, 0, 0), OK);
    assert_int_equal(pread(d.fd, &byte, 1, 7 * 512), 1);
    assert_int_equal(byte, 'Z');
    assert_int_equal(request(&d, ID, 0, 20), OK);
    assert_string_equal((char *)ram(b, BUFFERS), "riv");
    assert_int_equal(request(&d, 77, 0, 512), UNSUPP);
    /* Over the end, and not whole sectors: nothing is touched. */
    assert_int_equal(request(&d, IN, 8, 512), IOERR);
    assert_int_equal(request(&d, IN, 7, 1024), IOERR);
    assert_int_equal(request(&d, IN, UINT64_MAX, 512), IOERR);
    assert_int_equal(request(&d, IN, UINT64_MAX / 512, 1024), IOERR);
    assert_int_equal(request(&d, OUT, 8, 512), IOERR);
    assert_int_equal(request(&d, OUT, UINT64_MAX / 512 + 1, 512), IOERR);
    assert_int_equal(request(&d, IN, 0, 100), IOERR);
    assert_int_equal(request(&d, OUT, 0, 513), IOERR);
    assert_int_equal(lseek(d.fd, 0, SEEK_END), 8 * 512);
    disk_close(&d);
}

static void block_malformed(void **state) {
    struct disk d;
    disk_open(&d, false, false);
    struct board *b = d.board;
    put_desc(b, DESC, 0, (struct test_desc){VIRT_RAM + TABLE, 15, NEXT, 1}); /* half a header */
    put_desc(b, DESC, 1, (struct test_desc){VIRT_RAM + BUFFERS, 1, WRITE, 0});
    offer(b, SLOT, 0, 0);
    uint64_t until = monotonic_ns() + UINT64_C(20000000000);
    while (!broken(b, SLOT))
        assert_true(monotonic_ns() < until);
    start_driver(b, SLOT, 0);
    put_desc(b, DESC, 0, (struct test_desc){VIRT_RAM + TABLE, 16, 0, 0}); /* no place for the status */
    offer(b, SLOT, 0, 0);
    while (!broken(b, SLOT))
        assert_true(monotonic_ns() < until);
    disk_close(&d);
}

static void block_read_only(void **state) {
    struct disk d;
    disk_open(&d, true, false);
    set_vreg(d.board, SLOT, 0x14, 0);
    assert_int_equal(vreg(d.board, SLOT, 0x10) >> 5 & 1, 1);
    assert_int_equal(request(&d, OUT, 0, 512), IOERR);
    assert_int_equal(request(&d, IN, 0, 512), OK);
    assert_int_equal(*ram(d.board, BUFFERS), 'a');
    disk_close(&d);
}

static void block_snapshot(void **state) {
    struct disk d;
    disk_open(&d, false, true);
    struct board *b = d.board;
    char byte;
    memset(ram(b, BUFFERS), 'Z', 512);
    assert_int_equal(request(&d, OUT, 3, 512), OK);
    assert_int_equal(request(&d, FLUSH, 0, 0), OK);
    assert_int_equal(request(&d, IN, 2, 1536), OK);
    assert_int_equal(*ram(b, BUFFERS), 'c');
    assert_int_equal(*ram(b, BUFFERS + 512), 'Z');
    assert_int_equal(*ram(b, BUFFERS + 1024), 'e');
    assert_int_equal(pread(d.fd, &byte, 1, 3 * 512), 1);
    assert_int_equal(byte, 'd'); /* the image is as it was */
    disk_close(&d);
}

static void drive_refused(void **state) {
    struct disk d;
    char err[200];
    disk_open(&d, false, false);
    struct drive_config config = {.path = d.path};
    assert_false(virtio_block_create(d.board, 3, &config, err, sizeof err));
    assert_non_null(strstr(err, "in use"));
    disk_close(&d);
    disk_open(&d, true, false);
    config.read_only = true;
    assert_true(virtio_block_create(d.board, 3, &config, err, sizeof err)); /* readers share */
    assert_false(virtio_block_create(d.board, 3, &config, err, sizeof err));
    assert_non_null(strstr(err, "slots"));
    assert_int_equal(ftruncate(d.fd, 1000), 0);
    assert_false(virtio_block_create(d.board, 4, &config, err, sizeof err));
    assert_non_null(strstr(err, "512"));
    config.path = "/nonexistent/disk";
    assert_false(virtio_block_create(d.board, 4, &config, err, sizeof err));
    assert_non_null(strstr(err, "cannot open"));
    config.path = "/tmp";
    assert_false(virtio_block_create(d.board, 4, &config, err, sizeof err));
    disk_close(&d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound),
        cmocka_unit_test(indirect),
        cmocka_unit_test(malformed_chains),
        cmocka_unit_test(indirect_not_accepted),
        cmocka_unit_test(more_available_than_fits),
        cmocka_unit_test(malformed_queues),
        cmocka_unit_test(registers),
        cmocka_unit_test(empty_slot),
        cmocka_unit_test(block),
        cmocka_unit_test(block_malformed),
        cmocka_unit_test(block_read_only),
        cmocka_unit_test(block_snapshot),
        cmocka_unit_test(drive_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
