/* main.c: the program riv: runs a RISC-V Linux program, or one of riv's subcommands. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

extern char **environ;

static int usage_error(const char *message) {
    fprintf(stderr, "riv: %s; try 'riv --help'\n", message);
    return EXIT_USAGE;
}

static int cli_run(struct cli_options *o) {
    switch (o->action) {
    case ACTION_HELP:
        return help_print();
    case ACTION_VERSION:
        return help_print_version();
    case ACTION_CPU_HELP:
        return help_print_cpus();
    case ACTION_LOG_HELP:
        return help_print_log_items();
    case ACTION_RUN:
        break;
    }
    char err[MESSAGE_MAX];
    if (!options_finish(o, err, sizeof err)) {
        fprintf(stderr, "riv: %s\n", err);
        return 1;
    }
    return linux_user_main(&o->user);
}

int main(int argc, char **argv) {
    static struct cli_options options;
    char err[MESSAGE_MAX];
    if (!self_path(argc > 0 ? argv[0] : NULL, options.self, sizeof options.self)) {
        fprintf(stderr, "riv: cannot find my own path: /proc is not mounted\n");
        return 1;
    }
    if (argc > 1 && argv[1][0] != '-' && subcommand_exists(options.self, argv[1]))
        return subcommand_run(options.self, argc - 1, argv + 1);
    int status = options_parse(&options, argc, argv, environ, err, sizeof err) ? cli_run(&options) : usage_error(err);
    options_free(&options);
    return status;
}
