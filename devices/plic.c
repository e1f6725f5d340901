/* plic.c: the platform-level interrupt controller (RISC-V PLIC specification 1.0): 95 level-triggered sources.
 *
 *      0x000000 + 4 * source    priority           0x002000 + 0x80 * context      enable bits
 *      0x001000                 pending bits       0x200000 + 0x1000 * context    threshold; + 4 claim and complete
 */
#include <stdlib.h>

#include "devices.h"

enum { WORDS = BOARD_IRQS / 32, PRIORITY_MAX = 7, CONTEXTS_MAX = 2 * BOARD_HARTS_MAX };
enum { PENDING = 0x1000, ENABLE = 0x2000, ENABLE_STRIDE = 0x80, CONTEXT = 0x200000, CONTEXT_STRIDE = 0x1000 };
enum { PLIC_SIZE = 0x600000, MEIP_BIT = 11, SEIP_BIT = 9 };

struct plic {
    struct board *board;
    unsigned contexts;
    uint8_t priority[BOARD_IRQS];
    uint32_t level[WORDS], pending[WORDS], claimed[WORDS];
    uint32_t enable[CONTEXTS_MAX][WORDS];
    uint8_t threshold[CONTEXTS_MAX];
};

static bool bit_get(const uint32_t *bits, unsigned i) { return bits[i / 32] >> i % 32 & 1; }
static void bit_set(uint32_t *bits, unsigned i) { bits[i / 32] |= UINT32_C(1) << i % 32; }
static void bit_clear(uint32_t *bits, unsigned i) { bits[i / 32] &= ~(UINT32_C(1) << i % 32); }

/* The pending and enabled source of highest priority above the threshold, lowest number first; 0: none. */
static unsigned best(const struct plic *p, unsigned context, unsigned threshold) {
    unsigned found = 0;
    for (unsigned word = 0; word < WORDS; word++)
        for (uint32_t bits = p->pending[word] & p->enable[context][word]; bits; bits &= bits - 1) {
            unsigned irq = word * 32 + (unsigned)__builtin_ctz(bits);
            if (p->priority[irq] > threshold) {
                threshold = p->priority[irq];
                found = irq;
            }
        }
    return found;
}

static void update(struct plic *p) {
    for (unsigned c = 0; c < p->contexts; c++)
        board_hart_interrupt(p->board, c / 2, c & 1 ? SEIP_BIT : MEIP_BIT, best(p, c, p->threshold[c]) != 0);
}

static void set_level(void *ctx, unsigned irq, bool level) {
    struct plic *p = ctx;
    if (level)
        bit_set(p->level, irq);
    else
        bit_clear(p->level, irq);
    if (level && !bit_get(p->claimed, irq) && !bit_get(p->pending, irq)) {
        bit_set(p->pending, irq);
        update(p);
    } else if (!level && bit_get(p->pending, irq)) {
        bit_clear(p->pending, irq); /* withdrawn before anybody claimed it */
        update(p);
    }
}

static uint32_t claim(struct plic *p, unsigned context) {
    unsigned irq = best(p, context, 0);
    if (irq) {
        bit_clear(p->pending, irq);
        bit_set(p->claimed, irq);
        update(p);
    }
    return irq;
}

static void complete(struct plic *p, unsigned context, uint64_t irq) {
    if (irq == 0 || irq >= BOARD_IRQS || !bit_get(p->enable[context], (unsigned)irq))
        return;
    bit_clear(p->claimed, (unsigned)irq);
    if (bit_get(p->level, (unsigned)irq))
        bit_set(p->pending, (unsigned)irq);
    update(p);
}

static bool plic_read(void *ctx, struct hart *h, uint64_t offset, unsigned size, uint64_t *value) {
    struct plic *p = ctx;
    unsigned context = offset >= CONTEXT ? (unsigned)((offset - CONTEXT) / CONTEXT_STRIDE)
                                         : (unsigned)((offset - ENABLE) / ENABLE_STRIDE);
    if (offset < BOARD_IRQS * 4)
        *value = p->priority[offset / 4];
    else if (offset >= PENDING && offset < PENDING + WORDS * 4)
        *value = p->pending[(offset - PENDING) / 4];
    else if (offset >= ENABLE && offset < CONTEXT && context < p->contexts && offset % ENABLE_STRIDE < WORDS * 4)
        *value = p->enable[context][offset % ENABLE_STRIDE / 4];
    else if (offset >= CONTEXT && context < p->contexts && offset % CONTEXT_STRIDE == 0)
        *value = p->threshold[context];
    else if (offset >= CONTEXT && context < p->contexts && offset % CONTEXT_STRIDE == 4)
        *value = claim(p, context);
    return true;
}

static bool plic_write(void *ctx, struct hart *h, uint64_t offset, unsigned size, uint64_t value) {
    struct plic *p = ctx;
    unsigned context = offset >= CONTEXT ? (unsigned)((offset - CONTEXT) / CONTEXT_STRIDE)
                                         : (unsigned)((offset - ENABLE) / ENABLE_STRIDE);
    if (offset >= 4 && offset < BOARD_IRQS * 4) {
        p->priority[offset / 4] = value & PRIORITY_MAX;
        update(p);
    } else if (offset >= ENABLE && offset < CONTEXT && context < p->contexts && offset % ENABLE_STRIDE < WORDS * 4) {
        unsigned word = offset % ENABLE_STRIDE / 4;
        p->enable[context][word] = (uint32_t)value & (word == 0 ? ~UINT32_C(1) : UINT32_MAX);
        update(p);
    } else if (offset >= CONTEXT && context < p->contexts && offset % CONTEXT_STRIDE == 0) {
        p->threshold[context] = value & PRIORITY_MAX;
        update(p);
    } else if (offset >= CONTEXT && context < p->contexts && offset % CONTEXT_STRIDE == 4) {
        complete(p, context, value);
    }
    return true;
}

bool plic_create(struct board *b, uint64_t base) {
    struct plic *p = calloc(1, sizeof *p);
    if (!p)
        return false;
    p->board = b;
    p->contexts = 2 * board_hart_count(b);
    const struct device d = {.name = "plic",
                             .base = base,
                             .size = PLIC_SIZE,
                             .sizes = SIZE_4,
                             .ctx = p,
                             .read = plic_read,
                             .write = plic_write,
                             .destroy = free};
    if (!board_add_device(b, &d)) {
        free(p);
        return false;
    }
    board_set_controller(b, set_level, p);
    return true;
}
