/* test_devices.c: the board's bus, interrupt controllers, timers, UART, finisher, RTC and flash, without a hart. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "devices_fixture.h"

#include <libfdt.h>

static void bus(void **state) {
    struct board *b = fixture_board();
    uint64_t value;
    assert_true(finisher_create(b, VIRT_FINISHER));
    assert_false(finisher_create(b, VIRT_FINISHER + 0x800)); /* overlaps */
    assert_false(finisher_create(b, VIRT_RAM + 0x1000));
    assert_false(finisher_create(b, VIRT_RAM - 0x800));
    assert_null(board_add_ram(b, VIRT_RAM + FIXTURE_RAM - 4096, 8192, false));
    assert_null(board_add_ram(b, UINT64_MAX - 4095, 8192, false));
    assert_true(board_read(b, NULL, VIRT_FINISHER, 4, &value));
    assert_false(board_read(b, NULL, VIRT_FINISHER, 1, &value));     /* no such size */
    assert_false(board_read(b, NULL, VIRT_FINISHER + 2, 4, &value)); /* misaligned */
    assert_false(board_read(b, NULL, VIRT_FINISHER - 4, 4, &value)); /* nothing there */
    assert_false(board_read(b, NULL, VIRT_FINISHER + 0x1000, 4, &value));
    assert_false(board_read(b, NULL, UINT64_MAX - 3, 4, &value));
    board_destroy(b);
}

static void dma(void **state) {
    struct board *b = fixture_board();
    const uint64_t end = VIRT_RAM + FIXTURE_RAM;
    uint8_t *rom = board_add_ram(b, 0x1000, 4096, true);
    assert_non_null(rom);
    assert_ptr_equal(bus_dma(b, 0x1008, 8, false), rom + 8);
    assert_null(bus_dma(b, 0x1008, 8, true));
    assert_non_null(bus_dma(b, VIRT_RAM, FIXTURE_RAM, true));
    assert_null(bus_dma(b, VIRT_RAM, FIXTURE_RAM + 1, true));
    assert_null(bus_dma(b, VIRT_RAM, 0, true));
    assert_null(bus_dma(b, VIRT_RAM - 1, 2, true));
    assert_non_null(bus_dma(b, end - 1, 1, true));
    assert_null(bus_dma(b, end - 1, 2, true));
    assert_null(bus_dma(b, end, 1, true));
    assert_null(bus_dma(b, VIRT_RAM + 8, UINT64_MAX, true)); /* the sum wraps */
    assert_null(bus_dma(b, UINT64_MAX, UINT64_MAX, true));
    assert_null(bus_dma(b, UINT64_MAX, 1, true));
    board_destroy(b);
}

static void clint(void **state) {
    struct board *b = fixture_board();
    char err[100];
    assert_true(clint_create(b, VIRT_CLINT));
    set_reg(b, VIRT_CLINT + 4, 4, 1);
    assert_int_equal(fixture_mip[1], 1 << 3);
    assert_int_equal(reg(b, VIRT_CLINT + 4, 4), 1);
    set_reg(b, VIRT_CLINT + 4, 4, 0xfffffffe); /* only bit 0 exists */
    assert_int_equal(fixture_mip[1], 0);
    set_reg(b, VIRT_CLINT + 0x4000, 8, 0);
    assert_int_equal(fixture_mip[0], 1 << 7);
    set_reg(b, VIRT_CLINT + 0x4004, 4, 0xffffffff); /* halves, as RV32 writes them */
    assert_int_equal(fixture_mip[0], 0);
    assert_true(reg(b, VIRT_CLINT + 0x4000, 8) == UINT64_C(0xffffffff00000000));
    set_reg(b, VIRT_CLINT + 0xbff8, 8, 5000000);
    uint64_t now = reg(b, VIRT_CLINT + 0xbff8, 8);
    assert_in_range(now, 5000000, 5000000 + 100 * BOARD_TIMEBASE);
    assert_true(board_start(b, err, sizeof err));
    set_reg(b, VIRT_CLINT + 0x4008, 8, board_now(b) + BOARD_TIMEBASE / 100);
    board_bus(b)->set_stimecmp(board_bus(b)->ctx, &fixture_harts[0], board_now(b) + BOARD_TIMEBASE / 50);
    wait_for(&fixture_mip[1], 1 << 7);
    wait_for(&fixture_mip[0], 1 << 5);
    board_bus(b)->set_stimecmp(board_bus(b)->ctx, &fixture_harts[0], UINT64_MAX);
    assert_int_equal(fixture_mip[0], 0);
    board_destroy(b);
}

enum { ENABLE = 0x2000, CONTEXT = 0x200000 };
static void irq(struct board *b, unsigned source, bool level) {
    board_lock(b);
    board_interrupt(b, source, level);
    board_unlock(b);
}

static void plic(void **state) {
    struct board *b = fixture_board();
    assert_true(plic_create(b, VIRT_PLIC));
    set_reg(b, VIRT_PLIC + 4 * 40, 4, 3);
    set_reg(b, VIRT_PLIC + 4 * 10, 4, 3);
    set_reg(b, VIRT_PLIC + 4 * 11, 4, 0xf); /* three bits of priority */
    assert_int_equal(reg(b, VIRT_PLIC + 4 * 11, 4), 7);
    /* Context 3: hart 1, S mode. */
    set_reg(b, VIRT_PLIC + ENABLE + 3 * 0x80, 4, 0xffffffff);
    set_reg(b, VIRT_PLIC + ENABLE + 3 * 0x80 + 4, 4, 1 << 8);
    assert_int_equal(reg(b, VIRT_PLIC + ENABLE + 3 * 0x80, 4), 0xfffffffe);
    irq(b, 40, true);
    irq(b, 10, true);
    assert_int_equal(fixture_mip[1], 1 << 9);
    assert_int_equal(fixture_mip[0], 0);
    assert_int_equal(reg(b, VIRT_PLIC + CONTEXT + 0x3004, 4), 10); /* lowest number among equals */
    irq(b, 11, true);
    assert_int_equal(reg(b, VIRT_PLIC + CONTEXT + 0x3004, 4), 11); /* highest priority */
    assert_int_equal(reg(b, VIRT_PLIC + CONTEXT + 0x3004, 4), 40);
    assert_int_equal(reg(b, VIRT_PLIC + CONTEXT + 0x3004, 4), 0);
    assert_int_equal(fixture_mip[1], 0);
    irq(b, 11, false);
    set_reg(b, VIRT_PLIC + CONTEXT + 0x3004, 4, 11); /* completed, and its line is low */
    assert_int_equal(fixture_mip[1], 0);
    set_reg(b, VIRT_PLIC + CONTEXT + 0x3004, 4, 10); /* completed, and its line is still high */
    assert_int_equal(fixture_mip[1], 1 << 9);
    set_reg(b, VIRT_PLIC + CONTEXT + 0x3000, 4, 3); /* threshold */
    assert_int_equal(fixture_mip[1], 0);
    set_reg(b, VIRT_PLIC + CONTEXT + 0x3004, 4, 0xffffffff); /* no such source */
    set_reg(b, VIRT_PLIC + CONTEXT + 0x40004, 4, 1);         /* no such context */
    assert_int_equal(reg(b, VIRT_PLIC + CONTEXT + 0x40004, 4), 0);
    board_destroy(b);
}

static void uart_output_and_input(void **state) {
    struct board *b = fixture_board();
    char err[100], path[] = "/tmp/riv-uart-XXXXXX", text[8] = "";
    char what[64];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    snprintf(what, sizeof what, "file:%s", path);
    struct chardev *c = chardev_create(b, what, err, sizeof err);
    assert_non_null(c);
    assert_true(plic_create(b, VIRT_PLIC));
    assert_true(uart_create(b, VIRT_UART, 10, c));
    assert_int_equal(reg(b, VIRT_UART + 5, 1) & 0x60, 0x60);
    set_reg(b, VIRT_UART, 1, 'o');
    set_reg(b, VIRT_UART, 1, 'k');
    set_reg(b, VIRT_UART + 3, 1, 0x80); /* the divisor is not output */
    set_reg(b, VIRT_UART, 1, 'x');
    set_reg(b, VIRT_UART + 3, 1, 3);
    /* Looped back: 16 fit, one more is an overrun. */
    set_reg(b, VIRT_UART + 2, 1, 0x41); /* FIFO, trigger level 4 */
    set_reg(b, VIRT_UART + 4, 1, 0x10);
    set_reg(b, VIRT_UART + 1, 1, 1);
    assert_int_equal(reg(b, VIRT_UART + 2, 1) & 0xf, 1);
    for (unsigned i = 0; i < 17; i++)
        set_reg(b, VIRT_UART, 1, 'a' + i);
    assert_int_equal(reg(b, VIRT_UART + 2, 1) & 0xf, 4);
    assert_int_equal(reg(b, VIRT_PLIC + 0x1000, 4), 1 << 10);
    assert_int_equal(reg(b, VIRT_UART + 5, 1) & 3, 3);
    assert_int_equal(reg(b, VIRT_UART + 5, 1) & 3, 1);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(reg(b, VIRT_UART, 1), 'a' + i);
    assert_int_equal(reg(b, VIRT_UART + 5, 1) & 1, 0);
    assert_int_equal(reg(b, VIRT_PLIC + 0x1000, 4), 0);
    chardev_destroy(c);
    board_destroy(b);
    assert_int_equal(read(fd, text, sizeof text), 2);
    assert_memory_equal(text, "ok", 2);
    close(fd);
    unlink(path);
}

static void finisher(void **state) {
    static const struct {
        uint32_t value;
        enum board_end end;
        int status;
    } cases[] = {{0x5555, BOARD_EXIT, 0},    {0x73333, BOARD_EXIT, 7}, {0x3333, BOARD_EXIT, 1},
                 {0x1003333, BOARD_EXIT, 1}, {0x7777, BOARD_RESET, 0}, {0x1234, BOARD_RUNNING, 0}};
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct board *b = fixture_board();
        int status;
        assert_true(finisher_create(b, VIRT_FINISHER));
        set_reg(b, VIRT_FINISHER, 4, cases[i].value);
        assert_int_equal(board_wait(b, 0, &status), cases[i].end);
        assert_int_equal(status, cases[i].status);
        board_destroy(b);
    }
}

static void rtc(void **state) {
    struct board *b = fixture_board();
    char err[100];
    assert_true(plic_create(b, VIRT_PLIC) && rtc_create(b, VIRT_RTC, 11));
    set_reg(b, VIRT_PLIC + 4 * 11, 4, 1);
    set_reg(b, VIRT_PLIC + ENABLE, 4, 1 << 11);
    uint64_t now = reg(b, VIRT_RTC, 4);
    now |= reg(b, VIRT_RTC + 4, 4) << 32;
    assert_in_range(now / 1000000000, 1500000000, 8000000000);
    assert_true(board_start(b, err, sizeof err));
    set_reg(b, VIRT_RTC + 0x10, 4, 1);
    now += 20000000;
    set_reg(b, VIRT_RTC + 0xc, 4, now >> 32);
    set_reg(b, VIRT_RTC + 8, 4, (uint32_t)now);
    wait_for(&fixture_mip[0], 1 << 11);
    set_reg(b, VIRT_RTC + 0x1c, 4, 1);
    assert_int_equal(fixture_mip[0], 0);
    board_destroy(b);
}

static void flash(void **state) {
    struct board *b = fixture_board();
    char err[200], path[] = "/tmp/riv-flash-XXXXXX";
    int fd = mkstemp(path);
    assert_int_equal(write(fd, "\xff\xff\xff\xffgood", 8), 8);
    assert_true(flash_create(b, VIRT_FLASH, VIRT_FLASH_SIZE, path, true, err, sizeof err));
    assert_int_equal(reg(b, VIRT_FLASH + 4, 4), 0x646f6f67);
    set_reg(b, VIRT_FLASH, 4, 0x00980098); /* query */
    assert_int_equal(reg(b, VIRT_FLASH + 0x40, 4), 'Q' << 16 | 'Q');
    assert_int_equal(reg(b, VIRT_FLASH + 0x27 * 4, 1), 24); /* each chip: 16 MiB */
    set_reg(b, VIRT_FLASH, 4, 0x00ff00ff);
    set_reg(b, VIRT_FLASH, 4, 0x00400040); /* program */
    set_reg(b, VIRT_FLASH, 4, 0x12345678);
    assert_int_equal(reg(b, VIRT_FLASH, 4), 0x00800080);
    set_reg(b, VIRT_FLASH, 4, 0x00ff00ff);
    assert_int_equal(reg(b, VIRT_FLASH, 4), 0x12345678);
    set_reg(b, VIRT_FLASH + VIRT_FLASH_SIZE - 4, 4,
            0x00e800e8); /* buffered, over the end of the flash: not reachable */
    set_reg(b, VIRT_FLASH + VIRT_FLASH_SIZE - 4, 4, 0x00ff00ff);
    for (unsigned i = 0; i < 256; i++)
        set_reg(b, VIRT_FLASH + VIRT_FLASH_SIZE - 4, 4, i);
    set_reg(b, VIRT_FLASH, 4, 0x00d000d0);
    uint32_t word;
    assert_int_equal(pread(fd, &word, 4, 0), 4);
    assert_int_equal(word, 0x12345678);
    assert_false(flash_create(b, VIRT_FLASH + VIRT_FLASH_SIZE, 4, path, false, err, sizeof err));
    assert_non_null(strstr(err, "larger"));
    board_destroy(b);
    close(fd);
    unlink(path);
}

/* Calls a semihosting operation with an argument block of 32-bit or 64-bit words at the start of RAM. */
static void semihosting(void **state) {
    static const struct {
        unsigned word;
        uint64_t operation, argument, block[2];
        enum board_end end;
        int status;
    } cases[] = {
        {8, 0x18, VIRT_RAM, {0x20026, 0}, BOARD_EXIT, 0},
        {8, 0x18, VIRT_RAM, {0x20026, 5}, BOARD_EXIT, 5},
        {4, 0x18, 0x20026, {0}, BOARD_EXIT, 0},
        {4, 0x18, 0x20023, {0}, BOARD_EXIT, 1},
        {8, 0x20, VIRT_RAM, {0x20026, 256}, BOARD_EXIT, 1},
        {8, 0x05, UINT64_MAX - 4, {0}, BOARD_RUNNING, 0},
        {8, 0x99, VIRT_RAM, {0}, BOARD_RUNNING, 0},
        {8, 0x04, 0, {0}, BOARD_RUNNING, 0},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct board *b = fixture_board();
        char err[100];
        int status;
        struct chardev *c = chardev_create(b, "null", err, sizeof err);
        memcpy(ram(b, 0), cases[i].block, 16);
        semihost_call(b, c, cases[i].word, cases[i].operation, cases[i].argument);
        assert_int_equal(board_wait(b, 0, &status), cases[i].end);
        assert_int_equal(status, cases[i].status);
        chardev_destroy(c);
        board_destroy(b);
    }
}

/* tohost in RAM; the I/O thread sees it. */
static void htif(void **state) {
    static const struct {
        uint64_t tohost;
        int status;
        bool rv32;
    } cases[] = {{1, 0, false}, {7, 3, false}, {7, 3, true}, {0x201, 1, false}};
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct board *b = fixture_board();
        char err[100];
        int status;
        struct chardev *c = chardev_create(b, "null", err, sizeof err);
        assert_false(htif_create(b, VIRT_RAM + FIXTURE_RAM, 0, false, c));
        assert_false(htif_create(b, VIRT_RAM + 4, 0, false, c));
        assert_true(htif_create(b, VIRT_RAM + 64, VIRT_RAM + 128, cases[i].rv32, c));
        assert_true(board_start(b, err, sizeof err));
        uint64_t *tohost = (uint64_t *)(void *)ram(b, 64);
        __atomic_store_n(tohost, UINT64_C(0x0101000000000041), __ATOMIC_SEQ_CST); /* a byte to print */
        uint64_t until = monotonic_ns() + UINT64_C(20000000000);
        while (__atomic_load_n(tohost, __ATOMIC_SEQ_CST))
            assert_true(monotonic_ns() < until);
        __atomic_store_n(tohost, cases[i].tohost, __ATOMIC_SEQ_CST);
        assert_int_equal(board_wait(b, 20000, &status), BOARD_EXIT);
        assert_int_equal(status, cases[i].status);
        board_end_io(b);
        chardev_destroy(c);
        board_destroy(b);
    }
}

static void device_tree(void **state) {
    static uint8_t tree[VIRT_DTB_MAX];
    struct virt_config c = {.harts = BOARD_HARTS_MAX,
                            .ram_bytes = 1 << 28,
                            .xlen = 64,
                            .isa = "rv64imac_zicsr_zba",
                            .mmu_type = "riscv,sv39",
                            .bootargs = "quiet",
                            .initrd_start = 0x88000000,
                            .initrd_end = 0x88001000,
                            .fb_width = 64,
                            .fb_height = 48,
                            .virtio = {[3] = true}};
    size_t size = virt_device_tree(&c, tree, sizeof tree);
    assert_in_range(size, 1000, sizeof tree);
    assert_int_equal(fdt_check_full(tree, size), 0);
    int length, node = fdt_path_offset(tree, "/cpus/cpu@f");
    assert_true(node >= 0);
    const char *extensions = fdt_getprop(tree, node, "riscv,isa-extensions", &length);
    assert_int_equal(length, sizeof "i\0m\0a\0c\0zicsr\0zba");
    assert_memory_equal(extensions, "i\0m\0a\0c\0zicsr\0zba", length);
    assert_true(fdt_path_offset(tree, "/soc/virtio_mmio@10004000") >= 0);
    assert_true(fdt_path_offset(tree, "/soc/virtio_mmio@10001000") < 0);
    assert_string_equal(fdt_getprop(tree, fdt_path_offset(tree, "/chosen"), "bootargs", NULL), "quiet");
    assert_true(fdt_path_offset(tree, "/chosen/framebuffer@50000000") >= 0);
    assert_int_equal(virt_device_tree(&c, tree, 500), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bus),
        cmocka_unit_test(dma),
        cmocka_unit_test(clint),
        cmocka_unit_test(plic),
        cmocka_unit_test(uart_output_and_input),
        cmocka_unit_test(finisher),
        cmocka_unit_test(rtc),
        cmocka_unit_test(flash),
        cmocka_unit_test(semihosting),
        cmocka_unit_test(htif),
        cmocka_unit_test(device_tree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
