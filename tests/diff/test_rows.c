/* Every row of cpu/riscv.def, alone and mixed, executed five ways that must agree on all registers, flags, memory and
 * traps: interpreted one instruction at a time, interpreted in blocks, translated, translated one instruction a block,
 * and translated without the host's newer instructions.
 *
 * RIV_SEED starts at another place; RIV_CASES multiplies the number of cases.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../cpu/interp.h"
#include "../../translate/engine.h"
#include "row_program.h"

enum { STEP, INTERPRET, TRANSLATE, ONE_BY_ONE, PLAIN_HOST, WAYS };
static const char *const way_names[WAYS] = {"step", "interpret", "translate", "one-by-one", "plain-host"};
static struct machine {
    struct engine *engines[WAYS];
    struct hart harts[WAYS];
    struct isa isa;
} machines[2];
static struct hart *volatile running;
static unsigned long executed[2][1024][WAYS], unfinished, cases_run, failures[WAYS];

static size_t fetch(void *ctx, uint64_t pc, const uint8_t **host, uint32_t *cause) {
    *cause = TRAP_FETCH_PAGE;
    if (pc - PROGRAM_CODE >= 4096)
        return 0;
    *host = (const uint8_t *)(uintptr_t)pc;
    return PROGRAM_CODE + 4096 - pc;
}
static bool watch_code(void *ctx, uint64_t addr) { return true; }

static sigjmp_buf crash;
static void on_fault(int signal_number, siginfo_t *info, void *context) {
    if (!running) {
        signal(signal_number, SIG_DFL);
        return;
    }
    if (signal_number == SIGILL || signal_number == SIGFPE || !engine_host_fault(running, signal_number, info, context))
        siglongjmp(crash, 1);
}

static unsigned long cases(unsigned long n) {
    const char *text = getenv("RIV_CASES");
    return text ? n * strtoul(text, NULL, 0) : n;
}

/* An address that is not canonical arrives without its value: computed here from the instruction at pc. */
static void find_address(struct hart *h) {
    struct insn in;
    uint32_t bits;
    memcpy(&bits, (void *)(uintptr_t)h->pc, 4);
    insn_decode(h->isa, insn_length(bits) == 2 ? bits & 0xffff : bits, &in);
    unsigned format = insn_rows[in.id].format;
    bool stores = format == FMT_S || format == FMT_FST || (format == FMT_AMO);
    h->trap.cause = stores ? TRAP_STORE_PAGE : TRAP_LOAD_PAGE;
    h->trap.tval =
        h->x[in.rs1] + (format == FMT_AMO || format == FMT_LR || format == FMT_CBO ? 0 : (uint64_t)(int64_t)in.imm);
}

/* Runs one instruction after the other and notes which rows were executed; false when the program does not end. */
static bool step_to_end(const struct program *p, struct hart *h, uint64_t *trace, unsigned *traced) {
    if (sigsetjmp(h->fault_jmp, 0)) {
        h->in_interp = 0;
        if (h->trap.host_code == SI_KERNEL)
            find_address(h);
        return true;
    }
    for (*traced = 0; *traced < 1000;) {
        trace[(*traced)++] = h->pc;
        switch (interp_step(h, 1)) {
        case INTERP_TRAP:
            return true;
        default:
            break;
        }
    }
    return false;
}

enum run_end { ENDED, ENDLESS, CRASHED };
static enum run_end run_way(struct machine *m, int way, const struct program *p, struct program_state *end) {
    static uint64_t trace[1000];
    unsigned traced = 0;
    struct hart *h = &m->harts[way];
    program_place(p);
    engine_code_changed(m->engines[way], PROGRAM_CODE, PROGRAM_CODE + 4096);
    memcpy(h->x, p->start.x, sizeof p->start.x);
    memcpy(h->f, p->start.f, sizeof p->start.f);
    h->pc = p->start.pc;
    h->res_valid = 0;
    hart_set_fcsr(h, p->start.fcsr);
    memset(&h->trap, 0, sizeof h->trap);
    if (sigsetjmp(crash, 1)) {
        running = NULL;
        return CRASHED;
    }
    running = h;
    bool ended = true;
    if (way == STEP) {
        interp_flush(h);
        ended = step_to_end(p, h, trace, &traced);
        for (unsigned i = 0; ended && i < traced; i++) {
            int item = program_item_at(p, trace[i]);
            if (item >= 0)
                for (int k = 0; k < WAYS; k++)
                    executed[m - machines][p->items[item].row][k]++;
        }
    } else
        assert_int_equal(engine_run(h), STOP_TRAP);
    running = NULL;
    memset(end, 0, sizeof *end);
    memcpy(end->x, h->x, sizeof end->x);
    memcpy(end->f, h->f, sizeof end->f);
    end->pc = h->pc;
    end->fcsr = hart_get_fcsr(h);
    end->cause = h->trap.cause;
    end->tval = h->trap.tval;
    memcpy(end->scratch, (void *)(uintptr_t)PROGRAM_SCRATCH, SCRATCH_BYTES);
    return ended ? ENDED : ENDLESS;
}

struct pair {
    struct machine *m;
    int way;
};
static bool pair_differs(const struct program *p, void *ctx) {
    static struct program_state a, b;
    struct pair *pair = ctx;
    return run_way(pair->m, STEP, p, &a) == ENDED &&
           (run_way(pair->m, pair->way, p, &b), program_compare(&a, "", &b, "", NULL));
}
/* In a process of its own, as a crash may leave anything behind. */
static bool pair_crashes(const struct program *p, void *ctx) {
    struct pair *pair = ctx;
    fflush(NULL);
    pid_t child = fork();
    if (!child) {
        static struct program_state end;
        alarm(10);
        _exit(run_way(pair->m, pair->way, p, &end) == CRASHED);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return status != 0;
}

/* Prints a failing program once for each way and row in focus; a crash ends everything, as nothing can be relied on
 * then. */
static void report(struct machine *m, int way, const struct program *p, int focus, bool crashed) {
    static struct program small;
    static struct program_state reference, end;
    static int last_focus[WAYS] = {-2, -2, -2, -2, -2};
    failures[way]++;
    if (last_focus[way] == focus && !crashed)
        return;
    last_focus[way] = focus;
    small = *p;
    program_shrink(&small, crashed ? pair_crashes : pair_differs, &(struct pair){m, way});
    fprintf(stderr, "%s %s, RIV_SEED=%llu: ", way_names[way], crashed ? "crashes" : "disagrees with step",
            (unsigned long long)program_seed());
    program_print(&small, stderr);
    if (crashed)
        _exit(1);
    run_way(m, STEP, &small, &reference);
    run_way(m, way, &small, &end);
    program_compare(&reference, way_names[STEP], &end, way_names[way], stderr);
}

static void check_program(struct machine *m, const struct program *p, int focus) {
    static struct program_state reference, end;
    enum run_end how = run_way(m, STEP, p, &reference);
    if (how == CRASHED)
        report(m, STEP, p, focus, true);
    if (how == ENDLESS) {
        unfinished++;
        return;
    }
    cases_run++;
    for (int way = INTERPRET; way < WAYS; way++) {
        if (!m->engines[way])
            continue;
        how = run_way(m, way, p, &end);
        if (how == CRASHED || program_compare(&reference, "", &end, "", NULL))
            report(m, way, p, focus, how == CRASHED);
    }
}

/* In every test: cmocka puts handlers of its own in place before each. */
static void install_handlers(void) {
    static char stack[1 << 16];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    assert_int_equal(sigaltstack(&alternate, NULL), 0);
    const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
    for (int i = 0; i < 4; i++)
        assert_int_equal(sigaction(signals[i], &action, NULL), 0);
}

static int set_up(void **state) {
    static const char *const names[2] = {"max", "rv32max"};
    if (!program_map())
        return -1;
    for (int i = 0; i < 2; i++) {
        struct machine *m = &machines[i];
        char err[256];
        if (!isa_parse(&m->isa, names[i], err, sizeof err))
            return -1;
        for (int way = 0; way < WAYS; way++) {
            struct engine_config config = {
                .mem = {.fetch = fetch, .watch_code = watch_code},
                .isa = &m->isa,
                .kind = way < TRANSLATE ? ENGINE_INTERP : ENGINE_JIT,
                .hot = 1,
                .hostile = way == ONE_BY_ONE ? 5 : 4,
                .host_mask = way == PLAIN_HOST ? ~0u : 0,
            };
            m->engines[way] = engine_create(&config, err, sizeof err);
            if (!m->engines[way] && way >= TRANSLATE) {
                print_message("not translating: %s\n", err);
                continue;
            }
            if (!m->engines[way] || !engine_hart_init(m->engines[way], &m->harts[way]))
                return -1;
        }
    }
    return 0;
}

static int tear_down(void **state) {
    for (int i = 0; i < 2; i++)
        for (int way = 0; way < WAYS; way++)
            if (machines[i].engines[way]) {
                engine_hart_exit(&machines[i].harts[way]);
                engine_destroy(machines[i].engines[way]);
            }
    return 0;
}

/* AddressSanitizer keeps its shadow from 0x7fff8000 on, where a wild 32-bit address would change it: with it RV32
 * programs stay within their memory. */
#ifdef __SANITIZE_ADDRESS__
enum { SHADOW_IN_REACH = true };
#else
enum { SHADOW_IN_REACH = false };
#endif

static void run_rows(struct machine *m, unsigned max_rows, unsigned long each) {
    static struct program p;
    unsigned rows;
    const struct row_pattern *patterns = row_patterns(&rows);
    uint64_t seed = program_seed() * 1000003 + max_rows;
    memset(failures, 0, sizeof failures);
    install_handlers();
    for (unsigned row = 0; row < rows; row++) {
        if (!row_pattern_in(&patterns[row], &m->isa))
            continue;
        struct program_options options = {
            .focus = (int)row, .max_rows = max_rows, .tame = SHADOW_IN_REACH && m->isa.xlen == 32};
        for (unsigned long i = 0; i < cases(each); i++) {
            program_make(&p, &m->isa, program_random(&seed), &options);
            check_program(m, &p, (int)row);
        }
    }
    for (int way = 0; way < WAYS; way++)
        assert_int_equal(failures[way], 0);
}
static void rv64_rows_alone(void **state) { run_rows(&machines[0], 1, 40); }
static void rv64_rows_among_others(void **state) { run_rows(&machines[0], 20, 25); }

static void rv32_rows_alone(void **state) { run_rows(&machines[1], 1, 40); }
static void rv32_rows_among_others(void **state) { run_rows(&machines[1], 20, 25); }

/* Runs last: a row that no program has reached is not tested at all. */
static void every_row_was_executed(void **state) {
    unsigned rows, missing = 0;
    const struct row_pattern *patterns = row_patterns(&rows);
    for (unsigned row = 0; row < rows; row++) {
        bool somewhere = false;
        for (int i = 0; i < 2; i++) {
            bool in = row_pattern_in(&patterns[row], &machines[i].isa);
            somewhere |= in;
            if (in && executed[i][row][STEP] < 10) {
                print_error("rv%u: %s was executed %lu times\n", machines[i].isa.xlen, patterns[row].name,
                            executed[i][row][STEP]);
                missing++;
            }
        }
        if (!somewhere) {
            print_error("%s is in no instruction set\n", patterns[row].name);
            missing++;
        }
    }
    print_message("%lu programs compared, %lu left out because they do not end\n", cases_run, unfinished);
    assert_int_equal(missing, 0);
    assert_int_equal(unfinished, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rv64_rows_alone),        cmocka_unit_test(rv64_rows_among_others),
        cmocka_unit_test(rv32_rows_alone),        cmocka_unit_test(rv32_rows_among_others),
        cmocka_unit_test(every_row_was_executed),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
