// native: no
// expect: ok
/* A signal at any instruction of a loop sees a consistent state: registers that the loop keeps in step are in step, the
 * pc is inside the loop; and the handler may change registers. */
#include "check.h"
#include <sys/time.h>

extern const char loop_start[], loop_end[];
static volatile int hits;

static void handler(int signal, siginfo_t *info, void *context) {
    ucontext_t *uc = context;
    uint64_t *x = (uint64_t *)uc->uc_mcontext.__gregs;
    if (x[0] < (uint64_t)loop_start || x[0] >= (uint64_t)loop_end)
        return;
    /* Each round adds 1, 2, 3, 4 to t0, t1, t2, t3, in this order. */
    uint64_t n = x[5];
    CHECK(x[6] == n * 2 || x[6] == (n - 1) * 2);
    CHECK(x[7] == n * 3 || x[7] == (n - 1) * 3);
    CHECK(x[28] == n * 4 || x[28] == (n - 1) * 4);
    CHECK(x[6] != (n - 1) * 2 || x[7] == (n - 1) * 3);
    CHECK(x[7] != (n - 1) * 3 || x[28] == (n - 1) * 4);
    uint64_t at = (x[0] - (uint64_t)loop_start) / 4;
    CHECK_EQ(x[6], at == 1 ? (n - 1) * 2 : n * 2);
    CHECK_EQ(x[7], at == 1 || at == 2 ? (n - 1) * 3 : n * 3);
    CHECK_EQ(x[28], at >= 1 && at <= 3 ? (n - 1) * 4 : n * 4);
    if (++hits == 40)
        x[10] = 1; /* lets the loop end */
}

int main(void) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigaction(SIGALRM, &action, NULL);
    struct itimerval timer = {{.tv_usec = 1000}, {.tv_usec = 1000}};
    setitimer(ITIMER_REAL, &timer, NULL);
    uint64_t rounds;
    __asm__ volatile(".option push\n.option norvc\n"
                     "   li a0, 0\n li t0, 0\n li t1, 0\n li t2, 0\n li t3, 0\n"
                     "loop_start:\n"
                     "1: addi t0, t0, 1\n addi t1, t1, 2\n addi t2, t2, 3\n addi t3, t3, 4\n"
                     "   beqz a0, 1b\n"
                     "loop_end:\n"
                     "   mv %0, t0\n.option pop\n"
                     : "=r"(rounds)::"a0", "t0", "t1", "t2", "t3");
    timer = (struct itimerval){0};
    setitimer(ITIMER_REAL, &timer, NULL);
    CHECK(rounds > 40);
    CHECK(hits >= 40);
    puts("ok");
}
