/* Records of what is executed (translate/record.h): random programs give the same stream whichever engine runs them,
 * and what the stream says, applied to the registers and memory at the start, leads to those at the end.
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
#include "row_program.h"

enum { INTERPRET, TRANSLATE, HOSTILE, PLAIN_HOST, BY_BLOCK, BY_INSN, FILTERED, WAYS };
static const char *const way_names[WAYS] = {"interpret", "translate", "hostile", "plain host",
                                            "by block",  "by insn",   "filtered"};
enum { STREAM_MAX = 20000 };

struct stream {
    struct record records[STREAM_MAX];
    size_t count;
    unsigned long blocks, resumes;
    bool inexact;
};
static struct machine {
    struct engine *engines[WAYS];
    struct hart harts[WAYS];
    struct isa isa;
} machines[2];
static struct stream streams[WAYS];
static struct hart *volatile running;

static size_t fetch(void *ctx, uint64_t pc, const uint8_t **host, uint32_t *cause) {
    *cause = TRAP_FETCH_PAGE;
    if (pc - PROGRAM_CODE >= 4096)
        return 0;
    *host = (const uint8_t *)(uintptr_t)pc;
    return PROGRAM_CODE + 4096 - pc;
}
static bool watch_code(void *ctx, uint64_t addr) { return true; }

static void on_fault(int signal_number, siginfo_t *info, void *context) {
    if (!running || !engine_host_fault(running, signal_number, info, context)) {
        signal(signal_number, SIG_DFL);
        raise(signal_number);
    }
}

static void take(void *ctx, struct hart *h, const struct record *r, size_t n) {
    struct stream *s = ctx;
    for (size_t i = 0; i < n && s->count < STREAM_MAX; i++)
        s->records[s->count++] = r[i];
}

/* The registers must be what the records so far make of them. */
static struct program_state believed;
static void apply(const struct record *r, size_t n, struct program_state *to) {
    for (size_t i = 0; i < n; i++)
        switch (r[i].kind) {
        case RECORD_X:
            to->x[r[i].reg] = r[i].value;
            break;
        case RECORD_F:
            to->f[r[i].reg] = r[i].value;
            break;
        case RECORD_CSR:
            to->fcsr = r[i].bits == 1   ? (to->fcsr & ~31u) | (uint32_t)r[i].value
                       : r[i].bits == 2 ? (to->fcsr & 31u) | (uint32_t)r[i].value << 5
                                        : (uint32_t)r[i].value;
            break;
        case RECORD_STORE:
            if (r[i].address - PROGRAM_SCRATCH < SCRATCH_BYTES)
                memcpy(&to->scratch[r[i].address - PROGRAM_SCRATCH], &r[i].value, r[i].size);
            break;
        default:
            break;
        }
}
static void at_block(void *ctx, struct hart *h) {
    struct stream *s = ctx;
    s->blocks++;
    static struct program_state now;
    now = believed;
    apply(s->records, s->count, &now);
    for (int i = 1; i < 32; i++)
        s->inexact |= now.x[i] != h->x[i];
    for (int i = 0; i < 32; i++)
        s->inexact |= now.f[i] != h->f[i];
}
static void at_resume(void *ctx, struct hart *h) { ((struct stream *)ctx)->resumes++; }

static bool odd_words(void *ctx, uint64_t pc) { return pc >> 4 & 1; }

static unsigned long cases(unsigned long n) {
    const char *text = getenv("RIV_CASES");
    return text ? n * strtoul(text, NULL, 0) : n;
}

static bool run_way(struct machine *m, int way, const struct program *p, struct program_state *end) {
    struct hart *h = &m->harts[way];
    struct stream *s = &streams[way];
    program_place(p);
    engine_code_changed(m->engines[way], PROGRAM_CODE, PROGRAM_CODE + 4096);
    s->count = s->blocks = s->resumes = 0;
    s->inexact = false;
    memcpy(h->x, p->start.x, sizeof p->start.x);
    memcpy(h->f, p->start.f, sizeof p->start.f);
    h->pc = p->start.pc;
    h->res_valid = 0;
    hart_set_fcsr(h, p->start.fcsr);
    memset(&h->trap, 0, sizeof h->trap);
    believed = p->start;
    running = h;
    alarm(20);
    assert_int_equal(engine_run(h), STOP_TRAP);
    alarm(0);
    running = NULL;
    memset(end, 0, sizeof *end);
    memcpy(end->x, h->x, sizeof end->x);
    memcpy(end->f, h->f, sizeof end->f);
    end->pc = h->pc;
    end->fcsr = hart_get_fcsr(h);
    end->cause = h->trap.cause;
    end->tval = h->trap.tval;
    memcpy(end->scratch, (void *)(uintptr_t)PROGRAM_SCRATCH, SCRATCH_BYTES);
    return s->count < STREAM_MAX;
}

static const char *const kinds[] = {"insn", "load", "store", "csr", "x", "f", "trap"};
static void print_record(const struct record *r, FILE *to) {
    fprintf(to, "%s reg %u size %u bits %x address %llx value %llx\n", kinds[r->kind], r->reg, r->size, r->bits,
            (unsigned long long)r->address, (unsigned long long)r->value);
}

/* The records of instructions that the filter lets through. */
static size_t filter_stream(const struct stream *from, struct record *to) {
    size_t n = 0;
    bool in = false;
    for (size_t i = 0; i < from->count; i++) {
        const struct record *r = &from->records[i];
        if (r->kind == RECORD_INSN || r->kind == RECORD_TRAP)
            in = odd_words(NULL, r->address);
        if (in)
            to[n++] = *r;
    }
    return n;
}

static bool same_stream(const struct record *a, size_t a_count, const struct record *b, size_t b_count, FILE *to) {
    for (size_t i = 0; i < a_count || i < b_count; i++) {
        if (i < a_count && i < b_count && memcmp(&a[i], &b[i], sizeof *a) == 0)
            continue;
        if (!to)
            return false;
        for (size_t k = i > 6 ? i - 6 : 0; k < i; k++)
            fprintf(to, "  both ......... "), print_record(&a[k], to);
        if (i < a_count)
            fprintf(to, "  interpreted .. "), print_record(&a[i], to);
        if (i < b_count)
            fprintf(to, "  this ......... "), print_record(&b[i], to);
        return false;
    }
    return true;
}

struct pair {
    struct machine *m;
    int way;
};
static bool way_agrees(struct machine *m, int way, const struct program *p, FILE *to) {
    static struct program_state end, applied;
    static struct record filtered[STREAM_MAX];
    const struct stream *reference = &streams[INTERPRET], *s = &streams[way];
    if (!run_way(m, INTERPRET, p, &end) || !run_way(m, way, p, &end))
        return true;
    if (way == FILTERED) {
        size_t n = filter_stream(reference, filtered);
        return same_stream(filtered, n, s->records, s->count, to);
    }
    if (!same_stream(reference->records, reference->count, s->records, s->count, to))
        return false;
    if (s->inexact) {
        if (to)
            fprintf(to, "  registers at a block's end are not what the records say\n");
        return false;
    }
    applied = p->start;
    apply(s->records, s->count, &applied);
    applied.pc = end.pc;
    applied.cause = end.cause;
    applied.tval = end.tval;
    return program_compare(&applied, "by the records", &end, "at the end", to) == 0;
}
static bool pair_disagrees(const struct program *p, void *ctx) {
    struct pair *pair = ctx;
    return !way_agrees(pair->m, pair->way, p, NULL);
}

static void install_handlers(void) {
    static char stack[1 << 16];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    assert_int_equal(sigaltstack(&alternate, NULL), 0);
    assert_int_equal(sigaction(SIGSEGV, &action, NULL), 0);
    assert_int_equal(sigaction(SIGBUS, &action, NULL), 0);
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
                .kind = way == INTERPRET ? ENGINE_INTERP : ENGINE_JIT,
                .hostile = way == HOSTILE ? 7 : 0,
                .host_mask = way == PLAIN_HOST ? ~0u : 0,
                .max_insns = way == BY_INSN ? 1 : 0,
                .observer = {.ctx = &streams[way],
                             .kinds = RECORD_ALL,
                             .filter = way == FILTERED ? odd_words : NULL,
                             .records = take,
                             .resume = at_resume,
                             .block = way == BY_BLOCK || way == BY_INSN ? at_block : NULL},
            };
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

static unsigned long seen[RECORD_KINDS];

static void run_rows(struct machine *m, unsigned max_rows, unsigned long each) {
    static struct program p, small;
    unsigned rows, failures = 0;
    const struct row_pattern *patterns = row_patterns(&rows);
    uint64_t seed = program_seed() * 1000003 + max_rows;
    install_handlers();
    for (unsigned row = 0; row < rows; row++) {
        if (!row_pattern_in(&patterns[row], &m->isa))
            continue;
        struct program_options options = {.focus = (int)row, .max_rows = max_rows};
        for (unsigned long i = 0; i < cases(each); i++) {
            program_make(&p, &m->isa, program_random(&seed), &options);
            for (int way = TRANSLATE; way < WAYS; way++) {
                if (!m->engines[way] || way_agrees(m, way, &p, NULL))
                    continue;
                if (failures++ > 20)
                    continue;
                small = p;
                program_shrink(&small, pair_disagrees, &(struct pair){m, way});
                fprintf(stderr, "%s, row %s, RIV_SEED=%llu: ", way_names[way], patterns[row].name,
                        (unsigned long long)program_seed());
                program_print(&small, stderr);
                way_agrees(m, way, &small, stderr);
            }
            for (size_t k = 0; k < streams[TRANSLATE].count; k++)
                seen[streams[TRANSLATE].records[k].kind]++;
            if (m->engines[BY_INSN]) {
                size_t insns = 0; /* the end of each, and the trap at last */
                for (size_t k = 0; k < streams[BY_INSN].count; k++)
                    insns += streams[BY_INSN].records[k].kind == RECORD_INSN;
                assert_true(streams[BY_INSN].blocks > insns && streams[BY_BLOCK].blocks > 0);
                assert_true(streams[BY_BLOCK].blocks <= streams[BY_INSN].blocks);
                assert_true(streams[BY_BLOCK].resumes == 1);
            }
        }
    }
    assert_int_equal(failures, 0);
}

/* AddressSanitizer keeps its shadow from 0x7fff8000 on, where a wild 32-bit address would change it. */
#ifdef __SANITIZE_ADDRESS__
enum { MACHINES_TESTED = 1 };
#else
enum { MACHINES_TESTED = 2 };
#endif

static void rows_alone(void **state) {
    for (int i = 0; i < MACHINES_TESTED; i++)
        run_rows(&machines[i], 1, 5);
}
static void rows_among_others(void **state) {
    for (int i = 0; i < MACHINES_TESTED; i++)
        run_rows(&machines[i], 20, 4);
}
static void every_kind_was_seen(void **state) {
    for (int i = 0; i < RECORD_KINDS; i++)
        assert_true(seen[i] > 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows_alone), cmocka_unit_test(rows_among_others),
                                       cmocka_unit_test(every_kind_was_seen)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
