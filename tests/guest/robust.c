/* Robust and priority-inheriting mutexes: the owner's end is seen by whoever joins it, by a waiter and by another
 * process. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"

static pthread_mutex_t *mutex;
static volatile bool locked;

static void init(int protocol, int shared) {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutexattr_setprotocol(&attributes, protocol);
    pthread_mutexattr_setpshared(&attributes, shared);
    memset(mutex, 0, sizeof *mutex);
    CHECK_EQ(pthread_mutex_init(mutex, &attributes), 0);
}

static void *lock_and_end(void *arg) {
    CHECK_EQ(pthread_mutex_lock(mutex), 0);
    locked = true;
    usleep((unsigned)(long)arg);
    return NULL;
}

static const char *name(int r) { return r == 0 ? "0" : strerrorname_np(r); }

static void recover(const char *what, int r) {
    printf("%s: %s", what, name(r));
    printf(", then %s", name(pthread_mutex_consistent(mutex)));
    printf(", %s", name(pthread_mutex_unlock(mutex)));
    printf(", %s\n", name(pthread_mutex_lock(mutex)));
    pthread_mutex_unlock(mutex);
    fflush(stdout);
}

int main(void) {
    mutex = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (int pi = 0; pi < 2; pi++) {
        int protocol = pi ? PTHREAD_PRIO_INHERIT : PTHREAD_PRIO_NONE;
        pthread_t thread;
        for (int i = 0; i < 50; i++) {
            init(protocol, PTHREAD_PROCESS_PRIVATE);
            pthread_create(&thread, NULL, lock_and_end, (void *)0);
            pthread_join(thread, NULL);
            int r =
                pthread_mutex_trylock(mutex); /* at once: the kernel marks the lock before the thread can be joined */
            if (i == 49)
                recover("joined", r);
            else
                CHECK_EQ(r, EOWNERDEAD);
        }
        init(protocol, PTHREAD_PROCESS_PRIVATE);
        locked = false;
        pthread_create(&thread, NULL, lock_and_end, (void *)50000);
        while (!locked)
            usleep(1000);
        recover("waited", pthread_mutex_lock(mutex));
        pthread_join(thread, NULL);

        init(protocol, PTHREAD_PROCESS_SHARED);
        pid_t pid = fork();
        if (pid == 0) {
            lock_and_end(NULL);
            _exit(0);
        }
        waitpid(pid, NULL, 0);
        recover("process", pthread_mutex_lock(mutex));
        pid = fork();
        if (pid == 0) {
            lock_and_end(NULL);
            raise(SIGKILL);
        }
        waitpid(pid, NULL, 0);
        struct timespec soon;
        clock_gettime(CLOCK_REALTIME, &soon);
        soon.tv_sec += 60;
        recover("killed", pthread_mutex_timedlock(mutex, &soon));
        CHECK_EQ(pthread_mutex_lock(mutex), 0);
        CHECK_EQ(pthread_mutex_trylock(mutex), EBUSY);
        CHECK_EQ(pthread_mutex_unlock(mutex), 0);
    }
    return 0;
}
