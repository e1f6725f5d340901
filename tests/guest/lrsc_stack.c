// native: no
// expect: ok
/* A lock-free stack without tags, which only a true LR/SC keeps whole: pop loads the next pointer between LR and SC, so
 * a store conditional that compares values would take a node that has come back. */
#include "check.h"
#include <pthread.h>
#include <stdatomic.h>

struct node {
    struct node *next;
    atomic_int owners;
};
enum { NODES = 4, THREADS = 3, ROUNDS = 20000 };
static struct node nodes[NODES];
static struct node *head;

static struct node *pop(void) {
    struct node *top, *next;
    long failed;
    do
        __asm__ volatile("   lr.d.aqrl %0, (%3)\n   mv %1, zero\n   beqz %0, 1f\n"
                         "   ld %1, 0(%0)\n"
                         "1: sc.d.aqrl %2, %1, (%3)\n"
                         : "=&r"(top), "=&r"(next), "=&r"(failed)
                         : "r"(&head)
                         : "memory");
    while (failed);
    return top;
}
/* The link is stored before the LR: between LR and SC there is no store, so that the loop must make progress. */
static void push(struct node *node) {
    struct node *top, *seen;
    long failed;
    do {
        top = __atomic_load_n(&head, __ATOMIC_ACQUIRE);
        __atomic_store_n(&node->next, top, __ATOMIC_RELEASE);
        __asm__ volatile("   lr.d.aqrl %0, (%2)\n   li %1, 1\n   bne %0, %4, 1f\n   sc.d.rl %1, %3, (%2)\n1:"
                         : "=&r"(seen), "=&r"(failed)
                         : "r"(&head), "r"(node), "r"(top)
                         : "memory");
    } while (failed);
}

static void *work(void *argument) {
    uint64_t random = (uint64_t)(uintptr_t)argument;
    for (int i = 0; i < ROUNDS; i++) {
        struct node *mine[2];
        int n = 1 + (int)(check_random(&random) & 1);
        for (int k = 0; k < n; k++)
            if ((mine[k] = pop()))
                CHECK_EQ(atomic_fetch_add(&mine[k]->owners, 1), 0);
        for (int k = 0; k < n; k++)
            if (mine[k]) {
                CHECK_EQ(atomic_fetch_sub(&mine[k]->owners, 1), 1);
                push(mine[k]);
            }
    }
    return NULL;
}

int main(void) {
    for (int i = 0; i < NODES; i++)
        push(&nodes[i]);
    pthread_t threads[THREADS];
    for (long i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, work, (void *)(i + 1)), 0);
    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
    int count = 0;
    for (struct node *n = head; n; n = n->next)
        count++;
    CHECK_EQ(count, NODES);
    puts("ok");
}
