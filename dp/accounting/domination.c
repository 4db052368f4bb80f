/*
 * docs/domination-lemma.md. Per coordinate: a discrete Gaussian with an integer mean is a
 * post-processing of a continuous one of variance sigma^2 - r^2 up to a log-ratio of
 * 2 atanh(eta), eta = 2 exp(-2 pi^2 r^2); and the sum of n discrete shares is a discrete
 * Gaussian up to sum_k 4 exp(-2 pi^2 sigma_local^2 k/(k+1)).
 */
#include "domination.h"

#include "logmath.h"
#include "rdp.h"

fed_status fed_domination_derive(fed_domination *out, double sigma_local, uint64_t shares,
                                 double delta2, uint64_t dim, double radius,
                                 fed_error *err)
{
    double variance = (double)shares * sigma_local * sigma_local - radius * radius;
    double eta = 2 * exp(-2 * FED_PI * FED_PI * radius * radius);
    if (!(variance > 0))
        return fed_fail(
            err, FED_E_REFUSED,
            "privacy: noise of standard deviation %g in the sum is within the "
            "smoothing radius %g",
            sqrt((double)shares) * sigma_local, radius);
    out->sigma_effective = sqrt(variance) / delta2;
    double joined = shares > 1 ? 0.4 * fed_ddgauss_tau(sigma_local, shares) : 0;
    bool wide = radius >= 1 && sigma_local >= 1;
    double per_coordinate = wide ? 2 * atanh(eta) + joined : INFINITY;
    /* what the leading exponentials leave out is below 1e-7 of them from these widths on */
    out->slack = (double)dim * per_coordinate * (1 + 1e-7);
    if (!(out->slack < 1))
        return fed_fail(
            err, FED_E_REFUSED,
            "privacy: sigma_local %g over %llu coordinates leaves a slack of %g: "
            "the noise is too small to be treated as Gaussian",
            sigma_local, (unsigned long long)dim, out->slack);
    return FED_OK;
}
