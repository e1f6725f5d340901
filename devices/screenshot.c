/* screenshot.c: a picture as a PNG file. */
#include <errno.h>
#include <png.h>
#include <stdio.h>
#include <string.h>

#include "display_internal.h"

bool png_write(const char *path, unsigned width, unsigned height, const uint32_t *pixels, char *err, size_t n) {
    png_image image = {.version = PNG_IMAGE_VERSION, .width = width, .height = height, .format = PNG_FORMAT_BGRA};
    if (png_image_write_to_file(&image, path, 0, pixels, 0, NULL))
        return true;
    snprintf(err, n, "cannot write %s: %s", path, errno ? strerror(errno) : image.message);
    return false;
}
