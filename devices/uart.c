/* uart.c: an ns16550a: 16-byte receive FIFO, transmission that is done as soon as the host side has room.
 *
 *      offset  0 RBR THR (DLL)   1 IER (DLM)   2 IIR FCR   3 LCR   4 MCR   5 LSR   6 MSR   7 SCR
 */
#include <stdlib.h>
#include <string.h>

#include "devices.h"

enum { FIFO = 16, TX_RESERVE = 4096 };
enum { IER_RX = 1, IER_TX = 2, IER_LINE = 4, IER_MODEM = 8 };
enum { IIR_NONE = 1, IIR_TX = 2, IIR_RX = 4, IIR_LINE = 6, IIR_TIMEOUT = 12, IIR_FIFO = 0xc0 };
enum { LCR_DLAB = 0x80, MCR_LOOP = 0x10, LSR_DATA = 1, LSR_OVERRUN = 2, LSR_TX_EMPTY = 0x60 };

struct uart {
    struct board *board;
    struct chardev *chardev;
    unsigned irq;
    uint8_t ier, lcr, mcr, scr, dll, dlm, fcr;
    bool tx_interrupt; /* the transmitter has become empty and nobody was told */
    bool overrun;
    uint8_t fifo[FIFO];
    unsigned start, count;
};

static unsigned trigger_level(const struct uart *u) {
    static const uint8_t levels[4] = {1, 4, 8, 14};
    return u->fcr & 1 ? levels[u->fcr >> 6] : 1;
}

static uint8_t interrupt_id(const struct uart *u) {
    if ((u->ier & IER_LINE) && u->overrun)
        return IIR_LINE;
    if ((u->ier & IER_RX) && u->count > 0) /* below the trigger level the time-out is over at once */
        return u->count >= trigger_level(u) ? IIR_RX : IIR_TIMEOUT;
    if ((u->ier & IER_TX) && u->tx_interrupt)
        return IIR_TX;
    return IIR_NONE;
}

static void update(struct uart *u) { board_interrupt(u->board, u->irq, interrupt_id(u) != IIR_NONE); }

static size_t uart_room(void *ctx) {
    const struct uart *u = ctx;
    return (u->fcr & 1 ? FIFO : 1) > u->count ? (u->fcr & 1 ? FIFO : 1) - u->count : 0;
}

static void uart_receive(void *ctx, const uint8_t *bytes, size_t n) {
    struct uart *u = ctx;
    for (size_t i = 0; i < n; i++)
        if (u->count < FIFO)
            u->fifo[(u->start + u->count++) % FIFO] = bytes[i];
        else
            u->overrun = true;
    update(u);
}

static uint8_t take(struct uart *u) {
    if (u->count == 0)
        return 0;
    uint8_t byte = u->fifo[u->start];
    u->start = (u->start + 1) % FIFO;
    u->count--;
    chardev_accept(u->chardev);
    return byte;
}

static bool uart_read(void *ctx, struct hart *h, uint64_t offset, unsigned size, uint64_t *value) {
    struct uart *u = ctx;
    bool divisor = u->lcr & LCR_DLAB;
    switch (offset) {
    case 0:
        *value = divisor ? u->dll : take(u);
        break;
    case 1:
        *value = divisor ? u->dlm : u->ier;
        break;
    case 2: {
        uint8_t id = interrupt_id(u);
        *value = id | (u->fcr & 1 ? IIR_FIFO : 0);
        if (id == IIR_TX)
            u->tx_interrupt = false;
        break;
    }
    case 3:
        *value = u->lcr;
        break;
    case 4:
        *value = u->mcr;
        break;
    case 5:
        *value = (u->count ? LSR_DATA : 0) | (u->overrun ? LSR_OVERRUN : 0) |
                 (chardev_room(u->chardev) > TX_RESERVE ? LSR_TX_EMPTY : 0);
        u->overrun = false;
        break;
    case 6: /* clear to send, data set ready, carrier; looped back from MCR where asked */
        *value = u->mcr & MCR_LOOP ? (u->mcr & 0xc) << 4 | (u->mcr & 2) << 3 | (u->mcr & 1) << 5 : 0xb0;
        break;
    case 7:
        *value = u->scr;
        break;
    }
    update(u);
    return true;
}

static bool uart_write(void *ctx, struct hart *h, uint64_t offset, unsigned size, uint64_t value) {
    struct uart *u = ctx;
    uint8_t byte = (uint8_t)value;
    if (offset <= 1 && (u->lcr & LCR_DLAB)) {
        *(offset ? &u->dlm : &u->dll) = byte;
    } else if (offset == 0) {
        if (u->mcr & MCR_LOOP)
            uart_receive(u, &byte, 1);
        else
            chardev_write(u->chardev, &byte, 1);
        u->tx_interrupt = true;
    } else if (offset == 1) {
        if (byte & ~u->ier & IER_TX)
            u->tx_interrupt = true;
        u->ier = byte & 0xf;
    } else if (offset == 2) {
        if (byte & 2 || (byte ^ u->fcr) & 1)
            u->count = 0;
        u->fcr = byte & 0xc9;
        chardev_accept(u->chardev);
    } else if (offset == 3) {
        u->lcr = byte;
    } else if (offset == 4) {
        u->mcr = byte & 0x1f;
    } else if (offset == 7) {
        u->scr = byte;
    }
    update(u);
    return true;
}

bool uart_create(struct board *b, uint64_t base, unsigned irq, struct chardev *c) {
    struct uart *u = calloc(1, sizeof *u);
    if (!u)
        return false;
    u->board = b;
    u->chardev = c;
    u->irq = irq;
    const struct device d = {.name = "uart",
                             .base = base,
                             .size = 0x100,
                             .sizes = SIZE_ALL,
                             .ctx = u,
                             .read = uart_read,
                             .write = uart_write,
                             .destroy = free};
    if (!board_add_device(b, &d)) {
        free(u);
        return false;
    }
    chardev_connect(c, uart_room, uart_receive, u);
    return true;
}
