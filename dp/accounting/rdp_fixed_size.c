/*
 * Sampling without replacement (Wang, Balle, Kasiviswanathan 2019, theorem 27 with the tighter
 * even moments of their section 3.2): for integer alpha
 *
 *   exp((alpha-1) rdp) <= 1 + sum_{j=2}^alpha C(alpha, j) q^j min{4 B(j), 2 e^((j-1) e(j))},
 *
 * e(j) the unsampled RDP, B(j) the j-th moment of the likelihood ratio minus one for even j,
 * the geometric mean of its neighbours for odd j. The moments of a Gaussian are
 * E (exp(x/s - 1/2s^2) - 1)^j, x standard normal: an analytic integrand, for which the
 * trapezoid rule converges exponentially; the alternating sum of the textbook formula would
 * cancel to nothing.
 */
#include "logmath.h"
#include "rdp.h"

enum { MOMENTS_MAX = 256 };

static double log_integrand(double x, double sigma, unsigned j)
{
    double log_ratio = x / sigma - 0.5 / (sigma * sigma);
    double power = log_ratio > 600 ? log_ratio : log(fabs(expm1(log_ratio)));
    return j * power - x * x / 2;
}

/* log E (e^(x/s - 1/2s^2) - 1)^j for even j. The mass lies within 16 of x = 0 and of x = j/s;
 * the half step keeps the grid off the zero of the integrand. */
static double log_moment(double sigma, unsigned j)
{
    const double step = 0x1p-5, reach = 16, peak = j / sigma;
    double sum = -INFINITY, x = -reach - 0.5 * step;
    for (; x < peak + reach; x += step) {
        if (x > reach && x < peak - reach) x = peak - reach;
        double term = log_integrand(x, sigma, j);
        if (term > sum - 50) sum = fed_log_add(sum, term);
    }
    return sum + log(step) - 0.5 * log(2 * FED_PI);
}

/* Where sigma is so small that this grid is coarse, the moments gain nothing. */
static bool has_moments(double sigma, unsigned alpha)
{
    return sigma >= 0.3 && alpha <= MOMENTS_MAX;
}

static double log_term(double q, double sigma, unsigned alpha, unsigned j)
{
    double plain = log(2.0) + (j - 1.0) * fed_rdp_gaussian(sigma, j), moment = INFINITY;
    if (j == 2) {
        moment = log(4 * expm1(1 / (sigma * sigma)));
    } else if (has_moments(sigma, alpha)) {
        moment = log_moment(sigma, j / 2 * 2);
        if (j % 2) moment = 0.5 * (moment + log_moment(sigma, j + 1));
        moment += log(4.0);
    }
    return fmin(plain, moment) + j * log(q) + fed_log_choose(alpha, j);
}

/* log of the bound above. Terms far below the sum are added without their moments. */
static double log_bound(double q, double sigma, unsigned alpha)
{
    double sum = 0;
    for (unsigned j = 2; j <= alpha; j++) {
        double rough = log(2.0) + (j - 1.0) * fed_rdp_gaussian(sigma, j) + j * log(q) +
                       fed_log_choose(alpha, j);
        bool small = rough < -60;
        sum = fed_log_add(sum, small ? rough : log_term(q, sigma, alpha, j));
    }
    return sum;
}

double fed_rdp_fixed_size(double q, double sigma, double alpha)
{
    if (q <= 0) return 0;
    double whole = fed_rdp_gaussian(sigma, alpha);
    if (q >= 1) return whole;
    unsigned floor_alpha = (unsigned)alpha;
    double t = alpha - floor_alpha, log_a = 0;
    if (floor_alpha >= 2) log_a = (1 - t) * log_bound(q, sigma, floor_alpha);
    if (t > 0) log_a += t * log_bound(q, sigma, floor_alpha + 1);
    return fmin(log_a / (alpha - 1), whole);
}
