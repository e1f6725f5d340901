// what: code that changes: with fence.i, from another page, and a loop that patches itself
// variants: smc= smc32=rv32
#include "rom.h"

static uint32_t code[1024] __attribute__((aligned(4096)));

static void fence_i(void) { __asm__ volatile("fence.i" ::: "memory"); }
static uint32_t load_a0(unsigned value) { return 0x00000513 | value << 20; } /* li a0, value */
enum { RET = 0x00008067 };

static word run(void) { return ((word(*)(void))code)(); }

/* Without fence.i either the old or the new code may run, but nothing else. */
static void without_fence(void) {
    code[0] = load_a0(1);
    code[1] = RET;
    fence_i();
    expect("first", run(), 1);
    for (unsigned i = 0; i < 100; i++) {
        code[0] = load_a0(2 + (i & 1));
        word got = run();
        expect("old or new", got >= 1 && got <= 3, 1);
    }
    fence_i();
    expect("after fence.i", run(), 3);
}

static void with_fence(void) {
    for (unsigned i = 0; i < 2000; i++) {
        code[0] = load_a0(i);
        fence_i();
        expect("new code", run(), i & 0x800 ? (word)i - 0x1000 : i);
    }
}

/* Hot code (so that any translator has it), then a change in the middle. */
static void after_hot(void) {
    word sum = 0;
    code[0] = load_a0(5);
    code[1] = RET;
    fence_i();
    for (unsigned i = 0; i < 20000; i++)
        sum += run();
    expect("hot sum", sum, 100000);
    code[0] = load_a0(6);
    fence_i();
    expect("changed when hot", run(), 6);
}

/* A loop in the page that stores to its own page and fences. */
static void own_page(void) {
    static const uint32_t loop[] = {
        0x00a00293, /*     li   t0, 10 */
        0x00000513, /*     li   a0, 0 */
        0x00000317, /*     auipc t1, 0 */
        0x01432383, /* 1:  lw   t2, 20(t1)      the addi below */
        0x00100e37, /*     lui  t3, 0x100       its immediate + 1 */
        0x01c383b3, /*     add  t2, t2, t3 */
        0x00732a23, /*     sw   t2, 20(t1) */
        0x00050513, /*     addi a0, a0, 0       changed each time */
        0xfff28293, /*     addi t0, t0, -1 */
        0xfe0294e3, /*     bnez t0, 1b */
        RET,
    };
    for (unsigned i = 0; i < sizeof loop / sizeof *loop; i++)
        code[i] = loop[i];
    code[6] = 0x00732a23;
    /* fence.i between the store and the instruction it changed */
    uint32_t rest[] = {0x0000100f, 0x00050513, 0xfff28293, 0xfe0292e3, RET};
    for (unsigned i = 0; i < sizeof rest / sizeof *rest; i++)
        code[7 + i] = rest[i];
    code[3] = 0x01832383; /* lw t2, 24(t1): the addi is one further on */
    code[6] = 0x00732c23; /* sw t2, 24(t1) */
    fence_i();
    expect("1 + 2 + ... + 10", run(), 55);
}

void rom_main(word hart, const void *device_tree) {
    code[1] = RET;
    with_fence();
    without_fence();
    after_hot();
    own_page();
    print("smc: passed\n");
    finish(0);
}
