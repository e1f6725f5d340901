/* ir_text.c: a block as text, and back.
 *
 *      block 0x10074 rv64 end 0x10080 insns 3
 *        %0 = get a0
 *        %1 = fget fa0
 *        %2 = amo add.32 %0, %0 @0x10074
 *        set a1, %2
 *        %4 = f_to_w_d.rtz %1
 *        set a2, %4
 *        exit_call 0x10100, ret 0x10080 @0x1007c #2
 *
 * %N is the index of the node.  Nodes without a result have an index too but do not show it; dead nodes are left out,
 * and the reader puts dead ones where numbers were skipped.  A number that is too low (text by hand, where it is
 * convenient to count results only) is a name for whatever index the node gets.
 * @ is the pc of the guest instruction, # how many instructions of the block come before it; both are printed where the
 * guest's state can be observed and default to the block's start and 0.  end and insns default to the start and 0.
 */
#include "ir.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char *const amo_names[] = {
    [AMO_SWAP] = "swap", [AMO_ADD] = "add", [AMO_XOR] = "xor",   [AMO_AND] = "and",   [AMO_OR] = "or",
    [AMO_MIN] = "min",   [AMO_MAX] = "max", [AMO_MINU] = "minu", [AMO_MAXU] = "maxu",
};
static const char *const leave_names[] = {[LEAVE_FENCE_I] = "fence_i",
                                          [LEAVE_EXCLUSIVE] = "exclusive",
                                          [LEAVE_INTERPRET] = "interpret",
                                          [LEAVE_MODE] = "mode"};
static const char *const system_names[] = {[DO_MRET] = "mret",
                                           [DO_SRET] = "sret",
                                           [DO_WFI] = "wfi",
                                           [DO_SFENCE] = "sfence",
                                           [DO_SFENCE_PAGE] = "sfence_page",
                                           [DO_SFENCE_ORDER] = "sfence_order",
                                           [DO_ECALL] = "ecall",
                                           [DO_FENCE_I] = "fence_i",
                                           [DO_FS_DIRTY] = "fs_dirty"};
static const char *const rm_names[] = {"rne", "rtz", "rdn", "rup", "rmm", "rm5", "rm6", "dyn"};
static const char *const cause_names[] = {
    [TRAP_FETCH_MISALIGNED] = "fetch_misaligned",
    [TRAP_FETCH_ACCESS] = "fetch_access",
    [TRAP_ILLEGAL] = "illegal",
    [TRAP_BREAKPOINT] = "breakpoint",
    [TRAP_LOAD_MISALIGNED] = "load_misaligned",
    [TRAP_LOAD_ACCESS] = "load_access",
    [TRAP_STORE_MISALIGNED] = "store_misaligned",
    [TRAP_STORE_ACCESS] = "store_access",
    [TRAP_ECALL_U] = "ecall_u",
    [TRAP_FETCH_PAGE] = "fetch_page",
    [TRAP_LOAD_PAGE] = "load_page",
    [TRAP_STORE_PAGE] = "store_page",
};
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* What follows an operation's name, one letter a field:
 *   %  the next operand       k  imm, a constant     d  imm, decimal      a  imm, an address or set of bits
 *   x  imm, an x register     f  imm, an f register  w  .imm, a width     o  aux.imm, an amo's operation and width
 *   h  aux, a helper, and all operands in brackets   c  aux, a trap cause   l  aux, why the engine is entered
 *   s  aux, what the engine does
 *   r  imm2, a return address                        t  imm2, a value       m  .rm */
static const char *shape(enum ir_op op) {
    switch (op) {
    case IR_const:
        return "k";
    case IR_get:
        return "x";
    case IR_fget:
        return "f";
    case IR_set:
        return "x%";
    case IR_fset:
    case IR_fset_s:
        return "f%";
    case IR_call:
        return "hd";
    case IR_fflags:
        return "";
    case IR_set_fflags:
        return "%";
    case IR_csr:
    case IR_sys_csr:
        return "%a";
    case IR_sys_cbo:
        return "%d";
    case IR_check_code:
        return "at";
    case IR_poll:
        return "a";
    case IR_amo:
        return "o%%";
    case IR_cas:
    case IR_cas_sc:
        return "w%%%";
    case IR_cas_arg:
        return "%d";
    case IR_check_align:
        return "%dc";
    case IR_record_begin:
    case IR_record_open:
    case IR_record_end:
        return "d";
    case IR_record:
    case IR_record_f:
    case IR_record_fs:
        return "%d";
    case IR_exit_if:
        return "%a";
    case IR_exit:
        return "a";
    case IR_exit_call:
        return "ar";
    case IR_exit_call_reg:
        return "%r";
    case IR_exit_likely:
        return "%a";
    case IR_exit_call_likely:
        return "%ar";
    case IR_exit_trap:
        return "ct";
    case IR_exit_engine:
        return "la";
    case IR_exit_system:
        return "s%a";
    default:
        break;
    }
    static const char *const plain[] = {"", "%", "%%", "%%%"}, *const fp[] = {"m", "m%", "m%%", "m%%%"};
    switch (ir_ops[op].kind) {
    case IRK_LOAD:
        return "%d";
    case IRK_STORE:
        return "%%d";
    case IRK_FP:
        return fp[strlen(ir_ops[op].args)];
    default:
        return plain[strlen(ir_ops[op].args)];
    }
}

/* The guest's state can be seen at such a node. */
static bool shows_pc(enum ir_op op) {
    unsigned kind = ir_ops[op].kind;
    return kind == IRK_LOAD || kind == IRK_STORE || kind == IRK_EFFECT || kind == IRK_EXIT;
}
static uint64_t mask_pc(const struct ir_block *b, uint64_t pc) { return b->xlen == 32 ? (uint32_t)pc : pc; }

/* ---- writing ---- */

static void put_name(FILE *to, const char *const *names, size_t count, unsigned i) {
    if (i < count && names[i])
        fputs(names[i], to);
    else
        fprintf(to, "%u", i);
}
static void put_operand(FILE *to, ir_ref r) {
    if (r == IR_NONE)
        fputc('_', to);
    else
        fprintf(to, "%%%u", r);
}
static void put_call(FILE *to, const struct ir_node *n) {
    const ir_ref args[3] = {n->a, n->b, n->c};
    fprintf(to, "%s(", n->aux < ir_helper_count ? ir_helpers[n->aux].name : "?");
    unsigned count = 3;
    while (count > 0 && args[count - 1] == IR_NONE)
        count--;
    for (unsigned i = 0; i < count; i++) {
        if (i)
            fputs(", ", to);
        put_operand(to, args[i]);
    }
    fputc(')', to);
}

static void put_field(FILE *to, char field, const struct ir_node *n, ir_ref operand) {
    switch (field) {
    case '%':
        put_operand(to, operand);
        break;
    case 'x':
        fputs(n->imm >= 0 && n->imm < 32 ? insn_xreg_names[n->imm] : "?", to);
        break;
    case 'f':
        fputs(n->imm >= 0 && n->imm < 32 ? insn_freg_names[n->imm] : "?", to);
        break;
    case 'k':
        if (n->imm < -4096 || n->imm > 4096)
            fprintf(to, "0x%" PRIx64, (uint64_t)n->imm);
        else
            fprintf(to, "%" PRId64, n->imm);
        break;
    case 'd':
        fprintf(to, "%" PRId64, n->imm);
        break;
    case 'a':
        fprintf(to, "0x%" PRIx64, (uint64_t)n->imm);
        break;
    case 'o':
        put_name(to, amo_names, COUNT(amo_names), n->aux);
        fprintf(to, ".%" PRId64, n->imm);
        break;
    case 'h':
        put_call(to, n);
        break;
    case 'c':
        put_name(to, cause_names, COUNT(cause_names), n->aux);
        break;
    case 'l':
        put_name(to, leave_names, COUNT(leave_names), n->aux);
        break;
    case 's':
        put_name(to, system_names, COUNT(system_names), n->aux);
        break;
    case 'r':
        fprintf(to, "ret 0x%" PRIx64, (uint64_t)n->imm2);
        break;
    case 't':
        fprintf(to, "0x%" PRIx64, (uint64_t)n->imm2);
        break;
    default:
        break;
    }
}

static void put_node(const struct ir_block *b, FILE *to, unsigned i) {
    const struct ir_node *n = &b->nodes[i];
    const ir_ref args[3] = {n->a, n->b, n->c};
    const char *fields = shape((enum ir_op)n->op);
    fputs("  ", to);
    if (ir_ops[n->op].result != '-')
        fprintf(to, "%%%u = ", i);
    fputs(ir_ops[n->op].name, to);
    if (*fields == 'm') {
        if (n->rm != RM_DYN)
            fprintf(to, ".%s", rm_names[n->rm & 7]);
        fields++;
    } else if (*fields == 'w') {
        fprintf(to, ".%" PRId64, n->imm);
        fields++;
    }
    const char *separator = " ";
    for (unsigned operand = 0; *fields; fields++) {
        fputs(separator, to);
        put_field(to, *fields, n, args[operand < 3 ? operand : 2]);
        operand += *fields == '%';
        separator = *fields == 'o' ? " " : ", ";
    }
    if (shows_pc((enum ir_op)n->op)) {
        fprintf(to, " @0x%" PRIx64, mask_pc(b, b->pc + n->pc));
        if (n->insn)
            fprintf(to, " #%u", n->insn);
    }
    fputc('\n', to);
}

void ir_print(const struct ir_block *b, FILE *to) {
    fprintf(to, "block 0x%" PRIx64 " rv%u", b->pc, b->xlen);
    if (b->end != b->pc)
        fprintf(to, " end 0x%" PRIx64, b->end);
    if (b->insns)
        fprintf(to, " insns %u", b->insns);
    fputc('\n', to);
    for (unsigned i = 0; i < b->count; i++)
        if (!b->nodes[i].dead)
            put_node(b, to, i);
}

/* ---- reading ---- */

struct reader {
    struct ir_block *b;
    const char *p;
    unsigned line;
    char *err;
    size_t n;
    ir_ref names[IR_MAX_NODES]; /* %N to index */
};

__attribute__((format(printf, 2, 3))) static bool fail(struct reader *r, const char *format, ...) {
    int used = snprintf(r->err, r->n, "line %u: ", r->line);
    if (used >= 0 && (size_t)used < r->n) {
        va_list args;
        va_start(args, format);
        vsnprintf(r->err + used, r->n - (size_t)used, format, args);
        va_end(args);
    }
    return false;
}

static void skip_blanks(struct reader *r) {
    while (*r->p == ' ' || *r->p == '\t' || *r->p == '\r')
        r->p++;
}
static bool accept(struct reader *r, char c) {
    skip_blanks(r);
    if (*r->p != c)
        return false;
    r->p++;
    return true;
}
static bool expect(struct reader *r, char c) {
    return accept(r, c) || fail(r, "'%c' expected before '%.12s'", c, r->p);
}

/* A word of letters, digits and _, into buf. */
static bool get_word(struct reader *r, char *buf, size_t size) {
    skip_blanks(r);
    size_t length = 0;
    while ((*r->p >= 'a' && *r->p <= 'z') || (*r->p >= '0' && *r->p <= '9') || *r->p == '_') {
        if (length + 1 >= size)
            return fail(r, "too long a word");
        buf[length++] = *r->p++;
    }
    buf[length] = 0;
    return length > 0 || fail(r, "word expected before '%.12s'", r->p);
}

/* Decimal with an optional sign, or hexadecimal of up to 64 bits. */
static bool get_number(struct reader *r, int64_t *out) {
    skip_blanks(r);
    bool hex = r->p[0] == '0' && r->p[1] == 'x';
    const char *digits = r->p + (hex ? 2 : *r->p == '-');
    bool starts = (*digits >= '0' && *digits <= '9') || (hex && *digits >= 'a' && *digits <= 'f');
    char *end = NULL;
    errno = 0;
    if (starts)
        *out = hex ? (int64_t)strtoull(r->p, &end, 16) : strtoll(r->p, &end, 10);
    if (!starts || errno)
        return fail(r, "number expected before '%.12s'", r->p);
    r->p = end;
    return true;
}
static bool get_ranged(struct reader *r, int64_t most, int64_t *out) {
    return get_number(r, out) && ((*out >= 0 && *out <= most) || fail(r, "number out of range"));
}

/* One of the names, or its index as a number. */
static bool get_name(struct reader *r, const char *const *names, size_t count, uint16_t *out) {
    skip_blanks(r);
    int64_t number;
    if (*r->p >= '0' && *r->p <= '9') {
        if (!get_ranged(r, UINT16_MAX, &number))
            return false;
        *out = (uint16_t)number;
        return true;
    }
    char word[32];
    if (!get_word(r, word, sizeof word))
        return false;
    for (size_t i = 0; i < count; i++)
        if (names[i] && strcmp(names[i], word) == 0) {
            *out = (uint16_t)i;
            return true;
        }
    return fail(r, "unknown name '%s'", word);
}

/* By ABI name, or as x10, f10. */
static bool get_register(struct reader *r, char file, const char *const *names, int64_t *out) {
    char word[8], plain[8];
    if (!get_word(r, word, sizeof word))
        return false;
    for (unsigned i = 0; i < 32; i++) {
        snprintf(plain, sizeof plain, "%c%u", file, i);
        if (strcmp(word, names[i]) == 0 || strcmp(word, plain) == 0) {
            *out = i;
            return true;
        }
    }
    return fail(r, "unknown register '%s'", word);
}

static bool get_operand(struct reader *r, ir_ref *out) {
    if (accept(r, '_')) {
        *out = IR_NONE;
        return true;
    }
    int64_t name;
    if (!expect(r, '%') || !get_ranged(r, IR_MAX_NODES - 1, &name))
        return false;
    *out = r->names[name];
    return *out != IR_NONE || fail(r, "%%%u is not defined yet", (unsigned)name);
}

static bool get_call(struct reader *r, struct ir_node *n) {
    char word[32];
    if (!get_word(r, word, sizeof word))
        return false;
    unsigned i = 0;
    while (i < ir_helper_count && strcmp(ir_helpers[i].name, word) != 0)
        i++;
    if (i == ir_helper_count)
        return fail(r, "unknown helper '%s'", word);
    n->aux = (uint16_t)i;
    if (!expect(r, '('))
        return false;
    ir_ref *args[3] = {&n->a, &n->b, &n->c};
    for (i = 0; !accept(r, ')'); i++)
        if (i == 3 || (i && !expect(r, ',')) || !get_operand(r, args[i]))
            return i == 3 ? fail(r, "too many arguments") : false;
    return true;
}

static bool get_field(struct reader *r, char field, struct ir_node *n, ir_ref *operand) {
    char word[8];
    switch (field) {
    case '%':
        return get_operand(r, operand);
    case 'x':
        return get_register(r, 'x', insn_xreg_names, &n->imm);
    case 'f':
        return get_register(r, 'f', insn_freg_names, &n->imm);
    case 'k':
    case 'd':
    case 'a':
        return get_number(r, &n->imm);
    case 'o':
        return get_name(r, amo_names, COUNT(amo_names), &n->aux) && expect(r, '.') && get_number(r, &n->imm);
    case 'h':
        return get_call(r, n);
    case 'c':
        return get_name(r, cause_names, COUNT(cause_names), &n->aux);
    case 'l':
        return get_name(r, leave_names, COUNT(leave_names), &n->aux);
    case 's':
        return get_name(r, system_names, COUNT(system_names), &n->aux);
    case 'r':
        if (!get_word(r, word, sizeof word) || strcmp(word, "ret") != 0)
            return fail(r, "'ret' expected");
        return get_number(r, &n->imm2);
    case 't':
        return get_number(r, &n->imm2);
    default:
        return false;
    }
}

/* The part behind the operation's name that belongs to it. */
static bool get_suffix(struct reader *r, char field, struct ir_node *n) {
    uint16_t rm = RM_DYN;
    if (field == 'w')
        return expect(r, '.') && get_number(r, &n->imm);
    if (*r->p == '.') {
        r->p++;
        if (!get_name(r, rm_names, COUNT(rm_names), &rm))
            return false;
    }
    n->rm = (uint8_t)rm;
    return rm < COUNT(rm_names) || fail(r, "rounding mode %u", rm);
}

static bool get_pc(struct reader *r, struct ir_node *n) {
    int64_t number;
    if (accept(r, '@')) {
        if (!get_number(r, &number))
            return false;
        uint64_t offset = mask_pc(r->b, (uint64_t)number - r->b->pc);
        if (offset > UINT16_MAX)
            return fail(r, "pc is too far from the block's start");
        n->pc = (uint16_t)offset;
    }
    if (accept(r, '#')) {
        if (!get_ranged(r, UINT8_MAX, &number))
            return false;
        n->insn = (uint8_t)number;
    }
    return true;
}

/* Appends the node that the text calls %name; -1: it has no name. */
static bool place(struct reader *r, int64_t name, const struct ir_node *n) {
    struct ir_block *b = r->b;
    if (name >= 0 && r->names[name] != IR_NONE)
        return fail(r, "%%%u is already defined", (unsigned)name);
    while (name > b->count)
        b->nodes[b->count++] = (struct ir_node){.op = IR_const, .dead = 1, .a = IR_NONE, .b = IR_NONE, .c = IR_NONE};
    if (b->count >= IR_MAX_NODES)
        return fail(r, "too many nodes");
    if (name >= 0)
        r->names[name] = b->count;
    b->nodes[b->count++] = *n;
    return true;
}

static bool get_node(struct reader *r) {
    struct ir_node n = {.a = IR_NONE, .b = IR_NONE, .c = IR_NONE};
    ir_ref *args[3] = {&n.a, &n.b, &n.c};
    int64_t name = -1;
    char word[32];
    if (accept(r, '%') && !(get_ranged(r, IR_MAX_NODES - 1, &name) && expect(r, '=')))
        return false;
    if (!get_word(r, word, sizeof word))
        return false;
    unsigned op = 0;
    while (op < IR_OP_COUNT && strcmp(ir_ops[op].name, word) != 0)
        op++;
    if (op == IR_OP_COUNT)
        return fail(r, "unknown operation '%s'", word);
    n.op = (uint8_t)op;
    if ((name >= 0) != (ir_ops[op].result != '-'))
        return fail(r, "%s has %s result", word, name >= 0 ? "no" : "a");
    const char *fields = shape((enum ir_op)op);
    if ((*fields == 'm' || *fields == 'w') && !get_suffix(r, *fields++, &n))
        return false;
    unsigned operand = 0;
    for (const char *first = fields; *fields; fields++) {
        if (fields != first && fields[-1] != 'o' && !expect(r, ','))
            return false;
        if (!get_field(r, *fields, &n, args[operand < 3 ? operand : 2]))
            return false;
        operand += *fields == '%';
    }
    return get_pc(r, &n) && place(r, name, &n);
}

static bool get_header(struct reader *r) {
    char word[8];
    int64_t pc, number;
    if (!get_word(r, word, sizeof word) || strcmp(word, "block") != 0)
        return fail(r, "'block' expected");
    if (!get_number(r, &pc) || !get_word(r, word, sizeof word))
        return false;
    if (strcmp(word, "rv64") != 0 && strcmp(word, "rv32") != 0)
        return fail(r, "rv32 or rv64 expected");
    ir_init(r->b, (uint64_t)pc, word[2] == '6' ? 64 : 32);
    for (skip_blanks(r); *r->p && *r->p != '\n'; skip_blanks(r)) {
        if (!get_word(r, word, sizeof word))
            return false;
        if (strcmp(word, "end") == 0) {
            if (!get_number(r, &number))
                return false;
            r->b->end = (uint64_t)number;
        } else if (strcmp(word, "insns") == 0) {
            if (!get_ranged(r, UINT16_MAX, &number))
                return false;
            r->b->insns = (uint16_t)number;
        } else {
            return fail(r, "'end' or 'insns' expected");
        }
    }
    return true;
}

bool ir_parse(struct ir_block *b, const char *text, char *err, size_t n) {
    struct reader r = {.b = b, .p = text, .line = 1, .err = err, .n = n};
    memset(r.names, 0xff, sizeof r.names);
    ir_init(b, 0, 64);
    for (bool header = true;; r.line++) {
        skip_blanks(&r);
        if (*r.p && *r.p != '\n') {
            if (!(header ? get_header(&r) : get_node(&r)))
                return false;
            header = false;
        }
        skip_blanks(&r);
        if (!*r.p)
            return !header || fail(&r, "'block' expected");
        if (*r.p++ != '\n') {
            r.p--;
            return fail(&r, "end of line expected before '%.12s'", r.p);
        }
    }
}
