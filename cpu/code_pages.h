/* code_pages.h: which pages of a board's RAM hold code that was decoded, and what happens when they are written.
 *
 *      CLEAN ──a store through some hart's TLB──▶ WRITTEN ──code is decoded: other harts stop, write tags go──▶ CODE
 *        └───────────────code is decoded────────────────────────────────────────────────────────────────────────┘
 *      CODE ──a store, by its slow path: every hart is told──▶ WRITTEN       CODE ──DMA──▶ CLEAN
 *
 * A hart is told before the store takes effect, and forgets the page's code at its next poll or fence.i.
 */
#ifndef CPU_CODE_PAGES_H
#define CPU_CODE_PAGES_H

#include <stdbool.h>
#include <stdint.h>

struct hart;
struct system;

enum page_state { PAGE_CLEAN, PAGE_WRITTEN, PAGE_CODE, PAGE_BUSY };

/* h is about to store to a page for the first time since its TLB was filled: afterwards it may keep a write tag. */
void code_page_write(struct hart *h, uint64_t ram_page);
/* h is about to decode from the page (whose memory is at host): afterwards no hart has a write tag for it. */
void code_page_decode(struct hart *h, uint64_t ram_page, const uint8_t *host);
/* Drops what h has decoded from pages that were written since. */
void code_page_drain(struct hart *h);

#endif
