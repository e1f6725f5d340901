/* repro.c: see repro.h. */
#include "repro.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static uint64_t word_at(const uint8_t *bytes, unsigned i) {
    uint64_t v;
    memcpy(&v, bytes + i * 8, 8);
    return v;
}

static void write_machine_part(const struct finding *f, FILE *to) {
    const struct program *p = &f->program;
    const struct program_state *s = &p->start;
    fprintf(to, "#@ isa %s\n#@ way %s\n#@ seed 0x%" PRIx64 "\n#@ main %u\n#@ modifies %d\n#@ fcsr 0x%x\n", f->isa,
            way_names[f->way], p->seed, p->main, p->modifies, s->fcsr);
    for (unsigned i = 1; i < 32; i++)
        if (s->x[i])
            fprintf(to, "#@ x %u 0x%" PRIx64 "\n", i, s->x[i]);
    for (unsigned i = 0; i < 32; i++)
        if (s->f[i])
            fprintf(to, "#@ f %u 0x%" PRIx64 "\n", i, s->f[i]);
    for (unsigned i = 0; i < SCRATCH_BYTES / 8; i++)
        if (word_at(s->scratch, i))
            fprintf(to, "#@ scratch %u 0x%" PRIx64 "\n", i, word_at(s->scratch, i));
    for (unsigned i = 0; i < NEAR_BYTES / 8; i++)
        if (word_at(s->near, i))
            fprintf(to, "#@ near %u 0x%" PRIx64 "\n", i, word_at(s->near, i));
    for (unsigned i = 0; i < p->count; i++)
        fprintf(to, "#@ item 0x%08x %u %u %u %u\n", p->items[i].bits, p->items[i].len, p->items[i].fix,
                p->items[i].target, p->items[i].group);
}

static void write_memory(FILE *to, const uint8_t *bytes, unsigned words) {
    for (unsigned i = 0; i < words;) {
        unsigned same = 1;
        while (i + same < words && word_at(bytes, i + same) == word_at(bytes, i))
            same++;
        fprintf(to, "        .fill %u, 4, 0x%08x\n",
                word_at(bytes, i) >> 32 == (uint32_t)word_at(bytes, i) ? same * 2 : 1, (uint32_t)word_at(bytes, i));
        if (word_at(bytes, i) >> 32 == (uint32_t)word_at(bytes, i)) {
            i += same;
        } else {
            fprintf(to, "        .fill 1, 4, 0x%08x\n", (uint32_t)(word_at(bytes, i) >> 32));
            i++;
        }
    }
}

/* A program for Linux: loads the registers from a table and goes to the code; it ends with SIGTRAP. */
static void write_assembly(const struct finding *f, FILE *to) {
    const struct program *p = &f->program;
    bool wide = p->isa->xlen == 64;
    fprintf(to,
            "# riscv64-linux-gnu-gcc -nostdlib -static -Wl,--section-start=.fuzz=0x%x,--section-start=.scratch=0x%x %s"
            "FILE.s\n",
            PROGRAM_CODE, PROGRAM_SCRATCH, wide ? "" : "-march=rv32gc -mabi=ilp32d ");
    fprintf(to, "        .option norelax\n        .section .fuzz, \"awx\"\ncode:\n");
    for (unsigned i = 0; i < p->count; i++) {
        struct insn in;
        char text[128];
        program_decode(p, i, &in);
        insn_disassemble(&in, program_address(p, i), text, sizeof text);
        fprintf(to,
                p->items[i].len == 4 ? "        .4byte 0x%08x       # %s\n" : "        .2byte 0x%04x           # %s\n",
                p->items[i].bits, text);
    }
    fprintf(to, "        .4byte 0x00100073       # ebreak\n        .org %d\n", NEAR_AT);
    write_memory(to, p->start.near, NEAR_BYTES / 8);
    fprintf(to, "        .org 4096\n        .globl _start\n_start:\n        lla t6, registers\n");
    for (unsigned i = 0; i < 32; i++)
        fprintf(to, "        fld f%u, %u(t6)\n", i, 256 + i * 8);
    fprintf(to, "        li t5, 0x%x\n        fscsr t5\n", p->start.fcsr);
    for (unsigned i = 1; i < 32; i++)
        fprintf(to, "        %s x%u, %u(t6)\n", wide ? "ld" : "lw", i, i * 8);
    fprintf(to, "        j code\n        .balign 8\nregisters:\n");
    for (unsigned i = 0; i < 64; i++) {
        uint64_t v = i < 32 ? p->start.x[i] : p->start.f[i - 32];
        fprintf(to, "        .4byte 0x%08x, 0x%08x\n", (uint32_t)v, (uint32_t)(v >> 32));
    }
    fprintf(to, "        .section .scratch, \"aw\"\n");
    write_memory(to, p->start.scratch, SCRATCH_BYTES / 8);
}

void repro_write(const struct finding *f, FILE *to) {
    static const char *const kinds[] = {"differs from step", "crashes", "hangs"};
    char *text = NULL;
    size_t size;
    fprintf(to, "# %s: %s %s\n# riv fuzz --replay=FILE.s runs it again.\n", f->instruction, way_names[f->way],
            kinds[f->kind]);
    write_machine_part(f, to);
    FILE *report = open_memstream(&text, &size);
    if (report) {
        finding_print(f, report);
        fclose(report);
        for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
            fprintf(to, "# %s\n", line);
        free(text);
    }
    write_assembly(f, to);
}

static bool read_item(struct program *p, const char *text) {
    unsigned bits, len, fix, target, group;
    unsigned rows;
    const struct row_pattern *patterns = row_patterns(&rows);
    if (p->count == PROGRAM_ITEMS || sscanf(text, "%x %u %u %u %u", &bits, &len, &fix, &target, &group) != 5 ||
        (len != 2 && len != 4) || fix > FIX_NEAR || target > PROGRAM_ITEMS || group > 255)
        return false;
    unsigned row = 0;
    for (unsigned i = 0; i < rows; i++)
        if (patterns[i].len == len && (bits & patterns[i].mask) == patterns[i].match)
            row = i;
    p->items[p->count++] = (struct program_item){.bits = bits,
                                                 .row = (uint16_t)row,
                                                 .len = (uint8_t)len,
                                                 .fix = (uint8_t)fix,
                                                 .target = (uint8_t)target,
                                                 .group = (uint8_t)group,
                                                 .aimed = true};
    return true;
}

static bool read_line(struct repro *r, const char *key, const char *text) {
    struct program *p = &r->program;
    unsigned i = 0;
    uint64_t v = 0;
    if (!strcmp(key, "isa"))
        return sscanf(text, "%127s", r->isa) == 1;
    if (!strcmp(key, "way")) {
        char name[32] = "";
        sscanf(text, "%31s", name);
        for (r->way = WAY_STEP; r->way < WAYS && strcmp(way_names[r->way], name); r->way++)
            ;
        return r->way < WAYS;
    }
    if (!strcmp(key, "item"))
        return read_item(p, text);
    if (!strcmp(key, "seed"))
        return sscanf(text, "%" SCNx64, &p->seed) == 1;
    if (!strcmp(key, "main"))
        return sscanf(text, "%u", &p->main) == 1 && p->main <= PROGRAM_ITEMS;
    if (!strcmp(key, "fcsr"))
        return sscanf(text, "%x", &p->start.fcsr) == 1;
    if (!strcmp(key, "modifies")) {
        p->modifies = atoi(text) != 0;
        return true;
    }
    if (sscanf(text, "%u %" SCNx64, &i, &v) != 2)
        return false;
    if (!strcmp(key, "x") && i < 32)
        p->start.x[i] = v;
    else if (!strcmp(key, "f") && i < 32)
        p->start.f[i] = v;
    else if (!strcmp(key, "scratch") && i < SCRATCH_BYTES / 8)
        memcpy(p->start.scratch + i * 8, &v, 8);
    else if (!strcmp(key, "near") && i < NEAR_BYTES / 8)
        memcpy(p->start.near + i * 8, &v, 8);
    else
        return false;
    return true;
}

bool repro_read(struct repro *r, FILE *from, char *err, size_t n) {
    char line[512], key[32];
    unsigned number = 0;
    memset(r, 0, sizeof *r);
    r->way = WAYS;
    r->program.start.pc = PROGRAM_CODE;
    r->program.main = PROGRAM_ITEMS;
    while (fgets(line, sizeof line, from)) {
        int used = 0;
        number++;
        if (strncmp(line, "#@ ", 3))
            continue;
        if (sscanf(line + 3, "%31s %n", key, &used) != 1 || !read_line(r, key, line + 3 + used)) {
            snprintf(err, n, "line %u is not understood", number);
            return false;
        }
    }
    if (!r->isa[0] || !r->program.count) {
        snprintf(err, n, "it has no program in '#@' lines");
        return false;
    }
    if (r->program.main > r->program.count)
        r->program.main = r->program.count;
    for (unsigned i = 0; i < r->program.count; i++)
        if (r->program.items[i].target > r->program.count) {
            snprintf(err, n, "item %u goes to an item that does not exist", i);
            return false;
        }
    return true;
}
