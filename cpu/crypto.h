/* crypto.h: what the scalar cryptography instructions compute (Zbkb, Zbkx, Zkne, Zknd on RV64), for the interpreter and
 * for hosts without instructions that do the same.  Unprivileged manual, chapter "Cryptography Extensions: Scalar". */
#ifndef CPU_CRYPTO_H
#define CPU_CRYPTO_H

#include <stdbool.h>
#include <stdint.h>

/* The low half of one AES round on the state whose low and high halves are given: ShiftRows and SubBytes (aes64es), and
 * MixColumns as well (aes64esm); the inverses of these (aes64ds, aes64dsm). */
uint64_t crypto_aes_encrypt(uint64_t low, uint64_t high, bool mix);
uint64_t crypto_aes_decrypt(uint64_t low, uint64_t high, bool mix);
/* InvMixColumns of two columns (aes64im). */
uint64_t crypto_aes_mix_inverse(uint64_t columns);
/* SubBytes of the low word's bytes; the high word of the result is 0. */
uint64_t crypto_aes_sub_word(uint64_t word);
extern const uint8_t crypto_aes_round_constants[11]; /* of rounds 0 to 9; 0 for 10, which has none */
/* aes64ks1i; round is 0 to 10. */
uint64_t crypto_aes_key_step(uint64_t v, unsigned round);

/* Each byte's bits reversed (brev8). */
uint64_t crypto_reverse_bits_in_bytes(uint64_t v);
/* Each byte (xperm8) or nibble (xperm4) of index replaced by the one of table that it numbers, 0 where there is none. */
uint64_t crypto_permute_bytes(uint64_t table, uint64_t index);
uint64_t crypto_permute_nibbles(uint64_t table, uint64_t index);

#endif
