/* main.c: riv-fuzz: the processes that run cases, progress, the summary.
 *
 *      main ──fork──▶ worker 0: cases 0, n, 2n ...  ──pipe──▶ reports
 *            └─fork─▶ worker 1: cases 1, n + 1 ...            counts are in shared memory
 *
 * A worker ends after a finding that is more than a difference, as nothing in it can be relied on then; with
 * --keep-going another takes its place behind the case.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "coverage.h"
#include "options.h"
#include "repro.h"

enum { STATUS_FOUND = 1, STATUS_ERROR = 2, WORKER_FAILED = 2, WORKER_STOPPED = 3, MAX_SEEN = 1024 };

struct board { /* shared */
    volatile sig_atomic_t stop;
    uint32_t found;
    uint32_t seen_count;
    char seen[MAX_SEEN][48]; /* what was reported: "way instruction" */
};
struct worker {
    pid_t pid;
    uint64_t next; /* the number of its next case */
    struct tally *tally;
    struct coverage *coverage;
};

static struct fuzz_options options;
static struct board *board;
static struct worker *workers;
static int reports[2];

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}
static void *shared(size_t bytes) {
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

/* False: it was reported already. */
static bool is_new(const char *what) {
    for (uint32_t i = 0; i < board->seen_count && i < MAX_SEEN; i++)
        if (!strcmp(board->seen[i], what))
            return false;
    uint32_t at = __atomic_fetch_add(&board->seen_count, 1, __ATOMIC_SEQ_CST);
    if (at < MAX_SEEN)
        snprintf(board->seen[at], sizeof board->seen[at], "%s", what);
    return true;
}

/* Prints the finding and writes its reproducer; all in one write, so that reports of workers do not mix. */
static void report(const struct finding *f) {
    char what[48], *text = NULL, path[4096];
    size_t size = 0;
    __atomic_fetch_add(&board->found, 1, __ATOMIC_SEQ_CST);
    snprintf(what, sizeof what, "%s %s", way_names[f->way], f->instruction);
    if (!is_new(what))
        return;
    FILE *to = open_memstream(&text, &size);
    if (!to)
        return;
    finding_print(f, to);
    if (options.output[0] && !options.replay) {
        snprintf(path, sizeof path, "%s/riv-fuzz-%016llx.s", options.output, (unsigned long long)f->program.seed);
        FILE *file = fopen(path, "w");
        if (file) {
            repro_write(f, file);
            fprintf(to, "  written to %s\n", path);
        }
        if (!file || fclose(file))
            fprintf(to, "  cannot write %s: %s\n", path, strerror(errno));
    }
    fclose(to);
    for (size_t done = 0; done < size;) {
        ssize_t n = write(reports[1], text + done, size - done);
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    free(text);
}

static int run_worker(struct worker *w) {
    static struct lab lab;
    static struct finding f;
    char err[256];
    if (!lab_open(&lab, options.isas, options.weights, options.focus, options.unicorn, w->tally, err, sizeof err)) {
        fprintf(stderr, "riv fuzz: %s\n", err);
        return WORKER_FAILED;
    }
    if (!ways_install_handlers())
        return WORKER_FAILED;
    ways_watch_time(1000);
    bool reliable = true;
    while (reliable && !board->stop && (!options.cases || w->next < options.cases)) {
        uint64_t number = w->next;
        w->next += options.jobs;
        if (!case_check(&lab, case_seed(options.seed, number), &f))
            continue;
        report(&f);
        reliable = f.kind == FINDING_DIFFERS;
        if (!options.keep_going)
            board->stop = 1;
    }
    coverage_collect(w->coverage);
    return reliable ? 0 : WORKER_STOPPED;
}

static bool start_worker(struct worker *w) {
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        close(reports[0]);
        signal(SIGINT, SIG_IGN); /* the parent tells us */
        _exit(run_worker(w));
    }
    w->pid = pid; /* the worker does not write it: it is in shared memory */
    return pid > 0;
}

static void on_interrupt(int signal_number) { board->stop = 1; }

static uint64_t cases_done(void) {
    uint64_t n = 0;
    for (unsigned i = 0; i < options.jobs; i++)
        n += workers[i].tally->cases;
    return n;
}

static void copy_reports(void) {
    char text[4096];
    ssize_t n;
    while ((n = read(reports[0], text, sizeof text)) > 0)
        fwrite(text, 1, (size_t)n, stdout);
    fflush(stdout);
}

/* A worker is gone; true: another was put in its place. */
static bool worker_ended(struct worker *w, int status, bool *error) {
    w->pid = 0;
    bool died = WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) == 1);
    if (died) { /* the engine stopped it: a broken invariant of its own */
        board->found++;
        printf("?: the engine stops or dies%s%s (case 0x%llx)\n", WIFSIGNALED(status) ? ": " : "",
               WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "", (unsigned long long)w->tally->now);
        if (!options.keep_going)
            board->stop = 1;
    } else if (WEXITSTATUS(status) == WORKER_FAILED) {
        *error = true;
        board->stop = 1;
    }
    bool again = (died || WEXITSTATUS(status) == WORKER_STOPPED) && !board->stop;
    return again && start_worker(w);
}

static bool run_workers(double start) {
    unsigned alive = 0;
    double last = start, stopped = 0;
    bool terminal = isatty(STDERR_FILENO), error = false;
    for (unsigned i = 0; i < options.jobs; i++)
        alive += start_worker(&workers[i]);
    if (!alive)
        return false;
    while (alive) {
        struct pollfd fd = {reports[0], POLLIN, 0};
        poll(&fd, 1, 20);
        copy_reports();
        int status;
        for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
            for (unsigned i = 0; i < options.jobs; i++)
                if (workers[i].pid == pid && !worker_ended(&workers[i], status, &error))
                    alive--;
        double t = now();
        if (options.seconds > 0 && t - start >= options.seconds)
            board->stop = 1;
        if (board->stop && stopped == 0)
            stopped = t;
        if (stopped > 0 && t - stopped > 120) /* one that does not even shrink */
            for (unsigned i = 0; i < options.jobs; i++)
                if (workers[i].pid)
                    kill(workers[i].pid, SIGKILL);
        if (terminal && t - last >= 0.2) {
            last = t;
            uint64_t n = cases_done();
            fprintf(stderr, "\r%.0f s, %llu programs, %.0f a second, %u found ", t - start, (unsigned long long)n,
                    (double)n / (t - start), board->found);
        }
    }
    if (terminal)
        fprintf(stderr, "\r%60s\r", "");
    copy_reports();
    return !error;
}

static void print_summary(double seconds) {
    struct tally *sum = workers[0].tally;
    for (unsigned i = 1; i < options.jobs; i++) {
        struct tally *t = workers[i].tally;
        sum->cases += t->cases;
        sum->endless += t->endless;
        sum->compared_with_unicorn += t->compared_with_unicorn;
        for (int k = 0; k < UNICORN_CLASSES; k++)
            sum->known[k] += t->known[k];
        for (int x = 0; x < 2; x++)
            for (int row = 0; row < ROW_MAX; row++) {
                sum->executed[x][row] += t->executed[x][row];
                for (int c = 0; c < 32; c++)
                    sum->classes[x][row][c] += t->classes[x][row][c];
            }
        coverage_add(workers[0].coverage, workers[i].coverage);
    }
    printf("%llu programs in %.1f s (%.0f a second), %llu of them with Unicorn; %llu left out as endless\n",
           (unsigned long long)sum->cases, seconds, (double)sum->cases / seconds,
           (unsigned long long)sum->compared_with_unicorn, (unsigned long long)sum->endless);
    for (int k = 0; k < UNICORN_CLASSES; k++)
        if (sum->known[k])
            printf("%8u where Unicorn is known to differ: %s\n", sum->known[k], unicorn_class_names[k]);
    printf(board->found ? "%u found\n" : "nothing found\n", board->found);
}

static int replay(void) {
    static struct lab lab;
    static struct finding f;
    static struct repro r;
    static struct tally tally;
    char err[256], *end;
    const char *isas = options.isas;
    uint64_t seed = strtoull(options.replay, &end, 0);
    bool from_file = *end != 0, found;
    if (from_file) {
        FILE *file = fopen(options.replay, "r");
        if (!file) {
            fprintf(stderr, "riv fuzz: cannot open %s: %s\n", options.replay, strerror(errno));
            return STATUS_ERROR;
        }
        bool good = repro_read(&r, file, err, sizeof err);
        fclose(file);
        if (!good) {
            fprintf(stderr, "riv fuzz: %s: %s\n", options.replay, err);
            return STATUS_ERROR;
        }
        isas = r.isa;
    }
    if (!lab_open(&lab, isas, options.weights, options.focus, options.unicorn, &tally, err, sizeof err) ||
        !ways_install_handlers()) {
        fprintf(stderr, "riv fuzz: %s\n", err);
        return STATUS_ERROR;
    }
    ways_watch_time(1000);
    if (from_file) {
        r.program.isa = &lab.machines[0].isa;
        found = program_check(&lab, 0, &r.program, r.way == WAY_STEP ? WAYS : r.way, false, &f) ||
                program_check(&lab, 0, &r.program, WAYS, false, &f);
    } else {
        found = case_check(&lab, seed, &f);
    }
    if (found)
        finding_print(&f, stdout);
    else
        printf("all ways agree\n");
    return found ? STATUS_FOUND : 0;
}

int main(int argc, char **argv) {
    int status = fuzz_options_parse(&options, argc, argv);
    if (status >= 0)
        return status;
    if (options.replay)
        return replay();
    board = shared(sizeof *board);
    workers = shared(options.jobs * sizeof *workers);
    if (!board || !workers || pipe(reports) || fcntl(reports[0], F_SETFL, O_NONBLOCK)) {
        fprintf(stderr, "riv fuzz: no memory\n");
        return STATUS_ERROR;
    }
    for (unsigned i = 0; i < options.jobs; i++) {
        workers[i].next = i;
        workers[i].tally = shared(sizeof(struct tally));
        workers[i].coverage = shared(sizeof(struct coverage));
        if (!workers[i].tally || !workers[i].coverage) {
            fprintf(stderr, "riv fuzz: no memory\n");
            return STATUS_ERROR;
        }
    }
    struct sigaction interrupt = {.sa_handler = on_interrupt, .sa_flags = SA_RESTART};
    sigaction(SIGINT, &interrupt, NULL);
    printf("seed %llu\n", (unsigned long long)options.seed);
    fflush(stdout);
    double start = now();
    if (!run_workers(start))
        return STATUS_ERROR;
    print_summary(now() - start);
    if (options.want_coverage && !coverage_write(workers[0].tally, workers[0].coverage, options.isas, options.coverage))
        return STATUS_ERROR;
    if (fflush(stdout))
        return STATUS_ERROR;
    return board->found ? STATUS_FOUND : 0;
}
