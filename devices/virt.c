/* virt.c: devices at their addresses, and the code every hart starts with. */
#include "virt.h"

#include <stdio.h>
#include <string.h>

bool virt_add_devices(struct board *b, struct chardev *serial, const char *const flash[2], char *err, size_t n) {
    if (!finisher_create(b, VIRT_FINISHER) || !rtc_create(b, VIRT_RTC, VIRT_RTC_IRQ) || !clint_create(b, VIRT_CLINT) ||
        !plic_create(b, VIRT_PLIC) || !uart_create(b, VIRT_UART, VIRT_UART_IRQ, serial)) {
        snprintf(err, n, "no memory");
        return false;
    }
    for (unsigned i = 0; i < 2; i++)
        if (!flash_create(b, VIRT_FLASH + i * VIRT_FLASH_SIZE, VIRT_FLASH_SIZE, flash[i], flash[i] != NULL, err, n))
            return false;
    return true;
}

uint8_t *virt_add_framebuffer(struct board *b, unsigned width, unsigned height) {
    return board_add_ram(b, VIRT_FRAMEBUFFER, ((uint64_t)width * height * 4 + 4095) & ~UINT64_C(4095), false);
}

/*      0: auipc t0, 0          12: l[wd] a1, 32(t0)      32: device tree   40: entry
 *      4: addi  a2, t0, 48     16: l[wd] t0, 40(t0)      48: struct fw_dynamic_info: magic, version, next address,
 *      8: csrr  a0, mhartid    20: jr    t0                  next mode, options, boot hart, in words of xlen bits
 */
bool virt_add_rom(struct board *b, unsigned xlen, uint64_t entry, uint64_t device_tree, uint64_t next) {
    const uint32_t width = xlen == 32 ? 0x2000 : 0x3000;
    const uint32_t code[] = {
        0x00000297, 0x03028613, 0xf1402573, 0x02028583 | width, 0x02828283 | width, 0x00028067,
    };
    enum { PRIV_S_MODE = 1, VERSION = 2 };
    const uint64_t info[] = {0x4942534f, VERSION, next, PRIV_S_MODE, 0, UINT64_MAX};
    uint8_t *rom = board_add_ram(b, VIRT_ROM, VIRT_ROM_SIZE, true);
    if (!rom)
        return false;
    memcpy(rom, code, sizeof code);
    memcpy(rom + 32, &device_tree, 8);
    memcpy(rom + 40, &entry, 8);
    for (unsigned i = 0; next && i < sizeof info / sizeof *info; i++)
        memcpy(rom + 48 + i * (xlen / 8), &info[i], xlen / 8);
    return true;
}
