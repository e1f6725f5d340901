/* isa_token.h: what each extension token of riscv.def asks of a hart.
 *
 * The one list from which the build-time generator (may two rows meet?), the decoder and isa_parse work.  A row whose
 * token is not here does not compile: the token becomes an enumerator.
 */
#ifndef CPU_ISA_TOKEN_H
#define CPU_ISA_TOKEN_H

#include "insn.h"

#define ISA_EXT_BIT(ext) (UINT64_C(1) << EXT_##ext)

/* TOKEN(name, XLEN it is limited to or 0, extensions that must all be present) */
#define ISA_TOKENS(TOKEN)                                                                                              \
    TOKEN(I, 0, ISA_EXT_BIT(I))                                                                                        \
    TOKEN(I_32, 32, ISA_EXT_BIT(I))                                                                                    \
    TOKEN(I_64, 64, ISA_EXT_BIT(I))                                                                                    \
    TOKEN(M, 0, ISA_EXT_BIT(M))                                                                                        \
    TOKEN(M_64, 64, ISA_EXT_BIT(M))                                                                                    \
    TOKEN(A, 0, ISA_EXT_BIT(A))                                                                                        \
    TOKEN(A_64, 64, ISA_EXT_BIT(A))                                                                                    \
    TOKEN(F, 0, ISA_EXT_BIT(F))                                                                                        \
    TOKEN(F_64, 64, ISA_EXT_BIT(F))                                                                                    \
    TOKEN(D, 0, ISA_EXT_BIT(D))                                                                                        \
    TOKEN(D_64, 64, ISA_EXT_BIT(D))                                                                                    \
    TOKEN(C, 0, ISA_EXT_BIT(C))                                                                                        \
    TOKEN(C_32, 32, ISA_EXT_BIT(C))                                                                                    \
    TOKEN(C_64, 64, ISA_EXT_BIT(C))                                                                                    \
    TOKEN(C_D, 0, ISA_EXT_BIT(C) | ISA_EXT_BIT(D))                                                                     \
    TOKEN(C_F32, 32, ISA_EXT_BIT(C) | ISA_EXT_BIT(F))                                                                  \
    TOKEN(Zicsr, 0, ISA_EXT_BIT(Zicsr))                                                                                \
    TOKEN(System, 0, ISA_EXT_BIT(System))                                                                              \
    TOKEN(Zifencei, 0, ISA_EXT_BIT(Zifencei))                                                                          \
    TOKEN(Zihintpause, 0, ISA_EXT_BIT(Zihintpause))                                                                    \
    TOKEN(Zawrs, 0, ISA_EXT_BIT(Zawrs))                                                                                \
    TOKEN(Zicbom, 0, ISA_EXT_BIT(Zicbom))                                                                              \
    TOKEN(Zicboz, 0, ISA_EXT_BIT(Zicboz))                                                                              \
    TOKEN(Zicbop, 0, ISA_EXT_BIT(Zicbop))                                                                              \
    TOKEN(Zicond, 0, ISA_EXT_BIT(Zicond))                                                                              \
    TOKEN(Zacas, 0, ISA_EXT_BIT(Zacas))                                                                                \
    TOKEN(Zacas_32, 32, ISA_EXT_BIT(Zacas))                                                                            \
    TOKEN(Zacas_64, 64, ISA_EXT_BIT(Zacas))                                                                            \
    TOKEN(Zfhmin, 0, ISA_EXT_BIT(Zfhmin))                                                                              \
    TOKEN(Zfhmin_D, 0, ISA_EXT_BIT(Zfhmin) | ISA_EXT_BIT(D))                                                           \
    TOKEN(Zfh, 0, ISA_EXT_BIT(Zfh))                                                                                    \
    TOKEN(Zfh_64, 64, ISA_EXT_BIT(Zfh))                                                                                \
    TOKEN(Zfa, 0, ISA_EXT_BIT(Zfa))                                                                                    \
    TOKEN(Zfa_D, 0, ISA_EXT_BIT(Zfa) | ISA_EXT_BIT(D))                                                                 \
    TOKEN(Zfa_D32, 32, ISA_EXT_BIT(Zfa) | ISA_EXT_BIT(D))                                                              \
    TOKEN(Zfa_H, 0, ISA_EXT_BIT(Zfa) | ISA_EXT_BIT(Zfh))                                                               \
    TOKEN(Zba, 0, ISA_EXT_BIT(Zba))                                                                                    \
    TOKEN(Zba_64, 64, ISA_EXT_BIT(Zba))                                                                                \
    TOKEN(Zbb, 0, ISA_EXT_BIT(Zbb))                                                                                    \
    TOKEN(Zbb_32, 32, ISA_EXT_BIT(Zbb))                                                                                \
    TOKEN(Zbb_64, 64, ISA_EXT_BIT(Zbb))                                                                                \
    TOKEN(Zbs, 0, ISA_EXT_BIT(Zbs))                                                                                    \
    TOKEN(Zbs_32, 32, ISA_EXT_BIT(Zbs))                                                                                \
    TOKEN(Zbc, 0, ISA_EXT_BIT(Zbc))                                                                                    \
    TOKEN(Zbc_Zbkc, 0, ISA_EXT_BIT(Zbc_Zbkc))                                                                          \
    TOKEN(Zbb_Zbkb, 0, ISA_EXT_BIT(Zbb_Zbkb))                                                                          \
    TOKEN(Zbb_Zbkb_64, 64, ISA_EXT_BIT(Zbb_Zbkb))                                                                      \
    TOKEN(Zbkb_64, 64, ISA_EXT_BIT(Zbkb))                                                                              \
    TOKEN(Zbkx_64, 64, ISA_EXT_BIT(Zbkx))                                                                              \
    TOKEN(Zkne_64, 64, ISA_EXT_BIT(Zkne))                                                                              \
    TOKEN(Zknd_64, 64, ISA_EXT_BIT(Zknd))                                                                              \
    TOKEN(Zkne_Zknd_64, 64, ISA_EXT_BIT(Zkne_Zknd))                                                                    \
    TOKEN(Zknh_64, 64, ISA_EXT_BIT(Zknh))                                                                              \
    TOKEN(Zcb, 0, ISA_EXT_BIT(Zcb))                                                                                    \
    TOKEN(Zcb_B, 0, ISA_EXT_BIT(Zcb) | ISA_EXT_BIT(Zbb))                                                               \
    TOKEN(Zcb_B32, 32, ISA_EXT_BIT(Zcb) | ISA_EXT_BIT(Zbb))                                                            \
    TOKEN(Zcb_B64, 64, ISA_EXT_BIT(Zcb) | ISA_EXT_BIT(Zbb))                                                            \
    TOKEN(Zcb_A64, 64, ISA_EXT_BIT(Zcb) | ISA_EXT_BIT(Zba))                                                            \
    TOKEN(Zcb_M, 0, ISA_EXT_BIT(Zcb) | ISA_EXT_BIT(M))

enum isa_token {
#define TOKEN(name, xlen, exts) TOKEN_##name,
    ISA_TOKENS(TOKEN)
#undef TOKEN
        TOKEN_COUNT
};

struct isa_need {
    const char *name;
    uint64_t exts; /* all of these */
    uint8_t xlen;  /* and this XLEN, unless 0 */
};

/* By enum isa_token. */
extern const struct isa_need isa_needs[TOKEN_COUNT];

/* Does isa have what the token asks for? */
static inline bool isa_has_token(const struct isa *isa, unsigned token) {
    const struct isa_need *need = &isa_needs[token];
    return (isa->exts & need->exts) == need->exts && (!need->xlen || need->xlen == isa->xlen);
}

#endif
