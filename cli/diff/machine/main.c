/* main.c: the program riv-diff-machine, which `riv diff` starts for rom:NAME and boot: a machine as riv boot makes it,
 * compared. */
#include <stdio.h>
#include <stdlib.h>

#include "../../boot/boot.h"
#include "machine.h"

static int fail(const char *message) {
    fprintf(stderr, "riv: %s\n", message);
    return DIFF_FAILED;
}

/* Testing: RIV_DIFF_PLANT=ADDRESS=BITS makes Unicorn see another instruction at the physical address. */
static void take_plant(void) {
    const char *text = getenv("RIV_DIFF_PLANT");
    char *end;
    if (!text)
        return;
    machine_lockstep.plant_address = strtoull(text, &end, 0);
    machine_lockstep.plant = *end == '=';
    if (machine_lockstep.plant)
        machine_lockstep.plant_bits = (uint32_t)strtoul(end + 1, NULL, 0);
}

int main(int argc, char **argv) {
    static struct boot_config config;
    char err[BOOT_ERROR_MAX];
    bool reset = false;
    if (!boot_options(&config, argc, argv, err, sizeof err))
        return fail(err);
    if (config.action != BOOT_RUN)
        return fail("that option is riv boot's, not riv diff's");
    if (config.harts > 1)
        return fail("riv diff compares machines with one hart");
    take_plant();
    machine_observer(&config.observer);
    if (config.display == DISPLAY_AUTO)
        config.display = DISPLAY_NONE;
    struct machine_parts *m = boot_create(&config, err, sizeof err);
    if (!m)
        return fail(err);
    boot_run(m, &reset);
    int status = machine_finish();
    boot_destroy(m);
    return status;
}
