/* drive.h: a raw disk image on the host: read-write, read-only, or with a temporary overlay that takes the writes. */
#ifndef DEVICES_DRIVE_H
#define DEVICES_DRIVE_H

#include <sys/uio.h>

#include "virtio_devices.h"

struct drive;

/* NULL: one line in err. A writable image is locked (flock) against another riv. */
struct drive *drive_open(const struct drive_config *config, char *err, size_t n);
void drive_close(struct drive *d);
uint64_t drive_size(const struct drive *d); /* bytes, a multiple of 512 */
bool drive_read_only(const struct drive *d);
/* Whole sectors inside the drive; io is used up. False: the host failed. */
bool drive_read(struct drive *d, uint64_t offset, struct iovec *io, unsigned parts);
bool drive_write(struct drive *d, uint64_t offset, struct iovec *io, unsigned parts);
/* Everything written is on the host's disk when this returns true. */
bool drive_flush(struct drive *d);

#endif
