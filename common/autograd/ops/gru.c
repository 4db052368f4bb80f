/*
 * gru (Cho et al. 2014, with the reset gate behind the product), gates in the order r, z, n:
 *
 *   r z = sigm(x Wx + h Wh + b)    n = tanh(x Wxn + bn + r (h Whn + c))    h' = n + z (h - n)
 *
 * As in lstm.c one operator for the whole sequence. Kept for each step: the squashed gates,
 * and h Whn + c, which backward turns into the gradient that goes through h Whn.
 */
#include "recurrent.h"

#include "kernels/fast_math.h"
#include "kernels/gemm.h"
#include "kernels/transpose.h"
#include "kernels/vector.h"

enum { GATES = 3 };
enum { WEIGHT, RECURRENT, BIAS, RECURRENT_BIAS };
enum { KEPT_X, KEPT_GATES, KEPT_INNER, KEPT_STATES };

static fed_status infer(fed_node *node, const fed_shape *in, fed_error *err)
{
    FED_TRY(fed_recurrent_infer(node, in, GATES, err));
    size_t steps = node->n[FED_RNN_STEPS], units = node->n[FED_RNN_HIDDEN];
    fed_node_add_param(node, "recurrent_bias", fed_shape1(units), FED_INIT_ZERO, 0);
    node->n_saved = 4;
    node->saved[KEPT_X] = fed_each(fed_shape_count(in));
    node->saved[KEPT_GATES] = fed_each(steps * GATES * units);
    node->saved[KEPT_INNER] = fed_each(steps * units);
    node->saved[KEPT_STATES] = fed_each((steps + 1) * units);
    node->forward_work = fed_each(GATES * units);
    node->backward_work =
        (fed_room_size){units + fed_shape_count(in), GATES * units * units};
    return FED_OK;
}

static void cell_forward(size_t n, float *restrict gates, const float *restrict from_h,
                         const float *restrict bias, const float *restrict h0,
                         float *restrict inner, float *restrict h1)
{
    for (size_t j = 0; j < n; j++) {
        float r = fed_sigmoid(gates[j] + from_h[j]);
        float z = fed_sigmoid(gates[n + j] + from_h[n + j]);
        float u = from_h[2 * n + j] + bias[j];
        float new = fed_tanh(fed_madd(r, u, gates[2 * n + j]));
        gates[j] = r, gates[n + j] = z, gates[2 * n + j] = new, inner[j] = u;
        h1[j] = fed_madd(z, h0[j] - new, new);
    }
}

static void forward(const fed_call *call)
{
    const size_t *n = call->node->n, units = n[FED_RNN_HIDDEN], width = GATES * units;
    float *gates = call->saved[KEPT_GATES], *states = call->saved[KEPT_STATES];
    float *inner = call->saved[KEPT_INNER], *from_h = call->work;
    size_t state = call->batch * units;
    fed_recurrent_gather(call, call->saved[KEPT_X]);
    fed_gemm_run(&(fed_gemm){.m = n[FED_RNN_STEPS] * call->batch,
                             .n = width,
                             .k = n[FED_RNN_IN],
                             .a = call->saved[KEPT_X],
                             .a_row = n[FED_RNN_IN],
                             .a_col = 1,
                             .b = call->p[WEIGHT],
                             .b_row = width,
                             .b_col = 1,
                             .c = gates,
                             .c_row = width,
                             .bias = call->p[BIAS]},
                 call->scratch);
    memset(states, 0, state * sizeof *states);
    for (size_t t = 0; t < n[FED_RNN_STEPS]; t++, gates += call->batch * width) {
        fed_gemm_run(&(fed_gemm){.m = call->batch,
                                 .n = width,
                                 .k = units,
                                 .a = states + t * state,
                                 .a_row = units,
                                 .a_col = 1,
                                 .b = call->p[RECURRENT],
                                 .b_row = width,
                                 .b_col = 1,
                                 .c = from_h,
                                 .c_row = width},
                     call->scratch);
        for (size_t b = 0; b < call->batch; b++) {
            size_t at = t * state + b * units;
            cell_forward(units, gates + b * width, from_h + b * width,
                         call->p[RECURRENT_BIAS], states + at, inner + at,
                         states + at + state);
        }
    }
    fed_recurrent_emit(call, states);
}

/* Gates become their gradients, inner that of h Whn + c, dh what goes straight to h0. */
static void cell_backward(size_t n, float *restrict gates, float *restrict inner,
                          const float *restrict h0, float *restrict dh)
{
    for (size_t j = 0; j < n; j++) {
        float r = gates[j], z = gates[n + j], new = gates[2 * n + j], d = dh[j];
        float dn = d * (1 - z) * (1 - new *new);
        gates[j] = dn * inner[j] * r * (1 - r);
        gates[n + j] = d * (h0[j] - new) * z * (1 - z);
        gates[2 * n + j] = dn;
        inner[j] = dn * r;
        dh[j] = d * z;
    }
}

/* dh += the gradients of r and z through Wh, and of inner through Whn. */
static void state_backward(const fed_call *call, const float *gates, const float *inner,
                           const float *turned, float *dh)
{
    size_t units = call->node->n[FED_RNN_HIDDEN];
    fed_gemm g = {.m = call->batch,
                  .n = units,
                  .k = 2 * units,
                  .a = gates,
                  .a_row = GATES * units,
                  .a_col = 1,
                  .b = turned,
                  .b_row = units,
                  .b_col = 1,
                  .c = dh,
                  .c_row = units,
                  .accumulate = true};
    fed_gemm_run(&g, call->scratch);
    g.k = units, g.a = inner, g.a_row = units, g.b = turned + 2 * units * units;
    fed_gemm_run(&g, call->scratch);
}

static void steps_backward(const fed_call *call, float *dh, float *turned)
{
    size_t units = call->node->n[FED_RNN_HIDDEN], width = GATES * units;
    size_t state = call->batch * units;
    fed_transpose(units, width, call->p[RECURRENT], width, turned, units);
    memset(dh, 0, state * sizeof *dh);
    for (size_t t = call->node->n[FED_RNN_STEPS]; t-- > 0;) {
        float *gates = call->saved[KEPT_GATES] + t * call->batch * width;
        float *inner = call->saved[KEPT_INNER] + t * state;
        fed_recurrent_take(call, t, dh);
        for (size_t b = 0; b < call->batch; b++)
            cell_backward(units, gates + b * width, inner + b * units,
                          call->saved[KEPT_STATES] + t * state + b * units,
                          dh + b * units);
        if (t) state_backward(call, gates, inner, turned, dh);
    }
}

/* Columns [column, column + n) of a weight gradient: rows' times their gradients. */
static void weight_backward(const fed_call *call, const float *rows, size_t m,
                            const float *gradient, size_t gradient_row, size_t column,
                            size_t n, float *to)
{
    size_t width = GATES * call->node->n[FED_RNN_HIDDEN];
    fed_gemm_run(&(fed_gemm){.m = m,
                             .n = n,
                             .k = call->node->n[FED_RNN_STEPS] * call->batch,
                             .a = rows,
                             .a_row = 1,
                             .a_col = m,
                             .b = gradient,
                             .b_row = gradient_row,
                             .b_col = 1,
                             .c = to + column,
                             .c_row = width,
                             .accumulate = call->accumulate},
                 call->scratch);
}

static void params_backward(const fed_call *call)
{
    const size_t *n = call->node->n, units = n[FED_RNN_HIDDEN], width = GATES * units;
    size_t rows = n[FED_RNN_STEPS] * call->batch;
    const float *gates = call->saved[KEPT_GATES], *inner = call->saved[KEPT_INNER];
    const float *states = call->saved[KEPT_STATES];
    weight_backward(call, call->saved[KEPT_X], n[FED_RNN_IN], gates, width, 0, width,
                    call->g[WEIGHT]);
    weight_backward(call, states, units, gates, width, 0, 2 * units, call->g[RECURRENT]);
    weight_backward(call, states, units, inner, units, 2 * units, units,
                    call->g[RECURRENT]);
    fed_matrix_sum_rows(rows, width, gates, call->g[BIAS], call->accumulate);
    fed_matrix_sum_rows(rows, units, inner, call->g[RECURRENT_BIAS], call->accumulate);
}

static void input_backward(const fed_call *call, float *rows)
{
    const size_t *n = call->node->n, width = GATES * n[FED_RNN_HIDDEN];
    fed_gemm_run(&(fed_gemm){.m = n[FED_RNN_STEPS] * call->batch,
                             .n = n[FED_RNN_IN],
                             .k = width,
                             .a = call->saved[KEPT_GATES],
                             .a_row = width,
                             .a_col = 1,
                             .b = call->p[WEIGHT],
                             .b_row = 1,
                             .b_col = width,
                             .c = rows,
                             .c_row = n[FED_RNN_IN]},
                 call->scratch);
    fed_recurrent_scatter(call, rows);
}

static void backward(const fed_call *call)
{
    size_t units = call->node->n[FED_RNN_HIDDEN];
    float *turned = call->work, *dh = turned + GATES * units * units;
    steps_backward(call, dh, turned);
    if (call->g[WEIGHT]) params_backward(call);
    if (call->dx[0]) input_backward(call, dh + call->batch * units);
}

static const fed_attr attrs[] = {FED_RECURRENT_ATTRS};

const fed_op_row FED_ROW(gru) = {
    .op = {"gru", "gated recurrent unit over a sequence", FED_OP_LAYER, attrs, 2, 1, 1,
           FED_TARGET_NONE},
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
