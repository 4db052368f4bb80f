/*
 * What one device does to one vector that is summed: clip it, round it under the exact check
 * of its norm, add its share of the noise. From there on it is integers.
 */
#ifndef FED_NOISE_SHARE_H
#define FED_NOISE_SHARE_H

#include <stddef.h>
#include <stdint.h>

#include "base.h"
#include "../sampling/noise.h"
#include "../sampling/sampler.h"
#include "conditional_rounding.h"
#include "l2clip.h"

typedef struct fed_noise_share {
    double clip;        /* L2 norm before rounding, in the units of the vector */
    double scale;       /* integers per unit */
    double delta2;      /* L2 norm of the integers before the noise */
    double sigma_local; /* standard deviation of the noise, in integers */
    uint64_t dim;       /* entries of the vector at most */
    unsigned tries;     /* of conditional rounding */
} fed_noise_share;

/** What one device did to its update. */
typedef struct fed_device_report {
    fed_clip_report clip;
    fed_rounding_report round;
} fed_device_report;

/** Clip x[n] (in place), round, add noise; `out[n]` then goes into the ring (reduce modulo
 *  2^B). `sampler` must have been made with sigma_local, or more; NULL where sigma_local is 0,
 *  since somebody else adds the noise. On failure `out` is zero. `report` may be NULL.
 *  FED_E_INVALID: a sampler of less noise, more entries than dim. */
FED_MUST_CHECK fed_status fed_noise_share_encode(const fed_noise_share *share, float *x,
                                                 size_t n, const fed_sampler *sampler,
                                                 fed_noise *noise, int64_t *out,
                                                 fed_device_report *report,
                                                 fed_error *err);

#endif
