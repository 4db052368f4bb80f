/*
 * From a real vector to integers whose norm is known for certain: round each coordinate
 * stochastically until the squared norm of the whole, computed exactly, is at most
 * delta2^2 (Kairouz, Liu, Steinke 2021, section 4.1, there with beta); after `tries` failures
 * truncate toward zero; if even that is too long, send zeros. So no floating-point error
 * reaches the proof. Conditioning biases slightly; fed_round_stochastic alone does not.
 */
#ifndef FED_CONDITIONAL_ROUNDING_H
#define FED_CONDITIONAL_ROUNDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base.h"
#include "../sampling/noise.h"

/** Magnitudes beyond this are refused (the vector becomes zero): 2^n_max sums stay exact. */
#define FED_ROUND_LIMIT 0x1p52

typedef enum fed_rounding_outcome {
    FED_ROUND_STOCHASTIC = 0,
    FED_ROUND_TRUNCATED = 1,
    FED_ROUND_ZEROED = 2
} fed_rounding_outcome;

typedef struct fed_rounding_report {
    fed_rounding_outcome outcome;
    unsigned tries; /* stochastic roundings made */
} fed_rounding_report;

enum { FED_ROUND_TRIES = 16 };

/** out[i] = floor(x[i] * scale) or one more, so that its mean is x[i] * scale. No condition.
 *  Values must be finite and below FED_ROUND_LIMIT, else FED_E_NUMERIC. */
FED_MUST_CHECK fed_status fed_round_stochastic(const float *x, size_t n, double scale,
                                               fed_noise *noise, int64_t *out,
                                               fed_error *err);
/** The same under the condition sum out[i]^2 <= delta2^2, checked in integers (delta2^2 is
 *  taken exactly from the double). Never fails on data: what is not finite becomes zero.
 *  `report` may be NULL. */
FED_MUST_CHECK fed_status fed_round_conditional(const float *x, size_t n, double scale,
                                                double delta2, unsigned tries,
                                                fed_noise *noise, int64_t *out,
                                                fed_rounding_report *report,
                                                fed_error *err);
/** True when sum x[i]^2 <= delta2^2, in exact integer arithmetic. */
bool fed_norm_within(const int64_t *x, size_t n, double delta2);

#endif
