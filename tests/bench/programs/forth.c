/* indirect: a little stack machine whose words are called through a table of function pointers, and a switch inside. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct vm {
    int64_t stack[16];
    int top, pc;
    int64_t left;
};
typedef void word(struct vm *);

static void w_dup(struct vm *m) { m->stack[m->top + 1] = m->stack[m->top], m->top++; }
static void w_mul(struct vm *m) { m->top--, m->stack[m->top] *= m->stack[m->top + 1]; }
static void w_inc(struct vm *m) { m->stack[m->top] += 12345; }
static void w_mask(struct vm *m) { m->stack[m->top] &= 0xffffff; }
static void w_mix(struct vm *m) {
    switch (m->stack[m->top] & 7) {
    case 0:
        m->stack[m->top] ^= 0x55;
        break;
    case 1:
        m->stack[m->top] += 3;
        break;
    case 2:
        m->stack[m->top] -= 9;
        break;
    case 3:
        m->stack[m->top] <<= 1;
        break;
    case 4:
        m->stack[m->top] >>= 1;
        break;
    case 5:
        m->stack[m->top] *= 5;
        break;
    case 6:
        m->stack[m->top] |= 0x100;
        break;
    default:
        m->stack[m->top] = ~m->stack[m->top];
        break;
    }
}
static void w_again(struct vm *m) { m->pc = --m->left > 0 ? 0 : 99; }

int main(int argc, char **argv) {
    static word *const program[] = {w_dup, w_mul, w_inc, w_mix, w_mask, w_mix, w_again};
    struct vm m = {.stack = {42}, .left = argc > 1 ? atoll(argv[1]) : 1000000};
    while (m.pc < 99)
        program[m.pc++](&m);
    printf("%lld\n", (long long)m.stack[m.top]);
}
