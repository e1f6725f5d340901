/* fork.c: a cache of its own for a child.
 *
 * Shared mappings stay shared across fork: left alone, parent and child would write into each other's code.  The parent
 * takes the lock first, so the child's copy is not in the middle of a change, whatever other threads were doing.
 */
#include "internal.h"

void cc_fork_prepare(struct codecache *cc) { pthread_mutex_lock(&cc->lock); }

void cc_fork_parent(struct codecache *cc) { pthread_mutex_unlock(&cc->lock); }

bool cc_fork_child(struct codecache *cc) {
    /* Held since cc_fork_prepare by this very thread.  Those that wait for it did not come along: no trace of them. */
    pthread_mutex_unlock(&cc->lock);
    pthread_mutex_init(&cc->lock, NULL);
    cache_free_blocks(cc);
    cache_reset(cc);
    if (!cc->closed && !memory_renew(&cc->memory))
        cc->closed = true;
    return !cc->closed;
}
