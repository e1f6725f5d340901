/* ways.c: see ways.h. */
#include "ways.h"

#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>

#include "../../cpu/interp.h"
#include "operands.h"

const char *const way_names[WAYS] = {"step", "interpret", "translate", "warm", "one-by-one", "plain-host", "unicorn"};

static struct hart *volatile running;
static struct machine *volatile running_machine;
static sigjmp_buf crash;
static volatile sig_atomic_t ticks;
static bool watching, code_is_read_only; /* the running program's code is written by itself */

static uint8_t *code_page(void) { return (uint8_t *)(uintptr_t)PROGRAM_CODE; }

static size_t fetch(void *ctx, uint64_t pc, const uint8_t **host, uint32_t *cause) {
    *cause = TRAP_FETCH_PAGE;
    if (pc - PROGRAM_CODE >= 4096)
        return 0;
    *host = (const uint8_t *)(uintptr_t)pc;
    return PROGRAM_CODE + 4096 - pc;
}

static void protect_code(bool read_only) {
    if (read_only == code_is_read_only)
        return;
    mprotect(code_page(), 4096, read_only ? PROT_READ : PROT_READ | PROT_WRITE);
    code_is_read_only = read_only;
}
static bool watch_code(void *ctx, uint64_t addr) {
    if (watching)
        protect_code(true);
    return true;
}
static bool do_not_watch(void *ctx, uint64_t addr) { return false; }

static void on_fault(int signal_number, siginfo_t *info, void *context) {
    uintptr_t address = (uintptr_t)info->si_addr;
    if (signal_number == SIGSEGV && code_is_read_only && address - PROGRAM_CODE < 4096) {
        protect_code(false);
        if (running)
            for (int way = 0; way < WAY_UNICORN; way++)
                if (&running_machine->harts[way] == running)
                    engine_code_changed(running_machine->engines[way], PROGRAM_CODE, PROGRAM_CODE + 4096);
        return;
    }
    if (!running) {
        signal(signal_number, SIG_DFL);
        return;
    }
    if (signal_number == SIGILL || signal_number == SIGFPE || !engine_host_fault(running, signal_number, info, context))
        siglongjmp(crash, RUN_CRASHED);
}

static void on_tick(int signal_number) {
    if (running && ++ticks >= 2)
        siglongjmp(crash, RUN_HANGS);
}

bool ways_install_handlers(void) {
    static char stack[1 << 16];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    struct sigaction tick = {.sa_handler = on_tick, .sa_flags = SA_ONSTACK | SA_NODEFER | SA_RESTART};
    const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
    bool done = !sigaltstack(&alternate, NULL) && !sigaction(SIGVTALRM, &tick, NULL);
    for (int i = 0; i < 4; i++)
        done &= !sigaction(signals[i], &action, NULL);
    return done;
}

void ways_watch_time(unsigned milliseconds) {
    struct timeval t = {milliseconds / 1000, milliseconds % 1000 * 1000};
    setitimer(ITIMER_VIRTUAL, &(struct itimerval){t, t}, NULL);
}

bool machine_open(struct machine *m, const char *isa, char *err, size_t n) {
    memset(m, 0, sizeof *m);
    if (!isa_parse(&m->isa, isa, err, n))
        return false;
    for (int way = 0; way < WAY_UNICORN; way++) {
        struct engine_config config = {
            .mem = {.fetch = fetch, .watch_code = way == WAY_WARM || way == WAY_ONE_BY_ONE ? do_not_watch : watch_code},
            .isa = &m->isa,
            .kind = way < WAY_TRANSLATE ? ENGINE_INTERP : ENGINE_JIT,
            .hot = way == WAY_WARM ? 3 : 1,
            .hostile = (way == WAY_ONE_BY_ONE ? 5u
                        : way == WAY_WARM     ? 0u
                                              : 4u) |
                       2, /* 2: a small cache, soon full */
            .host_mask = way == WAY_PLAIN_HOST ? ~0u : 0,
        };
        m->engines[way] = engine_create(&config, err, n);
        if (!m->engines[way] && way >= WAY_TRANSLATE)
            continue; /* a host that refuses executable memory */
        if (!m->engines[way] || !engine_hart_init(m->engines[way], &m->harts[way]))
            return false;
    }
    return true;
}

void machine_close(struct machine *m) {
    for (int way = 0; way < WAY_UNICORN; way++)
        if (m->engines[way]) {
            engine_hart_exit(&m->harts[way]);
            engine_destroy(m->engines[way]);
        }
}

/* What the engine finds out about a fault when it runs the hart: an address that is not canonical arrives without its
 * value, and an atomic operation faults as a store. */
static void complete_fault(struct hart *h) {
    struct insn in;
    uint32_t bits;
    memcpy(&bits, (void *)(uintptr_t)h->pc, 4);
    insn_decode(h->isa, insn_length(bits) == 2 ? bits & 0xffff : bits, &in);
    unsigned format = insn_rows[in.id].format;
    if (format == FMT_S || format == FMT_FST || format == FMT_AMO)
        h->trap.cause = TRAP_STORE_PAGE;
    if (h->trap.host_code == SI_KERNEL)
        h->trap.tval =
            h->x[in.rs1] + (format == FMT_AMO || format == FMT_LR || format == FMT_CBO ? 0 : (uint64_t)(int64_t)in.imm);
}

/* Width of the floating-point operands: by the format field of the encoding. */
static unsigned float_bits(const struct insn *in, const char *name) {
    static const uint8_t widths[] = {32, 64, 16, 64};
    bool arithmetic = (in->bits & 0x70) == 0x40 || (in->bits & 0x7f) == 0x53;
    if (in->len == 4 && arithmetic && !strstr(name, "fcvt_"))
        return widths[in->bits >> 25 & 3];
    size_t n = strlen(name);
    return n && name[n - 1] == 's' ? 32 : n && name[n - 1] == 'h' ? 16 : 64;
}

/* Before the instruction of an item is executed: what it is about to read. */
static void note_operands(struct machine *m, const struct hart *h, const struct program *p, unsigned item) {
    unsigned row = p->items[item].row;
    m->executed[row]++;
    struct insn in;
    program_decode(p, item, &in);
    unsigned format = insn_rows[in.id].format, kind = row_operands(format);
    const char *name = insn_rows[in.id].id;
    uint32_t *classes = m->classes[row];
    bool float1 = (format >= FMT_F4R && format <= FMT_FX1R), float2 = format >= FMT_FST && format <= FMT_FX2;
    if (float1)
        classes[operand_class_f(h->f[in.rs1], float_bits(&in, name))]++;
    else if (kind & READS_X1)
        classes[operand_class_x(h->x[in.rs1])]++;
    if (float2 && format != FMT_F2R && format != FMT_FST)
        classes[operand_class_f(h->f[in.rs2], float_bits(&in, name))]++;
    else if (kind & READS_X2)
        classes[operand_class_x(h->x[in.rs2])]++;
}

/* Runs one instruction after the other; false when the program does not end. */
static bool step_to_end(struct machine *m, const struct program *p, struct hart *h) {
    int8_t item_at[PROGRAM_ITEMS * 2 + 1];
    if (m->executed) {
        uint64_t at = 0;
        memset(item_at, -1, sizeof item_at);
        for (unsigned i = 0; i < p->count; at += p->items[i++].len)
            item_at[at / 2] = (int8_t)i;
    }
    if (sigsetjmp(h->fault_jmp, 0)) {
        h->in_interp = 0;
        if (h->trap.host_code == SI_KERNEL || h->trap.cause == TRAP_LOAD_PAGE)
            complete_fault(h);
        return true;
    }
    for (unsigned n = 0; n < RUN_MOST; n++) {
        if (m->executed && h->pc - PROGRAM_CODE < PROGRAM_ITEMS * 4 && item_at[(h->pc - PROGRAM_CODE) / 2] >= 0)
            note_operands(m, h, p, (unsigned)item_at[(h->pc - PROGRAM_CODE) / 2]);
        if (interp_step(h, 1) == INTERP_TRAP)
            return true;
    }
    return false;
}

/* Whether code was written other than by put_self_change, which has a fence.i behind: a wild jump into the middle of
 * such a sequence does that, and what runs then is not defined. */
static bool code_is_wild(const struct program *p) {
    const uint8_t *at = code_page();
    for (unsigned i = 0; i < p->count; at += p->items[i++].len) {
        uint32_t bits = 0;
        memcpy(&bits, at, p->items[i].len);
        if (bits != p->items[i].bits && (!p->items[i].group || bits != (p->items[i].bits ^ 0x40000000)))
            return true;
    }
    static const uint32_t ebreak = 0x00100073;
    return memcmp(at, &ebreak, sizeof ebreak) != 0;
}

enum run_end way_run(struct machine *m, enum way way, const struct program *p, struct program_state *end) {
    struct hart *h = &m->harts[way];
    protect_code(false);
    program_place(p);
    watching = p->modifies;
    engine_code_changed(m->engines[way], PROGRAM_CODE, PROGRAM_CODE + 4096);
    memcpy(h->x, p->start.x, sizeof p->start.x);
    memcpy(h->f, p->start.f, sizeof p->start.f);
    h->pc = p->start.pc;
    h->res_valid = 0;
    hart_set_fcsr(h, p->start.fcsr);
    memset(&h->trap, 0, sizeof h->trap);
    ticks = 0;
    int jumped = sigsetjmp(crash, 0);
    if (jumped) {
        running = NULL;
        return (enum run_end)jumped;
    }
    running_machine = m;
    running = h;
    bool ended = true, kept = true;
    if (way == WAY_STEP) {
        interp_flush(h);
        ended = step_to_end(m, p, h) && !code_is_wild(p);
    } else
        kept = engine_run(h) == STOP_TRAP;
    running = NULL;
    protect_code(false);
    memcpy(end->x, h->x, sizeof end->x);
    memcpy(end->f, h->f, sizeof end->f);
    end->pc = h->pc;
    end->fcsr = hart_get_fcsr(h);
    end->cause = h->trap.cause;
    end->tval = h->trap.tval;
    memcpy(end->scratch, (void *)(uintptr_t)PROGRAM_SCRATCH, SCRATCH_BYTES);
    memcpy(end->near, code_page() + NEAR_AT, NEAR_BYTES);
    return !kept ? RUN_CRASHED : ended ? RUN_ENDED : RUN_ENDLESS;
}
