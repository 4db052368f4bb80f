/*
 * add, mul: two inputs, elementwise. Where a dimension of one input is 1 or missing in front,
 * its values are repeated along it; backward sums over the repetitions.
 */
#include "op.h"

/* node->n: the dimensions of the output, padded in front to four; whether both inputs have the
 * same shape; for each input the axes along which it is repeated, as bits. */
enum { SAME = 4, REPEATED = 5 };

static size_t padded_dim(const fed_shape *s, size_t axis)
{
    size_t missing = FED_RANK_MAX - s->rank;
    return axis < missing ? 1 : s->dim[axis - missing];
}

static fed_status infer(fed_node *node, const fed_shape *in, fed_error *err)
{
    char a[64], b[64];
    const fed_shape *longer = in[0].rank >= in[1].rank ? &in[0] : &in[1];
    node->shape = *longer;
    for (size_t axis = 0; axis < FED_RANK_MAX; axis++) {
        size_t x = padded_dim(&in[0], axis), y = padded_dim(&in[1], axis);
        if (x != y && x != 1 && y != 1)
            return fed_fail(err, FED_E_INVALID, "inputs: %s and %s do not match",
                            fed_shape_text(&in[0], a, sizeof a),
                            fed_shape_text(&in[1], b, sizeof b));
        node->n[axis] = x > y ? x : y;
        if (axis + longer->rank >= FED_RANK_MAX)
            node->shape.dim[axis + longer->rank - FED_RANK_MAX] = node->n[axis];
    }
    node->n[SAME] = fed_shape_equal(&in[0], &in[1]);
    for (size_t k = 0; k < 2; k++) {
        node->n[REPEATED + k] = 0;
        for (size_t axis = 0; axis < FED_RANK_MAX; axis++)
            if (padded_dim(&in[k], axis) != node->n[axis])
                node->n[REPEATED + k] |= (size_t)1 << axis;
    }
    node->flops = (double)fed_shape_count(&node->shape);
    return FED_OK;
}

/* How far input `k` moves along each axis: 0 along those where it is repeated. */
static void steps(const fed_node *node, size_t k, size_t *step)
{
    size_t size = 1;
    for (size_t axis = FED_RANK_MAX; axis-- > 0;) {
        bool repeated = node->n[REPEATED + k] >> axis & 1;
        step[axis] = repeated ? 0 : size;
        if (!repeated) size *= node->n[axis];
    }
}

static size_t input_count(const fed_node *node, size_t k)
{
    size_t size = 1;
    for (size_t axis = 0; axis < FED_RANK_MAX; axis++)
        if (!(node->n[REPEATED + k] >> axis & 1)) size *= node->n[axis];
    return size;
}

/* Call `row` for each run along the last axis of one example. */
typedef void (*fed_row_loop)(const fed_call *call, size_t y, const size_t *x,
                             const size_t *s);

static void each_row(const fed_call *call, fed_row_loop row)
{
    const fed_node *node = call->node;
    size_t a[FED_RANK_MAX], b[FED_RANK_MAX], y = 0, size = input_count(node, 0);
    size_t other = input_count(node, 1);
    steps(node, 0, a);
    steps(node, 1, b);
    for (size_t e = 0; e < call->batch; e++)
        for (size_t i = 0; i < node->n[0]; i++)
            for (size_t j = 0; j < node->n[1]; j++)
                for (size_t k = 0; k < node->n[2]; k++, y += node->n[3]) {
                    size_t x[2] = {e * size + i * a[0] + j * a[1] + k * a[2],
                                   e * other + i * b[0] + j * b[1] + k * b[2]};
                    size_t s[2] = {a[3], b[3]};
                    row(call, y, x, s);
                }
}

static void add_row(const fed_call *call, size_t y, const size_t *x, const size_t *s)
{
    for (size_t i = 0; i < call->node->n[3]; i++)
        call->y[y + i] = call->x[0][x[0] + i * s[0]] + call->x[1][x[1] + i * s[1]];
}

static void mul_row(const fed_call *call, size_t y, const size_t *x, const size_t *s)
{
    for (size_t i = 0; i < call->node->n[3]; i++)
        call->y[y + i] = call->x[0][x[0] + i * s[0]] * call->x[1][x[1] + i * s[1]];
}

static void add_row_back(const fed_call *call, size_t y, const size_t *x, const size_t *s)
{
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; call->dx[k] && i < call->node->n[3]; i++)
            call->dx[k][x[k] + i * s[k]] += call->dy[y + i];
}

static void mul_row_back(const fed_call *call, size_t y, const size_t *x, const size_t *s)
{
    for (size_t k = 0; k < 2; k++) {
        size_t o = 1 - k;
        for (size_t i = 0; call->dx[k] && i < call->node->n[3]; i++)
            call->dx[k][x[k] + i * s[k]] += call->dy[y + i] * call->x[o][x[o] + i * s[o]];
    }
}

static void add_forward(const fed_call *call)
{
    if (!call->node->n[SAME]) {
        each_row(call, add_row);
        return;
    }
    const float *a = call->x[0], *b = call->x[1];
    float *y = call->y;
    for (size_t i = 0, n = call->batch * input_count(call->node, 0); i < n; i++)
        y[i] = a[i] + b[i];
}

static void mul_forward(const fed_call *call)
{
    each_row(call, mul_row);
}

static void clear(const fed_call *call)
{
    for (size_t k = 0; k < 2; k++)
        if (call->dx[k])
            memset(call->dx[k], 0,
                   call->batch * input_count(call->node, k) * sizeof(float));
}

static void add_backward(const fed_call *call)
{
    size_t bytes = call->batch * input_count(call->node, 0) * sizeof(float);
    if (!call->node->n[SAME]) {
        clear(call);
        each_row(call, add_row_back);
        return;
    }
    for (size_t k = 0; k < 2; k++)
        if (call->dx[k]) memcpy(call->dx[k], call->dy, bytes);
}

static void mul_backward(const fed_call *call)
{
    clear(call);
    each_row(call, mul_row_back);
}

static fed_status mul_infer(fed_node *node, const fed_shape *in, fed_error *err)
{
    node->needs_x = 3;
    return infer(node, in, err);
}

const fed_op_row FED_ROW(add) = {
    .op = {"add", "sum of two inputs, repeating dimensions of 1", FED_OP_LAYER, NULL, 0,
           2, 2, FED_TARGET_NONE},
    .infer = infer,
    .forward = add_forward,
    .backward = add_backward,
};

const fed_op_row FED_ROW(mul) = {
    .op = {"mul", "product of two inputs, repeating dimensions of 1", FED_OP_LAYER, NULL,
           0, 2, 2, FED_TARGET_NONE},
    .infer = mul_infer,
    .forward = mul_forward,
    .backward = mul_backward,
};
