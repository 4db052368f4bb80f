/*
 * Integer noise, drawn exactly. Two ways to the discrete Gaussian N_Z(0, sigma^2), which has
 * P(x) proportional to exp(-x^2 / 2 sigma^2):
 *
 *   exact  Canonne, Kamath, Steinke 2020, algorithms 1 to 3, with lazy integer comparisons:
 *          the distribution is right without any error, for every double sigma. Its time
 *          depends on what is drawn.
 *   fast   cumulative tables of 128-bit thresholds, read whole for every draw, so that its
 *          time does not depend on what is drawn; large sigma as x1 + k x2 of smaller ones.
 *          The distance to the true distribution is computed and returned; the caller
 *          charges it.
 *
 * Skellam noise is the difference of two Poisson draws, by inversion with 128-bit thresholds.
 */
#ifndef FED_SAMPLER_H
#define FED_SAMPLER_H

#include <stddef.h>
#include <stdint.h>

#include "base.h"
#include "noise.h"

typedef enum fed_sampler_kind {
    FED_SAMPLER_GAUSSIAN_EXACT = 1,
    FED_SAMPLER_GAUSSIAN_FAST = 2,
    FED_SAMPLER_SKELLAM = 3
} fed_sampler_kind;

typedef struct fed_sampler fed_sampler;

/** The largest standard deviation: exact, fast, Skellam. */
#define FED_SAMPLER_SIGMA_MAX         0x1p40
#define FED_SAMPLER_SKELLAM_SIGMA_MAX 0x1p15

/** A sampler for standard deviation `sigma`: at least 2^-10 (fast: 1) and at most the maximum of
 *  its kind. What is drawn has at least that deviation: exactly (exact), more by less than one
 *  part in 2^30 (fast), or a variance more by 2^-19 for each 2^20 of it (Skellam, whose time
 *  grows with the variance beyond that). Free with fed_sampler_free. FED_E_INVALID names the
 *  bound. */
FED_MUST_CHECK fed_status fed_sampler_new(fed_sampler **out, fed_sampler_kind kind,
                                          double sigma, fed_error *err);
void fed_sampler_free(fed_sampler *sampler);
/** Write `n` independent draws. On failure of the source `out` is zeroed. The sampler itself
 *  is not changed: threads may share it, each with its own noise. */
FED_MUST_CHECK fed_status fed_sampler_fill(const fed_sampler *sampler, fed_noise *noise,
                                           int64_t *out, size_t n, fed_error *err);
/** Add `n` independent draws to `x`, wrapping modulo 2^64. On failure `x` is wiped: a vector
 *  without its noise must not survive. */
FED_MUST_CHECK fed_status fed_sampler_add(const fed_sampler *sampler, fed_noise *noise,
                                          int64_t *x, size_t n, fed_error *err);
/** The exact standard deviation of what is drawn. */
double fed_sampler_sigma(const fed_sampler *sampler);
/** Upper bound on the statistical (total variation) distance of one draw from the target, as
 *  a base-2 logarithm; -INFINITY when exact. n draws cost n * 2^this of delta. */
double fed_sampler_distance_log2(const fed_sampler *sampler);

/** Exact pieces, for tests and other mechanisms. Bernoulli(num/den), num <= den, den > 0. */
bool fed_sample_bernoulli(fed_noise *noise, uint64_t num, uint64_t den);
/** Bernoulli(exp(-num/den)), den > 0. */
bool fed_sample_bernoulli_exp(fed_noise *noise, uint64_t num, uint64_t den);
/** Uniform in [0, bound), bound > 0. */
uint64_t fed_sample_below(fed_noise *noise, uint64_t bound);
/** Discrete Laplace, P(x) proportional to exp(-|x|/scale), for an integer scale in
 *  [1, 2^41]. */
int64_t fed_sample_laplace(fed_noise *noise, uint64_t scale);

#endif
