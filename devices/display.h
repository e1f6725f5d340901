/* display.h: the picture a guest shows, in an SDL2 window or nowhere, and as a PNG file.
 *
 *      guest memory (framebuffer) ──display_poll compares rows──▶ display's copy ──changed rows──▶ window, screenshot
 *      virtio-gpu ──display_update──▶ display's copy
 *
 * Everything but display_update and display_mode is called on the main thread.
 */
#ifndef DEVICES_DISPLAY_H
#define DEVICES_DISPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct display;
struct virtio_input;

enum display_kind { DISPLAY_AUTO, DISPLAY_NONE, DISPLAY_SDL };

/* NULL: one line in err: no window can be opened. */
struct display *display_create(enum display_kind kind, unsigned width, unsigned height, char *err, size_t n);
void display_destroy(struct display *d);
/* Shows width * height pixels of 4 bytes (blue, green, red, unused) that the guest writes at pixels. */
void display_watch(struct display *d, const uint8_t *pixels);
/* Where keys and pointer go; NULL: nowhere. */
void display_connect(struct display *d, struct virtio_input *keyboard, struct virtio_input *tablet);

/* Any thread: the guest's graphics device shows pictures of this size from now on. False: no memory. */
bool display_mode(struct display *d, unsigned width, unsigned height);
/* Any thread: a rectangle has changed; pixels is its first, stride in bytes. What lies outside is left out. */
void display_update(struct display *d, unsigned x, unsigned y, unsigned width, unsigned height, const uint8_t *pixels,
                    size_t stride);
void display_size(struct display *d, unsigned *width, unsigned *height);

/* Looks for changes, draws them, handles events; instructions: executed so far, for the title. False: the window was
 * closed. To be called some 60 times a second. */
bool display_poll(struct display *d, uint64_t instructions);
/* Frames drawn: polls that found something changed. */
uint64_t display_frames(const struct display *d);
/* False: one line in err. */
bool display_screenshot(struct display *d, const char *path, char *err, size_t n);

#endif
