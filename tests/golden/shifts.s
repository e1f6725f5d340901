# What the builder folds: zero extension by two shifts, a rotate, scaled addresses, constants.
    .globl _start
_start:
    lui a3, 0x12345
    addi a3, a3, 0x678
    slli a4, a3, 32
    srli a4, a4, 32
    slliw a5, a3, 7
    srliw a2, a3, 25
    or a5, a5, a2
    li a2, 0
    slli a1, a4, 3
    add a1, a1, sp
    li a0, 0
    li a7, 93
    ecall
