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

/** A codec, the round of a version, and a sum of it. */
typedef struct fixture {
    fed_codec *codec;
    fed_codec_round *round;
    fed_codec_sum sum;
    fed_codec_outcome outcome;
    fed_error err;
} fixture;
void fixture_open(fixture *f, const fed_codec_config *c, bool secagg, uint64_t version);
void fixture_close(fixture *f);
/** Encode one input and add it to the sum; the update's report. */
fed_codec_report fixture_add(fixture *f, const fed_codec_input *in);
/** The mean update of the sum so far. */
void fixture_decode(fixture *f, float *mean);

/** The norm of a - b relative to the norm of b. */
double fixture_distance(const float *a, const float *b, size_t n);

#endif
