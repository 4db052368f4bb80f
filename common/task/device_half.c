/* The device's half of the pipeline: how it trains at a version, and its update as bytes. */
#include "task_internal.h"

#include <math.h>

/* The learning rate of a round: a linear warm-up, then the plan's schedule over
 * decay_rounds down to lr · lr_end (Goyal et al. 2017, section 2.2; Loshchilov, Hutter 2017). */
static double scheduled_lr(const fed_plan *plan, uint64_t version)
{
    const fed_plan_train *t = &plan->train;
    double round = (double)version, warm = (double)t->warmup_rounds;
    if (round < warm) return t->lr * (round + 1) / (warm + 1);
    double span = t->decay_rounds == FED_PLAN_ALL ? (double)plan->rounds.count - warm
                                                  : (double)t->decay_rounds;
    double share = span > 0 ? (round - warm) / span : 1;
    if (share > 1) share = 1;
    switch (t->schedule) {
    case FED_SCHEDULE_LINEAR:
        return t->lr * (1 + (t->lr_end - 1) * share);
    case FED_SCHEDULE_COSINE:
        return t->lr * (t->lr_end + (1 - t->lr_end) * (1 + cos(share * acos(-1))) / 2);
    case FED_SCHEDULE_STEP:
        return t->lr * pow(t->lr_decay, floor((round - warm) / span));
    default:
        return t->lr;
    }
}

fed_optimizer_config fed_task_optimizer(const fed_task *task, uint64_t version)
{
    const fed_plan_train *t = &task->plan->train;
    return (fed_optimizer_config){
        .kind = t->optimizer,
        .lr = scheduled_lr(task->plan, version),
        .momentum = t->momentum,
        .beta1 = t->beta1,
        .beta2 = t->beta2,
        .epsilon = t->epsilon,
        .weight_decay = t->weight_decay,
        .clip_norm = t->clip_grad,
        .proximal = t->prox_mu,
    };
}

uint64_t fed_task_steps(const fed_task *task, uint32_t examples)
{
    uint64_t batch = (uint64_t)task->plan->train.batch;
    fed_task_example_privacy noisy;
    if (fed_task_example_privacy_of(task, &noisy)) return noisy.steps;
    return (examples + batch - 1) / batch * (uint64_t)task->plan->train.epochs;
}

uint32_t fed_task_weight(const fed_task *task, uint32_t examples)
{
    const fed_plan_update *update = &task->plan->update;
    if (update->weight == FED_WEIGHT_UNIFORM) return 1;
    if (examples < 1) return 1;
    return examples > update->max_weight ? (uint32_t)update->max_weight : examples;
}

bool fed_task_example_privacy_of(const fed_task *task, fed_task_example_privacy *out)
{
    const fed_plan *plan = task->plan;
    if (plan->privacy.mechanism != FED_MECHANISM_DP_SGD) return false;
    *out = (fed_task_example_privacy){.clip = plan->privacy.example_clip,
                                      .noise_multiplier = plan->privacy.noise_multiplier,
                                      .rate_of = (uint64_t)plan->train.batch,
                                      .rate_in = (uint64_t)plan->eligibility.min_examples,
                                      .steps = task->privacy.noise.promise.example_steps};
    return true;
}

fed_status fed_task_encode(const fed_task *task, const fed_codec_round *round,
                           const fed_task_update *update, const fed_parallel *parallel,
                           fed_bytes *out, fed_task_report *report, fed_error *err)
{
    fed_task_rounder rounder;
    fed_codec_input in = {.delta = update->delta,
                          .residual = update->residual,
                          .missed = update->missed,
                          .residual_out = update->residual_out,
                          .weight = fed_task_weight(task, update->examples),
                          .key = update->key,
                          .rounder = fed_task_rounder_init(&rounder, task),
                          .parallel = parallel};
    fed_codec_update encoded;
    FED_TRY(fed_codec_encode(task->codec, round, &in, &encoded, err));
    fed_status status = fed_codec_update_write(&encoded, out, err);
    if (report) *report = (fed_task_report){encoded.report, rounder.worst};
    fed_codec_update_fini(&encoded);
    return status;
}
