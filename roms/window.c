/* window.c: the simple-framebuffer of the device tree, and drivers for virtio keyboards and tablets. */
#include "window.h"

enum { EVENTS = 16, INPUT_ID = 18, SLOTS = 8, FRAME_TICKS = 10000000 / 60 };
enum { EV_KEY = 1, EV_REL = 2, EV_ABS = 3, BTN_LEFT = 0x110, AXIS_MAX = 32767 };

struct event {
    uint16_t type, code;
    uint32_t value;
};

/* A device's event queue (virtio 1.2, section 2.7). */
static struct input {
    struct {
        uint64_t address;
        uint32_t length;
        uint16_t flags, next;
    } desc[EVENTS] __attribute__((aligned(16)));
    struct {
        volatile uint16_t flags, index, ring[EVENTS];
    } avail;
    struct {
        volatile uint16_t flags, index;
        volatile struct { uint32_t id, length; } ring[EVENTS];
    } used __attribute__((aligned(4)));
    struct event events[EVENTS];
    volatile uint32_t *registers; /* NULL: no such device */
    uint16_t seen;
} inputs[SLOTS];

static void input_open(struct input *in, volatile uint32_t *r) {
    if (r[0] != 0x74726976 || r[1] != 2 || r[2] != INPUT_ID)
        return;
    r[0x70 / 4] = 0;
    r[0x70 / 4] = 3;
    r[0x24 / 4] = 0;
    r[0x20 / 4] = 0;
    r[0x24 / 4] = 1;
    r[0x20 / 4] = 1; /* VERSION_1 */
    r[0x70 / 4] = 11;
    r[0x30 / 4] = 0;
    r[0x38 / 4] = EVENTS;
    const void *rings[3] = {in->desc, &in->avail, &in->used};
    for (unsigned i = 0; i < 3; i++) {
        r[(0x80 + 16 * i) / 4] = (uint32_t)(word)rings[i];
        r[(0x84 + 16 * i) / 4] = 0;
    }
    for (unsigned i = 0; i < EVENTS; i++) {
        in->desc[i].address = (word)&in->events[i];
        in->desc[i].length = sizeof(struct event);
        in->desc[i].flags = 2;
        in->avail.ring[i] = (uint16_t)i;
    }
    in->avail.index = EVENTS;
    r[0x44 / 4] = 1;
    r[0x70 / 4] = 15;
    in->registers = r;
    __sync_synchronize();
    r[0x50 / 4] = 0;
}

static void handle(struct window *w, const volatile struct event *e) {
    if (e->type == EV_KEY && e->code == BTN_LEFT) {
        w->button = e->value;
        w->clicked |= e->value;
    } else if (e->type == EV_KEY && e->code < 256) {
        w->keys[e->code] = e->value;
        if (e->value && w->pressed_count < sizeof w->pressed)
            w->pressed[w->pressed_count++] = (uint8_t)e->code;
    } else if (e->type == EV_ABS && e->code == 0) {
        w->x = e->value * w->width / (AXIS_MAX + 1);
    } else if (e->type == EV_ABS && e->code == 1) {
        w->y = e->value * w->height / (AXIS_MAX + 1);
    } else if (e->type == EV_REL && e->code == 8) {
        w->wheel += (int)e->value;
    }
}

static void input_read(struct window *w, struct input *in) {
    bool any = false;
    for (; in->seen != in->used.index; in->seen++) {
        __sync_synchronize();
        uint32_t id = in->used.ring[in->seen % EVENTS].id;
        handle(w, &in->events[id % EVENTS]);
        in->avail.ring[in->avail.index % EVENTS] = (uint16_t)id;
        __sync_synchronize();
        in->avail.index++;
        any = true;
    }
    if (any)
        in->registers[0x50 / 4] = 0;
}

static unsigned wanted_frames(const void *tree) {
    uint32_t size;
    const char *arguments = tree_property(tree, "chosen", "bootargs", &size);
    unsigned frames = 0;
    for (; arguments && *arguments; arguments++)
        if (!compare(arguments, "frames=", 7))
            for (arguments += 7; *arguments >= '0' && *arguments <= '9'; arguments++)
                frames = frames * 10 + (unsigned)(*arguments - '0');
    return frames;
}

void window_open(struct window *w, const void *tree) {
    uint32_t size;
    *w = (struct window){0};
    const void *reg = tree_property(tree, "framebuffer", "reg", &size);
    const void *width = tree_property(tree, "framebuffer", "width", &size);
    const void *height = tree_property(tree, "framebuffer", "height", &size);
    if (!reg || !width || !height) {
        print("this board has no framebuffer\n");
        finish(2);
    }
    w->pixels = (volatile uint32_t *)(word)big_endian((const char *)reg + 4);
    w->width = big_endian(width);
    w->height = big_endian(height);
    w->frames = wanted_frames(tree);
    w->next = mtime();
    for (unsigned i = 0; i < SLOTS; i++)
        input_open(&inputs[i], (volatile uint32_t *)(word)(0x10001000 + i * 0x1000));
}

bool window_frame(struct window *w) {
    w->frame++;
    if (w->frames)
        return w->frame < w->frames;
    w->next += FRAME_TICKS;
    uint64_t now = mtime();
    if (w->next < now)
        w->next = now; /* too slow: no frames are caught up on */
    csr_write(mie, 0x80);
    set_mtimecmp(hart_id(), w->next);
    while (mtime() < w->next)
        __asm__ volatile("wfi"); /* interrupts are off in mstatus: it only wakes */
    w->pressed_count = 0;
    w->clicked = false;
    w->wheel = 0;
    for (unsigned i = 0; i < SLOTS; i++)
        if (inputs[i].registers)
            input_read(w, &inputs[i]);
    bool leave = false; /* a key may be down for less than a frame */
    for (unsigned i = 0; i < w->pressed_count; i++)
        leave |= w->pressed[i] == KEY_ESC || w->pressed[i] == KEY_Q;
    return !leave;
}

void fill_rectangle(struct window *w, int x, int y, int width, int height, uint32_t color) {
    for (int row = y < 0 ? 0 : y; row < y + height && row < (int)w->height; row++)
        for (int column = x < 0 ? 0 : x; column < x + width && column < (int)w->width; column++)
            w->pixels[(unsigned)row * w->width + (unsigned)column] = color;
}

void draw_number(struct window *w, int x, int y, unsigned size, unsigned value, uint32_t color) {
    static const uint16_t digits[10] = {0x7b6f, 0x2492, 0x73e7, 0x73cf, 0x5bc9, 0x79cf, 0x79ef, 0x7292, 0x7bef, 0x7bcf};
    unsigned divisor = 1;
    while (value / divisor >= 10)
        divisor *= 10;
    for (; divisor; divisor /= 10, x += (int)size * 4)
        for (unsigned i = 0; i < 15; i++)
            if (digits[value / divisor % 10] >> (14 - i) & 1)
                fill_rectangle(w, x + (int)(i % 3 * size), y + (int)(i / 3 * size), (int)size, (int)size, color);
}

/* A quarter wave, rounded. */
int sine(unsigned angle) {
    static const uint8_t quarter[64] = {0,   6,   13,  19,  25,  31,  38,  44,  50,  56,  62,  68,  74,  80,  86,  92,
                                        98,  104, 109, 115, 121, 126, 132, 137, 142, 147, 152, 157, 162, 167, 172, 177,
                                        181, 185, 190, 194, 198, 202, 206, 209, 213, 216, 220, 223, 226, 229, 231, 234,
                                        237, 239, 241, 243, 245, 247, 248, 250, 251, 252, 253, 254, 255, 255, 255, 255};
    unsigned part = angle & 63;
    switch (angle >> 6 & 3) {
    case 0:
        return quarter[part];
    case 1:
        return quarter[63 - part];
    case 2:
        return -quarter[part];
    default:
        return -quarter[63 - part];
    }
}
