#include "conversion.h"

#include <math.h>

double fed_rdp_to_epsilon(double alpha, double rdp, double delta)
{
    if (!(alpha > 1) || !isfinite(rdp)) return INFINITY;
    double epsilon = rdp + log1p(-1 / alpha) - log(delta * alpha) / (alpha - 1);
    return epsilon > 0 ? epsilon : 0;
}

double fed_rdp_curve_to_epsilon(const double *orders, const double *rdp, size_t n,
                                double delta, size_t *best)
{
    double least = INFINITY;
    for (size_t i = 0; i < n; i++) {
        double epsilon = fed_rdp_to_epsilon(orders[i], rdp[i], delta);
        if (epsilon >= least) continue;
        least = epsilon;
        if (best) *best = i;
    }
    return least;
}

/* epsilon(alpha) = rho alpha + ... has one minimum; golden section over log(alpha - 1). */
double fed_zcdp_to_epsilon(double rho, double delta)
{
    if (rho <= 0) return 0;
    const double golden = 0.61803398874989485;
    double low = -20, high = 20;
    for (int i = 0; i < 120; i++) {
        double left = high - golden * (high - low), right = low + golden * (high - low);
        double at_left = 1 + exp(left), at_right = 1 + exp(right);
        if (fed_rdp_to_epsilon(at_left, rho * at_left, delta) <
            fed_rdp_to_epsilon(at_right, rho * at_right, delta))
            high = right;
        else
            low = left;
    }
    double alpha = 1 + exp((low + high) / 2);
    return fed_rdp_to_epsilon(alpha, rho * alpha, delta);
}
