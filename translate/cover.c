/* cover.c: see cover.h. */
#include "cover.h"

#include <stddef.h>

uint64_t cover_ops[COVER_OPS][2];

#ifdef RIVULET_COVERAGE
/* Made by the linker for a section whose name is an identifier. */
extern const struct cover_point __start_riv_cover[], __stop_riv_cover[];
const struct cover_point *cover_first(void) { return __start_riv_cover; }
const struct cover_point *cover_end(void) { return __stop_riv_cover; }
#else
const struct cover_point *cover_first(void) { return NULL; }
const struct cover_point *cover_end(void) { return NULL; }
#endif
