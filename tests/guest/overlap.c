// native: no
// expect: upper halves: ok
// expect: chain: ok
/* Instructions that overlap: a jump into the second half of a 32-bit instruction executes other instructions than the
 * straight way through the same bytes. */
#include "check.h"

int main(void) {
    uint32_t *code = check_map(4096, PROT_READ | PROT_WRITE | PROT_EXEC);
    /* lui t0, with c.addi a0, 1 (0x0505) as its upper half */
    for (int i = 0; i < 6; i++)
        code[i] = 0x0505u << 16 | X_T0 << 7 | 0x37;
    code[6] = RV_RET;
    check_flush(code, 64);
    for (int i = 0; i < 300; i++) {
        CHECK_EQ(((code_fn *)code)(10, 0), 10);
        /* From a second half: c.addi, then the following words as they are. */
        for (int entry = 0; entry < 6; entry++) {
            CHECK_EQ(((code_fn *)((char *)code + entry * 4 + 2))(10, 0), 11);
            CHECK_EQ(((code_fn *)((char *)code + entry * 4))(10, 0), 10);
        }
    }
    puts("upper halves: ok");

    /* One stream of 32-bit instructions shifted by two bytes against another: each half is the low half of an
     * instruction of the shifted stream: 0x0513 is the low half of addi a0, a0, x as well as an immediate. */
    uint16_t *half = (uint16_t *)code;
    unsigned n = 0;
    for (int i = 0; i < 10;
         i++) {             /* addi a0, x10, imm with imm:rs1 bits chosen so that the upper half is 0x...13 too */
        half[n++] = 0x0513; /* addi a0, a0 (low half; rs1 bit 0 is bit 15 = 0) */
        half[n++] = 0x0513; /* upper half: imm 0x051, rs1 = 3 << 1: x6 */
    }
    half[n++] = 0x8082; /* ret */
    half[n++] = 0x8082;
    check_flush(code, 128);
    /* 0x05130513: imm = 0x051, rs1 = 00110 = x6 (t1), so a0 = t1 + 0x51 either way; entered at 2 the last halfword
     * pairs with ret: 0x80820513 is addi a0, tp (x4), -0x7f8. */
    for (int i = 0; i < 300; i++) {
        register long t1 __asm__("t1") = i;
        register long result __asm__("a0") = 0;
        register long tp_now __asm__("a5");
        void *entry = code;
        __asm__ volatile("mv a5, tp\n jalr ra, 0(%3)"
                         : "+r"(result), "+r"(t1), "=r"(tp_now)
                         : "r"(entry)
                         : "ra", "memory");
        CHECK_EQ(result, i + 0x51);
        entry = (char *)code + 2;
        __asm__ volatile("mv a5, tp\n jalr ra, 0(%3)"
                         : "+r"(result), "+r"(t1), "=r"(tp_now)
                         : "r"(entry)
                         : "ra", "memory");
        CHECK_EQ(result, tp_now - 0x7f8);
    }
    puts("chain: ok");
}
