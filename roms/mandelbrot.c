// what: the Mandelbrot set; zoom with wheel or + and -, move with arrow keys or a click
// variants: mandelbrot= mandelbrot32=rv32
// window
#include "window.h"

enum { LIMIT = 96, BAND = 16 };

static uint32_t color(unsigned n) {
    if (n == LIMIT)
        return 0;
    return (n * 5 & 255) << 16 | (n * 9 & 255) << 8 | (255 - (n * 2 & 255));
}

static unsigned iterate(double cr, double ci) {
    double zr = 0, zi = 0;
    unsigned n = 0;
    for (; n < LIMIT; n++) {
        double rr = zr * zr, ii = zi * zi;
        if (rr + ii > 4)
            break;
        zi = 2 * zr * zi + ci;
        zr = rr - ii + cr;
    }
    return n;
}

void rom_main(word hart, const void *device_tree) {
    struct window w;
    window_open(&w, device_tree);
    double x = -0.6, y = 0, scale = 3.2 / w.width; /* centre; size of a pixel */
    unsigned row = 0;                              /* rows above it are drawn */
    bool still = false;                            /* a picture for comparison: only ever the first */
    do {
        if (!still && w.frames) { /* all of it in one frame */
            for (unsigned py = 0; py < w.height; py++)
                for (unsigned px = 0; px < w.width; px++)
                    w.pixels[py * w.width + px] = color(
                        iterate(x + ((int)px - (int)w.width / 2) * scale, y + ((int)py - (int)w.height / 2) * scale));
            still = true;
        }
        for (unsigned end = row + BAND; !w.frames && row < end && row < w.height; row++)
            for (unsigned px = 0; px < w.width; px++)
                w.pixels[row * w.width + px] = color(
                    iterate(x + ((int)px - (int)w.width / 2) * scale, y + ((int)row - (int)w.height / 2) * scale));
        if (!window_frame(&w))
            break;
        double step = 32 * scale, zoom = 1;
        double was_x = x, was_y = y;
        for (unsigned i = 0; i < w.pressed_count; i++)
            zoom *= w.pressed[i] == KEY_EQUAL ? 0.5 : w.pressed[i] == KEY_MINUS ? 2.0 : 1.0;
        for (int i = 0; i < w.wheel; i++)
            zoom *= 0.8;
        for (int i = 0; i > w.wheel; i--)
            zoom *= 1.25;
        if (w.keys[KEY_LEFT])
            x -= step;
        if (w.keys[KEY_RIGHT])
            x += step;
        if (w.keys[KEY_UP])
            y -= step;
        if (w.keys[KEY_DOWN])
            y += step;
        if (w.clicked || w.wheel) { /* the point under the pointer stays there, or goes to the middle */
            double px = x + ((int)w.x - (int)w.width / 2) * scale, py = y + ((int)w.y - (int)w.height / 2) * scale;
            x = w.clicked ? px : px + (x - px) * zoom;
            y = w.clicked ? py : py + (y - py) * zoom;
        }
        scale *= zoom;
        if (zoom != 1 || x != was_x || y != was_y)
            row = 0;
    } while (true);
    finish(0);
}
