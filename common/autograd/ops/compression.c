/*
 * Layers for training that knows about compression.
 *
 * fake_quantize: rounds each example's values to a symmetric grid of 2^bits - 1 levels that
 * spans its greatest magnitude; backward lets the gradient straight through (Bengio et al. 2013).
 * mask_multiply: y = x m, where m is kept among the parameters but changed by the caller only
 * (pruning); it starts as ones.
 */
#include "op.h"

enum { BITS };

static const fed_attr quantize_attrs[] = {
    {"bits", FED_ATTR_INT, false, 2, 16, 8, NULL, 0, "of the grid"},
};

static fed_status infer(fed_node *node, const fed_shape *in, fed_error *err)
{
    (void)err;
    node->shape = *in;
    node->n[0] = fed_shape_count(in);
    node->flops = 3.0 * (double)node->n[0];
    return FED_OK;
}

static float greatest_magnitude(size_t n, const float *x)
{
    float top = 0;
    for (size_t i = 0; i < n; i++) {
        float a = x[i] < 0 ? -x[i] : x[i];
        top = !(a <= top) ? a : top;
    }
    return top;
}

/* Adding and taking away 1.5 * 2^23 rounds to the nearest whole number, ties to even. */
static void quantize_forward(const fed_call *call)
{
    const float magic = 12582912.0f;
    size_t n = call->node->n[0];
    float levels = (float)((1 << (fed_attr_size(call->node, BITS) - 1)) - 1);
    for (size_t e = 0; e < call->batch; e++) {
        const float *x = call->x[0] + e * n;
        float *y = call->y + e * n, top = greatest_magnitude(n, x);
        float up = top > 1e-30f ? levels / top : 0, down = top / levels;
        for (size_t i = 0; i < n; i++)
            y[i] = ((x[i] * up + magic) - magic) * down;
    }
}

static void straight_through(const fed_call *call)
{
    if (call->dx[0] != call->dy)
        memcpy(call->dx[0], call->dy, call->batch * call->node->n[0] * sizeof(float));
}

static fed_status mask_infer(fed_node *node, const fed_shape *in, fed_error *err)
{
    FED_TRY(infer(node, in, err));
    fed_node_add_param(node, "mask", *in, FED_INIT_ONE, 0);
    node->params[0].statistic = true;
    return FED_OK;
}

static void mask(const fed_call *call, const float *from, float *to)
{
    size_t n = call->node->n[0];
    for (size_t e = 0; e < call->batch; e++)
        for (size_t i = 0; i < n; i++)
            to[e * n + i] = from[e * n + i] * call->p[0][i];
}

static void mask_forward(const fed_call *call)
{
    mask(call, call->x[0], call->y);
}

static void mask_backward(const fed_call *call)
{
    mask(call, call->dy, call->dx[0]);
}

const fed_op_row FED_ROW(fake_quantize) = {
    .op = {"fake_quantize", "rounds to a grid; the gradient passes straight through",
           FED_OP_LAYER, quantize_attrs, 1, 1, 1, FED_TARGET_NONE},
    .flags = FED_IN_PLACE,
    .infer = infer,
    .forward = quantize_forward,
    .backward = straight_through,
};

const fed_op_row FED_ROW(mask_multiply) = {
    .op = {"mask_multiply", "multiplies by a mask that only the caller changes",
           FED_OP_LAYER, NULL, 0, 1, 1, FED_TARGET_NONE},
    .flags = FED_IN_PLACE,
    .infer = mask_infer,
    .forward = mask_forward,
    .backward = mask_backward,
};
