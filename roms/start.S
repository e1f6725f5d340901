/* start.S: reset, traps, and the way to a lower privilege and back. */
#if __riscv_xlen == 64
#define LOAD ld
#define STORE sd
#define WORD 8
#else
#define LOAD lw
#define STORE sw
#define WORD 4
#endif

    .section .text.start
    .globl _start
_start:
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    csrr a0, mhartid
    li t0, 8
    bgeu a0, t0, park
    la sp, stacks_end
    slli t0, a0, 14
    sub sp, sp, t0
    addi t0, sp, -2048      /* the upper 2 KiB of the stack are for traps */
    csrw mscratch, sp
    mv sp, t0
    la t0, trap
    csrw mtvec, t0
    csrw mie, zero
    li t0, 0x6000           /* mstatus.FS */
    csrs mstatus, t0
    csrw fcsr, zero
    li t0, -1               /* PMP: everything to everybody */
    csrw pmpaddr0, t0
    li t0, 0x1f
    csrw pmpcfg0, t0
    bnez a0, secondary

    la t0, bss_start
    la t1, bss_end
1:  bgeu t0, t1, 2f
    STORE zero, 0(t0)
    addi t0, t0, WORD
    j 1b
2:  la t0, bss_cleared
    li t1, 1
    fence rw, w
    sw t1, 0(t0)
    call rom_main
    li a0, 0
    call finish

secondary:
    la t0, bss_cleared
1:  lw t1, 0(t0)
    beqz t1, 1b
    fence r, rw
    la t0, arrived
    li t1, 1
    amoadd.w zero, t1, (t0)
    la t0, harts_go
1:  lw t1, 0(t0)
    beqz t1, 1b
    fence r, rw
    call rom_hart
park:
    csrw mie, zero
1:  wfi
    j 1b

/* Every trap is handled in M mode on the hart's trap stack, whose end mscratch holds; traps do not nest. */
    .balign 4
    .globl trap
trap:
    csrrw sp, mscratch, sp
    addi sp, sp, -32 * WORD
    .irp n, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    STORE x\n, \n * WORD(sp)
    .endr
    csrr t0, mscratch
    STORE t0, 2 * WORD(sp)
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    mv a0, sp
    call trap_dispatch
    addi t0, sp, 32 * WORD
    csrw mscratch, t0
    .irp n, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    LOAD x\n, \n * WORD(sp)
    .endr
    LOAD sp, 2 * WORD(sp)
    mret

/* word call_at(priv, fn, argument): saved registers go to the stack; the way back is an ecall with a7 = RETURN. */
    .globl call_at
call_at:
    addi sp, sp, -16 * WORD
    STORE ra, 0(sp)
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
    STORE s\n, (\n + 1) * WORD(sp)
    .endr
    STORE gp, 13 * WORD(sp)
    csrr t0, mhartid
    slli t0, t0, 3
    la t1, call_stack
    add t1, t1, t0
    STORE sp, 0(t1)
    li t0, 0x1800           /* mstatus.MPP */
    csrc mstatus, t0
    slli a0, a0, 11
    csrs mstatus, a0
    csrw mepc, a1
    mv a0, a2
    la ra, call_return
    mret
    .globl call_return
    .balign 4
call_return:
    li a7, 0x52455400
    ecall
    .globl call_returned
call_returned:              /* entered in M mode by trap_dispatch, a0 as fn left it */
    csrr t0, mhartid
    slli t0, t0, 3
    la t1, call_stack
    add t1, t1, t0
    LOAD sp, 0(t1)
    LOAD ra, 0(sp)
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
    LOAD s\n, (\n + 1) * WORD(sp)
    .endr
    LOAD gp, 13 * WORD(sp)
    addi sp, sp, 16 * WORD
    ret

    .data
    .balign 8
    .globl bss_cleared, arrived, harts_go
bss_cleared: .word 0
arrived:     .word 0
harts_go:    .word 0
    .balign 8
call_stack:  .fill 8, 8, 0
