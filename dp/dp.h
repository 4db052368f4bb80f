/*
 * dp: differential privacy. Others include this one header.
 *
 *   sampling/noise.h                secret words, expanded from one key
 *   sampling/sampler.h              exact and constant-time samplers of integer noise
 *   mechanism/l2clip.h              clipping a real vector; NaN and Inf become zero
 *   mechanism/conditional_rounding.h rounding to integers whose norm is checked exactly
 *   mechanism/noise_share.h         what one device does to one vector: clip, round, add
 *   mechanism/distributed.h         scale, sensitivity and noise share of one cohort
 *   mechanism/adaptive_clip.h       a clip norm that follows a private quantile
 *   mechanism/votes.h               the vote vector's own bound and noise
 *   mechanism/matrix_mechanism.h    correlated noise: tree, banded, square root, BLT
 *   mechanism/example_dpsgd.h       per-example clipping and noise
 *   accounting/epsilon.h            releases in, epsilon out; the inverse queries; both views
 *   accounting/rdp.h pld.h gaussian_exact.h conversion.h domination.h   what it stands on
 *   ledger/ledger.h                 the append-only, hash-chained book of what was spent
 *   audit/audit.h                   lower bounds on epsilon from experiments
 *
 * The unit is the device; two data sets are neighbours when one device's contribution is
 * replaced by the zero vector, its noise kept. Everything here is pure and thread-safe on
 * distinct objects; pointers are borrowed for the call unless a comment says otherwise.
 */
#ifndef FED_DP_H
#define FED_DP_H

#include "base.h"

#include "sampling/noise.h"
#include "sampling/sampler.h"
#include "mechanism/l2clip.h"
#include "mechanism/conditional_rounding.h"
#include "mechanism/noise_share.h"
#include "mechanism/distributed.h"
#include "mechanism/adaptive_clip.h"
#include "mechanism/votes.h"
#include "mechanism/matrix_mechanism.h"
#include "mechanism/example_dpsgd.h"
#include "accounting/rdp.h"
#include "accounting/conversion.h"
#include "accounting/gaussian_exact.h"
#include "accounting/domination.h"
#include "accounting/pld.h"
#include "accounting/epsilon.h"
#include "accounting/views.h"
#include "ledger/ledger.h"
#include "audit/audit.h"

#endif
