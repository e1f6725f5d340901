/* interp32.c: the interpreter's loop for harts with XLEN 32. */
#define XLEN 32
#define LOOP interp32_loop
#include "interp_body.h"
