/* unicorn_state.h: all registers of a Unicorn RISC-V hart at once; see unicorn_state.c. */
#ifndef CLI_DIFF_UNICORN_STATE_H
#define CLI_DIFF_UNICORN_STATE_H

#include <unicorn/unicorn.h>

#include "diff.h"

/* Where they are. */
struct unicorn_registers {
    uint8_t *env; /* x0 */
    size_t f, flags, frm;
    uint8_t raw_of[32], flags_of[256];
    unsigned xlen;
};

/* uc: fresh, with FS on; its registers are overwritten. False: they cannot be found in this build of Unicorn. */
bool unicorn_registers_find(struct unicorn_registers *regs, uc_engine *uc, unsigned xlen);
void unicorn_registers_get(const struct unicorn_registers *regs, struct state *s); /* all but pc and position */
void unicorn_registers_set(const struct unicorn_registers *regs, const struct state *s);
bool unicorn_registers_same(const struct unicorn_registers *regs, const struct state *s);
uint32_t unicorn_registers_fcsr(const struct unicorn_registers *regs);

#endif
