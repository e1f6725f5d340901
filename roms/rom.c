/* rom.c: see rom.h. */
#include "rom.h"

enum { RETURN_CALL = 0x52455400 };

extern volatile uint32_t arrived, harts_go;
extern char call_returned[];

__attribute__((weak)) void rom_hart(word hart) {}

__attribute__((weak)) void rom_trap(struct frame *f) {
    print("unexpected trap: cause ");
    print_hex(csr_read(mcause));
    print(", pc ");
    print_hex(csr_read(mepc));
    print(", value ");
    print_hex(csr_read(mtval));
    print("\n");
    finish(99);
}

void trap_dispatch(struct frame *f) {
    word cause = csr_read(mcause);
    if (cause >= 8 && cause <= 9 && f->x[17] == RETURN_CALL) {
        csr_set(mstatus, 0x1800);
        csr_write(mepc, call_returned);
        return;
    }
    rom_trap(f);
}

_Noreturn void finish(unsigned code) {
    *FINISHER = code == 0 ? 0x5555 : code << 16 | 0x3333;
    for (;;)
        ;
}

void print(const char *text) {
    for (; *text; text++) {
        while (!(UART[5] & 0x20))
            ;
        UART[0] = (uint8_t)*text;
    }
}

void print_number(word value) {
    char digits[24];
    unsigned at = sizeof digits;
    digits[--at] = 0;
    do
        digits[--at] = (char)('0' + value % 10);
    while (value /= 10);
    print(digits + at);
}

void print_hex(word value) {
    char digits[20];
    unsigned at = sizeof digits;
    digits[--at] = 0;
    do
        digits[--at] = "0123456789abcdef"[value & 15];
    while (value >>= 4);
    print("0x");
    print(digits + at);
}

void expect(const char *what, word a, word b) {
    if (a == b)
        return;
    print(what);
    print(": got ");
    print_hex(a);
    print(", expected ");
    print_hex(b);
    print("\n");
    finish(1);
}

uint64_t mtime(void) {
    uint32_t high, low;
    do {
        high = CLINT_MTIME[1];
        low = CLINT_MTIME[0];
    } while (high != CLINT_MTIME[1]);
    return (uint64_t)high << 32 | low;
}

void set_mtimecmp(word hart, uint64_t at) {
    CLINT_MTIMECMP[2 * hart + 1] = UINT32_MAX;
    CLINT_MTIMECMP[2 * hart] = (uint32_t)at;
    CLINT_MTIMECMP[2 * hart + 1] = (uint32_t)(at >> 32);
}

static size_t length(const char *text) {
    size_t n = 0;
    while (text[n])
        n++;
    return n;
}

unsigned start_harts(const void *tree) {
    enum { BEGIN = 1, END, PROP, NOP };
    unsigned count = 0;
    for (const char *at = (const char *)tree + big_endian((const char *)tree + 8); big_endian(at) <= NOP;) {
        uint32_t token = big_endian(at);
        at += 4;
        if (token == BEGIN) {
            count += !compare(at, "cpu@", 4);
            at += (length(at) + 4) & ~(size_t)3;
        } else if (token == PROP) {
            at += 8 + ((big_endian(at) + 3) & ~(size_t)3);
        }
    }
    while (arrived + 1 < count)
        ;
    __sync_synchronize();
    harts_go = 1;
    return count;
}

uint32_t big_endian(const void *at) {
    const uint8_t *b = at;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

int compare(const char *a, const char *b, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (a[i] != b[i] || !a[i])
            return a[i] != b[i];
    return 0;
}

const void *tree_property(const void *tree, const char *node, const char *property, uint32_t *size) {
    enum { BEGIN = 1, END, PROP, NOP };
    const char *at = (const char *)tree + big_endian((const char *)tree + 8);
    const char *strings = (const char *)tree + big_endian((const char *)tree + 12);
    bool inside = false;
    for (;;) {
        uint32_t token = big_endian(at);
        at += 4;
        if (token == BEGIN) {
            inside = !compare(at, node, length(node));
            at += (length(at) + 4) & ~(size_t)3;
        } else if (token == PROP) {
            *size = big_endian(at);
            const char *name = strings + big_endian(at + 4);
            if (inside && !compare(name, property, length(property) + 1))
                return at + 8;
            at += 8 + ((*size + 3) & ~(size_t)3);
        } else if (token == END) {
            inside = false;
        } else if (token != NOP) {
            return NULL;
        }
    }
}

/* What the compiler makes of loops and assignments. */
void *memset(void *to, int value, size_t n);
void *memset(void *to, int value, size_t n) {
    for (size_t i = 0; i < n; i++)
        ((volatile uint8_t *)to)[i] = (uint8_t)value;
    return to;
}
void *memcpy(void *to, const void *from, size_t n);
void *memcpy(void *to, const void *from, size_t n) {
    for (size_t i = 0; i < n; i++)
        ((volatile uint8_t *)to)[i] = ((const uint8_t *)from)[i];
    return to;
}
