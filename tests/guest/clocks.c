/* Clocks, sleeps, intervals, resource use and limits, identity, scheduling. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

static long long ns(struct timespec t) { return t.tv_sec * 1000000000ll + t.tv_nsec; }

int main(void) {
    struct timespec a, b, res;
    clock_gettime(CLOCK_MONOTONIC, &a);
    struct timespec ms20 = {0, 20000000};
    printf("nanosleep: %d\n", nanosleep(&ms20, NULL));
    clock_gettime(CLOCK_MONOTONIC, &b);
    printf("slept: %d\n", ns(b) - ns(a) >= 20000000 && ns(b) - ns(a) < 5000000000ll);
    b.tv_nsec += 10000000;
    if (b.tv_nsec >= 1000000000) {
        b.tv_sec++;
        b.tv_nsec -= 1000000000;
    }
    printf("until: %d\n", clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &b, NULL));
    clock_gettime(CLOCK_MONOTONIC, &a);
    printf("reached: %d\n", ns(a) >= ns(b));
    clock_getres(CLOCK_REALTIME, &res);
    printf("resolution: %ld %ld\n", (long)res.tv_sec, res.tv_nsec);
    struct timeval tv;
    gettimeofday(&tv, NULL);
    printf("time: %d\n", time(NULL) - tv.tv_sec <= 1 && tv.tv_sec > 1700000000);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
    printf("cpu time: %d\n", ns(a) > 0);
    int r = clock_gettime(999, &a);
    printf("bad clock: %d %d\n", r, errno == EINVAL);
    struct rusage ru;
    r = (int)getrusage(RUSAGE_SELF, &ru);
    printf("rusage: %d %d\n", r, ru.ru_maxrss > 0);
    struct tms tms;
    printf("times: %d\n", times(&tms) != (clock_t)-1);
    struct rlimit rl, again;
    getrlimit(RLIMIT_NOFILE, &rl);
    rl.rlim_cur = rl.rlim_cur > 64 ? 64 : rl.rlim_cur;
    printf("setrlimit: %d\n", setrlimit(RLIMIT_NOFILE, &rl));
    getrlimit(RLIMIT_NOFILE, &again);
    printf("limit: %d\n", again.rlim_cur == rl.rlim_cur);
    struct sysinfo si;
    r = (int)sysinfo(&si);
    printf("sysinfo: %d %d\n", r, si.totalram > 0 && si.procs > 0);
    cpu_set_t set;
    CPU_ZERO(&set);
    r = (int)sched_getaffinity(0, sizeof set, &set);
    printf("affinity: %d %d\n", r, CPU_COUNT(&set) > 0);
    printf("yield: %d\n", sched_yield());
    unsigned cpu = 9999, node;
    r = (int)getcpu(&cpu, &node);
    printf("getcpu: %d %d\n", r, cpu < 9999);
    char bytes[16] = {0}, zero[16] = {0};
    r = (int)getrandom(bytes, 16, 0);
    printf("getrandom: %d %d\n", r, memcmp(bytes, zero, 16) != 0);
    printf("ids: %d %d %d\n", getpid() == gettid(), getppid() > 0, getuid() == geteuid());
    printf("priority: %d\n", getpriority(PRIO_PROCESS, 0) >= -20);
    struct itimerval it = {.it_value = {.tv_sec = 100}}, left;
    setitimer(ITIMER_VIRTUAL, &it, NULL);
    getitimer(ITIMER_VIRTUAL, &left);
    printf("itimer: %d\n", left.it_value.tv_sec >= 98);
    struct timex tx = {0};
    printf("adjtimex: %d\n", adjtimex(&tx) >= 0);
    char host[65];
    printf("hostname: %d\n", gethostname(host, sizeof host));
    return 0;
}
