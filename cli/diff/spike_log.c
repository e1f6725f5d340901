/* spike_log.c: a commit log as the reference: what Spike's --log-commits or `riv trace --format spike` wrote.
 *
 *      core   0: 0 0x0000000000010078 (0x0005b603) x12 0x3ff0000000000000 mem 0x0000000000011170
 *
 * Only lines of core 0 in user mode count.  Each is what one instruction did: where it was, its encoding, the registers
 * and CSRs it wrote, its stores (those with a value behind the address).  Registers that a line does not name keep
 * their values.  System calls leave no line, and process numbers, times and random bytes are not the same in two runs:
 * what comes from there may differ, and what is computed from it (KNOWN_OUTSIDE), nothing else.
 */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../user/user.h"
#include "diff.h"

enum { LINE_STORES = 16, MARKS = 1 << 16, GONE = 1, OUTSIDE_MAX = 1 << 16 };

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
    uint64_t differing;    /* registers that may differ */
    uint64_t marks[MARKS]; /* words of memory that may: address + 2, GONE or 0 */
    uint32_t mark_count;
} log_;

static uint64_t *mark_of(uint64_t word) {
    uint64_t *free_one = NULL;
    uint32_t i = (uint32_t)(word * UINT64_C(0x9e3779b97f4a7c15) >> 48) % MARKS;
    for (uint32_t n = 0; n < MARKS; n++, i = (i + 1) % MARKS) {
        if (log_.marks[i] == word + 2)
            return &log_.marks[i];
        if (log_.marks[i] == GONE && !free_one)
            free_one = &log_.marks[i];
        if (!log_.marks[i])
            return free_one ? free_one : &log_.marks[i];
    }
    return free_one;
}
static bool marked(uint64_t address) {
    uint64_t word = address & ~UINT64_C(7), *m = mark_of(word);
    return m && *m == word + 2;
}
static void mark(uint64_t address, bool on) {
    uint64_t word = address & ~UINT64_C(7), *m = mark_of(word);
    if (m && on)
        *m = word + 2;
    else if (m && *m == word + 2)
        *m = GONE;
}

void spike_log_outside(uint64_t start, uint64_t end) {
    for (uint64_t a = start & ~UINT64_C(7); a < end && a - start < OUTSIDE_MAX; a += 8)
        mark(a, true);
}

/* A word of the initial stack. */
static uint64_t stack_word(uint64_t *at) {
    uint64_t v = 0;
    unsigned size = lockstep.isa->xlen / 8;
    copy_in(&v, *at, size);
    *at += size;
    return v;
}

/* The kernel's random bytes. */
static void mark_random(const struct state *start) {
    uint64_t at = lockstep.isa->xlen == 32 ? (uint32_t)start->x[2] : start->x[2], type;
    at += (stack_word(&at) + 1) * (lockstep.isa->xlen / 8);
    while (stack_word(&at))
        ;
    while ((type = stack_word(&at)) != AT_NULL) {
        uint64_t value = stack_word(&at);
        if (type == AT_RANDOM)
            spike_log_outside(value, value + 16);
        if (type == AT_SYSINFO_EHDR || type == AT_UID || type == AT_EUID || type == AT_GID || type == AT_EGID)
            mark(at - 1, true);
    }
}

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

/* Whether it reads what may differ; at: its registers before it. */
static bool is_suspect(const struct insn *in, const struct state *at, uint64_t *writes) {
    uint64_t reads;
    known_uses(in, &reads, writes);
    uint8_t format = insn_rows[in->id].format;
    bool offset = format == FMT_IL || format == FMT_FIL;
    if (reads & log_.differing)
        return true;
    if (format == FMT_CSR && in->imm >= 0xc00 && in->imm <= 0xc82)
        return true;
    if (!offset && format != FMT_AMO && format != FMT_LR)
        return false;
    uint64_t address = at->x[in->rs1] + (offset ? (uint64_t)(int64_t)in->imm : 0);
    if (lockstep.isa->xlen == 32)
        address = (uint32_t)address;
    return marked(address) || marked(address + 7);
}

static void follow_stores(const struct batch *b, uint32_t i, bool same) {
    for (uint32_t k = b->insns[i].store; k < b->insns[i + 1].store; k++)
        if (!same || b->stores[k].size == 8) {
            mark(b->stores[k].address, !same);
            mark(b->stores[k].address + b->stores[k].size - 1, !same);
        }
}

/* The registers agree, but for those that may differ; what of written does is noted. */
static bool registers_agree(const struct state *ours, uint64_t written, uint64_t suspect) {
    bool other = ours->fcsr != log_.now.fcsr;
    uint64_t differ = 0;
    for (unsigned r = 0; r < 32; r++) {
        differ |= (uint64_t)(ours->x[r] != log_.now.x[r]) << r;
        differ |= (uint64_t)(ours->f[r] != log_.now.f[r]) << (32 + r);
    }
    if ((differ & ~(suspect | (log_.differing & ~written))) || (other && !suspect))
        return false;
    if (differ & written)
        lockstep_count_known(KNOWN_OUTSIDE, ours->pc);
    log_.now.fcsr = ours->fcsr;
    log_.differing = (log_.differing & ~written) | differ;
    return true;
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
    mark_random(start);
    return log_.file != NULL;
}

/* What a reproducer needs beside the registers before the instruction: its memory, which the copy that it read tells.
 */
static void note_access(const struct batch *b, struct divergence *d) {
    struct insn in;
    uint64_t address;
    insn_decode(lockstep.isa, b->insns[d->insn].bits, &in);
    d->reproducible = d->insn == d->from && in.id != INSN_ILLEGAL;
    if (!d->reproducible || !execute_address(&in, &d->start, &address))
        return;
    uint8_t format = insn_rows[in.id].format;
    bool is_float = format == FMT_FIL, loads = format == FMT_IL || is_float || format == FMT_AMO || format == FMT_LR;
    bool whole = in.id != INSN_sc_w && in.id != INSN_sc_d && (is_float || in.rd);
    d->loads[0].address = address;
    d->loads[0].size = 1u << (insn_rows[in.id].match >> 12 & 3);
    d->loads[0].known = loads && whole;
    d->loads[0].value = is_float ? d->ours.f[in.rd] : d->ours.x[in.rd];
    d->load_count = 1;
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
    if (strcmp(what, "registers") == 0 || strcmp(what, "store") == 0)
        note_access(b, d);
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
    uint64_t written = 0, suspect = 0, writes;
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
        struct insn in;
        insn_decode(lockstep.isa, b->insns[i].bits, &in);
        bool tainted = is_suspect(&in, &log_.now, &writes), same = stores_same(b, i, c);
        written |= writes;
        suspect = tainted ? suspect | writes : suspect & ~writes;
        apply(c);
        follow_stores(b, i, same);
        if (!same && !tainted)
            return part(b, d, "store", i, *agreed, ours);
        if (ours->position == i + 1) {
            if (!registers_agree(ours, written, suspect))
                return part(b, d, "registers", i, *agreed, ours);
            written = suspect = 0;
            *agreed = state;
            lockstep.states++;
        }
        log_.have_next = false;
    }
    if (b->trapped)
        *agreed = b->state_count - 1;
    return true;
}

/* A system call's result, or a signal: what the log has there shows only when it is used. */
static void spike_set(const struct state *s) {
    for (unsigned r = 0; r < 32; r++) {
        if (!(log_.differing >> r & 1))
            log_.now.x[r] = s->x[r];
        if (!(log_.differing >> (32 + r) & 1))
            log_.now.f[r] = s->f[r];
    }
    log_.now.x[10] = s->x[10];
    log_.now.fcsr = s->fcsr;
    log_.now.pc = s->pc;
    log_.differing |= 1u << 10;
}

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
