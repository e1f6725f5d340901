// native: no
// riv: --cpu=rv64gc_zkn
// expect: ok
/* Zkn as libraries use it: AES-128 both ways (FIPS 197, appendix B and C.1), SHA-256 and SHA-512 of "abc" (FIPS 180-4's
 * examples), each often enough to be translated. */
#include "extensions.h"

#include <stdbool.h>

#define R(name, funct3, funct7)                                                                                        \
    static inline uint64_t name(uint64_t a, uint64_t b) {                                                              \
        uint64_t r;                                                                                                    \
        __asm__(".insn r 0x33, " funct3 ", " funct7 ", %0, %1, %2" : "=r"(r) : "r"(a), "r"(b));                        \
        return r;                                                                                                      \
    }
#define I(name, imm)                                                                                                   \
    static inline uint64_t name(uint64_t a) {                                                                          \
        uint64_t r;                                                                                                    \
        __asm__(".insn i 0x13, 1, %0, %1, " imm : "=r"(r) : "r"(a));                                                   \
        return r;                                                                                                      \
    }
R(es, "0", "0x19")
R(esm, "0", "0x1b")
R(ds, "0", "0x1d")
R(dsm, "0", "0x1f")
R(ks2, "0", "0x3f")
I(im, "0x300")
I(sum0, "0x100")
I(sum1, "0x101")
I(sig0, "0x102")
I(sig1, "0x103")
I(wide_sum0, "0x104")
I(wide_sum1, "0x105")
I(wide_sig0, "0x106")
I(wide_sig1, "0x107")
#define KS1I(round, v)                                                                                                 \
    ({                                                                                                                 \
        uint64_t r_;                                                                                                   \
        __asm__(".insn i 0x13, 1, %0, %1, 0x310 + %2" : "=r"(r_) : "r"(v), "i"(round));                                \
        r_;                                                                                                            \
    })

static uint64_t keys[22], back[22];
static void make_keys(uint64_t low, uint64_t high) {
    keys[0] = low, keys[1] = high;
#define STEP(n) keys[2 * n + 2] = low = ks2(KS1I(n, high), low), keys[2 * n + 3] = high = ks2(low, high)
    STEP(0), STEP(1), STEP(2), STEP(3), STEP(4), STEP(5), STEP(6), STEP(7), STEP(8), STEP(9);
    for (int i = 0; i < 22; i++)
        back[i] = i < 2 || i >= 20 ? keys[i] : im(keys[i]);
}
static void encrypt(uint64_t *low, uint64_t *high) {
    uint64_t a = *low ^ keys[0], b = *high ^ keys[1], c, d;
    for (int i = 2; i < 20; i += 2) {
        c = esm(a, b), d = esm(b, a);
        a = c ^ keys[i], b = d ^ keys[i + 1];
    }
    c = es(a, b), d = es(b, a);
    *low = c ^ keys[20], *high = d ^ keys[21];
}
static void decrypt(uint64_t *low, uint64_t *high) {
    uint64_t a = *low ^ back[20], b = *high ^ back[21], c, d;
    for (int i = 18; i > 0; i -= 2) {
        c = dsm(a, b), d = dsm(b, a);
        a = c ^ back[i], b = d ^ back[i + 1];
    }
    c = ds(a, b), d = ds(b, a);
    *low = c ^ back[0], *high = d ^ back[1];
}

/* The hashes' constants: the first bits of the fractional parts of the primes' cube roots, and square roots. */
static uint64_t root_bits(unsigned prime, bool cube) {
    uint64_t r = 0, whole = 0; /* bit by bit: the greatest whole.r whose power is not above the prime */
    while ((cube ? (whole + 1) * (whole + 1) * (whole + 1) : (whole + 1) * (whole + 1)) <= prime)
        whole++;
    for (int bit = 63; bit >= 0; bit--) {
        uint64_t t = r | 1ull << bit;
        /* t is a fraction of 64 bits: multiply in words of 32 */
        uint32_t v[3] = {(uint32_t)t, (uint32_t)(t >> 32), (uint32_t)whole}, product[9] = {1}, n = 1;
        for (int power = 0; power < (cube ? 3 : 2); power++) {
            uint32_t next[9] = {0};
            for (uint32_t i = 0; i < n; i++) {
                uint64_t carry = 0;
                for (uint32_t k = 0; k < 3; k++) {
                    carry += (uint64_t)product[i] * v[k] + next[i + k];
                    next[i + k] = (uint32_t)carry;
                    carry >>= 32;
                }
                if (i + 3 < 9)
                    next[i + 3] = (uint32_t)carry;
            }
            memcpy(product, next, sizeof product);
            n = n + 2 < 7 ? n + 2 : 7;
        }
        if (product[cube ? 6 : 4] < prime)
            r = t;
    }
    return r;
}
static uint64_t cube_roots[80], square_roots[8];
static void make_roots(void) {
    unsigned n = 0;
    for (unsigned p = 2; n < 80; p++) {
        bool prime = true;
        for (unsigned d = 2; d * d <= p; d++)
            prime &= p % d != 0;
        if (!prime)
            continue;
        cube_roots[n] = root_bits(p, true);
        if (n < 8)
            square_roots[n] = root_bits(p, false);
        n++;
    }
}

#define HASH(name, word, rounds, shift, s0, s1, S0, S1)                                                                \
    static void name(word h[8]) {                                                                                      \
        word w[rounds] = {(word)0x61626380 << (sizeof(word) * 8 - 32), [15] = 24}, s[8];                               \
        for (int i = 16; i < rounds; i++)                                                                              \
            w[i] = w[i - 16] + (word)s0(w[i - 15]) + w[i - 7] + (word)s1(w[i - 2]);                                    \
        for (int i = 0; i < 8; i++)                                                                                    \
            s[i] = h[i] = (word)(square_roots[i] >> shift);                                                            \
        for (int i = 0; i < rounds; i++) {                                                                             \
            word t1 =                                                                                                  \
                     s[7] + (word)S1(s[4]) + ((s[4] & s[5]) ^ (~s[4] & s[6])) + (word)(cube_roots[i] >> shift) + w[i], \
                 t2 = (word)S0(s[0]) + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));                                \
            memmove(s + 1, s, 7 * sizeof *s);                                                                          \
            s[4] += t1;                                                                                                \
            s[0] = t1 + t2;                                                                                            \
        }                                                                                                              \
        for (int i = 0; i < 8; i++)                                                                                    \
            h[i] += s[i];                                                                                              \
    }
HASH(sha256, uint32_t, 64, 32, sig0, sig1, sum0, sum1)
HASH(sha512, uint64_t, 80, 0, wide_sig0, wide_sig1, wide_sum0, wide_sum1)

int main(void) {
    make_roots();
    for (int round = 0; round < 50; round++) {
        make_keys(0x0706050403020100, 0x0f0e0d0c0b0a0908);
        uint64_t low = 0x7766554433221100, high = 0xffeeddccbbaa9988;
        encrypt(&low, &high);
        uint8_t text[16];
        memcpy(text, &low, 8);
        memcpy(text + 8, &high, 8);
        static const uint8_t expected[16] = {0x69, 0xc4, 0xe0, 0xd8, 0x6a, 0x7b, 0x04, 0x30,
                                             0xd8, 0xcd, 0xb7, 0x80, 0x70, 0xb4, 0xc5, 0x5a};
        CHECK_EQ(memcmp(text, expected, 16), 0);
        decrypt(&low, &high);
        CHECK_EQ(low, 0x7766554433221100);
        CHECK_EQ(high, 0xffeeddccbbaa9988);
        uint32_t h[8];
        sha256(h);
        CHECK_EQ(h[0], 0xba7816bf);
        CHECK_EQ(h[7], 0xf20015ad);
        uint64_t wide[8];
        sha512(wide);
        CHECK_EQ(wide[0], 0xddaf35a193617aba);
        CHECK_EQ(wide[7], 0x2a9ac94fa54ca49f);
    }
    puts("ok");
}
