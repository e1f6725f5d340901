// See queue.h.
#include "queue.h"

enum { QUEUE = 8, NEXT = 1, WRITE = 2, SLOTS = 8 };
static volatile uint32_t *registers;
static struct {
    uint64_t address;
    uint32_t size;
    uint16_t flags, next;
} table[QUEUE] __attribute__((aligned(16)));
static volatile struct { uint16_t flags, index, ring[QUEUE]; } avail __attribute__((aligned(16)));
static volatile struct {
    uint16_t flags, index;
    uint32_t ring[2 * QUEUE];
} used __attribute__((aligned(16)));

static void address(unsigned offset, const volatile void *at) {
    registers[offset / 4] = (uint32_t)(word)at;
    registers[offset / 4 + 1] = 0;
}

void queue_open(uint32_t type, uint32_t features) {
    for (unsigned i = 0; i < SLOTS && !registers; i++) {
        volatile uint32_t *slot = (volatile uint32_t *)(0x10001000 + (word)i * 0x1000);
        if (slot[2] == type)
            registers = slot;
    }
    expect("device", registers != NULL, true);
    registers[0x70 / 4] = 0;
    registers[0x70 / 4] = 3;
    registers[0x24 / 4] = 0;
    registers[0x20 / 4] = features;
    registers[0x24 / 4] = 1;
    registers[0x20 / 4] = 1;
    registers[0x70 / 4] = 11;
    registers[0x30 / 4] = 0;
    registers[0x38 / 4] = QUEUE;
    address(0x80, table);
    address(0x90, &avail);
    address(0xa0, &used);
    registers[0x44 / 4] = 1;
    registers[0x70 / 4] = 15;
}

void queue_request(const struct part *parts, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        table[i].address = (word)parts[i].at;
        table[i].size = parts[i].size;
        table[i].flags = (uint16_t)((parts[i].written ? WRITE : 0) | (i + 1 < count ? NEXT : 0));
        table[i].next = (uint16_t)(i + 1);
    }
    uint16_t before = used.index;
    avail.ring[avail.index % QUEUE] = 0;
    __asm__ volatile("fence" ::: "memory");
    avail.index++;
    __asm__ volatile("fence" ::: "memory");
    registers[0x50 / 4] = 0;
    while (used.index == before)
        ;
    __asm__ volatile("fence" ::: "memory");
}
