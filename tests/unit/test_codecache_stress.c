/* test_codecache_stress.c: the code cache against a simple model, with threads, and with memory running out. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "../../codecache/internal.h"
#include "codecache_blocks.h"

static uint32_t random_next(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

static struct codecache *cache(size_t size, size_t chunk) {
    char err[256];
    struct codecache *cc = cc_create(size, chunk, err, sizeof err);
    if (!cc)
        fail_msg("%s", err);
    return cc;
}

/* The model: what is live under each key, and where its exits go. */
struct model_block {
    struct cc_block *block; /* NULL: none live */
    uint32_t id, target[2];
    uint64_t start, end;
    const uint8_t *dead_code; /* of a block of this key that has died; NULL after an eviction */
    struct cc_block *dead;
};

struct model {
    struct codecache *cc;
    struct model_block *at;
    uint32_t keys;
    size_t live;
    uint64_t random;
};

static struct cc_key model_key(uint32_t i) { return (struct cc_key){0x10000 + (uint64_t)(i >> 1) * 24, i & 1}; }

static void model_forget(struct model_block *m) {
    m->dead = m->block;
    m->dead_code = m->block->code;
    m->block = NULL;
}

static void model_evict(struct model *m) {
    cc_evict(m->cc, NULL, NULL);
    for (uint32_t i = 0; i < m->keys; i++) {
        m->at[i].dead = NULL; /* perhaps freed */
        if (m->at[i].block && !cc_find(m->cc, model_key(i))) {
            m->at[i].block = NULL;
            m->live--;
        }
    }
}

static void model_commit(struct model *m, uint32_t i) {
    struct model_block *b = &m->at[i];
    uint32_t t0 = random_next(&m->random) % m->keys, t1 = (i + random_next(&m->random) % 5) % m->keys;
    uint64_t start = model_key(i).address, end = start + random_next(&m->random) % 200;
    if (random_next(&m->random) % 1000 == 0)
        end += random_next(&m->random) % 300000;
    struct test_block t = {.key = model_key(i),
                           .target = {model_key(t0), model_key(t1)},
                           .id = random_next(&m->random) & 0xffffff,
                           .src_start = start,
                           .src_end = end};
    bool no_room;
    struct cc_block *block = commit_block(m->cc, &t, &no_room);
    if (no_room) {
        model_evict(m);
        block = commit_block(m->cc, &t, NULL);
    }
    assert_non_null(block);
    if (b->block)
        model_forget(b);
    else
        m->live++;
    b->block = block;
    b->id = t.id;
    b->target[0] = t0;
    b->target[1] = t1;
    b->start = start;
    b->end = end;
}

static void model_invalidate(struct model *m, uint64_t start, uint64_t end) {
    size_t expected = 0;
    for (uint32_t i = 0; i < m->keys; i++) {
        struct model_block *b = &m->at[i];
        if (b->block && b->start < end && b->end > start && b->start < b->end) {
            model_forget(b);
            expected++;
        }
    }
    m->live -= expected;
    assert_int_equal(cc_invalidate(m->cc, start, end, NULL, NULL), expected);
}

static void model_run(const struct model *m, uint32_t i, uint32_t steps, uint32_t turns) {
    uint32_t at = i, expected = STOPPED;
    for (uint32_t s = 0; s < steps; s++) {
        uint32_t way = turns >> s & 1 ? 0 : 1, next = m->at[at].target[way];
        if (!m->at[next].block) {
            expected = way;
            break;
        }
        at = next;
    }
    assert_int_equal(run_block(m->at[i].block, steps, turns), m->at[at].id * 4 + expected);
}

static void model_check(struct model *m) {
    uint32_t i = random_next(&m->random) % m->keys;
    struct model_block *b = &m->at[i];
    assert_ptr_equal(cc_find(m->cc, model_key(i)), b->block);
    if (b->block) {
        model_run(m, i, random_next(&m->random) % 32, random_next(&m->random));
        assert_ptr_equal(cc_find_code(m->cc, b->block->code + random_next(&m->random) % BLOCK_SIZE), b->block);
    }
    if (b->dead) {
        assert_ptr_equal(cc_find_code(m->cc, b->dead_code), b->dead);
        assert_true(b->dead->dead);
    }
}

static void model_check_all(struct model *m) {
    struct cc_stats s;
    cc_stats(m->cc, &s);
    assert_int_equal(s.blocks, m->live);
    assert_int_equal(s.links + s.waiting, 2 * m->live);
    size_t links = 0;
    for (uint32_t i = 0; i < m->keys; i++) {
        struct model_block *b = &m->at[i];
        assert_ptr_equal(cc_find(m->cc, model_key(i)), b->block);
        if (b->block)
            links += (m->at[b->target[0]].block != NULL) + (m->at[b->target[1]].block != NULL);
    }
    assert_int_equal(s.links, links);
}

static void random_work(uint32_t keys, size_t size, size_t chunk, uint32_t operations, uint32_t invalidate_each) {
    struct model m = {.cc = cache(size, chunk), .keys = keys, .random = keys};
    m.at = calloc(keys, sizeof *m.at);
    assert_non_null(m.at);
    uint64_t end = model_key(keys).address;
    for (uint32_t k = 0; k < operations; k++) {
        model_commit(&m, random_next(&m.random) % keys);
        model_check(&m);
        model_check(&m);
        if (k % invalidate_each == 0) {
            uint64_t start = random_next(&m.random) % end;
            model_invalidate(&m, start, start + (1u << random_next(&m.random) % 16));
        }
        if (k % (operations / 4) == 0) {
            model_check_all(&m);
            if (k == operations / 2)
                model_invalidate(&m, end / 4 * 3, UINT64_MAX);
        }
    }
    model_check_all(&m);
    model_invalidate(&m, 0, UINT64_MAX);
    model_check_all(&m);
    free(m.at);
    cc_destroy(m.cc);
}

static void hundred_thousand_blocks_agree_with_the_model(void **state) { random_work(130000, 0, 0, 250000, 10000); }

static void small_cache_that_evicts_agrees_with_the_model(void **state) {
    random_work(500, 16384, 1024, 20000, 10);
    random_work(40, 64 * 3, 64, 20000, 10);
}

static void growing_to_a_hundred_thousand_keeps_every_block(void **state) {
    struct codecache *cc = cache(0, 0);
    enum { COUNT = 100000 };
    for (uint32_t i = 0; i < COUNT; i++) {
        struct cc_key next = {(i + 1) % COUNT * 4, 0};
        struct test_block t = {
            .key = {i * 4, 0}, .target = {next, next}, .id = i, .src_start = i * 4, .src_end = i * 4 + 4};
        assert_non_null(commit_block(cc, &t, NULL));
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        struct cc_block *b = cc_find(cc, (struct cc_key){i * 4, 0});
        assert_non_null(b);
        assert_int_equal(b->key.address, i * 4);
        assert_ptr_equal(cc_find_code(cc, b->code + 53), b);
    }
    struct cc_block *first = cc_find(cc, (struct cc_key){0, 0});
    assert_int_equal(run_block(first, COUNT - 1, 0), (COUNT - 1) * 4 + STOPPED);
    assert_int_equal(run_block(first, COUNT, 0), STOPPED);
    cc_destroy(cc);
}

/* Replacing and invalidating again and again, with few keys, must not fill the table with erased slots. */
static void table_stays_small_under_much_replacing(void **state) {
    struct codecache *cc = cache(0, 0);
    for (uint32_t i = 0; i < 200000; i++) {
        struct test_block t = {.key = {i * 16, 0}, .src_start = i * 16, .src_end = i * 16 + 16};
        assert_non_null(commit_block(cc, &t, NULL));
        assert_int_equal(cc_invalidate(cc, i * 16, i * 16 + 1, NULL, NULL), 1);
    }
    assert_true(atomic_load(&cc->table)->mask < 2048);
    assert_true(cc->waiting.mask < 2048 && cc->pages.mask < 2048);
    cc_destroy(cc);
}

/* The n-th address other than 0 whose key has the hash of address 0, as far as an empty table looks at it. */
static uint64_t colliding(struct codecache *cc, int n) {
    size_t mask = atomic_load(&cc->table)->mask;
    uint64_t address = 0;
    for (; n; n--)
        do
            address += 16;
        while ((hash_key((struct cc_key){address, 0}) ^ hash_key((struct cc_key){0, 0})) & mask);
    return address;
}

static void erased_slots_are_passed_over_and_used_again(void **state) {
    struct codecache *cc = cache(0, 0);
    struct table *table = atomic_load(&cc->table);
    struct cc_block *b[3];
    for (int i = 0; i < 3; i++) {
        uint64_t a = colliding(cc, i + 1);
        struct test_block t = {.key = {a, 0}, .src_start = a, .src_end = a + 1};
        b[i] = commit_block(cc, &t, NULL);
    }
    assert_int_equal(table->used, 3);
    cc_invalidate(cc, b[0]->key.address, b[0]->src_end, NULL, NULL);
    assert_int_equal(table->used, 3);
    assert_null(cc_find(cc, (struct cc_key){0, 0})); /* what marks an erased slot is no block */
    assert_ptr_equal(cc_find(cc, b[1]->key), b[1]);
    assert_ptr_equal(cc_find(cc, b[2]->key), b[2]);
    struct cc_block *zero = commit_block(cc, &(struct test_block){.id = 1}, NULL);
    assert_int_equal(table->used, 3);
    assert_ptr_equal(cc_find(cc, (struct cc_key){0, 0}), zero);
    cc_invalidate(cc, b[1]->key.address, b[1]->src_end, NULL, NULL);
    assert_ptr_equal(cc_find(cc, b[2]->key), b[2]);
    cc_invalidate(cc, b[2]->key.address, b[2]->src_end, NULL, NULL);
    assert_int_equal(table->used, 1); /* both at once: nothing lies beyond */
    assert_null(cc_find(cc, b[2]->key));
    assert_ptr_equal(cc_find(cc, (struct cc_key){0, 0}), zero);
    cc_destroy(cc);
}

/* One thread commits and invalidates, others find and run. */
enum { SHARED_KEYS = 3000, PINNED = 64 };

struct shared {
    struct codecache *cc;
    atomic_bool stop;
    atomic_size_t found, wrong;
    uint64_t random;
};

/* The first PINNED keys are replaced now and then but never invalidated. */
static void shared_commit(struct shared *s, uint32_t i) {
    struct cc_key t0 = {(i * 7 + 1) % SHARED_KEYS * 16, 0}, t1 = {(i + 1) % SHARED_KEYS * 16, 0};
    struct test_block t = {
        .key = {i * 16, 0}, .target = {t0, t1}, .id = i, .src_start = i * 16, .src_end = i * 16 + 40};
    if (!commit_block(s->cc, &t, NULL))
        atomic_fetch_add(&s->wrong, 1);
}

/* Whether a run from i that ended with result is one that some moment's links allow. */
static bool result_possible(uint32_t i, uint32_t steps, uint32_t turns, uint32_t result) {
    for (uint32_t s = 0; s < steps; s++) {
        uint32_t way = turns >> s & 1 ? 0 : 1;
        if (result == i * 4 + way)
            return true;
        i = way ? (i + 1) % SHARED_KEYS : (i * 7 + 1) % SHARED_KEYS;
    }
    return result == i * 4 + STOPPED;
}

static void *find_and_run(void *arg) {
    struct shared *s = arg;
    uint64_t random = s->random;
    while (!atomic_load(&s->stop)) {
        uint32_t i = random_next(&random) % SHARED_KEYS, steps = random_next(&random) % 20;
        uint32_t turns = random_next(&random);
        if (random_next(&random) % 4 == 0)
            i %= PINNED;
        struct cc_block *b = cc_find(s->cc, (struct cc_key){i * 16, 0});
        if (!b) {
            if (i < PINNED)
                atomic_fetch_add(&s->wrong, 1);
            continue;
        }
        atomic_fetch_add(&s->found, 1);
        if (b->key.address != i * 16 || cc_find_code(s->cc, b->code + 20) != b ||
            !result_possible(i, steps, turns, run_block(b, steps, turns)))
            atomic_fetch_add(&s->wrong, 1);
    }
    return NULL;
}

static void blocks_are_found_and_run_while_others_come_and_go(void **state) {
    struct shared s = {.cc = cache(0, 0)};
    pthread_t reader[2];
    for (uint32_t i = 0; i < PINNED; i++)
        shared_commit(&s, i);
    for (size_t i = 0; i < 2; i++) {
        s.random = i + 1;
        assert_int_equal(pthread_create(&reader[i], NULL, find_and_run, &s), 0);
        while (atomic_load(&s.found) < 1000 * (i + 1) && !atomic_load(&s.wrong))
            ;
    }
    uint64_t random = 9;
    for (uint32_t k = 0; k < 50000; k++) {
        shared_commit(&s, random_next(&random) % SHARED_KEYS);
        if (k % 16 == 0) {
            uint64_t start = (PINNED + 3 + random_next(&random) % SHARED_KEYS) * 16;
            cc_invalidate(s.cc, start, start + 16 * (1u << random_next(&random) % 10), NULL, NULL);
        }
    }
    atomic_store(&s.stop, true);
    for (size_t i = 0; i < 2; i++)
        pthread_join(reader[i], NULL);
    assert_int_equal(atomic_load(&s.wrong), 0);
    cc_destroy(s.cc);
}

static void *commit_and_invalidate(void *arg) {
    struct shared *s = arg;
    uint64_t random = s->random;
    for (uint32_t k = 0; k < 20000; k++) {
        uint32_t i = random_next(&random) % SHARED_KEYS;
        shared_commit(s, i);
        if (k % 8 == 0)
            cc_invalidate(s->cc, i * 16, i * 16 + 100, NULL, NULL);
    }
    return NULL;
}

static void several_writers_take_turns(void **state) {
    struct shared s[3];
    pthread_t writer[3];
    struct codecache *cc = cache(0, 0);
    for (size_t i = 0; i < 3; i++) {
        s[i] = (struct shared){.cc = cc, .random = i};
        assert_int_equal(pthread_create(&writer[i], NULL, commit_and_invalidate, &s[i]), 0);
    }
    for (size_t i = 0; i < 3; i++) {
        pthread_join(writer[i], NULL);
        assert_int_equal(atomic_load(&s[i].wrong), 0);
    }
    struct cc_stats stats;
    cc_stats(cc, &stats);
    assert_int_equal(stats.blocks + stats.invalidated, 60000);
    assert_int_equal(stats.links + stats.waiting, 2 * stats.blocks);
    cc_destroy(cc);
}

/* An allocator that fails now and then, or always. */
static uint64_t failing_random;
static uint32_t failing_one_in;

static void *failing_alloc(size_t bytes) {
    return random_next(&failing_random) % failing_one_in == 0 ? NULL : malloc(bytes);
}

static void lack_of_memory_loses_only_the_new_block(void **state) {
    for (uint32_t one_in = 1; one_in <= 9; one_in += 2) {
        struct codecache *cc = cache(0, 0);
        enum { COUNT = 4000 };
        static bool have[COUNT];
        size_t committed = 0;
        failing_one_in = one_in;
        cc->alloc = failing_alloc;
        memset(have, 0, sizeof have);
        for (uint32_t i = 0; i < COUNT; i++) {
            struct cc_key next = {(i + 1) % COUNT * 8, 0};
            struct test_block t = {.key = {i * 8, 0},
                                   .target = {next, next},
                                   .id = i,
                                   .src_start = i * 8,
                                   .src_end = i * 8 + 8,
                                   .meta = malloc(8)};
            bool no_room;
            have[i] = commit_block(cc, &t, &no_room) != NULL;
            assert_false(no_room);
            committed += have[i];
        }
        assert_true(one_in == 1 ? committed == 0 : committed > 0 && committed < COUNT);
        for (uint32_t i = 0; i < COUNT; i++) {
            struct cc_block *b = cc_find(cc, (struct cc_key){i * 8, 0});
            assert_int_equal(b != NULL, have[i]);
            if (b)
                assert_int_equal(run_block(b, 1, 0), have[(i + 1) % COUNT] ? (i + 1) % COUNT * 4 + STOPPED : i * 4 + 1);
        }
        assert_int_equal(cc_invalidate(cc, 0, UINT64_MAX, NULL, NULL), committed);
        cc_destroy(cc);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(growing_to_a_hundred_thousand_keeps_every_block),
        cmocka_unit_test(hundred_thousand_blocks_agree_with_the_model),
        cmocka_unit_test(small_cache_that_evicts_agrees_with_the_model),
        cmocka_unit_test(erased_slots_are_passed_over_and_used_again),
        cmocka_unit_test(table_stays_small_under_much_replacing),
        cmocka_unit_test(blocks_are_found_and_run_while_others_come_and_go),
        cmocka_unit_test(several_writers_take_turns),
        cmocka_unit_test(lack_of_memory_loses_only_the_new_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
