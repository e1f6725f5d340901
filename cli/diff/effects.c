/* effects.c: what a system call or a signal changed in memory, copied to the mirror.
 *
 * Buffers are known from the letters of user/syscalls.def; of other pointers what follows them is compared as far as
 * any structure of the kernel's reaches.  What is missed here shows when it is read (KNOWN_OUTSIDE), never as a false
 * alarm.
 */
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "../../user/syscalls.h"
#include "../../user/user.h"
#include "diff.h"

enum { STRUCT_REACH = 512, IOV_REACH = 1024 };

static struct {
    uint64_t number, a[6];
    bool pending;
} call;

static void changed(uint64_t start, uint64_t size) {
    if (size && start + size > start)
        lockstep.synced_bytes += mirror_copy(start, start + size);
}

/* On RV32 registers are sign-extended, and what they point at is made of words. */
static uint64_t narrow(uint64_t v) { return process.rv32 ? (uint32_t)v : v; }

static void changed_words(uint64_t at, uint64_t count) {
    uint32_t iov[2];
    for (uint64_t i = 0; i < count && i < IOV_REACH && copy_in(iov, at + i * sizeof iov, sizeof iov) == 0; i++)
        changed(iov[0], iov[1]);
}

static void changed_iovec(uint64_t at, uint64_t count) {
    if (process.rv32) {
        changed_words(at, count);
        return;
    }
    struct iovec iov;
    for (uint64_t i = 0; i < count && i < IOV_REACH && copy_in(&iov, at + i * sizeof iov, sizeof iov) == 0; i++)
        changed((uint64_t)iov.iov_base, iov.iov_len);
}

static void changed_message(uint64_t at) {
    struct msghdr m;
    uint32_t words[7]; /* name, its length, iov, count, control, its length, flags */
    if (process.rv32) {
        if (copy_in(words, at, sizeof words) != 0)
            return;
        changed(at, sizeof words);
        changed(words[0], words[1]);
        changed(words[4], words[5]);
        changed_words(words[2], words[3]);
        return;
    }
    if (copy_in(&m, at, sizeof m) != 0)
        return;
    changed(at, sizeof m);
    changed((uint64_t)m.msg_name, m.msg_namelen);
    changed((uint64_t)m.msg_control, m.msg_controllen);
    changed_iovec((uint64_t)m.msg_iov, m.msg_iovlen);
}

void effects_before(const struct hart *h) {
    call.number = h->x[17];
    for (unsigned i = 0; i < 6; i++)
        call.a[i] = narrow(h->x[10 + i]);
    call.pending = true;
}

/* The map has changed, or may have; true: that was all. */
static void follow_map(uint64_t result) {
    bool failed = result > (uint64_t)-4096;
    result = narrow(result);
    switch (call.number) {
    case 222: /* mmap */
        if (!failed)
            mirror_drop(result, result + call.a[1]);
        mirror_update(true);
        break;
    case 216: /* mremap */
        mirror_drop(call.a[0], call.a[0] + call.a[1]);
        if (!failed)
            mirror_drop(result, result + call.a[2]);
        mirror_update(false);
        break;
    case 233: /* madvise */
        mirror_drop(call.a[0], call.a[0] + call.a[1]);
        mirror_update(false);
        break;
    case 214: /* brk */
        mirror_update(true);
        break;
    case 215: /* munmap */
    case 226: /* mprotect */
    case 196: /* shmat */
    case 197: /* shmdt */
        mirror_update(false);
        break;
    default:
        break;
    }
}

void effects_after(const struct hart *h) {
    if (!call.pending)
        return;
    call.pending = false;
    follow_map(h->x[10]);
    const struct syscall_row *row = syscall_row(call.number);
    if (!row || row->host == -1)
        if (!row || !row->call)
            return;
    const char *letters = row->args;
    for (unsigned i = 0; i < 6; i++) {
        uint64_t a = call.a[i];
        char letter = i < strlen(letters) ? letters[i] : 'p';
        switch (letter) {
        case 'w':
            changed(a, call.a[i + 1]);
            break;
        case 'v':
            changed_iovec(a, call.a[i + 1]);
            break;
        case 'h':
            changed_message(a);
            break;
        case 'p':
        case 'x': {
            uint64_t reach = STRUCT_REACH;
            if (i + 1 < 6 && call.a[i + 1] < 4096 && call.a[i + 1] * 16 > reach) /* arrays, their length behind them */
                reach = call.a[i + 1] * 16;
            if (a >= GUEST_PAGE)
                changed(a, reach);
            break;
        }
        default:
            break;
        }
    }
}

bool effects_forked(const struct hart *h) {
    return call.pending && (call.number == 220 || call.number == 435) && h->x[10] == 0; /* clone, clone3 */
}

void effects_signal_frame(const struct hart *h) { changed(narrow(h->x[2]), 4096); }
