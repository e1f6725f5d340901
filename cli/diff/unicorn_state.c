/* unicorn_state.c: direct access to Unicorn's registers, which are too many to ask for one by one at every block.
 *
 * Unicorn has no call for it, so its register file is found by what is written to it through the documented calls: a
 * pattern in x1 to x31 and f0 to f31, then each bit of fcsr.  Where that fails the reference cannot be used and says
 * so.
 */
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "unicorn_state.h"

enum { HANDLE_REACH = 8192, OBJECT_REACH = 1 << 18, ENV_REACH = 2048 };

static uint64_t pattern(unsigned i) { return i == 0 ? 0 : UINT64_C(0x2a17c0de5ca1ab1e) * (i + 3) & 0x7fffffff7fffffff; }

/* Memory whose extent is not known: what there is of it. */
static size_t peek(void *to, const void *from, size_t n) {
    struct iovec local = {to, n}, remote = {(void *)(uintptr_t)from, n};
    ssize_t got = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
    return got > 0 ? (size_t)got : 0;
}

static bool find_x(struct unicorn_registers *regs, uc_engine *uc) {
    static uint8_t object[OBJECT_REACH];
    uint8_t want[32 * 8];
    for (unsigned i = 0; i < 32; i++) {
        uint64_t v = pattern(i);
        if (i)
            uc_reg_write(uc, UC_RISCV_REG_X0 + (int)i, &v);
        memcpy(want + i * regs->xlen / 8, &v, regs->xlen / 8);
    }
    for (size_t at = 0; at < HANDLE_REACH; at += sizeof(void *)) {
        void *pointer;
        if (peek(&pointer, (uint8_t *)uc + at, sizeof pointer) != sizeof pointer)
            break;
        if ((uintptr_t)pointer < 4096 || (uintptr_t)pointer % 8)
            continue;
        size_t got = peek(object, pointer, sizeof object);
        uint8_t *found = got ? memmem(object, got, want, 32 * regs->xlen / 8) : NULL;
        if (found) {
            regs->env = (uint8_t *)pointer + (found - object);
            return true;
        }
    }
    return false;
}

static bool find_f(struct unicorn_registers *regs, uc_engine *uc) {
    uint64_t want[32];
    for (unsigned i = 0; i < 32; i++) {
        want[i] = pattern(i + 40);
        uc_reg_write(uc, UC_RISCV_REG_F0 + (int)i, &want[i]);
    }
    uint8_t env[ENV_REACH];
    size_t reach = peek(env, regs->env, sizeof env);
    /* on RV32 the calls may know 32 bits of each: every other word is compared */
    for (size_t at = 0; at + sizeof want <= reach; at += 4) {
        bool same = true;
        for (unsigned i = 0; i < 32 && same; i++)
            same = memcmp(env + at + i * 8, &want[i], regs->xlen == 64 ? 8 : 4) == 0;
        if (same) {
            regs->f = at;
            return true;
        }
    }
    return false;
}

static void set_fcsr(uc_engine *uc, uint64_t v) { uc_reg_write(uc, UC_RISCV_REG_FCSR, &v); }

static bool find_fcsr(struct unicorn_registers *regs, uc_engine *uc) {
    uint8_t none[ENV_REACH], now[ENV_REACH];
    size_t place[8];
    uint8_t bits[8];
    set_fcsr(uc, 0);
    size_t reach = peek(none, regs->env, sizeof none);
    for (unsigned b = 0; b < 8; b++) {
        set_fcsr(uc, 1u << b);
        if (peek(now, regs->env, reach) != reach)
            return false;
        unsigned differing = 0;
        for (size_t i = 0; i < reach; i++)
            if (now[i] != none[i]) {
                place[b] = i;
                bits[b] = now[i];
                differing++;
            }
        if (differing != 1)
            return false;
    }
    set_fcsr(uc, 0);
    regs->flags = place[0];
    regs->frm = place[5];
    for (unsigned b = 0; b < 5; b++)
        if (place[b] != regs->flags || none[regs->flags])
            return false;
    for (unsigned b = 5; b < 8; b++)
        if (place[b] != regs->frm || bits[b] != 1u << (b - 5))
            return false;
    for (unsigned v = 0; v < 32; v++) {
        regs->raw_of[v] = 0;
        for (unsigned b = 0; b < 5; b++)
            if (v >> b & 1)
                regs->raw_of[v] |= bits[b];
        regs->flags_of[regs->raw_of[v]] = (uint8_t)v;
    }
    return true;
}

bool unicorn_registers_find(struct unicorn_registers *regs, uc_engine *uc, unsigned xlen) {
    regs->xlen = xlen;
    return find_x(regs, uc) && find_f(regs, uc) && find_fcsr(regs, uc);
}

uint32_t unicorn_registers_fcsr(const struct unicorn_registers *regs) {
    /* a flag of QEMU's own, for inputs flushed to zero, means nothing here */
    return (uint32_t)regs->flags_of[regs->env[regs->flags] & regs->raw_of[31]] | (uint32_t)(regs->env[regs->frm] & 7)
                                                                                     << 5;
}

void unicorn_registers_get(const struct unicorn_registers *regs, struct state *s) {
    for (unsigned i = 0; i < 32; i++)
        s->x[i] = regs->xlen == 64 ? ((uint64_t *)regs->env)[i] : (uint64_t)(int64_t)((int32_t *)regs->env)[i];
    s->x[0] = 0;
    memcpy(s->f, regs->env + regs->f, sizeof s->f);
    s->fcsr = unicorn_registers_fcsr(regs);
}

void unicorn_registers_set(const struct unicorn_registers *regs, const struct state *s) {
    if (regs->xlen == 64)
        memcpy(regs->env + 8, &s->x[1], 31 * 8);
    else
        for (unsigned i = 1; i < 32; i++)
            ((uint32_t *)regs->env)[i] = (uint32_t)s->x[i];
    memcpy(regs->env + regs->f, s->f, sizeof s->f);
    regs->env[regs->flags] = regs->raw_of[s->fcsr & 31];
    regs->env[regs->frm] = s->fcsr >> 5 & 7;
}

bool unicorn_registers_same(const struct unicorn_registers *regs, const struct state *s) {
    if (!s->fcsr_unknown && ((regs->env[regs->flags] & regs->raw_of[31]) != regs->raw_of[s->fcsr & 31] ||
                             regs->env[regs->frm] != (s->fcsr >> 5 & 7)))
        return false;
    if (regs->xlen == 64) {
        if (memcmp(regs->env + 8, &s->x[1], 31 * 8) != 0)
            return false;
    } else {
        for (unsigned i = 1; i < 32; i++)
            if (((uint32_t *)regs->env)[i] != (uint32_t)s->x[i])
                return false;
    }
    return memcmp(regs->env + regs->f, s->f, sizeof s->f) == 0;
}
