/* slice: `length` entries along an axis, from `start` on. */
#include "axis.h"

enum { START, LENGTH, AXIS };
enum { BEFORE, FROM, PART, ROW };

static const fed_attr attrs[] = {
    {"start", FED_ATTR_INT, false, 0, 1 << 30, 0, NULL, 0, "first entry"},
    {"length", FED_ATTR_INT, true, 1, 1 << 30, 0, NULL, 0, "number of entries"},
    FED_ATTR_AXIS,
};

static fed_status infer(fed_node *node, const fed_shape *in, fed_error *err)
{
    size_t axis = 0, start = fed_attr_size(node, START),
           length = fed_attr_size(node, LENGTH);
    FED_TRY(fed_axis_resolve(node, AXIS, in, &axis, err));
    if (start + length > in->dim[axis])
        return fed_fail(err, FED_E_INVALID,
                        "length: %zu from %zu on is beyond the %zu of axis %zu", length,
                        start, in->dim[axis], axis);
    size_t behind = fed_axis_behind(in, axis);
    node->shape = *in;
    node->shape.dim[axis] = length;
    node->n[BEFORE] = fed_axis_before(in, axis);
    node->n[FROM] = start * behind;
    node->n[PART] = length * behind;
    node->n[ROW] = in->dim[axis] * behind;
    return FED_OK;
}

static void forward(const fed_call *call)
{
    const size_t *n = call->node->n;
    for (size_t i = 0; i < call->batch * n[BEFORE]; i++)
        memcpy(call->y + i * n[PART], call->x[0] + i * n[ROW] + n[FROM],
               n[PART] * sizeof(float));
}

static void backward(const fed_call *call)
{
    const size_t *n = call->node->n;
    memset(call->dx[0], 0, call->batch * n[BEFORE] * n[ROW] * sizeof(float));
    for (size_t i = 0; i < call->batch * n[BEFORE]; i++)
        memcpy(call->dx[0] + i * n[ROW] + n[FROM], call->dy + i * n[PART],
               n[PART] * sizeof(float));
}

const fed_op_row FED_ROW(slice) = {
    .op = {"slice", "some entries along an axis", FED_OP_LAYER, attrs, 3, 1, 1,
           FED_TARGET_NONE},
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
