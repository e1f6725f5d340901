/* fast.h: the fast comparison with Unicorn; see fast.c. */
#ifndef CLI_DIFF_FAST_H
#define CLI_DIFF_FAST_H

#include "diff.h"

/* False: one line in err. */
bool fast_open(char *err, size_t n);
struct fast_stretches {
    const struct record_stretch *s;
    size_t n;
    struct state end; /* behind all of them */
};
/* Runs stretches from `from` on, where the state is *at and everything is the same on both sides, up to the first thing that is
 * not plain and the same; has riv go on for more of them, which are then *all.  Returns how many of *all agree; *at is the state
 * there, memory is as it was there. */
size_t fast_run(struct fast_stretches *all, size_t from, struct state *at);
/* The state with which a stretch that has one was entered; fp: that of floating point, if it was not written. */
void fast_state(struct state *to, const struct record_stretch *s, const struct state *fp);
/* The mirror's regions come and go, and code in them changes. */
bool fast_region_added(const struct region *r);
void fast_region_removed(const struct region *r);
void fast_code_changed(uint64_t start, uint64_t end);

#endif
