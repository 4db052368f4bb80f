#include "evaluator.h"

#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#include "data.h"

typedef struct waiting_version {
    const fed_task *task; /* NULL: nothing waits */
    uint64_t version;
    float *params;
} waiting_version;

struct fed_evaluator {
    fed_data *data;
    fed_examples examples;
    fed_engine *engine;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t work;
    bool stopping, started;
    waiting_version waiting[FED_COORDINATOR_TASKS_MAX];
};

static fed_status fetch(void *ctx, const uint32_t *rows, size_t n, void *inputs,
                        void *targets)
{
    return fed_data_fetch(ctx, rows, n, inputs, targets);
}

static fed_status check_row(const char *what, bool same_kind, size_t ours, size_t model,
                            fed_error *err)
{
    if (same_kind && ours == model) return FED_OK;
    return fed_fail(err, FED_E_REFUSED,
                    "evaluate.on: the hold-out's %s %s; %zu values a row, the model "
                    "takes %zu",
                    what, same_kind ? "do not fit" : "are of another kind",
                    ours / sizeof(float), model / sizeof(float));
}

/* The data must hold what the model takes; else nothing of it would be in bounds. */
static fed_status check_fit(const fed_evaluator *v, const fed_task *task, fed_error *err)
{
    const fed_data_info *info = fed_data_describe(v->data);
    const fed_plan_model *model = &fed_task_plan(task)->model;
    bool tokens = info->input == FED_INPUT_TOKEN;
    bool values = info->target == FED_TARGET_VECTOR;
    FED_TRY(check_row("inputs", tokens == (model->input.type == FED_INPUT_TOKENS),
                      sizeof(float) * (size_t)info->input_len, fed_task_input_bytes(task),
                      err));
    return check_row("targets", values == (model->loss.op->target == FED_TARGET_VALUES),
                     sizeof(float) * (size_t)info->target_len,
                     fed_task_target_bytes(task), err);
}

fed_status fed_evaluator_accept(const fed_evaluator *v, const fed_task *task,
                                fed_error *err)
{
    if (fed_task_plan(task)->evaluate.on != FED_EVALUATE_HOLDOUT) return FED_OK;
    if (!v->data)
        return fed_fail(err, FED_E_REFUSED,
                        "evaluate.on: \"holdout\", but this server has none "
                        "(fedserver --holdout); say \"none\"");
    return check_fit(v, task, err);
}

static fed_status evaluate(fed_evaluator *v, const waiting_version *w,
                           fed_last_evaluation *out, fed_error *err)
{
    fed_evaluation sums;
    FED_TRY(check_fit(v, w->task, err));
    FED_TRY(fed_evaluate_examples(w->task, w->params, &v->examples, NULL, &sums, err));
    double n = sums.counted ? (double)sums.counted : 1;
    out->accuracy = (double)sums.correct / n;
    out->loss = sums.loss_sum / n;
    out->examples = v->examples.count;
    out->known = true;
    return FED_OK;
}

/* A failure is told as well, or somebody would wait for it for ever. */
static void evaluate_and_tell(fed_evaluator *v, size_t index, const waiting_version *w)
{
    fed_error err = {0};
    fed_last_evaluation result = {.version = w->version, .ended = true};
    if (evaluate(v, w, &result, &err))
        fed_log(FED_LOG_WARN, "evaluation_failed", "version=%" PRIu64 " error=\"%s\"",
                w->version, err.text);
    fed_engine_evaluated(v->engine, index, &result);
}

static bool take(fed_evaluator *v, size_t *index, waiting_version *out)
{
    for (size_t i = 0; i < FED_COORDINATOR_TASKS_MAX; i++) {
        if (!v->waiting[i].task) continue;
        *index = i;
        *out = v->waiting[i];
        v->waiting[i] = (waiting_version){0};
        return true;
    }
    return false;
}

static void *work(void *ctx)
{
    fed_evaluator *v = ctx;
    size_t index;
    waiting_version w;
    pthread_mutex_lock(&v->lock);
    while (!v->stopping) {
        if (!take(v, &index, &w)) {
            pthread_cond_wait(&v->work, &v->lock);
            continue;
        }
        pthread_mutex_unlock(&v->lock);
        evaluate_and_tell(v, index, &w);
        fed_free(w.params);
        pthread_mutex_lock(&v->lock);
    }
    pthread_mutex_unlock(&v->lock);
    return NULL;
}

fed_status fed_evaluator_new(fed_evaluator **out, const char *spec, fed_error *err)
{
    *out = NULL;
    fed_evaluator *v = fed_calloc(1, sizeof *v);
    if (!v) return fed_fail_nomem(err, sizeof *v);
    pthread_mutex_init(&v->lock, NULL);
    pthread_cond_init(&v->work, NULL);
    *out = v;
    if (!spec) return FED_OK;
    fed_status status = fed_data_open(spec, FED_DATA_TEST, &v->data, err);
    if (!status) {
        v->examples = (fed_examples){fed_data_describe(v->data)->rows, fetch, v->data};
        v->started = pthread_create(&v->thread, NULL, work, v) == 0;
        if (!v->started) status = fed_fail(err, FED_E_IO, "evaluator: no thread");
    }
    if (status) {
        fed_evaluator_free(v);
        *out = NULL;
        return fed_fail_in(err, status, "--holdout");
    }
    return FED_OK;
}

void fed_evaluator_attach(fed_evaluator *v, fed_engine *engine)
{
    v->engine = engine;
}

void fed_evaluator_new_version(void *ctx, size_t index, const fed_task_info *info,
                               const float *params)
{
    fed_evaluator *v = ctx;
    if (!fed_engine_evaluates(v->engine, info)) return;
    float *copy =
        fed_memdup(params, fed_task_numbers_of(info->task)->params * sizeof *params);
    if (!copy) {
        fed_log(FED_LOG_WARN, "evaluation_skipped", "error=\"out of memory\"");
        return;
    }
    pthread_mutex_lock(&v->lock);
    fed_free(v->waiting[index].params);
    v->waiting[index] = (waiting_version){info->task, info->head.version, copy};
    pthread_cond_signal(&v->work);
    pthread_mutex_unlock(&v->lock);
}

void fed_evaluator_stop(fed_evaluator *v)
{
    pthread_mutex_lock(&v->lock);
    v->stopping = true;
    pthread_cond_signal(&v->work);
    pthread_mutex_unlock(&v->lock);
    if (v->started) pthread_join(v->thread, NULL);
    v->started = false;
}

void fed_evaluator_free(fed_evaluator *v)
{
    if (!v) return;
    fed_evaluator_stop(v);
    for (size_t i = 0; i < FED_COORDINATOR_TASKS_MAX; i++)
        fed_free(v->waiting[i].params);
    fed_data_free(v->data);
    pthread_cond_destroy(&v->work);
    pthread_mutex_destroy(&v->lock);
    fed_free(v);
}
