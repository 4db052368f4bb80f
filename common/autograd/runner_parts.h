/* A run's memory: this struct, then scratch, gradient, example gradient, activations. */
#ifndef FED_RUNNER_PARTS_H
#define FED_RUNNER_PARTS_H

#include "program_parts.h"
#include "runner.h"

struct fed_runner {
    const fed_program *program;
    void *owned; /* the heap block, or NULL */
    float *scratch, *gradient, *example_gradient, *activations;
};

/** Bytes of a run without gradients and activations, and of a vector of n floats: multiples of
 *  64. */
size_t fed_runner_fixed_bytes(void);
size_t fed_runner_vector_bytes(size_t floats);

/** One piece of a batch, small enough for the activations. */
typedef struct fed_piece {
    fed_runner *run;
    const float *params;
    float *gradient;       /* where parameter gradients go */
    struct fed_step *step; /* NULL, or: layers that can, move `moving` instead */
    float *moving;         /* the parameters, once more */
    const fed_batch *batch;
    size_t from, count;
    bool train, accumulate;
    fed_stream *dropout;
} fed_piece;

/** pass.c: all kernels forward; then the loss, with its gradient scaled by `scale` when
 *  `want_gradient`; then all kernels backward. */
void fed_piece_forward(const fed_piece *piece);
void fed_piece_loss(const fed_piece *piece, bool want_gradient, double scale,
                    fed_loss_call *out);
void fed_piece_backward(const fed_piece *piece);
/** Let layers move their statistics after a training pass. */
void fed_piece_after(const fed_piece *piece, float *params);
/** Whether the layer moves its parameter 0 itself, in pieces of up to `count` examples that have a
 *  step. */
static inline bool fed_node_takes_step(const fed_node *node, size_t count)
{
    return !node->frozen && count <= node->step_batch;
}
/** optimizer.c: whether an update is w -= lr g and nothing else. */
bool fed_optimizer_is_plain(const fed_optimizer *optimizer);
/** The update of what no layer moved itself in a piece of `count` examples; `step` (may be NULL:
 *  no layer did) tells whether that was finite. */
FED_MUST_CHECK fed_status fed_optimizer_apply_rest(fed_optimizer *optimizer,
                                                   float *params, float *gradient,
                                                   const struct fed_step *step,
                                                   size_t count, fed_error *err);
/** The output of the last forward pass. */
const float *fed_piece_output(const fed_piece *piece);

/** check.c: everything about a batch that could make a kernel read out of bounds or compute
 *  with what is no number. */
FED_MUST_CHECK fed_status fed_runner_check_batch(const fed_runner *run,
                                                 const fed_batch *batch, bool targets,
                                                 fed_error *err);
/** How many rows or values of examples [from, from + count) the loss averages over. */
uint64_t fed_runner_count_targets(const fed_runner *run, const fed_batch *batch,
                                  size_t from, size_t count);

#endif
