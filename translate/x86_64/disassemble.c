/* disassemble.c: host code as text for -d out_asm, by Zydis.  The library is loaded only then: riv links nothing but
 * libc. */
#include <Zydis/Zydis.h>
#include <dlfcn.h>
#include <string.h>

#include "../backend.h"

typedef ZyanStatus disassemble_fn(ZydisMachineMode, ZyanU64, const void *, ZyanUSize, ZydisDisassembledInstruction *);

bool backend_disassemble(const uint8_t *code, size_t size, FILE *to) {
    static disassemble_fn *fn;
    if (!fn) {
        void *lib = dlopen("libZydis.so.4.0", RTLD_NOW);
        void *symbol = lib ? dlsym(lib, "ZydisDisassembleIntel") : NULL;
        if (!symbol)
            return false;
        memcpy(&fn, &symbol, sizeof fn);
    }
    for (size_t at = 0; at < size;) {
        ZydisDisassembledInstruction insn;
        if (!ZYAN_SUCCESS(fn(ZYDIS_MACHINE_MODE_LONG_64, at, code + at, size - at, &insn))) {
            fprintf(to, "  %04zx  .byte 0x%02x\n", at, code[at]);
            at++;
            continue;
        }
        fprintf(to, "  %04zx  %s\n", at, insn.text);
        at += insn.info.length;
    }
    return true;
}
