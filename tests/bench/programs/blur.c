/* fp: single precision and conversions: a picture blurred again and again, rounded to bytes each time. */
#include <stdio.h>
#include <stdlib.h>

enum { SIZE = 256 };
static unsigned char image[SIZE][SIZE], next[SIZE][SIZE];

int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : 60;
    unsigned long sum = 0;
    for (int y = 0; y < SIZE; y++)
        for (int x = 0; x < SIZE; x++)
            image[y][x] = (unsigned char)(x * y + (x ^ y));
    for (int r = 0; r < rounds; r++) {
        for (int y = 1; y < SIZE - 1; y++)
            for (int x = 1; x < SIZE - 1; x++) {
                float value = 0.4f * image[y][x] + 0.15f * (image[y][x - 1] + image[y][x + 1]) +
                              0.149f * image[y - 1][x] + 0.151f * image[y + 1][x];
                next[y][x] = (unsigned char)(value + 0.5f);
            }
        for (int y = 1; y < SIZE - 1; y++)
            for (int x = 1; x < SIZE - 1; x++)
                image[y][x] = next[y][x];
    }
    for (int y = 0; y < SIZE; y++)
        for (int x = 0; x < SIZE; x++)
            sum = sum * 33 + image[y][x];
    printf("%lu\n", sum);
}
