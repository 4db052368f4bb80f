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
enum { WEIGHT, RECURRENT, BIAS };
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
    memset(cells, 0, state * sizeof *cells);
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
                                 .c = gates,
                                 .c_row = width,
                                 .accumulate = true},
                     call->scratch);
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
    fed_transpose(units, width, call->p[RECURRENT], width, turned, units);
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

/* dW = rows' dgates, over all steps at once. */
static void weight_backward(const fed_call *call, const float *rows, size_t m, float *to)
{
    const size_t *n = call->node->n, width = GATES * n[FED_RNN_HIDDEN];
    fed_gemm_run(&(fed_gemm){.m = m,
                             .n = width,
                             .k = n[FED_RNN_STEPS] * call->batch,
                             .a = rows,
                             .a_row = 1,
                             .a_col = m,
                             .b = call->saved[KEPT_GATES],
                             .b_row = width,
                             .b_col = 1,
                             .c = to,
                             .c_row = width,
                             .accumulate = call->accumulate},
                 call->scratch);
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
    const size_t *n = call->node->n, units = n[FED_RNN_HIDDEN], width = GATES * units;
    float *turned = call->work, *dh = turned + width * units;
    float *dc = dh + call->batch * units, *rows = dc + call->batch * units;
    steps_backward(call, dh, dc, turned);
    if (call->g[WEIGHT]) {
        weight_backward(call, call->saved[KEPT_X], n[FED_RNN_IN], call->g[WEIGHT]);
        weight_backward(call, call->saved[KEPT_STATES], units, call->g[RECURRENT]);
        fed_matrix_sum_rows(n[FED_RNN_STEPS] * call->batch, width,
                            call->saved[KEPT_GATES], call->g[BIAS], call->accumulate);
    }
    if (call->dx[0]) input_backward(call, rows);
}

static const fed_attr attrs[] = {FED_RECURRENT_ATTRS};

const fed_op_row FED_ROW(lstm) = {
    .op = {"lstm", "long short-term memory over a sequence", FED_OP_LAYER, attrs, 2, 1, 1,
           FED_TARGET_NONE},
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
