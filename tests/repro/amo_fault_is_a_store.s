# amomax.w: interpret differs from step
# riv fuzz --replay=FILE.s runs it again.
#@ isa max
#@ way interpret
#@ seed 0xf4cc98892b2c6bbe
#@ main 1
#@ modifies 1
#@ fcsr 0x0
#@ x 2 0x10001800
#@ x 8 0x10001000
#@ x 9 0x10001801
#@ x 18 0x10001ffc
#@ x 31 0x1
#@ item 0xa7b2202f 4 0 0 0
# amomax.w: interpret differs from step (max, case 0xf4cc98892b2c6bbe)
# seed 0xf4cc98892b2c6bbe rv64
#   2345000: a7b2202f  amomax.w.aqrl	zero,s11,(tp)          amomax_w
#   2345004: ebreak
#   tp=0 s11=0 fcsr=0
#   cause    step 000000000000000f  interpret 000000000000000d
#   as interpret: translate warm one-by-one plain-host
# riscv64-linux-gnu-gcc -nostdlib -static -Wl,--section-start=.fuzz=0x2345000,--section-start=.scratch=0x10000000 FILE.s
        .option norelax
        .section .fuzz, "awx"
code:
        .4byte 0xa7b2202f       # amomax.w.aqrl	zero,s11,(tp)
        .4byte 0x00100073       # ebreak
        .org 1024
        .fill 256, 4, 0x00000000
        .org 4096
        .globl _start
_start:
        lla t6, registers
        fld f0, 256(t6)
        fld f1, 264(t6)
        fld f2, 272(t6)
        fld f3, 280(t6)
        fld f4, 288(t6)
        fld f5, 296(t6)
        fld f6, 304(t6)
        fld f7, 312(t6)
        fld f8, 320(t6)
        fld f9, 328(t6)
        fld f10, 336(t6)
        fld f11, 344(t6)
        fld f12, 352(t6)
        fld f13, 360(t6)
        fld f14, 368(t6)
        fld f15, 376(t6)
        fld f16, 384(t6)
        fld f17, 392(t6)
        fld f18, 400(t6)
        fld f19, 408(t6)
        fld f20, 416(t6)
        fld f21, 424(t6)
        fld f22, 432(t6)
        fld f23, 440(t6)
        fld f24, 448(t6)
        fld f25, 456(t6)
        fld f26, 464(t6)
        fld f27, 472(t6)
        fld f28, 480(t6)
        fld f29, 488(t6)
        fld f30, 496(t6)
        fld f31, 504(t6)
        li t5, 0x0
        fscsr t5
        ld x1, 8(t6)
        ld x2, 16(t6)
        ld x3, 24(t6)
        ld x4, 32(t6)
        ld x5, 40(t6)
        ld x6, 48(t6)
        ld x7, 56(t6)
        ld x8, 64(t6)
        ld x9, 72(t6)
        ld x10, 80(t6)
        ld x11, 88(t6)
        ld x12, 96(t6)
        ld x13, 104(t6)
        ld x14, 112(t6)
        ld x15, 120(t6)
        ld x16, 128(t6)
        ld x17, 136(t6)
        ld x18, 144(t6)
        ld x19, 152(t6)
        ld x20, 160(t6)
        ld x21, 168(t6)
        ld x22, 176(t6)
        ld x23, 184(t6)
        ld x24, 192(t6)
        ld x25, 200(t6)
        ld x26, 208(t6)
        ld x27, 216(t6)
        ld x28, 224(t6)
        ld x29, 232(t6)
        ld x30, 240(t6)
        ld x31, 248(t6)
        j code
        .balign 8
registers:
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x10001800, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x10001000, 0x00000000
        .4byte 0x10001801, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x10001ffc, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000001, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .4byte 0x00000000, 0x00000000
        .section .scratch, "aw"
        .fill 3072, 4, 0x00000000
