/* fp: double precision, multiply-add chains and square roots: coupled oscillators by Verlet's method. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { COUNT = 64 };

int main(int argc, char **argv) {
    int steps = argc > 1 ? atoi(argv[1]) : 200000;
    double x[COUNT], v[COUNT], energy = 0;
    for (int i = 0; i < COUNT; i++)
        x[i] = sin(i), v[i] = 0;
    for (int s = 0; s < steps; s++) {
        for (int i = 0; i < COUNT; i++) {
            double left = x[(i + COUNT - 1) % COUNT], right = x[(i + 1) % COUNT];
            v[i] += 0.01 * (left + right - 2 * x[i] - x[i] / sqrt(1 + x[i] * x[i]));
        }
        for (int i = 0; i < COUNT; i++)
            x[i] += 0.01 * v[i];
    }
    for (int i = 0; i < COUNT; i++)
        energy += v[i] * v[i] + x[i] * x[i];
    printf("%.9f\n", energy);
}
