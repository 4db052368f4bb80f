#include "recurrent.h"

#include <math.h>

#include "kernels/gemm.h"
#include "kernels/vector.h"

fed_status fed_recurrent_infer(fed_node *node, const fed_shape *in, size_t gates,
                               fed_error *err)
{
    char text[64];
    size_t units = fed_attr_size(node, FED_RNN_UNITS);
    double bound = sqrt(1.0 / (double)units);
    if (in->rank != 2)
        return fed_fail(err, FED_E_INVALID, "input: %s is not steps x values",
                        fed_shape_text(in, text, sizeof text));
    node->n[FED_RNN_STEPS] = in->dim[0];
    node->n[FED_RNN_IN] = in->dim[1];
    node->n[FED_RNN_HIDDEN] = units;
    node->n[FED_RNN_WIDTH] = gates * units;
    node->shape = node->attrs[FED_RNN_SEQUENCE].number != 0
                      ? fed_shape2(in->dim[0], units)
                      : fed_shape1(units);
    node->needs_x = 0; /* a time-major copy is kept instead */
    node->flops =
        2.0 * (double)in->dim[0] * (double)(in->dim[1] + units) * (double)(gates * units);
    fed_node_add_param(node, "weight", fed_shape2(in->dim[1], gates * units),
                       FED_INIT_UNIFORM, bound);
    fed_node_add_param(node, "recurrent", fed_shape2(units, gates * units),
                       FED_INIT_UNIFORM, bound);
    fed_node_add_param(node, "bias", fed_shape1(gates * units), FED_INIT_ZERO, 0);
    return FED_OK;
}

void fed_recurrent_gather(const fed_call *call, float *to)
{
    size_t steps = call->node->n[FED_RNN_STEPS], in = call->node->n[FED_RNN_IN];
    for (size_t b = 0; b < call->batch; b++)
        for (size_t t = 0; t < steps; t++)
            memcpy(to + (t * call->batch + b) * in, call->x[0] + (b * steps + t) * in,
                   in * sizeof *to);
}

void fed_recurrent_scatter(const fed_call *call, const float *from)
{
    size_t steps = call->node->n[FED_RNN_STEPS], in = call->node->n[FED_RNN_IN];
    for (size_t b = 0; b < call->batch; b++)
        for (size_t t = 0; t < steps; t++)
            memcpy(call->dx[0] + (b * steps + t) * in, from + (t * call->batch + b) * in,
                   in * sizeof *from);
}

void fed_recurrent_emit(const fed_call *call, const float *states)
{
    size_t steps = call->node->n[FED_RNN_STEPS], units = call->node->n[FED_RNN_HIDDEN];
    bool all = call->node->attrs[FED_RNN_SEQUENCE].number != 0;
    for (size_t b = 0; b < call->batch; b++)
        for (size_t t = all ? 0 : steps - 1; t < steps; t++)
            memcpy(call->y + (all ? b * steps + t : b) * units,
                   states + ((t + 1) * call->batch + b) * units, units * sizeof(float));
}

void fed_recurrent_take(const fed_call *call, size_t step, float *dh)
{
    size_t steps = call->node->n[FED_RNN_STEPS], units = call->node->n[FED_RNN_HIDDEN];
    bool all = call->node->attrs[FED_RNN_SEQUENCE].number != 0;
    if (!all && step + 1 < steps) return;
    for (size_t b = 0; b < call->batch; b++)
        fed_vector_add(units, call->dy + (all ? b * steps + step : b) * units,
                       dh + b * units);
}

void fed_recurrent_from_inputs(const fed_call *call, const float *x, float *gates)
{
    const size_t *n = call->node->n, width = n[FED_RNN_WIDTH];
    fed_gemm_run(&(fed_gemm){.m = n[FED_RNN_STEPS] * call->batch,
                             .n = width,
                             .k = n[FED_RNN_IN],
                             .a = x,
                             .a_row = n[FED_RNN_IN],
                             .a_col = 1,
                             .b = call->p[FED_RNN_WEIGHT],
                             .b_row = width,
                             .b_col = 1,
                             .c = gates,
                             .c_row = width,
                             .bias = call->p[FED_RNN_BIAS]},
                 call->scratch);
}

void fed_recurrent_from_states(const fed_call *call, const float *h, float *to,
                               bool accumulate)
{
    const size_t *n = call->node->n, width = n[FED_RNN_WIDTH];
    fed_gemm_run(&(fed_gemm){.m = call->batch,
                             .n = width,
                             .k = n[FED_RNN_HIDDEN],
                             .a = h,
                             .a_row = n[FED_RNN_HIDDEN],
                             .a_col = 1,
                             .b = call->p[FED_RNN_RECURRENT],
                             .b_row = width,
                             .b_col = 1,
                             .c = to,
                             .c_row = width,
                             .accumulate = accumulate},
                 call->scratch);
}

void fed_recurrent_weights(const fed_call *call, const float *rows, size_t m,
                           const fed_gate_gradient *d, size_t column, float *to)
{
    fed_gemm_run(&(fed_gemm){.m = m,
                             .n = d->n,
                             .k = call->node->n[FED_RNN_STEPS] * call->batch,
                             .a = rows,
                             .a_row = 1,
                             .a_col = m,
                             .b = d->at,
                             .b_row = d->row,
                             .b_col = 1,
                             .c = to + column,
                             .c_row = call->node->n[FED_RNN_WIDTH],
                             .accumulate = call->accumulate},
                 call->scratch);
}

void fed_recurrent_inputs(const fed_call *call, const float *gates, float *rows)
{
    const size_t *n = call->node->n, width = n[FED_RNN_WIDTH];
    fed_gemm_run(&(fed_gemm){.m = n[FED_RNN_STEPS] * call->batch,
                             .n = n[FED_RNN_IN],
                             .k = width,
                             .a = gates,
                             .a_row = width,
                             .a_col = 1,
                             .b = call->p[FED_RNN_WEIGHT],
                             .b_row = 1,
                             .b_col = width,
                             .c = rows,
                             .c_row = n[FED_RNN_IN]},
                 call->scratch);
    fed_recurrent_scatter(call, rows);
}
