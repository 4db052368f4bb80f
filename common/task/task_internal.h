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
};

/** The graph of the plan's layers; the caller frees it. */
FED_MUST_CHECK fed_status fed_task_build_graph(const fed_plan *plan, fed_graph **out,
                                               fed_error *err);
/** Refuse by name what no part of this version can carry out. */
FED_MUST_CHECK fed_status fed_task_refuse(const fed_plan *plan, fed_error *err);
/** The codec's configuration; needs the compiled programs. `boundaries` must hold as many
 *  entries as the infer program has views. */
fed_codec_config fed_task_codec_config(const fed_task *task, uint32_t *boundaries);
/** Refuse settings under which no graph is both safe and likely to finish. */
FED_MUST_CHECK fed_status fed_task_check_secagg(const fed_task *task, fed_error *err);
/** Fill task->numbers; needs everything else. */
FED_MUST_CHECK fed_status fed_task_derive(fed_task *task, fed_error *err);

#endif
