/* What traces are made of: digits, disassembly as qemu writes it, symbols of sound and of damaged ELF files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../cli/trace/trace.h"

static uint64_t random_64(uint64_t *s) {
    *s += 0x9e3779b97f4a7c15u;
    uint64_t z = (*s ^ *s >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static void same_text(char *text, char *end, const char *format, uint64_t v) {
    char wanted[32];
    *end = 0;
    snprintf(wanted, sizeof wanted, format, (unsigned long long)v);
    assert_string_equal(text, wanted);
}

static void digits_are_printf_s(void **state) {
    uint64_t seed = 1;
    char text[32];
    for (int i = 0; i < 20000; i++) {
        uint64_t v = i < 16 ? (uint64_t)i * 0x1111111111111111u : random_64(&seed) >> (i % 64);
        same_text(text, hex_16(text, v), "%016llx", v);
        same_text(text, hex_8(text, (uint32_t)v), "%08llx", (uint32_t)v);
        same_text(text, hex_4(text, (uint32_t)(v & 0xffff)), "%04llx", v & 0xffff);
        same_text(text, hex_2(text, (uint32_t)(v & 0xff)), "%02llx", v & 0xff);
        same_text(text, hex_least(text, v), "%llx", v);
        same_text(text, put_decimal(text, v), "%llu", v);
    }
}

/* Lines of qemu-riscv64 7.2 -d in_asm. */
static const struct {
    uint64_t pc;
    uint32_t bits;
    const char *text;
} disassembly[] = {
    {0x10144, 0x4529, "addi                    a0,zero,10"},
    {0x10146, 0x00001597, "auipc                   a1,4096                 # 0x11146"},
    {0x1014c, 0x00a5a52f, "amoadd.w                a0,a0,(a1)"},
    {0x10150, 0x0ea5b52f, "amoswap.d.aq.rl         a0,a0,(a1)"},
    {0x10154, 0x1005a62f, "lr.w                    a2,(a1)"},
    {0x1015c, 0x00302573, "frcsr                   a0"},
    {0x10160, 0x00151073, "fsflags                 zero,a0"},
    {0x10164, 0x0020d573, "fsrmi                   a0,1"},
    {0x10168, 0xc01027f3, "rdtime                  a5"},
    {0x1016c, 0x00c59553, "fadd.s                  rtz,fa0,fa1,fa2"},
    {0x10170, 0x6ac5f543, "fmadd.d                 dyn,fa0,fa1,fa2,fa3"},
    {0x10174, 0xa588, "fsd                     fa0,8(a1)"},
    {0x1017e, 0xc205f553, "fcvt.w.d                dyn,a0,fa1"},
    {0x10186, 0x22a50553, "fmv.d                   a0,a0"},
    {0x1018e, 0x12345537, "lui                     a0,305418240"},
    {0x10196, 0xfff54513, "not                     a0,a0"},
    {0x101a8, 0x0ff0000f, "fence                   iorw,iorw"},
    {0x101ac, 0x0000100f, "fence.i                 "},
    {0x101b8, 0x00b05263, "blez                    a1,4                    # 0x101bc"},
    {0x101c0, 0xa009, "j                       2                       # 0x101c2"},
    {0x101c2, 0x004586e7, "jalr                    a3,a1,4"},
    {0x1016e, 0x8082, "ret                     "},
    {0x10790, 0x04e7d463, "ble                     a4,a5,72                # 0x107d8"},
    {0x11cbc, 0xff59e9e3, "bgtu                    s5,s3,-14               # 0x11cae"},
    {0x10000, 0x406d7d33, "andn                    s10,s10"},
    {0x10000, 0x60191a1b, "clzw                    s4,s2"},
    {0x10000, 0x09b7151b, "slli.uw                 a0,a4,s11"},
    {0x10000, 0x0bd39c9b, "illegal                 "},
    {0x10000, 0xe0018a53, "fmv.x.s                 s4,ft3"},
};

static void disassembly_is_qemu_s(void **state) {
    struct isa isa;
    char text[256];
    assert_true(isa_parse(&isa, "max", text, sizeof text));
    for (size_t i = 0; i < sizeof disassembly / sizeof *disassembly; i++) {
        struct insn in;
        insn_decode(&isa, disassembly[i].bits, &in);
        assert_int_equal(qemu_disassemble(&in, disassembly[i].pc, text, sizeof text), strlen(disassembly[i].text));
        assert_string_equal(text, disassembly[i].text);
    }
    struct insn in;
    insn_decode(&isa, 0x00001597, &in); /* a buffer that is too short is filled and no more */
    memset(text, '#', sizeof text);
    qemu_disassemble(&in, 0, text, 10);
    assert_int_equal(text[9], 0);
    assert_int_equal(text[10], '#');
}

void a_function_to_be_found(void);
__attribute__((noinline)) void a_function_to_be_found(void) { __asm__ volatile(""); }

static void own_functions_are_found(void **state) {
    struct symbols *s = symbols_create();
    uint64_t at = (uint64_t)(uintptr_t)a_function_to_be_found;
    const struct symbol *found = symbols_find(s, at);
    assert_non_null(found);
    assert_string_equal(found->name, "a_function_to_be_found");
    assert_int_equal(found->start, at);
    assert_true(found->function && found->size > 0);
    assert_ptr_equal(symbols_named(s, "a_function_to_be_found"), found);
    assert_null(symbols_named(s, "no_such_function"));
    found = symbols_find(s, at + found->size - 1);
    assert_string_equal(found->name, "a_function_to_be_found");
    assert_null(symbols_find(s, (uint64_t)(uintptr_t)&s)); /* the stack is no file's */
    assert_null(symbols_find(s, 16));
    symbols_destroy(s);
}

/* A small ELF file with one function, then the same with random bytes changed: read or refused, never a crash. */
static void damaged_files_are_survived(void **state) {
    char path[] = "/tmp/riv-symbols-XXXXXX", self[4096], err[256];
    static uint8_t image[1 << 20], damaged[1 << 20];
    uint64_t seed = 7;
    FILE *from = fopen("/proc/self/exe", "rb");
    assert_non_null(from);
    size_t n = fread(image, 1, sizeof image, from);
    fclose(from);
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(length > 0);
    self[length] = 0;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    struct symbols *sound = symbols_create();
    assert_true(symbols_add(sound, self, 0x1000, err, sizeof err));
    assert_non_null(symbols_named(sound, "a_function_to_be_found"));
    symbols_destroy(sound);
    for (int i = 0; i < 300; i++) {
        memcpy(damaged, image, n);
        for (int k = 0; k < 4; k++) /* the header, mostly */
            damaged[random_64(&seed) % (k < 3 ? 64 : n)] = (uint8_t)random_64(&seed);
        assert_int_equal(pwrite(fd, damaged, n, 0), n);
        assert_int_equal(ftruncate(fd, (off_t)(i % 3 ? n : random_64(&seed) % n)), 0);
        struct symbols *s = symbols_create();
        if (!symbols_add(s, path, 0, err, sizeof err))
            assert_true(strlen(err) > 0);
        symbols_find(s, 0x1234);
        symbols_destroy(s);
    }
    close(fd);
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(digits_are_printf_s), cmocka_unit_test(disassembly_is_qemu_s),
                                       cmocka_unit_test(own_functions_are_found),
                                       cmocka_unit_test(damaged_files_are_survived)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
