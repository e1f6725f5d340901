/* interp64.c: the interpreter's loop for harts with XLEN 64. */
#define XLEN 64
#define LOOP interp64_loop
#include "interp_body.h"
