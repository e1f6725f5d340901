/* fp: five bodies under gravity: divisions, square roots and multiplications that wait for each other. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { BODIES = 5 };

static struct body {
    double x, y, z, vx, vy, vz, mass;
} bodies[BODIES] = {{0, 0, 0, 0, 0, 0, 39.478},
                    {4.841, -1.160, -0.103, 0.606, 2.811, -0.025, 0.0377},
                    {8.343, 4.124, -0.403, -1.010, 1.825, 0.0084, 0.0113},
                    {12.894, -15.111, -0.223, 1.082, 0.868, -0.0108, 0.0017},
                    {15.379, -25.919, 0.179, 0.979, 0.594, -0.0347, 0.0020}};

static void step(double dt) {
    for (int i = 0; i < BODIES; i++) {
        struct body *p = &bodies[i];
        for (int j = i + 1; j < BODIES; j++) {
            struct body *q = &bodies[j];
            double dx = p->x - q->x, dy = p->y - q->y, dz = p->z - q->z;
            double square = dx * dx + dy * dy + dz * dz, pull = dt / (square * sqrt(square));
            p->vx -= dx * q->mass * pull, p->vy -= dy * q->mass * pull, p->vz -= dz * q->mass * pull;
            q->vx += dx * p->mass * pull, q->vy += dy * p->mass * pull, q->vz += dz * p->mass * pull;
        }
    }
    for (int i = 0; i < BODIES; i++) {
        struct body *p = &bodies[i];
        p->x += dt * p->vx, p->y += dt * p->vy, p->z += dt * p->vz;
    }
}

int main(int argc, char **argv) {
    int steps = argc > 1 ? atoi(argv[1]) : 400000;
    for (int i = 0; i < steps; i++)
        step(0.001);
    printf("%.12f %.12f\n", bodies[0].x, bodies[4].z);
}
