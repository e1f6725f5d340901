/* devices.h: the devices that are not virtio, each created on a board at an address. False or NULL: no memory, or the
 * address is taken. */
#ifndef DEVICES_DEVICES_H
#define DEVICES_DEVICES_H

#include "board.h"
#include "chardev.h"

/* clint.c: software and timer interrupts of M mode (SiFive CLINT layout), and Sstc's STIP. */
bool clint_create(struct board *b, uint64_t base);
/* plic.c: the platform-level interrupt controller: contexts 2 * hart (M) and 2 * hart + 1 (S). */
bool plic_create(struct board *b, uint64_t base);
/* uart.c: an ns16550a with a 16-byte FIFO. */
bool uart_create(struct board *b, uint64_t base, unsigned irq, struct chardev *c);
/* finisher.c: sifive,test: ends or resets the machine. */
bool finisher_create(struct board *b, uint64_t base);
/* rtc.c: goldfish RTC with alarm. */
bool rtc_create(struct board *b, uint64_t base, unsigned irq);
/* htif.c: tohost and fromhost in RAM, watched by the I/O thread. fromhost 0: there is none. False: not in RAM. */
bool htif_create(struct board *b, uint64_t tohost, uint64_t fromhost, bool rv32, struct chardev *c);
/* flash.c: CFI NOR flash of size bytes. image (may be NULL) is a file that is read, and written back where writable.
 * False: one line in err. */
bool flash_create(struct board *b, uint64_t base, uint64_t size, const char *image, bool writable, char *err, size_t n);
/* semihost.c: one semihosting call as ebreak makes it: operation, argument; the result for a0. word: 4 or 8 bytes. */
uint64_t semihost_call(struct board *b, struct chardev *c, unsigned word, uint64_t operation, uint64_t argument);
/* Harts make such calls from now on; what they print goes to c. */
bool semihost_create(struct board *b, struct chardev *c);

#endif
