/* interp_count.c: how many instructions the interpreter has executed.
 *
 * Nothing is added up while code runs: blocks count how often they were entered, and branches out of their middle how
 * often they were taken.  Reached from generated code through csr_access, so compiled for general registers only.
 */
#include "interp_internal.h"

uint64_t interp_block_retired(struct block *b) {
    uint64_t n = (uint64_t)(b->entered + b->count) * b->insns;
    for (uint32_t i = 0; i < b->ops; i++)
        if (b->offsets[i] == OFFSET_LINK)
            n -= (uint64_t)block_ops(b)[i].exits * block_ops(b)[i].behind;
    return n;
}

uint64_t interp_count(const struct hart *h) {
    const struct interp *in = h->interp;
    if (in == NULL)
        return 0;
    uint64_t n = in->retired;
    for (struct block *b = in->blocks; b != NULL; b = b->list_next)
        if (!(b->flags & BLOCK_DEAD))
            n += interp_block_retired(b);
    return n;
}
