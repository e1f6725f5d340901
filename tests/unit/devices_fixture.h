/* devices_fixture.h: a board without harts for tests of its devices: interrupts are noted, registers are accessed directly.
 * Included by the tests that use it, each of which is one file. */
#ifndef TESTS_DEVICES_FIXTURE_H
#define TESTS_DEVICES_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../cpu/hart.h"
#include "../../devices/virt.h"

enum { FIXTURE_RAM = 1 << 20, FIXTURE_HARTS = 2 };

static struct hart fixture_harts[FIXTURE_HARTS];
static uint32_t fixture_mip[FIXTURE_HARTS]; /* bits raised */
static uint64_t fixture_dma_bytes;
static struct board *fixture_current;

static void fixture_interrupt(struct hart *h, unsigned bit, bool level) {
    uint32_t *mip = &fixture_mip[h - fixture_harts];
    if (level)
        __atomic_or_fetch(mip, UINT32_C(1) << bit, __ATOMIC_SEQ_CST);
    else
        __atomic_and_fetch(mip, ~(UINT32_C(1) << bit), __ATOMIC_SEQ_CST);
}
static void fixture_dma(struct hart *h, uint64_t address, uint64_t size) {
    assert_non_null(bus_dma(fixture_current, address, size, true)); /* only ever memory that a device may write */
    fixture_dma_bytes += size;
}

static inline struct board *fixture_board(void) {
    char err[200];
    const struct board_config config = {
        .harts = FIXTURE_HARTS, .ram_bytes = FIXTURE_RAM, .wires = {fixture_interrupt, fixture_dma}};
    struct board *b = board_create(&config, err, sizeof err);
    assert_non_null(b);
    fixture_current = b;
    for (unsigned i = 0; i < FIXTURE_HARTS; i++)
        board_set_hart(b, i, &fixture_harts[i]);
    memset(fixture_mip, 0, sizeof fixture_mip);
    fixture_dma_bytes = 0;
    return b;
}

static inline uint64_t reg(struct board *b, uint64_t address, unsigned size) {
    uint64_t value = 0;
    assert_true(board_read(b, NULL, address, size, &value));
    return value;
}
static inline void set_reg(struct board *b, uint64_t address, unsigned size, uint64_t value) {
    assert_true(board_write(b, NULL, address, size, value));
}
static inline uint8_t *ram(struct board *b, uint64_t offset) {
    uint8_t *at = bus_dma(b, VIRT_RAM + offset, 1, true);
    assert_non_null(at);
    return at;
}
static inline void wait_for(const uint32_t *mip, uint32_t bits) {
    uint64_t until = monotonic_ns() + UINT64_C(20000000000);
    while ((__atomic_load_n(mip, __ATOMIC_SEQ_CST) & bits) != bits)
        assert_true(monotonic_ns() < until);
}

#endif
