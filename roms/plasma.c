// what: animated plasma
// variants: plasma= plasma32=rv32
// window
#include "window.h"

static uint32_t palette[256];

void rom_main(word hart, const void *device_tree) {
    struct window w;
    window_open(&w, device_tree);
    for (unsigned i = 0; i < 256; i++) {
        unsigned r = (unsigned)(sine(i) + 256) / 2, g = (unsigned)(sine(i + 85) + 256) / 2,
                 b = (unsigned)(sine(i + 170) + 256) / 2;
        palette[i] = (r > 255 ? 255 : r) << 16 | (g > 255 ? 255 : g) << 8 | (b > 255 ? 255 : b);
    }
    static int across[4096], along[4096];
    do {
        unsigned t = w.frame;
        for (unsigned x = 0; x < w.width; x++)
            across[x] = sine(x / 4 + t) + sine(x / 7 - 2 * t);
        for (unsigned y = 0; y < w.height; y++)
            along[y] = sine(y / 3 + t) + sine(y / 5 + 3 * t);
        volatile uint32_t *out = w.pixels;
        for (unsigned y = 0; y < w.height; y++)
            for (unsigned x = 0; x < w.width; x++)
                *out++ = palette[(unsigned)(across[x] + along[y] + 1024 + sine((x + y) / 8 + t)) / 4 & 255];
    } while (window_frame(&w));
    finish(0);
}
