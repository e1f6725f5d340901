/* Random privileged states and instructions, one at a time, against a second model (reference_machine.h): random page
 * tables of all modes, PMP, CSR accesses in all privileges, traps with delegation and vectors; interpreted, and
 * translated with the TLB that generated code probes.
 *
 * RIV_SEED starts at another place; RIV_CASES multiplies the number of steps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../cpu/interp.h"
#include "../../cpu/system.h"
#include "../../translate/engine.h"
#include "reference_machine.h"

#define RAM UINT64_C(0x80000000)
#define TIME UINT64_C(0x123456789abcdef0)
enum { RAM_BYTES = 1 << 20, TABLE_PAGES = 32, PLACES = 10, EPOCH = 400, STEPS = 80000 };
enum { A0 = 10, A1 = 11, A2 = 12 };

static struct ref_machine model;
static struct engine *engine;
static struct hart hart;
static struct bus bus;
static struct bus_ram region;
static struct isa isa;
static uint64_t seed, places[PLACES], insn_pa; /* where the last instruction was */
static unsigned mode_bits;
static unsigned causes[2][16];

static uint64_t next(void) {
    seed += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = seed;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}
static unsigned below(unsigned n) { return (unsigned)(next() >> 20) % n; }
static bool chance(unsigned percent) { return below(100) < percent; }

static bool bus_read(void *ctx, struct hart *h, uint64_t address, unsigned size, uint64_t *value) { return false; }
static bool bus_write(void *ctx, struct hart *h, uint64_t address, unsigned size, uint64_t value) { return false; }
static uint64_t bus_time(void *ctx) { return TIME; }
static void bus_stimecmp(void *ctx, struct hart *h, uint64_t ticks) {}
static void stop_behind(void *ctx, struct hart *h) { engine_kick(h); }

/* ---- random states ---- */

static uint64_t registers_form(uint64_t v) { return model.xlen == 32 ? (uint64_t)(int64_t)(int32_t)v : v; }
static void set_x(unsigned r, uint64_t v) {
    model.x[r] = model.xlen == 32 ? (uint32_t)v : v;
    hart.x[r] = registers_form(v);
}

static uint64_t random_pte(unsigned level_hint) {
    uint64_t v = next();
    if (chance(6))
        return v;
    uint64_t flags = 1 | (v & 0x320); /* V; G and what software may use at random */
    if (chance(45)) {
        if (chance(4))
            flags |= v & 0xd0;
        if (chance(3) && model.xlen == 64)
            flags |= UINT64_C(1) << (54 + below(10));
        return flags | (RAM + 4096 * (uint64_t)below(TABLE_PAGES)) >> 12 << 10;
    }
    static const uint8_t permissions[] = {2, 6, 8, 10, 14, 14, 14, 4, 12};
    flags |= permissions[below(sizeof permissions)];
    flags |= (chance(50) ? 0x10 : 0) | (chance(85) ? 0x40 : 0) | (chance(75) ? 0x80 : 0);
    uint64_t page = RAM / 4096 + below(RAM_BYTES / 4096);
    if (level_hint)
        page = level_hint == 1 ? RAM / 4096 : 0;
    if (model.xlen == 64) {
        if (chance(10))
            flags |= (uint64_t)below(4) << 61;
        if (chance(2))
            flags |= UINT64_C(1) << (54 + below(7));
        if (chance(10)) {
            flags |= UINT64_C(1) << 63;
            if (chance(80))
                page = (page & ~UINT64_C(15)) | 8;
        }
    }
    return flags | page << 10;
}

static void make_tables(void) {
    unsigned bytes = model.xlen / 8;
    for (unsigned i = 0; i < TABLE_PAGES * 4096 / bytes; i++) {
        uint64_t pte = random_pte(chance(45) ? 0 : 1 + below(2));
        memcpy(model.ram + i * bytes, &pte, bytes);
    }
}

static void tables_changed(uint64_t first, uint64_t last) {
    memcpy(region.host + first, model.ram + first, last - first + 1);
    hart_dma(&hart, RAM + first, last - first + 1);
    mmu_flush(hart.sys);
}

/* An address that the tables are likely to map. */
static uint64_t random_va(void) {
    uint64_t va = below(4096);
    unsigned shift = 12, bits = model.xlen == 32 ? 10 : 9;
    for (; shift < mode_bits; shift += bits) {
        uint64_t index = chance(50) ? 0 : chance(30) ? (model.xlen == 32 ? 512 : 2) : below(1u << bits);
        va |= index << shift;
    }
    va &= mode_bits < 64 ? (UINT64_C(1) << mode_bits) - 1 : UINT64_MAX;
    if (model.xlen == 64 && mode_bits < 64 && va >> (mode_bits - 1) & 1 && !chance(5))
        va |= ~UINT64_C(0) << mode_bits;
    if (chance(10))
        va = (va & ~UINT64_C(4095)) | (4096 - 1 - below(8));
    return va;
}

/* One that they do map, mostly: few random addresses are. */
static uint64_t random_place(void) {
    unsigned priv = model.priv;
    uint64_t status = model.mstatus, va, pa;
    model.priv = PRIV_S;
    model.mstatus |= MSTATUS_SUM | MSTATUS_MXR;
    model.mstatus &= ~MSTATUS_MPRV;
    unsigned tries = chance(85) ? 60 : 1;
    do
        va = random_va();
    while (--tries > 0 && ref_translate(&model, va, 1, REF_LOAD, true, &pa) != REF_OK);
    model.priv = priv;
    model.mstatus = status;
    return va;
}

static uint64_t random_pmpaddr(void) {
    uint64_t a = (insn_pa && chance(30) ? insn_pa + 8 - below(4) * 4 : RAM + below(RAM_BYTES)) >> 2;
    unsigned ones = below(20);
    return chance(10) ? next() : chance(60) ? a | ((UINT64_C(1) << ones) - 1) : a;
}

/* A value that says something to CSR n. */
static uint64_t random_operand(unsigned n) {
    if (n == 0x180) {
        uint64_t root = chance(90) ? RAM / 4096 + below(4) : next() & 0xfffff;
        if (model.xlen == 32)
            return (uint64_t)!chance(10) << 31 | (next() & 0x7fc00000) | root;
        return (uint64_t)(chance(85) ? 8 + (mode_bits - 39) / 9 : below(16)) << 60 | (next() & UINT64_C(0xffff) << 44) |
               root;
    }
    if (n >= 0x3b0 && n <= 0x3bf)
        return random_pmpaddr();
    if (n >= 0x3a0 && n <= 0x3a3) /* locks now and then only */
        return next() & (chance(5) ? UINT64_MAX : UINT64_C(0x7f7f7f7f7f7f7f7f));
    if (n == 0x305 || n == 0x105 || n == 0x341 || n == 0x141)
        return chance(80) ? RAM + below(RAM_BYTES) : next();
    switch (below(5)) {
    case 0:
        return UINT64_C(1) << below(64);
    case 1:
        return 0;
    case 2:
        return UINT64_MAX;
    default:
        return next();
    }
}

static void csr_both(unsigned n, uint64_t v) {
    uint64_t old;
    bool unknown;
    unsigned priv = model.priv;
    model.priv = PRIV_M;
    hart.sys->priv = PRIV_M;
    ref_csr(&model, n, 0, model.xlen == 32 ? (uint32_t)v : v, false, true, &old, &unknown);
    hart.trap.cause = TRAP_NONE;
    system_csr_access(&hart, registers_form(v), n | 1u << 15);
    model.priv = priv;
    hart.sys->priv = (uint8_t)priv;
    hart.sys->resume = false;
    system_select(&hart);
}

static void set_priv(unsigned priv) {
    model.priv = priv;
    hart.sys->priv = (uint8_t)priv;
    system_select(&hart);
}

static void begin_epoch(void) {
    struct system *s = hart.sys;
    ref_reset(&model);
    system_reset(&hart);
    model.minstret = s->icount - s->idle;
    model.mcycle = s->icount;
    mode_bits = model.xlen == 32 ? 32 : 39 + 9 * below(3);
    make_tables();
    for (unsigned i = TABLE_PAGES * 4096; i < RAM_BYTES; i += 8) {
        uint64_t v = next();
        memcpy(model.ram + i, &v, 8);
    }
    tables_changed(0, RAM_BYTES - 1);
    csr_both(0x3bf, UINT64_MAX);
    csr_both(model.xlen == 64 ? 0x3a2 : 0x3a3, UINT64_C(0x1f) << (model.xlen - 8));
    for (unsigned i = below(6); i > 0; i--)
        csr_both(0x3b0 + below(15), random_pmpaddr());
    if (chance(60))
        csr_both(0x3a0, random_operand(0x3a0));
    static const uint16_t first[] = {0x180, 0x302, 0x303, 0x304, 0x305, 0x105, 0x300, 0x306, 0x106};
    for (unsigned i = 0; i < sizeof first / sizeof *first; i++)
        csr_both(first[i], random_operand(first[i]));
    if (chance(50))
        csr_both(0x30c, next());
    csr_both(0x30a, random_operand(0x30a));
    for (unsigned i = 0; i < PLACES; i++)
        places[i] = random_place();
}

/* Something outside of the hart happens. */
static void random_event(void) {
    unsigned bytes = model.xlen / 8;
    switch (below(10)) {
    case 9:
    case 8:
    case 7: /* what decides about an access changes, between two to the same place */
        csr_both(0x300, model.mstatus ^ (UINT64_C(1) << (17 + below(3))));
        break;
    case 0: {
        static const uint8_t lines[] = {IRQ_MSI, IRQ_STI, IRQ_MTI, IRQ_SEI, IRQ_MEI};
        unsigned line = lines[below(sizeof lines)];
        bool level = chance(40);
        hart_interrupt(&hart, line, level);
        model.wires = level ? model.wires | UINT64_C(1) << line : model.wires & ~(UINT64_C(1) << line);
        break;
    }
    case 1: {
        uint64_t at = below(TABLE_PAGES * 4096 / bytes) * (uint64_t)bytes, pte = random_pte(below(3));
        memcpy(model.ram + at, &pte, bytes);
        tables_changed(at, at + bytes - 1);
        break;
    }
    case 2:
        places[below(PLACES)] = random_place();
        break;
    default:
        set_priv((unsigned[]){PRIV_U, PRIV_S, PRIV_S, PRIV_M}[below(4)]);
    }
}

/* ---- random instructions ---- */

static unsigned random_csr(void) {
    static const uint16_t list[] = {1,     2,     3,     0x100, 0x104, 0x105, 0x106, 0x10a, 0x10c, 0x10d, 0x140, 0x141,
                                    0x142, 0x143, 0x144, 0x14d, 0x15d, 0x180, 0x300, 0x301, 0x302, 0x303, 0x304, 0x305,
                                    0x306, 0x30a, 0x30c, 0x30d, 0x310, 0x31a, 0x31c, 0x31d, 0x320, 0x323, 0x340, 0x341,
                                    0x342, 0x343, 0x344, 0x3a0, 0x3a1, 0x3a2, 0x3a3, 0xb00, 0xb02, 0xb03, 0xb80, 0xb82,
                                    0xc00, 0xc01, 0xc02, 0xc03, 0xc80, 0xc81, 0xc82, 0xf11, 0xf14, 0xf15};
    return chance(8) ? below(4096) : chance(15) ? 0x3b0 + below(16) : list[below(sizeof list / sizeof *list)];
}

static uint32_t fields(unsigned opcode, unsigned rd, unsigned width, unsigned rs1, unsigned high) {
    return opcode | rd << 7 | width << 12 | rs1 << 15 | high << 20;
}

/* Registers are set for it. */
static uint32_t random_insn(void) {
    static const uint32_t whole[] = {0x30200073, 0x30200073, 0x10200073, 0x10200073, 0x10500073, 0x18000073,
                                     0x18100073, 0x00000073, 0x00000073, 0x00100073, 0xffffffff, 0x12000073,
                                     0x12050073, 0x16050073, 0xf00500d3, 0x00158613};
    bool rv64 = model.xlen == 64;
    set_x(A0, chance(75) ? places[below(PLACES)] : chance(70) ? RAM + below(RAM_BYTES) : next());
    set_x(A1, next());
    unsigned what = below(100), offset = below(17) - 8u;
    if (what < 35) {
        unsigned n = random_csr(), kind = (unsigned[]){1, 2, 3, 1, 5, 6, 7}[below(7)];
        set_x(A1, random_operand(n));
        return fields(0x73, chance(80) ? A2 : 0, kind, chance(75) ? A1 : 0, n);
    }
    if (what < 58)
        return fields(0x03, A2, rv64 ? below(7) : (unsigned[]){0, 1, 2, 4, 5}[below(5)], A0, offset & 0xfff);
    if (what < 76)
        return fields(0x23, offset & 31, rv64 ? below(4) : below(3), A0, (offset & 0xfe0) | A1);
    if (what < 82)
        return fields(0x2f, A2, rv64 ? 2 + below(2) : 2, A0, below(2) << 7 | A1);
    if (what < 86)
        return fields(0x0f, 0, 2, A0, (unsigned[]){0, 1, 2, 4}[below(4)]);
    return whole[below(sizeof whole / sizeof *whole)];
}

/* Puts insn where pc is mapped to; false: at a place that is not to be changed. */
static bool place_insn(uint32_t insn) {
    uint64_t pa[2];
    for (unsigned i = 0; i < 2; i++) {
        uint64_t va = (model.pc + 2 * i) & (model.xlen == 32 ? UINT32_MAX : UINT64_MAX);
        pa[i] = 0;
        if (ref_translate(&model, va, 2, REF_FETCH, true, &pa[i]) != REF_OK)
            pa[i] = 0;
        else if (pa[i] - RAM < TABLE_PAGES * 4096)
            return false;
    }
    for (unsigned i = 0; i < 2; i++) {
        uint16_t parcel = (uint16_t)(insn >> 16 * i);
        if (pa[i] == 0 || memcmp(model.ram + (pa[i] - RAM), &parcel, 2) == 0)
            continue;
        memcpy(model.ram + (pa[i] - RAM), &parcel, 2);
        memcpy(region.host + (pa[i] - RAM), &parcel, 2);
        hart_dma(&hart, pa[i], 2);
    }
    insn_pa = pa[0];
    return true;
}

/* What the hart will fetch from next, an interrupt counted in: ours to choose in M mode. */
static void choose_pc(void) {
    uint64_t pa;
    for (unsigned tries = 0; tries < 12; tries++) {
        uint64_t to =
            chance(70) ? places[below(PLACES)] : RAM + TABLE_PAGES * 4096 + below(RAM_BYTES - TABLE_PAGES * 4096);
        model.pc = to & (chance(80) ? ~UINT64_C(3) : ~UINT64_C(1));
        if (model.xlen == 32)
            model.pc = (uint32_t)model.pc;
        if (ref_translate(&model, model.pc, 2, REF_FETCH, true, &pa) == REF_OK)
            break;
    }
    hart.pc = model.pc;
}

/* ---- comparing ---- */

static const uint16_t compared[] = {1,     2,     3,     0x100, 0x104, 0x105, 0x106, 0x10a, 0x140, 0x141, 0x142, 0x143,
                                    0x144, 0x14d, 0x180, 0x300, 0x301, 0x302, 0x303, 0x304, 0x305, 0x306, 0x30a, 0x30c,
                                    0x30d, 0x31a, 0x31c, 0x340, 0x341, 0x342, 0x343, 0x344, 0x3a0, 0x3a1, 0x3a2, 0x3a3,
                                    0x3b0, 0x3b1, 0x3b2, 0x3b3, 0x3b7, 0x3be, 0x3bf, 0xb00, 0xb02, 0xb80, 0xc01};

static bool same(char *why, size_t n) {
    uint64_t mask = model.xlen == 32 ? UINT32_MAX : UINT64_MAX;
    if (hart.pc != model.pc || hart.sys->priv != model.priv) {
        snprintf(why, n, "pc %" PRIx64 " in mode %u, should be %" PRIx64 " in %u", hart.pc, hart.sys->priv, model.pc,
                 model.priv);
        return false;
    }
    for (unsigned i = 1; i < 32; i++)
        if ((hart.x[i] & mask) != model.x[i]) {
            snprintf(why, n, "x%u is %" PRIx64 ", should be %" PRIx64, i, hart.x[i], model.x[i]);
            return false;
        }
    for (unsigned i = 0; i < sizeof compared / sizeof *compared; i++) {
        uint64_t should = 0, is = 0;
        bool unknown, there = ref_csr_peek(&model, compared[i], &should, &unknown);
        if (system_csr_read(&hart, compared[i], &is) != there || (there && !unknown && (is & mask) != should)) {
            snprintf(why, n, "csr %x is %" PRIx64 ", should be %" PRIx64, compared[i], is & mask, should);
            return false;
        }
    }
    if (model.written_first <= model.written_last)
        for (uint64_t i = model.written_first; i <= model.written_last; i++)
            if (region.host[i] != model.ram[i]) {
                snprintf(why, n, "memory at %" PRIx64 " is %02x, should be %02x", RAM + i, region.host[i],
                         model.ram[i]);
                return false;
            }
    return true;
}

static bool one_step(unsigned number, bool translated) {
    char why[200];
    static uint32_t insn;
    static uint64_t insn_pc;
    if (number % EPOCH == 0)
        begin_epoch();
    uint64_t from = seed;
    if (chance(25))
        random_event();
    bool again = chance(60) && number % EPOCH != 0;
    if (again) {
        model.pc = hart.pc = insn_pc;
        if (chance(40))
            set_x(A0, places[below(PLACES)]);
        set_x(A1, next());
    } else {
        choose_pc();
        insn = random_insn();
    }
    uint64_t pc = model.pc;
    if (insn == 0x10500073 && !ref_interrupt_waits(&model))
        return true;
    struct ref_machine before = model;
    ref_interrupt(&model); /* the handler's first instruction is ours, too */
    bool interrupted = model.pc != pc || model.priv != before.priv, placed = place_insn(insn);
    model = before;
    if (!placed)
        return true;
    insn_pc = pc;
    if (translated)
        assert_int_equal(engine_run(&hart), STOP_PENDING);
    else
        interp_step(&hart, 1);
    ref_step(&model);
    if (model.unknown_read)
        set_x(insn >> 7 & 31, insn >> 7 & 31 ? hart.x[insn >> 7 & 31] : 0);
    uint64_t cause = model.priv == PRIV_M ? model.mcause : model.scause;
    causes[cause >> (model.xlen - 1)][cause & 15] += model.priv != before.priv || interrupted;
    bool equal = same(why, sizeof why);
    if (equal && number % EPOCH == EPOCH - 1 && memcmp(region.host, model.ram, RAM_BYTES) != 0) {
        snprintf(why, sizeof why, "memory differs");
        equal = false;
    }
    if (!equal)
        fprintf(stderr,
                "step %u, seed 0x%" PRIx64 ", RV%u, %s: %08x at %" PRIx64 " in mode %u%s, a0 %" PRIx64 " a1 %" PRIx64
                " satp %" PRIx64 " mstatus %" PRIx64 " menvcfg %" PRIx64 "\n  %s\n",
                number, from, model.xlen, translated ? "translated" : "interpreted", insn, before.pc, before.priv,
                interrupted ? ", interrupted" : "", before.x[A0], before.x[A1], before.satp, before.mstatus,
                before.menvcfg, why);
    if (model.written_first < TABLE_PAGES * 4096)
        mmu_flush(hart.sys);
    return equal;
}

/* Steps that do nothing would agree as well. */
static void check_seen(void) {
    for (unsigned levels = model.xlen == 32 ? 2 : 3; levels < (model.xlen == 32 ? 3 : 6); levels++)
        for (unsigned i = 0; i < levels && i < 3; i++) /* larger pages seldom lead to RAM */
            if (model.seen.leaves[levels][i] < 10)
                fail_msg("%u leaves at level %u of %u", model.seen.leaves[levels][i], i, levels);
    assert_true(model.xlen == 32 || (model.seen.napot > 10 && model.seen.memory_types > 10));
    assert_true(model.seen.updates > 10);
    for (unsigned i = 0; i < 3; i++)
        assert_true(model.seen.denied[i] > 10);
}

static void steps(unsigned xlen, bool translated) {
    char err[256];
    const char *text = getenv("RIV_SEED"), *more = getenv("RIV_CASES");
    uint64_t count = STEPS * (more ? strtoul(more, NULL, 0) : 1);
    seed = text ? strtoull(text, NULL, 0) : 1;
    memset(causes, 0, sizeof causes);
    assert_true(isa_parse(&isa, xlen == 64 ? "max" : "rv32max", err, sizeof err));
    region = (struct bus_ram){RAM, RAM_BYTES, aligned_alloc(4096, RAM_BYTES), false};
    bus = (struct bus){NULL, &region, 1, bus_read, bus_write, bus_time, bus_stimecmp, NULL, NULL};
    struct engine_config config = {.isa = &isa, .kind = ENGINE_INTERP, .icount = true, .system = &bus};
    if (translated)
        config = (struct engine_config){.isa = &isa,
                                        .kind = ENGINE_JIT,
                                        .hostile = 4,
                                        .max_insns = 1,
                                        .observer = {.block = stop_behind},
                                        .system = &bus};
    engine = engine_create(&config, err, sizeof err);
    hart = (struct hart){0};
    assert_non_null(engine);
    assert_true(engine_hart_init(engine, &hart));
    model = (struct ref_machine){.xlen = xlen,
                                 .ram = malloc(RAM_BYTES),
                                 .ram_base = RAM,
                                 .ram_size = RAM_BYTES,
                                 .time = xlen == 64 ? TIME : TIME,
                                 .counters_known = !translated};
    unsigned failures = 0;
    for (uint64_t i = 0; i < count && failures < 1; i++)
        failures += !one_step((unsigned)i, translated);
    for (unsigned i = 0; i < 16; i++)
        if (failures == 0 && i != 0 && i != 10 && i != 14 && i != 4 && causes[0][i] == 0)
            fail_msg("no exception %u", i);
    for (unsigned i = 1; i < 12 && failures == 0; i += 2)
        if (causes[1][i] == 0)
            fail_msg("no interrupt %u", i);
    if (failures == 0)
        check_seen();
    engine_hart_exit(&hart);
    engine_destroy(engine);
    free(region.host);
    free(model.ram);
    assert_int_equal(failures, 0);
}

static void interpreted_rv64(void **state) { steps(64, false); }
static void interpreted_rv32(void **state) { steps(32, false); }
static void translated_rv64(void **state) { steps(64, true); }
static void translated_rv32(void **state) { steps(32, true); }

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(interpreted_rv64), cmocka_unit_test(interpreted_rv32),
                                       cmocka_unit_test(translated_rv64), cmocka_unit_test(translated_rv32)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
