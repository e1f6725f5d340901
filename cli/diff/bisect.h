/* bisect.h: what bisect.c and bisect_run.c share: running one program again and again, and judging what it does. */
#ifndef CLI_DIFF_BISECT_H
#define CLI_DIFF_BISECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../cli.h"

struct bisect_options {
    bool on;
    const char *expect; /* file that holds the right output, or NULL */
    const char *check;  /* shell command that reads an output and says whether it is right, or NULL */
    unsigned tries;     /* runs of which one that goes wrong is enough */
    unsigned limit;     /* seconds a run may take; 0: by what the interpreter took */
};

struct outcome {
    bool ended; /* by itself, in time */
    int status; /* as waitpid gives it */
    int output; /* file with what it wrote to stdout; to be closed */
    int64_t milliseconds;
};

/* ---- bisect_run.c ---- */

/* What is to be run: riv's path, options of the user's, program, arguments. */
void bisect_run_prepare(const char *riv, char **options, int option_count, const char *program, char **args);
/* Runs the program with these options behind the user's, for at most that many milliseconds (0: for ever).  loud: its stderr
 * is seen. False: it cannot be started. */
bool bisect_run(char *const *options, bool loud, int64_t limit, struct outcome *o);
/* What was on stdin, from its beginning; -1: there was nothing. */
int bisect_input(void);
/* Waits for a child that leads its process group; false: it took longer and has been killed. */
bool bisect_wait(pid_t pid, int64_t limit, int *status);
/* The same end and the same output. */
bool bisect_same(const struct outcome *a, const struct outcome *b);
/* Whether the output is that of a file, or what a command calls right. -1: one line in err. */
int bisect_is_file(const struct outcome *o, const char *path, char *err, size_t n);
int bisect_is_checked(const struct outcome *o, const char *command, char *err, size_t n);

/* ---- bisect.c ---- */

/* Returns riv diff's exit status. */
int bisect(const struct bisect_options *options, struct cli_options *riv, char **argv);

#endif
