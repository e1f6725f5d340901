/* Random programs of all rows on a hart with a board, in U mode under paging, interpreted and translated: they must end
 * as they do without a board.  Traps go to M mode, whose handler is one store to a register that stops the run.
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

#include "../../cpu/interp.h"
#include "../../cpu/system.h"
#include "../../translate/engine.h"
#include "../../cli/fuzz/encode.h"
#include "row_program.h"

enum { PLAIN, BOARD_INTERPRETED, BOARD_TRANSLATED, WAYS };
static const char *const way_names[WAYS] = {"plain", "board, interpreted", "board, translated"};
enum { STOPPER = 0x100, TABLES = 0x80000000u, TABLE_BYTES = 64 << 10, HANDLER = TABLES + (32 << 10) };
enum { LEAF = 0xd7 /* V R W U A D */, EXECUTABLE = 8 };

static uint8_t tables[2][TABLE_BYTES] __attribute__((aligned(4096)));
static struct tested {
    struct isa isa;
    struct bus bus;
    struct bus_ram ram[3];
    struct engine *engines[WAYS];
    struct hart harts[WAYS];
} machines[2];
static struct hart *volatile running;

static size_t fetch(void *ctx, uint64_t pc, const uint8_t **host, uint32_t *cause) {
    *cause = TRAP_FETCH_PAGE;
    if (pc - PROGRAM_CODE >= 4096)
        return 0;
    *host = (const uint8_t *)(uintptr_t)pc;
    return PROGRAM_CODE + 4096 - pc;
}
static bool watch_code(void *ctx, uint64_t addr) { return true; }

static bool bus_read(void *ctx, struct hart *h, uint64_t address, unsigned size, uint64_t *value) { return false; }
static bool bus_write(void *ctx, struct hart *h, uint64_t address, unsigned size, uint64_t value) {
    if (address != STOPPER)
        return false;
    engine_kick(h);
    return true;
}
static uint64_t bus_time(void *ctx) { return 0; }
static void bus_stimecmp(void *ctx, struct hart *h, uint64_t ticks) {}

static void on_fault(int number, siginfo_t *info, void *context) {
    if (!running || !engine_host_fault(running, number, info, context))
        signal(number, SIG_DFL);
}

/* Virtual pages of code and scratch are where they are in memory; tables are made once. */
static void make_tables(uint8_t *at, unsigned xlen) {
    unsigned bytes = xlen / 8, bits = xlen == 64 ? 9 : 10, levels = xlen == 64 ? 3 : 2, used = 1;
    for (unsigned page = 0; page < 4; page++) {
        uint64_t va = page == 0 ? PROGRAM_CODE : PROGRAM_SCRATCH + (page - 1) * 4096, table = 0;
        for (unsigned level = levels - 1;; level--) {
            uint8_t *entry = at + table + (va >> (12 + level * bits) & ((1u << bits) - 1)) * bytes;
            uint64_t pte = 0;
            memcpy(&pte, entry, bytes);
            if (level == 0) {
                pte = va >> 12 << 10 | LEAF | (page == 0 ? EXECUTABLE : 0);
                memcpy(entry, &pte, bytes);
                break;
            }
            if (pte == 0) {
                pte = (TABLES + used++ * 4096ull) >> 12 << 10 | 1;
                memcpy(entry, &pte, bytes);
            }
            table = (pte >> 10 << 12) - TABLES;
        }
    }
    uint32_t handler[2] = {encode_insn(&(struct insn){.id = INSN_sw, .imm = STOPPER}),
                           encode_insn(&(struct insn){.id = INSN_jal})};
    memcpy(at + (HANDLER - TABLES), handler, sizeof handler);
}

static int set_up(void **state) {
    static const char *const names[2] = {"max", "rv32max"};
    if (!program_map())
        return -1;
    for (int i = 0; i < 2; i++) {
        struct tested *m = &machines[i];
        char err[256];
        if (!isa_parse(&m->isa, names[i], err, sizeof err))
            return -1;
        make_tables(tables[i], m->isa.xlen);
        m->ram[0] = (struct bus_ram){PROGRAM_CODE, 4096, (uint8_t *)(uintptr_t)PROGRAM_CODE, false};
        m->ram[1] = (struct bus_ram){PROGRAM_SCRATCH, SCRATCH_BYTES, (uint8_t *)(uintptr_t)PROGRAM_SCRATCH, false};
        m->ram[2] = (struct bus_ram){TABLES, TABLE_BYTES, tables[i], false};
        m->bus = (struct bus){.ctx = m,
                              .ram = m->ram,
                              .ram_count = 3,
                              .read = bus_read,
                              .write = bus_write,
                              .time = bus_time,
                              .set_stimecmp = bus_stimecmp};
        for (int way = 0; way < WAYS; way++) {
            struct engine_config config = {
                .mem = {.fetch = fetch, .watch_code = watch_code},
                .isa = &m->isa,
                .kind = way == BOARD_TRANSLATED ? ENGINE_JIT : ENGINE_INTERP,
                .hostile = 4,
                .system = way == PLAIN ? NULL : &m->bus,
            };
            m->engines[way] = engine_create(&config, err, sizeof err);
            if (!m->engines[way] && way == BOARD_TRANSLATED) {
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

static void enter_user_mode(struct hart *h) {
    struct system *s = h->sys;
    hart_dma(h, PROGRAM_CODE, 4096);
    s->priv = PRIV_U;
    s->mstatus |= MSTATUS_FS;
    s->mtvec = HANDLER;
    s->mcounteren = s->scounteren = 7;
    s->menvcfg |= ENVCFG_CBIE | ENVCFG_CBCFE | ENVCFG_CBZE;
    s->senvcfg |= ENVCFG_CBIE | ENVCFG_CBCFE | ENVCFG_CBZE;
    s->pmpcfg[0] = 0x1f, s->pmpaddr[0] = UINT64_MAX >> 10;
    s->satp = (h->xlen == 64 ? UINT64_C(8) << 60 : UINT64_C(1) << 31) | TABLES >> 12;
    pmp_update(s);
    system_select(h);
}

/* False: it does not end (only said of the plain way), or its end is not the program's: an address that is not
 * canonical arrives without its value. */
static bool run_plain(struct hart *h) {
    if (sigsetjmp(h->fault_jmp, 0)) {
        h->in_interp = 0;
        return h->trap.host_code != SI_KERNEL;
    }
    for (unsigned i = 0; i < 1000; i++)
        if (interp_step(h, 1) == INTERP_TRAP)
            return true;
    return false;
}

static bool run_way(struct tested *m, int way, const struct program *p, struct program_state *end) {
    struct hart *h = &m->harts[way];
    program_place(p);
    memcpy(h->x, p->start.x, sizeof p->start.x);
    memcpy(h->f, p->start.f, sizeof p->start.f);
    h->pc = p->start.pc;
    h->res_valid = 0;
    hart_set_fcsr(h, p->start.fcsr);
    memset(&h->trap, 0, sizeof h->trap);
    running = h;
    bool ended = true;
    if (way == PLAIN) {
        interp_flush(h);
        ended = run_plain(h);
    } else {
        enter_user_mode(h);
        assert_int_equal(engine_run(h), STOP_PENDING);
        h->pc = h->xlen == 32 ? (uint32_t)h->sys->mepc : h->sys->mepc;
        h->trap.cause = (uint32_t)h->sys->mcause;
        h->trap.tval = h->xlen == 32 ? (uint32_t)h->sys->mtval : h->sys->mtval;
    }
    running = NULL;
    memset(end, 0, sizeof *end);
    memcpy(end->x, h->x, sizeof end->x);
    memcpy(end->f, h->f, sizeof end->f);
    end->pc = h->pc;
    end->fcsr = hart_get_fcsr(h);
    end->cause = h->trap.cause;
    end->tval = h->xlen == 32 ? (uint32_t)h->trap.tval : h->trap.tval;
    memcpy(end->scratch, (void *)(uintptr_t)PROGRAM_SCRATCH, SCRATCH_BYTES);
    return ended;
}

struct pair {
    struct tested *m;
    int way;
};
static bool differs(const struct program *p, void *ctx) {
    static struct program_state a, b;
    struct pair *pair = ctx;
    return run_way(pair->m, PLAIN, p, &a) &&
           (run_way(pair->m, pair->way, p, &b), program_compare(&a, "", &b, "", NULL));
}

static void install_handlers(void) {
    static char stack[1 << 16];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    assert_int_equal(sigaltstack(&alternate, NULL), 0);
    assert_int_equal(sigaction(SIGSEGV, &action, NULL), 0);
    assert_int_equal(sigaction(SIGBUS, &action, NULL), 0);
}

static void run_programs(struct tested *m, unsigned long count) {
    static struct program p;
    static struct program_state ends[WAYS];
    uint64_t seed = program_seed() * 7919 + m->isa.xlen;
    const char *text = getenv("RIV_CASES");
    unsigned failures = 0;
    unsigned long compared = 0;
#ifdef __SANITIZE_ADDRESS__
    const bool tame = true; /* wild addresses would hit its shadow */
#else
    const bool tame = false;
#endif
    install_handlers();
    if (text)
        count *= strtoul(text, NULL, 0);
    for (unsigned long i = 0; i < count; i++) {
        struct program_options options = {.focus = -1, .max_rows = i % 2 ? 20 : 5, .tame = tame};
        program_make(&p, &m->isa, program_random(&seed), &options);
        if (!run_way(m, PLAIN, &p, &ends[PLAIN]))
            continue;
        compared++;
        for (int way = BOARD_INTERPRETED; way < WAYS; way++) {
            if (!m->engines[way])
                continue;
            run_way(m, way, &p, &ends[way]);
            if (!program_compare(&ends[PLAIN], "", &ends[way], "", NULL))
                continue;
            if (failures++ < 5) {
                static struct program small;
                small = p;
                program_shrink(&small, differs, &(struct pair){m, way});
                program_print(&small, stderr);
                run_way(m, PLAIN, &small, &ends[PLAIN]);
                run_way(m, way, &small, &ends[way]);
                program_compare(&ends[PLAIN], way_names[PLAIN], &ends[way], way_names[way], stderr);
            }
        }
    }
    print_message("%lu programs compared\n", compared);
    assert_in_range(compared, count / 2, count);
    assert_int_equal(failures, 0);
}

static void rv64(void **state) { run_programs(&machines[0], 3000); }
static void rv32(void **state) { run_programs(&machines[1], 3000); }

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(rv64), cmocka_unit_test(rv32)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
