/* system: processes that start, run this program again, and end. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : 100, sum = 0;
    if (rounds < 0)
        return -rounds & 127;
    for (int i = 0; i < rounds; i++) {
        char number[16];
        int status;
        snprintf(number, sizeof number, "%d", -1 - i);
        pid_t child = fork();
        if (child < 0)
            return 1;
        if (child == 0) {
            execl("/proc/self/exe", argv[0], number, (char *)NULL);
            _exit(255);
        }
        if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
            return 1;
        sum += WEXITSTATUS(status);
    }
    printf("%d\n", sum);
}
