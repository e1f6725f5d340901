/* system: two processes that hand a byte back and forth through pipes: a change of address space each time. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : 20000, there[2], back[2];
    unsigned char byte = 0;
    if (pipe(there) || pipe(back))
        return 1;
    pid_t child = fork();
    if (child < 0)
        return 1;
    if (child == 0) {
        for (int i = 0; i < rounds; i++) {
            if (read(there[0], &byte, 1) != 1)
                _exit(1);
            byte = (unsigned char)(byte * 5 + 1);
            if (write(back[1], &byte, 1) != 1)
                _exit(1);
        }
        _exit(0);
    }
    for (int i = 0; i < rounds; i++)
        if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
            return 1;
    waitpid(child, NULL, 0);
    printf("%u\n", byte);
}
