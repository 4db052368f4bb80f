/*
 * Example-level DP-SGD on one device (Abadi et al. 2016), on integers: each example's gradient
 * is clipped, put on a grid by truncation toward zero (which cannot lengthen it), its norm
 * checked exactly, and summed; the sum gets discrete Gaussian noise. Batches are drawn by
 * Poisson sampling of the examples; every step is one release (fed_example_dpsgd_release).
 */
#ifndef FED_EXAMPLE_DPSGD_H
#define FED_EXAMPLE_DPSGD_H

#include <stddef.h>
#include <stdint.h>

#include "base.h"
#include "../sampling/noise.h"
#include "../sampling/sampler.h"
#include "../accounting/domination.h"

typedef struct fed_example_dpsgd fed_example_dpsgd;

/** `n` parameters, clip norm C > 0, noise multiplier z > 0 (z*C*grid >= 3 is chosen by the
 *  grid), discrete Gaussian of the given kind. */
FED_MUST_CHECK fed_status fed_example_dpsgd_new(fed_example_dpsgd **out, size_t n,
                                                double clip, double noise_multiplier,
                                                fed_sampler_kind kind, fed_error *err);
void fed_example_dpsgd_free(fed_example_dpsgd *d);
/** Clip one example's gradient (in place) and add it. Not finite: counted as zero. */
FED_MUST_CHECK fed_status fed_example_dpsgd_add(fed_example_dpsgd *d, float *gradient,
                                                fed_error *err);
/** gradient[n] = (sum + noise) / expected_batch; the sum starts anew. A fixed denominator:
 *  the true batch size is itself private. */
FED_MUST_CHECK fed_status fed_example_dpsgd_finish(fed_example_dpsgd *d,
                                                   double expected_batch,
                                                   fed_noise *noise, float *gradient,
                                                   fed_error *err);
/** Forget what was added since the last sum: a step that failed must not reach the next. */
void fed_example_dpsgd_reset(fed_example_dpsgd *d);
/** What one step releases, for the accountant (views.h). */
fed_integer_release fed_example_dpsgd_release(const fed_example_dpsgd *d);
/** The same of `n` parameters and a noise multiplier, before there is anything; sigma_local is
 *  then what is asked of the sampler, which adds a trifle. */
fed_integer_release fed_example_dpsgd_release_of(size_t n, double noise_multiplier);
/** Examples zeroed so far. */
uint64_t fed_example_dpsgd_zeroed(const fed_example_dpsgd *d);

#endif
