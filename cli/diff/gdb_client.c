/* gdb_client.c: packets, and the few requests of the gdb remote protocol that riv diff makes.
 *
 *      $g#67  ─▶          '+' acknowledges a packet, '-' asks for it again;
 *          ◀─ +$0000...#5a    the two digits are the sum of what is between $ and #
 *      +      ─▶
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "gdb_client.h"

enum { ANSWER_MS = 20000, PACKET_MAX = 4096, XML_MAX = 1 << 16 };

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool put(struct gdb *g, const char *bytes, size_t n) {
    while (n) {
        ssize_t done = send(g->fd, bytes, n, MSG_NOSIGNAL);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        bytes += done;
        n -= (size_t)done;
    }
    return true;
}

static bool put_packet(struct gdb *g, const char *text) {
    char packet[PACKET_MAX + 8];
    unsigned sum = 0, ack = g->acknowledge;
    size_t n = strlen(text);
    if (n > PACKET_MAX)
        return false;
    for (size_t i = 0; i < n; i++)
        sum += (unsigned char)text[i];
    snprintf(packet, sizeof packet, "%s$%s#%02x", ack ? "+" : "", text, sum & 255);
    g->acknowledge = false;
    return put(g, packet, n + 4 + ack);
}

/* More bytes behind those in g->in: 1, 0 where the time is up, -1 where none will come. */
static int take_more(struct gdb *g, int64_t until) {
    int64_t left = until - now_ms();
    struct pollfd p = {.fd = g->fd, .events = POLLIN};
    if (g->in_count == sizeof g->in)
        return -1;
    int ready = poll(&p, 1, left > 0 ? (int)left : 0);
    if (ready == 0)
        return 0;
    ssize_t got = ready < 0 ? ready : recv(g->fd, g->in + g->in_count, sizeof g->in - g->in_count, 0);
    if (got < 0 && errno == EINTR)
        return 1;
    if (got <= 0)
        return -1;
    g->in_count += (size_t)got;
    return 1;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 32;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void drop(struct gdb *g, size_t n) { memmove(g->in, g->in + n, g->in_count -= n); }

/* The next packet's inside as a string: 1, 0 or -1 as above. */
static int take_packet(struct gdb *g, char *text, size_t room, int milliseconds) {
    int64_t until = now_ms() + milliseconds;
    for (;;) {
        char *start = memchr(g->in, '$', g->in_count);
        drop(g, start ? (size_t)(start - g->in) : g->in_count); /* acknowledgements */
        char *end = g->in_count ? memchr(g->in, '#', g->in_count) : NULL;
        if (!end || g->in + g->in_count - end < 3) {
            int more = take_more(g, until);
            if (more <= 0)
                return more;
            continue;
        }
        size_t n = 0;
        unsigned sum = 0;
        for (char *c = g->in + 1; c < end; c++) {
            char byte = *c;
            sum += (unsigned char)byte;
            if (byte == '}' && c + 1 < end) { /* the next one is escaped */
                sum += (unsigned char)*++c;
                byte = *c ^ 0x20;
            }
            if (n + 1 < room)
                text[n++] = byte;
        }
        text[n] = 0;
        bool good = (int)(sum & 255) == hex_digit(end[1]) * 16 + hex_digit(end[2]);
        drop(g, (size_t)(end + 3 - g->in));
        g->acknowledge = good; /* together with the next request: the other side wakes up once */
        if (good)
            return 1;
        if (!put(g, "-", 1))
            return -1;
    }
}

static bool ask(struct gdb *g, const char *request, char *answer, size_t room) {
    return put_packet(g, request) && take_packet(g, answer, room, ANSWER_MS) == 1;
}

/* ---- registers ---- */

/* Bytes as hex, the least significant first; NULL: they are not there. */
static const char *take_value(const char *hex, unsigned bytes, uint64_t *value) {
    *value = 0;
    for (unsigned i = 0; i < bytes; i++, hex += 2) {
        int high = hex_digit(hex[0]), low = high < 0 ? -1 : hex_digit(hex[1]);
        if (low < 0)
            return NULL;
        *value |= (uint64_t)(high * 16 + low) << i * 8;
    }
    return hex;
}

static char *put_value(char *to, uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i++)
        to += sprintf(to, "%02x", (unsigned)(value >> i * 8 & 255));
    return to;
}

static uint64_t extended(const struct gdb *g, uint64_t v) { return g->xlen == 32 ? (uint64_t)(int64_t)(int32_t)v : v; }

bool gdb_read_core(struct gdb *g, uint64_t x[32], uint64_t *pc) {
    char answer[PACKET_MAX];
    if (!ask(g, "g", answer, sizeof answer))
        return false;
    const char *at = answer;
    for (unsigned i = 0; i <= 32 && at; i++) {
        uint64_t v;
        at = take_value(at, g->xlen / 8, &v);
        if (i < 32)
            x[i] = extended(g, v);
        else
            *pc = v;
    }
    return at != NULL;
}

bool gdb_write_core(struct gdb *g, const uint64_t x[32], uint64_t pc) {
    char request[PACKET_MAX], answer[64], *to = request;
    *to++ = 'G';
    for (unsigned i = 0; i <= 32; i++)
        to = put_value(to, i < 32 ? x[i] : pc, g->xlen / 8);
    *to = 0;
    return ask(g, request, answer, sizeof answer) && strcmp(answer, "OK") == 0;
}

bool gdb_read(struct gdb *g, unsigned number, uint64_t *value) {
    char request[32], answer[PACKET_MAX];
    snprintf(request, sizeof request, "p%x", number);
    if (!ask(g, request, answer, sizeof answer))
        return false;
    size_t bytes = strlen(answer) / 2;
    return bytes && bytes <= 8 && take_value(answer, (unsigned)bytes, value);
}

bool gdb_write(struct gdb *g, unsigned number, uint64_t value, unsigned bytes) {
    char request[64], answer[64];
    int n = snprintf(request, sizeof request, "P%x=", number);
    *put_value(request + n, value, bytes) = 0;
    return ask(g, request, answer, sizeof answer) && strcmp(answer, "OK") == 0;
}

bool gdb_breakpoint(struct gdb *g, bool set, uint64_t address) {
    char request[64], answer[64];
    snprintf(request, sizeof request, "%c0,%llx,2", set ? 'Z' : 'z', (unsigned long long)address);
    return ask(g, request, answer, sizeof answer) && strcmp(answer, "OK") == 0;
}

int gdb_resume(struct gdb *g, bool step, int milliseconds) {
    char answer[256];
    if (!put_packet(g, step ? "s" : "c"))
        return GDB_GONE;
    int got = take_packet(g, answer, sizeof answer, milliseconds);
    if (got <= 0)
        return got == 0 ? GDB_RUNNING : GDB_GONE;
    int high = answer[0] == 'T' || answer[0] == 'S' ? hex_digit(answer[1]) : -1,
        low = high < 0 ? -1 : hex_digit(answer[2]);
    return low < 0 ? GDB_GONE : high * 16 + low;
}

/* ---- which registers there are ---- */

/* Appends a file of the target's description. */
static bool take_xml(struct gdb *g, const char *name, char *text, size_t room) {
    char request[256], answer[PACKET_MAX];
    size_t n = 0;
    do {
        snprintf(request, sizeof request, "qXfer:features:read:%s:%zx,%x", name, n, PACKET_MAX / 4);
        if (!ask(g, request, answer, sizeof answer) || (answer[0] != 'm' && answer[0] != 'l'))
            return false;
        size_t more = strlen(answer + 1);
        if (n + more + 1 > room || (answer[0] == 'm' && !more))
            return false;
        memcpy(text + n, answer + 1, more + 1);
        n += more;
    } while (answer[0] == 'm');
    return true;
}

/* The value of an attribute of the element at tag, or false. */
static bool attribute(const char *tag, const char *name, char *value, size_t room) {
    char wanted[32];
    const char *end = strchr(tag, '>');
    int n = snprintf(wanted, sizeof wanted, " %s=\"", name);
    const char *at = strstr(tag, wanted);
    if (!at || !end || at > end)
        return false;
    at += n;
    size_t length = strcspn(at, "\"");
    if (length >= room)
        return false;
    memcpy(value, at, length);
    value[length] = 0;
    return true;
}

/* Registers are numbered in the order in which they are described, unless they say their number. */
static void number_registers(struct gdb *g, const char *xml, unsigned *next, bool *core) {
    char name[32], text[32];
    for (const char *at = strstr(xml, "<reg "); at; at = strstr(at + 1, "<reg ")) {
        if (!attribute(at, "name", name, sizeof name))
            continue;
        if (attribute(at, "regnum", text, sizeof text))
            *next = (unsigned)strtoul(text, NULL, 10);
        bool wide = attribute(at, "bitsize", text, sizeof text) && strtoul(text, NULL, 10) == g->xlen;
        if (strcmp(name, "pc") == 0)
            *core = *next == 32 && wide;
        else if (strcmp(name, "ft0") == 0)
            g->f0 = strcmp(text, "64") == 0 ? *next : 0;
        else if (strcmp(name, "fflags") == 0)
            g->fflags = *next;
        else if (strcmp(name, "frm") == 0)
            g->frm = *next;
        ++*next;
    }
}

static bool find_registers(struct gdb *g) {
    char *target = calloc(2, XML_MAX), *part = target ? target + XML_MAX : NULL, name[128];
    unsigned next = 0;
    bool core = false, good = target && take_xml(g, "target.xml", target, XML_MAX);
    if (good)
        number_registers(g, target, &next, &core);
    for (const char *at = good ? strstr(target, "<xi:include ") : NULL; at; at = strstr(at + 1, "<xi:include ")) {
        good = good && attribute(at, "href", name, sizeof name) && take_xml(g, name, part, XML_MAX);
        if (good)
            number_registers(g, part, &next, &core);
    }
    free(target);
    return good && core && g->f0 && g->fflags && g->frm;
}

bool gdb_open(struct gdb *g, int fd, unsigned xlen, char *err, size_t n) {
    char answer[PACKET_MAX];
    *g = (struct gdb){.fd = fd, .xlen = xlen};
    if (!ask(g, "qSupported:xmlRegisters=riscv", answer, sizeof answer)) {
        snprintf(err, n, "its gdb stub does not answer");
        return false;
    }
    if (!strstr(answer, "qXfer:features:read+") || !find_registers(g)) {
        snprintf(err, n, "its gdb stub does not describe a RISC-V hart of %u bits with f registers", xlen);
        return false;
    }
    return true;
}
