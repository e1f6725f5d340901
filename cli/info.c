/* info.c: riv info: what this build can do on this machine.  Everything shown is found out when asked, not assumed. */
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../codecache/codecache.h"
#include "../translate/engine.h"
#include "cli.h"

enum { PROBE_BYTES = 1 << 20 };

static void print_field(const char *name, const char *value) { printf("%-18s %s\n", name, value); }

int info_run(int argc, char **argv) {
    (void)argv;
    if (argc > 1) {
        fprintf(stderr, "riv: info takes no arguments; try 'riv --help'\n");
        return EXIT_USAGE;
    }
    char text[MESSAGE_MAX], err[MESSAGE_MAX] = "";
    print_field("riv", RIVULET_VERSION);

    struct utsname host;
    if (uname(&host) == 0) {
        snprintf(text, sizeof text, "%s %s %s", host.sysname, host.release, host.machine);
        print_field("host", text);
    }
    print_field("host features", engine_host_features(text, sizeof text));
    snprintf(text, sizeof text, "%ld bytes", sysconf(_SC_PAGESIZE));
    print_field("page size", text);

    struct codecache *cc = cc_create(PROBE_BYTES, 0, err, sizeof err);
    print_field("executable memory", cc ? "yes" : err);
    print_field("engines", cc ? "jit interp" : "interp");
    if (cc)
        cc_destroy(cc);

    for (size_t i = 0; i < cpu_name_count; i++) {
        struct isa isa;
        if (!isa_parse(&isa, cpu_names[i], err, sizeof err))
            continue;
        int n = snprintf(text, sizeof text, "%s: ", cpu_names[i]);
        isa_string(&isa, text + n, sizeof text - (size_t)n);
        print_field(i == 0 ? "guest cpu" : "", text);
    }
    return output_finish();
}
