/* execute.c: single instructions on a reference's state, executed by riv's interpreter: what the reference lacks.
 *
 * The interpreter works in this process's memory and the reference's lies in the mirror, so the address in rs1 is
 * replaced for the time being.
 */
#include <string.h>

#include "../../cpu/interp.h"
#include "../../translate/engine.h"
#include "../../user/vma.h"
#include "diff.h"

static struct hart hart;
static struct guest_memory memory;

bool execute_init(void) {
    memory = (struct guest_memory){.fetch = watch_fetch, .watch_code = watch_code};
    hart.isa = lockstep.isa;
    hart.xlen = lockstep.isa->xlen;
    struct interp_config config = {.mem = &memory};
    return interp_create(&hart, &config);
}

static bool has_offset(uint8_t format) {
    return format == FMT_IL || format == FMT_S || format == FMT_FIL || format == FMT_FST;
}

bool execute_address(const struct insn *in, const struct state *before, uint64_t *address) {
    uint8_t format = insn_rows[in->id].format;
    if (!has_offset(format) && format != FMT_AMO && format != FMT_LR && format != FMT_CBO)
        return false;
    *address = before->x[in->rs1] + (has_offset(format) ? (uint64_t)(int64_t)in->imm : 0);
    if (format == FMT_CBO)
        *address &= ~UINT64_C(63);
    if (lockstep.isa->xlen == 32)
        *address = (uint32_t)*address;
    return true;
}

bool execute_insn(const struct insn *in, struct state *s) {
    uint8_t format = insn_rows[in->id].format;
    uint64_t base = s->x[in->rs1], address;
    memcpy(hart.x, s->x, sizeof s->x);
    memcpy(hart.f, s->f, sizeof s->f);
    hart_set_fcsr(&hart, s->fcsr);
    hart.pc = s->pc;
    bool access = execute_address(in, s, &address);
    if (access) {
        uint8_t *at = mirror_at(address, 1);
        if (!at || lockstep.isa->xlen == 32)
            return false;
        if (in->rs2 == in->rs1 && (format == FMT_S || format == FMT_AMO))
            return false; /* the operand is the address as well */
        hart.x[in->rs1] = (uint64_t)at - (has_offset(format) ? (uint64_t)(int64_t)in->imm : 0);
    }
    if (interp_step(&hart, 1) != INTERP_DONE)
        return false;
    hart.x[0] = 0;
    if (access && (in->rd != in->rs1 || format == FMT_S || format >= FMT_CBO))
        hart.x[in->rs1] = base;
    state_of_hart(s, &hart);
    return true;
}
