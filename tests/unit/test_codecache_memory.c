/* test_codecache_memory.c: executable memory: never writable as well, refused with one line, a child's own after fork.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "codecache_blocks.h"

enum { SET_MDWE = 65, REFUSE_EXEC_GAIN = 1, SKIPPED = 77 }; /* prctl(2), Linux 6.3 */
enum { MFD_NOEXEC_FLAG = 8, MFD_EXEC_FLAG = 16 };           /* memfd_create(2), Linux 6.3 */

static struct cc_key key(uint64_t address) { return (struct cc_key){address, 0}; }

static struct cc_block *add(struct codecache *cc, uint64_t address, uint32_t id) {
    struct test_block t = {.key = key(address),
                           .target = {key(address), key(address)},
                           .id = id,
                           .src_start = address,
                           .src_end = address + 4};
    return commit_block(cc, &t, NULL);
}

/* Whether a block can be committed, run in a loop and found. */
static bool works(struct codecache *cc, uint32_t id) {
    struct cc_block *b = add(cc, 0x1000, id);
    return b && cc_find(cc, key(0x1000)) == b && cc_find_code(cc, b->code) == b &&
           run_block(b, 5, 3) == id * 4 + STOPPED;
}

/* In a child: the test of a step, told by its line. */
#define NEED(x)                                                                                                        \
    do {                                                                                                               \
        if (!(x)) {                                                                                                    \
            fprintf(stderr, "child: line %d: %s\n", __LINE__, #x);                                                     \
            _exit(1);                                                                                                  \
        }                                                                                                              \
    } while (0)

/* Runs f in a child; its exit status or, negative, the signal that ended it. */
static int in_child(void (*f)(void)) {
    fflush(NULL);
    pid_t pid = fork();
    if (!pid) {
        f();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void check_child(void (*f)(void)) {
    int status = in_child(f);
    if (status == SKIPPED)
        skip();
    assert_int_equal(status, 0);
}

/* From now on: mmap with PROT_EXEC, and memfd_create if told so, fail with error. */
static void install_filter(bool refuse_exec, bool refuse_memfd, uint32_t error) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, refuse_memfd ? SYS_memfd_create : 0xffffff, 4, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, refuse_exec ? SYS_mmap : 0xffffff, 0, 2),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
    };
    struct sock_fprog program = {.len = sizeof filter / sizeof filter[0], .filter = filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
        _exit(SKIPPED);
}

/* From now on: memfd_create with any of the flags fails with error. */
static void install_memfd_filter(uint32_t flags, uint32_t error) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_memfd_create, 0, 2),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, flags, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
    };
    struct sock_fprog program = {.len = sizeof filter / sizeof filter[0], .filter = filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
        _exit(SKIPPED);
}

static bool maps_name(const char *name) {
    FILE *f = fopen("/proc/self/maps", "r");
    char line[1024];
    bool found = false;
    while (f && !found && fgets(line, sizeof line, f))
        found = strstr(line, name);
    if (f)
        fclose(f);
    return found;
}

/* How many mappings of this process have all of the rights and, unless it is NULL, hold the address of. */
static size_t mappings_with(const char *rights, const void *of) {
    FILE *f = fopen("/proc/self/maps", "r");
    char line[1024];
    size_t count = 0;
    if (!f)
        return (size_t)-1;
    while (fgets(line, sizeof line, f)) {
        unsigned long start, end;
        char have[8];
        if (sscanf(line, "%lx-%lx %7s", &start, &end, have) != 3)
            continue;
        bool all = !of || ((uintptr_t)of >= start && (uintptr_t)of < end);
        for (const char *r = rights; *r; r++)
            all = all && strchr(have, *r);
        count += all;
    }
    fclose(f);
    return count;
}

static void no_page_is_writable_and_executable(void **state) {
    char err[256];
    struct codecache *cc = cc_create(0, 0, err, sizeof err);
    assert_non_null(cc);
    assert_true(works(cc, 1));
    uint8_t *w;
    const uint8_t *x;
    assert_true(cc_reserve(cc, 1, &w, &x));
    cc_abort(cc);
    assert_int_equal(mappings_with("wx", NULL), 0);
    assert_int_equal(mappings_with("rx", x), 1);
    assert_int_equal(mappings_with("rw", w), 1);
    cc_destroy(cc);
    assert_int_equal(mappings_with("", x), 0);
    assert_int_equal(mappings_with("", w), 0);
}

static void creating_leaves_no_descriptor_open(void **state) {
    char err[256];
    int before = dup(0);
    close(before);
    struct codecache *cc = cc_create(0, 0, err, sizeof err);
    int after = dup(0);
    close(after);
    assert_int_equal(before, after);
    cc_destroy(cc);
}

static void sizes_beyond_2_gib_are_refused(void **state) {
    char err[256] = "";
    assert_null(cc_create((size_t)2 << 30, 0, err, sizeof err));
    assert_non_null(strstr(err, "too large"));
    assert_null(cc_create(0, (size_t)1 << 40, err, sizeof err));
    assert_null(cc_create(SIZE_MAX, 0, NULL, 0));
}

static bool one_line(const char *err) { return err[0] && !strchr(err, '\n'); }

static void create_under_mdwe(void) {
    char err[256] = "";
    if (prctl(SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0))
        _exit(SKIPPED);
    NEED(!cc_create(0, 0, err, sizeof err));
    NEED(one_line(err) && strstr(err, "PR_SET_MDWE") && strstr(err, strerror(EACCES)));
}

static void memory_deny_write_execute_is_heeded(void **state) { check_child(create_under_mdwe); }

static void create_without_exec(void) {
    char err[256] = "", small[20];
    install_filter(true, false, EPERM);
    NEED(!cc_create(0, 0, err, sizeof err));
    NEED(one_line(err) && strstr(err, "memfd, PROT_READ | PROT_EXEC: ") && strstr(err, strerror(EPERM)));
    memset(small, 1, sizeof small);
    NEED(!cc_create(0, 0, small, 10));
    NEED(strlen(small) == 9 && small[10] == 1);
    NEED(!cc_create(0, 0, NULL, 0));
    int next = dup(0);
    NEED(next >= 0 && mappings_with("", NULL) < 1000);
}

static void refusal_of_exec_is_told_in_one_line(void **state) { check_child(create_without_exec); }

static void create_without_memfd(void) {
    char err[256];
    install_filter(false, true, ENOSYS);
    struct codecache *cc = cc_create(0, 0, err, sizeof err);
    NEED(cc && works(cc, 3) && !err[0]);
    NEED(mappings_with("wx", NULL) == 0);
    cc_fork_prepare(cc);
    pid_t pid = fork();
    if (!pid) {
        NEED(cc_fork_child(cc) && works(cc, 4));
        NEED(mappings_with("wx", NULL) == 0);
        _exit(0);
    }
    cc_fork_parent(cc);
    int status;
    NEED(waitpid(pid, &status, 0) == pid && status == 0);
    struct cc_block *b = cc_find(cc, key(0x1000));
    NEED(b && run_block(b, 5, 3) == 3 * 4 + STOPPED);
    cc_destroy(cc);
}

static void without_memfd_shared_memory_does(void **state) { check_child(create_without_memfd); }

/* Linux before 6.3. */
static void create_without_memfd_flags(void) {
    char err[256];
    install_memfd_filter(MFD_EXEC_FLAG | MFD_NOEXEC_FLAG, EINVAL);
    struct codecache *cc = cc_create(0, 0, err, sizeof err);
    NEED(cc && works(cc, 3) && maps_name("memfd:riv-code"));
    cc_destroy(cc);
}

static void memfd_without_new_flags_does(void **state) { check_child(create_without_memfd_flags); }

/* As with sysctl vm.memfd_noexec=2. */
static void create_with_sealed_memfd(void) {
    char err[256];
    install_memfd_filter(MFD_EXEC_FLAG, EACCES);
    int fd = (int)syscall(SYS_memfd_create, "probe", MFD_NOEXEC_FLAG);
    if (fd < 0)
        _exit(SKIPPED);
    struct codecache *cc = cc_create(0, 0, err, sizeof err);
    NEED(cc && works(cc, 3) && maps_name("memfd:riv-code"));
    cc_destroy(cc);
}

static void memfd_sealed_against_execve_does(void **state) { check_child(create_with_sealed_memfd); }

static void create_without_descriptors(void) {
    char err[256];
    NEED(setrlimit(RLIMIT_NOFILE, &(struct rlimit){0, 0}) == 0);
    struct codecache *cc = cc_create(0, 0, err, sizeof err);
    NEED(cc && works(cc, 3));
    cc_destroy(cc);
}

static void without_free_descriptors_shared_memory_does(void **state) { check_child(create_without_descriptors); }

static void create_without_either(void) {
    char err[256];
    install_filter(true, true, EACCES);
    NEED(!cc_create(0, 0, err, sizeof err));
    NEED(one_line(err) && strstr(err, "memfd_create: ") && strstr(err, "mmap of shared memory"));
}

static void all_that_was_tried_is_told(void **state) { check_child(create_without_either); }

static void fork_with_refused_child(void) {
    char err[256];
    struct codecache *cc = cc_create(0, 0, err, sizeof err);
    NEED(cc && works(cc, 3));
    struct cc_block *mine = cc_find(cc, key(0x1000));
    cc_fork_prepare(cc);
    pid_t pid = fork();
    if (!pid) {
        uint8_t *w;
        const uint8_t *x = mine->code;
        install_filter(true, false, EPERM);
        NEED(!cc_fork_child(cc));
        NEED(!cc_find(cc, key(0x1000)) && !cc_find_code(cc, x));
        NEED(!cc_reserve(cc, 1, &w, &x));
        cc_evict(cc, NULL, NULL);
        NEED(!cc_reserve(cc, 1, &w, &x));
        NEED(cc_invalidate(cc, 0, UINT64_MAX, NULL, NULL) == 0);
        cc_fork_prepare(cc);
        NEED(!cc_fork_child(cc));
        cc_destroy(cc);
        _exit(0);
    }
    cc_fork_parent(cc);
    int status;
    NEED(waitpid(pid, &status, 0) == pid && status == 0);
    NEED(run_block(mine, 5, 3) == 3 * 4 + STOPPED);
    cc_destroy(cc);
}

static void child_that_is_refused_memory_leaves_the_parents_alone(void **state) {
    check_child(fork_with_refused_child);
}

static void fork_isolation(void) {
    char err[256];
    struct codecache *cc = cc_create(0, 0, err, sizeof err);
    int to_child[2], to_parent[2];
    char go = 0;
    NEED(cc && works(cc, 1) && pipe(to_child) == 0 && pipe(to_parent) == 0);
    struct cc_block *first = cc_find(cc, key(0x1000));
    const uint8_t *code = first->code;
    cc_fork_prepare(cc);
    pid_t pid = fork();
    if (!pid) {
        struct cc_stats s;
        NEED(cc_fork_child(cc));
        cc_stats(cc, &s);
        NEED(s.blocks == 0 && s.dead_blocks == 0 && s.bytes_used == 0 && s.links == 0 && s.waiting == 0);
        NEED(!cc_find(cc, key(0x1000)) && !cc_find_code(cc, code));
        struct cc_block *b = add(cc, 0x1000, 2), *c = add(cc, 0x2000, 20);
        NEED(b && c && b->code == code); /* where the parent's first block is, if memory were shared */
        NEED(run_block(b, 1, 0) == 2 * 4 + STOPPED);
        NEED(write(to_parent[1], &go, 1) == 1 && read(to_child[0], &go, 1) == 1);
        NEED(run_block(b, 1, 0) == 2 * 4 + STOPPED && run_block(c, 0, 0) == 20 * 4 + STOPPED);
        cc_destroy(cc);
        _exit(0);
    }
    cc_fork_parent(cc);
    NEED(read(to_parent[0], &go, 1) == 1);
    NEED(cc_find(cc, key(0x1000)) == first && run_block(first, 1, 0) == 1 * 4 + STOPPED);
    struct cc_block *second = add(cc, 0x3000, 3); /* where the child's second block is */
    cc_invalidate(cc, 0x1000, 0x1001, NULL, NULL);
    NEED(second && run_block(second, 1, 0) == 3 * 4 + STOPPED);
    NEED(write(to_child[1], &go, 1) == 1);
    int status;
    NEED(waitpid(pid, &status, 0) == pid && status == 0);
    NEED(run_block(second, 1, 0) == 3 * 4 + STOPPED);
    cc_destroy(cc);
}

static void child_and_parent_do_not_see_each_others_changes(void **state) { check_child(fork_isolation); }

static atomic_bool stop;

static void *keep_committing(void *arg) {
    struct codecache *cc = arg;
    for (uint32_t i = 0; !atomic_load(&stop); i++) {
        if (!add(cc, (i % 500) << 4, i & 0xffff))
            break;
        if (i % 7 == 0)
            cc_invalidate(cc, 0, 0x400, NULL, NULL);
        if (i % 20 == 0)
            usleep(20); /* the lock is not a fair one */
    }
    return NULL;
}

static void fork_from_threads(void) {
    char err[256];
    pthread_t thread;
    struct codecache *cc = cc_create(0, 0, err, sizeof err);
    NEED(cc && pthread_create(&thread, NULL, keep_committing, cc) == 0);
    for (uint32_t i = 0; i < 20; i++) {
        cc_fork_prepare(cc);
        pid_t pid = fork();
        if (!pid) {
            NEED(cc_fork_child(cc));
            for (uint32_t k = 0; k < 20; k++)
                NEED(works(cc, i + k));
            _exit(0);
        }
        cc_fork_parent(cc);
        int status;
        NEED(waitpid(pid, &status, 0) == pid && status == 0);
    }
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    NEED(works(cc, 1));
    cc_destroy(cc);
}

static void fork_from_a_threaded_process_works(void **state) { check_child(fork_from_threads); }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_page_is_writable_and_executable),
        cmocka_unit_test(creating_leaves_no_descriptor_open),
        cmocka_unit_test(sizes_beyond_2_gib_are_refused),
        cmocka_unit_test(memory_deny_write_execute_is_heeded),
        cmocka_unit_test(refusal_of_exec_is_told_in_one_line),
        cmocka_unit_test(without_memfd_shared_memory_does),
        cmocka_unit_test(memfd_without_new_flags_does),
        cmocka_unit_test(memfd_sealed_against_execve_does),
        cmocka_unit_test(without_free_descriptors_shared_memory_does),
        cmocka_unit_test(all_that_was_tried_is_told),
        cmocka_unit_test(child_that_is_refused_memory_leaves_the_parents_alone),
        cmocka_unit_test(child_and_parent_do_not_see_each_others_changes),
        cmocka_unit_test(fork_from_a_threaded_process_works),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
