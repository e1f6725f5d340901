// what: page tables: levels, permissions, large pages, A and D bits, sfence.vma
// variants: paging39=-DMODE=39 paging48=-DMODE=48 paging57=-DMODE=57 paging32=rv32,-DMODE=32
#include "rom.h"

#if MODE == 32
enum { LEVELS = 2, INDEX_BITS = 10, MODE_FIELD = 1 };
#define SATP(root_) ((word)MODE_FIELD << 31 | (word)(root_) >> 12)
#else
enum { LEVELS = (MODE - 12) / 9, INDEX_BITS = 9, MODE_FIELD = LEVELS + 5 };
#define SATP(root_) ((word)MODE_FIELD << 60 | (word)(root_) >> 12)
#endif
enum { PTES = 1 << INDEX_BITS, V = 1, R = 2, W = 4, X = 8, U = 16, A = 64, D = 128, TABLES = 24 };
enum { LOAD_FAULT = 13, STORE_FAULT = 15, FETCH_FAULT = 12 };

static word tables[TABLES][PTES] __attribute__((aligned(4096)));
static unsigned used;
static uint8_t data[4][4096] __attribute__((aligned(4096)));

static struct {
    word cause, value;
    unsigned count;
} last;

void rom_trap(struct frame *f) {
    last.cause = csr_read(mcause);
    last.value = csr_read(mtval);
    last.count++;
    word epc = csr_read(mepc);
    if (last.cause == FETCH_FAULT)
        csr_write(mepc, f->x[1]);
    else
        csr_write(mepc, epc + 4); /* access() is made of 4-byte instructions */
}

static word *new_table(void) {
    expect("page tables left", used < TABLES, 1);
    return tables[used++];
}

static word *root;

/* Maps the page (or, with level > 0, the large page) at va to pa. Returns its entry. */
static word *map(word va, word pa, unsigned flags, unsigned level) {
    word *table = root;
    for (unsigned l = LEVELS - 1;; l--) {
        word *entry = &table[va >> (12 + l * INDEX_BITS) & (PTES - 1)];
        if (l == level) {
            *entry = pa >> 12 << 10 | flags;
            return entry;
        }
        if (!*entry)
            *entry = (word)new_table() >> 12 << 10 | V;
        table = (word *)(*entry >> 10 << 12);
    }
}

struct request {
    word va, value;
    enum { READ, WRITE, CALL } what;
};

/* Runs in S or U mode with translation on; its own code is mapped at its own address. */
static word access(word argument) {
    struct request *r = (struct request *)argument;
    word value = 0;
    if (r->what == READ)
        __asm__ volatile(".option push\n\t.option norvc\n\t" LOAD " %0, 0(%1)\n\t.option pop"
                         : "+r"(value)
                         : "r"(r->va)
                         : "memory");
    else if (r->what == WRITE)
        __asm__ volatile(".option push\n\t.option norvc\n\t" STORE " %0, 0(%1)\n\t.option pop" ::"r"(r->value),
                         "r"(r->va)
                         : "memory");
    else
        __asm__ volatile("jalr ra, 0(%1)\n\tmv %0, a0" : "=r"(value) : "r"(r->va) : "ra", "a0", "memory");
    return value;
}

static word try(unsigned priv, int what, word va, word value) {
    struct request r = {va, value, what};
    last.count = 0;
    return call_at(priv, access, (word)&r);
}

static void expect_fault(const char *what, word cause, word va) {
    expect(what, last.count, 1);
    expect(what, last.cause, cause);
    expect(what, last.value, va);
}
static void expect_none(const char *what) { expect(what, last.count, 0); }

static void fence(word va) { __asm__ volatile("sfence.vma %0, zero" ::"r"(va) : "memory"); }
static void fence_all(void) { __asm__ volatile("sfence.vma" ::: "memory"); }

#define PAGE(n_) ((word)0x10000000 + (word)(n_)*4096)
#define FIRST(n_) (*(volatile word *)data[n_])

static void permissions(void) {
    FIRST(0) = 0x1234;
    map(PAGE(0), (word)data[0], V | R | A, 0);
    map(PAGE(1), (word)data[1], V | R | W | A | D, 0);
    map(PAGE(2), (word)data[2], V | X | A, 0);
    map(PAGE(3), (word)data[3], V | R | W | U | A | D, 0);
    fence_all();
    expect("read", try(PRIV_S, READ, PAGE(0), 0), 0x1234);
    expect_none("read");
    try(PRIV_S, WRITE, PAGE(0), 1);
    expect_fault("write to a read-only page", STORE_FAULT, PAGE(0));
    try(PRIV_S, WRITE, PAGE(1), 0x77);
    expect_none("write");
    expect("written", FIRST(1), 0x77);
    try(PRIV_S, READ, PAGE(4), 0);
    expect_fault("read from no page", LOAD_FAULT, PAGE(4));
    try(PRIV_S, CALL, PAGE(0), 0);
    expect_fault("fetch from a page without X", FETCH_FAULT, PAGE(0));
    *(uint32_t *)(void *)data[2] = 0x00008067; /* ret */
    __asm__ volatile("fence.i" ::: "memory");
    try(PRIV_S, CALL, PAGE(2), 0);
    expect_none("fetch");
    try(PRIV_S, READ, PAGE(2), 0);
    expect_fault("read from an execute-only page", LOAD_FAULT, PAGE(2));
    csr_set(mstatus, 1 << 19);
    expect("read with MXR", try(PRIV_S, READ, PAGE(2), 0) & UINT32_MAX, 0x8067);
    expect_none("read with MXR");
    csr_clear(mstatus, 1 << 19);
    try(PRIV_S, READ, PAGE(3), 0);
    expect_fault("S reads a U page", LOAD_FAULT, PAGE(3));
    csr_set(mstatus, 1 << 18);
    try(PRIV_S, WRITE, PAGE(3), 5);
    expect_none("S writes a U page with SUM");
    csr_clear(mstatus, 1 << 18);
    expect("written with SUM", FIRST(3), 5);
}

static void changes(void) {
    word *entry = map(PAGE(5), (word)data[0], V | R | A, 0);
    fence(PAGE(5));
    expect("before the change", try(PRIV_S, READ, PAGE(5), 0), FIRST(0));
    *entry = (word)data[1] >> 12 << 10 | V | R | A;
    fence(PAGE(5));
    expect("after sfence.vma", try(PRIV_S, READ, PAGE(5), 0), FIRST(1));
    *entry = 0;
    fence_all();
    try(PRIV_S, READ, PAGE(5), 0);
    expect_fault("after unmapping", LOAD_FAULT, PAGE(5));
    *entry = (word)data[0] >> 12 << 10 | V | W | A | D; /* W without R is reserved */
    fence_all();
    try(PRIV_S, READ, PAGE(5), 0);
    expect_fault("reserved permissions", LOAD_FAULT, PAGE(5));
}

/* li a0, number; ret: all but the first half of the first instruction. */
static void put_second_half(uint8_t *page, unsigned number) {
    const uint16_t halves[] = {(uint16_t)(number << 4), 0x8067, 0};
    for (unsigned i = 0; i < sizeof halves / sizeof *halves; i++)
        ((volatile uint16_t *)(void *)page)[i] = halves[i];
}

/* Often enough to be translated. */
static void expect_number(const char *what, word va, word number) {
    for (unsigned i = 0; i < 100; i++) {
        expect(what, try(PRIV_S, CALL, va, 0), number);
        expect_none(what);
    }
}

/* An instruction whose second half is on another page. */
static void across_pages(void) {
    word at = PAGE(9) - 2;
    *(volatile uint16_t *)(void *)&data[2][4094] = 0x0513;
    put_second_half(data[0], 11);
    put_second_half(data[1], 33);
    map(PAGE(8), (word)data[2], V | R | X | A, 0);
    word *entry = map(PAGE(9), (word)data[0], V | R | X | A, 0);
    fence_all();
    __asm__ volatile("fence.i" ::: "memory");
    expect_number("instruction on two pages", at, 11);
    put_second_half(data[0], 22);
    __asm__ volatile("fence.i" ::: "memory");
    expect_number("its second half changed", at, 22);
    *entry = (word)data[1] >> 12 << 10 | V | R | X | A;
    fence(PAGE(9));
    expect_number("its second half elsewhere", at, 33);
    *(volatile uint16_t *)(void *)&data[2][4094] = 0x0593; /* a1 instead */
    __asm__ volatile("fence.i" ::: "memory");
    expect("its first half changed", try(PRIV_S, CALL, at, 0) != 33, 1);
    *(volatile uint16_t *)(void *)&data[2][4094] = 0x0513;
    __asm__ volatile("fence.i" ::: "memory");
    expect_number("its first half changed back", at, 33);
    *entry = 0;
    fence(PAGE(9));
    try(PRIV_S, CALL, at, 0);
    expect_fault("its second half unmapped", FETCH_FAULT, PAGE(9));
}

/* A and D: set by hardware or a fault, but never neither. */
static void accessed_dirty(void) {
    word *entry = map(PAGE(6), (word)data[0], V | R | W, 0);
    fence_all();
    try(PRIV_S, READ, PAGE(6), 0);
    if (last.count)
        expect_fault("A clear", LOAD_FAULT, PAGE(6));
    else
        expect("A set by the hart", *entry & A, A);
    *entry |= A;
    *entry &= ~(word)D;
    fence_all();
    try(PRIV_S, WRITE, PAGE(6), 1);
    if (last.count)
        expect_fault("D clear", STORE_FAULT, PAGE(6));
    else
        expect("D set by the hart", *entry & D, D);
}

static void large_pages(void) {
    for (unsigned level = 1; level < LEVELS; level++) {
        word size = (word)1 << (12 + level * INDEX_BITS);
        if (size > 0x40000000)
            break; /* RAM begins at 2 GiB: larger pages have no place that is aligned and ours alone */
        word va = (word)0x40000000, pa = (word)data[0] & ~(size - 1);
        word *entry = map(va, pa, V | R | A, level);
        fence_all();
        expect("large page", try(PRIV_S, READ, va + ((word)data[0] - pa), 0), FIRST(0));
        expect_none("large page");
        *entry |= (word)1 << 10; /* misaligned */
        fence_all();
        try(PRIV_S, READ, va, 0);
        expect_fault("misaligned large page", LOAD_FAULT, va);
        *entry = 0;
    }
    fence_all();
}

#if MODE != 32
static void canonical(void) {
    word va = (word)1 << (MODE - 1); /* the sign bit is not repeated above */
    try(PRIV_S, READ, va, 0);
    expect_fault("address that is not canonical", LOAD_FAULT, va);
    word high = -(word)4096; /* the last page of all */
    map(high, (word)data[1], V | R | A, 0);
    fence_all();
    expect("highest page", try(PRIV_S, READ, high, 0), FIRST(1));
    expect_none("highest page");
}
#endif

void rom_main(word hart, const void *device_tree) {
    root = new_table();
    /* The ROM itself, where it is, in large pages: its code runs translated. */
    word large = (word)1 << (12 + INDEX_BITS);
    for (word at = 0x80000000, i = 0; i < 2; i++, at += large)
        map(at, at, V | R | W | X | A | D, 1);
    csr_write(satp, SATP(root));
    expect("satp takes the mode", csr_read(satp), SATP(root));
    fence_all();
    permissions();
    changes();
    across_pages();
    accessed_dirty();
    large_pages();
#if MODE != 32
    canonical();
#endif
    print("paging: passed\n");
    finish(0);
}
