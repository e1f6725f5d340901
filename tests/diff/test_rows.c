/* Every row of cpu/riscv.def, alone and mixed, executed all ways that must agree on all registers, flags, memory and
 * traps (cli/fuzz/ways.h): interpreted, translated in several ways, and on Unicorn what that knows.
 *
 * RIV_SEED starts at another place; RIV_CASES multiplies the number of cases.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "../../cli/fuzz/check.h"

static struct lab lab;
static struct tally tally;
enum { RV64, RV32 };

/* AddressSanitizer keeps its shadow from 0x7fff8000 on, where a wild 32-bit address would change it: there RV32 is left
 * to the build without. */
#ifdef __SANITIZE_ADDRESS__
static const char *const isas = "max";
#else
static const char *const isas = "max,rv32max";
#endif

static uint64_t first_seed(void) {
    const char *text = getenv("RIV_SEED");
    return text ? strtoull(text, NULL, 0) : 1;
}
static unsigned long cases(unsigned long n) {
    const char *text = getenv("RIV_CASES");
    return text ? n * strtoul(text, NULL, 0) : n;
}

static int set_up(void **state) {
    char err[256];
    if (lab_open(&lab, isas, NULL, NULL, true, &tally, err, sizeof err))
        return 0;
    print_error("%s\n", err);
    return -1;
}
static int tear_down(void **state) {
    lab_close(&lab);
    return 0;
}

static unsigned long programs;
static void check(unsigned isa, const struct program *p, enum way way) {
    static struct finding f;
    programs++;
    if (!program_check(&lab, isa, p, way, true, &f))
        return;
    finding_print(&f, stderr);
    if (f.kind != FINDING_DIFFERS) /* nothing can be relied on now */
        _Exit(1);
    fail_msg("RIV_SEED=%llu", (unsigned long long)first_seed());
}

static void run_rows(unsigned isa, unsigned max_rows, unsigned long each) {
    static struct program p;
    unsigned rows;
    const struct row_pattern *patterns = row_patterns(&rows);
    uint64_t seed = first_seed() * 1000003 + max_rows;
    if (isa >= lab.count)
        skip();
    assert_true(ways_install_handlers()); /* in every test: cmocka puts handlers of its own in place before each */
    for (unsigned row = 0; row < rows; row++) {
        if (!row_pattern_in(&patterns[row], &lab.machines[isa].isa))
            continue;
        struct program_options options = {.rows = &lab.rows[isa], .focus = (int)row, .max_rows = max_rows};
        for (unsigned long i = 0; i < cases(each); i++) {
            program_make(&p, &lab.machines[isa].isa, program_random(&seed), &options);
            check(isa, &p, WAYS);
        }
    }
}
static void rv64_rows_alone(void **state) { run_rows(RV64, 1, 40); }
static void rv64_rows_among_others(void **state) { run_rows(RV64, 20, 25); }
static void rv32_rows_alone(void **state) { run_rows(RV32, 1, 40); }
static void rv32_rows_among_others(void **state) { run_rows(RV32, 20, 25); }

static void run_with_unicorn(unsigned isa, bool singles) {
    static struct program p;
    unsigned rows;
    const struct row_pattern *patterns = row_patterns(&rows);
    uint64_t seed = first_seed() * 7919 + singles;
    if (isa >= lab.count)
        skip();
    assert_true(ways_install_handlers());
    for (unsigned row = 0; row < rows; row++) {
        if (!unicorn_has_row(&patterns[row], singles) || !row_pattern_in(&patterns[row], &lab.machines[isa].isa))
            continue;
        if (unicorn_word_min(&patterns[row]) && isa == RV64) {
            tally.known[UNICORN_WORD_MIN]++;
            continue;
        }
        bool alone = !unicorn_mixes_row(&patterns[row]);
        for (unsigned long i = 0; i < cases(60); i++) {
            struct program_options options = {.rows = &lab.mixed[isa][singles],
                                              .focus = (int)row,
                                              .max_rows = alone || i < 20 ? 1 : 15,
                                              .straight = alone,
                                              .tame = true};
            program_make(&p, &lab.machines[isa].isa, program_random(&seed), &options);
            unicorn_prepare(&p, singles, &patterns[row]);
            check(isa, &p, WAY_UNICORN);
        }
    }
}
static void rv64_with_unicorn_singles(void **state) { run_with_unicorn(RV64, true); }
static void rv64_with_unicorn_doubles(void **state) { run_with_unicorn(RV64, false); }
static void rv32_with_unicorn_singles(void **state) { run_with_unicorn(RV32, true); }
static void rv32_with_unicorn_doubles(void **state) { run_with_unicorn(RV32, false); }

static void known_differences_of_unicorn_are_rare(void **state) {
    print_message("%lu programs compared with Unicorn\n", (unsigned long)tally.compared_with_unicorn);
    for (int i = 0; i < UNICORN_CLASSES; i++)
        print_message("%8u %s\n", tally.known[i], unicorn_class_names[i]);
    assert_true(tally.compared_with_unicorn > 5000 * lab.count);
    assert_true((tally.known[UNICORN_TRAP] + tally.known[UNICORN_LONE_SC]) * 5 < tally.compared_with_unicorn);
}

/* Runs last: a row that no program has reached is not tested at all. */
static void every_row_was_executed(void **state) {
    unsigned rows, missing = 0;
    const struct row_pattern *patterns = row_patterns(&rows);
    for (unsigned row = 0; row < rows; row++) {
        bool somewhere = false;
        for (unsigned i = 0; i < lab.count; i++) {
            bool in = row_pattern_in(&patterns[row], &lab.machines[i].isa);
            somewhere |= in;
            if (in && tally.executed[i][row] < 10) {
                print_error("rv%u: %s was executed %u times\n", lab.machines[i].isa.xlen, patterns[row].name,
                            tally.executed[i][row]);
                missing++;
            }
        }
        bool privileged = !strcmp(insn_rows[patterns[row].id].extension, "System"); /* unit/test_system.c runs those */
        if (!somewhere && !privileged && lab.count == 2) {
            print_error("%s is in no instruction set\n", patterns[row].name);
            missing++;
        }
    }
    /* returns to the wrong place, which are made on purpose, may go round for ever */
    print_message("%lu of %lu programs left out because they do not end\n", (unsigned long)tally.endless, programs);
    assert_int_equal(missing, 0);
    assert_true(tally.endless * 50 < programs);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rv64_rows_alone),
        cmocka_unit_test(rv64_rows_among_others),
        cmocka_unit_test(rv32_rows_alone),
        cmocka_unit_test(rv32_rows_among_others),
        cmocka_unit_test(rv64_with_unicorn_singles),
        cmocka_unit_test(rv64_with_unicorn_doubles),
        cmocka_unit_test(rv32_with_unicorn_singles),
        cmocka_unit_test(rv32_with_unicorn_doubles),
        cmocka_unit_test(known_differences_of_unicorn_are_rare),
        cmocka_unit_test(every_row_was_executed),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
