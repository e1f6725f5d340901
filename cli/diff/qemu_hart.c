/* qemu_hart.c: registers and memory of the qemu that runs beside riv.
 *
 * It runs no program: its guest is a page with an ecall, and each piece of the mirror is mapped into it with a call of
 * mmap made there.  So what it stores is in the mirror at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../user/user.h"
#include "qemu_hart.h"

enum { MAPPED_MAX = 256, OUR_FDS = 900 };
#define GUESTS_ALONE (UINT64_C(1) << 39) /* below, qemu has nothing of its own */

struct qemu_hart qemu_hart;

static struct {
    struct engine_range list[MAPPED_MAX];
    unsigned count;
} own; /* qemu's own memory */

void qemu_name(const char *program) { qemu_hart.program = program; }

_Noreturn void qemu_gone(void) {
    char words[200], line[400];
    qemu_hart.alive = false;
    qemu_last_words(words, sizeof words);
    snprintf(line, sizeof line, "%s has ended or does not answer%s%s", qemu_hart.program, words[0] ? ": " : "", words);
    lockstep_give_up(line);
}

/* ---- registers ---- */

void qemu_read_core(void) {
    if (!gdb_read_core(&qemu_hart.gdb, qemu_hart.now.x, &qemu_hart.now.pc))
        qemu_gone();
}

static void read_fcsr(void) {
    uint64_t flags, frm;
    if (!gdb_read(&qemu_hart.gdb, qemu_hart.gdb.fflags, &flags) || !gdb_read(&qemu_hart.gdb, qemu_hart.gdb.frm, &frm))
        qemu_gone();
    qemu_hart.now.fcsr = (uint32_t)((flags & 31) | (frm & 7) << 5);
}

void qemu_read_stale(void) {
    for (unsigned i = 0; i < 32; i++)
        if (qemu_hart.stale >> (32 + i) & 1 && !gdb_read(&qemu_hart.gdb, qemu_hart.gdb.f0 + i, &qemu_hart.now.f[i]))
            qemu_gone();
    if (qemu_hart.stale & 1)
        read_fcsr();
    qemu_hart.stale = 0;
}

void qemu_set_registers(const struct state *s) {
    bool good = true;
    unsigned differing = 0;
    for (unsigned i = 1; i < 32; i++)
        differing += s->x[i] != qemu_hart.now.x[i];
    if (differing > 2) {
        good = gdb_write_core(&qemu_hart.gdb, s->x, s->pc);
    } else {
        for (unsigned i = 1; i < 32 && good; i++)
            if (s->x[i] != qemu_hart.now.x[i])
                good = gdb_write(&qemu_hart.gdb, i, s->x[i], qemu_hart.gdb.xlen / 8);
        if (good && s->pc != qemu_hart.now.pc)
            good = gdb_write(&qemu_hart.gdb, 32, s->pc, qemu_hart.gdb.xlen / 8);
    }
    for (unsigned i = 0; i < 32 && good; i++)
        if (s->f[i] != qemu_hart.now.f[i] || qemu_hart.stale >> (32 + i) & 1)
            good = gdb_write(&qemu_hart.gdb, qemu_hart.gdb.f0 + i, s->f[i], 8);
    if (good && (s->fcsr != qemu_hart.now.fcsr || qemu_hart.stale & 1))
        good = gdb_write(&qemu_hart.gdb, qemu_hart.gdb.fflags, s->fcsr & 31, qemu_hart.gdb.xlen / 8) &&
               gdb_write(&qemu_hart.gdb, qemu_hart.gdb.frm, s->fcsr >> 5 & 7, qemu_hart.gdb.xlen / 8);
    if (!good)
        qemu_gone();
    qemu_hart.now = *s;
    qemu_hart.stale = 0;
    qemu_hart.parked = false;
}

/* An instruction has been executed. */
void qemu_make_stale(const struct insn *in) {
    uint64_t reads, writes;
    const char *extension = insn_rows[in->id].extension;
    uint8_t format = insn_rows[in->id].format;
    known_uses(in, &reads, &writes);
    qemu_hart.stale |= writes & ~UINT64_C(0xffffffff);
    if (format == FMT_CSR || format == FMT_CSRI || format >= FMT_FIL || *extension == 'F' || *extension == 'D')
        qemu_hart.stale |= 1;
}

/* A call made by qemu's own program; its registers are as before afterwards. */
static uint64_t call(uint64_t number, const uint64_t *a, unsigned count) {
    struct state before = qemu_hart.now, s = qemu_hart.now;
    uint64_t stale = qemu_hart.stale;
    memcpy(&s.x[10], a, count * sizeof *a);
    s.x[17] = number;
    qemu_hart.stale = 0; /* no concern of this call's */
    s.pc = qemu_hart.process.call;
    qemu_set_registers(&s);
    if (gdb_resume(&qemu_hart.gdb, true, QEMU_RUN_MS) != GDB_SIGTRAP)
        qemu_gone();
    qemu_read_core();
    uint64_t result = qemu_hart.gdb.xlen == 32 ? (uint32_t)qemu_hart.now.x[10] : qemu_hart.now.x[10];
    qemu_set_registers(&before);
    qemu_hart.stale = stale;
    return result;
}

static bool is_own(uint64_t start, uint64_t end) {
    bool taken = start < qemu_hart.process.page + GUEST_PAGE && end > qemu_hart.process.page;
    for (unsigned i = 0; i < own.count; i++)
        taken |= start < own.list[i].end && end > own.list[i].start;
    return taken;
}

static bool map(uint64_t start, uint64_t end, uint32_t prot, uint64_t offset) {
    if (is_own(start, end)) {
        char line[200];
        snprintf(line, sizeof line, "the guest has memory at %#llx, where %s has its own", (unsigned long long)start,
                 qemu_hart.program);
        lockstep_give_up(line);
    }
    if (prot & PROT_WRITE)
        prot |= PROT_READ;
    if (qemu_hart.gdb.xlen == 32)
        offset /= GUEST_PAGE;
    return call(222, (uint64_t[]){start, end - start, prot, MAP_SHARED | MAP_FIXED, QEMU_MEMORY_FD, offset}, 6) ==
           start;
}

static bool region_added(const struct region *r) { return map(r->start, r->end, r->prot, r->offset); }
static void region_removed(const struct region *r) { call(215, (uint64_t[]){r->start, r->end - r->start}, 2); }
/* It notices what it writes itself; of what is written from outside it must forget its translations. */
static void code_changed(uint64_t start, uint64_t end) {
    for (uint64_t page = PAGE_DOWN(start); page < end; page += GUEST_PAGE) {
        uint32_t prot;
        uint64_t offset;
        if (mirror_page(page, &prot, &offset))
            map(page, page + GUEST_PAGE, prot, offset);
    }
}

/* What is in qemu's address space, but for its guest's stack, which is not needed. */
static void find_own_memory(void) {
    char path[64], line[512];
    snprintf(path, sizeof path, "/proc/%d/maps", (int)qemu_hart.process.pid);
    FILE *maps = fopen(path, "re");
    while (maps && fgets(line, sizeof line, maps)) {
        unsigned long long start, end;
        if (sscanf(line, "%llx-%llx", &start, &end) != 2 || start < GUESTS_ALONE)
            continue;
        if (own.count && (start == own.list[own.count - 1].end || own.count == MAPPED_MAX))
            own.list[own.count - 1].end = end;
        else
            own.list[own.count++] = (struct engine_range){start, end};
    }
    if (maps)
        fclose(maps);
}

bool qemu_hart_open(const struct state *start, char *err, size_t n) {
    static const struct mirror_listener listener = {region_added, region_removed, code_changed};
    char why[200];
    int memory = memfd_create("riv-diff", MFD_CLOEXEC);
    int high = memory < 0 ? -1 : fcntl(memory, F_DUPFD_CLOEXEC, OUR_FDS);
    close(memory);
    if (high < 0) {
        snprintf(err, n, "no file for the reference's memory: %s", strerror(errno));
        return false;
    }
    if (!qemu_hart.program)
        qemu_hart.program = lockstep.isa->xlen == 64 ? "qemu-riscv64" : "qemu-riscv32";
    if (!qemu_start(&qemu_hart.process, qemu_hart.program, lockstep.isa, high, err, n))
        return false;
    if (!gdb_open(&qemu_hart.gdb, qemu_hart.process.socket, lockstep.isa->xlen, why, sizeof why)) {
        snprintf(err, n, "%s: %s", qemu_hart.program, why);
        return false;
    }
    if (!execute_init()) {
        snprintf(err, n, "out of memory");
        return false;
    }
    qemu_hart.alive = true;
    find_own_memory();
    qemu_read_core();
    qemu_hart.stale = ~UINT64_C(0);
    qemu_set_registers(start);
    mirror_share(high);
    mirror_listen(&listener);
    return true;
}

/* riv's process may be replaced by another program, with which the connection ends; then qemu goes on by itself. */
void qemu_hart_leave(void) {
    struct state s = qemu_hart.now;
    if (!qemu_hart.alive || qemu_hart.parked)
        return;
    s.pc = qemu_hart.process.ending;
    s.x[10] = 0;
    qemu_set_registers(&s);
    qemu_hart.parked = true;
}
