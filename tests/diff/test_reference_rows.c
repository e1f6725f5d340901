/* Rows that neither Unicorn nor Debian's qemu-riscv64 knows (Zicond, Zfa, Zcb, Zacas), interpreted and translated,
 * against references written here from the manual's text: with plain C, sharing no code with riv but the instruction's
 * encoding.
 *
 * One instruction a program: corner values in all combinations and RIV_CASES times 2000 random operands from RIV_SEED,
 * in each rounding mode where there is one.  Runs last: a row of these extensions without a reference fails.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../cpu/interp.h"
#include "../../translate/engine.h"
#include "../../cli/fuzz/encode.h"
#include "row_program.h"

enum { WAYS = 2, NX = 1, NV = 16 };
static struct hart harts[2][WAYS]; /* RV64 and RV32; interpreted, translated */
static struct engine *engines[2][WAYS];
static struct isa isas[2];
static bool has_reference[1024];

static size_t fetch(void *ctx, uint64_t pc, const uint8_t **host, uint32_t *cause) {
    *cause = TRAP_FETCH_PAGE;
    if (pc - PROGRAM_CODE >= 4096)
        return 0;
    *host = (const uint8_t *)(uintptr_t)pc;
    return PROGRAM_CODE + 4096 - pc;
}
static bool watch_code(void *ctx, uint64_t addr) { return true; }

static int set_up(void **state) {
    char err[256];
    if (!program_map() || !isa_parse(&isas[0], "max", err, sizeof err) ||
        !isa_parse(&isas[1], "rv32max", err, sizeof err))
        return -1;
    for (int i = 0; i < 2; i++)
        for (int way = 0; way < WAYS; way++) {
            struct engine_config config = {.mem = {.fetch = fetch, .watch_code = watch_code},
                                           .isa = &isas[i],
                                           .kind = way ? ENGINE_AUTO : ENGINE_INTERP,
                                           .hostile = 4};
            engines[i][way] = engine_create(&config, err, sizeof err);
            if (!engines[i][way] || !engine_hart_init(engines[i][way], &harts[i][way]))
                return -1;
        }
    return 0;
}
static int tear_down(void **state) {
    for (int i = 0; i < 2; i++)
        for (int way = 0; way < WAYS; way++) {
            engine_hart_exit(&harts[i][way]);
            engine_destroy(engines[i][way]);
        }
    return 0;
}

static uint64_t seed;
static uint64_t random64(void) { return program_random(&seed); }
static unsigned long random_cases(void) {
    const char *text = getenv("RIV_CASES");
    return 2000 * (text ? strtoul(text, NULL, 0) : 1);
}

/* ---- one instruction ---- */

struct operands {
    uint64_t x[32], f[32], memory[4];
    unsigned frm, fflags;
};
static uint32_t placed_bits;
static int placed_xlen;

static const struct row_pattern *find_row(const char *name) {
    unsigned rows;
    const struct row_pattern *patterns = row_patterns(&rows);
    for (unsigned i = 0; i < rows; i++)
        if (strcmp(patterns[i].name, name) == 0) {
            has_reference[i] = true;
            return &patterns[i];
        }
    fail_msg("no row %s", name);
    return NULL;
}

static void place(int i, uint32_t bits, unsigned length) {
    static const uint32_t ebreak = 0x00100073;
    memcpy((void *)(uintptr_t)PROGRAM_CODE, &bits, length);
    memcpy((void *)(uintptr_t)(PROGRAM_CODE + length), &ebreak, 4);
    for (int way = 0; way < WAYS; way++)
        engine_code_changed(engines[i][way], PROGRAM_CODE, PROGRAM_CODE + 4096);
    placed_bits = bits;
    placed_xlen = i ? 32 : 64;
}

/* Executes what was placed; fails where the result is not want (fflags: those of before and raised). */
static void check(const char *name, const struct operands *before, const struct operands *want) {
    int i = placed_xlen == 32;
    for (int way = 0; way < WAYS; way++) {
        struct hart *h = &harts[i][way];
        memcpy(h->x, before->x, sizeof want->x);
        memcpy(h->f, before->f, sizeof want->f);
        memcpy((void *)(uintptr_t)PROGRAM_SCRATCH, before->memory, sizeof before->memory);
        hart_set_fcsr(h, before->frm << 5 | before->fflags);
        h->pc = PROGRAM_CODE;
        assert_int_equal(engine_run(h), STOP_TRAP);
        bool same = h->trap.cause == TRAP_BREAKPOINT && !memcmp(h->x, want->x, sizeof want->x) &&
                    !memcmp(h->f, want->f, sizeof want->f) && (hart_get_fcsr(h) & 31) == want->fflags &&
                    !memcmp((void *)(uintptr_t)PROGRAM_SCRATCH, want->memory, sizeof want->memory);
        if (same)
            continue;
        print_error("%s, rv%d, %s, %0*x, frm %u, cause %u\n", name, placed_xlen, way ? "translated" : "interpreted",
                    placed_bits & 3 ? 8 : 4, placed_bits, before->frm, h->trap.cause);
        for (int k = 0; k < 32; k++) {
            if (before->x[k] != h->x[k] || want->x[k] != h->x[k])
                print_error("  x%d %016llx -> %016llx, not %016llx\n", k, (unsigned long long)before->x[k],
                            (unsigned long long)h->x[k], (unsigned long long)want->x[k]);
            if (before->f[k] != h->f[k] || want->f[k] != h->f[k])
                print_error("  f%d %016llx -> %016llx, not %016llx\n", k, (unsigned long long)before->f[k],
                            (unsigned long long)h->f[k], (unsigned long long)want->f[k]);
        }
        for (int k = 0; k < 4; k++) {
            uint64_t v;
            memcpy(&v, (void *)(uintptr_t)(PROGRAM_SCRATCH + 8 * (unsigned)k), 8);
            if (before->memory[k] != v || want->memory[k] != v)
                print_error("  memory+%d %016llx -> %016llx, not %016llx\n", 8 * k,
                            (unsigned long long)before->memory[k], (unsigned long long)v,
                            (unsigned long long)want->memory[k]);
        }
        print_error("  f11 %016llx f12 %016llx x11 %016llx x12 %016llx\n", (unsigned long long)before->f[11],
                    (unsigned long long)before->f[12], (unsigned long long)before->x[11],
                    (unsigned long long)before->x[12]);
        fail_msg("flags %02x, not %02x", hart_get_fcsr(h) & 31, want->fflags);
    }
}

static void random_operands(struct operands *o, bool rv32) {
    memset(o, 0, sizeof *o);
    for (int k = 1; k < 32; k++) {
        o->x[k] = random64();
        if (rv32)
            o->x[k] = (uint64_t)(int64_t)(int32_t)o->x[k];
    }
    for (int k = 0; k < 32; k++)
        o->f[k] = random64();
    for (int k = 0; k < 4; k++)
        o->memory[k] = random64();
    o->fflags = random64() % 4 ? 0 : random64() % 32;
}

static const uint64_t corners_x[] = {0,
                                     1,
                                     2,
                                     ~UINT64_C(0),
                                     0x7f,
                                     0x80,
                                     0xff,
                                     0x7fff,
                                     0x8000,
                                     0xffff,
                                     0x7fffffff,
                                     0x80000000,
                                     0xffffffff,
                                     0x100000000,
                                     0x7fffffffffffffff,
                                     0x8000000000000000};
enum { CORNERS_X = sizeof corners_x / sizeof corners_x[0] };
static uint64_t value_of(uint64_t v, bool rv32) { return rv32 ? (uint64_t)(int64_t)(int32_t)v : v; }
static uint64_t random_x(bool rv32) {
    uint64_t v =
        random64() % 3 ? (uint64_t)((int64_t)random64() >> random64() % 64) : corners_x[random64() % CORNERS_X];
    return value_of(v, rv32);
}

/* ---- Zicond and the integer rows of Zcb ---- */

typedef uint64_t integer_reference(uint64_t a, uint64_t b);
static uint64_t czero_eqz(uint64_t a, uint64_t b) { return b == 0 ? 0 : a; }
static uint64_t czero_nez(uint64_t a, uint64_t b) { return b != 0 ? 0 : a; }
static uint64_t zext_b(uint64_t a, uint64_t b) { return a & 0xff; }
static uint64_t sext_b(uint64_t a, uint64_t b) { return (a & 0xff) < 0x80 ? a & 0xff : (a & 0xff) - 0x100; }
static uint64_t zext_h(uint64_t a, uint64_t b) { return a & 0xffff; }
static uint64_t sext_h(uint64_t a, uint64_t b) { return (a & 0xffff) < 0x8000 ? a & 0xffff : (a & 0xffff) - 0x10000; }
static uint64_t zext_w(uint64_t a, uint64_t b) { return a % 0x100000000u; }
static uint64_t not_(uint64_t a, uint64_t b) { return UINT64_MAX - a; }
static uint64_t product(uint64_t a, uint64_t b) { /* by shifting and adding */
    uint64_t sum = 0;
    for (int i = 0; i < 64; i++)
        if (b >> i & 1)
            sum += a << i;
    return sum;
}
static uint64_t ctz_w(uint64_t a, uint64_t b) {
    uint64_t n = 0;
    while (n < 32 && !(a >> n & 1))
        n++;
    return n;
}

static void check_integer(int i, const char *name, integer_reference *reference, unsigned rd, uint64_t a, uint64_t b) {
    struct operands o, want;
    random_operands(&o, i);
    o.x[11] = value_of(a, i);
    o.x[12] = value_of(b, i);
    want = o;
    want.x[rd] = value_of(reference(o.x[11], o.x[12]), i);
    check(name, &o, &want);
}

/* rd, x11 and x12 are the operands; compressed rows overwrite x11. */
static void integer_row(const char *name, integer_reference *reference, bool rv32_as_well) {
    const struct row_pattern *row = find_row(name);
    for (int i = 0; i < 1 + rv32_as_well; i++) {
        unsigned rd = row->len == 2 ? 11 : 10;
        uint32_t bits = row->match;
        if (row->len == 2) /* rd' in bits 9 to 7; c.mul has rs2' in 4 to 2 */
            bits |= (11 - 8) << 7 | (reference == product ? (12 - 8) << 2 : 0);
        else
            bits = encode_insn(&(struct insn){.id = row->id, .rd = 10, .rs1 = 11, .rs2 = 12});
        place(i, bits, row->len);
        for (int a = 0; a < CORNERS_X; a++)
            for (int b = 0; b < CORNERS_X; b++)
                check_integer(i, name, reference, rd, corners_x[a], corners_x[b]);
        for (unsigned long n = random_cases(); n > 0; n--)
            check_integer(i, name, reference, rd, random_x(i), random_x(i));
    }
}

static void zicond(void **state) {
    integer_row("czero_eqz", czero_eqz, true);
    integer_row("czero_nez", czero_nez, true);
    integer_row("ctzw", ctz_w, false); /* what qemu_rows leaves out */
}

static void zcb_registers(void **state) {
    integer_row("c_zext_b", zext_b, true);
    integer_row("c_not", not_, true);
    integer_row("c_mul", product, true);
    integer_row("c_sext_b", sext_b, true);
    integer_row("c_sext_h", sext_h, true);
    integer_row("c_zext_w", zext_w, false);
}
static void zcb_zext_h(void **state) {
    unsigned rows, found = 0;
    const struct row_pattern *patterns = row_patterns(&rows);
    for (unsigned r = 0; r < rows; r++) { /* one row for each XLEN, of one encoding */
        if (strncmp(patterns[r].name, "c_zext_h", 8))
            continue;
        has_reference[r] = true;
        found++;
        assert_int_equal(patterns[r].match, 0x9c69);
    }
    assert_in_range(found, 1, 2);
    for (int i = 0; i < 2; i++) {
        place(i, 0x9c69 | 3 << 7, 2);
        for (int a = 0; a < CORNERS_X; a++)
            check_integer(i, "c_zext_h", zext_h, 11, corners_x[a], 0);
        for (unsigned long n = random_cases(); n > 0; n--)
            check_integer(i, "c_zext_h", zext_h, 11, random_x(i), 0);
    }
}

/* "Zcb": c.lbu and c.sb have uimm[0|1] in bits 6 and 5, the others uimm[1] in bit 5. */
static void zcb_memory(void **state) {
    static const struct {
        const char *name;
        unsigned bytes;
        bool store, sign;
    } rows[] = {{"c_lbu", 1, false, false},
                {"c_lhu", 2, false, false},
                {"c_lh", 2, false, true},
                {"c_sb", 1, true, false},
                {"c_sh", 2, true, false}};
    for (int i = 0; i < 2; i++)
        for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++)
            for (unsigned offset = 0; offset < 4; offset += rows[r].bytes) {
                uint32_t bits = find_row(rows[r].name)->match | (12 - 8) << 7 | (11 - 8) << 2 | (offset >> 1) << 5;
                if (rows[r].bytes == 1)
                    bits |= (offset & 1) << 6;
                place(i, bits, 2);
                for (unsigned long n = random_cases() / 10; n > 0; n--) {
                    struct operands o, want;
                    random_operands(&o, i);
                    unsigned at = random64() % 28;
                    o.x[12] = PROGRAM_SCRATCH + at;
                    uint8_t *bytes = (uint8_t *)o.memory + at + offset;
                    want = o;
                    if (rows[r].store) {
                        uint8_t *to = (uint8_t *)want.memory + at + offset;
                        for (unsigned k = 0; k < rows[r].bytes; k++)
                            to[k] = (uint8_t)(o.x[11] >> 8 * k);
                    } else {
                        uint64_t v = bytes[0] + (rows[r].bytes == 2 ? 256u * bytes[1] : 0u);
                        want.x[11] = rows[r].sign ? sext_h(v, 0) : v;
                    }
                    check(rows[r].name, &o, &want);
                }
            }
}

/* ---- Zacas ---- */

static void compare_and_swap(int i, const char *name, unsigned bytes) {
    const struct row_pattern *row = find_row(name);
    unsigned word = i ? 4 : 8, registers = bytes > word ? 2 : 1;
    for (unsigned form = 0; form < 6; form++) {
        unsigned rd = form == 1 ? 0 : 10, rs2 = form == 2 ? 0 : form == 3 ? 10 : 12, rs1 = form == 4 ? rd : 14;
        if (form == 4 && registers == 2)
            continue; /* the address would have to be compared with memory */
        place(
            i,
            encode_insn(&(struct insn){
                .id = row->id, .rd = (uint8_t)rd, .rs1 = (uint8_t)rs1, .rs2 = (uint8_t)rs2, .rm = (uint8_t)(form & 3)}),
            4);
        for (unsigned long n = random_cases() / 2; n > 0; n--) {
            struct operands o, want;
            random_operands(&o, i);
            unsigned at = (unsigned)(random64() % (32 / bytes)) * bytes;
            o.x[rs1] = PROGRAM_SCRATCH + at;
            uint8_t *memory = (uint8_t *)o.memory + at, old[16] = {0}, expected[16] = {0}, desired[16] = {0};
            if (random64() % 2 && rd != rs1) /* what is there is what is compared with */
                for (unsigned k = 0; k < registers && rd; k++) {
                    uint64_t v = 0;
                    memcpy(&v, memory + k * word, bytes < word ? bytes : word);
                    if (bytes < word)
                        v |= random64() << 32; /* the upper half does not count */
                    o.x[rd + k] = value_of(v, i);
                }
            else if (random64() % 2 && rd == 0)
                memset(memory, 0, bytes);
            else if (random64() % 2 && registers == 2) /* one half is equal */
                memcpy(memory, &o.x[rd], word);
            for (unsigned k = 0; k < registers; k++) {
                if (rd)
                    memcpy(expected + k * word, &o.x[rd + k], word);
                if (rs2)
                    memcpy(desired + k * word, &o.x[rs2 + k], word);
            }
            want = o;
            memcpy(old, memory, bytes);
            if (memcmp(old, expected, bytes) == 0)
                memcpy((uint8_t *)want.memory + at, desired, bytes);
            for (unsigned k = 0; k < registers && rd; k++) {
                uint64_t v = 0;
                memcpy(&v, old + k * word, bytes < word ? bytes : word);
                want.x[rd + k] = bytes == 4 ? (uint64_t)(int64_t)(int32_t)v : value_of(v, i);
            }
            check(name, &o, &want);
        }
    }
}
static void zacas(void **state) {
    compare_and_swap(0, "amocas_w", 4);
    compare_and_swap(1, "amocas_w", 4);
    compare_and_swap(0, "amocas_d", 8);
    compare_and_swap(1, "amocas_d_rv32", 8);
    compare_and_swap(0, "amocas_q", 16);
}

static void every_row_has_a_reference(void **state) {
    static const char *const extensions[] = {"Zicond", "Zcb", "Zacas", "Zfa"};
    unsigned rows, missing = 0;
    const struct row_pattern *patterns = row_patterns(&rows);
    for (unsigned r = 0; r < rows; r++)
        for (size_t k = 0; k < sizeof extensions / sizeof extensions[0]; k++) {
            size_t length = strcspn(patterns[r].extension, "_");
            if (strlen(extensions[k]) == length && !strncmp(extensions[k], patterns[r].extension, length) &&
                !has_reference[r]) {
                print_error("%s has no reference\n", patterns[r].name);
                missing++;
            }
        }
    assert_int_equal(missing, 0);
}

/* ---- Zfa ---- */

/* Half, single and double: width, bits of the significand without the leading one, canonical NaN. */
struct format {
    char letter;
    unsigned width, fraction;
    uint64_t nan;
};
static const struct format formats[] = {
    {'h', 16, 10, 0x7e00}, {'s', 32, 23, 0x7fc00000}, {'d', 64, 52, 0x7ff8000000000000}};
enum { FORMATS = 3 };

static uint64_t box(const struct format *f, uint64_t v) { return f->width == 64 ? v : v | ~UINT64_C(0) << f->width; }
static uint64_t unbox(const struct format *f, uint64_t v) {
    if (f->width == 64)
        return v;
    return v >> f->width == UINT64_MAX >> f->width ? v & ((UINT64_C(1) << f->width) - 1) : f->nan;
}
static uint64_t exponent_of(const struct format *f, uint64_t v) {
    return v >> f->fraction & ((UINT64_C(1) << (f->width - 1 - f->fraction)) - 1);
}
static uint64_t fraction_of(const struct format *f, uint64_t v) { return v & ((UINT64_C(1) << f->fraction) - 1); }
static bool is_nan(const struct format *f, uint64_t v) {
    return exponent_of(f, v) == (UINT64_C(1) << (f->width - 1 - f->fraction)) - 1 && fraction_of(f, v);
}
static bool is_signalling(const struct format *f, uint64_t v) { return is_nan(f, v) && !(v >> (f->fraction - 1) & 1); }
static bool is_negative(const struct format *f, uint64_t v) { return v >> (f->width - 1) & 1; }

/* The value, exact in a double in all three formats; not for NaN. */
static double value(const struct format *f, uint64_t v) {
    int exponent = (int)exponent_of(f, v), bias = (1 << (f->width - 2 - f->fraction)) - 1;
    double magnitude;
    if (exponent == 2 * bias + 1)
        magnitude = INFINITY;
    else if (exponent == 0)
        magnitude = ldexp((double)fraction_of(f, v), 1 - bias - (int)f->fraction);
    else
        magnitude = ldexp((double)(fraction_of(f, v) | UINT64_C(1) << f->fraction), exponent - bias - (int)f->fraction);
    return is_negative(f, v) ? -magnitude : magnitude;
}
/* The other way, for values that the format has. */
static uint64_t bits_of(const struct format *f, double v) {
    uint64_t sign = (uint64_t) !!signbit(v) << (f->width - 1);
    int exponent, bias = (1 << (f->width - 2 - f->fraction)) - 1;
    if (v == 0)
        return sign;
    if (isinf(v))
        return sign | (uint64_t)(2 * bias + 1) << f->fraction;
    frexp(v, &exponent);
    if (exponent - 1 < 1 - bias) /* subnormal */
        return sign | (uint64_t)ldexp(fabs(v), (int)f->fraction - 1 + bias);
    uint64_t significand = (uint64_t)ldexp(fabs(v), (int)f->fraction - (exponent - 1));
    return sign | (uint64_t)(exponent - 1 + bias) << f->fraction | fraction_of(f, significand);
}

static double round_to_integer(double v, unsigned rm) {
    double down = floor(v), up = ceil(v), r;
    if (down == up || isinf(v))
        return v;
    switch (rm) {
    case 0: /* nearest, even */
        r = v - down < up - v ? down : v - down > up - v ? up : fmod(down, 2) == 0 ? down : up;
        break;
    case 1: /* towards zero */
        r = v < 0 ? up : down;
        break;
    case 2:
        r = down;
        break;
    case 3:
        r = up;
        break;
    default: /* nearest, away from zero */
        r = v - down < up - v ? down : v - down > up - v ? up : v < 0 ? down : up;
    }
    return copysign(r, v);
}

static uint64_t random_f(const struct format *f) {
    unsigned bias = (1u << (f->width - 2 - f->fraction)) - 1;
    uint64_t sign = (random64() & 1) << (f->width - 1), fraction = random64() & ((UINT64_C(1) << f->fraction) - 1),
             v = random64();
    switch (random64() % 6) {
    case 0: /* around what has a fraction just so */
    case 1:
        v = sign | (uint64_t)(bias - 2 + random64() % (f->fraction + 4)) << f->fraction | fraction;
        break;
    case 2: /* half-integers */
        v = bits_of(f, ((double)(random64() % 512) - 256) / 2);
        break;
    case 3: /* infinities and NaNs */
        v = sign | (uint64_t)(2 * bias + 1) << f->fraction | (random64() % 3 ? fraction : 0);
        break;
    case 4: /* subnormal or zero */
        v = sign | (random64() % 3 ? fraction : 0);
        break;
    default:
        break;
    }
    v = box(f, f->width == 64 ? v : v & ((UINT64_C(1) << f->width) - 1));
    return random64() % 16 ? v : random64();
}

/* The result: an x register's value or f bits (not boxed), and flags raised. */
struct result {
    uint64_t v;
    unsigned flags;
};
enum fp_kind { MINM, MAXM, ROUND, ROUNDNX, LEQ, LTQ };
static struct result fp_reference(const struct format *f, enum fp_kind kind, uint64_t a, uint64_t b, unsigned rm) {
    bool two = kind != ROUND && kind != ROUNDNX;
    struct result r = {0, is_signalling(f, a) || (two && is_signalling(f, b)) ? NV : 0};
    if (is_nan(f, a) || (two && is_nan(f, b))) {
        r.v = kind == LEQ || kind == LTQ ? 0 : f->nan;
        return r;
    }
    double x = value(f, a), y = two ? value(f, b) : 0, rounded = round_to_integer(x, rm);
    bool a_first = x < y || (x == y && signbit(x)); /* -0 before +0 */
    switch (kind) {
    case MINM:
        r.v = a_first ? a : b;
        break;
    case MAXM:
        r.v = a_first ? b : a;
        break;
    case LEQ:
        r.v = x <= y;
        break;
    case LTQ:
        r.v = x < y;
        break;
    default:
        r.v = bits_of(f, rounded);
        if (kind == ROUNDNX && rounded != x)
            r.flags |= NX;
    }
    return r;
}

static void fp_row(const char *stem, enum fp_kind kind) {
    for (int k = 0; k < FORMATS; k++) {
        const struct format *f = &formats[k];
        char name[32];
        snprintf(name, sizeof name, "%s_%c", stem, f->letter);
        const struct row_pattern *row = find_row(name);
        bool rounds = kind == ROUND || kind == ROUNDNX, to_x = kind == LEQ || kind == LTQ;
        for (int i = 0; i < 2; i++)
            for (unsigned mode = 0; mode < (rounds ? 10u : 1u); mode++) { /* static, then from frm */
                place(i,
                      encode_insn(&(struct insn){
                          .id = row->id, .rd = 10, .rs1 = 11, .rs2 = 12, .rm = (uint8_t)(mode < 5 ? mode : 7)}),
                      4);
                for (unsigned long n = random_cases(); n > 0; n--) {
                    struct operands o, want;
                    random_operands(&o, i);
                    o.f[11] = random_f(f);
                    o.f[12] = random64() % 8 ? random_f(f) : o.f[11] ^ (random64() & 1) << (f->width - 1);
                    o.frm = mode < 5 ? (unsigned)(random64() % 5) : mode - 5;
                    want = o;
                    struct result r = fp_reference(f, kind, unbox(f, o.f[11]), unbox(f, o.f[12]), mode % 5);
                    want.fflags |= r.flags;
                    if (to_x)
                        want.x[10] = r.v;
                    else
                        want.f[10] = box(f, r.v);
                    check(name, &o, &want);
                }
            }
    }
}
static void zfa_minimum_maximum(void **state) {
    fp_row("fminm", MINM);
    fp_row("fmaxm", MAXM);
}
static void zfa_round(void **state) {
    fp_row("fround", ROUND);
    fp_row("froundnx", ROUNDNX);
}
static void zfa_compare(void **state) {
    fp_row("fleq", LEQ);
    fp_row("fltq", LTQ);
}

/* "Load-immediate instructions": the table of the manual. */
static void zfa_load_immediate(void **state) {
    static const double constants[32] = {
        [0] = -1,     [2] = 0x1p-16, [3] = 0x1p-15, [4] = 0x1p-8,  [5] = 0x1p-7,  [6] = 0.0625,
        [7] = 0.125,  [8] = 0.25,    [9] = 0.3125,  [10] = 0.375,  [11] = 0.4375, [12] = 0.5,
        [13] = 0.625, [14] = 0.75,   [15] = 0.875,  [16] = 1,      [17] = 1.25,   [18] = 1.5,
        [19] = 1.75,  [20] = 2,      [21] = 2.5,    [22] = 3,      [23] = 4,      [24] = 8,
        [25] = 16,    [26] = 128,    [27] = 256,    [28] = 0x1p15, [29] = 0x1p16, [30] = INFINITY};
    static const char *const names[] = {"fli_h", "fli_s", "fli_d"};
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < FORMATS; k++)
            for (unsigned constant = 0; constant < 32; constant++) {
                const struct format *f = &formats[k];
                struct operands o, want;
                place(i, encode_insn(&(struct insn){.id = find_row(names[k])->id, .rd = 10, .rs1 = (uint8_t)constant}),
                      4);
                random_operands(&o, i);
                want = o;
                double v = f->width == 16 && constant == 29 ? INFINITY : constants[constant];
                uint64_t smallest_normal = UINT64_C(1) << f->fraction;
                want.f[10] = box(f, constant == 1 ? smallest_normal : constant == 31 ? f->nan : bits_of(f, v));
                check(names[k], &o, &want);
            }
}

/* "Modular convert-to-integer instruction": towards zero, modulo 2^32; flags as fcvt.w.d's. */
static void zfa_modular_conversion(void **state) {
    const struct format *f = &formats[2];
    for (int i = 0; i < 2; i++) {
        place(i, encode_insn(&(struct insn){.id = find_row("fcvtmod_w_d")->id, .rd = 10, .rs1 = 11, .rm = 1}), 4);
        for (unsigned long n = 5 * random_cases(); n > 0; n--) {
            struct operands o, want;
            random_operands(&o, i);
            o.f[11] = random_f(f);
            if (random64() % 2)
                o.f[11] = (o.f[11] & 0x800fffffffffffff) | (0x3fd + random64() % 90) << 52;
            o.frm = (unsigned)(random64() % 5);
            want = o;
            want.x[10] = 0;
            if (is_nan(f, o.f[11]) || isinf(value(f, o.f[11]))) {
                want.fflags |= NV;
            } else {
                double whole = trunc(value(f, o.f[11])), low = fmod(whole, 0x1p32);
                uint32_t word = (uint32_t)(int64_t)low;
                want.x[10] = (uint64_t)(int64_t)(int32_t)word;
                if (whole < -0x1p31 || whole > 0x1p31 - 1)
                    want.fflags |= NV;
                else if (whole != value(f, o.f[11]))
                    want.fflags |= NX;
            }
            check("fcvtmod_w_d", &o, &want);
        }
    }
}

static void zfa_moves_of_halves(void **state) {
    for (unsigned long n = random_cases(); n > 0; n--) {
        struct operands o, want;
        random_operands(&o, true);
        place(1, encode_insn(&(struct insn){.id = find_row("fmvh_x_d")->id, .rd = 10, .rs1 = 11}), 4);
        want = o;
        want.x[10] = value_of(o.f[11] >> 32, true);
        check("fmvh_x_d", &o, &want);
        place(1, encode_insn(&(struct insn){.id = find_row("fmvp_d_x")->id, .rd = 10, .rs1 = 11, .rs2 = 12}), 4);
        want = o;
        want.f[10] = (o.x[12] << 32) | (o.x[11] & 0xffffffff);
        check("fmvp_d_x", &o, &want);
    }
}

static int start_seed(void **state) {
    seed = program_seed() * 7919;
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(zicond, start_seed),
        cmocka_unit_test_setup(zcb_registers, start_seed),
        cmocka_unit_test_setup(zcb_zext_h, start_seed),
        cmocka_unit_test_setup(zcb_memory, start_seed),
        cmocka_unit_test_setup(zacas, start_seed),
        cmocka_unit_test_setup(zfa_minimum_maximum, start_seed),
        cmocka_unit_test_setup(zfa_round, start_seed),
        cmocka_unit_test_setup(zfa_compare, start_seed),
        cmocka_unit_test_setup(zfa_load_immediate, start_seed),
        cmocka_unit_test_setup(zfa_modular_conversion, start_seed),
        cmocka_unit_test_setup(zfa_moves_of_halves, start_seed),
        cmocka_unit_test(every_row_has_a_reference),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
