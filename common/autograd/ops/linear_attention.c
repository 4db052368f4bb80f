/*
 * linear_attention (Katharopoulos et al. 2020): with f(x) = elu(x) + 1 and sums over the steps
 * j that step i sees (all, or j <= i when causal)
 *
 *   S = sum f(k_j) v_j'    z = sum f(k_j)    d_i = f(q_i) z    y_i = f(q_i) S / d_i
 *
 * Time and memory grow linearly with the steps. Backward, with g_i = dy_i / d_i and
 * s_i = -dy_i y_i / d_i: df(q_i) = S g_i + s_i z, and with G = sum f(q_i) g_i', u = sum s_i f(q_i)
 * over the steps i that see j: df(k_j) = G v_j + u, dv_j = G' f(k_j). See heads.h.
 */
#include "heads.h"

#include "kernels/fast_math.h"
#include "kernels/vector.h"

static const fed_attr attrs[] = {FED_HEAD_ATTRS};

static fed_status infer(fed_node *node, const fed_shape *in, fed_error *err)
{
    FED_TRY(fed_heads_infer(node, in, err));
    size_t size = node->n[FED_ATT_SIZE];
    node->saved[0] = fed_each(node->n[FED_ATT_HEADS] * node->n[FED_ATT_STEPS]);
    node->n_saved = 1;
    node->needs_y = true;
    /* a matrix, a vector, and f() of a query and of a key */
    node->forward_work.fixed = node->backward_work.fixed = size * size + 4 * size;
    node->flops = 4.0 * (double)fed_shape_count(&node->shape) * (double)size;
    return FED_OK;
}

static float feature(float x)
{
    return x > 0 ? x + 1.0f : fed_exp(x);
}

static void features(size_t n, const float *x, float *to)
{
    for (size_t i = 0; i < n; i++)
        to[i] = feature(x[i]);
}

/* Add to dx the gradient df of f(x), whose derivative is 1 or f(x) itself. */
static void features_backward(size_t n, const float *x, const float *df, float *dx,
                              bool add)
{
    for (size_t i = 0; i < n; i++)
        dx[i] = df[i] * (x[i] > 0 ? 1.0f : feature(x[i])) + (add ? dx[i] : 0);
}

/* The running sums S (or G) and z (or u), in `call->work`. */
typedef struct fed_sums {
    size_t n;
    float *matrix, *vector, *a, *b, *c;
} fed_sums;

static fed_sums empty_sums(const fed_call *call)
{
    size_t n = call->node->n[FED_ATT_SIZE];
    float *at = call->work;
    memset(at, 0, (n * n + n) * sizeof *at);
    return (fed_sums){
        n, at, at + n * n, at + n * n + n, at + n * n + 2 * n, at + n * n + 3 * n};
}

/* matrix += left right', vector += factor left */
static void add_step(fed_sums *s, const float *left, const float *right, float factor)
{
    for (size_t i = 0; i < s->n; i++)
        fed_vector_axpy(s->n, left[i], right, s->matrix + i * s->n);
    fed_vector_axpy(s->n, factor, left, s->vector);
}

static void add_key(fed_sums *s, const fed_head *h, size_t j)
{
    features(s->n, h->k + j * h->row, s->b);
    add_step(s, s->b, h->v + j * h->row, 1);
}

static void head_forward(const fed_call *call, const fed_head *h, float *kept)
{
    size_t steps = call->node->n[FED_ATT_STEPS];
    bool causal = call->node->attrs[FED_CAUSAL].number != 0;
    fed_sums s = empty_sums(call);
    for (size_t j = 0; j < steps && !causal; j++)
        add_key(&s, h, j);
    for (size_t i = 0; i < steps; i++) {
        float *y = call->y + h->y_at + i * h->y_row;
        if (causal) add_key(&s, h, i);
        features(s.n, h->q + i * h->row, s.a);
        kept[i] = fed_vector_dot(s.n, s.a, s.vector) + 1e-6f;
        memset(y, 0, s.n * sizeof *y);
        for (size_t k = 0; k < s.n; k++)
            fed_vector_axpy(s.n, s.a[k] / kept[i], s.matrix + k * s.n, y);
    }
}

static void forward(const fed_call *call)
{
    const size_t *n = call->node->n;
    for (size_t e = 0; e < call->batch; e++)
        for (size_t i = 0; i < n[FED_ATT_HEADS]; i++) {
            fed_head h = fed_head_at(call, e, i);
            head_forward(call, &h,
                         call->saved[0] + (e * n[FED_ATT_HEADS] + i) * n[FED_ATT_STEPS]);
        }
}

/* g_i into s->c; returns s_i. */
static float output_gradient(const fed_call *call, const fed_head *h, const float *kept,
                             size_t i, fed_sums *s)
{
    const float *dy = call->dy + h->y_at + i * h->y_row;
    const float *y = call->y + h->y_at + i * h->y_row;
    fed_vector_scale(s->n, 1.0f / kept[i], dy, s->c);
    return -fed_vector_dot(s->n, s->c, y);
}

static void queries_backward(const fed_call *call, const fed_head *h, const float *kept)
{
    size_t steps = call->node->n[FED_ATT_STEPS];
    bool causal = call->node->attrs[FED_CAUSAL].number != 0;
    fed_sums s = empty_sums(call);
    for (size_t j = 0; j < steps && !causal; j++)
        add_key(&s, h, j);
    for (size_t i = 0; i < steps; i++) {
        if (causal) add_key(&s, h, i);
        float factor = output_gradient(call, h, kept, i, &s);
        for (size_t k = 0; k < s.n; k++)
            s.a[k] = fed_vector_dot(s.n, s.matrix + k * s.n, s.c) + factor * s.vector[k];
        features_backward(s.n, h->q + i * h->row, s.a, call->dx[0] + h->q_at + i * h->row,
                          false);
    }
}

static void add_query(const fed_call *call, fed_sums *s, const fed_head *h,
                      const float *kept, size_t i)
{
    float factor = output_gradient(call, h, kept, i, s);
    features(s->n, h->q + i * h->row, s->a);
    add_step(s, s->a, s->c, factor);
}

static void keys_backward(const fed_call *call, const fed_head *h, const float *kept)
{
    size_t steps = call->node->n[FED_ATT_STEPS];
    bool causal = call->node->attrs[FED_CAUSAL].number != 0, add = !h->first_of_group;
    fed_sums s = empty_sums(call);
    for (size_t i = 0; i < steps && !causal; i++)
        add_query(call, &s, h, kept, i);
    for (size_t j = steps; j-- > 0;) {
        float *dv = call->dx[0] + h->v_at + j * h->row;
        if (causal) add_query(call, &s, h, kept, j);
        for (size_t k = 0; k < s.n; k++)
            s.a[k] =
                fed_vector_dot(s.n, s.matrix + k * s.n, h->v + j * h->row) + s.vector[k];
        features_backward(s.n, h->k + j * h->row, s.a, call->dx[0] + h->k_at + j * h->row,
                          add);
        features(s.n, h->k + j * h->row, s.b);
        if (!add) memset(dv, 0, s.n * sizeof *dv);
        for (size_t k = 0; k < s.n; k++)
            fed_vector_axpy(s.n, s.b[k], s.matrix + k * s.n, dv);
    }
}

static void backward(const fed_call *call)
{
    const size_t *n = call->node->n;
    for (size_t e = 0; e < call->batch; e++)
        for (size_t i = 0; i < n[FED_ATT_HEADS]; i++) {
            fed_head h = fed_head_at(call, e, i);
            const float *kept =
                call->saved[0] + (e * n[FED_ATT_HEADS] + i) * n[FED_ATT_STEPS];
            queries_backward(call, &h, kept);
            keys_backward(call, &h, kept);
        }
}

const fed_op_row FED_ROW(linear_attention) = {
    .op = {"linear_attention", "attention in time linear in the steps", FED_OP_LAYER,
           attrs, 3, 1, 1, FED_TARGET_NONE},
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
