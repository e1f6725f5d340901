/* interp32s.c: the interpreter's loop for harts with XLEN 32 and a board. */
#define XLEN 32
#define BOARD 1
#define LOOP interp32s_loop
#include "interp_body.h"
