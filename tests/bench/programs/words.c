/* string: libc's copying, searching and comparing on short and long strings. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : 3000;
    static char text[40000], copy[sizeof text];
    unsigned long hash = 0;
    for (size_t i = 0; i + 1 < sizeof text; i++)
        text[i] = i % 7 == 6 ? ' ' : (char)('a' + i * i % 26);
    for (int r = 0; r < rounds; r++) {
        memcpy(copy, text, sizeof text);
        copy[r % 30000 + 5000] = '!';
        hash = hash * 7 + (unsigned long)(strchr(copy, '!') - copy);
        hash += strlen(copy + r % 1000);
        for (char *word = copy; (word = strchr(word, ' ')) && word < copy + 3000; word++)
            hash += strncmp(word, text + r % 100, 8) > 0;
        hash ^= (unsigned long)(memcmp(text, copy, sizeof text) < 0);
        memset(copy, r & 127, 9000);
        memmove(copy + 1, copy, 20000);
    }
    printf("%lu\n", hash);
}
