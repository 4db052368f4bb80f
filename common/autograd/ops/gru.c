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
enum { RECURRENT_BIAS = FED_RNN_BIAS + 1 };
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
    fed_recurrent_from_inputs(call, call->saved[KEPT_X], gates);
    memset(states, 0, state * sizeof *states);
    for (size_t t = 0; t < n[FED_RNN_STEPS]; t++, gates += call->batch * width) {
        fed_recurrent_from_states(call, states + t * state, from_h, false);
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
    fed_transpose(units, width, call->p[FED_RNN_RECURRENT], width, turned, units);
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

static void params_backward(const fed_call *call)
{
    const size_t *n = call->node->n, units = n[FED_RNN_HIDDEN], width = GATES * units;
    size_t rows = n[FED_RNN_STEPS] * call->batch;
    const float *gates = call->saved[KEPT_GATES], *inner = call->saved[KEPT_INNER];
    const float *states = call->saved[KEPT_STATES];
    fed_gate_gradient all = {gates, width, width}, outer = {gates, width, 2 * units};
    fed_gate_gradient through = {inner, units, units};
    fed_recurrent_weights(call, call->saved[KEPT_X], n[FED_RNN_IN], &all, 0,
                          call->g[FED_RNN_WEIGHT]);
    fed_recurrent_weights(call, states, units, &outer, 0, call->g[FED_RNN_RECURRENT]);
    fed_recurrent_weights(call, states, units, &through, 2 * units,
                          call->g[FED_RNN_RECURRENT]);
    fed_matrix_sum_rows(rows, width, gates, call->g[FED_RNN_BIAS], call->accumulate);
    fed_matrix_sum_rows(rows, units, inner, call->g[RECURRENT_BIAS], call->accumulate);
}

static void backward(const fed_call *call)
{
    size_t units = call->node->n[FED_RNN_HIDDEN];
    float *turned = call->work, *dh = turned + GATES * units * units;
    steps_backward(call, dh, turned);
    if (call->g[FED_RNN_WEIGHT]) params_backward(call);
    if (call->dx[0])
        fed_recurrent_inputs(call, call->saved[KEPT_GATES], dh + call->batch * units);
}

static const fed_attr attrs[] = {FED_RECURRENT_ATTRS};

const fed_op_row FED_ROW(gru) = {
    .op = {"gru", "gated recurrent unit over a sequence", FED_OP_LAYER, attrs, 2, 1, 1,
           FED_TARGET_NONE},
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
