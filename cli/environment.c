/* environment.c: the guest's environment: the host's, changed by -E and -U in the order given. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static size_t name_length(const char *assignment) { return strcspn(assignment, "="); }

/* Where name (length bytes of text) stands, or count. */
static size_t environment_find(const struct environment *env, const char *name, size_t length) {
    size_t i = 0;
    while (i < env->count && !(strncmp(env->vars[i], name, length) == 0 && env->vars[i][length] == '='))
        i++;
    return i;
}

static bool environment_grow(struct environment *env, size_t room) {
    if (room <= env->room)
        return true;
    char **vars = realloc(env->vars, room * sizeof *vars);
    if (!vars)
        return false;
    env->vars = vars;
    env->room = room;
    return true;
}

bool environment_init(struct environment *env, char **host_env) {
    size_t count = 0;
    while (host_env[count])
        count++;
    *env = (struct environment){0};
    if (!environment_grow(env, count + 1))
        return false;
    memcpy(env->vars, host_env, (count + 1) * sizeof *host_env);
    env->count = count;
    return true;
}

bool environment_set(struct environment *env, char *assignment) {
    size_t i = environment_find(env, assignment, name_length(assignment));
    if (i == env->count) {
        if (!environment_grow(env, env->count + 2))
            return false;
        env->count++;
        env->vars[env->count] = NULL;
    }
    env->vars[i] = assignment;
    return true;
}

void environment_unset(struct environment *env, const char *name) {
    size_t i = environment_find(env, name, strlen(name));
    if (i == env->count)
        return;
    memmove(&env->vars[i], &env->vars[i + 1], (env->count - i) * sizeof *env->vars);
    env->count--;
}

void environment_free(struct environment *env) {
    free(env->vars);
    *env = (struct environment){0};
}
