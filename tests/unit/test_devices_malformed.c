/* Devices that are not virtio, accessed as they should not be: every width at every register, outside of their ranges,
 * and addresses that a guest hands over.  Nothing beyond the guest's memory is touched, which lies between guard pages.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "devices_fixture.h"

static struct chardev *console;
static int ends[2]; /* what the console prints */

static struct board *whole_board(void) {
    static const char *const flash[2];
    char err[200], text[40];
    struct board *b = fixture_board();
    assert_int_equal(pipe(ends), 0);
    snprintf(text, sizeof text, "file:/dev/fd/%d", ends[1]);
    console = chardev_create(b, text, err, sizeof err);
    assert_non_null(console);
    assert_true(virt_add_devices(b, console, flash, err, sizeof err));
    assert_true(virt_add_rom(b, 64, VIRT_RAM, 0, 0) && virt_add_framebuffer(b, 64, 48));
    for (unsigned slot = 0; slot < VIRTIO_SLOTS; slot++)
        assert_true(virtio_create_empty(b, slot));
    return b;
}
static void drop_board(struct board *b) {
    board_end_io(b);
    chardev_destroy(console);
    board_destroy(b);
    close(ends[0]);
    close(ends[1]);
}

/* Which widths a device's registers have, and how much of the range is worth looking at. */
static const struct {
    const char *name;
    uint64_t base, size, looked_at;
    unsigned sizes;
} devices[] = {
    {"finisher", VIRT_FINISHER, 0x1000, 0x1000, SIZE_2 | SIZE_4 | SIZE_8},
    {"rtc", VIRT_RTC, 0x1000, 0x1000, SIZE_4},
    {"clint", VIRT_CLINT, 0x10000, 0x10000, SIZE_4 | SIZE_8},
    {"plic", VIRT_PLIC, 0x600000, 0x3000, SIZE_4},
    {"uart", VIRT_UART, 0x100, 0x100, SIZE_ALL},
    {"virtio", VIRTIO_BASE, 0x1000, 0x1000, SIZE_4},
    {"flash", VIRT_FLASH, VIRT_FLASH_SIZE, 0x1000, SIZE_ALL},
};
enum { DEVICES = sizeof devices / sizeof *devices };

/* Accesses of a width that a device does not have, or across a boundary of that width, are refused, as everywhere
 * outside of the ranges; all others are answered.  None changes memory. */
static void widths_and_ends(void **state) {
    struct board *b = whole_board();
    uint64_t value;
    memset(ram(b, 0), 0x5a, FIXTURE_RAM);
    for (unsigned i = 0; i < DEVICES; i++) {
        for (unsigned size = 1; size <= 8; size *= 2) {
            bool has = devices[i].sizes & size;
            for (uint64_t at = 0; at < devices[i].looked_at; at++) {
                bool sound = has && at % size == 0 && at + size <= devices[i].size;
                if (board_read(b, NULL, devices[i].base + at, size, &value) != sound)
                    fail_msg("%s: read of %u bytes at 0x%x", devices[i].name, size, (unsigned)at);
                assert_true(!sound || size == 8 || value >> size * 8 == 0);
                if (i > 0 && board_write(b, NULL, devices[i].base + at, size, 0) != sound)
                    fail_msg("%s: write of %u bytes at 0x%x", devices[i].name, size, (unsigned)at);
            }
            uint64_t last = devices[i].base + devices[i].size;
            for (uint64_t at = last - size + 1; at < last; at++)
                assert_false(board_read(b, NULL, at, size, &value) || board_write(b, NULL, at, size, 0));
        }
    }
    static const uint64_t nowhere[] = {0,         0xff8,      0x102000,     0x10009000,
                                       0x1fffff8, 0x40000000, VIRT_RAM - 8, UINT64_MAX - 7};
    for (unsigned i = 0; i < sizeof nowhere / sizeof *nowhere; i++)
        for (unsigned size = 1; size <= 8; size *= 2)
            assert_false(board_read(b, NULL, nowhere[i], size, &value) || board_write(b, NULL, nowhere[i], size, 0));
    for (unsigned i = 0; i < FIXTURE_RAM; i++)
        assert_int_equal(*ram(b, i), 0x5a);
    assert_int_equal(fixture_dma_bytes, 0);
    drop_board(b);
}

/* Registers of harts, contexts and sources that the board does not have: read as 0, and writing them changes nothing.
 */
static void numbers_out_of_range(void **state) {
    struct board *b = whole_board();
    const uint64_t beyond[] = {
        VIRT_CLINT + 4 * FIXTURE_HARTS,          /* msip */
        VIRT_CLINT + 0x4000 + 8 * FIXTURE_HARTS, /* mtimecmp */
        VIRT_CLINT + 0xbff0,
        VIRT_PLIC, /* priority of source 0 */
        VIRT_PLIC + 4 * BOARD_IRQS,
        VIRT_PLIC + 0x1000 + BOARD_IRQS / 8, /* pending bits */
        VIRT_PLIC + 0x2000 + 0x80 * 2 * FIXTURE_HARTS,
        VIRT_PLIC + 0x2000 + BOARD_IRQS / 8,
        VIRT_PLIC + 0x200000 + 0x1000 * 2 * FIXTURE_HARTS,
        VIRT_PLIC + 0x200000 + 0x1000 * 2 * FIXTURE_HARTS + 4,
        VIRT_PLIC + 0x200008,
        VIRT_PLIC + 0x5ffffc,
        VIRT_RTC + 0x20,
        VIRT_RTC + 0xffc,
    };
    for (unsigned i = 0; i < sizeof beyond / sizeof *beyond; i++) {
        set_reg(b, beyond[i], 4, UINT32_MAX);
        if (reg(b, beyond[i], 4) != 0)
            fail_msg("0x%llx has kept a value", (unsigned long long)beyond[i]);
    }
    /* sources that cannot be claimed or completed */
    static const uint32_t sources[] = {0, BOARD_IRQS, 1024, UINT32_MAX};
    for (unsigned i = 0; i < sizeof sources / sizeof *sources; i++)
        set_reg(b, VIRT_PLIC + 0x200004, 4, sources[i]);
    assert_int_equal(reg(b, VIRT_PLIC + 0x200004, 4), 0);
    set_reg(b, VIRT_PLIC + 0x2000, 4, UINT32_MAX); /* source 0 cannot be enabled */
    assert_int_equal(reg(b, VIRT_PLIC + 0x2000, 4), UINT32_MAX - 1);
    assert_int_equal(fixture_mip[0] | fixture_mip[1], 0);
    board_lock(b);
    board_interrupt(b, 0, true);
    board_interrupt(b, BOARD_IRQS, true);
    board_interrupt(b, UINT32_MAX, true);
    board_hart_interrupt(b, FIXTURE_HARTS, 3, true);
    board_unlock(b);
    assert_int_equal(fixture_mip[0] | fixture_mip[1], 0);
    drop_board(b);
}

/* Times at the end of what 64 bits hold. */
static void times_out_of_range(void **state) {
    struct board *b = whole_board();
    char err[100];
    assert_true(board_start(b, err, sizeof err));
    static const uint64_t times[] = {0, 1, INT64_MAX, UINT64_MAX - 1, UINT64_MAX};
    for (unsigned i = 0; i < sizeof times / sizeof *times; i++)
        for (unsigned k = 0; k < sizeof times / sizeof *times; k++) {
            set_reg(b, VIRT_CLINT + 0xbff8, 8, times[i]);
            set_reg(b, VIRT_CLINT + 0x4000, 8, times[k]);
            set_reg(b, VIRT_RTC + 4, 4, times[i] >> 32);
            set_reg(b, VIRT_RTC + 0, 4, (uint32_t)times[i]);
            set_reg(b, VIRT_RTC + 0x10, 4, 1);
            set_reg(b, VIRT_RTC + 0xc, 4, times[k] >> 32);
            set_reg(b, VIRT_RTC + 8, 4, (uint32_t)times[k]);
            board_wake_io(b);
            set_reg(b, VIRT_RTC + 0x1c, 4, 0);
        }
    set_reg(b, VIRT_CLINT + 0xbff8, 8, 1000);
    set_reg(b, VIRT_CLINT + 0x4000, 8, 2000);
    wait_for(&fixture_mip[0], 1 << 7); /* it still works */
    drop_board(b);
}

/* The FIFO overruns, and everything that is not a register is ignored. */
static void uart_overrun(void **state) {
    struct board *b = whole_board();
    set_reg(b, VIRT_UART + 2, 1, 1);    /* FIFO on */
    set_reg(b, VIRT_UART + 4, 1, 0x10); /* loop back */
    for (unsigned i = 0; i < 40; i++)
        set_reg(b, VIRT_UART, 1, i);
    assert_int_equal(reg(b, VIRT_UART + 5, 1) & 3, 3); /* data, overrun */
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(reg(b, VIRT_UART, 1), i);
    assert_int_equal(reg(b, VIRT_UART + 5, 1) & 3, 0);
    assert_int_equal(reg(b, VIRT_UART, 1), 0);
    for (uint64_t at = 8; at < 0x100; at += 8) {
        set_reg(b, VIRT_UART + at, 8, UINT64_MAX);
        assert_int_equal(reg(b, VIRT_UART + at, 8), 0);
    }
    drop_board(b);
}

/* Programming and erasing at the flash's last byte, and commands in the wrong order. */
static void flash_ends(void **state) {
    struct board *b = whole_board();
    const uint64_t end = VIRT_FLASH + 2 * VIRT_FLASH_SIZE;
    for (unsigned size = 1; size <= 8; size *= 2) {
        set_reg(b, end - size, size, 0x20); /* erase ... */
        set_reg(b, end - size, size, 0xd0);
        set_reg(b, end - size, size, 0xff);
        assert_int_equal(reg(b, end - 1, 1), 0xff);
        set_reg(b, end - size, size, 0x40); /* ... program */
        set_reg(b, end - size, size, 0x1122334455667788);
        set_reg(b, end - size, size, 0xff);
        assert_int_equal(reg(b, end - size, 1), 0x88);
        uint64_t value;
        assert_false(board_write(b, NULL, end - size + 1, size * 2 > 8 ? 8 : size * 2, 0));
        assert_false(board_read(b, NULL, end, size, &value));
        set_reg(b, end - size, size, 0x20); /* an erase that is not confirmed */
        set_reg(b, end - size, size, 0x11);
        assert_int_equal(reg(b, end - 8, 1) & 0x30, 0x30);
        set_reg(b, end - size, size, 0x50);
        set_reg(b, end - size, size, 0xff);
    }
    for (unsigned byte = 0; byte < 256; byte++) /* whatever the first command is, a reset leads out */
        for (unsigned i = 0; i < 300; i++)
            set_reg(b, end - 16 + i % 4 * 4, 4, i == 0 ? byte : i < 298 ? 1 : 0xff);
    drop_board(b);
}

static size_t printed(void) {
    char text[4096];
    size_t all = 0;
    ssize_t n;
    close(ends[1]);
    while ((n = read(ends[0], text, sizeof text)) > 0)
        all += (size_t)n;
    ends[1] = -1;
    return all;
}

/* What semihosting's callers hand over: blocks and texts outside of RAM, at its end, without an end. */
static void semihosting(void **state) {
    static const struct {
        unsigned word;
        uint64_t operation, argument, block[3], result;
        unsigned at, printed;
    } cases[] = {
        {8, 0x05, VIRT_RAM, {1, VIRT_RAM + FIXTURE_RAM - 4, 8}, 4, 0, 4},
        {8, 0x05, VIRT_RAM, {1, VIRT_RAM + FIXTURE_RAM, 8}, 8, 0, 0},
        {8, 0x05, VIRT_RAM, {1, UINT64_MAX - 3, 8}, 8, 0, 0},
        {8, 0x05, VIRT_RAM, {1, VIRT_UART, 8}, 8, 0, 0},
        {8, 0x05, VIRT_RAM, {1, VIRT_RAM + FIXTURE_RAM - 16, UINT64_MAX}, UINT64_MAX - 16, 0, 16},
        {8, 0x05, VIRT_RAM + FIXTURE_RAM - 16, {1, VIRT_RAM}, UINT64_MAX, FIXTURE_RAM - 16, 0},
        {4, 0x05, VIRT_RAM, {1 | VIRT_RAM << 32, 4}, 0, 0, 4},
        {8, 0x05, UINT64_MAX - 7, {0}, UINT64_MAX, 0, 0},
        {8, 0x04, VIRT_RAM + FIXTURE_RAM - 4, {0}, 0, 0, 4}, /* a text that RAM's end ends */
        {8, 0x04, VIRT_RAM + FIXTURE_RAM, {0}, 0, 0, 0},
        {8, 0x04, 0, {0}, 0, 0, 0},
        {8, 0x03, VIRT_RAM + FIXTURE_RAM, {0}, 0, 0, 0},
        {8, 0x03, UINT64_MAX, {0}, 0, 0, 0},
        {8, 0x01, VIRT_RAM, {VIRT_RAM + FIXTURE_RAM - 2, 0, 3}, UINT64_MAX, 0, 0},
        {8, 0x01, VIRT_RAM + FIXTURE_RAM - 4, {0}, UINT64_MAX, FIXTURE_RAM - 32, 0},
        {8, 0x99, VIRT_RAM, {0}, UINT64_MAX, 0, 0},
        {8, UINT64_MAX, UINT64_MAX, {0}, UINT64_MAX, 0, 0},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct board *b = whole_board();
        int status;
        memset(ram(b, 0), 'x', FIXTURE_RAM);
        memcpy(ram(b, cases[i].at), cases[i].block, cases[i].at ? 16 : 24);
        uint64_t result = semihost_call(b, console, cases[i].word, cases[i].operation, cases[i].argument);
        if (result != cases[i].result)
            fail_msg("case %u: result %llx", i, (unsigned long long)result);
        assert_int_equal(board_wait(b, 0, &status), BOARD_RUNNING);
        assert_int_equal(fixture_dma_bytes, 0);
        board_end_io(b);
        chardev_destroy(console);
        console = NULL;
        if (printed() != cases[i].printed)
            fail_msg("case %u has printed something else", i);
        board_destroy(b);
        close(ends[0]);
    }
}

/* A call writes a megabyte at most, whatever length a guest has mapped. */
static void semihosting_is_bounded(void **state) {
    char err[100];
    const struct board_config config = {.harts = 1, .ram_bytes = 4 << 20, .wires = {fixture_interrupt, fixture_dma}};
    struct board *b = board_create(&config, err, sizeof err);
    struct chardev *null = chardev_create(b, "null", err, sizeof err);
    const uint64_t block[3] = {1, VIRT_RAM, 3 << 20};
    memcpy(ram(b, 0), block, sizeof block);
    assert_int_equal(semihost_call(b, null, 8, 5, VIRT_RAM), 2 << 20);
    chardev_destroy(null);
    board_destroy(b);
}

/* tohost: what it can hold that means nothing, and system calls with blocks that are not there. */
static void htif(void **state) {
    static const uint64_t values[] = {
        UINT64_C(0x0200000000000001), /* no such device */
        UINT64_C(0x0102000000000041), /* no such command */
        UINT64_C(0x0001000000000001),
        0x1000, /* blocks: not RAM, */
        VIRT_UART,
        VIRT_RAM + FIXTURE_RAM - 8, /* over its end, */
        VIRT_RAM + FIXTURE_RAM,
        UINT64_C(0x0000fffffffffff8),
        VIRT_RAM + 0x1004, /* not aligned, */
        VIRT_RAM + 0x2000, /* texts: over RAM's end, */
        VIRT_RAM + 0x3000, /* too long */
        VIRT_RAM + 0x4000, /* no such call */
    };
    struct board *b = whole_board();
    char err[100];
    int status;
    const uint64_t over[4] = {64, 1, VIRT_RAM + FIXTURE_RAM - 4, 8}, far[4] = {64, 1, VIRT_RAM, UINT64_MAX},
                   unknown[4] = {9999};
    memset(ram(b, 0), 0, FIXTURE_RAM);
    memcpy(ram(b, 0x2000), over, sizeof over);
    memcpy(ram(b, 0x3000), far, sizeof far);
    memcpy(ram(b, 0x4000), unknown, sizeof unknown);
    assert_false(htif_create(b, VIRT_RAM + FIXTURE_RAM - 4, 0, false, console));
    assert_false(htif_create(b, VIRT_ROM, 0, false, console));
    assert_false(htif_create(b, VIRT_RAM + 64, VIRT_RAM + FIXTURE_RAM, false, console));
    assert_true(htif_create(b, VIRT_RAM + 64, VIRT_RAM + 128, false, console));
    assert_true(board_start(b, err, sizeof err));
    uint64_t *tohost = (uint64_t *)(void *)ram(b, 64), until = monotonic_ns() + UINT64_C(20000000000);
    for (unsigned i = 0; i < sizeof values / sizeof *values; i++) {
        __atomic_store_n(tohost, values[i], __ATOMIC_SEQ_CST);
        while (__atomic_load_n(tohost, __ATOMIC_SEQ_CST))
            assert_true(monotonic_ns() < until);
    }
    assert_int_equal(board_wait(b, 0, &status), BOARD_RUNNING);
    uint64_t results[2];
    memcpy(&results[0], ram(b, 0x2000), 8);
    memcpy(&results[1], ram(b, 0x3000), 8);
    assert_int_equal(results[0], (uint64_t)-14);
    assert_int_equal(results[1], (uint64_t)-14);
    drop_board(b);
}

/* The framebuffer and the ROM are memory with ends as RAM has; the ROM cannot be written. */
static void memory_ends(void **state) {
    struct board *b = whole_board();
    const struct {
        uint64_t base, size;
        bool writable;
    } regions[] = {{VIRT_RAM, FIXTURE_RAM, true},
                   {VIRT_FRAMEBUFFER, (64 * 48 * 4 + 4095) / 4096 * 4096, true},
                   {VIRT_ROM, VIRT_ROM_SIZE, false}};
    for (unsigned i = 0; i < 3; i++) {
        uint64_t base = regions[i].base, size = regions[i].size;
        for (int write = 0; write < 2; write++) {
            bool allowed = !write || regions[i].writable;
            assert_int_equal(bus_dma(b, base, size, write) != NULL, allowed);
            assert_int_equal(bus_dma(b, base + size - 1, 1, write) != NULL, allowed);
            assert_null(bus_dma(b, base, size + 1, write));
            assert_null(bus_dma(b, base, UINT64_MAX, write));
            assert_null(bus_dma(b, base + size - 1, 2, write));
            assert_null(bus_dma(b, base + 1, UINT64_MAX, write));
            assert_null(bus_dma(b, base - 1, 2, write));
            assert_null(bus_dma(b, base + size, 1, write));
            assert_null(bus_dma(b, base, 0, write));
            assert_null(bus_dma(b, UINT64_MAX, 1, write));
        }
    }
    drop_board(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(widths_and_ends),
        cmocka_unit_test(numbers_out_of_range),
        cmocka_unit_test(times_out_of_range),
        cmocka_unit_test(uart_overrun),
        cmocka_unit_test(flash_ends),
        cmocka_unit_test(semihosting),
        cmocka_unit_test(semihosting_is_bounded),
        cmocka_unit_test(htif),
        cmocka_unit_test(memory_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
