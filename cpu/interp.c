/* interp.c: the interpreter as the engine sees it, and the cache of decoded blocks.
 *
 * Blocks are found by pc: through links between them, through the jump cache, at last through a hash table.  They live
 * in chunks that are only ever emptied all at once.  A block that a fence.i drops stays where it is until then, because
 * links lead to it: its count is made to stop whoever enters it, who then looks again.
 */
#include "interp_internal.h"
#include "system.h"

#include <fenv.h>
#include <stdlib.h>
#include <string.h>

const char interp_block_mark = 0;

enum { FIRST_CHUNK = 64 << 10, NEXT_CHUNK = 256 << 10, CACHE_LIMIT = 32 << 20, FIRST_HASH = 512 };
enum { EXCLUSIVE_INSNS = 64, GUEST_PAGE = 4096 };

struct chunk {
    struct chunk *next;
    size_t size;
    _Alignas(16) unsigned char data[];
};

bool interp_create(struct hart *h, const struct interp_config *config) {
    struct interp *in = calloc(1, sizeof *in);
    if (in == NULL)
        return false;
    in->mem = *config->mem;
    in->hot_threshold = config->hot_threshold;
    if (h->sys)
        in->loop = h->xlen == 64 ? interp64s_loop : interp32s_loop;
    else
        in->loop = h->xlen == 64 ? interp64_loop : interp32_loop;
    in->loop(NULL, NULL, &in->labels);
    in->unresolved.head.mark = &interp_block_mark;
    in->unresolved.head.count = -1;
    in->jump = interp_make_jumps();
    in->hash_size = FIRST_HASH;
    in->hash = malloc(in->hash_size * sizeof *in->hash);
    in->chunks = malloc(sizeof *in->chunks + FIRST_CHUNK);
    in->draft = malloc(sizeof *in->draft);
    in->page_lists = malloc(PAGE_LISTS * sizeof *in->page_lists);
    h->interp = in;
    if (in->page_lists == NULL || in->jump == NULL || in->hash == NULL || in->chunks == NULL || in->draft == NULL ||
        !interp_decode_init(in)) {
        interp_destroy(h);
        return false;
    }
    in->chunks->next = NULL;
    in->chunks->size = FIRST_CHUNK;
    if (h->sys)
        interp_system_init(h);
    interp_flush(h);
    return true;
}

void interp_destroy(struct hart *h) {
    struct interp *in = h->interp;
    if (in == NULL)
        return;
    while (in->chunks != NULL) {
        struct chunk *next = in->chunks->next;
        free(in->chunks);
        in->chunks = next;
    }
    for (unsigned i = 0; i < JUMP_CONTEXTS; i++)
        if (in->jumps[i] != in->jump)
            free(in->jumps[i]);
    free(in->page_lists);
    free(in->jump);
    free(in->hash);
    free(in->fuse_next);
    free(in->draft);
    free(in);
    h->interp = NULL;
}

/* Behind a cache's entries there is a bit for each that may be filled. */
static uint64_t *filled_bits(struct jump_entry *jump) { return (uint64_t *)(void *)(jump + JUMP_CACHE_SIZE); }

struct jump_entry *interp_make_jumps(void) {
    struct jump_entry *jump = malloc(JUMP_CACHE_SIZE * sizeof *jump + JUMP_CACHE_SIZE / 8);
    if (jump == NULL)
        return NULL;
    for (size_t i = 0; i < JUMP_CACHE_SIZE; i++)
        jump[i].pc = 1;
    memset(filled_bits(jump), 0, JUMP_CACHE_SIZE / 8);
    return jump;
}

void interp_clear_jumps(struct jump_entry *jump) {
    uint64_t *filled = filled_bits(jump);
    for (size_t word = 0; word < JUMP_CACHE_SIZE / 64; word++) {
        for (uint64_t bits = filled[word]; bits; bits &= bits - 1)
            jump[word * 64 + (size_t)__builtin_ctzll(bits)].pc = 1;
        filled[word] = 0;
    }
}

static void clear_jump_cache(struct interp *in) {
    interp_clear_jumps(in->jump);
    for (unsigned i = 0; i < JUMP_CONTEXTS; i++)
        if (in->jumps[i] != NULL && in->jumps[i] != in->jump)
            interp_clear_jumps(in->jumps[i]);
}

void interp_flush(struct hart *h) {
    struct interp *in = h->interp;
    in->retired = interp_count(h);
    while (in->chunks->next != NULL) { /* the one that came first stays */
        struct chunk *next = in->chunks->next;
        free(in->chunks);
        in->chunks = next;
    }
    in->chunk_used = 0;
    in->chunk_total = in->chunks->size;
    memset(in->hash, 0, in->hash_size * sizeof *in->hash);
    in->block_count = 0;
    in->blocks = NULL;
    memset(in->page_lists, 0, PAGE_LISTS * sizeof *in->page_lists);
    in->any_unwatched = false;
    in->generation++;
    clear_jump_cache(in);
}

static size_t hash_slot(const struct interp *in, uint64_t pc) { return (pc / 2 ^ pc >> 13) & (in->hash_size - 1); }

static struct block *find(const struct interp *in, uint64_t pc) {
    struct block *b = in->hash[hash_slot(in, pc)];
    while (b != NULL && (b->pc != pc || b->where != in->where))
        b = b->hash_next;
    return b;
}

static void grow_hash(struct interp *in) {
    size_t size = in->hash_size * 4;
    struct block **hash = calloc(size, sizeof *hash);
    if (hash == NULL)
        return; /* longer lists, no harm */
    free(in->hash);
    in->hash = hash;
    in->hash_size = size;
    for (struct block *b = in->blocks; b != NULL; b = b->list_next) {
        if (b->flags & BLOCK_DEAD)
            continue;
        size_t slot = hash_slot(in, b->pc);
        b->hash_next = hash[slot];
        hash[slot] = b;
    }
}

static void *allocate(struct hart *h, size_t bytes) {
    struct interp *in = h->interp;
    if (in->chunk_used + bytes > in->chunks->size) {
        struct chunk *c = in->chunk_total > CACHE_LIMIT ? NULL : malloc(sizeof *c + NEXT_CHUNK);
        if (c == NULL) {
            interp_flush(h); /* the chunk that stays has room for any one block */
        } else {
            c->size = NEXT_CHUNK;
            c->next = in->chunks;
            in->chunks = c;
            in->chunk_used = 0;
            in->chunk_total += NEXT_CHUNK;
        }
    }
    void *p = in->chunks->data + in->chunk_used;
    in->chunk_used += bytes;
    return p;
}

/* How a block starts to count: it is hot, or must fold, when it gets to zero. */
static void start_count(struct block *b, int32_t count) {
    b->entered += (int64_t)b->count - count;
    b->count = count;
}

/* What its bytes are on: in system mode a page of RAM, else of the guest's addresses. */
static uint64_t page_of(const struct hart *h, const struct block *b) {
    return h->sys ? b->where / FS_STATES : b->pc / GUEST_PAGE;
}

/* The block at pc, decoded if need be; NULL with hart.trap and pc set. */
static struct block *obtain(struct hart *h, uint64_t pc) {
    struct interp *in = h->interp;
    if (h->sys && !interp_place(h, pc))
        return NULL;
    struct block *b = find(in, pc);
    if (b != NULL)
        return b;
    unsigned alignment = h->isa->exts >> EXT_C & 1 ? 2 : 4;
    if (pc % alignment != 0) {
        h->trap = (struct trap){.cause = TRAP_FETCH_MISALIGNED, .tval = pc};
    } else if (interp_decode(h, pc, BLOCK_MAX_INSNS, false)) {
        struct draft *d = in->draft;
        if (d->head.flags & BLOCK_UNKEPT) {
            h->pc = pc;
            in->stop = INTERP_UNKEPT;
            return NULL;
        }
        size_t ops = d->head.ops * sizeof *d->ops, offsets = d->head.ops * sizeof *d->offsets;
        size_t bytes = (sizeof *b + ops + offsets + 15) & ~(size_t)15;
        b = allocate(h, bytes);
        *b = d->head;
        b->offsets = (uint16_t *)(void *)(block_ops(b) + b->ops);
        memcpy(block_ops(b), d->ops, ops);
        memcpy(b->offsets, d->offsets, offsets);
        unsigned hot = in->hot_threshold;
        start_count(b, hot == 0 || hot > INT32_MAX ? INT32_MIN : -(int32_t)hot);
        if (hot == 0)
            b->flags |= BLOCK_COLD;
        in->any_unwatched |= b->flags & BLOCK_UNWATCHED;
        if (++in->block_count > in->hash_size)
            grow_hash(in); /* takes the blocks in the list, which b is not in yet */
        b->list_next = in->blocks;
        in->blocks = b;
        struct block **list = &in->page_lists[page_of(h, b) % PAGE_LISTS];
        b->page_next = *list;
        *list = b;
        size_t slot = hash_slot(in, pc);
        b->hash_next = in->hash[slot];
        in->hash[slot] = b;
        return b;
    }
    h->pc = pc;
    in->stop = INTERP_TRAP;
    return NULL;
}

/* Goes into b, counting: its first operation, or NULL if it is hot. */
static struct op *enter(struct hart *h, struct block *b) {
    struct interp *in = h->interp;
    if (UNLIKELY(++b->count >= 0)) {
        b->count--;
        if (in->in_round && !(b->flags & BLOCK_COLD)) {
            b->entered++;
            return block_ops(b);
        }
        if (!(b->flags & BLOCK_COLD)) {
            h->pc = b->pc;
            in->stop = INTERP_HOT;
            return NULL;
        }
        start_count(b, INT32_MIN);
        b->count++;
    }
    return block_ops(b);
}

struct op *interp_enter(struct hart *h, uint64_t pc) {
    struct interp *in = h->interp;
    struct jump_entry *e = &in->jump[pc / 2 % JUMP_CACHE_SIZE];
    struct block *b = e->pc == pc && !(block_of(e->first)->flags & BLOCK_DEAD) ? block_of(e->first) : obtain(h, pc);
    if (b == NULL)
        return NULL;
    e->pc = pc;
    e->first = block_ops(b);
    size_t slot = (size_t)(e - in->jump);
    filled_bits(in->jump)[slot / 64] |= UINT64_C(1) << slot % 64;
    return enter(h, b);
}

struct op *interp_follow(struct hart *h, struct op *from) {
    struct interp *in = h->interp;
    struct block *to = block_of(from[1].link);
    uint64_t target = interp_op_pc(from) + (uint64_t)(int64_t)from->imm;
    if (h->xlen == 32)
        target = (uint32_t)target;
    to->count--;
    if (target % 4 != 0 && !(h->isa->exts >> EXT_C & 1)) {
        interp_trap(h, from, TRAP_FETCH_MISALIGNED, target);
        in->stop = INTERP_TRAP;
        return NULL;
    }
    if (in->stepping || __atomic_load_n(&h->pending, __ATOMIC_RELAXED) != 0) {
        h->pc = target;
        in->stop = in->stepping ? INTERP_DONE : INTERP_PENDING;
        return NULL;
    }
    if (h->sys && (target ^ interp_op_pc(from)) >= GUEST_PAGE) /* another page may be mapped elsewhere by now */
        return interp_enter(h, target);
    if (to == &in->unresolved.head || to->flags & BLOCK_DEAD) {
        uint32_t generation = in->generation;
        to = obtain(h, target);
        if (to == NULL)
            return NULL;
        if (generation == in->generation)
            from[1].link = block_ops(to);
    }
    return enter(h, to);
}

struct op *interp_jump(struct hart *h, struct op *from, uint64_t target) {
    struct interp *in = h->interp;
    if (target % 4 != 0 && !(h->isa->exts >> EXT_C & 1)) {
        interp_trap(h, from, TRAP_FETCH_MISALIGNED, target);
        in->stop = INTERP_TRAP;
        return NULL;
    }
    h->x[from->rd] = from[1].value;
    bool pending = __atomic_load_n(&h->pending, __ATOMIC_RELAXED) != 0;
    if (in->stepping || pending) {
        h->pc = target;
        in->stop = in->stepping ? INTERP_DONE : INTERP_PENDING;
        return NULL;
    }
    return interp_enter(h, target);
}

uint64_t interp_seen_target(struct hart *h, uint64_t block_pc, uint64_t pc) {
    struct block *b = h->sys ? NULL : find(h->interp, block_pc);
    uint64_t offset = (pc - block_pc) / 2;
    if (!b || offset >= OFFSET_LINK)
        return 0;
    for (unsigned i = b->ops; i-- > 1;)
        if (b->offsets[i - 1] == offset && b->offsets[i] == OFFSET_RECORD) {
            uint64_t seen = block_ops(b)[i].seen;
            return seen == SEEN_SEVERAL ? 0 : seen;
        }
    return 0;
}

uint64_t interp_op_pc(struct op *op) {
    struct op *o = op - 1;
    while (o->go != &interp_block_mark)
        o--;
    struct block *b = block_of(o + 1);
    return b->pc + 2u * (uint64_t)b->offsets[op - block_ops(b)];
}

void interp_trap(struct hart *h, struct op *op, uint32_t cause, uint64_t tval) {
    h->pc = interp_op_pc(op);
    h->trap = (struct trap){.cause = cause, .tval = tval};
}

void interp_illegal(struct hart *h, struct op *op) {
    uint32_t bits = 0, cause;
    uint64_t at;
    interp_fetch(h->interp, interp_op_pc(op), &bits, &cause, &at);
    interp_trap(h, op, TRAP_ILLEGAL, bits);
}

void interp_fp_begin(struct hart *h) {
    feclearexcept(FE_ALL_EXCEPT);
    h->interp_fp = 1;
}

void interp_fp_collect(struct hart *h) {
    if (!h->interp_fp)
        return;
    int raised = fetestexcept(FE_ALL_EXCEPT);
    h->fflags |= (uint8_t)((raised & FE_INEXACT ? FFLAG_NX : 0) | (raised & FE_UNDERFLOW ? FFLAG_UF : 0) |
                           (raised & FE_OVERFLOW ? FFLAG_OF : 0) | (raised & FE_DIVBYZERO ? FFLAG_DZ : 0) |
                           (raised & FE_INVALID ? FFLAG_NV : 0));
    h->interp_fp = 0;
}

void interp_come_in(struct hart *h) {
    h->interp_fp = 0;
    h->interp_ip = NULL;
    h->in_interp = 1;
    h->interp->stepping = false; /* a host fault may have left it set */
    h->interp->decode_pc = h->pc;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

void interp_go_out(struct hart *h) {
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    h->in_interp = 0;
    interp_fp_collect(h);
}

uint64_t interp_fault_pc(struct hart *h) {
    struct interp *in = h->interp;
    struct op *op = (struct op *)(void *)(uintptr_t)h->interp_ip;
    in->stepping = false;
    interp_go_out(h);
    return op == NULL ? in->decode_pc : interp_op_pc(op);
}

void interp_set_hooks(struct hart *h, const struct interp_hooks *hooks) { h->interp->hooks = hooks; }

/* One instruction, from its own decoding. */
enum interp_stop interp_step_one(struct hart *h) {
    struct interp *in = h->interp;
    if (h->pc % (h->isa->exts >> EXT_C & 1 ? 2 : 4) != 0) {
        h->trap = (struct trap){.cause = TRAP_FETCH_MISALIGNED, .tval = h->pc};
        return INTERP_TRAP;
    }
    if (in->hooks)
        in->hooks->before(h);
    if (!interp_decode(h, h->pc, 1, true)) {
        if (in->hooks)
            in->hooks->trapped(h);
        return INTERP_TRAP;
    }
    in->stepping = true;
    enum interp_stop stop = in->loop(h, in->draft->ops, NULL);
    in->stepping = false;
    in->retired += stop != INTERP_TRAP;
    if (in->hooks) {
        interp_fp_collect(h);
        (stop == INTERP_TRAP ? in->hooks->trapped : in->hooks->after)(h);
    }
    return stop;
}

enum interp_stop interp_step(struct hart *h, uint64_t n) {
    enum interp_stop stop = INTERP_DONE;
    if (h->sys)
        return interp_step_system(h, n);
    interp_come_in(h);
    for (; n > 0 && (stop == INTERP_DONE || stop == INTERP_PENDING); n--)
        stop = interp_step_one(h);
    interp_go_out(h);
    return stop == INTERP_PENDING ? INTERP_DONE : stop;
}

/* What the instruction at h->pc does to the sequence that an LR has begun. */
enum sequence { SEQUENCE_GOES_ON, SEQUENCE_ENDS_BEHIND, SEQUENCE_BROKEN };
static enum sequence look_ahead(struct hart *h) {
    uint32_t bits, cause;
    uint64_t at;
    struct insn insn;
    h->interp_ip = NULL;
    h->interp->decode_pc = h->pc;
    if (!interp_fetch(h->interp, h->pc, &bits, &cause, &at))
        return SEQUENCE_BROKEN;
    insn_decode(h->isa, bits, &insn);
    if (insn.id == INSN_sc_w || insn.id == INSN_sc_d)
        return SEQUENCE_ENDS_BEHIND;
    switch ((enum insn_format)insn_rows[insn.id].format) {
    case FMT_S:
    case FMT_FST:
    case FMT_AMO:
    case FMT_CSR:
    case FMT_CSRI:
    case FMT_NONE:
    case FMT_VMA:
    case FMT_CBO:
        return SEQUENCE_BROKEN;
    case FMT_JR:
        return SEQUENCE_BROKEN;
    default:
        return insn.id == INSN_ILLEGAL ? SEQUENCE_BROKEN : SEQUENCE_GOES_ON;
    }
}

/* The sequence from the LR at h->pc on, other harts stopped. */
static enum interp_stop run_sequence(struct hart *h) {
    enum interp_stop stop = interp_step_one(h);
    for (unsigned i = 0; i < EXCLUSIVE_INSNS && stop == INTERP_DONE; i++) {
        enum sequence s = look_ahead(h);
        uint64_t before = h->pc;
        if (s == SEQUENCE_BROKEN)
            break;
        stop = interp_step_one(h);
        if (h->pc <= before) /* a branch back: the program tries again */
            break;
        if (s == SEQUENCE_ENDS_BEHIND)
            return stop;
    }
    h->res_valid = 0;
    return stop;
}

/* The same with a fault in it caught on its way to h->fault_jmp, as other harts must not stay stopped. */
enum interp_stop interp_run_sequence_alone(struct hart *h) {
    struct interp *in = h->interp;
    sigjmp_buf outer;
    memcpy(&outer, &h->fault_jmp, sizeof outer);
    in->in_exclusive = true;
    if (sigsetjmp(h->fault_jmp, 1) == 0) {
        enum interp_stop stop = run_sequence(h);
        memcpy(&h->fault_jmp, &outer, sizeof outer);
        in->in_exclusive = false;
        in->mem.exclusive_end(in->mem.ctx, h);
        return stop;
    }
    memcpy(&h->fault_jmp, &outer, sizeof outer);
    in->in_exclusive = false;
    h->res_valid = 0;
    in->mem.exclusive_end(in->mem.ctx, h);
    siglongjmp(h->fault_jmp, 1);
}

enum interp_stop interp_exclusive(struct hart *h) {
    struct interp *in = h->interp;
    interp_come_in(h);
    enum interp_stop stop;
    if (in->mem.exclusive_begin != NULL && in->mem.exclusive_begin(in->mem.ctx, h)) {
        stop = interp_run_sequence_alone(h);
    } else {
        in->in_exclusive = true; /* it has been asked for already */
        stop = interp_step_one(h);
        in->in_exclusive = false;
    }
    interp_go_out(h);
    return stop;
}

enum interp_stop interp_run(struct hart *h) {
    struct interp *in = h->interp;
    enum interp_stop stop;
    if (h->sys)
        return interp_run_system(h);
    interp_come_in(h);
    do {
        if (__atomic_load_n(&h->pending, __ATOMIC_RELAXED) != 0) {
            stop = INTERP_PENDING;
            break;
        }
        struct op *op = interp_enter(h, h->pc);
        stop = op == NULL ? in->stop : in->loop(h, op, NULL);
        if (stop == INTERP_EXCLUSIVE)
            stop = interp_run_sequence_alone(h);
    } while (stop == INTERP_DONE);
    interp_go_out(h);
    return stop;
}

void interp_set_cold(struct hart *h, uint64_t pc) {
    if (h->sys && !interp_place(h, pc))
        return;
    struct block *b = find(h->interp, pc);
    if (b == NULL)
        return;
    b->flags |= BLOCK_COLD;
    start_count(b, INT32_MIN);
}

/* Takes b out of everything but the links to it. */
static void kill(struct interp *in, struct block *b) {
    in->retired += interp_block_retired(b);
    struct block **at = &in->hash[hash_slot(in, b->pc)];
    while (*at != b)
        at = &(*at)->hash_next;
    *at = b->hash_next;
    b->flags |= BLOCK_DEAD;
    b->count = -1;
}

void interp_drop_page(struct hart *h, uint64_t page) {
    struct interp *in = h->interp;
    struct block **at = &in->page_lists[page % PAGE_LISTS];
    while (*at != NULL) {
        struct block *b = *at;
        if (page_of(h, b) == page) {
            *at = b->page_next;
            if (!(b->flags & BLOCK_DEAD))
                kill(in, b);
        } else {
            at = &b->page_next;
        }
    }
}

void interp_drop_range(struct hart *h, uint64_t start, uint64_t end) {
    if (end <= start || (end - start) / GUEST_PAGE >= PAGE_LISTS) {
        interp_flush(h);
        return;
    }
    /* A block's last instruction may reach two bytes into the next page. */
    uint64_t first = start / GUEST_PAGE, last = (end - 1) / GUEST_PAGE;
    if (start % GUEST_PAGE == 0 && first > 0)
        first--;
    for (uint64_t page = first; page <= last; page++)
        interp_drop_page(h, page);
    clear_jump_cache(h->interp);
}

void interp_drop_unwatched(struct hart *h) {
    struct interp *in = h->interp;
    if (!in->any_unwatched)
        return;
    in->any_unwatched = false;
    for (struct block *b = in->blocks; b != NULL; b = b->list_next) {
        if (!(b->flags & BLOCK_UNWATCHED) || b->flags & BLOCK_DEAD)
            continue;
        kill(in, b);
    }
    clear_jump_cache(in);
}
