/*
 * A clip norm that follows a quantile of the update norms (Andrew, Thakkar, McMahan, Ramaswamy
 * 2021). Each device adds its bit "my norm is within C_t" as +S or -S with discrete noise, a
 * vector of length one with its own ring; S is the smallest integer with a noise share of at
 * least 3. The update's noise is raised so that both releases together cost z.
 */
#ifndef FED_ADAPTIVE_CLIP_H
#define FED_ADAPTIVE_CLIP_H

#include <stdbool.h>
#include <stdint.h>

#include "base.h"

typedef struct fed_adaptive_clip {
    double quantile;   /* gamma, default 0.5 */
    double rate;       /* eta, default 0.2 */
    double bit_sigma;  /* sigma_b, of the sum of bits in {0,1}; default n/20 */
    double z;          /* noise multiplier of the two releases together */
    double z_update;   /* z_Delta = (z^-2 - (2 sigma_b)^-2)^(-1/2), for the update */
    int64_t unit;      /* S_b: a device submits +S_b or -S_b */
    double unit_sigma; /* its share of noise, in the same integers, at least 3 */
    unsigned bits;     /* ring of the bit's sum */
} fed_adaptive_clip;

/** Derive from z, n (the fixed denominator: survivors wanted), n_max, s_min - c shares.
 *  Zero for quantile, rate, bit_sigma means the default. FED_E_REFUSED when z >= 2 sigma_b:
 *  the bit alone would spend more than there is. */
FED_MUST_CHECK fed_status fed_adaptive_clip_derive(fed_adaptive_clip *clip, double z,
                                                   uint32_t n, uint32_t n_max,
                                                   uint32_t shares, double quantile,
                                                   double rate, double bit_sigma,
                                                   fed_error *err);
/** What a device submits, before its noise. */
int64_t fed_adaptive_clip_bit(const fed_adaptive_clip *clip, bool within);
/** The next clip norm from the centred sum of bits over the fixed denominator n:
 *  b = 1/2 + sum / (2 S n), clamped to [0, 1]; C exp(-eta (b - gamma)). */
double fed_adaptive_clip_next(const fed_adaptive_clip *clip, double current, int64_t sum,
                              uint32_t n);

#endif
