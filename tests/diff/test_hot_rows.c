/* Every row of cpu/riscv.def in code that is hot: it runs in generated code, and the interpreter executes nothing of
 * it.
 *
 * A program with the row in it is run until its blocks are translated, then again: from then on the interpreter's count
 * must stand still.  What is left to it is listed in excused: it must be no more than one step a run, so that the code
 * around is still generated code.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <signal.h>
#include <string.h>

#include "../../cpu/interp.h"
#include "../../translate/engine_internal.h"
#include "row_program.h"

enum { HOT = 4, WARM_UP = 24, MEASURED = 16, PROGRAMS = 8 };

/* What the interpreter executes, one instruction at a time, in code that is otherwise translated:
 * an LR whose SC is not in sight, with all other harts stopped, and an SC whose LR is elsewhere. */
static bool reserves(uint16_t id) { return id == INSN_lr_w || id == INSN_lr_d || id == INSN_sc_w || id == INSN_sc_d; }

static struct hart *volatile running;
static size_t fetch(void *ctx, uint64_t pc, const uint8_t **host, uint32_t *cause) {
    *cause = TRAP_FETCH_PAGE;
    if (pc - PROGRAM_CODE >= 4096)
        return 0;
    *host = (const uint8_t *)(uintptr_t)pc;
    return PROGRAM_CODE + 4096 - pc;
}
static bool watch_code(void *ctx, uint64_t addr) { return true; }
static void on_fault(int sig, siginfo_t *info, void *context) {
    if (!running || !engine_host_fault(running, sig, info, context))
        signal(sig, SIG_DFL);
}

/* NaN-boxed operands of the row's precision: a single that is not boxed is the interpreter's in any case. */
static void box_operands(struct program *p, const char *name) {
    for (int i = 0; i < 32; i++) {
        if (strstr(name, "_h"))
            p->start.f[i] = fp_box_h(p->start.f[i] & 0xffff);
        else if (strstr(name, "_s"))
            p->start.f[i] = fp_box_s(p->start.f[i] & 0xffffffff);
    }
}

static void run_once(struct hart *h, const struct program *p) {
    memcpy(h->x, p->start.x, sizeof p->start.x);
    memcpy(h->f, p->start.f, sizeof p->start.f);
    memcpy((void *)(uintptr_t)PROGRAM_SCRATCH, p->start.scratch, SCRATCH_BYTES);
    h->pc = p->start.pc;
    h->res_valid = 0;
    hart_set_fcsr(h, p->start.fcsr);
    running = h;
    assert_int_equal(engine_run(h), STOP_TRAP);
    running = NULL;
}

static void install_handlers(void) {
    static char stack[1 << 16];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    assert_int_equal(sigaltstack(&alternate, NULL), 0);
    assert_int_equal(sigaction(SIGSEGV, &action, NULL), 0);
    assert_int_equal(sigaction(SIGBUS, &action, NULL), 0);
}

static void check_isa(const char *name) {
    static struct hart hart; /* one after the other */
    static struct program p;
    struct isa isa;
    char err[256];
    assert_true(isa_parse(&isa, name, err, sizeof err));
    struct engine_config config = {
        .mem = {.fetch = fetch, .watch_code = watch_code}, .isa = &isa, .kind = ENGINE_JIT, .stats = true, .hot = HOT};
    struct engine *e = engine_create(&config, err, sizeof err);
    if (!e) {
        print_message("not translating: %s\n", err);
        skip();
    }
    memset(&hart, 0, sizeof hart);
    assert_true(engine_hart_init(e, &hart));
    struct engine_hart *eh = hart.engine;
    install_handlers();
    unsigned rows, tested = 0, failed = 0;
    const struct row_pattern *patterns = row_patterns(&rows);
    uint64_t seed = program_seed();
    for (unsigned row = 0; row < rows; row++) {
        if (!row_pattern_in(&patterns[row], &isa))
            continue;
        tested++;
        for (unsigned i = 0; i < PROGRAMS; i++) {
            struct program_options options = {.focus = (int)row, .max_rows = 1, .straight = true, .tame = true};
            program_make(&p, &isa, program_random(&seed), &options);
            box_operands(&p, patterns[row].name);
            program_place(&p);
            engine_code_changed(e, PROGRAM_CODE, PROGRAM_CODE + 4096);
            for (unsigned k = 0; k < WARM_UP; k++)
                run_once(&hart, &p);
            uint64_t interpreted = interp_count(&hart), translated = hart.stat[0], steps = eh->single_steps;
            for (unsigned k = 0; k < MEASURED; k++)
                run_once(&hart, &p);
            interpreted = interp_count(&hart) - interpreted;
            translated = hart.stat[0] - translated;
            steps = eh->single_steps - steps;
            /* an LR brings what follows up to its SC with it */
            uint64_t steps_allowed = reserves(patterns[row].id) ? MEASURED : 0,
                     allowed = steps_allowed * (reserves(patterns[row].id) ? PROGRAM_ITEMS : 1);
            if (interpreted <= allowed && steps <= steps_allowed)
                continue;
            if (!failed++ || !i) {
                print_error("%s: %llu instructions interpreted, %llu stepped, %llu translated in\n", patterns[row].name,
                            (unsigned long long)interpreted, (unsigned long long)steps, (unsigned long long)translated);
                program_print(&p, stderr);
            }
            break;
        }
    }
    engine_hart_exit(&hart);
    engine_destroy(e);
    print_message("%u rows\n", tested);
    assert_true(tested > 200);
    assert_int_equal(failed, 0);
}
static void rv64_rows(void **state) { check_isa("max"); }
static void rv32_rows(void **state) { check_isa("rv32max"); }

static int map_program(void **state) { return program_map() ? 0 : -1; }

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(rv64_rows), cmocka_unit_test(rv32_rows)};
    return cmocka_run_group_tests(tests, map_program, NULL);
}
