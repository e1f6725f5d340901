/* pmp.c: physical memory protection.  Privileged manual, section "Physical Memory Protection". */
#include "system.h"

enum { CFG_R = 1, CFG_W = 2, CFG_X = 4, CFG_A = 0x18, CFG_L = 0x80 };
enum { A_OFF = 0, A_TOR = 1, A_NA4 = 2, A_NAPOT = 3 };

static struct pmp_range range_of(const struct system *s, unsigned i) {
    uint64_t a = s->pmpaddr[i], below = i > 0 ? s->pmpaddr[i - 1] : 0;
    switch ((s->pmpcfg[i] & CFG_A) >> 3) {
    case A_TOR:
        if (below < a)
            return (struct pmp_range){below << 2, (a << 2) - 1};
        break;
    case A_NA4:
        return (struct pmp_range){a << 2, (a << 2) + 3};
    case A_NAPOT: {
        /* n trailing ones: 2^(n + 3) bytes */
        uint64_t size = (a ^ (a + 1)) << 2 | 3, base = (a << 2) & ~size;
        return (struct pmp_range){base, base | size};
    }
    default:
        break;
    }
    return (struct pmp_range){1, 0};
}

void pmp_update(struct system *s) {
    s->pmp_used = 0;
    for (unsigned i = 0; i < PMP_ENTRIES; i++) {
        s->pmp[i] = range_of(s, i);
        if (s->pmpcfg[i] & CFG_A)
            s->pmp_used = i + 1;
    }
}

bool pmp_allows(const struct system *s, uint64_t address, uint64_t size, enum access access, unsigned priv,
                bool *whole_page) {
    static const uint8_t needed[] = {[ACCESS_READ] = CFG_R, [ACCESS_WRITE] = CFG_W, [ACCESS_FETCH] = CFG_X};
    uint64_t last = address + size - 1, page = address & PAGE_MASK, page_last = last | ~PAGE_MASK;
    if (whole_page)
        *whole_page = true;
    for (unsigned i = 0; i < s->pmp_used; i++) {
        const struct pmp_range *r = &s->pmp[i];
        if (r->first > page_last || r->last < page)
            continue;
        if (whole_page && (r->first > page || r->last < page_last))
            *whole_page = false;
        if (r->first > last || r->last < address)
            continue;
        if (r->first > address || r->last < last)
            return false; /* not all of its bytes match the lowest-numbered entry that matches any */
        if (priv == PRIV_M && !(s->pmpcfg[i] & CFG_L))
            return true;
        return s->pmpcfg[i] & needed[access];
    }
    return priv == PRIV_M;
}
