/* hex.c: digits without printf: what a trace consists of, mostly. */
#include <string.h>

#include "trace.h"

/* The eight hexadecimal digits of v as eight bytes, most significant first. */
static inline uint64_t digits(uint32_t v) {
    uint64_t x = v;
    x = (x & 0xffff0000u) << 16 | (x & 0xffff);
    x = (x << 8 & 0x00ff000000ff0000) | (x & 0x000000ff000000ff);
    x = (x << 4 & 0x0f000f000f000f00) | (x & 0x000f000f000f000f);
    uint64_t letter = (x + 0x0606060606060606) >> 4 & 0x0101010101010101; /* 1 where the digit is a letter */
    return __builtin_bswap64(x + 0x3030303030303030 + letter * ('a' - '9' - 1));
}

char *hex_8(char *to, uint32_t v) {
    uint64_t d = digits(v);
    memcpy(to, &d, 8);
    return to + 8;
}
char *hex_16(char *to, uint64_t v) { return hex_8(hex_8(to, (uint32_t)(v >> 32)), (uint32_t)v); }
char *hex_4(char *to, uint32_t v) {
    uint64_t d = digits(v << 16);
    memcpy(to, &d, 4);
    return to + 4;
}
char *hex_2(char *to, uint32_t v) {
    uint64_t d = digits(v << 24);
    memcpy(to, &d, 2);
    return to + 2;
}
char *hex_least(char *to, uint64_t v) {
    unsigned n = v ? (67 - (unsigned)__builtin_clzll(v)) / 4 : 1;
    char all[16];
    hex_16(all, v);
    memcpy(to, all + 16 - n, n);
    return to + n;
}
char *put_decimal(char *to, uint64_t v) {
    char all[20];
    unsigned n = 0;
    do
        all[n++] = (char)('0' + v % 10);
    while (v /= 10);
    while (n)
        *to++ = all[--n];
    return to;
}
char *put_text(char *to, const char *text) {
    size_t n = strlen(text);
    memcpy(to, text, n);
    return to + n;
}
