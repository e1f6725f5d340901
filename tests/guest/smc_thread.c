// native: no
// expect: ok
/* One thread runs a function in a loop while another replaces it: once the new version is published, the old one must
 * never be seen again. */
#include "check.h"
#include <pthread.h>
#include <stdatomic.h>

enum { VERSIONS = 1500 };
static uint32_t *code;
static atomic_int published, seen;

static void *runner(void *unused) {
    (void)unused;
    for (;;) {
        int floor = atomic_load(&published);
        int got = (int)((code_fn *)code)(0, 0);
        int ceiling = atomic_load(&published);
        /* The next version may be in place a little before it is published. */
        CHECK(got >= floor && got <= ceiling + 1);
        atomic_store(&seen, got);
        if (floor == VERSIONS)
            return NULL;
    }
}

int main(void) {
    code = check_map(4096, PROT_READ | PROT_WRITE | PROT_EXEC);
    code[0] = rv_addi(X_A0, X_ZERO, 0);
    code[1] = RV_RET;
    check_flush(code, 8);
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, runner, NULL), 0);
    for (int version = 1; version <= VERSIONS; version++) {
        __atomic_store_n(&code[0], rv_addi(X_A0, X_ZERO, version), __ATOMIC_RELAXED);
        check_flush(code, 8);
        atomic_store(&published, version);
        if (version % 64 == 0)
            while (atomic_load(&seen) < version - 1)
                usleep(100);
    }
    for (int i = 0; i < 2; i++)
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
    puts("ok");
}
