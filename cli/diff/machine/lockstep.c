/* lockstep.c: what riv's hart did, instruction by instruction, against Unicorn; what is taken over; the report. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../../devices/chardev.h"
#include "../../../translate/record.h"
#include "machine.h"

struct machine_lockstep machine_lockstep;
#define m machine_lockstep

enum { PAGE_BYTES = 4096 };

const char *const taken_labels[TAKEN_COUNT] = {
    [TAKEN_TRAP] = "exceptions, taken by riv",
    [TAKEN_INTERRUPT] = "interrupts, taken by riv",
    [TAKEN_CSR] = "CSR instructions, executed by riv",
    [TAKEN_RETURN] = "mret, sret and wfi, executed by riv",
    [TAKEN_DEVICE] = "accesses to devices, made by riv",
    [TAKEN_MISSING] = "instructions the reference lacks, executed by riv",
    [TAKEN_BOX] = "box: singles are not NaN-boxed",
    [TAKEN_MINMAX] = "fmin, fmax of a signalling NaN; invalid flag of inf * 0 + NaN",
    [TAKEN_SC] = "sc succeeds or fails differently",
    [TAKEN_VIRTUAL] = "virtual addresses lent a page, as the reference asks for memory there",
    [TAKEN_TWO_PAGES] = "instructions on two pages, executed by riv",
    [TAKEN_WORD] = "amomin.w and the like compare 64 bits",
};

enum { RECORDS_MAX = 1 << 14 };
static struct record records[RECORDS_MAX];
static size_t record_count;
static struct step steps[RECORDS_MAX];

void machine_take(enum taken class, uint64_t pc) {
    if (m.taken[class]++ == 0)
        m.first[class] = pc;
}

void machine_expect(const struct step *s) {
    for (size_t i = 1; i < s->count; i++) {
        const struct record *r = &s->r[i];
        if (r->kind == RECORD_X)
            m.expected.x[r->reg] = r->value;
        else if (r->kind == RECORD_F)
            m.expected.f[r->reg] = r->value;
        else if (r->kind == RECORD_CSR && r->bits == 1)
            m.expected.fcsr = (m.expected.fcsr & ~31u) | (uint32_t)(r->value & 31);
        else if (r->kind == RECORD_CSR && r->bits == 2)
            m.expected.fcsr = (m.expected.fcsr & 31u) | (uint32_t)(r->value & 7) << 5;
    }
    m.history[m.history_count++ % HISTORY] = s->r->address;
}

/* What is not Unicorn's to execute. */
static bool is_taken(const struct step *s, enum taken *class) {
    const struct insn *in = &s->insn;
    unsigned format = insn_rows[in->id].format;
    if (s->r->kind == RECORD_TRAP)
        *class = s->r->flags & RECORD_INTERRUPT ? TAKEN_INTERRUPT : TAKEN_TRAP;
    else if (format == FMT_CSR || format == FMT_CSRI)
        *class = TAKEN_CSR;
    else if (in->id == INSN_mret || in->id == INSN_sret || in->id == INSN_wfi)
        *class = TAKEN_RETURN;
    else if (known_missing(in) && in->id != INSN_sfence_vma)
        *class = TAKEN_MISSING;
    else if ((s->r->address ^ (s->r->address + in->len - 1)) >= PAGE_BYTES && m.hart->sys->satp != 0)
        *class = TAKEN_TWO_PAGES;
    else
        return false;
    return true;
}

/* A step's stores to RAM are made in the reference's copy as well, with addresses as the hart translates them now. */
static void take_over_stores(const struct step *s) {
    for (size_t i = 1; i < s->count; i++) {
        uint64_t pa;
        if (s->r[i].kind == RECORD_STORE && mmu_probe(m.hart, s->r[i].address, &pa))
            unicorn_machine_store(pa, &s->r[i].value, s->r[i].size);
    }
}

static void take_over(const struct step *s, enum taken class) {
    machine_take(class, s->r->address);
    machine_expect(s);
    take_over_stores(s);
}

static void set_now(uint64_t pc) {
    m.expected.pc = pc;
    unicorn_machine_set(&m.expected, m.hart->sys->priv, m.hart->sys->mstatus, m.hart->sys->satp);
}

static size_t cut_into_steps(void) {
    size_t n = 0;
    for (size_t i = 0; i < record_count; i++)
        if (records[i].kind == RECORD_INSN || records[i].kind == RECORD_TRAP) {
            steps[n] = (struct step){.r = &records[i]};
            insn_decode(m.hart->isa, records[i].bits, &steps[n++].insn);
        }
    for (size_t i = 0; i < n; i++)
        steps[i].count = (size_t)((i + 1 < n ? steps[i + 1].r : records + record_count) - steps[i].r);
    return n;
}

/* After each block, trap or interrupt: the hart's CSRs are those behind the last step.  Steps that change them come
 * last; an interrupt may be followed by the handler's first instruction. */
static void block(void *ctx, struct hart *h) {
    size_t n = cut_into_steps(), i = 0;
    bool behind = false; /* Unicorn has not been told of what was taken over */
    m.blocks++;
    while (i < n) {
        enum taken class;
        if (is_taken(&steps[i], &class)) {
            take_over(&steps[i++], class);
            behind = true;
            continue;
        }
        size_t end = i + 1;
        while (end < n && !is_taken(&steps[end], &class))
            end++;
        if (behind)
            set_now(steps[i].r->address);
        behind = false;
        i += unicorn_machine_run(&steps[i], end - i);
        if (i < end) {
            take_over(&steps[i++], TAKEN_DEVICE);
            behind = true;
        }
    }
    m.insns += n;
    record_count = 0;
    if (behind)
        set_now(h->pc);
}

static void take_records(void *ctx, struct hart *h, const struct record *r, size_t n) {
    if (record_count + n > RECORDS_MAX)
        abort();
    memcpy(records + record_count, r, n * sizeof *r);
    record_count += n;
}

static void resume(void *ctx, struct hart *h) {
    char err[256];
    if (m.started)
        return;
    m.started = true;
    m.hart = h;
    memcpy(m.expected.x, h->x, sizeof m.expected.x);
    memcpy(m.expected.f, h->f, sizeof m.expected.f);
    m.expected.fcsr = hart_get_fcsr(h);
    if (!unicorn_machine_open(h, err, sizeof err)) {
        chardev_restore_terminal();
        fprintf(stderr, "riv: %s\n", err);
        _exit(DIFF_FAILED);
    }
    set_now(h->pc);
}

void machine_observer(struct observer *o) {
    *o = (struct observer){.kinds = RECORD_ALL, .records = take_records, .resume = resume, .block = block};
}

/* ---- the report ---- */

static void print_taken(void) {
    for (unsigned i = 0; i < TAKEN_COUNT; i++)
        if (m.taken[i])
            fprintf(stderr, "  %-64s %10" PRIu64 ", first at 0x%" PRIx64 "\n", taken_labels[i], m.taken[i], m.first[i]);
}

_Noreturn void machine_diverged(const struct step *s, const char *what, const struct state *theirs) {
    static const char modes[] = "US?M";
    char text[128] = "";
    chardev_restore_terminal();
    fprintf(stderr, "riv: diverged from Unicorn: %s\n", what);
    if (s) {
        insn_disassemble(&s->insn, s->r->address, text, sizeof text);
        fprintf(stderr, "  %c  0x%" PRIx64 "  %0*x  %s\n", modes[s->r->flags & RECORD_PRIVILEGE], s->r->address,
                s->r->size * 2, s->r->bits, text);
    }
    for (unsigned i = 0; theirs && i < 32; i++)
        if (m.expected.x[i] != theirs->x[i])
            fprintf(stderr, "  %-6s riv 0x%016" PRIx64 "  unicorn 0x%016" PRIx64 "\n", insn_xreg_names[i],
                    m.expected.x[i], theirs->x[i]);
    for (unsigned i = 0; theirs && i < 32; i++)
        if (m.expected.f[i] != theirs->f[i])
            fprintf(stderr, "  %-6s riv 0x%016" PRIx64 "  unicorn 0x%016" PRIx64 "\n", insn_freg_names[i],
                    m.expected.f[i], theirs->f[i]);
    if (theirs && m.expected.fcsr != theirs->fcsr)
        fprintf(stderr, "  fcsr   riv 0x%02x  unicorn 0x%02x\n", m.expected.fcsr, theirs->fcsr);
    fprintf(stderr, "  before it:");
    for (uint64_t i = m.history_count > HISTORY ? m.history_count - HISTORY : 0; i < m.history_count; i++)
        fprintf(stderr, " 0x%" PRIx64, m.history[i % HISTORY]);
    fprintf(stderr, "\n  after %" PRIu64 " instructions; until then:\n", m.insns);
    print_taken();
    _exit(DIFF_DIVERGED);
}

int machine_finish(void) {
    if (!m.started)
        return DIFF_FAILED;
    uint64_t differs = unicorn_machine_difference();
    if (differs != UINT64_MAX) {
        char what[64];
        snprintf(what, sizeof what, "memory at the end, at physical address 0x%" PRIx64, differs);
        machine_diverged(NULL, what, NULL);
    }
    fprintf(stderr,
            "riv: %" PRIu64 " instructions in %" PRIu64 " blocks, %" PRIu64
            " stores and memory at the end are the same as Unicorn's; taken over:\n",
            m.insns, m.blocks, m.stores);
    print_taken();
    return DIFF_SAME;
}
