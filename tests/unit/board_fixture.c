/* board_fixture.c: see board_fixture.h.  Included by the tests that use it, as each test is one file. */
#include "board_fixture.h"

#include <sys/mman.h>

static enum engine_kind board_kind = ENGINE_INTERP; /* ENGINE_JIT: every block is translated at once */

static bool board_read(void *ctx, struct hart *h, uint64_t address, unsigned size, uint64_t *value) {
    struct board *b = ctx;
    *value = b->logged;
    return address == LOG && size >= 4;
}
static bool board_write(void *ctx, struct hart *h, uint64_t address, unsigned size, uint64_t value) {
    struct board *b = ctx;
    if (address == LOG) {
        assert_in_range(b->logged, 0, MAX_LOG - 1);
        b->log[b->logged++] = value;
        return true;
    }
    if (address != FINISHER || size != 4)
        return false;
    b->code = value;
    for (unsigned i = 0; i < b->hart_count; i++)
        engine_kick(&b->harts[i]);
    return true;
}
static uint64_t board_time(void *ctx) { return ((struct board *)ctx)->now++; }
static void board_stimecmp(void *ctx, struct hart *h, uint64_t ticks) {
    struct board *b = ctx;
    b->stimecmp = ticks;
    hart_interrupt(h, IRQ_STI, b->now >= ticks);
}

static void start_board(struct board *b, const char *isa, unsigned harts, bool counted) {
    char err[200];
    memset(b, 0, sizeof *b);
    assert_true(isa_parse(&b->isa, isa, err, sizeof err));
    b->ram = (struct bus_ram){RAM, RAM_SIZE, NULL, false};
    b->ram.host = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(b->ram.host, MAP_FAILED);
    b->bus = (struct bus){.ctx = b,
                          .ram = &b->ram,
                          .ram_count = 1,
                          .read = board_read,
                          .write = board_write,
                          .time = board_time,
                          .set_stimecmp = board_stimecmp};
    struct engine_config config = {.isa = &b->isa,
                                   .kind = board_kind,
                                   .hostile = board_kind == ENGINE_JIT ? 4 : 0,
                                   .icount = counted,
                                   .system = &b->bus};
    b->engine = engine_create(&config, err, sizeof err);
    assert_non_null(b->engine);
    for (unsigned i = 0; i < harts; i++) {
        b->harts[i].id = i;
        b->harts[i].pc = RAM;
        assert_true(engine_hart_init(b->engine, &b->harts[i]));
    }
    b->hart_count = harts;
    board_org(b, RAM);
}

void board_start(struct board *b, const char *isa, unsigned harts) { start_board(b, isa, harts, false); }
void board_start_counted(struct board *b, const char *isa) { start_board(b, isa, 1, true); }

void board_stop(struct board *b) {
    for (unsigned i = 0; i < b->hart_count; i++)
        engine_hart_exit(&b->harts[i]);
    engine_destroy(b->engine);
    munmap(b->ram.host, RAM_SIZE);
}

uint64_t board_run(struct board *b) {
    b->code = UINT64_MAX;
    assert_int_equal(engine_run(&b->harts[0]), STOP_PENDING);
    return b->code;
}

void board_org(struct board *b, uint64_t pa) { b->at = (uint32_t *)(void *)board_memory(b, pa); }
void board_emit(struct board *b, uint32_t bits) { *b->at++ = bits; }
uint64_t board_here(const struct board *b) { return RAM + (uint64_t)((uint8_t *)b->at - b->ram.host); }

void board_li(struct board *b, unsigned rd, int32_t value) {
    uint32_t high = ((uint32_t)value + 0x800) & 0xfffff000;
    EMIT(b, lui, rd, 0, 0, (int32_t)high);
    if (b->isa.xlen == 64)
        EMIT(b, addiw, rd, rd, 0, (int32_t)((uint32_t)value - high));
    else
        EMIT(b, addi, rd, rd, 0, (int32_t)((uint32_t)value - high));
}

void board_la(struct board *b, unsigned rd, uint64_t address) {
    board_li(b, rd, (int32_t)address);
    if (b->isa.xlen == 64) {
        EMIT(b, slli, rd, rd, 0, 32);
        EMIT(b, srli, rd, rd, 0, 32);
    }
}

void board_finish(struct board *b, unsigned reg) {
    board_li(b, T6, FINISHER);
    EMIT(b, sw, 0, T6, reg, 0);
    EMIT(b, jal, 0, 0, 0, 0);
}
void board_finish_with(struct board *b, int32_t code) {
    board_li(b, T5, code);
    board_finish(b, T5);
}
