/* coverage.h: what random programs have exercised: rows and classes of operands always, paths of the translator where the
 * build counts them (RIVULET_COVERAGE, see docs/coverage.md). */
#ifndef CLI_FUZZ_COVERAGE_H
#define CLI_FUZZ_COVERAGE_H

#include "check.h"

enum { COVERAGE_POINTS = 512, COVERAGE_OPS = 512 };
/* In shared memory: a worker's counts. */
struct coverage {
    uint64_t points[COVERAGE_POINTS], ops[COVERAGE_OPS];
};
/* Adds what this process has counted. */
void coverage_collect(struct coverage *c);
void coverage_add(struct coverage *sum, const struct coverage *c);
/* Prints the report to path, or to stdout where it is NULL.  False: it could not be written (said on stderr). isas: as
 * for lab_open. */
bool coverage_write(const struct tally *t, const struct coverage *c, const char *isas, const char *path);

#endif
