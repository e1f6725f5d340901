/* Coroutines by a hand-written context switch: returns go to where another stack left off, never to the latest call. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void switch_to(void **save, void *load);
#ifdef __riscv
__asm__(
    ".globl switch_to\nswitch_to:\n"
    "   addi sp, sp, -208\n"
    "   sd ra, 0(sp)\n sd s0, 8(sp)\n sd s1, 16(sp)\n sd s2, 24(sp)\n sd s3, 32(sp)\n sd s4, 40(sp)\n sd s5, 48(sp)\n"
    "   sd s6, 56(sp)\n sd s7, 64(sp)\n sd s8, 72(sp)\n sd s9, 80(sp)\n sd s10, 88(sp)\n sd s11, 96(sp)\n"
    "   fsd fs0, 104(sp)\n fsd fs1, 112(sp)\n"
    "   sd sp, 0(a0)\n mv sp, a1\n"
    "   ld ra, 0(sp)\n ld s0, 8(sp)\n ld s1, 16(sp)\n ld s2, 24(sp)\n ld s3, 32(sp)\n ld s4, 40(sp)\n ld s5, 48(sp)\n"
    "   ld s6, 56(sp)\n ld s7, 64(sp)\n ld s8, 72(sp)\n ld s9, 80(sp)\n ld s10, 88(sp)\n ld s11, 96(sp)\n"
    "   fld fs0, 104(sp)\n fld fs1, 112(sp)\n"
    "   addi sp, sp, 208\n ret\n");
enum { FRAME = 208, RETURN_AT = 0 };
#else
__asm__(".globl switch_to\nswitch_to:\n"
        "   push %rbp\n push %rbx\n push %r12\n push %r13\n push %r14\n push %r15\n"
        "   mov %rsp, (%rdi)\n mov %rsi, %rsp\n"
        "   pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbx\n pop %rbp\n ret\n");
enum { FRAME = 64, RETURN_AT = 48 };
#endif

enum { COROUTINES = 7, STACK = 65536 };
static void *contexts[COROUTINES], *main_context;
static int current, alive;
static uint64_t trace;

static void yield_to(int next) {
    int me = current;
    current = next;
    switch_to(&contexts[me], contexts[next]);
}

__attribute__((noinline)) static uint64_t walk(int depth, uint64_t seed) {
    double d = (double)(seed & 1023);
    if (depth) {
        seed = walk(depth - 1, seed * 6364136223846793005u + 1442695040888963407u);
        yield_to((current + 1 + (int)(seed >> 60) % 3) % COROUTINES);
    }
    trace = trace * 31 + (uint64_t)depth + (uint64_t)current + (uint64_t)d;
    return seed + (uint64_t)depth;
}

static void body(void) {
    for (int i = 0; i < 200; i++)
        trace += walk(1 + (i + current) % 12, (uint64_t)i);
    alive--;
    while (alive)
        yield_to((current + 1) % COROUTINES);
    void *unused;
    switch_to(&unused, main_context);
}

int main(void) {
    for (int i = 0; i < COROUTINES; i++) {
        char *top = (char *)malloc(STACK) + STACK;
        top -= (uintptr_t)top & 15;
        char *frame = top - FRAME - 16;
#ifndef __riscv
        frame += 8; /* as after a call */
#endif
        memset(frame, 0, FRAME);
        void (*start)(void) = body;
        memcpy(frame + RETURN_AT, &start, sizeof start);
        contexts[i] = frame;
    }
    alive = COROUTINES;
    switch_to(&main_context, contexts[0]);
    printf("%016llx\n", (unsigned long long)trace);
}
