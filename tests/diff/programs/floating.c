/* floating.c: double and single precision: an orbit, a polynomial's roots, a blurred row, functions of the C library,
 * conversions, infinities and NaNs.
 *
 *      floating ROUNDS
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROW = 64 };

static double orbit(int steps) {
    double x = 1, y = 0, vx = 0, vy = 1;
    for (int i = 0; i < steps; i++) {
        double r = sqrt(x * x + y * y), a = 1 / (r * r * r);
        vx -= x * a * 0.001;
        vy -= y * a * 0.001;
        x += vx * 0.001;
        y += vy * 0.001;
    }
    return x * vy - y * vx;
}

static double root(double c) {
    double x = c;
    for (int i = 0; i < 30 && fabs(x * x * x - c) > 1e-12; i++)
        x -= (x * x * x - c) / (3 * x * x);
    return x;
}

static float blur(float *row) {
    float sum = 0;
    for (int k = 0; k < 4; k++)
        for (int i = 1; i + 1 < ROW; i++)
            row[i] = row[i - 1] * 0.25f + row[i] * 0.5f + row[i + 1] * 0.25f;
    for (int i = 0; i < ROW; i++)
        sum += row[i] > 0.5f ? row[i] : -row[i];
    return sum;
}

int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : 1;
    volatile double zero = 0;
    double sum = 0;
    long counts = 0;
    for (int round = 1; round <= rounds; round++) {
        float row[ROW];
        for (int i = 0; i < ROW; i++)
            row[i] = (float)(i * round % 17) / 17;
        sum += orbit(200) + root(round) + (double)blur(row);
        sum += sin(round * 0.1) + exp(-round * 0.01) + log(round) + pow(round, 0.3) + atan2(round, 3);
        sum += fmin(round, sum) - floor(sum) - ceil(sum) + fmod(round, 3.5) + (double)(float)(sum * 0.01) - sum * 0.01;
        double odd = round % 3 == 0 ? 1 / zero : round % 3 == 1 ? zero / zero : -0.0;
        counts += isnan(odd) + 2 * isinf(odd) + 4 * (odd == 0 && signbit(odd)) + lrint(sum) % 7 + (long)(sum * 3) % 5 +
                  (sum < odd);
    }
    printf("%d rounds, sum %.15g, counts %ld\n", rounds, sum, counts);
}
