#include "trainer.h"

#include <string.h>

#include "private_step.h"

struct fed_trainer {
    const fed_task *task;
    fed_runner *run;
    fed_optimizer *optimizer;
    fed_private_step *private_step; /* NULL: examples need no noise */
    float *params;                  /* being trained; in the end the difference */
    fed_batch_memory batch;
    uint32_t *order; /* of the examples in this epoch */
    size_t order_cap;
    const float *initial;
    fed_examples examples;
    uint8_t device_seed[32], noise_key[32];
    uint64_t version, step, steps, steps_per_epoch;
    fed_stream dropout;
    double loss_sum;
    bool is_delta;
};

fed_status fed_trainer_new(fed_trainer **out, const fed_task *task, fed_error *err)
{
    size_t params = fed_task_numbers_of(task)->params;
    *out = NULL;
    fed_trainer *t = fed_calloc(1, sizeof *t);
    if (!t) return fed_fail_nomem(err, sizeof *t);
    t->task = task;
    t->version = FED_TRAINER_NONE;
    t->params = fed_calloc(params, sizeof *t->params);
    fed_status status = t->params ? FED_OK : fed_fail_nomem(err, params * sizeof(float));
    if (!status) status = fed_runner_new(&t->run, fed_task_train_program(task), err);
    if (!status)
        status = fed_batch_memory_init(&t->batch, task,
                                       (size_t)fed_task_plan(task)->train.batch, err);
    if (!status) status = fed_private_step_new(&t->private_step, task, err);
    if (status)
        fed_trainer_free(t);
    else
        *out = t;
    return status;
}

void fed_trainer_free(fed_trainer *t)
{
    if (!t) return;
    fed_runner_free(t->run);
    fed_optimizer_free(t->optimizer);
    fed_private_step_free(t->private_step);
    fed_batch_memory_fini(&t->batch);
    fed_free(t->params);
    fed_free(t->order);
    fed_wipe_free(t, sizeof *t);
}

static fed_status reserve_order(fed_trainer *t, uint32_t count, fed_error *err)
{
    if (count <= t->order_cap) return FED_OK;
    uint32_t *grown = fed_realloc(t->order, count, sizeof *grown);
    if (!grown) return fed_fail_nomem(err, count * sizeof *grown);
    t->order = grown;
    t->order_cap = count;
    return FED_OK;
}

fed_status fed_trainer_start(fed_trainer *t, uint64_t version, const float *params,
                             const uint8_t device_seed[32], const uint8_t *noise_key,
                             const fed_examples *examples, fed_error *err)
{
    if (t->private_step && !noise_key)
        return fed_fail(err, FED_E_INVALID, "training: the plan's noise needs a key");
    if (!examples->count)
        return fed_fail(err, FED_E_INVALID, "examples: 0, at least 1 is needed to train");
    FED_TRY(reserve_order(t, examples->count, err));
    fed_optimizer_config config = fed_task_optimizer(t->task, version);
    fed_optimizer_free(t->optimizer);
    t->optimizer = NULL;
    FED_TRY(
        fed_optimizer_new(&t->optimizer, fed_task_train_program(t->task), &config, err));
    fed_optimizer_set_anchor(t->optimizer, params);
    memcpy(t->params, params, fed_task_numbers_of(t->task)->params * sizeof *t->params);
    memcpy(t->device_seed, device_seed, sizeof t->device_seed);
    if (t->private_step) memcpy(t->noise_key, noise_key, sizeof t->noise_key);
    t->initial = params;
    t->examples = *examples;
    t->version = version;
    t->step = 0;
    t->loss_sum = 0;
    t->is_delta = false;
    t->steps = fed_task_steps(t->task, examples->count);
    t->steps_per_epoch = t->steps / (uint64_t)fed_task_plan(t->task)->train.epochs;
    fed_stream_init(&t->dropout, t->device_seed, FED_PURPOSE_DROPOUT, version);
    return FED_OK;
}

/* Each epoch has a stream of its own: versions in the high bits, epochs in the low. */
static void shuffle(fed_trainer *t, uint64_t epoch)
{
    fed_stream stream;
    fed_stream_init(&stream, t->device_seed, FED_PURPOSE_SHUFFLE,
                    t->version << 16 | epoch);
    for (uint32_t i = 0; i < t->examples.count; i++)
        t->order[i] = i;
    fed_stream_shuffle(&stream, t->order, t->examples.count);
}

static fed_status private_step(fed_trainer *t, fed_error *err)
{
    double loss;
    fed_private_step_on on = {.run = t->run,
                              .optimizer = t->optimizer,
                              .params = t->params,
                              .memory = &t->batch,
                              .examples = &t->examples,
                              .dropout = &t->dropout,
                              .key = t->noise_key};
    FED_TRY(fed_private_step_run(t->private_step, &on, t->step, &loss, err));
    t->loss_sum += loss;
    t->step++;
    return FED_OK;
}

static fed_status train_step(fed_trainer *t, fed_error *err)
{
    fed_batch batch;
    double loss;
    uint64_t in_epoch = t->step % t->steps_per_epoch;
    if (in_epoch == 0) shuffle(t, t->step / t->steps_per_epoch);
    size_t first = (size_t)in_epoch * t->batch.cap;
    size_t n = t->examples.count - first;
    if (n > t->batch.cap) n = t->batch.cap;
    FED_TRY(
        fed_batch_memory_fill(&t->batch, &t->examples, t->order + first, n, &batch, err));
    FED_TRY(fed_runner_step(t->run, t->optimizer, t->params, &batch, &t->dropout, &loss,
                            err));
    t->loss_sum += loss;
    t->step++;
    return FED_OK;
}

fed_status fed_trainer_run(fed_trainer *t, uint64_t max_steps, bool *done, fed_error *err)
{
    for (uint64_t i = 0; i < max_steps && t->step < t->steps; i++) {
        fed_status status = t->private_step ? private_step(t, err) : train_step(t, err);
        if (status)
            return fed_fail_in(err, status, "training: step %llu of %llu",
                               (unsigned long long)t->step, (unsigned long long)t->steps);
    }
    *done = t->step == t->steps;
    return FED_OK;
}

const float *fed_trainer_delta(fed_trainer *t)
{
    size_t n = fed_task_numbers_of(t->task)->params;
    for (size_t i = 0; !t->is_delta && i < n; i++)
        t->params[i] -= t->initial[i];
    t->is_delta = true;
    return t->params;
}

uint64_t fed_trainer_version(const fed_trainer *t)
{
    return t->version;
}

void fed_trainer_forget(fed_trainer *t)
{
    t->version = FED_TRAINER_NONE;
    t->initial = NULL;
    fed_wipe(t->noise_key, sizeof t->noise_key);
}

uint64_t fed_trainer_steps(const fed_trainer *t)
{
    return t->step;
}

double fed_trainer_mean_loss(const fed_trainer *t)
{
    return t->step ? t->loss_sum / (double)t->step : 0;
}
