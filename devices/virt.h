/* virt.h: the board that software expects, QEMU's virt: what lies where, and the device tree that says so. */
#ifndef DEVICES_VIRT_H
#define DEVICES_VIRT_H

#include "devices.h"
#include "virtio_devices.h"

#define VIRT_RAM UINT64_C(0x80000000)
#define VIRT_ROM UINT64_C(0x1000)
#define VIRT_FINISHER UINT64_C(0x100000)
#define VIRT_RTC UINT64_C(0x101000)
#define VIRT_CLINT UINT64_C(0x2000000)
#define VIRT_PLIC UINT64_C(0xc000000)
#define VIRT_UART UINT64_C(0x10000000)
#define VIRT_FLASH UINT64_C(0x20000000)
#define VIRT_FLASH_SIZE UINT64_C(0x2000000)
#define VIRT_FRAMEBUFFER UINT64_C(0x50000000) /* memory of its own, not part of RAM */
enum { VIRT_RTC_IRQ = 11, VIRT_UART_IRQ = 10, VIRT_ROM_SIZE = 0xf000, VIRT_DTB_MAX = 0x10000 };

struct virt_config {
    unsigned harts;
    uint64_t ram_bytes;
    unsigned xlen;          /* 32 or 64 */
    const char *isa;        /* "rv64imafdc_zicsr_..." */
    const char *mmu_type;   /* "riscv,sv57"; NULL: none */
    const char *bootargs;   /* or NULL */
    uint64_t initrd_start, initrd_end; /* equal: none */
    unsigned fb_width, fb_height;      /* 0: no simple-framebuffer */
    unsigned cbo_block;     /* bytes; 0: no cache-block instructions */
    bool virtio[VIRTIO_SLOTS]; /* slots that have a device */
    uint8_t seed[32];       /* random bytes for the system's own generator */
};

/* All devices that do not depend on options. flash: images for the two banks, NULL: empty. */
bool virt_add_devices(struct board *b, struct chardev *serial, const char *const flash[2], char *err, size_t n);
/* Memory for the framebuffer; NULL: no memory. */
uint8_t *virt_add_framebuffer(struct board *b, unsigned width, unsigned height);
/* Writes the device tree into room bytes at to; its size, or 0 (too small). */
size_t virt_device_tree(const struct virt_config *c, void *to, size_t room);
/* The reset ROM: every hart starts at VIRT_ROM, then goes on at entry with a0 its id, a1 the device tree, a2 dynamic (the
 * address of OpenSBI's struct fw_dynamic_info for fw_dynamic, which is filled in for next; 0 where next is 0). */
bool virt_add_rom(struct board *b, unsigned xlen, uint64_t entry, uint64_t device_tree, uint64_t next);

#endif
