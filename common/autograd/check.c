/* What the caller hands to a run is checked here, so that kernels need not. */
#include "runner_parts.h"

static fed_status check_features(const fed_runner *run, const fed_batch *batch,
                                 fed_error *err)
{
    const fed_program *p = run->program;
    size_t each = fed_shape_count(&p->input.shape);
    if (!batch->features)
        return fed_fail(err, FED_E_INVALID, "features: missing, the input asks for them");
    if (p->path->all_finite(batch->count * each, batch->features)) return FED_OK;
    size_t i = 0;
    while (p->path->all_finite(1, batch->features + i))
        i++;
    return fed_fail(err, FED_E_NUMERIC, "features: example %zu holds %g at position %zu",
                    i / each, (double)batch->features[i], i % each);
}

static fed_status check_tokens(const fed_runner *run, const fed_batch *batch,
                               fed_error *err)
{
    const fed_program *p = run->program;
    size_t each = fed_shape_count(&p->input.shape);
    if (!batch->tokens)
        return fed_fail(err, FED_E_INVALID, "tokens: missing, the input asks for them");
    for (size_t i = 0; i < batch->count * each; i++)
        if (batch->tokens[i] < 0 || (size_t)batch->tokens[i] >= p->min_vocabulary)
            return fed_fail(
                err, FED_E_INVALID,
                "tokens: example %zu holds %d at position %zu, outside 0 to %zu",
                i / each, (int)batch->tokens[i], i % each, p->min_vocabulary - 1);
    return FED_OK;
}

static fed_status check_classes(const fed_runner *run, const fed_batch *batch,
                                fed_error *err)
{
    const fed_program *p = run->program;
    size_t rows = fed_program_rows(p), width = p->output.dim[p->output.rank - 1];
    if (!batch->classes)
        return fed_fail(err, FED_E_INVALID, "classes: missing, the loss asks for them");
    for (size_t i = 0; i < batch->count * rows; i++)
        if (batch->classes[i] < -1 || batch->classes[i] >= (int64_t)width)
            return fed_fail(err, FED_E_INVALID,
                            "classes: example %zu has %d, outside -1 to %zu", i / rows,
                            (int)batch->classes[i], width - 1);
    return FED_OK;
}

static fed_status check_values(const fed_runner *run, const fed_batch *batch,
                               fed_error *err)
{
    const fed_program *p = run->program;
    if (!batch->values)
        return fed_fail(err, FED_E_INVALID, "values: missing, the loss asks for them");
    size_t n = batch->count * fed_shape_count(&p->output);
    if (!p->path->all_finite(n, batch->values))
        return fed_fail(err, FED_E_NUMERIC, "values: a target is NaN or infinite");
    return FED_OK;
}

fed_status fed_runner_check_batch(const fed_runner *run, const fed_batch *batch,
                                  bool targets, fed_error *err)
{
    const fed_program *p = run->program;
    if (!batch->count) return fed_fail(err, FED_E_INVALID, "count: the batch is empty");
    if (p->input.kind == FED_INPUT_TOKENS)
        FED_TRY(check_tokens(run, batch, err));
    else
        FED_TRY(check_features(run, batch, err));
    if (!targets) return FED_OK;
    if (!p->loss.row) return fed_fail(err, FED_E_STATE, "loss: the graph has none");
    if (p->loss.row->op.target == FED_TARGET_CLASSES)
        return check_classes(run, batch, err);
    return check_values(run, batch, err);
}

uint64_t fed_runner_count_targets(const fed_runner *run, const fed_batch *batch,
                                  size_t from, size_t count)
{
    const fed_program *p = run->program;
    size_t rows = fed_program_rows(p);
    if (p->loss.row->op.target != FED_TARGET_CLASSES)
        return p->loss.row->flags & FED_PER_ROW ? count * rows
                                                : count * fed_shape_count(&p->output);
    uint64_t n = 0;
    for (size_t i = from * rows; i < (from + count) * rows; i++)
        n += batch->classes[i] >= 0;
    return n;
}
