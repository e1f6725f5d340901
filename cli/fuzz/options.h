/* options.h: the command line of riv fuzz. */
#ifndef CLI_FUZZ_OPTIONS_H
#define CLI_FUZZ_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fuzz_options {
    const char *isas, *weights, *focus, *replay, *coverage, *output;
    double seconds;     /* 0: no limit */
    uint64_t cases;     /* 0: no limit */
    uint64_t seed;
    unsigned jobs;
    bool keep_going, unicorn, want_coverage;
};

/* -1: go on with *o; else the exit status: help was printed, or the command line is wrong (said on stderr). */
int fuzz_options_parse(struct fuzz_options *o, int argc, char **argv);

#endif
