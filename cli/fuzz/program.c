/* program.c: see program.h. */
#include "program.h"

#include <string.h>
#include <sys/mman.h>

#include "encode.h"

uint64_t program_random(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

bool program_map(void) {
    struct {
        uint64_t at, size;
    } areas[] = {{PROGRAM_SCRATCH, SCRATCH_BYTES}, {PROGRAM_CODE, 4096}};
    for (int i = 0; i < 2; i++) {
        char *p = mmap((void *)(uintptr_t)(areas[i].at - 65536), areas[i].size + 131072, PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
        if (p != (char *)(uintptr_t)(areas[i].at - 65536) || mprotect(p + 65536, areas[i].size, PROT_READ | PROT_WRITE))
            return false;
    }
    return true;
}

uint64_t program_address(const struct program *p, unsigned i) {
    uint64_t at = PROGRAM_CODE;
    for (unsigned k = 0; k < i; k++)
        at += p->items[k].len;
    return at;
}

int program_item_at(const struct program *p, uint64_t pc) {
    uint64_t at = PROGRAM_CODE;
    for (unsigned i = 0; i < p->count; at += p->items[i++].len)
        if (at == pc)
            return (int)i;
    return -1;
}

void program_decode(const struct program *p, unsigned i, struct insn *in) { insn_decode(p->isa, p->items[i].bits, in); }

static uint32_t compressed_distance(unsigned fix, uint32_t bits, uint32_t d) {
    if (fix == FIX_CJ)
        return (bits & 0xe003) | encode_bit(d, 11, 12) | encode_bit(d, 4, 11) | encode_bit(d, 9, 10) |
               encode_bit(d, 8, 9) | encode_bit(d, 10, 8) | encode_bit(d, 6, 7) | encode_bit(d, 7, 6) |
               encode_bit(d, 3, 5) | encode_bit(d, 2, 4) | encode_bit(d, 1, 3) | encode_bit(d, 5, 2);
    return (bits & 0xe383) | encode_bit(d, 8, 12) | encode_bit(d, 4, 11) | encode_bit(d, 3, 10) | encode_bit(d, 7, 6) |
           encode_bit(d, 6, 5) | encode_bit(d, 2, 4) | encode_bit(d, 1, 3) | encode_bit(d, 5, 2);
}

void program_resolve(struct program *p) {
    uint64_t address[PROGRAM_ITEMS + 1] = {PROGRAM_CODE};
    for (unsigned i = 0; i < p->count; i++)
        address[i + 1] = address[i] + p->items[i].len;
    for (unsigned i = 0; i < p->count; i++) {
        struct program_item *it = &p->items[i];
        uint32_t d = (uint32_t)(address[it->target] - address[i]);
        struct insn in;
        switch (it->fix) {
        case FIX_B:
        case FIX_J:
            insn_decode(p->isa, it->bits, &in);
            in.imm = (int32_t)d;
            it->bits = encode_insn(&in);
            break;
        case FIX_ADDI:
            it->bits = (it->bits & 0xfffff) | (d + it[-1].len) << 20;
            break;
        case FIX_NEAR:
            it->bits = (it->bits & 0xfffff) | (NEAR_AT + 512u + PROGRAM_CODE - (uint32_t)address[i - 1]) << 20;
            break;
        case FIX_CB:
        case FIX_CJ:
            it->bits = compressed_distance(it->fix, it->bits, d);
            break;
        default:
            break;
        }
    }
}

void program_place(const struct program *p) {
    uint8_t *at = (uint8_t *)(uintptr_t)PROGRAM_CODE;
    for (unsigned i = 0; i < p->count; at += p->items[i++].len)
        memcpy(at, &p->items[i].bits, p->items[i].len);
    static const uint32_t ebreak[2] = {0x00100073, 0x00100073};
    memcpy(at, ebreak, sizeof ebreak);
    at += sizeof ebreak; /* a wild jump finds the same everywhere */
    memset(at, 0, PROGRAM_CODE + 4096 - (uintptr_t)at);
    memcpy((void *)(uintptr_t)(PROGRAM_CODE + NEAR_AT), p->start.near, NEAR_BYTES);
    memcpy((void *)(uintptr_t)PROGRAM_SCRATCH, p->start.scratch, SCRATCH_BYTES);
}

/* Bit per x register that a program names, 32 bits above them for f registers; a little more than the truth. */
static uint64_t used_registers(const struct program *p) {
    uint64_t used = 0;
    for (unsigned i = 0; i < p->count; i++) {
        struct insn in;
        insn_decode(p->isa, p->items[i].bits, &in);
        uint64_t bits = 1ull << in.rd | 1ull << in.rs1 | 1ull << in.rs2 | 1ull << in.rs3;
        if (p->items[i].bits != 0x13 && p->items[i].bits != 1)
            used |= insn_rows[in.id].format >= FMT_FIL ? bits << 32 | bits : bits;
    }
    return used;
}

void program_print(const struct program *p, FILE *to) {
    unsigned rows;
    const struct row_pattern *patterns = row_patterns(&rows);
    fprintf(to, "seed 0x%llx rv%u\n", (unsigned long long)p->seed, p->isa->xlen);
    for (unsigned i = 0; i < p->count; i++) {
        struct insn in;
        char text[128];
        insn_decode(p->isa, p->items[i].bits, &in);
        insn_disassemble(&in, program_address(p, i), text, sizeof text);
        fprintf(to, "  %llx: %0*x  %-36s %s\n", (unsigned long long)program_address(p, i), p->items[i].len * 2,
                p->items[i].bits, text, patterns[p->items[i].row].name);
    }
    fprintf(to, "  %llx: ebreak\n ", (unsigned long long)program_address(p, p->count));
    uint64_t used = used_registers(p);
    for (int i = 1; i < 32; i++)
        if (used >> i & 1)
            fprintf(to, " %s=%llx", insn_xreg_names[i], (unsigned long long)p->start.x[i]);
    for (int i = 0; i < 32; i++)
        if (used >> (i + 32) & 1)
            fprintf(to, " %s=%016llx", insn_freg_names[i], (unsigned long long)p->start.f[i]);
    fprintf(to, " fcsr=%x\n", p->start.fcsr);
}

static unsigned differ(FILE *to, const char *what, const char *a_name, uint64_t a, const char *b_name, uint64_t b) {
    if (a == b)
        return 0;
    if (to)
        fprintf(to, "  %-8s %s %016llx  %s %016llx\n", what, a_name, (unsigned long long)a, b_name,
                (unsigned long long)b);
    return 1;
}

static unsigned differ_memory(FILE *to, uint64_t at, unsigned bytes, const char *a_name, const uint8_t *a,
                              const char *b_name, const uint8_t *b) {
    unsigned n = 0;
    if (!memcmp(a, b, bytes))
        return 0;
    for (unsigned i = 0; i < bytes; i += 8) {
        uint64_t va, vb;
        char where[24];
        memcpy(&va, a + i, 8);
        memcpy(&vb, b + i, 8);
        snprintf(where, sizeof where, "%llx", (unsigned long long)at + i);
        n += differ(to, where, a_name, va, b_name, vb);
    }
    return n;
}

unsigned program_compare(const struct program_state *a, const char *a_name, const struct program_state *b,
                         const char *b_name, FILE *to) {
    unsigned n = differ(to, "pc", a_name, a->pc, b_name, b->pc) + differ(to, "fcsr", a_name, a->fcsr, b_name, b->fcsr) +
                 differ(to, "cause", a_name, a->cause, b_name, b->cause) +
                 differ(to, "tval", a_name, a->tval, b_name, b->tval);
    for (int i = 0; i < 32; i++)
        n += differ(to, insn_xreg_names[i], a_name, a->x[i], b_name, b->x[i]) +
             differ(to, insn_freg_names[i], a_name, a->f[i], b_name, b->f[i]);
    return n + differ_memory(to, PROGRAM_SCRATCH, SCRATCH_BYTES, a_name, a->scratch, b_name, b->scratch) +
           differ_memory(to, PROGRAM_CODE + NEAR_AT, NEAR_BYTES, a_name, a->near, b_name, b->near);
}
