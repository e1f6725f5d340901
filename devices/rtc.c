/* rtc.c: the goldfish real-time clock: nanoseconds since 1970, read low half first, and an alarm. */
#include <stdlib.h>

#include "devices.h"

enum {
    TIME_LOW = 0x00,
    TIME_HIGH = 0x04,
    ALARM_LOW = 0x08,
    ALARM_HIGH = 0x0c,
    IRQ_ENABLED = 0x10,
    CLEAR_ALARM = 0x14,
    ALARM_STATUS = 0x18,
    CLEAR_INTERRUPT = 0x1c,
};

struct rtc {
    struct board *board;
    unsigned irq;
    uint64_t offset; /* guest's clock - host's, in ns */
    uint32_t time_high, alarm_high, set_high;
    bool enabled, pending, running;
    uint64_t alarm; /* in the guest's clock */
    struct board_timer timer;
};

static uint64_t clock_ns(const struct rtc *r) { return board_clock_ns(r->board) + r->offset; }

static void update(struct rtc *r) { board_interrupt(r->board, r->irq, r->enabled && r->pending); }

static void check_alarm(void *ctx) {
    struct rtc *r = ctx;
    if (!r->running)
        return;
    uint64_t now = clock_ns(r);
    if (now < r->alarm) {
        board_set_timer(r->board, &r->timer,
                        board_now(r->board) + (r->alarm - now) / (1000000000 / BOARD_TIMEBASE) + 1);
        return;
    }
    r->running = false;
    r->pending = true;
    update(r);
}

static bool rtc_read(void *ctx, struct hart *h, uint64_t offset, unsigned size, uint64_t *value) {
    struct rtc *r = ctx;
    if (offset == TIME_LOW) {
        uint64_t now = clock_ns(r);
        r->time_high = (uint32_t)(now >> 32);
        *value = (uint32_t)now;
    } else if (offset == TIME_HIGH) {
        *value = r->time_high;
    } else if (offset == ALARM_LOW) {
        *value = (uint32_t)r->alarm;
    } else if (offset == ALARM_HIGH) {
        *value = r->alarm >> 32;
    } else if (offset == IRQ_ENABLED) {
        *value = r->enabled;
    } else if (offset == ALARM_STATUS) {
        *value = r->running;
    }
    return true;
}

static bool rtc_write(void *ctx, struct hart *h, uint64_t offset, unsigned size, uint64_t value) {
    struct rtc *r = ctx;
    if (offset == TIME_HIGH) {
        r->set_high = (uint32_t)value;
    } else if (offset == TIME_LOW) {
        r->offset += ((uint64_t)r->set_high << 32 | value) - clock_ns(r);
        check_alarm(r);
    } else if (offset == ALARM_HIGH) {
        r->alarm_high = (uint32_t)value;
    } else if (offset == ALARM_LOW) {
        r->alarm = (uint64_t)r->alarm_high << 32 | value;
        r->running = true;
        check_alarm(r);
    } else if (offset == IRQ_ENABLED) {
        r->enabled = value & 1;
        update(r);
    } else if (offset == CLEAR_ALARM) {
        r->running = false;
        board_set_timer(r->board, &r->timer, BOARD_NEVER);
    } else if (offset == CLEAR_INTERRUPT) {
        r->pending = false;
        update(r);
    }
    return true;
}

bool rtc_create(struct board *b, uint64_t base, unsigned irq) {
    struct rtc *r = calloc(1, sizeof *r);
    if (!r)
        return false;
    r->board = b;
    r->irq = irq;
    r->timer = (struct board_timer){.fn = check_alarm, .ctx = r};
    const struct device d = {.name = "rtc",
                             .base = base,
                             .size = 0x1000,
                             .sizes = SIZE_4,
                             .ctx = r,
                             .read = rtc_read,
                             .write = rtc_write,
                             .destroy = free};
    if (!board_add_device(b, &d)) {
        free(r);
        return false;
    }
    board_add_timer(b, &r->timer);
    return true;
}
