/*
 * lstm (Hochreiter, Schmidhuber 1997; Gers et al. 2000), gates in the order i, f, g, o:
 *
 *   i f g o = x Wx + h Wh + b    c' = sigm(f) c + sigm(i) tanh(g)    h' = sigm(o) tanh(c')
 *
 * One operator, not unrolled nodes: all x Wx at once, per step only h Wh, gates in place, and
 * one product over all steps for each weight gradient.
 */
#include "recurrent.h"

#include "kernels/fast_math.h"
#include "kernels/gemm.h"
#include "kernels/transpose.h"
#include "kernels/vector.h"

enum { GATES = 4 };
enum { KEPT_X, KEPT_GATES, KEPT_CELLS, KEPT_STATES };

static fed_status infer(fed_node *node, const fed_shape *in, fed_error *err)
{
    FED_TRY(fed_recurrent_infer(node, in, GATES, err));
    size_t steps = node->n[FED_RNN_STEPS], units = node->n[FED_RNN_HIDDEN];
    node->n_saved = 4;
    node->saved[KEPT_X] = fed_each(fed_shape_count(in));
    node->saved[KEPT_GATES] = fed_each(steps * GATES * units);
    node->saved[KEPT_CELLS] = fed_each((steps + 1) * units);
    node->saved[KEPT_STATES] = fed_each((steps + 1) * units);
    node->backward_work =
        (fed_room_size){2 * units + fed_shape_count(in), GATES * units * units};
    return FED_OK;
}

static void cell_forward(size_t n, float *restrict gates, const float *restrict c0,
                         float *restrict c1, float *restrict h1)
{
    float *restrict i = gates, *restrict f = gates + n, *restrict g = gates + 2 * n;
    float *restrict o = gates + 3 * n;
    for (size_t j = 0; j < n; j++) {
        i[j] = fed_sigmoid(i[j]);
        f[j] = fed_sigmoid(f[j]);
        g[j] = fed_tanh(g[j]);
        o[j] = fed_sigmoid(o[j]);
        float c = fed_madd(f[j], c0[j], i[j] * g[j]);
        c1[j] = c;
        h1[j] = o[j] * fed_tanh(c);
    }
}

static void forward(const fed_call *call)
{
    const size_t *n = call->node->n, units = n[FED_RNN_HIDDEN], width = GATES * units;
    float *gates = call->saved[KEPT_GATES], *cells = call->saved[KEPT_CELLS];
    float *states = call->saved[KEPT_STATES];
    size_t state = call->batch * units;
    fed_recurrent_gather(call, call->saved[KEPT_X]);
    fed_recurrent_from_inputs(call, call->saved[KEPT_X], gates);
    memset(cells, 0, state * sizeof *cells);
    memset(states, 0, state * sizeof *states);
    for (size_t t = 0; t < n[FED_RNN_STEPS]; t++, gates += call->batch * width) {
        fed_recurrent_from_states(call, states + t * state, gates, true);
        for (size_t b = 0; b < call->batch; b++) {
            size_t at = t * state + b * units;
            cell_forward(units, gates + b * width, cells + at, cells + at + state,
                         states + at + state);
        }
    }
    fed_recurrent_emit(call, states);
}

/* Gates become their gradients (before the squashing); dc becomes that of the step before. */
static void cell_backward(size_t n, float *restrict gates, const float *restrict c0,
                          const float *restrict c1, const float *restrict dh,
                          float *restrict dc)
{
    float *restrict i = gates, *restrict f = gates + n, *restrict g = gates + 2 * n;
    float *restrict o = gates + 3 * n;
    for (size_t j = 0; j < n; j++) {
        float th = fed_tanh(c1[j]);
        float d = dc[j] + dh[j] * o[j] * (1 - th * th);
        float di = d * g[j] * i[j] * (1 - i[j]), dg = d * i[j] * (1 - g[j] * g[j]);
        dc[j] = d * f[j];
        f[j] = d * c0[j] * f[j] * (1 - f[j]);
        o[j] = dh[j] * th * o[j] * (1 - o[j]);
        i[j] = di;
        g[j] = dg;
    }
}

static void steps_backward(const fed_call *call, float *dh, float *dc, float *turned)
{
    size_t units = call->node->n[FED_RNN_HIDDEN], width = GATES * units;
    size_t state = call->batch * units;
    const float *cells = call->saved[KEPT_CELLS];
    fed_transpose(units, width, call->p[FED_RNN_RECURRENT], width, turned, units);
    memset(dh, 0, state * sizeof *dh);
    memset(dc, 0, state * sizeof *dc);
    for (size_t t = call->node->n[FED_RNN_STEPS]; t-- > 0;) {
        float *gates = call->saved[KEPT_GATES] + t * call->batch * width;
        fed_recurrent_take(call, t, dh);
        for (size_t b = 0; b < call->batch; b++) {
            size_t at = t * state + b * units;
            cell_backward(units, gates + b * width, cells + at, cells + at + state,
                          dh + b * units, dc + b * units);
        }
        if (!t) break; /* the start state needs no gradient */
        fed_gemm_run(&(fed_gemm){.m = call->batch,
                                 .n = units,
                                 .k = width,
                                 .a = gates,
                                 .a_row = width,
                                 .a_col = 1,
                                 .b = turned,
                                 .b_row = units,
                                 .b_col = 1,
                                 .c = dh,
                                 .c_row = units},
                     call->scratch);
    }
}

static void backward(const fed_call *call)
{
    const size_t *n = call->node->n, units = n[FED_RNN_HIDDEN], width = GATES * units;
    float *turned = call->work, *dh = turned + width * units;
    float *dc = dh + call->batch * units, *rows = dc + call->batch * units;
    steps_backward(call, dh, dc, turned);
    if (call->g[FED_RNN_WEIGHT]) {
        fed_gate_gradient d = {call->saved[KEPT_GATES], width, width};
        fed_recurrent_weights(call, call->saved[KEPT_X], n[FED_RNN_IN], &d, 0,
                              call->g[FED_RNN_WEIGHT]);
        fed_recurrent_weights(call, call->saved[KEPT_STATES], units, &d, 0,
                              call->g[FED_RNN_RECURRENT]);
        fed_matrix_sum_rows(n[FED_RNN_STEPS] * call->batch, width,
                            call->saved[KEPT_GATES], call->g[FED_RNN_BIAS],
                            call->accumulate);
    }
    if (call->dx[0]) fed_recurrent_inputs(call, call->saved[KEPT_GATES], rows);
}

static const fed_attr attrs[] = {FED_RECURRENT_ATTRS};

const fed_op_row FED_ROW(lstm) = {
    .op = {"lstm", "long short-term memory over a sequence", FED_OP_LAYER, attrs, 2, 1, 1,
           FED_TARGET_NONE},
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
