// timeout: 20
// cflags: -ffp-contract=off
/* Signals must come through in loops that call nothing: an empty one, one of loads, one of arithmetic, one jump to
 * itself, several blocks chasing each other. */
#include "check.h"
#include <sys/time.h>

static volatile sig_atomic_t rung;
static sigjmp_buf out;

static void count(int signal) { rung++; }
static void escape(int signal) { siglongjmp(out, 1); }

static void arm(void (*handler)(int), int milliseconds) {
    struct sigaction action = {.sa_handler = handler};
    sigaction(SIGALRM, &action, NULL);
    struct itimerval timer = {.it_value = {.tv_usec = milliseconds * 1000}};
    setitimer(ITIMER_REAL, &timer, NULL);
}

int main(void) {
    for (volatile int i = 0; i < 5; i++) {
        rung = 0;
        arm(count, 20);
        while (!rung)
            ;
        printf("flag %d\n", (int)rung);
    }
    for (volatile int i = 0; i < 5; i++) {
        arm(escape, 20);
        if (!sigsetjmp(out, 1))
            for (;;)
                __asm__ volatile("");
        puts("jump to itself");
    }
    for (volatile int i = 0; i < 3; i++) {
        arm(escape, 20);
        if (!sigsetjmp(out, 1)) {
            uint64_t x = 1;
            for (;;) {
                x = x * 5 + 1;
                __asm__ volatile("" : "+r"(x));
                if (!(x & 1)) /* every other round */
                    __asm__ volatile("" ::: "memory");
            }
        }
        puts("arithmetic");
    }
    for (volatile int i = 0; i < 3; i++) {
        static void *volatile chain[3];
        chain[0] = (void *)&chain[1], chain[1] = (void *)&chain[2], chain[2] = (void *)&chain[0];
        arm(escape, 20);
        if (!sigsetjmp(out, 1))
            for (void *volatile *p = &chain[0];; p = (void *volatile *)*p)
                __asm__ volatile("" : "+r"(p));
        puts("pointer chase");
    }
    for (volatile int i = 0; i < 3; i++) {
        arm(escape, 20);
        if (!sigsetjmp(out, 1)) {
            static void *const labels[] = {&&a, &&b, &&c};
            static volatile int k;
        a:
        b:
        c:
            k = (k + 1) % 3;
            goto *labels[k];
        }
        puts("computed jumps");
    }
    /* Many signals during arithmetic that must come out right. */
    struct sigaction action = {.sa_handler = count, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &action, NULL);
    struct itimerval timer = {{.tv_usec = 500}, {.tv_usec = 500}};
    setitimer(ITIMER_REAL, &timer, NULL);
    uint64_t hash = 1;
    double d = 1;
    rung = 0;
    int rounds = 0;
    for (int i = 0; i < 3000000; i++) {
        hash = (hash ^ (uint64_t)i) * 0x100000001b3 + (hash >> 17) / (uint64_t)(i % 1000 + 1);
        d = d * 1.0000001 + 1 / (double)(i + 1);
    }
    while (rung < 5)
        rounds++;
    timer = (struct itimerval){0};
    setitimer(ITIMER_REAL, &timer, NULL);
    printf("%016llx %.17g\n", (unsigned long long)hash, d);
}
