/* interp_fixture.c: see interp_fixture.h.  Included by the tests that use it, as each test is one file. */
#include "interp_fixture.h"

struct fixture *fixture_running;

static size_t fixture_fetch(void *ctx, uint64_t pc, const uint8_t **host, uint32_t *cause) {
    struct fixture *f = ctx;
    f->fetches++;
    *cause = TRAP_FETCH_PAGE;
    if (pc < CODE || pc >= f->code_end)
        return 0;
    *host = (const uint8_t *)(uintptr_t)pc;
    uint64_t left = PAGE - pc % PAGE;
    return left < f->code_end - pc ? left : f->code_end - pc;
}
static bool fixture_watch(void *ctx, uint64_t addr) { return ((struct fixture *)ctx)->watched; }
static void fixture_fence_i(void *ctx, struct hart *h) { ((struct fixture *)ctx)->fence_is++; }
static bool fixture_begin(void *ctx, struct hart *h) {
    struct fixture *f = ctx;
    f->begins += f->stop_others;
    return f->stop_others;
}
static void fixture_end(void *ctx, struct hart *h) { ((struct fixture *)ctx)->ends++; }

static void on_fault(int sig) {
    (void)sig;
    siglongjmp(fixture_running->h.fault_jmp, 1);
}

void fixture_start(struct fixture *f, const char *isa, unsigned hot) {
    char err[200];
    memset(f, 0, sizeof *f);
    assert_true(isa_parse(&f->isa, isa, err, sizeof err));
    for (uint64_t p = CODE; p < HOLE; p = p == CODE ? DATA : HOLE) {
        void *at = mmap((void *)(uintptr_t)p, CODE_PAGES * PAGE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        assert_ptr_equal(at, (void *)(uintptr_t)p);
    }
    f->mem = (struct guest_memory){f, fixture_fetch, fixture_watch, fixture_fence_i, fixture_begin, fixture_end};
    f->watched = true;
    f->code_end = CODE + CODE_PAGES * PAGE;
    f->at = (uint32_t *)(uintptr_t)CODE;
    f->h.isa = &f->isa;
    f->h.xlen = f->isa.xlen;
    f->h.pc = CODE;
    assert_true(interp_create(&f->h, &(struct interp_config){&f->mem, hot}));
}

void fixture_stop(struct fixture *f) {
    interp_destroy(&f->h);
    munmap((void *)(uintptr_t)CODE, CODE_PAGES * PAGE);
    munmap((void *)(uintptr_t)DATA, CODE_PAGES * PAGE);
}

void fixture_emit(struct fixture *f, uint32_t bits) { memcpy(f->at++, &bits, sizeof bits); }

enum how { RUN, STEP, EXCLUSIVE };
static enum interp_stop go(struct fixture *f, enum how how, uint64_t n) {
    fixture_running = f;
    /* here, as cmocka sets its own before each test */
    struct sigaction sa = {.sa_handler = on_fault, .sa_flags = SA_NODEFER};
    sigaction(SIGSEGV, &sa, NULL);
    sigaction(SIGBUS, &sa, NULL);
    if (sigsetjmp(f->h.fault_jmp, 1) != 0) {
        f->h.pc = interp_fault_pc(&f->h);
        f->h.trap.cause = FIXTURE_HOST_FAULT;
        return INTERP_TRAP;
    }
    return how == RUN ? interp_run(&f->h) : how == STEP ? interp_step(&f->h, n) : interp_exclusive(&f->h);
}
enum interp_stop fixture_run(struct fixture *f) { return go(f, RUN, 0); }
enum interp_stop fixture_step(struct fixture *f, uint64_t n) { return go(f, STEP, n); }
enum interp_stop fixture_exclusive(struct fixture *f) { return go(f, EXCLUSIVE, 0); }
