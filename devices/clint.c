/* clint.c: SiFive's core-local interruptor, and stimecmp of Sstc, which works alike.
 *
 *      0x0000 + 4 * hart  msip         0x4000 + 8 * hart  mtimecmp         0xbff8  mtime
 */
#include <stdlib.h>

#include "devices.h"

enum { MSIP_BIT = 3, STIP_BIT = 5, MTIP_BIT = 7, MTIMECMP = 0x4000, MTIME = 0xbff8, CLINT_SIZE = 0x10000 };

struct clint_hart {
    struct clint *clint;
    uint64_t mtimecmp, stimecmp;
    uint32_t msip;
    struct board_timer machine, supervisor;
};

struct clint {
    struct board *board;
    unsigned harts;
    struct clint_hart hart[BOARD_HARTS_MAX];
};

static void update(struct clint_hart *h, struct board_timer *t, unsigned bit, uint64_t deadline) {
    struct board *b = h->clint->board;
    bool due = board_now(b) >= deadline;
    board_hart_interrupt(b, (unsigned)(h - h->clint->hart), bit, due);
    board_set_timer(b, t, due ? BOARD_NEVER : deadline);
}

static void machine_timer(void *ctx) {
    struct clint_hart *h = ctx;
    update(h, &h->machine, MTIP_BIT, h->mtimecmp);
}

static void supervisor_timer(void *ctx) {
    struct clint_hart *h = ctx;
    update(h, &h->supervisor, STIP_BIT, h->stimecmp);
}

static void set_stimecmp(void *ctx, unsigned hart, uint64_t ticks) {
    struct clint *c = ctx;
    c->hart[hart].stimecmp = ticks;
    supervisor_timer(&c->hart[hart]);
}

/* The half or whole of a 64-bit register that an access means. */
static uint64_t part(uint64_t whole, uint64_t offset, unsigned size) {
    return size == 8 ? whole : (uint32_t)(whole >> (offset & 4) * 8);
}

static uint64_t with_part(uint64_t whole, uint64_t offset, unsigned size, uint64_t value) {
    if (size == 8)
        return value;
    return offset & 4 ? (whole & UINT32_MAX) | value << 32 : (whole & ~(uint64_t)UINT32_MAX) | value;
}

static bool clint_read(void *ctx, struct hart *hart, uint64_t offset, unsigned size, uint64_t *value) {
    struct clint *c = ctx;
    if (offset < c->harts * 4 && size == 4)
        *value = c->hart[offset / 4].msip;
    else if (offset >= MTIMECMP && offset < MTIMECMP + c->harts * 8)
        *value = part(c->hart[(offset - MTIMECMP) / 8].mtimecmp, offset, size);
    else if (offset >= MTIME && offset < MTIME + 8)
        *value = part(board_now(c->board), offset, size);
    return true;
}

static bool clint_write(void *ctx, struct hart *hart, uint64_t offset, unsigned size, uint64_t value) {
    struct clint *c = ctx;
    if (offset < c->harts * 4 && size == 4) {
        c->hart[offset / 4].msip = value & 1;
        board_hart_interrupt(c->board, (unsigned)(offset / 4), MSIP_BIT, value & 1);
    } else if (offset >= MTIMECMP && offset < MTIMECMP + c->harts * 8) {
        struct clint_hart *h = &c->hart[(offset - MTIMECMP) / 8];
        h->mtimecmp = with_part(h->mtimecmp, offset, size, value);
        machine_timer(h);
    } else if (offset >= MTIME && offset < MTIME + 8) {
        board_set_now(c->board, with_part(board_now(c->board), offset, size, value));
        for (unsigned i = 0; i < c->harts; i++) {
            machine_timer(&c->hart[i]);
            supervisor_timer(&c->hart[i]);
        }
    }
    return true;
}

bool clint_create(struct board *b, uint64_t base) {
    struct clint *c = calloc(1, sizeof *c);
    if (!c)
        return false;
    c->board = b;
    c->harts = board_hart_count(b);
    const struct device d = {.name = "clint",
                             .base = base,
                             .size = CLINT_SIZE,
                             .sizes = SIZE_4 | SIZE_8,
                             .ctx = c,
                             .read = clint_read,
                             .write = clint_write,
                             .destroy = free};
    if (!board_add_device(b, &d)) {
        free(c);
        return false;
    }
    for (unsigned i = 0; i < c->harts; i++) {
        struct clint_hart *h = &c->hart[i];
        h->clint = c;
        h->mtimecmp = h->stimecmp = BOARD_NEVER;
        h->machine = (struct board_timer){.fn = machine_timer, .ctx = h};
        h->supervisor = (struct board_timer){.fn = supervisor_timer, .ctx = h};
        board_add_timer(b, &h->machine);
        board_add_timer(b, &h->supervisor);
    }
    board_set_stimecmp_handler(b, set_stimecmp, c);
    return true;
}
