/*
 * Noise in shares under secure aggregation: each device rounds, adds its share, reduces
 * modulo 2^B; the server sees the sum. Distributed discrete Gaussian (Kairouz, Liu, Steinke
 * 2021) and Skellam (Agarwal, Kairouz, Liu 2021). Here a plan's numbers become the integers
 * of the pipeline: scale, sensitivities after rounding, noise share, wrap probability.
 */
#ifndef FED_DISTRIBUTED_H
#define FED_DISTRIBUTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base.h"
#include "../sampling/noise.h"
#include "../sampling/sampler.h"
#include "noise_share.h"

typedef enum fed_share_kind {
    FED_SHARE_GAUSSIAN = 1,
    FED_SHARE_SKELLAM = 2
} fed_share_kind;

/** What a plan says. Zero means the default where one is named. */
typedef struct fed_distributed_config {
    fed_share_kind kind;
    double clip;             /* C > 0, in the units of the update */
    double noise_multiplier; /* z > 0: total noise of s_min - c shares is z*C */
    uint64_t dim;            /* d: coordinates after rotation, padding included */
    /** Coordinates over which the rotation spreads any vector; 1: not rotated; default dim. */
    uint64_t spread;
    unsigned bits;          /* B of the ring, 2..62; see fed_distributed_fit() */
    uint32_t n_max;         /* most devices that may be in one sum */
    uint32_t survivors_min; /* s_min: fewer, and nothing is released */
    uint32_t colluders;     /* c: shares an adversary may know and subtract; < s_min */
    /** The server adds all the noise, once, to the sum: a device adds none, so that none is in
     *  the ring. */
    bool central;
    double tail;    /* kappa; default 4 */
    double beta;    /* of conditional rounding, in [0,1); default exp(-1/2) */
    unsigned tries; /* of conditional rounding; default FED_ROUND_TRIES */
} fed_distributed_config;

/** What follows. All in integer units unless said otherwise. */
typedef struct fed_distributed {
    fed_distributed_config config; /* with its defaults filled in */
    double scale;                  /* s: integers per unit of the update */
    /** Noise share of one device, in units of the update; with `central` all the noise. */
    double sigma_device;
    double sigma_local;    /* the same in integers: s * sigma_device, at least 3 */
    double delta2, delta1; /* sensitivities of the rounded vector */
    /** sigma_local * sqrt(s_min - c) / delta2: below z, because rounding lengthens. */
    double sigma_ratio;
    /** Of one coordinate of a full sum leaving the ring, from a Gaussian tail. */
    double wrap_probability;
} fed_distributed;

enum { FED_SIGMA_LOCAL_MIN = 3 };

/** Derive. FED_E_INVALID names a field out of bounds; FED_E_REFUSED when the ring is too
 *  small or sigma_local falls below 3, with the way out. */
FED_MUST_CHECK fed_status fed_distributed_derive(const fed_distributed_config *config,
                                                 fed_distributed *out, fed_error *err);
/** The same in the smallest ring of at most config->bits bits whose scale is at least
 *  `scale_min` and whose noise share is at least FED_SIGMA_LOCAL_MIN. */
FED_MUST_CHECK fed_status fed_distributed_fit(const fed_distributed_config *config,
                                              double scale_min, fed_distributed *out,
                                              fed_error *err);
/** The scale s = sqrt(2^2B - n k^2) / (2 k sqrt(C^2 n^2/d + n sigma^2)), where d is `spread`; 0
 *  when the ring is too small. `sigma` is one device's share in the units of the clip. */
double fed_distributed_scale(double clip, double sigma, double n, double spread,
                             double tail, unsigned bits);
/** Norm of a vector of norm `norm` after conditional rounding to integers:
 *  min{c + sqrt d, sqrt(c^2 + d/4 + sqrt(2 ln(1/beta)) (c + sqrt(d)/2))}. */
double fed_rounded_norm(double norm, double dim, double beta);

/** The same as one device's work on a vector of at most d entries, in units of the update. */
fed_noise_share fed_distributed_share(const fed_distributed *mechanism);
/** The device's half, on the rotated update: clip `x[dim]` (in place) to C, round under the
 *  exact norm check, add this device's share of noise. `out[dim]` then goes into the ring
 *  (reduce modulo 2^B). `sampler` must have been made with sigma_local. On failure `out` is
 *  zero. `report` may be NULL. */
FED_MUST_CHECK fed_status fed_distributed_encode(const fed_distributed *mechanism,
                                                 float *x, const fed_sampler *sampler,
                                                 fed_noise *noise, int64_t *out,
                                                 fed_device_report *report,
                                                 fed_error *err);
/** The server's half for one coordinate: the ring's element, centred in
 *  [-2^(B-1), 2^(B-1)). */
int64_t fed_distributed_centre(uint64_t value, unsigned bits);

#endif
