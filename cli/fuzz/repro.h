/* repro.h: a failing program as a file: assembly that is complete by itself, and the same in comments that are read back.
 *
 *      # fadd.s: translate differs from step
 *      #@ isa rv64gc                   what riv fuzz --replay reads
 *      #@ item 0x00208553 4 0 1 0      encoding, bytes, how its distance is filled in, target, group
 *      #  fa0  step 7ff8000000000000  translate fff8000000000000
 *              .section .fuzz, "awx"
 *              .4byte 0x00208553       # fadd.s fa0,ft1,ft2
 */
#ifndef CLI_FUZZ_REPRO_H
#define CLI_FUZZ_REPRO_H

#include "check.h"

void repro_write(const struct finding *f, FILE *to);
struct repro {
    char isa[128];
    enum way way; /* WAYS: not said, all */
    struct program program; /* isa is not set */
};
/* False: err has one line with the line's number. */
bool repro_read(struct repro *r, FILE *from, char *err, size_t n);

#endif
