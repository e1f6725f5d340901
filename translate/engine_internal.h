/* engine_internal.h: the engine's state, shared by its files: running harts (engine.c), translating (translate.c), what stops
 * and invalidates (world.c), reports (stats.c).
 */
#ifndef TRANSLATE_ENGINE_INTERNAL_H
#define TRANSLATE_ENGINE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "backend.h"
#include "engine.h"
#include "lift.h"

enum { JUMP_SLOTS = 4096, MODES = 6, RETURN_STACK_BYTES = 256 * 1024, DEFAULT_HOT = 24 };
enum { UNBOXED_SLOTS = 512, UNBOXED_OFTEN = 8 };
enum { JUMP_TABLES = 9 * MODES, SIGNAL_STACK_BYTES = 64 * 1024 }; /* system mode: by privilege and FS state as well */

/* Entry of a jump cache, probed by generated code: index is bits 1 to 12 of the guest address. */
struct jump_slot {
    _Atomic uint64_t pc; /* of this slot's index, else the slot is empty: jump_none */
    const uint8_t *code;
};

struct code_range {
    uint64_t start, end;
};

enum { CHANGES_MAX = 8, HALVES = 64, JUMP_TABLE_BYTES = sizeof(struct jump_slot) * JUMP_SLOTS + JUMP_SLOTS / 8 };
/* Keys of blocks in system mode: where (interp_where) and frm; for an instruction that lies on two pages, the second page
 * of RAM plus 1 is above. */
#define KEY_FIRST_PAGE UINT64_C(0xffffffff)
enum { KEY_SECOND_PAGE = 32 };

struct engine_hart {
    struct engine *engine;
    struct hart *hart;
    struct engine_hart *next, **prev;
    /* one table for each mode, made when first needed; behind its slots a bit for each that may be filled */
    struct jump_slot *_Atomic jumps[JUMP_TABLES];
    char *return_stack;
    atomic_bool inside;             /* between entering and leaving engine_run */
    unsigned mode;                  /* whose table is in use */
    uint64_t key_mode;              /* the mode in the keys of blocks: the same, in system mode where and frm */
    uint32_t fetch_drops;           /* system mode: as of when return addresses were forgotten, */
    uint32_t jump_drops[JUMP_TABLES]; /* and each table emptied */
    char *signal_stack;             /* system mode */
    struct hart_records *records;   /* NULL: nothing is recorded */
    struct code_range changed[CHANGES_MAX]; /* under harts_lock: what the hart's interpreter has to forget */
    unsigned changed_count;                 /* more than CHANGES_MAX: everything */
    uint8_t halves[HALVES]; /* system mode: how often instructions on two pages were met, by page */
    uint64_t leaves[BACK_COUNT], single_steps;
};

struct engine {
    struct engine_config config;
    struct isa isa;
    struct machine *machine; /* system mode: what its harts share */
    struct backend *backend; /* NULL: interpreter only */
    struct codecache *cache;
    pthread_mutex_t translate_lock; /* one translation at a time: b, and the backend's emitter */
    struct ir_block *block;
    struct recorder *recorder;      /* NULL: nothing is recorded */
    /* how often instructions have left generated code for a single that is not NaN-boxed, by unboxed_index */
    _Atomic uint8_t unboxed[UNBOXED_SLOTS];
    atomic_ulong code_generation;   /* changes whenever code is invalidated */
    pthread_mutex_t harts_lock;
    pthread_cond_t harts_changed;
    struct engine_hart *harts;
    unsigned hart_count;
    struct hart *_Atomic stopper;   /* the hart that has stopped all others */
    /* statistics of harts that are gone, and of translation */
    uint64_t done_interpreted, done_stat[4], done_leaves[BACK_COUNT], done_steps;
    uint64_t translated_blocks, translated_insns, failed_blocks, translated_bytes;
};

extern struct jump_slot engine_no_jumps[JUMP_SLOTS]; /* all empty: installed to make computed jumps leave */

static inline unsigned jump_index(uint64_t pc) { return (unsigned)(pc >> 1) & (JUMP_SLOTS - 1); }
/* What an empty slot holds: an address, odd ones included, that is looked for in another slot. */
static inline uint64_t jump_none(unsigned slot) { return slot ? 0 : 2; }

/* Instructions that share a slot are thought to do what one of them does: they are then merely slower. */
static inline unsigned unboxed_index(uint64_t pc) { return (unsigned)(pc >> 1 ^ pc >> 10) % UNBOXED_SLOTS; }

static inline bool engine_is_observed(const struct engine *e) { return e->recorder || e->config.observer.block; }

/* engine.c */
unsigned engine_mode(const struct hart *h);
/* Installs the jump cache of the mode in force; a changed mode also makes kept return addresses useless. */
void engine_install_jumps(struct engine_hart *eh, unsigned mode);
/* Empties a table of a hart that is not running.  NULL: nothing is done. */
void engine_clear_jumps(struct jump_slot *table);
/* Deals with hart.pending; true: the embedder is wanted. */
bool engine_serve_pending(struct engine_hart *eh);
enum engine_stop engine_stop_on_fault(struct engine_hart *eh);
/* The translation at pc (and key_mode), which gets into the jump cache, or NULL. */
struct cc_block *engine_find_block(struct engine_hart *eh);
/* What engine_run does where nobody observes. */
enum engine_stop engine_run_unobserved(struct engine_hart *eh);
/* One stretch of generated code; true: engine_run is to return STOP_TRAP. */
bool engine_run_block(struct engine_hart *eh, struct cc_block *block);
enum leave_reason engine_run_code(struct engine_hart *eh, struct cc_block *block); /* the same without a look at why */
enum leave_reason engine_enter_code(struct engine_hart *eh, struct cc_block *block); /* and without records */
void engine_finish_registers(struct hart *h); /* f registers that a fault left unfinished */

/* translate.c */
/* Translates the block at pc; NULL where it cannot be. */
struct cc_block *engine_translate(struct engine *e, struct hart *h, uint64_t pc, uint64_t mode);
void engine_dead_block(void *engine, struct cc_block *block);
/* The instruction at h->pc has left generated code as it read a single that is not NaN-boxed.  One that does so often is
 * translated anew, to go on with the canonical NaN by itself. */
void engine_read_unboxed(struct engine_hart *eh);
/* Drops the translations of the instruction at pc. */
void engine_translate_again(struct engine_hart *eh, uint64_t pc);
/* The LR at hart.new_strict has turned out to have an SC. */
void engine_translate_strict(struct engine_hart *eh);

/* engine_system.c: engine_run for a hart with a board; what the engine needs for it */
enum engine_stop engine_run_system(struct engine_hart *eh);
enum engine_stop engine_run_system_unobserved(struct engine_hart *eh);
/* Before looking for a block at pc: false where none may be kept, else jump caches and key_mode are those in force. */
bool engine_system_place(struct engine_hart *eh);
void engine_run_system_block(struct engine_hart *eh, struct cc_block *block); /* traps are taken, too */
void engine_sleep(struct engine_hart *eh); /* in wfi */
bool engine_system_init(struct engine *e);
bool engine_system_hart_init(struct engine_hart *eh);

/* world.c */
void world_drop_changed(struct engine_hart *eh); /* serves PENDING_SYNC */
void world_enter(struct engine_hart *eh); /* waits while another hart has stopped the world */
void world_leave(struct engine_hart *eh);
bool world_stop(struct engine *e, struct hart *h); /* false: h is the only hart and nothing was stopped */
void world_resume(struct engine *e);

#endif
