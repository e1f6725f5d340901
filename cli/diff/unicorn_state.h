/* unicorn_state.h: all registers of a Unicorn RISC-V hart at once; see unicorn_state.c. */
#ifndef CLI_DIFF_UNICORN_STATE_H
#define CLI_DIFF_UNICORN_STATE_H

#include <unicorn/unicorn.h>

#include "diff.h"

/* uc: fresh, with FS on; its registers are overwritten. False: they cannot be found in this build of Unicorn. */
bool unicorn_registers_find(uc_engine *uc, unsigned xlen);
void unicorn_registers_get(struct state *s); /* all but pc and position */
void unicorn_registers_set(const struct state *s);
bool unicorn_registers_same(const struct state *s);

#endif
