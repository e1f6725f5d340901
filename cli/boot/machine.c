/* machine.c: puts a machine together, runs its harts, each on a thread of its own, and takes it apart.
 *
 * RAM's upper end holds the device tree, below it the initrd; the rest is the images' and the guest's.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "../../cpu/system.h"
#include "boot.h"

#define DEFAULT_FIRMWARE "/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin"
enum {
    KERNEL_OFFSET_64 = 2 << 20,
    KERNEL_OFFSET_32 = 4 << 20,
    SIGNAL_STACK = 65536,
    FRAME_NS = 16666667,
    COUNT_FRAMES = 30
};
#define TREE_TOP (UINT64_C(1) << 30) /* the device tree is within the first GiB of RAM: 32-bit kernels reach it */

struct boot_hart {
    struct machine_parts *machine;
    struct hart *hart;
    pthread_t thread;
    bool started, in_engine;
    uint64_t instructions; /* as it said last; atomic */
};

struct machine_parts {
    struct boot_config config;
    struct isa isa;
    char isa_text[512];
    struct board *board;
    struct chardev *serial, *console;
    struct display *display;
    struct engine *engine;
    struct boot_hart harts[BOARD_HARTS_MAX];
    struct virt_config virt;
    struct image_set images;
    struct image_info image;
    uint64_t entry, next;
    int signal_fd, signal_index;
    sigset_t signals, old_signals;
    char bootargs[32];
    bool stopping; /* atomic */
};

static __thread struct hart *running_hart;

static void host_fault(int sig, siginfo_t *info, void *context) {
    if (running_hart && engine_host_fault(running_hart, sig, info, context))
        return;
    chardev_restore_terminal();
    signal(sig, SIG_DFL); /* our own bug: the instruction is run again and ends the process */
}

static void *hart_main(void *arg) {
    struct boot_hart *h = arg;
    stack_t stack = {.ss_sp = malloc(SIGNAL_STACK), .ss_size = SIGNAL_STACK};
    if (stack.ss_sp)
        sigaltstack(&stack, NULL);
    running_hart = h->hart;
    while (!__atomic_load_n(&h->machine->stopping, __ATOMIC_ACQUIRE)) {
        engine_run(h->hart);
        if (h->machine->config.display == DISPLAY_SDL)
            __atomic_store_n(&h->instructions, engine_instructions(h->hart), __ATOMIC_RELAXED);
    }
    running_hart = NULL;
    stack.ss_flags = SS_DISABLE;
    void *memory = stack.ss_sp;
    sigaltstack(&stack, NULL);
    free(memory);
    return NULL;
}

static void signals_fill(void *ctx, struct pollset *set) {
    struct machine_parts *m = ctx;
    m->signal_index = pollset_add(set, m->signal_fd, POLLIN);
}

static void signals_polled(void *ctx, const struct pollset *set) {
    struct machine_parts *m = ctx;
    struct signalfd_siginfo info;
    if (m->signal_index >= 0 && set->fds[m->signal_index].revents &&
        read(m->signal_fd, &info, sizeof info) == sizeof info)
        board_stop(m->board, BOARD_EXIT, 128 + (int)info.ssi_signo);
}

static bool take_signals(struct machine_parts *m) {
    sigemptyset(&m->signals);
    sigaddset(&m->signals, SIGINT);
    sigaddset(&m->signals, SIGTERM);
    sigaddset(&m->signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &m->signals, &m->old_signals);
    signal(SIGPIPE, SIG_IGN);
    struct sigaction action = {.sa_sigaction = host_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    m->signal_fd = signalfd(-1, &m->signals, SFD_CLOEXEC | SFD_NONBLOCK);
    const struct board_source source = {.ctx = m, .fill = signals_fill, .polled = signals_polled};
    return m->signal_fd >= 0 && board_add_source(m->board, &source);
}

static bool choose_isa(struct machine_parts *m, const char *image, char *err, size_t n) {
    const struct boot_config *c = &m->config;
    const char *name = c->cpu ? c->cpu : image && image_xlen(image) == 32 ? "rv32max" : "max";
    if (!isa_parse(&m->isa, name, err, n))
        return false;
    isa_string(&m->isa, m->isa_text, sizeof m->isa_text);
    size_t used = strlen(m->isa_text);
    snprintf(m->isa_text + used, sizeof m->isa_text - used, "%s",
             m->isa.xlen == 64 ? "_sstc_svinval_svnapot_svpbmt" : "_sstc_svinval");
    return true;
}

static unsigned next_slot(struct machine_parts *m) {
    unsigned slot = 0;
    while (slot < VIRTIO_SLOTS - 1u && m->virt.virtio[slot])
        slot++;
    m->virt.virtio[slot] = true; /* a ninth device is refused by virtio_create: its slot is taken */
    return slot;
}

static bool add_input(struct machine_parts *m, char *err, size_t n) {
    const struct boot_config *c = &m->config;
    struct virtio_input *keyboard = NULL, *tablet = NULL;
    if (c->keyboard && !(keyboard = virtio_input_create(m->board, next_slot(m), INPUT_KEYBOARD, err, n)))
        return false;
    if (c->tablet && !(tablet = virtio_input_create(m->board, next_slot(m), INPUT_TABLET, err, n)))
        return false;
    display_connect(m->display, keyboard, tablet);
    return true;
}

static bool add_devices(struct machine_parts *m, char *err, size_t n) {
    const struct boot_config *c = &m->config;
    if (!(m->serial = chardev_create(m->board, c->serial ? c->serial : "stdio", err, n)) ||
        !virt_add_devices(m->board, m->serial, c->flash, err, n))
        return false;
    for (unsigned i = 0; i < c->drive_count; i++)
        if (!virtio_block_create(m->board, next_slot(m), &c->drives[i], err, n))
            return false;
    if (c->net && !virtio_net_create(m->board, next_slot(m), &c->net_config, err, n))
        return false;
    if (c->entropy && !virtio_entropy_create(m->board, next_slot(m), err, n))
        return false;
    if (c->console && (!(m->console = chardev_create(m->board, c->console_to, err, n)) ||
                       !virtio_console_create(m->board, next_slot(m), m->console, err, n)))
        return false;
    uint8_t *pixels = virt_add_framebuffer(m->board, c->width, c->height);
    if (!pixels) {
        snprintf(err, n, "no memory for the framebuffer");
        return false;
    }
    m->virt.fb_width = c->width;
    m->virt.fb_height = c->height;
    if (!(m->display = display_create(c->display, c->width, c->height, err, n)))
        return false;
    if (c->gpu ? !virtio_gpu_create(m->board, next_slot(m), m->display, err, n) : false)
        return false;
    if (!c->gpu)
        display_watch(m->display, pixels);
    if (!add_input(m, err, n))
        return false;
    for (unsigned i = 0; i < VIRTIO_SLOTS; i++)
        if (!m->virt.virtio[i] && !virtio_create_empty(m->board, i)) {
            snprintf(err, n, "too many devices");
            return false;
        }
    return true;
}

/* A ROM that draws gets a window where there can be one, keys and a pointer; frames are counted by the ROM itself. */
static void choose_window(struct machine_parts *m, const char *image) {
    struct boot_config *c = &m->config;
    bool rom = c->image && strncmp(c->image, "rom:", 4) == 0 && rom_draws(image);
    if (c->display == DISPLAY_AUTO)
        c->display = rom && !c->screenshot && !c->frames ? DISPLAY_SDL : DISPLAY_NONE;
    if (!rom)
        return;
    c->keyboard = c->tablet = true;
    if (c->frames && !c->append) {
        snprintf(m->bootargs, sizeof m->bootargs, "frames=%llu", (unsigned long long)c->frames);
        c->append = m->bootargs;
        c->frames = 0;
    }
}

static bool load_code(struct machine_parts *m, const char *path, uint64_t address, struct image_info *info, char *err,
                      size_t n) {
    const struct boot_config *c = &m->config;
    if (!image_load(m->board, &m->images, path, address, info, err, n))
        return false;
    if (c->image_loaded && info->xlen)
        c->image_loaded(c->observer.ctx, path);
    return true;
}

/* Firmware, kernel, or one bare-metal image; sets entry and next. */
static bool load_images(struct machine_parts *m, const char *image, char *err, size_t n) {
    const struct boot_config *c = &m->config;
    const char *bios = c->bios ? c->bios : c->kernel ? DEFAULT_FIRMWARE : "none";
    struct image_info info;
    if (strcmp(bios, "none") == 0) {
        const char *program = image ? image : c->kernel;
        if (!program) {
            snprintf(err, n, "nothing to run: give a FILE, rom:NAME, --kernel or --bios");
            return false;
        }
        if (!load_code(m, program, VIRT_RAM, &m->image, err, n))
            return false;
        m->entry = m->image.entry;
        m->config.semihosting = true;
        return true;
    }
    if (!c->bios && access(bios, R_OK) != 0) {
        snprintf(err, n, "no firmware: %s is missing (Debian package opensbi); --bios F names another", bios);
        return false;
    }
    if (m->isa.xlen == 32 && !c->bios) {
        snprintf(err, n, "no firmware for RV32 is known; --bios F names one");
        return false;
    }
    if (!load_code(m, bios, VIRT_RAM, &info, err, n))
        return false;
    m->entry = info.entry;
    m->next = VIRT_RAM + (m->isa.xlen == 64 ? KERNEL_OFFSET_64 : KERNEL_OFFSET_32);
    const char *kernel = c->kernel ? c->kernel : image;
    if (kernel && !load_code(m, kernel, m->next, &m->image, err, n))
        return false;
    if (kernel)
        m->next = m->image.entry;
    uint64_t tree = firmware_tree(m->board, VIRT_RAM);
    if (kernel && tree >= m->image.first && tree <= m->image.last) {
        snprintf(err, n, "%s copies the device tree to 0x%llx, into %s: use fw_dynamic, or U-Boot as the kernel", bios,
                 (unsigned long long)tree, kernel);
        return false;
    }
    return true;
}

static bool load_all(struct machine_parts *m, const char *image, char *err, size_t n) {
    const struct boot_config *c = &m->config;
    uint64_t top = VIRT_RAM + (c->ram_bytes < TREE_TOP ? c->ram_bytes : TREE_TOP), initrd_size = 0;
    uint64_t tree = top - VIRT_DTB_MAX;
    if (!image_reserve(&m->images, tree, VIRT_DTB_MAX, "the device tree", err, n) || !load_images(m, image, err, n))
        return false;
    if (c->initrd) {
        if (!image_load_below(m->board, &m->images, c->initrd, tree, &m->virt.initrd_start, &initrd_size, err, n))
            return false;
        m->virt.initrd_end = m->virt.initrd_start + initrd_size;
    }
    board_random(m->board, m->virt.seed, sizeof m->virt.seed);
    m->virt.harts = c->harts;
    m->virt.ram_bytes = c->ram_bytes;
    m->virt.xlen = m->isa.xlen;
    m->virt.isa = m->isa_text;
    m->virt.mmu_type = m->isa.xlen == 64 ? "riscv,sv57" : "riscv,sv32";
    m->virt.bootargs = c->append;
    m->virt.cbo_block = strstr(m->isa_text, "_zicboz") ? 64 : 0;
    if (!virt_device_tree(&m->virt, bus_dma(m->board, tree, VIRT_DTB_MAX, true), VIRT_DTB_MAX)) {
        snprintf(err, n, "the device tree does not fit: a long --append?");
        return false;
    }
    if (!virt_add_rom(m->board, m->isa.xlen, m->entry, tree, m->next)) {
        snprintf(err, n, "no memory");
        return false;
    }
    if (m->image.tohost && !htif_create(m->board, m->image.tohost, m->image.fromhost, m->isa.xlen == 32, m->serial)) {
        snprintf(err, n, "symbol tohost or fromhost is not a doubleword in RAM");
        return false;
    }
    return true;
}

static bool add_harts(struct machine_parts *m, char *err, size_t n) {
    const struct boot_config *c = &m->config;
    if (c->semihosting && !semihost_create(m->board, m->serial)) {
        snprintf(err, n, "no memory");
        return false;
    }
    const struct engine_config config = {
        .isa = &m->isa,
        .kind = c->engine,
        .stats = c->stats || c->display == DISPLAY_SDL, /* the window's title says how fast it goes */
        .hostile = c->hostile,
        .icount = c->icount,
        .system = board_bus(m->board),
        .observer = c->observer};
    err[0] = 0;
    m->engine = engine_create(&config, err, n);
    if (!m->engine)
        return false;
    if (err[0])
        fprintf(stderr, "riv: %s\n", err);
    for (unsigned i = 0; i < c->harts; i++) {
        struct boot_hart *b = &m->harts[i];
        size_t size = (sizeof(struct hart) + 63) & ~(size_t)63;
        b->machine = m;
        b->hart = aligned_alloc(64, size);
        if (b->hart) {
            memset(b->hart, 0, size);
            b->hart->id = i;
            b->hart->pc = VIRT_ROM;
            b->in_engine = engine_hart_init(m->engine, b->hart);
        }
        if (!b->in_engine) {
            snprintf(err, n, "no memory for hart %u", i);
            return false;
        }
        board_set_hart(m->board, i, b->hart);
    }
    return true;
}

struct machine_parts *boot_create(const struct boot_config *c, char *err, size_t n) {
    char path[PATH_MAX];
    const char *image = c->image;
    if (image && strncmp(image, "rom:", 4) == 0) {
        if (!rom_path(image + 4, path, sizeof path)) {
            snprintf(err, n, "there is no ROM called %s; 'riv boot --list' shows them", image + 4);
            return NULL;
        }
        image = path;
    }
    struct machine_parts *m = calloc(1, sizeof *m);
    if (!m) {
        snprintf(err, n, "no memory");
        return NULL;
    }
    m->config = *c;
    m->signal_fd = -1;
    choose_window(m, image);
    const struct board_config board = {.harts = c->harts,
                                       .ram_bytes = c->ram_bytes,
                                       .counted = c->icount,
                                       .wires = {.interrupt = hart_interrupt, .dma = hart_dma}};
    bool ok = choose_isa(m, image ? image : c->kernel, err, n) && (m->board = board_create(&board, err, n)) &&
              add_devices(m, err, n) && load_all(m, image, err, n) && add_harts(m, err, n);
    if (ok && !take_signals(m)) {
        snprintf(err, n, "cannot receive signals: %s", strerror(errno));
        ok = false;
    }
    if (ok)
        return m;
    boot_destroy(m);
    return NULL;
}

void boot_destroy(struct machine_parts *m) {
    if (m->board) { /* drives may still be at work: nobody hears of it any more */
        board_lock(m->board);
        for (unsigned i = 0; i < m->config.harts; i++)
            board_set_hart(m->board, i, NULL);
        board_unlock(m->board);
    }
    for (unsigned i = 0; i < BOARD_HARTS_MAX; i++)
        if (m->harts[i].in_engine)
            engine_hart_exit(m->harts[i].hart);
    if (m->board)
        board_end_io(m->board);
    if (m->engine)
        engine_destroy(m->engine);
    if (m->serial)
        chardev_destroy(m->serial);
    if (m->console)
        chardev_destroy(m->console);
    if (m->board)
        board_destroy(m->board);
    if (m->display)
        display_destroy(m->display);
    for (unsigned i = 0; i < BOARD_HARTS_MAX; i++)
        free(m->harts[i].hart);
    if (m->signal_fd >= 0) {
        close(m->signal_fd);
        pthread_sigmask(SIG_SETMASK, &m->old_signals, NULL);
    }
    free(m);
}

static bool start(struct machine_parts *m, char *err, size_t n) {
    if (!board_start(m->board, err, n))
        return false;
    for (unsigned i = 0; i < m->config.harts; i++) {
        int error = pthread_create(&m->harts[i].thread, NULL, hart_main, &m->harts[i]);
        if (error) {
            snprintf(err, n, "cannot start a thread: %s", strerror(error));
            return false;
        }
        m->harts[i].started = true;
    }
    return true;
}

static void stop_harts(struct machine_parts *m) {
    __atomic_store_n(&m->stopping, true, __ATOMIC_RELEASE);
    for (unsigned i = 0; i < m->config.harts; i++)
        if (m->harts[i].started)
            engine_kick(m->harts[i].hart);
    for (unsigned i = 0; i < m->config.harts; i++)
        if (m->harts[i].started)
            pthread_join(m->harts[i].thread, NULL);
}

/* Instructions executed by all harts, as they said when asked last; asks them again. */
static uint64_t count_instructions(struct machine_parts *m, bool ask) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < m->config.harts; i++) {
        sum += __atomic_load_n(&m->harts[i].instructions, __ATOMIC_RELAXED);
        if (ask)
            engine_kick(m->harts[i].hart);
    }
    return sum;
}

/* Milliseconds until the picture is to be looked at again, 60 times a second; *next: when that is. */
static int until(uint64_t *next) {
    uint64_t now = monotonic_ns();
    *next += FRAME_NS;
    if (*next <= now || *next > now + 2 * FRAME_NS) /* it cannot keep up */
        *next = now + FRAME_NS / 4;
    return (int)((*next - now + 999999) / 1000000);
}

/* The main thread's part: waits, and looks after the picture. */
static int wait_end(struct machine_parts *m, bool *reset) {
    const struct boot_config *c = &m->config;
    bool draws = c->display != DISPLAY_NONE || c->frames || c->screenshot;
    unsigned polls = 0;
    uint64_t next = monotonic_ns();
    int status = 0;
    enum board_end end;
    while ((end = board_wait(m->board, draws ? until(&next) : -1, &status)) == BOARD_RUNNING) {
        bool ask = c->display == DISPLAY_SDL && ++polls % COUNT_FRAMES == 0;
        bool open = display_poll(m->display, count_instructions(m, ask));
        if (!open || (c->frames && display_frames(m->display) >= c->frames))
            board_stop(m->board, BOARD_EXIT, 0);
    }
    *reset = end == BOARD_RESET;
    return status;
}

int boot_run(struct machine_parts *m, bool *reset) {
    const struct boot_config *c = &m->config;
    char err[BOOT_ERROR_MAX];
    int status = 1;
    bool ok = start(m, err, sizeof err);
    if (ok)
        status = wait_end(m, reset);
    stop_harts(m);
    if (ok && c->stats)
        engine_print_stats(m->engine, stderr, false);
    if (ok && c->screenshot) {
        display_poll(m->display, 0);
        ok = display_screenshot(m->display, c->screenshot, err, sizeof err);
    }
    if (ok && c->signature)
        ok = signature_write(m->board, c->signature, m->image.signature_start, m->image.signature_end, err, sizeof err);
    if (ok)
        return status;
    *reset = false;
    fprintf(stderr, "riv: %s\n", err);
    return 1;
}
