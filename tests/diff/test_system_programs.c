/* Random privileged programs (system_program.h), interpreted and translated: whatever they do to CSRs, page tables and
 * their own code, both end in the same state of registers, CSRs and memory.
 *
 * Half of them are counted runs, with interrupts at random counts: both engines take each at the same instruction, and
 * read the same counts and times.  RIV_SEED starts at another place; RIV_CASES multiplies the number of programs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../translate/engine.h"
#include "../../cpu/system.h"
#include "system_program.h"

enum { WAYS = 2, EVENTS = 400 };

struct machine_under_test {
    uint8_t *ram;
    struct bus bus;
    struct bus_ram regions[2]; /* the handlers' page is read-only */
    struct engine *engine;
    struct hart hart;
    /* a counted run's interrupts: where each was raised */
    uint64_t events_seed;
    unsigned events;
    struct {
        uint64_t count, pc, priv;
    } event[EVENTS];
};
/* by xlen, counted or not, engine */
static struct machine_under_test machines[2][2][WAYS], *ways;
static struct isa isas[2];
static struct system_program program;

static bool bus_read(void *ctx, struct hart *h, uint64_t address, unsigned size, uint64_t *value) {
    if (address != QUIET || size != 4)
        return false;
    *value = (uint32_t)hart_icount(h);
    return true;
}
static bool bus_write(void *ctx, struct hart *h, uint64_t address, unsigned size, uint64_t value) {
    if (address == FINISHER && size == 4 && value == FINISH)
        engine_kick(h);
    else if (address == QUIET)
        for (unsigned bit = 3; bit < 12; bit += 2)
            hart_interrupt(h, bit, false);
    return address == FINISHER || address == QUIET;
}
static uint64_t bus_time(void *ctx) {
    struct machine_under_test *m = ctx;
    return program.counted ? hart_icount(&m->hart) / 3 : 0;
}
static void bus_stimecmp(void *ctx, struct hart *h, uint64_t ticks) {}

static uint64_t event_random(struct machine_under_test *m) {
    m->events_seed = m->events_seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return m->events_seed >> 33;
}

/* Raises an interrupt, or none, and says when the next one comes. */
static void reached(void *ctx, struct hart *h) {
    static const uint8_t wires[] = {IRQ_MSI, IRQ_MTI, IRQ_MEI, IRQ_SEI, IRQ_STI};
    struct machine_under_test *m = ctx;
    if (m->events == EVENTS)
        return;
    m->event[m->events].count = hart_icount(h);
    m->event[m->events].pc = h->pc;
    m->event[m->events++].priv = h->sys->priv;
    hart_interrupt(h, wires[event_random(m) % sizeof wires], true);
    hart_icount_deadline(h, hart_icount(h) + event_random(m) % 400);
}

/* ---- running and comparing ---- */

/* A value as registers of XLEN bits are kept. */
static uint64_t extend(uint64_t v) { return program.xlen == 64 ? v : (uint64_t)(int64_t)(int32_t)v; }

static void start(struct machine_under_test *m, uint64_t from) {
    struct hart *h = &m->hart;
    struct system *s = h->sys;
    program_seed = from;
    memcpy(m->ram, program.image, RAM_BYTES);
    hart_dma(h, RAM, RAM_BYTES);
    system_reset(h);
    for (unsigned i = 0; i < 32; i++) {
        h->x[i] = i ? extend(program_random()) : 0;
        h->f[i] = program_below(2) ? program_random() : UINT64_C(0xffffffff00000000) | program_random();
    }
    s->mtvec = extend(RAM + HANDLER);
    s->stvec = extend(RAM + S_HANDLER);
    s->medeleg = program_random() & (1 << 2 | 1 << 3 | 0xf0 | 1 << 8 | 1 << 13 | 1 << 15);
    s->mideleg = program_random() & 0x222;
    s->mie = program_random() & 0xaaa;
    s->satp = program_satp(&program);
    s->pmpcfg[0] = program_below(4) ? 0 : 0x19; /* a read-only piece of a data page, now and then */
    s->pmpaddr[0] = (RAM + DATA + program_below(DATA_PAGES) * 4096) >> 2 | 0x1ff;
    s->pmpcfg[15] = 0x1f;
    s->pmpaddr[15] = program.xlen == 64 ? UINT64_MAX >> 10 : UINT32_MAX;
    if (program_below(3) == 0)
        s->menvcfg &= ~ENVCFG_ADUE;
    pmp_update(s);
    mmu_flush(s);
    system_select(h);
    s->wires = 0;
    if (program.counted) {
        s->mcounteren = program_random() & 7;
        s->scounteren = program_random() & 7;
        s->mstatus |= program_random() & MSTATUS_SIE;
        if (program_below(2))
            s->menvcfg |= ENVCFG_STCE;
    }
    s->icount = s->idle = 0;
    s->icount_deadline = program.counted ? program_random() % 500 : UINT64_MAX;
    m->events = 0;
    m->events_seed = from;
    h->pc = RAM + HANDLER; /* as if trapped */
}

static bool same_state(void) {
    const struct hart *a = &ways[0].hart, *b = &ways[1].hart;
    const struct system *s = a->sys, *t = b->sys;
    bool same = memcmp(a->x, b->x, 32 * 8) == 0 && memcmp(a->f, b->f, sizeof a->f) == 0 && a->pc == b->pc &&
                hart_get_fcsr(a) == hart_get_fcsr(b) && s->priv == t->priv && s->mstatus == t->mstatus &&
                memcmp(ways[0].ram, ways[1].ram, RAM_BYTES) == 0;
    same = same && s->mepc == t->mepc && s->sepc == t->sepc && s->mcause == t->mcause && s->scause == t->scause &&
           s->mtval == t->mtval && s->stval == t->stval && s->mie == t->mie && s->mideleg == t->mideleg &&
           s->mip_soft == t->mip_soft && s->satp == t->satp && s->mscratch == t->mscratch &&
           s->sscratch == t->sscratch && s->menvcfg == t->menvcfg && s->stimecmp == t->stimecmp;
    same = same && s->icount == t->icount && s->idle == t->idle && ways[0].events == ways[1].events &&
           memcmp(ways[0].event, ways[1].event, ways[0].events * sizeof *ways[0].event) == 0;
    return same;
}

/* Whether code was changed without a fence.i, which may take effect at any time. */
static bool changed_unfenced(void) {
    for (unsigned way = 0; way < WAYS; way++)
        for (unsigned i = 0; i < DATA / 4; i++)
            if (!program.may_change[i] && memcmp(ways[way].ram + 4 * i, program.image + 4 * i, 4) != 0)
                return true;
    return false;
}

/* The log's entry i. */
static void logged(const struct machine_under_test *m, unsigned i, uint64_t words[LOG_WORDS]) {
    unsigned size = program.xlen / 8;
    for (unsigned k = 0; k < LOG_WORDS; k++)
        memcpy(&words[k], m->ram + LOG + (i * LOG_WORDS + k) * size, size);
}

static void explain(uint64_t from) {
    if (getenv("RIV_DUMP")) {
        FILE *f = fopen(getenv("RIV_DUMP"), "w");
        fwrite(program.image, 1, sizeof program.image, f);
        fclose(f);
    }
    fprintf(stderr, "differ with RIV_SEED of this program 0x%" PRIx64 ": RV%u, %u levels%s\n", from, program.xlen,
            program.levels, program.counted ? ", counted" : "");
    for (unsigned i = 0; program.counted && i < ways[0].events; i++)
        if (memcmp(&ways[0].event[i], &ways[1].event[i], sizeof *ways[0].event) != 0) {
            for (unsigned way = 0; way < WAYS; way++)
                fprintf(stderr, "interrupt %u: count %" PRIu64 " pc %" PRIx64 "\n", i, ways[way].event[i].count,
                        ways[way].event[i].pc);
            break;
        }
    for (unsigned i = 0; i < SEGMENTS + 1; i++) {
        uint64_t a[LOG_WORDS] = {0}, b[LOG_WORDS] = {0};
        logged(&ways[0], i, a);
        logged(&ways[1], i, b);
        if (memcmp(a, b, sizeof a) == 0)
            continue;
        fprintf(stderr, "trap %u: interpreted cause %" PRIx64 " epc %" PRIx64 " tval %" PRIx64 " mstatus %" PRIx64 "\n",
                i, a[0], a[1], a[2], a[3]);
        fprintf(stderr, "          translated cause %" PRIx64 " epc %" PRIx64 " tval %" PRIx64 " mstatus %" PRIx64 "\n",
                b[0], b[1], b[2], b[3]);
        break;
    }
    for (unsigned i = 0; i < 32; i++)
        if (ways[0].hart.x[i] != ways[1].hart.x[i])
            fprintf(stderr, "x%u %" PRIx64 " %" PRIx64 "\n", i, ways[0].hart.x[i], ways[1].hart.x[i]);
    for (unsigned i = 0; i < RAM_BYTES; i += 8)
        if (memcmp(ways[0].ram + i, ways[1].ram + i, 8) != 0) {
            fprintf(stderr, "memory from +0x%x\n", i);
            break;
        }
}

static bool make_machine(struct machine_under_test *m, unsigned xlen, bool counted, bool translated) {
    char err[256];
    m->ram = aligned_alloc(4096, RAM_BYTES);
    m->regions[0] = (struct bus_ram){RAM, CODE, m->ram, true};
    m->regions[1] = (struct bus_ram){RAM + CODE, RAM_BYTES - CODE, m->ram + CODE, false};
    m->bus = (struct bus){m, m->regions, 2, bus_read, bus_write, bus_time, bus_stimecmp, reached, NULL};
    bool mixed = counted && xlen == 32; /* what is met once is interpreted, what is met again translated */
    const struct engine_config config = {.isa = &isas[xlen == 64],
                                         .kind = translated ? ENGINE_JIT : ENGINE_INTERP,
                                         .hostile = translated && !mixed ? 4 : 0,
                                         .hot = mixed ? 2 : 0,
                                         .icount = counted,
                                         .system = &m->bus};
    m->engine = engine_create(&config, err, sizeof err);
    if (m->engine && engine_hart_init(m->engine, &m->hart))
        return true;
    print_message("not translating: %s\n", err);
    return false;
}

static int set_up(void **state) {
    char err[256];
    if (!isa_parse(&isas[1], "max", err, sizeof err) || !isa_parse(&isas[0], "rv32max", err, sizeof err))
        return -1;
    for (unsigned i = 0; i < 4 * WAYS; i++)
        if (!make_machine(&machines[i / 4][i / 2 % 2][i % 2], i / 4 ? 64 : 32, i / 2 % 2, i % 2))
            return -1;
    return 0;
}

static int tear_down(void **state) {
    for (unsigned i = 0; i < 4 * WAYS; i++) {
        struct machine_under_test *m = &machines[i / 4][i / 2 % 2][i % 2];
        engine_hart_exit(&m->hart);
        engine_destroy(m->engine);
        free(m->ram);
    }
    return 0;
}

/* cmocka has its own by now */
static struct hart *volatile running;
static void on_fault(int number, siginfo_t *info, void *context) {
    if (!running || !engine_host_fault(running, number, info, context))
        signal(number, SIG_DFL);
}

static void programs(unsigned xlen, bool counted) {
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    assert_int_equal(sigaction(SIGSEGV, &action, NULL), 0);
    const char *text = getenv("RIV_SEED"), *more = getenv("RIV_CASES");
    uint64_t from = text ? strtoull(text, NULL, 0) : 1;
    unsigned long count = 300 * (more ? strtoul(more, NULL, 0) : 1);
    unsigned failures = 0, unfenced = 0, causes[2][16] = {{0}};
    ways = machines[xlen == 64][counted];
    for (unsigned long i = 0; i < count && failures < 3; i++, from = program_random()) {
        program_seed = from;
        program_make(&program, xlen, counted);
        uint64_t registers = program_seed;
        for (unsigned way = 0; way < WAYS; way++) {
            start(&ways[way], registers);
            running = &ways[way].hart;
            assert_int_equal(engine_run(&ways[way].hart), STOP_PENDING);
        }
        for (unsigned k = 0; k < SEGMENTS; k++) {
            uint64_t words[LOG_WORDS] = {0};
            logged(&ways[0], k + 1, words);
            causes[words[0] >> (xlen - 1)][words[0] & 15]++;
        }
        if (!same_state() && changed_unfenced()) {
            unfenced++;
        } else if (!same_state()) {
            failures++;
            explain(from);
        }
    }
    /* programs that do nothing would agree as well */
    static const unsigned wanted[] = {TRAP_ILLEGAL, TRAP_BREAKPOINT, TRAP_LOAD_ACCESS, TRAP_STORE_ACCESS, TRAP_ECALL_U,
                                      TRAP_ECALL_S, TRAP_ECALL_M,    TRAP_LOAD_PAGE,   TRAP_STORE_PAGE};
    for (unsigned i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (causes[0][wanted[i]] == 0)
            fail_msg("no trap of cause %u in all programs", wanted[i]);
    for (unsigned irq = IRQ_SSI; irq <= (counted ? IRQ_MEI : IRQ_SSI); irq += 2)
        if (causes[1][irq] == 0)
            fail_msg("no interrupt %u in all programs", irq);
    assert_int_equal(failures, 0);
    assert_true(unfenced <= count / 20);
}

static void programs_rv64(void **state) { programs(64, false); }
static void programs_rv32(void **state) { programs(32, false); }
static void counted_rv64(void **state) { programs(64, true); }
static void counted_rv32(void **state) { programs(32, true); }

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(programs_rv64), cmocka_unit_test(programs_rv32),
                                       cmocka_unit_test(counted_rv64), cmocka_unit_test(counted_rv32)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
