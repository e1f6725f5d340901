/* unicorn.c: see unicorn.h. */
#include "unicorn.h"

#include <stdlib.h>
#include <string.h>
#include <unicorn/unicorn.h>

#include "../../cpu/hart.h"

const char *const unicorn_class_names[UNICORN_CLASSES] = {"trap",       "lone sc",       "box",
                                                          "signalling", "inf * 0 + nan", "word min/max"};

struct unicorn {
    uc_engine *uc;
    unsigned xlen;
};

struct unicorn *unicorn_open(unsigned xlen, char *err, size_t n) {
    struct unicorn *u = calloc(1, sizeof *u);
    uint64_t status = 0;
    uc_err e = UC_ERR_NOMEM;
    if (u) {
        u->xlen = xlen;
        e = uc_open(UC_ARCH_RISCV, xlen == 64 ? UC_MODE_RISCV64 : UC_MODE_RISCV32, &u->uc);
    }
    if (e == UC_ERR_OK)
        e = uc_mem_map_ptr(u->uc, PROGRAM_SCRATCH, SCRATCH_BYTES, UC_PROT_READ | UC_PROT_WRITE,
                           (void *)(uintptr_t)PROGRAM_SCRATCH);
    if (e == UC_ERR_OK)
        e = uc_mem_map_ptr(u->uc, PROGRAM_CODE, 4096, UC_PROT_ALL, (void *)(uintptr_t)PROGRAM_CODE);
    if (e == UC_ERR_OK)
        e = uc_reg_read(u->uc, UC_RISCV_REG_MSTATUS, &status);
    status |= 0x6000; /* FS: floating point is on */
    if (e == UC_ERR_OK)
        e = uc_reg_write(u->uc, UC_RISCV_REG_MSTATUS, &status);
    if (e == UC_ERR_OK)
        return u;
    snprintf(err, n, "unicorn: %s", uc_strerror(e));
    unicorn_close(u);
    return NULL;
}

void unicorn_close(struct unicorn *u) {
    if (u && u->uc)
        uc_close(u->uc);
    free(u);
}

/* On RV32 uc_reg_read and uc_reg_write know 32 bits of an f register: these are moved through the scratch area, whose
 * contents are lost, by code of their own. (A limit of instructions is given as without one Unicorn flushes its cache.)
 */
static uc_err move_f(struct unicorn *u, uint32_t opcode, uint64_t *f) {
    uint32_t *code = (uint32_t *)(uintptr_t)(PROGRAM_CODE + 2048);
    uint64_t base = PROGRAM_SCRATCH;
    for (uint32_t i = 0; i < 32; i++)
        code[i] = opcode == 0x07 ? i * 8 << 20 | 31 << 15 | 3 << 12 | i << 7 | opcode
                                 : i * 8 >> 5 << 25 | i << 20 | 31 << 15 | 3 << 12 | (i * 8 & 31) << 7 | opcode;
    uc_ctl_remove_cache(u->uc, PROGRAM_CODE, PROGRAM_CODE + 4096);
    if (opcode == 0x07)
        memcpy((void *)(uintptr_t)base, f, 256);
    uc_reg_write(u->uc, UC_RISCV_REG_X31, &base);
    uc_err e = uc_emu_start(u->uc, PROGRAM_CODE + 2048, PROGRAM_CODE + 2048 + 128, 0, 5000);
    if (opcode == 0x27)
        memcpy(f, (void *)(uintptr_t)base, 256);
    return e;
}

bool unicorn_run(struct unicorn *u, const struct program *p, struct program_state *end, char *err, size_t n) {
    uint64_t f[32];
    uc_err e = UC_ERR_OK;
    memcpy(f, p->start.f, sizeof f);
    if (u->xlen == 32)
        e = move_f(u, 0x07, f);
    program_place(p);
    uc_ctl_remove_cache(u->uc, PROGRAM_CODE, PROGRAM_CODE + 4096);
    for (int i = 0; i < 32; i++) {
        if (i)
            uc_reg_write(u->uc, UC_RISCV_REG_X0 + i, &p->start.x[i]);
        if (u->xlen == 64)
            uc_reg_write(u->uc, UC_RISCV_REG_F0 + i, &f[i]);
    }
    uint64_t fcsr = p->start.fcsr;
    uc_reg_write(u->uc, UC_RISCV_REG_FCSR, &fcsr);
    memset(end, 0, sizeof *end);
    if (e == UC_ERR_OK)
        e = uc_emu_start(u->uc, PROGRAM_CODE, program_address(p, p->main), 0, 5000);
    for (int i = 0; i < 32; i++) {
        uc_reg_read(u->uc, UC_RISCV_REG_X0 + i, &end->x[i]);
        uc_reg_read(u->uc, UC_RISCV_REG_F0 + i, &end->f[i]);
        if (u->xlen == 32)
            end->x[i] = (uint64_t)(int64_t)(int32_t)end->x[i];
    }
    uc_reg_read(u->uc, UC_RISCV_REG_PC, &end->pc);
    fcsr = 0;
    uc_reg_read(u->uc, UC_RISCV_REG_FCSR, &fcsr);
    end->fcsr = (uint32_t)fcsr & 0xff;
    end->cause = TRAP_BREAKPOINT;
    end->tval = end->pc;
    memcpy(end->scratch, (void *)(uintptr_t)PROGRAM_SCRATCH, SCRATCH_BYTES);
    memcpy(end->near, (void *)(uintptr_t)(PROGRAM_CODE + NEAR_AT), NEAR_BYTES);
    if (u->xlen == 32 && e == UC_ERR_OK)
        e = move_f(u, 0x27, end->f);
    if (e != UC_ERR_OK)
        snprintf(err, n, "%s", uc_strerror(e));
    return e == UC_ERR_OK;
}

static bool starts(const char *name, const char *prefix) { return !strncmp(name, prefix, strlen(prefix)); }
static bool ends(const char *name, const char *suffix) {
    size_t n = strlen(name), k = strlen(suffix);
    return n >= k && !strcmp(name + n - k, suffix);
}
static bool is_one_of(const char *token, const char *const *tokens) {
    while (*tokens && strcmp(token, *tokens))
        tokens++;
    return *tokens != NULL;
}
static bool is_base(const struct row_pattern *r) {
    static const char *const tokens[] = {"I", "I_64", "M", "M_64", "A", "A_64", "C", "C_64", "C_32", "Zicsr", NULL};
    return !starts(r->name, "ecall") && !ends(r->name, "ebreak") && is_one_of(r->extension, tokens);
}
bool unicorn_word_min(const struct row_pattern *r) { return starts(r->name, "amom") && ends(r->name, "_w"); }
static bool is_fused(const char *name) { return starts(name, "fmadd") || starts(name, "fmsub") || starts(name, "fnm"); }
bool unicorn_mixes_row(const struct row_pattern *r) {
    return !unicorn_word_min(r) && !starts(r->name, "fmin") && !starts(r->name, "fmax") && !is_fused(r->name) &&
           !starts(r->name, "fcvt_s_d") && !starts(r->name, "fcvt_d_s");
}
static const char *const double_tokens[] = {"D", "D_64", "C_D", NULL};
bool unicorn_has_row(const struct row_pattern *r, bool singles) {
    static const char *const single[] = {"F", "F_64", "C_F32", NULL};
    return is_base(r) || is_one_of(r->extension, singles ? single : double_tokens);
}

void unicorn_prepare(struct program *p, bool singles, const struct row_pattern *focus) {
    if (singles || (focus && starts(focus->name, "fcvt_d_s")))
        for (int i = 0; i < 32; i++)
            p->start.f[i] |= 0xffffffff00000000;
}

int unicorn_skip_class(const struct program *p, const struct program_state *ours) {
    if (ours->cause != TRAP_BREAKPOINT || ours->pc != program_address(p, p->main))
        return UNICORN_TRAP;
    for (unsigned i = 0; i < p->count; i++) {
        struct insn in;
        program_decode(p, i, &in);
        if (in.id == INSN_lr_w || in.id == INSN_lr_d)
            break;
        if (in.id == INSN_sc_w || in.id == INSN_sc_d)
            return UNICORN_LONE_SC;
    }
    return -1;
}

void unicorn_settle(const struct program *p, const struct program_state *ours, struct program_state *theirs,
                    uint32_t counts[UNICORN_CLASSES]) {
    bool minmax = false, fused = false, doubles = false; /* fmv.w.x of all 64 bits is for programs of singles only */
    unsigned rows;
    const struct row_pattern *patterns = row_patterns(&rows);
    for (unsigned i = 0; i < p->count; i++) {
        struct insn in;
        program_decode(p, i, &in);
        const char *name = insn_rows[in.id].id;
        minmax |= starts(name, "fmin") || starts(name, "fmax");
        fused |= is_fused(name);
        doubles |= is_one_of(patterns[p->items[i].row].extension, double_tokens);
    }
    for (int i = 0; i < 32; i++)
        if (ours->f[i] != theirs->f[i] && ours->f[i] >> 32 == 0xffffffff &&
            (uint32_t)ours->f[i] == (uint32_t)theirs->f[i] && (!doubles || theirs->f[i] >> 32 == 0)) {
            theirs->f[i] = ours->f[i];
            counts[UNICORN_BOX]++;
        }
    if (minmax && ours->fcsr & FFLAG_NV && p->count <= 2) {
        for (int i = 0; i < 32; i++)
            if (ours->f[i] != theirs->f[i] &&
                (theirs->f[i] == 0x7ff8000000000000 || (uint32_t)theirs->f[i] == 0x7fc00000)) {
                theirs->f[i] = ours->f[i];
                counts[UNICORN_SIGNALLING]++;
            }
    }
    if (fused && (ours->fcsr ^ theirs->fcsr) == FFLAG_NV && ours->fcsr & FFLAG_NV) {
        theirs->fcsr = ours->fcsr;
        counts[UNICORN_INF_ZERO]++;
    }
}
