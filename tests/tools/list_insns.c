/* list_insns.c: prints the README's table of instructions as Markdown, from the instruction table.
 *
 *     list_insns      (the target readme puts it in its place; the test tree/readme compares)
 *
 * One line for every extension token of riscv.def, in the table's order.
 */
#include <stdio.h>
#include <string.h>

#include "../../cpu/insn.h"

struct line {
    const char *id, *token;
};

static const struct line compressed[] = {
#define RVC(id_, pattern_, format_, ext_, base_) {#id_, #ext_},
#include "../../cpu/riscv.def"
};
enum { COMPRESSED = sizeof compressed / sizeof *compressed, LINES = INSN_COUNT - 1 + COMPRESSED };

/* "Zfa_D32" as "Zfa + D, RV32": a suffix is a second extension, an XLEN or both; B and A are Zbb and Zba.
 * "Zkne_Zknd_64" as "Zkne or Zknd, RV64". */
static void print_token(const char *token) {
    size_t length = strcspn(token, "_");
    const char *suffix = token[length] ? token + length + 1 : "";
    printf("%.*s", (int)length, token);
    switch (*suffix) {
    case 'A':
        fputs(" + Zba", stdout);
        break;
    case 'B':
        fputs(" + Zbb", stdout);
        break;
    case 'Z':
        printf(" or %.*s", (int)strcspn(suffix, "_"), suffix);
        break;
    case 'H':
        fputs(" + Zfh", stdout);
        break;
    case 'D':
    case 'F':
    case 'M':
        printf(" + %c", *suffix);
        break;
    }
    if (strstr(suffix, "32") || strstr(suffix, "64"))
        printf(", RV%s", strstr(suffix, "32") ? "32" : "64");
}

/* The mnemonic of a compressed row, as gen_decode makes those of the others. */
static void print_mnemonic(const char *id) {
    size_t n = strlen(id);
    if (n > 5 && !strcmp(id + n - 5, "_rv32"))
        n -= 5;
    for (size_t i = 0; i < n; i++)
        putchar(id[i] == '_' ? '.' : id[i]);
}

int main(void) {
    struct line lines[LINES];
    bool done[LINES] = {false};
    for (unsigned i = 1; i < INSN_COUNT; i++)
        lines[i - 1] = (struct line){insn_rows[i].id, insn_rows[i].extension};
    memcpy(lines + INSN_COUNT - 1, compressed, sizeof compressed);

    puts("| Extension | Instructions |\n| --- | --- |");
    for (unsigned i = 0; i < LINES; i++) {
        if (done[i])
            continue;
        fputs("| ", stdout);
        print_token(lines[i].token);
        fputs(" | ", stdout);
        for (unsigned j = i; j < LINES; j++) {
            if (strcmp(lines[j].token, lines[i].token))
                continue;
            done[j] = true;
            if (j != i)
                fputs(", ", stdout);
            print_mnemonic(lines[j].id);
        }
        puts(" |");
    }
    return ferror(stdout) != 0;
}
