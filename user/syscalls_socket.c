/* syscalls_socket.c: sockets whose addresses are file names. */
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "paths.h"
#include "syscalls.h"

/* An address for the host: the guest's own, or one with the name looked up. */
struct address {
    uint64_t at, size;
    struct sockaddr_un un;
    int directory; /* open while the address is in use; -1: none */
};

/* A name that the sysroot has made too long for sun_path: through a descriptor of its directory. */
static bool shorten(struct address *to, const char *host) {
    char directory[PATH_MAX];
    const char *name = strrchr(host, '/') + 1;
    snprintf(directory, sizeof directory, "%.*s", (int)(name - host), host);
    to->directory = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int n = snprintf(to->un.sun_path, sizeof to->un.sun_path, "/proc/self/fd/%d/%s", to->directory, name);
    return to->directory >= 0 && n < (int)sizeof to->un.sun_path;
}

static void address_get(struct address *to, uint64_t at, uint64_t size, unsigned how) {
    char path[sizeof to->un.sun_path + 1] = "", found[PATH_MAX];
    const size_t head = offsetof(struct sockaddr_un, sun_path);
    *to = (struct address){.at = at, .size = size, .directory = -1};
    if (at == 0 || size <= head || size > sizeof to->un || copy_in(&to->un, at, size) != 0 ||
        to->un.sun_family != AF_UNIX || to->un.sun_path[0] == 0)
        return;
    memcpy(path, to->un.sun_path, size - head);
    const char *host = path_resolve_at(AT_FDCWD, path, found, how);
    if (host == path)
        return;
    if (strlen(host) < sizeof to->un.sun_path)
        strcpy(to->un.sun_path, host);
    else if (!shorten(to, host))
        return; /* too long for a socket: the host's answer to the guest's own name */
    to->at = (uint64_t)&to->un;
    to->size = head + strlen(to->un.sun_path) + 1;
}

static void address_put(struct address *address) {
    if (address->directory >= 0)
        close(address->directory);
}

int64_t sys_bind(struct task *t, const uint64_t *a) {
    struct address to;
    address_get(&to, a[1], a[2], PATH_CREATE);
    int64_t r = host_syscall(SYS_bind, a[0], to.at, to.size, 0, 0, 0);
    address_put(&to);
    return r;
}

int64_t sys_connect(struct task *t, const uint64_t *a) {
    struct address to;
    address_get(&to, a[1], a[2], PATH_FOLLOW);
    int64_t r = host_syscall_blocking(SYS_connect, a[0], to.at, to.size, 0, 0, 0);
    address_put(&to);
    return r;
}

int64_t sys_sendto(struct task *t, const uint64_t *a) {
    struct address to;
    address_get(&to, a[4], a[5], PATH_FOLLOW);
    int64_t r = host_syscall_blocking(SYS_sendto, a[0], a[1], a[2], a[3], to.at, to.size);
    address_put(&to);
    return r;
}
