/*
 * trainer: local training on a device, in bounded steps.
 *
 * The order of the examples is drawn from the device's stream (SHUFFLE, version and epoch),
 * dropout from another: the same device seed, version, model and examples (and, where gradients
 * are noisy, the same key) give the same result, bit for bit, on one kernel path. So training that was interrupted by a crash is
 * simply done again.
 */
#ifndef FED_TRAINER_H
#define FED_TRAINER_H

#include "base.h"
#include "task.h"

/** Memory for training one task: parameters, arena, optimiser, a batch. Made once, used for
 *  many versions (and, in the simulator, many devices). One thread at a time. */
typedef struct fed_trainer fed_trainer;

/** `task` is borrowed and must outlive the trainer. */
FED_MUST_CHECK fed_status fed_trainer_new(fed_trainer **out, const fed_task *task,
                                          fed_error *err);
void fed_trainer_free(fed_trainer *trainer);
/** Begin at step 0. `params` (numbers.params floats, borrowed until the training is done) is
 *  the model of `version`; `examples` is copied, what it points to borrowed likewise.
 *  `noise_key`: 32 secret bytes, new for every training, where the plan wants noise in the
 *  gradients (fed_task_example_privacy_of()); else NULL. FED_E_INVALID without examples, or
 *  without a key that is needed. */
FED_MUST_CHECK fed_status fed_trainer_start(fed_trainer *trainer, uint64_t version,
                                            const float *params,
                                            const uint8_t device_seed[32],
                                            const uint8_t *noise_key,
                                            const fed_examples *examples, fed_error *err);
/** Train at most `max_steps` steps; `done` tells whether all are done. FED_E_NUMERIC for a
 *  NaN or an infinity in data or loss, or what `fetch` answered: then this training is over. */
FED_MUST_CHECK fed_status fed_trainer_run(fed_trainer *trainer, uint64_t max_steps,
                                          bool *done, fed_error *err);
/** Trained minus received, when done: numbers.params floats, borrowed until the next start. */
const float *fed_trainer_delta(fed_trainer *trainer);
/** The version being trained (or trained last), FED_TRAINER_NONE before a start and after
 *  fed_trainer_forget(), which ends a training so that the next one starts afresh. */
#define FED_TRAINER_NONE UINT64_MAX
uint64_t fed_trainer_version(const fed_trainer *trainer);
void fed_trainer_forget(fed_trainer *trainer);
/** Steps done, and the mean loss over them: for the device's own eyes. */
uint64_t fed_trainer_steps(const fed_trainer *trainer);
double fed_trainer_mean_loss(const fed_trainer *trainer);

#endif
