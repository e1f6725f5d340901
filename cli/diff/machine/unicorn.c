/* unicorn.c: Unicorn as a hart of a board.
 *
 * It runs freely over a stretch of steps; its hook before each instruction compares what the one before has done.
 * Privilege is only lowered by mret in Unicorn: to set one, a context of machine mode is restored, CSRs are written,
 * and an mret that lies in a page of its own leads to the mode.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unicorn/unicorn.h>

#include "../../../translate/record.h"
#include "../unicorn_state.h"
#include "machine.h"

enum { PAGE = 4096, MRET = 0x30200073, REGIONS = 16, LENT_PAGES = 8 };

static struct {
    uc_engine *uc;
    struct unicorn_registers regs;
    uc_context *machine_mode;
    struct {
        const struct bus_ram *ram;
        uint8_t *copy;
    } regions[REGIONS];
    unsigned region_count;
    uint64_t pc, unmapped; /* unmapped: the address of an access that found nothing */
    /* the stretch under way */
    const struct step *steps;
    size_t count, done;
    bool first, stopped;
    uint32_t stores; /* of the step under way that Unicorn has made */
    struct {
        uint64_t address, value;
        unsigned size;
    } made[16];
} u;

static uint64_t truncated(uint64_t v, unsigned size) { return size >= 8 ? v : v & ((UINT64_C(1) << size * 8) - 1); }

/* ---- what Unicorn is known for ---- */

static bool starts(const struct insn *in, const char *prefix) {
    return strncmp(insn_rows[in->id].id, prefix, strlen(prefix)) == 0;
}

static bool explained(const struct step *s, const struct state *before, const struct state *ours,
                      struct state *theirs) {
    const struct insn *in = &s->insn;
    bool single =
        strncmp(insn_rows[in->id].extension, "F", 1) == 0 || in->id == INSN_fcvt_s_d || in->id == INSN_fcvt_d_s;
    bool bare = single && (before->f[in->rs1] >> 32 != UINT32_MAX || before->f[in->rs2] >> 32 != UINT32_MAX ||
                           before->f[in->rs3 & 31] >> 32 != UINT32_MAX);
    bool minmax = starts(in, "fmin") || starts(in, "fmax"), sc = in->id == INSN_sc_w || in->id == INSN_sc_d;
    bool fma = starts(in, "fmadd") || starts(in, "fmsub") || starts(in, "fnmadd") || starts(in, "fnmsub");
    for (unsigned i = 0; i < 32; i++) {
        if (ours->x[i] != theirs->x[i] && !(i == in->rd && (sc || bare)))
            return false;
        if (ours->f[i] == theirs->f[i])
            continue;
        bool box = single && ours->f[i] >> 32 == UINT32_MAX && (uint32_t)ours->f[i] == (uint32_t)theirs->f[i];
        if (i != in->rd || !(box || bare || minmax))
            return false;
        machine_take(box || bare ? TAKEN_BOX : TAKEN_MINMAX, s->r->address);
    }
    if (ours->fcsr != theirs->fcsr) {
        if (!bare && !((ours->fcsr ^ theirs->fcsr) == FFLAG_NV && (minmax || fma)))
            return false;
        machine_take(bare ? TAKEN_BOX : TAKEN_MINMAX, s->r->address);
    }
    if (sc && ours->x[in->rd] != theirs->x[in->rd])
        machine_take(TAKEN_SC, s->r->address);
    return true;
}

/* ---- comparing ---- */

static void compare_stores(const struct step *s) {
    char what[160];
    uint32_t n = 0;
    bool wide = starts(&s->insn, "amom") && s->r[0].size == 4;
    for (size_t i = 1; i < s->count; i++) {
        const struct record *r = &s->r[i];
        if (r->kind != RECORD_STORE)
            continue;
        machine_lockstep.stores++;
        if (n < u.stores && u.made[n].size == r->size && (u.made[n].address ^ r->address) % PAGE == 0 &&
            truncated(u.made[n].value, r->size) == r->value) {
            n++;
            continue;
        }
        uint64_t pa;
        bool sc = s->insn.id == INSN_sc_w || s->insn.id == INSN_sc_d;
        bool box = s->insn.id == INSN_fsd && n < u.stores && (uint32_t)u.made[n].value == (uint32_t)r->value;
        if ((sc || wide || box) && mmu_probe(machine_lockstep.hart, r->address, &pa)) {
            machine_take(sc ? TAKEN_SC : wide ? TAKEN_WORD : TAKEN_BOX, s->r->address);
            unicorn_machine_store(pa, &r->value, r->size);
            n += n < u.stores;
            continue;
        }
        if (u.stores > n)
            snprintf(what, sizeof what, "riv stores 0x%llx at 0x%llx, Unicorn 0x%llx at 0x%llx",
                     (unsigned long long)r->value, (unsigned long long)r->address, (unsigned long long)u.made[n].value,
                     (unsigned long long)u.made[n].address);
        else
            snprintf(what, sizeof what, "riv stores 0x%llx at 0x%llx, Unicorn nothing", (unsigned long long)r->value,
                     (unsigned long long)r->address);
        machine_diverged(s, what, NULL);
    }
    if (n < u.stores) {
        snprintf(what, sizeof what, "Unicorn stores 0x%llx at 0x%llx, riv nothing", (unsigned long long)u.made[n].value,
                 (unsigned long long)u.made[n].address);
        machine_diverged(s, what, NULL);
    }
}

/* The step under way is complete in Unicorn, which goes on at pc. */
static void compare(uint64_t pc) {
    const struct step *s = &u.steps[u.done];
    struct state before = machine_lockstep.expected, theirs;
    machine_expect(s);
    compare_stores(s);
    u.stores = 0;
    if (!unicorn_registers_same(&u.regs, &machine_lockstep.expected)) {
        unicorn_registers_get(&u.regs, &theirs);
        if (!explained(s, &before, &machine_lockstep.expected, &theirs))
            machine_diverged(s, "registers", &theirs);
        unicorn_registers_set(&u.regs, &machine_lockstep.expected);
    }
    u.done++;
    uint64_t next = u.done < u.count ? u.steps[u.done].r->address : 0;
    if (u.done < u.count && pc != next) {
        char what[96];
        snprintf(what, sizeof what, "riv goes on at 0x%llx, Unicorn at 0x%llx", (unsigned long long)next,
                 (unsigned long long)pc);
        machine_diverged(s, what, NULL);
    }
}

static void on_code(uc_engine *uc, uint64_t pc, uint32_t size, void *ctx) {
    if (machine_lockstep.hart->xlen == 32)
        pc = (uint32_t)pc;
    if (u.stopped)
        return;
    if (!u.first)
        compare(pc);
    u.first = false;
    u.pc = pc;
    if (u.done == u.count) {
        u.stopped = true;
        uc_emu_stop(uc);
    }
}

static bool on_unmapped(uc_engine *uc, uc_mem_type type, uint64_t address, int size, int64_t value, void *ctx) {
    u.unmapped = machine_lockstep.hart->xlen == 32 ? (uint32_t)address : address;
    return false;
}

static void on_store(uc_engine *uc, uc_mem_type type, uint64_t address, int size, int64_t value, void *ctx) {
    if (!u.steps || u.stores == sizeof u.made / sizeof *u.made)
        return;
    u.made[u.stores].address = address;
    u.made[u.stores].size = (unsigned)size;
    u.made[u.stores++].value = truncated((uint64_t)value, (unsigned)size);
}

static bool is_unmapped(uc_err error) { return error == UC_ERR_READ_UNMAPPED || error == UC_ERR_WRITE_UNMAPPED; }

static bool accesses(const struct step *s) {
    return s->count > 1 && (s->r[1].kind == RECORD_LOAD || s->r[1].kind == RECORD_STORE);
}

/* The last step is done: it has gone to where the reference cannot fetch, and riv is about to fault as well, or to go
 * on in a page that has to be lent. */
static bool jumped(const struct step *s, uc_err error) {
    unsigned format = insn_rows[s->insn.id].format;
    return (error == UC_ERR_FETCH_UNMAPPED || error == UC_ERR_EXCEPTION) &&
           (format == FMT_JR || format == FMT_J || format == FMT_B);
}

/* Unicorn 2.0 looks whether there is memory at the virtual address of an access before it makes it at the physical one.
 * Where there is none a page is put there for the time being; it is not the one that is accessed. */
static bool lend_page(uint64_t *page, uc_err error) {
    bool fetch = error == UC_ERR_FETCH_UNMAPPED, writable;
    uint64_t va = fetch ? u.pc : u.unmapped, pa, ram_page;
    if (fetch ? !u.first
              : !mmu_probe(machine_lockstep.hart, va, &pa) || pa == va ||
                    !mmu_ram(machine_lockstep.hart->sys, pa, &ram_page, &writable))
        return false;
    *page = va & PAGE_MASK;
    if (uc_mem_map(u.uc, *page, PAGE, UC_PROT_ALL) != UC_ERR_OK)
        return false;
    machine_take(TAKEN_VIRTUAL, u.pc);
    return true;
}

size_t unicorn_machine_run(const struct step *steps, size_t count) {
    u.steps = steps;
    u.count = count;
    u.done = 0;
    u.first = true;
    u.stopped = false;
    u.stores = 0;
    if (u.pc != steps->r->address) {
        char what[96];
        snprintf(what, sizeof what, "riv goes on at 0x%llx, Unicorn at 0x%llx", (unsigned long long)steps->r->address,
                 (unsigned long long)u.pc);
        machine_diverged(steps, what, NULL);
    }
    uint64_t lent[LENT_PAGES];
    unsigned lent_count = 0;
    uc_err error;
    bool again;
    do {
        u.first = true;
        u.stores = 0;
        error = uc_emu_start(u.uc, u.pc, UINT64_MAX, 0, 0);
        again = u.done < count && (is_unmapped(error) || error == UC_ERR_FETCH_UNMAPPED) && lent_count < LENT_PAGES &&
                lend_page(&lent[lent_count], error);
        lent_count += again;
    } while (again);
    while (lent_count)
        uc_mem_unmap(u.uc, lent[--lent_count], PAGE);
    if (u.done == count)
        return count;
    if (u.done + 1 == count && !u.first && jumped(&steps[u.done], error)) {
        compare(steps[u.done].r->address);
        uc_reg_read(u.uc, UC_RISCV_REG_PC, &u.pc);
        if (machine_lockstep.hart->xlen == 32)
            u.pc = (uint32_t)u.pc;
        return count;
    }
    const struct step *s = &steps[u.done];
    uint64_t pa, page;
    bool writable;
    if (is_unmapped(error) && accesses(s) && mmu_probe(machine_lockstep.hart, s->r[1].address, &pa) &&
        !mmu_ram(machine_lockstep.hart->sys, pa, &page, &writable))
        return u.done;
    char what[96];
    snprintf(what, sizeof what, "Unicorn stops: %s", uc_strerror(error));
    machine_diverged(s, what, NULL);
}

/* ---- state ---- */

static void write_csr(int reg, uint64_t v) { uc_reg_write(u.uc, reg, &v); }

void unicorn_machine_set(const struct state *s, unsigned priv, uint64_t mstatus, uint64_t satp) {
    unsigned xlen = machine_lockstep.hart->xlen;
    u.steps = NULL;
    u.stopped = true;
    uc_context_restore(u.uc, u.machine_mode);
    write_csr(UC_RISCV_REG_SATP, satp ^ 1); /* another one first: its TLB has to be emptied */
    write_csr(UC_RISCV_REG_SATP, satp);
    uint64_t status =
        mstatus & (MSTATUS_FS | MSTATUS_SUM | MSTATUS_MXR | (priv == PRIV_M ? MSTATUS_MPRV | MSTATUS_MPP : 0));
    if (priv != PRIV_M) {
        write_csr(UC_RISCV_REG_MSTATUS, MSTATUS_FS | (uint64_t)priv << 11);
        uint64_t pc = s->pc;
        write_csr(UC_RISCV_REG_MSTATUS, status | (uint64_t)priv << 11);
        write_csr(UC_RISCV_REG_MEPC, pc);
        uc_emu_start(u.uc, 0, UINT64_MAX, 0, 1);
    } else {
        write_csr(UC_RISCV_REG_MSTATUS, status);
    }
    unicorn_registers_set(&u.regs, s);
    u.pc = xlen == 32 ? (uint32_t)s->pc : s->pc;
}

static uint8_t *copy_at(uint64_t pa, uint64_t size) {
    for (unsigned i = 0; i < u.region_count; i++) {
        const struct bus_ram *r = u.regions[i].ram;
        if (pa >= r->base && pa - r->base < r->size && size <= r->size - (pa - r->base))
            return u.regions[i].copy + (pa - r->base);
    }
    return NULL;
}

void unicorn_machine_store(uint64_t pa, const void *bytes, size_t size) {
    uint8_t *to = copy_at(pa, size);
    if (!to)
        return;
    memcpy(to, bytes, size);
    uc_ctl_remove_cache(u.uc, pa, pa + size);
}

static bool is_zero(const uint8_t *p) { return p[0] == 0 && memcmp(p, p + 1, PAGE - 1) == 0; }

uint64_t unicorn_machine_difference(void) {
    for (unsigned i = 0; i < u.region_count; i++) {
        const struct bus_ram *r = u.regions[i].ram;
        for (uint64_t at = 0; at < r->size; at += PAGE)
            if (memcmp(r->host + at, u.regions[i].copy + at, PAGE) != 0)
                for (uint64_t byte = at;; byte++)
                    if (r->host[byte] != u.regions[i].copy[byte])
                        return r->base + byte;
    }
    return UINT64_MAX;
}

static bool copy_ram(const struct bus *bus, char *err, size_t n) {
    for (unsigned i = 0; i < bus->ram_count; i++) {
        const struct bus_ram *r = &bus->ram[i];
        uint8_t *copy = mmap(NULL, r->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (u.region_count == REGIONS || copy == MAP_FAILED ||
            uc_mem_map_ptr(u.uc, r->base, r->size, UC_PROT_ALL, copy) != UC_ERR_OK) {
            snprintf(err, n, "Unicorn cannot have memory at 0x%llx", (unsigned long long)r->base);
            return false;
        }
        for (uint64_t at = 0; at < r->size; at += PAGE)
            if (!is_zero(r->host + at))
                memcpy(copy + at, r->host + at, PAGE);
        u.regions[u.region_count].ram = r;
        u.regions[u.region_count++].copy = copy;
    }
    return true;
}

bool unicorn_machine_open(struct hart *h, char *err, size_t n) {
    uint32_t mret = MRET;
    uc_hook hook;
    uc_err error = uc_open(UC_ARCH_RISCV, h->xlen == 64 ? UC_MODE_RISCV64 : UC_MODE_RISCV32, &u.uc);
    if (error == UC_ERR_OK)
        error = uc_mem_map(u.uc, 0, PAGE, UC_PROT_ALL);
    if (error == UC_ERR_OK)
        error = uc_mem_write(u.uc, 0, &mret, sizeof mret);
    if (error != UC_ERR_OK) {
        snprintf(err, n, "Unicorn cannot be used: %s", uc_strerror(error));
        return false;
    }
    if (!copy_ram(h->sys->machine->bus, err, n))
        return false;
    write_csr(UC_RISCV_REG_MSTATUS, MSTATUS_FS);
    if (!unicorn_registers_find(&u.regs, u.uc, h->xlen) || uc_context_alloc(u.uc, &u.machine_mode) != UC_ERR_OK ||
        uc_context_save(u.uc, u.machine_mode) != UC_ERR_OK) {
        snprintf(err, n, "the registers of this Unicorn are not where they are expected");
        return false;
    }
    u.stopped = true;
    uc_hook_add(u.uc, &hook, UC_HOOK_CODE, (void *)on_code, NULL, 1, 0);
    uc_hook_add(u.uc, &hook, UC_HOOK_MEM_WRITE, (void *)on_store, NULL, 1, 0);
    uc_hook_add(u.uc, &hook, UC_HOOK_MEM_READ_UNMAPPED | UC_HOOK_MEM_WRITE_UNMAPPED, (void *)on_unmapped, NULL, 1, 0);
    if (machine_lockstep.plant)
        unicorn_machine_store(machine_lockstep.plant_address, &machine_lockstep.plant_bits,
                              insn_length(machine_lockstep.plant_bits));
    return true;
}
