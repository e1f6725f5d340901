/* qemu_options.c: the values of -drive, -device and -netdev, lists of KEY=VALUE as qemu-system-riscv64 has them. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot.h"

/* Takes the next item off a list. False: the list is at its end. The strings live as long as the process. */
static bool next_item(char **list, const char **key, const char **value) {
    char *item;
    do {
        item = strsep(list, ",");
    } while (item && !*item);
    if (!item)
        return false;
    char *equals = strchr(item, '=');
    if (equals)
        *equals = 0;
    *key = item;
    *value = equals ? equals + 1 : NULL;
    return true;
}

static bool is_on(const char *value) { return !value || strcmp(value, "on") == 0 || strcmp(value, "true") == 0; }

bool boot_qemu_drive(struct boot_config *c, const char *value, char *err, size_t n) {
    char *list = strdup(value);
    const char *key, *v;
    struct drive_config d = {0};
    while (list && next_item(&list, &key, &v)) {
        if (!v && !d.path) {
            d.path = key;
        } else if (strcmp(key, "file") == 0 && v) {
            d.path = v;
        } else if (strcmp(key, "snapshot") == 0) {
            d.snapshot = is_on(v);
        } else if (strcmp(key, "readonly") == 0 || strcmp(key, "read-only") == 0) {
            d.read_only = is_on(v);
        } else if (strcmp(key, "format") == 0 && (!v || strcmp(v, "raw") != 0)) {
            snprintf(err, n, "only raw images are supported, not format=%s", v ? v : "");
            return false;
        } else if (strcmp(key, "if") == 0 && v && strcmp(v, "pflash") == 0) {
            snprintf(err, n, "flash images are given with --pflash");
            return false;
        } else if (strcmp(key, "format") != 0 && strcmp(key, "if") != 0 && strcmp(key, "id") != 0 &&
                   strcmp(key, "cache") != 0) {
            snprintf(err, n, "unknown word '%s' in --drive (file=, snapshot=, readonly=, format=raw)", key);
            return false;
        }
    }
    if (!d.path || !*d.path) {
        snprintf(err, n, "--drive names no file");
        return false;
    }
    if (c->drive_count == BOOT_DRIVES_MAX) {
        snprintf(err, n, "at most %d drives", BOOT_DRIVES_MAX);
        return false;
    }
    c->drives[c->drive_count++] = d;
    return true;
}

bool boot_qemu_device(struct boot_config *c, const char *value, char *err, size_t n) {
    static const char *const names[] = {"virtio-blk",      "virtio-net",    "virtio-rng",   "virtio-gpu",
                                        "virtio-keyboard", "virtio-tablet", "virtio-mouse", "virtio-serial"};
    size_t length = strcspn(value, ",");
    unsigned which = 0;
    for (; which < sizeof names / sizeof *names; which++) {
        size_t size = strlen(names[which]);
        if (strncmp(value, names[which], size) == 0 && length == size + strlen("-device") &&
            strncmp(value + size, "-device", strlen("-device")) == 0)
            break;
    }
    switch (which) {
    case 0: /* the drive it names is there already */
        c->disk_devices++;
        return true;
    case 1:
        return c->net = true;
    case 2:
        return c->entropy = true;
    case 3:
        return c->gpu = true;
    case 4:
        return c->keyboard = true;
    case 5:
    case 6:
        return c->tablet = true;
    }
    snprintf(err, n, "no device is called '%.*s' (virtio-{blk,net,rng,gpu,keyboard,tablet}-device)", (int)length,
             value);
    return false;
}

/* ADDRESS:PORT, either part of which may be empty. */
static bool parse_end(char *text, uint32_t *address, uint16_t *port) {
    char *colon = strrchr(text, ':'), *end;
    if (!colon)
        return false;
    *colon = 0;
    struct in_addr a = {0};
    if (*text && inet_pton(AF_INET, text, &a) != 1)
        return false;
    unsigned long value = strtoul(colon + 1, &end, 10);
    *address = a.s_addr;
    *port = (uint16_t)value;
    return *end == 0 && value > 0 && value < 65536;
}

static bool parse_forward(const char *value, struct net_forward *f) {
    char text[128];
    if (!value || strlen(value) >= sizeof text)
        return false;
    strcpy(text, value);
    char *protocol_end = strchr(text, ':'), *dash = strchr(text, '-');
    if (!protocol_end || !dash || dash < protocol_end)
        return false;
    *protocol_end = *dash = 0;
    f->udp = strcmp(text, "udp") == 0;
    return (f->udp || strcmp(text, "tcp") == 0 || !*text) &&
           parse_end(protocol_end + 1, &f->host_address, &f->host_port) &&
           parse_end(dash + 1, &f->guest_address, &f->guest_port);
}

bool boot_qemu_netdev(struct boot_config *c, const char *value, char *err, size_t n) {
    char *list = strdup(value);
    const char *key, *v;
    struct net_config *net = &c->net_config;
    if (strncmp(value, "user", 4) != 0 || (value[4] && value[4] != ',')) {
        snprintf(err, n, "the only network is user, not '%s'", value);
        return false;
    }
    while (list && next_item(&list, &key, &v)) {
        if (strcmp(key, "restrict") == 0) {
            net->restricted = is_on(v);
        } else if (strcmp(key, "hostfwd") == 0) {
            if (net->forward_count == NET_FORWARDS_MAX || !parse_forward(v, &net->forwards[net->forward_count])) {
                snprintf(err, n, "hostfwd=%s: expected tcp:[ADDRESS]:PORT-[ADDRESS]:PORT", v ? v : "");
                return false;
            }
            net->forward_count++;
        } else if (strcmp(key, "user") != 0 && strcmp(key, "id") != 0) {
            snprintf(err, n, "unknown word '%s' in --netdev (user, hostfwd=, restrict=)", key);
            return false;
        }
    }
    return c->net = true;
}
