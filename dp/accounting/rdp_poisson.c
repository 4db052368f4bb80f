/*
 * Renyi divergence of the Poisson-sampled Gaussian (Mironov, Talwar, Zhang 2019): with
 * mu0 = N(0, s^2) and mu = (1-q) mu0 + q N(1, s^2), both directions are bounded by
 * A(alpha) = E_mu0 (mu/mu0)^alpha (their theorem 5). For an integer order the power is a
 * binomial sum (section 3.3); for others it is expanded around the point z0 where the two
 * parts of mu are equal, on each side in the smaller of them.
 */
#include "logmath.h"
#include "rdp.h"

enum { TERMS_MAX = 6000 };

static double log_a_integer(double q, double sigma, unsigned alpha)
{
    double sum = -INFINITY, go = log(q), stay = log1p(-q);
    for (unsigned k = 0; k <= alpha; k++)
        sum = fed_log_add(sum, fed_log_choose(alpha, k) + k * go + (alpha - k) * stay +
                                   ((double)k * k - k) / (2 * sigma * sigma));
    return sum;
}

/* A sum with signs, scaled by the largest term it ever held, with a running compensation. */
typedef struct signed_sum {
    double log_scale, value, lost;
} signed_sum;

static void sum_add(signed_sum *s, double log_term, int sign)
{
    if (log_term > s->log_scale) {
        double shrink = exp(s->log_scale - log_term);
        s->value *= shrink, s->lost *= shrink, s->log_scale = log_term;
    }
    double term = sign * exp(log_term - s->log_scale) - s->lost;
    double next = s->value + term;
    s->lost = (next - s->value) - term;
    s->value = next;
}

/* Beyond i = alpha the terms alternate and shrink, so what is left out is below the last one;
 * that is added, to stay above the truth. */
static double log_a_real(double q, double sigma, double alpha)
{
    double v = sigma * sigma, z0 = v * log(1 / q - 1) + 0.5, root = FED_SQRT2 * sigma;
    double go = log(q), stay = log1p(-q), log_coef = 0, last = -INFINITY;
    signed_sum sum = {-INFINITY, 0, 0};
    int sign = 1;
    for (unsigned n = 0; n < TERMS_MAX; n++) {
        double i = n, j = alpha - i;
        double low = log_coef + i * go + j * stay + (i * i - i) / (2 * v) +
                     fed_log_erfc((i - z0) / root) - log(2.0);
        double high = log_coef + j * go + i * stay + (j * j - j) / (2 * v) +
                      fed_log_erfc((z0 - j) / root) - log(2.0);
        sum_add(&sum, low, sign);
        sum_add(&sum, high, sign);
        last = fed_log_add(low, high);
        if (i > alpha && last < sum.log_scale + log(sum.value) - 36) break;
        log_coef +=
            log(fabs(j) / (i + 1)); /* C(alpha, i+1) = C(alpha, i) (alpha-i)/(i+1) */
        if (j < 0) sign = -sign;
    }
    if (!(sum.value > 0)) return INFINITY;
    return fed_log_add(sum.log_scale + log(sum.value), last);
}

double fed_rdp_poisson(double q, double sigma, double alpha)
{
    if (q <= 0) return 0;
    if (q >= 1) return fed_rdp_gaussian(sigma, alpha);
    double log_a = alpha == floor(alpha) ? log_a_integer(q, sigma, (unsigned)alpha)
                                         : log_a_real(q, sigma, alpha);
    double rdp = log_a / (alpha - 1), whole = fed_rdp_gaussian(sigma, alpha);
    if (!(rdp > 0)) rdp = 0;
    return rdp < whole ? rdp : whole;
}
