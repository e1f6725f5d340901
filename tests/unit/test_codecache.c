/* test_codecache.c: the code cache's promises one by one, with code that is run. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "codecache_blocks.h"

static struct codecache *cache(size_t size, size_t chunk) {
    char err[256];
    struct codecache *cc = cc_create(size, chunk, err, sizeof err);
    if (!cc)
        fail_msg("%s", err);
    return cc;
}

static struct cc_key key(uint64_t address) { return (struct cc_key){address, 0}; }

/* A block for 16 guest bytes at address, of which the low bits are its id. */
static struct cc_block *add(struct codecache *cc, uint64_t address, uint64_t target0, uint64_t target1) {
    struct test_block t = {.key = key(address),
                           .target = {key(target0), key(target1)},
                           .id = (uint32_t)address & 0xffffff,
                           .src_start = address,
                           .src_end = address + 16};
    struct cc_block *b = commit_block(cc, &t, NULL);
    assert_non_null(b);
    return b;
}

static struct cc_stats stats(struct codecache *cc) {
    struct cc_stats s;
    cc_stats(cc, &s);
    return s;
}

static void count_dead(void *ctx, struct cc_block *b) {
    assert_true(b->dead);
    ++*(size_t *)ctx;
}

static void committed_block_is_found_and_runs(void **state) {
    struct codecache *cc = cache(0, 0);
    struct cc_block *b = add(cc, 0x1000, 0x2000, 0x3000);
    assert_ptr_equal(cc_find(cc, key(0x1000)), b);
    assert_null(cc_find(cc, key(0x1002)));
    assert_null(cc_find(cc, (struct cc_key){0x1000, 1}));
    assert_int_equal(run_block(b, 0, 0), 0x1000 * 4 + STOPPED);
    assert_int_equal((uintptr_t)b->code & 15, 0);
    assert_int_equal(b->size, BLOCK_SIZE);
    assert_false(b->dead);
    assert_int_equal(stats(cc).bytes_total, 64 << 20);
    cc_destroy(cc);
}

static void key_of_zeros_is_a_key(void **state) {
    struct codecache *cc = cache(0, 0);
    assert_null(cc_find(cc, key(0)));
    struct cc_block *b = add(cc, 0, 1, 2);
    assert_ptr_equal(cc_find(cc, key(0)), b);
    assert_int_equal(cc_invalidate(cc, 0, 1, NULL, NULL), 1);
    assert_null(cc_find(cc, key(0)));
    cc_destroy(cc);
}

static void same_address_in_two_modes_is_two_blocks(void **state) {
    struct codecache *cc = cache(0, 0);
    struct test_block t = {.key = {0x40, 1}, .target = {{0x40, 2}, {0x40, 1}}, .id = 1};
    struct cc_block *one = commit_block(cc, &t, NULL);
    t.key.mode = 2;
    t.id = 2;
    struct cc_block *two = commit_block(cc, &t, NULL);
    assert_ptr_equal(cc_find(cc, (struct cc_key){0x40, 1}), one);
    assert_ptr_equal(cc_find(cc, (struct cc_key){0x40, 2}), two);
    assert_int_equal(run_block(one, 1, 1), 2 * 4 + STOPPED);
    assert_int_equal(run_block(one, 1, 0), 1 * 4 + STOPPED);
    cc_destroy(cc);
}

static void unlinked_exit_leads_to_its_own_stub(void **state) {
    struct codecache *cc = cache(0, 0);
    struct cc_block *b = add(cc, 0x1000, 0x2000, 0x3000);
    assert_int_equal(run_block(b, 1, 1), 0x1000 * 4 + 0);
    assert_int_equal(run_block(b, 1, 0), 0x1000 * 4 + 1);
    assert_int_equal(stats(cc).waiting, 2);
    assert_int_equal(stats(cc).links, 0);
    cc_destroy(cc);
}

static void exits_link_to_older_and_to_younger_blocks(void **state) {
    struct codecache *cc = cache(0, 0);
    struct cc_block *a = add(cc, 0x1000, 0x2000, 0x3000);
    struct cc_block *b = add(cc, 0x2000, 0x1000, 0x3000);
    assert_int_equal(run_block(b, 1, 1), 0x1000 * 4 + STOPPED);
    assert_int_equal(run_block(a, 1, 1), 0x2000 * 4 + STOPPED);
    assert_int_equal(run_block(a, 4, 7), 0x2000 * 4 + 1); /* a, b, a, b, then b's exit 1, which waits */
    add(cc, 0x3000, 0x1000, 0x2000);
    assert_int_equal(run_block(a, 4, 7), 0x3000 * 4 + STOPPED);
    assert_int_equal(stats(cc).links, 6);
    assert_int_equal(stats(cc).waiting, 0);
    cc_destroy(cc);
}

static void block_links_to_itself(void **state) {
    struct codecache *cc = cache(0, 0);
    struct cc_block *b = add(cc, 0x1000, 0x2000, 0x1000);
    assert_int_equal(run_block(b, 100000, 0), 0x1000 * 4 + STOPPED);
    cc_invalidate(cc, 0x1000, 0x1001, NULL, NULL);
    assert_int_equal(run_block(b, 100000, 0), 0x1000 * 4 + 1);
    cc_destroy(cc);
}

static void entry_is_where_links_lead(void **state) {
    struct codecache *cc = cache(0, 0);
    struct cc_block *a = add(cc, 0x1000, 0x2000, 0x2000);
    uint8_t *w;
    const uint8_t *x;
    assert_true(cc_reserve(cc, 100, &w, &x));
    put_return(w, 1);
    put_return(w + 6, 2);
    struct cc_block *b = cc_commit(cc, &(struct cc_commit){.key = key(0x2000), .size = 12, .entry = 6});
    assert_ptr_equal(b->code, x);
    assert_int_equal(run_block(a, 1, 0), 2);
    assert_int_equal(run_block(b, 0, 0), 2);
    cc_destroy(cc);
}

static void replaced_block_dies_and_its_callers_go_to_the_new_one(void **state) {
    struct codecache *cc = cache(0, 0);
    struct cc_block *caller = add(cc, 0x1000, 0x2000, 0x3000);
    struct cc_block *old = add(cc, 0x2000, 0x2000, 0x1000);
    struct test_block t = {.key = key(0x2000), .target = {key(0x2000), key(0x1000)}, .id = 77};
    struct cc_block *new = commit_block(cc, &t, NULL);
    assert_true(old->dead);
    assert_ptr_equal(cc_find(cc, key(0x2000)), new);
    assert_int_equal(run_block(caller, 1, 1), 77 * 4 + STOPPED);
    assert_int_equal(run_block(new, 5, 31), 77 * 4 + STOPPED);
    assert_int_equal(run_block(old, 5, 31), 0x2000 * 4 + 0); /* its own exits lead nowhere any more */
    assert_int_equal(stats(cc).links, 3);
    assert_int_equal(stats(cc).blocks, 2);
    assert_int_equal(stats(cc).dead_blocks, 1);
    cc_destroy(cc);
}

static void invalidation_unlinks_callers_until_the_key_is_back(void **state) {
    struct codecache *cc = cache(0, 0);
    struct cc_block *caller = add(cc, 0x1000, 0x2000, 0x1000);
    struct cc_block *old = add(cc, 0x2000, 0x1000, 0x1000);
    size_t dead = 0;
    assert_int_equal(cc_invalidate(cc, 0x2000, 0x2002, count_dead, &dead), 1);
    assert_int_equal(dead, 1);
    assert_null(cc_find(cc, key(0x2000)));
    assert_int_equal(run_block(caller, 1, 1), 0x1000 * 4 + 0);
    assert_int_equal(run_block(old, 1, 1), 0x2000 * 4 + 0);
    assert_int_equal(stats(cc).waiting, 1);
    assert_int_equal(cc_invalidate(cc, 0x2000, 0x2002, count_dead, &dead), 0);
    add(cc, 0x2000, 0x1000, 0x1000);
    assert_int_equal(run_block(caller, 1, 1), 0x2000 * 4 + STOPPED);
    assert_int_equal(stats(cc).links, 4);
    cc_destroy(cc);
}

static void range_covers_its_first_byte_and_not_its_end(void **state) {
    struct codecache *cc = cache(0, 0);
    add(cc, 0x1100, 0, 0); /* [0x1100, 0x1110) */
    assert_int_equal(cc_invalidate(cc, 0x10f0, 0x1100, NULL, NULL), 0);
    assert_int_equal(cc_invalidate(cc, 0x1110, 0x1200, NULL, NULL), 0);
    assert_int_equal(cc_invalidate(cc, 0x1108, 0x1108, NULL, NULL), 0);
    assert_int_equal(cc_invalidate(cc, 0x1108, 0x1100, NULL, NULL), 0);
    assert_int_equal(cc_invalidate(cc, 0, 0, NULL, NULL), 0);
    assert_int_equal(cc_invalidate(cc, 0x110f, 0x1110, NULL, NULL), 1);
    add(cc, 0x1100, 0, 0);
    assert_int_equal(cc_invalidate(cc, 0x10ff, 0x1101, NULL, NULL), 1);
    cc_destroy(cc);
}

static void block_on_two_pages_dies_by_either(void **state) {
    struct codecache *cc = cache(0, 0);
    static const struct {
        uint64_t start, end;
        size_t dies;
    } range[] = {{0x2ff7, 0x2ff8, 0}, {0x2ff8, 0x2ff9, 1}, {0x2fff, 0x3000, 1}, {0x3000, 0x3001, 1},
                 {0x3007, 0x3008, 1}, {0x3008, 0x4000, 0}, {0x2000, 0x4000, 1}, {0x3000, 0x30000000, 1}};
    for (size_t i = 0; i < sizeof range / sizeof range[0]; i++) {
        add(cc, 0x2ff8, 0, 0);
        size_t dead = 0;
        assert_int_equal(cc_invalidate(cc, range[i].start, range[i].end, count_dead, &dead), range[i].dies);
        assert_int_equal(dead, range[i].dies);
    }
    cc_destroy(cc);
}

static void whole_space_reaches_its_last_byte(void **state) {
    struct codecache *cc = cache(0, 0);
    struct cc_block *none;
    struct test_block t = {.key = key(0x100), .src_start = 0x100, .src_end = 0x100};
    none = commit_block(cc, &t, NULL); /* made from nothing: only cc_invalidate_if and cc_evict get it */
    for (int i = 0; i < 2; i++) {
        add(cc, 0, 0, 0);
        add(cc, 0x7fffffff0000, 0, 0);
        add(cc, 0xffffffffffffff00, 0, 0);
        add(cc, 0xfffffffffffffff0, 0, 0); /* its end is 0 */
        assert_int_equal(cc_invalidate(cc, 0, i ? UINT64_MAX : 0xfffffffffffffff0, NULL, NULL), i ? 4 : 3);
    }
    add(cc, 0xfffffffffffffff0, 0, 0);
    assert_int_equal(cc_invalidate(cc, 0xffffffffffffffff, 0, NULL, NULL), 1);
    assert_false(none->dead);
    cc_destroy(cc);
}

static void block_of_very_many_pages_dies_by_any(void **state) {
    struct codecache *cc = cache(0, 0);
    static const uint64_t pages[] = {31, 32, 33, 100000};
    for (size_t i = 0; i < 4; i++)
        for (int at = 0; at < 3; at++) {
            uint64_t end = 0x10800 + (pages[i] << 12);
            struct test_block t = {.key = key(0x10800), .src_start = 0x10800, .src_end = end};
            assert_non_null(commit_block(cc, &t, NULL));
            assert_int_equal(cc_invalidate(cc, 0x10000, 0x10800, NULL, NULL), 0);
            assert_int_equal(cc_invalidate(cc, end, end + 0x1000, NULL, NULL), 0);
            uint64_t byte = at == 0 ? 0x10800 : at == 1 ? 0x10800 + (pages[i] << 11) : end - 1;
            assert_int_equal(cc_invalidate(cc, byte, byte + 1, NULL, NULL), 1);
        }
    cc_destroy(cc);
}

static bool odd_page(void *ctx, struct cc_block *b) {
    ++*(size_t *)ctx;
    return b->key.address >> 12 & 1;
}

static void invalidate_if_asks_for_each_live_block(void **state) {
    struct codecache *cc = cache(4096, 512); /* several chunks */
    for (uint64_t i = 0; i < 20; i++)
        add(cc, i << 12, ((i + 1) % 20) << 12, 0);
    size_t visits = 0;
    assert_int_equal(cc_invalidate_if(cc, odd_page, &visits), 10);
    assert_int_equal(visits, 20);
    for (uint64_t i = 0; i < 20; i++)
        assert_int_equal(cc_find(cc, key(i << 12)) == NULL, i & 1);
    visits = 0;
    assert_int_equal(cc_invalidate_if(cc, odd_page, &visits), 0);
    assert_int_equal(visits, 10);
    cc_destroy(cc);
}

static void code_address_finds_live_and_dead_blocks_only(void **state) {
    struct codecache *cc = cache(16384, 4096);
    struct cc_block *b[200];
    for (uint64_t i = 0; i < 200; i++)
        b[i] = add(cc, i << 8, 0, 0);
    cc_invalidate(cc, 50 << 8, 150 << 8, NULL, NULL);
    for (int i = 0; i < 200; i++) {
        assert_ptr_equal(cc_find_code(cc, b[i]->code), b[i]);
        assert_ptr_equal(cc_find_code(cc, b[i]->code + BLOCK_SIZE - 1), b[i]);
        assert_null(cc_find_code(cc, b[i]->code + BLOCK_SIZE)); /* padding */
        assert_int_equal(b[i]->dead, i >= 50 && i < 150);
    }
    assert_null(cc_find_code(cc, b[199]->code + 64));
    assert_null(cc_find_code(cc, b[0]->code - 1));
    assert_null(cc_find_code(cc, b[0]->code + 16384));
    assert_null(cc_find_code(cc, &cc));
    assert_true(cc_contains(cc, b[0]->code) && cc_contains(cc, b[0]->code + 16383));
    assert_false(cc_contains(cc, b[0]->code - 1) || cc_contains(cc, b[0]->code + 16384) || cc_contains(cc, NULL));
    cc_destroy(cc);
}

static void unused_and_aborted_room_is_used_again(void **state) {
    struct codecache *cc = cache(4096, 4096);
    uint8_t *w[3];
    const uint8_t *x[3];
    assert_true(cc_reserve(cc, 4096, &w[0], &x[0]));
    cc_abort(cc);
    assert_true(cc_reserve(cc, 4096, &w[1], &x[1]));
    assert_ptr_equal(w[0], w[1]);
    assert_ptr_equal(x[0], x[1]);
    put_return(w[1], 5);
    cc_commit(cc, &(struct cc_commit){.key = key(1), .size = 17});
    assert_false(cc_reserve(cc, 4096 - 31, &w[2], &x[2]));
    assert_true(cc_reserve(cc, 4096 - 32, &w[2], &x[2]));
    assert_ptr_equal(w[2], w[0] + 32);
    cc_abort(cc);
    assert_int_equal(stats(cc).bytes_used, 32);
    assert_false(cc_reserve(cc, 4097, &w[2], &x[2]));
    cc_destroy(cc);
}

static void full_cache_refuses_until_the_oldest_chunk_is_evicted(void **state) {
    struct codecache *cc = cache(1024, 256); /* 4 blocks in each of 4 chunks */
    struct cc_block *b[16];
    uint8_t *w;
    const uint8_t *x;
    for (uint64_t i = 0; i < 16; i++) /* a ring: each leads to the one before, the first to the last */
        b[i] = add(cc, i << 8, ((i + 15) % 16) << 8, 0x9000);
    assert_false(cc_reserve(cc, 1, &w, &x));
    assert_int_equal(run_block(b[5], 16, 0xffff), (5 << 8) * 4 + STOPPED);
    cc_invalidate(cc, 0x100, 0x101, NULL, NULL);
    const uint8_t *first = b[0]->code;
    size_t dead = 0;
    cc_evict(cc, count_dead, &dead);
    assert_int_equal(dead, 3);
    assert_null(cc_find_code(cc, first));
    for (uint64_t i = 0; i < 16; i++)
        assert_ptr_equal(cc_find(cc, key(i << 8)), i < 4 ? NULL : b[i]);
    assert_int_equal(run_block(b[5], 16, 0xffff), (4 << 8) * 4 + 0); /* as far as block 4 */
    struct cc_block *again = add(cc, 0x300, 0xf00, 0);
    assert_ptr_equal(again->code, first);
    assert_ptr_equal(cc_find_code(cc, first), again);
    assert_int_equal(run_block(b[5], 3, 7), 0xf00 * 4 + STOPPED);
    assert_int_equal(stats(cc).blocks, 13);
    assert_int_equal(stats(cc).dead_blocks, 0);
    assert_int_equal(stats(cc).evictions, 1);
    assert_int_equal(stats(cc).bytes_used, 13 * 64);
    cc_destroy(cc);
}

static void evicting_goes_round_and_empties_a_single_chunk(void **state) {
    for (size_t chunks = 1; chunks <= 3; chunks++) {
        struct codecache *cc = cache(chunks * 128, 128);
        uint64_t evicted = 0;
        for (uint64_t i = 0; i < 50; i++) {
            struct test_block t = {.key = key(i), .target = {key(i), key(i + 1)}, .id = (uint32_t)i};
            t.meta = malloc(1);
            bool no_room;
            struct cc_block *b = commit_block(cc, &t, &no_room);
            if (no_room) {
                cc_evict(cc, NULL, NULL);
                evicted += 2;
                b = commit_block(cc, &t, NULL);
            }
            assert_non_null(b);
            assert_int_equal(run_block(b, 9, 0x1ff), i * 4 + STOPPED);
            for (uint64_t k = 0; k <= i; k++)
                assert_int_equal(cc_find(cc, key(k)) != NULL, k >= evicted);
        }
        assert_int_equal(stats(cc).evictions, 25 - chunks);
        cc_evict(cc, NULL, NULL);
        cc_destroy(cc);
    }
}

static void evicting_the_only_chunk_in_use_keeps_all_room(void **state) {
    struct codecache *cc = cache(512, 128);
    uint8_t *w;
    const uint8_t *x;
    cc_evict(cc, NULL, NULL); /* nothing to evict */
    add(cc, 0x100, 0, 0);
    cc_evict(cc, NULL, NULL);
    assert_int_equal(stats(cc).blocks, 0);
    for (uint64_t i = 0; i < 8; i++)
        add(cc, i << 8, 0, 0);
    assert_false(cc_reserve(cc, 1, &w, &x));
    cc_destroy(cc);
}

/* Runs f in a child; its exit status or, negative, the signal that ended it. */
static int in_child(void (*f)(void)) {
    fflush(NULL);
    pid_t pid = fork();
    if (!pid) {
        f();
        _exit(99);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static struct cc_commit wrong;

static void commit_wrong(void) {
    uint8_t *w;
    const uint8_t *x;
    char err[256];
    struct codecache *cc = cc_create(0, 0, err, sizeof err);
    if (!cc || !freopen("/dev/null", "w", stderr) || !cc_reserve(cc, 64, &w, &x))
        _exit(1);
    _exit(cc_commit(cc, &wrong) ? 0 : 2);
}

static void broken_contract_stops(void **state) {
    struct cc_exit e = {.patch = 12, .stub = 0};
    wrong = (struct cc_commit){.size = 64, .exit_count = 1, .exits = &e};
    assert_int_equal(in_child(commit_wrong), 0);
    e.patch = 13;
    assert_int_equal(in_child(commit_wrong), -SIGABRT);
    e.patch = 64;
    assert_int_equal(in_child(commit_wrong), -SIGABRT);
    e.patch = 0;
    e.stub = 64;
    assert_int_equal(in_child(commit_wrong), -SIGABRT);
    wrong = (struct cc_commit){.size = 65};
    assert_int_equal(in_child(commit_wrong), -SIGABRT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(committed_block_is_found_and_runs),
        cmocka_unit_test(key_of_zeros_is_a_key),
        cmocka_unit_test(same_address_in_two_modes_is_two_blocks),
        cmocka_unit_test(unlinked_exit_leads_to_its_own_stub),
        cmocka_unit_test(exits_link_to_older_and_to_younger_blocks),
        cmocka_unit_test(block_links_to_itself),
        cmocka_unit_test(entry_is_where_links_lead),
        cmocka_unit_test(replaced_block_dies_and_its_callers_go_to_the_new_one),
        cmocka_unit_test(invalidation_unlinks_callers_until_the_key_is_back),
        cmocka_unit_test(range_covers_its_first_byte_and_not_its_end),
        cmocka_unit_test(block_on_two_pages_dies_by_either),
        cmocka_unit_test(whole_space_reaches_its_last_byte),
        cmocka_unit_test(block_of_very_many_pages_dies_by_any),
        cmocka_unit_test(invalidate_if_asks_for_each_live_block),
        cmocka_unit_test(code_address_finds_live_and_dead_blocks_only),
        cmocka_unit_test(unused_and_aborted_room_is_used_again),
        cmocka_unit_test(full_cache_refuses_until_the_oldest_chunk_is_evicted),
        cmocka_unit_test(evicting_goes_round_and_empties_a_single_chunk),
        cmocka_unit_test(evicting_the_only_chunk_in_use_keeps_all_room),
        cmocka_unit_test(broken_contract_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
