/* cli.h: what the files of cli/ share.
 *
 *      argv ──options_parse──▶ struct cli_options ──cli_run──▶ linux_user_main
 *       └── first word names a subcommand ──subcommand_run──▶ info, help, or the program riv-NAME beside riv
 *
 * Exit statuses of riv's own: 0 done, 1 something failed, 2 the command line is wrong; 126 and 127 as shells have them.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "../user/linux_user.h"

enum { EXIT_USAGE = 2 };
enum { SELF_PATH_MAX = 4096, MESSAGE_MAX = 512 };

/* What is to be done instead of running a program. */
enum cli_action { ACTION_RUN, ACTION_HELP, ACTION_VERSION, ACTION_CPU_HELP, ACTION_LOG_HELP };

/* The guest's environment, made from the host's. Strings are borrowed, the array is owned. */
struct environment {
    char **vars; /* NULL-terminated */
    size_t count, room;
};

enum { OPTION_MAX = 24, INTERPRET_MAX = 16 };

struct cli_options {
    enum cli_action action;
    struct linux_user_config user; /* complete after options_finish */
    struct isa isa;
    struct environment env;
    struct engine_range interpret[INTERPRET_MAX];
    char *sysroot;                  /* owned; absolute */
    const char *log_file;           /* -D as given */
    char *log_again;                /* owned; what a later riv gets as -D */
    const char *values[OPTION_MAX]; /* by row of option_rows: the value in force, NULL where not given */
    char **self_options;            /* owned with its strings */
    char self[SELF_PATH_MAX];
};

/* A row of the option list: the parser, riv --help, the environment's twins and what a guest's execve passes on to the
 * next riv are all made from it. */
struct option_row {
    const char *name;  /* without dashes; one dash or two are accepted before it */
    const char *alias; /* another name or NULL */
    const char *arg;   /* placeholder in the help text, NULL: takes no value; "[=X]": only joined by '=' */
    const char *env;   /* environment variables that say the same, separated by spaces, or NULL */
    bool inherit;      /* passed on when the guest executes another guest program */
    bool (*apply)(struct cli_options *o, const char *value, char *err, size_t n);
    const char *help;
};
extern const struct option_row option_rows[];
extern const size_t option_row_count;

/* Reads argv[1..], then the environment's twins of options that argv does not have. host_env is where the guest's
 * environment begins. False: err holds one line without "riv: ". On success with ACTION_RUN user.program and user.args
 * are set. */
bool options_parse(struct cli_options *o, int argc, char **argv, char **host_env, char *err, size_t n);
/* Opens the log file and fills in the rest of user. False: err as above. */
bool options_finish(struct cli_options *o, char *err, size_t n);
void options_free(struct cli_options *o);
/* A number of bytes with an optional suffix k, M or G (powers of 1024); 0 is refused. */
bool options_parse_size(const char *text, uint64_t *bytes);

bool environment_init(struct environment *env, char **host_env);
/* assignment is "NAME=VALUE" and stays the caller's; it replaces an older one. False: no memory. */
bool environment_set(struct environment *env, char *assignment);
void environment_unset(struct environment *env, const char *name);
void environment_free(struct environment *env);

/* The -d items. */
struct log_item {
    const char *name;
    unsigned bit; /* DUMP_ */
    const char *help;
};
extern const struct log_item log_items[];
extern const size_t log_item_count;

/* Names --cpu knows beside ISA strings; the first is the default. */
extern const char *const cpu_names[];
extern const size_t cpu_name_count;

/* Path of the running riv: /proc/self/exe, else argv0. False: neither is usable. */
bool self_path(const char *argv0, char *path, size_t n);

/* Whether word names a subcommand: one of riv's own, one known to be a program of its own, or an existing riv-WORD. */
bool subcommand_exists(const char *self, const char *word);
/* argv[0] is the subcommand's name. Returns the exit status; does not return where another program takes over. */
int subcommand_run(const char *self, int argc, char **argv);

int help_print(void);
int help_print_version(void);
int help_print_cpus(void);
int help_print_log_items(void);
int info_run(int argc, char **argv);

/* Flushes stdout; 0, or 1 after one line on stderr where it could not be written. */
int output_finish(void);

#endif
