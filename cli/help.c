/* help.c: riv --help, --version, --cpu help and -d help; the options come from option_rows. */
#include <errno.h>
#include <string.h>

#include "cli.h"

int output_finish(void) {
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    fprintf(stderr, "riv: cannot write output: %s\n", strerror(errno));
    return 1;
}

enum { HELP_COLUMN = 26 };

static const char *dashes(const char *name) { return strlen(name) == 1 ? "-" : "--"; }

/* "  --name ARG, -a" padded to HELP_COLUMN; a longer one takes a line of its own. */
static void print_option(const struct option_row *row) {
    char left[64], alias[16] = "";
    if (row->alias)
        snprintf(alias, sizeof alias, ", %s%s", dashes(row->alias), row->alias);
    const char *space = row->arg && row->arg[0] != '[' ? " " : "";
    int n = snprintf(left, sizeof left, "  %s%s%s%s%s", dashes(row->name), row->name, space, row->arg ? row->arg : "",
                     alias);
    if (n >= HELP_COLUMN)
        printf("%s\n%*s", left, HELP_COLUMN, "");
    else
        printf("%-*s", HELP_COLUMN, left);
    printf("%s", row->help);
    if (row->env)
        printf(" [%s]", row->env);
    printf("\n");
}

int help_print(void) {
    printf("usage: riv [OPTION]... PROGRAM [ARGUMENT]...\n"
           "       riv info\n"
           "       riv trace --help\n"
           "Runs a RISC-V Linux program on this machine.\n\n");
    for (size_t i = 0; i < option_row_count; i++)
        print_option(&option_rows[i]);
    printf("%-*sends riv's options; what follows is PROGRAM\n", HELP_COLUMN, "  --");
    printf("\nOptions may be written with one dash or two, as '--cpu NAME' or '--cpu=NAME'. The first word after them\n"
           "is the program. Names in brackets are environment variables that say the same.\n");
    return output_finish();
}

int help_print_version(void) {
    printf("riv %s\n", RIVULET_VERSION);
    return output_finish();
}

int help_print_cpus(void) {
    for (size_t i = 0; i < cpu_name_count; i++) {
        struct isa isa;
        char err[MESSAGE_MAX], text[MESSAGE_MAX];
        if (!isa_parse(&isa, cpu_names[i], err, sizeof err))
            continue; /* a name that this build's instruction table does not have */
        isa_string(&isa, text, sizeof text);
        printf("%-10s %s%s\n", cpu_names[i], text, i == 0 ? " (default)" : "");
    }
    printf("or an ISA string such as rv64imafdc_zba_zbb\n");
    return output_finish();
}

int help_print_log_items(void) {
    for (size_t i = 0; i < log_item_count; i++)
        printf("%-10s %s\n", log_items[i].name, log_items[i].help);
    return output_finish();
}
