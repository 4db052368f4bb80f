#include "tails.h"

#include <math.h>

/* Stirling's series; its first omitted term is below 1e-15 from 16 on. */
static double ln_factorial(uint32_t n)
{
    if (n < 16) {
        double product = 1;
        for (uint32_t i = 2; i <= n; i++)
            product *= i;
        return log(product);
    }
    const double ln_sqrt_2pi = 0.91893853320467274178;
    double x = n, r = 1 / (x * x);
    double series = (1. / 12 - r * (1. / 360 - r * (1. / 1260 - r / 1680))) / x;
    return (x + 0.5) * log(x) - x + ln_sqrt_2pi + series;
}

double fed_tails_ln_choose(uint32_t n, uint32_t k)
{
    if (k > n) return -INFINITY;
    return ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k);
}

double fed_tails_ln_add(double a, double b)
{
    double high = a > b ? a : b, low = a > b ? b : a;
    return low == -INFINITY ? high : high + log1p(exp(low - high));
}

/* From the first term on, each is the last times a ratio: one logarithm for all. */
double fed_tails_hypergeometric(uint32_t all, uint32_t marked, uint32_t draws, int64_t t)
{
    int64_t least = (int64_t)draws - (int64_t)(all - marked);
    int64_t from = t > least ? t : least, to = marked < draws ? marked : draws;
    if (from < 0) from = 0;
    if (from > to) return -INFINITY;
    if (from == (least > 0 ? least : 0)) return 0;
    double first = fed_tails_ln_choose(marked, (uint32_t)from) +
                   fed_tails_ln_choose(all - marked, draws - (uint32_t)from) -
                   fed_tails_ln_choose(all, draws);
    double sum = 0, term = 1, scale = first;
    for (int64_t i = from; i <= to; i++) {
        sum += term;
        if (sum > 1e200) sum *= 1e-200, term *= 1e-200, scale += 200 * log(10);
        term *= (double)(marked - i) * (double)(draws - i) /
                ((double)(i + 1) * (double)((int64_t)all - marked - draws + i + 1));
    }
    double tail = scale + log(sum);
    return tail < 0 ? tail : 0;
}

double fed_tails_binomial_above(uint32_t n, double p, uint32_t v)
{
    double tail = -INFINITY;
    for (uint32_t i = v + 1; i <= n; i++)
        tail = fed_tails_ln_add(tail, fed_tails_ln_choose(n, i) + i * log(p) +
                                          (n - i) * log1p(-p));
    return tail < 0 ? tail : 0;
}

/* E[z^(X-Y)]^(1/draws) = rest + plus z + minus/z for one draw; the best z solves a quadratic. */
double fed_tails_difference(uint32_t all, uint32_t plus, uint32_t minus, uint32_t draws,
                            int64_t gap)
{
    double a = (double)plus / all, b = (double)minus / all, k = draws, g = (double)gap;
    if (g > k || plus == 0) return -INFINITY;
    if (a >= 1 || k * (a - b) >= g) return 0;
    if (g == k) return k * log(a);
    double rest = 1 - a - b > 0 ? 1 - a - b : 0;
    double square = (k - g) * a, linear = -g * rest, constant = -(k + g) * b;
    double z = (-linear + sqrt(linear * linear - 4 * square * constant)) / (2 * square);
    double bound = z <= 1 ? 0 : k * log(rest + a * z + b / z) - g * log(z);
    return bound < 0 ? bound : 0;
}
