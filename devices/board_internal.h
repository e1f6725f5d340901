/* board_internal.h: struct board, for board.c and board_io.c alone. */
#ifndef DEVICES_BOARD_INTERNAL_H
#define DEVICES_BOARD_INTERNAL_H

#include "board.h"

struct board {
    struct bus bus;
    struct board_config config;
    struct bus_ram ram[BOARD_RAM_MAX];
    bool owned[BOARD_RAM_MAX]; /* mapped by the board itself */
    struct device devices[BOARD_DEVICES_MAX];
    unsigned device_count;
    struct hart *harts[BOARD_HARTS_MAX];
    void (*controller)(void *ctx, unsigned irq, bool level);
    void *controller_ctx;
    void (*set_stimecmp)(void *ctx, unsigned hart, uint64_t ticks);
    void *stimecmp_ctx;
    uint64_t (*semihost)(void *ctx, struct hart *h, uint64_t operation, uint64_t argument);
    void *semihost_ctx;
    void (*semihost_destroy)(void *ctx);
    uint64_t random; /* a counted run's generator */
    pthread_mutex_t lock;
    uint64_t start_ns, time_offset; /* time_offset: atomic */

    struct board_source sources[BOARD_SOURCES_MAX];
    unsigned source_count;
    struct board_timer *timers;
    struct pollset set;
    pthread_t thread;
    bool running;     /* the I/O thread exists */
    bool stopping;    /* it is to end; atomic */
    int wake_fd;      /* an eventfd */
    bool woken;       /* wake_fd has been written and not yet read; atomic */
    uint64_t round_end;    /* counted: the instruction at which sources are asked again */
    uint64_t asleep_until; /* mtime the I/O thread sleeps until; under the lock */

    pthread_mutex_t end_lock;
    pthread_cond_t ended;
    enum board_end end;
    int status;
};

bool board_io_create(struct board *b);
void board_io_destroy(struct board *b);
/* bus.h's icount_reached: a counted run's round of timers and sources, which are not waited for. */
void board_io_round(void *ctx, struct hart *h);

#endif
