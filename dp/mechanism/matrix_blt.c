/*
 * Buffers that follow the square root. Its coefficients are moments of the arcsine law,
 *
 *   c_j = (2j choose j) / 4^j = 1/pi int_0^1 x^j / sqrt(x (1 - x)) dx   (Wallis),
 *
 * so c_j = int x^(j-1) dmu with dmu = x dx / (pi sqrt(x (1 - x))): an infinite sum of decaying
 * buffers. Cut (0, 1) where 1 - x falls geometrically to the scale of the last round, and put
 * the mass omega of each piece at its mean theta: c_1 stays exact, later ones nearly so. All
 * omega are positive, so the coefficients fall, as the sensitivity formula needs. With
 * x = sin^2 t both moments have a closed form.
 */
#include "matrix_mechanism.h"

#include <math.h>

#include "../accounting/logmath.h"

/* int_0^x dmu, and int_0^x y dmu(y). */
static double mass_below(double t)
{
    return (t - sin(2 * t) / 2) / FED_PI;
}

static double moment_below(double t)
{
    return (3 * t / 4 - sin(2 * t) / 2 + sin(4 * t) / 16) / FED_PI;
}

void fed_matrix_fit_blt(fed_matrix_config *c)
{
    double from = 0, last = 0.25 / c->steps;
    for (uint32_t i = 0; i < c->buffers; i++) {
        double left =
            pow(last, (i + 1.0) / c->buffers); /* 1 - x at the end of the piece */
        double to = i + 1 < c->buffers ? acos(sqrt(left)) : FED_PI / 2;
        c->omega[i] = mass_below(to) - mass_below(from);
        c->theta[i] = (moment_below(to) - moment_below(from)) / c->omega[i];
        from = to;
    }
}
