/* paths.h: file names as the guest sees them.
 *
 * The guest sees the sysroot laid over the host's root: a name that exists in the sysroot means the file there, any other
 * the host's.  /proc, /sys, /dev and /tmp are always the host's.
 */
#ifndef USER_PATHS_H
#define USER_PATHS_H

#include <stdbool.h>
#include <stddef.h>

enum {
    PATH_FOLLOW = 1, /* a symbolic link at the end is followed */
    PATH_CREATE = 2, /* the file may be about to be made: a name that is in neither place gets the one with its directory */
    PATH_SYSROOT = 4 /* rather in the sysroot, where that has the directory: for what is moved inside of it */
};

/* Opens the sysroot.  False: it is not a directory; errno says why. */
bool paths_init(const char *sysroot);
/* The host's name for a guest path that starts at dirfd (or AT_FDCWD): absolute where it leads into the sysroot or comes
 * out of it, else as it is.  buf holds PATH_MAX bytes; how has PATH_ bits.  Returns buf or path. */
const char *path_resolve_at(int dirfd, const char *path, char *buf, unsigned how);
/* The same from the working directory. */
const char *path_resolve(const char *path, char *buf, bool follow);
/* The guest's name for an absolute host path: without the sysroot in front. */
const char *path_guest_view(const char *host);
/* The host path lies in the sysroot. */
bool path_in_sysroot(const char *host);
/* The guest's absolute name for path from dirfd, for whoever has no such descriptor; buf holds PATH_MAX bytes.  NULL: it has
 * no name. */
const char *path_absolute(int dirfd, const char *path, char *buf);
/* To be called after the working directory has changed. */
void paths_cwd_changed(void);
/* A file descriptor of riv's own, which the guest must not close; -1: none. */
int paths_own_fd(void);

/* procfs.c: files under /proc that must show the guest. */
/* A descriptor for path, or -errno; -ENOSYS: not one of these files. */
int procfs_open(const char *path, int flags);
/* The target of a link, or NULL: not one of these. */
const char *procfs_readlink(const char *path);
/* Path is /proc/self/exe in one of its forms. */
bool procfs_is_exe(const char *path);

#endif
