/*
 * Examples, as training and evaluation see them: a number of rows and a callback that copies
 * them. Evaluation over a whole set is here, since server, simulator and device all do it.
 */
#ifndef FED_EXAMPLES_H
#define FED_EXAMPLES_H

#include "autograd.h"
#include "base.h"

typedef struct fed_task fed_task;

/** A device's examples. `fetch` copies `n` rows into the trainer's buffers: inputs are
 *  n × input length float32 (or int32 tokens), targets what the model's loss compares with:
 *  int32 classes or float32 values. The number of rows is fixed during a task. */
typedef struct fed_examples {
    uint32_t count;
    fed_status (*fetch)(void *ctx, const uint32_t *rows, size_t n, void *inputs,
                        void *targets);
    void *ctx;
} fed_examples;

/** Loss and accuracy of `params` over all of `examples`. Allocates its own memory. */
FED_MUST_CHECK fed_status fed_evaluate_examples(const fed_task *task, const float *params,
                                                const fed_examples *examples,
                                                const fed_parallel *parallel,
                                                fed_evaluation *out, fed_error *err);

/** Bytes that one input and one target of the task's model take when fetched. */
size_t fed_task_input_bytes(const fed_task *task);
size_t fed_task_target_bytes(const fed_task *task);

/** The memory of one batch, and its view as the kind of batch that the model takes. */
typedef struct fed_batch_memory {
    void *inputs, *targets;
    uint32_t *rows;
    size_t cap;
    bool tokens, values; /* inputs are tokens; targets are values */
} fed_batch_memory;

FED_MUST_CHECK fed_status fed_batch_memory_init(fed_batch_memory *m, const fed_task *task,
                                                size_t cap, fed_error *err);
void fed_batch_memory_fini(fed_batch_memory *m);
/** Fetch `n` rows, at most the memory's cap, and describe them in `batch`. */
FED_MUST_CHECK fed_status fed_batch_memory_fill(fed_batch_memory *m,
                                                const fed_examples *examples,
                                                const uint32_t *rows, size_t n,
                                                fed_batch *batch, fed_error *err);

#endif
