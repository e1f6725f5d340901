/* board_io.c: the I/O thread: waits for file descriptors and deadlines, so that hart threads never do.
 *
 *      fill (lock) --> ppoll (no lock) --> due timers, polled (lock) --> fill ...
 *
 * In a counted run there is no such thread: hart 0 makes a round, without waiting, whenever its count has reached a
 * timer's time, and after ROUND_INSNS instructions, so that everything happens at an instruction that the count names.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "board_internal.h"

enum { ROUND_INSNS = 10000 }; /* fewer than a chardev has room for bytes */

int pollset_add(struct pollset *set, int fd, short events) {
    if (set->count == set->room) {
        unsigned room = set->room ? set->room * 2 : 16;
        struct pollfd *fds = realloc(set->fds, room * sizeof *fds);
        if (!fds)
            return -1;
        set->fds = fds;
        set->room = room;
    }
    set->fds[set->count] = (struct pollfd){.fd = fd, .events = events};
    return (int)set->count++;
}

void pollset_deadline(struct pollset *set, uint64_t ns) {
    if (ns < set->deadline_ns)
        set->deadline_ns = ns;
}

bool board_io_create(struct board *b) {
    b->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return b->wake_fd >= 0;
}

bool board_add_source(struct board *b, const struct board_source *s) {
    if (b->source_count == BOARD_SOURCES_MAX)
        return false;
    b->sources[b->source_count++] = *s;
    return true;
}

void board_add_timer(struct board *b, struct board_timer *t) {
    t->deadline = BOARD_NEVER;
    t->next = b->timers;
    b->timers = t;
}

/* A counted run's next round: after ROUND_INSNS of the last one, or when a timer is due. */
static void set_round(struct board *b) {
    const uint64_t tick = 1000000000 / BOARD_TIMEBASE;
    if (!b->harts[0])
        return;
    uint64_t count = hart_icount(b->harts[0]), now = board_now(b), next = b->round_end;
    for (const struct board_timer *t = b->timers; t; t = t->next) {
        uint64_t left = t->deadline > now ? t->deadline - now : 0;
        if (t->deadline != BOARD_NEVER && left < ROUND_INSNS && (count / tick + left) * tick < next)
            next = (count / tick + left) * tick;
    }
    hart_icount_deadline(b->harts[0], next);
}

void board_set_timer(struct board *b, struct board_timer *t, uint64_t deadline) {
    t->deadline = deadline;
    if (b->config.counted)
        set_round(b);
    else if (deadline < b->asleep_until)
        board_wake_io(b);
}

void board_wake_io(struct board *b) {
    if (__atomic_exchange_n(&b->woken, true, __ATOMIC_SEQ_CST))
        return;
    uint64_t one = 1;
    ssize_t done = write(b->wake_fd, &one, sizeof one);
    (void)done; /* only fails when the counter is full, and then the thread wakes anyway */
}

static void run_timers(struct board *b) {
    uint64_t now = board_now(b);
    for (struct board_timer *t = b->timers; t; t = t->next)
        if (t->deadline <= now) {
            t->deadline = BOARD_NEVER;
            t->fn(t->ctx);
        }
}

static void fill(struct board *b) {
    b->set.count = 0;
    b->set.deadline_ns = BOARD_NEVER;
    pollset_add(&b->set, b->wake_fd, POLLIN);
    for (unsigned i = 0; i < b->source_count; i++)
        b->sources[i].fill(b->sources[i].ctx, &b->set);
    uint64_t now = board_now(b);
    b->asleep_until = BOARD_NEVER;
    for (const struct board_timer *t = b->timers; t; t = t->next)
        if (t->deadline < b->asleep_until)
            b->asleep_until = t->deadline;
    const uint64_t tick_ns = 1000000000 / BOARD_TIMEBASE;
    if (b->asleep_until != BOARD_NEVER && b->asleep_until > now && (b->asleep_until - now) < BOARD_NEVER / 4 / tick_ns)
        pollset_deadline(&b->set, monotonic_ns() + (b->asleep_until - now) * tick_ns);
    else if (b->asleep_until <= now)
        pollset_deadline(&b->set, 0);
}

static void ask_sources(struct board *b) {
    for (unsigned i = 0; i < b->source_count; i++)
        b->sources[i].polled(b->sources[i].ctx, &b->set);
}

static void wait_sources(struct board *b, const struct timespec *limit) {
    int ready = ppoll(b->set.fds, b->set.count, limit, NULL);
    for (unsigned i = 0; ready <= 0 && i < b->set.count; i++)
        b->set.fds[i].revents = 0;
    if (b->set.fds[0].revents) {
        uint64_t count;
        ssize_t done = read(b->wake_fd, &count, sizeof count);
        (void)done;
        __atomic_store_n(&b->woken, false, __ATOMIC_SEQ_CST);
    }
}

void board_io_round(void *ctx, struct hart *h) {
    static const struct timespec at_once = {0};
    struct board *b = ctx;
    board_lock(b);
    run_timers(b);
    if (hart_icount(h) >= b->round_end) {
        fill(b);
        wait_sources(b, &at_once);
        ask_sources(b);
        b->round_end = hart_icount(h) + ROUND_INSNS;
    }
    set_round(b);
    board_unlock(b);
}

static void *io_main(void *arg) {
    struct board *b = arg;
    board_lock(b);
    while (!__atomic_load_n(&b->stopping, __ATOMIC_ACQUIRE)) {
        run_timers(b);
        fill(b);
        board_unlock(b);
        struct timespec wait = {0}, *limit = NULL;
        if (b->set.deadline_ns != BOARD_NEVER) {
            uint64_t now = monotonic_ns();
            uint64_t left = b->set.deadline_ns > now ? b->set.deadline_ns - now : 0;
            wait = (struct timespec){.tv_sec = (time_t)(left / 1000000000), .tv_nsec = (long)(left % 1000000000)};
            limit = &wait;
        }
        wait_sources(b, limit);
        board_lock(b);
        ask_sources(b);
    }
    board_unlock(b);
    return NULL;
}

bool board_start(struct board *b, char *err, size_t n) {
    if (b->config.counted) {
        board_lock(b);
        set_round(b);
        board_unlock(b);
        return true;
    }
    sigset_t all, old; /* signals are for the main thread */
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    int error = pthread_create(&b->thread, NULL, io_main, b);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (error) {
        snprintf(err, n, "cannot start a thread: %s", strerror(error));
        return false;
    }
    b->running = true;
    return true;
}

void board_end_io(struct board *b) {
    if (b->running) {
        __atomic_store_n(&b->stopping, true, __ATOMIC_RELEASE);
        board_wake_io(b);
        pthread_join(b->thread, NULL);
    }
    b->running = false;
}

void board_io_destroy(struct board *b) {
    board_end_io(b);
    if (b->wake_fd >= 0)
        close(b->wake_fd);
    free(b->set.fds);
}
