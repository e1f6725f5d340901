/* subcommand.c: `riv WORD ...`: riv's own subcommands, and programs named riv-WORD, found as git finds its own.
 *
 * A word is a subcommand only as the very first argument and without a '/', so a guest program of the same name is run
 * as `riv ./WORD` or `riv -- WORD`.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static int help_run(int argc, char **argv) {
    if (argc > 1) {
        fprintf(stderr, "riv: help takes no arguments; try 'riv --help'\n");
        return EXIT_USAGE;
    }
    return help_print();
}

static const struct {
    const char *name;
    int (*run)(int argc, char **argv); /* NULL: a program of its own, which a build may lack */
} subcommands[] = {
    {"info", info_run}, {"help", help_run}, {"boot", NULL}, {"diff", NULL}, {"trace", NULL}, {"fuzz", NULL},
};
enum { SUBCOMMAND_COUNT = sizeof subcommands / sizeof *subcommands };

bool self_path(const char *argv0, char *path, size_t n) {
    ssize_t length = readlink("/proc/self/exe", path, n - 1);
    if (length > 0 && (size_t)length < n - 1) {
        path[length] = 0;
        return true;
    }
    if (!argv0 || !strchr(argv0, '/'))
        return false;
    char *real = realpath(argv0, NULL);
    bool fits = real && strlen(real) < n;
    if (fits)
        strcpy(path, real);
    free(real);
    return fits;
}

/* The program for word: beside riv in a build tree, in ../libexec/riv once installed. */
static bool subcommand_find(const char *self, const char *word, char *path, size_t n) {
    static const char *const places[] = {"", "../libexec/riv/"};
    const char *slash = strrchr(self, '/');
    if (!slash || !*word || strchr(word, '/'))
        return false;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        int length = snprintf(path, n, "%.*s%sriv-%s", (int)(slash + 1 - self), self, places[i], word);
        if (length > 0 && (size_t)length < n && access(path, X_OK) == 0)
            return true;
    }
    return false;
}

static int subcommand_index(const char *word) {
    int i = 0;
    while (i < SUBCOMMAND_COUNT && strcmp(subcommands[i].name, word) != 0)
        i++;
    return i;
}

bool subcommand_exists(const char *self, const char *word) {
    char path[SELF_PATH_MAX + 64];
    return subcommand_index(word) < SUBCOMMAND_COUNT || subcommand_find(self, word, path, sizeof path);
}

int subcommand_run(const char *self, int argc, char **argv) {
    int i = subcommand_index(argv[0]);
    if (i < SUBCOMMAND_COUNT && subcommands[i].run)
        return subcommands[i].run(argc, argv);
    char path[SELF_PATH_MAX + 64];
    if (!subcommand_find(self, argv[0], path, sizeof path)) {
        fprintf(stderr, "riv: '%s' is not part of this build\n", argv[0]);
        return EXIT_USAGE;
    }
    argv[0] = path;
    execv(path, argv);
    fprintf(stderr, "riv: cannot run %s: %s\n", path, strerror(errno));
    return 126;
}
