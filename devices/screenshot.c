/* screenshot.c: a picture as a PNG file. */
#include <errno.h>
#include <png.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "display_internal.h"

bool png_write(const char *path, unsigned width, unsigned height, const uint32_t *pixels, char *err, size_t n) {
    size_t n_pixels = (size_t)width * height;
    uint8_t *bytes = malloc(n_pixels * 3); /* what a pixel's uppermost byte holds is not opacity */
    if (!bytes) {
        snprintf(err, n, "no memory for a screenshot");
        return false;
    }
    for (size_t i = 0; i < n_pixels; i++)
        for (unsigned k = 0; k < 3; k++)
            bytes[i * 3 + k] = (uint8_t)(pixels[i] >> 8 * k);
    png_image image = {.version = PNG_IMAGE_VERSION, .width = width, .height = height, .format = PNG_FORMAT_BGR};
    bool written = png_image_write_to_file(&image, path, 0, bytes, 0, NULL);
    free(bytes);
    if (written)
        return true;
    snprintf(err, n, "cannot write %s: %s", path, errno ? strerror(errno) : image.message);
    return false;
}
