/* isa.c: a guest program that executes one instruction of the extension it is asked for, which its --cpu has or not. */
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
    static _Alignas(64) char block[64];
    const char *name = argc > 1 ? argv[1] : "";
#define WHEN(extension, insn)                                                                                          \
    if (!strcmp(name, extension))                                                                                      \
    __asm__ volatile("li a0, 0\n\tmv a1, %0\n\t" insn : : "r"(block) : "a0", "a1", "fa0", "memory")
    WHEN("c", ".2byte 0x0505");               /* c.addi a0, 1 */
    WHEN("zba", ".4byte 0x20a52533");         /* sh1add a0, a0, a0 */
    WHEN("zbb", ".4byte 0x60251513");         /* cpop a0, a0 */
    WHEN("zbc", ".4byte 0x0aa51533");         /* clmul a0, a0, a0 */
    WHEN("zbs", ".4byte 0x28a51533");         /* bset a0, a0, a0 */
    WHEN("zbkb", ".4byte 0x08a57533");        /* packh a0, a0, a0 */
    WHEN("zbkx", ".4byte 0x28a54533");        /* xperm8 a0, a0, a0 */
    WHEN("zkne", ".4byte 0x32a50533");        /* aes64es a0, a0, a0 */
    WHEN("zknd", ".4byte 0x3aa50533");        /* aes64ds a0, a0, a0 */
    WHEN("zknh", ".4byte 0x10251513");        /* sha256sig0 a0, a0 */
    WHEN("zicond", ".4byte 0x0ea55533");      /* czero.eqz a0, a0, a0 */
    WHEN("zfa", ".4byte 0xf0180553");         /* fli.s fa0, 1 */
    WHEN("zfh", ".4byte 0x04a57553");         /* fadd.h fa0, fa0, fa0 */
    WHEN("zcb", ".2byte 0x9d75");             /* c.not a0 */
    WHEN("zacas", ".4byte 0x28a5a52f");       /* amocas.w a0, a0, (a1) */
    WHEN("zawrs", ".4byte 0x01d00073");       /* wrs.sto */
    WHEN("zicboz", ".4byte 0x0045a00f");      /* cbo.zero (a1) */
    WHEN("zicntr", ".4byte 0xc0002573");      /* rdcycle a0 */
    WHEN("zifencei", ".4byte 0x0000100f");    /* fence.i */
    WHEN("zihintpause", ".4byte 0x0100000f"); /* pause: without it a fence */
    puts("ran");
    return 0;
}
