/* thread.h: guest threads and processes. */
#ifndef USER_THREAD_H
#define USER_THREAD_H

#include "user.h"

#define HOST_ALTSTACK (32u << 10)

/* The calling thread's task has left task_run because of exit. */
void thread_finish(struct task *t);
/* robust.c: marks the locks that t's thread leaves held. */
void robust_list_exit(const struct task *t);

#endif
