/* fpcr.c: MXCSR and fcsr.  Compiled for general registers only, as generated code calls into it. */
#include "../../cpu/interp.h"
#include "emitter.h"

enum { MXCSR_MASKS = 0x1f80, MXCSR_FLAGS = 0x3f };

/* MXCSR: IE 1, DE 2 (no counterpart), ZE 4, OE 8, UE 16, PE 32. */
uint8_t backend_flags(uint32_t m) {
    return (uint8_t)((m & 1 ? FFLAG_NV : 0) | (m & 4 ? FFLAG_DZ : 0) | (m & 8 ? FFLAG_OF : 0) |
                     (m & 16 && !MUTANT(underflow_lost) ? FFLAG_UF : 0) | (m & 32 ? FFLAG_NX : 0));
}

void backend_fold_flags(struct hart *h) {
    h->fflags |= backend_flags(h->host_fpcr);
    h->host_fpcr &= ~(uint32_t)MXCSR_FLAGS;
}

void backend_load_rounding(struct hart *h) {
    /* MXCSR.RC: 0 nearest, 1 down, 2 up, 3 to zero; RMM and invalid modes never reach the host */
    static const uint8_t rc[8] = {0, 3, 1, 2, 0, 0, 0, 0};
    h->host_fpcr = MXCSR_MASKS | (uint32_t)rc[h->frm & 7] << 13;
}

uint64_t backend_csr(struct hart *h, uint64_t a, uint64_t b, uint64_t c, uint64_t imm) {
    backend_fold_flags(h);
    return csr_access(h, a, b, c, imm);
}
