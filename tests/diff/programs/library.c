/* library.c: what a C library does: formats, reads back, sorts, searches, copies, allocates.
 *
 *      library ROUNDS
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 200, LINE = 64 };

static unsigned seed = 1;
static unsigned random_below(unsigned n) {
    seed = seed * 1103515245 + 12345;
    return (seed >> 8) % n;
}

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }
static int by_length(const void *a, const void *b) {
    size_t x = strlen(*(char *const *)a), y = strlen(*(char *const *)b);
    return x == y ? by_text(a, b) : x < y ? -1 : 1;
}

static char *make_word(unsigned i) {
    char line[LINE], name[16];
    for (unsigned k = 0, n = 3 + random_below(9); k <= n; k++)
        name[k] = k < n ? (char)('a' + random_below(26)) : 0;
    snprintf(line, sizeof line, "%-12s|%5u|%08x|%+.3f|%c", name, i, seed, i / 7.0, name[0]);
    return strdup(line);
}

int main(int argc, char **argv) {
    unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 1;
    unsigned long sum = 0;
    for (unsigned round = 0; round < rounds; round++) {
        char *words[WORDS], *all = NULL;
        size_t length = 0;
        for (unsigned i = 0; i < WORDS; i++)
            words[i] = make_word(i);
        qsort(words, WORDS, sizeof *words, round & 1 ? by_length : by_text);
        for (unsigned i = 0; i < WORDS; i++) {
            size_t n = strlen(words[i]);
            all = realloc(all, length + n + 2);
            memcpy(all + length, words[i], n);
            length += n;
            all[length++] = '\n';
            all[length] = 0;
            unsigned number, word;
            char name[16];
            double share;
            if (sscanf(words[i], "%15[a-z] |%u|%x|%lf", name, &number, &word, &share) == 4)
                sum = sum * 31 + number + word + (unsigned long)(share * 1000) + strspn(name, "aeiou");
        }
        for (char *p = all; (p = strchr(p, '\n')); p++)
            sum += strlen(p);
        for (size_t i = 0; i < length; i++)
            all[i] = (char)toupper((unsigned char)all[i]);
        memmove(all + 1, all, length - 1);
        sum += strstr(all, "ZZ") != NULL;
        sum += (unsigned long)strtol(all + strcspn(all, "0123456789"), NULL, 10);
        char **found = bsearch(&words[WORDS / 2], words, WORDS, sizeof *words, round & 1 ? by_length : by_text);
        sum += found ? (unsigned long)(found - words) : 0;
        for (unsigned i = 0; i < WORDS; i++)
            free(words[i]);
        free(all);
    }
    printf("%u rounds, sum %lx\n", rounds, sum);
}
