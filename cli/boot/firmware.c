/* firmware.c: what OpenSBI's fw_jump does with the device tree.
 *
 * fw_dynamic takes addresses from the board. fw_jump was built with some, and copies the device tree to one of them,
 * whatever is there; its function that returns the address (fw_next_arg1) is
 *
 *      li a0, N        or: addi, addiw
 *      slli a0, a0, S
 *      ret
 */
#include <string.h>

#include "boot.h"

enum { ADDI = 0x00000513, ADDIW = 0x0000051b, REST_OF_ADDI = 0xfffff }; /* a0, zero, immediate: the upper twelve bits */
enum { C_SLLI = 0x0502, NOT_AMOUNT = 0xef83, C_RET = 0x8082, CODE_BYTES = 4096 };

uint64_t firmware_tree(const struct board *b, uint64_t first) {
    const uint8_t *code = bus_dma(b, first, CODE_BYTES, false);
    for (unsigned at = 0; code && at + 8 <= CODE_BYTES; at += 2) {
        uint32_t load;
        uint16_t shift, ret;
        memcpy(&load, code + at, 4);
        memcpy(&shift, code + at + 4, 2);
        memcpy(&ret, code + at + 6, 2);
        if (((load & REST_OF_ADDI) != ADDI && (load & REST_OF_ADDI) != ADDIW) || (shift & NOT_AMOUNT) != C_SLLI ||
            ret != C_RET)
            continue;
        unsigned amount = (shift >> 2 & 31) | (shift >> 12 & 1) << 5;
        return (uint64_t)((int64_t)(int32_t)load >> 20) << amount;
    }
    return 0;
}
