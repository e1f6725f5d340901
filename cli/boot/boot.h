/* boot.h: what the files of riv-boot share.
 *
 *      argv ──boot_options──▶ struct boot_config ──machine_create──▶ board, images, harts ──machine_run──▶ exit status
 *
 * Exit statuses: the guest's; 1 something of ours failed; 2 the command line is wrong; 128 + n: ended by signal n.
 */
#ifndef CLI_BOOT_BOOT_H
#define CLI_BOOT_BOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../devices/display.h"
#include "../../devices/virt.h"
#include "../../translate/engine.h"

enum { BOOT_ERROR_MAX = 512, BOOT_DRIVES_MAX = 6 };

enum boot_action { BOOT_RUN, BOOT_HELP, BOOT_VERSION, BOOT_LIST };

struct boot_config {
    enum boot_action action;
    const char *image;  /* FILE or rom:NAME */
    const char *bios;   /* NULL: OpenSBI where there is a kernel, else none */
    const char *kernel, *initrd, *append;
    const char *flash[2];
    struct drive_config drives[BOOT_DRIVES_MAX];
    unsigned drive_count, disk_devices; /* disk_devices: -device options that name a drive */
    const char *serial; /* chardev; NULL: stdio */
    const char *signature;
    unsigned harts;
    uint64_t ram_bytes;
    const char *cpu; /* NULL: by the image */
    enum engine_kind engine;
    bool stats, icount, semihosting;
    unsigned hostile;
    bool net, console, entropy, gpu, keyboard, tablet;
    const char *console_to; /* chardev of the virtio console */
    struct net_config net_config;
    enum display_kind display;
    const char *screenshot;
    unsigned width, height; /* of the framebuffer */
    uint64_t frames;        /* end after so many; 0: never */
    struct observer observer; /* who is told what is executed; all zero: nobody */
    void (*image_loaded)(void *ctx, const char *path); /* NULL, or called with observer.ctx for each file with code */
};

/* False: one line in err (without "riv: "). */
bool boot_options(struct boot_config *c, int argc, char **argv, char *err, size_t n);
void boot_print_help(void);
/* One option as qemu-system-riscv64 writes it (without dashes), with its value. */
bool boot_qemu_drive(struct boot_config *c, const char *value, char *err, size_t n);
bool boot_qemu_device(struct boot_config *c, const char *value, char *err, size_t n);
bool boot_qemu_netdev(struct boot_config *c, const char *value, char *err, size_t n);
/* A size: bytes with suffix k, M or G; without one, MiB. */
bool boot_parse_size(const char *text, uint64_t *bytes);

/* trace.c: takes the options of riv trace off argv, where riv trace has started this program, and gives c its observer.
 * False: one line in err. */
bool boot_trace_options(struct boot_config *c, int *argc, char **argv, char *err, size_t n);
/* Before the program is left, or argv, as it was given, is executed anew: the trace's file is complete. */
void boot_trace_end(bool reset, char **argv);

/* roms.c: the path of a built-in ROM; false: no such. */
bool rom_path(const char *name, char *path, size_t n);
/* Whether the ROM at path draws. */
bool rom_draws(const char *path);
int rom_list(void);

/* What an image has told about itself. */
struct image_info {
    uint64_t entry, first, last; /* addresses used, both included */
    unsigned xlen;               /* 0: a raw binary does not say */
    uint64_t tohost, fromhost, signature_start, signature_end; /* symbols; 0: none */
};
enum { IMAGE_RANGES_MAX = 32 };
/* Images loaded so far, so that none overlaps another. */
struct image_set {
    struct {
        uint64_t first, last;
        const char *path;
    } ranges[IMAGE_RANGES_MAX];
    unsigned count;
};
/* The width of an ELF file's registers; 0: not an ELF file or unreadable. */
unsigned image_xlen(const char *path);
/* Loads an ELF file at its physical addresses, anything else at address. False: one line in err. */
bool image_load(struct board *b, struct image_set *set, const char *path, uint64_t address, struct image_info *info,
                char *err, size_t n);
/* Loads path so that it ends at or below end, on a page boundary; *start and *size say where. */
bool image_load_below(struct board *b, struct image_set *set, const char *path, uint64_t end, uint64_t *start,
                      uint64_t *size, char *err, size_t n);
/* Notes [first, first + size) as used by what; false: it overlaps. */
bool image_reserve(struct image_set *set, uint64_t first, uint64_t size, const char *what, char *err, size_t n);
/* firmware.c: where the firmware loaded at first has been built to put the device tree; 0: where the board has it. */
uint64_t firmware_tree(const struct board *b, uint64_t first);
/* Writes [start, end) as 4-byte words in hexadecimal, one a line. */
bool signature_write(const struct board *b, const char *path, uint64_t start, uint64_t end, char *err, size_t n);

struct machine_parts;
/* NULL: one line in err. */
struct machine_parts *boot_create(const struct boot_config *c, char *err, size_t n);
/* Runs until the machine ends; *reset: it asked to start again. Returns the exit status. */
int boot_run(struct machine_parts *m, bool *reset);
void boot_destroy(struct machine_parts *m);

#endif
