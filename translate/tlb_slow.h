/* tlb_slow.h: what generated code tells engine_tlb_slow (backend.h) about an access: one of these, or-ed with its size. */
#ifndef TRANSLATE_TLB_SLOW_H
#define TRANSLATE_TLB_SLOW_H

enum { TLB_SLOW_SIZE = 15, TLB_SLOW_LOAD = 0, TLB_SLOW_STORE = 16, TLB_SLOW_RESERVE = 32, TLB_SLOW_ATOMIC = 48 };

#endif
