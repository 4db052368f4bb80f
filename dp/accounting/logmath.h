/* Sums of numbers that are kept as logarithms, and the normal distribution in its tails. */
#ifndef FED_LOGMATH_H
#define FED_LOGMATH_H

#include <math.h>

#define FED_PI    3.14159265358979323846
#define FED_SQRT2 1.41421356237309504880

/** log(e^a + e^b). */
static inline double fed_log_add(double a, double b)
{
    double high = a > b ? a : b, low = a > b ? b : a;
    return low == -INFINITY ? high : high + log1p(exp(low - high));
}

/** log(n choose k). */
static inline double fed_log_choose(double n, double k)
{
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1);
}

/** log erfc(x), beyond where erfc underflows too. */
double fed_log_erfc(double x);
/** P(low < X <= high) of a standard normal, accurate in the tails. */
double fed_normal_between(double low, double high);

#endif
