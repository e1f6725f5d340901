/* options.c: the command line of riv boot: one table for parsing and help. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot.h"

struct option {
    const char *name;  /* one dash or two before it */
    const char *alias; /* another name or NULL */
    const char *arg;   /* NULL: takes no value */
    bool (*apply)(struct boot_config *c, const char *value, char *err, size_t n);
    const char *help; /* NULL: accepted as qemu-system-riscv64 has it, not listed */
};

#define SETS_TEXT(field_)                                                                                              \
    static bool set_##field_(struct boot_config *c, const char *value, char *err, size_t n) {                          \
        c->field_ = value;                                                                                             \
        return true;                                                                                                   \
    }
SETS_TEXT(bios)
SETS_TEXT(kernel)
SETS_TEXT(initrd)
SETS_TEXT(append)
SETS_TEXT(serial)
SETS_TEXT(cpu)
SETS_TEXT(screenshot)
SETS_TEXT(signature)
#undef SETS_TEXT

static bool number(const char *text, uint64_t low, uint64_t high, uint64_t *value) {
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    *value = strtoull(text, &end, 10);
    return *end == 0 && *value >= low && *value <= high;
}

static bool set_smp(struct boot_config *c, const char *value, char *err, size_t n) {
    uint64_t harts;
    const char *text = strncmp(value, "cpus=", 5) == 0 ? value + 5 : value;
    if (!number(text, 1, BOARD_HARTS_MAX, &harts)) {
        snprintf(err, n, "--smp takes 1 to %d harts, not '%s'", BOARD_HARTS_MAX, value);
        return false;
    }
    c->harts = (unsigned)harts;
    return true;
}

bool boot_parse_size(const char *text, uint64_t *bytes) {
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    unsigned long long value = strtoull(text, &end, 10);
    unsigned shift = 20;
    if (*end) {
        const char *suffix = "kKmMgG", *at = strchr(suffix, *end);
        if (!at || end[1])
            return false;
        shift = 10 * ((unsigned)(at - suffix) / 2 + 1);
    }
    *bytes = value << shift;
    return value > 0 && *bytes >> shift == value;
}

static bool set_memory(struct boot_config *c, const char *value, char *err, size_t n) {
    const char *text = strncmp(value, "size=", 5) == 0 ? value + 5 : value;
    if (!boot_parse_size(text, &c->ram_bytes) || c->ram_bytes % 4096 || c->ram_bytes < 1 << 20 ||
        c->ram_bytes > UINT64_C(1) << 38) {
        snprintf(err, n, "-m takes 1M to 256G, whole pages, not '%s'", value);
        return false;
    }
    return true;
}

static bool set_engine(struct boot_config *c, const char *value, char *err, size_t n) {
    static const char *const names[] = {[ENGINE_AUTO] = "auto", [ENGINE_INTERP] = "interp", [ENGINE_JIT] = "jit"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(value, names[i]) == 0) {
            c->engine = i;
            return true;
        }
    snprintf(err, n, "no engine is called '%s' (auto, interp, jit)", value);
    return false;
}

static bool set_display(struct boot_config *c, const char *value, char *err, size_t n) {
    if (strcmp(value, "none") == 0)
        c->display = DISPLAY_NONE;
    else if (strncmp(value, "sdl", 3) == 0 && (value[3] == 0 || value[3] == ','))
        c->display = DISPLAY_SDL;
    else
        snprintf(err, n, "no display is called '%s' (sdl, none)", value);
    return strcmp(value, "none") == 0 || c->display == DISPLAY_SDL;
}

static bool set_frames(struct boot_config *c, const char *value, char *err, size_t n) {
    if (number(value, 1, UINT32_MAX, &c->frames))
        return true;
    snprintf(err, n, "--frames takes a number, not '%s'", value);
    return false;
}

static bool set_resolution(struct boot_config *c, const char *value, char *err, size_t n) {
    char rest;
    if (sscanf(value, "%4ux%4u%c", &c->width, &c->height, &rest) == 2 && c->width >= 16 && c->height >= 16 &&
        c->width <= 4096 && c->height <= 4096)
        return true;
    snprintf(err, n, "--resolution takes WIDTHxHEIGHT, 16 to 4096 each, not '%s'", value);
    return false;
}

static bool set_flash(struct boot_config *c, const char *value, char *err, size_t n) {
    unsigned bank = c->flash[0] ? 1 : 0;
    if (c->flash[bank]) {
        snprintf(err, n, "there are two flash banks");
        return false;
    }
    c->flash[bank] = value;
    return true;
}

static bool set_nographic(struct boot_config *c, const char *value, char *err, size_t n) {
    c->display = DISPLAY_NONE;
    return true;
}

static bool set_machine(struct boot_config *c, const char *value, char *err, size_t n) {
    if (strncmp(value, "virt", 4) == 0 && (value[4] == 0 || value[4] == ','))
        return true;
    snprintf(err, n, "the only machine is virt, not '%s'", value);
    return false;
}

static bool set_stats(struct boot_config *c, const char *value, char *err, size_t n) { return c->stats = true; }

static bool set_icount(struct boot_config *c, const char *value, char *err, size_t n) { return c->icount = true; }

static bool set_semihosting(struct boot_config *c, const char *value, char *err, size_t n) {
    return c->semihosting = true;
}

static bool set_console(struct boot_config *c, const char *value, char *err, size_t n) {
    c->console_to = value;
    return c->console = true;
}

static bool set_monitor(struct boot_config *c, const char *value, char *err, size_t n) {
    if (strcmp(value, "none") == 0 || strcmp(value, "null") == 0)
        return true;
    snprintf(err, n, "there is no monitor");
    return false;
}

static bool ask_help(struct boot_config *c, const char *value, char *err, size_t n) {
    c->action = BOOT_HELP;
    return true;
}

static bool ask_version(struct boot_config *c, const char *value, char *err, size_t n) {
    c->action = BOOT_VERSION;
    return true;
}

static bool ask_list(struct boot_config *c, const char *value, char *err, size_t n) {
    c->action = BOOT_LIST;
    return true;
}

static const struct option options[] = {
    {"bios", NULL, "F", set_bios, "firmware: an ELF file, or a binary for the start of RAM; none: run FILE in M mode"},
    {"kernel", NULL, "K", set_kernel, "what the firmware starts in S mode: a Linux Image, ELF file or binary"},
    {"initrd", NULL, "I", set_initrd, "initial RAM disk for Linux"},
    {"append", NULL, "A", set_append, "command line for Linux"},
    {"drive", NULL, "D", boot_qemu_drive, "raw disk image on virtio: PATH[,snapshot=on][,readonly=on]"},
    {"netdev", "net", "N", boot_qemu_netdev, "network through the host: user[,hostfwd=tcp::2222-:22][,restrict=on]"},
    {"device", NULL, "X", boot_qemu_device,
     "one more device: virtio-rng-device, virtio-gpu-device, virtio-keyboard-device, virtio-tablet-device"},
    {"console", NULL, "TO", set_console, "a virtio console, leading to TO (see --serial)"},
    {"pflash", NULL, "F", set_flash, "image of the next flash bank; the guest's changes are written to it"},
    {"serial", NULL, "TO", set_serial, "where the serial port leads: stdio, file:PATH, pty, none"},
    {"m", "memory", "SIZE", set_memory, "RAM in MiB, or with suffix k, M, G (512M)"},
    {"smp", NULL, "N", set_smp, "number of harts (1)"},
    {"cpu", NULL, "ISA", set_cpu,
     "instruction set: max, rv64gc, rv32max, an ISA string (max, or what an ELF file needs)"},
    {"engine", NULL, "E", set_engine, "auto, interp or jit (auto)"},
    {"display", NULL, "D", set_display, "sdl: a window; none (a window only for ROMs that draw)"},
    {"resolution", NULL, "WxH", set_resolution, "size of the framebuffer (1024x768)"},
    {"screenshot", NULL, "FILE", set_screenshot, "write the picture as PNG at the end"},
    {"frames", NULL, "N", set_frames, "end after N changed pictures"},
    {"signature", NULL, "FILE", set_signature, "write memory between begin_signature and end_signature at the end"},
    {"icount", NULL, NULL, set_icount, "time is the number of instructions: same input, same run (one hart)"},
    {"semihosting", NULL, NULL, set_semihosting, "semihosting under firmware, too (a FILE in M mode always has it)"},
    {"stats", NULL, NULL, set_stats, "print the engine's counters at the end"},
    {"list", NULL, NULL, ask_list, "show the ROMs that come with riv"},
    {"help", "h", NULL, ask_help, "show this"},
    {"version", NULL, NULL, ask_version, "show the version"},
    {"M", "machine", "virt", set_machine, NULL},
    {"nographic", NULL, NULL, set_nographic, NULL},
    {"monitor", NULL, "M", set_monitor, NULL},
};
enum { OPTION_COUNT = sizeof options / sizeof *options };

void boot_print_help(void) {
    printf("Usage: riv boot [OPTION]... FILE|rom:NAME\n"
           "       riv boot [OPTION]... --kernel K [--initrd I] [--append A] [--drive D]...\n"
           "Runs a bare-metal program, or firmware and an operating system, on the board QEMU calls virt.\n\n");
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        if (!options[i].help)
            continue;
        char left[64];
        snprintf(left, sizeof left, "%s%s%s%s", strlen(options[i].name) == 1 ? "-" : "--", options[i].name,
                 options[i].arg ? " " : "", options[i].arg ? options[i].arg : "");
        printf("  %-20s  %s\n", left, options[i].help);
    }
    printf("\nOn a terminal, Ctrl-A x leaves and Ctrl-A h shows the keys. The names of qemu-system-riscv64's options\n"
           "(-M virt -kernel -drive file=F,format=raw -netdev user -nographic ...) are accepted as well.\n");
}

static const struct option *find(const char *name, size_t length) {
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        const char *names[] = {options[i].name, options[i].alias};
        for (unsigned k = 0; k < 2; k++)
            if (names[k] && strlen(names[k]) == length && memcmp(names[k], name, length) == 0)
                return &options[i];
    }
    return NULL;
}

/* Applies argv[*i], an option, and steps over its value. */
static bool apply(struct boot_config *c, int argc, char **argv, int *i, char *err, size_t n) {
    const char *name = argv[*i] + 1 + (argv[*i][1] == '-');
    size_t length = strcspn(name, "=");
    const struct option *o = find(name, length);
    const char *value = NULL;
    if (!o) {
        snprintf(err, n, "unknown option '%s'", argv[*i]);
        return false;
    }
    if (name[length] == '=')
        value = name + length + 1;
    if (!o->arg && value) {
        snprintf(err, n, "option --%s takes no value", o->name);
        return false;
    }
    if (o->arg && !value && *i + 1 == argc) {
        snprintf(err, n, "option --%s needs a value", o->name);
        return false;
    }
    if (o->arg && !value)
        value = argv[++*i];
    return o->apply(c, value, err, n);
}

bool boot_options(struct boot_config *c, int argc, char **argv, char *err, size_t n) {
    *c = (struct boot_config){.harts = 1, .ram_bytes = 512 << 20, .width = 1024, .height = 768, .entropy = true};
    bool only_files = false;
    for (int i = 1; i < argc; i++) {
        if (!only_files && strcmp(argv[i], "--") == 0) {
            only_files = true;
        } else if (!only_files && argv[i][0] == '-' && argv[i][1]) {
            if (!apply(c, argc, argv, &i, err, n))
                return false;
        } else if (c->image) {
            snprintf(err, n, "one program at a time: '%s' and '%s'", c->image, argv[i]);
            return false;
        } else {
            c->image = argv[i];
        }
    }
    if (c->image && c->kernel) {
        snprintf(err, n, "both a program (%s) and --kernel", c->image);
        return false;
    }
    if (c->icount && (c->harts > 1 || c->net)) {
        snprintf(err, n, "--icount goes with one hart, without network: drop %s", c->harts > 1 ? "--smp" : "--netdev");
        return false;
    }
    if (c->action == BOOT_RUN && !c->image && !c->kernel && !c->bios) {
        snprintf(err, n, "nothing to run");
        return false;
    }
    return true;
}
