/* Emitted host code, read by a disassembler that knows nothing of the emitter: every byte of every block belongs to a
 * valid instruction, jumps within the block lead to the start of one, so do stubs and fault entries, exits end in their
 * displacement, and a host without AVX or BMI gets no instruction of theirs.
 *
 * Blocks are random programs in which every row of cpu/riscv.def comes up.  RIV_SEED and RIV_CASES as in test_rows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <Zydis/Zydis.h>

#include "../../translate/backend.h"
#include "../../translate/lift.h"
#include "row_program.h"

enum { CACHE_BYTES = 1 << 20 };

static size_t fetch(void *ctx, uint64_t pc, const uint8_t **host, uint32_t *cause) {
    *cause = TRAP_FETCH_PAGE;
    if (pc - PROGRAM_CODE >= 4096)
        return 0;
    *host = (const uint8_t *)(uintptr_t)pc;
    return PROGRAM_CODE + 4096 - pc;
}
static bool watch_code(void *ctx, uint64_t addr) { return true; }
static const struct guest_memory memory = {.fetch = fetch, .watch_code = watch_code};

static ZydisDecoder decoder;
static unsigned long instructions, blocks;

/* Offset of the exit's displacement that ends at offset end, or false. */
static bool ends_in_exit(const struct emitted *out, uint32_t end) {
    for (uint32_t i = 0; i < out->exit_count; i++)
        if (out->exits[i].patch + 4 == end)
            return true;
    return false;
}

static bool is_newer(const ZydisDecodedInstruction *insn) {
    return insn->encoding == ZYDIS_INSTRUCTION_ENCODING_VEX || insn->encoding == ZYDIS_INSTRUCTION_ENCODING_EVEX ||
           insn->meta.isa_set == ZYDIS_ISA_SET_LZCNT || insn->mnemonic == ZYDIS_MNEMONIC_LZCNT ||
           insn->mnemonic == ZYDIS_MNEMONIC_TZCNT || insn->mnemonic == ZYDIS_MNEMONIC_POPCNT;
}

static const char *check_code(const uint8_t *code, const struct emitted *out, bool plain, uint32_t *where) {
    static uint8_t starts[CACHE_BYTES + 1];
    memset(starts, 0, out->size + 1);
    uint32_t exits_seen = 0;
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t at = 0; at < out->size;) {
            ZydisDecodedInstruction insn;
            ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
            *where = at;
            if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code + at, out->size - at, &insn, operands)))
                return "no instruction";
            uint32_t end = at + insn.length;
            if (pass == 0) {
                starts[at] = 1;
                exits_seen += ends_in_exit(out, end);
                instructions++;
                if (plain && is_newer(&insn))
                    return "an instruction that this host lacks";
            } else if (insn.raw.imm[0].is_relative && !ends_in_exit(out, end)) {
                int64_t target = (int64_t)end + insn.raw.imm[0].value.s;
                if (target < 0 || target >= out->size || !starts[target])
                    return "a jump to no instruction";
            }
            at = end;
        }
    *where = 0;
    if (exits_seen != out->exit_count)
        return "an exit that is no jump's displacement";
    for (uint32_t i = 0; i < out->exit_count; i++)
        if (!starts[out->exits[i].stub])
            return "an exit's stub inside of an instruction";
    for (uint32_t i = 0; i < out->info->fault_count; i++)
        if (!starts[out->info->faults[i].host])
            return "a fault entry inside of an instruction";
    return starts[out->entry] ? NULL : "an entry inside of an instruction";
}

static void check_block(struct backend *be, struct codecache *cc, const struct isa *isa, uint64_t pc, unsigned max,
                        unsigned mode, bool plain, const struct program *p) {
    static struct ir_block b;
    struct lift_config lift = {.mem = &memory, .isa = isa, .mode = {.frm = (uint8_t)mode}, .max_insns = max};
    uint8_t *writable;
    const uint8_t *executable;
    struct emitted out;
    if (!lift_block(&b, &lift, pc))
        return;
    ir_optimise(&b);
    assert_true(cc_reserve(cc, backend_room(&b), &writable, &executable));
    if (!backend_emit(be, &b, mode, writable, executable, backend_room(&b), &out)) {
        cc_abort(cc);
        if (b.insns > 1) { /* too much for the tables: in smaller pieces, as the engine does it */
            check_block(be, cc, isa, pc, b.insns / 2, mode, plain, p);
            return;
        }
        program_print(p, stderr);
        fail_msg("not emitted: one instruction at %#llx", (unsigned long long)pc);
    }
    uint32_t where;
    const char *wrong = check_code(writable, &out, plain, &where);
    if (wrong) {
        program_print(p, stderr);
        backend_disassemble(writable, out.size, stderr);
        fail_msg("RIV_SEED=%llu: %s at %#x", (unsigned long long)program_seed(), wrong, where);
    }
    blocks++;
    free(out.info);
    cc_abort(cc);
}

static void check_all(const char *name, bool plain, bool stats) {
    static struct program p;
    struct isa isa;
    char err[256];
    assert_true(isa_parse(&isa, name, err, sizeof err));
    struct codecache *cc = cc_create(CACHE_BYTES, CACHE_BYTES, err, sizeof err);
    struct backend *be = cc ? backend_create(plain ? ~0u : 0, stats, false, false, err, sizeof err) : NULL;
    if (!be) {
        print_message("not translating: %s\n", err);
        skip();
    }
    const char *text = getenv("RIV_CASES");
    unsigned rows;
    const struct row_pattern *patterns = row_patterns(&rows);
    uint64_t seed = program_seed() * 31 + plain;
    instructions = blocks = 0;
    for (unsigned row = 0; row < rows; row++) {
        if (!row_pattern_in(&patterns[row], &isa))
            continue;
        for (unsigned long n = 8 * (text ? strtoul(text, NULL, 0) : 1); n > 0; n--) {
            struct program_options options = {.focus = (int)row, .max_rows = n % 2 ? 20 : 1};
            program_make(&p, &isa, program_random(&seed), &options);
            program_place(&p);
            for (unsigned i = 0; i <= p.count; i++)
                check_block(be, cc, &isa, program_address(&p, i), n % 4 ? 64 : 1, (unsigned)(program_random(&seed) % 6),
                            plain, &p);
        }
    }
    backend_destroy(be);
    cc_destroy(cc);
    print_message("%lu blocks, %lu host instructions\n", blocks, instructions);
    assert_true(blocks > 10000);
}
static void rv64(void **state) { check_all("max", false, false); }
static void rv64_counting(void **state) { check_all("max", false, true); }
static void rv64_plain_host(void **state) { check_all("max", true, false); }
static void rv32(void **state) { check_all("rv32max", false, false); }
static void rv32_plain_host(void **state) { check_all("rv32max", true, false); }

static int set_up(void **state) {
    return program_map() && ZYAN_SUCCESS(ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64))
               ? 0
               : -1;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rv64), cmocka_unit_test(rv64_counting),   cmocka_unit_test(rv64_plain_host),
        cmocka_unit_test(rv32), cmocka_unit_test(rv32_plain_host),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
