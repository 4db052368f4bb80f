/*
 * Inside the trainer: one step of DP-SGD on one device, where the unit of privacy is an example
 * (Abadi et al. 2016). Secret coins draw the batch, each example by itself with the rate that
 * the plan was priced with, its gradient is clipped and put on a grid of integers, noise is
 * added to their sum, and the optimiser sees nothing else. So whatever leaves the device
 * afterwards is computed from noisy gradients.
 *
 * An example whose gradient is not finite counts as a gradient of zero: a training that stopped
 * there would tell of it.
 */
#ifndef FED_PRIVATE_STEP_H
#define FED_PRIVATE_STEP_H

#include "task.h"

typedef struct fed_private_step fed_private_step;

/** What the steps of `task` (borrowed) need; `out` is NULL where the plan wants none. */
FED_MUST_CHECK fed_status fed_private_step_new(fed_private_step **out,
                                               const fed_task *task, fed_error *err);
void fed_private_step_free(fed_private_step *p);

/** What a step works on; all borrowed. */
typedef struct fed_private_step_on {
    fed_runner *run;
    fed_optimizer *optimizer;
    float *params;
    fed_batch_memory *memory;
    const fed_examples *examples;
    fed_stream *dropout;
    const uint8_t *key; /* 32 secret bytes, of this training alone */
} fed_private_step_on;

/** Step number `number`. `loss` receives the mean over the batch, 0 when that is empty: for the
 *  device's own eyes, it has no noise. Errors are those of fed_trainer_run(). */
FED_MUST_CHECK fed_status fed_private_step_run(fed_private_step *p,
                                               const fed_private_step_on *on,
                                               uint64_t number, double *loss,
                                               fed_error *err);

#endif
