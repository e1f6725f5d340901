/* paths.h: file names as the guest sees them. */
#ifndef USER_PATHS_H
#define USER_PATHS_H

#include <stdbool.h>
#include <stddef.h>

/* Opens the sysroot.  False: it is not a directory; errno says why. */
bool paths_init(const char *sysroot);
/* The host's name for a guest path: inside the sysroot when it is absolute and exists there, else as it is.  buf holds
 * PATH_MAX bytes; follow says whether a symbolic link at the end is followed.  Returns buf or path. */
const char *path_resolve(const char *path, char *buf, bool follow);
/* The guest's name for an absolute host path: without the sysroot in front. */
const char *path_guest_view(const char *host);
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
