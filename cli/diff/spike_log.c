/* spike_log.c: a commit log as the reference: what Spike's --log-commits or `riv trace --format spike` wrote.
 *
 *      core   0: 0 0x0000000000010078 (0x0005b603) x12 0x3ff0000000000000 mem 0x0000000000011170
 *
 * Only lines of core 0 in user mode count.  Each is what one instruction did: where it was, its encoding, the registers
 * and CSRs it wrote, its stores (those with a value behind the address).  Registers that a line does not name keep
 * their values.  System calls leave no line; what they change is taken over from riv.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "diff.h"

enum { LINE_STORES = 16 };

struct commit {
    uint64_t pc, bits;
    struct {
        char file; /* x, f or c */
        unsigned number;
        uint64_t value;
    } writes[8];
    unsigned write_count;
    struct {
        uint64_t address, value;
        unsigned size;
    } stores[LINE_STORES];
    unsigned store_count;
};

static struct {
    const char *path;
    FILE *file;
    char *line;
    size_t room;
    uint64_t number; /* of the line, from 1 */
    struct state now;
    struct commit next;
    bool have_next;
} log_;

void spike_log_name(const char *path) { log_.path = path; }

/* 0x and digits at *at, which goes behind them; *digits: how many. */
static bool take_hex(char **at, uint64_t *value, unsigned *digits) {
    char *p = *at;
    while (*p == ' ')
        p++;
    if (p[0] != '0' || p[1] != 'x')
        return false;
    char *end;
    *value = strtoull(p, &end, 16);
    *digits = (unsigned)(end - p - 2);
    *at = end;
    return *digits != 0;
}

/* False: not a line that counts. */
static bool parse(char *p, struct commit *c) {
    unsigned core, privilege, digits;
    int n = 0;
    memset(c, 0, sizeof *c);
    if (sscanf(p, "core %u: %u %n", &core, &privilege, &n) != 2 || !n || core != 0 || privilege != 0)
        return false;
    p += n;
    if (!take_hex(&p, &c->pc, &digits) || strncmp(p, " (", 2) != 0)
        return false;
    p += 2;
    if (!take_hex(&p, &c->bits, &digits) || *p++ != ')')
        return false;
    for (;;) {
        while (*p == ' ' || *p == '\n' || *p == '\r')
            p++;
        if (!*p)
            return true;
        if (strncmp(p, "mem ", 4) == 0) {
            uint64_t address, value;
            p += 4;
            if (!take_hex(&p, &address, &digits))
                return false;
            if (take_hex(&p, &value, &digits) && c->store_count < LINE_STORES) {
                c->stores[c->store_count].address = address;
                c->stores[c->store_count].value = value;
                c->stores[c->store_count++].size = digits / 2;
            }
            continue;
        }
        char file = *p, *end;
        unsigned number = (unsigned)strtoul(p + 1, &end, 10);
        uint64_t value;
        p = end + strcspn(end, " "); /* behind a CSR's name */
        if (!take_hex(&p, &value, &digits))
            return false;
        if ((file == 'x' || file == 'f' || file == 'c') && (number < 32 || file == 'c') && c->write_count < 8) {
            c->writes[c->write_count].file = file;
            c->writes[c->write_count].number = number;
            c->writes[c->write_count++].value = value;
        }
    }
}

/* The next line that counts is in log_.next. */
static bool look(void) {
    while (!log_.have_next && getline(&log_.line, &log_.room, log_.file) > 0) {
        log_.number++;
        log_.have_next = parse(log_.line, &log_.next);
    }
    return log_.have_next;
}

static uint64_t register_value(uint64_t v) { return lockstep.isa->xlen == 32 ? (uint64_t)(int64_t)(int32_t)v : v; }

static void apply(const struct commit *c) {
    for (unsigned i = 0; i < c->write_count; i++) {
        unsigned r = c->writes[i].number;
        uint64_t v = c->writes[i].value;
        if (c->writes[i].file == 'x')
            log_.now.x[r] = r ? register_value(v) : 0;
        else if (c->writes[i].file == 'f')
            log_.now.f[r] = v;
        else if (r == 1)
            log_.now.fcsr = (log_.now.fcsr & ~31u) | (v & 31);
        else if (r == 2)
            log_.now.fcsr = (log_.now.fcsr & 31) | (uint32_t)(v & 7) << 5;
        else if (r == 3)
            log_.now.fcsr = v & 255;
    }
}

static bool stores_same(const struct batch *b, uint32_t i, const struct commit *c) {
    uint32_t first = b->insns[i].store, count = b->insns[i + 1].store - first;
    if (count != c->store_count)
        return false;
    for (uint32_t k = 0; k < count; k++) {
        const struct store *s = &b->stores[first + k];
        uint64_t mask = s->size >= 8 ? UINT64_MAX : (UINT64_C(1) << s->size * 8) - 1;
        if (c->stores[k].address != s->address || c->stores[k].size != s->size ||
            ((c->stores[k].value ^ s->value) & mask))
            return false;
    }
    return true;
}

static bool spike_open(const struct state *start, char *err, size_t n) {
    log_.file = fopen(log_.path, "re");
    if (!log_.file)
        snprintf(err, n, "%s: %s", log_.path, strerror(errno));
    log_.now = *start;
    return log_.file != NULL;
}

static bool part(struct batch *b, struct divergence *d, const char *what, uint32_t i, uint32_t agreed,
                 const struct state *ours) {
    d->what = what;
    d->from = b->states[agreed].position;
    d->start = b->states[agreed];
    d->located = true;
    d->insn = i;
    d->to = i + 1;
    d->store_insn = UINT32_MAX;
    d->ours = *ours;
    d->theirs = log_.now;
    size_t n = strlen(d->detail);
    if (log_.have_next) {
        log_.line[strcspn(log_.line, "\r\n")] = 0;
        snprintf(d->detail + n, sizeof d->detail - n, "%s:%llu: %s", log_.path, (unsigned long long)log_.number,
                 log_.line);
    }
    return false;
}

static bool spike_run(struct batch *b, uint32_t *agreed, struct divergence *d) {
    uint32_t state = 1;
    *agreed = 0;
    for (uint32_t i = 0; i < b->insn_count; i++) {
        while (state + 1 < b->state_count && b->states[state].position <= i)
            state++;
        const struct state *ours = &b->states[state];
        log_.now.pc = ours->pc; /* the next line says */
        if (!look()) {
            snprintf(d->detail, sizeof d->detail, "%s ends before this instruction", log_.path);
            return part(b, d, "end", i, *agreed, ours);
        }
        const struct commit *c = &log_.next;
        if (c->pc != b->insns[i].pc) {
            log_.now.pc = c->pc;
            return part(b, d, "pc", i, *agreed, &b->states[*agreed]);
        }
        uint32_t length = insn_length(b->insns[i].bits);
        if ((uint32_t)c->bits != (length == 2 ? b->insns[i].bits & 0xffff : b->insns[i].bits))
            return part(b, d, "encoding", i, *agreed, ours);
        apply(c);
        if (!stores_same(b, i, c))
            return part(b, d, "store", i, *agreed, ours);
        if (ours->position == i + 1) {
            bool same = memcmp(ours->x, log_.now.x, sizeof ours->x) == 0 &&
                        memcmp(ours->f, log_.now.f, sizeof ours->f) == 0 && ours->fcsr == log_.now.fcsr;
            if (!same && !known_explains(b, b->states[*agreed].position, i + 1, ours, &log_.now, NULL))
                return part(b, d, "registers", i, *agreed, ours);
            log_.now = *ours;
            *agreed = state;
            lockstep.states++;
        }
        log_.have_next = false;
    }
    if (b->trapped)
        *agreed = b->state_count - 1;
    return true;
}

static void spike_set(const struct state *s) { log_.now = *s; }

static bool spike_finish(char *detail, size_t n) {
    if (!look())
        return true;
    snprintf(detail, n, "the program has ended, %s goes on at line %llu", log_.path, (unsigned long long)log_.number);
    return false;
}

struct reference reference_spike_log = {.name = "spike-log",
                                        .known = 1u << KNOWN_COUNTER | 1u << KNOWN_SC | 1u << KNOWN_OUTSIDE,
                                        .no_memory = true,
                                        .open = spike_open,
                                        .run = spike_run,
                                        .set = spike_set,
                                        .finish = spike_finish};
