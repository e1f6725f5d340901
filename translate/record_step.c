/* record_step.c: records of instructions that the interpreter executes one at a time: what an instruction did is told
 * from its operands before and its registers after.
 *
 * The interpreter writes what is meant for x0 to x[32], so what was loaded is known there too.
 */
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../cpu/interp.h"
#include "../cpu/system.h"
#include "record_internal.h"

static uint64_t sext32(uint64_t v) { return (uint64_t)(int64_t)(int32_t)v; }

/* What may raise flags. */
static bool computes(unsigned format) {
    switch (format) {
    case FMT_F4R:
    case FMT_F3R:
    case FMT_F3:
    case FMT_F2R:
    case FMT_FX2:
    case FMT_FX1:
    case FMT_FX1R:
    case FMT_XF1:
    case FMT_XF1R:
        return true;
    default:
        return false;
    }
}

static unsigned pair_size(const struct insn *in) {
    return in->id == INSN_amocas_q ? 8 : in->id == INSN_amocas_d_rv32 ? 4 : 0;
}

/* An amocas of two registers that are x0 does not tell what it has found: asked of the kernel, as the access may fault.
 */
static void look_at_pair(struct hart *h, struct hart_records *hr) {
    unsigned size = pair_size(&hr->insn);
    hr->found[0] = hr->found[1] = 0;
    for (unsigned i = 0; i < 2; i++) {
        uint64_t pa, page;
        bool writable;
        const uint8_t *host;
        if (h->sys) {
            host = mmu_probe(h, hr->address + i * size, &pa) ? mmu_ram(h->sys, pa, &page, &writable) : NULL;
            memcpy(&hr->found[i], host ? host : (const uint8_t *)&hr->found[i], size);
            continue;
        }
        struct iovec to = {&hr->found[i], size}, from = {(void *)(uintptr_t)(hr->address + i * size), size};
        if (process_vm_readv(getpid(), &to, 1, &from, 1, 0) < 0)
            return; /* it is going to fault */
    }
}

static void before(struct hart *h) {
    struct engine_hart *eh = h->engine;
    struct hart_records *hr = eh->records;
    uint32_t bits;
    record_privilege(eh);
    hr->recorded = record_wants(eh->engine, h->pc) && record_fetch(eh, h->pc, &bits);
    hr->lowered = false;
    if (!hr->recorded)
        return;
    if (hr->stretches)
        record_state(eh);
    insn_decode(h->isa, bits, &hr->insn);
    const struct insn *in = &hr->insn;
    unsigned format = insn_rows[in->id].format;
    bool offset = format == FMT_IL || format == FMT_S || format == FMT_FIL || format == FMT_FST;
    if (h->sys && !hr->dirtied)
        hr->mstatus = h->sys->mstatus;
    hr->pc = h->pc;
    hr->address = h->x[in->rs1] + (offset ? (uint64_t)(int64_t)in->imm : 0);
    if (h->xlen == 32)
        hr->address = (uint32_t)hr->address;
    hr->operand = h->x[in->rs2];
    hr->expected[0] = h->x[in->rd];
    hr->expected[1] = in->rd ? h->x[(in->rd + 1) & 31] : 0;
    if (pair_size(in) && !in->rd)
        look_at_pair(h, hr);
    hr->lowered = computes(format) && in->id != INSN_ILLEGAL;
    hr->fflags = h->fflags;
    if (hr->lowered)
        h->fflags = 0;
}

static uint64_t amo_result(unsigned id, uint64_t old, uint64_t operand, bool wide) {
    if (!wide)
        operand = sext32(operand);
    switch (id) {
    case INSN_amoadd_w:
    case INSN_amoadd_d:
        return old + operand;
    case INSN_amoxor_w:
    case INSN_amoxor_d:
        return old ^ operand;
    case INSN_amoand_w:
    case INSN_amoand_d:
        return old & operand;
    case INSN_amoor_w:
    case INSN_amoor_d:
        return old | operand;
    case INSN_amomin_w:
    case INSN_amomin_d:
        return (int64_t)old < (int64_t)operand ? old : operand;
    case INSN_amomax_w:
    case INSN_amomax_d:
        return (int64_t)old > (int64_t)operand ? old : operand;
    case INSN_amominu_w:
    case INSN_amominu_d:
        return old < operand ? old : operand;
    case INSN_amomaxu_w:
    case INSN_amomaxu_d:
        return old > operand ? old : operand;
    default:
        return operand; /* swap */
    }
}

static unsigned size_of(unsigned id) {
    switch (id) {
    case INSN_lb:
    case INSN_lbu:
    case INSN_sb:
        return 1;
    case INSN_lh:
    case INSN_lhu:
    case INSN_sh:
    case INSN_flh:
    case INSN_fsh:
        return 2;
    case INSN_ld:
    case INSN_sd:
    case INSN_fld:
    case INSN_fsd:
        return 8;
    default:
        return 4;
    }
}

static void add(struct engine_hart *eh, enum record_kind kind, unsigned size, uint64_t address, uint64_t value) {
    if (size < 8)
        value &= (1ull << size * 8) - 1;
    record_add(eh, &(struct record){.kind = (uint8_t)kind, .size = (uint8_t)size, .address = address, .value = value});
}
static void add_register(struct engine_hart *eh, enum record_kind kind, unsigned reg, uint64_t value) {
    record_add(eh, &(struct record){.kind = (uint8_t)kind, .reg = (uint8_t)reg, .value = value});
}
static void add_csr(struct engine_hart *eh, unsigned number, uint64_t value) {
    record_add(eh, &(struct record){.kind = RECORD_CSR, .bits = number, .value = value});
}

static void record_pair(struct engine_hart *eh, const struct hart_records *hr) {
    struct hart *h = eh->hart;
    unsigned rd = hr->insn.rd, rs2 = hr->insn.rs2, size = pair_size(&hr->insn);
    bool same = true;
    for (unsigned i = 0; i < 2; i++) {
        uint64_t found = rd ? h->x[rd + i] : hr->found[i];
        same &= found == hr->expected[i];
        add(eh, RECORD_LOAD, size, hr->address + i * size, found);
    }
    for (unsigned i = 0; same && i < 2; i++)
        add(eh, RECORD_STORE, size, hr->address + i * size, rs2 ? h->x[rs2 + i] : 0);
    for (unsigned i = 0; rd && i < 2; i++)
        add_register(eh, RECORD_X, rd + i, h->x[rd + i]);
}

static void record_atomic(struct engine_hart *eh, const struct hart_records *hr) {
    struct hart *h = eh->hart;
    const struct insn *in = &hr->insn;
    uint64_t result = h->x[in->rd ? in->rd : 32];
    bool wide = (in->bits >> 12 & 7) == 3;
    unsigned size = wide ? 8 : 4;
    switch (in->id) {
    case INSN_lr_w:
    case INSN_lr_d:
        add(eh, RECORD_LOAD, size, hr->address, result);
        return;
    case INSN_sc_w:
    case INSN_sc_d:
        if (result == 0)
            add(eh, RECORD_STORE, size, hr->address, hr->operand);
        return;
    case INSN_amocas_w:
    case INSN_amocas_d:
        add(eh, RECORD_LOAD, size, hr->address, result);
        if (result == (wide ? hr->expected[0] : sext32(hr->expected[0])))
            add(eh, RECORD_STORE, size, hr->address, hr->operand);
        return;
    default:
        add(eh, RECORD_LOAD, size, hr->address, result);
        add(eh, RECORD_STORE, size, hr->address, amo_result(in->id, result, hr->operand, wide));
    }
}

/* The register that was written; those that are views of another are shown with that one. */
static void record_system_csr(struct engine_hart *eh, unsigned number) {
    uint64_t value;
    if (eh->hart->sys && system_csr_read(eh->hart, number, &value))
        add_csr(eh, number, value);
    if (number == 0x100 || number == 0x104 || number == 0x144)
        record_system_csr(eh, number + 0x200);
}

static bool writes_mstatus(const struct insn *in) {
    unsigned number = (unsigned)in->imm & 0xfff, format = insn_rows[in->id].format;
    return (format == FMT_CSR || format == FMT_CSRI) && (number == 0x100 || number == 0x300);
}

static void record_csr(struct engine_hart *eh, const struct insn *in) {
    struct hart *h = eh->hart;
    bool writes = in->id == INSN_csrrw || in->id == INSN_csrrwi || in->rs1 != 0;
    unsigned number = (unsigned)in->imm & 0xfff;
    if (!writes)
        return;
    if (number > 3)
        record_system_csr(eh, number);
    if (number == 1 || number == 3)
        add_csr(eh, 1, h->fflags);
    if (number == 2 || number == 3)
        add_csr(eh, 2, h->frm);
    if (number == 3)
        add_csr(eh, 3, hart_get_fcsr(h));
}

static void record_memory(struct engine_hart *eh, const struct hart_records *hr) {
    struct hart *h = eh->hart;
    const struct insn *in = &hr->insn;
    switch (insn_rows[in->id].format) {
    case FMT_IL:
        add(eh, RECORD_LOAD, size_of(in->id), hr->address, h->x[in->rd ? in->rd : 32]);
        break;
    case FMT_FIL:
        add(eh, RECORD_LOAD, size_of(in->id), hr->address, h->f[in->rd]);
        break;
    case FMT_S:
        add(eh, RECORD_STORE, size_of(in->id), hr->address, hr->operand);
        break;
    case FMT_FST:
        add(eh, RECORD_STORE, size_of(in->id), hr->address, h->f[in->rs2]);
        break;
    case FMT_CBO:
        for (unsigned i = 0; in->id == INSN_cbo_zero && i < 64; i += 8)
            add(eh, RECORD_STORE, 8, (hr->address & ~63ull) + i, 0);
        break;
    case FMT_AMO:
    case FMT_LR:
        record_atomic(eh, hr);
        break;
    default:
        break;
    }
}

static void after(struct hart *h) {
    struct engine_hart *eh = h->engine;
    struct hart_records *hr = eh->records;
    const struct insn *in = &hr->insn;
    if (!hr->recorded)
        return;
    bool status = h->sys && (in->id == INSN_mret || in->id == INSN_sret);
    if (h->sys && ((h->sys->mstatus ^ hr->mstatus) & MSTATUS_FS) && !status && !writes_mstatus(in)) {
        hr->dirtied = h->pc == hr->pc; /* only that has been done yet: the instruction is executed anew */
        status = !hr->dirtied;
    }
    if (hr->dirtied) {
        h->fflags |= hr->lowered ? hr->fflags : 0;
        return;
    }
    unsigned format = insn_rows[in->id].format;
    record_reserve(eh, 24);
    record_add(eh, &(struct record){.kind = RECORD_INSN, .size = in->len, .bits = in->bits, .address = hr->pc});
    if (pair_size(in)) {
        record_pair(eh, hr);
        return;
    }
    record_memory(eh, hr);
    if (status)
        record_system_csr(eh, 0x300);
    if (hr->lowered) {
        uint8_t raised = h->fflags;
        h->fflags |= hr->fflags;
        if (raised)
            add_csr(eh, 1, h->fflags);
    }
    switch (format) {
    case FMT_CSR:
    case FMT_CSRI:
        record_csr(eh, in);
        /* fall through */
    case FMT_R:
    case FMT_R1:
    case FMT_I:
    case FMT_IL:
    case FMT_JR:
    case FMT_U:
    case FMT_J:
    case FMT_SH:
    case FMT_RNUM:
    case FMT_AMO:
    case FMT_LR:
    case FMT_FX2:
    case FMT_FX1:
    case FMT_FX1R:
        if (in->rd)
            add_register(eh, RECORD_X, in->rd, h->x[in->rd]);
        break;
    case FMT_FIL:
    case FMT_F4R:
    case FMT_F3R:
    case FMT_F3:
    case FMT_F2R:
    case FMT_XF1:
    case FMT_XF1R:
    case FMT_XF2:
    case FMT_FLI:
        add_register(eh, RECORD_F, in->rd, h->f[in->rd]);
        break;
    default:
        break;
    }
}

/* An invalid rounding mode: flags are as they were. */
static void trapped(struct hart *h) {
    struct hart_records *hr = h->engine->records;
    hr->dirtied = false;
    if (hr->recorded && hr->lowered)
        h->fflags = hr->fflags;
}

const struct interp_hooks record_hooks = {before, after, trapped};
