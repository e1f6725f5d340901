/* cover.h: counts which paths the translator has taken, in builds made with RIVULET_COVERAGE; at translation time only.
 *
 *      COVER(cold_ret);            in a function: one counter for this place
 *      COVER_OP(n->op, in_loop);   one for each operation of the IR
 *
 * Other builds have no points and no code for them.
 */
#ifndef TRANSLATE_COVER_H
#define TRANSLATE_COVER_H

#include <stdint.h>

struct cover_point {
    const char *name;
    uint64_t count;
};
enum { COVER_OPS = 256 };
extern uint64_t cover_ops[COVER_OPS][2];
/* All points of this program: [cover_first, cover_end). */
const struct cover_point *cover_first(void);
const struct cover_point *cover_end(void);

#ifdef RIVULET_COVERAGE
#define COVER(point_name)                                                                                              \
    do {                                                                                                               \
        static struct cover_point point_ __attribute__((section("riv_cover"), used)) = {#point_name, 0};               \
        point_.count++;                                                                                                \
    } while (0)
#define COVER_OP(op, in_loop) (cover_ops[op][in_loop]++)
#else
#define COVER(point_name) ((void)0)
#define COVER_OP(op, in_loop) ((void)0)
#endif

#endif
