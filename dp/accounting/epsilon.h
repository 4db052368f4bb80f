/*
 * Releases in, epsilon out. A release says which noise was added, in units of the sensitivity,
 * how participants were drawn, and how often. This is the one entry for plans, reports and
 * ledgers.
 */
#ifndef FED_EPSILON_H
#define FED_EPSILON_H

#include <stddef.h>
#include <stdint.h>

#include "base.h"
#include "../mechanism/distributed.h"

typedef enum fed_accountant {
    FED_ACCOUNTANT_RDP = 1, /* Renyi, for the distributed noise the authors' bounds */
    FED_ACCOUNTANT_PLD = 2, /* privacy loss distribution, by the domination lemma */
    FED_ACCOUNTANT_ZCDP = 3 /* unsampled Gaussians only */
} fed_accountant;

/** FIXED_SIZE is n of N without replacement, q = n/N: where one device stays out another comes in,
 *  so amplification is charged at twice the sensitivity. EXAMPLES is POISSON over a device's
 *  examples, in its own training: the unit is an example, and that the device took part is
 *  known. */
typedef enum fed_sampling {
    FED_SAMPLING_NONE = 1,
    FED_SAMPLING_POISSON = 2, /* secret coins, probability q */
    FED_SAMPLING_FIXED_SIZE = 3,
    FED_SAMPLING_EXAMPLES = 4
} fed_sampling;

/** GAUSSIAN is continuous, or discrete with domination.h's sigma and slack; DISTRIBUTED a discrete
 *  Gaussian in shares (one share: central). */
typedef enum fed_noise_model {
    FED_MODEL_GAUSSIAN = 1,
    FED_MODEL_DISTRIBUTED = 2,
    FED_MODEL_SKELLAM = 3
} fed_noise_model;

/** `count` releases of one kind. For GAUSSIAN the middle part does not matter. */
typedef struct fed_dp_event {
    fed_noise_model model;
    fed_sampling sampling;
    double sigma; /* noise multiplier: of the whole sum, over the zero-out sensitivity */
    double q;     /* sampling rate in (0, 1]; ignored for NONE */
    uint64_t count;
    /* DISTRIBUTED and SKELLAM, in integers of the ring; sigma is then derived */
    double sigma_local; /* one share */
    uint64_t shares;    /* that the adversary does not know */
    double delta2, delta1;
    uint64_t dim;
    double distance_log2; /* of one draw (fed_sampler_distance_log2); 0 means exact */
    double slack; /* GAUSSIAN: log-ratio between what is released and a Gaussian */
} fed_dp_event;

/** A plain Gaussian event. */
fed_dp_event fed_dp_gaussian(double sigma, fed_sampling sampling, double q,
                             uint64_t count);
/** The event of one cohort's sum with `shares` unknown noise shares. */
fed_dp_event fed_dp_distributed(const fed_distributed *mechanism, uint64_t shares,
                                fed_sampling sampling, double q, uint64_t count);

/** Every field within its bounds? FED_E_INVALID names the one that is not. */
FED_MUST_CHECK fed_status fed_dp_event_check(const fed_dp_event *event, fed_error *err);

/** epsilon >= 0 of all events together at `delta` in (0, 1); INFINITY when unbounded.
 *  FED_E_INVALID names a field; FED_E_UNSUPPORTED for a pair that has no bound here (Skellam
 *  by PLD, sampled by zCDP). No event: 0. */
FED_MUST_CHECK fed_status fed_dp_epsilon(const fed_dp_event *events, size_t n,
                                         fed_accountant accountant, double delta,
                                         double *epsilon, fed_error *err);
/** The smallest noise multiplier for which `count` Gaussian releases stay within `epsilon`,
 *  larger by less than 1e-4 of it. FED_E_REFUSED when there is none up to 2e5. */
FED_MUST_CHECK fed_status fed_dp_noise_for_epsilon(fed_sampling sampling, double q,
                                                   uint64_t count,
                                                   fed_accountant accountant,
                                                   double epsilon, double delta,
                                                   double *sigma, fed_error *err);
/** The most releases of `event` (its count is ignored) within `epsilon`; 0 when even one is
 *  too many; at most 2^32. */
FED_MUST_CHECK fed_status fed_dp_rounds_for_epsilon(const fed_dp_event *event,
                                                    fed_accountant accountant,
                                                    double epsilon, double delta,
                                                    uint64_t *rounds, fed_error *err);

/** "rdp", "pld", "zcdp"; "none", "poisson", "fixed_size": 0 for anything else. */
fed_accountant fed_accountant_from_name(const char *name);
fed_sampling fed_sampling_from_name(const char *name);
const char *fed_accountant_name(fed_accountant accountant);
const char *fed_sampling_name(fed_sampling sampling);

#endif
