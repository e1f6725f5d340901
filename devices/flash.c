/* flash.c: a CFI NOR flash as Intel's 28F series has it, two 16-bit chips side by side: reading, identification, word
 * and buffered programming, block erase.
 *
 * Written data goes to the image file at once, page by page, where there is a writable one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "devices.h"

enum { BLOCK = 256 * 1024, READY = 0x80, ERROR_PROGRAM = 0x10, ERROR_ERASE = 0x20 };
enum mode {
    READ_ARRAY,
    READ_STATUS,
    READ_ID,
    READ_QUERY,
    PROGRAM,
    ERASE,
    BUFFER_COUNT,
    BUFFER_DATA,
    BUFFER_CONFIRM,
    LOCK
};

struct flash {
    struct board *board;
    uint64_t base, size;
    uint8_t *data;
    int fd; /* -1: changes are not kept */
    enum mode mode;
    uint8_t status;
    unsigned left; /* buffered words still to come */
};

/* What the query table answers at word offset at (one chip's byte, the other's is the same). */
static uint8_t query(const struct flash *f, uint64_t at) {
    static const uint8_t fixed[] = {
        'Q',  'R',  'Y', 0x01, 0x00, 0x31, 0x00, 0, 0, 0, 0,    /* 10: Intel extended, table at 31 */
        0x45, 0x55, 0,   0,    7,    7,    10,   0, 4, 4, 4, 0, /* 1b: voltages, times */
        0,    0x02, 0,   10,   0,    1, /* 27: size (below), x16, buffer 1 KiB a chip, one region */
    };
    uint64_t blocks = f->size / BLOCK - 1;
    static const uint8_t extended[] = {'P', 'R', 'I', '1', '0', 0, 0, 0, 0, 0, 0, 0};
    if (at == 0x27)
        return (uint8_t)(__builtin_ctzll(f->size) - 1);
    if (at >= 0x10 && at < 0x10 + sizeof fixed)
        return fixed[at - 0x10];
    if (at >= 0x2d && at < 0x2f)
        return (uint8_t)(blocks >> (at - 0x2d) * 8);
    if (at >= 0x2f && at < 0x31)
        return (uint8_t)(BLOCK / 2 / 256 >> (at - 0x2f) * 8);
    if (at >= 0x31 && at < 0x31 + sizeof extended)
        return extended[at - 0x31];
    return 0;
}

static bool flash_read(void *ctx, struct hart *h, uint64_t offset, unsigned size, uint64_t *value) {
    const struct flash *f = ctx;
    uint32_t word = 0;
    switch (f->mode) {
    case READ_ARRAY:
        memcpy(value, f->data + offset, size);
        return true;
    case READ_ID:
        word = offset / 4 % 4 == 0 ? 0x89 : offset / 4 % 4 == 1 ? 0x18 : 0;
        break;
    case READ_QUERY:
        word = query(f, offset / 4);
        break;
    default:
        word = f->status;
    }
    word |= word << 16;
    *value = size == 8 ? (uint64_t)word << 32 | word : (word >> (offset & 3) * 8);
    if (size < 4)
        *value &= (1u << size * 8) - 1;
    return true;
}

static void keep(struct flash *f, uint64_t offset, size_t n) {
    if (f->fd >= 0 && pwrite(f->fd, f->data + offset, n, (off_t)offset) != (ssize_t)n)
        f->status |= ERROR_PROGRAM;
}

static void program(struct flash *f, uint64_t offset, unsigned size, uint64_t value) {
    for (unsigned i = 0; i < size; i++)
        f->data[offset + i] &= (uint8_t)(value >> i * 8); /* bits only ever go from 1 to 0 */
    keep(f, offset, size);
}

static void command(struct flash *f, uint8_t byte) {
    switch (byte) {
    case 0x10:
    case 0x40:
        f->mode = PROGRAM;
        break;
    case 0x20:
        f->mode = ERASE;
        break;
    case 0x50:
        f->status = READY;
        break;
    case 0x60:
        f->mode = LOCK;
        break;
    case 0x70:
        f->mode = READ_STATUS;
        break;
    case 0x90:
        f->mode = READ_ID;
        break;
    case 0x98:
        f->mode = READ_QUERY;
        break;
    case 0xe8:
        f->mode = BUFFER_COUNT;
        break;
    default:
        f->mode = READ_ARRAY;
    }
}

static bool flash_write(void *ctx, struct hart *h, uint64_t offset, unsigned size, uint64_t value) {
    struct flash *f = ctx;
    uint8_t byte = (uint8_t)value;
    switch (f->mode) {
    case PROGRAM:
        program(f, offset, size, value);
        f->mode = READ_STATUS;
        break;
    case ERASE:
        if (byte == 0xd0) {
            memset(f->data + offset / BLOCK * BLOCK, 0xff, BLOCK);
            keep(f, offset / BLOCK * BLOCK, BLOCK);
        } else {
            f->status |= ERROR_ERASE | ERROR_PROGRAM;
        }
        f->mode = READ_STATUS;
        break;
    case BUFFER_COUNT:
        f->left = byte + 1u;
        f->mode = BUFFER_DATA;
        break;
    case BUFFER_DATA:
        program(f, offset, size, value);
        if (--f->left == 0)
            f->mode = BUFFER_CONFIRM;
        break;
    case BUFFER_CONFIRM:
    case LOCK:
        f->mode = READ_STATUS;
        break;
    default:
        command(f, byte);
    }
    return true;
}

static void flash_destroy(void *ctx) {
    struct flash *f = ctx;
    if (f->fd >= 0)
        close(f->fd);
    if (f->data)
        munmap(f->data, f->size);
    free(f);
}

static bool load(struct flash *f, const char *image, bool writable, char *err, size_t n) {
    int fd = open(image, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        snprintf(err, n, "cannot open %s: %s", image, strerror(errno));
    } else if (st.st_size < 0 || (uint64_t)st.st_size > f->size) {
        snprintf(err, n, "%s is larger than the flash (%llu MiB)", image, (unsigned long long)f->size >> 20);
    } else {
        size_t done = 0;
        ssize_t got = 1;
        while (done < (size_t)st.st_size &&
               (got = pread(fd, f->data + done, (size_t)st.st_size - done, (off_t)done)) > 0)
            done += (size_t)got;
        if (done == (size_t)st.st_size) {
            if (writable)
                f->fd = fd;
            else
                close(fd);
            return true;
        }
        snprintf(err, n, "cannot read %s: %s", image, strerror(errno));
    }
    if (fd >= 0)
        close(fd);
    return false;
}

bool flash_create(struct board *b, uint64_t base, uint64_t size, const char *image, bool writable, char *err,
                  size_t n) {
    struct flash *f = calloc(1, sizeof *f);
    if (!f) {
        snprintf(err, n, "no memory");
        return false;
    }
    f->board = b;
    f->base = base;
    f->size = size;
    f->fd = -1;
    f->status = READY;
    f->data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (f->data == MAP_FAILED)
        f->data = NULL;
    const struct device d = {.name = "flash",
                             .base = base,
                             .size = size,
                             .sizes = SIZE_ALL,
                             .ctx = f,
                             .read = flash_read,
                             .write = flash_write,
                             .destroy = flash_destroy};
    if (!f->data)
        snprintf(err, n, "no memory for the flash");
    if (!f->data || (image && !load(f, image, writable, err, n))) {
        flash_destroy(f);
        return false;
    }
    if (!board_add_device(b, &d)) {
        snprintf(err, n, "no place for the flash");
        flash_destroy(f);
        return false;
    }
    return true;
}
