/* reproducer.c: a divergence as an assembly file of its own: registers and memory as they were, the block up to the
 * wrong instruction at its own address, then a breakpoint.
 *
 *      _start      maps the pages the block reads, puts there what it reads, sets f registers and fcsr
 *      block - 252 loads x1 to x31, each through itself; fence.i, so that a block begins behind it
 *      block       the instructions, as bytes; ebreak
 */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../user/user.h"
#include "diff.h"

enum { LOADERS_BYTES = 31 * 8 + 4, FAR_TEXT = 0x70000000, NEAR_LIMIT = 0x40000000 };
static const char link_mark[] = "# link: ";

static void write_setup(FILE *to, const struct divergence *d) {
    fprintf(to, "\t.option norelax\n\t.option norvc\n\t.section .text\n\t.globl _start\n_start:\n");
    uint64_t mapped[DIFF_LOADS];
    unsigned count = 0;
    for (unsigned i = 0; i < d->load_count; i++) {
        for (uint64_t page = PAGE_DOWN(d->loads[i].address); page < d->loads[i].address + d->loads[i].size;
             page += GUEST_PAGE) {
            bool known = PAGE_DOWN(d->start.pc) == page;
            for (unsigned k = 0; k < count; k++)
                known |= mapped[k] == page;
            if (known || count == DIFF_LOADS)
                continue;
            mapped[count++] = page;
            fprintf(to,
                    "\tli a0, %#llx\n\tli a1, 4096\n\tli a2, 3\n\tli a3, 0x32\n\tli a4, -1\n\tli a5, 0\n\tli a7, 222\n"
                    "\tecall\n",
                    (unsigned long long)page);
        }
    }
    for (unsigned i = 0; i < d->load_count; i++)
        for (unsigned k = 0; d->loads[i].known && k < d->loads[i].size; k++)
            fprintf(to, "\tli t0, %#llx\n\tli t1, %llu\n\tsb t1, 0(t0)\n", (unsigned long long)d->loads[i].address + k,
                    (unsigned long long)(d->loads[i].value >> k * 8 & 255));
    fprintf(to, "\tli t0, %u\n\tfscsr t0\n", d->start.fcsr);
    for (int i = 0; i < 32; i++)
        fprintf(to, "\tli t0, %#llx\n\tfmv.d.x f%d, t0\n", (unsigned long long)d->start.f[i], i);
    fprintf(to, "\tli t0, %#llx\n\tjr t0\n\n", (unsigned long long)d->start.pc - LOADERS_BYTES);
}

static void write_block(FILE *to, const struct batch *b, const struct divergence *d, uint32_t last) {
    /* at an odd multiple of two, maybe */
    fprintf(to, "\t.section .block,\"ax\"\n\t.option rvc\n");
    for (int i = 1; i < 32; i++)
        fprintf(to, "\tld x%d, registers+%d\n", i, (i - 1) * 8);
    fprintf(to, "\t.4byte 0x0000100f\t# fence.i: what follows is a block of its own\n");
    uint64_t at = d->start.pc;
    for (uint32_t i = d->from; i <= last; i++) {
        char text[160];
        struct insn in;
        const struct executed *e = &b->insns[i];
        insn_decode(lockstep.isa, e->bits, &in);
        insn_disassemble(&in, e->pc, text, sizeof text);
        if (e->pc > at)
            fprintf(to, "\t.fill %llu, 1, 0\n", (unsigned long long)(e->pc - at));
        fprintf(to, "\t.%dbyte %#x\t# %#llx %s%s\n", in.len, e->bits, (unsigned long long)e->pc, text,
                i == last && d->located ? "\t<- differs" : "");
        at = e->pc + in.len;
    }
    uint64_t end = d->ours.pc;
    if (end > at && end - at < GUEST_PAGE)
        fprintf(to, "\t.4byte 0x00100073\n\t.fill %llu, 1, 0\n", (unsigned long long)(end - at > 4 ? end - at - 4 : 0));
    fprintf(to, "\t.4byte 0x00100073\t# ebreak\n\t.balign 2\nregisters:\n");
    for (int i = 1; i < 32; i++)
        fprintf(to, "\t.quad %#llx\t# %s\n", (unsigned long long)d->start.x[i], insn_xreg_names[i]);
}

static void write_expected(FILE *to, const struct divergence *d) {
    fprintf(to, "# expected at the end, as %s has it (riv: what it had instead):\n", lockstep.reference->name);
    fprintf(to, "#   pc %#llx\n", (unsigned long long)d->theirs.pc);
    for (int i = 1; i < 32; i++) {
        fprintf(to, "#   %s %#llx", insn_xreg_names[i], (unsigned long long)d->theirs.x[i]);
        if (d->theirs.x[i] != d->ours.x[i])
            fprintf(to, " (riv: %#llx)", (unsigned long long)d->ours.x[i]);
        fputc('\n', to);
    }
    for (int i = 0; i < 32; i++)
        if (d->theirs.f[i] != d->ours.f[i])
            fprintf(to, "#   %s %#llx (riv: %#llx)\n", insn_freg_names[i], (unsigned long long)d->theirs.f[i],
                    (unsigned long long)d->ours.f[i]);
    if (d->theirs.fcsr != d->ours.fcsr)
        fprintf(to, "#   fcsr %#x (riv: %#x)\n", d->theirs.fcsr, d->ours.fcsr);
}

bool reproducer_write(const char *path, const struct batch *b, const struct divergence *d) {
    uint32_t last = d->located ? d->insn : d->to ? d->to - 1 : 0;
    if (lockstep.isa->xlen != 64 || !b->insn_count || last >= b->insn_count || d->load_count == DIFF_LOADS)
        return false;
    for (uint32_t i = d->from; i < last; i++) /* a block that jumps back cannot be laid out */
        if (b->insns[i + 1].pc < b->insns[i].pc + insn_length(b->insns[i].bits) ||
            b->insns[i + 1].pc - b->insns[i].pc > GUEST_PAGE)
            return false;
    FILE *to = fopen(path, "we");
    if (!to)
        return false;
    uint64_t start = d->start.pc - LOADERS_BYTES;
    fprintf(to, "# Made by riv diff from %s; to be run as: riv diff %s\n", lockstep.program, path);
    fprintf(to, "%s-Wl,--section-start=.block=%#llx -Wl,-Ttext=%#x\n", link_mark, (unsigned long long)start,
            d->start.pc < NEAR_LIMIT ? (unsigned)FAR_TEXT : 0x20000u);
    write_expected(to, d);
    write_setup(to, d);
    write_block(to, b, d, last);
    return fclose(to) == 0;
}

bool reproducer_assemble(const char *path, char *program, size_t size, char *err, size_t n) {
    static const char compiler[] = "riscv64-linux-gnu-gcc";
    char line[512];
    char *words[16] = {(char *)compiler,      "-nostdlib", "-static", "-march=rv64gc",
                       "-Wl,--build-id=none", "-o",        program,   (char *)path};
    unsigned count = 8;
    FILE *from = fopen(path, "re");
    if (!from) {
        snprintf(err, n, "%s: %s", path, strerror(errno));
        return false;
    }
    while (fgets(line, sizeof line, from))
        if (strncmp(line, link_mark, sizeof link_mark - 1) == 0) {
            for (char *w = strtok(line + sizeof link_mark - 1, " \n"); w && count < 15; w = strtok(NULL, " \n"))
                if (strncmp(w, "-Wl,--section-start=", 20) == 0 || strncmp(w, "-Wl,-Ttext=", 11) == 0)
                    words[count++] = w;
            break;
        }
    fclose(from);
    snprintf(program, size, "/tmp/riv-diff-XXXXXX");
    int fd = mkstemp(program), status;
    if (fd < 0) {
        snprintf(err, n, "%s: %s", program, strerror(errno));
        return false;
    }
    close(fd);
    pid_t pid = fork();
    if (pid == 0) {
        execvp(compiler, words);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0) {
        unlink(program);
        if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 127)
            snprintf(err, n, "%s is needed to assemble %s and cannot be run", compiler, path);
        else
            snprintf(err, n, "%s: %s failed", path, compiler);
        return false;
    }
    lockstep.temporary = program;
    return true;
}
