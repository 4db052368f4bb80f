/* A program with its memory: train, evaluate, infer. */
#ifndef FED_RUN_H
#define FED_RUN_H

#include "optimizer.h"

/** Examples, all borrowed for the length of a call. Of the inputs and of the targets the one
 *  that the graph and its loss ask for must be there. */
typedef struct fed_batch {
    size_t count; /* examples; any number: more than max_batch are done in turn */
    const float *features;  /* [count][input shape] */
    const int32_t *tokens;  /* [count][input shape] */
    const int32_t *classes; /* [count][rows of the output], -1 is ignored */
    const float *values;    /* [count][output shape] */
} fed_batch;

typedef struct fed_evaluation {
    double loss_sum; /* mean loss is loss_sum / counted */
    uint64_t
        correct; /* argmax (or sign) agrees with the target; 0 where that means nothing */
    uint64_t counted; /* rows with a target (classes), or single values */
} fed_evaluation;

/** Runs of one program may be used by different threads, each by one thread at a time. */
typedef struct fed_runner fed_runner;

/** A run in memory of its own: one allocation of fed_program_memory().total bytes and what
 *  it takes to align them to 64. */
FED_MUST_CHECK fed_status fed_runner_new(fed_runner **out, const fed_program *program,
                                         fed_error *err);
/** A run in the caller's memory (borrowed, aligned to 64 bytes). FED_E_INVALID when it is not
 *  aligned, FED_E_LIMIT when `bytes` is below fed_program_memory().total. */
FED_MUST_CHECK fed_status fed_runner_init(fed_runner **out, const fed_program *program,
                                          void *block, size_t bytes, fed_error *err);
/** Free a run that fed_runner_new() made; does nothing for one in the caller's memory. */
void fed_runner_free(fed_runner *run);

/*
 * All of these allocate nothing. `params` is the flat vector. `dropout` may be NULL when
 * the graph has no dropout layer. FED_E_NUMERIC: a NaN or an infinity in the data or in the
 * loss (nothing was updated) or in the gradient; FED_E_INVALID: a class, token or pointer that
 * does not fit the graph; FED_E_STATE: training asked of an inference program.
 */

/** Zero gradients, forward, loss, backward, update. `loss` (may be NULL) receives the mean. What
 *  fed_runner_gradient() holds afterwards is unspecified: under plain SGD wide layers move their
 *  weights as they find the gradient. FED_E_NUMERIC in the gradient: `params` must be thrown
 *  away, as after fed_optimizer_apply(). */
FED_MUST_CHECK fed_status fed_runner_step(fed_runner *run, fed_optimizer *optimizer,
                                          float *params, const fed_batch *batch,
                                          fed_stream *dropout, double *loss,
                                          fed_error *err);
/** The same without update: the gradient of the mean loss is in fed_runner_gradient(). */
FED_MUST_CHECK fed_status fed_runner_backward(fed_runner *run, const float *params,
                                              const fed_batch *batch, fed_stream *dropout,
                                              double *loss, fed_error *err);
/** For DP-SGD (Abadi et al. 2016): the gradient of each example's own loss, scaled down to a
 *  2-norm of at most `clip_norm`, summed (not averaged) in fed_runner_gradient(). `clipped` (may
 *  be NULL) counts the examples that were scaled. Needs `per_example` in the options. */
FED_MUST_CHECK fed_status fed_runner_gradient_per_example(
    fed_runner *run, const float *params, const fed_batch *batch, double clip_norm,
    fed_stream *dropout, double *loss, uint64_t *clipped, fed_error *err);
/** The flat gradient, fed_program_param_count() floats, which the caller may change (noise)
 *  before fed_optimizer_apply(); NULL for an inference program. */
float *fed_runner_gradient(fed_runner *run);
/** The gradient of the input of the last (micro-)batch, or NULL when it was not asked for. */
const float *fed_runner_input_gradient(const fed_runner *run);

/** Outputs (logits) of all examples into `out`: [count][output shape]. Dropout is off, batch
 *  norm uses its statistics. Targets are not needed. */
FED_MUST_CHECK fed_status fed_runner_infer(fed_runner *run, const float *params,
                                           const fed_batch *batch, float *out,
                                           fed_error *err);
/** Loss and accuracy over a batch of any size; adds to nothing, overwrites `out`. */
FED_MUST_CHECK fed_status fed_runner_evaluate(fed_runner *run, const float *params,
                                              const fed_batch *batch, fed_evaluation *out,
                                              fed_error *err);

#endif
