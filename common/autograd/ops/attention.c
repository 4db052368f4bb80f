/*
 * attention (Vaswani et al. 2017, section 3.2.1): softmax(Q K' / sqrt(size)) V for each head,
 * with scale, mask and softmax in one pass over each row. A causal head sees no later step; a
 * window sees only the nearest steps. See heads.h for the layout.
 *
 *   dP = dY V'    dS = P (dP - the row sums of dP P) / sqrt(size)
 *   dQ = dS K    dK = dS' Q    dV = P' dY
 */
#include "heads.h"

#include "kernels/fast_math.h"
#include "kernels/gemm.h"
#include "kernels/vector.h"

enum { WINDOW = FED_CAUSAL + 1 };

static const fed_attr attrs[] = {
    FED_HEAD_ATTRS,
    {"window", FED_ATTR_INT, false, 0, 1 << 20, 0, NULL, 0,
     "a step sees those less than this far away; 0: all"},
};

static fed_status infer(fed_node *node, const fed_shape *in, fed_error *err)
{
    FED_TRY(fed_heads_infer(node, in, err));
    size_t steps = node->n[FED_ATT_STEPS], heads = node->n[FED_ATT_HEADS];
    node->saved[0] = fed_each(heads * steps * steps);
    node->n_saved = 1;
    node->backward_work.fixed = steps * steps;
    node->flops = 4.0 * (double)(heads * node->n[FED_ATT_SIZE]) * (double)(steps * steps);
    return FED_OK;
}

/* The steps [from, to) that step i sees. */
static void visible(const fed_node *node, size_t i, size_t *from, size_t *to)
{
    size_t steps = node->n[FED_ATT_STEPS], window = fed_attr_size(node, WINDOW);
    *from = window && i + 1 > window ? i + 1 - window : 0;
    *to = node->attrs[FED_CAUSAL].number != 0 ? i + 1 : steps;
    if (window && *to > i + window) *to = i + window;
}

/* C[steps][n] = A B with A [steps][steps] or its transpose. */
static void by_steps(const fed_call *call, const float *a, bool turned, const float *b,
                     size_t b_row, float *c, size_t c_row, bool accumulate)
{
    size_t steps = call->node->n[FED_ATT_STEPS];
    fed_gemm_run(&(fed_gemm){.m = steps,
                             .n = call->node->n[FED_ATT_SIZE],
                             .k = steps,
                             .a = a,
                             .a_row = turned ? 1 : steps,
                             .a_col = turned ? steps : 1,
                             .b = b,
                             .b_row = b_row,
                             .b_col = 1,
                             .c = c,
                             .c_row = c_row,
                             .accumulate = accumulate},
                 call->scratch);
}

/* C[steps][steps] = A B' over the values of a head. */
static void against(const fed_call *call, const float *a, size_t a_row, const float *b,
                    size_t b_row, float *c)
{
    size_t steps = call->node->n[FED_ATT_STEPS];
    fed_gemm_run(&(fed_gemm){.m = steps,
                             .n = steps,
                             .k = call->node->n[FED_ATT_SIZE],
                             .a = a,
                             .a_row = a_row,
                             .a_col = 1,
                             .b = b,
                             .b_row = 1,
                             .b_col = b_row,
                             .c = c,
                             .c_row = steps},
                 call->scratch);
}

static float scale_of(const fed_node *node)
{
    return 1.0f / __builtin_sqrtf((float)node->n[FED_ATT_SIZE]);
}

static void softmax_rows(const fed_node *node, float *p)
{
    size_t steps = node->n[FED_ATT_STEPS], from, to;
    float scale = scale_of(node);
    for (size_t i = 0; i < steps; i++, p += steps) {
        visible(node, i, &from, &to);
        float top = fed_vector_max(to - from, p + from);
        for (size_t j = from; j < to; j++)
            p[j] = fed_exp((p[j] - top) * scale);
        memset(p, 0, from * sizeof *p);
        memset(p + to, 0, (steps - to) * sizeof *p);
        fed_vector_scale(to - from, 1.0f / fed_vector_sum(to - from, p + from), p + from,
                         p + from);
    }
}

static void forward(const fed_call *call)
{
    const size_t *n = call->node->n;
    float *p = call->saved[0];
    for (size_t e = 0; e < call->batch; e++)
        for (size_t i = 0; i < n[FED_ATT_HEADS]; i++) {
            fed_head h = fed_head_at(call, e, i);
            against(call, h.q, h.row, h.k, h.row, p);
            softmax_rows(call->node, p);
            by_steps(call, p, false, h.v, h.row, call->y + h.y_at, h.y_row, false);
            p += n[FED_ATT_STEPS] * n[FED_ATT_STEPS];
        }
}

/* dP in `d` becomes dS. */
static void softmax_rows_backward(const fed_node *node, const float *p, float *d)
{
    size_t steps = node->n[FED_ATT_STEPS];
    float scale = scale_of(node);
    for (size_t i = 0; i < steps; i++, p += steps, d += steps) {
        float sum = fed_vector_dot(steps, p, d);
        for (size_t j = 0; j < steps; j++)
            d[j] = p[j] * (d[j] - sum) * scale;
    }
}

static void backward(const fed_call *call)
{
    const size_t *n = call->node->n;
    const float *p = call->saved[0];
    for (size_t e = 0; e < call->batch; e++)
        for (size_t i = 0; i < n[FED_ATT_HEADS]; i++) {
            fed_head h = fed_head_at(call, e, i);
            const float *dy = call->dy + h.y_at;
            float *d = call->work, *dx = call->dx[0];
            against(call, dy, h.y_row, h.v, h.row, d);
            softmax_rows_backward(call->node, p, d);
            by_steps(call, p, true, dy, h.y_row, dx + h.v_at, h.row, !h.first_of_group);
            by_steps(call, d, false, h.k, h.row, dx + h.q_at, h.row, false);
            by_steps(call, d, true, h.q, h.row, dx + h.k_at, h.row, !h.first_of_group);
            p += n[FED_ATT_STEPS] * n[FED_ATT_STEPS];
        }
}

const fed_op_row FED_ROW(attention) = {
    .op = {"attention", "softmax(Q K' / sqrt(size)) V for each head", FED_OP_LAYER, attrs,
           4, 1, 1, FED_TARGET_NONE},
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
