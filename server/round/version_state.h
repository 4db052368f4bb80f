/* A model on its way from version to version: parameters, the state of the server's
 * optimiser, the memory of votes, and what is public in the present round. */
#ifndef FED_VERSION_STATE_H
#define FED_VERSION_STATE_H

#include "policy.h"
#include "task.h"

/** One thread at a time. `task` is borrowed and must outlive it. */
typedef struct fed_version_state {
    const fed_task *task;
    uint64_t version;
    float *params;   /* numbers.params of them */
    float *mean;     /* scratch: the last mean update */
    float *carry;    /* what rounding to the plan's grid left over; NULL without a grid */
    float **past;    /* parameters of earlier versions, at [version % n_past]; likewise */
    uint32_t n_past; /* at least 1 */
    uint32_t reach;  /* how many versions back differences lead; 0: none are made */
    uint64_t oldest; /* version that is known here; a restored one begins anew */
    fed_policy *policy;
    fed_codec_memory memory;
    fed_codec_round *round;
    fed_codec_outcome outcome; /* of the last advance */
    /* From which the server's noise in the next sum comes; moves on with each version. */
    uint8_t secret[FED_TASK_SECRET_BYTES];
    bool has_secret;
    /* The noise of earlier versions, where that of later ones depends on it (matrix); NULL
     * without. Places of it are stored apart, each when it changes. */
    fed_matrix_stream *past_noise;
} fed_version_state;

/** Version 0: the initial parameters that the task's seed gives. */
FED_MUST_CHECK fed_status fed_version_state_init(fed_version_state *s,
                                                 const fed_task *task, fed_error *err);
void fed_version_state_fini(fed_version_state *s);
/** Draw the secret of a task in which the server adds noise, once, at version 0; nothing
 *  happens with other tasks. `index` tells a server's tasks apart. */
FED_MUST_CHECK fed_status fed_version_state_draw_secret(fed_version_state *s,
                                                        const fed_random *random,
                                                        uint64_t index, fed_error *err);
/** Apply the sum of a cohort: the model, the optimiser and the round become those of the
 *  next version. Where the server adds noise, that is done to `sum` before anything else.
 *  FED_E_INVALID when the sum does not decode; then the state has not changed. After any other
 *  failure it must be thrown away. */
FED_MUST_CHECK fed_status fed_version_state_advance(fed_version_state *s,
                                                    fed_codec_sum *sum,
                                                    const fed_parallel *parallel,
                                                    fed_error *err);
/** Append the difference (see fed_task_write_difference()) from the version that is `back` (at
 *  least 1) versions older than the present one. FED_E_NOT_FOUND when that is not known here
 *  or beyond the plan's reach. */
FED_MUST_CHECK fed_status fed_version_state_difference(const fed_version_state *s,
                                                       uint32_t back, fed_bytes *out,
                                                       fed_error *err);
/** Append everything but the parameters, which the model file holds. The secret is in it. */
FED_MUST_CHECK fed_status fed_version_state_encode(const fed_version_state *s,
                                                   fed_bytes *out, fed_error *err);
/** Put a stored state and its model back into an initialised `s`. The places that past_noise
 *  holds at that version are the caller's to read back (fed_matrix_stream_read). */
FED_MUST_CHECK fed_status fed_version_state_restore(fed_version_state *s, fed_span state,
                                                    fed_span model, fed_error *err);

#endif
