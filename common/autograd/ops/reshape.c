/* flatten, reshape: the same values under another shape; nothing is copied. */
#include "op.h"

enum { SHAPE };

static const fed_attr reshape_attrs[] = {
    {"shape", FED_ATTR_INTS, true, 1, 1 << 30, 0, NULL, FED_RANK_MAX, "the new shape"},
};

static fed_status flatten_infer(fed_node *node, const fed_shape *in, fed_error *err)
{
    (void)err;
    node->shape = fed_shape1(fed_shape_count(in));
    return FED_OK;
}

static fed_status reshape_infer(fed_node *node, const fed_shape *in, fed_error *err)
{
    const fed_attr_value *shape = &node->attrs[SHAPE];
    char from[64], to[64];
    node->shape.rank = shape->n_items;
    for (size_t i = 0; i < shape->n_items; i++)
        node->shape.dim[i] = (size_t)shape->items[i];
    if (fed_shape_count(&node->shape) == fed_shape_count(in)) return FED_OK;
    return fed_fail(err, FED_E_INVALID,
                    "shape: %s has not as many elements as the input, %s",
                    fed_shape_text(&node->shape, to, sizeof to),
                    fed_shape_text(in, from, sizeof from));
}

const fed_op_row FED_ROW(flatten) = {
    .op = {"flatten", "all dimensions become one", FED_OP_LAYER, NULL, 0, 1, 1,
           FED_TARGET_NONE},
    .flags = FED_VIEW,
    .infer = flatten_infer,
};

const fed_op_row FED_ROW(reshape) = {
    .op = {"reshape", "another shape for the same values", FED_OP_LAYER, reshape_attrs, 1,
           1, 1, FED_TARGET_NONE},
    .flags = FED_VIEW,
    .infer = reshape_infer,
};
