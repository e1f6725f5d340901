/* drive.c: see drive.h. A snapshot's writes go to an unlinked temporary file as large as the image; a bit per sector
 * says which of the two has it. */
#include "drive.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/fs.h>

enum { SECTOR = 512 };

struct drive {
    int fd, overlay; /* overlay -1: none */
    bool read_only;
    uint64_t size;
    uint64_t *written; /* bit per sector of the overlay */
};

static bool measure(struct drive *d, const char *path, char *err, size_t n) {
    struct stat st;
    if (fstat(d->fd, &st) != 0) {
        snprintf(err, n, "cannot open drive %s: %s", path, strerror(errno));
        return false;
    }
    if (S_ISBLK(st.st_mode) ? ioctl(d->fd, BLKGETSIZE64, &d->size) != 0 : !S_ISREG(st.st_mode)) {
        snprintf(err, n, "drive %s is neither a file nor a block device", path);
        return false;
    }
    if (S_ISREG(st.st_mode))
        d->size = (uint64_t)st.st_size;
    if (d->size == 0 || d->size % SECTOR) {
        snprintf(err, n, "drive %s has %llu bytes, which is not a whole number of 512-byte sectors", path,
                 (unsigned long long)d->size);
        return false;
    }
    return true;
}

static bool open_overlay(struct drive *d, char *err, size_t n) {
    const char *folder = getenv("TMPDIR");
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/riv-snapshot-XXXXXX", folder && *folder ? folder : "/tmp");
    d->overlay = mkostemp(path, O_CLOEXEC);
    d->written = calloc((d->size / SECTOR + 63) / 64, sizeof *d->written);
    bool ok = d->overlay >= 0 && d->written && ftruncate(d->overlay, (off_t)d->size) == 0;
    if (!ok)
        snprintf(err, n, "no temporary file for a snapshot: %s", strerror(errno));
    if (d->overlay >= 0)
        unlink(path);
    return ok;
}

struct drive *drive_open(const struct drive_config *config, char *err, size_t n) {
    struct drive *d = calloc(1, sizeof *d);
    if (!d) {
        snprintf(err, n, "no memory");
        return NULL;
    }
    bool writes_image = !config->read_only && !config->snapshot;
    d->overlay = -1;
    d->read_only = config->read_only;
    d->fd = open(config->path, (writes_image ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    if (d->fd < 0)
        snprintf(err, n, "cannot open drive %s: %s", config->path, strerror(errno));
    else if (flock(d->fd, (writes_image ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        snprintf(err, n, "drive %s is in use by another machine", config->path);
    else if (measure(d, config->path, err, n) && (!config->snapshot || config->read_only || open_overlay(d, err, n)))
        return d;
    drive_close(d);
    return NULL;
}

void drive_close(struct drive *d) {
    if (d->fd >= 0)
        close(d->fd);
    if (d->overlay >= 0)
        close(d->overlay);
    free(d->written);
    free(d);
}

uint64_t drive_size(const struct drive *d) { return d->size; }
bool drive_read_only(const struct drive *d) { return d->read_only; }

/* All of io at offset, whatever the host does in one go. */
static bool whole(int fd, bool write, uint64_t offset, struct iovec *io, unsigned parts) {
    while (parts > 0) {
        int count = parts < IOV_MAX ? (int)parts : IOV_MAX;
        ssize_t done = write ? pwritev(fd, io, count, (off_t)offset) : preadv(fd, io, count, (off_t)offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        offset += (uint64_t)done;
        size_t left = (size_t)done;
        while (parts > 0 && left >= io->iov_len) {
            left -= io->iov_len;
            io++;
            parts--;
        }
        if (left > 0) {
            io->iov_base = (uint8_t *)io->iov_base + left;
            io->iov_len -= left;
        }
    }
    return true;
}

static bool in_overlay(const struct drive *d, uint64_t sector) { return d->written[sector / 64] >> sector % 64 & 1; }

/* Reads [offset, offset + size) into to, run by run of sectors that lie in the same file. */
static bool read_merged(const struct drive *d, uint64_t offset, uint8_t *to, uint64_t size) {
    while (size > 0) {
        uint64_t run = SECTOR - offset % SECTOR;
        bool over = in_overlay(d, offset / SECTOR);
        while (run < size && in_overlay(d, (offset + run) / SECTOR) == over)
            run += SECTOR;
        if (run > size)
            run = size;
        struct iovec one = {.iov_base = to, .iov_len = run};
        if (!whole(over ? d->overlay : d->fd, false, offset, &one, 1))
            return false;
        offset += run;
        to += run;
        size -= run;
    }
    return true;
}

bool drive_read(struct drive *d, uint64_t offset, struct iovec *io, unsigned parts) {
    if (d->overlay < 0)
        return whole(d->fd, false, offset, io, parts);
    for (unsigned i = 0; i < parts; i++) {
        if (!read_merged(d, offset, io[i].iov_base, io[i].iov_len))
            return false;
        offset += io[i].iov_len;
    }
    return true;
}

bool drive_write(struct drive *d, uint64_t offset, struct iovec *io, unsigned parts) {
    if (d->overlay < 0)
        return whole(d->fd, true, offset, io, parts);
    uint64_t size = 0;
    for (unsigned i = 0; i < parts; i++)
        size += io[i].iov_len;
    if (!whole(d->overlay, true, offset, io, parts))
        return false;
    for (uint64_t sector = offset / SECTOR; sector < (offset + size) / SECTOR; sector++)
        d->written[sector / 64] |= UINT64_C(1) << sector % 64;
    return true;
}

bool drive_flush(struct drive *d) { return d->overlay >= 0 || d->read_only || fdatasync(d->fd) == 0; }
