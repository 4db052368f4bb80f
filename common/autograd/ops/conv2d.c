/* conv2d: convolution over height and width; groups = channels makes it depthwise. */
#include "activation.h"
#include "convolution.h"

static const fed_attr attrs[] = {
    {"filters", FED_ATTR_INT, true, 1, 1 << 16, 0, NULL, 0, "output channels"},
    {"kernel", FED_ATTR_INTS, true, 1, 1024, 0, NULL, 2, "size, or height and width"},
    {"stride", FED_ATTR_INTS, false, 1, 1024, 1, NULL, 2,
     "step, or steps down and across"},
    FED_ATTR_PADDING,
    FED_ATTR_PAD(2),
    {"groups", FED_ATTR_INT, false, 1, 1 << 16, 1, NULL, 0, "independent channel groups"},
    {"bias", FED_ATTR_BOOL, false, 0, 1, 1, NULL, 0, "add a bias"},
    FED_ATTR_ACTIVATION,
};

static fed_status infer(fed_node *node, const fed_shape *in, fed_error *err)
{
    char text[64];
    if (in->rank != 3)
        return fed_fail(err, FED_E_INVALID, "input: %s is not height x width x channels",
                        fed_shape_text(in, text, sizeof text));
    FED_TRY(fed_convolution_infer(node, in, err));
    const fed_window *w = &node->window;
    node->shape = fed_shape3(w->out_h, w->out_w, w->out_c);
    return FED_OK;
}

const fed_op_row FED_ROW(conv2d) = {
    .op = {"conv2d", "convolution over height and width", FED_OP_LAYER, attrs,
           sizeof attrs / sizeof *attrs, 1, 1, FED_TARGET_NONE},
    .flags = FED_TAKES_RELU,
    .infer = infer,
    .forward = fed_convolution_forward,
    .backward = fed_convolution_backward,
};
