/*
 * The two numbers that always stand side by side: what the released models give away
 * (epsilon_output), and what the server with c colluding devices learns (epsilon_server). The
 * server sees who took part, so sampling does not help against it; and unsound promises are
 * refused here, each with its reason.
 */
#ifndef FED_VIEWS_H
#define FED_VIEWS_H

#include <stdbool.h>
#include <stdint.h>

#include "base.h"
#include "domination.h"
#include "epsilon.h"

typedef enum fed_privacy_mechanism {
    FED_PRIVACY_DISTRIBUTED_GAUSSIAN = 1,
    FED_PRIVACY_SKELLAM = 2,
    FED_PRIVACY_CENTRAL = 3, /* the server adds the noise */
    FED_PRIVACY_LOCAL = 4,   /* each device adds all of it */
    FED_PRIVACY_MATRIX = 5,  /* the server runs a matrix mechanism */
    FED_PRIVACY_EXAMPLE = 6  /* DP-SGD on the device; the unit is an example */
} fed_privacy_mechanism;

/** Does the server add the noise, so that nothing can be promised against it? */
bool fed_privacy_is_central(fed_privacy_mechanism mechanism);

/** All that a plan promises about privacy, resolved. */
typedef struct fed_privacy {
    fed_privacy_mechanism mechanism;
    fed_accountant accountant; /* RDP or PLD */
    fed_sampling sampling;
    double delta;
    uint64_t population;         /* declared lower bound; 0: none declared */
    uint32_t cohort;             /* devices drawn into a round (invited) */
    uint64_t rounds;             /* T */
    uint64_t max_participations; /* of one device, enforced by the device; 0: T */
    /** The coordinator draws by secret coins, admits only those drawn, and never replaces who
     *  does not come. */
    bool secret_draw;
    /** Where devices add the noise in shares: the server adds those that are missing up to n_max,
     *  so that what is released never tells how many took part. Sampling needs it. */
    bool fills_noise;
    bool uniform_weight;         /* weights are 1, the denominator fixed */
    bool secagg;                 /* the server sees sums only */
    bool votes_wanted;           /* update.select is voted */
    fed_distributed distributed; /* DISTRIBUTED_GAUSSIAN, SKELLAM */
    /** CENTRAL, LOCAL, MATRIX, EXAMPLE: all the noise of one release; for MATRIX of the whole
     *  run, dim counting every round. */
    fed_integer_release release;
    fed_integer_release votes;    /* from privacy.votes */
    fed_integer_release bit;      /* of adaptive clipping */
    double example_rate;          /* EXAMPLE: Poisson rate of the batches */
    uint64_t example_steps;       /* EXAMPLE: local steps per participation */
    double sampler_distance_log2; /* of one draw; 0 or -INFINITY: exact */
} fed_privacy;

typedef struct fed_privacy_views {
    double epsilon_output, epsilon_server; /* INFINITY: no promise */
    double delta;
} fed_privacy_views;

/** FED_OK, or FED_E_REFUSED with the reason why the promise would be unsound. */
FED_MUST_CHECK fed_status fed_privacy_check(const fed_privacy *privacy, fed_error *err);
/** Both views of the whole run. Checks first. */
FED_MUST_CHECK fed_status fed_privacy_epsilon(const fed_privacy *privacy,
                                              fed_privacy_views *out, fed_error *err);
/** The event of one round as seen by who sees the models, and of one participation as seen
 *  by the server: what the ledgers record, count 1 each (EXAMPLE: the local steps; MATRIX: the
 *  whole run, to be charged once). `server_bounded` is false when the server's view has no
 *  bound; then `server` is not written. */
FED_MUST_CHECK fed_status fed_privacy_events(const fed_privacy *privacy,
                                             fed_dp_event *output, fed_dp_event *server,
                                             bool *server_bounded, fed_error *err);

#endif
