/* positional_embedding: y = x + P, with P a learned table of the shape of one example. */
#include "op.h"

#include "kernels/vector.h"

static fed_status infer(fed_node *node, const fed_shape *in, fed_error *err)
{
    (void)err;
    node->shape = *in;
    node->n[0] = fed_shape_count(in);
    node->flops = (double)node->n[0];
    fed_node_add_param(node, "weight", *in, FED_INIT_UNIFORM, 0.02);
    return FED_OK;
}

static void forward(const fed_call *call)
{
    size_t n = call->node->n[0];
    for (size_t i = 0; i < call->batch; i++)
        for (size_t j = 0; j < n; j++)
            call->y[i * n + j] = call->x[0][i * n + j] + call->p[0][j];
}

static void backward(const fed_call *call)
{
    size_t n = call->node->n[0];
    if (call->g[0])
        fed_matrix_sum_rows(call->batch, n, call->dy, call->g[0], call->accumulate);
    if (call->dx[0] && call->dx[0] != call->dy)
        memcpy(call->dx[0], call->dy, call->batch * n * sizeof(float));
}

const fed_op_row FED_ROW(positional_embedding) = {
    .op = {"positional_embedding", "adds a learned table of the input's shape",
           FED_OP_LAYER, NULL, 0, 1, 1, FED_TARGET_NONE},
    .flags = FED_IN_PLACE,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
