/* A program without a C library, as qemu traces every instruction of one: calls, loads, stores, branches. */
static volatile unsigned long sink;
static unsigned long table[64];
__attribute__((noinline)) static int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
void _start(void) {
    for (int i = 0; i < 64; i++)
        table[i] = (unsigned long)i * 77;
    for (int round = 0; round < 400; round++)
        for (int i = 1; i < 64; i++)
            table[i] += table[i - 1] ^ (table[i] >> 3);
    sink = table[63] + (unsigned long)fib(ROUNDS);
    __asm__ volatile("li a0, 0\nli a7, 93\necall");
}
