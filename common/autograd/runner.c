/* A run's memory and its passes over a batch. */
#include "runner.h"

#include <math.h>

#include "kernels/gemm.h"
#include "runner_parts.h"

enum { LINE = 64 };

static size_t round_up(size_t bytes)
{
    return (bytes + LINE - 1) / LINE * LINE;
}

size_t fed_runner_vector_bytes(size_t floats)
{
    return round_up(floats * sizeof(float));
}

size_t fed_runner_fixed_bytes(void)
{
    return round_up(sizeof(fed_runner)) + fed_runner_vector_bytes(FED_GEMM_SCRATCH);
}

fed_status fed_runner_init(fed_runner **out, const fed_program *program, void *block,
                           size_t bytes, fed_error *err)
{
    fed_memory_report memory = fed_program_memory(program);
    if ((uintptr_t)block % LINE)
        return fed_fail(err, FED_E_INVALID, "block: not aligned to %d bytes", LINE);
    if (bytes < memory.total)
        return fed_fail(err, FED_E_LIMIT, "bytes: %zu are below %zu", bytes,
                        memory.total);
    uint8_t *at = block;
    fed_runner *run = block;
    *run = (fed_runner){.program = program};
    run->scratch = (float *)(void *)(at + round_up(sizeof *run));
    at += memory.fixed;
    if (memory.gradient) {
        run->gradient = (float *)(void *)at;
        memset(run->gradient, 0, memory.gradient); /* frozen parts stay at zero */
        if (program->options.per_example)
            run->example_gradient = (float *)(void *)(at + memory.gradient / 2);
    }
    run->activations = (float *)(void *)(at + memory.gradient);
    *out = run;
    return FED_OK;
}

fed_status fed_runner_new(fed_runner **out, const fed_program *program, fed_error *err)
{
    size_t bytes = fed_program_memory(program).total;
    uint8_t *block = fed_malloc(bytes + LINE - 1);
    if (!block) return fed_fail_nomem(err, bytes + LINE - 1);
    uint8_t *aligned = block + (LINE - (uintptr_t)block % LINE) % LINE;
    fed_status status = fed_runner_init(out, program, aligned, bytes, err);
    if (status == FED_OK)
        (*out)->owned = block;
    else
        fed_free(block);
    return status;
}

void fed_runner_free(fed_runner *run)
{
    if (run) fed_free(run->owned);
}

float *fed_runner_gradient(fed_runner *run)
{
    return run->gradient;
}

const float *fed_runner_input_gradient(const fed_runner *run)
{
    const fed_program *p = run->program;
    bool there = p->facts[0].needs_grad;
    return there ? run->activations + p->slots[0].grad : NULL;
}

static fed_status check_training(const fed_runner *run, const fed_batch *batch,
                                 const fed_stream *dropout, fed_error *err)
{
    if (!fed_program_trains(run->program))
        return fed_fail(err, FED_E_STATE, "mode: the program was compiled for inference");
    if (run->program->has_dropout && !dropout)
        return fed_fail(err, FED_E_INVALID, "dropout: missing, a layer asks for it");
    return fed_runner_check_batch(run, batch, true, err);
}

/* Forward, loss and backward for one piece; its summed loss is added to `*sum`. */
static fed_status train_piece(const fed_piece *piece, double scale, double *sum,
                              fed_error *err)
{
    fed_loss_call loss;
    fed_piece_forward(piece);
    fed_piece_loss(piece, true, scale, &loss);
    if (!isfinite(loss.sum))
        return fed_fail(
            err, FED_E_NUMERIC,
            "loss: %g over the examples %zu to %zu, the training has diverged", loss.sum,
            piece->from, piece->from + piece->count - 1);
    fed_piece_backward(piece);
    *sum += loss.sum;
    return FED_OK;
}

static size_t piece_size(const fed_runner *run, size_t left)
{
    return left < run->program->micro_batch ? left : run->program->micro_batch;
}

/* The gradient of the mean loss. `moving` (may be NULL) are the parameters, when statistics move
 * along; with `step` (may be NULL) so do all parameters that layers can move themselves. */
static fed_status accumulate(fed_runner *run, const float *params, float *moving,
                             fed_step *step, const fed_batch *batch, fed_stream *dropout,
                             double *loss, fed_error *err)
{
    FED_TRY(check_training(run, batch, dropout, err));
    uint64_t targets = fed_runner_count_targets(run, batch, 0, batch->count);
    double scale = targets ? 1.0 / (double)targets : 0, sum = 0;
    fed_piece piece = {.run = run,
                       .params = params,
                       .gradient = run->gradient,
                       .step = step,
                       .moving = moving,
                       .batch = batch,
                       .train = true,
                       .dropout = dropout};
    for (; piece.from < batch->count; piece.from += piece.count) {
        piece.count = piece_size(run, batch->count - piece.from);
        piece.accumulate = piece.from > 0;
        FED_TRY(train_piece(&piece, scale, &sum, err));
        if (moving) fed_piece_after(&piece, moving);
    }
    if (loss) *loss = sum * scale;
    return FED_OK;
}

fed_status fed_runner_backward(fed_runner *run, const float *params,
                               const fed_batch *batch, fed_stream *dropout, double *loss,
                               fed_error *err)
{
    return accumulate(run, params, NULL, NULL, batch, dropout, loss, err);
}

fed_status fed_runner_step(fed_runner *run, fed_optimizer *optimizer, float *params,
                           const fed_batch *batch, fed_stream *dropout, double *loss,
                           fed_error *err)
{
    bool whole =
        batch->count <= run->program->micro_batch; /* one piece, no sum over any */
    fed_step step = {.rate = -(float)fed_optimizer_next_lr(optimizer), .finite = true};
    fed_step *used = whole && fed_optimizer_is_plain(optimizer) ? &step : NULL;
    FED_TRY(accumulate(run, params, params, used, batch, dropout, loss, err));
    return fed_optimizer_apply_rest(optimizer, params, run->gradient, used, batch->count,
                                    err);
}

/* Add one example's gradient to the sum, at most `clip_norm` long. */
static fed_status add_clipped(fed_runner *run, double clip_norm, bool first,
                              uint64_t *clipped, fed_error *err)
{
    const fed_program *p = run->program;
    double squares = 0;
    for (size_t r = 0; r < p->n_trainable; r++)
        squares += p->path->sum_squares(p->trainable[r].to - p->trainable[r].from,
                                        run->example_gradient + p->trainable[r].from);
    if (!isfinite(squares))
        return fed_fail(err, FED_E_NUMERIC, "gradient: an example's norm is %g", squares);
    double norm = sqrt(squares), factor = norm > clip_norm ? clip_norm / norm : 1;
    if (clipped) *clipped += norm > clip_norm;
    if (first) memset(run->gradient, 0, p->n_params * sizeof *run->gradient);
    for (size_t r = 0; r < p->n_trainable; r++)
        p->path->axpy(p->trainable[r].to - p->trainable[r].from, (float)factor,
                      run->example_gradient + p->trainable[r].from,
                      run->gradient + p->trainable[r].from);
    return FED_OK;
}

fed_status fed_runner_gradient_per_example(fed_runner *run, const float *params,
                                           const fed_batch *batch, double clip_norm,
                                           fed_stream *dropout, double *loss,
                                           uint64_t *clipped, fed_error *err)
{
    if (!run->example_gradient)
        return fed_fail(err, FED_E_STATE,
                        "per_example: the program was compiled without");
    if (!(clip_norm > 0) || !isfinite(clip_norm))
        return fed_fail(err, FED_E_INVALID, "clip_norm: %g is not above 0", clip_norm);
    FED_TRY(check_training(run, batch, dropout, err));
    fed_piece piece = {.run = run,
                       .params = params,
                       .gradient = run->example_gradient,
                       .batch = batch,
                       .count = 1,
                       .train = true,
                       .dropout = dropout};
    double sum = 0;
    if (clipped) *clipped = 0;
    for (; piece.from < batch->count; piece.from++) {
        uint64_t targets = fed_runner_count_targets(run, batch, piece.from, 1);
        double scale = targets ? 1.0 / (double)targets : 0, own = 0;
        FED_TRY(train_piece(&piece, scale, &own, err));
        FED_TRY(add_clipped(run, clip_norm, piece.from == 0, clipped, err));
        sum += own * scale;
    }
    if (loss) *loss = sum / (double)batch->count;
    return FED_OK;
}

fed_status fed_runner_infer(fed_runner *run, const float *params, const fed_batch *batch,
                            float *out, fed_error *err)
{
    FED_TRY(fed_runner_check_batch(run, batch, false, err));
    size_t each = fed_shape_count(&run->program->output);
    fed_piece piece = {.run = run, .params = params, .batch = batch};
    for (; piece.from < batch->count; piece.from += piece.count) {
        piece.count = piece_size(run, batch->count - piece.from);
        fed_piece_forward(&piece);
        memcpy(out + piece.from * each, fed_piece_output(&piece),
               piece.count * each * sizeof *out);
    }
    if (run->program->path->all_finite(batch->count * each, out)) return FED_OK;
    return fed_fail(err, FED_E_NUMERIC, "output: a value is NaN or infinite");
}

fed_status fed_runner_evaluate(fed_runner *run, const float *params,
                               const fed_batch *batch, fed_evaluation *out,
                               fed_error *err)
{
    FED_TRY(fed_runner_check_batch(run, batch, true, err));
    fed_piece piece = {.run = run, .params = params, .batch = batch};
    fed_evaluation total = {0, 0, 0};
    for (; piece.from < batch->count; piece.from += piece.count) {
        fed_loss_call loss;
        piece.count = piece_size(run, batch->count - piece.from);
        fed_piece_forward(&piece);
        fed_piece_loss(&piece, false, 0, &loss);
        total.loss_sum += loss.sum;
        total.correct += loss.correct;
        total.counted += loss.counted;
    }
    if (!isfinite(total.loss_sum))
        return fed_fail(err, FED_E_NUMERIC, "loss: %g", total.loss_sum);
    *out = total;
    return FED_OK;
}
