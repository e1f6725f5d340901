/* isa.c: instruction sets: names and ISA strings to sets of extensions and table rows, and back.
 *
 * Unprivileged manual, chapter "ISA Extension Naming Conventions"; what implies what is from the chapters of the
 * extensions themselves.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "isa_token.h"

const struct isa_need isa_needs[TOKEN_COUNT] = {
#define TOKEN(name_, xlen_, exts_) {#name_, exts_, xlen_},
    ISA_TOKENS(TOKEN)
#undef TOKEN
};

/* By enum insn_id. */
static const uint8_t row_tokens[INSN_COUNT] = {
#define INSN(id, pattern, format, ext, effect) [INSN_##id] = TOKEN_##ext,
#include "riscv.def"
};

/* The order of the kernel's riscv_isa_ext table, which /proc/cpuinfo prints: single letters as the manual orders them,
 * then Zi, Za, Zf, Zc, Zb, Zk, each alphabetically. */
static const struct {
    const char *name;
    uint8_t ext;
} ext_names[EXT_COUNT] = {
    {"i", EXT_I},
    {"m", EXT_M},
    {"a", EXT_A},
    {"f", EXT_F},
    {"d", EXT_D},
    {"c", EXT_C},
    {"zicbom", EXT_Zicbom},
    {"zicbop", EXT_Zicbop},
    {"zicboz", EXT_Zicboz},
    {"zicntr", EXT_Zicntr},
    {"zicond", EXT_Zicond},
    {"zicsr", EXT_Zicsr},
    {"zifencei", EXT_Zifencei},
    {"zihintntl", EXT_Zihintntl},
    {"zihintpause", EXT_Zihintpause},
    {"zacas", EXT_Zacas},
    {"zawrs", EXT_Zawrs},
    {"zfa", EXT_Zfa},
    {"zfh", EXT_Zfh},
    {"zfhmin", EXT_Zfhmin},
    {"zcb", EXT_Zcb},
    {"zba", EXT_Zba},
    {"zbb", EXT_Zbb},
    {"zbc", EXT_Zbc},
    {"zbkb", EXT_Zbkb},
    {"zbkc", EXT_Zbkc},
    {"zbkx", EXT_Zbkx},
    {"zbs", EXT_Zbs},
    {"zknd", EXT_Zknd},
    {"zkne", EXT_Zkne},
    {"zknh", EXT_Zknh},
};

#define BIT ISA_EXT_BIT
static const uint64_t all_exts = (UINT64_C(1) << EXT_COUNT) - 1;
static const uint64_t exts_g = BIT(I) | BIT(M) | BIT(A) | BIT(F) | BIT(D) | BIT(Zicsr) | BIT(Zifencei);
static const uint64_t exts_zkn = BIT(Zbkb) | BIT(Zbkc) | BIT(Zbkx) | BIT(Zknd) | BIT(Zkne) | BIT(Zknh);
static const uint64_t exts_rv64_only = BIT(Zbkb) | BIT(Zbkx) | BIT(Zknd) | BIT(Zkne) | BIT(Zknh); /* of ours */
static const uint64_t exts_b = BIT(Zba) | BIT(Zbb) | BIT(Zbs);

/* Ordered so that one pass suffices: what an entry adds is only implied upon by later entries. */
static const struct {
    uint8_t ext;
    uint64_t implied;
} implications[] = {
    {EXT_Zfh, BIT(Zfhmin)},     {EXT_Zfhmin, BIT(F)},       {EXT_Zfa, BIT(F)},        {EXT_D, BIT(F)},
    {EXT_F, BIT(Zicsr)},        {EXT_Zicntr, BIT(Zicsr)},   {EXT_Zcb, BIT(C)},        {EXT_Zacas, BIT(A)},
    {EXT_Zbb, BIT(Zbb_Zbkb)},   {EXT_Zbkb, BIT(Zbb_Zbkb)},  {EXT_Zbc, BIT(Zbc_Zbkc)}, {EXT_Zbkc, BIT(Zbc_Zbkc)},
    {EXT_Zkne, BIT(Zkne_Zknd)}, {EXT_Zknd, BIT(Zkne_Zknd)},
};

/* Names of whole sets; every other name is an ISA string. */
static const struct {
    const char *name, *string;
} set_names[] = {
    {"max", "rv64*"}, /* only here: every extension */
    {"rv64", "rv64*"},
    {"rv64max", "rv64*"},
    {"rv32", "rv32*"},
    {"rv32max", "rv32*"},
    {"rv64gc", "rv64gc_zicntr"},
    {"rv64gcb", "rv64gcb_zicntr"},
    {"rv32gc", "rv32gc_zicntr"},
    {"rv32gcb", "rv32gcb_zicntr"},
};

/* The extensions a name of n characters stands for; 0 where there is none. */
static uint64_t find_ext(const char *name, size_t n) {
    if (n == 1 && tolower((unsigned char)*name) == 'g')
        return exts_g;
    if (n == 1 && tolower((unsigned char)*name) == 'b')
        return exts_b;
    if (n == 3 && !strncasecmp(name, "zkn", n))
        return exts_zkn;
    for (unsigned i = 0; i < EXT_COUNT; i++)
        if (strlen(ext_names[i].name) == n && !strncasecmp(ext_names[i].name, name, n))
            return UINT64_C(1) << ext_names[i].ext;
    return 0;
}

__attribute__((format(printf, 3, 4))) static bool fail(char *err, size_t n, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(err, n, format, args);
    va_end(args);
    return false;
}

static void set_rows(struct isa *isa) {
    for (unsigned id = 1; id < INSN_COUNT; id++)
        if (isa_has_token(isa, row_tokens[id]))
            isa->rows[id / 64] |= UINT64_C(1) << id % 64;
}

bool isa_parse(struct isa *isa, const char *name, char *err, size_t n) {
    const char *string = name;
    for (size_t i = 0; i < sizeof set_names / sizeof *set_names; i++)
        if (!strcasecmp(name, set_names[i].name))
            string = set_names[i].string;

    memset(isa, 0, sizeof *isa);
    if (!strncasecmp(string, "rv64", 4))
        isa->xlen = 64;
    else if (!strncasecmp(string, "rv32", 4))
        isa->xlen = 32;
    else
        return fail(err, n,
                    "unknown instruction set \"%s\" (known: max, rv32max, rv64gc, rv64gcb, rv32gc, ISA strings)", name);

    const char *p = string + 4;
    if (*p == '*' && string != name) {
        isa->exts = isa->xlen == 32 ? all_exts & ~exts_rv64_only : all_exts;
        p++;
    } else if (!*p || !strchr("iIgG", *p)) {
        return fail(err, n, "instruction set \"%s\": base I or G expected after %.4s", name, name);
    }
    while (*p) {
        /* Z, S and X begin names that go on to the next underscore; other letters are names by themselves. */
        size_t length = strchr("zZsSxX", *p) ? strcspn(p, "_") : 1;
        uint64_t exts = find_ext(p, length);
        if (!exts)
            return fail(err, n, "unknown extension \"%.*s\" in instruction set \"%s\"", (int)length, p, name);
        if (isa->xlen == 32 && exts & exts_rv64_only)
            return fail(err, n, "instruction set \"%s\": %.*s is there on RV64 only", name, (int)length, p);
        isa->exts |= exts;
        p += length;
        if (*p == '_' && p[1] && p[1] != '_')
            p++;
    }

    for (size_t i = 0; i < sizeof implications / sizeof *implications; i++)
        if (isa->exts >> implications[i].ext & 1)
            isa->exts |= implications[i].implied;
    set_rows(isa);
    return true;
}

void isa_add_system(struct isa *isa) {
    isa->exts |= BIT(System);
    set_rows(isa);
}

void isa_string(const struct isa *isa, char *buf, size_t n) {
    size_t used = 0;
    for (int i = -1; i < EXT_COUNT; i++) {
        char piece[24];
        if (i < 0)
            snprintf(piece, sizeof piece, "rv%u", isa->xlen);
        else if (!(isa->exts >> ext_names[i].ext & 1))
            continue;
        else
            snprintf(piece, sizeof piece, "%s%s", ext_names[i].name[1] ? "_" : "", ext_names[i].name);
        if (used < n)
            snprintf(buf + used, n - used, "%s", piece);
        used += strlen(piece);
    }
}
