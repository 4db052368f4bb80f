/*
 * layer_norm (Ba et al. 2016) and rms_norm (Zhang, Sennrich 2019), over the last dimension:
 *
 *   layer_norm  y = (x - mean) r scale + bias    r = 1 / sqrt(variance + epsilon)
 *   rms_norm    y = x r scale                    r = 1 / sqrt(mean of x^2 + epsilon)
 *
 * With h = (x - mean) r and d = dy scale: dx = r (d - mean(d) - h mean(d h)); rms_norm has no
 * mean(d). Forward keeps mean and r of each row.
 */
#include "op.h"

#include "kernels/fast_math.h"
#include "kernels/vector.h"

enum { EPSILON };
enum { ROWS, WIDTH, CENTRED };

static const fed_attr attrs[] = {
    {"epsilon", FED_ATTR_DOUBLE, false, 1e-12, 1, 1e-5, NULL, 0, "keeps the root from 0"},
};

static fed_status infer(fed_node *node, const fed_shape *in, fed_error *err)
{
    (void)err;
    node->shape = *in;
    node->n[WIDTH] = in->dim[in->rank - 1];
    node->n[ROWS] = fed_shape_count(in) / node->n[WIDTH];
    node->n[CENTRED] = strcmp(node->row->op.name, "layer_norm") == 0;
    node->saved[0] = fed_each(2 * node->n[ROWS]);
    node->n_saved = 1;
    node->needs_x = 1;
    node->flops = 8.0 * (double)fed_shape_count(in);
    fed_node_add_param(node, "scale", fed_shape1(node->n[WIDTH]), FED_INIT_ONE, 0);
    if (node->n[CENTRED])
        fed_node_add_param(node, "bias", fed_shape1(node->n[WIDTH]), FED_INIT_ZERO, 0);
    return FED_OK;
}

static void row_forward(const fed_call *call, const float *x, float *y, float *kept)
{
    size_t n = call->node->n[WIDTH];
    bool centred = call->node->n[CENTRED];
    float mean = centred ? fed_vector_sum(n, x) / (float)n : 0;
    for (size_t j = 0; j < n; j++)
        y[j] = x[j] - mean;
    float variance = fed_vector_dot(n, y, y) / (float)n;
    float r = 1.0f / __builtin_sqrtf(variance + (float)call->node->attrs[EPSILON].number);
    const float *scale = call->p[0], *bias = call->p[1];
    if (centred)
        for (size_t j = 0; j < n; j++)
            y[j] = fed_madd(y[j] * r, scale[j], bias[j]);
    else
        for (size_t j = 0; j < n; j++)
            y[j] = y[j] * r * scale[j];
    kept[0] = mean, kept[1] = r;
}

static void forward(const fed_call *call)
{
    const size_t *n = call->node->n;
    for (size_t i = 0; i < call->batch * n[ROWS]; i++)
        row_forward(call, call->x[0] + i * n[WIDTH], call->y + i * n[WIDTH],
                    call->saved[0] + 2 * i);
}

static void row_inputs(const fed_call *call, const float *x, const float *dy, float *dx,
                       const float *kept)
{
    size_t n = call->node->n[WIDTH];
    const float *scale = call->p[0];
    float mean = kept[0], r = kept[1], sum = 0;
    for (size_t j = 0; j < n; j++)
        dx[j] = dy[j] * scale[j];
    if (call->node->n[CENTRED]) sum = fed_vector_sum(n, dx) / (float)n;
    float dot = (fed_vector_dot(n, dx, x) - mean * sum * (float)n) * r / (float)n;
    for (size_t j = 0; j < n; j++)
        dx[j] = r * (dx[j] - sum - (x[j] - mean) * r * dot);
}

static void row_params(const fed_call *call, const float *x, const float *dy,
                       const float *kept)
{
    size_t n = call->node->n[WIDTH];
    float mean = kept[0], r = kept[1], *scale = call->g[0], *bias = call->g[1];
    for (size_t j = 0; j < n; j++)
        scale[j] = fed_madd(dy[j], (x[j] - mean) * r, scale[j]);
    for (size_t j = 0; bias && j < n; j++)
        bias[j] += dy[j];
}

static void backward(const fed_call *call)
{
    size_t n = call->node->n[WIDTH];
    for (size_t k = 0; k < call->node->n_params && !call->accumulate; k++)
        if (call->g[k]) memset(call->g[k], 0, n * sizeof(float));
    for (size_t i = 0; i < call->batch * call->node->n[ROWS]; i++) {
        const float *x = call->x[0] + i * n, *dy = call->dy + i * n;
        const float *kept = call->saved[0] + 2 * i;
        if (call->g[0]) row_params(call, x, dy, kept);
        if (call->dx[0]) row_inputs(call, x, dy, call->dx[0] + i * n, kept);
    }
}

const fed_op_row FED_ROW(layer_norm) = {
    .op = {"layer_norm", "mean 0 and variance 1 over the last dimension", FED_OP_LAYER,
           attrs, 1, 1, 1, FED_TARGET_NONE},
    .infer = infer,
    .forward = forward,
    .backward = backward,
};

const fed_op_row FED_ROW(rms_norm) = {
    .op = {"rms_norm", "mean square 1 over the last dimension", FED_OP_LAYER, attrs, 1, 1,
           1, FED_TARGET_NONE},
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
