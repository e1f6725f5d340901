# A program whose every step is the same everywhere: it uses no stack and asks the system for nothing but its end.
        .globl _start
        .type _start, @function
_start: la      a1, data
        li      s0, 3
1:      call    sum
        addi    s0, s0, -1
        bnez    s0, 1b
        # floating point: exact, inexact, invalid; boxing; flags
        fld     fa0, 0(a1)
        flw     fa1, 8(a1)
        fadd.d  fa2, fa0, fa0
        fcvt.s.d fa3, fa0
        fdiv.s  fa4, fa1, fa3
        fdiv.s  fa4, fa1, fa3
        fsqrt.d fa5, fa6
        fneg.d  ft0, fa0
        fsqrt.d fa5, ft0
        fcvt.w.d a2, fa0, rtz
        feq.d   a3, fa0, fa2
        fsd     fa4, 16(a1)
        fsw     fa4, 24(a1)
        frflags a4
        fsflags a4, zero
        fsrmi   1
        fscsr   zero
        # memory of all sizes
        sb      a1, 32(a1)
        sh      a1, 34(a1)
        sw      a1, 36(a1)
        sd      a1, 40(a1)
        lb      t0, 32(a1)
        lhu     t1, 34(a1)
        lw      t2, 36(a1)
        lbu     zero, 32(a1)
        # atomics
        addi    a5, a1, 48
        li      t3, 5
        amoadd.w t4, t3, (a5)
        amoswap.d zero, t3, (a5)
        amomaxu.d t4, a1, (a5)
2:      lr.w    t5, (a5)
        addi    t5, t5, 1
        sc.w    t6, t5, (a5)
        bnez    t6, 2b
        sc.d    t6, t5, (a5)
        fence
        tail    last
        .size _start, .-_start

        .type sum, @function
sum:    li      a0, 0
        mv      a2, s0
3:      add     a0, a0, a2
        addi    a2, a2, -1
        bgtz    a2, 3b
        j       tail_called
        .size sum, .-sum

        .type tail_called, @function
tail_called:
        slli    a0, a0, 33
        sext.w  a3, a0
        ret
        .size tail_called, .-tail_called

        .type last, @function
last:   li      a0, 0
        li      a7, 93
        ecall
        .size last, .-last

        .data
        .balign 64
data:   .dword  0x400921fb54442d18
        .word   0x40490fdb, 0
        .zero   48
