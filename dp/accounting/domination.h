/*
 * A sum of discrete Gaussian shares is dominated by a continuous Gaussian of almost the same
 * variance, up to a slack that is astronomically small (docs/domination-lemma.md). This is
 * what lets exact accountants, PLD included, speak about distributed noise.
 */
#ifndef FED_DOMINATION_H
#define FED_DOMINATION_H

#include <stdint.h>

#include "base.h"

/** The smoothing radius used: r = 2 integers. */
#define FED_DOMINATION_RADIUS 2.0

/** Discrete Gaussian noise in the integers of its own grid: the whole of a release, or one that
 *  rides on the same participation (votes, the bit of adaptive clipping). dim 0: none. */
typedef struct fed_integer_release {
    double sigma_local; /* noise share; where there are no shares, all the noise */
    double delta2;      /* integer sensitivity */
    uint64_t dim;
} fed_integer_release;

typedef struct fed_domination {
    double sigma_effective; /* sqrt(n sigma_local^2 - r^2) / delta2 */
    double slack;           /* xi: log-ratio of one release of d coordinates */
} fed_domination;

/** Of `shares` discrete Gaussians of standard deviation sigma_local in each of dim
 *  coordinates, with l2 sensitivity delta2. FED_E_REFUSED when n sigma_local^2 <= r^2, when
 *  the radius or sigma_local is below 1, or when the slack is not below 1. */
FED_MUST_CHECK fed_status fed_domination_derive(fed_domination *out, double sigma_local,
                                                uint64_t shares, double delta2,
                                                uint64_t dim, double radius,
                                                fed_error *err);

#endif
