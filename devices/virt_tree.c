/* virt_tree.c: the board's flattened device tree, as the bindings of riscv-virtio machines have it. */
#include <libfdt.h>
#include <stdio.h>
#include <string.h>

#include "virt.h"

/* phandles: harts' interrupt controllers come first. */
enum { PHANDLE_CPU_INTC = 1, PHANDLE_PLIC = 1 + BOARD_HARTS_MAX, PHANDLE_TEST };

/* libfdt's sequential writer; the first error is kept, so that callers need not look at each step. */
struct tree {
    void *fdt;
    int error;
};

static void check(struct tree *t, int result) {
    if (t->error == 0 && result < 0)
        t->error = result;
}

static void begin(struct tree *t, const char *name) { check(t, fdt_begin_node(t->fdt, name)); }
static void end(struct tree *t) { check(t, fdt_end_node(t->fdt)); }
static void text(struct tree *t, const char *name, const char *value) {
    check(t, fdt_property_string(t->fdt, name, value));
}
static void word(struct tree *t, const char *name, uint32_t value) { check(t, fdt_property_u32(t->fdt, name, value)); }
static void flag(struct tree *t, const char *name) { check(t, fdt_property(t->fdt, name, NULL, 0)); }

static void words(struct tree *t, const char *name, const uint32_t *values, unsigned count) {
    uint32_t cells[4 * BOARD_HARTS_MAX];
    for (unsigned i = 0; i < count; i++)
        cells[i] = cpu_to_fdt32(values[i]);
    check(t, fdt_property(t->fdt, name, cells, (int)(count * 4)));
}

/* A list of strings, each with its zero. */
static void texts(struct tree *t, const char *name, const char *list, size_t size) {
    check(t, fdt_property(t->fdt, name, list, (int)size));
}

static void reg(struct tree *t, uint64_t base, uint64_t size) {
    const uint32_t cells[4] = {(uint32_t)(base >> 32), (uint32_t)base, (uint32_t)(size >> 32), (uint32_t)size};
    words(t, "reg", cells, 4);
}

static void begin_at(struct tree *t, const char *name, uint64_t address) {
    char full[64];
    snprintf(full, sizeof full, "%s@%llx", name, (unsigned long long)address);
    begin(t, full);
}

static void interrupt(struct tree *t, unsigned irq) {
    word(t, "interrupt-parent", PHANDLE_PLIC);
    word(t, "interrupts", irq);
}

/* "rv64imafdc_zicsr_zba" as the list i m a f d c zicsr zba. */
static void isa_extensions(struct tree *t, const char *isa) {
    char list[1024];
    size_t size = 0;
    const char *at = strlen(isa) > 4 ? isa + 4 : "";
    for (; *at && *at != '_' && size + 2 < sizeof list; at++) {
        list[size++] = *at;
        list[size++] = 0;
    }
    while (*at == '_') {
        size_t length = strcspn(++at, "_");
        if (size + length + 1 > sizeof list)
            break;
        memcpy(list + size, at, length);
        size += length;
        list[size++] = 0;
        at += length;
    }
    texts(t, "riscv,isa-extensions", list, size);
}

static void cpus(struct tree *t, const struct virt_config *c) {
    begin(t, "cpus");
    word(t, "#address-cells", 1);
    word(t, "#size-cells", 0);
    word(t, "timebase-frequency", (uint32_t)BOARD_TIMEBASE);
    for (unsigned i = 0; i < c->harts; i++) {
        begin_at(t, "cpu", i);
        text(t, "device_type", "cpu");
        word(t, "reg", i);
        text(t, "status", "okay");
        text(t, "compatible", "riscv");
        text(t, "riscv,isa", c->isa);
        text(t, "riscv,isa-base", c->xlen == 32 ? "rv32i" : "rv64i");
        isa_extensions(t, c->isa);
        if (c->mmu_type)
            text(t, "mmu-type", c->mmu_type);
        if (c->cbo_block) {
            word(t, "riscv,cbom-block-size", c->cbo_block);
            word(t, "riscv,cboz-block-size", c->cbo_block);
            word(t, "riscv,cbop-block-size", c->cbo_block);
        }
        begin(t, "interrupt-controller");
        word(t, "#interrupt-cells", 1);
        flag(t, "interrupt-controller");
        text(t, "compatible", "riscv,cpu-intc");
        word(t, "phandle", PHANDLE_CPU_INTC + i);
        end(t);
        end(t);
    }
    end(t);
}

/* interrupts-extended: for each hart its two lines. */
static void hart_lines(struct tree *t, unsigned harts, uint32_t first, uint32_t second) {
    uint32_t cells[4 * BOARD_HARTS_MAX];
    for (unsigned i = 0; i < harts; i++) {
        cells[4 * i] = cells[4 * i + 2] = PHANDLE_CPU_INTC + i;
        cells[4 * i + 1] = first;
        cells[4 * i + 3] = second;
    }
    words(t, "interrupts-extended", cells, 4 * harts);
}

static void power(struct tree *t, const char *name, uint32_t value) {
    begin(t, name);
    text(t, "compatible", strcmp(name, "reboot") == 0 ? "syscon-reboot" : "syscon-poweroff");
    word(t, "regmap", PHANDLE_TEST);
    word(t, "offset", 0);
    word(t, "value", value);
    end(t);
}

static void soc(struct tree *t, const struct virt_config *c) {
    begin(t, "soc");
    word(t, "#address-cells", 2);
    word(t, "#size-cells", 2);
    text(t, "compatible", "simple-bus");
    flag(t, "ranges");

    begin_at(t, "clint", VIRT_CLINT);
    static const char clint[] = "sifive,clint0\0riscv,clint0";
    texts(t, "compatible", clint, sizeof clint);
    reg(t, VIRT_CLINT, 0x10000);
    hart_lines(t, c->harts, 3, 7);
    end(t);

    begin_at(t, "plic", VIRT_PLIC);
    static const char plic[] = "sifive,plic-1.0.0\0riscv,plic0";
    texts(t, "compatible", plic, sizeof plic);
    reg(t, VIRT_PLIC, 0x600000);
    word(t, "#interrupt-cells", 1);
    word(t, "#address-cells", 0);
    flag(t, "interrupt-controller");
    word(t, "riscv,ndev", BOARD_IRQS - 1);
    word(t, "phandle", PHANDLE_PLIC);
    hart_lines(t, c->harts, 11, 9);
    end(t);

    begin_at(t, "test", VIRT_FINISHER);
    static const char test[] = "sifive,test1\0sifive,test0\0syscon";
    texts(t, "compatible", test, sizeof test);
    reg(t, VIRT_FINISHER, 0x1000);
    word(t, "phandle", PHANDLE_TEST);
    end(t);

    begin_at(t, "rtc", VIRT_RTC);
    text(t, "compatible", "google,goldfish-rtc");
    reg(t, VIRT_RTC, 0x1000);
    interrupt(t, VIRT_RTC_IRQ);
    end(t);

    begin_at(t, "serial", VIRT_UART);
    text(t, "compatible", "ns16550a");
    reg(t, VIRT_UART, 0x100);
    word(t, "clock-frequency", 3686400);
    interrupt(t, VIRT_UART_IRQ);
    end(t);

    for (unsigned i = 0; i < VIRTIO_SLOTS; i++) {
        if (!c->virtio[i])
            continue;
        uint64_t base = VIRTIO_BASE + i * (uint64_t)VIRTIO_STRIDE;
        begin_at(t, "virtio_mmio", base);
        text(t, "compatible", "virtio,mmio");
        reg(t, base, VIRTIO_STRIDE);
        interrupt(t, VIRTIO_IRQ + i);
        end(t);
    }
    end(t);
}

static void chosen(struct tree *t, const struct virt_config *c) {
    char path[64];
    begin(t, "chosen");
    snprintf(path, sizeof path, "/soc/serial@%llx", (unsigned long long)VIRT_UART);
    text(t, "stdout-path", path);
    if (c->bootargs)
        text(t, "bootargs", c->bootargs);
    check(t, fdt_property(t->fdt, "rng-seed", c->seed, sizeof c->seed));
    if (c->initrd_start != c->initrd_end) {
        check(t, fdt_property_u64(t->fdt, "linux,initrd-start", c->initrd_start));
        check(t, fdt_property_u64(t->fdt, "linux,initrd-end", c->initrd_end));
    }
    if (c->fb_width) {
        word(t, "#address-cells", 2);
        word(t, "#size-cells", 2);
        flag(t, "ranges");
        begin_at(t, "framebuffer", VIRT_FRAMEBUFFER);
        text(t, "compatible", "simple-framebuffer");
        reg(t, VIRT_FRAMEBUFFER, (uint64_t)c->fb_width * c->fb_height * 4);
        word(t, "width", c->fb_width);
        word(t, "height", c->fb_height);
        word(t, "stride", c->fb_width * 4);
        text(t, "format", "a8r8g8b8");
        end(t);
    }
    end(t);
}

size_t virt_device_tree(const struct virt_config *c, void *to, size_t room) {
    struct tree t = {.fdt = to};
    check(&t, fdt_create(to, (int)room));
    check(&t, fdt_finish_reservemap(to));
    begin(&t, "");
    word(&t, "#address-cells", 2);
    word(&t, "#size-cells", 2);
    text(&t, "compatible", "riscv-virtio");
    text(&t, "model", "riscv-virtio,rivulet");
    chosen(&t, c);
    begin_at(&t, "memory", VIRT_RAM);
    text(&t, "device_type", "memory");
    reg(&t, VIRT_RAM, c->ram_bytes);
    end(&t);
    cpus(&t, c);
    power(&t, "poweroff", 0x5555);
    power(&t, "reboot", 0x7777);
    begin_at(&t, "flash", VIRT_FLASH);
    text(&t, "compatible", "cfi-flash");
    const uint32_t banks[] = {
        0, (uint32_t)VIRT_FLASH,     0, (uint32_t)VIRT_FLASH_SIZE, 0, (uint32_t)(VIRT_FLASH + VIRT_FLASH_SIZE),
        0, (uint32_t)VIRT_FLASH_SIZE};
    words(&t, "reg", banks, 8);
    word(&t, "bank-width", 4);
    end(&t);
    soc(&t, c);
    end(&t);
    check(&t, fdt_finish(to));
    return t.error == 0 ? fdt_totalsize(to) : 0;
}
