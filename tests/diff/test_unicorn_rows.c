/* The interpreter against Unicorn 2 (a QEMU core): random programs of I, M, A, F, D, C and Zicsr rows on RV64 and RV32.
 *
 * Where Unicorn is known to differ from the manual, a case falls into a labelled class, which is counted and printed:
 *
 *      trap          our side ended in a trap (a reserved rounding mode was written): Unicorn goes on behind traps
 *      lone sc       an SC before any LR: Unicorn may hold a reservation of an earlier program
 *      box           computed singles have zero upper halves in Unicorn: the low 32 bits are compared
 *      signalling    fmin, fmax of one signalling NaN
 *      inf * 0 + nan fused multiply-add, NV only
 *      word min/max  on RV64 it compares all 64 bits of memory, zero-extended, with all of rs2: those rows are left out
 *
 * As Unicorn does not check NaN boxes either, programs are of singles (all registers boxed) or of doubles; what
 * converts between them, and the rows of the last two classes, run alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unicorn/unicorn.h>

#include "../../translate/engine.h"
#include "row_program.h"

enum { CLASS_TRAP, CLASS_LONE_SC, CLASS_BOX, CLASS_SIGNALLING, CLASS_INF_ZERO, CLASS_WORD_MIN, CLASSES };
static const char *const class_names[CLASSES] = {"trap",       "lone sc",       "box",
                                                 "signalling", "inf * 0 + nan", "word min/max"};
static unsigned long classes[CLASSES], compared;

static size_t fetch(void *ctx, uint64_t pc, const uint8_t **host, uint32_t *cause) {
    *cause = TRAP_FETCH_PAGE;
    if (pc - PROGRAM_CODE >= 4096)
        return 0;
    *host = (const uint8_t *)(uintptr_t)pc;
    return PROGRAM_CODE + 4096 - pc;
}
static bool watch_code(void *ctx, uint64_t addr) { return true; }

struct sides {
    struct isa isa;
    struct engine *engine;
    struct hart hart;
    uc_engine *uc;
};

static void open_sides(struct sides *s, const char *isa) {
    char err[256];
    memset(s, 0, sizeof *s);
    assert_true(isa_parse(&s->isa, isa, err, sizeof err));
    struct engine_config config = {
        .mem = {.fetch = fetch, .watch_code = watch_code}, .isa = &s->isa, .kind = ENGINE_INTERP};
    s->engine = engine_create(&config, err, sizeof err);
    assert_non_null(s->engine);
    assert_true(engine_hart_init(s->engine, &s->hart));
    assert_int_equal(uc_open(UC_ARCH_RISCV, s->isa.xlen == 64 ? UC_MODE_RISCV64 : UC_MODE_RISCV32, &s->uc), UC_ERR_OK);
    assert_int_equal(uc_mem_map_ptr(s->uc, PROGRAM_SCRATCH, SCRATCH_BYTES, UC_PROT_READ | UC_PROT_WRITE,
                                    (void *)(uintptr_t)PROGRAM_SCRATCH),
                     UC_ERR_OK);
    assert_int_equal(
        uc_mem_map_ptr(s->uc, PROGRAM_CODE, 4096, UC_PROT_READ | UC_PROT_EXEC, (void *)(uintptr_t)PROGRAM_CODE),
        UC_ERR_OK);
    uint64_t status = 0;
    uc_reg_read(s->uc, UC_RISCV_REG_MSTATUS, &status);
    status |= 0x6000;
    assert_int_equal(uc_reg_write(s->uc, UC_RISCV_REG_MSTATUS, &status), UC_ERR_OK);
}
static void close_sides(struct sides *s) {
    uc_close(s->uc);
    engine_hart_exit(&s->hart);
    engine_destroy(s->engine);
}

static void run_ours(struct sides *s, const struct program *p, struct program_state *end) {
    struct hart *h = &s->hart;
    program_place(p);
    engine_code_changed(s->engine, PROGRAM_CODE, PROGRAM_CODE + 4096);
    memcpy(h->x, p->start.x, sizeof p->start.x);
    memcpy(h->f, p->start.f, sizeof p->start.f);
    h->pc = p->start.pc;
    h->res_valid = 0;
    hart_set_fcsr(h, p->start.fcsr);
    assert_int_equal(engine_run(h), STOP_TRAP);
    memset(end, 0, sizeof *end);
    memcpy(end->x, h->x, sizeof end->x);
    memcpy(end->f, h->f, sizeof end->f);
    end->pc = h->pc;
    end->fcsr = hart_get_fcsr(h);
    end->cause = h->trap.cause;
    memcpy(end->scratch, (void *)(uintptr_t)PROGRAM_SCRATCH, SCRATCH_BYTES);
}

/* On RV32 uc_reg_read and uc_reg_write know 32 bits of an f register: these are moved through the scratch area, whose
 * contents are lost, by code of their own. (A limit of instructions is given as without one Unicorn flushes its cache.)
 */
static void move_f(struct sides *s, uint32_t opcode, uint64_t *f) {
    uint32_t *code = (uint32_t *)(uintptr_t)(PROGRAM_CODE + 2048);
    uint64_t base = PROGRAM_SCRATCH;
    for (uint32_t i = 0; i < 32; i++)
        code[i] = opcode == 0x07 ? i * 8 << 20 | 31 << 15 | 3 << 12 | i << 7 | opcode
                                 : i * 8 >> 5 << 25 | i << 20 | 31 << 15 | 3 << 12 | (i * 8 & 31) << 7 | opcode;
    uc_ctl_remove_cache(s->uc, PROGRAM_CODE, PROGRAM_CODE + 4096);
    if (opcode == 0x07)
        memcpy((void *)(uintptr_t)base, f, 256);
    uc_reg_write(s->uc, UC_RISCV_REG_X31, &base);
    assert_int_equal(uc_emu_start(s->uc, PROGRAM_CODE + 2048, PROGRAM_CODE + 2048 + 128, 0, 5000), UC_ERR_OK);
    if (opcode == 0x27)
        memcpy(f, (void *)(uintptr_t)base, 256);
}

static void run_unicorn(struct sides *s, const struct program *p, struct program_state *end) {
    uint64_t f[32];
    memcpy(f, p->start.f, sizeof f);
    if (s->isa.xlen == 32)
        move_f(s, 0x07, f);
    program_place(p);
    uc_ctl_remove_cache(s->uc, PROGRAM_CODE, PROGRAM_CODE + 4096);
    for (int i = 0; i < 32; i++) {
        if (i)
            uc_reg_write(s->uc, UC_RISCV_REG_X0 + i, &p->start.x[i]);
        if (s->isa.xlen == 64)
            uc_reg_write(s->uc, UC_RISCV_REG_F0 + i, &f[i]);
    }
    uint64_t fcsr = p->start.fcsr;
    uc_reg_write(s->uc, UC_RISCV_REG_FCSR, &fcsr);
    memset(end, 0, sizeof *end);
    assert_int_equal(uc_emu_start(s->uc, PROGRAM_CODE, program_address(p, p->count), 0, 5000), UC_ERR_OK);
    for (int i = 0; i < 32; i++) {
        uc_reg_read(s->uc, UC_RISCV_REG_X0 + i, &end->x[i]);
        uc_reg_read(s->uc, UC_RISCV_REG_F0 + i, &end->f[i]);
        if (s->isa.xlen == 32)
            end->x[i] = (uint64_t)(int64_t)(int32_t)end->x[i];
    }
    uc_reg_read(s->uc, UC_RISCV_REG_PC, &end->pc);
    fcsr = 0;
    uc_reg_read(s->uc, UC_RISCV_REG_FCSR, &fcsr);
    end->fcsr = (uint32_t)fcsr & 0xff;
    end->cause = TRAP_BREAKPOINT;
    memcpy(end->scratch, (void *)(uintptr_t)PROGRAM_SCRATCH, SCRATCH_BYTES);
    if (s->isa.xlen == 32)
        move_f(s, 0x27, end->f);
}

static bool starts(const char *name, const char *prefix) { return !strncmp(name, prefix, strlen(prefix)); }
static bool ends(const char *name, const char *suffix) {
    size_t n = strlen(name), k = strlen(suffix);
    return n >= k && !strcmp(name + n - k, suffix);
}
static bool is_base(const struct row_pattern *r) {
    static const char *const tokens[] = {"I", "I_64", "M", "M_64", "A", "A_64", "C", "C_64", "C_32", "Zicsr"};
    if (starts(r->name, "ecall") || ends(r->name, "ebreak"))
        return false;
    for (unsigned i = 0; i < sizeof tokens / sizeof tokens[0]; i++)
        if (!strcmp(r->extension, tokens[i]))
            return true;
    return false;
}
static bool is_word_min(const struct row_pattern *r) { return starts(r->name, "amom") && ends(r->name, "_w"); }
static bool is_lonely(const struct row_pattern *r) {
    return is_word_min(r) || starts(r->name, "fmin") || starts(r->name, "fmax") || starts(r->name, "fmadd") ||
           starts(r->name, "fmsub") || starts(r->name, "fnm") || starts(r->name, "fcvt_s_d") ||
           starts(r->name, "fcvt_d_s");
}
static bool is_single(const struct row_pattern *r) {
    return !strcmp(r->extension, "F") || !strcmp(r->extension, "F_64") || !strcmp(r->extension, "C_F32");
}
static bool is_double(const struct row_pattern *r) {
    return !strcmp(r->extension, "D") || !strcmp(r->extension, "D_64") || !strcmp(r->extension, "C_D");
}
static bool in_singles(const struct row_pattern *r) {
    return (is_base(r) && !is_lonely(r)) || (is_single(r) && !is_lonely(r));
}
static bool in_doubles(const struct row_pattern *r) {
    return (is_base(r) && !is_lonely(r)) || (is_double(r) && !is_lonely(r));
}

static bool has_lone_sc(const struct program *p) {
    for (unsigned i = 0; i < p->count; i++) {
        struct insn in;
        insn_decode(p->isa, p->items[i].bits, &in);
        if (in.id == INSN_lr_w || in.id == INSN_lr_d)
            return false;
        if (in.id == INSN_sc_w || in.id == INSN_sc_d)
            return true;
    }
    return false;
}

/* True: the difference is one that Unicorn is known for. */
static bool is_known(const struct row_pattern *focus, const struct program_state *ours,
                     const struct program_state *theirs) {
    unsigned flags = ours->fcsr ^ theirs->fcsr;
    if (starts(focus->name, "fmin") || starts(focus->name, "fmax")) {
        classes[CLASS_SIGNALLING]++;
        return ours->fcsr & FFLAG_NV;
    }
    if (is_lonely(focus) && flags == FFLAG_NV && ours->fcsr & FFLAG_NV) {
        classes[CLASS_INF_ZERO]++;
        return true;
    }
    return false;
}

static void run_rows(const char *isa, bool singles) {
    static struct sides s;
    static struct program p;
    static struct program_state ours, theirs;
    unsigned rows;
    const struct row_pattern *patterns = row_patterns(&rows);
    uint64_t seed = program_seed() * 7919 + singles;
    open_sides(&s, isa);
    for (unsigned row = 0; row < rows; row++) {
        bool wanted = is_base(&patterns[row]) || (singles ? is_single(&patterns[row]) : is_double(&patterns[row]));
        if (!wanted || !row_pattern_in(&patterns[row], &s.isa))
            continue;
        if (is_word_min(&patterns[row]) && s.isa.xlen == 64) {
            classes[CLASS_WORD_MIN]++;
            continue;
        }
        bool lonely = is_lonely(&patterns[row]);
        for (int i = 0; i < 60; i++) {
            struct program_options options = {.focus = (int)row,
                                              .max_rows = lonely || i < 20 ? 1 : 15,
                                              .allowed = singles ? in_singles : in_doubles,
                                              .straight = lonely,
                                              .tame = true};
            program_make(&p, &s.isa, program_random(&seed), &options);
            if (singles || starts(patterns[row].name, "fcvt_d_s"))
                for (int k = 0; k < 32; k++)
                    p.start.f[k] |= 0xffffffff00000000;
            if (has_lone_sc(&p)) {
                classes[CLASS_LONE_SC]++;
                continue;
            }
            run_ours(&s, &p, &ours);
            if (ours.cause != TRAP_BREAKPOINT || ours.pc != program_address(&p, p.count)) {
                classes[CLASS_TRAP]++;
                continue;
            }
            run_unicorn(&s, &p, &theirs);
            compared++;
            for (int k = 0; k < 32; k++)
                if (ours.f[k] != theirs.f[k] && (singles || starts(patterns[row].name, "fcvt_s_d")) &&
                    ours.f[k] >> 32 == 0xffffffff && (uint32_t)ours.f[k] == (uint32_t)theirs.f[k]) {
                    theirs.f[k] = ours.f[k];
                    classes[CLASS_BOX]++;
                }
            if (program_compare(&ours, "", &theirs, "", NULL) && !is_known(&patterns[row], &ours, &theirs)) {
                program_print(&p, stderr);
                program_compare(&ours, "ours", &theirs, "unicorn", stderr);
                fail_msg("RIV_SEED=%llu", (unsigned long long)program_seed());
            }
        }
    }
    close_sides(&s);
}

static void rv64_with_singles(void **state) { run_rows("rv64gc", true); }
static void rv64_with_doubles(void **state) { run_rows("rv64gc", false); }
static void rv32_with_singles(void **state) { run_rows("rv32gc", true); }
static void rv32_with_doubles(void **state) { run_rows("rv32gc", false); }

/* Runs last. */
static void classes_are_rare(void **state) {
    print_message("%lu programs compared\n", compared);
    for (int i = 0; i < CLASSES; i++)
        print_message("%8lu %s\n", classes[i], class_names[i]);
    assert_true(compared > 10000);
    assert_true((classes[CLASS_TRAP] + classes[CLASS_LONE_SC]) * 5 < compared);
}

static int set_up(void **state) { return program_map() ? 0 : -1; }

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(rv64_with_singles), cmocka_unit_test(rv64_with_doubles),
                                       cmocka_unit_test(rv32_with_singles), cmocka_unit_test(rv32_with_doubles),
                                       cmocka_unit_test(classes_are_rare)};
    return cmocka_run_group_tests(tests, set_up, NULL);
}
