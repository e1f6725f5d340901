// cflags: -ffp-contract=off
/* Calls through pointers from one site and from many, virtual tables, callbacks of qsort and bsearch, variadic
 * functions. */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FUNCTIONS(F) F(0) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11) F(12) F(13) F(14) F(15)
#define DEFINE(n)                                                                                                      \
    __attribute__((noinline)) static uint64_t f##n(uint64_t x) { return x * (2 * n + 3) + n; }
FUNCTIONS(DEFINE)
#define NAME(n) f##n,
static uint64_t (*const table[])(uint64_t) = {FUNCTIONS(NAME)};

struct shape;
struct class {
    double (*area)(const struct shape *);
    const char *name;
};
struct shape {
    const struct class *class;
    double a, b;
};
static double square(const struct shape *s) { return s->a * s->a; }
static double rectangle(const struct shape *s) { return s->a * s->b; }
static double ellipse(const struct shape *s) { return s->a * s->b * 3.14159265358979; }
static const struct class classes[] = {{square, "square"}, {rectangle, "rectangle"}, {ellipse, "ellipse"}};

static int by_value(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}
static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

__attribute__((noinline)) static double total(const char *kinds, ...) {
    va_list list, copy;
    va_start(list, kinds);
    va_copy(copy, list);
    double sum = 0;
    for (const char *k = kinds; *k; k++)
        switch (*k) {
        case 'i':
            sum += va_arg(list, int);
            break;
        case 'l':
            sum += (double)va_arg(list, long);
            break;
        case 'd':
            sum += va_arg(list, double);
            break;
        case 's':
            sum += (double)strlen(va_arg(list, char *));
            break;
        case 'L':
            sum += (double)va_arg(list, long double);
            break;
        }
    va_end(list);
    sum += kinds[0] == 'i' ? va_arg(copy, int) : 0;
    va_end(copy);
    return sum;
}

__attribute__((noinline)) static int dispatch(int op, int x) {
    switch (op) {
    case 0:
        return x + 1;
    case 1:
        return x ^ 0x55;
    case 2:
        return x << 1;
    case 3:
        return x >> 2;
    case 4:
        return -x;
    case 5:
        return x * 7;
    case 6:
        return x / 3;
    case 7:
        return x % 11;
    case 8:
        return ~x;
    case 9:
        return x & 0xff;
    case 10:
        return x | 0x100;
    case 1000:
        return 3;
    default:
        return op;
    }
}

int main(void) {
    uint64_t x = 1;
    for (int i = 0; i < 200000; i++)
        x = table[(x >> 20) % 16](x);
    for (int i = 0; i < 20000; i++)
        x = table[0](x) + table[5](x) + table[i & 15](x);
    printf("%016llx\n", (unsigned long long)x);

    struct shape shapes[30];
    double area = 0;
    for (int i = 0; i < 30; i++)
        shapes[i] = (struct shape){&classes[i * 7 % 3], i + 0.5, 40 - i};
    for (int round = 0; round < 1000; round++)
        for (int i = 0; i < 30; i++)
            area += shapes[i].class->area(&shapes[i]);
    printf("%.9g\n", area);

    enum { N = 20000 };
    static uint32_t numbers[N];
    uint32_t seed = 7;
    for (int i = 0; i < N; i++)
        numbers[i] = seed = seed * 1664525 + 1013904223;
    qsort(numbers, N, sizeof numbers[0], by_value);
    uint32_t key = numbers[777];
    printf("%u %u %u %td\n", numbers[0], numbers[N / 2], numbers[N - 1],
           (uint32_t *)bsearch(&key, numbers, N, sizeof key, by_value) - numbers);
    const char *words[] = {"pear", "apple", "fig", "quince", "cherry", "plum", "medlar", "banana"};
    qsort(words, 8, sizeof words[0], by_name);
    for (int i = 0; i < 8; i++)
        printf("%s%c", words[i], i < 7 ? ' ' : '\n');

    printf("%g %g\n", total("ildsildsildsL", 1, 2L, 3.5, "four", 5, 6L, 7.25, "eight", 9, 10L, 11.0, "", 2.5L),
           total("dd", 1.0, 2.0));
    int y = 12345;
    for (int i = 0; i < 100000; i++)
        y = dispatch((unsigned)(y ^ i) % 13, y & 0xffffff);
    printf("%d %d\n", y, dispatch(1000, 0));

    char line[256];
    uint64_t hash = 0;
    for (int i = 0; i < 500; i++) {
        int n = snprintf(line, sizeof line, "%d|%5u|%-8lx|%+.3e|%s|%c|%08.4f|%a|%lld|%p", i * -37, i * 91u, i * 65537l,
                         i * 1.7e30, words[i % 8], 'a' + i % 26, i / 7.0, i * 0.1, (long long)i << 40,
                         (void *)(uintptr_t)(i + 4096));
        for (int k = 0; k < n; k++)
            hash = hash * 31 + (unsigned char)line[k];
        int a;
        double d;
        char word[16];
        if (sscanf("17 2.75e3 hello", "%d %lf %15s", &a, &d, word) == 3)
            hash += (uint64_t)a + (uint64_t)d + (uint64_t)word[i % 5];
        hash += (uint64_t)strtoul("0xdeadbeef", NULL, 0) + (uint64_t)(strtod("1.5e10", NULL));
    }
    printf("%016llx\n%s\n", (unsigned long long)hash, line);
}
