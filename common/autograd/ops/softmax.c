/* softmax over the last dimension. dx = y (dy - the sum of dy y). */
#include "op.h"

#include "kernels/fast_math.h"
#include "kernels/vector.h"

enum { ROWS, WIDTH };

static fed_status infer(fed_node *node, const fed_shape *in, fed_error *err)
{
    (void)err;
    node->shape = *in;
    node->n[WIDTH] = in->dim[in->rank - 1];
    node->n[ROWS] = fed_shape_count(in) / node->n[WIDTH];
    node->needs_y = true;
    node->flops = 5.0 * (double)fed_shape_count(in);
    return FED_OK;
}

static void forward(const fed_call *call)
{
    size_t width = call->node->n[WIDTH];
    for (size_t i = 0; i < call->batch * call->node->n[ROWS]; i++) {
        const float *x = call->x[0] + i * width;
        float *y = call->y + i * width, top = fed_vector_max(width, x);
        for (size_t j = 0; j < width; j++)
            y[j] = fed_exp(x[j] - top);
        fed_vector_scale(width, 1.0f / fed_vector_sum(width, y), y, y);
    }
}

static void backward(const fed_call *call)
{
    size_t width = call->node->n[WIDTH];
    for (size_t i = 0; i < call->batch * call->node->n[ROWS]; i++) {
        const float *y = call->y + i * width, *dy = call->dy + i * width;
        float *dx = call->dx[0] + i * width, mean = fed_vector_dot(width, y, dy);
        for (size_t j = 0; j < width; j++)
            dx[j] = y[j] * (dy[j] - mean);
    }
}

const fed_op_row FED_ROW(softmax) = {
    .op = {"softmax", "over the last dimension", FED_OP_LAYER, NULL, 0, 1, 1,
           FED_TARGET_NONE},
    .flags = FED_IN_PLACE,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
