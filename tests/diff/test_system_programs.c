/* Random privileged programs, interpreted and translated: whatever they do to CSRs, page tables and their own code,
 * both end in the same state of registers, CSRs and memory.
 *
 *      M handler: logs cause, epc, tval, mstatus; goes on with the next segment, in the privilege that a table says
 *      segment:   a dozen random instructions, then ecall; S handler: logs nothing, ecall
 *
 * RIV_SEED starts at another place; RIV_CASES multiplies the number of programs.
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

#include "../../cpu/system.h"
#include "../../translate/engine.h"
#include "../unit/encode.h"

#define RAM UINT64_C(0x80000000)
#define FINISHER UINT64_C(0x100000)
enum { SEGMENTS = 40, SEGMENT_BYTES = 256, WAYS = 2 };
enum {
    HANDLER = 0,
    S_HANDLER = 0x800,
    CODE = 0x1000,
    DATA = 0x10000,
    VARIABLES = 0x20000,
    LOG = 0x21000,
    TABLES = 0x30000
};
enum { RAM_BYTES = 0x80000, DATA_PAGES = 8, WINDOW_PAGES = 16 };
/* the code as S and M mode see it is at RAM; for U mode it is mapped again; the window's pages have random entries */
#define USER_CODE UINT64_C(0x40000000)
#define WINDOW UINT64_C(0x50000000)
enum { V = 1, R = 2, W = 4, X = 8, U = 16, A = 64, D = 128 };
enum { T0 = 5, T1 = 6, T2 = 7 };

struct machine_under_test {
    uint8_t *ram;
    struct bus bus;
    struct bus_ram regions[2]; /* the handlers' page is read-only */
    struct engine *engine;
    struct hart hart;
};
static struct machine_under_test ways[WAYS];
static struct isa isa;
static uint8_t image[RAM_BYTES];
static uint64_t seed;
static unsigned levels;

static uint64_t next_random(void) {
    seed += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = seed;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}
static unsigned below(unsigned n) { return (unsigned)(next_random() % n); }

static bool bus_read(void *ctx, struct hart *h, uint64_t address, unsigned size, uint64_t *value) { return false; }
static bool bus_write(void *ctx, struct hart *h, uint64_t address, unsigned size, uint64_t value) {
    if (address != FINISHER)
        return false;
    engine_kick(h);
    return true;
}
static uint64_t bus_time(void *ctx) { return 0; }
static void bus_stimecmp(void *ctx, struct hart *h, uint64_t ticks) {}

/* ---- the program ---- */

static uint32_t at;
static void emit(uint32_t bits) {
    memcpy(image + at, &bits, 4);
    at += 4;
}
static uint32_t enc(enum insn_id id, unsigned rd, unsigned rs1, unsigned rs2, int32_t imm) {
    return encode_insn(&(struct insn){
        .id = (uint16_t)id, .rd = (uint8_t)rd, .rs1 = (uint8_t)rs1, .rs2 = (uint8_t)rs2, .imm = imm, .rm = 7});
}
#define E(id, rd, rs1, rs2, imm) emit(enc(INSN_##id, rd, rs1, rs2, imm))

/* An address below 4 GiB, zero-extended. */
static void load_address(unsigned rd, uint64_t value) {
    uint32_t high = (uint32_t)(value + 0x800) & 0xfffff000;
    E(lui, rd, 0, 0, (int32_t)high);
    E(addiw, rd, rd, 0, (int32_t)((uint32_t)value << 20) >> 20);
    E(slli, rd, rd, 0, 32);
    E(srli, rd, rd, 0, 32);
}

static void emit_handlers(void) {
    static const int16_t logged[] = {0x342, 0x341, 0x343, 0x300, 0x142, 0x141, 0x143};
    at = HANDLER;
    load_address(T0, MSTATUS_MPRV);
    E(csrrc, T1, T0, 0, 0x300);
    E(sfence_vma, 0, 0, 0, 0);
    load_address(T2, RAM + VARIABLES);
    E(ld, T0, T2, 0, 0); /* end of the log */
    for (unsigned i = 0; i < sizeof logged / sizeof *logged; i++) {
        E(csrrs, T1, 0, 0, logged[i]);
        E(sd, 0, T0, T1, (int32_t)i * 8);
    }
    E(addi, T0, T0, 0, 64);
    E(sd, 0, T2, T0, 0);
    E(ld, T0, T2, 0, 8); /* the next segment's number: its entry is 16 bytes at 32 + 16 * number */
    E(addi, T1, T0, 0, 1);
    E(sd, 0, T2, T1, 8);
    E(addi, T1, 0, 0, SEGMENTS);
    E(bltu, 0, T0, T1, 16);
    E(lui, T1, 0, 0, (int32_t)FINISHER);
    E(sw, 0, T1, 0, 0);
    E(jal, 0, 0, 0, 0);
    E(slli, T0, T0, 0, 4);
    E(add, T2, T2, T0, 0);
    E(ld, T0, T2, 0, 32);
    E(csrrw, 0, T0, 0, 0x341);
    load_address(T0, MSTATUS_MPP);
    E(csrrc, 0, T0, 0, 0x300);
    E(ld, T0, T2, 0, 40);
    E(csrrs, 0, T0, 0, 0x300);
    E(mret, 0, 0, 0, 0);
    at = S_HANDLER;
    E(csrrs, T0, 0, 0, 0x142);
    E(ecall, 0, 0, 0, 0);
}

/* Not those that the handlers rest on, nor counters. */
static unsigned random_csr(void) {
    static const uint16_t list[] = {0x001, 0x002, 0x003, 0x100, 0x104, 0x106, 0x10a, 0x140, 0x141, 0x142,
                                    0x143, 0x144, 0x14d, 0x180, 0x300, 0x301, 0x303, 0x304, 0x306, 0x30a,
                                    0x340, 0x341, 0x342, 0x343, 0x344, 0x3b1, 0x3b2, 0xf14, 0x7c0, 0x310};
    return below(8) ? below(3) ? 0x300u + (below(2) ? 0 : 4) : 0x100 : list[below(sizeof list / sizeof *list)];
}

static unsigned reg(void) { return 10 + below(8); }

static void emit_random(uint64_t own, unsigned room) {
    bool machine = below(2);
    switch (below(20)) {
    case 0:
    case 1: { /* CSRs */
        static const enum insn_id ids[] = {INSN_csrrw, INSN_csrrs, INSN_csrrc, INSN_csrrs, INSN_csrrc};
        unsigned csr = below(2) ? random_csr() : 0x100;
        /* satp: the tables' or off; reading it is anything's business */
        bool is_satp = csr == 0x180;
        emit(enc(is_satp ? INSN_csrrs : ids[below(5)], reg(), is_satp ? 0 : reg(), 0, (int32_t)csr));
        break;
    }
    case 2:
        load_address(reg(), WINDOW + below(WINDOW_PAGES * 4096 + 64));
        break;
    case 3:
        load_address(reg(), below(2) ? RAM + DATA + below(DATA_PAGES * 4096) : below(RAM_BYTES));
        break;
    case 4:
    case 5:
    case 6: {
        static const enum insn_id ids[] = {INSN_lb, INSN_lhu, INSN_lw, INSN_ld, INSN_sb, INSN_sh, INSN_sw, INSN_sd};
        unsigned i = below(8);
        emit(enc(ids[i], i < 4 ? reg() : 0, reg(), reg(), (int32_t)below(64) - 32));
        break;
    }
    case 7:
        emit(enc(below(2) ? INSN_amoadd_w : INSN_amoswap_d, reg(), reg(), reg(), 0));
        break;
    case 8: /* mstatus: FS, SUM, MXR, MPRV, TVM, TSR */
        load_address(T2, (uint64_t[]){MSTATUS_FS, 1 << 13, MSTATUS_SUM, MSTATUS_MXR, MSTATUS_MPRV, MSTATUS_TVM,
                                      MSTATUS_TSR, MSTATUS_MIE, MSTATUS_SIE}[below(9)]);
        emit(enc(below(2) ? INSN_csrrs : INSN_csrrc, 0, T2, 0, below(3) ? 0x300 : 0x100));
        break;
    case 9: /* software interrupts */
        emit(enc(INSN_csrrwi, 0, 2, 0, below(2) ? 0x344 : 0x144));
        break;
    case 10:
        emit(enc(INSN_sfence_vma, 0, below(2) ? reg() : 0, 0, 0));
        break;
    case 11:
        if (room < 40)
            break;
        load_address(T2, own + at % SEGMENT_BYTES + 24); /* only forward: every program ends */
        E(csrrw, 0, T2, 0, machine ? 0x341 : 0x141);
        emit(enc(machine ? INSN_mret : INSN_sret, 0, 0, 0, 0));
        break;
    case 12:
    case 13: {
        static const enum insn_id ids[] = {INSN_fadd_d, INSN_fmul_s, INSN_fsgnj_d, INSN_fdiv_d};
        emit(enc(ids[below(4)], below(8), below(8), below(8), 0));
        break;
    }
    case 14:
        emit(enc(below(2) ? INSN_fld : INSN_fsd, below(8), reg(), below(8), 0));
        break;
    case 15: /* changes the instruction behind the fence.i */
        if (room < 40)
            break;
        load_address(T2, own + at % SEGMENT_BYTES + 40);
        load_address(T1, enc(INSN_addi, reg(), reg(), 0, (int32_t)below(100)));
        E(sw, 0, T2, T1, 0);
        E(fence_i, 0, 0, 0, 0);
        E(addi, 10, 10, 0, 1);
        break;
    case 16: /* a page's entry changes */
        load_address(T2, RAM + TABLES + 0x1000u * 15 + 8 * below(WINDOW_PAGES));
        E(ld, T1, T2, 0, 0);
        E(xori, T1, T1, 0, (int32_t)(1u << below(8)));
        E(sd, 0, T2, T1, 0);
        E(sfence_vma, 0, 0, 0, 0);
        break;
    case 17:
        emit(below(3) ? enc(INSN_beq, 0, reg(), reg(), 8) : enc(INSN_bltu, 0, reg(), reg(), 8));
        E(addi, reg(), reg(), 0, 1);
        E(xor, reg(), reg(), reg(), 0);
        break;
    case 18:
        emit(below(2) ? enc(below(2) ? INSN_ecall : INSN_ebreak, 0, 0, 0, 0) : below(2) ? 0 : UINT32_MAX);
        break;
    default:
        E(add, reg(), reg(), reg(), 0);
        E(srli, reg(), reg(), 0, (int32_t)below(64));
    }
}

static void put(uint64_t offset, uint64_t value) { memcpy(image + offset, &value, 8); }

/* Table pages: the root is the first, the last level of the window the 16th. */
static unsigned tables_used;
static void map(uint64_t va, uint64_t pa, uint64_t flags, bool window) {
    uint64_t table = TABLES;
    for (unsigned level = levels - 1; level > 0; level--) {
        uint64_t slot = table + 8 * (va >> (12 + 9 * level) & 511), entry;
        memcpy(&entry, image + slot, 8);
        if (!entry) {
            uint64_t page = level == 1 && window ? TABLES + 15 * 4096 : TABLES + 4096 * ++tables_used;
            entry = (RAM + page) >> 12 << 10 | V;
            put(slot, entry);
        }
        table = (entry >> 10 << 12) - RAM;
    }
    put(table + 8 * (va >> 12 & 511), pa >> 12 << 10 | flags);
}

static void make_program(void) {
    memset(image, 0, sizeof image);
    tables_used = 0;
    levels = 3 + below(3);
    emit_handlers();
    for (unsigned page = 0; page < CODE / 4096 + SEGMENTS * SEGMENT_BYTES / 4096 + 1; page++) {
        map(RAM + page * 4096, RAM + page * 4096, V | R | W | X | A | D, false);
        map(USER_CODE + page * 4096, RAM + page * 4096, V | R | W | X | U | A | D, false);
    }
    for (unsigned page = 0; page < DATA_PAGES; page++)
        map(RAM + DATA + page * 4096, RAM + DATA + page * 4096, V | R | W | A | D | (below(2) ? U : 0), false);
    for (unsigned page = 0; page < 32; page++)
        map(RAM + TABLES + page * 4096, RAM + TABLES + page * 4096, V | R | W | A | D, false);
    for (unsigned page = 0; page < WINDOW_PAGES; page++)
        map(WINDOW + page * 4096, RAM + DATA + below(DATA_PAGES) * 4096,
            (below(6) ? V : 0) | (next_random() & (R | W | X | U | A | D)) | (below(30) ? 0 : UINT64_C(1) << 60), true);
    for (unsigned i = 0; i < DATA_PAGES * 4096; i += 8)
        put(DATA + i, next_random());
    put(VARIABLES, RAM + LOG);
    for (unsigned i = 0; i < SEGMENTS; i++) {
        static const unsigned privs[] = {PRIV_U, PRIV_S, PRIV_S, PRIV_M};
        unsigned priv = privs[below(4)];
        uint64_t offset = CODE + i * SEGMENT_BYTES, own = (priv == PRIV_U ? USER_CODE : RAM) + offset;
        put(VARIABLES + 32 + 16 * i, own);
        put(VARIABLES + 40 + 16 * i, (uint64_t)priv << 11);
        for (at = (uint32_t)offset; at < offset + SEGMENT_BYTES - 64;)
            emit_random(own, (unsigned)(offset + SEGMENT_BYTES - at) - 8);
        if (below(2)) /* again, a few times: what is hot is linked */
            E(addi, 18, 18, 0, 1);
        E(ecall, 0, 0, 0, 0);
        while (at < offset + SEGMENT_BYTES)
            E(ecall, 0, 0, 0, 0);
    }
}

/* ---- running and comparing ---- */

static void start(struct machine_under_test *m, uint64_t from) {
    struct hart *h = &m->hart;
    struct system *s = h->sys;
    seed = from;
    memcpy(m->ram, image, RAM_BYTES);
    hart_dma(h, RAM, RAM_BYTES);
    system_reset(h);
    for (unsigned i = 0; i < 32; i++) {
        h->x[i] = i ? next_random() : 0;
        h->f[i] = below(2) ? next_random() : UINT64_C(0xffffffff00000000) | next_random();
    }
    s->mtvec = RAM + HANDLER;
    s->stvec = RAM + S_HANDLER;
    s->medeleg = next_random() & (1 << 2 | 1 << 3 | 0xf0 | 1 << 8 | 1 << 13 | 1 << 15);
    s->mideleg = next_random() & 0x222;
    s->mie = next_random() & 0xaaa;
    s->satp = (uint64_t)(levels + 5) << 60 | (RAM + TABLES) >> 12;
    s->pmpcfg[0] = below(4) ? 0 : 0x19; /* a read-only piece of a data page, now and then */
    s->pmpaddr[0] = (RAM + DATA + below(DATA_PAGES) * 4096) >> 2 | 0x1ff;
    s->pmpcfg[15] = 0x1f;
    s->pmpaddr[15] = UINT64_MAX >> 10;
    if (below(3) == 0)
        s->menvcfg &= ~ENVCFG_ADUE;
    pmp_update(s);
    mmu_flush(s);
    system_select(h);
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
    return same;
}

static void explain(uint64_t from) {
    if (getenv("RIV_DUMP")) {
        FILE *f = fopen(getenv("RIV_DUMP"), "w");
        fwrite(image, 1, sizeof image, f);
        fclose(f);
    }
    fprintf(stderr, "differ with RIV_SEED of this program 0x%" PRIx64 ", Sv%u\n", from, 12 + 9 * levels);
    for (unsigned i = 0; i < SEGMENTS + 1; i++) {
        uint64_t a[7], b[7];
        memcpy(a, ways[0].ram + LOG + 64 * i, sizeof a);
        memcpy(b, ways[1].ram + LOG + 64 * i, sizeof b);
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

static int set_up(void **state) {
    char err[256];
    if (!isa_parse(&isa, "max", err, sizeof err))
        return -1;
    for (unsigned i = 0; i < WAYS; i++) {
        struct machine_under_test *m = &ways[i];
        m->ram = aligned_alloc(4096, RAM_BYTES);
        m->regions[0] = (struct bus_ram){RAM, CODE, m->ram, true};
        m->regions[1] = (struct bus_ram){RAM + CODE, RAM_BYTES - CODE, m->ram + CODE, false};
        m->bus = (struct bus){m, m->regions, 2, bus_read, bus_write, bus_time, bus_stimecmp, NULL, NULL};
        const struct engine_config config = {
            .isa = &isa, .kind = i ? ENGINE_JIT : ENGINE_INTERP, .hostile = i ? 4 : 0, .system = &m->bus};
        m->engine = engine_create(&config, err, sizeof err);
        if (!m->engine || !engine_hart_init(m->engine, &m->hart)) {
            print_message("not translating: %s\n", err);
            return -1;
        }
    }
    return 0;
}

static int tear_down(void **state) {
    for (unsigned i = 0; i < WAYS; i++) {
        engine_hart_exit(&ways[i].hart);
        engine_destroy(ways[i].engine);
        free(ways[i].ram);
    }
    return 0;
}

/* cmocka has its own by now */
static struct hart *volatile running;
static void on_fault(int number, siginfo_t *info, void *context) {
    if (!running || !engine_host_fault(running, number, info, context))
        signal(number, SIG_DFL);
}

static void programs(void **state) {
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    assert_int_equal(sigaction(SIGSEGV, &action, NULL), 0);
    const char *text = getenv("RIV_SEED"), *more = getenv("RIV_CASES");
    uint64_t from = text ? strtoull(text, NULL, 0) : 1;
    unsigned long count = 300 * (more ? strtoul(more, NULL, 0) : 1);
    unsigned failures = 0, causes[2][16] = {{0}};
    for (unsigned long i = 0; i < count && failures < 3; i++, from = next_random()) {
        seed = from;
        make_program();
        uint64_t registers = seed;
        for (unsigned way = 0; way < WAYS; way++) {
            start(&ways[way], registers);
            running = &ways[way].hart;
            assert_int_equal(engine_run(&ways[way].hart), STOP_PENDING);
        }
        for (unsigned k = 0; k < SEGMENTS; k++) {
            uint64_t cause;
            memcpy(&cause, ways[0].ram + LOG + 64 * (k + 1), 8);
            causes[cause >> 63][cause & 15]++;
        }
        if (!same_state()) {
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
    assert_true(causes[1][IRQ_SSI] > 0);
    assert_int_equal(failures, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(programs)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
