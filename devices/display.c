/* display.c: see display.h. Watched guest memory is compared row by row with what was shown last, so that the guest's
 * stores cost nothing.
 */
#include "display.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "display_internal.h"

struct display *display_create(enum display_kind kind, unsigned width, unsigned height, char *err, size_t n) {
    struct display *d = calloc(1, sizeof *d);
    if (d)
        d->pixels = calloc((size_t)width * height, sizeof *d->pixels);
    if (!d || !d->pixels) {
        free(d);
        snprintf(err, n, "no memory for a picture of %ux%u", width, height);
        return NULL;
    }
    pthread_mutex_init(&d->lock, NULL);
    d->width = width;
    d->height = height;
    if (kind == DISPLAY_SDL && !(d->window = window_create(width, height, err, n))) {
        display_destroy(d);
        return NULL;
    }
    return d;
}

void display_destroy(struct display *d) {
    if (d->window)
        window_destroy(d->window);
    pthread_mutex_destroy(&d->lock);
    free(d->pixels);
    free(d);
}

void display_watch(struct display *d, const uint8_t *pixels) { d->watched = pixels; }

void display_connect(struct display *d, struct virtio_input *keyboard, struct virtio_input *tablet) {
    d->keyboard = keyboard;
    d->tablet = tablet;
}

static void mark(struct display *d, unsigned first, unsigned end) {
    if (d->changed.first == d->changed.end)
        d->changed = (struct row_range){first, end};
    if (first < d->changed.first)
        d->changed.first = first;
    if (end > d->changed.end)
        d->changed.end = end;
}

bool display_mode(struct display *d, unsigned width, unsigned height) {
    uint32_t *pixels = calloc((size_t)width * height, sizeof *pixels);
    if (!pixels)
        return false;
    pthread_mutex_lock(&d->lock);
    free(d->pixels);
    d->pixels = pixels;
    d->width = width;
    d->height = height;
    d->resized = true;
    d->changed = (struct row_range){0, height};
    pthread_mutex_unlock(&d->lock);
    return true;
}

void display_update(struct display *d, unsigned x, unsigned y, unsigned width, unsigned height, const uint8_t *pixels,
                    size_t stride) {
    pthread_mutex_lock(&d->lock);
    if (x < d->width && y < d->height) {
        width = width < d->width - x ? width : d->width - x;
        height = height < d->height - y ? height : d->height - y;
        for (unsigned row = 0; row < height; row++)
            memcpy(d->pixels + (size_t)(y + row) * d->width + x, pixels + row * stride, (size_t)width * 4);
        mark(d, y, y + height);
    }
    pthread_mutex_unlock(&d->lock);
}

void display_size(struct display *d, unsigned *width, unsigned *height) {
    pthread_mutex_lock(&d->lock);
    *width = d->width;
    *height = d->height;
    pthread_mutex_unlock(&d->lock);
}

/* Whether a row of guest memory shows something else than before; alpha does not count. Mostly rows are the same, which
 * memcmp sees soonest, or differ soon. */
static bool row_differs(const uint32_t *shown, const uint8_t *guest, unsigned width) {
    if (memcmp(shown, guest, (size_t)width * 4) == 0)
        return false;
    for (unsigned i = 0; i < width; i++) {
        uint32_t pixel;
        memcpy(&pixel, guest + 4 * (size_t)i, 4);
        if ((pixel ^ shown[i]) & 0xffffff)
            return true;
    }
    return false;
}

static void look(struct display *d) {
    for (unsigned y = 0; y < d->height; y++) {
        const uint8_t *row = d->watched + (size_t)y * d->width * 4;
        uint32_t *shown = d->pixels + (size_t)y * d->width;
        if (row_differs(shown, row, d->width)) {
            memcpy(shown, row, (size_t)d->width * 4);
            mark(d, y, y + 1);
        }
    }
}

bool display_poll(struct display *d, uint64_t instructions) {
    bool open = !d->window || window_events(d->window, d);
    pthread_mutex_lock(&d->lock);
    if (d->watched)
        look(d);
    if (d->changed.first != d->changed.end) {
        d->frames++;
        if (d->window)
            window_take(d->window, d);
        d->changed = (struct row_range){0, 0};
        d->resized = false;
    }
    uint64_t frames = d->frames;
    pthread_mutex_unlock(&d->lock);
    if (d->window)
        window_draw(d->window, instructions, frames);
    return open;
}

uint64_t display_frames(const struct display *d) { return d->frames; }

bool display_screenshot(struct display *d, const char *path, char *err, size_t n) {
    pthread_mutex_lock(&d->lock);
    unsigned width = d->width, height = d->height;
    size_t size = (size_t)width * height * sizeof *d->pixels;
    uint32_t *copy = malloc(size);
    if (copy)
        memcpy(copy, d->pixels, size);
    pthread_mutex_unlock(&d->lock);
    bool done = copy && png_write(path, width, height, copy, err, n);
    if (!copy)
        snprintf(err, n, "no memory for a screenshot");
    free(copy);
    return done;
}
