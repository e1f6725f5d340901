/* virtio_input.c: virtio's input devices (virtio 1.2, section 5.8): events as Linux's evdev has them.
 *
 * The configuration space is a question (select, subsel) and its answer.
 */
#include <linux/input-event-codes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "virtio_devices.h"

enum { CFG_NAME = 0x01, CFG_SERIAL = 0x02, CFG_IDS = 0x03, CFG_PROPS = 0x10, CFG_EV = 0x11, CFG_ABS = 0x12 };
enum { WAITING_MAX = 256, PAYLOAD = 128 };

struct event {
    uint16_t type, code;
    uint32_t value;
};

struct config {
    uint8_t select, subsel, size, reserved[5];
    uint8_t payload[PAYLOAD];
};

struct virtio_input {
    struct virtio *virtio;
    enum input_kind kind;
    struct config config;
    struct virtio_chain chain;
    struct event waiting[WAITING_MAX]; /* that the guest has given no buffers for */
    unsigned start, count;
    bool dropping; /* waiting was full: everything up to the next group is left out */
};

static void set_bit(uint8_t *bits, unsigned bit) { bits[bit / 8] |= (uint8_t)(1u << bit % 8); }

static void answer(struct config *c, const void *bytes, size_t size) {
    memcpy(c->payload, bytes, size);
    c->size = (uint8_t)size;
}

static void answer_events(struct config *c, enum input_kind kind) {
    uint8_t bits[PAYLOAD] = {0};
    if (kind == INPUT_KEYBOARD && c->subsel == EV_KEY)
        for (unsigned key = KEY_ESC; key <= KEY_COMPOSE; key++)
            set_bit(bits, key);
    if (kind == INPUT_KEYBOARD && c->subsel == EV_REP)
        set_bit(bits, REP_DELAY);
    if (kind == INPUT_TABLET && c->subsel == EV_KEY)
        for (unsigned button = BTN_LEFT; button <= BTN_MIDDLE; button++)
            set_bit(bits, button);
    if (kind == INPUT_TABLET && c->subsel == EV_REL)
        set_bit(bits, REL_WHEEL);
    if (kind == INPUT_TABLET && c->subsel == EV_ABS) {
        set_bit(bits, ABS_X);
        set_bit(bits, ABS_Y);
    }
    unsigned size = PAYLOAD;
    while (size > 0 && bits[size - 1] == 0)
        size--;
    answer(c, bits, size);
}

static void config_read(void *device) {
    struct virtio_input *i = device;
    struct config *c = &i->config;
    const char *name = i->kind == INPUT_KEYBOARD ? "Rivulet keyboard" : "Rivulet tablet";
    static const uint16_t ids[4] = {6 /* BUS_VIRTUAL */, 0x5269, 1, 1};
    const uint32_t axis[5] = {0, INPUT_AXIS_MAX, 0, 0, 0};
    memset(c->payload, 0, sizeof c->payload);
    c->size = 0;
    if (c->select == CFG_NAME && c->subsel == 0)
        answer(c, name, strlen(name));
    else if (c->select == CFG_IDS && c->subsel == 0)
        answer(c, ids, sizeof ids);
    else if (c->select == CFG_EV)
        answer_events(c, i->kind);
    else if (c->select == CFG_ABS && i->kind == INPUT_TABLET && c->subsel <= ABS_Y)
        answer(c, axis, sizeof axis);
}

static bool config_write(void *device, uint64_t offset, unsigned size, uint64_t value) {
    struct virtio_input *i = device;
    if (offset == 0 && size == 1)
        i->config.select = (uint8_t)value;
    else if (offset == 1 && size == 1)
        i->config.subsel = (uint8_t)value;
    return true;
}

static void deliver(struct virtio_input *i) {
    while (i->count > 0 && virtio_pop(i->virtio, 0, &i->chain)) {
        size_t done = virtio_write(&i->chain, 0, &i->waiting[i->start], sizeof(struct event));
        if (done != sizeof(struct event)) {
            virtio_break(i->virtio);
            return;
        }
        virtio_push(i->virtio, &i->chain, (uint32_t)done);
        i->start = (i->start + 1) % WAITING_MAX;
        i->count--;
    }
}

/* Queue 1 carries the keyboard's lamps, which there are none of. */
static void notify(void *device, unsigned queue) {
    struct virtio_input *i = device;
    if (queue == 0)
        deliver(i);
    else
        while (virtio_pop(i->virtio, 1, &i->chain))
            virtio_push(i->virtio, &i->chain, 0);
}

static void reset(void *device) {
    struct virtio_input *i = device;
    i->count = 0;
}

static const struct virtio_class input_class = {.id = VIRTIO_INPUT,
                                                .queues = 2,
                                                .notify = notify,
                                                .reset = reset,
                                                .config_write = config_write,
                                                .config_read = config_read,
                                                .destroy = free};

struct virtio_input *virtio_input_create(struct board *b, unsigned slot, enum input_kind kind, char *err, size_t n) {
    struct virtio_input *i = calloc(1, sizeof *i);
    if (i) {
        i->kind = kind;
        i->virtio = virtio_create(b, slot, &input_class, i, &i->config, sizeof i->config);
    }
    if (i && i->virtio)
        return i;
    free(i);
    snprintf(err, n, "no place for an input device: there are %d slots", VIRTIO_SLOTS);
    return NULL;
}

void virtio_input_event(struct virtio_input *i, uint16_t type, uint16_t code, uint32_t value) {
    struct board *b = virtio_board(i->virtio);
    board_lock(b);
    if (i->count == WAITING_MAX)
        i->dropping = true;
    if (!i->dropping)
        i->waiting[(i->start + i->count++) % WAITING_MAX] = (struct event){type, code, value};
    if (type == EV_SYN) {
        i->dropping = false;
        deliver(i);
    }
    board_unlock(b);
}

void virtio_input_sync(struct virtio_input *i) { virtio_input_event(i, EV_SYN, SYN_REPORT, 0); }
