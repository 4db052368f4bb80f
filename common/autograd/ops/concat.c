/* concat: inputs one behind the other along an axis; the other dimensions agree. */
#include "axis.h"

enum { AXIS };
/* node->n: how often the inputs alternate, and the length of one round. */
enum { BEFORE, ROW };

static const fed_attr attrs[] = {FED_ATTR_AXIS};

static fed_status infer(fed_node *node, const fed_shape *in, fed_error *err)
{
    size_t axis = 0;
    char a[64], b[64];
    FED_TRY(fed_axis_resolve(node, AXIS, in, &axis, err));
    node->shape = in[0];
    for (size_t k = 1; k < node->n_inputs; k++) {
        fed_shape other = in[k];
        if (other.rank == in[0].rank) other.dim[axis] = in[0].dim[axis];
        if (!fed_shape_equal(&other, &in[0]))
            return fed_fail(err, FED_E_INVALID,
                            "inputs: %s and %s differ beside axis %zu",
                            fed_shape_text(&in[0], a, sizeof a),
                            fed_shape_text(&in[k], b, sizeof b), axis);
        node->shape.dim[axis] += in[k].dim[axis];
    }
    node->n[BEFORE] = fed_axis_before(in, axis);
    for (size_t k = 0; k < node->n_inputs; k++)
        node->part[k] = in[k].dim[axis] * fed_axis_behind(in, axis);
    node->n[ROW] = node->shape.dim[axis] * fed_axis_behind(in, axis);
    return FED_OK;
}

static void forward(const fed_call *call)
{
    const fed_node *node = call->node;
    size_t rows = call->batch * node->n[BEFORE], at = 0;
    for (size_t k = 0; k < node->n_inputs; at += node->part[k++])
        for (size_t i = 0; i < rows; i++)
            memcpy(call->y + i * node->n[ROW] + at, call->x[k] + i * node->part[k],
                   node->part[k] * sizeof(float));
}

static void backward(const fed_call *call)
{
    const fed_node *node = call->node;
    size_t rows = call->batch * node->n[BEFORE], at = 0;
    for (size_t k = 0; k < node->n_inputs; at += node->part[k++])
        for (size_t i = 0; call->dx[k] && i < rows; i++)
            memcpy(call->dx[k] + i * node->part[k], call->dy + i * node->n[ROW] + at,
                   node->part[k] * sizeof(float));
}

const fed_op_row FED_ROW(concat) = {
    .op = {"concat", "inputs one behind the other along an axis", FED_OP_LAYER, attrs, 1,
           2, FED_INPUTS_MAX, FED_TARGET_NONE},
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
