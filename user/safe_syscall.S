/* safe_syscall.S: system calls that a signal cannot slip past, and copies that may fault.
 *
 * A signal that arrives between the test of *waiting and the syscall instruction would otherwise wait for as long as the
 * system call blocks.  The handler asks safe_syscall_interrupt whether it hit the range below and moves rip out of it.
 * The host handlers have SA_RESTART, so a restartable call that was interrupted appears at the syscall instruction, too.
 *
 * long safe_syscall(const uint32_t *waiting, long number, a, b, c, d, e, f)
 *                   rdi                      rsi     rdx rcx r8 r9 8(%rsp) 16(%rsp)
 */
        .text
        .globl  safe_syscall, safe_syscall_test, safe_syscall_insn, safe_syscall_end
        .type   safe_syscall, @function
safe_syscall:
        .cfi_startproc
        mov     %rdi, %r11
        mov     %rsi, %rax
        mov     %rdx, %rdi
        mov     %rcx, %rsi
        mov     %r8, %rdx
        mov     %r9, %r10
        mov     8(%rsp), %r8
        mov     16(%rsp), %r9
safe_syscall_test:
        cmpl    $0, (%r11)
        jne     1f
safe_syscall_insn:
        syscall
safe_syscall_end:
        ret
1:      mov     $-513, %rax             /* RESTART_NOT_STARTED */
        ret
        .cfi_endproc
        .size   safe_syscall, . - safe_syscall

/* long guest_copy(void *to, const void *from, size_t n) */
        .globl  guest_copy, guest_copy_insn, guest_copy_failed
        .type   guest_copy, @function
guest_copy:
        .cfi_startproc
        mov     %rdx, %rcx
guest_copy_insn:
        rep movsb
        xor     %eax, %eax
        ret
guest_copy_failed:
        mov     $-14, %rax              /* -EFAULT */
        ret
        .cfi_endproc
        .size   guest_copy, . - guest_copy

/* Where host signal handlers return to (SA_RESTORER). */
        .globl  signal_restorer
        .type   signal_restorer, @function
        nop
signal_restorer:
        mov     $15, %eax               /* rt_sigreturn */
        syscall
        .size   signal_restorer, . - signal_restorer
        .section .note.GNU-stack, "", @progbits
