/* The inside of a task, for this room's files only. */
#ifndef FED_TASK_INTERNAL_H
#define FED_TASK_INTERNAL_H

#include "model.h"
#include "task.h"

struct fed_task {
    fed_plan *plan;
    uint8_t seed[32];
    fed_bytes resolved;
    fed_program *train, *infer;
    fed_codec *codec;
    fed_model_tensor *tensors; /* the model file's view of the parameters */
    fed_model_layout layout;
    fed_task_numbers numbers;
    struct {
        fed_privacy promise; /* of privacy.mechanism; of no use with none */
        fed_sampler *values; /* noise of one device, by vector */
        fed_codec_extent extent;
        double scale_min; /* integers per unit of an update that update.bits asks for */
    } privacy;
};

/** The graph of the plan's layers; the caller frees it. */
FED_MUST_CHECK fed_status fed_task_build_graph(const fed_plan *plan, fed_graph **out,
                                               fed_error *err);
/** The codec's configuration without noise; needs the compiled programs. `boundaries` must
 *  hold as many entries as the infer program has views. */
fed_codec_config fed_task_codec_config(const fed_task *task, uint32_t *boundaries);
/** Derive the promise, the noise and its samplers; numbers of "auto" go into the plan. `plain`
 *  is the codec without noise. Nothing to do where the plan has no mechanism. */
FED_MUST_CHECK fed_status fed_task_make_private(fed_task *task, const fed_codec *plain,
                                                fed_error *err);
void fed_task_fini_privacy(fed_task *task);
/** Make `config` that of noisy integers, where the plan has such. */
void fed_task_private_codec(const fed_task *task, fed_codec_config *config);
/** Does a version keep to what the promise was computed from? The server chose it. */
FED_MUST_CHECK fed_status fed_task_check_private_round(const fed_task *task,
                                                       const fed_codec_round *round,
                                                       fed_error *err);
/** Does each device add its share of noise (and none of them all of it)? */
bool fed_task_noise_is_shared(const fed_privacy *promise);

/** The codec's place for noise, during one encode. */
typedef struct fed_task_rounder {
    const fed_task *task;
    fed_codec_rounder rounder;
    fed_rounding_outcome worst; /* of its vectors */
} fed_task_rounder;

/** NULL when the plan wants no noise of a device. `r` must stay where it is. */
const fed_codec_rounder *fed_task_rounder_init(fed_task_rounder *r, const fed_task *task);
/** numbers.invited and numbers.min_survivors. */
void fed_task_count_members(fed_task *task);
/** Refuse settings under which no graph is both safe and likely to finish. */
FED_MUST_CHECK fed_status fed_task_check_secagg(const fed_task *task, fed_error *err);
/** Fill the rest of task->numbers; needs everything else. */
FED_MUST_CHECK fed_status fed_task_derive(fed_task *task, fed_error *err);

#endif
