#include "task_internal.h"

#include <math.h>
#include <string.h>

static fed_status compile(fed_task *task, const fed_graph *graph, fed_error *err)
{
    fed_compile_options train = {.max_batch = (size_t)task->plan->train.batch,
                                 .mode = FED_MODE_TRAIN,
                                 .per_example = task->plan->privacy.mechanism ==
                                                FED_MECHANISM_DP_SGD,
                                 .memory_cap = (size_t)task->plan->train.memory_bytes};
    fed_compile_options infer = {.max_batch = FED_TASK_EVALUATION_BATCH,
                                 .mode = FED_MODE_INFER};
    FED_TRY(fed_program_compile(&task->train, graph, &train, err));
    return fed_program_compile(&task->infer, graph, &infer, err);
}

/* The model file names every view of the flat vector. */
static fed_status make_layout(fed_task *task, fed_error *err)
{
    size_t n = fed_program_view_count(task->infer);
    task->tensors = fed_calloc(n, sizeof *task->tensors);
    if (!task->tensors) return fed_fail_nomem(err, n * sizeof *task->tensors);
    for (size_t i = 0; i < n; i++) {
        const fed_param_view *view = fed_program_view(task->infer, i);
        fed_model_tensor *tensor = &task->tensors[i];
        tensor->name = view->name;
        tensor->offset = view->offset;
        tensor->rank = (uint32_t)view->shape.rank;
        for (size_t k = 0; k < view->shape.rank; k++)
            tensor->shape[k] = (uint32_t)view->shape.dim[k];
    }
    task->layout =
        (fed_model_layout){task->tensors, n, fed_program_param_count(task->infer)};
    return FED_OK;
}

/* Noise depends on the length of the vectors, which a codec without it knows; then the codec
 * depends on the noise. */
static fed_status make_codec(fed_task *task, fed_error *err)
{
    bool secagg = task->plan->secagg.enabled;
    size_t n = fed_program_view_count(task->infer);
    uint32_t *boundaries = fed_calloc(n, sizeof *boundaries);
    if (!boundaries) return fed_fail_nomem(err, n * sizeof *boundaries);
    fed_codec_config config = fed_task_codec_config(task, boundaries);
    fed_codec *plain = NULL;
    fed_status status = FED_OK;
    FED_GO(fed_fail_in(err, fed_codec_new(&plain, &config, secagg, err), "update"));
    if (task->plan->privacy.mechanism == FED_MECHANISM_NONE) {
        task->codec = plain;
        plain = NULL;
        goto out;
    }
    FED_GO(fed_task_make_private(task, plain, err));
    fed_task_private_codec(task, &config);
    status =
        fed_fail_in(err, fed_codec_new(&task->codec, &config, secagg, err), "update");
out:
    fed_codec_free(plain);
    fed_free(boundaries);
    return status;
}

static fed_status build(fed_task *task, fed_error *err)
{
    fed_graph *graph = NULL;
    fed_status status = fed_task_build_graph(task->plan, &graph, err);
    if (status == FED_OK) status = compile(task, graph, err);
    fed_graph_free(graph);
    FED_TRY(status);
    FED_TRY(make_layout(task, err));
    fed_task_count_members(task);
    FED_TRY(make_codec(task, err));
    FED_TRY(fed_task_check_draw(task, err));
    FED_TRY(fed_plan_write(task->plan, &task->resolved, err));
    return fed_task_derive(task, err);
}

fed_status fed_task_price(fed_task **out, fed_plan *plan, const uint8_t seed[32],
                          fed_error *err)
{
    *out = NULL;
    fed_task *task = fed_calloc(1, sizeof *task);
    if (!task) {
        fed_plan_free(plan);
        return fed_fail_nomem(err, sizeof *task);
    }
    task->plan = plan;
    memcpy(task->seed, seed, sizeof task->seed);
    fed_bytes_init(&task->resolved, FED_PLAN_MAX_BYTES);
    fed_status status = build(task, err);
    if (status == FED_OK)
        *out = task;
    else
        fed_task_free(task);
    return status;
}

fed_status fed_task_new(fed_task **out, fed_plan *plan, const uint8_t seed[32],
                        fed_error *err)
{
    fed_status status = fed_task_refuse(plan, err);
    if (status == FED_OK) return fed_task_price(out, plan, seed, err);
    *out = NULL;
    fed_plan_free(plan);
    return status;
}

fed_status fed_task_parse(fed_task **out, fed_span text, fed_plan_form form,
                          const uint8_t seed[32], fed_error *err)
{
    fed_plan *plan = NULL;
    *out = NULL;
    FED_TRY(fed_plan_parse(&plan, text.data, text.len, form, err));
    return fed_task_new(out, plan, seed, err);
}

void fed_task_free(fed_task *task)
{
    if (!task) return;
    fed_task_fini_privacy(task);
    fed_codec_free(task->codec);
    fed_program_free(task->train);
    fed_program_free(task->infer);
    fed_free(task->tensors);
    fed_bytes_fini(&task->resolved);
    fed_plan_free(task->plan);
    fed_free(task);
}

const fed_plan *fed_task_plan(const fed_task *task)
{
    return task->plan;
}

const fed_task_numbers *fed_task_numbers_of(const fed_task *task)
{
    return &task->numbers;
}

const fed_codec *fed_task_codec(const fed_task *task)
{
    return task->codec;
}

const uint8_t *fed_task_seed(const fed_task *task)
{
    return task->seed;
}

const fed_program *fed_task_train_program(const fed_task *task)
{
    return task->train;
}

const fed_program *fed_task_infer_program(const fed_task *task)
{
    return task->infer;
}

void fed_task_init_params(const fed_task *task, float *params)
{
    fed_stream stream;
    fed_stream_init(&stream, task->seed, FED_PURPOSE_WEIGHTS, 0);
    fed_program_init_params(task->infer, &stream, params);
    fed_task_round_params(task, params, NULL);
}

fed_status fed_task_write_model(const fed_task *task, const float *params, fed_bytes *out,
                                fed_error *err)
{
    return fed_model_write(&task->layout, params, out, err);
}

fed_status fed_task_read_model(const fed_task *task, fed_span file, float *params,
                               fed_error *err)
{
    return fed_model_read(&task->layout, file, params, err);
}
