/* gdb_client.h: what riv diff needs of the gdb remote protocol (gdb manual, appendix "Remote Serial Protocol"): registers of
 * a stopped RISC-V program, breakpoints, and letting it run.
 */
#ifndef CLI_DIFF_GDB_CLIENT_H
#define CLI_DIFF_GDB_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Signals as the protocol numbers them. */
enum { GDB_SIGILL = 4, GDB_SIGTRAP = 5, GDB_SIGFPE = 8, GDB_SIGBUS = 10, GDB_SIGSEGV = 11 };
/* What gdb_resume gives beside the signal at which the program has stopped. */
enum { GDB_GONE = -1, GDB_RUNNING = -2 };

struct gdb {
    int fd;
    unsigned xlen;
    unsigned f0, fflags, frm; /* register numbers; x0 to x31 and pc are 0 to 32 */
    bool acknowledge; /* the last answer is still to be acknowledged */
    char in[8192];
    size_t in_count;
};

/* Greets the stub behind fd and asks which registers it has. False: one line in err. */
bool gdb_open(struct gdb *g, int fd, unsigned xlen, char *err, size_t n);
/* All of these: false where there is no answer, or one that makes no sense: nothing more can be asked. */
bool gdb_read_core(struct gdb *g, uint64_t x[32], uint64_t *pc);
bool gdb_write_core(struct gdb *g, const uint64_t x[32], uint64_t pc);
bool gdb_read(struct gdb *g, unsigned number, uint64_t *value);
/* bytes: the register's size. */
bool gdb_write(struct gdb *g, unsigned number, uint64_t value, unsigned bytes);
bool gdb_breakpoint(struct gdb *g, bool set, uint64_t address);
/* One instruction, or on to a breakpoint: the signal at which it stops, or GDB_RUNNING after this many milliseconds. */
int gdb_resume(struct gdb *g, bool step, int milliseconds);

#endif
