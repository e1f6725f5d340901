# Double arithmetic: a NaN is made canonical at the store, a fused multiply-add is checked at once.
    .globl _start
_start:
    li a1, 3
    fcvt.d.w fa0, a1
    fadd.d fa1, fa0, fa0
    fmul.d fa1, fa1, fa0
    fmadd.d fa2, fa0, fa1, fa1
    addi sp, sp, -16
    fsd fa1, 0(sp)
    fsd fa2, 8(sp)
    flt.d a0, fa2, fa1
    li a7, 93
    ecall
