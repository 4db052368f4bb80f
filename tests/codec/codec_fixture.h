/* What the codec's suites share: configurations, updates, and a cohort in a few lines. */
#ifndef FED_CODEC_FIXTURE_H
#define FED_CODEC_FIXTURE_H

#include "codec.h"
#include "harness.h"

/** A configuration of d coordinates for cohorts of n_max, with a fixed seed. */
fed_codec_config fixture_config(size_t d, uint32_t n_max);
/** A made-up update: normal, with a heavy tail, about `norm` long. */
void fixture_update(float *x, size_t d, uint64_t seed, double norm);
/** A key for rounding. */
const uint8_t *fixture_key(uint64_t seed);
/** Encode on the device; the result must succeed. */
fed_status fixture_encode(const fed_codec *codec, const fed_codec_round *round,
                          const float *delta, float *residual, uint64_t seed,
                          fed_codec_update *out, fed_error *err);
/** The norm of a - b relative to the norm of b. */
double fixture_distance(const float *a, const float *b, size_t n);

#endif
