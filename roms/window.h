/* window.h: for ROMs that draw: the framebuffer, keys and pointer.
 *
 *      window_open --> for each frame: draw into pixels, read keys --> window_frame: false when it is time to end
 */
#ifndef ROMS_WINDOW_H
#define ROMS_WINDOW_H

#include "rom.h"

struct window {
    volatile uint32_t *pixels; /* 0x00RRGGBB, width of them a row */
    unsigned width, height;
    unsigned frame, frames;    /* end after so many ("frames=N" in the device tree's bootargs); 0: never */
    uint64_t next;             /* mtime of the next frame */
    bool keys[256];            /* by Linux key code: held down */
    uint8_t pressed[16];       /* codes pressed since the last frame */
    unsigned pressed_count;
    unsigned x, y;             /* pointer, in pixels */
    bool button, clicked;      /* left button: held, pressed since the last frame */
    int wheel;                 /* turns since the last frame */
};

enum { KEY_ESC = 1, KEY_Q = 16, KEY_ENTER = 28, KEY_SPACE = 57, KEY_UP = 103, KEY_LEFT = 105, KEY_RIGHT = 106,
       KEY_DOWN = 108, KEY_MINUS = 12, KEY_EQUAL = 13, KEY_P = 25 };

/* Ends the ROM with a line where the board has no framebuffer. */
void window_open(struct window *w, const void *device_tree);
/* Waits for the next sixtieth of a second (not where frames is set) and reads events. False: Escape, Q, or enough frames. */
bool window_frame(struct window *w);
void fill_rectangle(struct window *w, int x, int y, int width, int height, uint32_t color);
/* A number in a five-by-three font of size-pixel squares. */
void draw_number(struct window *w, int x, int y, unsigned size, unsigned value, uint32_t color);
/* sin(2 pi angle / 256) * 256 */
int sine(unsigned angle);

#endif
