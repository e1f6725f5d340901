// args: one "two words"
// env: RIV_TEST_COLOUR=green
/* The smallest check of all: arguments, one environment variable and the exit path of libc. */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        printf("%d: %s\n", i, argv[i]);
    printf("colour %s\n", getenv("RIV_TEST_COLOUR"));
    return 0;
}
