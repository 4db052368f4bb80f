/*
 * policy: the server's optimiser. A cohort's mean update Δ is a pseudo-gradient; a strategy
 * says how it moves the model x.
 *
 *   fedavg, fedprox  x += η Δ                      McMahan et al. 2017; Li et al. 2020
 *   fedavgm          v = β v + Δ; x += η v         Hsu, Qi, Brown 2019
 *   fedadagrad       v += Δ²                       Reddi et al. 2021, algorithm 2:
 *   fedadam          v = β₂ v + (1-β₂) Δ²            m = β₁ m + (1-β₁) Δ
 *   fedyogi          v -= (1-β₂) Δ² sign(v - Δ²)     x += η m / (√v + τ)
 *
 * Entry by entry, in float32, with correctly rounded operations only: the same bits on every
 * processor and at any number of threads.
 */
#ifndef FED_POLICY_H
#define FED_POLICY_H

#include "base.h"
#include "plan.h"

/** A strategy with its state. One thread at a time. */
typedef struct fed_policy fed_policy;

/** A fresh state for a model of `params` parameters. FED_E_UNSUPPORTED for a strategy that is
 *  not built (named), FED_E_NOMEM. */
FED_MUST_CHECK fed_status fed_policy_new(fed_policy **out,
                                         const fed_plan_strategy *strategy, size_t params,
                                         fed_error *err);
void fed_policy_free(fed_policy *policy);
/** Move `x` by the mean update; both hold `params` floats. */
void fed_policy_apply(fed_policy *policy, float *x, const float *mean);
/** Append the state (the moments): little-endian float32. */
FED_MUST_CHECK fed_status fed_policy_encode(const fed_policy *policy, fed_bytes *out,
                                            fed_error *err);
/** Put a stored state back. FED_E_FORMAT when the bytes do not fit this strategy. */
FED_MUST_CHECK fed_status fed_policy_restore(fed_policy *policy, fed_span bytes,
                                             fed_error *err);

#endif
