/* test_insn_objdump.c: decoder and disassembler against the cross binutils, where they are installed (skipped else).
 *
 *  - 32-bit words, random and near the table's rows: our text equals objdump's without aliases.
 *  - all 16-bit encodings: objdump prints, with aliases, the same for the compressed instruction and for the 32-bit
 *    encoding of what we decode it to.
 *
 * objdump knows an instruction only if the object file's attributes name its extension; symbols are stripped, because
 * mapping symbols would declare the words data.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../cli/fuzz/encode.h"
#include "insn_fixture.h"

#define TOOLS "riscv64-linux-gnu-"
/* What binutils 2.40 knows of our extensions. */
#define KNOWN_EXTENSIONS "imafdc_zicsr_zifencei_zihintpause_zicbom_zicbop_zicboz_zawrs_zfh_zba_zbb_zbc_zbs%s"
#define ON_RV64 "_zbkb_zbkx_zknd_zkne_zknh" /* and ours not on RV32 */

enum { WORDS_MAX = 65536 + 40000, TEXT_MAX = 96 };

static char directory[64];

static bool run(const char *format, ...) {
    char command[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    return system(command) == 0;
}

static bool have_tools(void) {
    return run("for t in as objcopy objdump; do command -v " TOOLS "$t >/dev/null || exit 1; done") &&
           run("echo | " TOOLS "as -march=rv64" KNOWN_EXTENSIONS " -o /dev/null - 2>/dev/null", ON_RV64);
}

static int set_up(void **state) {
    const char *parent = getenv("TMPDIR");
    snprintf(directory, sizeof directory, "%s/riv-insn-XXXXXX", parent && strlen(parent) < 40 ? parent : "/tmp");
    return mkdtemp(directory) ? 0 : -1;
}

static int tear_down(void **state) { return run("rm -r '%s'", directory) ? 0 : -1; }

/* "0: 00000013  addi zero,zero,0 # comment" to "addi\tzero,zero,0"; false where the line is not an instruction. */
static bool parse_line(char *line, uint64_t *address, char *text) {
    char *end;
    *address = strtoull(line, &end, 16);
    if (end == line || *end != ':')
        return false;
    char *p = end + 1;
    p += strspn(p, " \t");
    p += strcspn(p, "\t"); /* the encoding, padded with blanks */
    p += strspn(p, "\t");
    p[strcspn(p, "\n#<")] = 0;
    for (size_t n = strlen(p); n && strchr(" \t", p[n - 1]); n--)
        p[n - 1] = 0;
    snprintf(text, TEXT_MAX, "%s", p);
    return *p != 0;
}

/* What objdump prints for n words of four bytes at addresses 0, 4 ...; where a word is two 16-bit instructions, for the
 * first one. */
static char (*objdump(unsigned xlen, const char *options, const uint32_t *words, size_t n))[TEXT_MAX] {
    char path[96];
    snprintf(path, sizeof path, "%s/words.bin", directory);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(words, 4, n, file), n); /* the host is little-endian, too */
    fclose(file);
    assert_true(run("cd '%s' && echo '.incbin \"words.bin\"' | " TOOLS "as -march=rv%u" KNOWN_EXTENSIONS
                    " -mabi=%s -o words.o - && " TOOLS "objcopy --strip-all words.o && " TOOLS
                    "objdump -D -z -j .text %s words.o > words.txt",
                    directory, xlen, xlen == 64 ? ON_RV64 : "", xlen == 64 ? "lp64d" : "ilp32d", options));

    char(*texts)[TEXT_MAX] = calloc(n, sizeof *texts);
    assert_non_null(texts);
    snprintf(path, sizeof path, "%s/words.txt", directory);
    file = fopen(path, "r");
    assert_non_null(file);
    char line[256], text[TEXT_MAX];
    size_t found = 0;
    while (fgets(line, sizeof line, file)) {
        uint64_t address;
        if (parse_line(line, &address, text) && address % 4 == 0 && address / 4 < n)
            memcpy(texts[address / 4], text, sizeof text), found++;
    }
    fclose(file);
    assert_int_equal(found, n);
    return texts;
}

static struct isa known_isa(unsigned xlen) {
    char name[200];
    snprintf(name, sizeof name, "rv%u" KNOWN_EXTENSIONS, xlen, xlen == 64 ? ON_RV64 : "");
    return parse(name);
}

static bool starts_with(const char *s, const char *start) { return !strncmp(s, start, strlen(start)); }

static bool is_unknown(const char *text) {
    return starts_with(text, ".") || starts_with(text, "unimp") || starts_with(text, "c.unimp");
}

static bool is_exact_conversion(unsigned id) {
    return id == INSN_fcvt_d_s || id == INSN_fcvt_d_w || id == INSN_fcvt_d_wu || id == INSN_fcvt_d_h ||
           id == INSN_fcvt_s_h;
}

/* binutils does not hold shift amounts of 32 and more against RV32. */
static bool is_long_shift(const char *text) {
    return (starts_with(text, "s") || starts_with(text, "b") || starts_with(text, "rori")) &&
           (strstr(text, ",0x2") || strstr(text, ",0x3"));
}

/* Differences that are not ours to follow. */
static bool may_differ(const struct isa *isa, const struct insn *insn, const char *ours, const char *theirs) {
    static const char *const privileged[] = {"uret", "sret",   "hret",   "mret",  "dret",
                                             "wfi",  "sfence", "sinval", "hfence"};
    if (insn->id == INSN_ILLEGAL) {
        for (size_t i = 0; i < sizeof privileged / sizeof *privileged; i++)
            if (starts_with(theirs, privileged[i]))
                return true;
        if (starts_with(theirs, "aes64ks1i")) /* with a round that does not exist */
            return (insn->bits >> 20 & 15) > 10;
        /* it prints instructions with a reserved rounding mode, marking it */
        return strstr(theirs, ",unknown") || (isa->xlen == 32 && is_long_shift(theirs));
    }
    if (is_exact_conversion(insn->id)) /* it knows the rounding mode that assemblers write */
        return is_unknown(theirs) && insn->rm != 0;
    switch (insn->id) {
    case INSN_fence:
    case INSN_fence_tso:
    case INSN_fence_i: /* fields that are to be ignored: the same */
        return is_unknown(theirs) && insn->bits != insn_rows[insn->id].match;
    case INSN_csrrw:
    case INSN_csrrs:
    case INSN_csrrc:
    case INSN_csrrwi:
    case INSN_csrrsi:
    case INSN_csrrci: /* it has more names of CSRs */
        return strstr(ours, ",0x");
    }
    return false;
}

static void compare_words(unsigned xlen) {
    if (!have_tools())
        skip();
    struct isa isa = known_isa(xlen);
    uint32_t *words = calloc(WORDS_MAX, sizeof *words);
    size_t n = 0;
    assert_non_null(words);
    for (unsigned id = 1; id < INSN_COUNT; id++)
        for (unsigned i = 0; i < 100 && n < WORDS_MAX; i++) {
            uint32_t x = (random_u32() & ~insn_rows[id].mask) | insn_rows[id].match;
            words[n++] = i & 1 ? x : x ^ 4u << random_u32() % 30;
        }
    while (n < WORDS_MAX / 2)
        words[n++] = random_u32() | 3;
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) /* longer encodings would put objdump out of step */
        if ((words[i] & 3) == 3 && (words[i] & 0x1f) != 0x1f)
            words[kept++] = words[i];

    char(*texts)[TEXT_MAX] = objdump(xlen, "-M no-aliases", words, kept);
    unsigned legal = 0, wrong = 0;
    for (size_t i = 0; i < kept; i++) {
        struct insn insn;
        char text[TEXT_MAX];
        insn_decode(&isa, words[i], &insn);
        insn_disassemble(&insn, i * 4, text, sizeof text);
        if (xlen == 32 && strlen(text) > 8 && strstr(text, ",0xffffffff")) /* a target below 0 */
            memmove(strstr(text, ",0xffffffff") + 3, strstr(text, ",0xffffffff") + 11, 9);
        legal += insn.id != INSN_ILLEGAL;
        bool same = insn.id == INSN_ILLEGAL ? is_unknown(texts[i]) : !strcmp(text, texts[i]);
        if (!same && !may_differ(&isa, &insn, text, texts[i]) && ++wrong <= 40)
            print_error("%08x: ours \"%s\", binutils \"%s\"\n", words[i], text, texts[i]);
    }
    free(texts);
    free(words);
    assert_true(legal > kept / 4);
    assert_int_equal(wrong, 0);
}

static void words_agree_with_objdump_on_rv64(void **state) { compare_words(64); }
static void words_agree_with_objdump_on_rv32(void **state) { compare_words(32); }

/* Moves alike: c.mv is add rd,zero,rs2 for us (and in the manual), but binutils' alias for that is not mv; and it
 * prints c.addi with 0 as add rd,rd,0. */
static void write_move(char *text) {
    char rd[8], rs1[8], rs2[8];
    if (sscanf(text, "add\t%7[^,],%7[^,],%7s", rd, rs1, rs2) == 3) {
        if (!strcmp(rs1, "zero"))
            snprintf(text, TEXT_MAX, "mv\t%s,%s", rd, rs2);
        else if (!strcmp(rs2, "0") && !strcmp(rd, rs1))
            snprintf(text, TEXT_MAX, "mv\t%s,%s", rd, rs1);
    }
}

/* Differences that are not ours to follow. */
static bool compressed_may_differ(const struct isa *isa, const struct insn *insn, const char *theirs) {
    if (insn->id == INSN_ILLEGAL) /* c.addi16sp with 0 is reserved; so are long shifts on RV32 */
        return insn->bits == 0x6101 ||
               (isa->xlen == 32 && (is_long_shift(theirs) || starts_with(theirs, "c.slli\tzero,0x")));
    /* hints: it has names of its own for instructions that write zero or shift by nothing */
    bool shift = insn->id == INSN_slli || insn->id == INSN_srli || insn->id == INSN_srai;
    return starts_with(theirs, "c.") && (insn->rd == 0 || (shift && insn->imm == 0));
}

static void compare_compressed(unsigned xlen) {
    if (!have_tools())
        skip();
    struct isa isa = known_isa(xlen);
    uint32_t *words = calloc(65536, sizeof *words), *bases = calloc(65536, sizeof *bases);
    assert_non_null(words);
    assert_non_null(bases);
    size_t n = 0;
    for (uint32_t x = 0; x < 65536; x++) {
        if ((x & 3) == 3)
            continue;
        struct insn insn;
        insn_decode(&isa, x, &insn);
        words[n] = x | 0x00010000; /* and a c.nop */
        bases[n++] = insn.id == INSN_ILLEGAL ? 0x0000007b /* nothing, in custom-3 */ : encode_insn(&insn);
    }
    char(*texts)[TEXT_MAX] = objdump(xlen, "", words, n), (*base_texts)[TEXT_MAX] = objdump(xlen, "", bases, n);
    unsigned wrong = 0;
    for (size_t i = 0; i < n; i++) {
        struct insn insn;
        insn_decode(&isa, words[i], &insn);
        write_move(base_texts[i]);
        write_move(texts[i]);
        bool same = is_unknown(base_texts[i]) ? is_unknown(texts[i]) : !strcmp(texts[i], base_texts[i]);
        if (!same && !compressed_may_differ(&isa, &insn, texts[i]) && ++wrong <= 40)
            print_error("%04x: binutils \"%s\", of ours \"%s\"\n", words[i] & 0xffff, texts[i], base_texts[i]);
    }
    free(texts);
    free(base_texts);
    free(words);
    free(bases);
    assert_int_equal(wrong, 0);
}

static void compressed_agree_with_objdump_on_rv64(void **state) { compare_compressed(64); }
static void compressed_agree_with_objdump_on_rv32(void **state) { compare_compressed(32); }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_agree_with_objdump_on_rv64),
        cmocka_unit_test(words_agree_with_objdump_on_rv32),
        cmocka_unit_test(compressed_agree_with_objdump_on_rv64),
        cmocka_unit_test(compressed_agree_with_objdump_on_rv32),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
