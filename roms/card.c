// what: a test card: colour bars, grey steps, a grid, a moving mark
// variants: card= card32=rv32
// window
#include "window.h"

/* Eight bars above, sixteen grey steps in the middle, the three primary ramps below; a grid and a border over it. */
static uint32_t color_at(unsigned x, unsigned y, unsigned width, unsigned height) {
    static const uint32_t bars[8] = {0xffffff, 0xffff00, 0x00ffff, 0x00ff00, 0xff00ff, 0xff0000, 0x0000ff, 0x000000};
    if (x == 0 || y == 0 || x == width - 1 || y == height - 1)
        return 0xffffff;
    if (x % 64 == 0 || y % 64 == 0)
        return 0x404040;
    unsigned part = y * 6 / height;
    if (part < 2)
        return bars[x * 8 / width];
    if (part == 2)
        return (x * 16 / width) * 0x111111;
    unsigned ramp = x * 256 / width;
    return ramp << (part == 3 ? 16 : part == 4 ? 8 : 0);
}

void rom_main(word hart, const void *device_tree) {
    struct window w;
    window_open(&w, device_tree);
    for (unsigned y = 0; y < w.height; y++)
        for (unsigned x = 0; x < w.width; x++)
            w.pixels[y * w.width + x] = color_at(x, y, w.width, w.height);
    unsigned at = 0;
    do {
        unsigned y = w.height / 2 - 8;
        for (unsigned x = at; x < at + 16 && x < w.width; x++) /* away with the old mark */
            for (unsigned row = y; row < y + 16; row++)
                w.pixels[row * w.width + x] = color_at(x, row, w.width, w.height);
        at = w.frame * 4 % (w.width - 16);
        fill_rectangle(&w, (int)at, (int)y, 16, 16, 0xff8000);
    } while (window_frame(&w));
    finish(0);
}
