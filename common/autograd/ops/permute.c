/* transpose: dimensions in another order; dimension i of the output is order[i] of the input. */
#include "op.h"

enum { ORDER };
/* node->n: four dimensions of the output, then the input's step along each. */
enum { STEP = FED_RANK_MAX };

static const fed_attr attrs[] = {
    {"order", FED_ATTR_INTS, true, 0, FED_RANK_MAX - 1, 0, NULL, FED_RANK_MAX,
     "a permutation of 0, 1, ..."},
};

static fed_status infer(fed_node *node, const fed_shape *in, fed_error *err)
{
    const fed_attr_value *order = &node->attrs[ORDER];
    size_t step[FED_RANK_MAX], seen = 0;
    if (order->n_items != in->rank)
        return fed_fail(err, FED_E_INVALID,
                        "order: %zu items, the input has %zu dimensions", order->n_items,
                        in->rank);
    for (size_t i = 0; i < FED_RANK_MAX; i++)
        node->n[i] = 1, node->n[STEP + i] = 0;
    for (size_t i = in->rank, size = 1; i-- > 0; size *= in->dim[i])
        step[i] = size;
    node->shape.rank = in->rank;
    for (size_t i = 0; i < in->rank; i++) {
        size_t from = (size_t)order->items[i], at = FED_RANK_MAX - in->rank + i;
        if (from >= in->rank || seen >> from & 1)
            return fed_fail(
                err, FED_E_INVALID, "order: %zu at position %zu is %s", from, i,
                from < in->rank ? "there twice" : "no dimension of the input");
        seen |= (size_t)1 << from;
        node->shape.dim[i] = node->n[at] = in->dim[from];
        node->n[STEP + at] = step[from];
    }
    return FED_OK;
}

/* Copy one example from its order to the new one, or back. */
static void permute(const size_t *n, const float *from, float *to, bool back)
{
    for (size_t i = 0; i < n[0]; i++)
        for (size_t j = 0; j < n[1]; j++)
            for (size_t k = 0; k < n[2]; k++) {
                size_t x = i * n[STEP] + j * n[STEP + 1] + k * n[STEP + 2];
                size_t y = ((i * n[1] + j) * n[2] + k) * n[3];
                for (size_t l = 0; l < n[3]; l++, x += n[STEP + 3], y++)
                    if (back)
                        to[x] = from[y];
                    else
                        to[y] = from[x];
            }
}

static void forward(const fed_call *call)
{
    size_t count = fed_shape_count(&call->node->shape);
    for (size_t i = 0; i < call->batch; i++)
        permute(call->node->n, call->x[0] + i * count, call->y + i * count, false);
}

static void backward(const fed_call *call)
{
    size_t count = fed_shape_count(&call->node->shape);
    for (size_t i = 0; i < call->batch; i++)
        permute(call->node->n, call->dy + i * count, call->dx[0] + i * count, true);
}

const fed_op_row FED_ROW(transpose) = {
    .op = {"transpose", "dimensions in another order", FED_OP_LAYER, attrs, 1, 1, 1,
           FED_TARGET_NONE},
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
