/* disasm.c: decoded instructions as text, in the manner of binutils' "objdump -M no-aliases". */
#include <inttypes.h>
#include <stdio.h>

#include "insn.h"

const char *const insn_xreg_names[32] = {
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0",  "a1",  "a2", "a3", "a4", "a5",
    "a6",   "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
};

const char *const insn_freg_names[32] = {
    "ft0", "ft1", "ft2", "ft3", "ft4", "ft5", "ft6", "ft7", "fs0", "fs1", "fa0",  "fa1",  "fa2", "fa3", "fa4",  "fa5",
    "fa6", "fa7", "fs2", "fs3", "fs4", "fs5", "fs6", "fs7", "fs8", "fs9", "fs10", "fs11", "ft8", "ft9", "ft10", "ft11",
};

/* Privileged manual, "CSR Listing": those that are in csr.def and no range. */
static const struct {
    uint16_t number;
    const char *name;
} csr_names[] = {
    {0x001, "fflags"},    {0x002, "frm"},        {0x003, "fcsr"},       {0x100, "sstatus"},   {0x104, "sie"},
    {0x105, "stvec"},     {0x106, "scounteren"}, {0x140, "sscratch"},   {0x141, "sepc"},      {0x142, "scause"},
    {0x143, "stval"},     {0x144, "sip"},        {0x180, "satp"},       {0x300, "mstatus"},   {0x301, "misa"},
    {0x302, "medeleg"},   {0x303, "mideleg"},    {0x304, "mie"},        {0x305, "mtvec"},     {0x306, "mcounteren"},
    {0x340, "mscratch"},  {0x341, "mepc"},       {0x342, "mcause"},     {0x343, "mtval"},     {0x344, "mip"},
    {0xb00, "mcycle"},    {0xb02, "minstret"},   {0xc00, "cycle"},      {0xc01, "time"},      {0xc02, "instret"},
    {0xc80, "cycleh"},    {0xc81, "timeh"},      {0xc82, "instreth"},   {0xf11, "mvendorid"}, {0xf12, "marchid"},
    {0xf13, "mimpid"},    {0xf14, "mhartid"},    {0xf15, "mconfigptr"}, {0x10a, "senvcfg"},   {0x14d, "stimecmp"},
    {0x15d, "stimecmph"}, {0x30a, "menvcfg"},    {0x31a, "menvcfgh"},   {0x310, "mstatush"},  {0x320, "mcountinhibit"},
    {0xb80, "mcycleh"},   {0xb82, "minstreth"},
};

static const struct {
    uint16_t first, last, index; /* the first one's index */
    const char *name, *tail;
} csr_ranges[] = {
    {0x10c, 0x10f, 0, "sstateen", ""},    {0x30c, 0x30f, 0, "mstateen", ""},     {0x31c, 0x31f, 0, "mstateen", "h"},
    {0x323, 0x33f, 3, "mhpmevent", ""},   {0x3a0, 0x3a3, 0, "pmpcfg", ""},       {0x3b0, 0x3bf, 0, "pmpaddr", ""},
    {0xb03, 0xb1f, 3, "mhpmcounter", ""}, {0xb83, 0xb9f, 3, "mhpmcounter", "h"}, {0xc03, 0xc1f, 3, "hpmcounter", ""},
    {0xc83, 0xc9f, 3, "hpmcounter", "h"},
};

/* The constants of fli by rs1 field ("Zfa", load-immediate instructions), written as binutils writes them. */
static const char *const fli_names[32] = {
    "-0x1p+0", "min",      "0x1p-16",  "0x1p-15",  "0x1p-8",  "0x1p-7",   "0x1p-4",   "0x1p-3",
    "0x1p-2",  "0x1.4p-2", "0x1.8p-2", "0x1.cp-2", "0x1p-1",  "0x1.4p-1", "0x1.8p-1", "0x1.cp-1",
    "0x1p+0",  "0x1.4p+0", "0x1.8p+0", "0x1.cp+0", "0x1p+1",  "0x1.4p+1", "0x1.8p+1", "0x1p+2",
    "0x1p+3",  "0x1p+4",   "0x1p+7",   "0x1p+8",   "0x1p+15", "0x1p+16",  "inf",      "nan",
};

/* With the comma in front; nothing for dynamic.  5 and 6 never decode. */
static const char *const rounding_names[8] = {",rne", ",rtz", ",rdn", ",rup", ",rmm", ",?", ",?", ""};
static const char *const order_names[4] = {"", ".rl", ".aq", ".aqrl"};
/* binutils' word for an empty set of accesses is "unknown" */
static const char *const fence_names[16] = {"unknown", "w",  "r",  "rw",  "o",  "ow",  "or",  "orw",
                                            "i",       "iw", "ir", "irw", "io", "iow", "ior", "iorw"};

/* Conversions that cannot round are written without a rounding mode where its field is 0, as assemblers leave it. */
static const char *rounding_name(const struct insn *insn) {
    switch (insn->id) {
    case INSN_fcvt_d_s:
    case INSN_fcvt_d_w:
    case INSN_fcvt_d_wu:
    case INSN_fcvt_s_h:
    case INSN_fcvt_d_h:
        return insn->rm ? rounding_names[insn->rm & 7] : "";
    default:
        return rounding_names[insn->rm & 7];
    }
}

const char *insn_csr_name(unsigned number, char *buf, size_t n) {
    for (size_t i = 0; i < sizeof csr_names / sizeof *csr_names; i++)
        if (csr_names[i].number == number)
            return csr_names[i].name;
    for (size_t i = 0; i < sizeof csr_ranges / sizeof *csr_ranges; i++)
        if (number >= csr_ranges[i].first && number <= csr_ranges[i].last) {
            snprintf(buf, n, "%s%u%s", csr_ranges[i].name, number - csr_ranges[i].first + csr_ranges[i].index,
                     csr_ranges[i].tail);
            return buf;
        }
    snprintf(buf, n, "0x%x", number);
    return buf;
}

int insn_disassemble(const struct insn *insn, uint64_t pc, char *buf, size_t n) {
    const char *name = insn_rows[insn->id].mnemonic;
    const char *xd = insn_xreg_names[insn->rd & 31], *fd = insn_freg_names[insn->rd & 31];
    const char *x1 = insn_xreg_names[insn->rs1 & 31], *f1 = insn_freg_names[insn->rs1 & 31];
    const char *x2 = insn_xreg_names[insn->rs2 & 31], *f2 = insn_freg_names[insn->rs2 & 31];
    uint64_t target = pc + (uint64_t)(int64_t)insn->imm;
    char csr[24];

    if (insn->id == INSN_ILLEGAL)
        return snprintf(buf, n, ".insn 0x%0*" PRIx32, insn->len * 2, insn->bits);

    switch ((enum insn_format)insn_rows[insn->id].format) {
    case FMT_R:
        return snprintf(buf, n, "%s\t%s,%s,%s", name, xd, x1, x2);
    case FMT_R1:
        return snprintf(buf, n, "%s\t%s,%s", name, xd, x1);
    case FMT_I:
        return snprintf(buf, n, "%s\t%s,%s,%" PRId32, name, xd, x1, insn->imm);
    case FMT_IL:
    case FMT_JR:
        return snprintf(buf, n, "%s\t%s,%" PRId32 "(%s)", name, xd, insn->imm, x1);
    case FMT_S:
        return snprintf(buf, n, "%s\t%s,%" PRId32 "(%s)", name, x2, insn->imm, x1);
    case FMT_B:
        return snprintf(buf, n, "%s\t%s,%s,0x%" PRIx64, name, x1, x2, target);
    case FMT_U:
        return snprintf(buf, n, "%s\t%s,0x%" PRIx32, name, xd, (uint32_t)insn->imm >> 12);
    case FMT_J:
        return snprintf(buf, n, "%s\t%s,0x%" PRIx64, name, xd, target);
    case FMT_SH:
    case FMT_RNUM:
        return snprintf(buf, n, "%s\t%s,%s,0x%" PRIx32, name, xd, x1, (uint32_t)insn->imm);
    case FMT_AMO:
        return snprintf(buf, n, "%s%s\t%s,%s,(%s)", name, order_names[insn->rm & 3], xd, x2, x1);
    case FMT_LR:
        return snprintf(buf, n, "%s%s\t%s,(%s)", name, order_names[insn->rm & 3], xd, x1);
    case FMT_CSR:
        return snprintf(buf, n, "%s\t%s,%s,%s", name, xd, insn_csr_name(insn->imm, csr, sizeof csr), x1);
    case FMT_CSRI:
        return snprintf(buf, n, "%s\t%s,%s,%u", name, xd, insn_csr_name(insn->imm, csr, sizeof csr), insn->rs1);
    case FMT_FENCE:
        return snprintf(buf, n, "%s\t%s,%s", name, fence_names[insn->imm >> 4 & 15], fence_names[insn->imm & 15]);
    case FMT_NONE:
        return snprintf(buf, n, "%s", name);
    case FMT_VMA:
        return snprintf(buf, n, "%s\t%s,%s", name, x1, x2);
    case FMT_CBO:
        return snprintf(buf, n, "%s\t(%s)", name, x1);
    case FMT_PF:
        return snprintf(buf, n, "%s\t%" PRId32 "(%s)", name, insn->imm, x1);
    case FMT_FIL:
        return snprintf(buf, n, "%s\t%s,%" PRId32 "(%s)", name, fd, insn->imm, x1);
    case FMT_FST:
        return snprintf(buf, n, "%s\t%s,%" PRId32 "(%s)", name, f2, insn->imm, x1);
    case FMT_F4R:
        return snprintf(buf, n, "%s\t%s,%s,%s,%s%s", name, fd, f1, f2, insn_freg_names[insn->rs3 & 31],
                        rounding_name(insn));
    case FMT_F3R:
        return snprintf(buf, n, "%s\t%s,%s,%s%s", name, fd, f1, f2, rounding_name(insn));
    case FMT_F3:
        return snprintf(buf, n, "%s\t%s,%s,%s", name, fd, f1, f2);
    case FMT_F2R:
        return snprintf(buf, n, "%s\t%s,%s%s", name, fd, f1, rounding_name(insn));
    case FMT_FX2:
        return snprintf(buf, n, "%s\t%s,%s,%s", name, xd, f1, f2);
    case FMT_FX1:
        /* the one whose rounding mode is part of its opcode is still written with it */
        return snprintf(buf, n, "%s\t%s,%s%s", name, xd, f1, insn->id == INSN_fcvtmod_w_d ? ",rtz" : "");
    case FMT_FX1R:
        return snprintf(buf, n, "%s\t%s,%s%s", name, xd, f1, rounding_name(insn));
    case FMT_XF1:
        return snprintf(buf, n, "%s\t%s,%s", name, fd, x1);
    case FMT_XF1R:
        return snprintf(buf, n, "%s\t%s,%s%s", name, fd, x1, rounding_name(insn));
    case FMT_XF2:
        return snprintf(buf, n, "%s\t%s,%s,%s", name, fd, x1, x2);
    case FMT_FLI:
        return snprintf(buf, n, "%s\t%s,%s", name, fd, fli_names[insn->rs1 & 31]);
    }
    return 0; /* not reached: the switch names every format */
}
