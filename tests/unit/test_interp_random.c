/* test_interp_random.c: interp_run against interp_step, which neither fuses nor specialises, on the same instructions.
 *
 * Every row of cpu/interp_fuse.def is made into code many times, with its operands linked as the row says, and random
 * code is made of everything else.  Registers, memory, the pc and the trap must come out the same, host faults
 * included.
 */
#include "interp_fixture.c"
#include "../../cpu/interp_internal.h"

#include <stdio.h>

static struct fixture f;
static uint64_t seed = 88172645463325252u;
static uint64_t rnd(uint64_t n) {
    seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
    return (seed >> 11) % n;
}

/* Registers: T0 to A0 hold anything, A1 is a good address, A2 a bad one, A3 good code. */
enum { FIRST_REG = T0, LAST_REG = A0 };
static unsigned any_reg(void) { return rnd(8) == 0 ? 0 : FIRST_REG + (unsigned)rnd(LAST_REG - FIRST_REG + 1); }

static void fill_registers(uint64_t *x) {
    static const uint64_t corners[] = {0,  1, (uint64_t)-1, (uint64_t)1 << 63, 0x7fffffff, 0xffffffff80000000, 2,
                                       31, 63};
    for (unsigned i = 1; i < 32; i++) {
        uint64_t v = rnd(3) == 0 ? corners[rnd(sizeof corners / sizeof *corners)]
                     : rnd(2)    ? rnd(64)
                                 : rnd(UINT64_MAX) << rnd(2);
        x[i] = f.h.xlen == 32 ? (uint64_t)(int64_t)(int32_t)v : v;
    }
    x[A1] = DATA + 2048, x[A2] = HOLE + 2048, x[A3] = CODE + 1024;
}

static uint8_t data_at_start[PAGE];
struct outcome {
    uint64_t x[32], f[32], pc, cause;
    enum interp_stop stop;
    uint8_t data[PAGE];
};

static void execute(struct outcome *o, const uint64_t *x, bool steps) {
    memcpy((void *)(uintptr_t)DATA, data_at_start, PAGE);
    memcpy(f.h.x, x, 32 * sizeof *x);
    memset(f.h.f, 0, sizeof f.h.f);
    f.h.pc = CODE + 512;
    f.h.trap.cause = TRAP_NONE;
    interp_flush(&f.h);
    o->stop = steps ? fixture_step(&f, 1000) : fixture_run(&f);
    memcpy(o->x, f.h.x, sizeof o->x);
    memcpy(o->f, f.h.f, sizeof o->f);
    o->pc = f.h.pc, o->cause = f.h.trap.cause;
    memcpy(o->data, (void *)(uintptr_t)DATA, PAGE);
}

static void compare(const char *what, const uint64_t *x) {
    static struct outcome run, step;
    execute(&step, x, true);
    execute(&run, x, false);
    char why[100] = "";
    for (int i = 1; i < 32; i++)
        if (run.x[i] != step.x[i])
            snprintf(why, sizeof why, "x%d is %#lx, stepped %#lx", i, run.x[i], step.x[i]);
    if (memcmp(run.f, step.f, sizeof run.f) != 0)
        snprintf(why, sizeof why, "f registers differ");
    if (memcmp(run.data, step.data, PAGE) != 0)
        snprintf(why, sizeof why, "memory differs");
    if (run.pc != step.pc || run.cause != step.cause || run.stop != step.stop)
        snprintf(why, sizeof why, "pc %#lx trap %lu, stepped %#lx %lu", run.pc, run.cause, step.pc, step.cause);
    if (why[0] == 0)
        return;
    for (uint32_t *p = (uint32_t *)(uintptr_t)(CODE + 512); p < f.at; p++) {
        struct insn insn;
        char text[80];
        insn_decode(&f.isa, *p, &insn);
        insn_disassemble(&insn, (uintptr_t)p, text, sizeof text);
        fprintf(stderr, "    %s\n", text);
    }
    fail_msg("%s: %s", what, why);
}

/* Code ends with an ecall; one more is where branches backward go. */
static void begin_code(void) {
    f.at = (uint32_t *)(uintptr_t)(CODE + 256);
    fixture_emit(&f, enc(INSN_ecall, 0, 0, 0, 0));
    f.at = (uint32_t *)(uintptr_t)(CODE + 512);
}
static void end_code(void) {
    for (int i = 0; i < 8; i++)
        fixture_emit(&f, enc(INSN_ecall, 0, 0, 0, 0));
}

/* An instruction that decodes to the kind of that name, with registers and immediate to taste. */
static const struct form {
    const char *name;
    enum insn_id base;
    char a, b;
} forms[] = {
#define INSN(id, pattern, format, ext, effect) {#id, INSN_##id, '1', '2'},
#include "../../cpu/riscv.def"
#define FORM_LETTER_REG1 '1'
#define FORM_LETTER_REG2 '2'
#define FORM_LETTER_ZERO '0'
#define FORM_LETTER_SELF 's'
#define FORM(name, base, a, b, shape) {#name, INSN_##base, FORM_LETTER_##a, FORM_LETTER_##b},
#include "../../cpu/interp_fuse.def"
};

static int32_t immediate(enum insn_format format, bool backward, bool alone) {
    int32_t to_ecall = (int32_t)(CODE + 256 - (uint64_t)(uintptr_t)f.at);
    switch (format) {
    case FMT_SH:
        return (int32_t)rnd(f.h.xlen);
    case FMT_RNUM:
        return (int32_t)rnd(11);
    case FMT_B:
    case FMT_J:
        return backward ? to_ecall : 4 * (1 + (int32_t)rnd(4));
    case FMT_U:
        return (int32_t)(rnd(1 << 20) << 12);
    case FMT_JR:
        return 4 * (int32_t)rnd(8);
    default:
        return rnd(2) ? (int32_t)rnd(8) * (alone ? 1 : 8) : (int32_t)rnd(4000) - 2000;
    }
}

static bool reads_memory(enum insn_format f_) { return f_ == FMT_IL || f_ == FMT_S || f_ == FMT_FIL || f_ == FMT_FST; }

static void emit_kind(const char *name, unsigned rd, unsigned rs1, unsigned rs2) {
    const struct form *form = forms;
    while (strcmp(form->name, name) != 0)
        form++;
    enum insn_format format = (enum insn_format)insn_rows[form->base].format;
    bool backward = strstr(name, "_back") != NULL || strcmp(name, "j") == 0;
    int32_t imm = strcmp(name, "mv") == 0 ? 0 : immediate(format, backward, true);
    if (form->a == '0' || form->base == INSN_jal)
        rs1 = 0;
    if (form->b == '0')
        rs2 = 0;
    if (strcmp(name, "j") == 0 || strcmp(name, "jr") == 0)
        rd = 0;
    fixture_emit(&f, enc(form->base, rd, rs1, rs2, imm));
}

struct row {
    const char *kinds[3];
    char from[3][3];
    const char *dead;
    uint16_t op;
};
static const struct row rows[] = {
#define FUSE2(a, b, b1, b2, dead) {{#a, #b, NULL}, {"RR", #b1 #b2}, #dead, OP_##a##_##b##_##b1##b2##dead},
#define FUSE3(a, b, c, b1, b2, c1, c2, dead)                                                                           \
    {{#a, #b, #c}, {"RR", #b1 #b2, #c1 #c2}, #dead, OP_##a##_##b##_##c##_##b1##b2##c1##c2##dead},
#include "../../cpu/interp_fuse.def"
};

static void emit_row(const struct row *row) {
    unsigned rd[3] = {0, 0, 0};
    for (int i = 0; i < 3 && row->kinds[i] != NULL; i++) {
        unsigned rs[2];
        const struct form *form = forms;
        while (strcmp(form->name, row->kinds[i]) != 0)
            form++;
        bool memory = reads_memory((enum insn_format)insn_rows[form->base].format);
        bool jump = form->base == INSN_jalr;
        for (int n = 0; n < 2; n++) {
            char from = row->from[i][n];
            rs[n] = from == 'A' ? rd[0] : from == 'B' ? rd[1] : any_reg();
            if (from == 'R' && rs[n] == 0)
                rs[n] = FIRST_REG;
            if (from == 'R' && n == 0 && (memory || jump))
                rs[n] = jump ? A3 : rnd(8) == 0 ? A2 : A1;
        }
        rd[i] = FIRST_REG + (unsigned)rnd(LAST_REG - FIRST_REG + 1);
        /* results nobody sees are overwritten: by the next one, or the one after that */
        bool last = i == 2 || row->kinds[i + 1] == NULL;
        if (i > 0 && strchr(row->dead, 'A' + i - 1) != NULL && (last || rnd(2)))
            rd[i] = rd[i - 1];
        if (i == 2 && row->dead[0] == 'A' && rd[1] != rd[0] && row->dead[1] == 0)
            rd[2] = rd[0];
        emit_kind(row->kinds[i], rd[i], rs[0], rs[1]);
    }
}

static void every_fused_row_does_what_its_parts_do(void **state) {
    fixture_start(&f, "max", 0);
    for (size_t i = 0; i < sizeof data_at_start; i++)
        data_at_start[i] = (uint8_t)rnd(256);
    unsigned unused = 0;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        bool used = false;
        for (int again = 0; again < 60; again++) {
            uint64_t x[32] = {0};
            char what[100];
            begin_code();
            emit_row(&rows[r]);
            end_code();
            fill_registers(x);
            snprintf(what, sizeof what, "%s %s %s (%s %s %s)", rows[r].kinds[0], rows[r].kinds[1],
                     rows[r].kinds[2] ? rows[r].kinds[2] : "", rows[r].from[1], rows[r].from[2], rows[r].dead);
            compare(what, x);
            struct block *b = f.h.interp->blocks;
            while (b != NULL && b->pc != CODE + 512)
                b = b->list_next;
            used |= b != NULL && block_ops(b)->go == f.h.interp->labels[rows[r].op];
        }
        if (!used) {
            fprintf(stderr, "never used: %s %s %s %s %s %s\n", rows[r].kinds[0], rows[r].kinds[1],
                    rows[r].kinds[2] ? rows[r].kinds[2] : "", rows[r].from[1], rows[r].from[2], rows[r].dead);
            unused++;
        }
    }
    fixture_stop(&f);
    assert_int_equal(unused, 0);
}

static void random_code(const char *isa, int programs) {
    fixture_start(&f, isa, 0);
    for (size_t i = 0; i < sizeof data_at_start; i++)
        data_at_start[i] = (uint8_t)rnd(256);
    for (int p = 0; p < programs; p++) {
        uint64_t x[32] = {0};
        begin_code();
        unsigned n = 4 + (unsigned)rnd(24), last = FIRST_REG;
        while (n-- > 0) {
            enum insn_id id = (enum insn_id)(1 + rnd(INSN_COUNT - 1));
            enum insn_format format = (enum insn_format)insn_rows[id].format;
            if (!(f.isa.rows[id / 64] >> id % 64 & 1))
                continue;
            unsigned rd = any_reg(), rs1 = rnd(2) ? last : any_reg(), rs2 = rnd(2) ? last : any_reg();
            switch (format) {
            case FMT_IL:
            case FMT_S:
            case FMT_FIL:
            case FMT_FST:
                rs1 = rnd(64) == 0 ? A2 : A1;
                break;
            case FMT_JR:
                rs1 = A3;
                break;
            case FMT_R:
            case FMT_R1:
            case FMT_I:
            case FMT_SH:
            case FMT_RNUM:
            case FMT_U:
            case FMT_B:
            case FMT_J:
            case FMT_FX1:
            case FMT_XF1:
            case FMT_F3:
            case FMT_FX2:
                break;
            default:
                continue;
            }
            if ((format == FMT_B || format == FMT_J || format == FMT_JR) && rnd(4) != 0)
                continue;
            fixture_emit(&f, enc(id, rd, rs1, rs2, immediate(format, rnd(4) == 0, true)));
            last = rd == 0 ? FIRST_REG : rd;
        }
        end_code();
        fill_registers(x);
        compare("random code", x);
    }
    fixture_stop(&f);
}
static void random_rv64_code_runs_as_it_steps(void **state) { random_code("max", 20000); }
static void random_rv32_code_runs_as_it_steps(void **state) { random_code("rv32max", 20000); }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fused_row_does_what_its_parts_do),
        cmocka_unit_test(random_rv64_code_runs_as_it_steps),
        cmocka_unit_test(random_rv32_code_runs_as_it_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
