/* interp64s.c: the interpreter's loop for harts with XLEN 64 and a board. */
#define XLEN 64
#define BOARD 1
#define LOOP interp64s_loop
#include "interp_body.h"
