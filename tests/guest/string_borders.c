/* String functions right up to the end of the last accessible page, and threads' own memory. */
#include "check.h"
#include <ctype.h>

int main(void) {
    char *pages = check_map(12288, PROT_READ | PROT_WRITE), *end = pages + 8192;
    CHECK_EQ(mprotect(end, 4096, PROT_NONE), 0);
    uint64_t hash = 0;
    for (size_t length = 0; length < 80; length++)
        for (size_t skew = 0; skew < 9; skew++) {
            char *s = end - length - 1, *t = pages + 4096 - length / 2 - skew;
            memset(s, 'a' + (int)(length % 26), length);
            s[length] = 0;
            CHECK_EQ(strlen(s), length);
            memcpy(t, s, length + 1);
            CHECK_EQ(strcmp(s, t), 0);
            CHECK_EQ(strncmp(s, t, length + 50), 0);
            CHECK_EQ(memcmp(s, t, length + 1), 0);
            CHECK_EQ(strchr(s, 0), s + length);
            CHECK_EQ(strrchr(s, '#'), NULL);
            CHECK_EQ(memchr(s, 0, length + 1), s + length);
            if (length > 2) {
                t[length / 2] ^= 1;
                hash = hash * 31 + (strcmp(s, t) < 0) + 2 * (memcmp(s, t, length) < 0);
                memmove(t + 1, t, length);
                memmove(s, s + 1, length - 1);
                strcpy(t, s);
                CHECK_EQ(strlen(t), strlen(s));
                s[length - 2] = '#';
                CHECK_EQ(strchr(s, '#'), s + length - 2);
                CHECK_EQ(strstr(s, "#"), s + length - 2);
                CHECK_EQ(strspn(s, "abcdefghijklmnopqrstuvwxyz"), length - 2);
            }
            for (char *p = t; *p; p++)
                hash = hash * 131 + (uint64_t)toupper((unsigned char)*p);
        }
    printf("%016llx\n", (unsigned long long)hash);
}
