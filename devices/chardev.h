/* chardev.h: where a guest's serial port or console leads on the host: the terminal, a file, a pseudo-terminal, nowhere.
 *
 *      guest --chardev_write--> buffer --I/O thread--> host        host --I/O thread--> receive(ctx, bytes)
 */
#ifndef DEVICES_CHARDEV_H
#define DEVICES_CHARDEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct board;
struct chardev;

/* what: "stdio" or "mon:stdio" (a terminal is made raw; Ctrl-A x leaves, Ctrl-A h shows the keys), "file:PATH",
 * "pty" (prints its name to stderr), "null" or "none". NULL: one line in err. */
struct chardev *chardev_create(struct board *b, const char *what, char *err, size_t n);
/* Writes what is buffered, gives the terminal back. Before board_destroy, after the I/O thread's last use. */
void chardev_destroy(struct chardev *c);
/* Who gets input: room says how many bytes it can take now. Both are called on the I/O thread, under the lock. */
void chardev_connect(struct chardev *c, size_t (*room)(void *ctx),
                     void (*receive)(void *ctx, const uint8_t *bytes, size_t n), void *ctx);
/* Under the lock: takes as many bytes as there is room for and returns how many. */
size_t chardev_write(struct chardev *c, const uint8_t *bytes, size_t n);
/* Under the lock: takes all, and waits for the host where that is slow; a pseudo-terminal that nobody reads loses it. */
void chardev_write_all(struct chardev *c, const uint8_t *bytes, size_t n);
size_t chardev_room(const struct chardev *c);
/* The receiver has room again. */
void chardev_accept(struct chardev *c);
/* Puts the terminal back; safe in signal handlers. */
void chardev_restore_terminal(void);

#endif
