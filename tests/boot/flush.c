// Writes block n (4 KiB of the word n, at place n % 64 of the drive), flushes, prints n; for ever.
#include "../../roms/rom.h"

enum { SLOTS = 64, BLOCK = 4096, QUEUE = 8, OUT = 1, FLUSH = 4 };
#define VIRTIO ((volatile uint32_t *)0x10001000)
struct descriptor {
    uint64_t address;
    uint32_t size;
    uint16_t flags, next;
};
static struct descriptor table[QUEUE] __attribute__((aligned(16)));
static volatile struct { uint16_t flags, index, ring[QUEUE]; } avail __attribute__((aligned(16)));
static volatile struct {
    uint16_t flags, index;
    uint32_t ring[2 * QUEUE];
} used __attribute__((aligned(16)));
static struct {
    uint32_t type, reserved;
    uint64_t sector;
} header;
static volatile uint8_t status;
static uint32_t data[BLOCK / 4];

static void request(uint32_t type, uint64_t sector) {
    bool write = type == OUT;
    header.type = type;
    header.sector = sector;
    table[0] = (struct descriptor){(word)&header, sizeof header, 1, write ? 1 : 2};
    table[1] = (struct descriptor){(word)data, BLOCK, 1, 2};
    table[2] = (struct descriptor){(word)&status, 1, 2, 0};
    status = 0xff;
    uint16_t before = used.index;
    avail.ring[avail.index % QUEUE] = 0;
    __asm__ volatile("fence" ::: "memory");
    avail.index++;
    __asm__ volatile("fence" ::: "memory");
    VIRTIO[0x50 / 4] = 0;
    while (used.index == before)
        ;
    __asm__ volatile("fence" ::: "memory");
    expect("status", status, 0);
}

static void address(unsigned offset, const volatile void *at) {
    VIRTIO[offset / 4] = (uint32_t)(word)at;
    VIRTIO[offset / 4 + 1] = 0;
}

void rom_main(word hart, const void *device_tree) {
    expect("block device", VIRTIO[2], 2);
    VIRTIO[0x70 / 4] = 0;
    VIRTIO[0x70 / 4] = 3;
    VIRTIO[0x24 / 4] = 0;
    VIRTIO[0x20 / 4] = 1 << 9;
    VIRTIO[0x24 / 4] = 1;
    VIRTIO[0x20 / 4] = 1;
    VIRTIO[0x70 / 4] = 11;
    VIRTIO[0x30 / 4] = 0;
    VIRTIO[0x38 / 4] = QUEUE;
    address(0x80, table);
    address(0x90, &avail);
    address(0xa0, &used);
    VIRTIO[0x44 / 4] = 1;
    VIRTIO[0x70 / 4] = 15;
    for (uint32_t n = 1;; n++) {
        for (unsigned i = 0; i < BLOCK / 4; i++)
            data[i] = n;
        request(OUT, (uint64_t)(n % SLOTS) * (BLOCK / 512));
        request(FLUSH, 0);
        print_number(n);
        print("\n");
    }
}
