# The same for RV32: what is different there.
        .globl _start
        .type _start, @function
_start: la      a1, data
        li      s0, -2
        lw      a0, 0(a1)
        fld     fa0, 0(a1)
        fadd.d  fa1, fa0, fa0
        fcvt.w.d a2, fa1
        flw     fa2, 4(a1)
        sub     a3, zero, s0
        sw      s0, 8(a1)
        mulhu   a4, s0, s0
        jal     f
        frflags a5
        amomin.w a6, s0, (a1)
        li      a0, 0
        li      a7, 93
        ecall
        .size _start, .-_start
        .type f, @function
f:      srai    s0, s0, 1
        ret
        .size f, .-f
        .data
        .balign 64
data:   .dword  0x400921fb54442d18, 0
