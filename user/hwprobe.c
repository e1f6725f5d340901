/* hwprobe.c: riscv_hwprobe (Linux: Documentation/arch/riscv/hwprobe.rst). */
#include "syscalls.h"

enum {
    KEY_MVENDORID = 0,
    KEY_MARCHID = 1,
    KEY_MIMPID = 2,
    KEY_BASE_BEHAVIOR = 3,
    KEY_IMA_EXT_0 = 4,
    KEY_CPUPERF_0 = 5,
    KEY_ZICBOZ_BLOCK_SIZE = 6,
    KEY_HIGHEST_VIRT_ADDRESS = 7,
    KEY_TIME_CSR_FREQ = 8,
    KEY_MISALIGNED_SCALAR_PERF = 9,
    KEY_MISALIGNED_VECTOR_PERF = 10,
};
enum { BEHAVIOR_IMA = 1, MISALIGNED_FAST = 3, VECTOR_UNSUPPORTED = 4, WHICH_CPUS = 1 };

#define CBO_BLOCK_BYTES 64
#define PAIRS_MAX 1024

struct pair {
    int64_t key;
    uint64_t value;
};

static uint64_t ext_0(uint64_t exts) {
    static const struct {
        enum isa_ext ext;
        uint8_t bit;
    } bits[] = {
        {EXT_C, 1},      {EXT_Zba, 3},    {EXT_Zbb, 4},     {EXT_Zbs, 5},          {EXT_Zicboz, 6},
        {EXT_Zbc, 7},    {EXT_Zfh, 27},   {EXT_Zfhmin, 28}, {EXT_Zihintntl, 29},   {EXT_Zfa, 32},
        {EXT_Zbkb, 8},   {EXT_Zbkc, 9},   {EXT_Zbkx, 10},   {EXT_Zknd, 11},        {EXT_Zkne, 12},
        {EXT_Zknh, 13},  {EXT_Zacas, 34}, {EXT_Zicond, 35}, {EXT_Zihintpause, 36}, {EXT_Zcb, 44},
        {EXT_Zawrs, 48},
    };
    uint64_t value = exts >> EXT_D & exts >> EXT_F & 1; /* FD is bit 0 */
    for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++)
        value |= (exts >> bits[i].ext & 1) << bits[i].bit;
    return value;
}

static bool probe(struct pair *p) {
    const struct isa *isa = process.config->engine.isa;
    switch (p->key) {
    case KEY_MVENDORID:
    case KEY_MARCHID:
    case KEY_MIMPID:
        p->value = 0;
        return true;
    case KEY_BASE_BEHAVIOR:
        p->value = isa->exts >> EXT_M & isa->exts >> EXT_A & 1 ? BEHAVIOR_IMA : 0;
        return true;
    case KEY_IMA_EXT_0:
        p->value = ext_0(isa->exts);
        return true;
    case KEY_CPUPERF_0:
    case KEY_MISALIGNED_SCALAR_PERF:
        p->value = MISALIGNED_FAST;
        return true;
    case KEY_MISALIGNED_VECTOR_PERF:
        p->value = VECTOR_UNSUPPORTED;
        return true;
    case KEY_ZICBOZ_BLOCK_SIZE:
        p->value = isa->exts >> EXT_Zicboz & 1 ? CBO_BLOCK_BYTES : 0;
        return true;
    case KEY_HIGHEST_VIRT_ADDRESS:
        p->value = process.address_limit - 1;
        return true;
    default:
        p->key = -1;
        p->value = 0;
        return false;
    }
}

/* pairs, their number, bytes of the set of CPUs, the set, flags */
int64_t sys_riscv_hwprobe(struct task *t, const uint64_t *a) {
    if (a[4] & ~(uint64_t)WHICH_CPUS || a[1] > PAIRS_MAX)
        return -EINVAL;
    bool which = a[4] & WHICH_CPUS, match = true;
    if (which && (a[2] == 0 || a[3] == 0))
        return -EINVAL;
    for (uint64_t i = 0; i < a[1]; i++) {
        struct pair p, asked;
        uint64_t at = a[0] + i * sizeof p;
        if (copy_in(&p, at, sizeof p) != 0)
            return -EFAULT;
        asked = p;
        if (!probe(&p))
            match = false;
        else if (p.key == KEY_BASE_BEHAVIOR || p.key == KEY_IMA_EXT_0)
            match &= (asked.value & ~p.value) == 0;
        else
            match &= asked.value == p.value;
        if ((!which || p.key < 0) && copy_out(at, &p, sizeof p) != 0)
            return -EFAULT;
    }
    if (which && !match) { /* no CPU is like that */
        const uint8_t zero = 0;
        for (uint64_t i = 0; i < a[2] && i < 1024; i++)
            if (copy_out(a[3] + i, &zero, 1) != 0)
                return -EFAULT;
    }
    return 0;
}
