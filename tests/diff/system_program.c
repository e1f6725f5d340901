/* system_program.c: see system_program.h. */
#include "system_program.h"

#include <string.h>

#include "../../cpu/system.h"
#include "../../cli/fuzz/encode.h"

/* The code as S and M mode see it is at RAM; for U mode it is mapped again; the window's pages have random entries. */
#define USER_CODE UINT64_C(0x40000000)
#define WINDOW UINT64_C(0x50000000)
enum { V = 1, R = 2, W = 4, X = 8, U = 16, A = 64, D = 128 };
enum { T0 = 5, T1 = 6, T2 = 7 };

uint64_t program_seed;
uint64_t program_satp(const struct system_program *p) {
    return p->xlen == 64 ? (uint64_t)(p->levels + 5) << 60 | (RAM + TABLES) >> 12
                         : UINT64_C(0xffffffff80000000) | (RAM + TABLES) >> 12;
}

static struct system_program *program;
#define image program->image
#define levels program->levels
#define RV64 (program->xlen == 64)

uint64_t program_random(void) {
    program_seed += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = program_seed;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}
unsigned program_below(unsigned n) { return (unsigned)(program_random() % n); }

static uint32_t at;
static void emit(uint32_t bits) {
    memcpy(image + at, &bits, 4);
    at += 4;
}
static uint32_t enc(enum insn_id id, unsigned rd, unsigned rs1, unsigned rs2, int32_t imm) {
    return encode_insn(&(struct insn){
        .id = (uint16_t)id, .rd = (uint8_t)rd, .rs1 = (uint8_t)rs1, .rs2 = (uint8_t)rs2, .imm = imm, .rm = 7});
}
#define E(id, rd, rs1, rs2, imm) emit(enc(INSN_##id, rd, rs1, rs2, imm))

/* An address below 4 GiB, zero-extended. */
static void load_address(unsigned rd, uint64_t value) {
    uint32_t high = (uint32_t)(value + 0x800) & 0xfffff000;
    E(lui, rd, 0, 0, (int32_t)high);
    emit(enc(RV64 ? INSN_addiw : INSN_addi, rd, rd, 0, (int32_t)((uint32_t)value << 20) >> 20));
    if (!RV64)
        return;
    E(slli, rd, rd, 0, 32);
    E(srli, rd, rd, 0, 32);
}

/* A word of XLEN bits. */
static void load_word(unsigned rd, unsigned rs1, int32_t offset) {
    emit(enc(RV64 ? INSN_ld : INSN_lw, rd, rs1, 0, offset));
}
static void store_word(unsigned rs2, unsigned rs1, int32_t offset) {
    emit(enc(RV64 ? INSN_sd : INSN_sw, 0, rs1, rs2, offset));
}

static void emit_handlers(void) {
    static const int16_t logged[LOG_WORDS] = {0x342, 0x341, 0x343, 0x300, 0x142, 0x141, 0x143, 0xb02};
    const int32_t word = (int32_t)program->xlen / 8;
    at = HANDLER;
    E(csrrw, T2, T2, 0, 0x340);
    load_address(T2, MSTATUS_MPRV);
    E(csrrc, 0, T2, 0, 0x300);
    E(sfence_vma, 0, 0, 0, 0);
    load_address(T2, RAM + VARIABLES);
    store_word(T0, T2, 16);
    store_word(T1, T2, 24);
    load_word(T0, T2, 0);                                                  /* end of the log */
    for (int32_t i = 0; i < LOG_WORDS - (program->counted ? 0 : 1); i++) { /* else nobody counts exactly */
        E(csrrs, T1, 0, 0, logged[i]);
        store_word(T1, T0, i * word);
    }
    E(addi, T0, T0, 0, LOG_WORDS * word);
    store_word(T0, T2, 0);
    if (program->counted) {
        load_address(T1, QUIET);
        E(sw, 0, T1, 0, 0);
        E(addi, T1, 0, 0, 0x222);
        E(csrrc, 0, T1, 0, 0x344);
        E(csrrs, T1, 0, 0, 0x342);
        E(bge, 0, T1, 0, 20);
        load_word(T0, T2, 16);
        load_word(T1, T2, 24);
        E(csrrw, T2, T2, 0, 0x340);
        E(mret, 0, 0, 0, 0);
    }
    load_word(T0, T2, 8); /* the next segment's number: its entry is 16 bytes at 32 + 16 * number */
    E(addi, T1, T0, 0, 1);
    store_word(T1, T2, 8);
    E(addi, T1, 0, 0, SEGMENTS);
    E(bltu, 0, T0, T1, 20);
    E(lui, T1, 0, 0, (int32_t)FINISHER);
    E(lui, T0, 0, 0, (int32_t)FINISH);
    E(sw, 0, T1, T0, 0);
    E(jal, 0, 0, 0, 0);
    E(slli, T0, T0, 0, 4);
    E(add, T2, T2, T0, 0);
    load_word(T0, T2, 32);
    E(csrrw, 0, T0, 0, 0x341);
    load_address(T0, MSTATUS_MPP);
    E(csrrc, 0, T0, 0, 0x300);
    load_word(T0, T2, 40);
    E(csrrs, 0, T0, 0, 0x300);
    E(mret, 0, 0, 0, 0);
    at = S_HANDLER;
    E(csrrs, T0, 0, 0, 0x142);
    E(ecall, 0, 0, 0, 0);
}

/* Not those that the handlers rest on; counters only where they are exact. */
static unsigned random_csr(void) {
    static const uint16_t counters[] = {0xc00, 0xc01, 0xc02, 0xb00, 0xb02, 0xc80, 0xc81, 0xc82, 0xb80, 0xb82};
    if (program->counted && program_below(4) == 0)
        return counters[program_below(sizeof counters / sizeof *counters)];
    static const uint16_t list[] = {0x001, 0x002, 0x003, 0x100, 0x104, 0x106, 0x10a, 0x140, 0x141, 0x142,
                                    0x143, 0x144, 0x14d, 0x180, 0x300, 0x301, 0x303, 0x304, 0x306, 0x30a,
                                    0x340, 0x341, 0x342, 0x343, 0x344, 0x3b1, 0x3b2, 0xf14, 0x7c0, 0x310};
    return program_below(8) ? program_below(3) ? 0x300u + (program_below(2) ? 0 : 4) : 0x100
                            : list[program_below(sizeof list / sizeof *list)];
}

static unsigned reg(void) { return 10 + program_below(8); }

/* What loops are made of. */
static uint32_t random_body(void) {
    switch (program_below(6)) {
    case 0:
        return enc(program_below(2) ? INSN_lw : INSN_lbu, reg(), reg(), 0, 0);
    case 1:
        return enc(INSN_sw, 0, reg(), reg(), 0);
    case 2:
        return enc(INSN_fadd_d, program_below(8), program_below(8), program_below(8), 0);
    case 3:
        return enc(INSN_srli, reg(), reg(), 0, (int32_t)program_below(31));
    default:
        return enc(program_below(2) ? INSN_add : INSN_xor, reg(), reg(), reg(), 0);
    }
}

static void emit_random(uint64_t own, unsigned room) {
    bool machine = program_below(2);
    switch (program_below(22)) {
    case 0:
    case 1: { /* CSRs */
        static const enum insn_id ids[] = {INSN_csrrw, INSN_csrrs, INSN_csrrc, INSN_csrrs, INSN_csrrc};
        unsigned csr = program_below(2) ? random_csr() : 0x100;
        /* satp: the tables' or off; reading it is anything's business */
        bool is_satp = csr == 0x180;
        emit(enc(is_satp ? INSN_csrrs : ids[program_below(5)], reg(), is_satp ? 0 : reg(), 0, (int32_t)csr));
        break;
    }
    case 2:
        load_address(reg(), WINDOW + program_below(WINDOW_PAGES * 4096 + 64));
        break;
    case 3:
        load_address(reg(),
                     program_below(2) ? RAM + DATA + program_below(DATA_PAGES * 4096) : program_below(RAM_BYTES));
        break;
    case 4:
    case 5:
    case 6: {
        static const enum insn_id ids[] = {INSN_lb, INSN_lhu, INSN_lw, INSN_ld, INSN_sb, INSN_sh, INSN_sw, INSN_sd};
        unsigned i = RV64 ? program_below(8) : program_below(2) * 4 + program_below(3);
        emit(enc(ids[i], i < 4 ? reg() : 0, reg(), reg(), (int32_t)program_below(64) - 32));
        break;
    }
    case 7:
        emit(enc(program_below(2) ? INSN_amoadd_w : RV64 ? INSN_amoswap_d : INSN_amomin_w, reg(), reg(), reg(), 0));
        break;
    case 8: /* mstatus: FS, SUM, MXR, MPRV, TVM, TSR */
        load_address(T2, (uint64_t[]){MSTATUS_FS, 1 << 13, MSTATUS_SUM, MSTATUS_MXR, MSTATUS_MPRV, MSTATUS_TVM,
                                      MSTATUS_TSR, MSTATUS_MIE, MSTATUS_SIE}[program_below(9)]);
        emit(enc(program_below(2) ? INSN_csrrs : INSN_csrrc, 0, T2, 0, program_below(3) ? 0x300 : 0x100));
        break;
    case 9: /* software interrupts */
        emit(enc(INSN_csrrwi, 0, 2, 0, program_below(2) ? 0x344 : 0x144));
        break;
    case 10:
        emit(enc(INSN_sfence_vma, 0, program_below(2) ? reg() : 0, 0, 0));
        break;
    case 11:
        if (room < 40)
            break;
        load_address(T2, own + at % SEGMENT_BYTES + (RV64 ? 24 : 16)); /* only forward: every program ends */
        E(csrrw, 0, T2, 0, machine ? 0x341 : 0x141);
        emit(enc(machine ? INSN_mret : INSN_sret, 0, 0, 0, 0));
        break;
    case 12:
    case 13: {
        static const enum insn_id ids[] = {INSN_fadd_d, INSN_fmul_s, INSN_fsgnj_d, INSN_fdiv_d};
        emit(enc(ids[program_below(4)], program_below(8), program_below(8), program_below(8), 0));
        break;
    }
    case 14:
        emit(enc(program_below(2) ? INSN_fld : INSN_fsd, program_below(8), reg(), program_below(8), 0));
        break;
    case 15: /* changes the instruction behind the fence.i */
        if (room < 40)
            break;
        load_address(T2, own + at % SEGMENT_BYTES + (RV64 ? 40 : 24));
        load_address(T1, enc(INSN_addi, reg(), reg(), 0, (int32_t)program_below(100)));
        program->may_change[at / 4 + 2] = true;
        E(sw, 0, T2, T1, 0);
        E(fence_i, 0, 0, 0, 0);
        E(addi, 10, 10, 0, 1);
        break;
    case 16: /* a page's entry changes */
        load_address(T2, RAM + TABLES + 0x1000u * 15 + program->xlen / 8 * program_below(WINDOW_PAGES));
        load_word(T1, T2, 0);
        E(xori, T1, T1, 0, (int32_t)(1u << program_below(8)));
        store_word(T1, T2, 0);
        E(sfence_vma, 0, 0, 0, 0);
        break;
    case 17:
        emit(program_below(3) ? enc(INSN_beq, 0, reg(), reg(), 8) : enc(INSN_bltu, 0, reg(), reg(), 8));
        E(addi, reg(), reg(), 0, 1);
        E(xor, reg(), reg(), reg(), 0);
        break;
    case 20: { /* a loop, with a branch out of it now and then */
        if (room < 48)
            break;
        E(addi, 19, 0, 0, (int32_t)program_below(60) + 1);
        uint32_t head = at;
        for (unsigned i = program_below(4); i > 0; i--)
            emit(random_body());
        if (program_below(2))
            E(beq, 0, reg(), reg(), 12);
        E(addi, 19, 19, 0, -1);
        E(bne, 0, 19, 0, (int32_t)(head - at));
        break;
    }
    case 19: /* a device's register */
        if (!program->counted)
            break;
        load_address(T2, QUIET);
        emit(program_below(4) ? enc(INSN_lw, reg(), T2, 0, 0) : enc(INSN_sw, 0, T2, 0, 0));
        break;
    case 18:
        emit(program_below(2)   ? enc(program_below(2) ? INSN_ecall : INSN_ebreak, 0, 0, 0, 0)
             : program_below(2) ? 0
                                : UINT32_MAX);
        break;
    default:
        E(add, reg(), reg(), reg(), 0);
        E(srli, reg(), reg(), 0, (int32_t)program_below(64));
    }
}

static void put(uint64_t offset, uint64_t value) { memcpy(image + offset, &value, program->xlen / 8); }

/* Table pages: the root is the first, the last level of the window the 16th. */
static unsigned tables_used;
static void map(uint64_t va, uint64_t pa, uint64_t flags, bool window) {
    unsigned bytes = program->xlen / 8, bits = RV64 ? 9 : 10;
    uint64_t table = TABLES, mask = (UINT64_C(1) << bits) - 1;
    for (unsigned level = levels - 1; level > 0; level--) {
        uint64_t slot = table + bytes * (va >> (12 + bits * level) & mask), entry = 0;
        memcpy(&entry, image + slot, bytes);
        if (!entry) {
            uint64_t page = level == 1 && window ? TABLES + 15 * 4096 : TABLES + 4096 * ++tables_used;
            entry = (RAM + page) >> 12 << 10 | V;
            put(slot, entry);
        }
        table = (entry >> 10 << 12) - RAM;
    }
    put(table + bytes * (va >> 12 & mask), pa >> 12 << 10 | flags);
}

void program_make(struct system_program *p, unsigned xlen, bool counted) {
    program = p;
    p->xlen = xlen;
    p->counted = counted;
    memset(image, 0, sizeof image);
    memset(p->may_change, 0, sizeof p->may_change);
    tables_used = 0;
    levels = RV64 ? 3 + program_below(3) : 2;
    emit_handlers();
    for (unsigned page = 0; page < CODE / 4096 + SEGMENTS * SEGMENT_BYTES / 4096 + 1; page++) {
        map(RAM + page * 4096, RAM + page * 4096, V | R | W | X | A | D, false);
        map(USER_CODE + page * 4096, RAM + page * 4096, V | R | W | X | U | A | D, false);
    }
    for (unsigned page = 0; page < DATA_PAGES; page++)
        map(RAM + DATA + page * 4096, RAM + DATA + page * 4096, V | R | W | A | D | (program_below(2) ? U : 0), false);
    for (unsigned page = 0; page < 32; page++)
        map(RAM + TABLES + page * 4096, RAM + TABLES + page * 4096, V | R | W | A | D, false);
    for (unsigned page = 0; page < WINDOW_PAGES; page++)
        map(WINDOW + page * 4096, RAM + DATA + program_below(DATA_PAGES) * 4096,
            (program_below(6) ? V : 0) | (program_random() & (R | W | X | U | A | D)) |
                (program_below(30) || !RV64 ? 0 : UINT64_C(1) << 60),
            true);
    map(FINISHER, FINISHER, V | R | W | A | D | (program_below(2) ? U : 0), false);
    for (unsigned i = 0; i < DATA_PAGES * 4096; i += 8)
        put(DATA + i, program_random());
    put(VARIABLES, RAM + LOG);
    for (unsigned i = 0; i < SEGMENTS; i++) {
        static const unsigned privs[] = {PRIV_U, PRIV_S, PRIV_S, PRIV_M};
        unsigned priv = privs[program_below(4)];
        uint64_t offset = CODE + i * SEGMENT_BYTES, own = (priv == PRIV_U ? USER_CODE : RAM) + offset;
        put(VARIABLES + 32 + 16 * i, own);
        put(VARIABLES + 40 + 16 * i, (uint64_t)priv << 11);
        for (at = (uint32_t)offset; at < offset + SEGMENT_BYTES - 64;)
            emit_random(own, (unsigned)(offset + SEGMENT_BYTES - at) - 8);
        if (program_below(2)) /* again, a few times: what is hot is linked */
            E(addi, 18, 18, 0, 1);
        E(ecall, 0, 0, 0, 0);
        while (at < offset + SEGMENT_BYTES)
            E(ecall, 0, 0, 0, 0);
    }
}
