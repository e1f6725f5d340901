/* stubs.c: the code that all blocks share: entering and leaving generated code, helper calls, look-up of computed
 * targets.
 *
 * Generated code runs on the return stack, whose entries are pairs of (host return address, guest return address); at
 * its top is a sentinel that no guest return address matches.
 */
#include <cpuid.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "../record_words.h"
#include "emitter.h"

enum { STUB_BYTES = 8192 };

static unsigned host_features(void) {
    unsigned a, b, c, d, features = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d))
        return 0;
    bool osxsave = c >> 27 & 1, avx = c >> 28 & 1, fma = c >> 12 & 1, popcnt = c >> 23 & 1, sse41 = c >> 19 & 1,
         aes = c >> 25 & 1, clmul = c >> 1 & 1;
    uint32_t xcr0 = 0, high;
    if (osxsave)
        __asm__("xgetbv" : "=a"(xcr0), "=d"(high) : "c"(0));
    unsigned b7 = 0, c7, d7, c81 = 0;
    if (!__get_cpuid_count(7, 0, &a, &b7, &c7, &d7))
        b7 = 0;
    if (!__get_cpuid(0x80000001, &a, &b, &c81, &d))
        c81 = 0;
    if ((b7 >> 3 & 1) && (b7 >> 8 & 1) && (c81 >> 5 & 1) && popcnt)
        features |= HOST_BMI;
    if (osxsave && avx && sse41 && (xcr0 & 6) == 6) {
        features |= HOST_AVX;
        if (fma)
            features |= HOST_FMA;
        if (aes && clmul)
            features |= HOST_AES;
        bool f = b7 >> 16 & 1, dq = b7 >> 17 & 1, vl = b7 >> 31 & 1;
        if (f && dq && vl && fma && (xcr0 & 0xe6) == 0xe6)
            features |= HOST_AVX512;
    }
    return features;
}

const char *backend_features(char *buf, size_t n) {
    unsigned f = host_features();
    snprintf(buf, n, "x86-64%s%s%s%s%s", f & HOST_BMI ? " BMI2" : "", f & HOST_AVX ? " AVX" : "",
             f & HOST_FMA ? " FMA" : "", f & HOST_AVX512 ? " AVX-512" : "", f & HOST_AES ? " AES" : "");
    return buf;
}

/* Homes, by what compiled programs use most: the registers that compressed instructions can name, then sp and others.
 */
static void choose_homes(struct backend *be) {
    static const int8_t x_home[][2] = {{10, RDI}, {11, RSI}, {12, R8}, {13, R9},  {14, R10}, {15, R11},
                                       {2, RBX},  {8, R12},  {9, R13}, {16, R14}, {17, R15}};
    /* fa0-7, ft0-7, fs0-1, then fs2-11 */
    static const int8_t f_order[] = {15, 14, 13, 12, 11, 10, 16, 17, 0,  1,  2,  3,  4, 5,
                                     6,  7,  8,  9,  18, 19, 20, 21, 22, 23, 24, 25, 26};
    memset(be->home_x, NO_REG, sizeof be->home_x);
    memset(be->home_f, NO_REG, sizeof be->home_f);
    for (size_t i = 0; i < sizeof x_home / sizeof *x_home; i++)
        be->home_x[x_home[i][0]] = x_home[i][1];
    int count = be->features & HOST_AVX512 ? 27 : 11;
    for (int i = 0; i < count; i++)
        be->home_f[f_order[i]] = (int8_t)(XMM_SCRATCH + 1 + i);
}

static const int callee_saved[] = {RBX, RBP, R12, R13, R14, R15};
static const int caller_saved[] = {RAX, RCX, RDX, RSI, RDI, R8, R9, R10, R11};

static void move_homes(struct emitter *e, bool save) {
    for (unsigned i = 1; i < 32; i++)
        if (e->be->home_x[i] != NO_REG)
            asm_rm(&e->a, save ? 0x89 : 0x8b, true, e->be->home_x[i], hart_x(i));
    for (unsigned i = 0; i < 32; i++) {
        if (e->be->home_f[i] == NO_REG)
            continue;
        if (save)
            fp_store(e, true, hart_f(i), e->be->home_f[i]);
        else
            fp_load(e, true, e->be->home_f[i], hart_f(i));
    }
}
static void fpcr(struct emitter *e, bool store, struct mem m) { asm_rm(&e->a, MAP_0F | 0xae, false, store ? 3 : 2, m); }

static uint32_t make_enter(struct emitter *e) {
    uint32_t at = asm_offset(&e->a);
    for (size_t i = 0; i < 6; i++)
        asm_push(&e->a, callee_saved[i]);
    asm_alu_ri(&e->a, ALU_SUB, true, RSP, 8); /* 16-byte alignment for calls from here */
    asm_rm(&e->a, 0x8d, true, RBP, mem_at(RDI, HART_BASE_OFFSET));
    asm_rm(&e->a, 0x89, true, RSP, HART(host_sp));
    asm_mov(&e->a, true, RAX, RSI);
    fpcr(e, false, HART(host_fpcr));
    move_homes(e, false);
    asm_rm(&e->a, 0x8b, true, RSP, HART(return_sp));
    asm_rr(&e->a, 0xff, false, 4, RAX); /* jmp rax */
    return at;
}
static uint32_t make_leave(struct emitter *e) {
    uint32_t at = asm_offset(&e->a);
    move_homes(e, true);
    fpcr(e, true, HART(host_fpcr));
    fpcr(e, false, HART(host_fpcr_default));
    asm_rm(&e->a, 0x89, true, RSP, HART(return_sp));
    asm_rm(&e->a, 0x8b, true, RSP, HART(host_sp));
    asm_alu_ri(&e->a, ALU_ADD, true, RSP, 8);
    for (size_t i = 6; i-- > 0;)
        asm_pop(&e->a, callee_saved[i]);
    asm_byte(&e->a, 0xc3);
    return at;
}
/* Calls hart.call_fn(hart, call_arg[0..2], call_imm) on the C stack; every register keeps its value. */
static uint32_t make_call(struct emitter *e) {
    uint32_t at = asm_offset(&e->a);
    asm_rm(&e->a, 0x89, true, RSP, HART(return_sp));
    asm_rm(&e->a, 0x8b, true, RSP, HART(host_sp));
    for (size_t i = 0; i < 9; i++)
        asm_push(&e->a, caller_saved[i]);
    asm_alu_ri(&e->a, ALU_SUB, true, RSP, 8);
    if (e->be->stats)
        asm_alu_mi(&e->a, ALU_ADD, true, HART(stat[1]), 1);
    asm_rm(&e->a, 0x8d, true, RDI, mem_at(RBP, -(int32_t)HART_BASE_OFFSET));
    asm_rm(&e->a, 0x8b, true, RSI, HART(call_arg[0]));
    asm_rm(&e->a, 0x8b, true, RDX, HART(call_arg[1]));
    asm_rm(&e->a, 0x8b, true, RCX, HART(call_arg[2]));
    asm_rm(&e->a, 0x8b, true, R8, HART(call_imm));
    asm_call_mem(&e->a, HART(call_fn));
    asm_rm(&e->a, 0x89, true, RAX, HART(call_result));
    asm_alu_ri(&e->a, ALU_ADD, true, RSP, 8);
    for (size_t i = 9; i-- > 0;)
        asm_pop(&e->a, caller_saved[i]);
    asm_rm(&e->a, 0x8b, true, RSP, HART(return_sp));
    asm_byte(&e->a, 0xc3);
    return at;
}
/* Goes to the guest address in rax. */
static uint32_t make_lookup(struct emitter *e, uint32_t leave) {
    uint32_t at = asm_offset(&e->a);
    asm_mov(&e->a, false, RCX, RAX);
    asm_alu_ri(&e->a, ALU_AND, false, RCX, 0x1ffe);
    asm_rm(&e->a, 0x8b, true, RDX, HART(jump_cache));
    asm_rm(&e->a, 0x3b, true, RAX, (struct mem){RDX, RCX, 3, 0});
    uint32_t miss = asm_jcc32(&e->a, CC_NE);
    asm_jmp_mem(&e->a, (struct mem){RDX, RCX, 3, 8});
    asm_patch_here(&e->a, miss);
    asm_rm(&e->a, 0x89, true, RAX, HART(pc));
    asm_mov_imm(&e->a, RAX, BACK_INDIRECT);
    asm_patch32(&e->a, asm_jmp32(&e->a), leave);
    return at;
}

/* Calls hart.call_fn(hart, call_arg[0..1], 0, call_imm), which is any C code: f registers are kept as well. */
static uint32_t make_tlb(struct emitter *e) {
    uint32_t at = asm_offset(&e->a);
    int xmms = e->be->features & HOST_AVX512 ? 32 : 16, bytes = xmms * 8 + 8;
    asm_rm(&e->a, 0x89, true, RSP, HART(return_sp));
    asm_rm(&e->a, 0x8b, true, RSP, HART(host_sp));
    for (size_t i = 0; i < 9; i++)
        asm_push(&e->a, caller_saved[i]);
    asm_alu_ri(&e->a, ALU_SUB, true, RSP, bytes);
    for (int i = 0; i < xmms; i++)
        fp_store(e, true, mem_at(RSP, i * 8), i);
    if (e->be->stats)
        asm_alu_mi(&e->a, ALU_ADD, true, HART(stat[1]), 1);
    fpcr(e, true, HART(host_fpcr));
    asm_rm(&e->a, 0x8d, true, RDI, mem_at(RBP, -(int32_t)HART_BASE_OFFSET));
    asm_rm(&e->a, 0x8b, true, RSI, HART(call_arg[0]));
    asm_rm(&e->a, 0x8b, true, RDX, HART(call_arg[1]));
    asm_rm(&e->a, 0x8b, true, R8, HART(call_imm));
    asm_call_mem(&e->a, HART(call_fn));
    asm_rm(&e->a, 0x89, true, RAX, HART(call_result));
    fpcr(e, false, HART(host_fpcr));
    for (int i = 0; i < xmms; i++)
        fp_load(e, true, i, mem_at(RSP, i * 8));
    asm_alu_ri(&e->a, ALU_ADD, true, RSP, bytes);
    for (size_t i = 9; i-- > 0;)
        asm_pop(&e->a, caller_saved[i]);
    asm_rm(&e->a, 0x8b, true, RSP, HART(return_sp));
    asm_byte(&e->a, 0xc3);
    return at;
}

/* Writes the registers to the words behind rax (record_words.h): those of a block's start, where each is at home.  Two
 * at a time where the hart has both. */
static uint32_t make_state(struct emitter *e) {
    uint32_t at = asm_offset(&e->a);
    const struct backend *be = e->be;
    bool avx = has(e, HOST_AVX);
    asm_rm(&e->a, 0x8b, true, RDX, HART(record_fp));
    asm_rm(&e->a, 0x89, true, RDX, mem_at(RAX, STATE_X * 8));
    for (unsigned i = 1; i < 32; i++) {
        struct mem to = mem_at(RAX, (int32_t)(STATE_X + i) * 8);
        if (be->home_x[i] != NO_REG) {
            asm_rm(&e->a, 0x89, true, be->home_x[i], to);
        } else if (i < 31 && be->home_x[i + 1] == NO_REG) {
            asm_fp_rm(&e->a, avx, MAP_0F | 0x10, false, 0, 0, hart_x(i)); /* movups */
            asm_fp_rm(&e->a, avx, MAP_0F | 0x11, false, 0, 0, to);
            i++;
        } else {
            asm_rm(&e->a, 0x8b, true, RCX, hart_x(i));
            asm_rm(&e->a, 0x89, true, RCX, to);
        }
    }
    asm_rr(&e->a, 0x85, true, RDX, RDX);
    uint32_t fp = asm_jcc32(&e->a, CC_NE);
    asm_byte(&e->a, 0xc3);
    asm_patch_here(&e->a, fp);
    for (unsigned i = 0; i < 32; i++) {
        struct mem to = mem_at(RAX, (int32_t)(STATE_F + i) * 8);
        if (be->home_f[i] != NO_REG) {
            fp_store(e, true, to, be->home_f[i]);
        } else {
            asm_rm(&e->a, 0x8b, true, RCX, hart_f(i));
            asm_rm(&e->a, 0x89, true, RCX, to);
        }
    }
    fpcr(e, true, mem_at(RAX, STATE_FCSR * 8));
    asm_rm(&e->a, 0x8b, false, RCX, HART(fflags));
    asm_rm(&e->a, 0x89, false, RCX, mem_at(RAX, STATE_FCSR * 8 + 4));
    asm_byte(&e->a, 0xc3);
    return at;
}

struct backend *backend_create(unsigned disable, bool stats, bool board, bool counted, char *err, size_t n) {
    struct backend *be = calloc(1, sizeof *be);
    if (!be || !(be->emitter = malloc(sizeof *be->emitter))) {
        free(be);
        snprintf(err, n, "no memory for the translator");
        return NULL;
    }
    be->features = host_features() & ~disable;
    if (!(be->features & HOST_AVX))
        be->features &= ~(unsigned)(HOST_FMA | HOST_AVX512 | HOST_AES);
    if (!(be->features & HOST_FMA))
        be->features &= ~(unsigned)HOST_AVX512;
    be->stats = stats;
    be->board = board;
    be->counted = counted;
    choose_homes(be);
    be->stubs = cc_create(STUB_BYTES, STUB_BYTES, err, n);
    if (!be->stubs)
        goto fail;
    uint8_t *writable;
    const uint8_t *executable;
    if (!cc_reserve(be->stubs, STUB_BYTES - 512, &writable, &executable)) {
        snprintf(err, n, "no room for the translator's stubs");
        goto fail;
    }
    struct emitter *e = be->emitter;
    e->a = (struct assembler){writable, writable, writable + STUB_BYTES - 512, false};
    e->be = be;
    uint32_t leave = make_leave(e), enter = make_enter(e), call = make_call(e), lookup = make_lookup(e, leave),
             tlb = make_tlb(e), state = make_state(e);
    uint32_t fault = asm_offset(&e->a);
    asm_mov_imm(&e->a, RAX, BACK_FAULT);
    asm_patch32(&e->a, asm_jmp32(&e->a), leave);
    uint32_t sentinel = asm_offset(&e->a); /* a return to address 1, which is 0 after masking */
    asm_rm(&e->a, 0x8b, true, RSP, HART(return_top));
    asm_mov_imm(&e->a, RAX, 0);
    asm_patch32(&e->a, asm_jmp32(&e->a), lookup);
    struct cc_commit commit = {.src_end = 1, .size = asm_offset(&e->a)};
    struct cc_block *block = e->a.overflow ? NULL : cc_commit(be->stubs, &commit);
    if (!block) {
        snprintf(err, n, "no memory for the translator's stubs");
        goto fail;
    }
    be->enter = block->code + enter;
    be->leave = block->code + leave;
    be->call = block->code + call;
    be->lookup = block->code + lookup;
    be->tlb = block->code + tlb;
    be->state = block->code + state;
    be->fault = block->code + fault;
    be->sentinel = block->code + sentinel;
    return be;
fail:
    backend_destroy(be);
    return NULL;
}

void backend_destroy(struct backend *be) {
    if (!be)
        return;
    if (be->stubs)
        cc_destroy(be->stubs);
    free(be->emitter);
    free(be);
}

void backend_hart_init(struct backend *be, struct hart *h, void *return_stack, size_t bytes) {
    static const uint64_t pool[16] = {[POOL_SIGN_D * 2] = 1ull << 63,       [POOL_SIGN_S * 2] = 0x80000000u,
                                      [POOL_ABS_D * 2] = ~(1ull << 63),     [POOL_ABS_S * 2] = 0x7fffffffu,
                                      [POOL_BOX * 2] = 0xffffffff00000000u, [POOL_CANON_D * 2] = FP_CANONICAL_D,
                                      [POOL_CANON_S * 2] = FP_CANONICAL_S};
    memcpy(h->pool, pool, sizeof pool);
    for (unsigned i = 0; i < 64; i++)
        h->flag_table[i] = backend_flags(i);
    uint64_t *top = (uint64_t *)((char *)return_stack + bytes) - 2;
    top[0] = (uint64_t)(uintptr_t)be->sentinel;
    top[1] = 1;
    h->return_low = (uint64_t)(uintptr_t)return_stack;
    h->return_top = h->return_sp = (uint64_t)(uintptr_t)top;
    h->leave_stub = (uint64_t)(uintptr_t)be->leave;
    h->call_stub = (uint64_t)(uintptr_t)be->call;
    h->lookup_stub = (uint64_t)(uintptr_t)be->lookup;
    h->tlb_stub = (uint64_t)(uintptr_t)be->tlb;
    h->state_stub = (uint64_t)(uintptr_t)be->state;
    h->host_fpcr_default = 0x1f80;
    backend_load_rounding(h);
}
void backend_reset_returns(struct hart *h) { h->return_sp = h->return_top; }

enum leave_reason backend_enter(struct backend *be, struct hart *h, const uint8_t *code) {
    int (*enter)(struct hart *, const uint8_t *) = (int (*)(struct hart *, const uint8_t *))(uintptr_t)be->enter;
    return (enum leave_reason)enter(h, code);
}

uintptr_t backend_context_pc(const void *ucontext) {
    return (uintptr_t)((const ucontext_t *)ucontext)->uc_mcontext.gregs[REG_RIP];
}
bool backend_context_is_write(const void *ucontext) {
    return ((const ucontext_t *)ucontext)->uc_mcontext.gregs[REG_ERR] & 2;
}
uint32_t backend_context_fpcr(const void *ucontext) {
    const struct _libc_fpstate *fp = ((const ucontext_t *)ucontext)->uc_mcontext.fpregs;
    return fp ? fp->mxcsr : 0;
}
void backend_context_leave(struct backend *be, void *ucontext) {
    ((ucontext_t *)ucontext)->uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)be->fault;
}
void backend_context_go(void *ucontext, const uint8_t *code) {
    ((ucontext_t *)ucontext)->uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)code;
}
bool backend_return_stack_fault(struct hart *h, uintptr_t address, void *ucontext) {
    if (address >= h->return_low || h->return_low - address > 4096)
        return false;
    ((ucontext_t *)ucontext)->uc_mcontext.gregs[REG_RSP] = (greg_t)h->return_top;
    return true;
}
