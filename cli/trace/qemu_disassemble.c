/* qemu_disassemble.c: instructions as the disassembler in qemu 7.2 writes them.
 *
 *      addi                    a0,zero,10
 *      bnez                    a0,-20                  # 0x1014e
 *
 * Operands begin at column 24, targets at column 48.  Compressed instructions are shown as what they stand for.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "trace.h"

enum { COLUMN = 24 };

struct writer {
    char *buf;
    size_t n, used;
};

__attribute__((format(printf, 2, 3))) static void put(struct writer *w, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int length = vsnprintf(w->buf + w->used, w->n - w->used, format, args);
    va_end(args);
    if (length > 0)
        w->used = w->used + (size_t)length < w->n ? w->used + (size_t)length : w->n - 1;
}
static void pad(struct writer *w, size_t column) {
    while (w->used < column && w->used + 1 < w->n)
        w->buf[w->used++] = ' ';
    w->buf[w->used] = 0;
}
static void operation(struct writer *w, const char *name) {
    put(w, "%s", name);
    pad(w, COLUMN);
}
static void target(struct writer *w, uint64_t address) {
    pad(w, 2 * COLUMN);
    put(w, "# 0x%" PRIx64, address);
}
static const char *x(unsigned r) { return insn_xreg_names[r]; }
static const char *f(unsigned r) { return insn_freg_names[r]; }

/* ---- other names for some operands, and what qemu 7.2 gets wrong ---- */

enum alias_when {
    RS1_ZERO = 1,
    RS2_ZERO = 2,
    RD_ZERO = 4,
    RD_RA = 8,
    RS1_RA = 16,
    IMM_0 = 32,
    IMM_1 = 64,
    IMM_ALL = 128,
    SAME = 256,
    SHORT = 512
};
struct alias {
    uint16_t id, when;
    const char *name;
    const char *operands; /* d rd, 1 rs1, 2 rs2, s imm as if it were a register, o offset */
};
/* The first that fits counts. */
static const struct alias aliases[] = {
    {INSN_jal, RD_ZERO, "j", "o"},
    {INSN_jalr, RD_ZERO | RS1_RA | IMM_0, "ret", ""},
    {INSN_jalr, RD_ZERO | IMM_0, "jr", "1"},
    {INSN_beq, RS2_ZERO, "beqz", "1o"},
    {INSN_bne, RS2_ZERO, "bnez", "1o"},
    {INSN_bge, RS1_ZERO, "blez", "2o"},
    {INSN_bge, RS2_ZERO, "bgez", "1o"},
    {INSN_blt, RS2_ZERO, "bltz", "1o"},
    {INSN_blt, RS1_ZERO, "bgtz", "2o"},
    {INSN_bge, 0, "ble", "21o"},
    {INSN_blt, 0, "bgt", "21o"},
    {INSN_bgeu, 0, "bleu", "21o"},
    {INSN_bltu, 0, "bgtu", "21o"},
    {INSN_addi, RD_ZERO | RS1_ZERO | IMM_0, "nop", ""},
    {INSN_addi, IMM_0, "mv", "d1"},
    {INSN_addiw, IMM_0, "sext.w", "d1"},
    {INSN_xori, IMM_ALL, "not", "d1"},
    {INSN_sltiu, IMM_1, "seqz", "d1"},
    {INSN_sltu, RS1_ZERO, "snez", "d2"},
    {INSN_slt, RS2_ZERO, "sltz", "d1"},
    {INSN_slt, RS1_ZERO, "sgtz", "d2"},
    {INSN_sub, RS1_ZERO, "neg", "d2"},
    {INSN_subw, RS1_ZERO, "negw", "d2"},
    {INSN_andn, 0, "andn", "d1"},
    {INSN_orn, 0, "orn", "d1"},
    {INSN_xnor, 0, "xnor", "d1"},
    {INSN_ctzw, 0, "clzw", "d1"},
    {INSN_slli_uw, SHORT, "slli.uw", "d1s"},
    {INSN_slli_uw, 0, "illegal", ""},
    {INSN_fsgnj_s, SAME, "fmv.s", "d1"},
    {INSN_fsgnjn_s, SAME, "fneg.s", "d1"},
    {INSN_fsgnjx_s, SAME, "fabs.s", "d1"},
    {INSN_fsgnj_d, SAME, "fmv.d", "d1"},
    {INSN_fsgnjn_d, SAME, "fneg.d", "d1"},
    {INSN_fsgnjx_d, SAME, "fabs.d", "d1"},
};

static bool fits(const struct alias *a, const struct insn *in) {
    unsigned w = a->when;
    return a->id == in->id && (!(w & RS1_ZERO) || in->rs1 == 0) && (!(w & RS2_ZERO) || in->rs2 == 0) &&
           (!(w & RD_ZERO) || in->rd == 0) && (!(w & RD_RA) || in->rd == 1) && (!(w & RS1_RA) || in->rs1 == 1) &&
           (!(w & IMM_0) || in->imm == 0) && (!(w & IMM_1) || in->imm == 1) && (!(w & IMM_ALL) || in->imm == -1) &&
           (!(w & SAME) || in->rs1 == in->rs2) && (!(w & SHORT) || in->imm < 32);
}

static bool put_alias(struct writer *w, const struct insn *in, uint64_t pc) {
    const struct alias *a = aliases, *end = aliases + sizeof aliases / sizeof *aliases;
    while (a < end && !fits(a, in))
        a++;
    if (a == end)
        return false;
    operation(w, a->name);
    for (const char *o = a->operands; *o; o++) {
        if (o != a->operands)
            put(w, ",");
        switch (*o) {
        case 'd':
            put(w, "%s", x(in->rd)); /* also for f registers */
            break;
        case '1':
            put(w, "%s", x(in->rs1));
            break;
        case '2':
            put(w, "%s", x(in->rs2));
            break;
        case 's':
            put(w, "%s", x((unsigned)in->imm));
            break;
        default:
            put(w, "%d", in->imm);
            target(w, pc + (uint64_t)(int64_t)in->imm);
        }
    }
    return true;
}

/* ---- CSRs ---- */

static bool put_csr_alias(struct writer *w, const struct insn *in) {
    static const char *const reads[] = {"", "frflags", "frrm", "frcsr"}, *const sets[] = {"", "fsflags", "fsrm",
                                                                                          "fscsr"};
    static const char *const immediate[] = {"", "fsflagsi", "fsrmi"};
    unsigned csr = (unsigned)in->imm & 0xfff;
    const char *name = NULL;
    if (in->id == INSN_csrrs && in->rs1 == 0) {
        name = csr >= 1 && csr <= 3 ? reads[csr]
               : csr == 0xc00       ? "rdcycle"
               : csr == 0xc01       ? "rdtime"
               : csr == 0xc02       ? "rdinstret"
               : csr == 0xc80       ? "rdcycleh"
               : csr == 0xc81       ? "rdtimeh"
               : csr == 0xc82       ? "rdinstreth"
                                    : NULL;
        if (name) {
            operation(w, name);
            put(w, "%s", x(in->rd));
        }
    } else if (in->id == INSN_csrrw && csr >= 1 && csr <= 3) {
        name = sets[csr];
        operation(w, name);
        put(w, "%s,%s", x(in->rd), x(in->rs1));
    } else if (in->id == INSN_csrrwi && csr >= 1 && csr <= 2) {
        name = immediate[csr];
        operation(w, name);
        put(w, "%s,%u", x(in->rd), in->rs1);
    }
    return name != NULL;
}
static void put_csr_name(struct writer *w, unsigned csr) {
    static const char *const low[] = {"ustatus", "fflags", "frm", "fcsr"};
    static const char *const counters[] = {"cycle", "time", "instret"};
    if (csr < 4)
        put(w, "%s", low[csr]);
    else if (csr >= 0xc00 && csr <= 0xc02)
        put(w, "%s", counters[csr - 0xc00]);
    else if (csr >= 0xc80 && csr <= 0xc82)
        put(w, "%sh", counters[csr - 0xc80]);
    else
        put(w, "0x%03x", csr);
}

/* ---- operands by format ---- */

static void put_fence_set(struct writer *w, unsigned bits) {
    for (unsigned i = 0; i < 4; i++)
        if (bits & 8 >> i)
            put(w, "%c", "iorw"[i]);
}
static const char *rounding(unsigned rm) {
    static const char *const names[] = {"rne", "rtz", "rdn", "rup", "rmm", "inv", "inv", "dyn"};
    return names[rm & 7];
}

static void put_integer(struct writer *w, const struct insn *in, uint64_t pc) {
    switch (insn_rows[in->id].format) {
    case FMT_R:
        put(w, "%s,%s,%s", x(in->rd), x(in->rs1), x(in->rs2));
        break;
    case FMT_R1:
        put(w, "%s,%s", x(in->rd), x(in->rs1));
        break;
    case FMT_I:
    case FMT_SH:
    case FMT_JR:
        put(w, "%s,%s,%d", x(in->rd), x(in->rs1), in->imm);
        break;
    case FMT_IL:
        put(w, "%s,%d(%s)", x(in->rd), in->imm, x(in->rs1));
        break;
    case FMT_S:
        put(w, "%s,%d(%s)", x(in->rs2), in->imm, x(in->rs1));
        break;
    case FMT_B:
        put(w, "%s,%s,%d", x(in->rs1), x(in->rs2), in->imm);
        target(w, pc + (uint64_t)(int64_t)in->imm);
        break;
    case FMT_U:
        put(w, "%s,%d", x(in->rd), in->imm);
        if (in->id == INSN_auipc)
            target(w, pc + (uint64_t)(int64_t)in->imm);
        break;
    case FMT_J:
        put(w, "%s,%d", x(in->rd), in->imm);
        target(w, pc + (uint64_t)(int64_t)in->imm);
        break;
    case FMT_AMO:
        put(w, "%s,%s,(%s)", x(in->rd), x(in->rs2), x(in->rs1));
        break;
    case FMT_LR:
        put(w, "%s,(%s)", x(in->rd), x(in->rs1));
        break;
    case FMT_CSR:
        put(w, "%s,", x(in->rd));
        put_csr_name(w, (unsigned)in->imm & 0xfff);
        put(w, ",%s", x(in->rs1));
        break;
    case FMT_CSRI:
        put(w, "%s,", x(in->rd));
        put_csr_name(w, (unsigned)in->imm & 0xfff);
        put(w, ",%u", in->rs1);
        break;
    case FMT_FENCE:
        put_fence_set(w, in->bits >> 24 & 15);
        put(w, ",");
        put_fence_set(w, in->bits >> 20 & 15);
        break;
    case FMT_CBO:
        put(w, "(%s)", x(in->rs1));
        break;
    default:
        break;
    }
}

static void put_floating(struct writer *w, const struct insn *in) {
    const char *rm = rounding(in->rm);
    switch (insn_rows[in->id].format) {
    case FMT_FIL:
        put(w, "%s,%d(%s)", f(in->rd), in->imm, x(in->rs1));
        break;
    case FMT_FST:
        put(w, "%s,%d(%s)", f(in->rs2), in->imm, x(in->rs1));
        break;
    case FMT_F4R:
        put(w, "%s,%s,%s,%s,%s", rm, f(in->rd), f(in->rs1), f(in->rs2), f(in->rs3));
        break;
    case FMT_F3R:
        put(w, "%s,%s,%s,%s", rm, f(in->rd), f(in->rs1), f(in->rs2));
        break;
    case FMT_F3:
        put(w, "%s,%s,%s", f(in->rd), f(in->rs1), f(in->rs2));
        break;
    case FMT_F2R:
        put(w, "%s,%s,%s", rm, f(in->rd), f(in->rs1));
        break;
    case FMT_FX2:
        put(w, "%s,%s,%s", x(in->rd), f(in->rs1), f(in->rs2));
        break;
    case FMT_FX1:
        put(w, "%s,%s", x(in->rd), f(in->rs1));
        break;
    case FMT_FX1R:
        put(w, "%s,%s,%s", rm, x(in->rd), f(in->rs1));
        break;
    case FMT_XF1:
        put(w, "%s,%s", f(in->rd), x(in->rs1));
        break;
    case FMT_XF1R:
        put(w, "%s,%s,%s", rm, f(in->rd), x(in->rs1));
        break;
    default:
        break;
    }
}

int qemu_disassemble(const struct insn *given, uint64_t pc, char *buf, size_t n) {
    struct insn in = *given;
    struct writer w = {buf, n, 0};
    buf[0] = 0;
    if (in.len == 2 && in.id == INSN_add && in.rs1 == 0) { /* c.mv */
        in.id = INSN_addi;
        in.rs1 = in.rs2;
        in.rs2 = 0;
    }
    if (put_alias(&w, &in, pc) || put_csr_alias(&w, &in))
        return (int)w.used;
    const struct insn_row *row = &insn_rows[in.id];
    bool ordered = row->format == FMT_AMO || row->format == FMT_LR;
    const char *name = in.id == INSN_fmv_x_w ? "fmv.x.s" : in.id == INSN_fmv_w_x ? "fmv.s.x" : row->mnemonic;
    put(&w, "%s%s%s", name, ordered && in.rm & 2 ? ".aq" : "", ordered && in.rm & 1 ? ".rl" : "");
    pad(&w, COLUMN);
    if (row->format >= FMT_FIL)
        put_floating(&w, &in);
    else
        put_integer(&w, &in, pc);
    return (int)w.used;
}
