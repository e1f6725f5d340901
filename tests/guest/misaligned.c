/* Loads and stores of every width at every offset, over cache lines and pages. */
#include "check.h"

#ifdef __riscv
#define LOAD(name, type)                                                                                               \
    static uint64_t load_##name(const char *p) {                                                                       \
        uint64_t v;                                                                                                    \
        __asm__ volatile(#name " %0, 0(%1)" : "=r"(v) : "r"(p) : "memory");                                            \
        return v;                                                                                                      \
    }
#define STORE(name, type)                                                                                              \
    static void store_##name(char *p, uint64_t v) { __asm__ volatile(#name " %0, 0(%1)" ::"r"(v), "r"(p) : "memory"); }
static uint64_t load_fd(const char *p) {
    uint64_t v;
    __asm__ volatile("fld fa0, 0(%1)\n fmv.x.d %0, fa0" : "=r"(v) : "r"(p) : "fa0", "memory");
    return v;
}
#else
#define LOAD(name, type)                                                                                               \
    static uint64_t load_##name(const char *p) {                                                                       \
        type v;                                                                                                        \
        memcpy(&v, p, sizeof v);                                                                                       \
        return (uint64_t)(int64_t)v;                                                                                   \
    }
#define STORE(name, type)                                                                                              \
    static void store_##name(char *p, uint64_t value) {                                                                \
        type v = (type)value;                                                                                          \
        memcpy(p, &v, sizeof v);                                                                                       \
    }
LOAD(fd, uint64_t)
#endif
LOAD(lb, int8_t)
LOAD(lbu, uint8_t)
LOAD(lh, int16_t)
LOAD(lhu, uint16_t)
LOAD(lw, int32_t)
LOAD(lwu, uint32_t)
LOAD(ld, int64_t)
STORE(sb, uint8_t)
STORE(sh, uint16_t)
STORE(sw, uint32_t)
STORE(sd, uint64_t)

int main(void) {
    uint64_t (*const loads[])(const char *) = {load_lb, load_lbu, load_lh, load_lhu,
                                               load_lw, load_lwu, load_ld, load_fd};
    void (*const stores[])(char *, uint64_t) = {store_sb, store_sh, store_sw, store_sd};
    char *memory = check_map(8192, PROT_READ | PROT_WRITE), *middle = memory + 4096;
    uint64_t random = 3, hash = 0;
    for (int i = 0; i < 8192; i++)
        memory[i] = (char)check_random(&random);
    for (int round = 0; round < 20; round++)
        for (int offset = -72; offset < 72; offset++) {
            stores[(unsigned)(round + offset) % 4](middle + offset, check_random(&random));
            for (int k = 0; k < 8; k++)
                hash = hash * 0x100000001b3 + loads[k](middle + offset);
        }
    for (int i = 0; i < 8192; i++)
        hash = hash * 31 + (unsigned char)memory[i];
    printf("%016llx\n", (unsigned long long)hash);
}
