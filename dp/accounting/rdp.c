#include "rdp.h"

#include "logmath.h"

enum { TENTHS = 99, WHOLE_FROM = 11, WHOLE_TO = 128, BIG = 3 };
#define ORDERS (TENTHS + WHOLE_TO - WHOLE_FROM + 1 + BIG)

/* 1.1, 1.2, ..., 10.9, 11, 12, ..., 128, 256, 512, 1024. */
double fed_rdp_order(size_t i)
{
    if (i < TENTHS) return (double)(11 + i) / 10;
    i -= TENTHS;
    if (i <= WHOLE_TO - WHOLE_FROM) return (double)(WHOLE_FROM + i);
    return (double)((size_t)WHOLE_TO << (i - (WHOLE_TO - WHOLE_FROM)));
}

size_t fed_rdp_order_count(void)
{
    return ORDERS;
}

double fed_rdp_gaussian(double sigma, double alpha)
{
    return alpha / (2 * sigma * sigma);
}

double fed_rdp_poisson_any(double q, unsigned alpha,
                           double (*rdp)(void *ctx, unsigned order), void *ctx)
{
    if (q <= 0) return 0;
    if (q >= 1) return rdp(ctx, alpha);
    double a = alpha, stay = log1p(-q), go = log(q);
    double sum = (a - 1) * stay + log1p(a * q - q);
    for (unsigned l = 2; l <= alpha; l++) {
        double term =
            fed_log_choose(a, l) + (a - l) * stay + l * go + (l - 1) * rdp(ctx, l);
        sum = fed_log_add(sum, term + (l > 2 ? log(3.0) : 0));
    }
    double sampled = sum / (a - 1), whole = rdp(ctx, alpha);
    return sampled < whole ? sampled : whole; /* sampling never hurts */
}

double fed_rdp_ddgauss(double ratio2, double ratio1, double tau, double dim, double alpha)
{
    double inflated = ratio2 + sqrt(dim) * tau;
    double a = alpha / 2 * ratio2 * ratio2 + tau * dim;
    double b = alpha / 2 * (ratio2 * ratio2 + 2 * ratio1 * tau + tau * tau * dim);
    double c = alpha / 2 * inflated * inflated;
    return fmin(a, fmin(b, c));
}

double fed_ddgauss_tau(double sigma_local, uint64_t n)
{
    double base = -2 * FED_PI * FED_PI * sigma_local * sigma_local, sum = 0;
    /* the terms tend to exp(base): from k = 10^5 on they are all taken as k = 10^5's */
    for (uint64_t k = 1; k < n && k < 100000; k++)
        sum += exp(base * (double)k / (double)(k + 1));
    if (n > 100000) sum += (double)(n - 100000) * exp(base * (1 - 1e-5));
    return 10 * sum;
}

double fed_rdp_skellam(double delta2, double delta1, double variance, double alpha)
{
    double gauss = alpha * delta2 * delta2 / (2 * variance), v = variance;
    double first = ((2 * alpha - 1) * delta2 * delta2 + 6 * delta1) / (4 * v * v);
    double second = 3 * delta1 / (2 * v);
    return gauss + fmin(first, second);
}
