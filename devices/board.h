/* board.h: a board: RAM, devices at physical addresses, harts, and one thread for input and output.
 *
 *      hart thread --struct bus--> board_read, board_write --by address--> struct device    under the board's lock
 *      I/O thread: sleeps in poll; on wake-up calls sources and timers                      under the board's lock
 *      device --board_interrupt--> PLIC --hart_interrupt--> hart
 *
 * Devices reach guest memory through bus_dma alone.
 */
#ifndef DEVICES_BOARD_H
#define DEVICES_BOARD_H

#include <poll.h>
#include <pthread.h>
#include <stddef.h>

#include "../cpu/bus.h"

enum { BOARD_HARTS_MAX = 16, BOARD_RAM_MAX = 8, BOARD_DEVICES_MAX = 48, BOARD_SOURCES_MAX = 24, BOARD_IRQS = 96 };
enum { SIZE_1 = 1, SIZE_2 = 2, SIZE_4 = 4, SIZE_8 = 8, SIZE_ALL = 15 };
#define BOARD_TIMEBASE UINT64_C(10000000) /* mtime ticks in a second */
#define BOARD_NEVER UINT64_MAX

struct board;

/* Registers at [base, base + size). offset is from base; accesses are naturally aligned, of a size in sizes. False: an
 * access fault. All calls are made under the board's lock; h is NULL where no hart is behind an access. */
struct device {
    const char *name;
    uint64_t base, size;
    unsigned sizes; /* SIZE_ bits */
    void *ctx;
    bool (*read)(void *ctx, struct hart *h, uint64_t offset, unsigned size, uint64_t *value);
    bool (*write)(void *ctx, struct hart *h, uint64_t offset, unsigned size, uint64_t value);
    void (*stop)(void *ctx);    /* may be NULL; ends the device's own threads: called before any device is destroyed */
    void (*destroy)(void *ctx); /* may be NULL; called without the lock, when no hart and no I/O thread runs any more */
};

/* Calls fn (on the I/O thread, under the lock) once time has reached deadline. */
struct board_timer {
    uint64_t deadline; /* mtime ticks; BOARD_NEVER: off */
    void (*fn)(void *ctx);
    void *ctx;
    struct board_timer *next;
};

/* What the I/O thread is about to wait for. */
struct pollset {
    struct pollfd *fds;
    unsigned count, room;
    uint64_t deadline_ns; /* on CLOCK_MONOTONIC; BOARD_NEVER: none */
};
/* Something with file descriptors: fill says what to wait for, polled looks at the outcome. */
struct board_source {
    void *ctx;
    void (*fill)(void *ctx, struct pollset *set);
    void (*polled)(void *ctx, const struct pollset *set);
};

/* How a hart hears from the board; tests put their own functions here. */
struct board_wires {
    void (*interrupt)(struct hart *h, unsigned bit, bool level);
    void (*dma)(struct hart *h, uint64_t address, uint64_t size);
};

struct board_config {
    unsigned harts;       /* 1 to BOARD_HARTS_MAX */
    uint64_t ram_bytes;   /* at 0x80000000; a multiple of 4 KiB */
    bool counted;         /* time is hart 0's instruction count (bus.h), and the I/O thread's work is done on its thread */
    struct board_wires wires;
};

/* NULL with one line in err: no memory for the guest's RAM. */
struct board *board_create(const struct board_config *config, char *err, size_t n);
/* Ends the I/O thread: before what its sources use is taken away. */
void board_end_io(struct board *b);
/* Ends the I/O thread and frees everything; no hart runs any more. */
void board_destroy(struct board *b);
/* The harts' side; valid until board_destroy. RAM and devices must have been added before. */
const struct bus *board_bus(struct board *b);
void board_set_hart(struct board *b, unsigned index, struct hart *h);
struct hart *board_hart(const struct board *b, unsigned index); /* NULL: not set */
unsigned board_hart_count(const struct board *b);
/* A hart's index on the board; the count where it is not one of the board's. */
unsigned board_hart_index(const struct board *b, const struct hart *h);

/* Zeroed memory at base; its host address, or NULL. size is a multiple of 4 KiB. */
uint8_t *board_add_ram(struct board *b, uint64_t base, uint64_t size, bool read_only);
/* Memory the caller provides and keeps. */
bool board_add_ram_at(struct board *b, uint64_t base, uint64_t size, uint8_t *host, bool read_only);
/* False: too many, or the range overlaps another one. */
bool board_add_device(struct board *b, const struct device *d);
bool board_add_source(struct board *b, const struct board_source *s);
void board_add_timer(struct board *b, struct board_timer *t);
/* Under the lock: changes a timer. */
void board_set_timer(struct board *b, struct board_timer *t, uint64_t deadline);
/* Whether time is an instruction count. */
bool board_counted(const struct board *b);
/* Starts the I/O thread. False: one line in err. */
bool board_start(struct board *b, char *err, size_t n);
/* Makes the I/O thread ask its sources again; callable from any thread and from signal handlers. */
void board_wake_io(struct board *b);

void board_lock(struct board *b);
void board_unlock(struct board *b);
/* Under the lock, which is given up meanwhile: waits for a condition. */
void board_wait_cond(struct board *b, pthread_cond_t *cond);
uint64_t board_now(const struct board *b); /* mtime */
void board_set_now(struct board *b, uint64_t ticks);
bool board_read(struct board *b, struct hart *h, uint64_t address, unsigned size, uint64_t *value);
bool board_write(struct board *b, struct hart *h, uint64_t address, unsigned size, uint64_t value);

/* Under the lock: a device's interrupt line (1 to BOARD_IRQS - 1), and a bit of a hart's mip. */
void board_interrupt(struct board *b, unsigned irq, bool level);
void board_hart_interrupt(struct board *b, unsigned hart, unsigned bit, bool level);
/* Where board_interrupt goes: the interrupt controller. */
void board_set_controller(struct board *b, void (*fn)(void *ctx, unsigned irq, bool level), void *ctx);
/* Sstc's stimecmp, set by hart; where it is kept: the CLINT. */
void board_set_stimecmp_handler(struct board *b, void (*fn)(void *ctx, unsigned hart, uint64_t ticks), void *ctx);

/* Guest memory for a device: host address of [address, address + size) if all of it lies in one RAM region (and is
 * writable where write is set), else NULL. size 0 gives NULL. */
uint8_t *bus_dma(const struct board *b, uint64_t address, uint64_t size, bool write);
/* To be called after a device has written there, before the guest is told. */
void bus_dma_written(struct board *b, uint64_t address, uint64_t size);

/* Where harts' semihosting calls go; before the harts are made. destroy(ctx) at the end. */
void board_set_semihost(struct board *b, uint64_t (*fn)(void *ctx, struct hart *h, uint64_t operation, uint64_t argument),
                        void *ctx, void (*destroy)(void *ctx));
/* What a clock on the wall shows, in ns since 1970; in a counted run what the count says. */
uint64_t board_clock_ns(const struct board *b);
/* Random bytes; in a counted run the same in every run. Under the lock, or before the board is started. */
void board_random(struct board *b, void *to, size_t size);

/* How the machine ends. */
enum board_end { BOARD_RUNNING, BOARD_EXIT, BOARD_RESET };
/* Callable from any thread, with or without the lock; the first call counts. */
void board_stop(struct board *b, enum board_end how, int status);
/* Waits until board_stop was called, at most ms milliseconds (-1: for ever). */
enum board_end board_wait(struct board *b, int ms, int *status);

/* pollset's helpers: adds a descriptor and returns its index; -1: no memory. */
int pollset_add(struct pollset *set, int fd, short events);
void pollset_deadline(struct pollset *set, uint64_t ns);
uint64_t monotonic_ns(void);

#endif
