/*
 * Renyi differential privacy of one release, order by order. Compose by adding.
 * `sigma` is the noise multiplier: standard deviation over sensitivity.
 */
#ifndef FED_RDP_H
#define FED_RDP_H

#include <stddef.h>
#include <stdint.h>

#include "base.h"

/** The orders at which curves are kept: 1.1, 1.2, ..., 10.9, 11, 12, ..., 128, 256, 512,
 *  1024. */
size_t fed_rdp_order_count(void);
double fed_rdp_order(size_t i);

/** Gaussian: alpha / (2 sigma^2). */
double fed_rdp_gaussian(double sigma, double alpha);
/** Poisson-sampled Gaussian, add or remove one (Mironov, Talwar, Zhang 2019, section 3.3):
 *  integer orders by the binomial sum, others by its two-sided series, what is cut off
 *  added. INFINITY when cancellation leaves nothing of it. */
double fed_rdp_poisson(double q, double sigma, double alpha);
/** Gaussian on a subset of fixed size q = n/N drawn without replacement, replace one (Wang,
 *  Balle, Kasiviswanathan 2019, theorem 27); sigma over the replace-one sensitivity. Orders
 *  that are not integers are interpolated ((alpha-1) rdp is convex), from above. */
double fed_rdp_fixed_size(double q, double sigma, double alpha);
/** Any mechanism with RDP curve `rdp(ctx, order)` on integer orders, Poisson-sampled: Zhu,
 *  Wang 2019, theorem 5. Integer alpha >= 2. */
double fed_rdp_poisson_any(double q, unsigned alpha,
                           double (*rdp)(void *ctx, unsigned order), void *ctx);

/** Distributed discrete Gaussian, the authors' bound (Kairouz, Liu, Steinke 2021, proposition
 *  14): `ratio2`, `ratio1` are the l2 and l1 sensitivity over the standard deviation of the
 *  sum; tau from fed_ddgauss_tau. */
double fed_rdp_ddgauss(double ratio2, double ratio1, double tau, double dim,
                       double alpha);
/** 10 sum_{k=1}^{n-1} exp(-2 pi^2 sigma_local^2 k/(k+1)). */
double fed_ddgauss_tau(double sigma_local, uint64_t n);
/** Skellam noise of this variance in the sum (Agarwal, Kairouz, Liu 2021, theorem 3.5):
 *  alpha D2^2/2v + min{((2 alpha - 1) D2^2 + 6 D1)/4v^2, 3 D1/2v}. Integer alpha >= 2. */
double fed_rdp_skellam(double delta2, double delta1, double variance, double alpha);

#endif
