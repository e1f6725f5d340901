/* Long random blocks in which one access faults, each access in turn and in each round of a loop: the guest's registers
 * must then be exactly those of the interpreter, wherever the translator kept them.
 *
 *      head:  sub  gp,t6,t5            gp: s0, and an address that is not mapped in round t5
 *             sltiu, slli, add
 *             ...                      arithmetic, loads and stores by s0, branches that go forward
 *             lw   a3,24(gp)           the one that is to fault
 *             ...
 *             addi t6,t6,-1
 *             bne  t6,zero,head        or straight on
 *             ebreak
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

#include "../../translate/engine.h"
#include "../../cli/fuzz/encode.h"
#include "row_program.h"

enum { INTERPRET, TRANSLATE, PLAIN_HOST, WAYS };
static const char *const way_names[WAYS] = {"interpret", "translate", "plain-host"};
enum { GP = 3, S0 = 8, ROUND = 30, COUNTER = 31, HEAD = 4, MOST = 57, ROUNDS = 4 };

static struct machine {
    struct isa isa;
    struct engine *engines[WAYS];
    struct hart harts[WAYS];
} machines[2];
static struct hart *volatile running;

static struct {
    struct insn items[MOST + HEAD + 3];
    unsigned count;
    struct program_state start;
} block;

static size_t fetch(void *ctx, uint64_t pc, const uint8_t **host, uint32_t *cause) {
    *cause = TRAP_FETCH_PAGE;
    if (pc - PROGRAM_CODE >= 4096)
        return 0;
    *host = (const uint8_t *)(uintptr_t)pc;
    return PROGRAM_CODE + 4096 - pc;
}
static bool watch_code(void *ctx, uint64_t addr) { return true; }

static void on_fault(int signal_number, siginfo_t *info, void *context) {
    if (!running || !engine_host_fault(running, signal_number, info, context))
        signal(signal_number, SIG_DFL);
}

static unsigned below(uint64_t *r, unsigned n) { return (unsigned)(program_random(r) >> 32) % n; }

static bool is_memory(const struct insn *in) {
    uint8_t f = insn_rows[in->id].format;
    return f == FMT_IL || f == FMT_S || f == FMT_FIL || f == FMT_FST;
}

/* The rows used: register arithmetic of all kinds, loads and stores. */
static unsigned usable_rows(const struct isa *isa, uint16_t *ids) {
    unsigned rows, n = 0;
    const struct row_pattern *patterns = row_patterns(&rows);
    for (unsigned i = 0; i < rows; i++) {
        uint8_t f = insn_rows[patterns[i].id].format;
        bool fits = f == FMT_R || f == FMT_R1 || f == FMT_I || f == FMT_SH || f == FMT_U || f == FMT_IL || f == FMT_S ||
                    f == FMT_FIL || f == FMT_FST || f == FMT_F3R || f == FMT_F3;
        if (fits && patterns[i].len == 4 && row_pattern_in(&patterns[i], isa))
            ids[n++] = patterns[i].id;
    }
    return n;
}

static void draw(struct insn *in, const uint16_t *ids, unsigned n, unsigned memory_percent, uint64_t *r) {
    bool memory = below(r, 100) < memory_percent;
    do
        *in = (struct insn){.id = ids[below(r, n)], .len = 4};
    while (is_memory(in) != memory);
    do
        in->rd = (uint8_t)below(r, 32);
    while (in->rd == GP || in->rd == S0 || in->rd == ROUND || in->rd == COUNTER);
    in->rs1 = (uint8_t)below(r, 32);
    in->rs2 = (uint8_t)below(r, 32);
    in->rm = RM_DYN;
    in->imm = (int32_t)program_random(r) >> below(r, 20);
    switch (insn_rows[in->id].format) {
    case FMT_IL:
    case FMT_S:
    case FMT_FIL:
    case FMT_FST:
        in->rs1 = S0;
        in->imm = (int32_t)below(r, 32) * 8;
        break;
    case FMT_SH:
        in->imm &= 31;
        break;
    case FMT_U:
        break;
    default:
        in->imm = (int32_t)((uint32_t)in->imm << 20) >> 20;
    }
}

static struct insn simple(uint16_t id, unsigned rd, unsigned rs1, unsigned rs2, int imm) {
    return (struct insn){.id = id, .len = 4, .rd = (uint8_t)rd, .rs1 = (uint8_t)rs1, .rs2 = (uint8_t)rs2, .imm = imm};
}

static void make_block(struct machine *m, bool loop, uint64_t *r) {
    static uint16_t ids[1024];
    static unsigned n;
    static struct machine *made_for;
    if (made_for != m)
        n = usable_rows(&m->isa, ids);
    made_for = m;
    unsigned length = 4 + below(r, MOST - 4), memory = 5 + below(r, 40);
    struct insn *in = block.items;
    *in++ = simple(INSN_sub, GP, COUNTER, ROUND, 0);
    *in++ = simple(INSN_sltiu, GP, GP, 0, 1);
    *in++ = simple(INSN_slli, GP, GP, 0, 30);
    *in++ = simple(INSN_add, GP, GP, S0, 0);
    for (unsigned i = 0; i < length; i++) {
        if (below(r, 100) < 6 && i + 8 < length) { /* a way around some */
            *in = simple(below(r, 2) ? INSN_bltu : INSN_beq, 0, below(r, 32), below(r, 32), 4 * (2 + (int)below(r, 6)));
            in++;
        } else {
            draw(in, ids, n, memory, r);
            unsigned kind = is_memory(in) || m->isa.xlen == 32 ? 99 : below(r, 10);
            if (kind < 2) /* copies and shifts by constants are what compilers make, and kept in a way of their own */
                *in = simple(INSN_addiw, in->rd, in->rs1, 0, 0);
            else if (kind < 4)
                *in = simple(kind == 2 ? INSN_srliw : INSN_slliw, in->rd, in->rs1, 0, 1 + (int)below(r, 31));
            in++;
        }
    }
    *in++ = simple(INSN_addi, COUNTER, COUNTER, 0, -1);
    if (loop) {
        *in = simple(INSN_bne, 0, COUNTER, 0, (int)(block.items - in) * 4);
        in++;
    }
    *in++ = simple(INSN_ebreak, 0, 0, 0, 0);
    block.count = (unsigned)(in - block.items);
    memset(&block.start, 0, sizeof block.start);
    for (int i = 1; i < 32; i++) {
        uint64_t v = (uint64_t)((int64_t)program_random(r) >> below(r, 64)), f = program_random(r);
        block.start.x[i] = m->isa.xlen == 32 ? (uint64_t)(int64_t)(int32_t)v : v;
        block.start.f[i] = below(r, 2) ? f | 0xffffffff00000000u : f;
    }
    block.start.x[S0] = PROGRAM_SCRATCH + 4096;
    block.start.x[COUNTER] = loop ? ROUNDS : 1;
    block.start.pc = PROGRAM_CODE;
    for (unsigned i = 0; i < SCRATCH_BYTES; i++)
        block.start.scratch[i] = (uint8_t)program_random(r);
}

/* Runs with access `at` through gp, which is bad in the given round. */
static void run_way(struct machine *m, int way, unsigned at, unsigned round, struct program_state *end) {
    struct hart *h = &m->harts[way];
    uint32_t *code = (uint32_t *)(uintptr_t)PROGRAM_CODE;
    for (unsigned i = 0; i < block.count; i++) {
        struct insn in = block.items[i];
        if (i == at)
            in.rs1 = GP;
        code[i] = encode_insn(&in);
    }
    memcpy((void *)(uintptr_t)PROGRAM_SCRATCH, block.start.scratch, SCRATCH_BYTES);
    engine_code_changed(m->engines[way], PROGRAM_CODE, PROGRAM_CODE + 4096);
    memcpy(h->x, block.start.x, sizeof block.start.x);
    memcpy(h->f, block.start.f, sizeof block.start.f);
    h->x[ROUND] = round;
    h->pc = PROGRAM_CODE;
    hart_set_fcsr(h, 0);
    memset(&h->trap, 0, sizeof h->trap);
    running = h;
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
}

static void print_block(struct machine *m, unsigned at, unsigned round) {
    fprintf(stderr, "access %u faults in round %u:\n", at, round);
    for (unsigned i = 0; i < block.count; i++) {
        struct insn in;
        char text[128];
        insn_decode(&m->isa, ((uint32_t *)(uintptr_t)PROGRAM_CODE)[i], &in);
        insn_disassemble(&in, PROGRAM_CODE + 4 * i, text, sizeof text);
        fprintf(stderr, "  %3u %x: %s\n", i, PROGRAM_CODE + 4 * i, text);
    }
}

static void check_blocks(struct machine *m, bool loop, unsigned long n) {
    static char stack[1 << 16];
    static struct program_state reference, end;
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    assert_int_equal(sigaltstack(&alternate, NULL), 0);
    assert_int_equal(sigaction(SIGSEGV, &action, NULL), 0);
    const char *text = getenv("RIV_CASES");
    uint64_t seed = program_seed() * 1000003 + loop;
    unsigned long faults = 0, ends = 0;
    for (n *= text ? strtoul(text, NULL, 0) : 1; n--;) {
        make_block(m, loop, &seed);
        for (unsigned at = HEAD; at < block.count; at++) {
            if (!is_memory(&block.items[at]))
                continue;
            unsigned round = loop ? 1 + below(&seed, ROUNDS) : 1;
            run_way(m, INTERPRET, at, round, &reference);
            *(reference.cause == TRAP_BREAKPOINT ? &ends : &faults) += 1;
            for (int way = TRANSLATE; way < WAYS; way++) {
                if (!m->engines[way])
                    continue;
                run_way(m, way, at, round, &end);
                if (!program_compare(&reference, way_names[INTERPRET], &end, way_names[way], stderr))
                    continue;
                print_block(m, at, round);
                fail();
            }
        }
    }
    print_message("%lu faults, %lu blocks left otherwise\n", faults, ends);
    assert_true(faults > 10 * ends / 100);
}

static void rv64_straight(void **state) { check_blocks(&machines[0], false, 250); }
static void rv64_loops(void **state) { check_blocks(&machines[0], true, 250); }

static void rv32_straight(void **state) { check_blocks(&machines[1], false, 100); }
static void rv32_loops(void **state) { check_blocks(&machines[1], true, 100); }

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
            struct engine_config config = {.mem = {.fetch = fetch, .watch_code = watch_code},
                                           .isa = &m->isa,
                                           .kind = way == INTERPRET ? ENGINE_INTERP : ENGINE_JIT,
                                           .hot = 1,
                                           .hostile = 4,
                                           .host_mask = way == PLAIN_HOST ? ~0u : 0};
            m->engines[way] = engine_create(&config, err, sizeof err);
            if (!m->engines[way] && way != INTERPRET) {
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rv64_straight),
        cmocka_unit_test(rv64_loops),
        cmocka_unit_test(rv32_straight),
        cmocka_unit_test(rv32_loops),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
