/* A byte-code interpreter with computed gotos, one with a switch, one with a table of functions: the same program, the
 * same result. Indirect jumps with many targets from one place and from many. */
#include <stdint.h>
#include <stdio.h>

enum { PUSH, ADD, MUL, SUB, DUP, SWAP, ROT, LOAD, STORE, JNZ, DEC, XOR, SHIFT, CALL, RET, HALT, OPS };

/* A loop of 200 rounds that calls a subroutine at 40. */
static const uint8_t code[64] = {
    PUSH,         200, STORE, 0,    PUSH,  1,    STORE, 1,
    /* 8 */ LOAD, 1,   PUSH,  31,   MUL,   LOAD, 0,     ADD, STORE, 1,           CALL, 40,
    LOAD,         0,   DEC,   DUP,  STORE, 0,    JNZ,   8,   HALT,  [40] = LOAD, 1,    SHIFT,
    PUSH,         3,   SWAP,  LOAD, 0,     ROT,  SUB,   XOR, STORE, 1,           RET,
};

static uint64_t with_goto(void) {
    static void *const labels[OPS] = {&&push,  &&add, &&mul, &&sub,  &&dup,   &&swap, &&rot, &&load,
                                      &&store, &&jnz, &&dec, &&exor, &&shift, &&call, &&ret, &&halt};
    uint64_t stack[16], variables[4] = {0}, t;
    const uint8_t *calls[8];
    unsigned sp = 0, rp = 0;
    const uint8_t *pc = code;
#define NEXT goto *labels[*pc++]
    NEXT;
push:
    stack[sp++] = *pc++;
    NEXT;
add:
    sp--;
    stack[sp - 1] += stack[sp];
    NEXT;
mul:
    sp--;
    stack[sp - 1] *= stack[sp];
    NEXT;
sub:
    sp--;
    stack[sp - 1] -= stack[sp];
    NEXT;
dup:
    stack[sp] = stack[sp - 1];
    sp++;
    NEXT;
swap:
    t = stack[sp - 1];
    stack[sp - 1] = stack[sp - 2];
    stack[sp - 2] = t;
    NEXT;
rot:
    t = stack[sp - 3];
    stack[sp - 3] = stack[sp - 2];
    stack[sp - 2] = stack[sp - 1];
    stack[sp - 1] = t;
    NEXT;
load:
    stack[sp++] = variables[*pc++];
    NEXT;
store:
    variables[*pc++] = stack[--sp];
    NEXT;
jnz:
    t = *pc++;
    if (stack[--sp])
        pc = code + t;
    NEXT;
dec:
    stack[sp - 1]--;
    NEXT;
exor:
    sp--;
    stack[sp - 1] ^= stack[sp];
    NEXT;
shift:
    stack[sp - 1] = stack[sp - 1] >> 7 | stack[sp - 1] << 57;
    NEXT;
call:
    t = *pc++;
    calls[rp++] = pc;
    pc = code + t;
    NEXT;
ret:
    pc = calls[--rp];
    NEXT;
halt:
    return variables[1];
}

struct vm {
    uint64_t stack[16], variables[4];
    const uint8_t *calls[8], *pc;
    unsigned sp, rp, halted;
};
static inline void step(struct vm *v, unsigned op) {
    uint64_t t, *s = v->stack;
    switch (op) {
    case PUSH:
        s[v->sp++] = *v->pc++;
        break;
    case ADD:
        v->sp--;
        s[v->sp - 1] += s[v->sp];
        break;
    case MUL:
        v->sp--;
        s[v->sp - 1] *= s[v->sp];
        break;
    case SUB:
        v->sp--;
        s[v->sp - 1] -= s[v->sp];
        break;
    case DUP:
        s[v->sp] = s[v->sp - 1];
        v->sp++;
        break;
    case SWAP:
        t = s[v->sp - 1];
        s[v->sp - 1] = s[v->sp - 2];
        s[v->sp - 2] = t;
        break;
    case ROT:
        t = s[v->sp - 3];
        s[v->sp - 3] = s[v->sp - 2];
        s[v->sp - 2] = s[v->sp - 1];
        s[v->sp - 1] = t;
        break;
    case LOAD:
        s[v->sp++] = v->variables[*v->pc++];
        break;
    case STORE:
        v->variables[*v->pc++] = s[--v->sp];
        break;
    case JNZ:
        t = *v->pc++;
        if (s[--v->sp])
            v->pc = code + t;
        break;
    case DEC:
        s[v->sp - 1]--;
        break;
    case XOR:
        v->sp--;
        s[v->sp - 1] ^= s[v->sp];
        break;
    case SHIFT:
        s[v->sp - 1] = s[v->sp - 1] >> 7 | s[v->sp - 1] << 57;
        break;
    case CALL:
        t = *v->pc++;
        v->calls[v->rp++] = v->pc;
        v->pc = code + t;
        break;
    case RET:
        v->pc = v->calls[--v->rp];
        break;
    case HALT:
        v->halted = 1;
        break;
    }
}
static uint64_t with_switch(void) {
    struct vm v = {.pc = code};
    while (!v.halted)
        step(&v, *v.pc++);
    return v.variables[1];
}
#define FUNCTION(op)                                                                                                   \
    __attribute__((noinline)) static void do_##op(struct vm *v) { step(v, op); }
/* clang-format off */
FUNCTION(PUSH) FUNCTION(ADD) FUNCTION(MUL) FUNCTION(SUB) FUNCTION(DUP) FUNCTION(SWAP) FUNCTION(ROT) FUNCTION(LOAD)
FUNCTION(STORE) FUNCTION(JNZ) FUNCTION(DEC) FUNCTION(XOR) FUNCTION(SHIFT) FUNCTION(CALL) FUNCTION(RET) FUNCTION(HALT)
    /* clang-format on */
    static uint64_t with_table(void) {
    static void (*const table[OPS])(struct vm *) = {do_PUSH,  do_ADD,  do_MUL,   do_SUB, do_DUP, do_SWAP,
                                                    do_ROT,   do_LOAD, do_STORE, do_JNZ, do_DEC, do_XOR,
                                                    do_SHIFT, do_CALL, do_RET,   do_HALT};
    struct vm v = {.pc = code};
    while (!v.halted)
        table[*v.pc++](&v);
    return v.variables[1];
}

int main(void) {
    uint64_t a = 0, b = 0, c = 0;
    for (int i = 0; i < 60; i++) {
        a = a * 7 + with_goto();
        b = b * 7 + with_switch();
        c = c * 7 + with_table();
    }
    printf("%llx %d %d\n", (unsigned long long)a, a == b, b == c);
}
