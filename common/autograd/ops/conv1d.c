/* conv1d: convolution over the steps of a sequence [steps][channels]. */
#include "activation.h"
#include "convolution.h"

static const fed_attr attrs[] = {
    {"filters", FED_ATTR_INT, true, 1, 1 << 16, 0, NULL, 0, "output channels"},
    {"kernel", FED_ATTR_INTS, true, 1, 1024, 0, NULL, 1, "size"},
    {"stride", FED_ATTR_INTS, false, 1, 1024, 1, NULL, 1, "step"},
    FED_ATTR_PADDING,
    FED_ATTR_PAD(1),
    {"groups", FED_ATTR_INT, false, 1, 1 << 16, 1, NULL, 0, "independent channel groups"},
    {"bias", FED_ATTR_BOOL, false, 0, 1, 1, NULL, 0, "add a bias"},
    FED_ATTR_ACTIVATION,
};

static fed_status infer(fed_node *node, const fed_shape *in, fed_error *err)
{
    char text[64];
    if (in->rank != 2)
        return fed_fail(err, FED_E_INVALID, "input: %s is not steps x channels",
                        fed_shape_text(in, text, sizeof text));
    FED_TRY(fed_convolution_infer(node, in, err));
    node->shape = fed_shape2(node->window.out_w, node->window.out_c);
    return FED_OK;
}

const fed_op_row FED_ROW(conv1d) = {
    .op = {"conv1d", "convolution over the steps of a sequence", FED_OP_LAYER, attrs,
           sizeof attrs / sizeof *attrs, 1, 1, FED_TARGET_NONE},
    .flags = FED_TAKES_RELU,
    .infer = infer,
    .forward = fed_convolution_forward,
    .backward = fed_convolution_backward,
};
