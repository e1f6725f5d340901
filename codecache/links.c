/* links.c: where the exits of blocks lead.
 *
 *      linked      from.exit ──▶ to.entry      on to's incoming list, so that to's death finds it
 *      waiting     from.exit ──▶ from.stub     on the list of its target's key, so that a commit finds it
 *
 * Each exit of a live block is in one of the two states; a dead block's exits lead to their stubs and are on no list,
 * so a thread that still runs there leaves at the next exit.
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

enum { SMALLEST = 256 };

/* Writes the x86 displacement at offset patch of b such that it leads to destination.  The only place that knows the
 * format.  One aligned 8-byte store holds all 4 bytes: another processor executing there sees the old or the new
 * destination (Intel SDM volume 3, 9.1.1, guaranteed atomic operations). */
static void write_displacement(struct codecache *cc, struct cc_block *b, uint32_t patch, const uint8_t *destination) {
    const uint8_t *site = b->code + patch;
    uint32_t displacement = (uint32_t)(destination - (site + 4));
    size_t offset = (size_t)(site - cc->memory.rx);
    uint64_t *word = (uint64_t *)(void *)(cc->memory.rw + (offset & ~(size_t)7));
    uint64_t value = *word;
    memcpy((uint8_t *)&value + (offset & 7), &displacement, sizeof displacement);
    if (value == *word)
        return;
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
    __builtin___clear_cache((char *)(uintptr_t)site, (char *)(uintptr_t)(site + 4));
}

static void list_insert(struct link **head, struct link *l) {
    l->next = *head;
    l->pprev = head;
    if (l->next)
        l->next->pprev = &l->next;
    *head = l;
}

static void list_remove(struct link *l) {
    *l->pprev = l->next;
    if (l->next)
        l->next->pprev = l->pprev;
    l->next = NULL;
    l->pprev = NULL;
}

static const struct cc_exit *exit_of(const struct link *l) { return &l->from->exits[l - l->from->links->exit]; }

static struct link **waiting_list(struct codecache *cc, struct cc_key key) {
    return &cc->waiting.bucket[(size_t)hash_key(key) & cc->waiting.mask];
}

static void link_to(struct codecache *cc, struct link *l, struct cc_block *to) {
    l->to = to;
    list_insert(&to->links->incoming, l);
    cc->stats.links++;
    write_displacement(cc, l->from, exit_of(l)->patch, to->code + to->entry);
}

static void link_wait(struct codecache *cc, struct link *l) {
    l->to = NULL;
    list_insert(waiting_list(cc, exit_of(l)->target), l);
    cc->stats.waiting++;
    if (MUTANT(unlink_missed))
        return;
    write_displacement(cc, l->from, exit_of(l)->patch, l->from->code + exit_of(l)->stub);
}

static void link_take(struct codecache *cc, struct link *l) {
    list_remove(l);
    if (l->to)
        cc->stats.links--;
    else
        cc->stats.waiting--;
}

bool links_prepare(struct codecache *cc, size_t more) {
    size_t have = cc->waiting.bucket ? cc->waiting.mask + 1 : 0, want = have ? have : SMALLEST;
    while (want < cc->stats.waiting + more)
        want *= 2;
    if (want == have)
        return true;
    struct link **bucket = cache_alloc(cc, want * sizeof *bucket);
    if (!bucket)
        return have != 0; /* longer lists will do */
    struct link **old = cc->waiting.bucket;
    cc->waiting.bucket = bucket;
    cc->waiting.mask = want - 1;
    for (size_t i = 0; i < have; i++)
        for (struct link *l; (l = old[i]);) {
            list_remove(l);
            list_insert(waiting_list(cc, exit_of(l)->target), l);
        }
    free(old);
    return true;
}

void links_add(struct codecache *cc, struct cc_block *b) {
    for (uint32_t i = 0; i < b->exit_count; i++) {
        struct link *l = &b->links->exit[i];
        struct cc_block *to = cc_find(cc, b->exits[i].target);
        l->from = b;
        if (to)
            link_to(cc, l, to);
        else
            link_wait(cc, l);
    }
}

void links_wake(struct codecache *cc, struct cc_block *b) {
    for (struct link *l = *waiting_list(cc, b->key), *next; l; l = next) {
        next = l->next;
        if (!key_equal(exit_of(l)->target, b->key))
            continue;
        link_take(cc, l);
        link_to(cc, l, b);
    }
}

void links_remove(struct codecache *cc, struct cc_block *b, struct cc_block *heir) {
    for (uint32_t i = 0; i < b->exit_count; i++) {
        struct link *l = &b->links->exit[i];
        link_take(cc, l);
        write_displacement(cc, b, b->exits[i].patch, b->code + b->exits[i].stub);
    }
    for (struct link *l; (l = b->links->incoming);) {
        link_take(cc, l);
        if (heir)
            link_to(cc, l, heir);
        else
            link_wait(cc, l);
    }
}
