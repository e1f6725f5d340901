/* chardev.c: serial output and input on the host; a raw terminal with Ctrl-A as the way out.
 *
 * Only one chardev at a time may have the terminal; its settings are kept in a static so that a signal handler can put
 * them back.
 */
#include "chardev.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "board.h"

enum { OUT_MAX = 65536, CTRL_A = 1, PTY_WAIT_MS = 1000 };

struct chardev {
    struct board *board;
    int in, out; /* -1: none; closed at the end where own is set */
    bool own, tty;
    bool escape; /* Ctrl-A was typed */
    bool in_ended;
    int in_index, out_index; /* in the pollset; -1: not waited for */
    size_t (*room)(void *ctx);
    void (*receive)(void *ctx, const uint8_t *bytes, size_t n);
    void *ctx;
    size_t start, count; /* of what is buffered */
    uint8_t buffer[OUT_MAX];
};

static struct termios terminal_settings;
static volatile sig_atomic_t terminal_raw;

void chardev_restore_terminal(void) {
    if (terminal_raw)
        tcsetattr(STDIN_FILENO, TCSANOW, &terminal_settings);
    terminal_raw = 0;
}

static bool terminal_take(void) {
    if (tcgetattr(STDIN_FILENO, &terminal_settings) != 0)
        return false;
    struct termios raw = terminal_settings;
    raw.c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    raw.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    terminal_raw = 1;
    return tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

static void send_out(struct chardev *c) {
    while (c->count > 0) {
        size_t n = c->count < OUT_MAX - c->start ? c->count : OUT_MAX - c->start;
        ssize_t done = c->out < 0 ? (ssize_t)n : write(c->out, c->buffer + c->start, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0 && errno == EAGAIN)
            return;
        if (done < 0) {
            c->out = -1; /* nobody listens any more; the guest goes on */
            continue;
        }
        c->start = (c->start + (size_t)done) % OUT_MAX;
        c->count -= (size_t)done;
    }
}

static void show_keys(void) {
    static const char text[] = "\r\nCtrl-A h  this help\r\nCtrl-A x  leave\r\nCtrl-A c  continue: nothing is sent\r\n"
                               "Ctrl-A b  break: nothing is sent\r\nCtrl-A Ctrl-A  send Ctrl-A\r\n";
    ssize_t done = write(STDERR_FILENO, text, sizeof text - 1);
    (void)done;
}

/* Takes the keys that are meant for riv out of bytes; returns how many are left. */
static size_t filter_keys(struct chardev *c, uint8_t *bytes, size_t n) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        uint8_t byte = bytes[i];
        bool escaped = c->escape;
        c->escape = !escaped && byte == CTRL_A;
        if (escaped && (byte == 'x' || byte == 'X'))
            board_stop(c->board, BOARD_EXIT, 0);
        else if (escaped && (byte == 'h' || byte == '?'))
            show_keys();
        else if ((!escaped && byte != CTRL_A) || (escaped && byte == CTRL_A))
            bytes[kept++] = byte;
    }
    return kept;
}

static void chardev_fill(void *ctx, struct pollset *set) {
    struct chardev *c = ctx;
    bool wanted = c->in >= 0 && !c->in_ended && c->receive && c->room(c->ctx) > 0;
    c->in_index = wanted ? pollset_add(set, c->in, POLLIN) : -1;
    send_out(c);
    c->out_index = c->count > 0 && c->out >= 0 ? pollset_add(set, c->out, POLLOUT) : -1;
}

static void chardev_polled(void *ctx, const struct pollset *set) {
    struct chardev *c = ctx;
    if (c->in_index >= 0 && set->fds[c->in_index].revents) {
        uint8_t bytes[256];
        size_t room = c->room(c->ctx);
        ssize_t n = room ? read(c->in, bytes, room < sizeof bytes ? room : sizeof bytes) : -1;
        if (n == 0 || (n < 0 && room && errno != EAGAIN && errno != EINTR && errno != EIO))
            c->in_ended = true;
        size_t kept = n > 0 ? (c->tty ? filter_keys(c, bytes, (size_t)n) : (size_t)n) : 0;
        if (kept > 0)
            c->receive(c->ctx, bytes, kept);
    }
}

static bool open_pty(struct chardev *c, char *err, size_t n) {
    int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    char name[128];
    if (fd < 0 || grantpt(fd) != 0 || unlockpt(fd) != 0 || ptsname_r(fd, name, sizeof name) != 0) {
        snprintf(err, n, "no pseudo-terminal: %s", strerror(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    int peer = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC); /* kept open: reads wait while nobody is connected */
    struct termios raw;
    if (peer >= 0 && tcgetattr(peer, &raw) == 0) {
        cfmakeraw(&raw);
        tcsetattr(peer, TCSANOW, &raw);
    }
    fprintf(stderr, "riv: serial port is on %s\n", name);
    c->in = c->out = fd;
    c->own = true;
    return true;
}

static bool open_host(struct chardev *c, const char *what, char *err, size_t n) {
    if (strcmp(what, "stdio") == 0 || strcmp(what, "mon:stdio") == 0) {
        c->in = STDIN_FILENO;
        c->out = STDOUT_FILENO;
        c->tty = isatty(STDIN_FILENO) && terminal_take();
        return true;
    }
    if (strncmp(what, "file:", 5) == 0) {
        c->out = open(what + 5, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        if (c->out < 0)
            snprintf(err, n, "cannot write %s: %s", what + 5, strerror(errno));
        c->own = true;
        return c->out >= 0;
    }
    if (strcmp(what, "pty") == 0)
        return open_pty(c, err, n);
    if (strcmp(what, "null") == 0 || strcmp(what, "none") == 0)
        return true;
    snprintf(err, n, "no such place for a serial port: '%s' (stdio, file:PATH, pty, none)", what);
    return false;
}

struct chardev *chardev_create(struct board *b, const char *what, char *err, size_t n) {
    struct chardev *c = calloc(1, sizeof *c);
    if (!c) {
        snprintf(err, n, "no memory");
        return NULL;
    }
    c->board = b;
    c->in = c->out = c->in_index = c->out_index = -1;
    const struct board_source source = {.ctx = c, .fill = chardev_fill, .polled = chardev_polled};
    if (!open_host(c, what, err, n)) {
        free(c);
        return NULL;
    }
    if (!board_add_source(b, &source)) {
        snprintf(err, n, "too many devices");
        chardev_destroy(c);
        return NULL;
    }
    return c;
}

void chardev_destroy(struct chardev *c) {
    if (c->out >= 0 && c->own && c->out == c->in)
        fcntl(c->out, F_SETFL, 0);
    send_out(c);
    if (c->tty)
        chardev_restore_terminal();
    if (c->own && c->in >= 0)
        close(c->in);
    if (c->own && c->out >= 0 && c->out != c->in)
        close(c->out);
    free(c);
}

void chardev_connect(struct chardev *c, size_t (*room)(void *ctx),
                     void (*receive)(void *ctx, const uint8_t *bytes, size_t n), void *ctx) {
    c->room = room;
    c->receive = receive;
    c->ctx = ctx;
}

size_t chardev_room(const struct chardev *c) { return OUT_MAX - c->count; }

size_t chardev_write(struct chardev *c, const uint8_t *bytes, size_t n) {
    if (n > OUT_MAX - c->count)
        n = OUT_MAX - c->count;
    for (size_t i = 0; i < n; i++)
        c->buffer[(c->start + c->count + i) % OUT_MAX] = bytes[i];
    c->count += n;
    board_wake_io(c->board);
    return n;
}

void chardev_write_all(struct chardev *c, const uint8_t *bytes, size_t n) {
    while (n > 0) {
        size_t done = chardev_write(c, bytes, n);
        bytes += done;
        n -= done;
        if (n > 0 && done == 0) {
            struct pollfd wait = {.fd = c->out, .events = POLLOUT};
            send_out(c);
            if (c->count == OUT_MAX && poll(&wait, 1, PTY_WAIT_MS) == 0)
                return; /* nobody reads from the pseudo-terminal */
        }
    }
}

void chardev_accept(struct chardev *c) { board_wake_io(c->board); }
