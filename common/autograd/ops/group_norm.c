/*
 * group_norm (Wu, He 2018): mean 0 and variance 1 over all positions of each group of
 * channels, for each example by itself, which suits the small batches of a device. Then a
 * scale and a bias for each channel. Gradients as in layer_norm.c, over a group.
 */
#include "op.h"

#include "kernels/fast_math.h"

enum { GROUPS, EPSILON };
enum { POSITIONS, CHANNELS, WIDTH };

static const fed_attr attrs[] = {
    {"groups", FED_ATTR_INT, true, 1, 1 << 16, 0, NULL, 0, "groups of channels"},
    {"epsilon", FED_ATTR_DOUBLE, false, 1e-12, 1, 1e-5, NULL, 0, "keeps the root from 0"},
};

static fed_status infer(fed_node *node, const fed_shape *in, fed_error *err)
{
    size_t groups = fed_attr_size(node, GROUPS), channels = in->dim[in->rank - 1];
    if (channels % groups)
        return fed_fail(err, FED_E_INVALID, "groups: %zu does not divide %zu channels",
                        groups, channels);
    node->shape = *in;
    node->n[CHANNELS] = channels;
    node->n[WIDTH] = channels / groups;
    node->n[POSITIONS] = fed_shape_count(in) / channels;
    node->saved[0] = fed_each(2 * groups);
    node->n_saved = 1;
    node->needs_x = 1;
    node->flops = 8.0 * (double)fed_shape_count(in);
    fed_node_add_param(node, "scale", fed_shape1(channels), FED_INIT_ONE, 0);
    fed_node_add_param(node, "bias", fed_shape1(channels), FED_INIT_ZERO, 0);
    return FED_OK;
}

/* Mean and 1 / sqrt(variance + epsilon) of one group, which starts at x. */
static void statistics(const fed_node *node, const float *x, float *kept)
{
    const size_t *n = node->n;
    double count = (double)(n[POSITIONS] * n[WIDTH]), sum = 0, squares = 0;
    for (size_t i = 0; i < n[POSITIONS]; i++)
        for (size_t c = 0; c < n[WIDTH]; c++)
            sum += (double)x[i * n[CHANNELS] + c];
    double mean = sum / count;
    for (size_t i = 0; i < n[POSITIONS]; i++)
        for (size_t c = 0; c < n[WIDTH]; c++) {
            double d = (double)x[i * n[CHANNELS] + c] - mean;
            squares += d * d;
        }
    kept[0] = (float)mean;
    kept[1] = (float)(1 / __builtin_sqrt(squares / count + node->attrs[EPSILON].number));
}

static void forward(const fed_call *call)
{
    const size_t *n = call->node->n, groups = fed_attr_size(call->node, GROUPS);
    for (size_t e = 0; e < call->batch; e++)
        for (size_t g = 0; g < groups; g++) {
            size_t start = e * n[POSITIONS] * n[CHANNELS] + g * n[WIDTH];
            float *kept = call->saved[0] + 2 * (e * groups + g);
            const float *scale = call->p[0] + g * n[WIDTH],
                        *bias = call->p[1] + g * n[WIDTH];
            statistics(call->node, call->x[0] + start, kept);
            for (size_t i = 0; i < n[POSITIONS]; i++)
                for (size_t c = 0; c < n[WIDTH]; c++) {
                    size_t at = start + i * n[CHANNELS] + c;
                    call->y[at] =
                        fed_madd((call->x[0][at] - kept[0]) * kept[1], scale[c], bias[c]);
                }
        }
}

static void group_params(const fed_call *call, size_t start, size_t channel,
                         const float *kept)
{
    const size_t *n = call->node->n;
    float *scale = call->g[0] + channel, *bias = call->g[1] + channel;
    for (size_t i = 0; i < n[POSITIONS]; i++)
        for (size_t c = 0; c < n[WIDTH]; c++) {
            size_t at = start + i * n[CHANNELS] + c;
            scale[c] =
                fed_madd(call->dy[at], (call->x[0][at] - kept[0]) * kept[1], scale[c]);
            bias[c] += call->dy[at];
        }
}

static void group_inputs(const fed_call *call, size_t start, size_t channel,
                         const float *kept)
{
    const size_t *n = call->node->n;
    const float *scale = call->p[0] + channel;
    double sum = 0, dot = 0, count = (double)(n[POSITIONS] * n[WIDTH]);
    for (size_t i = 0; i < n[POSITIONS]; i++)
        for (size_t c = 0; c < n[WIDTH]; c++) {
            size_t at = start + i * n[CHANNELS] + c;
            float d = call->dy[at] * scale[c], h = (call->x[0][at] - kept[0]) * kept[1];
            sum += (double)d;
            dot += (double)d * (double)h;
        }
    float mean = (float)(sum / count), along = (float)(dot / count);
    for (size_t i = 0; i < n[POSITIONS]; i++)
        for (size_t c = 0; c < n[WIDTH]; c++) {
            size_t at = start + i * n[CHANNELS] + c;
            float d = call->dy[at] * scale[c], h = (call->x[0][at] - kept[0]) * kept[1];
            call->dx[0][at] = kept[1] * (d - mean - h * along);
        }
}

static void backward(const fed_call *call)
{
    const size_t *n = call->node->n, groups = fed_attr_size(call->node, GROUPS);
    for (size_t k = 0; k < 2 && !call->accumulate; k++)
        if (call->g[k]) memset(call->g[k], 0, n[CHANNELS] * sizeof(float));
    for (size_t e = 0; e < call->batch; e++)
        for (size_t g = 0; g < groups; g++) {
            size_t start = e * n[POSITIONS] * n[CHANNELS] + g * n[WIDTH];
            const float *kept = call->saved[0] + 2 * (e * groups + g);
            if (call->g[0]) group_params(call, start, g * n[WIDTH], kept);
            if (call->dx[0]) group_inputs(call, start, g * n[WIDTH], kept);
        }
}

const fed_op_row FED_ROW(group_norm) = {
    .op = {"group_norm", "mean 0 and variance 1 over each group of channels",
           FED_OP_LAYER, attrs, 2, 1, 1, FED_TARGET_NONE},
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
