/*
 * linear: y = x W + b over the last dimension. x is [rows][in], W [in][out], b [out], where
 * rows are the examples times all dimensions but the last.
 *
 *   dW = x' dy    db = the sum of dy over rows    dx = dy W'
 *
 * At a device's batch sizes a wide layer waits for memory: its weights are far more than its
 * values. So backward takes a slice of W through dx and dW while it is in the cache, and a plain
 * SGD step moves the weights there and then: no gradient is written, nor read again.
 */
#include "op.h"

#include "activation.h"
#include "kernels/gemm.h"
#include "kernels/vector.h"

enum { UNITS, BIAS, ACTIVATION };
enum { ROWS, IN, OUT };

static const fed_attr attrs[] = {
    {"units", FED_ATTR_INT, true, 1, 1 << 20, 0, NULL, 0, "outputs"},
    {"bias", FED_ATTR_BOOL, false, 0, 1, 1, NULL, 0, "add a bias"},
    FED_ATTR_ACTIVATION,
};

static fed_status infer(fed_node *node, const fed_shape *in, fed_error *err)
{
    (void)err;
    size_t width = in->dim[in->rank - 1], units = fed_attr_size(node, UNITS);
    node->n[ROWS] = fed_shape_count(in) / width;
    node->n[IN] = width;
    node->n[OUT] = units;
    node->shape = *in;
    node->shape.dim[in->rank - 1] = units;
    fed_node_add_param(node, "weight", fed_shape2(width, units), FED_INIT_UNIFORM,
                       fed_init_bound(node, ACTIVATION, width, units));
    if (node->attrs[BIAS].number != 0)
        fed_node_add_param(node, "bias", fed_shape1(units), FED_INIT_ZERO, 0);
    node->needs_x = 1;
    node->step_batch = FED_GEMM_DEPTH / node->n[ROWS];
    node->flops = 2.0 * (double)node->n[ROWS] * (double)width * (double)units;
    return FED_OK;
}

static void forward(const fed_call *call)
{
    const size_t *n = call->node->n;
    fed_gemm_run(&(fed_gemm){.m = call->batch * n[ROWS],
                             .n = n[OUT],
                             .k = n[IN],
                             .a = call->x[0],
                             .a_row = n[IN],
                             .a_col = 1,
                             .b = call->p[0],
                             .b_row = n[OUT],
                             .b_col = 1,
                             .c = call->y,
                             .c_row = n[OUT],
                             .bias = call->p[1],
                             .relu = call->relu},
                 call->scratch);
}

/* Rows [from, from + n) of W: dx first, a step would change W. */
static void slice_backward(const fed_call *call, size_t rows, size_t from, size_t n)
{
    size_t in = call->node->n[IN], out = call->node->n[OUT];
    if (call->dx[0])
        fed_gemm_run(&(fed_gemm){.m = rows,
                                 .n = n,
                                 .k = out,
                                 .a = call->dy,
                                 .a_row = out,
                                 .a_col = 1,
                                 .b = call->p[0] + from * out,
                                 .b_row = 1,
                                 .b_col = out,
                                 .c = call->dx[0] + from,
                                 .c_row = in},
                     call->scratch);
    if (call->g[0])
        fed_gemm_run(&(fed_gemm){.m = n,
                                 .n = out,
                                 .k = rows,
                                 .a = call->x[0] + from,
                                 .a_row = 1,
                                 .a_col = in,
                                 .b = call->dy,
                                 .b_row = out,
                                 .b_col = 1,
                                 .c = call->g[0] + from * out,
                                 .c_row = out,
                                 .accumulate = call->accumulate,
                                 .step = call->step},
                     call->scratch);
}

static void backward(const fed_call *call)
{
    enum { SLICE = 1 << 16, FEW = 32 }; /* floats of W; rows */
    const size_t *n = call->node->n, rows = call->batch * n[ROWS];
    size_t slice = rows <= FEW && n[OUT] < SLICE ? SLICE / n[OUT] : n[IN];
    for (size_t from = 0; from < n[IN]; from += slice)
        slice_backward(call, rows, from, n[IN] - from < slice ? n[IN] - from : slice);
    if (call->g[1])
        fed_matrix_sum_rows(rows, n[OUT], call->dy, call->g[1], call->accumulate);
}

const fed_op_row FED_ROW(linear) = {
    .op = {"linear", "y = x W + b over the last dimension", FED_OP_LAYER, attrs,
           sizeof attrs / sizeof *attrs, 1, 1, FED_TARGET_NONE},
    .flags = FED_TAKES_RELU,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
