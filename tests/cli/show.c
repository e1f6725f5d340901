/* show.c: the guest program of the command line tests: prints what it was given, ends as it is told.
 *
 *      show args ARG...  argv, one a line        show env NAME...   values, or (unset)
 *      show exit N       exits with N            show kill N        ends by signal N
 *      show stack BYTES  touches so much stack   show exec PROGRAM ARG...
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void touch_stack(size_t bytes) {
    volatile char block[16384];
    for (size_t i = 0; i < sizeof block; i += 1024)
        block[i] = (char)i;
    if (bytes > sizeof block)
        touch_stack(bytes - sizeof block);
    block[0]++; /* keeps the call from being a tail call */
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "args";
    if (strcmp(what, "args") == 0)
        for (int i = 0; i < argc; i++)
            puts(argv[i]);
    else if (strcmp(what, "env") == 0)
        for (int i = 2; i < argc; i++)
            puts(getenv(argv[i]) ? getenv(argv[i]) : "(unset)");
    else if (strcmp(what, "exit") == 0)
        return atoi(argv[2]);
    else if (strcmp(what, "kill") == 0)
        raise(atoi(argv[2]));
    else if (strcmp(what, "stack") == 0)
        touch_stack(strtoul(argv[2], NULL, 0)), puts("touched");
    else if (strcmp(what, "exec") == 0)
        execv(argv[2], &argv[2]), perror(argv[2]);
    return 0;
}
