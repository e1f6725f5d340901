/* display_internal.h: what display.c and display_sdl.c share. */
#ifndef DEVICES_DISPLAY_INTERNAL_H
#define DEVICES_DISPLAY_INTERNAL_H

#include <pthread.h>

#include "display.h"

struct window;

/* Rows [first, end) have changed; first == end: none. */
struct row_range {
    unsigned first, end;
};

struct display {
    pthread_mutex_t lock; /* what follows up to watched */
    unsigned width, height;
    uint32_t *pixels; /* what is shown: 0x..RRGGBB */
    struct row_range changed;
    bool resized;
    const uint8_t *watched; /* guest memory of width * height pixels; NULL: a device calls display_update */
    uint64_t frames;
    struct window *window; /* NULL: none */
    struct virtio_input *keyboard, *tablet;
};

/* display_sdl.c. NULL: one line in err. */
struct window *window_create(unsigned width, unsigned height, char *err, size_t n);
void window_destroy(struct window *w);
/* Handles events. False: the window was closed. */
bool window_events(struct window *w, struct display *d);
/* Under d->lock: takes over rows that have changed. */
void window_take(struct window *w, const struct display *d);
/* Draws what was taken over, and all where the window needs it; updates the title once a second. */
void window_draw(struct window *w, uint64_t instructions, uint64_t frames);

/* screenshot.c */
bool png_write(const char *path, unsigned width, unsigned height, const uint32_t *pixels, char *err, size_t n);

#endif
