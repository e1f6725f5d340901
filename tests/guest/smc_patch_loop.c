// native: no
// expect: in place 500500
// expect: next instruction 2000
// expect: constant 3000
/* A loop that patches its own instructions while it runs, with fence.i between the store and the patched instruction.
 */
#include "check.h"

/* a0 rounds, a1 step to add to the patched word; returns a sum. */
__asm__(".option push\n.option norvc\n.option norelax\n"
        "patch_in_place:\n"
        "   lla t0, 2f\n" /* relative to pc: the address in the copy */
        "   lw t2, 0(t0)\n li a3, 0\n"
        "1: \n"
        "2: addi a3, a3, 1\n"
        "   add t2, t2, a1\n sw t2, 0(t0)\n fence.i\n"
        "   addi a0, a0, -1\n bnez a0, 1b\n"
        "   mv a0, a3\n ret\n"
        "patch_in_place_end:\n"
        /* The store writes the instruction that follows the fence; it is add or sub in turn. */
        "patch_next:\n"
        "   lla t0, 2f\n"
        "   lw t2, 0(t0)\n xor t3, t2, a1\n li a3, 0\n li a4, 4\n"
        "1: sw t3, 0(t0)\n fence.i\n"
        "2: add a3, a3, a4\n"
        "   xor t3, t3, a1\n addi a0, a0, -1\n bnez a0, 1b\n"
        "   mv a0, a3\n ret\n"
        "patch_next_end:\n.option pop\n");
extern const char patch_in_place[], patch_in_place_end[], patch_next[], patch_next_end[];

typedef long patch_fn(long rounds, long step, void *self);

int main(void) {
    char *page = check_map(4096, PROT_READ | PROT_WRITE | PROT_EXEC);
    memcpy(page, patch_in_place, (size_t)(patch_in_place_end - patch_in_place));
    check_flush(page, 4096);
    printf("in place %ld\n", ((patch_fn *)page)(1000, 1L << 20, page));

    memcpy(page, patch_next, (size_t)(patch_next_end - patch_next));
    check_flush(page, 4096);
    /* add with funct7's bit 30 flipped is sub: -4 +4 -4 ...; then a different bit: add and xor. */
    long sum = ((patch_fn *)page)(1000, 1L << 30, page);
    CHECK_EQ(sum, 0);
    /* The operand alternates between a4, which is 4, and a2, which is the page's address. */
    sum = ((patch_fn *)page)(1000, 2L << 20, page);
    printf("next instruction %ld\n", sum - 500 * (long)page);

    uint32_t *code = (uint32_t *)page;
    long total = 0;
    for (int i = 0; i < 1000; i++) {
        code[0] = rv_addi(X_A0, X_ZERO, i % 7);
        code[1] = RV_RET;
        __asm__ volatile("fence.i" ::: "memory");
        total += ((code_fn *)code)(0, 0) == i % 7 ? 3 : 0;
    }
    printf("constant %ld\n", total);
}
