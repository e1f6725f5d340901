/* main.c: the program riv-boot, started by `riv boot`: runs a machine from a firmware, a kernel, a bare-metal program.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "boot.h"

enum { EXIT_USAGE = 2 };

static int run(const struct boot_config *c, char **argv) {
    char err[BOOT_ERROR_MAX];
    struct machine_parts *m = boot_create(c, err, sizeof err);
    if (!m) {
        fprintf(stderr, "riv: %s\n", err);
        return 1;
    }
    bool reset = false;
    int status = boot_run(m, &reset);
    boot_trace_end(reset, argv);
    boot_destroy(m);
    if (!reset)
        return status;
    execv("/proc/self/exe", argv); /* a new machine from the same command line */
    fprintf(stderr, "riv: cannot start again: %s\n", strerror(errno));
    return 1;
}

int main(int argc, char **argv) {
    static struct boot_config config, traced;
    char err[BOOT_ERROR_MAX], **again = calloc((size_t)argc + 1, sizeof *again);
    if (!again) {
        fprintf(stderr, "riv: out of memory\n");
        return 1;
    }
    memcpy(again, argv, (size_t)argc * sizeof *again);
    if (!boot_trace_options(&traced, &argc, argv, err, sizeof err) ||
        !boot_options(&config, argc, argv, err, sizeof err)) {
        fprintf(stderr, "riv: %s; try 'riv boot --help'\n", err);
        return EXIT_USAGE;
    }
    switch (config.action) {
    case BOOT_HELP:
        boot_print_help();
        return fflush(stdout) == 0 ? 0 : 1;
    case BOOT_VERSION:
        printf("riv boot %s\n", RIVULET_VERSION);
        return fflush(stdout) == 0 ? 0 : 1;
    case BOOT_LIST:
        return rom_list();
    case BOOT_RUN:
        break;
    }
    config.observer = traced.observer;
    config.image_loaded = traced.image_loaded;
    return run(&config, again);
}
