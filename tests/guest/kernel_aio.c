/* Asynchronous input and output by the kernel: the ring lies where the kernel has put it. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <sys/syscall.h>
#include <time.h>

#include "check.h"

int main(void) {
    aio_context_t context = 0;
    CHECK_EQ(syscall(SYS_io_setup, 8, &context), 0);
    CHECK(context != 0);
    char name[] = "/tmp/riv-aio-XXXXXX", in[8] = {0};
    int fd = mkstemp(name);
    CHECK(fd >= 0);
    unlink(name);
    struct iocb one = {.aio_data = 11,
                       .aio_lio_opcode = IOCB_CMD_PWRITE,
                       .aio_fildes = (uint32_t)fd,
                       .aio_buf = (uintptr_t) "content",
                       .aio_nbytes = 7};
    struct iocb two = {.aio_data = 22,
                       .aio_lio_opcode = IOCB_CMD_PREAD,
                       .aio_fildes = (uint32_t)fd,
                       .aio_buf = (uintptr_t)in,
                       .aio_nbytes = 7};
    struct iocb *list[] = {&one, &two};
    struct io_event events[2];
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(syscall(SYS_io_submit, context, 1, &list[i]), 1);
        CHECK_EQ(syscall(SYS_io_getevents, context, 1, 2, events, NULL), 1);
        printf("%d: %d\n", (int)events[0].data, (int)events[0].res);
    }
    printf("%s\n", in);
    CHECK_EQ(syscall(SYS_io_getevents, context, 1, 2, events, &(struct timespec){.tv_nsec = 1000}), 0);
    CHECK_EQ(syscall(SYS_io_destroy, context), 0);
    return 0;
}
