/* Evaluation over a whole set: slices of it in parallel, added up in their order, so that
 * the sums do not depend on the number of threads. */
#include "task.h"

enum { SLICE = 512 };

typedef struct worker_memory {
    fed_runner *run;
    fed_batch_memory batch;
} worker_memory;

typedef struct evaluating {
    const fed_task *task;
    const float *params;
    const fed_examples *examples;
    worker_memory *workers;
    fed_evaluation *slices;
    fed_status *statuses;
    fed_error *errors;
} evaluating;

static fed_status evaluate_batch(evaluating *e, worker_memory *w, uint32_t first,
                                 size_t n, fed_evaluation *sum, fed_error *err)
{
    fed_batch batch;
    fed_evaluation part;
    for (size_t i = 0; i < n; i++)
        w->batch.rows[i] = first + (uint32_t)i;
    FED_TRY(fed_batch_memory_fill(&w->batch, e->examples, w->batch.rows, n, &batch, err));
    FED_TRY(fed_runner_evaluate(w->run, e->params, &batch, &part, err));
    sum->loss_sum += part.loss_sum;
    sum->correct += part.correct;
    sum->counted += part.counted;
    return FED_OK;
}

static void evaluate_slice(void *arg, size_t slice, unsigned worker)
{
    evaluating *e = arg;
    uint32_t at = (uint32_t)slice * SLICE, end = e->examples->count;
    if (end - at > SLICE) end = at + SLICE;
    while (at < end && e->statuses[worker] == FED_OK) {
        size_t n = end - at;
        if (n > FED_TASK_EVALUATION_BATCH) n = FED_TASK_EVALUATION_BATCH;
        e->statuses[worker] = evaluate_batch(e, &e->workers[worker], at, n,
                                             &e->slices[slice], &e->errors[worker]);
        at += (uint32_t)n;
    }
}

static fed_status prepare(evaluating *e, unsigned threads, size_t slices, fed_error *err)
{
    e->workers = fed_calloc(threads, sizeof *e->workers);
    e->slices = fed_calloc(slices, sizeof *e->slices);
    e->statuses = fed_calloc(threads, sizeof *e->statuses);
    e->errors = fed_calloc(threads, sizeof *e->errors);
    if (!e->workers || !e->slices || !e->statuses || !e->errors)
        return fed_fail_nomem(err, slices * sizeof *e->slices);
    for (unsigned i = 0; i < threads; i++) {
        FED_TRY(fed_runner_new(&e->workers[i].run, fed_task_infer_program(e->task), err));
        FED_TRY(fed_batch_memory_init(&e->workers[i].batch, e->task,
                                      FED_TASK_EVALUATION_BATCH, err));
    }
    return FED_OK;
}

static fed_status add_up(const evaluating *e, unsigned threads, size_t slices,
                         fed_evaluation *out, fed_error *err)
{
    for (unsigned i = 0; i < threads; i++) {
        if (e->statuses[i] && err) *err = e->errors[i];
        FED_TRY(e->statuses[i]);
    }
    for (size_t i = 0; i < slices; i++) {
        out->loss_sum += e->slices[i].loss_sum;
        out->correct += e->slices[i].correct;
        out->counted += e->slices[i].counted;
    }
    return FED_OK;
}

fed_status fed_evaluate_examples(const fed_task *task, const float *params,
                                 const fed_examples *examples,
                                 const fed_parallel *parallel, fed_evaluation *out,
                                 fed_error *err)
{
    unsigned threads = fed_parallel_threads(parallel);
    size_t slices = ((size_t)examples->count + SLICE - 1) / SLICE;
    evaluating e = {.task = task, .params = params, .examples = examples};
    *out = (fed_evaluation){0};
    fed_status status = prepare(&e, threads, slices, err);
    if (status == FED_OK) {
        fed_parallel_for(parallel, slices, evaluate_slice, &e);
        status = add_up(&e, threads, slices, out, err);
    }
    for (unsigned i = 0; e.workers && i < threads; i++) {
        fed_runner_free(e.workers[i].run);
        fed_batch_memory_fini(&e.workers[i].batch);
    }
    fed_free(e.workers);
    fed_free(e.slices);
    fed_free(e.statuses);
    fed_free(e.errors);
    return status;
}
