/* global_avg_pool, global_max_pool: over all positions; the channels stay. */
#include "op.h"

#include "kernels/vector.h"

enum { POSITIONS, CHANNELS };

static fed_status infer(fed_node *node, const fed_shape *in, fed_error *err)
{
    char text[64];
    if (in->rank < 2)
        return fed_fail(err, FED_E_INVALID, "input: %s has no positions beside channels",
                        fed_shape_text(in, text, sizeof text));
    node->n[CHANNELS] = in->dim[in->rank - 1];
    node->n[POSITIONS] = fed_shape_count(in) / node->n[CHANNELS];
    node->shape = fed_shape1(node->n[CHANNELS]);
    node->flops = (double)fed_shape_count(in);
    return FED_OK;
}

static void avg_forward(const fed_call *call)
{
    size_t n = call->node->n[POSITIONS], c = call->node->n[CHANNELS];
    for (size_t i = 0; i < call->batch; i++)
        fed_matrix_sum_rows(n, c, call->x[0] + i * n * c, call->y + i * c, false);
    fed_vector_scale(call->batch * c, 1.0f / (float)n, call->y, call->y);
}

static void avg_backward(const fed_call *call)
{
    size_t n = call->node->n[POSITIONS], c = call->node->n[CHANNELS];
    float *dx = call->dx[0];
    for (size_t i = 0; i < call->batch; i++) {
        fed_vector_scale(c, 1.0f / (float)n, call->dy + i * c, dx);
        for (size_t k = 1; k < n; k++)
            memcpy(dx + k * c, dx, c * sizeof *dx);
        dx += n * c;
    }
}

static fed_status max_infer(fed_node *node, const fed_shape *in, fed_error *err)
{
    FED_TRY(infer(node, in, err));
    node->saved[0] = fed_each(node->n[CHANNELS]);
    node->n_saved = 1;
    return FED_OK;
}

/* The winner is kept as a float: exact below 2^24 positions, and compared as written. */
static void max_forward(const fed_call *call)
{
    size_t n = call->node->n[POSITIONS], channels = call->node->n[CHANNELS];
    for (size_t i = 0; i < call->batch; i++) {
        const float *x = call->x[0] + i * n * channels;
        float *y = call->y + i * channels, *winner = call->saved[0] + i * channels;
        memcpy(y, x, channels * sizeof *y);
        memset(winner, 0, channels * sizeof *winner);
        for (size_t k = 1; k < n; k++)
            for (size_t c = 0; c < channels; c++) {
                bool wins = !(x[k * channels + c] <= y[c]);
                winner[c] = wins ? (float)k : winner[c];
                y[c] = wins ? x[k * channels + c] : y[c];
            }
    }
}

static void max_backward(const fed_call *call)
{
    size_t n = call->node->n[POSITIONS], channels = call->node->n[CHANNELS];
    for (size_t i = 0; i < call->batch; i++) {
        const float *dy = call->dy + i * channels,
                    *winner = call->saved[0] + i * channels;
        float *dx = call->dx[0] + i * n * channels;
        memset(dx, 0, n * channels * sizeof *dx);
        for (size_t c = 0; c < channels; c++)
            dx[(size_t)winner[c] * channels + c] = dy[c];
    }
}

const fed_op_row FED_ROW(global_avg_pool) = {
    .op = {"global_avg_pool", "mean over all positions", FED_OP_LAYER, NULL, 0, 1, 1,
           FED_TARGET_NONE},
    .infer = infer,
    .forward = avg_forward,
    .backward = avg_backward,
};

const fed_op_row FED_ROW(global_max_pool) = {
    .op = {"global_max_pool", "greatest value over all positions", FED_OP_LAYER, NULL, 0,
           1, 1, FED_TARGET_NONE},
    .infer = max_infer,
    .forward = max_forward,
    .backward = max_backward,
};
