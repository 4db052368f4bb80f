/*
 * The Gaussian mechanism has delta(epsilon) = F(1/2s - epsilon s) - e^epsilon F(-1/2s - epsilon s)
 * with F the normal distribution function and s = sigma over sensitivity (Balle, Wang 2018,
 * theorem 8). Both terms are kept as logarithms, so neither overflows nor loses its tail.
 */
#include "gaussian_exact.h"

#include "logmath.h"

double fed_log_erfc(double x)
{
    if (x < 25) return log(erfc(x));
    double r =
        1 / (2 * x * x); /* Abramowitz, Stegun 7.1.23; the fifth term is below 1e-12 */
    double series = 1 - r * (1 - 3 * r * (1 - 5 * r * (1 - 7 * r)));
    return -x * x - log(x * sqrt(FED_PI)) + log(series);
}

double fed_log_normal_cdf(double x)
{
    if (x > 5) return log1p(-0.5 * erfc(x / FED_SQRT2));
    return fed_log_erfc(-x / FED_SQRT2) - log(2.0);
}

double fed_normal_between(double low, double high)
{
    if (high <= low) return 0;
    if (low > 0) return 0.5 * (erfc(low / FED_SQRT2) - erfc(high / FED_SQRT2));
    if (high < 0) return 0.5 * (erfc(-high / FED_SQRT2) - erfc(-low / FED_SQRT2));
    return 0.5 * (erf(high / FED_SQRT2) - erf(low / FED_SQRT2));
}

double fed_gaussian_delta(double sigma, double epsilon)
{
    double half = 0.5 / sigma, shift = epsilon * sigma;
    double a = fed_log_normal_cdf(half - shift);
    double b = epsilon + fed_log_normal_cdf(-half - shift);
    return b >= a ? 0 : -exp(a) * expm1(b - a);
}

double fed_gaussian_epsilon(double sigma, double delta)
{
    if (!(sigma > 0)) return INFINITY;
    if (fed_gaussian_delta(sigma, 0) <= delta) return 0;
    double low = 0, high = 1;
    while (high < 1e300 && fed_gaussian_delta(sigma, high) > delta)
        low = high, high *= 2;
    while (high - low > 1e-13 * high) {
        double middle = low + (high - low) / 2;
        if (fed_gaussian_delta(sigma, middle) > delta)
            low = middle;
        else
            high = middle;
    }
    return high * (1 + 1e-12);
}

double fed_gaussian_sigma(double epsilon, double delta)
{
    double low = 0, high = 1;
    while (high < 1e300 && fed_gaussian_delta(high, epsilon) > delta)
        low = high, high *= 2;
    while (high - low > 1e-13 * high) {
        double middle = low + (high - low) / 2;
        if (fed_gaussian_delta(middle, epsilon) > delta)
            low = middle;
        else
            high = middle;
    }
    return high * (1 + 1e-12);
}
