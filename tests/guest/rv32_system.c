// native: no
// args: parent
// timeout: 30
// cflags: -march=rv32gc -mabi=ilp32d -nostdlib -nostartfiles -ffreestanding -static -Wl,-melf32lriscv
// expect: files: 10 bytes at 2^32 + 5
// expect: vectors: 6 abcdef
// expect: lock: 1 at 2^33
// expect: directory: found
// expect: statfs: proc, 4096
// expect: times: real, later, 64-bit
// expect: system: memory and usage
// expect: segv: code 1 at 0x10, resumed with fs0 2.5
// expect: illegal: code 1, on the alternate stack
// expect: queue: 35=7 34=5 34=6
// expect: timers: itimer 2, timer 9
// expect: waited: 34 with 8
// expect: select: timed out, then ready
// expect: thread: shared 1, joined, handler in thread 1
// expect: process: code 1 status 21, killed code 2 status 9
// expect: exec: child got 3 arguments, X=1
// expect: vfork: ENOENT seen by the parent
// expect: message: 3 bytes, descriptor works
// expect: unknown call: ENOSYS
/* The system calls of riscv32: 64-bit time and offsets in register pairs, 32-bit structures, signal frames, threads,
 * processes. */
#include "rv32.h"

#define EXPECT(c) ((c) ? (void)0 : fail(__LINE__))
#define CALL(n, ...) call6(n, __VA_ARGS__ __VA_OPT__(, ) 0, 0, 0, 0, 0, 0)
#define call6(n, a, b, c, d, e, f, ...) rv32_call6(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

static long rv32_call6(long number, long a, long b, long c, long d, long e, long f) {
    register long a0 __asm__("a0") = a, a1 __asm__("a1") = b, a2 __asm__("a2") = c, a3 __asm__("a3") = d,
                     a4 __asm__("a4") = e, a5 __asm__("a5") = f, a7 __asm__("a7") = number;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(a7) : "memory");
    return a0;
}
static void put_int(long v) {
    char text[12];
    int n = 11;
    unsigned long u = v < 0 ? -(unsigned long)v : (unsigned long)v;
    text[n] = 0;
    do
        text[--n] = (char)('0' + u % 10);
    while (u /= 10);
    if (v < 0)
        text[--n] = '-';
    put(text + n);
}
static void fail(int line) {
    put("failed in line ");
    put_int(line);
    put("\n");
    CALL(94, 99);
}
static int equal(const char *a, const char *b) {
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

struct time64 {
    int64_t seconds;
    long nanoseconds, pad;
};
struct action {
    void (*handler)(int, word *, word *);
    word flags, mask[2];
};
struct altstack {
    void *sp;
    word flags, size;
};
enum { SA_SIGINFO = 4, SA_ONSTACK = 0x8000000, SA_RESTART = 0x10000000 };

static volatile word order[8][2];
static volatile int seen;
static void on_value(int sig, word *info, word *context) {
    order[seen & 7][0] = (word)sig;
    order[seen++ & 7][1] = info[5];
}
static void catch (int sig, void (*handler)(int, word *, word *), word flags) {
    struct action action = {handler, flags | SA_SIGINFO, {0, 0}};
    EXPECT(CALL(134, sig, &action, 0, 8) == 0);
}

static void files(void) {
    char name[] = "/tmp/riv-rv32-file-00000000", text[16] = {0};
    long self = CALL(172); /* other runs of this program may be under way */
    for (unsigned i = sizeof name - 2; self; i--, self /= 10)
        name[i] = (char)('0' + self % 10);
    int fd = CALL(56, -100, name, 0102 | 01000, 0600);
    EXPECT(fd >= 0);
    EXPECT(CALL(68, fd, "0123456789", 10, 5, 1) == 10);
    uint64_t end = 0;
    EXPECT(CALL(62, fd, 0, 0, &end, 2) == 0);
    EXPECT(end == (1ull << 32) + 15);
    EXPECT(CALL(67, fd, text, 16, 8, 1) == 7 && equal(text, "3456789"));
    put("files: 10 bytes at 2^32 + 5\n");
    EXPECT(CALL(46, fd, 4, 0) == 0);
    EXPECT(CALL(45, name, 0, 0) == 0);
    struct {
        const char *p;
        long n;
    } v[2] = {{"abc", 3}, {"def", 3}}, in[2] = {{text, 2}, {text + 2, 10}};
    EXPECT(CALL(62, fd, 0, 0, &end, 0) == 0);
    EXPECT(CALL(66, fd, v, 2) == 6);
    EXPECT(CALL(69, fd, in, 2, 0, 0) == 6);
    text[6] = 0;
    put("vectors: 6 ");
    put(text);
    struct {
        short type, whence;
        int64_t start, length;
        int pid;
    } lock = {1, 0, 1ll << 33, 10, 0};
    EXPECT(CALL(25, fd, 13, &lock) == 0);
    long pid = CALL(220, 17);
    if (pid == 0) {
        lock.start = 0;
        lock.length = 0;
        EXPECT(CALL(25, fd, 12, &lock) == 0);
        CALL(93, lock.type == 1 && lock.start == 1ll << 33 ? 1 : 2);
    }
    word info[32];
    EXPECT(CALL(95, 1, pid, info, 4, 0) == 0);
    put("\nlock: ");
    put_int((long)info[5]);
    put(" at 2^33\n");
    EXPECT(CALL(35, -100, name, 0) == 0);
    char entries[2048];
    int dir = CALL(56, -100, "/proc/self", 0200000), found = 0;
    for (long n; (n = CALL(61, dir, entries, sizeof entries)) > 0;)
        for (long at = 0; at < n; at += entries[at + 16] | entries[at + 17] << 8)
            found |= equal(entries + at + 19, "cmdline");
    put(found ? "directory: found\n" : "directory: not found\n");
    word fs[22];
    EXPECT(CALL(43, "/proc", sizeof fs, fs) == 0);
    put(fs[0] == 0x9fa0 && fs[1] == 4096 ? "statfs: proc, 4096\n" : "statfs: ?\n");
    CALL(57, fd);
}

static void system_calls(void) {
    struct time64 a, b, wait = {0, 2000000, 0};
    EXPECT(CALL(403, 1, &a) == 0);
    EXPECT(CALL(407, 1, 0, &wait, 0) == 0);
    EXPECT(CALL(403, 1, &b) == 0);
    int later = (b.seconds - a.seconds) * 1000000000ll + b.nanoseconds - a.nanoseconds >= 2000000;
    EXPECT(CALL(403, 0, &a) == 0);
    put(a.seconds > 1600000000 && later ? "times: real, later, 64-bit\n" : "times: ?\n");
    word info[16] = {0}, usage[18] = {0}, tms[4];
    EXPECT(CALL(179, info) == 0);
    EXPECT(CALL(165, 0, usage) == 0);
    CALL(153, tms);
    put((uint64_t)info[4] * info[13] > 1 << 20 && usage[4] > 100 ? "system: memory and usage\n" : "system: ?\n");
}

static word fault_code, fault_address, on_stack;
static char alternate[16384];
static void on_fault(int sig, word *info, word *context) {
    word here;
    fault_code = info[2];
    fault_address = info[3];
    on_stack = (char *)&here > alternate && (char *)&here < alternate + sizeof alternate;
    context[40] += 4; /* pc: uc_mcontext is at 160 */
    *(double *)((char *)context + 288 + 8 * 8) = 2.5;
}

static void faults(void) {
    catch (11, on_fault, 0);
    register double fs0 __asm__("fs0") = 1;
    __asm__ volatile(".option push\n.option norvc\n lw zero, 16(zero)\n.option pop" : "+f"(fs0) : : "memory");
    put("segv: code ");
    put_int((long)fault_code);
    put(fault_address == 16 ? " at 0x10" : " elsewhere");
    put(fs0 == 2.5 ? ", resumed with fs0 2.5\n" : ", fs0 lost\n");
    struct altstack stack = {alternate, 0, sizeof alternate}, old;
    EXPECT(CALL(132, &stack, 0) == 0);
    EXPECT(CALL(132, 0, &old) == 0);
    EXPECT(old.sp == alternate && old.size == sizeof alternate && old.flags == 0);
    catch (4, on_fault, SA_ONSTACK);
    __asm__ volatile(".word 0xffffffff");
    put("illegal: code ");
    put_int((long)fault_code);
    put(on_stack ? ", on the alternate stack\n" : ", on the stack\n");
}

static void signals(void) {
    word info[32] = {0, 0, (word)-1, (word)CALL(172), (word)CALL(174)}, set[2] = {0, 3u << 1}, old[2];
    catch (34, on_value, 0);
    catch (35, on_value, 0);
    EXPECT(CALL(135, 0, set, old, 8) == 0);
    for (word i = 0; i < 3; i++) {
        int sig = i == 2 ? 35 : 34;
        info[0] = (word)sig;
        info[5] = 5 + i;
        EXPECT(CALL(138, CALL(172), sig, info) == 0);
    }
    EXPECT(CALL(135, 2, old, 0, 8) == 0);
    EXPECT(seen == 3);
    put("queue:"); /* the last frame is entered first */
    for (int i = 0; i < 3; i++) {
        put(" ");
        put_int((long)order[i][0]);
        put("=");
        put_int((long)order[i][1]);
    }
    seen = 0;
    catch (14, on_value, 0);
    int itimer[4] = {7, 8, 0, 2000}, now[4], none[4] = {0};
    word both[2] = {1u << 13, 3u << 1};
    word event[16] = {9, 34, 0};
    int timer;
    struct time64 spec[2] = {{0, 0, 0}, {0, 2000000, 0}};
    EXPECT(CALL(135, 0, both, old, 8) == 0);
    EXPECT(CALL(103, 0, itimer, 0) == 0);
    CALL(133, old, 8);
    EXPECT(CALL(102, 0, now) == 0);
    EXPECT(now[0] == 7 && now[1] == 8);
    EXPECT(CALL(103, 0, none, 0) == 0);
    put("\ntimers: itimer ");
    put_int(seen + 1);
    EXPECT(CALL(107, 1, event, &timer) == 0);
    EXPECT(CALL(409, timer, 0, spec, 0) == 0);
    CALL(133, old, 8);
    put(", timer ");
    put_int((long)order[seen - 1][1]);
    info[0] = 34;
    info[5] = 8;
    EXPECT(CALL(138, CALL(172), 34, info) == 0);
    word got[32];
    long sig = CALL(421, set, got, 0, 8);
    put("\nwaited: ");
    put_int(sig);
    put(" with ");
    put_int((long)got[5]);
    EXPECT(CALL(135, 2, old, 0, 8) == 0);
    int fds[2];
    EXPECT(CALL(59, fds, 0) == 0);
    word bits[32] = {1u << fds[0]};
    struct time64 soon = {0, 1000000, 0};
    struct {
        word *set, size;
    } mask = {old, 8};
    EXPECT(CALL(413, fds[0] + 1, bits, 0, 0, &soon, &mask) == 0);
    CALL(64, fds[1], "x", 1);
    bits[0] = 1u << fds[0];
    EXPECT(CALL(413, fds[0] + 1, bits, 0, 0, 0, &mask) == 1);
    struct {
        int fd;
        short events, revents;
    } poll = {fds[0], 1, 0};
    EXPECT(CALL(414, &poll, 1, &soon, 0, 8) == 1 && poll.revents == 1);
    put("\nselect: timed out, then ready\n");
}

static volatile int shared, thread_id, in_thread;
static void on_thread(int sig, word *info, word *context) { in_thread = CALL(178) == thread_id; }
static char thread_stack[16384] __attribute__((aligned(16)));

static void threads(void) {
    catch (10, on_thread, 0);
    thread_id = 1;
    /* VM FS FILES SIGHAND THREAD SYSVSEM SETTLS PARENT_SETTID CHILD_CLEARTID */
    register long a0 __asm__("a0") = 0x3d0f00, a1 __asm__("a1") = (long)(thread_stack + sizeof thread_stack),
                     a2 __asm__("a2") = (long)&thread_id, a3 __asm__("a3") = 0x1234,
                     a4 __asm__("a4") = (long)&thread_id, a7 __asm__("a7") = 220;
    __asm__ volatile("ecall\n bnez a0, 1f\n"
                     " li a0, 1\n sw a0, 0(%1)\n fence\n"
                     "2: lw a0, 0(%2)\n beqz a0, 2b\n"
                     " li a0, 0\n li a7, 93\n ecall\n1:"
                     : "+r"(a0)
                     : "r"(&shared), "r"(&in_thread), "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a7)
                     : "memory");
    long tid_made = a0; /* the register is another call's from here on */
    EXPECT(tid_made > 0);
    while (!shared)
        CALL(124);
    CALL(131, CALL(172), tid_made, 10);
    for (int tid; (tid = thread_id);)
        CALL(422, &thread_id, 0, tid, 0, 0, 0);
    put("thread: shared ");
    put_int(shared);
    put(", joined, handler in thread ");
    put_int(in_thread);
    put("\n");
}

static char *program;
static void processes(void) {
    word info[32];
    long pid = CALL(220, 17);
    if (pid == 0)
        CALL(94, 21);
    EXPECT(CALL(95, 1, pid, info, 4, 0) == 0);
    put("process: code ");
    put_int((long)info[2]);
    put(" status ");
    put_int((long)info[5]);
    pid = CALL(220, 17);
    if (pid == 0)
        for (;;)
            CALL(124);
    CALL(129, pid, 9);
    EXPECT(CALL(95, 1, pid, info, 4, 0) == 0);
    put(", killed code ");
    put_int((long)info[2]);
    put(" status ");
    put_int((long)info[5]);
    put("\n");
    pid = CALL(220, 17);
    if (pid == 0) {
        const char *args[] = {program, "child", "x", 0}, *env[] = {"X=1", 0};
        CALL(221, program, args, env);
        CALL(94, 1);
    }
    EXPECT(CALL(95, 1, pid, info, 4, 0) == 0);
    static volatile long error;
    /* vfork */
    pid = CALL(220, 0x4111);
    if (pid == 0) {
        error = CALL(221, "/nonexistent", 0, 0);
        CALL(94, 0);
    }
    EXPECT(CALL(95, 1, pid, info, 4, 0) == 0);
    put(error == -2 ? "vfork: ENOENT seen by the parent\n" : "vfork: ?\n");
}

static void messages(void) {
    int pair[2], pipes[2];
    EXPECT(CALL(199, 1, 2, 0, pair) == 0);
    EXPECT(CALL(59, pipes, 0) == 0);
    struct {
        const char *p;
        long n;
    } v = {"msg", 3};
    word control[8] = {16, 1, 1, (word)pipes[1]}, m[7] = {0, 0, (word)&v, 1, (word)control, 16, 0};
    EXPECT(CALL(211, pair[0], m, 0) == 3);
    char text[8];
    v.p = text;
    v.n = 8;
    m[5] = sizeof control;
    control[3] = 0;
    long n = CALL(212, pair[1], m, 0);
    EXPECT(m[5] == 16 && control[0] == 16 && control[2] == 1 && (int)control[3] != pipes[1]);
    EXPECT(CALL(64, control[3], "y", 1) == 1 && CALL(63, pipes[0], text, 1) == 1 && text[0] == 'y');
    put("message: ");
    put_int(n);
    put(" bytes, descriptor works\n");
}

int main(void) {
    char arguments[256];
    int fd = CALL(56, -100, "/proc/self/cmdline", 0), count = 0;
    long n = CALL(63, fd, arguments, sizeof arguments - 1);
    program = arguments;
    for (long i = 0; i < n; i++)
        count += arguments[i] == 0;
    if (count == 3) {
        put("exec: child got 3 arguments, ");
        put("X=1\n");
        return 0;
    }
    files();
    system_calls();
    faults();
    signals();
    threads();
    processes();
    messages();
    put(CALL(117, 0) == -38 ? "unknown call: ENOSYS\n" : "unknown call: ?\n");
    return 0;
}
