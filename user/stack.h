/* stack.h: what a program finds when it starts. */
#ifndef USER_STACK_H
#define USER_STACK_H

#include "loader.h"

/* Maps the stack and fills it with arguments, environment and auxiliary vector; execfn is AT_EXECFN.  Returns the stack
 * pointer, or -errno (E2BIG: they do not fit). */
int64_t stack_create(const struct image *image, uint64_t stack_bytes, const char *execfn, char **argv, char **env);

#endif
