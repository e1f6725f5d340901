/* board.c: address ranges, memory, time, and how a machine ends. The I/O thread is in board_io.c.
 *
 * Ranges are kept sorted by base, so that look-up is a binary search; the table is fixed before the first hart runs.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>

#include "board_internal.h"

#define COUNTED_CLOCK_START UINT64_C(1767225600) /* 2026-01-01 */

uint64_t monotonic_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static bool bus_read(void *ctx, struct hart *h, uint64_t address, unsigned size, uint64_t *value) {
    return board_read(ctx, h, address, size, value);
}

static bool bus_write(void *ctx, struct hart *h, uint64_t address, unsigned size, uint64_t value) {
    return board_write(ctx, h, address, size, value);
}

static uint64_t bus_time(void *ctx) { return board_now(ctx); }

static void bus_set_stimecmp(void *ctx, struct hart *h, uint64_t ticks) {
    struct board *b = ctx;
    unsigned index = board_hart_index(b, h);
    if (index == b->config.harts || !b->set_stimecmp)
        return;
    board_lock(b);
    b->set_stimecmp(b->stimecmp_ctx, index, ticks);
    board_unlock(b);
}

static uint64_t bus_semihost(void *ctx, struct hart *h, uint64_t operation, uint64_t argument) {
    struct board *b = ctx;
    return b->semihost(b->semihost_ctx, h, operation, argument);
}

void board_set_semihost(struct board *b,
                        uint64_t (*fn)(void *ctx, struct hart *h, uint64_t operation, uint64_t argument), void *ctx,
                        void (*destroy)(void *ctx)) {
    b->semihost = fn;
    b->semihost_ctx = ctx;
    b->semihost_destroy = destroy;
    b->bus.semihost = bus_semihost;
}

struct board *board_create(const struct board_config *config, char *err, size_t n) {
    struct board *b = calloc(1, sizeof *b);
    if (!b) {
        snprintf(err, n, "no memory");
        return NULL;
    }
    b->config = *config;
    pthread_mutex_init(&b->lock, NULL);
    pthread_mutex_init(&b->end_lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&b->ended, &attr);
    pthread_condattr_destroy(&attr);
    b->start_ns = monotonic_ns();
    b->wake_fd = -1;
    b->bus = (struct bus){
        .ctx = b,
        .ram = b->ram,
        .read = bus_read,
        .write = bus_write,
        .time = bus_time,
        .set_stimecmp = bus_set_stimecmp,
        .icount_reached = board_io_round,
    };
    if (board_io_create(b) && board_add_ram(b, 0x80000000, config->ram_bytes, false))
        return b;
    snprintf(err, n, "no memory for %" PRIu64 " MiB of guest RAM", config->ram_bytes >> 20);
    board_destroy(b);
    return NULL;
}

/* Guest memory lies between pages that nobody may touch: what would go past its ends stops there. */
enum { GUARD = 4096 };

static uint8_t *map_ram(uint64_t size) {
    if (size > SIZE_MAX - 2 * GUARD)
        return NULL;
    uint8_t *all = mmap(NULL, size + 2 * GUARD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (all == MAP_FAILED)
        return NULL;
    if (mprotect(all + GUARD, size, PROT_READ | PROT_WRITE) == 0)
        return all + GUARD;
    munmap(all, size + 2 * GUARD);
    return NULL;
}

static void unmap_ram(uint8_t *host, uint64_t size) { munmap(host - GUARD, size + 2 * GUARD); }

void board_destroy(struct board *b) {
    board_io_destroy(b);
    for (unsigned i = 0; i < b->device_count; i++)
        if (b->devices[i].stop)
            b->devices[i].stop(b->devices[i].ctx);
    for (unsigned i = 0; i < b->device_count; i++)
        if (b->devices[i].destroy)
            b->devices[i].destroy(b->devices[i].ctx);
    if (b->semihost_destroy)
        b->semihost_destroy(b->semihost_ctx);
    for (unsigned i = 0; i < b->bus.ram_count; i++)
        if (b->owned[i])
            unmap_ram(b->ram[i].host, b->ram[i].size);
    pthread_mutex_destroy(&b->lock);
    pthread_mutex_destroy(&b->end_lock);
    pthread_cond_destroy(&b->ended);
    free(b);
}

const struct bus *board_bus(struct board *b) { return &b->bus; }
void board_lock(struct board *b) { pthread_mutex_lock(&b->lock); }
void board_unlock(struct board *b) { pthread_mutex_unlock(&b->lock); }
void board_wait_cond(struct board *b, pthread_cond_t *cond) { pthread_cond_wait(cond, &b->lock); }
unsigned board_hart_count(const struct board *b) { return b->config.harts; }
void board_set_hart(struct board *b, unsigned index, struct hart *h) { b->harts[index] = h; }
struct hart *board_hart(const struct board *b, unsigned index) {
    return b->harts[index];
}

unsigned board_hart_index(const struct board *b, const struct hart *h) {
    unsigned i = 0;
    while (i < b->config.harts && b->harts[i] != h)
        i++;
    return i;
}

static bool overlaps(uint64_t base, uint64_t size, uint64_t other, uint64_t other_size) {
    return base - other < other_size || other - base < size;
}

/* Whether [base, base + size) is a sensible range and nothing lies there yet. */
static bool range_free(const struct board *b, uint64_t base, uint64_t size) {
    if (size == 0 || base + (size - 1) < base)
        return false;
    for (unsigned i = 0; i < b->bus.ram_count; i++)
        if (overlaps(base, size, b->ram[i].base, b->ram[i].size))
            return false;
    for (unsigned i = 0; i < b->device_count; i++)
        if (overlaps(base, size, b->devices[i].base, b->devices[i].size))
            return false;
    return true;
}

bool board_add_ram_at(struct board *b, uint64_t base, uint64_t size, uint8_t *host, bool read_only) {
    if (b->bus.ram_count == BOARD_RAM_MAX || (base | size) & 4095 || !range_free(b, base, size))
        return false;
    b->ram[b->bus.ram_count++] = (struct bus_ram){.base = base, .size = size, .host = host, .read_only = read_only};
    return true;
}

uint8_t *board_add_ram(struct board *b, uint64_t base, uint64_t size, bool read_only) {
    if (size == 0)
        return NULL;
    uint8_t *host = map_ram(size);
    if (!host)
        return NULL;
    if (!board_add_ram_at(b, base, size, host, read_only)) {
        unmap_ram(host, size);
        return NULL;
    }
    b->owned[b->bus.ram_count - 1] = true;
    return host;
}

bool board_add_device(struct board *b, const struct device *d) {
    if (b->device_count == BOARD_DEVICES_MAX || !range_free(b, d->base, d->size))
        return false;
    unsigned at = b->device_count++;
    for (; at > 0 && b->devices[at - 1].base > d->base; at--)
        b->devices[at] = b->devices[at - 1];
    b->devices[at] = *d;
    return true;
}

static const struct device *device_at(const struct board *b, uint64_t address, unsigned size) {
    unsigned low = 0, high = b->device_count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (b->devices[middle].base <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return NULL;
    const struct device *d = &b->devices[low - 1];
    bool inside = address - d->base < d->size && d->size - (address - d->base) >= size;
    return inside && (d->sizes & size) && (address & (size - 1)) == 0 ? d : NULL;
}

bool board_read(struct board *b, struct hart *h, uint64_t address, unsigned size, uint64_t *value) {
    const struct device *d = device_at(b, address, size);
    if (!d)
        return false;
    *value = 0;
    board_lock(b);
    bool ok = d->read(d->ctx, h, address - d->base, size, value);
    board_unlock(b);
    return ok;
}

bool board_write(struct board *b, struct hart *h, uint64_t address, unsigned size, uint64_t value) {
    const struct device *d = device_at(b, address, size);
    if (!d)
        return false;
    if (size < 8)
        value &= (UINT64_C(1) << size * 8) - 1;
    board_lock(b);
    bool ok = d->write(d->ctx, h, address - d->base, size, value);
    board_unlock(b);
    return ok;
}

bool board_counted(const struct board *b) { return b->config.counted; }

/* Nanoseconds since the start: an instruction is one in a counted run. */
static uint64_t elapsed_ns(const struct board *b) {
    if (b->config.counted)
        return b->harts[0] ? hart_icount(b->harts[0]) : 0;
    return monotonic_ns() - b->start_ns;
}

uint64_t board_now(const struct board *b) {
    uint64_t offset = __atomic_load_n(&b->time_offset, __ATOMIC_RELAXED);
    return elapsed_ns(b) / (1000000000 / BOARD_TIMEBASE) + offset;
}

uint64_t board_clock_ns(const struct board *b) {
    struct timespec t;
    if (b->config.counted)
        return COUNTED_CLOCK_START * 1000000000 + elapsed_ns(b);
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Counted: splitmix64, of Steele, Lea and Flood. */
void board_random(struct board *b, void *to, size_t size) {
    for (size_t done = 0; done < size;) {
        uint8_t bytes[256]; /* as much as getrandom gives in one piece */
        size_t n = size - done < sizeof bytes ? size - done : sizeof bytes;
        if (b->config.counted) {
            uint64_t z = b->random += 0x9e3779b97f4a7c15;
            z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
            z = (z ^ z >> 27) * 0x94d049bb133111eb;
            z ^= z >> 31;
            n = n < sizeof z ? n : sizeof z;
            memcpy(bytes, &z, n);
        } else if (getrandom(bytes, n, 0) != (ssize_t)n) {
            continue; /* a signal before the generator was ready */
        }
        memcpy((uint8_t *)to + done, bytes, n);
        done += n;
    }
}

void board_set_now(struct board *b, uint64_t ticks) {
    uint64_t offset = __atomic_load_n(&b->time_offset, __ATOMIC_RELAXED);
    __atomic_store_n(&b->time_offset, offset + ticks - board_now(b), __ATOMIC_RELAXED);
    board_wake_io(b);
}

void board_set_controller(struct board *b, void (*fn)(void *ctx, unsigned irq, bool level), void *ctx) {
    b->controller = fn;
    b->controller_ctx = ctx;
}

void board_set_stimecmp_handler(struct board *b, void (*fn)(void *ctx, unsigned hart, uint64_t ticks), void *ctx) {
    b->set_stimecmp = fn;
    b->stimecmp_ctx = ctx;
}

void board_interrupt(struct board *b, unsigned irq, bool level) {
    if (b->controller && irq > 0 && irq < BOARD_IRQS)
        b->controller(b->controller_ctx, irq, level);
}

void board_hart_interrupt(struct board *b, unsigned hart, unsigned bit, bool level) {
    if (hart < b->config.harts && b->harts[hart])
        b->config.wires.interrupt(b->harts[hart], bit, level);
}

uint8_t *bus_dma(const struct board *b, uint64_t address, uint64_t size, bool write) {
    if (size == 0)
        return NULL;
    for (unsigned i = 0; i < b->bus.ram_count; i++) {
        const struct bus_ram *r = &b->ram[i];
        if (address < r->base || address - r->base >= r->size)
            continue;
        uint64_t offset = address - r->base;
        return size <= r->size - offset && !(write && r->read_only) ? r->host + offset : NULL;
    }
    return NULL;
}

void bus_dma_written(struct board *b, uint64_t address, uint64_t size) {
    if (size > 0 && b->config.wires.dma && b->harts[0])
        b->config.wires.dma(b->harts[0], address, size);
}

void board_stop(struct board *b, enum board_end how, int status) {
    pthread_mutex_lock(&b->end_lock);
    if (b->end == BOARD_RUNNING) {
        b->end = how;
        b->status = status;
        pthread_cond_broadcast(&b->ended);
    }
    pthread_mutex_unlock(&b->end_lock);
}

enum board_end board_wait(struct board *b, int ms, int *status) {
    uint64_t until = monotonic_ns() + (uint64_t)(ms < 0 ? 0 : ms) * 1000000;
    struct timespec t = {.tv_sec = (time_t)(until / 1000000000), .tv_nsec = (long)(until % 1000000000)};
    pthread_mutex_lock(&b->end_lock);
    while (b->end == BOARD_RUNNING)
        if (ms < 0)
            pthread_cond_wait(&b->ended, &b->end_lock);
        else if (pthread_cond_timedwait(&b->ended, &b->end_lock, &t) != 0)
            break;
    enum board_end end = b->end;
    *status = b->status;
    pthread_mutex_unlock(&b->end_lock);
    return end;
}
